/* SPDX-License-Identifier: MIT
 *
 * Length-prefixed messages over a Unix socket.
 *
 * Happy path:
 *   link_end() leaves the message in `out` and asks for the turn's end;
 *   flush_out() offers all of `out` to the kernel at once (uv_try_write); what it does not take is
 *   swapped into `writing` and left to uv_write; on_written() flushes what has gathered meanwhile;
 *   on_read() hands the slab to feed_bytes(), which dispatches whole messages where they lie and
 *   keeps only the unfinished rest in `in`.
 *
 * Failure modes, each told by on_lost once, never from inside link_end():
 *   the pipe fails or ends: libuv's code; a length of 0 or beyond the limit: ERR_PROTOCOL; the
 *   handler refuses: its code; `queue_bytes_max` passed: ERR_LIMIT at the turn's end; no byte taken
 *   for `stall_ms`: ERR_LIMIT.
 *   From then on nothing is read or written until link_close().
 *
 * A stall is noticed by looking at libuv's queue a few times in `stall_ms`: a slow reader is not a
 * stalled one.
 */
#include "common/link.h"

#include <assert.h>
#include <sys/socket.h>

#include "common/err.h"

#define SLAB_BYTES (64u * 1024)
#define LENGTH_BYTES 4u
#define HEAD_BYTES (LENGTH_BYTES + 1) /* length and type */
#define NO_MESSAGE SIZE_MAX
#define STALL_LOOKS 4

/* One for the process: libuv reads and calls on_read() before it asks for another. */
static char slab[SLAB_BYTES];

/* A buffer that one big message has blown up is not kept. */
static void empty_buf(struct buf *buf)
{
    buf->len = 0;
    if (buf->cap > 2 * SLAB_BYTES) {
        buf_finish(buf);
    }
}

static void stop_work(struct link *link)
{
    uv_read_stop((uv_stream_t *)&link->pipe);
    turn_remove(&link->flush);
    wheel_remove(link->wheel, &link->stall);
    if (link->message_start == NO_MESSAGE) {
        buf_finish(&link->out);
    }
}

static void lose(struct link *link, int code)
{
    if (link->is_lost || link->is_closing) {
        return;
    }
    link->is_lost = true;
    stop_work(link);
    link->handler->on_lost(link, code);
}

/* The queue limit is passed deep inside somebody's walk over links: say so when that is over. */
static void on_overfull(struct turn_entry *entry)
{
    struct link *link = MEM_CONTAINER(entry, struct link, flush);
    link->handler->on_lost(link, ERR_LIMIT);
}

static void lose_later(struct link *link)
{
    link->is_lost = true;
    stop_work(link);
    turn_add(link->turn, &link->flush, on_overfull);
}

static void on_flush(struct turn_entry *entry);

static void on_written(uv_write_t *write, int status)
{
    struct link *link = MEM_CONTAINER(write, struct link, write);
    link->is_writing = false;
    empty_buf(&link->writing);
    if (link->is_closing || link->is_lost) {
        return;
    }
    wheel_remove(link->wheel, &link->stall);
    if (status < 0) {
        lose(link, status);
    } else if (link->out.len > 0) {
        turn_add(link->turn, &link->flush, on_flush);
    }
}

static void on_stall_look(struct wheel_entry *entry);

static void look_later(struct link *link)
{
    wheel_add(link->wheel, &link->stall, link->options.stall_ms / STALL_LOOKS, on_stall_look);
}

static void on_stall_look(struct wheel_entry *entry)
{
    struct link *link = MEM_CONTAINER(entry, struct link, stall);
    size_t bytes = uv_stream_get_write_queue_size((uv_stream_t *)&link->pipe);
    uint64_t now = wheel_now(link->wheel);
    if (bytes < link->stall_bytes) {
        link->stall_bytes = bytes;
        link->stall_at_ms = now;
    } else if (now - link->stall_at_ms >= link->options.stall_ms) {
        lose(link, ERR_LIMIT);
        return;
    }
    look_later(link);
}

