#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""How many sequential round trips to the resolver does a cold evaluation cost?

Counted, not timed: a middle holds every question back until no further one has
come for a while, then answers all of them at once. What comes together is a
wave, and the number of waves is the number of round trips, however fast or slow
the machine is. Each wave is compared with the questions that it must be.
"""
import sys

sys.dont_write_bytecode = True

import os  # noqa: E402
import socket  # noqa: E402
import tempfile  # noqa: E402
import threading  # noqa: E402
import time  # noqa: E402
from concurrent.futures import ThreadPoolExecutor  # noqa: E402
from dataclasses import dataclass  # noqa: E402

import middle  # noqa: E402
from tool import Run, Score, Tool, arguments, enter_lab, say  # noqa: E402

QUIET = 0.15   # seconds without a new question that end a wave
DAY = 86400
CANARY = ('.', 'SOA')
DANE, TWENTY, DANE_TWENTY = 'dane-ee.test', 'twenty-hosts.test', 'dane-twenty-hosts.test'
HOSTS = 20


class Waves:
    """A resolver that answers wave by wave."""

    def __init__(self):
        self.waves = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((middle.ADDRESS, 0))
        self.resolver = f'{middle.ADDRESS}#{self.socket.getsockname()[1]}'
        self.ended = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ended = True
        self.thread.join()
        self.socket.close()

    def wave(self):
        """The questions that come before a pause: [(question, client)]."""
        found = []
        self.socket.settimeout(QUIET)
        while True:
            try:
                octets, client = self.socket.recvfrom(65535)
            except TimeoutError:
                return found
            found.append((middle.read_question(octets), client))

    def run(self):
        with ThreadPoolExecutor(8) as pool:
            while not self.ended:
                wave = self.wave()
                if not wave:
                    continue
                self.waves.append([question for question, _ in wave])
                replies = list(pool.map(middle.forward, [question for question, _ in wave]))
                for (_, client), reply in zip(wave, replies):
                    self.socket.sendto(reply, client)


# ---- What is asked ------------------------------------------------------------------

def first(domain):
    return {(domain, 'MX'), (f'_mta-sts.{domain}', 'TXT')}


def addresses(*hosts):
    return {(host, kind) for host in hosts for kind in ('A', 'AAAA')}


def tlsa(*hosts):
    return {(f'_25._tcp.{host}', 'TLSA') for host in hosts}


def hosts_of(domain):
    return [f'm{i:02}.{domain}' for i in range(HOSTS)]


@dataclass(frozen=True)
class Case:
    name: str
    domain: str
    waves: tuple            # of sets of (name, type)
    hosts: int = 1
    aliased: int = 0        # of those, how many stand behind an alias
    policy: bool = False    # a policy host is looked up
    memory: str = ''        # '' or a key of the memories
    options: tuple = ()

    @property
    def bound(self):
        """The most questions that there may be."""
        return 2 + 3 * (self.hosts - self.aliased) + 5 * self.aliased + (2 if self.policy else 0)


CASES = (
    Case('two round trips for a plain domain', 'plain.test',
         (first('plain.test'), addresses('mx.plain.test'))),
    Case('two round trips for twenty hosts', TWENTY, (first(TWENTY), addresses(*hosts_of(TWENTY))), HOSTS),
    Case('RES-16 three round trips for DANE on first contact', DANE,
         (first(DANE), addresses('mx.' + DANE), tlsa('mx.' + DANE))),
    Case('RES-16 three round trips for DANE at twenty hosts', DANE_TWENTY,
         (first(DANE_TWENTY), addresses(*hosts_of(DANE_TWENTY)), tlsa(*hosts_of(DANE_TWENTY))), HOSTS),
    Case('RES-16 two round trips with a remembered DANE claim', DANE,
         (first(DANE), addresses('mx.' + DANE) | tlsa('mx.' + DANE)), memory='one'),
    Case('RES-16 two round trips with twenty remembered DANE claims', DANE_TWENTY,
         (first(DANE_TWENTY), addresses(*hosts_of(DANE_TWENTY)) | tlsa(*hosts_of(DANE_TWENTY))), HOSTS,
         memory='twenty'),
    Case('an empty memory costs nothing', DANE, (first(DANE), addresses('mx.' + DANE), tlsa('mx.' + DANE)),
         memory='empty'),
    Case('RES-17 no TLSA question where the addresses are unsigned', 'dane-host-unsigned.test',
         (first('dane-host-unsigned.test'), addresses('mx.unsigned-hosting.test'))),
    Case('RES-11 one round trip for a null MX', 'null-mx.test', (first('null-mx.test'),), 0),
    Case('RES-07 one round trip for what is no domain', 'no-such-domain.test',
         (first('no-such-domain.test'),), 0),
    Case('RES-08 an implicit MX costs what one host costs', 'implicit-mx.test',
         (first('implicit-mx.test'), addresses('implicit-mx.test'), tlsa('implicit-mx.test'))),
    Case('RES-13 an alias of the domain costs nothing', 'domain-alias.test',
         (first('domain-alias.test'), addresses('mx.' + DANE), tlsa('mx.' + DANE))),
    Case('RES-27 an MX alias: both TLSA names at once', 'dane-mx-alias.test',
         (first('dane-mx-alias.test'), addresses('mx.dane-mx-alias.test'),
          tlsa('mx.dane-mx-alias.test', 'target.hosting.test')), aliased=1),
    Case('RES-28 an MX alias into an unsigned zone: one round trip more', 'dane-mx-alias-unsigned.test',
         (first('dane-mx-alias-unsigned.test'), addresses('mx.dane-mx-alias-unsigned.test'),
          {('mx.dane-mx-alias-unsigned.test', 'CNAME')}, tlsa('mx.dane-mx-alias-unsigned.test')), aliased=1),
    Case('RES-32 a relay: no MX question', DANE,
         (addresses('mx.hosting.test') | {('_mta-sts.mx.hosting.test', 'TXT')}, tlsa('mx.hosting.test')),
         options=('--relay', 'mx.hosting.test')),
    Case("the policy host's addresses come with the hosts'", 'sts-enforce.test',
         (first('sts-enforce.test'), addresses('mx.sts-enforce.test', 'mta-sts.sts-enforce.test')),
         policy=True),
    Case('DANE and MTA-STS: no more than DANE alone', 'dane-sts.test',
         (first('dane-sts.test'), addresses('mx.dane-sts.test', 'mta-sts.dane-sts.test'),
          tlsa('mx.dane-sts.test')), policy=True),
    Case('STSA-13 a cached policy of the same id is not fetched', 'sts-enforce.test',
         (first('sts-enforce.test'), addresses('mx.sts-enforce.test')), memory='policy'),
)


# ---- Memories that have learnt ----------------------------------------------------------

class Memories:
    """What was learnt from deliveries on several days."""

    def __init__(self, tool):
        self.tool, self.begin = tool, int(time.time())
        self.folder = tempfile.mkdtemp(dir=os.environ['LAB_DIR'], prefix='roundtrips.')
        for name in ('one', 'twenty', 'policy', 'empty'):
            os.mkdir(self.place(name), 0o700)
        for day in (0, 1, 2):
            self.deliver('one', day, DANE)
            self.deliver('policy', day, 'sts-enforce.test')
            for host in hosts_of(DANE_TWENTY):   # each is the best one that is up, once
                self.deliver('twenty', day, DANE_TWENTY, host)
                say('smtp', host, 'down')
            say('undo')

    def place(self, name):
        return os.path.join(self.folder, name)

    def now(self, day):
        return ['--now', self.begin + day * DAY]

    def deliver(self, name, day, domain, host=None):
        run = self.tool.send('--memory', self.place(name), *self.now(day), to=f'a@{domain}')
        tried = run.objects[0]['domains'][0]['hosts'] if run.status == 0 else []
        if run.status != 0 or (host and tried[-1]['name'] != host):
            raise RuntimeError(f'the delivery to {host or domain} on day {day} failed: {run.err}{run.out}')

    def options(self, name):
        return ['--memory', self.place(name), *self.now(3)] if name else []


# ---- The checks ---------------------------------------------------------------------------

def text(questions):
    return ', '.join(f'{name} {kind}' for name, kind in sorted(questions)) or 'nothing'


def wave_faults(number, wanted, found):
    if wanted == found:
        return []
    return [f'round trip {number}: missing {text(wanted - found)}; not wanted {text(found - wanted)}']


def faults_of(case, waves):
    asked = [(question.name, question.kind) for wave in waves for question in wave]
    sets = [{(question.name, question.kind) for question in wave} - {CANARY} for wave in waves]
    counted = [question for question in asked if question != CANARY]
    faults = [] if asked.count(CANARY) == 1 and (waves[0][0].name, waves[0][0].kind) == CANARY else \
        [f'the question whether the resolver validates was asked {asked.count(CANARY)} times, or not first']
    if len(sets) != len(case.waves):
        faults.append(f'{len(case.waves)} round trips expected, {len(sets)} counted')
    for number, (wanted, found) in enumerate(zip(case.waves, sets), 1):
        faults += wave_faults(number, wanted, found)
    if len(counted) != len(set(counted)):
        faults.append(f'asked twice: {text({q for q in counted if counted.count(q) > 1})}')
    if len(counted) > case.bound:
        faults.append(f'{len(counted)} questions, at most {case.bound} allowed')
    return faults + flag_faults([question for wave in waves for question in wave])


def flag_faults(questions):
    """Every question has AD and not CD; signatures are asked for where a claim may depend on them."""
    faults = [f'{q.name} {q.kind}: flags {q.flags:#x}' for q in questions
              if not q.flags & middle.AD or q.flags & middle.CD]
    return faults + [f'{q.name} {q.kind}: DO is {q.dnssec}' for q in questions
                     if q.dnssec != (q.kind in ('MX', 'TLSA'))]


def evaluate(tool, case, memories, way):
    with Waves() as waves:
        run = Run([tool.smtpsec, 'check', '--resolver', waves.resolver, '--ca-file', os.environ['LAB_CA'],
                   '--allow-private', '--json', '--via', way, *memories.options(case.memory), *case.options,
                   case.domain])
        found = waves.waves
    if run.crashed or len(run.objects) != 1 or not found:
        return [f'exit status {run.status}: {run.err}'], 0
    return faults_of(case, found), sum(map(len, found)) - 1


def main():
    options = arguments(__doc__.splitlines()[0])
    enter_lab()
    tool, score = Tool(options.smtpsec), Score()
    memories = Memories(tool)
    for case in CASES:
        for way in ('blocking', 'loop'):
            faults, count = evaluate(tool, case, memories, way)
            score.note(f'{case.name}, {way}', faults,
                       f'{len(case.waves)} round trips, {count} questions of at most {case.bound}')
    return score.close()


if __name__ == '__main__':
    sys.exit(main())
