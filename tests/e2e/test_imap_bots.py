# SPDX-License-Identifier: MIT
"""Bots (imap_bots.py) of the user agents people have, against a whole server:
each with what it is known to need, and what it is known to stumble over."""
import random
import re
import smtplib
import socket

import pytest

from imap_bots import (BOTS, AppleMail, EmClient, Evolution, FairEmail, GmailApp, K9, MacMail, MailKit, OutlookClassic,
                       OutlookNew, Roundcube, Thunderbird, b64)
from imap_grammar import mutf7, uids
from imap_wire import Wire
from pennypost import Server
from samples import MIME, everyday, plain

TESTS = ["folders", "apple", "apple2", "outlook", "outlook2", "new", "bird", "bird2", "bird3", "k9", "fair", "gmail",
         "cube", "em", "evolution", "kit", "sync", "list", "rest", "crowd", "rest2", "off", "far"]
USERS = {f"{name}@d.test": f"pw-{name}-Xyz123" for name in TESTS}


@pytest.fixture(scope="module")
def server():
    with Server(users=USERS) as s:
        yield s


@pytest.fixture(scope="module")
def generous():
    """Everything is offered."""
    with Server(users=USERS, settings={"imap.capabilities_off": ""}) as s:
        yield s


def who(name):
    return f"{name}@d.test"


def mail(n, body=b"How are you?\r\n", *more, **who):
    return plain(f"m{n}", body, *more, **who)


RELATED = plain("related", b"""--a\r
Content-Type: multipart/related; boundary=b\r
\r
--b\r
Content-Type: text/html; charset=utf-8\r
\r
<img src="cid:logo@d.test">\r
\r
--b\r
Content-Type: image/png; name="logo.png"\r
Content-ID: <logo@d.test>\r
Content-Transfer-Encoding: base64\r
Content-Disposition: inline; filename="logo.png"\r
\r
iVBORw0KGgo=\r
--b--\r
--a\r
Content-Type: application/pdf\r
Content-Disposition: attachment; filename="bill.pdf"; size=4\r
Content-Language: de, en\r
Content-Transfer-Encoding: base64\r
\r
JVBERi0=\r
--a--\r
""", MIME, b"Content-Type: multipart/mixed; boundary=a")


def stock(bot, count=3, mailbox="INBOX"):
    """So many messages; their UIDs."""
    return [bot.put(mailbox, "", mail(n)).tagged.args[1] for n in range(count)]


# ---- every bot

@pytest.mark.parametrize("bot", BOTS, ids=lambda b: b.__name__)
def test_arrives(server, bot):
    """Logs in, sees the folders and what each is for, opens the inbox, leaves."""
    agent = bot(server, who("folders"))
    assert {"INBOX", "Sent", "Drafts", "Junk", "Trash", "Archive"} <= set(agent.folders)
    assert agent.special == {"\\" + name: name for name in ("Sent", "Drafts", "Junk", "Trash", "Archive")}
    assert not {"COMPRESS=DEFLATE", "UIDONLY", "XAPPLEPUSHSERVICE", "XLIST", "AUTH=CRAM-MD5"} & agent.offered
    assert "\\*" in agent.open().code("PERMANENTFLAGS")
    for name in agent.folders:
        agent.open(name)
    agent.ok("LOGOUT")
    agent.close()


@pytest.mark.parametrize("mechanism", ["login", "plain", "LOGIN"])
def test_wrong_password(server, mechanism):
    """K-9: any other code, and it thinks it is the server's trouble."""
    wire = Wire(server)
    assert {"AUTH=PLAIN", "AUTH=LOGIN", "SASL-IR"} <= set(wire.greeting.args)
    if mechanism == "login":
        answer = wire.no(f"LOGIN {who('folders')} wrong")
    else:
        words = [b64(f"\0{who('folders')}\0wrong")] if mechanism == "plain" else [b64(who("folders")), b64("wrong")]
        _, answer = wire.authenticate(mechanism, *words)
    assert answer.tagged.kind == "NO" and answer.tagged.code == "AUTHENTICATIONFAILED"
    wire.ok("LOGOUT")
    wire.close()


# ---- Apple

def test_apple_idle(server):
    """iOS 18 sends the next commands in DONE's packet, and wants the answers in
    order."""
    bot = AppleMail(server, who("apple"))
    assert bot.root.delimiter == b"/" and bot.root.values == ["\\Noselect"]
    bot.open()
    tag = bot.idle()
    server.deliver("x@far.test", [who("apple")], mail(1))
    bot.hear("EXISTS")
    bot.send("DONE\r\n" + "".join(f"2.{90 + n} NOOP\r\n" for n in range(3)) + "2.93 IDLE\r\n")
    assert bot.answer(tag).tagged.kind == "OK"
    for n in range(3):
        assert bot.raw().startswith(b"2.%d OK " % (90 + n))
    assert bot.raw().startswith(b"+ ")
    bot.send("DONE\r\n")
    assert bot.raw().startswith(b"2.93 OK ")
    bot.close()


