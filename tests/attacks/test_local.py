# SPDX-License-Identifier: MIT
"""Who has a foot in the door: an account holder whose mail an administrator
imports, a daemon that was taken over and may write the store, a process of our
group that talks to the sockets of the others."""
import base64
import contextlib
import hashlib
import json
import os
import pathlib
import re
import shutil
import socket
import sqlite3
import stat
import subprocess

import pytest
from pennypost import BIN, wait_for
from wire import imap, smtp

STRANGER = 65534  # a uid of nobody's
SECRET = b"From: root@d.test\nSubject: verifier\n\nroot-verifier-Xyz123\n"
RAW = re.compile(r"[^\n\x20-\x7e\u00a0-\uffff]")  # what a terminal would obey


def run_import(server, *args):
    """(exit code, what it said), as on a terminal; it must end by itself."""
    got = subprocess.run([str(BIN / "mailctl"), "-c", str(server.dir / "pennypost.conf"), "import",
                          "alice@d.test", *map(str, args)], stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, timeout=300)
    return got.returncode, got.stdout.decode(errors="replace")


def given_away(tree):
    """All of it belongs to somebody else, as what an account holder prepared does."""
    if os.geteuid() == 0:
        for path in [tree, *tree.rglob("*")]:
            os.chown(path, STRANGER, STRANGER, follow_symlinks=False)
        tree.chmod(0o755)


def everything(server, user="alice@d.test"):
    """All octets of all mailboxes of a user."""
    found = b""
    with imap(server, user) as peer:
        for box in server.ctl("mailbox", "list", user, "--json")["mailboxes"]:
            if box["mailbox"] and box["messages"] and box["name"] != "Pending":
                peer.imap_ok(b"EXAMINE " + b'"' + box["name"].encode() + b'"')
                found += b"".join(r.line for r in peer.imap_ok(b"FETCH 1:* BODY.PEEK[]"))
    return found


@pytest.fixture
def secret(tmp_path):
    """A folder with a file that is none of the account holder's."""
    if os.geteuid() != 0:
        pytest.skip("only root reads what is not its own")
    folder = tmp_path / "roots"
    folder.mkdir(mode=0o700)
    (folder / "1.eml").write_bytes(SECRET)
    (folder / "box").write_bytes(b"From a@b Thu Jan  1 00:00:07 2015\n" + SECRET)
    (folder / ".pennypost-mailbox").write_bytes(b"2.eml\t0\t\troot-verifier-Xyz123\n")
    return folder


def maildir(path):
    for part in ("cur", "new", "tmp"):
        (path / part).mkdir(parents=True)
    (path / "cur" / "1.own:2,").write_bytes(b"Subject: own\n\nhers\n")
    return path


def link_file(tree, secret):
    (maildir(tree) / "cur" / "2.x:2,").symlink_to(secret / "1.eml")


def link_folder(tree, secret):
    maildir(tree)
    (tree / ".Sub").mkdir()
    for part in ("new", "tmp"):
        (tree / ".Sub" / part).mkdir()
    (tree / ".Sub" / "cur").symlink_to(secret)


def link_eml(tree, secret):
    tree.mkdir()
    (tree / "own.eml").write_bytes(b"Subject: own\n\nhers\n")
    (tree / "2.eml").symlink_to("../roots/1.eml")


def link_tree(tree, secret):
    tree.mkdir()
    (tree / "own.eml").write_bytes(b"Subject: own\n\nhers\n")
    (tree / "Deep").symlink_to(secret)


def link_mbox(tree, secret):
    tree.mkdir()
    (tree / "Own").write_bytes(b"From a@b Thu Jan  1 00:00:07 2015\nSubject: own\n\nhers\n")
    (tree / "Other").symlink_to(secret / "box")


def link_hints(tree, secret):
    link_eml(tree, secret)
    (tree / ".pennypost-mailbox").symlink_to(secret / ".pennypost-mailbox")


