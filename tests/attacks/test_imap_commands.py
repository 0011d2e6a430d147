# SPDX-License-Identifier: MIT
"""A129-A141 and their like: what a line of IMAP may be, before login and after."""
import pytest

from wire import Peer, imap

SETTINGS = {"timeouts.stall": "10s", "limits.connections_per_address": 400}
ALICE = "alice@d.test"
MESSAGE = b"From: a@remote.test\r\nSubject: s\r\n\r\n" + b"x" * 900 + b"\r\n"
DOORS = ["imap", "imaps"]


def answers(peer, seconds=1):
    """The lines that come of what was sent, and whether the connection is open."""
    got, is_open = peer.during(seconds)
    return got.split(b"\r\n")[:-1], is_open


def stranger(world, door="imaps", **more):
    return Peer(world.server, door, **more)


@pytest.fixture
def alice(world):
    """alice, with one message in INBOX selected."""
    with imap(world.server) as peer:
        peer.imap_ok(b"SELECT INBOX")
        yield peer


# ---- literals

ANNOUNCED = [b"{4294967295}", b"{18446744073709551616}", b"{999999999}", b"{-1}", b"{+}", b"{1+",
             b"{99999999999999999999999999}", b"{9223372036854775807}", b"{8193}", b"{ 1}", b"{1}}", b"{0x1}",
             b"~{999999999}", b"{99999999-}"]


@pytest.mark.parametrize("door", DOORS)
def test_A129_announced_literals(world, case, door):
    """CVE-2024-34055, CVE-2025-61600, CVE-2024-37358: refused without a `+', and without memory."""
    case.peak_mib = 2
    for announced in ANNOUNCED:
        with stranger(world, door) as peer:
            peer.send(b"a LOGIN " + announced + b"\r\n")
            line = peer.line()
            assert line.startswith((b"a BAD", b"a NO")), line
            assert peer.imap_says(b"NOOP") == "OK"


def test_A129_literals_that_are_some(world):
    for announced in (b"{08}", b"{1}"):
        with stranger(world) as peer:
            peer.send(b"a LOGIN " + announced + b"\r\n")
            assert peer.line().startswith(b"+ ")


def test_A129_unasked_literals_of_strangers(world, case):
    """RFC 7888 s4: they cannot be read over for ever."""
    case.peak_mib = 2
    for announced in (b"{8193+}", b"{4294967295+}", b"{18446744073709551616+}"):
        with stranger(world) as peer:
            peer.send(b"a LOGIN " + announced + b"\r\n")
            assert peer.line().startswith(b"* BYE") and peer.is_closed()


def test_A129_many_strangers_with_literals(world, case):
    """What 150 may have us hold before they log in."""
    case.peak_mib, case.cpu_s = 24, 8
    peers = [stranger(world, "imap") for _ in range(150)]
    for peer in peers:
        peer.send(b"a LOGIN {8000}\r\n")
    for peer in peers:
        assert peer.line().startswith(b"+ ")
        peer.send(b"x" * 7999)
    world.oracle.greets()
    for peer in peers:
        peer.close()


def test_A130_five_thousand_literals(world, case, alice):
    """20 MB of arguments: a megabyte is heard."""
    case.peak_mib, case.cpu_s = 8, 4
    alice.send(b"a SEARCH")
    for _ in range(5000):
        if not alice.send(b" TEXT {4096+}\r\n" + b"x" * 4096):
            break
    alice.send(b"\r\n")
    line = alice.line()
    assert line.startswith((b"a NO [TOOBIG]", b"a BAD", b"* BYE")), line


def test_A130_waiting_literals(world, alice):
    """The same, politely: it ends at the megabyte."""
    alice.send(b"a SEARCH")
    for n in range(400):
        alice.send(b" TEXT {4096}\r\n")
        line = alice.line()
        if not line.startswith(b"+ "):
            break
        alice.send(b"x" * 4096)
    assert line.startswith(b"a NO [TOOBIG]") and 240 < n < 260
    assert alice.imap_says(b"NOOP") == "OK"


