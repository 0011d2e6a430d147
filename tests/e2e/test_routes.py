# SPDX-License-Identifier: MIT
"""smtpd remembers where mail for an address goes: every change that mailctl
makes is seen by the very next RCPT."""
import pytest

from pennypost import Server

HELD = 300 * 1024 * 1024  # a quota with so much room that routes are kept


@pytest.fixture(scope="module")
def server():
    # as often as a test likes
    with Server(settings={"policy.exempt": "127.0.0.0/8"}) as s:
        yield s


class Asker:
    """One connection that asks again and again."""

    def __init__(self, server):
        self.client = server.smtp()

    def __call__(self, address, size=None):
        """The reply's code, of the second of two: the first may be remembered."""
        self.once(address, size)
        return self.once(address, size)

    def once(self, address, size=None):
        self.client.rset()
        options = [f"SIZE={size}"] if size else []
        assert self.client.mail("sender@remote.test", options)[0] == 250
        return self.client.rcpt(address)[0]


@pytest.fixture
def ask(server):
    asker = Asker(server)
    yield asker
    asker.client.quit()


def test_account(server, ask):
    assert ask("dan@d.test") == 550
    server.ctl("user", "add", "dan@d.test", input="pw-dan-Xyz123\n")
    assert ask.once("dan@d.test") == 250
    assert ask("dan@d.test") == 250
    server.ctl("user", "disable", "dan@d.test")
    assert ask("dan@d.test") == 250  # mail is kept for it
    server.ctl("user", "enable", "dan@d.test")
    assert ask("dan@d.test") == ask("dan+list@d.test") == 250
    server.ctl("user", "remove", "--yes", "dan@d.test")
    assert ask.once("dan@d.test") == 550
    assert ask.once("dan+list@d.test") == 550


def test_alias(server, ask):
    assert ask("team@d.test") == 550
    for _ in range(3):
        server.ctl("alias", "add", "team@d.test", "bob@d.test")
        assert ask.once("team@d.test") == 250
        assert ask("team@d.test") == 250
        server.ctl("alias", "remove", "team@d.test")
        assert ask.once("team@d.test") == 550


def test_where_an_alias_leads(server, ask):
    """The route itself, not only that there is one."""
    server.ctl("alias", "add", "moves@d.test", "bob@d.test")
    assert ask("moves@d.test") == 250
    server.ctl("alias", "add", "moves@d.test", "alice@d.test")
    server.ctl("alias", "remove", "moves@d.test", "bob@d.test")
    ask.client.rset()
    message = b"From: x@remote.test\r\nSubject: moved\r\n\r\nhello\r\n"
    ask.client.sendmail("sender@remote.test", ["moves@d.test"], message)
    assert any(b"Subject: moved" in m for m in server.fetch("alice@d.test"))
    assert not any(b"Subject: moved" in m for m in server.fetch("bob@d.test"))


def test_catch_all_and_domain(server, ask):
    assert ask("any@new.test") == 550
    server.ctl("domain", "add", "new.test")
    assert ask.once("any@new.test") == 550
    server.ctl("alias", "add", "@new.test", "bob@d.test")
    assert ask.once("any@new.test") == 250
    assert ask("any@new.test") == ask("other@new.test") == 250
    server.ctl("alias", "remove", "@new.test")
    assert ask.once("any@new.test") == 550
    assert ask("postmaster@new.test") == 250
    server.ctl("domain", "remove", "new.test")
    assert ask.once("postmaster@new.test") == 550


def test_quota(server, ask):
    """Who has no room is refused at RCPT, remembered or not."""
    server.ctl("user", "quota", "bob@d.test", str(HELD))
    assert ask("bob@d.test") == ask("bob@d.test", 1000000) == 250
    server.ctl("user", "quota", "bob@d.test", "100000")
    assert ask.once("bob@d.test", 1000000) == 452
    assert ask("bob@d.test", 1000) == 250
    assert ask.once("bob@d.test", 1000000) == 452
    ask.client.rset()
    text = b"From: x@remote.test\r\nSubject: fills\r\n\r\n" + b"x" * 70 + b"\r\n"
    ask.client.sendmail("sender@remote.test", ["bob@d.test"], text + (b"y" * 70 + b"\r\n") * 1300)
    assert ask.once("bob@d.test", 50000) == 452
    server.ctl("user", "quota", "bob@d.test", "0")
    assert ask.once("bob@d.test", 50000) == 250
