#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Does the lab do what its table says? One line a check; run it inside, or it enters by itself."""
import sys

sys.dont_write_bytecode = True

import http.client  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import smtplib  # noqa: E402
import socket  # noqa: E402
import ssl  # noqa: E402
import threading  # noqa: E402
import time  # noqa: E402

import control  # noqa: E402
import dnsquery  # noqa: E402
from certificates import spki  # noqa: E402
from destinations import ALL, DESTINATIONS  # noqa: E402
from model import absolute  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
SLOWEST = 1.9  # seconds for an answer of the resolver, a failed one too

failures = 0


def check(what, good, found=''):
    global failures
    failures += not good
    print(('ok     ' if good else 'FAILED ') + what + ('' if good else f': {found}'), flush=True)


def resolver():
    address, port = os.environ['LAB_RESOLVER'].split('#')
    return address, int(port)


def ask(name, kind, **options):
    return dnsquery.ask(resolver(), name, kind, **options)


# ---- Nothing leaves loopback --------------------------------------------------------

def isolation():
    if os.environ['LAB_MODE'] == 'private':
        names = [name for _, name in socket.if_nameindex()]
        with open('/proc/net/fib_trie') as file:
            outside = [line for line in file if '0.0.0.0/0' in line and 'universe' in line]
        check('isolation: lo is the only interface that is up',
              all(name == 'lo' or not up(name) for name in names), names)
        check('isolation: no default route', not outside, outside)
        with open('/etc/resolv.conf') as file:
            check("isolation: resolv.conf names the lab's resolver", resolver()[0] in file.read())
    with open(os.path.join(os.environ['LAB_DIR'], 'unbound.conf')) as file:
        source = next(line.split()[1] for line in file if 'outgoing-interface' in line)
    for target in ('192.0.2.1', '198.41.0.4'):
        check(f"isolation: from the resolver's source address {source} there is no way to {target}",
              not reachable(source, target))


def up(name):
    with open(f'/sys/class/net/{name}/operstate') as file:
        return file.read().strip() == 'up'


def reachable(source, target):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.bind((source, 0))
            sock.connect((target, 53))
            sock.send(b'')
        except OSError:
            return False
    return True


# ---- DNS ------------------------------------------------------------------------------

MX_ANSWER = {
    'secure': ('NOERROR', True), 'nsec3': ('NOERROR', True), 'opt-out': ('NOERROR', True),
    'parent': ('NOERROR', True), 'insecure': ('NOERROR', False), 'bogus': ('SERVFAIL', False),
    'expired': ('SERVFAIL', False), 'servfail': ('SERVFAIL', False), 'refused': ('SERVFAIL', False),
    'timeout': ('SERVFAIL', False), 'missing': ('NXDOMAIN', True),
}
BOGUS_ERRORS = {'bogus': 6, 'expired': 7}
DEAD_ERRORS = {22, 23}  # no reachable authority, network error


def mx(row):
    begin = time.monotonic()
    reply = ask(row.domain, 'MX')
    took = time.monotonic() - begin
    found = (reply.rcode, reply.ad)
    check(f'dns {row.domain}: MX is {MX_ANSWER[row.security]}, {took:.2f} s',
          found == MX_ANSWER[row.security] and took < SLOWEST, (found, took))
    wanted = sorted([f'{h.pref} {absolute(h.name, row.domain)}' for h in row.hosts if h.pref is not None]
                    + [f'{p} {"." if n == "." else absolute(n, row.domain)}' for p, n in row.mx])
    if reply.rcode == 'NOERROR' and not row.cname:
        check(f'dns {row.domain}: MX {wanted}', sorted(reply.data('MX')) == wanted, reply.data('MX'))
    if row.security in ('bogus', 'expired'):
        second = ask(row.domain, 'MX', checking_disabled=True)
        check(f'dns {row.domain}: with CD the data is there, extended error says why',
              second.rcode == 'NOERROR' and not second.ad and len(second.data('MX')) == len(wanted)
              and BOGUS_ERRORS[row.security] in reply.errors, (second.rcode, reply.errors))
    if row.security in ('servfail', 'refused', 'timeout'):
        second = ask(row.domain, 'MX', checking_disabled=True)
        check(f'dns {row.domain}: with CD the same, extended error {reply.errors} is not of DNSSEC',
              second.rcode == 'SERVFAIL' and set(reply.errors) <= DEAD_ERRORS,
              (second.rcode, reply.errors))


TLSA_FAILURES = ('servfail', 'refused', 'timeout', 'bogus')


