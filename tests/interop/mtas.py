# SPDX-License-Identifier: MIT
"""Other people's mail servers, as Debian builds them: each a private instance
on a loopback address, with its configuration, queue and mail in a directory of
its own.

    with Exim(where, "127.0.0.31", port, ("127.0.0.1", 2525)) as peer:
        peer.domain, peer.messages()

What it gets for user@, second@ and u1@, u2@... of its domains goes into a Maildir;
later@ is put off until peer.open() and then goes there too; nobody else is known.
What is for others goes to the smarthost, which is ours.

Programs are those that are installed, or unpacked in $PENNYPOST_PEERS
(scripts/interop).  What they have compiled in (users, /usr/libexec, /etc/exim4)
is laid over /usr, /etc, /var and /run in a mount namespace of the instance, so that
nothing of the machine is changed; in a process namespace too, so that none of
its processes stays behind, however the test ends.
"""
import contextlib
import functools
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import smtplib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from postfix_services import master_cf  # noqa: E402

NOBODY = 65534
PEERS = os.environ.get("PENNYPOST_PEERS", "")
PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"
NARROW = {"recipients": 10, "messages": 10, "connections": 2, "size": 1 << 20}  # of a message, connection, client
LOGIN = ("penny", "s3cret word")  # with them, where they have logins
LATER = ("450", "4.2.0", "come again later")  # what later@ is told first

# Starts the command below a shell that stays the first process of its
# namespace, root and undaunted by what the command does with its own signals.
NAMESPACE = """\
set -e
mount -t tmpfs none '{over}'
for top in etc var; do
	mkdir '{over}'/$top '{over}'/work.$top
	mount -t overlay overlay -o "lowerdir=/$top,upperdir={over}/$top,workdir={over}/work.$top" /$top
done
mount -t tmpfs none /run
{usr}
cat '{dir}/passwd' >>/etc/passwd
cat '{dir}/group' >>/etc/group
rm -f /etc/aliases.db
{prepare}
{command} &
wait $!
"""


def answers(host, port):
    with contextlib.suppress(OSError), smtplib.SMTP(host, port, timeout=10) as s:
        return s.noop()[0] == 250
    return False


def wait_until(true, seconds, what):
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise RuntimeError(f"waited {seconds} s in vain for {what}")
        time.sleep(0.05)


@functools.cache
def namespaces_are_allowed():
    try_it = ("mount -t tmpfs none /tmp && mkdir /tmp/u /tmp/w && "
              "mount -t overlay overlay -o lowerdir=/etc,upperdir=/tmp/u,workdir=/tmp/w /etc")
    wish = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-c", try_it]
    return subprocess.run(wish, capture_output=True, env={"PATH": PATH}).returncode == 0


@functools.cache
def lacks(program):
    """Libraries that are not there, in words."""
    said = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    return " ".join(re.findall(r"(\S+) => not found", said))


