# SPDX-License-Identifier: MIT
"""A170, A169: who gets to hear the password of a smarthost?  Only that server,
under TLS that is its own; other servers may claim what they like."""
import base64
import itertools
import pathlib

import pytest

from remote import waiting
from samples import everyday
from test_dane import never_mailed
from test_outbound_tls import ANY
from test_sts import BOB, Sts

OWN_SERVER = True
LOGIN, PASSWORD = "us@smart.test", "sesame-is-open-9"
names = itertools.count()
EHLO = "250-smart.test\r\n250-AUTH {}\r\n250 8BITMIME"
SECRETS = [PASSWORD.encode(), base64.b64encode(PASSWORD.encode()),
           base64.b64encode(f"\0{LOGIN}\0{PASSWORD}".encode()), base64.b64encode(LOGIN.encode())]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with Sts(tmp_path_factory.mktemp("papers")) as w:
        w.issuer = {}
        yield w


@pytest.fixture(autouse=True)
def tidy(world):
    yield
    world.bob.ctl("queue", "drop", "--all", check=False)
    log = world.bob.log_text().encode()
    assert not any(secret in log for secret in SECRETS)


def smart(world, mechanisms="PLAIN LOGIN"):
    """A smarthost that does all as it should, and a domain that goes there."""
    far = world.remote(replies={"EHLO": EHLO.format(mechanisms), "AUTH": auth})
    far.domain = f"s{next(names)}.test"
    far.heard = []
    far.paper = world.paper(far.name)
    far.tls = far.paper.files
    far.smarthost = f"{far.name}:{world.port}"
    return far


def auth(session, line):
    """PLAIN and LOGIN; what it heard."""
    def say(text):
        session.sock.sendall(text + b"\r\n")
        session.lines.append(session.read_until(b"\r\n"))
        return session.lines[-1]
    words = line.split()
    heard = [words[2] if len(words) > 2 else say(b"334 ")] if words[1] == b"PLAIN" else [
        say(b"334 VXNlcm5hbWU6"), say(b"334 UGFzc3dvcmQ6")]
    session.remote.heard.append((bool(session.tls), heard))
    return "235 2.7.0 welcome"


def use(world, far, tls="verify"):
    world.bob.ctl("smarthost", "add", far.domain, far.smarthost, "--tls", tls, "--login", LOGIN, input=PASSWORD + "\n")


def send(world, domain):
    address = f"x{next(names)}@{domain}"
    world.bob.submit(BOB, [address], everyday(f"login-{next(names)}", sender=BOB, to=address))
    return address


def never_told(far):
    for session in far.sessions:
        for line in session.lines:
            assert not line.upper().startswith(b"AUTH"), line
            assert not any(secret in line for secret in SECRETS), line
    assert not far.heard


@pytest.mark.parametrize("mechanisms", ["PLAIN LOGIN", "LOGIN", "XOAUTH2 GSSAPI PLAIN"])
def test_the_right_one_is_told(world, mechanisms):
    """That the others are not told means something."""
    far = smart(world, mechanisms)
    use(world, far)
    send(world, far.domain)
    far.got()
    (tls, heard), = far.heard
    assert tls and any(SECRETS[1] in h or SECRETS[2] in h for h in heard)


def is_waiting(world, far, address):
    row = waiting(world.bob, address)
    never_told(far)
    never_mailed(far)
    return row["last_reply"]


@pytest.mark.parametrize("how", ANY)
def test_downgrade(world, how):
    """No TLS, or that of somebody else: not a word of the login, nor of the mail;
    when it is put right, it goes."""
    far = smart(world)
    ANY[how](far, far.paper, world)
    if "EHLO" not in far.replies or how != "helo":
        far.replies["EHLO"] = EHLO.format("PLAIN LOGIN")  # offered in the clear too
    use(world, far)
    address = send(world, far.domain)
    is_waiting(world, far, address)
    far.tls = far.paper.files
    far.replies = {"EHLO": EHLO.format("PLAIN"), "AUTH": auth}
    far.got()
    assert [tls for tls, _ in far.heard] == [True] * len(far.heard) and far.heard


def test_tls_from_the_start_that_is_none(world):
    far = smart(world)
    use(world, far, "inside")
    is_waiting(world, far, send(world, far.domain))
    assert not any(s.lines for s in far.sessions)


