/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "explain.h"

#include <string.h>

#include <gnutls/gnutls.h>

#include "ask_again.h"
#include "ingredients.h"

/* DANE-EE-04: the leaf is named, so that its key is all there is to say. */
static bool
weak_leaf_key(const struct dispute *dispute)
{
    const struct pool_cert *leaf = dispute->trial->chain[0];

    return is_weak(leaf) && named_by_any(dispute->trial, 3, leaf);
}

static bool
last_second(const struct dispute *dispute)
{
    struct candidates candidates = candidates_of(dispute->trial);
    size_t i;

    for (i = 0; i < candidates.count; i++)
        if (dispute->trial->now == end_of(candidates.list[i]))
            return true;
    return false;
}

static bool
any_purpose(const struct dispute *dispute)
{
    struct candidates candidates = candidates_of(dispute->trial);
    size_t i;

    for (i = 0; i < candidates.count; i++)
        if (candidates.list[i]->spec.eku != NULL &&
            strcmp(candidates.list[i]->spec.eku, EKU_ANY) == 0)
            return true;
    return false;
}

static bool
wide_star(const struct dispute *dispute)
{
    return any_presented(dispute->trial, is_wide_star);
}

static bool
star_over_underscore(const struct dispute *dispute)
{
    return any_presented(dispute->trial, is_star_over_underscore);
}

static bool
dotted_name(const struct dispute *dispute)
{
    return any_presented(dispute->trial, is_dotted);
}

/* Signed by that key under that name, as the pool was made. */
static bool
truly_issued(const struct dispute *dispute, const struct pool_cert *issuer,
             const struct pool_cert *cert)
{
    const struct pool_cert *parent = cert->parent >= 0 ? &dispute->pool->certs[cert->parent] : cert;

    return can_issue(issuer, cert) && !cert->spec.forged && issuer->spec.key == parent->spec.key;
}

/* The name fits by OpenSSL too, or the case explains why not. */
static bool
is_no_matter_of_names(const struct dispute *dispute)
{
    size_t i;

    for (i = 0; i < dispute->leniency.count; i++)
        if (dispute->leniency.errors[i] == X509_V_ERR_HOSTNAME_MISMATCH)
            return true;
    return dispute->theirs->error != X509_V_ERR_HOSTNAME_MISMATCH;
}

/* Self-issued, and not self-signed. */
static bool
is_new_key(const struct pool_cert *cert)
{
    return self_issued(cert) && cert->parent >= 0;
}

static bool
comes_again(const struct candidates *candidates, const bool *reached, size_t which)
{
    size_t i;

    for (i = 0; i < candidates->count; i++)
        if (i != which && reached[i] &&
            strcmp(candidates->list[i]->cn, candidates->list[which]->cn) == 0)
            return true;
    return false;
}

/*
 * A certificate of a CA's new key, issued by its old one under the one name:
 * self-issued, not self-signed (RFC 5280 3.2). OpenSSL ends the path there. By
 * its making, does the leaf lead over such a one to a named anchor?
 */
static bool
over_new_key(const struct dispute *dispute)
{
    struct candidates candidates = candidates_of(dispute->trial);
    bool reached[TRIAL_CHAIN + TRIAL_RECORDS] = {true};
    bool rolled = false, named = false, more = true;
    size_t i, k;

    while (more) {
        more = false;
        for (i = 1; i < candidates.count; i++)
            for (k = 0; k < candidates.count && !reached[i]; k++)
                if (reached[k] &&
                    truly_issued(dispute, candidates.list[i], candidates.list[k])) {
                    reached[i] = more = true;
                    rolled = rolled || is_new_key(candidates.list[i]) ||
                             comes_again(&candidates, reached, i);
                    named = named || named_by_any(dispute->trial, 2, candidates.list[i]);
                }
    }
    return rolled && named && is_no_matter_of_names(dispute);
}

