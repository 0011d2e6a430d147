# SPDX-License-Identifier: MIT
"""What is thought of other servers' mail: SPF, DKIM, ARC and DMARC over a DNS of
our own, what follows from them, and how it can be read.  Peers come from any
address by a PROXY header; signatures are made by python3-dkim."""
import base64
import contextlib
import email
import email.policy
import itertools
import re
import smtplib
import sqlite3
import subprocess
import time

import dkim
import nacl.signing
import pytest

from pennypost import Server, StubDns, wait_for
from remote import Remote, free_port

GOOD, BAD = "192.0.2.1", "203.0.113.66"  # of pass.test and others; of attack.test
NUMBERS = itertools.count(1)


# ---- keys and zone

def make_rsa():
    secret = subprocess.run(["openssl", "genrsa", "-traditional", "2048"], check=True,
                            capture_output=True).stdout
    public = subprocess.run(["openssl", "rsa", "-pubout", "-outform", "DER"], input=secret,
                            check=True, capture_output=True).stdout
    return secret, base64.b64encode(public).decode()


RSA, RSA_RECORD = make_rsa()
ED = nacl.signing.SigningKey.generate()
ED_SECRET = base64.b64encode(bytes(ED))
ED_RECORD = base64.b64encode(bytes(ED.verify_key)).decode()


def txt(text):
    """As master files write it: strings of at most 255 octets."""
    return " ".join('"' + text[i:i + 250] + '"' for i in range(0, len(text), 250))


def keys(domain):
    return [[f"r._domainkey.{domain}", "TXT", txt(f"v=DKIM1; k=rsa; p={RSA_RECORD}")],
            [f"e._domainkey.{domain}", "TXT", txt(f"v=DKIM1; k=ed25519; p={ED_RECORD}")]]


def domain(name, spf, dmarc):
    records = [[name, "TXT", txt(f"v=spf1 {spf}")], *keys(name)]
    if dmarc:
        records.append([f"_dmarc.{name}", "TXT", txt(f"v=DMARC1; {dmarc}")])
    return records


ZONE = [
    ["1.2.0.192.in-addr.arpa", "PTR", "mx.pass.test."],
    ["mx.pass.test", "A", GOOD],
    *domain("pass.test", f"ip4:{GOOD} -all", "p=reject"),
    *domain("legit.test", "ip4:198.51.100.7 -all", "p=reject"),
    *domain("quarantine.test", "-all", "p=quarantine"),
    *domain("attack.test", f"ip4:{BAD} -all", None),
    *domain("plain.test", "-all", None),
    *domain("sealer.test", f"ip4:{GOOD} -all", None),
    *domain("d.test", "-all", "p=reject"),
    ["half.test", "TXT", txt("v=spf1 -all")],
    ["any.legit.test", "TXT", txt("v=spf1 -all")],
    ["_dmarc.slow.test", "TXT", txt("v=DMARC1; p=reject")],
    ["slow.test", "TXT", txt("v=spf1 include:down.test -all")],
]
BEHAVIOURS = {"down.test": "servfail", "r._domainkey.down.test": "servfail"}
SETTINGS = {"policy.exempt": "none", "policy.proxies": "127.0.0.0/8", "policy.greylist": "no",
            "policy.dnsbl": "none", "policy.dns_time": "20s", "smtp.greet_delay": "0s",
            "policy.trusted_sealers": "sealer.test", "policy.connection_rate": "100000",
            "policy.message_rate": "100000"}


# ---- talking

class Peer(smtplib.SMTP):
    """A client that is at any address, by way of a proxy."""

    def __init__(self, server, ip, helo="mx.pass.test", door="smtp"):
        self.ip = ip
        super().__init__(server.host, server.ports[door], local_hostname=helo, timeout=120)
        self.ehlo()

    def _get_socket(self, host, port, timeout):
        sock = super()._get_socket(host, port, timeout)
        if self.ip:
            sock.sendall(f"PROXY TCP4 {self.ip} 127.0.0.1 4000 25\r\n".encode())
        return sock


