/* SPDX-License-Identifier: MIT
 *
 * Fan-out inside a gateway.
 *
 *   delivery_deliver() walks the message's groups, deliver_to_group() their dense member arrays;
 *   frame_of() builds a shape's frame at its first member and keeps it with the shape until the
 *   message is done; per member nothing is looked up or allocated: the host gets a share of the
 *   frame.
 *
 * A member may leave while the walk is on (too slow, for one). Its place is then emptied and closed
 * up behind the walk; moving the last one into it at once would show that one the message twice, or
 * not at all. MESSAGE has a fixed order of headers: destination, content-type, message-id,
 * subscription, ack, position, recovered, the rest as sent, content-length.
 */
#include "gateway/delivery.h"

#include <assert.h>

#include "common/list.h"
#include "common/map.h"
#include "common/mem.h"
#include "gateway/stats.h"

#define MEMBERS_MIN 4
#define SHAPE_KEY_HEAD 4 /* version; whether there is an id, an ack; what is told of the past */

enum told { TOLD_NOTHING, TOLD_RECOVERED, TOLD_NOT_RECOVERED };

struct delivery_shape {
    uint32_t refs;
    uint32_t id_len;
    struct shared_frame *frame;  /* of the message under way; owned */
    struct delivery_shape *next; /* delivery::built */
    struct delivery_shape *then; /* a share: that of all messages but the first; NULL: itself */
    char key[];                  /* head, id */
};

struct member {
    const struct service_host *host; /* NULL: left during a walk */
    struct delivery_shape *shape;
    struct delivery_seat *seat;
};

struct delivery_group {
    uint64_t number;
    struct member *members; /* owned */
    uint32_t count;
    uint32_t cap;
    struct delivery_group *next; /* delivery::holed */
    bool has_holes;
};

struct delivery {
    struct stats *stats;
    struct map groups; /* u64 number -> struct delivery_group, owned */
    struct map shapes; /* delivery_shape::key -> struct delivery_shape, owned by their holders */
    struct delivery_shape *built;
    struct delivery_group *holed;
    struct buf scratch;
    struct str position; /* of the message under way */
    bool is_walking;
};

struct delivery *delivery_create(struct stats *stats)
{
    struct delivery *delivery = mem_zalloc(sizeof *delivery);
    delivery->stats = stats;
    return delivery;
}

void delivery_destroy(struct delivery *delivery)
{
    if (delivery == NULL) {
        return;
    }
    assert(delivery->groups.count == 0 && delivery->shapes.count == 0);
    map_finish(&delivery->groups);
    map_finish(&delivery->shapes);
    buf_finish(&delivery->scratch);
    mem_free(delivery);
}

/* ---- shapes ---- */

static struct str shape_key(const struct delivery_shape *shape)
{
    return (struct str){shape->key, SHAPE_KEY_HEAD + shape->id_len};
}

static struct delivery_shape *share_shape(struct delivery *delivery, enum stomp_version version,
                                          struct str id, bool has_ack, enum told told)
{
    struct buf *key = &delivery->scratch;
    key->len = 0;
    buf_append_byte(key, (uint8_t)version);
    buf_append_byte(key, id.at != NULL);
    buf_append_byte(key, has_ack);
    buf_append_byte(key, (uint8_t)told);
    buf_append_str(key, id);
    struct delivery_shape *shape = map_get(&delivery->shapes, buf_str(key));
    if (shape != NULL) {
        shape->refs++;
        return shape;
    }
    shape = mem_zalloc(sizeof *shape + key->len);
    shape->refs = 1;
    shape->id_len = (uint32_t)id.len;
    memcpy(shape->key, key->data, key->len);
    map_put(&delivery->shapes, shape_key(shape), shape);
    return shape;
}

struct delivery_shape *delivery_shape_share(struct delivery *delivery, enum stomp_version version,
                                            struct str id, bool has_ack)
{
    return share_shape(delivery, version, id, has_ack, TOLD_NOTHING);
}

struct delivery_shape *delivery_shape_tell(struct delivery *delivery, struct delivery_shape *shape,
                                           bool is_recovered)
{
    if (shape->then != NULL) {
        return shape;
    }
    struct delivery_shape *telling =
        share_shape(delivery, (enum stomp_version)shape->key[0], delivery_shape_id(shape),
                    shape->key[2] != 0, is_recovered ? TOLD_RECOVERED : TOLD_NOT_RECOVERED);
    if (telling->then == NULL) {
        telling->then = shape;
    } else {
        delivery_shape_release(delivery, shape);
    }
    return telling;
}

