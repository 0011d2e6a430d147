# SPDX-License-Identifier: MIT
"""Mail to and from the servers that the rest of the world runs: what they get
from us and we from them arrives octet for octet, under TLS, once, and both
sides' refusals and reports are understood."""
import contextlib
import email
import itertools
import pathlib
import re
import smtplib
import sys
import tempfile

import dkim
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import mtas  # noqa: E402
from pennypost import Server, StubDns, wait_for  # noqa: E402
from remote import Report, free_port, queue_is_empty, waiting  # noqa: E402
from test_dane import Paper  # noqa: E402
from test_sts import Web, policy  # noqa: E402

ALICE, BOB, CAROL = "alice@d.test", "bob@d.test", "carol@e.test"
HEAD = ("From: <{sender}>\r\nTo: <{to}>\r\nSubject: {subject}\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\n"
        "Message-ID: <{id}>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: {cte}\r\n")
MANY_FIELDS = b"".join(b"X-Field-%d: %s\r\n\tfolded %s\r\n" % (n, b"v" * (n % 70), b"w" * (n % 50))
                       for n in range(150))  # 300 lines
TEXTS = {  # (encoding, more fields, body)
    "plain": ("7bit", b"", b"Hello,\r\n\r\nthis is a letter.\r\n"),
    "dots": ("7bit", b"", b".\r\n..\r\n.hidden\r\n.\r\nthe end, with a dot.\r\n.\r\n"),
    "empty lines": ("7bit", b"", b"\r\n\r\n\r\nfar down\r\n\r\n\r\n"),
    "long lines": ("7bit", b"", b"".join(b"x" * n + b"\r\n" for n in (76, 77, 512, 990, 998))),
    "8 bit": ("8bit", b"", "Grüße aus Łódź, 日本語, émoji 📮\r\n".encode() * 20),
    "large": ("7bit", b"", b"0123456789abcdef" * 4 + b"\r\n" + (b"z" * 70 + b"\r\n") * 30000),
    "many fields": ("7bit", MANY_FIELDS, b"They are all of use.\r\n"),
}
numbers = itertools.count()


def letter(sender, to, text="plain"):
    """(its Message-ID, all of it)"""
    cte, more, body = TEXTS[text]
    name = f"{next(numbers)}.{text.replace(' ', '.')}@interop.test"
    head = HEAD.format(sender=sender, to=to, subject=text, id=name, cte=cte).encode()
    return name, head + more + b"\r\n" + body


class Ours(Server):
    def hops(self, name, what):
        """Of all messages with this Message-ID."""
        return [h for j in self.ctl("journey", f"<{name}>", "--json")["journeys"]
                for h in j["hops"] if h["what"] == what]

    def got(self, user, *words, seconds=300):
        """Wait for messages that have these words; with LF."""
        def look():
            every = [m.replace(b"\r\n", b"\n") for m in self.fetch(user)]
            return [m for m in every if all(w.encode() in m for w in words)]
        return wait_for(look, seconds, f"{words} for {user}")

    def report(self, user, *words):
        """The one DSN of ours."""
        raw, = self.got(user, "message/delivery-status", *words)
        return Report(raw.replace(b"\n", b"\r\n"), user)


def taken_apart(raw, kind="multipart/report"):
    """(fields of the message, of the only recipient) of a DSN, whoever wrote it."""
    message = email.message_from_bytes(raw)
    assert message.get_content_type() == kind
    status, = [p for p in message.walk() if p.get_content_type() == "message/delivery-status"]
    whole, one = status.get_payload()
    return whole, one


def fields_of_ours(message):
    return re.findall(rb"^X-Field-\d+:.*\n\t.*\n", message.replace(b"\r\n", b"\n"), re.M)


def arrived(found, message):
    """Once, and octet for octet: body, and the fields in their order."""
    got, = found
    assert got.partition(b"\n\n")[2] == message.replace(b"\r\n", b"\n").partition(b"\n\n")[2]
    assert fields_of_ours(got) == fields_of_ours(message)


