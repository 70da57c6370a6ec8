#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Attacks on mail that was delivered safely until then.

Each is a story: weeks of deliveries that the memory learns from (their days are
told with --now, nobody waits), one more delivery that must succeed, the attack
played by the lab, and what becomes of the next message. Inside the lab, or it
enters by itself.
"""
import sys

sys.dont_write_bytecode = True

import glob  # noqa: E402
import os  # noqa: E402
import shutil  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from dataclasses import dataclass  # noqa: E402

import forger  # noqa: E402
from tool import Score, Tool, arguments, code_of, enter_lab, say  # noqa: E402

DAY = 86400
LEARNT = 20       # days with one delivery each; a soft claim is earned by 7 over 14
EXPIRED = 30      # the day on which a policy of 7 days, blocked since day 20, is gone
REGULAR = ('dane-ee.test', 'dane-sts.test', 'sts-enforce.test', 'starttls.test', 'starttls-valid.test')


@dataclass
class Story:
    attack: str
    target: str
    memory: str            # 'learnt', 'expired' (see above) or '' for none at all
    knows: str             # what it says before the attack
    changes: tuple         # words for the lab's control; 'forge ...' for the forger
    status: int            # exit status of the next `send`
    reason: str = ''       # the refusal's reason; "|" separates alternatives
    before: tuple = ()     # changes in force before, that are part of the story
    taken_by: str = ''     # the host that gets the message when it is not refused
    honest: bool = False   # no attack


# What the memory says of the targets; checked before each attack.
DANE = 'dane'
STS = 'mta-sts policy'
TLS = 'encrypted'
BLOCKED = (('block-sts', 'sts-enforce.test'),)

STORIES = (
    Story('STARTTLS stripped', 'dane-ee.test', '', '', (('strip-starttls', 'mx.dane-ee.test'),),
          2, 'no-starttls'),
    Story('STARTTLS stripped', 'sts-enforce.test', '', '', (('strip-starttls', 'mx.sts-enforce.test'),),
          2, 'no-starttls'),
    Story('STARTTLS stripped', 'starttls.test', 'learnt', TLS, (('strip-starttls', 'mx.starttls.test'),),
          2, 'downgrade'),
    Story('STARTTLS refused', 'starttls.test', 'learnt', TLS, (('smtp', 'mx.starttls.test', 'refuse'),),
          2, 'downgrade'),
    Story('handshake broken', 'starttls.test', 'learnt', TLS, (('smtp', 'mx.starttls.test', 'broken'),),
          2, 'downgrade'),
    Story('MX spoofed, valid certificate', 'sts-enforce.test', '', '',
          (('mx', 'sts-enforce.test', 'mx.attacker.test'),), 2, 'sts-mx-mismatch'),
    Story('MX spoofed, policy from the cache', 'sts-enforce.test', 'learnt', STS,
          (('mx', 'sts-enforce.test', 'mx.attacker.test'), *BLOCKED), 2, 'sts-mx-mismatch'),
    Story('MX spoofed, signed zone', 'dane-ee.test', '', '', (('mx', 'dane-ee.test', 'mx.attacker.test'),),
          2, 'mx-bogus'),
    Story('MX spoofed, host without TLS', 'starttls.test', 'learnt', TLS,
          (('mx', 'starttls.test', 'plain.attacker.test'),), 2, 'downgrade'),
    Story('certificate swapped: self-signed', 'dane-ee.test', '', '',
          (('certificate', 'mx.dane-ee.test', 'self-signed'),), 2, 'dane-no-match'),
    Story('certificate swapped: of another name', 'dane-ee.test', '', '',
          (('certificate', 'mx.dane-ee.test', 'other-name'),), 2, 'dane-no-match'),
    Story('certificate swapped: self-signed', 'sts-enforce.test', '', '',
          (('certificate', 'mx.sts-enforce.test', 'self-signed'),), 2, 'self-signed|not-trusted'),
    Story('certificate swapped: of another name', 'sts-enforce.test', '', '',
          (('certificate', 'mx.sts-enforce.test', 'other-name'),), 2, 'name-mismatch'),
    Story('live policy blocked, STARTTLS stripped', 'sts-enforce.test', 'learnt', STS,
          (*BLOCKED, ('strip-starttls', 'mx.sts-enforce.test')), 2, 'no-starttls'),
    Story('old policy blocked, STARTTLS stripped', 'sts-enforce.test', 'expired', TLS,
          (('strip-starttls', 'mx.sts-enforce.test'),), 2, 'downgrade', before=BLOCKED),
    Story('old policy blocked, MX spoofed', 'sts-enforce.test', 'expired', TLS,
          (('mx', 'sts-enforce.test', 'plain.attacker.test'),), 2, 'downgrade', before=BLOCKED),
    Story('TLSA answers made SERVFAIL', 'dane-ee.test', '', '',
          (('fail-tlsa', 'mx.dane-ee.test', 'servfail'),), 2, 'tlsa-servfail'),
    Story('TLSA answers made to time out', 'dane-ee.test', '', '',
          (('fail-tlsa', 'mx.dane-ee.test', 'timeout'),), 2, 'tlsa-timeout|tlsa-servfail'),
    Story('TLSA records forged', 'dane-ee.test', '', '', (('fail-tlsa', 'mx.dane-ee.test', 'bogus'),),
          2, 'tlsa-bogus'),
    Story('DNSSEC of the domain stripped', 'dane-ee.test', 'learnt', DANE,
          (('forge', 'unsigned', 'dane-ee.test'),), 2, 'downgrade'),
    Story('NXDOMAIN forged', 'sts-enforce.test', 'learnt', STS,
          (('forge', 'nxdomain', 'sts-enforce.test'),), 2, 'answer-held'),
    Story('NXDOMAIN forged', 'starttls.test', 'learnt', TLS,
          (('forge', 'nxdomain', 'starttls.test'),), 2, 'answer-held'),
    Story('older signed denial of TLSA replayed', 'dane-ee.test', 'learnt', DANE,
          (('publish-tlsa', 'mx.dane-ee.test'), ('replay', 'dane-ee.test', '48')), 2, 'downgrade'),
    # No attack: what the owner says under his signature is believed at once, and what his parent
    # zone says under its own. Whoever took the domain from its registrar could say so too.
    Story('DNSSEC gone, domain delegated without DS', 'dane-ee.test', 'learnt', DANE,
          (('dns', 'dane-ee.test', 'insecure'),), 0, taken_by='mx.dane-ee.test', honest=True),
    Story('DNSSEC gone, and STARTTLS stripped', 'dane-ee.test', 'learnt', DANE,
          (('dns', 'dane-ee.test', 'insecure'), ('strip-starttls', 'mx.dane-ee.test')), 2, 'downgrade'),
    Story('TLSA withdrawn by the owner, signed', 'dane-ee.test', 'learnt', DANE,
          (('publish-tlsa', 'mx.dane-ee.test'),), 0, taken_by='mx.dane-ee.test', honest=True),
    # What nobody can notice: an unsigned domain without policy never said which hosts are its own,
    # and of one that is seen for the first time nothing is known at all.
    Story('old policy blocked, MX spoofed, valid TLS', 'sts-enforce.test', 'expired', TLS,
          (('mx', 'sts-enforce.test', 'mx.attacker.test'),), 0, before=BLOCKED, taken_by='mx.attacker.test'),
    Story('MX spoofed, valid certificate', 'starttls.test', 'learnt', TLS,
          (('mx', 'starttls.test', 'mx.attacker.test'),), 0, taken_by='mx.attacker.test'),
    Story('MX spoofed, valid certificate', 'starttls-valid.test', '', '',
          (('mx', 'starttls-valid.test', 'mx.attacker.test'),), 0, taken_by='mx.attacker.test'),
    Story('STARTTLS stripped at first sight', 'starttls.test', '', '',
          (('strip-starttls', 'mx.starttls.test'),), 0, taken_by='mx.starttls.test'),
)


class Memories:
    """Memories that have learnt, made once and copied for each story."""

    def __init__(self, tool, tell=lambda words: None):
        self.tool, self.tell = tool, tell
        self.folder = tempfile.mkdtemp(dir=os.environ['LAB_DIR'], prefix='attacks.')
        # The last day of learning is today: an owner's signatures are made today, and no proof is newer.
        self.begin = int(time.time()) - LEARNT * DAY
        self.made = {}
        self.copies = 0

    def at(self, day):
        return ['--now', self.begin + day * DAY]

    def learn(self, place, days, targets):
        for day in days:
            self.tell(f'day {day + 1}')
            run = self.tool.send('--memory', place, *self.at(day), to=[f'daily@{name}' for name in targets])
            if run.status != 0:
                raise RuntimeError(f'the delivery of day {day + 1} failed: {run.err}{run.out}')

    def make(self, kind):
        place = os.path.join(self.folder, kind)
        if kind == 'learnt':
            os.mkdir(place, 0o700)
            self.learn(place, range(LEARNT), REGULAR)
        else:
            shutil.copytree(self.get('learnt'), place)
            for words in BLOCKED:
                say(*words)
            self.learn(place, range(LEARNT, EXPIRED), ['sts-enforce.test'])
            say('undo')
        return place

    def get(self, kind):
        if kind not in self.made:
            self.made[kind] = self.make(kind)
        return self.made[kind]

    def copy(self, kind):
        self.copies += 1
        return shutil.copytree(self.get(kind), os.path.join(self.folder, f'copy{self.copies}'))

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass
class Result:
    """What became of a message."""
    status: int
    reason: str      # why it was refused; '' when it was not
    text: str        # the refusal in words
    host: str        # who took it
    knows: str       # what the memory said of the domain


def known(plan):
    """What a memory says of a domain, the strongest first, in a word or two."""
    kinds = {claim['kind'] for claim in plan['memory']['claims'] if claim['in_force']}
    if plan['mta_sts']['mode'] == 'enforce' and 'mta-sts' in kinds:
        return STS
    return DANE if 'dane' in kinds else TLS if 'encrypted' in kinds else ''


def refusal(plan, hosts):
    """The reason that decides, and its text: of the last host, or of the domain."""
    for host in reversed(hosts):
        reason = host['reason'] or (host.get('connect') or {}).get('reason')
        if reason:
            return reason
    for host in reversed(plan['hosts']):
        if host['reason'] and plan['reason'] and plan['reason']['code'] == 'no-usable-host':
            return host['reason']
    return plan['reason']


def read_result(run, message):
    sent = run.objects[0]['domains'][0] if run.out else None
    if sent is None or sent['plan'] is None:
        return Result(run.status, 'no-answer', run.err.strip(), '', '')
    reason = refusal(sent['plan'], sent['hosts']) if run.status != 0 else None
    return Result(run.status, code_of(reason) or '', reason['text'] if reason else '', message,
                  known(sent['plan']))


class Stage:
    """Plays stories."""

    def __init__(self, tool, tell=lambda words: None):
        self.tool, self.tell = tool, tell
        self.memories = Memories(tool, lambda day: tell(f'the memory learns: {day}'))
        self.forger = forger.Forger()
        self.number = 0

    def close(self):
        self.forger.close()
        self.memories.close()

    def send(self, story, memory):
        """One message; who took it stands in the folder of the lab's mail."""
        self.number += 1
        subject = f'Subject: attack {self.number}'.encode()
        words = ['--memory', memory] if memory else []
        day = EXPIRED if story.memory == 'expired' else LEARNT if story.memory else 0
        self.tool.resolver = forger.RESOLVER if self.forger.active else os.environ['LAB_RESOLVER']
        run = self.tool.send(*words, *self.memories.at(day), to=f'box@{story.target}',
                             message=b'From: a@sender.test\r\n' + subject + b'\r\n\r\nHello.\r\n')
        return read_result(run, taker(subject))

    def change(self, changes):
        for words in changes:
            if words[0] == 'forge':
                self.forger.forge(*words[1:])
            else:
                say(*words)

    def play(self, story):
        """Returns what came before the attack, and after."""
        self.tell(f'{story.attack}: {story.target}')
        memory = self.memories.copy(story.memory) if story.memory else None
        try:
            self.change(story.before)
            before = self.send(story, memory)
            self.change(story.changes)
            return before, self.send(story, memory)
        finally:
            self.forger.stop()
            say('undo')


