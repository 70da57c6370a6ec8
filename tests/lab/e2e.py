#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The library and its tool against the whole lab: every destination, all three
ways to drive it, real deliveries, bad input, and what a verifying process loads.

One line a check; inside the lab, or it enters by itself.
"""
import sys

sys.dont_write_bytecode = True

import glob  # noqa: E402
import os  # noqa: E402
import shutil  # noqa: E402
import subprocess  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from concurrent.futures import ThreadPoolExecutor  # noqa: E402
from email.parser import BytesHeaderParser  # noqa: E402

import badinput  # noqa: E402
from tool import (MESSAGE, Run, Score, Tool, arguments, destinations, differences,  # noqa: E402
                  enter_lab, plan_faults)

# Seconds for one evaluation: more than the lab's dead name servers take to be given up.
TIMEOUT = '5'


# ---- Every destination -----------------------------------------------------------

def all_destinations(tool, score):
    rows = destinations()
    run = tool.check('--connect', '--via', 'loop', '--timeout', TIMEOUT, *(row['domain'] for row in rows))
    score.note('one process evaluates and visits all destinations',
               [] if run.status == 1 else f'exit status expected 1, found {run.status}: {run.err}',
               f'{len(rows)} domains; the worst result counts, exit status 1')
    plans = {plan['domain']: plan for plan in run.objects}
    for row in rows:
        plan = plans.get(row['domain'])
        score.note(row['name'], plan_faults(row['expect'], plan) if plan else 'no plan', row['shows'])


# ---- Three ways, the same plans ----------------------------------------------------

def constant_times():
    """
    Make the resolver give TTLs as published and not what is left of them. Else each
    `expires` would tell how long ago the resolver was asked, which is its affair, and
    nothing in a plan has to be left out of the comparison.
    """
    path = os.path.join(os.environ['LAB_DIR'], 'unbound.conf')
    with open(path) as file:
        text = file.read()
    if 'serve-original-ttl' not in text:
        with open(path, 'w') as file:
            file.write(text.replace('server:\n', 'server:\n    serve-original-ttl: yes\n', 1))
    subprocess.run(['unbound-control', '-c', path, 'reload'], check=True, capture_output=True)


def line_difference(name, expected, found):
    """Where two lines part, with what stands around it."""
    at = next((i for i, (a, b) in enumerate(zip(expected, found)) if a != b), min(map(len, (expected, found))))
    begin = max(0, at - 40)
    return f'{name} at octet {at}: expected ...{expected[begin:at + 40]}, found ...{found[begin:at + 40]}'


def three_ways(tool, score):
    constant_times()
    domains = [row['domain'] for row in destinations()]
    words = [*tool.common, '--json', '--timeout', TIMEOUT, '--now', int(time.time()), *domains]
    ways = {'blocking': [tool.smtpsec, 'check'], 'event-loop': [tool.smtpsec, 'check', '--via', 'loop'],
            'by-hand': [tool.other('by_hand')]}
    with ThreadPoolExecutor() as pool:
        runs = dict(zip(ways, pool.map(lambda way: Run([*way, *words]), ways.values())))
    first = runs['blocking']
    lines = first.out.splitlines()
    score.note('blocking way', [] if len(lines) == len(domains) else f'{len(lines)} plans: {first.err}',
               f'{len(lines)} plans')
    for way in ('event-loop', 'by-hand'):
        other = runs[way]
        faults = [line_difference(domain, a, b) for domain, a, b
                  in zip(domains, lines, other.out.splitlines()) if a != b]
        if not faults and (other.out != first.out or other.status != first.status):
            faults = [f'exit status {other.status}, {len(other.out)} octets: {other.err}']
        score.note(f'{way} way gives the same octets', faults,
                   f'{len(lines)} plans of {len(first.out)} octets, exit status {other.status}')


def examples(tool, score):
    """The programs that people copy from; they ask the system's resolver, which the lab stands in for."""
    if os.environ['LAB_MODE'] != 'private':
        score.note('examples: left out, the system asks another resolver here')
        return
    for name, words, status in (('event_loop', ('dane-ee.test', 'plain.test', 'null-mx.test'), 1),
                                ('event_loop', ('dane-ee.test', 'plain.test'), 0),
                                ('evaluate_minimal', ('dane-ee.test',), 0)):
        run = Run([tool.other(name), *words])
        told = run.status == status and all(word in run.out for word in words) and 'dane' in run.out
        score.note(f'example {name} {" ".join(words)}', [] if told else f'{run.status}: {run.out}{run.err}',
                   f'exit status {status}')


# ---- Real deliveries -----------------------------------------------------------------

def delivered(to, **headers):
    return {'status': 0, 'to': to, 'headers': headers}


def refused(to, status, code):
    """code: the enhanced status code that is told for the recipient."""
    return {'status': status, 'to': to, 'code': code}


