/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hand_https.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include <smtpsec.h>

#include "text.h"

enum { HEAD_LIMIT = 16 * 1024 };

struct transfer {
    CURL *curl;
    struct hand_policy *policy;
    size_t head_len;
    int32_t failure; /* why a callback ended it */
    int judged;
    int stopped; /* by us: the status says enough, its body interests nobody */
    char text[CURL_ERROR_SIZE];
};

/* ---- Addresses ---------------------------------------------------------- */

static int
v4_is_inside(uint32_t a)
{
    return a >> 24 == 0 || a >> 24 == 10 || a >> 24 == 127 || a >> 20 == 0xac1 ||
           a >> 16 == 0xc0a8 || a >> 16 == 0xa9fe || a >> 22 == (0x64400000u >> 22) ||
           a >> 28 >= 14;
}

int
hand_address_is_inside(const char *address)
{
    struct in_addr v4;
    struct in6_addr v6;

    if (inet_pton(AF_INET, address, &v4) == 1)
        return v4_is_inside(ntohl(v4.s_addr));
    if (inet_pton(AF_INET6, address, &v6) != 1)
        return 1;
    /* Only 2000::/3 is public; addresses with IPv4 inside lie outside of it. */
    return (v6.s6_addr[0] & 0xe0) != 0x20;
}

/* ---- The certificate ---------------------------------------------------- */

/* libcurl takes a common name for a missing dNSName (against RFC 8461 4.2), and weak keys. */
static int32_t
judge_leaf(gnutls_x509_crt_t leaf)
{
    unsigned int bits = 0;
    int algorithm = gnutls_x509_crt_get_pk_algorithm(leaf, &bits);
    char name[256];
    unsigned int i;
    int type = 0;

    if (algorithm < 0 || gnutls_pk_bits_to_sec_param((gnutls_pk_algorithm_t)algorithm, bits) <
                             GNUTLS_SEC_PARAM_MEDIUM)
        return SMTPSEC_FAILURE_CERT_NOT_TRUSTED;
    for (i = 0; type >= 0 || type == GNUTLS_E_SHORT_MEMORY_BUFFER; i++) {
        size_t len = sizeof(name);

        type = gnutls_x509_crt_get_subject_alt_name(leaf, i, name, &len, NULL);
        if (type == GNUTLS_SAN_DNSNAME)
            return SMTPSEC_FAILURE_NONE;
    }
    return SMTPSEC_FAILURE_CERT_NAME;
}

static int32_t
judge_session(gnutls_session_t session)
{
    unsigned int count = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &count);
    gnutls_x509_crt_t leaf = NULL;
    int32_t failure = SMTPSEC_FAILURE_CERT_NOT_TRUSTED;

    if (chain == NULL || count == 0 || gnutls_x509_crt_init(&leaf) != 0)
        return failure;
    if (gnutls_x509_crt_import(leaf, &chain[0], GNUTLS_X509_FMT_DER) == 0)
        failure = judge_leaf(leaf);
    gnutls_x509_crt_deinit(leaf);
    return failure;
}

/* ---- Callbacks ---------------------------------------------------------- */

/* At the first header the TLS session is still there to be looked at. */
static void
judge_peer(struct transfer *t)
{
    struct curl_tlssessioninfo *info = NULL;

    t->judged = 1;
    t->failure = SMTPSEC_FAILURE_CERT_NOT_TRUSTED;
    if (curl_easy_getinfo(t->curl, CURLINFO_TLS_SSL_PTR, &info) == CURLE_OK && info != NULL &&
        info->backend == CURLSSLBACKEND_GNUTLS)
        t->failure = judge_session((gnutls_session_t)info->internals);
}

static int
is_compressed(const char *line, size_t len)
{
    static const char name[] = "Content-Encoding:";
    size_t at = sizeof(name) - 1;

    if (len < at || strncasecmp(line, name, at) != 0)
        return 0;
    while (at < len && (line[at] == ' ' || line[at] == '\t'))
        at++;
    return !(len - at >= 8 && strncasecmp(line + at, "identity", 8) == 0);
}

static size_t
on_header(char *line, size_t size, size_t count, void *arg)
{
    struct transfer *t = arg;
    size_t len = size * count;

    if (!t->judged)
        judge_peer(t);
    t->head_len += len;
    if (t->failure == SMTPSEC_FAILURE_NONE && t->head_len > HEAD_LIMIT)
        t->failure = SMTPSEC_FAILURE_HTTP_SIZE;
    if (t->failure == SMTPSEC_FAILURE_NONE && is_compressed(line, len))
        t->failure = SMTPSEC_FAILURE_HTTP_ENCODING;
    return t->failure == SMTPSEC_FAILURE_NONE ? len : 0;
}

static size_t
on_body(char *data, size_t size, size_t count, void *arg)
{
    struct transfer *t = arg;
    size_t len = size * count;
    size_t limit = smtpsec_limit_policy_octets();
    long status = 0;

    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
    t->stopped = status != 200;
    if (t->stopped)
        return 0;
    if (len > limit - t->policy->len) {
        t->failure = SMTPSEC_FAILURE_HTTP_SIZE;
        return 0;
    }
    memcpy(t->policy->body + t->policy->len, data, len);
    t->policy->len += len;
    return len;
}

