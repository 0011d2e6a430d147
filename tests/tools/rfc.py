#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs/rfc.md tells the truth: every RFC the code cites has a row, every file it names exists."""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
text = (root / "docs/rfc.md").read_text()
rows = [line for line in text.splitlines() if re.match(r"\| \d", line)]
listed = {n for row in rows for n in re.findall(r"\d+", row.split("|")[1])}
bad = 0
for name in re.findall(r"`([a-z0-9_/.]+)`", "\n".join(rows)):
    if not (root / name).exists():
        print(f"docs/rfc.md names {name}, which is not there")
        bad += 1
cited = {}
for top in ("common", "smtpd", "popd", "maild", "mailctl"):
    for f in sorted((root / top).rglob("*.[ch]")):
        for n in re.findall(r"RFC (\d+)", f.read_text()):
            cited.setdefault(n, f.relative_to(root))
for n, f in sorted(cited.items(), key=lambda c: int(c[0])):
    if n not in listed:
        print(f"{f} cites RFC {n}, which has no row in docs/rfc.md")
        bad += 1
if not rows or not cited:
    print("nothing was checked")
    bad += 1
sys.exit(bad > 0)
