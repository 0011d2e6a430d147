# SPDX-License-Identifier: MIT
"""Everything there is to fetch of messages that have been trouble: it parses by
the strict grammar, and the parts fit the whole."""
import os
import pathlib

import pytest

from imap_wire import Wire
from pennypost import Server
from samples import SAMPLES

USER, OTHER = "alice@d.test", "bob@d.test"
WHOLE = ("(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY BODYSTRUCTURE EMAILID THREADID SAVEDATE PREVIEW MODSEQ "
         "BODY.PEEK[] BODY.PEEK[HEADER] BODY.PEEK[TEXT] BODY.PEEK[HEADER.FIELDS (From Subject Content-Type)] "
         "BODY.PEEK[HEADER.FIELDS.NOT (From)] BODY.PEEK[]<3.17>)")
PARTS_MAX = 30  # looked at, of a message that has thousands


@pytest.fixture(scope="module")
def server():
    with Server() as s:
        yield s


def parts(structure, number=""):
    """(number, part) of what can be fetched by number, the first ones."""
    if structure["type"] != b"multipart":
        return [(number or "1", structure)]
    found = []
    for n, part in enumerate(structure["parts"][:PARTS_MAX], 1):
        found += parts(part, f"{number}.{n}".lstrip("."))
        if len(found) > PARTS_MAX:
            break
    return found[:PARTS_MAX]


def same_shape(short, full):
    """BODY is BODYSTRUCTURE without its extension."""
    def keep(part):
        return {**{k: v for k, v in part.items() if k not in ("md5", "disposition", "language", "location")
                   and (k != "params" or part["type"] != b"multipart")},
                "parts": [keep(p) for p in part["parts"]]}
    assert keep(short) == keep(full)


def check(wire, name, message, got):
    assert got["BODY[]"] == message, name
    assert got["RFC822.SIZE"] == len(message), name
    assert got["BODY[HEADER]"] + got["BODY[TEXT]"] == message, name
    assert got["BODY[]<3>"] == message[3:20], name
    same_shape(got["BODY"], got["BODYSTRUCTURE"])
    found = parts(got["BODYSTRUCTURE"])
    wanted = " ".join(f"BODY.PEEK[{n}] BODY.PEEK[{n}.MIME] BINARY.SIZE[{n}]" if "." in n or n != "1" else
                      f"BODY.PEEK[{n}]" for n, p in found)
    answer = wire.answer(wire.begin(f"UID FETCH {got['UID']} ({wanted})"))
    if answer.tagged.kind == "NO":
        assert answer.tagged.code == "UNKNOWN-CTE", (name, answer.tagged.line)
        wanted = " ".join(f"BODY.PEEK[{n}]" for n, p in found)
        answer = wire.ok(f"UID FETCH {got['UID']} ({wanted})")
    values = answer.one("FETCH").values
    for number, part in found:
        text = values[f"BODY[{number}]"]
        assert len(text or b"") == part["octets"], (name, number)
        assert (text or b"") in message, (name, number)


def fetch_all(server, user, messages):
    wire = Wire(server)
    wire.ok(f"LOGIN {user} {server.password(user)}")
    for message in messages.values():
        wire.ok(f"APPEND Archive {{{len(message)}+}}", message)
    wire.ok("SELECT Archive")
    last = 0
    for name, message in messages.items():
        last += 1
        check(wire, name, message, wire.ok(f"FETCH {last} {WHOLE}").one("FETCH").values)
    # and those to be found by what their envelopes say
    envelopes = wire.ok("UID FETCH 1:* (ENVELOPE)").fetched("ENVELOPE")
    assert list(envelopes) == list(range(1, len(messages) + 1))
    for search in ("SORT (SUBJECT FROM) UTF-8 ALL", "SORT (REVERSE DATE) UTF-8 ALL", "THREAD REFERENCES UTF-8 ALL",
                   "THREAD ORDEREDSUBJECT UTF-8 ALL", "SEARCH RETURN (ALL COUNT) TEXT a"):
        wire.ok("UID " + search)
    # once UTF-8 may be said, what is said as such is UTF-8
    wire.ok("UNSELECT"), wire.ok("ENABLE UTF8=ACCEPT IMAP4rev2"), wire.ok("SELECT Archive")
    again = wire.ok("UID FETCH 1:* (ENVELOPE BODYSTRUCTURE PREVIEW)").of("FETCH")
    assert [r.values["UID"] for r in again] == list(envelopes)
    wire.ok("LOGOUT")
    wire.close()


def test_samples(server):
    fetch_all(server, USER, {name: m for name, m in SAMPLES.items() if b"\0" not in m})


def test_real_messages(server):
    corpus = os.environ.get("PENNYPOST_CORPUS")
    if not corpus:
        pytest.skip("PENNYPOST_CORPUS names no directory with messages")
    files = sorted(p for p in (pathlib.Path(corpus) / "messages").rglob("*") if p.is_file())
    texts = {}
    for path in files[::max(1, len(files) // 400)]:
        text = path.read_bytes()
        if 0 < len(text) < 200000 and b"\0" not in text:
            texts[path.name + str(len(texts))] = text
    if len(texts) < 50:
        pytest.skip("hardly any messages there")
    fetch_all(server, OTHER, texts)
