# SPDX-License-Identifier: MIT
"""MTA-STS for outgoing mail (RFC 8461) and what domains are told of it (RFC
8460): policies from a web server of ours, mail servers that keep them or not."""
import email
import email.policy
import gzip
import http.server
import itertools
import json
import os
import pathlib
import re
import signal
import smtplib
import ssl
import sys
import threading
import time

import dkim
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from paper import Paper  # noqa: E402
from pennypost import wait_for  # noqa: E402
from remote import World, free_port, queue_is_empty, waiting  # noqa: E402
from samples import everyday  # noqa: E402
from test_dane import never_mailed  # noqa: E402

BOB = "bob@bob.test"
names = itertools.count()


def policy(*mx, mode="enforce", age=86400):
    return "version: STSv1\r\nmode: %s\r\n%smax_age: %d\r\n" % (mode, "".join(f"mx: {m}\r\n" for m in mx), age)


class Web:
    """The hosts of policies, and of whoever takes reports by POST, at one port:
    {host: (paper, status, type, text)}."""

    def __init__(self):
        self.port = free_port("127.0.0.1")
        self.hosts, self.asked, self.posts = {}, [], []
        web = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                host = self.headers["Host"].split(":")[0]
                web.asked.append((host, self.path))
                _, status, kind, text = web.hosts[host]
                self.answer(status, kind, text.encode())

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                web.posts.append((self.headers["Host"], self.path, self.headers["Content-Type"], body))
                self.answer(201, "text/plain", b"")

            def answer(self, status, kind, body):
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # whom we do not trust hangs up

        self.server = Quiet(("127.0.0.1", self.port), Handler, bind_and_activate=False)
        self.server.allow_reuse_address = True
        self.server.server_bind()
        self.server.server_activate()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.sni_callback = self.choose
        # of no use: the name that is asked for decides
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                 do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def choose(self, sock, name, _):
        if name not in self.hosts:
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.hosts[name][0].files)
        sock.context = context

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Sts(World):
    def __init__(self, dir, **settings):
        self.papers, self.web = dir, Web()
        self.ca = Paper(dir, ca=True)
        super().__init__({"relay.timeout": "20s", "timeouts.handshake": "20s", "relay.trust": self.ca.files[0],
                          "test.https_port": self.web.port, "relay.linger": "0s", **settings}, servers=("bob",),
                         dns={"ttl": 0})

    def __exit__(self, *why):
        self.web.close()
        return super().__exit__(*why)

    def paper(self, *hosts, issuer="ca", **how):
        return Paper(self.papers, *hosts, issuer=self.ca if issuer == "ca" else issuer, **how)

    def far(self, mode="enforce", mx=None, tls="good", id="1", **how):
        """A domain, its server, its policy and where that is to be had."""
        domain = f"d{next(names)}.test"
        r = self.remote(domain)
        r.domain = domain
        if tls == "good":
            tls = self.paper(r.name, **how)
        r.tls = tls.files if tls else None
        r.text = policy(*(mx or [r.name]), mode=mode)
        self.publish(r, id)
        self.a(f"mta-sts.{domain}", "127.0.0.1")
        self.web.hosts[f"mta-sts.{domain}"] = (self.paper(f"mta-sts.{domain}"), 200, "text/plain", r.text)
        return r

    def publish(self, r, id):
        name = f"_mta-sts.{r.domain}"
        self.records = [x for x in self.records if x[0] != name]
        if id:
            self.records.append([name, "TXT", f'"v=STSv1; id={id};"'])
        self.dns.change(self.records, self.behaviours)

    def break_web(self, r, **how):
        """The policy cannot be had any more."""
        host = f"mta-sts.{r.domain}"
        paper, status, kind, text = self.web.hosts[host]
        self.web.hosts[host] = (how.get("paper", paper), how.get("status", status),
                                how.get("kind", kind), how.get("text", text))

    def fetches(self, r):
        return [path for host, path in self.web.asked if host == f"mta-sts.{r.domain}"]

    def send(self, domain):
        address = f"x{next(names)}@{domain}"
        self.bob.submit(BOB, [address], everyday(f"sts-{next(names)}", sender=BOB, to=address))
        return address

    def hops(self, address, what):
        journey = self.bob.ctl("journey", address, "--json")["journeys"][0]
        return [h for h in journey["hops"] if h["what"] == what]

    def relayed(self, far):
        before = len(far.messages)
        address = self.send(far.domain)
        far.got(before + 1)
        queue_is_empty(self.bob)
        hop, = self.hops(address, "relayed")
        return far.messages[-1], f"{hop['peer']} {hop['detail']}"

    def deferred(self, far, *words):
        """It waits, the journey says why, and nothing was said in the clear."""
        address = self.send(far.domain)
        row = waiting(self.bob, address)
        tried = wait_for(lambda: self.hops(address, "tried"), what="the hop of trying")[-1]
        for word in words:
            assert word in row["last_reply"], row
            assert word in f"{tried.get('code', '')} {tried['detail']}", tried
        self.bob.ctl("queue", "drop", "--all")
        return row


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with Sts(tmp_path_factory.mktemp("papers")) as w:
        yield w


