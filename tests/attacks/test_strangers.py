# SPDX-License-Identifier: MIT
"""What stands before a message: PROXY headers (A049), slow answers (A045), and
peers that leave while questions about them are under way."""
import contextlib
import random
import socket
import struct
import time

PROXY = "127.0.0.9"
LISTED, DEAF = "198.18.20.1", "198.18.21."
SETTINGS = {
    "policy.proxies": PROXY, "policy.greylist": "no", "policy.dnsbl": "bl.test=10",
    "smtp.greet_delay": "0s", "policy.connection_rate": 100000,
    "records": [["remote.test", "MX", "10 mx.remote.test."], ["mx.remote.test", "A", "127.0.0.11"],
                ["1.20.18.198.bl.test", "A", "127.0.0.2"]],
    "behaviours": {f"{n}.21.18.198.in-addr.arpa": "drop" for n in range(8)},
}
COMMANDS = b"EHLO c.test\r\nMAIL FROM:<a@remote.test>\r\nRCPT TO:<alice@d.test>\r\n"


def connect(world, source=PROXY):
    return socket.create_connection((world.server.host, world.server.ports["smtp"]), 60, (source, 0))


def header(ip):
    return f"PROXY TCP4 {ip} 127.0.0.1 4711 25\r\n".encode()


def read_lines(s, n):
    said = b""
    while said.count(b"\n") < n:
        got = s.recv(4096)
        if not got:
            break
        said += got
    return said


def reset(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def test_A049_proxy_header_of_a_stranger(world):
    for text in (b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n",
                 b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\x01\x02\x03\x04\x05\x06\x07\x08\x00\x01\x00\x02"):
        with connect(world, "127.0.0.40") as s:
            s.sendall(text)
            said = read_lines(s, 2).split(b"\r\n")
            assert said[0].startswith(b"220 ") and said[1].startswith(b"500 ")
    assert "1.2.3.4" not in world.server.log_text()


def test_A049_garbage_from_the_proxy(world):
    """Whatever it is, it is a header, or the end."""
    rand = random.Random(49)
    good = [b"PROXY TCP4 198.18.22.1 127.0.0.1 4711 25\r\n", b"PROXY UNKNOWN\r\n",
            b"PROXY TCP6 2a00:1450::1 ::1 4711 25\r\n",
            b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc6\x12\x16\x02\x7f\x00\x00\x01\x12\x34\x00\x19"]
    for _ in range(200):
        text = bytearray(rand.choice(good))
        for _ in range(rand.randrange(4)):
            text[rand.randrange(len(text))] = rand.randrange(256)
        text = bytes(text[:rand.randrange(1, len(text) + 1)])
        with connect(world) as s, contextlib.suppress(ConnectionResetError, BrokenPipeError):
            s.sendall(text)
            s.shutdown(socket.SHUT_WR)
            first = read_lines(s, 1)
            assert first == b"" or first[:3] in (b"220", b"421"), (text, first)


def test_A045_who_is_listed_waits_longer_and_longer(world):
    begun = time.monotonic()
    with connect(world) as s:
        s.sendall(header(LISTED))
        assert read_lines(s, 1).startswith(b"220 ")
        s.sendall(b"HELO c.test\r\nMAIL FROM:<a@remote.test>\r\n")
        read_lines(s, 2)
        for n in range(6):
            s.sendall(b"RCPT TO:<u%d@d.test>\r\n" % n)
            assert read_lines(s, 1).startswith(b"554 5.7.1 ")
    assert time.monotonic() - begun >= 5  # 250 ms more each time


def test_peers_that_leave_while_they_are_looked_up(world, case):
    case.cpu_s = 4
    for n in range(64):
        s = connect(world)
        s.sendall(header(f"{DEAF}{n % 8}"))
        read_lines(s, 1)
        if n % 4:
            s.sendall(COMMANDS)
        if n % 4 > 1:
            read_lines(s, 2)
        (reset if n % 2 else socket.socket.close)(s)
    with connect(world) as s:
        s.sendall(header("198.18.23.1"))
        read_lines(s, 1)
        s.sendall(COMMANDS.replace(b"EHLO", b"HELO"))
        assert read_lines(s, 3).endswith(b"250 2.1.5 Recipient ok\r\n")
