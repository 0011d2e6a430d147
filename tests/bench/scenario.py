# SPDX-License-Identifier: MIT
"""What a scenario is, and what came of it.

A run of one scenario on one server is a dictionary: "value" in the scenario's
unit, perhaps "cpu_ms" (of all processes of the server, for each of what is
counted), "p50_ms", "p99_ms" and whatever else there is to say; or "failed" with
a sentence.
"""
import dataclasses
import statistics

FIGURES = ("value", "cpu_ms", "p50_ms", "p99_ms", "accepted_per_second")


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    group: str
    title: str
    unit: str = "messages/s"
    more: bool = True  # more of it is better
    quick: bool = False  # part of --quick
    usual: bool = True  # part of a run that names no scenarios
    what: dict = dataclasses.field(default_factory=dict)  # for who carries it out


def ratio(scenario, ours, theirs):
    """How many times as good we are."""
    if not ours or not theirs:
        return None
    return ours / theirs if scenario["more"] else theirs / ours


def summary(scenario, runs):
    """One row of the results: {"scenario", "servers": {name: {...}}, "best",
    "ratio"}.  runs: {server: [run, ...]}; a server is (name, durable)."""
    rows = {}
    for (name, durable), some in runs.items():
        good = [r for r in some if "failed" not in r]
        row = {"runs": some, "durable": durable}
        for figure in FIGURES:
            values = [r[figure] for r in good if r.get(figure) is not None]
            if values:
                row[figure] = round(statistics.median(values), 4)
        row["failed"] = next((r["failed"] for r in some if "failed" in r), None)
        rows[name] = row
    facts = {k: getattr(scenario, k) for k in ("name", "group", "title", "unit", "more")}
    names = list(rows)
    ours, peers = rows.get("Penny Post"), [n for n in names if n != "Penny Post" and rows[n]["durable"]
                                           and rows[n].get("value")]
    best = (max if scenario.more else min)(peers, key=lambda n: rows[n]["value"], default=None)
    found = ratio(facts, ours and ours.get("value"), best and rows[best]["value"])
    return {**facts, "servers": rows, "best_peer": best, "ratio": round(found, 3) if found else None}
