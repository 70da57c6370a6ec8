#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A small Internet on loopback: signed DNS, HTTPS policy hosts, SMTP servers.

  lab.py run [--keep] [--beside] -- COMMAND ARGUMENT...   run a command inside
  lab.py shell [--keep] [--beside]                        enter it by hand
  lab.py control WORDS...                                 change it, from inside
  lab.py list                                             print the table
  lab.py private                                          status 0: it would be in namespaces

The command finds LAB_DIR, LAB_RESOLVER, LAB_CA, LAB_CONTROL in its environment.
--keep leaves LAB_DIR behind; --beside makes no namespaces.
"""
import sys

sys.dont_write_bytecode = True  # the source tree stays as it is

import argparse  # noqa: E402
import os  # noqa: E402
import shutil  # noqa: E402
import signal  # noqa: E402
import subprocess  # noqa: E402
import tempfile  # noqa: E402

import control  # noqa: E402
from destinations import DESTINATIONS  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))

# From the most private to the least.
NAMESPACES = (('--net', '--mount', '--pid', '--fork', '--kill-child=TERM', '--mount-proc'),
              ('--net', '--mount', '--fork', '--kill-child=TERM'))


def private():
    """The unshare command that this machine allows; None when it allows none."""
    if not shutil.which('unshare'):
        return None
    roots = ((), ('--map-root-user',)) if os.geteuid() == 0 else (('--map-root-user',),)
    for flags in NAMESPACES:
        for root in roots:
            command = ['unshare', *root, *flags]
            attempt = [*command, 'mount', '--bind', '/etc/passwd', '/etc/passwd']
            if subprocess.run(attempt, capture_output=True).returncode == 0:
                return command
    return None


def enter(command, options):
    """Start the inner half, pass the end of our life on to it, wait, and clean up."""
    unshare = None if options.beside else private()
    if unshare is None:
        print('lab: no private namespaces: running beside what runs here, on 127.77.0.0/16 '
              '(needs the ports 25, 53 and 443)', file=sys.stderr)
    directory = tempfile.mkdtemp(prefix='smtpsec-lab.')
    os.chmod(directory, 0o755)  # nothing secret in it, and a command may drop its privileges
    life, end = os.pipe()

    def stop(*_):
        nonlocal end
        if end is not None:  # the reader inside sees the end of the pipe
            os.close(end)
            end = None
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    signal.signal(signal.SIGINT, (lambda *_: None) if options.interactive else stop)
    inner = [sys.executable, '-B', os.path.join(HERE, 'inside.py'), directory, str(life),
             'private' if unshare else 'beside', '--', *command]
    try:
        process = subprocess.Popen([*(unshare or ()), *inner], pass_fds=[life])
        os.close(life)
        status = process.wait()
    finally:
        if options.keep:
            print(f'lab: kept {directory}', file=sys.stderr)
        else:
            shutil.rmtree(directory, ignore_errors=True)
    return 128 - status if status < 0 else status


def show():
    for row in DESTINATIONS:
        print(f'{row.domain:32} {row.security:9} {row.shows}')
    return 0


def main():
    if sys.argv[1:2] == ['control']:
        return control.client(sys.argv[2:])
    if sys.argv[1:] == ['list']:
        return show()
    if sys.argv[1:] == ['private']:
        return 0 if private() else 1
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument('what', choices=('run', 'shell'))
    parser.add_argument('--keep', action='store_true')
    parser.add_argument('--beside', action='store_true')
    parser.add_argument('command', nargs='*')
    arguments = sys.argv[1:]
    cut = arguments.index('--') if '--' in arguments else len(arguments)
    options = parser.parse_args(arguments[:cut])
    command = options.command + arguments[cut + 1:]
    options.interactive = options.what == 'shell'
    if options.interactive:
        command = [sys.executable, '-B', os.path.join(HERE, 'greet.py')]
    if not command:
        parser.error('run what?')
    return enter(command, options)


if __name__ == '__main__':
    sys.exit(main())
