#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What `smtpsec explain` says of destinations that are refused: the rule, its RFC section, and
what would satisfy it; folded for a terminal, and the whole trace as JSON."""
import sys

sys.dont_write_bytecode = True

from tool import Run, Score, Tool, arguments, enter_lab  # noqa: E402

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
    return score.close()


if __name__ == '__main__':
    sys.exit(main())
