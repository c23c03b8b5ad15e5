/* SPDX-License-Identifier: MIT
 *
 * The pump around mbedTLS, the only file that knows its ssl.
 *
 *   - handshake: tls_push() appends to `held`, tls_handshake() lets the library read from there; what it sends is
 *     gathered in `pending`;
 *   - open: whole_records() measures what of `held` or of the caller's bytes is complete, and only that is shown to
 *     the library, which so never keeps half a record; the rest goes to `held`;
 *   - seal: the library writes into the caller's room.
 *
 * WANT_READ is no reason to wait while bytes are left: TLS 1.3 answers so after records that carry no data. A call
 * that neither takes bytes nor gives any ends the connection instead of spinning.
 *
 * Not here: KeyUpdate of TLS 1.3, which the library does not know (the connection ends).
 */
#include "common/tls.h"

#include <assert.h>
#include <mbedtls/error.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>
#include <mbedtls/version.h>
#include <string.h>

#if MBEDTLS_VERSION_NUMBER >= 0x03000000
#include <psa/crypto.h>
#endif

#include "common/mem.h"
#include "common/tls_internal.h"

#ifndef MBEDTLS_THREADING_C
#error "handshakes share random numbers between threads: mbedTLS needs MBEDTLS_THREADING_C"
#endif

#define HEADER_BYTES 5u
#define OVERHEAD_BYTES 64u  /* of one record: header, nonce, tag, type */
#define FRAGMENT_BYTES 512u /* the smallest record a client may ask us for */
#define PENDING_BYTES_MAX (64u << 10)
#define TICKET_SECONDS 86400u /* a key seals for half of it and is known for the other half */

#ifndef MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET
#define MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET (-0x7B00)
#endif

struct tls_context {
    size_t refs;
    mbedtls_ssl_config config;
    struct tls_identity **identities; /* owned, as is each */
    size_t identity_count;
};

struct tls {
    mbedtls_ssl_context ssl;
    struct tls_context *context; /* a share */
    const uint8_t *in;           /* borrowed during one call: what the library may read */
    size_t in_len;
    uint8_t *out; /* borrowed during one call; NULL: to pending */
    size_t out_len;
    size_t out_room;
    struct buf held;    /* of the wire: not shown to the library yet */
    struct buf pending; /* for the wire */
    int error;          /* the library's; 0: none */
};

/* ---- policy ---- */

static const int ciphersuites[] = {
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
    MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
#endif
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    0,
};

#if MBEDTLS_VERSION_NUMBER >= 0x03000000
static const uint16_t groups[] = {
    MBEDTLS_SSL_IANA_TLS_GROUP_X25519,
    MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
    MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1,
    MBEDTLS_SSL_IANA_TLS_GROUP_NONE,
};
#else
static const mbedtls_ecp_group_id groups[] = {
    MBEDTLS_ECP_DP_CURVE25519,
    MBEDTLS_ECP_DP_SECP256R1,
    MBEDTLS_ECP_DP_SECP384R1,
    MBEDTLS_ECP_DP_NONE,
};
static const int hashes[] = {
    MBEDTLS_MD_SHA256,
    MBEDTLS_MD_SHA384,
    MBEDTLS_MD_SHA512,
    MBEDTLS_MD_NONE,
};
#endif

