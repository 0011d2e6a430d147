# SPDX-License-Identifier: MIT
"""What it costs to judge mail, and to sign it: our server beside itself.

    judge.py [--quick] [--json] [--rounds N] [--seconds S] [--dir D] BUILD

Two servers run at once.  One judges nothing (policy.exempt covers loopback),
the other everything: the client's name both ways, a DNSBL, SPF, an RSA
signature, ARC, DMARC, reputation, greylisting.  They get the same messages over
the same connections, one after the other, and the next round begins with the
other one; so do submissions to a server that signs and to one that does not.
A ratio is the median of the ratios of neighbours.  Before and after, one
message is sent and looked at: the checks must have been made.
"""
import argparse
import base64
import contextlib
import json
import pathlib
import poplib
import random
import re
import shutil
import smtplib
import statistics
import subprocess
import sys
import tempfile
import time

import dkim

import imap_peers
import peers
import run as smtp

CONNECTIONS = smtp.CONNECTIONS
MANY = 100000
TEXTS = 64
WARM = 50  # messages before each run: DNS is answered from the cache then
GOAL = 0.7  # the least share of its speed that judging may leave
USER, PASSWORD = "bench@d.test", "secret"
SENDER, AUTHOR = "ann@load.test", "Ann <ann@load.test>"
STUB = pathlib.Path(__file__).resolve().parents[1] / "tools/stub_dns.py"

# what is on in the server that judges; nothing of it is in the other's way
LAW = {
    "policy.dnsbl": "list.test=10",
    "policy.greylist": "yes",
    "policy.reputation": "yes",
    "policy.dmarc_reject": "yes",
    "policy.spf_fail": "refuse",
    "policy.connection_rate": "100000",
    "policy.message_rate": "1000000",
    "smtp.greet_delay": "0s",
    "limits.connections_per_address": MANY,
    "submission.messages_per_hour": "0",
    "submission.recipients_per_day": "0",
    "submission.new_recipients_per_day": "0",
}
JUDGED = {"iprev": "pass", "dnsbl": "none", "spf": "pass", "dkim": "pass", "arc": "none", "dmarc": "pass"}


# ---- the world outside

def txt(text):
    return " ".join('"' + text[i:i + 250] + '"' for i in range(0, len(text), 250))


class Outside:
    """A key, what DNS says of load.test, and letters signed with the key."""

    def __init__(self, dir):
        self.dir = pathlib.Path(dir)
        self.key = subprocess.run(["openssl", "genrsa", "-traditional", "2048"], check=True,
                                  capture_output=True).stdout
        public = subprocess.run(["openssl", "rsa", "-pubout", "-outform", "DER"], input=self.key,
                                check=True, capture_output=True).stdout
        record = f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"
        zone = {"ttl": 3600, "records": [
            ["1.0.0.127.in-addr.arpa", "PTR", "load.test."],
            ["load.test", "A", "127.0.0.1"],
            ["load.test", "TXT", txt("v=spf1 ip4:127.0.0.1 -all")],
            ["r._domainkey.load.test", "TXT", txt(record)],
            ["_dmarc.load.test", "TXT", txt("v=DMARC1; p=reject")],
            ["2.0.0.127.list.test", "A", "127.0.0.2"]]}
        (self.dir / "zone.json").write_text(json.dumps(zone))

    def __enter__(self):
        self.stub = subprocess.Popen([sys.executable, STUB, self.dir / "zone.json"], stdout=subprocess.PIPE)
        self.forward = f"127.0.0.1:{json.loads(self.stub.stdout.readline())['port']}"
        return self

    def __exit__(self, *_):
        self.stub.terminate()
        self.stub.wait()
        self.stub.stdout.close()

    def letter(self, author, number, signed):
        """10 KiB with the Message-ID that goes before it; it is not signed, so
        that each message may have its own."""
        head = (f"From: {author}\r\nTo: people@d.test\r\nSubject: load {number}\r\n"
                "Date: Sun, 22 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n"
                "Content-Type: text/plain; charset=utf-8\r\n\r\n").encode()
        dice = random.Random(number)
        words = ("the mail server and letter of Alice to Bob which arrived early morning with kind "
                 "regards " + base64.b64encode(dice.randbytes(96)).decode()).split()
        body, room = b"", smtp.SIZE - len(head) - 60 - (700 if signed else 0)
        while len(body) < room:
            body += " ".join(dice.choices(words, k=9)).encode() + b"\r\n"
        raw = head + body
        if signed:
            raw = dkim.sign(raw, b"r", b"load.test", self.key, canonicalize=(b"relaxed", b"relaxed"),
                            include_headers=[b"from", b"to", b"subject", b"date", b"mime-version",
                                             b"content-type"]) + raw
        return raw

    def letters(self, name, author, signed):
        file = self.dir / name
        file.write_bytes(b"".join(self.letter(author, n, signed) + b".\r\n" for n in range(TEXTS)))
        return file


