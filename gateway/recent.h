/* SPDX-License-Identifier: MIT
 *
 * Which messages came last, so that one that comes again behind a lost link is known.
 *
 * A message whose PUBLISHED was lost with the broker is published again by its gateway, and may have been delivered before.
 * Only what came on an earlier link is a repeat: on one link a message may come in several parts.
 */
#pragma once

#include "common/map.h"
#include "proto/link_msg.h"

#define RECENT_MAX 8192  /* messages remembered */
#define RECENT_TOLD 4096 /* of them, told to a new broker */

struct recent_entry {
    uint64_t hash; /* key in recent::by_hash */
    uint64_t link; /* which it came on */
};

struct recent { /* zeroed is empty */
    struct map by_hash;
    struct recent_entry *entries; /* owned; ring of RECENT_MAX */
    uint64_t count;               /* of all times */
    uint64_t link;                /* counts links */
};

void recent_finish(struct recent *recent);
void recent_next_link(struct recent *recent);

/* True: it is a repeat. Else it is remembered. */
bool recent_knows(struct recent *recent, struct str message_id);

/* RESTORE_END's `recent`. */
void recent_put(const struct recent *recent, struct buf *out);
