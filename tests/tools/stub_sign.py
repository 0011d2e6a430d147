# SPDX-License-Identifier: MIT
"""DNSSEC for stub_dns.py: each signed zone has one key (ECDSA P-256), made when
it is first needed, and its answers are signed when they are given.  That a name
or a type is not there is proved by NSEC records that deny hardly more than what
was asked for (RFC 4470)."""
import dns.dnssec
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from cryptography.hazmat.primitives.asymmetric import ec

IN = dns.rdataclass.IN
DS, DNSKEY, NS, NSEC, RRSIG, SOA = (dns.rdatatype.from_text(t) for t in "DS DNSKEY NS NSEC RRSIG SOA".split())
LIFE_S = 24 * 3600
AGO_S = 3600  # clocks differ
SOA_TEXT = "ns.invalid. hostmaster.invalid. 1 60 60 60 1"


def rrset_of(name, ttl, rdtype, text):
    rdata = dns.rdata.from_text(IN, rdtype, text, relativize=False)
    return dns.rrset.from_rdata(name, ttl, rdata)


class Key:
    """Of one zone."""

    def __init__(self, zone):
        self.zone = zone
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.dnskey = dns.dnssec.make_dnskey(self.private.public_key(), "ECDSAP256SHA256", flags=257)
        self.ds = dns.dnssec.make_ds(zone, self.dnskey, "SHA256")

    def sign(self, rrset, now):
        rrsig = dns.dnssec.sign(rrset, self.private, self.zone, self.dnskey,
                                inception=now - AGO_S, expiration=now + LIFE_S)
        return dns.rrset.from_rdata(rrset.name, rrset.ttl, rrsig)


def just_before(label):
    """A label that hardly anything sorts between and this one."""
    return label[:-1] + bytes([label[-1] - 1]) + b"~" if label[-1] else label[:-1]


class Zones:
    """Which names are in which zone, signed (with a key) or not (None)."""

    def __init__(self, keys, signed, unsigned):
        self.zones = {zone: None for zone in unsigned}
        for zone in signed:
            self.zones[zone] = keys.setdefault(zone, None) or Key(zone)
            keys[zone] = self.zones[zone]

    def above(self, name):
        """The innermost zone this name is in, but is not the top of; or None."""
        while name != dns.name.root:
            name = name.parent()
            if name in self.zones:
                return name
        return None

    def zone(self, name, rdtype=None):
        """DS is the parent's (RFC 4035 s2.4)."""
        if name in self.zones and not (rdtype == DS and self.above(name)):
            return name
        return self.above(name)

    def key(self, name, rdtype=None):
        """Of the zone, if it is signed."""
        return self.zones.get(self.zone(name, rdtype))

    def anchors(self):
        """Of the zones that nobody vouches for, as lines of a master file."""
        return [f"{zone} IN DS {key.ds}" for zone, key in sorted(self.zones.items())
                if key and not (self.above(zone) and self.zones[self.above(zone)])]

    def records(self):
        """What is in zones because they are signed: (name, rdata)."""
        for zone, key in self.zones.items():
            yield zone, dns.rdata.from_text(IN, SOA, SOA_TEXT, relativize=False)
            yield zone, dns.rdata.from_text(IN, NS, "ns.invalid.", relativize=False)
            if key:
                yield zone, key.dnskey
                if self.above(zone):
                    yield zone, key.ds

    def types(self, data, name, rdtype):
        """Of this name, as the zone that is asked knows it."""
        types = {t for n, t in data.records if n == name}
        if self.zone(name, rdtype) != name and name in self.zones:
            types &= {NS, DS}  # the parent's side of a delegation
        elif name in self.zones:
            types -= {DS}
        return (types | {NSEC, RRSIG}) - {rdtype}

    def nothing(self, data, name, rdtype, exists):
        """SOA and NSEC that prove it; the name's zone is signed."""
        zone = self.zone(name, rdtype)
        yield rrset_of(zone, 1, SOA, SOA_TEXT)
        if exists:
            types = " ".join(dns.rdatatype.to_text(t) for t in sorted(self.types(data, name, rdtype)))
            yield rrset_of(name, 1, NSEC, f"{dns.name.Name((bytes(1),) + name.labels)} {types}")
            return
        above, label = name.parent(), name.labels[0]
        while above not in data.names and above != zone:
            above, label = above.parent(), above.labels[0]
        for denied in (label, b"*"):  # RFC 4035 s3.1.3.2
            before, after = (dns.name.Name((each,) + above.labels)
                             for each in (just_before(denied), denied + b"\0"))
            yield rrset_of(before, 1, NSEC, f"{after} NSEC RRSIG")

    def sign(self, response, zone, now):
        """What is in signed zones; authority is of this zone, which may be the
        parent of the one that has the name."""
        for section, key_of in ((response.answer, lambda r: self.key(r.name, r.rdtype)),
                                (response.authority, lambda r: self.zones.get(zone))):
            for rrset in list(section):
                key = key_of(rrset)
                if key and rrset.rdtype != RRSIG:
                    section.append(key.sign(rrset, now))


def spoil(response):
    """Signatures that are no good."""
    for section in (response.answer, response.authority):
        for i, rrset in enumerate(section):
            if rrset.rdtype == RRSIG:
                good = rrset[0].signature
                bad = rrset[0].replace(signature=good[:-1] + bytes([good[-1] ^ 1]))
                section[i] = dns.rrset.from_rdata(rrset.name, rrset.ttl, bad)


def strip(response):
    """No signatures where there should be some."""
    for section in (response.answer, response.authority):
        section[:] = [rrset for rrset in section if rrset.rdtype != RRSIG]
