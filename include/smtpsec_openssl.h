/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * libsmtpsec-openssl: the sessions of OpenSSL and LibreSSL, judged by libsmtpsec.
 *
 * A library of its own, so that libsmtpsec needs no OpenSSL. Two ways:
 *
 * Inside the handshake, which ends with an alert on a reject:
 *
 *   smtpsec_openssl_install(ctx);                       once a SSL_CTX
 *
 *   smtpsec_openssl_new(anchors, requirement, now, &binding);
 *   smtpsec_openssl_attach(binding, ssl);
 *   SSL_connect(ssl);                                   whatever it returns:
 *   smtpsec_openssl_finish(binding, ssl, NULL);
 *   if (smtpsec_verdict_accepted(smtpsec_openssl_verdict(binding)))
 *       ... go on with EHLO ...
 *   SSL_free(ssl);
 *   smtpsec_openssl_free(binding);
 *
 * After a handshake that was let through (SSL_VERIFY_NONE, or a callback that
 * says 1 to everything), as Postfix does it:
 *
 *   smtpsec_session_from_openssl(session, ssl, NULL);
 *   smtpsec_verify(anchors, requirement, session, now, &verdict);
 *
 * In both, OpenSSL's own checks of certificates are off, and nothing that it
 * says of them counts (SSL_get_verify_result()): the verdict alone does. Where
 * there is none, nothing was accepted.
 *
 * The words of smtpsec.h hold here too. A SSL is `struct ssl_st`, a SSL_CTX
 * `struct ssl_ctx_st`; so this header needs none of OpenSSL's.
 */
#ifndef SMTPSEC_OPENSSL_H
#define SMTPSEC_OPENSSL_H

#include "smtpsec.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ssl_st;
struct ssl_ctx_st;

/**
 * Fill a session from a client's SSL after its handshake: version, and the
 * chain as it was received, or the raw public key (RFC 7250; OpenSSL 3.2).
 *
 * A resumed session shows no new chain. If OpenSSL still has that of the full
 * handshake, which it has while the SSL_SESSION stays in this process, it is
 * judged anew. Else the session is worth what the digest says; with neither,
 * it has no certificate.
 *
 * digest:  smtpsec_requirement_digest() of the requirement by which the full
 *          handshake was judged and accepted; you keep it beside the
 *          SSL_SESSION. NULL when not known. Not read for a full handshake.
 * Returns: 0, NOMEM, INVALID (no client, handshake not done, digest is none).
 *          After an error the session says that no TLS was reached.
 */
SMTPSEC_API int smtpsec_session_from_openssl(struct smtpsec_session *session, struct ssl_st *ssl,
                                             const char *digest);

/**
 * Set the name for SNI from a requirement, before the handshake; none for one
 * that has none. smtpsec_openssl_attach() does it too.
 * Returns: 0, NOMEM, INVALID.
 */
SMTPSEC_API int smtpsec_openssl_set_sni(struct ssl_st *ssl,
                                        const struct smtpsec_requirement *requirement);

/**
 * Let every handshake made with this SSL_CTX be judged here: sets its
 * certificate callback and SSL_VERIFY_PEER. One without a binding fails.
 * Returns: 0, NOMEM, INVALID.
 */
SMTPSEC_API int smtpsec_openssl_install(struct ssl_ctx_st *ctx);

/** Joins a requirement and one SSL. */
struct smtpsec_openssl;

/**
 * Make a binding, one for each connection. It keeps a copy of the requirement
 * and a hold on the anchors.
 *
 * anchors: NULL where no PKIX can be required.
 * now:     the time to judge by.
 * Returns: 0, NOMEM, INVALID.
 */
SMTPSEC_API int smtpsec_openssl_new(struct smtpsec_anchors *anchors,
                                    const struct smtpsec_requirement *requirement, int64_t now,
                                    struct smtpsec_openssl **out);
/** Free a binding. A SSL that goes on without it can shake hands no more. */
SMTPSEC_API void smtpsec_openssl_free(struct smtpsec_openssl *binding);
/**
 * Attach a binding to a SSL, before its handshake; sets SNI and SSL_VERIFY_PEER.
 * Once more after SSL_clear(). The binding keeps the SSL (SSL_up_ref()) until it
 * is freed itself or attached to another.
 * Returns: 0, NOMEM, INVALID.
 */
SMTPSEC_API int smtpsec_openssl_attach(struct smtpsec_openssl *binding, struct ssl_st *ssl);
/**
 * Conclude a handshake, however it ended. One that was completed is judged by
 * what OpenSSL holds now, also what the callback did not see (a resumed
 * session, a cipher without certificates); one that broke off is no TLS.
 *
 * digest:  as for smtpsec_session_from_openssl().
 * Returns: 0 (accepted or not), NOMEM, INVALID (not attached, digest is none).
 */
SMTPSEC_API int smtpsec_openssl_finish(struct smtpsec_openssl *binding, struct ssl_st *ssl,
                                       const char *digest);
/**
 * The verdict; NULL before smtpsec_openssl_finish() and when that failed.
 * Valid until the binding is freed or the SSL shakes hands again.
 */
SMTPSEC_API const struct smtpsec_verdict *smtpsec_openssl_verdict(
    const struct smtpsec_openssl *binding);
/** What was judged, for an outcome or a report; NULL and valid as the verdict. */
SMTPSEC_API const struct smtpsec_session *smtpsec_openssl_session(
    const struct smtpsec_openssl *binding);

#ifdef __cplusplus
}
#endif

#endif
