# SPDX-License-Identifier: MIT
"""What sessions of the stress program do: each an action that sends a command
or a few and holds the answer against what the ledger knew before."""
import asyncio
import copy
import re

from stress_model import WILD, Message, changed
from stress_wire import ANSWER_S, Violation, parse_set, write_set

SYSTEM = [b"\\Seen", b"\\Answered", b"\\Flagged", b"\\Draft", b"$Forwarded", b"blue", b"green"]
FULL = 120  # messages, from which on more is expunged than comes


def words(flags):
    return " ".join(f.decode() for f in flags)


def pick(s, r, most):
    """Some UIDs of messages that are known to be there."""
    uids = s.view.uids()
    if not uids:
        return []
    if r.random() < .2:  # neighbours
        at, n = r.randrange(len(uids)), r.randrange(1, most * 3)
        return uids[at:at + n]
    return sorted(r.sample(uids, min(len(uids), r.randrange(1, most + 1))))


def address(s, r, uids):
    """("UID ", set) or ("", set), as the session speaks and by lot."""
    if s.mode.by_number and r.random() < .5:
        return "", write_set(s.view.number(u) for u in uids)
    return "UID ", write_set(uids)


def to_uids(s, prefix, numbers):
    return list(numbers) if prefix else [s.view.messages[n - 1].uid for n in numbers]


def unanswered(s, uids):
    """They must turn out to be gone."""
    s.view.suspects.update(u for u in uids if u in s.view.by_uid)


# ---- looking

async def noop(s, r):
    await s.synchronise()


async def check(s, r):
    mark = s.view.mark()
    await s.ok("CHECK")
    s.view.check(mark)


async def fetch_flags(s, r):
    if not (uids := pick(s, r, 20)):
        return
    prefix, which = address(s, r, uids)
    a = await s.ok("%sFETCH %s (UID FLAGS%s)" % (prefix, which, " MODSEQ" if s.mode.condstore else ""))
    unanswered(s, set(uids) - set(s.told))


BODIES = ("RFC822.SIZE BODY.PEEK[]", "BODY.PEEK[HEADER.FIELDS (X-Stress)]", "ENVELOPE", "RFC822.SIZE BINARY.PEEK[]",
          "EMAILID BODY.PEEK[HEADER.FIELDS (X-Stress)]", "BODYSTRUCTURE BODY.PEEK[HEADER.FIELDS (X-Stress)]",
          "ENVELOPE BODY.PEEK[1] FLAGS", "BODY[] FLAGS", "BODY.PEEK[]<100.200>", "INTERNALDATE SAVEDATE PREVIEW")


async def fetch_bodies(s, r):
    if not (uids := pick(s, r, 6)):
        return
    gone = set(s.view.box.gone)
    prefix, which = address(s, r, uids)
    a = await s.ok("%sFETCH %s (UID %s)" % (prefix, which, r.choice(BODIES)))
    for m in a.of("FETCH", "UIDFETCH"):
        items = dict(zip(m.values[0][::2], m.values[0][1::2]))
        uid = int(items[b"UID"]) if b"UID" in items else m.number
        if uid in gone and any(name.startswith(b"BODY[]") for name in items) and prefix and uid not in uids:
            raise Violation(f"UID {uid} was gone, and not asked for")


async def fetch_changed(s, r):
    """RFC 7162 s3.1.4.1, s3.2.6"""
    if not s.mode.condstore or not s.view.by_uid:
        return
    since = r.choice([m.modseq or 1 for m in s.view.messages] + [1])
    vanished = s.mode.qresync and r.random() < .6
    before = {m.uid: m.modseq for m in s.view.messages if m.uid is not None}
    a = await s.ok("UID FETCH 1:* (FLAGS) (CHANGEDSINCE %d%s)" % (since, " VANISHED" if vanished else ""))
    for uid in s.told_modseq:
        m = s.view.by_uid.get(uid)
        if m and m.modseq <= since:
            raise Violation(f"UID {uid} is at MODSEQ {m.modseq}, not changed since {since}")
    unanswered(s, {u for u, modseq in before.items() if modseq and modseq > since} - s.told_modseq)


