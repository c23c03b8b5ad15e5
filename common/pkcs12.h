/* SPDX-License-Identifier: MIT
 *
 * A PKCS#12 file (RFC 7292) taken apart: one of its private keys, and all of its certificates.
 *
 *   pkcs12_open() checks the file's MAC with the password, decrypts, chooses the key by its alias; no I/O;
 *   pkcs12_close() wipes and frees, also after a failure.
 *
 * Known: PBES2 (PBKDF2 with HMAC-SHA, AES-CBC or 3DES) and the older PBE of PKCS#12 (3DES, RC2). Not: public key
 * modes, BER's indefinite lengths, PBMAC1. A file without MAC is refused.
 */
#pragma once

#include "common/buf.h"

#define PKCS12_CERTIFICATES_MAX 64u
#define PKCS12_KEYS_MAX 64u
#define PKCS12_ITERATIONS_MAX 20000000u /* of one file: some seconds */

enum pkcs12_result {
    PKCS12_RIGHT = 0,
    PKCS12_MALFORMED = -1,
    PKCS12_UNSUPPORTED = -2, /* an algorithm, in `what` */
    PKCS12_PASSWORD = -3,    /* wrong, or the file was changed: MAC and password go together */
    PKCS12_NO_MAC = -4,
    PKCS12_NO_KEY = -5,    /* none at all */
    PKCS12_NO_ALIAS = -6,  /* none of that alias; those there are in `what` */
    PKCS12_MANY_KEYS = -7, /* and no alias to choose by; those there are in `what` */
    PKCS12_TOO_MUCH = -8,  /* entries or iterations */
};

struct pkcs12_certificate {
    struct buf der;
    bool is_of_key; /* the file says that it is the chosen key's */
};

struct pkcs12 {
    struct buf key; /* PKCS#8 in DER */
    struct pkcs12_certificate certificates[PKCS12_CERTIFICATES_MAX];
    size_t certificate_count;
    struct buf what; /* text for people, as the result says */
};

/* `password` is UTF-8; `alias` absent (NULL) or compared without case. *out is set in either case. */
enum pkcs12_result pkcs12_open(struct str file, struct str password, struct str alias,
                               uint32_t iterations_max, struct pkcs12 *out)
    __attribute__((warn_unused_result));
void pkcs12_close(struct pkcs12 *pkcs12);
