# SPDX-License-Identifier: MIT
"""popd alone, for tests that play conversations against it: the daemon on a
store, and a stand-in for maild's authority."""
import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from ports import free_port  # noqa: E402

REASONS = {"throttled@d.test": "throttled", "busy@d.test": "busy", "disabled@d.test": "disabled",
           "off@d.test": "disabled", "error@d.test": "error"}


PATIENCE_S = 60  # for what must come, on any machine


def poll(condition):
    """What condition() gives, once that is true; or the last of it."""
    end = time.monotonic() + PATIENCE_S
    while not (got := condition()) and time.monotonic() < end:
        time.sleep(0.02)
    return got


class Authority:
    """Answers auth.sock as maild does."""

    def __init__(self, path, accounts, passwords):
        self.accounts, self.passwords, self.asked, self.delay = accounts, passwords, [], 0
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.bind(path)
        self.sock.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                conn, _ = self.sock.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(conn,), daemon=True).start()

    def serve(self, conn):
        with contextlib.suppress(OSError), conn, conn.makefile("rwb") as f:
            for line in f:
                q = json.loads(line)
                self.asked.append(q)
                time.sleep(self.delay)
                f.write(json.dumps(self.answer(q)).encode() + b"\n")
                f.flush()

    def answer(self, q):
        user = q["user"].lower()
        if user in REASONS:
            return {"ok": False, "reason": REASONS[user], "text": "."}
        if self.passwords.get(user) != q["password"]:
            return {"ok": False, "reason": "bad", "text": "wrong name or password"}
        return {"ok": True, "login": user, "account": self.accounts[user]}


class Popd:
    def __init__(self, program, where, store, **settings):
        self.port, self.tls_port, self.imap_port, self.imaps_port = (free_port() for _ in range(4))
        self.where = pathlib.Path(where)
        self.log = tempfile.TemporaryFile("w+b")
        conf = {"server": {"hostname": "mx.d.test", "store": store, "runtime": where},
                "tls": {"certificate": "%s/cert.pem" % where, "key": "%s/key.pem" % where},
                "listen": {"pop3": "127.0.0.1:%d" % self.port, "pop3s": "127.0.0.1:%d" % self.tls_port,
                           "imap": "127.0.0.1:%d" % self.imap_port, "imaps": "127.0.0.1:%d" % self.imaps_port},
                "limits": {"connections_per_address": "200"}, "test": {}, "timeouts": {}, "imap": {}}
        for key, value in settings.items():
            section, name = key.split("__")
            conf[section][name] = value
        path = self.where / ("popd-%d.conf" % self.port)
        path.write_text("".join("[%s]\n%s\n" % (s, "".join("%s = %s\n" % kv for kv in v.items())) for s, v in conf.items()))
        ready_path = str(self.where / ("ready-%d" % self.port))
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            ready.bind(ready_path)
            ready.settimeout(120)
            env = dict(os.environ, NOTIFY_SOCKET=ready_path)
            env["ASAN_OPTIONS"] = env.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"
            self.process = subprocess.Popen([program, "-c", str(path)], env=env, stderr=self.log)
            try:
                assert ready.recv(100).startswith(b"READY=1")
            except socket.timeout:
                raise AssertionError("popd is not ready: %s" % self.lines()) from None

    def lines(self):
        self.log.seek(0)
        return self.log.read().decode()

    def rss_kib(self):
        for line in pathlib.Path("/proc/%d/status" % self.process.pid).read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1])

    def cpu_s(self):
        fields = pathlib.Path("/proc/%d/stat" % self.process.pid).read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def open_files(self):
        return len(os.listdir("/proc/%d/fd" % self.process.pid))

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=60)
        text = self.lines()
        self.log.close()
        return code, text