# ---- lines

def test_A131_parentheses_of_strangers(world, case):
    """CVE-2026-27857, CVE-2026-42006: 200 lines held open cost no more than they have octets."""
    case.peak_mib, case.cpu_s = 24, 10
    peers = [stranger(world, "imap") for _ in range(200)]
    for peer in peers:
        peer.send(b"a NOOP " + b"(" * 8000)
    world.oracle.greets()
    for peer in peers:
        peer.send(b")" * 8 + b"\r\n")
        assert peer.line().startswith(b"a BAD")
        peer.close()


def test_A131_parentheses(world, case):
    case.peak_mib, case.cpu_s = 4, 4
    for before in (b"SEARCH ", b"FETCH 1 ", b"LIST (", b"STORE 1 FLAGS ", b"ID ", b"NOTIFY SET ", b"SORT ", b"STATUS INBOX ",
                   b"GETMETADATA ", b"SELECT INBOX ", b"APPEND INBOX ", b"ENABLE ", b"COMPRESS ", b"UID EXPUNGE "):
        with imap(world.server, box=b"INBOX") as peer:
            for _ in range(3):
                assert peer.imap_says(before + b"(" * 100000).startswith(("BAD", "NO"))
            assert peer.imap_says(b"NOOP") == "OK"


STRINGS = [b'a LOGIN "a\x00b" "c"\r\n', b'a LOGIN "abc\\\r\n', b'a LOGIN "abc\\"\r\n', b'a LOGIN "\xff" "c"\r\n',
                                  b'a LOGIN "a\rb" "c"\r\n', b'a LOGIN "a\nb" "c"\r\n', b'a LOGIN "a\\bc" "c"\r\n',
                                  b'a LOGIN "a" "c" "d"\r\n', b'a LOGIN "a"\r\n', b'a LOGIN\r\n', b'a LOGIN a  b\r\n',
                                  b"a LOGIN {3}\r\na\x00b x\r\n"]


@pytest.mark.parametrize("door", DOORS)
def test_A132_strings(world, door):
    """CVE-2019-11500"""
    for line in STRINGS:
        with stranger(world, door) as peer:
            peer.send(line)
            got, is_open = answers(peer, 0.3)
            got = [l for l in got if not l.startswith(b"+ ")]
            # on 143 the line is not read that far: no login in clear
            assert got and all(l.startswith((b"a BAD", b"* BAD", b"b BAD", b"a NO [PRIVACYREQUIRED]")) for l in got), got
            assert is_open


@pytest.mark.parametrize("door", DOORS)
def test_A133_line_without_end(world, case, door):
    case.peak_mib = 2
    with stranger(world, door) as peer:
        sent = 0
        while sent < 10 * 1048576 and peer.send(b"A" * 65536):
            sent += 65536
        got = peer.rest()
        assert got.startswith(b"* BYE") or not got


def test_A133_line_without_end_after_login(world, case, alice):
    case.peak_mib = 4
    sent = 0
    while sent < 64 * 1048576 and alice.send(b"A" * 65536):
        sent += 65536
    assert sent < 64 * 1048576
    got = alice.rest()
    assert got.startswith(b"* BYE") or not got


@pytest.mark.parametrize("door", DOORS)
def test_A133_bad_commands_end_it(world, door):
    with stranger(world, door) as peer:
        peer.send(b"a BOGUS\r\n" * 50)
        got = peer.rest().split(b"\r\n")
        assert len([l for l in got if l.startswith(b"a BAD")]) == 10 and got[-2].startswith(b"* BYE")


TAGS = [b"* NOOP", b"+ NOOP", b"{3} NOOP", b"a\x00 NOOP", b"", b"x" * 10240 + b" NOOP", b" NOOP",
                                  b"a", b"a ", b"\xff NOOP", b'"a" NOOP', b"a\\ NOOP", b"(a NOOP", b"a% NOOP", b"a* NOOP",
                                  b"a\x1b[31m NOOP", b"a\tNOOP"]


