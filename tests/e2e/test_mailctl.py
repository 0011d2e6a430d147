# SPDX-License-Identifier: MIT
"""mailctl: dev and its ready line, accounts, aliases, the journey; online (maild
answers) and offline (mailctl does it itself) alike; run; demo."""
import json
import os
import pathlib
import pty
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import poplib
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from pennypost import BIN, Server, StubDns, wait_for  # noqa: E402

MESSAGE = (b"From: bob@d.test\r\nTo: alice@d.test\r\nSubject: t\r\n"
           b"Message-ID: <one@d.test>\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\n\r\nhi\r\n")
SERVICES = ["smtp", "submission", "submissions", "pop3", "pop3s", "imap", "imaps"]


def mailctl(*args, input="", **more):
    return subprocess.run([str(BIN / "mailctl"), *args], input=input, capture_output=True,
                          text=True, timeout=120, **more)


def alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("args,words", [
    (["-c"], "-c needs a file"), (["--json", "user", "list"], "after the command"),
    (["user"], "mailctl user add"), (["user", "frob"], "mailctl user add"), (["frob"], "frob")])
def test_no_command(args, words):
    got = mailctl(*args)
    assert got.returncode == 2 and words in got.stderr


def conf_of(tmp_path, *lines):
    """A configuration file of its own, whose store is in tmp_path."""
    file = tmp_path / "pennypost.conf"
    file.write_text("\n".join([
        "[server]", "hostname = mx.d.test", f"store = {tmp_path}/store",
        f"runtime = {tmp_path}/run", *lines, ""]))
    return str(file)


HIDDEN = "\u0085\u009b\u202e\u200b\u2066\u3164\ufeff\U000e0041"  # controls, marks of direction, nothing to see


def test_hidden_characters_are_shown():
    """Neither for people nor for programs does an octet go out that a terminal obeys
    or nobody sees; to programs it means the same."""
    label = f"a{HIDDEN}b \u00e4\U0001f4ee"
    with Server(users={"bob@d.test": "secret"}) as server:
        server.ctl("app-password", "add", "bob@d.test", label)
        server.ctl("alias", "add", "a\u202eb\u200bc@d.test", "bob@d.test")
        for words in (["app-password", "list", "bob@d.test"], ["alias", "list"]):
            raw = mailctl("-c", str(server.dir / "pennypost.conf"), *words, "--json").stdout
            text = server.ctl(*words).stdout
            assert not set(HIDDEN) & set(raw + text)
            assert "\\u202e" in raw and "\\xe2\\x80\\xae" in text
            assert (label if "app" in words[0] else "a\u202eb\u200bc@d.test") in json.dumps(json.loads(raw), ensure_ascii=False)
            if "app" in words[0]:  # letters stay what they are
                assert "\u00e4\U0001f4ee" in raw and "\u00e4\U0001f4ee" in text


# ---- dev

def test_ready_line():
    with Server() as server:
        ready = server.ready
        assert ready["ready"] is True and ready["host"] == "127.0.0.1"
        assert ready["domain"] == "d.test"
        assert pathlib.Path(ready["ca"]).is_file() and pathlib.Path(ready["dir"]).is_dir()
        assert pathlib.Path(ready["control"]).is_socket()
        assert sorted(ready["ports"]) == sorted(SERVICES)
        assert {u["address"]: u["password"] for u in ready["users"]} == server.users
        for service in SERVICES:
            socket.create_connection(("127.0.0.1", ready["ports"][service]), 5).close()


