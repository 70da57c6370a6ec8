# SPDX-License-Identifier: LGPL-2.1-or-later
"""A memory that has learnt from weeks of deliveries, made once and copied for each round.

A server's own process cannot be given another clock, so the weeks lie in the past:
the tool is told each day with --now, and the last of them is today.
"""
import os
import shutil
import tempfile
import time

from cases import ABANDONED, KNOWN
from tool import say

DAY = 86400
# A soft claim is earned by 7 days of delivery over 14 days. Each day one: a clock that leaps is not believed.
DAYS = range(-20, 1)
GONE = -9    # since that day policies of 7 days are blocked


class Learnt:
    def __init__(self, tool, lab):
        self.tool, self.copies = tool, 0
        self.folder = tempfile.mkdtemp(dir=lab.directory, prefix='memories.')
        os.chmod(self.folder, 0o755)
        self.master = None
        # Read once: were the days some seconds longer than a day, the clock would seem to leap.
        self.today = int(time.time())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def learn(self, place, day, domains):
        run = self.tool.send('--memory', place, '--now', self.today + day * DAY, to=[f'daily@{name}' for name in domains])
        if run.status != 0:
            raise RuntimeError(f'the delivery of day {day} failed: {run.err}{run.out}')

    def make(self):
        place = os.path.join(self.folder, 'learnt')
        os.mkdir(place, 0o700)
        for day in DAYS:
            if day == GONE:
                for domain in ABANDONED:
                    say('block-sts', domain)
            self.learn(place, day, KNOWN)
        say('undo')
        return place

    def copy(self, name):
        """A directory of its own with what has been learnt."""
        self.master = self.master or self.make()
        self.copies += 1
        return shutil.copytree(self.master, os.path.join(self.folder, f'{name}-{self.copies}'))
