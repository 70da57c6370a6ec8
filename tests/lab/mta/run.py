#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Real mail servers send to the lab's destinations, in peace and under attack.

All cases of cases.py with each server: the message is delivered where it should
be, or deferred with our reason where not, and the same server without the
library is fooled. Prints the table: server, destination, attack, what came of it.
"""
import sys

sys.dont_write_bytecode = True

import importlib  # noqa: E402
import os  # noqa: E402
import re  # noqa: E402
import time  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, '..')]

import cases  # noqa: E402
import frame  # noqa: E402
from memories import Learnt  # noqa: E402
from path import Path  # noqa: E402
from servers import SERVERS  # noqa: E402
from tool import SKIPPED, Score, Tool, arguments, enter_lab, say  # noqa: E402

PATIENCE = 40     # seconds for the first attempt of one message
LETTER = ('From: <{sender}>\r\nTo: <{to}>\r\nSubject: {token}\r\nDate: Thu, 01 Jan 2026 00:00:00 +0000\r\n'
          'Message-ID: <{token}@sender.test>\r\n\r\nHello.\r\n')


class Post:
    """What the lab's hosts have taken, by subject: token -> (host, under TLS)."""

    def __init__(self):
        self.folder = os.path.join(os.environ['LAB_DIR'], 'mail')
        self.seen, self.taken = set(), {}

    def look(self):
        for place, _, names in os.walk(self.folder):
            for name in names:
                path = os.path.join(place, name)
                if name.endswith('.eml') and path not in self.seen:
                    self.seen.add(path)
                    self.read(path)

    def read(self, path):
        with open(path, encoding='utf-8', errors='replace') as file:
            fields = dict(line.rstrip().split(': ', 1) for line in file.read().split('\n\n')[0].splitlines()
                          if ': ' in line and not line.startswith(('\t', ' ')))
        self.taken[fields.get('Subject', path)] = fields['X-Lab-Host'], fields['X-Lab-TLS'] != 'none'

    def of(self, token):
        """Waits a little: a server may hear of its success before the file is there."""
        self.look()
        return self.taken.get(token)


class Played:
    """One case at one server: what came of it with the library, and without."""

    def __init__(self, case):
        self.case, self.guarded, self.taken, self.bare = case, None, None, None


def expected(mta, case):
    """(status, reason, taken_by) of a case at this server."""
    deviation = mta.deviations.get(case.key)
    if deviation:
        return deviation.status, deviation.reason, deviation.taken_by or case.taken_by
    return case.status, case.reason, case.taken_by


def shows(mta, reason, text):
    """Whether one of the codes stands in the server's text, in its words. Names of hosts resemble codes."""
    text = re.sub(r'[\w.-]+\.test\b', '', text)
    return not reason or any(re.search(mta.words.get(code, re.escape(code)), text, re.IGNORECASE | re.DOTALL)
                             for code in reason.split('|'))


def own_host(case, host):
    return host == case.destination or host.endswith('.' + case.destination)


def faults_of(mta, played):
    case, found = played.case, played.guarded
    status, reason, taken_by = expected(mta, case)
    faults = []
    if found.status != status:
        faults.append(f'expected {status}, found {found.status}: {found.reason}')
    elif not shows(mta, reason, found.reason) and status != frame.DELIVERED:
        faults.append(f'expected the reason {reason}, found: {found.reason}')
    if (played.taken is not None) != (found.status == frame.DELIVERED):
        faults.append(f'the server says {found.status}, and {played.taken or "nobody"} has it')
    if played.taken and status == frame.DELIVERED:
        host, tls = played.taken
        if host != taken_by if taken_by else not own_host(case, host):
            faults.append(f'expected taken by {taken_by or "a host of the domain"}, found {host}')
        if case.tls is not None and tls != case.tls and case.key not in mta.deviations:
            faults.append(f'expected {"TLS" if case.tls else "no TLS"}, found the contrary')
    return faults + bare_faults(played)


def bare_faults(played):
    """Without the library the attack must have worked, or the case proves nothing."""
    if played.bare is None or played.bare.status == played.case.bare:
        return []
    return [f'without the library expected {played.case.bare}, found {played.bare.status}: {played.bare.reason}']


COLUMNS = '{:9} {:26} {:32} {:10} {:24} {:10} {}'
HEADING = COLUMNS.format('server', 'destination', 'attack', 'result', 'reason or host', 'bare', 'note')


def note_of(mta, played):
    deviation = mta.deviations.get(played.case.key)
    if deviation:
        return deviation.why.split(':')[0]
    return '' if played.case.detected else 'undetectable'


def row(mta, played):
    case = played.case
    _, reason, _ = expected(mta, case)
    bare = played.bare.status if played.bare else ''
    detail = played.taken[0].removesuffix('.test') + (' (TLS)' if played.taken[1] else '') if played.taken else reason
    return COLUMNS.format(mta.name, case.destination.removesuffix('.test'), case.attack, played.guarded.status,
                          detail, bare, note_of(mta, played)).rstrip()


