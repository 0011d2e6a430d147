# SPDX-License-Identifier: MIT
"""What can be used up, or grows by itself: mailboxes, UIDs, mod-sequences,
targets of aliases; and what costs more than it weighs."""
import contextlib
import os
import signal
import sqlite3

import pytest
from pennypost import wait_for
from wire import Peer, imap, smtp, submission

TEXT = b"Subject: x\r\n\r\nx\r\n"
LAST_UID, LAST_MODSEQ = 2**32 - 1, 2**63 - 1
STATE = ("UPDATE mailbox_state SET %s = ? WHERE mailbox = (SELECT b.id FROM mailbox b"
         " JOIN account a ON a.id = b.account WHERE a.login = ? AND b.name = ?)")


def plant(server, column, value, box, user="alice@d.test"):
    """As only a damaged or forged store has it."""
    with contextlib.closing(sqlite3.connect(f"{server.dir}/store/mail.db", timeout=60)) as db, db:
        assert db.execute(STATE % column, [value, user, box]).rowcount == 1


def test_A145_a_hundred_thousand_mailboxes(world, case):
    """Each CREATE asks for a branch of ten levels: ten thousand are an account's."""
    case.cpu_s, case.peak_mib, case.noop_s = 60, 96, 5
    server = world.server
    server.ctl("user", "add", "boxes@d.test", input="pw-boxes-Xyz123\n")
    server.users["boxes@d.test"] = "pw-boxes-Xyz123"
    try:
        with imap(server, "boxes@d.test", timeout=300) as peer:
            branch = b"/".join(b"l%d" % n for n in range(9))
            answers = []
            for n in range(1, 10001):  # a hundred thousand, if it went on
                answers.append(peer.imap_says(b"CREATE r%d/%s" % (n, branch)))
                if not answers[-1].startswith("OK"):
                    break
            assert answers[-1] == "NO LIMIT" and 900 < len(answers) <= 1001, (len(answers), answers[-1])
            assert peer.imap_says(b"CREATE one") in ("OK MAILBOXID", "NO LIMIT")
            for n in range(1000):
                peer.begin_imap(b"CREATE more%d/%s" % (n, branch))
            said = [peer.parsed() for n in range(1000)]
            assert {(r.kind, r.code) for r in said} == {("NO", "LIMIT")}
            assert sum(r.kind == "LIST" for r in peer.imap_ok(b'LIST "" "*"')) <= 10010
            assert peer.imap_says(b"RENAME r1 again") == "OK"
            assert peer.imap_says(b"RENAME INBOX r2/full") in ("OK", "NO LIMIT")
    finally:
        server.ctl("user", "remove", "boxes@d.test", "--yes", check=False)
        del server.users["boxes@d.test"]


def test_uids_end(world, case):
    """Refused, and never a UID twice."""
    case.any_mail = True
    server = world.server
    with imap(server) as peer:
        peer.imap_ok(b"CREATE Ends")
        plant(server, "uid_next", LAST_UID - 2, "Ends")
        answers = [peer.append(TEXT, b"Ends") for _ in range(5)]
        assert answers == ["OK APPENDUID"] * 2 + ["NO OVERQUOTA"] * 3
        peer.imap_ok(b"SELECT Ends")
        for command in (b"COPY 1:* Ends", b"MOVE 1 Ends", b"REPLACE 1 Ends {%d+}\r\n%s" % (len(TEXT), TEXT)):
            assert peer.imap_says(command).startswith("NO"), command
        uids = [r.values["UID"] for r in peer.imap_ok(b"UID FETCH 4294967290:* (UID)")]
        assert uids == [LAST_UID - 2, LAST_UID - 1]
        peer.imap_ok(b"SELECT INBOX")
        peer.imap_ok(b"DELETE Ends")


def test_an_inbox_without_uids_refuses_mail(world, case):
    """452 for that one; it is asked again later, and the others have theirs."""
    case.any_mail = True
    server = world.server
    server.ctl("user", "add", "end@d.test", input="pw-end-Xyz123\n")
    try:
        plant(server, "uid_next", LAST_UID, "INBOX", "end@d.test")
        with smtp(server) as peer:
            peer.begin(to=(b"end@d.test",))
            assert peer.says(TEXT + b".").startswith("452 ")
            peer.begin(to=(b"bob@d.test",))
            assert peer.says(TEXT + b".").startswith("250 ")
    finally:
        server.ctl("user", "remove", "end@d.test", "--yes")


def test_modseqs_end(world, case):
    """One more would be negative, or stop the daemon (RFC 7162 s3.1: 63 bits)."""
    case.any_mail = True
    server = world.server
    with imap(server) as peer:
        peer.imap_ok(b"CREATE Changed")
        assert peer.append(TEXT, b"Changed") == "OK APPENDUID"
        plant(server, "modseq", LAST_MODSEQ - 1, "Changed")
        peer.imap_ok(b"SELECT Changed (CONDSTORE)")
        assert peer.imap_says(b"STORE 1 +FLAGS (\\Seen)") == "OK"
        for command in (b"STORE 1 +FLAGS (\\Flagged)", b"STORE 1 FLAGS (a b)", b"COPY 1 Changed"):
            assert peer.imap_says(command).startswith("NO"), command
        assert peer.append(TEXT, b"Changed").startswith("NO")
        assert peer.imap_says(b"MOVE 1 INBOX").startswith("OK")  # out of it is a way
        assert peer.imap_ok(b"STATUS Changed (HIGHESTMODSEQ)")[-1].values["HIGHESTMODSEQ"] <= LAST_MODSEQ
        peer.imap_ok(b"SELECT INBOX")
        peer.imap_ok(b"DELETE Changed")


