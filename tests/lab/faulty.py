# SPDX-License-Identifier: LGPL-2.1-or-later
"""Name servers that fail on purpose: SERVFAIL, REFUSED, and one that never answers."""
import selectors
import socket
import threading

import world as w

RCODE = {w.SERVFAIL: 2, w.REFUSED: 5, w.SILENT: None}


def refuse(query, rcode):
    """Turn a query into a reply with this RCODE and nothing but the question."""
    at = 12
    while query[at]:
        at += 1 + query[at]
    question = query[12:at + 5]
    return query[:2] + bytes([0x80 | (query[2] & 0x79), rcode, 0, 1, 0, 0, 0, 0, 0, 0]) + question


class Faulty:
    def __init__(self):
        self.selector = selectors.DefaultSelector()
        for address, rcode in RCODE.items():
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
            sock.bind((address, 53))
            self.selector.register(sock, selectors.EVENT_READ, (self.datagram, rcode))
            stream = socket.create_server((address, 53))
            stream.setblocking(False)
            self.selector.register(stream, selectors.EVENT_READ, (self.stream, rcode))
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            for key, _ in self.selector.select():
                action, rcode = key.data
                try:
                    action(key.fileobj, rcode)
                except (OSError, IndexError):
                    pass

    @staticmethod
    def datagram(sock, rcode):
        query, peer = sock.recvfrom(65535)
        if rcode is not None:
            sock.sendto(refuse(query, rcode), peer)

    @staticmethod
    def stream(sock, rcode):
        connection, _ = sock.accept()
        with connection:
            connection.settimeout(1)
            query = connection.recv(65535)[2:]
            if rcode is not None:
                answer = refuse(query, rcode)
                connection.sendall(len(answer).to_bytes(2, 'big') + answer)
