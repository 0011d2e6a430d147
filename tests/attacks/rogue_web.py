# SPDX-License-Identifier: MIT
"""A web server that keeps no rules: octets under TLS, whatever they are.

hosts: {name: (paper, deed)}, where a deed is octets to be sent, or is called
with a Talk; or as Web of tests/e2e/test_sts.py has it.  called has the
names that clients began TLS with, None for none; asked who said a whole request;
sent how many octets of flood() were taken."""
import contextlib
import socket
import ssl
import threading


class Talk:
    def __init__(self, web, sock, host, path, body):
        self.web, self.sock, self.host, self.path, self.body = web, sock, host, path, body

    def say(self, octets):
        self.sock.sendall(octets)

    def flood(self, octets, most=1 << 27):
        """The same again and again, until the other has had enough."""
        taken = 0
        with contextlib.suppress(OSError):
            while taken < most:
                self.sock.sendall(octets)
                taken += len(octets)
        self.web.sent[self.host] = taken

    def drip(self, octets, seconds=0.5):
        """An octet now and then, as long as somebody listens."""
        with contextlib.suppress(OSError):
            for n in range(len(octets)):
                self.sock.sendall(octets[n:n + 1])
                if self.web.over.wait(seconds):
                    return

    def hang(self):
        with contextlib.suppress(OSError):
            while self.sock.recv(65536):
                pass


class RogueWeb:
    def __init__(self):
        self.hosts, self.called, self.asked, self.posts, self.sent = {}, [], [], [], {}
        self.over = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=[sock], daemon=True).start()

    def serve(self, sock):
        with sock, contextlib.suppress(OSError, ssl.SSLError, ConnectionError, ValueError):
            self.talk(sock)

    def context(self, name):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.hosts[name][0].files)
        return context

    def talk(self, raw):
        names = []

        def choose(sock, name, _):
            names.append(name)
            self.called.append(name)
            if name not in self.hosts or self.hosts[name][0] is None:
                return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
            sock.context = self.context(name)

        chooser = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        chooser.sni_callback = choose
        with chooser.wrap_socket(raw, server_side=True) as sock:
            head = b""
            while b"\r\n\r\n" not in head:
                got = sock.recv(65536)
                if not got:
                    return
                head += got
            head, body = head.split(b"\r\n\r\n", 1)
            verb, path, _ = head.split(b"\r\n")[0].decode().split(" ")
            for line in head.split(b"\r\n"):
                if line.lower().startswith(b"content-length:"):
                    while len(body) < int(line.split(b":")[1]):
                        body += sock.recv(65536)
            host = names[0]
            self.asked.append((host, path))
            if verb == "POST":
                self.posts.append((host, path, body))
            self.act(Talk(self, sock, host, path, body), self.hosts[host][1:])

    @staticmethod
    def act(talk, deed):
        if callable(deed[0]):
            deed[0](talk)
        elif isinstance(deed[0], bytes):
            talk.say(deed[0])
        else:
            status, kind, text = deed
            talk.say(b"HTTP/1.1 %d x\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s"
                     % (status, kind.encode(), len(text.encode()), text.encode()))

    def close(self):
        self.over.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
