# SPDX-License-Identifier: MIT
"""Penny Post beside Debian's mail servers, beside the machine's limits, and
beside itself with a thousand times the mail.

    compare.py [--peers NAME,...] [--quick] [--only SCENARIO,...] [--rounds N]
               [--seconds S] [--json] [--html FILE] [--verify-all] [--dir D] BUILD

tests/bench/README.md says what the figures mean.
"""
import argparse
import contextlib
import json
import pathlib
import resource
import signal
import sys
import tempfile
import time

import growth
import idle_part
import imap_part
import limits
import mail_part
import page
import relay_part
import run
import scenario
import servers
import start_part
import table
from run import say

PARTS = [mail_part, imap_part, idle_part, start_part, relay_part]
TITLES = {"smtp": "Mail that comes in: messages a second in their mailboxes", "seen": "End to end",
          "pop3": "POP3: whole maildrops", "imap": "IMAP: mailboxes of 10,000 (--quick: 2,000), of 200 for small operations", "idle": "Sessions that wait", "login": "Logins",
          "start": "Start and rest", "relay": "Mail that goes out"}
PEERS = {"postfix-dovecot": ("postfix-dovecot-maildir", "postfix-dovecot-mdbox"), "opensmtpd": ("opensmtpd",),
         "exim": ("exim",), "cyrus": ("cyrus",)}


class Compare(run.Bench):
    def __init__(self, args, dir):
        super().__init__(args.build, dir, args.seconds)
        self.args, self.quick, self.rounds, self.verify_all = args, args.quick, args.rounds, args.verify_all
        self.seen = {}  # {scenario: {(server, durable): [run, ...]}}

    def record(self, scenario, name, durable, found):
        found = {**found, "at": time.strftime("%H:%M:%S")}
        self.seen.setdefault(scenario.name, {}).setdefault((name, durable), []).append(found)

    def run(self, scenario, server, deed):
        """One run; what goes wrong is part of the report."""
        try:
            found = deed(self, server, scenario)
        except Exception as e:  # whatever it is, the others go on
            say(f"  FAILED: {e}")
            found = {"failed": str(e)[:500]}
        self.record(scenario, server.name, server.durable, found)


def choose(args):
    """(servers, what is skipped and why)"""
    wanted = {"ours"}
    for name in filter(None, args.peers.split(",")):
        if name not in PEERS:
            sys.exit(f"--peers {name}: there are {', '.join(PEERS)}")
        wanted.update(PEERS[name])
    them, skipped = [], []
    for server in servers.known(pathlib.Path(args.build) / "bin"):
        if server.key not in wanted:
            continue
        if server.missing():
            skipped.append(f"{server.name}: {server.missing()}")
        else:
            them.append(server)
    return them, skipped


def all_scenarios():
    return [s for part in [*PARTS, growth] for s in part.SCENARIOS]


def chosen(args):
    """{name: scenario}"""
    known = {s.name: s for s in all_scenarios()}
    if args.only:
        unknown = [n for n in args.only if n not in known]
        if unknown:
            sys.exit(f"--only {unknown[0]}: there are {' '.join(known)}")
        return [known[n] for n in args.only]
    return [s for s in known.values() if s.usual and (s.quick or not args.quick)]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", help="directory of a release build with its tests")
    parser.add_argument("--peers", default=",".join(PEERS), help=f"beside whom, of {','.join(PEERS)} ('': ours alone)")
    parser.add_argument("--quick", action="store_true", help="one round of a second each, some scenarios: three minutes")
    parser.add_argument("--only", default="", help="these scenarios, of " + " ".join(s.name for s in all_scenarios()))
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=int, help="of a load that is kept up")
    parser.add_argument("--json", action="store_true", help="the report for programs, with every single run")
    parser.add_argument("--html", metavar="FILE", help="a page with plots")
    parser.add_argument("--verify-all", action="store_true", help="fetch and compare every message, not some")
    parser.add_argument("--no-limits", action="store_true", help="do not measure what the machine can do at most")
    parser.add_argument("--dir", help="where the servers keep their mail (default: the temporary directory)")
    args = parser.parse_args()
    args.only = [name for name in args.only.split(",") if name]
    args.rounds = args.rounds or (1 if args.quick else 5)
    args.seconds = args.seconds or (1 if args.quick else 5)
    return args


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # stops the servers
    args = arguments()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    them, skipped = choose(args)
    for line in skipped:
        say(f"skipped: {line}")
    scenarios = chosen(args)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="pp-bench-", dir=args.dir) as dir:
        pathlib.Path(dir).chmod(0o755)  # peers have users of their own
        bench = Compare(args, dir)
        report = {"machine": run.machine(dir), "rounds": args.rounds, "seconds": args.seconds, "quick": args.quick,
                  "servers": [s.version() for s in them], "skipped": skipped, "limits": []}
        if not args.no_limits:
            say("the machine's limits")
            report["limits"] = limits.find(bench)
        for number in range(args.rounds):
            for part in PARTS:
                some = [s for s in scenarios if s in part.SCENARIOS]
                if some:
                    part.round(bench, them, number, some)
        some = [s for s in scenarios if s in growth.SCENARIOS]
        report["growth"] = growth.find(bench, some) if some else None
    report["results"] = [scenario.summary(s, bench.seen[s.name]) for s in scenarios if s.name in bench.seen]
    report["minutes"] = round((time.monotonic() - began) / 60, 1)
    report["titles"] = TITLES
    if args.html:
        pathlib.Path(args.html).write_text(page.page(report), encoding="utf-8")
    if args.json:
        json.dump(report, sys.stdout, indent=1)
        print()
    else:
        table.print_report(report)


if __name__ == "__main__":
    main()
