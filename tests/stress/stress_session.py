# SPDX-License-Identifier: MIT
"""One session of the stress program: a connection, its view of the selected
mailbox, and the judge of each response."""
import re

from stress_model import View, changed, vanished_uids
from stress_wire import ANSWER_S, Connection, Violation, parse_set

IN_VIEW = {"EXISTS", "EXPUNGE", "RECENT", "FETCH", "UIDFETCH", "VANISHED", "FLAGS"}
# Commands during which no number may shift: RFC 9051 s7.5.1
STEADY = {"FETCH", "STORE", "SEARCH", "SORT", "THREAD"}


class Mode:
    """How a session speaks."""

    def __init__(self, enable="", select="", notify="", tls=False, compress=False):
        words = enable.split()
        self.enable, self.select, self.notify = enable, select, notify
        self.tls, self.compress = tls, compress
        self.rev2 = "IMAP4rev2" in words
        self.uid_only = "UIDONLY" in words
        self.qresync = "QRESYNC" in words
        self.condstore = self.qresync or "CONDSTORE" in words or bool(select)
        self.utf8 = self.rev2 or "UTF8=ACCEPT" in words
        self.at_once = "(SELECTED " in notify  # EXPUNGE may come at any time
        self.by_number = not self.uid_only and not self.at_once

    def __str__(self):
        return " ".join(filter(None, ("TLS" if self.tls else "", "DEFLATE" if self.compress else "", self.enable,
                                      self.select, self.notify))) or "plain"


class Answer:
    """To one command."""

    def __init__(self, last, responses):
        self.status, self.code, self.responses, self.last = last.name, last.code or [], responses, last

    def of(self, *names):
        return [r for r in self.responses if r.name in names]

    def code_of(self, word):
        """[word ...] of the tagged response or an untagged OK, else None."""
        for r in [self.last, *self.responses]:
            if r.code and r.code[0] == word:
                return r.code
        return None


