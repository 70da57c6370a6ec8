/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A requirement from another process: the blob as it is, its body alone, and
 * the body with its digest put right, so that what lies behind is reached.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "decision/outcome.h"
#include "decision/requirement.h"
#include "decision/seal.h"
#include "decision/verify.h"

/*
 * Behind the digest: sources, the memory's own, flags, audited, four times, a
 * basis; what is reported in six, and its basis.
 */
#define BASIS (2 + 3 * 8)
#define WHY (4 + 4 * 8 + BASIS + 6 + BASIS)
/* Among the flags. */
#define LIFTED 4
#define EITHER 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(int holds)
{
    if (!holds)
        abort();
}

/* What was read is written again octet for octet: there is one form for each requirement. */
static void
must_be_written_so(const struct smtpsec_requirement *requirement, struct ss_bytes body)
{
    struct ss_buf buf;

    ss_buf_init(&buf, SS_BLOB_MAX);
    ss_requirement_encode(requirement, &buf);
    must(ss_buf_ok(&buf) && buf.len == body.len && memcmp(buf.data, body.data, body.len) == 0);
    ss_buf_free(&buf);
}

static void
judge(const struct smtpsec_requirement *requirement)
{
    static const uint8_t octets[] = "\x30\x03\x02\x01\x01";
    struct ss_bytes piece = {octets, 5};
    struct smtpsec_session session;
    struct smtpsec_verdict verdict;
    const struct ss_words *words;
    int32_t starttls;
    int with;

    for (starttls = 0; starttls <= SMTPSEC_STARTTLS_INJECTED; starttls++)
        for (with = 0; with < 3; with++) {
            memset(&session, 0, sizeof(session));
            session.starttls = starttls;
            session.version = 0x0304;
            if (with == 1)
                must(ss_session_add(&session, piece) == 0);
            if (with == 2)
                must(ss_session_set_raw_key(&session, piece) == 0);
            must(ss_verify(NULL, requirement, &session, requirement->expires, &verdict) == 0);
            /* What is demanded was proved, and nothing here proves PKIX. */
            must(!verdict.accepted ||
                 ((requirement->identities & ~verdict.identities) == 0 &&
                  (requirement->identities & SMTPSEC_IDENTITY_PKIX) == 0) ||
                 (requirement->either &&
                  (verdict.identities & SMTPSEC_IDENTITY_DANE) != 0));
            must(!verdict.accepted || requirement->tls == SMTPSEC_TLS_OPTIONAL ||
                 starttls == SMTPSEC_STARTTLS_DONE);
            /* Only what is accepted is reported, and only for a set that asks for more. */
            must(!verdict.would_refuse || verdict.accepted);
            must(!verdict.memory_refused || !verdict.accepted);
            must(verdict.would_refuse == (verdict.would_reason != SMTPSEC_REASON_NONE));
            words = ss_verdict_words(&verdict);
            must(memchr(words->text, 0, sizeof(words->text)) != NULL);
            must(words->trace.count > 0 && (words->dsn[0] == 0) == verdict.accepted);
            ss_verdict_clear(&verdict);
            ss_session_clear(&session);
        }
}

static void
try(struct ss_bytes body)
{
    struct smtpsec_requirement *requirement, *copy;
    struct smtpsec_outcome *outcome;

    if (ss_requirement_decode(body, &requirement) != 0)
        return;
    must_be_written_so(requirement, body);
    must(requirement->identities == 0 || requirement->tls == SMTPSEC_TLS_REQUIRED);
    must(requirement->level == SMTPSEC_LEVEL_NONE || requirement->tls == SMTPSEC_TLS_REQUIRED);
    judge(requirement);
    must(ss_requirement_copy(requirement, &copy) == 0);
    must_be_written_so(copy, body);
    must(ss_outcome_new(copy, 0, &outcome) == 0);
    free(outcome);
    ss_requirement_free(requirement);
    ss_requirement_free(copy);
}

static void
try_with_digest(const uint8_t *data, size_t size)
{
    struct ss_bytes body;
    uint8_t digest[SS_SHA256_LEN];
    uint8_t *copy;
    size_t required;

    if (size < SS_SHA256_LEN + WHY)
        return;
    copy = malloc(size);
    must(copy != NULL);
    memcpy(copy, data, size);
    body.data = copy;
    body.len = size;
    required = size - SS_SHA256_LEN - WHY;
    /* A lifted one has an octet more in its digest, which no blob holds. */
    copy[required] = (data[size - WHY + 2] & EITHER) != 0 ? 2 : 1;
    must(ss_sha256(copy, required + ((data[size - WHY + 2] & LIFTED) != 0), digest) == 0);
    memcpy(copy + required, digest, sizeof(digest));
    try(body);
    free(copy);
}

/* The digest stands where the target thinks it does. */
static void
check_layout(void)
{
    struct smtpsec_requirement *requirement;
    struct ss_buf buf;

    must(ss_requirement_new(&requirement) == 0 && ss_requirement_seal_digest(requirement) == 0);
    ss_buf_init(&buf, 4096);
    ss_requirement_encode(requirement, &buf);
    must(memcmp(buf.data + buf.len - WHY - SS_SHA256_LEN, requirement->digest, SS_SHA256_LEN) == 0);
    ss_buf_free(&buf);
    ss_requirement_free(requirement);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ss_bytes blob = {data, size}, body;

    check_layout();
    if (ss_unseal(NULL, SS_BLOB_REQUIREMENT, SS_REQUIREMENT_VERSION, blob, &body) == 0) {
        try(body);
        try_with_digest(body.data, body.len);
    }
    try(blob);
    try_with_digest(data, size);
    return 0;
}
