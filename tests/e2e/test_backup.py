# SPDX-License-Identifier: MIT
"""A person backs up a live store, restores it, and can trust it."""
import email
import json
import os
import pathlib
import random
import re
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from pennypost import BIN, Server, StubDns, wait_for  # noqa: E402

USERS = {"bob@d.test": "pw-bob-Xyz123"}


def message(n, large=False):
    """One whose octets say which it is; a large one becomes a file."""
    head = b"From: <bob@d.test>\r\nSubject: %d\r\nMessage-ID: <%d@far.test>\r\n\r\n" % (n, n)
    lines = 3000 if large else 3
    return head + b"".join(os.urandom(36).hex().encode() + b"\r\n" for _ in range(lines))


def number(octets):
    return int(re.search(rb"\nSubject: (\d+)\r\n", octets)[1])


def mailctl(directory, *args, **options):
    """mailctl on a server that may be stopped."""
    return subprocess.run([str(BIN / "mailctl"), "-c", str(directory / "pennypost.conf"), *map(str, args)],
                          capture_output=True, text=True, timeout=300, **options)


def by_uid(server, user="bob@d.test", mailbox="INBOX"):
    """UIDVALIDITY, UIDNEXT, and {number: (uid, emailid)}."""
    client = server.imap(user)
    try:
        status = client.status(mailbox, "(UIDVALIDITY UIDNEXT)")[1][0].decode()
        client.select(mailbox, readonly=True)
        found = {}
        got = client.uid("FETCH", "1:*", "(UID EMAILID BODY.PEEK[])")[1]
        for part in got:
            if isinstance(part, tuple):
                text = part[0].decode()
                found[number(part[1])] = (int(re.search(r"UID (\d+)", text)[1]),
                                          re.search(r"EMAILID \(([^)]*)\)", text)[1])
        return (int(re.search(r"UIDVALIDITY (\d+)", status)[1]),
                int(re.search(r"UIDNEXT (\d+)", status)[1]), found)
    finally:
        client.logout()


def snapshots(place):
    return sorted(p for p in place.iterdir() if p.is_dir() and p.name[0].isdigit())


class Load:
    """Deliveries without end; what was acknowledged when."""

    def __init__(self, server):
        self.server, self.acknowledged, self.begun = server, [], 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        with self.server.smtp() as client:
            while not self.over.is_set():
                self.begun += 1
                client.sendmail("x@far.test", ["bob@d.test"], message(self.begun, self.begun % 5 == 0))
                self.acknowledged.append(self.begun)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


def test_a_live_store_comes_back(tmp_path):
    """Under load: what was acknowledged before is there, nothing that was not
    begun, each under its UID; and no UID means another message ever."""
    place = tmp_path / "backups"
    with Server(users=USERS, dir=tmp_path / "one") as one:
        with Load(one) as load:
            wait_for(lambda: len(load.acknowledged) >= 30, what="mail")
            before = list(load.acknowledged)
            made = one.ctl("backup", "--json", str(place))
            after = load.begun
            wait_for(lambda: len(load.acknowledged) > after + 5, what="more mail")
        assert made["ok"] and made["copied_files"] == made["files"]
        # nothing but new mail is copied again
        again = one.ctl("backup", "--json", str(place))
        assert again["copied_files"] < again["files"]
        validity, uid_next, old = by_uid(one)
        listed = one.ctl("backup", "list", "--json", str(place))["backups"]
        assert [b["good"] for b in listed] == [True, True]
        assert one.ctl("verify", "--backup", str(place / made["name"]), "--json")["ok"]
    # a new server, which has mail of its own already
    with Server(users=USERS, dir=tmp_path / "two") as two:
        two.deliver("x@far.test", ["bob@d.test"], message(10 ** 6))
    got = mailctl(tmp_path / "two", "restore", place / made["name"])
    assert got.returncode == 1 and "--replace" in got.stderr
    got = mailctl(tmp_path / "two", "restore", place / made["name"], "--replace", "--json")
    assert got.returncode == 0, got.stderr
    aside = tmp_path / "two/store" / json.loads(got.stdout)["aside"]
    assert (aside / "mail.db").exists()
    with Server(users=USERS, dir=tmp_path / "two") as two:
        new_validity, new_next, new = by_uid(two)
        assert set(before) <= set(new) <= set(range(1, after + 1))
        assert new == {n: old[n] for n in new}
        assert new_validity == validity and new_next > uid_next
        two.deliver("x@far.test", ["bob@d.test"], message(10 ** 6 + 1))
        assert by_uid(two)[2][10 ** 6 + 1][0] >= uid_next
        assert two.ctl("check", "--json")["ok"]


