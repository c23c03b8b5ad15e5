/* SPDX-License-Identifier: MIT
 *
 * The past for one subscription: what it asked for, and the messages.
 *
 * Between replay_open() and replay_send() nothing is published: what is live follows without a gap, and none comes
 * twice.
 */
#pragma once

#include "broker/history.h"
#include "broker/sessions.h"

struct replay {
    struct history *history; /* borrowed */
    struct history_range range;
};

/* What SUBSCRIBED says of it is in `range`. A gateway that is behind gets nothing of the past. */
void replay_open(struct replay *replay, struct history *history, const struct peer *peer,
                 struct str destination, struct str headers, uint64_t now_ms);

/* Behind SUBSCRIBED. */
void replay_send(const struct replay *replay, struct session *session, uint32_t subscription);
