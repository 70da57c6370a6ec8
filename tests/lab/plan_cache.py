#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A question that is repeated asks nobody while the TTLs last, whichever process
repeats it; and by other rules, after it was forgotten, or switched off, it asks
again. What the resolver was asked is counted in its own log.

One line a check; inside the lab, or it enters by itself.
"""
import sys

sys.dont_write_bytecode = True

import os  # noqa: E402
import shutil  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402

from tool import Run, Score, Tool, arguments, enter_lab, say  # noqa: E402

DOMAINS = ('dane-ee.test', 'sts-enforce.test', 'twenty-hosts.test', 'implicit-mx.test', 'null-mx.test',
           'no-such-domain.test')
DANE = 'dane-ee.test'
SETTLED = 0.2   # seconds after which the resolver has written down what it was asked
TTL = 300       # of every record in the lab, less what the resolver has counted already
DENIALS = 60    # and of what is not there


def expect(found, wanted):
    return [] if found == wanted else [f'expected {wanted}, found {found}']


class Cache:
    """The tool with one memory; how many questions each of its runs costs."""

    def __init__(self, tool, folder):
        self.tool, self.folder = tool, folder
        self.memory = os.path.join(folder, 'memory')
        self.log = os.path.join(os.environ['LAB_DIR'], 'unbound.log')
        self.now = int(time.time())
        os.mkdir(self.memory, 0o700)

    def questions(self, since):
        """All but those for the root, which are asked to see whether the resolver validates."""
        time.sleep(SETTLED)
        with open(self.log, errors='replace') as file:
            file.seek(since)
            return [line for line in file if ' query: ' in line and ' . SOA ' not in line]

    def check(self, domain, *words, later=0, flag='--plan-cache'):
        """(the plan, what was asked for it)."""
        since = os.path.getsize(self.log)
        run = self.tool.check('--memory', self.memory, '--now', self.now + later, *([flag] if flag else []),
                              *words, domain)
        if run.crashed or len(run.objects) != 1:
            raise RuntimeError(f'exit status {run.status}: {run.err}')
        return run.objects[0], len(self.questions(since))

    def asked(self, domain, *words, **more):
        return self.check(domain, *words, **more)[1]

    def policy(self, text):
        path = os.path.join(self.folder, 'policy')
        with open(path, 'w') as file:
            file.write(text)
        return ['--policy', path]


def decided(plan):
    return plan['verdict'], plan['digest'], [host['name'] for host in plan['hosts']]


def repeated(cache, score):
    for domain in DOMAINS:
        first, asked = cache.check(domain)
        again, nothing = cache.check(domain)
        fresh, anew = cache.check(domain, flag=None)
        score.note(f'{domain}: asked once, and decided as if asked each time', expect(
            (asked > 0, nothing, anew > 0, decided(again), decided(again)),
            (True, 0, True, decided(first), decided(fresh))), f'{asked} questions, then none')


def times(cache, score):
    cache.now += 4000
    cache.asked(DANE)
    score.note('before the first TTL ends', expect(cache.asked(DANE, later=DENIALS - 30), 0))
    score.note('after it', expect(cache.asked(DANE, later=TTL) > 0, True))
    score.note('a clock that was set back', expect(cache.asked(DANE, later=-1) > 0, True))


def switched(cache, score):
    cache.now += 4000
    cache.asked(DANE)
    score.note('kept', expect(cache.asked(DANE), 0))
    off = cache.policy('plan-cache off\n')
    score.note('off by the policy file', expect(
        (cache.asked(DANE, *off) > 0, cache.asked(DANE, *off) > 0, cache.asked(DANE)), (True, True, 0)))
    changed = cache.policy('mode encrypted report\n')
    score.note('another policy file: asked again, and then kept', expect(
        (cache.asked(DANE, *changed) > 0, cache.asked(DANE, *changed)), (True, 0)))
    changed = cache.policy('mode encrypted enforce\n')
    score.note('the same file with other words', expect(cache.asked(DANE, *changed) > 0, True))
    cache.asked(DANE)
    score.note('kept once more', expect(cache.asked(DANE), 0))
    # Exit status 1: of the domain itself nothing was remembered.
    run = Run([cache.tool.smtpsec, 'memory', 'forget', DANE, '--memory', cache.memory])
    score.note('forgotten with the domain', expect((run.status, cache.asked(DANE) > 0), (1, True)))


def as_it_is(cache, score):
    """Signatures are stripped once the domain is known for DANE: what was kept lets nothing pass."""
    memory, cache.memory = cache.memory, os.path.join(cache.folder, 'learnt')
    os.mkdir(cache.memory, 0o700)
    for day in (0, 1, 2):
        now = cache.now + day * 86400
        run = cache.tool.send('--memory', cache.memory, '--now', now, to=f'a@{DANE}')
        if run.status != 0:
            raise RuntimeError(f'the delivery of day {day} failed: {run.err}{run.out}')
    cache.now += 3 * 86400
    before = cache.check(DANE)[0]
    score.note('kept, and asked nothing', expect((before['verdict'], cache.asked(DANE)), ('deliver', 0)))
    say('dns', DANE, 'insecure')
    plan, asked = cache.check(DANE)
    score.note('while what was kept lasts the forgery is not seen', expect(
        (decided(plan), asked), (decided(before), 0)))
    refused = [cache.check(DANE, later=TTL) for _ in range(2)]
    score.note('then it is refused, and each time the resolver is asked', expect(
        [(plan['verdict'], asked > 0) for plan, asked in refused], [('defer', True)] * 2))
    say('undo')
    plan, asked = cache.check(DANE, later=TTL)
    score.note('and once it is over nothing of it was kept', expect(
        (decided(plan), asked > 0, cache.asked(DANE, later=TTL)), (decided(before), True, 0)))
    cache.memory = memory


def main():
    options = arguments(__doc__)
    enter_lab()
    tool, score = Tool(options.smtpsec), Score()
    folder = tempfile.mkdtemp(dir=os.environ['LAB_DIR'], prefix='plan_cache.')
    try:
        cache = Cache(tool, folder)
        repeated(cache, score)
        times(cache, score)
        switched(cache, score)
        as_it_is(cache, score)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return score.close()


if __name__ == '__main__':
    sys.exit(main())