def send(server, raw, ip=GOOD, sender="ann@pass.test", to="bob@d.test", helo="mx.pass.test"):
    """(code, text) of the first refusal, or of the end of data."""
    with Peer(server, ip, helo) as client:
        for line in (f"MAIL FROM:<{sender}>", f"RCPT TO:<{to}>"):
            code, text = client.docmd(line)
            if code != 250:
                return code, text.decode()
        code, text = client.data(raw)
        return code, text.decode()


def submit(server, user, to, raw):
    with Peer(server, GOOD, door="submission") as client:
        client.starttls(context=server.tls())
        client.login(user, server.password(user))
        client.mail(user)
        client.rcpt(to)
        code, text = client.data(raw)
        assert code == 250, text
        return text.decode()


def message(author="Ann <ann@pass.test>", extra=b"", body=b"Hello.\r\n"):
    n = next(NUMBERS)
    return (b"From: " + author.encode() + b"\r\nTo: bob@d.test\r\nSubject: number %d\r\n" % n +
            b"Date: Sun, 22 Nov 2026 10:00:00 +0000\r\nMessage-ID: <%d@pass.test>\r\n" % n +
            extra + b"\r\n" + body)


def signed(raw, domain, kind="rsa", **more):
    if kind == "rsa":
        field = dkim.sign(raw, b"r", domain.encode(), RSA, **more)
    else:
        field = dkim.sign(raw, b"e", domain.encode(), ED_SECRET,
                          signature_algorithm=b"ed25519-sha256", **more)
    return field + raw


def arrived(server, raw, mailbox="INBOX", user="bob@d.test"):
    """The stored message with the Message-ID of raw, or None."""
    wanted = re.search(rb"(?im)^Message-ID: (<.*>)\r$", raw)[1].decode()
    client = server.imap(user)
    try:
        assert client.select(mailbox, readonly=True)[0] == "OK"
        found = client.search(None, "HEADER", "Message-ID", f'"{wanted}"')[1][0].split()
        if not found:
            return None
        assert len(found) == 1
        return client.fetch(found[0], "(BODY[])")[1][0][1]
    finally:
        client.logout()


def fields(raw, name):
    parsed = email.message_from_bytes(raw, policy=email.policy.compat32)
    return [re.sub(r"\r?\n[ \t]*", " ", value) for value in parsed.get_all(name, [])]


def results(raw, host):
    """What our one Authentication-Results says: {method: [result...]}."""
    ours = [v for v in fields(raw, "Authentication-Results")
            if re.match(rf"\s*{re.escape(host)}\s*;", v)]
    assert len(ours) == 1, ours
    found = {}
    # quoted strings and comments are no methods
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', '""', ours[0])
    bare = re.sub(r"\((?:[^()\\]|\\.)*\)", "", bare)
    for part in bare.split(";")[1:]:
        method, _, result = part.split()[0].partition("=")
        found.setdefault(method, []).append(result)
    return found


def id_of(text):
    return re.search(r"(?:queued as |\(id )([0-9a-z]{13})", text)[1]


def explain(server, text):
    """What a refusal was for is written behind the reply: wait for it."""
    wait_for(lambda: server.ctl("explain", id_of(text), check=False).returncode == 0,
             what="the journey")
    got = server.ctl("explain", id_of(text), "--json")["messages"]
    assert len(got) == 1
    return got[0]


def check(explained, name):
    return [c for c in explained["checks"] if c["check"] == name]


@pytest.fixture(scope="module")
def dns():
    with StubDns(ZONE, BEHAVIOURS) as stub:
        yield stub


@pytest.fixture(scope="module")
def bob(dns):
    with Server(dns=dns.forward, settings=SETTINGS) as server:
        yield server


@pytest.fixture(scope="module")
def host(bob):
    with Peer(bob, GOOD) as client:
        return client.ehlo()[1].split()[0].decode()


# ---- verdicts

