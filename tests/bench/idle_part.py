# SPDX-License-Identifier: MIT
"""What sessions cost that wait, how soon they are told, and logins."""
import contextlib
import json
import pathlib
import select
import shutil
import socket
import ssl
import subprocess
import time

import imap
import imap_peers
import servers
from run import say
from scenario import Scenario

ACCOUNT_SESSIONS = 10  # of one account
LOGINS, USERS = 10, 40


def idle(many, tls, quick=False):
    kind = "tls" if tls else "plain"
    return Scenario(f"idle_{kind}_{many}", "idle", f"an IMAP session in IDLE, {many:,} of them, {'TLS' if tls else 'no TLS'}",
                    "KiB", more=False, quick=quick, what={"many": many, "tls": tls, "act": "idle"})


SCENARIOS = [
    idle(200, True, quick=True), idle(1000, False), idle(1000, True), idle(5000, False),
    idle(5000, True), idle(10000, False), idle(10000, True),
    Scenario("push_5000", "idle", "APPEND until EXISTS at 5,000 idle sessions, p50 of the account's ten", "ms", more=False,
             what={"many": 5000, "tls": False, "act": "push"}),
    Scenario("idle_pop3s", "idle", "a POP3 session after STAT, 1,000 of them, TLS", "KiB", more=False,
             what={"many": 1000, "service": "pop3s", "act": "idle_other"}),
    Scenario("idle_submissions", "idle", "a submission session after AUTH, 1,000 of them, TLS", "KiB", more=False,
             what={"many": 1000, "service": "submissions", "act": "idle_other"}),
    Scenario("login_first", "login", "LOGIN and LOGOUT, 10 clients, each account's first", "logins/s", quick=True,
             what={"act": "login", "first": True}),
    Scenario("login_again", "login", "LOGIN and LOGOUT, 10 clients, again and again", "logins/s", quick=True,
             what={"act": "login", "first": False}),
]


# ---- servers

class Ours(servers.Measured, imap_peers.PennyPost):
    """With accounts that have a password, hashed as they are."""
    durable, quiet_s = True, servers.PennyPost.quiet_s

    def __init__(self, binaries, users=0):
        super().__init__(binaries)
        self.users = users

    def start(self, dir):
        self.OPTIONS = [*servers.PennyPost.OPTIONS]
        for n in range(self.users):
            self.OPTIONS += ["--user", f"user{n}@d.test:secret"]
        imap_peers.PennyPost.start(self, dir)
        del self.cpu_s, self.pss_kib  # of Measured
        self.roots = [self.process.pid]


class Dovecot(servers.Measured, imap_peers.Dovecot):
    durable = True

    def start(self, dir):
        imap_peers.Dovecot.start(self, dir)
        del self.cpu_s, self.pss_kib
        self.roots = [self.process.pid]


