# SPDX-License-Identifier: MIT
"""Mail between servers: two of ours, and others that behave as they like."""
import contextlib
import os
import pathlib
import re
import signal
import sqlite3
import sys
import threading
import time

import poplib
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from pennypost import wait_for, without_trace  # noqa: E402
from remote import (CLOSE, HANG, Report, World, mail_for, queue, queue_is_empty,  # noqa: E402
                    report_for, rss, waiting)
from samples import SAMPLES, everyday, plain  # noqa: E402

BOB, BEN = "bob@bob.test", "ben@bob.test"
ALICE, CAROL = "alice@alice.test", "carol@alice.test"
names = iter(range(10000))


def mail(name="relay", **who):
    return everyday(f"{name}-{next(names)}", **{"sender": BOB, "to": ALICE, **who})


def as_sent(content):
    """What a remote got, without the Received field of ours."""
    return without_trace(b"Return-Path: <>\r\n" + content)


@pytest.fixture(scope="module")
def world():
    with World({"relay.timeout": "20s", "timeouts.handshake": "5s"}) as w:
        yield w


@pytest.fixture(autouse=True)
def tidy(request):
    """Nothing is left over for the next test."""
    yield
    if "world" in request.fixturenames:
        w = request.getfixturevalue("world")
        for server in (w.bob, w.alice):
            server.ctl("queue", "drop", "--all", check=False)
            for user in server.users:
                server.fetch(user, delete=True)


# ---- what arrives

def test_octet_for_octet(world):
    """Each sample, all in flight together, over encrypted connections."""
    world.bob.ctl("alias", "add", "samples@bob.test", ALICE)
    with world.bob.smtp() as client:
        for message in SAMPLES.values():
            assert client.sendmail("x@remote.test", ["samples@bob.test"], message) == {}
    queue_is_empty(world.bob, 120)
    got = {without_trace(m, hops=2): m for m in world.alice.fetch(ALICE, delete=True)}
    names_of = {m: name for name, m in SAMPLES.items()}
    assert sorted(names_of.get(m, m[:300]) for m in got) == sorted(SAMPLES)
    for whole in got.values():
        assert b"by mx.alice.test with ESMTPS id " in whole.replace(b"\r\n\t", b" ")


def test_bcc_is_revealed_to_nobody(world):
    shown = mail("bcc", to=ALICE)
    hidden = shown.replace(b"Subject:", b"Bcc: <carol@alice.test>\r\nSubject:", 1)
    world.bob.submit(BOB, [ALICE, CAROL], hidden)
    for user in (ALICE, CAROL):
        got, = mail_for(world.alice, user)
        assert without_trace(got, hops=2) == shown
        # RFC 5321 s7.2: nor by a "for" in Received
        assert b"carol" not in got.split(b"\r\n\r\n")[0] and b"for <" not in got.split(b"\r\nFrom:")[0]


def test_dots_are_stuffed(world):
    far = world.remote("dots.test")
    message = plain("dots", b".\r\n..\r\n.x\r\n...\r\n", sender=BOB)
    world.bob.submit(BOB, ["x@dots.test"], message)
    sent, = far.got()
    assert sent.wire.endswith(b"\r\n\r\n..\r\n...\r\n..x\r\n....\r\n")
    assert as_sent(sent.content) == message
    assert (sent.sender, sent.recipients) == (BOB, ["x@dots.test"])


def test_alias_to_elsewhere(world):
    """From an address of ours that leads back to who wrote it: reports do."""
    far = world.remote("elsewhere.test")
    for target in ("x@elsewhere.test", BEN):
        world.bob.ctl("alias", "add", "team@bob.test", target)
    message = mail("alias", sender=ALICE, to="team@bob.test")
    world.alice.submit(ALICE, ["team@bob.test"], message)
    sent, = far.got()
    assert re.fullmatch(r"SRS0=[0-9a-z]+=[0-9a-z]+=alice\.test=alice@bob\.test", sent.sender)
    assert sent.recipients == ["x@elsewhere.test"]
    assert without_trace(b"Return-Path: <>\r\n" + sent.content, hops=2) == message
    got, = mail_for(world.bob, BEN)
    assert without_trace(got, hops=2) == message


def test_alias_to_elsewhere_reports_the_alias_that_was_written_to(world):
    world.remote("moved.test", {"RCPT": "550 5.1.1 moved away"})
    world.bob.ctl("alias", "add", "old@bob.test", "new@moved.test")
    world.bob.submit(BOB, ["old@bob.test"], mail())
    report = report_for(world.bob, BOB)
    r, = report.recipients
    assert "<old@bob.test>" in report.people
    assert r["Original-Recipient"] is None  # RFC 3461 s6.3 (d): no ORCPT was given


