#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""smtpsec policy check, and --policy: what is said of a policy file, and how it ends.

policy.py SMTPSEC
"""
import json
import os
import subprocess
import sys
import tempfile

NOW = '1800000000'  # 2027-01-15
GOOD = b'mode encrypted report\nhold 72h\nexcept d.test dane until 2027-03-01 "moves"\n'

# Name, octets, exit status, what is said on standard output.
CHECKS = (
    ('a good file', GOOD, 0, []),
    ('an empty file', b'', 0, []),
    ('an exception that has ended', b'\nexcept d.test dane until 2027-01-14\n', 0,
     ['2: this exception ended with 2027-01-14: it is not used']),
    ('a fault', b'# x\nmode dane maybe\n', 65, ['2: "maybe" is no mode; expected: off, report or enforce']),
    ('two faults', b'x\ncap 0d\n', 65,
     ['1: "x" is no directive; expected: mode, soft-certificates, hold, cap, canary, '
      'plan-cache, except, level, tls-version, sts-testing, insecure-mx, dane-alone, mx or relay',
      '2: a cap of 0d; expected: 1d to 366d']),
    ('an escape sequence', b'\x1b[31m\n', 65, ['1: octet 0x1b is a control character']),
    ('a NUL', b'cap 1d\0\n', 65, ['1: octet 0x00 is a control character']),
    ('a megabyte of faults', b'x\n' * 500000, 65, 64),
    ('more than a megabyte', b'#' * (1 << 20) + b'#', 65, []),
)

tool = sys.argv[1]
faults = []


def run(*words, given=None):
    done = subprocess.run([tool, *words], input=given, capture_output=True, timeout=60)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def note(name, expected, found):
    if expected != found:
        faults.append(f'{name}: expected {expected}, found {found}')


with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, 'policy')
    for name, octets, status, said in CHECKS:
        with open(path, 'wb') as file:
            file.write(octets)
        code, out, err = run('policy', 'check', '--now', NOW, path)
        lines = out.splitlines()
        note(f'{name}: status', status, code)
        note(f'{name}: printable', True, all(line.isprintable() for line in lines + err.splitlines()))
        if isinstance(said, int):
            note(f'{name}: lines', said, len(lines))
        else:
            note(f'{name}: lines', [f'{path}:{line}' for line in said], lines)
        if len(octets) > 1 << 20:
            note(f'{name}: error', True, 'longer than' in err)
            continue
        code, out, _ = run('policy', 'check', '--now', NOW, '--json', path)
        found = json.loads(out)
        note(f'{name}: JSON status', status, code)
        note(f'{name}: JSON usable', status == 0, found['usable'])
        note(f'{name}: JSON faults', [(f'{path}:{f["line"]}: {f["text"]}') for f in found['faults']], lines)
        code, out, _ = run('policy', 'check', '--now', NOW, '-', given=octets)
        note(f'{name}: from standard input', (status, len(lines)), (code, len(out.splitlines())))
    note('a file that is not there', 66, run('policy', 'check', path + 'x')[0])
    for words in ((), ('check',), ('check', path, path), ('edit', path)):
        note(f'policy {words}', 64, run('policy', *words)[0])

    memory = os.path.join(folder, 'memory')
    os.mkdir(memory, 0o700)
    run('memory', 'forget', 'd.test', '--memory', memory)  # begins it
    for name, octets, status, said in (('good', GOOD, 0, ''), ('faulty', b'\nx\n', 65, f'{path}:2: "x" is no')):
        with open(path, 'wb') as file:
            file.write(octets)
        code, _, err = run('memory', 'list', '--memory', memory, '--now', NOW, '--policy', path)
        note(f'--policy, {name}: status', status, code)
        note(f'--policy, {name}: said', True, said in err)

print('\n'.join(faults) or 'all as expected')
sys.exit(1 if faults else 0)
