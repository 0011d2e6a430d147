# SPDX-License-Identifier: MIT
"""A156-A161: POP3."""
import time

import pytest

from wire import EOD, HDR, Peer, smtp, unstuffed

SETTINGS = {"timeouts.pop3_idle": "5s", "timeouts.stall": "5s"}
USER = "carol@e.test"


@pytest.fixture
def stocked(world, case):
    """Three messages, and nothing else, in carol's maildrop."""
    case.any_mail = True
    with Peer(world.server, "pop3s").pop_login(USER) as peer:
        for n in range(1, int(peer.pop(b"STAT").split()[1]) + 1):
            peer.pop(b"DELE %d" % n)
        assert peer.pop(b"QUIT").startswith(b"+OK")
    for n in range(3):
        with smtp(world.server).begin(to=[USER.encode()]) as peer:
            peer.send(HDR + b"\r\nbody %d" % n + EOD)
            assert peer.code() == 250
    yield world
    assert world.n(USER) in (2, 3)


def drop(world, **more):
    return Peer(world.server, "pop3s", **more).pop_login(USER)


@pytest.mark.parametrize("command", [
    b"RETR 0", b"RETR -1", b"RETR 4294967297", b"RETR 18446744073709551617", b"RETR 99999999999999999999", b"RETR",
    b"RETR 1 2", b"RETR x", b"RETR 4", b"RETR +1", b"RETR 01x", b"DELE x", b"DELE 0", b"DELE 4", b"LIST 1 2", b"LIST 0",
    b"TOP 1", b"TOP 1 -1", b"TOP 0 0", b"TOP 4 0", b"TOP x 1", b"TOP 1 x", b"UIDL 0", b"UIDL 4", b"UIDL x", b"UIDL -1",
    b"STAT x", b"NOOP x", b"RSET x", b"QUIT x"])
def test_A156_numbers(stocked, command):
    with drop(stocked) as peer:
        assert peer.pop(command).startswith(b"-ERR")
        assert peer.pop(b"STAT").startswith(b"+OK 3 ")


def test_A156_top_of_all(stocked):
    with drop(stocked) as peer:
        whole = peer.listing(b"RETR 1")
        for lines in (b"18446744073709551616", b"99999999999999999999999", b"4294967296", b"1000"):
            peer.send(b"TOP 1 " + lines + b"\r\n")
            first = peer.line()
            assert first.startswith((b"+OK", b"-ERR"))
            if first.startswith(b"+OK"):
                while b"\r\n.\r\n" not in peer.seen:
                    assert peer.fill()
                text, _, peer.seen = peer.seen.partition(b"\r\n.\r\n")
                assert text + b"\r\n" == whole
        assert peer.listing(b"TOP 1 0").endswith(b"\r\n\r\n")