static void set_policy(mbedtls_ssl_config *config)
{
    mbedtls_ssl_conf_ciphersuites(config, ciphersuites);
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    mbedtls_ssl_conf_min_tls_version(config, MBEDTLS_SSL_VERSION_TLS1_2);
    mbedtls_ssl_conf_groups(config, groups);
#else
    mbedtls_ssl_conf_min_version(config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
    mbedtls_ssl_conf_curves(config, groups);
    mbedtls_ssl_conf_sig_hashes(config, hashes);
#endif
#if defined(MBEDTLS_SSL_RENEGOTIATION)
    mbedtls_ssl_conf_renegotiation(config, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
#endif
    mbedtls_ssl_conf_authmode(config, MBEDTLS_SSL_VERIFY_NONE); /* of clients' certificates */
}

/* ---- library ---- */

struct tls_library *tls_library_create(void)
{
    struct tls_library *library = mem_zalloc(sizeof(*library));
    mbedtls_entropy_init(&library->entropy);
    mbedtls_ctr_drbg_init(&library->random);
    mbedtls_ssl_ticket_init(&library->tickets);
    int code =
        mbedtls_ctr_drbg_seed(&library->random, mbedtls_entropy_func, &library->entropy, NULL, 0);
    if (code == 0) {
        code =
            mbedtls_ssl_ticket_setup(&library->tickets, mbedtls_ctr_drbg_random, &library->random,
                                     MBEDTLS_CIPHER_AES_256_GCM, TICKET_SECONDS);
    }
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    if (code == 0 && psa_crypto_init() != PSA_SUCCESS) {
        code = -1;
    }
#endif
    if (code != 0) {
        tls_library_destroy(library);
        return NULL;
    }
    return library;
}

void tls_library_destroy(struct tls_library *library)
{
    if (library == NULL) {
        return;
    }
    mbedtls_ssl_ticket_free(&library->tickets);
    mbedtls_ctr_drbg_free(&library->random);
    mbedtls_entropy_free(&library->entropy);
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    mbedtls_psa_crypto_free();
#endif
    mem_free(library);
}

/* ---- context ---- */

/* The name a client asks for; one that nobody here has gets the first certificate, as if none had been asked. */
static int on_server_name(void *data, mbedtls_ssl_context *ssl, const unsigned char *name,
                          size_t len)
{
    const struct tls_context *context = data;
    struct str wanted = {(const char *)name, len};
    for (size_t i = 0; i < context->identity_count; i++) {
        struct tls_identity *identity = context->identities[i];
        if (tls_identity_matches(identity, wanted)) {
            return mbedtls_ssl_set_hs_own_cert(ssl, &identity->chain, &identity->key);
        }
    }
    return 0;
}

struct tls_context *tls_context_create(struct tls_library *library,
                                       struct tls_identity *const *identities, size_t count,
                                       const char **alpn)
{
    struct tls_context *context = mem_zalloc(sizeof(*context));
    context->refs = 1;
    context->identity_count = count;
    context->identities = mem_zalloc_array(count, sizeof(context->identities[0]));
    memcpy(context->identities, identities, count * sizeof(context->identities[0]));
    mbedtls_ssl_config_init(&context->config);
    int code =
        mbedtls_ssl_config_defaults(&context->config, MBEDTLS_SSL_IS_SERVER,
                                    MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
    set_policy(&context->config);
    mbedtls_ssl_conf_rng(&context->config, mbedtls_ctr_drbg_random, &library->random);
    mbedtls_ssl_conf_sni(&context->config, on_server_name, context);
    mbedtls_ssl_conf_session_tickets_cb(&context->config, mbedtls_ssl_ticket_write,
                                        mbedtls_ssl_ticket_parse, &library->tickets);
    if (code == 0) {
        code =
            mbedtls_ssl_conf_own_cert(&context->config, &identities[0]->chain, &identities[0]->key);
    }
    if (code == 0 && alpn != NULL) {
        code = mbedtls_ssl_conf_alpn_protocols(&context->config, alpn);
    }
    assert(code == 0); /* they allocate, or refuse arguments that are constant here */
    (void)code;
    return context;
}

struct tls_context *tls_context_share(struct tls_context *context)
{
    context->refs++;
    return context;
}

void tls_context_release(struct tls_context *context)
{
    if (context == NULL || --context->refs > 0) {
        return;
    }
    mbedtls_ssl_config_free(&context->config);
    for (size_t i = 0; i < context->identity_count; i++) {
        tls_identity_destroy(context->identities[i]);
    }
    mem_free(context->identities);
    mem_free(context);
}

/* ---- what the library reads and writes ---- */

static int on_send(void *data, const unsigned char *bytes, size_t len)
{
    struct tls *tls = data;
    if (tls->out != NULL && len <= tls->out_room - tls->out_len) {
        memcpy(tls->out + tls->out_len, bytes, len);
        tls->out_len += len;
    } else if (tls->pending.len + len > PENDING_BYTES_MAX) {
        return MBEDTLS_ERR_NET_SEND_FAILED; /* a peer that makes us answer and reads nothing */
    } else {
        tls->out = NULL; /* what follows stays behind this */
        buf_append(&tls->pending, bytes, len);
    }
    return (int)len;
}

static int on_receive(void *data, unsigned char *bytes, size_t room)
{
    struct tls *tls = data;
    size_t len = room < tls->in_len ? room : tls->in_len;
    if (len == 0) {
        return MBEDTLS_ERR_SSL_WANT_READ;
    }
    memcpy(bytes, tls->in, len);
    tls->in += len;
    tls->in_len -= len;
    return (int)len;
}

struct tls *tls_create(struct tls_context *context)
{
    struct tls *tls = mem_zalloc(sizeof(*tls));
    mbedtls_ssl_init(&tls->ssl);
    tls->context = tls_context_share(context);
    if (mbedtls_ssl_setup(&tls->ssl, &context->config) != 0) {
        tls_destroy(tls);
        return NULL;
    }
    mbedtls_ssl_set_bio(&tls->ssl, tls, on_send, on_receive, NULL);
    return tls;
}

void tls_destroy(struct tls *tls)
{
    if (tls == NULL) {
        return;
    }
    mbedtls_ssl_free(&tls->ssl);
    tls_context_release(tls->context);
    buf_finish(&tls->held);
    buf_finish(&tls->pending);
    mem_free(tls);
}

static enum tls_result fail(struct tls *tls, int code)
{
    tls->error = code;
    return TLS_FAILED;
}

/* ---- handshake ---- */

void tls_push(struct tls *tls, const void *bytes, size_t len)
{
    buf_append(&tls->held, bytes, len);
}

static bool wants_again(int code)
{
    return code == MBEDTLS_ERR_SSL_WANT_READ || code == MBEDTLS_ERR_SSL_WANT_WRITE ||
           code == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET;
}

static void drop_taken(struct tls *tls)
{
    buf_consume(&tls->held, tls->held.len - tls->in_len);
    if (tls->held.len == 0) {
        buf_finish(&tls->held); /* an idle connection keeps nothing */
    }
    tls->in = NULL;
    tls->in_len = 0;
}

enum tls_result tls_handshake(struct tls *tls)
{
    int code;
    size_t before;
    tls->in = tls->held.data;
    tls->in_len = tls->held.len;
    tls->out = NULL;
    do {
        before = tls->in_len;
        code = mbedtls_ssl_handshake(&tls->ssl);
    } while (wants_again(code) && (tls->in_len > 0 && tls->in_len < before));
    bool is_stuck = wants_again(code) && tls->in_len > 0;
    drop_taken(tls);
    if (code == 0) {
        return TLS_DONE;
    }
    if (!wants_again(code) || is_stuck) {
        return fail(tls, code);
    }
    return TLS_MORE;
}

void tls_take_output(struct tls *tls, struct buf *out)
{
    *out = tls->pending;
    tls->pending = (struct buf){0};
}

/* ---- open ---- */

/* How many bytes at the front are whole records; a header that promises too much counts as whole, for the library
 * to refuse. */
static size_t whole_records(const uint8_t *bytes, size_t len)
{
    size_t at = 0;
    while (len - at >= HEADER_BYTES) {
        size_t record = HEADER_BYTES + ((size_t)bytes[at + 3] << 8 | bytes[at + 4]);
        if (record > TLS_RECORD_BYTES_MAX) {
            return len;
        }
        if (record > len - at) {
            break;
        }
        at += record;
    }
    return at;
}

bool tls_has_record(const struct tls *tls)
{
    return whole_records(tls->held.data, tls->held.len) > 0;
}

size_t tls_open_room(const struct tls *tls, size_t len)
{
    return tls->held.len + len;
}

static enum tls_result read_records(struct tls *tls, uint8_t *out, size_t room, size_t *out_len)
{
    for (;;) {
        size_t before = tls->in_len;
        int code = mbedtls_ssl_read(&tls->ssl, out + *out_len, room - *out_len);
        if (code > 0) {
            *out_len += (size_t)code;
        } else if (code == 0 || code == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
            return TLS_CLOSED;
        } else if (!wants_again(code) || (tls->in_len > 0 && tls->in_len == before)) {
            return fail(tls, code);
        } else if (tls->in_len == 0) {
            return TLS_MORE;
        }
    }
}

enum tls_result tls_open(struct tls *tls, const uint8_t *bytes, size_t len, uint8_t *out,
                         size_t room, size_t *out_len)
{
    *out_len = 0;
    assert(room >= tls_open_room(tls, len)); /* plain bytes are fewer than sealed ones */
    bool is_held = tls->held.len > 0;
    if (is_held) {
        tls_push(tls, bytes, len);
        bytes = tls->held.data;
        len = tls->held.len;
    }
    size_t whole = whole_records(bytes, len);
    enum tls_result result = TLS_MORE;
    tls->in = bytes;
    tls->in_len = whole;
    tls->out = NULL;
    if (whole > 0) {
        result = read_records(tls, out, room, out_len);
    }
    if (!is_held) {
        tls_push(tls, bytes + whole, len - whole);
    } else {
        tls->in_len = len - whole;
        drop_taken(tls);
    }
    tls->in = NULL;
    tls->in_len = 0;
    return result;
}

/* ---- seal ---- */

size_t tls_seal_room(const struct tls *tls, size_t len)
{
    return tls->pending.len + len + (len / FRAGMENT_BYTES + 2) * OVERHEAD_BYTES;
}

enum tls_result tls_seal(struct tls *tls, const uint8_t *bytes, size_t len, uint8_t *out,
                         size_t room, size_t *out_len)
{
    assert(room >= tls_seal_room(tls, len));
    *out_len = tls->pending.len;
    if (tls->pending.len > 0) {
        memcpy(out, tls->pending.data, tls->pending.len);
        buf_finish(&tls->pending);
    }
    tls->out = out;
    tls->out_len = *out_len;
    tls->out_room = room;
    int code = 0;
    while (len > 0 && (code > 0 || code == 0 || wants_again(code))) {
        code = mbedtls_ssl_write(&tls->ssl, bytes, len);
        if (code > 0) {
            bytes += code;
            len -= (size_t)code;
        }
    }
    tls->out = NULL;
    *out_len = tls->out_len;
    return len == 0 ? TLS_MORE : fail(tls, code);
}

void tls_say_goodbye(struct tls *tls)
{
    int code = mbedtls_ssl_close_notify(&tls->ssl);
    (void)code; /* a connection that has failed has said its alert */
}

/* ---- words ---- */

const char *tls_reason(const struct tls *tls)
{
    static char text[128]; /* for the log line that is being written; one thread logs */
    switch (tls->error) {
    case MBEDTLS_ERR_SSL_INVALID_RECORD:
        return "no TLS record";
    case MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE:
        return "the peer sent a fatal alert (does it trust the certificate?)";
    default:
        mbedtls_strerror(tls->error, text, sizeof(text));
        return text;
    }
}

const char *tls_version(const struct tls *tls)
{
    return mbedtls_ssl_get_version(&tls->ssl);
}

const char *tls_cipher(const struct tls *tls)
{
    const char *name = mbedtls_ssl_get_ciphersuite(&tls->ssl);
    return name == NULL ? "" : name;
}
