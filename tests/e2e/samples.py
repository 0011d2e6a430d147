# SPDX-License-Identifier: MIT
"""Messages of our own that have been trouble to mail programs, by what they
show.  All lines end in CRLF; every one must come out as it went in."""


def fields(name, *more, sender="bob@d.test", to="alice@d.test"):
    lines = [f"From: <{sender}>", f"To: <{to}>", f"Subject: {name}",
             "Date: Sun, 22 Nov 2026 10:00:00 +0000", f"Message-ID: <{name}@samples.test>"]
    return "".join(line + "\r\n" for line in lines).encode() + b"".join(m + b"\r\n" for m in more)


def plain(name, body, *more, **who):
    return fields(name, *more, **who) + b"\r\n" + body


MIME = b"MIME-Version: 1.0"


def nested(depth):
    """multipart/mixed in multipart/mixed in ..."""
    text = b"deep\r\n"
    for n in range(depth):
        boundary = b"b%d" % n
        text = (b'Content-Type: multipart/mixed; boundary="' + boundary + b'"\r\n\r\n'
                b"--" + boundary + b"\r\n" + text + b"\r\n--" + boundary + b"--\r\n")
    return text


def everyday(name="everyday", **who):
    """What any client must bring through: dots, blank lines, 8-bit text, long
    lines, blanks at their ends, lines that look like something else."""
    return plain(name, (
        "Liebe Alice,\r\n\r\n.\r\n..\r\n...\r\n.dot\r\nFrom the start\r\n>From quoted\r\n"
        "+OK not a reply\r\n250 nor this\r\nQUIT\r\n\r\n\r\n"
        "trailing blanks  \t\r\n \r\n\t\r\nGr\u00fc\u00dfe \u20ac \U0001f4ee\r\n"
        + "long " * 180 + "\r\n-- \r\nBob\r\n\r\n").encode(),
        MIME, b"Content-Type: text/plain; charset=utf-8", b"Content-Transfer-Encoding: 8bit", **who)


def relayed_before(hops):
    return b"".join(
        b"Received: from a%d.test (a%d.test [192.0.2.%d])\r\n\tby b%d.test with ESMTP id %d;\r\n"
        b"\tSun, 22 Nov 2026 09:00:%02d +0000\r\n" % (n, n, n % 250, n, n, n % 60)
        for n in range(hops))


SAMPLES = {
    "everyday": everyday(),
    "no_body": fields("no_body"),
    "empty_body": plain("empty_body", b""),
    "only_blank_lines": plain("only_blank_lines", b"\r\n" * 50),
    "only_dots": plain("only_dots", b".\r\n" * 50),
    "all_dots": plain("all_dots", b"".join(b"." * n + b"\r\n" for n in range(200))),
    "no_from": b"Subject: no_from\r\n\r\nx\r\n",
    "no_header": b"\r\nbody from the first line on\r\n",
    "text_without_header": b"just some words, no field at all\r\nand more\r\n",
    "mbox_from_line": b"From bob@d.test Sun Nov 22 10:00:00 2026\r\n" + plain("mbox_from_line", b"x\r\n"),
    "quoted_mbox_from_line": b">From bob@d.test Sun Nov 22 10:00:00 2026\r\n" + plain("quoted_mbox_from_line", b"x\r\n"),
    "line_without_colon": plain("line_without_colon", b"x\r\n", b"this line is no field"),
    "blanks_before_colon": b"Reply-To : <x@d.test>\r\n" + plain("blanks_before_colon", b"x\r\n", b"X-Loose\t: x"),
    "folded_into_blanks": plain("folded_into_blanks", b"x\r\n", b"X-Folded: a", b"  ", b"\t", b" b"),
    "empty_fields": plain("empty_fields", b"x\r\n", b"X-Empty:", b"X-Blank: ", b"Cc: ", b"Subject:"),
    "latin1_header": plain("latin1_header", b"gr\xfc\xdfe\r\n", b"X-Name: J\xfcrgen", b"Comments: \xe4\xf6\xfc"),
    "utf8_header": plain("utf8_header", "grüße\r\n".encode(), "X-Name: Jürgen 📮".encode()),
    "eight_bit_all": plain("eight_bit_all", b"".join(
        bytes(b for b in range(n, n + 32) if b not in (0, 10, 13)) + b"\r\n" for n in range(0, 256, 32))),
    "long_line": plain("long_line", b"x" * 100000 + b"\r\n" + b"y" * 998 + b"\r\n"),
    "long_field": plain("long_field", b"x\r\n", b"X-Long: " + b"z" * 20000),
    "many_folds": plain("many_folds", b"x\r\n", b"References: " + b"\r\n ".join(
        b"<%d@d.test>" % n for n in range(1000))),
    "many_fields": plain("many_fields", b"x\r\n", *[b"X-%d: v" % n for n in range(900)]),
    "many_hops": relayed_before(60) + plain("many_hops", b"x\r\n"),
    "two_subjects": plain("two_subjects", b"x\r\n", b"Subject: again", b"Date: not a date at all"),
    "forged_return_path": b"Return-Path: <evil@remote.test>\r\n" + plain("forged_return_path", b"x\r\n"),
    "bad_addresses": plain("bad_addresses", b"x\r\n", b"Cc: <, >, @, a@, undisclosed-recipients:;, \"x",
                           b"Reply-To: (((((", b"Sender: " + b"," * 2000),
    "odd_encoded_words": plain("odd_encoded_words", b"x\r\n", b"Comments: =?utf-8?B?4pyJ?= =?x?q?=00?= =?utf-8?B?"),
    "one_octet_lines": plain("one_octet_lines", b"a\r\n" * 30000),
    "deep": fields("deep", MIME) + nested(150),
    "many_parts": plain("many_parts", b"--b\r\n\r\n" * 5000 + b"--b--\r\n", MIME,
                        b"Content-Type: multipart/mixed; boundary=b"),
    "no_closing_boundary": plain("no_closing_boundary", b"--b\r\n\r\nx\r\n", MIME,
                                 b"Content-Type: multipart/mixed; boundary=b"),
    "boundary_of_blanks": plain("boundary_of_blanks", b"--  \r\n\r\nx\r\n--  --\r\n", MIME,
                                b'Content-Type: multipart/mixed; boundary="  "'),
    "message_in_message": plain("message_in_message", plain("inner", b".\r\ninner\r\n"), MIME,
                                b"Content-Type: message/rfc822"),
    "control_characters": plain("control_characters", b"\x01\x02\x07\x08\x0b\x0c\x0e\x1b[31m\x7f\r\n"),
    "big": plain("big", b"".join(b"%07d " % n + b"abcdefghij" * 6 + b"\r\n" for n in range(40000))),
}


def of_size(size):
    """Exactly so many octets, dots at the begin of lines."""
    head = plain(f"octets_{size}", b"")
    room = size - len(head) - 2
    lines = b".23456789abcdef\r\n" * (room // 17)
    return head + lines + b"." * (room - len(lines)) + b"\r\n"


# Around the sizes at which buffers and chunks end
for _size in (1023, 1024, 4095, 4096, 8191, 8192, 16383, 16384, 16385, 65535, 65536, 65537, 262144):
    SAMPLES[f"octets_{_size}"] = of_size(_size)
