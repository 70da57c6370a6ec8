/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Walk a folder of fixtures whose names begin with the verdict. */
#ifndef SS_TEST_STS_FILES_H
#define SS_TEST_STS_FILES_H

#include <stdbool.h>
#include <stddef.h>

struct sts_file {
    char name[256];
    bool ok;        /* the name begins with ok_ */
    char rules[64]; /* its rows in README.md */
    unsigned char data[65536];
    size_t len;
};

/* Call check for each; a name of another form, or not in the README, fails. Returns their count. */
size_t sts_files_walk(const char *folder, void (*check)(const struct sts_file *file));

#endif
