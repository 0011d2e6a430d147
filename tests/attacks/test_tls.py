# SPDX-License-Identifier: MIT
"""A055-A073: STARTTLS, STLS and TLS itself."""
import contextlib
import os
import random
import re
import shutil
import socket
import ssl
import subprocess

import pytest

from pennypost import wait_for
from wire import EOD, HDR, Peer, Records, client_context, plain, smtp, submission

SETTINGS = {"timeouts.handshake": "5s"}
TLS_PORTS = ["submissions", "pop3s", "imaps"]
UPGRADES = {"smtp": "smtp", "submission": "smtp", "pop3": "pop3", "imap": "imap"}  # as openssl -starttls says it


def upgrade(peer, after=b""):
    """STARTTLS or STLS, in one segment with what must not be there."""
    if peer.service == "pop3":
        peer.send(b"STLS\r\n" + after)
        return peer.line().startswith(b"+OK")
    if peer.service == "imap":
        peer.send(b"a STARTTLS\r\n" + after)
        return peer.line().startswith(b"a OK")
    peer.hello()
    peer.send(b"STARTTLS\r\n" + after)
    return peer.code() == 220


@pytest.mark.parametrize("door, after, first", [
    ("smtp", b"EHLO injected\r\nMAIL FROM:<i@remote.test>\r\n", b"RCPT TO:<alice@d.test>"),
    ("submission", b"EHLO injected\r\nMAIL FROM:<i@remote.test>\r\n", b"RCPT TO:<alice@d.test>"),
    ("pop3", b"CAPA\r\nUSER alice\r\n", b"PASS x"),
    ("smtp", b"NOO", b"P"), ("pop3", b"CAP", b"A")],
    ids=["A055_smtp", "A055_submission", "A056_pop3", "A058_smtp", "A058_pop3"])
def test_A055_A056_A058_words_before_the_handshake(world, door, after, first):
    """CVE-2011-0411, CVE-2021-38084: nothing said in the clear is heard under TLS."""
    with Peer(world.server, door) as peer:
        upgrade(peer, after)
        try:
            peer.secure()
        except (OSError, ssl.SSLError):
            return  # hung up on: best
        assert peer.during(1)[0] == b""
        answer = peer.pop(first)
        assert answer.startswith((b"503", b"500", b"530", b"-ERR")), answer


@pytest.mark.parametrize("door", ["smtp", "submission", "pop3"])
def test_A058_words_just_behind(world, door):
    """The same in a segment of its own, between the answer and the handshake."""
    with Peer(world.server, door) as peer:
        assert upgrade(peer)
        peer.send(b"NOOP\r\nCAPA\r\nMAIL FROM:<i@remote.test>\r\n")
        assert not re.search(rb"(?m)^(250|\+OK)", peer.rest())


def test_A059_starttls_out_of_place(world):
    with smtp(world.server) as peer:
        assert peer.code(b"STARTTLS x") == 501
        peer.starttls()
        assert peer.code(b"STARTTLS") == 503
        code, texts = peer.code_texts(b"EHLO c.test")
        assert code == 250 and "STARTTLS" not in texts
    with submission(world.server) as peer:
        assert peer.code(b"STARTTLS") == 503
    with smtp(world.server) as peer:
        assert peer.code(b"MAIL FROM:<a@remote.test>") == 250
        peer.starttls()  # the transaction is dropped: A030
        assert peer.code(b"RCPT TO:<alice@d.test>") == 503
    with Peer(world.server, "pop3") as peer:
        assert peer.pop(b"STLS x").startswith(b"-ERR")
        assert peer.pop(b"STLS").startswith(b"+OK")
        peer.secure()
        assert peer.pop(b"STLS").startswith(b"-ERR")
        assert b"STLS" not in peer.listing(b"CAPA")


