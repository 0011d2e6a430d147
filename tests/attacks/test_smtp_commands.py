# SPDX-License-Identifier: MIT
"""A023-A043: SMTP commands, their grammar and their order."""
import pathlib

import pytest

from wire import EOD, HDR, Peer, smtp, submission

DOORS = ["smtp", "submission"]


def ready(server, door):
    """After EHLO, and login where that is needed; and a sender who may send."""
    if door == "smtp":
        return smtp(server), b"a@remote.test"
    return submission(server), b"alice@d.test"


@pytest.mark.parametrize("door", ["smtp", "submission", "pop3", "submissions", "pop3s"])
def test_A023_a_line_without_end(world, door):
    """Not more of it is read than shows that it has no end."""
    with Peer(world.server, door) as peer:
        sent = 0
        while sent < 64 * 1048576 and peer.send(b"A" * 65536):
            sent += 65536
        assert sent < 32 * 1048576  # the rest is in the kernel's buffers
        assert peer.rest().startswith((b"500 5.5.2 ", b"500 5.5.6 ", b"-ERR ", b""))


def test_A024_ehlo_too_long(world):
    with Peer(world.server, "smtp") as peer:
        assert peer.code(b"EHLO " + b"A" * 65536) in (500, 501, 0)
    with Peer(world.server, "smtp") as peer:
        assert peer.code(b"EHLO " + b"A" * 8192) == 500
        assert peer.code(b"MAIL FROM:<a@remote.test>") == 503  # nothing changed
        assert peer.code(b"EHLO " + b"a" * 256) == 501


@pytest.mark.parametrize("name", [b"a\x00b", b"a\x1b[31m", b'(a)"', b"\xff\xfe", b"", b"a b", b"[999.1.1.1]",
                                  b"[IPv6:::zz]", b"');--"])
def test_A025_ehlo_with_rubbish(world, name):
    with Peer(world.server, "smtp") as peer:
        assert peer.code(b"EHLO " + name) in (500, 501)
        assert peer.code(b"MAIL FROM:<a@remote.test>") == 503
        assert peer.code(b"HELO " + name) in (500, 501)


@pytest.mark.parametrize("text", [b"NOOP\nQUIT\r\n", b"NOOP\rQUIT\r\n"], ids=["lf", "cr"])
@pytest.mark.parametrize("door", ["smtp", "pop3"])
def test_A026_bare_cr_or_lf_in_a_command(world, door, text):
    with Peer(world.server, door) as peer:
        peer.send(text)
        assert peer.line().startswith((b"500 5.5.2 ", b"-ERR "))
        assert peer.during(0.3)[0] == b""


def test_A027_commands_out_of_order(world):
    with smtp(world.server) as peer:
        assert peer.code(b"RCPT TO:<alice@d.test>") == 503
        assert peer.code(b"DATA") == 503
        assert peer.code(b"MAIL FROM:<a@remote.test>") == 250
        assert peer.code(b"DATA") in (503, 554)
        assert peer.code(b"MAIL FROM:<b@remote.test>") == 503
    with submission(world.server) as peer:
        assert peer.code(b"MAIL FROM:<alice@d.test>") == 250
        assert peer.code(b"AUTH PLAIN AAAA") == 503


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("text", [b"From: a@remote.test\nTo: x\r\n\r\nx", b"Subject: \0\r\n\r\nx",
                                  b"Received: x\r\n" * 101 + b"\r\nx"], ids=["bare", "nul", "loop"])
def test_A028_state_after_a_refused_message(world, door, text):
    """(Postfix 20260803 took a second message without MAIL)"""
    peer, sender = ready(world.server, door)
    with peer.begin(sender):
        peer.send(text + EOD)
        assert peer.code() in (550, 554)
        assert peer.code(b"RCPT TO:<bob@d.test>") == 503
        assert peer.code(b"DATA") == 503


def test_A029_state_after_too_much(world, case):
    case.delivered = 1
    with smtp(world.server).begin() as peer:
        peer.send(HDR + b"\r\n" + (b"A" * 76 + b"\r\n") * 148000 + EOD)
        assert peer.says(b"DATA").startswith("552 5.3.4")
        assert peer.code() == 503
        peer.begin()
        peer.send(HDR + b"\r\nx" + EOD)
        assert peer.code() == 250


def test_A030_what_ends_a_transaction(world):
    for command in (b"EHLO c.test", b"HELO c.test", b"RSET"):
        with smtp(world.server) as peer:
            assert peer.code(b"MAIL FROM:<a@remote.test>") == 250
            assert peer.code(b"RCPT TO:<alice@d.test>") == 250
            assert peer.code(command) == 250
            assert peer.code(b"DATA") == 503
            assert peer.code(b"RCPT TO:<alice@d.test>") == 503
            assert peer.code(b"MAIL FROM:<a@remote.test>") == 250
            assert peer.code(b"DATA") == 554  # the recipient is gone
    with smtp(world.server) as peer:
        assert peer.code(b"MAIL FROM:<a@remote.test>") == 250
        assert peer.code(b"RCPT TO:<alice@d.test>") == 250
        peer.starttls()
        assert peer.code(b"DATA") == 503


