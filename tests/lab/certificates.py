# SPDX-License-Identifier: LGPL-2.1-or-later
"""Keys and certificates, made with the openssl command (ECDSA P-256).

`openssl ca` signs many requests in one process and is the one command of
OpenSSL 3.0 that sets both dates; keys and requests are made in parallel.
"""
import hashlib
import os
import ssl
import subprocess
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

DAY = 86400
YEARS = 3650 * DAY

CONFIG = """
[req]
distinguished_name = dn
[dn]
[ca]
default_ca = lab
[lab]
database = ./index
serial = ./serial
new_certs_dir = .
default_md = sha256
policy = any
unique_subject = no
copy_extensions = copyall
x509_extensions = ids
[any]
commonName = optional
[ids]
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""

CA_EXTENSIONS = ('basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign')
LEAF_EXTENSIONS = ('basicConstraints=critical,CA:FALSE', 'keyUsage=critical,digitalSignature',
                   'extendedKeyUsage=serverAuth')


@dataclass(frozen=True)
class Request:
    """A certificate for `name`; `words` as in model.CERTIFICATE_WORDS; `serial` tells twins apart."""
    name: str
    domain: str = ''
    words: str = 'valid'
    serial: int = 0

    @property
    def set(self):
        return frozenset(self.words.split('+'))


@dataclass(frozen=True)
class Issued:
    key: str      # path
    chain: str    # path: what a server sends, leaf first
    der: bytes    # the leaf


def run(arguments, cwd):
    done = subprocess.run(arguments, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True)
    if done.returncode:
        raise RuntimeError(f'{" ".join(arguments)}\n{done.stderr}')


def spki(der):
    """Cut the SubjectPublicKeyInfo out of a certificate: the sixth field behind the version."""
    def element(at):
        length, head = der[at + 1], 2
        if length & 0x80:
            size = length & 0x7f
            length, head = int.from_bytes(der[at + 2:at + 2 + size], 'big'), 2 + size
        return at + head, at + head + length
    at = element(element(0)[0])[0]
    for _ in range(6):  # version, serial, signature, issuer, validity, subject
        at = element(at)[1]
    return der[at:element(at)[1]]


def names_of(request):
    """The common name and the dNSName of a request; the latter may be absent."""
    if 'other-name' in request.set:
        return 'elsewhere.test', 'elsewhere.test'
    for word in request.set:
        if word.startswith('name='):
            return word[5:], word[5:]
    if 'domain-name' in request.set:
        return request.domain, request.domain
    if 'wildcard' in request.set:
        wildcard = '*.' + request.name.split('.', 1)[1]
        return wildcard, wildcard
    if 'partial-wildcard' in request.set:  # mta-sts.d.test: mta-*.d.test
        label, rest = request.name.split('.', 1)
        wildcard = f'{label[:(len(label) + 1) // 2]}*.{rest}'
        return wildcard, wildcard
    return request.name, None if 'cn-only' in request.set else request.name


def dates_of(words):
    now = time.time()
    begin, end = now - YEARS, now + YEARS
    if 'expired' in words:
        end = now - 30 * DAY
    if 'not-yet-valid' in words:
        begin = now + YEARS / 2
    return tuple(time.strftime('%Y%m%d%H%M%SZ', time.gmtime(when)) for when in (begin, end))


def issuer_of(words):
    for issuer in ('self-signed', 'untrusted', 'intermediate'):
        if issuer in words:
            return issuer
    return 'root'


class Certificates:
    """All certificates of one lab; issued ones are remembered by their request."""

    def __init__(self, directory):
        self.directory = os.path.join(directory, 'certificates')
        os.makedirs(self.directory)
        self.config = os.path.join(self.directory, 'openssl.cnf')
        with open(self.config, 'w') as out:
            out.write(CONFIG)
        self.issued, self.anchors, self.contexts = {}, {}, {}
        self.count = 0
        self.make_authorities()

    def path(self, name):
        return os.path.join(self.directory, name)

    def make_authorities(self):
        names = ('root', 'intermediate', 'untrusted')
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda n: self.request_file(n, f'smtpsec lab {n}', CA_EXTENSIONS), names))
        for name in names:
            self.sign('root' if name == 'intermediate' else name, [name], frozenset(),
                      selfsign=name != 'intermediate')
            self.anchors[name] = self.der(name)
        self.ca_file = self.path('root.pem')

    def request_file(self, stem, common_name, extensions):
        """Make STEM.key and STEM.csr."""
        arguments = ['openssl', 'req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256',
                     '-nodes', '-config', self.config, '-keyout', f'{stem}.key', '-out', f'{stem}.csr',
                     '-subj', f'/CN={common_name}']
        for extension in extensions:
            arguments += ['-addext', extension]
        run(arguments, self.directory)

    def sign(self, issuer, stems, words, selfsign=False):
        """Turn STEM.csr into STEM.pem, all stems in one process."""
        place = self.path(f'ca-{issuer}-{self.next_number()}')
        os.makedirs(place)
        open(os.path.join(place, 'index'), 'w').close()
        first = int.from_bytes(os.urandom(6), 'big') | 1 << 47
        with open(os.path.join(place, 'serial'), 'w') as out:
            out.write(f'{first:012X}\n')
        begin, end = dates_of(words)
        run(['openssl', 'ca', '-batch', '-notext', '-config', self.config, '-startdate', begin,
             '-enddate', end, '-keyfile', self.path(f'{issuer}.key')]
            + (['-selfsign'] if selfsign else ['-cert', self.path(f'{issuer}.pem')])
            + ['-infiles'] + [self.path(f'{stem}.csr') for stem in stems], place)
        for number, stem in enumerate(stems):
            os.rename(os.path.join(place, f'{first + number:012X}.pem'), self.path(f'{stem}.pem'))

    def next_number(self):
        self.count += 1
        return self.count

    def der(self, stem):
        with open(self.path(f'{stem}.pem')) as file:
            return ssl.PEM_cert_to_DER_cert(file.read())

    def issue(self, requests):
        """Make what is not there yet."""
        todo = {request: f'leaf-{self.next_number()}' for request in dict.fromkeys(requests)
                if request not in self.issued}
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda item: self.leaf_request(*item), todo.items()))
            list(pool.map(lambda batch: self.sign(*batch), self.batches(todo)))
        for request, stem in todo.items():
            self.issued[request] = self.assemble(request, stem)

    def leaf_request(self, request, stem):
        common_name, dns_name = names_of(request)
        extensions = LEAF_EXTENSIONS + ((f'subjectAltName=DNS:{dns_name}',) if dns_name else ())
        self.request_file(stem, common_name, extensions)

    def batches(self, todo):
        """Group by issuer and dates; a self-signed one is a group by itself, its own key signs."""
        groups = defaultdict(list)
        for request, stem in todo.items():
            issuer, dates = issuer_of(request.set), request.set & {'expired', 'not-yet-valid'}
            own = issuer == 'self-signed'
            groups[stem if own else issuer, dates, own].append(stem)
        return [(issuer, stems, dates, own) for (issuer, dates, own), stems in groups.items()]

    def assemble(self, request, stem):
        sent, issuer = [stem], issuer_of(request.set)
        if issuer == 'intermediate' and 'omit-chain' not in request.set:
            sent.append('intermediate')
        if 'send-root' in request.set:
            sent.append('root')
        chain = self.path(f'{stem}.chain.pem')
        with open(chain, 'w') as out:
            for name in sent:
                with open(self.path(f'{name}.pem')) as file:
                    out.write(file.read())
        return Issued(self.path(f'{stem}.key'), chain, self.der(stem))

    def context(self, request):
        """The TLS context of a server that presents this certificate."""
        if request not in self.contexts:
            if request not in self.issued:
                self.issue([request])
            issued = self.issued[request]
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(issued.chain, issued.key)
            self.contexts[request] = context
        return self.contexts[request]


def association(text, certificates, leaf_of):
    """Turn 'USAGE SELECTOR MATCHING WHAT' into TLSA data.

    WHAT is leaf, root, intermediate, untrusted, another host's name with a final
    dot, wrong (a digest of nothing that is used) or short (one octet too few).
    leaf_of(name) gives the DER of a host's leaf; name None: the host itself.
    """
    usage, selector, matching, what = text.split()
    if what in certificates.anchors:
        der = certificates.anchors[what]
    else:
        der = leaf_of(what[:-1] if what.endswith('.') else None)
    data = der if selector == '0' else spki(der)
    if what == 'wrong':
        data += b'wrong'
    if matching != '0':
        data = {'1': hashlib.sha256, '2': hashlib.sha512}[matching](data).digest()
    if what == 'short':
        data = data[:-1]
    return f'{usage} {selector} {matching} {data.hex()}'
