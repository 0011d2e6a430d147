# SPDX-License-Identifier: MIT
"""The full queues of relay.py as part of the whole; only when asked for."""
import json
import pathlib
import subprocess
import sys

from run import say
from scenario import Scenario

HERE = pathlib.Path(__file__).resolve().parent
SCENARIOS = [
    Scenario("relay", "relay", "a full queue, all alive", "recipients/s", usual=False, what={"dead": False}),
    Scenario("relay_dead", "relay", "a full queue, half of it for the dead", "recipients/s", usual=False, what={"dead": True}),
]


def round(bench, them, number, scenarios):
    """relay.py does both at once, on both servers."""
    say(f"round {number + 1}/{bench.rounds}: relay.py")
    beside = [] if any(s.key == "postfix-dovecot-mdbox" for s in them) else ["--only", "ours"]
    got = subprocess.run([sys.executable, "-B", HERE / "relay.py", "--json", "--rounds", "1",
                          *(["--quick"] if bench.quick else []), *beside, bench.build],
                         stdout=subprocess.PIPE, text=True)
    if got.returncode != 0:
        for s in scenarios:
            bench.record(s, "Penny Post", True, {"failed": "relay.py did not end well: see above"})
        return
    for row in json.loads(got.stdout)["results"]:
        for s in scenarios:
            if s.what["dead"] == row["dead"]:
                bench.record(s, row["server"], True, {"value": row["per_second"], **row} if row["exact"] else
                             {"failed": f"the sink got {row['got']}, not {row['wanted']}"})
