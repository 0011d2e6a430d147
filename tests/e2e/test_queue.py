# SPDX-License-Identifier: MIT
"""What waits, in the hands of the operator: found by patterns, held, stopped,
sent elsewhere, taken back; and a journey followed while it goes on."""
import json
import pathlib
import re
import subprocess
import sys
import threading

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from pennypost import BIN, Server, wait_for  # noqa: E402
from remote import World, free_port, queue, queue_is_empty, waiting  # noqa: E402
from samples import everyday  # noqa: E402

BOB, BEN = "bob@bob.test", "ben@bob.test"
LATER = {"RCPT": "451 4.2.0 not in the mood"}
names = iter(range(10000))


@pytest.fixture(scope="module")
def world():
    """What was put off is tried again when a test says so."""
    settings = {"relay.retry_first": "1h", "relay.retry_most": "1h"}
    with World(settings, servers=("bob",)) as w:
        yield w


@pytest.fixture(autouse=True)
def tidy(request):
    yield
    if "world" in request.fixturenames:
        bob = request.getfixturevalue("world").bob
        bob.ctl("queue", "drop", "--all", check=False)
        for row in bob.ctl("queue", "summary", "--json")["paused"]:
            bob.ctl("queue", "resume", row["domain"])
        for user in bob.users:
            bob.fetch(user, delete=True)


def submit(server, recipients, sender=BOB, options=()):
    """The message's id."""
    with server.submission(sender) as client:
        client.mail(sender, options)
        for r in recipients:
            assert client.rcpt(r)[0] == 250
        code, text = client.data(everyday(f"queue-{next(names)}", sender=sender))
        assert code == 250
    return re.search(r"queued as (\S+)", text.decode())[1]


def ctl(server, *args):
    return server.ctl("queue", *args, "--json")


def listed(server, *filters):
    return sorted(r["recipient"] for r in server.ctl("queue", *filters, "--json")["recipients"])


def refused(server, *args, code=1):
    got = server.ctl(*args, check=False)
    assert got.returncode == code and got.stdout == "", got
    return got.stderr


def hops(server, id):
    j, = server.ctl("journey", id, "--json")["journeys"]
    return j["hops"]


def kinds(server, id):
    return [h["what"] for h in hops(server, id)]


def deferred(world, domain, n=1, sender=BOB):
    """A server that puts everything off, and mail for it: their ids."""
    far = world.remote(domain, dict(LATER))
    ids = [submit(world.bob, [f"{domain[0]}{i}@{domain}"], sender) for i in range(n)]
    for i in range(n):
        waiting(world.bob, f"{domain[0]}{i}@{domain}")
    return far, ids


# ---- looking

def test_dialogue(world):
    far, (id,) = deferred(world, "dialogue.test")
    shown = ctl(world.bob, "show", id)
    row, = shown["recipients"]
    assert (row["state"], row["destination"], row["tries"]) == ("waiting", "dialogue.test", 1)
    attempt, = shown["attempts"]
    assert far.name in attempt["host"] and far.host in attempt["host"] and attempt["at"]
    lines = attempt["dialogue"].splitlines()
    assert all(re.match(r"C: |S: |-- ", line) for line in lines), lines
    assert "S: 220 remote.test ESMTP" in lines
    assert any(line.startswith("C: RCPT TO:<d0@dialogue.test>") for line in lines)
    assert "S: 451 4.2.0 not in the mood" in lines
    assert "-- in the clear: STARTTLS is not offered" in lines
    ctl(world.bob, "retry", id)
    waiting(world.bob, "d0@dialogue.test", 2)
    assert [a["dialogue"].count("not in the mood") for a in ctl(world.bob, "show", id)["attempts"]] == [1, 1]
    text = world.bob.ctl("queue", "show", id).stdout
    assert len(re.findall(r"^    S: 451 4\.2\.0 not in the mood$", text, re.M)) == 2
    assert re.search(rf"^{id}  from {BOB}", text, re.M)


