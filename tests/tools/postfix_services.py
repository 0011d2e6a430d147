# SPDX-License-Identifier: MIT
"""What a Postfix of our own runs: its master.cf, for tests and benchmarks."""

SERVICES = [  # name, kind, private, wake up, at most, program
    ("pickup", "unix", "n", 60, 1, "pickup"),
    ("cleanup", "unix", "n", "-", 0, "cleanup"),
    ("qmgr", "unix", "n", 300, 1, "qmgr"),
    ("tlsmgr", "unix", "-", "1000?", 1, "tlsmgr"),
    ("rewrite", "unix", "-", "-", "-", "trivial-rewrite"),
    ("bounce", "unix", "-", "-", 0, "bounce"),
    ("defer", "unix", "-", "-", 0, "bounce"),
    ("trace", "unix", "-", "-", 0, "bounce"),
    ("verify", "unix", "-", "-", 1, "verify"),
    ("flush", "unix", "n", "1000?", 0, "flush"),
    ("proxymap", "unix", "-", "-", "-", "proxymap"),
    ("smtp", "unix", "-", "-", "-", "smtp"),
    ("relay", "unix", "-", "-", "-", "smtp"),
    ("showq", "unix", "n", "-", "-", "showq"),
    ("error", "unix", "-", "-", "-", "error"),
    ("retry", "unix", "-", "-", "-", "error"),
    ("discard", "unix", "-", "-", "-", "discard"),
    ("anvil", "unix", "-", "-", 1, "anvil"),
    ("scache", "unix", "-", "-", 1, "scache"),
    ("postlog", "unix-dgram", "n", "-", 1, "postlogd"),
]


def master_cf(door, *more):
    """door: "127.0.0.1:25", where smtpd listens; more: lines as they stand in
    the file."""
    lines = [f"{door} inet n - n - - smtpd"]
    lines += [f"{name} {kind} {private} - n {wake} {most} {program}"
              for name, kind, private, wake, most, program in SERVICES]
    return "\n".join(lines + list(more)) + "\n"