class Mta:
    users = {}  # names its program wants: number
    directories = ()  # that it wants to be there
    conf_file = None  # where it looks for its configuration, if that is compiled in
    report_type = "multipart/report"  # of its reports
    quotes_envelope = True  # ENVID and ORCPT, in them

    def __init__(self, where, host, port, smarthost, domains=(), certificate=None, login=None, narrow=False):
        """certificate: (file, file of its key).  login: (name, password), at the
        smarthost.  narrow: takes little at once; see NARROW."""
        self.dir, self.host, self.port, self.smarthost = pathlib.Path(where), host, port, smarthost
        self.mail = self.dir / "mail"
        self.domain = f"{self.name.lower()}.test"
        self.mx = f"mx.{self.domain}"
        self.domains = [self.domain, *domains]
        self.pair = certificate  # None: one of its own
        self.login, self.narrow = login, narrow

    @classmethod
    def unpacked(cls):
        """Where its package is unpacked, or None: the installed one is taken."""
        root = pathlib.Path(PEERS or "/nowhere") / cls.package
        return root if (root / cls.program).exists() else None

    @classmethod
    def missing(cls):
        """Why it cannot be had, or None."""
        if os.geteuid() != 0:
            return f"{cls.name}: only root may start it"
        if not cls.unpacked() and not (pathlib.Path("/") / cls.program).exists():
            return f"{cls.name} is not there: scripts/interop fetches it"
        if cls.unpacked() and lacks(cls.unpacked() / cls.program):
            return f"{cls.name} wants {lacks(cls.unpacked() / cls.program)}"
        if not namespaces_are_allowed():
            return f"{cls.name}: no namespaces may be made here"
        return None

    def __enter__(self):
        self.dir.mkdir(parents=True)
        for parent in (self.dir, self.dir.parent):
            parent.chmod(0o755)  # it has users of its own
        self.mail.mkdir()
        os.chown(self.mail, NOBODY, NOBODY)
        self.certificate, self.key = self.dir / "cert.pem", self.dir / "key.pem"
        if self.pair:
            shutil.copy(self.pair[0], self.certificate)
            shutil.copy(self.pair[1], self.key)
        else:
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                            f"/CN={self.mx}", "-keyout", self.key, "-out", self.certificate],
                           check=True, capture_output=True)
        self.write()
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        with open(self.output(), "ab") as out:
            # the signal at the end of the tests: even if they are killed
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child",
                 "--mount-proc", "sh", "-c", self.script()],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, env={"PATH": PATH, "LANG": "C.UTF-8"})
        try:
            wait_until(lambda: self.process.poll() is not None or answers(self.host, self.port), 60, self.name)
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.name} ended: {self.words()}")
        except BaseException:
            self.stop()
            raise

    def stop(self):
        """The first process of its namespace, and with it all that are in it."""
        pid = self.process.pid
        with contextlib.suppress(OSError):
            for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
                os.kill(int(child), signal.SIGKILL)
        self.process.wait()

    def script(self):
        (self.dir / "over").mkdir(exist_ok=True)
        (self.dir / "passwd").write_text("".join(
            f"{name}:x:{n}:{n}::/nonexistent:/bin/false\n" for name, n in self.users.items()))
        (self.dir / "group").write_text("".join(f"{name}:x:{n}:\n" for name, n in self.users.items()))
        prepare = [f"install -d -m 711 {d}" for d in self.directories]
        if self.conf_file:
            prepare += [f"mkdir -p '{self.conf_file.parent}'", f"cp -p '{self.conf}' '{self.conf_file}'"]
        root = self.unpacked()
        usr = f"mount -t overlay overlay -o 'lowerdir={root}/usr:/usr' /usr" if root else ""
        return NAMESPACE.format(over=self.dir / "over", dir=self.dir, usr=usr, prepare="\n".join(prepare),
                                command=self.command())

    def output(self):
        return self.dir / "output"

    def words(self):
        """What it has logged."""
        return "".join(f.read_text(errors="replace") for f in (self.output(), *self.dir.glob("*log")) if f.exists())

    def open(self):
        """later@ is taken from now on."""
        (self.dir / "open").touch()

    def messages(self):
        """All that is in its mailbox, as octets with LF."""
        return [p.read_bytes() for p in sorted((self.mail / "user" / "new").glob("*"))]

    def connections(self):
        """How many there were so far."""
        return len(re.findall(self.connected, self.words()))

    @functools.cached_property
    def extensions(self):
        with smtplib.SMTP(self.host, self.port, local_hostname="c.test", timeout=60) as client:
            client.ehlo()
            return set(client.esmtp_features)

    @functools.cached_property
    def has_tls(self):
        """STARTTLS is offered, and works with Python's client."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with contextlib.suppress(ssl.SSLError, smtplib.SMTPException, OSError):
            with smtplib.SMTP(self.host, self.port, local_hostname="c.test", timeout=60) as client:
                client.starttls(context=context)
                return client.ehlo()[0] == 250
        return False


# Postfix asks this about each recipient (Debian's postfix calls it a policy
# service): greylisting in its simplest form.
POSTFIX_POLICY = """\
#!/bin/sh
while read -r line; do
	case $line in
	recipient=later@*) later=yes ;;
	'')
		if [ -n "$later" ] && [ ! -e {dir}/open ]; then
			printf 'action={0} {1} {2}\\n\\n'
		else
			printf 'action=DUNNO\\n\\n'
		fi
		later= ;;
	esac
done
"""


class Postfix(Mta):
    name, package, program = "Postfix", "postfix", "usr/lib/postfix/sbin/master"
    connected = r"smtpd\[\d+\]: connect from"
    utf8_user = "łódź"

    @classmethod
    def unpacked(cls):
        return None  # its setgid programs, users and libraries: the installed one

    def write(self):
        self.etc, self.queue, data = self.dir / "etc", self.dir / "queue", self.dir / "data"
        for made in (self.etc, self.queue, data):
            made.mkdir()
        shutil.chown(data, "postfix")
        policy = self.dir / "policy"
        policy.write_text(POSTFIX_POLICY.format(*LATER, dir=self.dir))
        policy.chmod(0o755)
        host, port = self.smarthost
        users = self.etc / "users"
        users.write_text(f"/^(user|second|later|u[0-9]+|{self.utf8_user})@/ user/\n", encoding="utf-8")
        more = ""
        if self.narrow:
            more += f"""\
