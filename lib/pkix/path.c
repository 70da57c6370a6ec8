/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The search for a path (RFC 5280 6.1). GnuTLS takes the first issuer that fits
 * by name and does not come back, so a stray or cross-signed certificate hides
 * a good path from it; and it reads the clock. Here the search is ours, with a
 * bound; each path found is given to GnuTLS alone with its one anchor, its time
 * checks off, and the validity of just these certificates is judged at now.
 */
#include "pkix/certificate.h"

#include <string.h>

#include "pkix/der.h"

/* Certificates looked at in one search, counted once for each path they stand on. */
#define SEARCH_BUDGET 64

struct path {
    size_t length;                                       /* the anchor not counted */
    gnutls_x509_crt_t list[SS_CHAIN_CERTIFICATES + 1];   /* leaf first; then room for the anchor */
};

struct search {
    struct ss_chain *chain;
    const struct ss_anchor_index *anchors;
    int64_t now;
    size_t budget;
    struct path path;
    size_t at[SS_CHAIN_CERTIFICATES];   /* where in the chain each of the path stands */
    size_t next[SS_CHAIN_CERTIFICATES]; /* the issuer to try next for each */
    struct ss_path_result best;
};

/* What tells most about why a chain fails; time above all, since then all else holds. */
static int
telling(int32_t reason)
{
    switch (reason) {
    case SMTPSEC_REASON_NONE:
        return 4;
    case SMTPSEC_REASON_EXPIRED:
    case SMTPSEC_REASON_NOT_YET_VALID:
        return 3;
    case SMTPSEC_REASON_NOT_TRUSTED:
        return 0;
    case SMTPSEC_REASON_BAD_SIGNATURE:
        return 1;
    default:
        return 2;
    }
}

/*
 * RFC 5280 4.2.1.3: a key usage, where there is one, must allow one of those
 * wanted. One that cannot be read allows nothing.
 */
