# SPDX-License-Identifier: LGPL-2.1-or-later
"""What `lab.py shell` starts: say where we are, become the user's shell."""
import os
import sys

LAB = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'lab.py')

GREETING = """
You are inside the lab. Leave it with exit; nothing stays behind.

  resolver      {LAB_RESOLVER}   validates, with the lab's own root
  trust anchors {LAB_CA}
  files         {LAB_DIR}   destinations.json, smtp.log, https.log, unbound.log, mail/
  the table     {lab} list
  attacks       {lab} control help

  smtpsec check --connect --resolver "$LAB_RESOLVER" --ca-file "$LAB_CA" --allow-private dane-ee.test
  drill -D @{server} _25._tcp.mx.dane-ee.test TLSA
"""


def main():
    print(GREETING.format(lab=f'{sys.executable} {LAB}', server=os.environ['LAB_RESOLVER'].split('#')[0],
                          **{k: v for k, v in os.environ.items() if k.startswith('LAB_')}))
    sys.stdout.flush()
    shell = os.environ.get('SHELL') or '/bin/sh'
    os.environ['PS1'] = '(lab) \\w$ '
    os.execvp(shell, [shell])


if __name__ == '__main__':
    main()
