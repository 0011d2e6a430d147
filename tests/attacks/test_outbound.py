# SPDX-License-Identifier: MIT
"""A163, A167-A169, A171-A173, A175: other servers, and the DNS, as enemies.
(tests/e2e/test_relay.py has what the relay does, with friend and foe.)"""
import email
import email.policy
import os
import pathlib
import sqlite3
import ssl
import time

import pytest

from pennypost import wait_for
from wire import EOD, HDR, Peer, smtp, submission

SETTINGS = {
    # the same few addresses are refused again and again
    "relay.suppress_after": 0, "relay.linger": "0s", "relay.timeout": "5s", "timeouts.handshake": "5s",
    "records": [
        ["remote.test", "MX", "10 mx.remote.test."], ["mx.remote.test", "A", "127.0.0.11"],
        ["len0.test", "MX", "hex:"], ["len1.test", "MX", "hex:00"], ["preference.test", "MX", "hex:000a"],
        ["pointer.test", "MX", "hex:000ac0ff"], ["self.test", "MX", "hex:000ac0c0c0c0"],
        ["label.test", "MX", "hex:000a3f6161"], ["reserved.test", "MX", "hex:000a8001"],
        ["nul.test", "MX", "10 a\\000b.remote.test."], ["dot.test", "MX", "10 a\\.b.remote.test."],
        ["crlf.test", "MX", "10 a\\013\\010b.remote.test."],
        ["long.test", "MX", "hex:000a" + "3f" + "61" * 63 + ("3f" + "62" * 63) * 4 + "00"],
        *[["many.test", "MX", f"10 m{n}.many.test."] for n in range(1500)], ["*.many.test", "A", "127.0.0.11"],
        *[[f"c{n}.chain.test", "CNAME", f"c{n + 1}.chain.test."] for n in range(20)],
        ["loop.test", "MX", "10 a.loop.test."],
        ["a.loop.test", "CNAME", "b.loop.test."], ["b.loop.test", "CNAME", "a.loop.test."],
        ["a4.test", "MX", "10 mx.a4.test."], ["mx.a4.test", "A", "hex:7f00"],
        *[[f"{n}.test", "MX", "10 mx.remote.test."] for n in ("tc", "garbage", "short", "id", "question", "port")]],
    "behaviours": {"tc.test": "truncated", "garbage.test": "garbage", "short.test": "short", "id.test": "wrong_id",
                   "question.test": "wrong_question", "port.test": "wrong_port"}}


@pytest.fixture
def out(world, case):
    """The MX does as it is told; afterwards nothing waits."""
    case.connected = 8
    case.delivered = -drain(world)
    world.mx.commands.clear()
    world.mx.messages.clear()
    world.mx.raw = b""
    yield world
    world.mx.script = {}
    world.server.ctl("queue", "drop", "--all")


def send(world, *recipients, sender="alice@d.test"):
    """Submit; the queue's rows of it, once each was tried."""
    header = HDR.replace(b"a@remote.test", sender.encode(), 1)
    with submission(world.server, sender).begin(sender.encode(), [r.encode() for r in recipients]) as peer:
        peer.send(header + b"\r\nout" + EOD)
        assert peer.code() == 250


def rows(world):
    return {r["recipient"]: r for r in world.server.ctl("queue", "list", "--json")["recipients"]}


def deferred(world, recipient, seconds=60):
    """Its row, once it was tried and must wait."""
    def look():
        row = rows(world).get(recipient)
        return row if row and row["tries"] else None
    return wait_for(look, seconds, f"a try of {recipient}")


def reports(world, user="alice@d.test"):
    return [m for m in world.server.fetch(user) if b"multipart/report" in m]


# ---- the DNS

BAD_MX = ["len0", "len1", "preference", "pointer", "self", "label", "reserved", "nul", "dot", "crlf", "long", "loop",
          "a4", "c0.chain"]
BAD_ANSWER = ["garbage", "short", "id", "question", "port"]


