# SPDX-License-Identifier: MIT
"""A094-A107 and what of A092-A110 IMAP reads: messages made to hurt, in by SMTP
and out by FETCH, SEARCH, SORT and THREAD.  Whatever is answered must be read by
the strict parser (tests/e2e/imap_grammar.py) to its last octet."""
import base64

import pytest

from wire import EOD, HDR, imap, smtp

SETTINGS = {"limits.connections_per_address": 400}
BOB = "bob@d.test"
ITEMS = b"(UID RFC822.SIZE ENVELOPE BODYSTRUCTURE BODY BODY.PEEK[] BODY.PEEK[HEADER] BODY.PEEK[TEXT] BODY.PEEK[1] BODY.PEEK[1.MIME]" \
        b" BODY.PEEK[1.2.3] BINARY.SIZE[1] PREVIEW BODY.PEEK[HEADER.FIELDS (Subject From Content-Type)])"
QUERIES = [b"SEARCH TEXT needle", b"SEARCH FROM x", b"SEARCH SUBJECT y", b"SEARCH HEADER Content-Type multipart", b"SEARCH BODY zebra",
           b"SEARCH SENTON 1-Jan-2026", b"SORT (SUBJECT FROM TO CC DATE SIZE) UTF-8 ALL", b"SORT (DISPLAYFROM DISPLAYTO) UTF-8 ALL",
           b"THREAD REFERENCES UTF-8 ALL", b"THREAD ORDEREDSUBJECT UTF-8 ALL"]


@pytest.fixture(autouse=True)
def empty(world, case):
    """bob's INBOX has nothing in it."""
    case.any_mail = True
    case.peak_mib = 32
    with imap(world.server, BOB, box=b"INBOX") as peer:
        peer.imap_ok(b"UID STORE 1:* +FLAGS.SILENT (\\Deleted)")
        peer.imap_ok(b"EXPUNGE")


def stuffed(text):
    return b"\r\n".join(b"." + l if l.startswith(b".") else l for l in text.split(b"\r\n"))


def give(world, text):
    """Deliver to bob; the code of the reply."""
    text = text if text.endswith(b"\r\n") else text + b"\r\n"
    with smtp(world.server, timeout=120).begin(to=[BOB.encode()]) as peer:
        peer.send(stuffed(text) + b".\r\n")
        return peer.code()


def put(world, text):
    """The same by APPEND, which asks for less."""
    with imap(world.server, BOB, timeout=120) as peer:
        return peer.append(text)


def read(world, timeout=120):
    """All that can be asked of bob's INBOX; the FETCH responses."""
    with imap(world.server, BOB, box=b"INBOX", timeout=timeout) as peer:
        said = [r for r in peer.imap(b"FETCH 1:* " + ITEMS)[1] if r.kind == "FETCH"]
        for r in said:
            whole = r.values["BODY[]"]
            assert r.values["RFC822.SIZE"] == len(whole)
            assert r.values["BODY[HEADER]"] + r.values["BODY[TEXT]"] == whole
        for query in QUERIES:
            assert peer.imap_says(query) == "OK", query
        return said


def both(world, text):
    """Delivered, or refused; and appended, if it may be."""
    code = give(world, text)
    assert code in (250, 550, 552, 554)
    says = put(world, text)
    assert says.split()[0] in ("OK", "NO")
    return read(world)


def multipart(boundary, parts, head=b""):
    return head + b"Content-Type: multipart/mixed; boundary=\"" + boundary + b"\"\r\n\r\n" + parts


def test_A092_fields_by_append(world, case):
    """CVE-2024-23184: SMTP refuses 200,000 (test_content.py); APPEND takes them, and all is quick."""
    case.cpu_s, case.peak_mib = 8, 48
    for field in (b"To: a@b.c\r\n", b"References: <a@b>\r\n", b"X: y\r\n", b"Subject: x\r\n", b"Content-Type: a/b; c=d\r\n"):
        assert put(world, HDR + field * 200000 + b"\r\nx\r\n").startswith(("OK", "NO"))
    for r in read(world):
        assert len(r.line) < 30 * 1048576