def test_A157_dele_and_rset_for_ever(stocked, case):
    """(Dovecot f2e150981e)"""
    case.peak_mib, case.cpu_s = 4, 10
    with drop(stocked, timeout=60) as peer:
        rounds = 20000
        for _ in range(rounds // 1000):
            peer.send(b"DELE 1\r\nRSET\r\n" * 1000)
            for _ in range(2000):
                assert peer.line().startswith(b"+OK")
        assert peer.pop(b"STAT").startswith(b"+OK 3 ")


@pytest.mark.parametrize("end", ["reset", "close", "half_close", "idle"])
def test_A158_only_quit_deletes(stocked, end):
    """RFC 1939 s6"""
    with drop(stocked) as peer:
        assert peer.pop(b"DELE 1").startswith(b"+OK")
        if end == "idle":
            assert peer.rest().startswith(b"-ERR")
        elif end == "half_close":
            peer.send(b"QUI")
            peer.half_close()
            peer.rest()
        else:
            getattr(peer, end)()
    stocked.oracle.soon(lambda: free(stocked), "the maildrop is locked still")
    assert stocked.n(USER) == 3


def free(world):
    """Nobody has the maildrop."""
    with Peer(world.server, "pop3s") as peer:
        peer.pop(b"USER " + USER.encode())
        answer = peer.pop(b"PASS " + world.server.password(USER).encode())
        peer.pop(b"QUIT")
        return answer.startswith(b"+OK")


def test_A158_quit_deletes(stocked):
    with drop(stocked) as peer:
        assert peer.pop(b"DELE 1").startswith(b"+OK")
        assert peer.pop(b"QUIT").startswith(b"+OK")
    assert stocked.n(USER) == 2


def test_A159_dots(world, case):
    """RFC 1939 s3: the client library gets the message as it was."""
    case.any_mail = True
    body = b"x\r\n.\r\n+OK\r\n..\r\n.x\r\n\r\n.\r\n"
    with smtp(world.server).begin(to=[b"bob@d.test"]) as peer:
        peer.send(HDR + b"\r\nx\r\n..\r\n+OK\r\n...\r\n..x\r\n\r\n..\r\n.\r\n")
        assert peer.code() == 250
    assert world.server.fetch("bob@d.test")[-1].endswith(HDR + b"\r\n" + body)
    with Peer(world.server, "pop3s").pop_login("bob@d.test") as peer:
        n = peer.pop(b"STAT").split()[1]
        assert unstuffed(peer.listing(b"TOP " + n + b" 100")).endswith(HDR + b"\r\n" + body)
        assert unstuffed(peer.listing(b"TOP " + n + b" 2")).endswith(HDR + b"\r\nx\r\n.\r\n")


def test_A160_two_sessions(stocked):
    with drop(stocked) as peer:
        with Peer(stocked.server, "pop3s") as second:
            second.pop(b"USER " + USER.encode())
            assert second.pop(b"PASS " + stocked.server.password(USER).encode()).startswith(b"-ERR [IN-USE]")
        with smtp(stocked.server).begin(to=[USER.encode()]) as other:
            other.send(HDR + b"\r\nlate" + EOD)
            assert other.code() == 250
        assert peer.pop(b"STAT").startswith(b"+OK 3 ")  # as it was at login
        assert peer.pop(b"RETR 4").startswith(b"-ERR")
        assert peer.pop(b"DELE 3").startswith(b"+OK") and peer.pop(b"DELE 2").startswith(b"+OK")
        assert peer.pop(b"QUIT").startswith(b"+OK")
    assert stocked.n(USER) == 2  # the first, and the late one


def test_A160_message_removed_under_us(world, case):
    """With its account: -ERR then, and never another message instead."""
    case.any_mail = True
    server = world.server
    server.users["temp@d.test"] = "pw-temp-Xyz123"
    server.ctl("user", "add", "temp@d.test", input="pw-temp-Xyz123\n")
    server.deliver("a@remote.test", ["temp@d.test"], b"Subject: mine\r\n\r\nx\r\n")
    with Peer(server, "pop3s").pop_login("temp@d.test") as peer:
        server.ctl("user", "remove", "temp@d.test", "--yes")
        server.deliver("a@remote.test", ["bob@d.test"], b"Subject: another's\r\n\r\nx\r\n")
        for command in (b"RETR 1", b"TOP 1 0"):
            got = peer.pop(command)
            if got.startswith(b"+OK"):
                while b"\r\n.\r\n" not in peer.seen and peer.fill():
                    pass
                got, _, peer.seen = peer.seen.partition(b"\r\n.\r\n")
            assert got.startswith(b"-ERR") or b"Subject: mine" in got
            assert b"another" not in got
        assert peer.pop(b"DELE 1").startswith((b"+OK", b"-ERR"))
        assert peer.pop(b"QUIT").startswith((b"+OK", b"-ERR"))
    del server.users["temp@d.test"]


@pytest.mark.parametrize("text", [b"A" * 1048576 + b"\r\n", b"USER " + b"A" * 65536 + b"\r\n", b"PASS a\0b\r\n", b"\0\r\n",
                                  b"USER a\0b\r\n", b" CAPA\r\n", b"\r\n", b"\xff\xfe\r\n"], ids=range(8))
def test_A161_lines(world, case, text):
    case.peak_mib = 4
    with Peer(world.server, "pop3s") as peer:
        peer.send(text)
        got, _ = peer.during(1)
        assert got.startswith(b"-ERR") or not got
        assert got.count(b"\r\n") <= 1


def test_A161_a_thousand_capa_unread(world, case):
    case.peak_mib = 4
    with Peer(world.server, "pop3") as peer:
        peer.send(b"CAPA\r\n" * 1000)
        got = peer.rest()
        assert got.endswith(b"-ERR too many commands without login\r\n")
    with drop(world, rcvbuf=4096) as peer:
        peer.sock.settimeout(1)
        sent, start = 0, time.monotonic()
        while time.monotonic() - start < 60:
            try:
                sent += peer.sock.send(b"CAPA\r\n" * 1000)
            except TimeoutError:
                continue
            except OSError:
                break
        assert sent < 16 * 1048576 and time.monotonic() - start < 60


def test_A161_errors_end_it(world):
    with Peer(world.server, "pop3") as peer:
        peer.send(b"BOGUS\r\n" * 50)
        got = peer.rest()
        assert got.count(b"-ERR") == 10 and got.endswith(b"-ERR too many errors\r\n")
