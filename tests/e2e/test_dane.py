# SPDX-License-Identifier: MIT
"""DANE for outgoing mail (RFC 7672): servers that DNS, signed, says something
about, and what is done when it is not so."""
import itertools
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from paper import Paper  # noqa: E402
from pennypost import Server, wait_for  # noqa: E402
from remote import World, queue_is_empty, waiting  # noqa: E402
from samples import everyday  # noqa: E402

BOB = "bob@bob.test"
names = itertools.count()


class Dane(World):
    def __init__(self, dir, **settings):
        super().__init__({"relay.timeout": "20s", "timeouts.handshake": "20s", **settings}, servers=("bob",),
                         dns={"signed": ["test"], "unsigned": ["plain.test"], "ttl": 1})
        self.dir_of_papers = dir
        self.ca = Paper(dir, ca=True)

    def paper(self, *hosts, **how):
        return Paper(self.dir_of_papers, *hosts, **how)

    def far(self, tls=None, *records, domain=None, **more):
        """A remote, its domain and TLSA records."""
        domain = domain or f"d{next(names)}.test"
        r = self.remote(domain, tls=tls.files if isinstance(tls, Paper) else tls, **more)
        r.domain = domain
        for text in records:
            self.tlsa(r.name, text)
        return r

    def tlsa(self, host, text):
        self.record(f"_{self.port}._tcp.{host}", "TLSA", text)

    def send(self, domain):
        address = f"x@{domain}"
        self.bob.submit(BOB, [address], everyday(f"dane-{next(names)}", sender=BOB, to=address))
        return address

    def hops(self, address, what):
        journey = self.bob.ctl("journey", address, "--json")["journeys"][0]
        return [h for h in journey["hops"] if h["what"] == what]

    def relayed(self, far):
        """A message to far, and what the journey says of it."""
        address = self.send(far.domain)
        sent, = far.got()
        queue_is_empty(self.bob)
        hop, = self.hops(address, "relayed")
        return sent, f"{hop['peer']} {hop['detail']}"

    def deferred(self, domain, *words):
        """It waits, and the journey says why."""
        address = self.send(domain)

        def look():
            told = waiting(self.bob, address)["last_reply"]
            hops = [f"{h.get('code', '')} {h['detail']}" for h in self.hops(address, "tried")]
            return all(word in told and any(word in hop for hop in hops) for word in words)

        wait_for(look, what=f"{words} of {address}")


def never_mailed(*remotes):
    """Nothing of the envelope was told to them."""
    for r in remotes:
        assert not any(line[:4].upper() in (b"MAIL", b"RCPT", b"DATA") for s in r.sessions for line in s.lines)
        assert not r.seen


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with Dane(tmp_path_factory.mktemp("papers")) as w:
        yield w


@pytest.fixture(autouse=True)
def tidy(request):
    """Nothing is left over for the next test."""
    yield
    if "world" in request.fixturenames:
        w = request.getfixturevalue("world")
        w.bob.ctl("queue", "drop", "--all", check=False)
        w.bob.fetch(BOB, delete=True)


# ---- good ones

@pytest.mark.parametrize("kind", [(3, 1, 1), (3, 0, 1), (3, 1, 2), (3, 0, 0)], ids=str)
def test_dane_ee(world, kind):
    """Whatever its names and dates are, and whoever signed it (s3.1.1)."""
    paper = world.paper("who.cares.example", days=(-9, -3))
    far = world.far(paper, paper.tlsa(*kind))
    sent, detail = world.relayed(far)
    assert sent.session.tls and sent.session.sni == far.name
    assert "DANE" in detail and "verified" in detail and "TLSv1.3" in detail


@pytest.mark.parametrize("kind", [(2, 0, 1), (2, 1, 1), (2, 1, 2)], ids=str)
def test_dane_ta(world, kind):
    far = world.far()
    paper = world.paper(far.name, issuer=world.ca)
    far.tls = paper.files
    world.tlsa(far.name, world.ca.tlsa(*kind))
    sent, detail = world.relayed(far)
    assert sent.session.tls and "DANE" in detail


def test_dane_ta_may_name_the_domain(world):
    """s3.2.2"""
    domain = f"d{next(names)}.test"
    far = world.far(world.paper(domain, issuer=world.ca), world.ca.tlsa(2, 0, 1), domain=domain)
    sent, _ = world.relayed(far)
    assert sent.session.tls


