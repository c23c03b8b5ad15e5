/* SPDX-License-Identifier: MIT
 *
 * What the broker knows, apart from the sockets it learns it by: peers, sessions, subscriptions, fan-out,
 * history.
 */
#pragma once

#include "broker/fanout.h"
#include "broker/hold.h"
#include "broker/sessions.h"

typedef void (*core_missing_cb)(uint64_t gateway, void *data); /* it has not come back in time */

struct core {
    struct peers peers;
    struct subscriptions subscriptions;
    struct sessions sessions;
    struct fanout fanout;
    struct history history;
    struct wheel_entry sweep; /* of `history` */
    struct hold hold;
    core_missing_cb missing;
    void *missing_data;
    struct stats stats;
};

/* `wheel` is borrowed and stays until core_finish(). */
void core_init(struct core *core, struct wheel *wheel, size_t sessions_max,
               size_t subscriptions_max, size_t session_log_bytes_max);

/* Behind core_init(): without it no destination keeps a past. What `options` points to is borrowed, too. */
void core_keep_history(struct core *core, const struct history_options *options);
void core_finish(struct core *core); /* no peer is left */

/* A broker before this one knew these gateways (u64 each): what needs to know all sessions waits for them. */
void core_await(struct core *core, struct str gateways, core_missing_cb missing, void *data);

/* A gateway has greeted; has gone, with all that means for its sessions. */
void core_add_peer(struct core *core, struct peer *peer);
void core_remove_peer(struct core *core, struct peer *peer);
