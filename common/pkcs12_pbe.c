/* SPDX-License-Identifier: MIT
 *
 * Keys out of passwords, and what they open.
 *
 *   - pbe_decrypt() finds the scheme by its identifier: open_pkcs12() for the schemes of PKCS#12, open_pbes2() for
 *     PBES2; both derive, then open_cbc();
 *   - derive_pkcs12() is RFC 7292 appendix B.2, derive_pbkdf2() RFC 8018 5.2, both over mbedTLS's hashes (which has
 *     them too, but for passwords of 31 letters, and in other names in each version);
 *   - every iteration is taken from the password's account first, so that a file cannot ask for hours.
 */
#include "common/pkcs12_pbe.h"

#include <mbedtls/cipher.h>
#include <mbedtls/md.h>
#include <mbedtls/platform_util.h>

#include "common/mem.h"
#include "common/rc2.h"

#define KEY_BYTES_MAX 64u
#define SALT_BYTES_MAX 1024u
#define PASSWORD_BYTES_MAX 1024u

enum purpose { PURPOSE_KEY = 1, PURPOSE_IV = 2, PURPOSE_MAC = 3 };

#define OID_PKCS "\x2a\x86\x48\x86\xf7\x0d"        /* 1.2.840.113549 */
#define OID_AES "\x60\x86\x48\x01\x65\x03\x04\x01" /* 2.16.840.1.101.3.4.1 */
#define OID_SHA2 "\x60\x86\x48\x01\x65\x03\x04\x02"

struct hash {
    struct str oid;
    mbedtls_md_type_t type;
};

static const struct hash digests[] = {
    {{"\x2b\x0e\x03\x02\x1a", 5}, MBEDTLS_MD_SHA1}, {{OID_SHA2 "\x01", 9}, MBEDTLS_MD_SHA256},
    {{OID_SHA2 "\x02", 9}, MBEDTLS_MD_SHA384},      {{OID_SHA2 "\x03", 9}, MBEDTLS_MD_SHA512},
    {{OID_SHA2 "\x04", 9}, MBEDTLS_MD_SHA224},      {{NULL, 0}, MBEDTLS_MD_NONE},
};

static const struct hash hmacs[] = {
    {{OID_PKCS "\x02\x07", 8}, MBEDTLS_MD_SHA1},   {{OID_PKCS "\x02\x08", 8}, MBEDTLS_MD_SHA224},
    {{OID_PKCS "\x02\x09", 8}, MBEDTLS_MD_SHA256}, {{OID_PKCS "\x02\x0a", 8}, MBEDTLS_MD_SHA384},
    {{OID_PKCS "\x02\x0b", 8}, MBEDTLS_MD_SHA512}, {{NULL, 0}, MBEDTLS_MD_NONE},
};

/* What is decrypted with. */
struct cipher {
    struct str oid;
    mbedtls_cipher_type_t type; /* NONE: RC2 */
    size_t key_bytes;
    size_t iv_bytes;
};

static const struct cipher pkcs12_schemes[] = {
    {{OID_PKCS "\x01\x0c\x01\x03", 10}, MBEDTLS_CIPHER_DES_EDE3_CBC, 24, 8},
    {{OID_PKCS "\x01\x0c\x01\x04", 10}, MBEDTLS_CIPHER_DES_EDE_CBC, 16, 8},
    {{OID_PKCS "\x01\x0c\x01\x05", 10}, MBEDTLS_CIPHER_NONE, 16, 8},
    {{OID_PKCS "\x01\x0c\x01\x06", 10}, MBEDTLS_CIPHER_NONE, 5, 8},
    {{NULL, 0}, MBEDTLS_CIPHER_NONE, 0, 0},
};

