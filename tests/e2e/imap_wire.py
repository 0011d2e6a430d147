# SPDX-License-Identifier: MIT
"""A session of IMAP that believes nothing: each response must parse
(imap_grammar.py), must have been asked for or be one a server may send of its
own accord, and must fit what was said before: numbers of messages, their UIDs,
flags that were announced, modification sequences that only grow."""
import collections
import dataclasses
import re
import socket

from imap_grammar import Dialect, parse, uids

# What comes only when a command that asks for it is under way
ASKED = {
    "LIST": {"LIST", "SELECT", "EXAMINE", "NOTIFY", "CREATE"}, "LSUB": {"LSUB"}, "NAMESPACE": {"NAMESPACE"},
    "STATUS": {"STATUS", "LIST", "NOTIFY"}, "SEARCH": {"SEARCH"}, "SORT": {"SORT"},
    "ESEARCH": {"SEARCH", "SORT"}, "THREAD": {"THREAD"}, "ID": {"ID"}, "ENABLED": {"ENABLE"},
    "QUOTA": {"GETQUOTA", "GETQUOTAROOT"}, "QUOTAROOT": {"GETQUOTAROOT"},
    "METADATA": {"GETMETADATA", "LIST", "NOTIFY"}, "CAPABILITY": {"CAPABILITY", "LOGIN", "AUTHENTICATE", "ID"},
    "UIDFETCH": {"FETCH", "STORE"},
}
BY_NUMBER = {"FETCH", "STORE", "SEARCH", "SORT", "THREAD"}


@dataclasses.dataclass
class Command:
    tag: str
    verb: str
    uid: bool
    text: bytes


class Answer:
    """What came up to the tagged response of a command."""

    def __init__(self, responses):
        self.untagged, self.tagged = responses[:-1], responses[-1]

    def of(self, kind):
        return [r for r in self.untagged if r.kind == kind]

    def one(self, kind):
        found, = self.of(kind)
        return found

    def code(self, name):
        """The arguments of a code, tagged or not."""
        found = [r.args for r in [self.tagged, *self.untagged] if r.code == name]
        assert found, f"no {name} in {[r.line for r in self.untagged + [self.tagged]]}"
        return found[0]

    def fetched(self, item):
        """{UID or number: value} of the FETCH responses that have it."""
        return {r.values.get("UID", r.number): r.values[item] for r in self.of("FETCH") if item in r.values}


