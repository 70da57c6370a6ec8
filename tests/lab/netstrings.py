# SPDX-License-Identifier: LGPL-2.1-or-later
"""Netstrings, in which socketmap speaks."""


def netstring(text):
    octets = text if isinstance(text, bytes) else text.encode()
    return b'%d:%s,' % (len(octets), octets)


def read_netstring(sock):
    """One netstring; raises ConnectionError at the end of the stream."""
    size = b''
    while not size.endswith(b':'):
        octet = sock.recv(1)
        if not octet:
            raise ConnectionError('closed')
        size += octet
    wanted, found = int(size[:-1]) + 1, b''
    while len(found) < wanted:
        more = sock.recv(wanted - len(found))
        if not more:
            raise ConnectionError('closed')
        found += more
    return found[:-1].decode('utf-8', 'replace')
