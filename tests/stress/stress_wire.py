# SPDX-License-Identifier: MIT
"""IMAP responses, read strictly: what is not exactly as the grammar of RFC 9051
s9 has it is a Violation.  And a connection that speaks it, with a record of
what was said last."""
import asyncio
import collections
import os
import re
import ssl
import time
import zlib

ANSWER_S = float(os.environ.get("STRESS_PATIENCE_S", 300))  # so long may an answer take, however slow the machine


class Violation(Exception):
    """The server did what it must not."""


TOKEN = re.compile(rb"""(?x)
    (?P<literal>~?\{\d+\}\r\n)
    |(?P<atom>(?:BODY|BINARY(?:\.SIZE)?)\[[^\]\r\n]*\](?:<\d+>)?|[^\x00-\x20\x7f-\xff(){"]+)
    |"(?P<quoted>(?:[^"\\\r\n\0]|\\["\\])*)"
    |(?P<open>\()|(?P<close>\))|(?P<space>\ )""")
LITERAL = re.compile(rb"~?\{(\d+)\}\r\n\Z")
NUMBERED = re.compile(rb"(\d+) (EXISTS|RECENT|EXPUNGE|FETCH|UIDFETCH)(?: (.*))?\Z", re.S)
STATUS = re.compile(rb"(OK|NO|BAD|BYE|PREAUTH) (?:\[([^\]\r\n]+)\] )?([^\0\r\n]*)\Z")
DATA = {b"FLAGS", b"LIST", b"LSUB", b"STATUS", b"SEARCH", b"ESEARCH", b"SORT", b"THREAD",
        b"CAPABILITY", b"ENABLED", b"VANISHED", b"NAMESPACE", b"ID"}


class Response:
    """tag: "*", "+" or the command's; name: OK, FETCH, ...; number: before it;
    code: [words] in brackets; values: what follows, lists in lists."""
    __slots__ = ("tag", "name", "number", "code", "text", "values", "raw")

    def __init__(self, raw):
        self.raw, self.tag, self.name, self.number = raw, "", "", None
        self.code, self.text, self.values = None, b"", []


def parse_values(data, literals, what):
    """Words, strings and lists with one space between."""
    stack, at, literals = [[]], 0, iter(literals)
    spaced = True  # a value may come here
    while at < len(data):
        m = TOKEN.match(data, at)
        if not m:
            raise Violation(f"not IMAP at octet {at}: {what!r}")
        at = m.end()
        kind = m.lastgroup
        if kind == "space":
            if spaced:
                raise Violation(f"a space too much: {what!r}")
            spaced = True
            continue
        if kind == "close":
            if len(stack) == 1 or (spaced and stack[-1]):
                raise Violation(f"`)' out of place: {what!r}")
            stack.pop()
            spaced = False
            continue
        if not spaced and not (kind == "open" and data[m.start() - 1:m.start()] == b")"):
            raise Violation(f"no space between values: {what!r}")
        if kind == "open":
            new = []
            stack[-1].append(new)
            stack.append(new)
            spaced = True
            continue
        if kind == "atom":
            value = None if m[kind].upper() == b"NIL" else m[kind]
        elif kind == "quoted":
            value = re.sub(rb"\\(.)", rb"\1", m[kind])
        else:
            value = next(literals)
        stack[-1].append(value)
        spaced = False
    if len(stack) != 1 or (spaced and data):
        raise Violation(f"not complete: {what!r}")
    return stack[0]