def test_command_sees_the_server_and_its_status_is_ours():
    script = (
        'import json, os, poplib, ssl, sys\n'
        'e = os.environ\n'
        'ready = json.loads(e["PENNYPOST_JSON"])\n'
        'assert str(ready["ports"]["pop3s"]) == e["PENNYPOST_POP3S_PORT"]\n'
        'assert e["PENNYPOST_HOST"] == "127.0.0.1" and e["PENNYPOST_DOMAIN"] == "d.test"\n'
        'p = poplib.POP3_SSL("127.0.0.1", int(e["PENNYPOST_POP3S_PORT"]),\n'
        '    context=ssl.create_default_context(cafile=e["PENNYPOST_CA"]))\n'
        'p.user("bob@d.test"); p.pass_("se:cret"); p.quit()\n'
        'print(ready["dir"])\n'
        'sys.exit(int(sys.stdin.read()))\n')
    got = mailctl("dev", "--user", "bob:se:cret", "--", sys.executable, "-c", script, input="37")
    assert got.returncode == 37, got.stderr
    # nothing else on standard output; the temporary directory is gone
    assert len(got.stdout.splitlines()) == 1
    assert not pathlib.Path(got.stdout.strip()).exists()


def test_command_that_does_not_exist():
    got = mailctl("dev", "--", "/no/such/command")
    assert got.returncode == 127 and "/no/such/command" in got.stderr


def test_command_killed_by_a_signal():
    got = mailctl("dev", "--", "sh", "-c", "kill -9 $$")
    assert got.returncode == 128 + 9


@pytest.mark.parametrize("args,words", [
    (["--user", "bob"], "bob:secret"), (["--user", ":x"], "bob:secret"),
    (["--port", "smtp"], "smtp=2525"), (["--port", "smpt=25"], "smpt=25"),
    (["--port", "smtp=70000"], "70000"), (["--set", "limits.nothing=1"], "limits.nothing"),
    (["--set", "limits.errors=many"], "many"), (["--domain", "not a domain"], "not a domain"),
    (["--bogus"], "--bogus"), (["operand"], "operand"), (["--dir"], "--dir")])
def test_wrong_options_are_told(args, words):
    got = mailctl("dev", *args)
    assert got.returncode == 2, got.stderr
    assert got.stdout == "" and words in got.stderr


def test_everything_stops_with_it():
    server = Server(check=False).start()
    pids = server.pids()
    assert sorted(pids) == ["maild", "popd", "smtpd"]
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    wait_for(lambda: not any(alive(p) for p in pids.values()), 15, "the daemons to end")
    server.stop(judge=False)


def test_a_daemon_that_dies_is_started_again():
    with Server() as server:
        for daemon in ("popd", "smtpd", "maild"):
            old = server.pids()[daemon]
            os.kill(old, signal.SIGKILL)
            wait_for(lambda: server.pids().get(daemon, old) != old, 60, f"a new {daemon}")
        server.deliver("x@far.test", ["alice@d.test"], MESSAGE)  # while maild is away
        wait_for(lambda: server.ctl("status", "--json")["running"], 60, "maild to answer")
        assert len(server.fetch("alice@d.test")) == 1


def test_fixed_port_and_settings():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with Server(options=["--port", f"smtp={port}"],
                settings={"limits.message_size": "100K", "server.hostname": "other.test"}) as server:
        assert server.ports["smtp"] == port
        with server.smtp() as client:
            assert client.esmtp_features["size"] == "102400"
            assert client.docmd("NOOP")[0] == 250
            assert b"other.test" in client.ehlo()[1]


def test_a_port_in_use_is_told():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        got = mailctl("dev", "--port", f"pop3={taken.getsockname()[1]}")
        assert got.returncode == 1 and str(taken.getsockname()[1]) in got.stderr


def test_dir_keeps_the_store(tmp_path):
    with Server(dir=tmp_path / "kept") as server:
        server.deliver("x@far.test", ["alice@d.test"], MESSAGE)
    with Server(dir=tmp_path / "kept", users={"alice@d.test": "another"}) as server:
        assert len(server.fetch("alice@d.test")) == 1  # and the password is the new one
        assert len(server.ctl("user", "list", "--json")["users"]) == 3


def test_a_long_directory(tmp_path):
    deep = tmp_path / ("d" * 100)
    with Server(dir=deep) as server:
        assert len(server.ready["control"]) < 108
        assert server.ctl("status", "--json")["running"] is True


