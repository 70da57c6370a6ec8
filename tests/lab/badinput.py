# SPDX-License-Identifier: LGPL-2.1-or-later
"""Bad input: each kind has its own error or reason, nothing hangs, crashes, or becomes plaintext."""
import os
import random
import shutil
import subprocess
import tempfile

from tool import Run, code_of

INVALID = 'invalid-domain'
LABEL = 'a' * 63

# What is not a domain, or hardly one; what is told for it.
DOMAINS = (
    ('nothing', '', INVALID), ('the root', '.', INVALID), ('two dots', '..', INVALID),
    ('an empty label', 'a..test', INVALID), ('a space', 'a b.test', INVALID),
    ('a line feed', 'a\nb.test', INVALID), ('an escape sequence', '\x1b[31m.test', INVALID),
    ('octets that are not UTF-8', b'\xff\xfe.test', INVALID), ('a wildcard', '*.test', INVALID),
    ('an at sign', '@', INVALID), ('a path', '../../etc/passwd', INVALID),
    ('a label of 63 octets', f'{LABEL}.test', 'no-such-domain'),
    ('a label of 64 octets', f'{LABEL}a.test', INVALID),
    ('a name of 260 octets', '.'.join([LABEL] * 4) + '.test', INVALID),
    ('a megabyte', 'a.' * 60000 + 'test', INVALID),
)


def domain_names(tool, score):
    run = tool.check('--', *(domain for _, domain, _ in DOMAINS))
    plans = run.objects
    for (name, _, reason), plan in zip(DOMAINS, plans):
        found = plan['verdict'], code_of(plan['reason'])
        score.note(f'bad domain: {name}', [] if found == ('fail', reason) else f'found {found}', reason)
    harmless = all(line.isprintable() for line in (run.out + run.err).splitlines())
    score.note('bad domains: one answer each, exit status 1, nothing unprintable',
               [] if run.status == 1 and len(plans) == len(DOMAINS) and harmless
               else f'exit status {run.status}, {len(plans)} answers: {run.err}')
    run = tool.send(to='box@' + LABEL + 'a.test')
    score.note('bad domain of a recipient: bounced', [] if run.status == 1 and '5.1.2' in run.out
               else f'exit status {run.status}: {run.out}{run.err}')


def program_faults(run, status, words):
    """An exit status of one's own and a text that says what."""
    if run.crashed:
        return [f'hung: {run.command}' if run.hung else f'crashed: {run.status}']
    faults = [] if run.status == status else [f'exit status expected {status}, found {run.status}']
    text = run.out + run.err
    return faults + [f'"{word}" is not said: {text}' for word in words if word not in text]


def resolvers(tool, score):
    ca = ['--ca-file', os.environ['LAB_CA'], '--json', '--timeout', '3']
    for name, address, status, word in (
            ('where nothing listens', '127.0.0.99', 2, 'mx-timeout'),
            ('where nobody answers', '127.77.0.5', 2, 'mx-timeout'),
            ('that refuses', '127.77.0.6', 2, 'mx-refused|mx-rcode'),
            ('that fails', '127.77.0.4', 2, 'mx-servfail'),
            ('that is no address', 'nonsense', 64, 'nonsense'),
            ('with a port beyond all', '127.0.0.53#65536', 64, '65536')):
        for target in ('dane-ee.test', 'plain.test'):
            run = Run([tool.smtpsec, 'check', *ca, '--resolver', address, target])
            faults = program_faults(run, status, [])
            if not any(choice in run.out + run.err for choice in word.split('|')):
                faults.append(f'{word} is not said: {run.out}{run.err}')
            score.note(f'a resolver {name}: {target}', faults, word)


def authorities(tool, score, folder):
    missing, empty, noise = (os.path.join(folder, name) for name in ('missing.pem', 'empty.pem', 'noise.pem'))
    open(empty, 'w').close()
    with open(noise, 'wb') as file:
        file.write(random.Random(1).randbytes(5000))
    cut = os.path.join(folder, 'cut.pem')
    with open(os.environ['LAB_CA'], 'rb') as file, open(cut, 'wb') as out:
        out.write(file.read()[:300])
    for name, path, word in (('that is missing', missing, 'No such file'), ('that is a folder', folder, 'regular'),
                             ('that is empty', empty, 'no certificate'), ('of random octets', noise, 'no certificate'),
                             ('without certificates', '/etc/passwd', 'no certificate'),
                             ('that is cut off', cut, 'no trust anchors')):
        for what, run in (('check', tool.check('--ca-file', path, 'sts-enforce.test')),
                          ('send', tool.send('--ca-file', path, to='box@sts-enforce.test'))):
            score.note(f'a CA file {name}: {what}', program_faults(run, 66, [word]), run.err.strip())


# ---- The memory --------------------------------------------------------------------

def scribble(path, change):
    with open(path, 'rb') as file:
        octets = bytearray(file.read())
    change(octets)
    with open(path, 'wb') as file:
        file.write(octets)


def randomise(octets):
    octets[:] = random.Random(2).randbytes(len(octets))


