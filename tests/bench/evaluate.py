#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Evaluations against a real resolver, then against responders of the benchmark's own.

    tests/bench/evaluate.py BENCH_EVALUATE [--quick]

nsd serves the names of tests/bench/responder.h, those under dane.test signed;
unbound with one thread validates them and keeps them in its cache. It has the
last processor but one to itself, the evaluations have the last one. Where nsd
or unbound is not installed, that half is left out, and stderr says so.
"""
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'lab'))

import daemons  # noqa: E402
import dnsquery  # noqa: E402
import zones  # noqa: E402

DOMAINS = 512          # as bench_evaluate.c asks for
TTL = 86400            # nothing may leave the cache during a run
ASSOCIATION = '3 1 1 ' + '07' * 32

NSD = """
server:
    server-count: 1
    ip-address: 127.0.0.1
    port: {port}
    do-ip6: no
    username: ""
    chroot: ""
    zonesdir: "{directory}"
    database: ""
    pidfile: "{directory}/nsd.pid"
    zonelistfile: "{directory}/nsd.list"
    xfrdfile: ""
    xfrdir: "{directory}"
    logfile: "{directory}/nsd.log"
    rrl-ratelimit: 0
    rrl-whitelist-ratelimit: 0
remote-control:
    control-enable: no
"""

UNBOUND = """
server:
    interface: 127.0.0.1
    port: {port}
    access-control: 127.0.0.0/8 allow
    do-ip6: no
    do-daemonize: no
    do-not-query-localhost: no
    num-threads: 1
    username: ""
    chroot: ""
    directory: "{directory}"
    pidfile: "{directory}/unbound.pid"
    use-syslog: no
    logfile: "{directory}/unbound.log"
    module-config: "validator iterator"
    trust-anchor-file: "{directory}/anchor"
    trust-anchor-signaling: no
    local-zone: "test." nodefault
    cache-max-negative-ttl: 86400
    so-rcvbuf: 0
remote-control:
    control-enable: no
"""


def free_port():
    """Free for UDP and TCP, as both daemons want it."""
    while True:
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind(('127.0.0.1', 0))
            try:
                udp.bind(tcp.getsockname())
                return tcp.getsockname()[1]
            except OSError:
                pass


def fill(zone):
    zone.add(zone.name, 'NS', f'ns.{zone.name}.')
    zone.add(f'ns.{zone.name}', 'A', '127.0.0.1')
    for number, hosts in [(i, 1) for i in range(DOMAINS)] + [(1, 5)]:
        domain = f'd{number}-{hosts}.{zone.name}'
        for k in range(1, hosts + 1):
            host = f'mx{k:02}.{domain}'
            zone.add(domain, 'MX', f'{10 * k} {host}.')
            zone.add(host, 'A', '192.0.2.1')
            zone.add(host, 'AAAA', '2001:db8::1')
            if zone.security == 'secure':
                zone.add(f'_25._tcp.{host}', 'TLSA', ASSOCIATION)


def make_zones(directory):
    zones.TTL = TTL
    signer = zones.Signer(directory)
    for zone in (zones.Zone('plain.test', 'insecure'), zones.Zone('dane.test', 'secure')):
        fill(zone)
        signer.write(zone, 1)
    with open(signer.key('dane.test') + '.key') as key, open(f'{directory}/anchor', 'w') as out:
        out.write(key.read())
    return signer


def wait(daemon, port, name, signed):
    end = time.monotonic() + 10
    while True:
        daemon.check()
        try:
            reply = dnsquery.ask(('127.0.0.1', port), name, 'SOA', 0.5)
            if reply.data('SOA') and (reply.ad or not signed):
                return
        except OSError:
            pass
        if time.monotonic() > end:
            raise RuntimeError(f'{daemon.name} does not answer for {name}')
        time.sleep(0.05)


class Resolver:
    """nsd, and unbound in front of it."""

    def __init__(self, directory):
        self.directory, self.running = directory, []
        signer = make_zones(directory)
        server, self.port = free_port(), free_port()
        text = NSD.format(port=server, directory=directory)
        for name in ('plain.test', 'dane.test'):
            text += f'zone:\n    name: "{name}"\n    zonefile: "{signer.file(name)}"\n'
        try:
            wait(self.start('nsd', text), server, 'plain.test', False)
            text = UNBOUND.format(port=self.port, directory=directory)
            for name in ('plain.test', 'dane.test'):
                text += f'stub-zone:\n    name: "{name}"\n    stub-addr: 127.0.0.1@{server}\n'
            self.unbound = unbound = self.start('unbound', text)
            wait(unbound, self.port, 'plain.test', False)
            wait(unbound, self.port, 'dane.test', True)
        except BaseException:
            self.stop()
            raise
        processors = os.cpu_count() or 1
        if processors > 1:
            os.sched_setaffinity(unbound.process.pid, {processors - 2})

    def start(self, name, text):
        config = os.path.join(self.directory, f'{name}.conf')
        with open(config, 'w') as out:
            out.write(text)
        program = daemons.Names.unconfined(self, name) if name == 'unbound' else daemons.find(name)
        daemon = daemons.Daemon([program, '-d', '-c', config], self.directory, name)
        self.running.append(daemon)
        return daemon

    def stop(self):
        for daemon in reversed(self.running):
            daemon.stop()


def against_unbound(bench, quick):
    with tempfile.TemporaryDirectory(prefix='smtpsec-bench-') as directory:
        try:
            resolver = Resolver(directory)
        except RuntimeError as problem:
            print(f'evaluate: no real resolver: {problem}', file=sys.stderr)
            return 0
        try:
            return subprocess.run([bench, '--resolver', str(resolver.port), '--pid',
                                   str(resolver.unbound.process.pid), '--label', 'unbound', *quick],
                                  check=False).returncode
        finally:
            resolver.stop()


def main():
    bench, quick = sys.argv[1], sys.argv[2:]
    status = against_unbound(bench, quick)
    return subprocess.run([bench, *quick], check=False).returncode or status


if __name__ == '__main__':
    sys.exit(main())
