# SPDX-License-Identifier: MIT
"""A164, A169, A170: servers that talk us out of TLS, where a policy stands and
where none does, and TLSA records that are none.
(tests/e2e/test_dane.py and test_sts.py have more of who keeps them.)"""
import itertools
import ssl
import warnings

import pytest

from pennypost import wait_for
from remote import queue, waiting
from test_dane import Dane, never_mailed
from test_sts import Sts

OWN_SERVER = True
INJECTED = b"220 go\r\n250-AUTH PLAIN\r\n250 SIZE 1\r\n"


@pytest.fixture(scope="module")
def sts(tmp_path_factory):
    with Sts(tmp_path_factory.mktemp("papers")) as w:
        yield w


@pytest.fixture(scope="module")
def dane(tmp_path_factory):
    with Dane(tmp_path_factory.mktemp("papers")) as w:
        yield w


@pytest.fixture(autouse=True)
def tidy(request):
    yield
    for name in {"sts", "dane"} & set(request.fixturenames):
        request.getfixturevalue(name).bob.ctl("queue", "drop", "--all", check=False)


def gone(world, address):
    wait_for(lambda: not [r for r in queue(world.bob) if r["recipient"] == address], what=f"{address} to be done")


def only(version, paper):
    """A server that speaks this version of TLS and no other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    context.load_cert_chain(*paper.files)
    return context


def weak(paper):
    """TLS 1.2 with ciphers that keep no secret of the past."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*paper.files)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0")
    return context


# ---- the ways out: each makes of a good server, with its paper, one that does this

def without_starttls(far, paper, world):
    far.tls = None


def starttls_refused(code):
    def bend(far, paper, world):
        far.replies["STARTTLS"] = f"{code} 4.7.0 TLS not available"
    return bend


def starttls_unknown(far, paper, world):
    far.replies["STARTTLS"] = "502 5.5.1 what?"


def garbage(far, paper, world):
    far.tls = "broken"


def injected(far, paper, world):
    far.replies["STARTTLS"] = INJECTED


def closed(far, paper, world):
    def close(session, line):
        raise ConnectionError
    far.replies["STARTTLS"] = close


def helo_only(far, paper, world):
    far.replies["EHLO"] = "502 5.5.1 what?"
    far.tls = None


def version(v):
    def bend(far, paper, world):
        far.tls = only(v, paper)
    return bend


def weak_ciphers(far, paper, world):
    far.tls = weak(paper)


def expired(far, paper, world):
    far.tls = world.paper(far.name, days=(-9, -1), **world.issuer).files


def other_name(far, paper, world):
    far.tls = world.paper("other.test", **world.issuer).files


def name_above(far, paper, world):
    far.tls = world.paper(far.name.split(".", 1)[1], f"*.{far.name}", "*.test", **world.issuer).files


def self_signed(far, paper, world):
    far.tls = world.paper(far.name, issuer=None).files


ANY = {"no_starttls": without_starttls, "454": starttls_refused(454), "554": starttls_refused(554),
       "502": starttls_unknown, "no_tls": garbage, "injected": injected, "closed": closed, "helo": helo_only,
       "tls1.0": version(ssl.TLSVersion.TLSv1), "tls1.1": version(ssl.TLSVersion.TLSv1_1), "weak": weak_ciphers,
       "expired": expired, "other_name": other_name, "name_above": name_above, "self_signed": self_signed}
NO_ANSWER = {"injected": "more than 220 before the TLS handshake", "closed": "4.4.2"}  # nothing about TLS was learnt


def assert_says_why(world, address, how, law):
    said = waiting(world.bob, address)["last_reply"]
    if how in NO_ANSWER:
        assert NO_ANSWER[how] in said
    else:
        assert "4.7." in said and law in said


@pytest.mark.parametrize("how", ANY)
def test_A170_mta_sts(sts, how):
    """Waits, 4.7.x, and nothing of the envelope is said in the clear; once it is
    put right, the same message goes."""
    sts.issuer = {}
    far = sts.far(tls=None)
    paper = sts.paper(far.name)
    far.tls = paper.files
    ANY[how](far, paper, sts)
    address = sts.send(far.domain)
    assert_says_why(sts, address, how, "MTA-STS")
    never_mailed(far)
    assert not any(line[:4] == b"AUTH" for s in far.sessions for line in s.lines)
    far.tls = paper.files
    far.replies.clear()
    far.got()
    assert far.messages[0].session.tls
    gone(sts, address)


