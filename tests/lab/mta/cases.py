# SPDX-License-Identifier: LGPL-2.1-or-later
"""THE CASES: destination, attack -> what a server must do with the next message.

Every server plays all of them; what one cannot do stands in its class, with a
reason. `reason` holds codes of the library (as `smtpsec check` prints them),
alternatives joined by "|"; how they show in a server's text is the server's matter.
"""
from dataclasses import dataclass

from frame import BOUNCED, DEFERRED, DELIVERED

NONE = '-'    # no attack

# Destinations that the memory knows from weeks of good deliveries; those of ABANDONED have had
# their MTA-STS policy blocked for longer than its max_age, only TLS is known of them by now.
KNOWN = ('dane-ee.test', 'dane-ta-intermediate.test', 'dane-sts.test', 'sts-enforce.test', 'sts-delegated.test',
         'starttls.test', 'starttls-valid.test', 'sts-wildcard.test')
ABANDONED = ('sts-wildcard.test',)

STRIP, SPOOF, BLOCK, FORGE, SWAP = 'STARTTLS stripped', 'MX spoofed', 'policy blocked', 'DNS forged', 'cert swapped'


@dataclass(frozen=True)
class Case:
    destination: str
    attack: str
    status: str
    reason: str = ''
    changes: tuple = ()       # words for the lab's control; ('forge', 'unsigned'|'nxdomain', DOMAIN)
    tls: bool | None = None   # a delivered message came under TLS; None: not looked at
    taken_by: str = ''        # the host that gets it; '': any of the domain's own hosts
    bare: str = DELIVERED     # what the server without the library does: fooled, but where said
    detected: bool = True     # False: nothing that the library could look at tells it from honest mail

    @property
    def key(self):
        return self.destination, self.attack


def calm(destination, status=DELIVERED, reason='', **more):
    return Case(destination, NONE, status, reason, **more)


def attack(destination, name, reason, *changes, **more):
    """An attack that must end in a deferral."""
    return Case(destination, name, DEFERRED, reason, changes, **more)


def in_vain(destination, name, *changes, **more):
    """An attack that changes nothing that counts, or that nobody can notice."""
    return Case(destination, name, DELIVERED, '', changes, **more)


CALM = (
    # everything in order
    calm('dane-ee.test', tls=True), calm('dane-ta-intermediate.test', tls=True), calm('dane-sts.test', tls=True),
    calm('dane-mx-alias.test', tls=True, taken_by='target.hosting.test'),
    calm('implicit-mx.test', tls=True), calm('domain-alias.test', tls=True, taken_by='mx.dane-ee.test'),
    calm('sts-enforce.test', tls=True), calm('sts-wildcard.test', tls=True), calm('sts-delegated.test', tls=True),
    calm('sts-testing.test', tls=True), calm('sts-404.test', tls=False), calm('starttls.test', tls=True),
    calm('starttls-valid.test', tls=True), calm('signed.test', tls=True), calm('dane-unusable.test', tls=True),
    calm('dane-half.test', tls=True, taken_by='mx.hosting.test'),
    calm('plain.test', tls=False), calm('plain-signed.test', tls=False), calm('twenty-hosts.test', tls=False),
    # a bad host first
    calm('dane-two-hosts.test', tls=True, taken_by='mx2.dane-two-hosts.test'),
    calm('sts-two-hosts.test', tls=True, taken_by='mx2.sts-two-hosts.test'),
    calm('dane-mixed.test', tls=True, taken_by='mx1.dane-mixed.test'),
    calm('tlsa-servfail-two.test', taken_by='mx2.tlsa-servfail-two.test'),
    # not to be delivered, without any attack of ours
    calm('dane-mismatch.test', DEFERRED, 'dane-no-match'), calm('dane-ta-expired.test', DEFERRED, 'expired'),
    calm('dane-ta-wrong-name.test', DEFERRED, 'name-mismatch'),
    calm('dane-no-starttls.test', DEFERRED, 'no-starttls'), calm('dane-refused.test', DEFERRED, 'starttls-refused'),
    calm('dane-sts-self-signed.test', DEFERRED, 'self-signed|not-trusted'),
    calm('sts-cert-name.test', DEFERRED, 'name-mismatch'), calm('sts-expired.test', DEFERRED, 'expired'),
    calm('sts-untrusted.test', DEFERRED, 'not-trusted'), calm('sts-no-starttls.test', DEFERRED, 'no-starttls'),
    calm('sts-mx-mismatch.test', DEFERRED, 'sts-mx-mismatch'), calm('mx-bogus.test', DEFERRED, 'mx-bogus'),
    calm('tlsa-bogus.test', DEFERRED, 'tlsa-bogus'), calm('null-mx.test', BOUNCED, 'null-mx'),
    calm('no-such-domain.test', BOUNCED, 'no-such-domain'),
)

