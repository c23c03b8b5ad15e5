/* SPDX-License-Identifier: MIT
 *
 * One client's byte stream over TCP, with or without TLS.
 *
 * Happy path:
 *   - on_read() hands what came to the owner, from the one read buffer of the process;
 *   - conn_write() and its like put pieces into the ring, and the connection into the turn's
 *     list;
 *   - flush_turn() writes at the turn's end: one piece as it lies, several gathered (short ones
 *     copied together, since a copy below 1 KiB is cheaper than another iovec), by
 *     uv_try_write();
 *   - what the kernel does not take stays in the ring, and start_write() gives its front to one
 *     uv_write(); on_written() drops it from the ring and flushes on;
 *   - with TLS, receive() opens what came before the owner sees it, and the flush seals the ring's front
 *     (write_sealed()) only when the kernel has taken all that was sealed before: the queue stays shared
 *     payloads;
 *   - conn_end(): finish_end() sends FIN once the ring is empty, then on_read() drops until the
 *     peer's FIN.
 *
 * Failure modes:
 *   - the stream breaks in reading or writing: fail() tells the owner once, and closes;
 *   - the peer takes nothing for timeouts.write_stall: on_timer() fails it with ETIMEDOUT (seen
 *     by the length of libuv's queue at the check, so a peer that takes a little is given up to
 *     twice that time);
 *   - the peer never answers our FIN: on_timer() closes after timeouts.close.
 *
 * Not here: what a queue may grow to. The owner asks conn_queued() and decides.
 */
#include "gateway/conn.h"

#include <assert.h>

#include "common/log.h"
#include "common/mem.h"
#include "common/tls.h"

#define READ_BYTES (64u << 10)
#define JOIN_BYTES (64u << 10)
#define JOIN_PIECE_MAX 1024u /* longer pieces go by iovec */
#define WRITE_BUFS_MAX 64u
#define RING_CAP_MIN 8u
#define SEAL_BYTES_MAX (64u << 10) /* plain bytes sealed at once: what the kernel may not take */
#define SEALED_BYTES                                                                               \
    (176u << 10) /* room for those, for what TLS has to say besides, and for all overhead */

/* The request of a uv_write() whose buffers are the first pieces of the ring, or sealed bytes. */
struct conn_write {
    uv_write_t request;
    struct payload *sealed; /* a share; NULL: the ring's front */
    size_t bytes;
    size_t left;       /* of libuv's queue, when last looked at */
    uint64_t moved_ms; /* loop time when that was less than before */
};

/* Pieces in order, from `first` on; cap is a power of two. */
struct conn_ring {
    uint32_t first;
    uint32_t cap;
    struct conn_piece pieces[];
};

/* One loop, one thread: what is read is consumed before the next read, what is joined is written
 * before the next flush. */
static uint8_t read_slab[READ_BYTES];
static uint8_t join_slab[JOIN_BYTES];
static uint8_t open_slab[2 * READ_BYTES + TLS_RECORD_BYTES_MAX]; /* one read and what was kept */
static uint8_t seal_slab[SEALED_BYTES];

static void on_timer(struct wheel_entry *entry);
static void flush_turn(struct turn_entry *entry);
static bool write_sealed(struct conn *conn, const uint8_t *bytes, size_t len);
static void receive(struct conn *conn, uint8_t *bytes, size_t len);

static uint64_t now_of(const struct conn *conn)
{
    return runtime_now(conn_runtime(conn));
}

/* ---- the ring ---- */

static struct conn_piece *piece_at(struct conn *conn, uint32_t index)
{
    struct conn_ring *ring = conn->ring;
    return ring == NULL ? &conn->one_piece : &ring->pieces[(ring->first + index) & (ring->cap - 1)];
}

static void grow_ring(struct conn *conn)
{
    uint32_t cap = conn->ring == NULL ? RING_CAP_MIN : conn->ring->cap * 2;
    struct conn_ring *ring = mem_alloc(sizeof *ring + cap * sizeof(ring->pieces[0]));
    ring->first = 0;
    ring->cap = cap;
    for (uint32_t i = 0; i < conn->piece_count; i++) {
        ring->pieces[i] = *piece_at(conn, i);
    }
    mem_free(conn->ring);
    conn->ring = ring;
}