def test_one_transaction_for_the_recipients_of_a_destination(world):
    far = world.remote("many.test")
    people = [f"p{n}@many.test" for n in range(30)]
    world.bob.submit(BOB, people, mail())
    sent, = far.got()
    assert sorted(sent.recipients) == sorted(people)
    assert len(far.sessions) == 1


def test_utf8_address(world):
    far = world.remote("post.test")
    with world.bob.submission(BOB) as client:
        assert client.sendmail(BOB, ["grüße@post.test"], mail(), mail_options=["SMTPUTF8", "BODY=8BITMIME"]) == {}
    wait_for(lambda: far.messages, what="the message")
    assert any(b"SMTPUTF8" in line for line in far.sessions[0].lines)
    assert b"RCPT TO:<gr\xc3\xbc\xc3\x9fe@post.test>" in far.sessions[0].lines


def test_utf8_address_where_it_is_not_taken(world):
    world.remote("ascii.test", {"EHLO": "250-ascii.test\r\n250 8BITMIME"})
    with world.bob.submission(BOB) as client:
        client.sendmail(BOB, ["grüße@ascii.test"], mail(), mail_options=["SMTPUTF8", "BODY=8BITMIME"])
    raw, = mail_for(world.bob, BOB)
    assert b"5.6.7" in raw


def test_odd_local_parts(world):
    """As they were written, quotes and all."""
    far = world.remote("odd.test")
    people = ['"a b"@odd.test', r'"q\"uote"@odd.test', '"<>@,;"@odd.test', "a+b=c@odd.test", "!#$%&'*/?^_`{|}~@odd.test",
              "MiXeD@odd.test"]
    with world.bob.submission(BOB) as client:
        client.mail(BOB)
        for address in people:
            client.putcmd("rcpt", f"TO:<{address}>")
            assert client.getreply()[0] == 250, address
        assert client.data(mail())[0] == 250
    queue_is_empty(world.bob)
    sent = [line.decode() for s in far.sessions for line in s.lines if line.startswith(b"RCPT")]
    assert sorted(sent) == sorted(f"RCPT TO:<{a}>" for a in people)
    assert world.bob.fetch(BOB) == []


# ---- finding the server

def test_equal_preference(world):
    """RFC 5321 s5.1: hosts of equal preference share the load."""
    first, second = world.remote(), world.remote()
    people = []
    for n in range(16):
        for far in (first, second):
            world.mx(f"equal{n}.test", far.name)
        people.append(f"x@equal{n}.test")
    world.bob.submit(BOB, people, mail())
    wait_for(lambda: len(first.messages) + len(second.messages) == 16, what="16 messages")
    assert first.messages and second.messages  # by chance not: once in 32768 runs


def test_better_preference_first(world):
    best = world.remote("prefer.test", preference=5)
    other = world.remote("prefer.test", preference=20)
    for n in range(4):
        world.bob.submit(BOB, [f"x{n}@prefer.test"], mail())
    best.got(4)
    assert not other.sessions


def test_dead_host_then_the_second(world):
    dead = world.remote("dead.test", preference=5)
    alive = world.remote("dead.test", preference=20)
    dead.close()
    world.bob.submit(BOB, ["x@dead.test"], mail())
    alive.got()
    queue_is_empty(world.bob)


def test_unwilling_host_then_the_second(world):
    """4xx and 5xx greetings, and one that hangs up, are no refusal of the mail."""
    for greeting in ("421 too busy", "554 go away", CLOSE):
        domain = f"unwilling{next(names)}.test"
        world.remote(domain, {"CONNECT": greeting}, preference=5)
        alive = world.remote(domain, preference=20)
        world.bob.submit(BOB, [f"x@{domain}"], mail())
        alive.got()


def test_implicit_mx(world):
    far = world.remote()
    world.a("implicit.test", far.host)
    world.bob.submit(BOB, ["x@implicit.test"], mail())
    assert far.got()[0].recipients == ["x@implicit.test"]


def test_cname(world):
    far = world.remote("real.test")
    world.record("nick.test", "CNAME", "real.test.")
    world.bob.submit(BOB, ["x@nick.test"], mail())
    assert far.got()[0].recipients[0].startswith("x@")


def test_address_literal_and_dead_ipv6(world):
    """A host whose IPv6 address leads nowhere is reached by the other one."""
    far = world.remote("both.test")
    world.record(far.name, "AAAA", "::ffff:127.9.9.9")
    world.bob.submit(BOB, ["x@both.test"], mail())
    far.got()


