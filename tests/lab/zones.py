# SPDX-License-Identifier: LGPL-2.1-or-later
"""Zone texts out of the world, and their signatures (ldns-keygen, ldns-signzone)."""
import glob
import os
import subprocess
import time
from dataclasses import dataclass, field

import world as w
from certificates import association
from model import TLD, absolute

SIGNED = ('secure', 'nsec3', 'opt-out', 'bogus', 'expired')
ELSEWHERE = {'servfail': 'servfail', 'refused': 'refused', 'timeout': 'silent'}
TTL = 300
DAY = 86400
SIGNZONE = {'nsec3': ['-n', '-t', '0'], 'opt-out': ['-n', '-t', '0', '-p']}

GLUE = {'a': w.ROOT, 'b': w.TOP, 'ns': w.ZONES, 'servfail': w.SERVFAIL, 'silent': w.SILENT,
        'refused': w.REFUSED}

# RFC 8460 section 3: who wants TLS reports; these do not, or do not know how to ask.
WANTS_REPORTS = 'v=TLSRPTv1; rua=mailto:reports@reports.test'
TLSRPT = {'plain': (), 'starttls-refused': ('v=TLSRPTv1; rua=ftp://reports.test/',),
          'signed-nsec3': (WANTS_REPORTS, WANTS_REPORTS.replace('reports@', 'others@'))}


@dataclass
class Zone:
    """A zone before signing. `broken` names RRsets whose signature is spoilt; ('*', '*') means all."""
    name: str
    security: str
    lines: list = field(default_factory=list)
    broken: set = field(default_factory=set)
    signed_ago: int = 0

    def add(self, owner, kind, data):
        self.lines.append(f'{owner.rstrip(".")}. {TTL} IN {kind} {data}')


# ---- What stands in a row's zone ---------------------------------------------

def has_zone(row):
    return row.security not in ('parent', 'missing', *ELSEWHERE)


def row_zone(world, certificates, row):
    zone = Zone(row.domain, row.security, signed_ago=row.signed_ago)
    zone.add(row.domain, 'NS', f'ns.nic.{TLD}.')
    if row.security == 'bogus':
        zone.broken.add(('*', '*'))
    add_mx(zone, row)
    for host in row.hosts:
        add_host(zone, world, certificates, row, host)
    if row.sts:
        add_sts(zone, world, row)
    for other in world.rows.values():
        if other.sts and other.sts.delegated and other.sts.delegated.rstrip('.') == row.domain:
            add_hosted_sts(zone, world, other)
    zone.lines += row.records
    for text in TLSRPT.get(row.name, (WANTS_REPORTS,)):
        zone.add(f'_smtp._tls.{row.domain}', 'TXT', f'"{text}"')
    return zone


def add_mx(zone, row):
    records = [(h.pref, absolute(h.name, row.domain)) for h in row.hosts if h.pref is not None]
    records += [(pref, '' if name == '.' else absolute(name, row.domain)) for pref, name in row.mx]
    if row.spoofed_mx:
        records = [(1, row.spoofed_mx)]
        zone.broken.add((row.domain, 'MX'))  # the attacker has no key
    for pref, name in records:
        zone.add(row.domain, 'MX', f'{pref} {name}.')


def add_host(zone, world, certificates, row, host):
    name = absolute(host.name, row.domain)
    if host.alias:
        zone.add(name, 'CNAME', host.alias)
    else:
        for address in world.host_addresses(name):
            zone.add(name, 'A', address)
    if host.aaaa:
        zone.add(name, 'AAAA', '::1')
        zone.broken.add((name, 'AAAA'))
    add_tlsa(zone, world, certificates, name, host)


def add_tlsa(zone, world, certificates, name, host):
    owner = f'_25._tcp.{name}'
    if host.tlsa_answer in ELSEWHERE:
        zone.add(owner, 'NS', f'{ELSEWHERE[host.tlsa_answer]}.nic.{TLD}.')
        return
    if host.tlsa_answer == 'bogus':
        zone.broken.add((owner, 'TLSA'))
    if host.tlsa_answer == 'alias':
        zone.add(owner, 'CNAME', f'tlsa._dane.{zone.name}.')
        owner = f'tlsa._dane.{zone.name}'

    def leaf_of(other):
        return certificates.issued[world.published_request(other or name)].der
    for text in host.tlsa:
        zone.add(owner, 'TLSA', association(text, certificates, leaf_of))


def add_sts(zone, world, row):
    owner, host = f'_mta-sts.{row.domain}', f'mta-sts.{row.domain}'
    if row.sts_blocked:
        if row.security in SIGNED:  # a signed TXT cannot be denied, only withheld
            zone.add(owner, 'NS', f'servfail.nic.{TLD}.')
    elif row.sts.delegated:
        zone.add(owner, 'CNAME', f'_mta-sts.{row.name}.{row.sts.delegated}')
    else:
        add_txt(zone, owner, row)
    if row.sts.delegated:
        zone.add(host, 'CNAME', f'mta-sts.{row.sts.delegated}')
    else:
        for address in world.policy_addresses(row):
            zone.add(host, 'AAAA' if ':' in address else 'A', address)