# name, options of `send`, what must come of it. Headers are beginnings of what the server noted.
DELIVERIES = (
    ('plain', (), delivered('mx.plain.test', TLS='none')),
    ('starttls', (), delivered('mx.starttls.test', TLS='TLSv1', SNI='mx.starttls.test')),
    ('starttls-refused', (), delivered('mx.starttls-refused.test', TLS='none')),
    ('signed', (), delivered('mx.signed.test', TLS='TLSv1')),
    ('implicit-mx', (), delivered('implicit-mx.test', TLS='TLSv1', SNI='implicit-mx.test')),
    ('domain-alias', (), delivered('mx.dane-ee.test', TLS='TLSv1')),
    ('dane-ee', (), delivered('mx.dane-ee.test', TLS='TLSv1', SNI='mx.dane-ee.test')),
    ('dane-two-hosts', (), delivered('mx2.dane-two-hosts.test', TLS='TLSv1')),
    ('dane-mx-alias', (), delivered('target.hosting.test', TLS='TLSv1', SNI='target.hosting.test')),
    ('tlsa-servfail-two', (), delivered('mx2.tlsa-servfail-two.test', TLS='TLSv1')),
    ('sts-enforce', (), delivered('mx.sts-enforce.test', TLS='TLSv1', SNI='mx.sts-enforce.test')),
    ('sts-two-hosts', (), delivered('mx2.sts-two-hosts.test', TLS='TLSv1')),
    ('sts-testing', (), delivered('mx.sts-testing.test', TLS='TLSv1')),
    ('dane-sts', (), delivered('mx.dane-sts.test', TLS='TLSv1')),
    ('requiretls', ('--requiretls',), delivered('mx.requiretls.test', TLS='TLSv1', Mail_Options='REQUIRETLS')),
    ('requiretls-sts', ('--requiretls',), delivered('mx.requiretls-sts.test', TLS='TLSv1',
                                                    Mail_Options='REQUIRETLS')),
    ('dane-no-starttls', ('--tls-required-no',), delivered('mx.dane-no-starttls.test', TLS='none')),
    ('dane-mismatch', (), refused('dane-mismatch', 2, '4.')),
    ('dane-no-starttls', (), refused('dane-no-starttls', 2, '4.')),
    ('dane-handshake', (), refused('dane-handshake', 2, '4.')),
    ('dane-injection', (), refused('dane-injection', 2, '4.')),
    ('dane-sts-mismatch', (), refused('dane-sts-mismatch', 2, '4.')),
    ('sts-cert-name', (), refused('sts-cert-name', 2, '4.')),
    ('sts-mx-mismatch', (), refused('sts-mx-mismatch', 2, '4.')),
    ('mx-bogus', (), refused('mx-bogus', 2, '4.')),
    ('tlsa-servfail', (), refused('tlsa-servfail', 2, '4.')),
    ('null-mx', (), refused('null-mx', 1, '5.1.10')),
    ('no-such-domain', (), refused('no-such-domain', 1, '5.1.2')),
    ('requiretls-missing', ('--requiretls',), refused('requiretls-missing', 1, '5.7.30')),
    ('requiretls-early', ('--requiretls',), refused('requiretls-early', 1, '5.7.30')),
    ('requiretls-unsigned', ('--requiretls',), refused('requiretls-unsigned', 1, '5.7.')),
)


def stored():
    """Every message that any server of the lab has accepted."""
    return set(glob.glob(os.path.join(os.environ['LAB_DIR'], 'mail', '*', '*.eml')))


def message_faults(path, wanted, rcpt):
    """Compare what the server wrote down with what was wanted, and the text with what was sent."""
    with open(path, 'rb') as file:
        text = file.read()
    headers = BytesHeaderParser().parsebytes(text)
    wanted = {'Host': wanted['to'], 'Rcpt-To': f'<{rcpt}>'} | {
        key.replace('_', '-'): value for key, value in wanted['headers'].items()}
    faults = [f'X-Lab-{key} expected {value}, found {headers[f"X-Lab-{key}"]}'
              for key, value in wanted.items() if not headers[f'X-Lab-{key}'].startswith(value)]
    if 'Mail-Options' not in wanted and 'REQUIRETLS' in headers['X-Lab-Mail-Options']:
        faults.append('REQUIRETLS was said although the message is not tagged')
    return faults if text.endswith(MESSAGE) else faults + ['the message is not the one that was sent']


def deliver_one(tool, number, name, options, wanted):
    rcpt = f'box{number}@{name}.test'
    before = stored()
    run = tool.send(*options, to=rcpt)
    new = sorted(stored() - before)
    if run.status != wanted['status']:
        return [f'exit status expected {wanted["status"]}, found {run.status}: {run.out or run.err}']
    if run.status != 0:
        told = run.objects[0]['domains'][0]['recipients'][0]
        faults = differences({'status': 'failed' if run.status == 1 else 'deferred'}, told, 'recipient')
        faults += [] if told['reply'].startswith(wanted['code']) else [f'reply {told["reply"]}']
        return faults + [f'a server has it nevertheless: {path}' for path in new]
    if len(new) != 1:
        return [f'one message expected, found {new}']
    return message_faults(new[0], wanted, rcpt)