def test_clients_that_saw_more_are_told(tmp_path):
    """QRESYNC (RFC 7162 s3.2.5.2): what came and went after the backup is
    reported, the messages that are there are not fetched again."""
    with Server(users=USERS, dir=tmp_path / "dev") as server:
        for n in range(1, 4):
            server.deliver("x@far.test", ["bob@d.test"], message(n))
        made = server.ctl("backup", "--json", str(tmp_path / "b"))
        client = server.imap("bob@d.test")
        client.select("INBOX")
        client.uid("STORE", "2", "+FLAGS", r"(\Deleted)")
        client.expunge()
        client.logout()
        server.deliver("x@far.test", ["bob@d.test"], message(4))
        client = server.imap("bob@d.test")
        status = client.status("INBOX", "(UIDVALIDITY HIGHESTMODSEQ)")[1][0].decode()
        validity, modseq = re.search(r"UIDVALIDITY (\d+) HIGHESTMODSEQ (\d+)", status).groups()
        client.logout()
    got = mailctl(tmp_path / "dev", "restore", tmp_path / "b" / made["name"], "--replace")
    assert got.returncode == 0, got.stderr
    with Server(users=USERS, dir=tmp_path / "dev") as server:
        client = server.imap("bob@d.test")
        client.enable("QRESYNC")
        tag = client._new_tag().decode()
        client.send(f"{tag} SELECT INBOX (QRESYNC ({validity} {modseq}))\r\n".encode())
        lines = []
        while not lines or not lines[-1].startswith(tag):
            lines.append(client.readline().decode())
        vanished = [line for line in lines if "VANISHED (EARLIER)" in line]
        low, high = re.search(r"EARLIER\) (?:\S+,)?(\d+):(\d+)", vanished[0]).groups()
        assert int(low) <= 4 <= int(high), lines
        uids = {int(m) for line in lines for m in re.findall(r"FETCH \(.*?UID (\d+)", line)}
        assert uids == {1, 2, 3}, lines
        client.shutdown()