def bounced(world, address, status, words=None):
    """Bob writes there; the report says so, quotes the words and is in order."""
    message = mail(to=address)
    world.bob.submit(BOB, [address], message)
    report = report_for(world.bob, BOB)
    got, action, code, diagnostic = report.one()
    assert (got, action, code) == (address, "failed", status)
    if words:
        assert words in diagnostic and words in report.people
    subject = re.search(rb"Subject: (\S+)", message)[1].decode()
    assert f"Subject: {subject}" in report.original.get_content()
    assert "Liebe Alice" not in report.raw.decode()
    assert queue_is_empty(world.bob)
    return report


def test_null_mx(world):
    """A162; RFC 7505."""
    world.record("null.test", "MX", "0 .")
    world.a("null.test", "127.0.0.99")
    bounced(world, "x@null.test", "5.1.10")


def test_no_such_domain(world):
    """A165"""
    bounced(world, "x@nowhere.test", "5.1.2")


def test_domain_without_any_address(world):
    world.record("text.test", "TXT", '"no mail here"')
    bounced(world, "x@text.test", "5.1.2")
    world.mx("hollow.test", "nothing.test")
    bounced(world, "x@hollow.test", "5.4.4")


@pytest.mark.parametrize("host", ["mx.bob.test", "localhost", "any.here.test", "self.here.test"])
def test_mx_that_is_ourselves(world, host):
    """A162: no connection to ourselves, whatever the name."""
    world.a("any.here.test", "0.0.0.0")
    world.a("self.here.test", "127.0.0.2")
    domain = f"loop{next(names)}.test"
    world.mx(domain, host)
    bounced(world, f"x@{domain}", "5.4.6")


def test_worse_than_ourselves_is_not_tried(world):
    """RFC 5321 s5.1: only hosts better than ourselves are."""
    worse = world.remote("backup.test", preference=30)
    world.mx("backup.test", "mx.bob.test", 20)
    bounced(world, "x@backup.test", "5.4.6")
    assert not worse.sessions
    better = world.remote("backup2.test", preference=10)
    world.mx("backup2.test", "mx.bob.test", 20)
    world.bob.submit(BOB, ["x@backup2.test"], mail())
    better.got()


def test_dns_trouble_is_no_refusal(world):
    """A163, A165: what cannot be looked up now waits, and other mail goes on."""
    for name, how in (("servfail.test", "servfail"), ("refused.test", "refused"), ("garbage.test", "garbage")):
        world.behave(name, how)
    # the fourth points behind the message; a pointer to its front would name whatever the query's random id spells
    for n, rdata in enumerate(["", "00", "000a", "000affff", "000a" + "3f" + "61" * 3]):
        world.record(f"malformed{n}.test", "MX", "hex:" + rdata)
    world.record("circle1.test", "CNAME", "circle2.test.")
    world.record("circle2.test", "CNAME", "circle1.test.")
    bad = ["servfail.test", "refused.test", "circle1.test"] + [f"malformed{n}.test" for n in range(5)]
    far = world.remote("fine.test")
    people = [f"x@{domain}" for domain in bad]
    world.bob.submit(BOB, people + ["x@fine.test", BEN], mail())
    far.got()
    assert mail_for(world.bob, BEN)
    for address in people:
        row = waiting(world.bob, address)
        assert row["state"] == "waiting" and "4.4.3" not in address, row
    assert world.bob.fetch(BOB, delete=True) == []


@pytest.mark.parametrize("n", [90, 200])
def test_as_many_hosts_as_it_likes(world, n):
    """A163: neither all the records are used nor all the hosts tried."""
    far = world.remote()
    domain = f"wide{n}.test"
    for k in range(n):
        world.records.append([domain, "MX", f"{k} far{k}.{domain}."])
        world.records.append([f"far{k}.{domain}", "A", far.host])
    world.a(f"any.{domain}", far.host)
    world.bob.submit(BOB, [f"x@{domain}"], mail())
    far.got()
    assert len(far.sessions) == 1


def test_not_every_host_is_tried(world):
    """A163: of a hundred dead ones."""
    far = world.remote(replies={"CONNECT": CLOSE})
    for k in range(80):
        world.records.append(["crowd.test", "MX", f"{k} far{k}.crowd.test."])
        world.records.append([f"far{k}.crowd.test", "A", far.host])
    world.a("any.crowd.test", far.host)
    world.bob.submit(BOB, ["x@crowd.test"], mail())
    tries = waiting(world.bob, "x@crowd.test")["tries"]
    assert len(far.sessions) <= 10 * (tries + 1)


