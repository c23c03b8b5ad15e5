/* SPDX-License-Identifier: MIT
 *
 * Password-based encryption and MAC as PKCS#12 files use them (RFC 7292 appendix B, RFC 8018).
 */
#pragma once

#include "common/der.h"
#include "common/pkcs12.h"

/* The password in both the forms that algorithms want; and what may still be spent on it. */
struct pbe_password {
    struct str utf8;
    struct buf bmp; /* UTF-16BE, with two NUL bytes behind */
    uint32_t iterations_left;
};

/* RIGHT, or MALFORMED when it is no UTF-8. */
enum pkcs12_result pbe_password_init(struct pbe_password *password, struct str utf8,
                                     uint32_t iterations);
void pbe_password_finish(struct pbe_password *password);

/* What an AlgorithmIdentifier (its content) encrypted. *out is appended to; wiped by the caller. `what` gets the name
 * of an algorithm that is not known. */
enum pkcs12_result pbe_decrypt(struct pbe_password *password, struct der algorithm,
                               struct der sealed, struct buf *out, struct buf *what);

/* Is `mac` that of `bytes`? `digest` is an AlgorithmIdentifier's content. */
enum pkcs12_result pbe_check_mac(struct pbe_password *password, struct der digest, struct der salt,
                                 uint32_t iterations, struct der mac, struct str bytes,
                                 struct buf *what);

void pbe_wipe(struct buf *secret); /* zeroes and frees */
