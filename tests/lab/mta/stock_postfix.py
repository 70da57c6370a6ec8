# SPDX-License-Identifier: LGPL-2.1-or-later
"""Unmodified Postfix of Debian, asking `smtpsec serve` by socketmap."""
import os
import subprocess

from frame import BARE, BOUNCED, DEFERRED, DELIVERED, GUARDED, SENDER_DOMAIN, Deviation, Mta
import idle
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
    'downgrade': f'TLS is required, but|{POLICY}',
}


# Senders whose mail asks by TCP: our service, and one that closes idle connections.
TCP, CLOSING = f'tcp@{SENDER_DOMAIN}', f'closing@{SENDER_DOMAIN}'
TCP_PORT, CLOSING_PORT = 8461, 10461
MAPS = 'smtp_tls_policy_maps'


class StockPostfix(Mta):
    name = 'postfix'
    packages = ('postfix',)
    words = WORDS
    deviations = {
        (domain, 'DNS forged: NXDOMAIN'): Deviation(
            BOUNCED, 'no-such-domain', 'weaker: Postfix believes NXDOMAIN before it asks a policy table')
        for domain in ('sts-enforce.test', 'starttls.test')}

    def __init__(self):
        self.instance = self.service = None

    def version(self):
        found = subprocess.run(['/usr/sbin/postconf', '-h', '-d', 'mail_version'], capture_output=True, text=True)
        return f'Postfix {found.stdout.strip()}, unmodified, with smtpsec serve'

    def start(self, lab):
        # A path relative to the queue is right inside the chroot and outside of it.
        self.instance = Instance(lab, self.name, {MAPS: 'socketmap:unix:smtpsec/answers:smtpsec'}, {
            BARE: ('bare', [f'{MAPS}=']),
            TCP: ('tcp', [f'{MAPS}=socketmap:inet:127.0.0.1:{TCP_PORT}:smtpsec']),
            CLOSING: ('closing', [f'{MAPS}=socketmap:inet:127.0.0.1:{CLOSING_PORT}:smtpsec'])})
        place = os.path.join(self.instance.queue, 'smtpsec')
        os.mkdir(place, 0o755)
        self.service = Service(lab, self.instance.folder, os.path.join(place, 'answers'), TCP_PORT)
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
        self.idle_table(score, memories)

    def idle_table(self, score, memories):
        """Two hosts, the better one times out: what the idle connection to the table does."""
        self.forget(memories.copy(self.name))
        closing = idle.ClosingServer(CLOSING_PORT)
        with idle.unanswered_host():
            letter = b'Subject: idle\r\n\r\nHello.\r\n'
            sent = [self.send(sender, f'box@{idle.DESTINATION}', letter) for sender in (GUARDED, TCP, CLOSING)]
            *ours, theirs = [self.result(ident, 30) for ident in sent]
        closing.close()
        score.note('postfix: the first host times out: the table is asked again, the second gets the message',
                   [f'{one}' for one in ours if (one.status, one.host) != (DELIVERED, idle.ALIVE)])
        score.note('postfix: the same with a table that closes idle connections: deferred, as known',
                   [] if theirs.status == DEFERRED and POLICY in theirs.reason and closing.closed else
                   f'{theirs}; closed {closing.closed}')