def those(bench, them, act, many):
    """What is started for it; the peer of user agents is Dovecot."""
    found = [Ours(pathlib.Path(bench.build) / "bin", USERS if act == "login" else 0)]
    if act == "idle_other" or not any(s.key == "postfix-dovecot-mdbox" for s in them):
        return found
    if act == "login":
        return found + [Dovecot("mdbox")]
    # a process each for ten thousand sessions tells no more than for one thousand
    plain = [Dovecot("mdbox", own_uids=many // ACCOUNT_SESSIONS)] if many <= 1000 else []
    return found + plain + [Dovecot("mdbox", 2, many // ACCOUNT_SESSIONS)]


# ---- what is done

class Crowd:
    """idle_load, and what its sessions are told."""

    def __init__(self, bench, server, what):
        self.accounts = max(1, what["many"] // ACCOUNT_SESSIONS)
        port = server.tls_port if what["tls"] else server.port
        self.process = subprocess.Popen(
            [bench.tool("idle_load"), "-n", str(what["many"]), "-a", str(self.accounts), "-o", "16",
             *(["-T"] if what["tls"] else []), f"127.0.0.1:{port}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(self.process.stderr.read().decode())
        self.opened = json.loads(line)
        self.lines = b""

    def told(self, account, count, sessions, seconds=60):
        """When each of the account's sessions was told so, in seconds."""
        end, times = time.monotonic() + seconds, []
        while len(times) < sessions:
            if not select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))[0]:
                raise RuntimeError(f"{sessions - len(times)} of {sessions} sessions were not told")
            more = self.process.stdout.read1(65536)
            if not more:
                raise RuntimeError(self.process.stderr.read().decode())
            *whole, self.lines = (self.lines + more).split(b"\n")
            for number, there, at in (map(int, line.split()) for line in whole):
                if (number, there) == (account, count):
                    times.append(at / 1e6)
        return times

    def close(self):
        self.process.stdin.close()
        self.process.wait(120)
        self.process.stdout.close()
        self.process.stderr.close()


def measure_idle(bench, server, scenario):
    what = scenario.what
    before, processes = server.pss_kib(), server.processes()
    cpu = server.cpu_s()
    with contextlib.closing(Crowd(bench, server, what)) as crowd:
        time.sleep(getattr(server, "hibernate_s", 0) + 1)
        server.rest()
        after = server.pss_kib()
        opened = server.cpu_s() - cpu
        return {"value": (after - before) / what["many"], "kib_before": before, "kib_after": after,
                "processes_before": processes, "processes": server.processes(), "opened_per_second": crowd.opened["per_second"],
                "opening_cpu_s": opened}


LETTER = b"From: a@remote.test\r\nSubject: now\r\n\r\nsomething new\r\n"


def percentile(values, p):
    return sorted(values)[int((len(values) - 1) * p / 100)]


def measure_push(bench, server, scenario):
    what, times = scenario.what, []
    with contextlib.closing(Crowd(bench, server, what)) as crowd:
        time.sleep(getattr(server, "hibernate_s", 0) + 1)
        server.rest()
        for n in range(20 if bench.quick else 200):
            account = n * 7 % crowd.accounts
            with contextlib.closing(imap.Client(server.port, f"user{account}@d.test")) as client:
                client.socket.sendall(b"b APPEND INBOX {%d}\r\n" % len(LETTER))
                client.expect(b"+")
                began = time.monotonic()
                client.socket.sendall(LETTER + b"\r\n")
                client.expect(b"b OK")
                count = n // crowd.accounts + 1
                times += [(t - began) * 1000 for t in crowd.told(account, count, ACCOUNT_SESSIONS)]
    return {"value": percentile(times, 50), "p50_ms": percentile(times, 50), "p99_ms": percentile(times, 99),
            "told": len(times)}


def measure_login(bench, server, scenario):
    """The first logins of so many accounts after the server began; then for the
    seconds of a load, when all have been there."""
    first = bench.call("idle_load", "-l", "-n", USERS, "-a", USERS, "-o", LOGINS, f"127.0.0.1:{server.port}")
    if scenario.what["first"]:
        return {"value": first["per_second"], "p50_ms": first["p50_ms"], "p99_ms": first["p99_ms"]}
    cpu = server.cpu_s()
    many = 500
    while True:  # so many that they take long enough
        run = bench.call("idle_load", "-l", "-n", many, "-a", USERS, "-o", LOGINS, f"127.0.0.1:{server.port}")
        if run["seconds"] > bench.seconds / 2:
            break
        many, cpu = many * 4, server.cpu_s()
    return {"value": run["per_second"], "p50_ms": run["p50_ms"], "p99_ms": run["p99_ms"],
            "cpu_ms": (server.cpu_s() - cpu) * 1000 / many}


class OtherUser:
    """A user agent that has logged in under TLS, and is quiet."""

    def __init__(self, server, service, number):
        context = ssl.create_default_context(cafile=server.ready["ca"])
        plain = socket.create_connection(("127.0.0.1", server.ports[service]), 30)
        self.socket = context.wrap_socket(plain, server_hostname="127.0.0.1")
        self.file = self.socket.makefile("rb")
        {"pop3s": self.pop3, "submissions": self.submission}[service](f"idle{number}@d.test")

    def ask(self, command, hoped):
        if command:
            self.socket.sendall(command.encode() + b"\r\n")
        line = self.file.readline()
        while line[3:4] == b"-" and line[:1].isdigit():
            line = self.file.readline()
        if not line.startswith(hoped):
            raise RuntimeError(f"{command}: {line}")

    def pop3(self, user):
        for command in (None, f"USER {user}", "PASS secret", "STAT"):
            self.ask(command, b"+OK")

    def submission(self, user):
        import base64
        plain = base64.b64encode(f"\0{user}\0secret".encode()).decode()
        self.ask(None, b"220")
        self.ask("EHLO c.test", b"250")
        self.ask(f"AUTH PLAIN {plain}", b"235")

    def close(self):
        self.file.close()
        self.socket.close()


def measure_other(bench, server, scenario):
    many, service = scenario.what["many"], scenario.what["service"]
    with contextlib.ExitStack() as stack:
        for number in range(10):  # the first few pay for what is made once
            stack.enter_context(contextlib.closing(OtherUser(server, service, number)))
        before = server.pss_kib()
        for number in range(10, 10 + many):
            stack.enter_context(contextlib.closing(OtherUser(server, service, number)))
        server.rest()
        return {"value": (server.pss_kib() - before) / many, "kib_before": before}


ACTS = {"idle": measure_idle, "push": measure_push, "idle_other": measure_other, "login": measure_login}


def one(bench, server, scenario):
    where = bench.room()
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, where, ignore_errors=True)
        server.start(where)
        stack.callback(server.stop)
        server.rest()
        return ACTS[scenario.what["act"]](bench, server, scenario)


def round(bench, them, number, scenarios):
    """A server begins anew for each of these: nothing of another is measured."""
    for scenario in scenarios:
        some = those(bench, them, scenario.what["act"], scenario.what.get("many", 0))
        for i in range(len(some)):
            server = some[(i + number) % len(some)]
            say(f"round {number + 1}/{bench.rounds}: {scenario.name}: {server.name}")
            bench.run(scenario, server, one)
