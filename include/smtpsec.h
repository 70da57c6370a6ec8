/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * libsmtpsec: what transport security does this mail destination deserve?
 *
 * The way of a message has four steps; each may run in another process.
 *
 *   evaluate   the destination: DNS, DNSSEC, MTA-STS, DANE and what is
 *              remembered become a plan: the hosts in order, and for each
 *              host a requirement.
 *   connect    is yours: TCP, EHLO, STARTTLS.
 *   verify     the requirement against the TLS session: accept or reject.
 *   record     the outcome, so that a weaker answer is noticed later.
 *
 * The shortest complete use (errors left out):
 *
 *   smtpsec_anchors_new(&anchors);
 *   smtpsec_anchors_load_system(anchors);
 *   smtpsec_options_new(&options);
 *   smtpsec_options_set_anchors(options, anchors);
 *   smtpsec_options_load_system_resolvers(options);
 *   smtpsec_options_set_memory(options, "/var/lib/my-mta/smtpsec");
 *   smtpsec_context_new(options, &context);
 *
 *   smtpsec_evaluate(context, "example.org", 30000, &plan);
 *   if (smtpsec_plan_verdict(plan) == SMTPSEC_VERDICT_DELIVER)
 *       for (i = 0; i < smtpsec_plan_host_count(plan); i++)
 *           host = smtpsec_plan_host(plan, i);
 *           requirement = smtpsec_host_requirement(host);
 *           ... connect, STARTTLS, collect the chain in a session ...
 *           smtpsec_verify(anchors, requirement, session, now, &verdict);
 *           ... record the outcome ...
 *
 * Words hold for the whole header:
 *
 *   Returns    Functions returning int give 0 or a negative SMTPSEC_E_*,
 *              unless they say otherwise. A refusal is not an error: it is a
 *              field of the plan or of the verdict.
 *   Ownership  Inputs are copied. What an accessor returns belongs to its
 *              object and is valid until that object is freed. What comes
 *              out through the last argument is the caller's, to be given to
 *              the matching _free function; each takes NULL.
 *              An accessor given NULL, or an index out of range, returns
 *              NULL or 0; where 0 would be the weaker answer, the safe one:
 *              a verdict of DEFER, an action of SKIP, TLS REQUIRED, record -1.
 *   Time       `now` and every stored time: seconds since 1970-01-01 UTC.
 *              Deadlines and timeouts: milliseconds from the call.
 *   Names      Domain names come out as lower-case A-labels with no final dot.
 *   Threads    A context, and what was made from it, is used by one thread at
 *              a time. Trust anchors, plans and requirements do not change
 *              once made and may be read by several threads at once.
 *   Text       ASCII, safe to print: bytes of strangers are escaped.
 *
 * The library makes no threads, handles no signals, prints nothing, and
 * reads no environment.
 */
#ifndef SMTPSEC_H
#define SMTPSEC_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define SMTPSEC_API __attribute__((visibility("default")))
#else
#define SMTPSEC_API
#endif

/* ---- Constants ---------------------------------------------------------
 *
 * Every function takes and returns these as int32_t; an unknown value is
 * possible when a newer library meets an older caller. Each list has a
 * function that names its values; the names are the words of the JSON output.
 */

/** Errors. Numbers never change. */
enum {
    SMTPSEC_OK = 0,
    SMTPSEC_E_NOMEM = -1,       /* out of memory */
    SMTPSEC_E_INVALID = -2,     /* an argument breaks the contract */
    SMTPSEC_E_NAME = -3,        /* not a domain name */
    SMTPSEC_E_PENDING = -4,     /* needs are still open */
    SMTPSEC_E_NEED = -5,        /* no such need is open */
    SMTPSEC_E_LIMIT = -6,       /* a documented limit was passed */
    SMTPSEC_E_FORMAT = -7,      /* a blob, file or message is malformed */
    SMTPSEC_E_SEAL = -8,        /* a blob's seal is missing or wrong */
    SMTPSEC_E_VERSION = -9,     /* made by a newer version */
    SMTPSEC_E_TRUST = -10,      /* trust anchors could not be loaded, or none */
    SMTPSEC_E_RESOLVER = -11,   /* no usable resolver */
    SMTPSEC_E_FETCH = -12,      /* the HTTPS part could not be loaded */
    SMTPSEC_E_MEMORY = -13,     /* the memory is not available */
    SMTPSEC_E_SYSTEM = -14,     /* the operating system refused */
    SMTPSEC_E_STALE = -15,      /* too old, or from the future */
    SMTPSEC_E_FORKED = -16,     /* this context belongs to the parent process */
    SMTPSEC_E_NOT_FOUND = -17   /* nothing is stored under that name */
};

/** What an answer of the DNS is worth (RFC 4033 section 5, RFC 7672 2.1.1). */
enum {
    SMTPSEC_TRUST_INDETERMINATE = 0, /* not judged, or validator failed: treated as failure */
    SMTPSEC_TRUST_INSECURE = 1,
    SMTPSEC_TRUST_SECURE = 2,
    SMTPSEC_TRUST_BOGUS = 3
};

/** What came of one DNS question. */
enum {
    SMTPSEC_ANSWER_FAILED = 0,  /* see the failure */
    SMTPSEC_ANSWER_RECORDS = 1,
    SMTPSEC_ANSWER_NO_DATA = 2, /* the name exists, not with this type */
    SMTPSEC_ANSWER_NO_NAME = 3  /* NXDOMAIN */
};

/** Why a need failed. */
enum {
    SMTPSEC_FAILURE_NONE = 0,
    SMTPSEC_FAILURE_TIMEOUT = 1,
    SMTPSEC_FAILURE_SERVFAIL = 2,
    SMTPSEC_FAILURE_REFUSED = 3,
    SMTPSEC_FAILURE_NOTIMP = 4,
    SMTPSEC_FAILURE_FORMERR = 5,
    SMTPSEC_FAILURE_RCODE = 6,         /* any other RCODE */
    SMTPSEC_FAILURE_MALFORMED = 7,
    SMTPSEC_FAILURE_TRUNCATED = 8,     /* and no TCP */
    SMTPSEC_FAILURE_ALIAS = 9,         /* loop, or longer than the limit */
    SMTPSEC_FAILURE_BOGUS = 10,
    SMTPSEC_FAILURE_INDETERMINATE = 11,/* RFC 4035 sense */
    SMTPSEC_FAILURE_UNREACHABLE = 12,  /* no resolver, or no route to the host */
    SMTPSEC_FAILURE_HTTP_STATUS = 13,  /* not 200 */
    SMTPSEC_FAILURE_HTTP_TYPE = 14,    /* not text/plain */
    SMTPSEC_FAILURE_HTTP_SIZE = 15,    /* more than the limit */
    SMTPSEC_FAILURE_HTTP_BROKEN = 16,  /* cut off, reset, not HTTP */
    SMTPSEC_FAILURE_HTTP_ENCODING = 17,/* compressed although not asked for */
    SMTPSEC_FAILURE_TLS_VERSION = 18,
    SMTPSEC_FAILURE_TLS_HANDSHAKE = 19,
    SMTPSEC_FAILURE_CERT_EXPIRED = 20,
    SMTPSEC_FAILURE_CERT_NOT_YET_VALID = 21,
    SMTPSEC_FAILURE_CERT_NAME = 22,
    SMTPSEC_FAILURE_CERT_NOT_TRUSTED = 23,
    SMTPSEC_FAILURE_ADDRESS_REFUSED = 24, /* loopback, private or link-local */
    SMTPSEC_FAILURE_CANCELLED = 25
};

/** Security levels, rising, as the founding issue ranks them. */
enum {
    SMTPSEC_LEVEL_NONE = 0,          /* plaintext allowed */
    SMTPSEC_LEVEL_ENCRYPTED = 1,     /* TLS, nobody authenticated */
    SMTPSEC_LEVEL_AUTHENTICATED = 2, /* valid for the MX name; MX records unsigned */
    SMTPSEC_LEVEL_DNSSEC = 3,        /* the same, and the MX records are signed */
    SMTPSEC_LEVEL_MTA_STS = 4,       /* valid, and an MTA-STS enforce policy fits */
    SMTPSEC_LEVEL_DANE = 5           /* TLSA-authenticated, whole chain signed */
};

/** Protection scope: against whom a level helps. */
enum { SMTPSEC_PROTECTION_NONE = 0, SMTPSEC_PROTECTION_PASSIVE = 1, SMTPSEC_PROTECTION_ACTIVE = 2 };

/** Is TLS required? */
enum { SMTPSEC_TLS_OPTIONAL = 0, SMTPSEC_TLS_REQUIRED = 1 };

/** Identities that must verify; a set, values are or-ed. */
enum { SMTPSEC_IDENTITY_DANE = 1, SMTPSEC_IDENTITY_PKIX = 2 };

/** Who demands; a set, values are or-ed. */
enum {
    SMTPSEC_SOURCE_DANE = 1,
    SMTPSEC_SOURCE_MTA_STS = 2,
    SMTPSEC_SOURCE_OPERATOR = 4,
    SMTPSEC_SOURCE_MEMORY = 8,
    SMTPSEC_SOURCE_REQUIRETLS = 16
};

/** The domain's verdict. */
enum {
    SMTPSEC_VERDICT_DELIVER = 0,
    SMTPSEC_VERDICT_DEFER = 1,  /* keep in the queue: 4yz */
    SMTPSEC_VERDICT_FAIL = 2    /* bounce: 5yz */
};

/** One host. */
enum { SMTPSEC_ACTION_USE = 0, SMTPSEC_ACTION_SKIP = 1 };

/** Where the host list came from. */
enum {
    SMTPSEC_ORIGIN_MX = 0,
    SMTPSEC_ORIGIN_IMPLICIT = 1, /* no MX: the domain itself (RFC 5321 5.1) */
    SMTPSEC_ORIGIN_NULL = 2,     /* RFC 7505 */
    SMTPSEC_ORIGIN_RELAY = 3     /* configured next hop, no MX look-up */
};

/** MTA-STS policy mode (RFC 8461 section 5). */
enum {
    SMTPSEC_STS_ABSENT = 0,
    SMTPSEC_STS_NONE = 1,
    SMTPSEC_STS_TESTING = 2,
    SMTPSEC_STS_ENFORCE = 3
};

/** Where an MTA-STS policy came from. */
enum { SMTPSEC_STS_SOURCE_NONE = 0, SMTPSEC_STS_SOURCE_CACHED = 1, SMTPSEC_STS_SOURCE_FETCHED = 2 };

/** What DANE said of one host. */
enum {
    SMTPSEC_DANE_NOT_ASKED = 0,
    SMTPSEC_DANE_ABSENT = 1,   /* securely no TLSA records, or alias ends nowhere */
    SMTPSEC_DANE_INSECURE = 2, /* host or TLSA records unsigned */
    SMTPSEC_DANE_UNUSABLE = 3, /* records, none usable: TLS, no authentication */
    SMTPSEC_DANE_USABLE = 4,
    SMTPSEC_DANE_FAILED = 5    /* look-up failed: host is skipped */
};

/** Result types of RFC 8460; the numbers are those of libtlsrpt. */
enum {
    SMTPSEC_RESULT_NONE = 0,
    SMTPSEC_RESULT_STARTTLS_NOT_SUPPORTED = 201,
    SMTPSEC_RESULT_CERTIFICATE_HOST_MISMATCH = 202,
    SMTPSEC_RESULT_CERTIFICATE_NOT_TRUSTED = 203,
    SMTPSEC_RESULT_CERTIFICATE_EXPIRED = 204,
    SMTPSEC_RESULT_VALIDATION_FAILURE = 205,
    SMTPSEC_RESULT_STS_POLICY_FETCH_ERROR = 301,
    SMTPSEC_RESULT_STS_POLICY_INVALID = 302,
    SMTPSEC_RESULT_STS_WEBPKI_INVALID = 303,
    SMTPSEC_RESULT_TLSA_INVALID = 304,
    SMTPSEC_RESULT_DNSSEC_INVALID = 305,
    SMTPSEC_RESULT_DANE_REQUIRED = 306
};

/** Policy types of RFC 8460; the numbers are those of libtlsrpt. */
enum { SMTPSEC_POLICY_TLSA = 1, SMTPSEC_POLICY_STS = 2, SMTPSEC_POLICY_NONE = 9 };