def at(peer, *words, seconds=300):
    """Wait for messages in their mailbox."""
    return wait_for(lambda: [m for m in peer.messages() if all(w.encode() in m for w in words)],
                    seconds, f"{words} at {peer.name}: {peer.words()[-3000:]}")


def through(peer, sender, to, message, mail=(), rcpt=()):
    """Given to them by a user agent of theirs."""
    with smtplib.SMTP(peer.host, peer.port, local_hostname="c.test", timeout=60) as client:
        client.ehlo()
        options = [*mail, *(["BODY=8BITMIME"] if client.has_extn("8bitmime") else [])]
        assert client.sendmail(sender, to if isinstance(to, list) else [to], message, options, rcpt) == {}


def directory(stack):
    """pytest's own are closed to their users."""
    return pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pp-mta-")))


@contextlib.contextmanager
def both(kind, settings=None, door="smtp", **peer):
    """A server of ours and one of that kind."""
    if kind.missing():
        pytest.skip(kind.missing())
    host = f"127.0.0.{31 + mtas.ALL.index(kind)}"
    port = free_port(host)  # one for all: relay.port
    domain = f"{kind.name.lower()}.test"
    records = [[domain, "MX", f"10 mx.{domain}."], [f"mx.{domain}", "A", host],
               [domain, "TXT", '"v=spf1 ip4:127.0.0.0/8 -all"']]
    settings = {"relay.port": port, "relay.local_addresses": "yes", "relay.retry_first": "1s",
                "relay.retry_most": "2s", **(settings or {})}
    with contextlib.ExitStack() as stack:
        where = directory(stack)
        dns = stack.enter_context(StubDns(records))
        ours = stack.enter_context(Ours(dns=dns.forward, settings=settings))
        yield ours, stack.enter_context(kind(where / "mta", host, port, ("127.0.0.1", ours.ports[door]), **peer))


@pytest.fixture(scope="module", params=mtas.ALL, ids=lambda c: c.name)
def world(request):
    # long enough for connections to be kept between one message and the next
    with both(request.param, {"relay.linger": "5m"}) as pair:
        yield pair


# ---- there and back

@pytest.mark.parametrize("text", TEXTS)
def test_they_get_our_mail(world, text):
    ours, peer = world
    to = f"user@{peer.domain}"
    name, message = letter(BOB, to, text)
    with ours.submission(BOB) as client:
        client.sendmail(BOB, [to], message, ["BODY=8BITMIME"])
    arrived(at(peer, f"<{name}>"), message)
    hop, = wait_for(lambda: ours.hops(name, "relayed"), what="the hop")
    if peer.has_tls:
        assert "TLSv1.3" in hop["detail"]
    else:  # what they offer does not work, with any client
        assert "in the clear" in hop["detail"]


@pytest.mark.parametrize("text", TEXTS)
def test_we_get_their_mail(world, text):
    ours, peer = world
    name, message = letter(f"user@{peer.domain}", ALICE, text)
    through(peer, f"user@{peer.domain}", ALICE, message)
    arrived(ours.got(ALICE, f"<{name}>"), message)
    hop, = ours.hops(name, "received")
    assert "TLSv1.3" in hop["detail"]
    if isinstance(peer, mtas.Exim):  # it sends by BDAT to those who offer that
        assert re.search(rf"=> {ALICE} .* K C=", peer.words())


def test_fifty_over_few_connections(world):
    ours, peer = world
    to, before = f"user@{peer.domain}", peer.connections()
    letters = dict(letter(BOB, to) for _ in range(50))
    with ours.submission(BOB) as client:
        for message in letters.values():
            client.sendmail(BOB, [to], message)
    for name, message in letters.items():
        arrived(at(peer, f"<{name}>"), message)
    queue_is_empty(ours, 300)
    # relay.connections_per_destination; each twice where TLS is tried in vain
    assert peer.connections() - before <= 5 * (1 if peer.has_tls else 2)


