# SPDX-License-Identifier: MIT
"""ARC over ValiMail's suites, and against dkimpy.

Needs the suites' directory in PENNYPOST_CORPUS (arc/valimail-arc_test_suite),
and the directory of the probes in PP_BUILD.  tests/policy/accepted.txt says
where we differ from a suite, and why."""
import base64
import os
import pathlib
import random
import re
import subprocess

import pytest
import yaml

HERE = pathlib.Path(__file__).parent
HOST = "lists.example.org"
VALIDATION = ("arc-draft-validation-tests.yml", 171)
SIGNING = ("arc-draft-sign-tests.yml", 17)


def suite(name):
    root = os.environ.get("PENNYPOST_CORPUS")
    if not root:
        pytest.skip("PENNYPOST_CORPUS is not set: no suites to run")
    path = pathlib.Path(root) / "arc/valimail-arc_test_suite/tests" / name
    with open(path, encoding="utf-8") as f:
        return list(yaml.safe_load_all(f))


def accepted(name):
    cases = {}
    for line in (HERE / "accepted.txt").read_text().splitlines():
        if line.startswith(name + " "):
            case, reason = line[len(name) + 1:].split(" : ", 1)
            cases[case] = reason
    return cases


class Probe:
    def __init__(self):
        path = pathlib.Path(os.environ.get("PP_BUILD", ".")) / "probe_arc"
        self.process = subprocess.Popen(
            [path], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            encoding="ascii")

    def say(self, *words):
        self.process.stdin.write(" ".join(words) + "\n")

    def ask(self, *words):
        self.say(*words)
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the probe has died"
        return line.rstrip("\n")

    def zone(self, records):
        self.say("reset")
        for name, text in (records or {}).items():
            text = "".join(text.split("\n")) if text else ""
            self.say("zone", name, "TXT", text)

    def check(self, message):
        """(result, sets, oldest_pass, dmarc_pass, why)"""
        words = self.ask("check", message.hex()).split(" ", 4)
        return (words[0], int(words[1]), int(words[2]), words[3] == "1",
                words[4])

    def seal(self, domain, selector, now, key, results, message):
        """The three fields, or None"""
        answer = self.ask("seal", domain, selector, str(now), key.hex(),
                          results.hex(), message.hex())
        return None if answer == "none" else bytes.fromhex(answer)


@pytest.fixture(scope="module")
def probe():
    p = Probe()
    yield p
    p.process.stdin.close()
    assert p.process.wait() == 0


def wire(text):
    return re.sub(rb"\r?\n", b"\r\n", text.encode())


def unfold(field):
    """Its value without white space, for comparing."""
    return re.sub(rb"\s", b"", field)


def fields(block):
    """(name, value) of each, in lower case and as they stand"""
    found = re.findall(rb"([!-9;-~]+):((?:.|\r\n[ \t])*)\r\n", block)
    return [(name.lower(), value) for name, value in found]


def tags(value):
    found = {}
    for tag in value.decode().split(";"):
        if tag.strip():
            name, text = tag.split("=", 1)
            found[name.strip()] = re.sub(r"\s", "", text)
    return found


def test_validation(probe):
    known, used, wrong = accepted(VALIDATION[0]), set(), []
    cases = 0
    for scenario in suite(VALIDATION[0]):
        probe.zone(scenario.get("txt-records"))
        for name, case in scenario["tests"].items():
            cases += 1
            # the suite leaves it open where a chain says fail of itself;
            # RFC 8617 s5.2 step 2 does not
            want = (case["cv"] or "fail").lower()
            got = probe.check(wire(case["message"]))
            # who does not sign From vouches for nobody
            assert not (got[3] and name == "ams_fields_h_empty"), got
            if got[0] == want:
                continue
            if name in known:
                used.add(name)
            else:
                wrong.append((name, want, got))
    assert wrong == []
    assert cases == VALIDATION[1]
    assert used == set(known), "accepted.txt has what is no difference"


def merged_results(message):
    """What our own results field says: that of the suite, all of them put
    together, as its README has it."""
    block = message.split(b"\r\n\r\n", 1)[0] + b"\r\n"
    results = []
    for name, value in fields(block):
        if name != b"authentication-results":
            continue
        host, _, rest = value.partition(b";")
        if host.strip() == HOST.encode():
            results += [r.strip() for r in rest.split(b";") if r.strip()]
    return HOST.encode() + b"".join(b";\r\n\t" + r for r in results)


def private_key(pem):
    return subprocess.run(
        ["openssl", "pkcs8", "-topk8", "-nocrypt", "-outform", "DER"],
        input=pem.encode(), check=True, capture_output=True).stdout


def test_signing(probe):
    """Which fields are covered, and in which order tags stand, is the sealer's
    own affair; so the signatures differ, and all else is the same."""
    cases = 0
    for scenario in suite(SIGNING[0]):
        probe.zone(scenario["txt-records"])
        key = private_key(scenario["privatekey"])
        for name, case in scenario["tests"].items():
            cases += 1
            message = wire(case["message"])
            made = probe.seal(scenario["domain"], scenario["sel"], case["t"],
                              key, merged_results(message), message)
            if not case["AS"]:
                assert made is None, name
                continue
            assert made is not None, name
            ours = fields(made)
            assert [f for f, _ in ours] == [
                b"arc-seal", b"arc-message-signature",
                b"arc-authentication-results"], name
            seal, ams = tags(ours[0][1]), tags(ours[1][1])
            for got, want in (seal, case["AS"]), (ams, case["AMS"]):
                want = tags(want.encode())
                assert {t: v for t, v in got.items() if t not in "bh"} == \
                    {t: v for t, v in want.items() if t not in "bh"}, name
            assert unfold(ours[2][1]) == unfold(case["AAR"].encode()), name
            assert set(case["sig-headers"].split(":")) <= \
                set(ams["h"].lower().split(":")), name
            result = probe.check(made + message)
            if seal["cv"] == "fail":
                assert result[0] == "fail", name
            else:
                assert result[:3] == ("pass", int(seal["i"]), 0), (
                    name, result)
                assert result[3], name
    assert cases == SIGNING[1]


