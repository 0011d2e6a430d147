# SPDX-License-Identifier: MIT
"""A105, A111-A120, A126: whose message is it?  He who sends may use attack.test in
every way, SPF, signature and DMARC policy with it, so that "pass" is never far;
he must not get it in the name of legit.test, nor in any name where another
reader may see legit.test."""
import re

import pytest

from forger import (BAD, HOST, REFUSALS, SETTINGS, Line, Rsa, author, dmarc, dmarc_of, explained, fields_of, key,
                    message, name_of, offered, signed, spf, stored, verdicts)
from wire import b64

HIS, THEIRS = Rsa(), Rsa()
ODD = ["legit.test'a.attack.test", "legit.test(.attack.test", "legit.test;.attack.test", "legit.test\".attack.test",
       "legit.test,.attack.test", "legit.test\\.attack.test"]  # a zone may have any octet in its names

ALIKE = ["notlegit.test", "not-legit.test", "legit.test.attack.test", "test", "legit.tes", "egit.test", "legittest.test"]


def in_zone(name):
    return re.sub(r'([\\"();@$])', r"\\\1", name.replace("\\.", "\\\\."))


SETTINGS = {**SETTINGS, "records": [
    spf("attack.test", f"ip4:{BAD} -all"), dmarc("attack.test", "p=none"), key("attack.test", HIS.record),
    spf("mx.attack.test", f"ip4:{BAD} -all"), spf("any.attack.test", f"ip4:{BAD} -all"), spf("any.test", f"ip4:{BAD} -all"),
    spf("legit.test", "ip4:198.51.100.7 -all"), dmarc("legit.test", "p=reject"), key("legit.test", THEIRS.record),
    spf("d.test", "-all"), dmarc("d.test", "p=reject"),
    ["a._domainkey.legit.test", "TXT", '"v=DKIM1; p="'],
    *[key(in_zone(name), HIS.record) for name in ODD],
    *[record for name in ALIKE for record in (spf(name, f"ip4:{BAD} -all"), key(name, HIS.record))],
    # a policy of all of test. would make one organization of it (RFC 9989 s4.10.2)
    *[dmarc(name, "p=none") for name in ALIKE if "." in name],
]}

