#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""An HTTPS server that misbehaves as its request's path says.

Prints one line of "name=port" pairs, then serves until standard input ends.
The port `control` speaks plain lines: "reset" forgets what was counted,
"stats N" waits until N connections have come and gone and then tells it all,
"gate" opens /gate.
"""

import os
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time

LIMIT = 65536
WAIT_S = 10.0


class Counts:
    """What the server saw, since the last reset."""

    def __init__(self):
        self.changed = threading.Condition()
        self.reset()

    def reset(self):
        with self.changed:
            self.accepted = self.closed = self.octets = self.requests = 0
            self.now = self.most = 0
            self.gate_open = False
            self.sni = self.host = self.path = "-"

    def add(self, **values):
        with self.changed:
            for name, value in values.items():
                setattr(self, name, getattr(self, name) + value)
            self.most = max(self.most, self.now)
            self.changed.notify_all()

    def tell(self, wait_closed):
        with self.changed:
            self.changed.wait_for(lambda: self.closed >= wait_closed, WAIT_S)
            return "accepted=%d closed=%d octets=%d requests=%d most=%d sni=%s host=%s path=%s\n" % (
                self.accepted, self.closed, self.octets, self.requests, self.most, self.sni,
                self.host, self.path)


COUNTS = Counts()


def reply(status, body, *headers, length=True):
    lines = ["HTTP/1.1 " + status, *headers]
    if length:
        lines.append("Content-Length: %d" % len(body))
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


TEXT = "Content-Type: text/plain"
GOOD = b"version: STSv1\r\n"
CLOSE = "Connection: close"
SIMPLE = {
    "/good": reply("200 OK", GOOD, TEXT),
    "/charset": reply("200 OK", GOOD, "content-type:  Text/Plain; charset=utf-8 "),
    "/empty": reply("200 OK", b"", TEXT),
    "/301": reply("301 Moved", b"", TEXT, "Location: /good"),
    "/404": reply("404 Not Found", GOOD, TEXT),
    "/404-huge": reply("404 Not Found", b"", TEXT, "Content-Length: 99999999", length=False),
    "/404-gzip": reply("404 Not Found", b"zip", TEXT, "Content-Encoding: gzip"),
    "/204": b"HTTP/1.1 204 No Content\r\n\r\n",
    "/206": reply("206 Partial", GOOD, TEXT),
    "/500": reply("500 Oops", GOOD, TEXT),
    "/html": reply("200 OK", b"<p>", "Content-Type: text/html"),
    "/no-type": reply("200 OK", GOOD),
    "/two-types": reply("200 OK", GOOD, TEXT, "Content-Type: text/html"),
    "/same-types": reply("200 OK", GOOD, TEXT, TEXT),
    "/limit": reply("200 OK", b"a" * LIMIT, TEXT),
    "/oversize": reply("200 OK", b"a" * (LIMIT + 1), TEXT),
    "/oversize-unsaid": reply("200 OK", b"a" * (LIMIT + 1), TEXT, CLOSE, length=False),
    "/huge-length": reply("200 OK", b"", TEXT, "Content-Length: 99999999", length=False),
    "/gzip": reply("200 OK", b"\x1f\x8b\x08\x00", TEXT, "Content-Encoding: gzip"),
    "/identity": reply("200 OK", GOOD, TEXT, "Content-Encoding: identity"),
    "/te-gzip": reply("200 OK", b"\x1f\x8b\x08\x00", TEXT, "Transfer-Encoding: gzip", length=False),
    "/continue": b"HTTP/1.1 100 Continue\r\n\r\n" + reply("200 OK", GOOD, TEXT),
    "/continue-flood": b"HTTP/1.1 100 Continue\r\n\r\n" * 300,
    "/header-lines": reply("200 OK", GOOD, TEXT, *["X-%d: y" % n for n in range(300)]),
    "/header-octets": reply("200 OK", GOOD, TEXT, *["X: " + "y" * 4000 for _ in range(10)]),
    "/fold": reply("200 OK", GOOD, "X: y\r\n Content-Type: text/plain"),
    "/cookies": reply("200 OK", GOOD, TEXT, "Set-Cookie: a=b", 'Alt-Svc: h2=":1"',
                      "Strict-Transport-Security: max-age=9999"),
    "/no-length": reply("200 OK", GOOD, TEXT, CLOSE, length=False),
    "/short": reply("200 OK", GOOD, TEXT, "Content-Length: 100", CLOSE, length=False),
    "/chunked": reply("200 OK", b"3\r\nabc\r\n2\r\nde\r\n0\r\nContent-Type: text/html\r\n\r\n", TEXT,
                      "Transfer-Encoding: chunked", length=False),
    "/chunk-cut": reply("200 OK", b"f\r\nabc", TEXT, "Transfer-Encoding: chunked", CLOSE,
                        length=False),
    "/http09": b"version: STSv1\r\nmode: none\r\n",
    "/http2": b"HTTP/2 200\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n",
    "/bad-status": b"HTTP/1.1 2x0 OK\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n",
}


def endless_chunks(tls):
    tls.sendall(reply("200 OK", b"", TEXT, "Transfer-Encoding: chunked", length=False))
    while True:
        tls.sendall(b"400\r\n" + b"a" * 1024 + b"\r\n")


def endless_head(tls):
    tls.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        tls.sendall(b"X: " + b"a" * 1000 + b"\r\n")


def drip(tls):
    tls.sendall(reply("200 OK", b"", TEXT, "Content-Length: 5000", length=False))
    while True:
        tls.sendall(b"a")
        time.sleep(0.02)


def hang(tls):
    tls.recv(1)


def hang_in_body(tls):
    tls.sendall(reply("200 OK", b"abc", TEXT, "Content-Length: 5000", length=False))
    tls.recv(1)


def gate(tls):
    """Counts who is inside; a client cannot go on before it has been counted out."""
    COUNTS.add(now=1)
    with COUNTS.changed:
        COUNTS.changed.wait_for(lambda: COUNTS.gate_open, WAIT_S)
    COUNTS.add(now=-1)
    tls.sendall(SIMPLE["/good"])


def reset(tls):
    tls.sendall(reply("200 OK", b"abc", TEXT, "Content-Length: 5000", length=False))
    tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise ConnectionAbortedError


def cut_without_goodbye(tls):
    """The end of the stream without TLS's close_notify: anybody could have cut it."""
    tls.sendall(SIMPLE["/no-length"])
    tls.shutdown(socket.SHUT_WR)
    raise ConnectionAbortedError


