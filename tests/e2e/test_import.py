# SPDX-License-Identifier: MIT
"""mailctl import and export: mbox, Maildir and .eml trees, round trips of ugly
sources, killed and resumed imports, with the daemons running; mailctl mailbox
and user imap."""
import base64
import os
import pathlib
import random
import re
import signal
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from pennypost import BIN, Server, wait_for  # noqa: E402

BOB = "bob@d.test"
DATE = "Thu Jan  1 00:00:07 2015"
INTERNAL = b'" 1-Jan-2015 00:00:07 +0000"'


@pytest.fixture
def server():
    with Server(settings={"limits.message_size": "40M"}) as running:
        yield running


def wire(name):
    """A mailbox's name as imaplib wants it: quoted, modified UTF-7 (RFC 3501 s5.1.3)."""
    def part(m):
        if m[0].isascii():
            return m[0].replace("&", "&-")
        return "&" + base64.b64encode(m[0].encode("utf-16-be")).decode().rstrip("=").replace("/", ",") + "-"
    return '"' + re.sub(r'(["\\])', r"\\\1", re.sub(r"[ -~]+|[^ -~]+", part, name)) + '"'


def mailboxes(server, user=BOB):
    found = server.ctl("mailbox", "list", user, "--json")["mailboxes"]
    return {m["name"]: m for m in found if m["mailbox"]}


def content(server, user=BOB, empty=False):
    """{mailbox: [(flags, date, octets)]}: all a client sees."""
    out = {}
    with server.imap(user) as client:
        for name, box in mailboxes(server, user).items():
            if not box["messages"] and not empty:
                continue
            assert client.select(wire(name), readonly=True)[0] == "OK", name
            messages = []
            if box["messages"]:
                got = client.fetch("1:*", "(FLAGS INTERNALDATE BODY.PEEK[])")[1]
                for i in range(0, len(got), 2):
                    head, octets = got[i]
                    text = head + got[i + 1]
                    flags = re.search(rb"FLAGS \(([^)]*)\)", text)[1].split()
                    date = re.search(rb'INTERNALDATE ("[^"]*")', text)[1]
                    messages.append((sorted(f for f in flags if f != b"\\Recent"), date, octets))
            out[name] = messages
    return out


def run_import(server, *args, code=0):
    got = subprocess.run([str(BIN / "mailctl"), "-c", str(server.dir / "pennypost.conf"), "import",
                          *map(str, args)], capture_output=True, text=True, timeout=600)
    assert got.returncode == code, got.stdout + got.stderr
    return got


def message(n, body=b"hi\n"):
    return b"From: a@b\nSubject: %d\nMessage-ID: <%d@x>\n\n%s" % (n, n, body)


def crlf(text):
    return re.sub(rb"\r?\n", b"\r\n", text)


def mbox(*messages, date=DATE):
    return b"".join(b"From a@b " + date.encode() + b"\n" + m + b"\n" for m in messages)


# ---- mbox

def test_mbox_with_flags_of_every_program(server, tmp_path):
    tree = tmp_path / "Mail"
    (tree / "Work.sbd" / "Old.sbd").mkdir(parents=True)
    (tree / "Inbox").write_bytes(
        mbox(b"Status: RO\nX-Status: AFDT\nX-Keywords: $label1 NonJunk\n" + message(1),
             b"X-Mozilla-Status: 1005\nX-Mozilla-Status2: 04000000\nX-Mozilla-Keys: todo " + b" " * 40 + b"\n" + message(2),
             b"X-Mozilla-Status: 0009\n" + message(3),
             message(4)))
    (tree / "Inbox.msf").write_bytes(b"// not mail\n")
    (tree / "Work").write_bytes(b"")
    (tree / "Work.msf").write_bytes(b"")
    (tree / "Work.sbd" / "Plans").write_bytes(mbox(message(5)).replace(b"\n", b"\r\n"))
    (tree / "Work.sbd" / "Old.sbd" / "Ärger %2e".encode().decode()).write_bytes(mbox(message(6)))
    (tree / "Work.sbd" / os.fsdecode(b"Caf\xe9")).write_bytes(mbox(message(7)))  # ISO 8859-1
    (tree / "Sent Items").write_bytes(mbox(message(8)))
    (tree / "filters.dat").write_bytes(b"version 9\n")
    server.ctl("mailbox", "delete", BOB, "Sent", "--yes")
    run_import(server, BOB, tree)
    got = content(server, empty=True)
    inbox = got["INBOX"]
    assert [m[0] for m in inbox] == [
        [b"$label1", b"NonJunk", b"\\Answered", b"\\Deleted", b"\\Draft", b"\\Flagged", b"\\Seen"],
        [b"$Forwarded", b"$Label2", b"\\Flagged", b"\\Seen", b"todo"], []]
    assert [m[1] for m in inbox] == [INTERNAL] * 3
    assert inbox[2][2] == crlf(message(4))
    assert got["Work"] == [] and got["Work/Plans"][0][2] == crlf(message(5))
    assert got["Work/Old/Ärger ."][0][2] == crlf(message(6))
    assert got["Work/Café"][0][2] == crlf(message(7))
    boxes = mailboxes(server)
    assert boxes["Sent Items"]["uses"] == ["sent"] and boxes["Work/Plans"]["uses"] == []
    assert all(boxes[name]["subscribed"] for name in ("Work", "Work/Plans", "Sent Items"))
    assert "filters.dat" not in boxes and "Inbox.msf" not in boxes