static void push_piece(struct conn *conn, struct payload *payload)
{
    uint32_t room = conn->ring == NULL ? 1 : conn->ring->cap;
    if (conn->piece_count == room) {
        grow_ring(conn);
    }
    *piece_at(conn, conn->piece_count) = (struct conn_piece){payload, 0};
    conn->piece_count++;
    conn->queued += payload->len;
}

static void free_ring(struct conn *conn)
{
    for (uint32_t i = 0; i < conn->piece_count; i++) {
        payload_release(piece_at(conn, i)->payload);
    }
    mem_free(conn->ring);
    conn->ring = NULL;
    conn->piece_count = 0;
    conn->queued = 0;
}

/* The first `len` bytes of the ring are with the kernel, or sealed. */
static void drop_pieces(struct conn *conn, size_t len)
{
    assert(len <= conn->queued);
    conn->queued -= len;
    if (conn->queued == 0) {
        free_ring(conn);
        return;
    }
    for (;;) {
        struct conn_piece *piece = piece_at(conn, 0);
        size_t left = piece->payload->len - piece->offset;
        if (len < left) {
            piece->offset += (uint32_t)len;
            return;
        }
        len -= left;
        payload_release(piece->payload);
        conn->ring->first++; /* there is one: more than this piece is queued */
        conn->piece_count--;
    }
}

/* The kernel has taken the first `len` bytes. */
static void drop_written(struct conn *conn, size_t len)
{
    conn_runtime(conn)->stats.bytes_out += len;
    drop_pieces(conn, len);
}

/* ---- end, failure, deadlines ---- */

static void on_handle_closed(uv_handle_t *handle)
{
    struct conn *conn = handle->data;
    free_ring(conn);
    tls_destroy(conn->tls);
    conn_runtime(conn)->stats.connections_closed++;
    if (conn->owner != NULL) {
        conn->owner->on_closed(conn);
    }
    if (conn->counter != NULL) {
        conn->counter->gone(conn->counter, conn);
    }
    mem_free(conn);
}

void conn_close(struct conn *conn)
{
    if (conn->is_closing) {
        return;
    }
    conn->is_closing = true;
    turn_remove(&conn->flush);
    wheel_remove(&conn_runtime(conn)->wheel, &conn->timer);
    uv_close((uv_handle_t *)&conn->tcp, on_handle_closed);
}

static void fail(struct conn *conn, int code)
{
    log_event(LOG_DEBUG, "connection_failed", log_u64("connection", conn->number), log_err(code));
    if (!conn->is_ending && !conn->is_closing && conn->owner != NULL) {
        conn->owner->on_end(conn, code);
    }
    conn_close(conn);
}

/* Loop time at which on_timer() has something to look at; 0: never. */
static uint64_t next_check(const struct conn *conn)
{
    uint64_t check = conn->deadline_ms;
    if (conn->write != NULL) {
        uint64_t stall =
            conn->write->moved_ms + conn_runtime(conn)->settings->timeouts.write_stall_ms;
        if (check == 0 || stall < check) {
            check = stall;
        }
    }
    return check;
}

/* An entry that stands too early is left there: on_timer() puts it back. Too late must be moved. */
static void arm_timer(struct conn *conn)
{
    uint64_t check = next_check(conn);
    if (check == 0 || conn->is_closing ||
        (list_is_linked(&conn->timer.node) && conn->timer.deadline_ms <= check)) {
        return;
    }
    uint64_t now = now_of(conn);
    wheel_add(&conn_runtime(conn)->wheel, &conn->timer, check > now ? check - now : 1, on_timer);
}

static bool is_stalled(struct conn *conn, uint64_t now)
{
    if (conn->write == NULL) {
        return false;
    }
    size_t left = uv_stream_get_write_queue_size((uv_stream_t *)&conn->tcp);
    if (left != conn->write->left) {
        conn->write->left = left;
        conn->write->moved_ms = now;
    }
    return now - conn->write->moved_ms >= conn_runtime(conn)->settings->timeouts.write_stall_ms;
}