def test_dialogue_stays_when_nothing_waits(world):
    world.remote("never.test", {"RCPT": "550 5.2.0 go away"})
    id = submit(world.bob, ["x@never.test"])
    queue_is_empty(world.bob)
    shown = ctl(world.bob, "show", id)
    assert shown["recipients"] == []
    assert "S: 550 5.2.0 go away" in shown["attempts"][0]["dialogue"].splitlines()
    text = world.bob.ctl("queue", "show", id).stdout
    assert "mailctl journey" in text and "    S: 550 5.2.0 go away" in text


def test_patterns(world):
    bob = world.bob
    deferred(world, "one.pat.test", 2)
    deferred(world, "two.pat.test")
    deferred(world, "three.pat.test", sender=BEN)
    everyone = ["o0@one.pat.test", "o1@one.pat.test", "t0@three.pat.test", "t0@two.pat.test"]
    for filters, who in [
            ((), everyone), (("--domain", "*.pat.test"), everyone), (("--domain", "pat.test"), []),
            (("--domain", "ONE.pat.test"), everyone[:2]), (("--domain", "???.pat.test"), everyone[:2] + everyone[3:]),
            (("--sender", "BEN@*"), everyone[2:3]), (("--sender", "b?b@bob.test"), everyone[:2] + everyone[3:]),
            (("--sender", "<>"), []), (("--recipient", "?1@*"), everyone[1:2]), (("--newer", "1h"), everyone),
            (("--older", "1h"), []), (("--state", "waiting"), everyone), (("--state", "held"), []),
            (("--recipient", "t0@*", "--domain", "two.*"), everyone[3:])]:
        assert listed(bob, "list", *filters) == who, filters
        assert filters and listed(bob, *filters) == who or not filters  # `list' may be left out
    assert ctl(bob, "list", "--max", "1")["more"] is True
    assert ctl(bob, "hold", "--domain", "*.pat.test", "--recipient", "t0@*")["changed"] == 2
    assert listed(bob, "--state", "held") == everyone[2:]
    assert ctl(bob, "release", "--sender", BEN)["changed"] == 1
    assert ctl(bob, "drop", "--state", "held")["changed"] == 1
    assert ctl(bob, "drop", "--older", "30m")["changed"] == 0
    assert "Nothing" in bob.ctl("queue", "drop", "--older", "30m").stdout
    assert ctl(bob, "drop", "--newer", "30m")["changed"] == 3
    assert queue(bob) == []
    assert bob.fetch(BOB) == [] and bob.fetch(BEN) == []  # nobody is told


def test_retry_by_pattern(world):
    far, _ = deferred(world, "again.test", 3)
    far.replies.clear()
    assert ctl(world.bob, "retry", "--recipient", "a[12]@again.test")["changed"] == 0  # no such patterns
    assert ctl(world.bob, "retry", "--recipient", "a?@again.test")["changed"] == 3
    far.got(3)
    queue_is_empty(world.bob)


def test_summary(world):
    bob = world.bob
    deferred(world, "full.test", 3)
    deferred(world, "less.test")
    bob.ctl("queue", "pause", "less.test", "they asked")
    got = ctl(bob, "summary")
    first, second = got["destinations"]
    assert (first["destination"], first["total"], first["paused"]) == ("full.test", 3, False)
    assert (second["destination"], second["total"], second["paused"]) == ("less.test", 1, True)
    assert "not in the mood" in first["last_reply"] and first["next"]
    assert len(got["bounds_ms"]) == 7 and len(first["ages"]) == 8
    assert sum(first["ages"]) == 3 and sum(got["ages"]) == got["total"] == 4
    paused, = got["paused"]
    assert (paused["domain"], paused["why"]) == ("less.test", "they asked") and paused["since"]
    assert ctl(bob, "summary", "--max", "1")["more"] is True
    text = bob.ctl("queue", "summary").stdout
    head, total, full, less = text.splitlines()[:4]
    assert head.split()[:2] == ["DESTINATION", "TOTAL"] and "2d+" in head.split()
    assert total.split()[:2] == ["TOTAL", "4"] and full.split()[:2] == ["full.test", "3"]
    assert less.split()[:2] == ["less.test", "1"] and " paused " in less
    assert "they asked" in text