def flip(octets):
    dice = random.Random(3)
    for page in range(0, len(octets), 4096):
        octets[page + dice.randrange(4096)] ^= 0xff


def halve(octets):
    del octets[len(octets) // 2:]


def clear(octets):
    octets[:] = bytes(len(octets))


def damaged(good, folder):
    """Name, directory, whether the state of the memory is known beforehand."""
    for number, (name, change) in enumerate((('of random octets', randomise), ('with a wrong octet in each page', flip),
                         ('cut in half', halve), ('of zeros', clear))):
        place = os.path.join(folder, f'damaged{number}')
        shutil.copytree(good, place)
        scribble(os.path.join(place, 'data.mdb'), change)
        # A flipped octet may lie where nothing is kept, or be met only later.
        yield f'a memory {name}', place, 'ok|lost' if change is flip else 'ok+memory-set-aside'


def mounted(folder, name, options):
    """A tmpfs of our own in the lab's mount namespace; None where that is not possible."""
    place = os.path.join(folder, name)
    os.mkdir(place, 0o700)
    if os.environ['LAB_MODE'] != 'private':
        return None
    done = subprocess.run(['mount', '-t', 'tmpfs', '-o', f'mode=700,{options}', 'tmpfs', place],
                          capture_output=True)
    return place if done.returncode == 0 else None


def fill(place):
    """Leave no octet free."""
    try:
        with open(os.path.join(place, 'fill'), 'wb', buffering=0) as file:
            while file.write(bytes(4096)):
                pass
    except OSError:
        pass


def on_bad_disks(good, folder):
    place = mounted(folder, 'tiny', 'size=16k')
    if place:
        yield 'a new memory on a disk that is too small', place, 'lost|ok'
    place = mounted(folder, 'full', 'size=1m')
    if place:
        shutil.copytree(good, place, dirs_exist_ok=True)
        fill(place)
        yield 'a memory on a full disk', place, 'ok|read-only|lost'
    place = mounted(folder, 'readonly', 'size=1m')
    if place:
        shutil.copytree(good, place, dirs_exist_ok=True)
        if subprocess.run(['mount', '-o', 'remount,bind,ro', place], capture_output=True).returncode == 0:
            yield 'a memory on a read-only disk', place, 'read-only+memory-read-only'


def bad_memories(good, folder):
    missing, plain, open_to_all = (os.path.join(folder, name) for name in ('missing', 'plain', 'open'))
    open(plain, 'w').close()
    shutil.copytree(good, open_to_all)
    os.chmod(open_to_all, 0o777)
    yield 'a memory that is missing', missing, 'lost+memory-lost'
    yield 'a memory that is a file', plain, 'lost+memory-lost'
    yield 'a memory that anyone can write', open_to_all, 'lost+memory-lost'
    yield from damaged(good, folder)
    empty = os.path.join(folder, 'empty')
    shutil.copytree(good, empty)
    scribble(os.path.join(empty, 'data.mdb'), bytearray.clear)
    yield 'a memory of no length: a new one', empty, 'ok'
    yield from on_bad_disks(good, folder)


def memory_faults(tool, memory, expected):
    """Send to one who must get it, and to three who offer less than they require."""
    states, _, event = expected.partition('+')
    run = tool.send('--memory', memory, to='box@dane-ee.test')
    faults = program_faults(run, 0, [event] if event else [])
    if faults:
        return faults, run
    found = run.objects[0]['domains'][0]['plan']['memory']['state']
    if found not in states.split('|'):
        faults.append(f'state expected {states}, found {found}')
    for name in ('dane-no-starttls', 'sts-no-starttls', 'dane-mismatch'):
        other = tool.send('--memory', memory, to=f'box@{name}.test')
        faults += [f'{name}: {fault}' for fault in program_faults(other, 2, ['"deferred"'])]
    listing = Run([tool.smtpsec, 'memory', 'list', '--memory', memory])
    if listing.crashed or listing.status not in (0, 69):
        faults.append(f'memory list: exit status {listing.status}: {listing.err}')
    return faults, run


def memories(tool, score, folder):
    good = os.path.join(folder, 'good')
    os.mkdir(good, 0o700)
    for _ in range(3):
        run = tool.send('--memory', good, to=['box@dane-ee.test', 'box@sts-enforce.test', 'box@starttls.test'])
    if run.status != 0 or not os.path.exists(os.path.join(good, 'data.mdb')):
        score.note('a good memory to begin with', f'exit status {run.status}: {run.err}')
        return
    for name, place, expected in bad_memories(good, folder):
        faults, run = memory_faults(tool, place, expected)
        told = [] if faults else [event['text'] for event in run.objects[0]['events']]
        score.note(name, faults, told[0] if told else 'mail goes on, nothing required is given up')


def bad_input(tool, score):
    folder = tempfile.mkdtemp(dir=os.environ['LAB_DIR'], prefix='bad.')
    try:
        domain_names(tool, score)
        resolvers(tool, score)
        authorities(tool, score, folder)
        memories(tool, score, folder)
    finally:
        for name in ('tiny', 'full', 'readonly'):
            subprocess.run(['umount', os.path.join(folder, name)], capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)
