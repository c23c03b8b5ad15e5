/* SPDX-License-Identifier: MIT
 *
 * What gateways say to a restarted broker before it knows all that the broker before it knew: kept, until every gateway
 * that was linked then has restored its sessions, or HOLD_MS have passed.
 *
 * RESTORE and RESTORE_END are handled at once, all else waits. What waits is handled in the order it came, but claims and
 * relays behind the rest: what was published before the end is published again before any session moves.
 */
#pragma once

#include "broker/peer.h"
#include "common/wheel.h"

#define HOLD_MS 2000
#define HOLD_BYTES_MAX (64u << 20) /* beyond: it ends early */

struct hold;

/* A message's turn has come; its peer is linked. */
typedef void (*hold_release_cb)(struct peer *peer, uint8_t type, struct str body, void *data);
typedef void (*hold_over_cb)(void *data); /* all were released */

struct hold {
    struct wheel *wheel; /* borrowed */
    struct peers *peers; /* borrowed */
    struct wheel_entry deadline;
    struct buf expected;       /* u64 each: gateways that have not restored yet */
    struct list_node messages; /* owned */
    size_t bytes;
    bool is_on;
    hold_release_cb release;
    hold_over_cb over;
    void *data;
};

void hold_init(struct hold *hold, struct wheel *wheel, struct peers *peers);
void hold_finish(struct hold *hold);

/* `gateways`: u64 each in the machine's order; none: nothing is held. */
void hold_start(struct hold *hold, struct str gateways, hold_release_cb release, hold_over_cb over,
                void *data);

/* False: it is to be handled now. */
bool hold_takes(struct hold *hold, const struct peer *peer, uint8_t type, struct str body);

/* That gateway has said RESTORE_END, or is new. */
void hold_restored(struct hold *hold, uint64_t gateway);