def test_nothing_waits(world):
    assert world.bob.ctl("queue").stdout == "Nothing waits.\n"
    assert "Nothing waits" in world.bob.ctl("queue", "summary").stdout
    got = ctl(world.bob, "summary")
    assert (got["total"], got["destinations"], got["paused"], got["more"]) == (0, [], [], False)


# ---- stopping and sending elsewhere

def test_pause(world):
    bob = world.bob
    far, other = world.remote("stop.test"), world.remote("goes.test")
    assert ctl(bob, "pause", "STOP.test", "their disk is full")["domain"] == "stop.test"
    submit(bob, ["x@stop.test"])
    assert listed(bob, "--state", "paused") == ["x@stop.test"]
    ctl(bob, "retry", "--all")
    submit(bob, ["x@goes.test"])
    other.got()
    row, = queue(bob)
    assert (row["state"], row["tries"]) == ("paused", 0) and not far.sessions
    assert "paused already" in refused(bob, "queue", "pause", "stop.test")
    assert "stop.test goes on" in bob.ctl("queue", "resume", "stop.test").stdout
    far.got()
    queue_is_empty(bob)
    assert "is not paused" in refused(bob, "queue", "resume", "stop.test")


def test_reroute(world):
    """To a server by its address, by its name, and back to where DNS says."""
    bob = world.bob
    far, ids = deferred(world, "moved.test", 3)
    backup = world.remote()
    got = bob.ctl("queue", "reroute", ids[0], "--to", f"{backup.host}:{world.port}")
    assert got.stdout == f"1 recipient rerouted to [{backup.host}]:{world.port}\n"
    assert backup.got()[0].recipients == ["m0@moved.test"]
    assert ctl(bob, "reroute", ids[1], "--to", f"{backup.name.upper()}:{world.port}")["changed"] == 1
    assert backup.got(2)[1].recipients == ["m1@moved.test"]
    closed = free_port(backup.host)
    key = f"=[{backup.host}]:{closed}"
    assert ctl(bob, "reroute", "--domain", "moved.test", "--to", key[1:])["to"] == key
    waiting(bob, "m2@moved.test", 2)
    row, = queue(bob)
    assert row["destination"] == key
    assert listed(bob, "--domain", key) == ["m2@moved.test"]
    assert f"goes to     [{backup.host}]:{closed}" in bob.ctl("queue", "show", ids[2]).stdout
    far.replies.clear()
    assert ctl(bob, "reroute", "--domain", f"=*:{closed}", "--to", "mx")["changed"] == 1
    assert far.got()[0].recipients == ["m2@moved.test"]
    queue_is_empty(bob)
    told = [h["detail"] for h in hops(bob, ids[2]) if h["what"] == "rerouted"]
    assert told == [f"to {key[1:]}", "to where DNS says"]


def test_wrong_servers_are_told(world):
    for to in ("a b", "x:0", "x:65536", "x:y", ":25", "[1.2.3]:25", "[::1", "::1", "[::1]x", "-.test"):
        assert "mx" in refused(world.bob, "queue", "reroute", "--all", "--to", to, code=2), to
    assert ctl(world.bob, "reroute", "--all", "--to", "[2001:DB8:0::1]")["to"] == "=[2001:db8::1]:25"


# ---- taking back

def test_recall(world):
    bob = world.bob
    far, (id,) = deferred(world, "recall.test")
    said = bob.ctl("queue", "recall", id).stdout
    assert said.startswith("1 recipient recalled; ") and f"mailctl journey {id} tells" in said
    assert queue(bob) == [] and kinds(bob, id)[-1] == "recalled"
    last = hops(bob, id)[-1]
    assert (last["daemon"], last["recipient"]) == ("mailctl", "r0@recall.test")
    assert "recalled already" in refused(bob, "queue", "recall", id)
    assert bob.fetch(BOB) == [] and not far.messages
    assert "no message of this id" in refused(bob, "queue", "recall", "0000000000001")