class Session:
    """The model: what the client knows."""

    def __init__(self):
        self.dialect = Dialect()
        self.condstore = self.qresync = False
        self.notify = False
        self.known = {}      # mailbox: its highest modification sequence so far
        self.leave()

    def leave(self):
        self.mailbox, self.exists, self.uids, self.flags = None, 0, [], None
        self.marked = {}     # UID: the flags it was last said to have

    # ---- commands

    def begin(self, command):
        """A command is now the first that is under way."""
        if command.verb in ("SELECT", "EXAMINE"):
            self.leave()
            self.mailbox = "?"
            text = command.text.decode(errors="replace").split(" ", 2)[2]
            self.name = re.match(r'"((?:\\.|[^"])*)"|[^ ]+', text)[0].strip('"')
            self.condstore |= "(CONDSTORE)" in text.upper() or "(QRESYNC" in text.upper()
        if re.search(rb"\((?:[^()]* )?(?:MODSEQ|CHANGEDSINCE|UNCHANGEDSINCE|HIGHESTMODSEQ)\b|"
                     rb"SEARCH .*MODSEQ", command.text.upper()):
            self.condstore = True  # RFC 7162 s3.1
        self.notify |= command.verb == "NOTIFY"

    def end(self, command, r):
        if command.verb in ("SELECT", "EXAMINE"):
            if r.kind == "OK":
                self.mailbox = self.name
                assert r.code in ("READ-WRITE", "READ-ONLY"), r.line
            else:
                self.leave()
        if command.verb in ("CLOSE", "UNSELECT") and r.kind == "OK":
            self.leave()

    # ---- responses

    def hear(self, r, command):
        verb = command.verb if command else ""
        if r.kind in ASKED:
            assert verb in ASKED[r.kind] or self.notify, f"{r.line} while {verb or 'nothing'}"
        hears = getattr(self, "hear_" + r.kind.lower(), None)
        if hears:
            hears(r, command)
        self.hear_code(r)

    def hear_code(self, r):
        if r.code == "HIGHESTMODSEQ" and self.mailbox not in (None, "?"):
            self.risen(r.args[0], r)
        if r.code in ("PERMANENTFLAGS", "UIDVALIDITY", "UIDNEXT"):
            assert self.mailbox, r.line

    def risen(self, modseq, r):
        assert modseq >= self.known.get(self.mailbox, 0), f"{r.line}: was {self.known[self.mailbox]}"
        self.known[self.mailbox] = modseq

    def hear_enabled(self, r, _):
        rev2 = "IMAP4rev2" in r.values
        self.dialect = dataclasses.replace(
            self.dialect, rev2=self.dialect.rev2 or rev2,
            utf8=self.dialect.utf8 or rev2 or "UTF8=ACCEPT" in r.values)
        self.qresync |= "QRESYNC" in r.values
        self.condstore |= self.qresync or "CONDSTORE" in r.values
        if "QRESYNC" in r.values:  # RFC 7162 s3.2.3
            assert "CONDSTORE" in r.values or self.condstore, r.line

    def hear_exists(self, r, _):
        assert self.mailbox, r.line
        assert r.number >= self.exists, f"{r.line} after {self.exists}"
        self.uids += [0] * (r.number - self.exists)
        self.exists = r.number

    def hear_recent(self, r, _):
        assert self.mailbox and r.number <= self.exists or self.mailbox == "?", r.line

    def hear_expunge(self, r, command):
        assert command, f"{r.line} while no command is under way"  # RFC 9051 s7.5.1
        assert command.uid or command.verb not in BY_NUMBER, f"{r.line} while {command.verb}"
        assert not self.qresync, f"{r.line}: VANISHED is due"
        assert 1 <= r.number <= self.exists, f"{r.line} of {self.exists}"
        del self.uids[r.number - 1]
        self.exists -= 1

    def hear_vanished(self, r, command):
        assert self.qresync, r.line
        if r.extra["EARLIER"]:
            return
        assert command and (command.uid or command.verb not in BY_NUMBER), f"{r.line} while {command}"
        gone = set(uids(r.values))
        assert len(gone) <= self.exists, r.line
        named = [u for u in self.uids if u in gone]
        unnamed = len(gone) - len(named)  # of messages whose UID was never asked for
        self.uids = [u for u in self.uids if u not in gone]
        if unnamed:
            self.uids = [0] * (len(self.uids) - unnamed)
        self.exists -= len(gone)

    def hear_flags(self, r, _):
        assert self.mailbox, r.line
        self.flags = set(r.values)

    def hear_fetch(self, r, command):
        assert 1 <= r.number <= self.exists, f"{r.line[:200]} of {self.exists}"
        uid, at = r.values.get("UID"), r.number - 1
        if uid:
            assert self.uids[at] in (0, uid), f"{r.line[:200]}: was {self.uids[at]}"
            self.uids[at] = uid
            known = [u for u in self.uids if u]
            assert known == sorted(set(known)), f"{r.line[:200]}: UIDs do not ascend"
        elif command and command.uid:
            raise AssertionError(f"{r.line[:200]}: no UID while UID {command.verb}")
        if "FLAGS" in r.values and self.uids[at]:
            self.marked[self.uids[at]] = set(r.values["FLAGS"]) - {"\\Recent"}
        for flag in r.values.get("FLAGS", ()):
            assert flag == "\\Recent" or flag in self.flags, f"{r.line[:200]}: {flag} was not announced"
        if "MODSEQ" in r.values:
            assert self.condstore, f"{r.line[:200]} without CONDSTORE"
        elif "FLAGS" in r.values and self.condstore and (not command or command.verb != "FETCH"):
            raise AssertionError(f"{r.line[:200]}: no MODSEQ")  # RFC 7162 s3.2.4

    def hear_status(self, r, _):
        for name, value in r.values.items():
            if name == "HIGHESTMODSEQ" and r.name == self.mailbox:
                self.risen(value, r)


