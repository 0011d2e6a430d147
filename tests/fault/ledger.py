# SPDX-License-Identifier: MIT
"""What clients asked for and what they were promised: written down, and judged.

A Ledger is a file that only grows, a line of JSON for each entry; it is with
the kernel before its client goes on.  An entry says what somebody is about to
do ("will"), that it was acknowledged ("did") or refused ("refused"), or what
was there when somebody looked.  What is wrong follows from the entries alone:

    Letters    of all who send: sent, promised
    Maildrop   of a POP3 account that one client takes mail from
    Mailboxes  of an IMAP account whose mailboxes one client changes

The last two take entries in order, and say what is wrong as soon as it can be
known.  Whatever was under way when a connection broke has happened whole or
not at all; the next look decides which, and it stays so.
"""
import collections
import json
import os
import pathlib


class Ledger:
    def __init__(self, path):
        self.file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def note(self, **entry):
        line = json.dumps(entry).encode() + b"\n"
        if os.write(self.file, line) != len(line):
            raise OSError("the ledger is cut off")

    def close(self):
        os.close(self.file)


def entries(path):
    """All that is in the file, in order."""
    text = pathlib.Path(path).read_text()
    return [json.loads(line) for line in text.splitlines(True) if line.endswith("\n")]


class Letters:
    """sent: {name: [recipient]}, promised: {name: when}."""

    def __init__(self):
        self.sent, self.promised = {}, {}

    def take(self, entry):
        if "sent" in entry:
            self.sent[entry["sent"]] = entry["to"]
        else:
            self.promised[entry["promised"]] = entry["at"]
        return []


class Maildrop:
    """known: {UIDL: name} of what the client has read; gone: what was deleted."""

    def __init__(self, who, before=None):
        self.who = who
        self.known = {}
        self.gone = set(before.gone) if before else set()  # for ever
        self.pending = set()

    def take(self, entry):
        kind = next(k for k in ("listed", "read", "will", "did") if k in entry)
        return [f"{self.who}: {text}" for text in getattr(self, kind)(entry[kind])]

    def listed(self, uidls):
        there = set(uidls)
        if len(there) != len(uidls):
            yield "one UIDL twice"
        for uidl in there & self.gone:
            yield f"{uidl} ({self.known.get(uidl)}) is back, whose deletion was acknowledged"
        for uidl in set(self.known) - self.gone - self.pending - there:
            yield f"{uidl} ({self.known[uidl]}) is gone, and nobody deleted it"
        if self.pending & there and self.pending - there:
            yield f"of {len(self.pending)} deletions, {len(self.pending & there)} were not made"
        self.gone |= self.pending - there
        self.pending = set()

    def read(self, pair):
        uidl, name = pair
        if self.known.get(uidl, name) != name:
            yield f"{uidl} was {self.known[uidl]}, is {name}"
        self.known[uidl] = name

    def will(self, uidls):
        self.pending = set(uidls)
        return ()

    def did(self, _):
        self.gone |= self.pending
        self.pending = set()
        return ()

    def taken(self):
        """Names of what was deleted, each as often as it was."""
        return collections.Counter(self.known[u] for u in self.gone if u in self.known)


class Box:
    """A mailbox: uids {uid: (name, flags, modseq)}, new: what has come to it
    under UIDs that we were not told."""

    def __init__(self, validity=None, next=1, modseq=0, uids=()):
        self.validity, self.next, self.modseq = validity, next, modseq
        self.uids = {uid: (name, frozenset(flags), modseq) for uid, name, flags, modseq in uids}
        self.new = []

    def copy(self):
        twin = Box(self.validity, self.next, self.modseq)
        twin.uids, twin.new = dict(self.uids), list(self.new)
        return twin

    def put(self, uid, name, flags):
        if uid is None:
            self.new.append((name, flags))
        else:
            self.uids[uid] = (name, flags, 0)
            self.next = max(self.next, uid + 1)


# What each command makes of the mailboxes.  told: what its answer said, or {}.

def op_append(boxes, op, told):
    boxes[op["box"]].put(told.get("uid"), op["name"], frozenset(op["flags"]))


def op_store(boxes, op, told):
    box, flags = boxes[op["box"]], frozenset(op["flags"])
    modseqs = dict(told.get("modseqs", ()))
    for uid in op["uids"]:
        name, had, modseq = box.uids[uid]
        has = had | flags if op["add"] else had - flags
        box.uids[uid] = (name, has, max(modseq, modseqs.get(uid, 0)))


def op_copy(boxes, op, told):
    uids = dict(told.get("uids", ()))
    for uid in sorted(op["uids"]):
        name, flags, _ = boxes[op["box"]].uids[uid]
        boxes[op["to"]].put(uids.get(uid), name, flags)


def op_move(boxes, op, told):
    op_copy(boxes, op, told)
    for uid in op["uids"]:
        del boxes[op["box"]].uids[uid]


def op_expunge(boxes, op, _):
    for uid in op["uids"]:
        if "\\Deleted" in boxes[op["box"]].uids[uid][1]:
            del boxes[op["box"]].uids[uid]


def op_create(boxes, op, _):
    boxes[op["box"]] = Box()


def op_delete(boxes, op, _):
    del boxes[op["box"]]


