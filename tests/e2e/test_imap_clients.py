# SPDX-License-Identifier: MIT
"""Real user agents over IMAP against a whole server: what each sees, does and
leaves behind is what is there, octet for octet.

Homes and configurations are the tests' own.  Each test has an account of its
own and asks the server by a connection that believes nothing (imap_wire.py)."""
import contextlib
import imaplib
import os
import re
import shlex
import signal
import sqlite3
import subprocess
import time

import pytest

from imap_grammar import uids
from imap_wire import Wire
from pennypost import Server, wait_for, without_trace
from samples import SAMPLES, everyday, plain
from test_clients import Agent, Inbox, crlf, program, unix

NAMES = ["mb", "mb2", "mb3", "oi", "oi2", "mutt", "mutt2", "curl", "fm", "fm2", "gm", "lib", "story", "story2", "switch"]
USERS = {f"{name}@d.test": f"pw-{name}-Xyz123" for name in NAMES}
MAIL = [everyday("one"), SAMPLES["all_dots"], plain("three", "Grüße\r\nFrom here\r\n".encode())]


@pytest.fixture(scope="module")
def server():
    with Server(users=USERS) as s:
        yield s


@pytest.fixture(scope="module")
def plaintext_server():
    with Server(users=USERS, plaintext=True) as s:
        yield s


@pytest.fixture
def agent(server, tmp_path):
    return Agent(server, tmp_path)


def who(name):
    return f"{name}@d.test"


@contextlib.contextmanager
def looking(server, user):
    """The server's own word."""
    wire = Wire(server)
    wire.ok(f"LOGIN {user} {server.password(user)}")
    yield wire
    wire.ok("LOGOUT")
    wire.close()


def put(wire, mailbox, message, flags=""):
    return int(wire.ok(f'APPEND "{mailbox}" ({flags}) {{{len(message)}+}}', message).tagged.args[1])


def holds(server, user, mailbox="INBOX"):
    """{message: its flags} of a mailbox on the server."""
    with looking(server, user) as wire:
        wire.ok(f'EXAMINE "{mailbox}"')
        got = wire.ok("UID FETCH 1:* (FLAGS BODY.PEEK[])").of("FETCH")
        return {untouched(r.values["BODY[]"]): set(r.values["FLAGS"]) - {"\\Recent"} for r in got}


def folders(server, user):
    with looking(server, user) as wire:
        return {r.name for r in wire.ok('LIST "" "*"').of("LIST")}


# ---- Maildirs that are kept in step

def untouched(message):
    """Without the mark by which mbsync knows a message again."""
    return re.sub(rb"(?m)^X-TUID: .{12}\r\n", b"", message, count=1)


FLAGS = {"S": "\\Seen", "F": "\\Flagged", "R": "\\Answered", "T": "\\Deleted", "D": "\\Draft"}


class Maildirs:
    """What a synchronizing client has on its side, as one who reads mail there."""

    def __init__(self, root):
        self.root = root

    def files(self, mailbox):
        folder = self.root / mailbox
        return sorted(p for sub in ("new", "cur") for p in (folder / sub).glob("*"))

    def holds(self, mailbox="INBOX"):
        """{message: its flags}, the lines' ends as they were"""
        found = {}
        for path in self.files(mailbox):
            letters = path.name.rpartition(":2,")[2] if ":2," in path.name else ""
            found[untouched(crlf([path.read_bytes()])[0])] = {FLAGS[c] for c in letters if c in FLAGS}
        return found

    def find(self, message, mailbox="INBOX"):
        path, = [p for p in self.files(mailbox) if untouched(crlf([p.read_bytes()])[0]) == message]
        return path

    def mark(self, message, letters, mailbox="INBOX"):
        path = self.find(message, mailbox)
        name = path.name.partition(":2,")[0] + ":2," + "".join(sorted(letters))
        path.rename(path.parent.parent / "cur" / name)

    def add(self, message, mailbox="INBOX"):
        for sub in ("tmp", "new", "cur"):
            (self.root / mailbox / sub).mkdir(parents=True, exist_ok=True)
        n = len(list(self.root.rglob("*")))
        (self.root / mailbox / "cur" / f"{1700000000 + n}.M{n}P1.c.test:2,S").write_bytes(unix(message))