@pytest.mark.parametrize("door", DOORS)
def test_A134_tags(world, door):
    """RFC 9051 s9 tag: no answer that could be taken for another response."""
    for line in TAGS:
        with stranger(world, door) as peer:
            peer.send(line + b"\r\n")
            answer = peer.line()
            assert answer.startswith((b"* BAD ", b"a BAD ")) and len(answer) < 200, answer
            assert peer.imap_says(b"NOOP") == "OK"


STRANGERS = [b"FETCH 1 FLAGS", b"SELECT INBOX", b"APPEND INBOX {3+}\r\nabc", b"CLOSE", b"EXPUNGE", b"LIST \"\" *", b"IDLE",
             b"STATUS INBOX (MESSAGES)", b"ENABLE IMAP4rev2", b"COMPRESS DEFLATE", b"NOTIFY NONE", b"GETQUOTAROOT INBOX",
             b"UID FETCH 1 FLAGS", b"NAMESPACE", b"SETMETADATA \"\" (/private/x NIL)", b"UNAUTHENTICATE"]


@pytest.mark.parametrize("door", DOORS)
def test_A135_before_login(world, door):
    """RFC 9051 s3"""
    for command in STRANGERS:
        with stranger(world, door) as peer:
            assert peer.imap_says(command).startswith(("BAD", "NO")), command
            assert peer.imap_says(b"NOOP") == "OK"


MEMBERS = [b"FETCH 1 FLAGS", b"UID FETCH 1 FLAGS", b"STORE 1 FLAGS ()", b"EXPUNGE", b"CLOSE", b"UNSELECT",
                                     b"SEARCH ALL", b"COPY 1 INBOX", b"CHECK", b"LOGIN a b", b"AUTHENTICATE PLAIN", b"STARTTLS",
                                     b"UNAUTHENTICATE"]


def test_A135_after_login_without_a_mailbox(world):
    for command in MEMBERS:
        with imap(world.server) as peer:
            assert peer.imap_says(command).startswith("BAD"), command
            assert peer.imap_says(b"NOOP") == "OK"


def test_A135_select_that_fails_leaves_none(alice):
    assert alice.imap_says(b"SELECT nothing") == "NO NONEXISTENT"
    assert alice.imap_says(b"FETCH 1 FLAGS").startswith("BAD")


def test_strangers_say_a_hundred_things(world):
    """Then they go: NOOP is no way to stay."""
    with stranger(world, "imap") as peer:
        peer.send(b"a NOOP\r\n" * 1000)
        got = peer.rest()
        assert got.endswith(b"* BYE Too many commands without login\r\n") and got.count(b"a OK") == 100


# ---- sets

SETS = [b"0", b"4294967296", b"1:2:3", b",1", b"1,", b"1,,2", b"-1", b"1:", b":1", b"1:0", b"0:*", b"*:0", b"a", b"1;2",
        b"18446744073709551617", b"1,0,2", b"**", b"1:*:2", b"01", b"$1", b"$,1", b"1,$"]
COMMANDS = [b"FETCH %s FLAGS", b"STORE %s +FLAGS (x)", b"COPY %s INBOX", b"MOVE %s INBOX", b"SEARCH %s"]


@pytest.mark.parametrize("uid", [b"", b"UID "], ids=["by_number", "by_uid"])
@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.split()[0].decode())
def test_A136_bad_sets(world, command, uid):
    """RFC 9051 s9; on an empty mailbox, too."""
    for box in (b"INBOX", b"Trash"):
        for first in range(0, len(SETS), 8):
            with imap(world.server, box=box) as peer:  # ten errors end it
                for given in SETS[first:first + 8]:
                    text = uid + command % given
                    if uid and command.startswith(b"SEARCH"):
                        text = b"SEARCH UID " + given
                    assert peer.imap_says(text).startswith("BAD"), text


LARGE = [b"1:4294967295", b"*:*", b"4294967295:*", b"1:*", b"*", b"*:1", b"4294967295", b"1,1,1,1:*",
                                   b"1," * 99998 + b"1", b",".join(b"%d" % (2 * n + 1) for n in range(90000)),
                                   b",".join(b"%d:%d" % (4294967000 - 7 * n, 4294967001 - 7 * n) for n in range(30000))]


