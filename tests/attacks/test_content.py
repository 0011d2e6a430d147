# SPDX-License-Identifier: MIT
"""A092, A093, A102, A103, A108-A110: messages made to hurt, in by SMTP and out
by POP3 and relay.  (IMAP's part comes with IMAP.)"""
import base64
import os

import pytest

from wire import EOD, HDR, Peer, smtp, submission, unstuffed

TEN_MIB = 10485760


def give(world, text, mail=b"MAIL FROM:<a@remote.test>"):
    """Deliver to alice; the reply."""
    with smtp(world.server, timeout=60) as peer:
        assert peer.code(mail) == 250
        assert peer.code(b"RCPT TO:<alice@d.test>") == 250
        assert peer.code(b"DATA") == 354
        peer.send(stuffed(text) + b".\r\n")
        code, texts = peer.reply()
        return f"{code} {texts[0]}"


def stuffed(text):
    assert text.endswith(b"\r\n")
    return b"\r\n".join(b"." + l if l.startswith(b".") else l for l in text.split(b"\r\n"))


def test_A092_two_hundred_thousand_fields(world, case):
    """CVE-2024-23184"""
    case.peak_mib = 8
    assert give(world, HDR + b"To: a@b.c\r\n" * 200000 + b"\r\nx\r\n").startswith("554 5.6.0")
    assert give(world, HDR + b"X: y\r\n" * 996 + b"\r\nx\r\n").startswith("554 5.6.0")  # 1,001 in all


def test_A092_as_many_as_allowed(world, case):
    case.delivered = 1
    text = HDR + b"X: y\r\n" * 990 + b"\r\nx\r\n"
    assert give(world, text).startswith("250")
    assert world.last("alice@d.test").endswith(text)
    with Peer(world.server, "pop3s").pop_login("alice@d.test") as peer:
        n = peer.pop(b"STAT").split()[1]
        assert peer.listing(b"TOP " + n + b" 0").endswith(b"X: y\r\n\r\n")


@pytest.mark.parametrize("field", [
    b"Subject: " + b"A" * 5000000 + b"\r\n", b"Subject: x" + b"\r\n x" * 100000 + b"\r\n",
    b"Subject: x" + b"\r\n " * 100000 + b"\r\n", b"A" * 300000 + b": x\r\n", b"To: " + b"a@b.c,\r\n " * 60000 + b"\r\n"],
    ids=["long", "folded", "folded_empty", "long_name", "many_addresses"])
def test_A093_enormous_field(world, case, field):
    """CVE-2024-23185, CVE-2020-28020, CVE-2010-4344"""
    case.peak_mib = 8
    assert give(world, HDR + field + b"\r\nx\r\n").startswith("554 5.6.0")


def test_A093_no_end_of_header(world, case):
    case.peak_mib = 8
    assert give(world, b"X: y\r\n" * 1000000).startswith("554 5.6.0")


@pytest.mark.parametrize("text", [HDR + b"\r\na\0b\r\n", HDR + b"X: a\0b\r\n\r\nx\r\n", b"\0\r\n"])
def test_A102_nul(world, text):
    """CVE-2011-1929"""
    for parameter in (b"", b" BODY=8BITMIME"):
        assert give(world, text, b"MAIL FROM:<a@remote.test>" + parameter).startswith("554 5.6.0")


AMBIGUOUS = {
    "leading_space": b" From: <x@e.test>\r\n" + HDR + b"\r\nx\r\n",
    "leading_tab": b"\tFrom: <x@e.test>\r\n" + HDR + b"\r\nx\r\n",
    "space_before_colon_twice": b"From : <x@e.test>\r\n" + HDR + b"\r\nx\r\n",
    "colon_on_the_next_line": b"From\r\n : <x@e.test>\r\n" + HDR + b"\r\nx\r\n",
    "name_8bit": b"Fr\xf6m: x\r\n" + HDR + b"\r\nx\r\n",
    "name_control": b"Fr\x01om: x\r\n" + HDR + b"\r\nx\r\n",
    "name_del": b"Fr\x7fom: x\r\n" + HDR + b"\r\nx\r\n",
}
HARMLESS = {  # seen in real mail; and read by all alike, since we give it out as it came
    "no_colon": HDR + b"no colon here\r\n\r\nx\r\n",
    "blank_line_of_space": HDR + b" \r\n\r\nx\r\n",
    "name_1000": HDR + b"A" * 990 + b": x\r\n\r\nx\r\n",
    "mbox_from": b"From a@b Mon Jan  1 00:00:00 2026\r\n" + HDR + b"\r\nx\r\n",
    "only_body": b"\r\nx\r\n",
}


