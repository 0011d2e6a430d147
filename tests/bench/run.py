# SPDX-License-Identifier: MIT
"""What all benchmarks share: where things are, loading a server with
smtp_load, and which machine it was."""
import itertools
import json
import os
import pathlib
import platform
import re
import subprocess
import sys

import peers

CONNECTIONS = (1, 10, 100)
SIZE = 10240


def say(text):
    print(text, file=sys.stderr, flush=True)


class Bench:
    def __init__(self, build, dir, seconds):
        self.build = pathlib.Path(build)
        self.dir, self.seconds = pathlib.Path(dir), seconds
        self.count = itertools.count()

    def tool(self, name):
        return str(self.build / "tests" / name)

    def room(self):
        path = self.dir / f"run{next(self.count)}"
        path.mkdir()
        return path

    def call(self, name, *args, timeout=900):
        """What one of the tools says of itself, in JSON."""
        got = subprocess.run([self.tool(name), *map(str, args)], capture_output=True, text=True, timeout=timeout)
        if got.returncode != 0:
            raise RuntimeError(f"{name} {' '.join(map(str, args))}: {got.stderr}{got.stdout}")
        return json.loads(got.stdout)

    def load(self, port, domain, connections, options=()):
        return self.call("smtp_load", "-c", connections, "-t", self.seconds, "-s", SIZE, "-a", peers.ACCOUNTS,
                         "-d", domain, *options, f"127.0.0.1:{port}")


def machine(dir):
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    where = subprocess.run(["findmnt", "-no", "FSTYPE,SOURCE", "-T", dir], capture_output=True, text=True)
    return {"cpus": os.cpu_count(), "model": model[1] if model else platform.machine(),
            "kernel": platform.release(), "filesystem": where.stdout.strip(),
            "load_average_before": round(os.getloadavg()[0], 1)}
