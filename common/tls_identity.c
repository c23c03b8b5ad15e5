/* SPDX-License-Identifier: MIT
 *
 * A certificate with its key, out of PEM files or a key store.
 *
 *   - tls_identity_load(): read_file() each, parse, then judge(): strong enough, and the key is the certificate's,
 *     which is shown by signing with one and verifying with the other (that also fills what the library computes at
 *     a key's first use, so that handshakes on several threads find it read-only);
 *   - tls_identity_matches() compares a client's wish with the DNS names of the certificate (RFC 6125 6.4.3).
 *
 * Every fault is told with the option that named the file. Key bytes and passwords are wiped where they were read.
 */
#include <errno.h>
#include <mbedtls/error.h>
#include <mbedtls/platform_util.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/mem.h"
#include "common/settings.h"
#include "common/tls_internal.h"

#define FILE_BYTES_MAX (256u << 10)
#define RSA_BITS_MIN 2048u
#define EC_BITS_MIN 256u
#define TAG_DNS_NAME 2u /* of a GeneralName */
#define TAG_NUMBER 0x1fu

int tls_fail(struct tls_fault *fault, const char *option, const char *file, const char *format, ...)
{
    va_list arguments;
    fault->option = option;
    fault->file = file;
    va_start(arguments, format);
    (void)vsnprintf(fault->reason, sizeof(fault->reason), format, arguments);
    va_end(arguments);
    return -1;
}

static int fail_code(struct tls_fault *fault, const char *option, const char *file,
                     const char *what, int code)
{
    char text[128];
    mbedtls_strerror(code, text, sizeof(text));
    return tls_fail(fault, option, file, "%s (%s)", what, text);
}

static void finish_secret(struct buf *secret)
{
    if (secret->data != NULL) {
        mbedtls_platform_zeroize(secret->data, secret->cap);
    }
    buf_finish(secret);
}

/* The whole file, with a NUL behind it that is not counted. */
static int read_file(const char *option, const char *path, struct buf *out, struct tls_fault *fault)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return tls_fail(fault, option, path, "cannot be read: %s", strerror(errno));
    }
    setvbuf(file, NULL, _IONBF, 0); /* no second copy of a key */
    out->len = fread(buf_reserve(out, FILE_BYTES_MAX + 1), 1, FILE_BYTES_MAX, file);
    int code = ferror(file) ? errno : 0;
    (void)fclose(file);
    if (code != 0) {
        return tls_fail(fault, option, path, "cannot be read: %s", strerror(code));
    }
    if (out->len == 0 || out->len == FILE_BYTES_MAX) {
        return tls_fail(fault, option, path, out->len == 0 ? "is empty" : "is too long");
    }
    out->data[out->len] = '\0';
    return 0;
}

/* The file's last newline is not part of the password. */
static int read_password(const char *option, const char *path, struct buf *out,
                         struct tls_fault *fault)
{
    if (path == NULL) {
        return 0;
    }
    if (read_file(option, path, out, fault) < 0) {
        return -1;
    }
    if (out->len > 0 && out->data[out->len - 1] == '\n') {
        out->len--;
    }
    if (out->len > 0 && out->data[out->len - 1] == '\r') {
        out->len--;
    }
    return 0;
}

int tls_parse_key(struct tls_library *library, mbedtls_pk_context *key, const uint8_t *bytes,
                  size_t len, const struct buf *password)
{
    const uint8_t *words = password == NULL ? NULL : password->data;
    size_t words_len = password == NULL ? 0 : password->len;
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    return mbedtls_pk_parse_key(key, bytes, len, words, words_len, mbedtls_ctr_drbg_random,
                                &library->random);
#else
    (void)library;
    return mbedtls_pk_parse_key(key, bytes, len, words, words_len);
#endif
}

