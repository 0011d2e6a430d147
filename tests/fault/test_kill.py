# SPDX-License-Identifier: MIT
"""kill -9 at random moments: nothing promised is missing, nothing is there twice.

    test_kill.py [--kills 10] [--clients 20] [--seed N] [--json]

Two servers, Bob's and Alice's, under the load of kill_load.py: mail from
other servers for Bob's people, mail that Bob's people submit, for each other
and for Alice's, POP3 clients that take mail away, IMAP clients that file it.
All the while the six daemons, drawn by lot, one or several, are killed and
started again, as systemd would, on sockets that stay open.  After every round
of kills the load pauses, and by the ledger (ledger.py)

 - every message that got its 250 is in the maildrop of each of its
   recipients, with every octet, or was taken away by a client;
 - no message is there twice.  Across the relay one may be, if Bob's maild
   died between Alice's 250 and the commit of that, or Alice's smtpd died
   between its commit and its 250 (RFC 5321 s6.1, RFC 1047): each such copy
   must have arrived before a kill of one of these two and the next one after
   it, and Bob's store has recorded one relaying only, that of the last;
 - nothing is there that nobody sent, and no bounce;
 - what POP3 and IMAP clients were told has happened, what they were not told
   has happened whole or not at all, and nothing comes back;
 - UIDVALIDITY, UIDNEXT, HIGHESTMODSEQ and MODSEQ have never fallen;
 - the quota counts what is there, `mailctl check' finds no fault, the queue
   is empty.

Then the maildrops are emptied.  In the end SIGTERM ends each daemon with 0.
What is wrong ends the run, and its files are kept.
"""
import argparse
import collections
import contextlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import traceback

for folder in ("e2e", "tools"):
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / folder))
from kill_filer import Imap, Refused  # noqa: E402
from kill_load import name_of, verify  # noqa: E402
from kill_servers import DAEMONS, Daemons, Ended, left_running, prepare  # noqa: E402
from ledger import Letters, Mailboxes, Maildrop, entries  # noqa: E402
from maildrop import NotNow, Pop3  # noqa: E402
from pennypost import StubDns, is_report, wait_for  # noqa: E402
from ports import free_port  # noqa: E402

HERE = pathlib.Path(__file__).parent
LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"  # of queue ids: see store/hop.c
QUOTA = "1G"  # so much that it is never full: it is counted against
PEOPLE = [f"bob{i}@bob.test" for i in range(6)]  # 0, 1: picked from; 3 to 5 submit
PICKED = PEOPLE[:2]
FILERS = [f"filer{i}@bob.test" for i in range(3)]
BOB = {user: f"pw-{user[:4]}-Xyz123" for user in PEOPLE + FILERS}
ALICE = {f"alice{i}@alice.test": f"pw-{i}-Xyz123" for i in range(3)}
USERS = {"bob": BOB, "alice": ALICE}
HOSTS = {"bob": "127.0.0.2", "alice": "127.0.0.3"}
ROUND = 500  # kills


def given_at(trace):
    """When a queue id was given, in seconds since 1970 (store/hop.c)."""
    value = 0
    for letter in trace:
        value = value << 5 | LETTERS.index(letter)
    return (value >> 21) / 1000 + 1577836800


def context_of(server):
    return ssl.create_default_context(cafile=server.ca)


def patiently(connect, server, service, user, password):
    """Log in, however long it takes a busy machine to start what was killed."""
    def attempt():
        with contextlib.suppress(OSError, Refused, NotNow):
            return connect(server.host, server.ports[service], context_of(server), (user, password))
    return wait_for(attempt, 600, f"{user} to be let in")


def pop3_of(server, user, password):
    return patiently(Pop3, server, "pop3s", user, password)


def imap_of(server, user, password):
    return patiently(Imap, server, "imaps", user, password)


# ---- the load

def make_plan(bob, number, clients, pause):
    """Two of three bring mail from elsewhere, the third is a user agent."""
    specs = []
    for i in range(clients):
        kind = ("smtp", "smtp", "submissions" if i % 2 else "submission")[i % 3]
        spec = {"name": f"r{number}.c{i}", "kind": kind, "to": [PEOPLE[:3] + (FILERS if i % 6 == 0 else [])]}
        if kind != "smtp":
            user = PEOPLE[3 + i % 3]
            spec["login"] = (user, BOB[user])
            spec["to"] = [list(ALICE)] if i % 4 else [list(ALICE), PEOPLE[:2] + FILERS[:1]]
        specs.append(spec)
    for kind, users in (("reader", PEOPLE[2:3]), ("picker", PICKED), ("filer", FILERS)):
        specs += [{"name": f"r{number}.{user.split('@')[0]}", "kind": kind, "login": (user, BOB[user])}
                  for user in users]
    return {"host": bob.host, "ports": bob.ports, "ca": bob.ca, "pause": pause, "clients": specs}