AUTHORS = {  # each may be read as admin@legit.test by somebody
    "A111": [
        b"From: <a@attack.test>\r\nFrom: <admin@legit.test>\r\n",
        b"From: <admin@legit.test>\r\nFrom: <a@attack.test>\r\n",
        b"From: <a@attack.test>\r\nX: y\r\nFROM: <admin@legit.test>\r\n",
        b"From: <a@attack.test>\r\nfrom:<admin@legit.test>\r\nFrom: <a@attack.test>\r\n",
        b"From: <a@attack.test>\r\nFrom:\r\n",
        b"From:\r\nFrom: <admin@legit.test>\r\n",
    ],
    "A112": [
        b" From: <a@attack.test>\r\nFrom: <admin@legit.test>\r\n",
        b" From: <admin@legit.test>\r\nFrom: <a@attack.test>\r\n",
        b"\tFrom: <admin@legit.test>\r\nFrom: <a@attack.test>\r\n",
        b"From : <admin@legit.test>\r\n",
        b"From : <admin@legit.test>\r\nFrom: <a@attack.test>\r\n",
        b"From: <a@attack.test>\r\nFrom\t: <admin@legit.test>\r\n",
        b"From\r\n : <admin@legit.test>\r\n",
        b"From\r\n : <admin@legit.test>\r\nFrom: <a@attack.test>\r\n",
        b"From: <a@attack.test>\r\nFrom\r\n\t: <admin@legit.test>\r\n",
        b"Fr\r\n om: <admin@legit.test>\r\nFrom: <a@attack.test>\r\n",
        b"from:<a@attack.test>\r\nfrom:<admin@legit.test>\r\n",
        b"From\xa0: <admin@legit.test>\r\nFrom: <a@attack.test>\r\n",
        b"\xc2\xa0From: <admin@legit.test>\r\nFrom: <a@attack.test>\r\n",
        b"\xef\xbb\xbfFrom: <admin@legit.test>\r\nFrom: <a@attack.test>\r\n",
        b"F\xe2\x80\x8brom: <admin@legit.test>\r\nFrom: <a@attack.test>\r\n",
        b"From\x01: <admin@legit.test>\r\nFrom: <a@attack.test>\r\n",
        b"From\x00: <admin@legit.test>\r\nFrom: <a@attack.test>\r\n",
        b"From: <a@attack.test>\r\n \r\nFrom: <admin@legit.test>\r\n",
        b"no field at all\r\nFrom: <admin@legit.test>\r\nFrom: <a@attack.test>\r\n",
        b"From: <a@attack.test>\r\nFrom \x01: <admin@legit.test>\r\n",  # where controls and blanks are trimmed alike
        b"From: <a@attack.test>\r\nFrom \xa0: <admin@legit.test>\r\n",
        b"From: <a@attack.test>\r\n\x1f From\t: <admin@legit.test>\r\n",
        b"a line: y\r\n From: <admin@legit.test>\r\nFrom: <a@attack.test>\r\n",
        b" a line: y\r\nFrom: <admin@legit.test>\r\nFrom: <a@attack.test>\r\n",
        b"From: <a@attack.test>\r\na line\r\n From: <admin@legit.test>\r\n",
        b"From: <a@attack.test>\r\na line: y\r\n From: <admin@legit.test>\r\n",
        b": <admin@legit.test>\r\nFrom: <a@attack.test>\r\nFrom:<admin@legit.test>\r\n",
    ],
    "A113": [
        b"Sender: <admin@legit.test>\r\n",
        b"Resent-From: <admin@legit.test>\r\n",
        b"Sender: <a@attack.test>\r\nResent-From: <admin@legit.test>\r\nReply-To: <admin@legit.test>\r\n",
        b"Apparently-From: <admin@legit.test>\r\n",
        b"",
        b"From:\r\nSender: <admin@legit.test>\r\n",
        b"From: \r\n \t\r\nSender: <admin@legit.test>\r\n",
        b"From: ;\r\nSender: <admin@legit.test>\r\n",
        b"From: (admin@legit.test)\r\n",
        b"From: <>\r\nSender: <admin@legit.test>\r\n",
    ],
    "A114": [
        b"From: <a@attack.test>, <admin@legit.test>\r\n",
        b"From: <admin@legit.test>, <a@attack.test>\r\n",
        b"From: <a@attack.test>,\r\n\t<admin@legit.test>\r\n",
        b"From: a@attack.test admin@legit.test\r\n",
        b"From: =?utf-8?B?" + b64(b"<admin@legit.test>") + b"?=,<second@attack.test>\r\n",
        b"From: " + b64(b"<admin@legit.test>") + b",<second@attack.test>\r\n",
        b"From: =?utf-8?Q?=3Cadmin=40legit=2Etest=3E?=\r\n",
        b"From: <=?utf-8?Q?admin=40legit.test=3E?=@attack.test>\r\n",
        b"From: =?utf-8?B?" + b64(b"admin@legit.test\0") + b"?=@attack.test\r\n",
        b"From: <@attack.test,@any.test:admin@legit.test>\r\n",
        b"From: <@legit.test:a@attack.test>\r\n",
        b"From: <@admin@legit.test:a@attack.test>\r\n",
        b"From: <admin@legit.test>\\,<x@attack.test>\r\n",
        b"From: \\\"admin@legit.test\\\" <x@attack.test>\r\n",
        b"From: \"admin@legit.test\\\" <x@attack.test>\r\n",
        b"From: admin@legit.test,<x@attack.test>\r\n",
        b"From: admin@legit.test <x@attack.test>\r\n",
        b"From: <x@attack.test>admin@legit.test\r\n",
        b"From: <x@attack.test> <admin@legit.test>\r\n",
        b"From: <x@attack.test>(c)<admin@legit.test>\r\n",
        b"From: <x@attack.test>;<admin@legit.test>\r\n",
        b"From: <<admin@legit.test>x@attack.test>\r\n",
        b"From: <admin@legit.test\r\n",
        b"From: <admin@legit.test <x@attack.test>\r\n",
        b"From: <admin@legit.test (<x@attack.test>)>\r\n",
        b"From: <admin@legit.test(>x@attack.test)>\r\n",
        b"From: x@attack.test (>\r\n\t<admin@legit.test>\r\n",
        b"From: g: <admin@legit.test>;\r\n",
        b"From: g: <x@attack.test>, <admin@legit.test>;\r\n",
        b"From: <x@attack.test>, g: admin@legit.test;\r\n",
        b"From: admin@legit.test:;\r\n",
        b"From: admin@legit.test: x@attack.test;\r\n",
        b"From: \"admin@legit.test\"@attack.test\r\n",
        b"From: <\"admin@legit.test> \"@attack.test>\r\n",
        b"From: admin@legit.test@attack.test\r\n",
        b"From: <admin@legit.test;@attack.test>\r\n",
        b"From: <admin@legit.test\x00@attack.test>\r\n",
        b"From: <admin@legit.test\x0b@attack.test>\r\n",
        b"From: <admin@legit.test\xa0@attack.test>\r\n",
        b"From: admin@legit.test\xc2\xa0<x@attack.test>\r\n",
        b"From: <admin@legit.test\r\n\t@attack.test>\r\n",
        b"From: <admin @ legit . test>\r\n",
        b"From: admin@(x@attack.test)legit.test\r\n",
        b"From: <admin@legit.test>\r\n\t,\r\n",
        b"From: ,<admin@legit.test>\r\n",
        b"From: <admin@[legit.test]>\r\n",
        b"From: <admin@LEGIT.Test>\r\n",
        b"From: <admin@legit.test.>\r\n",
        b"From: <admin@legit\xe3\x80\x82test>\r\n",  # IDNA's other full stops, and wide letters
        b"From: <admin@\xef\xbd\x8cegit.test>\r\n",
        b"From: <admin@legit.t\xc2\xadest>\r\n",
        b"From: <admin@sub.legit.test>\r\n",
        b"From: =?utf-8?Q?x?= <admin@legit.test>\r\n",
    ],
}