def test_mbox_quirks(server, tmp_path):
    body = b"text\n>From quoted\n>>From twice\n\nFrom now on this is text\nlast"
    file = tmp_path / "box"
    file.write_bytes(mbox(message(1, body)) + b"From x " + DATE.encode() + b"\nContent-Length: 45\nSubject: cl2\n\n"
                     b"From a Thu Jan  1 00:00:00 2015\n>From stays\n\n\n" + mbox(message(2, b"no end")).rstrip(b"\n"))
    run_import(server, BOB, file, "--mailbox", "There/it is")
    got = [m[2] for m in content(server)["There/it is"]]
    assert got[0] == crlf(message(1, b"text\nFrom quoted\n>From twice\n\nFrom now on this is text\nlast\n"))
    assert got[1] == crlf(b"Content-Length: 45\nSubject: cl2\n\nFrom a Thu Jan  1 00:00:00 2015\n>From stays\n\n")
    assert got[2] == crlf(message(2, b"no end"))


def test_what_cannot_be_stored_is_told(server, tmp_path):
    file = tmp_path / "box"
    bad = message(2, b"a\0b\n")
    file.write_bytes(mbox(message(1), bad, message(3, b"x" * (41 << 20) + b"\n"), message(4)))
    got = run_import(server, BOB, file, code=1)
    at = len(mbox(message(1)))
    assert f"the message at octet {at}: has a NUL" in got.stderr
    assert f"the message at octet {at + len(mbox(bad))}: is larger" in got.stderr
    assert [m[2] for m in content(server)["box"]] == [crlf(message(1)), crlf(message(4))]
    notmail = tmp_path / "notmail.txt"
    notmail.write_bytes(b"nothing\n")
    assert "no mbox" in run_import(server, BOB, notmail, code=1).stderr
    assert "no account" in run_import(server, "nobody@d.test", file, code=1).stderr
    run_import(server, BOB, tmp_path / "none", code=1)
    run_import(server, BOB, code=2)
    run_import(server, BOB, file, "--format", "pst", code=2)


def test_again_only_what_is_new(server, tmp_path):
    file = tmp_path / "box"
    file.write_bytes(mbox(message(1), message(2)))
    run_import(server, BOB, file, "--dry-run")
    assert "box" not in mailboxes(server)
    run_import(server, BOB, file)
    run_import(server, BOB, file)
    with file.open("ab") as f:
        f.write(mbox(message(3)))
    run_import(server, BOB, file)
    assert [m[2] for m in content(server)["box"]] == [crlf(message(n)) for n in (1, 2, 3)]
    changed = file.read_bytes().replace(b"Subject: 1", b"Subject: 9")
    file.write_bytes(changed)
    assert "has changed" in run_import(server, BOB, file, code=1).stderr
    run_import(server, BOB, file, "--again")
    assert mailboxes(server)["box"]["messages"] == 6


