# SPDX-License-Identifier: MIT
"""What submitters ask of the way: reports (RFC 3461), a time to be sent at (RFC
4865), TLS to the end (RFC 8689), octets as they are (RFC 3030)."""
import base64
import pathlib
import random
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from pennypost import without_trace  # noqa: E402
from remote import (CLOSE, Report, World, mail_for, queue, queue_is_empty,  # noqa: E402
                    report_for, waiting)
from samples import everyday  # noqa: E402

BOB, BEN = "bob@bob.test", "ben@bob.test"
ALICE = "alice@alice.test"
EHLO = "250-remote.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n"
names = iter(range(10000))


def mail(name="dsn", **who):
    return everyday(f"{name}-{next(names)}", **{"sender": BOB, "to": ALICE, **who})


def send(server, user, recipients, message, *options):
    """recipients: {address: parameters of RCPT}; options: of MAIL."""
    with server.submission(user) as client:
        code, words = client.mail(user, options)
        assert code == 250, words
        for address, wishes in recipients.items():
            code, words = client.rcpt(address, wishes.split())
            assert code == 250, words
        code, words = client.data(message)
        assert code == 250, words


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


# ---- reports

def test_delivered_here(world):
    message = mail(to=BEN)
    send(world.bob, BOB, {BEN: "NOTIFY=SUCCESS ORCPT=rfc822;be+2Bn@bob.test"}, message, "RET=FULL", "ENVID=Q+2B1")
    report = report_for(world.bob, BOB)
    assert report.one()[:3] == (BEN, "delivered", "2.1.5")
    assert report.whole["Original-Envelope-Id"] == "Q+1"
    assert report.recipients[0]["Original-Recipient"] == "rfc822; be+n@bob.test"
    assert report.original.get_content_type() == "text/rfc822-headers"  # nothing failed
    assert BEN in report.people
    assert without_trace(mail_for(world.bob, BEN)[0]) == message
    assert world.bob.fetch(BOB) == []  # once


def test_relayed_where_nobody_reports(world):
    far = world.remote("mute.test")
    send(world.bob, BOB, {"x@mute.test": "NOTIFY=SUCCESS,FAILURE"}, mail(), "RET=HDRS", "ENVID=E1")
    sent, = far.got()
    assert not any(word in line for line in sent.commands for word in (b"NOTIFY", b"RET", b"ENVID"))
    report = report_for(world.bob, BOB)
    address, action, status, said = report.one()
    assert (address, action, status) == ("x@mute.test", "relayed", "2.0.0")
    assert "queued as R1" in said
    assert report.whole["Original-Envelope-Id"] == "E1"


def test_passed_on_where_reports_are_made(world):
    far = world.remote("dsn.test", {"EHLO": EHLO + "250 DSN"})
    send(world.bob, BOB, {"x@dsn.test": "NOTIFY=SUCCESS,DELAY ORCPT=rfc822;x+2By@dsn.test"}, mail(),
         "RET=FULL", "ENVID=a+3Db")
    sent, = far.got()
    assert b" RET=FULL ENVID=a+3Db" in sent.commands[0]
    assert sent.commands[1] == b"RCPT TO:<x@dsn.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;x+2By@dsn.test"
    queue_is_empty(world.bob)
    assert world.bob.fetch(BOB) == []


def test_from_our_server_to_our_server(world):
    """The other end makes the report, and sends it here."""
    send(world.bob, BOB, {ALICE: "NOTIFY=SUCCESS"}, mail(), "ENVID=far")
    raw, = mail_for(world.bob, BOB)
    report = Report(raw, BOB)
    assert report.one()[1] == "delivered"
    assert report.whole["Reporting-MTA"] == "dns; mx.alice.test"
    assert report.whole["Original-Envelope-Id"] == "far"


@pytest.mark.parametrize("notify", ["NEVER", "SUCCESS", "DELAY"])
def test_silence_was_asked_for(world, notify):
    world.remote(f"{notify.lower()}.test", {"RCPT": "550 5.1.1 no"})
    send(world.bob, BOB, {f"x@{notify.lower()}.test": f"NOTIFY={notify}"}, mail())
    queue_is_empty(world.bob)
    assert world.bob.fetch(BOB) == []


