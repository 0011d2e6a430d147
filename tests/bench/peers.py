# SPDX-License-Identifier: MIT
"""The servers under load: ours, and Postfix with Dovecot's LMTP.

Each peer is private: its configuration, queue, mail and sockets are in a
directory of its own, it listens on a free loopback port, and nothing of an
installed Postfix or Dovecot is read, changed or restarted.

    peer.missing()      why it cannot run here, or None
    peer.start(dir)     from nothing
    peer.port, peer.domain
    peer.settle()       wait until what was accepted is delivered
    peer.delivered()    messages in mailboxes
    peer.stop()
"""
import contextlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from ports import free_port  # noqa: E402, F401
from postfix_services import master_cf  # noqa: E402

ACCOUNTS = 100


def wait_until(true, seconds, what):
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise RuntimeError(f"waited {seconds} s in vain for {what}")
        time.sleep(0.02)


def answers(port, greeting=b"220"):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as s:
        return s.recv(3) == greeting


class PennyPost:
    name = "Penny Post"
    domain = "d.test"

    def __init__(self, binaries):
        self.bin = pathlib.Path(binaries)

    def missing(self):
        return None

    def version(self):
        return subprocess.run([self.bin / "smtpd", "-V"], capture_output=True,
                              text=True, check=True).stdout.strip()

    def start(self, dir, options=()):
        self.launch(dir, options)
        self.ready = json.loads(self.process.stdout.readline())
        self.ports = self.ready["ports"]
        self.port = self.ports["smtp"]

    def launch(self, dir, options):
        """It will say when it is ready."""
        self.dir = pathlib.Path(dir)
        self.log = open(self.dir / "log", "wb")
        self.process = subprocess.Popen(
            [self.bin / "mailctl", "dev", "--json", "--dir", self.dir / "dev", "--accept-any",
             "--domain", self.domain, *options],
            stdout=subprocess.PIPE, stderr=self.log)

    def ctl(self, *args):
        got = subprocess.run([self.bin / "mailctl", "-c", self.ready["conf"], *args, "--json"],
                             capture_output=True, text=True, check=True)
        return json.loads(got.stdout)

    def settle(self):
        """One transaction did both."""

    def delivered(self):
        return self.ctl("status")["messages"]

    def pids(self):
        """{daemon: pid}"""
        found = {}
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                name, rest = stat.read_text().split("(", 1)[1].rsplit(")", 1)
                if int(rest.split()[1]) == self.process.pid:
                    found[name] = int(stat.parent.name)
        return found

    def stop(self):
        self.process.terminate()
        self.process.wait(60)
        self.process.stdout.close()
        self.log.close()


