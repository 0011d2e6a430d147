# SPDX-License-Identifier: MIT
"""How long a server takes to begin, and what it costs when nobody comes."""
import contextlib
import shutil
import socket
import time

from run import say
from scenario import Scenario

SCENARIOS = [
    Scenario("start", "start", "exec until a greeting at every port", "ms", more=False, quick=True),
    Scenario("rest_pss", "start", "PSS of all processes at rest", "MiB", more=False, quick=True),
    Scenario("rest_processes", "start", "processes at rest", "", more=False, quick=True),
]


def greeted(port):
    """It says something there."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 60) as s:
        return len(s.recv(1)) == 1
    return False


def wait_for_greetings(server):
    for name in ("smtp", "pop3", "imap"):
        while name in server.ports and not greeted(server.ports[name]):
            time.sleep(0.0005)


def begin_again(server):
    """{scenario: run} of a server that was halted."""
    began = time.monotonic()
    server.go_on()
    wait_for_greetings(server)
    took = time.monotonic() - began
    server.rest()
    return {"start": {"value": took * 1000}, "rest_pss": {"value": server.pss_kib() / 1024},
            "rest_processes": {"value": server.processes()}}


def measure(server, where):
    """Started once, so that all is there that is made once; then stopped, and
    started again with the clock running."""
    server.start(where)
    server.halt()
    try:
        return begin_again(server)
    finally:
        server.stop()


def round(bench, them, number, scenarios):
    them = [s for s in them if s.key != "cyrus"]
    for i in range(len(them)):
        server = them[(i + number) % len(them)]
        say(f"round {number + 1}/{bench.rounds}: start: {server.name}")
        where = bench.room()
        try:
            found = measure(server, where)
        except Exception as e:  # the others go on
            say(f"  FAILED: {e}")
            found = {s.name: {"failed": str(e)[:500]} for s in SCENARIOS}
        shutil.rmtree(where, ignore_errors=True)
        for scenario in scenarios:
            bench.record(scenario, server.name, server.durable, found[scenario.name])
