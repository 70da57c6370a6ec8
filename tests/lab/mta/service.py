# SPDX-License-Identifier: LGPL-2.1-or-later
"""`smtpsec serve` as an operator runs it, started, asked and stopped."""
import os
import socket
import subprocess

from frame import give, wait_for
from netstrings import netstring, read_netstring

USER, GROUP = 'nobody', 'postfix'   # who it becomes, and who may ask by the unix socket


class Service:
    """The socketmap service; its socket is PATH and on TCP PORT, its log FOLDER/serve.log."""

    def __init__(self, lab, folder, path, port, options=()):
        self.lab, self.path, self.port, self.options = lab, path, port, list(options)
        self.log = os.path.join(folder, 'serve.log')
        self.process = None

    def command(self, memory):
        return [self.lab.smtpsec, 'serve', '--listen', f'unix:{self.path}',
                '--listen', f'inet:127.0.0.1:{self.port}', *self.lab.common, '--memory', memory,
                '--user', USER, '--socket-owner', f'{USER}:{GROUP}', '--socket-mode', '0660', *self.options]

    def start(self, memory):
        give(memory, USER)
        with open(self.log, 'ab') as log:
            self.process = subprocess.Popen(self.command(memory), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            cwd='/', start_new_session=True)
        wait_for(self.answers, 10, f'the service does not answer: {self.command(memory)}')

    def answers(self):
        if self.process.poll() is not None:
            with open(self.log, errors='replace') as file:
                raise RuntimeError(f'the service ended with {self.process.returncode}: {file.read()[-2000:]}')
        try:
            return ask(self.path, 'smtpsec .test') == 'NOTFOUND '
        except OSError:
            return False

    def stop(self):
        """Returns its exit status."""
        if self.process is None:
            return 0
        self.process.terminate()
        try:
            status = self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self.process = None
        return status


def ask(path, question, timeout=30):
    """One question at a socketmap: 'MAP KEY' -> its reply."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(timeout)
        sock.connect(path)
        sock.sendall(netstring(question))
        return read_netstring(sock)