def test_A093_enormous_fields_by_append(world, case):
    """CVE-2024-23185, CVE-2020-28020"""
    case.cpu_s, case.peak_mib = 8, 96
    for field in (b"Subject: " + b"A" * 5000000, b"Subject: x" + b"\r\n x" * 100000, b"To: " + b"a@b.c,\r\n " * 100000,
                  b"Content-Type: text/plain; name=" + b"n" * 3000000, b"Message-ID: <" + b"i" * 1000000 + b">"):
        assert put(world, HDR + field + b"\r\n\r\nx\r\n").startswith(("OK", "NO"))
    read(world)


def nested(depth):
    text = b""
    for n in range(depth):
        text += b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n)
    return HDR + text + b"\r\nleaf\r\n"


@pytest.mark.parametrize("depth", [99, 100, 101, 10000])
def test_A094_nested_multiparts(world, case, depth):
    """CVE-2006-1173, CVE-2020-12100: what is deeper is a leaf."""
    case.cpu_s = 4
    said = both(world, nested(depth))
    assert said and max(depth_of(r.values["BODYSTRUCTURE"]) for r in said) <= 110


def depth_of(body):
    """Parentheses in the parsed structure."""
    deepest, todo = 0, [(body, 0)]
    while todo:
        node, depth = todo.pop()
        deepest = max(deepest, depth)
        if isinstance(node, (list, tuple)):
            todo += [(child, depth + 1) for child in node]
        elif isinstance(node, dict):
            todo += [(child, depth) for child in node.values()]
        elif hasattr(node, "__dict__"):
            todo += [(child, depth + 1) for child in vars(node).values()]
    return deepest


@pytest.mark.parametrize("count", [9999, 10000, 10001, 1000000])
def test_A095_many_parts(world, case, count):
    """CVE-2020-12100, CVE-2020-25275"""
    case.cpu_s, case.peak_mib = 6, 48
    text = multipart(b"b", b"--b\r\n\r\n" * count, HDR)
    if len(text) < 10485760:
        both(world, text)


def test_A096_messages_in_messages(world, case):
    """CVE-2026-26312: no cycle, and an end."""
    case.cpu_s = 6
    both(world, HDR + b"Content-Type: message/rfc822\r\n\r\n" * 5000 + b"x\r\n")
    own = multipart(b"b", b"--b\r\nContent-Type: message/rfc822\r\n\r\n" + multipart(b"b", b"--b\r\n\r\nx\r\n--b--\r\n") + b"--b--\r\n", HDR)
    assert len(both(world, own)) > 1


@pytest.mark.parametrize("params", [
    b"".join(b"; a%d*%d*=x" % (n, n) for n in range(20000)), b"".join(b"; a*%d*=x" % n for n in range(20000)),
    b"; a*0=x; a*2=y", b"; a*4294967296*=z; a*18446744073709551616=q; a*-1=r", b"; a*0*=" + b"x" * 10000 + b"''y", b"; a*=utf-8''%%%ff%0d%0a",
    b"; =x; ==; ;;;; a", b"; a=\"" + b"\\" * 5000, b"; charset*=us-ascii'en'x%00y", b"; a=" + b"(" * 20000], ids=range(10))
def test_A097_parameters(world, case, params):
    """CVE-2026-27859"""
    case.cpu_s = 3
    both(world, HDR + b"Content-Type: text/plain" + params.replace(b"; ", b";\r\n ") + b"\r\n\r\nx\r\n")


