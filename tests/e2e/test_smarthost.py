# SPDX-License-Identifier: MIT
"""Mail that goes by way of another server: `mailctl smarthost', and what is said
there to whom."""
import base64
import contextlib
import os
import pathlib
import signal
import smtplib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from paper import Paper  # noqa: E402
from pennypost import wait_for  # noqa: E402
from remote import World, queue_is_empty, waiting  # noqa: E402

LETTER = (b"From: bob@bob.test\r\nTo: x@far.test\r\nSubject: by way of\r\n"
          b"Date: Sun, 22 Nov 2026 10:00:00 +0000\r\nMessage-ID: <way@bob.test>\r\n\r\nHello.\r\n")
OFFER = "250-smart.test\r\n250-AUTH {} \r\n250 PIPELINING"


@pytest.fixture
def world(tmp_path):
    ca = Paper(tmp_path, ca=True)
    with World({"relay.trust": ca.files[0]}, servers=("bob",)) as w:
        w.paper = lambda *names, **how: Paper(tmp_path, *names, issuer=ca, **how).files
        yield w


def smart(world, mechanisms="PLAIN", name="smart.test", tls="good", **replies):
    """A server that is nobody's MX."""
    remote = world.remote(None, {"EHLO": OFFER.format(mechanisms), "AUTH": "235 2.7.0 welcome", **replies})
    remote.tls = world.paper(name) if tls == "good" else tls
    world.a("smart.test", remote.host)
    return remote


def send(world):
    world.bob.submit("bob@bob.test", ["x@far.test"], LETTER)


def can_log_in(server):
    with contextlib.suppress(smtplib.SMTPException):
        server.submission("bob@bob.test").quit()
        return True


def said(remote):
    return b"\n".join(line for session in remote.sessions for line in session.lines)


def test_by_way_of_it(world):
    """It gets the mail, under TLS, after a login; the domain's MX gets none."""
    mx = world.remote("far.test")
    remote = smart(world)
    bob = world.bob
    bob.ctl("smarthost", "add", "far.test", f"smart.test:{world.port}", "--login", "bob", input="s3cret pass\n")
    assert bob.ctl("smarthost", "list", "--json")["smarthosts"] == [
        {"domain": "far.test", "host": "smart.test", "port": world.port, "tls": "verify", "login": "bob"}]
    send(world)
    remote.got()
    queue_is_empty(bob)
    assert remote.messages[0].session.tls and not mx.sessions
    assert base64.b64encode(b"\0bob\0s3cret pass") in said(remote)
    hops = bob.ctl("journey", "<way@bob.test>").stdout
    assert "smart.test" in hops and "s3cret" not in bob.log_text() + hops
    # without it by MX again
    bob.ctl("smarthost", "remove", "far.test")
    assert bob.ctl("smarthost", "list", "--json")["smarthosts"] == []
    send(world)
    mx.got()
    assert len(remote.messages) == 1
    assert bob.ctl("smarthost", "remove", "far.test", check=False).returncode != 0


def test_for_every_domain(world):
    remote = smart(world)
    other = smart(world)
    world.a("other.test", other.host)
    other.tls = world.paper("other.test")
    world.bob.ctl("smarthost", "add", "*", f"smart.test:{world.port}")
    world.bob.ctl("smarthost", "add", "far.test", f"other.test:{world.port}", "--tls", "may")
    world.a("smart.test", remote.host)
    world.bob.submit("bob@bob.test", ["x@far.test", "y@anywhere.test"], LETTER)
    assert other.got()[0].recipients == ["x@far.test"]
    assert remote.got()[0].recipients == ["y@anywhere.test"]


@pytest.mark.parametrize("how, words", [
    ({"tls": None}, "TLS"), ({"name": "other.test"}, "other.test"), ({"tls": "broken"}, "TLS"),
    ({"mechanisms": "CRAM-MD5"}, "neither PLAIN nor LOGIN"), ({"AUTH": "535 5.7.8 no"}, "535 5.7.8 no")])
def test_nothing_is_said_to_the_wrong_one(world, how, words):
    """No TLS, another's certificate, no mechanism we know, a password that is
    not taken: the mail waits, the journey says why, the password was not said
    to those it is not for."""
    remote = smart(world, **how)
    world.bob.ctl("smarthost", "add", "far.test", f"smart.test:{world.port}", "--login", "bob", input="s3cret\n")
    send(world)
    row = waiting(world.bob, "x@far.test")
    assert row["state"] == "waiting" and words in row["last_reply"], row
    assert not remote.seen and b"MAIL" not in said(remote)
    if "AUTH" not in how:
        assert base64.b64encode(b"\0bob\0s3cret") not in said(remote)
    shown = world.bob.ctl("queue", "show", row["id"]).stdout
    assert base64.b64encode(b"\0bob\0s3cret").decode() not in shown and "s3cret" not in shown


@pytest.mark.parametrize("args, words", [
    (["no domain", "smart.test"], "no domain"), (["far.test", "smart.test:0"], "port"),
    (["far.test", "smart.test:99999"], "port"), (["far.test", "not a host"], "no server"),
    (["far.test", "[foo bar]:25"], "no server"), (["far.test", "[192.0.2.1"], "no server"),
    (["far.test", "smart.test", "--tls", "perhaps"], "perhaps"),
    (["far.test", "smart.test", "--tls", "may", "--login", "bob"], "verified server only")])
def test_what_is_refused(world, args, words):
    got = world.bob.ctl("smarthost", "add", *args, input="s3cret\n", check=False)
    assert got.returncode != 0 and words in got.stderr, got.stderr
    assert world.bob.ctl("smarthost", "list", "--json")["smarthosts"] == []


def test_kept_across_a_restart(world):
    remote = smart(world)
    world.bob.ctl("smarthost", "add", "far.test", f"smart.test:{world.port}", "--login", "bob", input="s3cret\n")
    before = world.bob.pids()["maild"]
    os.kill(before, signal.SIGTERM)
    wait_for(lambda: world.bob.pids().get("maild", before) != before, what="maild again")
    wait_for(lambda: world.bob.ctl("status", check=False).returncode == 0, what="its answer")
    wait_for(lambda: can_log_in(world.bob), what="logins")
    send(world)
    remote.got()
    assert base64.b64encode(b"\0bob\0s3cret") in said(remote)
