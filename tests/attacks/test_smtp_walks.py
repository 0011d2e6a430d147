# SPDX-License-Identifier: MIT
"""Walks through SMTP at random beside a model of five lines: what was accepted
arrives once, and nothing else does.  The way confusions were found in others:
AUTH, STARTTLS, BDAT, RSET and EHLO within a transaction (CVE-2019-10149's
neighbours, Postfix 20260803, OpenSMTPD 6.6.4, Exim bug 2996)."""
import os
import random
import re

import pytest
from wire import Peer, plain, submission

SEED = int(os.environ.get("PENNYPOST_SEED", "176"))
WALKS, STEPS = 16, 18
BODY = b"From: alice@d.test\r\nSubject: walk\r\n\r\n"


class Walk:
    """What a server must believe of this session."""

    def __init__(self, server, door, rand, token):
        self.server, self.door, self.rand, self.token = server, door, rand, token
        self.peer = Peer(server, door)
        self.hello = self.tls = self.auth = False
        self.taken = []  # tokens of messages that were accepted
        self.n = 0
        self.forget()

    def forget(self):
        self.sender, self.rcpts, self.chunks = False, 0, None

    def says(self, line, expected):
        """True if it was accepted, which it must be exactly if expected says so."""
        code = self.peer.code(line)
        if code == 421:
            raise StopIteration
        assert (code in (220, 235, 250, 252, 354)) == bool(expected), (self.trace, line, code)
        return bool(expected)

    def ehlo(self):
        self.says(b"EHLO c.test", True)
        self.hello = True
        self.forget()

    def helo(self):
        self.says(b"HELO c.test", True)
        self.hello = True
        self.forget()

    def rset(self):
        self.says(b"RSET", True)
        self.forget()

    def noop(self):
        self.says(b"NOOP", True)

    def mail(self):
        mine = self.door == "smtp"
        sender = b"a@remote.test" if mine else b"alice@d.test"
        if self.says(b"MAIL FROM:<%s>" % sender, self.hello and not self.sender and (mine or self.auth)):
            self.sender = True

    def rcpt(self):
        if self.says(b"RCPT TO:<alice@d.test>", self.sender and self.chunks is None):
            self.rcpts += 1

    def content(self):
        self.n += 1
        return b"%s%s.%d." % (BODY, self.token, self.n), b"%s.%d." % (self.token, self.n)

    def data(self):
        if self.says(b"DATA", self.rcpts and self.chunks is None):
            text, token = self.content()
            self.says(text + b"\r\n.", True)
            self.taken.append(token)
            self.forget()

    def chunk(self, last):
        text, token = self.content()
        text += b"\r\n"
        self.peer.send(b"BDAT %d%s\r\n%s" % (len(text), b" LAST" if last else b"", text))
        code = self.peer.code()
        if code == 421:
            raise StopIteration
        assert (code == 250) == bool(self.rcpts), (self.trace, code)
        if not self.rcpts:  # RFC 3030 s2: what a refused chunk belonged to is gone
            self.forget()
            return
        self.chunks = (self.chunks or []) + [token]
        if last:
            self.taken += self.chunks
            self.forget()

    def bdat(self):
        self.chunk(False)

    def bdat_last(self):
        self.chunk(True)

    def starttls(self):
        if self.says(b"STARTTLS", self.hello and not self.tls):
            self.peer.secure()
            self.tls, self.hello, self.auth = True, False, False
            self.forget()

    def login(self):
        good = self.door != "smtp" and self.hello and self.tls and not self.auth and not self.sender
        if self.says(b"AUTH PLAIN " + plain("alice@d.test", self.server.password("alice@d.test")), good):
            self.auth = True

    def sensible(self):
        """What a client that wants to send mail would do now."""
        if not self.hello:
            return [self.ehlo]
        if self.door != "smtp" and not self.auth and not self.sender:
            return [self.login] if self.tls else [self.starttls]
        if not self.sender:
            return [self.mail]
        if self.chunks is not None:
            return [self.bdat, self.bdat_last]
        return [self.data, self.bdat, self.bdat_last, self.rcpt] if self.rcpts else [self.rcpt]

    def run(self):
        ways = [self.ehlo, self.helo, self.rset, self.noop, self.mail, self.rcpt, self.data, self.bdat, self.bdat_last,
                self.starttls] + ([self.login] if self.door != "smtp" else [])
        self.trace = []
        try:
            for _ in range(STEPS):
                step = self.rand.choice(ways) if self.rand.random() < 0.35 else self.rand.choice(self.sensible())
                self.trace.append(step.__name__)
                step()
        except StopIteration:
            pass
        finally:
            (self.peer.reset if self.rand.random() < 0.5 else self.peer.close)()
        return self.taken


