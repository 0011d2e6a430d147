# SPDX-License-Identifier: MIT
"""A122-A125, A127, A128: what a domain publishes: keys, SPF, DMARC records of every
odd form.  The stub counts what is asked.  Nothing here waits for anything."""
import re

import pytest

from forger import (BAD, SETTINGS, Ed25519, Line, Rsa, author, dmarc, dmarc_of, explained, key, message, octets,
                    offered, signed, spf, stored, txt)

LABELS = [120, 60, 9, 8, 3]
RECORDS = [spf("attack.test", f"ip4:{BAD} -all"), dmarc("weak.test", "p=reject"),
           dmarc("shaky.test", "p=reject"), *[dmarc(f"f{n}.test", "p=reject") for n in LABELS]]
BEHAVIOURS = {}


# ---- A122: {name: (what is published, who signs, how)}; each is a domain below weak.test

GOOD, HUGE, ED = Rsa(), Rsa(16384, primes=16), Ed25519()
KEYS = {
    "good2048": (GOOD.record, GOOD, {}),
    "gooded": (ED.record, ED, {}),
    "rsa512": (None, Rsa(512), {}),
    "rsa768": (None, Rsa(768), {}),
    "rsa1016": (None, Rsa(1016), {}),
    "rsa16384": (None, HUGE, {}),
    "rsa16384and2048": (HUGE.record, GOOD, {}),
    "rsa9216and2048": (Rsa(9216, primes=9).record, GOOD, {}),
    "one": (None, Rsa(e=1), {}),
    "two": (None, Rsa(e=2), {}),
    "big": (None, Rsa(e=2**64 + 13), {}),
    "ed31": (Ed25519.record_of(ED.public[:31]), ED, {}),
    "ed33": (Ed25519.record_of(ED.public + b"\0"), ED, {}),
    "edzero": (Ed25519.record_of(bytes(32)), ED, {}),
    "edone": (Ed25519.record_of(b"\1" + bytes(31)), ED, {}),  # of small order
    "revoked": ("v=DKIM1; k=rsa; p=", GOOD, {}),
    "garbage": ("v=DKIM1; k=rsa; p=!!!!" + GOOD.p, GOOD, {}),
    "padded": ("v=DKIM1; k=rsa; p=====" + GOOD.p, GOOD, {}),
    "half": ("v=DKIM1; k=rsa; p=" + GOOD.p[:200], GOOD, {}),
    "more": ("v=DKIM1; k=rsa; p=" + GOOD.p + "AAAA", GOOD, {}),
    "nokey": ("v=DKIM1; k=rsa", GOOD, {}),
    "unknown": ("v=DKIM1; k=dsa; p=" + GOOD.p, GOOD, {}),
    "wrongkind": ("v=DKIM1; k=ed25519; p=" + GOOD.p, GOOD, {}),
    "otherkind": (GOOD.record, ED, {}),
    "onlysha1": ("v=DKIM1; k=rsa; h=sha1; p=" + GOOD.p, GOOD, {}),
    "sha1": (GOOD.record, GOOD, {"algorithm": b"rsa-sha1", "digest": "sha1"}),
    "nomail": ("v=DKIM1; k=rsa; s=tlsrpt; p=" + GOOD.p, GOOD, {}),
    "version": ("v=DKIM2; k=rsa; p=" + GOOD.p, GOOD, {}),
    "late": ("k=rsa; v=DKIM1; p=" + GOOD.p, GOOD, {}),
    "twotags": (GOOD.record + "; p=", GOOD, {}),
    "long": ("v=DKIM1; k=rsa; n=" + "x" * 60000 + "; p=" + GOOD.p, GOOD, {}),
    "text": ("v=spf1 -all", GOOD, {}),
    "none": ("", GOOD, {}),
}


def weak(name):
    record, secret, how = KEYS[name]
    domain = f"{name}.weak.test".encode()
    found = None
    while found is None:  # of an even exponent not every text has a signature
        found = signed(author(b"admin@" + domain), domain, secret, **how)
    return found


for each, (what, who, _) in KEYS.items():
    RECORDS.append(key(f"{each}.weak.test", who.record if what is None else what))
