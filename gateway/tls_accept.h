/* SPDX-License-Identifier: MIT
 *
 * TLS handshakes of fresh connections, a bounded number at once, on libuv's pool of threads.
 *
 * tls_accept() takes a connection; within timeouts.tls_handshake it is secured and handed to `done`, or closed. What
 * is not TLS is told so in HTTP where `speaks_http`.
 */
#pragma once

#include "common/tls.h"
#include "gateway/conn.h"

struct listen_settings;

struct tls_accepts {
    struct runtime *runtime;
    struct list_node waiting; /* tls_accept::node: for one of limits.tls_handshakes */
    size_t active;
    /* Gives the connection its owner. */
    void (*done)(struct conn *conn, const struct listen_settings *listen, void *data);
    /* The context for a connection that begins now; borrowed. */
    struct tls_context *(*context)(const struct listen_settings *listen, void *data);
    void *data;
};

void tls_accepts_init(struct tls_accepts *accepts, struct runtime *runtime);
void tls_accepts_add(struct tls_accepts *accepts, struct conn *conn,
                     const struct listen_settings *listen);