ODD = {
    "/endless-chunks": endless_chunks,
    "/endless-head": endless_head,
    "/drip": drip,
    "/hang": hang,
    "/hang-in-body": hang_in_body,
    "/gate": gate,
    "/reset": reset,
    "/cut": cut_without_goodbye,
}


def read_request(tls):
    data = b""
    while b"\r\n\r\n" not in data:
        piece = tls.recv(4096)
        if not piece:
            return None
        COUNTS.add(octets=len(piece))
        data += piece
    lines = data.decode("latin-1").split("\r\n")
    COUNTS.add(requests=1)
    COUNTS.path = lines[0].split(" ")[1]
    COUNTS.host = next((x[6:] for x in lines if x.lower().startswith("host: ")), "-")
    return COUNTS.path


def serve_tls(tls):
    path = read_request(tls)
    if path in ODD:
        ODD[path](tls)
    elif path is not None:
        tls.sendall(SIMPLE.get(path, SIMPLE["/404"]))
        if CLOSE.encode() not in SIMPLE.get(path, b""):
            tls.recv(1)  # until the client goes
    tls.unwrap()


def serve(connection, context):
    COUNTS.add(accepted=1)
    try:
        connection.settimeout(WAIT_S)
        if context is None:
            connection.recv(1000)
            connection.sendall(SIMPLE["/good"])
        elif context == "mute":
            while connection.recv(1000):
                pass
        else:
            connection = context.wrap_socket(connection, server_side=True)
            serve_tls(connection)
    except (OSError, ssl.SSLError, ValueError):
        pass
    finally:
        connection.close()
        COUNTS.add(closed=1)


def control(connection):
    stream = connection.makefile("rw")
    for line in stream:
        words = line.split()
        if words[0] == "reset":
            COUNTS.reset()
            stream.write("ok\n")
        elif words[0] == "gate":
            with COUNTS.changed:
                COUNTS.gate_open = True
                COUNTS.changed.notify_all()
            stream.write("ok\n")
        elif words[0] == "gated":
            with COUNTS.changed:
                COUNTS.changed.wait_for(lambda: COUNTS.requests >= int(words[1]), WAIT_S)
            stream.write("ok\n")
        else:
            stream.write(COUNTS.tell(int(words[1])))
        stream.flush()


def accept(listener, function, *arguments):
    def loop():
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=function, args=(connection, *arguments), daemon=True).start()

    threading.Thread(target=loop, daemon=True).start()


def listen(address="127.0.0.1", port=0, family=socket.AF_INET):
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, port))
    listener.listen(64)
    return listener


def black_hole(address, port, keep):
    """A port whose queue is full: the kernel drops every further SYN, so nobody answers."""
    listener = socket.socket()
    listener.bind((address, port))
    listener.listen(0)
    keep.append(listener)
    for _ in range(4):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex((address, port))
        keep.append(filler)


def make_certificate(folder):
    key, certificate = os.path.join(folder, "key.pem"), os.path.join(folder, "cert.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-keyout", key, "-out", certificate, "-days", "30", "-subj", "/CN=test",
         "-addext", "subjectAltName=DNS:mta-sts.d.test"],
        check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return certificate, key


def make_context(certificate, key, old):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    if old:
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    else:
        context.minimum_version = ssl.TLSVersion.TLSv1_2

    def note_sni(_, name, __):
        COUNTS.sni = name or "-"

    context.sni_callback = note_sni
    return context


def main():
    if shutil.which("openssl") is None:
        print("skip")
        return
    with tempfile.TemporaryDirectory() as folder:
        certificate, key = make_certificate(folder)
        good = make_context(certificate, key, False)
        import warnings
        warnings.simplefilter("ignore")
        old = make_context(certificate, key, True)
    keep = []
    ports = {}

    def add(name, listener, function, *arguments):
        keep.append(listener)
        accept(listener, function, *arguments)
        ports[name] = listener.getsockname()[1]

    add("good", listen(), serve, good)
    add("old", listen(), serve, old)
    add("plain", listen(), serve, None)
    add("mute", listen(), serve, "mute")
    add("control", listen(), control)
    refused = listen("127.0.0.3")
    ports["refused"] = refused.getsockname()[1]
    refused.close()
    black_hole("127.0.0.2", ports["good"], keep)
    try:
        add("v6", listen("::1", 0, socket.AF_INET6), serve, good)
    except OSError:
        ports["v6"] = 0
    print(" ".join("%s=%d" % item for item in ports.items()), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
