# SPDX-License-Identifier: MIT
"""SPF over the openspf suites and against pyspf.

Needs the suites' directory in PENNYPOST_CORPUS (spf/openspf-pyspf), and the
directory of the probes in PP_BUILD.  tests/policy/accepted.txt says where we
differ from a suite, and why."""
import os
import pathlib
import random
import subprocess

import pytest

HERE = pathlib.Path(__file__).parent
SUITES = {  # file: how many cases it has
    "rfc7208-tests.yml": 203,
    "rfc4408-tests.yml": 191,
    "test.yml": 16,
}


def corpus():
    root = os.environ.get("PENNYPOST_CORPUS")
    if not root:
        pytest.skip("PENNYPOST_CORPUS is not set: no suites to run")
    return pathlib.Path(root) / "spf" / "openspf-pyspf"


def escape(text):
    """As zone.h and probe_spf read it."""
    octets = text if isinstance(text, bytes) else text.encode()
    return "".join(chr(c) if 32 < c < 127 and c != 92 else f"\\{c:03}"
                   for c in octets)


class Probe:
    def __init__(self):
        path = pathlib.Path(os.environ.get("PP_BUILD", ".")) / "probe_spf"
        self.process = subprocess.Popen(
            [path], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            encoding="ascii")

    def say(self, *words):
        self.process.stdin.write("\t".join(words) + "\n")

    def zone(self, lines):
        self.say("clear")
        for line in lines:
            self.say("zone", line)

    def check(self, ip, helo, sender):
        """(result, explanation, term, problem, domain, questions)"""
        self.say("check", ip, escape(helo), escape(sender))
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the probe has died"
        return line.rstrip("\n").split("\t")


@pytest.fixture(scope="module")
def probe():
    p = Probe()
    yield p
    p.process.stdin.close()
    assert p.process.wait() == 0


def record_lines(name, kind, data):
    if data == "NONE":
        yield f"{name} {kind} NODATA"
    elif kind == "MX":
        yield f"{name} MX {data[0]} {escape(data[1]) or '.'}"
    elif kind == "TXT":
        pieces = data if isinstance(data, list) else [data]
        text = b"".join(p if isinstance(p, bytes) else p.encode()
                        for p in pieces)
        yield f"{name} TXT {escape(text)}"
    elif kind in ("A", "AAAA", "PTR", "CNAME"):
        yield f"{name} {kind} {escape(data)}"


def zone_lines(zonedata):
    """openspf's zone data as lines of zone.h.  A name with SPF (type 99)
    records and without TXT ones has them as TXT."""
    for name, records in zonedata.items():
        pairs = [next(iter(r.items())) for r in records
                 if isinstance(r, dict)]
        has_txt = any(kind == "TXT" for kind, _ in pairs)
        owner = escape(name)
        if "TIMEOUT" in records:
            yield f"{owner} ANY TIMEOUT"
        else:
            yield f"{owner} ANY NODATA"
        for kind, data in pairs:
            if kind == "SPF" and not has_txt:
                kind = "TXT"
            yield from record_lines(owner, kind, data)


def scenarios(path):
    yaml = pytest.importorskip("yaml")
    with open(path, "rb") as f:
        yield from (s for s in yaml.safe_load_all(f) if s)


def accepted():
    """{(suite, case): reason}"""
    found = {}
    path = HERE / "accepted.txt"
    for line in path.read_text().splitlines() if path.exists() else []:
        if line.startswith("#") or " : " not in line:
            continue
        where, reason = line.split(" : ", 1)
        suite, case = where.split(None, 1)
        found[suite, case.strip()] = reason
    return found


def judge(probe, case):
    """What is wrong with our answer, or None."""
    wanted = case["result"]
    wanted = wanted if isinstance(wanted, list) else [wanted]
    got, explanation, *_ = probe.check(
        str(case["host"]), str(case["helo"]), str(case["mailfrom"] or ""))
    if got not in wanted:
        return f"{got}, wanted {' or '.join(wanted)}"
    if got != "fail" or "explanation" not in case:
        return None
    words = case["explanation"]
    words = "" if words == "DEFAULT" else words
    if explanation != words:
        return f'"{explanation}", wanted "{words}"'
    return None


