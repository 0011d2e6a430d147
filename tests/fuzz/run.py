# SPDX-License-Identifier: MIT
"""Run fuzz targets, and renew the corpus that is kept: see scripts/fuzz."""

import argparse
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True
import seeds  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
FUZZ = ROOT / "tests/fuzz"
KEPT = FUZZ / "corpus"
BUILD = pathlib.Path(os.environ.get("PENNYPOST_BUILD", ROOT / "build/fuzz"))

LONGEST = 16 * 1024  # of an input
KEPT_FILES = 150     # of a target
KEPT_OCTETS = 48 * 1024
KEPT_SLOW = {"fuzz_imap_session": 60, "fuzz_command": 60}

# Module: its dictionary, and what of PENNYPOST_CORPUS is for it
ABOUT = {
    "smtpd_proto": ("smtp", ["attacks"]),
    "maild_proto": ("smtp", ["attacks"]),
    "wire": ("smtp", ["attacks"]),
    "auth": ("smtp", []),
    "popd_proto": ("imap", ["attacks"]),
    "popd_ops": ("imap", ["attacks"]),
    "mime": ("mime", ["attacks", "messages"]),
    "mailctl": ("json", []),
    "control": ("json", []),
    "policy": ("dns", ["messages"]),
    "relay_words": ("dns", []),
    "dns": (None, []),
}
DICTIONARIES = {
    "fuzz_pop3": "pop3", "fuzz_top": "mime", "fuzz_intake": "mime",
    "fuzz_import_message": "mime", "fuzz_search_envelope": "mime",
    "fuzz_imap_fetch": "imap", "fuzz_dkim_sign": "mime",
}


def modules():
    return {p.stem: p.parent.name for p in sorted(FUZZ.glob("*/fuzz_*.c"))}


def fail(text):
    print("scripts/fuzz: " + text, file=sys.stderr)
    sys.exit(2)


def seconds(text):
    m = re.fullmatch(r"(\d+)([smhd]?)", text)
    if not m or int(m[1]) == 0:
        fail(f"{text} is no time like 30, 10m, 2h or 1d")
    return int(m[1]) * {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}[m[2]]


def folder(kind, target):
    path = BUILD / kind / target
    path.mkdir(parents=True, exist_ok=True)
    return path


def write_seeds(target, module):
    path = folder("seeds", target)
    for old in path.iterdir():
        old.unlink()
    for data in seeds.make(target, module):
        (path / hashlib.sha1(data).hexdigest()).write_bytes(data)
    return path


def foreign(module):
    """Folders of others' inputs: they are read, and nothing that comes of them
    is ever kept."""
    corpus = os.environ.get("PENNYPOST_CORPUS")
    names = ABOUT.get(module, (None, []))[1]
    paths = [pathlib.Path(corpus) / n for n in names] if corpus else []
    return [p for p in paths if p.is_dir()]


def arguments(target, module):
    name = DICTIONARIES.get(target, ABOUT.get(module, (None,))[0])
    out = [str(BUILD / "tests" / target), f"-max_len={LONGEST}", "-timeout=25",
           "-rss_limit_mb=1500", "-verbosity=1", f"-artifact_prefix={BUILD}/"]
    if name is not None:
        out.append(f"-dict={FUZZ / 'dict' / (name + '.dict')}")
    return out


def stat(log, name):
    m = re.findall(r"^stat::" + name + r":\s+(\d+)", log, re.M)
    return int(m[-1]) if m else 0


def coverage(log):
    m = re.findall(r" cov: (\d+) ", log)
    return int(m[-1]) if m else 0


def say_find(target, log):
    lines = log.strip().split("\n")
    m = re.search(r"Test unit written to (\S+)", log)
    print("\n".join(lines[-60:]), file=sys.stderr)
    print(f"\n{target} found something.", file=sys.stderr)
    if m:
        print(f"The input: {m[1]}\nTo repeat it:\n"
              f"  {BUILD / 'tests' / target} {m[1]}\n"
              f"or, built by gcc (scripts/test, then):\n"
              f"  build/sanitize/tests/fuzz_replay_"
              f"{modules()[target]} {target} {m[1]}", file=sys.stderr)


def run(target, module, duration, seed):
    others = foreign(module)
    mine = folder("corpus-foreign" if others else "corpus", target)
    before = sum(1 for _ in mine.iterdir())
    command = arguments(target, module) + [
        f"-max_total_time={duration}", f"-seed={seed}", "-print_final_stats=1",
        str(mine), str(folder("corpus", target)), str(KEPT / target),
        str(write_seeds(target, module))] + [str(p) for p in others]
    command = [c for i, c in enumerate(command)
               if c.startswith("-") or i == 0 or
               (pathlib.Path(c).is_dir() and c not in command[:i])]
    start = time.monotonic()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, text=True,
                          errors="replace", stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    found = {
        "target": target,
        "seconds": round(time.monotonic() - start),
        "executions": stat(done.stdout, "number_of_executed_units"),
        "coverage": coverage(done.stdout),
        "new": sum(1 for _ in mine.iterdir()) - before,
        "good": done.returncode == 0,
    }
    if not found["good"]:
        say_find(target, done.stdout)
    return found