def test_A060_what_was_said_before_is_forgotten(world, case):
    case.delivered = 1
    with Peer(world.server, "smtp") as peer:
        assert peer.code(b"EHLO evil.test") == 250
        assert peer.code(b"STARTTLS") == 220
        peer.secure()
        assert peer.code(b"MAIL FROM:<a@remote.test>") == 503
        peer.hello().begin()
        peer.send(HDR + EOD)
        assert peer.code() == 250
    assert b"evil.test" not in world.last("alice@d.test")
    assert "evil.test" not in world.server.log_text()
    with Peer(world.server, "pop3") as peer:
        assert peer.pop(b"USER alice@d.test").startswith(b"-ERR")
        assert peer.pop(b"STLS").startswith(b"+OK")
        peer.secure()
        assert peer.pop(b"PASS " + world.server.password("alice@d.test").encode()).startswith(b"-ERR")


def test_A061_no_login_in_the_clear(world):
    """Refused before a password is read; the right one makes no difference."""
    right = plain("alice@d.test", world.server.password("alice@d.test"))
    with Peer(world.server, "submission") as peer:
        code, texts = peer.code_texts(b"EHLO c.test")
        assert code == 250 and not any("AUTH" in t for t in texts)
        for command in (b"AUTH PLAIN", b"AUTH PLAIN " + right, b"AUTH LOGIN", b"AUTH PLAIN !!!"):
            assert peer.code(command) in (530, 538)
    with Peer(world.server, "pop3") as peer:
        capa = peer.listing(b"CAPA")
        assert b"USER" not in capa and b"SASL" not in capa
        for command in (b"USER alice@d.test", b"PASS x", b"AUTH PLAIN " + right, b"AUTH PLAIN"):
            assert peer.pop(command).startswith(b"-ERR")
    assert "auth fail" not in world.server.log_text()


def openssl(server, door, *args, say=b"Q\n", seconds=60):
    words = ["openssl", "s_client", "-connect", f"{server.host}:{server.ports[door]}", *args]
    if door in UPGRADES:
        words += ["-starttls", UPGRADES[door]]
    got = subprocess.run(words, input=say, capture_output=True, timeout=seconds)
    return got.stdout + got.stderr


@pytest.mark.parametrize("door", [*TLS_PORTS, *UPGRADES])
def test_A062_old_versions(world, door):
    """RFC 8996; and ciphers without forward secrecy or AEAD."""
    old = ["-cipher", "ALL:@SECLEVEL=0"]
    for version in ("-tls1", "-tls1_1"):
        got = openssl(world.server, door, version, *old)
        assert b"alert protocol version" in got or b"no protocols available" in got, got
        assert b"Cipher is (NONE)" in got or b"no protocols available" in got
    assert b"Cipher is (NONE)" in openssl(world.server, door, "-tls1_2", "-cipher",
                                          "kRSA:CAMELLIA:3DES:SHA1:SHA256:NULL:aNULL:@SECLEVEL=0:-AESGCM:-CHACHA20")
    for version in ("-tls1_2", "-tls1_3"):
        assert b"Cipher is (NONE)" not in openssl(world.server, door, version)


@pytest.mark.parametrize("major, minor", [(2, 0), (3, 0), (3, 1), (3, 2)])
def test_A062_hello_of_an_old_version(world, major, minor):
    """Made by hand: no library says it any more.  SSLv2 and SSLv3 too."""
    if major == 2:
        hello = b"\x80\x1f\x01\x00\x02\x00\x06\x00\x00\x00\x10\x01\x00\x80\x07\x00\xc0" + b"c" * 16
    else:
        body = bytes([major, minor]) + b"r" * 32 + b"\x00" + b"\x00\x04\xc0\x13\x00\x2f" + b"\x01\x00"
        shake = b"\x01" + len(body).to_bytes(3, "big") + body
        hello = b"\x16\x03\x00" + len(shake).to_bytes(2, "big") + shake
    with Peer(world.server, "submissions", tls=False, greet=False) as peer:
        peer.send(hello)
        got = peer.rest()
        assert got == b"" or (got[0] == 21 and got[5] == 2)  # a fatal alert, and no ServerHello


