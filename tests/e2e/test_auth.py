# SPDX-License-Identifier: MIT
"""Logging in: SCRAM over TLS, with and without binding, app passwords, and the
signatures that maild makes for those who may not see the keys."""
import base64
import concurrent.futures
import contextlib
import hashlib
import imaplib
import json
import os
import pathlib
import poplib
import shutil
import signal
import smtplib
import socket
import sqlite3
import ssl
import subprocess
import sys

import dkim
import dkim.crypto
import nacl.signing
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from pennypost import USERS, Server, wait_for  # noqa: E402
from scram import Client, b64  # noqa: E402

ALICE, BOB, CAROL = "alice@d.test", "bob@d.test", "carol@e.test"
ALL = {"smtp.mechanisms": "PLAIN LOGIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS"}
PATIENT = {**ALL, "limits.auth_failures": "100000", "limits.errors": "1000"}
PLUS = "SCRAM-SHA-256-PLUS"


@pytest.fixture(scope="module")
def server():
    with Server(settings=PATIENT) as server:
        yield server


@pytest.fixture
def client(server):
    with Client(server) as client:
        yield client


class Authority:
    """auth.sock itself, to be anybody from anywhere."""

    def __init__(self, server):
        self.path = str(pathlib.Path(server.ready["control"]).parent / "auth.sock")

    def ask(self, **question):
        return self.lines(json.dumps(question).encode())[0]

    def lines(self, *lines):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(120)
            s.connect(self.path)
            s.sendall(b"".join(line + b"\n" for line in lines))
            reader = s.makefile("rb")
            return [json.loads(reader.readline()) for _ in lines]

    def first(self, user, rip="192.0.2.1", **more):
        return self.ask(**{"op": "scram-first", "message": b64(f"n,,n={user},r=abc".encode()), "plus": False,
                           "offered": False, "rip": rip, "proto": "smtp", **more})

    def final(self, session, message="c=biws,r=abc,p=" + b64(bytes(32)), rip="192.0.2.1", **more):
        return self.ask(**{"op": "scram-final", "session": session, "message": b64(message.encode()),
                           "binding": "", "rip": rip, "proto": "smtp", **more})

    def salt(self, user):
        return self.challenge(self.first(user))[1:]

    @staticmethod
    def challenge(answer):
        return base64.b64decode(answer["message"]).split(b",")

    def guess(self, user, rip):
        """A wrong proof; the reason."""
        begun = self.first(user, rip)
        if not begun["ok"]:
            return begun["reason"]
        nonce = self.challenge(begun)[0].decode()
        return self.final(begun["session"], f"c=biws,{nonce},p={b64(bytes(32))}", rip)["reason"]

    def verify(self, user, password, rip, proto="smtp"):
        return self.ask(op="verify", user=user, password=password, rip=rip, proto=proto).get("reason", "good")


# ---- SCRAM


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", PLUS])
@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("at_once", [False, True])
def test_scram(server, mechanism, implicit, at_once):
    with Client(server, implicit) as client:
        assert client.mechanisms() == ALL["smtp.mechanisms"].split()
        assert client.login(BOB, server.password(BOB), mechanism, at_once=at_once) == 235
        assert client.say("AUTH PLAIN")[0] == 503
        client.send(BOB, ALICE)


def test_scram_of_every_spelling(server):
    for user in ("Bob@D.Test", "bob@d.test."):
        with Client(server) as client:
            assert client.login(user, server.password(BOB)) == 235
    with Client(server) as client:
        assert client.login(BOB, server.password(BOB), gs2=f"n,a={BOB},".encode()) == 235
    with Client(server) as client:  # who may act for another? nobody
        assert client.login(BOB, server.password(BOB), gs2=f"n,a={ALICE},".encode()) == 535


def test_scram_is_off_unless_asked_for():
    with Server() as server, Client(server) as client:
        assert client.mechanisms() == ["PLAIN", "LOGIN"]
        assert client.first(b"n,,n=bob@d.test,r=x")[0] == 504
        assert client.login(BOB, server.password(BOB), PLUS) == 504


def test_binding_needs_tls_1_3(server):
    """RFC 9266 s3: under 1.2 clients mean another binding."""
    with Client(server, version=ssl.TLSVersion.TLSv1_2) as client:
        assert PLUS not in client.mechanisms() and "SCRAM-SHA-256" in client.mechanisms()
        assert client.first(b"p=tls-exporter,,n=bob@d.test,r=x", PLUS)[0] == 504
        # the client can, and was told the truth
        assert client.login(BOB, server.password(BOB), gs2=b"y,,") == 235