/* The first `taken` bytes of `out` are gone; libuv gets the rest. */
static int start_write(struct link *link, size_t taken)
{
    struct buf emptied = link->writing;
    link->writing = link->out;
    link->out = emptied;
    size_t left = link->writing.len - taken;
    uv_buf_t rest = uv_buf_init((char *)link->writing.data + taken, (unsigned)left);
    int code = uv_write(&link->write, (uv_stream_t *)&link->pipe, &rest, 1, on_written);
    if (code < 0) {
        return code;
    }
    link->is_writing = true;
    link->stall_bytes = left;
    link->stall_at_ms = wheel_now(link->wheel);
    look_later(link);
    return 0;
}

static int flush_out(struct link *link)
{
    if (link->is_writing || link->out.len == 0) {
        return 0;
    }
    assert(link->out.len <= UINT32_MAX);
    uv_buf_t all = uv_buf_init((char *)link->out.data, (unsigned)link->out.len);
    int taken = uv_try_write((uv_stream_t *)&link->pipe, &all, 1);
    if (taken < 0 && taken != UV_EAGAIN) {
        return taken;
    }
    size_t len = taken < 0 ? 0 : (size_t)taken;
    if (len < link->out.len) {
        return start_write(link, len);
    }
    empty_buf(&link->out);
    return 0;
}

static void on_flush(struct turn_entry *entry)
{
    struct link *link = MEM_CONTAINER(entry, struct link, flush);
    int code = flush_out(link);
    if (code < 0) {
        lose(link, code);
    }
}

/* Bytes of the message at `bytes`, all told; 0 while its length is not there; false when it cannot
 * be. */
