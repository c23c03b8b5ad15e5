/* SPDX-License-Identifier: MIT
 *
 * What common/tls.c and common/tls_identity.c share with each other and with nobody else.
 */
#pragma once

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/pk.h>
#include <mbedtls/ssl_ticket.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>

#include "common/tls.h"

struct tls_library {
    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context random; /* with its own lock: handshakes run on several threads */
    mbedtls_ssl_ticket_context tickets;
};

/* Read-only once it is loaded. */
struct tls_identity {
    mbedtls_x509_crt chain; /* the server's own first */
    mbedtls_pk_context key;
    uint64_t expires;
};

/* -1, after it has filled *fault. */
__attribute__((format(printf, 4, 5))) int tls_fail(struct tls_fault *fault, const char *option,
                                                   const char *file, const char *format, ...);

/* mbedtls_pk_parse_key() of this version; PEM with its NUL counted, or DER. */
int tls_parse_key(struct tls_library *library, mbedtls_pk_context *key, const uint8_t *bytes,
                  size_t len, const struct buf *password);

/* tls_store.c: of a PKCS#12 file that was read. 0, or -1 and *fault. */
int tls_store_load(struct tls_library *library, struct tls_identity *identity,
                   const struct identity_settings *settings, const struct buf *file,
                   const struct buf *password, struct tls_fault *fault);

/* `name` in lower, upper or mixed case, against the certificate's DNS names; "*" stands for one label. */
bool tls_identity_matches(const struct tls_identity *identity, struct str name);