def test_recall_of_what_has_gone(world):
    far = world.remote("gone.test")
    id = submit(world.bob, ["x@gone.test"])
    far.got()
    queue_is_empty(world.bob)
    said = refused(world.bob, "queue", "recall", id)
    assert "it has gone: relayed to " in said and far.name in said


def test_recall_of_some(world):
    far = world.remote("some.test", {"RCPT": lambda s, line: "250 ok" if b"y@" in line else "451 4.2.0 no"})
    id = submit(world.bob, ["x@some.test", "y@some.test", BEN])
    far.got()
    waiting(world.bob, "x@some.test")
    got = ctl(world.bob, "recall", id)
    assert got["changed"] == 1
    assert sorted((g["recipient"], g["what"]) for g in got["gone"]) == [
        (BEN, "delivered"), ("y@some.test", "relayed")]
    assert queue(world.bob) == []


def test_recall_while_it_goes(world):
    """Out of the queue at once; that it went all the same is told."""
    begun, end = threading.Event(), threading.Event()

    def at_the_end(_session, _line):
        begun.set()
        assert end.wait(120)
        return "250 2.0.0 queued as R1"

    far = world.remote("late.test", {".": at_the_end})
    id = submit(world.bob, ["x@late.test"])
    assert begun.wait(120)
    assert ctl(world.bob, "recall", id)["changed"] == 1
    assert queue(world.bob) == []
    end.set()
    far.got()
    wait_for(lambda: "relayed" in kinds(world.bob, id), what="what became of it")
    assert kinds(world.bob, id)[-2:] == ["recalled", "relayed"]
    assert hops(world.bob, id)[-1]["recipient"] == "x@late.test"
    assert "it has gone: relayed to" in refused(world.bob, "queue", "recall", id)


def slow(world, domain, answer):
    """A server that answers the message when told to."""
    begun, end = threading.Event(), threading.Event()

    def at_the_end(_session, _line):
        begun.set()
        assert end.wait(120)
        return answer

    far = world.remote(domain, {".": at_the_end})
    id = submit(world.bob, ["x@" + domain])
    assert begun.wait(120)
    return far, id, end


def hear_of_nothing_but(world, words):
    """What comes after a DSN would have: mail is delivered in its order."""
    domain = f"refuses{next(names)}.test"
    world.remote(domain, {"RCPT": "550 5.7.1 " + words})
    submit(world.bob, ["x@" + domain])
    got = wait_for(lambda: world.bob.fetch(BOB, delete=True), what="a DSN")
    assert len(got) == 1 and words.encode() in got[0], got


def test_recall_of_what_is_refused_then(world):
    _far, id, end = slow(world, "unwilling.test", "550 5.7.1 no")
    assert ctl(world.bob, "recall", id)["changed"] == 1
    end.set()
    wait_for(lambda: re.search("x@unwilling.test.*result=failed", world.bob.log_text()), what="the answer")
    hear_of_nothing_but(world, "not from you either")
    assert kinds(world.bob, id)[-1] == "recalled"


def test_domain_that_becomes_ours_while_it_goes(world):
    far, id, end = slow(world, "becomes.test", "250 2.0.0 queued as R1")
    world.bob.ctl("domain", "add", "becomes.test")
    end.set()
    far.got()
    wait_for(lambda: "relayed" in kinds(world.bob, id), what="what became of it")
    hear_of_nothing_but(world, "nor this one")
    queue_is_empty(world.bob)