def test_fifty_of_theirs(world):
    ours, peer = world
    letters = dict(letter(f"user@{peer.domain}", CAROL) for _ in range(50))
    with smtplib.SMTP(peer.host, peer.port, local_hostname="c.test", timeout=60) as client:
        for message in letters.values():
            client.sendmail(f"user@{peer.domain}", [CAROL], message)
    for name, message in letters.items():
        arrived(ours.got(CAROL, f"<{name}>"), message)


# ---- signed, and forwarded

def keys_of(ours, domain):
    """As they are to be published, for dkimpy."""
    records = {r["name"].rstrip(".") + ".": r["value"].encode()
               for r in ours.ctl("domain", "dns", domain, "--json")["records"] if "._domainkey." in r["name"]}
    return lambda name, **_: records.get(name.decode() if isinstance(name, bytes) else name)


@pytest.mark.parametrize("text", ["8 bit", "dots", "long lines"])
def test_our_signature_is_good_after_them(world, text):
    """What they have stored, and changed to lines of their own, still verifies."""
    ours, peer = world
    ours.ctl("domain", "rotate", "d.test")
    to = f"user@{peer.domain}"
    name, message = letter(BOB, to, text)
    with ours.submission(BOB) as client:
        client.sendmail(BOB, [to], message, ["BODY=8BITMIME"])
    stored, = at(peer, f"<{name}>")
    stored = stored[stored.index(b"DKIM-Signature:"):].replace(b"\n", b"\r\n")
    signatures = stored.count(b"DKIM-Signature:")
    assert signatures >= 1
    for n in range(signatures):
        assert dkim.DKIM(stored).verify(n, dnsfunc=keys_of(ours, "d.test")), n


@pytest.mark.parametrize("kind", mtas.ALL, ids=lambda c: c.name)
def test_there_and_back_by_an_alias(kind):
    """Theirs, judged, to an alias here that leads back to them: sealed (ARC), and
    what they then refuse is told to their sender."""
    judged = {"policy.exempt": "none", "policy.dnsbl": "none", "policy.greylist": "no", "smtp.greet_delay": "0s"}
    with both(kind, judged) as (ours, peer):
        ours.ctl("domain", "rotate", "d.test")
        sender = f"user@{peer.domain}"
        for alias, to in (("away@d.test", "second"), ("lost@d.test", "nobody")):
            ours.ctl("alias", "add", alias, f"{to}@{peer.domain}")
        name, message = letter(sender, "away@d.test")
        through(peer, sender, "away@d.test", message)
        found = at(peer, f"<{name}>")
        arrived(found, message)
        sealed = found[0][found[0].index(b"ARC-Seal:"):].replace(b"\n", b"\r\n")
        cv, _, reason = dkim.ARC(sealed).verify(dnsfunc=keys_of(ours, "d.test"))
        assert (cv, reason) == (b"pass", "success")
        assert re.search(rb"^ARC-Authentication-Results:(.|\n[ \t])*spf=pass", found[0], re.M)
        name, message = letter(sender, "lost@d.test")
        through(peer, sender, "lost@d.test", message)
        report, = at(peer, "message/delivery-status", name)
        assert taken_apart(report)[1]["Action"] == "failed"


# ---- addresses and octets that not all can take

def test_they_get_mail_for_an_address_in_utf8(world):
    ours, peer = world
    to = f"{peer.utf8_user or 'łódź'}@{peer.domain}"
    name, message = letter(BOB, to)
    with ours.submission(BOB) as client:
        client.sendmail(BOB, [to], message, ["SMTPUTF8", "BODY=8BITMIME"])
    if "smtputf8" in peer.extensions:
        arrived(at(peer, f"<{name}>"), message)
    else:
        assert b"5.6.7" in ours.got(BOB, "delivery-status", name)[0]


