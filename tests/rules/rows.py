#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every rule of the matrix has a test whose name begins with its id.

rows.py [--list] SOURCE [GROUP...]

A test's name begins with the ids that it proves: "TLSA-16 digest of 31 octets
is unusable", "RES-04, RES-05 a failed MX look-up delays". Named tests are the
rows of unit tests, `test` lines of scenarios, and the names in the lab's
tests. Rows that only the program that calls the library can meet stand in
mta_rows.txt with what lets it; they are counted apart, and need a test too.
"""
import os
import re
import sys

ID = r'[A-Z]+(?:-[A-Z]+)?-\d\d'
NAME = re.compile(rf'''["'](?P<quoted>{ID}(?:,? {ID})*) |^test (?P<told>{ID}(?:,? {ID})*) ''', re.M)
PLACES = (('unit', '.c'), ('scenarios', '.scn'), ('scenarios', '.py'), ('lab', '.py'), ('differential', '.c'))


def matrix(source):
    text = open(os.path.join(source, 'doc', 'rfc-matrix.md')).read()
    return re.findall(rf'^\| ({ID}) \|', text, re.M)


def tested(source):
    found = {}
    for place, ending in PLACES:
        for folder, _, files in os.walk(os.path.join(source, 'tests', place)):
            for name in files:
                if not name.endswith(ending):
                    continue
                path = os.path.join(folder, name)
                for m in NAME.finditer(open(path).read()):
                    for row in re.findall(ID, m['quoted'] or m['told']):
                        found.setdefault(row, set()).add(os.path.relpath(path, source))
    return found


def mta_rows(source):
    rows = {}
    for line in open(os.path.join(source, 'tests', 'rules', 'mta_rows.txt')):
        if line.strip() and not line.startswith('#'):
            row, what = line.split(None, 1)
            rows[row] = what.strip()
    return rows


def main():
    words = sys.argv[1:]
    listing = '--list' in words
    words = [w for w in words if w != '--list']
    source, groups = words[0], words[1:]
    rows, tests, mta = matrix(source), tested(source), mta_rows(source)
    faults = [f'{row} is no row of the matrix: {", ".join(sorted(files))}'
              for row, files in sorted(tests.items()) if row not in rows]
    faults += [f'mta_rows.txt: {row} is no row of the matrix' for row in mta if row not in rows]
    faults += [f'mta_rows.txt: {row} is not shown in the lab' for row in mta
               if not any(path.startswith('tests/lab/') for path in tests.get(row, ()))]
    missing = []
    by_group = {}
    for row in rows:
        group = row.rsplit('-', 1)[0]
        if groups and group not in groups:
            continue
        count = by_group.setdefault(group, [0, 0, 0])
        count[0] += 1
        count[1] += row in tests
        count[2] += row in mta
        if row not in tests:
            missing.append(row)
        if listing:
            print(f'{row:11}{"MTA  " if row in mta else "     "}{", ".join(sorted(tests.get(row, ["MISSING"])))}')
    for group, (total, proved, by_mta) in by_group.items():
        print(f'{group:8} {total:3} rows, {proved:3} tested' + (f', {by_mta} of them met by the MTA' if by_mta else ''))
    print(f'{len(missing)} missing' + (': ' + ' '.join(missing) if missing else ''))
    print('\n'.join(faults))
    sys.exit(1 if missing or faults or not by_group else 0)


main()