# ---- the kept corpus ----

def features(control, files):
    """What each file does, of libFuzzer's control file."""
    does = {}
    for line in control.read_text().split("\n"):
        words = line.split()
        if words and words[0] == "FT" and int(words[1]) < len(files):
            does[files[int(words[1])]] = frozenset(map(int, words[2:]))
    return does


def choose(does, most):
    """The files that do most: always the one that adds most for its size."""
    chosen, seen, room = [], set(), KEPT_OCTETS
    size = {f: os.path.getsize(f) for f in does}
    left = dict.fromkeys(sorted(does, key=lambda f: size[f]))
    gain = {f: len(does[f]) / (size[f] + 50) for f in left}
    while left and len(chosen) < most:
        while True:  # what it added before is most it can add now
            best = max(left, key=gain.__getitem__)
            now = len(does[best] - seen) / (size[best] + 50)
            if now == gain[best]:
                break
            gain[best] = now
        del left[best]
        if gain[best] == 0:
            break
        if size[best] > room:
            continue
        seen |= does[best]
        room -= size[best]
        chosen.append(best)
    return chosen


def minimise(target, module):
    control = BUILD / "merge" / target
    control.parent.mkdir(parents=True, exist_ok=True)
    control.unlink(missing_ok=True)
    inputs = [folder("corpus", target), KEPT / target,
              write_seeds(target, module)]
    empty = folder("merged", target)
    for old in empty.iterdir():
        old.unlink()
    done = subprocess.run(
        arguments(target, module) + [
            "-merge=1", "-set_cover_merge=1",
            f"-merge_control_file={control}", str(empty)] +
        [str(p) for p in inputs if p.is_dir()], stdin=subprocess.DEVNULL,
        text=True, errors="replace", stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, check=False)
    found = "Test unit written to" in done.stdout
    if found or done.returncode != 0:
        say_find(target, done.stdout)
    if done.returncode != 0:
        return False
    lines = control.read_text().split("\n")
    files = lines[2:2 + int(lines[0])]
    kept = [pathlib.Path(f).read_bytes()[:LONGEST]
            for f in choose(features(control, files),
                            KEPT_SLOW.get(target, KEPT_FILES))]
    shutil.rmtree(KEPT / target, ignore_errors=True)
    (KEPT / target).mkdir(parents=True)
    for data in kept:
        name = hashlib.sha1(data).hexdigest()[:16]
        (KEPT / target / name).write_bytes(data)
    print(f"{target}: {len(kept)} of {len(files)} inputs, "
          f"{sum(map(len, kept))} octets", flush=True)
    return not found


# ---- the command ----

def main():
    parser = argparse.ArgumentParser(prog="scripts/fuzz")
    parser.add_argument("target")
    parser.add_argument("time", nargs="?", default="30")
    parser.add_argument("--minimise", action="store_true")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    known = modules()
    targets = list(known) if args.target == "all" else [args.target]
    for target in targets:
        if target not in known:
            fail(f"there is no target {target}: it is all, or one of\n  " +
                 "\n  ".join(known))
    if args.minimise:
        good = [minimise(t, known[t]) for t in targets]
        total = sum(f.stat().st_size for f in KEPT.rglob("*") if f.is_file())
        print(f"kept: {total} octets in all")
        return 0 if all(good) else 1
    seed = args.seed or random.randrange(1, 2**31)
    duration = max(1, seconds(args.time) // len(targets))
    if not args.json:
        print(f"seed {seed}, {duration} s for each target", flush=True)
    results = []
    for i, target in enumerate(targets):
        r = run(target, known[target], duration, seed)
        results.append(r)
        if args.json:
            print(json.dumps(r | {"seed": seed}), flush=True)
        else:
            print(f"[{i + 1}/{len(targets)}] {target}: {r['seconds']} s, "
                  f"{r['executions']} executions, coverage {r['coverage']}, "
                  f"{r['new']} new inputs" +
                  ("" if r["good"] else ", FOUND SOMETHING"), flush=True)
    if not args.json:
        print(f"{sum(r['executions'] for r in results)} executions, "
              f"{sum(not r['good'] for r in results)} targets found something")
    return 0 if all(r["good"] for r in results) else 1


sys.exit(main())
