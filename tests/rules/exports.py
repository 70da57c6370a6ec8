#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the header declares, the map lists and the library exports is the same set.

exports.py HEADER MAP LIBRARY LEAST [MODULE]

LEAST: fewer functions than this mean that the reading went wrong.
"""
import re
import subprocess
import sys


def exported(library):
    out = subprocess.run(['nm', '-D', '--defined-only', library], check=True, capture_output=True, text=True).stdout
    symbols = {line.split()[-1] for line in out.splitlines()}
    # The version node itself, and the sanitizer's own marks, are not ours to list.
    return {s.split('@')[0] for s in symbols if not s.startswith(('LIBSMTPSEC_', '__odr_asan.'))}


header, version_map, library, least, *modules = sys.argv[1:]
declared = set(re.findall(r'SMTPSEC_API[^;(]*?\b(smtpsec_\w+)\(', open(header).read()))
listed = set(re.findall(r'^\s+(smtpsec_\w+);', open(version_map).read(), re.M))
faults = []
for name, a, b in (('declared, not listed', declared, listed), ('listed, not declared', listed, declared),
                   ('listed, not exported', listed, exported(library)),
                   ('exported, not listed', exported(library), listed),
                   *(('exported by the module', exported(m), {'smtpsec_fetch_module'}) for m in modules)):
    faults += [f'{name}: {s}' for s in sorted(a - b)]
print('\n'.join(faults) or f'{len(declared)} functions')
sys.exit(1 if faults or len(declared) < int(least) else 0)