@pytest.mark.parametrize("door", ["submissions", "pop3s", "imaps", "smtp"])
def test_A063_renegotiation(world, door, tmp_path):
    """CVE-2009-3555, CVE-2011-1473: refused, and it costs us nothing."""
    words = ["openssl", "s_client", "-tls1_2", "-connect", f"{world.server.host}:{world.server.ports[door]}"]
    if door in UPGRADES:
        words += ["-starttls", UPGRADES[door]]
    said = tmp_path / "said"
    with open(said, "wb") as out, subprocess.Popen(words, stdin=subprocess.PIPE, stdout=out, stderr=out) as client:
        try:
            wait_for(lambda: b"Verify return code" in said.read_bytes(), what="the handshake")
            for n in range(20):
                with contextlib.suppress(BrokenPipeError):
                    client.stdin.write(b"R\n")  # openssl takes it for a command when it is alone
                    client.stdin.flush()
                wait_for(lambda: said.read_bytes().count(b"RENEGOTIATING") > n or client.poll() is not None,
                         what="openssl to read it")
                if client.poll() is not None:
                    break
            wait_for(lambda: b"no renegotiation" in said.read_bytes(), what="the refusal")
        finally:
            client.kill()
    got = said.read_bytes()
    once = openssl(world.server, door, "-tls1_2").count(b"verify return:")
    assert got.count(b"verify return:") == once  # the certificate came once


@pytest.mark.parametrize("door", ["smtp", "submissions"])
def test_A065_close_notify_in_data(world, door):
    for after in (b"x", EOD, HDR + EOD):
        peer, tls = within_data(world.server, door)
        tls.send(HDR)
        tls.say_goodbye()
        peer.send(after)
        try:
            peer.rest()  # they may say goodbye too
        except TimeoutError:
            pytest.fail("not closed")
        peer.close()


def within_data(server, door):
    sender = b"a@remote.test"
    if door == "smtp":
        peer = Peer(server, "smtp").hello()
        assert peer.code(b"STARTTLS") == 220
        tls = Records(peer).shake_hands()
    else:
        peer = Peer(server, "submissions", tls=False, greet=False)
        tls = Records(peer).shake_hands()
        assert tls.reply() == 220
    assert tls.code(b"EHLO c.test") == 250
    if door != "smtp":
        sender = b"alice@d.test"
        assert tls.code(b"AUTH PLAIN " + plain("alice@d.test", server.password("alice@d.test"))) == 235
    assert tls.code(b"MAIL FROM:<" + sender + b">") == 250
    assert tls.code(b"RCPT TO:<alice@d.test>") == 250
    assert tls.code(b"DATA") == 354
    return peer, tls


def test_A066_cut_off_without_goodbye(world, case):
    before = world.n("alice@d.test")
    peer, tls = within_data(world.server, "smtp")
    tls.send(HDR + b"\r\nx\r\n")
    peer.half_close()
    peer.rest()
    peer.close()
    assert world.n("alice@d.test") == before
    # after the real end: there once, if at all
    peer, tls = within_data(world.server, "smtp")
    tls.send(HDR + b"\r\nx" + EOD)
    peer.half_close()
    peer.rest()
    peer.close()
    case.delivered = world.n("alice@d.test") - before
    assert case.delivered <= 1


@pytest.mark.parametrize("door", TLS_PORTS)
def test_A067_half_a_hello(world, case, door):
    """CVE-2014-3430: 500 of them, all gone at the handshake's deadline.  (What
    OpenSSL took for 500 at once leaves holes in the heap, and no more the
    second time.)"""
    case.peak_mib, case.rest_mib = 64, 48
    peers = [Peer(world.server, door, tls=False, greet=False) for _ in range(500)]
    for peer in peers:
        peer.send(b"\x16\x03\x01")
    world.oracle.greets()
    assert all(peer.is_closed() for peer in peers)
    for peer in peers:
        peer.close()


def test_A067_half_a_handshake_after_starttls(world):
    with Peer(world.server, "smtp") as smtp_peer, Peer(world.server, "pop3") as pop3_peer:
        for peer in (smtp_peer, pop3_peer):
            assert upgrade(peer)
            peer.send(b"\x16\x03\x01")
        assert smtp_peer.is_closed() and pop3_peer.is_closed()


def client_hello(name):
    """A ClientHello for this server name, whatever it is."""
    outward = ssl.MemoryBIO()
    stand_in = re.sub("x{60}(?=xx)", "x" * 59 + ".", "x" * len(name)) or None  # as long
    tls = client_context().wrap_bio(ssl.MemoryBIO(), outward, server_hostname=stand_in)
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    hello = outward.read()
    return hello.replace(stand_in.encode(), name) if name else hello


