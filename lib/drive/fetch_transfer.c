/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "drive/fetch_transfer.h"

#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "smtpsec.h"

#define HOST_MAX 253
#define PATH_MAX_OCTETS 1024
/* "https://", the host, ":65535", the path, the end. */
#define URL_ROOM (8 + HOST_MAX + 6 + PATH_MAX_OCTETS + 1)

/* ---- the request's words ---- */

static bool
is_host(const char *host)
{
    size_t len = strlen(host);

    return len > 0 && len <= HOST_MAX && host[len - 1] != '.' && host[0] != '.' &&
           strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == len;
}

static bool
is_path(const char *path)
{
    size_t i;

    for (i = 0; path[i] != '\0'; i++)
        if (path[i] <= ' ' || path[i] > '~' || path[i] == '#')
            return false;
    return path[0] == '/' && i <= PATH_MAX_OCTETS;
}

static bool
is_address(const char *text)
{
    unsigned char octets[16];

    return inet_pton(AF_INET, text, octets) == 1 || inet_pton(AF_INET6, text, octets) == 1;
}

bool
ss_transfer_is_request(const struct ss_fetch_request *request)
{
    size_t i;

    if (!is_host(request->host) || !is_path(request->path) || request->port == 0)
        return false;
    for (i = 0; i < request->address_count; i++)
        if (!is_address(request->addresses[i]))
            return false;
    return request->address_count > 0 && request->verify != NULL && request->done != NULL;
}

static const char *
address_of(const struct ss_transfer *transfer)
{
    return transfer->request.addresses[transfer->address];
}

/* "HOST:PORT:ADDRESS": all that will ever be looked up for this transfer. */
static struct curl_slist *
resolve_entry(const struct ss_transfer *transfer)
{
    char entry[HOST_MAX + 8 + INET6_ADDRSTRLEN + 2];
    const char *address = address_of(transfer);
    bool v6 = strchr(address, ':') != NULL;

    snprintf(entry, sizeof(entry), "%s:%u:%s%s%s", transfer->request.host,
             (unsigned)transfer->request.port, v6 ? "[" : "", address, v6 ? "]" : "");
    return curl_slist_append(NULL, entry);
}

/* ---- called by libcurl ---- */

static bool
same_address(const char *text, const struct sockaddr *address)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;
    unsigned char octets[16];

    if (address->sa_family == AF_INET)
        return inet_pton(AF_INET, text, octets) == 1 && memcmp(octets, &v4->sin_addr, 4) == 0;
    if (address->sa_family == AF_INET6)
        return inet_pton(AF_INET6, text, octets) == 1 && memcmp(octets, &v6->sin6_addr, 16) == 0;
    return false;
}

/*
 * Connect to the address we were given and to nothing else, whatever libcurl
 * believes a name to mean. Descriptors do not pass an exec.
 */
static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    const struct ss_transfer *transfer = arg;

    if (purpose == CURLSOCKTYPE_IPCXN && same_address(address_of(transfer), &address->addr))
        return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    return CURL_SOCKET_BAD;
}

/*
 * After the handshake, before the first octet of the request: the certificate
 * is judged here (STSF-02), and the request is not sent when it is refused.
 */