static void on_timer(struct wheel_entry *entry)
{
    struct conn *conn = MEM_CONTAINER(entry, struct conn, timer);
    uint64_t now = now_of(conn);
    if (is_stalled(conn, now)) {
        log_event(LOG_INFO, "connection_stalled", log_u64("connection", conn->number),
                  log_u64("queued", conn->queued));
        fail(conn, UV_ETIMEDOUT);
        return;
    }
    if (conn->deadline_ms != 0 && now >= conn->deadline_ms) {
        conn->deadline_ms = 0;
        if (conn->is_ending) {
            conn_close(conn);
            return;
        }
        conn->owner->on_deadline(conn);
    }
    arm_timer(conn);
}

static void on_shut(uv_shutdown_t *request, int status)
{
    (void)status; /* a peer that is gone already is noticed by reading */
    mem_free(request);
}

/* The queue of an ending connection is empty: close_notify, FIN, then wait for the peer's. */
static void finish_end(struct conn *conn)
{
    if (conn->sent_end || conn->is_closing) {
        return;
    }
    if (conn->tls != NULL && !conn->said_goodbye) {
        conn->said_goodbye = true;
        tls_say_goodbye(conn->tls);
        if (!write_sealed(conn, NULL, 0)) {
            return; /* on_written() comes here again, or the connection has failed */
        }
    }
    if (conn->saw_end) {
        conn_close(conn);
        return;
    }
    conn->sent_end = true;
    uv_shutdown_t *request = mem_zalloc(sizeof(*request));
    int code = uv_shutdown(request, (uv_stream_t *)&conn->tcp, on_shut);
    if (code < 0) {
        mem_free(request);
        conn_close(conn);
        return;
    }
    conn->deadline_ms = now_of(conn) + conn_runtime(conn)->settings->timeouts.close_ms;
    arm_timer(conn);
}

void conn_end(struct conn *conn)
{
    if (conn->is_ending || conn->is_closing) {
        return;
    }
    conn_resume(conn);
    conn->is_ending = true;
    conn->deadline_ms = 0;
    turn_add(&conn_runtime(conn)->turn, &conn->flush, flush_turn);
}

/* ---- writing ---- */

static void on_written(uv_write_t *request, int status)
{
    struct conn *conn = request->data;
    size_t bytes = conn->write->bytes;
    bool is_sealed = conn->write->sealed != NULL;
    payload_release(conn->write->sealed);
    mem_free(conn->write);
    conn->write = NULL;
    if (conn->is_closing) {
        return;
    }
    if (status < 0) {
        fail(conn, status);
        return;
    }
    if (is_sealed) {
        conn->queued -= bytes;
        conn_runtime(conn)->stats.bytes_out += bytes;
    } else {
        drop_written(conn, bytes);
    }
    flush_turn(&conn->flush);
}

/* Gives `bufs` to libuv, which holds them until the socket takes them. */
static void begin_write(struct conn *conn, struct conn_write *write, const uv_buf_t *bufs,
                        unsigned count)
{
    write->request.data = conn;
    conn->write = write;
    conn->was_full = true;
    conn_runtime(conn)->stats.send_calls++;
    int code = uv_write(&write->request, (uv_stream_t *)&conn->tcp, bufs, count, on_written);
    if (code < 0) {
        conn->write = NULL;
        payload_release(write->sealed);
        mem_free(write);
        fail(conn, code);
        return;
    }
    write->left = uv_stream_get_write_queue_size((uv_stream_t *)&conn->tcp);
    write->moved_ms = now_of(conn); /* the stall counts from here */
    arm_timer(conn);
}

/* libuv holds the front of the ring until the socket takes it: the pieces stay where they are. */
static void start_write(struct conn *conn)
{
    uv_buf_t bufs[WRITE_BUFS_MAX];
    unsigned count = 0;
    struct conn_write *write = mem_zalloc(sizeof(*write));
    for (; count < WRITE_BUFS_MAX && count < conn->piece_count; count++) {
        struct conn_piece *piece = piece_at(conn, count);
        bufs[count] = uv_buf_init((char *)piece->payload->data + piece->offset,
                                  piece->payload->len - piece->offset);
        write->bytes += bufs[count].len;
    }
    begin_write(conn, write, bufs, count);
}