def test_A031_utf8_without_smtputf8(world):
    """(Postfix 20260812)"""
    with smtp(world.server) as peer:
        assert peer.says("MAIL FROM:<ü@remote.test>".encode()).startswith(("553 5.6.7", "501"))
        assert peer.code("VRFY ü".encode()) in (252, 502)
        assert peer.code(b"MAIL FROM:<a@remote.test>") == 250
        assert peer.says("RCPT TO:<ü@d.test>".encode()).startswith(("553 5.6.7", "501"))
        assert peer.code(b"DATA") in (503, 554)
        assert peer.code(b"NOOP") == 250


@pytest.mark.parametrize("value, code", [
    (b"SIZE=18446744073709551616", 501), (b"SIZE=-1", 501), (b"SIZE=0x10", 501), (b"SIZE=", 501),
    (b"SIZE", 501), (b"SIZE=99999999999", 552), (b"SIZE=10485761", 552), (b"SIZE=10485760", 250)])
def test_A032_size(world, value, code):
    with smtp(world.server) as peer:
        assert peer.code(b"MAIL FROM:<a@remote.test> " + value) == code


@pytest.mark.parametrize("value", [b"SIZE=1 SIZE=2", b"FOO=BAR", b"BODY=XYZ", b"BODY=BINARY", b"SMTPUTF8=1",
                                   b"=", b"=x", b"SIZE==1", b"FOO", b"BODY=8BITMIME BODY=7BIT"])
def test_A033_unknown_or_doubled_parameters(world, value):
    with smtp(world.server) as peer:
        assert peer.code(b"MAIL FROM:<a@remote.test> " + value) in (501, 555)
        assert peer.code(b"RCPT TO:<alice@d.test>") == 503


def test_A034_xtext_injection(world):
    """CVE-2020-28021, CVE-2020-28026."""
    with submission(world.server) as peer:
        for value in (b"AUTH=a+0Ab", b"AUTH=a+0A+00b", b"AUTH=+", b"AUTH=+4", b"AUTH=", b"AUTH=a=b"):
            assert peer.code(b"MAIL FROM:<alice@d.test> " + value) in (501, 555), value
    with smtp(world.server) as peer:
        for value in (b"AUTH=a+0Ab", b"RET=HDRS ENVID=x+0D+0Ay"):
            assert peer.code(b"MAIL FROM:<a@remote.test> " + value) in (501, 555), value
        assert peer.code(b"MAIL FROM:<a@remote.test>") == 250
        for value in (b"ORCPT=rfc822;a+0A+00b", b"ORCPT=x", b"ORCPT=rfc822", b"NOTIFY=NEVER,DELAY", b"NOTIFY=+0A"):
            assert peer.code(b"RCPT TO:<alice@d.test> " + value) in (501, 555), value


def test_A035_shell_in_addresses(world):
    """CVE-2020-7247, CVE-2024-45519"""
    with smtp(world.server) as peer:
        assert peer.code(b"MAIL FROM:<;for i in 0 1 2 3;do read r;done;sh;exit 0;>") in (501, 553)
        assert peer.code(b"MAIL FROM:<a@remote.test>") == 250
        for local in (b'"a$(touch /tmp/pwn)b"', b'"`touch /tmp/pwn`"', b'"|/bin/sh"', b'":include:/etc/passwd"'):
            assert peer.code(b"RCPT TO:<" + local + b"@d.test>") in (550, 553, 501)
    assert not pathlib.Path("/tmp/pwn").exists()


def test_A036_expansion(world):
    """CVE-2019-10149"""
    with smtp(world.server) as peer:
        assert peer.code(b"MAIL FROM:<a@remote.test>") == 250
        assert peer.says(b"RCPT TO:<root+${run{\\x2fbin\\x2fsh}}@d.test>").startswith(("550 5.1.1", "501"))
        assert peer.says(b"RCPT TO:<root+${run{x}}@d.test>").startswith("550 5.1.1")
        assert peer.code(b"DATA") == 554


