# SPDX-License-Identifier: MIT
"""A server with its people, the Internet around it, and an end at which all that
was promised is looked for."""
import collections
import contextlib
import json
import os
import random
import subprocess
import tempfile
import threading
import time

import dkim

import letters
import measure
import people
from imap_people import ImapUser
from pennypost import Server, StubDns, wait_for
from remote import Remote, free_port
from strangers import Postmaster, Vandal
from wire import Peer

ARCHIVE = "archive@d.test"
FAR, DEAD = "127.0.101.1", "127.0.101.2"
POP, IMAP, SUBMITTERS = ([f"{kind}{n}@d.test" for n in range(count)]
                         for kind, count in (("pop", 6), ("imap", 6), ("sub", 4)))
ONE_S = {  # what one of each does in a second at --rate 1: together about one message
    "outsider": 0.1, "submitter": 0.08, "pop": 0.04, "imap": 0.03, "listener": 0.1, "vandal": 0.2, "postmaster": 0.03}
SETTINGS = {
    "policy.exempt": "127.0.0.0/16", "policy.dnsbl": "none", "relay.retry_first": "1s", "relay.retry_most": "5s",
    "relay.expire": "10s", "relay.suppress_after": 0, "relay.tls_reports": "no", "submission.messages_per_hour": 0,
    "submission.recipients_per_day": 0, "submission.new_recipients_per_day": 0, "imap.capabilities_off": "",
    "limits.connections_per_address": 200}


class Key:
    """One that signs, and its record in DNS."""

    def __init__(self):
        with tempfile.TemporaryDirectory() as dir:
            file = f"{dir}/key.pem"
            subprocess.run(["openssl", "genrsa", "-traditional", "-out", file, "2048"], check=True, capture_output=True)
            public = subprocess.run(["openssl", "rsa", "-in", file, "-pubout", "-outform", "DER"], check=True,
                                    capture_output=True).stdout
            self.secret = open(file, "rb").read()
        import base64
        text = "v=DKIM1; k=rsa; p=" + base64.b64encode(public).decode()
        self.record = " ".join(f'"{text[i:i + 200]}"' for i in range(0, len(text), 200))


