# SPDX-License-Identifier: MIT
"""One server for each module of tests, its settings in SETTINGS there; after
every test the oracle has its say."""
import contextlib
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e"), str(HERE.parent / "tools")]
from mx_actor import MxActor  # noqa: E402
from oracle import Case, Oracle, raise_file_limit  # noqa: E402
from pennypost import USERS, Server, StubDns  # noqa: E402
from wire import Peer, unstuffed  # noqa: E402

LIMITS = {"limits.message_size": "10M", "limits.recipients": 100, "limits.received": 100,
          "limits.header_size": "256K", "limits.header_count": 1000, "limits.errors": 10}
RECORDS = [["remote.test", "MX", "10 mx.remote.test."], ["mx.remote.test", "A", "127.0.0.11"]]
ALIASES = [["team@d.test", "alice@d.test", "bob@d.test"], ["fwd@d.test", "x@remote.test"],
           ["loop2@d.test", "alice@d.test"], ["loop1@d.test", "loop2@d.test"]]  # no loop yet: A173
PEOPLE = {**USERS, "quota@d.test": "pw-quota-Xyz123", "canary@d.test": "pw-canary-Xyz123"}


class World:
    """The fixture of the attack cases, with its stub DNS and stub MX."""

    def __init__(self, settings):
        self.stack = contextlib.ExitStack()
        self.mx = self.stack.enter_context(MxActor("127.0.0.11"))
        self.dns = self.stack.enter_context(StubDns(settings.pop("records", RECORDS),
                                                    settings.pop("behaviours", None)))
        settings = {**LIMITS, "relay.port": self.mx.port, **settings}
        self.server = Server(users=PEOPLE, dns=self.dns.forward, settings=settings,
                             asan="quarantine_size_mb=4:thread_local_quarantine_size_kb=64:"
                             "allocator_release_to_os_interval_ms=100")

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.stack.close()
            raise

    def start(self):
        server = self.server.start()
        self.stack.callback(lambda: server.process.poll() is None and server.process.kill())
        for alias in ALIASES:
            server.ctl("alias", "add", *alias)
        server.ctl("user", "quota", "quota@d.test", "1M")
        for user in ("alice@d.test", "bob@d.test", "carol@e.test"):  # all that is made at first use
            server.deliver("warm@remote.test", [user], b"Subject: warm\r\n\r\nx\r\n")
            server.fetch(user)
        server.submit("bob@d.test", ["carol@e.test"], b"From: bob@d.test\r\n\r\nx\r\n")
        self.oracle = Oracle(server, self.mx)
        return self

    def __exit__(self, kind, value, trace):
        self.oracle.close()
        self.server.stop(judge=kind is None)
        self.stack.close()

    def n(self, user):
        return self.oracle.messages(user)

    def last(self, user):
        """The newest message of this user, octet by octet."""
        with Peer(self.server, "pop3s").pop_login(user) as peer:
            n = peer.pop(b"STAT").split()[1]
            message = unstuffed(peer.listing(b"RETR " + n))
            assert peer.pop(b"QUIT").startswith(b"+OK")
        return message


@pytest.fixture(scope="module")
def world(request):
    raise_file_limit()
    with World(dict(getattr(request.module, "SETTINGS", {}))) as world:
        yield world


@pytest.fixture
def server(world):
    return world.server


@pytest.fixture(autouse=True)
def case(request):
    """A test says here what it does: case.delivered = 1."""
    case = Case()
    if getattr(request.module, "OWN_SERVER", False):
        yield case
        return
    oracle = request.getfixturevalue("world").oracle
    oracle.begin()
    yield case
    oracle.check(case)
