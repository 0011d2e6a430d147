# SPDX-License-Identifier: MIT
"""Searches made of what is in the messages, by a seeded lot: each a leaf (one
key) or a tree of leaves with NOT, OR and parentheses."""
import datetime
import email
import email.errors
import email.header
import email.utils
import re

from both import BEGIN, FLAGS

MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
FIELDS = ["From", "To", "Cc", "Bcc", "Subject"]
PLAIN = ["ALL", "ANSWERED", "DELETED", "DRAFT", "FLAGGED", "SEEN", "UNANSWERED", "UNDELETED",
         "UNDRAFT", "UNFLAGGED", "UNSEEN", "NEW", "OLD", "RECENT"]


def decoded(value):
    """A field's value as a person reads it."""
    out = ""
    value = re.sub(r"\r?\n[ \t]*", " ", str(value))
    try:
        for piece, charset in email.header.decode_header(value):
            if isinstance(piece, bytes):
                try:
                    piece = piece.decode(charset or "utf-8", "ignore")
                except LookupError:
                    piece = piece.decode("ascii", "ignore")
            out += piece
    except (email.errors.HeaderParseError, ValueError):
        return value
    return out


class Mail:
    """What Python reads in a message: where words are taken from."""

    def __init__(self, octets):
        self.size = len(octets)
        self.fields, self.texts, self.part_fields = [], [], []
        try:
            parsed = email.message_from_bytes(octets)
            self.fields = [(n, decoded(v)) for n, v in parsed.items()]
            for part in parsed.walk():
                if part is not parsed:
                    self.part_fields += [decoded(v) for _, v in part.items()]
                self.take_text(part)
        except (ValueError, LookupError, TypeError, AttributeError, KeyError):
            pass  # Python's parser has its limits, too

    def take_text(self, part):
        if part.get_content_maintype() != "text" or part.is_multipart():
            return
        octets = part.get_payload(decode=True) or b""
        try:
            text = octets.decode(part.get_content_charset() or "utf-8", "ignore")
        except LookupError:
            text = octets.decode("ascii", "ignore")
        if text.strip():
            self.texts.append(text[:100000])

    def field(self, name):
        return [v for n, v in self.fields if n.lower() == name.lower()]


def piece(lot, text):
    """A word, some of one, or some words of a text; in another case at times."""
    text = lot.choice([line for line in text.splitlines() if line.strip()] or ["x"]).strip()
    words = text.split()
    kind = lot.randrange(6)
    if not words:
        out = "x"
    elif kind < 2:
        out = lot.choice(words)
    elif kind == 2:
        word = lot.choice(words)
        start = lot.randrange(len(word))
        out = word[start:start + lot.randint(1, 8)]
    elif kind == 3 and len(words) > 1:
        at = lot.randrange(len(words) - 1)
        out = " ".join(words[at:at + lot.randint(2, 4)])
    else:
        start = lot.randrange(len(text))
        out = text[start:start + lot.randint(2, 25)]
    out = lot.choice([str, str, str.upper, str.lower, str.swapcase])(out)
    out = "".join(c for c in out if c.isprintable() and ord(c) < 0x10000)
    return out[:60] or "x"


def string(text):
    octets = text.encode("utf-8", "ignore")
    if re.fullmatch(rb'[ !#-\[\]-~]+', octets):
        return b'"%s"' % octets
    return b"{%d+}\r\n" % len(octets) + octets


def date(day):
    return f"{day.day}-{MONTHS[day.month - 1]}-{day.year}".encode()