def test_no_scram_in_clear(server):
    with smtplib.SMTP(server.host, server.ports["submission"], "c.test", timeout=60) as smtp:
        smtp.ehlo()
        assert "auth" not in smtp.esmtp_features
        assert smtp.docmd("AUTH SCRAM-SHA-256 " + b64(b"n,,n=bob@d.test,r=x"))[0] in (530, 538)
    with server.smtp() as smtp:
        assert "auth" not in smtp.esmtp_features
        assert smtp.docmd("AUTH SCRAM-SHA-256 " + b64(b"n,,n=bob@d.test,r=x"))[0] in (502, 503)


@pytest.mark.parametrize("user,password", [
    (BOB, "pw-bob-Xyz124"), (BOB, ""), (BOB, "pw-alice-Xyz123"), ("nobody@d.test", "pw-bob-Xyz123"),
    ("bob@far.test", "x"), ("bob", "pw-bob-Xyz123"), ("a=b,c", "x"), ("%u%n%s${x}", "x"), ("b" * 500, "x"),
    ("bob@d.test\tskip=1", "pw-bob-Xyz123"), ("J\u00fcrgen@d.test", "x")])
def test_wrong(server, client, user, password):
    assert client.login(user, password) == 535
    assert client.login(BOB, server.password(BOB)) == 235  # the next try is a new one


def test_channel_binding(server):
    """A088"""
    password = server.password(BOB)
    with Client(server) as one, Client(server) as other:
        assert one.exporter() != other.exporter()
        assert one.login(BOB, password, PLUS, binding=other.exporter()) == 535
        assert one.login(BOB, password, PLUS, binding=b"") == 535
    with Client(server) as client:
        assert client.login(BOB, password, PLUS, binding=client.exporter()[:-1]) == 535
        assert client.login(BOB, password, binding=client.exporter()) == 535  # not chosen
    with Client(server) as client:
        for gs2 in (b"n,,", b"y,,", b"p=tls-unique,,", b"p=tls-server-end-point,,", b"p=,,"):
            with Client(server) as each:
                assert 500 <= each.login(BOB, password, PLUS, gs2=gs2) < 600
        # somebody took -PLUS out of what the client was offered
        assert 500 <= client.login(BOB, password, gs2=b"y,,") < 600
        assert 500 <= client.login(BOB, password, gs2=b"p=tls-exporter,,") < 600
        assert client.login(BOB, password, PLUS) == 235


def test_the_text_of_a_binding_has_one_form(server):
    """A088: a newline in it, or another padding."""
    def change(old, new):
        def last(message):
            assert old in message
            return message.replace(old, new, 1)
        return last

    for last in (change(b"c=biws", b"c=bi\nws"), change(b"c=biws", b"c=biws===="),
                 change(b"c=biws", b"c=biw"), change(b"c=biws", b"c="), change(b"c=biws,", b""),
                 change(b"c=biws", b"c=eSws"), change(b"c=biws", b"c=biwt")):
        with Client(server) as client:
            assert 500 <= client.login(BOB, server.password(BOB), last=last) < 600

    def spoil(message):
        """Other bits in the last digit: the same octets (RFC 4648 s3.5)."""
        digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        head, comma, tail = message.partition(b",")
        assert head.endswith(b"==") and head[-3] in digits[::16]
        other = bytes([digits[digits.index(head[-3]) + 1]])
        assert base64.b64decode(head[2:]) == base64.b64decode(head[2:-3] + other + b"==")
        return head[:-3] + other + b"==" + comma + tail

    gs2 = b"n,a=bob@d.test.,"  # 16 octets: padded
    with Client(server) as client:
        assert 500 <= client.login("bob@d.test.", server.password(BOB), gs2=gs2, last=spoil) < 600
        assert client.login("bob@d.test.", server.password(BOB), gs2=gs2) == 235


