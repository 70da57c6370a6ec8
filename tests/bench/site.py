#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A site of a hundred mail hosts: one memory a host, evidence exchanged, or one shared store.

site.py [--quick] [--table] SITE_SIZES : SITE_SIZES is the program of that name, which asks the codecs.

Prints one JSON object a line, or with --table the tables of doc/scale.md. Destinations are of
Zipf's kind: the r-th gets 1/r of what the first gets. The rules are those of doc/memory.md, 6.1 to
6.3, for an `encrypted` claim on a domain of one MX host; a sample of the domains of each class is
played delivery by delivery, and counts for its class. Seeds are fixed.
"""
import json
import math
import random
import subprocess
import sys

HOSTS, DOMAINS, MESSAGES, DAYS = 100, 1_000_000, 10_000_000, 60
HOUR = 1 / 24
WORTH, CAP, A_DAY, EARNED_DAYS, EARNED_SPAN, HOLD, FADED = HOUR, 90, 7, 7, 14, 3, 90
COLLECTORS = 3
PROBES = (1, 7, 14, 15, 21, 30, 60)
CLASSES = (('1 to 1,000', 1, 1000), ('to 10,000', 1001, 10_000), ('to 100,000', 10_001, 100_000),
           ('to 1,000,000', 100_001, 1_000_000))


class Claim:
    """One claim, as raise_claim(), weaken() and the hold treat it: `encrypted`, or hard with a TTL, as `dane`."""

    def __init__(self, ttl=0.0):
        self.ttl = ttl
        self.days = 0
        self.first = self.last = self.counted = 0.0
        self.refused = 0.0
        self.writes = 0

    def alive(self, now):
        life = min(CAP, self.last - self.first, A_DAY * self.days)
        return self.days > 0 and now < self.last + max(life, self.ttl)

    def in_force(self, now):
        if self.ttl:
            return self.alive(now)
        return self.alive(now) and self.days >= EARNED_DAYS and self.last - self.first >= EARNED_SPAN

    def good(self, now):
        """An accepted delivery under TLS."""
        if self.refused:
            self.refused = 0.0
            self.writes += 1
        if self.days == 0 or (now - self.last > FADED and not self.alive(now)):
            self.days, self.first, self.last, self.counted = 1, now, now, now
        elif int(now) > int(self.counted):
            self.days, self.last, self.counted = self.days + 1, now, now
        elif now - self.last >= WORTH:
            self.last = now
        else:
            return
        self.writes += 1

    def plain(self, now):
        """TLS is not offered. True: the message leaves in the clear."""
        if self.in_force(now):
            if not self.refused:
                self.refused = now
                self.writes += 1
            if now - self.refused < HOLD:
                return False
        self.writes += self.days > 0
        self.days, self.refused = 0, 0.0
        return True


def strata(per_class):
    """(rank, how many domains it stands for, how many are played)."""
    edges = sorted({round(10 ** (i / 8)) for i in range(int(math.log10(DOMAINS)) * 8 + 1)})
    for low, high in zip(edges, edges[1:] + [DOMAINS + 1]):
        count = high - low
        if count > 0:
            yield math.sqrt(low * (high - 1)), count, min(count, per_class)


HARMONIC = math.log(DOMAINS) + 0.5772156649
FIRST = MESSAGES / HARMONIC


def rate_of(rank):
    return FIRST / rank


def arrivals(rng, rate, days):
    """Deliveries that may change anything: of those within an hour of a write none does."""
    now = rng.expovariate(rate)
    while now < days:
        yield now
        # Of a busy domain the next that counts is the first after the hour.
        now += (WORTH if rate > 240 else 0) + rng.expovariate(rate)


def play(rng, rate, days, ttl=0.0):
    """One memory, one domain: when it was first in force, and whether it was at a moment of each probe day."""
    claim, first_force, state = Claim(ttl), None, {}
    moments = {day: day - 1 + rng.random() for day in PROBES if day <= days}
    waiting = sorted(moments.items(), key=lambda item: item[1])
    events = arrivals(rng, rate, days)
    event = next(events, None)
    for day, moment in waiting:
        while event is not None and event <= moment:
            claim.good(event)
            if first_force is None and claim.in_force(event):
                first_force = event
            event = next(events, None)
        state[day] = claim.in_force(moment)
    return first_force, state


def learn(per_class, share):
    """Protected mail by day, and by class the domains in force and the days it took."""
    rng = random.Random(8)
    mail = dict.fromkeys(PROBES, 0.0)
    total = 0.0
    classes = {name: {'domains': 0.0, 'days': [], 'in_force': dict.fromkeys(PROBES, 0.0)} for name, _, _ in CLASSES}
    for rank, count, played in strata(per_class):
        rate = rate_of(rank)
        weight = count / played
        total += count * rate
        name = next(name for name, low, high in CLASSES if rank <= high)
        into = classes[name]
        into['domains'] += count
        for _ in range(played):
            first, state = play(rng, rate * share, DAYS)
            into['days'].append((first if first is not None else math.inf, weight))
            for day in PROBES:
                mail[day] += weight * rate * state[day]
                into['in_force'][day] += weight * state[day]
    return ({day: mail[day] / total for day in PROBES},
            {name: (median(c['days']), {day: c['in_force'][day] / c['domains'] for day in PROBES})
             for name, c in classes.items()})


def learn_hard(per_class, share):
    """Mail for which a hard claim (TTL one hour) is in force, by day, were all domains so."""
    rng = random.Random(9)
    mail, total = dict.fromkeys(PROBES, 0.0), 0.0
    for rank, count, played in strata(per_class):
        rate = rate_of(rank)
        total += count * rate
        for _ in range(played):
            _, state = play(rng, rate * share, DAYS, HOUR)
            for day in PROBES:
                mail[day] += count / played * rate * state[day]
    return {day: mail[day] / total for day in PROBES}


def median(weighted):
    weighted = sorted(weighted)
    half, so_far = sum(weight for _, weight in weighted) / 2, 0.0
    for value, weight in weighted:
        so_far += weight
        if so_far >= half:
            return value
    return math.inf


def each_rank(function):
    """Sum over all domains, by strata."""
    return sum(count * function(rate_of(rank)) for rank, count, _ in strata(1))


def writes(rate):
    """A day, by a memory that hears so many deliveries: after each write an hour without."""
    return rate / (1 + rate * WORTH)


def costs(sizes):
    """A day of the whole site, settled."""
    outcome, entry = sizes['sealed outcome'], sizes['entry: encrypted']
    own = each_rank(lambda rate: writes(rate / HOSTS))
    shared = each_rank(writes)
    forwarded = own * HOSTS  # what changed its own memory is told to others
    seen = each_rank(lambda rate: -math.expm1(-rate / HOSTS * DAYS)) # destinations a host hears of
    yield 'one memory a host', {
        'outcomes sent/s, whole site': 0, 'writes/s, a host': own / 86400, 'writes/s, in one place': own / 86400,
        'network, MB a day': 0, 'network, MB a day in one place': 0,
        'memory of a host after 60 days, MB': seen * entry * 1.0 / 1e6, 'round trips a message': 0}
    for name, copies in (('exchange, all to all', HOSTS - 1), (f'exchange, {COLLECTORS} collectors', COLLECTORS)):
        everyone = copies == HOSTS - 1
        octets = forwarded * copies * outcome
        # Collectors tell all hosts what changed with them: an outcome for each write of theirs.
        down = 0 if everyone else shared * HOSTS * outcome
        yield name, {
            'outcomes sent/s, whole site': (forwarded * copies + (0 if everyone else shared * HOSTS)) / 86400,
            'writes/s, a host': shared / 86400, 'writes/s, in one place': shared / 86400,
            'network, MB a day': (octets + down) / 1e6,
            'network, MB a day in one place':
                (2 * octets / HOSTS if everyone else (octets + down) / COLLECTORS) / 1e6,
            'memory of a host after 60 days, MB': DOMAINS * entry / 1e6, 'round trips a message': 0}
    reads = MESSAGES * 3  # claims, policy, and the claims of the outcome
    yield 'one shared store', {
        'outcomes sent/s, whole site': 0, 'writes/s, a host': 0, 'writes/s, in one place': shared / 86400,
        'network, MB a day': (reads * (entry + 40) + shared * (2 * entry + 200)) / 1e6,
        'network, MB a day in one place': (reads * (entry + 40) + shared * (2 * entry + 200)) / 1e6,
        'memory of a host after 60 days, MB': 0, 'round trips a message': 3 + shared / MESSAGES}


def on_one_path(per_class, heard):
    """Somebody strips TLS on the path of one host, all the time from the first day, or from day 30.

    heard: what of it the memory of the other 99 hears: 'all', 'raising', or 'nothing' (a memory each).
    Returns shares of the mail: of the 99 hosts protected on day 60; of the attacked one in the clear
    after day 30, when the attack began then; and of that in the first 30 days of an attack from the start.
    """
    rng = random.Random(88)
    result = {}
    for start in (0, 30):
        others = clear = mine = total = 0.0
        for rank, count, played in strata(per_class):
            rate = rate_of(rank)
            weight = count / played
            for _ in range(played):
                o, c, m = one_attack(rng, rate, start, heard)
                others += weight * rate * o
                clear += weight * rate * (c / m if m else 0)
                mine += weight * rate * (m > 0)
                total += weight * rate
        result[start] = others / total, clear / mine
    return {'from the first day: others protected on day 60': result[0][0],
            'from the first day: attacked host in the clear': result[0][1],
            'from day 30: others protected on day 60': result[30][0],
            'from day 30: attacked host in the clear': result[30][1]}


def one_attack(rng, rate, start, heard):
    site, own = Claim(), Claim() # what the others have; what the attacked host has
    if heard == 'nothing':
        others_rate = rate / HOSTS # any one of them
    else:
        others_rate = rate * (HOSTS - 1) / HOSTS
        if heard == 'all':
            own = site
    busiest = 48.0 # a day; of more nothing changes but the counts
    scale = min(1.0, busiest / others_rate)
    others_rate *= scale
    attacked_rate = min(rate / HOSTS, busiest)
    now, clear, mine = 0.0, 0, 0
    moment = DAYS - rng.random()
    protected = None
    while True:
        now += rng.expovariate(others_rate + attacked_rate)
        if protected is None and now >= moment:
            protected = site.in_force(moment)
        if now >= DAYS:
            return protected, clear, mine
        if rng.random() * (others_rate + attacked_rate) < others_rate:
            site.good(now)
            if heard == 'raising':
                own.good(now)
        elif now < start:
            own.good(now)
            if heard == 'raising':
                site.good(now)
        else:
            mine += 1
            clear += own.plain(now)


def read_sizes(program):
    lines = subprocess.run([program], check=True, capture_output=True, text=True).stdout.splitlines()
    return {line['figure']: line['value'] for line in map(json.loads, lines)}


def percent(x):
    return f'{100 * x:.1f} %'


def main():
    words = [word for word in sys.argv[1:] if not word.startswith('--')]
    per_class = 20 if '--quick' in sys.argv else 200
    sizes = read_sizes(words[0])
    alone, shared = learn(per_class, 1 / HOSTS), learn(per_class, 1)
    hard = {'one memory a host': learn_hard(max(per_class // 2, 5), 1 / HOSTS),
            'exchanged or shared': learn_hard(max(per_class // 2, 5), 1)}
    attacks = {heard: on_one_path(max(per_class // 4, 5), heard) for heard in ('nothing', 'all', 'raising')}
    if '--table' not in sys.argv:
        for name, cost in costs(sizes):
            for what, value in cost.items():
                print(json.dumps({'figure': f'{name}: {what}', 'unit': '', 'value': round(value, 3)}))
        for name, (mail, _) in (('one memory a host', alone), ('shared or exchanged', shared)):
            for day in PROBES:
                print(json.dumps({'figure': f'{name}: mail protected', 'unit': '%', 'day': day,
                                  'value': round(100 * mail[day], 2)}))
        return
    print('| | ' + ' | '.join(sizes) + ' |\n|' + ' --- |' * (len(sizes) + 1))
    print('| octets | ' + ' | '.join(f'{value:.0f}' for value in sizes.values()) + ' |\n')
    table = list(costs(sizes))
    print('| | ' + ' | '.join(name for name, _ in table) + ' |\n|' + ' --- |' * (len(table) + 1))
    for what in table[0][1]:
        print(f'| {what} | ' + ' | '.join(f'{cost[what]:,.1f}' for _, cost in table) + ' |')
    print('\n| mail protected on day | ' + ' | '.join(map(str, PROBES)) + ' |\n|' + ' --- |' * (len(PROBES) + 1))
    for name, (mail, _) in (('one memory a host', alone), ('exchanged or shared', shared)):
        print(f'| {name}: `encrypted` | ' + ' | '.join(percent(mail[day]) for day in PROBES) + ' |')
    for name, mail in hard.items():
        print(f'| {name}: hard | ' + ' | '.join(percent(mail[day]) for day in PROBES) + ' |')
    print('\n| rank of the domain | messages a day | one memory: median days | in force, day 30 | day 60 '
          '| exchanged or shared: median days | in force, day 30 | day 60 |\n|' + ' --- |' * 8)
    for name, low, high in CLASSES:
        cells = [name, f'{rate_of(high):,.1f} to {rate_of(low):,.0f}']
        for _, classes in (alone, shared):
            days, force = classes[name]
            cells += ['never' if days == math.inf else f'{days:.1f}', percent(force[30]), percent(force[60])]
        print('| ' + ' | '.join(cells) + ' |')
    print('\n| TLS stripped on the path of one host | a memory each | all is heard | only what raises is heard |\n|'
          + ' --- |' * 4)
    for what in attacks['all']:
        print(f'| {what} | ' + ' | '.join(percent(attacks[h][what]) for h in ('nothing', 'all', 'raising')) + ' |')


if __name__ == '__main__':
    main()