@pytest.mark.parametrize("plant", [link_file, link_folder, link_eml, link_tree, link_mbox, link_hints])
def test_import_follows_no_link_to_what_is_roots(world, case, tmp_path, secret, plant):
    case.any_mail, case.cpu_s = True, 10
    tree = tmp_path / "hers"
    plant(tree, secret)
    given_away(tree)
    code, said = run_import(world.server, tree, "--mailbox", plant.__name__)
    assert "not its owner's" in said and "verifier" not in said, said
    all_mail = everything(world.server)
    assert b"hers" in all_mail and b"root-verifier" not in all_mail
    assert code != 0 or "skipped" in said, said


def test_import_of_a_link_to_roots_mail(world, tmp_path, secret):
    """Named with a slash, as a shell completes it."""
    home = tmp_path / "home"
    home.mkdir()
    maildir(secret / "Maildir")
    (home / "Maildir").symlink_to(secret / "Maildir")
    given_away(home)
    for name in ("Maildir", "Maildir/"):
        code, said = run_import(world.server, f"{home}/{name}")
        assert code != 0 and "somebody else's" in said, said


def test_import_follows_links_within_the_tree(world, case, tmp_path):
    case.any_mail, case.cpu_s = True, 10
    tree = maildir(tmp_path / "own")
    (tree / "new" / "3.y").symlink_to("../tmp/3.y")
    (tree / "tmp" / "3.y").write_bytes(b"Subject: linked\n\nby herself\n")
    given_away(tree)
    code, said = run_import(world.server, tree, "--mailbox", "Linked")
    assert code == 0, said
    assert b"by herself" in everything(world.server)


def test_import_of_what_is_no_file(world, case, tmp_path):
    """Queues that never end, sockets, circles, names for a terminal."""
    case.any_mail, case.cpu_s = True, 10
    tree = tmp_path / "odd"
    maildir(tree / "M")
    for name in ("M/cur/2.x:2,", "M/dovecot-keywords", "M/pennypost-keywords", "Queue", "Queue.mbox",
                 "q.eml", ".pennypost-mailbox"):
        os.mkfifo(tree / name)
    (tree / "Apple.mbox").mkdir()
    os.mkfifo(tree / "Apple.mbox" / "mbox")
    (tree / "Circle").symlink_to(tree)
    (tree / "Nowhere").symlink_to("/nonexistent")
    os.mkfifo(tree / "a\x1b]0;owned\x07\nmailctl: all is well \x9b31m\u202e")
    for name in ("../../etc/cron.d/x", "..", "\u202egnp", "a\nb", "%2e%2e%2fbob"):
        (tree / name.replace("/", "%2f")).write_bytes(b"From a@b Thu Jan  1 00:00:07 2015\nSubject: o\n\nx\n") \
            if name != ".." else None
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(tree / "sock"))
        code, said = run_import(world.server, tree)
    assert not RAW.search(said) and "\nmailctl: all is well" not in said, said
    names = [box["name"] for box in world.server.ctl("mailbox", "list", "alice@d.test", "--json")["mailboxes"]]
    assert not [n for n in names if ".." in n.split("/") or "\n" in n], names


# ---- a snapshot from somewhere else

PATHS = ["../../evil", "/tmp/evil", "objects/../../../evil", "objects/ab/../../../evil", "objects/./x", "mail.db",
         "auth.db.parts/../../../evil", "objects/ab/.evil", "objects/ab/c/d", "objects//x", "objects/a b", "",
         "mail.db.parts/0000000 ", "objects/" + "a" * 600 + "/b"]


def forge(snapshot, edit):
    """A manifest whose sums are right: whoever can write it can do that, too."""
    lines = edit((snapshot / "MANIFEST").read_bytes().split(b"\n")[:-2])
    files = [line.split(b" ") for line in lines if line.startswith(b"file ")]
    text = b"\n".join(lines) + b"\n"
    (snapshot / "MANIFEST").unlink()
    (snapshot / "MANIFEST").write_bytes(text + b"end %d %d %s\n" % (
        len(files), sum(int(f[1]) for f in files), hashlib.blake2b(text, digest_size=32).hexdigest().encode()))