def test_pass(bob, host):
    raw = signed(signed(message(), "pass.test"), "pass.test", "ed25519")
    code, text = send(bob, raw)
    assert code == 250, text
    stored = arrived(bob, raw)
    assert results(stored, host) == {"iprev": ["pass"], "spf": ["pass"], "dkim": ["pass", "pass"],
                                     "arc": ["none"], "dmarc": ["pass"]}
    # Return-Path, Received, our results, and then what came, octet by octet
    assert stored.endswith(raw)
    assert [line.split(b":")[0] for line in stored[:-len(raw)].split(b"\r\n")
            if line[:1] not in (b"", b"\t", b" ")] == [
                b"Return-Path", b"Received", b"Authentication-Results"]
    told = explain(bob, text)
    assert told["judged"] and told["author"] == "ann@pass.test" and told["domain"] == "pass.test"
    assert [c["result"] for c in check(told, "dkim")] == ["pass", "pass"]
    assert "d=pass.test" in check(told, "dkim")[0]["inputs"]
    assert check(told, "spf")[0]["why"].startswith(f"ip4:{GOOD}")
    assert check(told, "decision")[0]["result"] == "accept"
    hops = bob.ctl("journey", id_of(text), "--json")["journeys"][0]["hops"]
    assert [h["what"] for h in hops] == ["received", "judged", "delivered"]
    assert "dmarc=pass" in hops[1]["detail"] and hops[1]["detail"].endswith("-> accepted")


def test_reject(bob):
    raw = message("Admin <admin@legit.test>")
    code, text = send(bob, raw, BAD, "x@attack.test", helo="mx.attack.test")
    assert code == 550 and text.startswith("5.7.1 "), text
    assert arrived(bob, raw) is None and arrived(bob, raw, "Junk") is None
    told = explain(bob, text)
    assert told["code"] == 550
    assert check(told, "dmarc")[0]["result"] == "fail"
    decision = check(told, "decision")[0]
    assert (decision["result"], decision["setting"]) == ("refuse", "policy.dmarc_reject=yes")
    hops = bob.ctl("journey", id_of(text), "--json")["journeys"][0]["hops"]
    assert [h["what"] for h in hops] == ["received", "judged", "refused"]
    assert hops[2]["code"] == 550
    # the same by its Message-ID, and for people
    wanted = re.search(rb"Message-ID: (<.*>)", raw)[1].decode()
    words = bob.ctl("explain", wanted).stdout
    assert "policy.dmarc_reject=yes" in words and "x@attack.test" in words
    columns = [line.index("refuse") for line in words.splitlines() if line.startswith("  decision")]
    assert columns == [14]


def test_signature_alone_is_enough(bob, host):
    """Forwarded: SPF fails, the author's signature still stands."""
    raw = signed(message("Admin <admin@legit.test>"), "legit.test")
    assert send(bob, raw, BAD, "admin@legit.test")[0] == 250
    assert results(arrived(bob, raw), host)["dmarc"] == ["pass"]
    broken = raw.replace(b"Hello.", b"Hullo.")
    code, text = send(bob, broken, BAD, "admin@legit.test")
    assert code == 550
    assert check(explain(bob, text), "dkim")[0]["result"] == "fail"


def test_quarantine(bob, host):
    raw = message("q <q@quarantine.test>")
    code, text = send(bob, raw, BAD, "x@attack.test")
    assert code == 250
    assert arrived(bob, raw) is None
    stored = arrived(bob, raw, "Junk")
    assert results(stored, host)["dmarc"] == ["fail"]
    hops = bob.ctl("journey", id_of(text), "--json")["journeys"][0]["hops"]
    assert hops[-1]["what"] == "delivered" and hops[-1]["detail"] == "Junk"


def test_spf_fail_alone(bob):
    raw = message("p <p@plain.test>")
    code, text = send(bob, raw, BAD, "p@plain.test")
    assert code == 250 and arrived(bob, raw, "Junk")
    assert check(explain(bob, text), "decision")[0]["setting"] == "policy.spf_fail=junk"


def test_temporary_errors_defer(bob):
    """A125: neither refused nor let pass."""
    raw = message("s <s@slow.test>")
    code, text = send(bob, raw, BAD, "s@slow.test")
    assert code == 451 and text.startswith("4.7."), text
    assert arrived(bob, raw) is None
    assert check(explain(bob, text), "decision")[0]["result"] == "defer"


