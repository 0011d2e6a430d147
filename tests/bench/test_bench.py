# SPDX-License-Identifier: MIT
"""The benchmark does what it says: reports from figures that are stored, and a
second of load on our own server.  No speed is asserted."""
import html.parser
import io
import json
import os
import pathlib
import subprocess
import sys
import contextlib

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import page  # noqa: E402
import proof  # noqa: E402
import scenario  # noqa: E402
import table  # noqa: E402

STORED = json.loads((HERE / "data/report.json").read_text())
BUILD = pathlib.Path(os.environ["PENNYPOST_BIN"]).parent if "PENNYPOST_BIN" in os.environ else HERE.parents[1] / "build/sanitize"


class Balance(html.parser.HTMLParser):
    """Every element ends where it should."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.words = [], [], ""

    def handle_starttag(self, tag, attributes):
        self.seen.append(tag)
        if tag not in ("meta", "p", "li"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.seen.append(tag)

    def handle_endtag(self, tag):
        if tag not in ("p", "li"):
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.words += data


def test_a_page_is_whole_and_needs_nothing_else():
    text = page.page(STORED)
    seen = Balance()
    seen.feed(text)
    assert not seen.open
    assert seen.seen.count("svg") == len(STORED["results"]) + len({r["shape"] for r in STORED["growth"]["rows"]})
    assert "polyline" in seen.seen and "rect" in seen.seen
    assert "http" not in text and "src=" not in text
    assert "<evil> & co" in seen.words and "<evil>" not in text


def test_the_table_has_every_figure():
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        table.print_report(STORED)
    text = out.getvalue()
    for words in ("4,000", "15.0x", "250", "100,000", "(2.00)", "FAILED: smtp_10: Exim: <evil> & co", "fdatasync"):
        assert words in text, words


def test_a_summary_is_made_of_medians_and_the_best_durable_peer():
    s = scenario.Scenario("smtp_1", "smtp", "one", unit="messages/s")
    runs = {("Penny Post", True): [{"value": 300}, {"value": 100}, {"value": 200}],
            ("Slow", True): [{"value": 50}], ("Fast", True): [{"value": 90}, {"value": 110}],
            ("Forgetful", False): [{"value": 1000}], ("Broken", True): [{"failed": "it did not begin"}]}
    row = scenario.summary(s, runs)
    assert row["servers"]["Penny Post"]["value"] == 200
    assert (row["best_peer"], row["ratio"]) == ("Fast", 2.0)
    assert row["servers"]["Broken"]["failed"] == "it did not begin"
    less = scenario.summary(scenario.Scenario("seen", "seen", "two", unit="ms", more=False), runs)
    assert (less["best_peer"], less["ratio"]) == ("Slow", 0.25)


LETTER = (b"Subject: load\r\nFrom: user0@d.test\r\nMessage-ID: <0000000000000000.0000000000@load.test>\r\n\r\n"
          b".dot\r\nthe end\r\n")


@pytest.mark.parametrize("change, why", [
    (lambda m: m, None), (lambda m: b"Received: from x\r\n\tby y\r\n" + m, None),
    (lambda m: m.replace(b"user0@", b"user7@"), None), (lambda m: m.replace(b"the end", b"the enD"), "differs from octet"),
    (lambda m: m[:-2], "differs"), (lambda m: m + b"\r\n", "differs"), (lambda m: m.replace(b".dot", b"..dot"), "differs"),
    (lambda m: b"another\r\n", "no letter"), (lambda m: m.replace(b"Subject: load", b"Subject: Load"), "no letter")])
def test_another_octet_is_noticed(change, why):
    run = "00000000000000ab"
    found = change(LETTER.replace(b"<0000000000000000.0000000000", b"<00000000000000ab.0000000002"))
    said, number = proof.wrong(found, [LETTER], run)
    assert (said is None) == (why is None) and (why is None or why in said)
    assert why is not None or number == 2


def test_letters_of_another_run_do_not_count():
    assert proof.wrong(LETTER, [LETTER], "00000000000000ab") == (None, None)


def test_what_is_lost_or_comes_twice_is_noticed(tmp_path):
    (tmp_path / "letters").write_bytes(LETTER.replace(b"\r\n.dot", b"\r\n..dot") + b".\r\n")
    run = {"run": "00000000000000ab", "accepted": 2, "recipients": 1}

    def numbered(n):
        return LETTER.replace(b"<0000000000000000.0000000000", b"<00000000000000ab.%010d" % n)

    class Server:
        name = "a server"

        def __init__(self, *numbers):
            self.there = [numbered(n) for n in numbers]

        def fetch(self, user, n):
            return self.there

    def proven(*numbers):
        return proof.prove(Server(*numbers), run, tmp_path / "letters", 1, 30, everything=True)

    assert proven(0, 1) == 2
    for numbers in ((0,), (0, 0), (0, 1, 1), (0, 1, 2)):
        with pytest.raises(RuntimeError):
            proven(*numbers)


def test_a_second_of_load_on_our_server(tmp_path):
    """Counted and compared, whole; the report is for programs and a page is written."""
    got = subprocess.run(
        [sys.executable, "-B", HERE / "compare.py", "--quick", "--peers", "", "--verify-all", "--no-limits", "--json",
         "--only", "smtp_tls_10,pop3_10", "--html", tmp_path / "page.html", BUILD],
        capture_output=True, text=True)
    assert got.returncode == 0, got.stderr
    report = json.loads(got.stdout)
    smtp, pop3 = report["results"]
    run = smtp["servers"]["Penny Post"]["runs"][0]
    assert "failed" not in run, run
    assert run["compared"] == run["accepted"] > 0
    assert pop3["servers"]["Penny Post"]["runs"][0]["messages"] == 1000
    assert smtp["servers"]["Penny Post"]["value"] > 0 and pop3["servers"]["Penny Post"]["value"] > 0
    assert "smtp" in report["titles"] and "</html>" in (tmp_path / "page.html").read_text()