def promises(path):
    return path.read_bytes().count(b'{"promised"')


class Load:
    """kill_load.py for one round."""

    def __init__(self, scratch, number, bob, args):
        self.ledger = scratch / f"ledger.{number}"
        self.ledger.touch()
        plan = scratch / f"plan.{number}"
        plan.write_text(json.dumps(make_plan(bob, number, args.clients, args.pause)))
        self.process = subprocess.Popen([sys.executable, str(HERE / "kill_load.py"), str(plan), str(self.ledger)])
        wait_for(lambda: promises(self.ledger) > args.clients, 300, "the load to begin")

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(600) == 0

    def destroy(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def kill_at_random(servers, kills, chance, load, interval):
    """When and whom: [(time, server, daemon)]."""
    done = []
    while len(done) < kills:
        time.sleep(chance.uniform(0.0, 2 * interval))
        assert load.process.poll() is None, "the load ended early"
        which = chance.choice(list(servers))
        several = min(chance.choices((1, 2, 3), (18, 1, 1))[0], kills - len(done))
        daemons = chance.sample(DAEMONS, several)
        for daemon in daemons:
            servers[which].kill(daemon)
            done.append((time.time(), which, daemon))
        time.sleep(chance.choice((0,) * 9 + (0.2,)))
        for daemon in daemons:
            servers[which].start(daemon)
    return done


# ---- what there is

class Books:
    """Of everybody, over all rounds.  wrong: what is."""

    def __init__(self):
        self.wrong = []
        self.drops = {user: Maildrop(user) for user in PICKED}
        self.boxes = {user: Mailboxes(user) for user in FILERS}
        self.figures = collections.Counter()

    def begin(self):
        """A round: the maildrops are empty."""
        self.letters = Letters()
        self.drops = {user: Maildrop(user, old) for user, old in self.drops.items()}
        self.boxes = {user: Mailboxes(user, old) for user, old in self.boxes.items()}

    def take(self, entry):
        if "imap" in entry:
            self.figures["imap_did"] += "did" in entry
            self.wrong += self.boxes[entry["imap"]].take(entry)
        elif "pop3" in entry:
            self.wrong += self.drops[entry["pop3"]].take(entry)
        elif "damaged" in entry:
            self.wrong.append("damaged while fetched under load:\n" + entry["damaged"])
        elif "trouble" in entry:
            self.wrong.append("a client met what it did not expect:\n" + entry["trouble"])
        else:
            self.letters.take(entry)


def fetch(server, users, wrong, drops):
    """{(Message-ID, address): [queue id, ...]} of all maildrops."""
    found = collections.defaultdict(list)
    for user in users:
        pop3 = pop3_of(server, user, users[user])
        uidls = pop3.uidls()
        if user in drops:
            wrong += drops[user].take({"listed": uidls})
        for uidl, message in zip(uidls, pop3.messages()):
            trace = re.search(rb"(?s)\A.*?\bid ([0-9a-z]{13})\b", message)
            if not trace or not verify(message):
                wrong.append(f"{user}: strange or damaged:\n{message[:1500].decode('latin-1')}")
                continue
            found[name_of(message), user].append(trace[1].decode())
        pop3.quit()
    return found


def look_at_boxes(bob, books):
    """A last look, at every octet, and at the quota."""
    for user in FILERS:
        imap = imap_of(bob, user, BOB[user])
        octets = 0

        def whole(name, message):
            nonlocal octets
            octets += len(message)
            if not verify(message):
                books.wrong.append(f"{user}: {name} is damaged:\n{message[:1500].decode('latin-1')}")

        books.take({"imap": user, "look": imap.look(whole)})
        used = imap.used()
        if used not in (octets // 1024, -(-octets // 1024)):
            books.wrong.append(f"{user}: the quota says {used} KiB, there are {octets} octets")
        imap.close()


def is_quiet(server):
    got = server.ctl("queue", "list", "--json", check=False)
    return isinstance(got, dict) and not next(v for v in got.values() if isinstance(v, list))


def settle(servers):
    """All run, and nothing is under way."""
    for name, server in servers.items():
        user, password = next(iter(USERS[name].items()))
        pop3_of(server, user, password).quit()  # so maild and popd are there
    wait_for(lambda: all(is_quiet(s) for s in servers.values()), 1800, "the queues to empty")


# ---- what is wrong with it

def judge(books, found):
    letters, wrong = books.letters, books.wrong
    taken = {user: drop.taken() for user, drop in books.drops.items()}
    filed = {user: (boxes.letters(), boxes.removed) for user, boxes in books.boxes.items()}

    def copies(name, user):
        if user in filed:
            there, removed = filed[user]
            return there.get(name, 0) + (name in removed)
        return len(found.get((name, user), ())) + taken.get(user, {}).get(name, 0)

    for name, to in letters.sent.items():
        missing = [user for user in to if copies(name, user) == 0]
        if missing and name in letters.promised:
            wrong.append(f"{name}: promised, and not in the maildrop of {missing}")
        elif missing and len(missing) != len(to):
            wrong.append(f"{name}: for {to}, but {missing} did not get it")
        wrong += [f"{name}: {copies(name, user)} times for {user}"
                  for user in to if user in BOB and copies(name, user) > 1]
    there = list(found) + [(name, user) for user, (names, _) in filed.items() for name in names]
    wrong += [f"{name}: nobody sent it to {user}" for name, user in there
              if user not in letters.sent.get(name, ())]


def relayed_hops(bob, name, user):
    """What Bob's store says of a recipient: the replies that were recorded."""
    journeys = bob.ctl("journey", name, "--json")["journeys"]
    return [hop.get("detail", "") for journey in journeys for hop in journey["hops"]
            if hop["what"] == "relayed" and hop["recipient"] == user]


def judge_copies(found, kills, bob, wrong):
    """Copies beyond the first: {kill: messages it made to be relayed again}."""
    excused = collections.defaultdict(set)
    for (name, user), traces in found.items():
        traces.sort(key=given_at)
        if len(traces) > 1 and user in ALICE:
            hops = relayed_hops(bob, name, user)
            if len(hops) != 1 or traces[-1] not in hops[0]:
                wrong.append(f"{name}: relayed to {user} again after the commit: {hops}")
        for before, after in zip(traces, traces[1:]):
            causes = [kill for kill in kills if given_at(before) <= kill[0] <= given_at(after)
                      and kill[1:] in (("bob", "maild"), ("alice", "smtpd"))]
            if user in ALICE and not causes:
                wrong.append(f"{name}: twice in the maildrop of {user}, and nobody had died")
            elif causes:
                excused[causes[0]].add(before)
    return excused


def empty(servers, books):
    """Take all mail away: that it stays away shows in the next round."""
    for which, users in USERS.items():
        server = servers[which]
        for user in users:
            if user in FILERS:
                continue
            pop3 = pop3_of(server, user, users[user])
            uidls = pop3.uidls()
            pop3.delete_all()
            pop3.quit()
            if user in books.drops:
                books.drops[user].gone |= set(uidls)
    bob = servers["bob"]
    for user in FILERS:
        imap = imap_of(bob, user, BOB[user])
        for where in imap.mailboxes():
            imap.ask(f'SELECT "{where}"')
            imap.ask("UID STORE 1:* +FLAGS.SILENT (\\Deleted)")
            imap.ask("EXPUNGE")
        imap.close()


def check(servers, wrong):
    for name, server in servers.items():
        got = server.ctl("check", check=False)
        if got.returncode != 0:
            wrong.append(f"check of {name}: {got.stdout}{got.stderr}")


def one_round(number, kills, servers, chance, books, args, scratch):
    books.begin()
    load = Load(scratch, number, servers["bob"], args)
    try:
        began = time.monotonic()
        done = kill_at_random(servers, kills, chance, load, args.interval)
        took = time.monotonic() - began
        load.end()
    finally:
        load.destroy()
    for entry in entries(load.ledger):
        books.take(entry)
    settle(servers)
    found = fetch(servers["bob"], {u: BOB[u] for u in PEOPLE}, books.wrong, books.drops)
    found.update(fetch(servers["alice"], ALICE, books.wrong, {}))
    look_at_boxes(servers["bob"], books)
    judge(books, found)
    again = judge_copies(found, done, servers["bob"], books.wrong)
    check(servers, books.wrong)
    count(books, done, took, found, again)
    if not books.wrong:
        empty(servers, books)
        load.ledger.unlink()


FIGURES = [  # key, what it is called
    ("kills", "kills"), ("seconds", "seconds under load"),
    ("smtpd", "kills of smtpd"), ("maild", "kills of maild"), ("popd", "kills of popd"),
    ("sent", "messages sent"), ("promised", "messages promised (250)"),
    ("copies", "copies found in maildrops, every octet compared"),
    ("relayed", "of these, across the relay"),
    ("twice", "messages relayed again (each excused by a kill)"),
    ("picked", "POP3 deletions acknowledged"), ("imap_did", "IMAP changes acknowledged"),
    ("imap_cut", "IMAP changes cut off, found whole or not at all"),
    ("looks", "complete looks of IMAP clients"), ("letters", "letters that they filed"),
    ("wrong", "lost, duplicated, damaged, come back, fallen"),
]


def count(books, kills, took, found, again):
    f = books.figures
    f["kills"] += len(kills)
    f["seconds"] += took
    f.update(daemon for _, _, daemon in kills)
    f["sent"] += len(books.letters.sent)
    f["promised"] += len(books.letters.promised)
    f["relayed"] += sum(len(traces) for (_, user), traces in found.items() if user in ALICE)
    f["copies"] += sum(map(len, found.values())) + sum(
        sum(boxes.letters().values()) for boxes in books.boxes.values())
    f["twice"] += sum(map(len, again.values()))
    f["picked"] += sum(sum(drop.taken().values()) for drop in books.drops.values())
    for boxes in books.boxes.values():
        f["imap_cut"] += boxes.resolved
        f["looks"] += boxes.looks
        f["letters"] += sum(boxes.arrived.values())
    f["wrong"] = len(books.wrong)


def report(args, figures):
    if args.json:
        print(json.dumps({"seed": args.seed, **{key: round(figures[key]) for key, _ in FIGURES}}))
        return
    for key, text in FIGURES:
        print(f"{figures[key]:>12,.0f}  {text}")


# ---- the run

def stop(name, server):
    """What is wrong with a server itself."""
    wrong = []
    codes = server.stop()
    if set(codes.values()) != {0}:
        wrong.append(f"{name}'s daemons ended so: {codes}")
    wrong += [f"{name}: left running: {text}" for text in left_running(server)]
    for pattern in ("asan*", "ubsan*"):
        texts = [p.read_text(errors="replace") for p in server.scratch.glob(pattern)]
        wrong += [text[:3000] for text in texts if is_report(text)]
    return wrong


def start(stack, keep):
    port = free_port(*HOSTS.values())
    records = [[f"{n}.test", "MX", f"10 mx.{n}.test."] for n in HOSTS]
    records += [[f"mx.{n}.test", "A", ip] for n, ip in HOSTS.items()]
    dns = stack.enter_context(StubDns(records))
    servers = {}
    for name, ip in HOSTS.items():
        server = prepare(name, USERS[name], ip, port, dns.forward)
        stack.callback(lambda scratch=server.scratch: keep or shutil.rmtree(scratch, ignore_errors=True))
        servers[name] = Daemons(server)
        stack.callback(servers[name].stop)
    for user in FILERS:
        servers["bob"].ctl("user", "quota", user, QUOTA)
    return servers


def run(args, stack, books):
    keep = books.wrong  # files of a run in which nothing is wrong are removed
    servers = start(stack, keep)
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="pp-kill-"))
    stack.callback(lambda: keep or shutil.rmtree(scratch))
    chance = random.Random(args.seed)
    number = 0
    try:
        while books.figures["kills"] < args.kills and not books.wrong:
            kills = min(ROUND, args.kills - books.figures["kills"])
            one_round(number, kills, servers, chance, books, args, scratch)
            number += 1
            f = books.figures
            print(f"{f['kills']} kills, {f['kills'] / f['seconds']:.1f} a second; {f['promised']} promised; "
                  f"{f['wrong']} wrong", file=sys.stderr, flush=True)
            for server in servers.values():
                os.truncate(server.scratch / "daemons.log", 0)
    except Exception as e:  # a fault of the servers as likely as one of ours
        books.wrong.append(str(e) if isinstance(e, Ended) else traceback.format_exc())
    for name, server in servers.items():
        books.wrong += stop(name, server)
    if books.wrong:
        print("kept:", scratch, *(s.scratch for s in servers.values()), file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--interval", type=float, default=0.12, metavar="S",
                        help="time between kills, on average (default 0.12)")
    parser.add_argument("--pause", type=float, default=0.2, metavar="S",
                        help="most a client waits between messages (default 0.2)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**31))
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    args = parser.parse_args()
    print(f"seed {args.seed}", file=sys.stderr if args.json else sys.stdout, flush=True)
    books = Books()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # and end what was started
    with contextlib.ExitStack() as stack:
        run(args, stack, books)
    books.figures["wrong"] = len(books.wrong)
    for text in books.wrong[:20]:
        print(f"WRONG: {text}", file=sys.stderr)
    report(args, books.figures)
    return 1 if books.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
