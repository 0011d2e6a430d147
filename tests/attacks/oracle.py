# SPDX-License-Identifier: MIT
"""What must hold after every case, whatever the peer did.

G1 every port greets a new connection at once
G2 memory is back to what it was, and never was far above
G3 the same processes, no sanitizer report; at the end, exit status 0
G4 SQLite and the store's own checker find nothing wrong
G5 every line of the log is one printable event, without a password
G6 nothing delivered, queued or connected to but what the case says
G7 as many file descriptors as before
G8 little CPU, and another session's NOOP is answered soon all the while

The figures are those of a release build, for a machine that has nothing else
to do; a build with sanitizers gets more memory, since it needs it for itself,
and as much time as the slowest machine wants: there a wait shows only that
somebody is kept out.
"""
import base64
import json
import os
import pathlib
import re
import resource
import sqlite3
import subprocess
import sys
import time

from pennypost import BIN, cpu_s
from wire import Peer

SANITIZED = b"__asan_init" in (BIN / "smtpd").read_bytes()
GREETING_S = 30.0 if SANITIZED else 1.0
REST_MIB = 64 if SANITIZED else 16  # freed memory stays in ASan's quarantine
PEAK_SPARE_MIB = 96 if SANITIZED else 0
HASHES_MIB = 40  # maild checks two passwords at a time, of 19 MiB each
CPU_FACTOR = 8 if SANITIZED else 1
NOOP_S = 30.0 if SANITIZED else 0.25
LINE = re.compile(r"(<[3467]>)?(smtpd|maild|popd|mailctl): [\x20-\x7e]+")
CANARY = pathlib.Path(__file__).with_name("canary.py")


class Case:
    """What a test says it does; all else must stay as it was."""

    def __init__(self):
        self.delivered = 0  # messages more, over all mailboxes
        self.queued = 0  # recipients more
        self.connected = 0  # connections to the stub MX, at most
        self.peak_mib = 32
        self.rest_mib = None  # what may be kept, once, because of pieces in the heap; None: the rule
        self.cpu_s = 2.0
        self.noop_s = None  # longest wait of the other session, None: the rule
        self.restarts = False  # the daemons are not the same afterwards
        self.any_mail = False  # the test counts by itself


def proc(pid, file):
    return pathlib.Path(f"/proc/{pid}/{file}").read_text()


def memory_kib(pid, what):
    return int(re.search(rf"{what}:\s+(\d+) kB", proc(pid, "status")).group(1))


def descriptors(pid):
    """Files and TCP sockets.  Unix sockets are not counted: the daemons keep
    their connections to each other, 128 of them at most (net/ipc.h).  Nor is the
    index of texts, which each reader of the store opens when it first asks."""
    rows = pathlib.Path("/proc/net/unix").read_text().splitlines()[1:]
    ours = {f"socket:[{row.split()[6]}]" for row in rows}
    count = 0
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            name = os.readlink(f"/proc/{pid}/fd/{fd}")
            count += name not in ours and "/search.db" not in name
        except FileNotFoundError:
            pass
    return count


