# SPDX-License-Identifier: MIT
"""Certificates of a test's own making: of a CA, signed by one, out of date, of
another name."""
import datetime
import hashlib
import itertools
import pathlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


class Paper:
    """A certificate and its key: of a CA, signed by one, or by itself."""
    numbers = itertools.count()

    def __init__(self, dir, *hosts, issuer=None, ca=False, days=(-9, 9)):
        self.issuer, n = issuer or self, next(self.numbers)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"paper {n}")])
        now = datetime.datetime.utcnow()
        draft = (x509.CertificateBuilder().subject_name(self.name).issuer_name(self.issuer.name)
                 .public_key(self.key.public_key()).serial_number(x509.random_serial_number())
                 .not_valid_before(now + days[0] * DAY).not_valid_after(now + days[1] * DAY)
                 .add_extension(x509.BasicConstraints(ca, None), critical=True))
        if hosts:
            draft = draft.add_extension(x509.SubjectAlternativeName([x509.DNSName(h) for h in hosts]), False)
        self.certificate = draft.sign(self.issuer.key, hashes.SHA256())
        self.until = self.certificate.not_valid_after.date().isoformat()
        chain = [self] if self.issuer is self else [self, self.issuer]
        self.files = str(dir / f"{n}.pem"), str(dir / f"{n}.key")
        pathlib.Path(self.files[0]).write_bytes(
            b"".join(p.certificate.public_bytes(serialization.Encoding.PEM) for p in chain))
        pathlib.Path(self.files[1]).write_bytes(self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))

    def tlsa(self, usage, selector, matching):
        der = serialization.Encoding.DER
        data = (self.certificate.public_bytes(der) if selector == 0 else
                self.key.public_key().public_bytes(der, serialization.PublicFormat.SubjectPublicKeyInfo))
        if matching:
            data = {1: hashlib.sha256, 2: hashlib.sha512}[matching](data).digest()
        return f"{usage} {selector} {matching} {data.hex()}"
