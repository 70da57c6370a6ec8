# SPDX-License-Identifier: LGPL-2.1-or-later
"""Debian's exim4-daemon-heavy as it is, with smtpsec_exim.so and the snippets that an operator pastes.

The package conflicts with Postfix's, so its binary is taken out of the package
file; /etc gets a copy of its own in which Exim finds its configuration and its user.
"""
import glob
import os
import re
import shutil
import subprocess
import tempfile

import exim_checks
import frame

USER, UID = 'Debian-exim', 64116
PACKAGE_FILES = 'build/packages'   # where tests/run downloads to

CONFIGURATION = '''
SMTPSEC_MODULE = {module}
SMTPSEC_SETTINGS = {folder}/settings
exim_path = {folder}/exim4
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
log_selector = +received_recipients +msg_id
primary_hostname = sender.test
qualify_domain = sender.test
domainlist local_domains = sender.test
keep_environment =
smtp_accept_max = 0
dns_dnssec_ok = 1
acl_smtp_rcpt = hurried
begin acl
hurried:
  accept
    control = cutthrough_delivery
begin routers
away:
  driver = redirect
  domains = +local_domains
  data = :blackhole:
bare:
  driver = dnslookup
  senders = bare@sender.test
  domains = ! +local_domains
  transport = bare_smtp
  no_more
{router}
dnslookup:
  driver = dnslookup
  domains = ! +local_domains
  transport = bare_smtp
  no_more
begin transports
bare_smtp:
  driver = smtp
  allow_localhost
  hosts_try_dane =
{transport}
  allow_localhost
begin retry
* * F,2d,1s
'''

SETTINGS = '''mode = {mode}
user = {user}
memory = {memory}
policy = {folder}/policy
spool = {folder}/outcomes
resolver = {resolver}
ca_file = {ca}
allow_private_policy_hosts = yes
timeout = 20
'''

# How Exim shows what became of a message.
ARRIVED = re.compile(r'^\S+ \S+ (\S+) <= .* id=(\S+)')
ENDS = {'=>': frame.DELIVERED, '->': frame.DELIVERED, '**': frame.BOUNCED, '==': frame.DEFERRED}


def find_binary():
    """The package's binary: installed, or unpacked from the downloaded file."""
    root = os.path.abspath(os.path.join(os.path.dirname(__file__), '..', '..', '..'))
    places = [os.environ.get('EXIM_PACKAGES', ''), os.path.join(root, PACKAGE_FILES)]
    found = [name for place in places for name in glob.glob(os.path.join(place, 'exim4-daemon-heavy_*.deb'))]
    return found[0] if found else '/usr/sbin/exim4'


