# SPDX-License-Identifier: MIT
"""What the daemons are kept from, while they work: the self-test of each (-T),
what /proc says of a running one, certificates that are replaced under it, and
text in charsets whose tables are files."""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import smtplib
import ssl
import socket
import subprocess

import pytest

from pennypost import BIN, Server, wait_for

DAEMONS = ["smtpd", "maild", "popd"]


def self_test(daemon, conf):
    got = subprocess.run([str(BIN / daemon), "-T", "-c", str(conf)], capture_output=True, text=True,
                         timeout=300, check=False)
    return got.returncode, got.stdout, got.stderr


def attempts(text):
    """[(refused, possible)] of each process."""
    refused, parts = 0, []
    for line in text.splitlines():
        refused += line.startswith("refused ")
        done = re.match(r"(\d+) attempts, (?:(\d+) possible|all refused)$", line)
        if done:
            assert int(done[1]) == refused + int(done[2] or 0)
            parts.append((refused, int(done[2] or 0)))
            refused = 0
    return parts


def status(pid):
    return dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
                if ":\t" in line)


def children(pid):
    return [int(child) for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()]


@pytest.fixture(scope="module", name="server")
def server_():
    with Server() as server:
        yield server


def has_landlock(server):
    return "sandboxed: Landlock" in server.log_text()


def has_seccomp(server):
    return re.search(r"sandboxed: .*seccomp", server.log_text()) is not None


def test_one_line_at_the_start(server):
    text = server.log_text()
    for daemon in DAEMONS:
        lines = re.findall(rf"(?m)^.*{daemon}: .*sandboxed: .*$", text)
        lacks = re.findall(rf"(?m)^.*{daemon}: this kernel does not confine: .*$", text)
        assert len(lines) == 1 or lacks, text
    assert "NOT sandboxed" not in text


@pytest.mark.parametrize("daemon", DAEMONS)
def test_self_test(server, daemon):
    if not has_landlock(server) or not has_seccomp(server):
        pytest.skip("this kernel has no Landlock or no seccomp")
    files = sorted(p.name for p in (server.dir / "store").iterdir())
    code, out, err = self_test(daemon, server.dir / "pennypost.conf")
    assert code == 0, out + err
    parts = attempts(out)
    assert len(parts) == (1 if daemon == "popd" else 2)
    assert all(refused >= 100 and possible == 0 for refused, possible in parts), parts
    assert "FAILS" not in out and out.count("works ") >= 5
    # the one that runs is not disturbed
    assert sorted(p.name for p in (server.dir / "store").iterdir()) == files
    server.deliver("x@far.test", ["alice@d.test"], b"Subject: still here\r\n\r\n")
    assert b"Subject: still here" in server.fetch("alice@d.test", delete=True)[-1]


@pytest.mark.parametrize("daemon", DAEMONS)
def test_self_test_can_fail(server, tmp_path, daemon):
    """Without a sandbox everything is possible that the user may do: said, and
    exit code 1."""
    conf = tmp_path / "open.conf"
    text = (server.dir / "pennypost.conf").read_text()
    text = re.sub(r"(?m)^sandbox = .*\n", "", text)
    conf.write_text(text.replace("[server]\n", "[server]\nsandbox = no\n", 1))
    code, out, err = self_test(daemon, conf)
    assert code == 1, out + err
    possible = set(re.findall(r"(?m)^POSSIBLE  ([^:\n]+)", out))
    assert {"fork", "open /etc/passwd", "memory to write and execute", "unlink outside", "execve"} <= possible
    if daemon == "popd":
        assert {"TCP connection to a port of this host", "UDP", "open files of other daemons"} <= possible
    assert "not as it should be: " in out and "NOT sandboxed" in err


def test_the_way_out():
    with Server(settings={"server.sandbox": "no"}) as server:
        assert server.log_text().count("NOT sandboxed: server.sandbox is no") == 3
        assert status(server.pids()["popd"])["Seccomp"] == "0"
        server.deliver("x@far.test", ["alice@d.test"], b"Subject: open\r\n\r\n")
        assert len(server.fetch("alice@d.test")) == 1


def test_every_thread_is_in(server):
    if not has_seccomp(server):
        pytest.skip("this kernel has no seccomp")
    for daemon, pid in server.pids().items():
        nurseries = children(pid)
        assert len(nurseries) == (0 if daemon == "popd" else 1)
        for process in [pid, *nurseries, *(c for n in nurseries for c in children(n))]:
            for thread in pathlib.Path(f"/proc/{process}/task").iterdir():
                got = status(thread.name)
                assert got["Seccomp"] == "2" and got["NoNewPrivs"] == "1", (daemon, process)


