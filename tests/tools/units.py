#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The services are as exposed as systemd-analyze says, at most 1.5 of 10, and
allow the calls with which the daemons confine themselves.

usage: units.py ROOT [MOST]"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

MOST = 1.5
OWN_SANDBOX = {"landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self", "seccomp"}


def exposure(unit):
    got = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)],
                         capture_output=True, text=True, check=False)
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", got.stdout)
    return float(found[1]) if found else None


def main():
    root = pathlib.Path(sys.argv[1])
    most = float(sys.argv[2]) if len(sys.argv) > 2 else MOST
    if not shutil.which("systemd-analyze"):
        print("skipped: there is no systemd-analyze here to judge the units")
        return 77
    bad = 0
    templates = sorted((root / "packaging/systemd").glob("*.service.in"))
    with tempfile.TemporaryDirectory() as made:
        for template in templates:
            text = template.read_text().replace("@PP_LIBEXEC@", "/usr/libexec")
            unit = pathlib.Path(made) / template.stem
            unit.write_text(text)
            level = exposure(unit)
            if level is None:
                print("skipped: this systemd-analyze cannot judge a file (--offline)")
                return 77
            calls = set(re.findall(r"\S+", " ".join(re.findall(r"(?m)^SystemCallFilter=([^~\n].*)$", text))))
            missing = OWN_SANDBOX - calls
            print(f"{template.stem}: exposure {level}" + (f", refuses {sorted(missing)}" if missing else ""))
            bad += level > most or bool(missing)
    if len(templates) != 3 or bad:
        print(f"{bad} of {len(templates)} units: above {most}, or in the way of the daemon's own sandbox")
        return 1
    return 0


sys.exit(main())
