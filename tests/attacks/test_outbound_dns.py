# SPDX-License-Identifier: MIT
"""A162, A163: where a stranger's DNS would have us connect to.
(test_outbound.py has DNS that is no DNS; test_relay.py the answers in order.)"""
import contextlib
import itertools
import socket

import pytest

from pennypost import wait_for
from remote import Remote, Report, World, queue, queue_is_empty
from samples import everyday

OWN_SERVER = True
BOB = "bob@bob.test"
names = itertools.count()


def world_of(local):
    """relay.local_addresses is for tests: `no' is what people have."""
    return World({"relay.local_addresses": local, "relay.timeout": "20s"}, servers=("bob",))


@pytest.fixture(scope="module")
def outside():
    with world_of("no") as w:
        yield w


@pytest.fixture(scope="module")
def inside():
    with world_of("yes") as w:
        yield w


@pytest.fixture(params=["outside", "inside"])
def world(request):
    return request.getfixturevalue(request.param)


def fate(world, domain):
    """How mail for it ended: (status, sentence)."""
    address = f"x{next(names)}@{domain}"
    world.bob.submit(BOB, [address], everyday(f"dns-{next(names)}", sender=BOB, to=address))
    raw, = wait_for(lambda: world.bob.fetch(BOB, delete=True), what=f"a report of {domain}")
    got, action, status, _ = Report(raw, BOB).one()
    assert (got, action) == (address, "failed")
    queue_is_empty(world.bob)
    hops = world.bob.ctl("journey", address, "--json")["journeys"][0]["hops"]
    return status, hops[-1]["detail"] if hops[-1]["what"] == "failed" else [h for h in hops if h["what"] == "failed"][0]["detail"]


OURSELVES = {  # name: [(type, data)]
    "own_address": [("A", "127.0.0.2")], "own_mapped": [("AAAA", "::ffff:127.0.0.2")], "any": [("A", "0.0.0.0")],
    "any_of_0": [("A", "0.1.2.3")], "any6": [("AAAA", "::")], "any_mapped": [("AAAA", "::ffff:0.0.0.0")],
}
LOOPBACK = {
    "loopback": [("A", "127.0.0.1")], "loopback_far": [("A", "127.255.255.254")], "loopback6": [("AAAA", "::1")],
    "loopback_mapped": [("AAAA", "::ffff:127.0.0.1")], "both": [("A", "127.0.0.1"), ("AAAA", "::1")],
    "ourselves_first": [("A", "127.0.0.2"), ("A", "127.0.0.1")],
}


def is_sent_back(world, records):
    """At once; nobody on this machine is connected to."""
    domain = f"self{next(names)}.test"
    world.mx(domain, f"mx.{domain}")
    for kind, data in records:
        world.record(f"mx.{domain}", kind, data)
    here = Remote("127.0.0.1", world.port)
    try:
        assert fate(world, domain)[0] == "5.4.6"
        assert not here.sessions
    finally:
        here.close()


@pytest.mark.parametrize("how", OURSELVES)
def test_A162_addresses_that_are_ourselves(world, how):
    is_sent_back(world, OURSELVES[how])


@pytest.mark.parametrize("how", LOOPBACK)
def test_A162_addresses_of_loopback(outside, how):
    is_sent_back(outside, LOOPBACK[how])


@pytest.mark.parametrize("host", ["mx.bob.test", "MX.Bob.Test", "localhost", "x.localhost"])
def test_A162_names_that_are_ourselves(world, host):
    domain = f"self{next(names)}.test"
    world.mx(domain, host)
    world.a(host.lower(), "127.0.0.77")  # whatever the DNS says of it
    assert fate(world, domain)[0] == "5.4.6"


def test_A162_without_mx(world):
    """The domain's own address likewise; and by way of a CNAME."""
    world.a("bare.test", "127.0.0.2")
    world.record("alias.test", "CNAME", "bare.test.")
    assert fate(world, "bare.test")[0] == "5.4.6"
    assert fate(world, "alias.test")[0] == "5.4.6"


def addresses_of_this_machine():
    """The one that the way out begins at, if there is a way."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s, contextlib.suppress(OSError):
        s.connect(("192.0.2.1", 9))  # nothing is sent
        return [s.getsockname()[0]]
    return []


def test_A162_our_public_address(outside):
    """Any address of this machine, also one that nobody has named."""
    world = outside
    for address in addresses_of_this_machine():
        domain = f"public{next(names)}.test"
        world.mx(domain, f"mx.{domain}")
        world.a(f"mx.{domain}", address)
        assert fate(world, domain)[0] == "5.4.6"


@pytest.mark.parametrize("preference", [0, 10, 65535])
def test_A162_null_mx(world, preference):
    """No connection, though there is a server at the domain's own address; beside
    other records "." is a host that is none."""
    domain = f"null{next(names)}.test"
    far = world.remote()
    world.record(domain, "MX", f"{preference} .")
    world.a(domain, far.host)
    assert fate(world, domain)[0] == "5.1.10"
    assert not far.sessions


def test_A162_null_mx_beside_others(inside):
    """No null MX then (RFC 7505 s3): the other is used."""
    world = inside
    domain = f"null{next(names)}.test"
    far = world.remote(domain, preference=10)
    world.record(domain, "MX", "0 .")
    world.bob.submit(BOB, [f"x@{domain}"], everyday(f"dns-{next(names)}", sender=BOB, to=f"x@{domain}"))
    far.got()


def test_A163_a_long_chain_of_aliases(inside):
    """Twenty of them, at the domain or at its MX: followed so far as the resolver
    does, or not; no more questions than there are aliases."""
    world = inside
    far = world.remote()
    for n in range(20):
        world.record(f"c{n}.chain.test", "CNAME", f"c{n + 1}.chain.test.")
    world.a("c20.chain.test", far.host)
    world.mx("host.chain.test", "c0.chain.test")
    asked = len(world.dns.asked())
    for domain in ("c0.chain.test", "host.chain.test"):
        world.bob.submit(BOB, [f"x@{domain}"], everyday(f"dns-{next(names)}", sender=BOB))
    def settled():
        rows = queue(world.bob)
        return all(r["tries"] for r in rows) and rows or len(far.messages) == 2
    wait_for(settled, what="an end of both")
    assert len(world.dns.asked()) - asked < 2000
    world.bob.ctl("queue", "drop", "--all", check=False)


def test_A163_text_of_64k(world):
    """Beside an MX, of the domain, and as the MX."""
    domain = f"text{next(names)}.test"
    long = " ".join(['"%s"' % ("x" * 250)] * 255)
    world.record(domain, "TXT", long)
    world.record(f"_mta-sts.{domain}", "TXT", long)
    world.record(f"_smtp._tls.{domain}", "TXT", long)
    world.record(domain, "MX", "hex:" + "00" * 60000)
    world.bob.submit(BOB, [f"x@{domain}"], everyday(f"dns-{next(names)}", sender=BOB))
    def settled():
        rows = [r for r in queue(world.bob) if r["recipient"] == f"x@{domain}"]
        return not rows or rows[0]["tries"]
    wait_for(settled, what="an end")
    world.bob.ctl("queue", "drop", "--all", check=False)
    world.bob.fetch(BOB, delete=True)