static const struct cipher pbes2_ciphers[] = {
    {{OID_AES "\x02", 9}, MBEDTLS_CIPHER_AES_128_CBC, 16, 16},
    {{OID_AES "\x16", 9}, MBEDTLS_CIPHER_AES_192_CBC, 24, 16},
    {{OID_AES "\x2a", 9}, MBEDTLS_CIPHER_AES_256_CBC, 32, 16},
    {{OID_PKCS "\x03\x07", 8}, MBEDTLS_CIPHER_DES_EDE3_CBC, 24, 8},
    {{NULL, 0}, MBEDTLS_CIPHER_NONE, 0, 0},
};

#define PBES2 ((struct str){OID_PKCS "\x01\x05\x0d", 9})
#define PBKDF2 ((struct str){OID_PKCS "\x01\x05\x0c", 9})

static const mbedtls_md_info_t *find_hash(const struct hash *table, const struct der *oid)
{
    while (table->oid.at != NULL && !der_is(oid, table->oid)) {
        table++;
    }
    return table->oid.at == NULL ? NULL : mbedtls_md_info_from_type(table->type);
}

static const struct cipher *find_cipher(const struct cipher *table, const struct der *oid)
{
    while (table->oid.at != NULL && !der_is(oid, table->oid)) {
        table++;
    }
    return table->oid.at == NULL ? NULL : table;
}

/* The identifier in dots, for people to look up. */
static enum pkcs12_result fail_unknown(const struct der *oid, struct buf *what)
{
    uint64_t number = 0;
    buf_append_text(what, "algorithm ");
    for (size_t i = 0; i < oid->len && i < 32; i++) {
        number = (number & (UINT64_MAX >> 8)) << 7 | (oid->at[i] & 0x7f);
        if ((oid->at[i] & 0x80) != 0) {
            continue;
        }
        if (i == 0) {
            buf_append_format(what, "%u.%u", oid->at[0] / 40u, oid->at[0] % 40u);
        } else {
            buf_append_byte(what, '.');
            buf_append_u64(what, number);
        }
        number = 0;
    }
    return PKCS12_UNSUPPORTED;
}

void pbe_wipe(struct buf *secret)
{
    if (secret->data != NULL) {
        mbedtls_platform_zeroize(secret->data, secret->cap);
    }
    buf_finish(secret);
}

/* ---- the password ---- */

static void put_unit(struct buf *out, uint32_t unit)
{
    buf_append_byte(out, (uint8_t)(unit >> 8));
    buf_append_byte(out, (uint8_t)unit);
}

static void put_utf16(struct buf *out, uint32_t code)
{
    if (code >= 0x10000) {
        put_unit(out, 0xd800 + ((code - 0x10000) >> 10));
        put_unit(out, 0xdc00 + ((code - 0x10000) & 0x3ff));
    } else {
        put_unit(out, code);
    }
}

/* One character off *text; false when it is none. Overlong forms do not matter here: the MAC decides. */
static bool take_utf8(struct str *text, uint32_t *out)
{
    uint8_t first = (uint8_t)text->at[0];
    size_t more = first < 0x80 ? 0 : first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    uint32_t code = more == 0 ? first : first & (0x3fu >> more);
    if ((first >= 0x80 && first < 0xc0) || first >= 0xf8 || text->len <= more) {
        return false;
    }
    for (size_t i = 1; i <= more; i++) {
        uint8_t byte = (uint8_t)text->at[i];
        if ((byte & 0xc0) != 0x80) {
            return false;
        }
        code = code << 6 | (byte & 0x3f);
    }
    text->at += more + 1;
    text->len -= more + 1;
    *out = code;
    return code <= 0x10ffff;
}

enum pkcs12_result pbe_password_init(struct pbe_password *password, struct str utf8,
                                     uint32_t iterations)
{
    struct str rest = utf8;
    uint32_t code;
    *password = (struct pbe_password){.utf8 = utf8, .iterations_left = iterations};
    if (utf8.len > PASSWORD_BYTES_MAX) {
        return PKCS12_TOO_MUCH;
    }
    (void)buf_reserve(&password->bmp, 2 * utf8.len + 2); /* never moved: no copy is left behind */
    while (rest.len > 0) {
        if (!take_utf8(&rest, &code)) {
            return PKCS12_MALFORMED;
        }
        put_utf16(&password->bmp, code);
    }
    put_unit(&password->bmp, 0);
    return PKCS12_RIGHT;
}

