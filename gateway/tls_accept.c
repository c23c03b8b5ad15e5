/* SPDX-License-Identifier: MIT
 *
 * TLS handshakes.
 *
 * Happy path:
 *   - tls_accepts_add() makes the connection ours; its first byte says whether it is TLS at all;
 *   - begin() takes one of the places (limits.tls_handshakes), or waits for one in the list;
 *   - step() gives the bytes to a thread of the pool (work(): a signature takes a millisecond or more, and fan-out
 *     must not wait for it) and pauses the connection; on_stepped() writes what it answers and reads on;
 *   - hand_over(): conn_secure(), then `done` makes the connection the protocol's.
 *
 * Failure modes:
 *   - not TLS: refuse_plain();
 *   - the handshake fails: its alert is written, the connection ends;
 *   - the peer goes, or is too slow (on_deadline()): closed. While a thread works the object outlives its connection
 *     (`conn` is NULL), and on_stepped() frees it.
 */
#include "gateway/tls_accept.h"

#include <assert.h>

#include "common/log.h"
#include "common/mem.h"

#define HANDSHAKE_RECORD 0x16

struct tls_accept {
    uv_work_t work;
    struct tls_accepts *accepts;
    struct conn *conn; /* borrowed; this object is its owner's; NULL: gone while a thread worked */
    struct tls *tls;   /* owned; NULL until a place is had */
    struct buf first;  /* what came before that */
    struct list_node node; /* tls_accepts::waiting */
    const struct listen_settings *listen;
    enum tls_result result;
    bool is_working; /* `tls` is a thread's */
};

static void begin(struct tls_accept *accept);

static struct stats *stats_of(struct tls_accept *accept)
{
    return &accept->accepts->runtime->stats;
}

/* ---- places ---- */

static bool has_place(const struct tls_accepts *accepts)
{
    return accepts->active < accepts->runtime->settings->limits.tls_handshakes_max;
}

/* Somebody has left: the first who waits begins. */
static void free_place(struct tls_accepts *accepts)
{
    struct list_node *node;
    accepts->active--;
    while (has_place(accepts) && (node = list_take_first(&accepts->waiting)) != NULL) {
        begin(LIST_OF(node, struct tls_accept, node));
    }
}

static void leave_place(struct tls_accept *accept)
{
    if (accept->tls != NULL) {
        tls_destroy(accept->tls);
        accept->tls = NULL;
        free_place(accept->accepts);
    }
}

/* Only when no thread works for it. */
static void destroy(struct tls_accept *accept)
{
    list_remove(&accept->node);
    leave_place(accept);
    buf_finish(&accept->first);
    mem_free(accept);
}

/* ---- failures ---- */

static void fail(struct tls_accept *accept, const char *reason)
{
    char peer[CONN_ADDRESS_MAX];
    conn_peer(accept->conn, peer);
    stats_of(accept)->tls_failed++;
    log_event(LOG_INFO, "tls_handshake_failed", log_u64("connection", accept->conn->number),
              log_text("peer", peer), log_text("reason", reason));
}

/* A browser that was sent to http:// on a TLS port gets a word it can show. */
static void refuse_plain(struct tls_accept *accept)
{
#define ANSWER_BODY "This port speaks TLS: use https\n"
    static const char answer[] = "HTTP/1.1 400 Bad Request\r\n"
                                 "Content-Type: text/plain; charset=UTF-8\r\n"
                                 "Content-Length: 32\r\n"
                                 "Connection: close\r\n"
                                 "X-Content-Type-Options: nosniff\r\n"
                                 "\r\n" ANSWER_BODY;
    _Static_assert(sizeof(ANSWER_BODY) - 1 == 32, "the length that is announced");
    fail(accept, "no TLS");
    if (accept->listen->scheme == LISTEN_HTTPS) {
        conn_write(accept->conn, answer, sizeof(answer) - 1);
    }
    conn_end(accept->conn);
}

/* ---- steps ---- */

static void write_output(struct tls_accept *accept)
{
    struct buf out;
    tls_take_output(accept->tls, &out);
    conn_write(accept->conn, out.data, out.len);
    buf_finish(&out);
}

