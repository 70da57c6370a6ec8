# SPDX-License-Identifier: LGPL-2.1-or-later
"""Somebody on the path between the resolver and the unsigned rest of the Internet.

It stands in front of the lab's resolver and answers some questions itself, as a
resolver would that had been told so by a forger: NXDOMAIN without AD, or the
right records without AD.
"""
import os
import socket
import struct
import threading

ADDRESS, PORT = '127.0.0.55', 5353
RESOLVER = f'{ADDRESS}#{PORT}'


class Forger:
    def __init__(self):
        address, port = os.environ['LAB_RESOLVER'].split('#')
        self.upstream = (address, int(port))
        self.rules = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((ADDRESS, PORT))
        threading.Thread(target=self.run, daemon=True).start()

    @property
    def active(self):
        return bool(self.rules)

    def forge(self, how, domain):
        """nxdomain: this name does not exist; unsigned: AD is gone from all below it."""
        self.rules.append((how, domain))

    def stop(self):
        self.rules = []

    def close(self):
        self.socket.close()

    def run(self):
        while True:
            try:
                query, client = self.socket.recvfrom(4096)
                reply = self.answer(query)
                if reply:
                    self.socket.sendto(reply, client)
            except OSError:
                return

    def answer(self, query):
        name, end = question(query)
        for how, domain in self.rules:
            if how == 'nxdomain' and name == domain:
                return nxdomain(query, end)
        reply = self.ask(query)
        for how, domain in self.rules:
            if how == 'unsigned' and reply and (name == domain or name.endswith('.' + domain)):
                flags = struct.unpack_from('!H', reply, 2)[0] & ~0x0020  # AD
                reply = reply[:2] + struct.pack('!H', flags) + reply[4:]
        return reply

    def ask(self, query):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(5)
            sock.sendto(query, self.upstream)
            try:
                return sock.recv(65535)
            except TimeoutError:
                return b''


def question(query):
    """The name asked for, in lower case, and where the question ends."""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode('ascii', 'replace').lower())
        at += 1 + query[at]
    return '.'.join(labels), at + 5


def nxdomain(query, end):
    """No such name, as an unsigned zone would say: no SOA, no signature, no AD."""
    return query[:2] + struct.pack('!HHHHH', 0x8183, 1, 0, 0, 0) + query[12:end]