def parse(lines, literals, tags):
    """One response, whole: its lines, the literals between them."""
    text = b"".join(lines)
    if not text.endswith(b"\r\n") or b"\0" in text:
        raise Violation(f"no line: {text[:300]!r}")
    text = text[:-2]
    r = Response(text)
    if text.startswith(b"+ ") or text == b"+":
        r.tag = "+"
        return r
    tag, space, rest = text.partition(b" ")
    r.tag = tag.decode("latin-1")
    if not space or (r.tag != "*" and r.tag not in tags):
        raise Violation(f"neither `*' nor a tag of ours: {text[:300]!r}")
    if m := STATUS.match(rest):
        r.name, r.text = m[1].decode(), m[3]
        r.code = m[2].split(b" ") if m[2] else None
        if r.tag != "*" and r.name not in ("OK", "NO", "BAD"):
            raise Violation(f"tagged {r.name}: {text[:300]!r}")
        if not r.text:
            raise Violation(f"no text: {text[:300]!r}")
        return r
    if r.tag != "*":
        raise Violation(f"no status: {text[:300]!r}")
    if m := NUMBERED.match(rest):
        r.number, r.name = int(m[1]), m[2].decode()
        if (m[3] is None) == r.name.endswith("FETCH"):
            raise Violation(f"{r.name}: {text[:300]!r}")
        if m[3] is not None:
            r.values = parse_values(m[3], literals, text[:300])
            if len(r.values) != 1 or not isinstance(r.values[0], list) or len(r.values[0]) % 2:
                raise Violation(f"{r.name}: {text[:300]!r}")
        return r
    name, _, rest = rest.partition(b" ")
    if name not in DATA:
        raise Violation(f"unknown response: {text[:300]!r}")
    r.name = name.decode()
    r.values = parse_values(rest, literals, text[:300]) if name != b"THREAD" else [rest]
    return r


def parse_set(text):
    """A set of numbers in its order; no `*'."""
    numbers = []
    for part in text.split(b","):
        if not re.fullmatch(rb"[1-9]\d*(:[1-9]\d*)?", part):
            raise Violation(f"no set of numbers: {text!r}")
        low, _, high = part.partition(b":")
        low, high = int(low), int(high or low)
        numbers += range(low, high + 1) if low <= high else range(low, high - 1, -1)
    return numbers


def write_set(numbers):
    """The same the other way, with runs."""
    out, numbers = [], sorted(set(numbers))
    while numbers:
        n = 1
        while n < len(numbers) and numbers[n] == numbers[0] + n:
            n += 1
        out.append("%d" % numbers[0] if n == 1 else "%d:%d" % (numbers[0], numbers[n - 1]))
        numbers = numbers[n:]
    return ",".join(out)


class Connection:
    """Over TCP, under TLS where a context is given."""

    def __init__(self, name):
        self.name = name
        self.transcript = collections.deque(maxlen=400)
        self.tags, self.tag_n = set(), 0
        self.writer = None

    async def open(self, host, port, tls=None):
        self.reader, self.writer = await asyncio.open_connection(host, port, ssl=tls, limit=1 << 20)
        self.held, self.squeeze, self.stretch = bytearray(), None, None
        self.note("=", b"connected")
        return await self.response()

    def note(self, way, text):
        self.transcript.append("%.3f %s %s" % (time.monotonic(), way, text[:700].rstrip().decode("latin-1")))

    def close(self):
        if self.writer:
            self.note("=", b"closed")
            self.writer.transport.abort()
            self.writer = None

    async def send(self, data):
        for line in data.split(b"\r\n")[:-1][:4]:
            self.note("C:", line)
        if self.squeeze:
            data = self.squeeze.compress(data) + self.squeeze.flush(zlib.Z_SYNC_FLUSH)
        self.writer.write(data)
        await self.writer.drain()

    def new_tag(self):
        self.tag_n += 1
        tag = "%s.%d" % (self.name, self.tag_n)
        self.tags.add(tag)
        return tag

    def compress(self):
        self.squeeze, self.stretch = zlib.compressobj(wbits=-15), zlib.decompressobj(-15)

    def take(self):
        """The next response if it is here whole, else None."""
        at, lines, literals = 0, [], []
        while True:
            end = self.held.find(b"\r\n", at)
            if end < 0:
                return None
            lines.append(bytes(self.held[at:end + 2]))
            at = end + 2
            m = LITERAL.search(lines[-1])
            if not m:
                break
            size = int(m[1])
            if len(self.held) < at + size:
                return None
            literals.append(bytes(self.held[at:at + size]))
            at += size
        self.note("S:", b"".join(lines))
        del self.held[:at]
        return parse(lines, literals, self.tags)

    async def response(self, seconds=ANSWER_S):
        """May be cancelled: nothing is lost.  seconds: None for ever."""
        while (r := self.take()) is None:
            try:
                data = await asyncio.wait_for(self.reader.read(1 << 17), seconds)
            except asyncio.TimeoutError:
                raise Violation(f"no answer for {seconds} s") from None
            except (ConnectionError, ssl.SSLError) as e:
                raise Violation(f"the connection broke: {e}") from None
            if not data:
                raise Violation("the server hung up")
            self.held += self.stretch.decompress(data) if self.stretch else data
        return r
