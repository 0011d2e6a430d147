# SPDX-License-Identifier: MIT
"""A001-A022: where a message ends, and that nothing is smuggled past it."""
import time

import pytest

from pennypost import Server
from wire import EOD, HDR, SMUG, Peer, Records, plain, smtp, submission

# What some server somewhere takes for the end of data (RFC 5321 s2.3.8, s4.1.1.4;
# CVE-2023-51764, -51765, -51766)
FALSE_ENDS = {
    "A001_lf_dot_lf": b"\n.\n",
    "A002_cr_dot_cr": b"\r.\r",
    "A003_cr_dot_lf": b"\r.\n",
    "A004_lf_dot_cr": b"\n.\r",
    "A005_lf_dot_crlf": b"\n.\r\n",
    "A006_crlf_dot_lf": b"\r\n.\n",
    "A007_cr_dot_crlf": b"\r.\r\n",
    "A008_crlf_dot_cr": b"\r\n.\rx",
    "A009_nul_before_dot": b"\r\n\x00.\r\n",
    "A010_nul_after_dot": b"\r\n.\x00\r\n",
    "A011_crlf_dot_crcrlf": b"\r\n.\r\r\n",
}
HEADER = HDR.replace(b"a@remote.test", b"alice@d.test")  # of alice's own mail


def begin(server, door, to=b"alice@d.test"):
    if door == "smtp":
        return smtp(server).begin(to=[to])
    return submission(server).begin(b"alice@d.test", [to])


@pytest.mark.parametrize("door", ["smtp", "submission"])
@pytest.mark.parametrize("false_end", FALSE_ENDS.values(), ids=FALSE_ENDS.keys())
def test_A001_to_A011_false_ends_of_data(world, door, false_end):
    with begin(world.server, door) as peer:
        text = HEADER + b"\r\none" + false_end + SMUG
        peer.send(text[:-5])
        assert peer.during(0.2) == (b"", True)  # the message goes on
        peer.send(text[-5:])
        assert peer.reply()[0] in (550, 554)
        assert peer.during(0.1) == (b"", True)  # one reply, and no other
        assert peer.code(b"DATA") == 503
    assert "evil@" not in world.server.log_text()


def test_A012_end_of_data_octet_by_octet(world, case):
    case.delivered = 1
    with smtp(world.server).begin() as peer:
        for octet in HDR + b"\r\nx" + EOD:
            peer.send(bytes([octet]))
            time.sleep(0.002)
        assert peer.code() == 250
    assert world.last("alice@d.test").endswith(HDR + b"\r\nx\r\n")


def test_A013_end_of_data_over_two_records(world, case):
    case.delivered = 5
    for cut in range(5):
        peer = Peer(world.server, "submissions", tls=False, greet=False)
        tls = Records(peer).shake_hands()
        assert tls.reply() == 220 and tls.code(b"EHLO c.test") == 250
        assert tls.code(b"AUTH PLAIN " + plain("alice@d.test", world.server.password("alice@d.test"))) == 235
        for command, code in ((b"MAIL FROM:<alice@d.test>", 250), (b"RCPT TO:<alice@d.test>", 250), (b"DATA", 354)):
            assert tls.code(command) == code
        tls.send(HEADER + b"\r\nx" + EOD[:cut] if cut else HEADER + b"\r\nx")
        time.sleep(0.02)
        tls.send(EOD[cut:])
        assert tls.reply() == 250
        peer.close()


@pytest.mark.parametrize("size", [1024, 4096, 8192, 16384, 65536])
def test_A014_cr_as_last_octet_of_a_buffer(world, case, size):
    """(mox f10bb2c read out of bounds)"""
    case.delivered = 3
    for n in (size - 1, size, size + 1):
        with smtp(world.server).begin() as peer:
            peer.send(HDR + b"\r\n" + b"A" * n + b"\r")
            time.sleep(0.05)
            peer.send(b"\nB" + EOD)
            assert peer.code() == 250
            peer.begin()
            peer.send(HDR + b"\r\n" + b"A" * n + b"\r")
            time.sleep(0.05)
            peer.send(b"\rB" + EOD)
            assert peer.code() == 550
        assert world.last("alice@d.test").endswith(HDR + b"\r\n" + b"A" * n + b"\r\nB\r\n")


DOTS = b"\r\n".join([b".", b"..", b"...", b".x", b"", b"last", b".", b""])


def test_A015_dots_come_back_and_go_out_as_they_were(world, case):
    case.delivered, case.connected = 1, 1
    stuffed = b"\r\n".join(b"." + l if l.startswith(b".") else l for l in DOTS.split(b"\r\n"))
    with submission(world.server).begin(b"alice@d.test", [b"bob@d.test", b"x@remote.test"]) as peer:
        peer.send(HEADER + b"\r\n" + stuffed + b".\r\n")
        assert peer.code() == 250
    assert world.last("bob@d.test").endswith(b"\r\n\r\n" + DOTS)
    assert world.mx.wait() and world.mx.messages.pop().data.endswith(b"\r\n\r\n" + DOTS)
    assert b"\r\n\r\n" + stuffed + b".\r\n" in world.mx.raw


