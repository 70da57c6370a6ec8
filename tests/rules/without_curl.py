#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A process that only verifies has no HTTPS client in it: libcurl brings some thirty libraries along.

without_curl.py LIBRARY COMMAND... : the library does not want libcurl, and the command, which prints
what a verifying process has mapped, prints no libcurl either.
"""
import re
import subprocess
import sys

library, *command = sys.argv[1:]
dynamic = subprocess.run(['readelf', '-d', library], check=True, capture_output=True, text=True,
                         env={'LC_ALL': 'C', 'PATH': '/usr/bin:/bin'}).stdout
wanted = re.findall(r'\(NEEDED\)\s+Shared library: \[([^]]+)\]', dynamic)
mapped = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
faults = [f'the library is linked with {name}' for name in wanted if 'curl' in name]
faults += [f'a verifying process maps {path}' for path in mapped if re.search(r'curl|smtpsec-fetch', path)]
if not wanted or not any('libsmtpsec.so' in path for path in mapped):
    faults.append('nothing read')
print('\n'.join(faults) or f'{len(mapped)} libraries mapped, no libcurl')
sys.exit(1 if faults else 0)
