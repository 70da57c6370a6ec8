#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Write a C program that calls every function of the header with nothing.

null_calls.py HEADER OUT

What must come back follows from the contract at the top of the header: no
function crashes; an accessor gives NULL or 0, whatever takes or makes an
object gives INVALID; names of constants are never NULL. EXCEPTIONS lists the
functions whose text says otherwise.
"""
import re
import sys

EXCEPTIONS = {
    # The safe value, where 0 would read as leave to go on.
    'smtpsec_plan_verdict': 'SMTPSEC_VERDICT_DEFER',
    'smtpsec_host_action': 'SMTPSEC_ACTION_SKIP',
    'smtpsec_requirement_tls': 'SMTPSEC_TLS_REQUIRED',
    'smtpsec_requirement_tls_version': '0x0304',
    'smtpsec_verdict_tlsa': '-1',
    'smtpsec_plan_explain_age': '-1',
    # "-1 without resolvers", "-1: never".
    'smtpsec_fd': '-1',
    'smtpsec_timeout_ms': '-1',
    'smtpsec_tally_verdict': 'SMTPSEC_VERDICT_DEFER',
    'smtpsec_classify_reply': 'SMTPSEC_REPLY_NEXT_HOST',
    'smtpsec_message_bounce_headers_only': '1',
    'smtpsec_requirement_covers': '0',
    # A reply code.
    'smtpsec_requiretls_receive': '530',
    'smtpsec_limit_requiretls_octets': None,
    # A callback of GnuTLS: not 0 ends the handshake.
    'smtpsec_gnutls_verify': '-1',
    # "No such need is open."
    'smtpsec_lookup_answer_dns': 'SMTPSEC_E_NEED',
    'smtpsec_lookup_answer_https': 'SMTPSEC_E_NEED',
    'smtpsec_lookup_answer_failure': 'SMTPSEC_E_NEED',
    'smtpsec_has': '0',
    'smtpsec_event_next': '0',
    'smtpsec_version_check': None,
    'smtpsec_limit_policy_octets': None,
}


def declarations(header):
    text = re.sub(r'/\*.*?\*/', '', open(header).read(), flags=re.S)
    for match in re.finditer(r'SMTPSEC_API\s+([^;(]*?[\s*])(smtpsec_\w+)\(([^;]*)\);', text):
        result, name, arguments = match.groups()
        arguments = [' '.join(a.split()) for a in arguments.split(',')]
        # A pointer to a function holds commas of its own; its parts stay one argument.
        whole = re.sub(r'\s+', ' ', match.group(3))
        if '(*' in whole:
            arguments = re.split(r',\s*(?![^(]*\))', whole)
        yield ' '.join(result.split()), name, [] if arguments == ['void'] else arguments


def is_pointer(argument):
    return '*' in argument or argument.startswith('smtpsec_done ')


def is_accessor(arguments):
    return bool(arguments) and arguments[0].startswith('const struct ') and all(
        re.match(r'(size_t|uint32_t) \w+$', a) or a == 'size_t *len' for a in arguments[1:])


def wanted(result, name, arguments):
    pointers = [a for a in arguments if is_pointer(a)]
    if name in EXCEPTIONS:
        return EXCEPTIONS[name]
    if '*' in result:
        return 'NULL' if pointers else 'text'
    if result in ('size_t', 'uint16_t', 'uint32_t', 'int64_t', 'uint64_t') or is_accessor(arguments) or not pointers:
        return '0'
    return 'SMTPSEC_E_INVALID'


header, out = sys.argv[1:]
lines = ['/* SPDX-License-Identifier: LGPL-2.1-or-later */', '/* Written by null_calls.py. */',
         '#include <stdio.h>', '', '#include "smtpsec.h"', '', 'int main(void);', '',
         'int', 'main(void)', '{', '    int failed = 0;', '']
count = 0
for result, name, arguments in declarations(header):
    count += 1
    call = f"{name}({', '.join('NULL' if is_pointer(a) else '0' for a in arguments)})"
    want = None if result == 'void' else wanted(result, name, arguments)
    if want is None:
        lines.append(f'    (void)0, {call};' if result == 'void' else f'    (void){call};')
    elif want == 'text':
        lines += [f'    if ({call} == NULL && ++failed)', f'        puts("{name} gave NULL");']
    else:
        lines += [f'    if ({call} != {want} && ++failed)', f'        puts("{name} did not give {want}");']
lines += [f'    printf("{count} functions called, %d faults\\n", failed);', '    return failed != 0;', '}']
if count < 200:
    sys.exit(f'only {count} functions found in {header}')
open(out, 'w').write('\n'.join(lines).replace('(void)0, ', '') + '\n')
