# SPDX-License-Identifier: LGPL-2.1-or-later
"""The HTTPS servers of all policy hosts; the certificate goes by SNI where hosts share an address."""
import gzip
import os
import socket
import ssl
import struct
import time
import zlib

from listen import Listeners, Log

PATH = '/.well-known/mta-sts.txt'
MOVED = '/moved.txt'


def head(*lines):
    return '\r\n'.join(('HTTP/1.1 200 OK', *lines)).encode() + b'\r\n\r\n'


def reply(status, body=b'', kind='text/plain', *headers):
    lines = [f'HTTP/1.1 {status}', f'Content-Type: {kind}', f'Content-Length: {len(body)}',
             'Connection: close', *headers]
    return '\r\n'.join(lines).encode() + b'\r\n\r\n' + body


def bomb(body):
    """20 MB of blanks behind a policy, in about 20 KB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return packer.compress(body) + b''.join(packer.compress(b' ' * 1048576) for _ in range(20)) + packer.flush()


# What is sent first, and then again and again.
ENDLESS = {
    'endless': (head('Content-Type: text/plain', 'Transfer-Encoding: chunked'), b'1000\r\n' + b'x' * 4096 + b'\r\n'),
    'flood': (b'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n', b'X-Flood: ' + b'y' * 1013 + b'\r\n'),
}


class Https:
    def __init__(self, lab):
        self.lab = lab
        self.log = Log(os.path.join(lab.directory, 'https.log'))
        self.listeners = Listeners(443, self.serve)

    def serve(self, connection, address, peer):
        rows = self.lab.world.policy_rows(address)
        first = next(iter(rows.values()))
        self.context(first)
        seen = []
        if first.sts.https == 'plaintext':
            connection.recv(4096)
            connection.sendall(reply('200 OK', first.sts.body.encode()))
            return

        def choose(tls, name, _):
            seen.append(name)
            if name in rows:
                tls.context = self.context(rows[name])
        outer = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        issued = self.lab.certificates.issued[self.lab.world.policy_request(first)]
        outer.load_cert_chain(issued.chain, issued.key)
        if first.sts.https == 'tls11':  # OpenSSL 3 does it only where the security level allows
            outer.minimum_version, outer.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
            outer.set_ciphers('ALL:@SECLEVEL=0')
        else:
            outer.sni_callback = choose
        try:
            with outer.wrap_socket(connection, server_side=True) as tls:
                self.log.write(address, f'{peer[0]}:{peer[1]}', tls.version(), f'sni={seen[0] if seen else None}')
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
        elif behaviour == 'reset':
            tls.sendall(reply('200 OK', body)[:-len(body) // 2])
            time.sleep(0.1)
            tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            tls.close()
        elif behaviour in ENDLESS:
            begin, more = ENDLESS[behaviour]
            tls.sendall(begin)
            for _ in range(2000):  # 2 to 8 MB: nobody should want as much
                tls.sendall(more)
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
            '204': lambda: b'HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n',
            '206': lambda: reply('206 Partial Content', body, 'text/plain',
                                 f'Content-Range: bytes 0-{len(body) - 1}/{len(body)}'),
            '503': lambda: reply('503 Service Unavailable', body, 'text/plain', 'Retry-After: 60'),
            'parameters': lambda: reply('200 OK', body, 'TEXT/Plain; charset=utf-8; format=flowed'),
            'cacheable': lambda: reply('200 OK', body, 'text/plain', 'ETag: "1"',
                                       'Cache-Control: public, max-age=315360000, immutable'),
            'two-types': lambda: reply('200 OK', body, 'text/plain', 'Content-Type: text/html'),
            'no-type': lambda: head(f'Content-Length: {len(body)}', 'Connection: close') + body,
            'bomb': lambda: reply('200 OK', bomb(body), 'text/plain', 'Content-Encoding: gzip'),
            'not-http': lambda: b'220 mx.test ESMTP\r\n',
            'redirect': lambda: reply('301 Moved Permanently', body, 'text/plain',
                                      f'Location: https://mta-sts.{row.domain}{MOVED}'),
            'type': lambda: reply('200 OK', body, 'text/html'),
            'oversize': lambda: reply('200 OK', body + b'x: ' + b'y' * 70000 + b'\r\n'),
            'gzip': lambda: reply('200 OK', gzip.compress(body), 'text/plain', 'Content-Encoding: gzip'),
        }[behaviour]()
