#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`smtpsec observe` learns from the log of a real, unmodified Postfix, which knows
nothing of it: claims where there was TLS, and nothing where nobody can tell.

One line a check; inside the lab, or it enters by itself.
"""
import sys

sys.dont_write_bytecode = True

import os  # noqa: E402
import re  # noqa: E402
import shutil  # noqa: E402
import subprocess  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, 'mta'))

import instance  # noqa: E402
from frame import DELIVERED, Lab  # noqa: E402
from tool import MESSAGE, SKIPPED, Run, Score, Tool, arguments, enter_lab, say  # noqa: E402

DAY, DAYS = 86400, 16  # of seven days a claim must be, and as old as fourteen
# By a transport of its own, the mail of this domain goes to a host that is none of its MX hosts.
ELSEWHERE = 'dane-ta.test'
DELIVERIES = (  # sender, recipient's domain, what is to be learnt of it
    ('first@sender.test', 'starttls.test', 'tls'),
    ('a@sender.test', 'starttls.test', 'tls'),
    ('a@sender.test', 'dane-ee.test', 'tls'),
    ('', 'starttls-valid.test', 'null-sender'),
    ('a@sender.test', ELSEWHERE, 'other-host'),
    # Late: without a TLS line it is plaintext only where the log was read since before the connection.
    ('a@sender.test', 'plain-signed.test', 'plaintext'),
    ('"x>, size=1, from=<>"@sender.test', 'dane-ee.test', 'tls'),
)
HEAD = re.compile(r'^\w{3} [ \d]\d [\d:]{8} (?=\S+ postfix)', re.M)


def expect(found, wanted):
    return [] if found == wanted else [f'expected {wanted}, found {found}']


class Observer:
    """The tool with one memory."""

    def __init__(self, tool, folder):
        self.tool = tool
        self.memory = tempfile.mkdtemp(dir=folder, prefix='memory.')

    def command(self, *words):
        return [self.tool.smtpsec, 'observe', *self.tool.common, '--json', '--memory', self.memory, *words]

    def read(self, path, *words):
        run = Run(self.command(*map(str, words), path))
        objects = run.objects if run.status == 0 else [{'failed': run.err}]
        return objects[:-1], objects[-1]

    def evidence(self):
        """All that is known of claims. (Beside it stands what each evaluation learns of the DNS.)"""
        run = Run([self.tool.smtpsec, 'memory', 'export', '--memory', self.memory])
        return [line for line in run.out.splitlines() if line.startswith('claim ')]

    def claims(self):
        run = Run([self.tool.smtpsec, 'memory', 'list', '--json', '--memory', self.memory])
        return sorted((row['domain'], row['kind'], row['days']) for row in run.objects)


def deliver(postfix):
    """All deliveries, one after the other; the log's text."""
    faults = []
    for sender, domain, _ in DELIVERIES:
        ident = postfix.send(sender, f'u@{domain}', MESSAGE)
        result = postfix.result(ident, 30)
        if result.status != DELIVERED:
            faults.append(f'{domain}: {result}')
        time.sleep(1)
    # Whoever reads the absence of a TLS line must have read for longer than the connection lasted.
    time.sleep(1)
    with open(postfix.log.path, encoding='utf-8') as file:
        return file.read(), faults


def peace(score, observer, path):
    rows, counts = observer.read(path)
    found = [(row.get('domain'), row.get('learnt')) for row in rows]
    score.note('each delivery is told of as it was', expect(found, [row[1:] for row in DELIVERIES]))
    wanted = [('dane-ee.test', 'encrypted', 1), ('starttls.test', 'encrypted', 1)]
    score.note('PREC-10 TLS raises encrypted alone, under DANE too', expect(observer.claims(), wanted))
    before = observer.evidence()
    observer.read(path)
    score.note('read twice, it counts once', expect((observer.evidence(), len(before)), (before, 2)))


def without_tls_lines(score, tool, folder, text):
    path = os.path.join(folder, 'untold.log')
    with open(path, 'w', encoding='utf-8') as out:
        out.writelines(line + '\n' for line in text.splitlines() if 'TLS connection established' not in line)
    observer = Observer(tool, folder)
    rows, _ = observer.read(path)
    score.note('a Postfix that logs no TLS lines teaches nothing', expect(
        ({row['learnt'] for row in rows}, observer.claims()), ({'tls-unknown', 'null-sender'}, [])))


def hostile(score, tool, folder, text):
    """What others can get into a log: lines of other programs, and text inside of ours."""
    path = os.path.join(folder, 'hostile.log')
    forged = [line.replace(' postfix/', ' sshd[1]: Invalid user postfix/', 1) for line in text.splitlines()]
    forged += [line.replace(' postfix/', ' evil/', 1) for line in text.splitlines()]
    forged += ['x' * 100000, '\0\1\2', text.splitlines()[0][:30], 'é' * 50]
    with open(path, 'w', encoding='utf-8') as out:
        out.writelines(line + '\n' for line in forged)
    observer = Observer(tool, folder)
    rows, counts = observer.read(path)
    score.note('lines of other programs say nothing', expect(
        (rows, observer.claims(), counts.get('lines')), ([], [], len(forged) - 1)))


