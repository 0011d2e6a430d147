# SPDX-License-Identifier: MIT
"""A142-A155: mailboxes, messages and several sessions."""
import contextlib
import re
import threading
import time
import zlib

import pytest

from imap_grammar import mutf7
from pennypost import cpu_s
from wire import EOD, HDR, Dialect, Peer, imap, smtp

SETTINGS = {"timeouts.stall": "5s", "limits.connections_per_address": 400, "limits.connections_per_account": 300,
            "imap.capabilities_off": ""}
ALICE, BOB, CAROL = "alice@d.test", "bob@d.test", "carol@e.test"
MESSAGE = HDR + b"\r\nx\r\n"


@pytest.fixture(autouse=True)
def moves(case):
    case.any_mail = True


@pytest.fixture
def carol(world):
    with imap(world.server, CAROL) as peer:
        yield peer
    scrub(world, CAROL)


def scrub(world, user):
    """No mailbox but INBOX and its kind, and nothing in them."""
    with imap(world.server, user) as peer:
        for line in sorted((r for r in peer.imap_ok(b'LIST "" *') if r.kind == "LIST"), key=lambda r: -len(r.name)):
            if line.name != "INBOX" and not any(a in line.values for a in ("\\Drafts", "\\Sent", "\\Junk", "\\Trash", "\\Archive")):
                peer.imap(b"DELETE " + quoted(line.name.encode()))
        peer.imap_ok(b"SELECT INBOX")
        peer.imap_ok(b"UID STORE 1:* +FLAGS.SILENT (\\Deleted)")
        peer.imap_ok(b"EXPUNGE")


def quoted(name):
    return b'"' + name.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def given(peer, name):
    """The name as an argument, whatever octets it has."""
    return b"{%d+}\r\n" % len(name) + name


def names(peer):
    return {r.name for r in peer.imap_ok(b'LIST "" *') if r.kind == "LIST"}


def delivered(world, user, n=1, text=b"x"):
    with smtp(world.server) as peer:
        for _ in range(n):
            peer.begin(to=[user.encode()]).send(HDR + b"\r\n" + text + EOD)
            assert peer.code() == 250


# ---- names of mailboxes

TRAVERSALS = [b"../bob/INBOX", b"INBOX/../../bob", b"/etc/passwd", b"~bob", b"#mh/x", b"user.bob", b"a\x00b", b".", b"..", b"a//b",
              b"a/", b"/", b"//", b"/".join([b"x"] * 1000), b"x" * 65536, b"%", b"*", b'a"b', b"a\\b", b"", b" ", b"a*b", b"a%b",
              b"user/bob", b"user/bob/INBOX", b"Other Users/bob@d.test/INBOX", b"bob@d.test", b"INBOX/", b"inbox/x", b"a/../b",
              b"x" * 256, b"/".join([b"y" * 200] * 20), b"a'b\"c;d", b"'; DROP TABLE mailbox;--", b"-rf", b"$(touch /tmp/pwn)"]


def test_A142_traversal(world, case):
    """CVE-2021-40525, CVE-2007-2231: no name leads anywhere but to a mailbox of one's own."""
    case.cpu_s, case.peak_mib = 30, 48
    with imap(world.server, BOB) as bob:
        before = names(bob)
    for name in TRAVERSALS:
        with contextlib.ExitStack() as stack:
            peer = stack.enter_context(imap(world.server, CAROL))
            for n, command in enumerate(TRAVELLING):
                if n == 8:  # ten errors end it
                    peer = stack.enter_context(imap(world.server, CAROL))
                says = peer.imap_says(command % given(peer, name))
                assert says.split()[0] in ("OK", "NO", "BAD"), (name, command, says)
            assert peer.append(MESSAGE, given(peer, name)).split()[0] in ("OK", "NO", "BAD")
            names(peer)  # the strict parser reads them all
        scrub(world, CAROL)
    with imap(world.server, BOB) as bob:
        assert names(bob) == before


