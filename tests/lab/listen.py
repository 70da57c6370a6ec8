# SPDX-License-Identifier: LGPL-2.1-or-later
"""Many listening sockets, one accepting thread, a thread a connection."""
import os
import selectors
import socket
import threading
import time


class Listeners:
    def __init__(self, port, handler):
        self.port, self.handler = port, handler
        self.sockets = {}
        self.selector = selectors.DefaultSelector()
        self.wake, self.woken = socket.socketpair()
        self.selector.register(self.woken, selectors.EVENT_READ, None)
        self.lock = threading.Lock()
        threading.Thread(target=self.accept, daemon=True).start()

    def set(self, addresses):
        """Listen on exactly these; an address that is taken away refuses at once."""
        with self.lock:
            for address in set(self.sockets) - set(addresses):
                self.selector.unregister(self.sockets[address])
                self.sockets.pop(address).close()
            for address in set(addresses) - set(self.sockets):
                family = socket.AF_INET6 if ':' in address else socket.AF_INET
                sock = socket.create_server((address, self.port), backlog=128, family=family)
                sock.setblocking(False)
                self.sockets[address] = sock
                self.selector.register(sock, selectors.EVENT_READ, address)
        self.wake.send(b'.')

    def accept(self):
        while True:
            for key, _ in self.selector.select():
                if key.data is None:
                    self.woken.recv(64)
                    continue
                try:
                    connection, peer = key.fileobj.accept()
                except OSError:
                    continue
                threading.Thread(target=self.serve, args=(connection, key.data, peer),
                                 daemon=True).start()

    def serve(self, connection, address, peer):
        connection.setblocking(True)
        connection.settimeout(60)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self.handler(connection, address, peer)
        except (OSError, ValueError, LookupError):
            pass
        finally:
            connection.close()


class Log:
    """One line an event, written at once."""

    def __init__(self, path):
        self.file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)

    def write(self, *words):
        line = ' '.join([f'{time.time():.3f}', *(str(word) for word in words)])
        os.write(self.file, line.encode('ascii', 'backslashreplace') + b'\n')