/* Fills `bufs` from the ring's front; short neighbours lie together in join_slab. Returns how
 * many; their bytes in *out_len. */
static unsigned gather(struct conn *conn, uv_buf_t bufs[WRITE_BUFS_MAX], size_t *out_len)
{
    unsigned count = 0;
    size_t joined = 0;
    size_t total = 0;
    bool is_open = false; /* the last buf lies in join_slab and may grow */
    for (uint32_t i = 0; i < conn->piece_count; i++) {
        struct conn_piece *piece = piece_at(conn, i);
        uint8_t *bytes = piece->payload->data + piece->offset;
        size_t len = piece->payload->len - piece->offset;
        bool is_short = len <= JOIN_PIECE_MAX;
        bool fits = is_short ? len <= JOIN_BYTES - joined : true;
        if (!fits || (count == WRITE_BUFS_MAX && !(is_short && is_open))) {
            break;
        }
        if (is_short) {
            memcpy(join_slab + joined, bytes, len);
            bytes = join_slab + joined;
            joined += len;
        }
        if (is_short && is_open) {
            bufs[count - 1].len += len;
        } else {
            bufs[count++] = uv_buf_init((char *)bytes, (unsigned)len);
        }
        is_open = is_short;
        total += len;
    }
    *out_len = total;
    return count;
}

/* One piece goes as it lies, as most do. */
static unsigned gather_one(struct conn *conn, uv_buf_t *buf, size_t *out_len)
{
    const struct conn_piece *piece = piece_at(conn, 0);
    *out_len = piece->payload->len - piece->offset;
    *buf = uv_buf_init((char *)piece->payload->data + piece->offset, (unsigned)*out_len);
    return 1;
}

/* Returns false when the connection must not be touched again in this flush. */
static bool write_queue(struct conn *conn)
{
    while (conn->piece_count > 0) {
        uv_buf_t bufs[WRITE_BUFS_MAX];
        size_t len;
        unsigned count =
            conn->piece_count == 1 ? gather_one(conn, bufs, &len) : gather(conn, bufs, &len);
        conn_runtime(conn)->stats.send_calls++;
        int written = uv_try_write((uv_stream_t *)&conn->tcp, bufs, count);
        if (written < 0 && written != UV_EAGAIN) {
            fail(conn, written);
            return false;
        }
        if (written > 0) {
            drop_written(conn, (size_t)written);
        }
        if (written < 0 || (size_t)written < len) {
            start_write(conn);
            return false;
        }
    }
    return true;
}

/* Seals `bytes` behind what TLS has to say by itself, and writes. What the kernel does not take goes to libuv. False
 * when the connection must not be touched again in this flush. */
static bool write_sealed(struct conn *conn, const uint8_t *bytes, size_t len)
{
    size_t sealed = 0;
    if (tls_seal(conn->tls, bytes, len, seal_slab, sizeof(seal_slab), &sealed) != TLS_MORE) {
        fail(conn, UV_EPROTO);
        return false;
    }
    if (sealed == 0) {
        return true;
    }
    uv_buf_t buf = uv_buf_init((char *)seal_slab, (unsigned)sealed);
    conn_runtime(conn)->stats.send_calls++;
    int written = uv_try_write((uv_stream_t *)&conn->tcp, &buf, 1);
    if (written < 0 && written != UV_EAGAIN) {
        fail(conn, written);
        return false;
    }
    size_t taken = written < 0 ? 0 : (size_t)written;
    conn_runtime(conn)->stats.bytes_out += taken;
    if (taken == sealed) {
        return true;
    }
    struct conn_write *write = mem_zalloc(sizeof(*write));
    write->sealed = payload_copy(seal_slab + taken, sealed - taken);
    write->bytes = sealed - taken;
    conn->queued += write->bytes;
    buf = uv_buf_init((char *)write->sealed->data, write->sealed->len);
    begin_write(conn, write, &buf, 1);
    return false;
}