static void hand_over(struct tls_accept *accept)
{
    struct tls_accepts *accepts = accept->accepts;
    struct conn *conn = accept->conn;
    struct tls *tls = accept->tls;
    const struct listen_settings *listen = accept->listen;
    assert(conn_queued(conn) == 0); /* nobody can answer what he has not got */
    stats_of(accept)->tls_handshakes++;
    log_event(LOG_DEBUG, "tls_opened", log_u64("connection", conn->number),
              log_text("version", tls_version(tls)), log_text("cipher", tls_cipher(tls)));
    accept->tls = NULL;
    destroy(accept);
    conn_set_deadline(conn, 0);
    conn_secure(conn, tls);
    accepts->done(conn, listen, accepts->data);
    free_place(accepts);
}

static void work(uv_work_t *work)
{
    struct tls_accept *accept = MEM_CONTAINER(work, struct tls_accept, work);
    accept->result = tls_handshake(accept->tls);
}

static void on_stepped(uv_work_t *work, int status)
{
    struct tls_accept *accept = MEM_CONTAINER(work, struct tls_accept, work);
    (void)status; /* nobody cancels */
    accept->is_working = false;
    if (accept->conn == NULL) {
        destroy(accept);
        return;
    }
    struct conn *conn = accept->conn;
    conn_resume(conn);
    if (conn->is_closing || conn->is_ending) {
        leave_place(accept); /* closed from outside meanwhile */
        return;
    }
    if (accept->result == TLS_DONE) {
        hand_over(accept);
        return;
    }
    write_output(accept);
    if (accept->result == TLS_FAILED) {
        fail(accept, tls_reason(accept->tls));
        leave_place(accept);
        conn_end(conn);
    }
}

static void step(struct tls_accept *accept, const uint8_t *bytes, size_t len)
{
    tls_push(accept->tls, bytes, len);
    accept->is_working = true;
    conn_pause(accept->conn);
    int code = uv_queue_work(&accept->accepts->runtime->loop, &accept->work, work, on_stepped);
    assert(code == 0);
    (void)code;
}

/* The connection has sent its first bytes, and a place may be had. */
static void begin(struct tls_accept *accept)
{
    struct tls_accepts *accepts = accept->accepts;
    if (!has_place(accepts)) {
        list_append(&accepts->waiting, &accept->node);
        return;
    }
    accept->tls = tls_create(accepts->context(accept->listen, accepts->data));
    if (accept->tls == NULL) {
        fail(accept, "no memory");
        conn_close(accept->conn);
        return;
    }
    accepts->active++;
    step(accept, accept->first.data, accept->first.len);
    buf_finish(&accept->first);
}

/* ---- as owner of the connection ---- */

static void on_bytes(struct conn *conn, uint8_t *bytes, size_t len)
{
    struct tls_accept *accept = conn->data;
    if (accept->tls != NULL) {
        step(accept, bytes, len);
    } else if (bytes[0] != HANDSHAKE_RECORD) {
        refuse_plain(accept);
    } else {
        conn_pause(conn); /* until there is a place */
        buf_append(&accept->first, bytes, len);
        begin(accept);
    }
}

static void on_end(struct conn *conn, int code)
{
    struct tls_accept *accept = conn->data;
    if (accept->tls != NULL) { /* who only looks whether the port is open is no failure */
        fail(accept, code < 0 ? uv_strerror(code) : "the peer closed the connection");
    }
    conn_close(conn);
}

static void on_deadline(struct conn *conn)
{
    fail(conn->data, "timeout");
    conn_close(conn);
}

static void on_closed(struct conn *conn)
{
    struct tls_accept *accept = conn->data;
    if (accept->is_working) {
        accept->conn = NULL;
    } else {
        destroy(accept);
    }
}

static const struct conn_owner accept_owner = {
    .on_bytes = on_bytes,
    .on_end = on_end,
    .on_deadline = on_deadline,
    .on_closed = on_closed,
};

void tls_accepts_init(struct tls_accepts *accepts, struct runtime *runtime)
{
    accepts->runtime = runtime;
    list_init(&accepts->waiting);
}

void tls_accepts_add(struct tls_accepts *accepts, struct conn *conn,
                     const struct listen_settings *listen)
{
    struct tls_accept *accept = mem_zalloc(sizeof(*accept));
    accept->accepts = accepts;
    accept->conn = conn;
    accept->listen = listen;
    conn_set_owner(conn, &accept_owner, accept);
    conn_set_deadline(conn, accepts->runtime->settings->timeouts.tls_handshake_ms);
}
