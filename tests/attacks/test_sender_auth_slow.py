# SPDX-License-Identifier: MIT
"""A121, A123, A125 with a DNS that is slow, or says nothing.  policy.dns_time is one
second, so that all of it is too late: what is shown is that it ends, and how much
was asked."""
from forger import SETTINGS, Line, Rsa, author, dmarc, explained, key, message, signed, spf

HIS = Rsa(1024)
N = 500
SLOW = {f"k._domainkey.s{n}.slow.test": {"delay": 5} for n in range(N)}
DROPPED = {f"{n}.mute.test": "drop" for n in range(10)}
SETTINGS = {**SETTINGS, "policy.dns_time": "1s", "records": [
    dmarc("legit.test", "p=reject"), dmarc("mute.test", "p=reject"),
    *[key(f"s{n}.slow.test", HIS.record) for n in range(N)],
    *[key(f"i{n}.slow.test", HIS.record) for n in range(60)],
    spf("mute.test", " ".join(f"include:{n}.mute.test" for n in range(10)) + " -all")],
    "behaviours": {**SLOW, **DROPPED, **{f"k._domainkey.i{n}.slow.test": {"delay": 5} for n in range(60)},
                   "silent.test": "drop", "_dmarc.silent.test": "drop", "k._domainkey.silent.test": "drop"}}


def keys_asked(world):
    return {name for _, name in world.dns.asked() if "_domainkey" in name}


def test_A121_five_hundred_signatures(world, case):
    """OpenDKIM #271: the first eight are looked at."""
    case.cpu_s = 4
    raw = author(b"admin@legit.test")
    for n in range(N):
        field = signed(author(b"admin@legit.test"), b"s%d.slow.test" % n, HIS)
        raw = field[:field.index(b"From: ")] + raw
    before = keys_asked(world)
    with Line(world.server) as line:
        for _ in range(30):  # until it is not SPF that takes all of the second
            code, text = line.offer(raw)
            assert code in (451, 550) and text.startswith(("4.7.", "5.7.")), (code, text)
            found = explained(world.server, text)["dkim"]
            assert len(found) == 9 and "492 more" in found[8]["why"], found
            if keys_asked(world) != before:
                break
        # and the session goes on
        code, text = line.offer(message())
        assert code in (250, 451)
        case.delivered = int(code == 250)
    asked = keys_asked(world) - before
    assert 1 <= len(asked) <= 8 and asked <= {f"k._domainkey.s{n}.slow.test" for n in range(N - 8, N)}, asked


def test_A121_sets_of_ARC(world, case):
    """RFC 8617 s5.2: fifty at most, and a chain that is broken is not gone after."""
    sets = b""
    for n in range(1, 61):
        domain = b"i%d.slow.test" % (n - 1)
        sets = (b"ARC-Seal: i=%d; a=rsa-sha256; cv=%s; d=%s; s=k; b=AAAA\r\n" % (n, b"none" if n == 1 else b"pass", domain) +
                b"ARC-Message-Signature: i=%d; a=rsa-sha256; d=%s; s=k; h=from; bh=AAAA; b=AAAA\r\n" % (n, domain) +
                b"ARC-Authentication-Results: i=%d; mx.d.test; dmarc=pass header.from=legit.test\r\n" % n) + sets
    before = keys_asked(world)
    with Line(world.server) as line:
        code, text = line.offer(sets + author(b"admin@legit.test"))
        assert code in (451, 550), text
        assert explained(world.server, text)["arc"][0]["result"] == "fail"
    assert len(keys_asked(world) - before) <= 50


def test_A123_includes_that_time_out(world, case):
    """RFC 7208 s4.6.4: a temporary error, and ten at most."""
    before = len(world.dns.asked())
    with Line(world.server) as line:
        code, text = line.offer(author(b"x@mute.test"), b"x@mute.test")
        assert code == 451 and text.startswith("4.7."), text
        assert explained(world.server, text)["spf"][0]["result"] == "temperror"
    assert len({name for _, name in world.dns.asked()[before:] if name.endswith(".mute.test")} - {"_dmarc.mute.test"}) <= 10


def test_A125_a_DNS_that_says_nothing(world, case):
    with Line(world.server) as line:
        for raw in (author(b"admin@silent.test"), signed(author(b"admin@silent.test"), b"silent.test", HIS)):
            code, text = line.offer(raw, b"admin@silent.test")
            assert code == 451 and text.startswith("4.7."), text
