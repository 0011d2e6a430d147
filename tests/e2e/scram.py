# SPDX-License-Identifier: MIT
"""A SCRAM-SHA-256 client over SMTP (RFC 5802, 7677, 9266, 4954) that can be
made to lie in every message, and keeps its own count of what is right."""
import base64
import hashlib
import hmac
import os
import pathlib
import smtplib
import tempfile


def b64(octets):
    return base64.b64encode(octets).decode()


def mac(key, text):
    return hmac.new(key, text, "sha256").digest()


def salted(password, salt, iterations):
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)


def expand_label(secret, label, context, length, digest):
    """HKDF-Expand-Label (RFC 8446 s7.1); all we ask for fits one block."""
    label = b"tls13 " + label
    info = length.to_bytes(2, "big") + bytes([len(label)]) + label + bytes([len(context)]) + context
    return hmac.new(secret, info + b"\x01", digest).digest()[:length]


def tls_exporter(sock, keylog):
    """RFC 9266 by RFC 8446 s7.5, from the secret that the TLS library logs:
    Python's has no function for it."""
    digest = {"SHA256": "sha256", "SHA384": "sha384"}[sock.cipher()[0].rpartition("_")[2]]
    lines = [line.split() for line in pathlib.Path(keylog).read_text().splitlines()]
    secret, = [bytes.fromhex(line[2]) for line in lines if line and line[0] == "EXPORTER_SECRET"]
    size = hashlib.new(digest).digest_size
    derived = expand_label(secret, b"EXPORTER-Channel-Binding",
                           hashlib.new(digest).digest(), size, digest)
    return expand_label(derived, b"exporter", hashlib.new(digest).digest(), 32, digest)


class Client:
    """One connection for submission, under TLS, after EHLO."""

    def __init__(self, server, implicit=False, version=None):
        context = server.tls()
        if version is not None:
            context.maximum_version = version
        handle, self.keylog = tempfile.mkstemp(prefix="pp-keys-")
        os.close(handle)
        context.keylog_filename = self.keylog
        port = server.ports["submissions" if implicit else "submission"]
        if implicit:
            self.smtp = smtplib.SMTP_SSL(server.host, port, context=context,
                                         local_hostname="c.test", timeout=60)
        else:
            self.smtp = smtplib.SMTP(server.host, port, local_hostname="c.test", timeout=60)
            self.smtp.starttls(context=context)
        self.smtp.ehlo()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.smtp.close()
        os.unlink(self.keylog)

    def mechanisms(self):
        return self.smtp.esmtp_features.get("auth", "").split()

    def exporter(self):
        return tls_exporter(self.smtp.sock, self.keylog)

    def say(self, line):
        """A line; (code, what is behind it, decoded if it is a challenge)."""
        code, text = self.smtp.docmd(line)
        return code, base64.b64decode(text) if code == 334 else text

    def first(self, message, mechanism="SCRAM-SHA-256", at_once=True):
        """The server's answer to a first message."""
        if at_once:
            return self.say(f"AUTH {mechanism} {b64(message)}")
        code, text = self.say(f"AUTH {mechanism}")
        assert (code, text) == (334, b""), (code, text)
        return self.say(b64(message))

    def login(self, user, password, mechanism="SCRAM-SHA-256", gs2=None, binding=None,
              at_once=True, last=lambda message: message, between=lambda: None):
        """The code of the whole exchange.  The server's own proof is checked.
        last: may change our last message; between: done before it is sent."""
        plus = mechanism.endswith("-PLUS")
        gs2 = gs2 if gs2 is not None else b"p=tls-exporter,," if plus else b"n,,"
        if plus and binding is None:
            binding = self.exporter()
        bare = b"n=" + user.replace("=", "=3D").replace(",", "=2C").encode() + b",r=" + b64(os.urandom(18)).encode()
        code, challenge = self.first(gs2 + bare, mechanism, at_once)
        if code != 334:
            return code
        nonce, salt, count = challenge.split(b",")
        assert nonce.startswith(bare[bare.index(b",r=") + 1:]) and len(nonce) > len(bare) - bare.index(b",r=") + 16
        assert salt[:2] == b"s=" and count[:2] == b"i=" and int(count[2:]) >= 4096
        key = salted(password, base64.b64decode(salt[2:]), int(count[2:]))
        start = b"c=" + b64(gs2 + (binding or b"")).encode() + b"," + nonce
        every = bare + b"," + challenge + b"," + start
        client = mac(key, b"Client Key")
        proof = bytes(a ^ b for a, b in zip(client, mac(hashlib.sha256(client).digest(), every)))
        between()
        code, text = self.say(b64(last(start + b",p=" + b64(proof).encode())))
        if code != 334:
            return code
        assert text == b"v=" + b64(mac(mac(key, b"Server Key"), every)).encode(), "not our server"
        return self.say("")[0]

    def send(self, sender, recipient):
        self.smtp.ehlo()
        return self.smtp.sendmail(sender, [recipient],
                                  f"From: {sender}\r\nTo: {recipient}\r\nSubject: s\r\n\r\nx\r\n")
