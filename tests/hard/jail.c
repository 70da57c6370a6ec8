/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Processes of other users. One drops its privileges into a jail and opens the
 * memory there. Another may not open it at all, and seals its outcome for the
 * owner, who records it; one that is altered or not sealed is refused.
 *
 * Needs root; without it this is left out.
 */
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/context.h"
#include "hard.h"

enum { OWNER = 65534, OTHER = 65533, BLOB_MAX = 65536 };

static const char key[] = "the key of this installation";
static const char wrong_key[] = "the key of another installation";

static char jail[64];
static char memory[96];

static void
become(uid_t uid)
{
    HARD_CHECK(setgroups(0, NULL) == 0 && setgid(uid) == 0 && setuid(uid) == 0);
}

static void
run_as(uid_t uid, bool in_jail, void (*job)(void), const char *what)
{
    pid_t child;

    fflush(NULL);
    child = hard_fork();
    if (child == 0) {
        if (in_jail)
            HARD_CHECK(chroot(jail) == 0 && chdir("/") == 0);
        become(uid);
        job();
        fflush(NULL);
        _exit(0);
    }
    hard_wait_good(child, what);
}

static size_t
count_claims(struct smtpsec_context *context, const char *domain)
{
    struct smtpsec_claims *claims = NULL;
    size_t count;

    HARD_CHECK(smtpsec_memory_list(context, domain, &claims) == 0);
    count = smtpsec_claims_count(claims);
    smtpsec_claims_free(claims);
    return count;
}

/* ---- in the jail ---- */

static void
use_in_jail(void)
{
    struct smtpsec_context *context = hard_open("/memory");

    HARD_CHECK(smtpsec_context_memory_state(context) == SMTPSEC_MEMORY_OK);
    HARD_CHECK(hard_deliver(context, "jail.example.org") == 0);
    HARD_CHECK(count_claims(context, "jail.example.org") == 1);
    smtpsec_context_free(context);
}

static void
look_from_outside(void)
{
    struct smtpsec_context *context = hard_open(memory);

    HARD_CHECK(smtpsec_context_memory_state(context) == SMTPSEC_MEMORY_OK);
    HARD_CHECK(count_claims(context, "jail.example.org") == 1);
    smtpsec_context_free(context);
}

/* Not root's, so not root's to open: a hostile page is worse than no memory. */
static void
may_not_open(void)
{
    struct smtpsec_context *context = hard_open(memory);

    HARD_CHECK(smtpsec_context_memory_state(context) == SMTPSEC_MEMORY_LOST);
    HARD_CHECK(hard_deliver(context, "jail.example.org") == SMTPSEC_E_MEMORY);
    smtpsec_context_free(context);
}

/* ---- sealed outcomes ---- */

static int blobs[2];

/* What a process without the memory writes for the owner: its length and it. */
static void
send_blob(const char *sealed_with, const char *domain)
{
    struct smtpsec_context *context = hard_open_sealed(NULL, sealed_with);
    struct smtpsec_plan *plan = hard_evaluate(context, domain, NULL);
    struct smtpsec_outcome *outcome = hard_outcome(plan);
    uint8_t *data = NULL;
    size_t len = 0;

    HARD_CHECK(smtpsec_outcome_write(context, outcome, &data, &len) == 0 && len < PIPE_BUF / 2);
    HARD_CHECK(write(blobs[1], &len, sizeof(len)) == sizeof(len));
    HARD_CHECK(write(blobs[1], data, len) == (ssize_t)len);
    smtpsec_bytes_free(data);
    smtpsec_outcome_free(outcome);
    smtpsec_plan_free(plan);
    smtpsec_context_free(context);
}

static void
send_all(void)
{
    may_not_open();
    send_blob(key, "sealed.example.org");
    send_blob(NULL, "unsealed.example.org");
    send_blob(wrong_key, "forged.example.org");
}

static size_t
take_blob(uint8_t *data)
{
    size_t len;

    HARD_CHECK(read(blobs[0], &len, sizeof(len)) == sizeof(len) && len < BLOB_MAX);
    HARD_CHECK(read(blobs[0], data, len) == (ssize_t)len);
    return len;
}

static void
refuse(struct smtpsec_context *context, const uint8_t *data, size_t len)
{
    struct smtpsec_outcome *outcome = NULL;
    int r = smtpsec_outcome_read(context, data, len, &outcome);

    HARD_CHECK(r == SMTPSEC_E_SEAL || r == SMTPSEC_E_FORMAT || r == SMTPSEC_E_VERSION);
    HARD_CHECK(outcome == NULL);
}

/* Each bit of it, and each end. */
static uint64_t
refuse_altered(struct smtpsec_context *context, uint8_t *data, size_t len)
{
    uint64_t count = 0;
    size_t n;

    for (n = 0; n < len * 8; n++, count++) {
        data[n / 8] ^= (uint8_t)(1u << n % 8);
        refuse(context, data, len);
        data[n / 8] ^= (uint8_t)(1u << n % 8);
    }
    for (n = 0; n < len; n++, count++)
        refuse(context, data, n);
    return count;
}

static void
receive_all(void)
{
    struct smtpsec_context *context = hard_open_sealed(memory, key);
    struct smtpsec_outcome *outcome = NULL;
    static uint8_t data[BLOB_MAX];
    size_t len = take_blob(data);
    uint64_t refused;

    HARD_CHECK(smtpsec_context_memory_state(context) == SMTPSEC_MEMORY_OK);
    refused = refuse_altered(context, data, len);
    HARD_CHECK(smtpsec_outcome_read(context, data, len, &outcome) == 0);
    HARD_CHECK(smtpsec_record(context, outcome, hard_now) == 0);
    smtpsec_outcome_free(outcome);
    len = take_blob(data);
    refuse(context, data, len);
    len = take_blob(data);
    refuse(context, data, len);
    HARD_CHECK(count_claims(context, "sealed.example.org") == 1);
    HARD_CHECK(count_claims(context, "unsealed.example.org") == 0);
    HARD_CHECK(count_claims(context, "forged.example.org") == 0);
    smtpsec_context_free(context);
    hard_figure("sealed outcomes recorded by the owner", 1);
    hard_figure("altered, cut, unsealed or forged ones refused", refused + 2);
}

int
main(void)
{
    if (geteuid() != 0) {
        hard_skip("jail and sealed outcomes", "not root");
        return 0;
    }
    hard_directory(jail, true);
    snprintf(memory, sizeof(memory), "%s/memory", jail);
    HARD_CHECK(chmod(jail, 0755) == 0 && mkdir(memory, 0700) == 0);
    HARD_CHECK(chown(memory, OWNER, OWNER) == 0);
    run_as(OWNER, true, use_in_jail, "in the jail");
    run_as(OWNER, false, look_from_outside, "outside");
    may_not_open();
    hard_figure("memories opened in a jail without privileges", 1);
    HARD_CHECK(pipe(blobs) == 0);
    run_as(OTHER, false, send_all, "the process that seals");
    run_as(OWNER, false, receive_all, "the owner");
    hard_remove(memory);
    hard_remove(jail);
    return 0;
}
