#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Another server's SMTP for tests, which does as it is told.

    actor = MxActor(script={"rcpt": ["450 4.2.0 later", None]})
    with actor:                       # listens; actor.port
        ...
    actor.messages[0].data            # raw bytes, dots unstuffed

script says what happens at a step instead of the usual reply.  Steps: greeting,
ehlo, helo, starttls, mail, rcpt, data, body (after the first bytes of it), dot,
rset, noop, quit.  A deed is

    "451 4.3.0 words"    a reply; CRLF is added
    b"250 ok\\n"          bytes, sent as they are
    HANG                 nothing is said any more, the connection stays
    CLOSE                the connection is reset
    Drip(reply, s)       one byte every s seconds
    None                 the usual reply
    callable             called with (session, line), gives one of these
    [deed, deed ...]     one after the other, over all connections; the last
                         one stays

"rcpt:alice@e.test" is the step of one recipient.  greylist=True defers each
recipient's first attempt.

As a program it prints one line of JSON with its port, keeps the messages in
--dir, and runs until it is ended:

    mx_actor.py --listen 127.0.0.2:0 --script '{"dot": ["close", null]}' --dir D

There "hang" and "close" stand for HANG and CLOSE.
"""
import argparse
import json
import os
import socket
import ssl
import struct
import threading
import time

HANG = object()
CLOSE = object()


class Drip:
    def __init__(self, reply, seconds):
        self.reply, self.seconds = reply, seconds


class Message:
    """What one transaction brought."""

    def __init__(self, sender, params, recipients, data, tls, helo):
        self.sender, self.params, self.recipients = sender, params, recipients
        self.data, self.tls, self.helo = data, tls, helo


class _Gone(Exception):
    pass


class _Session:
    def __init__(self, actor, sock, peer):
        self.actor, self.sock, self.peer = actor, sock, peer
        self.pending = b""
        self.tls = None
        self.helo = ""
        self.reset()

    def reset(self):
        self.sender, self.params, self.recipients = None, "", []

    # -- input ------------------------------------------------------------

    def fill(self):
        try:
            piece = self.sock.recv(65536)
        except OSError:
            raise _Gone
        if not piece:
            raise _Gone
        with self.actor.lock:
            self.actor.raw += piece
        self.pending += piece

    def line(self):
        while b"\r\n" not in self.pending:
            self.fill()
        line, self.pending = self.pending.split(b"\r\n", 1)
        return line

    def body(self):
        """Strict: only CRLF . CRLF ends it (RFC 5321 s4.1.1.4)."""
        deed = self.actor.deed("body", self, b"")
        if deed is not None:
            if not self.pending:
                self.fill()
            self.do(deed)
        buf = b"\r\n" + self.pending
        self.pending = b""
        while (end := buf.find(b"\r\n.\r\n")) < 0:
            self.fill()
            buf, self.pending = buf + self.pending, b""
        self.pending = buf[end + 5:]
        body = buf[:end + 2].replace(b"\r\n..", b"\r\n.")
        return body[2:]

    # -- output -----------------------------------------------------------

    def do(self, deed):
        """Do it; was it a 2yz or 3yz?"""
        if deed is HANG:
            self.actor.ended.wait()
            raise _Gone
        if deed is CLOSE:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                 struct.pack("ii", 1, 0))
            raise _Gone
        slow = 0
        if isinstance(deed, Drip):
            deed, slow = deed.reply, deed.seconds
        if isinstance(deed, str):
            deed = deed.encode() + b"\r\n"
        try:
            if not slow:
                self.sock.sendall(deed)
            else:
                for i in range(len(deed)):
                    self.sock.sendall(deed[i:i + 1])
                    if self.actor.ended.wait(slow):
                        raise _Gone
        except OSError:
            raise _Gone
        return deed[:1] in (b"2", b"3")

    def step(self, step, usual, line=b""):
        deed = self.actor.deed(step, self, line)
        return self.do(usual if deed is None else deed)

    # -- commands ---------------------------------------------------------

    def offers(self):
        offers = list(self.actor.offers)
        if self.actor.context is not None and self.tls is None:
            offers.append("STARTTLS")
        lines = [self.actor.name] + offers
        return "\r\n".join("250%s%s" % (" " if i == len(lines) - 1 else "-", l)
                           for i, l in enumerate(lines))

    def do_ehlo(self, arg, line):
        self.helo = arg
        self.reset()
        self.step("ehlo", self.offers(), line)

    def do_helo(self, arg, line):
        self.helo = arg
        self.reset()
        self.step("helo", "250 " + self.actor.name, line)

    def do_starttls(self, arg, line):
        if self.actor.context is None:
            self.do("502 5.5.1 no TLS here")
            return
        if not self.step("starttls", "220 2.0.0 go", line):
            return
        self.pending = b""
        try:
            self.sock = self.actor.context.wrap_socket(self.sock,
                                                       server_side=True)
        except (OSError, ssl.SSLError):
            raise _Gone
        self.tls = self.sock.version()
        self.reset()

    def do_mail(self, arg, line):
        path, _, params = arg.partition(">")
        sender = path.partition("<")[2]
        if self.step("mail", "250 2.1.0 ok", line):
            self.sender, self.params, self.recipients = sender, params.strip(), []

    def do_rcpt(self, arg, line):
        if self.sender is None:
            self.do("503 5.5.1 MAIL first")
            return
        to = arg.partition("<")[2].rpartition(">")[0]
        deed = self.actor.deed("rcpt:" + to, self, line)
        if deed is None and self.actor.is_grey(to):
            deed = "450 4.2.0 greylisted, come back"
        good = (self.do(deed) if deed is not None
                else self.step("rcpt", "250 2.1.5 ok", line))
        if good:
            self.recipients.append(to)

    def do_data(self, arg, line):
        if not self.recipients:
            self.do("503 5.5.1 nobody to send it to")
            return
        if not self.step("data", "354 go ahead", line):
            return
        data = self.body()
        message = Message(self.sender, self.params, self.recipients, data,
                          self.tls, self.helo)
        self.reset()
        if self.step("dot", "250 2.0.0 Ok: queued as ACTOR%d"
                     % (len(self.actor.messages) + 1), line):
            self.actor.keep(message)

    def do_rset(self, arg, line):
        self.reset()
        self.step("rset", "250 2.0.0 ok", line)

    def do_noop(self, arg, line):
        self.step("noop", "250 2.0.0 ok", line)

    def do_quit(self, arg, line):
        self.step("quit", "221 2.0.0 bye", line)
        raise _Gone

    def run(self):
        try:
            self.step("greeting", "220 %s ESMTP" % self.actor.name)
            while True:
                line = self.line()
                with self.actor.lock:
                    self.actor.commands.append(line)
                verb, _, arg = line.decode("utf-8", "replace").partition(" ")
                method = getattr(self, "do_" + verb.lower(), None)
                if method is None:
                    self.do("500 5.5.2 what?")
                else:
                    method(arg, line)
        except _Gone:
            pass
        finally:
            try:
                self.sock.close()
            except OSError:
                pass


class MxActor:
    def __init__(self, host="127.0.0.1", port=0, script=None, cert=None,
                 key=None, greylist=False, name="mx.actor.test",
                 offers=("PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 104857600",
                         "ENHANCEDSTATUSCODES"), dir=None):
        self.host, self.port, self.name, self.offers = host, port, name, offers
        self.script = dict(script or {})
        self.greylist, self.dir = greylist, dir
        self.context = None
        if cert:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(cert, key)
        self.lock = threading.Lock()
        self.ended = threading.Event()
        self.messages, self.commands = [], []
        self.connections, self.open, self.most_open = 0, 0, 0
        self.raw = b""          # every byte received in the clear or decrypted
        self.seen = set()       # recipients greylisted before
        self.counts = {}

    def deed(self, step, session, line):
        with self.lock:
            deed = self.script.get(step)
            if isinstance(deed, (list, tuple)):
                at = self.counts.get(step, 0)
                self.counts[step] = at + 1
                deed = deed[min(at, len(deed) - 1)] if deed else None
        return deed(session, line) if callable(deed) else deed

    def is_grey(self, to):
        with self.lock:
            new = self.greylist and to not in self.seen
            self.seen.add(to)
            return new

    def keep(self, message):
        with self.lock:
            self.messages.append(message)
            n = len(self.messages)
        if self.dir:
            base = os.path.join(self.dir, str(n))
            with open(base + ".eml", "wb") as f:
                f.write(message.data)
            with open(base + ".tmp", "w") as f:
                json.dump({"sender": message.sender, "params": message.params,
                           "recipients": message.recipients,
                           "tls": message.tls, "helo": message.helo}, f)
            os.rename(base + ".tmp", base + ".json")

    def wait(self, n=1, seconds=60):
        """Until n messages are there; True if they came in time."""
        until = time.monotonic() + seconds
        while len(self.messages) < n and time.monotonic() < until:
            time.sleep(0.01)
        return len(self.messages) >= n

    def _serve(self, sock, peer):
        with self.lock:
            self.connections += 1
            self.open += 1
            self.most_open = max(self.most_open, self.open)
        try:
            _Session(self, sock, peer).run()
        finally:
            with self.lock:
                self.open -= 1

    def _accept(self):
        while not self.ended.is_set():
            try:
                sock, peer = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock, peer),
                             daemon=True).start()

    def start(self):
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self.listener = socket.socket(family)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((self.host, self.port))
        self.listener.listen(128)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def stop(self):
        self.ended.set()
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()

    __enter__ = start

    def __exit__(self, *exc):
        self.stop()


def _deed(value):
    if isinstance(value, list):
        return [_deed(v) for v in value]
    return {"hang": HANG, "close": CLOSE}.get(value, value)


def main():
    p = argparse.ArgumentParser(description="A scripted MX for tests.")
    p.add_argument("--listen", default="127.0.0.1:0")
    p.add_argument("--script", default="{}", help="JSON: step -> deed")
    p.add_argument("--dir", help="where messages are kept: N.eml, N.json")
    p.add_argument("--greylist", action="store_true")
    p.add_argument("--cert")
    p.add_argument("--key")
    a = p.parse_args()
    host, _, port = a.listen.rpartition(":")
    script = {k: _deed(v) for k, v in json.loads(a.script).items()}
    with MxActor(host.strip("[]"), int(port), script, a.cert, a.key,
                 a.greylist, dir=a.dir) as actor:
        print(json.dumps({"port": actor.port}), flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
