# SPDX-License-Identifier: MIT
"""Mail as it is: through port 25 into a mailbox and out by POP3, over another
server too, and not an octet has changed.

The odd messages of samples.py always; with PENNYPOST_CORPUS, a directory, also
every message under its messages/ (files of mail, mboxes, Maildirs) and
attacks/mime-bombs/.  Line ends are made CRLF before, as whoever sends mail has
to.  What is refused is told, by reason."""
import collections
import gzip
import os
import pathlib
import re
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from pennypost import BIN, Server, without_trace  # noqa: E402
from remote import World, queue_is_empty, rss, rss_most  # noqa: E402
from samples import SAMPLES  # noqa: E402
from wire import fetch_all, send_all  # noqa: E402

ALICE = "alice@d.test"
FIELD = re.compile(rb"[!-9;-~]+[ \t]*:|>?From ")
MBOX_LINE = re.compile(rb"(?m)^From \S+.*\d\d:\d\d.*\n")
# What no server should take (RFC 5321 s4.5.2, RFC 5322 s2.1; docs/design.md s8)
RIGHTLY = {
    "554 5.6.0 Header is malformed": lambda m: is_ambiguous(header(m)),
    "554 5.6.0 Message has a NUL octet": lambda m: b"\0" in m,
    "554 5.4.6 Too many Received fields: a mail loop": lambda m: len(re.findall(rb"(?mi)^received:", m)) > 100,
    "554 5.6.0 Too many header fields": lambda m: header(m).count(b"\r\n") > 1000,
    "554 5.6.0 Header is too long": lambda m: len(header(m)) > 256 << 10,
}


def header(message):
    return message.split(b"\r\n\r\n")[0] + b"\r\n"


def is_ambiguous(block):
    """Fields that some readers see and others do not: names with octets that no
    name has, or "From :" beside "From:"."""
    loose = re.findall(rb"(?m)^([!-9;-~]+)[ \t]+:", block)
    return re.search(rb"(?m)^[^ \t\r:][^\r:]*[\0-\x08\x0b-\x1f\x7f-\xff][^\r:]*:", block) is not None \
        or any(len(re.findall(rb"(?mi)^" + re.escape(n) + rb"[ \t]*:", block)) > 1 for n in loose)


def crlf(data):
    data = re.sub(rb"\r\n|\r|\n", b"\r\n", data)
    return data if data.endswith(b"\r\n") else data + b"\r\n"


def members(data):
    """Of an mbox, without its From lines and their quoting."""
    starts = [m.start() for m in MBOX_LINE.finditer(data)
              if m.start() == 0 or data[:m.start()].endswith((b"\n\n", b"\r\n\r\n"))]
    for begin, end in zip(starts, starts[1:] + [len(data)]):
        yield re.sub(rb"(?m)^>(>*From )", rb"\1", MBOX_LINE.sub(b"", data[begin:end], count=1))


def is_mail(path, data):
    if data.startswith(b"\xd0\xcf\x11\xe0"):  # Outlook's .msg is no text at all
        return False
    return path.suffix in (".eml", ".msg", ".mbox", ".mime", ".gz") or path.parent.name in ("cur", "new") \
        or FIELD.match(data) is not None and path.suffix not in (".json", ".yml", ".md", ".xml", ".out")


def corpus(*below):
    root = os.environ.get("PENNYPOST_CORPUS")
    if not root:
        pytest.skip("PENNYPOST_CORPUS is not set: no collection of real mail")
    messages = {}
    for path in sorted(pathlib.Path(root, *below).rglob("*")):
        data = path.read_bytes() if path.is_file() else b""
        if not data or not is_mail(path, data):
            continue
        name = str(path.relative_to(root))
        if path.suffix == ".gz":
            data = gzip.decompress(data)
        parts = list(members(data)) if path.suffix == ".mbox" or MBOX_LINE.match(data) else []
        for n, text in enumerate(parts or [data]):
            messages[f"{name}#{n}" if len(parts) > 1 else name] = crlf(text)
    assert messages, f"no mail in {root}"
    return messages