smtpd_recipient_limit = {NARROW["recipients"]}
smtpd_client_connection_count_limit = {NARROW["connections"]}
smtpd_client_event_limit_exceptions =
message_size_limit = {NARROW["size"]}
smtpd_tls_security_level = encrypt
"""
        if self.login:
            more += f"""\
smtp_sasl_auth_enable = yes
smtp_sasl_password_maps = inline:{{ {{ [{host}]:{port} = {":".join(self.login)} }} }}
smtp_sasl_security_options = noanonymous
smtp_tls_security_level = encrypt
"""
        (self.etc / "main.cf").write_text(f"""\
compatibility_level = 3.6
queue_directory = {self.queue}
data_directory = {data}
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
multi_instance_enable = no
maillog_file = {self.dir}/mail.log
maillog_file_prefixes = {self.dir}
myhostname = {self.mx}
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
smtp_bind_address = {self.host}
inet_protocols = ipv4
virtual_mailbox_domains = {" ".join(self.domains)}
virtual_mailbox_base = {self.mail}
virtual_mailbox_maps = regexp:{users}
virtual_uid_maps = static:{NOBODY}
virtual_gid_maps = static:{NOBODY}
virtual_mailbox_limit = 0
relayhost = [{host}]:{port}
alias_maps =
alias_database =
message_size_limit = 50000000
smtpd_peername_lookup = no
smtpd_recipient_restrictions = check_policy_service unix:private/policy
smtpd_tls_security_level = may
smtpd_tls_cert_file = {self.certificate}
smtpd_tls_key_file = {self.key}
smtp_tls_security_level = may
smtputf8_enable = yes
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
{more}""", encoding="utf-8")
        (self.etc / "master.cf").write_text(master_cf(
            f"{self.host}:{self.port}", "virtual unix - n n - - virtual",
            f"policy unix - n n - 0 spawn user=nobody argv={policy}"))

    def command(self):
        return f"postfix -c '{self.etc}' start-fg"


class Exim(Mta):
    name, package, program = "Exim", "exim4-daemon-light", "usr/sbin/exim4"
    users = {"Debian-exim": 4711}
    conf_file = pathlib.Path("/etc/exim4/exim4.conf")  # given by -C, it would do without root
    directories = ("/var/spool/exim4", "/var/log/exim4")
    connected = r"SMTP connection from \[[\d.]+\]"
    utf8_user = "łódź"

    def write(self):
        spool = self.dir / "spool"
        spool.mkdir()
        for made in (self.dir, spool, self.key):
            os.chown(made, 4711, 4711)
        host, port = self.smarthost
        limits, out = "message_size_limit = 50M", ""
        if self.narrow:
            limits = f"""\
message_size_limit = {NARROW["size"]}
recipients_max = {NARROW["recipients"]}
smtp_accept_max_per_connection = {NARROW["messages"]}
smtp_accept_max_per_host = {NARROW["connections"]}"""
        client = ""
        if self.login:
            out = f"  hosts_require_auth = *\n  hosts_require_tls = *\n  hosts_try_prdr =\n"
            client = f"""\
client:
  driver = plaintext
  public_name = PLAIN
  client_send = ^{self.login[0]}^{self.login[1]}"""
        self.conf = self.dir / "exim.conf"
        self.conf.write_text(f"""\
primary_hostname = {self.mx}
domainlist local_domains = {" : ".join(self.domains)}
acl_smtp_rcpt = check_rcpt
acl_smtp_data = accept
local_interfaces = <; {self.host}
daemon_smtp_ports = {self.port}
spool_directory = {spool}
log_file_path = {self.dir}/exim-%slog
log_selector = +smtp_connection +tls_cipher
pid_file_path = {self.dir}/exim.pid
tls_advertise_hosts = *
tls_certificate = {self.certificate}
tls_privatekey = {self.key}
dsn_advertise_hosts = *
chunking_advertise_hosts = *
smtputf8_advertise_hosts = *
host_lookup =
rfc1413_hosts =
keep_environment =
add_environment = PATH=/usr/sbin:/usr/bin:/bin
never_users =
{limits}
qualify_domain = {self.domain}
begin acl
check_rcpt:
  defer  local_parts = later
         condition = ${{if !exists{{{self.dir}/open}}}}
         message = {LATER[0]} {LATER[1]} {LATER[2]}
  accept domains = +local_domains
         local_parts = user : second : later : ^u[0-9]+ : {self.utf8_user}
  deny   domains = +local_domains
         message = 5.1.1 nobody here has this address
  accept hosts = 127.0.0.0/8
