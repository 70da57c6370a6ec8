#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A DNS server that misbehaves as the question asks it to.

    dns_server.py KEY [--no-tcp]

Prints its port on 127.0.0.1 (UDP and TCP) and serves until its input ends.
The label "KEY-BEHAVIOUR" of a question picks the behaviour; without one it is
"ok". The right answer is 192.0.2.1, a forged one 192.0.2.66. Questions are
counted by their "tNNN" label; the behaviour "seen" reports the counts.
"""
import collections
import os
import socket
import struct
import sys
import threading
import time

QR, TC, RD, RA, AD, CD = 0x8000, 0x0200, 0x0100, 0x0080, 0x0020, 0x0010
RIGHT, FORGED = bytes([192, 0, 2, 1]), bytes([192, 0, 2, 66])
A, TXT = 1, 16
RCODES = {'formerr': 1, 'servfail': 2, 'nxdomain': 3, 'notimp': 4, 'refused': 5, 'rcode9': 9}

key = sys.argv[1]
seen = collections.defaultdict(lambda: {'udp': 0, 'tcp': 0, 'cd': 0, 'ports': set(), 'ids': set()})
lock = threading.Lock()


class Query:
    def __init__(self, wire):
        self.id, self.flags, qd, an, ns, ar = struct.unpack('>6H', wire[:12])
        self.labels, at = [], 12
        while wire[at]:
            self.labels.append(wire[at + 1:at + 1 + wire[at]].decode())
            at += 1 + wire[at]
        self.type, = struct.unpack('>H', wire[at + 1:at + 3])
        self.question = wire[12:at + 5]
        self.payload, self.do = 0, 0
        if ar == 1:
            opt = wire[at + 5:]
            self.payload, ttl = struct.unpack('>HI', opt[3:9])
            self.do = ttl >> 15 & 1
        self.cd = bool(self.flags & CD)
        self.token = next((l for l in self.labels if l[0] == 't' and l[1:].isdigit()), '')
        self.behaviour = next((l[2:] for l in self.labels if l.startswith(key + '-')), 'ok')


def record(rtype, rdata, owner=b'\xc0\x0c'):
    return owner + struct.pack('>HHIH', rtype, 1, 300, len(rdata)) + rdata


def text(string):
    return record(TXT, bytes([len(string)]) + string.encode())


def opt(code):
    data = b'' if code is None else struct.pack('>HHH', 15, 2, code)
    return b'\0' + struct.pack('>HHIH', 41, 1232, 0, len(data)) + data


def reply(q, rcode=0, answers=None, flags=0, extended=None, id=None, question=None, count=None):
    if answers is None:
        answers = [record(A, RIGHT)] if rcode == 0 else []
    head = struct.pack('>6H', q.id if id is None else id,
                       QR | RA | q.flags & (RD | CD) | flags | rcode, 1,
                       len(answers) if count is None else count, 0, 1)
    return head + (question or q.question) + b''.join(answers) + opt(extended)


def forged(q, **changes):
    return reply(q, answers=[record(A, FORGED)], **changes)


def with_flags(message, clear=0, set=0):
    flags, = struct.unpack('>H', message[2:4])
    return message[:2] + struct.pack('>H', flags & ~clear | set) + message[4:]


def servfail_then(q):
    """servfail-WHAT: SERVFAIL, but WHAT when asked with CD."""
    what = q.behaviour.split('-', 1)[1]
    if not q.cd:
        return [reply(q, 2)]
    return {'ok': [reply(q)], 'nx': [reply(q, 3)], 'silent': [], 'refused': [reply(q, 5)],
            'wrongid': [reply(q, id=q.id ^ 1)], 'tc': [reply(q, answers=[], flags=TC)]}[what]


def udp_replies(q, source):
    b = q.behaviour
    if b in RCODES:
        return [reply(q, RCODES[b])]
    if b.startswith('servfail-'):
        return servfail_then(q)
    if b.startswith('extended'):
        return [reply(q, 2, extended=int(b[8:]))]
    if b.startswith('tc'):
        # What a validating resolver says of a large signed set: it must not pass for "no data".
        return [reply(q, answers=[], flags=TC | AD)]
    with lock:
        counts = dict(seen[q.token])
    shouted = q.question.upper()
    other = b'\x05other\x04test\0' + q.question[-4:]
    return {
        'ok': lambda: [reply(q)],
        'ad': lambda: [reply(q, flags=AD)],
        'noaddata': lambda: [reply(q, answers=[])],
        'wrongid': lambda: [forged(q, id=q.id ^ 1), reply(q)],
        'wrongidonly': lambda: [forged(q, id=q.id ^ 1)],
        'wrongquestion': lambda: [forged(q, question=other), reply(q)],
        'wrongtype': lambda: [forged(q, question=q.question[:-4] + b'\0\x1c\0\1'), reply(q)],
        'wrongcase': lambda: [forged(q, question=shouted), reply(q)],
        'qr0': lambda: [with_flags(forged(q), clear=QR), reply(q)],
        'echo': lambda: [with_flags(forged(q), clear=QR)],
        'opcode': lambda: [with_flags(forged(q), set=0x1000), reply(q)],
        'short': lambda: [b'', reply(q)[:5], reply(q)[:12], reply(q)],
        'noquestion': lambda: [reply(q)[:4] + b'\0\0' + reply(q)[6:12]],
        'twice': lambda: [reply(q), forged(q), forged(q)],
        'few': lambda: [forged(q, id=q.id ^ 1)] * 50 + [reply(q)],
        'flood': lambda: [forged(q, id=q.id ^ 1)] * 120 + [reply(q)],
        'silent': lambda: [],
        'silentonce': lambda: [reply(q)] if counts['udp'] > 1 else [],
        'floodonce': lambda: [reply(q)] if counts['udp'] > 1 else [forged(q, id=q.id ^ 1)] * 60,
        'loop': lambda: [reply(q, answers=[record(A, RIGHT, owner=struct.pack(
            '>H', 0xc000 + 12 + len(q.question)))])],
        'counts': lambda: [reply(q, count=65535)],
        'garbage': lambda: [reply(q)[:12] + q.question + bytes(range(7, 107))],
        'cut': lambda: [reply(q)[:-20]],
        'flags': lambda: [reply(q, answers=[text('rd=%d ad=%d cd=%d do=%d edns=%d' % (
            bool(q.flags & RD), bool(q.flags & AD), q.cd, q.do, q.payload))])],
        'seen': lambda: [reply(q, answers=[text('udp=%d tcp=%d cd=%d' % (
            counts['udp'], counts['tcp'], counts['cd']))])],
        'distinct': lambda: [reply(q, answers=[text('ports=%d ids=%d' % (
            len(counts['ports']), len(counts['ids'])))])],
    }[b]()


def count(q, way, source):
    if q.behaviour in ('seen', 'distinct'):
        return
    with lock:
        counts = seen[q.token]
        counts[way] += 1
        counts['cd'] += q.cd
        counts['ports'].add(source[1])
        counts['ids'].add(q.id)


def serve_udp(sock):
    strange = {}
    for name, address in (('otheraddress', '127.0.0.2'), ('otherport', '127.0.0.1')):
        strange[name] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        strange[name].bind((address, sock.getsockname()[1] if address != '127.0.0.1' else 0))
    while True:
        wire, source = sock.recvfrom(4096)
        q = Query(wire)
        count(q, 'udp', source)
        if q.behaviour in strange:
            strange[q.behaviour].sendto(forged(q), source)
            time.sleep(0.05)
            sock.sendto(reply(q), source)
            continue
        for message in udp_replies(q, source):
            sock.sendto(message, source)


def drip(conn, data, piece, pause):
    for at in range(0, len(data), piece):
        conn.sendall(data[at:at + piece])
        time.sleep(pause)


def tcp_answer(conn, q):
    b = q.behaviour
    whole = reply(q, flags=AD)
    if b == 'tcbig':
        whole = reply(q, answers=[record(TXT, b'\xff%03d' % i + b'x' * 252) for i in range(240)])
    elif b == 'tctc':
        whole = reply(q, answers=[], flags=TC | AD)
    elif b == 'tcwrongid':
        whole = forged(q, id=q.id ^ 1)
    elif b == 'tcservfail':
        whole = reply(q, 2)
    elif b == 'tcshort':
        whole = whole[:11]
    data = struct.pack('>H', len(whole)) + whole
    if b == 'tchalf':
        conn.sendall(data[:len(data) // 2])
    elif b == 'tcprefix':
        conn.sendall(data[:1])
    elif b == 'tczero':
        conn.sendall(b'\0\0')
    elif b == 'tcgiant':
        conn.sendall(b'\xff\xff' + whole)
        time.sleep(3)
    elif b == 'tcdrip':
        drip(conn, data, 1, 0.3)
    elif b == 'tcpieces':
        drip(conn, data, 3, 0.002)
    elif b == 'tcmore':
        conn.sendall(data + data)
    elif b == 'tcsilent':
        time.sleep(3)
    else:
        conn.sendall(data)


def serve_connection(conn, source):
    try:
        want, = struct.unpack('>H', conn.recv(2, socket.MSG_WAITALL))
        q = Query(conn.recv(want, socket.MSG_WAITALL))
        count(q, 'tcp', source)
        if q.behaviour != 'tcclose':
            tcp_answer(conn, q)
    except (OSError, struct.error):
        pass
    conn.close()


def serve_tcp(sock):
    while True:
        conn, source = sock.accept()
        threading.Thread(target=serve_connection, args=(conn, source), daemon=True).start()


def sockets(with_tcp):
    while True:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        udp.bind(('127.0.0.1', 0))
        try:
            tcp.bind(udp.getsockname())
        except OSError:
            continue
        if with_tcp:
            tcp.listen(64)
        # Without TCP the port stays taken, and nobody listens.
        return udp, tcp


def main():
    with_tcp = '--no-tcp' not in sys.argv
    udp, tcp = sockets(with_tcp)
    threading.Thread(target=serve_udp, args=(udp,), daemon=True).start()
    if with_tcp:
        threading.Thread(target=serve_tcp, args=(tcp,), daemon=True).start()
    print(udp.getsockname()[1], flush=True)
    while os.read(0, 1):
        pass


main()
