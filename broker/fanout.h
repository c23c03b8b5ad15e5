/* SPDX-License-Identifier: MIT
 *
 * One publish: match, and one DELIVERED for each gateway that has a group of it.
 */
#pragma once

#include "broker/stats.h"
#include "broker/subscriptions.h"

/* A longer message (all of its four parts) is answered LINK_LIMIT: DELIVERED holds more than PUBLISH. */
#define FANOUT_MESSAGE_BYTES_MAX (31u << 20)

struct fanout {
    struct subscriptions *subscriptions; /* borrowed */
    struct stats *stats;                 /* borrowed */
    struct list_node matched;            /* peers with a group of the message under way */
};

void fanout_init(struct fanout *fanout, struct subscriptions *subscriptions, struct stats *stats);

/* `publisher` gets PUBLISHED after all DELIVERED were queued, if it asked for an answer. */
void fanout_publish(struct fanout *fanout, struct peer *publisher,
                    const struct link_publish *publish);
