# SPDX-License-Identifier: MIT
"""Is what a server has in its mailboxes what smtp_load sent, octet by octet?

What comes before the letter (Return-Path, Received, signatures) is the
server's own; from the letter's first field on, all must be as it was sent.
"""
import pathlib
import re

BEGINS = b"Subject: load\r\nFrom: "
ID = re.compile(rb"\r\nMessage-ID: <([0-9a-f]{16})\.(\d{10})@load\.test>\r\n")
FROM = re.compile(rb"\r\nFrom: (\S+)\r\n")


def letters(file):
    """What smtp_load -L has written, as it will be found."""
    text = pathlib.Path(file).read_bytes()
    return [letter.replace(b"\r\n..", b"\r\n.") + b"\r\n" for letter in text.split(b"\r\n.\r\n")[:-1]]


def wrong(found, sent, run):
    """Why this message is not what was sent, or None; of another run: (None, None).
    Otherwise (why, its number)."""
    at = found.find(BEGINS)
    match = ID.search(found, max(at, 0))
    if at < 0 or not match:
        return "it is no letter of ours", None
    if match[1].decode() != run:
        return None, None
    number = int(match[2])
    wanted = sent[number % len(sent)]
    wanted = ID.sub(b"\r\nMessage-ID: <%s.%s@load.test>\r\n" % match.groups(), wanted, count=1)
    wanted = FROM.sub(b"\r\nFrom: " + FROM.search(found, at)[1] + b"\r\n", wanted, count=1)
    if found[at:] == wanted:
        return None, number
    same = next((i for i, (a, b) in enumerate(zip(found[at:], wanted)) if a != b), min(len(found) - at, len(wanted)))
    return f"message {number} differs from octet {same} on: {len(found) - at} octets instead of {len(wanted)}", number


def prove(server, run, file, accounts, most, everything=False):
    """How many messages of the run were fetched and found equal.  A sample from
    some maildrops, or everything: then each must be there as often as it has
    recipients.  run: what smtp_load said, with its options' recipients."""
    sent, seen = letters(file), {}
    # the lots are those of the run: other accounts each time
    chosen = range(accounts) if everything else [(int(run["run"], 16) + 37 * i) % accounts for i in range(4)]
    for account in chosen:
        for message in server.fetch(f"user{account}", 10 ** 9 if everything else most):
            why, number = wrong(message, sent, run["run"])
            if why:
                raise RuntimeError(f"{server.name}: user{account}: {why}")
            if number is not None:
                seen[number] = seen.get(number, 0) + 1
    if everything:
        lost = [n for n in range(run["accepted"]) if seen.get(n, 0) != run["recipients"]]
        if lost or len(seen) != run["accepted"]:
            raise RuntimeError(f"{server.name}: {len(seen)} of {run['accepted']} messages found; message "
                               f"{lost[:1]} not as often as it has recipients")
    return sum(seen.values())
