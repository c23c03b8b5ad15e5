/* SPDX-License-Identifier: MIT
 *
 * The server's side of TLS, as a pump: bytes of the wire on one side, plain bytes on the other, no sockets.
 *
 *   tls_library_create() once: random numbers, and the keys of session tickets, which outlive a reload;
 *   tls_identity_load() reads one certificate with its key; tls_context_create() makes of some a listener's context;
 *   tls_create() begins one connection: tls_push() and tls_handshake() until TLS_DONE,
 *   then tls_open() for what comes, tls_seal() for what goes, tls_say_goodbye() at the end.
 *
 * The policy is fixed: TLS 1.2 and, where the library has it, 1.3; ECDHE with AES-GCM or ChaCha20; X25519, P-256,
 * P-384; no renegotiation, no compression. A failure is final for its connection.
 */
#pragma once

#include "common/buf.h"

#define TLS_RECORD_BYTES_MAX (16384u + 2048u + 5u) /* on the wire */
#define TLS_PLAIN_RECORD_BYTES 16383u /* what one record carries at most, in any version */

struct identity_settings;
struct tls_library;
struct tls_identity;
struct tls_context;
struct tls;

enum tls_result {
    TLS_MORE = 0,    /* wants bytes of the peer */
    TLS_DONE = 1,    /* the handshake is complete */
    TLS_CLOSED = 2,  /* the peer's close_notify */
    TLS_FAILED = -1, /* tls_reason() says why; what tls_take_output() has should still be sent */
};

/* Why an identity is no use. */
struct tls_fault {
    const char *option; /* which of identity_settings: "key_store" */
    const char *file;   /* borrowed from there */
    char reason[256];
};

/* ---- once ---- */

struct tls_library *tls_library_create(void); /* NULL: no random numbers can be had */
void tls_library_destroy(struct tls_library *library);

/* 0, or -1 and *fault. The key is proved to be the certificate's. */
int tls_identity_load(struct tls_library *library, const struct identity_settings *settings,
                      struct tls_identity **out, struct tls_fault *fault)
    __attribute__((warn_unused_result));
void tls_identity_destroy(struct tls_identity *identity);           /* takes NULL */
uint64_t tls_identity_expires(const struct tls_identity *identity); /* seconds since 1970 */
void tls_identity_put_names(const struct tls_identity *identity, struct buf *out);

/* Takes the identities (not the array; `library` stays the caller's). The first is for clients that name none or
 * an unknown one, the others are chosen by the name. `alpn`: NULL-terminated and constant, or NULL: what a client
 * offers is not looked at. One reference. */
struct tls_context *tls_context_create(struct tls_library *library,
                                       struct tls_identity *const *identities, size_t count,
                                       const char **alpn);
struct tls_context *tls_context_share(struct tls_context *context);
void tls_context_release(struct tls_context *context); /* takes NULL */

/* ---- one connection ---- */

/* Takes a share of `context`. NULL: the library refuses (no memory). */
struct tls *tls_create(struct tls_context *context);
void tls_destroy(struct tls *tls); /* takes NULL */

/* Bytes of the wire for later: the handshake's, or what came while nobody wanted any. The caller bounds them. */
void tls_push(struct tls *tls, const void *bytes, size_t len);

/* Goes on as far as the pushed bytes reach: costs a millisecond or more, and may run on any thread as long as
 * nobody else touches `tls`. MORE, DONE or FAILED. */
enum tls_result tls_handshake(struct tls *tls);

/* What is to be sent besides tls_seal()'s answer: handshake, alerts. Empty after the call; the caller finishes. */
void tls_take_output(struct tls *tls, struct buf *out);

/* Takes all of `bytes`, and what was pushed before; whole records come out as plain bytes, the begun one is kept.
 * `room` is at least tls_open_room(). MORE, CLOSED or FAILED; plain bytes may come with either. */
enum tls_result tls_open(struct tls *tls, const uint8_t *bytes, size_t len, uint8_t *out,
                         size_t room, size_t *out_len);
size_t tls_open_room(const struct tls *tls, size_t len);
bool tls_has_record(
    const struct tls *tls); /* pushed or kept: tls_open() with no bytes has something to do */

/* Seals all of `bytes` (one record each 16 KiB), behind what tls_take_output() would have given. `room` is at least
 * tls_seal_room(). MORE or FAILED. */
enum tls_result tls_seal(struct tls *tls, const uint8_t *bytes, size_t len, uint8_t *out,
                         size_t room, size_t *out_len);
size_t tls_seal_room(const struct tls *tls, size_t len);
void tls_say_goodbye(
    struct tls *tls); /* close_notify, by tls_take_output() or before the next seal */

const char *tls_reason(const struct tls *tls);  /* of FAILED */
const char *tls_version(const struct tls *tls); /* "TLSv1.2" */
const char *tls_cipher(const struct tls *tls);