RECORDS += [key("pair.weak.test", GOOD.record), key("pair.weak.test", ED.record),
            *[key("crowd.weak.test", GOOD.record + f"; n={n}") for n in range(20)],
            ["k._domainkey.binary.weak.test", "TXT", octets(b"v=DKIM1; p=\r\n\0\xff" + GOOD.p.encode())]]
BEHAVIOURS["k._domainkey.unsaid.weak.test"] = "servfail"


def test_A122_keys(world, case):
    """RFC 8301 s3; CVE-2012-5671.  Each signature is a good one, but for the key."""
    case.cpu_s = 4
    raws = {name: weak(name) for name in KEYS}
    answers = offered(world, case, raws)
    for name in ("good2048", "gooded"):
        assert answers.pop(name)[0] == 250, name
    for name, (code, text) in answers.items():
        assert code == 550 and text.startswith("5.7.1 "), (name, code, text)
        checks = explained(world.server, text)
        assert [c["result"] for c in checks["dkim"]] in (["permerror"], ["fail"], ["neutral"]), (name, checks["dkim"])
        assert checks["dmarc"][0]["result"] == "fail"
    for name in ("rsa512", "rsa768", "rsa1016", "rsa9216and2048", "rsa16384and2048"):
        assert "permerror" == explained(world.server, answers[name][1])["dkim"][0]["result"]


def test_A122_several_records(world, case):
    """RFC 6376 s3.6.2.2 leaves two records open: whichever is taken, the signature must
    be good under it.  Of twenty none is tried."""
    domains = [b"pair.weak.test", b"crowd.weak.test", b"binary.weak.test", b"unsaid.weak.test"]
    raws = {d: signed(author(b"admin@" + d), d, GOOD) for d in domains}
    raws["other"] = signed(author(b"admin@pair.weak.test"), b"pair.weak.test", Rsa(1024))
    answers = offered(world, case, raws)
    assert answers[b"pair.weak.test"][0] in (250, 550)
    assert answers[b"crowd.weak.test"][0] == answers[b"binary.weak.test"][0] == answers["other"][0] == 550
    assert answers[b"unsaid.weak.test"][0] == 451  # A125


# ---- A123: {domain: its record}; the others follow from them

def chain(name, n, term):
    """name -> 1.name -> 2.name ..."""
    for i in range(n):
        below = f"{i}.{name}" if i else name
        yield spf(below, f"{term}{i + 1}.{name}" + (" -all" if term == "include:" else ""))


LIMITED = {
    "loop.spf.test": [spf("loop.spf.test", "include:b.loop.spf.test -all"),
                      spf("b.loop.spf.test", "include:loop.spf.test -all")],
    "self.spf.test": [spf("self.spf.test", "redirect=self.spf.test")],
    "selfin.spf.test": [spf("selfin.spf.test", "include:selfin.spf.test -all")],
    "eleven.spf.test": [spf("eleven.spf.test", " ".join(f"include:{n}.eleven.spf.test" for n in range(11)) + " +all"),
                        *[spf(f"{n}.eleven.spf.test", "-all") for n in range(11)]],
    "as.spf.test": [spf("as.spf.test", " ".join(f"a:{n}.as.spf.test" for n in range(11)) + " +all"),
                    *[[f"{n}.as.spf.test", "A", "192.0.2.77"] for n in range(11)]],
    "exists.spf.test": [spf("exists.spf.test", "".join(f"-exists:{n}.%{{i}}.exists.spf.test " for n in range(11)) + "+all"),
                        ["x.exists.spf.test", "A", "127.0.0.2"]],
    "void.spf.test": [spf("void.spf.test", "a:1.void.spf.test a:2.void.spf.test a:3.void.spf.test +all")],
    "mx.spf.test": [spf("mx.spf.test", "mx +all"), *[["mx.spf.test", "MX", f"{n} {n}.mx.spf.test."] for n in range(11)],
                    *[[f"{n}.mx.spf.test", "A", "192.0.2.77"] for n in range(11)]],
    "deep.spf.test": list(chain("deep.spf.test", 30, "include:")),
    "far.spf.test": list(chain("far.spf.test", 30, "redirect=")),
    "wide.spf.test": [spf("wide.spf.test", "include:a.wide.spf.test +all"), spf("a.wide.spf.test", " ".join(
        f"include:{n}.wide.spf.test" for n in range(9)) + " -all"), *[spf(f"{n}.wide.spf.test", " ".join(
            f"include:{m}.{n}.wide.spf.test" for m in range(9)) + " -all") for n in range(9)]],
    "twice.spf.test": [spf("twice.spf.test", "+all"), spf("twice.spf.test", "-all")],
    "junk.spf.test": [spf("junk.spf.test", "ip4:999.1.1.1 +all")],
    "long.spf.test": [["long.spf.test", "TXT", txt("v=spf1 " + "ip4:192.0.2.1 " * 4300 + "foo:bar +all")]],
    "control.spf.test": [["control.spf.test", "TXT", octets(b"v=spf1 \0 \xff +all\r\n")]],
}
RECORDS += [record for records in LIMITED.values() for record in records]
RECORDS += [spf("ptr.spf.test", "ptr:ptr.spf.test -all"),
            *[["7.2.0.192.in-addr.arpa", "PTR", f"{n}.ptr.spf.test."] for n in range(30)],
            *[[f"{n}.ptr.spf.test", "A", "192.0.2.8"] for n in range(30)],
            spf("shaky.test", "include:down.shaky.test -all"), spf("surely.shaky.test", f"ip4:{BAD} -all"),
            ["_dmarc.mute.test", "TXT", '"v=DMARC1; p=reject"']]