static bool
expired_intermediate_anchor(const struct dispute *dispute)
{
    struct candidates candidates = candidates_of(dispute->trial);
    int64_t now = dispute->trial->now;
    size_t i;

    if (dispute->ours->reason != SMTPSEC_REASON_EXPIRED &&
        dispute->ours->reason != SMTPSEC_REASON_NOT_YET_VALID)
        return false;
    for (i = 1; i < candidates.count; i++) {
        const struct pool_cert *cert = candidates.list[i];

        if (!self_issued(cert) && named_by_any(dispute->trial, 2, cert) &&
            (now < begin_of(cert) || now > end_of(cert)))
            return true;
    }
    return false;
}

/* OpenSSL takes a self-signed one of version 1, and one without basicConstraints that may sign. */
static bool
lacks_authority(const struct pool_cert *cert)
{
    const struct ss_test_cert_spec *spec = &cert->spec;

    return spec->v1 ? self_issued(cert)
                    : !spec->ca && (spec->key_usage & GNUTLS_KEY_KEY_CERT_SIGN) != 0;
}

/* We say that reason and there is such a one; or OpenSSL's yes hangs on such ones. */
static bool
turns_on(const struct dispute *dispute, int32_t reason, bool (*is_such)(const struct pool_cert *))
{
    struct candidates candidates = candidates_of(dispute->trial);
    size_t i;

    for (i = 0; i < candidates.count; i++)
        if (dispute->ours->reason == reason && is_such(candidates.list[i]))
            return true;
    return they_refuse_without(dispute, is_such);
}

static bool
no_authority(const struct dispute *dispute)
{
    return turns_on(dispute, SMTPSEC_REASON_NOT_CA, lacks_authority);
}

/* A certificate with an extension that it cannot read passes each check of purpose with OpenSSL. */
static bool
has_unreadable_usage(const struct pool_cert *cert)
{
    return cert->spec.broken_key_usage && !cert->spec.v1;
}

static bool
unreadable_key_usage(const struct dispute *dispute)
{
    return turns_on(dispute, SMTPSEC_REASON_BAD_CERTIFICATE, has_unreadable_usage);
}

/* GnuTLS judges name constraints on a CN by the same thought. */
static bool
two_common_names(const struct dispute *dispute)
{
    const struct pool_cert *leaf = dispute->trial->chain[0];

    return (dispute->ours->reason == SMTPSEC_REASON_NAME_MISMATCH ||
            dispute->ours->reason == SMTPSEC_REASON_NAME_CONSTRAINT) &&
           !has_dns_id(leaf) && leaf->spec.second_cn != NULL;
}

static bool
name_in_other_letters(const struct dispute *dispute)
{
    struct candidates candidates = candidates_of(dispute->trial);
    size_t i, k;

    /* DANE_TA_LEAF: another record names the leaf, which tells a little more. */
    if (dispute->ours->reason != SMTPSEC_REASON_DANE_TA_NO_PATH &&
        dispute->ours->reason != SMTPSEC_REASON_DANE_NO_MATCH &&
        dispute->ours->reason != SMTPSEC_REASON_DANE_TA_LEAF)
        return false;
    for (i = 0; i < candidates.count; i++)
        for (k = 1; k < candidates.count; k++)
            if (can_issue(candidates.list[k], candidates.list[i]) &&
                strcmp(candidates.list[i]->issuer_cn, candidates.list[k]->cn) != 0)
                return true;
    return false;
}

/* GnuTLS takes a self-issued certificate at a path's top for a root, and leaves it out. */
static bool
new_key_at_top(const struct dispute *dispute)
{
    struct candidates candidates = candidates_of(dispute->trial);
    size_t i, k;

    if (dispute->ours->reason != SMTPSEC_REASON_BAD_SIGNATURE &&
        dispute->ours->reason != SMTPSEC_REASON_DANE_NO_MATCH)
        return false;
    for (i = 1; i < candidates.count; i++)
        for (k = 1; k < candidates.count; k++)
            if (is_new_key(candidates.list[i]) &&
                named_by_any(dispute->trial, 2, candidates.list[k]) &&
                truly_issued(dispute, candidates.list[k], candidates.list[i]))
                return true;
    return false;
}

