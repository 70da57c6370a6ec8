#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Run the benchmarks, and make one table of what they print.

Those of the build directory's `meson test --benchmark` are run, each with its
own arguments. Each prints a JSON object a line (tests/bench/bench.h says
which); what it says on stderr goes to a log. Nothing is asserted: a goal that
is missed is shown with how much.

    tests/bench/run.py [--build build-bench] [--quick] [--runs N] [--only NAME]... [--doc]
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile
import time

import table

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parent.parent
DOCUMENT = SOURCE / 'doc' / 'performance.md'
PLOTS = SOURCE / 'doc' / 'performance'

# How long one of them may take, in seconds.
MOST = 1800
MOST_QUICK = 300
# What the stores take that are only read, with room for the rest of the machine: sizes up to 10 million.
MEMORY = 20 << 30
MEMORY_QUICK = 1 << 30

# In this order where they are there, the others after them.
ORDER = ['cached', 'beside', 'first', 'start', 'context', 'evaluate', 'verify', 'fetch', 'write', 'open', 'size']


def benchmarks(build):
    """What meson knows: name, command, environment, directory."""
    listed = json.loads(subprocess.run(['meson', 'introspect', '--benchmarks', str(build)],
                                       check=True, capture_output=True, text=True).stdout)
    place = {name: at for at, name in enumerate(ORDER)}
    return sorted(listed, key=lambda one: place.get(one['name'], len(place)))


def memory_directory(quick):
    """A place in memory for stores that are only read, where there is plenty; else None."""
    shared = pathlib.Path('/dev/shm')
    try:
        free = os.statvfs(shared)
        available = next(int(line.split()[1]) * 1024 for line in pathlib.Path('/proc/meminfo').read_text().splitlines()
                         if line.startswith('MemAvailable'))
    except (OSError, StopIteration):
        return None
    want = MEMORY_QUICK if quick else MEMORY
    if min(available, free.f_bavail * free.f_frsize) < want or not os.access(shared, os.W_OK):
        return None
    return pathlib.Path(tempfile.mkdtemp(prefix='smtpsec-bench-', dir=shared))


def run_one(one, build, stores, memory, quick, log):
    command = one['cmd'] + (['--quick'] if quick and '--quick' not in one['cmd'] else [])
    environment = dict(os.environ, **(one['env'] or {}), SMTPSEC_BENCH_DIR=str(stores))
    if memory:
        environment['SMTPSEC_BENCH_MEMORY_DIR'] = str(memory)
    began = time.monotonic()
    figures = []
    print(f"== {one['name']}: {' '.join(command)}", file=log, flush=True)
    try:
        done = subprocess.run(command, cwd=one['workdir'] or build, env=environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True,
                              timeout=MOST_QUICK if quick else MOST)
        lines, status = done.stdout.splitlines(), done.returncode
    except subprocess.TimeoutExpired as late:
        lines, status = (late.stdout or b'').decode(errors='replace').splitlines(), 'late'
    except OSError as problem:
        lines, status = [], problem
    for line in lines:
        try:
            figure = json.loads(line)
            figure['figure']
        except (ValueError, KeyError, TypeError):
            print(line, file=log)
            continue
        figures.append(dict(figure, benchmark=one['name']))
    seconds = time.monotonic() - began
    print(f"   {one['name']}: {len(figures)} figures in {seconds:.0f} s"
          + ('' if status == 0 else f', and it failed ({status}): see {log.name}'), file=sys.stderr, flush=True)
    return figures, status == 0


def version_of(*command):
    try:
        text = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return 'not there'
    return ((text.stdout + text.stderr).strip().splitlines() or ['?'])[0]


def package(name):
    return version_of('pkg-config', '--modversion', name)


def lmdb_version():
    if shutil.which('dpkg-query'):
        return version_of('dpkg-query', '-W', '-f', '${Version}', 'liblmdb0')
    return package('lmdb')