# ---- enforce

def test_a_good_server_is_verified(world):
    far = world.far()
    message, said = world.relayed(far)
    assert message.session.tls and message.session.sni == far.name
    assert "verified (MTA-STS)" in said
    assert world.fetches(far) == ["/.well-known/mta-sts.txt"]
    world.relayed(far)
    assert len(world.fetches(far)) == 1  # it is known


def test_a_wildcard_names_it(world):
    far = world.far(mx=["*.remote.test"])
    assert "verified (MTA-STS)" in world.relayed(far)[1]


@pytest.mark.parametrize("how,words", [
    (dict(hosts=["other.test"]), ["is for other.test"]),
    (dict(days=(-9, -1)), ["expired"]),
    (dict(issuer=None), ["self-signed", "signed itself", "no CA we trust"]),
    (dict(issuer="other"), ["no CA we trust"]),
], ids=["name", "expired", "self-signed", "issuer"])
def test_a_bad_certificate_defers(world, how, words):
    if how.get("issuer") == "other":
        how = {**how, "issuer": Paper(world.papers, ca=True)}
    far = world.far(tls=None)
    hosts = how.pop("hosts", [far.name]) if "hosts" in how else [far.name]
    far.tls = world.paper(*hosts, **how).files
    row = world.deferred(far, "4.7.", "MTA-STS")
    assert any(w in row["last_reply"] for w in words), row["last_reply"]
    never_mailed(far)


def test_no_starttls_defers(world):
    far = world.far(tls=None)
    world.deferred(far, "4.7.", "MTA-STS")
    never_mailed(far)


@pytest.mark.parametrize("field, goes", [
    (b"TLS-Required: No", True), (b"tls-required:\r\n no ", True), (b"TLS-Required: Yes", False),
    (b"TLS-Required: No\r\nTLS-Required: No", False), (b"X-TLS-Required: No", False)])
def test_the_sender_may_do_without(world, field, goes):
    """RFC 8689 s3: of his own message the sender says that no policy counts."""
    far = world.far(tls=None)
    address = f"x{next(names)}@{far.domain}"
    world.bob.submit(BOB, [address], field + b"\r\n" + everyday("optional", sender=BOB, to=address))
    if goes:
        message, = far.got()
        queue_is_empty(world.bob)
        assert not message.session.tls and field.split(b"\r\n")[0] in message.content
        assert "in the clear (STARTTLS is not offered)" in world.hops(address, "relayed")[0]["detail"]
    else:
        assert "MTA-STS" in waiting(world.bob, address)["last_reply"]
        world.bob.ctl("queue", "drop", "--all")
        never_mailed(far)


def test_starttls_that_is_refused_defers(world):
    far = world.far()
    far.replies["STARTTLS"] = "454 4.7.0 not today"
    world.deferred(far, "4.7.", "MTA-STS")
    never_mailed(far)