class Mbsync(Maildirs):
    """isync 1.4: commands by the dozen before it reads an answer."""

    def __init__(self, agent, user, name):
        super().__init__(agent.home / name)
        self.root.mkdir()
        self.agent, self.program = agent, program("mbsync")
        self.conf = agent.file(f"{name}.rc", f"""
IMAPAccount there
Host localhost
Port {agent.ports["imaps"]}
User {user}
Pass {agent.password(user)}
SSLType IMAPS
SystemCertificates no
CertificateFile {agent.server.ca}

IMAPStore there
Account there

MaildirStore here
Path {self.root}/
Inbox {self.root}/INBOX
SubFolders Verbatim

Channel all
Far :there:
Near :here:
Patterns *
Create Both
Remove Both
Expunge Both
CopyArrivalDate yes
SyncState *
""")

    def sync(self, status=0):
        return self.agent.run(self.program, "-c", self.conf, "-a", status=status)


class OfflineImap(Maildirs):
    def __init__(self, agent, user, name):
        super().__init__(agent.home / name / "mail")
        self.root.mkdir(parents=True)
        self.agent, self.program = agent, program("offlineimap")
        self.conf = agent.file(f"{name}.rc", f"""
[general]
accounts = test
metadata = {agent.home}/{name}/state
ui = basic
[Account test]
localrepository = here
remoterepository = there
[Repository here]
type = Maildir
localfolders = {self.root}
sep = /
[Repository there]
type = IMAP
remotehost = localhost
remoteport = {agent.ports["imaps"]}
ssl = yes
sslcacertfile = {agent.server.ca}
auth_mechanisms = PLAIN
remoteuser = {user}
remotepass = {agent.password(user)}
""")

    def sync(self, status=0):
        return self.agent.run(self.program, "-o", "-c", self.conf, status=status)


def all_alike(server, user, clients, mailbox="INBOX"):
    there = holds(server, user, mailbox)
    for client in clients:
        assert client.holds(mailbox) == there
    return there


def back_and_forth(server, user, one, two):
    """Two clients of one account, each with its own copy of it."""
    for message in MAIL:
        server.deliver("x@far.test", [user], message)
    one.sync(), two.sync()
    there = all_alike(server, user, [one, two])
    assert sorted(without_trace(m) for m in there) == sorted(MAIL)
    assert {"INBOX", "Sent", "Drafts", "Junk", "Trash", "Archive"} <= {p.name for p in two.root.iterdir()}
    first, second, third = there
    # flags, a message of its own and a folder of its own, from one to two
    one.mark(first, "SF")
    one.add(MAIL[0], "Sent")
    one.add(MAIL[2], "Family")
    one.sync(), two.sync()
    assert all_alike(server, user, [one, two])[first] == {"\\Seen", "\\Flagged"}
    assert list(all_alike(server, user, [one, two], "Sent")) == [MAIL[0]]
    assert list(all_alike(server, user, [one, two], "Family")) == [MAIL[2]]
    # and back: taken away and given
    two.mark(first, "S"), two.mark(second, "RS")
    two.sync(), one.sync()
    there = all_alike(server, user, [one, two])
    assert there[first] == {"\\Seen"} and there[second] == {"\\Answered", "\\Seen"}
    # from the server's side: another client's flag and EXPUNGE
    with looking(server, user) as wire:
        wire.ok("SELECT INBOX")
        wire.ok("STORE 2 +FLAGS (\\Flagged)")
        wire.ok("STORE 1 +FLAGS (\\Deleted)")
        wire.ok("EXPUNGE")
    one.sync(), two.sync()
    there = all_alike(server, user, [one, two])
    assert list(there) == [second, third] and "\\Flagged" in there[second]
    return second, third