/** Reasons of a skip, a reject, or a verdict. smtpsec_reason_name() gives the word. */
enum {
    SMTPSEC_REASON_NONE = 0,
    /* the destination */
    SMTPSEC_REASON_NO_SUCH_DOMAIN = 1,
    SMTPSEC_REASON_NULL_MX = 2,
    SMTPSEC_REASON_NO_ADDRESS = 3,
    SMTPSEC_REASON_INVALID_DOMAIN = 4,
    SMTPSEC_REASON_MX_SERVFAIL = 5,
    SMTPSEC_REASON_MX_TIMEOUT = 6,
    SMTPSEC_REASON_MX_BOGUS = 7,
    SMTPSEC_REASON_MX_INDETERMINATE = 8,
    SMTPSEC_REASON_MX_ALIAS = 9,        /* alias loop, or an MX host that is an alias where refused */
    SMTPSEC_REASON_MX_RCODE = 10,
    SMTPSEC_REASON_MX_MALFORMED = 11,   /* also truncated */
    SMTPSEC_REASON_MX_INSECURE = 12,    /* DANE is mandatory, MX is unsigned */
    SMTPSEC_REASON_NO_USABLE_HOST = 13, /* every host was skipped */
    SMTPSEC_REASON_TOO_MANY_HOSTS = 14,
    SMTPSEC_REASON_NO_BETTER_HOST = 15, /* our own name is the best MX (RFC 5321 5.1) */
    SMTPSEC_REASON_ANSWER_HELD = 16,    /* insecure permanent answer against a live claim */
    SMTPSEC_REASON_DNSSEC_LOST = 17,
    /* a host */
    SMTPSEC_REASON_NULL_HOST = 30,
    SMTPSEC_REASON_ADDRESS_AS_MX = 31,
    SMTPSEC_REASON_ADDR_SERVFAIL = 32,
    SMTPSEC_REASON_ADDR_TIMEOUT = 33,
    SMTPSEC_REASON_ADDR_BOGUS = 34,
    SMTPSEC_REASON_ADDR_ALIAS = 35,
    SMTPSEC_REASON_ADDR_RCODE = 36,
    SMTPSEC_REASON_ADDR_MALFORMED = 37,
    SMTPSEC_REASON_CNAME_LOOKUP = 38,
    SMTPSEC_REASON_TLSA_SERVFAIL = 39,
    SMTPSEC_REASON_TLSA_TIMEOUT = 40,
    SMTPSEC_REASON_TLSA_BOGUS = 41,
    SMTPSEC_REASON_TLSA_ALIAS = 42,
    SMTPSEC_REASON_TLSA_RCODE = 43,
    SMTPSEC_REASON_TLSA_MALFORMED = 44,
    SMTPSEC_REASON_TLSA_TRUNCATED = 45,
    SMTPSEC_REASON_DANE_REQUIRED = 46,
    SMTPSEC_REASON_STS_MX_MISMATCH = 47,
    SMTPSEC_REASON_DOWNGRADE = 48,      /* weaker than what was proved */
    SMTPSEC_REASON_MX_IS_SELF = 49,
    SMTPSEC_REASON_REQUIRETLS_MX_UNAUTHENTICATED = 50,
    SMTPSEC_REASON_REQUIRETLS_UNSUPPORTED = 51,
    SMTPSEC_REASON_ADDR_INDETERMINATE = 52,
    SMTPSEC_REASON_TLSA_INDETERMINATE = 53,
    SMTPSEC_REASON_STS_REQUIRED = 54,   /* the operator asks for MTA-STS, and no policy enforces */
    /* the connection */
    SMTPSEC_REASON_NO_STARTTLS = 70,
    SMTPSEC_REASON_STARTTLS_REFUSED = 71,
    SMTPSEC_REASON_STARTTLS_INJECTION = 72,
    SMTPSEC_REASON_TLS_HANDSHAKE = 73,
    SMTPSEC_REASON_TLS_VERSION = 74,
    SMTPSEC_REASON_RESUMED = 75,        /* resumed under another requirement */
    SMTPSEC_REASON_REQUIREMENT_EXPIRED = 76,
    SMTPSEC_REASON_CONNECT_FAILED = 77,
    /* the certificate */
    SMTPSEC_REASON_NO_CERTIFICATE = 90,
    SMTPSEC_REASON_RAW_PUBLIC_KEY = 91,
    SMTPSEC_REASON_DANE_NO_MATCH = 92,
    SMTPSEC_REASON_DANE_TA_NO_PATH = 93,
    SMTPSEC_REASON_DANE_TA_LEAF = 94,
    SMTPSEC_REASON_NAME_MISMATCH = 95,
    SMTPSEC_REASON_EXPIRED = 96,
    SMTPSEC_REASON_NOT_YET_VALID = 97,
    SMTPSEC_REASON_NOT_TRUSTED = 98,
    SMTPSEC_REASON_SELF_SIGNED = 99,
    SMTPSEC_REASON_NOT_CA = 100,
    SMTPSEC_REASON_PATH_LENGTH = 101,
    SMTPSEC_REASON_NAME_CONSTRAINT = 102,
    SMTPSEC_REASON_EKU = 103,
    SMTPSEC_REASON_WEAK_ALGORITHM = 104,
    SMTPSEC_REASON_BAD_CERTIFICATE = 105,
    SMTPSEC_REASON_CHAIN_TOO_LONG = 106,
    SMTPSEC_REASON_BAD_SIGNATURE = 107,
    SMTPSEC_REASON_NO_TRUST_ANCHORS = 108,
    SMTPSEC_REASON_KEY_USAGE = 109,
    /* a TLSA record that is not used */
    SMTPSEC_REASON_TLSA_SHORT = 130,
    SMTPSEC_REASON_TLSA_USAGE = 131,
    SMTPSEC_REASON_TLSA_SELECTOR = 132,
    SMTPSEC_REASON_TLSA_MATCHING = 133,
    SMTPSEC_REASON_TLSA_LENGTH = 134,
    SMTPSEC_REASON_TLSA_DER = 135,
    SMTPSEC_REASON_TLSA_WEAKER = 136,   /* a stronger digest stands beside it (RFC 7671 9) */
    SMTPSEC_REASON_TLSA_DISABLED = 137  /* digest switched off by the operator */
};

/** Kinds of claims in the memory. */
enum {
    SMTPSEC_CLAIM_DANE = 1,     /* an accepted delivery was DANE-authenticated */
    SMTPSEC_CLAIM_MTA_STS = 2,  /* an enforce policy was fetched */
    SMTPSEC_CLAIM_ENCRYPTED = 3,/* an accepted delivery went over TLS */
    SMTPSEC_CLAIM_DNSSEC = 4    /* ... with a valid certificate, on a signed MX */
};

/** What the memory does with a claim. */
enum { SMTPSEC_MODE_OFF = 0, SMTPSEC_MODE_REPORT = 1, SMTPSEC_MODE_ENFORCE = 2 };

/** State of the memory. */
enum {
    SMTPSEC_MEMORY_OFF = 0,
    SMTPSEC_MEMORY_OK = 1,
    SMTPSEC_MEMORY_READ_ONLY = 2,
    SMTPSEC_MEMORY_LOST = 3     /* not available, or set aside as damaged */
};

/** Does the resolver validate DNSSEC? Known-signed names are asked to find out. */
enum {
    SMTPSEC_DNSSEC_UNKNOWN = 0,   /* not asked yet, or no answer */
    SMTPSEC_DNSSEC_VALIDATES = 1,
    SMTPSEC_DNSSEC_LOST = 2,      /* known-signed names come back unsigned */
    SMTPSEC_DNSSEC_UNTRUSTED = 3  /* no resolver's word is trusted */
};

/** Kinds of needs. */
enum { SMTPSEC_NEED_DNS = 1, SMTPSEC_NEED_HTTPS = 2 };

/** What happened with STARTTLS. */
enum {
    SMTPSEC_STARTTLS_NOT_REACHED = 0, /* no connection, or it broke before EHLO */
    SMTPSEC_STARTTLS_ABSENT = 1,
    SMTPSEC_STARTTLS_REFUSED = 2,     /* offered, answered 4yz or 5yz */
    SMTPSEC_STARTTLS_FAILED = 3,      /* the handshake did not complete */
    SMTPSEC_STARTTLS_DONE = 4,
    SMTPSEC_STARTTLS_INJECTED = 5     /* bytes followed the 220 in cleartext */
};

/** Events. */
enum {
    SMTPSEC_EVENT_UNTRUSTED_RESOLVER = 1, /* no validated answers: DANE is off */
    SMTPSEC_EVENT_MEMORY_LOST = 2,
    SMTPSEC_EVENT_MEMORY_SET_ASIDE = 3,
    SMTPSEC_EVENT_MEMORY_READ_ONLY = 4,
    SMTPSEC_EVENT_MEMORY_WRITE_FAILED = 5,
    SMTPSEC_EVENT_WOULD_REFUSE = 6,   /* report mode */
    SMTPSEC_EVENT_REFUSED = 7,        /* the memory refused */
    SMTPSEC_EVENT_HOLD_ENDED = 8,     /* mail goes on, weaker than remembered */
    SMTPSEC_EVENT_STS_FETCH_FAILED = 9,
    SMTPSEC_EVENT_CLAIM_FORGOTTEN = 10,
    SMTPSEC_EVENT_FETCH_UNAVAILABLE = 11,
    SMTPSEC_EVENT_DROPPED = 12,       /* the queue was full; older events were lost */
    SMTPSEC_EVENT_DNSSEC_LOST = 13,   /* the resolver does not validate any more */
    SMTPSEC_EVENT_DNSSEC_BACK = 14,
    SMTPSEC_EVENT_STS_REFRESH_FAILING = 15, /* a policy could not be fetched anew for long */
    SMTPSEC_EVENT_CLOCK_STEPPED = 16, /* the clock leapt by days: nothing ends or is raised */
    SMTPSEC_EVENT_CLOCK_SETTLED = 17, /* the new time is believed, or the old one is back */
    SMTPSEC_EVENT_MANY_REFUSED = 18,  /* many domains fall short at once: the fault is near us */
    SMTPSEC_EVENT_CLAIM_LOWERED = 19, /* a proof ended a claim */
    SMTPSEC_EVENT_MEMORY_FULL = 20    /* what was learnt of a destination is not kept */
};

/** What a context counts, from its start; see smtpsec_context_counter(). */
enum {
    SMTPSEC_COUNTER_EVALUATIONS = 1,
    SMTPSEC_COUNTER_CHECKED = 2,      /* the memory asked for something, and the plan can meet it */
    SMTPSEC_COUNTER_REFUSED = 3,      /* the memory refused: plans and sessions */
    SMTPSEC_COUNTER_WOULD_REFUSE = 4, /* report mode would have: plans and sessions */
    SMTPSEC_COUNTER_NOTHING_KNOWN = 5,/* not checked: nothing is asked for, or no host is left */
    SMTPSEC_COUNTER_NOT_CHECKED = 6,  /* not checked: no memory, or it could not be read */
    SMTPSEC_COUNTER_EXCEPTED = 7,     /* an exception of the operator was used */
    SMTPSEC_COUNTER_HOLD_ENDED = 8,   /* mail went on, weaker than remembered */
    SMTPSEC_COUNTER_MET = 9,          /* sessions that met what the memory asks */
    SMTPSEC_COUNTER_RECORDED = 10,    /* outcomes taken in */
    SMTPSEC_COUNTER_NOT_RECORDED = 11,/* outcomes that could not be */
    SMTPSEC_COUNTER_FROM_CACHE = 12   /* kept plans found; none of them is an evaluation */
};

/** How long soft claims refuse; see smtpsec_options_set_hold(). */
enum {
    SMTPSEC_HOLD_REPORT = 0, /* not at all: they report */
    SMTPSEC_HOLD_EARNED = -1 /* as long as the claim binds */
};

/** Where in the dialogue a reply came. */
enum {
    SMTPSEC_STAGE_GREETING = 1,
    SMTPSEC_STAGE_EHLO = 2,       /* before TLS */
    SMTPSEC_STAGE_STARTTLS = 3,
    SMTPSEC_STAGE_EHLO_AGAIN = 4, /* inside TLS */
    SMTPSEC_STAGE_AUTH = 5,
    SMTPSEC_STAGE_MAIL = 6,
    SMTPSEC_STAGE_RCPT = 7,
    SMTPSEC_STAGE_DATA = 8,       /* to the command */
    SMTPSEC_STAGE_END = 9         /* to the message */
};