@pytest.mark.parametrize("message", [
    b"", b"n", b"n,,n=alice", b"n,,r=x", b"p=,,n=a,r=x", b"n,,n=a=XX,r=x", b"n,,n=a=2c,r=x", b"n,,m=x,n=a,r=x",
    b"n,,n=a,r=x,m=y", b"n,,n=a,r=" + b"x" * 257, b"n,,n=\xff,r=x", b"n,,n=a,r=\x00", b"z,,n=a,r=x", b"\x00" * 50,
    b"n,,n=a,r=" + b"x" * 8000])
def test_malformed_first(server, message):
    """A087"""
    with Client(server) as client:
        assert 500 <= client.say("AUTH SCRAM-SHA-256 " + (b64(message) or "="))[0] < 600
        assert client.login(BOB, server.password(BOB)) == 235


@pytest.mark.parametrize("last", [
    lambda m: b"", lambda m: b"p", lambda m: b"p=", lambda m: b"p.a", lambda m: m[:-1], lambda m: m + b",",
    lambda m: m.replace(b",r=", b",r=x"), lambda m: m[:m.index(b",r=")] + m[m.index(b",p="):],
    lambda m: m.replace(b",p=", b",m=1,p="), lambda m: m + m[m.index(b",p="):],
    lambda m: m[:m.index(b",p=")], lambda m: m.replace(b",p=", b",x=" + b"y" * 9000 + b",p=")])
def test_malformed_last(server, last):
    with Client(server) as client:
        assert 500 <= client.login(BOB, server.password(BOB), last=last) < 600
        assert client.login(BOB, server.password(BOB)) == 235


def test_base64_of_scram(server):
    for line in ("AUTH SCRAM-SHA-256 !!!!", "AUTH SCRAM-SHA-256 YQ=b", "AUTH SCRAM-SHA-256 YWxpY2U"):
        with Client(server) as client:
            assert client.say(line)[0] == 501
            assert client.login(BOB, server.password(BOB)) == 235


def test_cancel(server):
    """A077"""
    with Client(server) as client:
        assert client.say("AUTH SCRAM-SHA-256")[0] == 334
        assert client.say("*")[0] == 501
        assert client.first(b"n,,n=bob@d.test,r=x")[0] == 334
        assert client.say("*")[0] == 501
        assert client.smtp.docmd("MAIL FROM:<bob@d.test>")[0] == 530
    with Client(server) as client:  # nothing of it is left behind, not even memory
        assert client.first(b"n,,n=bob@d.test,r=x")[0] == 334
        assert client.say("*")[0] == 501
        plain = b64(f"\0{ALICE}\0{server.password(ALICE)}".encode())
        assert client.say(f"AUTH PLAIN {plain}")[0] == 235
        client.send(ALICE, BOB)
    with Client(server) as client:  # so does a switch of mechanisms
        for mechanism in ("LOGIN", "PLAIN", "SCRAM-SHA-256"):
            assert client.say(f"AUTH {mechanism}")[0] == 334
            assert client.say("*")[0] in (501, 421)


def test_a_proof_without_its_end_lets_nobody_in(server):
    with Client(server) as client:
        say = client.say
        client.say = lambda line: say(line if line else "*")
        assert client.login(BOB, server.password(BOB)) == 501
        client.say = say
        assert client.smtp.docmd("MAIL FROM:<bob@d.test>")[0] == 530
        client.smtp.login(ALICE, server.password(ALICE))
        client.send(ALICE, BOB)


def test_replay(server):
    """What proved something once proves nothing again."""
    kept = []
    with Client(server) as client:
        assert client.login(BOB, server.password(BOB), last=lambda m: kept.append(m) or m) == 235
    with Client(server) as client:
        assert client.first(b"n,,n=bob@d.test,r=x")[0] == 334
        assert client.say(b64(kept[0]))[0] == 535


def test_disconnect(server):
    """A078: no slot is lost."""
    for n in range(50):
        with Client(server) as client:
            client.first(b"n,,n=bob@d.test,r=x")
            if n % 2:
                client.smtp.send(b64(b"c=biws,r=x,p=" + b64(bytes(32)).encode()) + "\r\n")
    with Client(server) as client:
        assert client.login(BOB, server.password(BOB)) == 235


