# SPDX-License-Identifier: MIT
"""The load of test_kill.py: clients that do, and write down what was promised.

    kill_load.py PLAN LEDGER        until SIGTERM

PLAN is JSON: where the servers are and which clients there shall be.  Each
client keeps its connection and does one thing after another; before and after
it appends to the ledger (ledger.py) that it may happen, and that it has.  A
message that was sent and not promised is never sent again under the same
Message-ID, so none may ever be found twice.  A connection that breaks is opened
again.
"""
import base64
import contextlib
import hashlib
import json
import poplib
import random
import re
import signal
import smtplib
import ssl
import sys
import threading
import time
import traceback

from kill_filer import Filer, Refused
from ledger import Ledger

SIZES = [1_000] * 12 + [10_000] * 6 + [150_000]  # the last goes to objects/
BROKEN = (OSError, smtplib.SMTPException, poplib.error_proto, EOFError, Refused)
PATIENCE_S = 300

poplib._MAXLINE = 1 << 21  # it gives up at 2048, which no RFC asks for


def compose(name, sender, recipients, seed):
    """A message whose body can be verified from its header."""
    chance = random.Random(seed)
    body = base64.encodebytes(chance.randbytes(chance.choice(SIZES) * 3 // 4))
    body = body.replace(b"\n", b"\r\n") + b".\r\n..dots\r\n"
    head = (f"From: {sender}\r\nTo: {', '.join(recipients)}\r\n"
            f"Message-ID: <{name}>\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\n"
            f"Subject: load\r\nX-Digest: {hashlib.sha256(body).hexdigest()}\r\n\r\n")
    return head.encode() + body


class Client(threading.Thread):
    def __init__(self, plan, spec, ledger, stop):
        super().__init__()
        self.plan, self.spec, self.note, self.stop = plan, spec, ledger.note, stop
        self.chance = random.Random(spec["name"])
        self.ca = ssl.create_default_context(cafile=plan["ca"])
        self.begin(ledger)

    def begin(self, ledger):
        """What else it needs."""

    def pause(self, most):
        self.stop.wait(self.chance.uniform(0, most))

    def run(self):
        while not self.stop.is_set():
            try:
                with contextlib.suppress(*BROKEN):
                    self.session()
            except Exception:  # nobody hears a thread that dies
                self.note(trouble=traceback.format_exc())
            self.pause(0.05)


class Sender(Client):
    """kind: smtp (other servers), submission, submissions (user agents)."""
    number = 0

    def connect(self):
        kind, host = self.spec["kind"], self.plan["host"]
        port = self.plan["ports"][kind]
        if kind == "submissions":
            return smtplib.SMTP_SSL(host, port, "c.test", context=self.ca, timeout=PATIENCE_S)
        return smtplib.SMTP(host, port, "c.test", timeout=PATIENCE_S)

    def session(self):
        client = self.connect()
        with contextlib.closing(client):
            client.ehlo()
            if self.spec["kind"] == "submission":
                client.starttls(context=self.ca)
            if "login" in self.spec:
                client.login(*self.spec["login"])
            while not self.stop.is_set():
                self.one(client)
                self.pause(self.plan["pause"])

    def one(self, client):
        self.number += 1
        name = f"{self.spec['name']}.{self.number}@load.test"
        sender = self.spec["login"][0] if "login" in self.spec else "x@sender.test"
        to = []
        for group in self.spec["to"]:  # some of each group
            to += self.chance.sample(group, self.chance.randint(1, len(group)))
        message = compose(name, sender, to, name)
        for code, _ in (client.mail(sender), *(client.rcpt(r) for r in to)):
            if code != 250:
                client.rset()
                self.pause(0.2)
                return
        self.note(sent=name, to=to)
        code, _ = client.data(message)
        if code == 250:
            self.note(promised=name, at=time.time())


class Pop3(Client):
    def session(self):
        client = poplib.POP3_SSL(self.plan["host"], self.plan["ports"]["pop3s"],
                                 context=self.ca, timeout=PATIENCE_S)
        with contextlib.closing(client):
            client.user(self.spec["login"][0])
            client.pass_(self.spec["login"][1])
            self.serve(client)
            client.quit()
            self.served()
        self.pause(4 * self.plan["pause"])

    def served(self):
        """It has said +OK to QUIT."""

    def read(self, client, n):
        """The name of a message, which is to be whole."""
        message = b"\r\n".join(client.retr(n)[1]) + b"\r\n"
        if not verify(message):
            self.note(damaged=message[:2000].decode("latin-1"))
        return name_of(message)


class Reader(Pop3):
    """Looks at a maildrop while it fills, and deletes nothing."""

    def serve(self, client):
        count = client.stat()[0]
        for n in range(max(1, count - 20), count + 1):
            self.read(client, n)


class Picker(Pop3):
    """Takes some of the oldest messages away, and notes which."""

    def serve(self, client):
        who = self.spec["login"][0]
        uidls = [line.split()[1].decode() for line in client.uidl()[1]]
        self.note(pop3=who, listed=uidls)
        deleted = []
        for n in range(1, min(len(uidls), 20) + 1):
            self.note(pop3=who, read=[uidls[n - 1], self.read(client, n)])
            if self.chance.random() < 0.7:
                client.dele(n)
                deleted.append(uidls[n - 1])
        self.note(pop3=who, will=deleted)

    def served(self):
        self.note(pop3=self.spec["login"][0], did=True)


class FilerThread(Client):
    def begin(self, ledger):
        self.filer = Filer(self.plan, self.spec, ledger, self.chance, compose)

    def session(self):
        self.filer.session(self.stop)


def name_of(message):
    name = re.search(rb"(?mi)^Message-ID: <(.*)>\r$", message)
    return name[1].decode() if name else "?"


def verify(message):
    """Is the body of a fetched message what compose() made?"""
    head, _, body = message.partition(b"\r\n\r\n")
    return b"X-Digest: " + hashlib.sha256(body).hexdigest().encode() in head.split(b"\r\n")


def main():
    with open(sys.argv[1]) as file:
        plan = json.load(file)
    ledger = Ledger(sys.argv[2])
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    kinds = {"reader": Reader, "picker": Picker, "filer": FilerThread}
    clients = [kinds.get(spec["kind"], Sender)(plan, spec, ledger, stop) for spec in plan["clients"]]
    for client in clients:
        client.start()
    for client in clients:
        client.join()


if __name__ == "__main__":
    main()
