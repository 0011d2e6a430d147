# SPDX-License-Identifier: MIT
"""A sender who owns attack.test, its address, its DNS and its keys, and would
like to be taken for admin@legit.test: his zone, his signatures with keys of any
form, his talk on port 25, and a strict reader of what we say of it."""
import base64
import hashlib
import itertools
import math
import re
import subprocess

import authres
import nacl.signing

from pennypost import wait_for
from wire import EOD, Peer

PROXY = "127.0.0.2"  # from there a PROXY header tells the address
BAD = "203.0.113.64/26"  # of attack.test; each connection is from another of them
ADDRESSES = itertools.cycle(f"203.0.113.{n}" for n in range(65, 127))
SETTINGS = {"policy.exempt": "127.0.0.1", "policy.proxies": PROXY, "policy.greylist": "no",
            "policy.dnsbl": "none", "policy.dns_time": "20s", "policy.reputation": "no",
            "policy.connection_rate": 100000, "policy.message_rate": 100000,
            "smtp.greet_delay": "0s", "limits.errors": 1000}
NUMBERS = itertools.count(1)
HOST = "mx.d.test"
REFUSALS = {501, 550, 553, 554}


# ---- zone

def txt(text):
    """As master files write it: strings of at most 250 octets."""
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    return " ".join('"' + text[i:i + 250] + '"' for i in range(0, len(text), 250)) or '""'


def octets(raw):
    """A TXT record of any octets."""
    pieces = [raw[i:i + 255] for i in range(0, len(raw), 255)]
    return "hex:" + b"".join(bytes([len(p)]) + p for p in pieces).hex()


def spf(name, record):
    return [name, "TXT", txt(f"v=spf1 {record}")]


def dmarc(name, record):
    return [f"_dmarc.{name}", "TXT", txt(f"v=DMARC1; {record}")]


def key(name, record, selector="k"):
    return [f"{selector}._domainkey.{name}", "TXT", txt(record)]


# ---- keys

def prime(bits):
    said = subprocess.run(["openssl", "prime", "-generate", "-bits", str(bits)], check=True, capture_output=True)
    return int(said.stdout)


def der(tag, content):
    size = len(content)
    if size < 128:
        head = bytes([size])
    else:
        octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
        head = bytes([0x80 | len(octets)]) + octets
    return bytes([tag]) + head + content


