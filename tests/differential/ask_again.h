/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Explanations that change the case in one point and ask OpenSSL again. */
#ifndef SS_DIFF_ASK_AGAIN_H
#define SS_DIFF_ASK_AGAIN_H

#include "explain.h"

/* OpenSSL's verdict on another case, with the leniency of this dispute. */
bool they_accept(const struct dispute *dispute, const struct trial *trial);

/*
 * Does OpenSSL's yes hang on certificates of this kind (the leaf apart)? With
 * all of them taken out of chain and records it must refuse.
 */
bool they_refuse_without(const struct dispute *dispute,
                         bool (*is_such)(const struct pool_cert *cert));

bool other_path(const struct dispute *dispute);
bool key_beside_certificate(const struct dispute *dispute);
bool key_in_other_letters(const struct dispute *dispute);
bool damaged_anchor(const struct dispute *dispute);

#endif
