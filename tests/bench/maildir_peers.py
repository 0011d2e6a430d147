# SPDX-License-Identifier: MIT
"""OpenSMTPD and Exim, which bring mail to Maildirs: Debian's packages, installed
or unpacked in $PENNYPOST_PEERS (scripts/interop fetches them).

They are started as tests/interop/mtas.py does it, in namespaces of their own, but
with their queues on the disk that is measured.
"""
import os
import pathlib
import subprocess
import sys

import peers
import servers

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "interop"))
import mtas  # noqa: E402

NAMES = ["seen", *(f"user{n}" for n in range(peers.ACCOUNTS))]


class MaildirPeer(servers.Measured):
    domain = "peer.test"
    spool = None  # where its queue is, as it sees it

    def version(self):
        return f"{self.name} {self.said_version()}"

    def start(self, dir):
        self.dir = pathlib.Path(dir)
        for parent in (self.dir, self.dir.parent):
            parent.chmod(0o755)
        self.host, self.port = "127.0.0.1", peers.free_port()
        self.ports = {"smtp": self.port}
        self.certificate, self.key = servers.certificate(self.dir)
        self.mail, self.queue = self.dir / "mail", self.dir / "queue"
        for made in (self.mail, self.queue):
            made.mkdir()
        os.chown(self.mail, mtas.NOBODY, mtas.NOBODY)
        self.write()
        mtas.Mta.start(self)

    def script(self):
        """The queue is a directory of the disk, not of the namespace's memory."""
        bind = f"mkdir -p {self.spool}\nmount --bind '{self.queue}' {self.spool}\n"
        text = mtas.Mta.script(self)
        at = text.index("rm -f /etc/aliases.db")
        return text[:at] + bind + text[at:]

    @property
    def roots(self):
        return [self.process.pid]

    def halt(self):
        self.stop()

    def go_on(self):
        with open(self.output(), "ab") as out:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child",
                 "--mount-proc", "sh", "-c", self.script()],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, env={"PATH": mtas.PATH, "LANG": "C.UTF-8"})

    def waiting(self):
        return sum(len(files) for part in self.queues for _, _, files in os.walk(self.queue / part))

    def settle(self):
        peers.wait_until(lambda: self.waiting() == 0, 600, f"the queue of {self.name} to empty")

    def delivered(self):
        return sum(len(files) for where, _, files in os.walk(self.mail) if where.endswith("/new"))

    def fetch(self, user, n):
        """From the files themselves."""
        files = sorted((self.mail / user / "new").glob("*"), key=lambda p: p.stat().st_mtime_ns)[-n:]
        return [f.read_bytes().replace(b"\n", b"\r\n") for f in files]


class OpenSmtpd(MaildirPeer, mtas.OpenSmtpd):
    key = "opensmtpd"
    durable = False  # its 250 comes before the message is synced
    tls = False  # Debian 12's fails in each handshake: 6.8 is older than OpenSSL 3
    spool, queues = "/var/spool/smtpd", ("queue", "incoming", "temporary")

    def __init__(self):
        pass

    def said_version(self):
        root = self.unpacked() or pathlib.Path("/")
        env = {**os.environ, "LD_LIBRARY_PATH": f"{root}/usr/lib/x86_64-linux-gnu"}
        got = subprocess.run([root / self.program, "-h"], capture_output=True, text=True, env=env)
        return (got.stderr + got.stdout).split("OpenSMTPD")[-1].split()[0].strip(", ")

    def write(self):
        self.conf = self.dir / "smtpd.conf"
        users = ", ".join(f'"{name}@{self.domain}" = nobody' for name in NAMES)
        self.conf.write_text(f"""\
pki bench cert "{self.certificate}"
pki bench key "{self.key}"
listen on {self.host} port {self.port} tls pki bench hostname mx.{self.domain} no-dsn
smtp max-message-size "{servers.SIZE_MOST}"
smtp limit max-mails 1000000
smtp limit max-rcpt 1000
action "in" maildir "{self.mail}/%{{dest.user}}" virtual {{ {users} }}
match from any for domain "{self.domain}" action "in"
""")
        self.conf.chmod(0o600)
        self.key.chmod(0o600)


class Exim(MaildirPeer, mtas.Exim):
    key, durable = "exim", True
    spool, queues = "/var/spool/exim4", ("input",)
    directories = ("/var/log/exim4",)

    def __init__(self):
        pass

    def said_version(self):
        root = self.unpacked() or pathlib.Path("/")
        got = subprocess.run([root / self.program, "-bV"], capture_output=True, text=True)
        return got.stdout.split("version ")[1].split()[0] if "version " in got.stdout else "?"

    def write(self):
        for made in (self.dir, self.queue, self.key):
            os.chown(made, 4711, 4711)
        (self.dir / "names").write_text("".join(f"{name}: {name}\n" for name in NAMES))
        self.conf = self.dir / "exim.conf"
        # limits of clients are lifted; deliveries begin at once, as is its default
        self.conf.write_text(f"""\
primary_hostname = mx.{self.domain}
domainlist local_domains = {self.domain}
acl_smtp_rcpt = check_rcpt
acl_smtp_data = accept
local_interfaces = <; {self.host}
daemon_smtp_ports = {self.port}
spool_directory = {self.spool}
log_file_path = {self.dir}/exim-%slog
pid_file_path = {self.dir}/exim.pid
tls_advertise_hosts = *
tls_certificate = {self.certificate}
tls_privatekey = {self.key}
message_size_limit = {servers.SIZE_MOST}
smtp_accept_max = 1200
smtp_connect_backlog = 1024
smtp_accept_queue_per_connection = 0
smtp_accept_max_per_connection = 0

recipients_max = 1000
host_lookup =
rfc1413_hosts =
keep_environment =
add_environment = PATH=/usr/sbin:/usr/bin:/bin
never_users =
begin acl
check_rcpt:
  accept domains = +local_domains
begin routers
local:
  driver = accept
  domains = +local_domains
  local_parts = lsearch;{self.dir}/names
  transport = box
begin transports
box:
  driver = appendfile
  directory = {self.mail}/$local_part_data
  create_directory
  maildir_format
  user = nobody
  group = nogroup
begin retry
* * F,1h,1s
begin authenticators
""")
        os.chown(self.conf, 0, 0)

    def command(self):
        return "/usr/sbin/exim4 -bdf -q1m"


def all_of_them():
    return [OpenSmtpd(), Exim()]