@pytest.mark.parametrize("how", ANY)
@pytest.mark.parametrize("usage", ["ee", "ta"])
def test_A170_dane(dane, usage, how):
    """The same; the server's own key (DANE-EE) counts whatever names and dates
    stand beside it, a CA of its own (DANE-TA) does not (RFC 7672 s3.1)."""
    dane.issuer = {"issuer": dane.ca if usage == "ta" else None}
    far = dane.far()
    paper = dane.paper(far.name, **dane.issuer)
    far.tls = paper.files
    dane.tlsa(far.name, dane.ca.tlsa(2, 0, 1) if usage == "ta" else paper.tlsa(3, 1, 1))
    ANY[how](far, paper, dane)  # other papers have other keys
    address = dane.send(far.domain)
    assert_says_why(dane, address, how, "DANE")
    never_mailed(far)
    far.tls = paper.files
    far.replies.clear()
    far.got()
    assert far.messages[0].session.tls
    gone(dane, address)


@pytest.mark.parametrize("how", ANY)
def test_A170_where_no_policy_stands(sts, how):
    """It goes all the same: under TLS with whomever, or else in the clear; but for
    A169, where somebody in between has shown himself."""
    sts.issuer = {}
    far = sts.far(tls=None)
    sts.publish(far, None)
    paper = sts.paper(far.name)
    far.tls = paper.files
    ANY[how](far, paper, sts)
    if how == "injected":  # it may be better the next time
        address = sts.send(far.domain)
        assert_says_why(sts, address, how, "")
        never_mailed(far)
        far.replies.clear()
        far.got()
        return
    message, said = sts.relayed(far)
    assert bool(message.session.tls) == (how in ("expired", "other_name", "name_above", "self_signed"))
    assert "MTA-STS" not in said and "DANE" not in said
    assert not any(b"SIZE" in line or line[:4] == b"AUTH" for s in far.sessions for line in s.lines)


def test_A170_dane_before_mta_sts(sts):
    """A server that is good by one of its policies must be so by DANE, where that
    stands too (RFC 8461 s2); here it is not signed, and does not."""
    far = sts.far()
    sts.record(f"_{sts.port}._tcp.{far.name}", "TLSA", sts.ca.tlsa(3, 1, 1))
    assert "verified (MTA-STS)" in sts.relayed(far)[1]


def test_A170_all_servers_of_a_domain(sts):
    """The last of them is no better than the first: none gets it in the clear."""
    far = sts.far(mx=["*.remote.test"], tls=None)
    others = [sts.remote(far.domain, preference=p) for p in (20, 30)]
    others[0].tls = sts.paper("other.test").files
    others[1].tls = "broken"
    sts.deferred(far, "4.7.", "MTA-STS")
    never_mailed(far, *others)
    assert all(r.sessions for r in (far, *others))


# ---- TLSA records that are none

LENGTHS = [0, 1, 3, 19, 20, 65000]
STARTS = ["030101", "020001", "030100", "000000", "ffffff"]


@pytest.mark.parametrize("start", STARTS)
def test_A164_records_of_odd_length(dane, start):
    """(Postfix 20260524, 20260531) Of no use (RFC 7672 s2.1.1), so TLS it must be,
    with whomever; or DNS does not give them. In the clear nothing goes."""
    fars = []
    for length, tls in itertools.product(LENGTHS, (True, False)):
        data = (bytes.fromhex(start) + bytes(65000))[:length]
        far = dane.far(dane.paper("any.example") if tls else None, "hex:" + data.hex())
        fars.append((length, tls, far, dane.send(far.domain)))
    for length, tls, far, address in fars:
        def settled():
            row = [r for r in dane.bob.ctl("queue", "--recipient", address, "--json")["recipients"] if r["tries"]]
            return far.messages or row
        wait_for(settled, what=f"an end for {length} octets")
        assert all(m.session.tls for m in far.messages)
        if not tls:
            never_mailed(far)


def test_A164_a_crowd_of_records(dane):
    """More than are looked at, of every kind: the one that fits counts if it is
    among the first, and if none fits nothing goes."""
    paper = dane.paper("any.example")
    far = dane.far(paper, *[f"{u} {s} {m} {n:02x}{'00' * 31}" for n, (u, s, m) in enumerate(
        itertools.product((0, 1, 2, 3, 255), (0, 1, 2), (0, 1, 2, 255)))])
    dane.deferred(far.domain, "4.7.", "DANE")
    never_mailed(far)
