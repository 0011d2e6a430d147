# SPDX-License-Identifier: MIT
"""What waits to be sent, as its sender sees it: the mailbox Pending, taking
back by deleting a note, and the undo window."""
import email
import email.policy
import pathlib
import re
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from pennypost import Server, wait_for  # noqa: E402
from remote import DEFAULT, World, queue, queue_is_empty, waiting  # noqa: E402

BOB, BEN = "bob@bob.test", "ben@bob.test"
ALICE = "alice@d.test"
names = iter(range(10000))


def mail(to, sender=BOB, subject="Gr\u00fc\u00dfe"):
    m = email.message.EmailMessage(policy=email.policy.SMTP)
    m["From"], m["To"], m["Subject"] = f"Bob <{sender}>", to, subject
    m["Message-ID"] = f"<pending-{next(names)}@bob.test>"
    m.set_content("What it says.\r\n")
    return m.as_bytes()


def submit(server, message, *to, sender=BOB, options=()):
    """The id it is queued as, and the reply's text."""
    with server.submission(sender) as client:
        client.mail(sender, options)
        for address in to:
            assert client.rcpt(address)[0] == 250
        code, text = client.data(message)
    assert code == 250
    return re.search(rb"queued as (\w+)", text)[1].decode(), text.decode()


def journey(server, trace):
    return server.ctl("journey", trace).stdout


class Pending:
    """A client that looks at the mailbox, once it is there."""

    def __init__(self, server, user=BOB, name="Pending"):
        self.client = server.imap(user)
        self.select = wait_for(lambda: self.enter(name), what="the mailbox Pending")

    def enter(self, name):
        kind, count = self.client.select(name)
        return kind == "OK" and count

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.logout()

    def uids(self):
        self.client.noop()
        return self.client.uid("SEARCH", "ALL")[1][0].decode().split()

    def note(self, uid):
        """A note, taken apart by a parser that forgives nothing; None if it is
        replaced meanwhile."""
        got = self.client.uid("FETCH", uid, "(BODY.PEEK[])")[1]
        if not got or got[0] is None:
            return None
        return email.message_from_bytes(got[0][1], policy=email.policy.strict)

    def wait(self, *words, n=1):
        """The UID and note of the only one, once there are n and the first says
        all of this."""
        def look():
            found = self.uids()
            note = self.note(found[0]) if len(found) == n else None
            text = plain(note) if note else ""
            return all(w in text for w in words) and note and (found[0], note)
        return wait_for(look, what=f"a note that says {words}")

    def is_empty(self):
        wait_for(lambda: not self.uids(), what="an empty Pending")
        return True

    def delete(self, uid):
        assert self.client.uid("STORE", uid, "+FLAGS.SILENT", "(\\Deleted)")[0] == "OK"
        assert self.client.uid("EXPUNGE", uid)[0] == "OK"


def plain(note):
    """The text for people, on one line."""
    text, _ = note.iter_parts()
    assert text.get_content_type() == "text/plain"
    return " ".join(text.get_content().split())


def slow_world(settings=None):
    w = World(settings, servers=("bob",))
    w.slow = w.remote("slow.test", {"RCPT": "451 4.3.0 come back later"})
    return w


@pytest.fixture(scope="module")
def world():
    """It tries again all the time."""
    with slow_world() as w:
        yield w


@pytest.fixture(scope="module")
def calm():
    """It tries again when it is told to."""
    with slow_world({"relay.retry_first": "1h", "relay.retry_most": "1h"}) as w:
        yield w


@pytest.fixture(autouse=True)
def tidy(request):
    """Nothing is left over for the next test."""
    yield
    for name in {"world", "calm"} & set(request.fixturenames):
        w = request.getfixturevalue(name)
        w.slow.replies["RCPT"] = "451 4.3.0 come back later"
        w.slow.messages.clear()
        w.bob.ctl("queue", "drop", "--all", check=False)
        with Pending(w.bob) as pending:
            pending.is_empty()


def is_recalled(world, trace):
    """It is out of the queue, and what is sent later overtakes it."""
    assert not [r for r in queue(world.bob) if r["id"] == trace]
    assert "recalled" in journey(world.bob, trace)
    world.slow.replies["RCPT"] = DEFAULT["RCPT"]
    fence = mail("fence@slow.test", sender=BEN)
    submit(world.bob, fence, "fence@slow.test", sender=BEN)
    world.slow.got()
    assert queue_is_empty(world.bob)
    assert [m.recipients for m in world.slow.messages] == [["fence@slow.test"]]
    assert "relayed" not in journey(world.bob, trace)