begin routers
local:
  driver = accept
  domains = +local_domains
  transport = box
out:
  driver = manualroute
  route_list = * {host}
  self = send
  transport = out
begin transports
box:
  driver = appendfile
  directory = {self.mail}/user
  create_directory
  maildir_format
  user = nobody
  group = nogroup
out:
  driver = smtp
  port = {port}
  interface = {self.host}
  hosts_try_dane =
  allow_localhost
{out}begin retry
* * F,1h,1s
begin authenticators
server:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{{LOGIN[0]}}}}}{{eq{{$auth3}}{{{LOGIN[1]}}}}}}}}}
  server_set_id = $auth2
  server_advertise_condition = ${{if def:tls_in_cipher}}
{client}
""", encoding="utf-8")
        os.chown(self.conf, 0, 0)

    def command(self):
        return "/usr/sbin/exim4 -bdf -q1s"


# What OpenSMTPD's filters are told and say: smtpd-filters(7).
OPENSMTPD_FILTER = """\
#!/bin/sh
while IFS='|' read -r kind version time system phase session token address; do
	case $kind in
	config)
		if [ "$version" = ready ]; then
			printf 'register|filter|smtp-in|rcpt-to\\nregister|ready\\n'
		fi ;;
	filter)
		answer=proceed
		case $address in
		later@*) [ -e {dir}/open ] || answer='reject|{0} {1} {2}' ;;
		esac
		printf 'filter-result|%s|%s|%s\\n' "$session" "$token" "$answer" ;;
	esac
done
"""


class OpenSmtpd(Mta):
    name, package, program = "OpenSMTPD", "opensmtpd", "usr/sbin/smtpd"
    users = {"opensmtpd": 4712, "opensmtpq": 4713}
    directories = ("/var/lib/opensmtpd/empty", "/var/spool/smtpd")
    connected = r"smtp connected address=127"
    utf8_user = None
    report_type = "multipart/mixed"  # RFC 3464 s2 has it otherwise
    quotes_envelope = False

    def write(self):
        host, port = self.smarthost
        self.conf = self.dir / "smtpd.conf"
        grey = self.dir / "filter"
        grey.write_text(OPENSMTPD_FILTER.format(*LATER, dir=self.dir))
        grey.chmod(0o755)
        domains = ", ".join(f'"{d}"' for d in self.domains)
        names = ["user", "second", "later", *(f"u{n}" for n in range(40))]
        users = ", ".join(f'"{name}@{d}" = nobody' for d in self.domains for name in names)
        limits = f"""\
smtp max-message-size "{NARROW["size"]}"
smtp limit max-mails {NARROW["messages"]}
smtp limit max-rcpt {NARROW["recipients"]}""" if self.narrow else 'smtp max-message-size "50M"'
        relay = f"host smtp://{host}:{port}"
        if self.login:
            relay = f'host smtp+tls://ours@{host}:{port} auth <secrets> tls no-verify'
        secrets = f'table secrets {{ "ours" = "{":".join(self.login)}" }}' if self.login else ""
        self.conf.write_text(f"""\
{secrets}
pki interop cert "{self.certificate}"
pki interop key "{self.key}"
filter "grey" proc-exec "{grey}"
listen on {self.host} port {self.port} tls pki interop hostname {self.mx} filter "grey"
{limits}
queue ttl 1h
action "in" maildir "{self.mail}/user" virtual {{ {users} }}
action "out" relay {relay} src {self.host} helo {self.mx}
match from any for domain {{ {domains} }} action "in"
match from src 127.0.0.0/8 for any action "out"
match from local for any action "out"
""")
        self.conf.chmod(0o600)
        self.key.chmod(0o600)

    def command(self):
        return f"/usr/sbin/smtpd -d -f '{self.conf}'"


ALL = [Postfix, Exim, OpenSmtpd]