def with_and_without_signature(fields):
    """His signature is on what a lenient signer would see; not above a line that
    would then be the signature's."""
    for n, field in enumerate(fields):
        raw = message(field)
        yield f"{n}", raw
        if field[:1] not in b" \t" and b"from" in {f.partition(b":")[0].lower() for f in fields_of(raw)}:
            yield f"{n} signed", signed(message(field), b"attack.test", HIS)


def test_what_passes(world, case):
    """So that none of the others passes because nothing does."""
    raws = {"spf": message(), "dkim": signed(message(), b"attack.test", HIS),
            "two of one domain": message(b"From: <a@attack.test>, B <b@Attack.Test>\r\n"),
            "legit": signed(author(b"admin@legit.test"), b"legit.test", THEIRS)}
    answers = offered(world, case, raws)
    assert {code for code, _ in answers.values()} == {250}, answers
    whose = {name: dmarc_of(raw) for name, raw in stored(world, raws).items()}
    assert whose == {**dict.fromkeys(raws, ("pass", "attack.test")), "legit": ("pass", "legit.test")}


@pytest.mark.parametrize("name", AUTHORS)
def test_A111_to_A114_two_readers_two_authors(world, case, name):
    """espoofer A8 to A19; CVE-2019-16378, CVE-2021-34555"""
    raws = dict(with_and_without_signature(AUTHORS[name]))
    answers = offered(world, case, raws)
    for each, (code, text) in answers.items():
        if code == 250:  # let in: then it is nobody's
            assert dmarc_of(stored(world, {each: raws[each]})[each])[0] in ("fail", "none"), raws[each]
        else:
            assert code in REFUSALS and text.startswith(("5.7.1 ", "5.6.")), (raws[each], code, text)
    assert sum(code == 550 for code, _ in answers.values()) >= len(AUTHORS[name]) // 2