/** What a reply means for the message. */
enum {
    SMTPSEC_REPLY_GO_ON = 0,
    SMTPSEC_REPLY_WITHOUT = 1,   /* go on without what was refused: HELO for EHLO, plaintext for STARTTLS */
    SMTPSEC_REPLY_NEXT_HOST = 2, /* QUIT, then the next host; when there is none, defer */
    SMTPSEC_REPLY_DEFER = 3,     /* keep in the queue: 4yz */
    SMTPSEC_REPLY_FAIL = 4       /* bounce: 5yz */
};

/* ---- Library ----------------------------------------------------------- */

/** Name the version of the library that runs, such as "0.1.0". */
SMTPSEC_API const char *smtpsec_version(void);

/**
 * Tell whether the running library serves a program compiled for this version.
 *
 * Returns: 1 when major and minor agree and patch is at least as new (before
 *          1.0 a minor version may change the contract), else 0.
 */
SMTPSEC_API int smtpsec_version_check(int32_t major, int32_t minor, int32_t patch);

/**
 * Tell whether the library has a feature.
 *
 * feature: "dane", "mta-sts", "requiretls", "memory", "memory-lmdb", "gnutls".
 * Returns: 1 or 0.
 */
SMTPSEC_API int smtpsec_has(const char *feature);

/** Describe an error code. Never NULL. */
SMTPSEC_API const char *smtpsec_strerror(int code);

/* Names of the constants above. Never NULL; "unknown" for an unknown value. */
SMTPSEC_API const char *smtpsec_error_name(int code);
SMTPSEC_API const char *smtpsec_trust_name(int32_t trust);
SMTPSEC_API const char *smtpsec_answer_name(int32_t answer);
SMTPSEC_API const char *smtpsec_failure_name(int32_t failure);
SMTPSEC_API const char *smtpsec_level_name(int32_t level);
SMTPSEC_API const char *smtpsec_protection_name(int32_t protection);
SMTPSEC_API const char *smtpsec_tls_name(int32_t tls);
/** Name one identity (one bit). */
SMTPSEC_API const char *smtpsec_identity_name(int32_t identity);
/** Name one source (one bit). */
SMTPSEC_API const char *smtpsec_source_name(int32_t source);
SMTPSEC_API const char *smtpsec_verdict_name(int32_t verdict);
SMTPSEC_API const char *smtpsec_action_name(int32_t action);
SMTPSEC_API const char *smtpsec_origin_name(int32_t origin);
SMTPSEC_API const char *smtpsec_sts_mode_name(int32_t mode);
SMTPSEC_API const char *smtpsec_sts_source_name(int32_t source);
SMTPSEC_API const char *smtpsec_dane_status_name(int32_t status);
SMTPSEC_API const char *smtpsec_result_name(int32_t result_type);
SMTPSEC_API const char *smtpsec_policy_name(int32_t policy_type);
SMTPSEC_API const char *smtpsec_claim_name(int32_t kind);
SMTPSEC_API const char *smtpsec_mode_name(int32_t mode);
SMTPSEC_API const char *smtpsec_memory_state_name(int32_t state);
SMTPSEC_API const char *smtpsec_dnssec_name(int32_t dnssec);
SMTPSEC_API const char *smtpsec_need_name(int32_t kind);
SMTPSEC_API const char *smtpsec_starttls_name(int32_t starttls);
SMTPSEC_API const char *smtpsec_event_name(int32_t kind);
SMTPSEC_API const char *smtpsec_reason_name(int32_t reason);
SMTPSEC_API const char *smtpsec_counter_name(int32_t counter);
SMTPSEC_API const char *smtpsec_stage_name(int32_t stage);
SMTPSEC_API const char *smtpsec_reply_name(int32_t reply);

/** Explain a reason in one sentence. Never NULL. */
SMTPSEC_API const char *smtpsec_reason_text(int32_t reason);
/** Enhanced status code (RFC 3463) of a reason, such as "4.7.5"; "" when none. */
SMTPSEC_API const char *smtpsec_reason_enhanced(int32_t reason);
/** RFC and section behind a reason, such as "RFC 7672 2.2"; "" when none. */
SMTPSEC_API const char *smtpsec_reason_rfc(int32_t reason);
/**
 * What would satisfy a refusal for this reason, in words that follow "met by",
 * such as "records whose DNSSEC signatures are valid"; "" for NONE and unknown
 * ones. What the memory refuses, smtpsec_host_floor_text() tells in full.
 */
SMTPSEC_API const char *smtpsec_reason_met_by(int32_t reason);
/** Result type of RFC 8460 for a reason, or SMTPSEC_RESULT_NONE. */
SMTPSEC_API int32_t smtpsec_reason_result(int32_t reason);

/** Protection scope of a level. */
SMTPSEC_API int32_t smtpsec_level_protection(int32_t level);

/* ---- Trust anchors ----------------------------------------------------- */

/** A set of CA certificates: filled once, then read by any number of threads. */
struct smtpsec_anchors;

/** Make an empty set. Returns: 0, NOMEM. */
SMTPSEC_API int smtpsec_anchors_new(struct smtpsec_anchors **out);

/**
 * Add the certificates of a PEM file. Call this before a chroot.
 *
 * Returns: 0, NOMEM, SYSTEM (unreadable), or TRUST (no certificate in it).
 *          smtpsec_anchors_error() says more.
 */
SMTPSEC_API int smtpsec_anchors_load_file(struct smtpsec_anchors *anchors, const char *path);

/**
 * Add the system's CA certificates, from the bundle file chosen at build time.
 *
 * Returns: as smtpsec_anchors_load_file(). No certificates is an error.
 */
SMTPSEC_API int smtpsec_anchors_load_system(struct smtpsec_anchors *anchors);

/** Add one certificate in DER. Returns: 0, NOMEM, FORMAT. */
SMTPSEC_API int smtpsec_anchors_add_der(struct smtpsec_anchors *anchors, const uint8_t *der, size_t len);

/**
 * Count the certificates.
 *
 * Those of a file count by their shape: each is parsed when a chain first names
 * it as issuer, and one that no parser wants is then as if it were not there.
 */
SMTPSEC_API size_t smtpsec_anchors_count(const struct smtpsec_anchors *anchors);

/** The text of the first error; "" when none. */
SMTPSEC_API const char *smtpsec_anchors_error(const struct smtpsec_anchors *anchors);

/** Keep the set once more: smtpsec_anchors_free() is then wanted once more. Returns the set. */
SMTPSEC_API struct smtpsec_anchors *smtpsec_anchors_hold(struct smtpsec_anchors *anchors);

/** Let go. Contexts that were given the set keep it. */
SMTPSEC_API void smtpsec_anchors_free(struct smtpsec_anchors *anchors);

/* ---- Options and context ----------------------------------------------- */

/** Settings for a context. Safe values are there from the start. */
struct smtpsec_options;

/** Make options with default values. Returns: 0, NOMEM. */
SMTPSEC_API int smtpsec_options_new(struct smtpsec_options **out);
SMTPSEC_API void smtpsec_options_free(struct smtpsec_options *options);
/** The text of the first error of these options or of the context made from them; "" when none. */
SMTPSEC_API const char *smtpsec_options_error(const struct smtpsec_options *options);

/** Use these trust anchors for policy hosts. Needed unless MTA-STS is off. */
SMTPSEC_API int smtpsec_options_set_anchors(struct smtpsec_options *options, struct smtpsec_anchors *anchors);

/**
 * Add a resolver; several are tried in order.
 *
 * address:  "127.0.0.1", "127.0.0.1#5335", "::1", "[::1]#53".
 * trusted:  1 when it validates DNSSEC and the path to it cannot be forged:
 *           only then is its AD bit believed (RFC 7672 2.1.1). A loopback
 *           address is trusted whatever is given here.
 * Returns:  0, NOMEM, INVALID, LIMIT (more than 8).
 */
SMTPSEC_API int smtpsec_options_add_resolver(struct smtpsec_options *options, const char *address,
                                             int trusted);

/**
 * Add the resolvers of /etc/resolv.conf. Trusted: those on loopback, and all
 * under `options trust-ad`. Call this before a chroot.
 *
 * Returns: 0, NOMEM, RESOLVER (none found), SYSTEM (unreadable).
 */
SMTPSEC_API int smtpsec_options_load_system_resolvers(struct smtpsec_options *options);

/** Time for one DNS question, all tries together; default 5000 ms, 100 to 60000. */
SMTPSEC_API int smtpsec_options_set_dns_timeout(struct smtpsec_options *options, int32_t timeout_ms);
/** Time for one policy fetch; default 60000 ms (RFC 8461 3.3), 100 to 60000. */
SMTPSEC_API int smtpsec_options_set_fetch_timeout(struct smtpsec_options *options, int32_t timeout_ms);
/**
 * Load the HTTPS part at the first fetch, not with the context; default 0.
 *
 * It is libcurl and what comes with it: some 10 ms and 0.8 MiB that a process
 * of few messages, answered from its memory, need not pay. Not for one that
 * enters a chroot later, nor for an event loop, which would stand still for so
 * long. If it then cannot be loaded, evaluations that need a fetch end with
 * FETCH, as the context would have, and the event SMTPSEC_EVENT_FETCH_UNAVAILABLE
 * says why.
 */
SMTPSEC_API int smtpsec_options_set_fetch_late(struct smtpsec_options *options, int on);

/**
 * Keep the memory in this directory, which must exist.
 *
 * A memory that cannot be opened is not an error of the context: the plan
 * says `lost`, an event is raised, and live policies go on to apply. Without
 * this call there is no memory.
 */
SMTPSEC_API int smtpsec_options_set_memory(struct smtpsec_options *options, const char *directory);
/** Keep the memory in RAM, for this context's life. */
SMTPSEC_API int smtpsec_options_set_memory_ram(struct smtpsec_options *options);
/** Look the memory up, write nothing. */
SMTPSEC_API int smtpsec_options_set_memory_read_only(struct smtpsec_options *options, int read_only);
/** Say what a kind of claim does; default enforce. Returns: 0, INVALID. */
SMTPSEC_API int smtpsec_options_set_mode(struct smtpsec_options *options, int32_t claim_kind, int32_t mode);
/**
 * Say whether the certificate part of a soft claim is enforced; default report.
 * Soft claims are ENCRYPTED, DNSSEC, and MTA_STS after its policy expired.
 */
SMTPSEC_API int smtpsec_options_set_soft_pkix_mode(struct smtpsec_options *options, int32_t mode);

/**
 * Say how long refusals by soft claims last, counted from the first one of a
 * domain: seconds, SMTPSEC_HOLD_REPORT or SMTPSEC_HOLD_EARNED; default 72 hours.
 * Longer than half of your queue's life, and mail is bounced for them.
 * Returns: 0, INVALID (above 30 days, or below SMTPSEC_HOLD_EARNED).
 */
SMTPSEC_API int smtpsec_options_set_hold(struct smtpsec_options *options, int64_t seconds);
/**
 * Let no claim of ours bind for longer than this, in seconds; default 90 days.
 * Returns: 0, INVALID (not 1 to 366 days).
 */
SMTPSEC_API int smtpsec_options_set_cap(struct smtpsec_options *options, int64_t seconds);
/**
 * Let claims of a kind only report for one domain, until a date. It lifts what
 * the memory asks, never what the domain's live policies ask.
 *
 * domain: the policy domain; with a leading dot all names below it.
 * kind:   SMTPSEC_CLAIM_*, or 0 for all kinds.
 * until:  its end, a time; it must have one.
 * note:   why, shown where it is used; may be NULL.
 * Returns: 0, NOMEM, NAME, INVALID, LIMIT (more than 1024).
 */
SMTPSEC_API int smtpsec_options_add_exception(struct smtpsec_options *options, const char *domain,
                                              int32_t kind, int64_t until, const char *note);
/**
 * Read the operator's policy file (smtpsec-policy(5)). What it says takes the
 * place of what was set before. Call this before a chroot.
 *
 * Returns: 0, NOMEM, SYSTEM (unreadable), FORMAT (nothing of it is taken then).
 *          smtpsec_options_error() names the first faulty line.
 */
SMTPSEC_API int smtpsec_options_load_policy(struct smtpsec_options *options, const char *path);
/**
 * Add one line of the operator's policy file's language, as if it stood there.
 * Returns: 0, NOMEM, FORMAT (smtpsec_options_error() says what is wrong).
 */
