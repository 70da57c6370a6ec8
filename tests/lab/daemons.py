# SPDX-License-Identifier: LGPL-2.1-or-later
"""nsd for the root, the TLD and the zones; unbound in front. Started, told, stopped by pid."""
import os
import shutil
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import dnsquery
import world as w
import zones as z
from model import TLD

NSD_CONFIG = """
server:
    server-count: 1
    ip-address: {address}
    do-ip6: no
    username: ""
    chroot: ""
    zonesdir: "{directory}"
    database: ""
    pidfile: "{directory}/nsd-{name}.pid"
    zonelistfile: "{directory}/nsd-{name}.list"
    xfrdfile: ""
    xfrdir: "{directory}"
    logfile: "{directory}/nsd-{name}.log"
    rrl-ratelimit: 0
    rrl-whitelist-ratelimit: 0
remote-control:
    control-enable: yes
    control-interface: "{directory}/nsd-{name}.control"
"""

# Addresses outside 127.0.0.0/8: never to be asked.
NOT_LOOPBACK = ('0.0.0.0/2', '64.0.0.0/3', '96.0.0.0/4', '112.0.0.0/5', '120.0.0.0/6', '124.0.0.0/7',
                '126.0.0.0/8', '128.0.0.0/1', '::/0')

UNBOUND_CONFIG = """
server:
    interface: {address}@53
    port: 53
    outgoing-interface: {outgoing}
    access-control: 127.0.0.0/8 allow
    do-ip6: no
    do-daemonize: no
    do-not-query-localhost: no
{never}
    num-threads: 1
    username: ""
    chroot: ""
    directory: "{directory}"
    pidfile: "{directory}/unbound.pid"
    use-syslog: no
    logfile: "{directory}/unbound.log"
    log-queries: yes
    log-servfail: yes
    log-tag-queryreply: yes
    verbosity: 1
    val-log-level: 2
    module-config: "validator iterator"
    root-hints: "{directory}/root.hints"
    trust-anchor-file: "{directory}/root.anchor"
    trust-anchor-signaling: no
    local-zone: "{tld}." nodefault
    qname-minimisation: no
    aggressive-nsec: no
    prefetch: no
    # addresses in the order of the zone
    rrset-roundrobin: no
    target-fetch-policy: "0 0 0 0 0"
    ede: yes
    # a dead server is given up soon, and asked again the next time
    unknown-server-time-limit: 100
    infra-cache-min-rtt: 100
    infra-cache-max-rtt: 400
    infra-keep-probing: yes
    infra-host-ttl: 1
    outbound-msg-retry: 3
    val-bogus-ttl: 1
    val-max-restart: 1
    cache-max-negative-ttl: 60
remote-control:
    control-enable: yes
    control-interface: "{directory}/unbound.control"
    control-use-cert: no
"""


class Daemon:
    """One process in a session of its own, so that a Ctrl-C at the terminal passes it by."""

    def __init__(self, arguments, directory, name):
        self.name, self.log = name, os.path.join(directory, f'{name}.out')
        with open(self.log, 'wb') as out:
            self.process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=subprocess.STDOUT, start_new_session=True,
                                            cwd=directory)

    def check(self):
        if self.process.poll() is not None:
            with open(self.log, errors='replace') as file:
                raise RuntimeError(f'{self.name} ended with {self.process.returncode}:\n{file.read()}')

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(3)
            except subprocess.TimeoutExpired:
                pass
        try:  # what it started stands in its own process group
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()


