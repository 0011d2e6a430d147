# SPDX-License-Identifier: MIT
"""kill -9 at random moments: no promised message missing, none twice.

    test_kill.py [--kills 10] [--clients 20] [--seed N]

Two servers, Bob's and Alice's, under the load of kill_load.py: mail from
other servers for Bob's people, and mail that Bob's people submit, for each
other and for Alice's.  All the while one of the six daemons, drawn by lot, is
killed and started again, as systemd would, on sockets that stay open.  Then:

 - every message that got its 250 is in the maildrop of each of its
   recipients, with every octet;
 - no message is there twice.  Across the relay one may be, if Bob's maild
   died between Alice's 250 and the commit of that, or Alice's smtpd died
   between its commit and its 250 (RFC 5321 s6.1, RFC 1047): each such copy
   must have arrived before a kill of one of these two and the next one after
   it, and Bob's store has recorded one relaying only, that of the last;
 - nothing is there that nobody sent, and no bounce;
 - the queue is empty, `mailctl check' finds no fault, SIGTERM ends each
   daemon with 0.
"""
import argparse
import collections
import contextlib
import json
import os
import pathlib
import poplib
import random
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from pennypost import BIN, Server, StubDns, is_report, wait_for  # noqa: E402
from kill_load import verify  # noqa: E402

HERE = pathlib.Path(__file__).parent
DAEMONS = ("maild", "smtpd", "popd")
SERVICES = {"smtpd": ("smtp", "submission", "submissions"), "popd": ("pop3", "pop3s"), "maild": ()}
LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"  # of queue ids: see store/hop.c
BOB = {f"bob{i}@bob.test": f"pw-{i}-Xyz123" for i in range(6)}
ALICE = {f"alice{i}@alice.test": f"pw-{i}-Xyz123" for i in range(3)}
PEOPLE = {"bob": BOB, "alice": ALICE}
HOSTS = {"bob": "127.0.0.2", "alice": "127.0.0.3"}


def given_at(trace):
    """When a queue id was given, in seconds since 1970 (store/hop.c)."""
    value = 0
    for letter in trace:
        value = value << 5 | LETTERS.index(letter)
    return (value >> 21) / 1000 + 1577836800


class Daemons:
    """One server, made by `mailctl dev' and from then on supervised here:
    what is killed starts again at once, however often."""

    def __init__(self, server):
        self.dir, self.ports, self.ca = server.dir, server.ports, server.ca
        self.host, self.ctl = server.host, server.ctl
        self.scratch = server.scratch
        self.sockets = {}
        self.running = {}
        self.log = open(self.scratch / "daemons.log", "ab")
        for name, port in self.ports.items():
            s = socket.socket()
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind((self.host, port))
            s.listen(256)
            self.sockets[name] = s
        for name in DAEMONS:
            self.start(name)

    def start(self, name):
        """With its sockets from descriptor 3 on, as sd_listen_fds(3) says."""
        services = SERVICES[name]
        fds = [self.sockets[s].fileno() for s in services]

        def hand_over():
            high = [os.dup2(fd, 200 + i) for i, fd in enumerate(fds)]
            for i, fd in enumerate(high):
                os.dup2(fd, 3 + i)
                os.close(fd)

        env = {**os.environ, "LISTEN_FDS": str(len(fds)), "LISTEN_FDNAMES": ":".join(services),
               "ASAN_OPTIONS": f"log_path={self.scratch}/asan",
               "UBSAN_OPTIONS": f"log_path={self.scratch}/ubsan"}
        self.running[name] = subprocess.Popen(
            ["/bin/sh", "-c", 'LISTEN_PID=$$; export LISTEN_PID; exec "$0" -c "$1"',
             str(BIN / name), str(self.dir / "pennypost.conf")],
            env=env, stderr=self.log, stdin=subprocess.DEVNULL, close_fds=False,
            preexec_fn=hand_over)

    def kill(self, name):
        """False if it was dead already: that is a fault of its own."""
        process = self.running[name]
        if process.poll() is not None:
            raise AssertionError(f"{name} ended by itself: {process.returncode}\n" + self.tail())
        process.kill()
        process.wait()

    def tail(self):
        return (self.scratch / "daemons.log").read_text(errors="replace")[-3000:]

    def stop(self):
        """Their exit codes."""
        for process in self.running.values():
            process.terminate()
        codes = {}
        for name, process in self.running.items():
            try:
                codes[name] = process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                codes[name] = "did not stop in 60 s"
        for s in self.sockets.values():
            s.close()
        self.log.close()
        return codes


