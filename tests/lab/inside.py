# SPDX-License-Identifier: LGPL-2.1-or-later
"""The inner half of the lab: two processes.

The keeper adopts and reaps every orphan, and ends what is left by pid. Its
child makes the lab, runs the command, and takes the lab down again. Both
stop when the pipe from lab.py ends, however lab.py came to its end.
"""
import ctypes
import fcntl
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from dataclasses import asdict

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
SIOCGIFFLAGS, SIOCSIFFLAGS, SIOCSIFADDR, IFF_UP = 0x8913, 0x8914, 0x8916, 1


def prctl(option, value):
    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


# ---- The keeper -----------------------------------------------------------------

def descendants(pid):
    """All children and theirs, by pid, deepest last."""
    try:
        with open(f'/proc/{pid}/task/{pid}/children') as file:
            children = [int(word) for word in file.read().split()]
    except OSError:
        return []
    return children + [deeper for child in children for deeper in descendants(child)]


def end_all():
    """End whatever is left of us, by pid."""
    for number, seconds in ((signal.SIGTERM, 1.0), (signal.SIGKILL, 1.0)):
        for pid in descendants(os.getpid()):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if os.waitpid(-1, os.WNOHANG)[0] == 0:
                    time.sleep(0.02)
            except ChildProcessError:
                return


def keep(child):
    """Reap until the child has ended; returns its exit status."""
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    while True:
        pid, status = os.wait()
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            end_all()
            return 128 - code if code < 0 else code


# ---- The lab ----------------------------------------------------------------------

class Stopped(Exception):
    """The outer half is gone, or somebody sent SIGTERM."""


def bring_loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = fcntl.ioctl(sock, SIOCGIFFLAGS, struct.pack('16sH14x', b'lo', 0))
        flags = struct.unpack_from('H', request, 16)[0]
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack('16sH14x', b'lo', flags | IFF_UP))


def add_to_loopback(addresses):
    """Give lo these IPv6 addresses; False where the machine does without IPv6."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            for address in addresses:  # struct in6_ifreq: address, prefix length, interface
                fcntl.ioctl(sock, SIOCSIFADDR, socket.inet_pton(socket.AF_INET6, address)
                            + struct.pack('Ii', 128, socket.if_nametoindex('lo')))
    except OSError:
        return False
    return True


def cover(path, text, directory):
    """Put a file of ours over one of the system's, in our mount namespace only."""
    if os.path.exists(path):
        ours = os.path.join(directory, os.path.basename(path))
        with open(ours, 'w') as out:
            out.write(text)
        subprocess.run(['mount', '--bind', ours, path], check=True)


