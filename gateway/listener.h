/* SPDX-License-Identifier: MIT
 *
 * The listening sockets of a gateway and every connection that came in by them.
 *
 *   listeners_open() binds gateway.listen and logs each real address as `listening url=...`;
 *   an accepted connection within the limits is handed to the protocol of its listener's scheme;
 *   one over limits.connections (all listeners together) or over the limit of its address is
 *   accepted, closed and counted (connections_refused);
 *   near the end of the descriptors accepting pauses until a connection is gone: the backlog
 *   waits.
 */
#pragma once

#include "gateway/conn.h"

struct listen_settings;
struct listeners;

/* Makes a fresh connection somebody's: sets its owner. `listen` stays as long as the process. */
typedef void (*listener_accepted_cb)(struct conn *conn, const struct listen_settings *listen,
                                     void *data);

/* Who speaks on accepted connections; indexed by enum listen_scheme. */
struct listener_protocol {
    listener_accepted_cb accepted;
    void *data;
};

/* All of settings->listens, or none. `descriptors_max` as process_init() said. A failure is
 * logged with its URL (a negative code is returned: main exits with 1); *out is set in either
 * case and wants listeners_close(). */
int listeners_open(struct runtime *runtime,
                   const struct listener_protocol protocols[LISTEN_SCHEMES], size_t descriptors_max,
                   struct listeners **out) __attribute__((warn_unused_result));

void listeners_stop(struct listeners *listeners); /* no more accepting. Idempotent */
void listeners_end_idle(
    struct listeners *listeners); /* conn_end() for each that is not busy: for drain */
size_t listeners_busy_count(const struct listeners *listeners);
size_t listeners_conn_count(const struct listeners *listeners);
uint16_t listeners_port(const struct listeners *listeners, size_t index); /* the real one */

/* Stops, closes every connection at once; `closed` is called when the last one and the last
 * socket are gone (perhaps before return); then listeners_destroy(). */
typedef void (*listeners_closed_cb)(void *data);
void listeners_close(struct listeners *listeners, listeners_closed_cb closed, void *data);
void listeners_destroy(struct listeners *listeners); /* takes NULL */
