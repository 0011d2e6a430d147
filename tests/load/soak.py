# SPDX-License-Identifier: MIT
"""Three daemons with mixed traffic for an hour: is anything lost, is memory kept,
are files left open, is somebody not answered?

Memory is sampled all the time; drift is what a line through the samples of a
daemon, from minute 10 to the end, rises by, as a share of where it begins.
"""
import os
import statistics
import time

import measure
from measure import DAEMONS, say

DRIFT_MOST = 0.05
WARM_S, LONG_S = 600, 1200  # a run of less than that says nothing of drift
PEAK_MOST_MIB = 2048 if measure.SANITIZED else 512  # of a daemon, on any machine
FILL_LETTERS, FILL_OCTETS = 1000, 60_000
FILES_SPARE = 8  # connections to each other, a reader's databases


def line_through(points):
    """(where it begins, where it ends), by least squares."""
    xs, ys = zip(*points)
    mx, my = statistics.fmean(xs), statistics.fmean(ys)
    spread = sum((x - mx) ** 2 for x in xs)
    slope = sum((x - mx) * (y - my) for x, y in points) / spread if spread else 0
    return my + slope * (xs[0] - mx), my + slope * (xs[-1] - mx)


class Samples:
    def __init__(self, server):
        self.server, self.start = server, time.monotonic()
        self.told = 0  # of what went wrong
        self.rows = []  # (second, {daemon: {...}})

    def take(self):
        self.rows.append((time.monotonic() - self.start, measure.look(self.server)))
        return self.rows[-1][1]

    def drift(self, daemon, what, since):
        points = [(at, row[daemon][what]) for at, row in self.rows if at >= since and daemon in row]
        if len(points) < 3:
            return None
        first, last = line_through(points)
        minutes = (points[-1][0] - points[0][0]) / 60
        return {"first_kib": round(first), "last_kib": round(last), "drift": round(last / first - 1, 4),
                "kib_a_minute": round((last - first) / minutes, 2) if minutes else 0, "samples": len(points)}

    def cpu(self, daemon):
        first, last = self.rows[0], self.rows[-1]
        return round((last[1][daemon]["cpu_s"] - first[1][daemon]["cpu_s"]) / (last[0] - first[0]), 4)


def store_mib(server):
    return sum(f.stat().st_size for f in (server.dir / "store").rglob("*") if f.is_file()) / 1048576


def sizes(server):
    """All, of that the database and the index."""
    of = {name: (server.dir / "store" / name).stat().st_size / 1048576 for name in ("mail.db", "search/search.db")}
    return f"{store_mib(server):.0f} ({of['mail.db']:.0f}, {of['search/search.db']:.0f})"


def progress(town, samples, now):
    row, c = samples.take(), town.counts
    for what in town.book.wrong[samples.told:]:
        say(f"  WRONG: {what}")
    samples.told = len(town.book.wrong)
    mib = " ".join(f"{d} {row[d]['pss_kib'] / 1024:.1f}" for d in DAEMONS if d in row)
    files = "/".join(str(row[d]["files"]) for d in DAEMONS if d in row)
    say(f"{now / 60:5.1f} min: {c['messages']} messages, {c['relayed']} relayed, {c['read by POP3']}+{c['read by IMAP']} "
        f"read, {c['IMAP commands']} IMAP commands, {c['bad deeds']} bad deeds; {len(town.book.open())} to come; "
        f"MiB {mib}; files {files}; store {sizes(town.server)} MiB; wrong {len(town.book.wrong)}")


