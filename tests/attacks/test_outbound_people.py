# SPDX-License-Identifier: MIT
"""What waits, and who may do what to it: words of other servers on a terminal, in
notes and in the store; users who want more than they may; keys and patterns that
are none.  (tests/e2e/test_queue.py and test_pending.py have those who mean well.)"""
import contextlib
import datetime
import itertools
import json
import re
import smtplib
import sqlite3

import pytest

from pennypost import wait_for
from remote import Remote, World, queue, queue_is_empty, waiting
from samples import everyday
from test_pending import Pending, plain

OWN_SERVER = True
BOB, BEN = "bob@bob.test", "ben@bob.test"
LATER = "451 4.3.0 come back later"
names = itertools.count()


def patient(**settings):
    """It tries again when it is told to."""
    return World({"relay.retry_first": "1h", "relay.retry_most": "4h", **settings}, servers=("bob",))


@pytest.fixture(scope="module")
def world():
    with patient(**{"submission.messages_per_hour": 0, "submission.recipients_per_day": 0,
                    "submission.new_recipients_per_day": 0}) as w:
        yield w


@pytest.fixture(autouse=True)
def tidy(request):
    yield
    if "world" in request.fixturenames:
        bob = request.getfixturevalue("world").bob
        bob.ctl("queue", "drop", "--all", check=False)
        for user in bob.users:
            bob.fetch(user, delete=True)


def submit(server, *recipients, sender=BOB, options=()):
    with server.submission(sender) as client:
        client.mail(sender, options)
        for r in recipients:
            assert client.rcpt(r)[0] == 250
        code, text = client.data(everyday(f"people-{next(names)}", sender=sender))
        if code != 250:
            raise smtplib.SMTPDataError(code, text)
    return re.search(r"queued as (\S+)", text.decode())[1]


def kinds(server, id):
    return [h["what"] for h in server.ctl("journey", id, "--json")["journeys"][0]["hops"]]


def assert_printable(text, what=""):
    for line in text.split("\n"):
        assert line.isprintable(), f"{what}: {line!r}"


# ---- words of others

WORDS = [b"\x1b[2J\x1b]0;owned\x07", b"\x9b31m\x9d0;owned\x9c", "\u202egnp.exe\u2066 \u200b \u0085 \u009b31m".encode(),
         b"\xff\xfe\x80", b"\t\x08\x08\x7f", b"a\x0bb\x0cc", b"%s%n%1000000d", b"\\x1b[2J", b"=?utf-8?B?GzJK?="]


@pytest.mark.parametrize("words", WORDS, ids=range(len(WORDS)))
def test_words_on_a_terminal(world, words):
    """Escaped wherever people read them: queue, dialogue, journey, note, log."""
    domain = f"words{next(names)}.test"
    far = world.remote(domain, {
        "CONNECT": b"220 " + words + b" ESMTP\r\n", "EHLO": b"250-" + words + b"\r\n250-SIZE " + words + b"\r\n250 8BITMIME\r\n",
        "RCPT": b"451-4.3.0 " + words + b"\r\n451 4.3.0 " + words + b"\r\n"})
    id = submit(world.bob, f"x@{domain}")
    if waiting(world.bob, f"x@{domain}")["last_code"] == 451:
        assert any(line[:4] == b"RCPT" for s in far.sessions for line in s.lines)
    for args in (["queue"], ["queue", "show", id], ["queue", "summary"], ["journey", id], ["journey", f"x@{domain}"],
                 ["queue", "recall", "0000000000000"]):
        assert_printable(world.bob.ctl(*args, check=False).stdout, args)
    for args in (["queue", "show", id, "--json"], ["journey", id, "--json"]):
        text = json.dumps(world.bob.ctl(*args), ensure_ascii=False)
        assert_printable(text, args)
    with Pending(world.bob) as pending:
        _, note = pending.wait(f"<x@{domain}>")
        assert_printable(plain(note), "note")
        machine = [p for p in note.walk() if p.get_content_type() != "text/plain"]
        assert note["Subject"].isprintable() and machine
    assert_printable(world.bob.log_text(), "log")


