/* SPDX-License-Identifier: MIT
 *
 * Pure index: destination name -> the groups whose destination or pattern matches it.
 *
 * A group is one subscribed destination or pattern on one link, with a count of its subscriptions. Destinations
 * are interned: all subscriptions to one share its text, also those of sessions that no link holds.
 */
#pragma once

#include "broker/patterns.h"
#include "broker/peer.h"

#define SUBSCRIPTIONS_DESTINATION_BYTES_MAX 8192 /* a longer one is refused */

struct destination; /* a subscribed destination or pattern */

struct group {
    struct peer *peer;               /* borrowed; outlives the group */
    struct destination *destination; /* borrowed */
    uint32_t number;                 /* from 1, within the peer; used again after the group */
    uint32_t subscriptions;
    size_t place; /* in destination's groups */
};

/* Somebody who notes what a destination would have brought, without being in a group. */
struct collector {
    struct list_node node;           /* of the destination */
    struct destination *destination; /* borrowed: its subscription holds a reference */
    void *owner;
    uint32_t number;
};

struct subscriptions {
    struct map destinations; /* owned, by text */
    struct patterns patterns;
    size_t group_count;
};

/* Nothing is joined, left or collected inside. */
typedef void (*subscriptions_match_cb)(struct group *group, void *data);
typedef void (*subscriptions_collect_cb)(const struct collector *collector, void *data);

void subscriptions_init(struct subscriptions *subscriptions, char separator);
void subscriptions_finish(struct subscriptions *subscriptions); /* it is empty */

/* NULL for a name that nobody may subscribe to: then *out_reason says why. Else one reference more. */
struct destination *subscriptions_intern(struct subscriptions *subscriptions, struct str name,
                                         const char **out_reason);
struct str subscriptions_text(const struct destination *destination);
void subscriptions_release(struct subscriptions *subscriptions, struct destination *destination);

/* The peer's group of that destination, with one subscription more; made if there is none. */
struct group *subscriptions_join(struct subscriptions *subscriptions,
                                 struct destination *destination, struct peer *peer);
void subscriptions_leave(struct subscriptions *subscriptions, struct group *group);

struct collector *subscriptions_collect(struct destination *destination, void *owner,
                                        uint32_t number);
void subscriptions_uncollect(struct collector *collector); /* takes NULL */

/* Each group that matches, once; each collector. */
void subscriptions_match(struct subscriptions *subscriptions, struct str name,
                         subscriptions_match_cb matched, subscriptions_collect_cb collected,
                         void *data);