@pytest.mark.parametrize("name", [b"unknown.test", b"n" * 253, b"", b"\xff\xfe\xfd", b"127.0.0.1", b"a\x00b",
                                  b"mx.d.test\x00evil"],
                         ids=["unknown", "long", "none", "binary", "ip", "nul", "nul_in_name"])
def test_A068_server_names(world, name):
    """The one certificate, or an alert: and nobody falls over."""
    with Peer(world.server, "submissions", tls=False, greet=False) as peer:
        peer.send(client_hello(name))
        got = peer.during(0.3)[0]
        assert got[:1] in (b"\x16", b"\x15", b"")


def test_A068_many_server_names(world, case):
    """CVE-2017-15130: no memory is kept for a name."""
    case.cpu_s = 6
    for _ in range(300):
        with Peer(world.server, "submissions", tls=False, greet=False) as peer:
            peer.secure(client_context(world.server.ca), name=f"{random.getrandbits(80):x}.test")
            assert peer.line().startswith(b"220 ")


@pytest.mark.parametrize("door, offer, taken", [
    ("pop3s", ["pop3"], True), ("pop3s", ["h2", "http/1.1"], False), ("pop3s", ["imap"], False),
    ("submissions", ["h2"], False), ("submissions", ["http/1.1"], False), ("submissions", None, True),
    ("pop3s", None, True)])
def test_A069_alpn(world, door, offer, taken):
    """RFC 7301 s3.2, RFC 9325 s3.8"""
    with Peer(world.server, door, tls=False, greet=False) as peer:
        if taken:
            peer.secure(client_context(world.server.ca, offer))
            assert peer.line().startswith((b"220 ", b"+OK"))
        else:
            with pytest.raises(ssl.SSLError, match="(?i)no.application.protocol"):
                peer.secure(client_context(world.server.ca, offer))


def session_of(server, door, version):
    context = client_context(server.ca)
    context.minimum_version = context.maximum_version = version
    peer = Peer(server, door, tls=False, greet=False)
    tls = Records(peer, context).shake_hands()
    tls.line()  # the tickets of TLS 1.3 come with the first data
    session = tls.tls.session
    assert session.has_ticket
    peer.close()
    return context, session


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
@pytest.mark.parametrize("given, used", [("submissions", "pop3s"), ("pop3s", "submissions"), ("submissions", "smtp"),
                                         ("pop3s", "pop3"), ("submissions", "imaps"), ("imaps", "submissions"),
                                         ("imaps", "smtp")])
def test_A070_ticket_of_another_service(world, given, used, version):
    """A full handshake, or none (Postfix 20260805)."""
    context, session = session_of(world.server, given, version)
    with Peer(world.server, used, tls=False, greet=used in UPGRADES) as peer:
        if used in UPGRADES:
            assert upgrade(peer)
        try:
            tls = Records(peer, context, session=session).shake_hands()
        except ssl.SSLError:
            return
        if given == "pop3s" and used == "pop3":
            return  # one daemon, one service: may resume
        assert not tls.tls.session_reused or {given, used} <= {"submissions", "smtp"}


def test_A071_no_early_data(world, tmp_path):
    """RFC 8446 s8: what could be replayed is not heard."""
    file, early = tmp_path / "session", tmp_path / "early"
    early.write_bytes(b"EHLO early.test\r\nNOOP\r\n")
    openssl(world.server, "submissions", "-tls1_3", "-sess_out", str(file), "-ign_eof", say=b"QUIT\r\n")
    assert file.exists()
    got = openssl(world.server, "submissions", "-tls1_3", "-sess_in", str(file), "-early_data", str(early),
                  "-ign_eof", say=b"QUIT\r\n")
    assert b"Early data was not sent" in got or b"Early data was rejected" in got
    assert b"early.test" not in got.split(b"220 ")[-1]


def served(server, door="submissions"):
    """The certificate a new client sees."""
    with Peer(server, door, tls=False, greet=False) as peer:
        peer.secure(client_context())
        return peer.sock.getpeercert(True)


