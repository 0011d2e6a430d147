#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How much of the parsers and protocol engines the tests reach.

usage: coverage.py [--json] [--file PATH]... [--fuzz | --no-run] [--build DIR]

Builds with gcov's counters (preset coverage), runs the unit tests of the
measured modules and the conversations, each in its own process, and prints
what share of the lines and of the branches was reached, a directory and a
file at a time.  Exits 1 unless each directory has LINES % and BRANCHES %.

The tests counted are those of the module itself and the conversations played
in-process: no fuzzer, no daemon and no other module's test, since those run
code without an expectation of each line.  --fuzz counts the kept corpora of
the module's fuzzers too, to see what they add.  popd/ops is not measured: it
parses nothing, but carries out in the store what popd/proto has parsed.

Lines are those that gcov counts.  A branch is one way out of one condition
(each operand of && and || is a condition) or of one switch.  Left out are
  - the branches of assert(): that it fails would be a bug (docs/style.md);
  - of a switch whose labels are all enumerators and which has no default, the
    way for a value that is none of them: -Wswitch has every enumerator named.
Out of memory ends the process inside common/util/mem.h and leaves no branch
in what is measured.  Nothing else is left out; no comment can exclude a line.

--file PATH lists what of it was not reached; --no-run uses the counts of the
last run."""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
LINES, BRANCHES = 95, 90

MODULES = {  # directory: the module whose unit tests are counted
    "smtpd/proto": "smtpd_proto",
    "maild/proto": "maild_proto",
    "popd/proto": "popd_proto",
    "common/mime": "mime",
    "common/wire": "wire",
}
OBJECTS = "CMakeFiles/pp_{}.dir"  # of a module, in the build directory

COMMENT_OR_TEXT = re.compile(
    r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
LABEL = re.compile(r"\b(case)\b\s*([^:?]+):|\b(default)\s*:")


def bare(text):
    """The source with the insides of comments and literals blanked."""
    def blank(m):
        if m[0][0] == "/":
            return re.sub(r"[^\n]", " ", m[0])
        return m[0][0] + "_" * (len(m[0]) - 2) + m[0][-1]
    return COMMENT_OR_TEXT.sub(blank, text)


def closing(text, at, pair):
    """Where the bracket opened at `at' is closed."""
    depth = 0
    for i in range(at, len(text)):
        depth += (text[i] == pair[0]) - (text[i] == pair[1])
        if depth == 0:
            return i
    raise ValueError("brackets do not match")


def assert_lines(text):
    found = set()
    for m in re.finditer(r"\bassert\s*\(", text):
        end = closing(text, m.end() - 1, "()")
        found.update(range(text.count("\n", 0, m.start()) + 1,
                           text.count("\n", 0, end) + 2))
    return found


def switches(text):
    """Of each switch over enumerators without a default: line of its head,
    and how many ways out its labels make."""
    found = {}
    for m in re.finditer(r"\bswitch\s*\(", text):
        head = closing(text, m.end() - 1, "()")
        begin = text.index("{", head)
        body = text[begin + 1:closing(text, begin, "{}")]
        while (inner := re.search(r"\bswitch\s*\(", body)):
            brace = body.index("{", closing(body, inner.end() - 1, "()"))
            body = body[:inner.start()] + ";" + body[
                closing(body, brace, "{}") + 1:]
        labels = list(LABEL.finditer(body))
        if any(l[3] or not re.fullmatch(r"[A-Z]\w*", l[2].strip())
               for l in labels):
            continue
        groups = sum(1 for i, l in enumerate(labels)
                     if i == 0 or body[labels[i - 1].end():l.start()].strip())
        found[text.count("\n", 0, m.start()) + 1] = groups
    return found


def build_and_run(build, fuzz):
    def run(*command):
        subprocess.run(command, cwd=ROOT, check=True, stdout=sys.stderr)
    if not (build / "build.ninja").exists():
        run("cmake", "--preset", "coverage", "-B", str(build))
    tests, targets = [], []
    for module in MODULES.values():
        for source in sorted((ROOT / "tests/unit" / module).glob("test_*.c")):
            targets.append(f"{module}_{source.stem}")
            tests.append(f"unit.{module}.{source.stem}")
    for source in sorted((ROOT / "tests/conv").glob("run_*.c")):
        name = source.stem.removeprefix("run_")
        targets.append(f"conv_{name}")
        tests.append(f"conv.{name}")
    if fuzz:
        targets += [f"fuzz_replay_{m}" for m in MODULES.values()]
        tests += [f"fuzz.replay.{m}" for m in MODULES.values()]
    run("cmake", "--build", str(build), "-j", "2", "--target", *targets)
    for counts in build.rglob("*.gcda"):
        counts.unlink()
    pattern = "^(" + "|".join(map(re.escape, tests)) + ")$"
    run("ctest", "--test-dir", str(build), "--output-on-failure", "-j", "2",
        "-R", pattern)


class File:
    def __init__(self, path):
        self.path = path
        self.text = path.read_text()
        code = bare(self.text)
        self.asserts = assert_lines(code)
        self.switches = switches(code)
        self.lines = {}     # number: how often
        self.branches = {}  # number: how often each way

    def add(self, entry):
        n = entry["line_number"]
        self.lines[n] = self.lines.get(n, 0) + entry["count"]
        ways = [b["count"] for b in entry["branches"]]
        if n in self.asserts:
            return
        if self.switches.get(n) == len(ways) - 1:
            ways.pop()  # gcc lists the way past all labels last
        if ways:
            before = self.branches.get(n, [])
            if len(before) == len(ways):
                ways = [a + b for a, b in zip(before, ways)]
            else:
                ways = before + ways
            self.branches[n] = ways

    def tally(self):
        ways = [w for b in self.branches.values() for w in b]
        return (sum(1 for c in self.lines.values() if c), len(self.lines),
                sum(1 for w in ways if w), len(ways))


def read_counts(build):
    """directory: path under ROOT: File"""
    found = {}
    for directory, module in MODULES.items():
        files = found[directory] = {}
        notes = sorted((build / OBJECTS.format(module)).rglob("*.gcno"))
        notes = [n for n in notes if (ROOT / directory / n.name.removesuffix(
            ".gcno").removesuffix(".o")).exists()]
        out = subprocess.run(
            ["gcov", "--branch-probabilities", "--json-format", "--stdout",
             *map(str, notes)], check=True, capture_output=True, text=True,
            cwd=build).stdout
        for document in filter(None, out.splitlines()):
            for entry in json.loads(document)["files"]:
                path = pathlib.Path(build, entry["file"]).resolve()
                if path.parent != ROOT / directory:
                    continue  # an inline function of another module
                name = str(path.relative_to(ROOT))
                if name not in files:
                    files[name] = File(path)
                for line in entry["lines"]:
                    files[name].add(line)
    return found


def percent(part, whole):
    return 100.0 * part / whole if whole else 100.0


def total(files):
    return tuple(map(sum, zip(*(f.tally() for f in files))))


def good(t):
    return percent(t[0], t[1]) >= LINES and percent(t[2], t[3]) >= BRANCHES


def row(name, t):
    return (f"{name:<40} {percent(t[0], t[1]):6.1f} % of {t[1]:5} lines "
            f"{percent(t[2], t[3]):6.1f} % of {t[3]:5} branches")


def figures(t):
    return {"lines": t[1], "lines_reached": t[0],
            "lines_percent": round(percent(t[0], t[1]), 2),
            "branches": t[3], "branches_reached": t[2],
            "branches_percent": round(percent(t[2], t[3]), 2)}


def show_file(name, found):
    for files in found.values():
        if name in files:
            break
    else:
        sys.exit(f"{name} is not among what is measured")
    f = files[name]
    print(row(name, f.tally()))
    for n, text in enumerate(f.text.splitlines(), 1):
        if n in f.lines and f.lines[n] == 0:
            print(f"{n:5}  never    {text.expandtabs(8)}")
        elif n in f.branches and 0 in f.branches[n]:
            print(f"{n:5}  partly   {text.expandtabs(8)}"
                  f"\n               ways: {f.branches[n]}")


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--json", action="store_true")
    ap.add_argument("--file", action="append", default=[])
    ap.add_argument("--fuzz", action="store_true")
    ap.add_argument("--no-run", action="store_true")
    ap.add_argument("--build", default="build/coverage")
    a = ap.parse_args()
    build = (ROOT / a.build).resolve()
    begun = time.monotonic()
    if not a.no_run:
        build_and_run(build, a.fuzz)
    found = read_counts(build)
    if a.file:
        for name in a.file:
            show_file(name, found)
        return 0
    totals = {d: total(files.values()) for d, files in found.items()}
    ok = all(map(good, totals.values()))
    if a.json:
        json.dump({
            "wanted": {"lines_percent": LINES, "branches_percent": BRANCHES},
            "good": ok,
            "seconds": round(time.monotonic() - begun),
            "directories": {
                d: figures(totals[d]) | {"files": {
                    name: figures(f.tally())
                    for name, f in sorted(found[d].items())}}
                for d in found},
        }, sys.stdout, indent=1)
        print()
        return 0 if ok else 1
    for d, files in found.items():
        print(row(d, totals[d]))
        for name, f in sorted(files.items()):
            print(row("  " + name, f.tally()))
    print(row("all", tuple(map(sum, zip(*totals.values())))))
    for d, t in totals.items():
        if not good(t):
            print(f"{d} has less than {LINES} % of lines or {BRANCHES} % of "
                  "branches")
    return 0 if ok else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as e:
        sys.exit(f"coverage: {e.cmd[0]} failed ({e.returncode})")
