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

/* `name` in lower, upper or mixed case, against the certificate's DNS names; "*" stands for one label. */
bool tls_identity_matches(const struct tls_identity *identity, struct str name);