SMTPSEC_API int smtpsec_options_add_policy_line(struct smtpsec_options *options, const char *line);
/**
 * Share the memory with a group: its files then belong to this group with
 * mode 0660, and a memory of another user is opened when it has this group.
 * Never as root. Default: only the owner.
 */
SMTPSEC_API int smtpsec_options_set_memory_group(struct smtpsec_options *options, uint32_t gid);
/**
 * Bound the memory: destinations that have been proved on two days or more,
 * default 4000000. Those seen on one day alone have a tenth of it on top, at
 * most 65536. Returns: 0, INVALID (less than 1000).
 */
SMTPSEC_API int smtpsec_options_set_memory_limit(struct smtpsec_options *options,
                                                 uint64_t destinations);
/**
 * Keep plans and DNS answers, for their TTLs, for all who use the memory by the
 * same settings; default 1. Without a memory nothing is kept. Off, nothing kept
 * is used or added. See smtpsec_cached_find().
 */
SMTPSEC_API int smtpsec_options_set_plan_cache(struct smtpsec_options *options, int on);
/**
 * Keep so many plans, and the answers of so many destinations, at most; without
 * this call 200000. Those that end first go. Returns: 0, INVALID (less than 1000).
 */
SMTPSEC_API int smtpsec_options_set_plan_cache_limit(struct smtpsec_options *options,
                                                     uint64_t plans);

/**
 * Say what DANE does: SMTPSEC_MODE_ENFORCE (default), _REPORT (judge and tell,
 * ask for TLS alone), or _OFF (ask for no TLSA records).
 */
SMTPSEC_API int smtpsec_options_set_dane(struct smtpsec_options *options, int32_t mode);
/** Use a TLSA matching type, 1 (SHA-256) or 2 (SHA-512); default on. Returns: 0, INVALID. */
SMTPSEC_API int smtpsec_options_set_tlsa_digest(struct smtpsec_options *options, int matching, int on);
/** Let MX hosts be aliases; default 1. Off, such a host is skipped. */
SMTPSEC_API int smtpsec_options_set_mx_alias(struct smtpsec_options *options, int allow);
/**
 * Name a host of ours: it and hosts that are no better are cut from an MX list
 * (RFC 5321 5.1). Returns: 0, NAME, LIMIT (more than 8).
 */
SMTPSEC_API int smtpsec_options_add_own_name(struct smtpsec_options *options, const char *name);
/** Ask every destination for a level at least; see smtpsec_destination_set_minimum(). */
SMTPSEC_API int smtpsec_options_set_minimum(struct smtpsec_options *options, int32_t level);
/**
 * Name a domain that is known to be signed, asked for its SOA record to find
 * out whether the resolver validates. Without this call: the root.
 * Returns: 0, NAME, LIMIT (more than 2).
 */
SMTPSEC_API int smtpsec_options_add_canary(struct smtpsec_options *options, const char *name);
/** Use MTA-STS; default 1. Off, the HTTPS part is not loaded. */
SMTPSEC_API int smtpsec_options_set_mta_sts(struct smtpsec_options *options, int on);
/**
 * Ask each domain, beside its other records, whether it wants TLS reports
 * (RFC 8460 section 3); default 0. See smtpsec_plan_tlsrpt(). No evaluation
 * waits for that record: where all else is known first, there is none.
 */
SMTPSEC_API int smtpsec_options_set_tlsrpt(struct smtpsec_options *options, int on);
/**
 * Report DNS look-ups that timed out or failed at a server, too; default 0:
 * what passes by itself need not be reported (RFC 8460 section 4.3.4), and it
 * may be our own resolver's fault. Bogus answers are always reported.
 */
SMTPSEC_API int smtpsec_options_set_tlsrpt_transient(struct smtpsec_options *options, int on);
/**
 * Let no evaluation wait for a policy; default 0. It then decides by the policy
 * in the memory, or without one, and the fetch goes on in the event loop: the
 * next message is served by it, the first one may go unprotected (RFC 8461
 * 3.3). It needs a memory that can be written; without one evaluations wait as
 * ever. After a blocking call the fetch goes on whenever smtpsec_process() or
 * another blocking call runs on this context. Lookups by hand are not affected.
 */
SMTPSEC_API int smtpsec_options_set_sts_async(struct smtpsec_options *options, int on);
/** What a TLSA record of a host on an unsigned MX asks for: level DANE (default), ENCRYPTED or NONE. */
SMTPSEC_API int smtpsec_options_set_insecure_mx(struct smtpsec_options *options, int32_t level);
/** Let a DANE success stand for MTA-STS too; default 0 (RFC 8461 section 2 asks for both). */
SMTPSEC_API int smtpsec_options_set_dane_over_sts(struct smtpsec_options *options, int on);
/** Let a policy host have a loopback, private or link-local address; default 0. */
SMTPSEC_API int smtpsec_options_insecure_allow_private_policy_hosts(struct smtpsec_options *options,
                                                                    int allow);

/**
 * Seal blobs with a key: requirements and outcomes then carry an HMAC-SHA-256,
 * and ones without are refused. len: 16 to 64.
 */
SMTPSEC_API int smtpsec_options_set_seal_key(struct smtpsec_options *options, const uint8_t *key,
                                             size_t len);

/** Use this clock in place of the system's. It returns seconds since 1970. */
SMTPSEC_API int smtpsec_options_set_clock(struct smtpsec_options *options,
                                          int64_t (*clock)(void *user), void *user);

/** What evaluates and remembers. */
struct smtpsec_context;

/**
 * Make a context: opens the memory and loads the HTTPS part.
 * Resolvers and trust anchors are needed only to evaluate; a context without
 * resolvers serves lookups by hand and the memory.
 *
 * Returns: 0, NOMEM, TRUST (MTA-STS without trust anchors), FETCH, SYSTEM.
 *          smtpsec_options_error() says more.
 */
SMTPSEC_API int smtpsec_context_new(struct smtpsec_options *options, struct smtpsec_context **out);
/** Free a context. Its running evaluations end without a callback. */
SMTPSEC_API void smtpsec_context_free(struct smtpsec_context *context);
/** State of the memory: SMTPSEC_MEMORY_*. */
SMTPSEC_API int32_t smtpsec_context_memory_state(const struct smtpsec_context *context);
/** Does the resolver validate, as far as known: SMTPSEC_DNSSEC_*. */
SMTPSEC_API int32_t smtpsec_context_dnssec(const struct smtpsec_context *context);
/** Read a counter, SMTPSEC_COUNTER_*; 0 for an unknown one. */
SMTPSEC_API uint64_t smtpsec_context_counter(const struct smtpsec_context *context, int32_t counter);
/** The present time by the context's clock. */
SMTPSEC_API int64_t smtpsec_context_now(const struct smtpsec_context *context);

/* ---- The operator's policy file ---------------------------------------- */

/** Faults of a policy file; none when it can be used. */
struct smtpsec_faults;

/**
 * Check the text of a policy file. All its faults are listed, at most 64.
 *
 * Returns: 0 (faulty or not), NOMEM, LIMIT (more than 1 MiB).
 */
SMTPSEC_API int smtpsec_policy_check(const uint8_t *text, size_t len, int64_t now,
                                     struct smtpsec_faults **out);
SMTPSEC_API void smtpsec_faults_free(struct smtpsec_faults *faults);
SMTPSEC_API size_t smtpsec_faults_count(const struct smtpsec_faults *faults);
/** The line, from 1. */
SMTPSEC_API uint32_t smtpsec_faults_line(const struct smtpsec_faults *faults, size_t n);
SMTPSEC_API const char *smtpsec_faults_text(const struct smtpsec_faults *faults, size_t n);
/** 1 for what is odd but can be used, such as an exception that has ended. */
SMTPSEC_API int smtpsec_faults_harmless(const struct smtpsec_faults *faults, size_t n);

/* ---- Destinations ------------------------------------------------------ */

/** Where mail is to go: a policy domain, and how it is reached. */
struct smtpsec_destination;

/**
 * Make a destination.
 *
 * domain:  the recipient's domain; UTF-8 is turned into A-labels. An address
 *          literal, "[192.0.2.1]" or "[IPv6:2001:db8::1]", is allowed.
 * Returns: 0, NOMEM, NAME.
 */
SMTPSEC_API int smtpsec_destination_new(const char *domain, struct smtpsec_destination **out);
SMTPSEC_API void smtpsec_destination_free(struct smtpsec_destination *destination);
/**
 * Send by this relay, without MX look-up. The relay's name then is the policy
 * domain (RFC 8461 3.4, RFC 7672 2.2.2), and its claims are kept apart.
 */
SMTPSEC_API int smtpsec_destination_set_relay(struct smtpsec_destination *destination, const char *relay);
/** Use another port than 25; also names the TLSA records. */
SMTPSEC_API int smtpsec_destination_set_port(struct smtpsec_destination *destination, uint16_t port);
/**
 * Ask this destination for a level at least: ENCRYPTED; AUTHENTICATED (a valid
 * certificate); DNSSEC (and a signed MX); MTA_STS (a policy that enforces);
 * DANE (mandatory DANE, RFC 7672 section 6). It only raises what is required.
 * Returns: 0, INVALID.
 */
SMTPSEC_API int smtpsec_destination_set_minimum(struct smtpsec_destination *destination, int32_t level);

/* ---- Evaluate ---------------------------------------------------------- */

/** The outcome of an evaluation; does not change. */
struct smtpsec_plan;

/**
 * Evaluate a domain and wait for the plan.
 *
 * deadline_ms: what is not known by then counts as failed by time-out, and
 *              the plan follows from that; at least 1.
 * Returns:     0 (whatever the plan decides), NOMEM, NAME, RESOLVER, FORKED, SYSTEM,
 *              FETCH (smtpsec_options_set_fetch_late() alone).
 */
SMTPSEC_API int smtpsec_evaluate(struct smtpsec_context *context, const char *domain,
                                 int32_t deadline_ms, struct smtpsec_plan **out);

/** The same for a destination. */
SMTPSEC_API int smtpsec_evaluate_destination(struct smtpsec_context *context,
                                             const struct smtpsec_destination *destination,
                                             int32_t deadline_ms, struct smtpsec_plan **out);

/** An evaluation under way in the event loop. */
struct smtpsec_request;

/**
 * Called when an evaluation is done, only from inside smtpsec_process().
 *
 * status: 0, or the error that ended it (then plan is NULL).
 * plan:   the callee's, to be freed by it.
 * The request is gone afterwards. The callee may start and cancel others; it
 * must not free the context.
 */
typedef void (*smtpsec_done)(void *user, int status, struct smtpsec_plan *plan);

/**
 * Start an evaluation. Nothing is called back before smtpsec_process().
 * request: may be NULL when you will never cancel.
 */
SMTPSEC_API int smtpsec_start(struct smtpsec_context *context,
                              const struct smtpsec_destination *destination, int32_t deadline_ms,
                              smtpsec_done done, void *user, struct smtpsec_request **request);
/** Stop an evaluation; its callback is never called after this. */
SMTPSEC_API void smtpsec_cancel(struct smtpsec_request *request);
/** The descriptor to wait on: readable when smtpsec_process() has work, timers included. -1 without resolvers. */
SMTPSEC_API int smtpsec_fd(const struct smtpsec_context *context);
/** Milliseconds until smtpsec_process() is wanted even if the descriptor stays silent; -1: never. */
SMTPSEC_API int32_t smtpsec_timeout_ms(const struct smtpsec_context *context);
/** Do what can be done without waiting. Returns: 0, NOMEM, FORKED, SYSTEM. */
SMTPSEC_API int smtpsec_process(struct smtpsec_context *context);

/* ---- Refresh -----------------------------------------------------------
 *
 * Policies of domains that mail went to within 30 days are fetched anew about
 * once a day, whatever their TXT records say, so that nobody who blocks the
 * fetch for a while can make them expire (RFC 8461 3.3, 10.2). Call one of
 * these functions about every hour. When a policy is due within the last
 * quarter of its day is nobody's to foresee. One whose fetch keeps failing
 * raises SMTPSEC_EVENT_STS_REFRESH_FAILING, unless its mode is none. Policies
 * that have expired are removed when nothing can rest on them any more.
 */

/** Policies that are due, as they stood when asked. */
struct smtpsec_due;

/**
 * List the policies that are due to be fetched, the longest due first.
 *
 * most:    how many to list at most, at least 1.
 * Returns: 0 (also when there are none), NOMEM, MEMORY, INVALID.
 */
