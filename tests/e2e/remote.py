# SPDX-License-Identifier: MIT
"""The rest of the Internet, played by a test: other people's mail servers that
behave as they are told, two servers of ours with one DNS between them, and a
strict reader of the reports they write."""
import contextlib
import email
import email.policy
import os
import pathlib
import re
import socket
import ssl
import sys
import threading

from pennypost import Server, StubDns, wait_for

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from ports import free_port  # noqa: E402

HANG, CLOSE = object(), object()  # answers of a kind
DEFAULT = {
    "CONNECT": "220 remote.test ESMTP",
    "EHLO": "250-remote.test\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 PIPELINING",
    "HELO": "250 remote.test",
    "STARTTLS": "220 go ahead",
    "MAIL": "250 2.1.0 ok",
    "RCPT": "250 2.1.5 ok",
    "DATA": "354 go on",
    ".": "250 2.0.0 queued as R1",
    "RSET": "250 2.0.0 ok",
    "NOOP": "250 2.0.0 ok",
    "QUIT": "221 2.0.0 bye",
}


class Message:
    def __init__(self, session):
        self.session = session
        self.sender, self.recipients, self.data = session.sender, session.recipients, session.data

    @property
    def commands(self):
        """Of this message, the last of its session: MAIL, RCPT..."""
        return [line for line in self.session.lines if line[:4] in (b"MAIL", b"RCPT")]

    @property
    def wire(self):
        """DATA as sent, with its dots stuffed, without the final one."""
        return self.data

    @property
    def content(self):
        return re.sub(rb"(?m)^\.", b"", self.data)


class Session:
    """One connection to a Remote, served by a thread of its own."""

    def __init__(self, remote, sock):
        self.remote, self.sock = remote, sock
        self.pending = b""
        self.lines = []  # commands as they came
        self.tls = self.chunked = False
        self.sni = None  # the name that the client has asked for
        self.sender, self.recipients, self.data = None, [], b""

    def read_until(self, end):
        while end not in self.pending:
            got = self.sock.recv(65536)
            if not got:
                raise ConnectionError
            self.pending += got
        got, self.pending = self.pending.split(end, 1)
        return got

    def hang(self):
        """Say nothing until the peer has had enough."""
        with contextlib.suppress(OSError):
            while self.sock.recv(65536):
                pass
        raise ConnectionError

    def answer(self, verb, line=b""):
        """Say what is to be said to this; true if it was yes."""
        what = self.remote.replies.get(verb, DEFAULT.get(verb, "500 5.5.1 what?"))
        if isinstance(what, list):
            what = what.pop(0) if len(what) > 1 else what[0]
        if callable(what):
            what = what(self, line)
        if verb == "EHLO" and self.remote.tls and not self.tls:
            what = what.replace("\r\n", "\r\n250-STARTTLS\r\n", 1)
        if what is HANG:
            self.hang()
        if what is CLOSE:
            raise ConnectionError
        if isinstance(what, str):
            what = what.encode() + b"\r\n"
        self.sock.sendall(what)
        return what[:1] == (b"3" if verb == "DATA" else b"2")

    def start_tls(self):
        if self.remote.tls == "broken":
            self.sock.recv(65536)  # else it would be words ahead of TLS
            self.sock.sendall(b"this is no TLS\r\n")
            raise ConnectionError
        if self.remote.tls == "hang":
            self.hang()
        context = self.remote.tls
        if not isinstance(context, ssl.SSLContext):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.remote.tls)
        context.sni_callback = lambda sock, name, context: setattr(self, "sni", name)
        self.sock = context.wrap_socket(self.sock, server_side=True)
        self.tls = True

    def chunk(self, line):
        """BDAT: so many octets, whatever they are."""
        words = line.upper().split()
        size = int(words[1])
        while len(self.pending) < size:
            got = self.sock.recv(65536)
            if not got:
                raise ConnectionError
            self.pending += got
        self.data += self.pending[:size]
        self.pending = self.pending[size:]
        if words[2:] != [b"LAST"]:
            self.sock.sendall(b"250 2.0.0 go on\r\n")
            return
        self.chunked = True
        self.remote.seen.append(Message(self))
        if self.answer("."):
            self.remote.messages.append(Message(self))
        self.sender, self.recipients, self.data = None, [], b""

    def serve(self):
        if not self.answer("CONNECT"):
            return
        while True:
            line = self.read_until(b"\r\n")
            self.lines.append(line)
            verb = line.split(b" ")[0].decode("latin-1").upper()
            missing = {"RCPT": not self.sender, "DATA": not self.recipients}
            if missing.get(verb) and verb not in self.remote.replies:
                self.sock.sendall(b"503 5.5.1 not now\r\n")
                continue
            if verb == "BDAT" and self.recipients:
                self.chunk(line)
                continue
            good = self.answer(verb, line)
            path = re.search(rb"<(.*?)>(?: |$)", line)
            if verb == "MAIL" and good:
                self.sender, self.recipients, self.data = path[1].decode() or "<>", [], b""
            elif verb == "RCPT" and good:
                self.recipients.append(path[1].decode())
            elif verb == "STARTTLS" and good:
                self.start_tls()
            elif verb == "RSET":
                self.sender, self.recipients = None, []
            elif verb == "QUIT":
                return
            elif verb == "DATA" and good:
                self.pending = b"\r\n" + self.pending  # the dot may come at once
                self.data = (self.read_until(b"\r\n.\r\n") + b"\r\n")[2:]
                self.remote.seen.append(Message(self))
                if self.answer("."):
                    self.remote.messages.append(Message(self))
                self.sender, self.recipients = None, []

    def run(self):
        with contextlib.suppress(OSError, ConnectionError, ssl.SSLError):
            self.serve()
        with contextlib.suppress(OSError):
            self.sock.close()
        self.remote.open -= 1