@pytest.mark.parametrize("words", WORDS, ids=range(len(WORDS)))
def test_words_that_are_kept(world, words):
    """With an address that is suppressed, and in what its sender is told."""
    domain = f"kept{next(names)}.test"
    world.remote(domain, {"RCPT": b"550 5.1.1 " + words + b"\r\n"})
    submit(world.bob, f"x@{domain}")
    row = wait_for(lambda: world.bob.fetch(BOB) or [r for r in queue(world.bob) if r["tries"]], what="an end")
    assert_printable(world.bob.ctl("suppress", "list").stdout)
    if isinstance(row[0], bytes):
        text = row[0].decode("ascii")
        assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", text)


# ---- delays that are none

DELAYS = ["1000000000000000000 seconds", "99999999999999999999999 days", "-5 seconds", "-9223372036854775808 s", "0 seconds",
          "00:00:00", "99:99:99", "999999:00:00", "18446744073709551615 minutes", "1e18 seconds", "0x7fffffff seconds",
          "5 seconds" * 50, "٣ minutes"]


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def test_delays_that_are_none(world):
    """Never sooner than seconds, nor later than relay.retry_most and what is added
    at random."""
    ids = {}
    for n, delay in enumerate(DELAYS):
        domain = f"delay{n}.test"
        world.remote(domain, {"RCPT": f"450 4.7.1 greylisted, come back in {delay}"})
        ids[delay] = submit(world.bob, f"x@{domain}")
    for n, delay in enumerate(DELAYS):
        waiting(world.bob, f"x@delay{n}.test")
        shown = world.bob.ctl("queue", "show", ids[delay], "--json")
        tried = max(moment(a["at"]) for a in shown["attempts"])
        wait = moment(shown["recipients"][0]["next"]) - tried
        assert datetime.timedelta(seconds=4) < wait < datetime.timedelta(hours=5), (delay, shown)


