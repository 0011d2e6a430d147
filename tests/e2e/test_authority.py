# SPDX-License-Identifier: MIT
"""maild as the credential authority: what auth.sock answers, and what it costs."""
import concurrent.futures
import contextlib
import fcntl
import json
import pathlib
import socket
import sqlite3
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from pennypost import Server, cpu_s, wait_for  # noqa: E402


class Authority:
    def __init__(self, server):
        self.path = str(pathlib.Path(server.ready["control"]).parent / "auth.sock")

    def lines(self, *lines):
        """Send raw lines over one connection; the answers."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(120)
            s.connect(self.path)
            s.sendall(b"".join(line + b"\n" for line in lines))
            reader = s.makefile("rb")
            return [json.loads(reader.readline()) for _ in lines]

    def ask(self, user, password, rip="192.0.2.1"):
        return self.lines(json.dumps({"op": "verify", "user": user, "password": password,
                                      "rip": rip, "proto": "pop3"}).encode())[0]

    def reason(self, *args, **more):
        return self.ask(*args, **more).get("reason", "good")


@pytest.fixture(scope="module")
def shared():
    with Server() as server:
        yield server


@pytest.fixture(scope="module")
def authority(shared):
    return Authority(shared)


def test_good(authority):
    got = authority.ask("Bob@D.Test.", "pw-bob-Xyz123")
    assert got["ok"] is True and got["login"] == "bob@d.test" and got["account"] > 0
    assert authority.ask("bob@d.test", "pw-bob-Xyz123") == got  # remembered


@pytest.mark.parametrize("user,password", [
    ("bob@d.test", "pw-bob-Xyz124"), ("bob@d.test", ""), ("bob@d.test", "pw-alice-Xyz123"),
    ("nobody@d.test", "pw-bob-Xyz123"), ("bob@far.test", "pw-bob-Xyz123"),
    ("bob", "pw-bob-Xyz123"),  # there are two domains
    ("", ""), ("@", "x"), ("bob@d.test\0x", "x"), ("bob@d.test\n", "x"), ("b" * 5000, "x"),
    ("bob@d.test", "x" * 5000), ("team@d.test", "x"), ("bob+x@d.test", "pw-bob-Xyz123")])
def test_bad(authority, user, password):
    got = authority.ask(user, password)
    assert got["ok"] is False and got["reason"] == "bad", got
    assert authority.ask(user, password) == got  # remembered


def test_name_without_domain():
    with Server(users={"bob@d.test": "secret"}) as server:
        assert Authority(server).ask("BOB", "secret")["login"] == "bob@d.test"


@pytest.mark.parametrize("line", [
    b"", b"{", b"[]", b"null", b"{}", b'{"op":"verify"}', b'{"op":"other","user":"a","password":"b","rip":"192.0.2.1"}',
    b'{"op":"verify","user":1,"password":"b","rip":"192.0.2.1"}',
    b'{"op":"verify","user":"bob@d.test","password":"pw-bob-Xyz123","rip":"nowhere"}',
    b'{"op":"verify","user":"bob@d.test","password":"pw-bob-Xyz123"}',
    b'{"op":"verify","user":"bob@d.test","password":["pw"],"rip":"192.0.2.1"}',
    b'{"op":"verify","op":"verify","user":"bob@d.test","password":"pw-bob-Xyz123","rip":"192.0.2.1"}',
    b"\xff\xfe", b"x" * 100000])
def test_questions_that_make_no_sense(authority, line):
    good = json.dumps({"op": "verify", "user": "bob@d.test", "password": "pw-bob-Xyz123",
                       "rip": "192.0.2.1", "proto": "pop3"}).encode()
    bad, after = authority.lines(line, good)  # the connection goes on
    assert bad["ok"] is False and bad["reason"] == "error"
    assert after["ok"] is True


def test_throttle():
    with Server(settings={"limits.auth_failures": "3"}) as server:
        authority = Authority(server)
        assert authority.ask("bob@d.test", "pw-bob-Xyz123", rip="192.0.2.9")["ok"]
        for n in range(3):
            assert authority.reason("bob@d.test", f"guess {n}") == "bad"
        assert authority.reason("bob@d.test", "pw-bob-Xyz123") == "throttled"
        assert authority.reason("alice@d.test", "pw-alice-Xyz123") == "throttled"
        # others are not kept out; nor is one its user logged in from before
        assert authority.reason("alice@d.test", "pw-alice-Xyz123", rip="192.0.2.2") == "good"
        assert authority.reason("bob@d.test", "pw-bob-Xyz123", rip="192.0.2.9") == "good"
        # IPv6: one /64 is one address
        for n in range(3):
            assert authority.reason("bob@d.test", f"guess {n}", rip=f"2001:db8::{n + 1}") == "bad"
        assert authority.reason("bob@d.test", "x", rip="2001:db8::ffff:1") == "throttled"
        assert authority.reason("bob@d.test", "x", rip="2001:db8:0:1::1") == "bad"


def test_the_same_wrong_password_counts_once():
    with Server(settings={"limits.auth_failures": "3"}) as server:
        authority = Authority(server)
        for _ in range(10):
            assert authority.reason("bob@d.test", "old password") == "bad"
        assert authority.reason("bob@d.test", "pw-bob-Xyz123") == "good"


def test_overflow_is_busy_not_a_queue_without_end():
    with Server() as server:
        authority = Authority(server)
        with concurrent.futures.ThreadPoolExecutor(200) as pool:
            got = list(pool.map(lambda n: authority.reason(
                f"nobody{n}@d.test", "x", rip=f"192.0.2.{n % 250}"), range(200)))
        assert set(got) == {"bad", "busy"} and got.count("bad") >= 32  # they are all strangers
        assert authority.reason("bob@d.test", "pw-bob-Xyz123") == "good"


def test_unknown_users_take_as_long(shared, authority):
    """Side by side, and in processor time, which what else runs here does not
    change."""
    pid = shared.pids()["maild"]

    def cost(user, n):
        before = cpu_s(pid)
        assert authority.reason(user, f"{user} {n}") == "bad"
        return cpu_s(pid) - before

    took = [(cost("alice@d.test", n), cost("nobody@d.test", n)) for n in range(25)]
    known, unknown = (sum(column) for column in zip(*took))
    assert 0.6 < known / unknown < 1.7


def test_change_under_load(shared, authority):
    """However many logins are under way: after `passwd' the old one is wrong."""
    shared.ctl("user", "add", "dave@d.test", input="old-1\n")
    old = "old-1"
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for n in range(5):
            new = f"new-{n}"
            tries = [pool.submit(authority.reason, "dave@d.test", old) for _ in range(30)]
            shared.ctl("user", "passwd", "dave@d.test", input=new + "\n")
            assert authority.reason("dave@d.test", old) in ("bad", "busy")
            for t in tries:
                t.result()
            assert authority.reason("dave@d.test", old) == "bad"
            assert authority.reason("dave@d.test", new) == "good"
            old = new


def test_disabled(shared, authority):
    """At once, whatever is remembered; a wrong password learns nothing."""
    shared.ctl("user", "add", "erin@d.test", input="pw-erin\n")
    assert authority.reason("erin@d.test", "pw-erin") == "good"
    shared.ctl("user", "disable", "erin@d.test")
    assert authority.reason("erin@d.test", "pw-erin") == "disabled"
    assert authority.reason("erin@d.test", "wrong") == "bad"
    shared.ctl("user", "enable", "erin@d.test")
    assert authority.reason("erin@d.test", "pw-erin") == "good"


def test_asked_for_while_a_command_is_executed():
    """Half of it may be done: whoever is remembered is looked for all the same."""
    with Server() as server, contextlib.ExitStack() as locks, concurrent.futures.ThreadPoolExecutor(1) as pool:
        authority = Authority(server)
        store = server.dir / "store"
        assert authority.reason("bob@d.test", "pw-bob-Xyz123") == "good"
        with contextlib.closing(sqlite3.connect(store / "mail.db", timeout=60)) as db, db:
            db.execute("UPDATE account SET state = 1 WHERE login = 'bob@d.test'")
        assert authority.reason("bob@d.test", "pw-bob-Xyz123") == "good"  # nobody has told it
        for turn in "ab":  # the lock of commits
            lock = locks.enter_context(open(store / f"lock.{turn}", "rb"))
            fcntl.flock(lock, fcntl.LOCK_EX)
        command = pool.submit(server.ctl, "user", "quota", "bob@d.test", "1G")
        try:
            wait_for(lambda: authority.reason("bob@d.test", "pw-bob-Xyz123") == "disabled")
            assert not command.done()
        finally:
            locks.close()
        command.result()


def test_stop_under_load():
    """Whoever asks while it stops gets an answer or a closed connection; it ends well."""
    server = Server().start()
    authority = Authority(server)

    def ask(n):
        try:
            return authority.reason(f"nobody{n}@d.test", "x", rip=f"192.0.2.{n % 250}")
        except (OSError, json.JSONDecodeError):
            return "closed"

    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        asked = [pool.submit(ask, n) for n in range(400)]
        time.sleep(0.3)
        server.stop()  # fails on a leak, a crash, or a status other than 0
        assert {a.result() for a in asked} <= {"bad", "busy", "error", "closed"}
