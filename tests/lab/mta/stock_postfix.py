# SPDX-License-Identifier: LGPL-2.1-or-later
"""Unmodified Postfix of Debian, asking `smtpsec serve` by socketmap."""
import os
import shutil
import subprocess

from frame import BARE, BOUNCED, DEFERRED, DELIVERED, GUARDED, SENDER_DOMAIN, Deviation, Mta
import idle
from cases import FORGE, NONE, STRIP
from instance import Instance
from service import Service

# In Postfix's own words. A TEMP reply shows with its text in the log, and as "client TLS
# configuration problem" in the reason.
POLICY = 'client TLS configuration problem'
UNVERIFIED = 'Server certificate not (?:verified|trusted).*'
WORDS = {
    'no-starttls': 'TLS is required, but was not offered',
    'starttls-refused': 'TLS is required, but host .*refused to start TLS',
    'dane-no-match': UNVERIFIED + 'no matching DANE TLSA records',
    'name-mismatch': UNVERIFIED + 'hostname mismatch',
    'not-trusted': UNVERIFIED + 'untrusted issuer',
    'self-signed': UNVERIFIED + 'self-signed certificate',
    'expired': UNVERIFIED + 'certificate has expired',
    'null-mx': 'does not accept mail',
    'no-such-domain': 'Host not found$|Host not found \\|',
    'mx-bogus': 'type=MX: Host not found, try again',
    'downgrade': f'TLS is required, but|{POLICY}.*error: downgrade',
}


# Senders whose mail asks by TCP: our service, and one that closes idle connections.
TCP, CLOSING = f'tcp@{SENDER_DOMAIN}', f'closing@{SENDER_DOMAIN}'
EXCEPTED = f'excepted@{SENDER_DOMAIN}'   # and one behind a table of exceptions
TCP_PORT, CLOSING_PORT = 8461, 10461
LETTER = b'Subject: more\r\n\r\nHello.\r\n'
MAPS = 'smtp_tls_policy_maps'
PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', '..', 'doc', 'postfix.md')


def pasted_settings():
    """What doc/postfix.md tells an operator to paste into main.cf: the first block after these words."""
    with open(PAGE) as file:
        text = file.read().split('In `main.cf`:\n\n')[1]
    lines = text.split('\n\n')[0].splitlines()
    return dict(line.strip().split(' = ', 1) for line in lines)


class StockPostfix(Mta):
    name = 'postfix'
    packages = ('postfix',)
    words = WORDS
    deviations = {
        ('dane-sts-self-signed.test', NONE): Deviation(
            DELIVERED, '', 'other: Postfix asks for DANE or for a valid certificate, never for both; DANE counts'),
        ('dane-mixed.test', f'{STRIP}, first'): Deviation(
            DEFERRED, 'no-starttls', 'stricter: one reply serves all hosts, so those without TLSA are not used')} | {
        (domain, f'{FORGE}: NXDOMAIN'): Deviation(
            BOUNCED, 'no-such-domain', 'weaker: Postfix believes NXDOMAIN before it asks a policy table')
        for domain in ('sts-enforce.test', 'starttls.test')}

    def __init__(self):
        self.instance = self.service = None

    def version(self):
        found = subprocess.run(['/usr/sbin/postconf', '-h', '-d', 'mail_version'], capture_output=True, text=True)
        return f'Postfix {found.stdout.strip()}, unmodified, with smtpsec serve'

    def start(self, lab):
        pasted = pasted_settings()
        self.instance = Instance(lab, self.name, pasted | {'smtp_tls_CAfile': lab.ca}, {
            BARE: ('bare', [f'{MAPS}=']),
            TCP: ('tcp', [f'{MAPS}=socketmap:inet:127.0.0.1:{TCP_PORT}:smtpsec']),
            EXCEPTED: ('excepted', [f'{MAPS}=inline:{{dane-mismatch.test=may}},{pasted[MAPS]}']),
            CLOSING: ('closing', [f'{MAPS}=socketmap:inet:127.0.0.1:{CLOSING_PORT}:smtpsec'])})
        place = os.path.join(self.instance.queue, 'smtpsec')
        os.mkdir(place)
        shutil.chown(place, 'root', 'postfix')
        os.chmod(place, 0o750)
        self.service = Service(lab, self.instance.folder, os.path.join(place, 'socket'), TCP_PORT)
        self.instance.start()

    def forget(self, memory):
        self.service.stop()
        self.service.start(memory)

    def send(self, sender, recipient, message):
        return self.instance.send(sender, recipient, message)

    def result(self, ident, timeout):
        return self.instance.result(ident, timeout)

    def retry(self):
        self.instance.retry()

    def stop(self):
        if self.service:
            self.service.stop()
        if self.instance:
            self.instance.stop()

    def more(self, lab, score, memories):
        self.forget(memories.copy(self.name))
        self.by_hand(score)
        self.excepted(score)
        self.idle_table(score)
        self.without_service(score, memories)
        score.note('postfix: the service ends when it is told to', [] if self.service.stop() == 0 else 'not well')

    def by_hand(self, score):
        """The page's way to ask without Postfix."""
        for domain, answer in (('dane-ee.test', 'dane-only'), ('plain.test', ''), ('starttls.test', 'encrypt'),
                               ('sts-enforce.test', 'secure match='), ('sts-mx-mismatch.test', 'sts-mx-mismatch')):
            asked = subprocess.run(['/usr/sbin/postmap', '-c', self.instance.config, '-q', domain,
                                    f'socketmap:unix:{self.service.path}:smtpsec'], capture_output=True, text=True)
            found = asked.stdout or asked.stderr
            score.note(f'postfix: postmap -q {domain}', [] if (answer in found if answer else not found) else found)

    def excepted(self, score):
        found = self.result(self.send(EXCEPTED, 'box@dane-mismatch.test', LETTER), 30)
        score.note('postfix: an exception in a table before ours', [] if found.status == DELIVERED else f'{found}')
        found = self.result(self.send(EXCEPTED, 'box@dane-no-starttls.test', LETTER), 30)
        score.note('postfix: and no other destination', [] if found.status == DEFERRED else f'{found}')

    def idle_table(self, score):
        """Two hosts, the better one times out: what the idle connection to the table does."""
        closing = idle.ClosingServer(CLOSING_PORT)
        with idle.unanswered_host():
            sent = [self.send(sender, f'box@{idle.DESTINATION}', LETTER) for sender in (GUARDED, TCP, CLOSING)]
            *ours, theirs = [self.result(ident, 30) for ident in sent]
        closing.close()
        score.note('postfix: the first host times out: the table is asked again, the second gets the message',
                   [f'{one}' for one in ours if (one.status, one.host) != (DELIVERED, idle.ALIVE)])
        score.note('postfix: the same with a table that closes idle connections: deferred, as known',
                   [] if theirs.status == DEFERRED and POLICY in theirs.reason and closing.closed else
                   f'{theirs}; closed {closing.closed}')

    def without_service(self, score, memories):
        """Nothing goes out unjudged while nobody answers."""
        self.service.stop()
        ident = self.send(GUARDED, 'box@plain.test', LETTER)
        found = self.result(ident, 30)
        score.note('postfix: the service is not there: mail waits',
                   [] if found.status == DEFERRED and POLICY in found.reason else f'{found}')
        self.forget(memories.copy(self.name))
        self.retry()
        found = self.result(ident, 30)
        score.note('postfix: it is there again: mail goes out', [] if found.status == DELIVERED else f'{found}')
