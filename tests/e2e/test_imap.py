# SPDX-License-Identifier: MIT
"""IMAP as clients meet it: Python's imaplib and curl against the whole suite."""
import contextlib
import imaplib
import os
import pathlib
import re
import signal
import socket
import subprocess
import time
import zlib

import pytest

from pennypost import Server, wait_for, without_trace

ALICE, BOB = "alice@d.test", "bob@d.test"
MESSAGE = (b"From: bob@d.test\r\nTo: alice@d.test\r\nSubject: hello\r\n"
           b"Date: Sun, 22 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@c.test>\r\n\r\nHow are you?\r\n")


@pytest.fixture
def server():
    with Server() as s:
        yield s






class Raw:
    """A connection of lines, logged in, under TLS."""

    def __init__(self, server, user=ALICE, login=True):
        self.sock = server.tls().wrap_socket(
            socket.create_connection((server.host, server.ports["imaps"]), 60), server_hostname=server.host)
        self.held, self.squeeze = b"", None
        self.greeting = self.line()
        self.n = 0
        if login:
            self.ok("LOGIN %s %s" % (user, server.password(user)))

    def send(self, text):
        data = text.encode() if isinstance(text, str) else text
        if self.squeeze:
            data = self.squeeze.compress(data) + self.squeeze.flush(zlib.Z_SYNC_FLUSH)
        self.sock.sendall(data)

    def line(self):
        while b"\r\n" not in self.held:
            got = self.sock.recv(65536)
            if not got:
                raise EOFError(self.held)
            self.held += self.stretch.decompress(got) if self.squeeze else got
        line, self.held = self.held.split(b"\r\n", 1)
        return line.decode()

    def begin(self, command):
        self.n += 1
        self.send("t%d %s\r\n" % (self.n, command))
        return "t%d" % self.n

    def ok(self, command):
        """The untagged lines; the command must be good."""
        tag, lines = self.begin(command), []
        while not (line := self.line()).startswith(tag + " "):
            lines.append(line)
        assert line.startswith(tag + " OK"), line
        return lines

    def compress(self):
        self.ok("COMPRESS DEFLATE")
        self.squeeze, self.stretch = zlib.compressobj(wbits=-15), zlib.decompressobj(-15)

    def until(self, pattern):
        """Lines up to the first that matches."""
        lines = [self.line()]
        while not re.search(pattern, lines[-1]):
            lines.append(self.line())
        return lines

    def idle(self):
        self.begin("IDLE")
        assert self.line().startswith("+")

    def close(self):
        self.sock.close()


# ---- coming in

def test_starttls_and_login(server):
    client = imaplib.IMAP4(server.host, server.ports["imap"], timeout=60)
    assert "LOGINDISABLED" in client.capabilities and "STARTTLS" in client.capabilities
    with pytest.raises(imaplib.IMAP4.error):
        client.login(ALICE, server.password(ALICE))
    client.starttls(server.tls())
    client.login(ALICE, server.password(ALICE))
    assert client.select("INBOX")[0] == "OK"
    client.logout()


def test_imaps_and_wrong_password(server):
    client = server.imap(ALICE, login=False)
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        client.login(ALICE, "wrong")
    client.login(ALICE, server.password(ALICE))
    client.logout()
    wait_for(lambda: 'auth fail proto=imap rip=127.0.0.1 reason=bad user="alice@d.test"' in server.log_text(),
             what="the line for fail2ban")
    wait_for(lambda: re.search(r'session proto=imap rip=127.0.0.1 .*user="alice@d.test"', server.log_text()),
             what="the session's line")


def test_alpn(server):
    for offered, good in ((["imap"], True), (["pop3"], False)):
        tls = server.tls()
        tls.set_alpn_protocols(offered)
        with socket.create_connection((server.host, server.ports["imaps"]), 60) as plain:
            try:
                with tls.wrap_socket(plain, server_hostname=server.host) as s:
                    assert good and s.selected_alpn_protocol() == "imap"
            except OSError:
                assert not good


def test_curl(server, tmp_path):
    server.deliver("x@far.test", [ALICE], MESSAGE)
    got = subprocess.run(
        ["curl", "-sS", "--cacert", server.ca, "--user", "%s:%s" % (ALICE, server.password(ALICE)),
         "imaps://%s:%d/INBOX;MAILINDEX=1" % (server.host, server.ports["imaps"])],
        capture_output=True, timeout=60)
    assert got.returncode == 0, got.stderr
    assert without_trace(got.stdout) == MESSAGE


# ---- mail

