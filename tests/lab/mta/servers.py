# SPDX-License-Identifier: LGPL-2.1-or-later
"""The servers that are tested: name -> (module of this folder, class)."""
SERVERS = {
    'postfix': ('stock_postfix', 'StockPostfix'),
    'postfix-linked': ('postfix_linked', 'PostfixLinked'),
    'exim': ('exim', 'Exim'),
}
