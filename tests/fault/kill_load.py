# SPDX-License-Identifier: MIT
"""The load of test_kill.py: clients that send and write down what was promised.

    kill_load.py PLAN LOG        until SIGTERM

PLAN is JSON: where the servers are and which clients there shall be.  Each
client keeps its connection, sends one message after another, and appends to
LOG one JSON line before the final dot ("sent": it may arrive) and one after
the 250 ("promised": it must have arrived).  A message that was sent and not
promised is never sent again under the same Message-ID, so none may ever be
found twice.  A connection that breaks is opened again.
"""
import base64
import contextlib
import hashlib
import json
import os
import poplib
import random
import signal
import smtplib
import ssl
import sys
import threading
import time

SIZES = [1_000] * 12 + [10_000] * 6 + [150_000]  # the last goes to objects/
BROKEN = (OSError, smtplib.SMTPException, poplib.error_proto, EOFError)


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
    def __init__(self, plan, spec, log, stop):
        super().__init__()
        self.plan, self.spec, self.log, self.stop = plan, spec, log, stop
        self.chance = random.Random(spec["name"])
        self.ca = ssl.create_default_context(cafile=plan["ca"])

    def note(self, **what):
        os.write(self.log, json.dumps(what).encode() + b"\n")

    def pause(self, most):
        self.stop.wait(self.chance.uniform(0, most))

    def run(self):
        while not self.stop.is_set():
            with contextlib.suppress(*BROKEN):
                self.session()
            self.pause(0.05)


class Sender(Client):
    """kind: smtp (other servers), submission, submissions (user agents)."""
    number = 0

    def connect(self):
        kind, host = self.spec["kind"], self.plan["host"]
        port = self.plan["ports"][kind]
        if kind == "submissions":
            return smtplib.SMTP_SSL(host, port, "c.test", context=self.ca, timeout=30)
        return smtplib.SMTP(host, port, "c.test", timeout=30)

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


class Reader(Client):
    """Looks at a maildrop while it fills, and deletes nothing."""

    def session(self):
        client = poplib.POP3_SSL(self.plan["host"], self.plan["ports"]["pop3s"],
                                 context=self.ca, timeout=60)
        with contextlib.closing(client):
            client.user(self.spec["login"][0])
            client.pass_(self.spec["login"][1])
            count = client.stat()[0]
            for n in range(max(1, count - 20), count + 1):
                message = b"\r\n".join(client.retr(n)[1]) + b"\r\n"
                if not verify(message):
                    self.note(damaged=message[:2000].decode("latin-1"))
            client.quit()
        self.pause(0.5)


def verify(message):
    """Is the body of a fetched message what compose() made?"""
    head, _, body = message.partition(b"\r\n\r\n")
    return b"X-Digest: " + hashlib.sha256(body).hexdigest().encode() in head.split(b"\r\n")


def main():
    with open(sys.argv[1]) as file:
        plan = json.load(file)
    log = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    clients = [(Reader if spec["kind"] == "pop3s" else Sender)(plan, spec, log, stop)
               for spec in plan["clients"]]
    for client in clients:
        client.start()
    for client in clients:
        client.join()


if __name__ == "__main__":
    main()
