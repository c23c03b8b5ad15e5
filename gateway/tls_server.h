/* SPDX-License-Identifier: MIT
 *
 * Certificates of the TLS listeners, and which of them a fresh connection meets.
 *
 *   tls_server_create() loads all, or says what is wrong with which file;
 *   tls_server_accepted() is the listener's callback: it does the handshake (tls_accept.c), then hands the connection
 *   to the protocol that is spoken inside;
 *   tls_server_reload() reads the files again: new connections get the new certificates when all of them are right,
 *   else the old ones stay; connections that are there are not touched, tickets stay valid.
 */
#pragma once

#include "gateway/conn.h"

struct listen_settings;
struct tls_server;

/* As listener_accepted_cb: makes a connection somebody's. */
typedef void (*tls_accepted_cb)(struct conn *conn, const struct listen_settings *listen,
                                void *data);

/* Who speaks inside; indexed by enum listen_scheme, the schemes with TLS. */
struct tls_protocol {
    tls_accepted_cb accepted;
    void *data;
};

/* A server that loads nothing when no listener has TLS. -1: a file is wrong, which was logged. */
int tls_server_create(struct runtime *runtime, const struct tls_protocol protocols[LISTEN_SCHEMES],
                      struct tls_server **out) __attribute__((warn_unused_result));
void tls_server_destroy(struct tls_server *server); /* takes NULL; no connection is left */

/* False: the old ones stay; logged. */
bool tls_server_reload(struct tls_server *server);

/* A listener_accepted_cb; `server` is its data. */
void tls_server_accepted(struct conn *conn, const struct listen_settings *listen, void *server);

/* The earliest end of a certificate, seconds since 1970; 0: there is none. */
uint64_t tls_server_expires(const struct tls_server *server);