BEHAVIOURS |= {"down.shaky.test": "servfail", "k._domainkey.shaky.test": "servfail", "_dmarc.mute.test": "servfail",
               "k._domainkey.key.shaky.test": "servfail"}


def spf_of(world, case, line, domain):
    """(result, sentence) for a message from x@domain, and how often names of it were asked
    about, by type."""
    before = len(world.dns.asked())
    code, text = line.offer(message(), b"x@" + domain.encode())
    case.delivered += code == 250
    found, = explained(world.server, text)["spf"]
    names = {(kind, name) for kind, name in world.dns.asked()[before:]
             if name.endswith("spf.test") and not name.startswith("_dmarc")}
    kinds = {}
    for kind, _ in names:
        kinds[kind] = kinds.get(kind, 0) + 1
    return found["result"], found["why"], kinds


def test_A123_limits(world, case):
    """RFC 7208 s4.6.4: ten terms that ask, ten names of an MX, two that lead nowhere."""
    with Line(world.server) as line:
        for domain in LIMITED:
            result, why, kinds = spf_of(world, case, line, domain)
            assert result == "permerror", (domain, result, why, kinds)
            assert kinds.get("TXT", 0) <= 11 and kinds.get("MX", 0) <= 10, (domain, kinds)
            assert kinds.get("A", 0) + kinds.get("AAAA", 0) <= 11, (domain, kinds)
            assert why.isascii() and why.isprintable()


def test_A123_ptr(world, case):
    """Of thirty names ten are looked at; a fail it is all the same."""
    with Line(world.server, ip="192.0.2.7") as line:
        before = len(world.dns.asked())
        code, text = line.offer(message(), b"x@ptr.spf.test")
        case.delivered += code == 250
        assert explained(world.server, text)["spf"][0]["result"] in ("fail", "permerror")
    asked = {name for kind, name in world.dns.asked()[before:] if kind == "A" and name.endswith(".ptr.spf.test")}
    assert len(asked) <= 20, asked  # ten for the PTR term, and iprev has its own ten


# ---- A124

ODD_MACROS = {  # of these no name is ever asked
    "open.m.test": "exists:%{ +all", "letter.m.test": "exists:%{z}.m.test +all", "percent.m.test": "exists:% +all",
    "end.m.test": "exists:a.% +all", "zero.m.test": "exists:%{d0}.m.test +all", "huge.m.test": "exists:%{d99999999999999999999r",
    "close.m.test": "exists:%}.m.test +all", "empty.m.test": "exists:%{}.m.test +all", "only.m.test": "exists:%{c}.m.test +all",
    "slash.m.test": "a:%{d}/33 +all", "nul.m.test": "exists: +all"}