def tlsa(row, host, name):
    begin = time.monotonic()
    reply = ask(f'_25._tcp.{name}', 'TLSA')
    took = time.monotonic() - begin
    signed = MX_ANSWER[row.security][1]
    if row.security in ('bogus', 'expired') or host.tlsa_answer in TLSA_FAILURES:
        check(f'dns {name}: TLSA is SERVFAIL, {took:.2f} s', reply.rcode == 'SERVFAIL' and took < SLOWEST,
              (reply.rcode, took))
        return
    secure = reply.ad if row.security != 'opt-out' or host.tlsa else signed  # RFC 5155 9.2
    check(f'dns {name}: {len(host.tlsa)} TLSA, {"secure" if signed else "insecure"}',
          len(reply.data('TLSA')) == len(host.tlsa) and secure == signed, (reply.rcode, reply.ad))
    if host.tlsa_answer == 'alias':
        check(f'dns {name}: TLSA stands behind a CNAME', len(reply.data('CNAME')) == 1)


def addresses(row, host, name):
    reply = ask(name, 'A')
    if row.security in ('bogus', 'expired'):
        check(f'dns {name}: A is SERVFAIL', reply.rcode == 'SERVFAIL', reply.rcode)
    elif host.alias:
        check(f'dns {name}: alias of {host.alias}', reply.data('CNAME') == [host.alias.rstrip('.')]
              and len(reply.data('A')) == 1, reply.answers)
    else:
        check(f'dns {name}: {host.addresses} addresses', len(reply.data('A')) == host.addresses
              and reply.ad == MX_ANSWER[row.security][1], reply.answers)
    if host.aaaa == 'bogus':
        check(f'dns {name}: AAAA is SERVFAIL', ask(name, 'AAAA').rcode == 'SERVFAIL')


def sts_records(row):
    reply = ask(f'_mta-sts.{row.domain}', 'TXT')
    check(f'dns {row.domain}: {len(row.sts.txt)} TXT', sorted(reply.data('TXT')) == sorted(row.sts.txt),
          reply.answers)
    check(f'dns mta-sts.{row.domain}: an address', any(ask(f'mta-sts.{row.domain}', kind).data(kind) for kind in ('A', 'AAAA')))


# ---- SMTP -----------------------------------------------------------------------------

def trusting():
    context = ssl.create_default_context(cafile=os.environ['LAB_CA'])
    context.hostname_checks_common_name = False
    return context


def careless():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def starttls(address, name, context):
    """Connect, EHLO, STARTTLS, EHLO; returns the connection and the leaf."""
    client = smtplib.SMTP(address, 25, 'selftest.test', timeout=5)
    client.ehlo()
    if client.docmd('STARTTLS')[0] != 220:
        raise smtplib.SMTPException('refused')
    client.sock = context.wrap_socket(client.sock, server_hostname=name)
    client.file = None
    client.ehlo()
    return client, client.sock.getpeercert(True)


def plaintext(name, address, smtp):
    """What shows before TLS; returns whether TLS is worth a try."""
    if smtp in ('down', 'silent'):
        try:
            smtplib.SMTP(address, 25, 'selftest.test', timeout=1)
            check(f'smtp {name}: {smtp}', False)
        except OSError:
            check(f'smtp {name}: {smtp}', True)
        return False
    with smtplib.SMTP(address, 25, 'selftest.test', timeout=5) as client:
        client.ehlo()
        check(f'smtp {name}: STARTTLS {"absent" if smtp == "plain" else "offered"}',
              client.has_extn('starttls') == (smtp != 'plain'))
        check(f'smtp {name}: REQUIRETLS before TLS', client.has_extn('requiretls') ==
              (smtp == 'requiretls-early'))
        if smtp == 'refuse':
            check(f'smtp {name}: 454', client.docmd('STARTTLS')[0] == 454)
        if smtp == 'injection':
            client.docmd('STARTTLS')
            check(f'smtp {name}: plaintext behind the 220', client.file.peek().startswith(b'250-'))
            client.close()
    return smtp in ('starttls', 'requiretls', 'requiretls-early', 'broken')


INVALID = {'self-signed', 'untrusted', 'omit-chain', 'other-name', 'cn-only', 'domain-name', 'expired',
           'not-yet-valid', 'partial-wildcard'}


def valid_for_pkix(words):
    return not set(words.split('+')) & INVALID and 'name=' not in words


def smtp(host, name, address):
    if not plaintext(name, address, host.smtp):
        return
    try:
        client, leaf = starttls(address, name, careless())
        with client:
            check(f'smtp {name}: TLS {client.sock.version()}', host.smtp != 'broken')
            check(f'smtp {name}: REQUIRETLS in TLS', client.has_extn('requiretls') ==
                  (host.smtp == 'requiretls'))
    except OSError as error:
        check(f'smtp {name}: handshake breaks', host.smtp == 'broken', error)
        return
    check(f'smtp {name}: certificate is {host.cert}', pkix(address, name) == valid_for_pkix(host.cert))
    matching(host, name, leaf)


