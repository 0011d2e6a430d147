# SPDX-License-Identifier: MIT
"""What IMAP clients do, beside Dovecot with Maildir and with mdbox.

    imap.py [--quick] [--json] [--rounds N] [--seconds S] [--dir D]
            [--peers Maildir,mdbox] [--only NAME,...] BUILD

All servers run at once, each with the same messages; in a round each scenario
is carried out on one server after the other, and the next round begins with
another server.  Each figure is the median over the rounds; beside the time is
the processor time of all processes of the server.
"""
import argparse
import concurrent.futures
import contextlib
import json
import pathlib
import resource
import shutil
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time

import imap_peers
import run as smtp

WORD_EVERY = 1000  # mail.h
SESSIONS = 50
LOGINS = 10
MIX_MESSAGES = 200
IDLE_ACCOUNTS = 500
IDLE_MESSAGES = 20

# name, command of imap_load, with which mailbox, what precedes it
SCENARIOS = (
    ("append", "fill", "new", "MULTIAPPEND, 100 a command"),
    ("search_cold", "search", "new", "SEARCH TEXT at once after that"),
    ("meta_cold", "meta", "new", "FETCH 1:* (UID FLAGS ENVELOPE BODYSTRUCTURE), cold"),
    ("meta", "meta", "new", "the same, again"),
    ("select", "select", "new", "SELECT"),
    ("full", "full", "new", "FETCH 1:* (UID FLAGS BODY.PEEK[])"),
    ("flag", "flag", "new", "STORE 1:* +FLAGS (\\Flagged)"),
    ("unflag", "unflag", "new", "STORE 1:* -FLAGS (\\Flagged)"),
    ("copy", "copy", "new", "COPY 1:*"),
    ("expunge", "expunge", "scratch", "EXPUNGE of the copy"),
    ("search", "search", "new", "SEARCH TEXT, again"),
    ("search_none", "search", "new", "SEARCH TEXT of what is nowhere"),
    ("select_large", "select", "large", "SELECT"),
    ("meta_large_cold", "meta", "large", "FETCH 1:* (UID FLAGS ENVELOPE BODYSTRUCTURE), cold"),
    ("meta_large", "meta", "large", "the same, again"),
    ("mix", "mix", "small", "small operations, 50 sessions"),
    ("login", "login", "small", "LOGIN and LOGOUT, 10 sessions"),
)
COLD = ("meta_cold", "meta_large_cold")
QUIET = ("meta_cold", "full", "search", "select_large")  # after what is done behind the last answer
LARGE_USER = "large@d.test"


def say(text):
    print(text, file=sys.stderr, flush=True)


def settle(server, longest_s=120):
    """Wait until it has nothing left to do."""
    end = time.monotonic() + longest_s
    before, cpu = server.cpu_s() - 1, server.cpu_s()
    while cpu - before > 0.04 and time.monotonic() < end:
        time.sleep(2)
        before, cpu = cpu, server.cpu_s()