def wait_for_rows(process, out, count):
    end = time.monotonic() + 20
    while time.monotonic() < end and process.poll() is None:
        with open(out, encoding='utf-8') as file:
            if len(file.readlines()) >= count:
                return []
        time.sleep(0.1)
    return [f'{count} lines did not come']


def follow(score, tool, folder, text):
    """The log grows, is renamed, and is emptied."""
    path, out = os.path.join(folder, 'follow.log'), os.path.join(folder, 'follow.out')
    lines = [line + '\n' for line in text.splitlines()]
    ends = [i + 1 for i, line in enumerate(lines) if 'status=sent' in line]
    parts = [lines[:ends[1]], lines[ends[1]:ends[2]], lines[ends[2]:]]
    observer = Observer(tool, folder)

    def write(part, mode):
        with open(path, mode, encoding='utf-8') as file:
            file.writelines(part)

    write(parts[0][:-1] + [parts[0][-1][:20]], 'w')
    with open(out, 'w', encoding='utf-8') as stdout:
        process = subprocess.Popen(observer.command('--follow', path), stdout=stdout)
    try:
        faults = wait_for_rows(process, out, 1)
        write([parts[0][-1][20:]], 'a')       # the rest of a line that was written by halves
        faults += wait_for_rows(process, out, 2)
        os.rename(path, path + '.1')
        write(parts[1], 'w')
        faults += wait_for_rows(process, out, 3)
        write([], 'w')                         # emptied in place
        time.sleep(1.2)
        write(parts[2], 'a')
        faults += wait_for_rows(process, out, len(ends))
    finally:
        process.kill()
        process.wait()
    score.note('it follows a log that grows, is renamed, is emptied', faults)
    score.note('and learns the same', expect([row[:2] for row in observer.claims()],
               [('dane-ee.test', 'encrypted'), ('starttls.test', 'encrypted')]))


def weeks(score, tool, folder, text):
    """The same log day by day, until what it taught is asked for."""
    path = os.path.join(folder, 'days.log')
    observer = Observer(tool, folder)
    begin = int(time.time())
    for day in range(DAYS):
        now = begin + day * DAY
        when = time.strftime('%Y-%m-%dT%H:%M:%S+00:00', time.gmtime(now - 1))
        with open(path, 'w', encoding='utf-8') as out:
            out.write(HEAD.sub(when + ' ', text))
        observer.read(path, '--now', now)
    wanted = [('dane-ee.test', 'encrypted', DAYS), ('starttls.test', 'encrypted', DAYS)]
    score.note('each day counts once', expect(observer.claims(), wanted))
    say('strip-starttls', 'mx.starttls.test')
    check = tool.check('--memory', observer.memory, '--now', begin + DAYS * DAY, '--connect', 'starttls.test')
    say('undo')
    score.note('then STARTTLS is stripped, and the memory refuses', expect('downgrade' in check.out, True))
    rows, _ = observer.read(path, '--now', begin + (DAYS + 2) * DAY)
    score.note('a log older than a day teaches nothing', expect(
        ({row['learnt'] for row in rows} - {'null-sender', 'tls-unknown'}, observer.claims()), ({'old'}, wanted)))


def main():
    options = arguments(__doc__)
    enter_lab()
    if os.geteuid() != 0 or not os.access('/usr/lib/postfix/sbin/master', os.X_OK):
        print('skipped: needs root and the package postfix')
        return SKIPPED
    tool, score = Tool(options.smtpsec), Score()
    instance.RESOLVER = tool.resolver
    os.chmod(os.environ['LAB_DIR'], 0o755)
    lab = Lab(options.smtpsec)
    postfix = instance.Instance(lab, 'observed', {
        'transport_maps': f'inline:{{ {{ {ELSEWHERE} = smtp:[mx.starttls.test] }} }}',
        'smtp_tls_security_level': 'dane', 'smtp_tls_loglevel': '1', 'smtp_dns_support_level': 'dnssec',
        'smtp_host_lookup': 'dns', 'smtp_tls_CAfile': lab.ca}, {'nobody@sender.test': ('unused', ())})
    folder = tempfile.mkdtemp(dir=os.environ['LAB_DIR'], prefix='observe.')
    try:
        postfix.start()
        try:
            text, faults = deliver(postfix)
        finally:
            postfix.stop()
        score.note('Postfix delivers', faults)
        path = os.path.join(folder, 'mail.log')
        shutil.copy(postfix.log.path, path)
        peace(score, Observer(tool, folder), path)
        without_tls_lines(score, tool, folder, text)
        hostile(score, tool, folder, text)
        follow(score, tool, folder, text)
        weeks(score, tool, folder, text)
    finally:
        if os.environ.get('KEEP_LOG'):
            shutil.copy(postfix.log.path, os.environ['KEEP_LOG'])
        shutil.rmtree(folder, ignore_errors=True)
    return score.close()


if __name__ == '__main__':
    sys.exit(main())