class Session:
    def __init__(self, world, name, mode):
        self.world, self.name, self.mode = world, name, mode
        self.ledger = world.ledger
        self.wire = Connection(name)
        self.view = None
        self.own = {}      # (box, UID) -> is its keyword set
        self.keyword = b"$Of-" + name.encode()
        self.told = {}     # UID -> flags, by FETCH in this command
        self.told_modseq = set()
        self.command = self.silent = None
        self.saved = None  # to resynchronise from
        self.left = None   # the view before, until CLOSED
        self.idling = False

    # ---- talking

    async def connect(self):
        w = self.world
        self.view = self.left = None
        tls = w.server.tls() if self.mode.tls else None
        greeting = await self.wire.open(w.server.host, w.server.ports["imaps" if tls else "imap"], tls)
        if greeting.name != "OK":
            raise Violation(f"greeted by {greeting.raw!r}")
        await self.ok("LOGIN %s %s" % (w.user, w.server.password(w.user)))
        if self.mode.enable:
            await self.ok("ENABLE " + self.mode.enable)
        if self.mode.compress:
            await self.ok("COMPRESS DEFLATE")
            self.wire.compress()
        if self.mode.notify:
            await self.ok("NOTIFY SET " + self.mode.notify)

    async def ok(self, *pieces):
        a = await self.run(*pieces)
        if a.status != "OK":
            raise Violation(f"{a.last.raw!r} to {pieces[0][:200]!r}")
        return a

    async def run(self, *pieces, wait=False):
        """A command: text and, as bytes, literals by turns.  wait: for `+'
        before each literal, else LITERAL+."""
        tag = await self.begin(pieces, wait)
        return await self.finish(tag)

    async def begin(self, pieces, wait=False):
        tag = self.wire.new_tag()
        words = pieces[0].split(" ")
        self.command = words[1] if words[0] == "UID" else words[0]
        self.by_uid = words[0] == "UID"
        self.told, self.told_modseq = {}, set()
        self.world.commands[(words[0] + " " if self.by_uid else "") + self.command] += 1
        out, self.early = tag.encode() + b" ", []
        for i, piece in enumerate(pieces):
            if isinstance(piece, str):
                out += piece.encode()
                continue
            out += b"{%d%s}\r\n" % (len(piece), b"" if wait else b"+")
            if wait:
                await self.wire.send(out)
                out = b""
                while (r := await self.wire.response()).tag != "+":
                    if r.tag != "*":
                        self.early = [r]
                        return tag
                    self.early.append(self.judge(r))
            out += piece
        await self.wire.send(out + b"\r\n")
        return tag

    async def finish(self, tag):
        if self.early and self.early[-1].tag == tag:
            return Answer(self.early[-1], self.early[:-1])
        got = self.early
        while True:
            r = await self.wire.response(None if self.idling else ANSWER_S)
            if r.tag == tag:
                if r.name == "BAD":
                    raise Violation(f"BAD: {r.raw!r}")
                self.judge_code(r)
                self.command = None
                return Answer(r, got)
            if r.tag == "+" and self.command == "IDLE":
                self.idling = True
                continue
            if r.tag != "*":
                raise Violation(f"out of place: {r.raw!r}")
            got.append(self.judge(r))

    # ---- judging

    def judge(self, r):
        if r.name == "BYE":
            raise Violation(f"{r.raw!r}")
        if r.name in ("NO", "BAD"):
            raise Violation(f"untagged {r.raw!r}")
        if r.name in IN_VIEW:
            view = self.left or self.view
            if view is None:
                raise Violation(f"no mailbox is selected: {r.raw!r}")
            getattr(self, "judge_" + r.name.lower())(view, r)
        elif r.name == "STATUS":
            self.world.judge_status(self, r)
        self.judge_code(r)
        return r

    def judge_code(self, r):
        if r.name == "OK" and r.code and r.code[0] == b"CLOSED":
            if self.left is None:
                raise Violation("CLOSED, and nothing was selected")
            self.left = None
        if not r.code or self.view is None or self.left is not None:
            return
        if r.code[0] == b"HIGHESTMODSEQ":
            n = int(r.code[1])
            if n < self.view.highest:
                raise Violation(f"HIGHESTMODSEQ falls from {self.view.highest} to {n}")
            self.view.highest = n
            self.view.box.highest = max(n, self.view.box.highest)

    def judge_exists(self, view, r):
        view.exists(r.number)

    def judge_recent(self, view, r):
        if self.mode.rev2:
            raise Violation("RECENT in IMAP4rev2")
        if r.number > len(view.messages):
            raise Violation(f"RECENT {r.number} of {len(view.messages)}")

    def judge_flags(self, view, r):
        pass

    def may_shrink(self):
        if self.mode.at_once or self.idling:
            return True
        return self.command is not None and (self.by_uid or self.command not in STEADY)

    def judge_expunge(self, view, r):
        if self.mode.qresync or self.mode.uid_only:
            raise Violation("EXPUNGE in place of VANISHED")
        if not self.may_shrink():
            raise Violation(f"EXPUNGE in {self.command}")
        view.expunge(r.number)

    def judge_vanished(self, view, r):
        if not self.mode.qresync and not self.mode.uid_only:
            raise Violation("VANISHED in place of EXPUNGE")
        earlier, uids = vanished_uids(r.values)
        if earlier:
            if self.command not in ("SELECT", "EXAMINE") and not (self.command == "FETCH" and self.by_uid):
                raise Violation(f"VANISHED (EARLIER) in {self.command}")
            if self.command == "FETCH" and any(u in view.by_uid for u in uids):
                raise Violation("VANISHED (EARLIER) of what is counted")
            return
        if not self.may_shrink():
            raise Violation(f"VANISHED in {self.command}")
        for uid in uids:
            view.vanished(uid)

    def judge_fetch(self, view, r):
        if self.mode.uid_only:
            raise Violation("FETCH in place of UIDFETCH")
        self.fetched(view, r, lambda uid: view.fetch(r.number, uid))

    def judge_uidfetch(self, view, r):
        if not self.mode.uid_only:
            raise Violation("UIDFETCH in place of FETCH")
        self.fetched(view, r, lambda uid: view.uid_fetch(r.number))

    def fetched(self, view, r, find):
        items = {}
        values = iter(r.values[0])
        for name, value in zip(values, values):
            name = name.upper()
            if name in items:
                raise Violation(f"twice: {name!r}")
            items[name] = value
        uid = int(items[b"UID"]) if b"UID" in items else None
        m = find(uid)
        flags = modseq = None
        if b"MODSEQ" in items:
            if not self.mode.condstore:
                raise Violation("MODSEQ without CONDSTORE")
            modseq = int(items[b"MODSEQ"][0])
        if b"FLAGS" in items:
            flags = frozenset(f for f in items[b"FLAGS"] if f != b"\\Recent")
            if len(flags) != len(set(f.lower() for f in flags)):
                raise Violation(f"flags twice: {items[b'FLAGS']}")
        if flags is None and modseq is not None and self.command == "STORE" and self.silent:
            m.flags = changed(m.flags, *self.silent)  # RFC 7162 s3.1.3: nothing else has
        view.told(m, flags, modseq)
        if m.uid is None:
            return
        if flags is not None:
            self.told[m.uid] = flags
            mine = self.own.get((view.box, m.uid))
            if mine is not None and mine != (self.keyword in flags):
                raise Violation(f"UID {m.uid}: own keyword is {'gone' if mine else 'there'}: {sorted(flags)}")
        if modseq is not None:
            self.told_modseq.add(m.uid)
        self.content(view.box, m.uid, items)

    def content(self, box, uid, items):
        """What is told of a message is of the message with this UID."""
        texts, n = self.ledger.texts, None
        for name, value in items.items():
            if name in (b"BODY[]", b"BINARY[]", b"RFC822"):
                n = texts.number(value)
                if int(items.get(b"RFC822.SIZE", len(value))) != len(value):
                    raise Violation(f"UID {uid}: RFC822.SIZE {items[b'RFC822.SIZE']!r} of {len(value)} octets")
            elif name == b"BODY[HEADER.FIELDS (X-STRESS)]":
                found = re.fullmatch(rb"X-Stress: n(\d{7})\r\n\r\n", value)
                if not found:
                    raise Violation(f"UID {uid}: {value!r}")
                n = int(found[1])
            elif name == b"ENVELOPE":
                found = re.fullmatch(rb"<n(\d{7})\.%d@stress\.test>" % texts.seed, value[9])
                if not found or value[1] != b"stress n" + found[1]:
                    raise Violation(f"UID {uid}: {value!r}")
                n = int(found[1])
            else:
                continue
            box.identify(uid, n)
        if n is not None and b"EMAILID" in items:
            ident = items[b"EMAILID"][0]
            if self.ledger.email_ids.setdefault(n, ident) != ident:
                raise Violation(f"message {n} has EMAILID {ident} and {self.ledger.email_ids[n]}")

    # ---- a mailbox

    def mailbox(self, name):
        """A mailbox's name on the wire."""
        if self.mode.utf8 or name.isascii():
            return '"%s"' % name
        return '"%s"' % self.world.mutf7[name]

    async def select(self, box, examine=False, saved=None):
        """False: it has another name just now."""
        highest, uid_next = box.highest, box.uid_next
        gone = set(box.gone) if saved else ()
        command = "%s %s" % ("EXAMINE" if examine else "SELECT", self.mailbox(box.name))
        if saved:
            command += " (QRESYNC (%d %d))" % (box.uid_validity, saved.highest)
        elif self.mode.select:
            command += " " + self.mode.select
        self.left, self.view = self.view, View(box, not self.mode.uid_only)
        self.view.read_only = examine
        tag = await self.begin([command])
        a = await self.select_finish(tag, box, saved)
        if a.status != "OK":
            if self.left is not None:
                raise Violation("not CLOSED")
            self.view = None
            if len(box.names) > 1 and a.status == "NO":
                return False
            raise Violation(f"{a.last.raw!r}")
        self.judge_select(a, box, highest, uid_next, examine)
        if saved:
            await self.judge_resync(saved, gone)
        return True

    async def select_finish(self, tag, box, saved):
        """EXISTS comes first; a resynchronised view has its UIDs before FETCH
        tells what they have now."""
        self.resync, self.vanished_earlier, self.first = None, set(), None
        got = []
        while True:
            r = await self.wire.response()
            if r.tag == tag:
                self.judge_code(r)
                self.command = None
                return Answer(r, got)
            if r.tag != "*":
                raise Violation(f"out of place: {r.raw!r}")
            if self.left is not None:
                self.judge(r)
                continue
            if saved and r.name == "VANISHED":
                earlier, uids = vanished_uids(r.values)
                if not earlier:
                    raise Violation("VANISHED without EARLIER in SELECT")
                self.vanished_earlier.update(uids)
                got.append(r)
                continue
            if r.name == "EXISTS" and self.first is None:
                self.first = r.number  # more may be told at the end
            if saved and r.name in ("FETCH", "UIDFETCH") and self.resync is None:
                self.fill(saved)
            got.append(self.judge(r))

    def fill(self, saved):
        """What was known before, without what has vanished, is there."""
        self.resync = self.first
        old = [m for m in saved.messages if m.uid not in self.vanished_earlier]
        if len(old) > len(self.view.messages):
            raise Violation(f"{len(old)} messages left of those before, {len(self.view.messages)} exist")
        for i, m in enumerate(old):
            self.view.name(i, m.uid)
            self.view.messages[i].flags, self.view.messages[i].modseq = m.flags, m.modseq

    def judge_select(self, a, box, highest, uid_next, examine):
        codes = {r.code[0]: r.code[1:] for r in a.responses if r.code}
        ident = codes[b"MAILBOXID"][0].strip(b"()")
        if box.mailbox_id is None:
            box.mailbox_id, box.uid_validity = ident, int(codes[b"UIDVALIDITY"][0])
        if (ident, int(codes[b"UIDVALIDITY"][0])) != (box.mailbox_id, box.uid_validity):
            raise Violation(f"{box.name} is another mailbox: {codes}")
        if int(codes[b"HIGHESTMODSEQ"][0]) < highest:
            raise Violation(f"HIGHESTMODSEQ {codes[b'HIGHESTMODSEQ'][0]}, {highest} was told before")
        self.view.highest = int(codes[b"HIGHESTMODSEQ"][0])
        self.view.uid_next = int(codes[b"UIDNEXT"][0])
        if self.view.uid_next < uid_next:
            raise Violation(f"UIDNEXT {self.view.uid_next}, {uid_next - 1} was given before")
        box.uid_next = max(box.uid_next, self.view.uid_next)
        if a.code[0] != (b"READ-ONLY" if examine else b"READ-WRITE"):
            raise Violation(f"{a.last.raw!r}")
        if not any(r.name == "EXISTS" for r in a.responses):
            raise Violation("SELECT without EXISTS")

    async def judge_resync(self, saved, gone):
        """Equal to a full look: the numbers fit, and what others were told of
        before is told here."""
        if self.resync is None:
            self.fill(saved)
        told = set(self.view.by_uid)
        if missed := told & gone:
            raise Violation(f"gone before, and not VANISHED: {sorted(missed)[:20]}")
        if untold := [m for m in self.view.messages[:self.resync] if m.uid is None]:
            await self.ok("NOOP")  # they are new, and gone already
            if any(m is x for m in untold for x in self.view.messages):
                raise Violation(f"{len(untold)} new messages were not told of")

    async def learn(self):
        """Of every message its UID and flags."""
        if self.view.messages:
            form = "FETCH 1:* (UID FLAGS%s)" if self.mode.by_number else "UID FETCH 1:* (FLAGS%s)"
            await self.ok(form % (" MODSEQ" if self.mode.condstore else ""))

    async def synchronise(self):
        """NOOP, and everything others were told before is known here."""
        mark = self.view.mark()
        await self.ok("NOOP")
        while self.view.unknown():
            known = self.view.uids()
            asked = [m for m in self.view.messages if m.uid is None]
            await self.ok("UID FETCH %d:* (FLAGS%s)" % (
                self.first_unknown(), " MODSEQ" if self.mode.condstore else ""))
            # one of them may be gone meanwhile, and others have come
            there = all(any(m is x for x in self.view.messages) for m in asked)
            if there and self.view.unknown() and known == self.view.uids():
                raise Violation("messages that cannot be fetched")
        self.view.check(mark)
        return mark

    def first_unknown(self):
        last = 0
        for m in self.view.messages if self.view.numbered else ():
            if m.uid is None:
                break
            last = m.uid
        return last + 1