class Bench:
    def __init__(self, args):
        self.args = args
        self.tool = pathlib.Path(args.build) / "tests" / "imap_load"
        self.seen = {}  # {(scenario, server): [run, ...]}

    def load(self, server, command, *options):
        """What imap_load says, and what it cost the server."""
        before = server.cpu_s()
        got = subprocess.run([self.tool, command, *map(str, options), f"127.0.0.1:{server.port}"],
                             capture_output=True, text=True)
        if got.returncode != 0:
            raise RuntimeError(f"{server.name}: imap_load {command}: {got.stderr}{got.stdout}")
        found = json.loads(got.stdout)
        found["cpu_s"] = server.cpu_s() - before
        return found

    def options(self, name, command, box, number):
        a = self.args
        if command in ("mix", "login"):
            return ["-c", SESSIONS if command == "mix" else LOGINS, "-t", a.seconds, "-n", MIX_MESSAGES]
        n = a.large if box == "large" else a.messages
        base = 0 if box == "large" else (number + 1) * 1000000
        there = ["-u", LARGE_USER if box == "large" else f"round{number}@d.test", "-n", n, "-b", base]
        if box == "scratch":
            there += ["-m", "Scratch"]
        if command == "search":
            there += ["-e", 0, "-q", "xylophonist"] if name == "search_none" else \
                     ["-e", -(-n // WORD_EVERY)]
        return there

    def measure(self, server, scenario, number):
        name, command, box, _ = scenario
        options = self.options(name, command, box, number)
        if name in COLD:
            server.chill(options[1])
        if name in QUIET:
            settle(server)
        found = self.load(server, command, *options)
        self.seen.setdefault((name, server.name), []).append(found)

    def round(self, servers, number):
        for scenario in SCENARIOS:
            if scenario[2] == "large" and not self.args.large:
                continue
            if self.args.only and scenario[0] not in self.args.only:
                continue
            for i in range(len(servers)):
                server = servers[(i + number) % len(servers)]
                say(f"round {number + 1}/{self.args.rounds}: {scenario[0]}: {server.name}")
                self.measure(server, scenario, number)

    def fill(self, server):
        say(f"filling {server.name}")
        self.load(server, "fill", "-c", SESSIONS, "-n", MIX_MESSAGES)
        for n in range(SESSIONS):
            with contextlib.closing(Client(server.port, f"user{n}@d.test")) as client:
                client.ask("CREATE Archive", tolerant=True)
        if self.args.large:
            found = self.load(server, "fill", "-u", LARGE_USER, "-n", self.args.large)
            say(f"{server.name}: {found['per_second']:.0f} appended a second")

    def medians(self):
        keys = ("seconds", "per_second", "cpu_s", "p50_ms", "p99_ms", "octets")
        return [{"scenario": name, "server": server, "runs": len(runs), "done": runs[-1]["done"],
                 **{key: round(statistics.median(r[key] for r in runs), 6) for key in keys}}
                for (name, server), runs in self.seen.items()]


# ---- idle sessions

class Client:
    """A user agent that waits for each answer."""

    def __init__(self, port, user, context=None):
        self.socket = socket.create_connection(("127.0.0.1", port), 60)
        if context is not None:
            self.socket = context.wrap_socket(self.socket)
        self.expect(b"* ")
        self.ask(f"LOGIN {user} secret")

    def expect(self, start):
        """Lines until one that begins so; no file object: thousands of these."""
        text = b""
        while True:
            for line in text.split(b"\r\n")[:-1]:
                if line.startswith(start):
                    return line
            more = self.socket.recv(65536)
            if not more:
                raise RuntimeError("the server closed the connection")
            text += more

    def ask(self, command, tolerant=False):
        self.socket.sendall(b"a " + command.encode() + b"\r\n")
        line = self.expect(b"a ")
        if not tolerant and not line.startswith(b"a OK"):
            raise RuntimeError(f"{command}: {line}")

    def idle(self):
        self.ask("SELECT INBOX")
        self.socket.sendall(b"a IDLE\r\n")
        self.expect(b"+ ")
        return self

    def close(self):
        self.socket.close()


def idle_cost(bench, server, where, many):
    """Bytes of `many' sessions that idle under TLS, ten to an account."""
    say(f"{many} idle sessions: {server.name}")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    accounts = max(1, many // 10)
    with contextlib.ExitStack() as stack:
        server.start(where)
        stack.callback(server.stop)
        bench.load(server, "fill", "-c", accounts, "-n", IDLE_MESSAGES)
        settle(server)
        began, cpu = time.monotonic(), server.cpu_s()

        def open_one(n):
            return Client(server.tls_port, f"user{n % accounts}@d.test", context).idle()

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            for client in pool.map(open_one, range(many)):
                stack.enter_context(contextlib.closing(client))
        took, cpu = time.monotonic() - began, server.cpu_s() - cpu
        time.sleep(getattr(server, "hibernate_s", 0) + 3)
        settle(server)
        kib, at_rest = server.pss_kib(), server.cpu_s()
        time.sleep(10)
        return {"server": server.name, "sessions": many, "kib": kib, "kib_each": round(kib / many, 1),
                "seconds_to_open": round(took, 1), "cpu_s_to_open": round(cpu, 2),
                "cpu_s_per_minute_idle": round((server.cpu_s() - at_rest) * 6, 2)}


def idle(bench, dir, chosen):
    args = bench.args
    servers = [imap_peers.PennyPost(pathlib.Path(args.build) / "bin")]
    if len(chosen) > 1:
        servers += [imap_peers.Dovecot(chosen[-1].format, hibernate_s, args.idle // 10) for hibernate_s in (0, 2)]
    found = []
    for n, server in enumerate(servers):
        where = pathlib.Path(dir) / f"idle{n}"
        where.mkdir()
        found.append(idle_cost(bench, server, where, args.idle))
        shutil.rmtree(where, ignore_errors=True)
    return found


# ---- the report

def print_table(report):
    by_key = {(r["scenario"], r["server"]): r for r in report["results"]}
    names = report["names"]
    print(f"\n{'':<58}" + "".join(f"{name:>31}" for name in names))
    for name, _, box, title in SCENARIOS:
        if (name, names[0]) not in by_key:
            continue
        ours = by_key[name, names[0]]
        rate = name in ("mix", "login")
        size = {"large": report["large"], "small": None}.get(box, report["messages"])
        cells = []
        for server in names:
            r = by_key[name, server]
            cell = f"{r['per_second']:.0f}/s" if rate else f"{r['seconds'] * 1000:.1f} ms"
            # what a second of work costs, or the run
            cpu = r["cpu_s"] / max(r["done"], 1) * 1e6 if rate else r["cpu_s"] * 1000
            cell += f" ({cpu:.0f} {'us' if rate else 'ms'} CPU)"
            if server != names[0]:
                ratio = ours["per_second"] / r["per_second"] if rate else r["seconds"] / ours["seconds"]
                cell += f" {ratio:.1f}x"
            cells.append(f"{cell:>31}")
        label = title if size is None else f"{size:,}: {title}"
        print(f"{label[:57]:<58}" + "".join(cells))
    print("\nx: how many times as fast we are.  CPU: of all processes of the server, per operation "
          "for rates.")


def print_report(report):
    m = report["machine"]
    print(f"{m['cpus']} CPUs ({m['model']}), Linux {m['kernel']}, {m['filesystem']}; "
          f"load average before: {m['load_average_before']}")
    print(f"medians of {report['rounds']} interleaved rounds; plaintext on loopback; one session "
          "unless said otherwise")
    for line in report["servers"]:
        print(f"  {line}")
    print_table(report)
    for r in report["idle"]:
        print(f"{r['sessions']} idle sessions under TLS: {r['server']:<28} {r['kib_each']:>8} KiB each, "
              f"{r['kib'] / 1024:.0f} MiB in all; opened in {r['seconds_to_open']} s "
              f"({r['cpu_s_to_open']} s CPU); {r['cpu_s_per_minute_idle']} s CPU a minute when idle")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", help="directory of a release build with its tests")
    parser.add_argument("--imap", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="one round, smaller mailboxes, 200 idle sessions")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--messages", type=int, default=10000)
    parser.add_argument("--large", type=int, default=100000, help="messages of the large mailbox (0: none)")
    parser.add_argument("--idle", type=int, default=5000, help="idle sessions (0: skip)")
    parser.add_argument("--peers", default="Maildir,mdbox", help="Dovecot's formats ('': ours alone)")
    parser.add_argument("--only", default="", help="scenarios, by name: "
                        + " ".join(s[0] for s in SCENARIOS) + "; append is always needed")
    parser.add_argument("--dir", help="where the servers keep their mail (default: the temporary directory)")
    args = parser.parse_args()
    args.only = [name for name in args.only.split(",") if name]
    if args.quick:
        args.rounds, args.seconds, args.messages, args.large, args.idle = 1, 2, 2000, 0, 200
    return args


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # stops the servers
    args = arguments()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    servers = [imap_peers.PennyPost(pathlib.Path(args.build) / "bin")]
    for format in filter(None, args.peers.split(",")):
        peer = imap_peers.Dovecot(format)
        if peer.missing():
            say(f"skipped: {peer.name}: {peer.missing()}")
        else:
            servers.append(peer)
    bench = Bench(args)
    with tempfile.TemporaryDirectory(prefix="pp-bench-", dir=args.dir) as dir:
        report = {"machine": smtp.machine(dir), "rounds": args.rounds, "messages": args.messages,
                  "large": args.large, "servers": [s.version() for s in servers],
                  "names": [s.name for s in servers]}
        with contextlib.ExitStack() as stack:
            for n, server in enumerate(servers):
                where = pathlib.Path(dir) / f"server{n}"
                where.mkdir()
                server.start(where)
                stack.callback(server.stop)
                bench.fill(server)
            for number in range(args.rounds):
                bench.round(servers, number)
        report["results"] = bench.medians()
        report["idle"] = idle(bench, dir, servers) if args.idle else []
    if args.json:
        json.dump(report, sys.stdout, indent=1)
        print()
    else:
        print_report(report)


if __name__ == "__main__":
    main()