def test_421_for_ever(world):
    """At whichever step: it waits, and nobody is asked again and again."""
    for verb in ("CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "."):
        domain = f"busy{next(names)}.test"
        far = world.remote(domain, {verb: "421 4.3.2 shutting down"})
        for n in range(5):
            submit(world.bob, f"x{n}@{domain}")
        for n in range(5):
            wait_for(lambda: any(r["recipient"] == f"x{n}@{domain}" for r in queue(world.bob)))
        waiting(world.bob, f"x0@{domain}")
        assert len(far.sessions) <= 5 and not far.messages, verb
    assert world.bob.fetch(BOB) == []


def test_250_to_everything(world):
    """Also to DATA, and to each line of what it thinks are commands: nothing of the
    content goes out, nobody counts as reached."""
    far = world.remote("yes.test", {v: "250 yes" for v in ("EHLO", "MAIL", "RCPT", "DATA", "RSET", "QUIT", "NOOP")})
    submit(world.bob, "x@yes.test")
    assert waiting(world.bob, "x@yes.test")["state"] == "waiting"
    lines = [line for s in far.sessions for line in s.lines]
    assert not any(line.lower().startswith(b"subject:") for line in lines) and lines


# ---- patterns

def test_patterns_that_blow_up(world):
    """Time of both lengths at most: this ends."""
    world.remote("patterns.test", {"RCPT": LATER})
    address = "a" * 60 + "@patterns.test"
    submit(world.bob, address)
    waiting(world.bob, address)

    def found(*args):
        got = world.bob.ctl("queue", *args, "--json", check=False)
        return [r["recipient"] for r in got["recipients"]] if isinstance(got, dict) else got
    for pattern in ("*a" * 40 + "b", "*a" * 1000, "*" * 5000 + "b", "?" * 5000, "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*!"):
        for option in ("--recipient", "--sender", "--domain"):
            assert found(option, pattern) == [] or pattern.endswith("*a") or found(option, pattern).returncode == 2
    assert found("--recipient", "*a" * 40 + "*") == [address]
    for pattern in ("' OR 1=1 --", "%", "_%", "x'; DROP TABLE queue; --", "[a-z]*", "{a,b}*"):
        assert found("--recipient", pattern) == []
    assert [r["recipient"] for r in queue(world.bob)] == [address]


# ---- users who want more

def test_a_flood_of_scheduled_mail(world):
    """A thousand: so many notes as there may be, the newest; others are not kept
    waiting, and it can all be taken back."""
    far = world.remote("flood.test")
    with world.bob.submission(BOB) as client:
        for n in range(1000):
            client.mail(BOB, ["HOLDFOR=%d" % (3600 + n)])
            assert client.rcpt(f"x{n}@flood.test")[0] == 250
            assert client.data(b"From: bob@bob.test\r\nSubject: flood\r\n\r\n%d\r\n" % n)[0] == 250
    submit(world.bob, "y@flood.test", sender=BEN)
    far.got()
    submit(world.bob, "z@flood.test", sender=BEN, options=["HOLDFOR=3600"])
    with Pending(world.bob, BEN) as pending:
        pending.wait("<z@flood.test>")
    with Pending(world.bob) as pending:
        wait_for(lambda: len(pending.uids()) == 200, 180, what="as many notes as there may be")
        newest = pending.note(pending.uids()[-1])
        assert re.search(r"<x(9\d\d|8\d\d)@flood\.test>", plain(newest))
    assert len(world.bob.ctl("queue", "--max", "5000", "--json")["recipients"]) == 1001
    assert world.bob.ctl("queue", "drop", "--recipient", "x*@flood.test", "--json")["changed"] == 1000
    with Pending(world.bob) as pending:
        assert pending.is_empty()


def test_nobody_recalls_what_is_anothers(world):
    """Neither from a mailbox of his own, nor with a copy of the note, nor by name."""
    world.remote("mine.test", {"RCPT": LATER})
    id = submit(world.bob, "x@mine.test")
    with Pending(world.bob) as pending:
        uid, note = pending.wait("<x@mine.test>")
        raw = pending.client.uid("FETCH", uid, "(BODY.PEEK[])")[1][0][1]
    submit(world.bob, "y@mine.test", sender=BEN)
    with Pending(world.bob, BEN) as pending:
        pending.wait("<y@mine.test>")
        c = pending.client
        for name in ("bob@bob.test/Pending", "user/bob/Pending", "user.bob.Pending", "/Pending", "../bob@bob.test/Pending",
                     "~bob/Pending", "#user/bob/Pending", "Other Users/bob/Pending"):
            assert c.select(f'"{name}"')[0] == "NO"
        assert c.append("Pending", None, None, raw)[0] == "NO"
        assert c.append("INBOX", "(\\Deleted)", None, raw)[0] == "OK"
        for box in ("INBOX", "Pending"):
            c.select(box)
            c.uid("STORE", "1:*", "+FLAGS.SILENT", "(\\Deleted)")
            c.uid("EXPUNGE", "1:*")
            c.expunge()
    wait_for(lambda: not [r for r in queue(world.bob) if r["sender"] == BEN], what="his own to be recalled")
    row, = queue(world.bob)
    assert row["id"] == id and row["recipient"] == "x@mine.test" and "recalled" not in kinds(world.bob, id)


@pytest.mark.parametrize("undo", ["0s", "1h"])
def test_holding_is_sending(undo):
    """What is scheduled, or can still be taken back, counts as sent; what was taken
    back did."""
    with patient(**{"submission.messages_per_hour": 3, "submission.undo": undo}) as w:
        w.remote("count.test")
        ids = [submit(w.bob, "x@count.test", options=["HOLDFOR=3600"]) for _ in range(3)]
        for options in (["HOLDFOR=3600"], [], ["HOLDFOR=60"]):
            with pytest.raises((smtplib.SMTPException, AssertionError)):
                submit(w.bob, "x@count.test", options=options)
        w.bob.ctl("queue", "recall", ids[0])
        with pytest.raises((smtplib.SMTPException, AssertionError)):
            submit(w.bob, "x@count.test")
        assert len(queue(w.bob)) == 2
        submit(w.bob, "x@count.test", sender=BEN)  # others may


# ---- who makes an address suppressed?

def suppressed(world):
    return {r["address"]: r["refusals"] for r in world.bob.ctl("suppress", "--json")["addresses"]}


def test_only_who_was_asked_says_that_nobody_is_there(world):
    """A server speaks of the recipient it was asked for, whatever it writes; who
    refuses more than one name, or us, says nothing about it; mail about mail counts
    for nothing."""
    bob = world.bob
    good = world.remote("good.test")
    evil = world.remote("evil.test", {"RCPT": "550 5.1.1 <victim@good.test>: no such user (victim@good.test)"})
    for _ in range(4):
        submit(bob, "x@evil.test")
    wait_for(lambda: suppressed(world).get("x@evil.test"), what="x@evil.test to be noted")
    queue_is_empty(bob)
    # refused as a whole, or for another reason
    for n, verb in enumerate(["CONNECT", "MAIL", "DATA", "."]):
        world.remote(f"whole{n}.test", {verb: "550 5.1.1 no such user"})
        submit(bob, f"x@whole{n}.test")
    for n, text in enumerate(["550 5.7.1 not from you", "550 5.2.2 full", "554 5.7.1 <victim@good.test> unknown", "552 5.3.4 large"]):
        world.remote(f"other{n}.test", {"RCPT": text})
        submit(bob, f"x@other{n}.test")
    queue_is_empty(bob)
    dsn = (b"From: MAILER-DAEMON@good.test\r\nTo: bob@bob.test\r\nSubject: failed\r\nMIME-Version: 1.0\r\n"
           b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nno\r\n--b\r\n"
           b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; good.test\r\n\r\n"
           b"Final-Recipient: rfc822; victim@good.test\r\nAction: failed\r\nStatus: 5.1.1\r\n"
           b"Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n\r\n--b--\r\n")
    for _ in range(4):
        with bob.smtp() as client:
            client.sendmail("", [BOB], dsn)
    known = suppressed(world)
    assert not [a for a in known if "good.test" in a or a.endswith("bob.test")], known
    assert not [a for a in known if re.search(r"@(other|whole)\d\.test", a)], known
    # once it was refused so often, only that one is not tried again
    def asked(name):
        return sum(line.upper().startswith(b"RCPT TO:<" + name) for s in evil.sessions for line in s.lines)
    before = asked(b"X@EVIL")
    submit(bob, "X@EVIL.test")
    queue_is_empty(bob)
    submit(bob, "x2@evil.test")
    queue_is_empty(bob)
    assert asked(b"X@EVIL") == before and asked(b"X2@EVIL") == 1
    submit(bob, "victim@good.test")
    good.got()


# ---- keys

KEYS = ["=", "=:", "=:25", "=[", "=[::1", "=[::1]", "=127.0.0.1:0", "=x:99999999999999999999", "=x:-1", "=a\r\nb:25",
        "=" + "a" * 5000, "=" + "a." * 2000, "==x:25", "[", "[]", "[x]", "[::1]", "", " ", ".", "a..b", "*", "'", "a\r\nb", "\xff",
        "=\xff", "xn--\xff", "a" * 5000]


def test_keys_that_are_none():
    """From a store that somebody has written into: no mail goes anywhere else, none
    is lost, and maild stays."""
    with patient() as w:
        elsewhere = Remote("127.0.0.1", w.port)
        far = w.remote("keys.test", {"RCPT": LATER})
        for n in range(len(KEYS)):
            submit(w.bob, f"x{n}@keys.test")
        for n in range(len(KEYS)):
            waiting(w.bob, f"x{n}@keys.test")
        pid = w.bob.pids()["maild"]
        with contextlib.closing(sqlite3.connect(f"{w.bob.dir}/store/mail.db", timeout=60)) as db:
            column = "domain" if "domain" in [c[1] for c in db.execute("PRAGMA table_info(recipient)")] else "destination"
            for n, key in enumerate(KEYS):
                db.execute(f"UPDATE recipient SET {column} = ?, next_at = 0 WHERE address = ?", (key, f"x{n}@keys.test"))
            db.commit()
        far.replies.clear()
        submit(w.bob, "fence@keys.test")  # maild looks at the queue again
        far.got()

        def settled():
            rows = {r["recipient"]: r for r in queue(w.bob)}
            return all(rows[a]["tries"] > 1 for a in rows)
        wait_for(settled, 120, "a try of each")
        assert not elsewhere.messages
        for args in (["queue"], ["queue", "summary"]):
            assert_printable(w.bob.ctl(*args).stdout, args)
        assert w.bob.pids()["maild"] == pid
        w.bob.ctl("queue", "drop", "--all")
        elsewhere.close()


@pytest.mark.parametrize("address", ["x@=127.0.0.1:25", "x@=far.test", "x@=", "x@=[::1]:25", "=@=a:1", "x@[=a:1]", "x@[127.0.0.1]:25"])
def test_addresses_that_look_like_keys(world, address):
    """Nobody but a person at this machine says where mail goes."""
    before = len(queue(world.bob))
    with world.bob.submission(BOB) as client:
        client.mail(BOB)
        assert client.rcpt(address)[0] in (501, 553, 550)
    with world.bob.smtp() as client:
        client.mail("a@remote.test")
        assert client.rcpt(address)[0] in (501, 553, 550, 554)
    got = world.bob.ctl("alias", "add", f"key{next(names)}@bob.test", address, check=False)
    assert got.returncode != 0
    assert len(queue(world.bob)) == before
