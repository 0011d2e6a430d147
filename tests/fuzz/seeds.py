# SPDX-License-Identifier: MIT
"""What fuzzing begins with, made of what the other tests say: conversations,
vectors, the strings of unit tests, and a few forms written here.

seeds.make(TARGET, MODULE) gives a list of bytes.
"""

import ast
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
UNIT = ROOT / "tests/unit"
CONV = ROOT / "tests/conv"
LONGEST = 16 * 1024

LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
COMMENT = re.compile(r'/\*.*?\*/', re.S)
ESCAPE = re.compile(rb'\\(x[0-9a-fA-F]{2}|[rnt0\\])')
REPEAT = re.compile(r'\{([^{}]*)\*(\d+)\}')


def unescape_c(text):
    """A C string's octets; those beyond ASCII as they are in UTF-8."""
    out = bytearray()
    simple = {"n": 10, "r": 13, "t": 9, '"': 34, "\\": 92, "'": 39, "a": 7,
              "b": 8, "f": 12, "v": 11}
    at = 0
    while at < len(text):
        if text[at] != "\\":
            out += text[at].encode()
            at += 1
            continue
        hexadecimal = re.match(r'\\x([0-9a-fA-F]+)', text[at:])
        octal = re.match(r'\\([0-7]{1,3})', text[at:])
        if hexadecimal:
            out.append(int(hexadecimal[1], 16) & 255)
            at += len(hexadecimal[0])
        elif octal:
            out.append(int(octal[1], 8) & 255)
            at += len(octal[0])
        else:
            out.append(simple.get(text[at + 1], 63))
            at += 2
    return bytes(out)


def strings(*names):
    """The string literals of tests/unit/NAME.c, joined where C joins them."""
    out = []
    for name in names:
        for path in sorted(UNIT.glob(name + ".c")):
            text = COMMENT.sub("", path.read_text())
            text = "\n".join(line for line in text.split("\n")
                             if not line.startswith("#include"))
            end, joined = None, b""
            for m in LITERAL.finditer(text):
                if end is not None and text[end:m.start()].strip() == "":
                    joined += unescape_c(m[1])
                else:
                    out.append(joined)
                    joined = unescape_c(m[1])
                end = m.end()
            out.append(joined)
    return out


def conversation(path, who):
    """What one side says in a conversation file (tests/conv/conv.h)."""
    said = b""
    for line in path.read_text(errors="surrogateescape").split("\n"):
        if not line.startswith(who + ":"):
            continue
        line = line[len(who) + 1:].removeprefix(" ").rstrip("\n")
        line = REPEAT.sub(lambda m: m[1] * min(int(m[2]), 300), line)
        data = line.encode(errors="surrogateescape")
        open_end = data.endswith(b"\\") and not data.endswith(b"\\\\")
        if open_end:
            data = data[:-1]
        data = ESCAPE.sub(
            lambda m: ast.literal_eval("b'\\" + m[1].decode() + "'"), data)
        said += data if open_end else data + b"\r\n"
    return said


def conversations(folder, who="C"):
    return [conversation(p, who)
            for p in sorted((CONV / folder).glob("*.conv"))]


def messages():
    """Whole messages, LF and CRLF."""
    text = (ROOT / "tests/vectors/mime/structures.txt").read_text()
    out = [m.encode() for m in re.findall(
        r'^message\n(.*?)^structure\n', text, re.S | re.M)]
    out += [p.read_bytes() for p in sorted((CONV / "imap/messages").iterdir())
            if p.is_file()]
    return out + [m.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
                  for m in out]


def packets():
    text = (ROOT / "tests/vectors/dns/packets.txt").read_text()
    words = (line.split("#")[0].split() for line in text.split("\n"))
    return [bytes.fromhex(w[-1]) for w in words
            if len(w) >= 3 and w[-1] != "-"]


def before(prefixes, seeds):
    """Every seed behind one of the prefixes, in turn."""
    return [prefixes[i % len(prefixes)] + s for i, s in enumerate(seeds)]


