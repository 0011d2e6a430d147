# SPDX-License-Identifier: MIT
"""Mail that comes in by SMTP, and is fetched by POP3: scenarios and how they
are carried out."""
import contextlib
import shutil
import time

import peers
import proof
from run import say
from scenario import Scenario

KB, MB = 1 << 10, 1 << 20
LATEST = 30  # messages of a maildrop that are compared


def smtp(name, title, *options, quick=False, door="smtp", recipients=1, size=10 * KB):
    return Scenario(name, "smtp", title, quick=quick,
                    what={"options": [*options, "-s", size, "-r", recipients], "door": door,
                          "recipients": recipients, "size": size})


LOGIN = ("-u", "user#@{domain}:secret", "-F", "user#@{domain}")

SCENARIOS = [
    smtp("smtp_1", "10 KiB, 1 connection", "-c", 1, quick=True),
    smtp("smtp_10", "10 KiB, 10 connections", "-c", 10, quick=True),
    smtp("smtp_100", "10 KiB, 100 connections", "-c", 100, quick=True),
    smtp("smtp_1000", "10 KiB, 1,000 connections", "-c", 1000),
    smtp("smtp_new_1", "10 KiB, 1 at a time, a new connection each", "-c", 1, "-n"),
    smtp("smtp_new_10", "10 KiB, 10 at a time, a new connection each", "-c", 10, "-n", quick=True),
    smtp("smtp_new_100", "10 KiB, 100 at a time, a new connection each", "-c", 100, "-n"),
    smtp("smtp_tls_10", "10 KiB, 10 connections, STARTTLS", "-c", 10, "-S", quick=True),
    smtp("smtp_tls_100", "10 KiB, 100 connections, STARTTLS", "-c", 100, "-S"),
    smtp("smtp_tls_new_10", "10 KiB, 10 at a time, a new connection each, STARTTLS", "-c", 10, "-S", "-n", quick=True),
    smtp("smtp_pipe_10", "10 KiB, 10 connections, PIPELINING", "-c", 10, "-p"),
    smtp("smtp_1k", "1 KiB, 10 connections", "-c", 10, size=KB),
    smtp("smtp_1m", "1 MiB, 10 connections", "-c", 10, size=MB, quick=True),
    smtp("smtp_1m_tls", "1 MiB, 10 connections, STARTTLS", "-c", 10, "-S", size=MB),
    smtp("smtp_25m", "25 MiB, 4 connections", "-c", 4, size=25 * MB),
    smtp("rcpt_10", "10 KiB, 10 recipients, 10 connections", "-c", 10, recipients=10, quick=True),
    smtp("rcpt_100", "10 KiB, 100 recipients, 10 connections", "-c", 10, recipients=100),
    smtp("submit_10", "10 KiB submitted, 10 connections, AUTH", "-c", 10, *LOGIN, door="submission", quick=True),
    smtp("submit_tls_10", "10 KiB submitted, 10 connections, STARTTLS, AUTH", "-c", 10, "-S", *LOGIN, door="submission"),
    smtp("submit_tls_new_10", "10 KiB submitted, a new connection each, STARTTLS, AUTH", "-c", 10, "-S", "-n", *LOGIN,
         door="submission"),
    Scenario("seen", "seen", "10 KiB, final dot until an IMAP session in IDLE is told", "ms", more=False, quick=True,
             what={"options": [], "messages": (20, 200)}),
    Scenario("seen_asking", "seen", "10 KiB, final dot until an IMAP session that asks with NOOP is told", "ms", more=False,
             quick=True, what={"options": ["-N"], "messages": (100, 2000)}),
    Scenario("pop3_1", "pop3", "all of 100 maildrops, 1 client", quick=True, what={"options": ["-c", 1]}),
    Scenario("pop3_10", "pop3", "all of 100 maildrops, 10 clients", quick=True, what={"options": ["-c", 10]}),
    Scenario("pop3_pipe_10", "pop3", "all of 100 maildrops, 10 clients, pipelined", what={"options": ["-c", 10, "-p"]}),
]


