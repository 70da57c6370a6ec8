#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Postfix's posttls-finger and the tool judge the same live servers.

Postfix knows DANE (levels `dane` and `dane-only`) and no MTA-STS. It tells what it
found, and goes on; what Postfix does with that is read off here, as its
documentation has it. Every MX host is judged, those behind a better one while the
better ones are down. Each difference is either explained by a rule, named by its
row in the table of rules, or a failure.
"""
import sys

sys.dont_write_bytecode = True

import os  # noqa: E402
import re  # noqa: E402
import shutil  # noqa: E402
from concurrent.futures import ThreadPoolExecutor  # noqa: E402
from dataclasses import dataclass  # noqa: E402

from tool import SKIPPED, Run, Tool, arguments, code_of, destinations, enter_lab, say  # noqa: E402

# What an MTA does with a host, or with the whole domain.
VERIFIED = 'verified'            # DANE-authenticated, all of it signed
HALF = 'verified host'           # DANE-authenticated, the MX records unsigned
ENCRYPTED = 'encrypted'          # TLS is a must, nobody is authenticated
OPPORTUNISTIC = 'tls if offered'
PLAINTEXT = 'plaintext'          # no TLS, and mail goes nevertheless
REFUSED = 'refused'              # seen, and not good enough
SKIPPED_HOST = 'skipped'         # not even connected to: a look-up failed, or no address
BOUNCE, DEFER = 'bounce', 'defer'
PKIX = 'pkix'                    # MTA-STS is met

TIMEOUT = '5'
MANY = 5   # of more hosts than that only the first is judged

CONFIG = """compatibility_level = 3.6
smtp_dns_support_level = dnssec
inet_protocols = ipv4
myhostname = sender.test
smtp_tls_loglevel = 1
"""


# ---- Theirs -------------------------------------------------------------------------

def find_finger():
    return shutil.which('posttls-finger', path=os.environ.get('PATH', '') + ':/usr/sbin')


def finger(level, domain):
    """What posttls-finger says, without its name in front."""
    run = Run([find_finger(), '-l', level, '-F', os.environ['LAB_CA'], '-L', 'summary,verbose',
               '-T', TIMEOUT, '-t', TIMEOUT, '-m', '5', domain],
              MAIL_CONFIG=os.path.join(os.environ['LAB_DIR'], 'postfix'))
    if run.hung or run.status != 0:
        raise RuntimeError(f'posttls-finger {domain}: status {run.status}: {run.err}')
    return [line.removeprefix('posttls-finger: ') for line in (run.out + run.err).splitlines()]


def tlsa_words(lines):
    """What it says of the TLSA records of the host that it reached; absent without a word."""
    text = '\n'.join(lines)
    if 'DNSSEC-signed TLSA record' in text and 'all TLSA records unusable' not in text:
        return 'usable'
    return 'unusable' if 'TLSA' in text and 'no TLSA records found' not in text else 'absent'


def session_words(lines):
    """What came of STARTTLS at the host that it reached."""
    for line in lines:
        if ' TLS connection established to ' in line:
            return line.split()[0].lower()   # verified, trusted, untrusted, anonymous
        if line.startswith('SSL_connect error'):
            return 'broken'
    return 'none'


def judged(level, tlsa, session, unsigned):
    """Postfix's TLS_README: what level `dane` or `dane-only` does with that."""
    if tlsa == 'usable':
        good = 'trusted' if unsigned else 'verified'
        return REFUSED if session != good else HALF if unsigned else VERIFIED
    if level == 'dane-only':
        return REFUSED
    if tlsa == 'unusable':
        return ENCRYPTED if session in ('verified', 'trusted', 'untrusted') else REFUSED
    return PLAINTEXT if session in ('none', 'broken') else OPPORTUNISTIC


def theirs(level, domain):
    """Returns ({host: verdict}, the domain's verdict when no host was reached or None)."""
    lines = finger(level, domain)
    hosts = {}
    for number, line in enumerate(lines):
        if line.startswith('Failed to establish session') and 'TLSA lookup error' in line:
            hosts[line.split(' via ')[1].split(':')[0]] = SKIPPED_HOST
        if line.startswith('Connected to '):
            # warnings of a host whose look-up failed stand before the one that is reached
            failed = max((n for n, text in enumerate(lines[:number]) if text.startswith('Failed')),
                         default=-1)
            rest = lines[failed + 1:]
            hosts[line.split()[2].split('[')[0]] = judged(
                level, tlsa_words(rest), session_words(rest),
                any('MX RRset insecure' in text for text in rest))
            break
    for line in lines:
        if line.startswith('Destination address lookup failed'):
            return hosts, DEFER if 'try again' in line else BOUNCE
    return hosts, None