TRAVELLING = [b"SELECT %s", b"EXAMINE %s", b"CREATE %s", b"STATUS %s (MESSAGES)", b"SUBSCRIBE %s", b"RENAME Archive %s",
              b'LIST "" %s', b'LIST %s *', b"RENAME %s Trash/x", b'GETMETADATA %s "/private/comment"', b"UNSUBSCRIBE %s",
              b"COPY 1 %s", b"DELETE %s"]

ODD = [b"a\rb", b"a\nb", b"a\r\n* BYE x", b"a\tb", b"a\x7fb", b"a\x80b", b"\xff\xfe", b"a\xe2\x80\xa8b", b"&", b"&-&", b"&AGE",
       b"&AGE-", b"&AC8-", b"a&AC8-b", b"&AAA-", b"&2D0-", b"&2D3cAA-", b"&3ADYPQ-", b"&-", b"&&-", b"&AGEAYg-", b"&Jjo!", b"a\xc3\xa4b",
       b"&AOQ-&AOQ-", b"\xc0\xaf", b"\xed\xa0\x80", b"&AA0ACg-", b"&ACI-", b"&AFw-", b"&//8-", b"&9v////8-", b"&JjoAKQ-"]


def test_A143_odd_names(world, case):
    """RFC 9051 s5.1, RFC 6855; Dovecot 596201e195: refused, or LIST is read by the strict
    parser; and no encoding makes a separator of hierarchy."""
    case.cpu_s = 6
    for utf8 in (False, True):
        for name in ODD:
            with imap(world.server, CAROL) as peer:
                if utf8:
                    peer.imap_ok(b"ENABLE UTF8=ACCEPT")
                    peer.dialect = Dialect(utf8=True)
                before = names(peer)
                says = peer.imap_says(b"CREATE " + given(peer, name))
                assert says.split()[0] in ("OK", "NO", "BAD"), name
                made = names(peer) - before
                assert len(made) <= 1 and (says == "OK" or says.startswith("OK MAILBOXID")) == bool(made), (name, says, made)
                for new in made:
                    decoded = new if utf8 else mutf7(new)
                    assert not re.search("[\x00-\x1f\x7f\u2028\u2029]", decoded or ""), name
                    if b"AC8" in name and not utf8:
                        assert "/" not in new
                    again = b"SELECT " + given(peer, new.encode())
                    assert peer.imap_says(again) == "OK READ-WRITE", (name, new)
                    peer.imap_ok(b"UNSELECT")
                    peer.imap_ok(b"DELETE " + given(peer, new.encode()))


def test_A144_patterns(world, case, carol):
    """RFC 9051 s6.3.9: as many steps as the name has octets."""
    case.cpu_s, case.peak_mib = 20, 24
    for n in range(300):
        carol.begin_imap(b"CREATE " + b"a" * 200 + b"%d" % n)
    while carol.parsed().tag != f"t{carol.n_commands}":
        pass
    usual = cost(world, lambda: carol.imap_ok(b'LIST "" "%"'))
    for pattern in (b"%*%*%*%*%*%*%*%*b", b"%a" * 100 + b"b", b"*a" * 150 + b"b", b"*" * 1000 + b"b"):
        assert cost(world, lambda: carol.imap_ok(b'LIST "" "' + pattern + b'"')) < 20 * usual + 0.5
    with imap(world.server, CAROL) as peer:  # nothing is left, or scrub() takes long
        for n in range(300):
            peer.begin_imap(b"DELETE " + b"a" * 200 + b"%d" % n)
        while peer.parsed().tag != f"t{peer.n_commands}":
            pass


def cost(world, work):
    pid = world.oracle.pids["popd"]
    before = cpu_s(pid)
    work()
    return cpu_s(pid) - before


# ---- keywords, APPEND