def tell(path, words, expect=b'ok'):
    """Say one line to a daemon's control socket."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(10)
        sock.connect(path)
        sock.sendall(words.encode() + b'\n')
        answer = b''
        while more := sock.recv(4096):
            answer += more
    if expect not in answer:
        raise RuntimeError(f'{words}: {answer.decode(errors="replace")}')


def find(program):
    path = shutil.which(program, path=os.environ.get('PATH', '') + ':/usr/sbin:/sbin:/usr/local/sbin')
    if not path:
        raise RuntimeError(f'{program} is not installed')
    return path


class Names:
    """All of the lab's DNS: zone files, name servers, the resolver."""

    def __init__(self, directory, resolver):
        self.directory, self.resolver = directory, (resolver, 53)
        self.signer = z.Signer(directory)
        self.published, self.serials, self.serial = {}, {}, 0
        self.daemons = []

    # ---- zones

    def wanted(self, world, certificates):
        found = [z.root_zone(self.signer.ds), z.top_zone(world, self.signer.ds)]
        found += [z.row_zone(world, certificates, row) for row in world.rows.values()
                  if z.has_zone(row) or row.name in self.kept(world)]
        return {zone.name: zone for zone in found}

    @staticmethod
    def kept(world):
        """Rows that have a zone in the table, although a change delegates them elsewhere now."""
        return {row.name for row in world.pristine if z.has_zone(row)}

    def write(self, world, certificates):
        """Write what has changed since the last time; returns the names of those zones."""
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(self.signer.key, [row.domain for row in world.rows.values()
                                            if row.security in z.SIGNED] + ['.', TLD]))
            wanted = self.wanted(world, certificates)
            changed = [zone for name, zone in wanted.items() if zone != self.published.get(name)]
            for zone in changed:
                self.serial += 1
                self.serials[zone.name] = self.serial
            list(pool.map(lambda zone: self.signer.write(zone, self.serials[zone.name]), changed))
        self.published = wanted
        return [zone.name for zone in changed]

    @staticmethod
    def server_of(name):
        return {'.': 'root', TLD: 'top'}.get(name, 'zones')

    ADDRESS = {'root': w.ROOT, 'top': w.TOP, 'zones': w.ZONES}

    # ---- daemons

    def start(self):
        for name, address in self.ADDRESS.items():
            self.start_nsd(name, address)
        self.start_unbound()
        for zone in ('.', TLD, *list(self.published)[-1:]):
            self.wait_serial(zone)
        self.wait(lambda: dnsquery.ask(self.resolver, TLD, 'SOA', 0.5).ad, 'unbound does not validate')

    def start_nsd(self, name, address):
        config = os.path.join(self.directory, f'nsd-{name}.conf')
        with open(config, 'w') as out:
            out.write(NSD_CONFIG.format(name=name, address=address, directory=self.directory))
            for zone in self.published:
                if self.server_of(zone) == name:
                    out.write(f'zone:\n    name: "{zone}"\n    zonefile: "{self.signer.file(zone)}"\n')
        self.daemons.append(Daemon([find('nsd'), '-d', '-c', config], self.directory, f'nsd-{name}'))

    def start_unbound(self):
        config = os.path.join(self.directory, 'unbound.conf')
        with open(os.path.join(self.directory, 'root.hints'), 'w') as out:
            out.write(f'. 3600 IN NS a.nic.{TLD}.\na.nic.{TLD}. 3600 IN A {w.ROOT}\n')
        with open(os.path.join(self.directory, 'root.anchor'), 'w') as out:
            out.write(self.signer.anchor())
        never = '\n'.join(f'    do-not-query-address: {net}' for net in NOT_LOOPBACK)
        with open(config, 'w') as out:
            out.write(UNBOUND_CONFIG.format(address=self.resolver[0], outgoing=w.OUTGOING, never=never,
                                            directory=self.directory, tld=TLD))
        self.daemons.append(Daemon([self.unconfined('unbound'), '-d', '-c', config], self.directory,
                                   'unbound'))

    def unconfined(self, program):
        """AppArmor profiles go by path and know nothing of our directory: run a copy then."""
        path = find(program)
        if not os.path.exists('/sys/kernel/security/apparmor') and \
                not os.path.exists('/sys/module/apparmor'):
            return path
        return shutil.copy2(path, os.path.join(self.directory, program))

    def wait(self, condition, complaint, seconds=10):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for daemon in self.daemons:
                daemon.check()
            try:
                if condition():
                    return
            except OSError:
                pass
            time.sleep(0.01)
        raise RuntimeError(complaint)

    def wait_serial(self, zone):
        """Wait until the name server answers with the zone as written last."""
        server = (self.ADDRESS[self.server_of(zone)], 53)

        def current():
            found = dnsquery.ask(server, zone, 'SOA', 0.5, recurse=False).data('SOA')
            return found == [self.serials[zone]]
        self.wait(current, f'nsd does not serve the new {zone}')

    # ---- changes

    def publish(self, world, certificates):
        """Bring the DNS in line with the world; returns when the resolver sees it."""
        changed = self.write(world, certificates)
        for zone in changed:
            tell(self.control(f'nsd-{self.server_of(zone)}'), f'NSDCT1 reload {zone}')
        for zone in changed:
            self.wait_serial(zone)
        self.flush()

    def control(self, name):
        return os.path.join(self.directory, f'{name}.control')

    def flush(self):
        for words in ('flush_zone .', 'flush_negative', 'flush_bogus', 'flush_infra all'):
            tell(self.control('unbound'), f'UBCT1 {words}')

    def stop(self):
        for daemon in reversed(self.daemons):
            daemon.process.terminate()
        for daemon in reversed(self.daemons):
            daemon.stop()
