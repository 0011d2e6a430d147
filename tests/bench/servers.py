# SPDX-License-Identifier: MIT
"""Whole mail servers to compare: ours, and Postfix with Dovecot for LMTP, IMAP
and POP3.  Those that only bring mail to Maildirs are in maildir_peers.py.

    server.key          its name in --peers
    server.durable      its 250 is on disk
    server.ports        {"smtp", "submission", "pop3", "imap"}, what it has
    server.start(dir); server.settle(); server.delivered(); server.stop()
    server.cpu_s(); server.pss_kib(); server.processes()
    server.fetch(user, n)   the last n messages of a maildrop, as octets
    server.halt(); server.go_on()   stopped, and begun again on the same ports; the
                            latter waits for nothing
"""
import os
import poplib
import shutil
import subprocess
import time

import imap_peers
import peers

MANY = imap_peers.MANY
SIZE_MOST = 50 << 20

poplib._MAXLINE = 1 << 21  # it gives up at 2048, which no RFC asks for


def certificate(dir):
    """(file, file of its key), P-256 as ours has it."""
    cert, key = dir / "cert.pem", dir / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-subj", "/CN=localhost", "-keyout", key, "-out", cert], check=True, capture_output=True)
    return cert, key


def fetch_by_pop3(port, user, n):
    client = poplib.POP3("127.0.0.1", port, timeout=120)
    try:
        client.user(user)
        client.pass_("secret")
        last = client.stat()[0]
        return [b"".join(line + b"\r\n" for line in client.retr(i)[1]) for i in range(max(1, last - n + 1), last + 1)]
    finally:
        client.quit()


class Measured:
    """What its processes cost; self.roots has those that began it."""

    def trees(self):
        return [imap_peers.Tree(pid) for pid in self.roots]

    def cpu_s(self):
        return sum(tree.cpu_s() for tree in self.trees())

    def pss_kib(self):
        return sum(tree.pss_kib() for tree in self.trees())

    def processes(self):
        return sum(len(tree.stats()) for tree in self.trees())

    tls = True  # it has TLS that works
    quiet_s = 0.3  # who has done nothing for so long has nothing to do

    def rest(self, longest_s=120):
        """Wait until nothing is done behind the last answer any more."""
        end, before = time.monotonic() + longest_s, self.cpu_s()
        while time.monotonic() < end:
            time.sleep(self.quiet_s)
            now = self.cpu_s()
            if now - before < 0.02:
                return
            before = now


class PennyPost(Measured, peers.PennyPost):
    key, durable = "ours", True
    quiet_s = 1.3  # maild looks each second what is to be indexed
    OPTIONS = ["--allow-plaintext", "--set", f"limits.connections_per_address={MANY}",
               "--set", f"limits.connections_per_account={MANY}", "--set", f"limits.connections={MANY}"]

    def start(self, dir, options=()):
        super().start(dir, [*self.OPTIONS, *options])

    @property
    def roots(self):
        return [self.process.pid]

    def halt(self):
        self.stop()

    def go_on(self):
        ports = [word for name, port in self.ports.items() for word in ("--port", f"{name}={port}")]
        self.launch(self.dir, [*self.OPTIONS, *ports])

    def fetch(self, user, n):
        return fetch_by_pop3(self.ports["pop3"], f"{user}@{self.domain}", n)


class PostfixDovecot(Measured, peers.PostfixDovecot):
    """As peers.py has it, with TLS, submission and user agents."""
    durable = True

    def __init__(self, format):
        super().__init__(format)
        self.key = f"postfix-dovecot-{format.lower()}"

    def start(self, dir):
        cert, key = certificate(dir)
        self.ports = {name: peers.free_port() for name in ("submission", "pop3", "imap")}
        self.dovecot_settings = f"""\
protocols = lmtp imap pop3
listen = 127.0.0.1
disable_plaintext_auth = no
maildir_very_dirty_syncs = yes
mail_max_userip_connections = {MANY}
default_client_limit = {MANY}
default_process_limit = 2000
default_vsz_limit = 2G
service imap-login {{
  inet_listener imap {{
    port = {self.ports["imap"]}
  }}
  inet_listener imaps {{
    port = 0
  }}
  service_count = 0
  process_min_avail = {os.cpu_count()}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {self.ports["pop3"]}
  }}
  inet_listener pop3s {{
    port = 0
  }}
  service_count = 0
  process_min_avail = {os.cpu_count()}
}}
service imap {{
  service_count = 256
}}
service pop3 {{
  service_count = 256
}}
service auth {{
  unix_listener {dir}/auth {{
    mode = 0666
  }}
}}
"""
        self.main_cf = f"""\
message_size_limit = {SIZE_MOST}
smtpd_tls_cert_file = {cert}
smtpd_tls_key_file = {key}
smtpd_tls_security_level = may
smtpd_sasl_type = dovecot
smtpd_sasl_path = {dir}/auth
smtpd_client_message_rate_limit = 0
"""
        self.more_services = [
            f"127.0.0.1:{self.ports['submission']} inet n - n - 1200 smtpd -o smtpd_sasl_auth_enable=yes "
            "-o smtpd_recipient_restrictions=permit_sasl_authenticated,reject"]
        super().start(dir)
        self.ports["smtp"] = self.port

    @property
    def roots(self):
        return [int((self.queue / "pid/master.pid").read_text()), self.dovecot.process.pid]

    def halt(self):
        self.stop()

    def go_on(self):
        """Without the checks of `postfix start'."""
        self.dovecot.launch()
        subprocess.run(["/usr/lib/postfix/sbin/master", "-c", self.etc, "-w"], check=True, capture_output=True)

    def fetch(self, user, n):
        return fetch_by_pop3(self.ports["pop3"], f"{user}@{self.domain}", n)


def known(binaries):
    """All there are, ours first."""
    import cyrus
    import maildir_peers  # which imports this
    return [PennyPost(binaries), PostfixDovecot("Maildir"), PostfixDovecot("mdbox"), *maildir_peers.all_of_them(),
            cyrus.Cyrus()]
