# SPDX-License-Identifier: MIT
"""Who may talk to us on port 25, in the order of least cost: rates, the greet
delay, DNSBLs, HELO, greylisting; what people's moving to Junk teaches; and how
much an account may send.

Peers are whoever a PROXY header says: 127.0.0.9 is the proxy, everybody else on
loopback is exempt."""
import contextlib
import pathlib
import smtplib
import socket
import ssl
import struct
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from pennypost import Server, StubDns, wait_for  # noqa: E402

PROXY = "127.0.0.9"
ALICE, BOB = "alice@d.test", "bob@d.test"
SETTINGS = {"policy.proxies": PROXY, "policy.dnsbl": "none", "policy.greylist": "no",
            "smtp.greet_delay": "0s"}


def version1(ip):
    return b"PROXY TCP%c %s %s 4711 25\r\n" % (
        b"6" if ":" in ip else b"4", ip.encode(), b"::1" if ":" in ip else b"127.0.0.1")


def version2(ip):
    v6 = ":" in ip
    family = socket.AF_INET6 if v6 else socket.AF_INET
    addresses = socket.inet_pton(family, ip) + socket.inet_pton(family, "::1" if v6 else "127.0.0.1")
    addresses += struct.pack(">HH", 4711, 25) + b"\x04\x00\x03abc"  # a TLV to read past
    return (b"\r\n\r\n\x00\r\nQUIT\n" + bytes([0x21, 0x21 if v6 else 0x11])
            + struct.pack(">H", len(addresses)) + addresses)


def connect(server, first=b"", service="smtp", source=PROXY):
    """A socket that has said this at once."""
    s = socket.create_connection((server.host, server.ports[service]), 60, (source, 0))
    if first:
        s.sendall(first)
    return s


def read_line(s):
    line = b""
    while not line.endswith(b"\n"):
        got = s.recv(1)
        if not got:
            break
        line += got
    return line


def read_end(s):
    """All until the peer closes."""
    said = b""
    with contextlib.suppress(ConnectionResetError):
        while got := s.recv(4096):
            said += got
    return said


class Peer(smtplib.SMTP):
    """Another server, at the address a PROXY header names."""

    def __init__(self, server, ip, header=version1, helo="mx.far.test"):
        self.header = header(ip)
        super().__init__(server.host, server.ports["smtp"], local_hostname=helo, timeout=120)

    def _get_socket(self, host, port, timeout):
        s = socket.create_connection((host, port), timeout, (PROXY, 0))
        s.sendall(self.header)
        return s

    def begin(self, sender):
        self.ehlo_or_helo_if_needed()
        return self.mail(sender)


def judge_recipient(server, ip, sender="a@far.test", recipient=ALICE, header=version1):
    with Peer(server, ip, header) as peer:
        assert peer.begin(sender)[0] == 250
        return peer.rcpt(recipient)


def message(sender, subject="s"):
    return (f"From: <{sender}>\r\nTo: <{ALICE}>\r\nSubject: {subject}\r\n"
            f"Date: Sun, 22 Nov 2026 10:00:00 +0000\r\nMessage-ID: <{subject}@far.test>\r\n"
            "\r\ntext\r\n").encode()


def reverse(ip):
    return ".".join(reversed(ip.split(".")))


# ---- the PROXY header

def test_whom_the_proxy_names_is_who_it_is():
    with StubDns([]) as dns, Server(settings=SETTINGS, dns=dns.forward) as server:
        for header, ip in [(version1, "198.18.7.1"), (version2, "198.18.7.2"),
                           (version1, "2a00:1450:7::1"), (version2, "2a00:1450:7::2")]:
            with Peer(server, ip, header) as peer:
                assert peer.sendmail("a@far.test", [ALICE], message("a@far.test", ip)) == {}
            assert f"rip={ip} " in server.log_text()
        got = server.fetch(ALICE)
        assert len(got) == 4
        assert b"[198.18.7.1]" in got[0] and b"[IPv6:2a00:1450:7::2]" in got[3]
        assert not any(PROXY.encode() in m for m in got)


def test_a_proxy_without_a_name():
    with StubDns([]) as dns, Server(settings=SETTINGS, dns=dns.forward) as server:
        for header in [b"PROXY UNKNOWN\r\n", b"\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"]:
            with connect(server, header) as s:  # the proxy itself: it looks whether we are there
                assert read_line(s).startswith(b"220 ")


