# SPDX-License-Identifier: MIT
"""maild keeps house: what deletion and crashes leave behind goes away."""
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from pennypost import Server, wait_for  # noqa: E402


def large(n):
    """A message that zstd cannot make small: it becomes a file."""
    lines = b"".join(os.urandom(36).hex().encode() + b"\r\n" for _ in range(4000))
    return b"Subject: %d\r\n\r\n" % n + lines


def objects(server):
    return [p for p in (server.dir / "store/objects").rglob("*") if p.is_file()]


def test_bodies_of_deleted_messages_and_orphans(tmp_path):
    with Server(dir=tmp_path / "dev") as server:
        for n in range(3):
            server.deliver("x@far.test", ["alice@d.test"], large(n))
        files = objects(server)
        assert len(files) == 3
        client = server.pop3("alice@d.test")
        client.dele(1)
        client.dele(2)
        client.quit()
    orphan = files[0].parent / ("ab" * 32 + ".0123")
    orphan.write_bytes(b"what a crash left")
    with Server(dir=tmp_path / "dev") as server:
        wait_for(lambda: len(objects(server)) == 1, 60, "the files to go")
        assert not orphan.exists()
        kept = server.fetch("alice@d.test")
        assert len(kept) == 1 and b"Subject: 2\r\n" in kept[0]
        assert server.ctl("check", "--json")["ok"] is True
        assert "removed bodies" in server.log_text()
