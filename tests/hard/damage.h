/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ways to damage a file that is held in memory. */
#ifndef SS_TEST_HARD_DAMAGE_H
#define SS_TEST_HARD_DAMAGE_H

#include <stddef.h>
#include <stdint.h>

enum { DAMAGE_PAGE = 4096, DAMAGE_SECTOR = 512 };

struct damage_file {
    uint8_t *octets;
    size_t len;
    size_t room;
    const uint8_t *older; /* an earlier state of the same file */
    size_t older_len;
};

struct damage {
    const char *name;
    void (*apply)(struct damage_file *file, uint64_t *random);
};

extern const struct damage damages[];
extern const size_t damage_count;

#endif