def test_unknown_users_have_a_salt(tmp_path):
    """A082; RFC 5802 s5.1"""
    with Server(settings=PATIENT, dir=tmp_path / "dev") as server:
        authority = Authority(server)
        salts = {user: authority.salt(user) for user in ("nobody@d.test", "other@d.test", "x", BOB)}
        assert len({salt for salt, _ in salts.values()}) == 4
        assert len({count for _, count in salts.values()}) == 1
        assert all(len(base64.b64decode(salt[2:])) == 16 for salt, _ in salts.values())
        assert all(authority.salt(user) == salts[user] for user in salts)
        assert authority.salt("Nobody@D.test") == salts["nobody@d.test"]
    with Server(users={}, settings=PATIENT, dir=tmp_path / "dev") as server:
        authority = Authority(server)
        assert all(authority.salt(user) == salts[user] for user in salts)


def test_keys_of_an_old_account(tmp_path):
    """Accounts from before have a verifier only: a good password makes the rest."""
    with Server(settings=PATIENT, dir=tmp_path / "dev") as server:
        pass
    file, = (tmp_path / "dev").rglob("auth.db")
    with contextlib.closing(sqlite3.connect(file)) as db, db:
        assert db.execute("DELETE FROM scram").rowcount == 3
    with Server(users={}, settings=PATIENT, dir=tmp_path / "dev") as server:
        server.users = USERS

        def scram(user):
            with Client(server) as client:
                return client.login(user, USERS[user])
        before = Authority(server).salt(BOB)
        assert scram(BOB) == 535 and scram(ALICE) == 535
        assert Authority(server).salt(BOB) == before
        with server.submission(BOB):
            pass
        wait_for(lambda: scram(BOB) == 235, what="keys for SCRAM")
        assert scram(ALICE) == 535
        server.ctl("user", "passwd", ALICE, input=USERS[ALICE] + "\n")
        assert scram(ALICE) == 235


def test_what_changes_counts_at_once():
    """A086"""
    with Server(settings=PATIENT) as server:
        old = server.password(BOB)

        def passwd():
            server.ctl("user", "passwd", BOB, input="new-Xyz123\n")
        with Client(server) as client:  # in the middle of an exchange
            assert client.login(BOB, old, between=passwd) in (454, 535)
            assert client.login(BOB, old) == 535
            assert client.login(BOB, "new-Xyz123") == 235
        with Client(server) as client:
            assert client.login(BOB, "new-Xyz123", between=lambda: server.ctl("user", "disable", BOB)) in (454, 535)
            assert client.login(BOB, "new-Xyz123") == 535
        server.ctl("user", "enable", BOB)
        server.ctl("user", "remove", BOB, "--yes")
        with Client(server) as client:
            assert client.login(BOB, "new-Xyz123") == 535


def test_throttle():
    """A083, for SCRAM and passwords together."""
    with Server(settings={**ALL, "limits.auth_failures": "3"}) as server:
        authority = Authority(server)
        assert authority.guess(BOB, "192.0.2.1") == "bad"
        assert authority.verify(BOB, "guess", "192.0.2.1") == "bad"
        assert authority.guess("nobody@d.test", "192.0.2.1") == "bad"
        assert authority.guess(BOB, "192.0.2.1") == "throttled"
        assert authority.verify(BOB, server.password(BOB), "192.0.2.1") == "throttled"
        assert authority.first(ALICE, "192.0.2.1")["reason"] == "throttled"
        assert authority.guess(BOB, "192.0.2.2") == "bad"
        # begun before, proven too late
        begun = [authority.first(BOB, "192.0.2.3") for _ in range(5)]
        reasons = []
        for one in begun:
            nonce = authority.challenge(one)[0].decode()
            reasons.append(authority.final(one["session"], f"c=biws,{nonce},p={b64(bytes(32))}",
                                           "192.0.2.3")["reason"])
        assert reasons == ["bad"] * 3 + ["throttled"] * 2
        with Client(server) as client:
            assert [client.login(BOB, "x") for _ in range(3)] == [535] * 3
        with Client(server) as client:
            assert client.login(BOB, server.password(BOB)) == 454


def imaps_says(server, source, user, password):
    """What LOGIN over TLS from that address of ours is answered; None: closed before TLS."""
    tls = ssl.create_default_context()
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection((server.host, server.ports["imaps"]), 60, (source, 0)) as raw:
        try:
            with tls.wrap_socket(raw) as sock:
                lines = sock.makefile("rb")
                assert lines.readline().startswith(b"* OK")
                sock.sendall(f'a LOGIN "{user}" "{password}"\r\n'.encode())
                while (line := lines.readline()).startswith(b"* "):
                    pass
                return line.decode().split("]")[0].split("[")[-1] if line.startswith(b"a NO") else line[:4].decode()
        except (ConnectionError, ssl.SSLError):
            return None


