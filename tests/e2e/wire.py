# SPDX-License-Identifier: MIT
"""SMTP and POP3 as plain as can be, for many messages: no library between the
octets of a test and the wire."""
import concurrent.futures
import re
import socket


class Peer:
    """A server that relays to us over a few connections, several messages each."""

    def __init__(self, host, port):
        self.sock = socket.create_connection((host, port), 60)
        self.input = self.sock.makefile("rb")
        self.reply()
        self.say(b"EHLO c.test")
        self.reply()

    def reply(self):
        """(code, text of the last line)"""
        while True:
            line = self.input.readline()
            if not line.endswith(b"\r\n"):
                raise ConnectionError(f"cut off: {line}")
            if line[3:4] != b"-":
                return int(line[:3]), line[4:-2].decode()

    def say(self, *lines):
        self.sock.sendall(b"".join(line + b"\r\n" for line in lines))

    def send(self, recipient, message):
        """One message; the reply to it, or to the first command refused."""
        self.say(b"MAIL FROM:<corpus@remote.test>", b"RCPT TO:<" + recipient.encode() + b">", b"DATA")
        replies = [self.reply() for _ in range(3)]
        if replies[2][0] != 354:
            return next(r for r in replies if r[0] >= 400)
        self.sock.sendall(re.sub(rb"(?m)^\.", b"..", message) + b".\r\n")
        return self.reply()

    def close(self):
        self.say(b"QUIT")
        self.input.close()
        self.sock.close()


def send_all(host, port, recipient, messages, connections=4):
    """Each of {name: message}; {name: reply}."""
    replies = {}

    def work(names):
        peer = Peer(host, port)
        for name in names:
            replies[name] = peer.send(recipient, messages[name])
        peer.close()
    names = list(messages)
    with concurrent.futures.ThreadPoolExecutor(connections) as pool:
        list(pool.map(work, [names[n::connections] for n in range(connections)]))
    return replies


def fetch_all(server, user, delete=True):
    """Every message as it lies in the maildrop, all asked for in one go."""
    sock = server.tls().wrap_socket(socket.create_connection((server.host, server.ports["pop3s"]), 60),
                                    server_hostname=server.host)
    with sock, sock.makefile("rb") as input:
        def line():
            got = input.readline()
            assert got.startswith(b"+OK"), got
            return got

        def ask(*commands):
            sock.sendall(b"".join(c.encode() + b"\r\n" for c in commands))

        line()
        ask(f"USER {user}", f"PASS {server.password(user)}", "STAT")
        line(), line()
        count, octets = map(int, line().split()[1:3])
        for first in range(1, count + 1, 100):
            numbers = range(first, min(first + 100, count + 1))
            ask(*[f"RETR {n}" for n in numbers])
            for _ in numbers:
                line()
                text = []
                while True:
                    got = input.readline()
                    assert got.endswith(b"\r\n"), "cut off"
                    if got == b".\r\n":
                        break
                    text.append(got[1:] if got.startswith(b".") else got)
                message = b"".join(text)
                octets -= len(message)
                yield message
            if delete:
                ask(*[f"DELE {n}" for n in numbers])
                for _ in numbers:
                    line()
        assert octets == 0  # STAT told the truth
        ask("QUIT")
        line()
