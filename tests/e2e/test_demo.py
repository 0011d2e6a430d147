# SPDX-License-Identifier: MIT
"""`mailctl demo': what a person sees who has just built it."""
import pathlib
import re
import signal
import smtplib
import ssl
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from pennypost import BIN, wait_for  # noqa: E402

DEMO = [str(BIN / "mailctl"), "demo"]


def test_once():
    begin = time.monotonic()
    got = subprocess.run(DEMO + ["--once"], capture_output=True, text=True, timeout=120)
    assert got.returncode == 0, got.stdout + got.stderr
    out = got.stdout
    assert time.monotonic() - begin < 60
    # what happened, in this order
    at = [re.search(pattern, out, re.M).start() for pattern in (
        r"^Bob's server is mx\.bob\.test on 127\.0\.0\.2$",
        r"^Alice's server is mx\.alice\.test on 127\.0\.0\.3$",
        r"^Bob submitted his message over STARTTLS: 250 2\.0\.0 .*queued as \S+$",
        r"^Bob's server relayed it to mx\.alice\.test$",
        r"^Alice has it: all \d+ octets as Bob wrote them, after 6 trace fields$",
        r"^Carol has it: all \d+ octets as Bob wrote them, after 6 trace fields$",
        r"^The journey, at Bob's server:$",
        r"smtpd +received .*\n.*ESMTPSA, TLSv1\.3",
        r"smtpd +queued +alice@alice\.test",
        r"maild +relayed +alice@alice\.test +mx\.alice\.test \[127\.0\.0\.3\] +250",
        r"the rest, at Alice's server:$",
        r"smtpd +received .*mx\.bob\.test \[127\.0\.0\.2\]",
        r"smtpd +judged *\n +iprev=pass spf=pass dkim=pass arc=none dmarc=pass .*-> accepted",
        r"smtpd +delivered +alice@alice\.test",
        r"popd +fetched +alice@alice\.test")]
    assert at == sorted(at), out
    assert "REVEALED" not in out and "does not have" not in out
    # the halves are joined by the remote's reply
    relayed = re.search(r"250 2\.0\.0 Ok: queued as (\S+)\n.*carol", out)[1]
    assert f"queued as {relayed}\"; the rest" in out
    assert re.search(rf"^Message {relayed}$", out, re.M)


def test_nothing_is_left(tmp_path):
    """No file, no process."""
    got = subprocess.run(DEMO + ["--once"], capture_output=True, text=True, timeout=120,
                         env={"TMPDIR": str(tmp_path), "PATH": "/usr/bin:/bin"})
    assert got.returncode == 0, got.stdout + got.stderr
    assert list(tmp_path.iterdir()) == []


def test_stays_for_a_user_agent():
    """Without --once: the settings it prints are good, Ctrl-C ends it."""
    with subprocess.Popen(DEMO, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as demo:
        try:
            out = ""
            while "Ctrl-C" not in out:
                line = demo.stdout.readline()
                assert line, out
                out += line
            account, password, host, imaps, pop3s, submission = re.search(
                r"^ +Alice +(\S+@alice\.test) +(\S+) +(\S+) +(\d+) +(\d+) +(\d+)", out, re.M).groups()
            ca = re.search(r"trust for Alice's server: (.*)", out)[1]
            conf = re.search(r"mailctl for Bob's server: mailctl -c (\S+)", out)[1]
            tls = ssl.create_default_context(cafile=ca)
            with smtplib.SMTP(host, int(submission), timeout=60) as client:
                client.starttls(context=tls)
                client.login(account, password)
                client.sendmail(account, ["bob@bob.test"], "From: alice@alice.test\r\nSubject: answer\r\n\r\nhello Bob\r\n")

            def arrived():
                found = subprocess.run([DEMO[0], "-c", conf, "journey", "bob@bob.test"],
                                       capture_output=True, text=True, timeout=60).stdout
                return re.search(r"delivered +bob@bob\.test", found)
            wait_for(arrived, what="Alice's answer at Bob's")
            assert int(pop3s) > 0 and int(imaps) > 0
        finally:
            demo.send_signal(signal.SIGINT)
            assert demo.wait(60) == 0
    assert not pathlib.Path(ca).exists()
