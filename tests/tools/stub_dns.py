#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A small DNS server for tests: all it knows comes from files, over UDP and TCP.

    stub_dns.py [--listen 127.0.0.1:0] [--log FILE] [--anchor FILE] [--until-eof] FILE...

FILE is a master file (*.zone: absolute names, or with $ORIGIN) or JSON:

    {"ttl": 60,
     "records": [["d.test", "MX", "10 mx.d.test."],
                 ["mx.d.test", "A", "127.0.0.3"],
                 ["bad.test", "MX", "hex:000a"]],
     "behaviours": {"down.test": "servfail",
                    "silent.test": "drop",
                    "TXT odd.test": {"delay": 2.5}},
     "signed": ["test", "d.test"],
     "unsigned": ["plain.test"]}

A key of `behaviours' is a name, or a type and a name.  What can be told:
    servfail, refused, formerr, nxdomain, nodata   that answer
    drop           no answer at all
    truncated      over UDP only the TC bit; over TCP the records
    garbage        bytes that are no DNS message
    short          the answer without its last byte
    wrong_id, wrong_question, wrong_port
                   a forged answer (to be ignored), and no right one
    bogus, stripped
                   the right answer, its signatures wrong or left out
    {"delay": S}   the right answer after S seconds

Answers follow CNAMEs; `*.name' is a wildcard; a name without records below
it does not exist.  `hex:' gives rdata as it is, however wrong.

Of `signed' zones everything is signed for those who ask for it (DNSSEC), each
with a key of its own that is made at the start; `unsigned' ones below them are
proved to be so.  --anchor writes the DS records of those zones that have no
signed zone above them, which is what a resolver needs to be told.

Once it listens, it writes one line of JSON to standard output:
    {"ready": true, "address": "127.0.0.1", "port": 40123}
SIGHUP reads the files again; SIGTERM and SIGINT end it, and with --until-eof
the end of standard input does.  --log writes a line `udp A d.test' for each
question.
"""
import argparse
import asyncio
import json
import os
import signal
import socket
import sys
import time

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.zone

IN = dns.rdataclass.IN
CNAME = dns.rdatatype.CNAME
CHAIN_MAX = 8
RCODES = {
    "servfail": dns.rcode.SERVFAIL,
    "refused": dns.rcode.REFUSED,
    "formerr": dns.rcode.FORMERR,
    "nxdomain": dns.rcode.NXDOMAIN,
    "nodata": dns.rcode.NOERROR,
}
OTHERS = {"drop", "truncated", "garbage", "short", "wrong_id", "wrong_question", "wrong_port",
          "bogus", "stripped"}


def absolute(text):
    return dns.name.from_text(text.lower())


class Data:
    """What the files say."""

    def __init__(self, files, keys):
        self.keys = keys  # of signed zones: {name: key}, kept when files are read again
        self.zones = None
        self.records = {}  # (name, type): rrset
        self.names = {dns.name.root}
        self.behaviours = {}  # (name, type or None): what
        for file in files:
            if file.endswith(".zone"):
                self.read_zone(file)
            else:
                self.read_json(file)

    def sign(self, signed, unsigned):
        sys.dont_write_bytecode = True  # a test leaves nothing in the tree
        import stub_sign  # not everybody has what it needs

        self.zones = stub_sign.Zones(self.keys, *([absolute(n) for n in names] for names in (signed, unsigned)))
        for name, rdata in self.zones.records():
            self.add(name, 60, rdata)

    def add(self, name, ttl, rdata):
        key = (name, rdata.rdtype)
        if key not in self.records:
            self.records[key] = dns.rrset.RRset(name, IN, rdata.rdtype)
        self.records[key].add(rdata, ttl)
        while name != dns.name.root:
            self.names.add(name)
            name = name.parent()

    def read_zone(self, file):
        zone = dns.zone.from_file(file, relativize=False, check_origin=False, origin=dns.name.root)
        for name, ttl, rdata in zone.iterate_rdatas():
            self.add(name, ttl, rdata)

    def read_json(self, file):
        with open(file, encoding="utf-8") as f:
            text = json.load(f)
        unknown = set(text) - {"ttl", "records", "behaviours", "signed", "unsigned"}
        if unknown:
            raise ValueError(f"{file}: unknown {sorted(unknown)}")
        for name, kind, value in text.get("records", []):
            rdtype = dns.rdatatype.from_text(kind)
            if value.startswith("hex:"):
                rdata = dns.rdata.GenericRdata(IN, rdtype, bytes.fromhex(value[4:]))
            else:
                rdata = dns.rdata.from_text(IN, rdtype, value, relativize=False)
            self.add(absolute(name), text.get("ttl", 60), rdata)
        if text.get("signed"):
            self.sign(text["signed"], text.get("unsigned", []))
        for key, what in text.get("behaviours", {}).items():
            kind, _, name = key.rpartition(" ")
            if isinstance(what, dict):
                float(what["delay"])
            elif what not in RCODES and what not in OTHERS:
                raise ValueError(f"{file}: {key}: unknown behaviour {what!r}")
            rdtype = dns.rdatatype.from_text(kind) if kind else None
            self.behaviours[absolute(name), rdtype] = what

    def behaviour(self, name, rdtype):
        return self.behaviours.get((name, rdtype)) or self.behaviours.get((name, None))

    def find(self, name, rdtype):
        """The rrset or None, and whether the name exists."""
        if name in self.names:
            return self.records.get((name, rdtype)), True
        above = name
        while above != dns.name.root:
            above = above.parent()
            star = dns.name.Name((b"*",) + above.labels)
            if star in self.names:
                found = self.records.get((star, rdtype))
                if found is not None:
                    rrset = dns.rrset.RRset(name, IN, rdtype)
                    rrset.update(found)
                    found = rrset
                return found, True
            if above in self.names:
                break
        return None, False


def answer_of(data, query, rcode=None):
    """The right answer, or the one with this rcode."""
    response = dns.message.make_response(query, recursion_available=True)
    response.flags |= dns.flags.AA
    question = query.question[0]
    name = question.name.canonicalize()
    if rcode is not None:
        response.set_rcode(rcode)
    for _ in range(CHAIN_MAX if rcode is None else 0):
        found, exists = data.find(name, question.rdtype)
        alias = data.find(name, CNAME)[0] if question.rdtype != CNAME else None
        if found is not None:
            response.answer.append(found)
        elif alias is not None:
            response.answer.append(alias)
            name = alias[0].target.canonicalize()
            continue
        elif not exists:
            response.set_rcode(dns.rcode.NXDOMAIN)
        break
    if response.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return response
    if data.zones and query.ednsflags & dns.flags.DO:
        add_proofs(data, response, name, question.rdtype)
    if not response.answer and not response.authority:
        soa = "stub.invalid. hostmaster.stub.invalid. 1 60 60 60 1"
        response.authority.append(dns.rrset.from_text(dns.name.root, 1, IN, "SOA", soa))
    return response


def add_proofs(data, response, name, rdtype):
    """name: where CNAMEs led."""
    if not any(r.name == name and r.rdtype == rdtype for r in response.answer) and data.zones.key(name, rdtype):
        exists = response.rcode() == dns.rcode.NOERROR
        response.authority += data.zones.nothing(data, name, rdtype, exists)
    data.zones.sign(response, data.zones.zone(name, rdtype), int(time.time()))


def pack(response, query, udp):
    """Bytes, with TC alone if it does not fit a datagram of the size allowed."""
    room = max(512, min(query.payload or 512, 4096)) if udp else 65535
    try:
        return response.to_wire(max_size=room)
    except dns.exception.TooBig:
        response.answer.clear()
        response.authority.clear()
        response.flags |= dns.flags.TC
        return response.to_wire()


def respond(data, query, udp):
    """(delay in seconds, bytes or None, from another port?)"""
    question = query.question[0]
    what = data.behaviour(question.name.canonicalize(), question.rdtype)
    if isinstance(what, dict):
        return float(what["delay"]), pack(answer_of(data, query), query, udp), False
    if what == "drop":
        return 0, None, False
    if what == "garbage":
        return 0, b"this is not DNS", False
    response = answer_of(data, query, RCODES.get(what))
    if what == "wrong_id":
        response.id ^= 0x5555
    elif what == "wrong_question":
        other = dns.name.from_text("wrong.invalid.")
        response.question = [dns.rrset.RRset(other, IN, question.rdtype)]
    elif what in ("bogus", "stripped") and data.zones:
        import stub_sign

        (stub_sign.spoil if what == "bogus" else stub_sign.strip)(response)
    elif what == "truncated" and udp:
        response.answer.clear()
        response.flags |= dns.flags.TC
    packet = pack(response, query, udp)
    return 0, packet[:-1] if what == "short" else packet, what == "wrong_port"


class Server(asyncio.DatagramProtocol):
    def __init__(self, args):
        self.args = args
        self.log = open(args.log, "a", buffering=1, encoding="utf-8") if args.log else None
        self.udp = None
        self.keys = {}
        self.read_files()

    def read_files(self):
        self.data = Data(self.args.files, self.keys)
        if self.args.anchor and self.data.zones:
            with open(self.args.anchor + ".new", "w", encoding="utf-8") as f:
                print(*self.data.zones.anchors(), sep="\n", file=f)
            os.replace(self.args.anchor + ".new", self.args.anchor)

    def connection_made(self, transport):
        self.udp = transport

    def parse(self, packet, proto):
        try:
            query = dns.message.from_wire(packet)
        except dns.exception.DNSException:
            return None
        if query.flags & dns.flags.QR or len(query.question) != 1:
            return None
        if self.log:
            q = query.question[0]
            kind = dns.rdatatype.to_text(q.rdtype)
            print(proto, kind, q.name.canonicalize().to_text(True), file=self.log)
        return query

    def datagram_received(self, packet, peer):
        query = self.parse(packet, "udp")
        if query is None:
            return
        delay, reply, stranger = respond(self.data, query, True)
        if reply is None:
            return
        if stranger:
            with socket.socket(self.udp.get_extra_info("socket").family, socket.SOCK_DGRAM) as s:
                s.sendto(reply, peer)
        elif delay > 0:
            asyncio.get_running_loop().call_later(delay, self.udp.sendto, reply, peer)
        else:
            self.udp.sendto(reply, peer)

    async def serve_tcp(self, reader, writer):
        try:
            while True:
                size = int.from_bytes(await reader.readexactly(2), "big")
                query = self.parse(await reader.readexactly(size), "tcp")
                if query is None:
                    break
                delay, reply, _ = respond(self.data, query, False)
                if reply is None:
                    continue
                await asyncio.sleep(delay)
                writer.write(len(reply).to_bytes(2, "big") + reply)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def bind(host, port):
    """UDP and TCP sockets on the same port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for attempt in range(50):
        tcp = socket.socket(family, socket.SOCK_STREAM)
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        udp = socket.socket(family, socket.SOCK_DGRAM)
        try:
            tcp.bind((host, port))
            udp.bind(tcp.getsockname())
            return udp, tcp
        except OSError:
            tcp.close()
            udp.close()
            if port != 0 or attempt == 49:
                raise
    raise AssertionError


async def serve(args):
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    server = Server(args)

    def finish():
        if not done.done():
            done.set_result(None)

    host, _, port = args.listen.rpartition(":")
    host = host.strip("[]")
    udp, tcp = bind(host, int(port))
    await loop.create_datagram_endpoint(lambda: server, sock=udp)
    listener = await asyncio.start_server(server.serve_tcp, sock=tcp)
    for signo in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signo, finish)
    loop.add_signal_handler(signal.SIGHUP, server.read_files)
    if args.until_eof:

        def look():
            if not sys.stdin.buffer.raw.read(4096):
                finish()

        loop.add_reader(sys.stdin.fileno(), look)
    ready = {"ready": True, "address": host, "port": udp.getsockname()[1]}
    print(json.dumps(ready), flush=True)
    await done
    listener.close()
    server.udp.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listen", default="127.0.0.1:0", metavar="ADDRESS:PORT")
    parser.add_argument("--log", metavar="FILE")
    parser.add_argument("--anchor", metavar="FILE")
    parser.add_argument("--until-eof", action="store_true")
    parser.add_argument("files", nargs="*", metavar="FILE")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
