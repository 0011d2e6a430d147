#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""over_tcp: plays the conversations of tests/conv (format: conv.h) against a
running daemon, over TCP and TLS.

    over_tcp.py --host 127.0.0.1 --port 1110 --tls-port 1995 --ca ca.pem DIR|FILE...

As a module: play_dir(dir, Server(host, port, tls_port, ca)) returns
(played, skipped, differences).  A conversation whose `@' options the server
cannot have (they are about an in-process host) is skipped and named."""
import argparse
import pathlib
import re
import socket
import ssl
import sys
from dataclasses import dataclass, field

HARMLESS = {"pieces"}          # options that say nothing about the server
QUIET = 0.05                   # seconds without a word count as silence


class Difference(Exception):
    pass


@dataclass
class Server:
    host: str
    port: int                  # begins in clear
    tls_port: int = 0          # begins with TLS
    ca: str = None
    name: str = "localhost"    # for SNI and verification
    plaintext: bool = False    # logins in clear are allowed
    timeout: float = 60.0
    options: set = field(default_factory=set)  # other options it satisfies

    def suits(self, options):
        words = {o.split(" ")[0] for o in options} - HARMLESS
        if "tls" in words and not self.tls_port:
            return False
        if "tls" not in words and ("plaintext" in words) != self.plaintext:
            return False
        return words <= {"tls", "plaintext"} | self.options

    def context(self):
        return ssl.create_default_context(cafile=self.ca)


ESCAPES = {ord("r"): b"\r", ord("n"): b"\n", ord("t"): b"\t", ord("0"): b"\0", ord("\\"): b"\\"}


def unescape(text):
    out, i = bytearray(), 0
    while i < len(text):
        if text[i] != 0x5C:
            out.append(text[i])
            i += 1
        elif text[i + 1:i + 2] == b"x":
            out += bytes([int(text[i + 2:i + 4], 16)])
            i += 4
        else:
            out += ESCAPES[text[i + 1]]
            i += 2
    return bytes(out)


def repeat(text):
    """Each {text*N} written out; escapes stay."""
    return re.sub(rb"\{([^{}]+)\*(\d+)\}", lambda m: m[1] * int(m[2]), text)


def said(text):
    text = repeat(text)
    backslashes = len(text) - len(text.rstrip(b"\\"))
    if backslashes % 2:
        return unescape(text[:-1])
    return unescape(text) + b"\r\n"


def expected(text):
    parts = [re.escape(unescape(p)) for p in repeat(text).split(b"...")]
    return re.compile(b".*".join(parts), re.S)


def parse(path):
    """(options, [(line number, kind, value)...]) with flights joined."""
    options, items = [], []
    for number, line in enumerate(pathlib.Path(path).read_bytes().split(b"\n"), 1):
        if not line.strip() or line.startswith(b"#"):
            continue
        if line.startswith(b"@"):
            options.append(line[1:].strip().decode())
        elif line[:2] in (b"C:", b"S:"):
            text = line[3:] if line[2:3] == b" " else line[2:]
            if line[:2] == b"S:":
                items.append([number, "expect", (text, expected(text))])
            elif items and items[-1][1] == "say":
                items[-1][2] += said(text)
            else:
                items.append([number, "say", said(text)])
        else:
            items.append([number, line.strip().decode(), None])
    return options, items


class Player:
    def __init__(self, server, tls):
        self.server = server
        port = server.tls_port if tls else server.port
        self.sock = socket.create_connection((server.host, port), server.timeout)
        self.held = b""
        if tls:
            self.tls()

    def tls(self):
        self.sock = self.server.context().wrap_socket(self.sock, server_hostname=self.server.name)

    def more(self, timeout):
        """True if bytes came, False at the end, None if it stayed silent."""
        self.sock.settimeout(timeout)
        try:
            got = self.sock.recv(65536)
        except (socket.timeout, ssl.SSLWantReadError):
            return None
        except (ConnectionError, ssl.SSLError):
            got = b""
        self.held += got
        return bool(got)

    def silent(self):
        while self.more(QUIET):
            pass
        if self.held:
            raise Difference("more was said: %r" % self.held[:300])

    def expect(self, value):
        text, pattern = value
        while b"\r\n" not in self.held:
            if not self.more(self.server.timeout):
                raise Difference("want %r, but nothing came after %r" % (text, self.held[:300]))
        line, self.held = self.held.split(b"\r\n", 1)
        if not pattern.fullmatch(line):
            raise Difference("want %r, got %r" % (text, line[:300]))

    def say(self, flight):
        self.sock.settimeout(self.server.timeout)
        try:
            self.sock.sendall(flight)
        except (ConnectionError, ssl.SSLError):
            pass               # it closed in the middle; what it said follows

    def eof(self, _):
        self.sock = self.sock.unwrap() if isinstance(self.sock, ssl.SSLSocket) else self.sock
        self.sock.shutdown(socket.SHUT_WR)

    def close(self, _):
        while (came := self.more(self.server.timeout)):
            pass
        if self.held:
            raise Difference("more was said before the end: %r" % self.held[:300])
        if came is None:
            raise Difference("it did not close")

    def play(self, items):
        for number, kind, value in items:
            try:
                if kind == "tls":
                    self.tls()
                else:
                    getattr(self, kind)(value)
            except Difference as d:
                raise Difference("%d: %s" % (number, d)) from None
        if items[-1][1] != "close":
            self.silent()


def play(path, server):
    """Play one file; False if the server does not suit it."""
    options, items = parse(path)
    if not server.suits(options):
        return False
    player = Player(server, "tls" in options)
    try:
        player.play(items)
    except Difference as d:
        raise Difference("%s:%s" % (path, d)) from None
    finally:
        player.sock.close()
    return True


def play_dir(where, server):
    where = pathlib.Path(where)
    paths = sorted(where.glob("*.conv")) if where.is_dir() else [where]
    played, skipped, differences = [], [], []
    for path in paths:
        try:
            (played if play(path, server) else skipped).append(path.name)
        except (Difference, OSError) as e:
            differences.append("%s: %s" % (path.name, e) if isinstance(e, OSError) else str(e))
    return played, skipped, differences


def main():
    a = argparse.ArgumentParser(description="Play conversations against a running daemon.")
    a.add_argument("--host", default="127.0.0.1")
    a.add_argument("--port", type=int, required=True)
    a.add_argument("--tls-port", type=int, default=0)
    a.add_argument("--ca")
    a.add_argument("--name", default="localhost")
    a.add_argument("--plaintext", action="store_true", help="the server allows logins in clear")
    a.add_argument("paths", nargs="+")
    o = a.parse_args()
    server = Server(o.host, o.port, o.tls_port, o.ca, o.name, o.plaintext)
    bad = 0
    for where in o.paths:
        played, skipped, differences = play_dir(where, server)
        print("%s: %d played, %d not for this server, %d differ" % (where, len(played), len(skipped), len(differences)))
        for d in differences:
            print(d)
        bad += len(differences) + (not played)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