def test_dead_dns():
    """Nobody answers: nothing is accepted as pass, and it ends by itself."""
    with StubDns([], {name: "drop" for name in
                      ("legit.test", "_dmarc.legit.test", "test", "_dmarc.test",
                       "r._domainkey.legit.test", "66.113.0.203.in-addr.arpa")}) as dead, \
            Server(dns=dead.forward, settings={**SETTINGS, "policy.dns_time": "1s"}) as server:
        for raw in (message("a <a@legit.test>"), signed(message("a <a@legit.test>"), "legit.test")):
            code, text = send(server, raw, BAD, "a@legit.test")
            assert code == 451 and text.startswith("4.7."), text
            assert arrived(server, raw) is None


def test_refusals_do_not_fill_the_disk(dns):
    """500 an hour of one address are kept, more are only in the log."""
    def refuse(ip, n):
        with Peer(server, ip) as client:
            for _ in range(n):
                assert client.docmd("MAIL FROM:<x@attack.test>")[0] == 250
                assert client.docmd("RCPT TO:<bob@d.test>")[0] == 250
                code, text = client.data(b"Subject: of nobody\r\n\r\nx\r\n")
                assert code == 550, text
        return text.decode()

    def kept():
        with contextlib.closing(sqlite3.connect(server.dir / "store/mail.db")) as db:
            return db.execute("SELECT count(*) FROM journey").fetchone()[0]

    with Server(dns=dns.forward, settings=SETTINGS) as server:
        begun = time.monotonic()
        refuse(BAD, 600)
        hours = (time.monotonic() - begun) / 3600
        others = []  # as before, behind all of those; while many are on their way to a slow disk one is only logged

        def is_kept():
            others.append(id_of(refuse("198.51.100.99", 1)))
            return server.ctl("explain", others[-1], check=False).returncode == 0 or time.sleep(0.2)

        wait_for(is_kept, what="the journey")
        assert kept() <= 500 + 500 * hours + 1 + len(others)


def test_own_domain(bob):
    """A126: nobody is one of us without having logged in."""
    for sender, author in (("ceo@d.test", "ceo@d.test"), ("x@attack.test", "ceo@d.test"),
                           ("ceo@d.test", "x@attack.test"), ("", "The CEO <ceo@d.test>")):
        code, text = send(bob, message(author), BAD, sender)
        assert code == 550 and text.startswith("5.7.1"), (sender, author, text)


def test_exempt():
    """By default loopback is: nothing is asked, nothing is added."""
    with Server(settings={"policy.dnsbl": "none"}) as server:
        raw = message("ceo@d.test", b"Authentication-Results: other.test; spf=pass\r\n")
        code, text = send(server, raw, None, "ceo@d.test")
        assert code == 250
        stored = arrived(server, raw)
        assert stored.endswith(raw) and len(fields(stored, "Authentication-Results")) == 1
        assert explain(server, text)["judged"] is False
        assert "Not judged" in server.ctl("explain", id_of(text)).stdout
        hops = server.ctl("journey", id_of(text), "--json")["journeys"][0]["hops"]
        assert [h["what"] for h in hops] == ["received", "delivered"]
        # but what pretends to be ours goes all the same
        host = fields(stored, "Received")[0].split(" by ")[1].split()[0]
        raw = message(extra=b"Authentication-Results: %s; dmarc=pass\r\n" % host.encode())
        assert send(server, raw, None)[0] == 250
        assert b"Authentication-Results" not in arrived(server, raw)


def test_settings(dns):
    """Each of them changes what it says it does."""
    settings = {**SETTINGS, "policy.dmarc_reject": "no", "policy.spf_fail": "refuse",
                "policy.received_spf": "yes", "policy.trusted_sealers": ""}
    with Server(dns=dns.forward, settings=settings) as server:
        raw = message("Admin <admin@legit.test>")
        code, text = send(server, raw, BAD, "x@attack.test")
        assert code == 250 and arrived(server, raw, "Junk")
        assert check(explain(server, text), "decision")[0]["setting"] == "policy.dmarc_reject=no"
        code, text = send(server, message("p <p@plain.test>"), BAD, "p@plain.test")
        assert code == 550 and text.startswith("5.7.23 "), text
        assert check(explain(server, text), "decision")[0]["setting"] == "policy.spf_fail=refuse"
        raw = message()
        assert send(server, raw, sender='"a b"@pass.test')[0] == 250
        got = fields(arrived(server, raw), "Received-SPF")
        assert len(got) == 1 and got[0].startswith("pass ")
        assert 'client-ip="192.0.2.1"' in got[0] and 'envelope-from="\\"a b\\"@pass.test"' in got[0]
        sealed = arc_sealed(message("Admin <admin@legit.test>"))
        assert send(server, sealed, GOOD, "list@sealer.test")[0] == 250
        assert arrived(server, sealed) is None and arrived(server, sealed, "Junk")


