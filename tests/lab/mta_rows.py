#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Rows that only the program which calls the library can meet, shown with `smtpsec send` as that program.

tests/rules/mta_rows.txt lists them with the accessor that lets it. Real
servers, real deliveries; what a server was told is in its log.
"""
import json
import os
import sys
import tempfile
import time

from e2e import deliver_one, delivered, refused, stored
from tool import Run, Score, Tool, arguments, enter_lab, say


def smtp_lines(since):
    """What the mail servers logged after this length of their log."""
    with open(os.path.join(os.environ['LAB_DIR'], 'smtp.log')) as file:
        file.seek(since)
        return file.read().splitlines()


def log_length():
    return os.path.getsize(os.path.join(os.environ['LAB_DIR'], 'smtp.log'))


def skipped_when_reached(tool):
    """The first host does not fit the policy: the second is walked to, and nothing is said to the first."""
    since = log_length()
    say('publish-mx', 'sts-enforce.test', 'mx.attacker.test', 'mx.sts-enforce.test')
    faults = deliver_one(tool, 1, 'sts-enforce', (), delivered('mx.sts-enforce.test', TLS='TLSv1'))
    say('undo')
    spoken = [line for line in smtp_lines(since) if ' mx.attacker.test ' in line]
    return faults + [f'said to the host that does not fit: {line}' for line in spoken]


def own_name_cuts(tool):
    """We are the better host: what is no better than ourselves is not tried."""
    return deliver_one(tool, 2, 'dane-two-hosts', ('--own-name', 'mx2.dane-two-hosts.test'),
                       refused('dane-two-hosts', 2, '4.'))


def all_reasons(tool):
    """Every host is skipped: the message is kept, and each host's reason is told."""
    run = tool.send(to='box@tlsa-servfail.test')
    plan = tool.check('tlsa-servfail.test').objects[0]
    reasons = [host['reason'] for host in plan['hosts']]
    return [fault for fault in (
        f'exit status {run.status}' if run.status != 2 else '',
        f'verdict {plan["verdict"]}' if plan['verdict'] != 'defer' else '',
        f'a host without a reason: {plan["hosts"]}' if not reasons or not all(reasons) else '') if fault]


def cleartext_after_broken_handshake(tool):
    """Opportunistic: the handshake breaks, a second connection takes the mail in the clear."""
    say('smtp', 'mx.starttls.test', 'broken')
    faults = deliver_one(tool, 3, 'starttls', (), delivered('mx.starttls.test', TLS='none'))
    say('undo')
    return faults


def no_use_after_its_end(tool):
    """A requirement that is kept too long refuses, whatever the certificate; a new evaluation serves."""
    with tempfile.TemporaryDirectory(dir=os.environ['LAB_DIR']) as folder:
        tool.check('--save-requirements', folder, 'dane-ee.test')
        saved = os.path.join(folder, os.listdir(folder)[0])
        run = Run([tool.smtpsec, 'verify', '--json', '--ca-file', os.environ['LAB_CA'], '--requirement', saved,
                   '--chain', os.environ['LAB_CA'], '--now', str(int(time.time()) + 86400)])
        found = json.loads(run.out)
    faults = [] if 'requirement-expired' in run.out else [f'not refused as expired: {found}']
    return faults + deliver_one(tool, 4, 'dane-ee', (), delivered('mx.dane-ee.test', TLS='TLSv1'))


def sni_is_the_base(tool):
    """The TLSA base domain is what the server is asked for."""
    return deliver_one(tool, 5, 'dane-mx-alias', (),
                       delivered('target.hosting.test', TLS='TLSv1', SNI='target.hosting.test'))


def mismatch_ends_with_quit(tool):
    """A reject: QUIT, the next host takes it; a sole host's reject defers."""
    since = log_length()
    faults = deliver_one(tool, 6, 'dane-two-hosts', (), delivered('mx2.dane-two-hosts.test', TLS='TLSv1'))
    faults += deliver_one(tool, 7, 'dane-mismatch', (), refused('dane-mismatch', 2, '4.'))
    lines = [line for line in smtp_lines(since) if ' mx.dane-mismatch.test ' in line]
    if not any('QUIT' in line for line in lines):
        faults.append('no QUIT to the host that does not match')
    return faults + [f'MAIL to a host that was rejected: {line}' for line in lines if 'MAIL' in line]


def said_to(host, since):
    """What was said to a host, in order, without its name."""
    return [line.split(f' {host} ', 1)[1].split(' ', 1)[1] for line in smtp_lines(since) if f' {host} ' in line]


