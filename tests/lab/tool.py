# SPDX-License-Identifier: LGPL-2.1-or-later
"""Run the tool inside the lab, with a watchdog, and keep score. Shared by e2e.py, attacks.py, demo.py."""
import argparse
import json
import os
import shutil
import subprocess
import sys
import time

import control
import lab

HERE = os.path.dirname(os.path.abspath(__file__))
BUILT = os.path.join(HERE, '..', '..', 'build', 'examples', 'smtpsec')
WATCHDOG = 60   # seconds after which a process counts as hanging; nothing here needs a tenth of that
SKIPPED = 77    # what meson takes for "not possible here"
CRASHED = 134   # as of a process that called abort()
MESSAGE = b'From: a@sender.test\r\nSubject: lab\r\n\r\nHello.\r\n'


class Run:
    """A process that has ended: exit status (negative: a signal), both outputs as text."""

    def __init__(self, command, stdin=b'', **environment):
        self.command = [word if isinstance(word, bytes) else str(word) for word in command]
        self.hung = False
        try:
            done = subprocess.run(self.command, input=stdin, capture_output=True, timeout=WATCHDOG,
                                  env=os.environ | environment)
            self.status, out, err = done.returncode, done.stdout, done.stderr
        except subprocess.TimeoutExpired as late:
            self.hung, self.status = True, None
            out, err = late.stdout or b'', late.stderr or b''
        self.out, self.err = out.decode('utf-8', 'replace'), err.decode('utf-8', 'replace')
        if 'Sanitizer' in self.err or 'runtime error:' in self.err:
            self.status = CRASHED  # a sanitizer's own exit status could pass for one that is expected

    @property
    def objects(self):
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def crashed(self):
        return self.hung or self.status < 0 or self.status >= 128


class Tool:
    """The programs of one build, told about the lab."""

    def __init__(self, smtpsec):
        self.smtpsec = os.path.abspath(smtpsec)
        self.folder = os.path.dirname(self.smtpsec)
        self.resolver = os.environ['LAB_RESOLVER']

    @property
    def common(self):
        return ['--resolver', self.resolver, '--ca-file', os.environ['LAB_CA'], '--allow-private']

    def other(self, name):
        return os.path.join(self.folder, name)

    def check(self, *words):
        return Run([self.smtpsec, 'check', *self.common, '--json', *words])

    def send(self, *words, to, message=MESSAGE, sender='a@sender.test'):
        recipients = [word for address in ([to] if isinstance(to, str) else to)
                      for word in ('--to', address)]
        return Run([self.smtpsec, 'send', *self.common, '--json', '--timeout', '10', '--from', sender,
                    *recipients, *words], message)


class Score:
    """One line a check, and the sum at the end."""

    def __init__(self):
        self.passed, self.failed, self.begin = 0, 0, time.monotonic()

    def note(self, name, faults=(), shows=''):
        """faults: texts of what is not as expected; none: passed."""
        faults = [faults] if isinstance(faults, str) else list(faults)
        if faults:
            self.failed += 1
            for fault in faults:
                print(f'FAILED {name}: {fault}', flush=True)
        else:
            self.passed += 1
            print(f'ok     {name}' + (f': {shows}' if shows else ''), flush=True)

    def close(self):
        print(f'{self.passed} passed, {self.failed} failed, {time.monotonic() - self.begin:.0f} s')
        return 1 if self.failed else 0


def say(*words):
    """Change the lab; what it refuses is an error of the test."""
    answer = control.exchange(words)
    if answer[-1] != 'ok':
        raise RuntimeError(f'{" ".join(words)}: {answer[-1]}')


def destinations():
    with open(os.path.join(os.environ['LAB_DIR'], 'destinations.json')) as file:
        return json.load(file)


def code_of(reason):
    return reason['code'] if reason else None


def differences(expected, found, path=''):
    """What of an expectation is not so; see model.py for its words."""
    if isinstance(expected, dict):
        if not isinstance(found, dict):
            return [f'{path} expected an object, found {found}']
        return [fault for key, wanted in expected.items()
                for fault in differences(wanted, found.get(key), f'{path}.{key}' if path else key)]
    if isinstance(expected, str) and isinstance(found, str) and found in expected.split('|'):
        return []
    return [] if expected == found else [f'{path} expected {expected}, found {found}']


def host_in_words(host):
    """A host of a plan, in the words of an expectation."""
    connect = host.get('connect')
    return host | {'reason': code_of(host['reason']), 'dane': host['dane']['status'],
                   'connect': connect and connect | {'reason': code_of(connect['reason'])}}


def plan_in_words(plan):
    return plan | {'reason': code_of(plan['reason']),
                   'hosts': {host['name']: host_in_words(host) for host in plan['hosts']}}


def plan_faults(expected, plan):
    found = plan_in_words(plan)
    faults = differences(expected, found)
    if expected['verdict'] == 'deliver' and set(expected['hosts']) != set(found['hosts']):
        faults.append(f'hosts expected {sorted(expected["hosts"])}, found {sorted(found["hosts"])}')
    return faults


def arguments(description, add=None):
    """Read the command line; enter the lab when not in it yet."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument('--smtpsec', default=BUILT, metavar='PATH',
                        help='the tool; the other examples are looked for beside it')
    if add:
        add(parser)
    options = parser.parse_args()
    if not os.access(options.smtpsec, os.X_OK):
        parser.error(f'{options.smtpsec}: not there; build it, or name it with --smtpsec')
    trial = Run([os.path.abspath(options.smtpsec), '--version'])
    if trial.status != 0:
        parser.error(f'{options.smtpsec} does not run: {trial.err.strip() or trial.status}')
    return options


def within_reach(smtpsec):
    """A copy of the tool and its libraries that every user may read: a build may lie in a home of mode 0700."""
    build, place = os.path.dirname(os.path.dirname(os.path.abspath(smtpsec))), os.path.join(os.environ['LAB_DIR'], 'reach')
    for part in ('examples', 'examples/exim', 'lib'):
        os.makedirs(os.path.join(place, part), exist_ok=True)
        for entry in os.scandir(os.path.join(build, part)) if os.path.isdir(os.path.join(build, part)) else ():
            if entry.is_file() and (entry.name == 'smtpsec' or '.so' in entry.name):
                shutil.copy(entry.path, os.path.join(place, part))
    return os.path.join(place, 'examples', 'smtpsec')


def enter_lab():
    """Go on inside a lab of our own unless we are in one."""
    if 'LAB_DIR' in os.environ:
        return
    if os.geteuid() != 0 and lab.private() is None:
        print('skipped: the lab needs private namespaces, or root')
        sys.exit(SKIPPED)
    os.execv(sys.executable, [sys.executable, '-B', os.path.join(HERE, 'lab.py'), 'run', '--',
                              sys.executable, '-B', os.path.abspath(sys.argv[0]), *sys.argv[1:]])
