# SPDX-License-Identifier: MIT
"""A077-A079, A082, A087 for SCRAM-SHA-256 over SMTP (POP3 and IMAP do not offer
it), under the eyes of the oracle.  What its messages may not be, and its channel
bindings, are tried in tests/e2e/test_auth.py."""
import base64
import hashlib
import os

import pytest

from scram import b64, mac, salted
from wire import Peer

SETTINGS = {"smtp.mechanisms": "PLAIN LOGIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS", "limits.auth_failures": 100000}
ALICE = "alice@d.test"


def door(world):
    return Peer(world.server, "submissions").hello()


def first(peer, message):
    """(code, what is behind it, decoded if it is a challenge)"""
    code, texts = peer.code_texts(b"AUTH SCRAM-SHA-256 " + b64(message).encode())
    return code, base64.b64decode(texts[0]) if code == 334 else texts[0]


def challenge(peer, user=ALICE):
    """The whole of the server's first message."""
    code, text = first(peer, b"n,,n=" + user.encode() + b",r=" + os.urandom(9).hex().encode())
    assert code == 334, text
    return text


def login(world, peer, user=ALICE):
    """As it should be done; the code of it."""
    bare = b"n=" + user.encode() + b",r=abcdefghijkl"
    _, text = first(peer, b"n,," + bare)
    nonce, salt, count = text.split(b",")
    key = salted(world.server.password(user), base64.b64decode(salt[2:]), int(count[2:]))
    last, client = b"c=biws," + nonce, mac(key, b"Client Key")
    proof = mac(hashlib.sha256(client).digest(), bare + b"," + text + b"," + last)
    code = peer.code(b64(last + b",p=" + b64(bytes(a ^ b for a, b in zip(client, proof))).encode()).encode())
    return peer.code(b"") if code == 334 else code


def test_A077_cancelled(world, case):
    """Before the first message and behind the challenge: each counts as a failure, and
    nothing of it stays."""
    case.cpu_s = 6
    for _ in range(30):
        with door(world) as peer:
            for n in range(3):
                if n % 2:
                    challenge(peer)
                else:
                    assert peer.code(b"AUTH SCRAM-SHA-256") == 334
                assert peer.code(b"*") == 501
            assert peer.says(b"AUTH SCRAM-SHA-256").startswith("421 4.7.0") and peer.is_closed()


def test_A077_another_mechanism_after_each(world):
    """What was begun with one is not ended with another."""
    with door(world) as peer:
        challenge(peer)
        assert peer.code(b"*") == 501
        assert peer.code(b"AUTH LOGIN") == 334
        assert peer.code(b"*") == 501
        assert login(world, peer) == 235
    with door(world) as peer:
        text = challenge(peer)
        assert peer.code(b"AUTH PLAIN") == 501  # is no message of SCRAM
        nonce = text.split(b",")[0]
        assert peer.code(b64(b"c=biws," + nonce + b",p=" + b64(bytes(32)).encode()).encode()) in (500, 502)
        assert peer.code(b"MAIL FROM:<alice@d.test>") == 530


def test_A078_gone_within_the_exchange(world, case):
    """CVE-2019-11494"""
    case.cpu_s = 6
    for n in range(90):
        peer = door(world)
        if n % 3 == 0:
            peer.send(b"AUTH SCRAM-SHA-256 " + b64(b"n,,n=alice@d.test,r=abcdefgh").encode() + b"\r\n")
        elif n % 3 == 1:
            challenge(peer)
        else:
            nonce = challenge(peer).split(b",")[0]
            peer.send(b64(b"c=biws," + nonce + b",p=" + b64(bytes(32)).encode()).encode() + b"\r\n")
        if n % 2:
            peer.reset()
        else:
            peer.close()
    for _ in range(6):
        with door(world) as peer:
            assert login(world, peer) == 235


@pytest.mark.parametrize("size", [257, 9000, 65536, 1048576])
def test_A079_A087_nonces(world, case, size):
    """RFC 4954 s4: no line is longer than 12,288 octets."""
    case.peak_mib = 4
    with door(world) as peer:
        assert peer.code(b"AUTH SCRAM-SHA-256") == 334
        peer.send(b64(b"n,,n=alice@d.test,r=" + b"x" * size).encode() + b"\r\n")
        code, _ = peer.reply()
        assert code in (500, 501, 535, 421)
        assert peer.is_closed() if size > 50000 else login(world, peer) == 235


def test_A082_who_has_an_account(world, case):
    """RFC 5802 s5.1: the same words, and a salt for everybody that is always the same.
    (Over a restart too: tests/e2e/test_auth.py.)"""
    case.cpu_s = 8
    users = [ALICE, "nobody@d.test", "alice@nowhere.test", "x"]
    seen, words = {user: set() for user in users}, set()
    for _ in range(40):
        for user in users:
            with door(world) as peer:
                nonce, salt, count = challenge(peer, user).split(b",")
                code, texts = peer.code_texts(b64(b"c=biws," + nonce + b",p=" + b64(os.urandom(32)).encode()).encode())
                seen[user].add((salt, count))
                words.add((code, *texts))
    assert len(words) == 1 and {len(s) for s in seen.values()} == {1}
    assert len({count for s in seen.values() for _, count in s}) == 1
    assert len({salt for s in seen.values() for salt, _ in s}) == len(users)
    assert {len(base64.b64decode(salt[2:], validate=True)) for s in seen.values() for salt, _ in s} == {16}
