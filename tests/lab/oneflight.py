#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fifty processes with one memory want a policy that nobody has yet: one of them
fetches it (STSF-13), and a fetcher that is killed leaves nothing that others wait for.

One line a check; inside the lab, or it enters by itself.
"""
import sys

sys.dont_write_bytecode = True

import json  # noqa: E402
import os  # noqa: E402
import shutil  # noqa: E402
import signal  # noqa: E402
import subprocess  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402

from tool import Score, Tool, arguments, enter_lab, say  # noqa: E402

PROCESSES = 50
DOMAIN = 'sts-enforce.test'
LOG = 'https.log'


def requests(since):
    """GETs for the policy of DOMAIN after this place in the log."""
    with open(os.path.join(os.environ['LAB_DIR'], LOG), errors='replace') as file:
        file.seek(since)
        return sum('GET ' in line and f'host=mta-sts.{DOMAIN}' in line for line in file)


def log_size():
    path = os.path.join(os.environ['LAB_DIR'], LOG)
    return os.path.getsize(path) if os.path.exists(path) else 0


class Crowd:
    """Processes that evaluate DOMAIN at the same time, with a memory that is empty at first."""

    def __init__(self, tool, folder, timeout='30', *words):
        os.mkdir(folder, 0o700)
        self.command = [tool.smtpsec, 'check', *tool.common, '--json', '--timeout', timeout,
                        '--memory', folder, *words, DOMAIN]
        self.processes, self.since = [], log_size()

    def add(self, count):
        new = [subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
               for _ in range(count)]
        self.processes += new
        return new

    def results(self):
        found = []
        for process in self.processes:
            out, _ = process.communicate(timeout=60)
            line = out.decode().strip()
            found.append((process.returncode, json.loads(line)['mta_sts'] if line else None))
        return found

    def wait_for_request(self, count=1):
        end = time.monotonic() + 20
        while requests(self.since) < count:
            if time.monotonic() > end:
                raise RuntimeError('the policy host was not asked')
            time.sleep(0.02)


def crowd_faults(crowd, gets, mode='enforce', fetched=1, killed=()):
    results = crowd.results()
    faults, sources = [], {}
    for process, (status, sts) in zip(crowd.processes, results):
        if process in killed:
            continue
        if sts is None or sts['mode'] != mode:
            faults.append(f'exit status {status}, mta_sts {sts}')
        else:
            sources[sts['source']] = sources.get(sts['source'], 0) + 1
    if requests(crowd.since) != gets:
        faults.append(f'expected {gets} GETs, found {requests(crowd.since)}')
    if sources.get('fetched', 0) != fetched:
        faults.append(f'expected {fetched} who fetched, found {sources}')
    return faults[:5]


def together(tool, score, folder):
    crowd = Crowd(tool, os.path.join(folder, 'cold'))
    begin = time.monotonic()
    crowd.add(PROCESSES)
    score.note(f'{PROCESSES} processes, an empty memory: one GET, one policy for all',
               crowd_faults(crowd, 1), f'{time.monotonic() - begin:.1f} s')


def alone(tool, score, _):
    """One process and no memory: its evaluations share the fetch."""
    since = log_size()
    run = tool.check('--via', 'loop', *[DOMAIN] * 20)
    sources = [plan['mta_sts']['source'] for plan in run.objects]
    score.note('20 evaluations in one loop, no memory: one GET',
               [] if (requests(since), sources) == (1, ['fetched'] * 20)
               else f'{requests(since)} GETs, {sources}')


def patient(tool, score, folder):
    """The policy host takes its time: the others wait for the answer, not for the host."""
    say('https', DOMAIN, 'late')
    crowd = Crowd(tool, os.path.join(folder, 'late'))
    crowd.add(PROCESSES)
    score.note('the same with a policy host that takes 2 s', crowd_faults(crowd, 1))
    say('undo')


def killed(tool, score, folder):
    """SIGKILL while it fetches: the next one sees that at once, and fetches."""
    say('https', DOMAIN, 'slow')
    crowd = Crowd(tool, os.path.join(folder, 'killed'))
    first = crowd.add(1)
    crowd.wait_for_request()
    crowd.add(PROCESSES - 1)
    time.sleep(1)
    waiting = requests(crowd.since)
    say('undo')
    begin = time.monotonic()
    first[0].send_signal(signal.SIGKILL)
    faults = crowd_faults(crowd, 2, killed=first)
    took = time.monotonic() - begin
    if waiting != 1:
        faults.append(f'{waiting} GETs while the first one held the lease')
    if took > 10:
        faults.append(f'{took:.1f} s until the others had a policy')
    score.note('the fetcher is killed: one other fetches, once', faults, f'{took:.1f} s later all had a policy')


def failing(tool, score, folder):
    """A failed fetch is not tried again by each of them."""
    say('https', DOMAIN, '500')
    crowd = Crowd(tool, os.path.join(folder, 'failing'))
    crowd.add(PROCESSES)
    score.note('a policy host that fails: one GET, no policy for anybody',
               crowd_faults(crowd, 1, mode='absent', fetched=0))
    say('undo')


def unwritable(tool, score, folder):
    """No lease to be had: everybody fetches, and nobody goes without a policy."""
    crowd = Crowd(tool, os.path.join(folder, 'unwritable'))
    crowd.add(1)[0].wait()
    crowd.processes.clear()
    crowd.since = log_size()
    crowd.command[crowd.command.index('--memory') + 1] = os.path.join(folder, 'missing')
    crowd.add(5)
    score.note('a memory that is lost: each fetches for itself', crowd_faults(crowd, 5, fetched=5))


def main():
    options = arguments(__doc__)
    enter_lab()
    tool, score = Tool(options.smtpsec), Score()
    folder = tempfile.mkdtemp(dir=os.environ['LAB_DIR'], prefix='flight.')
    try:
        for part in (together, alone, patient, killed, failing, unwritable):
            part(tool, score, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return score.close()


if __name__ == '__main__':
    sys.exit(main())
