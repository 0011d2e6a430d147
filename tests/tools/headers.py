#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every header of ours compiles alone, and has its licence and its guard.

usage: headers.py ROOT [COMPILER]"""
import concurrent.futures
import pathlib
import re
import subprocess
import sys

root = pathlib.Path(sys.argv[1])
compiler = sys.argv[2] if len(sys.argv) > 2 else "cc"


def guard_of(rel):
    """common/util/str.h: UTIL_STR_H; smtpd/proto/x.h: SMTPD_PROTO_X_H."""
    name = rel.as_posix().removeprefix("common/")
    return re.sub(r"[^A-Z0-9]", "_", name.upper())


def has_guard(rel, text):
    m = re.search(r"^#ifndef (\w+_H)\n#define (\w+)$", text, re.M)
    if m is None or m[1] != m[2]:
        return False
    return rel.parts[0] == "tests" or m[1] == guard_of(rel)


def judge(path):
    rel = path.relative_to(root)
    text = path.read_text()
    wrong = []
    if not text.startswith("/* SPDX-License-Identifier: MIT */\n"):
        wrong.append(f"{rel}:1: the licence line is missing")
    if not has_guard(rel, text):
        wrong.append(f"{rel}: its guard is not {guard_of(rel)}")
    run = subprocess.run(
        [compiler, "-fsyntax-only", "-std=c17", "-Wall", "-Wextra", "-Werror",
         "-Wno-unused-function", "-D_GNU_SOURCE", f"-I{root}", "-x", "c",
         "-include", str(path), "/dev/null"],
        capture_output=True, text=True)
    if run.returncode != 0:
        wrong.append(f"{rel}: does not compile alone:\n{run.stderr}")
    return wrong


def main():
    dirs = ["common", "smtpd", "maild", "popd", "mailctl", "tests"]
    files = sorted(p for d in dirs for p in (root / d).rglob("*.h"))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        wrong = [w for ws in pool.map(judge, files) for w in ws]
    for w in wrong:
        print(w)
    if not files:
        print("no headers found under", root)
    return bool(wrong) or not files


if __name__ == "__main__":
    sys.exit(main())
