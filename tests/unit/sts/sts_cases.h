/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Policies and records made up from a seed: mutations of the fixtures, texts
 * out of the grammar with a fault here and there, and noise.
 */
#ifndef SS_TEST_STS_CASES_H
#define SS_TEST_STS_CASES_H

#include <stddef.h>
#include <stdint.h>

#define CASE_MAX 4096

struct sts_case {
    unsigned char data[CASE_MAX];
    size_t len;
};

/* Numbers that are the same everywhere for one seed. */
struct dice {
    uint64_t state;
};

uint64_t dice_throw(struct dice *dice, uint64_t sides);
/* Read the fixtures; afterwards mutations begin from them. */
void sts_cases_load(void);
void sts_case_policy(struct sts_case *made, struct dice *dice);
/* One record a line. */
void sts_case_record(struct sts_case *made, struct dice *dice);

#endif