def add_hosted_sts(zone, world, row):
    add_txt(zone, f'_mta-sts.{row.name}.{zone.name}', row)
    line = f'mta-sts.{zone.name}. {TTL} IN A {world.policy_address(row)}'
    if line not in zone.lines:
        zone.lines.append(line)


def add_txt(zone, owner, row):
    for text in row.sts.txt:
        zone.add(owner, 'TXT', f'"{text}"')


# ---- The TLD and the root ------------------------------------------------------

def delegate(zone, row, ds_of):
    if row.security == 'parent':
        zone.add(row.domain, 'CNAME', row.cname)
    elif row.security in ELSEWHERE:
        zone.add(row.domain, 'NS', f'{ELSEWHERE[row.security]}.nic.{TLD}.')
    elif has_zone(row):
        zone.add(row.domain, 'NS', f'ns.nic.{TLD}.')
        if row.security in SIGNED:
            zone.add(row.domain, 'DS', ds_of(row.domain))


def top_zone(world, ds_of):
    zone = Zone(TLD, 'secure')
    zone.add(TLD, 'NS', f'b.nic.{TLD}.')
    for name, address in GLUE.items():
        zone.add(f'{name}.nic.{TLD}', 'A', address)
    for row in world.rows.values():
        delegate(zone, row, ds_of)
    return zone


def root_zone(ds_of):
    zone = Zone('.', 'secure')
    zone.add('.', 'NS', f'a.nic.{TLD}.')
    zone.add(TLD, 'NS', f'b.nic.{TLD}.')
    zone.add(TLD, 'DS', ds_of(TLD))
    for name in 'ab':
        zone.add(f'{name}.nic.{TLD}', 'A', GLUE[name])
    return zone


# ---- Keys and signatures -------------------------------------------------------

class Signer:
    """Keys of all zones, and zone files ready for nsd."""

    def __init__(self, directory):
        self.keys, self.zones = os.path.join(directory, 'keys'), os.path.join(directory, 'zones')
        os.makedirs(self.keys)
        os.makedirs(self.zones)
        self.serial = 0

    def key(self, name):
        """The base name of the zone's key (one key signs all), made when first asked for."""
        place = os.path.join(self.keys, name.rstrip('.') or 'root')
        if not os.path.isdir(place):
            os.makedirs(place + '.new')
            subprocess.run(['ldns-keygen', '-a', 'ECDSAP256SHA256', '-k', '-r', '/dev/urandom',
                            name.rstrip('.') or '.'], cwd=place + '.new', check=True,
                           stdin=subprocess.DEVNULL, capture_output=True)
            os.rename(place + '.new', place)
        return glob.glob(os.path.join(glob.escape(place), '*.private'))[0].removesuffix('.private')

    def ds(self, name):
        with open(self.key(name) + '.ds') as file:
            return file.read().split('DS', 1)[1].strip()

    def anchor(self):
        with open(self.key('.') + '.key') as file:
            return file.read()

    def file(self, name):
        return os.path.join(self.zones, (name.rstrip('.') or 'root') + '.zone')

    def write(self, zone, serial):
        """Write and sign the file that nsd serves."""
        apex = zone.name.rstrip('.') + '.'
        soa = (f'{apex} {TTL} IN SOA ns.nic.{TLD}. hostmaster.nic.{TLD}. '
               f'{serial} 3600 600 86400 60')
        target = self.file(zone.name)
        plain = target + '.plain'
        with open(plain, 'w') as out:
            out.write('\n'.join([soa] + zone.lines) + '\n')
        if zone.security not in SIGNED:
            os.replace(plain, target)
            return
        self.sign(zone, apex, plain, target + '.signed')
        spoil(target + '.signed', apex, zone.broken)
        os.replace(target + '.signed', target)

    def sign(self, zone, apex, plain, signed):
        now = int(time.time())
        begin, end = now - 3600 * (1 + zone.signed_ago), now + 200 * DAY
        if zone.security == 'expired':
            begin, end = now - 60 * DAY, now - 30 * DAY
        subprocess.run(['ldns-signzone', *SIGNZONE.get(zone.security, []), '-i', str(begin), '-e',
                        str(end), '-o', apex, '-f', signed, plain, self.key(zone.name)],
                       check=True, stdin=subprocess.DEVNULL, capture_output=True)


def spoil(path, apex, broken):
    """Break the signatures over the named RRsets, by one character each."""
    if not broken:
        return
    with open(path) as file:
        lines = file.read().splitlines()
    for number, line in enumerate(lines):
        fields = line.split()
        if len(fields) < 13 or fields[3] != 'RRSIG':
            continue
        keys = fields[0] == apex and fields[4] == 'DNSKEY'
        if (fields[0].rstrip('.'), fields[4]) in broken or (('*', '*') in broken and not keys):
            fields[12] = ('B' if fields[12][0] == 'A' else 'A') + fields[12][1:]
            lines[number] = ' '.join(fields)
    with open(path, 'w') as out:
        out.write('\n'.join(lines) + '\n')