@pytest.mark.parametrize("given", LARGE, ids=range(11))
def test_A136_large_sets(world, case, given):
    """As many steps as there are messages or ranges, not as there are numbers."""
    case.peak_mib, case.cpu_s = 16, 3
    with imap(world.server) as peer:
        for box in (b"INBOX", b"Trash"):
            peer.imap_ok(b"SELECT " + box)
            for command in (b"UID FETCH %s FLAGS", b"UID STORE %s +FLAGS.SILENT ()", b"UID COPY %s nowhere", b"SEARCH UID %s"):
                assert peer.imap_says(command % given) in ("OK", "NO TRYCREATE"), command
    if not given.startswith((b"1:42", b"*", b"1:*")):
        return
    with imap(world.server, box=b"Trash") as peer:
        for command in (b"FETCH %s FLAGS", b"STORE %s FLAGS ()", b"COPY %s INBOX"):
            assert peer.imap_says(command % given) in ("OK", "BAD"), command


def test_A136_too_many_ranges(world, case, alice):
    case.peak_mib = 16
    assert alice.imap_says(b"UID FETCH " + b"1," * 300000 + b"1 FLAGS").startswith("BAD")
    assert alice.imap_says(b"NOOP") == "OK"


# ---- FETCH

@pytest.fixture
def kilobyte(world, case):
    """bob, with a message of a kilobyte: its UID."""
    case.any_mail = True
    with imap(world.server, "bob@d.test", box=b"INBOX") as peer:
        tagged, _ = peer.imap(b"APPEND INBOX {%d+}\r\n" % len(MESSAGE) + MESSAGE)
        yield peer, int(tagged.args[1])


PARTS = [
    (b"1]<393216.393216>", b""), (b"1]<4294967295.1>", b""), (b"1]<0.0>", None), (b"1]<0.4294967295>", b"x" * 900 + b"\r\n"),
    (b"1]<1.18446744073709551616>", None), (b"1]<1.9223372036854775807>", b"x" * 899 + b"\r\n"), (b"1]<-1.5>", None),
    (b"1]<9223372036854775807.9223372036854775807>", b""), (b"]<0.9223372036854775807>", MESSAGE),
    (b"]<1.4294967296>", MESSAGE[1:]), (b"]<4294967296.4294967296>", b""), (b"1]<5>", None), (b"1]<5.>", None),
    (b"1]<901.1>", b"\n"), (b"1]<902.1>", b""), (b"HEADER.FIELDS (Subject)]<9.3>", b"s\r\n"), (b"1]<>", None)]


def test_A137_partial(world, kilobyte):
    """hMailServer #524; RFC 9051 s6.4.5: no wrap, and nothing behind the message."""
    _, uid = kilobyte
    for part, gives in PARTS:
        with imap(world.server, "bob@d.test", box=b"INBOX") as peer:
            for item in (b"BODY.PEEK[", b"BINARY.PEEK[") if not part.startswith(b"HEADER") else (b"BODY.PEEK[",):
                tagged, got = peer.imap(b"UID FETCH %d (%s%s)" % (uid, item, part))
                assert tagged.kind == ("BAD" if gives is None else "OK"), (item, part)
                if gives is not None:
                    value, = [v for k, v in got[-1].values.items() if k.startswith(item[:4].decode())]
                    assert value in (gives, gives or None), (item, part)


SECTIONS = [
    (b"[0]", False), (b"[999]", True), (b"[" + b".".join([b"1"] * 1000) + b"]", True), (b"[4294967296]", False),
    (b"[4294967295]", True), (b"[HEADER.FIELDS ()]", False), (b"[HEADER.FIELDS]", False), (b"[1.0]", False), (b"[1.]", False),
    (b"[MIME]", False), (b"[1.MIME.1]", False), (b"[TEXT.1]", False), (b"[1..1]", False), (b"[.1]", False), (b"[", False),
    (b"[1", False), (b"[HEADER.FIELDS ({9+}\r\nX\r\n* BYE \x07)]", False), (b"[HEADER.FIELDS ({5+}\r\nX\r\nab)]", False),
    (b"[HEADER.FIELDS (\"a\tb\")]", False), (b"[-1]", False), (b"[01]", True), (b"[HEADER.FIELDS (\"a b\" \"c\\\"\")]", True),
    (b"[1.1.HEADER]", True), (b"[HEADER.FIELDS ({3+}\r\nX:{ Y)]", True)]