PIECES = b"--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n"
BOUNDARIES = {
    "missing": HDR + b"Content-Type: multipart/mixed\r\n\r\n" + PIECES, "empty": multipart(b"", b"--\r\n\r\none\r\n----\r\n", HDR),
    "71": multipart(b"b" * 71, b"--" + b"b" * 71 + b"\r\n\r\nx\r\n", HDR), "70K": multipart(b"b" * 70000, b"--" + b"b" * 70000 + b"\r\n\r\nx\r\n", HDR),
    "space": multipart(b"b  ", b"--b  \r\n\r\none\r\n--b\r\n", HDR), "quotes": multipart(b'a\\"b\\\\', b'--a"b\\\r\n\r\nx\r\n', HDR),
    "twice": HDR + b"Content-Type: multipart/mixed; boundary=a; boundary=b\r\n\r\n" + PIECES,
    "two_fields": HDR + b"Content-Type: text/plain\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + PIECES,
    "cut": multipart(b"boundary", b"--boundary\r\n\r\none\r\n--boun", HDR), "cut_dash": multipart(b"b", b"--b\r\n\r\none\r\n-", HDR),
    "prefix": multipart(b"b", b"--b\r\n" + multipart(b"bb", b"--bb\r\n\r\nx\r\n--bb--\r\n") + b"--b--\r\n", HDR),
    "prefix2": multipart(b"bb", b"--bb\r\n" + multipart(b"b", b"--b\r\n\r\nx\r\n--bb\r\n\r\ny\r\n--b--\r\n") + b"--bb--\r\n", HDR),
    "no_header": multipart(b"b", b"--b", HDR), "only_end": multipart(b"b", b"--b--\r\n", HDR), "8bit": multipart(b"\xff\xfe", b"--\xff\xfe\r\n\r\nx\r\n", HDR),
    "encoded": HDR + b"Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.b64encode(PIECES) + b"\r\n",
}


def test_A098_boundaries(world, case):
    """CVE-2024-28054, cyrus #1256, Dovecot 28d545da81: and each time the same."""
    case.cpu_s = 10
    for text in BOUNDARIES.values():
        text = text if text.endswith(b"\r\n") else text + b"\r\n"  # as SMTP has it
        assert give(world, text) == 250
        assert put(world, text).startswith("OK")
    first = [r.values["BODYSTRUCTURE"] for r in read(world)]
    assert [r.values["BODYSTRUCTURE"] for r in read(world)] == first and len(first) == 2 * len(BOUNDARIES)
    # what came by SMTP and by APPEND is read alike
    assert first[0::2] == first[1::2]


@pytest.mark.parametrize("field", [b"From: a@b.c (x\\", b"Content-Type: text/plain (\\", b"To: \"abc\\", b"Content-Disposition: x (\\",
                                   b"Date: (\\", b"Subject: =?utf-8?q?=", b"References: <a (\\", b"Content-Type: (", b"To: <a@", b"To: \""],
                         ids=range(10))
def test_A099_cut_off(world, case, field):
    """CVE-2026-47088, CVE-2017-14461: no octet that is not in the message."""
    case.cpu_s = 3
    for text in (HDR.split(b"Message-ID")[0] + field + b"\r\n\r\n", HDR + field + b"\r\n", field):
        both(world, text)


ADDRESSES = [b"<", b">", b"@", b"a@", b"a@b.c <", b"group:;", b"g: a@b, c@d;", b"(" * 10000, b'"' * 1001, b"",
             b"=?utf-8?B?PGFkbWluQHguY29tPg==?= <b@c>", b",\r\n " * 80000, b"g:" * 5000, b";" * 10000, b"<" * 10000, b"a@[" * 3000,
             b"@a,@b:c@d", b"<@a,@b:c@d>", b"\\" * 5000, b"a b c d <e@f> g <h@i>", b"a@b@c@d", b'"a\\"b\\\\" <"c d"@e>', b"(a(b(c)d)e) f@g (h)",
             b"g: h: i@j;;", b"<a@b", b"\xff\xfe <a@b>", b"a@b, " * 3000, b"undisclosed-recipients:;", b"\x01\x02@\x03"]


def test_A100_addresses(world, case):
    """CVE-2008-4907, CVE-2019-19722: an ENVELOPE that parses, whatever stood there."""
    case.cpu_s, case.peak_mib = 16, 64
    for address in ADDRESSES:
        for name in (b"From", b"To", b"Cc"):
            text = b"Subject: s\r\n%s: %s\r\n\r\nx\r\n" % (name, address)
            assert put(world, text).startswith("OK"), address[:40]
    assert len(read(world)) == 3 * len(ADDRESSES)


OCTETS = [b"\xff\xfe\x00a", b"\xc3", b"\xc0\xaf", b"\xed\xa0\x80\xed\xb0\x80", b"\xf4\x90\x80\x80", b"\xef\xbb\xbfx", b"a\xe2\x82"]