class Leaves:
    """Leaves over a mailbox.  Each is (key, octets): key names its kind."""

    def __init__(self, lot, mails):
        self.lot, self.mails = lot, mails

    def one(self):
        return self.lot.choice([
            self.field, self.field, self.header, self.header, self.body, self.body, self.text,
            self.day, self.sent, self.size, self.flag, self.keyword, self.set, self.uid])()

    def cheap(self):
        return self.lot.choice([self.field, self.header, self.day, self.sent, self.size,
                                self.flag, self.keyword, self.set, self.uid])()

    def mail(self):
        return self.lot.choice(self.mails)

    def field(self):
        name = self.lot.choice(FIELDS + ["Subject", "From"])
        values = self.mail().field(name) or self.mail().field("Subject") or ["x"]
        return name.upper(), name.upper().encode() + b" " + string(piece(self.lot, self.lot.choice(values)))

    def header(self):
        name, value = self.lot.choice(self.mail().fields or [("X", "x")])
        if not re.fullmatch(r"[!-9;-~]+", name) or "\\" in name or '"' in name:
            name = "Received"
        said = self.lot.choice([name, name.upper(), name.lower()])
        needle = '""' if self.lot.randrange(6) == 0 else None
        return "HEADER", b'HEADER "%s" ' % said.encode() + \
            (needle.encode() if needle else string(piece(self.lot, value)))

    def body(self):
        texts = self.mail().texts or self.mail().texts or ["the"]
        return "BODY", b"BODY " + string(piece(self.lot, self.lot.choice(texts)))

    def text(self):
        mail = self.mail()
        pool = self.lot.choice([mail.texts, mail.part_fields, [v for _, v in mail.fields]]) or ["the"]
        key = self.lot.choice(["TEXT", "TEXT", "TEXT", "BODY"])
        return key, key.encode() + b" " + string(piece(self.lot, self.lot.choice(pool)))

    def day(self):
        key = self.lot.choice(["BEFORE", "ON", "SINCE"])
        return key, key.encode() + b" " + date(BEGIN + datetime.timedelta(days=self.lot.randint(-2, 300)))

    def sent(self):
        key = self.lot.choice(["SENTBEFORE", "SENTON", "SENTSINCE"])
        day = None
        for value in self.mail().field("Date"):
            try:
                day = email.utils.parsedate_to_datetime(value)
            except (ValueError, TypeError, OverflowError):
                pass
        day = day or BEGIN
        return key, key.encode() + b" " + date(day + datetime.timedelta(days=self.lot.choice([-1, 0, 0, 1])))

    def size(self):
        key = self.lot.choice(["LARGER", "SMALLER"])
        return key, b"%s %d" % (key.encode(), self.mail().size + self.lot.choice([-1, 0, 1]))

    def flag(self):
        key = self.lot.choice(PLAIN)
        return key, key.encode()

    def keyword(self):
        key = self.lot.choice(["KEYWORD", "UNKEYWORD"])
        return key, f"{key} {self.lot.choice(FLAGS[5:] + ['Never', 'work'])}".encode()

    def numbers(self):
        n = len(self.mails)
        def number():
            return str(self.lot.randint(1, n))
        return ",".join(self.lot.choice([number(), number() + ":" + number()])
                        for _ in range(self.lot.randint(1, 4))).encode()

    def set(self):
        return "set", self.numbers()

    def uid(self):
        return "UID", b"UID " + self.numbers()


def tree(lot, leaves, depth):
    """(how it is written, what it says: given the leaves' results)"""
    kind = lot.randrange(4) if depth > 0 else 3
    if kind == 0:
        inner = tree(lot, leaves, depth - 1)
        return ("not", inner)
    if kind in (1, 2):
        return ("or" if kind == 1 else "and", tree(lot, leaves, depth - 1), tree(lot, leaves, depth - 1))
    return ("leaf", leaves.one() if depth > 1 else leaves.cheap())


def written(t):
    if t[0] == "leaf":
        return t[1][1]
    if t[0] == "not":
        return b"NOT " + written(t[1])
    if t[0] == "or":
        return b"OR " + written(t[1]) + b" " + written(t[2])
    return b"(" + written(t[1]) + b" " + written(t[2]) + b")"


def leaves_of(t):
    return [t[1]] if t[0] == "leaf" else [leaf for x in t[1:] for leaf in leaves_of(x)]


def combined(t, results, every):
    """What the tree must find, given what its leaves found."""
    if t[0] == "leaf":
        return results[t[1]]
    if t[0] == "not":
        return every - combined(t[1], results, every)
    a, b = combined(t[1], results, every), combined(t[2], results, every)
    return a | b if t[0] == "or" else a & b