SMTPSEC_API int smtpsec_refresh_due(struct smtpsec_context *context, size_t most,
                                    struct smtpsec_due **out);
SMTPSEC_API void smtpsec_due_free(struct smtpsec_due *due);
SMTPSEC_API size_t smtpsec_due_count(const struct smtpsec_due *due);
SMTPSEC_API const char *smtpsec_due_domain(const struct smtpsec_due *due, size_t n);
/** Since when it is due. */
SMTPSEC_API int64_t smtpsec_due_time(const struct smtpsec_due *due, size_t n);
/** When the policy that is held ends. */
SMTPSEC_API int64_t smtpsec_due_expires(const struct smtpsec_due *due, size_t n);
/** Its mode, SMTPSEC_STS_*. */
SMTPSEC_API int32_t smtpsec_due_mode(const struct smtpsec_due *due, size_t n);
/** The first failure since the last good fetch; 0: the last fetch was good. */
SMTPSEC_API int64_t smtpsec_due_failing_since(const struct smtpsec_due *due, size_t n);

/** A refresh under way in the event loop. */
struct smtpsec_refreshing;

/**
 * Called when a refresh is done, only from inside smtpsec_process().
 *
 * status:    0, or NOMEM or MEMORY when that ended it early.
 * refreshed: policies fetched.
 * failed:    fetches that failed; the policies held stay.
 * removed:   policies removed.
 * The request is gone afterwards. The callee must not free the context.
 */
typedef void (*smtpsec_refresh_done)(void *user, int status, size_t refreshed, size_t failed,
                                     size_t removed);

/**
 * Start to refresh what is due, four domains at once.
 *
 * most:        how many policies at most to fetch, and to remove; at least 1.
 * deadline_ms: what has not been begun by then stays due; fetches under way
 *              count as failed. At least 1.
 * out:         may be NULL when you will never cancel.
 * Returns:     0, NOMEM, INVALID, MEMORY (none that can be written), RESOLVER, FORKED.
 */
SMTPSEC_API int smtpsec_refresh_start(struct smtpsec_context *context, size_t most,
                                      int32_t deadline_ms, smtpsec_refresh_done done, void *user,
                                      struct smtpsec_refreshing **out);
/** Stop a refresh; its callback is never called after this. */
SMTPSEC_API void smtpsec_refresh_cancel(struct smtpsec_refreshing *refreshing);
/** Count the policies that this refresh is to fetch, and those done with. */
SMTPSEC_API size_t smtpsec_refresh_total(const struct smtpsec_refreshing *refreshing);
SMTPSEC_API size_t smtpsec_refresh_finished(const struct smtpsec_refreshing *refreshing);

/** The same, waiting for it; each count may be NULL. Returns: as above, and SYSTEM. */
SMTPSEC_API int smtpsec_refresh(struct smtpsec_context *context, size_t most, int32_t deadline_ms,
                                size_t *refreshed, size_t *failed, size_t *removed);

/* ---- Evaluate by hand --------------------------------------------------
 *
 * For callers with a resolver, an HTTPS client or an event loop of their own:
 *
 *   smtpsec_lookup_new(context, destination, now, &lookup);
 *   while (smtpsec_lookup_plan(lookup, now, &plan) == SMTPSEC_E_PENDING)
 *       for (i = 0; i < smtpsec_lookup_need_count(lookup); i++)
 *           id = smtpsec_lookup_need_id(lookup, i);
 *           ... ask, then smtpsec_lookup_answer_dns(lookup, id, ...) ...
 */

/** An evaluation that asks its questions of you. */
struct smtpsec_lookup;

/** Start a lookup. The memory of the context, if any, is consulted by the library. */
SMTPSEC_API int smtpsec_lookup_new(struct smtpsec_context *context,
                                   const struct smtpsec_destination *destination, int64_t now,
                                   struct smtpsec_lookup **out);
SMTPSEC_API void smtpsec_lookup_free(struct smtpsec_lookup *lookup);

/** Count the open needs; all of them may be asked at once. Answering changes the list. */
SMTPSEC_API size_t smtpsec_lookup_need_count(const struct smtpsec_lookup *lookup);
/** The id of the n-th open need; 0 when there is none. Ids are never reused in a lookup. */
SMTPSEC_API uint32_t smtpsec_lookup_need_id(const struct smtpsec_lookup *lookup, size_t n);
/** SMTPSEC_NEED_DNS or SMTPSEC_NEED_HTTPS; 0 when no such need is open. */
SMTPSEC_API int32_t smtpsec_lookup_need_kind(const struct smtpsec_lookup *lookup, uint32_t id);
/** DNS: the name to ask. HTTPS: the policy host. Valid until the need is answered. */
SMTPSEC_API const char *smtpsec_lookup_need_name(const struct smtpsec_lookup *lookup, uint32_t id);
/** DNS: the type number. */
SMTPSEC_API uint16_t smtpsec_lookup_need_type(const struct smtpsec_lookup *lookup, uint32_t id);
/** DNS: 1 when the signatures are wanted too (DO); else AD alone suffices. */
SMTPSEC_API int smtpsec_lookup_need_dnssec(const struct smtpsec_lookup *lookup, uint32_t id);
/** HTTPS: the address to GET; no redirects, no proxy, no cache, TLS 1.2 or newer. */
SMTPSEC_API const char *smtpsec_lookup_need_url(const struct smtpsec_lookup *lookup, uint32_t id);
/** HTTPS: addresses of the policy host, from the answers given before. */
SMTPSEC_API size_t smtpsec_lookup_need_address_count(const struct smtpsec_lookup *lookup, uint32_t id);
SMTPSEC_API const char *smtpsec_lookup_need_address(const struct smtpsec_lookup *lookup, uint32_t id,
                                                    size_t n);

/**
 * Answer a DNS need with a whole reply message.
 *
 * trusted: 1 when the AD bit may be believed (validating resolver, trusted path).
 * A message that does not fit the question or is malformed counts as a failed
 * look-up, not as an error. Truncated replies must have been asked again by TCP.
 * Returns: 0, NOMEM, NEED.
 */
SMTPSEC_API int smtpsec_lookup_answer_dns(struct smtpsec_lookup *lookup, uint32_t id,
                                          const uint8_t *message, size_t len, int trusted,
                                          int64_t now);

/**
 * Answer a HTTPS need with the reply of the policy host, whose certificate you
 * have verified for its name (RFC 8461 3.3).
 *
 * content_type: the header's value, or NULL.
 * Returns:      0, NOMEM, NEED, LIMIT (body too long; the need is marked failed).
 */
SMTPSEC_API int smtpsec_lookup_answer_https(struct smtpsec_lookup *lookup, uint32_t id, int32_t status,
                                            const char *content_type, const uint8_t *body, size_t len,
                                            int64_t now);

/** Answer a need with a failure, SMTPSEC_FAILURE_*. Returns: 0, NOMEM, NEED, INVALID. */
SMTPSEC_API int smtpsec_lookup_answer_failure(struct smtpsec_lookup *lookup, uint32_t id,
                                              int32_t failure, int64_t now);

/** Make the plan. Returns: 0, PENDING, NOMEM. What was learnt of policies is stored. */
SMTPSEC_API int smtpsec_lookup_plan(struct smtpsec_lookup *lookup, int64_t now,
                                    struct smtpsec_plan **out);

/**
 * Start a lookup that refreshes the policy of a domain and decides nothing: it
 * asks for the TXT record and the policy host alone. For a domain that
 * smtpsec_refresh_due() lists.
 */
SMTPSEC_API int smtpsec_lookup_new_refresh(struct smtpsec_context *context, const char *domain,
                                           int64_t now, struct smtpsec_lookup **out);
/**
 * End such a lookup: what was found is stored.
 *
 * refreshed: receives 1 when the policy was fetched, else 0; may be NULL.
 * Returns:   0, PENDING, NOMEM, INVALID (no lookup of that kind).
 */
SMTPSEC_API int smtpsec_lookup_refresh(struct smtpsec_lookup *lookup, int64_t now, int *refreshed);

/** The largest policy body read, in octets (RFC 8461 3.3 suggests 64 KB). */
SMTPSEC_API size_t smtpsec_limit_policy_octets(void);

/* ---- Plan -------------------------------------------------------------- */

/** One MX host of a plan. */
struct smtpsec_host;
/** What must hold for one host; does not change. */
struct smtpsec_requirement;

SMTPSEC_API void smtpsec_plan_free(struct smtpsec_plan *plan);
/** The policy domain. */
SMTPSEC_API const char *smtpsec_plan_domain(const struct smtpsec_plan *plan);
/** "mx", or "relay" and its name. */
SMTPSEC_API const char *smtpsec_plan_route(const struct smtpsec_plan *plan);
SMTPSEC_API uint16_t smtpsec_plan_port(const struct smtpsec_plan *plan);
SMTPSEC_API int32_t smtpsec_plan_verdict(const struct smtpsec_plan *plan);
/** Why it is not to be delivered; SMTPSEC_REASON_NONE when it is. */
SMTPSEC_API int32_t smtpsec_plan_reason(const struct smtpsec_plan *plan);
/** Enhanced status code for that reason in this plan; "" when none. */
SMTPSEC_API const char *smtpsec_plan_enhanced(const struct smtpsec_plan *plan);
/** One line that says why, for a log. */
SMTPSEC_API const char *smtpsec_plan_text(const struct smtpsec_plan *plan);
/** The lowest level that any host to be used requires. */
SMTPSEC_API int32_t smtpsec_plan_level(const struct smtpsec_plan *plan);
SMTPSEC_API int32_t smtpsec_plan_protection(const struct smtpsec_plan *plan);
/** The time after which it must not start new connections. */
SMTPSEC_API int64_t smtpsec_plan_expires(const struct smtpsec_plan *plan);
/** Digest of all that is required, in hex; no times in it. */
SMTPSEC_API const char *smtpsec_plan_digest(const struct smtpsec_plan *plan);

SMTPSEC_API int32_t smtpsec_plan_mx_origin(const struct smtpsec_plan *plan);
SMTPSEC_API int32_t smtpsec_plan_mx_trust(const struct smtpsec_plan *plan);
/** Does the resolver validate, as far as known when the plan was made: SMTPSEC_DNSSEC_*. */
SMTPSEC_API int32_t smtpsec_plan_dnssec(const struct smtpsec_plan *plan);

SMTPSEC_API int32_t smtpsec_plan_sts_mode(const struct smtpsec_plan *plan);
SMTPSEC_API int32_t smtpsec_plan_sts_source(const struct smtpsec_plan *plan);
/** The policy's id; "" when there is no policy. */
SMTPSEC_API const char *smtpsec_plan_sts_id(const struct smtpsec_plan *plan);
SMTPSEC_API int64_t smtpsec_plan_sts_max_age(const struct smtpsec_plan *plan);
SMTPSEC_API int64_t smtpsec_plan_sts_expires(const struct smtpsec_plan *plan);
SMTPSEC_API size_t smtpsec_plan_sts_mx_count(const struct smtpsec_plan *plan);
SMTPSEC_API const char *smtpsec_plan_sts_mx(const struct smtpsec_plan *plan, size_t n);
/** Result type of the policy's failure, or SMTPSEC_RESULT_NONE. */
SMTPSEC_API int32_t smtpsec_plan_sts_error(const struct smtpsec_plan *plan);
SMTPSEC_API const char *smtpsec_plan_sts_error_text(const struct smtpsec_plan *plan);
/** The domain's record that asks for TLS reports (RFC 8460 section 3); "" when none or not asked. */
SMTPSEC_API const char *smtpsec_plan_tlsrpt(const struct smtpsec_plan *plan);

SMTPSEC_API int32_t smtpsec_plan_memory_state(const struct smtpsec_plan *plan);
/** 1 when the memory asks for something of this domain. */
SMTPSEC_API int smtpsec_plan_has_floor(const struct smtpsec_plan *plan);
SMTPSEC_API int32_t smtpsec_plan_floor_level(const struct smtpsec_plan *plan);
SMTPSEC_API int32_t smtpsec_plan_floor_tls(const struct smtpsec_plan *plan);
SMTPSEC_API int32_t smtpsec_plan_floor_identities(const struct smtpsec_plan *plan);
/** 1 while a soft floor refuses this domain's mail. */
SMTPSEC_API int smtpsec_plan_has_hold(const struct smtpsec_plan *plan);
/** When that hold ends by itself. */
SMTPSEC_API int64_t smtpsec_plan_hold_until(const struct smtpsec_plan *plan);
/**
 * 1 when the memory would refuse what this plan allows, were every claim
 * enforced: those in report mode, those under an exception, and the parts that only report.
 */