def judge(messages, replies):
    """Names of what was accepted; fails when anything was refused that should
    not have been."""
    reasons = collections.defaultdict(list)
    for name, (code, text) in replies.items():
        if code != 250:
            reasons[f"{code} {text}"].append(name)
    for reason, names in sorted(reasons.items()):
        print(f"refused {len(names):4}: {reason}: {', '.join(names[:5])}")
    wrongly = {reason: [n for n in names if not RIGHTLY.get(reason, lambda m: False)(messages[n])]
               for reason, names in reasons.items()}
    assert not {r: (len(n), n[:20]) for r, n in wrongly.items() if n}
    print(f"accepted {sum(c == 250 for c, _ in replies.values())} of {len(messages)}")
    return {name: text.split()[-1] for name, (code, text) in replies.items() if code == 250}


def compare(messages, accepted, fetched, hops):
    """Each is there once, as it was.  The id in our Received field tells which."""
    names = {id: name for name, id in accepted.items()}
    seen = collections.Counter()
    for whole in fetched:
        inner = without_trace(whole, hops=hops)
        trace = whole[:len(whole) - len(inner)]
        id = re.findall(rb"\sid (\w+)", trace)[-1].decode()  # the first server's
        assert inner == messages[names[id]], names[id]
        seen[id] += 1
    assert seen == collections.Counter(names.keys())


def through_one(server, messages):
    server.fetch(ALICE, delete=True)  # what a test that failed left
    accepted = judge(messages, send_all(server.host, server.ports["smtp"], ALICE, messages))
    compare(messages, accepted, fetch_all(server, ALICE), hops=1)
    return accepted


def through_two(messages):
    """Bob's server has an alias for Alice, so all of it is relayed."""
    with World() as world:
        world.bob.ctl("alias", "add", "on@bob.test", world.ALICE)
        accepted = judge(messages, send_all(world.bob.host, world.port, "on@bob.test", messages))
        queue_is_empty(world.bob, 300)
        compare(messages, accepted, fetch_all(world.alice, world.ALICE), hops=2)
        for user in world.bob.users:
            assert world.bob.fetch(user) == []  # no reports


@pytest.fixture(scope="module")
def server():
    with Server() as s:
        yield s


def test_samples(server):
    assert len(through_one(server, SAMPLES)) == len(SAMPLES)


def test_samples_over_two_servers():
    through_two(SAMPLES)


def test_what_is_refused(server):
    """The limits of what comes back: each refused with one reply, and the
    session goes on."""
    end = b"Subject: x\r\n\r\nx\r\n"
    bad = {
        "554 5.6.0 Message has a NUL octet": b"Subject: x\r\n\r\na\0b\r\n",
        "554 5.4.6 Too many Received fields: a mail loop": b"Received: from a by b; now\r\n" * 101 + end,
        "554 5.6.0 Too many header fields": b"X: y\r\n" * 1001 + end,
        "554 5.6.0 Header is too long": b"X: " + b"y" * (257 << 10) + b"\r\n" + end,
        "554 5.6.0 Header is malformed": b"From : <a@d.test>\r\nFrom: <b@d.test>\r\n" + end,
        "550 5.6.11 Message has a bare CR or LF": b"Subject: x\r\n\r\na\nb\r\n",
    }
    replies = send_all(server.host, server.ports["smtp"], ALICE, {**bad, "good": end}, connections=1)
    assert replies.pop("good")[0] == 250
    assert {f"{code} {text}" for code, text in replies.values()} == set(bad)
    assert [without_trace(m) for m in fetch_all(server, ALICE)] == [end]


def test_corpus(server):
    through_one(server, corpus("messages"))


def test_corpus_over_two_servers():
    through_two(corpus("messages"))


def is_sanitized():
    return b"__asan_init" in (BIN / "smtpd").read_bytes()


def test_mime_bombs():
    """Whatever is in them, they are octets to us: the most memory ever used is
    far below their size."""
    bombs = corpus("attacks", "mime-bombs")
    with Server() as server:
        through_one(server, {"first": SAMPLES["everyday"]})
        pids = server.pids()
        before = {name: rss(pid) for name, pid in pids.items()}
        for _ in range(3):
            through_one(server, bombs)
        assert server.pids() == pids
        grown = {name: rss_most(pid) - before[name] for name, pid in pids.items()}
        print("grown by", {name: f"{n >> 10} KiB" for name, n in grown.items()})
    if is_sanitized():
        pytest.skip("all came through; memory is judged in a release build only")
    assert all(n < 32 << 20 for n in grown.values()), grown