# ---- answers

def test_refused_for_good(world):
    far = world.remote("no.test", {"RCPT": "550-5.1.1 nobody of\r\n550 5.1.1 that name"})
    report = bounced(world, "x@no.test", "5.1.1", "nobody of that name")
    r, = report.recipients
    assert r["Remote-MTA"] == f"dns; {far.name}" and r["Diagnostic-Code"].startswith("smtp; 550")
    wait_for(lambda: far.sessions[0].lines[-1] == b"QUIT", what="the end of relay.linger")


@pytest.mark.parametrize("verb,status", [("MAIL", "5.7.1"), ("DATA", "5.7.1"), (".", "5.7.1")])
def test_refused_for_good_at(world, verb, status):
    domain = f"at{next(names)}.test"
    far = world.remote(domain, {verb: f"554 {status} we do not want it"})
    bounced(world, f"x@{domain}", status, "we do not want it")
    assert len(far.seen) == (verb == ".")


def test_report_of_hostile_words(world):
    """A171: a report is well-formed whatever the other server says."""
    for n, words in enumerate([
            b"550 no\x1b[2J\rX: y", b"550 5.1.1 <script>alert(1)</script>", b"550 5.1.1 " + b"\xff\xfe" * 900,
            b"550 5.1.1 " + b"w" * 900, b"550 5.1.1 \xf0\x9f\x93\xae gr\xc3\xbc\xc3\x9fe", b"550",
            b"550 5.1.1\tX-Injected: yes", b"550 4.2.2 wrong class", b"550 5.9999.1 =?utf-8?q?x?= --=_boundary",
            b"550-5.1.1 one\r\n" * 20 + b"550 5.1.1 last"]):
        world.remote(f"hostile{n}.test", {"RCPT": words + b"\r\n"})
        address = f"x@hostile{n}.test"
        world.bob.submit(BOB, [address], mail())
        rows = wait_for(lambda: world.bob.fetch(BOB, delete=True) or
                        [r for r in queue(world.bob) if r["tries"] > 0], what=f"an outcome of {words[:40]}")
        if isinstance(rows[0], dict):
            assert n == 0, words  # a bare CR is no reply at all: later, perhaps
            world.bob.ctl("queue", "drop", "--all")
            continue
        report = Report(rows[0], BOB)
        assert report.one()[:2] == (address, "failed") and report.one()[2][0] == "5"
        assert "\nX-Injected" not in report.raw.decode()


def test_4xx_then_taken(world):
    seen, replies = threading.Event(), iter(["451 4.3.0 not now"])

    def answer(*_):
        return "250 ok" if seen.is_set() else next(replies, "450 4.2.1 nor now")
    far = world.remote("later.test", {"RCPT": answer})
    world.bob.submit(BOB, ["x@later.test"], mail("later"))
    row = waiting(world.bob, "x@later.test")
    seen.set()
    assert row["last_code"] in (450, 451) and "now" in row["last_reply"]
    far.got()
    queue_is_empty(world.bob)
    assert len(far.messages) == 1 and world.bob.fetch(BOB, delete=True) == []


def test_partial(world):
    """A174: each recipient has an outcome of its own."""
    def judge(session, line):
        session.remote.asked = getattr(session.remote, "asked", []) + [line]
        if b"<two@" in line and sum(b"<two@" in q for q in session.remote.asked) == 1:
            return "450 4.2.1 later"
        return "550 5.1.1 never" if b"<three@" in line else "250 ok"
    far = world.remote("partial.test", {"RCPT": judge})
    people = [f"{n}@partial.test" for n in ("one", "two", "three")]
    world.bob.submit(BOB, people, mail())
    report = report_for(world.bob, BOB)
    assert report.one()[:3] == ("three@partial.test", "failed", "5.1.1")
    far.got(2)
    queue_is_empty(world.bob)
    assert sorted(m.recipients for m in far.messages) == [["one@partial.test"], ["two@partial.test"]]


def test_one_report_for_all_that_failed(world):
    world.remote("none.test", {"RCPT": "550 5.1.1 none"})
    people = [f"x{n}@none.test" for n in range(5)]
    world.bob.submit(BOB, people, mail())
    report = report_for(world.bob, BOB)
    assert sorted(r["Final-Recipient"].split(";")[1].strip() for r in report.recipients) == people


