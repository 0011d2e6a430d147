# SPDX-License-Identifier: MIT
"""What strangers may publish: MTA-STS policies and where TLS reports go to (RFC
8461, RFC 8460), from web servers and a DNS that mean no good.
(tests/e2e/test_sts.py has the friendly ones.)"""
import gzip
import json
import time

import pytest

from paper import Paper
from pennypost import wait_for
from remote import World, queue_is_empty
from rogue_web import RogueWeb
from test_sts import BOB, Sts, policy

OWN_SERVER = True
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"


class Rogues(Sts):
    """As Sts, but its web server has no manners."""

    def __init__(self, dir, **settings):
        self.papers, self.web = dir, RogueWeb()
        self.ca = Paper(dir, ca=True)
        World.__init__(self, {"relay.timeout": "60s", "timeouts.handshake": "60s", "relay.trust": self.ca.files[0],
                              "test.https_port": self.web.port, "relay.linger": "0s", **settings}, servers=("bob",),
                       dns={"ttl": 0})

    def rogue(self, r, deed):
        """Its policy is this from now on."""
        host = f"mta-sts.{r.domain}"
        self.web.hosts[host] = (self.web.hosts[host][0], deed)

    def web_host(self, name, deed=(201, "text/plain", "")):
        self.a(name, "127.0.0.1")
        self.web.hosts[name] = (self.paper(name), *deed) if isinstance(deed, tuple) else (self.paper(name), deed)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with Rogues(tmp_path_factory.mktemp("papers")) as w:
        yield w


# ---- hosts of policies

def good(r):
    """The policy's text, should anybody want to read it there."""
    return policy(r.name).encode()