def live(town, samples, seconds):
    every, next_line = (10, 60) if seconds >= 300 else (2, 10)
    start = time.monotonic()
    said = 0
    while (now := time.monotonic() - start) < seconds:
        time.sleep(min(every, seconds - now))
        town.collect()
        town.log.read()
        samples.take()
        now = time.monotonic() - start
        if now >= (said + 1) * next_line:
            said = int(now // next_line)
            progress(town, samples, now)


def settle(town, before, patience_s):
    """Files are closed again once nobody is there."""
    end = time.monotonic() + patience_s
    while True:
        now = measure.look(town.server)
        left = {d: now[d]["files"] - before[d]["files"] for d in now if now[d]["files"] is not None}
        if all(n <= FILES_SPARE for n in left.values()) or time.monotonic() > end:
            return now, left
        time.sleep(0.5)


def complaints(town, samples, report):
    """All that fails the run, in words."""
    found = town.book.judge()
    found += [f"log: {line}" for line in town.log.bad]
    found += [f"store: {finding}" for finding in report["findings"]]
    found += [f"{d} kept {n} files open" for d, n in report["files_left"].items() if n > FILES_SPARE]
    found += [f"{d} was started again" for d in DAEMONS if town.server.pids().get(d) != report["pids"][d]]
    found += [f"{d} had {kib // 1024} MiB" for d, kib in report["peak_kib"].items() if kib > PEAK_MOST_MIB * 1024]
    if report["seconds"] >= LONG_S:
        found += [f"{d} drifted by {100 * m['drift']:.1f} %" for d, m in report["memory"].items()
                  if m["drift"] >= DRIFT_MOST]
    return found


def fill(town):
    """Mail that stays, of so many words that the index is larger than what SQLite
    keeps of it in memory (32 MiB): what grows from then on is no cache."""
    start = time.monotonic()
    town.archive(FILL_LETTERS, FILL_OCTETS)
    search = town.server.dir / "store/search/search.db"
    size, same = -1, 0
    while same < 10 and time.monotonic() - start < 600:
        time.sleep(1)
        before, size = size, sum(f.stat().st_size for f in search.parent.glob("search.db*"))
        same = same + 1 if before == size else 0
    say(f"filled in {time.monotonic() - start:.0f} s: store {store_mib(town.server):.0f} MiB, index "
        f"{search.stat().st_size / 1048576:.0f} MiB")


def warm(town):
    """All that is made at first use."""
    for address in town.server.users:
        town.server.deliver("warm@sender.test", [address], b"Subject: warm\r\n\r\nx\r\n")
        town.server.fetch(address, delete=True)


def run(args):
    from town import Town  # needs python3-dkim, which the others do not
    say(f"seed {args.seed}, {args.seconds} s, rate {args.rate}")
    os.nice(args.nice)
    patience_s = max(300, args.seconds)
    with Town(args.seed, args.rate, args.dir) as town:
        warm(town)
        if args.seconds >= LONG_S:
            fill(town)
        before, pids = measure.look(town.server), town.server.pids()
        samples = Samples(town.server)
        samples.take()
        town.inhabit()
        live(town, samples, args.seconds)
        report = {"seed": args.seed, "seconds": args.seconds, "rate": args.rate, "pids": pids}
        report["cpu"] = {d: samples.cpu(d) for d in DAEMONS}
        since = WARM_S if args.seconds >= LONG_S else args.seconds / 3
        report["memory"] = {d: samples.drift(d, "pss_kib", since) for d in DAEMONS}
        report["heap"] = {d: samples.drift(d, "anon_kib", since) for d in DAEMONS}
        report["peak_kib"] = {d: measure.peak_kib(pid) for d, pid in town.server.pids().items()}
        report["store_mib"] = round(store_mib(town.server), 1)
        say("the end: all that was promised is looked for")
        town.empty(patience_s)
        after, left = settle(town, before, 120)
        report["files_left"], report["findings"] = left, town.findings()
        report["files"] = {d: [before[d]["files"], after[d]["files"]] for d in after}
        town.log.read()
        report["log_lines"] = town.log.lines
        report["promised"], report["kept"] = len(town.book.promised), len(town.book.promised - town.book.open())
        report["counts"] = dict(sorted(town.counts.items()))
        report["times"] = town.times.table()
        report["complaints"] = complaints(town, samples, report)
        report["good"] = not report["complaints"]
        if args.samples:
            with open(args.samples, "w", encoding="utf-8") as file:
                for at, row in samples.rows:
                    print(round(at, 1), *(f"{d} {row[d]['pss_kib']} {row[d]['anon_kib']} {row[d]['files']}"
                                          for d in DAEMONS if d in row), file=file)
    del report["pids"]
    return report


def show(report):
    print(f"\nsoak: {report['seconds']} s at rate {report['rate']}, seed {report['seed']}")
    print(f"  {report['promised']} promises, {report['kept']} kept; {report['log_lines']} lines of log; "
          f"store {report['store_mib']} MiB")
    for what, n in report["counts"].items():
        print(f"  {n:>9} {what}")
    print(f"\n  {'':<8}{'PSS KiB first':>14}{'last':>9}{'drift':>9}{'KiB/min':>9}   {'heap first':>11}{'last':>9}{'drift':>9}"
          f"{'peak MiB':>10}{'files':>10}{'CPU':>8}")
    for d in DAEMONS:
        m, h = report["memory"][d], report["heap"][d]
        if m is None or h is None:
            continue
        files = "->".join(str(n) for n in report["files"].get(d, []))
        print(f"  {d:<8}{m['first_kib']:>14}{m['last_kib']:>9}{100 * m['drift']:>8.2f}%{m['kib_a_minute']:>9}   "
              f"{h['first_kib']:>11}{h['last_kib']:>9}{100 * h['drift']:>8.2f}%{report['peak_kib'][d] // 1024:>10}{files:>10}"
              f"{100 * report['cpu'][d]:>7.1f}%")
    measure.print_times("one thing each of these did", report["times"])