def test_domain_that_becomes_ours_with_mail_waiting(world):
    """What has not gone yet is delivered here, not where it would have gone."""
    far, _id, end = slow(world, "moves-in.test", "250 2.0.0 queued as R1")
    ids = [submit(world.bob, ["y@moves-in.test"]) for _ in range(3)]
    world.bob.ctl("queue", "pause", "moves-in.test")  # until the addresses are there
    world.bob.ctl("domain", "add", "moves-in.test")
    world.bob.ctl("alias", "add", "@moves-in.test", BEN)
    world.bob.ctl("queue", "resume", "moves-in.test")
    end.set()
    wait_for(lambda: len(world.bob.fetch(BEN)) == 3, what="what waited")
    queue_is_empty(world.bob)
    told = [kinds(world.bob, id) for id in ids]
    assert all("delivered" in t and "relayed" not in t for t in told), told
    assert len(far.got()) == 1


@pytest.mark.parametrize("answer", ["250 2.0.0 taken", "451 4.3.0 later", "550 5.7.1 no"])
def test_reroute_while_it_goes(world, answer):
    """The second server gets it if the first one did not take it."""
    _far, id, end = slow(world, f"turns{answer[:3]}.test", answer)
    backup = world.remote()
    assert ctl(world.bob, "reroute", id, "--to", f"{backup.host}:{world.port}")["changed"] == 1
    end.set()
    if answer.startswith("250"):
        wait_for(lambda: "relayed" in kinds(world.bob, id), what="what became of it")
    else:
        assert backup.got()[0].recipients == [f"x@turns{answer[:3]}.test"]
    queue_is_empty(world.bob)
    hear_of_nothing_but(world, "none of it")
    assert len(backup.messages) == (0 if answer.startswith("250") else 1)


def test_recall_of_what_nobody_here_has_sent(world):
    world.remote("alias.test", dict(LATER))
    world.bob.ctl("alias", "add", "away@bob.test", "x@alias.test")
    world.bob.deliver("z@remote.test", ["away@bob.test"], everyday("from-outside", sender="z@remote.test"))
    row = waiting(world.bob, "x@alias.test")
    assert "queue drop" in refused(world.bob, "queue", "recall", row["id"])
    assert listed(world.bob, "--recipient", "away@bob.test") == ["x@alias.test"]  # by the alias
    ctl(world.bob, "drop", row["id"])


def test_scheduled(world):
    """FUTURERELEASE: nothing hurries it but its own name."""
    bob = world.bob
    id = submit(bob, [BEN, "x@far-away.test"], options=["HOLDFOR=3600"])
    assert listed(bob, "--state", "scheduled") == [BEN, "x@far-away.test"]
    assert ctl(bob, "retry", "--all")["changed"] == 0
    ctl(bob, "hold", id)
    ctl(bob, "release", id)
    assert listed(bob, "--state", "scheduled") == [BEN, "x@far-away.test"]
    assert ctl(bob, "recall", id)["changed"] == 2
    assert queue(bob) == [] and bob.fetch(BEN) == [] and bob.fetch(BOB) == []
    id = submit(bob, [BEN], options=["HOLDFOR=3600"])
    assert ctl(bob, "retry", id)["changed"] == 1
    wait_for(lambda: bob.fetch(BEN), what="the message before its time")


# ---- addresses that nobody has

def test_suppress(world):
    bob = world.bob
    world.remote("nobody.test", {"RCPT": "550 5.1.1 nobody of this name"})
    submit(bob, ["X@nobody.test"])
    queue_is_empty(bob)
    row, = bob.ctl("suppress", "--json")["addresses"]
    assert (row["address"], row["refusals"]) == ("x@nobody.test", 1)
    assert "nobody of this name" in row["reply"] and row["first"] == row["last"]
    assert "x@nobody.test" in bob.ctl("suppress", "list").stdout
    assert bob.ctl("suppress", "remove", "x@NOBODY.test").stdout == "x@NOBODY.test is tried again\n"
    assert bob.ctl("suppress", "list", "--json")["addresses"] == []
    assert "is not suppressed" in refused(bob, "suppress", "remove", "x@nobody.test")


# ---- what makes no sense

