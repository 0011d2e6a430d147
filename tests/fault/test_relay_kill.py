# SPDX-License-Identifier: MIT
"""kill -9 of maild at every step of an attempt (docs/design.md s13).

The other server kills it: when it has been told something, before it answers or
after.  The supervisor starts maild again, which finds the message due.  Then

 - nothing is lost: the other server has it, or its sender has a report;
 - it is there twice only where the other server had said 250 to the end of the
   data and our commit had not returned, both times under one id, and each time
   that maild heard of it there is a line in its log;
 - the journey has one end, and `mailctl check' finds no fault.
"""
import contextlib
import os
import pathlib
import poplib
import re
import signal
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from pennypost import wait_for  # noqa: E402
from remote import CLOSE, DEFAULT, Message, World, queue, queue_is_empty, Report  # noqa: E402
from samples import plain  # noqa: E402

BOB = "bob@bob.test"
SMALL = b"Just a few words.\r\n"
LARGE = 20000 * (b"x" * 78 + b"\r\n")  # more than fits between two programs


def kill(server):
    """And wait until it is no more: what we say now nobody hears."""
    pid = wait_for(lambda: server.pids().get("maild"), what="maild")
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: server.pids().get("maild") != pid, what="the end of maild")


class Killer:
    """Replies of a Remote of which one kills, once, the nth time it is asked."""

    def __init__(self, server, verb, how, nth=1):
        self.server, self.verb, self.how, self.left = server, verb, how, nth
        self.always = DEFAULT[verb]
        self.done = False

    def __call__(self, session, line):
        self.left -= 1
        if self.left != 0:
            return self.always
        try:
            return self.how(self, session, self.always)
        finally:
            self.done = True

    # what to do when it is asked

    def before(self, _, text):
        """It never hears the answer; for the dot, it was a yes all the same."""
        kill(self.server)
        return text

    def unanswered(self, _, __):
        kill(self.server)
        return CLOSE

    def after(self, session, text, wait=0.0):
        """It may have heard it, and done something about it or not."""
        session.sock.sendall(text.encode() + b"\r\n")
        if self.verb == ".":
            session.remote.messages.append(Message(session))
        time.sleep(wait)
        kill(self.server)
        return CLOSE

    def a_little_after(self, session, text):
        return self.after(session, text, 0.005)

    def later(self, session, text):
        return self.after(session, text, 0.1)

    def in_the_body(self, session, text):
        session.sock.sendall(text.encode() + b"\r\n")
        wait_for(lambda: session.sock.recv(4096), what="the beginning of the data")
        kill(self.server)
        return CLOSE

    def when_recorded(self, _, text):
        queue_is_empty(self.server)
        kill(self.server)
        return text

    def not_now(self, session, _):
        return self.after(session, "451 4.3.0 come again")

    def never(self, session, _):
        self.always = "550 5.1.1 nobody here"
        return self.after(session, self.always)


# (verb, how, which time, how often the message may arrive)
POINTS = [
    ("CONNECT", Killer.unanswered, 1, {1}),
    ("EHLO", Killer.before, 1, {1}),
    ("STARTTLS", Killer.before, 1, {1}),
    ("EHLO", Killer.before, 2, {1}),  # under TLS
    ("MAIL", Killer.before, 1, {1}),
    ("RCPT", Killer.before, 1, {1}),
    ("RCPT", Killer.not_now, 1, {1}),
    ("RCPT", Killer.never, 1, {0}),
    ("DATA", Killer.before, 1, {1}),
    ("DATA", Killer.in_the_body, 1, {1}),
    (".", Killer.unanswered, 1, {1}),
    (".", Killer.before, 1, {2}),
    (".", Killer.after, 1, {1, 2}),
    (".", Killer.a_little_after, 1, {1, 2}),
    (".", Killer.later, 1, {1, 2}),
    ("QUIT", Killer.when_recorded, 1, {1}),
]


@pytest.fixture(scope="module")
def certificate():
    with World(servers=["bob"]) as w:
        yield str(w.bob.dir / "cert.pem"), str(w.bob.dir / "key.pem")


@pytest.mark.parametrize("verb, how, nth, copies", POINTS,
                         ids=[f"{v}-{h.__name__}-{n}" for v, h, n, _ in POINTS])
def test_killed(certificate, verb, how, nth, copies):
    with World({"relay.linger": "0s", "relay.retry_first": "100ms"}, servers=["bob"]) as w:
        killer = Killer(w.bob, verb, how, nth)
        far = w.remote("far.test", {verb: killer}, tls=certificate)
        body = LARGE if how is Killer.in_the_body else SMALL
        w.bob.submit(BOB, ["x@far.test"], plain("kill", body, sender=BOB))
        wait_for(lambda: killer.done, what=f"{verb} to come, and the end of maild")
        wait_for(lambda: runs(w.bob), what="maild again")
        queue_is_empty(w.bob)
        check_fate(w.bob, far, how, copies)


def runs(server):
    """Does maild, and not mailctl in its place, answer?"""
    got = server.ctl("status", "--json", check=False)
    return isinstance(got, dict) and got["running"]


def mail_of(server, user):
    """Whoever has just lost maild says so, once."""
    def look():
        with contextlib.suppress(poplib.error_proto):
            return [server.fetch(user)]
    return wait_for(look, what="a login")[0]


def check_fate(server, far, how, copies):
    journey, = server.ctl("journey", "x@far.test", "--json")["journeys"]
    ends = [h["what"] for h in journey["hops"] if h["what"] in ("relayed", "failed", "expired", "dropped")]
    log = server.log_text()
    heard = len(re.findall(rf"relay id={journey['id']} .*result=relayed", log))
    assert len(far.messages) in copies, (far.messages, log)
    if how is Killer.never:  # nobody is told twice
        assert ends == ["failed"], journey
        raw, = mail_of(server, BOB)
        assert Report(raw, BOB).one()[:3] == ("x@far.test", "failed", "5.1.1")
    else:
        assert ends == ["relayed"], journey
        assert mail_of(server, BOB) == []
    # every time maild heard the yes it says so; the yes that died with it, it cannot
    assert max(len(far.messages) - 1, 0) <= heard <= len(far.messages), log
    for message in far.messages:  # one id: who got both can tell that they are one
        assert journey["id"].encode() in message.content.split(b"\r\n\r\n")[0]
    assert len({m.content for m in far.messages}) <= 1
    assert queue(server) == []
    server.ctl("check")