def test_apple_reads_moves_and_deletes(server):
    user = who("apple2")
    bot = AppleMail(server, user)
    # submits what it likes, without a word of it in MAIL
    with server.submission(user) as smtp:
        smtp.sendmail(user, [user], everyday("8bit", sender=user, to=user))
    bot.open()
    text = everyday("8bit", sender=user, to=user)
    big = mail("big", b"".join(b"%07d\r\n" % n for n in range(100000)))
    bot.put("INBOX", "", RELATED), bot.put("INBOX", "\\Seen", big)
    got = bot.summaries()
    assert [r.number for r in got.of("FETCH")] == [1, 2, 3]
    assert all({"UID", "FLAGS", "MODSEQ", "INTERNALDATE", "RFC822.SIZE"} <= set(r.values) for r in got.of("FETCH"))
    assert bot.read(1) == text.split(b"\r\n\r\n", 1)[1]
    assert bot.read(2) == b'<img src="cid:logo@d.test">\r\n'
    assert bot.read(3) == big.split(b"\r\n\r\n", 1)[1]
    assert "\\Seen" not in bot.ok("UID FETCH 1 (FLAGS)").one("FETCH").values["FLAGS"]
    # all that ever changed
    got = bot.ok("FETCH 1:* (FLAGS UID MODSEQ) (CHANGEDSINCE 0)")
    assert [r.values["UID"] for r in got.of("FETCH")] == [1, 2, 3]
    bot.ok("UID STORE 1 +FLAGS.SILENT (\\Seen)")
    # a message that is gone: OK, and none is named
    assert bot.ok("UID MOVE 77 Trash").tagged.code == ""
    answer = bot.ok("UID MOVE 1:2 Trash")
    validity, source, target = answer.code("COPYUID")
    assert (source, list(uids(target))) == ("1:2", [1, 2])
    assert [r.number for r in answer.of("EXPUNGE")] in ([1, 1], [2, 1])
    trash = bot.open("Trash")
    assert trash.code("UIDVALIDITY") == (validity,)
    assert "\\Seen" in bot.ok("UID FETCH 1 (FLAGS)").one("FETCH").values["FLAGS"]
    assert bot.no('CREATE "INBOX/INBOX"').tagged.code
    bot.no('UID MOVE 1 "No such"')
    assert bot.ok("UID FETCH 1:* (UID)").fetched("UID") == {1: 1, 2: 2}
    bot.close()


def test_apple_uidvalidity(server):
    """Differs from mailbox to mailbox, and never is what it was before."""
    bot = MacMail(server, who("apple"))
    seen = {v["UIDVALIDITY"] for v in bot.status.values()}
    assert len(seen) == len(bot.status) >= 6
    for _ in range(3):
        bot.ok('CREATE "Sent Messages"')
        now = bot.ok('STATUS "Sent Messages" (UIDVALIDITY)').one("STATUS").values["UIDVALIDITY"]
        assert now not in seen
        seen.add(now)
        bot.ok('DELETE "Sent Messages"')
    bot.ok("CREATE one")
    before = bot.ok("STATUS one (UIDVALIDITY)").one("STATUS").values["UIDVALIDITY"]
    bot.ok("RENAME one two")
    assert bot.ok("STATUS two (UIDVALIDITY)").one("STATUS").values["UIDVALIDITY"] == before
    bot.ok("CREATE one")
    assert bot.ok("STATUS one (UIDVALIDITY)").one("STATUS").values["UIDVALIDITY"] not in seen | {before}
    bot.close()


# ---- Outlook

def test_outlook_classic(server):
    user = who("outlook")
    bot = OutlookClassic(server, user)
    assert bot.asked == [b64("Username:"), b64("Password:")]
    uses = {use for r in bot.subscribed.of("LSUB") for use in r.values}
    assert {"\\Sent", "\\Drafts", "\\Junk", "\\Trash"} <= uses
    bot.open()
    assert bot.sync().of("FETCH") == []
    stock(bot)
    assert list(bot.sync().fetched("FLAGS")) == [1, 2, 3]
    assert list(bot.sync(3).fetched("FLAGS")) == [3]
    bot.ok("UID FETCH 4:4294967295 (UID FLAGS)")
    # silent, yet it waits for them
    answer = bot.ok("UID STORE 2 +FLAGS.SILENT (\\Seen)")
    assert answer.fetched("FLAGS")[2].count("\\Seen") == 1
    bot.ok("UID STORE 1:2 +FLAGS (\\Deleted)")
    answer = bot.ok("UID EXPUNGE 1:4294967295")
    assert [r.number for r in answer.of("EXPUNGE")] in ([1, 1], [2, 1])
    copy = bot.ok("UID COPY 3 Junk").code("COPYUID")
    assert copy[1:] == ("3", "1")
    bot.put("Sent", "\\Seen", mail("sent"))
    # localized, so there are two of a kind: nobody is confused about which is which
    bot.ok('CREATE "Gesendete Elemente"'), bot.ok('SUBSCRIBE "Gesendete Elemente"')
    bot.take_folders(bot.ok('LSUB "" "*"'), "LSUB")
    assert bot.special["\\Sent"] == "Sent" and "\\Sent" not in bot.folders["Gesendete Elemente"]
    bot.close()


