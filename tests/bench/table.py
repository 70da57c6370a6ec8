# SPDX-License-Identifier: LGPL-2.1-or-later
"""The table of figures: read from a file of results, as text and as Markdown."""

import json
import statistics

BEGIN = '<!-- made by tests/bench/run.py --doc: begin -->'
END = '<!-- made by tests/bench/run.py --doc: end -->'

NUMBERS = ('value', 'ratio', 'ours_p50', 'ours_p99', 'floor_p50', 'floor_p99')
KNOWN = NUMBERS + ('figure', 'size', 'unit', 'floor', 'goal', 'samples', 'benchmark', 'run')


class Figure:
    """One figure in all its runs."""

    def __init__(self, first):
        self.name = first['figure']
        self.size = first.get('size')
        self.unit = first.get('unit', '')
        self.floor = first.get('floor')
        self.goal = first.get('goal') or None
        self.benchmark = first.get('benchmark', '')
        self.fields = {name: value for name, value in first.items() if name not in KNOWN}
        self.runs = []

    def add(self, line):
        self.runs.append(line)

    def all(self, number):
        return [line[number] for line in self.runs if isinstance(line.get(number), (int, float))]

    def median(self, number):
        values = self.all(number)
        return statistics.median(values) if values else None

    @property
    def judged(self):
        """What the goal is about: the ratio, or the value."""
        return 'ratio' if self.floor else 'value'

    @property
    def least(self):
        """A rate should be high, all else low."""
        return self.unit.endswith('/s')

    @property
    def verdict(self):
        value = self.median(self.judged)
        if self.goal is None or value is None:
            return ''
        if value >= self.goal if self.least else value <= self.goal:
            return 'met'
        if self.least:
            return f'missed: {value / self.goal:.2f} of it'
        return f'missed: {value / self.goal:.2f} times it'

    @property
    def title(self):
        """Name, and the numbers that the figure was made with, unless it says them."""
        said = ', '.join(f'{name} {short(value)}' for name, value in self.fields.items()
                         if isinstance(value, (int, float)) and not isinstance(value, bool))
        return f'{self.name} ({said})' if said else self.name


def read(path):
    """The facts of the machine, and the figures in the order in which they came."""
    facts, figures = {}, {}
    for text in path.read_text(encoding='utf-8').splitlines():
        line = json.loads(text)
        if 'machine' in line:
            facts = line
            continue
        key = (line['figure'], line.get('size'), line.get('floor'), line.get('mx'), line.get('delay_ms'))
        figures.setdefault(key, Figure(line)).add(line)
    return facts, list(figures.values())


def short(value):
    if value is None:
        return ''
    if isinstance(value, float) and abs(value) < 100 and value != int(value):
        return f'{value:.3g}'
    return f'{value:,.0f}'


def amount(value, unit):
    """A value as it is read best: 1.23 us instead of 1234 ns."""
    if value is None:
        return ''
    if unit == 'ns':
        for name, size in (('s', 1e9), ('ms', 1e6), ('us', 1e3)):
            if value >= size:
                return f'{value / size:.3g} {name}'
        return f'{value:.3g} ns'
    if unit == 'octets' and value >= 10000:
        return f'{value / 1e6:.2f} MB' if value >= 1e6 else f'{value / 1e3:.1f} kB'
    return f'{short(value)} {unit}'.strip()


def size_text(size):
    if not size:
        return ''
    for name, least in (('M', 1000000), ('k', 1000)):
        if size % least == 0:
            return f'{size // least}{name}'
    return str(size)


HEAD = ('figure', 'size', 'ours p50', 'p99', 'floor', 'p50', 'p99', 'ratio', 'goal', '', 'spread')


def rows(figures):
    for figure in figures:
        judged = figure.all(figure.judged)
        spread = ''
        if len(judged) > 1:
            show = (lambda v: f'{v:.2f}') if figure.floor else (lambda v: amount(v, figure.unit))
            spread = f'{show(min(judged))} / {show(statistics.median(judged))} / {show(max(judged))}'
        goal = ''
        if figure.goal is not None:
            goal = f'{figure.goal:g}' if figure.floor else amount(figure.goal, figure.unit)
            goal = ('≥ ' if figure.least else '≤ ') + goal
        ratio = figure.median('ratio')
        ours = figure.median('ours_p50') if figure.floor else figure.median('value')
        yield (figure.title, size_text(figure.size), amount(ours, figure.unit),
               amount(figure.median('ours_p99'), figure.unit), figure.floor or '',
               amount(figure.median('floor_p50'), figure.unit), amount(figure.median('floor_p99'), figure.unit),
               f'{ratio:.2f}' if ratio is not None else '', goal, figure.verdict, spread)


def machine_text(facts):
    m = facts.get('machine', {})
    runs = facts.get('runs', 1)
    return (f"{m.get('cpu')}, {m.get('cores')} cores, {m.get('memory_mib', 0) / 1024:.0f} GiB; "
            f"Linux {m.get('kernel')}; LMDB {m.get('lmdb')}, GnuTLS {m.get('gnutls')}, ldns {m.get('ldns')}, "
            f"libcurl {m.get('libcurl')}, unbound {m.get('unbound')}; {m.get('compiler')}, "
            f"-O{m.get('optimization')}; commit {m.get('commit')}; {m.get('date')}; load before {m.get('load')}; "
            f"{runs} run{'s' if runs != 1 else ''}{', quick' if facts.get('quick') else ''}")


def text(facts, figures):
    lines = [HEAD] + list(rows(figures))
    widths = [max(len(line[at]) for line in lines) for at in range(len(HEAD))]
    out = [machine_text(facts), '']
    for line in lines:
        out.append('  '.join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
    return '\n'.join(out)


def markdown(facts, figures):
    out = [machine_text(facts) + '.', '']
    names = {'': 'goal met'}
    out.append('| ' + ' | '.join(names.get(name, name) for name in HEAD) + ' |')
    out.append('|' + ' --- |' * len(HEAD))
    for line in rows(figures):
        out.append('| ' + ' | '.join(cell.replace('|', '\\|') for cell in line) + ' |')
    return '\n'.join(out)


def into_document(path, facts, figures):
    """Put the table between the two marks."""
    old = path.read_text(encoding='utf-8')
    before, rest = old.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    path.write_text(f'{before}{BEGIN}\n\n{markdown(facts, figures)}\n\n{END}{after}', encoding='utf-8')