class Dovecot:
    """LMTP on a Unix socket, for Postfix."""

    def start(self, dir, location, settings):
        """settings: more, in Dovecot's words; they come last."""
        self.dir = pathlib.Path(dir)
        self.conf = self.dir / "dovecot.conf"
        self.socket = self.dir / "lmtp"
        mail = self.dir / "mail"
        mail.mkdir(parents=True)
        os.chown(mail, 65534, 65534)  # nobody
        (self.dir / "users").write_text("".join(
            f"{name}@peer.test:{{PLAIN}}secret:65534:65534::{mail}/{name}::\n"
            for name in ("seen", *(f"user{n}" for n in range(ACCOUNTS)))))
        self.conf.write_text(f"""\
base_dir = {self.dir}/run
state_dir = {self.dir}/state
instance_name = {self.dir.parent.name}
log_path = {self.dir}/dovecot.log
protocols = lmtp
ssl = no
first_valid_uid = 1
mail_location = {location}
passdb {{
  driver = passwd-file
  args = {self.dir}/users
}}
userdb {{
  driver = passwd-file
  args = {self.dir}/users
}}
service lmtp {{
  unix_listener {self.socket} {{
    mode = 0666
  }}
}}
{settings}""")
        self.launch()
        wait_until(self.socket.is_socket, 20, "Dovecot")

    def launch(self):
        self.process = subprocess.Popen(["dovecot", "-F", "-c", self.conf],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def delivered(self):
        """What Dovecot itself finds in all mailboxes."""
        got = subprocess.run(["doveadm", "-c", self.conf, "-f", "tab", "mailbox", "status",
                              "-A", "messages", "INBOX"], capture_output=True, text=True, check=True)
        return sum(int(line.split("\t")[-1]) for line in got.stdout.splitlines()[1:])

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


class PostfixDovecot:
    """Debian's Postfix with Debian's defaults, but for what would hold it
    back on one client: its limit of connections is lifted, its pause for
    clients faster than delivery is off."""
    domain = "peer.test"
    dovecot_settings = main_cf = ""  # more of each
    more_services = []

    def __init__(self, format):
        self.format = format
        self.name = f"Postfix+Dovecot {format}"

    def missing(self):
        commands = {"postfix": "postfix", "dovecot": "dovecot-core",
                    "/usr/lib/dovecot/lmtp": "dovecot-lmtpd"}
        absent = [package for command, package in commands.items()
                  if not shutil.which(command, path=os.environ["PATH"] + ":/usr/sbin:/sbin")]
        if absent:
            return f"not installed: {', '.join(absent)}"
        if os.geteuid() != 0:
            return "Postfix must be started by root"
        return None

    def version(self):
        postfix = subprocess.run(["postconf", "-hd", "mail_version"], capture_output=True, text=True).stdout
        dovecot = subprocess.run(["dovecot", "--version"], capture_output=True, text=True).stdout
        return f"Postfix {postfix.strip()}, Dovecot {dovecot.split()[0]} ({self.format})"

    def start(self, dir):
        self.dir = pathlib.Path(dir)
        for parent in (self.dir, self.dir.parent):
            parent.chmod(0o755)  # Postfix has users of its own
        self.dovecot = Dovecot()
        self.dovecot.start(self.dir / "dovecot",
                           {"Maildir": "maildir:~/Maildir", "mdbox": "mdbox:~/mdbox"}[self.format],
                           self.dovecot_settings)
        self.port = free_port()
        self.etc, self.queue = self.dir / "etc", self.dir / "queue"
        data = self.dir / "data"
        for made in (self.etc, self.queue, data):
            made.mkdir()
        shutil.chown(data, "postfix")
        (self.etc / "main.cf").write_text(f"""\
compatibility_level = 3.6
queue_directory = {self.queue}
data_directory = {data}
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
multi_instance_enable = no
myhostname = mx.peer.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
virtual_mailbox_domains = peer.test
virtual_mailbox_maps = static:all
virtual_transport = lmtp:unix:{self.dovecot.socket}
alias_maps =
alias_database =
default_process_limit = 1200
smtpd_client_connection_count_limit = 0
smtpd_peername_lookup = no
in_flow_delay = 0
{self.main_cf}""")
        (self.etc / "master.cf").write_text(master_cf(
            f"127.0.0.1:{self.port}", *self.more_services, "proxywrite unix - - n - 1 proxymap", "local unix - n n - - local",
            "virtual unix - n n - - virtual", "lmtp unix - - n - - lmtp"))
        self.postfix("start")
        wait_until(lambda: answers(self.port), 20, "Postfix")

    def postfix(self, command):
        got = subprocess.run(["postfix", "-c", self.etc, command], capture_output=True, text=True,
                             stdin=subprocess.DEVNULL)
        if got.returncode != 0:
            raise RuntimeError(f"postfix {command}: {got.stdout}{got.stderr}")

    def waiting(self):
        return sum(len(files) for queue in ("maildrop", "incoming", "active", "deferred", "hold")
                   for _, _, files in os.walk(self.queue / queue))

    def settle(self):
        wait_until(lambda: self.waiting() == 0, 600, "Postfix's queue to empty")

    def delivered(self):
        """Counted anew each time: the files themselves, or what the index
        of mdbox says."""
        if self.format == "mdbox":
            return self.dovecot.delivered()
        return sum(len(files) for where, _, files in os.walk(self.dovecot.dir / "mail")
                   if pathlib.Path(where).name in ("new", "cur"))

    def stop(self):
        with contextlib.suppress(RuntimeError):
            self.postfix("stop")
        self.dovecot.stop()
