# SPDX-License-Identifier: MIT
"""A maildrop of thousands of messages, asked for in one go."""
import socket


class NotNow(Exception):
    """-ERR, or hung up: when logging in it may be only for now."""


class Pop3:
    """A session that is logged in."""

    def __init__(self, host, port, context, login):
        sock = socket.create_connection((host, port), 300)
        self.sock = context.wrap_socket(sock, server_hostname=host)
        self.input = self.sock.makefile("rb")
        self.line()
        for command in (f"USER {login[0]}", f"PASS {login[1]}", "STAT"):
            self.ask(command)
            answer = self.line()
        self.count = int(answer.split()[1])

    def ask(self, *commands):
        self.sock.sendall(b"".join(c.encode() + b"\r\n" for c in commands))

    def line(self):
        got = self.input.readline()
        if not got.startswith(b"+OK"):
            raise NotNow(got)
        return got

    def listing(self):
        """The lines of an answer of many, and its first."""
        self.line()
        lines = []
        while True:
            got = self.input.readline()
            assert got.endswith(b"\r\n"), "cut off"
            if got == b".\r\n":
                return lines
            lines.append(got[1:] if got.startswith(b".") else got)

    def uidls(self):
        self.ask("UIDL")
        return [line.split()[1].decode() for line in self.listing()]

    def batches(self):
        for first in range(1, self.count + 1, 100):
            yield range(first, min(first + 100, self.count + 1))

    def messages(self):
        for numbers in self.batches():
            self.ask(*[f"RETR {n}" for n in numbers])
            for _ in numbers:
                yield b"".join(self.listing())

    def delete_all(self):
        for numbers in self.batches():
            self.ask(*[f"DELE {n}" for n in numbers])
            for _ in numbers:
                self.line()

    def quit(self):
        self.ask("QUIT")
        self.line()
        self.input.close()
        self.sock.close()