def test_settings_that_make_no_sense():
    with pytest.raises(AssertionError, match="maybe.*accept, junk and refuse"):
        Server(settings={"policy.spf_fail": "maybe"}).start()


# ---- forwarders

def arc_sealed(raw):
    """As sealer.test passes it on: it says that DMARC passed there."""
    said = (b"Authentication-Results: sealer.test; dmarc=pass header.from=legit.test;\r\n"
            b"\tspf=pass smtp.mailfrom=legit.test\r\n")
    fields = dkim.arc_sign(said + raw, b"r", b"sealer.test", RSA, b"sealer.test")
    return b"".join(fields) + raw


def test_trusted_sealer(bob, host):
    raw = arc_sealed(message("Admin <admin@legit.test>"))
    code, text = send(bob, raw, GOOD, "list@sealer.test")
    assert code == 250, text
    found = results(arrived(bob, raw), host)
    assert found["arc"] == ["pass"] and found["dmarc"] == ["fail"]
    assert check(explain(bob, text), "decision")[0]["setting"] == "policy.trusted_sealers"
    # a seal that does not hold is worth nothing
    code, text = send(bob, raw.replace(b"Hello.", b"Hullo."), GOOD, "list@sealer.test")
    assert code == 550


# ---- forged results

@pytest.mark.parametrize("spelling", [
    "Authentication-Results: {host}; dkim=pass header.d=legit.test\r\n" * 3,
    "AUTHENTICATION-RESULTS : {host};dkim=pass header.d=legit.test\r\n",
    "Authentication-Results:\r\n {host};\r\n\tdkim=pass header.d=legit.test\r\n",
    "Authentication-Results: (x) {host} 1; dkim=pass header.d=legit.test\r\n",
    "Authentication-Results: \"{host}\"; dkim=pass header.d=legit.test\r\n",
    "Received-SPF: pass (forged) receiver={host}\r\n",
    "Authentication-Results: {host}; dkim=pass header.d=legit.test\r\n" * 3 +
    "AUTHENTICATION-RESULTS : {host};dkim=pass header.d=legit.test\r\n"
    "Authentication-Results:\r\n {host};\r\n\tdkim=pass header.d=legit.test\r\n"
    "Authentication-Results: (x) {host}; dkim=pass header.d=legit.test\r\n"
    "ARC-Authentication-Results: i=1; {host}; dkim=pass header.d=legit.test\r\n"
    "Received-SPF: pass ({host}: forged)\r\n",
])
def test_forged_results(bob, host, spelling):
    """A118: ours is the only one in our name, and on top."""
    raw = message(extra=spelling.format(host=host).encode() +
                  b"Authentication-Results: other.test; dkim=pass header.d=legit.test\r\n")
    assert send(bob, raw)[0] == 250
    stored = arrived(bob, raw)
    assert results(stored, host)["dkim"] == ["none"]
    assert host not in fields(stored, "Authentication-Results")[1]
    assert len(fields(stored, "Authentication-Results")) == 2
    assert "forged" not in stored.decode()


def test_forged_results_of_users(bob, host):
    raw = message("bob@d.test", b"Authentication-Results: %s; dkim=pass\r\n" % host.encode())
    submit(bob, "bob@d.test", "alice@d.test", raw)
    assert not fields(arrived(bob, raw, user="alice@d.test"), "Authentication-Results")


