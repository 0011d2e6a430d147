# SPDX-License-Identifier: MIT
"""What a server may say in IMAP, read as strictly as the grammar has it
(RFC 9051 s9 with the extensions Penny Post offers; RFC 3501 where a client has
not asked for rev2), and more strictly where user agents are known to stumble:
no blank at the end of a line, no code without a text behind it, no number with
a sign or zeros before it, no body without an encoding.

    response = parse(b'* LIST (\\\\HasNoChildren) "/" INBOX\\r\\n', Dialect())
    response.kind == "LIST" and response.name == "INBOX"

What does not fit raises Malformed, which says where."""
import base64
import dataclasses
import re


class Malformed(AssertionError):
    """A line that no client needs to understand."""


@dataclasses.dataclass
class Dialect:
    """What has been enabled, so may be said."""
    utf8: bool = False       # UTF8=ACCEPT or IMAP4rev2
    rev2: bool = False
    challenge: bool = False  # an empty one may come: AUTHENTICATE is under way


@dataclasses.dataclass
class Response:
    kind: str                 # FETCH, LIST, OK, "+" ...
    line: bytes               # as it came
    tag: str = ""             # "" of untagged ones
    number: int = 0           # of FETCH, EXISTS, EXPUNGE ...
    code: str = ""            # APPENDUID ...
    args: tuple = ()          # what the code brings
    text: str = ""
    name: str = ""            # of a mailbox, as on the wire
    values: object = None     # attributes of LIST; items of FETCH, STATUS: a dict ...
    delimiter: str = None
    extra: dict = dataclasses.field(default_factory=dict)


MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
ATOM = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\\]]+')
ASTRING = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\]+')
TAG = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\+]+')
FLAG = re.compile(rb'\\?[^\x00-\x20\x7f-\xff(){%*"\\\]]+')
NUMBER = re.compile(rb"0|[1-9][0-9]*")
SET = re.compile(rb"[1-9][0-9]*(?::[1-9][0-9]*)?(?:,[1-9][0-9]*(?::[1-9][0-9]*)?)*")
DATE = re.compile(rb'"(?: [1-9]|0[1-9]|[12][0-9]|3[01])-(?:%s)-[0-9]{4} (?:[01][0-9]|2[0-3]):[0-5][0-9]:'
                  rb'(?:[0-5][0-9]|60) [+-](?:[01][0-9]|2[0-3])[0-5][0-9]"' % "|".join(MONTHS).encode())
SECTION = re.compile(rb"(?:[1-9][0-9]*(?:\.[1-9][0-9]*)*)?")
OBJECTID = re.compile(rb"[A-Za-z0-9_-]{1,255}")
SYSTEM_FLAGS = {"\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft"}
LIST_FLAGS = {"\\Noinferiors", "\\Noselect", "\\Marked", "\\Unmarked", "\\HasChildren", "\\HasNoChildren",
              "\\NonExistent", "\\Subscribed", "\\Remote", "\\All", "\\Archive", "\\Drafts", "\\Flagged",
              "\\Junk", "\\Sent", "\\Trash", "\\Important"}
BARE_CODES = {  # without arguments
    "ALERT", "PARSE", "READ-ONLY", "READ-WRITE", "TRYCREATE", "UIDNOTSTICKY", "UNAVAILABLE",
    "AUTHENTICATIONFAILED", "AUTHORIZATIONFAILED", "EXPIRED", "PRIVACYREQUIRED", "CONTACTADMIN", "NOPERM",
    "INUSE", "EXPUNGEISSUED", "CORRUPTION", "SERVERBUG", "CLIENTBUG", "CANNOT", "LIMIT", "OVERQUOTA",
    "ALREADYEXISTS", "NONEXISTENT", "NOTSAVED", "HASCHILDREN", "CLOSED", "UNKNOWN-CTE", "NOMODSEQ", "TOOBIG",
    "COMPRESSIONACTIVE", "NOTIFICATIONOVERFLOW", "UIDREQUIRED", "USEATTR", "BADCOMPARATOR"}
U32, U63 = (1 << 32) - 1, (1 << 63) - 1


def uids(text):
    """The numbers of a set, in its order."""
    for part in text.split(","):
        first, _, last = part.partition(":")
        yield from range(int(first), int(last or first) + 1)