def test_append_and_fetch_byte_exact(server):
    odd = MESSAGE + b"8-bit: \xe4\xf6\xfc\r\n" + b"x" * 2000 + b"\r\n.\r\n..\r\n" * 3 + b"no end of line"
    big = MESSAGE + b"".join(b"%07d\r\n" % i for i in range(300000))
    client = server.imap(ALICE)
    for i, text in enumerate((odd, big), 1):
        typ, data = client.append("INBOX", r"(\Flagged)", None, text)
        assert typ == "OK" and re.match(rb"\[APPENDUID \d+ %d\]" % i, data[0])
    client.select("INBOX")
    for i, text in enumerate((odd, big), 1):
        data = client.fetch(str(i), "(RFC822.SIZE FLAGS BODY.PEEK[])")[1]
        assert data[0][1] == text
        assert b"RFC822.SIZE %d" % len(text) in data[0][0]
    # in slices, as some clients fetch what is large: forward, then back
    whole, step = b"", 100000
    for at in range(0, len(big), step):
        whole += client.fetch("2", "(BODY.PEEK[]<%d.%d>)" % (at, step))[1][0][1]
    assert whole == big
    assert client.fetch("2", "(BODY.PEEK[]<7.10>)")[1][0][1] == big[7:17]
    client.logout()


def test_folders_and_move(server):
    client = server.imap(ALICE)
    names = {re.search(rb'"/" (.*)$', line)[1].strip(b'"') for line in client.list()[1]}
    assert {b"INBOX", b"Sent", b"Drafts", b"Junk", b"Trash", b"Archive"} <= names
    client.create("Family/2026")
    client.append("INBOX", None, None, MESSAGE)
    client.select("INBOX")
    client.uid("MOVE", "1", "Family/2026")
    assert client.select("INBOX")[1] == [b"0"]
    assert client.select("Family/2026")[1] == [b"1"]
    assert client.fetch("1", "(BODY.PEEK[])")[1][0][1] == MESSAGE
    client.logout()


def test_search(server):
    client = server.imap(ALICE)
    for word in (b"apple", b"pear"):
        client.append("INBOX", None, None, MESSAGE.replace(b"How are you?", b"I like %s pie" % word))
    client.select("INBOX")
    assert client.search(None, "BODY", "pple")[1] == [b"1"]
    assert client.search(None, "ALL")[1] == [b"1 2"]
    client.logout()


# ---- several sessions

def test_delivery_reaches_idle(server):
    raw = Raw(server)
    raw.ok("SELECT INBOX")
    raw.idle()
    for n in range(1, 4):
        server.deliver("x@far.test", [ALICE], MESSAGE)
        assert "* %d EXISTS" % n in raw.until("EXISTS")
    raw.send("DONE\r\nt9 NOOP\r\n")  # iOS 18: the next command in the same packet
    raw.until("t9 OK")
    raw.close()


def test_flags_reach_idle(server):
    server.deliver("x@far.test", [ALICE], MESSAGE)
    one, two = Raw(server), Raw(server)
    for raw in (one, two):
        raw.ok("SELECT INBOX")
    two.idle()
    one.ok(r"STORE 1 +FLAGS (\Flagged $Work)")
    assert any(r"\Flagged" in line and "$Work" in line for line in two.until("FETCH"))
    one.ok(r"STORE 1 +FLAGS (\Deleted)")
    two.until("Deleted")
    one.ok("EXPUNGE")
    assert two.until("EXPUNGE")[-1] == "* 1 EXPUNGE"
    one.close(), two.close()


def test_sequence_numbers_stay(server):
    """RFC 9051 s7.5.1: nobody's numbers shift while it fetches."""
    for n in range(3):
        server.deliver("x@far.test", [ALICE], MESSAGE.replace(b"hello", b"m%d" % n))
    one, two = Raw(server), Raw(server)
    for raw in (one, two):
        raw.ok("SELECT INBOX")
    one.ok(r"STORE 1 +FLAGS.SILENT (\Deleted)")
    assert "* 1 EXPUNGE" in one.ok("EXPUNGE")
    # its FETCH is not told of it; its numbers are as they were
    lines = two.ok("FETCH 2 (UID)")
    assert any(re.match(r"\* 2 FETCH \(UID 2\)", line) for line in lines)
    assert not any("EXPUNGE" in line for line in lines)
    assert "* 1 EXPUNGE" in two.ok("NOOP")
    one.close(), two.close()


def test_pop3_and_imap_see_one_truth(server):
    for n in range(2):
        server.deliver("x@far.test", [ALICE], MESSAGE.replace(b"hello", b"m%d" % n))
    raw = Raw(server)
    raw.ok("SELECT INBOX")
    raw.idle()
    pop3 = server.pop3(ALICE)
    assert pop3.stat()[0] == 2
    pop3.dele(1)
    pop3.quit()
    assert raw.until("EXPUNGE")[-1] == "* 1 EXPUNGE"
    raw.send("DONE\r\n")
    raw.until(r"^t\d+ OK")
    raw.ok(r"STORE 1 +FLAGS.SILENT (\Deleted)")
    raw.ok("EXPUNGE")
    pop3 = server.pop3(ALICE)
    assert pop3.stat()[0] == 0
    pop3.quit()
    raw.close()