def taker(subject):
    """The host that stored the message with this subject."""
    for path in glob.glob(os.path.join(os.environ['LAB_DIR'], 'mail', '*', '*.eml')):
        with open(path, 'rb') as file:
            text = file.read()
        if subject + b'\r\n' in text:
            return text.split(b'\r\n', 1)[0].split(b': ')[1].decode()
    return ''


def story_faults(story, before, after):
    faults = []
    if before.status != 0 or not before.host:
        faults.append(f'before the attack: exit status {before.status}, {before.reason} {before.text}')
    if before.knows != story.knows:
        faults.append(f'before the attack the memory knew expected {story.knows}, found {before.knows}')
    if after.status != story.status:
        faults.append(f'exit status expected {story.status}, found {after.status}: {after.reason} {after.text}')
    if after.reason not in story.reason.split('|'):
        faults.append(f'reason expected {story.reason}, found {after.reason}: {after.text}')
    if after.host != story.taken_by:
        faults.append(f'expected taken by {story.taken_by or "nobody"}, found {after.host or "nobody"}')
    return faults


COLUMNS = '{:42} {:19} {:14} {:9} {:15} {}'


def row(story, after):
    """One line of the table, within 120 columns."""
    result = {0: 'delivered', 1: 'bounced', 2: 'refused'}.get(after.status, str(after.status))
    detected = 'yes' if after.status != 0 else 'no attack' if story.honest else 'NO'
    return COLUMNS.format(story.attack, story.target, story.knows or ('-' if story.memory else 'no memory'),
                          result, after.reason or '-', detected).rstrip()


HEADING = COLUMNS.format('attack', 'target', 'memory knew', 'result', 'reason', 'detected?')


UNDETECTED = 'NO: nothing that the library could look at tells this apart from honest mail.'


def main():
    options = arguments(__doc__)
    enter_lab()
    stage, score = Stage(Tool(options.smtpsec)), Score()
    print('       ' + HEADING)
    try:
        for story in STORIES:
            try:
                before, after = stage.play(story)
            except RuntimeError as error:
                score.note(f'{story.attack}, {story.target}', f'could not be played: {error}')
                continue
            score.note(row(story, after), story_faults(story, before, after))
    finally:
        stage.close()
    print(UNDETECTED)
    return score.close()


if __name__ == '__main__':
    sys.exit(main())
