# SPDX-License-Identifier: LGPL-2.1-or-later
"""Change the lab while it runs: what an attacker does, and what an owner does.

One line of words goes into the unix socket $LAB_CONTROL, lines come out, the
last of which is "ok" or "error: ...". The answer comes when the change is
effective: name servers serve it, the resolver's cache is empty.
"""
import hashlib
import inspect
import os
import shlex
import socket
import threading

from model import CERTIFICATE_WORDS, HTTPS, SECURITY, SMTP, TLSA_ANSWER, absolute, policy


def host_of(world, name):
    name = name.rstrip('.').lower()
    for row in world.rows.values():
        for host in row.hosts:
            if absolute(host.name, row.domain) == name:
                return host
    raise ValueError(f'{name} is not a host of the lab')


def sts_of(world, domain):
    row = world.row_of(domain)
    if not row.sts:
        raise ValueError(f'{domain} has no MTA-STS in the table')
    return row.sts


def one_of(value, allowed):
    if value not in allowed:
        raise ValueError(f'{value} is none of: {", ".join(allowed)}')
    return value


def certificate_words(words):
    for word in words.split('+'):
        one_of(word, CERTIFICATE_WORDS)
    return words


# ---- The attacker ---------------------------------------------------------------

def strip_starttls(world, host):
    """no STARTTLS in the EHLO of this host any more"""
    host_of(world, host).smtp = 'plain'


def certificate(world, host, words='self-signed'):
    """another key and certificate at this host: self-signed, other-name, ..."""
    host_of(world, host).presented = certificate_words(words)


def mx(world, domain, host):
    """answer MX of the domain with this host; in a signed zone the signature is broken"""
    row = world.row_of(domain)
    host_of(world, host)
    row.spoofed_mx = host.rstrip('.')


def block_sts(world, domain):
    """the TXT record is gone (a signed one: SERVFAIL), the policy host refuses"""
    sts_of(world, domain)
    world.row_of(domain).sts_blocked = True


def fail_tlsa(world, host, how='servfail'):
    """the TLSA look-up of this host fails: servfail, refused, timeout, bogus"""
    failures = [answer for answer in TLSA_ANSWER if answer not in ('records', 'alias')]
    host_of(world, host).tlsa_answer = one_of(how, failures)


def dns(world, domain, security):
    """the whole domain: secure, nsec3, insecure, bogus, expired, servfail, timeout, missing, ..."""
    row = world.row_of(domain)
    row.security = one_of(security, [s for s in SECURITY if s != 'parent'])


def replay(world, domain, hours):
    """the zone as signed so many hours ago (one to 4000): older RRSIG inceptions"""
    world.row_of(domain).signed_ago = int(one_of(hours, [str(n) for n in range(1, 4001)]))


def smtp(world, host, behaviour):
    """what the host does: starttls, plain, refuse, broken, injection, requiretls, down, ..."""
    host_of(world, host).smtp = one_of(behaviour, SMTP)


def https(world, domain, behaviour):
    """what the policy host does: good, 404, redirect, hang, down, ..."""
    sts_of(world, domain).https = one_of(behaviour, HTTPS)


def https_certificate(world, domain, words):
    """the certificate of the policy host: self-signed, expired, other-name, ..."""
    sts_of(world, domain).cert = certificate_words(words)


# ---- The owner ------------------------------------------------------------------

def publish_mx(world, domain, *hosts):
    """the owner has other MX hosts now; signed where the zone is"""
    row = world.row_of(domain)
    for host in row.hosts:
        host.pref = None
    row.mx = tuple((10, name.rstrip('.') + '.') for name in hosts)


def publish_tlsa(world, host, *records):
    """the owner's TLSA records of this host, such as "3 1 1 leaf"; none: securely absent"""
    found = host_of(world, host)
    found.tlsa, found.tlsa_answer = tuple(records), 'records'


def publish_certificate(world, host, words):
    """the owner's certificate of this host; TLSA records follow it"""
    host_of(world, host).cert = certificate_words(words)


def publish_sts(world, domain, mode, *patterns):
    """the owner's policy: enforce, testing or none, and mx patterns; the id goes with the text"""
    sts = sts_of(world, domain)
    one_of(mode, ('enforce', 'testing', 'none'))
    sts.body = policy(mode, *patterns)
    sts.txt = (f'v=STSv1; id={hashlib.sha256(sts.body.encode()).hexdigest()[:20]};',)


def withdraw_sts(world, domain):
    """the owner takes TXT record and policy away"""
    sts_of(world, domain)
    world.row_of(domain).sts = None


CHANGES = {function.__name__.replace('_', '-'): function for function in (
    strip_starttls, certificate, mx, block_sts, fail_tlsa, dns, replay, smtp, https, https_certificate,
    publish_mx, publish_tlsa, publish_certificate, publish_sts, withdraw_sts)}


def usage():
    lines = []
    for name, function in CHANGES.items():
        parameters = list(inspect.signature(function).parameters.values())[1:]
        words = [f'[{p.name.upper()}]' if p.default is not p.empty or p.kind is p.VAR_POSITIONAL
                 else p.name.upper() for p in parameters]
        lines.append(f'  {name} {" ".join(words)}'.ljust(44) + function.__doc__)
    return lines + ['  undo [HOST|DOMAIN]'.ljust(44) + 'take back all changes, or those of one target',
                    '  state'.ljust(44) + 'list the changes in force',
                    '  flush'.ljust(44) + "empty the resolver's cache"]


# ---- The socket -------------------------------------------------------------------

class Control:
    def __init__(self, lab):
        self.lab, self.lock = lab, threading.Lock()
        self.path = os.path.join(lab.directory, 'control')
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(self.path)
        self.socket.listen(16)
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            connection, _ = self.socket.accept()
            with connection, connection.makefile('rw') as stream:
                try:
                    answer = self.obey(shlex.split(stream.readline())) + ['ok']
                except Exception as error:  # whatever it is, the asker must be told
                    answer = [f'error: {error}']
                try:
                    stream.write('\n'.join(answer) + '\n')
                    stream.flush()
                except OSError:
                    pass

    def obey(self, words):
        if not words or words[0] == 'help':
            return usage()
        name, *arguments = words
        world = self.lab.world
        if name == 'state':
            return [shlex.join(said) for said, _ in world.changes]
        if name == 'flush':
            self.lab.names.flush()
        elif name == 'undo':
            self.replace([c for c in world.changes if arguments and c[0][1].rstrip('.') !=
                          arguments[0].rstrip('.')])
        elif name in CHANGES:
            inspect.signature(CHANGES[name]).bind(world, *arguments)
            self.replace(world.changes + [(words, lambda w: CHANGES[name](w, *arguments))])
        else:
            raise ValueError(f'{name}: unknown; try help')
        return []

    def replace(self, changes):
        """Make the world as these changes say; when that cannot be, leave it as it was."""
        world, before = self.lab.world, self.lab.world.changes
        with self.lock:
            world.changes = changes
            try:
                self.lab.enact()
            except Exception:
                world.changes = before
                self.lab.enact()
                raise


def exchange(words):
    """Say words to the lab around us; returns its lines."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(os.environ['LAB_CONTROL'])
        sock.sendall(shlex.join(words).encode() + b'\n')
        with sock.makefile() as stream:
            return stream.read().splitlines() or ['error: the lab went away']


def client(words):
    """The command line's `control`. Returns the exit status."""
    if 'LAB_CONTROL' not in os.environ:
        print('LAB_CONTROL is not set: not inside a lab')
        return 64
    lines = exchange(words)
    print('\n'.join(lines))
    return 0 if lines[-1] == 'ok' else 1