def test_A111_to_A114_of_programs(world, case):
    """With the null sender, and SPF pass of HELO, From may be a program without an
    address.  Nothing but words may be there to be read."""
    fields = [field for some in AUTHORS.values() for field in some if not field.startswith(b"From: <>\r\n")]
    fields += [field.replace(b"<a@attack.test>", b"MAILER-DAEMON") for field in AUTHORS["A111"] + AUTHORS["A112"]]
    raws = {str(n): message(field) for n, field in enumerate(fields)}
    programs = {"program": message(b"From: Mailer <MAILER-DAEMON>\r\n"), "his": message(),
                "nobody": message(b"From: <>\r\nSender: <admin@legit.test>\r\n")}
    with Line(world.server) as line:
        for name, raw in raws.items():
            code, text = line.offer(raw, b"")
            assert code in REFUSALS and text.startswith(("5.7.1 ", "5.6.")), (raw, code, text)
        assert [line.offer(raw, b"")[0] for raw in programs.values()] == [250] * 3
    case.delivered = 3
    kept = stored(world, programs)
    assert "dmarc" not in verdicts(kept["program"]) and "dmarc" not in verdicts(kept["nobody"])
    assert dmarc_of(kept["his"]) == ("pass", "attack.test")


def test_A111_another_From_for_a_good_signature(world, case):
    """What legit.test signed once, with one more From above or below it: the
    signature counts from below, readers from above."""
    good = signed(author(b"admin@legit.test"), b"legit.test", THEIRS)
    field, _, rest = good.partition(b"\r\nFrom:")
    raws = {"above": b"From: <x@attack.test>\r\n" + good,
            "between": field + b"\r\nFrom: <x@attack.test>\r\nFrom:" + rest,
            "below": good.replace(b"\r\n\r\n", b"\r\nFrom: <x@attack.test>\r\n\r\n", 1),
            "indented": b" From: <x@attack.test>\r\n" + good,
            "spelled": b"From : <x@attack.test>\r\n" + good,
            "8-bit": b"From\xa0: <x@attack.test>\r\n" + good}
    for name, (code, text) in offered(world, case, raws).items():
        assert code in REFUSALS and text.startswith(("5.7.1 ", "5.6.")), (name, code, text)


def test_A105_names_that_lie(world, case):
    """RFC 2047 s5 (3): what is decoded decides nothing.  A display name may say what
    it likes; the domain is that of the address."""
    raws = {str(n): message(field) for n, field in enumerate([
        b"From: =?utf-8?Q?admin=40legit.test=3E?= <x@attack.test>\r\n",
        b"From: =?utf-8?B?" + b64(b"<admin@legit.test>, ") + b"?= <x@attack.test>\r\n",
        b"From: \"admin@legit.test\" <x@attack.test>\r\n",
        b"From: \"<admin@legit.test>\" <x@attack.test>\r\n",
        b"From: \"a\\\"<admin@legit.test>\\\"\" <x@attack.test>\r\n",
        b"From: \"x\", <x@attack.test>\r\n",
        b"From: (<admin@legit.test>) x@attack.test\r\n",
        b"From: x@attack.test (<admin@legit.test>)\r\n",
        b"From: admin%legit.test@attack.test\r\n",
        b"From: admin=legit.test@attack.test\r\n",
        b"From: <x@attack.test>\r\n\t(From: <admin@legit.test>)\r\n",
        b"From: admin at legit.test\r\n\t<x@attack.test>\r\n",
        b"From: <x@attack.test>\r\nSender: <admin@legit.test>\r\nReply-To: <admin@legit.test>\r\n",
        b">From: <admin@legit.test>\r\nFrom: <x@attack.test>\r\n",
        b"X-From: <admin@legit.test>\r\nFrom: <x@attack.test>\r\nFroma: <admin@legit.test>\r\n",
        b"From: <x@attack.test>\r\nFrom <admin@legit.test>\r\n",
        b"From admin@legit.test Mon Nov 23 10:00:00 2026\r\nFrom: <x@attack.test>\r\n"])}
    answers = offered(world, case, raws)
    kept = stored(world, raws)
    for name, (code, _) in answers.items():
        assert code in REFUSALS or dmarc_of(kept[name]) == ("pass", "attack.test"), raws[name]
    assert len(kept) > 8