# ---- notes

def test_says_why_and_when(calm):
    world = calm
    trace, _ = submit(world.bob, mail("x@slow.test"), "x@slow.test")
    with Pending(world.bob) as pending:
        _, note = pending.wait("<x@slow.test>", "451 4.3.0 come back later", "The next attempt is on",
                               "We shall try until", f"mailctl queue recall {trace}")
        assert note["From"] == f"Bob <{BOB}>" and note["To"] == "x@slow.test"
        assert note["Subject"] == "Waiting: Gr\u00fc\u00dfe"
        assert not note.defects
        _, original = note.iter_parts()
        assert original.get_content_type() == "message/rfc822"
        inside = original.get_payload(0)
        assert inside["Subject"] == "Gr\u00fc\u00dfe" and "What it says." in inside.get_content()
        assert not inside["Return-Path"]
        # another attempt
        world.slow.replies["RCPT"] = "451 4.3.0 not yet"
        world.bob.ctl("queue", "retry", trace)
        pending.wait("Tried 2 times", "451 4.3.0 not yet")
        # it goes, and so does its note
        world.slow.replies["RCPT"] = DEFAULT["RCPT"]
        world.bob.ctl("queue", "retry", trace)
        world.slow.got()
        assert pending.is_empty()
    assert world.bob.fetch(BOB) == []


def test_idle_hears(world):
    with world.bob.submission(BOB) as client:
        client.mail(BOB, ["HOLDFOR=3600"])
        client.rcpt("first@slow.test")
        client.data(mail("first@slow.test"))
    with Pending(world.bob) as pending:
        pending.wait("<first@slow.test>")
        sock = pending.client
        sock.send(b"i1 IDLE\r\n")
        while not sock.readline().startswith(b"+"):
            pass
        submit(world.bob, mail("second@slow.test"), "second@slow.test")
        while b"EXISTS" not in sock.readline():
            pass
        # each attempt replaces it
        while b"EXPUNGE" not in sock.readline():
            pass
        sock.send(b"DONE\r\n")
        while not sock.readline().startswith(b"i1 OK"):
            pass


def test_replaced_notes_stay_seen(world):
    submit(world.bob, mail("x@slow.test"), "x@slow.test")
    with Pending(world.bob) as pending:
        def seen():
            uid, _ = pending.wait("<x@slow.test>")
            kind, got = pending.client.uid("STORE", uid, "+FLAGS", "(\\Seen)")
            return kind == "OK" and got[0]  # it was still there
        wait_for(seen)
        before = pending.uids()
        wait_for(lambda: pending.uids() not in (before, []), what="another note")
        assert pending.client.uid("SEARCH", "UNSEEN")[1] == [b""]


def test_only_what_its_account_sent(world):
    submit(world.bob, mail("x@slow.test"), "x@slow.test")
    with Pending(world.bob) as pending:
        pending.wait("<x@slow.test>")
    client = world.bob.imap(BEN)
    kind, count = client.select("Pending")
    assert kind == "NO" or count == [b"0"]
    client.logout()


def test_held_and_paused_by_those_who_run_it(calm):
    world = calm
    world.slow.replies["RCPT"] = "451 4.3.0 not today"
    trace, _ = submit(world.bob, mail("x@slow.test"), "x@slow.test")
    waiting(world.bob, "x@slow.test")
    world.bob.ctl("queue", "hold", trace)
    with Pending(world.bob) as pending:
        pending.wait("It is held back by those who run this server")
        world.bob.ctl("queue", "pause", "slow.test")
        world.bob.ctl("queue", "release", trace)
        pending.wait("have stopped mail for this domain")
        world.bob.ctl("queue", "resume", "slow.test")
        pending.wait("The next attempt is on")


def test_recipients_side_by_side(world):
    """Those who have it are not there any more."""
    world.slow.replies["RCPT"] = lambda s, line: "250 ok" if b"quick" in line else "451 4.3.0 wait"
    submit(world.bob, mail("quick@slow.test"), "quick@slow.test", "late@slow.test", "later@slow.test")
    with Pending(world.bob) as pending:
        _, note = pending.wait("<late@slow.test>", "<later@slow.test>")
        assert "<quick@slow.test>" not in plain(note)


# ---- taking back

