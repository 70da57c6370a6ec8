#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every status that a DNS server can answer with, at every look-up, live.

A middle between the tool and the lab's resolver answers one question of an
evaluation in some way, and hands all others on. What follows is the table
"Outcome grid" of the rules; the rows are named at the beginning of each line.
"""
import sys

sys.dont_write_bytecode = True

import os  # noqa: E402
import struct  # noqa: E402
from concurrent.futures import ThreadPoolExecutor  # noqa: E402
from dataclasses import dataclass  # noqa: E402

import middle  # noqa: E402
from dnsquery import encode_name  # noqa: E402
from middle import AD, CD, TC, answer, flagged, forward  # noqa: E402
from tool import Run, Score, Tool, arguments, code_of, enter_lab, say  # noqa: E402

DANE, ALIAS, STS = 'dane-ee.test', 'dane-mx-alias-unsigned.test', 'sts-enforce.test'
RCODE = {'formerr': 1, 'servfail': 2, 'nxdomain': 3, 'notimp': 4, 'refused': 5, 'notauth': 9}
BOGUS, INDETERMINATE, NO_REACHABLE_AUTHORITY = 6, 5, 22   # RFC 8914


# ---- Ways to answer: functions from Question to octets -----------------------------------

def says(word, error=None):
    return lambda question: answer(question, RCODE[word], error=error)


def servfail_but_with_cd(question):
    """What a validator says that tells no extended error: with CD the data is there."""
    return forward(question) if question.flags & CD else answer(question, RCODE['servfail'])


def silence(_):
    return b''


def no_data(secure):
    return lambda question: answer(question, 0, secure)


def no_name(secure):
    return lambda question: answer(question, RCODE['nxdomain'], secure)


def unsigned(question):
    return flagged(forward(question), clear=AD)


def truncated(question):
    """Empty, signed, and cut off: who overlooks TC takes it for a signed denial."""
    return b'' if question.tcp else flagged(answer(question, 0, secure=True), TC)


def truncated_tcp_good(question):
    return forward(question) if question.tcp else truncated(question)


def truncated_twice(question):
    """The reply over TCP is said to be cut off as well."""
    return flagged(answer(question, 0, secure=True), TC)


def counts_lie(question):
    """Two answers are promised, none is there."""
    reply = answer(question, 0, secure=True)
    return reply[:6] + struct.pack('!H', 2) + reply[8:]


def garbage(question):
    """The right id, the right question, and then octets that are no record."""
    reply = answer(question, 0, secure=True)
    return reply[:6] + struct.pack('!H', 1) + reply[8:] + bytes(range(256))[64:]


def pointer_loop(question):
    """An owner name that points at itself."""
    reply = answer(question, 0, secure=True)
    at = 0xc000 | len(reply)
    return reply[:6] + struct.pack('!H', 1) + reply[8:] + struct.pack('!HHHIH', at, 15, 1, 300, 0)


def other_id(question):
    reply = forward(question)
    return bytes([reply[0] ^ 1]) + reply[1:]


def other_question(question):
    name = encode_name('other.test')
    return question.ident + answer(question, 0, True)[2:12] + name + question.section[-4:]


def a_query(question):
    """Our own question comes back: QR is not set."""
    return question.octets


def forged_first(question):
    """Forgeries that fit in nothing but the question, then the reply."""
    fake = answer(question, RCODE['nxdomain'], secure=True)
    return [bytes([fake[0] ^ n]) + fake[1:] for n in range(1, 9)] + [forward(question)]


def chain(question, names):
    return answer(question, 0, True, [(owner, 'CNAME', encode_name(target))
                                      for owner, target in zip(names, names[1:])])


def loop(question):
    return chain(question, [question.name, 'other.test', question.name])


def long_chain(question):
    """One link more than the limit of 16."""
    return chain(question, [question.name] + [f'link{n}.test' for n in range(17)])


def longest_chain(question):
    """Sixteen links, and no data at the end: within the limit."""
    return chain(question, [question.name] + [f'link{n}.test' for n in range(16)])


# ---- The cases --------------------------------------------------------------------------

@dataclass(frozen=True)
class Case:
    """
    at: (name, type) -> way. wanted: verdict, reason of the plan or of the first host, and
    what else must hold: a dictionary of path to value. never: a type that must not be asked.
    """
    name: str
    domain: str
    at: dict
    wanted: str
    also: tuple = ()
    never: str = ''
    tcp: bool = True
    options: tuple = ()


def failures(row, kind, target, domain, prefix, outcome, indeterminate=True):
    """Every way to fail at one look-up. prefix and outcome: the words of reasons and the verdict."""
    at = (target, kind)
    words = kind.lower()

    def case(what, way, reason, **more):
        return Case(f'{row} {words} {what}', domain, {at: way}, f'{outcome} {prefix}{reason}', **more)
    cases = [
        case('servfail', says('servfail'), 'servfail'),
        case('servfail, no server was reached', says('servfail', NO_REACHABLE_AUTHORITY), 'servfail'),
        case('refused', says('refused'), 'rcode'),
        case('notimp', says('notimp'), 'rcode'),
        case('formerr', says('formerr'), 'rcode'),
        case('notauth', says('notauth'), 'rcode'),
        case('silence', silence, 'timeout', options=('--timeout', '8')),   # a question has 5 s
        case('silence until the deadline', silence, 'timeout', options=('--timeout', '1')),
        case('truncated, TCP closed', truncated, 'truncated', tcp=False),
        case('truncated, TCP silent', truncated, 'truncated'),
        case('truncated, TCP truncated', truncated_twice, 'truncated|malformed'),
        case('counts lie', counts_lie, 'malformed'),
        case('garbage', garbage, 'malformed'),
        case('pointer to itself', pointer_loop, 'malformed'),
        case('wrong id only', other_id, 'timeout', options=('--timeout', '1')),
        case('wrong question only', other_question, 'timeout', options=('--timeout', '1')),
        case('a query as reply', a_query, 'timeout', options=('--timeout', '1')),
        case('bogus by extended error', says('servfail', BOGUS), 'bogus'),
        case('bogus by the second look', servfail_but_with_cd, 'bogus'),
        case('alias loop', loop, 'alias'),
        case('alias chain too long', long_chain, 'alias'),
    ]
    return cases + ([case('indeterminate', says('servfail', INDETERMINATE), 'indeterminate')]
                    if indeterminate else [])


def renamed(cases, wanted):
    """Where one word covers what elsewhere has several."""
    return [Case(c.name, c.domain, c.at, wanted(c.wanted), c.also, c.never, c.tcp, c.options) for c in cases]


HOST, TLSA = f'mx.{DANE}', f'_25._tcp.mx.{DANE}'
DANE_USED = (('hosts.0.dane.status', 'usable'), ('hosts.0.required.level', 'dane'))
NO_DANE = (('hosts.0.required.level', 'none'),)


def at_mx():
    cut = renamed(failures('RES-04', 'MX', DANE, DANE, 'mx-', 'defer'),
                  lambda wanted: wanted.replace('truncated|malformed', 'malformed')
                  .replace('truncated', 'malformed'))
    for_row = {'bogus': 'RES-05', 'indeterminate': 'RES-06', 'alias': 'RES-15'}
    cases = []
    for case in cut:
        row = next((row for word, row in for_row.items() if word in case.wanted), 'RES-04')
        cases.append(Case(case.name.replace('RES-04', row), case.domain, case.at, case.wanted, case.also,
                          'A', case.tcp, case.options))
    at = (DANE, 'MX')
    return cases + [
        Case('RES-07 mx nxdomain, secure', DANE, {at: no_name(True)}, 'fail no-such-domain', never='A'),
        Case('RES-07 mx nxdomain, insecure', DANE, {at: no_name(False)}, 'fail no-such-domain', never='A'),
        Case('RES-08 mx nodata, secure', 'implicit-mx.test', {('implicit-mx.test', 'MX'): no_data(True)},
             'deliver', (('mx.origin', 'implicit'), ('mx.dnssec', 'secure'), *DANE_USED)),
        Case('RES-08 mx nodata, insecure, the host signed', 'implicit-mx.test',
             {('implicit-mx.test', 'MX'): no_data(False)}, 'deliver',
             (('mx.origin', 'implicit'), ('mx.dnssec', 'insecure'))),
        Case('RES-08 mx nodata, insecure, the host unsigned', 'implicit-mx.test',
             {('implicit-mx.test', 'MX'): no_data(False), ('implicit-mx.test', 'A'): unsigned,
              ('implicit-mx.test', 'AAAA'): unsigned},
             'deliver', (('mx.origin', 'implicit'), *NO_DANE), never='TLSA'),
        Case('RES-09 mx nodata and no address', DANE, {at: no_data(True)}, 'fail no-address'),
        Case('RES-23 mx insecure', DANE, {at: unsigned}, 'deliver',
             (('mx.dnssec', 'insecure'), ('hosts.0.required.level', 'authenticated'))),
        Case('RES-24 mx insecure, DANE mandatory', DANE, {at: unsigned}, 'defer mx-insecure',
             options=('--minimum', 'dane')),
        Case('RES-15 mx alias chain at the limit', DANE, {at: longest_chain}, 'fail no-address',
             (('mx.origin', 'implicit'),)),
        Case('RES-04 mx forgeries before the reply', DANE, {at: forged_first}, 'deliver', DANE_USED),
        Case('RES-04 mx truncated, TCP good', DANE, {at: truncated_tcp_good}, 'deliver', DANE_USED),
    ]


def both(way):
    return {(HOST, 'A'): way, (HOST, 'AAAA'): way}


def at_addresses():
    cut = renamed(failures('RES-19', 'A', HOST, DANE, 'addr-', 'defer'),
                  lambda wanted: wanted.replace('truncated|malformed', 'malformed')
                  .replace('truncated', 'malformed'))
    cases = [Case(case.name.replace(' a ', ' a and aaaa '), DANE, both(next(iter(case.at.values()))),
                  case.wanted, case.also, 'TLSA', case.tcp, case.options) for case in cut]
    partial = (*DANE_USED, ('hosts.0.partial', True))
    for name, way in (('servfail', says('servfail')), ('refused', says('refused')), ('bogus', servfail_but_with_cd),
                      ('malformed', garbage), ('alias loop', loop), ('silence', silence)):
        options = ('--timeout', '8') if way is silence else ()
        cases.append(Case(f'RES-20 a secure, aaaa {name}', DANE, {(HOST, 'AAAA'): way}, 'deliver', partial,
                          options=options))
        cases.append(Case(f'RES-21 a nodata, aaaa {name}', DANE,
                          {(HOST, 'A'): no_data(True), (HOST, 'AAAA'): way}, 'defer addr-',
                          never='TLSA', options=options))
    return cases + [
        Case('RES-18 a and aaaa nodata, secure', DANE, both(no_data(True)), 'fail no-address', never='TLSA'),
        Case('RES-18 a and aaaa nodata, insecure', DANE, both(no_data(False)), 'fail no-address', never='TLSA'),
        Case('RES-18 a nodata, aaaa nxdomain', DANE,
             {(HOST, 'A'): no_data(True), (HOST, 'AAAA'): no_name(True)}, 'fail no-address', never='TLSA'),
        Case('RES-17 a and aaaa insecure', DANE, both(unsigned), 'deliver',
             (*NO_DANE, ('hosts.0.dane.status', 'insecure')), never='TLSA'),
        Case('RES-22 a secure, aaaa insecure', DANE, {(HOST, 'AAAA'): unsigned}, 'deliver', DANE_USED),
        Case('RES-22 a insecure, aaaa secure', DANE, {(HOST, 'A'): unsigned}, 'deliver', DANE_USED),
        Case('RES-19 a truncated, TCP good', DANE, both(truncated_tcp_good), 'deliver', DANE_USED),
    ]


def at_tlsa():
    cases = failures('TLSA-04', 'TLSA', TLSA, DANE, 'tlsa-', 'defer')
    rows = {'bogus': 'TLSA-05', 'alias': 'TLSA-09', 'truncated': 'TLSA-25'}
    found = []
    for case in cases:
        row = next((row for word, row in rows.items() if word in case.wanted), 'TLSA-04')
        found.append(Case(case.name.replace('TLSA-04', row), DANE, case.at, case.wanted,
                          (('hosts.0.dane.status', 'failed'),), tcp=case.tcp, options=case.options))
    at = (TLSA, 'TLSA')

    def status(word):
        return (*NO_DANE, ('hosts.0.dane.status', word))
    return found + [
        Case('TLSA-03 tlsa nodata, secure', DANE, {at: no_data(True)}, 'deliver', status('absent')),
        Case('TLSA-03 tlsa nxdomain, secure', DANE, {at: no_name(True)}, 'deliver', status('absent')),
        Case('TLSA-03 tlsa nodata, insecure', DANE, {at: no_data(False)}, 'deliver', status('insecure')),
        Case('TLSA-03 tlsa nxdomain, insecure', DANE, {at: no_name(False)}, 'deliver', status('insecure')),
        Case('TLSA-03 tlsa insecure', DANE, {at: unsigned}, 'deliver', status('insecure')),
        Case('TLSA-23 tlsa nodata, DANE mandatory', DANE, {at: no_data(True)}, 'defer dane-required',
             options=('--minimum', 'dane')),
        Case('TLSA-09 tlsa alias to what securely is not', DANE, {at: longest_chain}, 'deliver',
             status('absent')),
        Case('TLSA-25 tlsa truncated, TCP good', DANE, {at: truncated_tcp_good}, 'deliver', DANE_USED),
        Case('TLSA-04 tlsa forgeries before the reply', DANE, {at: forged_first}, 'deliver', DANE_USED),
        Case('PREC-05 tlsa servfail, MTA-STS content', 'dane-sts.test',
             {('_25._tcp.mx.dane-sts.test', 'TLSA'): says('servfail')}, 'defer tlsa-servfail'),
    ]


def at_cname():
    """The question of RES-28, asked of an MX host whose alias leads out of the signed tree."""
    host = f'mx.{ALIAS}'
    cases = renamed(failures('RES-30', 'CNAME', host, ALIAS, '', 'defer'), lambda _: 'defer cname-lookup')
    # Who asks for a CNAME gets it as data: a chain behind it is not followed. And a deadline that
    # comes before the question's own end leaves open what would have been asked next.
    cases = [Case(case.name, ALIAS, case.at, case.wanted, (), 'TLSA', case.tcp,
                  ('--timeout', '8') if case.options else ())
             for case in cases if 'alias' not in case.name and 'deadline' not in case.name]
    at = (host, 'CNAME')
    return cases + [
        Case('RES-30 cname nodata', ALIAS, {at: no_data(True)}, 'defer cname-lookup', never='TLSA'),
        Case('RES-30 cname nxdomain', ALIAS, {at: no_name(True)}, 'defer cname-lookup', never='TLSA'),
        Case('RES-29 cname insecure', ALIAS, {at: unsigned}, 'deliver', NO_DANE, never='TLSA'),
        Case('RES-28 cname secure', ALIAS, {at: forward}, 'deliver', DANE_USED),
    ]


def at_txt():
    """A failed look-up of the policy is no policy (STSD-16); it never stops mail."""
    cases = failures('STSD-16', 'TXT', f'_mta-sts.{STS}', STS, '', 'deliver')
    return [Case(case.name, STS, case.at, 'deliver', (('mta_sts.mode', 'absent'), *NO_DANE), tcp=case.tcp,
                 options=case.options) for case in cases]


def at_policy_host():
    """No address for the policy host: as if there were no policy, and that is told."""
    host = f'mta-sts.{STS}'
    return [Case(f'STSF-11 policy host {name}', STS, {(host, 'A'): way, (host, 'AAAA'): way}, 'deliver',
                 (('mta_sts.mode', 'absent'), ('mta_sts.error.result_type', 'sts-policy-fetch-error'), *NO_DANE))
            for name, way in (('servfail', says('servfail')), ('refused', says('refused')),
                              ('bogus', servfail_but_with_cd), ('nxdomain', no_name(False)),
                              ('nodata', no_data(False)), ('malformed', garbage))]


# ---- The resolver itself ----------------------------------------------------------------------

def probes(tool, score):
    """Does the resolver validate? The tool finds out, and says so."""
    strip = {'lost': lambda question: flagged(forward(question), clear=AD), 'validates': forward}
    for wanted, way in strip.items():
        with middle.Middle(way) as between:
            run = check(tool, between, DANE)
        plan = run.objects[0]
        kinds = [event['kind'] for event in plan['events']]
        faults = [] if plan['dnssec'] == wanted else [f'dnssec expected {wanted}, found {plan["dnssec"]}']
        if ('dnssec-lost' in kinds) != (wanted == 'lost'):
            faults.append(f'events: {kinds}')
        if (plan['level'] == 'dane') != (wanted == 'validates'):
            faults.append(f'level {plan["level"]}')
        score.note(f'RES-26 the resolver {"strips AD" if wanted == "lost" else "validates"}', faults,
                   f'{wanted}, {kinds or "no event"}')


def natural(tool, score):
    """Failures that the lab's own name servers make, through unbound and nothing else."""
    cases = (('RES-05 mx bogus', 'mx-bogus.test', (), 'defer mx-bogus'),
             ('RES-05 mx expired', 'mx-expired.test', (), 'defer mx-bogus'),
             ('RES-04 mx, name server says SERVFAIL', 'mx-servfail.test', (), 'defer mx-servfail'),
             ('RES-04 mx, name server says REFUSED', 'mx-refused.test', (), 'defer mx-servfail'),
             ('RES-04 mx, name server is silent', 'mx-timeout.test', (), 'defer mx-servfail|mx-timeout'),
             ('TLSA-05 tlsa bogus', DANE, ('fail-tlsa', HOST, 'bogus'), 'defer tlsa-bogus'),
             ('TLSA-04 tlsa, name server says REFUSED', DANE, ('fail-tlsa', HOST, 'refused'), 'defer tlsa-servfail'),
             ('TLSA-04 tlsa, name server is silent', DANE, ('fail-tlsa', HOST, 'timeout'),
              'defer tlsa-servfail|tlsa-timeout'),
             ('RES-05 the whole zone expired', DANE, ('dns', DANE, 'expired'), 'defer mx-bogus'),
             ('RES-07 the delegation is gone', DANE, ('dns', DANE, 'missing'), 'fail no-such-domain'))
    for name, domain, change, wanted in cases:
        if change:
            say(*change)
        run = tool.check('--timeout', '8', domain)
        score.note(name, outcome_faults(wanted, run.objects[0]), wanted)
        if change:
            say('undo')