# ---- servers

class Server(peers.PennyPost):
    def __init__(self, binaries, name, door, **settings):
        super().__init__(binaries)
        self.name, self.door = name, door
        self.settings = {**LAW, **{key.replace("__", "."): value for key, value in settings.items()}}

    def begin(self, dir, dns):
        options = ["--dns", dns, "--allow-plaintext", "--user", f"{USER}:{PASSWORD}"]
        for key, value in self.settings.items():
            options += ["--set", f"{key}={value}"]
        self.start(dir, options)
        self.port = self.ports[self.door]
        self.tree = imap_peers.Tree(self.process.pid)

    def rest(self):
        """Wait until what is done behind the last 250 (the index for SEARCH) is
        done: it is no part of the next run."""
        end, before = time.monotonic() + 60, self.tree.cpu_s()
        while time.monotonic() < end:
            time.sleep(0.5)
            now = self.tree.cpu_s()
            if now - before < 0.02:
                return
            before = now
        raise RuntimeError(f"{self.name}: did not come to rest")

    def send(self, sender, raw):
        """The id of one message to USER."""
        with smtplib.SMTP("127.0.0.1", self.port, local_hostname="load.test", timeout=60) as client:
            client.ehlo()
            if self.door == "submission":
                client.login(USER, PASSWORD)
            client.mail(sender)
            client.rcpt(USER)
            code, text = client.data(raw)
        found = re.search(r"(?:queued as |\(id )([0-9a-z]{13})", text.decode())
        if code != 250 or not found:
            raise RuntimeError(f"{self.name}: {code} {text}")
        return found[1]

    def checks(self, raw):
        """{check: result} of one message, from what is kept of it."""
        told = self.ctl("explain", self.send(SENDER, raw))["messages"][0]
        return {c["check"]: c["result"] for c in told["checks"]} if told["judged"] else {}

    def signatures(self, raw):
        """How many of ours are on a message that was submitted."""
        self.send(USER, raw)
        client = poplib.POP3("127.0.0.1", self.ports["pop3"], timeout=60)
        client.user(USER)
        client.pass_(PASSWORD)
        count = client.stat()[0]
        lines = client.top(count, 0)[1]
        client.quit()
        return sum(line.lower().startswith(b"dkim-signature:") for line in lines)


def expect(what, found, hoped):
    if found != hoped:
        raise RuntimeError(f"{what}: {found}, not {hoped}")


# ---- measuring

class Pair:
    """Two servers that differ in one thing."""

    def __init__(self, title, base, other, options, look):
        self.title, self.servers = title, (base, other)
        self.options, self.look = options, look
        self.runs = {}  # {connections: [{server's name: run}, ...]}

    def measure(self, bench, server, connections):
        bench.load(server.port, server.domain, 10, ["-m", str(WARM), *self.options])
        before, cpu = server.delivered(), server.tree.cpu_s()
        run = bench.load(server.port, server.domain, connections, self.options)
        server.rest()
        run["cpu_ms"] = (server.tree.cpu_s() - cpu) * 1000 / max(run["accepted"], 1)
        expect(f"{server.name}: in mailboxes", server.delivered() - before, run["accepted"])
        return run

    def round(self, bench, number):
        order = self.servers if number % 2 == 0 else self.servers[::-1]
        for connections in CONNECTIONS:
            both = {}
            for server in order:
                smtp.say(f"round {number + 1}: {server.name}, {connections} connections")
                both[server.name] = self.measure(bench, server, connections)
            self.runs.setdefault(connections, []).append(both)

    def results(self):
        names = [server.name for server in self.servers]
        for connections, rounds in self.runs.items():
            row = {"connections": connections, "rounds": len(rounds), "servers": {}}
            for name in names:
                row["servers"][name] = {
                    key: round(statistics.median(both[name][key] for both in rounds), 3)
                    for key in ("per_second", "p50_ms", "p99_ms", "cpu_ms")}
            row["ratio"] = round(statistics.median(
                both[names[1]]["per_second"] / both[names[0]]["per_second"] for both in rounds), 3)
            yield row


