# SPDX-License-Identifier: MIT
"""The IMAP servers under load: ours, and Dovecot with Maildir and mdbox.

Each is private, as in peers.py: started from nothing in a directory of its
own, on free loopback ports.  Any user logs in with the password `secret'.

    server.start(dir)
    server.port, server.tls_port
    server.chill(user)  forget what was made of this user's mail to be faster
    server.cpu_s()      seconds of processor time of all its processes so far
    server.pss_kib()    proportional set size of all its processes
    server.stop()
"""
import contextlib
import os
import pathlib
import re
import shutil
import subprocess

import peers

TICK = os.sysconf("SC_CLK_TCK")
MANY = 20000  # no limit of the servers is to be met


class Tree:
    """A process and all that descend from it."""

    def __init__(self, root):
        self.root = root

    def stats(self):
        """{pid: [user, system, of ended children: user, system] in ticks}"""
        parents, times = {}, {}
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                rest = stat.read_text().rsplit(")", 1)[1].split()
                pid = int(stat.parent.name)
                parents[pid] = int(rest[1])
                times[pid] = [int(t) for t in rest[11:15]]
        found, more = set(), {self.root}
        while more:
            found |= more
            more = {pid for pid, parent in parents.items() if parent in more}
        return {pid: times[pid] for pid in found if pid in times}

    def cpu_s(self):
        return sum(sum(ticks) for ticks in self.stats().values()) / TICK

    def pss_kib(self):
        total = 0
        for pid in self.stats():
            if pid != self.root:  # the supervisor serves nobody
                with contextlib.suppress(OSError, TypeError):
                    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
                    total += int(re.search(r"^Pss: +(\d+)", text, re.M)[1])
        return total


class PennyPost(peers.PennyPost):
    OPTIONS = ["--allow-plaintext", "--set", f"limits.connections_per_address={MANY}",
               "--set", f"limits.connections_per_account={MANY}"]

    def start(self, dir):
        super().start(dir, self.OPTIONS)
        self.port, self.tls_port = self.ports["imap"], self.ports["imaps"]
        self.tree = Tree(self.process.pid)
        self.cpu_s, self.pss_kib = self.tree.cpu_s, self.tree.pss_kib

    def chill(self, user):
        """What FETCH needs is stored with the message; nothing is cached but
        in memory while a mailbox is selected."""


class Dovecot:
    FORMATS = {"Maildir": "maildir:~/Maildir", "mdbox": "mdbox:~/mdbox"}

    def __init__(self, format, hibernate_s=0, own_uids=0):
        """own_uids: so many accounts have a uid each, as inotify counts its
        instances by uid; otherwise all are nobody's and processes are reused."""
        self.format, self.hibernate_s, self.own_uids = format, hibernate_s, own_uids
        self.name = f"Dovecot {format}" + (" hibernating" if hibernate_s else "")

    def missing(self):
        return None if shutil.which("dovecot", path=os.environ["PATH"] + ":/usr/sbin") else "dovecot is not installed"

    def version(self):
        got = subprocess.run(["dovecot", "--version"], capture_output=True, text=True, check=True)
        return f"{self.name}: Dovecot {got.stdout.split()[0]}"

    def start(self, dir):
        self.dir = pathlib.Path(dir)
        self.port, self.tls_port = peers.free_port(), peers.free_port()
        self.mail = self.dir / "mail"
        self.mail.mkdir(parents=True)
        os.chown(self.mail, 65534, 65534)  # nobody
        if self.own_uids:
            self.mail.chmod(0o1777)
        (self.dir / "users").write_text("".join(
            f"user{n}@d.test::{70000 + n}:{70000 + n}::{self.mail}/user{n}::\n" for n in range(self.own_uids)))
        for part in self.dir.parents:
            if part != part.parent and not part.stat().st_mode & 1:
                part.chmod(part.stat().st_mode | 0o011)
        self.dir.chmod(0o755)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                        "-nodes", "-subj", "/CN=localhost", "-keyout", self.dir / "key.pem",
                        "-out", self.dir / "cert.pem"], check=True, capture_output=True)
        conf = self.dir / "dovecot.conf"
        conf.write_text(self.configuration())
        self.process = subprocess.Popen(["dovecot", "-F", "-c", conf],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        peers.wait_until(lambda: peers.answers(self.port, b"* O"), 20, "Dovecot")
        self.tree = Tree(self.process.pid)
        self.cpu_s, self.pss_kib = self.tree.cpu_s, self.tree.pss_kib

    def configuration(self):
        return f"""\
base_dir = {self.dir}/run
state_dir = {self.dir}/state
instance_name = {self.dir.name}
log_path = {self.dir}/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <{self.dir}/cert.pem
ssl_key = <{self.dir}/key.pem
disable_plaintext_auth = no
first_valid_uid = 1
mail_location = {self.FORMATS[self.format]}
maildir_very_dirty_syncs = yes
mail_max_userip_connections = {MANY}
imap_hibernate_timeout = {self.hibernate_s}s
default_client_limit = {MANY}
default_process_limit = {MANY}
default_vsz_limit = 2G
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = passwd-file
  args = {self.dir}/users
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home={self.mail}/%n
}}
service imap-login {{
  inet_listener imap {{
    port = {self.port}
  }}
  inet_listener imaps {{
    port = {self.tls_port}
    ssl = yes
  }}
  service_count = 0
  process_min_avail = {os.cpu_count()}
  process_limit = {os.cpu_count()}
}}
service imap {{
  service_count = {1 if self.own_uids else 256}
  unix_listener imap-master {{
    user = $default_internal_user
  }}
}}
service imap-hibernate {{
  unix_listener imap-hibernate {{
    mode = 0666
  }}
}}
"""

    def chill(self, user):
        """Its cache of header fields and structures is made anew."""
        for path in (self.mail / user.split("@")[0]).rglob("dovecot.index.cache"):
            path.unlink()

    def stop(self):
        self.process.terminate()
        self.process.wait(60)
