# SPDX-License-Identifier: MIT
"""The scenarios of imap.py as part of the whole: its servers, its tables."""
import argparse
import contextlib
import pathlib
import shutil

import imap
import imap_peers
from run import say
from scenario import Scenario

QUICK = ("append", "meta_cold", "meta", "select", "full", "flag", "unflag", "search", "mix")
LEFT_OUT = ("login",)  # idle_part.py has it, with passwords that are hashed
SMALL, LARGE = 10000, 100000
RATES = ("mix",)


def scenario(row):
    name, command, box, title = row
    size = {"large": f"{LARGE:,}: "}.get(box, "")
    unit, more = ("operations/s", True) if name in RATES else ("ms", False)
    return Scenario(f"imap_{name}", "imap", size + title, unit, more=more, quick=name in QUICK, what={"row": row})


SCENARIOS = [scenario(row) for row in imap.SCENARIOS if row[0] not in LEFT_OUT]


def fleet(bench, them):
    keys = {s.key for s in them}
    found = [imap_peers.PennyPost(pathlib.Path(bench.build) / "bin")]
    for format in ("Maildir", "mdbox"):
        if f"postfix-dovecot-{format.lower()}" in keys:
            found.append(imap_peers.Dovecot(format))
    return found + [s for s in them if s.key == "cyrus"]


def figures(name, runs):
    """As all scenarios have it, of what imap_load said."""
    for r in runs:
        value = r["per_second"] if name in RATES else r["seconds"] * 1000
        times = {k: r[k] for k in ("p50_ms", "p99_ms") if name in RATES}
        yield {"value": value, "cpu_ms": r["cpu_s"] * 1000 / (max(1, r["done"]) if name in RATES else 1), **times,
               "done": r["done"], "octets": r["octets"], "cpu_s": r["cpu_s"]}


def round(bench, them, number, scenarios):
    """The scenarios of one round build on one another: append makes what the
    others read."""
    names = [s.what["row"][0] for s in scenarios]
    large = LARGE if any(s.what["row"][2] == "large" for s in scenarios) else 0
    part = imap.Bench(argparse.Namespace(
        build=bench.build, seconds=bench.seconds, messages=2000 if bench.quick else SMALL, large=large, rounds=bench.rounds,
        only=[*names, "append", *(["copy"] if "expunge" in names else [])]))
    servers = fleet(bench, them)
    with contextlib.ExitStack() as stack:
        for server in servers:
            where = bench.room()
            stack.callback(shutil.rmtree, where, ignore_errors=True)
            server.start(where)
            stack.callback(server.stop)
            part.fill(server)
        try:
            part.round(servers, number)
        except RuntimeError as e:
            say(f"  FAILED: {e}")
            for s in scenarios:
                bench.record(s, "Penny Post", True, {"failed": str(e)[:500]})
    for s in scenarios:
        for server in servers:
            name = server.name
            for found in figures(s.what["row"][0], part.seen.get((s.what["row"][0], name), [])):
                bench.record(s, name, True, found)
