# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a mail server must look like to be tested here; see README.md.

A module of this folder defines one class derived from Mta, and stands in
servers.py. Everything below runs inside the lab, as root.
"""
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))

import middle  # noqa: E402
from tool import within_reach  # noqa: E402

DELIVERED, DEFERRED, BOUNCED = 'delivered', 'deferred', 'bounced'

# Mail from the first goes out as the library says; mail from the second by the same
# server without the library, TLS where it is offered: so each attack is shown to work.
GUARDED, BARE = 'guarded@sender.test', 'bare@sender.test'
SENDER_DOMAIN = 'sender.test'   # local to the server, which throws its mail away: bounces go there

RESOLVER = f'{middle.ADDRESS}#53'   # /etc/resolv.conf names it, too; forgeries happen there


@dataclass
class Result:
    """What a server says became of one message after its first attempt."""
    status: str           # DELIVERED, DEFERRED, BOUNCED
    reason: str = ''      # its own text of the attempt, with all that it logged of this message
    host: str = ''        # who took or refused it, as far as the server says


@dataclass(frozen=True)
class Deviation:
    """A server cannot do what the table of cases expects. `why` stands below the printed table."""
    status: str
    reason: str           # as in a case
    why: str              # 'stricter: ...' or 'weaker: ...' or 'other: ...'
    taken_by: str = ''    # as in a case


class Lab:
    """What surrounds a server: where everything is."""

    def __init__(self, smtpsec):
        self.build = os.path.dirname(os.path.dirname(os.path.abspath(smtpsec)))  # the build directory
        self.smtpsec = within_reach(smtpsec)                    # the tool, where servers may run it
        self.module = os.path.join(os.path.dirname(self.smtpsec), 'exim', 'smtpsec_exim.so')
        self.directory = os.environ['LAB_DIR']                  # mode 0755, on a path that all may walk
        self.ca = os.environ['LAB_CA']
        self.resolver = RESOLVER
        self.common = ['--resolver', RESOLVER, '--ca-file', self.ca, '--allow-private']

    def folder(self, name):
        """A new directory for a server's own files, root's, mode 0755."""
        path = os.path.join(self.directory, name)
        os.mkdir(path, 0o755)
        return path


class Mta:
    """A mail server. The order: start, then for each round forget, sends, results; stop."""

    name = ''         # one word: of the command line, the table, the meson test
    packages = ()     # Debian packages that it needs beyond those of the lab; tests/run installs them
    # Where a reason of the library (a code as in `smtpsec check`) shows in other words in this
    # server's text: code -> regular expression. A code that is not here must stand there itself.
    words = {}
    deviations = {}   # (destination, attack) -> Deviation
    undone = {}       # (destination, attack) of cases that make no sense here -> why

    def missing(self):
        """Why this server cannot be tested on this machine; '' when it can. Called before start."""
        absent = [package for package in self.packages if subprocess.run(
            ['dpkg-query', '-W', '-f', '${Status}', package], capture_output=True
        ).stdout != b'install ok installed']
        return f'not installed: {" ".join(absent)}' if absent else ''

    def version(self):
        """Name and version for the heading of the table."""
        return self.name

    def start(self, lab):
        """Start the server (lab: a Lab), with the library in mode enforce, all in a folder of the lab."""
        raise NotImplementedError

    def forget(self, memory):
        """Begin a round: no connection, TLS session, plan, host status or retry time from before is
        used any more, and the library's memory is this directory (a copy of its own, root's, mode 0700;
        give it to whom you need)."""
        raise NotImplementedError

    def send(self, sender, recipient, message):
        """Queue a message (bytes, CRLF) for one recipient, do not wait for its delivery, and return
        the queue's name of it. sender: GUARDED or BARE, see above."""
        raise NotImplementedError

    def result(self, ident, timeout):
        """Wait for the end of the first attempt; returns a Result. Raises TimeoutError."""
        raise NotImplementedError

    def retry(self):
        """Try all deferred mail once more, now; results() of the same ids change afterwards."""
        raise NotImplementedError

    def stop(self):
        """End every process that start began."""
        raise NotImplementedError

    def more(self, lab, score, memories):
        """Checks of this server alone, after the table (score: tool.Score)."""


class LogFollower:
    """Lines of a growing file as they come; a helper for result()."""

    def __init__(self, path):
        self.path, self.at, self.rest = path, 0, b''

    def lines(self):
        try:
            with open(self.path, 'rb') as file:
                file.seek(self.at)
                more = file.read()
        except FileNotFoundError:
            return []
        self.at += len(more)
        *found, self.rest = (self.rest + more).split(b'\n')
        return [line.decode('utf-8', 'replace') for line in found]


def wait_for(condition, timeout, complaint):
    """Poll until a condition holds; returns what it returned. Raises TimeoutError."""
    end = time.monotonic() + timeout
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise TimeoutError(complaint)
        time.sleep(0.03)


def give(path, user, group=None):
    """Give a directory and all in it to a user."""
    shutil.chown(path, user, group)
    for folder, folders, files in os.walk(path):
        for name in folders + files:
            shutil.chown(os.path.join(folder, name), user, group)
