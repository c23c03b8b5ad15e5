/* SPDX-License-Identifier: MIT
 *
 * An identity out of a PKCS#12 key store.
 *
 * The key's own certificate comes first, then the one it is signed by, and so on, as far as the store has them: other
 * entries' certificates are not shown to clients.
 */
#include <string.h>

#include "common/pkcs12.h"
#include "common/settings.h"
#include "common/tls_internal.h"

static int fail_open(enum pkcs12_result result, const struct pkcs12 *store,
                     const struct identity_settings *settings, struct tls_fault *fault)
{
    const char *file = settings->key_store;
    int len = (int)store->what.len;
    const char *what = len == 0 ? "" : (const char *)store->what.data;
    switch (result) {
    case PKCS12_UNSUPPORTED:
        return tls_fail(fault, "key_store", file, "uses what is not supported: %.*s", len, what);
    case PKCS12_PASSWORD:
        return tls_fail(fault, "key_store", file, "the password is wrong, or the file is damaged");
    case PKCS12_NO_MAC:
        return tls_fail(fault, "key_store", file, "has no MAC: nothing says that it is whole");
    case PKCS12_NO_KEY:
        return tls_fail(fault, "key_store", file, "has no private key");
    case PKCS12_NO_ALIAS:
        return tls_fail(fault, "key_alias", file, "no key has the alias \"%s\"; there are: %.*s",
                        settings->key_alias, len, what);
    case PKCS12_MANY_KEYS:
        return tls_fail(fault, "key_alias", file, "expected one of several keys: %.*s", len, what);
    case PKCS12_TOO_MUCH:
        return tls_fail(fault, "key_store", file, "has too many entries or iterations");
    default:
        return tls_fail(fault, "key_store", file,
                        "expected a PKCS#12 file in DER (of a JKS: keytool -importkeystore "
                        "-deststoretype pkcs12)");
    }
}

/* The first certificate that is named as the key's; if none is, the first of all. */
static size_t find_own(const struct pkcs12 *store)
{
    for (size_t i = 0; i < store->certificate_count; i++) {
        if (store->certificates[i].is_of_key) {
            return i;
        }
    }
    return 0;
}

static bool is_named(const mbedtls_x509_buf *a, const mbedtls_x509_buf *b)
{
    return a->len == b->len && memcmp(a->p, b->p, a->len) == 0;
}

/* Adds who signed the chain's last, if it is in the store. False when there is nobody more. */
static bool add_issuer(mbedtls_x509_crt *chain, const mbedtls_x509_crt *all)
{
    const mbedtls_x509_crt *last = chain;
    while (last->next != NULL) {
        last = last->next;
    }
    for (const mbedtls_x509_crt *at = all; at != NULL && at->raw.p != NULL; at = at->next) {
        if (is_named(&at->subject_raw, &last->issuer_raw) &&
            !is_named(&last->subject_raw, &last->issuer_raw)) {
            return mbedtls_x509_crt_parse_der(chain, at->raw.p, at->raw.len) == 0;
        }
    }
    return false;
}

static int take_chain(struct tls_identity *identity, const struct pkcs12 *store)
{
    mbedtls_x509_crt all;
    const struct buf *own = &store->certificates[find_own(store)].der;
    int code = mbedtls_x509_crt_parse_der(&identity->chain, own->data, own->len);
    mbedtls_x509_crt_init(&all);
    for (size_t i = 0; i < store->certificate_count && code == 0; i++) {
        const struct buf *der = &store->certificates[i].der;
        (void)mbedtls_x509_crt_parse_der(&all, der->data, der->len); /* not needed, if not ours */
    }
    for (size_t i = 1; i < store->certificate_count && code == 0; i++) {
        if (!add_issuer(&identity->chain, &all)) {
            break;
        }
    }
    mbedtls_x509_crt_free(&all);
    return code;
}

int tls_store_load(struct tls_library *library, struct tls_identity *identity,
                   const struct identity_settings *settings, const struct buf *file,
                   const struct buf *password, struct tls_fault *fault)
{
    struct pkcs12 store;
    struct str words = {(const char *)password->data, password->len};
    enum pkcs12_result result = pkcs12_open(buf_str(file), words, str_of(settings->key_alias),
                                            PKCS12_ITERATIONS_MAX, &store);
    int code = 0;
    if (result != PKCS12_RIGHT) {
        code = fail_open(result, &store, settings, fault);
    } else if (store.certificate_count == 0) {
        code = tls_fail(fault, "key_store", settings->key_store, "has no certificate");
    } else if (take_chain(identity, &store) != 0) {
        code = tls_fail(fault, "key_store", settings->key_store,
                        "the key's certificate cannot be parsed");
    } else if (tls_parse_key(library, &identity->key, store.key.data, store.key.len, NULL) != 0) {
        code = tls_fail(fault, "key_store", settings->key_store,
                        "expected an RSA or an elliptic curve (ECDSA) key");
    }
    pkcs12_close(&store);
    return code;
}
