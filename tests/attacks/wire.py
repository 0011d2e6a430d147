# SPDX-License-Identifier: MIT
"""Raw conversations: every octet is the test's own, and TLS can be cut between
any two records."""
import base64
import re
import socket
import ssl
import struct
import time

from imap_grammar import Dialect, parse

IMPLICIT = {"submissions", "pop3s", "imaps"}
CLOSED = b""  # what line() gives at the end of the connection

HDR = (b"From: <a@remote.test>\r\nTo: <alice@d.test>\r\nSubject: s\r\n"
       b"Date: Sun, 22 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@remote.test>\r\n")
EOD = b"\r\n.\r\n"
SMUG = (b"MAIL FROM:<evil@remote.test>\r\nRCPT TO:<bob@d.test>\r\nDATA\r\n"
        b"From: <ceo@d.test>\r\n\r\nsmuggled\r\n.\r\n")


def b64(octets):
    return base64.b64encode(octets)


def plain(user, password, authzid=b""):
    """The response of SASL PLAIN."""
    return b64(b"\0".join([authzid, user.encode(), password.encode()]))


def client_context(ca=None, alpn=None):
    context = ssl.create_default_context(cafile=ca)
    context.check_hostname = False
    if ca is None:
        context.verify_mode = ssl.CERT_NONE
    if alpn:
        context.set_alpn_protocols(alpn)
    return context


