# SPDX-License-Identifier: MIT
"""Ten thousand that are idle, a thousand that are slow, and one who wants mail.

The limits are those of a fresh installation; so the crowd comes from as many
addresses, and the idle users have accounts with no more connections each than
an account may have.
"""
import contextlib
import json
import os
import subprocess
import sys
import time

import measure
from measure import DAEMONS, HERE, Times, say
from pennypost import Server, cpu_s, wait_for
from wire import Peer

# door, where it rests, how many of a hundred; the first half is smtpd's
IDLE = [("smtp", "after_ehlo", 25), ("submission", "after_starttls", 10), ("submissions", "submitter", 15),
        ("pop3", "pop_stranger", 5), ("pop3s", "pop_user", 15), ("imaps", "idler", 25), ("imap", "imap_starttls", 5)]
SLOW = [("silent", "submissions"), ("silent", "imaps"), ("silent", "pop3s"), ("drip", "submissions"), ("drip", "imaps"),
        ("drip", "pop3s"), ("records", "submissions"), ("records", "imaps"), ("records", "pop3s"), ("drip", "imaps")]
USERS = 400
PROCESSES = 2
ANSWER_MOST_MS = 1000
LETTER = b"From: <a@remote.test>\r\nSubject: to somebody real\r\nMessage-ID: <real@remote.test>\r\n\r\nHello.\r\n"
ME = "me@d.test"