def test_outlook_submits(server):
    """A blank before the path, AUTH LOGIN with the prompts it knows."""
    user = who("outlook2")
    with smtplib.SMTP_SSL(server.host, server.ports["submissions"], context=server.tls(), timeout=120) as smtp:
        assert smtp.docmd("EHLO", "PC")[0] == 250
        for said, code, reply in (("AUTH LOGIN", 334, b"VXNlcm5hbWU6"), (b64(user), 334, b"UGFzc3dvcmQ6"),
                                  (b64(server.password(user)), 235, None),
                                  (f"MAIL FROM: <{user}>", 250, None), (f"RCPT TO: <{user}>", 250, None)):
            got = smtp.docmd(said)
            assert got[0] == code and reply in (None, got[1])
        assert smtp.data(mail(1, sender=user))[0] == 250
    bot = OutlookClassic(server, user)
    assert bot.open().of("EXISTS")[-1].number == 1
    # and POP3: the list of mechanisms, asked for with a blank at the end
    sock = server.tls().wrap_socket(socket.create_connection((server.host, server.ports["pop3s"]), 120),
                                    server_hostname=server.host)
    with sock, sock.makefile("rb") as input:
        input.readline()
        sock.sendall(b"AUTH \r\n")
        mechanisms = []
        while (line := input.readline()) != b".\r\n":
            mechanisms.append(line.strip())
        assert mechanisms[0].startswith(b"+OK") and b"PLAIN" in mechanisms
        sock.sendall(b"USER %s\r\nPASS %s\r\nUIDL\r\nQUIT\r\n" % (user.encode(), server.password(user).encode()))
        lines = [input.readline() for _ in range(6)]
        assert re.fullmatch(rb"1 [!-~]{1,70}\r\n", lines[3]) and lines[5].startswith(b"+OK")
    bot.close()


def test_outlook_new(generous):
    """What it enables it does not keep to: UIDONLY is not for it, for others it is."""
    bot = OutlookNew(generous, who("new"))
    assert "UIDONLY" not in bot.offered
    assert "UIDONLY" in set(Thunderbird(generous, who("new")).offered)
    bot.open()
    stock(bot)
    assert [r.number for r in bot.ok("FETCH 1:3 (UID FLAGS)").of("FETCH")] == [1, 2, 3]
    tag = bot.begin("UID SEARCH RETURN (MIN MAX COUNT ALL) UNDELETED")
    got = bot.answer(tag).one("ESEARCH")
    assert b'(TAG "%s")' % tag.encode() in got.line and got.extra["TAG"] == tag
    assert got.values == {"MIN": 1, "MAX": 3, "COUNT": 3, "ALL": "1:3"}
    bot.close()


# ---- Thunderbird

def test_thunderbird_sees_changes(server):
    one, two = (Thunderbird(server, who("bird")) for _ in range(2))
    one.open()
    stock(one, 5)
    two.open()
    assert list(two.flags()) == [1, 2, 3, 4, 5]
    assert two.changes().of("FETCH") == []
    for uid in (4, 2, 5, 1):
        one.ok(f"UID store {uid} +Flags (\\Seen)")
    got = two.changes()
    assert [r.values["UID"] for r in got.of("FETCH")] == sorted(r.values["UID"] for r in got.of("FETCH"))
    assert {1, 2, 4, 5} == {r.values["UID"] for r in got.of("FETCH")}
    # an EXPUNGE raises HIGHESTMODSEQ too
    before = two.ok("STATUS INBOX (HIGHESTMODSEQ)").one("STATUS").values["HIGHESTMODSEQ"]
    one.ok("UID store 3 +FLAGS (\\Deleted \\Seen)")
    middle = two.ok("STATUS INBOX (HIGHESTMODSEQ)").one("STATUS").values["HIGHESTMODSEQ"]
    one.ok("UID expunge 3")
    after = Thunderbird(server, who("bird"))
    assert before < middle < after.open().code("HIGHESTMODSEQ")[0]
    assert two.ok("noop").of("EXPUNGE")[-1].number == 3
    for bot in (one, two, after):
        bot.close()


