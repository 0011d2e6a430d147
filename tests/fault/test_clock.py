# SPDX-License-Identifier: MIT
"""The clock of running daemons jumps: an hour back, ten years on, to 1970; and
back to where it was.  Each time

 - what was begun goes on: no session ends by the wall clock;
 - mail comes in, is submitted, is read, by daemons that run and by daemons
   that start in that time;
 - nothing that lay there is gone, what waited to be relayed is relayed (or its
   sender has a report), and not years later;
 - ids, UIDs and UIDVALIDITYs are given once;
 - who has the right password gets in, who has not does not.
"""
import contextlib
import os
import pathlib
import re
import signal
import struct
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from pennypost import wait_for  # noqa: E402
from remote import World, queue, queue_is_empty  # noqa: E402
from samples import plain  # noqa: E402

BOB, BEN = "bob@bob.test", "ben@bob.test"
HOUR = 3600
JUMPS = {"an-hour-back": -HOUR, "ten-years-on": 10 * 365 * 24 * HOUR, "to-1970": None}


class Clock:
    """The file of test.clock (common/util/clock.h)."""

    def __init__(self, path):
        self.path = path

    def is_off_by(self, seconds):
        fd = os.open(self.path, os.O_RDWR)
        os.pwrite(fd, struct.pack("=q", int(seconds * 1000)), 0)
        os.close(fd)

    def jump(self, name):
        self.is_off_by(-time.time() if JUMPS[name] is None else JUMPS[name])


class Story:
    """What was given to bob's server so far, and by whom it must be known."""

    def __init__(self, server):
        self.server = server
        self.names = []  # of the messages in bob's INBOX, in their order
        self.validities = {}  # {mailbox: UIDVALIDITY}

    def message(self):
        name = f"m{len(self.names)}"
        self.names.append(name)
        return plain(name, b"Just a few words.\r\n", sender=BEN, to=BOB)

    def happens(self):
        """Mail on both ways in, a mailbox, logins right and wrong."""
        server = self.server
        server.deliver("x@sender.test", [BOB], self.message())
        server.submit(BEN, [BOB], self.message())
        imap = server.imap(BOB)
        box = f"box{len(self.validities)}"
        assert imap.create(box)[0] == "OK"
        assert imap.append(box, "(\\Seen)", None, plain("appended", b"x\r\n"))[0] == "OK"
        assert imap.select(box)[1] == [b"1"]
        self.validities[box] = int(imap.response("UIDVALIDITY")[1][0])
        imap.logout()
        with pytest.raises(Exception, match="(?i)authentication|AUTH"):
            server.imap(BOB, login=False).login(BOB, "not the password")

    def holds(self):
        """All of it is there, once, in the order in which it came."""
        server = self.server
        found = [re.search(rb"(?m)^Subject: (.*)\r$", m)[1].decode() for m in server.fetch(BOB)]
        found = [name for name in found if re.fullmatch(r"m\d+", name)]
        assert found == self.names
        imap = server.imap(BOB)
        for box, validity in self.validities.items():
            assert imap.select(box)[1] == [b"1"], box
            assert int(imap.response("UIDVALIDITY")[1][0]) == validity, box
        assert len(set(self.validities.values())) == len(self.validities)
        imap.select("INBOX")
        uids = imap.uid("SEARCH", "ALL")[1][0].split()
        assert [int(u) for u in uids] == sorted({int(u) for u in uids})
        imap.logout()
        ids = [re.search(rb"\bid ([0-9a-z]{13})\b", m)[1] for m in server.fetch(BOB)]
        assert len(set(ids)) == len(ids)
        server.ctl("check")


class Sessions:
    """In the middle of something, on each protocol."""

    def __init__(self, story):
        server = story.server
        self.story = story
        self.smtp = server.smtp()
        assert self.smtp.mail("x@sender.test")[0] == 250
        assert self.smtp.rcpt(BOB)[0] == 250
        self.pop3 = server.pop3(BOB)
        self.count = self.pop3.stat()[0]
        self.imap = server.imap(BOB)
        self.imap.select("INBOX")

    def go_on(self):
        assert self.smtp.data(self.story.message())[0] == 250
        self.smtp.quit()
        assert self.pop3.stat()[0] == self.count
        if self.count:
            self.pop3.retr(1)
        self.pop3.quit()
        assert self.imap.noop()[0] == "OK"
        count = int(self.imap.select("INBOX")[1][0])
        assert count == self.count + 1
        self.imap.logout()


def start_again(server):
    """All three daemons, which find the clock as it is."""
    for name, pid in server.pids().items():
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: server.pids().get(name) not in (None, pid), what=f"{name} again")

    def serves():
        with contextlib.suppress(Exception):
            server.imap(BOB).logout()
            got = server.ctl("status", "--json", check=False)
            return isinstance(got, dict) and got["running"]
    wait_for(serves, what="the daemons to serve")


def is_settled(server, far):
    """It was relayed, or its sender knows that it was not; and is not queued."""
    queue_is_empty(server)
    reports = [m for m in server.fetch(BEN) if b"multipart/report" in m]
    return len(far.messages) + len(reports) >= 1


@pytest.mark.parametrize("jump", JUMPS)
def test_jump(tmp_path, jump):
    path = tmp_path / "clock"
    with World({"test.clock": path}, servers=["bob"]) as w:
        busy = ["451 4.3.0 come again"]
        far = w.remote("far.test", {"RCPT": lambda *_: busy[0]})
        story, clock = Story(w.bob), Clock(path)
        story.happens()
        w.bob.submit(BEN, ["x@far.test"], plain("away", b"x\r\n", sender=BEN))
        wait_for(lambda: far.sessions, what="the first try")
        sessions = Sessions(story)
        clock.jump(jump)
        sessions.go_on()
        story.happens()
        story.holds()
        start_again(w.bob)
        story.happens()
        story.holds()
        sessions = Sessions(story)
        clock.is_off_by(0)
        sessions.go_on()
        busy[0] = "250 2.1.5 ok"
        assert is_settled(w.bob, far)
        story.happens()
        start_again(w.bob)
        story.happens()
        story.holds()


@pytest.mark.parametrize("jump", ["an-hour-back", "to-1970"])
def test_what_waits_is_not_forgotten(tmp_path, jump):
    """It was to be tried in a second; the clock is set back; it is tried."""
    path = tmp_path / "clock"
    with World({"test.clock": path}, servers=["bob"]) as w:
        replies, tries = ["451 4.3.0 come again"], []
        far = w.remote("far.test", {"RCPT": lambda *_: tries.append(1) or replies[-1]})
        w.bob.submit(BEN, ["x@far.test"], plain("away", b"x\r\n", sender=BEN))
        wait_for(lambda: tries, what="the first try")
        Clock(path).jump(jump)
        before = len(tries)
        wait_for(lambda: len(tries) > before + 1, what="more tries")
        assert [r["recipient"] for r in queue(w.bob)] == ["x@far.test"]
        replies.append("250 2.1.5 ok")
        far.got()
        queue_is_empty(w.bob)
        assert len(far.messages) == 1