class Lab:
    def __init__(self, directory, private):
        self.directory, self.private = directory, private
        self.resolver = '127.0.0.53' if private else '127.77.0.53'
        self.names = self.child = None
        self.stopping = False

    def start(self):
        from certificates import Certificates
        from control import Control
        from daemons import Names
        from destinations import ALL
        from faulty import Faulty
        from https import Https
        from smtp import Smtp
        from world import World
        if self.private:
            self.isolate()
        self.world = self.make_world(World, ALL)
        self.names = Names(self.directory, self.resolver)
        self.certificates = Certificates(self.directory)
        self.certificates.issue(self.world.requests())
        self.check()
        self.names.write(self.world, self.certificates)
        self.check()
        self.faulty = Faulty()
        self.names.start()
        self.smtp, self.https = Smtp(self), Https(self)
        self.listen()
        self.describe()
        self.control = Control(self)
        self.check()

    def make_world(self, World, table):
        """IPv6 addresses are given to lo in the namespace alone; rows that need them are left out elsewhere."""
        world = World(table)
        if self.private and add_to_loopback(world.ipv6_addresses()):
            return world
        return World([row for row in table if not row.sts or row.sts.addresses != 'v6'])

    def isolate(self):
        bring_loopback_up()
        cover('/etc/resolv.conf', f'nameserver {self.resolver}\noptions edns0 trust-ad\n', self.directory)
        # another source of host names could ask the machine's own resolver over a unix socket
        cover('/etc/nsswitch.conf', 'passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n'
              'networks: files\nprotocols: files\nservices: files\n', self.directory)

    def check(self):
        if self.stopping:
            raise Stopped

    def listen(self):
        self.smtp.listeners.set(self.world.smtp_listeners())
        self.https.listeners.set(self.world.https_listeners())

    def enact(self):
        """Make servers and DNS what the world says; returns when it is so."""
        self.world.apply()
        self.certificates.issue(self.world.requests())
        self.listen()
        self.names.publish(self.world, self.certificates)

    def describe(self):
        """Write the table with the facts of this run: destinations.json."""
        from destinations import DESTINATIONS
        found = []
        for row in DESTINATIONS:
            if row.name not in self.world.rows:
                continue
            facts = asdict(row) | {'domain': row.domain}
            facts['addresses'] = {name: self.world.host_addresses(name)
                                  for name, (owner, host) in self.world.hosts.items()
                                  if owner.name == row.name and not host.alias}
            facts['policy_address'] = self.world.policy_address(row) if row.sts else None
            facts['expect'] = self.absolute_hosts(row)
            found.append(facts)
        with open(os.path.join(self.directory, 'destinations.json'), 'w') as out:
            json.dump(found, out, indent=1)

    @staticmethod
    def absolute_hosts(row):
        from model import absolute
        expect = dict(row.expect)
        expect['hosts'] = {}
        for name, wanted in row.expect.get('hosts', {}).items():
            if 'sni' in wanted:
                wanted = wanted | {'sni': absolute(wanted['sni'], row.domain)}
            expect['hosts'][absolute(name, row.domain)] = wanted
        return expect

    def environment(self):
        path = os.environ.get('PATH', '/usr/bin:/bin')
        return os.environ | {
            'LAB_DIR': self.directory, 'LAB_RESOLVER': f'{self.resolver}#53',
            'LAB_CA': self.certificates.ca_file, 'LAB_CONTROL': self.control.path,
            'LAB_MODE': 'private' if self.private else 'beside',
            'PATH': path if '/usr/sbin' in path.split(':') else path + ':/usr/sbin:/sbin'}

    def run(self, command):
        try:
            self.child = subprocess.Popen(command, env=self.environment())
        except OSError as error:
            print(f'lab: {command[0]}: {error.strerror}', file=sys.stderr)
            return 127
        if self.stopping:
            self.end_child()
        status = self.child.wait()
        return 128 - status if status < 0 else status

    def end_child(self):
        """Ask the command to end, wait a little, make it end."""
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGKILL):  # shells heed the second
            if self.child.poll() is None:
                self.child.send_signal(number)
                deadline = time.monotonic() + 1
                while self.child.returncode is None and time.monotonic() < deadline:
                    time.sleep(0.02)

    def halt(self):
        if not self.stopping:
            self.stopping = True
            if self.child:
                self.end_child()

    def stop(self):
        if self.names:
            self.names.stop()


def watch(life, lab):
    """End the lab when lab.py has ended."""
    os.read(life, 1)
    lab.halt()


def work(directory, life, private, command):
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    lab = Lab(directory, private)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=lab.halt, daemon=True).start())
    for number in (signal.SIGINT, signal.SIGHUP):  # the command has got it as well
        signal.signal(number, lambda *_: None)
    threading.Thread(target=watch, args=(life, lab), daemon=True).start()
    try:
        lab.start()
        return lab.run(command)
    except Stopped:
        return 130
    except (OSError, RuntimeError, ValueError, subprocess.CalledProcessError) as error:
        print(f'lab: {error}', file=sys.stderr)
        return 70
    finally:
        lab.stop()


def main():
    directory, life, mode, _, *command = sys.argv[1:]
    os.set_inheritable(int(life), False)
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    child = os.fork()
    if child == 0:
        status = work(directory, int(life), mode == 'private', command)
        sys.stdout.flush()
        os._exit(status)
    status = keep(child)
    if os.path.isdir(directory) and not lab_py_lives(int(life)):
        shutil.rmtree(directory, ignore_errors=True)
    return status


def lab_py_lives(life):
    """Whether the pipe's other end is still open: then lab.py cleans up itself."""
    os.set_blocking(life, False)
    try:
        return os.read(life, 1) != b''
    except BlockingIOError:
        return True


if __name__ == '__main__':
    sys.exit(main())