def test_deleting_recalls(world):
    trace, _ = submit(world.bob, mail("x@slow.test"), "x@slow.test", "y@slow.test")
    with Pending(world.bob) as pending:
        def delete():
            for uid in pending.uids():
                pending.delete(uid)
            return not queue(world.bob)
        wait_for(delete, what="an empty queue")
        assert pending.is_empty()
    is_recalled(world, trace)


def test_moving_to_trash_recalls(world):
    trace, _ = submit(world.bob, mail("x@slow.test"), "x@slow.test")
    with Pending(world.bob) as pending:
        def move():
            for uid in pending.uids():
                assert pending.client.uid("MOVE", uid, "Trash")[0] == "OK"
            return not queue(world.bob)
        wait_for(move, what="an empty queue")
        assert pending.is_empty()
        assert pending.client.select("Trash") == ("OK", [b"1"])
        pending.client.store("1", "+FLAGS", "\\Deleted")
        pending.client.expunge()
    is_recalled(world, trace)


def test_closing_recalls(world):
    """CLOSE expunges without a word; what is \\Deleted is not replaced before that."""
    trace, _ = submit(world.bob, mail("x@slow.test"), "x@slow.test", options=["HOLDFOR=3600"])
    with Pending(world.bob) as pending:
        uid, _ = pending.wait("It is kept until")
        pending.client.uid("STORE", uid, "+FLAGS", "(\\Deleted)")
        world.bob.ctl("queue", "hold", trace)
        # all were looked at when a later one is there
        submit(world.bob, mail("y@slow.test"), "y@slow.test", options=["HOLDFOR=3600"])
        wait_for(lambda: len(pending.uids()) == 2, what="another note")
        assert uid in pending.uids()
        pending.client.uid("STORE", "1:*", "+FLAGS", "(\\Deleted)")
        pending.client.close()
        assert queue_is_empty(world.bob)
        pending.enter("Pending")
        assert pending.is_empty()
    is_recalled(world, trace)


def test_replacing_recalls(world):
    trace, _ = submit(world.bob, mail("x@slow.test"), "x@slow.test", options=["HOLDFOR=3600"])
    with Pending(world.bob) as pending:
        uid, _ = pending.wait("It is kept until")
        sock = pending.client
        text = b"Subject: again\r\n\r\nAgain.\r\n"
        sock.send(b"r1 UID REPLACE %s Drafts {%d+}\r\n%s\r\n" % (uid.encode(), len(text), text))
        while not (line := sock.readline()).startswith(b"r1 "):
            pass
        assert line.startswith(b"r1 OK")
        assert queue_is_empty(world.bob)
    is_recalled(world, trace)


def test_what_nobody_may(world):
    trace, _ = submit(world.bob, mail("x@slow.test"), "x@slow.test", options=["HOLDFOR=3600"])
    world.bob.deliver("a@b.test", [BOB], b"Subject: mine\r\n\r\nMine.\r\n")
    with Pending(world.bob) as pending:
        uid, _ = pending.wait("It is kept until")
        c = pending.client
        flags, = c.untagged_responses.get("PERMANENTFLAGS", c.response("PERMANENTFLAGS")[1])
        assert sorted(flags.decode().strip("()").split()) == ["\\Deleted", "\\Seen"]
        line = next(x for x in c.list()[1] if b"Pending" in x)
        assert b"\\Noinferiors" in line and b"\\HasNoChildren" in line

        def refused(got):
            kind, (text,) = got
            assert kind == "NO" and text.startswith(b"[CANNOT] ") and len(text) > 30, (kind, text)

        for how in ("+FLAGS", "FLAGS"):
            refused(c.uid("STORE", uid, how, "(\\Flagged)"))
            refused(c.uid("STORE", uid, how, "($Forwarded)"))
        refused(c.uid("COPY", uid, "Pending"))
        refused(c.uid("MOVE", uid, "Pending"))
        refused(c.append("Pending", None, None, b"Subject: x\r\n\r\nx\r\n"))
        refused(c.rename("Pending", "Elsewhere"))
        refused(c.rename("Archive", "Pending/Archive"))
        refused(c.create("Pending/below"))
        refused(c.delete("Pending"))
        c.select("INBOX")
        refused(c.copy("1", "Pending"))
        refused(c._simple_command("MOVE", "1", "Pending"))
        text = b"Subject: x\r\n\r\nx\r\n"
        c.send(b"m1 APPEND Pending {%d+}\r\n%s {%d+}\r\n%s\r\n" % (2 * (len(text), text)))
        while not (line := c.readline()).startswith(b"m1 "):
            pass
        assert line.startswith(b"m1 NO [CANNOT]")
        c.send(b"r1 UID REPLACE 1 Pending {%d+}\r\n%s\r\n" % (len(text), text))
        while not (line := c.readline()).startswith(b"r1 "):
            pass
        assert line.startswith(b"r1 NO [CANNOT]")
        got = world.bob.ctl("mailbox", "delete", BOB, "Pending", "--yes", check=False)
        assert got.returncode != 0 and "waits to be sent" in got.stderr
        # copying out takes nothing back
        c.select("Pending")
        assert c.uid("COPY", uid, "Archive")[0] == "OK"
        assert [r["id"] for r in queue(world.bob)] == [trace]
        assert c.select("Pending", readonly=True)[0] == "OK"
    world.bob.fetch(BOB, delete=True)


