/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Private keys that a seed repeats. */
#ifndef SS_DIFF_KEYS_H
#define SS_DIFF_KEYS_H

#include "random.h"

/* Give all keys to the certificate builder, before it makes its first certificate. */
void keys_set(struct dice *dice);

#endif
