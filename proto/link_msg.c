/* SPDX-License-Identifier: MIT
 *
 * Messages of the link: encoders and decoders, all of them made from the two lists of the header.
 *
 * A decoder reads every field, requires the end, then asks what lengths cannot tell: check_<name>() of the few
 * messages that carry a block or a closed set of values. Header blocks, group lists and the like are walked
 * here once, so that the walks of whoever handles the message cannot run short. Names of a header block are not
 * compared with each other: that would be quadratic, and it is the writer's promise.
 */
#include "proto/link_msg.h"

#include "common/wire.h"

#define INDIVIDUAL_BYTES 12 /* u64 session, u32 subscription */

static struct wire_reader read_block(struct str block)
{
    struct wire_reader reader;
    wire_reader_init(&reader, block.at, block.len);
    return reader;
}

/* The unread part of a walk goes back to the caller's `rest`. */
static void keep_rest(const struct wire_reader *reader, struct str *rest)
{
    size_t left = wire_left(reader);
    *rest = (struct str){rest->at + (rest->len - left), left};
}

/* ---- blocks inside bodies ---- */

bool link_next_header(struct str *rest, struct str *out_name, struct str *out_value)
{
    struct wire_reader reader = read_block(*rest);
    struct str name = wire_get_str16(&reader);
    struct str value = wire_get_str16(&reader);
    if (rest->len == 0 || reader.failed) {
        return false;
    }
    keep_rest(&reader, rest);
    *out_name = name;
    *out_value = value;
    return true;
}

void link_put_header(struct buf *block, struct str name, struct str value)
{
    wire_put_str16(block, name);
    wire_put_str16(block, value);
}

struct str link_find_header(struct str block, struct str name)
{
    struct str found_name;
    struct str value;
    while (link_next_header(&block, &found_name, &value)) {
        if (str_equal(found_name, name)) {
            return value;
        }
    }
    return (struct str){NULL, 0};
}

uint64_t link_id_hash(struct str id)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < id.len; i++) {
        hash = (hash ^ (uint8_t)id.at[i]) * 0x100000001b3u;
    }
    return hash;
}

bool link_next_u32(struct str *rest, uint32_t *out_value)
{
    struct wire_reader reader = read_block(*rest);
    uint32_t value = wire_get_u32(&reader);
    if (reader.failed) {
        return false;
    }
    keep_rest(&reader, rest);
    *out_value = value;
    return true;
}

bool link_next_individual(struct str *rest, uint64_t *out_session, uint32_t *out_subscription)
{
    struct wire_reader reader = read_block(*rest);
    uint64_t session = wire_get_u64(&reader);
    uint32_t subscription = wire_get_u32(&reader);
    if (reader.failed) {
        return false;
    }
    keep_rest(&reader, rest);
    *out_session = session;
    *out_subscription = subscription;
    return true;
}

static bool headers_are_whole(struct str block)
{
    struct str name;
    struct str value;
    while (link_next_header(&block, &name, &value)) {
    }
    return block.len == 0;
}

bool link_next_message(struct str *rest, uint8_t *out_type, struct str *out_body)
{
    struct wire_reader reader = read_block(*rest);
    uint8_t type = wire_get_u8(&reader);
    struct str body = wire_get_str32(&reader);
    if (reader.failed) {
        return false;
    }
    keep_rest(&reader, rest);
    *out_type = type;
    *out_body = body;
    return true;
}

void link_put_message(struct buf *block, uint8_t type, struct str body)
{
    wire_put_u8(block, type);
    wire_put_str32(block, body);
}

static bool message_is_right(uint8_t type, struct str body)
{
    struct link_publish publish;
    struct link_subscribe subscribe;
    struct link_unsubscribe unsubscribe;
    switch (type) {
    case LINK_PUBLISH:
        return link_get_publish(body, &publish) == 0;
    case LINK_SUBSCRIBE:
        return link_get_subscribe(body, &subscribe) == 0;
    case LINK_UNSUBSCRIBE:
        return link_get_unsubscribe(body, &unsubscribe) == 0;
    default:
        return false;
    }
}

