# SPDX-License-Identifier: MIT
"""Many connections that do nothing, or next to nothing, held by one process.

    crowd.py SPEC        SPEC is JSON, see idle.py; on standard output "ready"
                         once all are there, then for each line on standard
                         input one with what is open now

Idle ones are brought to where a user agent would rest (`door' and `rest' below);
slow ones drip: half a handshake and then nothing, a handshake of one octet a
second, or TLS records of one octet a second; one that the server closes is
replaced, for an attacker would do so too.
"""
import collections
import concurrent.futures
import json
import select
import socket
import ssl
import sys
import threading
import time

import measure
from wire import Peer, plain

HELLO_HEAD = bytes.fromhex("16030100c8010000c40303")
THREADS = 12
CLOSED = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR


class Where:
    """A server as Peer wants it."""

    def __init__(self, spec):
        self.host, self.ports, self.ca = spec["host"], spec["ports"], spec["ca"]

    def password(self, _user):
        return "secret"


# ---- where an idle connection rests

def after_ehlo(peer, _user):
    peer.hello()


def after_starttls(peer, _user):
    peer.hello().starttls()


def submitter(peer, user):
    peer.hello()
    assert peer.code(b"AUTH PLAIN " + plain(user, "secret")) == 235


def pop_stranger(peer, _user):
    assert peer.pop(b"CAPA").startswith(b"+OK")
    while peer.line() != b".\r\n":
        pass


def pop_user(peer, user):
    peer.pop_login(user)
    assert peer.pop(b"STAT").startswith(b"+OK")


def idler(peer, user):
    """In IDLE, with INBOX selected."""
    for command in (b"LOGIN %s secret" % user.encode(), b"SELECT INBOX"):
        tag = peer.begin_imap(command).encode()
        while not (line := peer.line()).startswith(tag):
            assert line, "closed"
        assert line.startswith(tag + b" OK"), line
    peer.send(b"i IDLE\r\n")
    while not peer.line().startswith(b"+"):
        pass


def imap_starttls(peer, user):
    peer.imap_ok(b"STARTTLS")
    peer.secure()
    idler(peer, user)


RESTS = {f.__name__: f for f in (after_ehlo, after_starttls, submitter, pop_stranger, pop_user, idler, imap_starttls)}


class Crowd:
    def __init__(self, spec):
        self.spec, self.where = spec, Where(spec)
        self.lock = threading.Lock()
        self.idle, self.slow = {}, {}  # by file number
        self.poll = select.epoll()
        self.counts = collections.Counter()
        self.why = collections.Counter()  # those that did not get where they should
        self.n_slow = 0

    def source(self, n):
        return measure.address(n, self.spec["net"])

    # ---- idle

    def settle(self, n, door, rest):
        try:
            peer = Peer(self.where, door, source=self.source(n), timeout=120)
            # a maildrop is one session's (RFC 1939 s8)
            user = f"pop{self.spec['net']}-{n}" if rest == "pop_user" else f"user{n % self.spec['users']}"
            RESTS[rest](peer, user + "@d.test")
        except (OSError, AssertionError, AttributeError) as e:
            with self.lock:
                self.counts["failed"] += 1
                self.why[f"{door}: {type(e).__name__}: {e}"[:200]] += 1
            return
        with self.lock:
            self.idle[peer.sock.fileno()] = peer
        self.poll.register(peer.sock.fileno(), CLOSED)

    def settle_all(self):
        # the doors mixed, as they would be
        todo = [(door, rest) for door, rest, n in self.spec["idle"] for _ in range(n)]
        step = 7919  # a prime: the n-th of all
        order = [todo[i * step % len(todo)] for i in range(len(todo))] if len(todo) % step else todo
        with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
            for n, (door, rest) in enumerate(order):
                pool.submit(self.settle, n, door, rest)

    # ---- slow

    def begin_slow(self, kind, door):
        self.n_slow += 1
        try:
            if kind == "records":  # it was let in, and then drips
                peer = Peer(self.where, door, source=self.source(20000 + self.n_slow % 12000), timeout=120)
            else:
                peer = Peer(self.where, door, source=self.source(20000 + self.n_slow % 12000), timeout=120, tls=False,
                            greet=False)
                peer.send(HELLO_HEAD)
        except (OSError, AssertionError):
            self.counts["slow refused"] += 1
            return
        peer.sock.setblocking(False)
        peer.kind, peer.door, peer.born = kind, door, time.monotonic()
        self.slow[peer.sock.fileno()] = peer
        self.poll.register(peer.sock.fileno(), CLOSED)

    def begin_all_slow(self):
        for kind, door, n in self.spec["slow"]:
            for _ in range(n):
                self.begin_slow(kind, door)

    def drip(self):
        """An octet from each."""
        for peer in list(self.slow.values()):
            if peer.kind == "silent":
                continue
            try:
                peer.sock.send(b"N")
                self.counts["octets"] += 1
            except (ssl.SSLWantWriteError, BlockingIOError):
                pass
            except OSError:
                self.lose(peer.sock.fileno())

    def lose(self, fd):
        """It was closed."""
        with self.lock:
            peer = self.slow.pop(fd, None) or self.idle.pop(fd, None)
        if peer is None:
            return
        self.poll.unregister(fd)
        peer.sock.close()
        if hasattr(peer, "kind"):
            self.counts["slow closed"] += 1
            self.begin_slow(peer.kind, peer.door)
        else:
            self.counts["idle closed"] += 1

    def look(self):
        for fd, _ in self.poll.poll(0):
            peer = self.slow.get(fd) or self.idle.get(fd)
            if peer is None:
                continue
            try:
                peer.sock.setblocking(False)
                if not peer.sock.recv(4096):
                    self.lose(fd)
            except (ssl.SSLWantReadError, BlockingIOError):
                pass
            except OSError:
                self.lose(fd)

    # ---- life

    def live(self, stop):
        while not stop.wait(1):
            self.look()
            self.drip()

    def told(self):
        return json.dumps({"idle": len(self.idle), "slow": len(self.slow), "why": dict(self.why.most_common(5)),
                           **{k.replace(" ", "_"): v for k, v in self.counts.items()}})


def main():
    measure.raise_file_limit()
    crowd = Crowd(json.loads(sys.argv[1]))
    crowd.settle_all()
    print("settled", flush=True)
    sys.stdin.readline()
    crowd.begin_all_slow()
    print("ready", flush=True)
    stop = threading.Event()
    living = threading.Thread(target=crowd.live, args=(stop,))
    living.start()
    for _ in sys.stdin:
        print(crowd.told(), flush=True)
    stop.set()
    living.join()


if __name__ == "__main__":
    main()
