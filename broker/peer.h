/* SPDX-License-Identifier: MIT
 *
 * A gateway as sessions, subscriptions and fan-out see it: what it holds, and where to write to it.
 *
 * gateway_link.c embeds one and fills in the callbacks; tests put a recorder there. Whoever may outlive the
 * link keeps `id` and asks peers_find(): absent is a normal answer.
 */
#pragma once

#include "common/list.h"
#include "common/map.h"
#include "proto/link_msg.h"

struct peer;

/* Begins a message of that type: the caller appends its body and calls peer->end. Neither closes anything
 * before it returns, so that walks over peers are safe. */
typedef struct buf *(*peer_begin_cb)(struct peer *peer, uint8_t type);
typedef void (*peer_end_cb)(struct peer *peer);

/* So much waits for it that what is not needed now is better left out. */
typedef bool (*peer_is_behind_cb)(const struct peer *peer);

struct peer {
    uint64_t id;       /* of the link, never reused; set by peers_add() */
    uint64_t written;  /* messages: the sequence number of the last */
    uint64_t gateway;  /* from HELLO: which one it is */
    struct buf recent; /* from RESTORE_END: hashes of what it has delivered, u64 each */
    struct map known;  /* the same as keys */
    bool has_restored; /* it has said RESTORE_END */
    bool is_leaving;   /* it is about to stop: it takes no session */
    peer_begin_cb begin;
    peer_end_cb end;
    peer_is_behind_cb is_behind; /* NULL: never */
    struct map sessions;         /* by handle; entries are sessions.c's */
    struct buf free_groups;      /* uint32_t numbers to be used again; subscriptions.c's */
    uint32_t group_count;        /* numbers given so far, from 1; subscriptions.c's */
    struct buf matched;          /* `groups` of the DELIVERED being made; fanout.c's */
    struct list_node node;       /* fanout::matched */
};

struct peers {
    struct map by_id;
    uint64_t last_id;
};

void peers_finish(struct peers *peers); /* no peer is in it */
void peers_add(struct peers *peers, struct peer *peer);
struct peer *peers_find(const struct peers *peers, uint64_t id); /* NULL: gone */

/* `recent` is filled. */
void peer_index_recent(struct peer *peer);
bool peer_knows(const struct peer *peer, uint64_t hash);

/* From here on it is not found; then its sessions are lost (handover_lose_peer), then peer_finish(). */
void peers_remove(struct peers *peers, struct peer *peer);
void peer_finish(struct peer *peer); /* it holds no session */

/* PEER_SEND(peer, CREDIT, credit, .bytes = n) */
#define PEER_SEND(to, NAME, name, ...)                                                             \
    do {                                                                                           \
        struct peer *to_ = (to);                                                                   \
        to_->written++;                                                                            \
        link_put_##name(to_->begin(to_, LINK_##NAME), &(struct link_##name){__VA_ARGS__});         \
        to_->end(to_);                                                                             \
    } while (0)