def test_A145_ten_thousand_keywords(world, case, carol):
    case.peak_mib, case.cpu_s = 16, 12
    assert carol.append(MESSAGE) == "OK APPENDUID"
    carol.imap_ok(b"SELECT INBOX")
    says = [carol.imap_says(b"STORE 1 +FLAGS (key%d)" % n) for n in range(70)]
    assert says[0] == "OK" and says[-1] == "NO LIMIT"
    assert carol.imap_says(b"STORE 1 +FLAGS (%s)" % b" ".join(b"more%d" % n for n in range(10000))) in ("NO LIMIT", "BAD")
    for bad in (b"a)", b"a\xff", b"\\Nonsense", b"(a)", b'"a"', b"a{3}", b"%", b"*", b"\\*", b"\\Recent", b"]x"):
        with imap(world.server, CAROL, box=b"INBOX") as peer:
            assert peer.imap_says(b"STORE 1 +FLAGS (" + bad + b")").startswith("BAD"), bad
    assert carol.imap_says(b"STORE 1 +FLAGS (" + b"k" * 10240 + b")").startswith(("BAD", "NO"))
    flags, = [r for r in imap_select(world, CAROL) if r.kind == "FLAGS"]
    assert len(flags.line) < 10000


def imap_select(world, user):
    with imap(world.server, user) as peer:
        return peer.imap_ok(b"SELECT INBOX")


def test_A146_append(world, case, carol):
    case.peak_mib = 8
    carol.send(b"a APPEND INBOX {0}\r\n")
    assert carol.line().startswith((b"a NO", b"+ "))
    if carol.during(0.2)[0] == b"":
        carol.send(b"\r\n")
        carol.during(0.5)
    with imap(world.server, CAROL) as peer:
        peer.send(b"a APPEND INBOX {1073741824}\r\n")
        assert peer.line().startswith(b"a NO [TOOBIG]")
        peer.send(b"b APPEND INBOX {1073741824+}\r\n")
        assert peer.rest().startswith((b"b NO [TOOBIG]", b"* BYE"))
    for date in (b'"99-Foo-0000 99:99:99 +9999"', b'"31-Feb-2026 00:00:00 +0000"', b'"01-Jan-2026 24:00:00 +0000"', b'""',
                 b'"01-Jan-99999 00:00:00 +0000"', b'"01-Jan-2026 00:00:00"'):
        with imap(world.server, CAROL) as peer:
            assert peer.append(MESSAGE, flags=date + b" ") == "BAD", date
    assert carol.append(b"From: a@b.c\r\n\r\na\x00b\r\n") == "NO CANNOT"
    assert carol.append(b"From: a@b.c\n\nbare\nLF\n") in ("OK APPENDUID", "NO CANNOT")
    carol.imap_ok(b"SELECT INBOX")
    for r in carol.imap_ok(b"FETCH 1:* (RFC822.SIZE BODY.PEEK[])"):
        if r.kind == "FETCH":
            assert r.values["RFC822.SIZE"] == len(r.values["BODY[]"])


@pytest.mark.parametrize("end", ["close", "reset", "half_close"])
def test_A146_gone_half_way(world, case, end):
    """No orphans, no descriptors; and nothing was stored."""
    case.peak_mib, case.cpu_s = 48, 20
    before = world.n(CAROL)
    for round in range(60):
        with imap(world.server, CAROL) as peer:
            size = 600000 if round % 4 == 0 else 3000
            peer.send(b"a APPEND INBOX {%d+}\r\n" % size + b"x" * (size - 1))
            if round % 3 == 0:
                peer.send(b"x (\\Seen) {10+}\r\n12345")
            getattr(peer, end)()
            if end == "half_close":
                peer.rest()
    assert world.n(CAROL) == before


def test_A147_twenty_appends_race_for_a_quota(world, case):
    """With deliveries beside them: what is counted is never more than may be."""
    case.peak_mib, case.cpu_s = 64, 10
    world.server.ctl("user", "quota", "quota@d.test", "1M")
    text = HDR + b"\r\n" + (b"A" * 76 + b"\r\n") * 1300
    peers = [imap(world.server, "quota@d.test") for _ in range(20)]
    mails = [smtp(world.server).begin(to=[b"quota@d.test"]) for _ in range(5)]
    for peer in peers:
        peer.begin_imap(b"APPEND INBOX {%d+}\r\n" % len(text) + text)
    for peer in mails:
        peer.send(text + b".\r\n")
    says = []
    for peer in peers:
        while not (got := peer.parsed()).tag:
            pass
        says.append(f"{got.kind} {got.code}")
    codes = [peer.code() for peer in mails]
    for peer in peers + mails:
        peer.close()
    assert set(says) <= {"OK APPENDUID", "NO OVERQUOTA"} and "NO OVERQUOTA" in says and set(codes) <= {250, 452, 552}
    (used,), = world.oracle.query("SELECT bytes FROM account_use u JOIN account a ON a.id = u.account"
                                  " WHERE login = 'quota@d.test'")
    assert used <= 1048576


