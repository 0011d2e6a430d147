# SPDX-License-Identifier: MIT
"""A whole Penny Post for a test: started with `mailctl dev`, talked to over
loopback, stopped and judged.

    with Server(users={"bob": "secret"}) as bob:
        bob.submit("bob@d.test", ["alice@d.test"], b"From: ...")
        assert bob.fetch("alice@d.test") == [...]

stop() fails the test when a daemon crashed, a sanitizer said something, or
the store's own checker found fault: every test is also a test of that.
"""
import contextlib
import imaplib
import json
import os
import pathlib
import poplib
import re
import shutil
import signal
import smtplib
import ssl
import subprocess
import sys
import tempfile
import threading
import time

import dns.message
import dns.query

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("PENNYPOST_BIN", ROOT / "build/sanitize/bin"))
TOOLS = ROOT / "tests/tools"
USERS = {  # the fixture every protocol test knows
    "alice@d.test": "pw-alice-Xyz123",
    "bob@d.test": "pw-bob-Xyz123",
    "carol@e.test": "pw-carol-Xyz123",
}

poplib._MAXLINE = 1 << 21  # it gives up at 2048, which no RFC asks for


def wait_for(condition, seconds=60, what="condition"):
    """Poll until condition() is true; returns what it returned."""
    end = time.monotonic() + seconds
    while True:
        got = condition()
        if got:
            return got
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s in vain for {what}")
        time.sleep(0.02)


# The resolver's child, which is libunbound's own, keeps the eight octets of a
# question's cancellation when it had answered already: handle_cancel(), 1.17.1.
LATE_CANCEL = re.compile(r"""(?x)\s*=+\s+==\d+==ERROR:\ LeakSanitizer:\ detected\ memory\ leaks\s+
    Direct\ leak\ of\ (\d+)\ byte\(s\)\ in\ (\d+)\ object\(s\)\ allocated\ from:\s+
    \#0\ \S+\ in\ \S*calloc\ .*\s+ \#1\ \S+\ +\(\S*/libunbound\.so\S*\)\s+
    SUMMARY:.*\s*""")


def is_report(text):
    """Something a sanitizer said of us."""
    known = LATE_CANCEL.fullmatch(text)
    return bool(text.strip()) and not (known and int(known[1]) == 8 * int(known[2]))


