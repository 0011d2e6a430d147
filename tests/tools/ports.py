# SPDX-License-Identifier: MIT
"""Ports for servers that are told where to listen.

A port that the kernel names (bind to 0) is one that it may give, between our
looking and the server's listening, to any connection that somebody opens.  So
ours come from outside the range it takes such ports from, drawn by lot: tests
that run side by side hardly ever draw the same.
"""
import contextlib
import pathlib
import random
import socket

RANGE = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range")
LEAST, MOST = 10000, 65000


def candidates():
    low, high = (int(word) for word in RANGE.read_text().split())
    below, above = range(LEAST, low), range(high + 1, MOST)
    return max(below, above, key=len) or range(LEAST, MOST)


def free_port(*hosts):
    """One that is free at all of these addresses (127.0.0.1 if there are none)."""
    drawn = random.SystemRandom()
    for _ in range(1000):
        port = drawn.choice(candidates())
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for host in hosts or ("127.0.0.1",):
                s = stack.enter_context(socket.socket())
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                s.bind((host, port))
            return port
    raise AssertionError("no port")
