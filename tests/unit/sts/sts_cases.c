/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "table.h"
#include "sts_cases.h"
#include "sts_files.h"

#define FILES 400

struct corpus {
    struct sts_case files[FILES];
    size_t count;
};

static struct corpus policies, records;

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define NAME32 "a123456789b123456789c123456789d1"
#define L63 "a23456789b123456789c123456789d123456789e123456789f123456789g123"

/* What a policy line is made of; the usual stands more than once. */
static const char *const keys[] = {
    "version", "mode", "max_age", "mx", "mx", "x", "a_b.c-d", NAME32, NAME32 "2", "Mode", "MX",
    "$$", "", "-a", "version ", " mode", "mx\t", "max-age", "b\xC3\xBC", "id", "mod", "versions"};
static const char *const versions[] = {"STSv1", "STSv1", "STSv1", "STSv2", "stsv1", "STSv1;",
                                       "STSv10", "", "STSv"};
static const char *const modes[] = {"enforce", "enforce", "testing", "none", "Enforce", "report",
                                    "enforce;", "", "enforced", "test", "none none"};
static const char *const ages[] = {
    "86400", "604800", "0", "31557600", "31557601", "9999999999", "10000000000", "0000000001",
    "00000000001", "-1", "+1", "1d", "1 2", "", "0x10", "1.5", "1e3"};
static const char *const names[] = {
    "mx.d.test", "*.d.test", "MX.D.Test", "mx.d.test.", "mx.d.test..", "*", "*.", "*.*.d.test",
    "mx*.d.test", ".d.test", "", ".", "192.0.2.1", "*.0.2.1", "[192.0.2.1]", "a_b.test", "-a.test",
    "a-.test", "mx.b\xC3\xBC.test", "xn--bcher-kva.test", "a b", "a,b", "mx.d.test;", "localhost",
    L63 ".test", L63 "4.test", L63 "." L63 "." L63 "." L63, "*." L63 "." L63 "." L63 ".abc.d1",
    "*.test", "1.test", "a.1a", "a..b", "*a.test", "**.test", "a.123.", "*.*", "*.com.",
    L63 "." L63 "." L63 "." "a23456789b123456789c123456789d123456789e123456789f123456789g1",
    "*." L63 "." L63 "." L63 "." "a23456789b123456789c123456789d123456789e123456789f123456789g1",
    L63 "." L63 "." L63 "." "a23456789b123456789c123456789d123456789e123456789f123456789g1."};
static const char *const values[] = {
    "x", "https://a.test/b c", "b\xC3\xBC", "\xE4\xB8\xAD", "\xF0\x9F\x93\xAC", "\xED\xA0\x80",
    "\xC1\xBF", "\xF4\x90\x80\x80", "\xFC", "\x1B", "\x7F", "\xC2\x85", "\xEF\xBB\xBF", "a\tb", "",
    ":", "::", "a  b", "\xE2\x80\xA8", "\xC2\xA0", "\r", "\v",
    "\f", "\x01"};
static const char *const colons[] = {": ", ": ", ": ", ":", ":  ", ":\t ", " : ", " ", ";", "::",
                                     "="};
static const char *const ends[] = {"\r\n", "\r\n", "\r\n", "\n", "\n", "\n\n", " \n", "\t \r\n",
                                   "\r", "\r\r\n", "\n\r", "", " ", "\r\n \r\n"};
static const char *const field_ends[] = {";", "; ", "; ", "; ", " ; ", "\t;\t", ";;", "; ;", " ",
                                         ",", ":", ""};
static const char *const fields[] = {
    "id=1", "id=1", "id=20240101T000000", "id=0123456789abcdefghijABCDEFGHIJ01",
    "id=0123456789abcdefghijABCDEFGHIJ012", "id=", "id=1-2", "id=1 2", "id =1", "id= 1", "ID=1",
    "id=1=2", "x=y", "a_b.c-d=e:f", NAME32 "=x", NAME32 "2=x", "_a=b", "a=", "=b", "junk",
    "a=b=c", "a=b c", "a=\x7F", "a=\xC3\xA9", "v=STSv1", "id", "idx=1", "i", "a=<>!~", "x=\x01",
    "id=\xC3\xA9", "id=1\x01", "x =y", "x= y", "\xC3\xA9=x", "-=-", "1=1"};