def integer(n):
    return der(2, n.to_bytes(n.bit_length() // 8 + 1, "big"))


class Rsa:
    """Of any size and exponent, and of as many primes as is quick."""
    algorithm = b"rsa-sha256"

    def __init__(self, bits=2048, e=65537, primes=2):
        self.e, self.primes = e, []
        while len(self.primes) < primes:
            p = prime(bits // primes)
            if p not in self.primes and (math.gcd(e, p - 1) == 1 or e == 2 and p % 4 == 3):
                self.primes.append(p)
        self.n = math.prod(self.primes)
        spki = der(0x30, der(0x30, bytes.fromhex("06092a864886f70d0101010500")) +
                   der(3, b"\0" + der(0x30, integer(self.n) + integer(e))))
        self.p = base64.b64encode(spki).decode()
        self.record = f"v=DKIM1; k=rsa; p={self.p}"

    def sign(self, text, digest="sha256"):
        """None: there is none of this text (an even exponent)."""
        info = {"sha256": "3031300d060960864801650304020105000420", "sha1": "3021300906052b0e03021a05000414"}[digest]
        size = (self.n.bit_length() + 7) // 8
        tail = bytes.fromhex(info) + hashlib.new(digest, text).digest()
        padded = int.from_bytes(b"\0\1" + b"\xff" * (size - len(tail) - 3) + b"\0" + tail, "big")
        found = 0
        for p in self.primes:
            root = pow(padded % p, (p + 1) // 4 if self.e == 2 else pow(self.e, -1, p - 1), p)
            if pow(root, self.e, p) != padded % p:
                return None
            others = self.n // p
            found += root * others * pow(others, -1, p)
        return (found % self.n).to_bytes(size, "big")


class Ed25519:
    algorithm = b"ed25519-sha256"

    def __init__(self):
        self.secret = nacl.signing.SigningKey.generate()
        self.public = bytes(self.secret.verify_key)
        self.record = self.record_of(self.public)

    @staticmethod
    def record_of(public):
        return "v=DKIM1; k=ed25519; p=" + base64.b64encode(public).decode()

    def sign(self, text):
        return self.secret.sign(hashlib.sha256(text).digest()).signature


def relaxed(field):
    """RFC 6376 s3.4.2"""
    name, _, value = field.partition(b":")
    return name.strip().lower() + b":" + re.sub(rb"[ \t]+", b" ", value.replace(b"\r\n", b"")).strip()


def fields_of(raw):
    """Field by field, each with its folds."""
    return re.split(rb"\r\n(?![ \t])", raw.partition(b"\r\n\r\n")[0])


def signed(raw, domain, secret, selector=b"k", more=b"", length=None, names=b"from:subject", **how):
    """raw with a signature on top of it, good by the algorithm of `secret'.  length:
    how much of the body is hashed, and told."""
    body = raw.partition(b"\r\n\r\n")[2]
    if length is not None:
        body, more = body[:length], b" l=%d;" % length + more
    algorithm = how.pop("algorithm", secret.algorithm)
    head = (b"DKIM-Signature: v=1; a=" + algorithm + b"; c=relaxed/simple; d=" + domain + b"; s=" + selector +
            b";" + more + b" h=" + names + b"; bh=" +
            base64.b64encode(hashlib.new(how.get("digest", "sha256"), body).digest()) + b"; b=")
    last = {f.partition(b":")[0].lower(): f for f in fields_of(raw)}
    text = b"".join(relaxed(last[name]) + b"\r\n" for name in names.split(b":")) + relaxed(head)
    signature = secret.sign(text, **how)
    if signature is None:
        return None
    digits = base64.b64encode(signature)
    return head + b"\r\n\t".join(digits[i:i + 70] for i in range(0, len(digits), 70)) + b"\r\n" + raw


# ---- messages

def message(author=b"From: <x@attack.test>\r\n", extra=b"", body=b"Hello.\r\n"):
    """The field, or fields, of the author come first."""
    n = next(NUMBERS)
    return (author + b"To: bob@d.test\r\nSubject: number %d\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\n" % n +
            b"Message-ID: <%d@attack.test>\r\n" % n + extra + b"\r\n" + body)


def author(address):
    return message(b"From: <" + address + b">\r\n")


class Line:
    """A connection from any address by way of the proxy."""

    def __init__(self, server, ip=None, helo=b"mx.attack.test"):
        self.peer = Peer(server, "smtp", source=PROXY, greet=False)
        self.peer.send(f"PROXY TCP4 {ip or next(ADDRESSES)} 127.0.0.1 4000 25\r\n".encode())
        assert self.peer.line().startswith(b"220 ")
        self.hello = self.peer.code(b"EHLO " + helo)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.peer.close()

    def offer(self, raw, sender=b"x@attack.test"):
        """Code and text of the first refusal, or of the end of data.  All of it is
        one line: nothing that was sent makes a second."""
        for command in (b"MAIL FROM:<" + sender + b">", b"RCPT TO:<bob@d.test>", b"DATA"):
            code, texts = self.peer.code_texts(command)
            if code not in (250, 354):
                assert self.peer.code(b"RSET") == 250
                return code, texts[0]
        raw = re.sub(rb"(?m)^\.", b"..", raw)
        self.peer.send(raw[:-2] + EOD if raw.endswith(b"\r\n") else raw + EOD)
        code, texts = self.peer.reply()
        assert len(texts) == 1 and texts[0].isprintable() and texts[0].isascii(), texts
        return code, texts[0]


def offered(world, case, raws, **more):
    """What is answered to each of {name: raw}, all in one session."""
    with Line(world.server, **more) as line:
        answers = {name: line.offer(raw) for name, raw in raws.items()}
    case.delivered += sum(code == 250 for code, _ in answers.values())
    return answers


# ---- what we say of it

def stored(world, raws):
    """{name: message} of those that bob has, in INBOX or Junk."""
    names = {re.search(rb"Message-ID: (<.*?>)", raw)[1]: name for name, raw in raws.items()}
    found = {}
    client = world.server.imap("bob@d.test")
    try:
        for box in ("INBOX", "Junk"):
            if client.select(box, readonly=True)[1] == [b"0"]:
                continue
            for part in client.fetch("1:*", "(BODY.PEEK[])")[1]:
                known = isinstance(part, tuple) and re.search(rb"Message-ID: (<.*?>)", part[1])
                if known and known[1] in names:
                    found[names[known[1]]] = part[1]
    finally:
        client.logout()
    return found


def name_of(field):
    """However it is spelled."""
    return re.sub(rb"[\x00-\x20\x7f-\xff]", b"", field.partition(b":")[0]).lower()


def results(raw):
    """Our results as python3-authres reads them.  They are on top of all that came,
    and no other field has our name."""
    fields = fields_of(raw)
    assert [name_of(f) for f in fields[:3]] == [b"return-path", b"received", b"authentication-results"], raw[:300]
    ours = [f for f in fields if name_of(f) == b"authentication-results" and HOST.encode() in f.lower()]
    assert ours == fields[2:3], ours
    parsed = authres.AuthenticationResultsHeader.parse(ours[0].decode())
    assert parsed.authserv_id == HOST
    return parsed.results


def verdicts(raw):
    """{method: [result, ...]}"""
    found = {}
    for result in results(raw):
        found.setdefault(result.method, []).append(result.result)
    return found


def dmarc_of(raw):
    """(result, whose)"""
    one, = [r for r in results(raw) if r.method == "dmarc"]
    whose, = [p.value for p in one.properties if (p.type, p.name) == ("header", "from")]
    return one.result, whose


def explained(server, text):
    """The checks behind a reply, {name: [check, ...]}; they are written after it."""
    name = re.search(r"(?:queued as |\(id )([0-9a-z]{13})", text)[1]

    def look():
        got = server.ctl("explain", name, "--json", check=False)
        return isinstance(got, dict) and got.get("messages")
    one, = wait_for(look, what="the journey")
    found = {}
    for check in one["checks"]:
        found.setdefault(check["check"], []).append(check)
    return found
