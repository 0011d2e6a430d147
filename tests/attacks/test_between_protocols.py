# SPDX-License-Identifier: MIT
"""One mailbox, three protocols at once: quotas, numbers and deletions that one
of them changes under the other."""
import random
import threading

from wire import Peer, imap, smtp

TEXT = b"Subject: between\r\n\r\n" + b"x" * 70 + b"\r\n"
LARGE = b"Subject: large\r\n\r\n" + (b"y" * 76 + b"\r\n") * 1300  # 100 KB


def test_three_ways_into_a_quota(world, case):
    """DATA, BDAT, APPEND, COPY and MOVE race for the last of 1 MiB."""
    case.any_mail, case.peak_mib, case.cpu_s, case.noop_s = True, 64, 20, 5
    server, limit = world.server, 1048576
    with imap(server, "quota@d.test") as peer:
        peer.imap_ok(b"CREATE Source")
        for _ in range(3):
            assert peer.append(LARGE, b"Source") == "OK APPENDUID"

    def data():
        with smtp(server) as peer:
            peer.begin(to=(b"quota@d.test",))
            answers.append(peer.says(LARGE + b"."))

    def bdat():
        with smtp(server) as peer:
            assert peer.code(b"MAIL FROM:<a@remote.test>") == 250
            assert peer.code(b"RCPT TO:<quota@d.test>") in (250, 452)
            peer.send(b"BDAT %d LAST\r\n" % len(LARGE) + LARGE)
            answers.append(peer.code())

    def append():
        with imap(server, "quota@d.test") as peer:
            answers.append(peer.append(LARGE))

    def copy():
        with imap(server, "quota@d.test", b"Source") as peer:
            answers.append(peer.imap_says(b"COPY 1:3 INBOX"))

    def move():
        with imap(server, "quota@d.test", b"Source") as peer:
            answers.append(peer.imap_says(b"MOVE 1 INBOX"))

    answers = []
    threads = [threading.Thread(target=way) for way in (data, bdat, append, copy, move) * 3]
    random.Random(147).shuffle(threads)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    assert len(answers) == len(threads), answers
    used = world.oracle.query("SELECT sum(m.size) FROM message m JOIN mailbox b ON b.id = m.mailbox"
                              " JOIN account a ON a.id = b.account WHERE a.login = 'quota@d.test'")[0][0]
    assert limit - len(LARGE) - 1000 < used <= limit, used
    with imap(server, "quota@d.test", b"INBOX") as peer:
        told = peer.imap_ok(b'GETQUOTAROOT INBOX')
        assert any(r.kind == "QUOTA" for r in told)
        peer.imap_ok(b"STORE 1:* +FLAGS (\\Deleted)")
        peer.imap_ok(b"CLOSE")
        peer.imap_ok(b"DELETE Source")


def until_dot(pop):
    text = b""
    while (line := pop.line()) not in (b".\r\n", b""):
        text += line
    return text


def test_pop3_deletes_what_it_listed(world, case):
    """Moved, copied and replaced by IMAP meanwhile: QUIT takes nothing else."""
    case.any_mail, case.cpu_s = True, 8
    server = world.server
    with imap(server, "carol@e.test", b"INBOX") as peer:
        peer.imap_ok(b"CREATE Kept")
        for n in range(6):
            assert peer.append(TEXT + b"number %d\r\n" % n) == "OK APPENDUID"
        with Peer(server, "pop3s").pop_login("carol@e.test") as pop:
            listed = dict(line.split() for line in pop.listing(b"UIDL").splitlines())
            first = len(listed) - 5  # the number of the first of the six
            peer.imap_ok(b"MOVE %d:%d Kept" % (first, first + 1))
            peer.imap_ok(b"REPLACE %d INBOX {%d+}\r\n%s" % (first, len(TEXT) + 5, TEXT + b"new\r\n"))
            peer.imap_ok(b"SELECT Kept")
            said = pop.pop(b"RETR %d" % first)  # gone, or what was listed; never another
            assert said.startswith(b"-ERR") or b"number 0\r\n" in said + until_dot(pop)
            for n in range(first, first + 4):
                pop.pop(b"DELE %d" % n)
            assert pop.pop(b"QUIT")[:3] in (b"+OK", b"-ER")
        assert [r.number for r in peer.imap_ok(b"FETCH 1:* (UID)")] == [1, 2]
        peer.imap_ok(b"SELECT INBOX")
        left = [r for r in peer.imap_ok(b"FETCH %d:* (UID)" % first)]
        assert len(left) == 3, left  # the new one, and the two that were neither moved nor deleted
        with Peer(server, "pop3s").pop_login("carol@e.test") as pop:
            now = dict(line.split() for line in pop.listing(b"UIDL").splitlines())
            assert len(set(now.values())) == len(now)
            moved = {listed[b"%d" % n] for n in range(first, first + 4)}
            assert not moved & set(now.values())
            assert pop.pop(b"LAST").startswith(b"-ERR") and pop.pop(b"QUIT").startswith(b"+OK")
        peer.imap_ok(b"STORE %d:* +FLAGS (\\Deleted)" % first)
        peer.imap_ok(b"EXPUNGE")
        peer.imap_ok(b"DELETE Kept")
