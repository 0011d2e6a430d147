# SPDX-License-Identifier: MIT
"""DKIM over the suites of Mail::DKIM, dkimpy and chasquid, and both ways with
dkimpy on generated messages."""
import base64
import json
import os
import pathlib
import random
import re
import subprocess

import pytest

HERE = pathlib.Path(__file__).parent
PROBE = pathlib.Path(os.environ.get("PP_BUILD", ".")) / "probe_dkim"
NOW = 1_700_000_000
FINAL = {"pass", "fail", "policy", "neutral", "temperror", "permerror"}


def corpus(name):
    """The folder of a suite, or skip."""
    root = os.environ.get("PENNYPOST_CORPUS")
    if not root:
        pytest.skip("PENNYPOST_CORPUS is not set")
    folder = pathlib.Path(root) / "dkim" / name
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    return folder


def accepted(suite):
    """Cases of a suite that we judge otherwise, with the reason."""
    found = {}
    for line in (HERE / "accepted.txt").read_text().splitlines():
        if line.startswith(suite + " "):
            case, reason = line[len(suite) + 1:].split(" : ", 1)
            assert reason.strip()
            found[case] = reason
    return found


def crlf(octets):
    return re.sub(b"\r?\n", b"\r\n", octets)


class Probe:
    """Messages in, verdicts out."""

    def __init__(self, folder):
        self.folder = folder
        self.process = subprocess.Popen(
            [PROBE], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.files = 0
        self.say(f"now {NOW}")

    def say(self, line):
        if isinstance(line, str):
            line = line.encode()
        assert b"\n" not in line
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def hear(self):
        line = self.process.stdout.readline()
        assert line, "the probe is gone"
        return line.decode("utf-8", "replace").rstrip("\n")

    def txt(self, name, text):
        if isinstance(text, str):
            text = text.encode()
        self.say(b"zone " + name.encode() + b" TXT " + text)

    def file(self, message):
        path = self.folder / f"{self.files}.eml"
        self.files += 1
        path.write_bytes(message)
        return path

    def verify(self, message, piece=None):
        """[{result, domain, selector, ...}], and how many signatures."""
        self.say(f"piece {piece or 1 << 30}")
        self.say(f"verify {self.file(message)}")
        word, n, of, every = self.hear().split()
        assert (word, of) == ("dkim", "of")
        names = ("result domain selector identity algorithm part bits b why"
                 .split())
        rows = [dict(zip(names, self.hear().split("\t")))
                for _ in range(int(n))]
        assert all(r["result"] in FINAL for r in rows)
        assert all((r["why"] == "-") == (r["result"] == "pass") for r in rows)
        return rows, int(every)

    def results(self, message):
        return [r["result"] for r in self.verify(message)[0]]

    def make(self, kind):
        """A key: its secret, PKCS#8; its record."""
        self.say(f"key {kind}")
        word, secret, record = self.hear().split(" ", 2)
        assert word == "key"
        return bytes.fromhex(secret), record

    def sign(self, message, domain, selector):
        self.say(f"sign {self.file(message)} {domain} {selector}")
        word, field = self.hear().split()
        assert word == "field"
        return bytes.fromhex(field)

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        assert self.process.wait() == 0


@pytest.fixture
def probe(tmp_path):
    p = Probe(tmp_path)
    yield p
    p.close()


# ---- suites of others ----

def fake_dns(probe, path):
    """FAKE_DNS.dat: a name, then the record, NXDOMAIN, "" or ~~trouble~~."""
    for line in path.read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        name, text = line.split(None, 1)
        text = text.rstrip("\n")
        if text.startswith("~~"):
            text = "TIMEOUT"
        if text != "NXDOMAIN":
            probe.txt(name, "" if text == '""' else text)


def test_mail_dkim(probe):
    """The file name is the verdict: good_ and goodkey_ pass, mine_ too, others
    do not; in multiple_ at least one does."""
    folder = corpus("mail-dkim")
    fake_dns(probe, folder / "FAKE_DNS.dat")
    other = accepted("dkim/mail-dkim")
    differ = {}
    seen = 0
    for path in sorted((folder / "corpus").glob("*.txt")):
        message = crlf(path.read_bytes())
        results = probe.results(message)
        signed = re.search(rb"(?im)^dkim-signature:", message)
        assert bool(results) == bool(signed), path.name
        want = re.match("good|mine|multiple|no_body|dk_", path.name) is not None
        seen += 1
        if ("pass" in results) != want:
            differ[path.name] = results
            # what is believed no more is told as such, never as a forgery
            if want and results:
                assert set(results) <= {"permerror", "neutral"}, path.name
    assert seen >= 70
    assert sorted(differ) == sorted(other)


def chasquid_zone(probe, path):
    text = path.read_text().replace("\\\n", " ")
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name, record = line.split(":", 1)
        record = record.strip()
        if record == "PERMERROR":
            continue
        probe.txt(name, "TIMEOUT" if record == "TEMPERROR" else record)


CHASQUID = {"SUCCESS": {"pass"}, "TEMPFAIL": {"temperror"},
            "PERMFAIL": {"fail", "permerror", "neutral"}}


def test_chasquid(probe):
    folder = corpus("chasquid")
    other = accepted("dkim/chasquid")
    differ = set()
    cases = sorted(folder.glob("*.msg"))
    assert len(cases) >= 9
    for path in cases:
        probe.say("forget")
        zone = path.with_suffix(".dns")
        if not zone.exists():  # was a link to another one
            zone = folder / "08-our_signature.dns"
        chasquid_zone(probe, zone)
        got = probe.results(crlf(path.read_bytes()))
        error = path.with_suffix(".error")
        if error.exists() and "nil" not in error.read_text():
            assert "pass" not in got, path.name
            continue
        result = path.with_suffix(".result")
        if not result.exists():
            assert "pass" in got, path.name
            continue
        want = json.loads(result.read_text())["Results"]
        assert len(got) >= len(want), path.name
        for one, its in zip(got, want):
            if one not in CHASQUID[its["State"]]:
                differ.add(path.stem)
    assert sorted(differ) == sorted(other)


DKIMPY_KEYS = {
    "brisbane._domainkey.football.example.com":
        "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
}


def test_dkimpy_signed(probe):
    """RFC 6376 sA.2 with both kinds of signature; Exim's Ed25519."""
    folder = corpus("dkimpy")
    for name, record in DKIMPY_KEYS.items():
        probe.txt(name, record)
    probe.txt("test._domainkey.football.example.com",
              (folder / "test.txt").read_text().strip())
    probe.txt("sed._domainkey.test.ex",
              (folder / "eximtest.dns").read_text().strip())
    message = crlf((folder / "rfc6376.signed.msg").read_bytes())
    assert probe.results(message) == ["pass", "pass"]
    assert probe.results(message + b"More.\r\n") == ["fail", "fail"]
    assert probe.results(message.replace(b"dinner", b"lunch", 1)) == \
        ["fail", "fail"]
    message = crlf((folder / "ed25519test2.msg").read_bytes())
    assert probe.results(message) == ["pass"]
    for name in ("test2.message", "message.mbox"):
        message = crlf((folder / name).read_bytes())
        assert set(probe.results(message)) == {"permerror"}  # no key here


@pytest.mark.parametrize("record,want", [
    ("test.txt", "pass"), ("test2.txt", "pass"),
    ("badk.txt", "permerror"), ("badversion.txt", "permerror"),
    ("test_tlsrpt.txt", "permerror"), ("test_bad.txt", "permerror"),
    ("ed25519test.dns", "permerror")])
def test_dkimpy_records(probe, record, want):
    folder = corpus("dkimpy")
    probe.txt("test._domainkey.football.example.com",
              (folder / record).read_text().strip())
    message = crlf((folder / "rfc6376.signed.msg").read_bytes())
    assert probe.results(message)[1] == want


# ---- both ways with dkimpy ----

WORDS = ["alpha", "", "  ", "\t", "b", "=?utf-8?q?x?=", "c:d", ";", "...", "ü",
         " \t ", "x" * 70, ".", "From: x", "--", "=20"]


def some_text(rng, most):
    return rng.choice(["", " ", "\t", "  "]).join(
        rng.choice(WORDS) for _ in range(rng.randint(0, most)))


def some_field(rng, name):
    value = rng.choice(["", " ", "  ", "\t"]) + "x" + some_text(rng, 8)
    for _ in range(rng.randint(0, 3)):
        value += "\r\n" + rng.choice([" ", "\t", "  \t"]) + "y" + \
            some_text(rng, 6)
    spelt = rng.choice([name, name.upper(), name.lower()])
    return f"{spelt}:{value}\r\n".encode()


def some_message(rng):
    """Odd spacing, repeated and missing fields, odd ends of the body."""
    fields = [some_field(rng, name) for name in
              ("Subject", "To", "Date", "X-Other", "Message-ID")
              if rng.random() < 0.8]
    fields += [some_field(rng, rng.choice(["Received", "To", "X-Other"]))
               for _ in range(rng.randint(0, 4))]
    fields.append(b"From: " + some_text(rng, 2).encode() +
                  b" <alice@example.org>\r\n")
    rng.shuffle(fields)
    lines = [some_text(rng, 10) for _ in range(rng.randint(0, 12))]
    body = "\r\n".join(lines) + rng.choice(
        ["x", "\r\n", "\r\n\r\n\r\n", " \r\n", "\r\n \t\r\n\r\n"])
    return b"".join(fields) + b"\r\n" + body.encode()


def dkimpy():
    return pytest.importorskip("dkim")


def pem(pkcs8):
    return (b"-----BEGIN PRIVATE KEY-----\n" + base64.encodebytes(pkcs8) +
            b"-----END PRIVATE KEY-----\n")


def their_key(kind, secret):
    """A PKCS#8 secret as dkimpy wants it: of Ed25519 the 32 octets."""
    return pem(secret) if kind == "rsa" else base64.b64encode(secret[-32:])


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_we_check_what_dkimpy_signs(probe, kind):
    dkim = dkimpy()
    rng = random.Random(8463)
    secret, record = probe.make(kind)
    probe.txt("sel._domainkey.example.org", record)
    for turn in range(80):
        message = some_message(rng)
        names = re.findall(rb"(?m)^([!-9;-~]+):", message.split(b"\r\n\r\n")[0])
        include = [n.lower() for n in names if rng.random() < 0.7]
        include = [n for n in include if n in
                   (b"to", b"subject", b"date", b"message-id", b"x-other")]
        rng.shuffle(include)
        canon = (rng.choice([b"simple", b"relaxed"]),
                 rng.choice([b"simple", b"relaxed"]))
        field = dkim.DKIM(message).sign(
            b"sel", b"example.org", their_key(kind, secret),
            signature_algorithm=f"{kind}-sha256".encode(),
            canonicalize=canon, length=rng.random() < 0.3,
            include_headers=[b"from"] + include + [b"cc"])
        rows, _ = probe.verify(field + message, rng.choice([None, 1, 7]))
        assert rows[0]["result"] == "pass", (turn, canon, message, rows)
        assert probe.results(field + message + b"z\r\n") != ["pass"]
        changed = message.replace(b"alice@", b"mallory@", 1)
        assert probe.results(field + changed) == ["fail"]
        added = b"From: eve@example.net\r\n" + message
        assert probe.results(field + added) == ["policy"]


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_dkimpy_checks_what_we_sign(probe, kind):
    dkim = dkimpy()
    rng = random.Random(6376)
    _, record = probe.make(kind)
    probe.txt("sel._domainkey.example.org", record)

    def dns(name, timeout=5):
        assert name.rstrip(b".") == b"sel._domainkey.example.org"
        return record.encode()

    for turn in range(80):
        message = some_message(rng)
        field = probe.sign(message, "example.org", "sel")
        assert field.endswith(b"\r\n")
        for line in field.expandtabs(8).split(b"\r\n"):
            assert len(line) < 78
        assert dkim.verify(field + message, dnsfunc=dns), (turn, message)
        assert probe.results(field + message) == ["pass"]
        for name in (b"Subject", b"To", b"From", b"Reply-To", b"Content-Type"):
            added = name + b": forged\r\n" + field + message
            assert probe.results(added) != ["pass"], (turn, name)
        # lists add theirs, and do it no harm
        assert probe.results(b"List-Id: <a.b>\r\n" + field + message) == \
            ["pass"]


def mutate(rng, octets):
    """An octet or two changed, gone, doubled; white space more than others."""
    octets = bytearray(octets)
    for _ in range(rng.randint(1, 2)):
        at = rng.randrange(len(octets))
        if octets[at] == ord("="):  # base64 without it is the same to us
            continue
        what = rng.choice(["change", "insert", "drop", "line"])
        if what == "change":
            octets[at] = rng.choice(b" \tax:;=A0")
        elif what == "insert":
            octets[at:at] = rng.choice([b" ", b"\t", b"x", b"\r\n ", b";"])
        elif what == "drop":
            del octets[at]
        else:
            end = octets.find(b"\r\n", at)
            if end >= 0:
                octets[end:end] = rng.choice([b" ", b"\r\n", b"\t \r\n"])
    return bytes(octets)


def test_dkimpy_passes_what_we_pass(probe):
    """Whatever happened to a signed message; and mostly the other way round."""
    dkim = dkimpy()
    rng = random.Random(8301)
    secret, record = probe.make("ed25519")
    probe.txt("sel._domainkey.example.org", record)
    both = stricter = 0
    for _ in range(600):
        message = some_message(rng)
        field = dkim.DKIM(message).sign(
            b"sel", b"example.org", their_key("ed25519", secret),
            signature_algorithm=b"ed25519-sha256",
            canonicalize=(rng.choice([b"simple", b"relaxed"]),
                          rng.choice([b"simple", b"relaxed"])),
            include_headers=[b"from", b"to", b"subject", b"x-other"])
        changed = mutate(rng, field + message)
        results = probe.results(changed)
        try:
            theirs = dkim.verify(changed, dnsfunc=lambda *_, **__:
                                 record.encode())
        except dkim.MessageFormatError:  # "To :" is too old for it
            continue
        if "pass" in results:
            assert theirs, changed
            both += 1
        elif theirs:
            stricter += 1
    assert both > 50
    assert stricter < both