def test_connection_is_used_again(world):
    """Many messages, few connections, never more at once than allowed."""
    far = world.remote("reuse.test", {"CONNECT": lambda s, _: time.sleep(0.3) or "220 hello"})
    maild = world.bob.pids()["maild"]
    with world.bob.submission(BOB) as client:
        os.kill(maild, signal.SIGSTOP)  # it finds them all in the queue, however slowly they came
        try:
            for n in range(40):
                client.sendmail(BOB, [f"x{n}@reuse.test"], mail("reuse"))
        finally:
            os.kill(maild, signal.SIGCONT)
    far.got(40)
    queue_is_empty(world.bob)
    assert len(far.messages) == 40
    assert len({m.recipients[0] for m in far.messages}) == 40
    assert len(far.sessions) < 20 and far.most <= 5, (len(far.sessions), far.most)


def test_server_without_pipelining_and_ehlo(world):
    far = world.remote("old.test", {"EHLO": "502 what is that?"})
    world.bob.submit(BOB, ["x@old.test", "y@old.test"], mail())
    assert far.got()[0].recipients == ["x@old.test", "y@old.test"]
    assert far.sessions[0].lines[1].startswith(b"HELO ")


def test_size_is_announced_and_respected(world):
    far = world.remote("small.test", {"EHLO": "250-small.test\r\n250-8BITMIME\r\n250 SIZE 1000"})
    message = plain("large", b"x" * 70 + b"\r\n" + b"y" * 2000 + b"\r\n", sender=BOB)
    world.bob.submit(BOB, ["x@small.test"], message)
    report = report_for(world.bob, BOB)
    assert report.one()[2] == "5.3.4"
    assert far.seen == []


# ---- answers that are none (A167, A168)

NONSENSE = {
    "short": {"MAIL": b"25\r\n"},
    "code": {"MAIL": b"999 x\r\n"},
    "letters": {"MAIL": b"abc hello\r\n"},
    "bare_lf": {"MAIL": b"250 ok\n250 ok\n"},
    "nul": {"MAIL": b"250 o\x00k\r\n"},
    "mixed": {"MAIL": b"250-x\r\n550 y\r\n"},
    "endless": {"MAIL": b"250-" + b"A" * 300000 + b"\r\n"},
    "many_lines": {"MAIL": b"250-a\r\n" * 100000},
    "greeting": {"CONNECT": b"hello there\r\n"},
    "354_to_rcpt": {"RCPT": "354 go on"},
    "250_to_data": {"DATA": "250 done"},
    "twice": {"MAIL": b"250 ok\r\n250 ok\r\n", "RCPT": "451 later", "EHLO": "250 plain.test"},
    "unasked": {"EHLO": b"250 plain.test\r\n250 ok\r\n250 ok\r\n250 ok\r\n354 go on\r\n250 taken\r\n"},
    "354_at_dot": {".": "354 more"},
    "closed_at_dot": {".": CLOSE},
    "closed_at_data": {"DATA": CLOSE},
    "421": {"RCPT": "421 4.3.2 closing"},
}


def test_nonsense_is_no_delivery(world):
    """A167, A168: on every answer that cannot be, the mail waits."""
    remotes = {name: world.remote(f"{name.replace('_', '-')}.nonsense.test", replies)
               for name, replies in NONSENSE.items()}
    pids = world.bob.pids()
    before = rss(pids["maild"])
    people = {name: f"x@{name.replace('_', '-')}.nonsense.test" for name in NONSENSE}
    begin = time.monotonic()
    world.bob.submit(BOB, list(people.values()), mail())
    for name, address in people.items():
        row = waiting(world.bob, address)
        assert row["state"] == "waiting", (name, row)
    assert world.bob.fetch(BOB, delete=True) == []
    for name, r in remotes.items():
        assert not r.messages, name
        # a try each 300 ms or more, in two ways at most: not as fast as it goes
        assert len(r.sessions) < 4 + 8 * (time.monotonic() - begin), (name, len(r.sessions))
        if name not in ("354_at_dot", "closed_at_dot"):
            assert not r.seen, name  # no content before a 354
    assert world.bob.pids() == pids
    assert rss(pids["maild"]) - before < 64 << 20


# ---- TLS

def certificate(server):
    return str(server.dir / "cert.pem"), str(server.dir / "key.pem")


def test_tls_where_it_is_offered(world):
    """RFC 7435: whatever the certificate says."""
    far = world.remote("secure.test", tls=certificate(world.alice))
    world.bob.submit(BOB, ["x@secure.test"], mail())
    sent, = far.got()
    assert sent.session.tls
    assert [line.split()[0] for line in sent.session.lines[:3]] == [b"EHLO", b"STARTTLS", b"EHLO"]


