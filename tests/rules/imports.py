#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The core is pure: it imports nothing that opens, waits, prints, or asks a clock or the environment.

imports.py ARCHIVE... : what the archives do not define among themselves must be on the list.
"""
import re
import subprocess
import sys

ALLOWED = re.compile(r'''^(
    malloc | calloc | realloc | free | strdup | strndup |
    mem(cpy|move|set|cmp|chr|mem|rchr) | str(len|nlen|cmp|ncmp|chr|rchr|cspn|spn|str) |
    snprintf | vsnprintf | qsort | bsearch | explicit_bzero |
    inet_ntop | inet_pton | abort |
    (gnutls|ldns|LDNS)_\w+ | sldns_\w+ |
    __(mem(cpy|move|set)|strcpy|strcat|snprintf|vsnprintf|strncpy)_chk | __stack_chk_fail | __cpu_model | _GLOBAL_OFFSET_TABLE_ |
    __assert_fail | __tls_get_addr |
    __(asan|ubsan|lsan)_\w+ | __sanitizer_\w+ | __gcov_\w+ | __llvm_\w+
)$''', re.X)
# Of the libraries, nothing that touches the world.
FORBIDDEN = re.compile(r'ldns_(resolver|send|pkt_|udp|tcp|wire2pkt|get_rr_list|rr_new_frm_fp)|'
                       r'gnutls_(global_set|handshake|record|transport|load_file|certificate_set_x509_system)|'
                       r'gnutls_x509_trust_list_add_(system|trust_file|trust_dir)')


def symbols(archive, *options):
    out = subprocess.run(['nm', *options, archive], check=True, capture_output=True, text=True).stdout
    return {line.split()[-1] for line in out.splitlines() if line.strip() and not line.endswith(':')}


defined, wanted = set(), set()
for path in sys.argv[1:]:
    defined |= symbols(path, '--defined-only')
    wanted |= symbols(path, '--undefined-only')
outside = sorted(wanted - defined)
faults = [s for s in outside if not ALLOWED.match(s) or FORBIDDEN.search(s)]
print('\n'.join(f'the core imports {s}' for s in faults) or f'{len(outside)} imports, all pure')
sys.exit(1 if faults or len(outside) < 20 else 0)