@pytest.mark.parametrize("suite", SUITES)
def test_suite(probe, suite):
    allowed = {case: why for (s, case), why in accepted().items()
               if s == suite}
    wrong, cases = [], 0
    for scenario in scenarios(corpus() / suite):
        probe.zone(zone_lines(scenario.get("zonedata") or {}))
        for name, case in scenario["tests"].items():
            cases += 1
            trouble = judge(probe, case)
            if trouble is None and name in allowed:
                wrong.append(f"{name}: accepted as different, and is not")
            elif trouble is not None and name not in allowed:
                wrong.append(f"{name}: {trouble}")
    assert not wrong, "\n".join(wrong)
    assert cases == SUITES[suite]


# --- against pyspf ---------------------------------------------------------

SEED = 7208
CASES = 600
DOMAINS = [f"d{n}.example" for n in range(8)]
HOSTS = [f"mail{n}.d{n}.example" for n in range(8)] + ["gone.example"]
CLIENTS = ["192.0.2.1", "192.0.2.77", "198.51.100.9", "203.0.113.200",
           "2001:db8::1", "2001:db8:0:1::25", "::ffff:192.0.2.1"]
MACROS = ["%{d}", "%{d1r}", "%{o}", "%{s}", "%{l}", "%{lr-}", "%{l1r+-}",
          "%{i}", "%{ir}", "%{v}", "%{h}", "%{h2}", "%{S}", "%{L}",
          "%{D2}", "%%", "%-", "%{i3}", "%{i2r}"]
WRONG = ["a:", "mx/33", "a//129", "ip4:1.2.3", "ip4:1.2.3.4/", "ip6:1::2::3",
         "foo", "-bar:x", "exists", "include", "all:x", "exists:%{z}.x.test",
         "a:%(d).test", "ptr/24", "include:%{d0}.test", "a:x.123", "=b",
         "exists:%{c}.x.test", "ip4:01.2.3.4", "ip6:2001:db8::/129",
         "redirect=", "exp=", "a/024", "mx:d1.example/24/24"]


class World:
    """A random zone, as dict for pyspf and as lines for us."""

    def __init__(self, rng):
        self.rng = rng
        self.data = {}
        for name in DOMAINS + HOSTS[:-1]:
            self.addresses(name)
        for n, name in enumerate(DOMAINS):
            if rng.random() < 0.8:
                for host in rng.sample(HOSTS, rng.choice([1, 1, 2, 3])):
                    self.add(name, "MX", (rng.randrange(50), host))
            self.add(name, "TXT", self.record(n))
            if rng.random() < 0.03:
                self.add(name, "TXT", self.record(n))
            self.add("exp." + name, "TXT", self.words())
        for client in CLIENTS:
            for host in rng.sample(HOSTS, rng.choice([0, 1, 2])):
                self.add(reverse(client), "PTR", host)
        for name in ("slow.example",):
            for kind in ("A", "AAAA", "MX", "TXT"):
                self.data[name, kind] = None

    def add(self, name, kind, value):
        if value not in self.data.setdefault((name, kind), []):
            self.data[name, kind].append(value)

    def addresses(self, name):
        for client in self.rng.sample(CLIENTS[:6], self.rng.randrange(3)):
            self.add(name, "AAAA" if ":" in client else "A", client)

    def words(self):
        r = self.rng
        return " ".join(r.choice(["No mail", "from %{i}", "%{c}", "of %{s}",
                                  "by %{r}", "%{v}", "%_%%%-", "%{H}"])
                        for _ in range(r.randrange(1, 4)))

    def spec(self, n):
        r = self.rng
        if r.random() < 0.5:
            # a domain further on: loops are for tests of their own
            return r.choice(["slow.example"] if r.random() < 0.06
                            else DOMAINS[n + 1:] + HOSTS)
        return ".".join(r.choice(MACROS) for _ in range(r.choice([1, 2, 3]))
                        ) + r.choice([".d5.example", ".example", ".x.example."])

    def term(self, n):
        r = self.rng
        kind = r.choice(["a", "mx", "ip4", "ip4", "ip6", "exists", "include",
                         "include", "a", "mx", "ptr"])
        cidr = r.choice(["", "", "/24", "/0", "//64", "/24//64", "/31//127"])
        client = r.choice(CLIENTS[:6])
        if kind in ("ip4", "ip6"):
            six = ":" in client
            bits = r.choice(["", "/16", "/25", "/32", "/0"] +
                            ["/64", "/128", "/99"] * six)
            return f"ip{'6' if six else '4'}:{client}{bits}"
        if kind == "include":
            later = DOMAINS[n + 1:]
            return f"include:{r.choice(later or ['gone.example'])}"
        if kind == "exists":
            return f"exists:{self.spec(n)}"
        if kind == "ptr":
            return r.choice(["ptr", f"ptr:{r.choice(DOMAINS)}", "ptr:example"
                             ".example"])
        return kind + (":" + self.spec(n) if r.random() < 0.6 else "") + cidr

    def record(self, n):
        r = self.rng
        terms = [r.choice(["", "", "", "-", "~", "?", "+"]) + self.term(n)
                 for _ in range(r.choice([0, 1, 2, 3, 4, 6]))]
        if r.random() < 0.08:
            terms.insert(r.randrange(len(terms) + 1), r.choice(WRONG))
        if r.random() < 0.4:
            terms.append(f"exp=exp.{r.choice(DOMAINS)}")
        if r.random() < 0.2:
            terms.append("moo=%{d}/x")
        end = r.choice(["-all", "~all", "?all", "all", "", "redirect", "-all"])
        if end == "redirect":
            end = f"redirect={r.choice(DOMAINS[n + 1:] or ['gone.example'])}"
        terms.append(end)
        if r.random() < 0.1:
            r.shuffle(terms)
        return ("v=spf1 " + r.choice([" ", " ", "  "]).join(terms))

    def lines(self):
        for (name, kind), values in self.data.items():
            if values is None:
                yield f"{name} {kind} TIMEOUT"
            for value in values or []:
                if kind == "MX":
                    yield f"{name} MX {value[0]} {value[1]}"
                else:
                    yield f"{name} {kind} {value}"

    def lookup(self, name, qtype, *_):
        """In place of spf.DNSLookup."""
        import spf
        values = self.data.get((name.lower().rstrip("."), qtype), [])
        if values is None:
            raise spf.TempError("DNS time-out")
        return [((name, qtype), [v.encode()] if qtype == "TXT" else v)
                for v in values]


