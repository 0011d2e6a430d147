#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""No file names a place outside the project, none has marks of unfinished work.

The words are put together here so that this file does not find itself.

usage: words.py ROOT"""
import pathlib
import re
import sys

# "/shared/" alone begins a name of RFC 5464
PLACES = re.compile("|".join(["/wo" + "rk/", r"(?<!/)\bsha" + "red/",
                              r"\.\./sha" + "red/", "/tm" + "p/pp/"]))
MARKS = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X"]) + r")\b")
CODE = {".c", ".h", ".py", ".sh", ".cmake", ".sql", ".conf", ".conv", ".service",
        ".socket", ".txt", ""}
# of fuzzing: octets, not words
SKIP = re.compile(r"(\.git|build.*|__pycache__|\.pytest_cache|corpus)$")


def files_of(folder):
    for path in sorted(folder.iterdir()):
        if SKIP.match(path.name):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from files_of(path)
        elif path.is_file():
            yield path


def main():
    root = pathlib.Path(sys.argv[1])
    wrong = seen = 0
    for path in files_of(root):
        seen += 1
        rules = [PLACES] + ([MARKS] if path.suffix in CODE else [])
        text = path.read_bytes().decode("utf-8", "replace")
        for n, line in enumerate(text.splitlines(), 1):
            for rule in rules:
                m = rule.search(line)
                if m:
                    print(f"{path.relative_to(root)}:{n}: says {m[0]}")
                    wrong += 1
    if seen == 0:
        print("no files found under", root)
    return wrong > 0 or seen == 0


if __name__ == "__main__":
    sys.exit(main())
