/* SPDX-License-Identifier: MIT
 *
 * Keys of tokens: made from bytes, and asked about signatures (RFC 7518 section 3).
 *
 *   jwt_keys_add_*() make a key and refuse a weak one; a PEM file goes by mbedTLS's parser, and an EC key in
 *   it on to jwt_keys_add_ec(), so that each type is held in one way;
 *   jwt_keys_verify() finds the keys that fit the algorithm and the id; verify_one() asks each.
 *
 * r and s of an ECDSA signature are read as numbers: no DER is written. What a signature's length must be is
 * checked first. HMACs are compared in constant time.
 */
#include "gateway/jwt_keys.h"

#include <assert.h>

#include <mbedtls/constant_time.h>
#include <mbedtls/ecdsa.h>
#include <mbedtls/ecp.h>
#include <mbedtls/md.h>
#include <mbedtls/pk.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/rsa.h>

#include "common/mem.h"

#define RSA_BYTES_MIN 256
#define RSA_BYTES_MAX 1024
#define EXPONENT_BYTES_MAX 8
#define HASH_BYTES_MAX 64
#define POINT_BYTES_MAX 133
#define TRIES_MAX 4

struct jwt_key {
    struct jwt_key *next; /* jwt_keys::first */
    struct str id;        /* owned; absent: any */
    struct str secret;    /* owned; of JWT_KEY_SECRET */
    enum jwt_key_type type;
    unsigned algorithms;
    mbedtls_pk_context rsa;
    mbedtls_ecp_group curve;
    mbedtls_ecp_point point;
};

static const struct {
    struct str name;
    enum jwt_key_type type;
    mbedtls_md_type_t hash;
    size_t hash_bytes;
    size_t coordinate_bytes; /* of its curve */
} algorithms[] = {
    [JWT_HS256] = {{"HS256", 5}, JWT_KEY_SECRET, MBEDTLS_MD_SHA256, 32, 0},
    [JWT_HS384] = {{"HS384", 5}, JWT_KEY_SECRET, MBEDTLS_MD_SHA384, 48, 0},
    [JWT_HS512] = {{"HS512", 5}, JWT_KEY_SECRET, MBEDTLS_MD_SHA512, 64, 0},
    [JWT_RS256] = {{"RS256", 5}, JWT_KEY_RSA, MBEDTLS_MD_SHA256, 32, 0},
    [JWT_RS384] = {{"RS384", 5}, JWT_KEY_RSA, MBEDTLS_MD_SHA384, 48, 0},
    [JWT_RS512] = {{"RS512", 5}, JWT_KEY_RSA, MBEDTLS_MD_SHA512, 64, 0},
    [JWT_PS256] = {{"PS256", 5}, JWT_KEY_RSA, MBEDTLS_MD_SHA256, 32, 0},
    [JWT_PS384] = {{"PS384", 5}, JWT_KEY_RSA, MBEDTLS_MD_SHA384, 48, 0},
    [JWT_PS512] = {{"PS512", 5}, JWT_KEY_RSA, MBEDTLS_MD_SHA512, 64, 0},
    [JWT_ES256] = {{"ES256", 5}, JWT_KEY_EC, MBEDTLS_MD_SHA256, 32, 32},
    [JWT_ES384] = {{"ES384", 5}, JWT_KEY_EC, MBEDTLS_MD_SHA384, 48, 48},
    [JWT_ES512] = {{"ES512", 5}, JWT_KEY_EC, MBEDTLS_MD_SHA512, 64, 66},
};

/* SubjectPublicKeyInfo of a key on that curve is this, and then the point (RFC 5480). */
static const struct {
    enum jwt_algorithm algorithm;
    mbedtls_ecp_group_id id;
    struct str head;
} curves[] = {
    {JWT_ES256,
     MBEDTLS_ECP_DP_SECP256R1,
     {"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
      "\x03\x42\x00",
      26}},
    {JWT_ES384,
     MBEDTLS_ECP_DP_SECP384R1,
     {"\x30\x76\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22\x03\x62"
      "\x00",
      23}},
    {JWT_ES512,
     MBEDTLS_ECP_DP_SECP521R1,
     {"\x30\x81\x9b\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x23\x03\x81"
      "\x86\x00",
      25}},
};

const char *jwt_algorithm_name(enum jwt_algorithm algorithm)
{
    return algorithms[algorithm].name.at;
}

enum jwt_algorithm jwt_algorithm_of(struct str name)
{
    unsigned algorithm = 0;
    while (algorithm < JWT_ALGORITHMS && !str_equal(algorithms[algorithm].name, name)) {
        algorithm++;
    }
    return (enum jwt_algorithm)algorithm;
}