static int32_t
judge_usage(gnutls_x509_crt_t crt, unsigned wanted)
{
    unsigned critical = 0, usage = 0;
    int code = gnutls_x509_crt_get_key_usage(crt, &usage, &critical);

    if (code == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
        return SMTPSEC_REASON_NONE;
    if (code < 0)
        return SMTPSEC_REASON_BAD_CERTIFICATE;
    return (usage & wanted) != 0 ? SMTPSEC_REASON_NONE : SMTPSEC_REASON_KEY_USAGE;
}

/* RFC 5280 6.1.4 (k) to (n), for one that issues; below: CAs under it, self-issued ones apart. */
static int32_t
judge_issuer(gnutls_x509_crt_t crt, size_t below)
{
    unsigned critical = 0, ca = 0;
    int length = -1;

    if (gnutls_x509_crt_get_basic_constraints(crt, &critical, &ca, &length) < 0 || ca == 0)
        return SMTPSEC_REASON_NOT_CA;
    if (length >= 0 && below > (size_t)length)
        return SMTPSEC_REASON_PATH_LENGTH;
    return judge_usage(crt, GNUTLS_KEY_KEY_CERT_SIGN);
}

/* The ways in which TLS uses a key. */
static int32_t
judge_leaf(gnutls_x509_crt_t crt)
{
    return judge_usage(crt, GNUTLS_KEY_DIGITAL_SIGNATURE | GNUTLS_KEY_KEY_ENCIPHERMENT |
                                GNUTLS_KEY_KEY_AGREEMENT);
}

/* The rules that GnuTLS reports under one status bit, or does not apply to an anchor. */
static int32_t
judge_rules(const struct path *path)
{
    int32_t reason = judge_leaf(path->list[0]);
    size_t below = 0;
    size_t i;

    for (i = 1; i <= path->length && reason == SMTPSEC_REASON_NONE; i++) {
        reason = judge_issuer(path->list[i], below);
        /* Of the last one nobody asks, and looking takes GnuTLS a parse of key identifiers. */
        if (i < path->length && !ss_certificate_self_issued(path->list[i]))
            below++;
    }
    /* NAME-12: serverAuth, any, or no extended key usage (RFC 5280 4.2.1.12). */
    for (i = 0; i <= path->length && reason == SMTPSEC_REASON_NONE; i++)
        if (!gnutls_x509_crt_check_key_purpose(path->list[i], GNUTLS_KP_TLS_WWW_SERVER, 0))
            reason = SMTPSEC_REASON_EKU;
    return reason;
}

/* Validity of all, the anchor too (DANE-TA-10, DANE-TA-11); both ends belong to it. */
static int32_t
judge_time(const struct path *path, int64_t now)
{
    int32_t reason = SMTPSEC_REASON_NONE;
    size_t i;

    for (i = 0; i <= path->length; i++) {
        time_t begin = gnutls_x509_crt_get_activation_time(path->list[i]);
        time_t end = gnutls_x509_crt_get_expiration_time(path->list[i]);

        if (begin == (time_t)-1 || end == (time_t)-1)
            return SMTPSEC_REASON_BAD_CERTIFICATE;
        if (end != GNUTLS_X509_NO_WELL_DEFINED_EXPIRATION && now > (int64_t)end)
            return SMTPSEC_REASON_EXPIRED;
        if (now < (int64_t)begin)
            reason = SMTPSEC_REASON_NOT_YET_VALID;
    }
    return reason;
}

/* GnuTLS on exactly this path and this anchor. Returns 0, SMTPSEC_E_NOMEM. */
static int
verify_signatures(const struct path *path, unsigned *status)
{
    const unsigned flags = GNUTLS_VERIFY_DO_NOT_ALLOW_SAME |
                           GNUTLS_VERIFY_DO_NOT_ALLOW_X509_V1_CA_CRT |
                           GNUTLS_VERIFY_DO_NOT_ALLOW_IP_MATCHES |
                           GNUTLS_VERIFY_DISABLE_TIME_CHECKS |
                           GNUTLS_VERIFY_DISABLE_TRUSTED_TIME_CHECKS |
                           GNUTLS_PROFILE_TO_VFLAGS(GNUTLS_PROFILE_MEDIUM);
    gnutls_typed_vdata_st purpose = {GNUTLS_DT_KEY_PURPOSE_OID, NULL, 0};
    gnutls_x509_crt_t list[SS_CHAIN_CERTIFICATES];
    gnutls_x509_trust_list_t trust = NULL;
    size_t i;
    int code;

    purpose.data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_SERVER;
    *status = GNUTLS_CERT_INVALID;
    if (gnutls_x509_trust_list_init(&trust, 1) != 0)
        return SMTPSEC_E_NOMEM;
    for (i = 0; i < path->length; i++)
        list[i] = path->list[i];
    code = gnutls_x509_trust_list_add_cas(trust, &path->list[path->length], 1, 0);
    if (code == 1)
        code = gnutls_x509_trust_list_verify_crt2(trust, list, (unsigned)path->length, &purpose, 1,
                                                  flags, status, NULL);
    /* 0: the certificates stay ours. */
    gnutls_x509_trust_list_deinit(trust, 0);
    if (code == GNUTLS_E_MEMORY_ERROR)
        return SMTPSEC_E_NOMEM;
    if (code < 0)
        *status |= GNUTLS_CERT_INVALID;
    return 0;
}

static int32_t
reason_of_status(unsigned status)
{
    if (status & GNUTLS_CERT_INSECURE_ALGORITHM)
        return SMTPSEC_REASON_WEAK_ALGORITHM;
    if (status & GNUTLS_CERT_SIGNER_NOT_CA)
        return SMTPSEC_REASON_NOT_CA;
    if (status & GNUTLS_CERT_PURPOSE_MISMATCH)
        return SMTPSEC_REASON_EKU;
    /* Path length and key usage were looked at: names are left (RFC 5280 6.1.3 b, c). */
    if (status & GNUTLS_CERT_SIGNER_CONSTRAINTS_FAILURE)
        return SMTPSEC_REASON_NAME_CONSTRAINT;
    if (status & GNUTLS_CERT_UNKNOWN_CRIT_EXTENSIONS)
        return SMTPSEC_REASON_BAD_CERTIFICATE;
    return SMTPSEC_REASON_NOT_TRUSTED;
}

static int
judge(const struct path *path, int64_t now, int32_t *reason)
{
    unsigned status;
    int code = verify_signatures(path, &status);

    if (code != 0)
        return code;
    if (status & GNUTLS_CERT_SIGNATURE_FAILURE)
        *reason = SMTPSEC_REASON_BAD_SIGNATURE;
    else
        *reason = judge_rules(path);
    if (*reason == SMTPSEC_REASON_NONE && status != 0)
        *reason = reason_of_status(status);
    if (*reason == SMTPSEC_REASON_NONE)
        *reason = judge_time(path, now);
    return 0;
}

static bool
same_certificate(const struct ss_certificate *own, const struct ss_anchor *anchor)
{
    gnutls_datum_t der = {own->der, (unsigned)own->len};

    if (anchor->der.data != NULL)
        return own->len == anchor->der.len && memcmp(own->der, anchor->der.data, own->len) == 0;
    return gnutls_x509_crt_equals2(anchor->crt, &der) != 0;
}

/* An anchor that DANE-TA had parsed as a sent certificate is not parsed once more. */
static int
parsed_anchor(const struct search *search, struct ss_anchor *anchor, gnutls_x509_crt_t *out)
{
    const struct ss_chain *chain = search->chain;
    size_t n;

    for (n = 1; n < chain->count; n++)
        if (chain->list[n].crt != NULL && same_certificate(&chain->list[n], anchor)) {
            *out = chain->list[n].crt;
            return 0;
        }
    return ss_anchor_certificate(anchor, out);
}

/* Judge the path under each anchor that can have issued its top. */
static int
try_anchors(struct search *search, bool *issuer_known)
{
    const struct ss_certificate *top = &search->chain->list[search->at[search->path.length - 1]];
    size_t first, count, i;
    int32_t reason;
    int code;

    count = ss_anchor_find(search->anchors, &top->issuer, &first);
    for (i = first; i < first + count; i++) {
        gnutls_x509_crt_t anchor;

        if (same_certificate(&search->chain->list[0], &search->anchors->list[i]))
            continue;
        code = parsed_anchor(search, &search->anchors->list[i], &anchor);
        if (code != 0)
            return code;
        if (anchor == NULL || !gnutls_x509_crt_check_issuer(top->crt, anchor))
            continue;
        if (search->budget < search->path.length)
            break;
        search->budget -= search->path.length;
        *issuer_known = true;
        search->path.list[search->path.length] = anchor;
        code = judge(&search->path, search->now, &reason);
        if (code != 0)
            return code;
        if (telling(reason) > telling(search->best.reason))
            search->best.reason = reason;
        if (reason == SMTPSEC_REASON_NONE)
            break;
    }
    return 0;
}

/*
 * An anchor that was sent along: its own place on a path is the end. It is told
 * by its octets, so that it is not parsed here and as an anchor.
 */
static bool
is_anchor(const struct search *search, const struct ss_certificate *own)
{
    struct ss_bytes der = {own->der, own->len};
    gnutls_datum_t subject;
    struct ss_bytes name;
    size_t first, count, i;
    bool found = false;

    if (!ss_der_subject(der, &name))
        return false;
    subject.data = (unsigned char *)(uintptr_t)name.data;
    subject.size = (unsigned)name.len;
    count = ss_anchor_find(search->anchors, &subject, &first);
    for (i = first; i < first + count && !found; i++)
        found = same_certificate(own, &search->anchors->list[i]);
    return found;
}

static bool
on_path(const struct search *search, size_t n)
{
    size_t i;

    for (i = 0; i < search->path.length; i++)
        if (search->at[i] == n)
            return true;
    return false;
}

static void
push(struct search *search, size_t n)
{
    size_t depth = search->path.length++;

    search->path.list[depth] = search->chain->list[n].crt;
    search->at[depth] = n;
    search->next[depth] = 1;
}

/* Put the next issuer among the sent ones on top. Sets found. */
static int
climb(struct search *search, bool *found)
{
    size_t depth = search->path.length - 1;
    gnutls_x509_crt_t top = search->path.list[depth];
    struct ss_chain *chain = search->chain;
    int code;

    *found = false;
    for (; search->next[depth] < chain->count; search->next[depth]++) {
        size_t n = search->next[depth];

        if (chain->list[n].repeated || on_path(search, n) || is_anchor(search, &chain->list[n]))
            continue;
        code = ss_chain_parse(chain, n);
        if (code != 0)
            return code;
        if (chain->list[n].crt == NULL ||
            !gnutls_x509_crt_check_issuer(top, chain->list[n].crt))
            continue;
        search->next[depth]++;
        push(search, n);
        *found = true;
        return 0;
    }
    return 0;
}

int
ss_path_find(struct ss_chain *chain, const struct ss_anchor_index *anchors, int64_t now,
             struct ss_path_result *result)
{
    struct search search = {chain, anchors, now, SEARCH_BUDGET, {0, {NULL}}, {0}, {0},
                            {SMTPSEC_REASON_NOT_TRUSTED, false}};
    bool fresh = true;
    int code = 0;

    push(&search, 0);
    while (code == 0 && search.path.length > 0 && search.budget > 0 &&
           search.best.reason != SMTPSEC_REASON_NONE) {
        bool issuer_known = !fresh;
        gnutls_x509_crt_t top = search.path.list[search.path.length - 1];
        bool climbed = false;

        search.budget--;
        if (fresh)
            code = try_anchors(&search, &issuer_known);
        if (code == 0 && search.best.reason != SMTPSEC_REASON_NONE)
            code = climb(&search, &climbed);
        if (!climbed) {
            if (!issuer_known && !ss_certificate_self_issued(top))
                search.best.open = true;
            search.path.length--;
        }
        fresh = climbed;
    }
    *result = search.best;
    return code;
}