def test_accept_any():
    with Server(accept_any=True) as server:
        server.deliver("x@far.test", ["zoe@d.test"], MESSAGE)
        server.users.update({"zoe@d.test": "whatever", "new@d.test": "x", "no@far.test": "x"})
        assert len(server.fetch("zoe@d.test")) == 1
        assert server.fetch("new@d.test") == []
        with pytest.raises(poplib.error_proto):
            server.fetch("no@far.test")  # not a domain of ours
        server.users["bob@d.test"] = "wrong"  # who has a password keeps it
        with pytest.raises(poplib.error_proto):
            server.fetch("bob@d.test")


def test_no_name_outside_exists():
    """Without --dns nothing is asked of, nor sent to, the world."""
    with Server() as server:
        server.submit("bob@d.test", ["someone@example.com"], MESSAGE)
        returned = wait_for(lambda: server.fetch("bob@d.test"), 60, "the bounce")
        assert b"someone@example.com" in returned[0]


# ---- people and names

def test_users_online():
    with Server() as server:
        server.ctl("user", "add", "New@D.test", "--quota", "10M", input="pw-new-Xyz123\n")
        rows = {u["address"]: u for u in server.ctl("user", "list", "--json")["users"]}
        assert rows["new@d.test"]["quota"] == 10 << 20
        server.users["new@d.test"] = "pw-new-Xyz123"
        assert server.fetch("new@d.test") == []
        server.ctl("user", "passwd", "new@d.test", input="pw-changed\n")
        with pytest.raises(poplib.error_proto):  # at once, though it was remembered
            server.fetch("new@d.test")
        server.users["new@d.test"] = "pw-changed"
        assert server.fetch("new@d.test") == []
        server.ctl("user", "quota", "new@d.test", "1K")
        got = server.ctl("user", "remove", "new@d.test", check=False)
        assert got.returncode == 2 and "--yes" in got.stderr
        server.ctl("user", "remove", "new@d.test", "--yes")
        with pytest.raises(poplib.error_proto):
            server.fetch("new@d.test")
        assert "new@d.test" not in server.ctl("user", "list").stdout


@pytest.mark.parametrize("args,code,words", [
    (["user", "add", "bob@d.test"], 1, "exists already"),
    (["user", "add", "x@far.test"], 1, "domain"),
    (["user", "add", "no address"], 2, "address"),
    (["user", "add", "x@d.test", "--quota", "lots"], 2, "lots"),
    (["user", "passwd", "x@d.test"], 1, "no account"),
    (["user", "remove", "x@d.test", "--yes"], 1, "no account"),
    (["alias", "add", "bob@d.test", "x@far.test"], 1, "account"),
    (["domain", "remove", "d.test"], 1, "accounts"),
    (["queue", "show", "0000000000001"], 1, "waits"),
    (["queue", "drop"], 2, "--all"),
    (["journey", "nobody@far.test"], 1, "nothing is known"),
    (["user"], 2, "user passwd"), (["bogus"], 2, "bogus"), ([], 2, "usage")])
def test_refusals(shared, args, code, words):
    got = mailctl("-c", str(shared.dir / "pennypost.conf"), *args, input="pw\n")
    assert (got.returncode, words in got.stderr) == (code, True), got.stderr
    assert "Traceback" not in got.stderr and got.stdout == ""


@pytest.fixture(scope="module")
def shared():
    with Server() as server:
        yield server


def test_no_password_on_the_command_line_or_in_the_log(shared):
    assert mailctl("user", "add", "--password", "x", "a@d.test").returncode == 2
    shared.ctl("user", "add", "quiet@d.test", input="pw-very-secret\n")
    assert "pw-very-secret" not in shared.log_text() and "quiet@d.test" in shared.log_text()


def test_empty_password_is_refused(shared):
    for words in ("", "\n"):
        assert shared.ctl("user", "passwd", "bob@d.test", input=words, check=False).returncode == 1


