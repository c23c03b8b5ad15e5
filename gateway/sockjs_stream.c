/* SPDX-License-Identifier: MIT
 *
 * A streaming response: prelude, then one chunk a frame, until its byte budget is used up.
 *
 *   start_stream() holds the exchange and attaches; on_opened() writes head, prelude and `o`;
 *   send_frame() writes the shared chunk of a frame (HTTP/1.0: the same text unchunked, made here);
 *   once the frames (not the prelude) exceed the endpoint's response_limit it takes no more (is_full), end_response()
 *   runs at the turn's end and detaches: the client asks again and the session goes on.
 *
 * A refused or ended session gets its prelude, its c frame, and a clean end (on_session_close). A client that goes
 * away is DETACH_ABORTED.
 */
#include "gateway/sockjs_stream.h"

#include "common/settings.h"
#include "gateway/cors.h"
#include "gateway/session.h"
#include "gateway/sockjs_head.h"
#include "proto/sockjs_frame.h"

#define XHR_PRELUDE_BYTES 2048
#define HTMLFILE_PRELUDE_BYTES 1024 /* Safari shows nothing before */

struct stream {
    struct transport transport;
    struct http *http;
    struct route route;    /* its texts point into the request, which HTTP keeps */
    struct turn_entry end; /* runtime::turn */
    size_t sent;           /* bytes of frames in this response */
    bool has_head;
    bool is_over;                           /* ends at the turn's end */
    bool is_refused;                        /* 404 */
    bool is_gone;                           /* the client is */
    char callback[SOCKJS_CALLBACK_MAX + 1]; /* htmlfile */
};

static struct stream *stream_of(struct transport *transport)
{
    return MEM_CONTAINER(transport, struct stream, transport);
}

static void destroy_stream(struct stream *stream)
{
    turn_remove(&stream->end);
    mem_free(stream);
}

static void end_response(struct turn_entry *entry)
{
    struct stream *stream = MEM_CONTAINER(entry, struct stream, end);
    if (stream->is_refused) {
        sockjs_respond_text(stream->http, &stream->route, 404, "No such session.");
    } else {
        http_stream_end(stream->http);
    }
    if (stream->transport.session != NULL) {
        session_detach(&stream->transport, DETACH_ENDED);
    }
    destroy_stream(stream);
}

static void end_at_turn_end(struct stream *stream)
{
    stream->is_over = true;
    turn_add(&stream->route.runtime->turn, &stream->end, end_response);
}

static void count_frame(struct stream *stream, size_t bytes)
{
    stream->sent += bytes;
    if (stream->sent > stream->route.endpoint->response_bytes_max) {
        end_at_turn_end(stream);
    }
}

static void wrap_frame(const struct stream *stream, struct buf *out, struct str frame)
{
    switch (stream->transport.ops->family) {
    case LINK_FAMILY_EVENTSOURCE:
        sockjs_wrap_eventsource(out, frame);
        break;
    case LINK_FAMILY_HTMLFILE:
        sockjs_wrap_htmlfile(out, frame);
        break;
    default:
        sockjs_wrap_xhr(out, frame);
    }
}

static void write_frame(struct stream *stream, struct str frame)
{
    struct buf out = {0};
    wrap_frame(stream, &out, frame);
    http_chunk(stream->http, buf_str(&out));
    count_frame(stream, out.len);
    buf_finish(&out);
}

static void put_xhr_prelude(struct buf *out)
{
    memset(buf_reserve(out, XHR_PRELUDE_BYTES), 'h', XHR_PRELUDE_BYTES);
    out->len += XHR_PRELUDE_BYTES;
    buf_append_byte(out, '\n');
}

static void put_htmlfile_prelude(const struct stream *stream, struct buf *out)
{
    buf_append_text(out, "<!doctype html>\n"
                         "<html><head>\n"
                         "  <meta http-equiv=\"X-UA-Compatible\" content=\"IE=edge\" />\n"
                         "  <meta http-equiv=\"Content-Type\" content=\"text/html; "
                         "charset=UTF-8\" />\n"
                         "</head><body><h2>Don't panic!</h2>\n"
                         "  <script>\n"
                         "    document.domain = document.domain;\n"
                         "    var c = parent.");
    buf_append_text(out, stream->callback);
    buf_append_text(out, ";\n"
                         "    c.start();\n"
                         "    function p(d) {c.message(d);};\n"
                         "    window.onload = function() {c.stop();};\n"
                         "  </script>");
    while (out->len < HTMLFILE_PRELUDE_BYTES) {
        buf_append_byte(out, ' ');
    }
    buf_append_text(out, "\r\n\r\n");
}

