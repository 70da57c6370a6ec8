# SPDX-License-Identifier: LGPL-2.1-or-later
"""Stand between the tool and the lab's resolver: see every question, change any answer.

A middle listens on UDP and TCP at a port of its own on loopback. What it does
with a question is a function from Question to octets; see replies below.
"""
import os
import socket
import struct
import threading
from dataclasses import dataclass

import dnsquery

ADDRESS = '127.0.0.54'
AD, CD, TC, RA, QR = 0x20, 0x10, 0x200, 0x80, 0x8000
NAMES = {number: name for name, number in dnsquery.TYPES.items()}
SECONDS = 5


@dataclass(frozen=True)
class Question:
    """One question, and how it was asked."""
    name: str
    kind: str
    octets: bytes
    tcp: bool = False

    @property
    def ident(self):
        return self.octets[:2]

    @property
    def flags(self):
        return struct.unpack_from('!H', self.octets, 2)[0]

    @property
    def section(self):
        """The question section, as it came."""
        return self.octets[12:dnsquery.read_name(self.octets, 12)[1] + 4]

    @property
    def dnssec(self):
        """The DO bit of the OPT record, which stands last in our queries."""
        at = 12 + len(self.section)
        return len(self.octets) >= at + 11 and bool(self.octets[at + 7] & 0x80)


def read_question(octets, tcp=False):
    name, at = dnsquery.read_name(octets, 12)
    number = struct.unpack_from('!H', octets, at)[0]
    return Question(name.lower(), NAMES.get(number, str(number)), octets, tcp)


# ---- Replies ---------------------------------------------------------------------

def forward(question):
    """What the lab's resolver says, by the same transport."""
    address, port = os.environ['LAB_RESOLVER'].split('#')
    if question.tcp:
        with socket.create_connection((address, int(port)), SECONDS) as sock:
            sock.sendall(struct.pack('!H', len(question.octets)) + question.octets)
            return dnsquery.receive_exactly(sock, struct.unpack('!H', dnsquery.receive_exactly(sock, 2))[0])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(SECONDS)
        sock.sendto(question.octets, (address, int(port)))
        return sock.recv(65535)


def flagged(reply, put=0, clear=0):
    """The same message with other flags."""
    flags = struct.unpack_from('!H', reply, 2)[0] & ~clear | put
    return reply[:2] + struct.pack('!H', flags) + reply[4:]


def answer(question, rcode=0, secure=False, records=(), error=None):
    """A reply of our own. records: (owner, type, rdata as octets); error: of RFC 8914."""
    flags = QR | (question.flags & 0x100) | RA | rcode | (AD if secure else 0)
    body = b''.join(dnsquery.encode_name(owner) + struct.pack('!HHIH', dnsquery.TYPES[kind], 1, 300, len(rdata))
                    + rdata for owner, kind, rdata in records)
    extra = b''
    if error is not None:
        option = struct.pack('!HHH', 15, 2, error)
        extra = b'\0' + struct.pack('!HHIH', 41, 1232, 0, len(option)) + option
    return question.ident + struct.pack('!5H', flags, 1, len(records), 0, 1 if extra else 0) + \
        question.section + body + extra


# ---- The listener -----------------------------------------------------------------

def sockets(port, tcp):
    """One for UDP, one for TCP or None, on the same port; 0: on any that is free for both."""
    for left in reversed(range(50)):
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            udp.bind((ADDRESS, port))
            return udp, socket.create_server(udp.getsockname()) if tcp else None
        except OSError:
            udp.close()
            if port or not left:
                raise
    return None


class Middle:
    """decide(question) gives the octets of the reply, a list of replies, or b'' for silence."""

    def __init__(self, decide, tcp=True, port=0):
        self.decide, self.asked = decide, []
        self.udp, self.tcp = sockets(port, tcp)
        self.port = self.udp.getsockname()[1]
        self.resolver = f'{ADDRESS}#{self.port}'
        threading.Thread(target=self.run_udp, daemon=True).start()
        if tcp:
            threading.Thread(target=self.run_tcp, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.udp.close()
        if self.tcp:
            self.tcp.close()

    def replies(self, question):
        self.asked.append(question)
        found = self.decide(question)
        return found if isinstance(found, list) else [found] if found else []

    def run_udp(self):
        while True:
            try:
                octets, client = self.udp.recvfrom(65535)
            except OSError:
                return
            threading.Thread(target=self.reply_udp, args=(octets, client), daemon=True).start()

    def reply_udp(self, octets, client):
        try:
            for reply in self.replies(read_question(octets)):
                self.udp.sendto(reply, client)
        except OSError:
            pass

    def run_tcp(self):
        while True:
            try:
                connection, _ = self.tcp.accept()
            except OSError:
                return
            threading.Thread(target=self.reply_tcp, args=(connection,), daemon=True).start()

    def reply_tcp(self, connection):
        with connection:
            try:
                connection.settimeout(SECONDS)
                size = struct.unpack('!H', dnsquery.receive_exactly(connection, 2))[0]
                octets = dnsquery.receive_exactly(connection, size)
                found = self.replies(read_question(octets, tcp=True))
                for reply in found:
                    connection.sendall(struct.pack('!H', len(reply)) + reply)
                if not found:
                    connection.recv(1)   # silence: until the other side gives up
            except OSError:
                pass