static bool
own_bare_key(const struct dispute *dispute)
{
    const struct trial *trial = dispute->trial;
    size_t i;

    /* BAD_SIGNATURE: another anchor has the leaf's name, which tells a little more. */
    if (dispute->ours->reason != SMTPSEC_REASON_DANE_TA_LEAF &&
        dispute->ours->reason != SMTPSEC_REASON_BAD_SIGNATURE)
        return false;
    for (i = 0; i < trial->record_count; i++)
        if (is_own_anchor(&trial->records[i], 1) &&
            names_it(&trial->records[i], 2, trial->chain[0]))
            return true;
    return false;
}

/* OpenSSL holds name constraints against a CN only when it looks like a host name. */
static bool
constrained_star(const struct dispute *dispute)
{
    const struct pool_cert *leaf = dispute->trial->chain[0];

    return dispute->ours->reason == SMTPSEC_REASON_NAME_CONSTRAINT && !has_dns_id(leaf) &&
           leaf->cn[0] == '*';
}

/* "mx.d.test." below an excluded "mx.d.test": the same to GnuTLS, another name to OpenSSL. */
static bool
excluded_dotted_name(const struct dispute *dispute)
{
    return dispute->ours->reason == SMTPSEC_REASON_NAME_CONSTRAINT && dotted_name(dispute);
}

/* OpenSSL asks neither for the size of a bare key, nor for the digest of what it signed. */
static bool
weak_at_bare_key(const struct dispute *dispute)
{
    struct candidates candidates = candidates_of(dispute->trial);
    const struct trial *trial = dispute->trial;
    size_t i, k;

    /* NAME_CONSTRAINT is GnuTLS's word for a second bare key that is of another algorithm. */
    if (dispute->ours->reason != SMTPSEC_REASON_WEAK_ALGORITHM &&
        dispute->ours->reason != SMTPSEC_REASON_NAME_CONSTRAINT)
        return false;
    for (k = 0; k < trial->record_count; k++)
        for (i = 0; i < candidates.count && is_own_anchor(&trial->records[k], 1); i++)
            if (is_weak(trial->records[k].of) || candidates.list[i]->spec.sha1)
                return true;
    return false;
}

static bool
empty_name(const struct dispute *dispute)
{
    return turns_on(dispute, SMTPSEC_REASON_BAD_CERTIFICATE, has_empty_name);
}

