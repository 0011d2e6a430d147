# SPDX-License-Identifier: MIT
"""Who sends and reads mail in a soak: each a thread that does one thing, waits,
and does the next.  What goes wrong for them is written in the book."""
import poplib
import threading
import time
import traceback

import letters
import measure
from wire import IMPLICIT, Peer, plain

PATIENCE_S = 300  # longest wait for an answer: none is expected to take a tenth of it


class Wrong(Exception):
    """An answer that was not to be expected."""


class Person(threading.Thread):
    """pause: seconds between two things it does, on average."""

    def __init__(self, town, name, pause):
        super().__init__(name=name, daemon=True)
        self.town, self.pause = town, pause
        self.random = town.random(name)
        self.deeds = 0

    @property
    def server(self):
        return self.town.server

    @property
    def book(self):
        return self.town.book

    def run(self):
        while not self.town.closing.wait(min(self.random.expovariate(1 / self.pause), 20 * self.pause)):
            start = time.monotonic()
            try:
                self.act()
            except Exception as e:
                if not self.town.expects(e):
                    self.book.say_wrong(f"{self.name}: {type(e).__name__}: {e}"[:600] + " "
                                        + traceback.format_exc(limit=-3)[-500:].replace("\n", " | "))
            self.town.times.add(type(self).__name__.lower(), time.monotonic() - start)
            self.deeds += 1
        self.leave()

    def leave(self):
        """The soak is over."""

    def expect(self, got, wanted, what):
        if got != wanted:
            raise Wrong(f"{what}: {got}")

    def number(self):
        self.count = getattr(self, "count", 0) + 1
        return f"{self.name}.{self.count}@{self.town.mark}"


# ---- who sends

