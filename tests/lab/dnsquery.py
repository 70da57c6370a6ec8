# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ask one DNS question: enough to test the lab with, no resolver library."""
import os
import socket
import struct
from dataclasses import dataclass, field

TYPES = {'A': 1, 'NS': 2, 'CNAME': 5, 'SOA': 6, 'MX': 15, 'TXT': 16, 'AAAA': 28, 'DS': 43,
         'RRSIG': 46, 'NSEC': 47, 'DNSKEY': 48, 'NSEC3': 50, 'TLSA': 52}
RCODES = {0: 'NOERROR', 1: 'FORMERR', 2: 'SERVFAIL', 3: 'NXDOMAIN', 4: 'NOTIMP', 5: 'REFUSED'}


@dataclass
class Reply:
    rcode: str
    ad: bool
    aa: bool
    answers: list = field(default_factory=list)   # (owner, type, ttl, rdata as octets or text)
    errors: list = field(default_factory=list)    # extended errors (RFC 8914)

    def data(self, kind):
        return [rdata for _, found, _, rdata in self.answers if found == kind]


def encode_name(name):
    labels = [label.encode() for label in name.rstrip('.').split('.') if label]
    return b''.join(bytes([len(label)]) + label for label in labels) + b'\0'


def read_name(message, at):
    labels, after = [], None
    for _ in range(128):
        length = message[at]
        if length & 0xc0 == 0xc0:
            after = after or at + 2
            at = struct.unpack('!H', message[at:at + 2])[0] & 0x3fff
        elif length:
            labels.append(message[at + 1:at + 1 + length].decode('ascii', 'replace'))
            at += 1 + length
        else:
            return '.'.join(labels) or '.', after or at + 1
    raise ValueError('a name without end')


def read_rdata(message, kind, at, size):
    if kind in ('NS', 'CNAME'):
        return read_name(message, at)[0]
    if kind == 'MX':
        return f'{struct.unpack("!H", message[at:at + 2])[0]} {read_name(message, at + 2)[0]}'
    if kind == 'A':
        return socket.inet_ntoa(message[at:at + 4])
    if kind == 'AAAA':
        return socket.inet_ntop(socket.AF_INET6, message[at:at + 16])
    if kind == 'SOA':
        at = read_name(message, read_name(message, at)[1])[1]
        return struct.unpack('!I', message[at:at + 4])[0]
    if kind == 'TXT':
        return message[at + 1:at + 1 + message[at]].decode()
    if kind == 'RRSIG':  # inception
        return struct.unpack('!I', message[at + 12:at + 16])[0]
    if kind == 'TLSA':
        return '%d %d %d %s' % (*message[at:at + 3], message[at + 3:at + size].hex())
    return message[at:at + size]


def read_options(message, at, end):
    errors = []
    while at + 4 <= end:
        code, size = struct.unpack('!HH', message[at:at + 4])
        if code == 15:
            errors.append(struct.unpack('!H', message[at + 4:at + 6])[0])
        at += 4 + size
    return errors


def parse(message):
    names = {number: name for name, number in TYPES.items()}
    _, flags, questions, answers, authority, additional = struct.unpack('!6H', message[:12])
    reply = Reply(RCODES.get(flags & 15, str(flags & 15)), bool(flags & 0x20), bool(flags & 0x400))
    at = 12
    for _ in range(questions):
        at = read_name(message, at)[1] + 4
    for index in range(answers + authority + additional):
        owner, at = read_name(message, at)
        kind, _, ttl, size = struct.unpack('!HHIH', message[at:at + 10])
        at += 10
        if kind == 41:
            reply.errors += read_options(message, at, at + size)
        elif index < answers:
            name = names.get(kind, str(kind))
            reply.answers.append((owner, name, ttl, read_rdata(message, name, at, size)))
        at += size
    return reply


def receive_exactly(sock, size):
    data = b''
    while len(data) < size:
        more = sock.recv(size - len(data))
        if not more:
            raise ConnectionError('cut off')
        data += more
    return data


def ask(server, name, kind, timeout=3.0, dnssec=False, checking_disabled=False, recurse=True):
    """Ask over UDP, and again over TCP when the reply is truncated."""
    ident = os.urandom(2)
    flags = 0x20 | (0x100 if recurse else 0) | (0x10 if checking_disabled else 0)
    edns = b'\0' + struct.pack('!HHIH', 41, 1232, 0x8000 if dnssec else 0, 0)
    query = ident + struct.pack('!5H', flags, 1, 0, 0, 1) + encode_name(name) + \
        struct.pack('!HH', TYPES[kind], 1) + edns
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(timeout)
        sock.connect(server)
        sock.send(query)
        message = sock.recv(65535)
        while message[:2] != ident:
            message = sock.recv(65535)
    if message[2] & 2:
        with socket.create_connection(server, timeout) as sock:
            sock.sendall(struct.pack('!H', len(query)) + query)
            size = struct.unpack('!H', receive_exactly(sock, 2))[0]
            message = receive_exactly(sock, size)
    return parse(message)
