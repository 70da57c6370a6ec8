#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The demonstration: what destinations require and prove, and what becomes of attacks.

It enters the lab by itself; nothing is sent beyond this machine. With --domain
it looks, outside the lab, at what a real domain requires.
"""
import sys

sys.dont_write_bytecode = True

import os  # noqa: E402
import socket  # noqa: E402
import subprocess  # noqa: E402
import time  # noqa: E402

from tool import Tool, arguments, code_of, destinations, enter_lab, plan_faults  # noqa: E402

# Rows of the lab's table that tell most, by what they are about.
SHOWN = (
    ('No policy: opportunistic TLS', (
        'plain', 'starttls', 'starttls-valid', 'signed', 'three-hosts')),
    ('Finding the hosts', (
        'implicit-mx', 'null-mx', 'no-such-domain', 'domain-alias', 'mx-bogus', 'mx-timeout')),
    ('DANE', (
        'dane-ee', 'dane-ee-expired', 'dane-ta-intermediate', 'dane-ta-wrong-name', 'dane-mismatch',
        'dane-no-starttls', 'dane-unusable', 'dane-half', 'dane-mx-alias', 'tlsa-servfail', 'dane-two-hosts')),
    ('MTA-STS', (
        'sts-enforce', 'sts-wildcard', 'sts-cert-name', 'sts-expired', 'sts-mx-mismatch', 'sts-no-starttls',
        'sts-testing', 'sts-404', 'sts-invalid', 'sts-two-hosts')),
    ('Both', ('dane-sts', 'dane-sts-self-signed', 'dane-sts-mismatch')),
)
COLOURS = {'good': '32', 'plain': '33', 'bad': '31', 'dim': '2', 'strong': '1'}
COLUMNS = '{:26} {:13} {:13} {:13} '


class Screen:
    """Colours and a progress line, on a terminal only."""

    def __init__(self):
        self.terminal = sys.stdout.isatty() and os.environ.get('TERM') != 'dumb'
        self.colours = self.terminal and not os.environ.get('NO_COLOR')

    def paint(self, text, colour):
        return f'\033[{COLOURS[colour]}m{text}\033[0m' if self.colours and colour else text

    def progress(self, words):
        if self.terminal:
            print(f'\r\033[K  {words} ...', end='', flush=True)

    def line(self, *parts):
        """Parts are texts, or (text, colour)."""
        if self.terminal:
            print('\r\033[K', end='')
        print(''.join(part if isinstance(part, str) else self.paint(*part) for part in parts).rstrip(),
              flush=True)

    def heading(self, text):
        self.line()
        self.line((text, 'strong'))


def required_of(host):
    """What must hold at a host, in two words or three."""
    required = host['required']
    if required is None:
        return '-'
    if required['identities']:
        return '+'.join(required['identities'])
    return 'TLS' if required['tls'] == 'required' else 'nothing'


def proved_by(host):
    """What the server proved: the level that its session reached."""
    connect = host.get('connect')
    if not connect:
        return '-'
    if connect['verdict'] == 'reject':
        return 'not enough'
    return 'plaintext' if connect['achieved'] == 'none' else connect['achieved']


def verdict_of(host):
    """Text and colour."""
    connect = host.get('connect')
    if not connect:
        return f'skipped: {code_of(host["reason"])}', 'bad'
    if connect['verdict'] == 'reject':
        return f'refused: {code_of(connect["reason"])}', 'bad'
    return 'accepted', 'plain' if connect['achieved'] == 'none' else 'good'


def show_plan(screen, row, plan):
    name = row['domain']
    if not plan['hosts']:
        colour = 'plain' if plan['verdict'] == 'fail' else 'bad'
        verb = {'fail': 'bounced', 'defer': 'deferred'}.get(plan['verdict'], plan['verdict'])
        screen.line(COLUMNS.format(name, plan['mx']['dnssec'], '-', '-'),
                    (f'{verb}: {code_of(plan["reason"])}', colour))
    for host in plan['hosts']:
        text, colour = verdict_of(host)
        screen.line(COLUMNS.format(name, plan['mx']['dnssec'], required_of(host), proved_by(host)),
                    (text, colour))
        name = ''


def show_destinations(tool, screen):
    """Returns how many destinations were shown, and texts of what was not as expected."""
    rows = {row['name']: row for row in destinations()}
    shown = [rows[name] for _, names in SHOWN for name in names]
    screen.progress(f'looking at {len(shown)} destinations')
    run = tool.check('--connect', '--via', 'loop', '--timeout', '5', *(row['domain'] for row in shown))
    plans = {plan['domain']: plan for plan in run.objects}
    faults = []
    for title, names in SHOWN:
        screen.heading(title)
        screen.line((COLUMNS.format('destination', 'MX answer', 'required', 'proved') + 'verdict', 'dim'))
        for name in names:
            plan = plans.get(rows[name]['domain'])
            wrong = plan_faults(rows[name]['expect'], plan) if plan else [f'no plan: {run.err}']
            if plan:
                show_plan(screen, rows[name], plan)
            faults += [f'{rows[name]["domain"]}: {fault}' for fault in wrong]
    return len(shown), faults


def show_attacks(tool, screen):
    """Returns how many were played, how many of them detected, and what was not as expected."""
    import attacks
    screen.heading('Attacks on mail that was delivered safely until then')
    screen.line((attacks.HEADING, 'dim'))
    stage = attacks.Stage(tool, screen.progress)
    played, detected, faults = 0, 0, []
    try:
        for story in attacks.STORIES:
            try:
                before, after = stage.play(story)
            except RuntimeError as error:
                faults.append(f'{story.attack}, {story.target} could not be played: {error}')
                continue
            wrong = attacks.story_faults(story, before, after)
            colour = 'good' if after.status else 'plain'
            screen.line((attacks.row(story, after), 'bad' if wrong else colour))
            faults += [f'{story.attack}, {story.target}: {fault}' for fault in wrong]
            played += not story.honest
            detected += not story.honest and after.status != 0
    finally:
        stage.close()
    screen.line((attacks.UNDETECTED, 'dim'))
    return played, detected, faults


def in_the_lab(tool, screen):
    begin = time.monotonic()
    screen.line(('The lab: real DNS, DNSSEC, HTTPS and SMTP on this machine alone.', 'strong'))
    count, faults = show_destinations(tool, screen)
    played, detected, more = show_attacks(tool, screen)
    faults += more
    screen.heading('Summary')
    screen.line(f'{count} destinations shown, {played} attacks played, {detected} of them detected and refused; '
                f'the other {played - detected} cannot be. {time.monotonic() - begin:.0f} s.')
    for fault in faults:
        screen.line((f'NOT AS EXPECTED: {fault}', 'bad'))
    if not faults:
        screen.line(('Everything came out as expected.', 'good'))
    return 1 if faults else 0


def one_domain(smtpsec, domain):
    """What the outside world says, by this machine's own resolver. No host is connected to."""
    resolvers = []
    try:
        with open('/etc/resolv.conf') as file:
            resolvers = [line.split()[1] for line in file if line.startswith('nameserver ')]
    except OSError:
        pass
    print(f'{domain}, asked of {", ".join(resolvers) or "the resolver of this machine"}:', flush=True)
    status = subprocess.run([smtpsec, 'check', '--timeout', '15', '--', domain]).returncode
    if status in (2, 78):
        print('No answer of the DNS could be used: is there a way to the Internet, and a resolver?'
              if not online(resolvers) else 'The plan is to wait; the reason stands above.')
    elif status not in (0, 1):
        print(f'smtpsec gave up, exit status {status}.')
    return status


def online(resolvers):
    """Whether any resolver takes a connection."""
    for address in resolvers:
        try:
            with socket.create_connection((address, 53), 2):
                return True
        except OSError:
            pass
    return False


def main():
    options = arguments(__doc__, lambda parser: parser.add_argument(
        '--domain', metavar='NAME', help='look at this real domain instead'))
    if options.domain is not None:
        return one_domain(options.smtpsec, options.domain)
    enter_lab()
    return in_the_lab(Tool(options.smtpsec), Screen())


if __name__ == '__main__':
    sys.exit(main())
