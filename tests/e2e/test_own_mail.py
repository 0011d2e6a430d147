# SPDX-License-Identifier: MIT
"""What maild writes itself is signed like what people write, and says what to
do: another implementation checks the signatures, a person reads the rest."""
import contextlib
import email
import pathlib
import sys

import dkim

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from pennypost import wait_for  # noqa: E402
from remote import World  # noqa: E402
from test_sealing import records  # noqa: E402

LETTER = (b"From: bob@bob.test\r\nTo: gone@far.test\r\nSubject: are you there?\r\n"
          b"Date: Sun, 22 Nov 2026 10:00:00 +0000\r\nMessage-ID: <gone@bob.test>\r\n\r\nHello.\r\n")


def report(server):
    return wait_for(lambda: [m for m in server.fetch("bob@bob.test") if b"delivery-status" in m], what="a DSN")[-1]


def good(message, keys):
    """Are all its signatures good?  How many there are."""
    def ask(name, **_):
        return keys[name.decode() if isinstance(name, bytes) else name]

    found = dkim.DKIM(message)
    count = sum(name.lower() == b"dkim-signature" for name, _ in found.headers)
    with contextlib.suppress(dkim.ValidationError):
        return count, all(dkim.DKIM(message).verify(idx=i, dnsfunc=ask) for i in range(count))
    return count, False


def test_reports_are_signed():
    """The domain's keys sign them, RSA and Ed25519, the header returned or all
    of the message; without keys nothing does."""
    with World({"server.hostname": "mx.bob.test"}, servers=("bob",)) as world:
        bob = world.bob
        world.remote("far.test", replies={"RCPT": "550 5.1.1 no such person"})
        bob.submit("bob@bob.test", ["gone@far.test"], LETTER)
        assert b"DKIM-Signature:" not in report(bob)
        bob.ctl("domain", "rotate", "bob.test")
        keys = records(bob, "bob.test")
        assert len(keys) == 2
        for returned in ("HDRS", "FULL"):
            before = len(bob.fetch("bob@bob.test"))
            with bob.submission("bob@bob.test") as client:
                client.mail("bob@bob.test", [f"RET={returned}"])
                client.rcpt("gone@far.test", ["NOTIFY=FAILURE"])
                client.data(LETTER)
            wait_for(lambda n=before: len(bob.fetch("bob@bob.test")) > n, what="the next DSN")
            message = report(bob)
            assert (b"\r\nHello.\r\n" in message) == (returned == "FULL")
            assert good(message, keys) == (2, True)
            assert b"d=bob.test" in message[:2000]
            # a change breaks them
            assert good(message.replace(b"no such person", b"no such parson"), keys) == (2, False)


def test_reports_say_what_to_do():
    with World({}, servers=("bob",)) as world:
        world.remote("far.test", replies={"RCPT": "550 5.1.1 no such person"})
        world.bob.submit("bob@bob.test", ["gone@far.test"], LETTER)
        text = email.message_from_bytes(report(world.bob)).get_payload(0).get_payload(decode=True).decode()
        flat = " ".join(text.split())
        assert "mx1.remote.test said: 550 5.1.1 no such person" in flat
        assert "look for a slip of the pen" in flat
