# SPDX-License-Identifier: MIT
"""The IMAP clients of kill_load.py: each files the mail of one account, and is
the only one to do so.  It notes in the ledger what it is about to do and what
it was told, looks at everything after each connection that broke, and carries
the same books as the judge, to know what there is.
"""
import re
import socket
import ssl

from ledger import Mailboxes

LITERAL = re.compile(rb"\{(\d+)\}\r\n\Z")
FLAGS = ["\\Seen", "\\Flagged", "\\Answered", "\\Deleted", "$Work"]
NAMES = ["a", "b", "c", "d", "e"]  # of mailboxes that come and go
CROWD = 100  # messages from which on an account is tidied up
OPS_A_LOOK = 25


class Refused(Exception):
    """NO: it was not done."""


class Imap:
    """A connection that speaks IMAP, logged in."""

    def __init__(self, host, port, context, login, timeout=300):
        self.sock = socket.create_connection((host, port), timeout)
        self.tags = 0
        try:
            self.sock = context.wrap_socket(self.sock, server_hostname=host)
            self.input = self.sock.makefile("rb")
            self.response()
            self.ask('LOGIN "%s" "%s"' % tuple(login))
            self.ask("ENABLE CONDSTORE")
        except BaseException:
            self.sock.close()
            raise

    def close(self):
        self.sock.close()

    def response(self):
        """One, with its literals."""
        whole = b""
        while True:
            line = self.input.readline()
            if not line.endswith(b"\n"):
                raise ConnectionError("cut off")
            whole += line
            m = LITERAL.search(line)
            if not m:
                return whole
            literal = self.input.read(int(m[1]))
            if len(literal) != int(m[1]):
                raise ConnectionError("cut off")
            whole += literal

    def ask(self, text, literal=None):
        """The responses to a command, the tagged one last."""
        self.tags += 1
        tag = b"k%d " % self.tags
        data = tag + text.encode()
        if literal is not None:
            data += b" {%d+}\r\n" % len(literal) + literal
        self.sock.sendall(data + b"\r\n")
        got = []
        while True:
            r = self.response()
            if r.startswith(b"* BYE"):
                raise ConnectionError(r)
            got.append(r)
            if r.startswith(tag):
                break
        if not r.startswith(tag + b"OK"):
            if r.startswith(tag + b"BAD"):
                raise AssertionError(f"{text}: {r}")
            raise Refused(r.decode("latin-1"))
        return got

    def mailboxes(self):
        got = self.ask('LIST "" "*"')
        return [re.search(rb'" "?([^"\r]+)"?\r\n', r)[1].decode() for r in got if r.startswith(b"* LIST ")]

    def box(self, where, whole=None):
        """All there is in a mailbox, as Box() wants it.  whole(name, octets) is
        called with each message, if it is given."""
        said = b"".join(self.ask(f'SELECT "{where}"'))
        validity, following, modseq = (
            int(re.search(rb"\[%s (\d+)\]" % word, said)[1])
            for word in (b"UIDVALIDITY", b"UIDNEXT", b"HIGHESTMODSEQ"))
        body = "BODY.PEEK[]" if whole else "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"
        uids = []
        for r in self.ask(f"UID FETCH 1:* (UID FLAGS MODSEQ {body})"):
            head, _, rest = r.partition(b"{")
            if b" FETCH (" not in head or not rest:
                continue
            uid, at, name = fetched(head, rest)
            uids.append((uid, name, flags_of(head), at))
            following, modseq = max(following, uid + 1), max(modseq, at)
            if whole:
                whole(name, rest[rest.index(b"\n") + 1:-3])  # )CRLF
        return {"validity": validity, "next": following, "modseq": modseq, "uids": uids}

    def look(self, whole=None):
        return {where: self.box(where, whole) for where in self.mailboxes()}

    def used(self):
        """What the quota says is in use, in KiB, or None."""
        m = re.search(rb"STORAGE (\d+) ", b"".join(self.ask("GETQUOTAROOT INBOX")))
        return int(m[1]) if m else None


def fetched(head, rest):
    name = re.search(rb"(?i)Message-ID: <([^>]*)>", rest)
    return (int(re.search(rb"UID (\d+)", head)[1]), int(re.search(rb"MODSEQ \((\d+)\)", head)[1]),
            name[1].decode() if name else "?")


def flags_of(head):
    flags = re.search(rb"FLAGS \(([^)]*)\)", head)[1].decode().split()
    return sorted(f for f in flags if f != "\\Recent")


def uid_set(uids):
    return ",".join(map(str, sorted(uids)))


def uid_list(text):
    """The numbers of "3:5,9", in order."""
    out = []
    for part in text.split(","):
        low, _, high = part.partition(":")
        out += range(int(low), int(high or low) + 1)
    return out


