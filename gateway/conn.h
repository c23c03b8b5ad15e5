/* SPDX-License-Identifier: MIT
 *
 * One client's byte stream: read, bounded write queue, flush once per loop turn, deadline, close.
 *
 * Whoever speaks on the stream is its owner: a table of callbacks and a pointer, replaced when HTTP turns into
 * WebSocket. Writing never blocks and never fails; it queues, and the turn's end writes all at once
 * (uv_try_write first; short pieces are copied together, long shared payloads go by reference).
 *
 * The owner decides what a long queue means: conn_queued(). A queue that makes no progress for
 * timeouts.write_stall closes the connection here. Reading uses one buffer for the whole process.
 */
#pragma once

#include <uv.h>

#include "common/buf.h"
#include "common/turn.h"
#include "common/wheel.h"
#include "gateway/runtime.h"

struct conn;
struct listener;

struct conn_owner {
    /* All bytes are consumed or copied before return; they may be changed in place. conn_close() and
     * conn_set_owner() may be called inside. */
    void (*on_bytes)(struct conn *conn, uint8_t *bytes, size_t len);
    /* The peer will send no more (FIN), or the stream failed (`code` < 0). After a failure only on_closed
     * follows. After a FIN the owner calls conn_end() or conn_close() when it likes. */
    void (*on_end)(struct conn *conn, int code);
    void (*on_drained)(struct conn *conn);  /* the queue is empty again, after not all could be written */
    void (*on_deadline)(struct conn *conn); /* conn_set_deadline() has passed */
    /* The last call. The conn is freed behind it. */
    void (*on_closed)(struct conn *conn);
};

/* One queued piece. */
struct conn_piece {
    struct payload *payload; /* a share */
    uint32_t offset;         /* of the first byte not yet written */
};

struct conn {
    uv_tcp_t tcp;
    struct runtime *runtime;
    struct listener *listener; /* borrowed; counts the conn until it is closed */
    const struct conn_owner *owner;
    void *data; /* the owner's object */
    struct turn_entry flush;
    struct wheel_entry deadline;
    struct conn_piece *pieces; /* ring, owned; NULL while nothing is queued */
    uint32_t piece_first;
    uint32_t piece_count;
    uint32_t piece_cap;
    size_t queued;             /* bytes in pieces */
    uint64_t read_ms;          /* loop time of the last byte in */
    uint64_t written_ms;       /* loop time of the last byte the kernel took */
    uint64_t deadline_ms;      /* the owner's, 0: none */
    uint32_t number;           /* for the log */
    bool is_paused;
    bool is_ending;  /* conn_end() was called: FIN behind the queue, then read and drop for timeouts.close */
    bool is_closing;
    bool saw_end;
    bool is_writing; /* a uv_write is under way */
};

/* Takes an accepted connection from `server`; starts reading. NULL when accepting failed. */
struct conn *conn_accept(struct runtime *runtime, struct listener *listener, uv_stream_t *server,
                         const struct conn_owner *owner, void *data);
void conn_set_owner(struct conn *conn, const struct conn_owner *owner, void *data);

/* Hands bytes to the present owner as if they had just been read (what came behind an upgrade request). */
void conn_feed(struct conn *conn, uint8_t *bytes, size_t len);

void conn_write(struct conn *conn, const void *bytes, size_t len);       /* copies */
void conn_write_payload(struct conn *conn, struct payload *payload);     /* takes a share of its own */
void conn_take_payload(struct conn *conn, struct payload *payload);      /* takes the caller's share */
static inline size_t conn_queued(const struct conn *conn)
{
    return conn->queued;
}

void conn_pause(struct conn *conn); /* stops reading: the peer's window fills */
void conn_resume(struct conn *conn);
void conn_set_deadline(struct conn *conn, uint64_t delay_ms); /* replaces the last; 0 removes it */

/* Politely: writes what is queued, FIN, reads and drops for timeouts.close so that the peer sees the last
 * bytes, then closes. on_closed is the only callback from now on. Idempotent. */
void conn_end(struct conn *conn);
void conn_close(struct conn *conn); /* at once; what is queued is dropped. Idempotent. */

#define CONN_ADDRESS_MAX 64
void conn_peer(const struct conn *conn, char out[CONN_ADDRESS_MAX]); /* "192.0.2.1:5000", "" if gone */

/* True when the kernel has accepted and the peer has acknowledged all that was written (TIOCOUTQ is 0). */
bool conn_is_acknowledged(const struct conn *conn);