bool delivery_is_to_tell(const struct delivery_shape *shape, const struct delivery_seat *seat,
                         bool *out_recovered)
{
    *out_recovered = shape->key[3] == TOLD_RECOVERED;
    return shape->then != NULL && !seat->is_told;
}

void delivery_shape_release(struct delivery *delivery, struct delivery_shape *shape)
{
    struct delivery_shape *then = shape->then;
    if (--shape->refs > 0) {
        return;
    }
    map_remove(&delivery->shapes, shape_key(shape));
    mem_free(shape);
    if (then != NULL) {
        delivery_shape_release(delivery, then);
    }
}

struct str delivery_shape_id(const struct delivery_shape *shape)
{
    return shape->key[1] != 0 ? (struct str){shape->key + SHAPE_KEY_HEAD, shape->id_len}
                              : (struct str){NULL, 0};
}

/* ---- groups ---- */

static void destroy_group(struct delivery *delivery, struct delivery_group *group)
{
    map_remove_u64(&delivery->groups, &group->number);
    mem_free(group->members);
    mem_free(group);
}

void delivery_join(struct delivery *delivery, uint32_t number, struct delivery_seat *seat,
                   const struct service_host *host, struct delivery_shape *shape)
{
    uint64_t key = number;
    assert(seat->group == NULL);
    struct delivery_group *group = map_get_u64(&delivery->groups, &key);
    if (group == NULL) {
        group = mem_zalloc(sizeof *group);
        group->number = key;
        map_put_u64(&delivery->groups, &group->number, group);
    }
    if (group->count == group->cap) {
        group->cap = group->cap == 0 ? MEMBERS_MIN : group->cap * 2;
        group->members = mem_realloc(group->members, group->cap * sizeof(*group->members));
    }
    if (seat->is_told && shape->then != NULL) {
        shape = shape->then;
    }
    group->members[group->count] = (struct member){host, shape, seat};
    seat->group = group;
    seat->index = group->count;
    group->count++;
}

static void take_member(struct delivery_group *group, uint32_t index)
{
    group->count--;
    if (index != group->count) {
        group->members[index] = group->members[group->count];
        if (group->members[index].seat != NULL) {
            group->members[index].seat->index = index;
        }
    }
}

void delivery_leave(struct delivery *delivery, struct delivery_seat *seat)
{
    struct delivery_group *group = seat->group;
    uint32_t index = seat->index;
    if (group == NULL) {
        return;
    }
    seat->group = NULL;
    if (delivery->is_walking) {
        group->members[index] = (struct member){NULL, NULL, NULL};
        if (!group->has_holes) {
            group->has_holes = true;
            group->next = delivery->holed;
            delivery->holed = group;
        }
        return;
    }
    take_member(group, index);
    if (group->count == 0) {
        destroy_group(delivery, group);
    }
}

static void close_holes(struct delivery *delivery)
{
    while (delivery->holed != NULL) {
        struct delivery_group *group = delivery->holed;
        delivery->holed = group->next;
        group->has_holes = false;
        for (uint32_t i = group->count; i-- > 0;) {
            if (group->members[i].host == NULL) {
                take_member(group, i);
            }
        }
        if (group->count == 0) {
            destroy_group(delivery, group);
        }
    }
}

void delivery_clear(struct delivery *delivery)
{
    size_t cursor = 0;
    struct delivery_group *group;
    assert(!delivery->is_walking);
    while ((group = map_next(&delivery->groups, &cursor)) != NULL) {
        for (uint32_t i = 0; i < group->count; i++) {
            group->members[i].seat->group = NULL;
        }
        destroy_group(delivery, group);
    }
}

/* ---- one message ---- */

static void put_rest(struct buf *out, enum stomp_version version, struct str headers)
{
    struct str name;
    struct str value;
    while (link_next_header(&headers, &name, &value)) {
        if (!str_equal(name, STR("content-type"))) {
            stomp_encode_header(out, version, STOMP_MESSAGE, name, value);
        }
    }
}

static void put_length(struct buf *out, enum stomp_version version, size_t len)
{
    struct buf digits = {0};
    buf_append_u64(&digits, len);
    stomp_encode_header(out, version, STOMP_MESSAGE, STR("content-length"), buf_str(&digits));
    buf_finish(&digits);
}

