# SPDX-License-Identifier: MIT
"""A full queue, half of it for the dead: our relay beside Postfix.

    relay.py [--quick] [--json] [--rounds N] [--recipients N] [--dir D] BUILD

While what relays is stopped (SIGSTOP: maild, qmgr), the queue is filled through
submission with messages of twenty recipients, each at another destination.
Then it goes on: maild is killed first, so that its restart with the full queue
is measured as well.  The living are one smtp-sink (Postfix's), behind an MX and
an address for each domain; a third of the dead have no listener, a third accept
and say nothing, of a third DNS never answers.  The same load without the dead
tells what they cost.  What the sink got is counted: a run in which something
is missing, or came twice, says so.
"""
import argparse
import contextlib
import json
import os
import pathlib
import re
import selectors
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import imap_peers
import peers
import run as smtp

STUB = pathlib.Path(__file__).resolve().parents[1] / "tools/stub_dns.py"
DNS, LIVE, CLOSED, MUTE = "127.9.9.9", "127.0.0.2", "127.0.0.3", "127.0.0.4"
SENDERS, TOGETHER, SIZE = 20, 20, 2048
GOAL_S = 2
PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"


def children(root):
    """{name: pid} of the process's children, where a name is one's alone."""
    found = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            name, rest = stat.read_text().split("(", 1)[1].rsplit(")", 1)
            if int(rest.split()[1]) == root:
                found[name] = int(stat.parent.name)
    return found


