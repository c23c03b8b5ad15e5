/* SPDX-License-Identifier: MIT
 *
 * A gateway for tests of the broker's core: keeps what is written to it, in order.
 */
#pragma once

#include <assert.h>

#include "broker/peer.h"
#include "common/mem.h"

#define FAKE_MESSAGES_MAX 4096

struct fake_message {
    uint8_t type;
    struct payload *body; /* owned */
};

struct fake_peer {
    struct peer peer;
    struct buf writing;
    uint8_t type;
    struct fake_message messages[FAKE_MESSAGES_MAX]; /* [taken, count) wait */
    size_t taken;
    size_t count;
};

static inline struct buf *fake_begin(struct peer *peer, uint8_t type)
{
    struct fake_peer *fake = MEM_CONTAINER(peer, struct fake_peer, peer);
    fake->writing.len = 0;
    fake->type = type;
    return &fake->writing;
}

static inline void fake_end(struct peer *peer)
{
    struct fake_peer *fake = MEM_CONTAINER(peer, struct fake_peer, peer);
    assert(fake->count < FAKE_MESSAGES_MAX);
    assert(link_type_is_from_broker(fake->type));
    fake->messages[fake->count++] =
        (struct fake_message){fake->type, payload_copy(fake->writing.data, fake->writing.len)};
}

static inline struct fake_peer *fake_peer_create(void)
{
    struct fake_peer *fake = mem_zalloc(sizeof(*fake));
    fake->peer.begin = fake_begin;
    fake->peer.end = fake_end;
    return fake;
}

static inline void fake_peer_destroy(struct fake_peer *fake)
{
    for (size_t i = 0; i < fake->count; i++) {
        payload_release(fake->messages[i].body);
    }
    buf_finish(&fake->writing);
    mem_free(fake);
}

static inline size_t fake_waiting(const struct fake_peer *fake)
{
    return fake->count - fake->taken;
}

/* The next message's body, which is of that type; it lives as long as the peer. */
static inline struct str fake_take(struct fake_peer *fake, uint8_t type)
{
    assert(fake->taken < fake->count);
    const struct fake_message *message = &fake->messages[fake->taken++];
    assert(message->type == type);
    return (struct str){(const char *)message->body->data, message->body->len};
}

/* struct link_claimed claimed = FAKE_TAKE(peer, CLAIMED, claimed); */
#define FAKE_TAKE(fake, NAME, name)                                                                \
    __extension__({                                                                                \
        struct link_##name taken_;                                                                 \
        int code_ = link_get_##name(fake_take((fake), LINK_##NAME), &taken_);                      \
        assert(code_ == 0);                                                                        \
        (void)code_;                                                                               \
        taken_;                                                                                    \
    })