def reverse(client):
    import ipaddress
    a = ipaddress.ip_address(client)
    return (getattr(a, "ipv4_mapped", None) or a).reverse_pointer


def oracle(world, client, helo, sender):
    spf = pytest.importorskip("spf")
    spf.DNSLookup = world.lookup
    q = spf.query(i=client, s=sender, h=helo, receiver="receiver.test",
                  strict=True)
    q.set_default_explanation("")
    result, _, text = q.check()
    return result, text if result == "fail" else "", q.perm_error


def excuse(world, ours, our_problem, their_problem):
    """Why pyspf is wrong where we differ, or None."""
    text = str(their_problem)
    if ours == "permerror" and "%{d0}" in our_problem:
        return "it takes 0 for all; RFC 7208 s7.3: 'MUST be nonzero'"
    if "Void lookup limit" in text and any(
            word in txt for (_, kind), values in world.data.items()
            if kind == "TXT" for txt in values or []
            for word in ("ptr", "mx")):
        return ("it asks for the addresses of all hosts of an MX where the "
                "first matches, and counts the client's own PTR names; RFC "
                "7208 s4.6.4 counts terms of the domain")
    if "Too many DNS lookups" in text:
        return ("it counts a redirect it never follows (RFC 7208 s4.6.4: "
                "'during SPF evaluation')")
    return None


def test_pyspf(probe):
    rng = random.Random(SEED)
    wrong, excused, results = [], 0, set()
    for n in range(CASES):
        world = World(rng)
        client = rng.choice(CLIENTS)
        helo = rng.choice(HOSTS + DOMAINS)
        sender = rng.choice(["", "bob@", "strong-bad+x@", "a.b.c@"])
        sender = sender and sender + rng.choice(DOMAINS[:3])
        world_lines = list(world.lines())
        probe.zone(world_lines)
        result, text, _, problem, *_ = probe.check(client, helo, sender)
        wanted, words, why = oracle(world, client, helo, sender)
        results.add(result)
        if (result, text) == (wanted, words):
            continue
        if excuse(world, result, problem, why):
            excused += 1
            continue
        wrong.append("\n".join([
            f"case {n}: {client} {helo} <{sender}>",
            f"we: {result} {text!r} {problem}",
            f"pyspf: {wanted} {words!r} {why}"] + world_lines))
    assert not wrong, f"{len(wrong)} differ; the first:\n{wrong[0]}"
    assert excused < CASES / 10
    assert len(results) == 7  # the worlds are wide enough for each result