@pytest.mark.parametrize("mechanisms", ["", "XOAUTH2 NTLM GSSAPI CRAM-MD5", "EXTERNAL ANONYMOUS", "PLAINTEXT LOGINS",
                                        "=PLAIN", "A" * 490], ids=range(6))
def test_mechanisms_that_we_have_not(world, mechanisms):
    far = smart(world, mechanisms)
    use(world, far)
    assert "log in" in is_waiting(world, far, send(world, far.domain))


REPLIES = {
    "refused": "535 5.7.8 no", "later": "454 4.7.0 later", "refused_for_good": "550 5.7.1 go away",
    "yes_at_once": "235 2.7.0 I know you", "data": "354 go on", "words": "334 not base64 at all!",
    "asks_for_ever": lambda session, line: ask_for_ever(session),
    "long_question": b"334 " + b"A" * 100000 + b"\r\n", "closes": lambda session, line: hang_up(session),
    "escapes": b"535 5.7.8 \x1b]0;owned\x07 no\r\n",
}


def ask_for_ever(session):
    for _ in range(1000):
        session.sock.sendall(b"334 \r\n")
        if session.read_until(b"\r\n").upper() == b"QUIT":
            break
    raise ConnectionError


def hang_up(session):
    raise ConnectionError


@pytest.mark.parametrize("name", REPLIES)
def test_replies_to_a_login(world, name):
    """The password itself is right, so it may be told; without a yes nothing is sent,
    and nothing comes back to its sender either."""
    far = smart(world, "LOGIN" if name in ("asks_for_ever", "words") else "PLAIN")
    far.replies["AUTH"] = REPLIES[name]
    use(world, far)
    address = send(world, far.domain)
    if name == "yes_at_once":
        far.got()
        return
    row = waiting(world.bob, address)
    assert row["state"] == "waiting" and not far.seen
    assert all(" " <= c <= "~" for c in row["last_reply"])
    assert sum(len(s.lines) for s in far.sessions) < 20 * (row["tries"] + 1)
    assert world.bob.fetch(BOB) == []


def test_not_without_a_policy_for_it(world):
    """A login wants a server that is verified; and mail that other servers take
    goes without."""
    far = smart(world)
    for tls in ("may", "none", "insecure"):
        got = world.bob.ctl("smarthost", "add", far.domain, far.smarthost, "--tls", tls, "--login", LOGIN,
                            input=PASSWORD + "\n", check=False)
        assert got.returncode != 0
    assert far.domain not in world.bob.ctl("smarthost", "list").stdout


@pytest.mark.parametrize("tls", [True, False])
def test_others_claim_auth(world, tls):
    """An MX that offers AUTH is told nothing, though there are passwords for others."""
    known = smart(world)
    use(world, known)
    far = smart(world)
    far.tls = far.paper.files if tls else None
    world.mx(far.domain, far.name)
    send(world, far.domain)
    far.got()
    never_told(far)


def test_its_own_name_only(world):
    """Another server at the smarthost's address, or one that DNS leads to: its
    certificate is for the name that a person has said."""
    far = smart(world)
    other = world.remote(replies=dict(far.replies))
    other.heard = []
    other.tls = world.paper(other.name).files
    world.record(f"alias-{far.name}", "CNAME", f"{other.name}.")
    far.smarthost = f"alias-{far.name}:{world.port}"
    use(world, far)
    address = send(world, far.domain)
    waiting(world.bob, address)
    never_told(other)
    never_mailed(other)


@pytest.mark.parametrize("mechanism", ["LOGIN", "PLAIN"])
def test_nobody_reads_it(world, mechanism):
    """Neither list, journey, dialogue nor the store of mail have the password."""
    far = smart(world, mechanism)
    far.replies["RCPT"] = "451 4.3.0 later"
    use(world, far)
    address = send(world, far.domain)
    id = waiting(world.bob, address)["id"]
    assert far.heard
    shown = "".join(world.bob.ctl(*args).stdout for args in (
        ["smarthost", "list"], ["journey", address], ["queue", "show", id], ["metrics"]))
    assert "***" in shown and LOGIN in shown
    mail = b"".join(p.read_bytes() for p in pathlib.Path(world.bob.dir).glob("store/mail.db*"))
    for secret in SECRETS[:3]:
        assert secret.decode() not in shown and secret not in mail