def peak_kib(pid):
    return int(re.search(r"^VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M)[1])


# ---- the world outside

class Sink:
    """smtp-sink, and how many messages it has taken so far."""

    def __init__(self, port):
        self.messages = 0
        self.process = subprocess.Popen(
            [shutil.which("smtp-sink", path=PATH), "-c", "-m", "2000", "-u", "nobody", f"{LIVE}:{port}", "1000"],
            stdout=subprocess.PIPE)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        text = b""
        while got := os.read(self.process.stdout.fileno(), 65536):
            text = (text + got)[-4096:]
            counts = re.findall(rb"mesg=\s*(\d+)[^\d]", text)
            if counts:
                self.messages = int(counts[-1])

    def stop(self):
        self.process.kill()
        self.process.wait()


class Mute:
    """Accepts, and says nothing."""

    def __init__(self, port):
        self.listener = socket.create_server((MUTE, port), backlog=1000)
        self.first = None
        self.ended = False
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        with selectors.DefaultSelector() as selector, self.listener:
            self.listener.setblocking(False)
            selector.register(self.listener, selectors.EVENT_READ)
            while not self.ended:
                for key, _ in selector.select(0.2):
                    if key.fileobj is self.listener:
                        self.first = self.first or time.monotonic()
                        selector.register(self.listener.accept()[0], selectors.EVENT_READ)
                    else:
                        with contextlib.suppress(OSError):
                            if key.fileobj.recv(4096):
                                continue
                        selector.unregister(key.fileobj)
                        key.fileobj.close()
            for key in list(selector.get_map().values()):
                if key.fileobj is not self.listener:
                    key.fileobj.close()

    def stop(self):
        self.ended = True
        self.thread.join()


class World:
    def __init__(self, dir, destinations, dead):
        self.domains = [f"d{n}.test" for n in range(destinations)]
        self.live = self.domains[:destinations - dead]
        self.kinds = {name: (CLOSED, MUTE, None)[n % 3]
                      for n, name in enumerate(self.domains[destinations - dead:])}
        records, behaviours = [], {}
        for name in self.domains:
            address = self.kinds.get(name, LIVE)
            if address is None:
                behaviours[name] = "drop"
            else:
                records += [[name, "MX", f"10 mx.{name}."], [f"mx.{name}", "A", address]]
        self.zone = pathlib.Path(dir) / "zone.json"
        self.zone.write_text(json.dumps({"ttl": 3600, "records": records, "behaviours": behaviours}))
        # the living and the dead in turn, as they come
        self.order = [self.domains[n // 2 if n % 2 == 0 else destinations - 1 - n // 2]
                      for n in range(destinations)]

    def __enter__(self):
        self.port = peers.free_port()
        self.sink, self.mute = Sink(self.port), Mute(self.port)
        self.stub = subprocess.Popen([sys.executable, STUB, "--listen", f"{DNS}:53", self.zone],
                                     stdout=subprocess.PIPE)
        json.loads(self.stub.stdout.readline())
        peers.wait_until(self.sink_answers, 10, "smtp-sink")
        return self

    def sink_answers(self):
        with contextlib.suppress(OSError), socket.create_connection((LIVE, self.port), 5) as s:
            return s.recv(3) == b"220"

    def __exit__(self, *_):
        self.sink.stop()
        self.mute.stop()
        self.stub.terminate()
        self.stub.wait()
        self.stub.stdout.close()


# ---- the servers

class PennyPost(peers.PennyPost):
    SETTINGS = {
        "relay.local_addresses": "yes", "submission.sign": "no", "submission.messages_per_hour": "0",
        "submission.recipients_per_day": "0", "submission.new_recipients_per_day": "0",
        "limits.connections_per_address": 100000, "limits.connections_per_account": 100000,
    }

    def missing(self):
        return None

    def begin(self, dir, world):
        options = ["--dns", f"{DNS}:53", "--allow-plaintext", "--set", f"relay.port={world.port}"]
        for key, value in self.SETTINGS.items():
            options += ["--set", f"{key}={value}"]
        self.start(dir, options)
        self.port = self.ports["submission"]
        self.login = True
        self.relayer = self.pids()["maild"]

    def resume(self):
        """Killed, and started again by its supervisor: the restart counts."""
        os.kill(self.relayer, signal.SIGKILL)
        peers.wait_until(lambda: self.pids().get("maild", self.relayer) != self.relayer, 30, "maild")
        self.relayer = self.pids()["maild"]

    def root(self):
        return self.process.pid


class Postfix:
    """Debian's, with Debian's defaults: only the limits on one client are
    lifted, as for us."""
    name, domain = "Postfix", "peer.test"
    login = False

    def missing(self):
        if not shutil.which("postfix", path=PATH):
            return "not installed: postfix"
        if os.geteuid() != 0:
            return "Postfix must be started by root"
        if subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode != 0:
            return "no mount namespace of its own, for its resolv.conf"
        return None

    def version(self):
        got = subprocess.run(["postconf", "-hd", "mail_version"], capture_output=True, text=True)
        return f"Postfix {got.stdout.strip()}"

    def begin(self, dir, world):
        self.dir = pathlib.Path(dir)
        for parent in (self.dir, self.dir.parent):
            parent.chmod(0o755)  # Postfix has users of its own
        self.port = peers.free_port()
        self.etc, self.queue, data = self.dir / "etc", self.dir / "queue", self.dir / "data"
        for made in (self.etc, self.queue, data):
            made.mkdir()
        shutil.chown(data, "postfix")
        (self.dir / "resolv.conf").write_text(f"nameserver {DNS}\n")
        (self.etc / "main.cf").write_text(f"""\
compatibility_level = 3.6
queue_directory = {self.queue}
data_directory = {data}
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
multi_instance_enable = no
myhostname = mx.peer.test
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
smtp_tcp_port = {world.port}
smtpd_client_connection_count_limit = 0
smtpd_peername_lookup = no
in_flow_delay = 0
""")
        (self.etc / "master.cf").write_text(peers.master_cf(f"127.0.0.1:{self.port}"))
        # its own DNS: the C library's resolver knows no other port than 53
        self.command("unshare", "-m", "sh", "-c",
                     f"mount --bind {self.dir}/resolv.conf /etc/resolv.conf && postfix -c {self.etc} start")
        peers.wait_until(lambda: peers.answers(self.port), 20, "Postfix")
        self.master = int((self.queue / "pid/master.pid").read_text())
        peers.wait_until(lambda: "qmgr" in children(self.master), 20, "qmgr")
        self.relayer = children(self.master)["qmgr"]

    def command(self, *args):
        got = subprocess.run(args, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if got.returncode != 0:
            raise RuntimeError(f"{' '.join(args)}: {got.stdout}{got.stderr}")

    def resume(self):
        """Let go on: its master waits a minute before it replaces one that
        was killed, which would say nothing of the queue."""
        os.kill(self.relayer, signal.SIGCONT)

    def root(self):
        return self.master

    def stop(self):
        with contextlib.suppress(RuntimeError, ProcessLookupError):
            os.kill(self.relayer, signal.SIGCONT)
            self.command("postfix", "-c", str(self.etc), "stop")


# ---- filling

class Client:
    """One sender's connection, which pipelines."""

    def __init__(self, server, number):
        self.socket = socket.create_connection(("127.0.0.1", server.port), 60)
        self.file = self.socket.makefile("rb")
        self.user = f"user{number}@{server.domain}"
        self.expect(b"220")
        self.say("EHLO load.test", b"250")
        if server.login:
            import base64
            plain = base64.b64encode(f"\0{self.user}\0secret".encode()).decode()
            self.say(f"AUTH PLAIN {plain}", b"235")

    def expect(self, code):
        line = self.file.readline()
        while line[3:4] == b"-":
            line = self.file.readline()
        if not line.startswith(code):
            raise RuntimeError(f"wanted {code}, got {line}")

    def say(self, line, code):
        self.socket.sendall(line.encode() + b"\r\n")
        self.expect(code)

    def send(self, number, recipients):
        head = [f"MAIL FROM:<{self.user}>", *(f"RCPT TO:<{r}>" for r in recipients), "DATA"]
        self.socket.sendall("\r\n".join(head).encode() + b"\r\n")
        for _ in range(len(head) - 1):
            self.expect(b"250")
        self.expect(b"354")
        text = (f"From: {self.user}\r\nTo: people:;\r\nSubject: load {number}\r\n"
                f"Date: Sun, 22 Nov 2026 10:00:00 +0000\r\nMessage-ID: <{number}@load.test>\r\n\r\n")
        text += "a line of a letter that goes to many people at once, and says little\r\n" * (SIZE // 70)
        self.socket.sendall(text.encode() + b".\r\n")
        self.expect(b"250")

    def close(self):
        self.file.close()
        self.socket.close()


def fill(server, world, recipients):
    """Seconds it took to queue so many, and how many of them go to the living."""
    clients = [Client(server, n) for n in range(SENDERS)]  # maild is there to let them in
    os.kill(server.relayer, signal.SIGSTOP)
    count = recipients // TOGETHER
    living, trouble = set(world.live), []
    lists = [[f"r{m}@{world.order[(m * TOGETHER + k) % len(world.order)]}" for k in range(TOGETHER)]
             for m in range(count)]

    def work(n):
        try:
            for m in range(n, count, SENDERS):
                clients[n].send(m, lists[m])
        except Exception as e:  # said by who waits for us
            trouble.append(e)

    began = time.monotonic()
    threads = [threading.Thread(target=work, args=(n,)) for n in range(SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - began
    for client in clients:
        client.close()
    if trouble:
        raise trouble[0]
    return took, sum(r.split("@")[1] in living for some in lists for r in some)


# ---- measuring

def drain(server, world, living, limit_s):
    """Until the living have all of theirs, or the time is over."""
    before, reached = world.sink.messages, {}
    tree = imap_peers.Tree(server.root())
    first, peak_pss, sampled = None, 0, 0
    world.mute.first = None
    began = time.monotonic()
    server.resume()
    while True:
        now, got = time.monotonic(), world.sink.messages - before
        if first is None and (got > 0 or world.mute.first):
            first = min(now, world.mute.first or now) - began
        for share in (0.5, 0.9, 1):
            if got >= share * living:
                reached.setdefault(share, now - began)
        if now - sampled > 2:
            peak_pss, sampled = max(peak_pss, tree.pss_kib()), now
        if 1 in reached or now - began > limit_s:
            break
        time.sleep(0.01)
    took = time.monotonic() - began
    time.sleep(1)  # one that comes twice may come now
    got = world.sink.messages - before
    return {"first_s": first, "half_s": reached.get(0.5), "most_s": reached.get(0.9), "all_s": reached.get(1),
            "wanted": living, "got": got, "per_second": got / took,
            "relayer_peak_kib": peak_kib(server.relayer), "all_pss_kib": peak_pss}


def measure(bench, server, args, dead):
    where = bench.room()
    destinations = args.destinations if dead else args.destinations // 2
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, where, ignore_errors=True)
        world = stack.enter_context(World(where, destinations, args.destinations // 2 if dead else 0))
        server.begin(where, world)
        stack.callback(server.stop)
        share = 1 if dead else 2
        seconds, living = fill(server, world, args.recipients // share)
        result = drain(server, world, living, args.limit)
        result["fill_s"] = seconds
        result["filled"] = args.recipients // share
    return result


def median(runs, key):
    values = [run[key] for run in runs if run[key] is not None]
    return round(statistics.median(values), 3) if len(values) == len(runs) else None


def summary(name, dead, runs):
    keys = ("fill_s", "first_s", "half_s", "most_s", "all_s", "per_second", "relayer_peak_kib", "all_pss_kib")
    row = {"server": name, "dead": dead, "runs": len(runs), "filled": runs[0]["filled"],
           "wanted": runs[0]["wanted"], **{key: median(runs, key) for key in keys}}
    row["got"] = [run["got"] for run in runs]
    row["exact"] = all(run["got"] == run["wanted"] for run in runs)
    return row


def seconds(value, limit):
    return f"{value:.1f} s" if value is not None else f"> {limit} s"


def print_report(report):
    m = report["machine"]
    print(f"{m['cpus']} CPUs ({m['model']}), Linux {m['kernel']}, {m['filesystem']}; "
          f"load average before: {m['load_average_before']}")
    print(f"medians of {report['rounds']} interleaved rounds; {report['recipients']} recipients at "
          f"{report['destinations']} destinations, half of them dead; then the living half alone")
    for line in report["servers"] + [f"skipped: {s}" for s in report["skipped"]]:
        print(f"  {line}")
    for row in report["results"]:
        print(f"\n{row['server']}, {'half of them dead' if row['dead'] else 'all alive'}")
        print(f"  queued               {row['filled']} recipients in {row['fill_s']:.1f} s "
              f"({row['filled'] / row['fill_s']:.0f} a second)")
        print(f"  first attempt after  {seconds(row['first_s'], report['limit'])}")
        print(f"  the living had half  {seconds(row['half_s'], report['limit'])}, 90 % "
              f"{seconds(row['most_s'], report['limit'])}, all {seconds(row['all_s'], report['limit'])}: "
              f"{row['per_second']:.0f} a second")
        count = "each once" if row["exact"] else f"NOT THAT: {row['got']}, so some " + (
            "came twice" if max(row["got"]) > row["wanted"] else "were still waiting")
        print(f"  counted at the sink  {row['wanted']} wanted, {count}")
        print(f"  memory at most       {row['relayer_peak_kib']} KiB resident in "
              f"{'maild' if row['server'] == 'Penny Post' else 'qmgr'}, {row['all_pss_kib']} KiB (PSS) in all")
    for name, ratio in report["kept"].items():
        print(f"\n{name}: with the dead, the living are served at {ratio * 100:.0f} % of the speed without")
    restart = report["restart_s"]
    if restart is not None:
        print(f"restart of maild with the full queue: first attempt after {restart:.1f} s "
              f"({'reaches' if restart < GOAL_S else 'MISSES'} the {GOAL_S} s that are wanted)")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", help="directory of a release build")
    parser.add_argument("--relay", action="store_true", help=argparse.SUPPRESS)  # for scripts/bench
    parser.add_argument("--quick", action="store_true", help="one round, 6,000 recipients at 60 destinations")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--recipients", type=int)
    parser.add_argument("--destinations", type=int)
    parser.add_argument("--limit", type=int, help="seconds after which a run is given up")
    parser.add_argument("--only", choices=("ours", "postfix"))
    parser.add_argument("--dir", help="where the servers keep their mail (default: the temporary directory)")
    args = parser.parse_args()
    wanted = dict(rounds=1, recipients=6000, destinations=60, limit=120) if args.quick else \
        dict(rounds=3, recipients=100000, destinations=1000, limit=600)
    for name, value in wanted.items():
        if getattr(args, name) is None:
            setattr(args, name, value)
    if not shutil.which("smtp-sink", path=PATH):
        sys.exit("skipped: smtp-sink is not installed (package postfix)")
    if os.geteuid() != 0:
        sys.exit("skipped: only root may have a DNS of its own on port 53")
    ours = PennyPost(pathlib.Path(args.build) / "bin")
    them = [s for s in (ours, Postfix()) if args.only in (None, "ours" if s is ours else "postfix")]
    skipped = [f"{s.name}: {s.missing()}" for s in them if s.missing()]
    them = [s for s in them if not s.missing()]
    for line in skipped:
        smtp.say(f"skipped: {line}")
    runs = {}
    with tempfile.TemporaryDirectory(prefix="pp-bench-", dir=args.dir) as dir:
        bench = smtp.Bench(args.build, dir, 0)
        report = {"machine": smtp.machine(dir), "rounds": args.rounds, "recipients": args.recipients,
                  "destinations": args.destinations, "limit": args.limit,
                  "servers": [s.version() for s in them], "skipped": skipped}
        for number in range(args.rounds):
            for i in range(len(them)):
                server = them[(i + number) % len(them)]
                for dead in (False, True):
                    smtp.say(f"round {number + 1}/{args.rounds}: {server.name}, "
                             f"{'half dead' if dead else 'all alive'}")
                    run = measure(bench, server, args, dead)
                    smtp.say(f"  {json.dumps(run)}")
                    runs.setdefault((server.name, dead), []).append(run)
    report["results"] = [summary(name, dead, some) for (name, dead), some in runs.items()]
    rates = {(row["server"], row["dead"]): row["per_second"] for row in report["results"]}
    report["kept"] = {s.name: round(rates[s.name, True] / rates[s.name, False], 3) for s in them}
    report["restart_s"] = next((row["first_s"] for row in report["results"]
                                if row["server"] == ours.name and row["dead"]), None)
    if args.json:
        json.dump(report, sys.stdout, indent=1)
        print()
    else:
        print_report(report)


if __name__ == "__main__":
    main()
