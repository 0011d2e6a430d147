# SPDX-License-Identifier: MIT
"""Slow readers and slow writers at every door, many at once: is memory bounded,
is nobody else held up, and are they closed when their time is over?

The waits are set short, so that the end can be seen; each kind of slowness has
its turn with a hundred of its own, and somebody real beside them.
"""
import contextlib
import os
import select
import socket
import ssl
import time

import measure
from idle import LETTER, ME, RealClient
from measure import DAEMONS, Times, say
from pennypost import Server
from remote import free_port
from wire import Peer

WAITS = {"timeouts.smtp_command": "8s", "timeouts.smtp_data": "12s", "timeouts.pop3_idle": "8s",
         "timeouts.imap_idle": "8s", "timeouts.stall": "8s", "timeouts.handshake": "5s"}
DUE_S = 70  # all of them with time for a slow machine; IMAP strangers have 60
LARGE = (b"From: <a@remote.test>\r\nSubject: large\r\nMessage-ID: <large@remote.test>\r\n\r\n"
         + (b"0123456789abcdef" * 4 + b"\r\n") * 60000)  # 4 MB
EACH_MOST_KIB = 4096 if measure.SANITIZED else 1024  # for one of them: buffers, TLS, a message being unpacked
SPARE_MIB = 512 if measure.SANITIZED else 48  # what the real client's work may add, and pieces in the heap


class Slow:
    """One slow connection: fds, and what it does each time the clock ticks."""

    def __init__(self, peer, drip=None):
        self.sock = peer.sock if isinstance(peer, Peer) else peer
        self.drip = drip
        self.sock.setblocking(False)

    def tick(self):
        """False once it was closed.  One that does not read does not see its end,
        which is behind what it has not read: the daemon's files tell."""
        try:
            if self.drip:
                self.sock.send(self.drip)
        except (BlockingIOError, ssl.SSLWantWriteError):
            pass
        except OSError:
            return False
        poll = select.poll()
        poll.register(self.sock, select.POLLRDHUP | select.POLLHUP | select.POLLERR)
        return not poll.poll(0)

    def close(self):
        self.sock.close()


def big(n):
    """Somebody with a large message."""
    return b"big%d@d.test" % n


def smtp_data(server, _n):
    peer = Peer(server, "smtp").hello().begin()
    peer.send(LETTER)
    return Slow(peer, b"x")


def smtp_bdat(server, _n):
    peer = Peer(server, "smtp").hello()
    peer.code(b"MAIL FROM:<a@remote.test>")
    peer.code(b"RCPT TO:<" + ME.encode() + b">")
    peer.send(b"BDAT 1000000\r\n")
    return Slow(peer, b"x")


def smtp_command(server, _n):
    return Slow(Peer(server, "smtp"), b"N")


def smtp_replies(server, _n):
    """Asks and asks, and reads nothing."""
    peer = Peer(server, "smtp", rcvbuf=4096)
    peer.sock.settimeout(2)
    with contextlib.suppress(OSError):
        peer.send(b"EHLO c.test\r\n" + b"MAIL FROM:<a@remote.test>\r\n" + b"RCPT TO:<me@d.test>\r\n" * 200000)
    return Slow(peer)


def pop3_retr(server, n):
    peer = Peer(server, "pop3s", rcvbuf=4096)
    assert peer.pop(b"USER %s" % big(n)).startswith(b"+OK")
    assert peer.pop(b"PASS secret").startswith(b"+OK")
    peer.send(b"RETR 1\r\n" * 50)
    return Slow(peer)


def pop3_command(server, _n):
    return Slow(Peer(server, "pop3"), b"S")


def imap_fetch(server, n):
    peer = Peer(server, "imaps", rcvbuf=4096)
    peer.imap_ok(b"LOGIN %s secret" % big(n))
    peer.imap_ok(b"SELECT INBOX")
    peer.send(b"f UID FETCH 1:* (BODY.PEEK[])\r\n" * 50)
    return Slow(peer)


def imap_append(server, n):
    peer = Peer(server, "imaps")
    peer.imap_ok(b"LOGIN %s secret" % big(n))
    peer.send(b"p APPEND INBOX {1000000+}\r\nSubject: never\r\n\r\n")
    return Slow(peer, b"x")


def imap_command(server, _n):
    return Slow(Peer(server, "imap"), b"a")


def raw(server, door, source=None):
    sock = socket.socket()
    sock.connect((server.host, server.ports[door]))
    return sock


def handshake(server, n):
    """A ClientHello, an octet at a time."""
    sock = raw(server, ("submissions", "pop3s", "imaps")[n % 3])
    sock.send(bytes.fromhex("16030100c8010000c40303"))
    return Slow(sock, b"x")


def records(server, n):
    """A command in records of one octet."""
    door, letter = (("submissions", b"N"), ("pop3s", b"S"), ("imaps", b"a"))[n % 3]
    return Slow(Peer(server, door), letter)


def inside(name):
    def begin(server, _n):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(os.path.join(os.path.dirname(server.ready["control"]), name))
        sock.send(b'{"op":')
        return Slow(sock, b"x")
    return begin


def metrics(server, _n):
    sock = socket.create_connection(("127.0.0.1", server.metrics_port), 60)
    sock.send(b"GET /metrics HTTP/1.1\r\nX: ")
    return Slow(sock, b"x")