def test_one_of_several(world):
    """While a key is being changed (s4)."""
    paper = world.paper("any.example")
    far = world.far(paper, world.ca.tlsa(3, 1, 1), paper.tlsa(3, 1, 1), "1 1 1 " + 32 * "00")
    assert world.relayed(far)[0].session.tls


def test_alias(world):
    """Where the host's name leads is asked first, and is what the server is
    called then (s2.2.3)."""
    far = world.far()
    paper = world.paper(far.name, issuer=world.ca)
    far.tls, far.domain = paper.files, f"d{next(names)}.test"
    world.tlsa(far.name, world.ca.tlsa(2, 0, 1))
    world.record(f"mx.{far.domain}", "CNAME", f"{far.name}.")
    world.mx(far.domain, f"mx.{far.domain}")
    sent, _ = world.relayed(far)
    assert sent.session.tls and sent.session.sni == far.name


def test_alias_that_leaves_the_signed_zones(world):
    """s2.2.2, "Insecure CNAME": the alias itself has records."""
    paper, wrong = world.paper("any.example"), world.paper("any.example")
    for tlsa, good in ((paper, True), (wrong, False)):
        far = world.far(paper)
        far.domain = f"d{next(names)}.test"
        world.a(f"{far.domain.split('.')[0]}.plain.test", far.host)
        world.record(f"mx.{far.domain}", "CNAME", f"{far.domain.split('.')[0]}.plain.test.")
        world.mx(far.domain, f"mx.{far.domain}")
        world.tlsa(f"mx.{far.domain}", tlsa.tlsa(3, 1, 1))
        if good:
            sent, detail = world.relayed(far)
            assert sent.session.sni == f"mx.{far.domain}" and "DANE" in detail
        else:
            world.deferred(far.domain, "4.7.", f"does not match the TLSA record of mx.{far.domain}")
            never_mailed(far)


def test_domain_without_mx(world):
    far = world.far(paper := world.paper("any.example"))
    far.domain = far.name
    world.tlsa(far.name, paper.tlsa(3, 1, 1))
    _, detail = world.relayed(far)
    assert "DANE" in detail


# ---- bad ones

def test_wrong_record(world):
    """Until it is put right."""
    far = world.far(paper := world.paper("any.example"), world.ca.tlsa(3, 1, 1))
    world.deferred(far.domain, "4.7.", f"does not match the TLSA record of {far.name}", "DANE")
    never_mailed(far)
    assert any(s.lines for s in far.sessions)
    world.tlsa(far.name, paper.tlsa(3, 1, 1))
    sent, = far.got()
    assert sent.session.tls


@pytest.mark.parametrize("what", ["name", "date", "chain"])
def test_dane_ta_in_vain(world, what):
    how = {"name": {}, "date": {"days": (-9, -3)}, "chain": {"issuer": None}}[what]
    far = world.far()
    paper = world.paper("other.example" if what == "name" else far.name, **{"issuer": world.ca, **how})
    far.tls = paper.files
    world.tlsa(far.name, world.ca.tlsa(2, 0, 1))
    words = {"name": f"is for other.example, not {far.name} or {far.domain}",
             "date": f"has expired ({paper.until})",
             "chain": f"does not match the TLSA record of {far.name}"}[what]
    world.deferred(far.domain, "4.7.", f"the certificate {words}", "DANE")
    never_mailed(far)


@pytest.mark.parametrize("how", [None, "broken", "454"])
def test_without_tls(world, how):
    """Downgrades: ATTACKS A170."""
    paper = world.paper("any.example")
    far = world.far(paper if how == "454" else how, paper.tlsa(3, 1, 1),
                    replies={"STARTTLS": "454 4.7.0 TLS not available"} if how == "454" else None)
    world.deferred(far.domain, "4.7.", "DANE")
    never_mailed(far)


def test_the_next_server(world):
    """One that is not who it says it is does not hold up the mail."""
    paper = world.paper("any.example")
    bad = world.far(paper, world.ca.tlsa(3, 1, 1), preference=10)
    good = world.far(paper, paper.tlsa(3, 1, 1), domain=bad.domain, preference=20)
    sent, detail = world.relayed(good)
    assert good.name in detail and sent.session.tls
    never_mailed(bad)


# ---- records of no use, and no records

UNUSABLE = ["1 1 1 " + 32 * "00", "hex:030101abcd", "hex:", "hex:03", "hex:030101", "hex:0301017f" + 15 * "00"]