async def search(s, r):
    box, view = s.view.box, s.view
    kind = r.choice(("all", "own", "mark", "flag", "uids", "return", "modseq"))
    want = must_not = None
    known = {u: n for u, n in box.born.items() if n is not None and u in view.by_uid}
    if kind == "own":
        text = "KEYWORD " + s.keyword.decode()
        want = {u for u in view.by_uid if s.own.get((box, u)) is True}
        must_not = {u for u in view.by_uid if s.own.get((box, u)) is False}
    elif kind == "mark" and known:
        n = r.choice(list(known.values()))
        text = r.choice(("HEADER X-Stress %s", "SUBJECT %s", "BODY %s", "TEXT %s")) % s.ledger.texts.mark(n).decode()
        want = {u for u, x in known.items() if x == n} if "BODY" not in text else set()
        must_not = {u for u, x in known.items() if x != n}
    elif kind == "uids":
        want = set(pick(s, r, 8))
        text = "UID " + write_set(want) if want else "ALL"
        must_not = set(view.by_uid) - want if want else None
    elif kind == "modseq" and s.mode.condstore:
        modseq = max(view.highest - r.randrange(50), 1)
        text = "MODSEQ %d" % modseq
        want = {u for u, m in view.by_uid.items() if m.modseq and m.modseq >= modseq}
    elif kind == "flag":
        text = r.choice(("UNSEEN", "FLAGGED", "NOT ANSWERED", "OR DRAFT KEYWORD blue", "DELETED", "NEW", "RECENT"))
        if s.mode.rev2:
            text = text.replace("NEW", "SEEN").replace("RECENT", "UNSEEN")
    else:
        text, want = "ALL", set(view.by_uid)
    prefix = "UID " if not s.mode.by_number or r.random() < .5 else ""
    esearch = kind == "return" or r.random() < .3
    form = "%sSEARCH RETURN (MIN MAX COUNT ALL) %s" if esearch else "%sSEARCH %s"
    a = await s.ok(form % (prefix, text))
    found = found_by(s, a, esearch or s.mode.rev2, prefix)
    uids = {u for u in to_uids(s, prefix, found) if u is not None}
    if must_not and (wrong := uids & must_not):
        raise Violation(f"{text} finds {sorted(wrong)}")
    if want:
        unanswered(s, want - uids)


def found_by(s, a, esearch, prefix):
    """The numbers of a SEARCH or ESEARCH response."""
    if not esearch:
        (answer,) = a.of("SEARCH")
        values = [v for v in answer.values if not isinstance(v, list)]
        found = [int(v) for v in values]
    else:
        (answer,) = a.of("ESEARCH")
        values = answer.values
        if values[0][:1] != [b"TAG"] or (values[1:2] == [b"UID"]) != bool(prefix):
            raise Violation(f"{answer.raw!r}")
        rest = values[2 if prefix else 1:]
        items = dict(zip(rest[::2], rest[1::2]))
        found = parse_set(items[b"ALL"]) if b"ALL" in items else []
        for name, number in ((b"COUNT", len(found)), (b"MIN", min(found, default=0)), (b"MAX", max(found, default=0))):
            if name in items and int(items[name]) != number:
                raise Violation(f"{answer.raw!r}")
    if not prefix and any(n > len(s.view.messages) for n in found):
        raise Violation(f"number over {len(s.view.messages)}: {found}")
    return found