def machine(build):
    cpu = [line.split(':', 1)[1].strip() for line in pathlib.Path('/proc/cpuinfo').read_text().splitlines()
           if line.startswith('model name')]
    memory = next(int(line.split()[1]) for line in pathlib.Path('/proc/meminfo').read_text().splitlines()
                  if line.startswith('MemTotal'))
    options = {one['name']: one['value'] for one in json.loads(subprocess.run(
        ['meson', 'introspect', '--buildoptions', str(build)],
        check=True, capture_output=True, text=True).stdout)}
    git = ['git', '-C', str(SOURCE)]
    return {
        'cpu': cpu[0] if cpu else platform.processor(), 'cores': os.cpu_count(),
        'memory_mib': memory // 1024, 'kernel': platform.release(),
        'load': round(os.getloadavg()[0], 2),
        'compiler': version_of('cc', '--version'),
        'optimization': options.get('optimization'), 'sanitize': options.get('b_sanitize'),
        'lmdb': lmdb_version(), 'gnutls': package('gnutls'), 'ldns': package('ldns'),
        'libcurl': package('libcurl'), 'unbound': version_of('unbound', '-V').replace('Version ', ''),
        'commit': version_of(*git, 'rev-parse', '--short', 'HEAD')
                  + ('+' if subprocess.run(git + ['diff', '--quiet', 'HEAD'], check=False).returncode else ''),
        'date': datetime.datetime.now(datetime.timezone.utc).strftime('%Y-%m-%d %H:%M UTC'),
    }


def python_with_matplotlib():
    for program in dict.fromkeys([sys.executable, '/usr/bin/python3']):
        try:
            if subprocess.run([program, '-c', 'import matplotlib'], capture_output=True,
                              check=False).returncode == 0:
                return program
        except OSError:
            pass
    return None


def plot(results, directory):
    program = python_with_matplotlib()
    if program is None:
        print('no plots: python3-matplotlib is not installed', file=sys.stderr)
        return
    if subprocess.run([program, str(HERE / 'plot.py'), str(results), str(directory)], check=False).returncode:
        print('no plots: see above', file=sys.stderr)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument('--build', type=pathlib.Path, default=SOURCE / 'build-bench')
    options.add_argument('--quick', action='store_true', help='seconds instead of minutes; small sizes')
    options.add_argument('--runs', type=int, default=1, help='so often; the spread is printed')
    options.add_argument('--only', action='append', default=[], help='those whose name contains this')
    options.add_argument('--doc', action='store_true', help='write doc/performance.md and its plots')
    options.add_argument('--from', dest='results', type=pathlib.Path,
                         help='measure nothing: take the results of an earlier run')
    given = options.parse_args()
    failed = []

    results = given.results.resolve() if given.results else None
    if results is None:
        results, failed = measure(given)
        if results is None:
            return 1
    facts, figures = table.read(results)
    print(table.text(facts, figures))
    plots = PLOTS if given.doc else results.parent / 'plots'
    plots.mkdir(exist_ok=True)
    plot(results, plots)
    if given.doc:
        table.into_document(DOCUMENT, facts, figures)
    print(f'\nresults: {results}\nplots:   {plots}')
    if failed:
        print('failed:  ' + ', '.join(failed))
    return 1 if failed else 0


def measure(given):
    """All runs; returns the file of results, and which failed."""
    build = given.build.resolve()
    wanted = [one for one in benchmarks(build)
              if not given.only or any(word in one['name'] for word in given.only)]
    if not wanted:
        print('no such benchmark', file=sys.stderr)
        return None, []
    directory = build / 'results'
    directory.mkdir(exist_ok=True)
    stamp = datetime.datetime.now().strftime('%Y%m%d-%H%M%S')
    results = directory / f'{stamp}.jsonl'
    # Stores of millions are filled once for all runs, and never taken from another build.
    stores = build / 'stores'
    shutil.rmtree(stores, ignore_errors=True)
    memory = memory_directory(given.quick)
    failed = []
    try:
        with open(results, 'w', encoding='utf-8') as out, \
                open(directory / f'{stamp}.log', 'w', encoding='utf-8') as log:
            print(json.dumps({'machine': machine(build), 'runs': given.runs, 'quick': given.quick}), file=out)
            for run in range(1, given.runs + 1):
                print(f'run {run} of {given.runs}', file=sys.stderr)
                for one in wanted:
                    figures, good = run_one(one, given.build, stores, memory, given.quick, log)
                    if not good and one['name'] not in failed:
                        failed.append(one['name'])
                    for figure in figures:
                        print(json.dumps(dict(figure, run=run)), file=out, flush=True)
    finally:
        for place in (stores, memory):
            if place:
                shutil.rmtree(place, ignore_errors=True)
    return results, failed


if __name__ == '__main__':
    sys.exit(main())
