/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From DNS facts to hosts: MX, addresses, aliases, and the TLSA base domain
 * of each host (RFC 5321 5.1, RFC 7505, RFC 7672 2.1 to 2.2.3). Policy and
 * memory play no part here but for one thing: a host with a remembered DANE
 * claim may have its TLSA asked beside its addresses.
 */
#ifndef SS_DECISION_RESOLVE_H
#define SS_DECISION_RESOLVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/notes.h"
#include "decision/evidence.h"
#include "decision/requirement.h"
#include "decision/settings.h"

/* Most MX hosts of a destination that are looked at; the rest, of worse preference, is cut. */
#define SS_HOSTS_MAX 64
/* Most addresses kept of one host. */
#define SS_ADDRESSES_MAX 32

/* A zone that is remembered as signed, as it answers now. */
enum ss_zone_state {
    SS_ZONE_UNSEEN,   /* nothing rests on it, or nothing was answered */
    SS_ZONE_SIGNED,
    SS_ZONE_DENIED,   /* unsigned, and the parent zone denies its DS under a signature */
    SS_ZONE_UNSURE,   /* unsigned, nobody can say whether it may be, and the resolver validates */
    SS_ZONE_UNSIGNED  /* unsigned, and that proves nothing */
};

struct ss_zone {
    enum ss_zone_state state;
    const struct ss_dns_fact *ds; /* what its parent says of it, or NULL; of the evidence */
};

/* One host as the DNS shows it. */
struct ss_target {
    struct ss_name name;      /* MX RDATA name, or the next hop itself */
    uint16_t preference;
    bool pending;             /* something is unknown yet */
    int32_t reason;           /* why it cannot be reached; NONE */
    bool partial;             /* one address family failed (RES-20) */
    size_t address_count;
    struct ss_address addresses[SS_ADDRESSES_MAX];
    bool secure_addresses;    /* an address answer was secure */
    struct ss_name expanded;  /* name at the end of its alias chain; the same when none */
    int32_t dane;             /* SMTPSEC_DANE_* */
    int32_t dane_reason;      /* why the look-up failed */
    struct ss_name base;      /* TLSA base domain; len 0: none */
    const struct ss_dns_fact *tlsa; /* the RRset at the base domain; belongs to the evidence */
    const struct ss_dns_fact *denial; /* that there is no TLSA at any candidate: the signed denial with
                                         the oldest signature; NULL: not proved; of the evidence */
    int64_t name_inception;   /* the oldest signature that denies a candidate itself; 0: not known */
    bool unproved;            /* a candidate's answer was unsigned */
    struct ss_zone zone;      /* the one that the host's DANE claim rests on */
    bool tlsa_seen;           /* for a host with a DANE claim: the set can be used */
    uint8_t tlsa_digest[SS_SHA256_LEN]; /* then its digest, as the memory keeps it */
    int64_t expires;          /* least expiry of what was used */
};

struct ss_resolution {
    bool pending;
    int32_t origin;          /* SMTPSEC_ORIGIN_* */
    int32_t trust;           /* of the MX answer; SECURE for a relay, which no DNS named */
    int32_t reason;          /* the destination as a whole cannot be reached; NONE */
    bool permanent;          /* ... and that is an answer, not a failure */
    struct ss_name expanded; /* end of the next hop's alias chain, by the MX look-up */
    const struct ss_dns_fact *mx;
    struct ss_zone zone;     /* the one that signed the MX set, when claims rest on it */
    bool mx_secure;          /* the hosts are named by a signed MX set, or by none */
    bool cut;                /* more than SS_HOSTS_MAX */
    size_t count;
    struct ss_target *hosts; /* by preference, then name */
    int64_t expires;
};

/* Read the evidence; what is unknown goes to wants. Returns 0 or NOMEM. notes may be NULL. */
int ss_resolve(const struct ss_evidence *evidence, const struct ss_settings *settings, int64_t now,
               struct ss_wants *wants, struct ss_notes *notes, struct ss_resolution *out);
void ss_resolution_free(struct ss_resolution *resolution);

/* Unsigned, though remembered as signed (resolve_zone.c)? Asks what the parents say. */
void ss_resolve_mx_zone(const struct ss_evidence *evidence, const struct ss_settings *settings,
                        int64_t now, struct ss_wants *wants, struct ss_notes *notes,
                        struct ss_resolution *out);
void ss_resolve_host_zone(const struct ss_evidence *evidence, const struct ss_settings *settings,
                          int64_t now, struct ss_wants *wants, struct ss_notes *notes,
                          struct ss_target *host);
/* Judge the host's TLSA set for the memory. Returns 0 or NOMEM. */
int ss_resolve_tlsa_seen(const struct ss_settings *settings, struct ss_target *host);

/* One host: addresses, aliases, TLSA. name and preference are set. */
void ss_resolve_host(const struct ss_evidence *evidence, const struct ss_settings *settings,
                     bool mx_secure, int64_t now, struct ss_wants *wants, struct ss_notes *notes,
                     struct ss_target *host);

#endif
