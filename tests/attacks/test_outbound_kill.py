# SPDX-License-Identifier: MIT
"""A174: one is taken, one put off, one refused, and maild is killed at each step.
(tests/fault/test_relay_kill.py does so with one recipient.)"""
import pathlib
import re
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "fault"))
from pennypost import wait_for  # noqa: E402
from remote import Report, World, queue  # noqa: E402
from samples import plain  # noqa: E402
from test_relay_kill import Killer, mail_of, runs  # noqa: E402

OWN_SERVER = True
BOB = "bob@bob.test"
TAKEN, LATER, REFUSED = "one@far.test", "two@far.test", "three@far.test"
REPLIES = {TAKEN: "250 2.1.5 ok", LATER: "450 4.2.0 later", REFUSED: "550 5.1.1 nobody here"}

# (verb, how, which time, how often the first may arrive)
POINTS = [
    (None, None, 0, {1}),
    ("MAIL", Killer.before, 1, {1}),
    ("RCPT", Killer.before, 1, {1}), ("RCPT", Killer.before, 2, {1}), ("RCPT", Killer.before, 3, {1}),
    ("RCPT", Killer.after, 3, {1}),
    ("DATA", Killer.before, 1, {1}), ("DATA", Killer.in_the_body, 1, {1}),
    (".", Killer.unanswered, 1, {1}), (".", Killer.before, 1, {2}), (".", Killer.after, 1, {1, 2}),
    (".", Killer.a_little_after, 1, {1, 2}), (".", Killer.later, 1, {1, 2}),
]


class Envelope(Killer):
    """Says of each recipient what REPLIES have, before and after it kills."""

    def __call__(self, session, line):
        if self.verb == "RCPT":
            self.always = reply(session, line)
        return super().__call__(session, line)


def reply(_, line):
    return REPLIES[re.search(rb"<(.*)>", line)[1].decode()]


@pytest.mark.parametrize("verb, how, nth, copies", POINTS, ids=[f"{v}-{h.__name__ if h else ''}-{n}" for v, h, n, _ in POINTS])
def test_A174_partial_and_killed(verb, how, nth, copies):
    """The first is never sent again once its 250 is in the store, and where it was
    twice it is by one id; the second goes on waiting; of the third its sender hears
    once."""
    with World({"relay.linger": "0s", "relay.retry_first": "100ms", "relay.suppress_after": "0"}, servers=["bob"]) as w:
        far = w.remote("far.test", {"RCPT": reply})
        killer = None
        if verb:
            killer = far.replies[verb] = Envelope(w.bob, verb, how, nth)
        w.bob.submit(BOB, [TAKEN, LATER, REFUSED], plain("kill", 3000 * (b"x" * 78 + b"\r\n"), sender=BOB))
        if killer:
            wait_for(lambda: killer.done, what=f"{verb} to come, and the end of maild")
            wait_for(lambda: runs(w.bob), what="maild again")

        def settled():
            rows = queue(w.bob)
            return len(rows) == 1 and rows[0]["tries"] > 0 and rows
        row, = wait_for(settled, what="two outcomes")
        assert row["recipient"] == LATER
        # it is tried again and again, and the others are not
        sent = len([m for m in far.messages if TAKEN in m.recipients])
        tries = row["tries"]
        wait_for(lambda: queue(w.bob)[0]["tries"] > tries + 2, what="more tries")
        assert len([m for m in far.messages if TAKEN in m.recipients]) == sent
        assert sent in copies, w.bob.log_text()
        journey, = w.bob.ctl("journey", TAKEN, "--json")["journeys"]
        assert all(journey["id"].encode() in m.content.split(b"\r\n\r\n")[0] for m in far.messages if m.recipients)
        heard = len(re.findall(rf"relay id={journey['id']} to=<{TAKEN}> .*result=relayed", w.bob.log_text()))
        assert sent - 1 <= heard <= sent
        raw, = mail_of(w.bob, BOB)
        assert Report(raw, BOB).one()[:3] == (REFUSED, "failed", "5.1.1")
        # at last
        far.replies.clear()
        wait_for(lambda: not queue(w.bob), what="an empty queue")
        assert [m.recipients for m in far.messages].count([LATER]) == 1
        w.bob.ctl("check")