class Filer:
    """Does one command after another, as the lot has it."""

    def __init__(self, plan, spec, ledger, chance, compose):
        self.plan, self.spec, self.ledger = plan, spec, ledger
        self.chance, self.compose = chance, compose
        self.who = spec["login"][0]
        self.books = Mailboxes(self.who)
        self.number = 0
        self.context = ssl.create_default_context(cafile=plan["ca"])

    def note(self, **entry):
        self.ledger.note(imap=self.who, **entry)
        self.books.take(entry).clear()  # the judge will say the same

    def session(self, stop):
        imap = Imap(self.plan["host"], self.plan["ports"]["imaps"], self.context, self.spec["login"])
        try:
            while not stop.is_set():
                self.note(look=imap.look())
                for _ in range(OPS_A_LOOK):
                    if stop.is_set():
                        break
                    self.one(imap)
                    stop.wait(self.chance.uniform(0, self.plan["pause"] / 4))
        finally:
            imap.close()

    def one(self, imap):
        op = self.choose()
        if op["op"] in ("store", "copy", "move", "expunge"):
            imap.ask(f'SELECT "{op["box"]}"')
        self.note(will=op)
        try:
            told = getattr(self, op["op"])(imap, op)
        except Refused as e:
            self.note(refused=str(e))
        else:
            self.note(did=told)

    # ---- what to do

    def choose(self):
        boxes = self.books.boxes
        full = [name for name, box in boxes.items() if box.uids]
        own = [name for name in boxes if name != "INBOX"]
        kind = self.chance.choices(
            ["append", "store", "copy", "move", "tidy", "create", "rename", "delete"],
            [6, 6, 2, 5, 3, 1, 1, 1])[0]
        crowded = sum(len(box.uids) for box in boxes.values()) > CROWD
        if crowded and kind in ("append", "copy"):
            kind = "tidy"
        op = getattr(self, "choose_" + kind)(boxes, full, own)
        return op or self.choose_append(boxes, full, own)

    def some(self, uids, most=8):
        uids = sorted(uids)
        return self.chance.sample(uids, min(len(uids), self.chance.randint(1, most)))

    def choose_append(self, _, __, own):
        self.number += 1
        return {"op": "append", "box": self.chance.choice(own),
                "name": f"{self.spec['name']}.{self.number}@own.test",
                "flags": self.chance.sample(FLAGS, self.chance.randint(0, 2))}

    def choose_store(self, boxes, full, _):
        if full:
            where = self.chance.choice(full)
            return {"op": "store", "box": where, "uids": self.some(boxes[where].uids),
                    "add": self.chance.random() < 0.6,
                    "flags": self.chance.sample(FLAGS, self.chance.randint(1, 2))}

    def choose_copy(self, boxes, full, own):
        """Of messages that we have made: a letter is to be there once."""
        where = self.chance.choice(full) if full else None
        uids = where and [uid for uid, m in boxes[where].uids.items() if m[0].endswith("@own.test")]
        if uids:
            return {"op": "copy", "box": where, "uids": self.some(uids), "to": self.chance.choice(own)}

    def choose_move(self, boxes, full, own):
        if full:
            where = "INBOX" if "INBOX" in full and self.chance.random() < 0.5 else self.chance.choice(full)
            to = self.chance.choice([name for name in own if name != where])
            return {"op": "move", "box": where, "uids": self.some(boxes[where].uids, 40), "to": to}

    def choose_tidy(self, boxes, full, _):
        """Expunge what is deleted, or delete some."""
        marked = {name: [uid for uid, m in boxes[name].uids.items() if "\\Deleted" in m[1]] for name in full}
        where = max(marked, key=lambda name: len(marked[name]), default=None)
        if where and marked[where]:
            return {"op": "expunge", "box": where, "uids": self.some(marked[where], 100)}
        if full:
            where = max(full, key=lambda name: len(boxes[name].uids))
            return {"op": "store", "box": where, "uids": self.some(boxes[where].uids, 100),
                    "add": True, "flags": ["\\Deleted"]}

    def choose_create(self, boxes, *_):
        free = [name for name in NAMES if name not in boxes]
        if free:
            return {"op": "create", "box": self.chance.choice(free)}

    def choose_delete(self, boxes, *_):
        there = [name for name in NAMES if name in boxes]
        if there:
            return {"op": "delete", "box": self.chance.choice(there)}

    def choose_rename(self, boxes, *_):
        there = [name for name in NAMES if name in boxes]
        free = [name for name in NAMES if name not in boxes]
        if there and free:
            return {"op": "rename", "box": self.chance.choice(there), "to": self.chance.choice(free)}

    # ---- doing it: what the answer told

    def append(self, imap, op):
        message = self.compose(op["name"], self.who, [self.who], op["name"])
        got = imap.ask(f'APPEND "{op["box"]}" ({" ".join(op["flags"])})', message)
        m = re.search(rb"\[APPENDUID (\d+) (\d+)\]", got[-1])
        return {"validity": int(m[1]), "uid": int(m[2])}

    def store(self, imap, op):
        got = imap.ask(f"UID STORE {uid_set(op['uids'])} {'+' if op['add'] else '-'}FLAGS ({' '.join(op['flags'])})")
        pairs = [(re.search(rb"UID (\d+)", r), re.search(rb"MODSEQ \((\d+)\)", r))
                 for r in got if b" FETCH (" in r]
        return {"modseqs": [(int(uid[1]), int(modseq[1])) for uid, modseq in pairs if uid and modseq]}

    def transfer(self, imap, op, verb):
        got = b"".join(imap.ask(f'UID {verb} {uid_set(op["uids"])} "{op["to"]}"'))
        m = re.search(rb"\[COPYUID (\d+) ([\d:,]+) ([\d:,]+)\]", got)
        return {"validity": int(m[1]), "uids": list(zip(uid_list(m[2].decode()), uid_list(m[3].decode())))}

    def copy(self, imap, op):
        return self.transfer(imap, op, "COPY")

    def move(self, imap, op):
        return self.transfer(imap, op, "MOVE")

    def expunge(self, imap, op):
        imap.ask(f"UID EXPUNGE {uid_set(op['uids'])}")
        return {}

    def create(self, imap, op):
        imap.ask(f'CREATE "{op["box"]}"')
        return {}

    def delete(self, imap, op):
        imap.ask(f'DELETE "{op["box"]}"')
        return {}

    def rename(self, imap, op):
        imap.ask(f'RENAME "{op["box"]}" "{op["to"]}"')
        return {}