static int sign(struct tls_library *library, mbedtls_pk_context *key, const uint8_t hash[32],
                uint8_t signature[MBEDTLS_PK_SIGNATURE_MAX_SIZE], size_t *out_len)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    return mbedtls_pk_sign(key, MBEDTLS_MD_SHA256, hash, 32, signature,
                           MBEDTLS_PK_SIGNATURE_MAX_SIZE, out_len, mbedtls_ctr_drbg_random,
                           &library->random);
#else
    return mbedtls_pk_sign(key, MBEDTLS_MD_SHA256, hash, 32, signature, out_len,
                           mbedtls_ctr_drbg_random, &library->random);
#endif
}

static bool is_pair(struct tls_library *library, struct tls_identity *identity)
{
    static const uint8_t hash[32] = {1, 2, 3};
    uint8_t signature[MBEDTLS_PK_SIGNATURE_MAX_SIZE];
    size_t len = 0;
    return sign(library, &identity->key, hash, signature, &len) == 0 &&
           mbedtls_pk_verify(&identity->chain.pk, MBEDTLS_MD_SHA256, hash, sizeof(hash), signature,
                             len) == 0;
}

/* Seconds since 1970 of a time in UTC. */
static uint64_t seconds_of(const mbedtls_x509_time *when)
{
    struct tm parts = {
        .tm_year = when->year - 1900,
        .tm_mon = when->mon - 1,
        .tm_mday = when->day,
        .tm_hour = when->hour,
        .tm_min = when->min,
        .tm_sec = when->sec,
    };
    time_t seconds = timegm(&parts);
    return seconds < 0 ? 0 : (uint64_t)seconds;
}

static int judge(struct tls_library *library, struct tls_identity *identity, const char *option,
                 const char *file, struct tls_fault *fault)
{
    bool is_rsa = mbedtls_pk_can_do(&identity->key, MBEDTLS_PK_RSA);
    size_t bits = mbedtls_pk_get_bitlen(&identity->key);
    size_t bits_min = is_rsa ? RSA_BITS_MIN : EC_BITS_MIN;
    if (!is_rsa && !mbedtls_pk_can_do(&identity->key, MBEDTLS_PK_ECDSA)) {
        return tls_fail(fault, option, file, "expected an RSA or an elliptic curve (ECDSA) key");
    }
    if (bits < bits_min) {
        return tls_fail(fault, option, file, "the key has %zu bits, expected %zu at least", bits,
                        bits_min);
    }
    if (!is_pair(library, identity)) {
        return tls_fail(
            fault, option, file,
            "the key is not that of the first certificate (which must be the server's own)");
    }
    identity->expires = seconds_of(&identity->chain.valid_to);
    return 0;
}

static int parse_chain(struct tls_identity *identity, const struct identity_settings *settings,
                       struct tls_fault *fault)
{
    struct buf bytes = {0};
    int code = read_file("certificate", settings->certificate, &bytes, fault);
    if (code == 0) {
        code = mbedtls_x509_crt_parse(&identity->chain, bytes.data, bytes.len + 1);
        if (code > 0) {
            code = tls_fail(fault, "certificate", settings->certificate,
                            "%d of its certificates cannot be parsed", code);
        } else if (code < 0) {
            code = fail_code(fault, "certificate", settings->certificate,
                             "expected certificates in PEM", code);
        }
    }
    finish_secret(&bytes); /* the key may stand in the same file */
    return code;
}

static const char *key_complaint(int code)
{
    switch (code) {
    case MBEDTLS_ERR_PK_PASSWORD_REQUIRED:
        return "is encrypted: expected key_password_file";
    case MBEDTLS_ERR_PK_PASSWORD_MISMATCH:
        return "the password in key_password_file is wrong";
    default:
        return "expected a private key in PEM, of RSA or an elliptic curve; an encrypted one as "
               "`openssl rsa -aes256` or `openssl ec -aes256` write it";
    }
}

