# SPDX-License-Identifier: MIT
"""DMARC over rspamd's messages, and the author, over hostile From fields;
Authentication-Results against python3-authres.

rspamd's messages and zone are found by PENNYPOST_CORPUS (dmarc/rspamd); what
it expects of them is in its functional test 115_dmarc, and stands below.
tests/policy/accepted.txt says where we differ, and why."""
import ipaddress
import os
import pathlib
import random
import re
import subprocess

import pytest

HERE = pathlib.Path(__file__).parent
MX = "mx.d.test"
SUITE = "dmarc/rspamd"


class Probe:
    def __init__(self):
        path = pathlib.Path(os.environ.get("PP_BUILD", ".")) / "probe_dmarc"
        self.process = subprocess.Popen(
            [path], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            encoding="utf-8")

    def say(self, *words):
        self.process.stdin.write(" ".join(words) + "\n")

    def ask(self, *words):
        self.say(*words)
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the probe has died"
        return line.rstrip("\n")

    def zone(self, lines):
        self.say("reset")
        for line in lines:
            self.say("zone", line)

    def message(self, message, ip="192.0.2.1", sender="<>", helo="h.example"):
        """(words, why); the words: author result policy published domain
        organization spf dkim..."""
        words, why = self.ask("message", ipaddress.ip_address(ip).packed.hex(),
                              helo, sender, message.hex()).split(" | ", 1)
        return words.split(), why

    def strip(self, host, block):
        return bytes.fromhex(self.ask("strip", host, block.hex()))

    def results(self, host, methods):
        """methods: [(method, result, [(type, name, value)])]"""
        words = []
        for method, result, properties in methods:
            words += [method, result]
            for kind, name, value in properties:
                words += [kind, name, value.hex()]
            words.append("-")
        return bytes.fromhex(self.ask("results", host, *words))


@pytest.fixture(scope="module")
def probe():
    p = Probe()
    yield p
    p.process.stdin.close()
    assert p.process.wait() == 0


# ---- rspamd ----

def rspamd():
    root = os.environ.get("PENNYPOST_CORPUS")
    if not root:
        pytest.skip("PENNYPOST_CORPUS is not set: no suites to run")
    return pathlib.Path(root) / "dmarc" / "rspamd"


def zone_lines(text):
    """The fake_records of rspamd's configuration as lines of zone.h"""
    for block in re.findall(r"\{([^{}]*)\}", text):
        name = re.search(r'\bname\s*=\s*"([^"]*)"', block)
        kind = re.search(r'\btype\s*=\s*"?(\w+)', block)
        if not name or not kind:
            continue
        name, kind = name[1], kind[1].upper()
        if kind not in ("A", "AAAA", "MX", "TXT", "PTR"):
            continue
        rcode = re.search(r"\brcode\s*=\s*['\"](\w+)", block)
        if rcode and rcode[1] != "noerror":
            what = {"norec": "NODATA", "nxdomain": "NXDOMAIN"}
            if rcode[1] not in what:
                yield f"{name} {kind} TIMEOUT"
            elif rcode[1] == "norec":
                yield f"{name} ANY NODATA"
            continue
        replies = re.search(r"\breplies\s*=\s*\[(.*)\]", block, re.S)
        for data in re.findall(r'"((?:[^"\\]|\\.)*)"',
                               replies[1] if replies else ""):
            yield f"{name} {kind} {data}"


# what rspamd calls it: our result, and policy where it has one
SYMBOLS = {
    "ALLOW": ("pass",),
    "SOFTFAIL": ("fail", "none"),
    "QUARANTINE": ("fail", "quarantine"),
    "REJECT": ("fail", "reject"),
    "DNSFAIL": ("temperror",),
    "NA": ("none",),
}
MOM = "37.48.67.26"
CASES = [  # 115_dmarc.robot: message, address, sender, symbol
    ("pass_none", None, None, "ALLOW"),
    ("fail_none", "8.8.4.4", "foo@spf.cacophony.za.org", "ALLOW"),
    ("fail_none", None, None, "SOFTFAIL"),
    ("fail_reject", None, None, "REJECT"),
    ("fail_quarantine", None, None, "QUARANTINE"),
    ("subdomain_fail_none", None, None, "SOFTFAIL"),
    ("subdomain_fail_reject", None, None, "REJECT"),
    ("subdomain_fail_quarantine", None, None, "QUARANTINE"),
    ("onsubdomain_fail_alignment", None, None, "REJECT"),
    ("onsubdomain_pass_relaxed", None, None, "ALLOW"),
    ("onsubdomain_fail_alignment", MOM, "foo@yo.mom.za.org", "ALLOW"),
    ("onsubdomain_fail_alignment", MOM, "foo@mom.za.org", "REJECT"),
    ("onsubdomain_fail", MOM, "foo@mom.za.org", "ALLOW"),
    ("dmarc_tmpfail", MOM, "foo@mom.za.org", "DNSFAIL"),
    ("pct_none", MOM, "foo@mom.za.org", "QUARANTINE"),
    ("pct_none1", MOM, "foo@mom.za.org", "SOFTFAIL"),
]


