# SPDX-License-Identifier: MIT
"""Durable delivery beside Postfix with Dovecot, and what idle users cost.

    run.py [--quick] [--json] [--rounds N] [--seconds S] [--dir D] BUILD

One round loads each server in turn, at 1, 10 and 100 connections, over kept
connections and over a new one for each message; rounds follow one another,
so that whatever else the machine does meets all alike.  Each figure is the
median over the rounds.  A message counts when it is in its mailbox: the
clock of a run stops when everything that got a 250 has been delivered, and
what is in the mailboxes is counted against what got one.
"""
import argparse
import contextlib
import itertools
import json
import os
import pathlib
import platform
import re
import shutil
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time

import peers

CONNECTIONS = (1, 10, 100)
SIZE = 10240
IDLE = 1000
MODES = {"kept": [], "new": ["-n"]}


def say(text):
    print(text, file=sys.stderr, flush=True)


class Bench:
    def __init__(self, build, dir, seconds):
        self.build = pathlib.Path(build)
        self.dir, self.seconds = pathlib.Path(dir), seconds
        self.seen = {}  # {(peer, mode, connections): [run, ...]}
        self.count = itertools.count()

    def tool(self, name):
        return str(self.build / "tests" / name)

    def room(self):
        path = self.dir / f"run{next(self.count)}"
        path.mkdir()
        return path

    def load(self, port, domain, connections, options=()):
        got = subprocess.run([self.tool("smtp_load"), "-c", str(connections), "-t", str(self.seconds),
                              "-s", str(SIZE), "-a", str(peers.ACCOUNTS), "-d", domain, *options,
                              f"127.0.0.1:{port}"], capture_output=True, text=True)
        if got.returncode != 0:
            raise RuntimeError(f"smtp_load: {got.stderr}{got.stdout}")
        return json.loads(got.stdout)

    def measure(self, peer, mode, connections):
        before = peer.delivered()
        run = self.load(peer.port, peer.domain, connections, MODES[mode])
        ended = time.monotonic()
        peer.settle()
        took = run["seconds"] + time.monotonic() - ended
        there = peer.delivered() - before
        if there != run["accepted"]:
            raise RuntimeError(f"{peer.name}: {run['accepted']} accepted, {there} in mailboxes")
        run["delivered_per_second"] = there / took
        self.seen.setdefault((peer.name, mode, connections), []).append(run)

    def round(self, them, number, rounds):
        """Each in turn, from nothing; in another order every time."""
        with contextlib.ExitStack() as stack:
            for peer in them:
                where = self.room()
                peer.start(where)
                stack.callback(shutil.rmtree, where, ignore_errors=True)
                stack.callback(peer.stop)
            for mode, connections in itertools.product(MODES, CONNECTIONS):
                for i in range(len(them)):
                    peer = them[(i + number) % len(them)]
                    say(f"round {number + 1}/{rounds}: {peer.name}, {connections} connections, {mode}")
                    self.measure(peer, mode, connections)

    def medians(self):
        keys = ("per_second", "delivered_per_second", "p50_ms", "p99_ms")
        return [{"server": name, "connections": connections, "kept": mode == "kept", "runs": len(runs),
                 **{key: round(statistics.median(run[key] for run in runs), 3) for key in keys}}
                for (name, mode, connections), runs in self.seen.items()]


# ---- what the machine can do

