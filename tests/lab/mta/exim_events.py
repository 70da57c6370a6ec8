#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""In Exim's place: call the module's functions as Exim never should, and see the gate stay shut.

exim_events.py MODULE SETTINGS UID. Becomes that user. Prints a line for each try; "ok" begins those that went well.
"""
import base64
import ctypes
import encodings.idna  # noqa: F401 (the user may not be able to read it later)
import os
import re
import socket
import ssl
import subprocess
import sys

OK, FAIL = 0, 2
EHLO = '250-mx\n250-STARTTLS\n250 SIZE'


class Module:
    def __init__(self, path, settings):
        self.functions, self.settings = ctypes.CDLL(path), settings

    def call(self, function, *words):
        words = [self.settings, *words]
        argv = (ctypes.c_char_p * (len(words) + 1))(*[word.encode() for word in words])
        out = ctypes.c_char_p()
        status = getattr(self.functions, 'smtpsec_' + function)(ctypes.byref(out), len(words), argv)
        return status, (out.value or b'').decode()

    def event(self, name, peer, data=''):
        return self.call('event', name, *peer, '1xVccS-00008h-1w', data)

    def gate(self, peer, cipher='TLS_AES_256_GCM_SHA384', version='TLS1.3'):
        return self.call('gate', *peer, cipher, version, '1xVccS-00008h-1w')


def chain_of(host, address):
    """The certificates that a host sends, its own first, base64."""
    out = subprocess.run(['openssl', 's_client', '-starttls', 'smtp', '-showcerts', '-servername', host, '-connect',
                          f'{address}:25'], input=b'QUIT\r\n', capture_output=True).stdout.decode()
    found = re.findall(r'-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----', out, re.DOTALL)
    return [base64.b64encode(ssl.PEM_cert_to_DER_cert(pem)).decode() for pem in found]


class Try:
    def __init__(self, module, domain):
        self.module, self.host = module, f'mx.{domain}'
        self.peer = domain, self.host, socket.getaddrinfo(self.host, 25, socket.AF_INET)[0][4][0]
        self.chain = chain_of(*self.peer[1:])

    def begin(self):
        assert self.module.call('hosts', self.peer[0], 'a@sender.test', '') == (OK, self.host)
        assert self.module.event('tcp:connect', self.peer) == (OK, '')
        self.module.event('smtp:ehlo', self.peer, EHLO)

    def certificates(self):
        for depth, one in reversed(list(enumerate(self.chain))):
            yield f'{depth} {one}'

    def good(self):
        self.begin()
        vetoes = [self.module.event('tls:cert', self.peer, data)[1] for data in self.certificates()]
        assert not any(vetoes), vetoes


def tell(name, found, want):
    print(f'{"ok" if found == want else "FAILED"} {name}: {found}')


def shut(module, name, peer, **more):
    status, text = module.gate(peer, **more)
    print(f'{"ok" if status == FAIL and text else "FAILED"} {name}: {status} {text}')


def at_the_gate(module, one, other):
    shut(module, 'before anything', one.peer)
    module.call('hosts', one.peer[0], 'a@sender.test', '')
    shut(module, 'before a connection', one.peer)
    one.begin()
    shut(module, 'TLS, and no certificate was shown', one.peer)
    shut(module, 'no TLS where it is a must', one.peer, cipher='', version='')
    one.good()
    tell('all in order', module.gate(one.peer), (OK, ''))
    tell('all in order, once more', module.gate(one.peer), (OK, ''))
    shut(module, 'another domain', (other.peer[0], *one.peer[1:]))
    shut(module, 'another address', (*one.peer[:2], '192.0.2.1'))
    shut(module, 'another host', other.peer)
    module.event('tcp:connect', one.peer)
    shut(module, 'a new connection has shown nothing', one.peer)
    other.begin()
    shut(module, 'the plan is for another domain now', one.peer)


def chains(module, one, other):
    one.begin()
    refused = module.event('tls:cert', one.peer, '0 ' + other.chain[0])[1]
    tell('the chain of another host is refused', bool(refused), True)
    shut(module, 'its refusal counts at the gate', one.peer)
    one.begin()
    refused = module.event('tls:cert', one.peer, '0 AAAA')[1]
    tell('a certificate that is none is refused', bool(refused), True)
    shut(module, 'and at the gate', one.peer)
    for name, data in (('no base64', '0 *'), ('no depth', 'x AAAA'), ('depth alone', '0'), ('too deep', '99 AAAA')):
        one.begin()
        tell(f'an event with {name} is refused', module.event('tls:cert', one.peer, data)[1],
             'the certificates cannot be read')
        shut(module, f'and at the gate: {name}', one.peer)
    # What Exim does when a certificate above the server's own cannot be parsed: it falls silent.
    one.begin()
    module.event('tls:cert', one.peer, '1 ' + other.chain[0])
    shut(module, 'events end before the server\'s own certificate', one.peer)
    one.good()
    module.event('tls:cert', one.peer, '0 ' + other.chain[0])
    shut(module, 'a second chain on one connection', one.peer)
    other.good()
    tell('a chain of several is in order', module.gate(other.peer), (OK, ''))
    shut(module, 'a version that is too old', other.peer, version='TLS1.1')
    shut(module, 'a version that nobody knows', other.peer, version='')


def elsewhere(module, one):
    one.begin()
    stranger = one.peer[0], 'mx.x.test', '192.0.2.1'
    tell('no other host is connected to', bool(module.event('tcp:connect', stranger)[1]), True)
    shut(module, 'after that', one.peer)
    tell('TLS is a must for who is not known', module.call('require_tls', *stranger), (OK, '*'))
    tell('with too few words as well', module.call('require_tls', 'x.test'), (OK, '*'))
    tell('an event with too few words refuses', bool(module.call('event', 'tls:cert')[1]), True)
    tell('a gate with too few words is shut', module.call('gate', 'x')[0], FAIL)
    one.good()
    child = os.fork()
    if child == 0:
        os._exit(module.gate(one.peer)[0])
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    tell('what a parent has seen counts for nothing in its child', status, FAIL)
    tell('and goes on to count for itself', module.gate(one.peer), (OK, ''))
    module.settings = '/nonexistent'
    child = os.fork()
    if child == 0:
        found = (module.call('route', 'x.test', '', '')[0], module.call('hosts', 'x.test', '', '')[0],
                 module.call('require_tls', *one.peer)[1], bool(module.event('tcp:connect', one.peer)[1]),
                 module.call('sni', *one.peer)[0], module.gate(one.peer)[0])
        tell('without settings all refuse', found, (FAIL, FAIL, '*', True, FAIL, FAIL))
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(child, 0)


def spelt_otherwise(module, one):
    """Exim hands over a domain as it stands in the address; the plan has its A-labels."""
    one.good()
    tell('an internationalised domain is in order', module.gate(one.peer), (OK, ''))


def become(uid):
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def main():
    become(int(sys.argv[3]))
    module = Module(*sys.argv[1:3])
    one, other = Try(module, 'dane-ee.test'), Try(module, 'sts-intermediate.test')
    spelt = Try(module, 'xn--bcher-kva.test')
    spelt.peer = 'b\u00fccher.test', *spelt.peer[1:]
    assert len(one.chain) == 1 and len(other.chain) > 1
    at_the_gate(module, one, other)
    chains(module, one, other)
    spelt_otherwise(module, spelt)
    sys.stdout.flush()
    elsewhere(module, one)


if __name__ == '__main__':
    main()
