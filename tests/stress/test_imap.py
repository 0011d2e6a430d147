# SPDX-License-Identifier: MIT
"""IMAP under twenty sessions at once, each answer judged.

    test_imap.py [--seconds 60] [--sessions 20] [--seed N]

A whole server; sessions in every mode do what the lot gives them on three
mailboxes of one account, while mail arrives by SMTP, a POP3 client deletes and
other mailboxes come and go.  stress_session.py judges each response against what
that session was told before, stress_actions.py each answer against what anybody
was promised before the command was sent.  Every few seconds all come to rest:
then those in IDLE must have heard of everything by themselves, all views,
STATUS, POP3's UIDL and a fresh session agree, and every message that was
promised is there, once, or somebody has removed it.

The seed of a run is printed first; a violation is printed with the session,
what it said last, and the seed.  The lot is the seed's, the interleaving is
not.
"""
import argparse
import asyncio
import collections
import contextlib
import pathlib
import random
import sys
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from pennypost import Server  # noqa: E402
import stress_actions as actions  # noqa: E402
import stress_beside as beside  # noqa: E402
from stress_model import Box, Ledger  # noqa: E402
from stress_session import Mode, Session  # noqa: E402
from stress_wire import ANSWER_S, Violation, write_set  # noqa: E402

USER = "bob@d.test"
ROUND_S = 8
DELAYED = "(SELECTED-DELAYED (MessageNew (UID FLAGS) MessageExpunge FlagChange)) (personal (MessageNew MessageExpunge))"
AT_ONCE = "(SELECTED (MessageNew (UID FLAGS) MessageExpunge FlagChange)) (personal (MessageNew MessageExpunge MailboxName))"
MODES = (
    dict(), dict(tls=True), dict(), dict(compress=True),
    dict(enable="IMAP4rev2"), dict(enable="IMAP4rev2", tls=True), dict(enable="IMAP4rev2 CONDSTORE"),
    dict(select="(CONDSTORE)"), dict(enable="CONDSTORE"), dict(enable="CONDSTORE", tls=True),
    dict(enable="QRESYNC"), dict(enable="QRESYNC", tls=True), dict(enable="QRESYNC IMAP4rev2"), dict(enable="QRESYNC"),
    dict(enable="UIDONLY"), dict(enable="UIDONLY QRESYNC"), dict(enable="UTF8=ACCEPT", compress=True, tls=True),
    dict(notify=DELAYED), dict(notify=AT_ONCE), dict(enable="QRESYNC", notify=AT_ONCE),
)
KINDS = ("NOOP", "FETCH", "UID FETCH", "STORE", "UID STORE", "COPY", "UID COPY", "MOVE", "UID MOVE", "EXPUNGE",
         "UID EXPUNGE", "APPEND", "REPLACE", "UID REPLACE", "SEARCH", "UID SEARCH", "SORT", "STATUS", "LIST", "SELECT",
         "EXAMINE", "CLOSE", "UNSELECT", "IDLE", "in a pipeline", "reconnected", "resynchronised", "delivered by SMTP",
         "RETR", "DELE", "sent away", "CREATE", "DELETE", "RENAME")