def test_returned_whole(world):
    world.remote("back.test", {"RCPT": "550 5.1.1 no"})
    message = mail()
    send(world.bob, BOB, {"x@back.test": "NOTIFY=FAILURE"}, message, "RET=FULL")
    report = report_for(world.bob, BOB)
    assert report.one()[1] == "failed"
    assert message in report.raw


def test_returned_damaged():
    """A message that cannot be read any more: the news comes without it."""
    with World(servers=["bob"]) as w:
        far = w.remote("hurt.test", {"RCPT": "451 4.3.2 come back"})
        noise = b"".join(base64.b64encode(random.Random(n).randbytes(54)) + b"\r\n" for n in range(9000))
        send(w.bob, BOB, {"x@hurt.test": ""}, mail() + noise, "RET=FULL")
        waiting(w.bob, "x@hurt.test")
        file, = (f for f in (w.bob.dir / "store/objects").rglob("*") if f.is_file())
        good = file.read_bytes()
        file.write_bytes(good[:300000] + b"damaged" + good[300007:])
        far.replies["RCPT"] = "550 5.1.1 no"
        report = report_for(w.bob, BOB)
        assert report.one()[:3] == ("x@hurt.test", "failed", "5.1.1")
        assert report.original.get_content_type() == "text/rfc822-headers"
        queue_is_empty(w.bob)
        file.write_bytes(good)


def test_late():
    """Once, when it has taken long."""
    with World({"relay.delay_notice": "1s"}, servers=["bob"]) as w:
        w.remote("late.test", {"RCPT": "451 4.3.2 come back"})
        w.bob.submit(BOB, ["x@late.test"], mail())
        report = report_for(w.bob, BOB)
        assert report.one()[:3] == ("x@late.test", "delayed", "4.3.2")
        tries = waiting(w.bob, "x@late.test")["tries"]
        waiting(w.bob, "x@late.test", tries + 3)
        assert w.bob.fetch(BOB) == []


def test_failed_forward_is_told_to_who_wrote_it(world):
    """Forwarded under a name of ours (SRS), refused there."""
    far = world.remote("onward.test", {"RCPT": "550 5.2.1 closed"})
    world.bob.ctl("alias", "add", "srs@bob.test", "x@onward.test")
    world.alice.submit(ALICE, ["srs@bob.test"], mail("srs", sender=ALICE))
    raw, = mail_for(world.alice, ALICE)
    assert Report(raw, ALICE).one()[2] == "5.2.1"
    assert far.sessions


# ---- a time to be sent at

def test_held(world):
    """Neither here nor there before its time; then both."""
    far = world.remote("later.test")
    message = mail(to=BEN)
    begin = time.time()
    send(world.bob, BOB, {BEN: "NOTIFY=SUCCESS", "x@later.test": ""}, message, "HOLDFOR=2")
    far.got()
    assert time.time() - begin >= 2
    assert without_trace(mail_for(world.bob, BEN)[0]) == message
    assert report_for(world.bob, BOB).one()[:2] == (BEN, "delivered")
    queue_is_empty(world.bob)


def test_held_is_shown(world):
    send(world.bob, BOB, {BEN: "NOTIFY=DELAY"}, mail(to=BEN), "HOLDFOR=3600", "ENVID=x")
    row, = queue(world.bob)
    assert row["held_until"] and row["notify"] == "DELAY" and row["envid"] == "x"
    assert row["recipient"] == BEN and row["tries"] == 0
    world.bob.ctl("queue", "retry", row["id"])
    mail_for(world.bob, BEN)
    queue_is_empty(world.bob)


def test_held_in_vain(world):
    send(world.bob, BOB, {BEN: ""}, mail(to=BEN), "HOLDFOR=3600")
    row, = queue(world.bob)
    world.bob.ctl("user", "quota", BEN, "1")
    try:
        world.bob.ctl("queue", "retry", row["id"])
        row = waiting(world.bob, BEN)
        assert "the mailbox is full" in row["last_reply"]
    finally:
        world.bob.ctl("user", "quota", BEN, "0")
    # unless its next try was sooner
    world.bob.ctl("queue", "retry", row["id"], check=False)
    queue_is_empty(world.bob)
    assert len(world.bob.fetch(BEN, delete=True)) == 1


