# SPDX-License-Identifier: MIT
"""Five hundred wrong logins a second: does mail still come in, and does who has
a right to get in get in?

Rounds of deliveries to port 25 by tests/bench/smtp_load, alone and beside
login_load, in turn; meanwhile people log in who were here before, who were not,
and who come with an app password.
"""
import contextlib
import json
import statistics
import subprocess
import threading
import time

import measure
from measure import TOOLS, Times, say
from pennypost import Server, cpu_s
from wire import Peer

RATE = 500
SERVICES = ("imaps", "pop3s", "submissions")
USERS = 40
SHARE_LEAST = 0.5  # of what port 25 takes when nobody guesses
SECRET = "pw-real-Xyz123"


def tool(name, *args, before=()):
    return subprocess.Popen([*before, str(TOOLS / name), *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def result(process):
    out, err = process.communicate()
    if not out:
        raise RuntimeError(f"{process.args}: {err}")
    return json.loads(out)


def port_25(server, seconds):
    got = result(tool("smtp_load", "-c", 10, "-t", seconds, "-a", len(server.users), f"{server.host}:{server.ports['smtp']}"))
    if got["failed"]:
        raise RuntimeError("a delivery failed")
    return got


def guesses(server, seconds, rate, addresses, of_network=250, under_way=400):
    doors = [f"{s}={server.host}:{server.ports[s]}" for s in SERVICES]
    return tool("login_load", "-r", rate, "-t", seconds, "-a", addresses, "-n", of_network, "-u", len(server.users), "-c", under_way, *doors,
                before=("nice", "-n", "15"))  # others guess on machines of their own


class People(threading.Thread):
    """Real users, one after the other, each in one of three ways: where they were
    before (known), where they never were (new), and with an app password.  Who is
    put off tries again in a second, as user agents do."""

    def __init__(self, server, times, mark, seconds):
        super().__init__()
        self.server, self.times, self.mark = server, times, mark
        self.end = time.monotonic() + seconds
        self.tries = {}
        self.failed = []

    def elsewhere(self):
        """An address that nobody came from yet."""
        self.server.elsewhere = getattr(self.server, "elsewhere", 0) + 1
        return measure.address(self.server.elsewhere, 6)

    def log_in(self, user, password, source):
        with Peer(self.server, "imaps", source=source) as peer:
            return peer.imap_says(b"LOGIN %s %s" % (user.encode(), password.encode()))

    def until_in(self, kind, user, password, source):
        start, tries = time.monotonic(), 0
        while True:
            tries += 1
            try:
                said = self.log_in(user, password, source)
            except (OSError, AssertionError) as e:
                said = str(e)
            if said.startswith("OK"):
                break
            if "AUTHENTICATIONFAILED" in said:
                self.failed.append(f"{user} from {source}: {said}")
                break
            time.sleep(1)
        self.times.add(f"{kind}, {self.mark}", time.monotonic() - start)
        self.tries.setdefault(kind, []).append(tries)

    def run(self):
        n, many = 0, len(self.server.users)
        while time.monotonic() < self.end:
            user = f"user{n % many}@d.test"
            here, other = measure.address(n % many, 5), f"user{(n + 1) % many}@d.test"
            self.server.ctl("user", "passwd", other, input=SECRET + "\n")  # now nothing is remembered
            self.until_in("known, hashed", user, SECRET, here)
            self.until_in("known, remembered", user, SECRET, here)
            self.server.ctl("user", "passwd", other, input=SECRET + "\n")
            self.until_in("from a new address", user, SECRET, self.elsewhere())
            self.until_in("app password", user, self.server.apps[user], here)
            n += 1


def one_round(server, times, seconds, report, kinds):
    report["alone"].append(port_25(server, seconds)["per_second"])
    for mark, rate, *origin in kinds:
        attack = guesses(server, seconds + 3, rate, *origin)
        people = People(server, times, mark, seconds)
        cpu = {d: cpu_s(pid) for d, pid in server.pids().items()}
        time.sleep(1.5)  # until they are at it
        people.start()
        report.setdefault(mark, []).append(port_25(server, seconds)["per_second"])
        people.join()
        got = result(attack)
        got["cpu_s"] = {d: round(cpu_s(pid) - cpu[d], 2) for d, pid in server.pids().items()}
        report["guesses"].setdefault(mark, []).append(got)
        report["refused"] += people.failed
        for kind, tries in people.tries.items():
            report["tries"].setdefault(f"{kind}, {mark}", []).extend(tries)
        if got["let_in"]:
            report["refused"].append(f"{got['let_in']} guesses were let in")


def cpu_of(server, act):
    """(what it gave, {daemon: seconds of processor it took})"""
    before = {d: cpu_s(pid) for d, pid in server.pids().items()}
    got = act()
    return got, {d: cpu_s(pid) - before[d] for d, pid in server.pids().items()}


def costs(server, seconds, rate):
    """Milliseconds of processor of a guess and of a message, by daemon: whatever else
    the machine does.  In maild's for a guess is the hashing, which stands back."""
    guessed, of_guess = cpu_of(server, lambda: result(guesses(server, seconds, rate, 2000)))
    took, of_message = cpu_of(server, lambda: port_25(server, seconds))
    return {"guess_ms": {d: round(1000 * s / max(1, guessed["all"]), 3) for d, s in of_guess.items()},
            "hashed": round(guessed["wrong"] / max(1, guessed["all"]), 3),
            "message_ms": {d: round(1000 * s / max(1, took["accepted"]), 3) for d, s in of_message.items()}}


def run(args):
    rounds = 1 if args.quick else 3
    rate = 60 if args.quick else RATE
    kinds = [("many addresses", rate, 2000), ("many networks", rate, 2000, 1), ("one address", rate, 1)]
    times, report = Times(), {"alone": [], "guesses": {}, "tries": {}, "refused": [], "rate": rate}
    users = {f"user{n}@d.test": SECRET for n in range(6 if args.quick else USERS)}
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(Server(users=users, settings=measure.AS_INSTALLED))
        log = measure.LogReader(server)
        server.apps = {u: server.ctl("app-password", "add", u, "load").stdout.strip() for u in users}
        say("everybody logs in once")
        for n, user in enumerate(users):
            People(server, times, "", 0).until_in("known, before", user, SECRET, measure.address(n, 5))
        times.taken.clear()
        alone = People(server, times, "alone", args.seconds)
        alone.run()
        for number in range(rounds):
            say(f"round {number + 1}/{rounds}")
            one_round(server, times, args.seconds, report, kinds)
        report["cost"] = costs(server, args.seconds, rate)
        log.read()
    report["times"] = times.table()
    base = statistics.median(report["alone"])
    report["port_25"] = {"alone": round(base), **{mark: round(statistics.median(report[mark])) for mark, *_ in kinds}}
    report["share"] = {mark: round(statistics.median(report[mark]) / base, 3) for mark, *_ in kinds}
    report["complaints"] = [f"log: {line}" for line in log.bad] + report["refused"]
    report["complaints"] += [f"port 25 beside guesses from {mark}: {100 * share:.0f} % of what it takes alone"
                             for mark, share in report["share"].items() if share < SHARE_LEAST and not args.quick]
    report["good"] = not report["complaints"]
    return report


def show(report):
    print(f"\nlogins: {report['rate']} wrong ones a second wanted, over TLS, each on a connection of its own")
    print(f"  messages a second to port 25: {report['port_25']['alone']} alone")
    for mark, share in report["share"].items():
        print(f"  {report['port_25'][mark]:>6} beside guesses from {mark}: {100 * share:.0f} %")
    for mark, runs in report["guesses"].items():
        for g in runs:
            print(f"    {mark}: {g['per_second']:.0f} a second ({g['wrong']} looked at, {g['put_off']} put off, {g['closed']} "
                  f"turned away, {g['silent']} without answer); p50 {g['p50_ms']:.0f} ms, p99 {g['p99_ms']:.0f} ms; "
                  f"CPU s {g['cpu_s']}")
    cost = report["cost"]
    print("  ms of processor: of a guess " + ", ".join(f"{d} {ms}" for d, ms in sorted(cost["guess_ms"].items()))
          + f" ({100 * cost['hashed']:.0f} % were hashed); of a message "
          + ", ".join(f"{d} {ms}" for d, ms in sorted(cost["message_ms"].items())))
    measure.print_times("people, until they are in", report["times"])
    for kind, tries in sorted(report["tries"].items()):
        if max(tries) > 1:
            print(f"  {kind}: {statistics.mean(tries):.1f} tries on average, {max(tries)} at most")
