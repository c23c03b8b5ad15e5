/* SPDX-License-Identifier: MIT
 *
 * The subscriptions of one session: the gateway's numbers, and the groups they joined.
 *
 * Zeroed is empty and valid. Without a holder (session parked) they keep their destinations and are in no group.
 */
#pragma once

#include "broker/subscriptions.h"

struct session_subscription {
    struct destination *destination; /* one reference */
    struct group *group;             /* one subscription of it; NULL: in none */
    struct collector *collector;     /* owned; NULL: nothing is collected */
    uint32_t number;
    uint8_t ack;
};

struct session_subscriptions {
    struct session_subscription *items; /* owned, by ascending number */
    uint32_t count;
    uint32_t cap;
    void *owner; /* who collects; NULL: nobody */
};

/* NULL: none of that number. Valid until the list changes. */
const struct session_subscription *
session_subscriptions_find(const struct session_subscriptions *list, uint32_t number);

/* `number` is not there yet; takes the reference of `destination`. Joins the peer's group unless peer is NULL;
 * returns the group's number or 0. */
uint32_t session_subscriptions_add(struct session_subscriptions *list,
                                   struct subscriptions *subscriptions, uint32_t number,
                                   uint8_t ack, struct destination *destination, struct peer *peer);
bool session_subscriptions_remove(struct session_subscriptions *list,
                                  struct subscriptions *subscriptions, uint32_t number);

/* What they would bring is noted for `owner`, also that of those added later; no more. */
void session_subscriptions_collect(struct session_subscriptions *list, void *owner);
void session_subscriptions_uncollect(struct session_subscriptions *list);

/* All of them into groups of `peer`; out of all groups. */
void session_subscriptions_join(struct session_subscriptions *list,
                                struct subscriptions *subscriptions, struct peer *peer);
void session_subscriptions_leave(struct session_subscriptions *list,
                                 struct subscriptions *subscriptions);
void session_subscriptions_finish(struct session_subscriptions *list,
                                  struct subscriptions *subscriptions);