def test_we_get_mail_from_an_address_in_utf8(world):
    ours, peer = world
    if "smtputf8" not in peer.extensions:
        pytest.skip(f"{peer.name} has no SMTPUTF8")
    sender = f"{peer.utf8_user}@{peer.domain}"
    name, message = letter(sender, ALICE)
    through(peer, sender, ALICE, message, ["SMTPUTF8"])
    found = ours.got(ALICE, f"<{name}>")
    arrived(found, message)
    assert found[0].startswith(f"Return-Path: <{sender}>\n".encode())


def test_binary_mail_is_not_changed_for_them(world):
    """None of them has BINARYMIME: our sender is told."""
    ours, peer = world
    assert "binarymime" not in peer.extensions
    to = f"user@{peer.domain}"
    _, message = letter(CAROL, to)
    message = message.replace(b"7bit", b"binary") + bytes(range(256)) * 100
    with ours.submission(CAROL) as client:
        assert client.mail(CAROL, ["BODY=BINARYMIME"])[0] == 250
        assert client.rcpt(to)[0] == 250
        client.send(b"BDAT %d LAST\r\n" % len(message) + message)
        assert client.getreply()[0] == 250
    address, action, status, _ = ours.report(CAROL, "5.6.3").one()
    assert (address, action, status) == (to, "failed", "5.6.3")


# ---- no, not now, not so

def test_they_refuse_and_we_tell(world):
    """Nobody has the address: one DSN of ours, with their words."""
    ours, peer = world
    to = f"nobody.such@{peer.domain}"
    _, message = letter(CAROL, to)
    ours.submit(CAROL, [to], message)
    report = ours.report(CAROL, to)
    address, action, status, why = report.one()
    assert (address, action) == (to, "failed") and status.startswith("5.")
    assert report.recipients[0]["Remote-MTA"] == f"dns; {peer.mx}"
    assert re.match(r"smtp; ?5\d\d ", why) and to in report.people


def test_we_refuse_and_they_tell(world):
    """They understand our 550: their sender gets a report that quotes it."""
    ours, peer = world
    name, message = letter(f"user@{peer.domain}", "nobody.such@d.test")
    through(peer, f"user@{peer.domain}", "nobody.such@d.test", message)
    report, = at(peer, name, "nobody.such@d.test", "5.1.1", "message/delivery-status")
    assert taken_apart(report, peer.report_type)[1]["Status"].startswith("5.")


def test_we_take_their_reports(world):
    """A bounce of theirs, from <>, to somebody here."""
    ours, peer = world
    name, message = letter(ALICE, "nobody.else@d.test")
    through(peer, ALICE, "nobody.else@d.test", message)
    report, = ours.got(ALICE, name, "nobody.else@d.test", "message/delivery-status")
    assert report.startswith(b"Return-Path: <>\n")
    assert taken_apart(report, peer.report_type)[1]["Action"].lower() == "failed"


def test_one_of_three_is_refused(world):
    """In one transaction: the others get it, and only the one is reported."""
    ours, peer = world
    good = [f"user@{peer.domain}", f"second@{peer.domain}"]
    bad = f"nobody.third@{peer.domain}"
    name, message = letter(BOB, good[0])
    ours.submit(BOB, [good[0], bad, good[1]], message)
    assert ours.report(BOB, bad).one()[:2] == (bad, "failed")
    copies = wait_for(lambda: len(c := at(peer, f"<{name}>")) == 2 and c, 300, "both copies")
    for copy in copies:
        arrived([copy], message)
    assert sorted(h["recipient"] for h in ours.hops(name, "relayed")) == sorted(good)
    assert [h["recipient"] for h in ours.hops(name, "failed")] == [bad]