def load(bench, server, scenario):
    """What is in mailboxes a second, all of it counted and some of it compared.
    cpu_behind_ms: what was done afterwards, like our index for SEARCH."""
    what, file = scenario.what, bench.dir / "letters"
    options = [str(o).format(domain=server.domain) for o in what["options"]]
    before, cpu_before = server.delivered(), server.cpu_s()
    run = bench.load(server.ports[what["door"]], server.domain, 1, ["-L", file, *options])
    ended = time.monotonic()
    server.settle()
    took = run["seconds"] + time.monotonic() - ended
    cpu = server.cpu_s() - cpu_before
    server.rest()
    behind = server.cpu_s() - cpu_before - cpu
    del run["failed"]  # there were none
    run["recipients"] = what["recipients"]
    there, wanted = server.delivered() - before, run["accepted"] * what["recipients"]
    end = time.monotonic() + 30
    while there != wanted and time.monotonic() < end:  # a file that is renamed just then is missed
        time.sleep(0.2)
        there = server.delivered() - before
    if there != wanted:
        raise RuntimeError(f"{server.name}: {wanted} accepted, {there} in mailboxes")
    run["compared"] = proof.prove(server, run, file, peers.ACCOUNTS, 1 if what["size"] > MB else LATEST, bench.verify_all)
    run["accepted_per_second"] = run.pop("per_second")
    each = 1000 / max(1, run["accepted"])
    return {"value": run["accepted"] / took, "cpu_ms": cpu * each, "cpu_behind_ms": behind * each, **run}


def see(bench, server, scenario):
    run = bench.call("seen_load", "-n", scenario.what["messages"][0 if bench.quick else 1], *scenario.what["options"],
                     "-d", server.domain, f"127.0.0.1:{server.ports['smtp']}", f"127.0.0.1:{server.ports['imap']}")
    return {"value": run["p50_ms"], **run}


def fetch_all(bench, server, scenario):
    cpu = server.cpu_s()
    run = bench.call("pop3_load", "-a", peers.ACCOUNTS, "-d", server.domain, *scenario.what["options"],
                     f"127.0.0.1:{server.ports['pop3']}")
    del run["failed"]  # there were none
    there = server.delivered()
    if run["messages"] != there:
        raise RuntimeError(f"{server.name}: {run['messages']} fetched of {there}")
    return {"value": run["per_second"], "cpu_ms": (server.cpu_s() - cpu) * 1000 / max(1, run["messages"]), **run}


DEEDS = {"smtp": (load, "smtp"), "seen": (see, "imap"), "pop3": (fetch_all, "pop3")}


def can(server, scenario):
    deed, port = DEEDS[scenario.group]
    return scenario.what.get("door", port) in getattr(server, "ports", {"smtp"}) and (server.tls or "-S" not in scenario.what["options"])


def warm(bench, server):
    """Its accounts and the first of its processes are there, and maildrops to fetch."""
    each = 10 if "pop3" in server.ports else 1
    bench.load(server.ports["smtp"], server.domain, 10, ["-t", 0, "-m", each * peers.ACCOUNTS])
    server.settle()
    server.rest()


def begin(bench, server, stack):
    """It runs, with accounts; or why not."""
    where = bench.room()
    stack.callback(shutil.rmtree, where, ignore_errors=True)
    try:
        server.start(where)
        stack.callback(server.stop)
        warm(bench, server)
    except Exception as e:  # the others go on
        say(f"  FAILED: {server.name}: {e}")
        return str(e)[:500]
    return None


def round(bench, servers, number, scenarios):
    """All servers run at once; each scenario on one after the other, in another
    order each round.  POP3 comes first: then all have the same maildrops."""
    order = [s for s in scenarios if s.group == "pop3"] + [s for s in scenarios if s.group != "pop3"]
    servers = [s for s in servers if s.key != "cyrus"]  # it is there for user agents
    with contextlib.ExitStack() as stack:
        failed = {server.name: begin(bench, server, stack) for server in servers}
        for scenario in order:
            for i in range(len(servers)):
                server = servers[(i + number) % len(servers)]
                if not can(server, scenario):
                    continue
                say(f"round {number + 1}/{bench.rounds}: {scenario.name}: {server.name}")
                if failed[server.name]:
                    bench.record(scenario, server.name, server.durable, {"failed": failed[server.name]})
                else:
                    bench.run(scenario, server, DEEDS[scenario.group][0])