WORDS = (b"see %{i} %{s} %{h} %{c} %{t}\r\n250 2.0.0 Ok\r\nMAIL FROM:<\xff\xfe\x1b[31m>\0", b"%{", b"%{s}" * 2000,
         b"\xe2\x80\xae", b"", b"x" * 60000, b"%{l}%{l}%{l} ( ; dkim=pass header.d=legit.test")
RECORDS += [spf(name, record) for name, record in ODD_MACROS.items()]
RECORDS += [spf("local.m.test", "exists:%{l}.x.m.test -all"), spf("parts.m.test", "exists:%{l1000r-}.y.m.test -all"),
            spf("helo.m.test", "exists:" + "%{h}" * 2500 + ".z.m.test -all"),
            spf("helos.m.test", "include:" + "%{H}%{l9999r.-+,/_=}" * 300 + ".z.m.test -all"),
            spf("why.m.test", "-all exp=%{l}." + "%{d}" * 2000 + ".w.m.test")]
for n, words in enumerate(WORDS):
    RECORDS += [spf(f"why{n}.m.test", f"-all exp=text{n}.m.test"), [f"text{n}.m.test", "TXT", octets(words)]]
SETTINGS = {**SETTINGS, "policy.spf_fail": "refuse", "policy.received_spf": "yes", "records": RECORDS,
            "behaviours": BEHAVIOURS}


def test_A124_macros(world, case):
    """CVE-2021-20314, CVE-2023-42118, CVE-2021-33912"""
    before = len(world.dns.asked())
    with Line(world.server) as line:
        for name in ODD_MACROS:
            code, text = line.offer(message(), b"x@" + name.encode())
            case.delivered += code == 250
            assert explained(world.server, text)["spf"][0]["result"] == "permerror", name
        asked = [name for _, name in world.dns.asked()[before:] if name.endswith("m.test")]
        assert set(asked) <= {*ODD_MACROS} | {f"_dmarc.{n}" for n in ODD_MACROS}, asked
    with Line(world.server, helo=b"a." * 100 + b"attack.test") as line:
        for name in ("local", "parts", "helo", "helos", "why"):
            for local in (b"%" * 64, b"a-b.c=d+e/f_", b"%{l}", b"\"(; \\\\\\\"\""):
                code, text = line.offer(message(), local + b"@" + name.encode() + b".m.test")
                case.delivered += code == 250
                result = explained(world.server, text)["spf"][0]["result"]
                assert result in ("fail", "permerror"), (name, local, result)
                assert code == (550 if result == "fail" else 250), (name, local, result, code)
    for _, name in world.dns.asked()[before:]:
        assert len(name.encode()) <= 4 * 253  # as the stub writes it, with escapes
    assert any(name.endswith(".x.m.test") for _, name in world.dns.asked()[before:])


def test_A124_words_of_others(world, case):
    """RFC 7208 s6.2, s11.5: they stand nowhere where they could be taken for ours."""
    with Line(world.server) as line:
        for n in range(len(WORDS)):
            for sender in (b"x", b"\"a b;(\\\"\"", b"%{s}")[:1 if n else 3]:
                code, text = line.offer(message(), sender + b"@why%d.m.test" % n)  # offer() looks at the reply
                assert code == 550 and text.startswith("5.7.23 "), text
                why = explained(world.server, text)["spf"][0]["why"]
                assert why.isascii() and why.isprintable() and len(why) < 2000, why


# ---- A125

def test_A125_not_known_is_neither_yes_nor_no(world, case):
    """RFC 7208 s8.6"""
    refused = author(b"admin@shaky.test")
    raws = {b"x@shaky.test": refused, b"x@attack.test": signed(refused, b"shaky.test", GOOD),
            b"y@attack.test": author(b"admin@mute.test"), b"admin@surely.shaky.test": author(b"admin@mute.test"),
            b"": signed(author(b"admin@key.shaky.test"), b"key.shaky.test", GOOD)}
    with Line(world.server) as line:
        for sender, raw in raws.items():
            code, text = line.offer(raw, sender)
            assert code == 451 and text.startswith("4.7."), (sender, code, text)
            assert explained(world.server, text)["decision"][0]["result"] == "defer"
        # what is known is enough where it is
        assert line.offer(author(b"admin@surely.shaky.test"), b"x@surely.shaky.test")[0] == 250
        assert line.offer(refused, b"x@attack.test")[0] == 550
    case.delivered = 1