void pbe_password_finish(struct pbe_password *password)
{
    pbe_wipe(&password->bmp);
}

static enum pkcs12_result spend(struct pbe_password *password, uint32_t iterations)
{
    if (iterations == 0) {
        return PKCS12_MALFORMED;
    }
    if (iterations > password->iterations_left) {
        return PKCS12_TOO_MUCH;
    }
    password->iterations_left -= iterations;
    return PKCS12_RIGHT;
}

/* ---- derivation ---- */

/* As many bytes of `bytes`, again and again, as fill whole blocks; none of nothing. */
static void put_repeated(struct buf *out, const void *bytes, size_t len, size_t block)
{
    size_t wanted = (len + block - 1) / block * block;
    for (size_t i = 0; i < wanted; i++) {
        buf_append_byte(out, ((const uint8_t *)bytes)[i % len]);
    }
}

/* B.2 step 6 C: each block of `input` becomes itself + `digest` repeated + 1. */
static void add_digest(struct buf *input, const uint8_t *digest, size_t digest_bytes, size_t block)
{
    for (size_t at = 0; at < input->len; at += block) {
        unsigned carry = 1;
        for (size_t i = block; i-- > 0;) {
            carry += (unsigned)input->data[at + i] + digest[i % digest_bytes];
            input->data[at + i] = (uint8_t)carry;
            carry >>= 8;
        }
    }
}

static size_t block_of(const mbedtls_md_info_t *info)
{
    return mbedtls_md_get_size(info) > 32 ? 128 : 64;
}

static enum pkcs12_result derive_pkcs12(struct pbe_password *password,
                                        const mbedtls_md_info_t *info, enum purpose purpose,
                                        struct der salt, uint32_t iterations, uint8_t *out,
                                        size_t len)
{
    uint8_t digest[MBEDTLS_MD_MAX_SIZE], purposes[128];
    size_t block = block_of(info), digest_bytes = mbedtls_md_get_size(info);
    struct buf input = {0};
    memset(purposes, (int)purpose, sizeof(purposes));
    (void)buf_reserve(&input, password->bmp.len + salt.len + 3 * block);
    put_repeated(&input, salt.at, salt.len, block);
    put_repeated(&input, password->bmp.data, password->bmp.len, block);
    enum pkcs12_result result = PKCS12_RIGHT;
    while (len > 0 && result == PKCS12_RIGHT) {
        mbedtls_md_context_t context;
        mbedtls_md_init(&context);
        result = spend(password, iterations);
        int code = mbedtls_md_setup(&context, info, 0);
        code = code != 0 ? code : mbedtls_md_starts(&context);
        code = code != 0 ? code : mbedtls_md_update(&context, purposes, block);
        code = code != 0 ? code : mbedtls_md_update(&context, input.data, input.len);
        code = code != 0 ? code : mbedtls_md_finish(&context, digest);
        mbedtls_md_free(&context);
        for (uint32_t i = 1; i < iterations && code == 0 && result == PKCS12_RIGHT; i++) {
            code = mbedtls_md(info, digest, digest_bytes, digest);
        }
        result = code != 0 ? PKCS12_UNSUPPORTED : result;
        size_t part = len < digest_bytes ? len : digest_bytes;
        memcpy(out, digest, part);
        out += part;
        len -= part;
        add_digest(&input, digest, digest_bytes, block);
    }
    mbedtls_platform_zeroize(digest, sizeof(digest));
    pbe_wipe(&input);
    return result;
}