async def sort(s, r):
    prefix = "UID " if not s.mode.by_number or r.random() < .5 else ""
    known = set(s.view.by_uid)
    if r.random() < .6:
        a = await s.ok("%sSORT (%s) UTF-8 ALL" % (prefix, r.choice(("ARRIVAL", "REVERSE SUBJECT", "SIZE DATE"))))
        (answer,) = a.of("SORT")
        numbers = [int(v) for v in answer.values if not isinstance(v, list)]
    else:
        a = await s.ok("%sTHREAD %s UTF-8 ALL" % (prefix, r.choice(("REFERENCES", "ORDEREDSUBJECT"))))
        (answer,) = a.of("THREAD")
        numbers = [int(n) for n in re.findall(rb"\d+", answer.values[0])]
    if len(numbers) != len(set(numbers)):
        raise Violation(f"twice: {answer.raw!r}")
    if not prefix and any(n > len(s.view.messages) for n in numbers):
        raise Violation(f"number over {len(s.view.messages)}: {answer.raw!r}")
    unanswered(s, known - set(to_uids(s, prefix, numbers)))


async def status(s, r):
    box = r.choice(s.world.boxes)
    highest, uid_next = box.highest, box.uid_next
    items = "MESSAGES UIDNEXT UIDVALIDITY UNSEEN SIZE"
    if s.mode.condstore:  # which it would be from then on: RFC 7162 s3.1
        items += " HIGHESTMODSEQ"
    a = await s.run("STATUS %s (%s)" % (s.mailbox(box.name), items))
    if a.status != "OK" and len(box.names) > 1:
        return
    *_, items = (v for b, v in map(s.world.status_of, a.of("STATUS")) if b is box)  # NOTIFY has its own
    if box.uid_validity is not None and items[b"UIDVALIDITY"] != box.uid_validity:
        raise Violation(f"UIDVALIDITY of {box.name} was {box.uid_validity}: {items}")
    if items.get(b"HIGHESTMODSEQ", highest) < highest or items[b"UIDNEXT"] < uid_next:
        raise Violation(f"STATUS {items}, told before: HIGHESTMODSEQ {highest}, UIDNEXT {uid_next}")


async def list_all(s, r):
    a = await s.ok('LIST "" *' if r.random() < .5 else 'LIST "" * RETURN (SUBSCRIBED STATUS (MESSAGES UIDNEXT))')
    names = {s.world.name_of(x.values[2]) for x in a.of("LIST")}
    if any(not names & box.names for box in s.world.boxes):
        raise Violation(f"LIST without one of ours: {names}")


# ---- changing

async def store(s, r):
    box, view = s.view.box, s.view
    if view.read_only or not (uids := pick(s, r, 8)):
        return
    form = r.choice(("+", "-", ""))
    if form == "" and not (uids := [u for u in uids if u % WILD == 0]):
        return
    flags = r.sample(SYSTEM, r.randrange(1, 4))
    mine = [u for u in uids if u % WILD] if form and r.random() < .6 else []
    if mine:
        flags.append(s.keyword)
    if r.random() < .12 + (len(view.messages) > FULL) * .4 and form != "-":
        flags.append(b"\\Deleted")
        box.deleted.update(uids)
    since = None
    if s.mode.condstore and r.random() < .4:
        since = r.choice([view.by_uid[u].modseq or 1 for u in uids] + [0, view.highest])
    # By NOTIFY alone nobody could say if flags are those before or after
    silent = r.random() < .4 and (s.mode.condstore or not s.mode.notify)
    for u in mine:
        s.own.pop((box, u), None)
    before = {u: box.modseq.get(u, 0) for u in uids}
    flags_before = {u: view.by_uid[u].flags for u in uids}
    at = {u: box.flags_at.get((u, since)) for u in uids}
    prefix, which = address(s, r, uids)
    s.silent = (form, flags) if silent else None
    a = await s.run("%sSTORE %s %s%sFLAGS%s (%s)" % (
        prefix, which, "(UNCHANGEDSINCE %d) " % since if since is not None else "", form,
        ".SILENT" if silent else "", words(flags)))
    if a.status == "NO" and not (prefix == "" and a.code):
        raise Violation(f"{a.last.raw!r}")
    told, told_modseq = s.told, s.told_modseq
    failed = set()
    if a.code[:1] == [b"MODIFIED"]:
        failed = set(to_uids(s, prefix, parse_set(a.code[1])))
        if since is None or not failed <= set(uids):
            raise Violation(f"MODIFIED of {sorted(failed)}")
    for u in set(uids) - failed:
        if u not in view.by_uid:
            continue
        if (not silent and u not in told) or (since is not None and u not in told_modseq):
            unanswered(s, [u])
            continue
        if since is not None and before[u] > since:
            raise Violation(f"UID {u} was at MODSEQ {before[u]} and was changed, UNCHANGEDSINCE {since}")
        if u in mine:
            s.own[box, u] = form == "+"
        new = changed(flags_before[u], form, flags)
        if silent and u not in told and new is not None and not s.mode.condstore:
            view.by_uid[u].flags = new
        if since is not None and at[u] is not None and changed(at[u], form, flags) != at[u] \
                and box.modseq.get(u) is not None:
            s.world.won(box, u, since, s)
    if failed:
        await refused(s, failed, since)


