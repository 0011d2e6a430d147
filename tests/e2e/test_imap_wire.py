# SPDX-License-Identifier: MIT
"""The judge of the bots: what servers rightly say parses, what they must never
say does not."""
import os
import pathlib

import pytest

from imap_grammar import Dialect, Malformed, mutf7, parse
from imap_wire import Command, Session

ADDRESS = '(("B" NIL "bob" "d.test"))'
ENVELOPE = f'("d" "s" {ADDRESS} {ADDRESS} {ADDRESS} NIL NIL NIL NIL "<1@d.test>")'
TEXT = '"TEXT" "PLAIN" ("CHARSET" "utf-8") NIL NIL "7BIT" 5 1'
LEAF = f"({TEXT} NIL NIL NIL NIL)"
GOOD = [
    "* OK [CAPABILITY IMAP4rev1 IDLE] mx.d.test", "* BYE See you", "a1 OK Done", "a1 NO [TRYCREATE] No such mailbox",
    "a1 OK [APPENDUID 17 3] Done", "a1 OK [COPYUID 17 1:2,5 7:9] Done", "a1 OK [MODIFIED 3,5:7] Some",
    "* OK [PERMANENTFLAGS (\\Seen $Junk \\*)] Kept", "* OK [UIDNEXT 4294967295] Next",
    "* OK [HIGHESTMODSEQ 9223372036854775807] Highest", "* OK [MAILBOXID (F1)] The mailbox",
    "* OK [INPROGRESS (\"a1\" 5 10)] Wait", "* OK [INPROGRESS] Wait",
    "a1 NO [METADATA TOOMANY] Full", "a1 NO [BADCHARSET (US-ASCII UTF-8)] Which",
    "+ OK", '* LIST (\\HasNoChildren \\Sent) "/" "Sent Messages"', '* LIST (\\Noselect) "/" ""',
    '* LIST () "/" a&-b', '* LIST () "/" Entw&APw-rfe', '* LIST () NIL {5}\r\na"b c',
    '* LIST (\\NonExistent) "/" a ("CHILDINFO" ("SUBSCRIBED"))', '* LIST () "/" b ("OLDNAME" (a))',
    "* STATUS INBOX (MESSAGES 0 UIDNEXT 1)", "* STATUS a ()", "* SEARCH", "* SEARCH 1 5 3 (MODSEQ 7)", "* SORT 3 1",
    '* ESEARCH (TAG "a1") UID COUNT 2 ALL 1,3', '* ESEARCH (TAG "a1") PARTIAL (-1:-10 NIL)', "* THREAD",
    "* THREAD (1)(2 3)(4 5 (6)(7 8))((9)(10))", '* ID ("name" "x" "v" NIL)', "* ID NIL",
    '* NAMESPACE (("" "/")) NIL NIL', "* QUOTAROOT INBOX", "* QUOTAROOT INBOX user", "* QUOTA user (STORAGE 1 10)",
    '* QUOTA "" ()', "* METADATA INBOX (/private/comment {1}\r\nx)", '* METADATA "" /shared/admin /private/x',
    "* 3 EXISTS", "* 0 RECENT", "* 1 EXPUNGE", "* VANISHED (EARLIER) 1:3,9", "* ENABLED", "* ENABLED QRESYNC",
    "* FLAGS (\\Seen $Work)", "* 1 FETCH (FLAGS (\\Seen) UID 3 MODSEQ (7))", "* 1 FETCH (BODY[] {3}\r\na\nb)",
    "* 1 FETCH (BODY[1.2.MIME] NIL BODY[HEADER.FIELDS (To Cc)] \"\" BODY[TEXT]<5> \"x\" BODY[2]<0> NIL)",
    "* 1 FETCH (BINARY[1] ~{3}\r\na\0b BINARY.SIZE[1] 3)", '* 1 FETCH (INTERNALDATE " 2-Nov-2026 10:00:00 +0000")',
    f"* 1 FETCH (ENVELOPE {ENVELOPE})", '* 1 FETCH (ENVELOPE (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL))',
    f"* 1 FETCH (BODYSTRUCTURE {LEAF})", f"* 1 FETCH (BODY ({TEXT}))",
    f'* 1 FETCH (BODYSTRUCTURE ({LEAF}{LEAF} "MIXED" ("BOUNDARY" "b") ("inline" NIL) ("de" "en") NIL))',
    f'* 1 FETCH (BODYSTRUCTURE ("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 9 {ENVELOPE} {LEAF} 3 NIL NIL NIL NIL))',
    '* 1 FETCH (BODYSTRUCTURE ("IMAGE" "PNG" NIL "<1>" NIL "BASE64" 9 NIL ("attachment" ("filename" "x")) NIL NIL))',
    "* 1 FETCH (EMAILID (M1) THREADID NIL PREVIEW NIL SAVEDATE NIL RFC822.SIZE 0)",
]
BAD = [
    "* OK", "* OK ", "* OK [ALERT]", "* OK [ALERT] ", "* OK x ", "* OK  x", "* ok x", "a1 OK [APPENDUID 17] Done",
    "a1 OK [APPENDUID 0 1] Done", "a1 OK [COPYUID 17 1:3 7] Done", "a1 OK [COPYUID 17 3,1 7,8] Done",
    "a1 OK [COPYUID 17 1:* 7:9] Done", "* OK [NOVEL] x", "* OK [UIDNEXT -1] x", "* OK [UIDNEXT 4294967296] x",
    "* OK [UIDNEXT 007] x", "* OK [HIGHESTMODSEQ 0] x", "* OK [BADCHARSET ()] x", "* OK [ALERT]x", "a+ OK x",
    "+", "+ ", "* CAPABILITY IMAP4rev1 ", "* CAPABILITY IMAP4rev1  IDLE", "* CAPABILITY IDLE", "* SEARCH ",
    "* SEARCH 1 ", "* SEARCH 0", "* SEARCH -1", "* ESEARCH (TAG a1) ALL 1", '* ESEARCH (TAG "a1") ALL 1:*',
    "* STATUS INBOX (MESSAGES 1 )", "* STATUS INBOX (MESSAGES -1)", "* STATUS INBOX (UIDNEXT 0)",
    "* STATUS INBOX (MESSAGES 1) ", "* STATUS INBOX (FLAVOUR 1)", '* LIST (\\HasNoChildren ) "/" a',
    '* LIST () "/" ""', '* LIST () "/" a b', '* LIST () "/" "a\\b"', '* LIST () "/" a\\b', '* LIST () "/" a&b',
    '* LIST () "/" &AGE-', '* LIST () "/" &APw-&APw-', '* LIST () "/" Entwürfe', '* LIST () "." a', '* LIST () "/" /a',
    '* LIST (\\HasChildren \\HasNoChildren) "/" a', '* LIST (\\Spam) "/" a', "* LIST () \"/\" {9}\r\nshort",
    "* THREAD (1 (2))", "* THREAD ()", "* THREAD (1 )", "* THREAD (1)(2", '* ID ()', '* ID ("name")',
    "* NAMESPACE () NIL NIL", "* NAMESPACE NIL NIL", "* -1 EXISTS", "* 0 EXPUNGE", "* 01 EXISTS", "* 0 FETCH (UID 1)",
    "* FLAGS (\\Seen \\Novel)", "* FLAGS (\\Seen", "* 1 FETCH ()", "* 1 FETCH (UID 0)", "* 1 FETCH (UID 1 UID 1)",
    "* 1 FETCH (FLAGS (\\Seen \\Seen))", "* 1 FETCH (MODSEQ 5)", "* 1 FETCH (MODSEQ (-5))", "* 1 FETCH (BODY[] x)",
    "* 1 FETCH (BODY[] {3}\r\na\0b)", "* 1 FETCH (BODY[MIME] NIL)", "* 1 FETCH (BODY[HEADER.FIELDS ()] NIL)",
    '* 1 FETCH (INTERNALDATE "2-Nov-2026 10:00:00 +0000")', '* 1 FETCH (INTERNALDATE NIL)',
    '* 1 FETCH (INTERNALDATE "02-nov-2026 10:00:00 +0000")', "* 1 FETCH (UID 1) ", "* 1 FETCH (UID 1 )",
    '* 1 FETCH (ENVELOPE ("d" "s" NIL NIL NIL NIL NIL NIL NIL))', "* 1 FETCH (ENVELOPE (NIL NIL () () () NIL NIL NIL NIL NIL))",
    f"* 1 FETCH (ENVELOPE (NIL NIL {ADDRESS} NIL NIL NIL NIL NIL NIL NIL))",
    f"* 1 FETCH (BODYSTRUCTURE ({TEXT}))", f"* 1 FETCH (BODY {LEAF})",
    '* 1 FETCH (BODYSTRUCTURE ("TEXT" "PLAIN" NIL NIL NIL NIL 5 1 NIL NIL NIL NIL))',
    '* 1 FETCH (BODYSTRUCTURE ("TEXT" "PLAIN" () NIL NIL "7BIT" 5 1 NIL NIL NIL NIL))',
    '* 1 FETCH (BODYSTRUCTURE ("TEXT" "PLAIN" ("a") NIL NIL "7BIT" 5 1 NIL NIL NIL NIL))',
    '* 1 FETCH (BODYSTRUCTURE ("TEXT" "PLAIN" NIL NIL NIL "7BIT" -1 1 NIL NIL NIL NIL))',
    '* 1 FETCH (BODYSTRUCTURE (NIL "PLAIN" NIL NIL NIL "7BIT" 5 NIL NIL NIL NIL))',
    f'* 1 FETCH (BODYSTRUCTURE ({LEAF} {LEAF} "MIXED" NIL NIL NIL NIL))', "* 1 FETCH (BODYSTRUCTURE NIL)",
    "* VANISHED", "* VANISHED 0", "* VANISHED 1:*", "* QUOTA user (STORAGE 1)", "* METADATA INBOX (comment NIL)",
    '* BYE "\r\n', "* OK tab\there", "", "*", "* 5",
]