ATTACKS = (
    # ---- STARTTLS is taken away
    attack('dane-ee.test', STRIP, 'no-starttls', ('strip-starttls', 'mx.dane-ee.test')),
    attack('dane-ta-intermediate.test', STRIP, 'no-starttls', ('strip-starttls', 'mx.dane-ta-intermediate.test')),
    attack('sts-enforce.test', STRIP, 'no-starttls', ('strip-starttls', 'mx.sts-enforce.test')),
    attack('sts-intermediate.test', STRIP, 'no-starttls', ('strip-starttls', 'mx.sts-intermediate.test')),
    attack('starttls.test', STRIP, 'downgrade', ('strip-starttls', 'mx.starttls.test')),
    attack('starttls-valid.test', STRIP + ': 454', 'downgrade', ('smtp', 'mx.starttls-valid.test', 'refuse')),
    attack('dane-mixed.test', STRIP + ', both', 'no-starttls', ('strip-starttls', 'mx1.dane-mixed.test'),
           ('smtp', 'mx2.dane-mixed.test', 'down')),
    in_vain('dane-mixed.test', STRIP + ', first', ('strip-starttls', 'mx1.dane-mixed.test'), tls=True,
            taken_by='mx2.dane-mixed.test'),
    in_vain('sts-testing.test', STRIP, ('strip-starttls', 'mx.sts-testing.test'), tls=False),
    in_vain('dane-two-hosts.test', STRIP + ', first', ('strip-starttls', 'mx1.dane-two-hosts.test'), tls=True,
            taken_by='mx2.dane-two-hosts.test'),

    # ---- the MX records are the attacker's
    attack('dane-ee.test', SPOOF, 'mx-bogus', ('mx', 'dane-ee.test', 'mx.attacker.test'), bare=DEFERRED),
    attack('dane-ta-intermediate.test', SPOOF, 'mx-bogus',
           ('mx', 'dane-ta-intermediate.test', 'plain.attacker.test'), bare=DEFERRED),
    attack('sts-enforce.test', SPOOF + ', valid TLS', 'sts-mx-mismatch',
           ('mx', 'sts-enforce.test', 'mx.attacker.test')),
    attack('starttls.test', SPOOF + ', no TLS', 'downgrade', ('mx', 'starttls.test', 'plain.attacker.test')),
    in_vain('sts-testing.test', SPOOF, ('mx', 'sts-testing.test', 'mx.attacker.test'), taken_by='mx.attacker.test'),
    in_vain('plain.test', SPOOF, ('mx', 'plain.test', 'plain.attacker.test'), taken_by='plain.attacker.test',
            detected=False),
    in_vain('starttls-valid.test', SPOOF + ', valid TLS', ('mx', 'starttls-valid.test', 'mx.attacker.test'),
            taken_by='mx.attacker.test', detected=False),

    # ---- the policy cannot be had, neither its TXT record nor its text
    in_vain('sts-enforce.test', BLOCK, ('block-sts', 'sts-enforce.test'), tls=True),
    attack('sts-delegated.test', BLOCK + ', stripped', 'no-starttls', ('block-sts', 'sts-delegated.test'),
           ('strip-starttls', 'mx.sts-delegated.test')),
    attack('sts-enforce.test', BLOCK + ', MX spoofed', 'sts-mx-mismatch', ('block-sts', 'sts-enforce.test'),
           ('mx', 'sts-enforce.test', 'mx.attacker.test')),
    attack('sts-enforce.test', BLOCK + ', cert', 'self-signed|not-trusted', ('block-sts', 'sts-enforce.test'),
           ('certificate', 'mx.sts-enforce.test', 'self-signed')),
    attack('sts-wildcard.test', BLOCK + ' long since', 'downgrade', ('block-sts', 'sts-wildcard.test'),
           ('strip-starttls', 'mx.sts-wildcard.test')),
    in_vain('sts-intermediate.test', BLOCK + ' at first sight', ('block-sts', 'sts-intermediate.test'),
            ('strip-starttls', 'mx.sts-intermediate.test'), tls=False, detected=False),

    # ---- answers of the DNS are not the owner's
    attack('dane-ee.test', FORGE + ': TLSA bogus', 'tlsa-bogus', ('fail-tlsa', 'mx.dane-ee.test', 'bogus'),
           ('strip-starttls', 'mx.dane-ee.test')),
    attack('dane-ee.test', FORGE + ': SERVFAIL', 'tlsa-servfail', ('fail-tlsa', 'mx.dane-ee.test', 'servfail'),
           ('certificate', 'mx.dane-ee.test', 'self-signed')),
    attack('dane-ee.test', FORGE + ': AD lost', 'downgrade', ('forge', 'unsigned', 'dane-ee.test')),
    attack('dane-ta-intermediate.test', FORGE + ': AD lost', 'downgrade',
           ('forge', 'unsigned', 'dane-ta-intermediate.test'),
           ('strip-starttls', 'mx.dane-ta-intermediate.test')),
    attack('sts-enforce.test', FORGE + ': NXDOMAIN', 'answer-held', ('forge', 'nxdomain', 'sts-enforce.test'),
           bare=BOUNCED),
    attack('starttls.test', FORGE + ': NXDOMAIN', 'answer-held', ('forge', 'nxdomain', 'starttls.test'),
           bare=BOUNCED),

    # ---- another key in front of the mail
    attack('dane-ee.test', SWAP + ': self-signed', 'dane-no-match', ('certificate', 'mx.dane-ee.test', 'self-signed')),
    attack('dane-ta-intermediate.test', SWAP + ': self-signed', 'dane-no-match',
           ('certificate', 'mx.dane-ta-intermediate.test', 'self-signed')),
    attack('dane-ta-intermediate.test', SWAP + ': name', 'name-mismatch',
           ('certificate', 'mx.dane-ta-intermediate.test', 'intermediate+other-name')),
    attack('sts-enforce.test', SWAP + ': self-signed', 'self-signed|not-trusted',
           ('certificate', 'mx.sts-enforce.test', 'self-signed')),
    attack('sts-enforce.test', SWAP + ': name', 'name-mismatch', ('certificate', 'mx.sts-enforce.test', 'other-name')),
    attack('sts-delegated.test', SWAP + ': untrusted', 'not-trusted',
           ('certificate', 'mx.sts-delegated.test', 'untrusted')),
    in_vain('starttls.test', SWAP + ': self-signed', ('certificate', 'mx.starttls.test', 'self-signed'), tls=True,
            detected=False),
)

CASES = CALM + ATTACKS


def rounds():
    """Cases that can be played together: no destination twice in one round."""
    found = [list(CALM)]
    waiting = list(ATTACKS)
    while waiting:
        taken = []
        for case in waiting:
            if case.destination not in {other.destination for other in taken}:
                taken.append(case)
        waiting = [case for case in waiting if case not in taken]
        found.append(taken)
    return found