# ---- A127

@pytest.mark.parametrize("labels", LABELS)
def test_A127_questions_of_a_walk(world, case, labels):
    """RFC 9989 s4.10: eight at most, however long the name."""
    domain = "a." * (labels - 2) + f"f{labels}.test"
    before = len(world.dns.asked())
    answers = offered(world, case, {"far": author(b"x@" + domain.encode())})
    assert answers["far"][0] == 550 and f"f{labels}.test" in answers["far"][1], answers
    asked = {name for _, name in world.dns.asked()[before:]
             if name.startswith("_dmarc") and name.endswith(f"f{labels}.test")}
    assert f"_dmarc.{domain}" in asked and len(asked) == min(labels, 8) - 1, asked  # and _dmarc.test


# ---- A128: {name: (record or records, code, {results of DMARC})}

TEXT = "v=DMARC1; p=reject"
JUNK = {
    "control": ([TEXT], 550),
    "twice": (["v=DMARC1;p=none;p=reject"], 250),
    "thrice": (["v=DMARC1;p=reject;p=reject"], 250),
    "two": ([TEXT, "v=DMARC1; p=none"], 250),
    "same": ([TEXT, TEXT + ";"], 250),
    "beside": ([TEXT, "v=spf1 -all", "v=DMARC2; p=none", "hello"], 550),
    "long": (["v=DMARC1; p=reject; " + "".join(f"x{n}=y; " for n in range(600))], 550),
    "longer": (["v=DMARC1; p=reject; x=" + "y" * 60000], 550),
    "lines": ([b"v=DMARC1; p=reject; rua=mailto:a@b.test\r\nX-Evil: yes"], 550),
    "nul": ([b"v=DMARC1; p=reject\0; rua=mailto:a@b.test"], 250),
    "eight": ([b"v=DMARC1; p=reject; x=\xff\xfe"], 550),
    "word": (["v=DMARC1; p=rejected"], 250),
    "reports": (["v=DMARC1; p=rejected; rua=mailto:a@b.test"], 250),
    "empty": (["v=DMARC1; p="], 250),
    "bare": (["v=DMARC1"], 250),
    "version": (["v=dmarc1; p=reject"], 250),
    "versions": (["v=DMARC11; p=reject"], 250),
    "late": (["p=reject; v=DMARC1"], 250),
    "number": (["v=DMARC1; p=reject; pct=99999999999999999999; ri=-1; fo=:::; rf=%n"], 550),
    "equals": (["v=DMARC1; p==reject"], 250),
    "nothing": ([b""], 250),
    "semicolons": (["v=DMARC1;;;;p=reject;;;"], 550),
    "pieces": (["hex:" + b"".join(bytes([len(p)]) + p for p in (b"v=DMA", b"RC1; p=rej", b"", b"ect")).hex()], 550),
    "spaces": (["v = DMARC1 ;\tp =  reject  "], 550),
    "case": (["v=DMARC1; P=REJECT"], 550),
    "sp": (["v=DMARC1; p=reject; sp=bogus"], 250),
    "crowd": (["v=DMARC1; p=reject; n=" + str(n) for n in range(200)], 250),
}


def rdata(record):
    if isinstance(record, bytes):
        return octets(record) if record else '""'
    return record if record.startswith("hex:") else txt(record)


RECORDS += [[f"_dmarc.{name}.junk.test", "TXT", rdata(record)] for name, (records, _) in JUNK.items() for record in records]


def test_A128_records_that_are_none(world, case):
    """A record counts or it does not, always the same way; nobody passes because of one."""
    raws = {name: author(b"x@" + name.encode() + b".junk.test") for name in JUNK}
    answers = offered(world, case, raws)
    assert {n: code for n, (code, _) in answers.items()} == {n: code for n, (_, code) in JUNK.items()}
    for name, raw in stored(world, raws).items():
        assert dmarc_of(raw)[0] in ("none", "fail"), name
    for name, (_, text) in answers.items():
        found = explained(world.server, text)["dmarc"][0]
        assert found["inputs"].isascii() and found["inputs"].isprintable() and len(found["inputs"]) < 2000, name
        assert not re.search(r"X-Evil.*\n", found["inputs"])