def test_maildir_again(server, tmp_path):
    box = tmp_path / "Maildir"
    for part in ("cur", "new", "tmp", ".Sub.Deep/cur", ".Sub.Deep/new", ".B&APw-cher/cur", ".B&APw-cher/new"):
        (box / part).mkdir(parents=True)
    (box / "dovecot-keywords").write_bytes(b"0 $label1\n25 last\n")
    names = ["1420070407.M1.host:2,DFPRSTaz", "1420070408.M1.host:2,", "1420070409.M1.host"]
    for n, name in enumerate(names):
        path = box / ("new" if n == 2 else "cur") / name
        path.write_bytes(message(n))
        os.utime(path, ns=(1420070407 * 10**9,) * 2)
    (box / ".Sub.Deep/new/1.x").write_bytes(message(7))
    run_import(server, BOB, box)
    got = content(server, empty=True)
    assert [m[0] for m in got["INBOX"]] == [
        [b"$Forwarded", b"$label1", b"\\Answered", b"\\Deleted", b"\\Draft", b"\\Flagged", b"\\Seen", b"last"], [], []]
    assert [m[2] for m in got["INBOX"]] == [crlf(message(n)) for n in range(3)]
    assert [m[1] for m in got["INBOX"]] == [INTERNAL] * 3
    assert got["Sub/Deep"][0][2] == crlf(message(7)) and got["Bücher"] == []
    # what was read, moves to cur, and what is new comes in between
    (box / "new" / names[2]).rename(box / "cur" / (names[2] + ":2,S"))
    (box / "new" / "1420070000.M1.host").write_bytes(message(9))
    out = run_import(server, BOB, box, "--json").stdout
    assert '"messages": 1,' in out and '"already": 4,' in out
    assert content(server)["INBOX"][3][2] == crlf(message(9))


def test_maildirs_in_folders(server, tmp_path):
    for name in ("Work", "Work/Pläne", "Empty"):
        for part in ("cur", "new", "tmp"):
            (tmp_path / "fs" / name / part).mkdir(parents=True)
    (tmp_path / "fs/Work/Pläne/new/1.x").write_bytes(message(1))
    run_import(server, BOB, tmp_path / "fs", "--mailbox", "Old")
    got = content(server, empty=True)
    assert got["Old/Work"] == got["Old/Empty"] == []
    assert got["Old/Work/Pläne"][0][2] == crlf(message(1))


def test_eml(server, tmp_path):
    (tmp_path / "m" / "A" / "B").mkdir(parents=True)
    (tmp_path / "m" / "A" / "B" / "1.eml").write_bytes(
        b"Delivery-date: Thu, 01 Jan 2015 01:00:07 +0100\n" + message(1))
    (tmp_path / "m" / "A" / "2.EML").write_bytes(
        b"Received: from x; Thu, 1 Jan 2015 00:00:07 +0000\n" + message(2))
    (tmp_path / "single.eml").write_bytes(b"Date: Thu, 1 Jan 2015 00:00:07 +0000\n" + message(3))
    run_import(server, BOB, tmp_path / "m", tmp_path / "single.eml")
    got = content(server)
    assert sorted(got) == ["A", "A/B", "single"]
    assert {m[0][1] for m in got.values()} == {INTERNAL}


# ---- there and back

NAMES = ["INBOX", "INBOX/under", "v1.2", ".hidden", "a.sbd", "b.mbox", "back\\slash", "Bücher/日本語/&", "~tilde",
         "c.eml", "spaces in  it"]


def ugly(random_):
    text = b"".join(random_.choice([b"From x\r\n", b">From y\r\n", b">>From\r\n", b"\r\n", b"abc", b"\xff\xfe",
                                    b"Status: RO\r\n", b"From a@b Thu Jan  1 00:00:00 2015\r\n", b"a\rb", b".\r\n"])
                    for _ in range(random_.randrange(30)))
    head = random_.choice([b"Subject: x\r\n\r\n", b"From x\r\nStatus: O\r\n\r\n", b"X-Penny-Post: mbox 2 0\r\nA: b\r\n\r\n",
                           b"A: b\r\nContent-Length: 5\r\n\r\n", b"", b"\r\n"])
    return (head + text) or b"x"