def pairs(binaries, outside):
    signed = outside.letters("signed", AUTHOR, True)
    plain = outside.letters("plain", USER, False)
    one, two = outside.letter(AUTHOR, 0, True), outside.letter(USER, 0, False)

    def look_judged(base, other):
        expect(base.name, base.checks(one), {})
        found = other.checks(one)
        expect(other.name, {name: found.get(name) for name in JUDGED}, JUDGED)

    def look_signed(base, other):
        expect(base.name, base.signatures(two), 0)
        expect(other.name, other.signatures(two), 2)

    yield Pair("mail from other servers",
               Server(binaries, "exempt", "smtp", policy__exempt="127.0.0.0/8"),
               Server(binaries, "judged", "smtp", policy__exempt="none"),
               ["-f", str(signed), "-F", SENDER], look_judged)
    yield Pair("submissions",
               Server(binaries, "unsigned", "submission", submission__sign="no"),
               Server(binaries, "signed", "submission", submission__sign="yes"),
               ["-f", str(plain), "-F", USER, "-u", f"{USER}:{PASSWORD}"], look_signed)


def run_pair(bench, pair, outside, rounds):
    with contextlib.ExitStack() as stack:
        for server in pair.servers:
            where = bench.room()
            stack.callback(shutil.rmtree, where, ignore_errors=True)
            server.begin(where, outside.forward)
            stack.callback(server.stop)
            server.ctl("domain", "rotate", server.domain)  # it has keys, whether it signs or not
        pair.look(*pair.servers)
        for number in range(rounds):
            pair.round(bench, number)
        pair.look(*pair.servers)
    return {"what": pair.title, "names": [server.name for server in pair.servers],
            "results": list(pair.results())}


def print_report(report):
    m = report["machine"]
    print(f"{m['cpus']} CPUs ({m['model']}), Linux {m['kernel']}, {m['filesystem']}; "
          f"load average before: {m['load_average_before']}")
    print(f"medians of {report['rounds']} alternating rounds of {report['seconds']} s, "
          "connections kept, durable, DNS answered from the cache")
    for pair in report["pairs"]:
        print(f"\n{pair['what']}: 10 KiB messages a second (p50/p99 ms; ms of processor each)")
        print("connections " + "".join(f"{name:>32}" for name in pair["names"]) + "     ratio")
        for row in pair["results"]:
            cells = "".join(
                f"{r['per_second']:.0f} ({r['p50_ms']:.1f}/{r['p99_ms']:.0f}; {r['cpu_ms']:.2f})".rjust(32)
                for r in row["servers"].values())
            print(f"{row['connections']:>11} {cells}{row['ratio'] * 100:>8.0f} %")
    worst = report["worst"]
    print(f"\njudged, of the speed without: at least {worst * 100:.0f} % "
          f"({'reaches' if worst >= GOAL else 'MISSES'} the {GOAL * 100:.0f} % that is wanted)")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", help="directory of a release build with its tests")
    parser.add_argument("--judge", action="store_true", help=argparse.SUPPRESS)  # for scripts/bench
    parser.add_argument("--quick", action="store_true", help="one round of two seconds each")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--dir", help="where the servers keep their mail (default: the temporary directory)")
    args = parser.parse_args()
    if args.quick:
        args.rounds, args.seconds = 1, 2
    with tempfile.TemporaryDirectory(prefix="pp-bench-", dir=args.dir) as dir:
        bench = smtp.Bench(args.build, dir, args.seconds)
        report = {"machine": smtp.machine(dir), "rounds": args.rounds, "seconds": args.seconds, "pairs": []}
        with Outside(dir) as outside:
            for pair in pairs(pathlib.Path(args.build) / "bin", outside):
                report["pairs"].append(run_pair(bench, pair, outside, args.rounds))
    report["worst"] = min(row["ratio"] for row in report["pairs"][0]["results"])
    if args.json:
        json.dump(report, sys.stdout, indent=1)
        print()
    else:
        print_report(report)


if __name__ == "__main__":
    main()