def test_mbsync(agent, server):
    user = who("mb")
    one, two = Mbsync(agent, user, "one"), Mbsync(agent, user, "two")
    second, third = back_and_forth(server, user, one, two)
    # a conflict: one flags what two throws away, before they hear of each other
    one.mark(second, "FRS"), two.mark(second, "RST"), two.mark(third, "F")
    two.sync(), one.sync(), two.sync()
    there = all_alike(server, user, [one, two])
    assert list(there) == [third] and there[third] == {"\\Flagged"}
    # the same flag set here and taken away there, in two turns
    one.mark(third, "F"), two.mark(third, "S")
    one.sync(), two.sync(), one.sync()
    assert all_alike(server, user, [one, two])[third] == {"\\Seen"}
    # nothing to do, nothing done
    before = [p.name for p in one.root.rglob("*") if p.is_file() and p.parent.name in ("cur", "new")]
    one.sync()
    assert before == [p.name for p in one.root.rglob("*") if p.is_file() and p.parent.name in ("cur", "new")]


def test_mbsync_samples(agent, server):
    """Every message that has been trouble comes out as it went in, from the
    server and from the Maildir; but those where there is no header to put the
    mark of mbsync's in."""
    user = who("mb2")
    here = Mbsync(agent, user, "here")
    texts = [m for name, m in SAMPLES.items() if m.endswith(b"\r\n") and b"\0" not in m
             and name not in ("big", "no_body", "control_characters", "text_without_header")]
    assert len(texts) > 35
    with looking(server, user) as wire:
        for text in texts:
            put(wire, "INBOX", text)
    here.sync()
    assert set(here.holds()) == set(texts) == set(holds(server, user))
    for text in texts[::3]:
        here.add(text, "Again")
    here.sync()
    assert set(holds(server, user, "Again")) == set(texts[::3])


def test_mbsync_made_again(agent, server):
    """A mailbox is deleted, and another made by its name: a new UIDVALIDITY, so
    nothing of the old is taken for the new."""
    user = who("mb3")
    one = Mbsync(agent, user, "one")
    with looking(server, user) as wire:
        wire.ok("CREATE Family")
        for message in MAIL:
            put(wire, "Family", message)
        one.sync()
        before = wire.ok("STATUS Family (UIDVALIDITY)").one("STATUS").values
        assert set(one.holds("Family")) == set(MAIL)
        wire.ok("DELETE Family"), wire.ok("CREATE Family")
        assert wire.ok("STATUS Family (UIDVALIDITY)").one("STATUS").values["UIDVALIDITY"] > before["UIDVALIDITY"]
        others = [plain(f"other{n}", b"x\r\n") for n in range(2)]
        for message in others:
            put(wire, "Family", message)
    one.sync(status=1)  # it sees, and leaves the folder alone
    assert set(one.holds("Family")) == set(MAIL)
    assert set(holds(server, user, "Family")) == set(others)
    # the other way it has: the folder is gone here, and comes anew
    for path in one.files("Family") + [p for p in (one.root / "Family").glob(".*") if p.is_file()]:
        path.unlink()
    one.sync()
    assert set(all_alike(server, user, [one], "Family")) == set(others)


def test_offlineimap(agent, server):
    user = who("oi")
    one, two = OfflineImap(agent, user, "one"), OfflineImap(agent, user, "two")
    _, third = back_and_forth(server, user, one, two)
    two.find(third).unlink()
    two.sync(), one.sync()
    assert third not in all_alike(server, user, [one, two])


def test_offlineimap_made_again(agent, server):
    user = who("oi2")
    one = OfflineImap(agent, user, "one")
    with looking(server, user) as wire:
        wire.ok("CREATE Family"), put(wire, "Family", MAIL[0]), put(wire, "INBOX", MAIL[0])
        one.sync()
        wire.ok("DELETE Family"), wire.ok("CREATE Family"), put(wire, "Family", MAIL[2]), put(wire, "INBOX", MAIL[2])
    one.sync(status=2)  # it skips the folder, and does the others
    assert set(one.holds("Family")) == {MAIL[0]}
    assert set(one.holds()) == {MAIL[0], MAIL[2]}
    assert set(holds(server, user, "Family")) == {MAIL[2]}