def test_A148_doubling(world, case):
    """COPY 1:* to itself: each copy counts for the quota, however it is stored."""
    case.peak_mib, case.cpu_s = 32, 10
    with imap(world.server, "quota@d.test", box=b"INBOX") as peer:
        peer.append(HDR + b"\r\n" + b"x" * 5000 + b"\r\n")
        says = "OK COPYUID"
        for _ in range(30):
            says = peer.imap_says(b"UID COPY 1:* INBOX")
            if says != "OK COPYUID":
                break
        assert says == "NO OVERQUOTA"
    (used,), = world.oracle.query("SELECT bytes FROM account_use u JOIN account a ON a.id = u.account"
                                  " WHERE login = 'quota@d.test'")
    assert used <= 1048576


# ---- others' mail

FOREIGN = [b"SELECT %s", b"EXAMINE %s", b"STATUS %s (MESSAGES UIDNEXT)", b'LIST "" %s', b'LSUB "" %s', b"GETQUOTAROOT %s",
           b'GETMETADATA %s "/private/comment"', b'SETMETADATA %s ("/private/comment" "x")', b"DELETE %s", b"RENAME %s mine",
           b"GETQUOTA %s", b"APPEND %s {3+}\r\nabc", b"NOTIFY SET (MAILBOXES %s (MessageNew MessageExpunge))",
           b"GETACL %s", b"MYRIGHTS %s", b"LISTRIGHTS %s bob", b"SETACL %s bob lrs"]


def test_A149_others_names_are_no_names(world):
    """CVE-2026-47081/47083/47084/47089: the same answer as for what nobody has."""
    with imap(world.server, BOB) as bob:
        bob.imap_ok(b"CREATE secret")
    for name, other in ((b"user/bob@d.test", b"user/zzz@d.test"), (b"bob@d.test/INBOX", b"zzz@d.test/INBOX"), (b"secret", b"sicrit"),
                        (b"Other/bob/secret", b"Other/zzz/secret")):
        for command in FOREIGN:
            said = []
            for given_name in (name, other):
                with imap(world.server) as peer:
                    peer.send(b"t " + command % given_name + b"\r\n")
                    said.append(b"".join(lines_to(peer, b"t ")).replace(given_name, b"N"))
            assert said[0] == said[1], command
    with imap(world.server, BOB) as bob:
        bob.imap_ok(b"DELETE secret")


def lines_to(peer, tag):
    got = []
    while not got or not got[-1].startswith(tag):
        got.append(peer.line())
        assert got[-1], got
    return got


def test_A149_ids_of_others_say_nothing(world):
    """EMAILID and MAILBOXID of another account find nothing; nor do words of their mail."""
    delivered(world, BOB, text=b"Zyzzyva of bob alone")
    with imap(world.server, BOB, box=b"INBOX") as bob:
        email = [r for r in bob.imap_ok(b"FETCH * (EMAILID)") if r.kind == "FETCH"][-1].values["EMAILID"]
        assert [r for r in bob.imap_ok(b"SEARCH EMAILID " + email.encode())][-1].values
        assert [r for r in bob.imap_ok(b"SEARCH TEXT Zyzzyva")][-1].values
    with imap(world.server, box=b"INBOX") as peer:
        for keys in (b"EMAILID " + email.encode(), b"TEXT Zyzzyva", b"BODY zyz"):
            found, = [r for r in peer.imap_ok(b"SEARCH " + keys) if r.kind == "SEARCH"]
            assert not found.values