class Play:
    """One server through all rounds."""

    def __init__(self, mta, lab, path, memories, post):
        self.mta, self.lab, self.path, self.memories, self.post = mta, lab, path, memories, post
        self.number, self.deferred = 0, []

    def send(self, sender, case):
        self.number += 1
        token = f'{self.mta.name}-{os.getpid()}-{self.number}'
        to = f'box@{case.destination}'
        ident = self.mta.send(sender, to, LETTER.format(sender=sender, to=to, token=token).encode())
        return ident, token

    def one_round(self, chosen):
        """Change the lab, send all messages, read what came of them, change it back."""
        self.mta.forget(self.memories.copy(self.mta.name))
        try:
            self.path.change(change for case in chosen for change in case.changes)
            sent = [(case, self.send(frame.GUARDED, case),
                     self.send(frame.BARE, case) if case.attack != cases.NONE else None) for case in chosen]
            return [self.read(*words) for words in sent]
        finally:
            self.path.undo()

    def read(self, case, guarded, bare):
        played = Played(case)
        played.guarded = self.result(guarded[0])
        if bare:
            played.bare = self.result(bare[0])
        played.taken = self.post.of(guarded[1])
        if case.attack != cases.NONE and played.guarded.status == frame.DEFERRED:
            self.deferred.append((case, *guarded))
        return played

    def result(self, ident):
        try:
            return self.mta.result(ident, PATIENCE)
        except TimeoutError as late:
            return frame.Result('nothing', str(late))

    def afterwards(self, score):
        """The attacks are over: what was deferred because of them goes out."""
        self.mta.forget(self.memories.copy(self.mta.name))
        self.mta.retry()
        left = []
        for case, ident, token in self.deferred:
            try:
                frame.wait_for(lambda: self.post.of(token), PATIENCE, 'not delivered')
            except TimeoutError:
                left.append(f'{case.destination}, {case.attack}: {self.result(ident).reason}')
        score.note(f'{self.mta.name}: after the attacks all {len(self.deferred)} deferred messages are delivered', left)

    def table(self, score, options):
        """All rounds; printed in the order of the cases, with what there is when something breaks."""
        found = []
        try:
            for chosen in cases.rounds():
                chosen = [case for case in chosen if case.key not in self.mta.undone
                          and (options.only in f'{case.destination} {case.attack}')]
                found += self.one_round(chosen) if chosen else []
        finally:
            for played in sorted(found, key=lambda played: cases.CASES.index(played.case)):
                score.note(row(self.mta, played), faults_of(self.mta, played))
                if options.texts:
                    print(f'           {played.guarded.reason}')


def explain(mta):
    for (destination, attack), deviation in mta.deviations.items():
        print(f'       {mta.name}: {destination}, {attack}: {deviation.why}')
    for (destination, attack), why in mta.undone.items():
        print(f'       {mta.name}: {destination}, {attack}: not played: {why}')


def test(mta, lab, path, memories, score, options):
    begin = time.monotonic()
    mta.start(lab)
    try:
        print(f'       {mta.version()}\n       {HEADING}')
        play = Play(mta, lab, path, memories, Post())
        play.table(score, options)
        explain(mta)
        if not options.only:
            play.afterwards(score)
            mta.more(lab, score, memories)
    finally:
        mta.stop()
        print(f'       {mta.name}: {time.monotonic() - begin:.0f} s', flush=True)


def make(name):
    module, kind = SERVERS[name]
    return getattr(importlib.import_module(module), kind)()


def whole_root():
    """A server becomes other users; in a user namespace of one user it cannot."""
    with open('/proc/self/uid_map') as file:
        return os.geteuid() == 0 and file.read().split()[2] == '4294967295'


def add_options(parser):
    parser.add_argument('--server', default=','.join(SERVERS), help='these alone, separated by commas')
    parser.add_argument('--only', default='', help='only cases in whose destination and attack this text is found')
    parser.add_argument('--texts', action='store_true', help="also print the server's own words")


def main():
    options = arguments(__doc__.splitlines()[0], add_options)
    servers = [make(name) for name in options.server.split(',')]
    reasons = {mta.name: mta.missing() for mta in servers}
    left_out = [f'skipped {name}: {why}' for name, why in reasons.items() if why]
    servers = [mta for mta in servers if not reasons[mta.name]]
    if not servers or not whole_root():
        print('\n'.join(left_out) if not servers else 'skipped: servers need root')
        return SKIPPED
    enter_lab()   # which begins anew, inside
    print('\n'.join(left_out), end='\n' if left_out else '')
    if os.environ['LAB_MODE'] != 'private':
        print('skipped: servers ask the resolver of /etc/resolv.conf, here not ours')
        return SKIPPED
    score, lab = Score(), frame.Lab(options.smtpsec)
    with Path() as path, Learnt(Tool(options.smtpsec), lab) as memories:
        for mta in servers:
            test(mta, lab, path, memories, score, options)
    return score.close()


if __name__ == '__main__':
    sys.exit(main())
