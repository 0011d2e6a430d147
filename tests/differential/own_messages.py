# SPDX-License-Identifier: MIT
"""Messages of our own for the differential test: what is known to be read in
more than one way, small enough for every run."""
import base64
import quopri


def mail(subject, body, date="Mon, 2 Feb 2026 10:00:00 +0100", sender="Ann Smith <ann@example.org>",
         to="bob@example.net", more="", type="text/plain; charset=utf-8", encoding="8bit"):
    head = f"From: {sender}\nTo: {to}\nSubject: {subject}\nDate: {date}\n{more}MIME-Version: 1.0\n" \
           f"Content-Type: {type}\nContent-Transfer-Encoding: {encoding}\n\n"
    body = body if isinstance(body, bytes) else body.encode()
    return (head.encode() + body).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def multipart(kind, *parts):
    return "".join(f"--b\n{p}\n" for p in parts) + "--b--\n", f'multipart/{kind}; boundary="b"'


def conversation():
    """A thread with a gap in it, one by subject alone, one reply without."""
    for n, (subject, references) in enumerate([
            ("Lunch on Sunday", ""), ("Re: Lunch on Sunday", "<0@x>"), ("Re: Re: Lunch on Sunday", "<0@x> <1@x>"),
            ("RE: [family] lunch on sunday", ""), ("Fwd: Lunch on Sunday", "<gone@x> <2@x>"),
            ("Something else", "<1@x>"), ("Re: Something else", "<5@x>"), ("[family] Other", ""),
            ("Re: other (fwd)", "<nowhere@x>"), ("", "<0@x>")]):
        refs = f"References: {references}\nIn-Reply-To: {references.split()[-1]}\n" if references else ""
        yield f"thread {n}", mail(subject, f"number {n}\n", date=f"Mon, {n * 3 % 9 + 1} Feb 2026 1{n}:00:00 +0{n}00",
                                  more=f"Message-ID: <{n}@x>\n{refs}", sender=f"Person {n} <p{n % 3}@example.org>")


def charsets():
    for charset, text in (("iso-8859-1", "Grüße aus Köln"), ("koi8-r", "Привет из Москвы"), ("utf-8", "Ça va, 漢字?"),
                          ("iso-2022-jp", "こんにちは世界"), ("windows-1252", "“Quoted” – €5"), ("gb2312", "你好世界")):
        octets = text.encode(charset)
        word = f"=?{charset}?B?{base64.b64encode(octets).decode()}?="
        yield charset, mail(word, base64.encodebytes(octets), type=f"text/plain; charset={charset}",
                            encoding="base64", sender=f"{word} <someone@example.org>")
        yield charset + " qp", mail(f"Re: {word}", quopri.encodestring(octets),
                                    type=f"text/plain; charset={charset}", encoding="quoted-printable")


def structures():
    report, kind = multipart(
        "report", "\nThe mail was not delivered.\n",
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.org\n\nStatus: 5.1.1\n",
        "Content-Type: message/rfc822\n\nFrom: ann@example.org\nSubject: The lost one\n\nOriginal words\n")
    yield "report", mail("Undelivered", report, type=kind, sender="<>")
    attached, kind = multipart(
        "mixed", "Content-Type: text/plain\nX-Part: sugar\n\nsee attachment\n",
        "Content-Type: application/pdf; name=bill.pdf\nContent-Disposition: attachment; filename=bill.pdf\n"
        "Content-Transfer-Encoding: base64\n\nJVBERi0xLjQK\n")
    yield "attachment", mail("The bill", attached, type=kind, to='"Doe, Jane" <jane@example.net>, bob@example.net')
    yield "html", mail("Markup", "<html><p>Visible <b>words</b> &amp; more</p></html>\n", type="text/html")
    yield "unknown encoding", mail("Odd", "plain after all\n", encoding="x-none")
    yield "long lines", mail("Long", "word " * 400 + "\n" + "needle in it\n")


def oddities():
    for n, date in enumerate(["Sun, 1 Feb 2026 23:30:00 -0800", "Mon, 2 Feb 2026 00:30:00 +1300",
                              "Tue, 3 Feb 2026 12:00:00", "3 Feb 26 12:00 EST", "Wed, 4 Feb 2026 07:01:03 +0800 PHT",
                              "yesterday", "Thu, 5 Feb 2026 10:00:00 (UTC)"]):
        yield f"date {n}", mail(f"Date {n}", f"day {n}\n", date=date)
    yield "no date", b"From: x@example.org\r\nSubject: no date\r\n\r\nbody\r\n"
    yield "two subjects", mail("First\nSubject: Second", "two\n")
    yield "folded", mail("a subject\n that goes on\n and on", "folded\n", more="X-List: one,\n\ttwo,\n   three\n")
    yield "received", mail("Way", "there\n", more="Received: from a.example by b.example\n\twith SMTP id 77\n"
                           "Received: from c.example\nX-BeenThere: list@example.org\n")
    yield "no header", b"\r\njust text\r\n"
    yield "leading space", mail("Name", "x\n", sender='" via Desk" <desk@example.org>')
    yield "group", mail("Group", "x\n", to="friends: a@example.org, b@example.org;, c@example.org")


def messages():
    yield from conversation()
    yield from charsets()
    yield from structures()
    yield from oddities()