# ---- Ours ----------------------------------------------------------------------------

LOOKUPS = re.compile('(addr|tlsa)-|cname-lookup|no-address')


def our_host(host):
    if host['action'] == 'skip':
        return SKIPPED_HOST if LOOKUPS.match(code_of(host['reason'])) else REFUSED
    connect, required = host['connect'], host['required']
    if connect['verdict'] == 'reject':
        return REFUSED
    if 'dane' in required['identities']:
        return VERIFIED if connect['achieved'] == 'dane' else HALF
    if 'pkix' in required['identities']:
        return PKIX
    if required['tls'] == 'required':
        return ENCRYPTED
    return OPPORTUNISTIC if connect['tls'] else PLAINTEXT


def our_domain(plan):
    """What becomes of mail to a domain that has no host to be connected to."""
    if plan['hosts'] and plan['reason'] and code_of(plan['reason']) != 'no-address':
        return None
    return {'fail': BOUNCE, 'defer': DEFER}.get(plan['verdict'])


def ours(tool, domains, *options):
    run = tool.check('--connect', '--via', 'loop', '--timeout', TIMEOUT, *options, *domains)
    if run.crashed:
        raise RuntimeError(f'the tool ended with {run.status}: {run.err}')
    return {plan['domain']: plan for plan in run.objects}


# ---- Where they may differ --------------------------------------------------------------

@dataclass
class Case:
    """One host of one destination, at one level."""
    name: str
    level: str
    host: dict | None     # ours, as in the plan
    ours: str
    theirs: str

    @property
    def label(self):
        return self.host['name'] if self.host else '-'

    @property
    def reason(self):
        connect = self.host and self.host.get('connect')
        return code_of(self.host['reason'] or (connect and connect['reason'])) if self.host else None

    @property
    def sources(self):
        return self.host['required']['sources'] if self.host and self.host['required'] else []


def mta_sts(case, *verdicts):
    return case.ours in verdicts and case.level == 'dane' and \
        ('mta-sts' in case.sources or case.reason == 'sts-mx-mismatch')


# (row, what it says, does it fit this difference?)
EXPLANATIONS = (
    ('STSA-04', 'MTA-STS asks for a valid certificate; posttls-finger knows no MTA-STS',
     lambda case: mta_sts(case, PKIX) and case.theirs == OPPORTUNISTIC),
    ('STSA-08', 'MTA-STS enforces; posttls-finger knows no MTA-STS',
     lambda case: mta_sts(case, REFUSED) and case.reason != 'sts-mx-mismatch'
     and case.theirs in (OPPORTUNISTIC, PLAINTEXT)),
    ('STSA-01', 'the host does not fit the MTA-STS policy, which posttls-finger does not know',
     lambda case: mta_sts(case, REFUSED) and case.reason == 'sts-mx-mismatch'
     and case.theirs == OPPORTUNISTIC),
    ('PREC-02', 'DANE is met, MTA-STS is not, and both are asked for',
     lambda case: {'dane', 'mta-sts'} <= set(case.sources) and case.reason in ('self-signed', 'not-trusted')
     and (case.ours, case.theirs) == (REFUSED, VERIFIED)),
    ('PREC-16', 'bytes behind the 220 to STARTTLS are refused; Postfix throws them away',
     lambda case: case.reason == 'starttls-injection' and (case.ours, case.theirs) == (REFUSED, VERIFIED)),
    ('RES-24', 'mandatory DANE on an unsigned MX is refused; posttls-finger tells it as trusted',
     lambda case: case.level == 'dane-only' and case.reason == 'mx-insecure'
     and (case.ours, case.theirs) == (REFUSED, HALF)),
    ('DANE-ID-04', 'on an unsigned MX only the host is a name; Postfix takes the mail domain, too',
     lambda case: case.level == 'dane' and case.reason == 'name-mismatch'
     and (case.ours, case.theirs) == (REFUSED, HALF)),
)


def explanation(case):
    """The first row that fits; the case is one in which both differ."""
    return next(((row, text) for row, text, fits in EXPLANATIONS if fits(case)), None)


# ---- The comparison ----------------------------------------------------------------------

LEVELS = ('dane', 'dane-only')


def hosts_in_turn(domain, plan, level):
    """Judge each host of a domain, the ones before it taken down for a while."""
    found, verdict = theirs(level, domain)
    names = [host['name'] for host in plan['hosts']]
    if len(names) <= 1 or len(names) > MANY:
        return found, verdict
    for name in names:
        if name in found:
            continue
        for other in names:
            if other != name and other.endswith('.' + domain):
                say('smtp', other, 'down')
        reached, _ = theirs(level, domain)
        say('undo')
        found |= {host: said for host, said in reached.items() if host == name}
    return found, verdict


