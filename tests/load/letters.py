# SPDX-License-Identifier: MIT
"""Letters that can be known again, and the book of what was promised of them."""
import base64
import collections
import hashlib
import random
import re
import threading

# octets of the body: mostly a screen of text, now and then what goes to a file
SIZES = [800] * 10 + [8_000] * 6 + [40_000] * 3 + [150_000]


def text_of(r, size):
    words = ("the mail server and of to letter Alice Bob morning tide paper which arrived early with kind regards "
             "señor Grüße 月曜日 postage queue stamp").split()
    lines, n = [], 0
    while n < size:
        line = " ".join(r.choice(words) for _ in range(r.randint(3, 11)))
        lines.append(line)
        n += len(line) + 2
    return "\r\n".join(lines).encode() + b"\r\n"


def body_of(r, size):
    """(Content-Type field and what goes with it, body)"""
    if r.random() < 0.5:
        return (b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                b"Content-Transfer-Encoding: 8bit\r\n", text_of(r, size))
    enclosed = base64.encodebytes(r.randbytes(size * 3 // 4)).replace(b"\n", b"\r\n")
    edge = b"edge%08x" % r.getrandbits(32)
    return (b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=%s\r\n" % edge,
            b"--%s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n%s\r\n"
            b"--%s\r\nContent-Type: image/jpeg; name=tide.jpg\r\nContent-Transfer-Encoding: base64\r\n"
            b"Content-Disposition: attachment; filename=tide.jpg\r\n\r\n%s\r\n--%s--\r\n"
            % (edge, text_of(r, 300), edge, enclosed, edge))


def compose(id, sender, recipients, seed):
    """The same octets for the same arguments; the body can be verified by the header."""
    r = random.Random(seed)
    kind, body = body_of(r, r.choice(SIZES))
    return (b"From: %s\r\nTo: %s\r\nMessage-ID: <%s>\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\n"
            b"Subject: tide %d\r\nX-Digest: %s\r\n%s\r\n%s"
            % (sender.encode(), ", ".join(recipients).encode(), id.encode(), r.randrange(1000),
               hashlib.sha256(body).hexdigest().encode(), kind, body))


ID = re.compile(rb"(?im)^Message-ID: <([^>]+)>\r?$")


def id_of(text):
    """Of a letter of ours whose body is what it was; ValueError if it is another."""
    head, _, body = text.partition(b"\r\n\r\n")
    if b"\r\nX-Digest: " + hashlib.sha256(body).hexdigest().encode() not in b"\r\n" + head:
        raise ValueError(f"a damaged message: {text[:1500]!r}")
    return ID.search(head)[1].decode()


class Book:
    """What was promised, to whom, and what was found.  A place is an address here,
    or one elsewhere that mail was relayed to; a bounce is a promise of its own, to
    the sender."""

    def __init__(self):
        self.lock = threading.Lock()
        self.sent = set()       # may arrive
        self.promised = set()   # (id, place): must arrive
        self.found = collections.Counter()  # (id, place): taken away, or seen at the end
        self.wrong = []

    def send(self, id):
        with self.lock:
            self.sent.add(id)

    def promise(self, id, places):
        with self.lock:
            self.promised.update((id, place) for place in places)

    def find(self, id, place):
        with self.lock:
            self.found[id, place] += 1

    def say_wrong(self, what):
        with self.lock:
            self.wrong.append(what)

    def open(self):
        """Promises not seen kept yet."""
        with self.lock:
            return self.promised - set(self.found)

    def judge(self):
        """All that is wrong, in words."""
        twice = [f"{id} came {n} times to {place}" for (id, place), n in self.found.items() if n > 1]
        lost = [f"{id} for {place} is lost" for id, place in sorted(self.open())]
        strange = [f"{id} at {place}, which nobody sent" for id, place in self.found if id not in self.sent]
        return self.wrong + lost + twice + strange
