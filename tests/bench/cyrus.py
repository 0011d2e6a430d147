# SPDX-License-Identifier: MIT
"""Cyrus, for user agents: Debian's packages, installed or unpacked in
$PENNYPOST_PEERS (scripts/bench fetches them), started as tests/interop/mtas.py
does it."""
import os
import pathlib
import re
import subprocess
import sys

import imap_peers
import peers

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "interop"))
import mtas  # noqa: E402

UID = 4714
PEOPLE = ["large", *(f"user{n}" for n in range(100)), *(f"round{n}" for n in range(50))]


class Cyrus(mtas.Mta):
    name, package, program = "Cyrus", "cyrus-imapd", "usr/lib/cyrus/bin/imapd"
    key, durable = "cyrus", True
    users = {"cyrus": UID}

    def __init__(self):
        pass

    def missing(self):
        """Its libraries are unpacked with it."""
        root = self.unpacked()
        if root is None:
            return mtas.Mta.missing.__func__(type(self))
        env = {**os.environ, "LD_LIBRARY_PATH": str(root / "usr/lib/x86_64-linux-gnu")}
        said = subprocess.run(["ldd", root / self.program], capture_output=True, text=True, env=env).stdout
        lacks = re.findall(r"(\S+) => not found", said)
        if lacks:
            return f"Cyrus wants {' '.join(lacks)}"
        if os.geteuid() != 0 or not mtas.namespaces_are_allowed():
            return "Cyrus: only root may start it, in namespaces"
        return None

    def version(self):
        root = self.unpacked() or pathlib.Path("/")
        names = sorted(p.name for p in (root / "usr/share/doc").glob("cyrus-imapd*"))
        return f"Cyrus ({', '.join(names) or 'Debian'})"

    def start(self, dir):
        self.dir = pathlib.Path(dir)
        for parent in (self.dir, self.dir.parent):
            parent.chmod(0o755)
        self.port = peers.free_port()
        for name in ("conf", "mail", "sock", "proc"):
            (self.dir / name).mkdir()
        self.write()
        for path in (self.dir, *self.dir.iterdir()):
            os.chown(path, UID, UID)
        with open(self.output(), "ab") as out:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child",
                 "--mount-proc", "sh", "-c", self.script()],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, env={"PATH": mtas.PATH, "LANG": "C.UTF-8"})
        try:
            peers.wait_until(lambda: self.process.poll() is not None or peers.answers(self.port, b"* O"), 30, self.name)
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.name} ended: {self.words()}")
        except BaseException:
            self.stop()
            raise
        self.tree = imap_peers.Tree(self.process.pid)
        self.cpu_s, self.pss_kib = self.tree.cpu_s, self.tree.pss_kib

    def write(self):
        (self.dir / "imapd.conf").write_text(f"""\
configdirectory: {self.dir}/conf
partition-default: {self.dir}/mail
defaultpartition: default
lmtpsocket: {self.dir}/sock/lmtp
idlesocket: {self.dir}/sock/idle
notifysocket: {self.dir}/sock/notify
proc_path: {self.dir}/proc
mboxname_lockpath: {self.dir}/conf/lock
admins: cyrus
virtdomains: userid
unixhierarchysep: yes
autocreate_quota: 0
allowplaintext: yes
sasl_mech_list: PLAIN
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: {self.dir}/sasldb2
""")
        (self.dir / "cyrus.conf").write_text(f"""\
START {{
  recover cmd="/usr/lib/cyrus/bin/ctl_cyrusdb -C {self.dir}/imapd.conf -r"
  idled cmd="/usr/lib/cyrus/bin/idled -C {self.dir}/imapd.conf"
}}
SERVICES {{
  imap cmd="/usr/lib/cyrus/bin/imapd -C {self.dir}/imapd.conf" listen="127.0.0.1:{self.port}" prefork=5 maxchild=2000
}}
EVENTS {{
}}
""")
        people = "\n".join(f"printf secret | saslpasswd2 -c -p -f '{self.dir}/sasldb2' -u d.test {name}" for name in PEOPLE)
        (self.dir / "people").write_text(f"{people}\nchown cyrus '{self.dir}/sasldb2'\n")

    def command(self):
        return (f"sh -e '{self.dir}/people' && exec /usr/sbin/cyrmaster -C '{self.dir}/imapd.conf' "
                f"-M '{self.dir}/cyrus.conf' -p '{self.dir}/master.pid'")

    def chill(self, user):
        """Its cache of envelopes and structures is made at delivery."""