static int
judge_peer(void *arg, char *peer, char *own, int peer_port, int own_port)
{
    struct ss_transfer *transfer = arg;
    struct curl_tlssessioninfo *info = NULL;
    int32_t failure = SMTPSEC_FAILURE_TLS_HANDSHAKE;

    (void)peer;
    (void)own;
    (void)peer_port;
    (void)own_port;
    transfer->verified = false;
    if (curl_easy_getinfo(transfer->easy, CURLINFO_TLS_SSL_PTR, &info) == CURLE_OK &&
        info != NULL && info->backend == CURLSSLBACKEND_GNUTLS && info->internals != NULL)
        failure = transfer->request.verify(transfer->request.arg, info->internals);
    transfer->failure = failure;
    transfer->verified = failure == SMTPSEC_FAILURE_NONE;
    return transfer->verified ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

/* The belt: had libcurl skipped the judge, not an octet of the reply is taken. */
static bool
is_trusted(struct ss_transfer *transfer)
{
    if (!transfer->verified && transfer->failure == SMTPSEC_FAILURE_NONE)
        transfer->failure = SMTPSEC_FAILURE_TLS_HANDSHAKE;
    return transfer->verified;
}

/* Any count but the one given stops the transfer, for an empty piece too. */
static size_t
taken(bool ok, size_t len)
{
    return ok ? len : len + 1;
}

static size_t
take_line(char *data, size_t size, size_t count, void *arg)
{
    struct ss_transfer *transfer = arg;
    size_t len = size * count;

    return taken(is_trusted(transfer) && ss_reply_line(&transfer->reply, data, len), len);
}

static size_t
take_body(char *data, size_t size, size_t count, void *arg)
{
    struct ss_transfer *transfer = arg;
    size_t len = size * count;

    return taken(is_trusted(transfer) && ss_reply_body(&transfer->reply, data, len), len);
}

/* ---- options ---- */

struct option {
    CURLoption name;
    long value;
};

/*
 * VERIFYPEER and VERIFYHOST are off because the library itself judges the
 * certificate, in judge_peer(). A resumed session would show no certificate,
 * so none is kept.
 *
 * What stays open: a process that sets SSLKEYLOGFILE makes libcurl write the
 * session keys there. Whoever sets a process's environment reads its memory
 * anyway, and there is no option against it.
 */
static const struct option numbers[] = {
    {CURLOPT_SSL_VERIFYPEER, 0},
    {CURLOPT_SSL_VERIFYHOST, 0},
    {CURLOPT_SSL_SESSIONID_CACHE, 0},
    {CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2}, /* STSF-15: the least */
    {CURLOPT_SSL_ENABLE_ALPN, 0},
    {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
    {CURLOPT_HTTP09_ALLOWED, 0},
    {CURLOPT_HTTPGET, 1},
    {CURLOPT_FOLLOWLOCATION, 0}, /* STSF-06 */
    {CURLOPT_NETRC, CURL_NETRC_IGNORED},
    {CURLOPT_FRESH_CONNECT, 1},
    {CURLOPT_FORBID_REUSE, 1},
    {CURLOPT_NOSIGNAL, 1},
    {CURLOPT_NOPROGRESS, 1},
};

/* The environment's https_proxy and ALL_PROXY are obeyed unless PROXY is set, to nothing. */
static const struct {
    CURLoption name;
    const char *value;
} texts[] = {
    {CURLOPT_PROTOCOLS_STR, "https"},
    {CURLOPT_PROXY, ""},
    {CURLOPT_NOPROXY, "*"},
    {CURLOPT_CAINFO, NULL}, /* not ours to load: it takes milliseconds */
    {CURLOPT_CAPATH, NULL},
    {CURLOPT_ACCEPT_ENCODING, NULL}, /* STSF-09 */
};

static bool
set_guards(CURL *easy)
{
    size_t i;

    for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (curl_easy_setopt(easy, numbers[i].name, numbers[i].value) != CURLE_OK)
            return false;
    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (curl_easy_setopt(easy, texts[i].name, texts[i].value) != CURLE_OK)
            return false;
    return true;
}

static bool
set_callbacks(struct ss_transfer *transfer, void *owner)
{
    CURL *easy = transfer->easy;

    return curl_easy_setopt(easy, CURLOPT_PRIVATE, owner) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->text) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, judge_peer) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_line) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer) == CURLE_OK;
}

static long
milliseconds(int64_t ms)
{
    return ms < 1 ? 1 : ms < INT32_MAX ? (long)ms : INT32_MAX;
}

static bool
set_target(struct ss_transfer *transfer, int64_t timeout_ms, int64_t connect_ms)
{
    const struct ss_fetch_request *request = &transfer->request;
    CURL *easy = transfer->easy;
    char url[URL_ROOM];

    snprintf(url, sizeof(url), "https://%s:%u%s", request->host, (unsigned)request->port,
             request->path);
    return curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_SHARE, transfer->names) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_RESOLVE, transfer->addresses) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)request->body_max) ==
               CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, milliseconds(timeout_ms)) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(connect_ms)) ==
               CURLE_OK;
}

/*
 * The address goes into a name cache of this transfer alone: in the one that
 * transfers share, entries stay for ever and two transfers to one name would
 * see each other's.
 */