def pkix(address, name):
    try:
        starttls(address, name, trusting())[0].close()
        return True
    except ssl.SSLCertVerificationError:
        return False


def matching(host, name, leaf):
    """Where the table says "leaf", a record matches what is presented, else none does."""
    import hashlib
    own = [text for text in host.tlsa if text.split()[3] in ('leaf', 'wrong')]
    if not own or host.tlsa_answer == 'bogus':
        return
    hit = False
    for record in ask(f'_25._tcp.{name}', 'TLSA').data('TLSA'):
        _, selector, kind, data = record.split()
        octets = leaf if selector == '0' else spki(leaf)
        hit |= kind == '1' and hashlib.sha256(octets).hexdigest() == data
    check(f'smtp {name}: TLSA {", ".join(host.tlsa)}', hit == any('leaf' in text for text in own))


# ---- HTTPS ----------------------------------------------------------------------------

HTTP_STATUS = {'404': 404, '500': 500, 'redirect': 301, '204': 204, '206': 206, '503': 503}
NO_REPLY = ('slow', 'hang', 'down', 'cut', 'reset', 'endless', 'flood', 'not-http', 'plaintext', 'tls11')
NO_POLICY = ('oversize', 'gzip', 'bomb', '204')
TYPE = {'type': 'text/html', 'parameters': 'TEXT/Plain; charset=utf-8; format=flowed', 'no-type': None, '204': None}


def fetch(name, context):
    address = (ask(name, 'A').data('A') or ask(name, 'AAAA').data('AAAA'))[-1]  # dead ones come first
    connection = http.client.HTTPSConnection(name, timeout=2, context=context)
    plain = socket.create_connection((address, 443), 2)
    connection.sock = context.wrap_socket(plain, server_hostname=name)
    patience = threading.Timer(2, connection.sock.shutdown, [socket.SHUT_RDWR])
    patience.start()
    try:
        connection.request('GET', '/.well-known/mta-sts.txt')
        reply = connection.getresponse()
        return reply, reply.read()
    finally:
        patience.cancel()


def https(row):
    name, behaviour = f'mta-sts.{row.domain}', row.sts.https
    try:
        reply, body = fetch(name, careless())
    except (OSError, http.client.HTTPException) as error:
        check(f'https {name}: {behaviour}', behaviour in NO_REPLY, error)
        return
    check(f'https {name}: {behaviour}', reply.status == HTTP_STATUS.get(behaviour, 200)
          and behaviour not in NO_REPLY and (body == row.sts.body.encode()) == (behaviour not in NO_POLICY)
          and reply.headers['Content-Type'] == TYPE.get(behaviour, 'text/plain')
          and (len(body) > 65536) == (behaviour == 'oversize'), (reply.status, len(body)))
    try:
        fetch(name, trusting())
        good = True
    except ssl.SSLCertVerificationError:
        good = False
    check(f'https {name}: certificate is {row.sts.cert}', good == valid_for_pkix(row.sts.cert))


# ---- Attacks and changes ----------------------------------------------------------------

def say(*words):
    return control.exchange(words)[-1] == 'ok'


def tlsa_state(name):
    reply = ask(f'_25._tcp.{name}', 'TLSA')
    return reply.rcode, reply.ad, len(reply.data('TLSA'))


def offers(name):
    with smtplib.SMTP(ask(name, 'A').data('A')[0], 25, 'selftest.test', timeout=5) as client:
        client.ehlo()
        return client.has_extn('starttls')


def attacks():
    host, domain = 'mx.dane-ee.test', 'dane-ee.test'
    address = ask(host, 'A').data('A')[0]
    check('control: strip-starttls', say('strip-starttls', host) and not offers(host))
    check('control: undo of one target', say('undo', host) and offers(host))
    before = starttls(address, host, careless())[1]
    check('control: certificate', say('certificate', host, 'self-signed')
          and spki(starttls(address, host, careless())[1]) != spki(before))
    check('control: certificate for another name', say('certificate', 'mx.sts-enforce.test', 'other-name')
          and not pkix(ask('mx.sts-enforce.test', 'A').data('A')[0], 'mx.sts-enforce.test'))
    check('control: undo of all', say('undo') and starttls(address, host, careless())[1] == before)
    check('control: mx of an unsigned domain', say('mx', 'sts-enforce.test', 'mx.attacker.test')
          and ask('sts-enforce.test', 'MX').data('MX') == ['1 mx.attacker.test'])
    check('control: mx of a signed domain is bogus', say('mx', domain, 'plain.attacker.test')
          and ask(domain, 'MX').rcode == 'SERVFAIL' and ask(host, 'A').ad)
    for how in ('servfail', 'refused', 'timeout', 'bogus'):
        check(f'control: fail-tlsa {how}', say('fail-tlsa', host, how)
              and tlsa_state(host) == ('SERVFAIL', False, 0), tlsa_state(host))
    check('control: undo brings MX and TLSA back', say('undo') and ask(domain, 'MX').ad
          and tlsa_state(host) == ('NOERROR', True, 1), tlsa_state(host))
    sts_attacks()
    replay(domain)
    owner(host, domain)