# ---- scheduled, and the undo window

def test_scheduled_shows(world):
    trace, reply = submit(world.bob, mail(BEN), BEN, "x@slow.test", options=["HOLDFOR=3600"])
    assert "it goes on" in reply and "recalled" not in reply
    assert "as its sender asked" in journey(world.bob, trace)
    with Pending(world.bob) as pending:
        uid, note = pending.wait(f"<{BEN}> It is kept until", "<x@slow.test>")
        pending.delete(uid)
    assert queue_is_empty(world.bob)
    assert world.bob.fetch(BEN) == []
    is_recalled(world, trace)


def test_undo_window():
    with World({"submission.undo": "1h"}, servers=("bob",)) as w:
        far = w.remote("far.test")
        trace, reply = submit(w.bob, mail(BEN), BEN, "x@far.test")
        assert "it goes on" in reply and "unless it is recalled" in reply
        assert re.search(r"held until .*, so that it can be recalled", journey(w.bob, trace))
        with Pending(w.bob) as pending:
            uid, _ = pending.wait(f"<{BEN}> It is kept until", "<x@far.test>")
            pending.delete(uid)
            assert queue_is_empty(w.bob)
            assert "recalled" in journey(w.bob, trace)
            # who asks for less does not get less, who asks for more does
            submit(w.bob, mail(BEN), BEN, options=["HOLDFOR=1"])
            submit(w.bob, mail(BEN), BEN, options=["HOLDFOR=7200"])
            waits = sorted(r["next"] for r in queue(w.bob))
            pending.wait("It is kept until", n=2)
            assert len(set(waits)) == 2
        # mail from other servers does not wait
        w.bob.deliver("a@b.test", [BEN], b"Subject: at once\r\n\r\nx\r\n")
        one, = wait_for(lambda: w.bob.fetch(BEN))
        assert b"at once" in one
        # let go by hand
        for row in queue(w.bob):
            w.bob.ctl("queue", "retry", row["id"])
        assert queue_is_empty(w.bob)
        assert wait_for(lambda: len(w.bob.fetch(BEN)) == 3)
        assert far.messages == []


def test_undo_window_ends():
    with World({"submission.undo": "1s"}, servers=("bob",)) as w:
        far = w.remote("far.test")
        trace, _ = submit(w.bob, mail(BEN), BEN, "x@far.test")
        far.got()
        assert wait_for(lambda: w.bob.fetch(BEN))
        assert queue_is_empty(w.bob)
        assert "so that it can be recalled" in journey(w.bob, trace)


# ---- over a restart

def test_what_happened_meanwhile(tmp_path):
    """Notes of messages that are gone go when maild starts; switched off, all
    of them do."""
    def server(**settings):
        return Server(users={BOB: "pw-bob-Xyz123"}, domain="bob.test", dir=str(tmp_path / "dev"),
                      settings=settings)

    with server() as s:
        gone, _ = submit(s, mail(BOB), BOB, options=["HOLDFOR=3600"])
        with Pending(s) as pending:
            pending.wait("It is kept until")
            stays, _ = submit(s, mail(BOB), BOB, options=["HOLDFOR=3600"])
            pending.wait(n=2)
    s.ctl("queue", "drop", gone)  # while nobody looks
    with server() as s:
        with Pending(s) as pending:
            pending.wait(f"mailctl queue recall {stays}")
    with server(**{"submission.pending": "no"}) as s:
        with Pending(s) as pending:
            assert pending.is_empty()
            assert pending.client.delete("Pending")[0] == "OK"
        assert [r["id"] for r in queue(s)] == [stays]
        assert s.imap(BOB).select("Pending")[0] == "NO"