ROGUES = {
    "body_without_end": lambda r: lambda talk: (talk.say(HEAD + b"\r\n" + good(r)), talk.flood(b"x: y\r\n" * 10000)),
    "ten_megabytes": lambda r: HEAD + b"Content-Length: 10000000\r\n\r\n" + good(r) + b"x: y\r\n" * 1700000,
    "size_that_overflows": lambda r: HEAD + b"Content-Length: 18446744073709551616\r\n\r\n" + good(r),
    "negative_size": lambda r: HEAD + b"Content-Length: -1\r\n\r\n" + 70000 * b"x",
    "headers_without_end": lambda r: lambda talk: (talk.say(HEAD), talk.flood(b"X-Y: z\r\n" * 10000)),
    "one_header_without_end": lambda r: lambda talk: (talk.say(HEAD + b"X: "), talk.flood(b"y" * 100000)),
    "continue_without_end": lambda r: lambda talk: talk.flood(b"HTTP/1.1 100 Continue\r\n\r\n" * 10000),
    "chunks_without_end": lambda r: lambda talk: (
        talk.say(HEAD + b"Transfer-Encoding: chunked\r\n\r\n"), talk.flood(b"5\r\nx: y\n\r\n" * 10000)),
    "chunk_size_without_end": lambda r: lambda talk: (
        talk.say(HEAD + b"Transfer-Encoding: chunked\r\n\r\n"), talk.flood(b"0" * 100000)),
    "trailers_without_end": lambda r: lambda talk: (
        talk.say(HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nx: \r\n0\r\n"), talk.flood(b"X-Y: z\r\n" * 10000)),
    "redirect": lambda r: b"HTTP/1.1 301 x\r\nLocation: https://elsewhere.test/\r\nContent-Length: 0\r\n\r\n",
    "redirect_to_file": lambda r: b"HTTP/1.1 302 x\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n",
    "status_204": lambda r: b"HTTP/1.1 204 x\r\nContent-Type: text/plain\r\n\r\n",
    "no_status": lambda r: good(r),
    "no_http": lambda r: b"220 mx ESMTP\r\n" + good(r),
    "nothing": lambda r: b"",
    "no_type": lambda r: b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(good(r)) + good(r),
    "other_type": lambda r: b"HTTP/1.1 200 OK\r\nContent-Type: text/plainer\r\n\r\n" + good(r),
    "packed": lambda r: HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(good(r) + b"x: y\r\n" * 1000000),
    "cut_off": lambda r: HEAD + b"Content-Length: 1000\r\n\r\n" + good(r),
    "nul": lambda r: HEAD + b"\r\n" + good(r).replace(b"mode", b"mo\0de"),
    "hangs": lambda r: lambda talk: talk.hang(),
    "drips": lambda r: lambda talk: talk.drip(HEAD + b"\r\n" + good(r) * 1000),
    "drips_its_header": lambda r: lambda talk: talk.drip(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 10000),
}


def test_hosts_of_policies_without_manners(world):
    """Each gets as much memory and time as a policy may have, and holds up its own
    domain's mail only, and only so long."""
    world.web_host("elsewhere.test", (200, "text/plain", policy("mx.elsewhere.test")))
    fars = {}
    for name, deed in ROGUES.items():
        fars[name] = far = world.far(tls=None)
        world.rogue(far, deed(far))
        world.send(far.domain)
    for name, far in fars.items():
        message, = wait_for(lambda: far.messages, 180, f"mail past a host that does {name}")
        assert not message.session.tls
        assert world.fetches(far), name
    assert "elsewhere.test" not in [host for host, _ in world.web.asked]
    for name in ("body_without_end", "headers_without_end", "one_header_without_end", "continue_without_end",
                 "chunks_without_end", "chunk_size_without_end", "trailers_without_end"):
        taken = wait_for(lambda: world.web.sent.get(f"mta-sts.{fars[name].domain}") is not None and world.web.sent, 60,
                         "its end")[f"mta-sts.{fars[name].domain}"]
        assert taken < 1 << 27, name  # what is not read fills the buffers between us
    queue_is_empty(world.bob)


@pytest.mark.parametrize("name", ["redirect", "other_type", "packed", "ten_megabytes", "no_http", "status_204"])
def test_what_was_known_is_not_taken_away_by(world, name):
    """A policy that was good counts, whatever comes in its place."""
    far = world.far()
    assert "verified (MTA-STS)" in world.relayed(far)[1]
    far.tls = None
    world.rogue(far, ROGUES[name](far))
    world.publish(far, "2")
    world.deferred(far, "4.7.", "MTA-STS")
    assert all(m.session.tls for m in far.messages)


def test_a_policy_that_ends_itself(world):
    """Its owner may: under TLS, from the host of policies, with an id of its own
    (RFC 8461 s8.3)."""
    far = world.far()
    world.relayed(far)
    far.tls = None
    world.break_web(far, text=policy(mode="none"))
    world.deferred(far, "4.7.", "MTA-STS")  # the id is the same
    world.publish(far, "2")
    message, said = world.relayed(far)
    assert not message.session.tls and "MTA-STS" not in said


RECORDS = {
    "two_records": ['"v=STSv1; id=2;"', '"v=STSv1; id=3;"'],
    "a_hundred_records": [f'"v=STSv1; id=a{n};"' for n in range(100)],
    "two_ids": ['"v=STSv1; id=2; id=3;"'],  # the first counts
    "no_id": ['"v=STSv1;"'],
    "long_id": ['"v=STSv1; id=%s;"' % ("9" * 33)],
    "id_with_signs": ['"v=STSv1; id=../../x;"'],
    "id_with_line_end": ['"v=STSv1; id=2\\013\\010x;"'],
    "nul": ['"v=STSv1; id=2\\000;"'],
    "64k": [" ".join(['"v=STSv1; id=2; "'] + ['"x=%s;"' % ("y" * 240)] * 240)],
    "malformed": ["hex:ff763d"],
    "empty": ["hex:"],
}


WELL_FORMED = ["two_ids", "64k"]


@pytest.mark.parametrize("name", RECORDS)
def test_records_that_name_no_policy(world, name):
    """Without a policy known before nothing is fetched, or it is one policy; with
    one known before that counts (s3.1)."""
    fresh = world.far(tls=None)
    known = world.far()
    world.relayed(known)
    known.tls = None
    world.break_web(fresh, status=404)
    world.break_web(known, text=policy(mode="none"))
    for far in (fresh, known):
        owner = f"_mta-sts.{far.domain}"
        world.records = [r for r in world.records if r[0] != owner] + [[owner, "TXT", t] for t in RECORDS[name]]
    world.dns.change(world.records, world.behaviours)
    message, said = world.relayed(fresh)
    assert not message.session.tls and "MTA-STS" not in said
    assert len(world.fetches(fresh)) == (name in WELL_FORMED)
    if name not in WELL_FORMED:
        world.deferred(known, "4.7.", "MTA-STS")
        assert len(world.fetches(known)) == 1


# ---- where reports go to

def noon(world):
    """So that no day ends while the test goes on."""
    world.bob.advance(f"{36 * 3600 - int(time.time()) % 86400}s")


def txt(text):
    """As strings of a TXT record, of 255 octets at most."""
    return " ".join('"%s"' % text[n:n + 250] for n in range(0, len(text), 250))


def is_report(raw):
    return b"report-type" in raw and b"tlsrpt" in raw


def test_reports_to_everybody_and_nobody(tmp_path):
    """A stranger's DNS says where reports go: to four places, to hosts that have
    a name and a certificate, once; and never into a circle."""
    with Rogues(tmp_path, **{"test.clock": str(tmp_path / "clock")}) as w:
        noon(w)
        crowd, ours, inside, odd, web = [w.far(mode="testing", tls=w.paper("elsewhere.test")) for _ in range(5)]
        post = w.remote("post.test")
        w.web_host("reports.test", lambda talk: talk.flood(b"HTTP/1.1 100 Continue\r\n\r\n" * 10000))
        w.web_host("moved.test", b"HTTP/1.1 307 x\r\nLocation: https://victim.test:%d/\r\nContent-Length: 0\r\n\r\n"
                   % w.web.port)
        w.web_host("victim.test")
        w.web_host("last.test")

        def rua(far, *uris):
            w.record(f"_smtp._tls.{far.domain}", "TXT", txt("v=TLSRPTv1; rua=" + ",".join(uris)))
        rua(crowd, *[f"mailto:tls{n}@post.test" for n in range(2500)])
        rua(ours, "mailto:ben@bob.test", "mailto:nobody@bob.test", "mailto:round@bob.test", "mailto:postmaster@bob.test")
        w.bob.ctl("alias", "add", "round@bob.test", f"x@{ours.domain}")
        # none of these has a host that a certificate could be for, or they are no https
        rua(inside, f"https://127.0.0.1:{w.web.port}/a", f"https://[::1]:{w.web.port}/a",
            f"https://localhost:{w.web.port}/a", f"https://x@last.test:{w.web.port}/a")
        rua(odd, f"http://last.test:{w.web.port}/", "mailto:a%0d%0aBcc:v@post.test", "mailto:a@post.test,b@post.test?bcc=c@post.test",
            "ldap://last.test/")
        rua(web, *[f"https://{h}.test:{w.web.port}/{h}" for h in ("reports", "moved", "last")])
        fars = [crowd, ours, inside, odd, web]
        for far in fars:
            w.relayed(far)
            far.messages.clear()
        w.bob.advance("30h")
        wait_for(lambda: [p for p in w.web.posts if p[0] == "last.test"], 120, "a report by POST")
        queue_is_empty(w.bob)
        assert [p[1] for p in w.web.posts] == ["/reports", "/moved", "/last"]  # each once, and nowhere else
        body, = [p[2] for p in w.web.posts if p[0] == "last.test"]
        assert json.loads(gzip.decompress(body))["policies"][0]["policy"]["policy-domain"] == web.domain
        assert [h for h in w.web.called if not str(h).startswith("mta-sts.")] == ["reports.test", "moved.test", "last.test"]
        assert w.web.sent["reports.test"] < 1 << 27
        told = [r for m in post.messages for r in m.recipients]
        assert sorted(r for r in told if r.startswith("tls")) == [f"tls{n}@post.test" for n in range(4)]
        assert not [r for r in told if r.startswith("v")]
        assert all(b"Bcc" not in m.content and b"bcc" not in m.content for m in post.messages)
        mine = [m for m in w.bob.fetch(BOB) + w.bob.fetch("ben@bob.test") if is_report(m)]
        assert 1 <= len(mine) <= 2  # ben, and whoever is postmaster here
        assert len([m for m in ours.messages if is_report(m.content)]) == 1  # round@, passed on
        # what told others is not told: the next days are quiet but for what went before
        for far in [*fars, post]:
            far.messages.clear()
        w.web.posts.clear()
        for _ in range(2):
            w.bob.advance("30h")
            queue_is_empty(w.bob)
        assert not [m for far in [*fars, post] for m in far.messages]
        assert not w.web.posts
        assert not [m for m in w.bob.fetch("ben@bob.test", delete=True)][1:]