def fill(server):
    random_ = random.Random(7)
    with server.imap(BOB) as client:
        for name in NAMES:
            if name != "INBOX":
                assert client.create(wire(name))[0] == "OK"
        for n in range(120):
            name = random_.choice(NAMES[:-1])
            flags = [f for f in ("\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft", "$label1", "k-x", "Z")
                     if random_.random() < 0.3]
            date = f'"{random_.randrange(1, 29):2d}-Mar-{random_.randrange(1975, 2026)} 0{random_.randrange(10)}:00:01 +0000"'
            assert client.append(wire(name), f'({" ".join(flags)})', date, ugly(random_))[0] == "OK"
        many = " ".join(f"kw{n}" for n in range(40))
        client.append("INBOX", f"({many})", None, b"all keywords\r\n")
        client.append("INBOX", None, None, b"A: b\r\n\r\n" + b"0123456789abcde\r\n" * (30 << 16) + b"cut")


@pytest.mark.parametrize("format", ["mbox", "maildir", "eml"])
def test_round_trip(tmp_path, format):
    with Server(settings={"limits.message_size": "40M"}) as server:
        fill(server)
        there = content(server, empty=True)
        run = server.ctl("export", BOB, str(tmp_path / "out"), "--format", format, "--json")
        assert run["ok"] and run["messages"] == 122
        assert "not empty" in server.ctl("export", BOB, str(tmp_path / "out"), "--format", format, check=False).stderr
        run_import(server, "alice@d.test", tmp_path / "out")
        back = content(server, "alice@d.test", empty=True)
        assert sorted(back) == sorted(there)
        for name, messages in there.items():
            assert [m[:2] for m in back[name]] == [m[:2] for m in messages], name
            if format == "eml":
                assert [m[2] for m in back[name]] == [m[2] for m in messages], name
            assert [crlf(m[2]) for m in back[name]] == [crlf(m[2]) for m in messages], name


def test_export_of_one_mailbox(server, tmp_path):
    file = tmp_path / "box"
    file.write_bytes(mbox(message(1)))
    run_import(server, BOB, file, "--mailbox", "A/B")
    server.ctl("export", BOB, str(tmp_path / "out"), "--format", "mbox", "--mailbox", "A")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["A", "A.sbd"]
    assert server.ctl("export", BOB, str(tmp_path / "o"), "--format", "mbox", "--mailbox", "C", check=False).returncode == 1


def test_what_waits_is_not_exported_nor_imported(server, tmp_path):
    """Notes of what waits are no mail that came; what comes behind an old export's is imported."""
    def pending(user=BOB):
        return mailboxes(server, user).get("Pending", {"messages": 0})["messages"]
    with server.submission(BOB) as client:
        client.mail(BOB, ["HOLDFOR=3600"])
        client.rcpt("x@far.test")
        assert client.data(crlf(f"From: {BOB}\nSubject: later\n\nhi\n".encode()))[0] == 250
    wait_for(lambda: pending() == 1, what="a note")
    server.ctl("export", BOB, str(tmp_path / "out"), "--format", "mbox")
    assert not any(p.name.startswith("Pending") for p in (tmp_path / "out").iterdir())
    old = tmp_path / "old"
    old.mkdir()
    for name in ("Old", "Pending", "Young"):
        (old / name).write_bytes(mbox(message(2)))
    assert "only the server" in run_import(server, BOB, old, code=1).stderr
    found = mailboxes(server)
    assert [found[name]["messages"] for name in ("Old", "Pending", "Young")] == [1, 1, 1]
    assert "only the server" in run_import(server, BOB, old, "--dry-run", code=1).stderr


# ---- interrupted

def many(tmp_path, kind, n):
    """n messages, as a file or a folder of them."""
    if kind == "mbox":
        (tmp_path / "many").write_bytes(mbox(*(message(k, b"x" * (k % 7000) + b"\n") for k in range(n))))
        return tmp_path / "many"
    for part in ("cur", "new"):
        (tmp_path / "Maildir" / part).mkdir(parents=True)
    for k in range(n):
        (tmp_path / "Maildir/cur" / f"{k}.x:2,S").write_bytes(message(k, b"x" * (k % 7000) + b"\n"))
    return tmp_path / "Maildir"