class Remote:
    """A mail server.  replies: {command: answer}, where the command may also be
    CONNECT (greeting) and "." (end of data); an answer is text, octets (sent as
    they are), HANG, CLOSE, a function of (session, line) that gives one, or a
    list of those of which the last lasts.  tls: (certificate, key), a
    context that has them, "broken", "hang" or None.

    messages: those it said 250 to; seen: also those it refused at the end."""

    def __init__(self, host, port, replies=None, tls=None):
        self.host, self.replies, self.tls = host, dict(replies or {}), tls
        self.sessions, self.messages, self.seen = [], [], []
        self.open, self.most = 0, 0
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((host, port))
        self.listener.listen(100)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self.listener.accept()
                session = Session(self, sock)
                self.sessions.append(session)
                self.open += 1
                self.most = max(self.most, self.open)
                threading.Thread(target=session.run, daemon=True).start()

    def got(self, n=1, seconds=60):
        """Wait for so many messages."""
        return wait_for(lambda: len(self.messages) >= n and self.messages, seconds,
                        f"{n} messages at {self.host}")

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for session in self.sessions:
            with contextlib.suppress(OSError):
                session.sock.shutdown(socket.SHUT_RDWR)


class World:
    """Bob's server (bob.test, 127.0.0.2), Alice's (alice.test, 127.0.0.3) and
    the others that remote() adds, all on one port, known to one DNS.  dns: more
    for StubDns; of zones that it signs the servers know the anchor."""
    BOB, ALICE = "bob@bob.test", "alice@alice.test"
    USERS = {"bob": {BOB: "pw-bob-Xyz123", "ben@bob.test": "pw-ben-Xyz123"},
             "alice": {ALICE: "pw-alice-Xyz123", "carol@alice.test": "pw-carol-Xyz123"}}
    HOSTS = {"bob": "127.0.0.2", "alice": "127.0.0.3"}

    def __init__(self, settings=None, servers=("bob", "alice"), dir=None, dns=None):
        self.settings = {"relay.retry_first": "300ms", "relay.retry_most": "600ms", **(settings or {})}
        self.names = servers
        self.dir = dir
        self.dns_more = dns or {}
        self.port = free_port(*self.HOSTS.values())
        self.records, self.behaviours, self.remotes = [], {}, []
        self.dns = None
        for name, host in self.HOSTS.items():
            self.mx(f"{name}.test", f"mx.{name}.test")
            self.a(f"mx.{name}.test", host)

    def mx(self, domain, host, preference=10):
        self.record(domain, "MX", f"{preference} {host}.")

    def a(self, name, address):
        self.record(name, "A", address)

    def record(self, name, kind, data):
        self.records.append([name, kind, data])
        if self.dns:
            self.dns.change(self.records, self.behaviours)

    def behave(self, name, how):
        """See stub_dns.py."""
        self.behaviours[name] = how
        if self.dns:
            self.dns.change(self.records, self.behaviours)

    def remote(self, domain=None, replies=None, tls=None, preference=10):
        """One more mail server, and the domain's MX."""
        n = len(self.remotes) + 1
        r = Remote(f"127.0.{100 + n // 200}.{n % 200 + 1}", self.port, replies, tls)
        r.name = f"mx{n}.remote.test"
        self.remotes.append(r)
        self.a(r.name, r.host)
        if domain:
            self.mx(domain, r.name, preference)
        return r

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            stack.callback(lambda: [r.close() for r in self.remotes])
            self.dns = stack.enter_context(StubDns(self.records, self.behaviours, **self.dns_more))
            anchor = {"dns.trust_anchor": self.dns.anchor} if self.dns_more.get("signed") else {}
            for name in self.names:
                server = Server(users=self.USERS[name], domain=f"{name}.test", host=self.HOSTS[name],
                                dns=self.dns.forward, options=["--port", f"smtp={self.port}"],
                                settings={"relay.port": self.port, **anchor, **self.settings},
                                dir=self.dir and f"{self.dir}/{name}")
                setattr(self, name, stack.enter_context(server))
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *why):
        return self.stack.__exit__(*why)