def test_removed_account_and_its_successor(world):
    """A session of one who is no more sees nothing of who has the name next."""
    server = world.server
    server.users["temp@d.test"] = "pw-temp-Xyz123"
    world.oracle.secrets.add("pw-temp-Xyz123")

    def make():
        server.ctl("user", "add", "temp@d.test", input="pw-temp-Xyz123\n")

    make()
    delivered(world, "temp@d.test", text=b"first one's")
    with imap(server, "temp@d.test", box=b"INBOX") as selected, imap(server, "temp@d.test") as waiting, \
            imap(server, "temp@d.test", box=b"INBOX") as idle, imap(server, "temp@d.test", box=b"INBOX") as noticing:
        idle.send(b"i IDLE\r\n")
        assert idle.line().startswith(b"+")
        noticing.imap_ok(b"NOTIFY SET (SELECTED (MessageNew MessageExpunge)) (PERSONAL (MessageNew MessageExpunge MailboxName))")
        server.ctl("user", "remove", "temp@d.test", "--yes")
        make()
        delivered(world, "temp@d.test", 2, text=b"successor's")
        for peer in (selected, waiting, noticing):
            for command in (b"FETCH 1:* BODY.PEEK[]", b"UID FETCH 1:* BODY.PEEK[]", b"STATUS INBOX (MESSAGES)", b'LIST "" *', b"SELECT INBOX",
                            b"CREATE x", b"APPEND INBOX {%d+}\r\n" % len(MESSAGE) + MESSAGE, b"SEARCH TEXT successor", b"NOOP",
                            b"GETQUOTAROOT INBOX", b'SETMETADATA "" ("/private/x" "y")', b"SUBSCRIBE y", b"FETCH 1 ENVELOPE"):
                if not peer.send(b"t " + command + b"\r\n"):
                    break
                got = b""
                while not re.search(rb"(?m)^t (OK|NO|BAD)", got):
                    line = peer.line()
                    got += line
                    if not line:
                        break
                assert b"successor" not in got, (command, got)
                assert b"MESSAGES 2" not in got, (command, got)
                if not re.search(rb"(?m)^t (OK|NO|BAD)", got):
                    break
        assert b"successor" not in idle.during(1)[0]
    with imap(server, "temp@d.test", box=b"INBOX") as peer:
        assert len([r for r in peer.imap_ok(b"FETCH 1:* UID") if r.kind == "FETCH"]) == 2
    server.ctl("user", "remove", "temp@d.test", "--yes")
    del server.users["temp@d.test"]


def test_mailbox_deleted_under_everybody(world, case):
    """While they fetch, idle, copy into it, notice it: and its name is given to another."""
    case.cpu_s, case.peak_mib = 10, 48
    big = HDR + b"\r\n" + (b"y" * 76 + b"\r\n") * 20000
    for round in range(5):
        with imap(world.server, CAROL) as owner:
            owner.imap_ok(b"CREATE doomed")
            for _ in range(4):
                owner.append(big, b"doomed")
            peers = [imap(world.server, CAROL, box=b"doomed") for _ in range(6)]
            peers[0].send(b"t FETCH 1:* BODY[]\r\n")
            peers[1].send(b"t IDLE\r\n")
            peers[2].send(b"t COPY 1:* doomed\r\nt COPY 1:* doomed\r\nt UID MOVE 1:* INBOX\r\n")
            peers[3].send(b"t NOTIFY SET (SELECTED (MessageNew (BODY.PEEK[]) MessageExpunge FlagChange)) (PERSONAL (MessageNew MessageExpunge))\r\n")
            peers[4].send(b"t SEARCH TEXT nothing\r\nt SORT (SUBJECT) UTF-8 ALL\r\nt THREAD REFERENCES UTF-8 ALL\r\n")
            peers[5].send(b"t APPEND doomed {%d+}\r\n" % len(big) + big[:-100])
            if round % 2:
                owner.imap_ok(b"RENAME doomed gone")
                owner.imap_ok(b"CREATE doomed")
                owner.imap_ok(b"DELETE gone")
            owner.imap_ok(b"DELETE doomed")
            owner.imap_ok(b"CREATE doomed")
            peers[5].send(big[-100:] + b"\r\n")
            for peer in peers:
                peer.send(b"u FETCH 1:* FLAGS\r\nu NOOP\r\nu LOGOUT\r\n")
            for peer in peers[1:]:
                with contextlib.suppress(TimeoutError):
                    peer.rest(5)
            for peer in peers:
                peer.close()
            owner.imap_ok(b"DELETE doomed")
    scrub(world, CAROL)