def accepted():
    cases = {}
    for line in (HERE / "accepted.txt").read_text().splitlines():
        if line.startswith(SUITE + " "):
            case, reason = line[len(SUITE) + 1:].split(" : ", 1)
            cases[case] = reason
    return cases


def test_rspamd(probe):
    folder, known, used, wrong = rspamd(), accepted(), set(), []
    zone = (folder / "zone" / "merged-local.conf").read_text()
    probe.zone(zone_lines(zone))
    for name, ip, sender, symbol in CASES:
        raw = (folder / (name + ".eml")).read_bytes()
        got, why = probe.message(re.sub(rb"\r?\n", b"\r\n", raw),
                                 ip or "127.0.0.1", sender or "<>")
        if tuple(got[1:1 + len(SYMBOLS[symbol])]) == SYMBOLS[symbol]:
            continue
        case = f"{name} {sender or ''}".strip()
        if case in known:
            used.add(case)
        else:
            wrong.append((case, symbol, got, why))
    assert wrong == []
    assert used == set(known), "accepted.txt has what is no difference"


def test_all_messages_have_a_verdict(probe):
    """Real and spoilt ones: reports that providers send, too."""
    folder = rspamd()
    probe.zone(zone_lines((folder / "zone" / "merged-local.conf").read_text()))
    paths = sorted(folder.glob("*.eml")) + \
        sorted((folder.parent / "mox").glob("*.eml"))
    assert len(paths) >= 30
    for path in paths:
        raw = re.sub(rb"\r?\n", b"\r\n", path.read_bytes())
        got, why = probe.message(raw)
        assert got[1] in ("none", "pass", "fail", "temperror"), (path, why)


# ---- who writes (A105, A111 to A114) ----

LEGIT = ["legit.test A 192.0.2.7", "_dmarc.legit.test TXT v=DMARC1; p=reject",
         "attack.test A 192.0.2.9", "attack.test TXT v=spf1 +all",
         "_dmarc.attack.test TXT v=DMARC1; p=none"]