def test_they_put_it_off_and_take_it_later(world):
    ours, peer = world
    to = f"later@{peer.domain}"
    name, message = letter(BOB, to)
    ours.submit(BOB, [to], message)
    row = waiting(ours, to)
    assert all(word in row["last_reply"] for word in mtas.LATER[1:]), row
    assert not [m for m in peer.messages() if name.encode() in m]
    peer.open()
    arrived(at(peer, f"<{name}>"), message)
    queue_is_empty(ours, 300)
    tried = ours.hops(name, "tried")
    assert tried and mtas.LATER[2] in tried[0]["detail"]
    assert len(ours.hops(name, "relayed")) == 1


def test_they_are_away_and_come_back(world):
    ours, peer = world
    to = f"user@{peer.domain}"
    peer.stop()
    try:
        letters = dict(letter(BOB, to) for _ in range(3))
        for message in letters.values():
            ours.submit(BOB, [to], message)
        assert "cannot connect" in waiting(ours, to)["last_reply"]
    finally:
        peer.start()
    for name, message in letters.items():
        arrived(at(peer, f"<{name}>"), message)
    queue_is_empty(ours, 300)


def test_tls_to_the_end_cannot_be_had(world):
    """REQUIRETLS: none of them has it, and none gets the message."""
    ours, peer = world
    assert "requiretls" not in peer.extensions
    to = f"second@{peer.domain}"
    name, message = letter(CAROL, to)
    with ours.submission(CAROL) as client:
        client.sendmail(CAROL, [to], message, ["REQUIRETLS"])
    report = ours.report(CAROL, name)
    address, action, status, _ = report.one()
    assert (address, action) == (to, "failed") and status.startswith("5.7.")
    assert "TLS" in report.people
    assert not [m for m in peer.messages() if name.encode() in m]


# ---- reports of success

def test_success_is_reported_to_us(world):
    """Whoever reports deliveries does, once, with what we have told about it."""
    ours, peer = world
    to = f"user@{peer.domain}"
    name, message = letter(BOB, to)
    with ours.submission(BOB) as client:
        client.sendmail(BOB, [to], message, ["RET=HDRS", f"ENVID=to-{peer.domain}"],
                        ["NOTIFY=SUCCESS,FAILURE", f"ORCPT=rfc822;{to}"])
    arrived(at(peer, f"<{name}>"), message)
    assert "dsn" in peer.extensions
    raw, = ours.got(BOB, "message/delivery-status", name)
    whole, one = taken_apart(raw, peer.report_type)
    if peer.quotes_envelope:
        assert whole["Original-Envelope-Id"] == f"to-{peer.domain}"
        assert one["Original-Recipient"].replace(" ", "") == f"rfc822;{to}"
    assert one["Action"] == "delivered"
    assert whole["Reporting-MTA"].replace(" ", "") == f"dns;{peer.mx}"


def test_success_is_reported_to_them(world):
    ours, peer = world
    sender = f"user@{peer.domain}"
    name, message = letter(sender, ALICE)
    through(peer, sender, ALICE, message, ["RET=HDRS", f"ENVID=from-{peer.domain}"],
            ["NOTIFY=SUCCESS", "ORCPT=rfc822;somebody+2Belse@interop.test"])
    arrived(ours.got(ALICE, f"<{name}>"), message)
    report, = at(peer, "message/delivery-status", f"from-{peer.domain}")
    whole, one = taken_apart(report)
    assert whole["Original-Envelope-Id"] == f"from-{peer.domain}"
    assert one["Original-Recipient"].replace(" ", "") == "rfc822;somebody+else@interop.test"
    assert one["Final-Recipient"].replace(" ", "") == f"rfc822;{ALICE}"
    assert one["Action"] == "delivered" and one["Status"].startswith("2.")


# ---- those who take little at once

@pytest.fixture(scope="module", params=mtas.ALL, ids=lambda c: c.name)
def narrow(request):
    with both(request.param, narrow=True) as pair:
        yield pair


