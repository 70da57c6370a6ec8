/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Walk a folder of fixtures whose names begin with the verdict. */
#ifndef SS_TEST_STS_FILES_H
#define SS_TEST_STS_FILES_H

#include <stdbool.h>
#include <stddef.h>

struct sts_file {
    char name[256];
    bool ok; /* the name begins with ok_ */
    unsigned char data[65536];
    size_t len;
};

/* Call check for each; fails the test on a name of another form. Returns their count. */
size_t sts_files_walk(const char *folder, void (*check)(const struct sts_file *file));

#endif
