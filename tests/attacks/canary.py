# SPDX-License-Identifier: MIT
"""An ordinary client beside the attack: NOOP to SMTP, POP3 and IMAP all the time.
Asked by a line on standard input, it tells the longest wait since last asked."""
import imaplib
import json
import poplib
import smtplib
import ssl
import sys
import threading
import time

PAUSE_S = 0.1
PER_SESSION = 80  # fewer than a session without mail may say


def main():
    host, ports, ca, user, password = sys.argv[1:]
    ports = json.loads(ports)
    context = ssl.create_default_context(cafile=ca)
    context.check_hostname = False
    worst = [0.0]

    def smtp_session():
        client = smtplib.SMTP(host, ports["smtp"], local_hostname="canary.test", timeout=60)
        return client.noop, client.close

    def pop3_session():
        client = poplib.POP3_SSL(host, ports["pop3s"], context=context, timeout=60)
        client.user(user)
        client.pass_(password)
        return client.noop, client.close

    def imap_session():
        client = imaplib.IMAP4_SSL(host, ports["imaps"], ssl_context=context, timeout=60)
        client.login(user, password)
        client.select("INBOX")
        return client.noop, client.shutdown

    def run(session, ready):
        while True:
            try:
                noop, close = session()
                ready.set()
                for _ in range(PER_SESSION):
                    start = time.monotonic()
                    noop()
                    worst[0] = max(worst[0], time.monotonic() - start)
                    time.sleep(PAUSE_S)
                close()
            except (OSError, EOFError, smtplib.SMTPException, poplib.error_proto,
                    imaplib.IMAP4.error):
                ready.set()
                time.sleep(PAUSE_S)  # restarted, or the old maildrop is locked still

    for session in (smtp_session, pop3_session, imap_session):
        ready = threading.Event()
        threading.Thread(target=run, args=[session, ready], daemon=True).start()
        ready.wait(60)
    print("ready", flush=True)
    for _ in sys.stdin:
        told, worst[0] = worst[0], 0.0
        print(told, flush=True)


main()