def cpu_s(pid):
    """Processor time of a process and its threads: what it did, however many
    others there are to share the machine with."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Server:
    def __init__(self, users=None, domain="d.test", options=(), settings=None,
                 dir=None, host="127.0.0.1", dns=None, plaintext=False,
                 accept_any=False, check=True, asan="", clock=False,
                 internet=None):
        self.users = dict(USERS if users is None else users)
        self.domain, self.options, self.host = domain, list(options), host
        self.settings = dict(settings or {})
        self.dns, self.plaintext, self.accept_any = dns, plaintext, accept_any
        self.check, self.asan = check, asan
        self.clock = clock  # one that advance() moves
        self.internet = internet  # pennypost.internet(5), as Python's own
        self.kept = dir
        self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        self.stop(judge=kind is None)

    def start(self):
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="pp-test-"))
        self.dir = pathlib.Path(self.kept) if self.kept else self.scratch / "dev"
        args = [str(BIN / "mailctl"), "dev", "--json", "--dir", str(self.dir),
                "--host", self.host]
        for domain in dict.fromkeys([self.domain, *(u.split("@")[1] for u in self.users if "@" in u)]):
            args += ["--domain", domain]
        for user, password in self.users.items():
            args += ["--user", f"{user}:{password}"]
        if self.dns:
            args += ["--dns", self.dns]
        if self.plaintext:
            args += ["--allow-plaintext"]
        if self.accept_any:
            args += ["--accept-any"]
        if self.internet is not None:
            (self.scratch / "internet.json").write_text(json.dumps(self.internet))
            args += ["--internet", str(self.scratch / "internet.json")]
        if not self.clock:
            args += ["--set", "test.clock="]
        for key, value in self.settings.items():
            args += ["--set", f"{key}={value}"]
        env = dict(os.environ)
        env["ASAN_OPTIONS"] = f"log_path={self.scratch}/asan:detect_leaks=1:abort_on_error=0:{self.asan}"
        env["UBSAN_OPTIONS"] = f"log_path={self.scratch}/ubsan:print_stacktrace=1"
        env["TSAN_OPTIONS"] = f"log_path={self.scratch}/tsan:second_deadlock_stack=1"
        self.log = open(self.scratch / "log", "wb")
        self.process = subprocess.Popen(args + self.options, stdout=subprocess.PIPE,
                                        stderr=self.log, env=env)
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError("dev did not start:\n" + self.log_text())
        self.ready = json.loads(line)
        assert self.ready["ready"] is True
        self.ports = self.ready["ports"]
        self.ca = self.ready["ca"]
        return self

    def log_text(self):
        return (self.scratch / "log").read_text(errors="replace")

    def reports(self):
        """What sanitizers said, by file."""
        found = {p.name: p.read_text(errors="replace")
                 for pattern in ("asan*", "ubsan*", "tsan*") for p in self.scratch.glob(pattern)}
        return {name: text for name, text in found.items() if is_report(text)}

    def stop(self, judge=True):
        code = None
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                code = self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                code = "killed: did not stop in 60 s"
        elif self.process:
            code = self.process.poll()
        self.process.stdout.close()
        self.log.close()
        try:
            if judge and self.check:
                assert not self.reports(), self.reports()
                assert code == 0, f"exit {code}\n{self.log_text()[-3000:]}"
        finally:
            if not judge:
                sys.stderr.write(self.log_text()[-6000:])
                for name, text in self.reports().items():
                    sys.stderr.write(f"--- {name}\n{text[:6000]}\n")
            if not self.kept or not judge:
                shutil.rmtree(self.scratch, ignore_errors=True)

    # ---- daemons

    def pids(self):
        """{daemon: pid} of the three."""
        found = {}
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            with contextlib.suppress(OSError, IndexError, ValueError):
                stat = (entry / "stat").read_text()
                name = stat[stat.index("(") + 1:stat.rindex(")")]
                parent = int(stat[stat.rindex(")") + 2:].split()[1])
                if parent == self.process.pid and name in ("smtpd", "maild", "popd"):
                    found[name] = int(entry.name)
        return found

    def ctl(self, *args, input=None, check=True):
        """mailctl ARGS against this server; JSON when --json is given."""
        got = subprocess.run([str(BIN / "mailctl"), "-c", str(self.dir / "pennypost.conf"), *args],
                             input=input, capture_output=True, text=True, timeout=120)
        if check and got.returncode != 0:
            raise AssertionError(f"mailctl {args}: {got.returncode}\n{got.stdout}{got.stderr}")
        if "--json" in args and got.stdout:
            return json.loads(got.stdout)
        return got

    def advance(self, time):
        """Let so much time pass ("5d"; None: until the next try), with all that is
        due meanwhile: {"now", "next", "jumps": [{"at", "counts", "happened"}]}."""
        return self.ctl("advance", "--json", *([time] if time else ["--to-next"]))

    def received(self, host):
        """[(envelope, octets)] of what a server of the internet took."""
        where = pathlib.Path(self.ready["internet"]["dir"]) / host
        files = sorted(where.glob("*.eml"), key=lambda f: int(f.stem))
        return [(json.loads(f.with_suffix(".json").read_text()), f.read_bytes()) for f in files]

    # ---- clients

    def tls(self):
        return ssl.create_default_context(cafile=self.ca)

    def password(self, user):
        return self.users[user]

    def smtp(self):
        """A client on port 25, after EHLO."""
        client = smtplib.SMTP(self.host, self.ports["smtp"], local_hostname="c.test", timeout=60)
        client.ehlo()
        return client

    def submission(self, user, implicit=False):
        """A client that has logged in, on 587 (STARTTLS) or 465."""
        if implicit:
            client = smtplib.SMTP_SSL(self.host, self.ports["submissions"], context=self.tls(),
                                      local_hostname="c.test", timeout=60)
        else:
            client = smtplib.SMTP(self.host, self.ports["submission"],
                                  local_hostname="c.test", timeout=60)
            client.starttls(context=self.tls())
        client.login(user, self.password(user))
        return client

    def submit(self, user, recipients, message, implicit=False):
        with self.submission(user, implicit) as client:
            return client.sendmail(user, recipients, message)

    def deliver(self, sender, recipients, message):
        with self.smtp() as client:
            return client.sendmail(sender, recipients, message)

    def pop3(self, user):
        client = poplib.POP3_SSL(self.host, self.ports["pop3s"], context=self.tls(), timeout=60)
        client.user(user)
        client.pass_(self.password(user))
        return client

    def imap(self, user, implicit=True, login=True):
        """A client under TLS, on 993 or by STARTTLS on 143."""
        if implicit:
            client = imaplib.IMAP4_SSL(self.host, self.ports["imaps"], ssl_context=self.tls(), timeout=60)
        else:
            client = imaplib.IMAP4(self.host, self.ports["imap"], timeout=60)
            client.starttls(self.tls())
        if login:
            client.login(user, self.password(user))
        return client

    def fetch(self, user, delete=False):
        """Every message of the maildrop, as bytes with CRLF."""
        client = self.pop3(user)
        messages = []
        try:
            for n in range(1, client.stat()[0] + 1):
                messages.append(b"".join(line + b"\r\n" for line in client.retr(n)[1]))
                if delete:
                    client.dele(n)
            client.quit()
        finally:
            client.close()
        return messages


def without_trace(message, hops=1):
    """A fetched message without what we put before it: Return-Path, and one
    Received field for each server it passed."""
    for name in [b"Return-Path"] + hops * [b"Received"]:
        message, n = re.subn(rb"\A" + name + rb":[^\r\n]*\r\n(?:\t[^\r\n]*\r\n)*", b"", message)
        assert n == 1, f"no {name.decode()} where it was expected: {message[:200]}"
    return message


class StubDns:
    """tests/tools/stub_dns.py with these records, [[name, type, rdata]...], and
    behaviours (see there): its address is `.forward'.  more: what else its JSON
    may have (ttl, signed, unsigned); of signed zones `.anchor' is a file with
    what a resolver must be told."""

    def __init__(self, records, behaviours=None, host="127.0.0.1", **more):
        self.records = {"records": records, "behaviours": behaviours or {}}
        self.more, self.host = more, host

    def write(self):
        self.generation += 1
        mark = [f"generation{self.generation}.invalid", "A", "127.0.0.1"]
        text = {**self.more, **self.records, "records": self.records["records"] + [mark]}
        with open(self.file, "w", encoding="utf-8") as f:
            json.dump(text, f)
        return mark[0]

    def __enter__(self):
        handle, self.file = tempfile.mkstemp(prefix="pp-dns-", suffix=".json")
        os.close(handle)
        self.anchor = self.file + ".ds"
        self.generation = 0
        self.write()
        self.process = subprocess.Popen(
            ["/usr/bin/python3", str(TOOLS / "stub_dns.py"), "--listen", f"{self.host}:0",
             "--log", self.file + ".log", "--anchor", self.anchor, self.file],
            stdout=subprocess.PIPE)
        self.port = json.loads(self.process.stdout.readline())["port"]
        self.forward = f"{self.host}:{self.port}"
        return self

    def change(self, records, behaviours=None):
        """Answer from these from now on.  (Whoever asked before may remember the
        old answer.)"""
        self.records = {"records": list(records), "behaviours": behaviours or {}}
        query = dns.message.make_query(self.write(), "A")
        self.process.send_signal(signal.SIGHUP)
        wait_for(lambda: dns.query.udp(query, self.host, 10, self.port).answer, what="the new records")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()
        os.unlink(self.file)
        os.unlink(self.file + ".log")
        pathlib.Path(self.anchor).unlink(missing_ok=True)

    def asked(self):
        """[(type, name)] of all questions so far, each as often as it was asked."""
        lines = pathlib.Path(self.file + ".log").read_text(encoding="utf-8").splitlines()
        return [tuple(line.split(" ", 2)[1:]) for line in lines]