@pytest.mark.parametrize("false_end", FALSE_ENDS.values(), ids=FALSE_ENDS.keys())
def test_A016_nothing_smuggled_outward(world, false_end):
    """Refused on the way in; so nothing reaches the MX (G6)."""
    with submission(world.server).begin(b"alice@d.test", [b"x@remote.test"]) as peer:
        peer.send(HEADER + b"\r\none" + false_end + SMUG)
        assert peer.reply()[0] in (550, 554)


def test_A017_content_sent_with_data(world, case):
    with smtp(world.server) as peer:
        assert peer.code(b"MAIL FROM:<a@remote.test>") == 250
        assert peer.code(b"RCPT TO:<alice@d.test>") == 250
        peer.send(b"DATA\r\n" + HDR + b"\r\nx" + EOD)
        assert [peer.code(), peer.code()] == [354, 250]
        assert peer.during(0.1) == (b"", True)
    case.delivered = 1


def test_A018_next_transaction_in_the_same_segment(world, case):
    next_one = b"MAIL FROM:<b@remote.test>\r\nRCPT TO:<bob@d.test>\r\nDATA\r\n"
    with smtp(world.server).begin() as peer:
        peer.send(HDR + b"\r\nx" + EOD + next_one)
        assert [peer.code() for _ in range(4)] == [250, 250, 250, 354]
        peer.send(HDR + b"\r\nbare \n" + EOD + b"RCPT TO:<bob@d.test>\r\n" + next_one)
        assert [peer.code() for _ in range(5)] == [550, 503, 250, 250, 354]
        peer.send(HDR + EOD)
        assert peer.code() == 250
    case.delivered = 2


def test_A019_one_line_of_20_mib(world, case):
    case.peak_mib = 4
    with smtp(world.server).begin() as peer:
        peer.send(HDR + b"\r\n")
        for _ in range(320):
            peer.send(b"A" * 65536)
        peer.send(EOD)
        assert peer.says(b"NOOP").startswith("552 5.3.4")


def test_A020_empty_message(world, case):
    with smtp(world.server).begin() as peer:
        peer.send(b".\r\n")
        assert peer.code() == 250
    case.delivered = 1
    message = world.last("alice@d.test")
    assert message.startswith(b"Return-Path: <a@remote.test>\r\nReceived: from c.test ")


def test_A021_bdat_is_not_offered():
    """RFC 3030 s2; CVE-2017-16943, CVE-2026-45185"""
    with Server(settings={"smtp.extensions_off": "CHUNKING"}) as server:
        for text in (b"BDAT 5 LAST\r\nhello", b"BDAT 6\r\nQUIT\r\n"):
            with Peer(server, "smtp") as peer:
                code, texts = peer.code_texts(b"EHLO c.test")
                assert code == 250 and "CHUNKING" not in texts
                peer.send(text)
                assert peer.code() == 502 and peer.is_closed()


def test_A021_bdat_out_of_place(world):
    """Where it is offered its octets are read past, never executed."""
    for text in (b"BDAT 5 LAST\r\nhello", b"BDAT 6\r\nQUIT\r\n"):
        with smtp(world.server) as peer:
            peer.send(text + b"NOOP\r\n")
            assert peer.code() == 503 and peer.code() == 250


@pytest.mark.parametrize("command", [b"BDAT 18446744073709551616", b"BDAT -1", b"BDAT 1 LAST x", b"BDAT", b"BDAT +1",
                                     b"BDAT 0x1", b"BDAT 1.0 LAST", b"BDAT 1LAST"])
def test_A022_chunks_of_no_size(world, command):
    """How many octets follow cannot be known: none of them is taken for a command."""
    with smtp(world.server) as peer:
        assert peer.code(b"MAIL FROM:<a@remote.test>") == 250
        assert peer.code(b"RCPT TO:<alice@d.test>") == 250
        peer.send(command + b"\r\n" + SMUG)
        assert peer.code() == 501 and peer.is_closed()


def test_A022_chunks_by_the_thousand(world, case):
    """Postfix 20260724: nothing is kept of each."""
    case.delivered, case.peak_mib, case.cpu_s = 1, 4, 20
    with smtp(world.server) as peer:
        assert peer.code(b"MAIL FROM:<a@remote.test>") == 250
        assert peer.code(b"RCPT TO:<alice@d.test>") == 250
        text = HDR + b"\r\n"
        assert peer.code(b"BDAT %d\r\n" % len(text) + text[:-2]) == 250
        for _ in range(100):
            peer.send(b"BDAT 1\r\na" * 1000)
            assert {peer.code() for _ in range(1000)} == {250}
        assert peer.code(b"BDAT 2 LAST\r\n") == 250  # and the CRLF of code()
    assert world.last("alice@d.test").endswith(b"\r\n\r\n" + 100000 * b"a" + b"\r\n")


def test_A022_chunks_over_the_limit(world):
    """552 as soon as it is known, and all is forgotten."""
    with smtp(world.server) as peer:
        assert peer.code(b"MAIL FROM:<a@remote.test>") == 250
        assert peer.code(b"RCPT TO:<alice@d.test>") == 250
        peer.send(b"BDAT 10485761\r\n" + b"a" * 10485761)
        assert peer.code() == 552
        assert peer.code(b"DATA") == 503
        assert peer.code(b"BDAT 0 LAST") == 503
        assert peer.code(b"RCPT TO:<alice@d.test>") == 503