def sts_attacks():
    name = 'mta-sts.sts-enforce.test'
    check('control: block-sts', say('block-sts', 'sts-enforce.test')
          and ask('_mta-sts.sts-enforce.test', 'TXT').rcode == 'NXDOMAIN')
    try:
        fetch(name, careless())
        check('control: block-sts refuses HTTPS', False)
    except ConnectionRefusedError:
        check('control: block-sts refuses HTTPS', True)
    check('control: block-sts in a signed zone', say('block-sts', 'dane-sts.test')
          and ask('_mta-sts.dane-sts.test', 'TXT').rcode == 'SERVFAIL')
    check('control: undo', say('undo') and fetch(name, trusting())[0].status == 200)


def inception(name):
    return ask(name, 'MX', dnssec=True).data('RRSIG')[0]


def replay(domain):
    before = inception(domain)
    check('control: replay shows older signatures', say('replay', domain, '48')
          and abs(before - inception(domain) - 48 * 3600) < 600 and ask(domain, 'MX').ad)
    check('control: undo ends the replay', say('undo') and inception(domain) >= before)


def owner(host, domain):
    check('control: publish-tlsa none', say('publish-tlsa', host)
          and tlsa_state(host)[1:] == (True, 0), tlsa_state(host))
    check('control: publish-tlsa', say('publish-tlsa', host, '3 1 1 leaf', '3 1 1 wrong')
          and tlsa_state(host) == ('NOERROR', True, 2), tlsa_state(host))
    check('control: publish-mx', say('publish-mx', domain, 'mx.hosting.test')
          and ask(domain, 'MX').ad and ask(domain, 'MX').data('MX') == ['10 mx.hosting.test'])
    check('control: publish-sts', say('publish-sts', 'sts-enforce.test', 'none')
          and b'mode: none' in fetch('mta-sts.sts-enforce.test', trusting())[1]
          and ask('_mta-sts.sts-enforce.test', 'TXT').data('TXT') != ['v=STSv1; id=20260101T000000;'])
    check('control: dns insecure', say('dns', domain, 'insecure') and not ask(domain, 'MX').ad
          and ask(domain, 'DS').ad)
    check('control: dns timeout', say('dns', domain, 'timeout') and ask(domain, 'MX').rcode == 'SERVFAIL')
    check('control: nonsense is refused', not say('dns', domain, 'nonsense') and not say('mx', domain)
          and not say('strip-starttls', 'mx.nowhere.test'))
    check('control: undo', say('undo') and ask(domain, 'MX').ad
          and tlsa_state(host) == ('NOERROR', True, 1))


def left_out(row):
    """Rows with IPv6 addresses need a namespace of our own."""
    return row.sts and row.sts.addresses == 'v6' and os.environ['LAB_MODE'] != 'private'


def expectations():
    with open(os.path.join(os.environ['LAB_DIR'], 'destinations.json')) as file:
        facts = json.load(file)
    check('table: destinations.json has every destination', [f['name'] for f in facts] ==
          [row.name for row in DESTINATIONS if not left_out(row)])
    for row in facts:
        check(f'table: {row["name"]} has an expectation',
              row['expect'].get('verdict') in ('deliver', 'defer', 'fail')
              and (row['expect']['verdict'] != 'deliver') == bool(row['expect'].get('reason')))


def main():
    if 'LAB_DIR' not in os.environ:
        os.execv(sys.executable, [sys.executable, '-B', os.path.join(HERE, 'lab.py'), 'run', '--',
                                  sys.executable, '-B', os.path.abspath(__file__)])
    isolation()
    expectations()
    for row in ALL:
        if left_out(row):
            continue
        mx(row)
        for host in row.hosts:
            name = absolute(host.name, row.domain)
            addresses(row, host, name)
            if host.addresses:
                tlsa(row, host, name)
        if row.sts:
            sts_records(row)
            https(row)
    for name, host, address in smtp_hosts():
        smtp(host, name, address)
    attacks()
    print(f'{failures} failed' if failures else 'all good')
    return 1 if failures else 0


def smtp_hosts():
    from world import World
    world = World(ALL)
    return [(name, host, address) for name, (_, host) in world.hosts.items() if not host.alias
            for address in world.host_addresses(name)]


if __name__ == '__main__':
    sys.exit(main())
