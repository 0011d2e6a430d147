# SPDX-License-Identifier: MIT
"""What is read before it is asked for is what would have been read then: long
FETCHes, and POP3 clients that take one message after the other, or do not."""
import socket
import struct

import pytest

from pennypost import Server

USER = "alice@d.test"
MANY = 120
LARGE = (7, 50)  # these are too large to be read ahead, or to be in a batch


@pytest.fixture(scope="module")
def server():
    with Server() as s:
        yield s


def message(n):
    lines = 20 + n * 37 % 300 if n not in LARGE else 9000
    text = "".join(f".{n} line {i} {'x' * (i % 60)}\r\n" for i in range(lines))
    return f"From: a@d.test\r\nSubject: number {n}\r\n\r\n{text}".encode()


@pytest.fixture
def filled(server):
    """An INBOX with MANY messages of all sizes, and what they are."""
    client = server.imap(USER)
    client.select("INBOX")
    if client.uid("SEARCH", "ALL")[1] != [b""]:
        client.store("1:*", "+FLAGS.SILENT", "\\Deleted")
        client.expunge()
    messages = [message(n) for n in range(MANY)]
    for m in messages:
        assert client.append("INBOX", None, None, m)[0] == "OK"
    client.logout()
    return messages


def bodies(answer):
    return [part[1] for part in answer if isinstance(part, tuple)]


def retr(client, n):
    return b"".join(line + b"\r\n" for line in client.retr(n)[1])


def test_fetch(server, filled):
    client = server.imap(USER)
    client.select("INBOX", readonly=True)
    assert bodies(client.fetch("1:*", "(UID BODY.PEEK[])")[1]) == filled
    # one command after the other, each longer than a batch
    assert bodies(client.fetch("1:60", "(BODY.PEEK[])")[1]) == filled[:60]
    assert bodies(client.fetch("31:*", "(BODY.PEEK[])")[1]) == filled[30:]
    assert bodies(client.fetch("2:100,110", "(BODY.PEEK[]<5.5000>)")[1]) == \
        [m[5:5005] for m in filled[1:100] + filled[109:110]]
    fields = bodies(client.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (Subject)])")[1])
    assert fields == [b"Subject: number %d\r\n\r\n" % n for n in range(MANY)]
    assert bodies(client.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (Subject)])")[1]) == fields
    client.logout()


def test_fetch_makes_seen(server, filled):
    client = server.imap(USER)
    client.select("INBOX")
    assert bodies(client.fetch("1:*", "(BODY[])")[1]) == filled
    assert len(client.search(None, "SEEN")[1][0].split()) == MANY
    client.logout()


def test_another_expunges_meanwhile(server, filled):
    """What is gone before it is sent may be there or not; the others are."""
    reader, other = server.imap(USER), server.imap(USER)
    reader.select("INBOX", readonly=True)
    other.select("INBOX")
    reader.send(b"x1 UID FETCH 1:* (UID BODY.PEEK[])\r\n")
    other.store("40:80", "+FLAGS.SILENT", "\\Deleted")
    other.expunge()
    got = []
    while not (line := reader.readline()).startswith(b"x1 "):
        if line.endswith(b"}\r\n"):
            got.append(reader.read(int(line[line.rindex(b"{") + 1:-3])))
    assert line.startswith(b"x1 OK")
    assert [m for m in got if m in filled[:39] + filled[80:]] == filled[:39] + filled[80:]
    assert all(m in filled for m in got)
    reader.logout()
    other.logout()


def test_reader_leaves_meanwhile(server, filled):
    for _ in range(5):
        client = server.imap(USER)
        client.select("INBOX", readonly=True)
        client.send(b"x1 FETCH 1:* (BODY.PEEK[])\r\n")
        client.readline()
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.shutdown()
    client = server.imap(USER)
    client.select("INBOX", readonly=True)
    assert bodies(client.fetch("1:*", "(BODY.PEEK[])")[1]) == filled
    client.logout()


def test_maildrop_in_order(server, filled):
    client = server.pop3(USER)
    assert [retr(client, n) for n in range(1, MANY + 1)] == filled
    client.quit()


def test_maildrop_in_any_order(server, filled):
    client = server.pop3(USER)
    for n in (1, 2, 3, 3, 2, 60, 61, 62, 61, 1, 2, 4, 6, 8, 9, 7, 8, 9, MANY, 1, 51, 52, 50, 51, 119, 120):
        assert retr(client, n) == filled[n - 1], n
    for n in (1, 2, 3, 7, 8, 9):
        head = b"".join(line + b"\r\n" for line in client.top(n, 0)[1])
        assert head == filled[n - 1][:filled[n - 1].index(b"\r\n\r\n") + 4], n
    client.quit()


def test_maildrop_with_deletions(server, filled):
    client = server.pop3(USER)
    assert retr(client, 1) == filled[0]
    for n in (3, 4, 20):
        client.dele(n)
    for n in (2, 5, 6, 21):
        assert retr(client, n) == filled[n - 1], n
    client.rset()
    for n in range(2, 30):
        assert retr(client, n) == filled[n - 1], n
    client.dele(1)
    client.quit()
    assert server.fetch(USER) == filled[1:]


def test_maildrop_pipelined(server, filled):
    client = server.pop3(USER)
    client.sock.sendall(b"".join(b"RETR %d\r\n" % n for n in range(1, MANY + 1)))
    for n in range(1, MANY + 1):
        lines = client._getlongresp()[1]
        assert b"".join(line + b"\r\n" for line in lines) == filled[n - 1], n
    client.quit()


def test_maildrop_whose_reader_leaves(server, filled):
    for last in (1, 2, 5, 30):
        client = server.pop3(USER)
        for n in range(1, last + 1):
            assert retr(client, n) == filled[n - 1]
        client.sock.sendall(b"RETR %d\r\nRETR %d\r\n" % (last + 1, last + 2))
        client.close()
    assert server.fetch(USER) == filled


def test_expunged_under_a_maildrop(server, filled):
    """A snapshot: what is gone is said to be, or was read before."""
    client, other = server.pop3(USER), server.imap(USER)
    assert retr(client, 1) == filled[0]
    other.select("INBOX")
    other.store("40:80", "+FLAGS.SILENT", "\\Deleted")
    other.expunge()
    other.logout()
    for n in range(2, MANY + 1):
        try:
            assert retr(client, n) == filled[n - 1], n
        except Exception as e:  # poplib.error_proto
            assert 40 <= n <= 80 and b"removed" in bytes(str(e), "ascii"), (n, e)
    client.quit()
