#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes the outcome grid of the matrix (1a) as a scenario: every DNS status at every look-up.

The expectations stand here as the grid's columns say them, apart from the
library. Three grids: no policy, an MTA-STS policy that enforces (where the
grid says OPP it then reads PKIX), and TLS-Required: No (where the column of
TLSA always reads OPP).
"""

# status of the scenario language -> failure word, None for an answer
STATUSES = {
    'secure': None, 'insecure': None,
    'nodata-secure': None, 'nodata': None,
    'nxdomain-secure': None, 'nxdomain': None,
    'servfail': 'servfail', 'timeout': 'timeout', 'refused': 'rcode', 'notimp': 'rcode', 'formerr': 'rcode',
    'malformed': 'malformed', 'truncated': 'truncated', 'bogus': 'bogus', 'indeterminate': 'indeterminate',
    'alias-loop': 'alias', 'alias-deep': 'alias',
}
DATA = ('secure', 'insecure', 'malformed', 'truncated')

HOST_SECURE = ['dns MX d.test secure 10:mx.d.test']
ADDRESS = ['dns A mx.d.test secure 192.0.2.1', 'dns AAAA mx.d.test secure 2001:db8::1']
TLSA = ['dns TLSA _25._tcp.mx.d.test secure 3.1.1.good:mx.d.test']
ALIAS = ['dns A mx.d.test secure cname=h.p.test 192.0.2.1', 'dns AAAA mx.d.test nodata-secure cname=h.p.test']
STS = ['dns TXT _mta-sts.d.test insecure "v=STSv1; id=1;"', 'dns A mta-sts.d.test insecure 192.0.2.9',
       r'https mta-sts.d.test 200 text/plain "version: STSv1\nmode: enforce\nmx: *.d.test\nmx: d.test\nmax_age: 604800\n"']


def line(kind, name, status, data):
    return f'dns {kind} {name} {status}' + (f' {data}' if status in DATA else '')


def reason(stage, failure):
    """The word for a failure at a stage; truncated and malformed share one where the matrix names no other."""
    if failure == 'truncated' and stage != 'tlsa':
        failure = 'malformed'
    return f'{stage}-{failure}'


class Mode:
    """How one of the three grids reads the grid's levels."""

    def __init__(self, name, facts, message, opp, dane, half, enc):
        self.name, self.facts, self.message = name, facts, message
        self.opp, self.dane, self.half, self.enc = opp, dane, half, enc


MODES = [
    Mode('no policy', [], '', 'none', 'dane', 'authenticated', 'encrypted'),
    Mode('mta-sts', STS, '', 'mta-sts', 'dane', 'mta-sts', 'mta-sts'),
    Mode('tls-required-no', [], ' tls-required-no', 'none', 'none', 'none', 'none'),
]


def use(host, level):
    return ['expect verdict deliver', f'expect use {host} {level}']


def skip(why, host='mx.d.test', verdict='defer'):
    return [f'expect verdict {verdict}', f'expect skip {host} {why}']


def next_hop(status, failure, mode, alias=False):
    facts = [line('MX', 'd.test', status, ('cname=e.test ' if alias else '') + '10:mx.d.test')] + ADDRESS + TLSA
    if failure:
        return facts, ['expect verdict defer', f'expect reason {reason("mx", failure)}', 'expect enhanced 4.4.3']
    if status == 'secure':
        return facts, use('mx.d.test', mode.dane)
    if status == 'insecure':
        return facts, use('mx.d.test', mode.half)
    if status.startswith('nodata'):  # the domain itself: insecure addresses, no DANE
        return facts + ['dns A d.test insecure 192.0.2.7'], use('d.test', mode.opp)
    return facts, ['expect verdict fail', 'expect reason no-such-domain', 'expect enhanced 5.1.2']