def queue(server):
    return server.ctl("queue", "list", "--json")["recipients"]


def queue_is_empty(server, seconds=60):
    wait_for(lambda: not queue(server), seconds, "an empty queue")
    return True


def waiting(server, address, tries=1, seconds=60):
    """The queue's row of this recipient once it was tried that often."""
    def look():
        rows = [r for r in queue(server) if r["recipient"] == address]
        assert rows, f"{address} does not wait in the queue"
        return rows[0] if rows[0]["tries"] >= tries else None
    return wait_for(look, seconds, f"{tries} tries of {address}")


def rss(pid):
    """Octets of memory that a process has."""
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def rss_most(pid):
    """The most it ever had."""
    return int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1]) << 10


def mail_for(server, user, seconds=60):
    """Wait for mail, and take it."""
    return wait_for(lambda: server.fetch(user, delete=True), seconds, f"mail for {user}")


class Report:
    """A DSN, taken apart by a parser that forgives nothing (RFC 3464)."""

    def __init__(self, raw, to):
        assert re.search(rb"[^\r]\n|\r[^\n]", raw) is None
        assert max(len(line) for line in raw.split(b"\r\n")) <= 998
        assert raw.startswith(b"Return-Path: <>\r\n")
        assert not re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", raw)
        self.raw = raw
        self.message = m = email.message_from_bytes(raw, policy=email.policy.strict)
        assert m.get_content_type() == "multipart/report"
        assert m.get_param("report-type") == "delivery-status"
        for name in ("From", "To", "Date", "Message-ID", "MIME-Version", "Auto-Submitted", "Subject"):
            assert len(m.get_all(name, [])) == 1, name
        assert m["Auto-Submitted"] == "auto-replied"
        assert m["To"].addresses[0].addr_spec == to
        self.text, status, self.original = m.iter_parts()
        assert self.text.get_content_type() == "text/plain"
        assert status.get_content_type() == "message/delivery-status"
        assert self.original.get_content_type() in ("text/rfc822-headers", "message/rfc822")
        self.whole, *self.recipients = status.get_payload()
        assert self.whole["Reporting-MTA"].startswith("dns;")
        for r in self.recipients:
            assert r["Final-Recipient"].split(";")[0] in ("rfc822", "utf-8")
            good = r["Action"] in ("delivered", "relayed", "expanded")
            assert good or r["Action"] in ("failed", "delayed")
            assert re.fullmatch(r"%s\.\d{1,3}\.\d{1,3}" % ("2" if good else "[45]"), r["Status"])

    @property
    def people(self):
        return self.text.get_content()

    def one(self):
        """(address, action, status, diagnostic) of the only recipient."""
        r, = self.recipients
        return (r["Final-Recipient"].split(";", 1)[1].strip(), r["Action"], r["Status"],
                r.get("Diagnostic-Code", ""))


def report_for(server, user, seconds=60):
    """Wait for the one DSN."""
    raw, = mail_for(server, user, seconds)
    return Report(raw, user)
