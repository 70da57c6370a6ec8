# SPDX-License-Identifier: LGPL-2.1-or-later
"""Rows of the table about the policy host alone: its certificate, its TLS, its HTTP.

The MX host is a provider's and always good, so that a row costs one
certificate. https_table.py tells what each does and what came of it.
"""
from model import Destination, Sts, accept, deliver, policy, use

MX = 'mx.unsigned-hosting.test'
GOOD = policy('enforce', MX)


def row(name, shows, result=None, **sts):
    """result: the type of RFC 8460 that is told; None: the policy is had."""
    hosts = {MX + '.': use('none', accept('authenticated')) if result
             else use('mta-sts', accept('mta-sts'), ['pkix'])}
    error = {'result_type': result} if result else None
    return Destination(name, shows, 'insecure', mx=((10, MX + '.'),), sts=Sts(GOOD, **sts),
                       expect=deliver('insecure', hosts, mta_sts={'mode': 'absent' if result else 'enforce',
                                                                  'error': error}))


FETCH, WEBPKI = 'sts-policy-fetch-error', 'sts-webpki-invalid'

POLICY_HOSTS = [
    row('https-204', 'status 204', FETCH, https='204'),
    row('https-206', 'status 206 with the whole policy', FETCH, https='206'),
    row('https-500', 'status 500 with a policy', FETCH, https='500'),
    row('https-503', 'status 503 with a policy', FETCH, https='503'),
    row('https-parameters', 'TEXT/Plain with parameters', https='parameters'),
    row('https-cacheable', 'headers that let a cache keep it for years', https='cacheable'),
    row('https-no-type', 'no Content-Type', FETCH, https='no-type'),
    row('https-two-types', 'two Content-Types, one of them right', FETCH, https='two-types'),
    row('https-bomb', 'a little gzip that becomes 20 MB', FETCH, https='bomb'),
    row('https-endless', 'chunks without end', FETCH, https='endless'),
    row('https-flood', 'header lines without end', FETCH, https='flood'),
    row('https-cut', 'the reply ends 100 octets early', FETCH, https='cut'),
    row('https-reset', 'a TCP reset in the middle of the policy', FETCH, https='reset'),
    row('https-not-http', 'TLS, and then something else than HTTP', FETCH, https='not-http'),
    row('https-plaintext', 'HTTP without TLS', FETCH, https='plaintext'),
    row('https-down', 'nothing listens', FETCH, https='down'),
    row('https-tls11', 'TLS 1.1 and nothing newer', WEBPKI, https='tls11'),
    row('https-cn-only', 'the name stands in the CN only', WEBPKI, cert='cn-only'),
    row('https-untrusted', 'the issuer is not trusted', WEBPKI, cert='untrusted'),
    row('https-not-yet-valid', 'the certificate is not valid yet', WEBPKI, cert='not-yet-valid'),
    row('https-chain-missing', 'the intermediate is not sent', WEBPKI, cert='intermediate+omit-chain'),
    row('https-wildcard', 'the certificate is for *.DOMAIN', cert='wildcard'),
    row('https-partial-wildcard', 'the certificate is for mta-*.DOMAIN', WEBPKI, cert='partial-wildcard'),
    row('https-delegated-target', 'delegated by CNAME, the certificate names the target alone', WEBPKI,
        cert='name=mta-sts.hosting.test', delegated='hosting.test.'),
    row('https-dead-first', 'three dead addresses, then one that serves', addresses='dead-first'),
    # last: left out where lo gets no IPv6 addresses, and the numbers of others must not change
    row('https-ipv6', 'an IPv6 address alone', addresses='v6'),
]
