# SPDX-License-Identifier: MIT
"""Searches that take long: who asks for them waits, and nobody else."""
import threading
import time

import pytest

from wire import HDR, imap

SETTINGS = {"limits.connections_per_address": 400, "limits.message_size": "20M"}
CAROL = "carol@e.test"
LINES = (b"a" * 76 + b"\r\n") * 60000  # 4.7 MB
KEYS = 600


@pytest.fixture
def large(world, case):
    """A message of megabytes in carol's INBOX."""
    case.any_mail, case.cpu_s, case.peak_mib, case.rest_mib = True, 120, 256, 128
    with imap(world.server, CAROL) as peer:
        assert peer.append(HDR + b"\r\n" + LINES + b"the very end\r\n") == "OK APPENDUID"


def no_words(n):
    return b" ".join(b"NOT BODY " + b"a" * 30 + b"b%d" % k for k in range(n))


def found(peer, keys):
    return [r for r in peer.imap_ok(b"UID SEARCH " + keys) if r.kind == "SEARCH"][0].values


def test_a_message_that_takes_many_slices(world, large):
    """What it said in one slice is known in the next."""
    with imap(world.server, CAROL, box=b"INBOX", timeout=600) as peer:
        last = found(peer, b"*")
        assert found(peer, no_words(KEYS) + b' BODY "very end"')[-1:] == last
        assert last[0] not in found(peer, no_words(KEYS) + b' NOT BODY "very end"')
        assert last[0] not in found(peer, b"NOT (" + no_words(KEYS) + b")")


def test_a_hundred_searches_beside_a_noop(world, large):
    """One account has many sessions search: another one's NOOP, which asks the store
    too, waits for none of these.  Baseline: how long all of them take."""
    peers = [imap(world.server, CAROL, box=b"INBOX", timeout=600) for _ in range(12)]
    started = time.monotonic()
    for peer in peers:
        peer.begin_imap(b"SEARCH " + no_words(KEYS))
    over = threading.Event()

    def wait():
        for peer in peers:
            while not peer.parsed().tag:
                pass
        over.set()

    waiter = threading.Thread(target=wait)
    waiter.start()
    longest, rounds = 0, 0
    with imap(world.server, box=b"INBOX", timeout=600) as alice:
        while not over.is_set():
            before = time.monotonic()
            alice.imap_ok(b"NOOP")
            alice.imap_ok(b"SEARCH FROM nobody")
            longest, rounds = max(longest, time.monotonic() - before), rounds + 1
    waiter.join()
    took = time.monotonic() - started
    for peer in peers:
        peer.close()
    assert rounds > 3 and longest < took / 3, f"waited {longest:.2f} s of {took:.2f} s"


def test_searchers_that_leave(world, large):
    """While they wait for their turn: nothing is kept, and others have theirs."""
    for end in ("reset", "close"):
        peers = [imap(world.server, CAROL, box=b"INBOX", timeout=600) for _ in range(20)]
        for peer in peers:
            peer.begin_imap(b"SEARCH " + no_words(KEYS))
        for peer in peers:
            getattr(peer, end)()
    with imap(world.server, CAROL, box=b"INBOX", timeout=600) as peer:
        peer.imap_ok(b"SEARCH BODY x")