def test_a_server_that_the_policy_does_not_name_is_not_used(world):
    far = world.far(mx=["mx.elsewhere.test"])
    world.deferred(far, "4.7.", "MTA-STS")
    assert not far.sessions


def test_the_next_server_may_be_a_good_one(world):
    """RFC 8461 s5.1: a candidate that fails is passed over."""
    far = world.far(tls=None)
    good = world.remote(far.domain, preference=20)
    good.tls = world.paper(good.name).files
    far.text = policy(far.name, good.name)
    world.break_web(far, text=far.text)
    address = world.send(far.domain)
    good.got()
    queue_is_empty(world.bob)
    assert "verified (MTA-STS)" in world.hops(address, "relayed")[0]["detail"]
    never_mailed(far)


# ---- where there is no policy

@pytest.mark.parametrize("wrong", ["404", "html", "malformed", "certificate", "record", "none"])
def test_what_is_no_policy_holds_up_nothing(world, wrong):
    """RFC 8461 s3.3: as though there were none."""
    far = world.far(tls=None)
    if wrong == "404":
        world.break_web(far, status=404)
    elif wrong == "html":
        world.break_web(far, kind="text/html")
    elif wrong == "malformed":
        world.break_web(far, text="version: STSv1\n<html>\n")
    elif wrong == "certificate":
        world.break_web(far, paper=world.paper("elsewhere.test"))
    elif wrong == "record":
        world.publish(far, None)
    elif wrong == "none":
        world.break_web(far, text=policy(mode="none"))
    message, said = world.relayed(far)
    assert not message.session.tls and "MTA-STS" not in said


# ---- the cache

def can_log_in(server):
    try:
        server.submission(BOB).close()
        return True
    except (OSError, smtplib.SMTPException):
        return False


def test_what_was_known_counts(world):
    """Whoever takes the record or the host away gains nothing; nor by a restart
    of ours."""
    far = world.far()
    world.relayed(far)
    far.tls = None
    world.break_web(far, status=500)
    world.publish(far, "2")
    world.deferred(far, "4.7.", "MTA-STS")
    assert len(world.fetches(far)) == 2
    world.deferred(far, "4.7.", "MTA-STS")
    assert len(world.fetches(far)) == 2  # s3.3: not again for five minutes
    world.publish(far, None)
    world.deferred(far, "4.7.", "MTA-STS")
    old = world.bob.pids()["maild"]
    os.kill(old, signal.SIGTERM)
    wait_for(lambda: world.bob.pids().get("maild") not in (None, old), what="another maild")
    wait_for(lambda: can_log_in(world.bob), what="logins")
    world.deferred(far, "4.7.", "MTA-STS")
    never_mailed(*[r for r in [far] if not r.messages])
    assert not any(not m.session.tls for m in far.messages)


def test_a_new_id_is_a_new_policy(world):
    far = world.far()
    assert "verified (MTA-STS)" in world.relayed(far)[1]
    world.break_web(far, text=policy(far.name, mode="testing"))
    world.publish(far, "2")
    far.tls = None
    assert not world.relayed(far)[0].session.tls
    assert len(world.fetches(far)) == 2


# ---- testing

def test_testing_holds_up_nothing(world):
    far = world.far(mode="testing", tls=world.paper("elsewhere.test"))
    message, said = world.relayed(far)
    assert message.session.tls
    assert "MTA-STS testing: not verified" in said


# ---- reports

def reports(raw):
    """The header and the JSON of a report that came as mail."""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "tlsrpt"
    words, data = message.iter_parts()
    assert words.get_content_type() == "text/plain"
    assert data.get_content_type() == "application/tlsrpt+gzip"
    return message, data, json.loads(gzip.decompress(data.get_content()))


def one(policies, kind):
    found, = [p for p in policies if p["policy"]["policy-type"] == kind]
    return found