async def refused(s, failed, since):
    """They must have been changed by others since."""
    unknown = {u for u in failed if s.view.box.modseq.get(u, 0) <= since and u in s.view.by_uid}
    if unknown:
        await s.ok("UID FETCH %s (FLAGS MODSEQ)" % write_set(unknown))
        unanswered(s, unknown - s.told_modseq)
        for u in unknown & s.told_modseq:
            if s.view.box.modseq[u] <= since:
                raise Violation(f"UID {u} is at MODSEQ {s.view.box.modseq[u]}, and was MODIFIED since {since}")


async def copy_or_move(s, r, move):
    box, to = s.view.box, r.choice(s.world.boxes)
    crowded = len(s.view.messages) > FULL
    if (move and s.view.read_only) or (crowded and not move) or not (uids := pick(s, r, 5)):
        return
    gone, taken = set(box.gone), dict(box.taken)
    prefix, which = address(s, r, uids)
    verb = "MOVE" if move else "COPY"
    a = await s.run("%s%s %s %s" % (prefix, verb, which, s.mailbox(to.name)))
    if a.status != "OK":
        if a.code[:1] in ([b"TRYCREATE"], [b"NONEXISTENT"]) and len(to.names) > 1:
            return
        if a.code[:1] != [b"EXPUNGEISSUED"]:
            raise Violation(f"{a.last.raw!r}")
        unanswered(s, uids)
        return
    code = a.code_of(b"COPYUID")
    src, dst = (parse_set(code[2]), parse_set(code[3])) if code else ([], [])
    if len(src) != len(dst) or not set(src) <= set(uids) or src != sorted(src) or dst != sorted(dst):
        raise Violation(f"{verb} {uids}: {code}")
    if code and to.uid_validity is not None and int(code[1]) != to.uid_validity:
        raise Violation(f"UIDVALIDITY of {to.name} is {to.uid_validity}: {code}")
    if wrong := set(src) & (gone | set(taken)):
        raise Violation(f"{verb} of what was gone before: {sorted(wrong)}")
    s.ledger.copy(box, src, to, dst, move, "%s by %s" % (verb, s.name))
    if move and (left := [u for u in src if u in s.view.by_uid]) and s.view.box is box:
        raise Violation(f"moved, and not told to be gone: {left}")
    unanswered(s, set(uids) - set(src))


async def copy_some(s, r):
    await copy_or_move(s, r, False)


async def move_some(s, r):
    await copy_or_move(s, r, True)


async def copy_aside(s, r):
    """To a mailbox that comes and goes; no ledger is kept of these."""
    if uids := pick(s, r, 3):
        a = await s.run("UID COPY %s %s" % (write_set(uids), s.mailbox(r.choice(s.world.aside))))
        if a.status != "OK" and a.code[:1] not in ([b"TRYCREATE"], [b"NONEXISTENT"]):
            raise Violation(f"{a.last.raw!r}")


async def expunge(s, r):
    if s.view.read_only:
        return
    if r.random() < .5:
        await s.ok("EXPUNGE")
    elif uids := pick(s, r, 30):
        await s.ok("UID EXPUNGE " + write_set(uids))