def octets(*values):
    return [bytes([v]) for v in values]


def pairs(*values):
    return [bytes(v) for v in values]


def text_file(name):
    return (ROOT / name).read_bytes()


COMMANDS = [
    b'{"command":"%s"%s}' % (name, arguments)
    for name, arguments in [
        (b"user.list", b""), (b"status", b""), (b"check", b""),
        (b"metrics", b""), (b"alias.list", b""), (b"domain.list", b""),
        (b"user.add", b',"address":"c@d.test","password":"x","quota":5'),
        (b"user.quota", b',"address":"a@d.test","quota":100'),
        (b"user.disable", b',"address":"a@d.test"'),
        (b"user.remove", b',"address":"a@d.test"'),
        (b"user.imap", b',"address":"a@d.test","off":"IDLE"'),
        (b"app-password.add", b',"address":"a@d.test","name":"n"'),
        (b"app-password.list", b',"address":"a@d.test"'),
        (b"mailbox.list", b',"address":"a@d.test"'),
        (b"mailbox.create", b',"address":"a@d.test","name":"x/y"'),
        (b"mailbox.rename", b',"address":"a@d.test","name":"Sent","to":"S"'),
        (b"mailbox.delete", b',"address":"a@d.test","name":"Trash"'),
        (b"alias.add", b',"alias":"@d.test","target":"x@e.test"'),
        (b"alias.remove", b',"alias":"b@d.test"'),
        (b"domain.add", b',"domain":"e.test","keys":false'),
        (b"domain.dns", b',"domain":"d.test"'),
        (b"domain.remove", b',"domain":"d.test"'),
        (b"queue.list", b',"domain":"x.test","state":"waiting","max":3'),
        (b"queue.show", b',"id":"0d1q8zk4m2x7a"'),
        (b"queue.hold", b',"all":true'),
        (b"queue.drop", b',"sender":"*@d.test","older":5'),
        (b"queue.reroute", b',"all":true,"to":"[192.0.2.1]"'),
        (b"queue.recall", b',"id":"0d1q8zk4m2x7a","as":"a@d.test"'),
        (b"queue.summary", b',"max":2'),
        (b"queue.pause", b',"domain":"x.test","why":"later"'),
        (b"queue.resume", b',"domain":"x.test"'),
        (b"suppress.list", b""),
        (b"suppress.remove", b',"address":"a@x.test"'),
        (b"smarthost.add", b',"domain":"*","host":"h.test:587","tls":"verify"'),
        (b"smarthost.list", b""), (b"search.rebuild", b""),
        (b"journey", b',"what":"a@d.test","max":5'),
        (b"explain", b',"what":"0d1q8zk4m2x7a"'),
        (b"test.advance", b',"ms":1000'),
    ]
]

SMTP = conversations("smtp")
SUBMISSION = conversations("submission")
POP3 = conversations("pop3")
IMAP = conversations("imap")
SMTP_CLIENT = conversations("smtp_client", "S")

AUTH_MAIL = [
    b"AUTH PLAIN AGFubgBzZXNhbWU=\r\nMAIL FROM:<a@d.test> RET=HDRS ENVID=x\r\n"
    b"RCPT TO:<b@e.test> NOTIFY=NEVER\r\nDATA\r\nSubject: x\r\n\r\n..\r\n.\r\nQUIT\r\n",
    b"AUTH LOGIN\r\nYW5u\r\nc2VzYW1l\r\nMAIL FROM:<> HOLDFOR=60\r\n",
    b"AUTH SCRAM-SHA-256 biwsbj1hLHI9Yg==\r\nYz1iaXdzLHI9YixwPXg=\r\n",
    b"AUTH SCRAM-SHA-256-PLUS\r\ncD10bHMtZXhwb3J0ZXIsLG49YSxyPWI=\r\n*\r\n",
    b"AUTH PLAIN\r\n*\r\nAUTH X\r\nBDAT 3 LAST\r\nabc",
]