def mutf7(name):
    """A mailbox name in modified UTF-7 (RFC 3501 s5.1.3), decoded; ValueError if
    it is none, or not the only form of it."""
    out, at, shifted = "", 0, False
    for m in re.finditer(r"&([A-Za-z0-9+,]*)-|([^&])", name):
        if m.start() != at or (m[2] and not " " <= m[2] <= "~"):
            raise ValueError(name)
        if m[1]:
            raw = base64.b64decode(m[1].replace(",", "/") + "=" * (-len(m[1]) % 4), validate=True)
            piece = raw.decode("utf-16-be")
            if shifted or any(" " <= c <= "~" for c in piece) or encode_utf7(piece) != m[0]:
                raise ValueError(name)
            out += piece
        else:
            out += m[2] or "&"
        at, shifted = m.end(), bool(m[1])
    if at != len(name):
        raise ValueError(name)
    return out


def encode_utf7(piece):
    """Characters that are not printable ASCII, as a shifted sequence."""
    return "&" + base64.b64encode(piece.encode("utf-16-be")).decode().rstrip("=").replace("/", ",") + "-"


class Reader:
    """A cursor over one response, literals and all."""

    def __init__(self, data, dialect):
        self.data, self.dialect, self.at = data, dialect, 0

    def bad(self, why):
        raise Malformed(f"{why} at {self.at}: {self.data[:self.at][-200:]!r} <here> {self.data[self.at:][:200]!r}")

    # ---- what grammars are made of

    def ahead(self, text):
        return self.data.startswith(text, self.at)

    def maybe(self, text):
        found = self.ahead(text)
        self.at += len(text) * found
        return found

    def need(self, text):
        if not self.maybe(text):
            self.bad(f"no {text!r}")

    def match(self, pattern, what):
        m = pattern.match(self.data, self.at)
        if not m or (m.end() == m.start() and pattern is not SECTION):
            self.bad(f"no {what}")
        self.at = m.end()
        return m[0].decode("ascii")

    def space(self):
        self.need(b" ")

    def number(self, least=0, most=U32):
        value = int(self.match(NUMBER, "number"))
        if not least <= value <= most:
            self.bad(f"number out of range {value}")
        return value

    def atom(self):
        return self.match(ATOM, "atom")

    def listed(self, item, least=1):
        """(item item ...)"""
        self.need(b"(")
        found = []
        while not self.maybe(b")"):
            if found:
                self.space()
            found.append(item())
        if len(found) < least:
            self.bad("empty list")
        return found

    def or_nil(self, item):
        return None if self.maybe(b"NIL") else item()

    # ---- strings

    def quoted(self):
        self.need(b'"')
        out = bytearray()
        while not self.maybe(b'"'):
            c = self.data[self.at:self.at + 1]
            if c == b"\\":
                self.at += 1
                c = self.data[self.at:self.at + 1]
                if c not in (b"\\", b'"'):
                    self.bad("escape of another character")
            if c in (b"", b"\0", b"\r", b"\n"):
                self.bad("quoted string")
            if c[0] > 126 and not (self.dialect.utf8 and c[0] > 127):
                self.bad("octet of a quoted string")
            out += c
            self.at += 1
        if self.dialect.utf8:
            try:
                out.decode()
            except UnicodeDecodeError:
                self.bad("quoted string is not UTF-8")
        return bytes(out)

    def literal(self):
        m = re.compile(rb"(~?)\{(0|[1-9][0-9]*)\}\r\n").match(self.data, self.at)
        if not m:
            self.bad("no literal")
        got = self.data[m.end():m.end() + int(m[2])]
        self.at = m.end() + int(m[2])
        if len(got) != int(m[2]):
            self.bad("literal cut off")
        if b"\0" in got and not m[1]:
            self.bad("NUL in a literal")
        return got

    def string(self):
        return self.quoted() if self.ahead(b'"') else self.literal()

    def nstring(self):
        return self.or_nil(self.string)

    def astring(self):
        if self.ahead(b'"') or self.ahead(b"{"):
            return self.string()
        return self.match(ASTRING, "astring").encode()

    def mailbox(self):
        raw = self.astring()
        try:
            name = raw.decode("utf-8" if self.dialect.utf8 else "ascii")
            if not self.dialect.utf8:
                mutf7(name)
        except ValueError:
            self.bad(f"mailbox name {raw!r}")
        if not name or name.startswith("/") or name.endswith("/") or "//" in name:
            self.bad(f"mailbox name {raw!r}")
        return name

    def flag(self):
        name = self.match(FLAG, "flag")
        if name.startswith("\\") and name not in SYSTEM_FLAGS | {"\\Recent"}:
            self.bad(f"unknown flag {name}")
        if name == "\\Recent" and self.dialect.rev2:
            self.bad("\\Recent in rev2")
        return name

    def flag_perm(self):
        return "\\*" if self.maybe(b"\\*") else self.flag()

    def date(self):
        return self.match(DATE, "date-time")[1:-1]

    def set(self):
        return self.match(SET, "set")

    def ascending_set(self):
        text = self.set()
        numbers = [int(n) for n in re.split("[:,]", text)]
        if numbers != sorted(set(numbers)):
            self.bad(f"set {text} does not ascend")
        return text

    def text(self):
        """The rest: words for people, never none."""
        got = self.data[self.at:]
        if not got:
            self.bad("no text")
        if got[:1] == b" " or got[-1:] == b" ":
            self.bad("blank at an end of the text")
        if any(b < 32 or b == 127 or (b > 127 and not self.dialect.utf8) for b in got):
            self.bad("octet of the text")
        self.at = len(self.data)
        return got.decode()

    # ---- status responses

    def capabilities(self):
        found = [self.atom()]
        while self.maybe(b" "):
            found.append(self.atom())
        if "IMAP4rev1" not in found or len(set(found)) != len(found):
            self.bad("capabilities")
        return found

    def code_args(self, code):
        """What follows its name in the brackets."""
        if code in BARE_CODES:
            return ()
        self_or_none = {
            "BADCHARSET": lambda: (self.listed(self.astring),),
            "INPROGRESS": self.progress,
        }
        if code in self_or_none and self.ahead(b"]"):
            return ()
        self.space()
        return {
            **self_or_none,
            "CAPABILITY": lambda: tuple(self.capabilities()),
            "PERMANENTFLAGS": lambda: tuple(self.listed(self.flag_perm, 0)),
            "UIDNEXT": lambda: (self.number(1),),
            "UIDVALIDITY": lambda: (self.number(1),),
            "UNSEEN": lambda: (self.number(1),),
            "HIGHESTMODSEQ": lambda: (self.number(1, U63),),
            "MODIFIED": lambda: (self.ascending_set(),),
            "MAILBOXID": lambda: (self.listed(self.objectid)[0],),
            "APPENDUID": self.appenduid,
            "COPYUID": self.copyuid,
            "METADATA": self.metadata_code,
            "BADEVENT": lambda: tuple(self.listed(self.atom)),
        }.get(code, lambda: self.bad(f"unknown code {code}"))()

    def appenduid(self):
        validity = self.number(1)
        self.space()
        return validity, self.ascending_set()

    def copyuid(self):
        validity = self.number(1)
        self.space()
        source = self.ascending_set()
        self.space()
        target = self.ascending_set()
        if len(list(uids(source))) != len(list(uids(target))):
            self.bad("COPYUID's sets differ in length")
        return validity, source, target

    def metadata_code(self):
        name = self.atom()
        if name in ("LONGENTRIES", "MAXSIZE"):
            self.space()
            return name, self.number()
        if name not in ("TOOMANY", "NOPRIVATE"):
            self.bad("METADATA code")
        return (name,)

    def progress(self):
        self.need(b"(")
        tag = self.or_nil(self.quoted)
        self.space()
        done = self.or_nil(self.number)
        self.space()
        goal = self.or_nil(lambda: self.number(1))
        self.need(b")")
        return tag, done, goal

    def status(self, r):
        self.space()
        if self.maybe(b"["):
            r.code = self.atom()
            r.args = self.code_args(r.code)
            self.need(b"]")
            self.space()
        r.text = self.text()

    # ---- mailboxes

    def list(self, r):
        r.values = self.listed(self.list_flag, 0)
        if len(set(r.values)) != len(r.values) or {"\\HasChildren", "\\HasNoChildren"} <= set(r.values):
            self.bad("attributes")
        self.space()
        r.delimiter = self.or_nil(self.quoted)
        if r.delimiter not in (None, b"/"):
            self.bad("delimiter")
        self.space()
        if self.maybe(b'""'):
            if "\\Noselect" not in r.values:
                self.bad("the root is no mailbox")
        else:
            r.name = self.mailbox()
        if self.maybe(b" "):
            for name, value in self.listed(self.list_extended):
                r.extra[name] = value

    def list_flag(self):
        name = self.match(FLAG, "attribute")
        if name not in LIST_FLAGS:
            self.bad(f"attribute {name}")
        return name

    def list_extended(self):
        name = self.astring().decode()
        self.space()
        if name == "CHILDINFO":
            return name, self.listed(self.quoted)
        if name == "OLDNAME":
            return name, self.listed(self.mailbox)[0]
        return self.bad(f"LIST with {name}")

    def status_items(self, r):
        r.name = self.mailbox()
        self.space()
        r.values = dict(self.listed(self.status_item, 0))

    def status_item(self):
        name = self.atom()
        self.space()
        return name, {
            "MESSAGES": self.number, "UNSEEN": self.number, "RECENT": self.number, "DELETED": self.number,
            "UIDNEXT": lambda: self.number(1), "UIDVALIDITY": lambda: self.number(1),
            "SIZE": lambda: self.number(0, U63), "DELETED-STORAGE": lambda: self.number(0, U63),
            "HIGHESTMODSEQ": lambda: self.number(0, U63),
            "APPENDLIMIT": lambda: self.or_nil(self.number),
            "MAILBOXID": lambda: self.listed(self.objectid)[0],
        }.get(name, lambda: self.bad("status item"))()

    def namespace(self, r):
        def one():
            self.need(b"(")
            prefix = self.string()
            self.space()
            delimiter = self.or_nil(self.quoted)
            self.need(b")")
            return prefix, delimiter

        def several():
            self.need(b"(")
            found = []
            while not self.maybe(b")"):
                found.append(one())
            return found or self.bad("empty namespaces")
        r.values = []
        for n in range(3):
            if n:
                self.space()
            r.values.append(self.or_nil(several))

    # ---- messages

    def objectid(self):
        return self.match(OBJECTID, "objectid")

    def fetch(self, r):
        items = self.listed(self.fetch_item)
        r.values = dict(items)
        if len(r.values) != len(items):
            self.bad("an item twice")

    def fetch_item(self):
        m = re.compile(rb"(BODY|BINARY|BINARY\.SIZE)\[").match(self.data, self.at)
        if m:
            return self.section_item(m[1].decode())
        name = self.atom()
        self.space()
        reads = {
            "FLAGS": lambda: self.listed(self.flag, 0),
            "UID": lambda: self.number(1),
            "MODSEQ": self.modseq,
            "INTERNALDATE": self.date,
            "RFC822.SIZE": lambda: self.number(0, U63),
            "RFC822": self.nstring, "RFC822.HEADER": self.nstring, "RFC822.TEXT": self.nstring,
            "ENVELOPE": self.envelope,
            "BODY": lambda: self.body(False), "BODYSTRUCTURE": lambda: self.body(True),
            "EMAILID": lambda: self.listed(self.objectid)[0],
            "THREADID": lambda: self.or_nil(lambda: self.listed(self.objectid)[0]),
            "SAVEDATE": lambda: self.or_nil(self.date),
            "PREVIEW": self.nstring,
        }
        value = reads.get(name, lambda: self.bad("fetch item"))()
        if name == "FLAGS" and len(set(value)) != len(value):
            self.bad("a flag twice")
        return name, value

    def modseq(self):
        self.need(b"(")
        value = self.number(1, U63)
        self.need(b")")
        return value

    def section_item(self, name):
        start = self.at
        self.need(name.encode() + b"[")
        part = self.match(SECTION, "section")
        if name == "BODY" and not self.ahead(b"]"):
            if part:
                self.need(b".")
            self.section_text(part)
        self.need(b"]")
        key = self.data[start:self.at].decode()
        if name == "BINARY.SIZE":
            self.space()
            return key, self.number(0, U63)
        origin = None
        if self.maybe(b"<"):
            origin = self.number(0, U63)
            self.need(b">")
            key += f"<{origin}>"
        self.space()
        return key, self.nstring_or_8() if name == "BINARY" else self.nstring()

    def nstring_or_8(self):
        return self.literal() if self.ahead(b"~{") else self.nstring()

    def section_text(self, part):
        m = re.compile(rb"(?:HEADER\.FIELDS(?:\.NOT)?) \(|HEADER|TEXT|MIME").match(self.data, self.at)
        if not m or (m[0] == b"MIME" and not part):
            self.bad("section")
        self.at = m.end()
        if m[0].endswith(b"("):
            self.at -= 1
            self.listed(self.astring)

    def address(self):
        self.need(b"(")
        parts = []
        for n in range(4):
            if n:
                self.space()
            parts.append(self.nstring())
        self.need(b")")
        return tuple(parts)

    def addresses(self):
        """( 1*address ): nothing between them (RFC 9051 s9, env-from)."""
        self.need(b"(")
        found = [self.address()]
        while not self.maybe(b")"):
            found.append(self.address())
        return found

    def envelope(self):
        names = ("date", "subject", "from", "sender", "reply-to", "to", "cc", "bcc", "in-reply-to", "message-id")
        self.need(b"(")
        found = {}
        for n, name in enumerate(names):
            if n:
                self.space()
            found[name] = self.or_nil(self.addresses) if 2 <= n <= 7 else self.nstring()
        self.need(b")")
        if found["from"] and not (found["sender"] and found["reply-to"]):
            self.bad("envelope without what stands for Sender and Reply-To")  # RFC 9051 s7.5.2
        return found

    def params(self):
        found = self.or_nil(lambda: self.listed(self.string, 2))
        if found and len(found) % 2:
            self.bad("parameter without value")
        return found

    def disposition(self):
        self.need(b"(")
        kind = self.string()
        self.space()
        params = self.params()
        self.need(b")")
        return kind, params

    def languages(self):
        return self.listed(self.string) if self.ahead(b"(") else self.nstring()

    def extension(self, first):
        """The fields BODYSTRUCTURE adds: all of them, which the grammar does not
        ask for but Gmail's app does."""
        found = []
        for read in (first, lambda: self.or_nil(self.disposition), self.languages, self.nstring):
            self.space()
            found.append(read())
        return found

    def body(self, extended):
        self.need(b"(")
        part = self.multipart(extended) if self.ahead(b"(") else self.leaf(extended)
        self.need(b")")
        return part

    def multipart(self, extended):
        parts = []
        while self.ahead(b"("):
            parts.append(self.body(extended))
        self.space()
        part = {"parts": parts, "type": b"multipart", "subtype": self.string().lower()}
        if extended:
            part["params"], part["disposition"], part["language"], part["location"] = self.extension(self.params)
        return part

    def leaf(self, extended):
        part = {"parts": []}
        for n, (name, read) in enumerate((
                ("type", self.string), ("subtype", self.string), ("params", self.params), ("id", self.nstring),
                ("description", self.nstring), ("encoding", self.string),  # never NIL
                ("octets", lambda: self.number(0, U63)))):
            if n:
                self.space()
            part[name] = read()
        part["type"], part["subtype"] = part["type"].lower(), part["subtype"].lower()
        if not part["type"] or not part["encoding"]:
            self.bad("empty type or encoding")
        if (part["type"], part["subtype"]) in ((b"message", b"rfc822"), (b"message", b"global")):
            self.space()
            part["envelope"] = self.envelope()
            self.space()
            part["parts"] = [self.body(extended)]
        if part["type"] == b"text" or part["parts"]:
            self.space()
            part["lines"] = self.number(0, U63)
        if extended:
            part["md5"], part["disposition"], part["language"], part["location"] = self.extension(self.nstring)
        return part

    # ---- searching

    def numbers(self, r):
        r.values = []
        while self.maybe(b" "):
            if self.maybe(b"(MODSEQ "):
                r.extra["MODSEQ"] = self.number(1, U63)
                self.need(b")")
                return
            r.values.append(self.number(1))

    def esearch(self, r):
        r.values = {}
        if self.maybe(b" (TAG "):
            r.extra["TAG"] = self.quoted().decode()  # RFC 4466 has an astring, Outlook knows this one
            self.need(b")")
        r.extra["UID"] = self.ahead(b" UID") and self.maybe(b" UID")
        while self.maybe(b" "):
            name = self.atom()
            self.space()
            r.values[name] = {
                "MIN": lambda: self.number(1), "MAX": lambda: self.number(1), "COUNT": self.number,
                "ALL": self.set, "MODSEQ": lambda: self.number(1, U63), "PARTIAL": self.partial,
            }.get(name, lambda: self.bad("search result"))()

    def partial(self):
        self.need(b"(")
        window = self.match(re.compile(rb"-?[1-9][0-9]*:-?[1-9][0-9]*"), "range")
        self.space()
        found = self.or_nil(self.set)
        self.need(b")")
        return window, found

    def thread_list(self):
        self.need(b"(")
        found = []
        while not self.ahead(b"(") and not self.ahead(b")"):
            found.append(self.number(1))
            if not self.ahead(b")"):
                self.space()
        nested = []
        while self.ahead(b"("):
            nested.append(self.thread_list())
        self.need(b")")
        if len(nested) == 1 or not found + nested or self.data[self.at - 2:self.at] == b" )":
            self.bad("thread")
        return found + nested

    def thread(self, r):
        r.values = []
        if self.maybe(b" "):
            while not r.values or self.ahead(b"("):
                r.values.append(self.thread_list())

    # ---- the rest

    def id(self, r):
        values = self.or_nil(lambda: self.listed(self.nstring, 2))
        r.values = dict(zip(values[::2], values[1::2])) if values else {}

    def quota(self, r):
        r.name = self.astring().decode()
        self.space()
        self.need(b"(")
        r.values = {}
        while not self.maybe(b")"):
            if r.values:
                self.space()
            name = self.atom()
            self.space()
            used = self.number(0, U63)
            self.space()
            r.values[name] = (used, self.number(0, U63))

    def quotaroot(self, r):
        r.name = self.mailbox()
        r.values = []
        while self.maybe(b" "):
            r.values.append(self.astring().decode())

    def metadata(self, r):
        def entry():
            name = self.astring().decode()
            if not re.fullmatch(r"/(?:private|shared)/[^*%/\x00-\x1f]+(?:/[^*%/\x00-\x1f]+)*", name):
                self.bad(f"entry {name}")
            return name

        def pair():
            name = entry()
            self.space()
            return name, self.nstring_or_8()
        r.name = "" if self.maybe(b'""') else self.mailbox()
        self.space()
        if self.ahead(b"("):
            r.values = dict(self.listed(pair))
        else:
            r.values = [entry()]
            while self.maybe(b" "):
                r.values.append(entry())

    def vanished(self, r):
        r.extra["EARLIER"] = self.maybe(b"(EARLIER) ")
        r.values = self.set()

    def words(self, r):
        """Capabilities after ENABLED: there may be none."""
        r.values = []
        while self.maybe(b" "):
            r.values.append(self.atom())

    # ---- one response

    def response(self):
        if self.ahead(b"+"):
            return self.go_ahead()
        if self.maybe(b"* "):
            return self.untagged()
        tag = self.match(TAG, "tag")
        self.space()
        r = Response(self.atom(), self.data, tag=tag)
        if r.kind not in ("OK", "NO", "BAD"):
            self.bad("kind of a tagged response")
        self.status(r)
        return r

    def go_ahead(self):
        self.need(b"+ ")
        r = Response("+", self.data)
        if self.at == len(self.data) and not self.dialect.challenge:
            self.bad("empty +")
        r.text = self.data[self.at:].decode("ascii") if self.dialect.challenge else self.text()
        self.at = len(self.data)
        return r

    def untagged(self):
        if self.data[self.at:self.at + 1].isdigit():
            return self.numbered()
        r = Response(self.atom(), self.data)
        if r.kind in ("OK", "NO", "BAD", "BYE", "PREAUTH"):
            self.status(r)
            return r
        bare = {"SEARCH": self.numbers, "SORT": self.numbers, "ESEARCH": self.esearch, "THREAD": self.thread,
                "ENABLED": self.words}
        if r.kind in bare:
            bare[r.kind](r)
            return r
        reads = {"LIST": self.list, "LSUB": self.list, "STATUS": self.status_items, "NAMESPACE": self.namespace,
                 "ID": self.id, "QUOTA": self.quota, "QUOTAROOT": self.quotaroot, "METADATA": self.metadata,
                 "VANISHED": self.vanished}
        self.space()
        if r.kind == "CAPABILITY":
            r.values = self.capabilities()
        elif r.kind == "FLAGS":
            r.values = self.listed(self.flag, 0)
        elif r.kind in reads:
            reads[r.kind](r)
        else:
            self.bad("unknown response")
        return r

    def numbered(self):
        number = self.number()
        self.space()
        r = Response(self.atom(), self.data, number=number)
        if r.kind in ("EXISTS", "RECENT"):
            if r.kind == "RECENT" and self.dialect.rev2:
                self.bad("RECENT in rev2")
            return r
        if number == 0 or r.kind not in ("EXPUNGE", "FETCH", "UIDFETCH"):
            self.bad("numbered response")
        if r.kind != "EXPUNGE":
            self.space()
            self.fetch(r)
        return r


def parse(data, dialect):
    """One response, its CRLF included."""
    reader = Reader(data[:-2], dialect)
    if data[-2:] != b"\r\n":
        reader.bad("no CRLF")
    r = reader.response()
    if reader.at != len(reader.data):
        reader.bad("more than the grammar has")
    return r