def test_thunderbird_junk_and_drafts(server):
    bot = Thunderbird(server, who("bird2"))
    bot.open()
    stock(bot, 2)
    for flags in ("+FLAGS (NonJunk)", "-FLAGS (Junk)", "+FLAGS ($NotJunk)", "+FLAGS ($label1 tag-of-mine)",
                  "-FLAGS (NonJunk)", "+FLAGS (Junk $Forwarded $MDNSent)"):
        bot.ok(f"UID store 1 {flags}")
    assert set(bot.flags()[1]) - {"\\Recent"} == {
        "$NotJunk", "$label1", "tag-of-mine", "Junk", "$Forwarded", "$MDNSent"}
    bot.open("Drafts")
    # each version of a draft replaces the one before, which is found by its UID
    last = 0
    for n in range(3):
        reply = bot.save_draft(mail(f"draft{n}"))
        assert reply.code == "APPENDUID" and int(reply.args[1]) > last
        if last:
            bot.ok(f"UID store {last} +FLAGS (\\Deleted \\Seen)")
            bot.ok(f"UID expunge {last}")
        last = int(reply.args[1])
    assert bot.ok("noop").of("STATUS") == []
    assert list(bot.flags()) == [last] and {"\\Seen", "\\Draft"} <= set(bot.flags()[last])
    got = bot.ok(f"UID fetch {last} (UID RFC822.SIZE BODY[])").one("FETCH").values
    assert got["BODY[]"] == mail("draft2") and got["RFC822.SIZE"] == len(mail("draft2"))
    assert bot.ok('UID SEARCH UNDELETED HEADER Message-ID "<draft2@nowhere>"').one("SEARCH").values == []
    assert bot.ok('UID SEARCH UNDELETED HEADER Message-ID "<mdraft2@samples.test>"').one("SEARCH").values == [last]
    bot.close()


def test_thunderbird_names(server):
    """Raw once UTF8=ACCEPT is enabled, encoded for who has not; & is where it shows."""
    raw, old = Thunderbird(server, who("bird3")), Thunderbird(server, who("bird3"))
    raw.ok("ENABLE UTF8=ACCEPT")
    for name in ("Q&A", "Entwürfe", "日本語", "&-"):
        raw.ok(f'create "{name}"')
        raw.ok(f'subscribe "{name}"')
    assert {"Q&A", "Entwürfe", "日本語", "&-"} <= {r.name for r in raw.ok('list "" "*"').of("LIST")}
    listed = {r.name for r in old.ok('list (subscribed) "" "*" return (special-use)').of("LIST")}
    assert {"Q&-A", "Entw&APw-rfe", "&ZeVnLIqe-", "&--"} <= listed
    assert {mutf7(name) for name in listed} >= {"Q&A", "Entwürfe", "日本語", "&-"}
    old.open("Q&-A")
    assert old.do_kind('select "Q&A"') in ("BAD", "NO")
    raw.open("Q&A")
    raw.close(), old.close()


# ---- on Android

def test_k9(server):
    bot = K9(server, who("k9"))
    assert {"SPECIAL-USE", "LIST-EXTENDED", "IDLE", "UIDPLUS", "MOVE"} <= bot.offered and bot.special
    bot.open()
    assert bot.search() == []
    stock(bot, 4)
    assert bot.search() == [1, 2, 3, 4]
    assert [r.values["UID"] for r in bot.envelopes([4, 2, 3]).of("FETCH")] == [2, 3, 4]
    structure = bot.ok("UID FETCH 1 (BODYSTRUCTURE)").one("FETCH").values["BODYSTRUCTURE"]
    assert structure["type"] == b"text" and structure["octets"] == len(b"How are you?\r\n")
    bot.ok("UID STORE 1:2 +FLAGS.SILENT (\\Seen)")
    # push: IDLE again and again, and what happened between is told
    for n in range(3):
        tag = bot.idle()
        server.deliver("x@far.test", [who("k9")], mail(n))
        assert bot.hear("EXISTS")[-1].number == 5 + n
        bot.send("DONE\r\n")
        assert bot.answer(tag).tagged.kind == "OK"
        assert bot.search(f"UID {5 + n}:*") == [5 + n]
    bot.ok("UID STORE 1,3 +FLAGS (\\Deleted)")
    assert len(bot.ok("UID EXPUNGE 3").of("EXPUNGE")) == 1
    assert bot.search("1:*")[:2] == [1, 2]
    answer = bot.ok("UID MOVE 2,4 Archive")
    assert answer.code("COPYUID")[1:] == ("2,4", "1:2")
    assert bot.search(f"UID {99}:*") == [bot.search("UID 1:*")[-1]]  # the last one is always there
    bot.close()