def test_A163_junk_from_the_dns(out, case):
    """Waits, or is sent back as the record says there is nobody; other mail goes."""
    case.any_mail, case.cpu_s, case.peak_mib = True, 8, 48
    send(out, *[f"x@{n}.test" for n in BAD_MX + BAD_ANSWER], "x@remote.test", "x@tc.test")
    wait_for(lambda: {r for m in out.mx.messages for r in m.recipients} >= {"x@remote.test", "x@tc.test"}, 60,
             "the good ones")
    def settled():
        waiting = rows(out)
        return all(r["tries"] for r in waiting.values()) and waiting
    waiting = wait_for(settled, 120, "all others")
    assert {f"x@{n}.test" for n in BAD_ANSWER} <= set(waiting)  # a forged answer is no answer
    for row in waiting.values():
        assert row["last_reply"] and row["last_code"] == 0, row
    for message in out.mx.messages:
        assert set(message.recipients) <= {"x@remote.test", "x@tc.test"}
    assert all(b"\0" not in c and b"\r" not in c for c in out.mx.commands)


def test_A163_fifteen_hundred_mx(out, case):
    """A hundred of the records are looked at, and of these few hosts are tried."""
    case.cpu_s, case.queued = 8, 0
    out.mx.script = {"greeting": "421 4.3.2 not now"}
    before = out.mx.connections
    send(out, "x@many.test")
    deferred(out, "x@many.test", 120)
    assert 1 <= out.mx.connections - before <= 5


# ---- other servers

NO_REPLY = {
    "short": b"25\r\n", "three_digits_only": b"250", "code_999": b"999 x\r\n", "code_099": b"099 x\r\n",
    "lines": b"250-a\r\n" * 1000000, "long_line": lambda *_: b"250-" + b"A" * 10 ** 8, "bare_lf": b"250 ok\n", "nul": b"250 \0\r\n",
    "mixed": b"250-x\r\n550 y\r\n", "letters": b"abc x\r\n", "bare_cr": b"250 a\rb\r\n", "empty": b"\r\n",
    "http": b"HTTP/1.1 200 OK\r\n\r\n", "binary": b"\xff\xf4\xff\xfd\r\n", "two": b"250 a\r\n250 b\r\n250 c\r\n"}


@pytest.mark.parametrize("step", ["greeting", "ehlo", "mail"])
@pytest.mark.parametrize("reply", NO_REPLY.values(), ids=NO_REPLY.keys())
def test_A167_replies_that_are_none(out, case, step, reply):
    """(Dovecot 4924cc103a, Postfix 20260310, 20260529) The mail waits."""
    case.peak_mib, case.cpu_s = 8, 4
    out.mx.script = {step: reply, "rcpt": "451 4.3.0 never reached with luck"}
    send(out, "x@remote.test")
    assert "x@remote.test" in rows(out) and deferred(out, "x@remote.test")["state"] == "waiting"
    assert not out.mx.messages and b"Subject" not in out.mx.raw  # no content went


@pytest.mark.parametrize("text, shown", [("2.", "2."), ("5.7.2", "5.7.2"), ("", ""), ("5.7.2x y", "5.7.2x y"),
                                         ("4.2.1 x", "4.2.1 x"), ("5.99999.1 x", "5.99999.1 x")])
def test_A167_odd_enhanced_codes(out, case, text, shown):
    """Of another class, or malformed: the code decides, the report has a good one."""
    case.delivered += 1
    out.mx.script = {"rcpt": f"550 {text}"}
    send(out, "x@remote.test")
    report = parsed(wait_for(lambda: reports(out), 60, "a report").pop())
    assert status(report)["Status"].strip() in ("5.7.2", "5.0.0", "5.1.1")
    assert ("550 " + shown).strip() in status(report)["Diagnostic-Code"]


