# SPDX-License-Identifier: MIT
"""How the server bears many, slow, wrong and lasting clients: see README.md.

    run.py [idle|logins|slow|soak|tls|all] [--quick] [--json] ...
"""
import argparse
import contextlib
import importlib
import json
import random
import sys

import measure

PARTS = ("idle", "logins", "slow", "soak", "tls")


def options():
    parser = argparse.ArgumentParser(prog="scripts/load", description=__doc__.splitlines()[0])
    parser.add_argument("part", nargs="?", default="all", choices=(*PARTS, "all"))
    parser.add_argument("--quick", action="store_true", help="small and short: nothing that depends on the machine fails it")
    parser.add_argument("--seconds", type=int, help="soak: how long (3600); the others: how long a phase takes")
    parser.add_argument("--rate", type=float, default=4, help="soak: about so many messages a second (4)")
    parser.add_argument("--nice", type=int, default=10, help="soak: how much it stands back for others (10)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    parser.add_argument("--connections", type=int, default=10000, help="idle: how many")
    parser.add_argument("--dir", help="soak: where the server keeps its mail")
    parser.add_argument("--samples", help="soak: a file for memory and files at each moment")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def main():
    args = options()
    measure.raise_file_limit()
    parts = PARTS if args.part == "all" else (args.part,)
    report = {"machine": measure.machine()}
    seconds = args.seconds
    defaults = {"soak": (3600, 20), "idle": (30, 5), "logins": (10, 3), "slow": (20, 4), "tls": (0, 0)}
    for part in parts:
        module = importlib.import_module(part)
        args.seconds = seconds if seconds is not None else defaults[part][args.quick]
        report[part] = module.run(args)
        with contextlib.redirect_stdout(sys.stderr if args.json else sys.stdout):
            module.show(report[part])
            for complaint in report[part].get("complaints", []):
                print(f"  WRONG: {complaint}", flush=True)
    if args.json:
        json.dump(report, sys.stdout, indent=1)
        print()
    else:
        m = report["machine"]
        print(f"\n{m['cpus']} CPUs ({m['model']}), Linux {m['kernel']}, {m['build']} build; load average before: "
              f"{m['load_average_before']}")
    sys.exit(0 if all(report[part]["good"] for part in parts) else 1)


if __name__ == "__main__":
    main()