# what, how it begins, whether it must be closed: our own processes may be as slow
# as they like
KINDS = [("SMTP: DATA dripping", smtp_data, True), ("SMTP: BDAT dripping", smtp_bdat, True),
         ("SMTP: a command dripping", smtp_command, True), ("SMTP: replies not read", smtp_replies, True),
         ("POP3: RETR not read", pop3_retr, True), ("POP3: a command dripping", pop3_command, True),
         ("IMAP: FETCH not read", imap_fetch, True), ("IMAP: APPEND dripping", imap_append, True),
         ("IMAP: a command dripping", imap_command, True), ("TLS: handshake dripping", handshake, True),
         ("TLS: records of one octet", records, True), ("control.sock dripping", inside("control.sock"), False),
         ("auth.sock dripping", inside("auth.sock"), False), ("figures: request dripping", metrics, True)]


def open_files(server):
    return sum(measure.descriptors(pid) or 0 for pid in server.pids().values())


def begin_all(server, begin, many):
    found, refused = [], 0
    for n in range(many):
        try:
            found.append(begin(server, n))
        except (OSError, AssertionError):
            refused += 1
    return found, refused


def still_there(server, slow, files):
    """Whom the server has not closed.  Of those who do not read it is only known how
    many they are: they have the files that are open and nobody else's."""
    drippers = [s for s in slow if s.drip and s.tick()]
    readers = [s for s in slow if not s.drip]
    if readers:
        readers = readers[:max(0, open_files(server) - files - len(drippers))]
    return drippers + readers


def some_of_all(server, n):
    """Of each kind that must end, in turn."""
    kinds = [begin for _, begin, must_end in KINDS if must_end]
    return kinds[n % len(kinds)](server, n)


def one_kind(server, times, what, begin, must_end, many, seconds):
    before = {d: measure.memory_kib(pid)[0] for d, pid in server.pids().items()}
    files = open_files(server)
    start = time.monotonic()
    everyone, refused = begin_all(server, begin, many)
    begun, peak, left = time.monotonic(), dict(before), list(everyone)
    own = Times()
    client = RealClient(server, own, "beside slow ones")
    while left and time.monotonic() - begun < (DUE_S if must_end else seconds):
        left = still_there(server, left, files)
        for d, pid in server.pids().items():
            peak[d] = max(peak[d], measure.memory_kib(pid)[0])
        if len(own.taken.get("all", [])) < 3 or time.monotonic() - begun < seconds:
            own.time("all", client.act)
        time.sleep(0.2)
    took = time.monotonic() - begun
    for s in everyone:
        s.close()
    worst = max(max(t) for t in own.taken.values())
    for name, taken in own.taken.items():
        for t in taken:
            if name != "all":
                times.add(name, t)
    return {"what": what, "held": len(everyone), "refused": refused, "left": len(left), "must_end": must_end,
            "begun_s": round(begun - start, 1), "closed_after_s": round(took, 1), "worst_ms": round(1000 * worst),
            "grew_kib": {d: peak[d] - before[d] for d in DAEMONS}}


def judge(kind):
    if kind["held"] == 0 and kind["must_end"]:
        yield f"{kind['what']}: none was let in"
    if kind["must_end"] and kind["left"]:
        yield f"{kind['what']}: {kind['left']} of {kind['held']} were never closed"
    for daemon, kib in kind["grew_kib"].items():
        if kib > kind["held"] * EACH_MOST_KIB + SPARE_MIB * 1024:
            yield f"{kind['what']}: {daemon} grew by {kib // 1024} MiB"


def run(args):
    kinds_wanted = [("all of them at once", some_of_all, True)] if args.quick else KINDS
    many = 48 if args.quick else 100
    times = Times()
    metrics_port = free_port("127.0.0.1")
    settings = {**WAITS, "limits.connections_per_address": 5000, "limits.connections_per_account": 5000,
                "metrics.listen": f"127.0.0.1:{metrics_port}", "limits.message_size": "20M"}
    kinds = []
    with Server(users={}, accept_any=True, settings=settings, asan=measure.ASAN) as server:
        server.metrics_port = metrics_port
        log = measure.LogReader(server)
        for n in range(0, many, 50):
            server.deliver("a@remote.test", [big(k).decode() for k in range(n, min(many, n + 50))], LARGE)
        RealClient(server, times, "alone").go_on(1)
        before = measure.look(server)
        for what, begin, must_end in kinds_wanted:
            kinds.append(one_kind(server, times, what, begin, must_end, many, args.seconds))
            say(f"{what}: {kinds[-1]}")
        end = time.monotonic() + 60
        while time.monotonic() < end:
            after = measure.look(server)
            if all((after[d]["files"] or 0) <= (before[d]["files"] or 0) + 8 for d in DAEMONS):
                break
            time.sleep(0.5)
        log.read()
    table = times.table()
    report = {"kinds": kinds, "times": table, "waits": WAITS,
              "files": {d: [before[d]["files"], after[d]["files"]] for d in DAEMONS}}
    report["complaints"] = [f"log: {line}" for line in log.bad] + [c for kind in kinds for c in judge(kind)]
    report["complaints"] += [f"{d} keeps files open: {n}" for d, n in report["files"].items() if n[0] and n[1] > n[0] + 8]
    report["good"] = not report["complaints"]
    return report


def show(report):
    print(f"\nslow: {report['kinds'][0]['held']} of each kind; waits "
          + ", ".join(f"{k.split('.')[1]} {v}" for k, v in report["waits"].items()))
    print(f"  {'':<28}{'held':>6}{'left':>6}{'closed after s':>16}   worst ms beside   KiB each that smtpd, maild, popd grew by")
    for k in report["kinds"]:
        each = ", ".join(f"{k['grew_kib'][d] / max(1, k['held']):.0f}" for d in DAEMONS)
        print(f"  {k['what']:<28}{k['held']:>6}{k['left']:>6}{k['closed_after_s'] if k['must_end'] else '-':>16}"
              f"{k['worst_ms']:>17}   {each}")
    measure.print_times("a real client beside them", report["times"])