class Oracle:
    def __init__(self, server, mx=None):
        self.server, self.mx = server, mx
        self.log_at = 0
        self.secrets = set()
        for user, password in server.users.items():
            self.secrets |= {password, base64.b64encode(password.encode()).decode(),
                             base64.b64encode(f"\0{user}\0{password}".encode()).decode()}
        self.canary = subprocess.Popen(
            [sys.executable, str(CANARY), server.host, json.dumps(server.ports), server.ca,
             "canary@d.test", server.password("canary@d.test")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.canary.stdout.readline() == "ready\n"
        self.pids = server.pids()
        assert set(self.pids) == {"smtpd", "maild", "popd"}
        self.rest_kib = {}
        self.files = {}
        self.look()

    def close(self):
        if self.canary.poll() is None:
            self.canary.stdin.close()
            self.canary.wait(60)
        self.canary.stdout.close()

    # ---- the store, read only

    def query(self, sql, *values):
        db = sqlite3.connect(f"file:{self.server.dir}/store/mail.db?mode=ro", uri=True, timeout=60)
        try:
            return db.execute(sql, values).fetchall()
        finally:
            db.close()

    def messages(self, user=None):
        """How many messages are in this mailbox, or in all: notes of what waits come and go."""
        where = "" if user is None else " AND login = ?"
        return self.query("SELECT count(*) FROM message m JOIN mailbox b ON b.id = m.mailbox"
                          " JOIN account a ON a.id = b.account WHERE b.name <> 'Pending'" + where,
                          *([] if user is None else [user]))[0][0]

    def waiting(self):
        return self.query("SELECT count(*) FROM recipient")[0][0]

    # ---- before and after

    def look(self):
        for name, pid in self.pids.items():
            self.rest_kib[name] = memory_kib(pid, "VmRSS")
            self.files[name] = descriptors(pid)

    def begin(self):
        self.mail = self.messages()
        self.queue = self.waiting()
        self.links = self.mx.connections if self.mx else 0
        self.cpu = {name: cpu_s(pid) for name, pid in self.pids.items()}
        for pid in self.pids.values():
            pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")  # VmHWM anew
        self.noop_latency()

    def noop_latency(self):
        self.canary.stdin.write("?\n")
        self.canary.stdin.flush()
        return float(self.canary.stdout.readline())

    def check(self, case):
        self.greets()
        self.same_processes()
        self.used_little(case)
        self.store_is_whole()
        self.log_is_clean()
        self.nothing_moved(case)
        self.files_are_closed()

    def greets(self):
        for service in ("smtp", "submission", "submissions", "pop3", "pop3s", "imap", "imaps"):
            start = time.monotonic()
            with Peer(self.server, service) as peer:
                took = time.monotonic() - start
                assert peer.greeting.startswith((b"220 ", b"+OK ", b"* OK ")), (service, peer.greeting)
            assert took < GREETING_S, f"G1: {service} greeted after {took:.2f} s"

    def same_processes(self):
        assert not self.server.reports(), self.server.reports()
        assert self.server.pids() == self.pids, "G3: not the same processes"

    def used_little(self, case):
        latency = self.noop_latency()
        assert latency < max(NOOP_S, case.noop_s or 0), f"G8: NOOP took {latency:.2f} s"
        for name, pid in self.pids.items():
            took = cpu_s(pid) - self.cpu[name]
            assert took <= case.cpu_s * CPU_FACTOR, f"G8: {name} took {took:.1f} s of CPU"
            peak = (memory_kib(pid, "VmHWM") - self.rest_kib[name]) / 1024
            room = case.peak_mib + PEAK_SPARE_MIB + (HASHES_MIB if name == "maild" else 0)
            assert peak <= room, f"G2: {name} peak +{peak:.0f} MiB"
            rest = self.rest_kib[name] + max(REST_MIB, case.rest_mib or 0) * 1024
            self.soon(lambda: memory_kib(pid, "VmRSS") <= rest,
                      f"G2: {name} keeps its memory")
        if case.rest_mib:
            self.look()

    def store_is_whole(self):
        assert self.query("PRAGMA integrity_check") == [("ok",)]
        told = self.server.ctl("check", "--json", check=False)
        bad = [f for f in told["findings"] if not f["ok"] and f["area"] == "store"]
        assert not bad, f"G4: {bad}"

    def log_is_clean(self):
        with open(self.server.scratch / "log", "rb") as log:
            log.seek(self.log_at)
            text = log.read()
        text = text[:text.rfind(b"\n") + 1]
        self.log_at += len(text)
        for line in text.decode("latin-1").split("\n")[:-1]:
            assert LINE.fullmatch(line), f"G5: {line!r}"
            assert not any(s in line for s in self.secrets), f"G5: a password: {line!r}"

    def nothing_moved(self, case):
        links = (self.mx.connections if self.mx else 0) - self.links
        assert links <= case.connected, f"G6: {links} connections out"
        if case.any_mail:
            return
        assert self.messages() - self.mail == case.delivered, "G6: delivered"
        self.soon(lambda: self.waiting() - self.queue == case.queued, "G6: queued")

    def files_are_closed(self):
        for name, pid in self.pids.items():
            self.soon(lambda: descriptors(pid) <= self.files[name] + 1,  # the canary's
                      f"G7: {name} keeps files open")

    @staticmethod
    def soon(condition, what, seconds=30):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, what
            time.sleep(0.05)


def raise_file_limit():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