def deliveries(tool, score):
    for number, (name, options, wanted) in enumerate(DELIVERIES):
        shows = (f'{wanted["to"]} has it' if wanted['status'] == 0
                 else ('bounced' if wanted['status'] == 1 else 'deferred') + ', nobody has it')
        score.note(f'send {" ".join((name, *options))}', deliver_one(tool, number, name, options, wanted), shows)


# ---- A process that only verifies ------------------------------------------------------

def libraries(run):
    """What the dynamic loader says that it loaded."""
    return sorted({os.path.basename(line.split()[-1]) for line in run.err.splitlines()
                   if 'calling init:' in line})


def loading(tool, score):
    """Whether an evaluating process loads libcurl: where a policy is fetched, and only there."""
    for domain, fetches in (('sts-enforce.test', True), ('plain.test', False)):
        run = Run([tool.smtpsec, 'check', *tool.common, '--json', domain], LD_DEBUG='libs')
        loaded = libraries(run)
        faults = [] if run.status == 0 else [f'exit status {run.status}: {run.out}']
        faults += [] if any(library.startswith('libsmtpsec') for library in loaded) else ['nothing seen']
        curl = [library for library in loaded if library.startswith('libcurl')]
        if fetches:
            name = f'canary: a process that fetches the policy of {domain} is seen to load libcurl'
            faults += [] if curl else ['no libcurl seen']
        else:
            name = f'a process that evaluates {domain}, which has no policy, loads no libcurl'
            faults += [f'{library} was loaded' for library in curl]
        score.note(name, faults, ' '.join(curl) if fetches else ' '.join(loaded))


def missing(tool, score, folder):
    """A library that lies alone must not take a domain for one without a policy."""
    told = Run([tool.smtpsec, 'check', *tool.common, 'plain.test'], LD_DEBUG='libs').err.splitlines()
    lone = os.path.join(folder, 'lone')
    os.mkdir(lone)
    shutil.copy(next(line.split()[-1] for line in told
                     if 'calling init:' in line and 'libsmtpsec.so' in line), lone)
    run = Run([tool.smtpsec, 'check', *tool.common, 'sts-enforce.test'], LD_LIBRARY_PATH=lone)
    ended = f'exit status {run.status}: {run.out}{run.err.strip()}'
    score.note('without the HTTPS part a domain with a policy is an error',
               [] if run.status == 69 and 'HTTPS module' in run.err else [ended], ended)


def verifying(tool, score):
    folder = tempfile.mkdtemp(dir=os.environ['LAB_DIR'], prefix='verify.')
    saved = tool.check('--save-requirements', folder, 'dane-ee.test', 'sts-enforce.test')
    requirement = os.path.join(folder, 'sts-enforce.test_mx.sts-enforce.test.req')
    chain = os.path.join(folder, 'chain.pem')
    address = next(row for row in destinations() if row['name'] == 'sts-enforce')['addresses']
    shown = subprocess.run(['openssl', 's_client', '-starttls', 'smtp', '-showcerts', '-connect',
                            f'{next(iter(address.values()))[0]}:25'], input=b'', capture_output=True)
    with open(chain, 'wb') as file:
        file.write(shown.stdout)
    ca = os.environ['LAB_CA']
    ways = {'verify_minimal': [tool.other('verify_minimal'), requirement, chain, ca],
            'smtpsec verify': [tool.smtpsec, 'verify', '--requirement', requirement, '--chain', chain,
                               '--ca-file', ca]}
    for name, command in ways.items():
        run = Run(command, LD_DEBUG='libs')
        loaded = libraries(run)
        faults = [f'exit status {run.status}: {run.out}{saved.err}'] if run.status != 0 else []
        faults += [f'{library} was loaded' for library in loaded if 'curl' in library or 'fetch' in library]
        faults += [] if any(library.startswith('libsmtpsec') for library in loaded) else ['nothing seen']
        score.note(f'{name} accepts the chain and loads no libcurl', faults, ' '.join(loaded))
    loading(tool, score)
    missing(tool, score, folder)
    wrong = Run([tool.smtpsec, 'verify', '--requirement', requirement.replace('sts-enforce', 'dane-ee'),
                 '--chain', chain])
    score.note('canary: the same chain is rejected by the requirement of dane-ee.test',
               [] if wrong.status == 1 else f'exit status {wrong.status}: {wrong.out}{wrong.err}',
               'exit status 1')
    shutil.rmtree(folder)


PARTS = {'destinations': all_destinations, 'ways': three_ways, 'examples': examples,
         'deliveries': deliveries, 'bad-input': badinput.bad_input, 'libraries': verifying}


def main():
    options = arguments(__doc__, lambda parser: parser.add_argument(
        '--part', action='append', choices=PARTS, help='only this part; may be repeated'))
    enter_lab()
    tool, score = Tool(options.smtpsec), Score()
    for part in options.part or PARTS:
        PARTS[part](tool, score)
    return score.close()


if __name__ == '__main__':
    sys.exit(main())