def test_forged_snapshots(world, case, tmp_path):
    """Paths that lead out, links, queues: nothing is written outside, and it ends."""
    case.any_mail, case.cpu_s, case.peak_mib, case.noop_s = True, 20, 64, 5
    server = world.server
    server.deliver("a@remote.test", ["alice@d.test"], b"Subject: big\r\n\r\n"
                   + b"\r\n".join(os.urandom(35).hex().encode() for _ in range(10000)))
    made = server.ctl("backup", "--json", str(tmp_path / "b"))["name"]

    def restored(edit):
        shutil.copytree(tmp_path / "b" / made, tmp_path / "s", symlinks=True)
        edit(tmp_path / "s")
        (tmp_path / "in").mkdir()
        got = server.ctl("restore", str(tmp_path / "s"), "--to", str(tmp_path / "in" / "new"), check=False)
        left = sorted(p.name for p in tmp_path.rglob("*evil*"))
        for name in ("s", "in"):
            shutil.rmtree(tmp_path / name, ignore_errors=True)
        assert not left, left
        assert not RAW.search(got.stdout + got.stderr)
        return got.returncode, got.stderr

    def renamed(path):
        return lambda lines: [b" ".join(l.split(b" ")[:3] + [path.encode()]) if l.startswith(b"file ") else l
                              for l in lines]

    def planted(snapshot):
        for path in [p for p in snapshot.rglob("*") if p.is_file() and p.parent.parent.name == "objects"]:
            path.unlink()
            path.symlink_to("/etc/passwd")

    def queue(snapshot):
        (snapshot / "MANIFEST").unlink()
        os.mkfifo(snapshot / "MANIFEST")

    def queues(snapshot):
        for path in [p for p in snapshot.rglob("*") if p.is_file() and p.name != "MANIFEST"]:
            path.unlink()
            os.mkfifo(path)

    def linked(snapshot):
        (snapshot / "MANIFEST").rename(tmp_path / "m")
        (snapshot / "MANIFEST").symlink_to(tmp_path / "m")

    assert restored(lambda s: forge(s, lambda lines: lines)) == (0, "")  # so the sums are right
    for path in PATHS:
        assert restored(lambda s: forge(s, renamed(path)))[0] == 1, path
        assert restored(lambda s: forge(s, lambda lines: [*lines, b"file 0 %s %s" % (
            hashlib.blake2b(b"", digest_size=32).hexdigest().encode(), path.encode())]))[0] == 1, path
    for edit in (planted, queue, queues, linked):
        assert restored(edit)[0] in (1, 75), edit.__name__


# ---- a daemon that was taken over writes the store

@pytest.mark.parametrize("file", ["mail.db", "../store/mail.db", "objects/../mail.db", "/etc/passwd",
                                  "objects/00/../../mail.db", "objects/.x/y", "objects"])
def test_rows_name_objects_only(world, case, file):
    """auth.db is maild's alone, and maild reads and sends bodies: no row may name it."""
    case.any_mail, case.delivered = True, 1
    server = world.server
    server.deliver("a@remote.test", ["bob@d.test"], b"Subject: %s\r\n\r\nx\r\n" % os.urandom(8).hex().encode())
    db = sqlite3.connect(f"{server.dir}/store/mail.db", timeout=60)
    with contextlib.closing(db):
        size = os.path.getsize(f"{server.dir}/store/mail.db")
        (body,) = db.execute("SELECT max(id) FROM body").fetchone()
        was = db.execute("SELECT size, stored, codec, file FROM body WHERE id = ?", [body]).fetchone()
        data = db.execute("SELECT data FROM body_data WHERE body = ?", [body]).fetchone()
        with db:
            db.execute("DELETE FROM body_data WHERE body = ?", [body])
            db.execute("UPDATE body SET size = ?, stored = ?, codec = 0, file = ? WHERE id = ?",
                       [size, size, file, body])
        try:
            with imap(server, "bob@d.test", b"INBOX") as peer:
                tag = peer.begin_imap(b"FETCH * BODY.PEEK[]")
                said = b""
                while (line := peer.line()) and not line.startswith(tag.encode()):
                    said += line
                assert b"SQLite format 3" not in said and b"root:" not in said
        finally:
            with db:
                db.execute("UPDATE body SET size = ?, stored = ?, codec = ?, file = ? WHERE id = ?", [*was, body])
                if data:
                    db.execute("INSERT INTO body_data (body, data) VALUES (?, ?)", [body, data[0]])


