/* SPDX-License-Identifier: MIT
 *
 * Transport: STOMP straight on TCP. Its sessions belong to no endpoint (NULL) and have the
 * listener's limits.
 */
#pragma once

#include "gateway/conn.h"

struct listen_settings;
struct sessions;

/* A listener_accepted_cb for LISTEN_STOMP; `sessions` is its data. */
void stomp_tcp_accepted(struct conn *conn, const struct listen_settings *listen, void *sessions);