CA = """[ca]
default_ca = a
[a]
dir = {0}
database = {0}/{1}.index
new_certs_dir = {0}
rand_serial = yes
policy = p
default_md = sha256
[p]
commonName = supplied
"""


def make_certificate(tmp_path, name, year=2099):
    """Self-signed, good until that year."""
    cert, key, conf = (tmp_path / f"{name}.{end}" for end in ("pem", "key", "conf"))
    conf.write_text(CA.format(tmp_path, name))
    (tmp_path / f"{name}.index").touch()
    new = ["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}",
           "-keyout", str(key), "-out", str(tmp_path / f"{name}.csr")]
    sign = ["ca", "-config", str(conf), "-batch", "-selfsign", "-keyfile", str(key), "-in", str(tmp_path / f"{name}.csr"),
            "-notext", "-startdate", "20200101000000Z", "-enddate", f"{year}0101000000Z", "-out", str(cert)]
    for words in (new, sign):
        subprocess.run(["openssl", *words], check=True, capture_output=True)
    return cert.read_bytes(), key.read_bytes()


def reload(world, cert, key):
    """Put these in place, HUP all, give the log lines it led to."""
    seen = len(world.server.log_text())
    (world.server.dir / "cert.pem").write_bytes(cert)
    (world.server.dir / "key.pem").write_bytes(key)
    for name in ("smtpd", "popd"):
        os.kill(world.oracle.pids[name], 1)

    def lines():
        return [l for l in world.server.log_text()[seen:].splitlines() if "certificate" in l]

    wait_for(lambda: len(lines()) >= 2)
    return lines()


def test_A072_new_certificate_under_way(world, case, tmp_path):
    old = [(world.server.dir / f).read_bytes() for f in ("cert.pem", "key.pem")]
    good, other = make_certificate(tmp_path, "new.test"), make_certificate(tmp_path, "other.test")
    expired = make_certificate(tmp_path, "expired.test", 2021)
    first = served(world.server)
    sessions = [Peer(world.server, "submissions").hello() for _ in range(50)]
    sessions += [Peer(world.server, "pop3s") for _ in range(50)]
    try:
        assert len(reload(world, *good)) == 2
        second = served(world.server)
        assert second != first and served(world.server, "pop3s") == second
        for name, (cert, key) in {"mismatch": (good[0], other[1]), "empty": (b"", b""), "no key": (good[0], b""),
                                  "garbage": (b"-----BEGIN CERTIFICATE-----\nAAAA\n", good[1]),
                                  "expired": expired}.items():
            lines = reload(world, cert, key)
            assert len(lines) == 2 and all(re.search("old .*stays", l) for l in lines), (name, lines)
            assert served(world.server) == served(world.server, "pop3s") == second, name
        assert all(peer.code(b"NOOP") == 250 for peer in sessions[:50])
        assert all(peer.pop(b"CAPA").startswith(b"+OK") for peer in sessions[50:])
    finally:
        reload(world, *old)
        for peer in sessions:
            peer.close()
    assert served(world.server) == first


@pytest.mark.parametrize("command", [b"MAIL FROM:<alice@d.test>\r\n", b"NOOP\r\n"])
def test_A073_plain_words_after_the_end_of_tls(world, command):
    peer = Peer(world.server, "submissions", tls=False, greet=False)
    tls = Records(peer).shake_hands()
    assert tls.reply() == 220 and tls.code(b"EHLO c.test") == 250
    assert tls.code(b"AUTH PLAIN " + plain("alice@d.test", world.server.password("alice@d.test"))) == 235
    tls.say_goodbye()
    peer.send(command)
    got = peer.rest()
    assert b"250 " not in got
    peer.close()


def test_A073_plain_words_after_login_by_imap(world):
    with Peer(world.server, "imaps", tls=False, greet=False) as peer:
        tls = Records(peer).shake_hands()
        assert tls.line().startswith(b"* OK")
        tls.send(b"a LOGIN alice@d.test %s\r\n" % world.server.password("alice@d.test").encode())
        assert tls.line().startswith(b"a OK")
        tls.say_goodbye()
        peer.send(b"b SELECT INBOX\r\nc NOOP\r\n")
        got = peer.rest()
        assert b"EXISTS" not in got and b"c OK" not in got