@pytest.mark.parametrize("text", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
def test_A103_where_does_the_header_end(world, text):
    """(Exim bug 3036, OpenSMTPD 7.5) What two readers could read differently."""
    assert give(world, text).startswith("554 5.6.0")


def test_A103_bare_cr_before_the_body(world):
    assert give(world, HDR + b"\r hack\r\n\r\nx\r\n").startswith("550 5.6.11")


@pytest.mark.parametrize("text", HARMLESS.values(), ids=HARMLESS.keys())
def test_A103_or_as_it_was(world, case, text):
    answer = give(world, text)
    assert answer.startswith(("250", "554 5.6.0"))
    if answer.startswith("250"):
        case.delivered = 1
        assert world.last("alice@d.test").endswith(text)


@pytest.mark.parametrize("body", [b"", b"x\r\n", b"x\r\n\r\n\r\n", b".\r\n", b"\r\n", b" \t \r\n", b"\xff\xfe\x80\r\n",
                                  b"a" * 998 + b"\r\n", b"a" * 1048000 + b"\r\n", b"=\r\n=0\r\n", os.urandom(300).replace(
                                      b"\r", b"").replace(b"\n", b"").replace(b"\0", b"") + b"\r\n"], ids=range(11))
def test_A108_octet_by_octet(world, case, body):
    """What came with CRLF leaves as it came, by POP3 and by relay (mox 02eb7b5)."""
    case.delivered = 1
    text = HDR + b"\r\n" + body
    assert give(world, text).startswith("250")
    assert world.last("alice@d.test").endswith(text)
    case.connected = 1
    mine = text.replace(b"<a@remote.test>", b"<alice@d.test>", 1)
    with submission(world.server, timeout=60).begin(b"alice@d.test", [b"x@remote.test"]) as peer:
        peer.send(stuffed(mine) + b".\r\n")
        assert peer.code() == 250
    assert world.mx.wait() and world.mx.messages.pop().data.endswith(mine)


def test_A108_size_is_what_is_sent(world, case):
    case.delivered = 1
    assert give(world, HDR + b"\r\n.\r\nx\r\n").startswith("250")
    with Peer(world.server, "pop3s").pop_login("alice@d.test") as peer:
        n = peer.pop(b"STAT").split()[1]
        said = int(peer.pop(b"LIST " + n).split()[2])
        assert said == len(unstuffed(peer.listing(b"RETR " + n)))


@pytest.mark.parametrize("parameter", [b"", b" BODY=8BITMIME", b" BODY=7BIT"])
def test_A109_8bit(world, case, parameter):
    """Taken as it is, whatever was announced (docs/security.md)."""
    case.delivered = 1
    text = HDR + "X-Name: Zoë\r\n\r\nZoë\r\n".encode()
    assert give(world, text, b"MAIL FROM:<a@remote.test>" + parameter).startswith("250")
    assert world.last("alice@d.test").endswith(text)


def padded(size):
    """A message of so many octets, with an attachment in base64."""
    head = HDR + (b"MIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\n"
                  b"Content-Transfer-Encoding: base64\r\n\r\n")
    line = base64.b64encode(b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR" * 2)[:76] + b"\r\n"
    text = (head + line * (size // len(line)))[:size - 2]
    return (text[:-1] + b"A" if text.endswith(b"\r") else text) + b"\r\n"


def test_A110_at_the_limit(world, case):
    """RFC 1870 s6: real octets count, whatever was announced."""
    case.delivered, case.cpu_s = 1, 4
    for size, announced, code in ((TEN_MIB, b"", "250"), (TEN_MIB + 1, b"", "552 5.3.4"),
                                  (TEN_MIB + 1, b" SIZE=10", "552 5.3.4")):
        text = padded(size)
        assert len(text) == size
        assert give(world, text, b"MAIL FROM:<a@remote.test>" + announced).startswith(code), (size, announced)


def test_A147_quota_is_not_overrun(world, case):
    """Refused while the peer waits, at RCPT or at the end; never sent back later."""
    case.any_mail = True
    text = HDR + b"\r\n" + (b"A" * 76 + b"\r\n") * 1300  # 100 KB
    peers, codes = [], []
    for _ in range(20):
        peer = smtp(world.server)
        assert peer.code(b"MAIL FROM:<a@remote.test>") == 250
        codes.append(peer.code(b"RCPT TO:<quota@d.test>"))
        if codes[-1] == 250:
            assert peer.code(b"DATA") == 354
            peers.append(peer)
    for peer in peers:
        peer.send(text + b".\r\n")
    ends = [peer.code() for peer in peers]
    for peer in peers:
        peer.close()
    assert set(ends) == {250, 452} or set(ends) == {250, 552}
    (used,), = world.oracle.query("SELECT bytes FROM account_use u JOIN account a ON a.id = u.account"
                                  " WHERE login = 'quota@d.test'")
    assert ends.count(250) * len(text) <= used <= 1048576
    with smtp(world.server) as peer:
        assert peer.code(b"MAIL FROM:<a@remote.test> SIZE=200000") == 250
        assert peer.says(b"RCPT TO:<quota@d.test>").startswith(("452 4.2.2", "552 5.2.2"))