def test_password_from_a_terminal(shared):
    """Asked twice, without echo."""
    try:
        for end in os.openpty():
            os.close(end)
    except OSError as e:
        pytest.skip(f"no pseudo-terminal to be had here: {e}")

    def ask(first, second):
        pid, tty = pty.fork()
        if pid == 0:
            os.execv(BIN / "mailctl", ["mailctl", "-c", str(shared.dir / "pennypost.conf"),
                                       "user", "passwd", "carol@e.test"])
        said = b""
        for prompt, answer in ((b"Password: ", first), (b"Once more: ", second)):
            while prompt not in said:
                assert select.select([tty], [], [], 20)[0], said
                said += os.read(tty, 1000)
            os.write(tty, answer + b"\n")
        try:
            while True:
                said += os.read(tty, 1000)
        except OSError:
            pass
        os.close(tty)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said

    code, said = ask(b"pw-tty-1", b"pw-tty-2")
    assert code == 1 and b"same" in said and b"pw-tty" not in said
    code, said = ask(b"pw-tty-1", b"pw-tty-1")
    assert code == 0 and b"pw-tty" not in said
    shared.users["carol@e.test"] = "pw-tty-1"
    assert isinstance(shared.fetch("carol@e.test"), list)


def test_aliases_and_domains():
    with Server() as server:
        server.ctl("domain", "add", "Extra.Test")
        server.ctl("alias", "add", "team@d.test", "alice@d.test", "bob@d.test")
        server.ctl("alias", "add", "@extra.test", "alice@d.test")
        server.deliver("x@far.test", ["team@d.test"], MESSAGE)
        server.deliver("x@far.test", ["anyone@extra.test"], MESSAGE)
        assert len(server.fetch("alice@d.test")) == 2 and len(server.fetch("bob@d.test")) == 1
        server.ctl("alias", "remove", "team@d.test", "alice@d.test")
        rows = server.ctl("alias", "list", "--json")["aliases"]
        assert {(r["alias"], r["target"]) for r in rows} == {
            ("team@d.test", "bob@d.test"), ("@extra.test", "alice@d.test")}
        server.ctl("alias", "remove", "@extra.test")
        server.ctl("domain", "remove", "extra.test")
        assert "extra" not in server.ctl("domain", "list").stdout


# ---- the queue and the journey

def test_queue_and_journey():
    """An MX that nobody serves: mail waits, and people can see and change that."""
    records = [["far.test", "MX", "10 mx.far.test"], ["mx.far.test", "A", "127.0.0.9"]]
    with socket.socket() as probe:
        probe.bind(("127.0.0.9", 0))
        closed = probe.getsockname()[1]  # bound, never listened to
        with StubDns(records) as dns, Server(
                dns=dns.forward, settings={"relay.port": closed}) as server:
            server.submit("bob@d.test", ["x@far.test"], MESSAGE)
            row = wait_for(lambda: next((r for r in server.ctl(
                "queue", "list", "--json")["recipients"] if r["tries"] > 0), None), 20, "a try")
            assert row["recipient"] == "x@far.test" and row["state"] == "waiting"
            assert row["id"] in server.ctl("queue", "list").stdout
            assert "x@far.test" in server.ctl("queue", "show", row["id"]).stdout
            server.ctl("queue", "hold", row["id"])
            assert server.ctl("queue", "show", row["id"], "--json")["recipients"][0]["state"] == "held"
            server.ctl("queue", "release", "--domain", "far.test")
            server.ctl("queue", "retry", "--all")
            wait_for(lambda: server.ctl("queue", "show", row["id"], "--json")
                     ["recipients"][0]["tries"] > row["tries"], 20, "another try")
            server.ctl("queue", "drop", row["id"])
            assert server.ctl("queue", "list", "--json")["recipients"] == []
            for what in (row["id"], "one@d.test", "<one@d.test>", "x@far.test", "bob@d.test"):
                told = server.ctl("journey", what, "--json")["journeys"]
                assert [j["id"] for j in told] == [row["id"]]
            kinds = [h["what"] for h in told[0]["hops"]]
            assert kinds[:2] == ["received", "queued"] and kinds[-1] == "dropped"
            assert {"tried", "held", "released"} <= set(kinds)
            text = server.ctl("journey", row["id"]).stdout
            assert "x@far.test" in text and "ESMTPSA" in text and "dropped" in text