# ---- The checks -----------------------------------------------------------------------------

def check(tool, between, domain, *options):
    return Run([tool.smtpsec, 'check', '--resolver', between.resolver, '--ca-file', os.environ['LAB_CA'],
                '--allow-private', '--json', *options, domain])


def at_path(value, path):
    for step in path.split('.'):
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value


def outcome_faults(wanted, plan):
    """wanted: a verdict and, unless it is deliver, a reason of the plan or of its first host."""
    verdict, _, reason = wanted.partition(' ')
    found = [code_of(plan['reason'])] + [code_of(host['reason']) for host in plan['hosts'][:1]]
    faults = [] if plan['verdict'] == verdict else [f'verdict expected {verdict}, found {plan["verdict"]}']
    prefix, *others = reason.split('|')
    words = [prefix] + [word if '-' in word else prefix.split('-')[0] + '-' + word for word in others]
    if verdict != 'deliver' and not any(code and (code in words or (reason.endswith('-') and
                                        code.startswith(reason))) for code in found):
        faults.append(f'reason expected {reason}, found {", ".join(map(str, found))}')
    return faults


def case_faults(tool, case):
    def decide(question):
        return case.at.get((question.name, question.kind), forward)(question)
    with middle.Middle(decide, case.tcp) as between:
        run = check(tool, between, case.domain, *case.options)
        asked = [(question.name, question.kind) for question in between.asked]
    if run.crashed or len(run.objects) != 1:
        return [f'exit status {run.status}: {run.err}']
    plan = run.objects[0]
    faults = outcome_faults(case.wanted, plan)
    if not faults:
        faults = [f'{path} expected {value}, found {at_path(plan, path)}' for path, value in case.also
                  if at_path(plan, path) != value]
    faults += [f'{name} {kind} was never asked' for name, kind in case.at if (name, kind) not in asked]
    return faults + [f'{name} {kind} was asked' for name, kind in asked
                     if kind == case.never and not name.startswith('mta-sts.')]


def main():
    options = arguments(__doc__.splitlines()[0])
    enter_lab()
    tool, score = Tool(options.smtpsec), Score()
    cases = at_mx() + at_addresses() + at_tlsa() + at_cname() + at_txt() + at_policy_host()
    with ThreadPoolExecutor(6) as pool:
        for case, faults in zip(cases, pool.map(lambda case: case_faults(tool, case), cases)):
            score.note(case.name, faults, case.wanted)
    natural(tool, score)
    probes(tool, score)
    # A resolver that is not on loopback, and so not believed, cannot stand in the lab: see the unit tests.
    return score.close()


if __name__ == '__main__':
    sys.exit(main())