size_t jwt_secret_bytes_min(enum jwt_algorithm algorithm)
{
    return algorithms[algorithm].type == JWT_KEY_SECRET ? algorithms[algorithm].hash_bytes : 0;
}

/* ---- life ---- */

void jwt_keys_init(struct jwt_keys *keys)
{
    *keys = (struct jwt_keys){.end = &keys->first};
}

static struct str copy(struct str text)
{
    return text.at == NULL ? text : (struct str){mem_strndup(text.at, text.len), text.len};
}

static struct jwt_key *create_key(enum jwt_key_type type, struct str id, unsigned allowed)
{
    struct jwt_key *key = mem_zalloc(sizeof *key);
    key->type = type;
    key->id = copy(id);
    key->algorithms = allowed;
    mbedtls_pk_init(&key->rsa);
    mbedtls_ecp_group_init(&key->curve);
    mbedtls_ecp_point_init(&key->point);
    return key;
}

static void destroy_key(struct jwt_key *key)
{
    if (key->secret.at != NULL) {
        mbedtls_platform_zeroize((char *)key->secret.at, key->secret.len);
    }
    mbedtls_pk_free(&key->rsa);
    mbedtls_ecp_group_free(&key->curve);
    mbedtls_ecp_point_free(&key->point);
    mem_free((char *)key->secret.at);
    mem_free((char *)key->id.at);
    mem_free(key);
}

void jwt_keys_finish(struct jwt_keys *keys)
{
    while (keys->first != NULL) {
        struct jwt_key *key = keys->first;
        keys->first = key->next;
        destroy_key(key);
    }
    jwt_keys_init(keys);
}

/* The key is the set's, or destroyed and what is wrong answered. */
static const char *take_key(struct jwt_keys *keys, struct jwt_key *key, const char *wrong)
{
    if (wrong == NULL && keys->count == JWT_KEYS_MAX) {
        wrong = "there are more than 64 keys";
    }
    if (wrong == NULL && key->id.len > JWT_KEY_ID_BYTES_MAX) {
        wrong = "a key's id is longer than 256 bytes";
    }
    for (const struct jwt_key *other = keys->first; wrong == NULL && other != NULL;
         other = other->next) {
        if (key->id.at != NULL && other->id.at != NULL && str_equal(key->id, other->id)) {
            wrong = "two keys have the same id";
        } else if ((key->type == JWT_KEY_SECRET) != (other->type == JWT_KEY_SECRET)) {
            wrong = "secrets and public keys stand together";
        }
    }
    if (wrong != NULL) {
        destroy_key(key);
        return wrong;
    }
    *keys->end = key;
    keys->end = &key->next;
    keys->count++;
    return NULL;
}

/* ---- making keys ---- */

/* Of those that are asked for, what fits the type: and, of a curve, its one algorithm. */
static unsigned of_type(enum jwt_key_type type, size_t coordinate_bytes, unsigned asked)
{
    unsigned fitting = 0;
    for (unsigned i = 0; i < JWT_ALGORITHMS; i++) {
        if (algorithms[i].type == type &&
            (type != JWT_KEY_EC || algorithms[i].coordinate_bytes == coordinate_bytes)) {
            fitting |= 1u << i;
        }
    }
    return fitting & asked;
}

const char *jwt_keys_add_secret(struct jwt_keys *keys, struct str id, struct str secret,
                                unsigned asked)
{
    struct jwt_key *key = create_key(JWT_KEY_SECRET, id, of_type(JWT_KEY_SECRET, 0, asked));
    const char *wrong = NULL;
    key->secret = copy(secret);
    for (unsigned i = 0; i < JWT_ALGORITHMS; i++) {
        if ((key->algorithms & 1u << i) != 0 &&
            secret.len < jwt_secret_bytes_min((enum jwt_algorithm)i)) {
            wrong = i == JWT_HS256   ? "the secret is too short: HS256 needs 32 bytes at least"
                    : i == JWT_HS384 ? "the secret is too short: HS384 needs 48 bytes at least"
                                     : "the secret is too short: HS512 needs 64 bytes at least";
            break;
        }
    }
    return take_key(keys, key, wrong);
}