def test_more_messages_than_they_take_at_once(narrow):
    """Neither over one connection nor over so many connections."""
    ours, peer = narrow
    to = f"user@{peer.domain}"
    letters = dict(letter(BOB, to) for _ in range(50))
    with ours.submission(BOB) as client:
        for message in letters.values():
            client.sendmail(BOB, [to], message)
    for name, message in letters.items():
        arrived(at(peer, f"<{name}>"), message)
    queue_is_empty(ours, 300)
    assert not ours.fetch(BOB)


def test_more_recipients_than_they_take_at_once(narrow):
    """RFC 5321 s4.5.3.1.10: 452 is no refusal."""
    ours, peer = narrow
    people = [f"u{n}@{peer.domain}" for n in range(25)]
    name, message = letter(CAROL, people[0])
    ours.submit(CAROL, people, message)
    copies = wait_for(lambda: len(c := at(peer, f"<{name}>")) >= 25 and c, 300, "all copies")
    assert len(copies) == 25
    for copy in copies:
        arrived([copy], message)
    queue_is_empty(ours, 300)
    assert sorted(h["recipient"] for h in ours.hops(name, "relayed")) == sorted(people)
    assert not ours.hops(name, "failed") and not ours.fetch(CAROL)


def test_larger_than_they_take(narrow):
    """They have said so: it is not sent at all."""
    ours, peer = narrow
    to = f"user@{peer.domain}"
    name, message = letter(ALICE, to, "large")
    ours.submit(ALICE, [to], message)
    report = ours.report(ALICE, name)
    assert report.one()[:3] == (to, "failed", "5.3.4")
    assert not [m for m in peer.messages() if name.encode() in m]


# ---- as satellites of ours

@pytest.mark.parametrize("kind", mtas.ALL, ids=lambda c: c.name)
def test_they_log_in_and_submit(kind):
    """The server of another machine of the family: all it has goes by our
    submission port, under TLS and with a password."""
    password = Server().password(BOB)
    with both(kind, door="submission", login=(BOB, password)) as (ours, peer):
        name, message = letter(BOB, ALICE, "dots")
        through(peer, BOB, [ALICE, CAROL], message)
        for user in (ALICE, CAROL):
            arrived(ours.got(user, f"<{name}>"), message)
        for hop in ours.hops(name, "received"):
            assert "TLSv1.3" in hop["detail"] and hop["detail"].endswith(BOB)


# ---- policies that DNS and the web say

class Safe:
    """One of them, known under several names: to DANE, to MTA-STS, and such that it
    cannot be who it should be."""

    def __init__(self, stack, kind):
        where = directory(stack)
        host = f"127.0.0.{41 + mtas.ALL.index(kind)}"
        port = free_port(host)
        ca = Paper(where, ca=True)
        domains = ["dane.test", "wrong.test", "sts.test", "other.test"]
        paper = Paper(where, *(f"mx.{d}" for d in domains), issuer=ca)
        stranger = Paper(where, "mx.wrong.test")
        web = Web()
        stack.callback(web.close)
        records = [r for d in domains for r in ([d, "MX", f"10 mx.{d}."], [f"mx.{d}", "A", host])]
        records += [[f"_{port}._tcp.mx.dane.test", "TLSA", paper.tlsa(3, 1, 1)],
                    [f"_{port}._tcp.mx.wrong.test", "TLSA", stranger.tlsa(3, 1, 1)]]
        for domain, mx in (("sts.test", "mx.sts.test"), ("other.test", "mx.elsewhere.test")):
            name = f"mta-sts.{domain}"
            records += [[f"_{name}", "TXT", '"v=STSv1; id=1;"'], [name, "A", "127.0.0.1"]]
            web.hosts[name] = (Paper(where, name, issuer=ca), 200, "text/plain", policy(mx))
        dns = stack.enter_context(StubDns(records, signed=["test"]))
        self.ours = stack.enter_context(Ours(dns=dns.forward, settings={
            "relay.port": port, "relay.local_addresses": "yes", "relay.retry_first": "1s", "relay.retry_most": "2s",
            "dns.trust_anchor": dns.anchor, "relay.trust": ca.files[0], "test.https_port": web.port}))
        self.peer = stack.enter_context(kind(
            where / "mta", host, port, ("127.0.0.1", self.ours.ports["smtp"]),
            [*domains, "far.test", "afar.test"], paper.files))

    def send(self, domain):
        to = f"user@{domain}"
        name, message = letter(BOB, to)
        self.ours.submit(BOB, [to], message)
        return name, message, to