/* ---- The transfer ------------------------------------------------------- */

/* What libcurl's GnuTLS says of a certificate that did not verify. */
static int32_t
failure_of_certificate(CURL *curl)
{
    long status = 0;

    curl_easy_getinfo(curl, CURLINFO_SSL_VERIFYRESULT, &status);
    if ((status & GNUTLS_CERT_SIGNER_NOT_FOUND) != 0)
        return SMTPSEC_FAILURE_CERT_NOT_TRUSTED;
    if ((status & GNUTLS_CERT_EXPIRED) != 0)
        return SMTPSEC_FAILURE_CERT_EXPIRED;
    if ((status & GNUTLS_CERT_NOT_ACTIVATED) != 0)
        return SMTPSEC_FAILURE_CERT_NOT_YET_VALID;
    return status == 0 ? SMTPSEC_FAILURE_CERT_NAME : SMTPSEC_FAILURE_CERT_NOT_TRUSTED;
}

/* libcurl keeps GnuTLS's code to itself, but its text ends in GnuTLS's words for it. */
static int32_t
failure_of_handshake(const char *text)
{
    const char *alert = gnutls_alert_get_name(GNUTLS_A_PROTOCOL_VERSION);

    if (strstr(text, gnutls_strerror(GNUTLS_E_UNSUPPORTED_VERSION_PACKET)) != NULL ||
        (alert != NULL && strstr(text, alert) != NULL))
        return SMTPSEC_FAILURE_TLS_VERSION;
    return SMTPSEC_FAILURE_TLS_HANDSHAKE;
}

static int32_t
failure_of_code(const struct transfer *t, CURLcode code)
{
    switch (code) {
    case CURLE_OK:
        return SMTPSEC_FAILURE_NONE;
    case CURLE_COULDNT_CONNECT:
        return SMTPSEC_FAILURE_UNREACHABLE;
    case CURLE_OPERATION_TIMEDOUT:
        return SMTPSEC_FAILURE_TIMEOUT;
    case CURLE_SSL_CONNECT_ERROR:
        return failure_of_handshake(t->text);
    case CURLE_PEER_FAILED_VERIFICATION:
        return failure_of_certificate(t->curl);
    case CURLE_FILESIZE_EXCEEDED:
        return SMTPSEC_FAILURE_HTTP_SIZE;
    default:
        return SMTPSEC_FAILURE_HTTP_BROKEN;
    }
}

static void
set_security(CURL *curl, const struct hand_fetch *fetch)
{
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L); /* RFC 8461 section 3.3 */
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(curl, CURLOPT_CAINFO, fetch->ca_file);
    curl_easy_setopt(curl, CURLOPT_CAPATH, NULL); /* else the system's CAs are trusted, too */
    curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
}

static void
set_transfer(CURL *curl, const struct hand_fetch *fetch, struct transfer *t,
             struct curl_slist *resolve)
{
    curl_easy_setopt(curl, CURLOPT_URL, fetch->url);
    curl_easy_setopt(curl, CURLOPT_RESOLVE, resolve);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)fetch->timeout_ms);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_SSL_ENABLE_ALPN, 0L);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, t->text);
}

/* "host:443:addr,addr" */
static struct curl_slist *
resolve_list(const struct hand_fetch *fetch)
{
    char entry[4096];
    size_t used;
    size_t i;

    used = (size_t)snprintf(entry, sizeof(entry), "%s:443:", fetch->host);
    for (i = 0; i < fetch->address_count && used < sizeof(entry); i++)
        used += (size_t)snprintf(entry + used, sizeof(entry) - used, "%s%s", i > 0 ? "," : "",
                                 fetch->addresses[i]);
    return used < sizeof(entry) ? curl_slist_append(NULL, entry) : NULL;
}

static void
keep_reply(CURL *curl, struct hand_policy *policy)
{
    const char *type = NULL;
    long status = 0;

    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
    policy->status = (int32_t)status;
    policy->content_type = type != NULL ? strdup(type) : NULL;
}

void
hand_https_get(const struct hand_fetch *fetch, struct hand_policy *policy)
{
    CURL *curl = curl_easy_init();
    struct curl_slist *resolve = resolve_list(fetch);
    struct transfer t;
    CURLcode code;

    memset(policy, 0, sizeof(*policy));
    memset(&t, 0, sizeof(t));
    t.curl = curl;
    t.policy = policy;
    policy->body = malloc(smtpsec_limit_policy_octets() + 1);
    if (curl == NULL || resolve == NULL || policy->body == NULL)
        tool_out_of_memory();
    set_security(curl, fetch);
    set_transfer(curl, fetch, &t, resolve);
    code = curl_easy_perform(curl);
    policy->failure = t.failure;
    if (t.failure == SMTPSEC_FAILURE_NONE && !t.stopped)
        policy->failure = failure_of_code(&t, code);
    if (policy->failure == SMTPSEC_FAILURE_NONE)
        keep_reply(curl, policy);
    curl_slist_free_all(resolve);
    curl_easy_cleanup(curl);
}

void
hand_policy_free(struct hand_policy *policy)
{
    free(policy->content_type);
    free(policy->body);
    memset(policy, 0, sizeof(*policy));
}
