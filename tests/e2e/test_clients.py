# SPDX-License-Identifier: MIT
"""Real user agents against a whole server: what one submits is fetched as it
was, and what is there is fetched by each as it is, octet for octet.

Nothing of the person who runs the tests is read or written: HOME and every
configuration are in a directory of the test's own."""
import os
import pathlib
import poplib
import shutil
import smtplib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from pennypost import Server, without_trace  # noqa: E402
from samples import SAMPLES, everyday, plain  # noqa: E402

ALICE, BOB, CAROL = "alice@d.test", "bob@d.test", "carol@e.test"
# Lying in Bob's maildrop for those who fetch
WAITING = [everyday("waiting-1", to=BOB), SAMPLES["all_dots"], SAMPLES["eight_bit_all"],
           plain("waiting-4", b"last\r\n", to=BOB)]
# The same for programs that write mail with the newline of their system, which
# would take any other control character badly
WAITING_TEXT = [WAITING[0], WAITING[1], WAITING[3]]


def program(name):
    """Its path; without it the test is skipped."""
    found = shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed (scripts/dependencies test)")
    return found


class Agent:
    """Runs user agents in a home of their own."""

    def __init__(self, server, home):
        self.server, self.home = server, home
        self.password = server.password
        self.ports = server.ports

    def file(self, name, text):
        path = self.home / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(0o600)
        return str(path)

    def run(self, *args, input=None, status=0):
        env = {"HOME": str(self.home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8",
               "TMPDIR": str(self.home), "FETCHMAILHOME": str(self.home)}
        got = subprocess.run([str(a) for a in args], input=input, capture_output=True,
                             env=env, cwd=self.home, timeout=180)
        assert got.returncode == status, \
            f"{args}: {got.returncode}\n{got.stdout[-2000:]}\n{got.stderr[-2000:]}"
        return got.stdout


@pytest.fixture(scope="module")
def server():
    with Server() as s:
        yield s


@pytest.fixture(scope="module")
def plaintext_server():
    with Server(plaintext=True) as s:
        yield s


@pytest.fixture
def agent(server, tmp_path):
    return Agent(server, tmp_path)


def stock(server, user, messages):
    """Have exactly these in the maildrop."""
    server.fetch(user, delete=True)
    for m in messages:
        server.deliver("x@remote.test", [user], m)


# ---- submitting

def unix(message):
    return message.replace(b"\r\n", b"\n")


def curl_submits(agent, port, scheme, mechanism, message):
    agent.run(program("curl"), "-sS", "--ssl-reqd", "--cacert", agent.server.ca,
              "--url", f"{scheme}://127.0.0.1:{port}/c.test", "--mail-from", BOB,
              "--mail-rcpt", ALICE, "--user", f"{BOB}:{agent.password(BOB)}",
              "--login-options", f"AUTH={mechanism}", "--upload-file", agent.file("m", message))


def swaks_submits(agent, port, scheme, mechanism, message):
    if b"TLS supported" not in agent.run(program("swaks"), "--support"):
        pytest.skip("swaks has no TLS (libnet-ssleay-perl)")
    agent.run(program("swaks"), "--server", "127.0.0.1", "--port", port, "--ehlo", "c.test",
              "--tls-on-connect" if scheme == "smtps" else "--tls", "--tls-verify",
              "--tls-ca-path", agent.server.ca, "--auth", mechanism, "--auth-user", BOB,
              "--auth-password", agent.password(BOB), "--from", BOB, "--to", ALICE,
              "--data", "@" + agent.file("m", unix(message)[:-1]), "--silent", "2")  # it adds one


def msmtp_submits(agent, port, scheme, mechanism, message):
    conf = agent.file("msmtprc", f"""
account test
host 127.0.0.1
port {port}
domain c.test
auth {mechanism.lower()}
user {BOB}
password {agent.password(BOB)}
from {BOB}
tls on
tls_starttls {"off" if scheme == "smtps" else "on"}
tls_trust_file {agent.server.ca}
account default : test
""")
    agent.run(program("msmtp"), "-C", conf, ALICE, input=unix(message))


def smtplib_submits(agent, port, scheme, mechanism, message):
    if scheme == "smtps":
        client = smtplib.SMTP_SSL("127.0.0.1", port, context=agent.server.tls(), local_hostname="c.test")
    else:
        client = smtplib.SMTP("127.0.0.1", port, local_hostname="c.test")
        client.starttls(context=agent.server.tls())
    with client:
        client.ehlo()
        client.user, client.password = BOB, agent.password(BOB)
        code, _ = client.auth(mechanism, getattr(client, "auth_" + mechanism.lower()))
        assert code == 235
        assert client.sendmail(BOB, [ALICE], message, mail_options=["BODY=8BITMIME"]) == {}


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
@pytest.mark.parametrize("submits", [curl_submits, swaks_submits, msmtp_submits, smtplib_submits])
def test_submits(agent, submits, scheme, mechanism):
    agent.server.fetch(ALICE, delete=True)
    message = everyday(f"{submits.__name__}-{scheme}-{mechanism}")
    port = agent.ports["submissions" if scheme == "smtps" else "submission"]
    submits(agent, port, scheme, mechanism, message)
    got, = agent.server.fetch(ALICE, delete=True)
    assert without_trace(got) == message
    assert b" with ESMTPSA " in got.split(b"\r\nFrom:")[0].replace(b"\r\n", b" ").replace(b"\t", b" ")


def test_wrong_password_is_refused(agent):
    port = agent.ports["submission"]
    agent.run(program("curl"), "-sS", "--ssl-reqd", "--cacert", agent.server.ca, "--url",
              f"smtp://127.0.0.1:{port}", "--mail-from", BOB, "--mail-rcpt", ALICE,
              "--user", f"{BOB}:wrong", "--upload-file", agent.file("m", everyday()), status=67)


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_no_login_in_clear(agent, mechanism):
    """Neither offered nor taken: swaks gives up (28: no authentication)."""
    agent.run(program("swaks"), "--server", "127.0.0.1", "--port", agent.ports["submission"],
              "--auth", mechanism, "--auth-user", BOB, "--auth-password", agent.password(BOB),
              "--from", BOB, "--to", ALICE, "--silent", "3", status=28)


def test_bcc_is_not_shown(agent):
    """msmtp -t reads the recipients from the fields, and so would smtpd's peer."""
    agent.server.fetch(ALICE, delete=True)
    agent.server.fetch(CAROL, delete=True)
    message = everyday("hidden")
    hidden = message.replace(b"Subject:", b"Bcc: <carol@e.test>,\r\n <bob@d.test>\r\nSubject:", 1)
    swaks_submits(agent, agent.ports["submission"], "smtp", "PLAIN", hidden)
    got, = agent.server.fetch(ALICE, delete=True)
    assert without_trace(got) == message


# ---- fetching

def curl_fetches(agent, port, scheme, user):
    """As it came over the wire: nothing is deleted."""
    tls = [] if scheme == "clear" else ["--ssl-reqd", "--cacert", agent.server.ca]
    name = "pop3s" if scheme == "pop3s" else "pop3"
    base = [program("curl"), "-sS", *tls, "--user", f"{user}:{agent.password(user)}"]
    listing = agent.run(*base, f"{name}://127.0.0.1:{port}/").split()[::2]
    return [agent.run(*base, f"{name}://127.0.0.1:{port}/{int(n)}") for n in listing]


def poplib_fetches(agent, port, scheme, user):
    if scheme == "pop3s":
        client = poplib.POP3_SSL("127.0.0.1", port, context=agent.server.tls())
    else:
        client = poplib.POP3("127.0.0.1", port)
    if scheme == "pop3":
        client.stls(agent.server.tls())
    client.user(user)
    client.pass_(agent.password(user))
    sizes = [int(line.split()[1]) for line in client.list()[1]]
    messages = [b"".join(line + b"\r\n" for line in client.retr(n + 1)[1]) for n in range(len(sizes))]
    client.quit()
    assert [len(m) for m in messages] == sizes
    return messages


class Inbox:
    """Where a program that hands over messages one by one leaves them: a script
    that writes each to the next number."""

    def __init__(self, agent, last="true"):
        self.dir = agent.home / "inbox"
        self.dir.mkdir()
        self.script = agent.file("take", f"#!/bin/sh\ncat >'{self.dir}'/$$.new && "
                                 f"n=$(ls '{self.dir}' | grep -c '^m')\n"
                                 f"mv '{self.dir}'/$$.new '{self.dir}'/m$((100 + n))\n{last}\n")
        os.chmod(self.script, 0o700)

    def messages(self):
        return [p.read_bytes() for p in sorted(self.dir.glob("m*"))]


def crlf(messages):
    """What a Unix program wrote, as it was."""
    return [m.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") for m in messages]


def fetchmail_fetches(agent, port, scheme, user):
    inbox = Inbox(agent)
    tls = {"pop3s": "ssl sslproto tls1.2+", "pop3": "sslproto tls1.2+", "clear": "sslproto ''"}[scheme]
    check = "" if scheme == "clear" else f"sslcertck sslcertfile {agent.server.ca} sslcommonname mx.d.test"
    conf = agent.file("fetchmailrc", f"""
set no syslog
poll 127.0.0.1 protocol pop3 service {port} auth password
  username "{user}" password "{agent.password(user)}"
  {tls} {check} no rewrite pass8bits dropstatus keep fetchall mda "{inbox.script}"
""")
    agent.run(program("fetchmail"), "-f", conf, "--invisible", "--pidfile", agent.home / "pid",
              "--idfile", agent.home / "ids")
    return crlf(inbox.messages())


def mpop_fetches(agent, port, scheme, user):
    inbox = Inbox(agent)
    conf = agent.file("mpoprc", f"""
account test
host 127.0.0.1
port {port}
user {user}
password {agent.password(user)}
auth user
keep on
only_new off
received_header off
uidls_file {agent.home}/uidls
delivery mda {inbox.script}
tls {"off" if scheme == "clear" else "on"}
{"" if scheme == "clear" else f"tls_trust_file {agent.server.ca}"}
tls_starttls {"on" if scheme == "pop3" else "off"}
account default : test
""")
    agent.run(program("mpop"), "-C", conf, "-q")
    return crlf(inbox.messages())


def getmail_fetches(agent, port, scheme, user):
    if scheme == "pop3":
        pytest.skip("getmail6 knows no STLS")
    # it misses the end of a child that is too quick, and waits for ever
    inbox = Inbox(agent, "sleep 1")
    kind = "SimplePOP3Retriever" if scheme == "clear" else "SimplePOP3SSLRetriever"
    conf = agent.file("getmailrc", f"""
[retriever]
type = {kind}
server = 127.0.0.1
port = {port}
username = {user}
password = {agent.password(user)}
{"" if scheme == "clear" else f"ca_certs = {agent.server.ca}"}

[destination]
type = MDA_external
path = {inbox.script}
allow_root_commands = true

[options]
delivered_to = false
received = false
read_all = true
delete = false
verbose = 0
""")
    agent.run(program("getmail"), f"--rcfile={conf}", f"--getmaildir={agent.home}")
    return crlf(inbox.messages())


FETCHERS = [curl_fetches, poplib_fetches, fetchmail_fetches, mpop_fetches, getmail_fetches]


def fetches_all(agent, fetches, port, scheme):
    expected = WAITING if fetches in (curl_fetches, poplib_fetches) else WAITING_TEXT
    stock(agent.server, BOB, expected)
    got = fetches(agent, port, scheme, BOB)
    assert [without_trace(m) for m in got] == expected


@pytest.mark.parametrize("scheme", ["pop3", "pop3s"])
@pytest.mark.parametrize("fetches", FETCHERS)
def test_fetches(agent, fetches, scheme):
    fetches_all(agent, fetches, agent.ports[scheme], scheme)


@pytest.mark.parametrize("fetches", FETCHERS)
def test_fetches_in_clear_where_that_is_allowed(plaintext_server, tmp_path, fetches):
    agent = Agent(plaintext_server, tmp_path)
    fetches_all(agent, fetches, agent.ports["pop3"], "clear")


def test_no_fetching_in_clear_otherwise(agent):
    agent.run(program("curl"), "-sS", "--user", f"{BOB}:{agent.password(BOB)}",
              f"pop3://127.0.0.1:{agent.ports['pop3']}/", status=67)


def test_fetched_mail_is_deleted(agent):
    """fetchmail as most people run it: what was fetched is gone, what came
    meanwhile is fetched next time."""
    stock(agent.server, BOB, WAITING_TEXT)
    inbox = Inbox(agent)
    conf = agent.file("fetchmailrc", f"""
set no syslog
poll 127.0.0.1 protocol pop3 service {agent.ports['pop3s']} auth password
  username "{BOB}" password "{agent.password(BOB)}"
  ssl sslcertck sslcertfile {agent.server.ca} sslcommonname mx.d.test no rewrite pass8bits mda "{inbox.script}"
""")
    command = [program("fetchmail"), "-f", conf, "--invisible", "--pidfile", agent.home / "pid"]
    agent.run(*command)
    assert [without_trace(m) for m in crlf(inbox.messages())] == WAITING_TEXT
    agent.run(*command, status=1)  # no mail
    agent.server.deliver("x@remote.test", [BOB], plain("later", b"x\r\n"))
    agent.run(*command)
    assert len(inbox.messages()) == len(WAITING_TEXT) + 1
    assert agent.server.fetch(BOB) == []


def test_uidl_is_remembered(agent):
    """mpop with only_new: a message kept is not fetched again."""
    stock(agent.server, BOB, WAITING_TEXT)
    inbox = Inbox(agent)
    conf = agent.file("mpoprc", f"""
account default
host 127.0.0.1
port {agent.ports["pop3s"]}
user {BOB}
password {agent.password(BOB)}
auth user
keep on
only_new on
uidls_file {agent.home}/uidls
delivery mda {inbox.script}
tls on
tls_starttls off
tls_trust_file {agent.server.ca}
""")
    command = [program("mpop"), "-C", conf, "-q"]
    agent.run(*command)
    agent.run(*command)
    assert len(inbox.messages()) == len(WAITING_TEXT)
    agent.server.deliver("x@remote.test", [BOB], plain("new", b"x\r\n"))
    agent.run(*command)
    assert len(inbox.messages()) == len(WAITING_TEXT) + 1