@pytest.mark.parametrize("sender,helo", [
    ('"x; dkim=pass header.d=legit.test"@attack.test', "mx.attack.test"),
    ('"x\\"; dkim=pass (\\\\"@attack.test', "mx.attack.test"),
    ("x@attack.test", "x;dmarc=pass"),
    ("", "x;dmarc=pass"),
])
def test_envelope_writes_no_results(bob, host, sender, helo):
    """A119"""
    raw = message("x <x@attack.test>")
    code, text = send(bob, raw, BAD, sender, helo=helo)
    if code == 250:
        found = results(arrived(bob, raw) or arrived(bob, raw, "Junk"), host)
        assert found["dkim"] == ["none"] and found["dmarc"] == ["none"]
    else:
        assert code in (501, 503, 550, 553), text  # 503: EHLO was none


# ---- whose message is it?

def two(*froms):
    return message().replace(b"From: Ann <ann@pass.test>\r\n", b"".join(froms))


AUTHORS = {  # A111 to A114
    "two": (b"From: <a@attack.test>\r\n", b"From: <admin@legit.test>\r\n"),
    "two, small": (b"from: <a@attack.test>\r\n", b"FROM: <admin@legit.test>\r\n"),
    "indented": (b" From: <a@attack.test>\r\n", b"From: <admin@legit.test>\r\n"),
    "blank before the colon": (b"From : <admin@legit.test>\r\n",),
    "both": (b"From: <a@attack.test>\r\n", b"From : <admin@legit.test>\r\n"),
    "fold before the colon": (b"From\r\n : <admin@legit.test>\r\n",),
    "none, Sender": (b"Sender: <admin@legit.test>\r\n",),
    "none, Resent-From": (b"Resent-From: <admin@legit.test>\r\n",),
    "list": (b"From: <a@attack.test>, <admin@legit.test>\r\n",),
    "encoded, list": (b"From: =?utf-8?B?PGFkbWluQGxlZ2l0LnRlc3Q+?=,<second@attack.test>\r\n",),
    "route": (b"From: <@attack.test,@any.test:admin@legit.test>\r\n",),
    "backslash": (b"From: <admin@legit.test>\\,<x@attack.test>\r\n",),
    "bare, list": (b"From: admin@legit.test,<x@attack.test>\r\n",),
    "text behind": (b"From: <x@attack.test>admin@legit.test\r\n",),
    "empty": (b"From: \r\n",),
    "no domain": (b"From: admin\r\n",),
}


@pytest.mark.parametrize("name", AUTHORS)
def test_authors(bob, host, name):
    raw = two(*AUTHORS[name])
    with contextlib.suppress(dkim.DKIMException, IndexError):  # what it cannot sign
        raw = signed(raw, "attack.test")
    code, text = send(bob, raw, BAD, "a@attack.test", helo="mx.attack.test")
    if code == 250:
        stored = arrived(bob, raw) or arrived(bob, raw, "Junk")
        assert results(stored, host).get("dmarc", ["none"])[0] in ("fail", "none")
        assert "legit.test" not in " ".join(
            v for v in fields(stored, "Authentication-Results") if "dmarc=pass" in v)
    else:
        assert code in (550, 554) and text.startswith("5."), text


@pytest.mark.parametrize("raw", [b"", b"\r\n", b"\r\nbody\r\n", b"To: x@d.test", b":\r\n\r\n"])
def test_next_to_nothing(bob, raw):
    """No author, perhaps no header and no body."""
    code, text = send(bob, raw)
    assert code in (550, 554) and text.startswith("5."), text


@pytest.mark.parametrize("name", ["MAILER-DAEMON", "Mail Delivery Subsystem <MAILER-DAEMON>", "<>"])
def test_bounce_of_a_program_without_address(bob, name):
    """Old servers write so; nobody's address is in it, and only bounces may."""
    raw = message(name)
    assert send(bob, raw, sender="")[0] == 250
    assert b"dmarc=" not in arrived(bob, raw).split(b"\r\n\r\n")[0].split(b"From:")[0]
    code, text = send(bob, message(name))
    assert code == 550 and text.startswith("5.7.1 ")


