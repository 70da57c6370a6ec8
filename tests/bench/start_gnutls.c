/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The floor of start_verify: a process that has GnuTLS alone, and hashes the same certificate. */
#include <stdio.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

int
main(int argc, char **argv)
{
    unsigned char der[8192], digest[32];
    size_t len = 0;
    FILE *file = argc > 2 ? fopen(argv[2], "rb") : NULL;

    if (file == NULL)
        return 64;
    len = fread(der, 1, sizeof(der), file);
    fclose(file);
    return len > 0 && gnutls_hash_fast(GNUTLS_DIG_SHA256, der, len, digest) == 0 ? 0 : 1;
}