def test_domains_that_look_alike(world, case):
    """SPF, signature and policy of his own, of names that end like another's, or that
    another's ends in."""
    names = [name.encode() for name in ALIKE]
    raws = {name: signed(author(b"admin@legit.test"), name, HIS) for name in names}
    raws |= {name + b" both": signed(signed(author(b"admin@legit.test"), name, HIS), b"attack.test", HIS) for name in names}
    with Line(world.server) as line:
        for name, raw in raws.items():
            code, text = line.offer(raw, b"admin@" + name.split()[0])
            # (of "test", who has no dot, there is no mailbox)
            assert code == 550 and "legit.test" in text or name.startswith(b"test") and code in REFUSALS, (name, code, text)
        code, text = line.offer(raws[b"test"])
        assert code == 550 and text.startswith("5.7.1 "), text


@pytest.mark.parametrize("sender", [
    b"any@legit.test(a.attack.test", b"any@legit.test'@any.attack.test", b"(any@legit.test", b"any@legit.test)",
    b"any@legit.test,x@attack.test", b"any@legit.test@attack.test", b"any@legit.test\\@attack.test", b"any@legit.test;",
    b"any@legit.test\x00.attack.test", b"any@legit.test\xa0.attack.test", b"any@legit.test .attack.test",
    b"\"any@legit.test", b"any@.legit.test", b"any@legit..test", b"any@" + b"a" * 64 + b".test", b"@legit.test"],
    ids=range(16))
def test_A115_senders_that_are_none(world, sender):
    """espoofer A2, A5 to A7; CVE-2020-12272"""
    with Line(world.server) as line:
        assert line.offer(message(), sender)[0] == (500 if b"\0" in sender else 501)


def test_A115_routes(world, case):
    """They are dropped (RFC 5321 s4.1.1.3): SPF is asked about what is left."""
    with Line(world.server) as line:
        for sender, domain in ((b"@legit.test,@any.test:'any@attack.test", "attack.test"),
                               (b"@attack.test,@any.test:admin@legit.test", "legit.test"),
                               (b"@attack.test:admin@legit.test", "legit.test")):
            code, text = line.offer(author(b"admin@legit.test"), sender)
            if code in (501, 553):
                continue
            assert code == 550 and text.startswith("5.7.1 "), text
            checks = explained(world.server, text)
            assert f"domain={domain}" in checks["spf"][0]["inputs"]
            assert checks["dmarc"][0]["result"] == "fail"


def dkim_of(world, text):
    return [(c["result"], c["inputs"]) for c in explained(world.server, text)["dkim"]]


def test_A116_domains_of_signatures(world, case):
    """espoofer A4: signatures that are good, with keys that are published, of domains
    that are none, and half of whose name is legit.test."""
    names = [n.encode() for n in ODD] + [
        b"legit.test .attack.test", b"legit.test\r\n\t.attack.test", b"legit.test\t", b"legit.test.attack.test\xa0",
        b"legit.test\x01", b"legit.test.", b".legit.test", b"legit..test", b"", b"test", b"-.legit.test",
        b"legit.test=20.attack.test", b"a" * 64 + b".legit.test", b"a." * 150 + b"attack.test"]
    raws = {n: signed(author(b"admin@legit.test"), n, HIS) for n in names}
    raws[b"NUL"] = signed(author(b"admin@legit.test"), b"legit.test\x00.attack.test", HIS)
    for name, (code, text) in offered(world, case, raws).items():
        if name == b"NUL":
            assert code == 554
            continue
        assert code == 550 and text.startswith("5.7.1 "), (name, text)
        for result, inputs in dkim_of(world, text):
            assert result in ("permerror", "neutral", "fail"), (name, result)
            assert "d=legit.test'" not in inputs and "d=legit.test(" not in inputs
            assert result == "fail" or "d=" not in inputs or name in (b"legit.test\t",), (name, inputs)


