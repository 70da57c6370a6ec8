/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What Exim and a function called by ${dlfunc} agree on, as Exim's manual
 * describes it. Exim's own headers are not needed, and not used.
 */
#ifndef EXIM_ABI_H
#define EXIM_ABI_H

/* What such a function returns. */
enum {
    EXIM_OK = 0,    /* *yield is what the item expands to */
    EXIM_FAIL = 2,  /* the expansion fails; *yield says why */
    EXIM_ERROR = 3  /* the same, and it is written to the panic log */
};

/* Exim copies *yield before it calls again. */
#define EXIM_FUNCTION(name) \
    __attribute__((visibility("default"))) int name(unsigned char **yield, int argc, \
                                                    unsigned char *argv[])

EXIM_FUNCTION(smtpsec_route);
EXIM_FUNCTION(smtpsec_hosts);
EXIM_FUNCTION(smtpsec_require_tls);
EXIM_FUNCTION(smtpsec_sni);
EXIM_FUNCTION(smtpsec_event);
EXIM_FUNCTION(smtpsec_gate);

#endif
