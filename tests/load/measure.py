# SPDX-License-Identifier: MIT
"""What the programs of this folder share: where things are, memory and files of
the daemons, times, and addresses to come from."""
import os
import pathlib
import platform
import re
import resource
import statistics
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "attacks"), str(HERE.parent / "e2e"), str(HERE.parent / "tools")]
import pennypost  # noqa: E402

TOOLS = pennypost.BIN.parent / "tests"  # the generators in C
SANITIZED = b"__asan_init" in (pennypost.BIN / "smtpd").read_bytes()
DAEMONS = ("smtpd", "maild", "popd")
# freed memory stays with ASan, unless it is told not to keep it
ASAN = "quarantine_size_mb=4:thread_local_quarantine_size_kb=64:allocator_release_to_os_interval_ms=100"
# what `mailctl dev' lifts for test suites, as a fresh installation has it
AS_INSTALLED = {"limits.connections_per_address": 20, "limits.connections_per_account": 100, "limits.auth_failures": 10}


def say(text):
    print(text, file=sys.stderr, flush=True)


def raise_file_limit():
    """As many as may be; how many that is."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def address(n, net=1):
    """The n-th client's: 127.net.x.y."""
    return f"127.{net}.{n // 250 % 250}.{n % 250 + 1}"


def machine():
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return {"cpus": os.cpu_count(), "model": model[1] if model else platform.machine(),
            "kernel": platform.release(), "load_average_before": round(os.getloadavg()[0], 1),
            "build": "sanitizers" if SANITIZED else "release"}


def children(pid):
    """Of a daemon: the process that asks DNS."""
    return [int(c) for c in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def memory_kib(pid):
    """(proportional set size, of that what no file stands behind: heap and stacks).
    Who is not root is not told of a process that cannot be dumped: all of its
    resident set, then."""
    try:
        text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
        pss = int(re.search(r"^Pss: +(\d+)", text, re.M)[1])
        anon = re.search(r"^Pss_Anon: +(\d+)", text, re.M)
        return pss, int(anon[1]) if anon else pss
    except PermissionError:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        return tuple(int(re.search(rf"^{name}:\s+(\d+)", status, re.M)[1]) for name in ("VmRSS", "RssAnon"))


def peak_kib(pid):
    return int(re.search(r"^VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M)[1])


def descriptors(pid):
    """Open files and TCP sockets; None if we may not look.  Not counted: Unix
    sockets, since daemons keep connections to each other (net/ipc.h), and the
    index, which each reader of the store opens when it first asks."""
    rows = pathlib.Path("/proc/net/unix").read_text().splitlines()[1:]
    ours = {f"socket:[{row.split()[6]}]" for row in rows}
    count = 0
    try:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            try:
                name = os.readlink(f"/proc/{pid}/fd/{fd}")
            except FileNotFoundError:
                continue
            count += name not in ours and "/search.db" not in name
    except PermissionError:
        return None
    return count


def rest_kib(pid):
    """Of three looks the lowest: while a password is hashed, maild has 19 MiB more."""
    looks = [memory_kib(pid)]
    while len(looks) < 3:
        time.sleep(0.04)
        looks.append(memory_kib(pid))
    return min(looks)


def look(server):
    """{daemon: {pss_kib, anon_kib, files, cpu_s}} now."""
    found = {}
    for name, pid in server.pids().items():
        pss, anon = rest_kib(pid)
        found[name] = {"pss_kib": pss, "anon_kib": anon, "files": descriptors(pid), "cpu_s": pennypost.cpu_s(pid)}
    return found


class Times:
    """How long each of some things took, in seconds; any thread adds."""

    def __init__(self):
        self.taken = {}
        self.lock = threading.Lock()

    def add(self, what, seconds):
        with self.lock:
            self.taken.setdefault(what, []).append(seconds)

    def time(self, what, act, *args):
        start = time.monotonic()
        got = act(*args)
        self.add(what, time.monotonic() - start)
        return got

    def table(self):
        return {what: {"n": len(s), "median_ms": round(1000 * statistics.median(s), 1),
                       "p99_ms": round(1000 * sorted(s)[(len(s) - 1) * 99 // 100], 1),
                       "worst_ms": round(1000 * max(s), 1)} for what, s in sorted(self.taken.items())}


def print_times(title, table):
    print(f"\n{title:<34} {'n':>7} {'median ms':>10} {'p99 ms':>10} {'worst ms':>10}")
    for what, t in table.items():
        print(f"  {what:<32} {t['n']:>7} {t['median_ms']:>10} {t['p99_ms']:>10} {t['worst_ms']:>10}")


LINE = re.compile(r"(<[3467]>)?(smtpd|maild|popd|mailctl): [\x20-\x7e]+")


class LogReader:
    """The lines of a server's log that were not looked at yet: which of them are
    no lines of ours, and which say that somebody should look."""

    def __init__(self, server):
        self.server, self.at, self.lines = server, 0, 0
        self.bad = []

    def read(self):
        with open(self.server.scratch / "log", "rb") as log:
            log.seek(self.at)
            text = log.read()
        text = text[:text.rfind(b"\n") + 1]
        self.at += len(text)
        lines = text.decode("latin-1").split("\n")[:-1]
        self.lines += len(lines)
        self.bad += [line for line in lines if not LINE.fullmatch(line) or line.startswith("<3>")]
        return lines
