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

from e2e import deliver_one, delivered, refused
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


ROWS = {
    'RES-03 a host that does not fit is skipped when reached, the next one is tried': skipped_when_reached,
    'RES-03 our own name cuts the list': own_name_cuts,
    'RES-34 all hosts are skipped: kept, with the reasons of all': all_reasons,
    'TLSA-13 cleartext after a broken handshake, where TLS is optional': cleartext_after_broken_handshake,
    'TLSA-24 a requirement is not used beyond its end': no_use_after_its_end,
    'DANE-EE-08 SNI is the TLSA base domain': sni_is_the_base,
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