bool link_messages_are_whole(struct str block)
{
    uint8_t type;
    struct str body;
    while (link_next_message(&block, &type, &body)) {
        if (!message_is_right(type, body)) {
            return false;
        }
    }
    return block.len == 0;
}

void link_put_restored_subscription(struct buf *block,
                                    const struct link_restored_subscription *subscription)
{
    wire_put_u32(block, subscription->subscription);
    wire_put_u8(block, subscription->ack);
    wire_put_str16(block, subscription->destination);
    wire_put_str32(block, subscription->headers);
}

bool link_next_restored_subscription(struct str *rest, struct link_restored_subscription *out_next)
{
    struct wire_reader reader = read_block(*rest);
    struct link_restored_subscription next;
    next.subscription = wire_get_u32(&reader);
    next.ack = wire_get_u8(&reader);
    next.destination = wire_get_str16(&reader);
    next.headers = wire_get_str32(&reader);
    if (reader.failed || !headers_are_whole(next.headers)) {
        return false;
    }
    keep_rest(&reader, rest);
    *out_next = next;
    return true;
}

static bool restored_subscriptions_are_whole(struct str block)
{
    struct link_restored_subscription next;
    while (link_next_restored_subscription(&block, &next)) {
    }
    return block.len == 0;
}

/* ---- a published message ---- */

static void put_message(struct buf *out, const struct link_message *message)
{
    if (message->raw.at != NULL) {
        buf_append_str(out, message->raw);
        return;
    }
    wire_put_str16(out, message->id);
    wire_put_str16(out, message->destination);
    wire_put_str32(out, message->headers);
    wire_put_str32(out, message->body);
}

static struct link_message get_message(struct wire_reader *reader)
{
    const uint8_t *start = reader->at;
    struct link_message message;
    message.id = wire_get_str16(reader);
    message.destination = wire_get_str16(reader);
    message.headers = wire_get_str32(reader);
    message.body = wire_get_str32(reader);
    message.raw = (struct str){(const char *)start, (size_t)(reader->at - start)};
    if (!headers_are_whole(message.headers)) {
        reader->failed = true;
    }
    return message;
}

/* ---- what lengths cannot tell ---- */

static bool check_nothing(const void *message)
{
    (void)message;
    return true;
}

static bool check_hello(const struct link_hello *message)
{
    return message->magic == LINK_MAGIC && message->version_min <= message->version_max;
}

static bool check_claim(const struct link_claim *message)
{
    return message->family <= LINK_FAMILY_JSONP;
}

static bool check_adopt(const struct link_adopt *message)
{
    return message->family <= LINK_FAMILY_JSONP;
}

static bool check_claimed(const struct link_claimed *message)
{
    return message->result <= LINK_CLAIM_FULL;
}

static bool check_subscribe(const struct link_subscribe *message)
{
    return headers_are_whole(message->headers);
}

static bool check_subscribed(const struct link_subscribed *message)
{
    return message->result <= LINK_UNSTORED && message->recovered <= LINK_NOT_RECOVERED;
}

static bool check_published(const struct link_published *message)
{
    return message->result <= LINK_UNSTORED;
}

static bool check_checkpoint(const struct link_checkpoint *message)
{
    return link_messages_are_whole(message->messages);
}

static bool check_checkpointed(const struct link_checkpointed *message)
{
    return message->result <= LINK_UNSTORED;
}

static bool check_relay_done(const struct link_relay_done *message)
{
    return message->result <= LINK_UNSTORED;
}

static bool check_delivered(const struct link_delivered *message)
{
    return message->groups.len % sizeof(uint32_t) == 0 &&
           message->individuals.len % INDIVIDUAL_BYTES == 0;
}

static bool check_restore(const struct link_restore *message)
{
    return message->family <= LINK_FAMILY_JSONP && message->hold <= LINK_HOLD_YIELDED &&
           restored_subscriptions_are_whole(message->subscriptions);
}

static bool check_restore_end(const struct link_restore_end *message)
{
    return message->recent.len % sizeof(uint64_t) == 0;
}