@pytest.mark.parametrize("script", [
    {"rcpt": "354 go on"}, {"data": "250 ok"}, {"dot": "354 again"}, {"mail": b"250 ok\r\n250 ok\r\n"},
    {"greeting": b"220 hello\r\n250 ok\r\n250 ok\r\n354 go\r\n250 taken\r\n"}, {"data": "220 x"}, {"dot": "220 x"}],
    ids=["354_to_rcpt", "250_to_data", "354_to_dot", "two_for_mail", "before_asked", "220_to_data", "220_to_dot"])
def test_A168_replies_to_something_else(out, case, script):
    """Nobody is marked as reached; what was not asked for ends it."""
    out.mx.script = {**script}
    if "mail" in script or "greeting" in script:
        out.mx.script["rcpt"] = "451 4.3.0 no"  # where both are read in step
    send(out, "x@remote.test")
    assert deferred(out, "x@remote.test")["state"] == "waiting"
    assert not out.mx.messages or "dot" in script
    if "data" in script:
        assert b"Subject" not in out.mx.raw  # no content was sent


def test_A169_words_behind_220(out, case):
    """CVE-2021-38371"""
    case.queued = 0
    heard = []

    def inject(session, line):
        heard.append(session)
        return b"220 go\r\n250-AUTH PLAIN\r\n250 SIZE 1\r\n"
    out.mx.script = {"starttls": inject, "rcpt": "451 4.3.0 later"}
    out.mx.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    out.mx.context.load_cert_chain(out.server.dir / "cert.pem", out.server.dir / "key.pem")
    try:
        send(out, "x@remote.test")
        deferred(out, "x@remote.test")
    finally:
        out.mx.context = None
    assert heard and all(session.tls is None for session in heard)
    at = out.mx.commands.index(b"STARTTLS")
    assert out.mx.commands[at + 1:at + 2] in ([], [b"EHLO mx.d.test"])  # a new connection, if any


def parsed(message):
    return email.message_from_bytes(message, policy=email.policy.default)


def status(report):
    """The fields of the recipient (RFC 3464)."""
    parts = list(report.walk())
    assert report.get_content_type() == "multipart/report"
    part = next(p for p in parts if p.get_content_type() == "message/delivery-status")
    return part.get_payload()[1]


def drain(world):
    """Remove all of alice's, the reports of others before; how many."""
    with Peer(world.server, "pop3s").pop_login("alice@d.test") as peer:
        there = int(peer.pop(b"STAT").split()[1])
        for n in range(there):
            peer.pop(b"DELE %d" % (n + 1))
        assert peer.pop(b"QUIT").startswith(b"+OK")
    return there


@pytest.mark.parametrize("words", [b"550 no\x1b[2J\x07\r\n", b"550 " + b"\xe4\xf6\xfc" * 700 + b"\r\n",
                                   b"550 5.1.1 <script>alert(1)</script>\r\n", b"550-5.1.1 a\r\n550 5.1.1 X: y\r\n",
                                   b"550-" + b"A" * 900 + b"\r\n" + b"550-B\r\n" * 500 + b"550 C\r\n",
                                   b"550 =?utf-8?B?DQpYOiB5?=\r\n", b"550 \"; x=\"y\r\n", b"550 --=_boundary\r\n"],
                         ids=range(8))
def test_A171_hostile_words_in_a_report(out, case, words):
    case.any_mail = True
    out.mx.script = {"rcpt": words}
    send(out, "x@remote.test")
    raw, = wait_for(lambda: reports(out), 60, "a report")
    head = raw.split(b"\r\n\r\n")[0]
    assert b"\x1b" not in raw and b"\x07" not in raw and b"\r\nX: y" not in raw and b"\xe4" not in raw
    assert raw.isascii() and max(len(l) for l in raw.split(b"\r\n")) <= 998
    report = parsed(raw)
    fields = status(report)
    assert fields["Action"] == "failed" and fields["Final-Recipient"] == "rfc822; x@remote.test"
    assert report["To"] == "alice@d.test" or "<alice@d.test>" in report["To"]
    assert head.startswith(b"Return-Path: <>\r\n")
    assert [p.get_content_type() for p in report.iter_parts()] in (
        [["text/plain", "message/delivery-status", k] for k in ("text/rfc822-headers", "message/rfc822")])
    assert len(raw) < 20000