class Exim(frame.Mta):
    name = 'exim'
    uid = UID

    def missing(self):
        source = find_binary()
        if not os.path.exists(source):
            return 'no exim4-daemon-heavy: tests/run downloads it'
        if source.endswith('.deb'):
            return self.missing_libraries(source)
        return '' if b'Expand_dlfunc' in subprocess.run([source, '-bV'], capture_output=True).stdout else \
            'the exim4 here cannot load modules'

    @staticmethod
    def unpack(package, folder):
        subprocess.run(['dpkg-deb', '-x', package, folder], check=True)
        return os.path.join(folder, 'usr/sbin/exim4')

    def missing_libraries(self, package):
        with tempfile.TemporaryDirectory() as folder:
            found = subprocess.run(['ldd', self.unpack(package, folder)], capture_output=True, text=True).stdout
        return ' '.join(line.strip() for line in found.splitlines() if 'not found' in line)

    def version(self):
        out = subprocess.run([self.binary, '-bV'], capture_output=True, text=True).stdout
        lines = out.splitlines()
        return f'{lines[0] if lines else "exim"}, the binary of the Debian package'

    # ---- start and stop

    def start(self, lab):
        self.lab, self.folder = lab, lab.folder('exim')
        self.binary = os.path.join(self.folder, 'exim4')
        source = find_binary()
        if source.endswith('.deb'):
            source = self.unpack(source, os.path.join(self.folder, 'package'))
        shutil.copyfile(source, self.binary)
        os.chmod(self.binary, 0o4755)   # as the package installs it
        for name in ('spool', 'log', 'outcomes'):
            os.mkdir(os.path.join(self.folder, name), 0o700)
            os.chown(os.path.join(self.folder, name), UID, UID)
        self.lay_over_etc()
        self.log = os.path.join(self.folder, 'log', 'mainlog')
        self.follower, self.running = frame.LogFollower(self.log), []
        self.known, self.ids, self.lines_of = {}, {}, {}
        self.settings(os.devnull)

    def lay_over_etc(self):
        """/etc of this namespace: a copy with Exim's user and configuration."""
        etc = os.path.join(self.folder, 'etc')
        shutil.copytree('/etc', etc, symlinks=True, ignore_dangling_symlinks=True)
        with open(os.path.join(etc, 'passwd'), 'a') as file:
            file.write(f'{USER}:x:{UID}:{UID}::/nonexistent:/usr/sbin/nologin\n')
        with open(os.path.join(etc, 'group'), 'a') as file:
            file.write(f'{USER}:x:{UID}:\n')
        os.makedirs(os.path.join(etc, 'exim4'), exist_ok=True)
        self.configuration = os.path.join(etc, 'exim4', 'exim4.conf')
        self.configure()
        os.chmod(self.configuration, 0o644)
        self.mount(etc, '/etc')
        # It lies there as before: what asks the resolver reads the file in the lab's directory.
        self.mount(os.path.join(self.lab.directory, 'resolv.conf'), '/etc/resolv.conf')

    @staticmethod
    def mount(what, where):
        subprocess.run(['mount', '--bind', what, where], check=True)

    def text(self):
        """The configuration: the snippets as they are, between what stands for the operator's own."""
        place = os.path.join(os.path.dirname(__file__), '../../../examples/exim')
        pasted = {}
        for name in ('router', 'transport'):
            with open(os.path.join(place, f'{name}.conf')) as file:
                pasted[name] = file.read()
        return CONFIGURATION.format(module=self.lab.module, folder=self.folder, **pasted)

    def settings(self, memory, mode='enforce'):
        # The DNS is changed between two messages, long before a TTL ends: each is to see how it is then.
        with open(os.path.join(self.folder, 'policy'), 'w') as file:
            file.write('plan-cache off\n')
        with open(os.path.join(self.folder, 'settings'), 'w') as file:
            file.write(SETTINGS.format(mode=mode, user=USER, memory=memory, folder=self.folder,
                                       resolver=self.lab.resolver, ca=self.lab.ca))

    def stop(self):
        for process in self.running:
            process.wait()
        subprocess.run(['umount', '/etc/resolv.conf'], check=False)
        subprocess.run(['umount', '-l', '/etc'], check=False)

    # ---- messages

    def forget(self, memory):
        for process in self.running:
            process.wait()
        self.running.clear()
        frame.give(memory, UID, UID)
        self.memory = memory
        self.settings(memory)
        shutil.rmtree(os.path.join(self.folder, 'spool', 'db'), ignore_errors=True)

    def exim(self, *words, **more):
        return subprocess.run([self.binary, *words], capture_output=True, **more)

    def configure(self, *changes):
        """The configuration anew, with (old, new) texts replaced; what is not there is an error."""
        text = self.text()
        for old, new in changes:
            if not re.search(old, text):
                raise RuntimeError(f'not in the configuration: {old}')
            text = re.sub(old, new, text)
        with open(self.configuration, 'w') as file:
            file.write(text)

    def send(self, sender, recipient, message):
        token = re.search(rb'^Message-ID: <([^>]+)>', message, re.MULTILINE).group(1).decode()
        run = self.exim('-odq', '-i', '-f', sender, *recipient.split(), input=message.replace(b'\r\n', b'\n'))
        self.read_log()
        if run.returncode != 0 or token not in self.ids:
            raise RuntimeError(f'exim takes no message: {run.stderr.decode()}')
        # Forced: what another message met at the same host does not count.
        self.running.append(subprocess.Popen([self.binary, '-M', self.ids[token]], stdin=subprocess.DEVNULL,
                                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        return token

    def read_log(self):
        """Lines of each message, by its Message-ID."""
        for line in self.follower.lines():
            arrived = ARRIVED.match(line)
            if arrived:
                self.known[arrived[1]], self.ids[arrived[2]] = arrived[2], arrived[1]
                self.lines_of[arrived[2]] = []
            words = line.split(' ', 3)
            if len(words) > 3 and words[2] in self.known:
                self.lines_of[self.known[words[2]]].append(words[3])

    def result(self, ident, timeout):
        def found():
            self.read_log()
            lines = self.lines_of.get(ident, [])
            ends = [line for line in lines if line[:2] in ENDS]
            return (lines, ends[-1]) if ends else None
        lines, end = frame.wait_for(found, timeout, f'exim says nothing of {ident}')
        host = re.search(r' H=(\S+)', end)
        return frame.Result(ENDS[end[:2]], '\n'.join(lines[1:]), host[1] if host else '')

    def retry(self):
        self.exim('-qff')

    def more(self, lab, score, memories):
        exim_checks.run(self, score, memories)