def start_and_kill(directory, seen, *args):
    """Start mailctl, and kill it when seen() or at its end; was it killed?"""
    process = subprocess.Popen([str(BIN / "mailctl"), "-c", str(directory / "pennypost.conf"), *map(str, args)],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while process.poll() is None and not seen():
        time.sleep(0.001)
    time.sleep(random.random() * 0.1)
    process.kill()
    process.communicate()
    return process.returncode == -signal.SIGKILL


def test_killed_backups_leave_nothing(tmp_path):
    place = tmp_path / "b"
    with Server(users=USERS, dir=tmp_path / "dev") as server:
        for n in range(1, 21):
            server.deliver("x@far.test", ["bob@d.test"], message(n, n % 2 == 0))
        for _ in range(3):
            start_and_kill(tmp_path / "dev", lambda: list(place.glob("unfinished-*")),
                           "backup", place, "--whole")
            listed = server.ctl("backup", "list", "--json", str(place))["backups"]
            assert all(b["good"] for b in listed), listed
        server.ctl("backup", str(place))
        assert not list(place.glob("unfinished-*"))
        # nobody holds up the sweeper: what is deleted goes
        client = server.pop3("bob@d.test")
        for n in range(1, 21):
            client.dele(n)
        client.quit()
        server.deliver("x@far.test", ["bob@d.test"], message(99))
    with Server(users=USERS, dir=tmp_path / "dev") as server:
        wait_for(lambda: not [p for p in (tmp_path / "dev/store/objects").rglob("*") if p.is_file()],
                 what="the sweeper")


def test_killed_restores_can_be_repeated(tmp_path):
    place, store = tmp_path / "b", tmp_path / "dev/store"
    with Server(users=USERS, dir=tmp_path / "dev") as server:
        for n in range(1, 21):
            server.deliver("x@far.test", ["bob@d.test"], message(n, n % 2 == 0))
        made = server.ctl("backup", "--json", str(place))
    for _ in range(4):
        start_and_kill(tmp_path / "dev", (store / "restoring").exists,
                       "restore", place / made["name"], "--replace")
        # the old store, the new one, or none that anybody would begin anew
        got = mailctl(tmp_path / "dev", "verify", "--json")
        if (store / "mail.db").exists():
            assert got.returncode == 0, got.stderr
        else:
            assert (store / "restoring").exists()
            got = mailctl(tmp_path / "dev", "status")
            assert got.returncode != 0 and "restore" in got.stderr
            assert not (store / "mail.db").exists() or (store / "mail.db").stat().st_size == 0
    got = mailctl(tmp_path / "dev", "restore", place / made["name"], "--replace")
    assert got.returncode == 0, got.stderr
    assert not (store / "restoring").exists()
    with Server(users=USERS, dir=tmp_path / "dev") as server:
        assert set(by_uid(server)[2]) == set(range(1, 21))


def flip(path, at=100):
    octets = bytearray(path.read_bytes())
    octets[at] ^= 1
    with open(path, "r+b") as f:  # in place: a link is the same file
        f.write(octets)


def test_damage_is_named(tmp_path):
    """In the live store and in a backup: account, mailbox, UID, Message-ID."""
    with Server(users=USERS, dir=tmp_path / "dev", check=False) as server:
        for n in range(1, 6):
            server.deliver("x@far.test", ["bob@d.test"], message(n, n == 3))
        made = server.ctl("backup", "--json", str(tmp_path / "b"))
        snapshot = tmp_path / "b" / made["name"]
        assert server.ctl("verify", "--json")["bodies"] == 5
        live = [p for p in (tmp_path / "dev/store/objects").rglob("*") if p.is_file()]
        assert len(live) == 1
        kept = snapshot / live[0].relative_to(tmp_path / "dev/store")
        assert live[0].stat().st_ino != kept.stat().st_ino  # of its own
        flip(live[0])
        want = {"account": "bob@d.test", "mailbox": "INBOX", "uid": 3, "message_id": "<3@far.test>"}
        got = server.ctl("verify", "--json", check=False)
        assert got["ok"] is False and len(got["damaged"]) == 1
        assert want.items() <= got["damaged"][0].items()
        code = mailctl(tmp_path / "dev", "verify")
        assert code.returncode == 1 and "bob@d.test" in code.stdout and "<3@far.test>" in code.stdout
        # the backup is good still; then it is not
        assert server.ctl("verify", "--backup", str(snapshot), "--json")["ok"]
        flip(kept)
        got = server.ctl("verify", "--backup", str(snapshot), "--json", check=False)
        assert got["ok"] is False and want.items() <= got["damaged"][0].items()
        assert not list((tmp_path / "b").glob("trying-*"))
        got = mailctl(tmp_path / "dev", "restore", snapshot, "--to", tmp_path / "new")
        assert got.returncode == 1 and "objects/" in got.stderr
        assert not (tmp_path / "new/mail.db").exists()
        got = mailctl(tmp_path / "dev", "restore", snapshot, "--to", tmp_path / "new", "--damaged")
        assert got.returncode == 0 and "verify" in got.stdout
        assert (tmp_path / "new/mail.db").exists()


def test_restore_wants_the_daemons_stopped(tmp_path):
    with Server(users=USERS, dir=tmp_path / "dev", settings={"backup.dir": tmp_path / "b"}) as server:
        wait_for(lambda: (tmp_path / "b/drill").exists(), what="the first backup and drill")
        got = mailctl(tmp_path / "dev", "restore", "newest", "--replace")
        assert got.returncode == 1 and "stop the daemons" in got.stderr
        # maild alone is gone: smtpd and popd would write into what is moved
        # away; or dev has already started it again
        os.kill(server.pids()["maild"], signal.SIGKILL)
        got = mailctl(tmp_path / "dev", "restore", "newest", "--replace")
        assert got.returncode == 1 and "stop the daemons" in got.stderr
        server.deliver("x@far.test", ["bob@d.test"], message(1))
        wait_for(lambda: server.ctl("status", "--json", check=False)["running"], what="maild again")
        assert len(server.fetch("bob@d.test")) == 1


def test_the_queue_is_held(tmp_path):
    """It may have been sent since: a person decides."""
    with StubDns([["far.test", "MX", "10 mx.far.test."]], {"mx.far.test.": "servfail"}) as dns:
        with Server(users=USERS, dir=tmp_path / "dev", dns=dns.forward) as server:
            server.submit("bob@d.test", ["a@far.test", "b@far.test"], message(1))
            wait_for(lambda: len(server.ctl("queue", "list", "--json")["recipients"]) == 2, what="the queue")
            made = server.ctl("backup", "--json", str(tmp_path / "b"))
        got = mailctl(tmp_path / "dev", "restore", tmp_path / "b" / made["name"], "--replace")
        assert got.returncode == 0 and "mailctl queue release --all" in got.stdout, got
        with Server(users=USERS, dir=tmp_path / "dev", dns=dns.forward) as server:
            held = server.ctl("queue", "list", "--state", "held", "--json")["recipients"]
            assert sorted(r["recipient"] for r in held) == ["a@far.test", "b@far.test"]
            story = server.ctl("journey", held[0]["id"]).stdout
            assert "restored from a backup" in story
            server.ctl("queue", "release", "--all")
            assert not server.ctl("queue", "list", "--state", "held", "--json")["recipients"]


def status(server):
    return server.ctl("status", "--json")["backup"]


def test_maild_makes_and_tries_them(tmp_path):
    """On schedule, with drills; a damaged one is reported in every way, and
    the next copies everything anew."""
    place = tmp_path / "b"
    with Server(users=USERS, dir=tmp_path / "dev", clock=True,
                settings={"backup.dir": place, "backup.keep": 3, "server.postmaster": "bob@d.test"}) as server:
        wait_for(lambda: (status(server)["drill"] or {}).get("good"), what="the first drill")
        first = status(server)
        assert first["newest"]["good"] and first["drill"]["snapshot"] == first["newest"]["name"]
        assert oct(place.stat().st_mode)[-3:] == "700"
        server.deliver("x@far.test", ["bob@d.test"], message(1, True))
        made = server.ctl("backup", "--json")
        assert made["copied_files"] < made["files"] or made["files"] <= 4
        assert "good" in server.ctl("status").stdout
        assert "pennypost_backup_drill_good 1" in server.ctl("metrics").stdout
        flip(next(p for p in (place / made["name"] / "objects").rglob("*") if p.is_file()))
        # the newest shares the damaged file, and it is time for a drill
        server.advance("8d")
        server.ctl("backup")
        wait_for(lambda: not status(server)["drill"]["good"], what="the drill to fail")
        assert "objects/" in status(server)["drill"]["text"]
        assert "FAILED" in server.ctl("status").stdout
        assert "pennypost_backup_drill_good 0" in server.ctl("metrics").stdout
        letters = wait_for(lambda: [m for m in server.fetch("bob@d.test") if b"cannot be restored" in m],
                           what="the letter")
        letter = email.message_from_bytes(letters[0])
        assert letter["Auto-Submitted"] == "auto-generated" and letter["Return-Path"] == "<>"
        assert "objects/" in letter.get_payload()
        wait_for(lambda: "drill: failed" in server.log_text(), what="the log")
        # the next one is whole, and good
        made = server.ctl("backup", "--json")
        assert made["copied_files"] == made["files"]
        wait_for(lambda: status(server)["drill"]["good"], what="the next drill")
        assert status(server)["drill"]["snapshot"] == made["name"]
        assert "failed" not in status(server)
        assert len(snapshots(place)) == 3


def test_no_place_to_put_it(tmp_path):
    """It is told, and mail goes on."""
    (tmp_path / "file").write_text("not a directory")
    with Server(users=USERS, dir=tmp_path / "dev",
                settings={"backup.dir": tmp_path / "file/b", "server.postmaster": "bob@d.test"}) as server:
        wait_for(lambda: [m for m in server.fetch("bob@d.test") if b"The backup of" in m], what="the letter")
        assert "FAILED" in server.ctl("status").stdout
        got = server.ctl("backup", check=False)
        assert got.returncode == 1 and "file/b" in got.stderr
        server.deliver("x@far.test", ["bob@d.test"], message(1))
        assert len([m for m in server.fetch("bob@d.test") if b"<1@far.test>" in m]) == 1


def test_no_room(tmp_path):
    """A disk that takes no more: a clear error, and nothing counts."""
    def tight():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50000, 50000))
    place = tmp_path / "b"
    with Server(users=USERS, dir=tmp_path / "dev") as server:
        server.deliver("x@far.test", ["bob@d.test"], message(1, True))
        good = server.ctl("backup", "--json", str(place))
        server.deliver("x@far.test", ["bob@d.test"], message(2, True))
        got = mailctl(tmp_path / "dev", "backup", place, preexec_fn=tight, restore_signals=False)
        assert got.returncode != 0 and got.stderr
        assert [p.name for p in snapshots(place)] == [good["name"]]
        assert not list(place.glob("unfinished-*"))
        assert len(server.fetch("bob@d.test")) == 2


def test_usage(tmp_path):
    with Server(users=USERS, dir=tmp_path / "dev") as server:
        assert server.ctl("backup", check=False).returncode == 2
        assert server.ctl("backup", "list", check=False).returncode == 2
        assert server.ctl("restore", "newest", check=False).returncode == 1
        assert server.ctl("backup", str(tmp_path / "b"), "--keep", "0", check=False).returncode == 2
        assert "backup" not in server.ctl("status", "--json")
        for _ in range(3):
            server.ctl("backup", str(tmp_path / "b"), "--keep", "2")
        assert len(snapshots(tmp_path / "b")) == 2
        # what cat makes of the parts is the database
        whole = b"".join(p.read_bytes() for p in sorted((snapshots(tmp_path / "b")[0] / "mail.db.parts").iterdir()))
        (tmp_path / "by-hand.db").write_bytes(whole)
        db = sqlite3.connect(tmp_path / "by-hand.db")
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        db.close()
