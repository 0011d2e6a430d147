# SPDX-License-Identifier: MIT
"""What a person does for a domain: make it, publish what `domain dns' prints,
have it checked, change its keys."""
import json
import re
import subprocess

import pytest

from pennypost import BIN, Server, StubDns

NAME, HOST, IP = "bob.test", "mx.bob.test", "127.0.0.2"


def mailctl(server, *words, code=0):
    done = subprocess.run([str(BIN / "mailctl"), "-c", server.ready["conf"], *words],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == code, (words, done.stdout, done.stderr)
    return done.stdout


def published(server):
    """The records of `domain dns', as the stub server takes them."""
    records = json.loads(mailctl(server, "domain", "dns", NAME, "--json"))["records"]
    return [[r["name"], r["type"], f'"{r["value"]}"' if r["type"] == "TXT" and len(r["value"]) < 256 else strings(r)]
            for r in records]


def strings(record):
    value = record["value"]
    if record["type"] != "TXT":
        return value
    return " ".join(f'"{value[n:n + 255]}"' for n in range(0, len(value), 255))


@pytest.fixture(scope="module")
def world():
    with StubDns([], {}) as dns:
        with Server(users={"bob@bob.test": "pw-bob-Xyz123"}, domain=NAME, host=IP, dns=dns.forward) as server:
            server.stub = dns
            mailctl(server, "domain", "rotate", NAME)  # dev makes none by itself
            yield server


def findings(server, code):
    got = json.loads(mailctl(server, "domain", "check", NAME, "--json", code=code))
    assert got["good"] is (code == 0)
    return {(f["type"], f["name"]): f for f in got["findings"]}


def test_zone_and_table(world):
    zone = mailctl(world, "domain", "dns", NAME)
    assert f"{NAME}.\tIN\tMX\t10 {HOST}." in zone
    for begin in ("v=spf1", "v=DMARC1", "v=STSv1", "v=TLSRPTv1"):
        assert f'"{begin}' in zone
    keys = re.findall(r"^(\w+)\._domainkey\.bob\.test\.\tIN\tTXT\t", zone, re.M)
    assert sorted(k[0] for k in keys) == ["e", "r"]
    for service in ("_submissions", "_submission", "_imaps", "_imap", "_pop3s", "_pop3", "_autodiscover"):
        assert re.search(rf"^;?{service}\._tcp\.bob\.test\.\tIN\tSRV\t\d+ \d+ \d+ {HOST}\.$", zone, re.M)
    for name in ("autoconfig", "autodiscover", "mta-sts"):
        assert re.search(rf"^;?{name}\.bob\.test\.\tIN\tCNAME\t{HOST}\.$", zone, re.M)
    assert max(len(s) for s in re.findall(r'"([^"]*)"', zone)) <= 255
    table = mailctl(world, "domain", "dns", NAME, "--table")
    assert re.search(r"^MX +@ +needed +10 mx\.bob\.test\.", table, re.M)
    assert re.search(r"^TXT +_dmarc +needed +v=DMARC1", table, re.M)


def test_a_zone_that_a_name_server_would_take(world):
    """dnspython reads the file as BIND does."""
    import dns.zone
    text = "@ IN SOA ns.bob.test. post.bob.test. 1 1 1 1 1\n@ IN NS ns.bob.test.\n"
    zone = dns.zone.from_text(text + mailctl(world, "domain", "dns", NAME), origin=NAME + ".", relativize=False)
    assert zone.find_rdataset(f"{NAME}.", "MX")[0].exchange.to_text() == HOST + "."


def test_nothing_published(world):
    world.stub.change([], {})
    found = findings(world, 1)
    assert found["MX", NAME]["result"] == "missing"
    assert found["TXT", f"_dmarc.{NAME}"]["result"] == "missing"
    assert found["A", HOST]["result"] == "missing"


def test_all_published(world):
    world.stub.change(published(world) + [
        [HOST, "A", IP], ["2.0.0.127.in-addr.arpa", "PTR", HOST + "."]], {})
    found = findings(world, 0)
    assert {f["result"] for f in found.values()} == {"ok"}
    assert "missing" not in mailctl(world, "domain", "check", NAME)


def test_wrong_ones(world):
    records = [r for r in published(world) if r[1] not in ("MX",) and "_domainkey" not in r[0]]
    key = next(r[0] for r in published(world) if r[0].startswith("e") and "_domainkey" in r[0])
    world.stub.change(records + [
        [HOST, "A", IP], ["2.0.0.127.in-addr.arpa", "PTR", "dyn.isp.test."],
        [NAME, "MX", "10 other.test."], [key, "TXT", '"v=DKIM1; k=ed25519; p=AAAA"']], {})
    found = findings(world, 1)
    assert found["MX", NAME]["result"] == "wrong" and "other.test" in found["MX", NAME]["words"]
    assert found["TXT", key]["result"] == "wrong"
    assert found["PTR", HOST]["result"] == "wrong" and "dyn.isp.test" in found["PTR", HOST]["words"]
    assert found["TXT", NAME]["result"] == "wrong"  # SPF says mx, and that leads elsewhere


def test_dead_dns(world):
    world.stub.change([], {"_dmarc.bob.test": "servfail"})
    assert findings(world, 1)["TXT", "_dmarc.bob.test"]["result"] == "unknown"


def test_rotation(world):
    def selectors():
        records = json.loads(mailctl(world, "domain", "dns", NAME, "--json"))["records"]
        return {r["name"]: r["need"] for r in records if "_domainkey" in r["name"]}

    before = set(selectors())
    assert "publish" in mailctl(world, "domain", "rotate", NAME).lower()
    both = selectors()
    assert len(both) == 4 and before < set(both)
    mailctl(world, "domain", "rotate", NAME)
    after = selectors()
    assert {name for name, need in after.items() if need == "advised"} == before


def test_domain_that_is_not_ours(world):
    for command in ("dns", "check", "rotate"):
        done = subprocess.run([str(BIN / "mailctl"), "-c", world.ready["conf"], "domain", command, "elsewhere.test"],
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and "elsewhere.test" in done.stderr