static bool
make_names(struct ss_transfer *transfer)
{
    transfer->addresses = resolve_entry(transfer);
    transfer->names = curl_share_init();
    return transfer->addresses != NULL && transfer->names != NULL &&
           curl_share_setopt(transfer->names, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS) == CURLSHE_OK;
}

bool
ss_transfer_open(struct ss_transfer *transfer, void *owner, int64_t timeout_ms, int64_t connect_ms)
{
    transfer->verified = false;
    transfer->failure = SMTPSEC_FAILURE_NONE;
    transfer->text[0] = '\0';
    ss_reply_init(&transfer->reply, transfer->request.body_max);
    transfer->easy = curl_easy_init();
    return transfer->easy != NULL && make_names(transfer) && set_guards(transfer->easy) &&
           set_callbacks(transfer, owner) && set_target(transfer, timeout_ms, connect_ms);
}

void
ss_transfer_close(struct ss_transfer *transfer)
{
    curl_easy_cleanup(transfer->easy);
    if (transfer->names != NULL)
        curl_share_cleanup(transfer->names);
    curl_slist_free_all(transfer->addresses);
    ss_reply_free(&transfer->reply);
    transfer->easy = NULL;
    transfer->names = NULL;
    transfer->addresses = NULL;
}

/* ---- results ---- */

/*
 * libcurl keeps GnuTLS's code to itself; its text ends in GnuTLS's own words
 * for it, which GnuTLS tells us.
 */
static int32_t
handshake_failure(const char *text)
{
    const char *alert = gnutls_alert_get_name(GNUTLS_A_PROTOCOL_VERSION);

    if (strstr(text, gnutls_strerror(GNUTLS_E_UNSUPPORTED_VERSION_PACKET)) != NULL ||
        (alert != NULL && strstr(text, alert) != NULL))
        return SMTPSEC_FAILURE_TLS_VERSION;
    return SMTPSEC_FAILURE_TLS_HANDSHAKE;
}

static int32_t
failure_of(CURLcode code, const char *text)
{
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        return SMTPSEC_FAILURE_TIMEOUT;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
        return SMTPSEC_FAILURE_UNREACHABLE;
    case CURLE_SSL_CONNECT_ERROR:
        return handshake_failure(text);
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
        return SMTPSEC_FAILURE_TLS_HANDSHAKE;
    case CURLE_FILESIZE_EXCEEDED:
        return SMTPSEC_FAILURE_HTTP_SIZE;
    case CURLE_BAD_CONTENT_ENCODING:
        return SMTPSEC_FAILURE_HTTP_ENCODING;
    default:
        return SMTPSEC_FAILURE_HTTP_BROKEN;
    }
}

/* Another status than 200 is an answer, however the transfer then ended. */
static bool
is_other_status(const struct ss_reply *reply, CURLcode code)
{
    return reply->stopped || (code == CURLE_FILESIZE_EXCEEDED && reply->status > 200);
}

int32_t
ss_transfer_result(const struct ss_transfer *transfer, CURLcode code)
{
    const struct ss_reply *reply = &transfer->reply;

    if (transfer->failure != SMTPSEC_FAILURE_NONE)
        return transfer->failure;
    if (!transfer->verified)
        return code == CURLE_OK ? SMTPSEC_FAILURE_TLS_HANDSHAKE
                                : failure_of(code, transfer->text);
    if (reply->failure != SMTPSEC_FAILURE_NONE)
        return reply->failure;
    if (is_other_status(reply, code))
        return SMTPSEC_FAILURE_NONE;
    if (code != CURLE_OK)
        return failure_of(code, transfer->text);
    return reply->head_done ? SMTPSEC_FAILURE_NONE : SMTPSEC_FAILURE_HTTP_BROKEN;
}

bool
ss_transfer_next_address(struct ss_transfer *transfer, CURLcode code)
{
    if (transfer->verified || transfer->failure != SMTPSEC_FAILURE_NONE)
        return false;
    if (code != CURLE_COULDNT_CONNECT && code != CURLE_OPERATION_TIMEDOUT)
        return false;
    if (transfer->address + 1 >= transfer->request.address_count)
        return false;
    transfer->address++;
    return true;
}