def address(family, status, failure, mode, other):
    """One family with a status, the other as given: absent, or there and secure."""
    kind, data = (('A', '192.0.2.1'), ('AAAA', '2001:db8::1'))[family]
    kind2, data2 = (('A', '192.0.2.1'), ('AAAA', '2001:db8::1'))[1 - family]
    facts = HOST_SECURE + TLSA + [line(kind, 'mx.d.test', status, data),
                                  line(kind2, 'mx.d.test', other, data2)]
    if other == 'secure':  # RES-20, RES-22: one secure family is enough, and asks for TLSA
        return facts, use('mx.d.test', mode.dane) + [f'expect partial mx.d.test {"yes" if failure else "no"}']
    if failure:            # RES-19, RES-21
        return facts, skip(reason('addr', failure))
    if status == 'secure':
        return facts, use('mx.d.test', mode.dane)
    if status == 'insecure':  # RES-17
        return facts, use('mx.d.test', mode.opp) + ['expect not-asked TLSA _25._tcp.mx.d.test']
    return facts, skip('no-address', verdict='fail')


def extra_cname(status, failure, mode):
    facts = HOST_SECURE + TLSA + ['dns A mx.d.test insecure cname=h.cdn.test 192.0.2.1',
                                  line('CNAME', 'mx.d.test', status, 'h.cdn.test')]
    if status == 'secure':
        return facts, use('mx.d.test', mode.dane)
    if status == 'insecure':
        return facts, use('mx.d.test', mode.opp)
    return facts, skip('cname-lookup')


def tlsa(status, failure, mode, unusable=False):
    data = '0.0.1.good:mx.d.test' if unusable else '3.1.1.good:mx.d.test'
    facts = HOST_SECURE + ADDRESS + [line('TLSA', '_25._tcp.mx.d.test', status, data)]
    if failure:
        if mode.name == 'tls-required-no':
            return facts, use('mx.d.test', mode.opp)
        return facts, skip(reason('tlsa', failure))
    if status == 'secure':
        return facts, use('mx.d.test', mode.enc if unusable else mode.dane)
    return facts, use('mx.d.test', mode.opp)


def first_of_two(status, failure, mode):
    """The expanded name's records decide; what is no base lets the original name be one."""
    facts = HOST_SECURE + ALIAS + TLSA + [line('TLSA', '_25._tcp.h.p.test', status, '3.1.1.good:h.p.test')]
    if failure:
        if mode.name == 'tls-required-no':
            return facts, use('mx.d.test', mode.opp)
        return facts, skip(reason('tlsa', failure))
    base = 'h.p.test' if status == 'secure' else 'mx.d.test'
    return facts, use('mx.d.test', mode.dane) + [f'expect base mx.d.test {base}']


def second_of_two(status, failure, mode):
    facts = HOST_SECURE + ALIAS + [line('TLSA', '_25._tcp.mx.d.test', status, '3.1.1.good:mx.d.test'),
                                   'dns TLSA _25._tcp.h.p.test nxdomain-secure']
    if failure:
        if mode.name == 'tls-required-no':
            return facts, use('mx.d.test', mode.opp)
        return facts, skip(reason('tlsa', failure))
    return facts, use('mx.d.test', mode.dane if status == 'secure' else mode.opp)


LOOKUPS = {
    'MX': next_hop,
    'MX behind an alias': lambda s, f, m: next_hop(s, f, m, alias=True),
    'A, AAAA absent': lambda s, f, m: address(0, s, f, m, 'nodata-secure') if s != 'insecure'
        else address(0, s, f, m, 'nodata'),
    'AAAA, A absent': lambda s, f, m: address(1, s, f, m, 'nodata-secure') if s != 'insecure'
        else address(1, s, f, m, 'nodata'),
    'A beside a secure AAAA': lambda s, f, m: address(0, s, f, m, 'secure'),
    'AAAA beside a secure A': lambda s, f, m: address(1, s, f, m, 'secure'),
    'CNAME of the host': extra_cname,
    'TLSA': tlsa,
    'TLSA, none usable': lambda s, f, m: tlsa(s, f, m, unusable=True),
    'TLSA of the expanded name': first_of_two,
    'TLSA of the original name': second_of_two,
}

count = 0
for mode in MODES:
    for lookup, cell in LOOKUPS.items():
        for status, failure in STATUSES.items():
            if lookup == 'CNAME of the host' and failure == 'alias':
                continue  # a CNAME is the answer there; nothing is followed
            facts, expected = cell(status, failure, mode)
            count += 1
            print(f'test grid, {mode.name}: {lookup} is {status}')
            print('fresh')
            print('\n'.join(mode.facts + facts))
            print(f'evaluate d.test{mode.message}')
            print('\n'.join(expected))
            print()
print(f'# {count} cells')
