/* SPDX-License-Identifier: MIT
 *
 * Transport: STOMP straight on TCP.
 */
#pragma once

#include "gateway/conn.h"

struct listen_settings;
struct sessions;

/* A listener_accepted_cb for LISTEN_STOMP; `sessions` is its data. */
void stomp_tcp_accepted(struct conn *conn, const struct listen_settings *listen, void *sessions);