@pytest.mark.parametrize("trouble, replies, why", [
    ("broken", {}, "TLS failed: "), ("hang", {}, "TLS failed: "),
    ("refused", {"STARTTLS": "454 4.7.0 not today"}, "STARTTLS was refused: 454 4.7.0 not today"),
    ("closed", {"STARTTLS": CLOSE}, "TLS failed: the other server closed the connection while waiting for the reply"),
    ("none", {}, "STARTTLS is not offered")])
def test_in_clear_where_tls_is_broken(world, trouble, replies, why):
    """A170, without a policy: better in the clear than not at all; the journey
    says so, and what broke is not tried by the next message."""
    domain = f"tls-{trouble}.test"
    far = world.remote(domain, replies, tls={"hang": "hang", "none": None}.get(trouble, "broken"))

    def journey(who):
        world.bob.submit(BOB, [f"{who}@{domain}"], mail())
        queue_is_empty(world.bob)
        got, = world.bob.ctl("journey", f"{who}@{domain}", "--json")["journeys"]
        return [h["detail"] for h in got["hops"] if h["what"] == "relayed"][0]

    told = journey("x")
    assert told.startswith(f"in the clear ({why}"), told
    assert not far.got()[0].session.tls
    n = len(far.sessions)
    assert n == (2 if why.startswith("TLS") else 1)
    wait_for(lambda: far.open == 0, what="its end")  # or it would go over the same
    told = journey("y")
    if why.startswith("TLS"):
        assert told.startswith(f"in the clear (lately {why}"), told
        assert len(far.sessions) == n + 1
    else:
        assert told.startswith(f"in the clear ({why}"), told
    assert not far.got(2)[1].session.tls


def test_words_before_the_handshake(world):
    """A169: what follows the 220 in the clear is not listened to."""
    cert = certificate(world.alice)
    far = world.remote("inject.test", {"STARTTLS": b"220 go\r\n250-inject.test\r\n250 SIZE 1\r\n"}, tls=cert)
    world.bob.submit(BOB, ["x@inject.test"], mail())
    wait_for(lambda: far.messages or [r for r in queue(world.bob) if r["tries"]], what="an outcome")
    assert not any(s.tls for s in far.sessions)
    assert not any(m.session.tls for m in far.messages)


# ---- reports, loops

def test_no_report_to_nobody(world):
    """A172: what came from <> is never answered."""
    world.remote("deaf.test", {"RCPT": "550 5.1.1 no"})
    world.bob.ctl("alias", "add", "deaf@bob.test", "x@deaf.test")
    world.bob.deliver("", ["deaf@bob.test"], mail("null"))
    queue_is_empty(world.bob)
    for user in world.bob.users:
        assert world.bob.fetch(user, delete=True) == []


def test_report_that_fails_is_not_reported(world):
    """A172: a report has no sender, and its failure ends the matter."""
    far = world.remote("spam.test", {"RCPT": "550 5.1.1 no"})
    world.bob.ctl("alias", "add", "spam@bob.test", "y@spam.test")
    world.bob.deliver("forged@spam.test", ["spam@bob.test"], mail("double"))
    wait_for(lambda: any(b"MAIL FROM:<>" in line for s in far.sessions for line in s.lines), what="the report")
    queue_is_empty(world.bob)
    assert len([1 for s in far.sessions for line in s.lines if line.startswith(b"MAIL FROM:<>")]) == 1
    for user in world.bob.users:
        assert world.bob.fetch(user, delete=True) == []


def test_unknown_here_is_refused_at_once(world):
    """A172: no queue, no report, for a forged sender to receive."""
    with world.bob.smtp() as client:
        client.mail("forged@remote.test")
        assert client.rcpt("nobody@bob.test")[0] == 550
    assert queue(world.bob) == []


def test_report_to_a_remote_sender(world):
    """Forwarded for Alice's sake, refused by the third: she hears of it."""
    world.remote("third.test", {"RCPT": "550 5.2.1 closed"})
    world.bob.ctl("alias", "add", "onward@bob.test", "x@third.test")
    world.alice.submit(ALICE, ["onward@bob.test"], mail("onward", sender=ALICE))
    raw, = mail_for(world.alice, ALICE)
    report = Report(raw, ALICE)
    assert report.one()[2] == "5.2.1"
    assert report.whole["Reporting-MTA"] == "dns; mx.bob.test"