class World:
    def __init__(self, server, seed):
        self.server, self.seed, self.user = server, seed, USER
        self.boxes = [Box("INBOX"), Box("Grün/Zwei"), Box("Work/Two")]
        self.boxes[2].names.add("Work/Deux")
        self.mutf7 = {"Grün/Zwei": "Gr&APw-n/Zwei"}
        self.aside = ["Aside/%d" % i for i in range(4)]
        self.ledger = Ledger(seed, self.boxes)
        self.commands = collections.Counter()
        self.never = set()    # messages that must not exist
        self.winners = {}     # (box, UID, MODSEQ) -> who changed it from there
        self.verified = set()  # (box, UID) whose octets were looked at

    def rest(self):
        """Is there room in INBOX?"""
        box = self.boxes[0]
        return len(box.born) - len(box.gone) < 2 * actions.FULL

    def name_of(self, raw):
        known = {v.encode(): k for k, v in self.mutf7.items()}
        return known.get(raw) or raw.decode()

    def status_of(self, r):
        name = self.name_of(r.values[0])
        items = {k: int(v) for k, v in zip(r.values[1][::2], r.values[1][1::2]) if not isinstance(v, list)}
        return next((b for b in self.boxes if name in b.names), None), items

    def judge_status(self, session, r):
        box, items = self.status_of(r)
        if box and items.get(b"UNSEEN", 0) > items.get(b"MESSAGES", 1 << 40):
            raise Violation(f"{r.raw!r}")

    def won(self, box, uid, since, session):
        first = self.winners.setdefault((box, uid, since), session)
        if first is not session:
            raise Violation(f"UID {uid} was changed from MODSEQ {since} by {first.name} and by {session.name}")


class Judged:
    """Says whose violation it was."""

    def __init__(self, session):
        self.session = session

    def __enter__(self):
        pass

    def __exit__(self, kind, value, trace):
        if kind in (Violation, KeyError, ValueError, IndexError, TypeError, StopIteration, AttributeError):
            if not hasattr(value, "session"):
                value.session = self.session
        return False


async def act(session, r, end):
    """One session's part of a round."""
    todo, weights = zip(*actions.ACTIONS)
    with Judged(session):
        if session.view is None:
            await actions.enter(session, r)
        while time.monotonic() < end:
            await r.choices(todo, weights)[0](session, r)


async def listen(session, r, box, stop):
    with Judged(session):
        await actions.enter(session, r, box)
        await actions.idle(session, r, stop)


async def gather(*parts):
    """All of them; the first that fails ends the others."""
    tasks = [asyncio.ensure_future(p) for p in parts]
    try:
        await asyncio.gather(*tasks)
    finally:
        for t in tasks:
            t.cancel()


async def judged(world, sessions, args):
    """The run; None after a violation, which was printed."""
    try:
        return await stress(world, sessions, args)
    except Exception as e:
        if not isinstance(e, Violation):
            traceback.print_exc()
        report(world, args, e)
        return None