static const char *const record_begins[] = {
    "v=STSv1", "v=STSv1", "v=STSv1", "v=STSv1", "v=STSv1", "v=STSv1", "v=STSv1", "v=STSv1",
    "V=STSv1", "v=stsv1", "v=STSv10", " v=STSv1", "v=STSv", "v =STSv1", "", "v=spf1 -all"};
/* What is put into a text at any place. */
static const char *const scraps[] = {
    "\n", "\r\n", "\r", ":", ": ", ";", "; ", "=", " ", "\t", ".", "*.", "*", "-", "_", "mx: ",
    "mode: none\n", "version: STSv1\n", "max_age: 1\n", "id=2", "id=2;", "v=STSv1;", "\xEF\xBB\xBF",
    "\xC3\xBC", "\xC3", "\x80", "\x7F", "\x1B", "0", "9", "a", "Z", "mx", "STSv1", "enforce"};

uint64_t
dice_throw(struct dice *dice, uint64_t sides)
{
    uint64_t z = dice->state += 0x9E3779B97F4A7C15u; /* SplitMix64 */

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return (z ^ (z >> 31)) % sides;
}

static void
put(struct sts_case *c, const void *data, size_t len)
{
    if (len > CASE_MAX - c->len)
        len = CASE_MAX - c->len;
    memcpy(c->data + c->len, data, len);
    c->len += len;
}

static void
put_text(struct sts_case *c, const char *text)
{
    put(c, text, strlen(text));
}

static const char *
one_of(struct dice *dice, const char *const *list, size_t count)
{
    return list[dice_throw(dice, count)];
}

#define ONE_OF(dice, list) one_of((dice), (list), COUNT(list))
/* Mostly the first: a text with a fault everywhere teaches nothing. */
#define MOSTLY_FIRST(dice, list) \
    (dice_throw((dice), 12) > 0 ? (list)[0] : one_of((dice), (list), COUNT(list)))

/* ---- Out of the grammar --------------------------------------------------- */

static const char *
value_for(struct dice *dice, const char *key)
{
    if (strncmp(key, "version", 7) == 0)
        return MOSTLY_FIRST(dice, versions);
    if (strstr(key, "mode") != NULL || strcmp(key, "Mode") == 0)
        return dice_throw(dice, 8) > 0 ? modes[dice_throw(dice, 4)] : ONE_OF(dice, modes);
    if (strncmp(key, "max", 3) == 0)
        return dice_throw(dice, 8) > 0 ? ages[dice_throw(dice, 6)] : ONE_OF(dice, ages);
    if (strncmp(key, "mx", 2) == 0)
        return dice_throw(dice, 6) > 0 ? names[dice_throw(dice, 4)] : ONE_OF(dice, names);
    return dice_throw(dice, 6) > 0 ? values[dice_throw(dice, 5)] : ONE_OF(dice, values);
}

static void
put_line(struct sts_case *c, struct dice *dice, const char *key, const char *end)
{
    put_text(c, key);
    put_text(c, dice_throw(dice, 20) > 0 ? colons[dice_throw(dice, 6)] : ONE_OF(dice, colons));
    put_text(c, value_for(dice, key));
    put_text(c, dice_throw(dice, 20) > 0 ? end : ONE_OF(dice, ends));
}