# ---- several sessions

def test_A150_rubbish_in_idle(world, case):
    case.peak_mib = 4
    with imap(world.server, CAROL, box=b"INBOX") as peer:
        peer.send(b"i IDLE\r\n")
        assert peer.line().startswith(b"+")
        peer.send(b"x" * 1048576)
        got = peer.rest()
        assert got.startswith((b"i BAD", b"* BYE"))
    with imap(world.server, CAROL, box=b"INBOX") as peer:
        for _ in range(12):  # and each counts
            if not peer.send(b"i IDLE\r\nNOOP\r\n"):
                break
        assert peer.rest().count(b"BAD") == 10


def test_A150_two_hundred_idle(world, case):
    """Each hears of every delivery, and nobody's memory grows."""
    case.peak_mib, case.cpu_s = 64, 60
    peers = [imap(world.server, CAROL, box=b"INBOX") for _ in range(150)]
    start = world.n(CAROL)
    for peer in peers:
        peer.send(b"i IDLE\r\n")
        assert peer.line().startswith(b"+")
    delivered(world, CAROL, 60)
    for peer in peers:
        while b"* %d EXISTS" % (start + 60) not in peer.seen:
            assert peer.fill()
        counts = [int(n) for n in re.findall(rb"\* (\d+) EXISTS", peer.seen)]
        assert counts == sorted(set(counts)) and counts[-1] == start + 60
        peer.close()
    scrub(world, CAROL)


def test_A151_id(world):
    """RFC 2971 s3.3; what is logged of it is printable and short."""
    for pairs, says in ((b"(%s)" % b" ".join(b'"k%d" "v"' % n for n in range(31)), "BAD"), (b'("name" {%d+}\r\n' % 900000 + b"x" * 900000 + b")", "BAD"),
                        (b"(NIL \"x\")", "BAD"), (b'("name" {8+}\r\nx\r\n* BYE)', "OK|BAD"), (b'("name" "evil\x1b[2J" "version" "\x7f")', "OK|BAD"),
                        (b'("name" "x=y user=root" "version" "1\\"")', "OK"), (b"NIL", "OK"), (b"()", "OK"), (b'("name")', "BAD"),
                        (b'("%s" "x")' % (b"k" * 31), "BAD")):
        with imap(world.server, CAROL) as peer:
            assert peer.imap_says(b"ID " + pairs) in says.split("|"), pairs[:50]
            peer.imap_ok(b"SELECT INBOX")
            peer.append(MESSAGE)
            peer.imap_ok(b"FETCH * BODY[]")
            peer.imap_ok(b"LOGOUT")


def test_A152_numbers_do_not_shift(world, case):
    """RFC 9051 s7.5.1: one expunges while another fetches, stores and searches by number."""
    case.cpu_s = 20
    scrub(world, CAROL)
    with imap(world.server, CAROL) as peer:
        for n in range(30):
            assert peer.append(HDR + b"\r\nnumber %d.\r\n" % n) == "OK APPENDUID"
    with imap(world.server, CAROL, box=b"INBOX") as reader, imap(world.server, CAROL, box=b"INBOX") as other:
        def uids():
            return {r.number: r.values["UID"] for r in reader.imap_ok(b"FETCH 1:* (UID)") if r.kind == "FETCH"}

        known = uids()
        for n in range(20):
            other.imap_ok(b"STORE %d +FLAGS.SILENT (\\Deleted)" % (1 + n % 7))
            other.imap_ok(b"EXPUNGE")
            for command in (b"FETCH 1:* (UID BODY.PEEK[TEXT])", b"STORE 2,9 +FLAGS (\\Seen)", b"SEARCH 1:* NOT DELETED", b"FETCH 3 (UID)"):
                tagged, said = reader.imap(command)
                assert tagged.kind in ("OK", "NO")
                assert not any(r.kind in ("EXPUNGE", "VANISHED") for r in said), command
                for r in said:
                    if r.kind == "FETCH" and "UID" in r.values:
                        assert known[r.number] == r.values["UID"], command
        for r in reader.imap_ok(b"NOOP"):
            if r.kind == "EXPUNGE":
                left = [known[k] for k in sorted(known) if k != r.number]
                known = dict(enumerate(left, 1))
        assert uids() == known and len(known) == 10
    scrub(world, CAROL)