SMTPSEC_API int smtpsec_plan_would_refuse(const struct smtpsec_plan *plan);
/** The claims behind the floor; see the section on the memory. */
struct smtpsec_claim;
SMTPSEC_API size_t smtpsec_plan_claim_count(const struct smtpsec_plan *plan);
SMTPSEC_API const struct smtpsec_claim *smtpsec_plan_claim(const struct smtpsec_plan *plan, size_t n);

/** The trace: what was found, in order. */
SMTPSEC_API size_t smtpsec_plan_explain_count(const struct smtpsec_plan *plan);
SMTPSEC_API const char *smtpsec_plan_explain_rule(const struct smtpsec_plan *plan, size_t n);
SMTPSEC_API const char *smtpsec_plan_explain_rfc(const struct smtpsec_plan *plan, size_t n);
SMTPSEC_API const char *smtpsec_plan_explain_text(const struct smtpsec_plan *plan, size_t n);
/** What it was drawn from, such as a record's text; "" when nothing. */
SMTPSEC_API const char *smtpsec_plan_explain_input(const struct smtpsec_plan *plan, size_t n);
/** Where that came from: "dns", "https", "cache", "memory", "operator", "message" or "". */
SMTPSEC_API const char *smtpsec_plan_explain_source(const struct smtpsec_plan *plan, size_t n);
/**
 * How old it was when used, in seconds: a cached policy since its fetch, a kept
 * answer since it was asked for, a claim since it was last seen, 0 what was asked
 * for this plan; -1: not known.
 */
SMTPSEC_API int64_t smtpsec_plan_explain_age(const struct smtpsec_plan *plan, size_t n);
/** What it did: "raises", "lowers", "refuses", "skips", "reports", "informs". */
SMTPSEC_API const char *smtpsec_plan_explain_effect(const struct smtpsec_plan *plan, size_t n);
/**
 * One line for a DSN: says what failed on the recipient's side, and nothing of
 * our settings or memory; "" when the verdict is to deliver.
 */
SMTPSEC_API const char *smtpsec_plan_dsn_text(const struct smtpsec_plan *plan);

SMTPSEC_API size_t smtpsec_plan_host_count(const struct smtpsec_plan *plan);
/** The n-th host, by preference, then name. */
SMTPSEC_API const struct smtpsec_host *smtpsec_plan_host(const struct smtpsec_plan *plan, size_t n);

/**
 * Shuffle hosts of equal preference (RFC 5321 5.1).
 *
 * order: receives host_count indexes, to be walked instead of 0, 1, 2, ...
 * count: the room in order; must be at least host_count.
 */
SMTPSEC_API int smtpsec_plan_shuffle(const struct smtpsec_plan *plan, uint64_t seed, size_t *order,
                                     size_t count);

SMTPSEC_API const char *smtpsec_host_name(const struct smtpsec_host *host);
SMTPSEC_API uint16_t smtpsec_host_preference(const struct smtpsec_host *host);
SMTPSEC_API size_t smtpsec_host_address_count(const struct smtpsec_host *host);
SMTPSEC_API const char *smtpsec_host_address(const struct smtpsec_host *host, size_t n);
/** 1 when one address family could not be looked up. */
SMTPSEC_API int smtpsec_host_partial(const struct smtpsec_host *host);
SMTPSEC_API int32_t smtpsec_host_action(const struct smtpsec_host *host);
/** Why it is skipped. */
SMTPSEC_API int32_t smtpsec_host_reason(const struct smtpsec_host *host);
/** What must hold; NULL for a host that is skipped. Lives as long as the plan. */
SMTPSEC_API const struct smtpsec_requirement *smtpsec_host_requirement(const struct smtpsec_host *host);
/** What the memory asks of this host: SMTPSEC_LEVEL_*; NONE for nothing. */
SMTPSEC_API int32_t smtpsec_host_floor_level(const struct smtpsec_host *host);
SMTPSEC_API int32_t smtpsec_host_floor_tls(const struct smtpsec_host *host);
SMTPSEC_API int32_t smtpsec_host_floor_identities(const struct smtpsec_host *host);
/** The kind of the claim behind it, SMTPSEC_CLAIM_*; 0 when there is none. */
SMTPSEC_API int32_t smtpsec_host_floor_claim(const struct smtpsec_host *host);
/** The host whose claim that is; "" for one of the whole domain. */
SMTPSEC_API const char *smtpsec_host_floor_host(const struct smtpsec_host *host);
/** When it ends by itself. */
SMTPSEC_API int64_t smtpsec_host_floor_until(const struct smtpsec_host *host);
/**
 * Where the memory refuses this host, or would: what would satisfy it, when it
 * ends by itself, and what overrides it, in one line; else "".
 */
SMTPSEC_API const char *smtpsec_host_floor_text(const struct smtpsec_host *host);
/** 1 when the memory would refuse this host, as smtpsec_plan_would_refuse(). */
SMTPSEC_API int smtpsec_host_would_refuse(const struct smtpsec_host *host);
SMTPSEC_API int32_t smtpsec_host_dane_status(const struct smtpsec_host *host);
/** The TLSA base domain (RFC 7672 2.2.3); "" when there is none. */
SMTPSEC_API const char *smtpsec_host_dane_base(const struct smtpsec_host *host);
SMTPSEC_API size_t smtpsec_host_tlsa_count(const struct smtpsec_host *host);
SMTPSEC_API int smtpsec_host_tlsa_usage(const struct smtpsec_host *host, size_t n);
SMTPSEC_API int smtpsec_host_tlsa_selector(const struct smtpsec_host *host, size_t n);
SMTPSEC_API int smtpsec_host_tlsa_matching(const struct smtpsec_host *host, size_t n);
/** The association data; len receives its length. */
SMTPSEC_API const uint8_t *smtpsec_host_tlsa_data(const struct smtpsec_host *host, size_t n, size_t *len);
/** SMTPSEC_REASON_NONE when the record is used, else why not. */
SMTPSEC_API int32_t smtpsec_host_tlsa_reason(const struct smtpsec_host *host, size_t n);

/* ---- Message options --------------------------------------------------- */

/** What one message asks for. */
struct smtpsec_message;

SMTPSEC_API int smtpsec_message_new(struct smtpsec_message **out);
SMTPSEC_API void smtpsec_message_free(struct smtpsec_message *message);
/** REQUIRETLS was given with MAIL (RFC 8689 section 2). */
SMTPSEC_API int smtpsec_message_set_requiretls(struct smtpsec_message *message, int on);
/** The header "TLS-Required: No" stands in it (RFC 8689 section 3). REQUIRETLS outranks it. */
SMTPSEC_API int smtpsec_message_set_tls_required_no(struct smtpsec_message *message, int on);
/** The envelope sender is empty: REQUIRETLS then does not stop it (RFC 8689 section 5). */
SMTPSEC_API int smtpsec_message_set_null_sender(struct smtpsec_message *message, int on);

/**
 * Read the header section of the message for TLS-Required (RFC 8689 section 3)
 * and set the option by it: on for exactly one field with the value No, else off.
 *
 * headers: from the first line; reading ends at the empty line.
 */
SMTPSEC_API int smtpsec_message_read_headers(struct smtpsec_message *message, const char *headers,
                                             size_t len);
/** 1 when that option is on. */
SMTPSEC_API int smtpsec_message_tls_required_no(const struct smtpsec_message *message);
/**
 * It is a report on TLS (RFC 8460 section 5.3): delivered whatever DANE and
 * MTA-STS say, and its own failures are not reported. REQUIRETLS outranks it.
 */
SMTPSEC_API int smtpsec_message_set_tls_report(struct smtpsec_message *message, int on);
/** 1 when a bounce of this message is to carry REQUIRETLS too (RFC 8689 section 5). */
SMTPSEC_API int smtpsec_message_bounce_requiretls(const struct smtpsec_message *message);
/** 1 when a bounce is to return the headers alone, whatever RET said (RFC 8689 section 5). */
SMTPSEC_API int smtpsec_message_bounce_headers_only(const struct smtpsec_message *message);

/**
 * For the receiving side: judge the parameter REQUIRETLS of a MAIL command.
 *
 * inside_tls: the session is under TLS.
 * offered:    our EHLO reply inside TLS offered it.
 * value:      what stood behind its "="; NULL when there was none.
 * Returns:    250 when the message is to be tagged; else the reply code to give.
 */
SMTPSEC_API int32_t smtpsec_requiretls_receive(int inside_tls, int offered, const char *value);
/** What to say after that code, with an enhanced status code. */
SMTPSEC_API const char *smtpsec_requiretls_receive_text(int32_t code);
/** How many octets the parameter adds to the longest MAIL line (RFC 8689 section 2). */
SMTPSEC_API size_t smtpsec_limit_requiretls_octets(void);

/** Derive the plan for a message. Pure: asks nothing. Returns: 0, NOMEM, INVALID. */
SMTPSEC_API int smtpsec_plan_for(const struct smtpsec_plan *plan, const struct smtpsec_message *message,
                                 struct smtpsec_plan **out);

/* ---- Requirement ------------------------------------------------------- */

/** Copy a requirement, to keep it beyond its plan. */
SMTPSEC_API int smtpsec_requirement_copy(const struct smtpsec_requirement *requirement,
                                         struct smtpsec_requirement **out);
/** Free a requirement that smtpsec_requirement_copy() or _read() gave. */
SMTPSEC_API void smtpsec_requirement_free(struct smtpsec_requirement *requirement);
SMTPSEC_API int32_t smtpsec_requirement_level(const struct smtpsec_requirement *requirement);
SMTPSEC_API int32_t smtpsec_requirement_protection(const struct smtpsec_requirement *requirement);
SMTPSEC_API int32_t smtpsec_requirement_tls(const struct smtpsec_requirement *requirement);
/**
 * The set of identities, all of which must verify. For a message under
 * TLS-Required: No that the operator's own minimum asks PKIX for, verification
 * takes the host's DANE as well.
 */
SMTPSEC_API int32_t smtpsec_requirement_identities(const struct smtpsec_requirement *requirement);
/** The set of sources that demand something. */
SMTPSEC_API int32_t smtpsec_requirement_sources(const struct smtpsec_requirement *requirement);
/** What claims that only report would add: identities, SMTPSEC_IDENTITY_*. */
SMTPSEC_API int32_t smtpsec_requirement_reported_identities(
    const struct smtpsec_requirement *requirement);
/** What they would make of TLS: SMTPSEC_TLS_*. */
SMTPSEC_API int32_t smtpsec_requirement_reported_tls(const struct smtpsec_requirement *requirement);
/** The least TLS version that verification accepts, as on the wire; 0: any. */
SMTPSEC_API uint16_t smtpsec_requirement_tls_version(const struct smtpsec_requirement *requirement);
/** 1 when the second EHLO must offer REQUIRETLS. */
SMTPSEC_API int smtpsec_requirement_requiretls(const struct smtpsec_requirement *requirement);
SMTPSEC_API const char *smtpsec_requirement_domain(const struct smtpsec_requirement *requirement);
SMTPSEC_API const char *smtpsec_requirement_host(const struct smtpsec_requirement *requirement);
/** The name for SNI; "" when none. */
SMTPSEC_API const char *smtpsec_requirement_sni(const struct smtpsec_requirement *requirement);
/** Reference identifiers for DANE-TA (RFC 7672 3.2.2). */
SMTPSEC_API size_t smtpsec_requirement_dane_name_count(const struct smtpsec_requirement *requirement);
SMTPSEC_API const char *smtpsec_requirement_dane_name(const struct smtpsec_requirement *requirement,
                                                      size_t n);
/** Reference identifiers for PKIX. */
SMTPSEC_API size_t smtpsec_requirement_pkix_name_count(const struct smtpsec_requirement *requirement);
SMTPSEC_API const char *smtpsec_requirement_pkix_name(const struct smtpsec_requirement *requirement,
                                                      size_t n);
/** The time after which verification refuses. */
SMTPSEC_API int64_t smtpsec_requirement_expires(const struct smtpsec_requirement *requirement);
/**
 * Digest of what is required, in hex, no times in it: salt session and connection
 * caches with it. Of an address literal it holds the port alone; add the address.
 */
SMTPSEC_API const char *smtpsec_requirement_digest(const struct smtpsec_requirement *requirement);

