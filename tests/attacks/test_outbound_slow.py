# SPDX-License-Identifier: MIT
"""A165, A166: servers and a DNS that take their time.
(tests/e2e/test_relay.py and test_internet.py have more of those that say nothing.)"""
import contextlib
import itertools
import signal
import socket
import threading

import pytest

from paper import Paper
from pennypost import wait_for
from remote import HANG, World, queue, queue_is_empty, waiting
from samples import everyday

OWN_SERVER = True
BOB, BEN = "bob@bob.test", "ben@bob.test"
names = itertools.count()


def send(world, *recipients):
    world.bob.submit(BOB, list(recipients), everyday(f"slow-{next(names)}", sender=BOB))


def drip(text):
    """A reply that takes far longer than anybody waits, though there is always an
    octet more."""
    def deed(session, line):
        with contextlib.suppress(OSError):
            for octet in text + b"-" + 10000 * b"x":
                session.sock.sendall(bytes([octet]))
                if session.remote.over.wait(0.3):
                    break
        raise ConnectionError
    return deed


STATES = {"CONNECT": b"220", "EHLO": b"250", "STARTTLS": b"220", "MAIL": b"250", "RCPT": b"250", "DATA": b"354", ".": b"250"}


def tls_never_ends(session, line):
    """An octet of a record of TLS now and then."""
    session.sock.sendall(b"220 go\r\n")
    drip(b"\x16\x03\x03\x3f\xff" + bytes(10000))(session, line)


@pytest.mark.parametrize("how", ["drips", "hangs"])
def test_A166_in_each_state(tmp_path, how):
    """Its time ends whatever it drips; the next server is asked where nothing was
    promised yet; at most five connections; others do not wait."""
    with World({"relay.timeout": "10s", "timeouts.handshake": "10s"}, servers=("bob",)) as w:
        paper = Paper(tmp_path, "x.test").files
        slow, second = {}, {}
        for state, start in [*STATES.items(), ("TLS", None)]:
            domain = f"{state.lower() if state != '.' else 'dot'}.slow.test"
            verb = "STARTTLS" if state == "TLS" else state
            deed = HANG if how == "hangs" and start else tls_never_ends if start is None else drip(start)
            r = slow[domain] = w.remote(domain, {verb: deed}, preference=1)
            r.over = threading.Event()
            if verb == "STARTTLS":
                r.tls = paper
            if state != ".":
                second[domain] = w.remote(domain, preference=2)
        prompt = w.remote("prompt.test")
        try:
            send(w, *[f"x{n}@{domain}" for domain in slow for n in range(3)])
            for n in range(7):
                send(w, *[f"y{n}@{domain}" for domain in slow])
            send(w, "x@prompt.test")
            prompt.got()
            for domain in second:  # where TLS fails and no policy stands, the first may take it too
                servers = [slow[domain], second[domain]] if "tls." in domain else [second[domain]]
                wait_for(lambda: len({a for r in servers for m in r.messages for a in m.recipients}) == 10, 300,
                         f"all for {domain}")
            for n in range(3):
                row = waiting(w.bob, f"x{n}@dot.slow.test", seconds=300)
                assert "timed out" in row["last_reply"], row
            for domain, r in slow.items():
                assert r.most <= 5, domain
                assert not r.messages or "tls." in domain, domain
        finally:
            for r in slow.values():
                r.over.set()


def test_A166_connect():
    """A server that answers no SYN: its queue of connections is full."""
    with World({"relay.timeout": "10s"}, servers=("bob",)) as w:
        far = w.remote()
        far.close()
        deaf = socket.socket()
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        deaf.bind((far.host, w.port))
        deaf.listen(0)
        with contextlib.ExitStack() as stack:
            stack.enter_context(deaf)
            for _ in range(8):
                s = stack.enter_context(socket.socket())
                s.setblocking(False)
                s.connect_ex((far.host, w.port))
            w.mx("deaf.test", far.name, 1)
            second = w.remote("deaf.test", preference=2)
            w.mx("alone.test", far.name)
            send(w, "x@deaf.test", "x@alone.test")
            second.got(seconds=120)
            assert waiting(w.bob, "x@alone.test", seconds=120)["last_code"] == 0


def test_A165_dns_is_down():
    """Mail between people here goes on, and from outside to them; what must be
    looked up waits, and goes when DNS is back."""
    with World(servers=("bob",)) as w:
        far = w.remote("far.test")
        w.dns.process.send_signal(signal.SIGSTOP)
        try:
            send(w, "x@far.test", BEN)
            for n in range(5):
                w.bob.deliver("a@elsewhere.test", [BEN], everyday(f"in-{n}", sender="a@elsewhere.test"))
                send(w, BEN)
            wait_for(lambda: len(w.bob.fetch(BEN)) == 11, 120, "local mail")
            row, = queue(w.bob)
            assert row["recipient"] == "x@far.test" and not far.sessions
            assert waiting(w.bob, "x@far.test", seconds=300)["last_reply"].startswith("4.4.3")
        finally:
            w.dns.process.send_signal(signal.SIGCONT)
        far.got(seconds=120)
        queue_is_empty(w.bob)
        assert w.bob.fetch(BOB) == []


def test_A165_five_days(tmp_path):
    """NXDOMAIN is reported at once; SERVFAIL and REFUSED after five days, no sooner."""
    with World({"test.clock": str(tmp_path / "clock"), "relay.retry_first": "5m", "relay.retry_most": "4h"},
               servers=("bob",)) as w:
        w.behave("servfail.test", "servfail")
        w.behave("refused.test", "refused")
        send(w, "x@nowhere.test", "x@servfail.test", "x@refused.test")
        raw, = wait_for(lambda: w.bob.fetch(BOB, delete=True), what="a report")
        assert b"5.1.2" in raw and b"x@nowhere.test" in raw and b"x@servfail.test" not in raw
        w.bob.advance("119h")
        assert sorted(r["recipient"] for r in queue(w.bob)) == ["x@refused.test", "x@servfail.test"]
        assert not [m for m in w.bob.fetch(BOB) if b"Action: failed" in m]
        w.bob.advance("5h")
        queue_is_empty(w.bob)
        failed = [m for m in w.bob.fetch(BOB) if b"Action: failed" in m]
        assert 1 <= len(failed) <= 2 and all(f"x@{d}.test".encode() in b"".join(failed) for d in ("refused", "servfail"))
