# SPDX-License-Identifier: LGPL-2.1-or-later
"""Unmodified Postfix of Debian, asking `smtpsec serve` by socketmap."""
import os
import subprocess

from frame import BOUNCED, Deviation, Mta
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
        self.instance = Instance(lab, self.name, {'smtp_tls_policy_maps': 'socketmap:unix:smtpsec/answers:smtpsec'},
                                 bare_options=['smtp_tls_policy_maps='])
        place = os.path.join(self.instance.queue, 'smtpsec')
        os.mkdir(place, 0o755)
        self.service = Service(lab, self.instance.folder, os.path.join(place, 'answers'))
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
