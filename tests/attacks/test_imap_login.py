# SPDX-License-Identifier: MIT
"""A057-A091 for IMAP: TLS and logging in.  (The grammar of LOGIN and AUTHENTICATE
is tried at every split in tests/conv/imap/login_*.conv.)"""
import re
import ssl

import pytest

from wire import Peer, b64, client_context, imap, plain

SETTINGS = {"limits.auth_failures": 10}
ALICE = "alice@d.test"


def tagged(peer, command):
    """The line that answers it, or what came last."""
    peer.send(b"t " + command + b"\r\n")
    line = peer.line()
    while line and not line.startswith(b"t "):
        line = peer.line()
    return line


@pytest.mark.parametrize("behind", [b"b LOGIN alice x\r\n", b"b NOOP\r\n", b"b NO", b"\r\n"], ids=range(4))
def test_A057_words_ahead_of_tls(world, behind):
    """RFC 9051 s6.2.1, s11.1; CVE-2021-33515: hung up on, and nothing is heard."""
    with Peer(world.server, "imap") as peer:
        peer.send(b"a STARTTLS\r\n" + behind)
        assert peer.line().startswith(b"a OK")
        with pytest.raises((OSError, AssertionError)):
            peer.secure()
            assert peer.imap_says(b"NOOP") == ""
            raise AssertionError


def test_A060_what_was_said_before_is_forgotten(world):
    with Peer(world.server, "imap") as peer:
        assert peer.imap_says(b'ID ("name" "evil")') == "OK"
        assert peer.imap_says(b"STARTTLS") == "OK"
        peer.secure()
        assert peer.imap_says(b"STARTTLS") == "BAD"
        peer.imap_login(ALICE)
        peer.imap_ok(b"SELECT INBOX")
        peer.imap_ok(b"FETCH 1 BODY[]")
    assert "evil" not in world.server.ctl("journey", ALICE).stdout


def test_A061_no_login_in_clear(world):
    """RFC 8314 s3: refused before a password is looked at."""
    with Peer(world.server, "imap") as peer:
        assert b"LOGINDISABLED" in peer.greeting and b"AUTH=" not in peer.greeting
        for command in (b"LOGIN alice@d.test " + world.server.password(ALICE).encode(), b"AUTHENTICATE PLAIN",
                        b"AUTHENTICATE PLAIN " + plain(ALICE, "x"), b"AUTHENTICATE LOGIN"):
            assert tagged(peer, command).startswith(b"t NO [PRIVACYREQUIRED]")


@pytest.mark.parametrize("offer, taken", [(["imap"], True), (None, True), (["h2", "http/1.1"], False), (["pop3"], False)], ids=range(4))
def test_A069_alpn(world, offer, taken):
    with Peer(world.server, "imaps", tls=False, greet=False) as peer:
        if taken:
            peer.secure(client_context(world.server.ca, offer))
            assert peer.line().startswith(b"* OK")
        else:
            with pytest.raises(ssl.SSLError, match="(?i)no.application.protocol"):
                peer.secure(client_context(world.server.ca, offer))


def test_A074_to_A076_what_is_no_response(world):
    secret = world.server.password(ALICE).encode()
    for response in (b"!!!!", b"YQ=b", b"=YQ=", b64(b"\0alice@d.test"), b64(b"\0\0"), b64(b"\0a\0b\0c"), b"=",
                     b64(b"bob@d.test\0alice@d.test\0" + secret), b64(b"\0alice@d.test\t\0" + secret), b64(b"\0alice@d.test\n\0" + secret),
                     b64(b"\0alice@d.test\x01\0" + secret), b64(b"\0alice@d.test\0" + secret + b"\0")):
        with Peer(world.server, "imaps", source="127.0.0.81") as peer:
            assert tagged(peer, b"AUTHENTICATE PLAIN " + response).startswith((b"t BAD", b"t NO [AUTHENTICATIONFAILED]", b"t NO [UNAVAILABLE]"))
    with Peer(world.server, "imaps") as peer:
        assert tagged(peer, b"AUTHENTICATE PLAIN " + plain(ALICE, secret.decode(), ALICE.encode())).startswith(b"t OK")


def test_A081_odd_names(world):
    for name in (b"%u%n%s${x}", b"x" * 8000, b"' OR '1'='1", b'\\"', b"a\\\\b"):
        with Peer(world.server, "imaps", source="127.0.0.82") as peer:
            assert tagged(peer, b'LOGIN "' + name + b'" "x"').startswith((b"t NO", b"t BAD"))
    for name in (b"a\r\nauth ok user=root", b"\x1b[31m", b"\xff\xfe", b'x" user="root'):
        with Peer(world.server, "imaps", source="127.0.0.83") as peer:
            peer.send(b"t LOGIN {%d+}\r\n" % len(name) + name + b" x\r\n")
            assert peer.line().startswith((b"t NO", b"t BAD"))


def test_A082_who_has_an_account(world, case):
    """The same words.  (That it takes the same time is the authority's: test_auth.py.)"""
    case.cpu_s = 6
    said = set()
    for user in (b"alice@d.test", b"nobody@d.test", b"x", b"nobody@nowhere.test"):
        with Peer(world.server, "imaps", source="127.0.0.84") as peer:
            said.add(tagged(peer, b"LOGIN " + user + b" wrong"))
            said.add(tagged(peer, b"AUTHENTICATE PLAIN " + plain(user.decode(), "wrong")))
    assert len(said) == 1


def test_A083_guesses(world, case):
    """The fourth in a session; the eleventh of an address, right or wrong."""
    case.cpu_s = 8
    with Peer(world.server, "imaps", source="127.0.0.85") as peer:
        for n in range(3):
            assert tagged(peer, b"LOGIN alice@d.test g%d" % n).startswith(b"t NO [AUTHENTICATIONFAILED]")
        assert tagged(peer, b"LOGIN alice@d.test g4").startswith(b"* BYE") or peer.is_closed()
    for n in range(7):
        with Peer(world.server, "imaps", source="127.0.0.85") as peer:
            assert tagged(peer, b"LOGIN alice@d.test h%d" % n).startswith(b"t NO [AUTHENTICATIONFAILED]")
    for password in (b"other", world.server.password(ALICE).encode()):
        with Peer(world.server, "imaps", source="127.0.0.85") as peer:
            assert tagged(peer, b"LOGIN alice@d.test " + password).startswith(b"t NO [UNAVAILABLE]")
    imap(world.server, ALICE, source="127.0.0.86").close()


def test_A078_gone_while_the_password_is_checked(world, case):
    case.cpu_s = 10
    for n in range(24):
        peer = Peer(world.server, "imaps", source="127.0.0.87")
        peer.send(b"t LOGIN u%d@d.test x\r\n" % n if n % 2 else b"t AUTHENTICATE PLAIN\r\n")
        peer.reset() if n % 3 else peer.close()
    imap(world.server, ALICE).close()


def test_A079_continuation_too_long(world, case):
    case.peak_mib = 4
    with Peer(world.server, "imaps", source="127.0.0.88") as peer:
        peer.send(b"t AUTHENTICATE PLAIN\r\n")
        assert peer.line() == b"+ \r\n"
        peer.send(b"A" * 1048576)
        got = peer.rest()
        assert re.match(rb"t BAD|\* BYE", got) or not got