static void put_ack(struct buf *out, enum stomp_version version, struct str message, struct str id)
{
    struct buf ack = {0};
    buf_append_str(&ack, message);
    buf_append_byte(&ack, DELIVERY_ACK_SEPARATOR);
    buf_append_str(&ack, id);
    stomp_encode_header(out, version, STOMP_MESSAGE, STR("ack"), buf_str(&ack));
    buf_finish(&ack);
}

static struct shared_frame *build_frame(struct delivery *delivery,
                                        const struct delivery_shape *shape,
                                        const struct link_message *message)
{
    enum stomp_version version = (enum stomp_version)shape->key[0];
    struct buf *out = &delivery->scratch;
    struct str type = link_find_header(message->headers, STR("content-type"));
    struct str id = delivery_shape_id(shape);
    out->len = 0;
    stomp_encode_begin(out, STOMP_MESSAGE);
    stomp_encode_header(out, version, STOMP_MESSAGE, STR("destination"), message->destination);
    if (type.at != NULL) {
        stomp_encode_header(out, version, STOMP_MESSAGE, STR("content-type"), type);
    }
    stomp_encode_header(out, version, STOMP_MESSAGE, STR("message-id"), message->id);
    if (id.at != NULL) {
        stomp_encode_header(out, version, STOMP_MESSAGE, STR("subscription"), id);
    }
    if (shape->key[2] != 0) {
        put_ack(out, version, message->id, id);
    }
    if (delivery->position.len > 0) {
        stomp_encode_header(out, version, STOMP_MESSAGE, STR("position"), delivery->position);
    }
    if (shape->key[3] != TOLD_NOTHING) {
        stomp_encode_header(out, version, STOMP_MESSAGE, STR("recovered"),
                            shape->key[3] == TOLD_RECOVERED ? STR("true") : STR("false"));
    }
    put_rest(out, version, message->headers);
    put_length(out, version, message->body.len);
    stomp_encode_end(out, message->body);
    return shared_frame_create(payload_copy(out->data, out->len), delivery->stats);
}

static struct shared_frame *frame_of(struct delivery *delivery, struct delivery_shape *shape,
                                     const struct link_message *message)
{
    if (shape->frame == NULL) {
        shape->frame = build_frame(delivery, shape, message);
        shape->refs++; /* its last subscription may end while the message is under way */
        shape->next = delivery->built;
        delivery->built = shape;
    }
    return shape->frame;
}

static void drop_frames(struct delivery *delivery)
{
    while (delivery->built != NULL) {
        struct delivery_shape *shape = delivery->built;
        delivery->built = shape->next;
        shared_frame_release(shape->frame);
        shape->frame = NULL;
        delivery_shape_release(delivery, shape);
    }
}

/* The array may move when somebody joins inside a send. */
static void deliver_to_group(struct delivery *delivery, struct delivery_group *group,
                             const struct link_message *message)
{
    uint32_t count = group->count;
    for (uint32_t i = 0; i < count; i++) {
        const struct service_host *host = group->members[i].host;
        if (host != NULL) {
            struct delivery_shape *shape = group->members[i].shape;
            delivery->stats->deliveries++;
            if (shape->then != NULL) { /* this is its first message */
                group->members[i].seat->is_told = true;
                group->members[i].shape = shape->then;
            }
            host->ops->send(host->data, frame_of(delivery, shape, message));
        }
    }
}

void delivery_deliver(struct delivery *delivery, const struct link_delivered *delivered)
{
    struct str groups = delivered->groups;
    uint32_t number;
    assert(!delivery->is_walking);
    delivery->is_walking = true;
    delivery->position = delivered->position;
    while (link_next_u32(&groups, &number)) {
        uint64_t key = number;
        struct delivery_group *group = map_get_u64(&delivery->groups, &key);
        if (group != NULL) { /* NULL: the last member has just left */
            deliver_to_group(delivery, group, &delivered->message);
        }
    }
    delivery->is_walking = false;
    drop_frames(delivery);
    close_holes(delivery);
}

void delivery_deliver_one(struct delivery *delivery, struct delivery_seat *seat,
                          struct delivery_shape *shape, const struct service_host *host,
                          struct str position, const struct link_message *message)
{
    delivery->position = position;
    if (shape->then != NULL && seat->is_told) {
        shape = shape->then;
    }
    seat->is_told = true;
    if (seat->group != NULL && shape->then != NULL) {
        seat->group->members[seat->index].shape = shape->then;
    }
    struct shared_frame *frame = build_frame(delivery, shape, message);
    delivery->stats->deliveries++;
    host->ops->send(host->data, frame);
    shared_frame_release(frame);
}