def test_aliases_that_multiply(world, case):
    """2^13 ways lead to two people: each has one copy."""
    case.delivered = 2
    server = world.server
    names = [[f"m{level}{twin}@d.test" for twin in "ab"] for level in range(12)] + [["alice@d.test", "bob@d.test"]]
    for level in range(11, -1, -1):
        for alias in names[level]:
            for target in names[level + 1]:
                server.ctl("alias", "add", alias, target)
    before = world.n("alice@d.test"), world.n("bob@d.test")
    server.deliver("a@remote.test", [*names[0], *names[5]], TEXT)
    assert (world.n("alice@d.test"), world.n("bob@d.test")) == (before[0] + 1, before[1] + 1)


def test_inbox_renamed_for_ever(world, case):
    """RENAME of INBOX makes a mailbox each time (RFC 9051 s6.3.6); mail arrives meanwhile."""
    case.any_mail, case.cpu_s = True, 10
    server = world.server
    with imap(server, "carol@e.test") as peer:
        for n in range(100):
            if n % 20 == 0:
                server.deliver("a@remote.test", ["carol@e.test"], TEXT)
            assert peer.imap_says(b"RENAME INBOX Old/%d" % n) == "OK"
        assert peer.imap_says(b"RENAME INBOX Old/7").startswith("NO")
        found = sum(r.values["MESSAGES"] for r in peer.imap_ok(b'LIST "" "Old/*" RETURN (STATUS (MESSAGES))')
                    if r.kind == "STATUS")
        assert found >= 5
        for n in range(100):
            peer.imap_ok(b"DELETE Old/%d" % n)


H = b"From: a@b\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
COSTLY = {
    "ampersands": H + b"&" * 1000000, "tags": H + b"<div>" * 200000, "open": H + b"<" * 1000000,
    "comments": H + b"<!--" * 250000, "ends": H + b"<style></" + b"</" * 400000, "numbers": H + b"&#x41;" * 160000,
    "words": b"Subject: " + b"=?utf-8?b?" * 20000 + b"\r\n\r\n", "replies": b"Subject: " + b"re: " * 50000 + b"\r\n\r\n",
    "blobs": b"Subject: " + b"[a] " * 50000 + b"\r\n\r\n", "forwards": b"Subject: " + b"[fwd: " * 30000 + b"]" * 30000 + b"\r\n\r\n",
    "ids": b"References: " + b"<" * 100000 + b"\r\n\r\n", "groups": b"From: " + b"a:;," * 60000 + b"\r\n\r\n",
    "delivered": b"Delivered-To: bob@d.test\r\n" * 5000 + b"\r\n",
    "soft": b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + b"=" * 1000000,
}


@pytest.mark.parametrize("text", COSTLY.values(), ids=COSTLY.keys())
def test_text_that_costs_more_than_it_weighs(world, case, text):
    """A preview, an envelope and a search: as long as the message is, not its square."""
    case.any_mail, case.cpu_s, case.peak_mib, case.rest_mib = True, 2.0, 48, 48
    case.noop_s = 5
    with imap(world.server, "bob@d.test") as peer:
        peer.imap_ok(b"CREATE Costly")
        assert peer.append(text + b"\r\n", b"Costly") == "OK APPENDUID"
        peer.imap_ok(b"SELECT Costly")
        peer.imap_ok(b"FETCH * (PREVIEW ENVELOPE BODYSTRUCTURE BINARY.SIZE[1])")
        peer.imap_ok(b"UID SEARCH RETURN (COUNT) TEXT zzzz")
        peer.imap_ok(b"SORT (SUBJECT DISPLAYFROM) UTF-8 ALL")
        peer.imap_ok(b"THREAD REFERENCES UTF-8 ALL")
        peer.imap_ok(b"SELECT INBOX")
        peer.imap_ok(b"DELETE Costly")


def test_storm_of_signals(world, case):
    """Certificates are read anew each time, or once for many; nobody is dropped."""
    case.cpu_s, case.noop_s = 60, 5
    server = world.server
    with submission(server) as stays, imap(server, "alice@d.test", b"INBOX") as idle:
        idle.begin_imap(b"IDLE")
        assert idle.line().startswith(b"+")
        for n in range(100):
            for pid in server.pids().values() if n % 10 == 0 else world.oracle.pids.values():
                os.kill(pid, signal.SIGHUP)
            if n % 10 == 0:
                with Peer(server, "imaps") as peer:
                    assert peer.greeting.startswith(b"* OK")
        assert stays.code(b"NOOP") == 250
        idle.send(b"DONE\r\n")
        assert b" OK " in idle.line()
    wait_for(lambda: submission(server).code(b"QUIT") == 221, what="a login after the storm")