static int load_pem(struct tls_library *library, struct tls_identity *identity,
                    const struct identity_settings *settings, struct tls_fault *fault)
{
    struct buf bytes = {0}, password = {0};
    bool has_file = settings->key != NULL;
    const char *option = has_file ? "key" : "certificate";
    const char *file = has_file ? settings->key : settings->certificate;
    int code = parse_chain(identity, settings, fault);
    if (code == 0) {
        code = read_password("key_password_file", settings->key_password_file, &password, fault);
    }
    if (code == 0) {
        code = read_file(option, file, &bytes, fault);
    }
    if (code == 0) {
        code = tls_parse_key(library, &identity->key, bytes.data, bytes.len + 1, &password);
        if (code != 0) {
            code = fail_code(fault, option, file, key_complaint(code), code);
        }
    }
    if (code == 0) {
        code = judge(library, identity, option, file, fault);
    }
    finish_secret(&bytes);
    finish_secret(&password);
    return code;
}

static int load_store(struct tls_library *library, struct tls_identity *identity,
                      const struct identity_settings *settings, struct tls_fault *fault)
{
    struct buf file = {0}, password = {0};
    int code = read_file("key_store", settings->key_store, &file, fault);
    if (code == 0) {
        code = read_password("key_store_password_file", settings->key_store_password_file,
                             &password, fault);
    }
    if (code == 0) {
        code = tls_store_load(library, identity, settings, &file, &password, fault);
    }
    if (code == 0) {
        code = judge(library, identity, "key_store", settings->key_store, fault);
    }
    finish_secret(&file);
    finish_secret(&password);
    return code;
}

int tls_identity_load(struct tls_library *library, const struct identity_settings *settings,
                      struct tls_identity **out, struct tls_fault *fault)
{
    struct tls_identity *identity = mem_zalloc(sizeof(*identity));
    mbedtls_x509_crt_init(&identity->chain);
    mbedtls_pk_init(&identity->key);
    int code = settings->key_store != NULL ? load_store(library, identity, settings, fault)
                                           : load_pem(library, identity, settings, fault);
    if (code < 0) {
        tls_identity_destroy(identity);
        return code;
    }
    *out = identity;
    return 0;
}

void tls_identity_destroy(struct tls_identity *identity)
{
    if (identity == NULL) {
        return;
    }
    mbedtls_x509_crt_free(&identity->chain);
    mbedtls_pk_free(&identity->key);
    mem_free(identity);
}

uint64_t tls_identity_expires(const struct tls_identity *identity)
{
    return identity->expires;
}

/* ---- names ---- */

static bool is_dns_name(const mbedtls_x509_sequence *name)
{
    return ((unsigned)name->buf.tag & TAG_NUMBER) == TAG_DNS_NAME && name->buf.p != NULL;
}

/* "*.example.org" is one label in place of the star, as in browsers; a star elsewhere is none. */
static bool name_matches(struct str pattern, struct str name)
{
    if (pattern.len > 2 && pattern.at[0] == '*' && pattern.at[1] == '.') {
        const char *dot = memchr(name.at, '.', name.len);
        if (dot == NULL || dot == name.at) {
            return false;
        }
        size_t label = (size_t)(dot - name.at);
        return str_equal_nocase((struct str){pattern.at + 1, pattern.len - 1},
                                (struct str){dot, name.len - label});
    }
    return str_equal_nocase(pattern, name);
}

bool tls_identity_matches(const struct tls_identity *identity, struct str name)
{
    const mbedtls_x509_sequence *at = &identity->chain.subject_alt_names;
    for (; at != NULL && name.len > 0; at = at->next) {
        struct str pattern = {(const char *)at->buf.p, at->buf.len};
        if (is_dns_name(at) && name_matches(pattern, name)) {
            return true;
        }
    }
    return false;
}

void tls_identity_put_names(const struct tls_identity *identity, struct buf *out)
{
    const mbedtls_x509_sequence *at = &identity->chain.subject_alt_names;
    for (; at != NULL; at = at->next) {
        if (is_dns_name(at)) {
            buf_append_text(out, out->len > 0 ? "," : "");
            buf_append(out, at->buf.p, at->buf.len);
        }
    }
}