@pytest.mark.parametrize("kind", ["mbox", "maildir"])
def test_killed_and_resumed(server, tmp_path, kind):
    n, random_ = 6000, random.Random(3)
    source = many(tmp_path, kind, n)
    command = [str(BIN / "mailctl"), "-c", str(server.dir / "pennypost.conf"), "import", BOB, str(source),
               "--mailbox", "many"]
    kills = 0
    while True:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            process.wait(random_.uniform(0.05, 1.2))
            assert process.returncode == 0, process.stderr.read()
            break
        except subprocess.TimeoutExpired:
            process.send_signal(random_.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGINT]))
            kills += process.wait() in (-signal.SIGKILL, 130)
        finally:
            process.stderr.close()
    assert kills > 2
    with server.imap(BOB) as client:
        client.select("many", readonly=True)
        got = client.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
    subjects = [int(g[1].split()[1]) for g in got if isinstance(g, tuple)]
    assert subjects == list(range(n)) if kind == "mbox" else sorted(subjects) == list(range(n))


def test_a_session_sees_it_come(server, tmp_path):
    file = tmp_path / "box"
    file.write_bytes(mbox(message(1)))
    with server.imap(BOB) as client:
        client.select("INBOX")
        run_import(server, BOB, file, "--mailbox", "INBOX")
        wait_for(lambda: client.noop() and client.response("EXISTS")[1] != [None], what="EXISTS")


def test_quota(server, tmp_path):
    file = tmp_path / "box"
    file.write_bytes(mbox(*(message(n, b"x" * 1000 + b"\n") for n in range(20))))
    server.ctl("user", "quota", BOB, "10K")
    got = run_import(server, BOB, file, code=1)
    assert "goes on from here" in got.stderr
    assert 0 < mailboxes(server)["box"]["messages"] < 10
    run_import(server, BOB, file, "--ignore-quota")
    assert [m[2] for m in content(server)["box"]] == [crlf(message(n, b"x" * 1000 + b"\n")) for n in range(20)]
    [user] = [u for u in server.ctl("user", "list", "--json")["users"] if u["address"] == BOB]
    assert user["quota"] == 10240


# ---- mailbox, user imap

def test_mailbox_commands(server):
    ctl = server.ctl
    ctl("mailbox", "create", BOB, "Übung/x", "--use", "archive", check=False)
    ctl("mailbox", "create", BOB, "Übung/x")
    ctl("mailbox", "rename", BOB, "Übung", "Practice")
    boxes = mailboxes(server)
    assert "Practice/x" in boxes and "Übung" not in boxes
    ctl("mailbox", "unsubscribe", BOB, "Trash")
    assert not mailboxes(server)["Trash"]["subscribed"]
    ctl("mailbox", "subscribe", BOB, "Trash")
    assert ctl("mailbox", "delete", BOB, "Practice/x", check=False).returncode == 2
    ctl("mailbox", "delete", BOB, "Practice/x", "--yes")
    assert "Practice/x" not in mailboxes(server)
    for wrong in (["delete", BOB, "INBOX", "--yes"], ["create", BOB, "Trash"],
                  ["rename", BOB, "none", "x"], ["create", BOB, "y", "--use", "trash"], ["list", "nobody@d.test"]):
        assert ctl("mailbox", *wrong, check=False).returncode == 1, wrong
    assert ctl("mailbox", "create", BOB, "y", "--use", "fun", check=False).returncode == 2
    assert ctl("mailbox", "create", BOB, "a//b", check=False).returncode == 2
    assert "MAILBOX" in ctl("mailbox", "list", BOB).stdout


def test_capabilities_of_an_account(server):
    ctl = server.ctl
    ctl("user", "imap", BOB, "--off", "MOVE IDLE")
    assert ctl("user", "imap", BOB, "--json")["off"] == "MOVE IDLE"
    with server.imap(BOB) as client:
        offered = client.capability()[1][0].split()
        assert b"MOVE" not in offered and b"UIDPLUS" in offered
    ctl("user", "imap", BOB, "--on")
    with server.imap(BOB) as client:
        assert b"MOVE" in client.capability()[1][0].split()
    assert ctl("user", "imap", BOB, "--on", "--off", "x", check=False).returncode == 2
    assert ctl("user", "imap", "nobody@d.test", check=False).returncode == 1
