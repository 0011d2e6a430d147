#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Our MIME parser against Dovecot's, over every message of the corpus.

usage: structure.py STRUCTURE_DUMP [-v] [WORD]

ENVELOPE, BODYSTRUCTURE, BODY, RFC822.SIZE, BODY[n] and BODY[n.MIME] of each
message must be what a private Dovecot says (its imap program, talked to over a
pipe: no network), or the difference must be of a kind accepted.txt names.
WORD: only messages with this in their names; -v: print every difference.
Environment: PENNYPOST_CORPUS, the directory with messages/ in it."""
import collections
import gzip
import os
import pathlib
import pwd
import shutil
import subprocess
import sys
import tempfile

IMAP = "/usr/lib/dovecot/imap"
HERE = pathlib.Path(__file__).resolve().parent
SKIP = 77


# --- the messages -----------------------------------------------------------

def crlf(data):
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def split_mbox(data):
    """The messages of an mbox: a line "From " behind an empty one begins each."""
    out, lines = [], data.split(b"\n")
    for i, line in enumerate(lines):
        if line.startswith(b"From ") and (i == 0 or lines[i - 1].strip(b"\r") == b""):
            out.append([])
        elif out:
            out[-1].append(line)
    return [b"\n".join(m) for m in out]


def messages(corpus, wanted):
    for path in sorted(p for p in corpus.rglob("*") if p.is_file()):
        name = path.relative_to(corpus).as_posix()
        data = path.read_bytes()
        if name.endswith(".gz"):
            data = gzip.decompress(data)
        many = split_mbox(data) if data.startswith(b"From ") else [data]
        for i, message in enumerate(many):
            label = f"{name}#{i}" if len(many) > 1 else name
            if wanted in label:
                yield label, crlf(message)


# --- ours -------------------------------------------------------------------

class Ours:
    def __init__(self, stream):
        self.parts = {}
        for line in iter(stream.readline, b"end\n"):
            if not line:
                raise OSError("structure_dump is gone")
            name, *rest = line.split()
            if name == b"part":
                self.parts[rest[0].decode()] = [int(n) for n in rest[1:]]
            else:
                setattr(self, name.decode(), stream.read(int(rest[0])))
                stream.read(1)


class Dump:
    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)

    def read(self, message):
        self.process.stdin.write(b"%d\n" % len(message) + message)
        self.process.stdin.flush()
        return Ours(self.process.stdout)


# --- Dovecot's --------------------------------------------------------------

CONFIG = """
base_dir = {dir}/run
state_dir = {dir}/state
log_path = {dir}/log
ssl = no
protocols = imap
mail_location = maildir:{dir}/mail
mail_max_userip_connections = 0
stats_writer_socket_path =
imap_hibernate_timeout = 0
"""


class Dovecot:
    """Its imap program in a directory of its own, not as root."""

    def __init__(self, directory, all_messages):
        mail = directory / "mail"
        for sub in ("cur", "new", "tmp"):
            (mail / sub).mkdir(parents=True)
        for i, (_, message) in enumerate(all_messages):
            (mail / "cur" / f"{1000000000 + i}.M{i}.test:2,").write_bytes(message)
        (directory / "run").mkdir()
        (directory / "state").mkdir()
        conf = directory / "dovecot.conf"
        conf.write_text(CONFIG.format(dir=directory))
        user = None
        if os.getuid() == 0:
            who = pwd.getpwnam("nobody")
            user = who.pw_uid
            for path in [directory, *directory.rglob("*")]:
                os.chown(path, who.pw_uid, who.pw_gid)
        self.process = subprocess.Popen(
            [IMAP, "-c", str(conf)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, user=user,
            group=who.pw_gid if user is not None else None,
            extra_groups=[] if user is not None else None, cwd=directory,
            env={"HOME": str(directory), "USER": "test", "PATH": "/usr/bin:/bin"})
        greeting = self.process.stdout.readline()
        if b"PREAUTH" not in greeting:
            raise OSError(f"dovecot says {greeting!r}")
        self.number = 0

    def command(self, text):
        """The untagged FETCH answers, as {item: value}."""
        self.number += 1
        tag = b"t%d" % self.number
        self.process.stdin.write(tag + b" " + text.encode() + b"\r\n")
        self.process.stdin.flush()
        items = {}
        while True:
            line = self.line()
            if line.startswith(tag + b" "):
                if not line.startswith(tag + b" OK"):
                    raise OSError(f"{text}: {line!r}")
                return items
            if b" FETCH (" in line:
                listed = parse(line[line.index(b"("):])[0]
                items.update(zip(listed[::2], listed[1::2]))

    def line(self):
        """One answer with the literals in it."""
        out = self.process.stdout.readline()
        if not out:
            raise OSError("dovecot is gone")
        while out.endswith(b"}\r\n"):
            count = int(out[out.rindex(b"{") + 1:-3])
            out += self.process.stdout.read(count)
            out += self.process.stdout.readline()
        return out


# --- IMAP's lists -----------------------------------------------------------

def parse(text):
    """Lists of lists of bytes; NIL is None, a literal as good as a string."""
    stack, i = [[]], 0
    while i < len(text):
        c = text[i:i + 1]
        if c == b"(":
            stack.append([])
            i += 1
        elif c == b")":
            done = stack.pop()
            stack[-1].append(done)
            i += 1
        elif c == b'"':
            i, out = i + 1, bytearray()
            while text[i:i + 1] != b'"':
                i += text[i:i + 1] == b"\\"
                out += text[i:i + 1]
                i += 1
            stack[-1].append(bytes(out))
            i += 1
        elif c == b"{" or text[i:i + 2] == b"~{":
            i += c == b"~"
            end = text.index(b"}", i)
            n = int(text[i + 1:end])
            stack[-1].append(text[end + 3:end + 3 + n])
            i = end + 3 + n
        elif c in b" \r\n":
            i += 1
        else:
            end = i
            while end < len(text) and text[end:end + 1] not in b" ()\r\n":
                if text[end:end + 1] == b"[":
                    end = text.index(b"]", end)
                end += 1
            word = text[i:end]
            stack[-1].append(None if word == b"NIL" else word)
            i = end
    return stack[0]


# --- the comparison ---------------------------------------------------------

def word(value):
    return (value or b"").lower()


def same_type(a, b):
    """Types, encodings and charsets are compared without case (RFC 2045 s5.1)."""
    def plain(params):
        if not isinstance(params, list):
            return params
        return [word(p) if i % 2 == 0 or word(params[i - 1]) == b"charset" else p
                for i, p in enumerate(params)]
    return word(a[0]) == word(b[0]) and word(a[1]) == word(b[1]) and \
        plain(a[2]) == plain(b[2]) and word(a[5]) == word(b[5])


def is_typeless(body):
    return not isinstance(body[0], list) and (not body[0] or not body[1])


def tail_kind(a, b):
    """Of two sizes, or texts: is theirs longer by just a line end?"""
    return "multipart-end" if b - a == 2 else "size"


def body_differences(a, b):
    """(kind, ours, theirs) of everything that differs in two BODY(STRUCTURE)s."""
    if isinstance(a[0], list) != isinstance(b[0], list):
        yield "part", a, b
        return
    if is_typeless(b):
        yield "invalid-type", a, b
        # lines are of text only: the rest must be equal
        if word(a[0]) != b"text" or a[3:7] != b[3:7] or \
                a[8:] != b[8 if b[0] else 7:]:
            yield "part", a, b
        return
    if isinstance(a[0], list):
        n = next(i for i, x in enumerate(a) if not isinstance(x, list))
        m = next(i for i, x in enumerate(b) if not isinstance(x, list))
        if n != m or word(a[n]) != word(b[m]) or a[n + 1:] != b[m + 1:]:
            yield "part", a, b
            return
        for x, y in zip(a[:n], b[:m]):
            yield from body_differences(x, y)
        return
    if word(a[1]) == b"global" and len(a) != len(b):
        yield "message-global", a, b
        return
    if not same_type(a, b) or a[3:5] != b[3:5]:
        yield "part", a, b
    if a[6] != b[6]:
        yield tail_kind(int(a[6]), int(b[6])), a, b
    if word(a[0]) == b"message" and len(a) > 9 and isinstance(a[7], list):
        yield from envelope_differences(a[7], b[7])
        yield from body_differences(a[8], b[8])
        if a[9] != b[9] and (a[6] == b[6] or int(b[9]) != int(a[9]) + 1):
            yield "part", a, b
        a, b = a[10:], b[10:]
    else:
        a, b = a[7:], b[7:]
    if a != b:
        yield "part", a, b


def envelope_differences(a, b):
    for x, y in zip(a, b):
        if x == y:
            continue
        empty = [None, None, b"MISSING_MAILBOX", b"MISSING_DOMAIN"]
        if isinstance(y, list) and x == ([z for z in y if z != empty] or None):
            yield "null-member", x, y
        else:
            yield "envelope", x, y


def compare(ours, dovecot, uid, message):
    """(kind, ours, theirs) of everything that differs."""
    sections = list(ours.parts)[:200]
    asked = "".join(f" BODY.PEEK[{s}] BODY.PEEK[{s}.MIME]" for s in sections)
    theirs = dovecot.command(
        f"UID FETCH {uid} (ENVELOPE BODYSTRUCTURE BODY RFC822.SIZE{asked})")
    yield from envelope_differences(parse(ours.envelope)[0], theirs[b"ENVELOPE"])
    found = set()
    for item, mine in ((b"BODY", ours.body),
                       (b"BODYSTRUCTURE", ours.bodystructure)):
        for kind, x, y in body_differences(parse(mine)[0], theirs[item]):
            found.add(kind)
            yield kind, x, y
    if int(theirs[b"RFC822.SIZE"]) != len(message):
        yield "rfc822-size", len(message), theirs[b"RFC822.SIZE"]
    for section in sections:
        _, header_at, header_len, body_at, body_len, *_ = ours.parts[section]
        for item, at, n in ((section, body_at, body_len),
                            (section + ".MIME", header_at, header_len)):
            got = theirs.get(f"BODY[{item}]".encode()) or b""
            # Dovecot shows NUL, which no string can have, so
            mine = message[at:at + n].replace(b"\0", b"\x80")
            if got == mine:
                continue
            if got == mine + b"\r\n" and "MIME" not in item:
                yield "multipart-end", mine[-100:], got[-100:]
            elif "message-global" in found:
                yield "message-global", mine[-100:], got[-100:]
            else:
                yield "section", mine[-300:], got[-300:]


def accepted():
    """The kinds of difference where ours is right: accepted.txt says why."""
    kinds = set()
    for line in (HERE / "accepted.txt").read_text().splitlines():
        if line and not line.startswith(("#", " ")):
            kinds.add(line.strip().rstrip(":"))
    return kinds


def main():
    arguments = sys.argv[1:]
    verbose = "-v" in arguments
    if verbose:
        arguments.remove("-v")
    wanted = arguments[1] if len(arguments) > 1 else ""
    corpus = pathlib.Path(os.environ.get("PENNYPOST_CORPUS", "")) / "messages"
    if "PENNYPOST_CORPUS" not in os.environ or not corpus.is_dir():
        print("skipped: PENNYPOST_CORPUS names no directory with messages/ in it")
        return SKIP
    if not os.access(IMAP, os.X_OK):
        print(f"skipped: there is no {IMAP}")
        return SKIP
    fine = accepted()
    every = list(messages(corpus, wanted))
    directory = pathlib.Path(tempfile.mkdtemp(prefix="structure-"))
    directory.chmod(0o755)
    counts, examples = collections.Counter(), {}
    dovecot = dump = None
    try:
        dump = Dump(arguments[0])
        dovecot = Dovecot(directory, every)
        dovecot.command("SELECT INBOX")
        for uid, (name, message) in enumerate(every, 1):
            for what, mine, theirs in compare(dump.read(message), dovecot, uid,
                                              message):
                counts[what] += 1
                examples.setdefault(what, name)
                if verbose and what not in fine:
                    print(f"{name}: {what}\n  ours   {mine!r:.400}\n"
                          f"  theirs {theirs!r:.400}")
    finally:
        for peer in (dovecot, dump):
            if peer is not None:
                peer.process.kill()
                peer.process.wait()
        shutil.rmtree(directory, ignore_errors=True)
    for what, n in counts.most_common():
        state = "accepted" if what in fine else "NOT ACCEPTED"
        print(f"{n:6} {what}: {state} (first in {examples[what]})")
    bad = sum(n for what, n in counts.items() if what not in fine)
    print(f"{len(every)} messages, {sum(counts.values())} differences, "
          f"{bad} of them not accepted")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
