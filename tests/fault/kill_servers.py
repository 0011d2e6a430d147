# SPDX-License-Identifier: MIT
"""Servers whose daemons are killed, and start again as often as that: what
`mailctl dev' has made, supervised here.
"""
import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from pennypost import BIN, Server  # noqa: E402

DAEMONS = ("maild", "smtpd", "popd")
SERVICES = {"smtpd": ("smtp", "submission", "submissions"),
            "popd": ("pop3", "pop3s", "imap", "imaps"), "maild": ()}


class Ended(AssertionError):
    """A daemon that nobody killed."""


class Daemons:
    """One server, made by `mailctl dev' and from then on supervised here:
    what is killed starts again at once, however often."""

    def __init__(self, server):
        self.dir, self.ports, self.ca = server.dir, server.ports, server.ca
        self.host = server.host
        self.scratch = server.scratch
        self.sockets = {}
        self.running = {}
        self.log = open(self.scratch / "daemons.log", "ab")
        for name, port in self.ports.items():
            s = socket.socket()
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind((self.host, port))
            s.listen(256)
            self.sockets[name] = s
        for name in DAEMONS:
            self.start(name)

    def start(self, name):
        """With its sockets from descriptor 3 on, as sd_listen_fds(3) says."""
        services = SERVICES[name]
        fds = [self.sockets[s].fileno() for s in services]

        def hand_over():
            high = [os.dup2(fd, 200 + i) for i, fd in enumerate(fds)]
            for i, fd in enumerate(high):
                os.dup2(fd, 3 + i)
                os.close(fd)

        env = {**os.environ, "LISTEN_FDS": str(len(fds)), "LISTEN_FDNAMES": ":".join(services),
               "ASAN_OPTIONS": f"log_path={self.scratch}/asan",
               "UBSAN_OPTIONS": f"log_path={self.scratch}/ubsan"}
        self.running[name] = subprocess.Popen(
            ["/bin/sh", "-c", 'LISTEN_PID=$$; export LISTEN_PID; exec "$0" -c "$1"',
             str(BIN / name), str(self.dir / "pennypost.conf")],
            env=env, stderr=self.log, stdin=subprocess.DEVNULL, close_fds=False,
            preexec_fn=hand_over)

    def kill(self, name):
        process = self.running[name]
        if process.poll() is not None:
            raise Ended(f"{name} ended by itself: {process.returncode}\n" + self.tail())
        process.kill()
        process.wait()

    def ctl(self, *args, check=True):
        """mailctl ARGS, as Server.ctl(); a large store takes its time."""
        got = subprocess.run([str(BIN / "mailctl"), "-c", str(self.dir / "pennypost.conf"), *args],
                             capture_output=True, text=True, timeout=3600)
        if check and got.returncode != 0:
            raise AssertionError(f"mailctl {args}: {got.returncode}\n{got.stdout}{got.stderr}")
        return json.loads(got.stdout) if "--json" in args and got.stdout else got

    def tail(self):
        return (self.scratch / "daemons.log").read_text(errors="replace")[-3000:]

    def stop(self):
        """Their exit codes."""
        for process in self.running.values():
            process.terminate()
        codes = {}
        for name, process in self.running.items():
            try:
                codes[name] = process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                codes[name] = "did not stop in 60 s"
        for s in self.sockets.values():
            s.close()
        self.log.close()
        return codes


def prepare(name, users, host, relay_port, dns):
    """Directory, certificate and accounts of a server."""
    server = Server(users=users, domain=f"{name}.test", host=host, dns=dns, settings={
        "relay.port": relay_port, "relay.retry_first": "500ms", "relay.retry_most": "1s",
    }, options=["--port", f"smtp={relay_port}"])
    server.start()
    scratch = server.scratch
    server.kept = str(server.dir)  # the directory stays when it stops
    server.stop()
    server.scratch = scratch
    return server


def left_running(server):
    """Processes of ours that outlived it, such as children of the killed."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if f" {server.dir}/" in command:
                found.append(command)
    return found
