/* SPDX-License-Identifier: MIT
 *
 * A signed token (JWS compact form, RFC 7515; JWT, RFC 7519): is it good, and who does it name?
 *
 * Refused whatever it says: `none`, encrypted tokens, `crit`, `b64`, two members of one name, more than
 * JWT_BYTES_MAX. Ignored in its header: jku, jwk, x5u, x5c; a key comes from the configuration alone.
 */
#pragma once

#include "gateway/identity.h"
#include "gateway/jwt_keys.h"

#define JWT_BYTES_MAX 8192

enum jwt_error {
    JWT_ERR_FORMAT = -1,    /* no JWS, or nothing that may be in one */
    JWT_ERR_ALGORITHM = -2, /* not one of those configured */
    JWT_ERR_KEY = -3,       /* no key of that id and algorithm */
    JWT_ERR_SIGNATURE = -4,
    JWT_ERR_CLAIMS = -5, /* exp, the user or another claim is missing or no such thing */
    JWT_ERR_ISSUER = -6,
    JWT_ERR_AUDIENCE = -7,
    JWT_ERR_EARLY = -8,   /* nbf or iat lies ahead */
    JWT_ERR_EXPIRED = -9, /* all else is right */
};

const char *jwt_error_name(int code); /* a word for the log */

/* What a token must say. Texts are borrowed; NULL: anything. */
struct jwt_policy {
    const struct jwt_keys *keys;
    unsigned algorithms; /* bits of enum jwt_algorithm */
    const char *issuer;
    const char *audience;
    const char *user_claim;
    const char *roles_claim; /* `realm_access.roles` goes into an object */
    uint64_t leeway_s;
};

/* The signature is right: the payload's bytes, appended to `out_payload`. Else a negative code. */
int jwt_open(const struct jwt_policy *policy, struct str token, struct buf *out_payload)
    __attribute__((warn_unused_result));

/* All of it is right at that time: fills `out` (which was empty). Else a negative code. */
int jwt_verify(const struct jwt_policy *policy, struct str token, uint64_t now_s,
               struct identity *out) __attribute__((warn_unused_result));
