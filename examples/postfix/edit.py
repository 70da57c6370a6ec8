#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Put the calls of smtp_smtpsec.h into an unpacked Postfix source tree.

    edit.py POSTFIX-TREE

Every edit inserts lines of ours beside an anchor: one line of Postfix's that is there
exactly once. Nothing of Postfix's is changed or taken out. An anchor that is missing, or
there twice, ends it before any file is written. A tree that has the edits is left alone.
"""
import os
import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class Edit:
    file: str       # below src/smtp
    anchor: str     # a whole line, white space around it left out
    where: str      # 'after', 'before', or 'before comment': before the comment it stands in
    lines: tuple    # what is inserted
    why: str


EDITS = (
    Edit('smtp.h', '#include <tls.h>', 'before', ('#include "smtp_smtpsec.h"',),
         'all files know the calls'),
    Edit('smtp.c', 'smtp_hfrom_format = hfrom_format_parse(VAR_HFROM_FORMAT, var_hfrom_format);',
         'after',
         ('    smtp_smtpsec_post_init();',),
         'in the jail: the memory is opened'),
    Edit('smtp.c', 'flush_init();', 'before', ('    smtp_smtpsec_pre_init();',),
         'before the jail, after TLS is set up: parameters, trust anchors, resolvers'),
    Edit('smtp_connect.c', '* Delete visited cached hosts from the address list.', 'before comment',
         ('\taddr_list = smtp_smtpsec_nexthop(state, domain, port, lookup_mx, addr_list);',),
         'the nexthop is evaluated; a refusal leaves no address to try'),
    Edit('smtp_tls_policy.c', 'if (TLS_DANE_BASED(tls->level))', 'before',
         ('    smtp_smtpsec_policy(tls, iter);',),
         "the host's requirement joins Postfix's TLS policy"),
    Edit('smtp_proto.c', 'if (state->tls->conn_reuse) {', 'before',
         ('    smtp_smtpsec_begin_tls(state, serverid);',),
         'kept TLS sessions are told apart by requirement'),
    Edit('smtp_proto.c', 'session->features &= ~SMTP_FEATURE_STARTTLS;', 'after',
         ('\t    if (smtp_smtpsec_judge(state, SMTPSEC_STARTTLS_REFUSED) != 0)',
          '\t\treturn (-1);'),
         'STARTTLS answered by 4yz or 5yz'),
    Edit('smtp_proto.c', "* Give up if we must use TLS but can't for various reasons.",
         'before comment',
         ('\tif (smtp_smtpsec_judge(state, SMTPSEC_STARTTLS_ABSENT) != 0)',
          '\t    return (-1);'),
         'mail would go without TLS'),
    Edit('smtp_proto.c', 'if (PLAINTEXT_FALLBACK_OK_AFTER_STARTTLS_FAILURE)', 'before',
         ('\tif (smtp_smtpsec_judge(state, SMTPSEC_STARTTLS_FAILED) != 0)',
          '\t    return (-1);'),
         'the handshake did not complete'),
    Edit('smtp_proto.c', 'if (TLS_MUST_MATCH(session->tls_context->level))', 'before',
         ('    if (smtp_smtpsec_judge(state, SMTPSEC_STARTTLS_DONE) != 0)',
          '\treturn (-1);'),
         'the session is judged by its certificates'),
    Edit('smtp_proto.c', 'GETTIMEOFDAY(&request->msg_stats.deliver_done);', 'after',
         ('\t\t    if (nrcpt > 0)',
          '\t\t\tsmtp_smtpsec_replied(state, resp->code);'),
         'the reply to the message: the outcome is recorded'),
    Edit('smtp_session.c', 'myfree(session->namaddr);', 'before', ('    smtp_smtpsec_closed(session);',),
         'what was judged of it holds for no session that comes to lie in its place'),
    Edit('smtp_trouble.c', 'vstring_vsprintf_append(why->reason, format, ap);', 'before',
         ('    status = smtp_smtpsec_status(state, status);',),
         'no 5yz said before the requirement is met bounces a message'),
)


class Refused(Exception):
    pass


def place(edit, lines):
    """The index at which the edit's lines are to stand."""
    found = [n for n, line in enumerate(lines) if line.strip() == edit.anchor]
    if len(found) != 1:
        raise Refused(f'{edit.file}: {len(found)} lines are "{edit.anchor}", not one')
    at = found[0]
    if edit.where == 'after':
        return at + 1
    while edit.where == 'before comment' and lines[at].strip() != '/*':
        at -= 1
        if at < 0 or lines[at].rstrip().endswith('*/'):
            raise Refused(f'{edit.file}: no comment begins before "{edit.anchor}"')
    return at


def apply(edit, lines):
    new = [line + '\n' for line in edit.lines]
    at = place(edit, lines)
    here = lines[at:at + len(new)] if edit.where == 'after' else lines[max(0, at - len(new)):at]
    if here == new:
        return False
    if any(line in lines for line in new if 'smtpsec' in line):
        raise Refused(f'{edit.file}: has "{new[0].strip()}", but not beside "{edit.anchor}"')
    lines[at:at] = new
    return True


def edit_tree(tree):
    """Returns the number of edits that were made; all files are read before one is written."""
    folder = os.path.join(tree, 'src', 'smtp')
    files, changed, made = {}, set(), 0
    for edit in EDITS:
        path = os.path.join(folder, edit.file)
        if path not in files:
            with open(path, encoding='utf-8', errors='surrogateescape') as file:
                files[path] = file.readlines()
        if apply(edit, files[path]):
            changed.add(path)
            made += 1
    for path in sorted(changed):
        with open(path, 'w', encoding='utf-8', errors='surrogateescape') as file:
            file.writelines(files[path])
    return made


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        made = edit_tree(sys.argv[1])
    except (OSError, Refused) as fault:
        sys.exit(f'edit.py: nothing was changed: {fault}')
    print(f'{made} of {len(EDITS)} edits made' if made else 'all edits were made before')


if __name__ == '__main__':
    main()