@pytest.mark.parametrize("line", GOOD)
def test_said_rightly(line):
    parse(line.encode() + b"\r\n", Dialect())


@pytest.mark.parametrize("line", BAD)
def test_never_said(line):
    with pytest.raises(Malformed):
        parse(line.encode() + b"\r\n", Dialect())


@pytest.mark.parametrize("line", ["* OK x\n", "* OK x", "* OK x\r"])
def test_without_end(line):
    with pytest.raises(Malformed):
        parse(line.encode(), Dialect())


def test_what_enabling_changes():
    for line, dialect in (('* LIST () "/" "Entwürfe"', Dialect(utf8=True)), ("+ ", Dialect(challenge=True)),
                          ('* LIST () "/" a&b', Dialect(utf8=True))):
        parse(line.encode() + b"\r\n", dialect)
    for line in ("* 1 RECENT", "* 1 FETCH (FLAGS (\\Recent))"):
        parse(line.encode() + b"\r\n", Dialect())
        with pytest.raises(Malformed):
            parse(line.encode() + b"\r\n", Dialect(rev2=True))


def test_names():
    assert mutf7("a&-b &AOQA9g-&-x") == "a&b äö&x"
    for name in ("&", "a&b", "&AOQ", "&AOQ=-", "&2D0-", "ä"):
        with pytest.raises(ValueError):
            mutf7(name)