def prepare(name, users, host, relay_port, dns):
    """Directory, certificate and accounts of a server."""
    server = Server(users=users, domain=f"{name}.test", host=host, dns=dns, settings={
        "relay.port": relay_port, "relay.retry_first": "500ms", "relay.retry_most": "1s",
        "listen.imap": "", "listen.imaps": "",
    }, options=["--port", f"smtp={relay_port}"])
    server.start()
    scratch = server.scratch
    server.kept = str(server.dir)  # the directory stays when it stops
    server.stop()
    server.scratch = scratch
    return server


def free_port(hosts):
    """One that is free on all of them."""
    while True:
        with contextlib.ExitStack() as held, contextlib.suppress(OSError):
            probe = held.enter_context(socket.socket())
            probe.bind((hosts[0], 0))
            port = probe.getsockname()[1]
            for host in hosts[1:]:
                held.enter_context(socket.socket()).bind((host, port))
            return port


def make_plan(bob, clients, pause):
    """Two of three bring mail from elsewhere, the third is a user agent."""
    specs = []
    for i in range(clients):
        kind = ("smtp", "smtp", "submissions" if i % 2 else "submission")[i % 3]
        spec = {"name": f"c{i}", "kind": kind, "to": [list(BOB)[:3]]}
        if kind != "smtp":
            spec["login"] = list(BOB.items())[3 + i % 3]
            spec["to"] = [list(ALICE)] if i % 4 else [list(ALICE), list(BOB)[:2]]
        specs.append(spec)
    specs.append({"name": "r0", "kind": "pop3s", "login": list(BOB.items())[0]})
    return {"host": bob.host, "ports": bob.ports, "ca": bob.ca, "pause": pause, "clients": specs}


def kill_at_random(servers, kills, chance, load):
    """When and whom: [(time, server, daemon)]."""
    done = []
    while len(done) < kills:
        time.sleep(chance.uniform(0.02, 0.6))
        assert load.poll() is None, "the load ended early"
        which = chance.choice(list(servers))
        daemon = chance.choice(DAEMONS)
        servers[which].kill(daemon)
        done.append((time.time(), which, daemon))
        time.sleep(chance.choice((0, 0, 0.1)))
        servers[which].start(daemon)
        if len(done) % 50 == 0:
            print(f"{len(done)} kills", flush=True)
    return done


def read_log(path):
    sent, promised, damaged = {}, {}, []
    for line in path.read_text().splitlines():
        entry = json.loads(line)
        if "sent" in entry:
            sent[entry["sent"]] = entry["to"]
        elif "promised" in entry:
            promised[entry["promised"]] = entry["at"]
        else:
            damaged.append(entry["damaged"])
    return sent, promised, damaged


def fetch(server, users):
    """{(Message-ID, address): [queue id, ...]} and what is wrong."""
    found, wrong = collections.defaultdict(list), []
    context = ssl.create_default_context(cafile=server.ca)
    for user, password in users.items():
        client = poplib.POP3_SSL(server.host, server.ports["pop3s"], context=context, timeout=120)
        client.user(user)
        client.pass_(password)
        for n in range(1, client.stat()[0] + 1):
            message = b"\r\n".join(client.retr(n)[1]) + b"\r\n"
            name = re.search(rb"(?mi)^Message-ID: <(.*)>\r$", message)
            trace = re.search(rb"(?s)\A.*?\bid ([0-9a-z]{13})\b", message)
            if not name or not trace or not verify(message):
                wrong.append(f"{user}: strange or damaged:\n{message[:1500].decode('latin-1')}")
                continue
            found[name[1].decode(), user].append(trace[1].decode())
        client.quit()
    return found, wrong


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
        if len(traces) > 1 and user in BOB:
            wrong.append(f"{name}: {len(traces)} times in the maildrop of {user}")
        elif len(traces) > 1:
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


def judge(sent, promised, found, wrong):
    for name in promised:
        for user in sent[name]:
            if not found.get((name, user)):
                wrong.append(f"{name}: promised, and not in the maildrop of {user}")
    for name, user in found:
        if user not in sent.get(name, ()):
            wrong.append(f"{name}: nobody sent it to {user}")
    for name, to in sent.items():
        there = [user for user in to if found.get((name, user))]
        if there and len(there) != len(to):
            wrong.append(f"{name}: for {to}, only {there} got it")