def test_A138_sections(world, kilobyte):
    """What is echoed is read by the strict parser; no CR or LF of the client's is in it."""
    _, uid = kilobyte
    for section, good in SECTIONS:
        with imap(world.server, "bob@d.test", box=b"INBOX") as peer:
            assert peer.imap_says(b"UID FETCH %d (BODY.PEEK%s)" % (uid, section)) == ("OK" if good else "BAD"), section
            assert peer.imap_says(b"NOOP") == "OK"


def test_A138_ten_thousand_field_names(kilobyte, case):
    peer, uid = kilobyte
    case.peak_mib, case.cpu_s = 16, 3
    names = b" ".join(b"X-Field-%d" % n for n in range(10000))
    for _ in range(5):
        assert peer.imap_says(b"UID FETCH %d (BODY.PEEK[HEADER.FIELDS (%s)])" % (uid, names)) == "OK"


def test_A138_a_thousand_items(kilobyte, case):
    """Each of them is answered, and what is one too many is not."""
    peer, uid = kilobyte
    case.peak_mib, case.cpu_s = 16, 4
    for item in (b"BODY.PEEK[]", b"ENVELOPE", b"BODYSTRUCTURE", b"BODY.PEEK[HEADER.FIELDS (A B C)]", b"BINARY.PEEK[1]", b"PREVIEW"):
        peer.send(b"a UID FETCH %d (%s)\r\n" % (uid, b" ".join([item] * 1000)))
        got = peer.response()
        assert got.count(item.split(b".")[0].split(b"[")[0]) >= 1000
        assert peer.line().startswith(b"a OK")
        assert peer.imap_says(b"UID FETCH %d (%s)" % (uid, b" ".join([item] * 1001))) == "BAD"


# ---- SEARCH

NESTED = [b"NOT " * 100000 + b"ALL", b"OR " * 50000 + b"ALL", b"(" * 50000 + b"ALL" + b")" * 50000,
                                  b"ALL " * 100000 + b"ALL", b"OR ALL " * 50000 + b"ALL", b"NOT (" * 30000 + b"ALL" + b")" * 30000,
                                  b"(ALL) " * 60000 + b"ALL", b"1:* " * 100000 + b"ALL", b"KEYWORD a " * 60000 + b"ALL"]


def test_A139_nesting(case, alice):
    case.peak_mib, case.cpu_s = 8, 4
    for text in NESTED:
        assert alice.imap_says(b"SEARCH " + text) in ("BAD", "NO TOOBIG")
    assert alice.imap_says(b"NOOP") == "OK"


def test_A139_as_deep_and_long_as_may_be(case, alice):
    case.peak_mib, case.cpu_s = 16, 4
    for text in (b"NOT " * 248 + b"SUBJECT x", b"(" * 248 + b"TEXT x" + b")" * 248, b"OR ALL " * 240 + b"TEXT nothere",
                 b"FROM nobody " * 4990 + b"ALL", b"OR (SEEN ANSWERED) " * 200 + b"DELETED"):
        assert alice.imap_says(b"SEARCH " + text) == "OK", text[:40]


