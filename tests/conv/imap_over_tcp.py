#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The conversations of tests/conv/imap over TCP and TLS against the real popd,
each on a store of its own: all but those in which somebody else acts (`do'),
the host has to be told something (options), or the clock must stand still.

    imap_over_tcp.py POPD MAILCTL [BEGINNING]"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import over_tcp
from popd_rig import Authority, Popd

HERE = pathlib.Path(__file__).parent
PEOPLE = ["alice@d.test", "bob@d.test", "carol@e.test", "quota@d.test"]  # as in imap_host.h
PASSWORDS = {p: "pw-%s-Xyz123" % p.split("@")[0] for p in PEOPLE}
SAID_BEFORE = {"select": "select SELECT %s", "examine": "examine EXAMINE %s", "enable": "enable ENABLE %s", "say": "%s"}
CLOCK = re.compile(rb"17953416\d\d")  # IMAP_HOST_NOW_S and a little later
LEAST = 60  # that suit; fewer, and this test has lost its object


def make_store(mailctl, where):
    """A store with those people in it, and a certificate for localhost."""
    conf = where / "made.conf"
    conf.write_text("[server]\nhostname = mx.d.test\nstore = %s/store\nruntime = %s\n" % (where, where))

    def ctl(*args, said=None):
        done = subprocess.run([mailctl, "-c", str(conf), *args], input=said, capture_output=True, text=True)
        assert done.returncode == 0, (args, done.stdout, done.stderr)
    for domain in ("d.test", "e.test"):
        ctl("domain", "add", domain)
    for person in PEOPLE:
        quota = ["--quota", "1M"] if person.startswith("quota") else []
        ctl("user", "add", person, *quota, said=PASSWORDS[person] + "\n")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                    "-keyout", str(where / "key.pem"), "-out", str(where / "cert.pem")], check=True, capture_output=True)


class Conversation:
    """One file, as it concerns the real daemon."""

    def __init__(self, path):
        self.path = path
        options, self.items = over_tcp.parse(path)
        for item in self.items:  # UIDVALIDITY is the engine's test's clock, too
            if item[1] == "expect":
                text = CLOCK.sub(b"...", item[2][0])
                item[2] = (text, over_tcp.expected(text))
        self.login, self.before, self.tls = None, [], False
        self.settings = {"limits__message_size": "10000000"}
        self.unsuited = any(kind.startswith("do") for _, kind, _ in self.items)
        for option in options:
            self.take(*option.partition(" ")[::2])
        text = path.read_bytes()
        # the clock of the engine's own test stands still
        self.unsuited |= bool(re.search(rb"^S:.*Nov[- ]2026|^C:.* (YOUNGER|OLDER) ", text, re.M))

    def take(self, word, rest):
        if word == "tls":
            self.tls = True
        elif word == "allow-plaintext":
            self.settings["test__allow_plaintext"] = "yes"
        elif word == "login":
            self.login = rest or "alice"
        elif word in SAID_BEFORE:
            self.before.append(SAID_BEFORE[word] % rest)
        elif word == "off":
            self.settings["imap__capabilities_off"] = "COMPRESS=DEFLATE UIDONLY " + rest
        elif word == "on":
            self.settings["imap__capabilities_off"] = " ".join(
                c for c in ("COMPRESS=DEFLATE", "UIDONLY") if c not in rest)
            self.unsuited |= "COMPRESS" in rest  # this player does not inflate
        elif word == "max-errors":
            self.settings["limits__errors"] = rest
        elif word == "message-max" and int(rest) >= 1024:  # the least there can be
            self.settings["limits__message_size"] = rest
        elif word != "pieces":
            self.unsuited = True

    def play(self, popd, ca):
        hidden = self.login or self.before
        server = over_tcp.Server("127.0.0.1", popd.imap_port, popd.imaps_port, str(ca), timeout=60)
        player = over_tcp.Player(server, self.tls or bool(hidden))
        try:
            if hidden:
                player.expect(("* OK", re.compile(rb"\* OK .*", re.S)))
                who = next(p for p in PEOPLE if p.startswith(self.login or "alice"))
                for command in ["login LOGIN %s %s" % (who, PASSWORDS[who])] + self.before:
                    self.say_first(player, over_tcp.repeat(command.encode()))
            player.play(self.items)
        finally:
            player.sock.close()

    def say_first(self, player, command):
        player.say(over_tcp.unescape(command) + b"\r\n")
        tag = command.split(b" ")[0]
        while not re.search(rb"(?:^|\n)" + re.escape(tag) + rb" (OK|NO|BAD)[^\n]*\n", player.held):
            if not player.more(60):
                raise over_tcp.Difference("%r is not answered: %r" % (command, player.held[-300:]))
        if b"\n" + tag + b" OK" not in b"\n" + player.held:
            raise over_tcp.Difference("%r: %r" % (command, player.held[-300:]))
        player.held = b""


def play(popd, made, c):
    with tempfile.TemporaryDirectory(prefix="imap") as name:
        where = pathlib.Path(name)
        shutil.copytree(made / "store", where / "store")
        for pem in ("cert.pem", "key.pem"):
            shutil.copy(made / pem, where / pem)
        authority = Authority(str(where / "auth.sock"), {p: i for i, p in enumerate(PEOPLE, 1)}, PASSWORDS)
        daemon = Popd(popd, str(where), str(where / "store"), **c.settings)
        try:
            c.play(daemon, made / "cert.pem")
        finally:
            code, text = daemon.stop()
            authority.sock.close()
        if code != 0 or "Sanitizer" in text:
            raise over_tcp.Difference("%s: popd ended with %d:\n%s" % (c.path.name, code, text[-3000:]))


def main():
    popd, mailctl = (str(pathlib.Path(p).resolve()) for p in sys.argv[1:3])
    begins = sys.argv[3] if len(sys.argv) > 3 else ""
    played, skipped, wrong = 0, 0, []
    with tempfile.TemporaryDirectory(prefix="imap") as made:
        make_store(mailctl, pathlib.Path(made))
        for path in sorted((HERE / "imap").glob(begins + "*.conv")):
            c = Conversation(path)
            if c.unsuited:
                skipped += 1
                continue
            played += 1
            try:
                play(popd, pathlib.Path(made), c)
            except over_tcp.Difference as d:
                wrong.append("%s: %s" % (path.name, d))
                print(wrong[-1], flush=True)
    print("%d played, %d not for a real daemon, %d differ" % (played, skipped, len(wrong)))
    return 1 if wrong or (not begins and played < LEAST) else 0


if __name__ == "__main__":
    sys.exit(main())
