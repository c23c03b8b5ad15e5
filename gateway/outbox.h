/* SPDX-License-Identifier: MIT
 *
 * Messages to the broker that wait: for the link, for credit, or for their answer.
 *
 * What is sent goes out in order, whatever happens between. As soon as one message has to wait, all
 * later ones wait behind it. A request is kept, encoded, until its answer comes; after a loss it is
 * sent again with the same bytes.
 *
 * What was answered last is said again to a new broker: the one before may have died between its answer and its last
 * deliveries. Whoever had them knows them by their message-ids.
 */
#pragma once

/* How much of what was answered is kept for a new broker: what is older when the link goes was delivered. */
#define OUTBOX_ANSWERED_MS 200
#define OUTBOX_ANSWERED_MAX 512
#define OUTBOX_ANSWERED_BYTES_MAX ((size_t)1 << 20)

#include "common/buf.h"
#include "common/list.h"
#include "common/map.h"

struct link;

struct outbox {
    struct link *link;           /* borrowed; NULL while it is not up */
    struct map requests;         /* u64 request -> struct outgoing, owned with `unanswered` */
    struct list_node unanswered; /* struct outgoing with a request, in the order of sending */
    struct list_node answered;   /* struct outgoing, owned: the last PUBLISH and CHECKPOINT */
    uint64_t now_ms;             /* set by who calls */
    size_t answered_count;
    size_t answered_bytes;
    struct list_node held; /* struct outgoing not yet sent; those without request are owned by it */
    struct map restores;   /* u64 session -> struct outgoing (a RESTORE), owned */
    size_t held_bytes;
    size_t credit; /* bytes of bodies the broker still takes */
    size_t window; /* all of it */
};

void outbox_init(struct outbox *outbox, size_t window);
void outbox_finish(struct outbox *outbox);

/* Writes the message or keeps it. `request` 0: nobody waits for an answer. */
void outbox_send(struct outbox *outbox, uint8_t type, uint64_t request, struct str body);

/* The answer came: the request is forgotten. */
void outbox_answered(struct outbox *outbox, uint64_t request);

/* Forgets a request that was never sent. False when it has left already: its answer will come. */
bool outbox_cancel(struct outbox *outbox, uint64_t request);

/* The link is up: outbox_restore() for each session, then outbox_start() puts all that waited
 * behind them, then RESTORE_END, and sends. */
void outbox_begin(struct outbox *outbox, struct link *link, size_t window, bool is_new_broker,
                  struct list_node *out_later);
void outbox_restore(struct outbox *outbox, uint64_t session, struct str body);
void outbox_start(struct outbox *outbox, struct str restore_end, struct list_node *later);

/* The link is lost: what was not answered is to be sent again, before what was never sent. */
void outbox_stop(struct outbox *outbox);

/* The body of the RESTORE that is answered now, in `out_body` (the caller finishes it). False:
 * none was sent. */
bool outbox_take_restore(struct outbox *outbox, uint64_t session, struct buf *out_body);

/* False when the broker gives more than it may. */
bool outbox_add_credit(struct outbox *outbox, size_t bytes);

static inline bool outbox_is_clogged(const struct outbox *outbox)
{
    return outbox->held_bytes > outbox->window;
}