static const char *judge_rsa(const mbedtls_rsa_context *rsa)
{
    unsigned char exponent[EXPONENT_BYTES_MAX];
    bool is_big = false;
    if (mbedtls_rsa_get_len(rsa) < RSA_BYTES_MIN) {
        return "an RSA key has less than 2048 bits";
    }
    if (mbedtls_rsa_get_len(rsa) > RSA_BYTES_MAX) {
        return "an RSA key has more than 8192 bits";
    }
    if (mbedtls_rsa_export_raw(rsa, NULL, 0, NULL, 0, NULL, 0, NULL, 0, exponent,
                               sizeof exponent) != 0) {
        return "an RSA key's exponent is too large";
    }
    for (size_t i = 0; i + 1 < sizeof exponent; i++) {
        is_big = is_big || exponent[i] != 0;
    }
    if ((exponent[sizeof exponent - 1] & 1) == 0 ||
        (!is_big && exponent[sizeof exponent - 1] < 3)) {
        return "an RSA key's exponent is even or 1";
    }
    return NULL;
}

const char *jwt_keys_add_rsa(struct jwt_keys *keys, struct str id, struct str modulus,
                             struct str exponent, unsigned asked)
{
    struct jwt_key *key = create_key(JWT_KEY_RSA, id, of_type(JWT_KEY_RSA, 0, asked));
    const char *wrong = "an RSA key's numbers make no key";
    int code = mbedtls_pk_setup(&key->rsa, mbedtls_pk_info_from_type(MBEDTLS_PK_RSA));
    assert(code == 0);
    (void)code;
    mbedtls_rsa_context *rsa = mbedtls_pk_rsa(key->rsa);
    if (modulus.len <= RSA_BYTES_MAX && exponent.len <= EXPONENT_BYTES_MAX &&
        mbedtls_rsa_import_raw(rsa, (const unsigned char *)modulus.at, modulus.len, NULL, 0, NULL,
                               0, NULL, 0, (const unsigned char *)exponent.at, exponent.len) == 0 &&
        mbedtls_rsa_complete(rsa) == 0 && mbedtls_rsa_check_pubkey(rsa) == 0) {
        wrong = judge_rsa(rsa);
    }
    return take_key(keys, key, wrong);
}

const char *jwt_keys_add_ec(struct jwt_keys *keys, struct str id, struct str point, unsigned asked)
{
    for (size_t i = 0; i < MEM_COUNT(curves); i++) {
        size_t bytes = algorithms[curves[i].algorithm].coordinate_bytes;
        if (point.len != 1 + 2 * bytes || point.at[0] != 0x04) {
            continue;
        }
        struct jwt_key *key = create_key(JWT_KEY_EC, id, of_type(JWT_KEY_EC, bytes, asked));
        const char *wrong = NULL;
        if (mbedtls_ecp_group_load(&key->curve, curves[i].id) != 0 ||
            mbedtls_ecp_point_read_binary(&key->curve, &key->point, (const unsigned char *)point.at,
                                          point.len) != 0 ||
            mbedtls_ecp_check_pubkey(&key->curve, &key->point) != 0) {
            wrong = "an EC key's point is not on its curve";
        }
        return take_key(keys, key, wrong);
    }
    return "an EC key's curve is not P-256, P-384 or P-521";
}

/* The parsed key's SubjectPublicKeyInfo is of one of our curves: its point. */
static struct str point_of(mbedtls_pk_context *pk, unsigned char *room, size_t size)
{
    int len = mbedtls_pk_write_pubkey_der(pk, room, size); /* at the end of `room` */
    struct str info = {(const char *)room + size - (len < 0 ? 0 : len), len < 0 ? 0 : (size_t)len};
    for (size_t i = 0; i < MEM_COUNT(curves); i++) {
        if (str_starts(info, curves[i].head)) {
            return (struct str){info.at + curves[i].head.len, info.len - curves[i].head.len};
        }
    }
    return STR("");
}

const char *jwt_keys_add_pem(struct jwt_keys *keys, struct str pem, unsigned asked)
{
    const struct str no_id = {NULL, 0};
    unsigned char room[2 * POINT_BYTES_MAX];
    mbedtls_pk_context pk;
    char *text = mem_strndup(pem.at, pem.len); /* the parser wants its NUL counted */
    mbedtls_pk_init(&pk);
    int code = mbedtls_pk_parse_public_key(&pk, (const unsigned char *)text, pem.len + 1);
    const char *wrong = NULL;
    mem_free(text);
    if (code != 0) {
        wrong = "it is no public key in PEM (\"-----BEGIN PUBLIC KEY-----\")";
    } else if (mbedtls_pk_get_type(&pk) == MBEDTLS_PK_RSA) {
        struct jwt_key *key = create_key(JWT_KEY_RSA, no_id, of_type(JWT_KEY_RSA, 0, asked));
        key->rsa = pk; /* moves */
        return take_key(keys, key, judge_rsa(mbedtls_pk_rsa(key->rsa)));
    } else {
        wrong = jwt_keys_add_ec(keys, no_id, point_of(&pk, room, sizeof room), asked);
    }
    mbedtls_pk_free(&pk);
    return wrong;
}