def test_A171_bare_newlines_in_the_words(out):
    """No reply at all (A167): it waits."""
    out.mx.script = {"rcpt": b"550 no\x1b[2J\rX: y\r\n"}
    send(out, "x@remote.test")
    assert deferred(out, "x@remote.test")["state"] == "waiting"


def test_A172_a_thousand_forged_messages(out, case):
    """Strangers to nobody: refused at RCPT, so there is nothing to report."""
    case.cpu_s, case.connected = 12, 0
    for n in range(334):
        with smtp(out.server) as peer:
            peer.send(b"".join(b"MAIL FROM:<victim%d@remote.test>\r\nRCPT TO:<nobody%d@d.test>\r\nRSET\r\n" % (n, k)
                               for k in range(3)))
            codes = [peer.code() for _ in range(9)]
            assert codes == [250, 550, 250] * 3


def test_A172_null_sender_and_double_bounce(out, case):
    case.any_mail = True
    out.mx.script = {"rcpt": "550 5.1.1 no"}
    for sender in (b"", b"victim@remote.test"):
        with smtp(out.server).begin(sender, [b"fwd@d.test"]) as peer:
            peer.send(HDR + b"\r\nx" + EOD)
            assert peer.code() == 250
        wait_for(lambda: not rows(out), 60, "its end")
    time.sleep(0.5)
    assert not rows(out)
    froms = [c for c in out.mx.commands if c.startswith(b"MAIL")]
    assert froms[-1].startswith(b"MAIL FROM:<>")  # the report to the victim, and it was the last
    for user in ("alice@d.test", "bob@d.test"):
        assert not reports(out, user)


# ---- loops

def test_A173_too_many_received(world, case):
    case.delivered = 1
    for n, code in ((100, 250), (101, 554)):
        with smtp(world.server).begin() as peer:
            peer.send(b"Received: from a by b; Sun, 22 Nov 2026 10:00:00 +0000\r\n" * n + HDR + b"\r\nx" + EOD)
            assert peer.code() == code


def change(world, sql, *values):
    """In the store, behind everybody's back."""
    db = sqlite3.connect(f"{world.server.dir}/store/mail.db", timeout=60, isolation_level=None)
    try:
        db.execute("PRAGMA wal_autocheckpoint=0")
        db.execute(sql, values)
    finally:
        db.close()
    # without this smtpd would believe the old route for five seconds (store/route_mark.h)
    (pathlib.Path(world.server.dir) / "store" / "routes").write_bytes(os.urandom(8))


def test_A173_alias_loop(world):
    """mailctl refuses to make one; and were there one, it does not grow."""
    got = world.server.ctl("alias", "add", "loop2@d.test", "loop1@d.test", check=False)
    assert got.returncode == 1 and "back to itself" in got.stderr
    change(world, "UPDATE address SET account = NULL, forward = 'loop1@d.test' WHERE local = 'loop2'")
    try:
        with smtp(world.server) as peer:
            assert peer.code(b"MAIL FROM:<a@remote.test>") == 250
            for name in (b"loop1", b"loop2"):
                assert peer.says(b"RCPT TO:<" + name + b"@d.test>").startswith("550 5.4.6")
    finally:
        change(world, "UPDATE address SET forward = NULL, account = (SELECT id FROM account WHERE login = 'alice@d.test')"
               " WHERE local = 'loop2'")


def test_A173_forwarded_back_to_us(out, case):
    """The remote sends it back to fwd@ each time: it ends at the limit."""
    case.any_mail, case.connected, case.cpu_s, case.noop_s = True, 120, 20, 1
    text, hops = HDR + b"\r\nround" + EOD, 0
    while hops < 110:
        with smtp(out.server).begin(b"a@remote.test", [b"fwd@d.test"]) as peer:
            peer.send(text)
            code = peer.code()
        if code != 250:
            break
        hops += 1
        assert out.mx.wait()
        text = b"Received: from mx.d.test by mx.remote.test; Sun, 22 Nov 2026 10:00:00 +0000\r\n" + (
            out.mx.messages.pop().data) + b".\r\n"
    assert code == 554 and 45 <= hops <= 101