/* One block of PBKDF2's output. */
static int fold_block(mbedtls_md_context_t *context, struct der salt, uint32_t number,
                      uint32_t iterations, uint8_t *out, size_t digest_bytes)
{
    uint8_t step[MBEDTLS_MD_MAX_SIZE];
    const uint8_t index[4] = {(uint8_t)(number >> 24), (uint8_t)(number >> 16),
                              (uint8_t)(number >> 8), (uint8_t)number};
    int code = mbedtls_md_hmac_update(context, salt.at, salt.len);
    code = code != 0 ? code : mbedtls_md_hmac_update(context, index, sizeof(index));
    code = code != 0 ? code : mbedtls_md_hmac_finish(context, step);
    memcpy(out, step, digest_bytes);
    for (uint32_t i = 1; i < iterations && code == 0; i++) {
        code = mbedtls_md_hmac_reset(context);
        code = code != 0 ? code : mbedtls_md_hmac_update(context, step, digest_bytes);
        code = code != 0 ? code : mbedtls_md_hmac_finish(context, step);
        for (size_t j = 0; j < digest_bytes; j++) {
            out[j] ^= step[j];
        }
    }
    mbedtls_platform_zeroize(step, sizeof(step));
    return code;
}

static enum pkcs12_result derive_pbkdf2(struct pbe_password *password,
                                        const mbedtls_md_info_t *info, struct der salt,
                                        uint32_t iterations, uint8_t *out, size_t len)
{
    uint8_t block[MBEDTLS_MD_MAX_SIZE];
    size_t digest_bytes = mbedtls_md_get_size(info);
    enum pkcs12_result result = PKCS12_RIGHT;
    mbedtls_md_context_t context;
    mbedtls_md_init(&context);
    int code = mbedtls_md_setup(&context, info, 1);
    for (uint32_t number = 1; len > 0 && result == PKCS12_RIGHT; number++) {
        result = spend(password, iterations);
        if (result != PKCS12_RIGHT) {
            break;
        }
        code = code != 0 ? code
                         : mbedtls_md_hmac_starts(&context, (const uint8_t *)password->utf8.at,
                                                  password->utf8.len);
        code =
            code != 0 ? code : fold_block(&context, salt, number, iterations, block, digest_bytes);
        result = code != 0 ? PKCS12_UNSUPPORTED : PKCS12_RIGHT;
        size_t part = len < digest_bytes ? len : digest_bytes;
        memcpy(out, block, code != 0 ? 0 : part);
        out += part;
        len -= part;
    }
    mbedtls_platform_zeroize(block, sizeof(block));
    mbedtls_md_free(&context);
    return result;
}

/* ---- decryption ---- */

/* Takes PKCS#7's padding off; false when there is none: the key was wrong. */
static bool take_padding(struct buf *plain, size_t from, size_t block)
{
    size_t count = plain->len > from ? plain->data[plain->len - 1] : 0;
    if (count == 0 || count > block || count > plain->len - from) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (plain->data[plain->len - 1 - i] != count) {
            return false;
        }
    }
    plain->len -= count;
    return true;
}

static int run_cipher(const struct cipher *cipher, const uint8_t *key, const uint8_t *iv,
                      uint8_t *bytes, size_t len)
{
    mbedtls_cipher_context_t context;
    size_t done = 0, last = 0;
    struct buf out = {0};
    mbedtls_cipher_init(&context);
    int code = mbedtls_cipher_setup(&context, mbedtls_cipher_info_from_type(cipher->type));
    code = code != 0 ? code
                     : mbedtls_cipher_setkey(&context, key, (int)(8 * cipher->key_bytes),
                                             MBEDTLS_DECRYPT);
    code = code != 0 ? code : mbedtls_cipher_set_padding_mode(&context, MBEDTLS_PADDING_NONE);
    code = code != 0 ? code : mbedtls_cipher_set_iv(&context, iv, cipher->iv_bytes);
    code = code != 0 ? code : mbedtls_cipher_reset(&context);
    code = code != 0
               ? code
               : mbedtls_cipher_update(&context, bytes, len, buf_reserve(&out, len + 32), &done);
    code = code != 0 ? code : mbedtls_cipher_finish(&context, out.data + done, &last);
    if (code == 0 && done + last == len) {
        memcpy(bytes, out.data, len);
    } else {
        code = code == 0 ? -1 : code;
    }
    pbe_wipe(&out);
    mbedtls_cipher_free(&context);
    return code;
}