def test_A101_charsets(world, case):
    """CVE-2020-7046/7957, CVE-2026-40686"""
    case.cpu_s = 16
    for octets in OCTETS:
        word = b"=?%s?B?" + base64.b64encode(octets) + b"?="
        for charset in (b"utf-8", b"utf-16", b"utf-7", b"x-unknown", b"iso-2022-jp", b"us-ascii", b"", b"utf-8*en"):
            text = (b"From: a@b.c\r\nSubject: " + (word % charset) + b" " + (word % charset) + b"\r\nContent-Type: text/plain; charset=\"" + charset +
                    b"\"\r\n\r\n" + octets.replace(b"\0", b"") + b"\r\n")
            assert put(world, text).startswith(("OK", "NO"))
    for encoding, body in ((b"quoted-printable", b"=\r\n=4\r\n=\r"), (b"quoted-printable", b"=GG=0=\r\n="), (b"base64", b"===="), (b"base64", b"A"),
                           (b"base64", b"QUJD=QUJD=\r\n====QQ"), (b"base64", b"\xff\xff"), (b"x-uuencode", b"begin 644 x\r\n"), (b"8bit", b"\xff"),
                           (b"7bit\xff", b"x"), (b"binary", b"x"), (b"", b"x")):
        text = b"From: a@b.c\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: " + encoding + b"\r\n\r\n" + body + b"\r\n"
        assert put(world, text).startswith(("OK", "NO"))
    read(world)
    with imap(world.server, BOB, box=b"INBOX") as peer:
        for r in peer.imap(b"UID FETCH 1:* (BINARY.PEEK[1])")[1]:
            assert r.kind in ("FETCH", "NO", "OK")


def test_A102_nul_by_append(world, case):
    """literal8 brings it in: then it is served, and nothing is cut."""
    text = b"From: a@b.c\r\nSubject: x\0y\r\nX: \0\r\n\r\nbody\0\0more\r\n"
    with imap(world.server, BOB, box=b"INBOX") as peer:
        says = peer.imap_says(b"APPEND INBOX ~{%d+}\r\n" % len(text) + text)
        assert says.startswith(("OK", "NO"))
        if says.startswith("OK"):
            size, = [r.values["RFC822.SIZE"] for r in peer.imap_ok(b"FETCH 1 (RFC822.SIZE)") if r.kind == "FETCH"]
            assert size == len(text)
            assert peer.imap_says(b"FETCH 1 (BINARY.SIZE[] ENVELOPE BODYSTRUCTURE PREVIEW)") == "OK"
            whole, = [r.values["BINARY[]"] for r in peer.imap_ok(b"FETCH 1 (BINARY.PEEK[])") if r.kind == "FETCH"]
            assert whole == text


EVIL = b'x"\r\n* 1 EXISTS\r\n* BYE\r\n\\ {5}\r\n'


def test_A104_what_a_message_says_is_no_response(world, case):
    """RFC 9051 s9: a strict parser reads it all, and there is no line too many."""
    case.cpu_s = 6
    word = b"=?utf-8?B?" + base64.b64encode(EVIL) + b"?="
    percent = b"".join(b"%%%02X" % c for c in EVIL)
    head = (b"From: \"a\\\"b\\\\c {5}\" <x@y.z>, " + word + b" <" + word + b"@y.z>\r\nTo: {5}: a@b;\r\nSubject: " + word + b"\r\n"
            b"Message-ID: <a\"b\\c{5}@d>\r\nIn-Reply-To: <\"{3}@x>\r\nContent-ID: <a\"{9}>\r\nContent-Description: \"{7}\" " + word + b"\r\n"
            b"Content-Language: en, \"x{3}\", (\"\r\nContent-Location: a\"b{3}\r\nContent-MD5: \"{3}\r\n"
            b"Content-Disposition: attachment; filename*=utf-8''" + percent + b"; a=\"{5}\\\"\"\r\n"
            b"Content-Type: text/\"plain; name=\"{5}\\\\\"; charset*0*=utf-8''" + percent + b"\r\nContent-Transfer-Encoding: {5}\r\n")
    for text in (head + b"\r\n{5}\r\n* 1 EXISTS\r\n", head.replace(b"text/\"plain", b"message/rfc822") + b"\r\n" + head + b"\r\nx\r\n",
                 head.replace(b"text/\"plain", b"multipart/mixed; boundary=b") + b"\r\n--b\r\n" + head + b"\r\nx\r\n--b--\r\n"):
        for one in (text, text.replace(b"{5}", b"\xff{5}\xfe")):
            both(world, one)
    with imap(world.server, BOB, box=b"INBOX") as peer:
        _, said = peer.imap(b"FETCH 1:* (ENVELOPE BODYSTRUCTURE PREVIEW)")
        assert all(r.kind in ("FETCH", "EXISTS", "RECENT") for r in said)
        peer.imap_ok(b"NOOP")


