#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What `smtpsec explain` says of destinations that are refused, by their records, by a session and
by the memory: the rule, its RFC section, and what would satisfy it; folded for a terminal, and the
whole trace as JSON. What strangers put into it is escaped in both."""
import sys

sys.dont_write_bytecode = True

import os  # noqa: E402

import forger  # noqa: E402
from attacks import LEARNT, Stage  # noqa: E402
from tool import Run, Score, Tool, arguments, enter_lab, say  # noqa: E402

COLUMNS = 100
KEYS = {'rule', 'input', 'source', 'age', 'rfc', 'effect', 'text'}
EFFECTS = {'raises', 'lowers', 'refuses', 'skips', 'reports', 'informs'}
SOURCES = {'dns', 'https', 'cache', 'memory', 'operator', 'message', 'session', ''}
# domain, more words, rule, RFC section, what would satisfy it
REFUSED = (
    ('mx-bogus.test', (), 'RES-04', 'RFC 7672 2.1', 'records whose DNSSEC signatures are valid'),
    ('null-mx.test', (), 'RES-11', 'RFC 7505 3', 'an MX record that names a host'),
    ('no-such-domain.test', (), 'RES-07', 'RFC 5321 5.1', 'an MX record that names a host'),
    ('starttls.test', ('--minimum', 'dane'), 'RES-24', 'RFC 7672', 'signed MX records'),
    ('starttls.test', ('--requiretls',), 'RTLS-04', 'RFC 8689 4.2.1', 'DNSSEC or MTA-STS for the MX hosts'),
)


# domain, rule, RFC section, what would satisfy it: what only a session shows
SESSIONS = (
    ('dane-mismatch.test', 'DANE-EE-09', 'RFC 7672 2.2', "a certificate that one of the host's TLSA records matches"),
    ('dane-no-starttls.test', 'TLSA-10', 'RFC 7672 2.2', 'a host that offers STARTTLS and completes a handshake'),
    ('dane-refused.test', 'PREC-17', 'RFC 3207 4', 'a host that offers STARTTLS and completes a handshake'),
    ('sts-expired.test', 'STSA-04', 'RFC 5280 6.1', "a valid certificate for the host's name"),
    ('sts-cert-name.test', 'STSA-04', 'RFC 9525 6.3', "a valid certificate for the host's name"),
)
# domain, changes, more words, the claim, whose word the last refusal is
REMEMBERED = (
    ('dane-ee.test', (('forge', 'unsigned', 'dane-ee.test'),), (), 'claim dane on mx.dane-ee.test',
     'signed MX records and a certificate that usable TLSA records match'),
    ('starttls.test', (('strip-starttls', 'mx.starttls.test'),), ('--connect',),
     'claim encrypted on mx.starttls.test', 'TLS'),
)
# of a policy that is no policy: the line, as it may be shown
HOSTILE = 'mode: enforce\\xc2\\x9b31m"</script>'


def faults_of_text(run, rule, rfc, met_by):
    words = ' '.join(run.out.split())
    faults = [f'{what!r} is not said' for what in (rule, rfc, 'met by: ' + met_by, 'in a DSN: ')
              if what not in words]
    return faults + [f'{len(line)} columns: {line}' for line in run.out.splitlines() if len(line) > COLUMNS]


def faults_of_json(run, rule):
    steps = run.objects[0]
    faults = [f'keys {sorted(step)}' for step in steps if set(step) != KEYS]
    faults += [f'{step}' for step in steps
               if step.get('effect') not in EFFECTS or step.get('source') not in SOURCES]
    if not any(step['rule'] == rule and step['effect'] in ('refuses', 'skips') for step in steps):
        faults.append(f'no step of {rule} refuses or skips')
    if not any(step['source'] == 'dns' and step['input'] and step['age'] == 0 for step in steps):
        faults.append('no answer of the DNS is told')
    return faults


def printable(run):
    return [] if all(' ' <= c <= '~' or c == '\n' for c in run.out) else [f'not ASCII: {run.out!a}']


def by_session(tool, domain, rule, rfc, met_by):
    command = [tool.smtpsec, 'explain', *tool.common, '--connect']
    text, steps = Run([*command, domain]), Run([*command, '--json', domain])
    faults = faults_of_text(text, rule, rfc, met_by) + printable(text) + printable(steps)
    told = steps.objects[0]
    if not any(step['rule'] == rule and step['rfc'] == rfc and step['effect'] == 'refuses' and
               step['source'] == 'session' for step in told):
        faults.append(f'no step of {rule} refuses a session: {told}')
    return faults


def by_memory(tool, stage, domain, changes, words, claim, met_by):
    """A domain that was safe for weeks, weakened: the claim, what meets it, its end, its override."""
    memory = stage.memories.copy('learnt')
    try:
        stage.change(changes)
        tool.resolver = forger.RESOLVER if stage.forger.active else os.environ['LAB_RESOLVER']
        command = [tool.smtpsec, 'explain', *tool.common, '--memory', memory, *stage.memories.at(LEARNT), *words]
        text, steps = Run([*command, domain]), Run([*command, '--json', domain])
    finally:
        stage.forger.stop()
        tool.resolver = os.environ['LAB_RESOLVER']
        say('undo')
    said = ' '.join(text.out.split())
    faults = [f'{what!r} is not said: {said}'
              for what in (claim, f'; met by {met_by}; ends by itself at 20',
                           f"; overridden by 'except {domain} ", 'in a DSN: ') if what not in said]
    if not any(step['rule'] == 'PREC-09' and step['effect'] == 'refuses' and step['source'] == 'memory'
               for step in steps.objects[0]):
        faults.append(f'the memory refuses nothing: {steps.objects[0]}')
    dsn = said[said.find('in a DSN: '):]
    return faults + [f'the DSN tells of {word}: {dsn}' for word in ('claim', 'memory', 'except') if word in dsn]


def hostile(tool):
    command = [tool.smtpsec, 'explain', *tool.common]
    text, steps = Run([*command, 'sts-hostile.test']), Run([*command, '--json', 'sts-hostile.test'])
    faults = printable(text) + printable(steps)
    if HOSTILE not in text.out:
        faults.append(f'the line is not shown: {text.out}')
    found = [step for step in steps.objects[0] if step['input'] == HOSTILE]
    if [(step['rule'], step['effect'], step['source'], step['age']) for step in found] != [('STSP-06', 'skips', 'https', 0)]:
        faults.append(f'{steps.objects[0]}')
    return faults


def main():
    options = arguments(__doc__)
    enter_lab()
    tool, score = Tool(options.smtpsec), Score()
    for domain, words, rule, rfc, met_by in REFUSED:
        command = [tool.smtpsec, 'explain', *tool.common, *words]
        text, steps = Run([*command, domain]), Run([*command, '--json', domain])
        faults = faults_of_text(text, rule, rfc, met_by) + faults_of_json(steps, rule)
        if text.status not in (1, 2) or text.status != steps.status:
            faults.append(f'exit status {text.status}, {steps.status}')
        score.note(f'{domain} {" ".join(words)}', faults, f'{rule}, {rfc}')
    for row in SESSIONS:
        score.note(f'{row[0]} --connect', by_session(tool, *row), f'{row[1]}, {row[2]}')
    score.note('the octets of a hostile policy', hostile(tool), HOSTILE)
    stage = Stage(tool)
    try:
        for domain, *row in REMEMBERED:
            score.note(f'{domain}, weaker than before', by_memory(tool, stage, domain, *row), row[2])
    finally:
        stage.close()
    return score.close()


if __name__ == '__main__':
    sys.exit(main())