def store_alone(bench):
    """tests/bench/store_bench: fdatasyncs, and deliveries without SMTP."""
    got = subprocess.run([bench.tool("store_bench"), str(bench.room()), str(max(2, bench.seconds // 2))],
                         capture_output=True, text=True, check=True).stdout
    limits = {"fdatasync_per_second": int(re.search(r"fdatasync +(\d+)", got)[1])}
    for producers, rate in re.findall(r"(\d+) producers +(\d+) msgs/s", got):
        limits[f"store_alone_{producers}"] = int(rate)
    return limits


def loopback(bench):
    """Postfix's smtp-sink, which forgets what it gets: how fast can anything
    be over this loopback, by our generator and by smtp-source."""
    path = os.environ["PATH"] + ":/usr/sbin"
    sink, source = (shutil.which(f"smtp-{end}", path=path) for end in ("sink", "source"))
    if not sink or not source:
        say("loopback ceiling skipped: smtp-sink is not installed (package postfix)")
        return {}
    port = peers.free_port()
    limits = {}
    process = subprocess.Popen([sink, "-u", "nobody", f"127.0.0.1:{port}", "200"])
    try:
        peers.wait_until(lambda: peers.answers(port), 10, "smtp-sink")
        for connections in CONNECTIONS:
            run = bench.load(port, "d.test", connections)
            limits[f"smtp_load_to_sink_{connections}"] = round(run["per_second"])
            count = max(1000, round(run["per_second"]))
            began = time.monotonic()
            subprocess.run([source, "-d", "-s", str(connections), "-m", str(count), "-l", str(SIZE),
                            f"127.0.0.1:{port}"], check=True)
            limits[f"smtp_source_to_sink_{connections}"] = round(count / (time.monotonic() - began))
    finally:
        process.kill()
        process.wait()
    return limits


# ---- what an idle user costs

def pss_kib(pid):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss: +(\d+)", text, re.M)[1])


class IdleUser:
    """A user agent that has logged in, and is quiet."""

    def __init__(self, peer, service, number):
        context = ssl.create_default_context(cafile=peer.ready["ca"])
        plain = socket.create_connection(("127.0.0.1", peer.ports[service]), 30)
        self.socket = context.wrap_socket(plain, server_hostname="127.0.0.1")
        self.file = self.socket.makefile("rb")
        {"pop3s": self.pop3, "submissions": self.submission}[service](f"idle{number}@d.test")

    def ask(self, command, hoped):
        if command:
            self.socket.sendall(command.encode() + b"\r\n")
        line = self.file.readline()
        while line[3:4] == b"-" and line[:1].isdigit():
            line = self.file.readline()
        if not line.startswith(hoped):
            raise RuntimeError(f"{command}: {line}")

    def pop3(self, user):
        for command in (None, f"USER {user}", "PASS secret", "STAT"):
            self.ask(command, b"+OK")

    def submission(self, user):
        import base64
        plain = base64.b64encode(f"\0{user}\0secret".encode()).decode()
        self.ask(None, b"220")
        self.ask("EHLO c.test", b"250")
        self.ask(f"AUTH PLAIN {plain}", b"235")

    def close(self):
        self.file.close()
        self.socket.close()


def idle_cost(bench, binaries, service, daemon, many):
    """KiB of one of many idle connections: the growth of the proportional
    set size of all three daemons, nearly all of it in `daemon'."""
    with contextlib.ExitStack() as stack:
        peer = peers.PennyPost(binaries)
        peer.start(bench.room())
        stack.callback(peer.stop)
        # the first few pay for what is made once
        for number in range(10):
            stack.enter_context(contextlib.closing(IdleUser(peer, service, number)))
        before = {name: pss_kib(pid) for name, pid in peer.pids().items()}
        for number in range(10, 10 + many):
            stack.enter_context(contextlib.closing(IdleUser(peer, service, number)))
        time.sleep(1)
        after = {name: pss_kib(pid) for name, pid in peer.pids().items()}
    growth = {name: after[name] - before[name] for name in ("smtpd", "maild", "popd")}
    return {"connections": many, "kib_each": round(sum(growth.values()) / many, 1),
            "daemon": daemon, "kib_each_in_daemon": round(growth[daemon] / many, 1),
            "kib_before": before[daemon], "kib_after": after[daemon]}


# ---- the report

def machine(dir):
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    where = subprocess.run(["findmnt", "-no", "FSTYPE,SOURCE", "-T", dir], capture_output=True, text=True)
    return {"cpus": os.cpu_count(), "model": model[1] if model else platform.machine(),
            "kernel": platform.release(), "filesystem": where.stdout.strip(),
            "load_average_before": round(os.getloadavg()[0], 1)}


def print_rates(results, ours):
    names = list(dict.fromkeys(r["server"] for r in results))
    by_key = {(r["server"], r["kept"], r["connections"]): r for r in results}
    for kept, title in ((True, "connections kept"), (False, "a new connection for every message")):
        print(f"\n10 KiB messages a second in mailboxes, {title} (accepted; p50/p99 ms until the 250)")
        print("connections " + "".join(f"{name:>40}" for name in names))
        for connections in CONNECTIONS:
            cells = []
            base = by_key[ours, kept, connections]["delivered_per_second"]
            for name in names:
                r = by_key[name, kept, connections]
                rate = r["delivered_per_second"]
                ratio = "" if name == ours else f"  we: {base / rate:.1f}x"
                cells.append(f"{rate:.0f} ({r['per_second']:.0f}; {r['p50_ms']:.1f}/{r['p99_ms']:.0f}){ratio}")
            print(f"{connections:>11} " + "".join(f"{cell:>40}" for cell in cells))


def print_report(report):
    m = report["machine"]
    print(f"{m['cpus']} CPUs ({m['model']}), Linux {m['kernel']}, {m['filesystem']}; "
          f"load average before: {m['load_average_before']}")
    print(f"medians of {report['rounds']} interleaved rounds of {report['seconds']} s; durable: every "
          "server syncs before its 250, as installed")
    for line in report["servers"] + [f"skipped: {s}" for s in report["skipped"]]:
        print(f"  {line}")
    print_rates(report["results"], report["ours"])
    print("\nthe machine, in the same run")
    limits = report["limits"]
    print(f"  fdatasync of 4 KiB appended   {limits['fdatasync_per_second']:>7} a second")
    for name, title in (("store_alone", "our store without SMTP"),
                        ("smtp_load_to_sink", "our generator to smtp-sink"),
                        ("smtp_source_to_sink", "smtp-source to smtp-sink")):
        if f"{name}_1" in limits:
            rates = " / ".join(str(limits[f"{name}_{c}"]) for c in CONNECTIONS)
            print(f"  {title:<29} {rates} a second at 1 / 10 / 100")
    print("\nidle connections that have logged in, under TLS: PSS of the daemons")
    for service, idle in report["idle"].items():
        print(f"  {service:<12} {idle['connections']} cost {idle['kib_each']} KiB each "
              f"({idle['kib_each_in_daemon']} in {idle['daemon']}: {idle['kib_before']} -> "
              f"{idle['kib_after']} KiB)")


def choose(binaries):
    ours = peers.PennyPost(binaries)
    them, skipped = [ours], []
    for peer in (peers.PostfixDovecot("Maildir"), peers.PostfixDovecot("mdbox")):
        if peer.missing():
            skipped.append(f"{peer.name}: {peer.missing()}")
        else:
            them.append(peer)
    return them, skipped


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", help="directory of a release build with its tests")
    parser.add_argument("--quick", action="store_true", help="one round of two seconds each, 200 idle users")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--dir", help="where the servers keep their mail (default: the temporary directory)")
    args = parser.parse_args()
    if args.quick:
        args.rounds, args.seconds = 1, 2
    binaries = pathlib.Path(args.build) / "bin"
    them, skipped = choose(binaries)
    for line in skipped:
        say(f"skipped: {line}")
    with tempfile.TemporaryDirectory(prefix="pp-bench-", dir=args.dir) as dir:
        bench = Bench(args.build, dir, args.seconds)
        report = {"machine": machine(dir), "rounds": args.rounds, "seconds": args.seconds,
                  "servers": [p.version() for p in them], "skipped": skipped, "ours": them[0].name}
        say("the machine's limits")
        report["limits"] = {**store_alone(bench), **loopback(bench)}
        for number in range(args.rounds):
            bench.round(them, number, args.rounds)
        report["results"] = bench.medians()
        report["idle"] = {}
        for service, daemon in (("pop3s", "popd"), ("submissions", "smtpd")):
            say(f"idle connections: {service}")
            report["idle"][service] = idle_cost(bench, binaries, service, daemon,
                                                200 if args.quick else IDLE)
    if args.json:
        json.dump(report, sys.stdout, indent=1)
        print()
    else:
        print_report(report)


if __name__ == "__main__":
    main()