def test_A116_A117_nothing_raw_in_the_results(world, case):
    """The same beside a From that is let in."""
    tags = [(n.encode(), b"k") for n in ODD]
    tags += [(b"attack.test", s) for s in (b"k (", b"\"k", b"k'", b"k\r\n\tdkim=pass", b"k\x7f", b"k=pass")]
    tags += [(b"x; dkim=pass header.d=legit.test", b"k"), (b"attack.test", b"k")]
    raws = {str(n): signed(message(), domain, HIS, selector) for n, (domain, selector) in enumerate(tags)}
    assert all(code == 250 for code, _ in offered(world, case, raws).values())
    for name, raw in stored(world, raws).items():
        found = verdicts(raw)
        assert {m: len(r) for m, r in found.items()} == {"iprev": 1, "spf": 1, "dkim": 1, "arc": 1, "dmarc": 1}, name
        assert found["dkim"] == ["pass"] if int(name) == len(tags) - 1 else found["dkim"] != ["pass"]
        assert b"legit.test" not in fields_of(raw)[2]


def test_A117_selectors(world, case):
    """espoofer A3: no question is asked about half of a name."""
    before = len(world.dns.asked())
    names = [b"a._domainkey.legit.test.%00.any", b"a._domainkey.legit.test.\\000.any", b"a._domainkey.legit.test.\x01.any",
             b"a..b", b".a", b"a.", b"a" * 64, b"a." * 150, b"a" * 300, b"a/b", b"a b", b"*", b"", b"a\xff", b"\xc2\xa0"]
    raws = {s: signed(author(b"admin@legit.test"), b"legit.test", HIS, s) for s in names}
    raws[b"NUL"] = signed(author(b"admin@legit.test"), b"legit.test", HIS, b"a._domainkey.legit.test.\x00.any")
    for name, (code, text) in offered(world, case, raws).items():
        if name == b"NUL":
            assert code == 554
            continue
        assert code == 550 and text.startswith("5.7.1 "), (name, text)
        assert {r for r, _ in dkim_of(world, text)} <= {"permerror", "neutral"}, name
    keys = {name for _, name in world.dns.asked()[before:] if "_domainkey" in name}
    assert not keys, keys


FORGED = [
    b"Authentication-Results: mx.d.test; dkim=pass header.d=legit.test\r\n" * 3,
    b"AUTHENTICATION-RESULTS : mx.d.test; dkim=pass header.d=legit.test\r\n",
    b"Authentication-Results:\r\n mx.d.test;\r\n\tdkim=pass header.d=legit.test\r\n",
    b"Authentication-Results: (x) mx.d.test; dkim=pass header.d=legit.test\r\n",
    b"ARC-Authentication-Results: i=1; mx.d.test; dkim=pass header.d=legit.test\r\n",
    b"Received-SPF: pass (mx.d.test: domain of admin@legit.test) receiver=mx.d.test\r\n",
    b"Authentication-Results:mx.d.test;dkim=pass header.d=legit.test\r\n",
    b"authentication-results\t: MX.D.Test; dmarc=pass header.from=legit.test\r\n",
    b"Authentication-Results: (a(b\\)c)d) mx.d.test (e) 1 (f); dmarc=pass header.from=legit.test\r\n",
    b"Authentication-Results: \"mx.d.test\"; dmarc=pass header.from=legit.test\r\n",
    b"Authentication-Results: \"mx\\.d.test\" 1; dmarc=pass header.from=legit.test\r\n",
    b"Authentication-Results: mx.d.test.; dmarc=pass header.from=legit.test\r\n",
    b"Authentication-Results: mx.d.test 1; dmarc=pass header.from=legit.test\r\n",
    b"Authentication-Results: mx.d.test\r\n",
    b"Authentication-Results: mx.d.test dmarc=pass header.from=legit.test\r\n",
    b"Authentication-Results: mx.d.test/1; dmarc=pass header.from=legit.test\r\n",
    b"Authentication-Results: mx.d.test (; dmarc=pass header.from=legit.test\r\n",
    b"Authentication-Results: \"mx.d.test; dmarc=pass header.from=legit.test\r\n",
    b"Authentication-Results: \xc2\xa0mx.d.test; dmarc=pass header.from=legit.test\r\n",
    b"Authentication-Results: mx.d.\xef\xbd\x94est; dmarc=pass header.from=legit.test\r\n",
    b"Authentication-Results: mx.d.test\xe2\x80\x8b; dmarc=pass header.from=legit.test\r\n",
    b"Authentication-Results: \t \r\n\t \r\n\tmx.d.test\r\n\t;\r\n\tdmarc=pass header.from=legit.test\r\n",
    b"Authentication-Results: ; mx.d.test; dmarc=pass header.from=legit.test\r\n",
    b"RECEIVED-SPF: pass (MX.D.Test: domain of admin@legit.test)\r\n",
    b"Received-SPF: pass receiver=\"mx.d.test\"; client-ip=198.51.100.7\r\n",
]