/** What to add to MAIL: "REQUIRETLS" or "". */
SMTPSEC_API const char *smtpsec_requirement_mail_parameter(
    const struct smtpsec_requirement *requirement);
/**
 * May a connection that was accepted under one requirement serve another? Both
 * must name the same host, port and SNI; its identities, TLSA records, names and
 * TLS version must ask for all that the other asks for.
 * Returns: 1 or 0; always 0 where TLS-Required: No lifted anything of either, and
 *          for an address literal that was read from a blob, which has none. Times
 *          are not compared: after smtpsec_requirement_expires() of the other, 1 is void.
 */
SMTPSEC_API int smtpsec_requirement_covers(const struct smtpsec_requirement *opened,
                                           const struct smtpsec_requirement *wanted);

/**
 * Write a requirement as bytes for another process.
 *
 * context: NULL for no seal, else its key is used.
 * data:    receives bytes to be freed by smtpsec_bytes_free().
 */
SMTPSEC_API int smtpsec_requirement_write(const struct smtpsec_context *context,
                                          const struct smtpsec_requirement *requirement, uint8_t **data,
                                          size_t *len);
/** Read one back. Returns: 0, NOMEM, FORMAT, SEAL, VERSION. */
SMTPSEC_API int smtpsec_requirement_read(const struct smtpsec_context *context, const uint8_t *data,
                                         size_t len, struct smtpsec_requirement **out);
/** Free bytes that this library gave. */
SMTPSEC_API void smtpsec_bytes_free(uint8_t *data);

/* ---- Kept plans --------------------------------------------------------
 *
 * With a memory, the plan of each evaluation is kept beside it for as long as
 * all that it rests on lives: shared by all processes of the host that use the
 * memory by the same settings and policy file. A kept plan asks for exactly what
 * a fresh decision by the same answers and by what is remembered now would ask
 * for: whatever changes the memory of a domain drops its plan.
 *
 *   if (smtpsec_cached_find(cached, "example.org", now) != 1)
 *       smtpsec_evaluate(context, "example.org", 30000, &plan);
 */

/** Finds kept plans, again and again. */
struct smtpsec_cached;

/**
 * Make one; it belongs to its context, and is freed before it.
 * Returns: 0, NOMEM, INVALID.
 * Threads: as the context, one at a time for both.
 */
SMTPSEC_API int smtpsec_cached_new(struct smtpsec_context *context, struct smtpsec_cached **out);
SMTPSEC_API void smtpsec_cached_free(struct smtpsec_cached *cached);
/**
 * Find the plan kept for a plain message to a domain, by MX and port 25. It costs
 * one read of the store: nothing is allocated, and nobody is asked.
 *
 * domain:  in letters, digits, hyphens and underscores of either case; for any
 *          other, one in UTF-8 among them, nothing is found.
 * now:     seconds since 1970-01-01 UTC. Outside of the plan's life it is not there.
 * Returns: 1: there it is, 0: evaluate, INVALID, NOMEM.
 */
SMTPSEC_API int smtpsec_cached_find(struct smtpsec_cached *cached, const char *domain, int64_t now);
/*
 * What was found, as smtpsec_plan_*() and smtpsec_host_*() would say it. What is
 * returned is valid until the next find, and nobody's to free. Where nothing was
 * found: DEFER, hosts to be skipped, 0 and NULL.
 */
SMTPSEC_API int32_t smtpsec_cached_verdict(const struct smtpsec_cached *cached);
SMTPSEC_API int32_t smtpsec_cached_reason(const struct smtpsec_cached *cached);
SMTPSEC_API int32_t smtpsec_cached_level(const struct smtpsec_cached *cached);
SMTPSEC_API const char *smtpsec_cached_digest(const struct smtpsec_cached *cached);
/** From this second on it is not found any more; never later than the plan's own end. */
SMTPSEC_API int64_t smtpsec_cached_expires(const struct smtpsec_cached *cached);
SMTPSEC_API size_t smtpsec_cached_host_count(const struct smtpsec_cached *cached);
SMTPSEC_API const char *smtpsec_cached_host_name(const struct smtpsec_cached *cached, size_t n);
SMTPSEC_API uint16_t smtpsec_cached_host_preference(const struct smtpsec_cached *cached, size_t n);
SMTPSEC_API int32_t smtpsec_cached_host_action(const struct smtpsec_cached *cached, size_t n);
SMTPSEC_API int32_t smtpsec_cached_host_reason(const struct smtpsec_cached *cached, size_t n);
SMTPSEC_API size_t smtpsec_cached_host_address_count(const struct smtpsec_cached *cached, size_t n);
SMTPSEC_API const char *smtpsec_cached_host_address(const struct smtpsec_cached *cached, size_t n,
                                                    size_t m);
/** Of the host's requirement, as smtpsec_requirement_level() and its neighbours say it. */
SMTPSEC_API int32_t smtpsec_cached_host_level(const struct smtpsec_cached *cached, size_t n);
SMTPSEC_API int32_t smtpsec_cached_host_tls(const struct smtpsec_cached *cached, size_t n);
SMTPSEC_API int32_t smtpsec_cached_host_identities(const struct smtpsec_cached *cached, size_t n);
SMTPSEC_API int32_t smtpsec_cached_host_sources(const struct smtpsec_cached *cached, size_t n);
SMTPSEC_API const char *smtpsec_cached_host_digest(const struct smtpsec_cached *cached, size_t n);
/**
 * Make the requirement of a host, to verify sessions against; free it with
 * smtpsec_requirement_free(). Returns: 0, NOMEM, NOT_FOUND (no such host, or it
 * is skipped), FORMAT (what was kept is damaged: evaluate), INVALID.
 */
SMTPSEC_API int smtpsec_cached_requirement(const struct smtpsec_cached *cached, size_t n,
                                           struct smtpsec_requirement **out);

/* ---- Verify ------------------------------------------------------------ */

/** Facts of one TLS session, as the MTA saw them. */
struct smtpsec_session;

/** Start empty: no TLS. */
SMTPSEC_API int smtpsec_session_new(struct smtpsec_session **out);
SMTPSEC_API void smtpsec_session_free(struct smtpsec_session *session);
/** Start empty again; only what smtpsec_session_set_opened() said stays. */
SMTPSEC_API void smtpsec_session_clear(struct smtpsec_session *session);
/** Say what came of STARTTLS; default NOT_REACHED. */
SMTPSEC_API int smtpsec_session_set_starttls(struct smtpsec_session *session, int32_t starttls);
/** TLS version as on the wire, such as 0x0303 for 1.2. */
SMTPSEC_API int smtpsec_session_set_tls_version(struct smtpsec_session *session, uint16_t version);
/** Add the next certificate in DER, the server's own first. Returns: 0, NOMEM, LIMIT. */
SMTPSEC_API int smtpsec_session_add_certificate(struct smtpsec_session *session, const uint8_t *der,
                                                size_t len);
/** The server sent a raw public key (RFC 7250): its SubjectPublicKeyInfo in DER. */
SMTPSEC_API int smtpsec_session_set_raw_key(struct smtpsec_session *session, const uint8_t *spki,
                                            size_t len);
/** The session was resumed; the full handshake was verified under this requirement digest (hex). */
SMTPSEC_API int smtpsec_session_set_resumed(struct smtpsec_session *session, const char *digest);

/**
 * The requirement under which the session was opened: its digest is kept, the
 * server that it names, and whether TLS-Required: No had lifted anything. Only
 * for a session that was accepted: without its chain nothing else can tell.
 */
SMTPSEC_API int smtpsec_session_set_opened(struct smtpsec_session *session,
                                           const struct smtpsec_requirement *requirement);
/** The EHLO reply inside TLS offered REQUIRETLS. */
SMTPSEC_API int smtpsec_session_set_requiretls(struct smtpsec_session *session, int offered);

/** The judgement of one session; does not change. */
struct smtpsec_verdict;

/**
 * Judge a session against a requirement. Pure: opens nothing, asks nothing.
 *
 * anchors: needed where PKIX is required; without anchors such a session is rejected.
 * Returns: 0 (accepted or not), NOMEM, INVALID.
 */
SMTPSEC_API int smtpsec_verify(const struct smtpsec_anchors *anchors,
                               const struct smtpsec_requirement *requirement,
                               const struct smtpsec_session *session, int64_t now,
                               struct smtpsec_verdict **out);
SMTPSEC_API void smtpsec_verdict_free(struct smtpsec_verdict *verdict);
/** 1: go on with MAIL. 0: QUIT, next host. */
SMTPSEC_API int smtpsec_verdict_accepted(const struct smtpsec_verdict *verdict);
/** Of a reject; of an accepted session what testing mode, or the memory, would refuse it for. */
SMTPSEC_API int32_t smtpsec_verdict_reason(const struct smtpsec_verdict *verdict);
/** The level that the session reached, judged for this requirement. */
SMTPSEC_API int32_t smtpsec_verdict_achieved(const struct smtpsec_verdict *verdict);
/** The identities that verified. */
SMTPSEC_API int32_t smtpsec_verdict_identities(const struct smtpsec_verdict *verdict);
/** RFC 8460 result type; may be set on an accepted session too (testing mode). */
SMTPSEC_API int32_t smtpsec_verdict_result(const struct smtpsec_verdict *verdict);
/** 1 when the memory would have refused this session, were every claim enforced. */
SMTPSEC_API int smtpsec_verdict_would_refuse(const struct smtpsec_verdict *verdict);
/** The index of the TLSA record that matched, as in the host's list; -1 when none. */
SMTPSEC_API int32_t smtpsec_verdict_tlsa(const struct smtpsec_verdict *verdict);
/** One line for a log. */
SMTPSEC_API const char *smtpsec_verdict_text(const struct smtpsec_verdict *verdict);
/** One line for a DSN, as smtpsec_plan_dsn_text(); "" when the session is accepted. */
SMTPSEC_API const char *smtpsec_verdict_dsn_text(const struct smtpsec_verdict *verdict);
/*
 * The trace of the judgement, in order, as for plans; no age is known. What the
 * host did or showed has the source "session".
 */
SMTPSEC_API size_t smtpsec_verdict_explain_count(const struct smtpsec_verdict *verdict);
SMTPSEC_API const char *smtpsec_verdict_explain_rule(const struct smtpsec_verdict *verdict, size_t n);
SMTPSEC_API const char *smtpsec_verdict_explain_rfc(const struct smtpsec_verdict *verdict, size_t n);
SMTPSEC_API const char *smtpsec_verdict_explain_text(const struct smtpsec_verdict *verdict, size_t n);
SMTPSEC_API const char *smtpsec_verdict_explain_input(const struct smtpsec_verdict *verdict, size_t n);
SMTPSEC_API const char *smtpsec_verdict_explain_source(const struct smtpsec_verdict *verdict,
                                                       size_t n);
SMTPSEC_API const char *smtpsec_verdict_explain_effect(const struct smtpsec_verdict *verdict,
                                                       size_t n);

/**
 * May an open connection serve another message? Judged are the facts of its
 * session, as at the start: the chain if it was kept, else the requirement
 * that it was opened under must ask for the same.
 *
 * session: smtpsec_session_set_opened() was called on it; without that it
 *          serves nothing.
 * Returns: 1, 0, NOMEM, INVALID; compare with 1.
 */
SMTPSEC_API int smtpsec_satisfies(const struct smtpsec_anchors *anchors,
                                  const struct smtpsec_requirement *requirement,
                                  const struct smtpsec_session *session, int64_t now);

/**
 * Fill a session from a GnuTLS session after its handshake.
 * gnutls_session: a gnutls_session_t, given as void * so that this header
 *                 needs no other.
 */
SMTPSEC_API int smtpsec_session_from_gnutls(struct smtpsec_session *session, void *gnutls_session);

/** Joins a requirement and a GnuTLS session for the callback below. */
struct smtpsec_gnutls;

/**
 * Make a binding. It keeps a copy of the requirement and a hold on the anchors.
 * Attach it with gnutls_session_set_ptr(session, binding) and
 * gnutls_session_set_verify_function(session, smtpsec_gnutls_verify); the
 * handshake then fails with GNUTLS_E_CERTIFICATE_ERROR on a reject.
 */
SMTPSEC_API int smtpsec_gnutls_new(struct smtpsec_anchors *anchors,
                                   const struct smtpsec_requirement *requirement, int64_t now,
                                   struct smtpsec_gnutls **out);
