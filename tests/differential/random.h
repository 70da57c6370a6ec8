/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers that a seed repeats (splitmix64), the same on every machine. */
#ifndef SS_DIFF_RANDOM_H
#define SS_DIFF_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dice {
    uint64_t state;
};

static inline uint64_t
dice_next(struct dice *dice)
{
    uint64_t z = dice->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Two numbers and a purpose make a new stream, so that each case stands alone. */
static inline struct dice
dice_for(uint64_t seed, uint64_t number, uint64_t purpose)
{
    struct dice dice = {seed};

    dice.state = dice_next(&dice) ^ (number * UINT64_C(0xd1342543de82ef95));
    dice.state = dice_next(&dice) ^ purpose;
    return dice;
}

/* 0 to n - 1. */
static inline unsigned
dice_below(struct dice *dice, unsigned n)
{
    return (unsigned)(dice_next(dice) % n);
}

static inline bool
dice_percent(struct dice *dice, unsigned percent)
{
    return dice_below(dice, 100) < percent;
}

#endif
