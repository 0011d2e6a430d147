#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""FETCH, SEARCH, SORT and THREAD of our whole server beside Dovecot's.

usage: search.py BIN [--own] [-v] [--searches N] [--seed N]

BIN: the directory with mailctl and the daemons.  The messages are those of
PENNYPOST_CORPUS/messages, or with --own a few of own_messages.py.  Each answer
must be equal, or differ in a kind that accepted.txt or accepted_search.txt
names; -v prints every one that is not of such a kind."""
import argparse
import bisect
import collections
import os
import pathlib
import random
import re
import sys
import tempfile
import unicodedata

sys.dont_write_bytecode = True
import own_messages
import search_keys
import structure
from both import Refused, both, load

HERE = pathlib.Path(__file__).resolve().parent
SORTS = "ARRIVAL CC DATE FROM SIZE SUBJECT TO DISPLAYFROM DISPLAYTO".split()
KNOWN_ENCODING = re.compile(rb"(?im)^content-transfer-encoding[ \t]*:\s*"
                            rb"(?!(?:7bit|8bit|binary|base64|quoted-printable)\s*(?:$|;|\())")
DATE = re.compile(rb"(?ix)\s* (?:[a-z]{3},)? \s* \d{1,2} \s+ [a-z]{3} \s+ (\d{2,4}) \s+"
                  rb"(?:[01]?\d|2[0-3]) \s*:\s* \d\d (?:\s*:\s*\d\d)? \s* (?:[+-]\d{4}|[a-z]{1,5}) \s* (?:\(|$)")
WINDOW = 300  # messages beside the chosen one that a search of text looks at


class Tally:
    def __init__(self, verbose):
        self.verbose, self.compared, self.counts, self.examples = verbose, collections.Counter(), \
            collections.Counter(), {}
        self.fine = set()
        for name in ("accepted.txt", "accepted_search.txt"):
            for line in (HERE / name).read_text().splitlines():
                if line and not line.startswith(("#", " ")):
                    self.fine.add(line.strip().rstrip(":"))

    def differ(self, kind, where, ours, theirs):
        self.counts[kind] += 1
        self.examples.setdefault(kind, where)
        if self.verbose and kind not in self.fine:
            print(f"{where}: {kind}\n  ours   {ours!r:.400}\n  theirs {theirs!r:.400}", flush=True)

    def report(self):
        for what, n in self.counts.most_common():
            state = "accepted" if what in self.fine else "NOT ACCEPTED"
            print(f"{n:6} {what}: {state} (first: {self.examples[what]})")
        bad = sum(n for what, n in self.counts.items() if what not in self.fine)
        print(", ".join(f"{n} {what}" for what, n in self.compared.items()), "compared;",
              sum(self.counts.values()), "differences,", bad, "of them not accepted")
        return 1 if bad else 0


# --- what is odd about a message ---------------------------------------------

def fold(text):
    return unicodedata.normalize("NFKD", text).casefold()


class Facts:
    """The reasons for which Dovecot may say something else of a message."""

    def __init__(self, octets):
        header = octets.split(b"\r\n\r\n")[0]
        lines = re.split(rb"\r\n(?![ \t])", header)
        names = collections.Counter(re.match(rb"[^: \t]*", line)[0].lower() for line in lines if b":" in line)
        values = {n: [line.split(b":", 1)[1] for line in lines if line.lower().startswith(n + b":")]
                  for n in (b"subject", b"from", b"to", b"cc", b"bcc", b"date")}
        self.values = {n: [search_keys.decoded(v.decode("utf-8", "replace")) for v in vs] for n, vs in values.items()}
        self.type_twice = names[b"content-type"] > 1
        self.subject, self.address, self.date = set(), set(), set()
        for n, kinds in ((b"subject", [self.subject]), (b"date", [self.date]),
                         (b"from", [self.address]), (b"to", [self.address]), (b"cc", [self.address])):
            if names[n] > 1:
                kinds[0].add("field-twice")
        for value in values[b"subject"]:
            self.text_oddities(value, self.subject)
            if b"\r\n\t" in value:
                self.subject.add("folded-tab")
            if b"=C2=A0" in value:
                self.subject.add("no-break-space")
        for value in values[b"from"] + values[b"to"] + values[b"cc"]:
            self.text_oddities(value, self.address)
            if re.search(rb'(?:^|,)\s*"[ \t]|[ \t]"\s*<', value):
                self.address.add("outer-space")
            if re.match(rb"\s*,", value) or re.search(rb",\s*,", value):
                self.address.add("null-member")
        for value in values[b"date"]:
            good = DATE.match(value)
            if not good:
                self.date.add("bad-time")
            elif not 1970 <= int(good[1]) < 2100 and len(good[1]) == 4:
                self.date.add("far-date")
        if not values[b"date"]:
            self.date.add("no-date")
        self.unknown_encoding = KNOWN_ENCODING.search(octets) is not None
        self.odd_type = re.search(rb"(?im)^content-type[ \t]*:(?!\s*[\w.+-]+/[\w.+-]+\s*(?:;|\(|$))", octets) is not None
        self.bare_cr = re.search(rb"\r(?!\n)", octets) is not None
        self.octets_over_127 = any(c >= 0x80 for c in octets)
        self.html = re.search(rb"(?i)text/html", octets) is not None

    @staticmethod
    def text_oddities(value, out):
        if b"=??" in value:
            out.add("empty-charset")
        if re.search(rb"=\?[^?]*\*", value):
            out.add("language-tag")
        if re.search(rb"=\?[^?]*\?[QqBb]\?\?=", value):
            out.add("empty-word")
        if re.search(rb"(?i)=\?iso-2022-jp\?[^?]*\?[^?]*\?=\s+=\?iso-2022-jp", value):
            out.add("split-character")
        if any(c >= 0x80 for c in value):
            out.add("raw-8bit")


# --- FETCH -------------------------------------------------------------------

ITEMS = ("ENVELOPE BODYSTRUCTURE BODY RFC822.SIZE INTERNALDATE FLAGS UID BODY.PEEK[HEADER]"
         " BODY.PEEK[TEXT]<100.50> BODY.PEEK[]<7.300> RFC822.HEADER"
         " BODY.PEEK[HEADER.FIELDS (FROM Subject RECEIVED X-None)]"
         " BODY.PEEK[HEADER.FIELDS.NOT (FROM Subject RECEIVED)]")
SECTIONS_MAX = 60  # of a message


def sections(body, number=""):
    """The numbers of the parts in a BODY, each with what can be asked of it."""
    if not isinstance(body[0], list):
        number = number or "1"
        yield number
        yield number + ".MIME"
        if (body[0] or b"").lower() == b"message" and len(body) > 9 and isinstance(body[7], list):
            yield number + ".HEADER"
            yield number + ".TEXT"
            yield from inner(body[8], number)
        return
    if number:
        yield number
        yield number + ".MIME"
    yield from inner(body, number)


def inner(body, number):
    dot = number + "." if number else ""
    if not isinstance(body[0], list):
        yield dot + "1"
        return
    for i, part in enumerate((x for x in body if isinstance(x, list)), 1):
        yield from sections(part, f"{dot}{i}")


def items(peer, i):
    """What a server says of a message: the items, then its parts."""
    said = peer.fetch(f"FETCH {i} ({ITEMS})".encode())[i]
    asked = list(sections(said[b"BODY"]))[:SECTIONS_MAX]
    said.update(peer.fetch(("FETCH %d (%s)" % (i, " ".join(f"BODY.PEEK[{s}]" for s in asked))).encode())[i])
    return said


def compare_item(item, mine, theirs):
    """(kind, ours, theirs)"""
    if item == b"ENVELOPE":
        yield from structure.envelope_differences(mine, theirs)
    elif item in (b"BODY", b"BODYSTRUCTURE"):
        yield from structure.body_differences(mine, theirs)
    elif item == b"FLAGS":
        if {f.lower() for f in mine} - {b"\\recent"} != {f.lower() for f in theirs} - {b"\\recent"}:
            yield "flags", mine, theirs
    elif item == b"INTERNALDATE":
        if mine.strip().zfill(len(theirs)) != theirs:  # both are date-day-fixed (RFC 9051 s9)
            yield "internaldate", mine, theirs
    elif (mine or b"") != (theirs or b""):
        kind = "section"
        more = theirs[len(mine or b""):] if (theirs or b"").startswith(mine or b"") else None
        if b"HEADER" in item and more in (b"\r\n", b"\r\n\r\n"):
            kind = "no-blank-line"
        elif item.startswith(b"BODY[") and more == b"\r\n":
            kind = "multipart-end"
        yield kind, mine, theirs


def compare_fetch(ours, dovecot, kept, tally):
    for i, (name, _) in enumerate(kept, 1):
        answers = [items(p, i) for p in (ours, dovecot)]
        found = set()
        for item, mine in answers[0].items():
            tally.compared["items of messages"] += 1
            if item not in answers[1]:
                tally.differ("message-global" if "message-global" in found else "asked", name, item, None)
                continue
            theirs = answers[1][item]
            for kind, a, b in compare_item(item, mine, theirs):
                if kind == "section" and "message-global" in found:
                    kind = "message-global"
                found.add(kind)
                tally.differ(kind, f"{name} {item.decode()}", a, b)
        compare_binary(ours, dovecot, i, name, answers[0][b"BODY"], tally)


def first_leaf(body, number=""):
    """The number of the first part that has no others in it."""
    if isinstance(body[0], list):
        return first_leaf(body[0], number + ".1" if number else "1")
    return number or "1"


BINARY_REFUSED = {"[PARSE": "undecodable", "[UNKNOWN-CTE": "invalid-encoding"}


def compare_binary(ours, dovecot, i, name, body, tally):
    said, part = [], first_leaf(body).encode()
    for peer in (ours, dovecot):
        try:
            said.append(peer.fetch(b"FETCH %d (BINARY.SIZE[%s] BINARY.PEEK[%s])" % (i, part, part)).get(i, {}))
        except Refused as e:
            said.append(re.search(r"\[[^]]*|$", str(e))[0])
        except OSError:
            tally.differ("dovecot-died", f"{name} BINARY", said, None)
            dovecot.begin()
            return
    tally.compared["decoded parts"] += 1
    mine, theirs = ({k: v or b"" for k, v in x.items()} if isinstance(x, dict) else x for x in said)
    if mine != theirs:
        kind = BINARY_REFUSED.get(theirs, "binary") if isinstance(theirs, str) else "binary"
        if kind != "binary" and not isinstance(mine, dict):
            kind = "binary"
        elif isinstance(theirs, dict) and theirs.get(b"BINARY.SIZE[%s]" % part) == b"0" and theirs.items() & mine.items():
            kind = "binary-size"
        elif isinstance(mine, dict) and isinstance(theirs, dict) and \
                all(theirs.get(k, b"") in (v + b"\r\n", str(len(mine[b"BINARY[%s]" % part]) + 2).encode())
                    for k, v in mine.items()):
            kind = "multipart-end"
        tally.differ(kind, f"{name} BINARY[{part.decode()}]", mine, theirs)


# --- SEARCH ------------------------------------------------------------------

def needle_of(text):
    octets = text.split(b"\r\n", 1)[1] if b"+}\r\n" in text else re.search(rb'"([^"]*)"$', text)[1]
    return fold(octets.decode("utf-8", "replace"))


def text_kind(text, mail, facts, ours_has):
    needle = needle_of(text)
    if facts.type_twice:
        return "type-twice"
    if ours_has:
        if facts.unknown_encoding:
            return "unknown-encoding"
        if facts.odd_type:
            return "invalid-type"
        if facts.octets_over_127:
            return "8bit-text"
        if facts.bare_cr:
            return "bare-cr"
        return "text"
    if facts.html and any(needle in fold(t) for t in mail.texts):
        return "html-tags"
    return "text"


def leaf_kind(key, text, mail, facts, ours_has):
    """Why only one of the two has found a message."""
    if key in ("BODY", "TEXT"):
        return text_kind(text, mail, facts, ours_has)
    if key.startswith("SENT"):
        return next(iter(sorted(facts.date)), "sent")
    if key in ("FROM", "TO", "CC", "BCC"):
        plain = any(needle_of(text) in fold(v) for v in facts.values[key.lower().encode()])
        if plain == ours_has:
            return "address-form"
        return next(iter(sorted(facts.address)), "address")
    if key == "HEADER" and ours_has and any("\t" in v for _, v in mail.fields):
        return "tab-in-field"
    if key in ("SUBJECT", "HEADER"):
        return next(iter(sorted(facts.subject & {"empty-charset", "raw-8bit", "language-tag", "empty-word",
                                                    "split-character"})),
                    "header")
    return "search-" + key.lower()


class Searches:
    def __init__(self, ours, dovecot, kept, tally, lot):
        self.peers, self.kept, self.tally, self.lot = (ours, dovecot), kept, tally, lot
        self.mails = [search_keys.Mail(m) for _, m in kept]
        self.facts = [Facts(m) for _, m in kept]
        self.leaves = search_keys.Leaves(lot, self.mails)

    def find(self, text, within, uid=b""):
        self.tally.compared["searches"] += 1
        found = []
        for peer in self.peers:
            try:
                found.append(set(peer.numbers(uid + b"SEARCH CHARSET UTF-8 " + within + text)))
            except Refused as e:
                found.append(str(e).split()[0])
        return found

    def window(self):
        middle = self.lot.randrange(len(self.kept)) + 1
        return b"%d:%d " % (max(1, middle - WINDOW), min(len(self.kept), middle + WINDOW))

    def leaf(self):
        key, text = self.leaves.one()
        within = self.window() if key in ("BODY", "TEXT") else b""
        self.judge(key, text, *self.find(text, within, self.lot.choice([b"", b"UID "])))

    def judge(self, key, text, mine, theirs):
        if mine == theirs:
            return
        if not isinstance(mine, set) or not isinstance(theirs, set):
            self.tally.differ("refused", f"{text!r:.80}", mine, theirs)
            return
        for n in mine ^ theirs:
            kind = leaf_kind(key, text, self.mails[n - 1], self.facts[n - 1], n in mine)
            self.tally.differ(kind, f"{text!r:.80} in {self.kept[n - 1][0]}", n in mine, n in theirs)

    def tree(self):
        """If a tree differs, so must its leaves; each peer's answer must be
        what its own leaves come to."""
        t = search_keys.tree(self.lot, self.leaves, 4)
        within = self.window()
        found = self.find(search_keys.written(t), within)
        if found[0] == found[1]:
            return
        results = {leaf: self.find(leaf[1], within) for leaf in search_keys.leaves_of(t)}
        every = self.find(b"ALL", within)
        for which, name in enumerate(("ours", "theirs")):
            right = search_keys.combined(t, {k: v[which] for k, v in results.items()}, every[which])
            if right != found[which]:
                self.tally.differ("tree-" + name, f"{search_keys.written(t)!r}", found, right)
        for (key, text), answers in results.items():
            self.judge(key, text, *answers)


# --- SORT and THREAD ---------------------------------------------------------

def moved(a, b):
    """What is not in the longest sequence that both have in this order."""
    place = {x: i for i, x in enumerate(b)}
    ends, at, before = [], [], []
    for i, x in enumerate(a):
        k = bisect.bisect_left(ends, place[x])
        ends[k:k + 1] = [place[x]]
        at[k:k + 1] = [i]
        before.append(at[k - 1] if k else -1)
    kept, i = set(), at[-1] if at else -1
    while i != -1:
        kept.add(a[i])
        i = before[i]
    return [x for x in a if x not in kept]


def sort_oddities(facts, keys):
    odd = set(facts.date - {"no-date"} if "DATE" in keys else ())
    odd |= facts.subject if "SUBJECT" in keys else set()
    return odd | (facts.address if re.search("FROM|TO|CC", keys) else set())


def compare_sort(s, keys, within):
    text = b"SORT (%s) UTF-8 %s" % (keys.encode(), within)
    a, b = (p.numbers(text) for p in s.peers)
    s.tally.compared["sorts"] += 1
    if sorted(a) != sorted(b):
        s.tally.differ("sort-set", keys, len(a), len(b))
        return
    places = [{x: i for i, x in enumerate(order)} for order in (a, b)]
    for n in moved(a, b):
        odd = sort_oddities(s.facts[n - 1], keys)
        if not odd:  # or is it those that it has changed places with?
            passed = [sort_oddities(s.facts[x - 1], keys) for x in a
                      if (places[0][x] < places[0][n]) != (places[1][x] < places[1][n])]
            odd = set().union(*passed) 
        s.tally.differ(min(odd, default="sort"), f"{keys}: {s.kept[n - 1][0]}", a.index(n), b.index(n))


def flat(t):
    return [y for x in t for y in (flat(x) if isinstance(x, list) else [int(x)])]


def compare_threads(s, how, within, label):
    a, b = (p.threads(b"THREAD %s UTF-8 %s" % (how, within)) for p in s.peers)
    s.tally.compared["threads"] += len(a)
    if sorted(flat(a)) != sorted(flat(b)):
        s.tally.differ("thread-set", label, len(a), len(b))
        return
    theirs = {x: repr(t) for t in b for x in flat([t])}
    wrong = [t for t in a if repr(t) != theirs[flat([t])[0]]]
    if not wrong and a != b:  # whole threads in another order
        order = [flat([t])[0] for t in a], [flat([t])[0] for t in b]
        wrong = [t for t in a if flat([t])[0] in moved(*order)]
    for t in wrong:
        near = set(flat([t])) | {y for u in b if set(flat([u])) & set(flat([t])) for y in flat([u])}
        odd = set().union(*(s.facts[n - 1].subject | (s.facts[n - 1].date - {"no-date"}) for n in near))
        s.tally.differ(min(odd, default="thread"), f"{how.decode()} {label}: {s.kept[flat([t])[0] - 1][0]}",
                       t, theirs[flat([t])[0]])


def compare_orders(s, lot):
    for key in SORTS:
        compare_sort(s, key, b"ALL")
        compare_sort(s, "REVERSE " + key, b"ALL")
    for _ in range(40):
        keys = lot.sample(SORTS, lot.randint(2, 4))
        compare_sort(s, " ".join(lot.choice(["", "REVERSE "]) + k for k in keys), s.window() + b"UNDELETED")
    folders = {}
    for n, (name, _) in enumerate(s.kept, 1):
        folders.setdefault(name.split("/")[0], []).append(n)
    folders["all"] = [1, len(s.kept)]
    for how in (b"ORDEREDSUBJECT", b"REFERENCES"):
        for label, ids in folders.items():
            compare_threads(s, how, b"%d:%d" % (ids[0], ids[-1]), label)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bin")
    parser.add_argument("--own", action="store_true")
    parser.add_argument("-v", action="store_true")
    parser.add_argument("--searches", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    args = parser.parse_args()
    corpus = pathlib.Path(os.environ.get("PENNYPOST_CORPUS", "")) / "messages"
    if not os.access(structure.IMAP, os.X_OK):
        print(f"skipped: there is no {structure.IMAP}")
        return structure.SKIP
    if not args.own and ("PENNYPOST_CORPUS" not in os.environ or not corpus.is_dir()):
        print("skipped: PENNYPOST_CORPUS names no directory with messages/ in it")
        return structure.SKIP
    every = own_messages.messages() if args.own else structure.messages(corpus, "")
    # an APPEND has no NUL in it, and calls off what is empty
    every = [(name, m.replace(b"\0", b"\x80")) for name, m in every if m]
    print(f"seed {args.seed}, {len(every)} messages", flush=True)
    tally, lot = Tally(args.v), random.Random(args.seed)
    with both(args.bin, pathlib.Path(tempfile.mkdtemp(prefix="search-"))) as (ours, dovecot):
        kept, refused = load(ours, dovecot, every)
        for name, why in refused:
            tally.differ("append-refused", name, why, "taken")
        s = Searches(ours, dovecot, kept, tally, lot)
        compare_orders(s, lot)
        for _ in range(args.searches):
            s.leaf()
        for _ in range(args.searches // 4):
            s.tree()
        compare_fetch(ours, dovecot, kept, tally)
    return tally.report()


if __name__ == "__main__":
    sys.exit(main())
