# SPDX-License-Identifier: MIT
"""The same messages in two servers: ours (mailctl dev) and a private Dovecot
(its imap program, talked to over a pipe), in the same order, so that sequence
numbers and UIDs agree."""
import contextlib
import datetime
import json
import os
import pathlib
import pwd
import shutil
import socket
import subprocess

from structure import CONFIG, IMAP, parse

FLAGS = [r"\Seen", r"\Answered", r"\Flagged", r"\Deleted", r"\Draft",
         "$Forwarded", "Work", "NonJunk"]
BEGIN = datetime.datetime(2019, 12, 28, 3, 7, 11)


def flags_of(i):
    """Of the i-th message, from 0: the same in every run."""
    return [f for bit, f in enumerate(FLAGS) if (i * 2654435761 >> 7 + bit) % (bit + 2) == 0]


def received(i):
    return BEGIN + datetime.timedelta(hours=7 * (i * 7919 % 1009), seconds=i)


class Refused(Exception):
    pass


class Peer:
    """One session.  command() gives the untagged responses, parsed."""

    def __init__(self, name, reading, writing):
        self.name, self.reading, self.writing, self.number = name, reading, writing, 0
        self.greeting = self.line()

    def line(self):
        """One answer with the literals in it."""
        out = self.reading.readline()
        while out.endswith(b"}\r\n"):
            count = int(out[out.rindex(b"{") + 1:-3])
            out += self.reading.read(count) + self.reading.readline()
        if not out:
            raise OSError(f"{self.name} is gone")
        return out

    def send(self, text):
        self.writing.write(text)
        self.writing.flush()

    def command(self, text):
        self.number += 1
        tag = b"t%d " % self.number
        self.send(tag + text + b"\r\n")
        answers = []
        while True:
            line = self.line()
            if line.startswith(tag):
                if not line.startswith(tag + b"OK"):
                    raise Refused(line[len(tag):].strip().decode(errors="replace"))
                return answers
            answers.append(line)

    def fetch(self, text):
        """{number: {item: value}}"""
        found = {}
        for line in self.command(text):
            if b" FETCH (" in line[:30]:
                listed = parse(line[line.index(b"("):])[0]
                items = found.setdefault(int(line.split()[1]), {})
                items.update(zip([item_name(x) for x in listed[::2]], listed[1::2]))
        return found

    def numbers(self, text):
        """Of SEARCH and SORT."""
        for line in self.command(text):
            if line.startswith((b"* SEARCH", b"* SORT")):
                return [int(n) for n in line.split()[2:] if n.isdigit()]
        return []

    def threads(self, text):
        for line in self.command(text):
            if line.startswith(b"* THREAD"):
                return parse(line[len(b"* THREAD"):].strip())
        return []

    def append(self, message, i):
        date = received(i).strftime("%d-%b-%Y %H:%M:%S +0000")
        self.command(b'APPEND INBOX (%s) "%s" {%d+}\r\n' % (
            " ".join(flags_of(i)).encode(), date.encode(), len(message)) + message)


def item_name(name):
    return name.upper().replace(b'"', b"")


class Ours(Peer):
    def __init__(self, bin, directory):
        user, password = "alice@d.test", "pw-alice-Xyz123"
        self.log = open(directory / "mailctl.log", "wb")
        self.process = subprocess.Popen(
            [str(pathlib.Path(bin) / "mailctl"), "dev", "--json", "--dir", str(directory / "dev"),
             "--allow-plaintext", "--user", f"{user}:{password}", "--domain", "d.test"],
            stdout=subprocess.PIPE, stderr=self.log)
        ready = self.process.stdout.readline()
        if not ready:
            raise OSError((directory / "mailctl.log").read_text())
        ready = json.loads(ready)
        self.sock = socket.create_connection((ready["host"], ready["ports"]["imap"]))
        super().__init__("ours", self.sock.makefile("rb"), self.sock.makefile("wb"))
        self.command(f"LOGIN {user} {password}".encode())

    def stop(self):
        self.sock.close()
        self.process.terminate()
        code = self.process.wait(60)
        self.log.close()
        said = pathlib.Path(self.log.name).read_text(errors="replace")
        if code != 0 or "Sanitizer" in said:
            raise OSError(f"mailctl dev ended with {code}:\n{said[-3000:]}")


class Dovecot(Peer):
    """In a directory of its own, not as root."""

    def __init__(self, directory):
        for sub in ("cur", "new", "tmp"):
            (directory / "mail" / sub).mkdir(parents=True)
        (directory / "run").mkdir()
        (directory / "state").mkdir()
        conf = directory / "dovecot.conf"
        conf.write_text(CONFIG.format(dir=directory) + "mail_fsync = never\nmail_save_crlf = yes\n")
        self.directory, self.conf = directory, conf
        if os.getuid() == 0:
            who = pwd.getpwnam("nobody")
            for path in [directory, *directory.rglob("*")]:
                os.chown(path, who.pw_uid, who.pw_gid)
        self.process = None
        self.begin()

    def begin(self):
        """A session, anew if the last one has ended."""
        again = self.process is not None
        if again:
            self.stop()
        user = group = groups = None
        if os.getuid() == 0:
            who = pwd.getpwnam("nobody")
            user, group, groups = who.pw_uid, who.pw_gid, []
        self.process = subprocess.Popen(
            [IMAP, "-c", str(self.conf)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, user=user, group=group, extra_groups=groups, cwd=self.directory,
            env={"HOME": str(self.directory), "USER": "test", "PATH": "/usr/bin:/bin", "TZ": "UTC"})
        super().__init__("dovecot", self.process.stdout, self.process.stdin)
        if again:
            self.command(b"SELECT INBOX")

    def stop(self):
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def both(bin, directory):
    directory.chmod(0o755)
    for name in ("ours", "dovecot"):
        (directory / name).mkdir()
    started = []
    try:
        started.append(Ours(bin, directory / "ours"))
        started.append(Dovecot(directory / "dovecot"))
        yield started
    finally:
        for peer in started:
            peer.stop()
        shutil.rmtree(directory, ignore_errors=True)


def load(ours, dovecot, messages):
    """Those that both have taken, as they were given; Dovecot first: an APPEND
    it takes and we refuse is a difference."""
    kept, refused = [], []
    for name, message in messages:
        try:
            ours.append(message, len(kept))
        except Refused as e:
            refused.append((name, str(e)))
            continue
        dovecot.append(message, len(kept))
        kept.append((name, message))
    for peer in (ours, dovecot):
        peer.command(b"SELECT INBOX")
    return kept, refused
