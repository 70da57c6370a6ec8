# SPDX-License-Identifier: LGPL-2.1-or-later
"""A Postfix instance of our own: its configuration, queue and data in a folder of
the lab, smtp(8) in its chroot as Debian has it. Stock Postfix and one with the
library linked in differ in what they add to it.
"""
import os
import re
import shutil
import smtplib
import subprocess

from daemons import Daemon
from frame import BOUNCED, DEFERRED, DELIVERED, RESOLVER, SENDER_DOMAIN, LogFollower, Result, wait_for

PORT = 10025
QUEUE = (('active', 0o700), ('bounce', 0o700), ('corrupt', 0o700), ('defer', 0o700), ('deferred', 0o700),
         ('flush', 0o700), ('hold', 0o700), ('incoming', 0o700), ('private', 0o700), ('saved', 0o700),
         ('trace', 0o700), ('public', 0o710), ('maildrop', 0o730))

MAIN_CF = """compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
daemon_directory = {daemons}
command_directory = {commands}
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
myhostname = mail.{sender}
mydestination = {sender}
local_transport = discard:
local_recipient_maps =
alias_maps =
alias_database =
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_peername_lookup = no
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtputf8_enable = no
# senders that do not go by the transport smtp
sender_dependent_default_transport_maps = inline:{{ {ways} }}

# each round stands alone: nothing is learnt of a destination, and nobody waits
smtp_connection_cache_on_demand = no
default_destination_concurrency_failed_cohort_limit = 1000
default_destination_recipient_limit = 1
smtp_connect_timeout = 5s
in_flow_delay = 0
minimal_backoff_time = 1h
queue_run_delay = 1h
"""

MASTER_CF = """127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 3600 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
postlog unix-dgram n - n - 1 postlogd
smtp unix - - y - - smtp
"""

DELIVERY = re.compile(r' postfix/\S+\[(\d+)\]: (\w+): to=<[^>]*>, (?:orig_to=<[^>]*>, )?'
                      r'relay=(\S+?)(?:\[[^]]*\]:\d+)?, .*status=(sent|deferred|bounced) \((.*)\)$')
COMPLAINT = re.compile(r' postfix/\S+\[(\d+)\]: (?:warning: |(\w+): )?(.*)$')


class Instance:
    """One Postfix. options: name -> value for main.cf; ways: sender -> (transport of its own, the options
    of its smtp(8)), the one without the library among them."""

    def __init__(self, lab, name, options, ways, daemons='/usr/lib/postfix/sbin', commands='/usr/sbin'):
        self.lab, self.daemons, self.commands = lab, daemons, commands
        self.folder = lab.folder(name)
        self.queue = os.path.join(self.folder, 'queue')
        self.config = os.path.join(self.folder, 'etc')
        self.log = LogFollower(os.path.join(self.folder, 'mail.log'))
        self.results, self.said, self.process = {}, {}, None
        self.write(options, ways)
        self.make_queue()

    def write(self, options, ways):
        os.mkdir(self.config)
        with open(os.path.join(self.config, 'main.cf'), 'w') as out:
            out.write(MAIN_CF.format(folder=self.folder, daemons=self.daemons, commands=self.commands,
                                     sender=SENDER_DOMAIN, ways=', '.join(
                                         f'{{ {sender} = {name}: }}' for sender, (name, _) in ways.items())))
            out.writelines(f'{name} = {value}\n' for name, value in options.items())
        with open(os.path.join(self.config, 'master.cf'), 'w') as out:
            out.write(MASTER_CF.format(port=PORT))
            for name, words in ways.values():
                out.write(f'{name} unix - - y - - smtp\n' + ''.join(f'  -o {word}\n' for word in words))

    def make_queue(self):
        for path in (self.queue, os.path.join(self.folder, 'data')):
            os.mkdir(path, 0o755)
        shutil.chown(os.path.join(self.folder, 'data'), 'postfix')
        for name, mode in QUEUE:
            path = os.path.join(self.queue, name)
            os.mkdir(path)
            shutil.chown(path, 'postfix', 'postdrop' if name in ('public', 'maildrop') else None)
            os.chmod(path, mode)
        os.mkdir(os.path.join(self.queue, 'pid'), 0o755)
        jail = os.path.join(self.queue, 'etc')
        os.mkdir(jail, 0o755)
        for name in ('services', 'hosts', 'nsswitch.conf'):
            shutil.copy(os.path.join('/etc', name), jail)
        with open(os.path.join(jail, 'resolv.conf'), 'w') as out:
            out.write(f'nameserver {RESOLVER.split("#")[0]}\noptions edns0 trust-ad\n')

    # ---- life

    def start(self):
        self.process = Daemon([os.path.join(self.daemons, 'master'), '-c', self.config, '-d'], self.folder, 'master')
        wait_for(self.listens, 10, 'Postfix does not listen')

    def listens(self):
        self.process.check()
        try:
            smtplib.SMTP('127.0.0.1', PORT, timeout=5).quit()
            return True
        except OSError:
            return False

    def stop(self):
        if self.process:
            self.process.stop()

    def command(self, name, *words):
        subprocess.run([os.path.join(self.commands, name), '-c', self.config, *words], check=True, capture_output=True)

    def retry(self):
        self.results.clear()
        self.command('postqueue', '-f')

    # ---- mail

    def send(self, sender, recipient, message):
        with smtplib.SMTP('127.0.0.1', PORT, 'client.' + SENDER_DOMAIN, timeout=20) as smtp:
            smtp.ehlo()
            for code, text in (smtp.mail(sender), smtp.rcpt(recipient), smtp.data(message)):
                if code != 250:
                    raise RuntimeError(f'{recipient}: {code} {text}')
            return text.split()[-1].decode()

    def result(self, ident, timeout):
        return wait_for(lambda: self.read().get(ident), timeout, f'no delivery line of {ident}')

    def read(self):
        for line in self.log.lines():
            found = DELIVERY.search(line)
            if found:
                self.delivered(*found.groups())
            elif (found := COMPLAINT.search(line)):
                pid, _, text = found.groups()
                self.said.setdefault(pid, []).append(text)
        return self.results

    def delivered(self, pid, ident, relay, status, text):
        """A process handles one message at a time: what it said before is about this one."""
        said = [text, *self.said.pop(pid, [])]
        self.results[ident] = Result({'sent': DELIVERED, 'deferred': DEFERRED, 'bounced': BOUNCED}[status],
                                     ' | '.join(said), '' if relay == 'none' else relay)
