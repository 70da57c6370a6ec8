# SPDX-License-Identifier: LGPL-2.1-or-later
"""The table with addresses and certificates, as it stands now.

A change (an attack, or something the owner does) is a function on a fresh copy
of the table; taking it back means applying the others again.
"""
import copy

from certificates import Request
from model import absolute

PREFIX = '127.77'
FIRST_ROW = 10
POLICY_HOST = 200
DEAD = (190, 191, 192)
PREFIX6 = 'fd00:77:'

# The name servers of the lab.
ROOT, TOP, ZONES = f'{PREFIX}.0.1', f'{PREFIX}.0.2', f'{PREFIX}.0.3'
SERVFAIL, SILENT, REFUSED = f'{PREFIX}.0.4', f'{PREFIX}.0.5', f'{PREFIX}.0.6'
OUTGOING = f'{PREFIX}.0.54'


class World:
    def __init__(self, table):
        self.pristine = table
        self.changes = []          # (words, function on World)
        self.number = {row.name: FIRST_ROW + i for i, row in enumerate(table)}
        if len(self.number) != len(table):
            raise ValueError('two rows have one name')
        if len(table) > 245 - FIRST_ROW:
            raise ValueError('the table is full: a row needs a /24 of its own')
        self.apply()

    def apply(self):
        """Make the present state out of the table and the changes."""
        rows = copy.deepcopy(self.pristine)
        self.rows = {row.name: row for row in rows}
        for _, change in self.changes:
            change(self)
        self.hosts, self.at = {}, {}
        for row in rows:
            for index, host in enumerate(row.hosts):
                name = absolute(host.name, row.domain)
                self.hosts[name] = (row, host)
                if not host.alias:
                    for address in self.addresses(row, index, host):
                        self.at[address] = name

    def addresses(self, row, index, host):
        base = 1 + sum(max(h.addresses, 1) for h in row.hosts[:index])
        return [f'{PREFIX}.{self.number[row.name]}.{base + i}' for i in range(host.addresses)]

    def host_addresses(self, name):
        row, host = self.hosts[name]
        return self.addresses(row, row.hosts.index(host), host)

    def policy_address(self, row):
        """Where mta-sts.DOMAIN is served; a delegated one lives at its provider."""
        owner = self.row_of(row.sts.delegated) if row.sts and row.sts.delegated else row
        if row.sts and row.sts.addresses == 'v6':
            return f'{PREFIX6}:{self.number[owner.name]:x}:{POLICY_HOST:x}'
        return f'{PREFIX}.{self.number[owner.name]}.{POLICY_HOST}'

    def policy_addresses(self, row):
        """What the DNS says of mta-sts.DOMAIN, in order."""
        served = self.policy_address(row)
        if row.sts.addresses == 'dead-first':
            return [f'{PREFIX}.{self.number[row.name]}.{last}' for last in DEAD] + [served]
        return [served]

    def ipv6_addresses(self):
        return [self.policy_address(row) for row in self.rows.values() if row.sts and row.sts.addresses == 'v6']

    def row_of(self, domain):
        domain = domain.rstrip('.').lower()
        for row in self.rows.values():
            if row.domain == domain:
                return row
        raise KeyError(f'{domain} is not a domain of the lab')

    # ---- certificates

    def published_request(self, name):
        """The owner's certificate of a host, which TLSA records describe."""
        row, host = self.hosts[name]
        return Request(name, row.domain, host.cert)

    def presented_request(self, name):
        """What the server shows now; the attacker's has another key."""
        row, host = self.hosts[name]
        if host.presented:
            return Request(name, row.domain, host.presented, 1)
        return self.published_request(name)

    def policy_request(self, row):
        return Request(f'mta-sts.{row.domain}', row.domain, row.sts.cert)

    def requests(self):
        """Every certificate that the present state needs."""
        found = []
        for name, (_, host) in self.hosts.items():
            if not host.alias:
                found += [self.published_request(name), self.presented_request(name)]
        return found + [self.policy_request(row) for row in self.rows.values() if row.sts]

    # ---- what listens

    def smtp_listeners(self):
        return {address for address, name in self.at.items() if self.hosts[name][1].smtp != 'down'}

    def policy_rows(self, address):
        """The domains whose policy is served at an address, by the name of their policy host."""
        return {f'mta-sts.{row.domain}': row for row in self.rows.values()
                if row.sts and self.policy_address(row) == address
                and row.sts.https != 'down' and not row.sts_blocked}

    def https_listeners(self):
        found = {self.policy_address(row) for row in self.rows.values() if row.sts}
        return {address for address in found if self.policy_rows(address)}
