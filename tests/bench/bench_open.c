/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Opening a memory and the first read from it, closing it, and what a process
 * that has it open holds alone: each in a process of its own, beside LMDB on the
 * same file, for ten thousand to ten million remembered domains.
 *
 * Two processes read the same before one of them says what it holds, so that
 * the pages of the file, which all share, are not taken for its own.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "stores.h"

#define READS 100000

/* ---- in the child ---- */

static void
read_ours(struct ss_store *store, uint64_t n, struct ss_buf *key, struct ss_buf *value)
{
    population_entry(POPULATION_DANE, n, 0, key, value);
    value->len = 0;
    if (ss_store_get(store, SS_TABLE_CLAIMS, (struct ss_bytes){ key->data, key->len }, value) != 0)
        bench_fail("a domain is not remembered");
}

static void
read_bare(struct bare *bare, uint64_t n, struct ss_buf *key, struct ss_buf *value)
{
    struct ss_bytes got;

    population_entry(POPULATION_DANE, n, 0, key, value);
    if (!bare_get(bare, (struct ss_bytes){ key->data, key->len }, &got))
        bench_fail("a domain is not there");
}

static void
many_reads(struct ss_store *store, struct bare *bare, uint64_t count, struct ss_buf *key,
           struct ss_buf *value)
{
    uint64_t state, i;

    bench_seed(&state, 5);
    for (i = 0; i < READS; i++) {
        if (store != NULL)
            read_ours(store, bench_random(&state) % count, key, value);
        else
            read_bare(bare, bench_random(&state) % count, key, value);
    }
    printf("0\n");
    fflush(stdout);
    bench_child_wait(); /* until the other has read all that, too */
    printf("%.0f\n", bench_private_memory());
    fflush(stdout);
    bench_child_wait();
}

/* child ours|bare once|many DIRECTORY COUNT N */
static int
child(char **argv)
{
    bool ours = strcmp(argv[2], "ours") == 0, many = strcmp(argv[3], "many") == 0;
    uint64_t count = strtoull(argv[5], NULL, 10), n = strtoull(argv[6], NULL, 10);
    struct ss_store *store = NULL;
    struct ss_buf key, value;
    uint64_t began, opened;
    struct bare bare;

    ss_buf_init(&key, 1024);
    ss_buf_init(&value, SS_STORE_VALUE_MAX);
    population_entry(POPULATION_DANE, n, 0, &key, &value); /* its room is there before */
    began = bench_now();
    if (ours) {
        store = stores_open(argv[4], count);
        read_ours(store, n, &key, &value);
    } else {
        bare_open(&bare, argv[4], "claims", 0);
        read_bare(&bare, n, &key, &value);
    }
    opened = bench_now();
    if (many)
        many_reads(store, &bare, count, &key, &value);
    printf("%" PRIu64 "\n", opened - began);
    began = bench_now();
    if (ours)
        ss_store_close(store);
    else
        bare_close(&bare);
    printf("%" PRIu64 "\n", bench_now() - began);
    ss_buf_free(&key);
    ss_buf_free(&value);
    return 0;
}

/* ---- in the parent ---- */

static struct bench_child *
start(const char *whose, const char *what, const char *directory, uint64_t count, uint64_t n)
{
    char count_text[32], n_text[32];
    const char *const arguments[] = { "child", whose, what, directory, count_text, n_text, NULL };

    snprintf(count_text, sizeof(count_text), "%" PRIu64, count);
    snprintf(n_text, sizeof(n_text), "%" PRIu64, n);
    return bench_child_start(arguments);
}

static void
once(const char *whose, const char *directory, uint64_t count, uint64_t n, double *opened,
     double *closed)
{
    struct bench_child *one = start(whose, "once", directory, count, n);

    *opened = bench_child_number(one);
    *closed = bench_child_number(one);
    bench_child_end(one);
}

static void
open_and_close(const char *directory, uint64_t count, uint64_t rounds)
{
    struct bench_pair opening, closing;
    double opened, closed;
    uint64_t i;

    bench_pair_init(&opening, "open the store and first read", "LMDB: open and first get", "ns",
                    1.5, count);
    bench_pair_init(&closing, "close the store", "LMDB: close", "ns", 0, count);
    for (i = 0; i < rounds; i++) {
        once("ours", directory, count, i * 7919 % count, &opened, &closed);
        bench_ours(&opening, opened);
        bench_ours(&closing, closed);
        once("bare", directory, count, i * 7919 % count, &opened, &closed);
        bench_floor(&opening, opened);
        bench_floor(&closing, closed);
    }
    bench_report(&opening);
    bench_report(&closing);
}

static double
held(const char *whose, const char *directory, uint64_t count)
{
    return bench_child_held(start(whose, "many", directory, count, 0),
                            start(whose, "many", directory, count, 0));
}

static void
one_size(uint64_t count, uint64_t rounds)
{
    const char *directory;
    char name[64];
    bool made;

    snprintf(name, sizeof(name), "claims-%" PRIu64, count);
    if (!stores_room(count * 250 + 100000000, name))
        return;
    directory = stores_directory(name, &made);
    if (made) {
        stores_bulk(directory, POPULATION_DANE, count);
        stores_filled(directory);
    }
    bench_value("file a domain, DANE, loaded at once", "octets",
                (double)stores_file_size(directory, "data.mdb") / (double)count, 100, count);
    open_and_close(directory, count, rounds);
    bench_value("private memory after 100,000 reads of the store", "octets",
                held("ours", directory, count), 1048576, count);
    bench_value("private memory after 100,000 reads, LMDB alone", "octets",
                held("bare", directory, count), 0, count);
}

int
main(int argc, char **argv)
{
    bool quick = bench_quick(argc, argv);

    if (argc == 7 && strcmp(argv[1], "child") == 0)
        return child(argv);
    one_size(10000, quick ? 10 : 100);
    if (!quick) {
        one_size(1000000, 50);
        one_size(10000000, 20);
    } else {
        one_size(100000, 5);
    }
    stores_end();
    return 0;
}