def next_host_for_the_keyword(tool):
    """The host without REQUIRETLS hears QUIT and no MAIL; the one with it takes the message."""
    say('publish-mx', 'requiretls.test', 'mx.requiretls-missing.test', 'mx.requiretls.test')
    faults, visited = [], 0
    for seed in range(6):
        since = log_length()
        faults += deliver_one(tool, 20 + seed, 'requiretls', ('--requiretls', '--seed', str(seed)),
                              delivered('mx.requiretls.test', TLS='TLSv1', Mail_Options='REQUIRETLS'))
        said = said_to('mx.requiretls-missing.test', since)
        visited += bool(said)
        faults += [f'MAIL to the host that lacks it: {line}' for line in said if 'MAIL' in line]
        if said and not any('QUIT' in line for line in said):
            faults.append('no QUIT to the host that lacks it')
    say('undo')
    return faults + ([] if visited else ['no order of the hosts led to the one that lacks it'])


def early_keyword(tool):
    """REQUIRETLS stands in the first EHLO alone: nothing is sent, and the message bounces."""
    since = log_length()
    faults = deliver_one(tool, 26, 'requiretls-early', ('--requiretls',), refused('requiretls-early', 1, '5.7.30'))
    said = said_to('mx.requiretls-early.test', since)
    faults += [] if any('handshake' in line for line in said) else ['TLS was not reached']
    return faults + [f'MAIL was said: {line}' for line in said if 'MAIL' in line]


def lost_at_starttls(tool):
    """The connection breaks before any answer to STARTTLS, or 421 is the answer: REQUIRETLS waits."""
    faults = []
    for number, behaviour in enumerate(('hang-up', 'closing')):
        say('smtp', 'mx.signed-nsec3.test', behaviour)
        faults += [f'{behaviour}: {fault}' for fault in
                   deliver_one(tool, 50 + number, 'signed-nsec3', ('--requiretls',), refused('signed-nsec3', 2, '4.4.1'))]
        say('undo')
    return faults


def results(run):
    """Of each recipient: its status, and what it was told."""
    return {recipient['address']: (recipient['status'], recipient['reply'])
            for domain in run.objects[0]['domains'] for recipient in domain['recipients']}


def tag_of_each(tool):
    """A tagged message for three: two take it with the tag, one bounces."""
    before = stored()
    names = ('requiretls', 'requiretls-sts', 'requiretls-missing')
    run = tool.send('--requiretls', to=[f'box27@{name}.test' for name in names])
    found = {address: status for address, (status, _) in results(run).items()}
    wanted = {f'box27@{name}.test': 'failed' if 'missing' in name else 'delivered' for name in names}
    faults = [] if found == wanted else [f'expected {wanted}, found {found}']
    new = stored() - before
    for path in new:
        with open(path) as file:
            if 'X-Lab-Mail-Options: REQUIRETLS' not in file.read():
                faults.append(f'without its tag: {path}')
    return faults + ([] if len(new) == 2 else [f'two messages expected, found {new}'])


def demands_what_fails(tool):
    """TLS-Required: No, the handshake breaks, and the server takes nothing in the clear: a bounce."""
    say('smtp', 'mx.dane-ee.test', 'demanding')
    faults = deliver_one(tool, 28, 'dane-ee', ('--tls-required-no',), refused('dane-ee', 1, '530 5.7.0'))
    faults += deliver_one(tool, 29, 'dane-ee', (), refused('dane-ee', 2, '4.7.5'))
    say('undo')
    return faults


def two_domains_one_host(tool):
    """One message for two domains at the same host: two evaluations, two results."""
    faults = []
    for behaviour, wanted in (('starttls', {'sts-enforce': 'delivered', 'plain': 'delivered'}),
                              ('plain', {'sts-enforce': 'deferred', 'plain': 'delivered'})):
        say('publish-mx', 'plain.test', 'mx.sts-enforce.test')
        say('smtp', 'mx.sts-enforce.test', behaviour)
        since = log_length()
        run = tool.send(to=[f'box30@{name}.test' for name in wanted])
        found = {address: status for address, (status, _) in results(run).items()}
        wanted = {f'box30@{name}.test': status for name, status in wanted.items()}
        faults += [] if found == wanted else [f'{behaviour}: expected {wanted}, found {found}']
        connections = [line for line in smtp_lines(since) if ' mx.sts-enforce.test ' in line and 'connect' in line]
        faults += [] if len(connections) == 2 else [f'{behaviour}: two connections expected: {connections}']
        say('undo')
    return faults


