# SPDX-License-Identifier: MIT
"""maild's figures for Prometheus: over the control socket and over HTTP on
loopback, and what the little door does with those who are no Prometheus."""
import contextlib
import re
import socket
import subprocess
import urllib.error
import urllib.request

import pytest

from pennypost import BIN, Server, StubDns, wait_for
from remote import Remote, free_port

LETTER = b"From: bob@d.test\r\nTo: zoe@remote.test\r\nSubject: figures\r\n\r\nHello.\r\n"


def parse(text):
    """{name: value} of the text format, each with its HELP and TYPE before it."""
    found = {}
    for help_line, type_line, sample in zip(*[iter(text.strip().split("\n"))] * 3):
        name, value = sample.split(" ")
        assert help_line.startswith(f"# HELP {name} ") and help_line.endswith(".")
        assert type_line in (f"# TYPE {name} counter", f"# TYPE {name} gauge")
        assert type_line.endswith("counter") == name.endswith("_total")
        assert re.fullmatch(r"pennypost_[a-z0-9_]+", name)
        found[name] = float(value)
    return found


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    port, mail_port = free_port(), free_port()
    remote = Remote("127.0.0.1", mail_port)
    zone = [["remote.test", "MX", "10 mx.remote.test."], ["mx.remote.test", "A", "127.0.0.1"]]
    with StubDns(zone) as dns, Server(dns=dns.forward, settings={
            "relay.port": mail_port, "relay.local_addresses": "yes",
            "metrics.listen": f"127.0.0.1:{port}"}) as server:
        server.metrics = f"http://127.0.0.1:{port}/metrics"
        server.metrics_port = port
        yield server, remote


def scrape(server):
    with urllib.request.urlopen(server.metrics, timeout=60) as got:
        assert got.status == 200
        assert got.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        return parse(got.read().decode())


def test_what_happens_is_counted(world):
    server, remote = world
    before = scrape(server)
    assert before["pennypost_accounts"] == len(server.users)
    server.submit("bob@d.test", ["zoe@remote.test", "alice@d.test"], LETTER)
    remote.got(1)
    after = wait_for(lambda: (f := scrape(server))["pennypost_relay_relayed_total"] >
                     before["pennypost_relay_relayed_total"] and f, what="the counter")
    assert after["pennypost_relay_connections_total"] > before["pennypost_relay_connections_total"]
    assert after["pennypost_auth_logins_total"] > before["pennypost_auth_logins_total"]
    assert after["pennypost_messages"] == before["pennypost_messages"] + 1
    assert after["pennypost_queue_waiting"] == 0
    client = server.imap("bob@d.test", login=False)
    with pytest.raises(client.error):
        client.login("bob@d.test", "wrong")
    assert scrape(server)["pennypost_auth_failures_total"] > after["pennypost_auth_failures_total"]


def test_control_socket_says_the_same(world):
    server, _ = world
    shown = parse(server.ctl("metrics").stdout)
    assert shown.keys() == scrape(server).keys()
    assert shown["pennypost_accounts"] == len(server.users)


@pytest.mark.parametrize("path, method, status", [
    ("/", "GET", 404), ("/metrics/..", "GET", 404), ("/metrics", "POST", 405), ("/metrics", "DELETE", 405)])
def test_nothing_else_is_served(world, path, method, status):
    server, _ = world
    request = urllib.request.Request(server.metrics[:-len("/metrics")] + path, method=method)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=60)
    assert caught.value.code == status


@pytest.mark.parametrize("octets, status", [
    (b"\x00\xff\r\n\r\n", b"400"), (b"GET\r\n\r\n", b"400"), (b"GET /metrics\r\n\r\n", b"400"),
    (b"GET /metrics HTTP/1.1\r\nX: " + b"a" * 20000, b"431"), (b"a" * 20000, b"431")])
def test_strangers(world, octets, status):
    server, _ = world
    with socket.create_connection(("127.0.0.1", server.metrics_port), 60) as s:
        with contextlib.suppress(OSError):
            s.sendall(octets)
        reply = b""
        with contextlib.suppress(ConnectionResetError):
            while got := s.recv(65536):
                reply += got
        assert reply.startswith(b"HTTP/1.1 " + status + b" "), reply[:100]


def test_many_who_say_nothing(world):
    """Sixteen at once, and the next is let go at once; when they leave there is room."""
    server, _ = world
    idle = [socket.create_connection(("127.0.0.1", server.metrics_port), 60) for _ in range(16)]
    with socket.create_connection(("127.0.0.1", server.metrics_port), 60) as s:
        with contextlib.suppress(ConnectionResetError):
            assert s.recv(1) == b""
    for s in idle:
        s.close()

    def again():
        with contextlib.suppress(OSError):
            return scrape(server)
    assert wait_for(again, what="room")


def test_only_on_loopback(tmp_path):
    conf = tmp_path / "pennypost.conf"
    with Server(users={"bob@d.test": "secret"}) as server:
        text = (server.dir / "pennypost.conf").read_text()
        conf.write_text(text + "\n[metrics]\nlisten = 192.0.2.1:9090\n")
        got = subprocess.run([BIN / "maild", "-c", conf], capture_output=True, text=True, timeout=60)
        assert got.returncode != 0
        assert "pennypost.conf:" in got.stderr and "loopback" in got.stderr