def test_alias_loop(world):
    """A173: none can be made."""
    world.bob.ctl("alias", "add", "loop1@bob.test", BEN)
    world.bob.ctl("alias", "add", "loop2@bob.test", "loop1@bob.test")
    got = world.bob.ctl("alias", "add", "loop1@bob.test", "loop2@bob.test", check=False)
    assert got.returncode == 1 and "back to itself" in got.stderr
    world.bob.deliver("a@remote.test", ["loop2@bob.test"], mail("loop"))
    assert len(mail_for(world.bob, BEN)) == 1


def test_loop_between_servers():
    """A173: it ends when the Received fields are too many, in one report."""
    with World({"limits.received": "12"}) as w:
        w.bob.ctl("alias", "add", "there@bob.test", "back@alice.test")
        w.alice.ctl("alias", "add", "back@alice.test", "there@bob.test")
        w.bob.submit(BEN, ["there@bob.test"], mail("circle", sender=BEN, to="there@bob.test"))
        raw, = mail_for(w.bob, BEN)
        # back along the addresses under which it was passed on
        to = re.search(rb"(?m)^To:\s*<?(SRS1=[^>\s]+@alice\.test)", raw)[1].decode()
        report = Report(raw, to)
        address, action, status, said = report.one()
        assert status == "5.4.6" and action == "failed"
        assert 11 <= report.original.get_content().count("Received:") <= 13
        assert queue_is_empty(w.bob) and queue_is_empty(w.alice)
        for server in (w.bob, w.alice):
            for user in server.users:
                assert server.fetch(user) == []


# ---- patience

def test_expiry():
    """Five days, here five seconds: then it is returned."""
    with World({"relay.expire": "5s"}, servers=["bob"]) as w:
        far = w.remote("never.test", {"RCPT": "451 4.3.2 come back tomorrow"})
        nobody = w.remote("gone.test")
        nobody.close()
        w.bob.submit(BOB, ["x@never.test"], mail("expired"))
        report = report_for(w.bob, BOB)
        address, action, status, said = report.one()
        assert (address, action) == ("x@never.test", "failed")
        assert status[0] in "45" and "come back tomorrow" in said
        assert sum(line.startswith(b"MAIL") for s in far.sessions for line in s.lines) >= 2
        w.bob.submit(BOB, ["x@gone.test"], mail("expired"))
        assert report_for(w.bob, BOB).one()[0] == "x@gone.test"
        assert queue_is_empty(w.bob)


def test_waiting_grows():
    with World({"relay.retry_first": "200ms", "relay.retry_most": "10s"}, servers=["bob"]) as w:
        at = []
        w.remote("slow.test", {"CONNECT": lambda *_: at.append(time.monotonic()) or "451 no"})
        w.bob.submit(BOB, ["x@slow.test"], mail())
        wait_for(lambda: len(at) >= 6, what="six tries")
        # 0.2 + 0.4 + 0.8 + 1.6 + 3.2 s: were they all as the first, one second
        assert at[5] - at[0] > 4, at


def test_silent_servers():
    """A166: whoever says nothing is left after a while, and the next host asked;
    others do not wait for it."""
    verbs = ["CONNECT", "EHLO", "STARTTLS", "MAIL", "RCPT", "DATA", "QUIT"]
    with World({"relay.timeout": "10s", "timeouts.handshake": "10s"}, servers=["bob"]) as w:
        silent, seconds = {}, {}
        for verb in verbs:
            domain = f"{verb.lower()}.silent.test"
            silent[verb] = w.remote(domain, {verb: HANG}, tls="broken" if verb == "STARTTLS" else None,
                                    preference=1)
            seconds[verb] = w.remote(domain, preference=2)
        w.remote("dot.silent.test", {".": HANG})
        prompt = w.remote("prompt.test")
        w.bob.submit(BOB, [f"x@{v.lower()}.silent.test" for v in verbs] + ["x@dot.silent.test"], mail())
        w.bob.submit(BOB, ["x@prompt.test"], mail())
        prompt.got()
        assert not any(second.sessions for second in seconds.values())  # all are waited for still
        for verb in verbs[:-1]:
            if verb != "STARTTLS":
                seconds[verb].got()
        silent["STARTTLS"].got()  # it does its work without
        # no answer to the dot: it may have been taken, but we cannot know
        assert waiting(w.bob, "x@dot.silent.test")["state"] == "waiting"
        assert not seconds["QUIT"].sessions
        wait_for(lambda: len(queue(w.bob)) == 1, what="all but one to be sent")


