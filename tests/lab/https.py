# SPDX-License-Identifier: LGPL-2.1-or-later
"""The HTTPS servers of all policy hosts; the certificate goes by SNI where hosts share an address."""
import gzip
import os
import ssl
import time

from listen import Listeners, Log

PATH = '/.well-known/mta-sts.txt'
MOVED = '/moved.txt'


def reply(status, body=b'', kind='text/plain', *headers):
    lines = [f'HTTP/1.1 {status}', f'Content-Type: {kind}', f'Content-Length: {len(body)}',
             'Connection: close', *headers]
    return '\r\n'.join(lines).encode() + b'\r\n\r\n' + body


class Https:
    def __init__(self, lab):
        self.lab = lab
        self.log = Log(os.path.join(lab.directory, 'https.log'))
        self.listeners = Listeners(443, self.serve)

    def serve(self, connection, address, peer):
        rows = self.lab.world.policy_rows(address)
        first = next(iter(rows.values()))
        context = self.context(first)
        seen = []

        def choose(tls, name, _):
            seen.append(name)
            if name in rows:
                tls.context = self.context(rows[name])
        outer = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        issued = self.lab.certificates.issued[self.lab.world.policy_request(first)]
        outer.load_cert_chain(issued.chain, issued.key)
        outer.sni_callback = choose
        try:
            with outer.wrap_socket(connection, server_side=True) as tls:
                self.exchange(tls, address, rows, seen[0] if seen else None)
        except OSError as error:
            self.log.write(address, f'{peer[0]}:{peer[1]}', 'lost', type(error).__name__, error)

    def context(self, row):
        return self.lab.certificates.context(self.lab.world.policy_request(row))

    def exchange(self, tls, address, rows, sni):
        request = b''
        while b'\r\n\r\n' not in request:
            more = tls.recv(4096)
            if not more or len(request) > 65536:
                return
            request += more
        lines = request.decode('latin-1').split('\r\n')
        host = next((line[5:].strip() for line in lines if line.lower().startswith('host:')), '')
        self.log.write(address, lines[0], f'host={host}', f'sni={sni}')
        method, path, *_ = lines[0].split() + ['', '']
        row = rows.get(host.lower().split(':')[0])
        if row is None or method != 'GET' or path not in (PATH, MOVED):
            tls.sendall(reply('404 Not Found', b'no such thing\r\n'))
        else:
            self.answer(tls, row, path)
        tls.unwrap()

    def answer(self, tls, row, path):
        body, behaviour = row.sts.body.encode(), row.sts.https
        if path == MOVED:
            behaviour = 'good'
        if behaviour == 'late':
            time.sleep(2)
            behaviour = 'good'
        if behaviour == 'slow':
            for octet in reply('200 OK', body):
                tls.sendall(bytes([octet]))
                time.sleep(0.5)
        elif behaviour == 'hang':
            tls.recv(1)
        elif behaviour == 'cut':
            tls.sendall(reply('200 OK', body + b' ' * 100)[:-100])
        else:
            tls.sendall(self.whole(behaviour, row, body))

    @staticmethod
    def whole(behaviour, row, body):
        return {
            'good': lambda: reply('200 OK', body),
            '404': lambda: reply('404 Not Found', body),
            '500': lambda: reply('500 Internal Server Error', body),
            'redirect': lambda: reply('301 Moved Permanently', body, 'text/plain',
                                      f'Location: https://mta-sts.{row.domain}{MOVED}'),
            'type': lambda: reply('200 OK', body, 'text/html'),
            'oversize': lambda: reply('200 OK', body + b'x: ' + b'y' * 70000 + b'\r\n'),
            'gzip': lambda: reply('200 OK', gzip.compress(body), 'text/plain', 'Content-Encoding: gzip'),
        }[behaviour]()