const struct explanation explanations[] = {
    {"DANE-EE-04", "usage 3 does not look at the leaf's key; OpenSSL at level 2 wants 2048 bits",
     OURS_ACCEPTS, X509_V_ERR_EE_KEY_TOO_SMALL, weak_leaf_key},
    {"DANE-TA-10", "the second named by notAfter still belongs to the validity (RFC 5280 4.1.2.5)",
     OURS_ACCEPTS, X509_V_ERR_CERT_HAS_EXPIRED, last_second},
    {"NAME-12", "anyExtendedKeyUsage allows TLS servers (RFC 5280 4.2.1.12)", OURS_ACCEPTS,
     X509_V_ERR_INVALID_PURPOSE, any_purpose},
    {"NAME-03", "a star stands for any one label; OpenSSL wants no underscore in it", OURS_ACCEPTS,
     X509_V_ERR_HOSTNAME_MISMATCH, star_over_underscore},
    {"NAME-04", "a star may stand before a single label; OpenSSL wants two", OURS_ACCEPTS,
     X509_V_ERR_HOSTNAME_MISMATCH, wide_star},
    {"NAME-09", "a dNSName with a final dot names nobody; to constraints it is the same undotted",
     OURS_ACCEPTS, X509_V_ERR_PERMITTED_VIOLATION, dotted_name},
    {"DANE-EE-07", "2 1 0 suffices by itself, whatever a 2 0 0 of that key forbids", OURS_ACCEPTS,
     0, key_beside_certificate},
    {"DANE-TA-06", "a bare key stands by itself beside its certificate in other letters",
     OURS_ACCEPTS, 0, key_in_other_letters},
    {"DANE-TA-04", "a 2 0 0 anchor with a wrong bit serves as long as its name and key do",
     OURS_ACCEPTS, 0, damaged_anchor},
    {"DANE-TA-01", "of two issuers with one name OpenSSL tries one, we try all", OURS_ACCEPTS,
     0, other_path},
    {"DANE-TA-01", "a path may meet a name twice, as for a CA's new key; OpenSSL errs there",
     OURS_ACCEPTS, 0, over_new_key},
    {"DANE-TA-01", "names of issuers are compared as octets, letters not folded (RFC 5280 7.1)",
     THEIRS_ACCEPTS, 0, name_in_other_letters},
    {"DANE-TA-01", "a CA's new key right below the anchor of its old one: GnuTLS leaves it out",
     THEIRS_ACCEPTS, 0, new_key_at_top},
    {"DANE-TA-06", "a weak key or SHA-1 is as weak at a bare key as anywhere else", THEIRS_ACCEPTS,
     0, weak_at_bare_key},
    {"DANE-TA-08", "name constraints hold for a CN with a star as for any other", THEIRS_ACCEPTS,
     0, constrained_star},
    {"DANE-TA-11", "an intermediate that is the anchor must be valid at that time too",
     THEIRS_ACCEPTS, 0, expired_intermediate_anchor},
    {"DANE-TA-12", "a leaf signed by its own key is not its own anchor, by 2 1 0 neither",
     THEIRS_ACCEPTS, 0, own_bare_key},
    {"DANE-TA-13", "who issues says so in basicConstraints, the anchor included", THEIRS_ACCEPTS,
     0, no_authority},
    {"NAME-12", "a key usage that cannot be read allows nothing", THEIRS_ACCEPTS,
     0, unreadable_key_usage},
    {"NAME-06", "of several CNs it is unclear which is meant as a name", THEIRS_ACCEPTS,
     0, two_common_names},
    {"NAME-09", "a dNSName with a final dot is excluded as the same undotted", THEIRS_ACCEPTS,
     0, excluded_dotted_name},
    {"NAME-09", "a certificate with an empty dNSName does not parse with GnuTLS", THEIRS_ACCEPTS,
     0, empty_name},
};
const size_t explanation_count = sizeof(explanations) / sizeof(explanations[0]);

/* All errors that the case's ingredients explain, since one may stand behind another. */
static void
collect_leniency(struct dispute *dispute)
{
    size_t i;

    dispute->leniency.count = 0;
    for (i = 0; i < explanation_count; i++)
        if (explanations[i].error != 0 && explanations[i].fits(dispute))
            dispute->leniency.errors[dispute->leniency.count++] = explanations[i].error;
}

static int
explain_our_yes(struct dispute *dispute)
{
    bool overlooked;
    size_t i;

    collect_leniency(dispute);
    overlooked = they_accept(dispute, dispute->trial);
    for (i = 0; i < explanation_count; i++) {
        const struct explanation *one = &explanations[i];

        if (one->direction != OURS_ACCEPTS)
            continue;
        if (one->error != 0 ? overlooked && one->error == dispute->theirs->error
                            : !overlooked)
            if (one->fits(dispute))
                return (int)i;
    }
    return -1;
}

int
explain(struct dispute *dispute)
{
    size_t i;

    if (dispute->ours->accepted)
        return explain_our_yes(dispute);
    for (i = 0; i < explanation_count; i++)
        if (explanations[i].direction == THEIRS_ACCEPTS && explanations[i].fits(dispute))
            return (int)i;
    return -1;
}

const char *
explain_record(const struct trial_record *record, bool ours_usable)
{
    bool anchor = record->usage == 2 && record->selector == 0;

    if (record->matching != 0)
        return NULL;
    if (!anchor && record->harm == HARM_FLIPPED)
        return ours_usable
                   ? "octets that are only compared need the frame of a certificate or key, no more"
                   : "the frame must be DER, which OpenSSL reads as BER";
    if (!anchor)
        return NULL;
    if (record->harm == HARM_FLIPPED)
        return "the parsers differ on a damaged anchor, which nothing can match";
    if (!ours_usable && has_empty_name(record->of))
        return "GnuTLS does not parse a certificate with an empty dNSName";
    return NULL;
}
