# SPDX-License-Identifier: LGPL-2.1-or-later
"""The SMTP servers of all hosts: what they do stands in the world's row of the address."""
import os
import threading
import time

from listen import Listeners, Log

MESSAGE_LIMIT = 10 * 1024 * 1024


class Smtp:
    def __init__(self, lab):
        self.lab = lab
        self.log = Log(os.path.join(lab.directory, 'smtp.log'))
        self.mail = os.path.join(lab.directory, 'mail')
        os.makedirs(self.mail)
        self.lock = threading.Lock()
        self.listeners = Listeners(25, lambda *where: Session(self, *where).run())

    def store(self, address, headers, message):
        """Keep a message as mail/ADDRESS/N.eml."""
        place = os.path.join(self.mail, address)
        with self.lock:
            os.makedirs(place, exist_ok=True)
            path = os.path.join(place, f'{len(os.listdir(place)) + 1}.eml')
            with open(path + '.new', 'wb') as out:
                out.write(b''.join(f'{line}\r\n'.encode() for line in headers) + message)
            os.rename(path + '.new', path)
        return path


class Session:
    """One connection."""

    def __init__(self, server, connection, address, peer):
        self.server, self.connection, self.address = server, connection, address
        self.name = server.lab.world.at[address]
        self.behaviour = server.lab.world.hosts[self.name][1].smtp
        self.tls = self.sni = None
        self.buffer = b''
        self.greeted, self.sender, self.recipients, self.options = False, None, [], ''
        self.who = f'{peer[0]}:{peer[1]}'

    def log(self, *words):
        self.server.log.write(self.address, self.name, self.who, *words)

    def say(self, *lines):
        text = ''.join(f'{line}\r\n' for line in lines)
        (self.tls or self.connection).sendall(text.encode())

    def line(self):
        while b'\n' not in self.buffer:
            more = (self.tls or self.connection).recv(4096)
            if not more or len(self.buffer) > 65536:
                raise ConnectionError
            self.buffer += more
        line, self.buffer = self.buffer.split(b'\n', 1)
        return line.rstrip(b'\r').decode('utf-8', 'replace')

    def run(self):
        self.log('connect')
        if self.behaviour == 'silent':
            self.connection.recv(1)
            return
        try:
            self.say(f'{554 if self.behaviour == "unfriendly" else 220} {self.name} ESMTP lab')
            while self.command(self.line()):
                pass
        except OSError as error:
            self.log('lost', type(error).__name__, error)
        finally:
            self.log('close')
            if self.tls:
                self.tls.close()

    def command(self, line):
        self.log('tls' if self.tls else 'plain', line)
        verb = line.split(' ', 1)[0].split(':', 1)[0].upper()
        action = {'EHLO': self.ehlo, 'HELO': self.helo, 'STARTTLS': self.starttls, 'MAIL': self.mail,
                  'RCPT': self.rcpt, 'DATA': self.data, 'RSET': self.rset, 'NOOP': self.noop,
                  'QUIT': self.quit}.get(verb, self.unknown)
        return action(line)

    # ---- commands; each returns whether to go on

    def extensions(self):
        found = ['8BITMIME', f'SIZE {MESSAGE_LIMIT}']
        if not self.tls and self.behaviour not in ('plain', 'rude'):
            found.append('STARTTLS')
        if self.behaviour == ('requiretls' if self.tls else 'requiretls-early'):
            found.append('REQUIRETLS')
        return found

    def ehlo(self, line):
        if self.behaviour == 'helo-only':
            self.say('502 5.5.1 not implemented')
            return True
        words = [f'{self.name} greets you', *self.extensions()]
        self.say(*(f'250-{word}' for word in words[:-1]), f'250 {words[-1]}')
        self.greeted = True
        return self.rset(line, quiet=True)

    def helo(self, line):
        self.say(f'250 {self.name}')
        self.greeted = True
        return self.rset(line, quiet=True)

    def starttls(self, _):
        if self.tls or self.behaviour in ('plain', 'rude', 'helo-only'):
            self.say('502 5.5.1 not now')
        elif self.behaviour == 'refuse':
            self.say('454 4.7.0 TLS not available due to temporary reason')
        elif self.behaviour in ('hang-up', 'closing'):
            if self.behaviour == 'closing':
                self.say('421 4.3.2 shutting down')
            return False
        elif self.behaviour in ('broken', 'demanding'):
            self.say('220 2.0.0 go ahead')
            self.connection.recv(4096)
            self.say('this is not TLS')
            return False
        else:
            extra = ['250-injected.test', '250 AUTH PLAIN'] if self.behaviour == 'injection' else []
            self.say('220 2.0.0 go ahead', *extra)
            self.handshake()
        return True

    def handshake(self):
        lab = self.server.lab
        context = lab.certificates.context(lab.world.presented_request(self.name))

        def note(tls, name, _):
            tls.lab_sni = name
        context.sni_callback = note
        tls = context.wrap_socket(self.connection, server_side=True)
        self.tls, self.sni = tls, getattr(tls, 'lab_sni', None)
        self.greeted, self.buffer = False, b''  # RFC 3207 4.2: all is forgotten
        self.log('handshake', tls.version(), tls.cipher()[0], f'sni={self.sni}')

    def mail(self, line):
        if not self.greeted or self.sender is not None:
            self.say('503 5.5.1 out of order')
        elif self.behaviour == 'demanding' and not self.tls:
            self.say('530 5.7.0 Must issue a STARTTLS command first')
        elif self.behaviour == 'rude':
            self.say('550 5.7.1 go away')
        elif 'REQUIRETLS' in line.upper().split('>')[-1].split() and 'REQUIRETLS' not in self.extensions():
            self.say('555 5.5.4 REQUIRETLS is not offered')
        else:
            self.sender, _, self.options = line[10:].strip().partition(' ')
            self.say('250 2.1.0 sender ok')
        return True

    def rcpt(self, line):
        if self.sender is None:
            self.say('503 5.5.1 MAIL first')
        elif self.behaviour == 'busy':
            self.say('450 4.3.2 too busy, come again')
        else:
            self.recipients.append(line[8:].strip())
            self.say('250 2.1.5 recipient ok')
        return True

    def data(self, _):
        if not self.recipients:
            self.say('503 5.5.1 RCPT first')
            return True
        self.say('354 go ahead')
        lines, size = [], 0
        while (line := self.line_of_data()) != b'.':
            line = line[1:] if line.startswith(b'.') else line
            lines.append(line)
            size += len(line) + 2
            if size > MESSAGE_LIMIT:
                raise ConnectionError('too long')
        path = self.server.store(self.address, self.trace(), b''.join(li + b'\r\n' for li in lines))
        self.log('stored', path)
        self.say('250 2.0.0 stored')
        return self.rset('', quiet=True)

    def line_of_data(self):
        while b'\n' not in self.buffer:
            more = (self.tls or self.connection).recv(65536)
            if not more:
                raise ConnectionError
            self.buffer += more
        line, self.buffer = self.buffer.split(b'\n', 1)
        return line.rstrip(b'\r')

    def trace(self):
        tls = f'{self.tls.version()} {self.tls.cipher()[0]}' if self.tls else 'none'
        return [f'X-Lab-Host: {self.name}', f'X-Lab-TLS: {tls}', f'X-Lab-SNI: {self.sni or "none"}',
                f'X-Lab-Mail-From: {self.sender}', f'X-Lab-Mail-Options: {self.options or "none"}',
                f'X-Lab-Rcpt-To: {", ".join(self.recipients)}',
                f'X-Lab-Date: {time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}']

    def rset(self, _, quiet=False):
        self.sender, self.recipients, self.options = None, [], ''
        if not quiet:
            self.say('250 2.0.0 ok')
        return True

    def noop(self, _):
        self.say('250 2.0.0 ok')
        return True

    def quit(self, _):
        self.say('221 2.0.0 bye')
        return False

    def unknown(self, _):
        self.say('500 5.5.1 what?')
        return True