def test_the_day_is_reported(tmp_path, monkeypatch):
    """Once, when it is over, to whoever asks for it, though that server keeps no
    policy; and of the report itself nothing is told."""
    with Sts(tmp_path, **{"test.clock": str(tmp_path / "clock")}) as w:
        w.bob.advance(f"{36 * 3600 - int(time.time()) % 86400}s")  # noon: no midnight comes in between
        w.bob.ctl("domain", "rotate", "bob.test")  # keys
        far = w.far(mode="testing", tls=w.paper("elsewhere.test"))
        strict = w.far(tls=None)
        quiet = w.far()
        w.record(f"_smtp._tls.{far.domain}", "TXT", f'"v=TLSRPTv1; rua=mailto:tls@{strict.domain}"')
        w.record(f"_smtp._tls.{strict.domain}", "TXT",
                 f'"v=TLSRPTv1; rua=https://reports.{strict.domain}:{w.web.port}/v1"')
        w.a(f"reports.{strict.domain}", "127.0.0.1")
        w.web.hosts[f"reports.{strict.domain}"] = (w.paper(f"reports.{strict.domain}"), 200, "text/plain", "")
        w.relayed(far)
        w.relayed(far)
        w.relayed(quiet)
        w.deferred(strict, "4.7.")
        w.bob.advance("30h")

        raw = strict.got()[0].content
        keys = {r["name"]: r["value"].encode()
                for r in w.bob.ctl("domain", "dns", "bob.test", "--json")["records"] if r["type"] == "TXT"}
        message, data, report = reports(raw)
        # RFC 8460 s3, s5.3
        with monkeypatch.context() as later:  # the signature is of a day to come
            now = time.time()
            later.setattr(dkim.time, "time", lambda: now + 5 * 86400)
            assert dkim.verify(raw, dnsfunc=lambda name, **_: keys[name.decode().rstrip(".")])
        signed = re.search(r"h=([^;]*)", message["DKIM-Signature"])[1].lower()
        assert "tls-report-domain" in signed and "tls-report-submitter" in signed
        assert "d=bob.test;" in message["DKIM-Signature"]
        day = report["date-range"]["start-datetime"][:10]
        assert report["date-range"] == {"start-datetime": f"{day}T00:00:00Z", "end-datetime": f"{day}T23:59:59Z"}
        assert report["organization-name"] == "mx.bob.test"
        assert report["contact-info"] == "postmaster@bob.test"
        assert message["TLS-Report-Domain"] == far.domain
        assert message["TLS-Report-Submitter"] == "bob.test"
        assert message["From"] == "postmaster@bob.test" and message["To"] == f"tls@{strict.domain}"
        assert message["TLS-Required"] == "No"
        assert message["Subject"] == (f"Report Domain: {far.domain} Submitter: bob.test "
                                      f"Report-ID: <{report['report-id']}>")
        assert re.fullmatch(rf"bob\.test!{far.domain}!\d+!\d+\.json\.gz", data.get_filename())
        assert strict.messages[0].sender == "postmaster@bob.test"
        entry = one(report["policies"], "sts")
        assert entry["policy"]["policy-domain"] == far.domain
        assert entry["policy"]["policy-string"] == far.text.split("\r\n")[:-1]
        assert entry["policy"]["mx-host"] == [far.name]
        assert entry["summary"] == {"total-successful-session-count": 0, "total-failure-session-count": 2}
        detail, = entry["failure-details"]
        assert detail["result-type"] == "certificate-host-mismatch"
        assert detail["receiving-mx-hostname"] == far.name and detail["receiving-ip"] == far.host
        assert detail["failed-session-count"] == 2

        wait_for(lambda: w.web.posts, what="a report by POST")
        host, path, kind, body = w.web.posts[0]
        assert path == "/v1" and kind == "application/tlsrpt+gzip"
        report = json.loads(gzip.decompress(body))
        detail = one(report["policies"], "sts")["failure-details"][0]
        assert detail["result-type"] == "starttls-not-supported"
        assert detail["failed-session-count"] >= 1
        queue_is_empty(w.bob)
        # another day goes by: nothing is told twice, nor of what was told
        w.bob.advance("30h")
        w.bob.ctl("queue", "list")
        assert len(strict.messages) == 1 and len(w.web.posts) == 1
        assert not quiet.messages[1:]