@pytest.mark.parametrize("args,words", [
    (["list", "--older", "4"], "4h"), (["list", "--newer", "soon"], "4h"), (["list", "--state", "stuck"], "scheduled"),
    (["list", "--domain", "not a domain"], "no domain"), (["hold"], "--all"), (["hold", "--all", "--domain", "x"], "--all"),
    (["reroute", "--all"], "--to"), (["reroute", "--to", "x"], "--all"), (["recall"], "missing"), (["recall", "x"], "id"),
    (["pause"], "missing"), (["pause", "not a domain"], "no domain"), (["resume", "[="], "is not paused"),
    (["summary", "--max", "x"], "no number"), (["frob"], "mailctl queue list")])
def test_usage(world, args, words):
    said = refused(world.bob, "queue", *args, code=1 if args[0] == "resume" else 2)
    assert words in said


# ---- following

class Follow:
    def __init__(self, server, *args):
        conf = str(server.dir / "pennypost.conf")
        self.process = subprocess.Popen([str(BIN / "mailctl"), "-c", conf, "journey", "--follow", *args],
                                        stdout=subprocess.PIPE, text=True)

    def until(self, words):
        """Its lines up to one that holds these."""
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if words in line:
                return lines
        raise AssertionError(f"it ended without {words}: {lines}")

    def end(self):
        rest = self.process.stdout.read()
        assert self.process.wait(60) == 0
        self.process.stdout.close()
        return rest


def test_follow(world):
    far, (id,) = deferred(world, "follow.test")
    lines, people = Follow(world.bob, id, "--json"), Follow(world.bob, "f0@follow.test")
    seen = [json.loads(line) for line in lines.until('"tried"')]
    head = people.until("tried")
    assert [h["what"] for h in seen] == kinds(world.bob, id) and {h["id"] for h in seen} == {id}
    assert head[0] == f"Message {id}\n"
    ctl(world.bob, "hold", id)
    assert json.loads(lines.until("held")[-1])["daemon"] == "mailctl"
    people.until("held")
    far.replies.clear()
    ctl(world.bob, "release", id)
    assert json.loads(lines.until("relayed")[-1])["recipient"] == "f0@follow.test"
    lines.end()
    rest = people.until("relayed")
    assert not [line for line in rest if line.startswith("Message")]  # said once
    people.end()


def test_follow_what_is_over(world):
    id = submit(world.bob, [BEN])
    assert Follow(world.bob, id).end() == world.bob.ctl("journey", id).stdout
    assert "nothing is known" in refused(world.bob, "journey", "--follow", "<no@such.id>")


def test_follow_more_than_one(world):
    first, second = submit(world.bob, [BEN]), submit(world.bob, [BEN])
    got = Follow(world.bob, BEN, "--max", "2", "--json").end().splitlines()
    assert list(dict.fromkeys(json.loads(line)["id"] for line in got)) == [first, second]
    got = Follow(world.bob, BEN, "--json").end().splitlines()
    assert {json.loads(line)["id"] for line in got} == {second}


def test_without_maild(tmp_path):
    """mailctl does it all itself."""
    with Server(dir=tmp_path) as server:
        id = submit(server, ["alice@d.test"], sender="bob@d.test")
        late = submit(server, ["x@far.test"], sender="bob@d.test", options=["HOLDFOR=3600"])
    server.ctl("queue", "pause", "far.test")
    assert listed(server, "--state", "scheduled") == ["x@far.test"]
    assert ctl(server, "summary")["total"] == 1
    assert ctl(server, "reroute", late, "--to", "mx.far.test")["changed"] == 1
    assert listed(server, "--domain", "=*") == ["x@far.test"]
    out = subprocess.run([str(BIN / "mailctl"), "-c", str(tmp_path / "pennypost.conf"), "journey", "--follow", id],
                         capture_output=True, text=True, timeout=120)
    assert out.returncode == 0 and re.search(r"smtpd +delivered +alice@d\.test", out.stdout)
    follow = Follow(server, late, "--json")
    follow.until("rerouted")
    assert ctl(server, "recall", late)["changed"] == 1
    follow.until("recalled")
    follow.end()
    server.ctl("queue", "resume", "far.test")