async def one_round(world, sessions, r, seconds, last):
    end, stop, heard = time.monotonic() + seconds, asyncio.Event(), asyncio.Event()
    listeners = r.sample([s for s in sessions if not s.mode.notify], min(3, len(sessions) // 4))
    idle = [asyncio.ensure_future(listen(s, world.random[s], box, heard))
            for s, box in zip(listeners, r.sample(world.boxes, 3))]

    async def acting():
        await gather(*[act(s, world.random[s], end) for s in sessions if s not in listeners])
        stop.set()

    everything = asyncio.ensure_future(gather(acting(), beside.deliver(world, r, stop), beside.pop(world, r, stop),
                                              world.churn.go(r, stop)))
    try:
        await asyncio.wait({everything, *idle}, return_when=asyncio.FIRST_COMPLETED)
        for t in idle:  # none is over before it is told to be
            if t.done():
                t.result()
        await everything
        await at_rest(world, sessions, listeners, last)
        heard.set()
        await gather(*idle)
        await agree(world, sessions)
    finally:
        stop.set()  # wait_for() of Python 3.11 may lose a cancellation
        heard.set()
        for t in (everything, *idle):
            t.cancel()


async def at_rest(world, sessions, listeners, last):
    """Nothing is sent but by a fresh session: who listens hears of all."""
    world.truths = await look(world, last)
    for s in listeners + [s for s in sessions if s.mode.at_once]:
        with Judged(s):
            await agree_unasked(s, listeners, world.truths[s.view.box])


async def agree(world, sessions):
    truths = world.truths
    for s in sessions:
        with Judged(s):
            await s.synchronise()
            if difference := differs(s.view, truths[s.view.box]):
                raise Violation("at rest: " + difference)
    await judge_pop3(world, truths)
    for box, truth in truths.items():
        judge_ledger(world, box, truth)
        box.settle({uid: (flags, modseq) for uid, (flags, modseq, _) in truth.items()})
    for s in sessions:
        s.view.settle()
    world.winners.clear()


async def look(world, all_of_it):
    """A fresh session's view of all: box -> UID -> (flags, MODSEQ, size)."""
    truths = {}
    s = Session(world, "fresh", Mode(select="(CONDSTORE)"))
    with Judged(s):
        await s.connect()
        for box in world.boxes:
            if not await s.select(box, examine=True):
                raise Violation(f"{box.name} is not there")
            highest, uid_next = s.view.highest, s.view.uid_next
            await s.learn()
            sizes = {}
            uids = s.view.uids()
            new = [u for u in uids if all_of_it or (box, u) not in world.verified]
            world.verified |= {(box, u) for u in new}
            for at in range(0, len(new), 50):
                await s.ok("UID FETCH %s (BODY.PEEK[] EMAILID)" % write_set(new[at:at + 50]))
            a = await s.ok("UID FETCH 1:* (RFC822.SIZE)")
            for m in a.of("FETCH"):
                items = dict(zip(m.values[0][::2], m.values[0][1::2]))
                sizes[int(items[b"UID"])] = int(items[b"RFC822.SIZE"])
            truths[box] = {m.uid: (m.flags, m.modseq, sizes[m.uid]) for m in s.view.messages}
            a = await s.ok("STATUS %s (MESSAGES UIDNEXT UNSEEN DELETED HIGHESTMODSEQ SIZE)" % s.mailbox(box.name))
            items = world.status_of(a.of("STATUS")[0])[1]
            want = {b"MESSAGES": len(uids), b"UIDNEXT": uid_next, b"HIGHESTMODSEQ": highest,
                    b"UNSEEN": sum(b"\\Seen" not in m.flags for m in s.view.messages),
                    b"DELETED": sum(b"\\Deleted" in m.flags for m in s.view.messages), b"SIZE": sum(sizes.values())}
            if items != want:
                raise Violation(f"{box.name}: STATUS {items}, the mailbox has {want}")
            box.uid_next = uid_next
        s.wire.close()
    return truths


def differs(view, truth):
    """None, or how the view is not as the fresh session's."""
    if len(view.messages) != len(truth):
        return f"{len(view.messages)} messages, there are {len(truth)}"
    if more := set(view.by_uid) - set(truth):
        return f"UIDs {sorted(more)} are not there"
    for uid, m in view.by_uid.items():
        flags, modseq, _ = truth[uid]
        if m.flags is not None and m.flags != flags:
            return f"UID {uid} has flags {sorted(flags)}, this one knows {sorted(m.flags)}"
        if m.modseq is not None and m.modseq != modseq:
            return f"UID {uid} is at MODSEQ {modseq}, this one knows {m.modseq}"
    return None


async def agree_unasked(s, listeners, truth):
    """It hears of all without asking: in IDLE, or by NOTIFY."""
    end = time.monotonic() + ANSWER_S
    while difference := differs(s.view, truth):
        if time.monotonic() > end:
            raise Violation("not told: " + difference)
        if s in listeners:  # it reads by itself
            await asyncio.sleep(.01)
            continue
        with contextlib.suppress(asyncio.TimeoutError):
            s.judge(await asyncio.wait_for(s.wire.response(None), 1))


async def judge_pop3(world, truths):
    """UIDL is the twin of EMAILID: where a message was first."""
    inbox, truth = world.boxes[0], truths[world.boxes[0]]
    async with beside.Lines(world, "pop3") as pop3:
        listed = await beside.pop3_login(world, pop3)
        want = {inbox.origin.get(uid, (inbox.uid_validity, uid)) for uid in truth}
        if set(listed.values()) != want:
            raise Violation(f"POP3 lists other messages than IMAP: {sorted(set(listed.values()) ^ want)}")
        await pop3.say(b"QUIT")


def judge_ledger(world, box, truth):
    """What was promised is there, or was taken away."""
    there = set(truth)
    for what, wrong in (("known to be gone", there & box.gone), ("moved away", there & set(box.taken)),
                        ("there since before, and somebody was not told", there & box.absent),
                        ("never told of", there - set(box.born)),
                        ("lost", {u for u in (set(box.born) | set(box.acked)) - there if box.why_gone(u) is None}),
                        ("gone, and nobody did it", {u for u in box.gone if box.why_gone(u) is None})):
        if wrong:
            raise Violation(f"{box.name}: {what}: UIDs {sorted(wrong)}")
    if missed := {box.born[u] for u in there} & world.never:
        raise Violation(f"{box.name}: messages {sorted(missed)} were never complete")
    ledger = world.ledger
    more = box.uid_next - 1 - len(box.acked)  # UIDs are given without a gap
    low = len(ledger.delivered) if box is world.boxes[0] else 0
    high = low + (len(ledger.unsure) if box is world.boxes[0] else 0)
    if not low <= more <= high:
        raise Violation(f"{box.name}: {more} messages that no IMAP client brought, expected {low} to {high}")
    came = [n for u, n in box.born.items() if u not in box.acked and n is not None]
    if len(came) != len(set(came)) or not set(came) <= ledger.delivered | ledger.unsure:
        raise Violation(f"{box.name}: delivered twice, or by nobody: {sorted(came)}")


async def stress(world, sessions, args):
    r = random.Random("%d/world" % args.seed)
    begin, rounds = time.monotonic(), 0
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # the first is told of
    first = Session(world, "first", Mode())
    with Judged(first):
        await first.connect()
        for box in world.boxes[1:]:
            await first.ok("CREATE " + first.mailbox(box.name))
        for box in world.boxes:
            await first.select(box, examine=True)
        first.wire.close()
    for s in sessions:
        with Judged(s):
            await s.connect()
    world.churn = beside.Aside(world)
    last = False
    while not last:
        spent = time.monotonic() - begin
        missing = [k for k in KINDS if not world.commands[k]]
        last = spent + ROUND_S >= args.seconds and (not missing or spent > 10 * args.seconds)
        await one_round(world, sessions, r, min(ROUND_S, args.seconds), last)
        rounds += 1
        n = sum(world.commands.values())
        print("round %d: %.0f s, %d commands" % (rounds, time.monotonic() - begin, n), flush=True)
    return time.monotonic() - begin, [k for k in KINDS if not world.commands[k]]


def report(world, args, e):
    session = getattr(e, "session", None)
    print("VIOLATION: %s: %s" % (type(e).__name__, e), flush=True)
    if session is not None:
        print("session %s (%s); the end of what was said:" % (session.name, session.mode))
        for line in list(session.wire.transcript):
            print("   ", line.rstrip())
    print("again with --seed %d --sessions %d --seconds %d" % (args.seed, args.sessions, args.seconds), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    args = parser.parse_args()
    print("seed", args.seed, flush=True)
    server = Server(plaintext=True, settings={
        "limits.connections_per_address": 1000, "limits.connections_per_account": 1000, "imap.capabilities_off": ""})
    with server:
        world = World(server, args.seed)
        sessions = [Session(world, "s%d" % i, Mode(**MODES[i % len(MODES)])) for i in range(args.sessions)]
        world.random = {s: random.Random("%d/%s" % (args.seed, s.name)) for s in sessions}
        got = asyncio.run(judged(world, sessions, args))
        if got is None:
            sys.exit(1)
        seconds, missing = got
        print("%d commands in %.0f s: %s" % (sum(world.commands.values()), seconds, dict(world.commands)))
        assert not missing, f"never done: {missing}"
        print(server.ctl("check").stdout)


if __name__ == "__main__":
    main()