def test_fairemail(server):
    user = who("fair")
    crowd = [FairEmail(server, user) for _ in range(20)]
    bot = crowd[0]
    bot.open()
    for n in range(2):
        bot.put("INBOX", "", mail(n))
    bot.ok("GETQUOTAROOT INBOX")
    assert bot.ok("UID SEARCH YOUNGER 86400 UNDELETED").one("SEARCH").values == [1, 2]
    assert bot.ok("UID SEARCH OLDER 86400").one("SEARCH").values == []
    assert list(bot.ok("FETCH 1:2 (UID FLAGS)").fetched("UID")) == [1, 2]
    bot.ok("NOTIFY SET (SELECTED (MessageNew (UID FLAGS) MessageExpunge FlagChange)) "
           "(SUBSCRIBED (MessageNew MessageExpunge))")
    crowd[1].put("Sent", "\\Seen", mail("sent"))
    assert bot.hear("STATUS")[-1].name == "Sent"
    bot.ok("NOTIFY NONE")
    # push on many at once; nothing is said but what happened
    for each in crowd[1:]:
        each.open()
        each.tag = each.idle()
    server.deliver("x@far.test", [user], mail("push"))
    for each in crowd[1:]:
        heard = [r.kind for r in each.hear("EXISTS")]
        each.send("DONE\r\n")
        heard += [r.kind for r in each.answer(each.tag).untagged]
        assert set(heard) <= {"EXISTS", "RECENT", "FETCH"} and heard.count("EXISTS") == 1
        each.close()
    bot.close()


def test_gmail_app(server):
    """Every field of a body's structure, or pictures within the text are lost."""
    bot = GmailApp(server, who("gmail"))
    assert bot.root.delimiter == b"/"
    bot.open()
    bot.put("INBOX", "", RELATED)
    whole = bot.structure(1)
    related, bill = whole["parts"]
    html, logo = related["parts"]
    assert [p["subtype"] for p in (whole, related, html, logo, bill)] == [
        b"mixed", b"related", b"html", b"png", b"pdf"]
    assert whole["params"] == [b"BOUNDARY", b"a"] or whole["params"] == [b"boundary", b"a"]
    assert logo["id"] == b"<logo@d.test>"
    assert logo["disposition"][0].lower() == b"inline" and logo["disposition"][1][1] == b"logo.png"
    assert bill["disposition"][0].lower() == b"attachment" and b"bill.pdf" in bill["disposition"][1]
    assert bill["language"] == [b"de", b"en"]
    got = bot.ok("UID FETCH 1 (BODY.PEEK[1.2] BODY.PEEK[2.MIME] BODY.PEEK[1.1.MIME])").one("FETCH").values
    assert got["BODY[1.2]"] == b"iVBORw0KGgo="
    assert got["BODY[2.MIME]"].startswith(b"Content-Type: application/pdf\r\n")
    bot.close()


# ---- on the web and elsewhere

def test_roundcube(server):
    bot = Roundcube(server, who("cube"))
    names = [(r.kind, r.name) for r in bot.listing.untagged if r.kind in ("LIST", "STATUS")]
    for n in range(0, len(names), 2):  # each STATUS right behind its LIST
        assert [names[n][0], names[n + 1][0]] == ["LIST", "STATUS"] and names[n][1] == names[n + 1][1]
    bot.open()
    bot.put("INBOX", "", mail(1, b"a\r\n", b"In-Reply-To: <m2@samples.test>"))
    bot.put("INBOX", "\\Seen", mail(2, b"longer\r\n"))
    bot.put("INBOX", "", everyday("Grüße".encode().decode("latin1")[:4]))
    bot.put("INBOX", "\\Deleted", RELATED)
    assert bot.ok("UID SORT RETURN (ALL COUNT) (SIZE) UTF-8 UNDELETED").one("ESEARCH").values["COUNT"] == 3
    assert bot.ok("UID SORT (REVERSE SIZE) US-ASCII ALL UNDELETED").one("SORT").values == [3, 1, 2]
    assert sorted(str(bot.ok("UID THREAD REFERENCES US-ASCII ALL UNDELETED").one("THREAD").values)) == \
        sorted("[[2, 1], [3]]")
    assert bot.page("1:3").fetched("RFC822.SIZE")[1] == len(mail(1, b"a\r\n", b"In-Reply-To: <m2@samples.test>"))
    got = bot.ok("SEARCH RETURN (MIN MAX COUNT) UNSEEN").one("ESEARCH")
    assert got.values == {"MIN": 1, "MAX": 4, "COUNT": 3}
    # a search in several fields is a tree of ORs
    word = "related".encode()
    got = bot.ok(f"UID SEARCH RETURN (ALL) CHARSET UTF-8 OR OR HEADER SUBJECT {{{len(word)}+}}", word,
                 f" HEADER FROM {{{len(word)}+}}", word, f" HEADER CC {{{len(word)}+}}", word)
    assert got.one("ESEARCH").values["ALL"] == "4"
    bot.ok('GETQUOTAROOT "INBOX"')
    bot.ok('SETMETADATA "" (/private/vendor/roundcube/options {7+}', b"a\"b\\c d", ")")
    got = bot.ok('GETMETADATA "" (/private/vendor/roundcube/options)').one("METADATA")
    assert got.values == {"/private/vendor/roundcube/options": b'a"b\\c d'}
    assert bot.ok("UID FETCH 4 (BINARY.PEEK[2])").one("FETCH").values["BINARY[2]"] == b"%PDF-"
    bot.ok("UID STORE 1:2 +FLAGS.SILENT (\\Seen)")
    # what changed while it was away
    validity, highest = bot.open().code("UIDVALIDITY")[0], bot.ok("STATUS INBOX (HIGHESTMODSEQ)").one("STATUS").values
    other = EmClient(server, who("cube"))
    other.open()
    other.ok("UID EXPUNGE 4"), other.ok("UID STORE 3 +FLAGS (\\Flagged)")
    bot.ok("CLOSE")
    got = bot.ok(f"SELECT INBOX (QRESYNC ({validity} {highest['HIGHESTMODSEQ']} 1:4))")
    assert got.one("VANISHED").values == "4" and got.one("VANISHED").extra["EARLIER"]
    assert list(got.fetched("FLAGS")) == [3]
    bot.close(), other.close()