HOSTILE = [
    b"From: <a@attack.test>\r\nFrom: <admin@legit.test>\r\n",
    b"from: <a@attack.test>\r\nFROM: <admin@legit.test>\r\n",
    b" From: <a@attack.test>\r\nFrom: <admin@legit.test>\r\n",
    b"From : <admin@legit.test>\r\n",
    b"From\t: <admin@legit.test>\r\n",
    b"From\r\n : <admin@legit.test>\r\n",
    b"From: <a@attack.test>\r\nFrom\r\n : <admin@legit.test>\r\n",
    b"From\x00: <admin@legit.test>\r\nFrom: <a@attack.test>\r\n",
    b"From\xa0: <admin@legit.test>\r\nFrom: <a@attack.test>\r\n",
    b"\xef\xbb\xbfFrom: <admin@legit.test>\r\nFrom: <a@attack.test>\r\n",
    b"Sender: <admin@legit.test>\r\n",
    b"Resent-From: <admin@legit.test>\r\n",
    b"From:\r\n", b"From: \r\n \r\n", b"From: nobody\r\n", b"From: <>\r\n",
    b"From: <a@attack.test>, <admin@legit.test>\r\n",
    b"From: =?utf-8?B?YWRtaW5AbGVnaXQudGVzdA==?=,<second@attack.test>\r\n",
    b"From: =?utf-8?B?PGFkbWluQGxlZ2l0LnRlc3Q+?=@attack.test\r\n",
    b"From: <=?utf-8?Q?admin=40legit.test?=@attack.test>\r\n",
    b"From: <@attack.test,@any.test:admin@legit.test>\r\n",
    b"From: <@attack.test:admin@legit.test>\r\n",
    b"From: <admin@legit.test>\\,<x@attack.test>\r\n",
    b"From: admin@legit.test,<x@attack.test>\r\n",
    b"From: <x@attack.test>admin@legit.test\r\n",
    b"From: admin@legit.test <x@attack.test>\r\n",
    b"From: <admin@legit.test><x@attack.test>\r\n",
    b"From: <admin@legit.test> <x@attack.test>\r\n",
    b"From: admin@legit.test(x@attack.test\r\n",
    b"From: <admin@legit.test(x)@attack.test>\r\n",
    b"From: <admin(<x@attack.test>)@legit.test>\r\n",
    b"From: \"admin@legit.test\"@attack.test\r\n",
    b"From: \"admin@legit.test,\"@attack.test\r\n",
    b"From: <\"admin@legit.test>\"@attack.test>\r\n",
    b"From: admin@legit.test@attack.test\r\n",
    b"From: <admin@legit.test@attack.test>\r\n",
    b"From: group: admin@legit.test;, x@attack.test\r\n",
    b"From: legit.test: x@attack.test;\r\n",
    b"From: <admin@legit.test\x00@attack.test>\r\n",
    b"From: <x@attack.test>\rFrom: <admin@legit.test>\r\n",
    b"From: <x@attack.test>\nFrom: <admin@legit.test>\r\n",
    b"From: <x@attack.test>\r\n\rFrom: <admin@legit.test>\r\n",
    b"From: <admin@legit.test'@attack.test>, <y@x>\r\n",
    b"From: x@[192.0.2.1]\r\n", b"From: x@-a.test\r\n",
    b"From: x@a..test\r\n", b"From: .x@attack.test\r\n",
]
CLEAR = [
    (b"From: admin@legit.test\r\n", "legit.test"),
    (b"From: Admin <ADMIN@Legit.TEST>\r\n", "legit.test"),
    (b"fRoM:\t\"Last, First\" <x@attack.test> (at work)\r\n", "attack.test"),
    (b"From: J. R. User <x@attack.test>\r\n", "attack.test"),
    (b"From: =?utf-8?Q?admin=40legit.test=3E?= <x@attack.test>\r\n",
     "attack.test"),
    (b"From: \"admin@legit.test\" <x@attack.test>\r\n", "attack.test"),
    (b"From: (admin@legit.test) x@attack.test\r\n", "attack.test"),
    (b"From: A <a@legit.test>,\r\n B <b@LEGIT.test>\r\n", "legit.test"),
    (b"From: \"a b\"@legit.test\r\n", "legit.test"),
    (b"From: x@b\xc3\xbccher.example\r\n", "xn--bcher-kva.example"),
    (b"Subject: From: x\r\nFrom:\r\n x@legit.test\r\n", "legit.test"),
    (b"From: x@legit.test.\r\n", None),
]


def test_hostile_authors(probe):
    probe.zone(LEGIT)
    for block in HOSTILE:
        got, why = probe.message(block + b"\r\nhi\r\n", sender="x@attack.test")
        assert got == ["-", "unclear"], (block, got)
        assert why
    for block, author in CLEAR:
        got, why = probe.message(block + b"\r\nhi\r\n", sender="x@attack.test")
        assert got[0] == (author or "-"), (block, got, why)
        if author == "legit.test":
            assert got[1:3] == ["fail", "reject"], block
        elif author == "attack.test":
            assert got[1] == "pass", block


# ---- Authentication-Results (A118, A119) ----