static enum pkcs12_result open_cbc(const struct cipher *cipher, const uint8_t *key,
                                   const uint8_t *iv, struct der sealed, struct buf *out)
{
    size_t from = out->len;
    if (sealed.len == 0 || sealed.len % cipher->iv_bytes != 0) {
        return PKCS12_MALFORMED;
    }
    buf_append(out, sealed.at, sealed.len);
    if (cipher->type == MBEDTLS_CIPHER_NONE) {
        rc2_decrypt_cbc(key, cipher->key_bytes, (unsigned)(8 * cipher->key_bytes), iv,
                        out->data + from, sealed.len);
    } else if (run_cipher(cipher, key, iv, out->data + from, sealed.len) != 0) {
        return PKCS12_UNSUPPORTED;
    }
    return take_padding(out, from, cipher->iv_bytes) ? PKCS12_RIGHT : PKCS12_PASSWORD;
}

static enum pkcs12_result open_pkcs12(struct pbe_password *password, const struct cipher *cipher,
                                      struct der parameters, struct der sealed, struct buf *out)
{
    const mbedtls_md_info_t *sha1 = mbedtls_md_info_from_type(MBEDTLS_MD_SHA1);
    uint8_t key[KEY_BYTES_MAX], iv[16];
    struct der inner, salt;
    uint32_t iterations;
    if (!der_take(&parameters, DER_SEQUENCE, &inner) ||
        !der_take(&inner, DER_OCTET_STRING, &salt) || salt.len > SALT_BYTES_MAX ||
        !der_take_number(&inner, &iterations)) {
        return PKCS12_MALFORMED;
    }
    enum pkcs12_result result =
        derive_pkcs12(password, sha1, PURPOSE_KEY, salt, iterations, key, cipher->key_bytes);
    if (result == PKCS12_RIGHT) {
        result = derive_pkcs12(password, sha1, PURPOSE_IV, salt, iterations, iv, cipher->iv_bytes);
    }
    if (result == PKCS12_RIGHT) {
        result = open_cbc(cipher, key, iv, sealed, out);
    }
    mbedtls_platform_zeroize(key, sizeof(key));
    return result;
}

struct kdf {
    const mbedtls_md_info_t *hash;
    struct der salt;
    uint32_t iterations;
};

/* PBKDF2-params; the hash is HMAC-SHA-1 unless said. */
static enum pkcs12_result read_kdf(struct der algorithm, struct kdf *kdf, struct buf *what)
{
    struct der oid, parameters, prf, hash;
    uint32_t key_bytes;
    if (!der_take(&algorithm, DER_OID, &oid)) {
        return PKCS12_MALFORMED;
    }
    if (!der_is(&oid, PBKDF2)) {
        return fail_unknown(&oid, what);
    }
    if (!der_take(&algorithm, DER_SEQUENCE, &parameters) ||
        !der_take(&parameters, DER_OCTET_STRING, &kdf->salt) || kdf->salt.len > SALT_BYTES_MAX ||
        !der_take_number(&parameters, &kdf->iterations)) {
        return PKCS12_MALFORMED;
    }
    if (der_next_is(&parameters, DER_INTEGER) && !der_take_number(&parameters, &key_bytes)) {
        return PKCS12_MALFORMED; /* the cipher's own length holds */
    }
    kdf->hash = mbedtls_md_info_from_type(MBEDTLS_MD_SHA1);
    if (der_take(&parameters, DER_SEQUENCE, &prf)) {
        if (!der_take(&prf, DER_OID, &hash)) {
            return PKCS12_MALFORMED;
        }
        kdf->hash = find_hash(hmacs, &hash);
        if (kdf->hash == NULL) {
            return fail_unknown(&hash, what);
        }
    }
    return PKCS12_RIGHT;
}