def test_em_client(server):
    bot = EmClient(server, who("em"))
    bot.open()
    bare = b"Subject: bare\nFrom: a@d.test\n\nline\nline\r\n"
    uid = bot.put("INBOX", "\\Seen", bare).tagged.args[1]
    got = bot.ok(f"UID FETCH {uid} (RFC822.SIZE BODY.PEEK[])").one("FETCH").values
    assert got["BODY[]"] == bare and got["RFC822.SIZE"] == len(bare)
    bot.close()
    # gives up in the middle of its login, by saying so
    for words in (["* LOGOUT"], ["*"]):
        wire = Wire(server)
        asked, answer = wire.authenticate("PLAIN", *words)
        assert asked == [""] and answer.tagged.kind == "BAD"
        wire.ok("LOGOUT")
        wire.close()


NAMES = ["a b", 'a"b', "a\\b", "a(b)", "a%b", "a*b", "a{3}", "[Gmail]", "a]b", "~a", "NIL", "nil", "a,b;c", "inbox2"]


@pytest.mark.parametrize("bot, user", [(Evolution, "evolution"), (MailKit, "kit")])
def test_names_are_quoted(server, bot, user):
    """As each needs it: the parser of LIST is strict."""
    agent = bot(server, who(user))
    made = []
    for name in NAMES:
        quoted = re.sub(r'(["\\])', r"\\\1", name)
        if agent.do_kind(f'CREATE "{quoted}"') == "OK":
            agent.ok(f'SUBSCRIBE "{quoted}"')
            made.append(name)
    assert {"a b", 'a"b', "a\\b", "a(b)", "[Gmail]", "a{3}", "NIL"} <= set(made)
    agent.look()
    assert set(made) <= set(agent.folders)
    for name in made:
        agent.open(name)
        agent.put(re.sub(r'(["\\])', r"\\\1", name), "", mail(1))
        assert agent.ok("UID FETCH 1:* (FLAGS)").fetched("FLAGS") or agent.session.exists == 1
    agent.close()


def test_compress_before_login(server):
    wire = Wire(server)
    assert "COMPRESS=DEFLATE" not in wire.greeting.args
    wire.bad("COMPRESS DEFLATE")
    wire.ok(f"LOGIN {who('kit')} {server.password(who('kit'))}")
    wire.close()


def test_imapsync(server):
    """What is stored is what came, whatever it is: else it copies it again."""
    bot = EmClient(server, who("sync"))
    odd = [b"X-Folded: a\r\n \r\n b\r\nSubject : loose\r\nno colon\r\n\r\nx", b"\r\nonly a body\r\n", b"x",
           b"a: b\n\n\r\r\n", b"Subject: \xff\xfe\r\n\r\n\x80\x81", b"".join(b"X-%d: y\r\n" % n for n in range(500)) + b"\r\n"]
    for text in odd:
        bot.put("Archive", "\\Seen $x", text)
    bot.open("Archive")
    got = bot.ok("UID FETCH 1:* (UID RFC822.SIZE INTERNALDATE BODY.PEEK[])").of("FETCH")
    assert [r.values["BODY[]"] for r in got] == odd
    assert [r.values["RFC822.SIZE"] for r in got] == [len(text) for text in odd]
    assert {r.values["INTERNALDATE"] for r in got} == {"22-Nov-2026 10:00:00 +0000"}
    # NUL has a literal of its own
    bot.no("APPEND Junk {6+}", b"a:b\0c\n")
    bot.ok("APPEND Junk ~{6+}", b"a:b\0c\n")
    bot.open("Junk")
    assert bot.ok("UID FETCH 1 (BINARY.PEEK[])").one("FETCH").values["BINARY[]"] == b"a:b\0c\n"
    bot.close()