static bool check_restored(const struct link_restored *message)
{
    return message->groups.len % sizeof(uint32_t) == 0;
}

/* A message with a rule of its own is a row here and a function above. */
#define IS_RIGHT(message)                                                                          \
    _Generic((message),                                                                            \
        const struct link_hello *: check_hello,                                                    \
        const struct link_claim *: check_claim,                                                    \
        const struct link_adopt *: check_adopt,                                                    \
        const struct link_claimed *: check_claimed,                                                \
        const struct link_subscribe *: check_subscribe,                                            \
        const struct link_subscribed *: check_subscribed,                                          \
        const struct link_published *: check_published,                                            \
        const struct link_checkpoint *: check_checkpoint,                                          \
        const struct link_checkpointed *: check_checkpointed,                                      \
        const struct link_relay_done *: check_relay_done,                                          \
        const struct link_delivered *: check_delivered,                                            \
        const struct link_restore *: check_restore,                                                \
        const struct link_restore_end *: check_restore_end,                                        \
        const struct link_restored *: check_restored,                                              \
        default: check_nothing)(message)

/* ---- one encoder and one decoder for each row ---- */

#define PUT_U8(field) wire_put_u8(out, message->field);
#define PUT_U16(field) wire_put_u16(out, message->field);
#define PUT_U32(field) wire_put_u32(out, message->field);
#define PUT_U64(field) wire_put_u64(out, message->field);
#define PUT_STR(field) wire_put_str16(out, message->field);
#define PUT_BYTES(field) wire_put_str32(out, message->field);
#define PUT_MESSAGE(field) put_message(out, &message->field);

#define GET_U8(field) message.field = wire_get_u8(&reader);
#define GET_U16(field) message.field = wire_get_u16(&reader);
#define GET_U32(field) message.field = wire_get_u32(&reader);
#define GET_U64(field) message.field = wire_get_u64(&reader);
#define GET_STR(field) message.field = wire_get_str16(&reader);
#define GET_BYTES(field) message.field = wire_get_str32(&reader);
#define GET_MESSAGE(field) message.field = get_message(&reader);

#define CODEC_ROW(NAME, name, number, sender)                                                      \
    void link_put_##name(struct buf *out, const struct link_##name *message)                       \
    {                                                                                              \
        LINK_FIELDS_##name(PUT_U8, PUT_U16, PUT_U32, PUT_U64, PUT_STR, PUT_BYTES, PUT_MESSAGE)     \
    }                                                                                              \
                                                                                                   \
    int link_get_##name(struct str body, struct link_##name *out_message)                          \
    {                                                                                              \
        struct wire_reader reader = read_block(body);                                              \
        struct link_##name message;                                                                \
        LINK_FIELDS_##name(GET_U8, GET_U16, GET_U32, GET_U64, GET_STR, GET_BYTES, GET_MESSAGE);    \
        if (!wire_done(&reader) || !IS_RIGHT((const struct link_##name *)&message)) {              \
            return LINK_ERR_MALFORMED;                                                             \
        }                                                                                          \
        *out_message = message;                                                                    \
        return 0;                                                                                  \
    }
LINK_MESSAGES(CODEC_ROW)

/* ---- the list itself ---- */

enum sender { SENDER_NONE, SENDER_GATEWAY, SENDER_BROKER, SENDER_BOTH };

#define LIST_ROW(NAME, name, number, sender) [number] = {#NAME, SENDER_##sender},
static const struct {
    const char *name;
    enum sender sender;
} types[UINT8_MAX + 1] = {LINK_MESSAGES(LIST_ROW)};

const char *link_type_name(uint8_t type)
{
    return types[type].name == NULL ? "unknown" : types[type].name;
}

bool link_type_is_from_gateway(uint8_t type)
{
    return types[type].sender == SENDER_GATEWAY || types[type].sender == SENDER_BOTH;
}

bool link_type_is_from_broker(uint8_t type)
{
    return types[type].sender == SENDER_BROKER || types[type].sender == SENDER_BOTH;
}