def test_A153_numbers_of_condstore(world, case, carol):
    """RFC 7162: refused or right, and no overflow."""
    case.peak_mib, case.cpu_s = 24, 4
    carol.append(MESSAGE)
    for command, says in (
            (b"ENABLE", "BAD"), (b"ENABLE X", "OK"), (b"ENABLE " + b"X " * 10000 + b"Y", "OK|BAD"), (b"SELECT INBOX (CONDSTORE)", "OK READ-WRITE"),
            (b"ENABLE QRESYNC", "OK"), (b"FETCH 1:* (FLAGS) (CHANGEDSINCE 0)", "OK|BAD"), (b"FETCH 1:* (FLAGS) (CHANGEDSINCE 18446744073709551615)", "BAD"),
            (b"FETCH 1:* (FLAGS) (CHANGEDSINCE 9223372036854775807)", "OK"), (b"UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1 VANISHED)", "OK"),
            (b"STORE 1 (UNCHANGEDSINCE 18446744073709551615) FLAGS ()", "BAD"), (b"STORE 1 (UNCHANGEDSINCE 0) +FLAGS (\\Seen)", "OK MODIFIED|OK"),
            (b"UNSELECT", "OK"), (b"UNSELECT", "BAD"), (b"SELECT INBOX (QRESYNC (0 1))", "BAD"), (b"CLOSE", "BAD"),
            (b"SELECT INBOX (QRESYNC (1 18446744073709551615))", "BAD"), (b"SELECT INBOX (QRESYNC (4294967295 1 *))", "BAD"),
            (b"SELECT INBOX (QRESYNC (1 1 %s))" % b",".join(b"%d" % (2 * n + 1) for n in range(120000)), "BAD"),
            (b"UNAUTHENTICATE", "BAD")):
        assert carol.imap_says(command) in says.split("|"), command[:80]
    (valid,), = world.oracle.query("SELECT b.uid_validity FROM mailbox b JOIN account a ON a.id = b.account WHERE login = ? AND name = 'INBOX'", CAROL)
    with imap(world.server, CAROL) as peer:
        peer.imap_ok(b"ENABLE QRESYNC")
        ranges = b",".join(b"%d" % (2 * n + 1) for n in range(90000))
        assert peer.imap_says(b"SELECT INBOX (QRESYNC (%d 1 %s))" % (valid, ranges)) == "OK READ-WRITE"
        assert peer.imap_says(b"SELECT INBOX (QRESYNC (%d 1 1:4294967294 (%s %s)))" % (valid, ranges[:300000], ranges[:300000].rstrip(b",0123456789") + b"1")
                              ).startswith(("OK", "BAD"))


def deflated(octets):
    c = zlib.compressobj(9, wbits=-15)
    return c.compress(octets) + c.flush(zlib.Z_SYNC_FLUSH)


@pytest.mark.parametrize("text", [b" " * 67108864, b"a NOOP\r\n" * 200000, b"A" * 67108864, b"a LIST \"\" {67000000+}\r\n" + b"x" * 67000000],
                         ids=["spaces", "noops", "line", "literal"])
def test_A154_bombs(world, case, text):
    """COMPRESS on: what comes out is a line, and no longer than others may be."""
    case.peak_mib, case.cpu_s = 8, 20
    with imap(world.server, CAROL) as peer:
        peer.imap_ok(b"COMPRESS DEFLATE")
        bomb = deflated(text)
        got = threading.Thread(target=lambda: peer.send(bomb))
        got.start()
        back = zlib.decompressobj(wbits=-15)
        answer = b""
        with contextlib.suppress(TimeoutError):
            peer.sock.settimeout(20)
            while chunk := peer.sock.recv(65536):
                answer = (answer + back.decompress(chunk))[-1000:]
        got.join()
    assert text.startswith(b"a NOOP") or b"BYE" in answer or b"TOOBIG" in answer or not answer


