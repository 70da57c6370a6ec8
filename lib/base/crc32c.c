/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CRC-32C: by the processor's instruction for just this polynomial, or by table. */
#include <string.h>

#include "base/bytes.h"
#include "base/crc32c_table.h"

#if defined(__ARM_FEATURE_CRC32) && defined(__AARCH64EL__)
#include <arm_acle.h>
#endif

#if defined(__x86_64__) && defined(__GNUC__)
__attribute__((target("sse4.2"))) static uint32_t
by_instruction(const uint8_t *p, size_t len)
{
    uint64_t crc = 0xffffffff, eight;

    for (; len >= 8; p += 8, len -= 8) {
        memcpy(&eight, p, sizeof(eight));
        crc = __builtin_ia32_crc32di(crc, eight);
    }
    for (; len > 0; p++, len--)
        crc = __builtin_ia32_crc32qi((uint32_t)crc, *p);
    return ~(uint32_t)crc;
}
#elif defined(__ARM_FEATURE_CRC32) && defined(__AARCH64EL__)
static uint32_t
by_instruction(const uint8_t *p, size_t len)
{
    uint32_t crc = 0xffffffff;
    uint64_t eight;

    for (; len >= 8; p += 8, len -= 8) {
        memcpy(&eight, p, sizeof(eight));
        crc = __crc32cd(crc, eight);
    }
    for (; len > 0; p++, len--)
        crc = __crc32cb(crc, *p);
    return ~crc;
}
#endif

uint32_t
ss_crc32c(const void *data, size_t len)
{
#if defined(__x86_64__) && defined(__GNUC__)
    if (__builtin_cpu_supports("sse4.2"))
        return by_instruction(data, len);
#elif defined(__ARM_FEATURE_CRC32) && defined(__AARCH64EL__)
    return by_instruction(data, len);
#endif
    return ss_crc32c_plain(data, len);
}

static uint32_t
little_endian(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* The eight look-ups wait for nothing of each other. */
uint32_t
ss_crc32c_plain(const void *data, size_t len)
{
    const uint32_t (*t)[256] = crc32c_table;
    const uint8_t *p = data;
    uint32_t crc = 0xffffffff, low, high;

    for (; len >= 8; p += 8, len -= 8) {
        low = crc ^ little_endian(p);
        high = little_endian(p + 4);
        crc = t[7][low & 255] ^ t[6][low >> 8 & 255] ^ t[5][low >> 16 & 255] ^ t[4][low >> 24] ^
              t[3][high & 255] ^ t[2][high >> 8 & 255] ^ t[1][high >> 16 & 255] ^ t[0][high >> 24];
    }
    for (; len > 0; p++, len--)
        crc = crc >> 8 ^ t[0][(crc ^ *p) & 255];
    return ~crc;
}