# ---- at a terminal

class Terminal:
    """A program in a tmux of its own: keys go in, the screen is looked at."""

    def __init__(self, agent, *command):
        self.tmux, self.agent = program("tmux"), agent
        self.socket = str(agent.home / "tmux")
        env = {"HOME": str(agent.home), "TERM": "xterm", "LANG": "C.UTF-8", "PATH": os.environ["PATH"]}
        words = " ".join(shlex.quote(str(w)) for w in command)
        self.said(["-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "40",
                   "exec env -i " + " ".join(f"{k}={shlex.quote(v)}" for k, v in env.items()) + " " + words])

    def said(self, args, check=True):
        got = subprocess.run([self.tmux, "-u", "-S", self.socket, *args], capture_output=True, text=True, timeout=120,
                             env={**os.environ, "LANG": "C.UTF-8", "TERM": "xterm"})
        assert not check or got.returncode == 0, got.stderr
        return got.stdout

    def screen(self):
        return self.said(["capture-pane", "-p"])

    def sees(self, pattern, seconds=120):
        last = [""]

        def look():
            last[0] = self.screen()
            return re.search(pattern, last[0])
        try:
            return wait_for(look, seconds)
        except AssertionError:
            raise AssertionError(f"no {pattern!r} on the screen:\n{last[0]}") from None

    def keys(self, *keys):
        self.said(["send-keys", *keys])

    def gone(self):
        return not self.said(["list-sessions"], check=False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.said(["kill-server"], check=False)


def muttrc(agent, user, more=""):
    return agent.file("muttrc", f"""
set folder = imaps://{user.replace("@", "%40")}@127.0.0.1:{agent.ports["imaps"]}/
set spoolfile = +INBOX
set imap_user = {user}
set imap_pass = {agent.password(user)}
set imap_authenticators = "plain"
set ssl_force_tls = yes
set certificate_file = {agent.server.ca}
set ssl_ca_certificates_file = {agent.server.ca}
set record = +Sent
set postponed = +Drafts
set trash = ""
set from = {user}
set use_envelope_from = no
set wait_key = no
set confirmappend = no
set confirmcreate = no
set delete = yes
set move = no
set mail_check = 1
set timeout = 1
set imap_keepalive = 5
set header_cache = ""
set index_format = "%3C [%Z] %s"
set status_format = "Box %f Msgs:%m New:%n Flagged:%F Deleted:%d"
set sort = mailbox-order
set help = no
set pager_index_lines = 0
set beep = no
{more}
""")


@pytest.mark.parametrize("name, user, more", [
    ("neomutt", "mutt", "set imap_condstore = yes\nset imap_qresync = no\n"),
    ("neomutt", "mutt2", "set imap_qresync = yes\nset imap_condstore = yes\nset imap_idle = yes\n")],
    ids=["condstore", "qresync-idle"])
def test_neomutt(agent, server, name, user, more):
    user = who(user)
    texts = [plain(f"subject-{n}", f"body {n} {'needle' if n == 3 else 'hay'} end\r\n".encode()) for n in range(1, 6)]
    with looking(server, user) as wire:
        for text in texts:
            put(wire, "INBOX", text)
    with Terminal(agent, program(name), "-n", "-F", muttrc(agent, user, more)) as screen:
        screen.sees(r"Msgs:5")
        screen.sees(r"subject-1[\s\S]*subject-5")
        # read the first one
        screen.keys("1", "Enter"), screen.keys("Enter")
        screen.sees(r"body 1 hay end")
        screen.keys("i")
        screen.sees(r"Msgs:5")
        # flag the second, throw the fourth away
        screen.keys("2", "Enter", "F"), screen.sees(r"Flagged:1")
        screen.keys("4", "Enter", "d"), screen.sees(r"Deleted:1")
        screen.keys("$")
        screen.sees(r"Msgs:4")
        there = holds(server, user)
        assert list(there) == texts[:3] + texts[4:]
        assert "\\Seen" in there[texts[0]] and "\\Flagged" in there[texts[1]]
        # search in bodies, which the server does for ~b
        screen.keys("l"), screen.sees("Limit"), screen.keys("=b needle", "Enter")
        screen.sees(r"subject-3")
        wait_for(lambda: "subject-1" not in screen.screen(), what="the others to be hidden")
        screen.keys("l"), screen.sees("Limit"), screen.keys("C-u"), screen.keys("all", "Enter")
        screen.sees(r"subject-1[\s\S]*subject-5")
        # move the fifth to the archive
        screen.keys("4", "Enter", "s"), screen.sees(r"Save")
        screen.keys("C-u"), screen.keys("=Archive", "Enter")
        screen.sees(r"Deleted:1"), screen.keys("$"), screen.sees(r"Msgs:3")
        assert list(holds(server, user, "Archive")) == [texts[4]]
        # what comes meanwhile is seen
        server.deliver("x@far.test", [user], plain("just-came", b"x\r\n"))
        screen.sees(r"just-came")
        # and what another client did
        with looking(server, user) as wire:
            wire.ok("SELECT INBOX")
            wire.ok("STORE 1 +FLAGS (\\Flagged)")
        screen.sees(r"Flagged:2")
        screen.keys("c"), screen.sees("Open mailbox"), screen.keys("C-u"), screen.keys("=Archive", "Enter")
        screen.sees(r"Msgs:1"), screen.sees(r"subject-5")
        screen.keys("q")
        wait_for(screen.gone, what="the end of it")
    assert len(holds(server, user)) == 4


# ---- one thing at a time

class Curl:
    def __init__(self, agent, user, scheme="imaps"):
        self.agent = agent
        self.base = f"{scheme}://127.0.0.1:{agent.ports[scheme]}/"
        self.args = [program("curl"), "-sS", "--ssl-reqd", "--cacert", agent.server.ca,
                     "--user", f"{user}:{agent.password(user)}"]

    def get(self, url="", *more, status=0):
        return self.agent.run(*self.args, *more, "--url", self.base + url, status=status)


@pytest.mark.parametrize("scheme", ["imap", "imaps"])
def test_curl(agent, server, scheme):
    user = who("curl")
    curl = Curl(agent, user, scheme)
    box = f"by-{scheme}"
    curl.get("", "-X", f"CREATE {box}")
    listed = curl.get().decode()
    assert f'* LIST (\\HasNoChildren) "/" {box}\r\n' in listed and '"/" INBOX\r\n' in listed
    for message in MAIL:
        curl.get(box, "-T", agent.file("m", message))
    assert curl.get(f"{box};UID=2") == MAIL[1]
    assert curl.get(f"{box};MAILINDEX=3") == MAIL[2]
    assert curl.get(f"{box};UID=3;SECTION=TEXT") == MAIL[2].split(b"\r\n\r\n", 1)[1]
    assert b"Subject: one" in curl.get(f"{box};UID=1;SECTION=HEADER.FIELDS%20(SUBJECT)")
    assert curl.get(f"{box};UID=1;SECTION=TEXT;PARTIAL=0.5") == MAIL[0].split(b"\r\n\r\n", 1)[1][:5]
    assert curl.get(f"{box}?SUBJECT%20three").strip() == b"* SEARCH 3"
    assert b"FLAGS (\\Seen \\Flagged)" in curl.get(box, "-X", "STORE 1 +FLAGS (\\Flagged)")
    assert b"MESSAGES 3" in curl.get("", "-X", f"STATUS {box} (MESSAGES UIDNEXT)")
    curl.get(f"{box};UID=99", status=78)  # no such file
    validity = re.search(rb"UIDVALIDITY (\d+)", curl.get("", "-X", f"STATUS {box} (UIDVALIDITY)"))[1].decode()
    assert curl.get(f"{box};UIDVALIDITY={validity};UID=1") == MAIL[0]
    curl.get(f"{box};UIDVALIDITY=1;UID=1", status=78)
    assert list(holds(server, user, box)) == MAIL


@pytest.mark.parametrize("scheme", ["imap", "imaps"])
def test_curl_is_refused(agent, scheme):
    curl = Curl(agent, who("curl"), scheme)
    curl.args[-1] = f"{who('curl')}:wrong"
    curl.get(status=67)


def test_no_login_in_clear(agent, plaintext_server, tmp_path):
    user = who("curl")
    for server, status in ((agent.server, 67), (plaintext_server, 0)):
        agent.run(program("curl"), "-sS", "--user", f"{user}:{server.password(user)}",
                  f"imap://127.0.0.1:{server.ports['imap']}/", status=status)


FETCHED = [MAIL[0], MAIL[2], plain("last", b"last\r\n")]


def fetchmailrc(agent, user, script, options):
    return agent.file("fetchmailrc", f"""
set no syslog
poll 127.0.0.1 protocol imap service {agent.ports["imaps"]} auth password
  username "{user}" password "{agent.password(user)}"
  ssl sslcertck sslcertfile {agent.server.ca} sslcommonname mx.d.test
  no rewrite pass8bits dropstatus {options} mda "{script}"
""")


def test_fetchmail(agent, server):
    user = who("fm")
    for message in FETCHED:
        server.deliver("x@far.test", [user], message)
    inbox = Inbox(agent)
    command = [program("fetchmail"), "--invisible", "--pidfile", agent.home / "pid", "-f"]
    agent.run(*command, fetchmailrc(agent, user, inbox.script, "keep"))
    assert [without_trace(m) for m in crlf(inbox.messages())] == FETCHED
    assert set(map(frozenset, holds(server, user).values())) == {frozenset({"\\Seen"})}
    # what is seen is not fetched again, unless all are asked for; then they go
    agent.run(*command, fetchmailrc(agent, user, inbox.script, "keep"), status=1)
    agent.run(*command, fetchmailrc(agent, user, inbox.script, "fetchall"))
    assert len(inbox.messages()) == 2 * len(FETCHED)
    assert holds(server, user) == {}


def test_fetchmail_idles(agent, server):
    """Stays, and has each message when it comes."""
    user = who("fm2")
    inbox = Inbox(agent)
    conf = fetchmailrc(agent, user, inbox.script, "idle")
    env = {"HOME": str(agent.home), "PATH": os.environ["PATH"], "FETCHMAILHOME": str(agent.home), "LANG": "C.UTF-8"}
    process = subprocess.Popen([program("fetchmail"), "--invisible", "--pidfile", str(agent.home / "pid"), "-f", conf],
                               env=env, cwd=agent.home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for n, message in enumerate(FETCHED):
            server.deliver("x@far.test", [user], message)
            wait_for(lambda: len(inbox.messages()) == n + 1, 120, f"message {n}")
            assert process.poll() is None
        wait_for(lambda: holds(server, user) == {}, 120, "an empty mailbox")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    assert [without_trace(m) for m in crlf(inbox.messages())] == FETCHED


def test_getmail(agent, server):
    user = who("gm")
    for message in FETCHED:
        server.deliver("x@far.test", [user], message)
    with looking(server, user) as wire:
        put(wire, "Archive", MAIL[0])
    inbox = Inbox(agent, "sleep 1")  # it misses the end of a child that is too quick
    conf = agent.file("getmailrc", f"""
[retriever]
type = SimpleIMAPSSLRetriever
server = 127.0.0.1
port = {agent.ports["imaps"]}
username = {user}
password = {agent.password(user)}
mailboxes = ("INBOX", "Archive")
ca_certs = {agent.server.ca}

[destination]
type = MDA_external
path = {inbox.script}
allow_root_commands = true

[options]
delivered_to = false
received = false
read_all = false
delete = false
verbose = 0
""")
    command = [program("getmail"), f"--rcfile={conf}", f"--getmaildir={agent.home}"]
    agent.run(*command)

    def got():  # without what it adds
        added = rb"X-getmail-retrieved-from-mailbox: \w+\r\n|\AReturn-Path: <unknown>\r\n"
        return [re.sub(added, b"", m) for m in crlf(inbox.messages())]

    assert [without_trace(m) for m in got()[:-1]] + got()[-1:] == FETCHED + [MAIL[0]]
    agent.run(*command)  # by UIDVALIDITY and UID: has them all
    assert len(got()) == len(FETCHED) + 1
    server.deliver("x@far.test", [user], plain("new", b"x\r\n"))
    agent.run(*command)
    assert without_trace(got()[-1]) == plain("new", b"x\r\n")


# ---- Python's own

def imaplib_good(answer):
    kind, data = answer
    assert kind == "OK", answer
    return data


def test_imaplib(server):
    """Every command it has."""
    user, good = who("lib"), imaplib_good
    client = server.imap(user, login=False)
    good(client.authenticate("PLAIN", lambda _: f"\0{user}\0{server.password(user)}".encode()))
    good(client.capability()), good(client.noop()), good(client.namespace())
    assert "UTF8=ACCEPT" in good(client.capability())[0].decode()
    good(client.create("One")), good(client.create('"Two words"')), good(client.subscribe("One"))
    assert any(b"One" in line for line in good(client.lsub()))
    good(client.unsubscribe("One"))
    assert not any(b"One" in line for line in good(client.lsub()))
    good(client.rename("One", "Three"))
    assert any(b"Three" in line for line in good(client.list()))
    stamp = imaplib.Time2Internaldate(time.time())
    for n, message in enumerate(MAIL):
        data = good(client.append("Three", "(\\Seen)" if n else None, stamp, message))
        assert re.search(rb"APPENDUID \d+ %d\]" % (n + 1), data[0])
    assert good(client.select("Three")) == [b"3"]
    assert int(client.response("UIDVALIDITY")[1][0]) > 0
    assert good(client.status("Three", "(MESSAGES UNSEEN)")) == [b"Three (MESSAGES 3 UNSEEN 1)"]
    assert [d[1] for d in good(client.fetch("1:3", "(BODY.PEEK[])"))[::2]] == MAIL
    assert good(client.fetch("1", "(BODY.PEEK[]<0.5>)"))[0][1] == MAIL[0][:5]
    assert good(client.search(None, "SUBJECT", "three")) == [b"3"]
    assert good(client.search(None, "SEEN")) == [b"2 3"]
    client.literal = "Grüße".encode()
    assert b"3" in good(client.uid("SEARCH", "CHARSET", "UTF-8", "BODY"))[0].split()
    assert good(client.sort("(REVERSE SUBJECT)", "UTF-8", "ALL"))[0].split()[0] == b"3"
    assert good(client.thread("REFERENCES", "UTF-8", "ALL")) == [b"(1)(2)(3)"]
    assert b"\\Flagged" in good(client.store("1", "+FLAGS", "(\\Flagged)"))[0]
    assert b"$Label1" in good(client.uid("STORE", "2", "FLAGS", "($Label1)"))[0]
    good(client.copy("1:2", '"Two words"'))
    good(client.uid("MOVE", "3", "Archive"))
    good(client.store("1", "+FLAGS", "(\\Deleted)"))
    assert good(client.expunge())[-1] == b"1"  # behind what MOVE said
    good(client.check())
    good(client.store("1", "+FLAGS", "(\\Deleted)"))
    good(client.close())
    assert good(client.select("Three", readonly=True)) == [b"0"]
    good(client.unselect())
    assert good(client.select('"Two words"')) == [b"2"]
    assert good(client.getquotaroot("INBOX"))
    assert client.getquota("none")[0] == "NO"
    assert good(client.xatom("ID", "NIL"))
    good(client.unselect())
    good(client.enable("UTF8=ACCEPT"))
    good(client.append("Archive", None, None, MAIL[0]))
    good(client.delete("Three"))
    assert client.delete("Three")[0] == "NO" and client.select("Three")[0] == "NO"
    for name, args in (("getacl", ["INBOX"]), ("myrights", ["INBOX"]), ("setacl", ["INBOX", "x", "lr"]),
                       ("deleteacl", ["INBOX", "x"]), ("getannotation", ["INBOX", "/x", "y"]),
                       ("setannotation", ["INBOX", "/x", "y"])):
        with pytest.raises(imaplib.IMAP4.error):  # what is not offered
            getattr(client, name)(*args)
    client.logout()
    client = server.imap(user, implicit=False)
    client.logout()


# ---- stories

def test_sent_fetched_and_answered(agent, server):
    """msmtp submits and the copy is put among the sent; mbsync has both; the
    answer, marked as such, comes back to an idle session."""
    user, friend = who("story"), who("story2")
    message = everyday("letter", sender=user, to=friend)
    conf = agent.file("msmtprc", f"""
account default
host 127.0.0.1
port {agent.ports["submissions"]}
domain c.test
auth plain
user {user}
password {agent.password(user)}
from {user}
tls on
tls_starttls off
tls_trust_file {agent.server.ca}
""")
    agent.run(program("msmtp"), "-C", conf, friend, input=unix(message))
    Curl(agent, user).get("Sent", "-T", agent.file("m", message))
    with looking(server, friend) as wire:
        wire.ok("SELECT INBOX")
        got = wire.ok("UID FETCH 1:* (ENVELOPE BODY[])").one("FETCH").values
        assert without_trace(got["BODY[]"]) == message
        assert got["ENVELOPE"]["message-id"] == b"<letter@samples.test>"
        wire.ok("UID STORE 1 +FLAGS (\\Answered)")
    mine = Wire(server)
    mine.ok(f"LOGIN {user} {server.password(user)}")
    mine.ok("SELECT INBOX")
    tag = mine.idle()
    answer = plain("answer", b"Yes\r\n", b"In-Reply-To: <letter@samples.test>", sender=friend, to=user)
    server.submit(friend, [user], answer)
    assert mine.hear("EXISTS")[-1].number == 1
    mine.send("DONE\r\n")
    mine.answer(tag)
    assert mine.ok('UID SEARCH HEADER In-Reply-To "<letter@samples.test>"').one("SEARCH").values == [1]
    mine.close()
    here = Mbsync(agent, user, "here")
    here.sync()
    assert list(here.holds("Sent")) == [message]
    assert [without_trace(m) for m in here.holds()] == [answer]


# ---- what an account is not offered

def test_capabilities_of_an_account(server):
    """Its imap_off: neither advertised nor done, for it alone."""
    user = who("switch")
    with contextlib.closing(sqlite3.connect(server.dir / "store/mail.db", timeout=60)) as db, db:
        assert db.execute("UPDATE account SET imap_off = 'MOVE CONDSTORE QRESYNC IDLE' WHERE login = ?",
                          (user,)).rowcount == 1
    for name, offered in ((user, False), (who("lib"), True)):
        wire = Wire(server)
        caps = set(wire.ok(f"LOGIN {name} {server.password(name)}").tagged.args)
        for cap in ("MOVE", "CONDSTORE", "QRESYNC", "IDLE"):
            assert (cap in caps) == offered
        assert set(wire.ok("CAPABILITY").one("CAPABILITY").values) == caps and "UIDPLUS" in caps
        for _ in range(3):
            put(wire, "INBOX", MAIL[0])
        answer = wire.ok("SELECT INBOX")
        assert ("HIGHESTMODSEQ" in [r.code for r in answer.untagged]) == offered
        for command in ("MOVE 1 Trash", "UID MOVE 2 Trash", "STORE 1:* (UNCHANGEDSINCE 1) +FLAGS (x)",
                        "FETCH 1:* (MODSEQ)", "UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1)", "SELECT INBOX (CONDSTORE)"):
            assert (wire.do_kind(command) == "OK") == offered, command
        if not offered:
            wire.ok("SELECT INBOX"), wire.bad("IDLE")
            assert wire.ok("ENABLE QRESYNC").one("ENABLED").values == []
        wire.ok("LOGOUT")
        wire.close()
