#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every exported function stands in a manual page, and no page names one that is not exported.

mentioned.py MAP PAGE...
"""
import re
import sys


def main():
    with open(sys.argv[1]) as file:
        exported = set(re.findall(r'^\s+(smtpsec_\w+);', file.read(), re.MULTILINE))
    named = set()
    for page in sys.argv[2:]:
        with open(page) as file:
            named |= set(re.findall(r'^\.(?:Fn|It Fn) (smtpsec_\w+)', file.read(), re.MULTILINE))
    faults = [f'{name}: in no manual page; add it to its group in FUNCTIONS of libsmtpsec.3'
              for name in sorted(exported - named)]
    faults += [f'{name}: in a manual page, and not exported' for name in sorted(named - exported)]
    print('\n'.join(faults) or f'{len(exported)} functions')
    return 1 if faults or not exported else 0


if __name__ == '__main__':
    sys.exit(main())
