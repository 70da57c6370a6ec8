#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Policies are fetched anew before they expire (STSA-15), and an evaluation that
does not wait for a policy has it fetched meanwhile (STSF-16): against real servers.

One line a check; inside the lab, or it enters by itself.
"""
import sys

sys.dont_write_bytecode = True

import ctypes  # noqa: E402
import glob  # noqa: E402
import os  # noqa: E402
import select  # noqa: E402
import shutil  # noqa: E402
import subprocess  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402

from tool import Run, Score, Tool, arguments, enter_lab, say  # noqa: E402

DAY = 86400
WITH_POLICY = ('sts-enforce.test', 'sts-testing.test')


def log_size():
    path = os.path.join(os.environ['LAB_DIR'], 'https.log')
    return os.path.getsize(path) if os.path.exists(path) else 0


def requests(since, domain=''):
    with open(os.path.join(os.environ['LAB_DIR'], 'https.log'), errors='replace') as file:
        file.seek(since)
        return sum('GET ' in line and f'host=mta-sts.{domain}' in line for line in file)


def refresh(tool, memory, now, *words):
    return Run([tool.smtpsec, 'refresh', *tool.common, '--json', '--memory', memory, '--now', now, *words])


def listed(tool, memory, now):
    run = Run([tool.smtpsec, 'refresh', '--list', '--json', '--memory', memory, '--now', now])
    return sorted(row['domain'] for row in run.objects)


def expect(found, wanted):
    return [] if found == wanted else [f'expected {wanted}, found {found}']


def days(tool, score, memory):
    now = int(time.time())
    tool.check('--memory', memory, '--now', now, *WITH_POLICY, 'sts-none.test', 'dane-ee.test')
    score.note('nothing is due at once', expect(listed(tool, memory, now), []))
    now += DAY
    score.note('after a day all but mode none is due', expect(listed(tool, memory, now), sorted(WITH_POLICY)))
    since = log_size()
    run = refresh(tool, memory, now, '--most', 1)
    score.note('no more than asked for', expect((run.status, run.objects, requests(since)),
               (0, [{'refreshed': 1, 'failed': 0, 'removed': 0}], 1)))
    say('https', 'sts-enforce.test', '500')
    say('https', 'sts-testing.test', '500')
    run = refresh(tool, memory, now)
    score.note('a failed refresh is said', expect((run.status, run.objects),
               (1, [{'refreshed': 0, 'failed': 1, 'removed': 0}])))
    score.note('and not tried again at once', expect(listed(tool, memory, now), []))
    now += 3 * DAY
    run = refresh(tool, memory, now)
    say('undo')
    told = run.err.count('sts-refresh-failing')
    score.note('who fails for days is told of, the other not yet', expect((told, run.objects[0]['failed']), (1, 2)))
    now += 3600
    since = log_size()
    processes = [subprocess.Popen([tool.smtpsec, 'refresh', *tool.common, '--memory', memory, '--now', str(now)],
                                  stdout=subprocess.DEVNULL) for _ in range(10)]
    statuses = {process.wait() for process in processes}
    score.note('ten refreshes at once: each policy is fetched once', expect(
        (statuses, [requests(since, domain) for domain in WITH_POLICY]), ({0}, [1, 1])))
    # A clock that leaps is believed after two days of use.
    removed = [refresh(tool, memory, now + 200 * DAY + hours * 3600).objects[0]['removed'] for hours in (0, 36, 60)]
    score.note('what nobody can need any more is removed', expect(removed, [0, 0, 3]))


# ---- Asynchronous, by the library itself ----

class Library:
    def __init__(self, path):
        self.lib = ctypes.CDLL(path)
        for name in ('smtpsec_plan_sts_mode', 'smtpsec_plan_sts_source', 'smtpsec_timeout_ms'):
            getattr(self.lib, name).restype = ctypes.c_int32

    def call(self, name, *words):
        result = getattr(self.lib, 'smtpsec_' + name)(*words)
        if result != 0:
            raise RuntimeError(f'{name}: {result}')

    def made(self, name, *words):
        out = ctypes.c_void_p()
        self.call(name, *words, ctypes.byref(out))
        return out

    def context(self, tool, memory):
        anchors, options = self.made('anchors_new'), self.made('options_new')
        self.call('anchors_load_file', anchors, os.environ['LAB_CA'].encode())
        self.call('options_set_anchors', options, anchors)
        self.call('options_add_resolver', options, tool.resolver.encode(), 0)
        self.call('options_set_memory', options, memory.encode())
        self.call('options_set_sts_async', options, 1)
        self.call('options_insecure_allow_private_policy_hosts', options, 1)
        context = self.made('context_new', options)
        self.lib.smtpsec_options_free(options)
        self.lib.smtpsec_anchors_free(anchors)
        return context

    def evaluate(self, context, domain):
        """Mode and source of the policy, and how long that took."""
        begin = time.monotonic()
        plan = self.made('evaluate', context, domain.encode(), 30000)
        took = time.monotonic() - begin
        found = self.lib.smtpsec_plan_sts_mode(plan), self.lib.smtpsec_plan_sts_source(plan)
        self.lib.smtpsec_plan_free(plan)
        return found, took

    def process(self, context, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            select.select([self.lib.smtpsec_fd(context)], [], [], 0.1)
            self.call('process', context)


def asynchronous(tool, score, memory):
    paths = glob.glob(os.path.join(tool.folder, '..', 'lib', 'libsmtpsec.so'))
    if not paths:
        return
    library, domain, since = Library(paths[0]), 'sts-enforce.test', log_size()
    say('https', domain, 'late')
    context = library.context(tool, memory)
    first, took = library.evaluate(context, domain)
    score.note('STSF-16 the first evaluation does not wait for the policy', expect((first, took < 1.5), ((0, 0), True)))
    again, _ = library.evaluate(context, domain)
    library.process(context, 3.5)
    later, _ = library.evaluate(context, domain)
    say('undo')
    score.note('STSF-16 fetched in the loop, once, it serves the next one', expect(
        (again, later, requests(since, domain)), ((0, 0), (3, 1), 1)))
    library.lib.smtpsec_context_free(context)


def main():
    options = arguments(__doc__)
    enter_lab()
    tool, score = Tool(options.smtpsec), Score()
    folders = [tempfile.mkdtemp(dir=os.environ['LAB_DIR'], prefix='refresh.') for _ in range(2)]
    try:
        days(tool, score, folders[0])
        asynchronous(tool, score, folders[1])
    finally:
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
    return score.close()


if __name__ == '__main__':
    sys.exit(main())
