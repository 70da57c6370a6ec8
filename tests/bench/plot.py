#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Plots of a file of results, as SVG that is the same for the same results.

    tests/bench/plot.py RESULTS.jsonl DIRECTORY
"""

import pathlib
import sys

import matplotlib

matplotlib.use('svg')
matplotlib.rcParams['svg.hashsalt'] = 'smtpsec'
matplotlib.rcParams['svg.fonttype'] = 'none'

import matplotlib.pyplot as plt  # noqa: E402

import table  # noqa: E402


COLD = 'cold evaluation'
# The other floor of a cached decision; the table has it.
ALONE = 'LMDB get, one transaction for all'


def points(figures, name, number, by='size', **fields):
    """(x, median of the number) of the figures of a name, or of that name and a comma for the cold ones."""
    found = []
    for figure in figures:
        x = figure.size if by == 'size' else figure.fields.get(by)
        y = figure.median(number)
        named = figure.name == name or (name == COLD and figure.name.startswith(COLD + ','))
        if figure.floor == ALONE:
            continue
        if named and x is not None and y is not None and \
                all(figure.fields.get(field) == value for field, value in fields.items()):
            found.append((x, y))
    return sorted(found)


def draw(directory, name, title, xlabel, ylabel, curves, log=True):
    """curves: (label, points, style). A plot of nothing is not made."""
    curves = [curve for curve in curves if curve[1]]
    if not curves:
        print(f'{name}: no such figures', file=sys.stderr)
        return
    figure, axes = plt.subplots(figsize=(7, 4.2))
    for label, at, style in curves:
        axes.plot([x for x, _ in at], [y for _, y in at], style, label=label)
    if log:
        axes.set_xscale('log')
        axes.set_yscale('log')
    else:
        axes.set_ylim(bottom=0)
    axes.set(title=title, xlabel=xlabel, ylabel=ylabel)
    axes.grid(True, which='both', linewidth=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(directory / f'{name}.svg', format='svg', metadata={'Date': None, 'Creator': None})
    plt.close(figure)


def scaled(at, factor):
    return [(x, y * factor) for x, y in at]


def main():
    facts, figures = table.read(pathlib.Path(sys.argv[1]))
    directory = pathlib.Path(sys.argv[2])
    del facts
    us = 1 / 1000

    curves = []
    for mx, marker in ((1, 'o'), (5, 's')):
        curves.append((f'kept plan, {mx} MX', scaled(points(figures, 'cached decision', 'ours_p50', mx=mx), us),
                       f'{marker}-'))
        curves.append((f'LMDB get, {mx} MX', scaled(points(figures, 'cached decision', 'floor_p50', mx=mx), us),
                       f'{marker}--'))
    draw(directory, 'decision', 'A repeated question', 'domains in the cache', 'median, us', curves)

    draw(directory, 'open', 'Open and first read, in a fresh process', 'domains in the memory', 'median, ms', [
        ('the library, with a decision', scaled(points(figures, 'open and first decision', 'ours_p50'), 1e-6), 'o-'),
        ('the store', scaled(points(figures, 'open the store and first read', 'ours_p50'), 1e-6), 's-'),
        ('LMDB', scaled(points(figures, 'open the store and first read', 'floor_p50'), 1e-6), 'o--')])

    curves = []
    for kind, marker in (('encrypted', 'o'), ('DANE', 's'), ('MTA-STS policy', '^')):
        loaded = points(figures, f'file a domain, {kind}, loaded in order', 'value')
        loaded += [at for at in points(figures, f'file a domain, {kind}, loaded at once', 'value')
                   if at[0] not in {x for x, _ in loaded}]
        curves.append((f'{kind}, in order', [(x, x * y / 1e6) for x, y in sorted(loaded)], f'{marker}-'))
        curves.append((f'{kind}, keys and values alone', [
            (x, x * y / 1e6) for x, y in points(figures, f'key and value a domain, {kind}', 'value')], f'{marker}--'))
        curves.append((f'{kind}, in no order', [
            (x, x * y / 1e6) for x, y in points(figures, f'file a domain, {kind}, loaded in no order', 'value')],
            f'{marker}:'))
    draw(directory, 'size', 'The file', 'domains', 'MB', curves)

    cold = [figure for figure in figures if figure.name.startswith('cold evaluation')]
    delays = sorted({figure.fields.get('delay_ms') for figure in cold} - {None})
    counts = sorted({figure.fields.get('mx') for figure in cold} - {None})
    for name, title, by, other, values, label in (
            ('cold-mx', 'Cold evaluation by MX count', 'mx', 'delay_ms', delays, 'MX hosts'),
            ('cold-delay', 'Cold evaluation by DNS delay', 'delay_ms', 'mx', counts, 'delay of an answer, ms')):
        curves = []
        for value in values:
            said = f'{value:g} ms' if other == 'delay_ms' else f'{value:g} MX'
            ours = points(figures, 'cold evaluation', 'ours_p50', by, **{other: value})
            under = points(figures, 'cold evaluation', 'floor_p50', by, **{other: value})
            if len(ours) < 2:
                continue
            curves.append((said, scaled(ours, 1e-6), 'o-'))
            curves.append((f'{said}, one after another', scaled(under, 1e-6), 'o--'))
        draw(directory, name, title, label, 'median, ms', curves, log=False)
    return 0


if __name__ == '__main__':
    sys.exit(main())
