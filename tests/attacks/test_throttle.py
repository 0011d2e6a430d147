# SPDX-License-Identifier: MIT
"""A083, A084 and the limits for one address."""
import pytest

from pennypost import wait_for
from wire import Peer, plain

SETTINGS = {"limits.auth_failures": 10, "limits.connections_per_address": 20}
ALICE = "alice@d.test"


def attempt(server, user, password, source, name="smtp"):
    service = "submissions" if name == "smtp" else "pop3s"
    with Peer(server, service, source=source) as peer:
        if name == "smtp":
            peer.hello()
        peer.send(b"AUTH PLAIN " + plain(user, password) + b"\r\n")
        return peer.line()


def test_A083_guesses_from_one_address(world):
    """The eleventh is not looked at, right or wrong; the owner gets in elsewhere."""
    secret = world.server.password(ALICE)
    for n in range(10):  # over both protocols: one limit
        answer = attempt(world.server, ALICE, f"guess-{n}", "127.0.0.66", ["smtp", "pop3"][n % 2])
        assert answer.startswith((b"535", b"-ERR [AUTH]"))
    for name, refusal in (("smtp", b"454 4.7.0"), ("pop3", b"-ERR [SYS/TEMP]")):
        wrong = attempt(world.server, ALICE, "guess-x", "127.0.0.66", name)
        assert wrong.startswith(refusal)
        assert attempt(world.server, ALICE, secret, "127.0.0.66", name) == wrong
        assert attempt(world.server, "bob@d.test", world.server.password("bob@d.test"), "127.0.0.66", name) == wrong
    assert attempt(world.server, ALICE, secret, "127.0.0.67").startswith(b"235")
    assert "reason=throttled user=\"alice@d.test\"" in world.server.log_text()


def test_A083_own_address_is_known(world):
    """Where alice was good before, she has three times as many guesses."""
    secret = world.server.password(ALICE)
    assert attempt(world.server, ALICE, secret, "127.0.0.70").startswith(b"235")
    for n in range(12):
        assert attempt(world.server, ALICE, f"typo-{n}", "127.0.0.70").startswith(b"535")
    assert attempt(world.server, ALICE, secret, "127.0.0.70").startswith(b"235")


def test_A084_the_same_wrong_password_again_and_again(world, case):
    """A telephone with an old password: one guess, one hash; nobody is locked out."""
    case.cpu_s = 4
    for n in range(100):
        assert attempt(world.server, ALICE, "old-password", "127.0.0.68", ["smtp", "pop3"][n % 2]).startswith(
            (b"535", b"-ERR [AUTH]"))
    assert attempt(world.server, ALICE, world.server.password(ALICE), "127.0.0.68").startswith(b"235")


@pytest.mark.parametrize("service", ["smtp", "submission", "pop3", "submissions", "pop3s"])
def test_connections_from_one_address(world, service):
    """limits.connections_per_address; others are not kept out."""
    source = "127.0.0.7%d" % (1 + ["smtp", "submission", "pop3", "submissions", "pop3s"].index(service))
    held = [Peer(world.server, service, source=source) for _ in range(20)]
    with Peer(world.server, service, source=source, tls=False, greet=False) as peer:
        assert peer.rest().startswith((b"421 4.7.0 ", b"-ERR [SYS/TEMP]", b""))
    if service in ("smtp", "pop3"):
        with Peer(world.server, service, source=source) as peer:
            assert peer.greeting.startswith((b"421 4.7.0 ", b"-ERR [SYS/TEMP]")) and peer.is_closed()
    with Peer(world.server, service, source="127.0.0.69") as peer:
        assert peer.greeting.startswith((b"220 ", b"+OK"))
    held.pop().close()

    def is_let_in():
        try:
            with Peer(world.server, service, source=source) as peer:
                return peer.greeting.startswith((b"220", b"+OK"))
        except OSError:  # refused before TLS began
            return False
    wait_for(is_let_in, what="its place")
    for peer in held:
        peer.close()
