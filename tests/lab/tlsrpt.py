#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""TLS reports: what `smtpsec send --tlsrpt-socket` tells a collector of each destination.

The receiver here is no collector: it parses each datagram with a JSON parser
that is not ours and holds it against what a collector of libtlsrpt's protocol,
version 1, reads. Debian 12 has no such collector (tlsrpt-reporter is younger).
"""
import ipaddress
import json
import os
import socket
import sys
import tempfile

from tool import Score, Tool, arguments, enter_lab

TLSA, STS, NONE = 1, 2, 9
RESULTS = set(range(201, 206)) | set(range(301, 307))
RECORD = 'v=TLSRPTv1; rua=mailto:reports@reports.test'
TEXTS = {'policy-string', 'mx-host'}
DETAIL = {'c', 's', 'n', 'h', 'r', 'f'}


class Receiver:
    def __init__(self, path):
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.socket.setblocking(False)

    def take(self):
        """All that came: the tool has ended, so nothing more is on its way."""
        found = []
        try:
            while True:
                found.append(self.socket.recv(1 << 20))
        except BlockingIOError:
            return found


# ---- The protocol ------------------------------------------------------------

def unique(pairs):
    keys = [key for key, _ in pairs]
    if len(keys) != len(set(keys)):
        raise ValueError(f'a key twice: {keys}')
    return dict(pairs)


def detail_faults(detail):
    faults = [f'unknown key {key}' for key in detail.keys() - DETAIL]
    if type(detail.get('c')) is not int or detail['c'] not in RESULTS:
        faults.append(f'result {detail.get("c")}')
    for key in detail.keys() & DETAIL - {'c'}:
        if not isinstance(detail[key], str) or not detail[key]:
            faults.append(f'{key} is {detail[key]!r}')
    for key in detail.keys() & {'s', 'r'}:
        ipaddress.ip_address(detail[key])
    return faults


def policy_faults(policy):
    known = {'policy-type', 'policy-domain', 'failure-details', 't', 'f'} | TEXTS
    faults = [f'unknown key {key}' for key in policy.keys() - known]
    if type(policy.get('policy-type')) is not int or policy['policy-type'] not in (TLSA, STS, NONE):
        faults.append(f'policy-type {policy.get("policy-type")!r}')
    if not isinstance(policy.get('policy-domain'), str) or not policy['policy-domain'].isascii():
        faults.append(f'policy-domain {policy.get("policy-domain")!r}')
    for key in policy.keys() & TEXTS:
        if not policy[key] or not all(isinstance(text, str) for text in policy[key]):
            faults.append(f'{key} {policy[key]!r}')
    if 'mx-host' in policy and policy['policy-type'] != STS:
        faults.append('mx-host of what is no STS policy')
    details = policy.get('failure-details', [])
    if type(policy.get('t')) is not int or policy['t'] != len(details):
        faults.append(f't is {policy.get("t")!r}, details {len(details)}')
    if type(policy.get('f')) is not int or policy['f'] != (1 if details else 0):
        faults.append(f'f is {policy.get("f")!r}, details {len(details)}')
    return faults + [fault for detail in details for fault in detail_faults(detail)]


def datagram_faults(data, domain):
    report = json.loads(data.decode('utf-8'), object_pairs_hook=unique)
    faults = [] if list(report) == ['dpv', 'd', 'pr', 'policies'] else [f'keys {list(report)}']
    if report.get('dpv') != '1' or report.get('d') != domain or report.get('pr') != RECORD:
        faults.append(f'head {report.get("dpv")!r} {report.get("d")!r} {report.get("pr")!r}')
    if not report.get('policies'):
        faults.append('no policies')
    return report, faults + [fault for policy in report['policies'] for fault in policy_faults(policy)]


# ---- The destinations ---------------------------------------------------------

def failed(kind, owner, *details):
    """Details: (result, reason, whether a session told it)."""
    return kind, owner, 1, sorted(details)


def met(kind, owner):
    return kind, owner, 0, []


def sts(name, *details):
    return failed(STS, f'{name}.test', *details)


def opportunistic(name):
    return met(NONE, f'{name}.test')


def in_clear(name):
    return failed(NONE, f'{name}.test', (201, 'no-starttls', True))


def dane(name, *details):
    return failed(TLSA, f'mx.{name}.test', *details)


# Name of the test: destination, what is told; None: no datagram.
EXPECTED = {
    'RPT-01 no record, no report': ('plain', None),
    'RPT-01 a record that names no known way': ('starttls-refused', None),
    'RPT-01 two records': ('signed-nsec3', None),
    'RPT-02, RPT-20 no STARTTLS, no policy': ('plain-signed', [in_clear('plain-signed')]),
    'RPT-20 TLS, no policy': ('starttls', [opportunistic('starttls')]),
    'RPT-21 DANE holds': ('dane-ee', [met(TLSA, 'mx.dane-ee.test')]),
    'RPT-22 an internationalised domain': ('xn--bcher-kva', [met(TLSA, 'mx.xn--bcher-kva.test')]),
    'RPT-21 the policy domain is the TLSA base domain': ('dane-mx-alias',
                                                         [met(TLSA, 'target.hosting.test')]),
    'RPT-13 DANE does not match': ('dane-mismatch', [dane('dane-mismatch', (205, 'dane-no-match', True))]),
    'RPT-13 DANE-TA, its anchor is not sent': ('dane-ta-not-sent', [dane('dane-ta-not-sent', (205, 'dane-no-match', True))]),
    'RPT-04 DANE-TA, another name': ('dane-ta-wrong-name', [dane('dane-ta-wrong-name', (202, 'name-mismatch', True))]),
    'RPT-05 DANE-TA, expired': ('dane-ta-expired', [dane('dane-ta-expired', (204, 'expired', True))]),
    'RPT-02 DANE without STARTTLS': ('dane-no-starttls', [dane('dane-no-starttls', (201, 'no-starttls', True))]),
    'RPT-03 DANE, STARTTLS refused': ('dane-refused', [dane('dane-refused', (201, 'starttls-refused', True))]),
    'RPT-07 DANE, the handshake breaks': ('dane-handshake', [dane('dane-handshake', (205, 'tls-handshake', True))]),
    'RPT-08 no usable TLSA record': ('dane-unusable', [dane('dane-unusable', (304, 'all-unusable', True))]),
    'RPT-09 bogus TLSA': ('tlsa-bogus', [dane('tlsa-bogus', (305, 'tlsa-bogus', False))]),
    'RPT-10 TLSA: a dead server': ('tlsa-timeout', None),
    'RPT-21 the next host after a mismatch': (
        'dane-two-hosts', [failed(TLSA, 'mx1.dane-two-hosts.test', (205, 'dane-no-match', True)),
                           met(TLSA, 'mx2.dane-two-hosts.test')]),
    'RPT-21 MTA-STS holds': ('sts-enforce', [met(STS, 'sts-enforce.test')]),
    'RPT-04 MTA-STS, another name': ('sts-cert-name', [sts('sts-cert-name', (202, 'name-mismatch', True))]),
    'RPT-05 MTA-STS, expired': ('sts-expired', [sts('sts-expired', (204, 'expired', True))]),
    'RPT-05 MTA-STS, not yet valid': ('sts-not-yet-valid', [sts('sts-not-yet-valid', (203, 'not-yet-valid', True))]),
    'RPT-06 MTA-STS, not trusted': ('sts-untrusted', [sts('sts-untrusted', (203, 'not-trusted', True))]),
    'RPT-17 the MX is not in the policy': ('sts-mx-mismatch', [sts('sts-mx-mismatch', (205, 'mx-not-in-sts-policy', False))]),
    'RPT-18 testing mode': ('sts-testing', [sts('sts-testing', (202, 'name-mismatch', True))]),
    'RPT-14 status 404': ('sts-404', [sts('sts-404', (301, 'http-status-404', False)), in_clear('sts-404')]),
    'RPT-14 a redirect': ('sts-redirect', [sts('sts-redirect', (301, 'http-redirect|http-status-301', False)),
                                           in_clear('sts-redirect')]),
    'RPT-15 the policy is invalid': ('sts-invalid', [sts('sts-invalid', (302, 'the policy breaks the grammar', False)),
                                                     in_clear('sts-invalid')]),
    'RPT-16 the policy host is not trusted': (
        'sts-host-untrusted', [sts('sts-host-untrusted', (303, 'cert-not-trusted', False)),
                               in_clear('sts-host-untrusted')]),
    'RPT-21 both hold': ('dane-sts', [met(TLSA, 'mx.dane-sts.test'), met(STS, 'dane-sts.test')]),
    'RPT-21 DANE alone does not': ('dane-sts-mismatch', [dane('dane-sts-mismatch', (205, 'dane-no-match', True)),
                                                         met(STS, 'dane-sts-mismatch.test')]),
    'RPT-21 MTA-STS alone does not': ('dane-sts-self-signed',
                                      [met(TLSA, 'mx.dane-sts-self-signed.test'),
                                       sts('dane-sts-self-signed', (203, 'self-signed', True))]),
}


def in_words(policy):
    return (policy['policy-type'], policy['policy-domain'], policy['f'],
            sorted((d['c'], d['f'], 's' in d and 'r' in d) for d in policy.get('failure-details', [])))


def same(wanted, found):
    if len(wanted) != len(found):
        return False
    return all(w[:3] == f[:3] and len(w[3]) == len(f[3]) and
               all(a[0] == b[0] and b[1] in a[1].split('|') and a[2] == b[2] for a, b in zip(w[3], f[3]))
               for w, f in zip(wanted, found))


def show(tool, receiver, name, wanted):
    tool.send('--tlsrpt-socket', receiver.path, to=f'box@{name}.test')
    datagrams = receiver.take()
    if wanted is None:
        return [f'told: {data}' for data in datagrams]
    if len(datagrams) != 1:
        return [f'{len(datagrams)} datagrams']
    report, faults = datagram_faults(datagrams[0], f'{name}.test')
    found = [in_words(policy) for policy in report['policies']]
    return faults if same(wanted, found) else faults + [f'expected {wanted}, found {found}']


def policy_strings(tool, receiver):
    tool.send('--tlsrpt-socket', receiver.path, to='box@dane-sts.test')
    tlsa, sts_policy = json.loads(receiver.take()[0])['policies']
    words = tlsa['policy-string'][0].split()
    faults = [] if words[:3] == ['3', '1', '1'] and len(bytes.fromhex(words[3])) == 32 else [f'TLSA {words}']
    lines = sts_policy['policy-string']
    if lines[0] != 'version: STSv1' or 'mode: enforce' not in lines or sts_policy['mx-host'] != ['mx.dane-sts.test']:
        faults.append(f'{lines} {sts_policy["mx-host"]}')
    return faults


def helo(tool, receiver):
    """RPT-23: what the server called itself, of a session and of nothing else."""
    tool.send('--tlsrpt-socket', receiver.path, to='box@dane-mismatch.test')
    session = json.loads(receiver.take()[0])['policies'][0]['failure-details'][0]
    tool.send('--tlsrpt-socket', receiver.path, to='box@tlsa-bogus.test')
    before = json.loads(receiver.take()[0])['policies'][0]['failure-details'][0]
    return [] if session.get('h') == 'mx.dane-mismatch.test' and 'h' not in before else [f'{session} {before}']


def transient(tool, receiver):
    """RPT-10: told where the operator asks for it."""
    tool.send('--tlsrpt-socket', receiver.path, '--tlsrpt-transient', to='box@tlsa-timeout.test')
    told = receiver.take()
    found = [in_words(policy) for data in told for policy in json.loads(data)['policies']]
    wanted = [(TLSA, 'mx.tlsa-timeout.test', 1, (305, word, False)) for word in ('tlsa-timeout', 'tlsa-servfail')]
    return [] if [(*policy[:3], *policy[3]) for policy in found] in ([w] for w in wanted) else [f'{found}']


def faulty_policy(tool, receiver):
    tool.send('--tlsrpt-socket', receiver.path, to='box@sts-invalid.test')
    policy = json.loads(receiver.take()[0])['policies'][0]
    lines = policy.get('policy-string', [])
    return [] if 'version: STSv1' in lines and 'mx-host' not in policy else [str(policy)]


def nobody_listens(tool, path):
    """The mail goes all the same."""
    run = tool.send('--tlsrpt-socket', path, to='box@sts-enforce.test')
    return [] if run.status == 0 and 'the report was lost' in run.err else [f'{run.status} {run.err}']


def record_shown(tool):
    on = tool.check('--tlsrpt', 'sts-enforce.test').objects[0]['tlsrpt']
    off = tool.check('sts-enforce.test').objects[0]['tlsrpt']
    return [] if (on, off) == (RECORD, '') else [f'with {on!r}, without {off!r}']


def main():
    options = arguments(__doc__)
    enter_lab()
    tool, score = Tool(options.smtpsec), Score()
    with tempfile.TemporaryDirectory() as folder:
        receiver = Receiver(os.path.join(folder, 'collector'))
        for name, (destination, wanted) in EXPECTED.items():
            score.note(name, show(tool, receiver, destination, wanted), destination)
        score.note('RPT-22 policy strings as published', policy_strings(tool, receiver))
        score.note('RPT-23 the name in reply to EHLO', helo(tool, receiver))
        score.note('RPT-10 the knob', transient(tool, receiver))
        score.note('RPT-15, RPT-22 the lines of a faulty policy', faulty_policy(tool, receiver))
        score.note('a report that nobody takes stops no mail', nobody_listens(tool, os.path.join(folder, 'nobody')))
        score.note('RPT-01 check --tlsrpt shows the record', record_shown(tool))
    return score.close()


if __name__ == '__main__':
    sys.exit(main())