# ---- the regressions of others

def test_search_by_number_and_by_uid(server):
    bot = K9(server, who("rest"))
    bot.open()
    stock(bot, 4)
    bot.ok("UID STORE 1:2 +FLAGS (\\Deleted)")
    bot.ok("EXPUNGE")
    assert bot.ok("SEARCH ALL").one("SEARCH").values == [1, 2]
    assert bot.ok("UID SEARCH ALL").one("SEARCH").values == [3, 4]
    assert bot.ok("SEARCH UID 3:4").one("SEARCH").values == [1, 2]
    assert bot.ok("UID SEARCH 1").one("SEARCH").values == [3]
    # nothing there: no error, and no code either
    for command in ("UID COPY 900:901 Junk", "UID MOVE 900:901 Junk", "UID STORE 900 +FLAGS (x)",
                    "UID FETCH 900 (FLAGS)", "UID EXPUNGE 900", "EXPUNGE", "UID COPY 1:2 Junk"):
        answer = bot.ok(command)
        assert answer.untagged == [] and answer.tagged.code == ""
    assert bot.no("CREATE Junk").tagged.code == "ALREADYEXISTS"
    assert bot.no("COPY 1 Nowhere").tagged.code == bot.no("UID MOVE 3 Nowhere").tagged.code == "TRYCREATE"
    assert bot.no("SELECT Nowhere").tagged.code == bot.no("DELETE Nowhere").tagged.code == "NONEXISTENT"
    bot.open()
    # the last message answers to any range that ends in *
    bot.ok("UID MOVE 4 Junk")
    assert list(bot.ok("UID FETCH 50:* (FLAGS)").fetched("FLAGS")) == [3]
    bot.ok("UID MOVE 3 Junk")
    assert bot.ok("UID FETCH 1:* (FLAGS)").untagged == []
    bot.close()


def test_qresync_implies_condstore(server):
    bot, other = Evolution(server, who("rest2")), K9(server, who("rest2"))
    assert bot.session.qresync and bot.session.condstore
    highest = bot.open().code("HIGHESTMODSEQ")[0]
    other.open()
    stock(other, 4)
    assert all("MODSEQ" in r.values and "UID" in r.values for r in bot.ok("NOOP").of("FETCH"))
    other.ok("UID STORE 2 +FLAGS (\\Flagged)")
    told, = bot.ok("NOOP").of("FETCH")
    assert told.values["UID"] == 2 and told.values["MODSEQ"] > highest
    # a command that takes messages away says what HIGHESTMODSEQ is now
    rising = [told.values["MODSEQ"]]
    bot.ok("UID STORE 1,4 +FLAGS (\\Deleted)")
    for command, gone in (("UID EXPUNGE 1", "1"), ("EXPUNGE", "4"), ("UID MOVE 2 Junk", "2")):
        answer = bot.ok(command)
        assert answer.one("VANISHED").values == gone
        rising.append(answer.code("HIGHESTMODSEQ")[0])
    assert rising == sorted(set(rising))
    assert [len(other.ok("NOOP").of(kind)) for kind in ("EXPUNGE", "FETCH")] == [3, 0]
    bot.close(), other.close()


def test_pipelined(server):
    """Carried out, and answered, one after another."""
    bot = K9(server, who("list"))
    bot.open()
    stock(bot, 6)
    answers = bot.pipeline("STORE 1:2 +FLAGS (\\Deleted)", "EXPUNGE", "STORE 1 +FLAGS (\\Deleted)", "EXPUNGE",
                           "UID FETCH 1:* (FLAGS)", "SELECT Junk", "SELECT INBOX", "UID SEARCH ALL", "NOOP")
    assert [len(a.of("EXPUNGE")) for a in answers] == [0, 2, 0, 1, 0, 0, 0, 0, 0]
    assert list(answers[4].fetched("FLAGS")) == answers[7].one("SEARCH").values == [4, 5, 6]
    # an argument of many octets: each UID by itself
    many = ",".join(str(n) for n in range(1, 4000, 2))
    assert len(many) > 8000
    assert list(bot.ok(f"UID FETCH {many} (FLAGS)").fetched("FLAGS")) == [5]
    assert bot.ok(f"UID SEARCH UID {many} UNDELETED").one("SEARCH").values == [5]
    # too large is refused before it is sent
    tag = bot.begin("APPEND INBOX {999999999999}")
    refused = bot.answer(tag).tagged
    assert refused.kind in ("NO", "BAD") and refused.code in ("TOOBIG", "")
    bot.ok("NOOP")
    bot.close()