def test_loopback_only_where_it_is_allowed():
    """A162: outside of tests nobody's MX is in our own machine."""
    with World({"relay.local_addresses": "no"}, servers=["bob"]) as w:
        far = w.remote("inside.test")
        bounced(w, "x@inside.test", "5.4.6")
        assert not far.sessions


# ---- maild goes away

def test_killed_while_it_works():
    """A174: SIGKILL again and again; every message arrives, and few twice."""
    with World(servers=["bob"]) as w:
        far = w.remote("busy.test", {".": lambda *_: time.sleep(0.02) or "250 taken"})
        sent = [f"x{n}@busy.test" for n in range(60)]
        kills = 0
        with w.bob.submission(BOB) as client:
            for n, address in enumerate(sent):
                assert client.sendmail(BOB, [address], mail("killed")) == {}
                if n % 15 == 10:
                    os.kill(wait_for(lambda: w.bob.pids().get("maild")), signal.SIGKILL)
                    kills += 1
        wait_for(lambda: {m.recipients[0] for m in far.messages} >= set(sent), 120, "all 60")
        wait_for(lambda: "maild" in w.bob.pids(), what="maild")
        queue_is_empty(w.bob)
        # in flight when the axe fell: at most one for each connection
        assert len(far.messages) - len(sent) <= 5 * kills
        w.bob.ctl("check")  # says what is wrong in the store, if anything


def test_without_maild():
    """smtpd goes on: local mail is delivered, the rest is kept for later;
    logins are told to come back."""
    with World(servers=["bob"]) as w:
        far = w.remote("outside.test")
        w.bob.ctl("alias", "add", "out@bob.test", "x@outside.test")
        logged_in = w.bob.submission(BOB)
        os.kill(w.bob.process.pid, signal.SIGSTOP)  # who would start it again
        try:
            os.kill(w.bob.pids()["maild"], signal.SIGKILL)
            local, remote = mail(to=BEN), mail(to="out@bob.test")
            assert w.bob.deliver("a@remote.test", [BEN], local) == {}
            assert w.bob.deliver("a@remote.test", ["out@bob.test"], remote) == {}
            assert logged_in.sendmail(BOB, ["y@outside.test"], mail()) == {}
            pop = poplib.POP3_SSL(w.bob.host, w.bob.ports["pop3s"], context=w.bob.tls())
            pop.user(BEN)
            with pytest.raises(poplib.error_proto, match=r"\[SYS/TEMP\]"):
                pop.pass_(w.bob.password(BEN))
            pop.close()
            time.sleep(0.3)
            assert not far.sessions
        finally:
            os.kill(w.bob.process.pid, signal.SIGCONT)
        far.got(2)
        got, = mail_for(w.bob, BEN)
        assert without_trace(got) == local
        assert as_sent(next(m for m in far.messages if m.recipients == ["x@outside.test"]).content) == remote
        with contextlib.suppress(OSError):
            logged_in.quit()


def test_restart_keeps_the_queue(tmp_path):
    """What waits is tried again by the next maild, as often as was left."""
    with World(servers=["bob"], dir=tmp_path) as w:
        far = w.remote("again.test", {"RCPT": "451 4.3.0 later"})
        w.bob.submit(BOB, ["x@again.test"], mail())
        before = waiting(w.bob, "x@again.test")
        w.bob.stop()
        far.replies.clear()
        w.bob.users = {}
        w.bob.start()
        far.got()
        assert far.messages[0].sender == BOB
        queue_is_empty(w.bob)
        assert before["tries"] >= 1


def test_nothing_but_an_address_leaves(tmp_path):
    """A175: were a recipient with a line break ever in the queue, it would not
    become a command of its own."""
    with World(servers=["bob"], dir=tmp_path) as w:
        far = w.remote("inject.test", {"RCPT": "451 4.3.0 later"})
        w.bob.submit(BOB, ["x@inject.test"], mail())
        waiting(w.bob, "x@inject.test")
        w.bob.stop()
        far.replies.clear()
        with contextlib.closing(sqlite3.connect(tmp_path / "bob/store/mail.db")) as db:
            db.execute("UPDATE recipient SET address = ?, next_at = 0",
                       ('"a\r\nRCPT TO:<v@inject.test>"@inject.test',))
            db.execute("UPDATE queue SET sender = ?", ("b@x.test>\r\nRCPT TO:<w@inject.test",))
            db.commit()
        w.bob.users = {}
        w.bob.start()
        queue_is_empty(w.bob)  # given up
        assert far.messages == []
        assert not any(b"v@" in line or b"w@" in line for s in far.sessions for line in s.lines)
        w.bob.users = w.USERS["bob"]
