# SPDX-License-Identifier: MIT
"""What goes on beside the sessions: mail comes by SMTP, a POP3 client deletes,
mailboxes are created, renamed and deleted."""
import asyncio

from stress_session import Mode, Session
from stress_wire import ANSWER_S, Connection, Violation


class Lines:
    """SMTP or POP3 over TCP."""

    def __init__(self, world, port):
        self.world, self.port = world, port

    async def __aenter__(self):
        self.reader, self.writer = await asyncio.open_connection(
            self.world.server.host, self.world.server.ports[self.port], limit=1 << 21)
        await self.line()
        return self

    async def __aexit__(self, *_):
        self.writer.transport.abort()

    async def line(self):
        line = await asyncio.wait_for(self.reader.readline(), ANSWER_S)
        if not line.endswith(b"\r\n"):
            raise Violation(f"{self.port}: the connection broke: {line!r}")
        return line[:-2]

    async def say(self, text):
        """The last line of the answer."""
        self.writer.write(text + b"\r\n")
        while (line := await self.line())[3:4] == b"-" and self.port == "smtp":
            pass
        return line

    async def octets(self):
        """Until the dot."""
        lines = []
        while (line := await self.line()) != b".":
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(line + b"\r\n" for line in lines)


def dotted(octets):
    return octets.replace(b"\r\n.", b"\r\n..") + b".\r\n"[:-2]


async def deliver(world, r, stop):
    """Mail from outside for INBOX."""
    async with Lines(world, "smtp") as smtp:
        await smtp.say(b"EHLO c.test")
        while not stop.is_set():
            if world.rest():
                n = world.ledger.texts.new()
                world.ledger.delivering.add(n)
                for line in (b"MAIL FROM:<x@far.test>", b"RCPT TO:<%s>" % world.user.encode(), b"DATA"):
                    answer = await smtp.say(line)
                    if answer[:1] not in b"23":
                        raise Violation(f"SMTP: {answer!r} to {line!r}")
                answer = await smtp.say(dotted(world.ledger.texts.octets(n)))
                if not answer.startswith(b"250"):
                    raise Violation(f"SMTP: {answer!r}")
                world.ledger.delivered.add(n)
                world.commands["delivered by SMTP"] += 1
            await asyncio.sleep(r.uniform(.02, .3))


async def pop(world, r, stop):
    """Fetches some of INBOX and deletes some."""
    inbox = world.boxes[0]
    while not stop.is_set():
        async with Lines(world, "pop3") as pop3:
            listed = await pop3_login(world, pop3)
            for number in r.sample(sorted(listed), min(4, len(listed))):
                answer = await pop3.say(b"RETR %d" % number)
                if answer.startswith(b"+OK"):
                    n = world.ledger.texts.number(await pop3.octets())
                    for uid in [u for u, first in inbox.origin.items() if first == listed[number]]:
                        inbox.identify(uid, n)
                    world.commands["RETR"] += 1
                if r.random() < .4:
                    inbox.popped.add(listed[number])
                    await pop3.say(b"DELE %d" % number)
                    world.commands["DELE"] += 1
            await pop3.say(b"QUIT")
        await asyncio.sleep(r.uniform(.1, 1))


async def pop3_login(world, pop3):
    """number -> where the message was first, as UIDL has it."""
    for line in ("USER " + world.user, "PASS " + world.server.password(world.user), "UIDL"):
        answer = await pop3.say(line.encode())
        if not answer.startswith(b"+OK"):
            raise Violation(f"POP3: {answer!r} to {line!r}")
    listed = {}
    for line in (await pop3.octets()).splitlines():
        number, unique = line.split(b" ")
        high, _, low = unique.partition(b".")
        listed[int(number)] = int(high), int(low)
    if len(set(listed.values())) != len(listed):
        raise Violation(f"POP3: a UIDL twice: {sorted(listed.values())}")
    return listed


class Aside:
    """Mailboxes that nobody else changes; and one of the shared ones gets
    another name now and then."""

    def __init__(self, world):
        self.world, self.session = world, Session(world, "aside", Mode())
        self.names, self.validities = set(), set()

    async def go(self, r, stop):
        s, world = self.session, self.world
        await s.connect()
        while not stop.is_set():
            await r.choice((self.create, self.create, self.delete, self.rename, self.rename_shared, self.watch))(r)
            a = await s.ok('LIST "" "Aside/%"')
            if (listed := {world.name_of(x.values[2]) for x in a.of("LIST")}) != self.names:
                raise Violation(f"LIST {sorted(listed)}, there should be {sorted(self.names)}")
            await asyncio.sleep(r.uniform(.05, .4))
        s.wire.close()

    async def create(self, r):
        name = r.choice(self.world.aside)
        a = await self.session.run('CREATE "%s"' % name)
        if (a.status == "OK") == (name in self.names):
            raise Violation(f"{a.last.raw!r} to CREATE {name}")
        if a.status == "OK":
            self.names.add(name)
            (answer,) = (await self.session.ok('STATUS "%s" (UIDVALIDITY)' % name)).of("STATUS")
            validity = int(answer.values[1][1])
            if validity in self.validities:
                raise Violation(f"{name} has UIDVALIDITY {validity} again")
            self.validities.add(validity)

    async def delete(self, r):
        name = r.choice(self.world.aside)
        a = await self.session.run('DELETE "%s"' % name)
        if (a.status == "OK") != (name in self.names):
            raise Violation(f"{a.last.raw!r} to DELETE {name}")
        self.names.discard(name)

    async def rename(self, r):
        old, new = r.choice(self.world.aside), r.choice(self.world.aside)
        a = await self.session.run('RENAME "%s" "%s"' % (old, new))
        if (a.status == "OK") != (old in self.names and new not in self.names):
            raise Violation(f"{a.last.raw!r} to RENAME {old} {new}")
        if a.status == "OK":
            self.names = self.names - {old} | {new}

    async def rename_shared(self, r):
        box = self.world.boxes[2]
        (other,) = box.names - {box.name}
        await self.session.ok('RENAME "%s" "%s"' % (box.name, other))
        box.name = other

    async def watch(self, r):
        """Who has it selected when it is deleted is sent away."""
        if not self.names:
            return
        name = r.choice(sorted(self.names))
        watcher = Session(self.world, "watcher", Mode())
        await watcher.connect()
        tag = watcher.wire.new_tag()
        await watcher.wire.send(('%s SELECT "%s"\r\n' % (tag, name)).encode())
        while (await watcher.wire.response()).tag != tag:
            pass
        tag = watcher.wire.new_tag()
        await watcher.wire.send(tag.encode() + b" IDLE\r\n")
        while (await watcher.wire.response()).tag != "+":
            pass
        await self.session.ok('DELETE "%s"' % name)
        self.names.discard(name)
        while (await watcher.wire.response()).name != "BYE":
            pass
        watcher.wire.close()
        self.world.commands["sent away"] += 1