def test_only_unusable_records(world):
    """TLS with whomever (s2.2); ATTACKS A164."""
    far = world.far(world.paper("any.example"), *UNUSABLE[:2])
    sent, detail = world.relayed(far)
    assert sent.session.tls and "verified by" not in detail


def test_only_unusable_records_and_no_tls(world):
    far = world.far(None, *UNUSABLE[:2])
    world.deferred(far.domain, "4.7.", "DANE")
    never_mailed(far)


@pytest.mark.parametrize("data", [*UNUSABLE, "hex:030100" + 4000 * "30"], ids=range(len(UNUSABLE) + 1))
def test_malformed_records(world, data):
    """Whoever refuses them, nothing goes out in the clear: ATTACKS A164."""
    far = world.far(None, data)
    address = world.send(far.domain)
    waiting(world.bob, address)
    never_mailed(far)


@pytest.mark.parametrize("how", ["servfail", "bogus", "stripped"])
def test_records_that_cannot_be_had(world, how):
    """s2.1.2: that server is not used; another is."""
    paper = world.paper("any.example")
    bad = world.far(paper, paper.tlsa(3, 1, 1), preference=10)
    world.behave(f"_{world.port}._tcp.{bad.name}", how)
    code, why = ("4.4.3", "SERVFAIL") if how == "servfail" else ("4.7.5", "DNSSEC")
    world.deferred(bad.domain, code, "TLSA", bad.name, why)
    assert not bad.sessions
    good = world.far(paper, paper.tlsa(3, 1, 1), domain=bad.domain, preference=20)
    sent, = good.got()
    assert sent.session.tls and not bad.sessions


@pytest.mark.parametrize("how", ["bogus", "stripped"])
def test_forged_mx(world, how):
    domain = f"d{next(names)}.test"
    world.behave(domain, how)
    far = world.far(None, domain=domain)
    world.deferred(domain, "4.4.3", "DNSSEC")
    assert not far.sessions


def test_forged_address(world):
    far = world.far()
    world.behave(far.name, "bogus")
    world.deferred(far.domain, "4.4.3", far.name, "DNSSEC")
    assert not far.sessions


@pytest.mark.parametrize("where", ["domain", "host", "nowhere"])
def test_opportunistic(world, where):
    """Without signatures on the way, or without records: in the clear if need be."""
    far = world.far()
    if where == "domain":  # its MX is not signed, so whose servers are they?
        far.domain = f"d{next(names)}.plain.test"
        world.mx(far.domain, far.name)
        world.tlsa(far.name, world.ca.tlsa(3, 1, 1))
    elif where == "host":
        far.domain = f"d{next(names)}.test"
        world.a(f"mx.{far.domain}".replace(".test", ".plain.test"), far.host)
        world.mx(far.domain, f"mx.{far.domain}".replace(".test", ".plain.test"))
        world.tlsa(f"mx.{far.domain}".replace(".test", ".plain.test"), world.ca.tlsa(3, 1, 1))
    sent, detail = world.relayed(far)
    assert not sent.session.tls and "DANE" not in detail


# ---- settings

def test_switched_off(tmp_path):
    with Dane(tmp_path, **{"relay.dane": "no"}) as w:
        far = w.far(None, w.ca.tlsa(3, 1, 1))
        sent, detail = w.relayed(far)
        assert not sent.session.tls and "DANE" not in detail
        assert not [kind for kind, _ in w.dns.asked() if kind == "TLSA"]


def test_without_an_anchor(tmp_path):
    """What is signed cannot be checked: it is as if it were not."""
    with Dane(tmp_path, **{"dns.trust_anchor": ""}) as w:
        far = w.far(None, w.ca.tlsa(3, 1, 1))
        sent, detail = w.relayed(far)
        assert not sent.session.tls and "DANE" not in detail


@pytest.mark.parametrize("key, words", [
    ("relay.trust", "no CA certificate"),
    ("dns.trust_anchor", "No such file or directory"),
])
def test_files_that_are_not_there(key, words):
    server = Server(dns="127.0.0.1:9", settings={key: "/nonexistent/file"}, check=False)
    try:
        with pytest.raises(AssertionError) as why:
            server.start()
        assert "/nonexistent/file" in str(why.value) and words in str(why.value)
        if key == "relay.trust":
            assert "pennypost.conf:" in str(why.value)
    finally:
        server.stop()