static enum pkcs12_result open_pbes2(struct pbe_password *password, struct der parameters,
                                     struct der sealed, struct buf *out, struct buf *what)
{
    uint8_t key[KEY_BYTES_MAX];
    struct der inner, kdf_algorithm, scheme, oid, iv;
    struct kdf kdf = {0};
    if (!der_take(&parameters, DER_SEQUENCE, &inner) ||
        !der_take(&inner, DER_SEQUENCE, &kdf_algorithm) ||
        !der_take(&inner, DER_SEQUENCE, &scheme) || !der_take(&scheme, DER_OID, &oid)) {
        return PKCS12_MALFORMED;
    }
    enum pkcs12_result result = read_kdf(kdf_algorithm, &kdf, what);
    if (result != PKCS12_RIGHT) {
        return result;
    }
    const struct cipher *cipher = find_cipher(pbes2_ciphers, &oid);
    if (cipher == NULL) {
        return fail_unknown(&oid, what);
    }
    if (!der_take(&scheme, DER_OCTET_STRING, &iv) || iv.len != cipher->iv_bytes) {
        return PKCS12_MALFORMED;
    }
    result = derive_pbkdf2(password, kdf.hash, kdf.salt, kdf.iterations, key, cipher->key_bytes);
    if (result == PKCS12_RIGHT) {
        result = open_cbc(cipher, key, iv.at, sealed, out);
    }
    mbedtls_platform_zeroize(key, sizeof(key));
    return result;
}

enum pkcs12_result pbe_decrypt(struct pbe_password *password, struct der algorithm,
                               struct der sealed, struct buf *out, struct buf *what)
{
    struct der oid;
    if (!der_take(&algorithm, DER_OID, &oid)) {
        return PKCS12_MALFORMED;
    }
    if (der_is(&oid, PBES2)) {
        return open_pbes2(password, algorithm, sealed, out, what);
    }
    const struct cipher *cipher = find_cipher(pkcs12_schemes, &oid);
    if (cipher == NULL) {
        return fail_unknown(&oid, what);
    }
    return open_pkcs12(password, cipher, algorithm, sealed, out);
}

/* ---- MAC ---- */

static bool is_same(const uint8_t *a, const uint8_t *b, size_t len)
{
    uint8_t difference = 0;
    for (size_t i = 0; i < len; i++) {
        difference |= a[i] ^ b[i];
    }
    return difference == 0;
}

/* Absent, or NULL. */
static bool is_no_parameter(const struct der *rest)
{
    return rest->len == 0 || (rest->len == 2 && rest->at[0] == 0x05 && rest->at[1] == 0);
}

enum pkcs12_result pbe_check_mac(struct pbe_password *password, struct der digest, struct der salt,
                                 uint32_t iterations, struct der mac, struct str bytes,
                                 struct buf *what)
{
    uint8_t key[MBEDTLS_MD_MAX_SIZE], found[MBEDTLS_MD_MAX_SIZE];
    struct der oid;
    if (!der_take(&digest, DER_OID, &oid) || !is_no_parameter(&digest) ||
        salt.len > SALT_BYTES_MAX) {
        return PKCS12_MALFORMED;
    }
    const mbedtls_md_info_t *info = find_hash(digests, &oid);
    if (info == NULL) {
        return fail_unknown(&oid, what);
    }
    size_t len = mbedtls_md_get_size(info);
    enum pkcs12_result result =
        derive_pkcs12(password, info, PURPOSE_MAC, salt, iterations, key, len);
    if (result == PKCS12_RIGHT &&
        (mbedtls_md_hmac(info, key, len, (const uint8_t *)bytes.at, bytes.len, found) != 0 ||
         mac.len != len || !is_same(mac.at, found, len))) {
        result = PKCS12_PASSWORD;
    }
    mbedtls_platform_zeroize(key, sizeof(key));
    return result;
}