def test_A118_results_in_our_name(world, case):
    """CVE-2022-48521, CVE-2019-20790; RFC 8601 s5: they go, in whatever spelling, and
    nothing else does."""
    other = b"Authentication-Results: other.test; dkim=pass header.d=legit.test\r\n"
    raws = {str(n): message(extra=forged + other) for n, forged in enumerate(FORGED)}
    raws["on top"] = b"".join(FORGED) + message(extra=other)
    raws["below"] = message(extra=other + b"".join(FORGED))
    raws["as ARC has them"] = message(extra=other + FORGED[4])
    raws["whose names are none"] = message(extra=other).replace(
        b"Subject:", b"Authentication-Results\xa0: mx.d.test; dmarc=pass header.from=legit.test\r\nSubject:")
    answers = offered(world, case, raws)
    assert {code for name, (code, _) in answers.items() if name != "whose names are none"} == {250}, answers
    for name, raw in stored(world, raws).items():
        found = verdicts(raw)  # one of ours, on top
        assert found["dkim"] == ["none"] and found["arc"] != ["pass"] and found["dmarc"] == ["pass"], name
        assert dmarc_of(raw) == ("pass", "attack.test")
        fields = fields_of(raw)
        assert [f for f in fields[3:] if is_of_results(f)] == [other[:-2]], name
        # the rest is as it came
        assert [f for f in fields[3:] if not is_of_results(f)] == [f for f in fields_of(raws[name]) if not is_of_results(f)]


def is_of_results(field):
    return name_of(field) in (b"authentication-results", b"received-spf")