def test_old_and_new_revision(server):
    """RECENT is of rev1; a message without From has an envelope all the same."""
    old, new = K9(server, who("far")), EmClient(server, who("far"))
    new.ok("ENABLE IMAP4rev2")
    server.deliver("x@far.test", [who("far")], b"Subject: no from\r\n\r\nx\r\n")
    assert old.open().of("RECENT")[0].number == 1
    envelope = old.ok("FETCH 1 (ENVELOPE FLAGS)").one("FETCH").values
    assert envelope["ENVELOPE"]["from"] is None and "\\Recent" in envelope["FLAGS"]
    new.open()
    assert new.ok("FETCH 1 (ENVELOPE FLAGS)").one("FETCH").values["FLAGS"] == []
    assert new.ok("UID SEARCH ALL").one("ESEARCH").values == {"ALL": "1"}
    assert new.ok("GETQUOTAROOT INBOX").of("QUOTA") == []  # no quota: no resource
    new.ok('CREATE "Größe"')
    assert "Gr&APYA3w-e" in {r.name for r in old.ok('LIST "" "G*"').of("LIST")}
    assert "Größe" in {r.name for r in new.ok('LIST "" "G*"').of("LIST")}
    old.close(), new.close()


# ---- all of them at once

def act(bot, rng, n):
    """One thing a person might do, by number or by UID."""
    last = bot.session.exists
    at = rng.randint(1, last) if last else 0
    known = [u for u in bot.session.uids if u]
    flag = rng.choice(["\\Seen", "\\Flagged", "\\Answered", "\\Deleted", "$Junk", f"tag{n % 5}"])
    deeds = [lambda: bot.put("INBOX", rng.choice(["", "\\Seen", "$Junk"]), mail(n)),
             lambda: bot.ok("NOOP"), lambda: bot.ok("CHECK"), lambda: bot.ok("EXPUNGE"),
             lambda: bot.ok("UID SEARCH UNDELETED"), lambda: bot.ok("UID FETCH 1:* (FLAGS)"),
             lambda: bot.ok("STATUS Junk (MESSAGES UIDNEXT)")]
    if last:
        # another may have taken it away, which this one has not been told: NO at most
        deeds += [lambda: bot.do_kind(f"STORE {at} {rng.choice('+-')}FLAGS ({flag})"),
                  lambda: bot.do_kind(f"FETCH {at}:* (UID FLAGS)"), lambda: bot.do_kind(f"SEARCH {at}:* SEEN")]
    if known:
        uid = rng.choice(known)
        deeds += [lambda: bot.ok(f"UID STORE {uid} {rng.choice('+-')}FLAGS ({flag})"),
                  lambda: bot.ok(f"UID COPY {uid} INBOX"), lambda: bot.ok(f"UID MOVE {uid} Junk"),
                  lambda: bot.ok(f"UID EXPUNGE {uid}"), lambda: bot.ok(f"UID FETCH {uid} (FLAGS BODY[HEADER])")]
    assert rng.choice(deeds)() != "BAD"


@pytest.mark.parametrize("seed", range(4))
def test_crowd(server, seed):
    """Bots of all kinds on one mailbox, one after another and while others IDLE:
    each is told what it must be, and in the end all hold the same."""
    rng = random.Random(seed)
    bots = [bot(server, who("crowd")) for bot in (AppleMail, OutlookClassic, Thunderbird, K9, Roundcube, Evolution)]
    for bot in bots:
        bot.open()
        bot.ok("UID FETCH 1:* (FLAGS)")
    idle = {}
    for n in range(150):
        bot = rng.choice(bots)
        if bot in idle:
            bot.send("DONE\r\n")
            assert bot.answer(idle.pop(bot)).tagged.kind == "OK"
        elif rng.random() < 0.1:
            idle[bot] = bot.idle()
        else:
            act(bot, rng, n)
    for bot, tag in idle.items():
        bot.send("DONE\r\n")
        bot.answer(tag)
    held = []
    for bot in bots:
        bot.ok("NOOP")
        told = {u: f for u, f in bot.session.marked.items() if u in bot.session.uids}
        bot.ok("UID FETCH 1:* (FLAGS)")
        assert {u: bot.session.marked[u] for u in told} == told  # it knew
        held.append((bot.session.uids, {u: bot.session.marked[u] for u in bot.session.uids}))
        bot.close()
    assert all(h == held[0] for h in held)
