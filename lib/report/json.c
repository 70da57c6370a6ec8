/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "report/json.h"

#include <stdio.h>
#include <string.h>

void
ss_json_raw(struct ss_buf *out, const char *text)
{
    ss_buf_put(out, text, strlen(text));
}

void
ss_json_key(struct ss_buf *out, const char *key)
{
    ss_json_text(out, key, strlen(key));
    ss_buf_u8(out, ':');
}

void
ss_json_number(struct ss_buf *out, int64_t number)
{
    char text[24];

    snprintf(text, sizeof(text), "%lld", (long long)number);
    ss_json_raw(out, text);
}

void
ss_json_text(struct ss_buf *out, const void *text, size_t len)
{
    const uint8_t *at = text;
    char escape[8];
    size_t i;

    ss_buf_u8(out, '"');
    for (i = 0; i < len; i++) {
        if (at[i] < ' ' || at[i] > '~') {
            snprintf(escape, sizeof(escape), "\\u%04x", at[i]);
            ss_json_raw(out, escape);
            continue;
        }
        if (at[i] == '"' || at[i] == '\\')
            ss_buf_u8(out, '\\');
        ss_buf_u8(out, at[i]);
    }
    ss_buf_u8(out, '"');
}