static void
grammar_policy(struct sts_case *c, struct dice *dice)
{
    static const char *const needed[] = {"version", "mode", "max_age", "mx"};
    const char *end = ends[dice_throw(dice, 4)];
    size_t order[4] = {0, 1, 2, 3}, i, j, swap;

    for (i = 3; i > 0; i--) {
        j = dice_throw(dice, i + 1);
        swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
    for (i = 0; i < 4; i++) {
        if (dice_throw(dice, 25) > 0)
            put_line(c, dice, needed[order[i]], end);
        while (dice_throw(dice, 4) == 0)
            put_line(c, dice, ONE_OF(dice, keys), end);
    }
}

static void
grammar_record(struct sts_case *c, struct dice *dice)
{
    size_t lines = dice_throw(dice, 6) > 0 ? 1 : dice_throw(dice, 4), count;

    while (lines-- > 0) {
        put_text(c, MOSTLY_FIRST(dice, record_begins));
        for (count = dice_throw(dice, 5); count > 0; count--) {
            put_text(c, dice_throw(dice, 10) > 0 ? field_ends[dice_throw(dice, 6)]
                                                 : ONE_OF(dice, field_ends));
            put_text(c, dice_throw(dice, 3) > 0 ? fields[dice_throw(dice, 4)]
                                                : ONE_OF(dice, fields));
        }
        put_text(c, dice_throw(dice, 2) ? "" : ONE_OF(dice, field_ends));
        put_text(c, "\n");
    }
}

/* ---- Mutations of the fixtures ------------------------------------------- */

/* Replace `cut` octets at a place by `len` others. */
static void
splice(struct sts_case *c, size_t place, size_t cut, const void *data, size_t len)
{
    static struct sts_case made;

    made.len = 0;
    put(&made, c->data, place);
    put(&made, data, len);
    put(&made, c->data + place + cut, c->len - place - cut);
    *c = made;
}

/* The end of the line that begins at a place. */
static size_t
line_end(const struct sts_case *c, size_t place)
{
    while (place < c->len && c->data[place] != '\n')
        place++;
    return place < c->len ? place + 1 : place;
}

static size_t
line_begin(const struct sts_case *c, size_t place)
{
    while (place > 0 && c->data[place - 1] != '\n')
        place--;
    return place;
}

static void
mutate(struct sts_case *c, struct dice *dice, const struct corpus *corpus)
{
    size_t place = dice_throw(dice, c->len + 1), begin = line_begin(c, place);
    size_t left = c->len - place, length = line_end(c, begin) - begin;
    const struct sts_case *other = &corpus->files[dice_throw(dice, corpus->count)];
    unsigned char octet = (unsigned char)dice_throw(dice, 256), line[256];
    const char *scrap = ONE_OF(dice, scraps);

    length = length < sizeof(line) ? length : sizeof(line);
    memcpy(line, c->data + begin, length);
    switch (dice_throw(dice, 8)) {
    case 0: splice(c, place, left > 0, &octet, 1); break;
    case 1: splice(c, place, 0, scrap, strlen(scrap)); break;
    case 2: splice(c, place, left > 0, "", 0); break;
    case 3: splice(c, begin, length, "", 0); break;
    case 4: splice(c, line_begin(c, dice_throw(dice, c->len + 1)), 0, line, length); break;
    case 5: splice(c, place, left, "", 0); break;
    case 6: splice(c, place, 0, other->data, other->len); break;
    default:
        if (left > 0)
            c->data[place] ^= 0x20;
    }
}

static void
mutated(struct sts_case *c, struct dice *dice, const struct corpus *corpus)
{
    size_t rounds = 1 + dice_throw(dice, 3);

    *c = corpus->files[dice_throw(dice, corpus->count)];
    if (c->len > CASE_MAX / 4)
        c->len = CASE_MAX / 4;
    while (rounds-- > 0)
        mutate(c, dice, corpus);
}

/* ---- Noise ------------------------------------------------------------------ */

/* Octets out of a few, or any, behind a good beginning or behind nothing. */
static void
noise(struct sts_case *c, struct dice *dice, const char *good, const char *few)
{
    size_t len = dice_throw(dice, 40), any = dice_throw(dice, 4);

    if (dice_throw(dice, 4) > 0)
        put_text(c, good);
    while (len-- > 0) {
        unsigned char octet = (unsigned char)dice_throw(dice, 256);

        if (any > 0)
            octet = (unsigned char)few[dice_throw(dice, strlen(few))];
        put(c, &octet, 1);
    }
}

static struct corpus *loading;

static void
load(const struct sts_file *file)
{
    struct sts_case *c = &loading->files[loading->count];

    assert_true(loading->count < FILES);
    c->len = 0;
    put(c, file->data, file->len);
    loading->count++;
}

void
sts_cases_load(void)
{
    policies.count = records.count = 0;
    loading = &policies;
    sts_files_walk("sts_policy", load);
    loading = &records;
    sts_files_walk("sts_record", load);
}

void
sts_case_policy(struct sts_case *made, struct dice *dice)
{
    static const char good[] = "version: STSv1\nmode: enforce\nmax_age: 100\nmx: a.d.test\nmx: ";

    made->len = 0;
    switch (dice_throw(dice, 5)) {
    case 0:
    case 1: mutated(made, dice, &policies); break;
    case 2: noise(made, dice, good, "a.-*1\nx:m \r\t_\xC3\xBC"); break;
    default: grammar_policy(made, dice);
    }
}

void
sts_case_record(struct sts_case *made, struct dice *dice)
{
    made->len = 0;
    switch (dice_throw(dice, 5)) {
    case 0:
    case 1: mutated(made, dice, &records); break;
    case 2: noise(made, dice, "v=STSv1; id=1", ";;;= i d1a-_\t\n\xC3"); break;
    default: grammar_record(made, dice);
    }
}