@pytest.mark.parametrize("door", ["smtp", "submission"])
def test_walks(world, case, door):
    case.any_mail, case.cpu_s, case.peak_mib = True, 20, 64
    rand, taken = random.Random(f"{SEED} {door}"), []
    print(f"PENNYPOST_SEED={SEED}")
    before = world.n("alice@d.test")
    for n in range(WALKS):
        taken += Walk(world.server, door, rand, b"%s%d-%d" % (door.encode(), SEED, n)).run()
    found = []
    messages = world.server.fetch("alice@d.test")[before:]
    for message in messages:
        found += re.findall(rb"(%s%d-\d+\.\d+\.)" % (door.encode(), SEED), message)
    assert sorted(found) == sorted(taken) and len(taken) > WALKS / 2


def test_login_does_not_outlive_its_session(world):
    """After login: STARTTLS again, EHLO, RSET, HELO; none gives or takes what it must not."""
    with submission(world.server) as peer:
        assert peer.code(b"STARTTLS") in (502, 503)
        assert peer.code(b"MAIL FROM:<alice@d.test>") == 250
        assert peer.code(b"AUTH PLAIN " + plain("bob@d.test", world.server.password("bob@d.test"))) == 503
        assert peer.code(b"RCPT TO:<x@remote.test>") == 250
        assert peer.code(b"EHLO c.test") == 250  # forgets the transaction, and not who it is
        assert peer.code(b"RCPT TO:<x@remote.test>") == 503
        assert peer.code(b"MAIL FROM:<bob@d.test>") in (550, 553)
        assert peer.code(b"MAIL FROM:<alice@d.test>") == 250


WISHES = [  # what follows MAIL FROM:<alice@d.test>, and what it is answered
    (b"HOLDFOR=0", 501), (b"HOLDFOR=604800", 250), (b"HOLDFOR=604801", 501), (b"HOLDFOR=999999999", 501),
    (b"HOLDFOR=4294967297", 501), (b"HOLDFOR=18446744073709551617", 501), (b"HOLDFOR=-1", 501), (b"HOLDFOR=+1", 501),
    (b"HOLDFOR=1 HOLDFOR=2", 501), (b"HOLDFOR=1 HOLDUNTIL=2026-11-23T00:00:00Z", 501),
    (b"HOLDUNTIL=0000-00-00T00:00:00Z", 501), (b"HOLDUNTIL=9999-12-31T23:59:60Z", 501),
    (b"HOLDUNTIL=292277026597-12-04T15:30:08Z", 501), (b"HOLDUNTIL=2026-02-30T00:00:00Z", 501),
    (b"HOLDUNTIL=1970-01-01T00:00:00-99:99", 501), (b"HOLDUNTIL=2026-11-23T24:00:00Z", 501),
    (b"ENVID=" + b"a" * 100, 250), (b"ENVID=" + b"a" * 101, 501), (b"ENVID=" + b"+41" * 33, 250), (b"ENVID=+0A", 501),
    (b"ENVID=+4", 501), (b"ENVID=+4g", 501), (b"ENVID=+00", 501), (b"RET=FULL RET=HDRS", 501), (b"RET=", 501),
    (b"REQUIRETLS=1", 501), (b"AUTH=" + b"+41" * 400, 250), (b"AUTH=+7F", 501), (b"BY=1;N", 555), (b"MT-PRIORITY=9", 555),
]


def test_wishes_at_their_limits(world):
    for wish, code in WISHES:
        with submission(world.server) as peer:
            assert peer.code(b"MAIL FROM:<alice@d.test> " + wish) == code, wish


ORIGINALS = [
    (b"ORCPT=rfc822;" + b"a" * 480, 250), (b"ORCPT=rfc822;" + b"a" * 600, 501), (b"ORCPT=rfc822;+0D+0AX:+20y", 501),
    (b"ORCPT=utf-8;\\x{D800}", 501), (b"ORCPT=utf-8;\\x{110000}", 501), (b"ORCPT=utf-8;\\x{0}", 501),
    (b"ORCPT=utf-8;a\\x{0D}\\x{0A}b", 250), (b"ORCPT=;a", 501), (b"ORCPT=a;", 501), (b"ORCPT=rfc822;a ORCPT=rfc822;b", 501),
    (b"NOTIFY=NEVER,SUCCESS", 501), (b"NOTIFY=" + b"SUCCESS," * 200 + b"SUCCESS", 250), (b"NOTIFY=,", 501),
]


def test_wishes_for_recipients(world):
    for wish, code in ORIGINALS:
        with submission(world.server) as peer:
            assert peer.code(b"MAIL FROM:<alice@d.test>") == 250
            assert peer.code(b"RCPT TO:<bob@d.test> " + wish) == code, wish