static bool measure_message(const uint8_t *bytes, size_t len, size_t *out_total)
{
    *out_total = 0;
    if (len < LENGTH_BYTES) {
        return true;
    }
    uint32_t rest =
        (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
    *out_total = LENGTH_BYTES + rest;
    return rest > 0 && rest <= LINK_MESSAGE_BYTES_MAX;
}

/* False when the link is not to be read any further. */
static bool dispatch_message(struct link *link, const uint8_t *message, size_t total)
{
    link->received++;
    struct str body = {(const char *)message + HEAD_BYTES, total - HEAD_BYTES};
    int code = link->handler->on_message(link, message[LENGTH_BYTES], body);
    if (code < 0) {
        lose(link, code);
    }
    return !link->is_closing && !link->is_lost;
}

/* Moves bytes of `rest` behind those of `in` until these are one message, and dispatches it. */
static bool complete_partial(struct link *link, const uint8_t **rest, size_t *len)
{
    while (link->in.len > 0 && *len > 0) {
        size_t total;
        (void)measure_message(link->in.data, link->in.len, &total);
        size_t missing = (total == 0 ? LENGTH_BYTES : total) - link->in.len;
        size_t taken = missing < *len ? missing : *len;
        buf_append(&link->in, *rest, taken);
        *rest += taken;
        *len -= taken;
        if (!measure_message(link->in.data, link->in.len, &total)) {
            lose(link, ERR_PROTOCOL);
            return false;
        }
        if (total > 0 && link->in.len == total) {
            bool goes_on = dispatch_message(link, link->in.data, total);
            empty_buf(&link->in);
            if (!goes_on) {
                return false;
            }
        }
    }
    return true;
}

static void feed_bytes(struct link *link, const uint8_t *bytes, size_t len)
{
    if (!complete_partial(link, &bytes, &len)) {
        return;
    }
    for (;;) {
        size_t total;
        if (!measure_message(bytes, len, &total)) {
            lose(link, ERR_PROTOCOL);
            return;
        }
        if (total == 0 || total > len) {
            buf_append(&link->in, bytes, len);
            return;
        }
        if (!dispatch_message(link, bytes, total)) {
            return;
        }
        bytes += total;
        len -= total;
    }
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out_buf)
{
    (void)handle;
    (void)suggested;
    *out_buf = uv_buf_init(slab, sizeof(slab));
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *bytes)
{
    struct link *link = MEM_CONTAINER(stream, struct link, pipe);
    if (len < 0) {
        lose(link, (int)len);
    } else if (len > 0) {
        feed_bytes(link, (const uint8_t *)bytes->base, (size_t)len);
    }
}

int link_open(struct link *link, struct turn *turn, struct wheel *wheel,
              const struct link_options *options, const struct link_handler *handler)
{
    link->handler = handler;
    link->turn = turn;
    link->wheel = wheel;
    link->options = *options;
    link->flush = (struct turn_entry){{NULL, NULL}, NULL};
    link->stall = (struct wheel_entry){{NULL, NULL}, 0, NULL};
    link->out = link->writing = link->in = (struct buf){NULL, 0, 0};
    link->message_start = NO_MESSAGE;
    link->stall_bytes = 0;
    link->stall_at_ms = 0;
    link->sent = link->received = 0;
    link->is_writing = link->is_lost = link->is_closing = false;
    return uv_read_start((uv_stream_t *)&link->pipe, on_alloc, on_read);
}

struct buf *link_begin(struct link *link, uint8_t type)
{
    assert(link->message_start == NO_MESSAGE);
    link->message_start = link->out.len;
    memset(buf_reserve(&link->out, HEAD_BYTES), 0, LENGTH_BYTES);
    link->out.data[link->out.len + LENGTH_BYTES] = type;
    link->out.len += HEAD_BYTES;
    return &link->out;
}

void link_end(struct link *link)
{
    size_t start = link->message_start;
    assert(start != NO_MESSAGE);
    size_t len = link->out.len - start - LENGTH_BYTES;
    assert(len <= LINK_MESSAGE_BYTES_MAX);
    link->message_start = NO_MESSAGE;
    if (link->is_lost || link->is_closing) {
        buf_finish(&link->out);
        return;
    }
    for (size_t i = 0; i < LENGTH_BYTES; i++) {
        link->out.data[start + i] = (uint8_t)(len >> (8 * (LENGTH_BYTES - 1 - i)));
    }
    link->sent++;
    if (link_queued(link) > link->options.queue_bytes_max) {
        lose_later(link);
    } else {
        turn_add(link->turn, &link->flush, on_flush);
    }
}

size_t link_queued(const struct link *link)
{
    return link->out.len + uv_stream_get_write_queue_size((const uv_stream_t *)&link->pipe);
}

static void on_pipe_closed(uv_handle_t *handle)
{
    struct link *link = MEM_CONTAINER(handle, struct link, pipe);
    buf_finish(&link->out);
    buf_finish(&link->writing);
    buf_finish(&link->in);
    link->handler->on_closed(link);
}

void link_close(struct link *link)
{
    if (link->is_closing) {
        return;
    }
    link->is_closing = true;
    stop_work(link);
    uv_close((uv_handle_t *)&link->pipe, on_pipe_closed);
}

void link_flush_and_close(struct link *link)
{
    if (!link->is_lost && !link->is_closing && !link->is_writing && link->out.len > 0) {
        uv_buf_t all = uv_buf_init((char *)link->out.data, (unsigned)link->out.len);
        (void)uv_try_write((uv_stream_t *)&link->pipe, &all, 1);
    }
    link_close(link);
}

int link_peer_uid(const struct link *link, unsigned *out_uid)
{
    uv_os_fd_t fd;
    int code = uv_fileno((const uv_handle_t *)&link->pipe, &fd);
    if (code < 0) {
        return code;
    }
    struct ucred peer;
    socklen_t len = sizeof(peer);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0) {
        return ERR_DENIED;
    }
    *out_uid = peer.uid;
    return 0;
}
