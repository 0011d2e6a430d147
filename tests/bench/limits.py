# SPDX-License-Identifier: MIT
"""What the machine can do at most, measured in the same run."""
import os
import re
import shutil
import subprocess
import time

import peers
import run

BOUNDS = (  # of tests/bench/limits.c
    ("fdatasync", "fdatasync of 4 KiB appended", "/s"),
    ("sqlite_single", "SQLite, a row of 10 KiB in each transaction, synced", "rows/s"),
    ("sqlite_group", "SQLite, 100 rows of 10 KiB in each transaction, synced", "rows/s"),
    ("memcpy_gb", "memcpy of 64 MiB", "GB/s"),
)


def limit(name, title, value, unit):
    return {"name": name, "title": title, "value": value, "unit": unit}


def store_alone(bench, seconds):
    """tests/bench/store_bench: deliveries without SMTP."""
    got = subprocess.run([bench.tool("store_bench"), str(bench.room()), str(seconds)], capture_output=True, text=True,
                         check=True).stdout
    return [limit(f"store_alone_{producers}", f"our store without SMTP, {producers} at once ({cpu} ms of CPU each)",
                  int(rate), "messages/s")
            for producers, rate, cpu in re.findall(r"(\d+) producers +(\d+) msgs/s +([\d.]+) ms", got)]


def loopback(bench):
    """Postfix's smtp-sink, which forgets what it gets: how fast can anything
    be over this loopback, by our generator and by smtp-source."""
    path = os.environ["PATH"] + ":/usr/sbin"
    sink, source = (shutil.which(f"smtp-{end}", path=path) for end in ("sink", "source"))
    if not sink or not source:
        run.say("loopback ceiling skipped: smtp-sink is not installed (package postfix)")
        return []
    port = peers.free_port()
    found = []
    process = subprocess.Popen([sink, "-u", "nobody", f"127.0.0.1:{port}", "200"])
    try:
        peers.wait_until(lambda: peers.answers(port), 10, "smtp-sink")
        for connections in (10,) if bench.quick else run.CONNECTIONS:
            rate = bench.load(port, "d.test", connections)["per_second"]
            found.append(limit(f"smtp_load_to_sink_{connections}", f"our generator to smtp-sink, {connections} connections",
                               rate, "messages/s"))
            count = max(1000, round(rate * bench.seconds))
            began = time.monotonic()
            subprocess.run([source, "-d", "-s", str(connections), "-m", str(count), "-l", str(run.SIZE),
                            f"127.0.0.1:{port}"], check=True)
            found.append(limit(f"smtp_source_to_sink_{connections}", f"smtp-source to smtp-sink, {connections} connections",
                               count / (time.monotonic() - began), "messages/s"))
    finally:
        process.kill()
        process.wait()
    return found


def find(bench):
    seconds = 1 if bench.quick else 3
    found = bench.call("limits", bench.room(), seconds)
    return [limit(name, title, found[name], unit) for name, title, unit in BOUNDS] \
        + store_alone(bench, seconds) + loopback(bench)
