/* SPDX-License-Identifier: MIT
 *
 * One client's byte stream: read, bounded write queue, flush once per loop turn, deadline,
 * close.
 *
 * Whoever speaks on the stream is its owner: a table of callbacks and a pointer, replaced when
 * HTTP turns into WebSocket. Writing never blocks and never fails; it queues, and the turn's end
 * writes all at once (uv_try_write first; short pieces are copied together, long shared payloads
 * go by reference).
 *
 * The owner decides what a long queue means: conn_queued(). A queue that makes no progress for
 * timeouts.write_stall closes the connection here. Reading uses one buffer for the whole
 * process.
 */
#pragma once

#include <uv.h>

#include "common/buf.h"
#include "common/turn.h"
#include "common/wheel.h"
#include "gateway/runtime.h"

struct conn;

/* Who counts a conn from conn_accept() until it is freed: its listener. */
struct conn_counter {
    void (*gone)(struct conn_counter *counter, struct conn *conn); /* the conn is freed behind it */
};

struct conn_owner {
    /* All bytes are consumed or copied before return; they may be changed in place. conn_close()
     * and conn_set_owner() may be called inside. */
    void (*on_bytes)(struct conn *conn, uint8_t *bytes, size_t len);
    /* The peer will send no more (FIN), or the stream failed (`code` < 0). After a failure only
     * on_closed follows. After a FIN the owner calls conn_end() or conn_close() when it likes. */
    void (*on_end)(struct conn *conn, int code);
    /* The queue is empty again, after not all could be written. May be NULL. */
    void (*on_drained)(struct conn *conn);
    void (*on_deadline)(struct conn *conn); /* conn_set_deadline() has passed */
    /* The last call. The conn is freed behind it. */
    void (*on_closed)(struct conn *conn);
    /* A request of this peer is being answered, or read. NULL: never. */
    bool (*is_busy)(const struct conn *conn);
};

/* One queued piece. */
struct conn_piece {
    struct payload *payload; /* a share */
    uint32_t offset;         /* of the first byte not yet written */
};

struct tls;
struct conn_ring;  /* pieces */
struct conn_write; /* a uv_write under way */

struct conn {
    uv_tcp_t tcp;                   /* its loop is the runtime's */
    struct conn_counter *counter;   /* borrowed; may be NULL */
    void *address;                  /* the counter's, for limits per address */
    struct list_node node;          /* the counter's list of conns */
    const struct conn_owner *owner; /* set before the loop goes on */
    void *data;                     /* the owner's object */
    struct turn_entry flush;
    struct wheel_entry timer;    /* at the earlier of deadline_ms and the write stall */
    struct conn_ring *ring;      /* owned; NULL while at most one piece is queued */
    struct conn_piece one_piece; /* that one */
    struct conn_write *write;    /* owned; NULL: none */
    struct tls *tls;             /* owned; NULL: plain */
    uint32_t piece_count;
    uint32_t number;      /* for the log */
    size_t queued;        /* bytes in pieces, and sealed ones that the kernel has not taken */
    uint64_t read_ms;     /* loop time of the last byte in */
    uint64_t deadline_ms; /* loop time; the owner's, or of the end; 0: none */
    bool is_paused;
    bool is_ending; /* conn_end() was called */
    bool is_closing;
    bool saw_end;      /* the peer's FIN came */
    bool sent_end;     /* ours has gone */
    bool said_goodbye; /* TLS's close_notify is sealed */
    bool was_full;     /* not all could be written: on_drained is owed */
};

/* Ten thousand idle connections are a design number. */
_Static_assert(sizeof(struct conn) <= 432, "a connection stays small");

static inline struct runtime *conn_runtime(const struct conn *conn)
{
    return MEM_CONTAINER(conn->tcp.loop, struct runtime, loop);
}

/* Takes an accepted connection from `server` and starts reading. The caller gives it an owner
 * before it returns to the loop. NULL when accepting failed; the counter hears nothing of that. */
struct conn *conn_accept(struct runtime *runtime, uv_stream_t *server,
                         struct conn_counter *counter);
void conn_set_owner(struct conn *conn, const struct conn_owner *owner, void *data);

/* From now on the wire is TLS's: takes `tls`, whose handshake is done. What it has to say, and what was pushed to it
 * and lies behind the handshake, is seen to at the turn's end (or when reading goes on). */
void conn_secure(struct conn *conn, struct tls *tls);
static inline bool conn_is_secure(const struct conn *conn)
{
    return conn->tls != NULL;
}

/* Hands bytes to the present owner as if they had just been read (what came behind an upgrade
 * request). */
void conn_feed(struct conn *conn, uint8_t *bytes, size_t len);

/* After conn_end() or conn_close() these do nothing. */
void conn_write(struct conn *conn, const void *bytes, size_t len);   /* copies */
void conn_write_payload(struct conn *conn, struct payload *payload); /* takes a share of its own */
void conn_take_payload(struct conn *conn, struct payload *payload);  /* takes the caller's share */
static inline size_t conn_queued(const struct conn *conn)
{
    return conn->queued;
}

/* The kernel takes nothing more for now: on_drained will be called. */
static inline bool conn_is_full(const struct conn *conn)
{
    return conn->was_full;
}

void conn_pause(struct conn *conn); /* stops reading: the peer's window fills */
void conn_resume(struct conn *conn);
void conn_set_deadline(struct conn *conn, uint64_t delay_ms); /* replaces the last; 0 removes it */

/* Politely: writes what is queued, FIN, reads and drops for timeouts.close so that the peer sees
 * the last bytes, then closes. on_closed is the only callback from now on. Idempotent. */
void conn_end(struct conn *conn);
void conn_close(struct conn *conn); /* at once; what is queued is dropped. Idempotent. */

#define CONN_ADDRESS_MAX 64

/* "192.0.2.1:5000", "" if the peer is gone. */
void conn_peer(const struct conn *conn, char out[CONN_ADDRESS_MAX]);

/* Its address alone, IPv4 as ::ffff:a.b.c.d; false if the peer is gone. */
bool conn_peer_address(const struct conn *conn, uint8_t out[16]);

/* Has the peer gone already, behind all that was read? 0: no; UV_EOF: its FIN waits to be read;
 * else the stream's error. One system call: for those who are about to wait for this peer. */
int conn_peek_end(const struct conn *conn);

/* True when the kernel has accepted and the peer has acknowledged all that was written (TIOCOUTQ
 * is 0). */
bool conn_is_acknowledged(const struct conn *conn);