def test_an_address_of_guesses_is_shut():
    """Before TLS, when it has been told often enough; not where somebody is at home, and not port 25."""
    with Server(settings={"limits.auth_failures": "3"}) as server:
        home, away = "127.0.0.8", "127.0.0.9"
        assert imaps_says(server, home, BOB, server.password(BOB)) == "a OK"
        said = [imaps_says(server, away, "nobody@d.test", f"guess{n}") for n in range(15)]
        assert said == ["AUTHENTICATIONFAILED"] * 3 + ["UNAVAILABLE"] * 10 + [None] * 2
        assert server.log_text().count("auth shut rip=127.0.0.9 ") == 1
        with socket.create_connection((server.host, server.ports["smtp"]), 60, (away, 0)) as sock:
            assert sock.recv(3) == b"220"
        said = [imaps_says(server, home, "nobody@d.test", f"guess{n}") for n in range(15)]
        assert said == ["AUTHENTICATIONFAILED"] * 3 + ["UNAVAILABLE"] * 12
        assert imaps_says(server, home, BOB, server.password(BOB)) == "a OK"
        assert "auth shut rip=127.0.0.8 " not in server.log_text()


def test_a_session_is_used_once_and_only_so_many_are_kept(server):
    authority = Authority(server)
    one, of_another = authority.first(BOB), authority.first(BOB, rip="198.51.100.1")
    assert one["session"] != of_another["session"]
    message = f"c=biws,{authority.challenge(one)[0].decode()},p={b64(bytes(32))}"
    assert authority.final(one["session"], message)["reason"] == "bad"
    assert authority.final(one["session"], message)["reason"] == "expired"
    first = authority.first(BOB)
    for _ in range(200):
        last = authority.first(BOB)
    assert authority.final(first["session"], message)["reason"] == "expired"
    assert authority.final(last["session"], message)["reason"] == "bad"
    # a flood from one address pushes out nobody else's
    assert authority.final(of_another["session"], message, rip="198.51.100.1")["reason"] == "bad"
    for session in ("", "x", "0" * 32, "0" * 33, "0" * 100000, "\0" * 32):
        assert authority.final(session)["reason"] == "expired"


GOOD = {"op": "verify", "user": BOB, "password": "pw-bob-Xyz123", "rip": "192.0.2.1", "proto": "pop3"}


@pytest.mark.parametrize("question", [
    {"op": "scram-first"}, {"op": "scram-first", "message": "!", "rip": "192.0.2.1"},
    {"op": "scram-first", "message": "biws", "rip": "nowhere"}, {"op": "scram-first", "message": 1, "rip": "192.0.2.1"},
    {"op": "scram-first", "message": b64(b"n,,n=a,r=" + b"x" * 5000), "rip": "192.0.2.1"},
    {"op": "scram-final"}, {"op": "scram-final", "session": "x", "message": "YQ==", "rip": "192.0.2.1"},
    {"op": "scram-final", "session": "x", "message": "YQ==", "rip": "192.0.2.1", "binding": "YQ=="*100},
    {"op": "scram-final", "session": 1, "message": "YQ==", "rip": "192.0.2.1", "binding": ""},
    {"op": "scram-final", "session": "x", "message": "YQ==", "rip": "", "binding": ""},
    {"op": "sign"}, {"op": "sign", "domain": "d.test", "selector": "r1", "digest": "YQ=="},
    {"op": "sign", "domain": "d.test", "selector": "r1", "digest": 1},
    {"op": "sign", "domain": "", "selector": "r1", "digest": b64(bytes(32))},
    {"op": "sign", "domain": "d.test", "selector": "r1 d", "digest": b64(bytes(32))},
    {"op": "sign", "domain": "d.test", "selector": "s" * 256, "digest": b64(bytes(32))},
    {"op": "sign", "domain": "d.test", "selector": "r\0", "digest": b64(bytes(32))}])
def test_questions_that_make_no_sense(server, question):
    bad, after = Authority(server).lines(json.dumps(question).encode(), json.dumps(GOOD).encode())
    assert bad["ok"] is False and bad["text"]
    assert after["ok"] is True


