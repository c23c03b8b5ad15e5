/* SPDX-License-Identifier: MIT
 *
 * Length-prefixed messages over a Unix socket, for both ends of the link.
 *
 * A message on the wire is u32 length (of what follows), u8 type, body; big-endian. What is inside a
 * body is proto/link_msg.h's business. Writes gather in one buffer and leave once per loop turn.
 *
 *   link_open() takes a connected pipe; each complete message calls `on_message`;
 *   link_begin()/link_end() frame one outgoing message around writes into the returned buf;
 *   a peer that breaks framing, a full queue or a lost pipe calls `on_lost` once, with the reason;
 *   link_close() closes; `on_closed` is the last call, after which the memory may go.
 *
 * Both ends always read. Bytes queued beyond `queue_bytes_max`, or queued without progress for
 * `stall_ms`, lose the link (ERR_LIMIT): the peer restores afterwards.
 */
#pragma once

#include <uv.h>

#include "common/buf.h"
#include "common/turn.h"
#include "common/wheel.h"

#define LINK_MESSAGE_BYTES_MAX (32u << 20) /* a longer message loses the link */

struct link;

struct link_handler {
    /* `body` lives until return. Return 0, or a negative code to lose the link with it. */
    int (*on_message)(struct link *link, uint8_t type, struct str body);
    void (*on_lost)(struct link *link, int code); /* once; link_close() may be called inside */
    void (*on_closed)(struct link *link);         /* the last call */
};

struct link_options {
    size_t queue_bytes_max; /* 64 MiB */
    uint64_t stall_ms;      /* 10 s */
};

struct link {
    uv_pipe_t pipe;                     /* ours from link_open on; closed by link_close() */
    const struct link_handler *handler; /* borrowed */
    struct turn *turn;
    struct wheel *wheel;
    struct link_options options;
    struct turn_entry flush;
    struct wheel_entry stall;
    struct buf out;     /* gathering */
    struct buf writing; /* under way in libuv */
    struct buf in;      /* a partial message */
    uv_write_t write;
    size_t message_start; /* of the message between begin and end */
    size_t stall_bytes;   /* libuv's queue when it last shrank */
    uint64_t stall_at_ms; /* and when that was */
    uint64_t sent;        /* messages written on this link: the link's sequence number */
    uint64_t received;    /* messages read from it */
    bool is_writing;
    bool is_lost;
    bool is_closing;
};

/* `pipe` inside link is initialised and connected (or accepted) by the caller first. Starts reading. */
int link_open(struct link *link, struct turn *turn, struct wheel *wheel,
              const struct link_options *options, const struct link_handler *handler)
    __attribute__((warn_unused_result));
struct buf *link_begin(struct link *link, uint8_t type); /* append the body to it, nothing else */
void link_end(struct link *link);            /* queues it; on a lost link it is dropped */
size_t link_queued(const struct link *link); /* bytes not yet taken by the kernel */
void link_close(struct link *link);          /* idempotent; unsent bytes are dropped */

/* As link_close(), but what is queued leaves first if it can within the turn (uv_try_write). */
void link_flush_and_close(struct link *link);

/* The peer's uid from SO_PEERCRED. */
int link_peer_uid(const struct link *link, unsigned *out_uid) __attribute__((warn_unused_result));
