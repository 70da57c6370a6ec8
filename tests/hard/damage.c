/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "damage.h"

#include <string.h>

#include "hard.h"

static size_t
below(uint64_t *random, size_t limit)
{
    return (size_t)(hard_random(random) % limit);
}

static uint8_t *
page_of(struct damage_file *file, uint64_t *random)
{
    return file->octets + below(random, file->len / DAMAGE_PAGE) * DAMAGE_PAGE;
}

static void
noise(uint8_t *at, size_t len, uint64_t *random)
{
    size_t i;

    for (i = 0; i < len; i++)
        at[i] = (uint8_t)hard_random(random);
}

static void
flip(uint8_t *at, uint64_t *random)
{
    *at ^= (uint8_t)(1u << below(random, 8));
}

static void
one_bit(struct damage_file *file, uint64_t *random)
{
    flip(file->octets + below(random, file->len), random);
}

static void
one_octet(struct damage_file *file, uint64_t *random)
{
    file->octets[below(random, file->len)] ^= (uint8_t)(1 + below(random, 255));
}

static void
some_octets(struct damage_file *file, uint64_t *random)
{
    size_t n = 2 + below(random, 30);

    while (n-- > 0)
        file->octets[below(random, file->len)] = (uint8_t)hard_random(random);
}

/* Where LMDB believes what it reads. */
static void
meta_bits(struct damage_file *file, uint64_t *random)
{
    size_t n = 1 + below(random, 3);

    while (n-- > 0)
        flip(file->octets + below(random, 2) * DAMAGE_PAGE + below(random, 160), random);
}

static void
page_head_bits(struct damage_file *file, uint64_t *random)
{
    size_t n = 1 + below(random, 3);

    while (n-- > 0)
        flip(page_of(file, random) + below(random, 48), random);
}

static uint8_t *
sector_of(struct damage_file *file, uint64_t *random)
{
    return file->octets + below(random, file->len / DAMAGE_SECTOR) * DAMAGE_SECTOR;
}

static void
sector_zero(struct damage_file *file, uint64_t *random)
{
    memset(sector_of(file, random), 0, DAMAGE_SECTOR);
}

static void
sector_noise(struct damage_file *file, uint64_t *random)
{
    noise(sector_of(file, random), DAMAGE_SECTOR, random);
}

static void
page_zero(struct damage_file *file, uint64_t *random)
{
    memset(page_of(file, random), 0, DAMAGE_PAGE);
}

static void
page_swap(struct damage_file *file, uint64_t *random)
{
    uint8_t *a = page_of(file, random), *b = page_of(file, random), kept[DAMAGE_PAGE];

    memcpy(kept, a, DAMAGE_PAGE);
    memmove(a, b, DAMAGE_PAGE);
    memcpy(b, kept, DAMAGE_PAGE);
}

/* A write that never came: one page is as it was before. */
static void
page_older(struct damage_file *file, uint64_t *random)
{
    size_t shorter = file->older_len < file->len ? file->older_len : file->len;
    size_t n = below(random, shorter / DAMAGE_PAGE);

    memcpy(file->octets + n * DAMAGE_PAGE, file->older + n * DAMAGE_PAGE, DAMAGE_PAGE);
}

static void
cut(struct damage_file *file, uint64_t *random)
{
    file->len = below(random, file->len);
}

static void
cut_at_page(struct damage_file *file, uint64_t *random)
{
    file->len = below(random, file->len / DAMAGE_PAGE) * DAMAGE_PAGE;
}

static void
extend(struct damage_file *file, uint64_t *random)
{
    size_t more = 1 + below(random, file->room - file->len);

    if (below(random, 2) == 0)
        memset(file->octets + file->len, 0, more);
    else
        noise(file->octets + file->len, more, random);
    file->len += more;
}

const struct damage damages[] = {
    { "one bit", one_bit },
    { "one octet", one_octet },
    { "some octets", some_octets },
    { "bits in the metas", meta_bits },
    { "bits in page heads", page_head_bits },
    { "a sector of zeros", sector_zero },
    { "a sector of noise", sector_noise },
    { "a page of zeros", page_zero },
    { "two pages exchanged", page_swap },
    { "a page as it was before", page_older },
    { "cut anywhere", cut },
    { "cut at a page", cut_at_page },
    { "made longer", extend },
};
const size_t damage_count = sizeof(damages) / sizeof(damages[0]);