KEYS = [
    (b"RETURN (PARTIAL 99999999999:1) ALL", "BAD"), (b"RETURN (PARTIAL 0:1) ALL", "BAD"), (b"RETURN (PARTIAL -1:1) ALL", "BAD"),
    (b"RETURN (PARTIAL 1:1 ALL) ALL", "BAD"), (b"CHARSET x-unknown ALL", "NO BADCHARSET"),
    (b"CHARSET " + b"x" * 100000 + b" ALL", "BAD"), (b'SUBJECT ""', "OK"), (b'HEADER "" ""', "OK"),
    (b"KEYWORD {9+}\r\nX\r\nb LIST", "BAD"), (b"MODSEQ 18446744073709551616", "BAD"), (b"LARGER -1", "BAD"),
    (b"LARGER 18446744073709551616", "BAD"), (b"SMALLER 9223372036854775807", "BAD"), (b"YOUNGER 0", "BAD"),
    (b"YOUNGER 4294967296", "BAD"), (b"OLDER 4294967295", "OK"), (b"BEFORE 31-Feb-2026", "BAD"), (b"SINCE 1-Jan-99999", "BAD"),
    (b"ON \"01-Jan-0000\"", "BAD|OK"), (b"EMAILID ''; DROP", "BAD"), (b"EMAILID M" + b"z" * 300, "OK|BAD"),
    (b"RETURN (SAVE SAVE ALL COUNT MIN MAX) $", "OK|BAD"), (b"UID $,1", "BAD"), (b"TEXT {3+}\r\na\x00b", "BAD"),
    (b"CHARSET UTF-16 SUBJECT {3+}\r\n\xd8\x00\xd8", "BAD"), (b"CHARSET UTF-8 SUBJECT {2+}\r\n\xc3\x28", "OK|NO BADCHARSET"),
    (b"CHARSET UTF-7 SUBJECT {5+}\r\n+AAA-", "OK|NO BADCHARSET"), (b"TEXT {8+}\r\nx\r\n.\r\n\r\n", "OK")]


def test_A140_search_arguments(world):
    """Dovecot 9357e355a4, 6a50a4aee8: refused, and nothing of them is taken for a command."""
    for text, says in KEYS:
        with imap(world.server, box=b"INBOX") as peer:
            assert peer.imap_says(b"SEARCH " + text) in says.split("|"), text[:60]
            assert peer.imap_says(b"NOOP") == "OK"


ZEROS = [b"REPLACE 0 INBOX {1+}\r\nx", b"UID REPLACE 0 INBOX {1+}\r\nx", b"REPLACE 99999 INBOX {1+}\r\nx",
                                     b"REPLACE x INBOX {1+}\r\nx", b"REPLACE 1:2 INBOX {1+}\r\nx", b"STORE 0 FLAGS (x)", b"FETCH 0 FLAGS",
                                     b"COPY 0 INBOX", b"MOVE 0 INBOX"]


def test_A141_number_zero(alice):
    """Dovecot c54b70fc8f"""
    for command in ZEROS:
        assert alice.imap_says(command).startswith(("BAD", "NO EXPUNGEISSUED")), command
    assert alice.imap_says(b"NOOP") == "OK"


# ---- and more

def test_http_is_hung_up_on(world):
    """A048 for IMAP: nothing of it comes back."""
    for door in DOORS:
        for line in (b"GET / HTTP/1.1\r\n", b"POST / HTTP/1.1\r\n"):
            with stranger(world, door) as peer:
                peer.send(line + b"Host: evil.test\r\n\r\na LOGIN x y\r\n")
                got = peer.rest()
                assert got.startswith(b"* BYE") and got.count(b"\r\n") == 1 and b"evil" not in got


FOREIGN = [b"\x16\x03\x01\x00\xa5\x01\x00\x00", b"SSH-2.0-x\r\n", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n",
                                    b"EHLO x\r\n", b"\x03\x00\x00\x13\x0e\xe0\r\n", bytes(range(256)) * 8 + b"\r\n"]


@pytest.mark.parametrize("octets", FOREIGN, ids=range(6))
def test_A049_other_protocols(world, octets):
    with stranger(world, "imap") as peer:
        peer.send(octets)
        got, _ = answers(peer, 0.3)
        assert all(l.startswith((b"* BAD", b"* BYE", b"SSH-2.0-x BAD", b"EHLO BAD", b"PROXY BAD")) for l in got)
    assert "1.2.3.4" not in world.server.log_text()