/* The ring's front in one run, at most SEAL_BYTES_MAX: as it lies when it is one piece, else copied together, since
 * each record costs more than the copy. */
static const uint8_t *join_front(struct conn *conn, size_t *out_len)
{
    const struct conn_piece *first = piece_at(conn, 0);
    size_t len = first->payload->len - first->offset;
    if (conn->piece_count == 1 || len >= SEAL_BYTES_MAX) {
        *out_len = len < SEAL_BYTES_MAX ? len : SEAL_BYTES_MAX;
        return first->payload->data + first->offset;
    }
    size_t joined = 0;
    for (uint32_t i = 0; i < conn->piece_count && joined < SEAL_BYTES_MAX; i++) {
        const struct conn_piece *piece = piece_at(conn, i);
        size_t left = SEAL_BYTES_MAX - joined;
        len = piece->payload->len - piece->offset;
        len = len < left ? len : left;
        memcpy(join_slab + joined, piece->payload->data + piece->offset, len);
        joined += len;
    }
    *out_len = joined;
    return join_slab;
}

/* As write_queue(). A run is sealed only when the kernel has taken the one before. */
static bool write_queue_sealed(struct conn *conn)
{
    do {
        size_t len = 0;
        const uint8_t *bytes = conn->piece_count > 0 ? join_front(conn, &len) : NULL;
        struct payload *first = len > 0 ? payload_share(piece_at(conn, 0)->payload) : NULL;
        if (len > 0) {
            drop_pieces(conn, len);
        }
        bool goes_on = write_sealed(conn, bytes, len);
        payload_release(first);
        if (!goes_on) {
            return false;
        }
    } while (conn->piece_count > 0);
    return true;
}

static void flush_turn(struct turn_entry *entry)
{
    struct conn *conn = MEM_CONTAINER(entry, struct conn, flush);
    if (conn->tls != NULL && tls_has_record(conn->tls) && !conn->is_paused && !conn->is_closing) {
        receive(conn, NULL, 0); /* what came while nobody wanted it */
    }
    if (conn->is_closing || conn->write != NULL ||
        !(conn->tls != NULL ? write_queue_sealed(conn) : write_queue(conn))) {
        return;
    }
    if (conn->is_ending) {
        finish_end(conn);
        return;
    }
    if (conn->was_full) {
        conn->was_full = false;
        if (conn->owner->on_drained != NULL) {
            conn->owner->on_drained(conn);
        }
    }
}

void conn_take_payload(struct conn *conn, struct payload *payload)
{
    if (conn->is_ending || conn->is_closing || payload->len == 0) {
        payload_release(payload);
        return;
    }
    push_piece(conn, payload);
    if (conn->write == NULL) {
        turn_add(&conn_runtime(conn)->turn, &conn->flush, flush_turn);
    }
}

void conn_write_payload(struct conn *conn, struct payload *payload)
{
    conn_take_payload(conn, payload_share(payload));
}

void conn_write(struct conn *conn, const void *bytes, size_t len)
{
    conn_take_payload(conn, payload_copy(bytes, len));
}

/* ---- reading ---- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)handle;
    (void)suggested;
    *buf = uv_buf_init((char *)read_slab, READ_BYTES);
}

/* The peer will send no more. */
static void see_end(struct conn *conn)
{
    conn->saw_end = true;
    uv_read_stop((uv_stream_t *)&conn->tcp);
    if (!conn->is_ending) {
        conn->owner->on_end(conn, 0);
    } else if (conn->sent_end) {
        conn_close(conn);
    }
}