FORGED = [
    b"Authentication-Results: mx.d.test; dkim=pass header.d=legit.test\r\n",
    b"AUTHENTICATION-RESULTS : mx.d.test;dkim=pass\r\n",
    b"authentication-results:MX.D.TEST;dkim=pass\r\n",
    b"Authentication-Results:\r\n\tmx.d.test;\r\n\tdkim=pass\r\n",
    b"Authentication-Results: (x) mx.d.test (y (z)); dkim=pass\r\n",
    b"Authentication-Results: mx.d.test(x); dkim=pass\r\n",
    b"Authentication-Results: \"mx.d.test\"; dkim=pass\r\n",
    b"Authentication-Results: \"m\\x.d.test\"; dkim=pass\r\n",
    b"Authentication-Results: mx.d.test 1; dkim=pass\r\n",
    b"Authentication-Results: mx.d.test. ; dkim=pass\r\n",
    b"Authentication-Results: mx.d.test\r\n",
    b"Authentication-Results: \xef\xbd\x8dx.d.test; dkim=pass\r\n",
    b"Authentication-Results\r\n : mx.d.test; dkim=pass\r\n",
    b"Authentication-Results\t: mx.d.test; dkim=pass\r\n",
    b"Authentication-Results: =?utf-8?q?mx.d.test?=; dkim=pass\r\n",
    b"Authentication-Results: (mx.d.test; dkim=pass\r\n",
    b"Authentication-Results: <mx.d.test>; dkim=pass\r\n",
    b"Authentication-Results: mx.d.test/1; dkim=pass\r\n",
    b"Received-SPF: pass (x) receiver=mx.d.test; client-ip=192.0.2.1\r\n",
    b"received-spf : Pass receiver=\"MX.d.test\"\r\n",
]
KEPT = [  # in no name of ours: real mail has them
    b"Authentication-Results: ; dkim=pass\r\n",
    b"Authentication-Results: dkim=pass header.d=legit.test\r\n",
    b"Received-SPF: pass\r\n",
    b"Authentication-Results: other.test; dkim=pass header.d=a.test\r\n",
    b"Authentication-Results: xmx.d.test; none\r\n",
    b"Authentication-Results: mx.d.test.other.test 1; none\r\n",
    b"ARC-Authentication-Results: i=1; mx.d.test; dkim=pass\r\n",
    b"X-Authentication-Results: mx.d.test; dkim=pass\r\n",
    b"Received-SPF: pass receiver=other.test;\r\n",
    b"Subject: Authentication-Results: mx.d.test; dkim=pass\r\n",
    b"From: x@legit.test\r\n",
]


def test_forged_results_are_taken_out(probe):
    assert probe.strip(MX, b"".join(FORGED)) == b""
    assert probe.strip(MX, b"".join(KEPT)) == b"".join(KEPT)
    mixed = FORGED + KEPT
    for seed in range(20):
        random.Random(seed).shuffle(mixed)
        left = [f for f in mixed if f in KEPT]
        if mixed[0].startswith(b"Authentication-Results\r\n"):
            continue
        assert probe.strip(MX, b"".join(mixed)) == b"".join(left)
    host = "xn--bcher-kva.example"
    forged = "Authentication-Results: bücher.example; dkim=pass\r\n".encode()
    assert probe.strip(host, forged) == b""


VALUES = [
    b'"x; dkim=pass header.d=legit.test"@attack.test', b"x;dmarc=pass",
    b"x@attack.test", b"@attack.test", b"attack.test", b"192.0.2.1",
    b"2001:db8::1", b"ab/cd+e=", b"a b", b'a"b', b"a\\b", b'a\\"; spf=pass',
    b"x\r\nFrom: y", b"\x00\x01", b"", b"(", b"x (;) y", b"\xff\xfe",
    "jörg@bücher.example".encode(), b"a" * 2000, b"\\", b'"', b";" * 50,
    b"a@b;c=d", b"a;b@c", b"=", b"dkim=pass", b"a@b@c", b"x\t;\tdkim=pass",
]


def parsed(field):
    """[(method, result)] as python3-authres reads it"""
    authres = pytest.importorskip("authres")
    text = field.decode("utf-8", "replace").replace("\r\n", "")
    header = authres.AuthenticationResultsHeader.parse(text)
    assert header.authserv_id == MX
    return [(r.method, r.result) for r in header.results]


def test_results_have_no_more_methods_than_written(probe):
    rng = random.Random(8601)
    assert probe.results(MX, []).split() == \
        b"Authentication-Results: mx.d.test; none".split()
    values = VALUES + [bytes(rng.randrange(256) for _ in range(
        rng.randrange(60))) for _ in range(300)] + [bytes(
            rng.choice(b'a@;="\\() .') for _ in range(rng.randrange(40)))
            for _ in range(300)]
    for value in values:
        field = probe.results(MX, [
            ("spf", "pass", [("smtp", "mailfrom", value),
                             ("smtp", "helo", value)]),
            ("dmarc", "fail", [("header", "from", value)])])
        assert field.endswith(b"\r\n")
        assert max(map(len, field.split(b"\r\n"))) < 998
        assert re.fullmatch(rb"(?:[^\r\n\0]|\r\n\t)*\r\n", field), field
        # readers who only split at semicolons see no more, either
        assert field.count(b";") == 2, field
        if all(c < 128 for c in field):
            assert parsed(field) == [("spf", "pass"), ("dmarc", "fail")], field