def relay_is_judged(tool):
    """A relay is a destination without MX: its own TLSA records bind, for whomever the mail is."""
    return deliver_one(tool, 31, 'plain', ('--relay', 'mx.dane-ee.test'),
                       delivered('mx.dane-ee.test', TLS='TLSv1', SNI='mx.dane-ee.test')) + \
        deliver_one(tool, 32, 'plain', ('--relay', 'mx.dane-mismatch.test'), refused('plain', 2, '4.7.5'))


def greeted_anew(tool):
    """EHLO is said again inside TLS, and what was offered there counts."""
    since = log_length()
    faults = deliver_one(tool, 33, 'requiretls', ('--requiretls',),
                         delivered('mx.requiretls.test', TLS='TLSv1', Mail_Options='REQUIRETLS'))
    said = said_to('mx.requiretls.test', since)
    order = [next((at for at, line in enumerate(said) if line.startswith(word)), -1)
             for word in ('plain EHLO', 'handshake', 'tls EHLO', 'tls MAIL')]
    return faults + ([] if -1 not in order and order == sorted(order) else [f'said: {said}'])


def nothing_before_the_verdict(tool):
    """No MAIL before the verdict; what is said in the clear bounces nothing that must not go in the clear."""
    since = log_length()
    faults = deliver_one(tool, 34, 'dane-mismatch', (), refused('dane-mismatch', 2, '4.7.5'))
    said = said_to('mx.dane-mismatch.test', since)
    faults += [f'MAIL was said: {line}' for line in said if 'MAIL' in line]
    faults += [] if said and any('QUIT' in line for line in said) else ['no QUIT']
    for number, (behaviour, code) in enumerate((('unfriendly', '4.4.1'), ('helo-only', '4.7.5'), ('rude', '4.7.5'),
                                                ('refuse', '4.7.5'), ('injection', '4.7.5'))):
        say('smtp', 'mx.dane-ee.test', behaviour)
        since = log_length()
        faults += [f'{behaviour}: {fault}' for fault in
                   deliver_one(tool, 35 + number, 'dane-ee', (), refused('dane-ee', 2, code))]
        faults += [f'{behaviour}: {line}' for line in said_to('mx.dane-ee.test', since) if 'MAIL' in line]
        say('undo')
    return faults


def in_the_clear_where_allowed(tool):
    """Where nothing is demanded: HELO for EHLO, the clear after a 454, TLS without the bytes behind 220."""
    faults = []
    for number, (behaviour, tls) in enumerate((('helo-only', 'none'), ('refuse', 'none'), ('injection', 'TLSv1'))):
        say('smtp', 'mx.starttls.test', behaviour)
        faults += [f'{behaviour}: {fault}' for fault in
                   deliver_one(tool, 40 + number, 'starttls', (), delivered('mx.starttls.test', TLS=tls))]
        say('undo')
    say('smtp', 'mx.starttls.test', 'rude')
    faults += deliver_one(tool, 43, 'starttls', (), refused('starttls', 1, '550 '))
    say('undo')
    return faults


ROWS = {
    'RES-03 a host that does not fit is skipped when reached, the next one is tried': skipped_when_reached,
    'RES-03 our own name cuts the list': own_name_cuts,
    'RES-34 all hosts are skipped: kept, with the reasons of all': all_reasons,
    'TLSA-13 cleartext after a broken handshake, where TLS is optional': cleartext_after_broken_handshake,
    'TLSA-24 a requirement is not used beyond its end': no_use_after_its_end,
    'DANE-EE-08 SNI is the TLSA base domain': sni_is_the_base,
    'RTLS-12 a host without the keyword: QUIT, the next one': next_host_for_the_keyword,
    'RTLS-15 a connection that is lost at STARTTLS is no want of TLS': lost_at_starttls,
    'RTLS-14 a keyword from before TLS does not count': early_keyword,
    'RTLS-19 the tag goes with each of the recipients': tag_of_each,
    'TRN-05 the server demands the TLS that failed: a bounce': demands_what_fails,
    'PREC-13 two recipient domains at one host': two_domains_one_host,
    'PREC-14 a relay is evaluated for itself': relay_is_judged,
    'PREC-15 what was known from before TLS is forgotten': greeted_anew,
    'PREC-18 no MAIL before the verdict, and no bounce': nothing_before_the_verdict,
    'PREC-16, PREC-17 where TLS is optional': in_the_clear_where_allowed,
    'DANE-EE-09 a mismatch: QUIT, the next host, or later': mismatch_ends_with_quit,
}


def main():
    options = arguments(__doc__)
    enter_lab()
    tool, score = Tool(options.smtpsec), Score()
    for name, show in ROWS.items():
        score.note(name, show(tool), show.__doc__.split('\n')[0])
    return score.close()


if __name__ == '__main__':
    sys.exit(main())