# ---- what leaves

EVIL = ['"a\r\nRCPT TO:<v@x>"@remote.test', "a\r\nRCPT TO:<v@x>@remote.test", "a>\r\nDATA\r\n@remote.test", "a@remote.test\r\n",
        "a b@remote.test", "<a@remote.test", "a\n@remote.test", "@remote.test", "a@remote.test> SIZE=1"]


@pytest.mark.parametrize("address", EVIL, ids=range(len(EVIL)))
def test_A175_address_with_line_ends(out, case, address):
    """(Terada 2015; Postfix 20260608) Put into the store by hand: it does not leave."""
    case.any_mail = True
    change(out, "UPDATE address SET forward = ? WHERE local = 'fwd'", address)
    try:
        with smtp(out.server) as peer:
            assert peer.code(b"MAIL FROM:<a@remote.test>") == 250
            if peer.code(b"RCPT TO:<fwd@d.test>") == 250:
                assert peer.code(b"DATA") == 354
                peer.send(HDR + b"\r\nx" + EOD)
                assert peer.code() in (250, 451, 554)
        wait_for(lambda: all(r["tries"] for r in rows(out).values()), 60, "a try")
    finally:
        change(out, "UPDATE address SET forward = 'x@remote.test' WHERE local = 'fwd'")
    for line in out.mx.raw.split(b"\r\n"):
        assert not line.startswith(b"RCPT TO:<v@x>") and b"\n" not in line
        assert not line.startswith(b"RCPT TO:") or line == b"RCPT TO:<a@remote.test>", line


@pytest.mark.parametrize("sent, leaves", [
    (b"a+2Bb@remote.test", b"a+2Bb@remote.test"), (b"a+3Db@remote.test", b"a+3Db@remote.test"),
    (b"a+0D+0ARCPT+20TO:<v@x>@remote.test", None), (b"a+00b@remote.test", None), (b"a+80+FFb@remote.test", None),
    (b"a+2", None), (b"a+2bb@remote.test", None), (b"a=b@remote.test", None), (b"+" * 400, None)], ids=range(9))
def test_A175_orcpt_is_xtext(out, case, sent, leaves):
    """(RFC 3461 s4) What is no xtext is refused; what is, leaves as xtext again, on
    one line."""
    case.any_mail = True
    out.mx.offers = (*out.mx.offers, "DSN")
    try:
        with submission(out.server, "alice@d.test") as peer:
            assert peer.code(b"MAIL FROM:<alice@d.test> ENVID=e" + sent[:90]) in (250, 501)
            assert peer.code(b"RSET") == 250
            assert peer.code(b"MAIL FROM:<alice@d.test>") == 250
            code = peer.code(b"RCPT TO:<x@remote.test> NOTIFY=FAILURE ORCPT=rfc822;" + sent)
            assert code in ((250,) if leaves else (250, 501))
            if code == 250:
                assert peer.code(b"DATA") == 354
                peer.send(HDR.replace(b"a@remote.test", b"alice@d.test", 1) + b"\r\nout" + EOD)
                assert peer.code() == 250
                assert out.mx.wait()
    finally:
        out.mx.offers = out.mx.offers[:-1]
    said = [c for c in out.mx.commands if c.startswith(b"RCPT")]
    assert len(said) == (code == 250) and all(c.isascii() and b"+0D" not in c.split(b"ORCPT=")[0] for c in said)
    if leaves:
        assert said[0].endswith(b" ORCPT=rfc822;" + leaves)
    assert not any(line.startswith(b"RCPT TO:<v@x>") for line in out.mx.raw.split(b"\n"))