class Wire:
    """A connection, under TLS unless told otherwise.  Commands may be sent before
    the answers to earlier ones have come; those are read in order."""

    def __init__(self, server, tags="a%d", tls=True, starttls=False):
        self.server, self.tags, self.n = server, tags, 0
        port = server.ports["imaps" if tls and not starttls else "imap"]
        self.sock = socket.create_connection((server.host, port), 120)
        if tls and not starttls:
            self.secure()
        self.held = b""
        self.session = Session()
        self.under_way = collections.deque()
        self.greeting = self.response()
        if starttls:
            self.ok("STARTTLS")
            assert not self.held
            self.secure()

    def secure(self):
        self.sock = self.server.tls().wrap_socket(self.sock, server_hostname=self.server.host)

    def close(self):
        self.sock.close()

    # ---- octets

    def send(self, data):
        self.sock.sendall(data.encode() if isinstance(data, str) else data)

    def raw(self):
        """One response as it comes, with its literals."""
        at = 0
        while True:
            end = self.held.find(b"\r\n", at)
            if end == -1:
                got = self.sock.recv(65536)
                if not got:
                    raise EOFError(self.held)
                self.held += got
                continue
            literal = re.search(rb"\{([0-9]+)\}$", self.held[at:end])
            if not literal:
                data, self.held = self.held[:end + 2], self.held[end + 2:]
                assert data[at:].count(b"\n") == 1 and data[at:].count(b"\r") == 1, data[-300:]
                return data
            at = end + 2 + int(literal[1])
            while len(self.held) < at:
                got = self.sock.recv(65536)
                if not got:
                    raise EOFError(self.held)
                self.held += got

    def response(self):
        """The next one, which fits what the session knows."""
        command = self.under_way[0] if self.under_way else None
        r = parse(self.raw(), self.session.dialect)
        if r.tag:
            assert command and r.tag == command.tag, f"{r.line} while {self.under_way}"
            self.session.hear_code(r)
            self.session.end(command, r)
            self.under_way.popleft()
            if self.under_way:
                self.session.begin(self.under_way[0])
        elif r.kind != "+":
            self.session.hear(r, command)
        return r

    # ---- commands

    def begin(self, text, *more):
        """Send a command; `more' are literals, each followed by what comes behind
        it.  They do not wait, except where a text ends in {n}."""
        self.n += 1
        tag = self.tags % self.n
        data = f"{tag} ".encode() + (text.encode() if isinstance(text, str) else text)
        words = data.decode(errors="replace").upper().split(" ")
        uid = words[1] == "UID"
        self.under_way.append(Command(tag, words[1 + uid].strip(), uid, data + b" "))
        if len(self.under_way) == 1:
            self.session.begin(self.under_way[0])
        for piece in more:
            piece = piece.encode() if isinstance(piece, str) else piece
            if re.search(rb"\{[0-9]+\}$", data):
                self.send(data + b"\r\n")
                assert self.until("+").kind == "+"
                data = piece
            elif re.search(rb"\{[0-9]+\+\}$", data):
                data += b"\r\n" + piece
            else:
                data += piece
        self.send(data + b"\r\n")
        return tag

    def until(self, kind):
        while (r := self.response()).kind != kind:
            assert not r.tag, r.line
        return r

    def answer(self, tag):
        found = [self.response()]
        while found[-1].tag != tag:
            assert not found[-1].tag, f"{found[-1].line} before that of {tag}"
            found.append(self.response())
        return Answer(found)

    def do(self, text, *more, kind="OK"):
        got = self.answer(self.begin(text, *more))
        assert got.tagged.kind == kind, f"{text}: {got.tagged.line}"
        return got

    def ok(self, text, *more):
        return self.do(text, *more)

    def no(self, text, *more):
        return self.do(text, *more, kind="NO")

    def bad(self, text, *more):
        return self.do(text, *more, kind="BAD")

    def do_kind(self, text, *more):
        """OK, NO or BAD."""
        return self.answer(self.begin(text, *more)).tagged.kind

    def authenticate(self, mechanism, *answers):
        """A SASL exchange; what the server asked, and its answer."""
        tag, asked = self.begin(f"AUTHENTICATE {mechanism}"), []
        self.session.dialect.challenge = True
        for answer in answers:
            asked.append(self.until("+").text)
            self.send(answer.encode() + b"\r\n")
        self.session.dialect.challenge = False
        return asked, self.answer(tag)

    def pipeline(self, *texts):
        """All in one packet; their answers in order."""
        tags, held = [], []
        send, self.send = self.send, held.append
        try:
            tags = [self.begin(text) for text in texts]
        finally:
            self.send = send
        self.send(b"".join(held))
        return [self.answer(tag) for tag in tags]

    def idle(self):
        tag = self.begin("IDLE")
        assert self.until("+").kind == "+"
        return tag

    def hear(self, kind):
        """Wait for a response of this kind; what came until then with it."""
        found = [self.response()]
        while found[-1].kind != kind:
            assert not found[-1].tag, found[-1].line
            found.append(self.response())
        return found