# ---- against dkimpy ----

@pytest.fixture(scope="module")
def keys():
    """(PEM, PKCS#8 DER, record)"""
    out = []
    for bits in 1024, 2048:
        pem = subprocess.run(["openssl", "genrsa", "-traditional", str(bits)],
                             check=True, capture_output=True).stdout
        public = subprocess.run(["openssl", "rsa", "-pubout", "-outform",
                                 "DER"], input=pem, check=True,
                                capture_output=True).stdout
        out.append((pem, private_key(pem.decode()), "v=DKIM1; k=rsa; p=" +
                    base64.b64encode(public).decode()))
    return out


def random_message(rng):
    lines = [b"From: Ann <ann@a.example>", b"To: bob@d.test",
             b"Subject: %d  with   blanks " % rng.randrange(10**6),
             b"Date: Sun, 22 Nov 2026 10:00:00 +0000",
             b"Message-ID: <%d@a.example>" % rng.randrange(10**9),
             b"MIME-Version: 1.0"]
    for i in range(rng.randrange(4)):
        lines.insert(rng.randrange(len(lines) + 1),
                     rng.choice([b"Received: from x\r\n\tby y; z",
                                 b"X-Empty:", b"List-Id: <l.a.example>",
                                 b"Subject: second" if i == 3 else b"X-A: b"]))
    body = b"\r\n".join(
        bytes(rng.choice(b"ab \t.=") for _ in range(rng.randrange(30)))
        for _ in range(rng.randrange(8))) + rng.choice([b"\r\n",
                                                        b"\r\n\r\n"])
    # (dkimpy keeps blanks at the end of a last line without line end)
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def oracle_seal(dkim, message, key, selector, domain, zone, hop):
    """With python3-dkim, above the message.  Each hop is another host: it
    takes all results of the same one together."""
    host = b"hop%d.example" % hop
    results = host + b"; spf=pass; dmarc=pass; arc=" + \
        dkim.arc_verify(message, dnsfunc=zone)[0]
    message = b"Authentication-Results: " + results + b"\r\n" + message
    made = dkim.arc_sign(message, selector, domain, key, host)
    text = b"".join(made)
    text = re.sub(rb"\r?\n", b"\r\n", text)
    return (text if text.endswith(b"\r\n") else text + b"\r\n") + message


def test_against_dkimpy(probe, keys):
    dkim = pytest.importorskip("dkim")
    rng = random.Random(8617)
    records = {f"k{i}._domainkey.f{i}.example": key[2]
               for i, key in enumerate(keys)}
    probe.zone(records)

    def zone(name, timeout=5):
        return records.get(name.decode().rstrip("."), "").encode() or None

    for _ in range(60):
        message = random_message(rng)
        hops = rng.randrange(1, 5)
        for hop in range(1, hops + 1):
            i = rng.randrange(len(keys))
            names = f"f{i}.example", f"k{i}"
            if rng.random() < 0.5:
                made = probe.seal(*names, 1000 + hop, keys[i][1],
                                  HOST.encode() + b"; dmarc=pass", message)
                assert made is not None
                message = made + message
            else:
                message = oracle_seal(dkim, message, keys[i][0],
                                      names[1].encode(), names[0].encode(),
                                      zone, hop)
            cv, _, why = dkim.arc_verify(message, dnsfunc=zone)
            assert cv == dkim.CV_Pass, (hop, why, message)
            got = probe.check(message)
            assert got[:3] == ("pass", hop, 0), (got, message)
        # one octet changed in what is covered: neither may pass
        at = message.index(b"Ann <ann@")
        broken = message[:at] + b"Eve" + message[at + 3:]
        assert dkim.arc_verify(broken, dnsfunc=zone)[0] == dkim.CV_Fail
        assert probe.check(broken)[0] == "fail"
        # what has failed is sealed once, as failed, and then no more
        made = probe.seal("f0.example", "k0", 1, keys[0][1],
                          HOST.encode() + b"; none", broken)
        assert tags(fields(made)[0][1])["cv"] == "fail"
        assert probe.seal("f0.example", "k0", 1, keys[0][1],
                          HOST.encode() + b"; none", made + broken) is None


def test_fifty_sets(probe, keys):
    """RFC 8617 s4.2.1: fifty, and no more"""
    probe.zone({"k0._domainkey.f0.example": keys[0][2]})
    message = random_message(random.Random(50))
    for i in range(1, 51):
        made = probe.seal("f0.example", "k0", i, keys[0][1],
                          HOST.encode() + b"; dmarc=pass", message)
        assert made is not None, i
        message = made + message
    assert probe.check(message)[:3] == ("pass", 50, 0)
    assert probe.seal("f0.example", "k0", 51, keys[0][1],
                      HOST.encode() + b"; none", message) is None
    extra = made.replace(b"i=50", b"i=51")
    assert probe.check(extra + message)[0] == "fail"
