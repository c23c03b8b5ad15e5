/* SPDX-License-Identifier: MIT
 *
 * A JSON Web Key Set (RFC 7517) as keys: what login servers publish at /.well-known/jwks.json.
 */
#pragma once

#include "gateway/jwt_keys.h"

#define JWKS_BYTES_MAX ((size_t)1 << 20)

/* Adds every key of the set that is for signatures and of a type we know; others are passed over, as RFC 7517 5
 * asks. Answers NULL, or what is wrong with the set, a sentence; `keys` may then hold some. A key's own `alg`
 * narrows `algorithms`. */
const char *jwks_read(struct str json, unsigned algorithms, struct jwt_keys *keys)
    __attribute__((warn_unused_result));