class Crowds:
    """Processes that hold the connections."""

    def __init__(self, server, idle, slow):
        self.all = []
        for part in range(PROCESSES):
            spec = {"host": server.host, "ports": server.ports, "ca": server.ca, "users": USERS, "net": 1 + part,
                    "idle": [(door, rest, idle * share // 100 // PROCESSES) for door, rest, share in IDLE],
                    "slow": [(kind, door, slow // len(SLOW) // PROCESSES) for kind, door in SLOW]}
            self.all.append(subprocess.Popen([sys.executable, "-B", str(HERE / "crowd.py"), json.dumps(spec)],
                                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))

    def expect(self, word):
        for crowd in self.all:
            if crowd.stdout.readline() != word + "\n":
                raise RuntimeError("a crowd died")

    def ask(self):
        total = {}
        for crowd in self.all:
            crowd.stdin.write("?\n")
            crowd.stdin.flush()
            for key, n in json.loads(crowd.stdout.readline()).items():
                if key == "why":
                    total.setdefault("why", {}).update(n)
                else:
                    total[key] = total.get(key, 0) + n
        return total

    def begin_slow(self):
        for crowd in self.all:
            crowd.stdin.write("go\n")
            crowd.stdin.flush()
        self.expect("ready")

    def close(self):
        for crowd in self.all:
            crowd.stdin.close()
        for crowd in self.all:
            crowd.wait(120)
            crowd.stdout.close()


class RealClient:
    """Delivers, and reads by IMAP and POP3, each time on a new connection: how
    long until the last answer."""

    def __init__(self, server, times, mark):
        self.server, self.times, self.mark = server, times, mark
        server.users.setdefault(ME, "secret")  # any would do: --accept-any

    def deliver(self):
        with Peer(self.server, "smtp").hello().begin(to=(ME.encode(),)) as peer:
            peer.send(LETTER + b".\r\n")
            assert peer.code() == 250

    def read_imap(self):
        with Peer(self.server, "imaps") as peer:
            peer.imap_ok(b"LOGIN %s secret" % ME.encode())
            peer.imap_ok(b"SELECT INBOX")
            assert any(r.kind == "FETCH" for r in peer.imap_ok(b"FETCH 1:* (UID FLAGS BODY.PEEK[])"))

    def read_pop3(self):
        with Peer(self.server, "pop3s").pop_login(ME) as peer:
            assert peer.pop(b"RETR 1").startswith(b"+OK")
            while peer.line() != b".\r\n":
                pass
            peer.pop(b"DELE 1")
            assert peer.pop(b"QUIT").startswith(b"+OK")

    def act(self):
        for name, deed in (("SMTP, delivered", self.deliver), ("IMAP, read", self.read_imap),
                           ("POP3, read", self.read_pop3)):
            self.times.time(f"{name}, {self.mark}", deed)

    def go_on(self, seconds):
        end = time.monotonic() + seconds
        while True:
            self.act()
            if time.monotonic() > end:
                return
            time.sleep(0.1)


def how_many(wanted):
    """As many as file limits allow for; daemons have the hard limit of theirs."""
    room = measure.raise_file_limit()
    most = min(wanted, (room - 1500) * 2 * 10 // 11)
    if most < wanted:
        say(f"only {room} files may be open (ulimit -Hn): {most} connections instead of {wanted}")
    return most // 200 * 200


def cost(before, after, counts):
    """KiB of a connection, by daemon."""
    return {d: round((after[d]["pss_kib"] - before[d]["pss_kib"]) / counts[d], 1) for d in counts}


def run(args):
    wanted = 400 if args.quick else args.connections
    many = how_many(wanted)
    slow = many // 10
    times = Times()
    with contextlib.ExitStack() as stack:
        settings = dict(measure.AS_INSTALLED)
        if args.quick:  # on any machine, then
            settings["timeouts.handshake"] = "60s"
        server = stack.enter_context(Server(users={}, accept_any=True, settings=settings))
        log = measure.LogReader(server)
        before_client = RealClient(server, times, "alone")
        for user in range(USERS):  # made before, as they would be
            server.deliver("warm@remote.test", [f"user{user}@d.test"], LETTER)
        before_client.act()
        times.taken.clear()
        before_client.go_on(args.seconds / 2)
        before = measure.look(server)
        say(f"{many} idle connections are coming")
        start = time.monotonic()
        crowds = Crowds(server, many, slow)
        stack.callback(crowds.close)
        crowds.expect("settled")
        took = time.monotonic() - start
        filled = measure.look(server)
        crowds.begin_slow()
        say(f"they are there after {took:.0f} s, and {slow} slow ones")
        cpu = {d: cpu_s(pid) for d, pid in server.pids().items()}
        began = time.monotonic()
        client = RealClient(server, times, "in the crowd")
        client.go_on(args.seconds / 2)
        during = measure.look(server)
        client.go_on(args.seconds / 2)
        spent = time.monotonic() - began
        cpu = {d: round((cpu_s(pid) - cpu[d]) / spent, 4) for d, pid in server.pids().items()}
        there = crowds.ask()
        crowds.close()
        wait_for(lambda: all((measure.descriptors(p) or 0) <= (before[d]["files"] or 0) + 8
                             for d, p in server.pids().items()), 120, "files to be closed")
        after = measure.look(server)
        log.read()
        shares = {"smtpd": many // 2, "popd": many // 2}
        table = times.table()
        report = {"idle": there["idle"], "slow": there["slow"], "wanted": wanted, "crowd": there, "took_s": round(took, 1),
                  "times": table, "kib_each": cost(before, filled, shares), "cpu": cpu,
                  "daemons": {d: {"pss_kib": [x[d]["pss_kib"] for x in (before, filled, during, after)],
                                  "files": [x[d]["files"] for x in (before, filled, during, after)]} for d in DAEMONS},
                  "file_limit": measure.raise_file_limit()}
    worst = max(t["worst_ms"] for what, t in table.items() if "crowd" in what)
    report["complaints"] = [f"log: {line}" for line in log.bad]
    if there["idle"] < many:
        report["complaints"].append(f"only {there['idle']} of {many} stayed")
    if worst >= ANSWER_MOST_MS and not args.quick:
        report["complaints"].append(f"an answer took {worst} ms")
    report["good"] = not report["complaints"]
    return report


def show(report):
    print(f"\nidle: {report['idle']} idle connections of {report['wanted']}, {report['slow']} slow ones "
          f"({report['crowd'].get('slow_closed', 0)} closed and replaced); all there after {report['took_s']} s")
    measure.print_times("a real client", report["times"])
    print("\n  PSS MiB: before, with the idle, with the slow too, after; files")
    for d, m in report["daemons"].items():
        print(f"  {d:<8}" + "".join(f"{kib / 1024:>9.1f}" for kib in m["pss_kib"]) + "   "
              + "/".join(str(n) for n in m["files"]) + f"   CPU {100 * report['cpu'][d]:.1f} %")
    print("  KiB of an idle connection: " + ", ".join(f"{k} in {d}" for d, k in report["kib_each"].items()))
    for why, n in report["crowd"].get("why", {}).items():
        print(f"  {n} did not come: {why}")
