# SPDX-License-Identifier: LGPL-2.1-or-later
"""Debian's Postfix with libsmtpsec linked into smtp(8), which is chrooted.

examples/postfix/build.sh makes that one program, every other one is the package's.
Its source is fetched before the lab begins: there is no way out from in here.
"""
import argparse
import os
import re
import shutil
import subprocess

from frame import BARE, BOUNCED, DEFERRED, DELIVERED, GUARDED, Mta, give, wait_for
from instance import Instance
from tool import BUILT, Run, destinations, say

SOURCE = os.path.join(os.path.dirname(os.path.realpath(__file__)), '..', '..', '..', 'examples', 'postfix')
DAEMONS = '/usr/lib/postfix/sbin'
PROCESSES = 8
MANY = 200
WAIT = 60
LETTER = b'From: <a@sender.test>\r\nSubject: one of many\r\n\r\nHello.\r\n'

# Further ways out, of mail from these senders.
REPORT, BROKEN, KEEPING, KEEPING_1_2, HARSH = (
    f'{name}@sender.test' for name in ('report', 'broken', 'keeping', 'keeping12', 'harsh'))
# What is delivered to these, by a look at the lab's table; every host of a kind of its own.
GOOD = ('dane-ee', 'dane-ta-intermediate', 'dane-sts', 'sts-enforce', 'sts-wildcard', 'sts-delegated', 'starttls',
        'starttls-valid', 'signed', 'implicit-mx')


