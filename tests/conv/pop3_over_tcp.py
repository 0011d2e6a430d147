#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The real popd with a real store and a stand-in for maild's authority: the
conversations of tests/conv/pop3 over TCP and TLS, and what only a daemon shows
(the lock, connections that break, limits, time, signals, memory).

    pop3_over_tcp.py POPD POP3_FIXTURE"""
import contextlib
import os
import pathlib
import poplib
import shutil
import signal
import socket
import sqlite3
import ssl
import struct
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
import over_tcp
from popd_rig import PATIENCE_S, Authority, Popd, poll

HERE = pathlib.Path(__file__).parent
MAILDROP = HERE / "pop3" / "maildrop"
POPD, FIXTURE = (str(pathlib.Path(p).resolve()) for p in sys.argv[1:3]) if len(sys.argv) > 2 else ("", "")
MANY, MIB = 20000, 50
PASSWORDS = {"alice@d.test": "pw-alice-Xyz123", "bob@d.test": " two  words ",
             "many@d.test": "pw-many", "big@d.test": "pw-big"}


class Case(unittest.TestCase):
    settings = {}

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="pop3")
        self.addCleanup(shutil.rmtree, self.dir)
        self.store = self.dir + "/store"
        many, mib = getattr(self, getattr(self, "_testMethodName")).__dict__.get("filled", (10, 1))
        out = subprocess.run([FIXTURE, self.store, self.dir, str(many), str(mib)],
                             check=True, stdout=subprocess.PIPE, cwd=HERE.parent.parent).stdout.decode()
        self.authority = Authority(self.dir + "/auth.sock",
                                   {l.split()[0]: int(l.split()[1]) for l in out.splitlines()}, PASSWORDS)
        self.addCleanup(self.authority.sock.close)
        self.popd = Popd(POPD, self.dir, self.store, **self.settings)
        self.addCleanup(self.ended_well)

    def ended_well(self):
        code, text = self.popd.stop()
        self.assertEqual(code, 0, text)
        self.assertNotIn("Sanitizer", text)
        for password in PASSWORDS.values():
            self.assertNotIn(password, text)

    def context(self):
        return ssl.create_default_context(cafile=self.dir + "/ca.pem")

    def connect(self):
        return poplib.POP3_SSL("localhost", self.popd.tls_port, context=self.context(), timeout=60)

    def login(self, user="alice@d.test"):
        p = self.connect()
        p.user(user)
        p.pass_(PASSWORDS[user])
        return p

    def raw(self, *said):
        """A TLS connection on which these lines were said, up to their answers."""
        s = self.context().wrap_socket(socket.create_connection(("127.0.0.1", self.popd.tls_port), 60), server_hostname="localhost")
        f = s.makefile("rwb")
        f.readline()
        for line in said:
            f.write(line + b"\r\n")
            f.flush()
            self.assertTrue(f.readline().startswith(b"+OK"), line)
        return s, f

    def is_unlocked(self, user="alice@d.test"):
        with contextlib.closing(self.connect()) as p:
            p.user(user)
            try:
                p.pass_(PASSWORDS[user])
            except poplib.error_proto as e:
                self.assertIn("[IN-USE]", str(e))
                return False
            p.quit()             # so that this look leaves no lock
            return True

    def conversations(self, plaintext):
        server = over_tcp.Server("127.0.0.1", self.popd.port, self.popd.tls_port, self.dir + "/ca.pem", plaintext=plaintext)
        for path in sorted((HERE / "pop3").glob("*.conv")):
            # QUIT after DELE changes the maildrop: whole_session comes last
            if path.name != "whole_session.conv":
                yield path, server
        yield HERE / "pop3" / "whole_session.conv", server

    def play(self, plaintext, least):
        played = 0
        for path, server in self.conversations(plaintext):
            with self.subTest(path.name):
                played += over_tcp.play(path, server)
        self.assertGreaterEqual(played, least)


def filled(many, mib):
    def mark(test):
        test.filled = (many, mib)
        return test
    return mark


class Conversations(Case):
    def test_as_written(self):
        self.play(False, 35)


class InClear(Case):
    settings = {"test__allow_plaintext": "yes"}

    def test_as_written(self):
        self.play(True, 3)

    def test_stls(self):
        p = poplib.POP3("localhost", self.popd.port, timeout=60)
        self.assertIn("STLS", p.capa())
        p.stls(self.context())
        self.assertNotIn("STLS", p.capa())
        p.user("alice@d.test")
        p.pass_(PASSWORDS["alice@d.test"])
        self.assertEqual(p.stat(), (4, 181))
        p.quit()


class Maildrop(Case):
    def bodies(self):
        return [(MAILDROP / ("%d.eml" % i)).read_bytes() for i in range(1, 5)]

    def test_byte_exact(self):
        p = self.login()
        for i, want in enumerate(self.bodies(), 1):
            got = b"".join(l + b"\r\n" for l in p.retr(i)[1])
            self.assertEqual(got, want if want.endswith(b"\r\n") else want + b"\r\n")
            self.assertEqual(got, b"".join(l + b"\r\n" for l in p.top(i, 10 ** 9)[1]))
        self.assertEqual(p.quit()[:3], b"+OK")

    def test_only_quit_deletes(self):
        uids = self.login_list()
        # reset
        s, f = self.raw(b"USER alice@d.test", b"PASS pw-alice-Xyz123", b"DELE 1")
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(s.detach())
        self.wait_unlocked()
        self.assertEqual(self.login_list(), uids)
        # close
        s, f = self.raw(b"USER alice@d.test", b"PASS pw-alice-Xyz123", b"DELE 1")
        s.close(), f.close()
        self.wait_unlocked()
        self.assertEqual(self.login_list(), uids)
        # the daemon dies
        s, f = self.raw(b"USER alice@d.test", b"PASS pw-alice-Xyz123", b"DELE 1")
        self.popd.process.kill()
        self.popd.process.wait()
        self.popd.log.close()
        self.popd = Popd(POPD, self.dir, self.store, **self.settings)
        self.assertEqual(self.login_list(), uids)
        # QUIT, the connection half closed behind it
        s, f = self.raw(b"USER alice@d.test", b"PASS pw-alice-Xyz123", b"DELE 2", b"DELE 4", b"RSET", b"DELE 1")
        f.write(b"QUIT\r\n")
        f.flush()
        self.assertEqual(f.readline()[:3], b"+OK")
        self.assertEqual(f.read(), b"")
        self.assertEqual(self.login_list(), uids[1:])

    def login_list(self):
        p = self.login()
        uids = [l.split()[1] for l in p.uidl()[1]]
        p.quit()
        self.wait_unlocked()
        return uids

    def wait_unlocked(self):
        self.assertTrue(poll(self.is_unlocked), "the maildrop stays locked")

    def test_exclusive(self):
        first = self.login()
        second = self.connect()
        second.user("alice@d.test")
        with self.assertRaisesRegex(poplib.error_proto, r"\[IN-USE\]"):
            second.pass_(PASSWORDS["alice@d.test"])
        # the password was right: nobody is to be banned for a second device
        self.assertNotIn("auth fail", self.wait_log('in use proto=pop3 rip=127.0.0.1 user="alice@d.test"'))
        other = self.login("bob@d.test")     # another maildrop is free
        other.quit()
        first.quit()
        second.user("alice@d.test")          # and now this one is
        second.pass_(PASSWORDS["alice@d.test"])
        second.quit()

    def test_expunged_meanwhile(self):
        want = self.bodies()
        p = self.login()
        subprocess.run([FIXTURE, self.store, "expunge", str(self.authority.accounts["alice@d.test"]), "20"], check=True)
        for ask in (p.retr, lambda n: p.top(n, 0)):
            with self.assertRaisesRegex(poplib.error_proto, "removed meanwhile"):
                ask(2)
        self.assertEqual(p.stat()[0], 4)     # a snapshot
        for i in (1, 3):                     # never another message
            self.assertEqual(b"".join(l + b"\r\n" for l in p.retr(i)[1]), want[i - 1])
        p.dele(2), p.dele(3)
        self.assertEqual(p.quit()[:3], b"+OK")
        self.assertEqual([u.rsplit(b".")[1] for u in self.login_list()], [b"10", b"40"])

    def test_fetched_and_deleted_are_on_the_journey(self):
        p = self.login()
        p.retr(1), p.retr(1), p.top(2, 0), p.top(3, 100)
        p.dele(2)
        p.quit()
        self.assertIn("fetched=3 deleted=1 user=\"alice@d.test\"", self.wait_log("session proto=pop3"))

        def three():
            with contextlib.closing(sqlite3.connect("file:%s/mail.db?mode=ro" % self.store, uri=True)) as db:
                hops = db.execute("SELECT kind, recipient, peer FROM hop WHERE daemon = 3 ORDER BY kind").fetchall()
            return hops if len(hops) >= 3 else None
        hops = poll(three)
        self.assertEqual(hops[:2], [(10, "alice@d.test", "127.0.0.1")] * 2)   # RETR 1 once, TOP 3 whole
        self.assertEqual([h[0] for h in hops], [10, 10, 11])

    def wait_log(self, text):
        self.assertTrue(poll(lambda: text in self.popd.lines()), "%r is not logged: %s" % (text, self.popd.lines()))
        return self.popd.lines()

    def test_refusals(self):
        p = self.connect()
        for user, code in (("throttled", "SYS/TEMP"), ("busy", "SYS/TEMP"), ("error", "SYS/TEMP"),
                           ("disabled", "SYS/PERM"), ('no"b\\ody', "AUTH")):
            p.user(user + "@d.test")
            with self.assertRaisesRegex(poplib.error_proto, r"\[%s\]" % code):
                p.pass_("x")
        p.quit()
        lines = self.wait_log("ody@d.test")
        self.assertIn('auth fail proto=pop3 rip=127.0.0.1 reason=bad user="no\\x22b\\x5cody@d.test"', lines)
        self.assertIn('auth fail proto=pop3 rip=127.0.0.1 reason=throttled user="throttled@d.test"', lines)
        self.assertIn('auth fail proto=pop3 rip=127.0.0.1 reason=disabled user="disabled@d.test"', lines)
        for reason in ("busy", "error"):
            self.assertIn("auth unavailable proto=pop3 rip=127.0.0.1 reason=%s\n" % reason, lines)
            self.assertNotIn("reason=%s user" % reason, lines)
        self.assertEqual(self.authority.asked[-1]["user"], 'no"b\\ody@d.test')
        self.assertEqual(self.authority.asked[-1]["proto"], "pop3")

    def test_authority_is_away(self):
        self.authority.sock.close()
        os.unlink(self.dir + "/auth.sock")
        p = self.connect()
        p.user("alice@d.test")
        with self.assertRaisesRegex(poplib.error_proto, r"\[SYS/TEMP\]"):
            p.pass_("x")
        p.quit()

    def test_client_leaves_while_asked(self):
        self.authority.delay = 0.3
        for _ in range(10):
            s, f = self.raw(b"USER alice@d.test")
            f.write(b"PASS pw-alice-Xyz123\r\nSTAT\r\n")
            f.flush()
            os.close(s.detach())
        self.authority.delay = 0
        time.sleep(0.6)
        self.wait_unlocked()

    def test_eight_bit_names(self):
        p = self.connect()
        for name in (b"\xff\xfe@d.test", "bj\u00f6rn@d.test".encode()):
            p.sock.sendall(b"USER " + name + b"\r\nPASS x\r\n")
            self.assertEqual(p.file.readline()[:3], b"+OK")
            self.assertEqual(p.file.readline()[:11], b"-ERR [AUTH]")
        self.assertEqual([q["user"] for q in self.authority.asked], ["", "bj\u00f6rn@d.test"])
        p.close()

    def test_injection_behind_stls(self):
        for behind in (b"CAPA\r\nUSER alice\r\n", b"NOO"):
            s = socket.create_connection(("127.0.0.1", self.popd.port), 60)
            f = s.makefile("rb")
            f.readline()
            s.sendall(b"STLS\r\n" + behind)
            self.assertEqual(f.readline()[:3], b"+OK")
            self.assertEqual(f.read(), b"")
            s.close()

    def test_stop_says_goodbye(self):
        s, f = self.raw(b"USER alice@d.test", b"PASS pw-alice-Xyz123", b"DELE 1")
        self.popd.process.send_signal(signal.SIGTERM)
        self.assertEqual(f.readline()[:15], b"-ERR [SYS/TEMP]")
        self.assertEqual(f.read(), b"")
        self.assertEqual(self.popd.process.wait(timeout=30), 0)
        s.close(), f.close()

    def test_reload_of_certificate(self):
        before = self.connect()
        cert = pathlib.Path(self.dir + "/cert.pem")
        good = cert.read_bytes()
        cert.write_bytes(b"")
        self.popd.process.send_signal(signal.SIGHUP)
        self.wait_log("the old certificate stays")
        self.connect().quit()
        cert.write_bytes(good)
        self.popd.process.send_signal(signal.SIGHUP)
        self.wait_log("certificate is loaded again")
        self.connect().quit()
        before.quit()


class Large(Case):
    settings = {"limits__connections_per_address": "40"}

    @filled(MANY, 1)
    def test_listing(self):
        p = self.login("many@d.test")
        uids = p.uidl()[1]
        self.assertEqual(len(uids), MANY)
        self.assertEqual(len(set(u.split()[1] for u in uids)), MANY)
        self.assertEqual([int(l.split()[0]) for l in p.list()[1]], list(range(1, MANY + 1)))
        p.quit()

    @filled(MANY, 1)
    def test_listing_nobody_reads(self):
        before = self.popd.rss_kib()
        s, f = self.raw(b"USER many@d.test", b"PASS pw-many")
        s.sendall(b"UIDL\r\n" * 500)
        time.sleep(1)
        self.assertLess(self.popd.rss_kib() - before, 8192)
        p = self.login()                     # others are served meanwhile
        p.noop()
        p.quit()
        s.close(), f.close()

    @filled(10, MIB)
    def test_slow_reader(self):
        before = self.popd.rss_kib()
        s, f = self.raw(b"USER big@d.test", b"PASS pw-big")
        size = int(self.stat(f).split()[2])
        self.assertGreaterEqual(size, MIB << 20)
        f.write(b"RETR 1\r\n")
        f.flush()
        time.sleep(1)                        # it has filled what it may fill
        most, got, last = self.popd.rss_kib(), 0, b""
        f.readline()
        while last != b".\r\n":
            last = f.readline()
            got += len(last) - (1 if last.startswith(b".") else 0)
            if got % 4096 < 60:
                most = max(most, self.popd.rss_kib())
        self.assertEqual(got - 2, size)
        self.assertLess(most - before, 8192)
        s.close(), f.close()

    def stat(self, f):
        f.write(b"STAT\r\n")
        f.flush()
        return f.readline()

    @filled(10, MIB)
    def test_reader_that_leaves(self):
        self.login().quit()                  # the way to the authority stays open
        time.sleep(3)                        # and this connection is gone
        files = self.popd.open_files()
        for _ in range(20):
            s, f = self.raw(b"USER big@d.test", b"PASS pw-big", b"RETR 1")
            os.close(s.detach())
            self.assertTrue(poll(lambda: self.popd.open_files() <= files))

    @filled(10, 20)
    def test_stop_ends_with_the_answer_under_way(self):
        s, f = self.raw(b"USER big@d.test", b"PASS pw-big")
        f.write(b"RETR 1\r\n" * 3)          # far more than sockets hold
        f.flush()
        lines = [f.readline()]
        self.popd.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        lines += f.readlines()
        self.assertEqual([l[:15] for l in lines if l.startswith((b"+OK", b"-ERR"))][1:], [b"-ERR [SYS/TEMP]"])
        self.assertEqual(lines[-2], b".\r\n")
        s.close(), f.close()
        self.assertEqual(self.popd.process.wait(timeout=30), 0)

    @filled(10, MIB)
    def test_top_reads_no_more_than_it_needs(self):
        s, f = self.raw(b"USER big@d.test", b"PASS pw-big")
        begin = self.popd.cpu_s()
        f.write(b"RETR 1\r\n")
        f.flush()
        while f.readline() != b".\r\n":
            pass
        whole = self.popd.cpu_s() - begin
        s.close(), f.close()
        poll(lambda: self.is_unlocked("big@d.test"))
        p = self.login("big@d.test")
        begin = self.popd.cpu_s()
        for _ in range(50):
            self.assertEqual(len(p.top(1, 3)[1]), 5)
        self.assertLess(self.popd.cpu_s() - begin, max(whole, 0.1))  # fifty for less than one of all
        p.quit()

    def test_too_many_connections(self):
        held = [self.connect() for _ in range(40)]
        s = socket.create_connection(("127.0.0.1", self.popd.port), 60)
        self.assertEqual(s.recv(100)[:15], b"-ERR [SYS/TEMP]")
        s.close()
        held.pop().quit()

        def one_more():
            with contextlib.suppress(OSError, poplib.error_proto):
                return self.connect()
        held.append(poll(one_more))
        self.assertTrue(held[-1])
        for p in held:
            p.close()


class Time(Case):
    """Each wait is 4 s here, counted by popd from some moment after `begin'."""
    settings = {"timeouts__pop3_idle": "4s", "timeouts__stall": "4s", "timeouts__handshake": "4s"}

    alice = [b"USER alice@d.test", b"PASS pw-alice-Xyz123"]

    def until_end(self, said, drip, most=PATIENCE_S):
        begin = time.monotonic()
        s, f = self.raw(*said)
        s.settimeout(0.2)
        got = b""
        while time.monotonic() - begin < most:
            try:
                if drip:
                    s.sendall(drip)
                    time.sleep(0.1)
                piece = s.recv(1000)
                got += piece
                if not piece:
                    break
            except socket.timeout:
                continue
            except (ConnectionError, ssl.SSLError):
                break
        s.close(), f.close()
        return time.monotonic() - begin, got

    def test_silence(self):
        took, got = self.until_end([*self.alice, b"DELE 1"], b"")
        self.assertTrue(3.5 < took < PATIENCE_S, took)
        self.assertEqual(got[:15], b"-ERR [SYS/TEMP]")

    def test_drip_is_silence(self):
        took, got = self.until_end(self.alice, b"N")
        self.assertTrue(3.5 < took < PATIENCE_S, took)

    def test_commands_are_none(self):
        took, got = self.until_end(self.alice, b"NOOP\r\n", 10)
        self.assertGreaterEqual(took, 10)

    def test_stranger_has_one_deadline(self):
        took, got = self.until_end([], b"CAPA\r\n")
        self.assertTrue(3.5 < took < PATIENCE_S, took)

    def test_handshake(self):
        begin = time.monotonic()
        s = socket.create_connection(("127.0.0.1", self.popd.tls_port), PATIENCE_S)
        s.sendall(b"\x16\x03\x01")
        with contextlib.suppress(ConnectionError):
            s.recv(100)
        self.assertGreater(time.monotonic() - begin, 3.5)
        s.close()

    @filled(10, 20)
    def test_reader_that_stops(self):
        s, f = self.raw(b"USER big@d.test", b"PASS pw-big", b"RETR 1")
        # its session goes, and the lock with it
        self.assertTrue(poll(lambda: self.is_unlocked("big@d.test")))
        s.close(), f.close()


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)
