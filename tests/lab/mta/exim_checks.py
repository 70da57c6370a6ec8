# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is asked of the Exim module beyond the table: its memory, its modes, and that whatever
is broken or left out of the configuration keeps the message."""
import json
import os
import re
import socket
import subprocess
import sys
import tempfile

import frame
from frame import DEFERRED, DELIVERED
from tool import say

PATIENCE = 40
LETTER = 'From: <{0}>\r\nTo: <{1}>\r\nSubject: {2}\r\nMessage-ID: <{2}@sender.test>\r\n{3}\r\nHello.\r\n'


class Checks:
    def __init__(self, exim, score, memories):
        self.exim, self.score, self.memories, self.number = exim, score, memories, 0

    def letter(self, sender, to, headers):
        self.number += 1
        token = f'more-{os.getpid()}-{self.number}'
        return self.exim.send(sender, to, LETTER.format(sender, to, token, headers).encode())

    def deliver(self, domain, sender=frame.GUARDED, headers=''):
        return self.exim.result(self.letter(sender, f'box@{domain}', headers), PATIENCE)

    def fresh(self):
        """Begin with a memory that knows nothing."""
        folder = tempfile.mkdtemp(dir=self.exim.lab.directory)
        self.exim.forget(folder)
        return folder

    def learnt(self):
        self.exim.forget(self.memories.copy('exim-more'))

    def note(self, name, faults):
        self.score.note(f'exim: {name}', [fault for fault in faults if fault])

    def expect(self, domain, status, text='', **more):
        """One delivery; a list of faults."""
        found = self.deliver(domain, **more)
        return [f'{domain}: expected {status} {text}, found {found}'
                if found.status != status or text not in found.reason else '']

    # ---- the memory

    def claims(self, folder):
        run = subprocess.run([self.exim.lab.smtpsec, 'memory', 'list', '--json', '--memory', folder],
                             capture_output=True, text=True, user=self.exim.uid, group=self.exim.uid, extra_groups=[])
        found = [json.loads(line) for line in run.stdout.splitlines()]
        return {(claim['domain'], claim['kind']) for claim in found}, run.stderr

    def memory(self):
        folder = self.fresh()
        faults = self.expect('dane-ee.test', DELIVERED) + self.expect('starttls.test', DELIVERED)
        faults += self.expect('starttls-valid.test', DELIVERED, sender='<>')
        faults += self.expect('dane-mismatch.test', DEFERRED, 'dane-no-match')
        found, said = self.claims(folder)
        faults += [f'no claim {wanted} in {found} {said}' for wanted in
                   (('dane-ee.test', 'dane'), ('starttls.test', 'encrypted')) if wanted not in found]
        faults += [f'a claim of {domain}' for domain, _ in found if domain not in ('dane-ee.test', 'starttls.test')]
        left = os.listdir(os.path.join(self.exim.folder, 'outcomes'))
        self.note('deliveries raise claims, refusals and mail with an empty sender none',
                  faults + ([f'outcomes were left: {left}'] if left else []))

    # ---- the way of a message

    def refused_in_the_handshake(self):
        self.fresh()
        self.note('a certificate is refused inside the handshake, with the reason',
                  self.expect(
            'dane-mismatch.test', DEFERRED, 'SSL verify denied by event-action: depth=0: dane-no-match'))

    def two_domains(self):
        self.learnt()
        say('publish-mx', 'plain.test', 'mx.sts-enforce.test')
        say('smtp', 'mx.sts-enforce.test', 'plain')
        try:
            ident = self.letter(frame.GUARDED, 'box@plain.test box@sts-enforce.test', '')
            self.exim.running[-1].wait()
            self.exim.read_log()
            lines = self.exim.lines_of[ident]
        finally:
            say('undo')
        self.note('two domains at one host: each by its own plan', [
            '' if any(line.startswith(begin) for line in lines) else f'no {begin} in {lines}'
            for begin in ('=> box@plain.test', '== box@sts-enforce.test')])

    def next_host(self):
        """The first host is good and busy; the second has no TLS."""
        folder = self.fresh()
        say('publish-tlsa', 'mx2.dane-mixed.test', '3 1 1 leaf')
        say('smtp', 'mx1.dane-mixed.test', 'busy')
        say('strip-starttls', 'mx2.dane-mixed.test')
        faults = self.expect('dane-mixed.test', DEFERRED, 'refused, no-starttls: mx2.dane-mixed.test')
        say('undo')
        found, _ = self.claims(folder)
        self.note('what one host has shown does not count for the next',
                  faults + ([f'nothing was accepted, but remembered: {found}'] if found else []))

    def many_recipients(self):
        """More than one transaction takes: a connection each, and each is judged."""
        self.learnt()
        to = ' '.join(f'box{n}@dane-ee.test' for n in range(130))
        self.number += 1
        ident = self.exim.send(frame.GUARDED, to, LETTER.format(
            frame.GUARDED, 'many', f'more-{os.getpid()}-{self.number}', '').encode())
        self.exim.running[-1].wait()
        self.exim.read_log()
        lines = self.exim.lines_of[ident]
        taken = sum(line[:2] in ('=>', '->') for line in lines)
        judged = sum('accepted: mx.dane-ee.test' in line for line in lines)
        self.note('130 recipients: two connections, both judged',
                  [f'{taken} delivered, {judged} judged'] if (taken, judged) != (130, 2) else [])

    def tls_required_no(self):
        self.fresh()
        self.note('TLS-Required: No is obeyed, once and spelt right', self.expect(
            'dane-mismatch.test', DELIVERED, headers='TLS-Required: No\r\n') + self.expect(
            'dane-mismatch.test', DEFERRED, headers='TLS-Required: No\r\nTLS-Required: No\r\n') + self.expect(
            'dane-mismatch.test', DEFERRED, headers='X-TLS-Required: No\r\n'))

    def report(self):
        self.learnt()
        self.exim.settings(self.exim.memory, 'report')
        say('strip-starttls', 'mx.dane-ee.test')
        try:
            faults = self.expect('dane-ee.test', DELIVERED, 'report mode: would be refused, no-starttls')
        finally:
            say('undo')
        faults += self.expect('dane-mismatch.test', DELIVERED, 'report mode: would be refused, dane-no-match')
        faults += self.expect('sts-mx-mismatch.test', DELIVERED, 'report mode: would defer: sts-mx-mismatch')
        faults += self.expect('sts-enforce.test', DELIVERED, 'accepted')
        self.exim.settings(self.exim.memory)
        self.note('report mode says what it would refuse, and refuses nothing', faults)

    def asked_by_hand(self):
        """What doc/exim.md tells the operator to ask."""
        self.learnt()
        faults = []
        for domain, answer in (('dane-ee.test', ''), ('mx-bogus.test', ':defer: '), ('null-mx.test', ':fail: ')):
            item = f'${{dlfunc{{{self.exim.lab.module}}}{{smtpsec_route}}{{{self.exim.folder}/settings}}' \
                   f'{{{domain}}}{{me@example.net}}{{}}}}'
            run = self.exim.exim('-be', item)
            said = run.stdout.decode().rstrip('\n')
            if run.returncode != 0 or not said.startswith(answer) or bool(said) != bool(answer):
                faults.append(f'{domain}: expected {answer!r}, found {said!r} {run.stderr.decode()}')
        self.note('asked by hand, it says what it would do', faults)

    def hurry(self, *domains):
        """One message by SMTP, which an ACL sends on while it comes in. Returns what the log says of it."""
        letter = LETTER.format(frame.GUARDED, f'box@{domains[0]}', f'hurried-{len(domains)}', '')
        to = ''.join(f'RCPT TO:<box@{domain}>\r\n' for domain in domains)
        said = self.exim.exim('-bs', '-odq', '-oMa', '192.0.2.1', input=(
            f'EHLO client.test\r\nMAIL FROM:<{frame.GUARDED}>\r\n{to}DATA\r\n{letter}.\r\nQUIT\r\n').encode())
        ident = re.search(rb'(?m)^250 OK id=(\S+)', said.stdout)
        with open(self.exim.log, encoding='utf-8') as log:
            return [line.split(' ', 3)[3].strip() for line in log if ident and ident[1].decode() in line] or [said]

    def cutthrough(self):
        """Verifying finds the way for it, and a second domain goes by the connection of the first, unasked."""
        self.learnt()
        say('strip-starttls', 'mx.dane-ee.test')
        one = self.hurry('dane-ee.test')
        say('undo')
        say('publish-mx', 'plain.test', 'mx.sts-enforce.test')
        say('smtp', 'mx.sts-enforce.test', 'plain')
        two = self.hurry('plain.test', 'sts-enforce.test')
        self.exim.configure(('(?m)^  dkim_domain =$', ''))
        bare = self.hurry('plain.test', 'sts-enforce.test')
        self.exim.configure(('(?s)smtpsec_verify:.*?(?=dnslookup:)', ''))
        other = self.hurry('sts-enforce.test')
        self.exim.configure()
        say('undo')
        self.note('what cutthrough delivery would send on is queued', [
            f'not queued: {lines}' if [line[:2] for line in lines] != ['<='] else '' for lines in (one, two)])
        self.note('without the lines that do it, it is sent unjudged', [
            '' if any(line.startswith('>> box@sts-enforce.test') for line in lines) else f'{lines}'
            for lines in (bare, other)])

    # ---- what is broken

    def broken_settings(self):
        self.fresh()
        with open(os.path.join(self.exim.folder, 'settings'), 'a') as file:
            file.write('modes = report\n')
        faults = self.expect('plain.test', DEFERRED, 'of the settings is not understood')
        os.unlink(os.path.join(self.exim.folder, 'settings'))
        faults += self.expect('plain.test', DEFERRED, 'the settings cannot be read')
        self.exim.settings(self.exim.memory)
        self.note('broken or missing settings keep all mail', faults)

    def with_configuration(self, name, domain, *changes, attacks=(), text='', status=DEFERRED):
        self.learnt()
        self.exim.configure(*changes)
        for words in attacks:
            say(*words)
        try:
            self.note(name, self.expect(domain, status, text))
        finally:
            say('undo')
            self.exim.configure()

    def left_out(self):
        """Where a line of the snippet is missing, or fails, another refuses."""
        strip = (('strip-starttls', 'mx.dane-ee.test'),)
        gone = r'(?m)^  {} = .*$'.format
        router = (r'(?s)smtpsec_refuse:.*?(?=smtpsec_send:)', '')
        self.with_configuration('the module cannot be loaded: mail is kept', 'plain.test',
                                (r'SMTPSEC_MODULE = .*', 'SMTPSEC_MODULE = /nonexistent.so'))
        self.with_configuration('it cannot be loaded, and the first router is missing: kept', 'plain.test',
                                (r'SMTPSEC_MODULE = .*', 'SMTPSEC_MODULE = /nonexistent.so'), router)
        self.with_configuration('without the first router the transport defers', 'mx-bogus.test', router,
                                text='mx-bogus')
        self.with_configuration('without events the gate stays shut', 'dane-ee.test', (gone('event_action'), ''),
                                text='cannot be judged')
        self.with_configuration('without hosts_require_tls the gate asks for TLS', 'dane-ee.test',
                                (gone('hosts_require_tls'), ''), attacks=strip, text='no-starttls')
        self.with_configuration('where hosts_require_tls fails it does as well', 'dane-ee.test',
                                (gone('hosts_require_tls'), '  hosts_require_tls = ${dlfunc{/nonexistent.so}{x}}'),
                                attacks=strip, text='no-starttls')
        # A veto that Exim never hears of: the judgement of the gate is the same.
        self.with_configuration('a veto that is lost is made up for at the gate', 'dane-mismatch.test',
                                (r'(?m)^  event_action = (.*)$', r'  event_action = ${if eq{\1}{x}{}{}}'),
                                text='failed to expand authenticated_sender: dane-no-match')
        self.with_configuration('with all three left out the attack works: they are what refuses', 'dane-ee.test',
                                (gone('event_action'), ''), (gone('hosts_require_tls'), ''),
                                (gone('authenticated_sender'), ''), attacks=strip, status=DELIVERED)

    def odd_chain(self):
        """The second certificate is none: Exim raises no event at all, and goes on."""
        program = os.path.join(self.exim.lab.build, 'tests/lab/mta/odd_chain')
        host, folder = 'mx.sts-enforce.test', self.fresh()
        key, certificate = os.path.join(folder, 'key'), os.path.join(folder, 'certificate')
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=' + host, '-days', '9',
                        '-keyout', key, '-out', certificate], check=True, capture_output=True)
        say('smtp', host, 'down')
        address = socket.getaddrinfo(host, 25, socket.AF_INET)[0][4][0]
        server = subprocess.Popen([program, address, certificate, key], stdout=subprocess.PIPE, text=True)
        try:
            server.stdout.readline()
            faults = self.expect('sts-enforce.test', DEFERRED, 'refused, no-certificate')
            self.exim.configure((r'(?m)^  authenticated_sender = .*$', ''))
            bare = self.expect('sts-enforce.test', DELIVERED)
        finally:
            server.kill()
            server.wait()
            self.exim.configure()
            say('undo')
        said = server.stdout.read()
        server.stdout.close()
        self.note('a certificate that cannot be parsed hides those below: the gate stays shut',
                  faults + ([] if 'handshake: Success' in said else [f'no handshake: {said}']))
        self.note('without the gate such a server gets the mail: it is what refuses', bare)

    def hostile_events(self):
        self.fresh()
        run = subprocess.run([sys.executable, os.path.join(os.path.dirname(__file__), 'exim_events.py'),
                              self.exim.lab.module, os.path.join(self.exim.folder, 'settings'), str(self.exim.uid)],
                             capture_output=True, text=True)
        lines = run.stdout.splitlines()
        self.note('events out of order, of other hosts, without a chain: the gate stays shut',
                  [line for line in lines if not line.startswith('ok ')] + [run.stderr] * (run.returncode != 0)
                  + ([] if len(lines) > 8 else [f'only {lines}']))


def run(exim, score, memories):
    checks = Checks(exim, score, memories)
    for check in (checks.memory, checks.refused_in_the_handshake, checks.two_domains, checks.next_host,
                  checks.many_recipients, checks.tls_required_no, checks.report, checks.asked_by_hand,
                  checks.cutthrough, checks.broken_settings, checks.left_out, checks.odd_chain,
                  checks.hostile_events):
        check()