class Sender(Person):
    def say(self, peer, sender, recipients, id, text):
        """One message; True after its 250."""
        for line in [b"MAIL FROM:<%s>" % sender.encode(), *(b"RCPT TO:<%s>" % r.encode() for r in recipients)]:
            code, said = peer.code_texts(line)
            self.expect(code, 250, f"{line.decode()}: {said}")
        self.book.send(id)
        if self.random.random() < 0.3:
            cut = self.random.randrange(len(text))
            peer.send(b"BDAT %d\r\n" % cut + text[:cut])
            self.expect(peer.reply()[0], 250, "BDAT")
            peer.send(b"BDAT %d LAST\r\n" % (len(text) - cut) + text[cut:])
        else:
            self.expect(peer.code(b"DATA"), 354, "DATA")
            peer.send(text.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        code, said = peer.reply()
        self.expect(code, 250, f"end of {id}: {said}")
        self.town.count("messages", 1)


class Outsider(Sender):
    """Another server, which is judged: SPF and DMARC always, half the time DKIM."""

    def act(self):
        source = measure.address(self.random.randrange(40), 9)
        with Peer(self.server, "smtp", source=source, timeout=PATIENCE_S) as peer:
            if peer.code(b"EHLO mx.sender.test") != 250:
                raise Wrong("EHLO")
            if self.random.random() < 0.3:
                self.expect(peer.code(b"STARTTLS"), 220, "STARTTLS")
                peer.secure()
                peer.code(b"EHLO mx.sender.test")
            for _ in range(self.random.choice([1, 1, 1, 3])):
                id = self.number()
                to = self.random.sample(self.town.readers, self.random.choice([1, 1, 2, 4]))
                text = letters.compose(id, "x@sender.test", to, id)
                if self.random.random() < 0.5:
                    text = self.town.sign(text) + text
                self.say(peer, "x@sender.test", to, id, text)
                self.book.promise(id, to)
            self.expect(peer.code(b"QUIT"), 221, "QUIT")


class Submitter(Sender):
    """A user agent that submits, for here and for elsewhere; what cannot be
    delivered comes back to it."""
    kinds = ("local", "local", "far", "far", "far", "both", "refused", "dead")

    def __init__(self, town, name, pause, address):
        super().__init__(town, name, pause)
        self.address = address

    def act(self):
        door = self.random.choice(["submission", "submissions"])
        with Peer(self.server, door, timeout=PATIENCE_S) as peer:
            peer.hello()
            if door == "submission":
                peer.starttls()
            answer = plain(self.address, self.server.password(self.address))
            self.expect(peer.code(b"AUTH PLAIN " + answer), 235, "AUTH")
            for _ in range(self.random.choice([1, 1, 2])):
                self.submit(peer, self.random.choice(self.kinds))
            self.expect(peer.code(b"QUIT"), 221, "QUIT")

    def submit(self, peer, kind):
        id = self.number()
        far = f"f{self.random.randrange(50)}@far.test"
        to = {"local": self.random.sample(self.town.readers, 1), "far": [far],
              "both": [far, *self.random.sample(self.town.readers, 2)],
              "refused": [f"nobody{self.random.randrange(1000)}@far.test"], "dead": ["late@dead.test"]}[kind]
        self.say(peer, self.address, to, id, letters.compose(id, self.address, to, id))
        self.book.promise(id, [f"returned to {self.address}"] if kind in ("refused", "dead") else to)


# ---- who reads

def report_id(text):
    """Of which message this says that it was not delivered; None if it is no report."""
    if b"report-type=delivery-status" not in text:
        return None
    return letters.ID.findall(text)[-1].decode()  # the first is its own


class PopReader(Person):
    """Takes all that there is, and deletes it."""
    hesitates = 0.1

    def __init__(self, town, name, pause, address):
        super().__init__(town, name, pause)
        self.address = address

    def open(self):
        host, ports = self.server.host, self.server.ports
        if self.random.random() < 0.5:
            client = poplib.POP3_SSL(host, ports["pop3s"], context=self.server.tls(), timeout=PATIENCE_S)
        else:
            client = poplib.POP3(host, ports["pop3"], timeout=PATIENCE_S)
            client.capa()
            client.stls(self.server.tls())
        client.user(self.address)
        client.pass_(self.server.password(self.address))
        return client

    def act(self):
        client = self.open()
        try:
            found = []
            n, _ = client.stat()
            self.expect(len(client.uidl()[1]), n, "UIDL")
            self.expect(len(client.list()[1]), n, "LIST")
            for i in range(1, n + 1):
                if self.random.random() < 0.2:
                    client.top(i, 5)
                text = b"".join(line + b"\r\n" for line in client.retr(i)[1])
                about = report_id(text)
                found.append((about, f"returned to {self.address}") if about else (letters.id_of(text), self.address))
                client.dele(i)
            if n and self.random.random() < self.hesitates:  # thought better of it
                client.rset()
                found = []
            client.quit()
            for id, place in found:
                self.book.find(id, place)
            self.town.count("read by POP3", len(found))
        finally:
            client.close()


class Listener(Person):
    """Has its INBOX open and waits in IDLE, or is told by NOTIFY; now and then it
    connects anew."""
    peer = None

    def __init__(self, town, name, pause, address):
        super().__init__(town, name, pause)
        self.address = address

    def act(self):
        try:
            self.listen()
        except Exception:
            self.hang_up()
            raise

    def listen(self):
        if self.peer is None:
            self.peer = Peer(self.server, "imaps", timeout=PATIENCE_S).imap_login(self.address)
            if self.random.random() < 0.5:
                self.peer.imap_ok(b"NOTIFY SET (selected (MessageNew (UID) MessageExpunge FlagChange)) "
                                  b"(personal (MessageNew MessageExpunge MailboxName))")
            self.peer.imap_ok(b"SELECT INBOX")
        tag = self.peer.begin_imap(b"IDLE")
        while self.peer.parsed().kind != "+":
            pass
        self.town.closing.wait(self.random.uniform(0, 2 * self.pause))
        self.peer.send(b"DONE\r\n")
        while (got := self.peer.parsed()).tag != tag:
            pass
        self.expect(got.kind, "OK", "DONE")
        if self.random.random() < 0.2:
            self.leave()

    def leave(self):
        if self.peer is not None:
            self.peer.imap(b"LOGOUT")
            self.hang_up()

    def hang_up(self):
        if self.peer is not None:
            self.peer.close()
            self.peer = None


def connect_imap(person, address):
    """A session that has logged in, one way or the other."""
    door = person.random.choice(["imaps", "imaps", "imap"])
    peer = Peer(person.server, door, timeout=PATIENCE_S)
    if door not in IMPLICIT:
        peer.imap_ok(b"STARTTLS")
        peer.secure()
    if person.random.random() < 0.5:
        return peer.imap_login(address)
    peer.imap_ok(b"AUTHENTICATE PLAIN " + plain(address, person.server.password(address)))
    return peer