class Peer:
    """One connection.  timeout is the longest wait for an answer."""

    def __init__(self, server, service, source=None, timeout=60, tls=None, greet=True,
                 name="localhost", rcvbuf=None):
        self.server, self.service, self.timeout = server, service, timeout
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if rcvbuf:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.settimeout(timeout)
        if source:
            self.sock.bind((source, 0))
        self.sock.connect((server.host, server.ports[service]))
        self.seen = b""
        implicit = service in IMPLICIT if tls is None else tls
        if implicit:
            self.secure(name=name)
        self.greeting = self.line() if greet else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def reset(self):
        """Gone with a RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)

    def secure(self, context=None, name="localhost"):
        context = context or client_context(self.server.ca)
        self.sock = context.wrap_socket(self.sock, server_hostname=name)

    # ---- octets

    def send(self, octets):
        """False when the peer has hung up."""
        try:
            self.sock.sendall(octets)
            return True
        except (ConnectionError, ssl.SSLError):
            return False

    def fill(self):
        """More octets into `seen'; False at the end of the connection."""
        try:
            got = self.sock.recv(65536)
        except (ConnectionError, ssl.SSLZeroReturnError, ssl.SSLEOFError):
            got = b""
        self.seen += got
        return bool(got)

    def line(self):
        """One line with its CRLF, or CLOSED."""
        while b"\r\n" not in self.seen:
            if not self.fill():
                rest, self.seen = self.seen, b""
                return rest
        line, _, self.seen = self.seen.partition(b"\r\n")
        return line + b"\r\n"

    def rest(self, seconds=None):
        """Everything up to the end of the connection."""
        self.sock.settimeout(seconds or self.timeout)
        while self.fill():
            pass
        rest, self.seen = self.seen, b""
        return rest

    def during(self, seconds):
        """What comes in this time, and whether the connection is open still."""
        end = time.monotonic() + seconds
        is_open = True
        while is_open and (left := end - time.monotonic()) > 0:
            self.sock.settimeout(left)
            try:
                is_open = self.fill()
            except (TimeoutError, ssl.SSLWantReadError):
                break
        self.sock.settimeout(self.timeout)
        got, self.seen = self.seen, b""
        return got, is_open

    def is_closed(self, seconds=None):
        """The server hangs up and says no more."""
        try:
            return self.rest(seconds) == b""
        except TimeoutError:
            return False

    # ---- SMTP

    def reply(self):
        """(code, [texts]); (0, []) when the connection is closed."""
        texts = []
        while True:
            line = self.line()
            if line == CLOSED:
                return 0, texts
            assert line.endswith(b"\r\n") and line[:3].isdigit() and line[3:4] in (b" ", b"-"), line
            texts.append(line[4:-2].decode())
            if line[3:4] == b" ":
                return int(line[:3]), texts

    def code(self, command=None):
        """Say this (CRLF is added), and get the code of the reply."""
        if command is not None:
            self.send(command + b"\r\n")
        return self.reply()[0]

    def says(self, command):
        """The first line of the reply as text: "550 5.1.1 No such mailbox here"."""
        code, texts = self.code_texts(command)
        return f"{code} {texts[0]}" if texts else str(code)

    def code_texts(self, command):
        self.send(command + b"\r\n")
        return self.reply()

    def hello(self):
        assert self.code(b"EHLO c.test") == 250
        return self

    def starttls(self):
        assert self.code(b"STARTTLS") == 220
        self.secure()
        return self.hello()

    def login(self, user):
        assert self.code(b"AUTH PLAIN " + plain(user, self.server.password(user))) == 235
        return self

    def begin(self, sender=b"a@remote.test", to=(b"alice@d.test",)):
        """Up to and with the 354."""
        assert self.code(b"MAIL FROM:<" + sender + b">") == 250
        for recipient in to:
            assert self.code(b"RCPT TO:<" + recipient + b">") == 250
        assert self.code(b"DATA") == 354
        return self

    # ---- POP3

    def pop(self, command=None):
        """The line of the answer."""
        if command is not None:
            self.send(command + b"\r\n")
        return self.line()

    def pop_login(self, user):
        assert self.pop(b"USER " + user.encode()).startswith(b"+OK")
        assert self.pop(b"PASS " + self.server.password(user).encode()).startswith(b"+OK")
        return self

    def listing(self, command):
        """A multi-line answer as it came, without its last dot."""
        first = self.pop(command)
        assert first.startswith(b"+OK"), first
        while not (self.seen.startswith(b".\r\n") or b"\r\n.\r\n" in self.seen):
            assert self.fill(), "closed within a listing"
        if self.seen.startswith(b".\r\n"):
            self.seen = self.seen[3:]
            return b""
        text, _, self.seen = self.seen.partition(b"\r\n.\r\n")
        return text + b"\r\n"


    # ---- IMAP: every response is read as strictly as the grammar has it

    literal = re.compile(rb"~?\{([0-9]+)\}\r\n\Z")
    n_commands = 0
    dialect = None

    def response(self):
        """The octets of one response, its literals with it; or CLOSED."""
        got = line = self.line()
        while match := self.literal.search(line):
            size = int(match[1])
            while len(self.seen) < size:
                assert self.fill(), "closed within a literal"
            got, self.seen = got + self.seen[:size], self.seen[size:]
            line = self.line()
            got += line
        return got

    def parsed(self):
        """The next response; None at the end of the connection."""
        got = self.response()
        self.dialect = self.dialect or Dialect()
        return parse(got, self.dialect) if got else None

    def begin_imap(self, command):
        """Say this with a new tag, which is returned."""
        self.n_commands += 1
        tag = b"t%d" % self.n_commands
        self.send(tag + b" " + command + b"\r\n")
        return tag.decode()

    def imap(self, command):
        """(the tagged response, [the others]); (None, ...) if the server hangs up."""
        tag, others = self.begin_imap(command), []
        while (got := self.parsed()) and got.tag != tag:
            others.append(got)
        return got, others

    def imap_ok(self, command):
        tagged, others = self.imap(command)
        assert tagged and tagged.kind == "OK", (command[:100], tagged or others)
        return others

    def imap_says(self, command):
        """Kind and code of the answer: "NO TRYCREATE"; "BYE" if that is all."""
        tagged, others = self.imap(command)
        if tagged:
            return f"{tagged.kind} {tagged.code}".rstrip()
        return "BYE" if any(r.kind == "BYE" for r in others) else ""

    def imap_login(self, user):
        self.imap_ok(b"LOGIN %s %s" % (user.encode(), self.server.password(user).encode()))
        return self

    def append(self, text, mailbox=b"INBOX", flags=b""):
        """What APPEND of this message is answered."""
        return self.imap_says(b"APPEND %s %s{%d+}\r\n" % (mailbox, flags, len(text)) + text)


def imap(server, user="alice@d.test", box=None, **more):
    """Logged in under TLS, and with this mailbox selected."""
    peer = Peer(server, "imaps", **more).imap_login(user)
    if box:
        peer.imap_ok(b"SELECT " + box)
    return peer


def unstuffed(text):
    return b"\r\n".join(l[1:] if l.startswith(b".") else l for l in text.split(b"\r\n"))


def smtp(server, **more):
    return Peer(server, "smtp", **more).hello()


def submission(server, user="alice@d.test", service="submission", **more):
    peer = Peer(server, service, **more).hello()
    if service == "submission":
        peer.starttls()
    return peer.login(user)


class Records:
    """A TLS client whose records are the test's to cut and to send."""

    def __init__(self, peer, context=None, name="localhost", session=None):
        self.peer = peer
        self.inward, self.outward = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = context or client_context(peer.server.ca)
        self.tls = context.wrap_bio(self.inward, self.outward, server_hostname=name, session=session)

    def shake_hands(self):
        while True:
            try:
                self.tls.do_handshake()
                self.flush()
                return self
            except ssl.SSLWantReadError:
                self.flush()
                self.take()

    def take(self):
        got = self.peer.sock.recv(65536)
        if got:
            self.inward.write(got)
        else:
            self.inward.write_eof()
        return got

    def flush(self):
        octets = self.outward.read()
        if octets:
            self.peer.sock.sendall(octets)

    def send(self, octets):
        """One record of these octets."""
        self.tls.write(octets)
        self.flush()

    def line(self):
        text = b""
        while not text.endswith(b"\r\n"):
            try:
                text += self.tls.read(1)
            except ssl.SSLWantReadError:
                self.take()
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return text
        return text

    def reply(self):
        while True:
            line = self.line()
            if line[3:4] != b"-":
                return int(line[:3] or 0)

    def code(self, command):
        self.send(command + b"\r\n")
        return self.reply()

    def say_goodbye(self):
        """close_notify, and no wait for the other's."""
        try:
            self.tls.unwrap()
        except ssl.SSLError:
            pass
        self.flush()