def test_journey_of_a_local_message(shared):
    shared.submit("bob@d.test", ["alice@d.test"], MESSAGE.replace(b"<one@", b"<local@"))
    shared.fetch("alice@d.test")
    def kinds():
        told = shared.ctl("journey", "local@d.test", "--json")["journeys"][0]
        return [h["what"] for h in told["hops"]]
    wait_for(lambda: kinds() == ["received", "delivered", "fetched"], 60, "the fetch in the journey")


def test_hostile_words_do_not_reach_the_terminal(shared):
    with shared.smtp() as client:
        client.docmd("HELO", "x")
        client.sendmail("evil@far.test", ["alice@d.test"],
                        b"Message-ID: <a\x1b[2J\xe2\x80\xaeb@far.test>\r\n\r\nx\r\n")
    text = shared.ctl("journey", "evil@far.test").stdout
    assert "\x1b" not in text and "\u202e" not in text and "evil@far.test" in text


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to become somebody else")
def test_only_root_and_our_own_user_may_order():
    """Who is in the socket's group reaches it, as smtpd does, and is refused."""
    with Server() as server:
        for path in (server.scratch, server.dir, server.dir / "run"):
            path.chmod(0o755)
        path = server.ready["control"]
        group = os.stat(path).st_gid
        ask = ("import socket, sys\n"
               "s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])\n"
               "s.sendall(b'{\"command\":\"user.list\"}\\n'); print(s.makefile().readline())")
        got = subprocess.run(["/usr/bin/python3", "-c", ask, path], capture_output=True, text=True,
                             user=65534, group=group, extra_groups=[])
        answer = json.loads(got.stdout)
        assert answer["ok"] is False and "only root" in answer["text"]
        assert "uid 65534" in server.log_text()


@pytest.mark.parametrize("args", [
    ("user", "add", b"\xff@d.test"), ("user", "remove", b"\xff@d.test", "--yes"),
    ("queue", "hold", "--domain", b"\xff"), ("journey", b"\xff")])
def test_words_that_are_no_text(shared, args):
    got = subprocess.run([str(BIN / "mailctl"), *args, "-c", shared.ready["conf"]],
                         input=b"secret\n", capture_output=True, timeout=120)
    assert got.returncode == 2, got.stderr
    assert b"not UTF-8" in got.stderr


# ---- offline

def test_the_same_offline(tmp_path):
    conf = conf_of(tmp_path)
    def ctl(*args, input="", code=0):
        got = mailctl("-c", conf, *args, input=input)
        assert got.returncode == code, got.stderr
        return json.loads(got.stdout) if "--json" in args and got.stdout else got
    ctl("domain", "add", "d.test")
    ctl("user", "add", "bob@d.test", input="secret\n")
    ctl("user", "add", "bob@d.test", input="secret\n", code=1)
    ctl("alias", "add", "b@d.test", "bob@d.test")
    assert ctl("user", "list", "--json")["users"][0]["address"] == "bob@d.test"
    assert ctl("alias", "list", "--json")["aliases"][0]["target"] == "bob@d.test"
    assert ctl("status", "--json")["running"] is False
    assert "does not run" in ctl("status").stdout
    assert "Nothing waits" in ctl("queue", "list").stdout
    ctl("user", "passwd", "bob@d.test", input="other\n")
    assert ctl("user", "disable", "bob@d.test").stdout == "bob@d.test disabled\n"
    assert ctl("user", "list", "--json")["users"][0]["disabled"] is True
    assert ctl("user", "enable", "bob@d.test").stdout == "bob@d.test enabled\n"
    assert ctl("user", "list", "--json")["users"][0]["disabled"] is False
    ctl("user", "disable", "nobody@d.test", code=1)
    ctl("user", "remove", "bob@d.test", "--yes")
    assert oct((tmp_path / "store/auth.db").stat().st_mode & 0o7777) in ("0o600", "0o660")


