/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The first and most specific error of an object stays in it. */
#ifndef SS_BASE_ERROR_H
#define SS_BASE_ERROR_H

struct ss_error {
    int code; /* SMTPSEC_E_*, 0: none yet */
    char text[256];
};

/* Set it unless one is set already; returns code, so that a caller can return it. */
int ss_error_set(struct ss_error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
