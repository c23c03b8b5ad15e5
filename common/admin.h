/* SPDX-License-Identifier: MIT
 *
 * What a program tells its operators by HTTP: GET /metrics, /healthz, /readyz, on an address of its own.
 *
 *   /metrics  Prometheus' text format
 *   /healthz  200 as long as the loop turns
 *   /readyz   200, or 503: not yet, or not any more
 *
 * One request a connection. Limits: ADMIN_CONNS_MAX connections (a further one is closed at once), ADMIN_HEAD_BYTES of
 * request, ADMIN_DEADLINE_MS from accept to the end. Host must be an address or a name without dots, else 421: a web
 * page that has its own name point here cannot read the answers.
 */
#pragma once

#include "common/buf.h"
#include "common/settings.h"
#include "common/wheel.h"

#define ADMIN_CONNS_MAX 32
#define ADMIN_HEAD_BYTES 8192
#define ADMIN_DEADLINE_MS 5000

struct admin_handler {
    void (*write_metrics)(void *data, struct buf *out);
    bool (*is_ready)(void *data);
};

struct admin {
    uv_tcp_t tcp;
    struct wheel *wheel; /* borrowed, as are the next two */
    const struct admin_handler *handler;
    void *data;
    struct list_node conns; /* struct admin_conn, owned */
    size_t conn_count;
    bool is_open;
};

/* Binds settings->listen and logs the real address as `admin_listening url=...`; where none is configured nothing
 * happens, and 0 is returned. A failure is logged, and nothing is left of it but what the loop still closes. */
int admin_open(struct admin *admin, struct wheel *wheel, const struct admin_settings *settings,
               const struct admin_handler *handler, void *data) __attribute__((warn_unused_result));

/* Closes listener and connections at once. `admin` must stay until the loop has run. Idempotent; takes one that was
 * zeroed and never opened. */
void admin_close(struct admin *admin);