def test_the_resolver_has_nothing_of_the_daemon(server):
    """No file of the store, no socket that listens: one socket to the daemon, its
    own, and the log."""
    for daemon in ("smtpd", "maild"):
        for nursery in children(server.pids()[daemon]):
            for process in [nursery, *children(nursery)]:
                for fd in pathlib.Path(f"/proc/{process}/fd").iterdir():
                    target = os.readlink(fd)
                    assert int(fd.name) < 3 or target.startswith(("socket:", "pipe:", "anon_inode:")), target
                    assert str(server.dir / "store") not in target


def serial(server):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection((server.host, server.ports["pop3s"]), timeout=60) as plain:
        with context.wrap_socket(plain) as tls:
            return tls.getpeercert(binary_form=True)


def test_certificates_that_are_replaced(tmp_path):
    """As ACME clients do it: links to files of another folder, new files, new
    links by rename, SIGHUP."""
    live, archive = tmp_path / "live", tmp_path / "archive"
    live.mkdir()
    archive.mkdir()

    def renew(n):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                        "-nodes", "-days", "30", "-subj", f"/CN=renewed{n}",
                        "-keyout", str(archive / f"key{n}.pem"), "-out", str(archive / f"cert{n}.pem")],
                       check=True, capture_output=True)
        for name in ("cert", "key"):
            (live / f"{name}.new").symlink_to(archive / f"{name}{n}.pem")
            (live / f"{name}.new").rename(live / f"{name}.pem")

    renew(1)
    with Server(settings={"tls.certificate": str(live / "cert.pem"), "tls.key": str(live / "key.pem")}) as server:
        first = serial(server)
        renew(2)
        for pid in (server.pids()["popd"], server.pids()["smtpd"]):
            os.kill(pid, 1)
        wait_for(lambda: serial(server) != first, what="the new certificate")
        assert "stays" not in server.log_text()
    shutil.rmtree(archive)


def test_charsets_need_no_files(server):
    """Their tables are read before the sandbox is entered: text is found in
    charsets that no message had before."""
    for charset, text, word in [("big5", "主旨\u6e2c\u8a66", "\u6e2c\u8a66"),
                                ("iso-2022-jp", "\u65e5\u672c\u8a9e", "\u65e5\u672c\u8a9e"),
                                ("windows-1255", "\u05e9\u05dc\u05d5\u05dd", "\u05e9\u05dc\u05d5\u05dd"),
                                ("euc-kr", "\ud55c\uad6d\uc5b4", "\ud55c\uad6d\uc5b4")]:
        server.deliver("x@far.test", ["bob@d.test"],
                       f"Subject: {charset}\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset={charset}\r\n"
                       "Content-Transfer-Encoding: 8bit\r\n\r\n".encode() + text.encode(charset) + b"\r\n")
        client = server.imap("bob@d.test")
        client.select()
        client.literal = word.encode()
        kind, found = client.uid("SEARCH", "CHARSET", "UTF-8", "BODY")
        assert kind == "OK" and found[0].split(), charset
        client.logout()


def nice_values(pid):
    return {int((task / "stat").read_text().rpartition(")")[2].split()[16])
            for task in pathlib.Path(f"/proc/{pid}/task").iterdir()}


def test_threads_stand_back(server):
    """Those for the guesses of strangers and the index leave the processor to others:
    the sandbox lets their threads do so."""
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    if ours > 14:
        pytest.skip("all of this stands back already")
    wait_for(lambda: nice_values(server.pids()["maild"]) >= {ours, ours + 5}, what="threads that stand back")


def is_there(pid):
    with contextlib.suppress(OSError):
        return status(pid)["State"][0] not in "ZX"
    return False


@pytest.mark.parametrize("victim", ["daemon", "nursery"])
def test_killed(victim):
    """A daemon that is killed leaves no process behind.  One whose resolver cannot
    come back, as what starts it was killed, does not go on without: it ends, and
    is started again."""
    with Server(check=False) as server:
        old = server.pids()["smtpd"]
        nursery, = children(old)
        resolver, = children(nursery)
        os.kill(old if victim == "daemon" else nursery, signal.SIGKILL)
        wait_for(lambda: not any(map(is_there, (old, nursery, resolver))), what="the end of them all")
        wait_for(lambda: server.pids().get("smtpd", old) != old, what="another smtpd")

        def is_delivered():
            with contextlib.suppress(OSError, smtplib.SMTPException):
                server.deliver("x@far.test", ["alice@d.test"], b"Subject: again\r\n\r\n")
                return True
            return False

        wait_for(is_delivered, what="a delivery")
        nursery, = children(server.pids()["smtpd"])
        assert len(children(nursery)) == 1
        assert ("the resolver was killed" in server.log_text()) == (victim == "nursery")
