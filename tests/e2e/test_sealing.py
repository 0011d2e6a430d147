# SPDX-License-Identifier: MIT
"""What is forwarded carries our seal (RFC 8617), which another implementation
checks with the records as they are to be published."""
import pathlib
import re
import sys

import dkim

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from remote import World  # noqa: E402

MESSAGE = (b"From: ann@far.test\r\nTo: away@bob.test\r\nSubject: forward me\r\n"
           b"Date: Sun, 22 Nov 2026 10:00:00 +0000\r\nMessage-ID: <%d@far.test>\r\n\r\n Hello.  \r\n\r\nx\r\n\r\n")
SETTINGS = {"policy.exempt": "none", "policy.dnsbl": "none", "policy.greylist": "no", "smtp.greet_delay": "0s"}


def records(server, domain):
    return {record["name"].rstrip(".") + ".": record["value"].replace(" ", "").encode()
            for record in server.ctl("domain", "dns", domain, "--json")["records"]
            if "._domainkey." in record["name"]}


def seals(message):
    return re.findall(rb"(?im)^ARC-Seal:(?:[^\r]|\r\n[ \t])*", message)


def instances(message):
    return [int(re.search(rb"\bi=(\d+)", seal)[1]) for seal in seals(message)]


def verified(message, keys):
    """What dkimpy says of the chain."""
    cv, results, reason = dkim.ARC(message).verify(
        dnsfunc=lambda name, **_: keys[name.decode() if isinstance(name, bytes) else name])
    return cv, reason, results


def test_forwarded_mail_is_sealed():
    with World(SETTINGS, servers=("bob",)) as world:
        remote = world.remote("onward.test")
        world.record("far.test", "TXT", '"v=spf1 ip4:127.0.0.0/8 -all"')
        bob = world.bob
        bob.ctl("domain", "rotate", "bob.test")
        keys = records(bob, "bob.test")
        assert len(keys) == 2
        bob.ctl("alias", "add", "away@bob.test", "x@onward.test")
        bob.deliver("ann@far.test", ["away@bob.test"], MESSAGE % 1)
        got = remote.got()[0]
        content = got.content
        assert instances(content) == [1]
        assert verified(content, keys)[:2] == (b"pass", "success"), verified(content, keys)
        assert content.index(b"ARC-Seal:") < content.index(b"ARC-Message-Signature:") \
            < content.index(b"ARC-Authentication-Results:")
        assert b"spf=pass" in content[content.index(b"ARC-Authentication-Results:"):content.index(b"\r\n\r\n")]
        # a change after us breaks it
        assert verified(content.replace(b"forward me", b"forward us"), keys)[0] != b"pass"
        # a chain goes on, once our own seal can be checked
        for name, value in keys.items():
            world.record(name.rstrip("."), "TXT", " ".join(f'"{value.decode()[i:i + 250]}"' for i in range(0, len(value), 250)))
        bob.deliver("ann@far.test", ["away@bob.test"], content)
        again = remote.got(2)[1].content
        assert sorted(instances(again)) == [1, 2]
        assert verified(again, keys)[:2] == (b"pass", "success"), verified(again, keys)
        # and a broken one is never made good
        bob.deliver("ann@far.test", ["away@bob.test"], again.replace(b"forward me", b"forward us"))
        broken = remote.got(3)[2].content
        assert verified(broken, keys)[0] != b"pass"
        assert all(b"cv=fail" in seal for seal in seals(broken) if re.search(rb"\bi=3\b", seal))