@pytest.mark.skipif(not shutil.which("msmtp"), reason="no msmtp")
def test_msmtp(server, tmp_path):
    """GNU SASL's client."""
    said = subprocess.run(["msmtp", "--version"], capture_output=True, text=True, check=True).stdout
    if "scram-sha-256" not in said.lower():
        pytest.skip("msmtp without SCRAM-SHA-256")
    conf = tmp_path / "msmtprc"
    conf.write_text(f"account default\nhost {server.host}\nport {server.ports['submission']}\n"
                    f"tls on\ntls_starttls on\ntls_trust_file {server.ca}\nauth scram-sha-256\n"
                    f"user {BOB}\npassword {server.password(BOB)}\nfrom {BOB}\n")
    conf.chmod(0o600)
    subprocess.run(["msmtp", "-C", str(conf), ALICE], input=b"From: bob@d.test\nSubject: s\n\nx\n",
                   check=True, timeout=120, env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"})


# ---- app passwords


def logins(server, user, password):
    """{protocols} that let them in."""
    good = set()
    with smtplib.SMTP_SSL(server.host, server.ports["submissions"], "c.test", context=server.tls(),
                          timeout=60) as smtp:
        with contextlib.suppress(smtplib.SMTPAuthenticationError):
            smtp.login(user, password)
            good.add("smtp")
    imap = server.imap(user, login=False)
    with contextlib.suppress(imaplib.IMAP4.error):
        imap.login(user, password)
        good.add("imap")
    imap.logout()
    pop = poplib.POP3_SSL(server.host, server.ports["pop3s"], context=server.tls(), timeout=60)
    with contextlib.suppress(poplib.error_proto):
        pop.user(user)
        pop.pass_(password)
        good.add("pop3")
    pop.quit()
    return good


def make(server, user, name, *more):
    return server.ctl("app-password", "add", user, name, *more).stdout.strip()


def listed(server, user):
    return {p["name"]: p for p in server.ctl("app-password", "list", user, "--json")["passwords"]}


def test_app_password(server):
    every = make(server, BOB, "telephone")
    assert len(every) == 29 and every.count("-") == 5
    assert logins(server, BOB, every) == {"smtp", "imap", "pop3"}
    for spelling in (every.upper(), every.replace("-", ""), every.replace("-", " ")):
        assert logins(server, BOB, spelling) == {"smtp", "imap", "pop3"}
    assert logins(server, ALICE, every) == set()
    assert logins(server, BOB, every[:-1] + ("a" if every[-1] != "a" else "b")) == set()
    assert logins(server, BOB, server.password(BOB)) == {"smtp", "imap", "pop3"}
    # SCRAM proves the account's own password only
    with Client(server) as client:
        assert client.login(BOB, every) == 535
    # who logs in with it is the account
    with smtplib.SMTP_SSL(server.host, server.ports["submissions"], "c.test", context=server.tls(),
                          timeout=60) as smtp:
        smtp.login("Bob@D.test", every)
        smtp.sendmail(BOB, [ALICE], "From: bob@d.test\r\n\r\nx\r\n")
    server.ctl("app-password", "remove", BOB, "telephone")
    assert logins(server, BOB, every) == set()
    assert every not in server.log_text() and every.replace("-", "") not in server.log_text()


@pytest.mark.parametrize("scope", ["smtp", "imap", "pop3", "imap,pop3", "SMTP, imap"])
def test_scope(server, scope):
    want = {word.strip().lower() for word in scope.split(",")}
    password = make(server, BOB, f"of {scope}", "--scope", scope)
    for _ in range(2):  # that it is wrong for one is not remembered for another
        assert logins(server, BOB, password) == want
    assert set(listed(server, BOB)[f"of {scope}"]["scope"]) == want
    server.ctl("app-password", "remove", BOB, f"of {scope}")
    assert logins(server, BOB, password) == set()


def test_last_use(server):
    password = make(server, ALICE, "tablet", "--scope", "imap")
    assert listed(server, ALICE)["tablet"]["used"] is None
    assert "tablet" in server.ctl("app-password", "list", ALICE).stdout
    logins(server, ALICE, password)
    used = wait_for(lambda: listed(server, ALICE)["tablet"] if listed(server, ALICE)["tablet"]["used"] else None,
                    what="the use to be noted")
    assert used["from"] == "127.0.0.1" and used["for"] == "imap" and used["used"].endswith(":00:00.000Z")
    assert "127.0.0.1" in server.ctl("app-password", "list", ALICE).stdout
    server.ctl("app-password", "remove", ALICE, "tablet")


def test_app_password_goes_with_what_it_opens():
    """A086"""
    with Server(settings=PATIENT) as server:
        password = make(server, BOB, "one")
        server.ctl("user", "passwd", BOB, input="new-Xyz123\n")
        assert "imap" in logins(server, BOB, password)
        server.ctl("user", "disable", BOB)
        assert logins(server, BOB, password) == set()
        server.ctl("user", "enable", BOB)
        assert "imap" in logins(server, BOB, password)
        server.ctl("user", "remove", BOB, "--yes")
        assert logins(server, BOB, password) == set()
        server.ctl("user", "add", BOB, input="other-Xyz123\n")
        assert logins(server, BOB, password) == set() and listed(server, BOB) == {}


def test_app_passwords_offline(tmp_path):
    """Made and removed while nothing runs."""
    with Server(settings=PATIENT, dir=tmp_path / "dev") as server:
        pass
    password = make(server, BOB, "one")
    with Server(settings=PATIENT, dir=tmp_path / "dev") as server:
        assert "imap" in logins(server, BOB, password)
    server.ctl("app-password", "remove", BOB, "one")
    with Server(settings=PATIENT, dir=tmp_path / "dev") as server:
        assert logins(server, BOB, password) == set()


def test_throttle_of_app_passwords():
    """Guesses in their form count like any; a good one is no guess."""
    with Server(settings={"limits.auth_failures": "3"}) as server:
        authority = Authority(server)
        password = make(server, BOB, "one", "--scope", "imap")
        for letter in "abc":
            guess = password[:-1] + (letter if password[-1] != letter else "d")
            assert authority.verify(BOB, guess, "192.0.2.1", "imap") == "bad"
        assert authority.verify(BOB, password, "192.0.2.1", "imap") == "throttled"
        for _ in range(5):
            assert authority.verify(BOB, password, "192.0.2.2", "imap") == "good"
        # the wrong scope, again and again, is one failure
        for proto in ("smtp", "pop3", "", "other"):
            assert authority.verify(BOB, password, "192.0.2.3", proto) == "bad"
        assert authority.verify(BOB, password, "192.0.2.3", "imap") == "good"


@pytest.mark.parametrize("args,code,says", [
    (["add", BOB], 2, "usage"), (["add", "nobody@d.test", "x"], 1, "no account"),
    (["add", BOB, "x", "--scope", "ftp"], 1, "no scope"), (["add", BOB, "x", "--scope", ","], 1, "no scope"),
    (["add", BOB, "x" * 101], 1, "at most 100"), (["add", BOB, "a\nb"], 1, "must be"),
    (["list"], 2, "usage"), (["list", "nobody@d.test"], 1, "no account"),
    (["remove", BOB, "never made"], 1, "no app password"), (["remove", BOB], 2, "usage")])
def test_orders_that_are_refused(server, args, code, says):
    got = server.ctl("app-password", *args, check=False)
    assert got.returncode in (code, 2) and says in got.stderr, (got.returncode, got.stderr)
    assert got.stdout == ""


def test_a_name_is_taken_once(server):
    make(server, CAROL, "mine")
    got = server.ctl("app-password", "add", CAROL, "mine", check=False)
    assert got.returncode == 1 and "already" in got.stderr
    make(server, BOB, "mine")  # another's
    server.ctl("app-password", "remove", BOB, "mine")
    assert list(listed(server, CAROL)) == ["mine"]


# ---- signatures


def key_records(server, domain):
    """{selector: {tag: value}} of what is to be published."""
    got = {}
    for record in server.ctl("domain", "dns", domain, "--json")["records"]:
        selector, mark, _ = record["name"].partition("._domainkey.")
        if mark and record["type"] == "TXT":
            got[selector] = dict(tag.strip().partition("=")[::2] for tag in record["value"].split(";") if tag.strip())
    return got


def is_signed(record, digest_of, signature):
    """By libraries that are not ours."""
    if record.get("k") == "ed25519":
        key = nacl.signing.VerifyKey(base64.b64decode(record["p"]))
        return key.verify(hashlib.sha256(digest_of).digest(), signature) is not None
    key = dkim.crypto.parse_public_key(base64.b64decode(record["p"]))
    return dkim.crypto.RSASSA_PKCS1_v1_5_verify(hashlib.sha256(digest_of), signature, key)


def test_sign(server):
    authority = Authority(server)

    def sign(selector, text, domain="sign.test"):
        return authority.ask(op="sign", domain=domain, selector=selector, digest=b64(hashlib.sha256(text).digest()))
    server.ctl("domain", "add", "sign.test")
    records = key_records(server, "sign.test")
    assert sorted(r.get("k", "rsa") for r in records.values()) == ["ed25519", "rsa"]
    for selector, record in records.items():
        texts = [b"text %d" % n for n in range(50)]
        with concurrent.futures.ThreadPoolExecutor(10) as pool:
            answers = list(pool.map(lambda text: sign(selector, text), texts))
        assert all(a["ok"] and is_signed(record, text, base64.b64decode(a["signature"]))
                   for a, text in zip(answers, texts))
    selector = min(records)
    assert not sign("other", b"x")["ok"] and "no such key" in sign("other", b"x")["text"]
    assert not sign(selector, b"x", "d.test")["ok"]
    # a key that is gone signs no more, also when it was in memory
    server.ctl("domain", "remove", "sign.test")
    assert not sign(selector, b"x")["ok"]
    # and one of the same name is another
    server.ctl("domain", "add", "sign.test")
    again = key_records(server, "sign.test")
    assert selector in again and again[selector]["p"] != records[selector]["p"]
    answer = sign(selector, b"y")
    assert is_signed(again[selector], b"y", base64.b64decode(answer["signature"]))


MESSAGE = b"From: bob@d.test\r\nTo: alice@d.test\r\nSubject: s\r\n\r\nx\r\n"


def test_submissions_are_signed():
    """Both fields, checked by another implementation with the records as they
    are to be published; none where the domain has no keys."""
    with Server() as server:
        server.submit(BOB, [ALICE], MESSAGE)
        assert b"dkim-signature" not in server.fetch(ALICE, delete=True)[0].lower()
        server.ctl("domain", "rotate", "d.test")
        records = {f"{selector}._domainkey.d.test.".encode(): "; ".join(f"{k}={v}" for k, v in tags.items()).encode()
                   for selector, tags in key_records(server, "d.test").items()}
        assert len(records) == 2
        server.submit(BOB, [ALICE], MESSAGE)
        got, = server.fetch(ALICE, delete=True)
        assert got.lower().count(b"\r\ndkim-signature:") == 2
        for n in range(2):
            seen = []
            assert dkim.DKIM(got).verify(n, dnsfunc=lambda name, **_: seen.append(name) or records[name])
            assert len(seen) == 1


def test_what_cannot_be_signed_is_put_off(tmp_path):
    """A public key whose secret is not there, as after a restore gone wrong."""
    with Server(dir=tmp_path / "dev") as server:
        server.ctl("domain", "rotate", "d.test")
    file, = (tmp_path / "dev").rglob("auth.db")
    with contextlib.closing(sqlite3.connect(file)) as db, db:
        assert db.execute("DELETE FROM signing_secret").rowcount == 2
    with Server(dir=tmp_path / "dev") as server:
        with server.submission(BOB) as client:
            with pytest.raises(smtplib.SMTPDataError) as refusal:
                client.sendmail(BOB, [ALICE], MESSAGE)
            assert refusal.value.smtp_code == 451 and b"4.7.5" in refusal.value.smtp_error
        assert server.fetch(ALICE) == [] and "there is no such key" in server.log_text()


def test_disconnect_while_signing():
    """Nothing is stored for nobody, and nothing is lost of what waits."""
    with Server() as server:
        server.ctl("domain", "rotate", "d.test")
        clients = [server.submission(BOB) for _ in range(5)]
        maild = server.pids()["maild"]
        os.kill(maild, signal.SIGSTOP)
        try:
            for client in clients:
                client.mail(BOB)
                client.rcpt(ALICE)
                client.docmd("DATA")
                client.send(MESSAGE + b".\r\n")
            for client in clients[1:]:
                client.close()
        finally:
            os.kill(maild, signal.SIGCONT)
        assert clients[0].getreply()[0] == 250
        clients[0].quit()
        server.submit(BOB, [ALICE], MESSAGE)
        assert len(server.fetch(ALICE)) >= 2