# ---- a process of the group talks to the sockets

def runtime(server):
    return pathlib.Path(server.ready.get("runtime", server.dir / "run"))


def stream(path, *pieces, wait=True):
    """All that is answered."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(60)
        s.connect(str(path))
        said = b""
        with contextlib.suppress(ConnectionError):
            for piece in pieces:
                s.sendall(piece)
            s.shutdown(socket.SHUT_WR)
            while got := s.recv(65536):
                said += got
    return said


RUBBISH = [
    b"", b"\n", b"\0\n", b"{}\n", b"[]\n", b"null\n", b"1e999\n", b'{"op":"verify"}\n', b'{"command":null}\n',
    b'{"command":"user.add","address":1,"password":[]}\n', b'{"command":"status","command":"user.list"}\n',
    b"[" * 100000 + b"\n", b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"\n", b'{"op":"\\ud800"}\n',
    b'{"op":"verify","user":"\\u0000","password":"x","rip":"y","proto":"z"}\n',
    b'{"op":"verify","user":"' + b"a" * 60000 + b'","password":"x","rip":"1.2.3.4","proto":"smtp"}\n',
    b'{"op":"scram-final","session":"x","message":"bj0=","binding":""}\n',
    b'{"op":"sign","domain":"d.test","headers":1}\n',
    b"verify\tsomebody\tx\n" * 100, b"A" * 3000000, b"\xff\xfe" * 1000 + b"\n", b'{"op":"verify"',
    b"verify alice@d.test x 127.0.0.1 smtp\nverify " + b"=" * 5000 + b"\n", b"sign\n", b"scram-first\n",
    b"scram-final \n", b"verify\n", b" verify\n", b"sign " + base64.b64encode(b"\0" * 4000) + b"\n",
]


@pytest.mark.parametrize("name", ["control.sock", "auth.sock"])
def test_rubbish_on_the_sockets(world, case, name):
    case.peak_mib, case.cpu_s, case.noop_s = 64, 4, 5
    path = runtime(world.server) / name
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    for text in RUBBISH:
        said = stream(path, text)
        for line in said.split(b"\n")[:-1]:
            assert json.loads(line)["ok"] is False, (text[:60], line)
    everybody = []
    for _ in range(600):  # more than it takes
        s = socket.socket(socket.AF_UNIX)
        with contextlib.suppress(BlockingIOError, ConnectionError):
            s.setblocking(False)
            s.connect(str(path))
            s.send(b'{"command":')
        everybody.append(s)
    for s in everybody:
        s.close()
    wait_for(lambda: b'"ok":true' in stream(runtime(world.server) / "control.sock", b'{"command":"status"}\n')
             .replace(b" ", b""), what="an answer for who comes afterwards")


NOTICES = [b"", b"mailbox", b"mailbox ", b"mailbox -1", b"mailbox 0", b"mailbox 9223372036854775807",
           b"mailbox 99999999999999999999", b"mailbox 1 1 1 1", b"mailbox " + b"1 " * 1000, b"queue", b"queue -1",
           b"reload", b"\0" * 2048, b"x" * 2049, b"mailbox 1\nqueue", b"mailbox \xff", b"forget", b"mailbox +1",
           b"allowance " + b"9" * 400, b"mailbox 1e9"]


def test_notices_of_nobody(world, case):
    """Datagrams wake who sleeps and say nothing: forged ones cost a look."""
    case.cpu_s, case.noop_s = 8, 5
    server = world.server
    boxes = [p for p in runtime(server).iterdir() if p.is_socket()]
    heard = 0
    with imap(server, "alice@d.test", b"INBOX") as idle:
        idle.begin_imap(b"IDLE")
        assert idle.line().startswith(b"+")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.settimeout(30)
            for path in [p for p in boxes if p.name not in ("control.sock", "auth.sock")]:
                for _ in range(50):
                    for notice in NOTICES:
                        with contextlib.suppress(OSError):
                            s.sendto(notice, str(path))
                            heard += 1
        idle.send(b"DONE\r\n")
        said = idle.line()
        assert said.startswith(b"t") and b" OK " in said, said
    assert heard, boxes
    with smtp(server) as peer:
        assert peer.code(b"NOOP") == 250