def test_journey_tells_who_read_it(server):
    server.deliver("x@far.test", [ALICE], MESSAGE)
    for _ in range(2):  # the same client twice is one hop
        raw = Raw(server)
        raw.ok('ID ("name" "Pigeon" "version" "7")')
        raw.ok("SELECT INBOX")
        raw.ok("FETCH 1 BODY[]")
        raw.ok("LOGOUT")
        raw.close()

    def hops():
        return server.ctl("journey", ALICE).stdout.count("fetched")
    wait_for(hops, what="the hop")
    other = Raw(server)
    other.ok('ID ("name" "Crow")')
    other.ok("SELECT INBOX")
    other.ok("FETCH 1 BODY[]")
    wait_for(lambda: hops() == 2, what="the other client's hop")
    assert "Pigeon" in server.ctl("journey", ALICE).stdout
    other.close()


# ---- limits

def test_compress():
    with Server(settings={"imap.capabilities_off": ""}) as server:
        raw = Raw(server)
        assert "COMPRESS=DEFLATE" in raw.ok("CAPABILITY")[0]
        raw.compress()
        text = MESSAGE + b"".join(b"line %d of many\r\n" % i for i in range(50000))
        raw.n += 1
        raw.send("t%d APPEND INBOX {%d+}\r\n" % (raw.n, len(text)))
        raw.send(text + b"\r\n")
        raw.until("t%d OK" % raw.n)
        raw.ok("SELECT INBOX")
        raw.begin("FETCH 1 BODY.PEEK[]")
        size = int(re.search(r"\{(\d+)\}$", raw.until(r"\}$")[-1])[1])
        while len(raw.held) < size:
            raw.held += raw.stretch.decompress(raw.sock.recv(65536))
        assert raw.held[:size] == text
        raw.held = raw.held[size:]
        raw.until(r"^t\d+ OK")
        raw.idle()
        server.deliver("x@far.test", [ALICE], MESSAGE)
        assert "* 2 EXISTS" in raw.until("EXISTS")
        raw.close()


def test_capability_that_is_none():
    with pytest.raises(AssertionError, match="pennypost.conf:[0-9]+: capabilities_off: MAGIC is no capability"):
        Server(settings={"imap.capabilities_off": "IDLE MAGIC"}, check=False).start()


def test_capability_off():
    with Server(settings={"imap.capabilities_off": "IDLE MOVE"}) as server:
        raw = Raw(server)
        offered = raw.ok("CAPABILITY")[0].split()
        assert "IDLE" not in offered and "MOVE" not in offered and "COMPRESS=DEFLATE" in offered
        raw.begin("IDLE")
        assert re.match(r"t\d+ BAD", raw.line())
        raw.close()


def test_connections_of_an_account():
    settings = {"limits.connections_per_account": 3, "limits.connections_per_address": 2}
    with Server(settings=settings) as server:
        held = [Raw(server) for _ in range(3)]  # more than strangers may have
        more = Raw(server, login=False)
        more.begin("LOGIN %s %s" % (ALICE, server.password(ALICE)))
        assert re.match(r"t\d+ NO \[(UNAVAILABLE|LIMIT)\]", more.line())
        bob = Raw(server, BOB)
        held.pop().close()

        def again():
            more.begin("LOGIN %s %s" % (ALICE, server.password(ALICE)))
            return " OK " in more.line()
        wait_for(again, what="room for another")
        for raw in held + [more, bob]:
            raw.close()


def test_time():
    with Server(settings={"timeouts.imap_idle": "2s"}) as server:
        idle = Raw(server)
        idle.ok("SELECT INBOX")
        idle.idle()
        silent = Raw(server)
        stranger = Raw(server, login=False)
        assert silent.line().startswith("* BYE")
        with pytest.raises(EOFError):
            silent.line()
        with contextlib.suppress(OSError, EOFError):
            while not stranger.line().startswith("* BYE"):  # commands do not help
                stranger.begin("NOOP")
        time.sleep(2)
        server.deliver("x@far.test", [ALICE], MESSAGE)
        assert "* 1 EXISTS" in idle.until("EXISTS")  # IDLE has no deadline of ours
        for raw in (idle, silent, stranger):
            raw.close()


def test_shutdown_says_bye():
    server = Server().start()
    idle, quiet = Raw(server), Raw(server)
    idle.ok("SELECT INBOX")
    idle.idle()
    os.kill(server.pids()["popd"], signal.SIGTERM)
    for raw in (idle, quiet):
        assert raw.until(r"^\* BYE")[-1].startswith("* BYE")
        with pytest.raises(EOFError):
            raw.line()
        raw.close()
    server.stop()


def test_reader_that_leaves(server):
    """Sessions whose client goes in the middle leave nothing behind."""
    big = MESSAGE + b"".join(b"%07d\r\n" % i for i in range(2000000))
    client = server.imap(ALICE)
    client.append("INBOX", None, None, big)
    client.logout()
    files = pathlib.Path("/proc/%d/fd" % server.pids()["popd"])
    wait_for(lambda: "session proto=imap" in server.log_text(), what="the end of the session")
    before = len(list(files.iterdir()))
    for _ in range(5):
        raw = Raw(server)
        raw.ok("SELECT INBOX")
        raw.begin("FETCH 1 BODY.PEEK[]")
        raw.until(r"\}$")
        raw.close()
    wait_for(lambda: len(list(files.iterdir())) <= before, what="the files to be closed")
