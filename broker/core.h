/* SPDX-License-Identifier: MIT
 *
 * What the broker knows, apart from the sockets it learns it by: peers, sessions, subscriptions, fan-out.
 */
#pragma once

#include "broker/fanout.h"
#include "broker/sessions.h"

struct core {
    struct peers peers;
    struct subscriptions subscriptions;
    struct sessions sessions;
    struct fanout fanout;
    struct stats stats;
};

/* `wheel` is borrowed and stays until core_finish(). */
void core_init(struct core *core, struct wheel *wheel, size_t sessions_max,
               size_t subscriptions_max, size_t session_log_bytes_max);
void core_finish(struct core *core); /* no peer is left */

/* A gateway has greeted; has gone, with all that means for its sessions. */
void core_add_peer(struct core *core, struct peer *peer);
void core_remove_peer(struct core *core, struct peer *peer);