# ---- octets

BINARY = b"From: bob@bob.test\r\nTo: x@b.test\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\n" \
    b"Message-ID: <binary@bob.test>\r\nMIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\n" \
    b"Content-Transfer-Encoding: binary\r\n\r\n" + bytes(range(256)) + b"\n.\r\n.\r\n\r" + b"\xff\x00" * 40000


def submit_binary(server, address, message):
    with server.submission(BOB) as client:
        assert client.mail(BOB, ["BODY=BINARYMIME"])[0] == 250
        assert client.rcpt(address)[0] == 250
        client.send(b"BDAT %d\r\n" % 100 + message[:100])
        assert client.getreply()[0] == 250
        client.send(b"BDAT %d LAST\r\n" % (len(message) - 100) + message[100:])
        code, words = client.getreply()
        assert code == 250, words


def test_binary_octet_for_octet(world):
    far = world.remote("binary.test", {"EHLO": EHLO + "250-CHUNKING\r\n250 BINARYMIME"})
    submit_binary(world.bob, "x@binary.test", BINARY)
    sent, = far.got()
    assert sent.session.chunked and b" BODY=BINARYMIME" in sent.commands[0]
    assert without_trace(b"Return-Path: <>\r\n" + sent.data) == BINARY


def test_binary_is_not_converted(world):
    far = world.remote("text.test", {"EHLO": EHLO + "250 CHUNKING"})
    submit_binary(world.bob, "x@text.test", BINARY)
    assert report_for(world.bob, BOB).one()[2] == "5.6.3"
    assert not far.seen


# ---- TLS to the end

@pytest.fixture(scope="module")
def safe_world(tmp_path_factory):
    """Bob's server trusts who made Alice's certificate, and DNS is signed: whose
    servers they are is known too."""
    dir = tmp_path_factory.mktemp("safe")
    with pytest.MonkeyPatch.context() as patch:
        with World({"relay.timeout": "20s"}, servers=("alice", "bob"), dir=dir,
                   dns={"signed": ["test"], "ttl": 1}) as w:
            # the environment is read at the start
            w.bob.stop()
            patch.setenv("SSL_CERT_FILE", w.alice.ready["ca"])
            w.bob.users = {}
            w.bob.start()
            w.bob.users = w.USERS["bob"]
            yield w


def test_requiretls(safe_world):
    w = safe_world
    message = mail()
    send(w.bob, BOB, {ALICE: ""}, message, "REQUIRETLS")
    got, = mail_for(w.alice, ALICE)
    assert without_trace(got, hops=2) == message
    queue_is_empty(w.bob)


def test_requiretls_where_tls_fails_for_now(safe_world):
    """It waits, with a reason, and is not returned; what does not need TLS goes."""
    w = safe_world
    far = w.remote("for-now.test", {"STARTTLS": CLOSE}, tls="broken")
    send(w.bob, BOB, {"x@for-now.test": ""}, mail(), "REQUIRETLS")
    row = waiting(w.bob, "x@for-now.test")
    assert row["last_reply"].startswith("4.7.10 the message must be sent under TLS: TLS failed: "), row
    send(w.bob, BOB, {"y@for-now.test": ""}, mail())
    assert far.got()[0].recipients == ["y@for-now.test"]
    w.bob.ctl("queue", "drop", "--all")
    assert w.bob.fetch(BOB) == []


@pytest.mark.parametrize("how", ["clear", "other_name"])
def test_requiretls_in_vain(safe_world, how):
    w = safe_world
    tls = (str(w.alice.dir / "cert.pem"), str(w.alice.dir / "key.pem")) if how == "other_name" else None
    far = w.remote(f"{how.replace('_', '-')}.test", {"EHLO": EHLO + "250 REQUIRETLS"}, tls=tls)
    send(w.bob, BOB, {f"x@{how.replace('_', '-')}.test": ""}, mail(), "REQUIRETLS", "RET=FULL")
    report = report_for(w.bob, BOB)
    assert report.one()[1:3] == ("failed", "5.7.10")
    assert report.original.get_content_type() == "text/rfc822-headers"
    assert not any(line.startswith(b"MAIL") for s in far.sessions for line in s.lines)
