# SPDX-License-Identifier: MIT
"""What the stress program knows.

Ledger: all that servers have promised to anybody: which message got which UID,
which are gone and why, which flags a message had at a MODSEQ.  View: what one
session was told of the mailbox it has selected; nothing but responses changes
it, and each is judged before it does."""
import base64
import random

from stress_wire import Violation, parse_set

WILD = 4  # UIDs that are a multiple: STORE FLAGS may wipe others' keywords


class Texts:
    """Message number n: its octets tell its number, and follow from it."""

    def __init__(self, seed):
        self.seed, self.n, self.cache = seed, 0, {}

    def new(self):
        self.n += 1
        return self.n

    def mark(self, n):
        return b"n%07d" % n

    def octets(self, n):
        if n not in self.cache:
            if len(self.cache) > 300:
                self.cache.clear()
            self.cache[n] = self.make(n)
        return self.cache[n]

    def make(self, n):
        r, mark = random.Random("%d/%d" % (self.seed, n)), self.mark(n)
        size = r.choice((100, 300, 300, 1000, 1000, 3000, 20000)) if r.random() < .98 else 200000
        body = b"".join(b"%s line %d %s\r\n" % (mark, i, b"x" * r.randrange(60)) for i in range(size // 50))
        head = (b"From: Stress <stress@far.test>\r\nTo: bob@d.test\r\nSubject: stress %s\r\n"
                b"Date: Sun, 22 Nov 2026 10:%02d:%02d +0000\r\nMessage-ID: <%s.%d@stress.test>\r\nX-Stress: %s\r\n"
                % (mark, n // 60 % 60, n % 60, mark, self.seed, mark))
        if r.random() < .3:
            lines = base64.encodebytes(body).replace(b"\n", b"\r\n")
            return head + (b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n%s\r\n"
                           b"--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"
                           % mark + lines + b"--b--\r\n")
        return head + b"\r\n" + body

    def number(self, octets):
        """Of a message that was fetched, which must be as it was sent."""
        at = octets.find(b"X-Stress: n")
        if at < 0:
            raise Violation(f"a message that nobody sent: {octets[:300]!r}")
        n = int(octets[at + 11:at + 18])
        want = self.octets(n)
        if octets != want and not (octets.startswith(b"Return-Path:") and octets.endswith(b"\r\n" + want)):
            raise Violation(f"message {n} has other octets than were sent: {len(octets)}, {len(want)} of them")
        return n


class Box:
    """The ledger's page of a mailbox."""

    def __init__(self, name):
        self.name, self.names = name, {name}
        self.uid_validity = self.mailbox_id = None
        self.born = {}         # UID -> message number, None: not known
        self.acked = {}        # UID -> who promised it: APPENDUID, COPYUID
        self.origin = {}       # UID -> (UIDVALIDITY, UID) where it was first
        self.gone = set()      # told of by anybody
        self.taken = {}        # UID -> by which MOVE or REPLACE
        self.deleted = set()   # UIDs that were \Deleted, perhaps
        self.popped = set()    # origins of what POP3 deleted, perhaps
        self.absent = set()    # not told to somebody: they must be gone
        self.flags_at = {}     # (UID, MODSEQ) -> flags
        self.modseq = {}       # UID -> highest told
        self.highest = self.uid_next = 0
        self.births, self.losses, self.changes = [], [], []  # in the order told

    def bear(self, uid, n, who, origin=None):
        """A UID was promised for a message."""
        if uid in self.acked:
            raise Violation(f"{self.name}: UID {uid} promised by {who} and by {self.acked[uid]}")
        self.acked[uid] = who
        self.origin[uid] = origin or (self.uid_validity, uid)
        self.uid_next = max(self.uid_next, uid + 1)
        self.births.append(uid)
        if n is not None:
            self.identify(uid, n)

    def identify(self, uid, n):
        """It was seen to be message n."""
        if self.born.setdefault(uid, n) is None:
            self.born[uid] = n
        if self.born[uid] != n:
            raise Violation(f"{self.name}: UID {uid} is message {n}, and it was message {self.born[uid]}")

    def lose(self, uid):
        if uid not in self.gone:
            self.gone.add(uid)
            self.losses.append(uid)

    def why_gone(self, uid):
        """Somebody did it: None, or what."""
        if uid in self.taken:
            return self.taken[uid]
        if uid in self.deleted:
            return "EXPUNGE"
        return "POP3" if self.origin.get(uid, (self.uid_validity, uid)) in self.popped else None

    def may_be_gone(self, uid):
        return uid in self.gone or self.why_gone(uid) is not None

    def told_flags(self, uid, modseq, flags):
        if self.flags_at.setdefault((uid, modseq), flags) != flags:
            raise Violation(f"{self.name}: UID {uid} had at MODSEQ {modseq} the flags {sorted(flags)} and "
                            f"{sorted(self.flags_at[uid, modseq])}")

    def told_modseq(self, uid, modseq):
        if modseq > self.modseq.get(uid, 0):
            self.modseq[uid] = modseq
            self.changes.append((uid, modseq))
        self.highest = max(self.highest, modseq)

    def settle(self, truth):
        """All are at rest: what was before need not be kept.  truth: UID ->
        (flags, MODSEQ)."""
        self.flags_at = {(uid, modseq): flags for uid, (flags, modseq) in truth.items()}
        self.births, self.losses, self.changes = list(truth), [], [(u, m) for u, (_, m) in truth.items()]


class Ledger:
    def __init__(self, seed, boxes):
        self.texts = Texts(seed)
        self.boxes = boxes
        self.delivering, self.delivered = set(), set()
        self.unsure = set()        # APPENDs whose answer was not waited for
        self.email_ids = {}        # message number -> EMAILID

    def by_id(self, mailbox_id):
        return next((b for b in self.boxes if b.mailbox_id == mailbox_id), None)

    def copy(self, box, uids, to, new, move, who):
        for uid, got in zip(uids, new):
            if move:
                if uid in box.taken:
                    raise Violation(f"{box.name}: UID {uid} moved by {who}, and by {box.taken[uid]} before")
                box.taken[uid] = who
            n = box.born.get(uid)
            to.bear(got, n, who, box.origin.get(uid, (box.uid_validity, uid)) if move else None)
            if n is None and to.born.get(got) is not None:
                box.identify(uid, to.born[got])
            if uid in box.deleted:
                to.deleted.add(got)


class Message:
    __slots__ = ("uid", "flags", "modseq")

    def __init__(self, uid=None, flags=None, modseq=None):
        self.uid, self.flags, self.modseq = uid, flags, modseq


class View:
    """messages: one for each that EXISTS; uid is None until it was told."""

    def __init__(self, box, numbered=True):
        self.box, self.messages, self.by_uid = box, [], {}
        self.numbered = numbered  # not with UIDONLY
        self.highest = self.uid_next = 0
        self.read_only = False
        self.births_at = self.losses_at = self.changes_at = 0
        self.suspects = set()  # not answered for: they must be gone

    def uids(self):
        return [m.uid for m in self.messages if m.uid is not None]

    def number(self, uid):
        return self.messages.index(self.by_uid[uid]) + 1

    def unknown(self):
        return len(self.messages) - len(self.by_uid)

    # ---- what is told

    def exists(self, n):
        if n < len(self.messages):
            raise Violation(f"EXISTS falls from {len(self.messages)} to {n}")
        self.messages += [Message() for _ in range(n - len(self.messages))]

    def expunge(self, number):
        if not 1 <= number <= len(self.messages):
            raise Violation(f"EXPUNGE {number} of {len(self.messages)}")
        self.drop(number - 1)

    def drop(self, at):
        uid = self.messages.pop(at).uid
        if uid is not None:
            del self.by_uid[uid]
            self.suspects.discard(uid)
            self.box.lose(uid)

    def vanished(self, uid):
        if uid in self.by_uid:
            self.drop(self.number(uid) - 1)
            return
        self.drop(self.gap(uid))
        self.box.lose(uid)

    def gap(self, uid):
        """A message whose UID is not known, where this one can be."""
        if not self.numbered:
            return self.any_unknown(uid)
        at = 0
        for i, m in enumerate(self.messages):
            if m.uid is not None and m.uid < uid:
                at = i + 1
            elif m.uid is not None:
                break
        if at == len(self.messages) or self.messages[at].uid is not None:
            raise Violation(f"UID {uid} cannot be in this mailbox of {len(self.messages)}")
        return at

    def any_unknown(self, uid):
        """Without numbers nobody knows which of them it is: it goes where the
        order wants it."""
        at = next((i for i, m in enumerate(self.messages) if m.uid is None), None)
        if at is None:
            raise Violation(f"UID {uid} is not one of the {len(self.messages)} messages")
        m = self.messages.pop(at)
        at = sum(known < uid for known in self.by_uid)
        before = 0
        while at > 0:
            at -= self.messages[before].uid is not None
            before += 1
        self.messages.insert(before, m)
        return before

    def name(self, at, uid):
        """The message at this place has this UID."""
        m = self.messages[at]
        if m.uid == uid:
            return m
        if m.uid is not None:
            raise Violation(f"number {at + 1} has UID {m.uid}, now {uid}")
        if uid in self.by_uid:
            raise Violation(f"UID {uid} is number {self.number(uid)}, now {at + 1}")
        low = next((x.uid for x in reversed(self.messages[:at]) if x.uid is not None), 0)
        high = next((x.uid for x in self.messages[at + 1:] if x.uid is not None), 1 << 32)
        if not low < uid < high:
            raise Violation(f"UIDs do not rise: number {at + 1} has {uid} between {low} and {high}")
        m.uid = uid
        self.by_uid[uid] = m
        self.box.born.setdefault(uid, None)
        return m

    def fetch(self, number, uid):
        if not 1 <= number <= len(self.messages):
            raise Violation(f"FETCH {number} of {len(self.messages)}")
        return self.name(number - 1, uid) if uid is not None else self.messages[number - 1]

    def uid_fetch(self, uid):
        return self.by_uid[uid] if uid in self.by_uid else self.name(self.gap(uid), uid)

    def told(self, m, flags, modseq):
        if modseq is not None and m.uid is not None:
            if m.modseq is not None and modseq < m.modseq:
                raise Violation(f"MODSEQ of UID {m.uid} falls from {m.modseq} to {modseq}")
            if flags is not None:
                self.box.told_flags(m.uid, modseq, flags)
            m.modseq = modseq
            self.box.told_modseq(m.uid, modseq)
            self.highest = max(self.highest, modseq)
        if flags is not None:
            m.flags = flags

    # ---- what it must know

    def mark(self):
        """How far the ledger is now: check() holds this view against it."""
        return len(self.box.births), len(self.box.losses), len(self.box.changes)

    def check(self, mark):
        """It was told everything since mark() (a NOOP came between)."""
        for uid in self.box.losses[self.losses_at:mark[1]]:
            if uid in self.by_uid:
                raise Violation(f"UID {uid} is gone, others were told, this one was not")
        for uid in self.suspects:
            if uid in self.by_uid:
                raise Violation(f"UID {uid} was not answered for, and is there")
        self.suspects.clear()
        for uid in self.box.births[self.births_at:mark[0]] if not self.unknown() else ():
            if uid not in self.by_uid and not self.box.may_be_gone(uid):
                # told to be gone by a number whose UID nobody had asked for, by
                # one whose own answer is on its way; at rest that is clear
                self.box.absent.add(uid)
        for uid, modseq in self.box.changes[self.changes_at:mark[2]]:
            m = self.by_uid.get(uid)
            if m and m.modseq is not None and m.modseq < modseq:
                raise Violation(f"UID {uid} has MODSEQ {modseq}, this one was told of {m.modseq}")
        self.births_at, self.losses_at, self.changes_at = mark

    def settle(self):
        self.births_at = self.losses_at = self.changes_at = 0


def changed(flags, form, by):
    """Flags after STORE: form is "+", "-" or ""."""
    if flags is None:
        return None
    by = frozenset(by)
    return flags | by if form == "+" else flags - by if form == "-" else by


def vanished_uids(values):
    """(EARLIER or not, UIDs) of a VANISHED response."""
    earlier = values[0] == [b"EARLIER"] if values else False
    rest = values[1:] if earlier else values
    if len(rest) != 1 or not isinstance(rest[0], bytes):
        raise Violation(f"VANISHED {values!r}")
    return earlier, parse_set(rest[0])
