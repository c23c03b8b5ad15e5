/* SPDX-License-Identifier: MIT
 *
 * Shared encodings of one outgoing frame: made when first asked for, kept as long as the frame.
 *
 * What is private to a connection (HTTP/1.0 streams, JSONP callbacks, several frames in one poll)
 * starts from FRAMING_STRING and is the transport's business.
 */
#include "gateway/shared_frame.h"

#include "common/mem.h"
#include "gateway/stats.h"
#include "proto/sockjs_frame.h"
#include "proto/utf8.h"
#include "proto/ws_frame.h"

static struct shared_frame *create(struct payload *raw, struct stats *stats)
{
    struct shared_frame *frame = mem_zalloc(sizeof *frame);
    frame->refs = 1;
    frame->stats = stats;
    frame->raw = raw;
    return frame;
}

static struct str raw_text(const struct shared_frame *frame)
{
    return (struct str){(const char *)frame->raw->data, frame->raw->len};
}

struct shared_frame *shared_frame_create(struct payload *raw, struct stats *stats)
{
    struct shared_frame *frame = create(raw, stats);
    frame->is_text = utf8_is_valid(raw_text(frame));
    return frame;
}

struct shared_frame *shared_frame_create_wtf8(struct payload *raw, struct stats *stats)
{
    struct shared_frame *frame = create(raw, stats);
    frame->is_text = true;
    frame->is_wtf8 = true;
    return frame;
}

struct shared_frame *shared_frame_create_binary(struct payload *raw, struct stats *stats)
{
    return create(raw, stats);
}

struct shared_frame *shared_frame_share(struct shared_frame *frame)
{
    frame->refs++;
    return frame;
}

void shared_frame_release(struct shared_frame *frame)
{
    if (frame == NULL || --frame->refs > 0) {
        return;
    }
    payload_release(frame->raw);
    for (size_t i = 0; i < FRAMING_COUNT; i++) {
        payload_release(frame->encodings[i]);
    }
    mem_free(frame);
}

/* One HTTP chunk around `bytes`. */
static void put_chunk(struct buf *out, const struct buf *bytes)
{
    buf_append_format(out, "%zx\r\n", bytes->len);
    buf_append(out, bytes->data, bytes->len);
    buf_append_text(out, "\r\n");
}

static void put_array(struct buf *out, const struct shared_frame *frame)
{
    buf_append_text(out, "a[");
    sockjs_encode_string(out, raw_text(frame));
    buf_append_text(out, "]");
}

static void encode_tcp(struct buf *out, const struct shared_frame *frame)
{
    const struct payload *raw = frame->raw;
    buf_append(out, raw->data, raw->len);
    if (raw->len > 0 && raw->data[raw->len - 1] == '\0') {
        buf_append_byte(out, '\n');
    }
}

static void encode_websocket(struct buf *out, const struct shared_frame *frame)
{
    bool is_text = frame->is_text && (!frame->is_wtf8 || utf8_is_valid(raw_text(frame)));
    ws_encode(out, is_text ? WS_TEXT : WS_BINARY, raw_text(frame));
}

static void encode_sockjs_websocket(struct buf *out, const struct shared_frame *frame)
{
    struct buf array = {0};
    put_array(&array, frame);
    ws_encode(out, WS_TEXT, buf_str(&array));
    buf_finish(&array);
}

static void encode_stream(struct buf *out, const struct shared_frame *frame,
                          void (*wrap)(struct buf *, struct str))
{
    struct buf array = {0};
    struct buf wrapped = {0};
    put_array(&array, frame);
    wrap(&wrapped, buf_str(&array));
    put_chunk(out, &wrapped);
    buf_finish(&wrapped);
    buf_finish(&array);
}

static void encode_xhr_streaming(struct buf *out, const struct shared_frame *frame)
{
    encode_stream(out, frame, sockjs_wrap_xhr);
}

static void encode_eventsource(struct buf *out, const struct shared_frame *frame)
{
    encode_stream(out, frame, sockjs_wrap_eventsource);
}

static void encode_htmlfile(struct buf *out, const struct shared_frame *frame)
{
    encode_stream(out, frame, sockjs_wrap_htmlfile);
}

static void encode_string(struct buf *out, const struct shared_frame *frame)
{
    sockjs_encode_string(out, raw_text(frame));
}

static const struct framing_row {
    void (*encode)(struct buf *out, const struct shared_frame *frame);
    bool needs_text;
} framings[FRAMING_COUNT] = {
    [FRAMING_TCP] = {encode_tcp, false},
    [FRAMING_WEBSOCKET] = {encode_websocket, false},
    [FRAMING_SOCKJS_WEBSOCKET] = {encode_sockjs_websocket, true},
    [FRAMING_XHR_STREAMING] = {encode_xhr_streaming, true},
    [FRAMING_EVENTSOURCE] = {encode_eventsource, true},
    [FRAMING_HTMLFILE] = {encode_htmlfile, true},
    [FRAMING_STRING] = {encode_string, true},
};

struct payload *shared_frame_encoding(struct shared_frame *frame, enum framing framing)
{
    const struct framing_row *row = &framings[framing];
    if (frame->encodings[framing] != NULL) {
        return frame->encodings[framing];
    }
    if (row->needs_text && !frame->is_text) {
        return NULL;
    }
    struct buf out = {0};
    buf_reserve(&out, frame->raw->len + 64);
    row->encode(&out, frame);
    frame->encodings[framing] = payload_copy(out.data, out.len);
    buf_finish(&out);
    if (frame->stats != NULL) {
        frame->stats->encodings++;
    }
    return frame->encodings[framing];
}
