# SPDX-License-Identifier: LGPL-2.1-or-later
"""The deferral that a socketmap server causes when it closes idle connections.

Postfix asks the policy table once for each MX host. While it waits for a host
that does not answer its connection to the table idles. When the server closes it
meanwhile, Postfix does not connect anew (the error left over from the host is
ETIMEDOUT), and defers the message with 4.7.5, although the next host would take it.
By TCP it is so; a unix socket that is closed says EPIPE at once, and is opened anew.
"""
import selectors
import socket
import threading
from contextlib import contextmanager

from netstrings import netstring, read_netstring
from tool import destinations, say

DESTINATION = 'dane-two-hosts.test'
DEAD, ALIVE = 'mx1.dane-two-hosts.test', 'mx2.dane-two-hosts.test'
IDLE = 3      # seconds; smtp_connect_timeout is longer


@contextmanager
def unanswered_host():
    """The better host's address takes no connection and refuses none: its backlog is full."""
    address, = next(row for row in destinations() if row['domain'] == DESTINATION)['addresses'][DEAD]
    say('smtp', DEAD, 'down')
    waiting = []
    try:
        with socket.create_server((address, 25), backlog=0):
            while not waiting or connected(waiting[-1]):
                waiting.append(socket.socket())
                waiting[-1].setblocking(False)
                waiting[-1].connect_ex((address, 25))
            yield
    finally:
        for sock in waiting:
            sock.close()
        say('undo')


def connected(sock):
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_WRITE)
        return bool(selector.select(0.3))


class ClosingServer:
    """A socketmap server that gives one answer, and closes a connection that idles."""

    def __init__(self, port, reply='OK dane-only'):
        self.reply, self.closed = reply, 0
        self.listener = socket.create_server(('127.0.0.1', port))
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection:
            connection.settimeout(IDLE)
            try:
                while read_netstring(connection):
                    connection.sendall(netstring(self.reply))
            except TimeoutError:
                self.closed += 1
            except OSError:
                pass

    def close(self):
        self.listener.close()