# What a session has heard, and what may then not come
STORIES = [
    ("NOOP", ["* 3 EXISTS", "* 2 EXISTS"]),
    ("NOOP", ["* 3 EXISTS", "* 4 EXPUNGE"]),
    ("FETCH 1 (UID)", ["* 3 EXISTS", "* 1 EXPUNGE"]),
    ("STORE 1 +FLAGS (x)", ["* 3 EXISTS", "* 1 EXPUNGE"]),
    ("NOOP", ["* 3 EXISTS", "* 4 FETCH (UID 9)"]),
    ("NOOP", ["* 3 EXISTS", "* 1 FETCH (UID 9)", "* 1 FETCH (UID 8)"]),
    ("NOOP", ["* 3 EXISTS", "* 1 FETCH (UID 9)", "* 2 FETCH (UID 8)"]),
    ("NOOP", ["* 3 EXISTS", "* 1 FETCH (FLAGS ($New))"]),
    ("NOOP", ["* 3 EXISTS", "* 1 FETCH (UID 1 MODSEQ (4))"]),
    ("NOOP", ["* 3 EXISTS", "* VANISHED 1"]),
    ("NOOP", ["* STATUS INBOX (MESSAGES 3)"]),
    ("NOOP", ["* SEARCH 1"]),
    ("UID FETCH 1 (FLAGS)", ["* 3 EXISTS", "* 1 FETCH (FLAGS (\\Seen))"]),
    ("NOOP", ["* OK [HIGHESTMODSEQ 9] x", "* OK [HIGHESTMODSEQ 8] x"]),
]


@pytest.mark.parametrize("doing, lines", STORIES)
def test_does_not_fit(doing, lines):
    session = Session()
    words = doing.split()
    uid = words[0] == "UID"
    session.begin(Command("a1", "SELECT", False, b"a1 SELECT INBOX "))
    session.mailbox, session.flags = "INBOX", {"\\Seen"}
    command = Command("a2", words[uid], uid, b"a2 " + doing.encode())
    session.begin(command)
    for line in lines[:-1]:
        session.hear(parse(line.encode() + b"\r\n", session.dialect), command)
    with pytest.raises(AssertionError):
        session.hear(parse(lines[-1].encode() + b"\r\n", session.dialect), command)


def test_recorded_of_another_server():
    """What Dovecot said to MailKit: nearly all of it is good."""
    corpus = os.environ.get("PENNYPOST_CORPUS")
    if not corpus:
        pytest.skip("PENNYPOST_CORPUS names no directory with recorded exchanges")
    lines = []
    for file in pathlib.Path(corpus).glob("mailkit-transcripts/*/dovecot/*.txt"):
        lines += [(file.name, line) for line in file.read_bytes().replace(b"A########", b"A1").replace(b'"."', b'"/"').splitlines()
                  if line.startswith((b"* ", b"A0")) and not line.endswith((b"}", b'"'))]
    if not lines:
        pytest.skip("no recorded exchanges there")
    bad = []
    for name, line in lines:
        try:
            parse(line + b"\r\n", Dialect())
        except Malformed as why:
            bad.append((name, str(why)))
    assert len(lines) > 150 and len(bad) < len(lines) / 20, bad