def test_only_one_owner(tmp_path):
    """auth.db is never opened beside somebody else's: temporary failure."""
    import fcntl
    conf = conf_of(tmp_path)
    assert mailctl("-c", conf, "domain", "add", "d.test").returncode == 0
    with open(tmp_path / "store/maild.lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        got = mailctl("-c", conf, "domain", "list")
        assert got.returncode == 75, got.stderr
    assert mailctl("-c", conf, "domain", "list").returncode == 0


def test_many_offline_at_once(tmp_path):
    conf = conf_of(tmp_path)
    assert mailctl("-c", conf, "domain", "add", "d.test").returncode == 0
    running = [subprocess.Popen([str(BIN / "mailctl"), "-c", conf, "user", "add", f"u{n}@d.test"],
                                stdin=subprocess.PIPE) for n in range(8)]
    for process in running:
        process.stdin.write(b"secret\n")
        process.stdin.close()
    assert [p.wait(60) for p in running] == [0] * 8
    users = json.loads(mailctl("-c", conf, "user", "list", "--json").stdout)["users"]
    assert len(users) == 8


# ---- check

def test_check_of_a_good_server(shared):
    told = shared.ctl("check", "--json")
    assert told["ok"] is True
    assert {f["area"] for f in told["findings"]} == {
        "settings", "files", "certificate", "store", "ports"}


def test_check_names_file_and_line(tmp_path):
    conf = conf_of(tmp_path, "[limits]", "errors = lots")
    got = mailctl("-c", conf, "check")
    assert got.returncode == 78 and f"{conf}:6:" in got.stdout
    assert mailctl("-c", conf, "user", "list").returncode == 78
    assert mailctl("-c", str(tmp_path / "none"), "status").returncode == 78


def test_check_finds_what_is_wrong():
    with Server() as server:
        key = server.dir / "key.pem"
        key.chmod(0o644)
        (server.dir / "cert.pem").write_text("no certificate\n")
        told = server.ctl("check", "--json", check=False)
        bad = {f["area"]: f["text"] for f in told["findings"] if not f["ok"]}
        assert told["ok"] is False and set(bad) == {"files", "certificate"}
        assert str(key) in bad["files"]


def test_check_of_ports(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        conf = conf_of(tmp_path, "[listen]", f"smtp = 127.0.0.1:{port}",
                       "submission = 127.0.0.1:0", "submissions = 127.0.0.1:0",
                       "pop3 = 127.0.0.1:0", "pop3s = 127.0.0.1:0",
                       "imap = 127.0.0.1:0", "imaps = 127.0.0.1:0")
        told = json.loads(mailctl("-c", conf, "check", "--json").stdout)
        ports = [(f["ok"], f["text"]) for f in told["findings"] if f["area"] == "ports"]
        assert [ok for ok, _ in ports] == [False] + 6 * [True]


# ---- run

def test_run(tmp_path):
    with Server(dir=tmp_path / "dev") as server:
        text = (server.dir / "pennypost.conf").read_text()
        server.deliver("x@far.test", ["alice@d.test"], MESSAGE)
    conf = tmp_path / "dev/pennypost.conf"
    env = dict(os.environ)
    env["ASAN_OPTIONS"] = f"log_path={tmp_path}/asan"
    process = subprocess.Popen([str(BIN / "mailctl"), "-c", str(conf), "run"], env=env,
                               stderr=open(tmp_path / "log", "wb"))
    try:
        wait_for(lambda: "mailctl: ready" in (tmp_path / "log").read_text(), what="run")
        assert (tmp_path / "dev/pennypost.conf").read_text() == text
        status = json.loads(mailctl("-c", str(conf), "status", "--json").stdout)
        assert status["running"] is True and status["messages"] == 1
        process.send_signal(signal.SIGHUP)
        time.sleep(0.2)
        assert process.poll() is None
    finally:
        process.terminate()
        assert process.wait(60) == 0
    assert not [p for p in tmp_path.glob("asan*") if p.stat().st_size > 0]


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to become somebody else")
def test_run_as_another_user():
    """Root gives up root; offline work by root leaves nothing the daemons cannot open."""
    home = pathlib.Path(tempfile.mkdtemp(prefix="pp-run-"))
    home.chmod(0o755)
    try:
        with Server(dir=home / "dev"):
            pass
        for name in ("cert.pem", "key.pem"):
            shutil.copy(home / "dev" / name, home / name)
        (home / "key.pem").chmod(0o600)
        for name in ("store", "run"):
            (home / name).mkdir()
            shutil.chown(home / name, group="nogroup")
            (home / name).chmod(0o2770)
        conf = conf_of(home, "user = nobody", "[tls]", f"certificate = {home}/cert.pem",
                       f"key = {home}/key.pem", "[listen]",
                       *(f"{s} = 127.0.0.1:0" for s in SERVICES))
        assert mailctl("-c", conf, "domain", "add", "d.test").returncode == 0
        with open(home / "log", "wb") as log:
            process = subprocess.Popen([str(BIN / "mailctl"), "-c", conf, "run"], stderr=log)
        try:
            wait_for(lambda: "mailctl: ready" in (home / "log").read_text(), 60, "run")
            for child in subprocess.run(["ps", "-o", "user=", "--ppid", str(process.pid)],
                                        capture_output=True, text=True).stdout.split():
                assert child == "nobody"
            assert mailctl("-c", conf, "user", "add", "bob@d.test", input="x\n").returncode == 0
        finally:
            process.terminate()
            assert process.wait(60) == 0, (home / "log").read_text()
        assert mailctl("-c", conf, "user", "passwd", "bob@d.test", input="y\n").returncode == 0
        assert {p.owner() for p in (home / "store").iterdir()} == {"nobody"}
    finally:
        shutil.rmtree(home)


def test_run_with_a_wrong_configuration(tmp_path):
    got = mailctl("-c", conf_of(tmp_path, "[nothing]"), "run")
    assert got.returncode == 78 and ":5:" in got.stderr


def test_run_without_a_certificate(tmp_path):
    """A daemon that cannot begin ends it all, with that daemon's status."""
    conf = conf_of(tmp_path, "[tls]", f"certificate = {tmp_path}/none.pem",
                   "[listen]", *(f"{s} = 127.0.0.1:0" for s in SERVICES))
    got = mailctl("-c", conf, "run")
    assert got.returncode in (71, 78), got.stderr
    assert "none.pem" in got.stderr


# ---- demo

def test_demo():
    got = mailctl("demo", "--once")
    assert got.returncode == 0, got.stdout + got.stderr
    assert "Alice has it: all" in got.stdout and "Carol has it: all" in got.stdout
    assert "relayed" in got.stdout and got.stdout.count("fetched") == 2
    assert "REVEALED" not in got.stdout


def test_demo_keeps_running():
    process = subprocess.Popen([str(BIN / "mailctl"), "demo"], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True)
    seen = ""
    for line in process.stdout:
        seen += line
        if "Ctrl-C" in line:
            break
    assert "127.0.0.2" in seen and "bob@bob.test" in seen
    conf = next(l.split("mailctl -c ")[1].split(" ")[0] for l in seen.splitlines()
                if "mailctl for Alice" in l)
    assert json.loads(mailctl("-c", conf, "status", "--json").stdout)["messages"] == 2
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    assert not pathlib.Path(conf).exists()


# ---- help

def test_help_everywhere():
    overview = mailctl("--help")
    assert overview.returncode == 0
    commands = [line[2:23].strip() for line in overview.stdout.splitlines() if line[:2] == "  "]
    assert {"run", "dev", "demo", "user add", "queue drop", "journey", "check"} <= set(commands)
    for command in commands:
        got = mailctl(*command.split(), "--help")
        assert got.returncode == 0 and got.stdout.startswith(f"usage: mailctl {command}")