async def purge(s, r):
    """Make room."""
    if s.view.read_only or len(s.view.messages) < FULL:
        return
    uids = r.sample(s.view.uids(), min(s.view.unknown() + 30, len(s.view.uids())))
    s.view.box.deleted.update(uids)
    await s.ok("UID STORE %s +FLAGS (\\Deleted)" % write_set(uids))
    await s.ok("UID EXPUNGE " + write_set(uids))


def flag_list(s, r, box):
    flags = r.sample(SYSTEM, r.randrange(3))
    return "(%s) " % words(flags) if flags else ""


async def append(s, r):
    to = r.choice(s.world.boxes)
    n = r.choice((1, 1, 1, 2, 3))
    numbers = [s.ledger.texts.new() for _ in range(n)]
    pieces = ["APPEND %s " % s.mailbox(to.name)]
    for i, number in enumerate(numbers):
        pieces[-1] += (" " if i else "") + flag_list(s, r, to)
        pieces += [s.ledger.texts.octets(number), ""]
    a = await s.run(*pieces, wait=r.random() < .3)
    if a.status != "OK":
        if a.code[:1] in ([b"TRYCREATE"], [b"NONEXISTENT"]) and len(to.names) > 1:
            return
        raise Violation(f"{a.last.raw!r}")
    promised(s, a, to, numbers, "APPEND by " + s.name)


def promised(s, a, to, numbers, who):
    code = a.code_of(b"APPENDUID")
    uids = parse_set(code[2]) if code else []
    if len(uids) != len(numbers) or uids != sorted(uids):
        raise Violation(f"APPENDUID {code} of {len(numbers)}")
    if to.uid_validity is not None and int(code[1]) != to.uid_validity:
        raise Violation(f"UIDVALIDITY of {to.name} is {to.uid_validity}: {code}")
    for uid, number in zip(uids, numbers):
        to.bear(uid, number, who)


async def replace(s, r):
    box = s.view.box
    if s.view.read_only or not (uids := pick(s, r, 1)):
        return
    uid, number, to = uids[0], s.ledger.texts.new(), r.choice((box, r.choice(s.world.boxes)))
    gone = uid in box.gone
    prefix, which = address(s, r, [uid])
    a = await s.run("%sREPLACE %s %s %s" % (prefix, which, s.mailbox(to.name), flag_list(s, r, to)),
                    s.ledger.texts.octets(number), "", wait=r.random() < .3)
    if a.status != "OK":
        if a.code[:1] in ([b"TRYCREATE"], [b"NONEXISTENT"]) and len(to.names) > 1:
            return
        if a.code[:1] != [b"EXPUNGEISSUED"]:
            raise Violation(f"{a.last.raw!r}")
        unanswered(s, [uid])
        return
    promised(s, a, to, [number], "REPLACE by " + s.name)
    if gone or uid in box.taken:
        raise Violation(f"REPLACE of UID {uid}, which was gone before")
    box.taken[uid] = "REPLACE by " + s.name
    if uid in s.view.by_uid:
        raise Violation(f"UID {uid} is replaced and not told to be gone")


# ---- coming and going

async def enter(s, r, box=None):
    for _ in range(100):
        if await s.select(box or r.choice(s.world.boxes), examine=box is None and r.random() < .15):
            break
        await asyncio.sleep(.05)
    else:
        raise Violation("a mailbox that is renamed is never there")
    await s.learn()


async def unselect(s, r):
    await s.ok("UNSELECT")
    s.view = None
    await enter(s, r)


async def close(s, r):
    await s.ok("CLOSE")
    s.view = None
    await enter(s, r)


async def idle(s, r, until=None):
    """Hears what comes, for a moment or until the event."""
    tag = await s.begin(["IDLE"])
    listening = asyncio.ensure_future(s.finish(tag))
    try:
        if until is None:
            await asyncio.wait({listening}, timeout=r.uniform(.02, .6))
        else:
            stop = asyncio.ensure_future(until.wait())
            await asyncio.wait({listening, stop}, return_when=asyncio.FIRST_COMPLETED)
            stop.cancel()
        if not listening.done():
            await s.wire.send(b"DONE\r\n")
            await asyncio.wait({listening}, timeout=ANSWER_S)
        if not listening.done():
            raise Violation("no answer to DONE")
        a = listening.result()
    finally:
        listening.cancel()
        s.idling = False
    if a.status != "OK":
        raise Violation(f"{a.last.raw!r}")