def test_no_header_from_a_proxy_and_none_from_others():
    settings = {**SETTINGS, "timeouts.handshake": "1s"}
    with StubDns([]) as dns, Server(settings=settings, dns=dns.forward) as server:
        for bad in [b"EHLO c.test\r\n", b"PROXY TCP4 198.18.7.3 127.0.0.1 1\r\n",
                    b"PROXY TCP4 198.18.7.3 127.0.0.1 4711 25 x\r\n", b"PROXY " + b"A" * 200,
                    b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x01x"]:
            with connect(server, bad) as s:
                assert read_end(s) == b""
        assert f"proxy rip={PROXY}: not a PROXY header" in server.log_text()
        with connect(server) as s:  # nor nothing at all
            assert read_end(s) == b""
        assert f"proxy rip={PROXY}: no PROXY header" in server.log_text()
        with connect(server, source="127.0.0.8") as s:
            assert read_line(s).startswith(b"220 ")
            s.sendall(version1("198.18.7.4"))
            assert read_line(s).startswith(b"500 ")
        with connect(server, version2("198.18.7.5"), source="127.0.0.8") as s:
            assert read_line(s).startswith(b"220 ")
            assert read_line(s).startswith(b"500 ")
        assert "198.18.7." not in server.log_text()


def test_the_header_stands_before_tls():
    """Also when the handshake begins in the same flight."""
    with StubDns([]) as dns, Server(settings=SETTINGS, dns=dns.forward) as server:
        into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = server.tls().wrap_bio(into, out, server_hostname=server.host)
        with connect(server, service="submissions") as s:
            with contextlib.suppress(ssl.SSLWantReadError):
                tls.do_handshake()
            s.sendall(version1("198.18.7.6") + out.read())
            said = b""
            while not said.endswith(b"\r\n"):
                into.write(s.recv(65536))
                with contextlib.suppress(ssl.SSLWantReadError):
                    tls.do_handshake()
                    said += tls.read(4096)
                if out.pending:
                    s.sendall(out.read())
            assert said.startswith(b"220 ")


# ---- before the greeting

def test_who_talks_before_the_greeting():
    settings = {**SETTINGS, "smtp.greet_delay": "3s"}
    with StubDns([]) as dns, Server(settings=settings, dns=dns.forward) as server:
        with connect(server, version1("198.18.2.1") + b"EHLO c.test\r\n") as s:
            assert read_end(s).startswith(b"554 5.5.1 ")
        assert "rip=198.18.2.1: talks before the greeting" in server.log_text()
        begun = time.monotonic()
        with connect(server, version1("198.18.2.2")) as s:
            assert read_line(s).startswith(b"220 ")
            assert time.monotonic() - begun >= 2.9
        # nobody of our own waits
        with connect(server, b"EHLO c.test\r\nQUIT\r\n", source="127.0.0.8") as s:
            said = read_end(s)
            assert said.startswith(b"220 ") and b"\r\n221 " in said
        # nor who brought good mail
        with Peer(server, "198.18.2.3") as peer:
            assert peer.sendmail("a@far.test", [ALICE], message("a@far.test")) == {}
        with connect(server, version1("198.18.2.3") + b"EHLO c.test\r\nQUIT\r\n") as s:
            assert read_end(s).startswith(b"220 ")
        # who leaves meanwhile is forgotten
        with connect(server, version1("198.18.2.4")):
            pass


def test_stopping_while_peers_wait():
    """For the greeting, for DNS, for a proxy's word: each is let go."""
    settings = {**SETTINGS, "policy.dns_time": "20s"}
    with StubDns([], {"1.12.18.198.in-addr.arpa": "drop"}) as dns, contextlib.ExitStack() as stack:
        server = stack.enter_context(Server(settings=settings, dns=dns.forward))
        asking = stack.enter_context(Peer(server, "198.18.12.1"))
        asking.begin("a@far.test")
        asking.putcmd("rcpt", f"TO:<{ALICE}>")
        gone = Peer(server, "198.18.12.1")
        gone.begin("a@far.test")
        gone.putcmd("rcpt", f"TO:<{ALICE}>")
        gone.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        gone.close()
        naming = stack.enter_context(connect(server))
        server.stop()
        server.start()  # for the end of `with'
        code = asking.getreply()[0]
        assert code == 421 or asking.getreply()[0] == 421  # the resolver may have given up before
        asking.close()
        with contextlib.suppress(ConnectionResetError):
            assert naming.recv(1) == b""


def test_stopping_while_greetings_are_held_back():
    settings = {**SETTINGS, "smtp.greet_delay": "30s"}
    with StubDns([]) as dns, contextlib.ExitStack() as stack:
        server = stack.enter_context(Server(settings=settings, dns=dns.forward))
        held = [stack.enter_context(connect(server, version1(f"198.18.13.{n}"))) for n in range(1, 31)]
        with server.smtp() as client:  # nobody else waits for them
            assert client.noop()[0] == 250
        for s in held[20:]:
            s.close()
        server.stop()
        server.start()
        for s in held[:20]:
            with contextlib.suppress(ConnectionResetError):
                assert read_line(s).startswith(b"421 ") or not s.recv(1)


def test_our_own_name():
    with StubDns([]) as dns, Server(settings=SETTINGS, dns=dns.forward) as server:
        with connect(server, source="127.0.0.8") as s:
            name = read_line(s).split()[1].decode()
        for helo in (name, name.upper()):
            with Peer(server, "198.18.3.1", helo=helo) as peer:
                code, text = peer.begin("a@far.test")
                assert code == 550 and text.startswith(b"5.7.1 ")
        with Peer(server, "198.18.3.1", helo="x" + name) as peer:
            assert peer.begin("a@far.test")[0] == 250


# ---- rates

def test_new_connections_are_counted_by_network():
    settings = {**SETTINGS, "policy.connection_rate": "1"}
    with StubDns([]) as dns, Server(settings=settings, dns=dns.forward) as server:
        def knock(ip):
            with connect(server, version2(ip)) as s:
                return read_line(s)

        for host, other in [("2a00:1450:1:2::%x", "2a00:1450:1:3::1"), ("198.18.4.1", "198.18.4.2")]:
            # two within a minute is one too many; a slow machine may need a few
            said = [knock(host % n if "%" in host else host) for n in range(1, 6)]
            assert said[0].startswith(b"220 ")
            assert any(line.startswith(b"421 4.7.0 ") for line in said), said
            assert knock(other).startswith(b"220 ")
        assert "too many new connections rip=198.18.4.1 service=smtp" in server.log_text()


def test_messages_are_counted_by_network():
    settings = {**SETTINGS, "policy.message_rate": "1"}
    with StubDns([]) as dns, Server(settings=settings, dns=dns.forward) as server:
        with Peer(server, "2a00:1450:5::1") as one, Peer(server, "2a00:1450:5::2") as two:
            said = []
            for n in range(8):
                peer = (one, two)[n % 2]
                said.append(peer.begin("a@far.test"))
                peer.docmd("RSET")
            assert said[0][0] == 250
            assert any(code == 450 and text.startswith(b"4.7.1 ") for code, text in said), said
        with Peer(server, "2a00:1450:6::1") as other:
            assert other.begin("a@far.test")[0] == 250


# ---- lists

def test_listed_addresses():
    bad, refused, half, both, good = (f"198.18.5.{n}" for n in range(1, 6))
    records = [[f"{reverse(bad)}.bl.test", "A", "127.0.0.2"],
               [f"{reverse(bad)}.bl.test", "TXT", '"see http://bl.test/why"'],
               [f"{reverse(refused)}.bl.test", "A", "127.255.255.254"],
               [f"{reverse(half)}.half.test", "A", "127.0.0.4"],
               [f"{reverse(both)}.bl.test", "A", "127.0.0.2"],
               [f"{reverse(both)}.good.test", "A", "127.0.0.2"],
               [f"{'.'.join(reversed('2a00145000050000' + 15 * '0' + '1'))}.bl.test", "A", "127.0.0.2"]]
    settings = {**SETTINGS, "policy.dnsbl": "bl.test=10 half.test=127.0.0.4*6 good.test=-5"}
    with StubDns(records) as dns, Server(settings=settings, dns=dns.forward) as server:
        code, text = judge_recipient(server, bad)
        assert code == 554 and text.startswith(b"5.7.1 "), text
        assert b"listed by bl.test: see http://bl.test/why" in text
        assert f"refused to=<{ALICE}> rip={bad} " in server.log_text()
        assert judge_recipient(server, "2a00:1450:5::1", header=version2)[0] == 554
        for ip in (refused, half, both, good):
            assert judge_recipient(server, ip)[0] == 250, ip
        assert f"dnsbl rip={refused} problem=" in server.log_text()
        # an unknown recipient is no better told than the list
        assert judge_recipient(server, bad, recipient="nobody@d.test")[0] == 554
        # but who is on it by mistake can say so
        assert judge_recipient(server, bad, recipient="Postmaster@d.test")[0] == 250
        assert judge_recipient(server, bad, recipient="postmaster.x@d.test")[0] == 554
        assert server.fetch(ALICE) == []


def test_a_list_that_does_not_answer_lists_nobody():
    settings = {**SETTINGS, "policy.dnsbl": "bl.test=10", "policy.dns_time": "1s"}
    with StubDns([], {"1.6.18.198.bl.test": "drop"}) as dns, \
            Server(settings=settings, dns=dns.forward) as server:
        assert judge_recipient(server, "198.18.6.1")[0] == 250


def test_settings_that_make_no_sense():
    for key, value in [("policy.exempt", "192.0.2.1/24"), ("policy.proxies", "localhost"),
                       ("policy.dnsbl", "bl.test=lots")]:
        server = Server(settings={key: value}, check=False)
        with pytest.raises(AssertionError, match="did not start") as why:
            try:
                server.start()
            finally:
                server.process.kill()
                server.stop(judge=True)
        assert f"{key.split('.')[1]}: " in str(why.value) and value in str(why.value)


# ---- greylisting

GREY = {**SETTINGS, "policy.greylist": "yes", "policy.greylist_wait": "1s"}


def test_a_stranger_comes_again():
    with StubDns([]) as dns, Server(settings=GREY, dns=dns.forward) as server:
        code, text = judge_recipient(server, "198.18.8.1")
        assert code == 451 and text.startswith(b"4.7.1 ")
        assert f"greylisted from=<a@far.test> to=<{ALICE}> rip=198.18.8.1 network=198.18.8.0/24 " \
            "iprev=permerror spf=none" in server.log_text()
        wait_for(lambda: judge_recipient(server, "198.18.8.1")[0] == 250, 60, "the greylist to open")
        # another address of the network is the same server
        assert judge_recipient(server, "198.18.8.2")[0] == 250
        # other recipients, senders and networks are new
        assert judge_recipient(server, "198.18.8.1", recipient=BOB)[0] == 451
        assert judge_recipient(server, "198.18.8.1", sender="b@far.test")[0] == 451
        assert judge_recipient(server, "198.18.9.1")[0] == 451
        # nobody hears that there is an address before it is refused
        assert judge_recipient(server, "198.18.9.1", recipient="nobody@d.test")[0] == 550
        # once it brought good mail it is no stranger
        with Peer(server, "198.18.8.1") as peer:
            assert peer.sendmail("a@far.test", [ALICE], message("a@far.test")) == {}
        assert judge_recipient(server, "198.18.8.1", recipient="carol@e.test")[0] == 250


def test_who_is_no_stranger():
    records = [[f"{reverse('198.18.10.1')}.in-addr.arpa", "PTR", "mx.fcr.test."],
               ["mx.fcr.test", "A", "198.18.10.1"],
               [f"{reverse('198.18.10.2')}.in-addr.arpa", "PTR", "mx.fcr.test."],
               ["spf.test", "TXT", '"v=spf1 ip4:198.18.10.3 -all"'],
               ["known.test", "MX", "0 ."]]
    with StubDns(records) as dns, Server(settings=GREY, dns=dns.forward) as server:
        assert judge_recipient(server, "198.18.10.1")[0] == 250  # its name leads back to it
        assert judge_recipient(server, "198.18.10.2")[0] == 451  # somebody else's does not
        assert judge_recipient(server, "198.18.10.3", "a@spf.test")[0] == 250
        assert judge_recipient(server, "198.18.10.4", "friend@known.test")[0] == 451
        server.submit(ALICE, ["Friend@Known.test"], message(ALICE))
        assert judge_recipient(server, "198.18.10.5", "friend@known.test")[0] == 250
        assert server.ctl("check", "--json")["ok"] is True


# ---- what people teach

def test_junk_is_learned_and_unlearned():
    sender = "news@spf.test"
    records = [["spf.test", "TXT", '"v=spf1 ip4:198.18.11.1 -all"'],
               ["_dmarc.spf.test", "TXT", '"v=DMARC1; p=none"'],
               ["spf.test", "MX", "10 mx.spf.test."], ["mx.spf.test", "A", "198.18.11.1"]]
    with StubDns(records) as dns, Server(settings=SETTINGS, dns=dns.forward) as server:
        def deliver(subject):
            with Peer(server, "198.18.11.1") as peer:
                assert peer.sendmail(sender, [ALICE], message(sender, subject)) == {}

        def count(imap, box):
            return int(imap.select(box)[1][0])

        deliver("one")
        deliver("two")
        imap = server.imap(ALICE)
        assert (count(imap, "Junk"), count(imap, "INBOX")) == (0, 2)
        assert imap.uid("MOVE", "1:*", "Junk")[0] == "OK"
        deliver("three")
        assert (count(imap, "INBOX"), count(imap, "Junk")) == (0, 3)
        assert imap.uid("MOVE", "1:*", "INBOX")[0] == "OK"
        deliver("four")
        assert (count(imap, "Junk"), count(imap, "INBOX")) == (0, 4)
        imap.logout()
        assert server.ctl("check", "--json")["ok"] is True


# ---- what an account may send

@pytest.mark.parametrize("setting, words, recipients", [
    ("messages_per_hour", b"more than 2 messages in an hour", [[BOB], [BOB], [BOB]]),
    ("recipients_per_day", b"to more than 2 recipients in a day", [[BOB, "carol@e.test"], [BOB]]),
    ("new_recipients_per_day", b"to more than 2 people in a day",
     [[BOB, "carol@e.test"], [BOB], [ALICE]]),
])
def test_submission_limits(setting, words, recipients):
    with Server(settings={f"submission.{setting}": "2"}) as server:
        *good, over = recipients
        for n, names in enumerate(good):
            assert server.submit(ALICE, names, message(ALICE, f"n{n}")) == {}
        for _ in range(2):
            with pytest.raises(smtplib.SMTPDataError) as why:
                server.submit(ALICE, over, message(ALICE, "over"))
            assert why.value.smtp_code == 450 and why.value.smtp_error.startswith(b"4.7.1 ")
            assert words in why.value.smtp_error
        notice, = wait_for(lambda: server.fetch(ALICE), 60, "the notice")
        assert b"Subject: Your account was stopped from sending\r\n" in notice
        assert notice.startswith(b"Return-Path: <>\r\n")
        assert words in notice and f"submission.{setting}".encode() in notice
        assert len(server.fetch(BOB)) == len(good)
        # others go on
        assert server.submit(BOB, [ALICE], message(BOB, "other")) == {}
        assert len(server.fetch(ALICE)) == 2  # one notice for all
        assert server.ctl("check", "--json")["ok"] is True


# ---- what holds at one door

def door(options):
    return {**SETTINGS, "policy.dnsbl": "bl.test=10", "listen.smtp": f"127.0.0.1:0,{options}"}


def test_a_door_where_nobody_is_judged():
    records = [["1.14.18.198.bl.test", "A", "127.0.0.2"]]
    for options, code in [("judge=no", 250), ("judge=yes", 554)]:
        with StubDns(records) as dns, Server(settings=door(options), dns=dns.forward) as server:
            assert judge_recipient(server, "198.18.14.1")[0] == code


def test_a_door_with_limits_of_its_own():
    with Server(settings=door("tls=required,size=2K,recipients=1")) as server:
        with server.smtp() as client:
            assert client.esmtp_features["size"] == "2048"
            assert client.mail("a@far.test")[0] == 530
            client.starttls(context=server.tls())
            client.ehlo()
            assert client.mail("a@far.test")[0] == 250
            assert client.rcpt(ALICE)[0] == 250
            assert client.rcpt(BOB)[0] == 452
        with server.submission(ALICE) as client:  # another door
            assert client.esmtp_features["size"] != "2048"


def test_a_door_for_proxies():
    with StubDns([]) as dns, Server(settings=door("proxy=required"), dns=dns.forward) as server:
        with connect(server, version1("198.18.15.1"), source="127.0.0.8") as s:
            assert read_end(s) == b""
        assert "proxy rip=127.0.0.8 service=smtp: not in policy.proxies" in server.log_text()
        assert judge_recipient(server, "198.18.15.1")[0] == 250
