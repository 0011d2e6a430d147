# SPDX-License-Identifier: MIT
"""Those who do not mean well, and those who look after the place."""
import contextlib
import json
import re
import socket
import ssl
import subprocess
import urllib.request

import measure
from people import PATIENCE_S, Person
from wire import Peer, plain

DOORS = ("smtp", "submission", "submissions", "pop3", "pop3s", "imap", "imaps")
HELLO = bytes.fromhex("16030100c8010000c40303")  # how a ClientHello begins


class Vandal(Person):
    """One bad deed after another, each on a connection of its own."""

    def act(self):
        deed = self.random.choice(DEEDS)
        with contextlib.suppress(ConnectionError, ssl.SSLError, TimeoutError, AssertionError):
            deed(self)
        self.town.count("bad deeds", 1)

    def peer(self, door, **more):
        return Peer(self.server, door, source=measure.address(self.random.randrange(2000), 66), timeout=PATIENCE_S,
                    **more)

    def some_door(self):
        return self.random.choice(DOORS)

    def linger(self):
        self.town.closing.wait(self.random.uniform(0, 3))

    def says_nothing(self):
        with self.peer(self.some_door(), tls=False, greet=False):
            self.linger()

    def garbage(self):
        with self.peer(self.some_door(), tls=False, greet=False) as peer:
            peer.send(self.random.randbytes(self.random.randrange(20000)))
            self.linger()
            peer.reset()

    def half_a_handshake(self):
        with self.peer(self.random.choice(["submissions", "pop3s", "imaps"]), tls=False, greet=False) as peer:
            peer.send(HELLO + self.random.randbytes(self.random.randrange(190)))
            self.linger()

    def unknown_commands(self):
        with self.peer(self.random.choice(["smtp", "submission", "pop3", "imap"])) as peer:
            for _ in range(30):
                if not peer.send(b"%x BOGUS %x\r\n" % (self.random.getrandbits(32), self.random.getrandbits(99))):
                    break
            peer.half_close()
            peer.rest()

    def long_line(self):
        with self.peer(self.random.choice(["smtp", "pop3", "imap"])) as peer:
            peer.send(b"A" * 200000)
            self.linger()

    def half_a_message(self):
        with self.peer("smtp") as peer:
            peer.hello()
            peer.code(b"MAIL FROM:<x@vandal.test>")
            peer.code(b"RCPT TO:<%s>" % self.random.choice(self.town.readers).encode())
            peer.code(b"DATA")
            peer.send(b"Subject: never\r\n\r\n" + b"never\r\n" * self.random.randrange(100000))
            peer.reset()

    def strangers_address(self):
        with self.peer("smtp") as peer:
            peer.hello()
            for n in range(12):
                peer.code(b"MAIL FROM:<x@vandal.test>")
                if peer.code(b"RCPT TO:<nobody%d@d.test>" % n) in (0, 421):
                    break

    def wrong_password(self):
        user = self.random.choice([*self.town.readers, "nobody@d.test"])
        guess = "guess-%x" % self.random.getrandbits(40)
        door = self.random.choice(["submissions", "pop3s", "imaps"])
        with self.peer(door) as peer:
            if door == "submissions":
                peer.hello()
                peer.code(b"AUTH PLAIN " + plain(user, guess))
            elif door == "pop3s":
                peer.pop(b"USER " + user.encode())
                peer.pop(b"PASS " + guess.encode())
            else:
                peer.imap(b"LOGIN %s %s" % (user.encode(), guess.encode()))

    def half_a_literal(self):
        user = self.town.readers[-1]
        with Peer(self.server, "imaps", timeout=PATIENCE_S).imap_login(user) as peer:
            peer.send(b"x APPEND INBOX {1000000+}\r\n" + b"never\r\n" * self.random.randrange(50000))
            self.linger()
            peer.reset()

    def reads_nothing(self):
        user = self.town.readers[-1]
        with Peer(self.server, "imaps", timeout=PATIENCE_S, rcvbuf=4096).imap_login(user) as peer:
            peer.imap_ok(b"SELECT INBOX")
            peer.send(b"y UID FETCH 1:* (BODY.PEEK[])\r\n" * 20)
            self.linger()
            peer.reset()

    def inside_doors(self):
        """What only our own processes use, and the figures."""
        path = self.random.choice(["auth.sock", "control.sock"])
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(PATIENCE_S)
            s.connect(self.town.inside(path))
            s.sendall(self.random.choice([b"{}\n", b"\n", b'{"op":"verify"}\n', self.random.randbytes(500)]))
            self.linger()
        with socket.create_connection(("127.0.0.1", self.town.metrics_port), PATIENCE_S) as s:
            s.sendall(self.random.choice([b"GET / HTTP/1.0\r\n\r\n", b"\x00" * 5000, b"GET"]))
            self.linger()


DEEDS = [Vandal.says_nothing, Vandal.garbage, Vandal.half_a_handshake, Vandal.unknown_commands, Vandal.long_line,
         Vandal.half_a_message, Vandal.strangers_address, Vandal.wrong_password, Vandal.half_a_literal,
         Vandal.reads_nothing, Vandal.inside_doors]


class Postmaster(Person):
    """Looks at queues, journeys and figures, makes an account and removes it."""

    def act(self):
        self.random.choice(CHORES)(self)
        self.town.count("commands of mailctl", 1)

    def looks_at_queue(self):
        self.server.ctl("queue", "list", "--json")

    def looks_at_journey(self):
        id = self.random.choice(sorted(self.book.sent)[-200:] or ["none@soak.test"])
        got = self.server.ctl("journey", f"<{id}>", "--json", check=False)
        json.loads(got.stdout or "{}") if not isinstance(got, dict) else got

    def checks(self):
        bad = self.town.findings()
        self.expect(bad, [], "mailctl check")

    def looks_at_users(self):
        self.server.ctl("user", "list")
        self.server.ctl("alias", "list")
        self.server.ctl("status")

    def makes_an_account(self):
        name = "passing%d@d.test" % self.random.getrandbits(40)
        self.server.ctl("user", "add", name, input="pw-passing-1\n")
        self.server.ctl("user", "remove", name, "--yes")

    def reads_figures(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.town.metrics_port}/metrics", timeout=PATIENCE_S) as got:
            self.expect(bool(re.search(rb"(?m)^pennypost_\w+ \d", got.read())), True, "figures")


CHORES = [Postmaster.looks_at_queue, Postmaster.looks_at_journey, Postmaster.checks, Postmaster.looks_at_users,
          Postmaster.makes_an_account, Postmaster.reads_figures]
