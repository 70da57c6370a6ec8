# SPDX-License-Identifier: LGPL-2.1-or-later
"""The resolver that all ask, with a forger in front; and changes of the whole lab."""
import os

import middle
from tool import say

RESOLV_CONF = 'nameserver {}\noptions edns0 trust-ad\n'


class Path:
    """Answers for /etc/resolv.conf: those of the lab's resolver, or forged ones."""

    def __init__(self):
        self.forgeries = []
        self.middle = middle.Middle(self.decide, port=53)
        # The file lies over /etc/resolv.conf in this namespace: written in place, not replaced.
        self.file = os.path.join(os.environ['LAB_DIR'], 'resolv.conf')
        with open(self.file) as file:
            self.before = file.read()
        self.write(RESOLV_CONF.format(middle.ADDRESS))

    def write(self, text):
        with open(self.file, 'w') as file:
            file.write(text)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.middle.__exit__()
        self.write(self.before)

    def decide(self, question):
        for how, domain in self.forgeries:
            if how == 'nxdomain' and question.name == domain:
                return middle.answer(question, rcode=3)
        reply = middle.forward(question)
        for how, domain in self.forgeries:
            if how == 'unsigned' and (question.name == domain or question.name.endswith('.' + domain)):
                reply = middle.flagged(reply, clear=middle.AD)
        return reply

    def change(self, changes):
        """Words of a case: for the lab's control, or ('forge', how, domain)."""
        for words in dict.fromkeys(changes):
            if words[0] == 'forge':
                self.forgeries.append(words[1:])
            else:
                say(*words)

    def undo(self):
        self.forgeries = []
        say('undo')
