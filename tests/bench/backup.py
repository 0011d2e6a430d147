# SPDX-License-Identifier: MIT
"""What a backup costs: octets that the next one copies again, and what
deliveries feel meanwhile.

    backup.py [--messages N] [--day N] [--seconds S] [--dir D] BUILD

A store is filled (mail of 2 to 40 KiB, one in fifty with 100 KiB to 2 MiB that
cannot be made smaller), backed up, and used for a "day": new mail, flags that
change, mail that is deleted.  The second snapshot is compared with the first in
parts of several sizes.  Then mail is delivered, one after another and by eight
at once, first with nothing else going on and then while maild backs up again
and again (--whole), and each delivery is timed.
"""
import argparse
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

ARGS = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
ARGS.add_argument("build", help="directory of the build: BUILD/bin/maild")
ARGS.add_argument("--messages", type=int, default=20000)
ARGS.add_argument("--day", type=int, default=500, help="messages that come in a day")
ARGS.add_argument("--seconds", type=float, default=20)
ARGS.add_argument("--seed", type=int, default=1)
ARGS.add_argument("--dir", default=None)
PARTS = (4096, 16384, 65536, 262144, 1048576)
USERS = {f"u{n}@d.test": "pw-Xyz123" for n in range(10)}
WORDS = "the mail of a family is letters bills pictures and what one had for lunch today".split()


def say(text):
    print(text, file=sys.stderr, flush=True)


def letter(chance, n):
    head = f"From: a{n}@far.test\r\nTo: u@d.test\r\nSubject: {n}\r\nMessage-ID: <{n}@far.test>\r\n\r\n".encode()
    if chance.random() < 0.02:
        size = chance.randrange(100 << 10, 2 << 20)
        return head + b"".join(chance.randbytes(36).hex().encode() + b"\r\n" for _ in range(size // 74))
    size, text = chance.randrange(2 << 10, 40 << 10), []
    while size > 0:
        line = " ".join(chance.choice(WORDS) + str(chance.randrange(1000)) for _ in range(10)) + "\r\n"
        text.append(line)
        size -= len(line)
    return head + "".join(text).encode()


def fill(server, chance, first, n):
    """By import, in mailboxes of ten accounts."""
    with tempfile.TemporaryDirectory() as scratch:
        each = n // len(USERS)
        for user in USERS:
            path = pathlib.Path(scratch) / user
            with open(path, "wb") as f:
                for i in range(first, first + each):
                    f.write(b"From x Thu Jan  1 00:00:00 2026\n" + letter(chance, i).replace(b"\r\n", b"\n") + b"\n")
            server.ctl("import", user, str(path), "--mailbox", "INBOX", "--again")
            path.unlink()


def day(server, chance, n):
    for i in range(n):
        server.deliver("x@far.test", [chance.choice(list(USERS))], letter(chance, 10 ** 7 + i))
    for user in USERS:
        client = server.imap(user)
        count = int(client.select("INBOX")[1][0])
        newest = range(max(1, count - n // 2), count + 1)
        for i in chance.sample(newest, len(newest) // 2):
            client.store(str(i), "+FLAGS", r"(\Seen)")
        for i in chance.sample(range(1, count + 1), min(count, n // 20)):
            client.store(str(i), "+FLAGS", r"(\Deleted)")
        client.expunge()
        client.logout()


def whole(snapshot):
    return b"".join(p.read_bytes() for p in sorted((snapshot / "mail.db.parts").iterdir()))


def changed(one, two, size):
    """Share of the second in parts that the first does not have at that place."""
    parts = range(0, len(two), size)
    return sum(one[i:i + size] != two[i:i + size] for i in parts) / len(parts)


def deliveries(server, chance, seconds, at_once):
    """Seconds each took."""
    octets, took, end = letter(random.Random(5), 1)[:10240], [], time.monotonic() + seconds

    def run():
        with server.smtp() as client:
            while time.monotonic() < end:
                begin = time.monotonic()
                client.sendmail("x@far.test", ["u1@d.test"], octets)
                took.append(time.monotonic() - begin)

    threads = [threading.Thread(target=run) for _ in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took.sort()
    return {"deliveries": len(took), "p50_ms": round(took[len(took) // 2] * 1000, 1),
            "p99_ms": round(took[len(took) * 99 // 100] * 1000, 1), "max_ms": round(took[-1] * 1000, 1)}


def backups_until(server, over, made):
    while not over.is_set():
        made.append(server.ctl("backup", "--whole", "--json"))


def main():
    args = ARGS.parse_args()
    os.environ["PENNYPOST_BIN"] = str(pathlib.Path(args.build).resolve() / "bin")
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
    from pennypost import Server
    say(f"seed {args.seed}")
    chance, out = random.Random(args.seed), {"seed": args.seed, "messages": args.messages}
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="pp-bench-backup-", dir=args.dir))
    place = scratch / "backups"
    try:
        with Server(users=USERS, dir=scratch / "dev", check=False,
                    settings={"backup.dir": place, "backup.drill": "0s", "backup.every": "60d",
                              "backup.keep": 2, "policy.connection_rate": 100000,
                              "policy.message_rate": 1000000}) as server:
            say("filling")
            fill(server, chance, 0, args.messages)
            begin = time.monotonic()
            first = server.ctl("backup", "--json", "--whole")
            out["first_s"] = round(time.monotonic() - begin, 1)
            out["octets"] = first["bytes"]
            say(f"a day of {args.day} messages")
            day(server, chance, args.day)
            begin = time.monotonic()
            second = server.ctl("backup", "--json")
            out["second_s"] = round(time.monotonic() - begin, 1)
            out["second_octets"], out["second_copied"] = second["bytes"], second["copied_bytes"]
            one, two = whole(place / first["name"]), whole(place / second["name"])
            out["mail_db"] = len(two)
            out["changed_in_parts_of"] = {str(size): round(changed(one, two, size), 4) for size in PARTS}
            del one, two
            for at_once in (1, 8):
                say(f"deliveries, {at_once} at once")
                quiet = deliveries(server, chance, args.seconds, at_once)
                over, made = threading.Event(), []
                thread = threading.Thread(target=backups_until, args=(server, over, made))
                thread.start()
                busy = deliveries(server, chance, args.seconds, at_once)
                over.set()
                thread.join()
                out[f"deliveries_{at_once}"] = {"quiet": quiet, "backing_up": busy, "backups": len(made)}
        begin = time.monotonic()
        newest = max(p.name for p in place.iterdir() if p.name[0].isdigit())
        subprocess.run([os.environ["PENNYPOST_BIN"] + "/mailctl", "-c", scratch / "dev/pennypost.conf", "restore", newest,
                        "--to", scratch / "restored"], check=True, stdout=subprocess.DEVNULL)
        out["restore_s"] = round(time.monotonic() - begin, 1)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    print(json.dumps(out, indent=1))


if __name__ == "__main__":
    main()
