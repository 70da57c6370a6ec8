#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""smtpsec serve: what its clients, friendly and hostile, see of it; reload, stop, upkeep.

One line a check; inside the lab, or it enters by itself. SMTPSEC_WRAPPER, such
as "valgrind --error-exitcode=99", is put in front of the daemon.
"""
import sys

sys.dont_write_bytecode = True

import os  # noqa: E402
import re  # noqa: E402
import resource  # noqa: E402
import select  # noqa: E402
import shlex  # noqa: E402
import shutil  # noqa: E402
import signal  # noqa: E402
import socket  # noqa: E402
import stat  # noqa: E402
import subprocess  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
import urllib.error  # noqa: E402
import urllib.request  # noqa: E402

from netstrings import netstring  # noqa: E402
from tool import Run, Score, Tool, arguments, enter_lab, say, within_reach  # noqa: E402

DAY = 86400
METRICS = 9911
SLOW, FAST = 'sts-enforce.test', 'dane-ee.test'   # SLOW while its policy host is late
WRAPPER = shlex.split(os.environ.get('SMTPSEC_WRAPPER', ''))
PATIENCE = 30 if WRAPPER else 10
QUICK = 5 if WRAPPER else 0.5   # seconds for what waits for nothing
IDLE_S = 15


def expect(found, wanted):
    return [] if found == wanted else [f'expected {wanted}, found {found}']


def ask_for(domain, table='smtpsec'):
    return netstring(f'{table} {domain}')


class Client:
    """A connection, as Postfix has one."""

    def __init__(self, address):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.sock = socket.socket(family)
        self.sock.settimeout(PATIENCE * 3)
        self.sock.connect(address)
        self.rest = b''

    def send(self, octets):
        self.sock.sendall(octets)

    def reply(self):
        """The next one; None at the end of the stream."""
        while True:
            found = re.match(rb'(\d+):', self.rest)
            if found and len(self.rest) > found.end() + int(found[1]):
                end = found.end() + int(found[1])
                text, self.rest = self.rest[found.end():end], self.rest[end + 1:]
                return text.decode('ascii')
            more = self.sock.recv(65536)
            if not more:
                return None
            self.rest += more

    def ask(self, *domains):
        self.send(b''.join(ask_for(domain) for domain in domains))
        return [self.reply() for _ in domains]

    def silent(self, seconds):
        """Does nothing come, no end either, for that long?"""
        return not select.select([self.sock], [], [], seconds)[0]

    def ended(self):
        try:
            return self.reply() is None
        except ConnectionError:
            return True

    def close(self):
        self.sock.close()


class Daemon:
    def __init__(self, tool, folder, *words, memory=None, listen=None):
        self.path = os.path.join(folder, 'socket')
        self.log = os.path.join(folder, 'log')
        command = [*WRAPPER, tool.smtpsec, 'serve', *tool.common, '--listen', listen or f'unix:{self.path}',
                   '--metrics', f'inet:127.0.0.1:{METRICS}']
        if memory:
            command += ['--memory', memory]
        self.command = command + [str(word) for word in words]
        self.since = os.path.getsize(self.log) if os.path.exists(self.log) else 0
        with open(self.log, 'ab') as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.wait_for('answering')

    def text(self):
        with open(self.log, errors='replace') as file:
            file.seek(self.since)
            return file.read()

    def wait_for(self, words, count=1):
        end = time.monotonic() + PATIENCE
        while self.text().count(words) < count:
            if time.monotonic() > end or self.process.poll() is not None:
                raise RuntimeError(f'no "{words}" in: {self.text()[-3000:]}')
            time.sleep(0.02)

    def client(self):
        return Client(self.path)

    def signal(self, number, words, count=1):
        self.process.send_signal(number)
        self.wait_for(words, count)

    def stop(self):
        self.process.terminate()
        try:
            status = self.process.wait(PATIENCE * 2)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = f'had to be killed: {self.process.wait()}'
        text = self.text()
        return 'sanitizer' if 'Sanitizer' in text or 'runtime error:' in text else status


def figures():
    """The page: each name with its labels -> value."""
    with urllib.request.urlopen(f'http://127.0.0.1:{METRICS}/metrics', timeout=PATIENCE) as page:
        text = page.read().decode()
    found = {}
    for line in text.splitlines():
        if not line.startswith('#'):
            name, value = line.rsplit(' ', 1)
            found[name.removeprefix('smtpsec_serve_')] = float(value)
    return found


def log_size(name):
    path = os.path.join(os.environ['LAB_DIR'], name)
    return os.path.getsize(path) if os.path.exists(path) else 0


def questions(since, domain):
    """How often the resolver was asked for the MX records of a domain."""
    time.sleep(0.2)
    with open(os.path.join(os.environ['LAB_DIR'], 'unbound.log'), errors='replace') as file:
        file.seek(since)
        return len(re.findall(rf'query: \S+ {re.escape(domain)}\. MX ', file.read()))


def asked_at_all(since):
    time.sleep(0.2)
    with open(os.path.join(os.environ['LAB_DIR'], 'unbound.log'), errors='replace') as file:
        file.seek(since)
        return file.read().count('query: ')


# ---- Friendly clients ----

def answers(daemon, score):
    client, since = daemon.client(), log_size('unbound.log')
    begin = time.monotonic()
    found = client.ask('.test', '.example.test', '.dane-ee.test')
    score.note('parents are answered at once, and nothing is looked up',
               expect((found, asked_at_all(since), time.monotonic() - begin < QUICK), (['NOTFOUND '] * 3, 0, True)))
    client.send(netstring('nomap example.test'))
    score.note('an unknown map is told so', expect(client.reply().split()[0], 'PERM'))
    client.send(ask_for(FAST) + ask_for(FAST, 'smtpsec-tlsrpt'))
    found = [client.reply(), client.reply()]
    score.note('both maps answer', expect([reply.split()[:2] for reply in found], [['OK', 'dane-only']] * 2))
    client.send(ask_for(FAST, 'smtpsec-report') + ask_for('mx-bogus.test', 'smtpsec-report'))
    score.note('a report demands nothing', expect([client.reply(), client.reply()], ['NOTFOUND '] * 2))
    said = daemon.text()
    score.note('and says what would be said', expect([f'{FAST}\': would say OK dane-only' in said,
               "mx-bogus.test': would say TEMP mx-bogus" in said], [True, True]))
    score.note('an octet at a time', expect([client.send(bytes([octet])) or time.sleep(0.005)
               for octet in ask_for(FAST)] and client.reply(), found[0]))
    client.send(ask_for(FAST))
    client.sock.shutdown(socket.SHUT_WR)
    score.note('who says no more is answered still', expect([client.reply(), client.reply()], [found[0], None]))


def in_order(daemon, score):
    say('https', SLOW, 'late')
    client, other = daemon.client(), daemon.client()
    begin = time.monotonic()
    client.send(ask_for(SLOW) + ask_for(FAST) + ask_for('.test') + ask_for('mx-nxdomain.test') + ask_for(SLOW))
    quick = other.ask(FAST)[0]
    quick_after = time.monotonic() - begin
    found = [client.reply() for _ in range(5)]
    took = time.monotonic() - begin
    say('undo')
    words = [' '.join(reply.split()[:2]) for reply in found]
    score.note('pipelined, slow and fast: answered in order', expect(
        (words[:3], words[4], took > 1.5), (['OK secure', 'OK dane-only', 'NOTFOUND'], 'OK secure', True)))
    score.note('the slow one holds up nobody else', expect((quick.split()[:2], quick_after < 1.5),
               (['OK', 'dane-only'], True)), f'{quick_after * 1000:.0f} ms beside {took:.1f} s')
    many = 200
    found = client.ask(*[FAST, '.test'] * many)
    score.note(f'{2 * many} requests at once: all answered, in order', expect(
        [reply.split()[0] for reply in found], ['OK', 'NOTFOUND'] * many))


def one_flight(daemon, score):
    domain = 'sts-testing.test'
    say('https', domain, 'late')
    since = log_size('unbound.log')
    clients = [daemon.client() for _ in range(50)]
    for client in clients:
        client.send(ask_for(domain))
    time.sleep(0.5)
    running = figures()['evaluations']
    gone = clients.pop(0)   # the first one, for whom it was begun
    gone.close()
    replies = {client.reply() for client in clients}
    say('undo')
    score.note('50 ask at once, the first one leaves: one evaluation', expect(
        (questions(since, domain), running, len(replies)), (1, 1.0, 1)))
    for client in clients:
        client.close()
    since, before = log_size('unbound.log'), figures()['plan_hits_total']
    daemon.client().ask(domain, domain)
    score.note('and then the plan is kept', expect(
        (questions(since, domain), figures()['plan_hits_total'] - before), (0, 2.0)))


def abandoned(daemon, score):
    say('https', 'sts-none.test', 'hang')
    client = daemon.client()
    client.send(ask_for('sts-none.test'))
    time.sleep(0.7)
    during = figures()['evaluations']
    client.close()
    time.sleep(0.5)
    after = figures()['evaluations']
    say('undo')
    score.note('for whom nobody waits, nobody evaluates', expect((during, after), (1.0, 0.0)))


def hanging_policies(daemon, score):
    """More policy hosts that never reply than the library has places for beginning fetches."""
    hanging = ('sts-none.test', 'sts-404.test', 'sts-wildcard.test', 'sts-type.test', 'sts-redirect.test')
    domain = 'sts-intermediate.test'
    for name in hanging:
        say('https', name, 'hang')
    hostile, other = daemon.client(), daemon.client()
    hostile.send(b''.join(ask_for(name) for name in hanging))
    begin = time.monotonic()
    found = other.ask(domain)[0]
    took = time.monotonic() - begin
    hostile.close()
    say('undo')
    score.note('policy hosts that hang keep no other policy away', expect(
        (found.split()[:2], took < PATIENCE), (['OK', 'secure'], True)), f'{took:.1f} s')


def many_connections(daemon, score):
    before = figures()['connections']
    clients = [daemon.client() for _ in range(300)]
    for client in clients:
        client.send(ask_for(FAST))
    replies = {client.reply() for client in clients}
    score.note('300 connections', expect((len(replies), figures()['connections'] - before), (1, 300.0)))
    for client in clients:
        client.close()
    time.sleep(0.3)
    score.note('and they are gone', expect(figures()['connections'], before))


# ---- Hostile ones ----

def hostile(daemon, score):
    quick = daemon.client()
    before = figures()
    for name, octets in (('garbage', b'GET / HTTP/1.1\r\n\r\n'), ('no comma', b'3:abcd'), ('leading zero', b'01:a,'),
                         ('oversized', b'10001:' + b'x' * 500), ('endless length', b'9' * 100),
                         ('NUL', b'\0' * 50)):
        client = daemon.client()
        client.send(octets)
        score.note(f'{name}: that connection is closed', [] if client.ended() else 'it is not')
    client = daemon.client()
    client.send(ask_for(FAST) + b'rubbish')
    score.note('what came before rubbish is answered', expect([client.reply().split()[0], client.reply()], ['OK', None]))
    client = daemon.client()
    client.send(netstring(b'smtpsec \xff\x00\r\n; DROP TABLE') + netstring('smtpsec ' + 'x' * 9000) + netstring('') +
                netstring('smtpsec') + netstring('smtpsec '))
    replies = [client.reply() for _ in range(5)]
    score.note('strange keys are answered, and not with OK', [reply for reply in replies
               if reply.split()[0] not in ('NOTFOUND', 'PERM', 'TEMP')])
    log = open(daemon.log, 'rb').read()
    score.note('and cannot write into the log', [] if b'\xff' not in log and b'\n; DROP' not in log else 'they do')
    score.note('malformed ones are counted', expect(
        figures()['connections_ended_total{cause="malformed"}'] - before['connections_ended_total{cause="malformed"}'],
        7.0))
    score.note('nobody else noticed', expect(quick.ask(FAST)[0].split()[:2], ['OK', 'dane-only']))


def memory_of(process):
    with open(f'/proc/{process.pid}/status') as file:
        return int(re.search(r'VmRSS:\s+(\d+)', file.read())[1]) // 1024


def stalled(daemon, score):
    """Half a request, replies that nobody reads, and an idle one, all at once; all that takes time is here."""
    idle, half, quick = daemon.client(), daemon.client(), daemon.client()
    idle.ask(FAST)
    half.send(b'20:smtpsec ')
    deaf = daemon.client()
    deaf.sock.setblocking(False)
    before, sent, end = memory_of(daemon.process), 0, time.monotonic() + 5
    block = ask_for('.test') * 10000
    while time.monotonic() < end and select.select([], [deaf.sock], [], 1)[1]:
        sent += deaf.sock.send(block)
    grown = memory_of(daemon.process) - before
    score.note('who does not read is not read either, and costs little', expect(
        (sent < 8 << 20, grown < 20), (True, True)), f'{sent >> 10} KiB taken, {grown} MiB')
    begin = time.monotonic()
    reply = quick.ask(FAST)[0]
    score.note('beside it others are quick', expect((reply.split()[0], time.monotonic() - begin < QUICK), ('OK', True)))
    score.note(f'an idle connection stays for {IDLE_S} s and answers', [] if idle.silent(IDLE_S) and
               idle.ask(FAST)[0] == reply else 'it does not')
    half.sock.settimeout(40)
    score.note('half a request has its time', [] if half.ended() else 'it has no end')
    time.sleep(max(0, begin + 34 - time.monotonic()))
    found = figures()
    score.note('both who stalled are counted, the idle one is there', expect(
        (found['connections_ended_total{cause="stalled"}'], idle.silent(0), idle.ask(FAST)[0]), (2.0, True, reply)))


def page(score):
    def status(request):
        with socket.create_connection(('127.0.0.1', METRICS), PATIENCE) as sock:
            sock.sendall(request)
            try:
                return sock.makefile('rb').read().split(b'\r\n')[0].decode()
            except ConnectionError:
                return ''
    score.note('the page and nothing but the page', expect(
        [status(b'GET /metrics HTTP/1.0\r\n\r\n'), status(b'GET / HTTP/1.0\r\n\r\n'),
         status(b'POST /metrics HTTP/1.0\r\n\r\n'), status(b'GET ' + b'x' * 9000)],
        ['HTTP/1.1 200 OK', 'HTTP/1.1 404 Not Found', 'HTTP/1.1 405 Method Not Allowed', '']))
    holding = [socket.create_connection(('127.0.0.1', METRICS)) for _ in range(40)]
    time.sleep(0.3)
    for sock in holding:
        sock.close()
    found = figures()
    wanted = ('requests_total{map="smtpsec",reply="ok"}', 'requests_total{map="smtpsec-tlsrpt",reply="ok"}',
              'requests_total{map="smtpsec",reply="notfound"}', 'requests_total{map="smtpsec",reply="perm"}',
              'connections_total', 'evaluations_total', 'evaluations_joined_total', 'plan_hits_total', 'plans',
              'library_total{what="evaluations"}', 'request_seconds_count')
    score.note('figures move', [f'{name} is {found.get(name)}' for name in wanted if not found.get(name, 0) > 0])
    buckets = [value for name, value in found.items() if name.startswith('request_seconds_bucket')]
    total = sum(value for name, value in found.items() if name.startswith('requests_total'))
    score.note('and agree', expect((buckets == sorted(buckets), buckets[-1], found['request_seconds_count']),
               (True, total, total)))


# ---- Bounds ----

def bounds(tool, score, folder):
    daemon = Daemon(tool, folder, '--connections', 8, '--evaluations', 1, '--timeout', 3,
                    '--listen', 'inet:127.0.0.1:8460')
    clients = [daemon.client() for _ in range(6)]
    first = [client.ask('.test')[0] for client in clients]
    seventh = daemon.client()
    score.note('a peer has three quarters of the connections', expect((first, seventh.ended()), (['NOTFOUND '] * 6, True)))
    clients[0].close()
    time.sleep(0.2)
    again = daemon.client()
    score.note('and room again when one leaves', expect(again.ask('.test'), ['NOTFOUND ']))
    guests = [Client(('127.0.0.1', 8460)) for _ in range(3)]
    for guest in guests:
        guest.send(ask_for('.test'))
    found = [guests[0].reply(), guests[1].reply(), guests[2].silent(0.5), figures()['connections']]
    again.close()
    found.append(guests[2].reply())
    score.note('others have the rest; at the bound the next one waits and is not sent away', expect(
        found, ['NOTFOUND ', 'NOTFOUND ', True, 8.0, 'NOTFOUND ']))
    say('https', SLOW, 'hang')
    begin = time.monotonic()
    clients[1].send(ask_for(SLOW))
    clients[2].send(ask_for(FAST))
    late, fast = clients[1].reply(), clients[2].reply()
    say('undo')
    score.note('an evaluation has its time, the next one waits for it', expect(
        (time.monotonic() - begin < 6, fast.split()[0] in ('OK', 'TEMP'), late is not None), (True, True, True)))
    since = len(clients)
    for client, count in zip(clients[3:5], (16, 16)):
        client.send(b''.join(ask_for(f'{since}-{n}-{count}.dane-ee.test') for n in range(count)))
        since += 1
    replies = [client.reply() for client in clients[3:5] for _ in range(16)]
    found = figures()
    score.note('a full queue says TEMP', expect(
        (found['queue_refusals_total'] > 0, 'TEMP' in {reply.split()[0] for reply in replies}), (True, True)))
    score.note('exit status', expect(daemon.stop(), 0))


# ---- Sockets ----

def sockets(tool, score, folder):
    path = os.path.join(folder, 'socket')
    owner = []
    if os.geteuid() == 0:
        try:
            os.chown(folder, os.stat(folder).st_uid, 65534)
            os.chown(folder, os.stat(folder).st_uid, 0)
            owner = ['--socket-owner', 'nobody:nogroup']
        except OSError:
            pass
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(path)
    daemon = Daemon(tool, folder, '--socket-mode', '0620', *owner)
    found = os.stat(path)
    score.note('a stale socket is replaced; owner and mode are those asked for', expect(
        (stat.S_IMODE(found.st_mode), found.st_uid), (0o620, 65534 if owner else os.geteuid())))
    second = Run(daemon.command)
    score.note('a second one is refused, the first goes on', expect(
        (second.status, 'already' in second.err, daemon.client().ask('.test')), (69, True, ['NOTFOUND '])))
    score.note('it ends, and takes its socket along', expect((daemon.stop(), os.path.exists(path)), (0, False)))
    with open(path, 'w'):
        pass
    run = Run(daemon.command)
    score.note('what is no socket stays', expect((run.status, os.path.isfile(path)), (73, True)))
    os.unlink(path)
    serve = [tool.smtpsec, 'serve', *tool.common]
    for name, words in (('nowhere', []), ('an address that is not on loopback', ['--listen', 'inet:192.0.2.1:8460']),
                        ('no address', ['--listen', 'inet:host:25']), ('too long', ['--timeout', '76', '--listen', f'unix:{path}']),
                        ('an unknown user', ['--user', 'no-such-user', '--listen', f'unix:{path}'])):
        score.note(f'{name}: refused', expect((Run([*serve, *words]).status, os.path.exists(path)), (64, False)))
    if owner and not WRAPPER:
        unprivileged(tool, score, folder)
    if not WRAPPER:   # which has descriptors of its own
        descriptors(tool, score, folder)
    daemon = Daemon(tool, folder, listen='inet:127.0.0.1:8460')
    score.note('TCP', expect((Client(('127.0.0.1', 8460)).ask('.test'), daemon.stop()), (['NOTFOUND '], 0)))
    if os.path.exists(path):   # whose directory is not his, cannot take his socket along
        os.unlink(path)
    activated(tool, score, path)


def descriptors(tool, score, folder):
    """Under a limit that cannot be raised."""
    WRAPPER[:] = ['prlimit', '--nofile=30:40']
    daemon = Daemon(tool, folder)
    clients = [daemon.client() for _ in range(40)]
    clients[0].send(ask_for(FAST))
    score.note('few descriptors: connections leave enough of them for evaluations', expect(
        (resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE)[0] >= 40, clients[0].reply().split()[:2],
         daemon.signal(signal.SIGHUP, 'smtpsec: reloaded'), daemon.stop()), (True, ['OK', 'dane-only'], None, 0)))
    WRAPPER.clear()


def unprivileged(tool, score, folder):
    """Root opens the socket; who answers is nobody, for good, and the memory is his."""
    memory = os.path.join(folder, 'his')
    os.mkdir(memory, 0o700)
    os.chown(memory, 65534, 65534)
    os.chmod(folder, 0o755)
    daemon = Daemon(Tool(within_reach(tool.smtpsec)), folder, '--user', 'nobody', memory=memory)
    with open(f'/proc/{daemon.process.pid}/status') as file:
        status = file.read()
    found = [re.search(rf'{name}:\s+(.*)', status)[1].split() for name in ('Uid', 'Gid', 'Groups')]
    score.note('--user: no way back, and the memory is there', expect(
        (found, figures()['memory_state'], daemon.client().ask('.test')),
        ([['65534'] * 4, ['65534'] * 4, ['65534']], 1.0, ['NOTFOUND '])))
    score.note('and it reloads and ends as he', expect(
        (daemon.signal(signal.SIGHUP, 'smtpsec: reloaded'), figures()['memory_state'], daemon.stop()), (None, 1.0, 0)))


def activated(tool, score, path):
    """As systemd does: the socket is there before the daemon, and its descriptor is 3."""
    with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        listening.bind(path)
        listening.listen()
        notified.bind(path + '.notify')
        notified.settimeout(PATIENCE)

        def child():
            os.dup2(listening.fileno(), 3)
            os.set_inheritable(3, True)
            os.environ['LISTEN_PID'] = str(os.getpid())

        environment = os.environ | {'LISTEN_FDS': '1', 'NOTIFY_SOCKET': path + '.notify'}
        shell = f'LISTEN_PID=$$ exec {shlex.join([tool.smtpsec, "serve", *tool.common])}'
        process = subprocess.Popen(['sh', '-c', shell], env=environment, preexec_fn=child, close_fds=False,
                                   stderr=subprocess.DEVNULL)
        told = [notified.recv(1000).decode().split('\n')[0]]
        found = Client(path).ask('.test')
        process.send_signal(signal.SIGHUP)
        told += [notified.recv(1000).decode().split('\n')[0] for _ in range(2)]
        process.terminate()
        told.append(notified.recv(1000).decode().split('\n')[0])
        score.note('a socket handed over, and its owner told of each step', expect(
            (found, told, process.wait(), os.path.exists(path)),
            (['NOTFOUND '], ['READY=1', 'RELOADING=1', 'READY=1', 'STOPPING=1'], 0, True)))


# ---- Reload and stop ----

def reload(tool, score, folder):
    policy = os.path.join(folder, 'policy')
    domain = 'plain.test'

    def write(text):
        with open(policy, 'w') as file:
            file.write(text)

    write('')
    daemon = Daemon(tool, folder, '--policy', policy)
    client, waiting = daemon.client(), daemon.client()
    before = client.ask(FAST)[0]
    say('https', SLOW, 'late')
    waiting.send(ask_for(SLOW) + ask_for(FAST))   # whose plan is there, and waits for its turn
    time.sleep(0.3)
    write('hold never\n')
    daemon.signal(signal.SIGHUP, 'not reloaded')
    score.note('a faulty policy file: all stays as it was', expect(client.ask(FAST)[0], before))
    write(f'level {FAST} mta-sts\n')
    daemon.signal(signal.SIGHUP, 'smtpsec: reloaded')
    after = client.ask(FAST)[0]
    score.note('a good one counts at once, on the same connection', expect(
        (before.split()[0], after.split()[0]), ('OK', 'TEMP')), after)
    score.note('who waited meanwhile is answered', expect(waiting.reply().split()[:2], ['OK', 'secure']))
    score.note('and not from a plan made before', expect(waiting.reply(), after))
    say('undo')
    found = figures()
    score.note('both are counted, and evaluations over both', expect(
        (found['reloads_total'], found['reload_failures_total'], found['library_total{what="evaluations"}'] >= 3),
        (1.0, 1.0, True)))
    for _ in range(20):
        daemon.process.send_signal(signal.SIGHUP)
        client.ask(FAST, '.test')
    score.note('twenty reloads under way', expect((client.ask('.test'), daemon.stop()), (['NOTFOUND '], 0)))


def stop(tool, score, folder):
    daemon = Daemon(tool, folder)
    say('https', SLOW, 'late')
    waiting, idle = daemon.client(), daemon.client()
    idle.ask('.test')
    waiting.send(ask_for(SLOW) + ask_for(FAST))
    time.sleep(0.5)
    daemon.signal(signal.SIGTERM, 'stopping')
    found = [waiting.reply(), waiting.reply(), waiting.reply()]
    score.note('SIGTERM: what was asked is answered, then all ends', expect(
        ([reply and reply.split()[0] for reply in found], idle.ended(), daemon.process.wait()),
        (['OK', 'OK', None], True, 0)))
    daemon = Daemon(tool, folder)
    say('https', SLOW, 'hang')
    waiting, begin = daemon.client(), time.monotonic()
    waiting.send(ask_for(SLOW))
    time.sleep(0.5)
    daemon.signal(signal.SIGINT, 'stopping')
    found = [waiting.reply(), waiting.reply()]
    say('undo')
    score.note('SIGINT: what takes too long gets TEMP', expect(
        ([reply and reply.split()[0] for reply in found], daemon.process.wait(), time.monotonic() - begin < 9),
        (['TEMP', None], 0, True)))


def impatient(tool, score, folder):
    """Signals all the time, to the very end."""
    found = set()
    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
        daemon = Daemon(tool, folder)
        daemon.process.terminate()
        while daemon.process.poll() is None:
            daemon.process.send_signal(number)
        found.add(daemon.process.returncode)
    score.note('signals on its way out do not kill it', expect(found, {0}))


# ---- Upkeep ----

def upkeep(tool, score, folder):
    memory, now = os.path.join(folder, 'memory'), int(time.time())
    os.mkdir(memory, 0o700)
    Run([tool.smtpsec, 'check', *tool.common, '--memory', memory, '--now', now, SLOW])
    upgraded = Tool(os.path.join(folder, 'bin', 'smtpsec'))   # the program that runs is no more when it clears up
    os.mkdir(upgraded.folder)
    shutil.copy(tool.smtpsec, upgraded.smtpsec)
    os.symlink(os.path.join(os.path.dirname(tool.folder), 'lib'), os.path.join(folder, 'lib'))   # in a build directory
    daemon = Daemon(tool if WRAPPER else upgraded, folder, '--upkeep', 1, '--now', now + DAY, memory=memory)
    os.unlink(upgraded.smtpsec)
    end = time.monotonic() + PATIENCE
    found = figures()
    while time.monotonic() < end and not (found['policies_refreshed_total'] and found['prunes_total']):
        time.sleep(0.2)
        found = figures()
    score.note('what is due is fetched by itself, and the memory is cleared up', expect(
        (found['policies_refreshed_total'], found['prunes_total'], found['memory_state']), (1.0, 1.0, 1.0)))
    daemon.signal(signal.SIGHUP, 'smtpsec: reloaded')
    score.note('a memory survives a reload', expect(
        (daemon.client().ask(SLOW)[0].split()[:2], figures()['memory_state'], daemon.stop()), (['OK', 'secure'], 1.0, 0)))
    run = Run([tool.smtpsec, 'serve', *tool.common, '--memory', memory, '--check'])
    score.note('--check says how it stands', expect((run.status, run.out), (0, 'resolver validates\nmemory ok\n')))
    run = Run([tool.smtpsec, 'serve', *tool.common, '--memory', os.path.join(folder, 'missing'), '--check'])
    score.note('and what is wrong', expect((run.status, 'memory lost' in run.out), (1, True)))


def main():
    options = arguments(__doc__)
    enter_lab()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    tool, score = Tool(options.smtpsec), Score()
    if 'smtpsec serve' not in Run([tool.smtpsec, 'serve', '--help']).out:
        print('built without libevent')
        return 77
    folder = tempfile.mkdtemp(dir=os.environ['LAB_DIR'], prefix='serve.')
    try:
        daemon = Daemon(tool, folder, '--verbose')
        for part in (answers, in_order, one_flight, abandoned, hanging_policies, many_connections, hostile):
            part(daemon, score)
        page(score)
        stalled(daemon, score)
        score.note('exit status', expect(daemon.stop(), 0))
        for part in (bounds, sockets, reload, stop, impatient, upkeep):
            part(tool, score, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return score.close()


if __name__ == '__main__':
    sys.exit(main())