@pytest.mark.parametrize("octets", [b"\xff" * 100, b"\x07" + b"\0" * 50, b"plain NOOP\r\n", zlib.compress(b"a NOOP\r\n")], ids=range(4))
def test_A154_not_deflate(world, octets):
    with imap(world.server, CAROL) as peer:
        peer.imap_ok(b"COMPRESS DEFLATE")
        peer.send(octets * 20)
        got, is_open = peer.during(1)
        assert b"a OK" not in got


def test_A154_is_off_unless_asked_for(world):
    """(conf: imap.capabilities_off) and COMPRESS twice is refused."""
    with imap(world.server, CAROL) as peer:
        peer.send(b"a COMPRESS DEFLATE\r\nb NOOP\r\n")  # RFC 4978 s3: nothing may follow it
        got = peer.rest(5)
        assert b"b OK" not in got


def test_A155_hundred_blocked_readers(world, case):
    """10 MB each, nobody reads: a piece of it for each is in memory, and then they are closed."""
    case.peak_mib, case.cpu_s = 96, 40
    text = HDR + b"\r\n" + (b"z" * 76 + b"\r\n") * 120000
    with imap(world.server, CAROL) as peer:
        assert peer.append(text) == "OK APPENDUID"
    peers = []
    for n in range(100):
        peer = imap(world.server, CAROL, rcvbuf=4096)
        peer.begin_imap(b"SELECT INBOX")
        peer.begin_imap(b"FETCH * (BODY[] BODY[] BODYSTRUCTURE BODY[TEXT])")
        peers.append(peer)
    for n, peer in enumerate(peers):
        if n % 3 == 0:
            peer.reset()
    time.sleep(1)
    world.oracle.greets()
    for n, peer in enumerate(peers):
        if n % 3:
            peer.sock.settimeout(60)
            total = 0
            with contextlib.suppress(OSError):
                while total < 3 * len(text) and (chunk := peer.sock.recv(1024)) and total < 40000:
                    total += len(chunk)
            peer.close()
    scrub(world, CAROL)


def test_writer_that_never_reads(world, case):
    """A client that asks all the time, and takes nothing."""
    case.peak_mib, case.cpu_s = 16, 20
    for command in (b"a LIST \"\" *\r\n", b"a CAPABILITY\r\n", b"a NOOP\r\n", b"a UID FETCH 1:* (ENVELOPE BODYSTRUCTURE FLAGS)\r\n",
                    b"a ENABLE CONDSTORE\r\n"):
        with imap(world.server, CAROL, box=b"INBOX", rcvbuf=4096) as peer:
            peer.sock.settimeout(1)
            sent, end = 0, time.monotonic() + 40
            while time.monotonic() < end:
                try:
                    sent += peer.sock.send(command * 1000)
                except TimeoutError:
                    continue
                except OSError:
                    break
            assert sent < 16 * 1048576 and time.monotonic() < end, command


def test_storm_of_notices(world, case):
    """NOTIFY on everything, and a hundred others that make things happen: bounded, or overflow is said."""
    case.peak_mib, case.cpu_s = 32, 60
    with imap(world.server, CAROL) as watcher, imap(world.server, CAROL, rcvbuf=4096) as deaf:
        for peer in (watcher, deaf):
            peer.imap_ok(b"NOTIFY SET STATUS (PERSONAL (MailboxName SubscriptionChange MessageNew MessageExpunge FlagChange MailboxMetadataChange))")
        with imap(world.server, CAROL) as maker:
            for n in range(300):
                maker.begin_imap(b"CREATE storm%d" % n)
                maker.begin_imap(b"SUBSCRIBE storm%d" % n)
                maker.begin_imap(b'SETMETADATA storm%d ("/private/comment" "x")' % n)
                maker.begin_imap(b"APPEND storm%d {3+}\r\nabc" % n)
                maker.begin_imap(b"DELETE storm%d" % n)
                maker.begin_imap(b"UNSUBSCRIBE storm%d" % n)
            while maker.parsed().tag != f"t{maker.n_commands}":
                pass
        seen = watcher.imap_ok(b"NOOP")
        assert all(r.kind in ("LIST", "STATUS", "METADATA", "OK", "EXISTS", "RECENT") for r in seen)