@pytest.mark.parametrize("date", [b"Thu, 99 Feb 2026 99:99:99 +9999", b"1 Jan 99999999999 00:00:00 +0000", b"x" * 65536, b"", b"1 Jan 2026",
                                  b"Mon, 1 Jan 0000 00:00:00 +0000", b"1 Jan 1 0:0:0 -9999", b"31 Dec 9999 23:59:60 -1200", b"(((((", b"\xff\xff"])
def test_A106_dates(world, case, date):
    """Dovecot a0fa3b1646: the order is by arrival then; nothing falls over."""
    case.cpu_s = 4
    text = b"From: a@b.c\r\nDate: " + date + b"\r\n\r\nx\r\n"
    assert give(world, text) in (250, 554)
    assert put(world, text).startswith("OK")
    with imap(world.server, BOB, box=b"INBOX") as peer:
        for query in (b"SORT (DATE) UTF-8 ALL", b"SEARCH SENTON 1-Jan-2026", b"SEARCH SENTBEFORE 1-Jan-1970", b"THREAD ORDEREDSUBJECT UTF-8 ALL"):
            assert peer.imap_says(query) == "OK"
        assert all("INTERNALDATE" in r.values for r in peer.imap_ok(b"FETCH 1:* (INTERNALDATE ENVELOPE)") if r.kind == "FETCH")


def test_A107_references(world, case):
    """Dovecot 14b19a6370, 83f2593552: many, cyclic, doubled and long ones."""
    case.cpu_s, case.peak_mib = 20, 96
    def message(own, refs):
        return b"From: a@b.c\r\nSubject: re\r\nMessage-ID: <%s>\r\nReferences: %s\r\n\r\nx\r\n" % (own, b"\r\n ".join(b"<%s>" % r for r in refs))

    texts = [message(b"m%d@x" % n, [b"%d-%d@x" % (n, k) for k in range(18000)]) for n in range(6)]
    texts += [message(b"self@x", [b"self@x"]), message(b"a@x", [b"b@x"]), message(b"b@x", [b"c@x"]), message(b"c@x", [b"a@x"]),
              message(b"dup@x", [b"a@x"]), message(b"dup@x", [b"dup@x", b"b@x"]), message(b"l" * 100000, [b"k" * 100000])]
    texts += [message(b"%d@x" % n, [b"%d@x" % k for k in range(max(0, n - 200), n)]) for n in range(300)]
    texts += [message(b"%d@y" % n, [b"%d@y" % (n + 1)]) for n in range(100)]
    with imap(world.server, BOB, timeout=120) as peer:
        for text in texts:
            assert peer.append(text).startswith("OK")
        peer.imap_ok(b"SELECT INBOX")
        with imap(world.server, BOB, box=b"INBOX", timeout=120) as other:
            for n in range(5):
                tag = peer.begin_imap(b"THREAD REFERENCES UTF-8 ALL")
                other.imap_ok(b"STORE %d +FLAGS.SILENT (\\Deleted)" % (n + 3))
                other.imap_ok(b"EXPUNGE")
                while (got := peer.parsed()).tag != tag:
                    assert got.kind != "EXPUNGE"
                assert got.kind == "OK"
                peer.imap_ok(b"NOOP")
