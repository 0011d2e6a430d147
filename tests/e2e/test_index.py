# SPDX-License-Identifier: MIT
"""The index of searches: maild builds it behind delivery, and builds it again
whatever happens to its file; popd reads the one that is there."""
import os
import pathlib
import signal
import sqlite3
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from pennypost import Server, wait_for  # noqa: E402

NAMES = ("search.db", "search.db-wal", "search.db-shm")


def message(n):
    return b"Subject: number %d\r\n\r\nSome text, number %d.\r\n" % (n, n)


def ask(server, query):
    """One number of search.db, None while it is not there."""
    path = server.dir / "store/search/search.db"
    if not path.exists():
        return None
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
    try:
        row = db.execute(query).fetchone()
        return row and row[0]
    except sqlite3.Error:
        return None
    finally:
        db.close()


def texts(server):
    return ask(server, "SELECT count(*) FROM text")


def wait_indexed(server, n):
    wait_for(lambda: texts(server) == n, 60, f"{n} texts in the index")
    assert ask(server, "SELECT value FROM meta WHERE key = 'texts'") == n
    highest = ask(server, "SELECT max(body) FROM text")
    assert ask(server, "SELECT value FROM meta WHERE key = 'indexed'") == highest


def deliver(server, first, count):
    for n in range(first, first + count):
        server.deliver("x@far.test", ["alice@d.test"], message(n))


def test_behind_delivery_and_after_a_restart(tmp_path):
    with Server(dir=tmp_path / "dev") as server:
        deliver(server, 0, 5)
        wait_indexed(server, 5)
        deliver(server, 5, 3)
        wait_indexed(server, 8)
        assert "search index" not in server.log_text()
    with Server(dir=tmp_path / "dev") as server:
        deliver(server, 8, 1)
        wait_indexed(server, 9)
        assert (server.dir / "store/search/search.db").stat().st_mode & 0o777 == 0o660


def settle(path):
    """Everything in the file, no log beside it."""
    db = sqlite3.connect(path)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    assert not path.with_name("search.db-wal").exists()


def noise(path):
    data = bytearray(path.read_bytes())
    data[:] = os.urandom(len(data))
    path.write_bytes(data)


def noise_inside(path):
    """All but the first page, where the schema is."""
    data = path.read_bytes()
    path.write_bytes(data[:4096] + os.urandom(max(len(data) - 4096, 4096)))


def newer(path):
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 999")
    db.close()


def foreign(path):
    path.unlink()
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE other (a)")
    db.commit()
    db.close()


def empty(path):
    path.write_bytes(b"")


def test_a_file_that_is_of_no_use_begins_anew(tmp_path):
    count = 3
    with Server(dir=tmp_path / "dev") as server:
        deliver(server, 0, count)
        wait_indexed(server, count)
    for harm in (noise, noise_inside, newer, foreign, empty):
        settle(tmp_path / "dev/store/search/search.db")
        harm(tmp_path / "dev/store/search/search.db")
        with Server(dir=tmp_path / "dev") as server:
            deliver(server, count, 1)
            count += 1
            wait_indexed(server, count)
            if harm is not empty:  # it is said after it is done
                wait_for(lambda: "search index begins anew" in server.log_text(), 60, harm)
            assert server.log_text().count("search index begins anew") == (harm is not empty), harm
            assert len(server.fetch("alice@d.test")) == count


def unlink(path):
    for name in NAMES:
        (path.parent / name).unlink(missing_ok=True)


def test_the_file_goes_away_while_maild_runs(tmp_path):
    with Server(dir=tmp_path / "dev") as server:
        deliver(server, 0, 2)
        wait_indexed(server, 2)
        unlink(server.dir / "store/search/search.db")
        wait_indexed(server, 2)
        deliver(server, 2, 1)
        wait_indexed(server, 3)


def test_no_file_can_be_made(tmp_path):
    """A directory is in its place: mail goes on, and one line says so."""
    with Server(dir=tmp_path / "dev") as server:
        deliver(server, 0, 1)
        wait_indexed(server, 1)
    path = tmp_path / "dev/store/search/search.db"
    unlink(path)
    path.mkdir()
    with Server(dir=tmp_path / "dev") as server:
        wait_for(lambda: "search index:" in server.log_text(), 60, "the line")
        deliver(server, 1, 2)
        assert len(server.fetch("alice@d.test")) == 3
        path.rmdir()
        wait_indexed(server, 3)
        assert server.log_text().count("search index:") == 1


def test_rebuild_by_command(tmp_path):
    with Server(dir=tmp_path / "dev") as server:
        deliver(server, 0, 4)
        wait_indexed(server, 4)
        before = ask(server, "SELECT value FROM meta WHERE key = 'indexed'")
        assert server.ctl("search", "rebuild", "--json")["ok"] is True
        wait_indexed(server, 4)
        assert ask(server, "SELECT value FROM meta WHERE key = 'indexed'") == before
        assert "search.rebuild" in server.log_text()
        assert "maild builds it again" in server.ctl("search", "rebuild").stdout
        wait_indexed(server, 4)


def reads_index(server, client):
    """Has popd the file open that has the name now, after a search?"""
    kind, (found,) = client.search(None, "TEXT", '"Some text, number 1."')
    assert (kind, found) == ("OK", b"2")
    path = server.dir / "store/search/search.db"
    for fd in pathlib.Path(f"/proc/{server.pids()['popd']}/fd").iterdir():
        try:
            if os.path.samestat(fd.stat(), path.stat()):
                return True
        except FileNotFoundError:
            pass
    return False


def rebuild(server):
    """The command removes a file that it cannot empty."""
    newer(server.dir / "store/search/search.db")
    assert server.ctl("search", "rebuild", "--json")["ok"] is True


def test_popd_reads_a_new_file_without_a_restart(tmp_path):
    """Also where its sandbox has rules of inodes."""
    with Server(dir=tmp_path / "dev") as server:
        path = server.dir / "store/search/search.db"
        deliver(server, 0, 3)
        wait_indexed(server, 3)
        popd = server.pids()["popd"]
        client = server.imap("alice@d.test")
        client.select()
        wait_for(lambda: reads_index(server, client), 60, "popd reads the index")
        for begin_anew in (rebuild, lambda server: unlink(path)):
            with open(path, "rb"):  # so that its inode is not used again
                begin_anew(server)
                wait_indexed(server, 3)
                wait_for(lambda: reads_index(server, client), 60, begin_anew)
        client.logout()
        assert server.pids()["popd"] == popd
        assert path.parent.stat().st_mode & 0o7777 == 0o2770


def test_the_place_it_was_at_once(tmp_path):
    with Server(dir=tmp_path / "dev") as server:
        deliver(server, 0, 1)
        wait_indexed(server, 1)
    store = tmp_path / "dev/store"
    for name in NAMES:
        (store / "search" / name).rename(store / name)
    (store / "search").rmdir()
    with Server(dir=tmp_path / "dev") as server:
        wait_indexed(server, 1)
        assert not list(store.glob("search.db*"))


def test_a_kill_in_between(tmp_path):
    """Whatever the moment, the next maild goes on from there."""
    with Server(dir=tmp_path / "dev", check=False) as server:
        for n in range(6):
            deliver(server, n * 20, 20)
            pid = server.pids()["maild"]
            os.kill(pid, signal.SIGKILL)
            wait_for(lambda: server.pids().get("maild") not in (None, pid), 60, "a new maild")
        wait_indexed(server, 120)
        assert "begins anew" not in server.log_text()
