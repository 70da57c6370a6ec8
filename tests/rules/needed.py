#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Only the adapter is linked with OpenSSL, and it is linked with nothing else of ours but libsmtpsec.

needed.py ADAPTER LIBRARY... : none of the libraries may want libssl or libcrypto themselves.
(What the libraries they want are linked with is theirs to choose: Debian's libldns wants libcrypto.)
"""
import re
import subprocess
import sys


def needed(path):
    out = subprocess.run(['readelf', '-d', path], check=True, capture_output=True, text=True,
                         env={'LC_ALL': 'C', 'PATH': '/usr/bin:/bin'}).stdout
    return set(re.findall(r'\(NEEDED\)\s+Shared library: \[([^]]+)\]', out))


adapter, *libraries = sys.argv[1:]
wanted = needed(adapter)
faults = [f'{adapter} is not linked with {name}' for name in ('libssl', 'libcrypto', 'libsmtpsec')
          if not any(w.startswith(name + '.so') for w in wanted)]
faults += [f'{adapter} is linked with {w}' for w in wanted
           if not re.match(r'lib(ssl|crypto|smtpsec|c|pthread|asan|ubsan)\.', w)]
for library in libraries:
    names = needed(library)
    if not names:
        faults.append(f'{library}: nothing read')
    faults += [f'{library} is linked with {w}' for w in names if re.match(r'lib(ssl|crypto)\.', w)]
print('\n'.join(faults) or f'{len(libraries)} libraries without OpenSSL')
sys.exit(1 if faults or not libraries else 0)