@pytest.fixture(scope="module", params=[mtas.Postfix, mtas.Exim], ids=lambda c: c.name)
def safe(request):
    kind = request.param
    if kind.missing():
        pytest.skip(kind.missing())
    with contextlib.ExitStack() as stack:
        yield Safe(stack, kind)


@pytest.mark.parametrize("domain, law", [("dane.test", "verified by DANE"), ("sts.test", "verified (MTA-STS)")])
def test_policy_is_kept(safe, domain, law):
    name, message, _ = safe.send(domain)
    arrived(at(safe.peer, f"<{name}>"), message)
    hop, = wait_for(lambda: safe.ours.hops(name, "relayed"), what="the hop")
    assert "TLSv1.3" in hop["detail"] and law in hop["detail"]


@pytest.mark.parametrize("domain", ["dane.test", "sts.test"])
def test_tls_to_the_end_stops_at_who_does_not_promise_it(safe, domain):
    """Verified as it is, it lacks REQUIRETLS: that is what the sender is told."""
    to = f"second@{domain}"
    name, message = letter(CAROL, to)
    with safe.ours.submission(CAROL) as client:
        client.sendmail(CAROL, [to], message, ["REQUIRETLS"])
    assert safe.ours.report(CAROL, to).one()[:3] == (to, "failed", "5.7.30")
    assert to not in safe.peer.words()


def test_login_at_a_smarthost_of_theirs(safe):
    """For a domain that has no server of its own."""
    if not isinstance(safe.peer, mtas.Exim):
        pytest.skip("only Exim brings logins of its own")
    name, password = mtas.LOGIN
    safe.ours.ctl("smarthost", "add", "far.test", f"mx.sts.test:{safe.peer.port}", "--tls", "verify",
                  "--login", name, input=password + "\n")
    name, message, to = safe.send("far.test")
    arrived(at(safe.peer, f"<{name}>"), message)
    hop, = wait_for(lambda: safe.ours.hops(name, "relayed"), what="the hop")
    assert "verified" in hop["detail"]
    assert re.search(rf"<= {BOB} .* A=server:{mtas.LOGIN[0]} ", safe.peer.words())
    # and with another password it waits: that is ours to mend
    safe.ours.ctl("smarthost", "add", "afar.test", f"mx.sts.test:{safe.peer.port}", "--tls", "verify",
                  "--login", mtas.LOGIN[0], input="wrong\n")
    name, _, to = safe.send("afar.test")
    row = waiting(safe.ours, to)
    assert "535" in row["last_reply"], row
    safe.ours.ctl("queue", "drop", "--all")


@pytest.mark.parametrize("domain, law", [("wrong.test", "DANE"), ("other.test", "MTA-STS")])
def test_policy_is_not_kept(safe, domain, law):
    """The same server, but nothing of the message is said to it."""
    name, _, to = safe.send(domain)
    row = waiting(safe.ours, to, tries=2)
    assert "4.7." in row["last_reply"] and law in row["last_reply"], row
    assert not safe.ours.hops(name, "relayed")
    assert not [m for m in safe.peer.messages() if name.encode() in m]
    assert to not in safe.peer.words()
    safe.ours.ctl("queue", "drop", "--all")