# TARGET: what there is besides the strings of its module's unit tests
EXTRA = {
    "fuzz_smtp_server": lambda: before(pairs((0, 255), (3, 9), (7, 0)), SMTP),
    "fuzz_smtp_session": lambda: before(
        pairs((0, 5), (4, 3), (6, 0)), SMTP + SUBMISSION + AUTH_MAIL) +
    before(pairs((4, 9), (252, 1)), AUTH_MAIL),
    "fuzz_bdat": lambda: [bytes([i % 2, i, 3]) + s
                          for i, s in enumerate(SMTP)],
    "fuzz_smtp_path": lambda: [
        line.split(b":", 1)[-1] for s in SMTP for line in s.split(b"\r\n")
        if line[:4].upper() in (b"MAIL", b"RCPT")],
    "fuzz_smtp_moment": lambda: [
        b"2026-11-22T10:00:00Z", b"2028-02-29T23:59:60.123Z",
        b"1970-01-01T00:00:00Z", b"9999-12-31T23:59:59Z",
        b"2026-02-30T10:00:00+00:00"],
    "fuzz_smtp_chunk": lambda: [b"5 LAST\n" + s for s in SMTP],
    "fuzz_intake": lambda: before(octets(0, 7, 255), messages()),
    "fuzz_pop3": lambda: before(pairs((1, 0), (200, 0), (7, 1)), POP3),
    "fuzz_top": lambda: before(octets(0, 1, 5), messages()),
    "fuzz_imap": lambda: before(
        pairs((0, 0), (3, 0), (0x57, 1), (0xff, 2), (7, 200)), IMAP),
    "fuzz_imap_session": lambda: before(
        pairs((0, 0), (1, 0), (8, 31), (4, 0), (9, 5)), IMAP),
    "fuzz_imap_arg": lambda: [b"\1" + part for s in IMAP
                              for part in s.split(b" ")[2:6]],
    "fuzz_imap_search": lambda: [
        bytes([i % 8]) + line.split(b" ", 2)[-1] for i, line in enumerate(
            l for s in IMAP for l in s.split(b"\r\n")
            if b"SEARCH" in l or b"SORT" in l or b"THREAD" in l)],
    "fuzz_imap_fetch": lambda: [
        line.split(b" ", 3)[-1] + b"\0" + messages()[i % 8]
        for i, line in enumerate(l for s in IMAP for l in s.split(b"\r\n")
                                 if b"FETCH" in l)],
    "fuzz_imap_match": lambda: [b"%s\0%s\0%s" % (r, p, n)
                                for r in (b"", b"a/")
                                for p in (b"*", b"%", b"a%b", b"*/%", b"inbox")
                                for n in (b"INBOX", b"a/b/c", b"aab")],
    "fuzz_search_envelope": messages,
    "fuzz_smtp_client": lambda: before(
        pairs((0, 0), (1, 2), (3, 11), (65, 3), (17, 0), (33, 1), (97, 15)),
        SMTP_CLIENT),
    "fuzz_smtp_reply": lambda: SMTP_CLIENT,
    "fuzz_smtp_ehlo": lambda: [
        b"mx.test\nPIPELINING\nSIZE 1000\n8BITMIME\nSMTPUTF8\nSTARTTLS\nDSN\n"
        b"CHUNKING\nBINARYMIME\nREQUIRETLS\nAUTH PLAIN LOGIN XOAUTH2",
        b"h\nsize\nAUTH=LOGIN\nauth\n"],
    "fuzz_message": packets,
    "fuzz_rdata": lambda: before(octets(0, 1, 2, 3, 4, 5), [
        b"\0\1\2\3", b"\0" * 16, b"\3abc\0\2de", b"\0\12\2mx\1d\0",
        b"\1a\4test\0", b"\0\0\0\0\0\31\1a\0"] + packets()),
    "fuzz_txt": lambda: [b"5.1.1", b"4.7.0", b"\5\4v=x1\4rest\2\1a"],
    "fuzz_deflate": lambda: before(
        pairs((0, 0), (3, 20), (40, 255)), IMAP + [
            bytes.fromhex("4bcc2f0000000000ffff"),
            bytes.fromhex("edc1010100000080900e")]),
    "fuzz_ipc": lambda: before(octets(0, 5, 40, 255), [
        b"a\n", b"{}\n\n{}\nno end", b"\n" * 9,
        b'{"op":"verify","user":"a"}\n']),
    "fuzz_network": lambda: [b"192.0.2.0/24", b"2001:db8::/32", b"10.0.0.1",
                             b"::ffff:10.0.0.0/104", b"fe80::1", b"\x7f\0\0\1",
                             b"64:ff9b::a00:1", b"0.0.0.0/0"],
    "fuzz_command": lambda: COMMANDS + [
        b"\n".join(COMMANDS[i:i + 4]) for i in range(0, len(COMMANDS), 4)],
    "fuzz_internet": lambda: [
        text_file("docs/examples/internet.json"),
        b'{"dns":{"d.test":{"MX":["10 mx.d.test"]},"x":"servfail"},'
        b'"servers":{"mx.d.test":{"tls":"none","RCPT":["450 later"]}}}'],
    "fuzz_rrtext": lambda: [
        b"A\n192.0.2.1", b"AAAA\n2001:db8::1", b"MX\n10 mx.d.test",
        b'TXT\n"a b" c', b"PTR\na.test.", b"CNAME\na", b"TLSA\n3 1 1 ab12",
        b"TYPE99\n\\# 3 a1b2c3", b"SRV\n0 0 25 a.test", b"NS\nns.test",
        b'TXT\n"\\"\\065"', b"CAA\n0 issue \"x\""],
    "fuzz_import_message": lambda: before(octets(0, 3, 2, 1), messages() + [
        b"Status: RO\nX-Status: AF\nX-Keywords: a b\n\nx\n",
        b"X-Penny-Post: mbox 3 1763802000123 cut\nStatus: R\nX-Status: D\n"
        b"Subject: x\n\nbody\n",
        b"X-Mozilla-Status: 0001\nX-Mozilla-Keys: a\nDelivery-date: "
        b"Sun, 22 Nov 2026 10:00:00 +0000\nDate: 22 Nov 2026 10:00 GMT\n\n"]),
    "fuzz_import_name": lambda: [
        b"INBOX", b"a%2Fb", b".A.B", b"&APw-x", b"\xe4", b"x\\2ey", b"Sent",
        b"con", b"a b", b"%", b"..", b"Gesendete Elemente"],
    "fuzz_json_place": lambda: [
        b'a 1 b\n{"a": [0, {"b": "\\u0041"}], "c": null}', b"5m\n[]",
        b"250ms\n", b"dns d.test MX 0\n" +
        text_file("docs/examples/internet.json")],
    "fuzz_conf": lambda: [text_file("packaging/pennypost.conf.example")],
    "fuzz_setting": lambda: [
        bytes([i]) + v for i in range(0, 120, 2)
        for v in (b"yes", b"5m", b"50M", b"a b")],
    "fuzz_hostname": lambda: [b"mx\n127.0.1.1 mx.d.test mx\n",
                              b"a\n#x\n::1\ta b.c # a\n1 b a.d\n"],
    "fuzz_sasl": lambda: [
        b"PLAIN\nAGFubgBzZXNhbWU=\n", b"LOGIN\n-\nYW5u\nc2VzYW1l\n",
        b"PLAIN\n-\nAGEAYg==\n", b"LOGIN\nYW5u\n*\n", b"PLAIN\n=\n"],
    "fuzz_scram": lambda: [
        b"\0n,,n=user,r=abc\nc=biws,r=abc0123456789,p=dHpYL1Q=",
        b"\2p=tls-exporter,,n=a=2Cb,r=x\nc=cD10,r=x0123456789,p=AA==",
        b"\1y,a=b,n=u,r=q\nx"],
    "fuzz_password": lambda: [b"wkqd-hnxa-rbtu-zmcy-pegs-vjfd", b"sesame",
                              b"WKQD hnxarbtuzmcypegsvjfd",
                              "p\u00e4ss\u00a0w\u006f\u0308rt".encode()],
    "fuzz_iprev": lambda: before(
        [bytes(16), bytes([1]) * 16, bytes([192, 0, 2, 1]) + bytes(12)],
        [b"a.test\nb.test\n", b"\n\n", b"x" * 300]),
    "fuzz_spf": lambda: before([b"a@d.test\nmx.d.test\n"],
                               strings("policy/test_spf")),
    "fuzz_dmarc": lambda: before([b"d.test\nd.test\nm.d.test\n"],
                                 strings("policy/test_dmarc")),
    "fuzz_canon": lambda: before([b"\3From:Subject\0"], messages()),
    "fuzz_dkim": lambda: [b"v=DKIM1; k=rsa; p=AA==\n" + m
                          for m in messages() + strings("policy/test_dkim")],
    "fuzz_dkim_sign": messages,
    "fuzz_arc": messages,
    "fuzz_line": lambda: before(pairs((20, 1), (200, 7)), SMTP),
    "fuzz_dot": lambda: before(pairs((3, 3), (15, 0)), messages() + SMTP),
    "fuzz_bare": lambda: SMTP,
    "fuzz_proxy": lambda: [
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 25\r\n", b"PROXY UNKNOWN\r\nEHLO",
        b"PROXY TCP6 ::1 2001:db8::1 65535 25\r\nx"] + [
            b"\r\n\r\n\0\r\nQUIT\n" + bytes.fromhex(rest) for rest in (
                "2111000cc0000201c0000202000100190a",
                "20000000", "21210024" + "20" * 36,
                "2111000fc0000201c00002020001001903000041")],
    "fuzz_glob": lambda: [b"*.d.test\0a.d.test", b"a?c*\0abcd", b"x\0X"],
    "fuzz_parts": lambda: before(
        [bytes([1, 2, 3, 1, 1, 1, 1, 1])], [bytes([i, 1, 2, 3] * 5)
                                            for i in range(16)]),
    "fuzz_maildir_name": lambda: [b"1.a.b:2,FRSabz", b"1,K=26.31:2,S",
                                  b"x:2,", b"1:1,x", b"1.M1P2.h,S=5,W=6:2,TP"],
    "fuzz_pending_note": lambda: before(
        octets(0, 0x35, 0x9b, 0xff), [
            b"a@x.test\xfeb@y.test\xfe450 4.2.1 later\xfe\xfe"
            b"mx.x.test [192.0.2.1]\xfeann@d.test\xfe" + m
            for m in messages()]),
    "fuzz_compose": lambda: [b"helo.test\nhost.test\n192.0.2.1\nTLSv1.3 X\n"
                             b"0d1q8zk4m2x7a\nlong words of a field\nmore"],
    "fuzz_dsn": lambda: before(
        octets(0, 1, 3), [b"\xfe".join([
            b"a@x.test", b"b@x.test", b"rfc822;c@x.test", b"5.1.1", b"no",
            b"mx.x.test", b"550 5.1.1 no", b"s@d.test", b"id", m])
            for m in messages()]),
    "fuzz_mbox": lambda: [b"From a Thu Jan  1 00:00:00 2015\n" + m + b"\n"
                          for m in messages()],
    "fuzz_date": lambda: [b"Sun, 22 Nov 2026 10:00:00 +0000",
                          b"22 Nov 26 10:00 PST (x)"],
}

# Targets that read messages
for name in ("structure", "structure_differential", "header", "envelope",
             "text", "submission", "author", "authres"):
    EXTRA["fuzz_" + name] = messages


def make(target, module):
    unit = module if module != "relay_words" else "maild"
    found = strings(unit + "/test_*") + EXTRA.get(target, list)()
    return sorted({s[:LONGEST] for s in found if s})