static const char *content_type(const struct stream *stream)
{
    switch (stream->transport.ops->family) {
    case LINK_FAMILY_EVENTSOURCE:
        return "text/event-stream"; /* with a charset some browsers refuse it */
    case LINK_FAMILY_HTMLFILE:
        return "text/html; charset=UTF-8";
    default:
        return "application/javascript; charset=UTF-8";
    }
}

static void write_head(struct stream *stream)
{
    const struct http1_request *request = http_request(stream->http);
    struct http_head head;
    struct buf prelude = {0};
    sockjs_head_init(&head, 200, content_type(stream), request, &stream->route);
    if (stream->transport.ops->family != LINK_FAMILY_HTMLFILE) {
        cors_add(&head, &stream->route, request);
    }
    http_head_add_text(&head, "X-Accel-Buffering", "no");
    http_stream(stream->http, &head);
    switch (stream->transport.ops->family) {
    case LINK_FAMILY_EVENTSOURCE:
        buf_append_text(&prelude, "\r\n");
        break;
    case LINK_FAMILY_HTMLFILE:
        put_htmlfile_prelude(stream, &prelude);
        break;
    default:
        put_xhr_prelude(&prelude);
    }
    http_chunk(stream->http, buf_str(&prelude));
    buf_finish(&prelude);
    stream->has_head = true;
}

static void on_opened(struct transport *transport, bool is_new)
{
    struct stream *stream = stream_of(transport);
    write_head(stream);
    if (is_new) {
        write_frame(stream, STR("o"));
    }
}

/* How many bytes of a chunk are its data. */
static size_t chunk_data_bytes(const struct payload *chunk)
{
    const uint8_t *size_end = memchr(chunk->data, '\r', chunk->len);
    size_t head = size_end == NULL ? 0 : (size_t)(size_end - chunk->data) + 2;
    return chunk->len - head - 2;
}

static void send_unchunked(struct stream *stream, struct shared_frame *frame)
{
    struct payload *string = shared_frame_encoding(frame, FRAMING_STRING);
    struct buf array = {0};
    if (string == NULL) {
        stream->route.runtime->stats.frames_unsendable++;
        return;
    }
    buf_append_text(&array, "a[");
    buf_append(&array, string->data, string->len);
    buf_append_byte(&array, ']');
    write_frame(stream, buf_str(&array));
    buf_finish(&array);
}

static void send_frame(struct transport *transport, struct shared_frame *frame)
{
    struct stream *stream = stream_of(transport);
    if (!http_is_chunked(stream->http)) {
        send_unchunked(stream, frame);
        return;
    }
    struct payload *chunk = shared_frame_encoding(frame, transport->ops->framing);
    if (chunk == NULL) {
        stream->route.runtime->stats.frames_unsendable++;
        return;
    }
    http_chunk_payload(stream->http, chunk);
    count_frame(stream, chunk_data_bytes(chunk));
}

static void beat(struct transport *transport)
{
    write_frame(stream_of(transport), STR("h"));
}

static void on_session_close(struct transport *transport, unsigned code, struct str reason)
{
    struct stream *stream = stream_of(transport);
    struct buf frame = {0};
    if (!stream->has_head) {
        write_head(stream);
    }
    if (code == 0) {
        buf_append_byte(&frame, 'h');
    } else {
        sockjs_encode_close(&frame, code, reason);
    }
    write_frame(stream, buf_str(&frame));
    buf_finish(&frame);
    end_at_turn_end(stream);
}

static void on_refuse(struct transport *transport)
{
    struct stream *stream = stream_of(transport);
    stream->is_refused = true;
    end_at_turn_end(stream);
}