def test_A037_sql_in_addresses(world, case):
    """CVE-2025-26794, CVE-2025-67896"""
    case.delivered = 1
    evil = b"\"x'/**/UNION/**/SELECT/**/X'41'--\"@remote.test"
    before = world.oracle.query("SELECT count(*) FROM sqlite_schema")
    with smtp(world.server) as peer:
        assert peer.code(b"EHLO ');--") == 501
        assert peer.code(b"MAIL FROM:<" + evil + b">") == 250
        assert peer.code(b"RCPT TO:<\"'; DROP TABLE msg;--\"@d.test>") == 550
        assert peer.code(b"RCPT TO:<alice@d.test>") == 250
        assert peer.code(b"DATA") == 354
        peer.send(HDR + b"\r\nx" + EOD)
        assert peer.code() == 250
    assert world.oracle.query("SELECT count(*) FROM sqlite_schema") == before
    assert world.oracle.query("SELECT sender FROM journey ORDER BY trace DESC LIMIT 1") == [(evil.decode(),)]
    with Peer(world.server, "pop3s") as peer:
        peer.pop(b"USER ' OR '1'='1")
        assert peer.pop(b"PASS ' OR '1'='1").startswith(b"-ERR [AUTH]")


def test_A038_nothing_is_listed(world):
    with smtp(world.server) as peer:
        assert peer.code(b"ETRN #',1); ### /**/UNION/**/SELECT") in (500, 502)
        for command in (b"VRFY root", b"VRFY alice", b"EXPN team", b"EXPN team@d.test", b"VRFY alice@d.test"):
            code, texts = peer.code_texts(command)
            assert code in (252, 502) and "alice" not in "".join(texts) and len(texts) == 1
        assert peer.code_texts(b"VRFY nobody") == peer.code_texts(b"VRFY alice")


@pytest.mark.parametrize("address", [
    b'<""@d.test>', b"<@d.test>", b"<alice@>", b"<>", b"alice@d.test", b"<alice@d.test", b"<<alice@d.test>>",
    b"<alice@d.test>>", b"<.alice@d.test>", b"<alice.@d.test>", b"<al..ice@d.test>", b"<alice@d..test>",
    b"<alice@-d.test>", b"<alice@d_.test", b"< alice@d.test>", b"<alice @d.test>", b"<alice@[d.test]>",
    b'<"alice@d.test>', b"<al\tice@d.test>", b"<alice@d.test>x"])
def test_A039_malformed_recipients(world, address):
    """CVE-2020-10967"""
    with smtp(world.server) as peer:
        assert peer.code(b"MAIL FROM:<a@remote.test>") == 250
        assert peer.code(b"RCPT TO:" + address) in (501, 550, 553)
        assert peer.code(b"DATA") == 554


def test_A039_malformed_sender(world):
    for address in (b'<""@remote.test>', b"a@remote.test", b"<a@remote.test", b"<@remote.test>", b"<a@>", b"<<>>"):
        with smtp(world.server) as peer:
            assert peer.code(b"MAIL FROM:" + address) in (501, 550, 553), address


@pytest.mark.parametrize("address, taken", [
    (b"a" * 64 + b"@remote.test", True), (b"a" * 65 + b"@remote.test", False),
    (b"a@" + b"b" * 63 + b".test", True), (b"a@" + b"b" * 64 + b".test", False),
    (b"a@" + b".".join([b"b" * 49] * 4 + [b"c" * 49, b"test"]), False),  # 254 with "a@": path is 258
    (b"a@" + b"b." * 125 + b"b", True), (b"a@" + b"b." * 126 + b"b", False)])
def test_A040_lengths(world, address, taken):
    """RFC 5321 s4.5.3.1"""
    with smtp(world.server) as peer:
        assert (peer.code(b"MAIL FROM:<" + address + b">") == 250) is taken
        peer.code(b"RSET")
        assert peer.code(b"MAIL FROM:<a@remote.test>") == 250
        # no address is cut into another
        for local in (b"a" * 64 + b"lice", b"alice" + b"a" * 60, b"alice" + b"x" * 300, b"alice\\"):
            assert peer.code(b"RCPT TO:<" + local + b"@d.test>") in (501, 550, 553)


@pytest.mark.parametrize("address", [
    b"alice%remote.test@d.test", b"remote.test!alice@d.test", b'"x@remote.test"@d.test', b"x@remote.test@d.test",
    b"alice@d.test,x@remote.test", b"@d.test:x@remote.test", b"@x.test,@y.test:x@remote.test"])
def test_A041_gateways_and_source_routes(world, address):
    """RFC 5321 app. C, F.2; the MX sees nothing (G6)"""
    with smtp(world.server) as peer:
        assert peer.code(b"MAIL FROM:<a@remote.test>") == 250
        assert peer.code(b"RCPT TO:<" + address + b">") in (501, 550, 553)


def test_A041_source_route_to_ours(world, case):
    with smtp(world.server) as peer:
        assert peer.code(b"MAIL FROM:<a@remote.test>") == 250
        code = peer.code(b"RCPT TO:<@x.test,@y.test:alice@d.test>")
        assert code in (250, 550, 553)
        if code == 250:
            case.delivered = 1
            assert peer.code(b"DATA") == 354
            peer.send(HDR + EOD)
            assert peer.code() == 250
            assert b"x.test" not in world.last("alice@d.test").split(b"\r\n\r\n")[0].split(b"Received")[0]


