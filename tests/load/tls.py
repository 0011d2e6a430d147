# SPDX-License-Identifier: MIT
"""What testssl.sh says of every door (A064): nothing but OK and INFO, except of
the certificate, which here is one that a test has made.

Debian's package is looked for, and used as it is; without it this part says so
and is skipped.
"""
import collections
import json
import pathlib
import shutil
import subprocess
import tempfile

from measure import say
from pennypost import Server

DOORS = [("smtp", "smtp"), ("submission", "smtp"), ("submissions", None), ("pop3", "pop3"), ("pop3s", None),
         ("imap", "imap"), ("imaps", None)]
FINE = {"OK", "INFO", "DEBUG"}
# Of the certificate and who made it, which is the administrator's: ours is signed
# by a CA that lives as long as this test.
CERTIFICATE = {"cert_chain_of_trust", "cert_trust", "cert_revocation", "cert_crlDistributionPoints", "cert_ocspURL",
               "OCSP_stapling", "DNS_CAArecord", "certificate_transparency", "cert_validityPeriod", "cert_notAfter",
               "cert_expirationStatus", "cert_extlifeSpan", "cert_subjectAltName", "cert_caIssuers",
               "cert_mustStapleExtension", "cert_commonName_wo_SNI", "cert_signatureAlgorithm"}

TOOL = {"engine_problem"}  # what testssl.sh says of the openssl it runs


def tool():
    return shutil.which("testssl") or shutil.which("testssl.sh")


def examine(server, door, protocol, quick):
    with tempfile.TemporaryDirectory() as dir:
        file = pathlib.Path(dir) / "found.json"
        command = [tool(), "--nodns", "none", "--warnings", "off", "--color", "0", "--quiet", "--add-ca", server.ca,
                   "--jsonfile", str(file), *(["-p", "-s", "-f"] if quick else ["-p", "-s", "-f", "-P", "-S", "-U"]),
                   *(["-t", protocol] if protocol else []), f"{server.host}:{server.ports[door]}"]
        got = subprocess.run(command, capture_output=True, text=True, timeout=1800, stdin=subprocess.DEVNULL)
        if not file.exists():
            return None, got.stdout + got.stderr
        text = file.read_text()
        return json.loads(text if text.rstrip().endswith("]") else text + "]"), got.stdout


def run(args):
    if not tool():
        say("tls: skipped, testssl.sh is not installed (apt-get install testssl.sh)")
        return {"skipped": "testssl.sh is not installed (apt-get install testssl.sh)", "good": True}
    report = {"doors": {}, "complaints": [], "certificate": []}
    with Server(users={"bob@d.test": "pw-bob-Xyz123"}) as server:
        for door, protocol in DOORS:
            for _ in range(2):  # what it could not look at, it may the next time
                found, said = examine(server, door, protocol, args.quick)
                found = [f for f in found or [] if f["id"] not in TOOL]
                if found and not any(f["severity"] == "WARN" for f in found):
                    break
            if not found or len(found) < 20:
                report["complaints"].append(f"{door}: testssl.sh saw nothing: {said[-500:]}")
                continue
            report["doors"][door] = dict(collections.Counter(f["severity"] for f in found))
            for f in found:
                if f["severity"] in FINE:
                    continue
                said = f"{door}: {f['severity']} {f['id']}: {f['finding']}"
                # "cert_trust <cert#1>", where there is more than one
                which = "certificate" if f["id"].split(" ")[0] in CERTIFICATE else "complaints"
                report[which].append(said)
            say(f"{door}: {report['doors'][door]}")
    report["good"] = not report["complaints"]
    return report


def show(report):
    if "skipped" in report:
        print(f"\ntls: skipped: {report['skipped']}")
        return
    print("\ntls: findings of testssl.sh by severity")
    for door, counts in report["doors"].items():
        print(f"  {door:<12} " + ", ".join(f"{n} {severity}" for severity, n in sorted(counts.items())))
    print("  of the certificate, which is a test's: "
          + ", ".join(sorted({c.split(": ")[1].split(" ", 1)[1] for c in report["certificate"]})))