def cases_of(row, level, plan, found, verdict):
    name = row['name']
    if verdict or not found:
        return [Case(name, level, plan['hosts'][0] if plan['hosts'] else None,
                     our_domain(plan) or 'goes on', verdict or 'goes on')]
    cases = []
    for host in plan['hosts']:
        said = found.get(host['name'])
        if said is None and len(plan['hosts']) > MANY:
            continue
        cases.append(Case(name, level, host, our_host(host), said or SKIPPED_HOST))
    return cases


def compare(tool, rows):
    """All cases: [(destination, host or None, {level: case})]."""
    domains = [row['domain'] for row in rows]
    plans = {'dane': ours(tool, domains), 'dane-only': ours(tool, domains, '--minimum', 'dane')}
    alone = [row for row in rows if len(plans['dane'][row['domain']]['hosts']) <= 1]
    with ThreadPoolExecutor(4) as pool:  # nobody takes a host down meanwhile
        said = {(row['name'], level): pool.submit(theirs, level, row['domain'])
                for row in alone for level in LEVELS}
        said = {key: future.result() for key, future in said.items()}
    table = []
    for row in rows:
        lines = lines_of(row, plans, said)
        if any(differs(cases) for cases in lines.values()):
            lines = lines_of(row, *second_look(tool, row['domain']))
        table += [(row['name'], label, cases) for label, cases in lines.items()]
    return table


def lines_of(row, plans, said):
    """{host: {level: case}} of one destination; said: what posttls-finger has told already."""
    lines = {}
    for level in LEVELS:
        plan = plans[level][row['domain']]
        found, verdict = said.get((row['name'], level)) or hosts_in_turn(row['domain'], plan, level)
        for case in cases_of(row, level, plan, found, verdict):
            lines.setdefault(case.label, {})[level] = case
    return lines


def second_look(tool, domain):
    """Everything of one destination anew: on a busy machine the lab's resolver may have given up."""
    say('flush')
    return {'dane': ours(tool, [domain]), 'dane-only': ours(tool, [domain], '--minimum', 'dane')}, {}


def differs(cases):
    return any(case.ours != case.theirs and not explanation(case) for case in cases.values())


def result_of(cases, used):
    """agree, or the rows that explain the difference, or DISAGREE; used collects the rows."""
    words = []
    for case in cases.values():
        if case.ours != case.theirs:
            found = explanation(case)
            words.append(f'explained by {found[0]}' if found else f'DISAGREE ({case.level}: {case.reason})')
            used |= {found} if found else set()
    return ', '.join(dict.fromkeys(words)) or 'agree'


def print_table(table):
    """Returns {result: count}."""
    used, counts = set(), {'agree': 0, 'explained': 0, 'DISAGREE': 0}
    form = '{:<24} {:<32} {:<15} {:<15} {:<9} {:<13} {}'
    print(form.format('', '', 'dane:', '', 'dane-only:', '', ''))
    print(form.format('destination', 'host', 'ours', 'posttls-finger', 'ours', 'posttls-finger', 'result'))
    for name, label, cases in table:
        result = result_of(cases, used)
        counts['DISAGREE' if 'DISAGREE' in result else result.split()[0]] += 1
        words = [word for level in LEVELS for case in [cases.get(level)]
                 for word in ((case.ours, case.theirs) if case else ('', ''))]
        print(form.format(name, label, *words, result))
    print()
    for row, text, _ in EXPLANATIONS:
        if (row, text) in used:
            print(f'{row}: {text}')
        else:
            print(f'FAILED {row}: no difference needs this explanation any more')
            counts['DISAGREE'] += 1
    return counts


def main():
    options = arguments(__doc__.splitlines()[0])
    if not find_finger():
        print('skipped: posttls-finger (Debian package postfix) is not there')
        return SKIPPED
    enter_lab()
    if os.environ['LAB_MODE'] != 'private':
        print('skipped: posttls-finger asks the resolver of /etc/resolv.conf, here not ours')
        return SKIPPED
    folder = os.path.join(os.environ['LAB_DIR'], 'postfix')
    os.mkdir(folder)
    with open(os.path.join(folder, 'main.cf'), 'w') as out:
        out.write(CONFIG)
    counts = print_table(compare(Tool(options.smtpsec), destinations()))
    print(f'{counts["agree"]} agree, {counts["explained"]} explained, {counts["DISAGREE"]} disagree')
    return 1 if counts['DISAGREE'] else 0


if __name__ == '__main__':
    sys.exit(main())