class PostfixLinked(Mta):
    name = 'postfix-linked'
    packages = ('postfix', 'gcc', 'libssl-dev', 'dpkg-dev')
    words = {'null-mx': 'does not accept mail', 'no-such-domain': 'Host not found|Domain name not found'}

    def __init__(self):
        self.instance = None

    def missing(self):
        absent = super().missing()
        parser = argparse.ArgumentParser()
        parser.add_argument('--smtpsec', default=BUILT)
        build = os.path.dirname(os.path.dirname(os.path.abspath(parser.parse_known_args()[0].smtpsec)))
        made = os.path.join(build, 'postfix')
        if not absent and not os.path.exists(os.path.join(made, 'version')):
            absent = f'no source of Postfix in {made}; examples/postfix/build.sh fetches it'
        return absent

    def version(self):
        found = subprocess.run(['/usr/sbin/postconf', '-h', '-d', 'mail_version'], capture_output=True, text=True)
        return f'Postfix {found.stdout.strip()}, smtp(8) with the library linked in, chrooted'

    # ---- the server

    def daemons(self, lab):
        """The package's programs, and beside them ours, as the manual says."""
        made = os.path.join(lab.build, 'postfix')
        subprocess.run([os.path.join(SOURCE, 'build.sh'), made, lab.build], check=True, stdout=subprocess.DEVNULL)
        place = os.path.join(lab.folder('postfix-linked-daemons'), 'sbin')
        shutil.copytree(DAEMONS, place, symlinks=True)
        os.mkdir(os.path.join(place, 'smtpsec'))
        shutil.copy(os.path.join(made, 'smtp'), os.path.join(place, 'smtpsec', 'smtp'))
        return place

    @staticmethod
    def policy(lab):
        """The DNS is changed between two messages, long before a TTL ends: each is to see how it is then."""
        path = os.path.join(lab.folder('postfix-linked-policy'), 'policy')
        with open(path, 'w') as file:
            file.write('plan-cache off\n')
        return path

    def start(self, lab):
        self.lab = lab
        options = {
            'smtp_dns_support_level': 'dnssec',
            'smtp_host_lookup': 'dns',
            'smtp_tls_security_level': 'may',
            'smtp_tls_loglevel': '1',
            'smtp_smtpsec_mode': 'enforce',
            'smtp_smtpsec_CAfile': lab.ca,
            'smtp_smtpsec_timeout': '20s',
            'smtp_smtpsec_policy_file': self.policy(lab),
            'smtp_smtpsec_insecure_allow_private_policy_hosts': 'yes',
            'smtp_tls_session_cache_database': 'btree:$data_directory/smtp_scache',   # as Debian has it
        }
        ours = {   # each as an operator would write it; BARE keeps the package's program
            'smtp': '',
            'report': ' -o smtp_smtpsec_mode=report',
            'broken': ' -o smtp_smtpsec_CAfile=/nowhere',
            # the reply to QUIT is waited for: TLS 1.3 has its tickets behind the handshake
            'keeping': ' -o smtp_tls_loglevel=2 -o smtp_skip_quit_response=no',
            'keeping12': ' -o smtp_tls_loglevel=2 -o smtp_tls_protocols=TLSv1.2'
                         ' -o smtp_tls_mandatory_protocols=TLSv1.2',
            'harsh': ' -o smtp_skip_5xx_greeting=no',
        }
        ways = {sender: (sender.split('@')[0], ()) for sender in (BARE, REPORT, BROKEN, KEEPING, KEEPING_1_2, HARSH)}
        self.instance = Instance(lab, self.name, options, ways, daemons=self.daemons(lab))
        self.memory = os.path.join(self.instance.queue, 'smtpsec')
        for name, words in ours.items():
            self.instance.command('postconf', '-F', f'{name}/unix/command=smtpsec/smtp{words}',
                                  f'{name}/unix/process_limit={PROCESSES if name == "smtp" else 1}')
        os.mkdir(self.memory, 0o700)
        give(self.memory, 'postfix', 'postfix')
        self.instance.start()

    def forget(self, memory):
        self.instance.stop()
        for name in os.listdir(os.path.join(self.instance.folder, 'data')):
            if name.startswith('smtp_scache'):
                os.unlink(os.path.join(self.instance.folder, 'data', name))
        shutil.rmtree(self.memory)
        shutil.copytree(memory, self.memory)
        give(self.memory, 'postfix', 'postfix')
        self.instance.start()

    def stop(self):
        if self.instance:
            self.instance.stop()

    def send(self, sender, recipient, message):
        return self.instance.send(sender, recipient, message)

    def result(self, ident, timeout):
        return self.instance.result(ident, timeout)

    def retry(self):
        self.instance.retry()

    # ---- this server alone

    def more(self, lab, score, memories):
        for name, check in (('many processes write one memory', self.many),
                            ('the process is in the jail, and its memory too', self.jailed),
                            ('the reason stands in the queue', self.queued),
                            ('mode report delivers, and tells', self.reports),
                            ('no kept TLS session passes a refusal by', self.keeps),
                            ('5yz in cleartext bounces nothing', self.softens),
                            ('what one host has shown does not count for the next', self.next_host),
                            ('a domain that begins like an address is one', self.like_an_address),
                            ('without trust anchors nothing goes out', self.starts_nothing),
                            ('a lost memory stops no mail', self.loses),
                            ('an address literal is delivered to, and judged', self.literal)):
            score.note(f'{self.name}: {name}', [fault for fault in check() if fault])
            say('undo')

    def empty(self):
        """Begin anew with an empty memory."""
        place = self.lab.folder(f'{self.name}-empty-{len(os.listdir(self.lab.directory))}')
        self.forget(place)

    def logged(self, pattern, since=0):
        with open(os.path.join(self.instance.folder, 'mail.log'), encoding='utf-8', errors='replace') as file:
            file.seek(since)
            return [line for line in file if re.search(pattern, line)]

    def here(self):
        return os.path.getsize(os.path.join(self.instance.folder, 'mail.log'))

    def mail(self, sender, domain):
        return self.result(self.send(sender, f'box@{domain}.test', LETTER), WAIT)

    def tool(self, *words):
        """The tool as the user of the mail system: nobody else opens that memory."""
        return Run(['setpriv', '--reuid', 'postfix', '--regid', 'postfix', '--clear-groups', self.lab.smtpsec,
                    *words, '--memory', self.memory])

    def many(self):
        self.empty()
        since = self.here()
        idents = [self.send(GUARDED, f'box{n}@{GOOD[n % len(GOOD)]}.test', LETTER) for n in range(MANY)]
        left = [ident for ident in idents if self.result(ident, WAIT).status != DELIVERED]
        judged = self.logged(r'/smtp\[\d+\]: \w+: smtpsec: .*: accept at ', since)
        pids = {re.search(r'\[(\d+)\]', line).group(1) for line in judged}
        check, listing = self.tool('memory', 'check'), self.tool('memory', 'list').out
        return [f'{len(left)} of {MANY} not delivered' if left else '',
                f'{len(judged)} sessions judged for {MANY} deliveries' if len(judged) != MANY else '',
                f'{len(pids)} processes, not {PROCESSES}' if len(pids) != PROCESSES else '',
                f'memory check: {check.status}: {check.out}{check.err}' if check.status else '',
                *(f'{name}.test is not remembered' for name in GOOD if f'{name}.test ' not in listing),
                *self.logged(r'smtpsec: .*(memory|recorded)|fatal|panic|mdb', since)]

    def jailed(self):
        self.mail(GUARDED, 'starttls')
        line = self.logged(r'/smtp\[\d+\]: \w+: smtpsec: ')[-1]
        process = '/proc/' + re.search(r'\[(\d+)\]', line).group(1)
        inside = [os.path.join(place, name) for place, _, names in os.walk(self.instance.queue)
                  for name in names if name.endswith(('.pem', '.crt'))]
        root = os.readlink(process + '/root')
        return ['' if root == self.instance.queue else f'its root is {root}',
                '' if os.stat(process).st_uid == os.stat(self.memory).st_uid != 0 else 'it runs as another user',
                '' if os.path.getsize(os.path.join(self.memory, 'data.mdb')) else 'nothing was written',
                *(f'a certificate in the jail: {path}' for path in inside)]

    def queued(self):
        found = self.mail(GUARDED, 'dane-mismatch')
        queue = subprocess.run(['/usr/sbin/postqueue', '-c', self.instance.config, '-p'], capture_output=True,
                               text=True).stdout
        wanted = 'mx.dane-mismatch.test showed a certificate that matches no TLSA record'
        return ['' if found.status == DEFERRED else found.status,
                '' if wanted in queue.replace('\n', ' ') else f'not in the queue: {queue}',
                '' if self.logged(r'dsn=4\.7\.\d+, status=deferred \(' + wanted) else 'not in the log so']

    def reports(self):
        since = self.here()
        found = [self.mail(REPORT, name).status for name in ('dane-mismatch', 'sts-no-starttls', 'tlsa-bogus')]
        told = self.logged(r'/smtp\[\d+\]: \w+: smtpsec: would refuse: ', since)
        return [f'{found}' if found != [DELIVERED] * 3 else '', f'told: {told}' if len(told) < 3 else '']

    def keeps(self):
        """A session that was refused is not resumed, one that was accepted is, unless another thing is required."""
        faults = []
        for way in (KEEPING, KEEPING_1_2):
            since = self.here()
            refused = [self.mail(way, 'dane-mismatch').status for _ in range(3)]
            accepted = [self.mail(way, 'dane-ee').status for _ in range(3)]
            resumed = len(self.logged('mx.dane-ee.test.*: Reusing old session', since))
            say('publish-tlsa', 'mx.dane-ee.test', '3 1 1 wrong')
            changed = self.mail(way, 'dane-ee')
            say('undo')
            faults += [f'{way}: {refused}' if refused != [DEFERRED] * 3 else '',
                       f'{way}: {accepted}' if accepted != [DELIVERED] * 3 else '',
                       f'{way}: {resumed} of 2 were resumed' if resumed != 2 else '',
                       f'{way}: {changed.status} with other TLSA records' if changed.status != DEFERRED else '']
        return faults

    def softens(self):
        """Where nothing is required a 554 is believed, elsewhere not before TLS is there."""
        found = []
        for domain in ('sts-enforce', 'starttls'):
            say('smtp', f'mx.{domain}.test', 'unfriendly')
            found.append(self.mail(HARSH, domain).status)
        return [f'{found}' if found != [DEFERRED, BOUNCED] else '']

    def next_host(self):
        """The first host is good and busy. The second is another session, though in the same memory."""
        self.empty()
        say('publish-tlsa', 'mx2.dane-mixed.test', '3 1 1 leaf')
        say('smtp', 'mx1.dane-mixed.test', 'busy')
        say('smtp', 'mx2.dane-mixed.test', 'unfriendly')
        bounced = self.mail(HARSH, 'dane-mixed').status
        say('strip-starttls', 'mx2.dane-mixed.test')
        since = self.here()
        reported = self.mail(REPORT, 'dane-mixed').status
        told = self.logged('smtpsec: would refuse: mx2.dane-mixed.test: reject, no-starttls', since)
        return [f'a 554 of the second: {bounced}' if bounced != DEFERRED else '',
                f'without TLS at the second: {reported}' if reported != DELIVERED else '',
                '' if told else 'what the second lacks is not told']

    def like_an_address(self):
        say('dns', 'dane-ee.test', 'bogus')
        since = self.here()
        found = self.mail(GUARDED, '127.0.0.dane-ee').status
        return [found if found != DEFERRED else '',
                '' if self.logged('smtpsec: .*127[.]0[.]0[.]dane-ee.test', since) else 'not evaluated']

    def starts_nothing(self):
        ident = self.send(BROKEN, 'box@starttls.test', LETTER)
        said = wait_for(lambda: self.logged('fatal: smtpsec: trust anchors: '), WAIT, 'it did not stop')
        return ['' if self.logged(f'{ident}: .*status=sent') == [] else f'it was sent: {said}']

    def loses(self):
        self.instance.stop()
        os.chown(self.memory, 0, 0)
        self.instance.start()
        since = self.here()
        found = [self.mail(GUARDED, name).status for name in ('dane-ee', 'dane-mismatch')]
        os.chown(self.memory, os.stat(self.instance.folder + '/data').st_uid, -1)
        return [f'{found}' if found != [DELIVERED, DEFERRED] else '',
                '' if self.logged('warning: smtpsec: memory-lost', since) else 'no alarm']

    def literal(self):
        """Relays and literals are destinations too: the plan has one host, of that name."""
        address = next(row for row in destinations() if row['name'] == 'starttls')['addresses']['mx.starttls.test'][0]
        found = self.result(self.send(GUARDED, f'box@[{address}]', LETTER), WAIT)
        return [f'{found.status}: {found.reason}' if found.status != DELIVERED else '',
                '' if self.logged(r'smtpsec: \[' + re.escape(address) + r'\]: accept at encrypted') else 'not judged']