class Town:
    def __init__(self, seed, rate, dir=None):
        self.seed, self.rate, self.dir = seed, rate, dir
        self.mark = "r%x.soak.test" % seed
        self.book, self.times = letters.Book(), measure.Times()
        self.closing = threading.Event()
        self.readers = POP + IMAP
        self.counts, self.lock = collections.Counter(), threading.Lock()
        self.key = Key()
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            port = free_port(FAR, DEAD)
            self.metrics_port = free_port("127.0.0.1")
            self.far = Remote(FAR, port, {"RCPT": self.far_rcpt})
            stack.callback(self.far.close)
            self.dns = stack.enter_context(StubDns(self.zone()))
            users = {a: f"pw-{a.split('@')[0]}-Xyz123" for a in [*POP, *IMAP, *SUBMITTERS, ARCHIVE]}
            self.server = stack.enter_context(Server(users=users, dns=self.dns.forward, settings={
                **SETTINGS, "relay.port": port, "metrics.listen": f"127.0.0.1:{self.metrics_port}"}, dir=self.dir, asan=measure.ASAN))
            self.log = measure.LogReader(self.server)
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *why):
        return self.stack.__exit__(*why)

    def zone(self):
        return [["far.test", "MX", "10 mx.far.test."], ["mx.far.test", "A", FAR],
                ["dead.test", "MX", "10 mx.dead.test."], ["mx.dead.test", "A", DEAD],  # nobody listens there
                ["sender.test", "MX", "10 mx.sender.test."], ["mx.sender.test", "A", "127.9.0.1"],
                ["sender.test", "TXT", '"v=spf1 ip4:127.0.0.0/8 -all"'],
                ["_dmarc.sender.test", "TXT", '"v=DMARC1; p=reject"'],
                ["s1._domainkey.sender.test", "TXT", self.key.record]]

    def random(self, name):
        return random.Random(f"{self.seed}/{name}")

    def far_rcpt(self, session, line):
        if b"<nobody" in line:
            return "550 5.1.1 nobody of that name"
        return "451 4.3.0 not now" if os.urandom(1)[0] < 12 else "250 2.1.5 ok"

    def sign(self, text):
        """The field that goes before it."""
        return dkim.sign(text, b"s1", b"sender.test", self.key.secret, canonicalize=(b"relaxed", b"relaxed"),
                         include_headers=[b"From", b"To", b"Subject", b"Date", b"Message-ID"])

    def inside(self, name):
        """The path of a socket between the daemons."""
        control = self.server.ready["control"]
        return os.path.join(os.path.dirname(control), name)

    def expects(self, error):
        """What happens to people because the soak is at its end."""
        return self.closing.is_set() and isinstance(error, (ConnectionError, TimeoutError))

    def count(self, what, n):
        with self.lock:
            self.counts[what] += n

    def findings(self):
        told = self.server.ctl("check", "--json", check=False)
        return [f for f in told["findings"] if not f["ok"] and f["area"] == "store"]

    def archive(self, letters_n, octets):
        """So many letters for somebody who keeps them, no two of the same words."""
        with Peer(self.server, "smtp", timeout=people.PATIENCE_S).hello() as peer:
            for n in range(letters_n):
                words = os.urandom(octets // 2).hex()
                lines = [" ".join(words[i + k:i + k + 7] for k in range(0, 70, 7)) for i in range(0, octets, 70)]
                peer.begin(b"x@sender.test", [ARCHIVE.encode()])
                peer.send(b"Subject: to keep %d\r\n\r\n" % n + "\r\n".join(lines).encode() + b"\r\n.\r\n")
                if peer.code() != 250:
                    raise RuntimeError("a letter to keep was refused")

    # ---- life

    def inhabit(self):
        each = {kind: 1 / (n * self.rate) for kind, n in ONE_S.items()}
        self.crowd = [
            *(people.Outsider(self, f"outsider{n}", each["outsider"]) for n in range(5)),
            *(people.Submitter(self, f"submitter{n}", each["submitter"], a) for n, a in enumerate(SUBMITTERS)),
            *(people.PopReader(self, f"reader-{a.split('@')[0]}", each["pop"], a) for a in [*POP, *SUBMITTERS]),
            *(ImapUser(self, f"user-{a.split('@')[0]}", each["imap"], a) for a in IMAP),
            *(people.Listener(self, f"listener-{a.split('@')[0]}", each["listener"], a) for a in IMAP),
            *(Vandal(self, f"vandal{n}", each["vandal"]) for n in range(4)),
            Postmaster(self, "postmaster", each["postmaster"]),
        ]
        for person in self.crowd:
            person.start()

    def collect(self):
        """What came to the far side since the last time."""
        taken, self.far.messages[:] = list(self.far.messages), []
        self.far.seen.clear()
        self.far.sessions[:] = [s for s in self.far.sessions if s.sock.fileno() != -1]
        for message in taken:
            try:
                id = letters.id_of(message.content)
            except ValueError as e:
                self.book.say_wrong(f"far side: {e}")
                continue
            for recipient in message.recipients:
                self.book.find(id, recipient)
            self.count("relayed", len(message.recipients))

    def empty(self, patience_s):
        """No more of anything; then all must be where it belongs."""
        self.closing.set()
        for person in self.crowd:
            person.join(patience_s)
            if person.is_alive():
                self.book.say_wrong(f"{person.name} never had its answer")
        wait_for(lambda: not self.server.ctl("queue", "list", "--json")["recipients"], patience_s, "an empty queue")
        for person in self.crowd:
            try:
                self.last_look(person)
            except Exception as e:
                self.book.say_wrong(f"{person.name}, at the end: {type(e).__name__}: {e}")
        self.collect()

    def last_look(self, person):
        if isinstance(person, ImapUser):
            person.last_look()
        if not isinstance(person, people.PopReader):
            return
        person.hesitates = 0
        read = -1
        while self.counts["read by POP3"] != read:
            read = self.counts["read by POP3"]
            person.act()