async def pipeline(s, r):
    """Several commands at once; each has its answer, in their order."""
    which = write_set(pick(s, r, 5) or [1])
    lines = ["UID FETCH %s (FLAGS)" % which, "NOOP", "UID SEARCH UNSEEN", "UID FETCH 1:* (UID)",
             "STATUS %s (MESSAGES)" % s.mailbox("INBOX")]
    lines = r.sample(lines, r.randrange(2, 5))
    s.early, s.by_uid, s.command, s.told, s.told_modseq = [], True, "NOOP", {}, set()
    tags = [s.wire.new_tag() for _ in lines]
    await s.wire.send("".join("%s %s\r\n" % pair for pair in zip(tags, lines)).encode())
    for tag, line in zip(tags, lines):
        s.command, s.early = line.split()[1 if line.startswith("UID") else 0], []
        s.world.commands["in a pipeline"] += 1
        if (a := await s.finish(tag)).status != "OK":
            raise Violation(f"{a.last.raw!r} to {line!r}")


def remember(view):
    """What a client keeps to resynchronise from."""
    saved = copy.copy(view)
    saved.messages = [Message(m.uid, m.flags, m.modseq) for m in view.messages]
    return saved


async def reconnect(s, r):
    """Gone without LOGOUT or with, and back; perhaps from an older state."""
    box = s.view.box
    resync = s.mode.qresync and r.random() < .9
    if resync and (s.saved is None or r.random() < .5):
        await s.synchronise()
        s.saved = remember(s.view)
    how = r.random()
    if how < .3:
        await s.wire.send(s.wire.new_tag().encode() + b" LOGOUT\r\n")
    elif how < .6:  # in the middle of a message: it is as if it had not been
        n = s.ledger.texts.new()
        octets = s.ledger.texts.octets(n)
        await s.wire.send(b"%s APPEND %s {%d+}\r\n" % (s.wire.new_tag().encode(), s.mailbox(box.name).encode(),
                                                      len(octets)) + octets[:-1])
        s.world.never.add(n)
    elif how < .7:  # it may have been, and once
        n = s.ledger.texts.new()
        octets = s.ledger.texts.octets(n)
        await s.wire.send(b"%s APPEND %s {%d+}\r\n" % (s.wire.new_tag().encode(), s.mailbox("INBOX").encode(),
                                                      len(octets)) + octets + b"\r\n")
        s.ledger.unsure.add(n)
    s.wire.close()
    s.command = None
    await s.connect()
    s.world.commands["reconnected"] += 1
    if not resync:
        await enter(s, r)
    else:
        s.world.commands["resynchronised"] += 1
        while not await s.select(s.saved.box, saved=s.saved):
            await asyncio.sleep(.05)
        before = {m.uid: m.modseq for m in s.view.messages}
        highest = s.view.highest
        await s.learn()
        for m in s.view.messages:  # a change before SELECT was told with it
            was = before.get(m.uid)
            if was is not None and m.modseq is not None and was < m.modseq <= highest:
                raise Violation(f"UID {m.uid} was at MODSEQ {m.modseq} before SELECT, which told {was}")


ACTIONS = (
    (noop, 12), (check, 1), (fetch_flags, 14), (fetch_bodies, 12), (fetch_changed, 4), (search, 8), (sort, 2),
    (status, 3), (list_all, 1), (store, 24), (copy_some, 6), (move_some, 7), (copy_aside, 1), (expunge, 4),
    (purge, 4), (append, 8), (replace, 3), (enter, 3), (unselect, 1), (close, 1), (idle, 4), (pipeline, 4),
    (reconnect, 3),
)
