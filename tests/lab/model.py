# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a row of the table is made of, and how an expectation is written.

Plain data: nothing here knows how a zone is signed or a socket is served.
"""
from dataclasses import dataclass, field

TLD = 'test'

# How the records of a zone reach a validating resolver.
SECURITY = (
    'secure',    # signed, NSEC
    'nsec3',     # signed, NSEC3
    'opt-out',   # signed, NSEC3 with the opt-out flag
    'insecure',  # unsigned, delegated without DS
    'bogus',     # signed, and every signature but those of the keys is broken
    'expired',   # signed, and the signatures ended a month ago
    'servfail',  # delegated to a server that answers SERVFAIL
    'refused',   # delegated to a server that answers REFUSED
    'timeout',   # delegated to a server that never answers
    'parent',    # no zone of its own: the row's `cname` stands in the TLD
    'missing',   # not delegated at all
)

# What an SMTP server does about STARTTLS.
SMTP = (
    'starttls',         # offers it and does it
    'plain',            # does not offer it
    'refuse',           # offers it, answers 454
    'broken',           # answers 220 and then sends no TLS
    'injection',        # plaintext follows the 220 in the same segment
    'demanding',        # like `broken`, and takes no mail in the clear: 530
    'helo-only',        # answers EHLO with 502
    'hang-up',          # closes the connection on STARTTLS
    'closing',          # answers STARTTLS with 421, and closes
    'unfriendly',       # greets with 554
    'rude',             # does not offer it, refuses MAIL with 550
    'busy',             # does it, and answers RCPT with 450
    'requiretls',       # REQUIRETLS stands in the EHLO inside TLS
    'requiretls-early', # REQUIRETLS stands only in the EHLO before TLS
    'down',             # nothing listens
    'silent',           # accepts the connection, never greets
)

# How a policy host answers.
HTTPS = ('good', '404', '500', 'redirect', 'type', 'oversize', 'gzip', 'late', 'slow', 'hang', 'cut', 'down',
         '204', '206', '503',
         'parameters',       # text/plain in capitals, with a charset
         'cacheable',        # headers that allow a cache to keep it for years
         'two-types', 'no-type',
         'bomb',             # a little gzip that becomes 20 MB
         'endless',          # chunks without end
         'flood',            # header lines without end
         'reset',            # half the policy, and a TCP reset
         'not-http',         # TLS, and then something else
         'plaintext',        # HTTP without TLS
         'tls11')            # TLS 1.1 and nothing newer

# Which addresses the name of a policy host has.
POLICY_ADDRESSES = (
    'v4',         # the one that is served
    'dead-first', # three where nothing listens, and then that one
    'v6',         # an IPv6 address alone
)

# How the question for TLSA records is answered.
TLSA_ANSWER = ('records', 'servfail', 'refused', 'timeout', 'bogus', 'alias')

# Words of a certificate, joined by "+"; nothing said: issued by the lab's root
# for the host's own name, valid, leaf alone sent.
CERTIFICATE_WORDS = (
    'valid',
    'self-signed', 'untrusted', 'intermediate',  # issuer
    'send-root', 'omit-chain',                   # what is sent beside the leaf
    'other-name', 'cn-only', 'wildcard', 'partial-wildcard', 'domain-name',  # in a row also: name=NAME
    'expired', 'not-yet-valid',
)


@dataclass
class Host:
    """An SMTP server. A name without final dot is relative to the row's domain; '@' is the domain."""
    name: str
    pref: int | None = 10          # None: not an MX of this domain
    smtp: str = 'starttls'
    cert: str = 'valid'
    tlsa: tuple = ()               # such as '3 1 1 leaf', see certificates.association()
    tlsa_answer: str = 'records'
    alias: str | None = None       # the host's name is a CNAME to this one; no server of its own
    addresses: int = 1
    aaaa: str | None = None        # 'bogus': an AAAA record whose signature is broken
    presented: str | None = None   # set at run time: the attacker's certificate, in the same words


@dataclass
class Sts:
    """MTA-STS of a domain."""
    body: str
    txt: tuple = ('v=STSv1; id=20260101T000000;',)
    https: str = 'good'
    cert: str = 'valid'
    addresses: str = 'v4'
    delegated: str | None = None   # mta-sts.DOMAIN and _mta-sts.DOMAIN are CNAMEs into this provider


@dataclass
class Destination:
    name: str
    shows: str
    security: str = 'secure'
    hosts: tuple = ()
    mx: tuple = ()                 # further MX records: (preference, name)
    sts: Sts | None = None
    cname: str | None = None       # with security='parent'
    records: tuple = ()            # further records as zone text
    provider: bool = False         # serves others; not a destination to test
    spoofed_mx: str | None = None  # set at run time: what an attacker answers for MX
    signed_ago: int = 0            # set at run time: the signatures were made so many hours ago
    sts_blocked: bool = False      # set at run time: TXT removed, HTTPS refused
    expect: dict = field(default_factory=dict)

    @property
    def domain(self):
        return f'{self.name}.{TLD}'


def absolute(name, domain):
    """Make a name of the table absolute, without final dot."""
    if name.endswith('.'):
        return name[:-1]
    return domain if name == '@' else f'{name}.{domain}'


def policy(mode, *mx, max_age=604800):
    """Write a policy body (RFC 8461 3.2)."""
    lines = ['version: STSv1', f'mode: {mode}'] + [f'mx: {name}' for name in mx]
    return '\r\n'.join(lines + [f'max_age: {max_age}', ''])


# ---- Expectations ------------------------------------------------------------
#
# The words are those of `smtpsec check --connect --json`. A value with "|" lists
# alternatives; a key that is not there is not expected to be anything.

def accept(achieved, starttls='offered', result=None):
    """A connection whose session is accepted, and the level that it reaches."""
    found = {'starttls': starttls, 'verdict': 'accept', 'achieved': achieved}
    return found | ({'result_type': result} if result else {})


def reject(reason, starttls='offered', result=None):
    """A connection that must be left with QUIT."""
    found = {'starttls': starttls, 'verdict': 'reject', 'reason': reason}
    return found | ({'result_type': result} if result else {})


def use(level, connect, identities=(), dane=None, tls=None, **more):
    """A host to be used: the level required, and what happens at the connection."""
    tls = tls or ('optional' if level == 'none' else 'required')
    found = {'action': 'use', 'reason': None, 'connect': connect,
             'required': {'level': level, 'tls': tls, 'identities': list(identities)}}
    return found | ({'dane': dane} if dane else {}) | more


def skip(reason, dane=None):
    """A host that is not even connected to."""
    return {'action': 'skip', 'reason': reason} | ({'dane': dane} if dane else {})


def deliver(mx_dnssec='secure', hosts=None, origin='mx', sts='absent', **more):
    """The plan names at least one host to be used."""
    return {'verdict': 'deliver', 'reason': None, 'mx': {'origin': origin, 'dnssec': mx_dnssec},
            'mta_sts': {'mode': sts}, 'hosts': hosts or {}} | more


def defer(reason, **more):
    return {'verdict': 'defer', 'reason': reason, 'hosts': {}} | more


def fail(reason, **more):
    return {'verdict': 'fail', 'reason': reason, 'hosts': {}} | more
