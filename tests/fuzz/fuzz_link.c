/* SPDX-License-Identifier: MIT
 *
 * Link messages from any bytes: the first is the type, the rest the body. What a decoder accepts must encode
 * to the same bytes, and every block inside it must be walked to its end.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "proto/link_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t count_headers(struct str block)
{
    struct str rest = block;
    struct str name;
    struct str value;
    size_t count = 0;
    while (link_next_header(&rest, &name, &value)) {
        assert(link_find_header(block, name).at != NULL);
        count++;
        if (count == 16) { /* finding is linear: this walk would be quadratic */
            break;
        }
    }
    return count;
}

static void walk_nothing(const void *message)
{
    (void)message;
}

static void walk_message(const struct link_message *message)
{
    count_headers(message->headers);
    assert(message->raw.len == message->id.len + message->destination.len + message->headers.len +
                                   message->body.len + 12);
}

static void walk_publish(const struct link_publish *message)
{
    walk_message(&message->message);
}

static void walk_subscribe(const struct link_subscribe *message)
{
    count_headers(message->headers);
}

static void walk_groups(struct str groups)
{
    uint32_t group;
    while (link_next_u32(&groups, &group)) {
    }
    assert(groups.len == 0);
}

static void walk_delivered(const struct link_delivered *message)
{
    struct str individuals = message->individuals;
    uint64_t session;
    uint32_t subscription;
    while (link_next_individual(&individuals, &session, &subscription)) {
    }
    assert(individuals.len == 0);
    walk_groups(message->groups);
    walk_message(&message->message);
}

static void walk_replayed(const struct link_replayed *message)
{
    walk_message(&message->message);
}

static void walk_restore(const struct link_restore *message)
{
    struct str rest = message->subscriptions;
    struct link_restored_subscription next;
    struct buf again = {NULL, 0, 0};
    while (link_next_restored_subscription(&rest, &next)) {
        count_headers(next.headers);
        link_put_restored_subscription(&again, &next);
    }
    assert(rest.len == 0);
    assert(str_equal(buf_str(&again), message->subscriptions));
    buf_finish(&again);
}

static void walk_checkpoint(const struct link_checkpoint *message)
{
    struct str rest = message->messages;
    uint8_t type;
    struct str body;
    while (link_next_message(&rest, &type, &body)) {
        assert(link_type_is_from_gateway(type));
    }
    assert(rest.len == 0);
}

static void walk_restored(const struct link_restored *message)
{
    walk_groups(message->groups);
}

#define WALK(message)                                                                              \
    _Generic((message),                                                                            \
        const struct link_publish *: walk_publish,                                                 \
        const struct link_subscribe *: walk_subscribe,                                             \
        const struct link_delivered *: walk_delivered,                                             \
        const struct link_replayed *: walk_replayed,                                               \
        const struct link_restore *: walk_restore,                                                 \
        const struct link_checkpoint *: walk_checkpoint,                                           \
        const struct link_restored *: walk_restored,                                               \
        default: walk_nothing)(message)

#define FUZZ_ROW(NAME, name, number, sender)                                                       \
    static void try_##name(struct str body)                                                        \
    {                                                                                              \
        struct link_##name message;                                                                \
        if (link_get_##name(body, &message) == 0) {                                                \
            struct buf again = {NULL, 0, 0};                                                       \
            WALK((const struct link_##name *)&message);                                            \
            link_put_##name(&again, &message);                                                     \
            assert(str_equal(buf_str(&again), body));                                              \
            buf_finish(&again);                                                                    \
        }                                                                                          \
    }
LINK_MESSAGES(FUZZ_ROW)

#define TRY_ROW(NAME, name, number, sender) [number] = try_##name,
static void (*const tries[UINT8_MAX + 1])(struct str body) = {LINK_MESSAGES(TRY_ROW)};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    uint8_t type = data[0];
    bool is_known = link_type_is_from_gateway(type) || link_type_is_from_broker(type);
    assert(is_known == (tries[type] != NULL));
    assert(is_known == (strcmp(link_type_name(type), "unknown") != 0));
    if (is_known) {
        tries[type]((struct str){(const char *)data + 1, size - 1});
    }
    return 0;
}
