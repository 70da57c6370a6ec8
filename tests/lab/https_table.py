#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every way in which a policy host goes wrong, or does odd things that are right, as one table:
what is told (result type of RFC 8460, and the word for the failure), and what the host saw.

Inside the lab, or it enters by itself.
"""
import sys

sys.dont_write_bytecode = True

import os  # noqa: E402
import time  # noqa: E402

from tool import Run, Score, Tool, arguments, code_of, destinations, enter_lab, plan_faults  # noqa: E402

TIMEOUT = 4          # seconds for one evaluation
FETCH, WEBPKI, INVALID = 'sts-policy-fetch-error', 'sts-webpki-invalid', 'sts-policy-invalid'
GET = 'GET /.well-known/mta-sts.txt HTTP/1.1'

# What the host may see: nothing, a handshake and no request, one request.
NOTHING, HANDSHAKE, REQUEST = 'nothing', 'handshake', '1 request'

# Name, row of the table, result type (None: a policy), failure word, what the host saw.
CASES = (
    ('RPT-14, STSF-06 redirect to the same host', 'sts-redirect', FETCH, 'http-status-301', REQUEST),
    ('RPT-14, STSF-08 wrong type', 'sts-type', FETCH, 'http-type', REQUEST),
    ('STSF-08 no type', 'https-no-type', FETCH, 'http-type', REQUEST),
    ('STSF-08 two Content-Types', 'https-two-types', FETCH, 'http-type', REQUEST),
    ('STSF-08 capitals and parameters', 'https-parameters', None, None, REQUEST),
    ('STSF-07 headers for caches', 'https-cacheable', None, None, REQUEST),
    ('STSF-05 204', 'https-204', FETCH, 'http-status-204', REQUEST),
    ('STSF-05 206', 'https-206', FETCH, 'http-status-206', REQUEST),
    ('RPT-14, STSF-05 404', 'sts-404', FETCH, 'http-status-404', REQUEST),
    ('STSF-05 500', 'https-500', FETCH, 'http-status-500', REQUEST),
    ('STSF-05 503', 'https-503', FETCH, 'http-status-503', REQUEST),
    ('RPT-14, STSF-09 oversize', 'sts-oversize', FETCH, 'http-size', REQUEST),
    ('STSF-09 endless chunks', 'https-endless', FETCH, 'http-size', REQUEST),
    ('STSF-09 header flood', 'https-flood', FETCH, 'http-size', REQUEST),
    ('STSF-09 gzip', 'sts-gzip', FETCH, 'http-encoding', REQUEST),
    ('STSF-09 gzip bomb', 'https-bomb', FETCH, 'http-encoding', REQUEST),
    ('RPT-14, STSF-10 slow drip', 'sts-slow', FETCH, 'timeout', REQUEST),
    ('STSF-10 hang', 'sts-hang', FETCH, 'timeout', REQUEST),
    ('STSF-11 reset in the middle', 'https-reset', FETCH, 'http-broken', REQUEST),
    ('STSF-11 cut short', 'https-cut', FETCH, 'http-broken', REQUEST),
    ('STSF-11 not HTTP', 'https-not-http', FETCH, 'http-broken', REQUEST),
    ('STSF-11 plaintext server', 'https-plaintext', FETCH, 'tls-handshake', NOTHING),
    ('STSF-11 nothing listens', 'https-down', FETCH, 'unreachable', NOTHING),
    ('RPT-15, STSF-14 no max_age', 'sts-invalid', INVALID, 'the policy breaks the grammar', REQUEST),
    ('STSF-15 TLS 1.1 only', 'https-tls11', WEBPKI, 'tls-version', NOTHING),
    ('RPT-16, STSF-02 expired', 'sts-host-expired', WEBPKI, 'cert-expired', HANDSHAKE),
    ('STSF-02 not yet valid', 'https-not-yet-valid', WEBPKI, 'cert-not-yet-valid', HANDSHAKE),
    ('RPT-16, STSF-02 wrong name', 'sts-host-name', WEBPKI, 'cert-name', HANDSHAKE),
    ('STSF-02 name in the CN only', 'https-cn-only', WEBPKI, 'cert-name', HANDSHAKE),
    ('STSF-02 self-signed', 'sts-host-untrusted', WEBPKI, 'cert-not-trusted', HANDSHAKE),
    ('STSF-02 untrusted CA', 'https-untrusted', WEBPKI, 'cert-not-trusted', HANDSHAKE),
    ('STSF-02 intermediate missing', 'https-chain-missing', WEBPKI, 'cert-not-trusted', HANDSHAKE),
    ('STSF-03 wildcard *.DOMAIN', 'https-wildcard', None, None, REQUEST),
    ('STSF-03 wildcard mta-*.DOMAIN', 'https-partial-wildcard', WEBPKI, 'cert-name', HANDSHAKE),
    ('STSF-04 delegated, good certificate', 'sts-delegated', None, None, REQUEST),
    ('STSF-04 delegated, certificate of the target', 'https-delegated-target', WEBPKI, 'cert-name', HANDSHAKE),
    ('STSF-01 IPv6 only', 'https-ipv6', None, None, REQUEST),
    ('STSF-01 first addresses dead', 'https-dead-first', None, None, REQUEST),
)


class Log:
    """What the policy hosts saw since this was made."""

    def __init__(self):
        self.path = os.path.join(os.environ['LAB_DIR'], 'https.log')
        self.begin = os.path.getsize(self.path) if os.path.exists(self.path) else 0

    def lines(self):
        with open(self.path, errors='replace') as file:
            file.seek(self.begin)
            return file.read().splitlines()

    def seen(self, row):
        """Of this policy host: its name stands in SNI and Host, and no other row asks its address."""
        host = f'mta-sts.{row["domain"]}'
        lines = [line for line in self.lines() if f'sni={host}' in line]
        requests = [line for line in lines if ' GET ' in line]
        if any(GET not in line or f'host={host} ' not in line for line in requests):
            return f'another request: {requests}'
        if requests:
            return REQUEST if len(requests) == 1 else f'{len(requests)} requests'
        return HANDSHAKE if lines else NOTHING


def told(plan):
    error = plan['mta_sts']['error'] or {}
    return error.get('result_type'), error.get('text')


def faults_of(row, plan, wanted, seen):
    _, _, result, word, what = wanted
    found_result, found_word = told(plan)
    faults = plan_faults(row['expect'], plan)
    if found_result != result:
        faults.append(f'result type expected {result}, found {found_result}')
    if word and found_word != word:
        faults.append(f'failure expected {word}, found {found_word}')
    if (plan['mta_sts']['mode'] == 'enforce') != (result is None):
        faults.append(f'mode {plan["mta_sts"]["mode"]}')
    if seen != what:
        faults.append(f'the host should see {what}, and saw {seen}')
    return faults


def table(tool, score):
    rows = {row['name']: row for row in destinations()}
    there = [case for case in CASES if case[1] in rows]
    log = Log()
    run = tool.check('--connect', '--timeout', TIMEOUT,
                     *(rows[case[1]]['domain'] for case in there))
    plans = {plan['domain']: plan for plan in run.objects}
    print(f'{"":6} {"case":45} {"result type":22} {"failure":29} the host saw')
    for case in CASES:
        if case not in there:
            print(f'left   {case[0]:45} out: the lab stands beside the machine, or lo gets no IPv6 addresses')
            continue
        line(score, rows[case[1]], plans.get(rows[case[1]]['domain']), case, log)


def line(score, row, plan, case, log):
    if not plan:
        score.note(case[0], 'no plan')
        return
    seen = log.seen(row)
    faults = faults_of(row, plan, case, seen)
    result, word = told(plan)
    print(f'{"FAILED" if faults else "ok":6} {case[0]:45} {result or "a policy":22} {word or "":29} {seen}')
    for fault in faults:
        print(f'       {fault}')
    score.failed += bool(faults)
    score.passed += not faults


# ---- Beside the table -----------------------------------------------------------------

def in_time(tool, score):
    for name in ('sts-slow', 'sts-hang'):
        begin = time.monotonic()
        run = tool.check('--timeout', 2, f'{name}.test')
        took = time.monotonic() - begin
        score.note(f'STSF-10 {name} is given up in time', [] if run.objects and took < 2 + 3 else
                   f'{took:.1f} s: {run.err}', f'{took:.1f} s where 2 s are allowed')


def at_the_mx(tool, score):
    plan = tool.check('--connect', 'sts-cn-only.test').objects[0]
    connect = plan['hosts'][0]['connect']
    score.note('STSA-07 the name in the CN only is refused at the MX host, too',
               [] if (connect['verdict'], code_of(connect['reason'])) == ('reject', 'name-mismatch')
               else f'found {connect}', 'reject, name-mismatch')


def without_permission(tool, score):
    """A policy host on a loopback address is not asked unless that is allowed, as the lab does."""
    log = Log()
    words = [word for word in tool.common if word != '--allow-private']
    run = Run([tool.smtpsec, 'check', *words, '--json', 'sts-enforce.test'])
    found = told(run.objects[0]) if run.objects else run.err
    seen = [text for text in log.lines() if 'sts-enforce' in text]
    score.note('STSF-11 a policy host on a loopback address', [] if found == (FETCH, 'address-refused')
               and not seen else f'{found}, {seen}', ', '.join(found))


def main():
    options = arguments(__doc__.split('\n', maxsplit=1)[0])
    enter_lab()
    tool, score = Tool(options.smtpsec), Score()
    table(tool, score)
    in_time(tool, score)
    at_the_mx(tool, score)
    without_permission(tool, score)
    return score.close()


if __name__ == '__main__':
    sys.exit(main())