unsigned jwt_keys_types(const struct jwt_keys *keys)
{
    unsigned types = 0;
    for (const struct jwt_key *key = keys->first; key != NULL; key = key->next) {
        types |= 1u << key->type;
    }
    return types;
}

unsigned jwt_keys_algorithms(const struct jwt_keys *keys)
{
    unsigned all = 0;
    for (const struct jwt_key *key = keys->first; key != NULL; key = key->next) {
        all |= key->algorithms;
    }
    return all;
}

/* ---- signatures ---- */

static bool verify_secret(const struct jwt_key *key, enum jwt_algorithm algorithm,
                          struct str signed_bytes, struct str signature)
{
    unsigned char mac[HASH_BYTES_MAX];
    size_t len = algorithms[algorithm].hash_bytes;
    int code = mbedtls_md_hmac(mbedtls_md_info_from_type(algorithms[algorithm].hash),
                               (const unsigned char *)key->secret.at, key->secret.len,
                               (const unsigned char *)signed_bytes.at, signed_bytes.len, mac);
    return code == 0 && signature.len == len && mbedtls_ct_memcmp(mac, signature.at, len) == 0;
}

static bool verify_rsa(struct jwt_key *key, enum jwt_algorithm algorithm, const unsigned char *hash,
                       struct str signature)
{
    mbedtls_md_type_t type = algorithms[algorithm].hash;
    size_t len = algorithms[algorithm].hash_bytes;
    const unsigned char *bytes = (const unsigned char *)signature.at;
    if (signature.len != mbedtls_rsa_get_len(mbedtls_pk_rsa(key->rsa))) {
        return false;
    }
    if (algorithm < JWT_PS256) {
        return mbedtls_pk_verify(&key->rsa, type, hash, len, bytes, signature.len) == 0;
    }
    const mbedtls_pk_rsassa_pss_options options = {type, (int)len}; /* RFC 7518 3.5 */
    return mbedtls_pk_verify_ext(MBEDTLS_PK_RSASSA_PSS, &options, &key->rsa, type, hash, len, bytes,
                                 signature.len) == 0;
}

static bool verify_ec(struct jwt_key *key, enum jwt_algorithm algorithm, const unsigned char *hash,
                      struct str signature)
{
    size_t half = algorithms[algorithm].coordinate_bytes;
    const unsigned char *bytes = (const unsigned char *)signature.at;
    mbedtls_mpi r, s;
    if (signature.len != 2 * half) {
        return false;
    }
    mbedtls_mpi_init(&r);
    mbedtls_mpi_init(&s);
    bool is_right = mbedtls_mpi_read_binary(&r, bytes, half) == 0 &&
                    mbedtls_mpi_read_binary(&s, bytes + half, half) == 0 &&
                    mbedtls_ecdsa_verify(&key->curve, hash, algorithms[algorithm].hash_bytes,
                                         &key->point, &r, &s) == 0;
    mbedtls_mpi_free(&r);
    mbedtls_mpi_free(&s);
    return is_right;
}

static bool verify_one(struct jwt_key *key, enum jwt_algorithm algorithm, struct str signed_bytes,
                       struct str signature)
{
    unsigned char hash[HASH_BYTES_MAX];
    if (key->type == JWT_KEY_SECRET) {
        return verify_secret(key, algorithm, signed_bytes, signature);
    }
    if (mbedtls_md(mbedtls_md_info_from_type(algorithms[algorithm].hash),
                   (const unsigned char *)signed_bytes.at, signed_bytes.len, hash) != 0) {
        return false;
    }
    return key->type == JWT_KEY_RSA ? verify_rsa(key, algorithm, hash, signature)
                                    : verify_ec(key, algorithm, hash, signature);
}

bool jwt_keys_verify(const struct jwt_keys *keys, enum jwt_algorithm algorithm, struct str id,
                     struct str signed_bytes, struct str signature, bool *out_has_key)
{
    unsigned tries = 0;
    *out_has_key = false;
    for (struct jwt_key *key = keys->first; key != NULL && tries < TRIES_MAX; key = key->next) {
        bool fits = (key->algorithms & 1u << algorithm) != 0 &&
                    (id.at == NULL || key->id.at == NULL || str_equal(id, key->id));
        if (!fits) {
            continue;
        }
        tries++;
        *out_has_key = true;
        if (verify_one(key, algorithm, signed_bytes, signature)) {
            return true;
        }
    }
    return false;
}