static size_t queued(const struct transport *transport)
{
    const struct stream *stream = MEM_CONTAINER(transport, const struct stream, transport);
    const struct conn *conn = http_conn(stream->http);
    bool is_lost = stream->is_gone && !conn_is_acknowledged(conn);
    return conn_queued(conn) + (is_lost ? 1 : 0); /* what the kernel still held counts as untaken */
}

static bool is_full(const struct transport *transport)
{
    return MEM_CONTAINER(transport, const struct stream, transport)->is_over;
}

static enum outlook outlook(const struct transport *transport)
{
    const struct stream *stream = MEM_CONTAINER(transport, const struct stream, transport);
    if (stream->is_over) {
        return OUTLOOK_ENDING;
    }
    return conn_peek_end(http_conn(stream->http)) == 0 ? OUTLOOK_ALIVE : OUTLOOK_DEAD;
}

static const struct transport_ops xhr_ops = {
    .name = "xhr-streaming",
    .family = LINK_FAMILY_XHR,
    .framing = FRAMING_XHR_STREAMING,
    .is_sockjs = true,
    .is_http = true,
    .stats_at = offsetof(struct stats, attached_xhr_streaming),
    .opened = on_opened,
    .send = send_frame,
    .beat = beat,
    .close = on_session_close,
    .refuse = on_refuse,
    .outlook = outlook,
    .is_full = is_full,
    .queued = queued,
};

static const struct transport_ops eventsource_ops = {
    .name = "eventsource",
    .family = LINK_FAMILY_EVENTSOURCE,
    .framing = FRAMING_EVENTSOURCE,
    .is_sockjs = true,
    .is_http = true,
    .stats_at = offsetof(struct stats, attached_eventsource),
    .opened = on_opened,
    .send = send_frame,
    .beat = beat,
    .close = on_session_close,
    .refuse = on_refuse,
    .outlook = outlook,
    .is_full = is_full,
    .queued = queued,
};

static const struct transport_ops htmlfile_ops = {
    .name = "htmlfile",
    .family = LINK_FAMILY_HTMLFILE,
    .framing = FRAMING_HTMLFILE,
    .is_sockjs = true,
    .is_http = true,
    .stats_at = offsetof(struct stats, attached_htmlfile),
    .opened = on_opened,
    .send = send_frame,
    .beat = beat,
    .close = on_session_close,
    .refuse = on_refuse,
    .outlook = outlook,
    .is_full = is_full,
    .queued = queued,
};

static void on_gone(struct http *http, void *data, bool is_reset)
{
    struct stream *stream = data;
    (void)http;
    (void)is_reset;
    stream->is_gone = true;
    if (stream->transport.session != NULL) {
        session_detach(&stream->transport, stream->is_over ? DETACH_ENDED : DETACH_ABORTED);
    }
    destroy_stream(stream);
}

static const struct http_holder holder = {.on_gone = on_gone};

static void start_stream(struct http *http, const struct route *route,
                         const struct transport_ops *ops, const char *callback)
{
    struct stream *stream = mem_zalloc(sizeof *stream);
    stream->transport.ops = ops;
    stream->http = http;
    stream->route = *route;
    snprintf(stream->callback, sizeof stream->callback, "%s", callback);
    http_hold(http, &holder, stream);
    session_attach(route->sessions, route->endpoint, stream->route.session, &stream->transport);
}

void sockjs_xhr_streaming(struct http *http, const struct http1_request *request,
                          const struct route *route)
{
    if (str_equal(request->method, STR("OPTIONS"))) {
        sockjs_respond_options(http, request, route, "OPTIONS, POST");
        return;
    }
    start_stream(http, route, &xhr_ops, "");
}

void sockjs_eventsource(struct http *http, const struct http1_request *request,
                        const struct route *route)
{
    (void)request;
    start_stream(http, route, &eventsource_ops, "");
}

void sockjs_htmlfile(struct http *http, const struct http1_request *request,
                     const struct route *route)
{
    char callback[SOCKJS_CALLBACK_MAX + 1];
    if (sockjs_take_callback(http, request, route, callback)) {
        start_stream(http, route, &htmlfile_ops, callback);
    }
}