@pytest.mark.parametrize("address", [b"x@remote.test", b"x@[127.0.0.1]", b"x@[IPv6:::1]", b"x@localhost",
                                     b"x@d.test.remote.test", b"x@remote.test%d.test", b"x@sub.d.test", b"x@test"])
def test_A042_no_relay(world, address):
    with smtp(world.server) as peer:
        assert peer.code(b"MAIL FROM:<alice@d.test>") == 250  # whoever the sender says to be
        assert peer.code(b"RCPT TO:<" + address + b">") in (501, 550, 553, 554)
        assert peer.code(b"DATA") == 554


def test_A042_no_relay_on_submission_before_login(world):
    with Peer(world.server, "submission").hello() as peer:
        assert peer.code(b"MAIL FROM:<alice@d.test>") == 530
        peer.starttls()
        assert peer.code(b"MAIL FROM:<alice@d.test>") == 530


@pytest.mark.parametrize("address", [b"ALICE@D.TEST", b"Alice@d.Test", b"alice+tag@d.test", b'"alice"@d.test'])
def test_A043_case_and_spelling(world, case, address):
    case.delivered = 1
    n = world.n("alice@d.test")
    with smtp(world.server).begin(to=[address]) as peer:
        peer.send(HDR + EOD)
        assert peer.code() == 250
    assert world.n("alice@d.test") == n + 1


def test_A043_final_dot(world):
    with smtp(world.server) as peer:
        assert peer.code(b"MAIL FROM:<a@remote.test>") == 250
        assert peer.code(b"RCPT TO:<alice@d.test.>") in (250, 501)


@pytest.mark.parametrize("words", [
    b"POST / HTTP/1.1\r\nHost: mx\r\n\r\nMAIL FROM:<a@remote.test>\r\n", b"GET / HTTP/1.0\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"A" * 200, b"SSH-2.0-OpenSSH_9.2\r\n",
    b"\x03\x00\x00\x2f\x2a\xe0\x00\x00\x00\x00\x00Cookie: mstshash=Administr\r\n",
    b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nEHLO c.test\r\n"],
    ids=["A048_post", "A048_get", "A049_tls", "A049_ssh", "A049_rdp", "A049_proxy"])
@pytest.mark.parametrize("door", ["smtp", "submission", "submissions", "pop3", "pop3s"])
def test_A048_A049_other_protocols(world, door, words):
    """ALPACA: nothing of it is said back, and there is no second try."""
    with Peer(world.server, door) as peer:
        peer.send(words)
        # POP3 has no such command, and says so; the others hang up
        got = peer.during(0.3)[0] if door.startswith("pop3") else peer.rest()
        assert got.count(b"\r\n") <= 2 and b"HTTP" not in got and b"mstshash" not in got
        assert not got or got.startswith((b"5", b"-ERR"))
    assert "1.2.3.4" not in world.server.log_text()


@pytest.mark.parametrize("door", ["submissions", "pop3s"])
def test_A048_plain_words_to_a_tls_port(world, door):
    with Peer(world.server, door, tls=False, greet=False) as peer:
        peer.send(b"GET / HTTP/1.1\r\n\r\n")
        assert b"HTTP" not in peer.rest()


def test_A053_from_lines_count_as_octets(world):
    """(Postfix 20260625 counted wrongly)"""
    with smtp(world.server).begin() as peer:
        peer.send(HDR + b"\r\n" + b"From x Mon\r\n" * 900000 + EOD)
        assert peer.says(b"NOOP").startswith("552 5.3.4")


def test_A053_from_line_as_it_was(world, case):
    case.delivered = 1
    body = b"From x Mon\r\n>From y\r\n"
    with smtp(world.server).begin() as peer:
        peer.send(HDR + b"\r\n" + body + EOD[2:])
        assert peer.code() == 250
    assert world.last("alice@d.test").endswith(HDR + b"\r\n" + body)


def test_A054_null_sender(world, case):
    with smtp(world.server) as peer:
        assert peer.code(b"MAIL FROM:<>") == 250
        codes = [peer.code(b"RCPT TO:<" + r + b">") for r in (b"alice@d.test", b"bob@d.test")]
        assert codes[0] == 250 and codes[1] in (250, 452)
        assert peer.code(b"DATA") == 354
        peer.send(HDR + EOD)
        assert peer.code() == 250
        case.delivered = codes.count(250)
    with submission(world.server) as peer:
        assert peer.says(b"MAIL FROM:<>").startswith("550 5.7.1")
