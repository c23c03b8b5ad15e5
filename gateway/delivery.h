/* SPDX-License-Identifier: MIT
 *
 * From one DELIVERED to many connections: groups, their members, and one MESSAGE per shape.
 *
 * A group is one subscribed destination or pattern; the broker numbers it, and tells with
 * SUBSCRIBED and RESTORED which subscription is in which. A shape is what makes two MESSAGE frames
 * of one message differ: STOMP version, subscription id, whether it is to be acknowledged, and for the first
 * message of a subscription what it is told of the past. Most clients name their subscriptions
 * alike, so a message has one or two shapes.
 */
#pragma once

#include "gateway/service.h"
#include "proto/link_msg.h"
#include "proto/stomp_frame.h"

#define DELIVERY_ACK_SEPARATOR '@' /* not in a message-id */

struct delivery;
struct delivery_group;
struct delivery_shape;

/* A subscription's place in a group. Zeroed is nowhere. Embedded in the subscription, stays in
 * place. */
struct delivery_seat {
    struct delivery_group *group; /* borrowed */
    uint32_t index;               /* of the group's members */
    bool is_told;                 /* its first message was sent */
};

struct delivery *delivery_create(struct stats *stats);
void delivery_destroy(struct delivery *delivery); /* takes NULL; nobody may be seated */

/* `id` absent: a 1.0 subscription without one; its MESSAGEs have no subscription header.
 * `has_ack`: they have an ack header: <message-id>@<id>. */
struct delivery_shape *delivery_shape_share(struct delivery *delivery, enum stomp_version version,
                                            struct str id, bool has_ack);

/* The same, whose first message says `recovered`; takes the share of `shape`. One that says
 * something already stays as it is. */
struct delivery_shape *delivery_shape_tell(struct delivery *delivery, struct delivery_shape *shape,
                                           bool is_recovered);

/* What the first message is still to say; false: nothing. */
bool delivery_is_to_tell(const struct delivery_shape *shape, const struct delivery_seat *seat,
                         bool *out_recovered);
void delivery_shape_release(struct delivery *delivery, struct delivery_shape *shape);
struct str delivery_shape_id(const struct delivery_shape *shape);

/* `host` and `shape` are borrowed until delivery_leave(). Both may be called while a message is
 * delivered. */
void delivery_join(struct delivery *delivery, uint32_t group, struct delivery_seat *seat,
                   const struct service_host *host, struct delivery_shape *shape);
void delivery_leave(struct delivery *delivery,
                    struct delivery_seat *seat); /* takes one that is nowhere */

/* The link is lost: its group numbers mean nothing any more. */
void delivery_clear(struct delivery *delivery);

/* One message to one subscription, whatever group it is in. */
void delivery_deliver_one(struct delivery *delivery, struct delivery_seat *seat,
                          struct delivery_shape *shape, const struct service_host *host,
                          struct str position, const struct link_message *message);

/* One message to the members of its groups. Those that join meanwhile do not get it. */
void delivery_deliver(struct delivery *delivery, const struct link_delivered *delivered);