def is_quiet(server):
    got = server.ctl("queue", "list", "--json", check=False)
    return isinstance(got, dict) and not next(v for v in got.values() if isinstance(v, list))


def settle_and_fetch(servers):
    """Once nothing is under way: what lies in all maildrops."""
    wait_for(lambda: all(is_quiet(s) for s in servers.values()), 300, "the queues to empty")
    found, wrong = {}, []
    for name, users in PEOPLE.items():
        there, strange = fetch(servers[name], users)
        found.update(there)
        wrong += strange
    return found, wrong


def left_running(server):
    """Processes of ours that outlived it, such as children of the killed."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if f" {server.dir}/" in command:
                found.append(command)
    return found


def check_and_stop(name, server):
    """What is wrong with a server itself."""
    wrong = []
    got = server.ctl("check", check=False)
    if got.returncode != 0:
        wrong.append(f"check of {name}: {got.stdout}{got.stderr}")
    codes = server.stop()
    if set(codes.values()) != {0}:
        wrong.append(f"{name}'s daemons ended so: {codes}")
    wrong += [f"{name}: left running: {text}" for text in left_running(server)]
    for pattern in ("asan*", "ubsan*"):
        texts = [p.read_text(errors="replace") for p in server.scratch.glob(pattern)]
        wrong += [text[:3000] for text in texts if is_report(text)]
    return wrong


def start(stack):
    port = free_port(list(HOSTS.values()))
    records = [[f"{n}.test", "MX", f"10 mx.{n}.test."] for n in HOSTS]
    records += [[f"mx.{n}.test", "A", ip] for n, ip in HOSTS.items()]
    dns = stack.enter_context(StubDns(records))
    servers = {}
    for name, ip in HOSTS.items():
        server = prepare(name, PEOPLE[name], ip, port, dns.forward)
        stack.callback(shutil.rmtree, server.scratch, ignore_errors=True)
        servers[name] = Daemons(server)
        stack.callback(servers[name].stop)
    return servers


def run(args, stack):
    servers = start(stack)
    scratch = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pp-kill-")))
    plan, log = scratch / "plan", scratch / "log"
    plan.write_text(json.dumps(make_plan(servers["bob"], args.clients, args.pause)))
    log.touch()
    load = subprocess.Popen([sys.executable, str(HERE / "kill_load.py"), str(plan), str(log)])
    stack.callback(load.kill)
    wait_for(lambda: len(read_log(log)[1]) > args.clients, 300, "the load to begin")

    began = time.monotonic()
    kills = kill_at_random(servers, args.kills, random.Random(args.seed), load)
    took = time.monotonic() - began
    load.send_signal(signal.SIGTERM)
    assert load.wait(300) == 0
    sent, promised, damaged = read_log(log)
    found, wrong = settle_and_fetch(servers)
    wrong += [f"damaged while fetched under load:\n{text}" for text in damaged]
    judge(sent, promised, found, wrong)
    again = judge_copies(found, kills, servers["bob"], wrong)
    for name, server in servers.items():
        wrong += check_and_stop(name, server)
    report(kills, took, sent, promised, found, again)
    return wrong


def report(kills, took, sent, promised, found, again):
    whom = collections.Counter(f"{server}'s {daemon}" for _, server, daemon in kills)
    print(f"{len(kills)} kills in {took:.0f} s:", ", ".join(f"{n} {w}" for w, n in sorted(whom.items())))
    copies = {True: 0, False: 0}
    for (_, user), traces in found.items():
        copies[user in ALICE] += len(traces)
    print(f"{len(sent)} messages sent, {len(promised)} promised; in maildrops {copies[False]} copies "
          f"delivered here and {copies[True]} relayed")
    print(f"{sum(map(len, again.values()))} messages were relayed again after {len(again)} kills, "
          f"at most {max(map(len, again.values()), default=0)} after one")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--pause", type=float, default=0.05, metavar="S",
                        help="most a client waits between messages (default 0.05)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**31))
    args = parser.parse_args()
    print(f"seed {args.seed}", flush=True)
    with contextlib.ExitStack() as stack:
        wrong = run(args, stack)
    for text in wrong[:20]:
        print(f"WRONG: {text}")
    if wrong:
        print(f"{len(wrong)} things are wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