def test_A119_results_by_the_envelope(world, case):
    """What a peer says of itself is a value, for whoever reads: python3-authres finds
    the five methods that we wrote, and nothing of legit.test."""
    senders = [b"\"x; dkim=pass header.d=legit.test\"@attack.test", b"\"x\\\"; dkim=pass header.d=legit.test (\"@attack.test",
               b"\"; dmarc=pass header.from=legit.test\"@attack.test", b"\"(\"@attack.test", b"\")\"@attack.test",
               b"\"\\\\\"@attack.test", b"\"a b\"@attack.test", b"\"admin@legit.test\"@attack.test",
               b"=?utf-8?q?dkim=3Dpass?=@attack.test", b"dkim=pass@attack.test", b"x'@attack.test", b""]
    helos = [b"x;dmarc=pass", b"x(", b"x\"dkim=pass", b"[x;dkim=pass]", b"x=y", b"legit.test;dkim=pass",
             b"mx.attack.test dkim=pass", b"x\xa0;dkim=pass"]
    raws, taken = {}, 0
    for helo in [b"mx.attack.test", *helos]:
        with Line(world.server, helo=helo) as line:
            for sender in senders if helo == b"mx.attack.test" else (b"", b"x@attack.test"):
                raws[helo, sender] = message()
                code, _ = line.offer(raws[helo, sender], sender)
                case.delivered += code == 250
                taken += code == 250
                assert code in REFUSALS | {250, 503}, (helo, sender, code)  # 503: EHLO was none
    kept = stored(world, raws)
    assert len(kept) == taken and taken >= len(senders) - 1
    for name, raw in kept.items():
        assert {m: len(r) for m, r in verdicts(raw).items()} == {
            "iprev": 1, "spf": 1, "dkim": 1, "arc": 1, "dmarc": 1}, name
        assert verdicts(raw)["dkim"] == ["none"]
        assert dmarc_of(raw)[1] == "attack.test"
        # nor for who splits at semicolons
        said = [part.split()[0] for part in fields_of(raw)[2].split(b";")]
        assert [s.partition(b"=")[0] for s in said[1:]] == [b"iprev", b"spf", b"dkim", b"arc", b"dmarc"], said


def test_A120_a_part_of_the_body(world, case):
    """RFC 6376 s8.2: good signatures of legit.test over the beginning of a body."""
    whole = author(b"admin@legit.test")
    size = len(whole.partition(b"\r\n\r\n")[2])

    def part(length, more):
        return signed(author(b"admin@legit.test"), b"legit.test", THEIRS, length=length) + more
    raws = {"all of it": part(size, b""), "l=0": part(0, b""), "l=3": part(3, b""), "one octet more": part(size, b"\r\nx"),
            "evil": part(size, b"<html>Pay to attack.test!</html>\r\n"), "l=0, evil": part(0, b"evil\r\n"),
            "a new part": part(size, b"--x\r\nContent-Type: text/html\r\n\r\nevil\r\n--x--\r\n")}
    for digits in (b"18446744073709551616", b"18446744073709551615", b"9" * 80, b"-1", b"+8", b"0x8", b"8.0", b"", b"8 8"):
        raws[digits] = signed(author(b"admin@legit.test"), b"legit.test", THEIRS, more=b" l=" + digits + b";")
    for digits in (b"8; l=0",):
        raws["twice"] = signed(author(b"admin@legit.test"), b"legit.test", THEIRS, more=b" l=" + digits + b";")
    answers = offered(world, case, raws)
    assert answers.pop("all of it")[0] == 250
    for name, (code, text) in answers.items():
        assert code == 550 and text.startswith("5.7.1 "), (name, code, text)
        checks = explained(world.server, text)
        assert checks["dmarc"][0]["result"] == "fail" and checks["dkim"][0]["result"] != "pass", name


def test_A126_our_own_domain(world, case):
    """Nobody is one of us who has not logged in."""
    with Line(world.server) as line:
        for sender, field in (
                (b"ceo@d.test", b"From: <ceo@d.test>\r\n"), (b"x@attack.test", b"From: The CEO <ceo@d.test>\r\n"),
                (b"ceo@d.test", b"From: <x@attack.test>\r\n"), (b"", b"From: <ceo@d.test>\r\n"),
                (b"x@attack.test", b"From: <bob@D.TEST>\r\n"), (b"bob@D.Test", b"From: <x@attack.test>\r\n"),
                (b"x@attack.test", b"From: <ceo@e.test>\r\n"), (b"carol@e.test", b"From: <carol@e.test>\r\n"),
                (b"x@attack.test", b"From: <ceo@sub.d.test>\r\n"), (b"x@attack.test", b"From: <ceo@d.test.>\r\n"),
                (b"x@attack.test", b"From: \"x@attack.test\" <ceo@d.test>\r\n")):
            code, text = line.offer(message(field), sender)
            assert code in (550, 553) and text.startswith("5.7.1 "), (sender, field, code, text)
        assert line.offer(signed(author(b"ceo@d.test"), b"attack.test", HIS))[0] == 550
