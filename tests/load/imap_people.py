# SPDX-License-Identifier: MIT
"""A user agent that does with its mailboxes all that IMAP has commands for."""
import contextlib
import zlib

import letters
from people import Person, connect_imap

KEPT = 25  # letters in INBOX, from which on the oldest go


class Squeezed:
    """A socket under COMPRESS=DEFLATE."""

    def __init__(self, sock):
        self.sock = sock
        self.squeeze, self.stretch = zlib.compressobj(wbits=-15), zlib.decompressobj(-15)

    def sendall(self, octets):
        self.sock.sendall(self.squeeze.compress(octets) + self.squeeze.flush(zlib.Z_SYNC_FLUSH))

    def recv(self, n):
        while True:
            got = self.sock.recv(n)
            text = self.stretch.decompress(got)
            if text or not got:
                return text

    def settimeout(self, seconds):
        self.sock.settimeout(seconds)

    def close(self):
        self.sock.close()


class ImapUser(Person):
    def __init__(self, town, name, pause, address):
        super().__init__(town, name, pause)
        self.address = address

    def act(self):
        self.peer = connect_imap(self, self.address)
        try:
            if self.random.random() < 0.3:
                self.ok(b"COMPRESS DEFLATE")
                self.peer.sock = Squeezed(self.peer.sock)
            self.read_mail()
            for errand in self.random.sample(ERRANDS, 4):
                errand(self)
                self.town.count(errand.__name__, 1)
            self.ok(b"LOGOUT")
        finally:
            self.peer.close()

    def ok(self, command):
        self.town.count("IMAP commands", 1)
        return self.peer.imap_ok(command)

    def fetched(self, command, item):
        return {r.values["UID"]: r.values[item] for r in self.ok(command) if r.kind == "FETCH" and item in r.values}

    def read_mail(self):
        """Fetch all of INBOX, see that it is whole, and take the oldest away."""
        self.ok(b"SELECT INBOX")
        texts = self.fetched(b"UID FETCH 1:* (UID FLAGS BODY.PEEK[])", "BODY[]")
        ids = {uid: letters.id_of(text) for uid, text in texts.items()}
        gone = sorted(ids)[:max(0, len(ids) - KEPT)]
        if gone:
            self.take_away(gone, ids)

    def take_away(self, uids, ids):
        which = b",".join(b"%d" % u for u in uids)
        if self.random.random() < 0.5:
            self.ok(b"UID STORE " + which + b" +FLAGS.SILENT (\\Deleted)")
            self.ok(b"UID EXPUNGE " + which)
        else:
            self.make(b"Read")
            self.ok(b"UID MOVE " + which + b" Read")
            self.ok(b"SELECT Read")
            self.ok(b"STORE 1:* +FLAGS (\\Deleted)")
            self.ok(self.random.choice([b"EXPUNGE", b"CLOSE"]))
            self.ok(b"SELECT INBOX")
        for uid in uids:
            self.book.find(ids[uid], self.address)
        self.town.count("read by IMAP", len(uids))

    def make(self, mailbox):
        tagged, _ = self.peer.imap(b"CREATE " + mailbox)
        self.expect(tagged.kind in ("OK", "NO"), True, f"CREATE {mailbox}")

    def drop(self, *mailboxes):
        for mailbox in mailboxes:
            self.peer.imap(b"DELETE " + mailbox)

    def letter(self):
        id = f"draft-{self.number()}"
        return letters.compose(id, self.address, [self.address], id)

    # ---- errands: each leaves things as they were

    def mailboxes(self):
        self.drop(b"Box/A", b"Box", b"Box2/A", b"Box2", b"Box2/B")
        self.ok(b"CREATE Box/A")
        self.ok(b"SUBSCRIBE Box/A")
        self.ok(b'LSUB "" *')
        self.ok(b"RENAME Box Box2")
        self.ok(b'LIST (SUBSCRIBED) "" * RETURN (CHILDREN SPECIAL-USE STATUS (MESSAGES UNSEEN SIZE))')
        self.ok(b"UNSUBSCRIBE Box/A")
        self.ok(b"CREATE Box2/B")
        self.drop(b"Box2/B", b"Box2/A", b"Box2")

    def questions(self):
        self.ok(b"SELECT INBOX")
        for command in (b"CAPABILITY", b"NOOP", b'ID ("name" "soak")', b"NAMESPACE", b"CHECK", b'LIST "" "%"',
                        b"GETQUOTAROOT INBOX", b"STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY UNSEEN SIZE HIGHESTMODSEQ)"):
            self.ok(command)

    def drafts(self):
        self.drop(b"Work")
        self.ok(b"CREATE Work")
        for flags in (b"", b"(\\Draft \\Seen) "):
            self.expect(self.peer.append(self.letter(), b"Work", flags), "OK APPENDUID", "APPEND")
        two = [self.letter(), self.letter()]
        self.ok(b"APPEND Work " + b" ".join(b"{%d+}\r\n" % len(t) + t for t in two))
        self.ok(b"SELECT Work")
        new = self.letter()
        self.ok(b"REPLACE 1 Work {%d+}\r\n" % len(new) + new)
        self.ok(b"UNSELECT")
        self.drop(b"Work")

    def looks(self):
        self.ok(b"EXAMINE INBOX (CONDSTORE)")
        self.ok(b"UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE MODSEQ EMAILID PREVIEW)")
        self.ok(b"UID FETCH 1:* (UID BODY.PEEK[HEADER.FIELDS (FROM SUBJECT)] BODY.PEEK[1] BINARY.SIZE[1])")
        self.ok(b"UID FETCH 1:* (UID BINARY.PEEK[1]<0.100> BODY.PEEK[1.MIME] SAVEDATE) (CHANGEDSINCE 1)")
        self.ok(b"UNSELECT")

    def searches(self):
        self.ok(b"SELECT INBOX")
        for command in (b"SEARCH TEXT tide", b"UID SEARCH RETURN (MIN MAX COUNT ALL) BODY morning NOT DELETED",
                        b"SEARCH RETURN (SAVE) OR SUBJECT tide FROM sender", b"FETCH $ (FLAGS)",
                        b"SORT (REVERSE ARRIVAL SUBJECT) UTF-8 ALL", b"UID SORT RETURN (PARTIAL 1:5) (SIZE) UTF-8 ALL",
                        b"UID THREAD REFERENCES UTF-8 ALL", b"THREAD ORDEREDSUBJECT UTF-8 ALL",
                        b"SEARCH YOUNGER 86400 LARGER 100"):
            self.ok(command)

    def flags(self):
        self.ok(b"ENABLE CONDSTORE")
        self.ok(b"SELECT INBOX")
        tagged, _ = self.peer.imap(b"STORE 1:* +FLAGS (\\Seen \\Flagged soaked)")
        if tagged.kind == "OK":
            self.ok(b"UID STORE 1:* (UNCHANGEDSINCE 99999999) -FLAGS.SILENT (\\Flagged soaked)")

    def copies(self):
        self.drop(b"Copies", b"Moved")
        self.ok(b"CREATE Copies")
        self.ok(b"CREATE Moved")
        self.ok(b"SELECT INBOX")
        self.ok(b"UID COPY 1:* Copies")
        self.ok(b"SELECT Copies")
        self.ok(b"UID MOVE 1:* Moved")
        self.ok(b"SELECT Moved")
        self.ok(b"UID STORE 1:* +FLAGS (\\Deleted)")
        self.ok(b"EXPUNGE")
        self.drop(b"Copies", b"Moved")

    def notes(self):
        self.ok(b'SETMETADATA INBOX (/private/comment "soak %d")' % self.random.randrange(1000))
        self.ok(b"GETMETADATA INBOX /private/comment")
        self.ok(b"SETMETADATA INBOX (/private/comment NIL)")

    def comes_back(self):
        self.ok(b"ENABLE QRESYNC")
        selected = self.ok(b"SELECT INBOX")
        known = {r.code: r.args[0] for r in selected if r.code in ("UIDVALIDITY", "HIGHESTMODSEQ")}
        self.ok(b"UNSELECT")
        self.ok(b"SELECT INBOX (QRESYNC (%d %d))" % (known["UIDVALIDITY"], known["HIGHESTMODSEQ"]))
        self.ok(b"NOTIFY SET (selected (MessageNew MessageExpunge)) (personal (MailboxName))")
        self.ok(b"NOTIFY NONE")

    # ---- the end

    def last_look(self):
        """All that is left, written in the book."""
        self.peer = connect_imap(self, self.address)
        with contextlib.closing(self.peer):
            for mailbox in (b"INBOX", b"Junk", b"Read"):
                if self.peer.imap(b"SELECT " + mailbox)[0].kind != "OK":
                    continue
                for text in self.fetched(b"UID FETCH 1:* (UID BODY.PEEK[])", "BODY[]").values():
                    self.book.find(letters.id_of(text), self.address)


ERRANDS = [ImapUser.mailboxes, ImapUser.questions, ImapUser.drafts, ImapUser.looks, ImapUser.searches, ImapUser.flags,
           ImapUser.copies, ImapUser.notes, ImapUser.comes_back]
