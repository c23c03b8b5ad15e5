/* SPDX-License-Identifier: MIT
 *
 * Keys that tokens are signed with, and what a key says of a signature. The only file that knows mbedTLS's
 * public key functions.
 *
 * A key has a type, and each algorithm is for one type: an RSA key can never be taken for a secret. A key that is
 * weak (RSA below 2048 bits, a point that is not on its curve) is refused when it is added.
 */
#pragma once

#include "common/buf.h"

#define JWT_KEYS_MAX 64 /* of one set */
#define JWT_KEY_ID_BYTES_MAX 256

enum jwt_algorithm { /* RFC 7518 3.1, in the order of jwt_algorithm_name() */
                     JWT_HS256,
                     JWT_HS384,
                     JWT_HS512,
                     JWT_RS256,
                     JWT_RS384,
                     JWT_RS512,
                     JWT_PS256,
                     JWT_PS384,
                     JWT_PS512,
                     JWT_ES256,
                     JWT_ES384,
                     JWT_ES512,
                     JWT_ALGORITHMS,
};

#define JWT_ALL_ALGORITHMS ((1u << JWT_ALGORITHMS) - 1)

const char *jwt_algorithm_name(enum jwt_algorithm algorithm);

/* By exactly this name; JWT_ALGORITHMS: it is none. */
enum jwt_algorithm jwt_algorithm_of(struct str name);

enum jwt_key_type { JWT_KEY_SECRET, JWT_KEY_RSA, JWT_KEY_EC };

struct jwt_key;

struct jwt_keys {
    struct jwt_key *first; /* owned, in order */
    struct jwt_key **end;
    size_t count;
};

void jwt_keys_init(struct jwt_keys *keys);
void jwt_keys_finish(struct jwt_keys *keys); /* secrets are wiped */

/* Each adds one key, or answers what is wrong with it, a sentence. `algorithms`: bits of enum jwt_algorithm
 * that it may be used with; those of other types, and for a secret those it is too short for, are the caller's
 * to refuse: jwt_key_algorithms(). `id` may be absent. */
const char *jwt_keys_add_secret(struct jwt_keys *keys, struct str id, struct str secret,
                                unsigned algorithms) __attribute__((warn_unused_result));
const char *jwt_keys_add_rsa(struct jwt_keys *keys, struct str id, struct str modulus,
                             struct str exponent, unsigned algorithms)
    __attribute__((warn_unused_result));

/* `point`: 0x04, x, y, each coordinate of full length; the curve by its length. */
const char *jwt_keys_add_ec(struct jwt_keys *keys, struct str id, struct str point,
                            unsigned algorithms) __attribute__((warn_unused_result));

/* "-----BEGIN PUBLIC KEY-----", RSA or EC. */
const char *jwt_keys_add_pem(struct jwt_keys *keys, struct str pem, unsigned algorithms)
    __attribute__((warn_unused_result));

/* Of all keys together: types, and algorithms each may be used with. */
unsigned jwt_keys_types(const struct jwt_keys *keys); /* bits of enum jwt_key_type */
unsigned jwt_keys_algorithms(const struct jwt_keys *keys);

/* The bytes a secret must have for that algorithm; 0 where it takes none. */
size_t jwt_secret_bytes_min(enum jwt_algorithm algorithm);

/* A key of that algorithm (and of that id, where `id` is there and keys have ids) signed these bytes. At most
 * four keys are tried. *out_has_key: there was one to try. */
bool jwt_keys_verify(const struct jwt_keys *keys, enum jwt_algorithm algorithm, struct str id,
                     struct str signed_bytes, struct str signature, bool *out_has_key)
    __attribute__((warn_unused_result));
