#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Includes point one way, and each outside library is seen by one room.

includes.py LIB_FOLDER
"""
import os
import re
import sys

BELOW = {
    'base': set(),
    'dns': {'base'},
    'pkix': {'base'},
    'sts': {'base'},
    'dane': {'base', 'pkix'},
    'requiretls': {'base'},
    'report': {'base'},
    'memory': {'base'},
    'operator': {'base'},
    # A library of its own, on the public header.
    'openssl': set(),
}
BELOW['decision'] = set(BELOW) - {'openssl'}
BELOW['engine'] = BELOW['decision'] | {'decision'}
BELOW['drive'] = BELOW['engine'] | {'engine'}
BELOW['api'] = BELOW['drive'] | {'drive'}

OUTSIDE = {'gnutls': ('pkix',), 'ldns': ('dns',), 'lmdb': ('memory',), 'curl': ('drive',), 'openssl': ('openssl',)}

lib = sys.argv[1]
faults = []
files = 0
for room in sorted(os.listdir(lib)):
    if not os.path.isdir(os.path.join(lib, room)):
        continue
    for name in sorted(os.listdir(os.path.join(lib, room))):
        if not name.endswith(('.c', '.h')):
            continue
        files += 1
        where = f'{room}/{name}'
        text = open(os.path.join(lib, room, name)).read()
        for target in re.findall(r'^#include "([^"]+)"', text, re.M):
            if target == 'smtpsec.h' or (room == 'openssl' and target == 'smtpsec_openssl.h'):
                continue
            other = target.split('/')[0]
            if '/' not in target:
                faults.append(f'{where}: includes {target} without its room')
            elif other != room and other not in BELOW[room]:
                faults.append(f'{where}: {room} must not include {target}')
        for target in re.findall(r'^#include <([^>/.]+)', text, re.M):
            # The fetch module is a library of its own; GnuTLS is what its libcurl speaks TLS with.
            if target == 'gnutls' and room == 'drive' and name.startswith('fetch_'):
                continue
            if target in OUTSIDE and room not in OUTSIDE[target]:
                faults.append(f'{where}: only {", ".join(OUTSIDE[target])} may see {target}')
            if target == 'curl' and not name.startswith('fetch_'):
                faults.append(f'{where}: libcurl belongs to the fetch module')
            if target == 'lmdb' and not name.startswith('store_lmdb'):
                faults.append(f'{where}: LMDB belongs to the LMDB store')
print('\n'.join(faults) or f'{files} files')
sys.exit(1 if faults or files < 50 else 0)