def test_header_alone(bob, host):
    raw = message(body=b"")[:-2]
    assert send(bob, raw)[0] == 250
    assert results(arrived(bob, raw), host)["dmarc"] == ["pass"]


@pytest.mark.parametrize("sender", [
    "any@legit.test(a.attack.test", "any@legit.test'@any.attack.test", "(any@legit.test",
    "@legit.test,@any.test:'any@attack.test"])
def test_senders(bob, sender):
    """A115: the last has a source route, which is dropped (RFC 5321 s4.1.1.3), and
    what is left is no address of legit.test."""
    with Peer(bob, BAD) as client:
        code, text = client.docmd(f"MAIL FROM:<{sender}>")
        assert code in (501, 553) or (code == 250 and sender.startswith("@")), text


@pytest.mark.parametrize("tags", [
    b"d=legit.test'a.attack.test; s=r", b"d=legit.test(.attack.test; s=r", b"d=legit test; s=r",
    b"d=legit.test\r\n\t .attack.test; s=r", b"d=legit.test; s=r._domainkey.attack.test.%00.any",
    b"d=legit.test; s=a..b", b"d=legit.test; s=" + 64 * b"a", b"d=legit.test; s=" + 300 * b"a"])
def test_signature_names(bob, tags):
    """A116, A117"""
    forged = (b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; " + tags +
              b"; h=from; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\r\n")
    code, text = send(bob, forged + message("a <admin@legit.test>"), BAD, "x@attack.test")
    assert code == 550 and text.startswith("5.7.1"), text
    assert [c["result"] for c in check(explain(bob, text), "dkim")][0] in (
        "permerror", "neutral", "fail")


@pytest.mark.parametrize("length", [0, 4, 18446744073709551616])
def test_signed_in_part(bob, length):
    """A120: a signature over a part of the body is no proof."""
    raw = message("a <admin@legit.test>", body=b"Good\r\n")
    field = dkim.sign(raw, b"r", b"legit.test", RSA, length=True, canonicalize=(b"simple", b"simple"))
    whole = field + raw
    assert send(bob, whole, BAD, "x@attack.test")[0] == 250
    short = dkim.sign(raw.replace(b"Good\r\n", b"Good"[:length]), b"r", b"legit.test", RSA,
                      length=True, canonicalize=(b"simple", b"simple")) if length < 10 else \
        field.replace(b"l=6", b"l=%d" % length)
    code, text = send(bob, short + raw + b"and evil\r\n", BAD, "x@attack.test")
    assert code == 550 and text.startswith("5.7.1"), text


# ---- in our name

def published(server, name):
    """A dnsfunc for dkimpy: the keys that are to be published."""
    zone = server.ctl("domain", "dns", name).stdout
    records = {}
    for key in re.finditer(r"(?s)^(\S+\._domainkey\.\S+)\tIN\tTXT\t(.*?)(?:\n\n|\Z)", zone, re.M):
        records[key[1]] = "".join(re.findall(r'"([^"]*)"', key[2])).encode()
    assert len(records) == 2, zone
    return lambda asked, timeout=5: records.get(asked.decode() if isinstance(asked, bytes) else asked)


def test_signed_by_us(dns):
    with Server(dns=dns.forward) as server:
        server.ctl("domain", "rotate", "d.test")  # its first keys
        raw = message("bob@d.test", body=b"Hello  you \r\n\r\n" + b"x" * 300000 + b"\r\n\r\n")
        server.submit("bob@d.test", ["alice@d.test"], raw)
        stored = arrived(server, raw, user="alice@d.test")
        assert [line.split(b":")[0] for line in stored.split(b"\r\n\r\n")[0].split(b"\r\n")
                if line[:1] not in b"\t "][:5] == [
                    b"Return-Path", b"Received", b"DKIM-Signature", b"DKIM-Signature", b"From"]
        judge = dkim.DKIM(stored)
        for which in (0, 1):
            assert judge.verify(idx=which, dnsfunc=published(server, "d.test")), which
        # and a domain without keys sends as it always did
        raw = message("carol@e.test")
        server.submit("carol@e.test", ["alice@d.test"], raw)
        assert b"DKIM-Signature" not in arrived(server, raw, user="alice@d.test")


