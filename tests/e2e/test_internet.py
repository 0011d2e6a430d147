# SPDX-License-Identifier: MIT
"""The rest of the world as a file says it is (`mailctl dev --internet`), and time
that passes when it is told to (`mailctl advance`)."""
import datetime
import json
import pathlib
import re
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from pennypost import BIN, Server, wait_for, without_trace  # noqa: E402
from remote import Report, queue, waiting  # noqa: E402
import samples  # noqa: E402

BOB, ALICE = "bob@d.test", "alice@d.test"
ROOT = pathlib.Path(__file__).resolve().parents[2]


def plain(name, body=b"Just a few words.\r\n", sender=BOB):
    return samples.plain(name, body, sender=sender)


def world(dns=None, **servers):
    """Each server is the MX of its own domain: mx_NAME.test of NAME.test."""
    return {"dns": {**{f"{n}.test": {"MX": [f"10 mx.{n}.test"]} for n in servers}, **(dns or {})},
            "servers": {f"mx.{n}.test": what for n, what in servers.items()}}


def when(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def hops(server, address, *kinds):
    """All that happened to the one message of a recipient."""
    journey, = server.ctl("journey", address, "--json")["journeys"]
    return [h for h in journey["hops"] if h.get("recipient") == address and h["what"] in kinds]


def reports(server, user=BOB):
    return [Report(raw, user) for raw in server.fetch(user, delete=True)]


# ---- time

def test_greylisting_is_retried_after_its_delay():
    with Server(clock=True, internet=world(grey={"greylist": "5m"})) as s:
        s.submit(BOB, ["x@grey.test"], plain("grey"))
        first = waiting(s, "x@grey.test")
        assert first["last_code"] == 450 and "greylisted" in first["last_reply"]
        assert s.received("mx.grey.test") == []
        done = s.advance("1h")
        assert [j["counts"] for j in done["jumps"]][-1] == {"relayed": 1}
        (envelope, content), = s.received("mx.grey.test")
        assert (envelope["sender"], envelope["recipients"]) == (BOB, ["x@grey.test"])
        assert without_trace(b"Return-Path: <>\r\n" + content) == plain("grey")
        tried, taken = (hops(s, "x@grey.test", k) for k in ("tried", "relayed"))
        waited = when(taken[0]["at"]) - when(tried[0]["at"])
        assert datetime.timedelta(minutes=5) <= waited < datetime.timedelta(hours=1)


def test_five_days_of_a_dead_server():
    """Tried as planned, told once after four hours, given up after five days."""
    with Server(clock=True, internet=world(dns={"gone.test": {"MX": ["10 mx.gone.test"]},
                                                "mx.gone.test": {"A": ["127.0.9.9"]}})) as s:
        s.submit(BOB, ["x@gone.test"], plain("gone"))
        begun = when(waiting(s, "x@gone.test")["created"])
        done = s.advance("5d")
        assert queue(s) == [] and done["next"] is None
        at = [when(h["at"]) for h in hops(s, "x@gone.test", "tried", "expired")]
        waits = [(b - a).total_seconds() for a, b in zip(at, at[1:])]
        # RFC 5321 s4.5.4.1: five minutes, twice as long each time, four hours at most
        for n, wait in enumerate(waits[:-1]):
            planned = min(300 * 2 ** n, 4 * 3600)
            assert planned * 0.9 < wait < planned * 1.1, (n, wait)
        assert len(at) == pytest.approx(35, abs=3)
        assert (at[-1] - begun).total_seconds() == pytest.approx(5 * 86400, abs=600)
        delay, failure = reports(s)
        assert delay.one()[:2] == ("x@gone.test", "delayed")
        assert failure.one()[:2] == ("x@gone.test", "failed")
        told = when(hops(s, "x@gone.test", "expired")[0]["at"])
        assert (told - begun).days == 5
        delayed, = [j for j in done["jumps"] if "reported" in j["counts"]]
        assert 4 * 3600 <= (when(delayed["at"]) - begun).total_seconds() < 9 * 3600


def test_a_server_that_comes_back():
    """What kept us from it is forgotten as time passes, by decree or not."""
    silent = ["421 4.3.2 not today"] * 5 + ["220 here again"]
    with Server(clock=True, internet=world(away={"replies": {"CONNECT": silent}})) as s:
        s.submit(BOB, ["x@away.test"], plain("away"))
        waiting(s, "x@away.test")
        s.advance("12h")
        assert len(s.received("mx.away.test")) == 1
        assert len(hops(s, "x@away.test", "tried")) == 5


def test_to_the_next_try_only():
    with Server(clock=True, internet=world(busy={"replies": {"MAIL": "451 4.3.0 no"}})) as s:
        s.submit(BOB, ["x@busy.test"], plain("next"))
        row = waiting(s, "x@busy.test")
        done = s.advance(None)
        assert len(done["jumps"]) == 1
        assert when(done["now"]) >= when(row["next"])
        assert waiting(s, "x@busy.test", 2)["tries"] == 2
        said = s.ctl("advance", "1h").stdout.splitlines()
        assert re.search(r"1 tried: 1 deferred  x@busy.test: .*451 4.3.0 no", said[0]), said
        assert "the next try is at" in said[-1]


def test_our_own_greylist_goes_by_it():
    settings = {"policy.exempt": "none", "policy.dnsbl": "none", "policy.greylist_wait": "10m", "smtp.greet_delay": "0s"}

    def ask(server):
        with server.smtp() as client:
            assert client.mail("a@far.test")[0] == 250
            return client.rcpt(ALICE)[0]
    with Server(clock=True, settings=settings, internet=world(far={})) as s:
        assert ask(s) == 451
        s.advance("9m")
        assert ask(s) == 451
        s.advance("2m")
        assert ask(s) == 250


def test_time_outlives_a_restart(tmp_path):
    with Server(clock=True, dir=tmp_path / "kept") as s:
        before = when(s.advance("30d")["now"])
    with Server(clock=True, dir=tmp_path / "kept") as s:
        assert when(s.advance("0s")["now"]) >= before
        s.submit(BOB, [ALICE], plain("later"))
        wait_for(lambda: s.fetch(ALICE), what="mail")
        journey, = s.ctl("journey", ALICE, "--json")["journeys"]
        assert when(journey["hops"][0]["at"]) >= before


def test_time_is_not_moved_where_it_is_real():
    with Server() as s:
        got = s.ctl("advance", "1h", check=False)
        assert got.returncode == 1 and "test.clock" in got.stderr
        for words in ([], ["soon"], ["1h", "--to-next"], ["-1h"]):
            assert s.ctl("advance", *words, check=False).returncode == 2, words


# ---- servers that behave

STATES = ["CONNECT", "EHLO", "STARTTLS", "tls", "MAIL", "RCPT", "DATA", ".", "QUIT"]


def test_hanging_in_each_state():
    """Each delays its own mail only, and the journey says what was waited for."""
    names = [re.sub(r"\W", "dot", v.lower()) for v in STATES]
    silent = {f"{n}silent": {"tls": "hang"} if v == "tls" else {"replies": {v: "hang"}}
              for n, v in zip(names, STATES)}
    settings = {"relay.timeout": "1s", "timeouts.handshake": "1s"}
    with Server(clock=True, settings=settings, internet=world(prompt={}, **silent)) as s:
        s.submit(BOB, [f"x@{n}silent.test" for n in names] + ["x@prompt.test"], plain("hang"))
        wait_for(lambda: s.received("mx.prompt.test"), what="the letter that nothing holds up")
        for name in names:
            if name in ("tls", "starttls", "quit"):
                continue
            row = waiting(s, f"x@{name}silent.test")
            assert row["last_reply"].startswith("4.4.2 timed out while waiting for "), row
            assert s.received(f"mx.{name}silent.test") == []
        wait_for(lambda: len(queue(s)) == len(names) - 3, what="all but three to wait")
        assert len(s.received("mx.quitsilent.test")) == 1  # it had said yes
        for name in ("tls", "starttls"):  # nothing asks for TLS there
            (envelope, _), = s.received(f"mx.{name}silent.test")
            assert envelope["tls"] is None
            assert "in the clear (TLS failed: " in hops(s, f"x@{name}silent.test", "relayed")[0]["detail"]


def test_stops_reading_in_the_middle_of_data():
    big = plain("big", b"x" * 78 + b"\r\n") + 200000 * (b"y" * 78 + b"\r\n")
    with Server(clock=True, settings={"relay.timeout": "1s"}, internet=world(full={"window": 100, "replies": {"BODY": "hang"}})) as s:
        s.submit(BOB, ["x@full.test"], big)
        assert waiting(s, "x@full.test")["last_reply"]
        assert s.received("mx.full.test") == []


def test_4xx_then_5xx():
    replies = {"RCPT": ["450 4.2.1 not now", "451 4.3.0 nor now", "550 5.1.1 never"]}
    with Server(clock=True, internet=world(no={"replies": replies})) as s:
        s.submit(BOB, ["x@no.test"], plain("no"))
        s.advance("4h")
        assert [h.get("code") for h in hops(s, "x@no.test", "tried", "failed")] == [450, 451, 550]
        report, = reports(s)
        assert report.one() == ("x@no.test", "failed", "5.1.1", "smtp; 550 5.1.1 never")


def test_dropped_after_the_end_of_data():
    """RFC 1047: it may have been taken, we cannot know; it is sent again, and the
    journey and the log say that it was not answered."""
    with Server(clock=True, internet=world(drop={"replies": {".": ["drop", "250 2.0.0 mine"]}})) as s:
        s.submit(BOB, ["x@drop.test"], plain("drop"))
        row = waiting(s, "x@drop.test")
        assert row["last_code"] == 0
        s.advance("1h")
        assert len(s.received("mx.drop.test")) == 1
        tried, = hops(s, "x@drop.test", "tried")
        assert "4.4.2" in tried["detail"], tried
        assert len(hops(s, "x@drop.test", "relayed")) == 1
        assert re.search(r"to=<x@drop.test> .*result=deferred unsure=yes", s.log_text())


def test_window_drip_and_delay():
    """Slow is not dead: every octet arrives."""
    message = plain("slow", b".\r\n..\r\n" + 40 * (b"z" * 70 + b"\r\n"))
    slow = {"window": {"window": 60}, "drip": {"drip": "1ms"}, "delay": {"delay": "20ms"},
            "all": {"window": 200, "drip": "1ms", "delay": "5ms", "tls": "none"}}
    with Server(clock=True, internet=world(**slow)) as s:
        s.submit(BOB, [f"x@{n}.test" for n in slow], message)
        for name in slow:
            got = wait_for(lambda n=name: s.received(f"mx.{n}.test"), what=name)
            assert without_trace(b"Return-Path: <>\r\n" + got[0][1]) == message
            assert (got[0][0]["tls"] is None) == (name == "all")


def test_people_and_sizes():
    rules = {"full": ["bob"], "unknown": ["carol@some.test"], "size": 5000}
    with Server(clock=True, internet=world(some=rules, none={"accept": False})) as s:
        s.submit(BOB, ["bob@some.test", "carol@some.test", "x@some.test", "x@none.test"], plain("few"))
        s.submit(ALICE, ["big@some.test"], plain("big", 100 * (b"b" * 70 + b"\r\n"), sender=ALICE))
        wait_for(lambda: len(queue(s)) == 1, what="all but one to be answered")
        assert waiting(s, "bob@some.test")["last_code"] == 452
        status = {r["Final-Recipient"].split(";")[1].strip(): r["Status"]
                  for user in (BOB, ALICE) for report in reports(s, user) for r in report.recipients}
        assert status == {"carol@some.test": "5.1.1", "x@none.test": "5.7.1", "big@some.test": "5.3.4"}
        (envelope, _), = s.received("mx.some.test")
        assert envelope["recipients"] == ["x@some.test"]


@pytest.mark.parametrize("kind, words", [
    ("expired", "expired"), ("self-signed", "self"), ("wrong-name", "mx.cert.test"),
    ("broken", "TLS"), ("none", "TLS"), ("good", None)])
def test_certificates_in_words(kind, words):
    """Where a certificate must be good, the journey tells why it is not."""
    with Server(clock=True, internet=world(cert={"tls": kind})) as s:
        port = s.ready["internet"]["servers"]["mx.cert.test"].rpartition(":")[2]
        s.ctl("smarthost", "add", "cert.test", f"mx.cert.test:{port}", "--tls", "verify")
        s.submit(BOB, ["x@cert.test"], plain("cert"))
        got = wait_for(lambda: hops(s, "x@cert.test", "tried", "failed", "relayed"), what="an attempt")
        if words is None:
            assert got[-1]["what"] == "relayed", got
        else:
            assert got[0]["what"] == "tried" and words in got[0]["detail"], got
            assert s.received("mx.cert.test") == []


def test_certificates_by_the_clock():
    """One that is good today has expired in a hundred years, as far as the
    test's clock goes."""
    with Server(clock=True, settings={"relay.linger": "0s"}, internet=world(cert={"tls": "good"})) as s:
        port = s.ready["internet"]["servers"]["mx.cert.test"].rpartition(":")[2]
        s.ctl("smarthost", "add", "cert.test", f"mx.cert.test:{port}", "--tls", "verify")
        s.submit(BOB, ["x@cert.test"], plain("cert"))
        wait_for(lambda: hops(s, "x@cert.test", "relayed"), what="the first")
        s.ctl("advance", "36000d")
        s.submit(BOB, ["y@cert.test"], plain("cert"))
        got = wait_for(lambda: hops(s, "y@cert.test", "tried", "relayed"), what="an attempt")
        assert got[0]["what"] == "tried" and "expired" in got[0]["detail"], got


def test_moods_of_dns():
    """Trouble defers, a clear no is one; nobody is asked but the file."""
    dns = {"fail.test": "servfail", "refused.test": "refused", "gone.test": "nxdomain",
           "null.test": {"MX": ["0 ."]}, "slow.test": {"MX": ["10 mx.good.test"], "delay": "300ms"},
           "alias.test": {"CNAME": ["good.test"]}}
    with Server(clock=True, internet=world(dns=dns, good={})) as s:
        s.submit(BOB, [f"x@{n}.test" for n in ("fail", "refused", "gone", "null", "slow", "alias")],
                 plain("moods"))
        wait_for(lambda: sum(len(e["recipients"]) for e, _ in s.received("mx.good.test")) == 2, what="two to arrive")
        for name in ("fail", "refused"):
            assert waiting(s, f"x@{name}.test")["last_reply"].startswith("4.4.3")
        for name in ("gone", "null"):
            assert wait_for(lambda n=name: hops(s, f"x@{n}.test", "failed"), what="a no")


# ---- the file

BAD = [
    ('{"dns": {\n "a.test": "dead"}}', 2, "servfail"),
    ('{"dns": {"a.test": {"MX": [\n  "10 mx.a.test",\n  "mx.a.test"]}}}', 3, "10 mx.example.org"),
    ('{"dns": {"a.test":\n {"MY": []}}}', 2, '"MY" is no type'),
    ('{"servers": {"mx.a.test": {\n"tsl": "good"}}}', 2, 'no "tsl", only: address'),
    ('{"servers": {"mx.a.test": {"tls":\n"god"}}}', 2, "good, none, expired"),
    ('{"servers": {"mx.a.test": {"greylist":\n\n"soon"}}}', 3, "a time like"),
    ('{"servers": {"mx.a.test": {"replies": {"RCPT": ["250 ok",\n"maybe"]}}}}', 2, "450 4.2.1 busy"),
    ('{"servers": {"mx.a.test": {"replies":\n {"RECPT": "250 ok"}}}}', 2, "no command"),
    ('{"servers": {"mx.a.test": {"address":\n "192.0.2.1"}}}', 2, "loopback"),
    ('{"servers": {\n"mx/x": {}}}', 2, "no host name"),
    ('{\n"server": {}}', 2, 'only "dns" and "servers"'),
    ('{"dns": {}\n,}', 2, ""),
    ('{"dns": {"a.test": {}, \n"a.test": {}}}', 2, "duplicate"),
]


@pytest.mark.parametrize("text, line, words", BAD)
def test_what_is_wrong_is_told_where_it_is(tmp_path, text, line, words):
    file = tmp_path / "bad.json"
    file.write_text(text)
    got = subprocess.run([BIN / "mailctl", "dev", "--internet", file], capture_output=True, text=True, timeout=120)
    assert got.returncode == 2, got
    assert re.search(rf"bad\.json:{line}:\d+: ", got.stderr), got.stderr
    assert words in got.stderr


def test_usage(tmp_path):
    (tmp_path / "some.json").write_text("{}")
    for words in (["--internet", tmp_path / "some.json", "--dns", "127.0.0.1:53"], ["--internet", tmp_path / "none.json"]):
        got = subprocess.run([BIN / "mailctl", "dev", *words], capture_output=True, text=True, timeout=120)
        assert got.returncode != 0 and "--dns" in got.stderr or "none.json: No such file" in got.stderr, got


def test_the_example_works():
    """What the README says of five days of retries."""
    example = json.loads((ROOT / "docs/examples/internet.json").read_text())
    with Server(clock=True, internet=example) as s:
        assert set(s.ready["internet"]["servers"]) == set(example["servers"])
        s.submit(BOB, [f"x@{name}" for name in example["dns"]], plain("example"))
        done = s.advance("5d")
        assert done["next"] is None and queue(s) == []