/* Bytes of the wire to the owner. All records of one read go up in one call, as plain TCP's bytes do. */
static void receive(struct conn *conn, uint8_t *bytes, size_t len)
{
    size_t opened = 0;
    if (conn->is_ending) {
        return; /* dropped: only the end is waited for */
    }
    if (conn->tls == NULL) {
        conn->owner->on_bytes(conn, bytes, len);
        return;
    }
    enum tls_result result = tls_open(conn->tls, bytes, len, open_slab, sizeof(open_slab), &opened);
    if (opened > 0) {
        conn->owner->on_bytes(conn, open_slab, opened);
    }
    if (conn->is_closing || result == TLS_MORE) {
        return;
    }
    if (result == TLS_CLOSED) {
        if (!conn->saw_end) {
            see_end(conn);
        }
        return;
    }
    log_event(LOG_DEBUG, "tls_failed", log_u64("connection", conn->number),
              log_text("reason", tls_reason(conn->tls)));
    if (conn->write == NULL) {
        (void)write_sealed(conn, NULL, 0); /* the alert */
    }
    fail(conn, UV_EPROTO);
}

static void on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf)
{
    struct conn *conn = stream->data;
    if (nread == 0 || conn->is_closing) {
        return;
    }
    if (nread > 0) {
        conn_runtime(conn)->stats.bytes_in += (uint64_t)nread;
        conn->read_ms = now_of(conn);
        receive(conn, (uint8_t *)buf->base, (size_t)nread);
    } else if (nread == UV_EOF) {
        see_end(conn);
    } else {
        fail(conn, (int)nread);
    }
}

void conn_feed(struct conn *conn, uint8_t *bytes, size_t len)
{
    if (len > 0 && !conn->is_ending && !conn->is_closing) {
        conn->owner->on_bytes(conn, bytes, len);
    }
}

void conn_pause(struct conn *conn)
{
    if (conn->is_paused || conn->is_ending || conn->is_closing) {
        return;
    }
    conn->is_paused = true;
    uv_read_stop((uv_stream_t *)&conn->tcp);
}

/* Records that came before somebody wanted them are opened at the turn's end. */
static void look_at_kept(struct conn *conn)
{
    if (conn->tls != NULL && tls_has_record(conn->tls)) {
        turn_add(&conn_runtime(conn)->turn, &conn->flush, flush_turn);
    }
}

void conn_resume(struct conn *conn)
{
    if (!conn->is_paused || conn->is_ending || conn->is_closing) {
        return;
    }
    conn->is_paused = false;
    if (!conn->saw_end) {
        int code = uv_read_start((uv_stream_t *)&conn->tcp, on_alloc, on_read);
        assert(code == 0); /* only a closing or unreadable handle refuses */
        (void)code;
    }
    look_at_kept(conn);
}

void conn_secure(struct conn *conn, struct tls *tls)
{
    assert(conn->tls == NULL);
    conn->tls = tls;
    turn_add(&conn_runtime(conn)->turn, &conn->flush, flush_turn);
}

/* ---- beginning, facts ---- */

static void on_refused_closed(uv_handle_t *handle)
{
    mem_free(handle->data);
}

struct conn *conn_accept(struct runtime *runtime, uv_stream_t *server, struct conn_counter *counter)
{
    struct conn *conn = mem_zalloc(sizeof(*conn));
    int code = uv_tcp_init(&runtime->loop, &conn->tcp);
    assert(code == 0); /* no socket is made yet: nothing can fail */
    conn->tcp.data = conn;
    code = uv_accept(server, (uv_stream_t *)&conn->tcp);
    if (code == 0) {
        code = uv_read_start((uv_stream_t *)&conn->tcp, on_alloc, on_read);
    }
    if (code < 0) {
        uv_close((uv_handle_t *)&conn->tcp, on_refused_closed);
        return NULL;
    }
    conn->counter = counter;
    conn->number = (uint32_t)++runtime->stats.connections_accepted;
    conn->read_ms = now_of(conn);
    return conn;
}

void conn_set_owner(struct conn *conn, const struct conn_owner *owner, void *data)
{
    conn->owner = owner;
    conn->data = data;
}

void conn_set_deadline(struct conn *conn, uint64_t delay_ms)
{
    if (conn->is_ending || conn->is_closing) {
        return;
    }
    conn->deadline_ms = delay_ms == 0 ? 0 : now_of(conn) + delay_ms;
    arm_timer(conn);
}