def op_rename(boxes, op, _):
    boxes[op["to"]] = boxes.pop(op["box"])


OPS = {name[3:]: value for name, value in list(globals().items()) if name.startswith("op_")}


def after(boxes, op, told):
    """The mailboxes once the command has been carried out."""
    changed = {name: box.copy() for name, box in boxes.items()}
    OPS[op["op"]](changed, op, told)
    return changed


def differences(wanted, found):
    """Why the mailboxes found are not those wanted.  To INBOX mail may come."""
    if set(wanted) != set(found):
        yield f"mailboxes {sorted(found)} instead of {sorted(wanted)}"
        return
    for where, box in wanted.items():
        if box.validity not in (None, found[where].validity):
            yield f"{where}: UIDVALIDITY {found[where].validity}, was {box.validity}"
        rest = dict(found[where].uids)
        for uid, (name, flags, modseq) in box.uids.items():
            got = rest.pop(uid, None)
            if got is None:
                yield f"{where}: UID {uid} ({name}) is not there"
            elif got[:2] != (name, flags):
                yield f"{where}: UID {uid} is {got}, was {name}, {set(flags)}"
            elif got[2] < modseq:
                yield f"{where}: UID {uid} ({name}) has MODSEQ {got[2]}, was told {modseq}"
        others = sorted(rest.items())
        for name, flags in box.new:
            if not others or others[0][1][:2] != (name, flags):
                yield f"{where}: {name} is not what came next: {others[:1]}"
                break
            others.pop(0)
        for uid, (name, _, _) in others:
            if where != "INBOX" or uid < box.next:
                yield f"{where}: UID {uid} ({name}) was not to be there"


def names(boxes):
    return collections.Counter(name for box in boxes.values() for name, _, _ in box.uids.values())


class Mailboxes:
    """Takes "look" (all there is), "will", "did" (with what it told), "refused".
    A letter is a message that was sent to this account: its name ends in LETTER.
    arrived, removed: letters seen to come, and taken away for good."""
    LETTER = "@load.test"

    def __init__(self, who, before=None):
        self.who = who
        self.boxes = None  # until the first look
        self.pending = None
        self.arrived, self.removed = collections.Counter(), set()
        self.numbers = dict(before.numbers) if before else {}  # {validity: (next, highest modseq)}
        self.looks = self.resolved = 0

    def letters(self):
        return {n: c for n, c in names(self.boxes or {}).items() if n.endswith(self.LETTER)}

    def take(self, entry):
        kind = next(k for k in ("look", "will", "did", "refused") if k in entry)
        return [f"{self.who}: {text}" for text in getattr(self, kind)(entry[kind])]

    def will(self, op):
        self.pending = op
        return ()

    def refused(self, _):
        self.pending = None
        return ()

    def become(self, boxes):
        self.removed |= set(self.letters()) - {n for n in names(boxes)} - {
            name for box in boxes.values() for name, _ in box.new}
        self.boxes = boxes

    def did(self, told):
        op, self.pending = self.pending, None
        box = self.boxes[op.get("to", op["box"])] if op["op"] in ("append", "copy", "move") else None
        given = [told["uid"]] if "uid" in told else [uid for _, uid in told.get("uids", ())]
        for uid in given:
            if uid < box.next:
                yield f"{op}: UID {uid} was given, and {box.next} was the next one"
        if box and box.validity is not None and told.get("validity", box.validity) != box.validity:
            yield f"{op}: UIDVALIDITY {told['validity']}, was {box.validity}"
        self.become(after(self.boxes, op, told))

    def look(self, seen):
        found = {where: Box(**box) for where, box in seen.items()}
        self.looks += 1
        yield from self.count(found)
        op, self.pending = self.pending, None
        if self.boxes is not None:
            wrong = list(differences(self.boxes, found))
            if op is not None:
                self.resolved += 1
                would = after(self.boxes, op, {})
                other = list(differences(would, found)) if wrong else None
                if other == []:
                    self.become(would)
                elif wrong:
                    yield f"neither before nor after {op}: {other}"
                wrong = [] if other == [] else wrong
            yield from wrong
        yield from self.welcome(found)
        self.boxes = found

    def count(self, found):
        """Nothing that only grows has fallen."""
        for where, box in found.items():
            was = self.numbers.get(box.validity, (0, 0))
            if was == "dead":
                yield f"{where}: UIDVALIDITY {box.validity} was that of another mailbox"
                continue
            if box.next < was[0] or box.modseq < was[1]:
                yield f"{where}: UIDNEXT, HIGHESTMODSEQ are {(box.next, box.modseq)}, were {was}"
        now = {box.validity: (box.next, box.modseq) for box in found.values()}
        if len(now) != len(found):
            yield "two mailboxes with one UIDVALIDITY"
        self.numbers = {**{validity: "dead" for validity in self.numbers}, **now}

    def welcome(self, found):
        """Letters that have come since."""
        was = self.boxes["INBOX"].uids if self.boxes is not None else {}
        for uid, (name, _, _) in found["INBOX"].uids.items():
            if uid not in was and name.endswith(self.LETTER):
                self.arrived[name] += 1
                if self.arrived[name] > 1:
                    yield f"{name} came to INBOX twice"