SMTPSEC_API void smtpsec_gnutls_free(struct smtpsec_gnutls *binding);
/** The ready callback; give it to gnutls_session_set_verify_function() with a cast of its argument. */
SMTPSEC_API int smtpsec_gnutls_verify(void *gnutls_session);
/** The verdict of the last handshake; NULL before it. Belongs to the binding. */
SMTPSEC_API const struct smtpsec_verdict *smtpsec_gnutls_verdict(const struct smtpsec_gnutls *binding);

/* ---- Replies ----------------------------------------------------------- */

/**
 * What does a reply mean? No negative reply said before the requirement is met
 * bounces a message: whoever can strip TLS can also say 550.
 *
 * verdict: of the session; NULL before there is one.
 * code:    of the reply, 200 to 599; 0 when the connection broke. A 3yz where
 *          2yz is the yes, or 2yz to DATA, is no answer: as if it broke.
 * reason:  receives SMTPSEC_REASON_* for NEXT_HOST; may be NULL.
 * Returns: SMTPSEC_REPLY_*.
 */
SMTPSEC_API int32_t smtpsec_classify_reply(const struct smtpsec_requirement *requirement,
                                           const struct smtpsec_verdict *verdict, int32_t stage,
                                           int32_t code, int32_t *reason);

/** What came of the hosts that were tried for one message. */
struct smtpsec_tally;

/** Start with the hosts that the plan skips. The plan is not kept. */
SMTPSEC_API int smtpsec_tally_new(const struct smtpsec_plan *plan, struct smtpsec_tally **out);
SMTPSEC_API void smtpsec_tally_free(struct smtpsec_tally *tally);
/**
 * The n-th host of the plan did not take the message.
 *
 * reason:  of the verdict or reply; SMTPSEC_REASON_NONE when it was asked and said 4yz.
 *          CONNECT_FAILED where the connection broke, at STARTTLS say, whatever the
 *          verdict makes of the session: it may be back, and ends no message.
 * Returns: 0, INVALID (no such host, or the plan skips it).
 */
SMTPSEC_API int smtpsec_tally_add(struct smtpsec_tally *tally, size_t host, int32_t reason);
/**
 * No host took the message: SMTPSEC_VERDICT_DEFER, or _FAIL when every host was
 * tried and failed for want of REQUIRETLS alone (RFC 8689 section 4.2.1).
 */
SMTPSEC_API int32_t smtpsec_tally_verdict(const struct smtpsec_tally *tally);
SMTPSEC_API int32_t smtpsec_tally_reason(const struct smtpsec_tally *tally);
SMTPSEC_API const char *smtpsec_tally_enhanced(const struct smtpsec_tally *tally);
/** One line for a log: the verdict, and the reason of each host. */
SMTPSEC_API const char *smtpsec_tally_text(const struct smtpsec_tally *tally);

/* ---- Outcome ----------------------------------------------------------- */

/** What happened on one connection. */
struct smtpsec_outcome;

/** Start an outcome for a connection under a requirement. now: when it happened. */
SMTPSEC_API int smtpsec_outcome_new(const struct smtpsec_requirement *requirement, int64_t now,
                                    struct smtpsec_outcome **out);
SMTPSEC_API void smtpsec_outcome_free(struct smtpsec_outcome *outcome);
/** Take over what was seen and judged. */
SMTPSEC_API int smtpsec_outcome_set_session(struct smtpsec_outcome *outcome,
                                            const struct smtpsec_session *session,
                                            const struct smtpsec_verdict *verdict);
/**
 * Take over what a log tells of a connection instead: TLS or none, and nothing
 * of certificates. Whatever was required, it raises ENCRYPTED claims at most;
 * with TLS it lowers no claim, without it lowers as any delivery does.
 *
 * starttls: SMTPSEC_STARTTLS_DONE or SMTPSEC_STARTTLS_ABSENT.
 * Returns:  0, INVALID.
 */
SMTPSEC_API int smtpsec_outcome_set_observed(struct smtpsec_outcome *outcome, int32_t starttls);
/** The second EHLO offered REQUIRETLS. */
SMTPSEC_API int smtpsec_outcome_set_requiretls_offered(struct smtpsec_outcome *outcome, int offered);
/** The server accepted the message (2yz after DATA). */
SMTPSEC_API int smtpsec_outcome_set_accepted(struct smtpsec_outcome *outcome, int accepted);
/** The sender was empty: raises nothing. */
SMTPSEC_API int smtpsec_outcome_set_null_sender(struct smtpsec_outcome *outcome, int null_sender);
/** Write and read, as for requirements. */
SMTPSEC_API int smtpsec_outcome_write(const struct smtpsec_context *context,
                                      const struct smtpsec_outcome *outcome, uint8_t **data, size_t *len);
SMTPSEC_API int smtpsec_outcome_read(const struct smtpsec_context *context, const uint8_t *data,
                                     size_t len, struct smtpsec_outcome **out);

/**
 * Record an outcome in the memory.
 *
 * Returns: 0, NOMEM, STALE (older than a day or from the future), MEMORY
 *          (no memory, or it cannot be written). No error here changes a
 *          decision already made. Also 0, and not counted, while the clock is
 *          not believed (SMTPSEC_EVENT_CLOCK_STEPPED).
 */
SMTPSEC_API int smtpsec_record(struct smtpsec_context *context, const struct smtpsec_outcome *outcome,
                               int64_t now);

/* ---- TLS reports -------------------------------------------------------
 *
 * What RFC 8460 asks a sender to tell, as the datagram that collectors which
 * speak libtlsrpt's protocol (version 1) take in. One report a delivery:
 * make it from the plan, add each session, send it.
 */

/** What is to be told of one delivery. */
struct smtpsec_report;

/**
 * Start a report: the policies considered, and what failed of them before any
 * connection. The plan is not kept; give the one derived for the message
 * (smtpsec_plan_for()), which knows whether it is a report on TLS itself:
 * of such a message nothing is told, or reports would breed reports.
 */
SMTPSEC_API int smtpsec_report_new(const struct smtpsec_plan *plan, struct smtpsec_report **out);
SMTPSEC_API void smtpsec_report_free(struct smtpsec_report *report);
/**
 * Add a session. Addresses and helo as text; NULL when not known. One that was
 * never reached is nothing to tell; nor is one under TLS-Required: No.
 * Returns: 0, NOMEM, INVALID (no host of the plan), LIMIT (more than 64 sessions).
 */
SMTPSEC_API int smtpsec_report_add_session(struct smtpsec_report *report,
                                           const struct smtpsec_requirement *requirement,
                                           const struct smtpsec_session *session,
                                           const struct smtpsec_verdict *verdict,
                                           const char *sending_ip, const char *receiving_ip,
                                           const char *helo);
/**
 * Write the datagram.
 *
 * data:    receives bytes to be freed by smtpsec_bytes_free(); NULL and 0 when
 *          there is nothing to tell: the domain wants no reports, or the message
 *          is a report itself. At most 65000 octets; what finds no room in them
 *          is left out.
 */
SMTPSEC_API int smtpsec_report_datagram(const struct smtpsec_report *report, uint8_t **data,
                                        size_t *len);
/**
 * Send the datagram to a collector's socket, without waiting. A report that is
 * lost never delays mail.
 * Returns: 0 (also when there is nothing to tell), NOMEM, INVALID, SYSTEM, LIMIT (too long a path).
 */
SMTPSEC_API int smtpsec_report_send(const struct smtpsec_report *report, const char *socket_path);

/* ---- Memory ------------------------------------------------------------ */

/** Claims of one domain or of all, as they stood when asked. */
struct smtpsec_claims;

/**
 * List claims.
 *
 * domain:  NULL for all.
 * Returns: 0 (also when there are none), NOMEM, NAME, MEMORY.
 */
SMTPSEC_API int smtpsec_memory_list(struct smtpsec_context *context, const char *domain,
                                    struct smtpsec_claims **out);
SMTPSEC_API void smtpsec_claims_free(struct smtpsec_claims *claims);
SMTPSEC_API size_t smtpsec_claims_count(const struct smtpsec_claims *claims);
SMTPSEC_API const struct smtpsec_claim *smtpsec_claims_get(const struct smtpsec_claims *claims, size_t n);

SMTPSEC_API const char *smtpsec_claim_domain(const struct smtpsec_claim *claim);
/** The MX host; "" for a claim on the whole domain. */
SMTPSEC_API const char *smtpsec_claim_host(const struct smtpsec_claim *claim);
/** "mx" or "relay". */
SMTPSEC_API const char *smtpsec_claim_route(const struct smtpsec_claim *claim);
/** The port of that route. */
SMTPSEC_API uint16_t smtpsec_claim_port(const struct smtpsec_claim *claim);
SMTPSEC_API int32_t smtpsec_claim_kind(const struct smtpsec_claim *claim);
SMTPSEC_API int64_t smtpsec_claim_first_seen(const struct smtpsec_claim *claim);
SMTPSEC_API int64_t smtpsec_claim_last_seen(const struct smtpsec_claim *claim);
/** Distinct days on which it was proved. */
SMTPSEC_API uint32_t smtpsec_claim_days(const struct smtpsec_claim *claim);
/** Until when it binds. */
SMTPSEC_API int64_t smtpsec_claim_binds_until(const struct smtpsec_claim *claim);
/** 1 when it is enforced now. */
SMTPSEC_API int smtpsec_claim_in_force(const struct smtpsec_claim *claim);
/** What it rests on, in words. */
SMTPSEC_API const char *smtpsec_claim_evidence(const struct smtpsec_claim *claim);

/** Forget all that is known of a domain. Returns: 0, NOT_FOUND, NAME, MEMORY. */
SMTPSEC_API int smtpsec_memory_forget(struct smtpsec_context *context, const char *domain);

/**
 * Called for each line of an export, without the line's end.
 * Return 0 to go on; anything else stops it.
 */
typedef int (*smtpsec_line)(void *user, const char *line);

/**
 * Write what is remembered as canonical text: evidence, one line a claim and a
 * policy, never a bare level. The same memory gives the same text on every
 * machine. doc/memory.md has the format.
 *
 * domain:  NULL for all.
 * Returns: 0, NOMEM, NAME, MEMORY, or what the callback gave.
 */
SMTPSEC_API int smtpsec_memory_export(struct smtpsec_context *context, const char *domain,
                                      smtpsec_line line, void *user);

/**
 * Remove claims that count for nothing any more, and policies that nothing
 * rests on. Works in slices, beside all other use.
 *
 * removed: receives how many destinations and policies went; may be NULL.
 * Returns: 0, NOMEM, MEMORY.
 */
SMTPSEC_API int smtpsec_memory_prune(struct smtpsec_context *context, size_t *removed);

/** Figures of the memory, as they stood when asked. */
struct smtpsec_stats;

/** Count. Reads all of it: minutes for many millions. Returns: 0, NOMEM, MEMORY. */
SMTPSEC_API int smtpsec_memory_stats(struct smtpsec_context *context, struct smtpsec_stats **out);
SMTPSEC_API void smtpsec_stats_free(struct smtpsec_stats *stats);
/** The n-th figure's name, such as "destinations"; NULL past the end. Names do not change. */
SMTPSEC_API const char *smtpsec_stats_name(const struct smtpsec_stats *stats, size_t n);
SMTPSEC_API uint64_t smtpsec_stats_value(const struct smtpsec_stats *stats, size_t n);

/**
 * Read every page and every entry of the memory, which may be in use.
 *
 * faults:  receives the number of damaged or unreadable entries; may be NULL.
 * Returns: 0 (with or without faults), NOMEM, MEMORY (it cannot be read as a
 *          whole; the context's event says why).
 */
SMTPSEC_API int smtpsec_memory_check(struct smtpsec_context *context, size_t *faults);

/* ---- Events ------------------------------------------------------------
 *
 * Notable facts wait in the context until you take them; at most 256.
 */

/** Move to the next event. Returns: 1 when there is one, 0 when not. */
SMTPSEC_API int smtpsec_event_next(struct smtpsec_context *context);
/* The present event; the text is valid until the next smtpsec_event_next(). */
SMTPSEC_API int32_t smtpsec_event_kind(const struct smtpsec_context *context);
SMTPSEC_API int64_t smtpsec_event_time(const struct smtpsec_context *context);
SMTPSEC_API const char *smtpsec_event_domain(const struct smtpsec_context *context);
SMTPSEC_API const char *smtpsec_event_text(const struct smtpsec_context *context);

#ifdef __cplusplus
}
#endif

#endif