def test_forwarded(dns):
    """Sealed with what we found, from an address of ours, else as it came."""
    port = free_port("127.0.100.1")
    zone = [["elsewhere.test", "MX", "10 mx.elsewhere.test."], ["mx.elsewhere.test", "A", "127.0.100.1"]]
    with StubDns(ZONE + zone) as stub, contextlib.closing(Remote("127.0.100.1", port)) as remote, \
            Server(dns=stub.forward, settings={**SETTINGS, "relay.port": port}) as server:
        server.ctl("domain", "rotate", "d.test")
        server.ctl("alias", "add", "away@d.test", "ann@elsewhere.test")
        for n, raw in enumerate((signed(message(), "pass.test"), arc_sealed(message()))):
            code, text = send(server, raw, to="away@d.test")
            assert code == 250, text
            got = remote.got(n + 1)[n]
            assert got.sender.startswith("SRS0=") and got.sender.endswith("=pass.test=ann@d.test")
            assert got.content.endswith(raw)
            asked = published(server, "d.test")
            cv, results, reason = dkim.arc_verify(
                got.content, dnsfunc=lambda name, timeout=5: asked(name) or
                (f"v=DKIM1; p={RSA_RECORD}".encode() if b"sealer" in name else None))
            assert cv == b"pass" and len(results) == n + 1, (cv, results, reason)
            aar = fields(got.content, "ARC-Authentication-Results")[0]
            assert aar.startswith(f"i={n + 1}; mx.d.test;") and "dmarc=pass" in aar, aar
        bounces_find_their_way(server, got.sender)


def bounces_find_their_way(server, srs):
    """Back to who sent it, in any case; nothing else does."""
    bounce = signed(message("MAILER-DAEMON@pass.test"), "pass.test")
    for address in (srs, srs.upper().replace("@D.TEST", "@d.test")):
        code, text = send(server, bounce, sender="", to=address)
        assert code == 250, text
        hops = server.ctl("journey", id_of(text), "--json")["journeys"][0]["hops"]
        assert any(h["what"] == "queued" and h["recipient"].lower() == "ann@pass.test"
                   for h in hops), hops
    assert send(server, bounce, to=srs)[0] == 550
    for forged in (srs.replace("SRS0=", "SRS0=x"), "SRS0=@d.test", "SRS1=a=b==c@d.test"):
        code, text = send(server, bounce, sender="", to=forged)
        assert code == 550 and text.startswith("5.1.1"), text


# ---- patience

SILENT = {name: "drop" for name in ("attack.test", "_dmarc.legit.test", "66.113.0.203.in-addr.arpa")}


def test_many_signatures_and_slow_dns():
    """A121: eight are looked at, in the time there is."""
    slow = {f"r._domainkey.d{n}.test": {"delay": 60} for n in range(500)}
    one = b"DKIM-Signature: v=1; a=rsa-sha256; d=d%d.test; s=r; h=from;\r\n" \
          b"\tbh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\r\n"
    with StubDns(ZONE, slow) as dns, \
            Server(dns=dns.forward, settings={**SETTINGS, "policy.dns_time": "1s"}) as server:
        raw = b"".join(one % n for n in range(500)) + message("a <a@attack.test>")
        code, text = send(server, raw, BAD, "a@attack.test")
        assert code in (250, 451), text
        told = check(explain(server, text), "dkim")
        assert len(told) == 9 and "492 more" in told[8]["why"], told
        assert all(c["result"] != "pass" for c in told)


def test_stop_while_dns_is_silent():
    """Who waits is told something, and nothing is left behind."""
    settings = {**SETTINGS, "policy.dns_time": "20s"}
    with StubDns(ZONE, SILENT) as dns, Server(dns=dns.forward, settings=settings) as server:
        client = Peer(server, BAD)
        client.mail("x@attack.test")
        client.send(b"RCPT TO:<bob@d.test>\r\nDATA\r\n")
        other = Peer(server, BAD)  # and one that has gone away meanwhile
        other.mail("x@attack.test")
        other.send(b"RCPT TO:<bob@d.test>\r\n")
        other.close()
    client.close()
