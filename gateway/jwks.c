/* SPDX-License-Identifier: MIT
 *
 * JWK sets (RFC 7517, 7518 section 6) into keys.
 *
 *   jwks_read() walks `keys`; read_key() looks at kty, use, key_ops and alg, and calls a reader of its type, which
 *   decodes the numbers and lets jwt_keys.c judge them.
 *
 * Passed over: keys for encryption, of other types (OKP), on other curves, for algorithms we do not have. A key we
 * should understand and cannot makes the whole set wrong: half a set is a surprise at the next login.
 */
#include "gateway/jwks.h"

#include <jansson.h>

#include "common/mem.h"
#include "gateway/base64url.h"
#include "gateway/json_depth.h"

#define DEPTH_MAX 8

static struct str text_of(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    if (!json_is_string(value)) {
        return (struct str){NULL, 0};
    }
    return (struct str){json_string_value(value), json_string_length(value)};
}

static bool is_odd(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return value != NULL && !json_is_string(value);
}

/* False when the member is missing or no base64url. */
static bool read_bytes(const json_t *jwk, const char *name, struct buf *out)
{
    struct str text = text_of(jwk, name);
    return text.len > 0 && base64url_decode(text, out);
}

static const char *read_secret(struct jwt_keys *keys, const json_t *jwk, struct str id,
                               unsigned allowed)
{
    struct buf secret = {0};
    const char *wrong = "a secret's \"k\" is no base64url";
    if (read_bytes(jwk, "k", &secret)) {
        wrong = jwt_keys_add_secret(keys, id, buf_str(&secret), allowed);
    }
    if (secret.data != NULL) {
        explicit_bzero(secret.data, secret.len);
    }
    buf_finish(&secret);
    return wrong;
}

static const char *read_rsa(struct jwt_keys *keys, const json_t *jwk, struct str id,
                            unsigned allowed)
{
    struct buf modulus = {0}, exponent = {0};
    const char *wrong = "an RSA key's \"n\" or \"e\" is no base64url";
    if (read_bytes(jwk, "n", &modulus) && read_bytes(jwk, "e", &exponent)) {
        wrong = jwt_keys_add_rsa(keys, id, buf_str(&modulus), buf_str(&exponent), allowed);
    }
    buf_finish(&modulus);
    buf_finish(&exponent);
    return wrong;
}

static const struct {
    struct str name;
    size_t bytes; /* of a coordinate */
} curves[] = {{{"P-256", 5}, 32}, {{"P-384", 5}, 48}, {{"P-521", 5}, 66}};

static const char *read_ec(struct jwt_keys *keys, const json_t *jwk, struct str id,
                           unsigned allowed)
{
    struct buf point = {0};
    size_t curve = 0;
    while (curve < MEM_COUNT(curves) && !str_equal(curves[curve].name, text_of(jwk, "crv"))) {
        curve++;
    }
    if (curve == MEM_COUNT(curves)) {
        return NULL; /* one we do not have */
    }
    const char *wrong = "an EC key's \"x\" or \"y\" is no base64url of its curve's length";
    buf_append_byte(&point, 0x04);
    if (read_bytes(jwk, "x", &point) && point.len == 1 + curves[curve].bytes &&
        read_bytes(jwk, "y", &point) && point.len == 1 + 2 * curves[curve].bytes) {
        wrong = jwt_keys_add_ec(keys, id, buf_str(&point), allowed);
    }
    buf_finish(&point);
    return wrong;
}

/* `use` and `key_ops` say signatures, or nothing. */
static bool is_for_signatures(const json_t *jwk)
{
    struct str use = text_of(jwk, "use");
    const json_t *ops = json_object_get(jwk, "key_ops");
    bool verifies = ops == NULL;
    for (size_t i = 0; i < json_array_size(ops); i++) {
        const char *op = json_string_value(json_array_get(ops, i));
        verifies = verifies || (op != NULL && strcmp(op, "verify") == 0);
    }
    return verifies && (use.at == NULL || str_equal(use, STR("sig")));
}

static const char *read_key(struct jwt_keys *keys, const json_t *jwk, unsigned allowed)
{
    struct str kty = text_of(jwk, "kty");
    struct str alg = text_of(jwk, "alg");
    struct str id = text_of(jwk, "kid");
    if (!json_is_object(jwk) || kty.at == NULL) {
        return "a key is no object with a \"kty\"";
    }
    if (is_odd(jwk, "alg") || is_odd(jwk, "kid") || is_odd(jwk, "use")) {
        return "a key's \"alg\", \"kid\" or \"use\" is no text";
    }
    if (alg.at != NULL) {
        enum jwt_algorithm algorithm = jwt_algorithm_of(alg);
        allowed &= algorithm == JWT_ALGORITHMS ? 0 : 1u << algorithm;
    }
    if (!is_for_signatures(jwk) || allowed == 0) {
        return NULL;
    }
    if (str_equal(kty, STR("oct"))) {
        return read_secret(keys, jwk, id, allowed);
    }
    if (str_equal(kty, STR("RSA"))) {
        return read_rsa(keys, jwk, id, allowed);
    }
    return str_equal(kty, STR("EC")) ? read_ec(keys, jwk, id, allowed) : NULL;
}

const char *jwks_read(struct str json, unsigned allowed, struct jwt_keys *keys)
{
    const char *wrong = NULL;
    json_error_t error;
    if (json.len > JWKS_BYTES_MAX || json_depth(json) > DEPTH_MAX) {
        return "it is too large or too deep for a JWK set";
    }
    json_t *set = json_loadb(json.at, json.len, JSON_REJECT_DUPLICATES, &error);
    const json_t *list = json_object_get(set, "keys");
    if (!json_is_array(list)) {
        wrong = "it is no JWK set: JSON with a list \"keys\"";
    }
    for (size_t i = 0; wrong == NULL && i < json_array_size(list); i++) {
        wrong = read_key(keys, json_array_get(list, i), allowed);
    }
    if (wrong == NULL && keys->count == 0) {
        wrong = "no key in it is for signatures of the configured algorithms";
    }
    json_decref(set);
    return wrong;
}
