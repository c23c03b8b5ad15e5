/* SPDX-License-Identifier: MIT
 *
 * One publish: match, and one DELIVERED for each gateway that has a group of it.
 */
#pragma once

#include "broker/history.h"
#include "broker/sessions.h"

/* A longer message (all of its four parts) is answered LINK_LIMIT: DELIVERED holds more than PUBLISH. */
#define FANOUT_MESSAGE_BYTES_MAX (31u << 20)

struct fanout {
    struct subscriptions *subscriptions; /* borrowed */
    struct stats *stats;                 /* borrowed */
    struct history *history;             /* borrowed; NULL: no destination keeps a past */
    const struct wheel *wheel;           /* borrowed; the clock of `history` */
    struct list_node matched;            /* peers with a group of the message under way */
    struct list_node collected;          /* logs of sessions that noted it */
    struct payload *noted;               /* the message, once somebody notes it */
    struct str id;                       /* of the message under way */
    struct str raw;                      /* its bytes */
    struct position_text position;       /* none: its destination keeps no past */
};

void fanout_init(struct fanout *fanout, struct subscriptions *subscriptions, struct stats *stats);

/* `publisher` gets PUBLISHED after all DELIVERED were queued, if it asked for an answer; fanout::position is that of
 * the message. */
enum link_result fanout_publish(struct fanout *fanout, struct peer *publisher,
                                const struct link_publish *publish);
