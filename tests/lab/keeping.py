#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A memory is kept in order: exported, counted, checked, pruned; and a kind of
claim is promoted, after all who would be refused were told. Against real
servers, with a terminal where a question is asked.

One line a check; inside the lab, or it enters by itself.
"""
import sys

sys.dont_write_bytecode = True

import os  # noqa: E402
import pty  # noqa: E402
import shutil  # noqa: E402
import stat  # noqa: E402
import subprocess  # noqa: E402
import tempfile  # noqa: E402

import forger  # noqa: E402
from attacks import LEARNT, REGULAR, Memories  # noqa: E402
from tool import WATCHDOG, Run, Score, Tool, arguments, enter_lab, say  # noqa: E402

DAY = 86400
POLICY = '# ours, since May\nhold 72h\n  mode\tdane  report  # not yet\nmode encrypted report\n'
ENFORCED = POLICY.replace('dane  report', 'dane  enforce')


def expect(found, wanted):
    return [] if found == wanted else [f'expected {wanted}, found {found}']


class Keeper:
    """smtpsec memory, on a memory that has learnt for some weeks."""

    def __init__(self, tool, folder):
        self.tool, self.folder = tool, folder
        self.memories = Memories(tool)
        self.memory = self.memories.get('learnt')
        self.now = self.memories.at(LEARNT)

    def words(self, *words, now=None):
        return [self.tool.smtpsec, 'memory', *words, '--memory', self.memory, *(now or self.now)]

    def run(self, *words, now=None):
        return Run(self.words(*words, now=now))

    def promote(self, *words):
        return Run(self.words('promote', *words) + self.tool.common)

    def export(self):
        return self.run('export').out

    def policy(self, text=POLICY, name='policy', mode=0o640):
        path = os.path.join(self.folder, name)
        with open(path, 'w') as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def at_terminal(self, answer, *words):
        """Promote with a terminal for questions. Returns exit status, output, and what the terminal showed."""
        ours, theirs = pty.openpty()
        command = [str(word) for word in self.words('promote', *words) + self.tool.common]
        with subprocess.Popen(command, stdin=theirs, stderr=theirs, stdout=subprocess.PIPE) as process:
            os.close(theirs)
            os.write(ours, answer)
            out = process.communicate(timeout=WATCHDOG)[0].decode()
        shown = b''
        try:
            while more := os.read(ours, 4096):
                shown += more
        except OSError:
            pass  # the terminal is closed at the other end
        os.close(ours)
        return process.returncode, out, shown.decode()


def text_of(path):
    with open(path) as file:
        return file.read()


def refused(run):
    return sorted((row['domain'], row['host'], row['claim'], row['reason'] and row['reason']['code'])
                  for row in run.objects if row.get('result') == 'refused')


# ---- Export, stats, check, prune ----

def housekeeping(keeper, score):
    text = keeper.export()
    lines = text.splitlines()
    score.note('an export begins with its format', expect(lines[0], 'smtpsec-memory 1'))
    score.note('it is the same each time', expect(keeper.export(), text))
    words = {line.split(' ')[0] for line in lines[1:]}
    score.note('it holds destinations, claims, policies', expect(words, {'destination', 'claim', 'policy'}))
    score.note('and nobody\'s address', expect(('daily' in text, '@' in text), (False, False)))
    one = keeper.run('export', 'dane-ee.test').out.splitlines()
    score.note('of one domain, its lines alone', expect(
        one, [lines[0]] + [line for line in lines if ' domain=dane-ee.test ' in line]))
    shown = keeper.run('show', 'dane-ee.test').out
    score.note('show tells what is known beside the claims', expect(
        ('in force' in shown, '  destination domain=dane-ee.test' in shown, '  claim ' in shown), (True, True, False)))
    with open('/dev/full', 'w') as full:
        done = subprocess.run([str(word) for word in keeper.words('export')], stdout=full, stderr=subprocess.PIPE)
    score.note('an export that cannot be written is a failure', expect(
        (done.returncode, done.stderr.count(b'\n')), (74, 1)))
    run = keeper.run('stats', '--json')
    figures = {row['name']: row['value'] for row in run.objects}
    score.note('figures: destinations, claims in force', expect(
        (run.status, figures['destinations'], figures['in-force-dane'], figures['policies-enforce'] > 0,
         figures['damaged']), (0, len(REGULAR), 2, True, 0)))
    plain = dict(line.split() for line in keeper.run('stats').out.splitlines())
    score.note('the same for people', expect(plain, {name: str(value) for name, value in figures.items()
                                                     } | {'readers': plain['readers']}))
    run = keeper.run('check', '--json')
    score.note('a check finds nothing', expect((run.status, run.objects), (0, [{'faults': 0, 'readable': True}])))
    run = keeper.run('prune', '--json')
    score.note('nothing is to be pruned', expect((run.status, run.objects, keeper.export() == text),
                                                 (0, [{'removed': 0}], True)))


def pruning(keeper, score):
    memory, keeper.memory = keeper.memory, keeper.memories.copy('learnt')
    text = keeper.export()
    found = []
    # The first time the clock is not believed, and two days later it is.
    for hours in (0, 36, 60):
        now = ['--now', keeper.memories.begin + (LEARNT + 400) * DAY + hours * 3600]
        found.append(keeper.run('prune', '--json', now=now).objects[0]['removed'])
    score.note('after a leap of the clock nothing goes, once it is believed all does', expect(
        (found[:2], found[2] >= len(REGULAR), keeper.export()), ([0, 0], True, 'smtpsec-memory 1\n')))
    score.note('there was something to go', expect(len(text.splitlines()) > len(REGULAR), True))
    keeper.memory = memory


def damaged(keeper, score):
    memory, keeper.memory = keeper.memory, keeper.memories.copy('learnt')
    path = os.path.join(keeper.memory, 'data.mdb')
    with open(path, 'r+b') as file:
        file.seek(8192)
        file.write(b'\xff' * 4096 * 4)
    before = sorted(os.listdir(keeper.memory)), os.stat(path).st_mtime_ns
    run = keeper.run('check')
    score.note('a check of a damaged file says so, and changes nothing', expect(
        (run.status, 'memory' in run.err, (sorted(os.listdir(keeper.memory)), os.stat(path).st_mtime_ns)),
        (2, True, before)))
    keeper.memory = os.path.join(keeper.folder, 'missing')
    score.note('a check of none', expect(keeper.run('check').status, 2))
    keeper.memory = memory


# ---- Promote ----

def listing(keeper, score, attacker):
    before = keeper.export()
    run = keeper.promote('dane', '--json')
    total = run.objects[-1]
    score.note('all is well: nobody would be refused', expect(
        (run.status, refused(run), total['destinations'], total['met'], total['unknown']), (0, [], 2, 2, 0)))
    attacker.forge('unsigned', 'dane-ee.test')
    resolver, keeper.tool.resolver = keeper.tool.resolver, forger.RESOLVER
    run = keeper.promote('dane', '--json')
    score.note('without its signatures one would be', expect((run.status, refused(run)), (
        1, [('dane-ee.test', 'mx.dane-ee.test', 'dane', 'downgrade')])))
    texts = [row['text'] for row in run.objects if row.get('result') == 'refused']
    score.note('and is told why', expect([bool(text) for text in texts], [True]))
    score.note('a domain of choice, another of no claim', expect(
        (keeper.promote('dane', 'dane-sts.test').status, keeper.promote('dane', 'starttls.test').err.count('in force')),
        (0, 1)))
    attacker.stop()
    keeper.tool.resolver = resolver
    say('strip-starttls', 'mx.starttls.test')
    run = keeper.promote('encrypted', '--json')
    score.note('STARTTLS stripped is not seen in the DNS', expect((run.status, refused(run)), (0, [])))
    run = keeper.promote('encrypted', '--connect', '--json')
    score.note('but in a session', expect((run.status, [row[:2] for row in refused(run)]),
                                          (1, [('starttls.test', 'mx.starttls.test')])))
    say('undo')
    score.note('nothing of all this was learnt', expect(keeper.export(), before))


def switching(keeper, score):
    path = keeper.policy()
    run = keeper.promote('dane', '--policy', path)
    score.note('nobody to ask: not switched', expect((run.status, text_of(path)), (2, POLICY)))
    for name, answer in (('no', b'n\n'), ('nothing', b'\n'), ('an end of input', b'\x04'), ('yesterday', b'yesterday\n')):
        status, _, shown = keeper.at_terminal(answer, 'dane', '--policy', path)
        score.note(f'the answer is {name}: not switched', expect(
            (status, 'Switch dane to enforce in' in shown, text_of(path)), (1, True, POLICY)))
    status, _, shown = keeper.at_terminal(b'y\n', 'dane', '--policy', path)
    score.note('the answer is yes: one word is changed, and nothing else', expect(
        (status, text_of(path), stat.S_IMODE(os.stat(path).st_mode)), (0, ENFORCED, 0o640)))
    run = keeper.promote('dane', '--policy', path, '--yes')
    score.note('once more: it stays', expect((run.status, text_of(path)), (0, ENFORCED)))
    run = keeper.promote('mta-sts', '--policy', path, '--yes')
    score.note('a kind of which nothing was said is added', expect(
        (run.status, text_of(path)), (0, ENFORCED + 'mode mta-sts enforce\n')))
    score.note('and what comes out is a policy file', expect(
        Run([keeper.tool.smtpsec, 'policy', 'check', path]).status, 0))


def asking_while_refused(keeper, score, attacker):
    path = keeper.policy()
    attacker.forge('unsigned', 'dane-ee.test')
    resolver, keeper.tool.resolver = keeper.tool.resolver, forger.RESOLVER
    status, out, shown = keeper.at_terminal(b'n\n', 'dane', '--policy', path)
    score.note('it says how many would be refused, and asks all the same', expect(
        (status, '1 of 2 would be refused now. Switch dane' in shown, 'dane-ee.test' in out), (1, True, True)))
    attacker.stop()
    keeper.tool.resolver = resolver


def files(keeper, score):
    path = keeper.policy(name='elsewhere')
    link = os.path.join(keeper.folder, 'link')
    os.symlink('elsewhere', link)
    run = keeper.promote('dane', '--policy', link, '--yes')
    score.note('a symbolic link stays one, and its file is changed', expect(
        (run.status, os.path.islink(link), text_of(path)), (0, True, ENFORCED)))
    faulty = keeper.policy(POLICY + 'hold never\n', 'faulty')
    run = keeper.promote('dane', '--policy', faulty, '--yes')
    score.note('a faulty file is refused, and its line is named', expect(
        (run.status, 'faulty:5:' in run.err, text_of(faulty)), (65, True, POLICY + 'hold never\n')))
    locked = os.path.join(keeper.folder, 'locked')
    os.mkdir(locked)
    path = keeper.policy(name='locked/policy')
    # Root may write anywhere but where the file system itself says no.
    if os.geteuid() == 0 and subprocess.run(['mount', '--bind', '-o', 'ro', locked, locked],
                                            stderr=subprocess.DEVNULL).returncode != 0:
        return
    os.chmod(locked, 0o555) if os.geteuid() != 0 else None
    run = keeper.promote('dane', '--policy', path, '--yes')
    if os.geteuid() == 0:
        subprocess.run(['umount', locked], check=True)
    os.chmod(locked, 0o755)
    score.note('a directory that cannot be written: not switched, nothing left behind', expect(
        (run.status, text_of(path), os.listdir(locked)), (73, POLICY, ['policy'])))


def usage(keeper, score):
    for words in (['promote'], ['promote', 'tls'], ['promote', 'dane', '--list'], ['list', '--connect'],
                  ['prune', '--yes'], ['stats', 'a.test'], ['export', 'a.test', 'b.test'], ['what']):
        run = keeper.run(*words)
        score.note(f'wrong use: {" ".join(words)}', expect((run.status, run.out), (64, '')))
    run = Run([keeper.tool.smtpsec, 'memory', 'stats'])
    score.note('wrong use: no memory named', expect(run.status, 64))


def main():
    options = arguments(__doc__)
    enter_lab()
    tool, score = Tool(options.smtpsec), Score()
    folder = tempfile.mkdtemp(dir=os.environ['LAB_DIR'], prefix='keeping.')
    keeper, attacker = Keeper(tool, folder), forger.Forger()
    try:
        housekeeping(keeper, score)
        pruning(keeper, score)
        damaged(keeper, score)
        listing(keeper, score, attacker)
        switching(keeper, score)
        asking_while_refused(keeper, score, attacker)
        files(keeper, score)
        usage(keeper, score)
    finally:
        attacker.close()
        keeper.memories.close()
        shutil.rmtree(folder, ignore_errors=True)
    return score.close()


if __name__ == '__main__':
    sys.exit(main())
