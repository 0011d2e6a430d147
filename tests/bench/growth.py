# SPDX-License-Identifier: MIT
"""Our server with a thousand messages in its store, and with a million.

The store is filled through the delivery API (store_fill), in two shapes: INBOXes
of a thousand messages each (store), and all in one INBOX (mailbox).  When the
index for SEARCH is made, the same small set is done in each.
"""
import contextlib
import pathlib
import shutil
import statistics
import time

import servers
import start_part
from run import say
from scenario import Scenario

EACH, SIZE = 1000, 2048
SIZES = (1000, 100000, 1000000)
QUICK_SIZES = (1000, 10000)
INDEX_MOST_S = 1800

SHAPES = {"store": "1,000 in each INBOX", "mailbox": "all in one INBOX"}
SCENARIOS = [Scenario(f"growth_{shape}", "growth", f"ours with more and more mail, {title}", quick=shape == "store",
                      what={"shape": shape}) for shape, title in SHAPES.items()]

ROWS = [  # of what is measured: name, title, unit, more is better
    ("smtp_10", "10 KiB delivered, 10 connections", "messages/s", True),
    ("smtp_1", "10 KiB delivered, 1 connection", "messages/s", True),
    ("start", "exec until a greeting at every port", "ms", False),
    ("rest_pss", "PSS at rest", "MiB", False),
    ("select", "SELECT", "ms", False),
    ("list", "ENVELOPE and BODYSTRUCTURE of the last 20", "ms", False),
    ("read", "BODY.PEEK[] of any message", "ms", False),
    ("flag", "STORE of any message", "ms", False),
    ("append", "APPEND", "ms", False),
    ("status", "STATUS", "ms", False),
    ("subject", "SEARCH SUBJECT", "ms", False),
    ("text", "SEARCH TEXT", "ms", False),
]


class Ours(servers.PennyPost):
    quiet_s = 2.5

    def make(self, bench, dir, messages, shape):
        """A store with so many messages, in a directory of its own."""
        self.start(dir)
        self.stop()
        users = max(1, messages // EACH) if shape == "store" else 1
        return bench.call("store_fill", dir / "dev/store", messages, users, SIZE, timeout=7200)


def deliver(bench, server, shape, connections, messages):
    """Into INBOXes: of others (store), or into the one (mailbox)."""
    accounts = ["-a", 1] if shape == "mailbox" else ["-a", 100, "-b", 10 ** 6]
    return bench.load(server.ports["smtp"], server.domain, connections, ["-t", 0, "-m", messages, *accounts])


def small_set(bench, server, shape):
    steps = bench.call("steps_load", "-n", 20 if bench.quick else 200, f"127.0.0.1:{server.ports['imap']}")
    deliver(bench, server, shape, 1, 100)  # the others are made
    smtp = {f"smtp_{n}": deliver(bench, server, shape, n, many) for n, many in ((1, 500), (10, 2000))}
    server.rest()
    return {**{name: {"value": found["per_second"], "p99_ms": found["p99_ms"]} for name, found in smtp.items()},
            **{name: {"value": found["p50_ms"], "p99_ms": found["p99_ms"]} for name, found in steps.items()}}


def measure(bench, messages, shape, rounds):
    """{row: [run, ...]}"""
    server = Ours(pathlib.Path(bench.build) / "bin")
    where = bench.room()
    seen = {}
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, where, ignore_errors=True)
        say(f"growth: {messages:,} messages, {SHAPES[shape]}")
        filled = server.make(bench, where, messages, shape)
        say(f"  filled in {filled['seconds']:.0f} s ({filled['per_second']:.0f} a second)")
        server.go_on()
        stack.callback(lambda: server.stop())
        began = time.monotonic()
        start_part.wait_for_greetings(server)
        server.rest(INDEX_MOST_S)
        say(f"  index made in {time.monotonic() - began:.0f} s")
        for _ in range(rounds):
            found = small_set(bench, server, shape)
            server.halt()
            found.update(start_part.begin_again(server))
            for name, run in found.items():
                seen.setdefault(name, []).append(run)
    return seen


def table(shape, sizes, seen):
    """[{"name", "title", "values": {size: median}, "times": {size: how many times as
    slow as with the first}}]"""
    rows = []
    for name, title, unit, more in ROWS:
        values = {str(n): round(statistics.median(r["value"] for r in seen[n][name]), 4) for n in sizes if name in seen[n]}
        first = values.get(str(sizes[0]))
        times = {n: round(first / v if more else v / first, 3) for n, v in values.items() if v and first}
        rows.append({"name": name, "title": f"{SHAPES[shape]}: {title}", "shape": shape, "unit": unit, "more": more,
                     "values": values, "times": times, "runs": {str(n): seen[n].get(name, []) for n in sizes}})
    return rows


def find(bench, scenarios):
    """The report's "growth"."""
    sizes = QUICK_SIZES if bench.quick else SIZES
    rounds = 1 if bench.quick else 3
    rows = []
    for s in scenarios:
        shape = s.what["shape"]
        rows += table(shape, sizes, {n: measure(bench, n, shape, rounds) for n in sizes})
    return {"sizes": sizes, "size": SIZE, "rows": rows}
