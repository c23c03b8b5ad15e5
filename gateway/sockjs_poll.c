/* SPDX-License-Identifier: MIT
 *
 * A poll: one HTTP request that waits for one SockJS frame.
 *
 *   start_poll() holds the exchange and attaches; what comes first decides the answer: `o` of a new session
 *   (on_opened), messages (on_ready), a heart-beat (beat), or the end (on_session_close);
 *   respond() runs at the turn's end, so that messages of one turn go in one a[...], answers, and detaches.
 *
 * A client that goes away while it waits is DETACH_ABORTED (on_gone). Nothing is answered from inside a call of
 * the session: it may still be using the transport.
 */
#include "gateway/sockjs_poll.h"

#include "common/settings.h"
#include "gateway/cors.h"
#include "gateway/session.h"
#include "gateway/sockjs_head.h"
#include "proto/sockjs_frame.h"

#define FRAMES_PER_POLL 256

struct poll {
    struct transport transport;
    struct http *http;
    struct route route;      /* its texts point into the request, which HTTP keeps */
    struct turn_entry flush; /* runtime::turn */
    struct buf frame;        /* the answer; empty: a[...] of what the session has queued */
    bool is_refused;         /* 404 */
    char callback[SOCKJS_CALLBACK_MAX + 1]; /* JSONP; "" for xhr */
};

static struct poll *poll_of(struct transport *transport)
{
    return MEM_CONTAINER(transport, struct poll, transport);
}

static void destroy_poll(struct poll *poll)
{
    turn_remove(&poll->flush);
    buf_finish(&poll->frame);
    mem_free(poll);
}

/* All that is queued, as one a[...] frame. */
static void take_messages(struct poll *poll)
{
    struct shared_frame *frames[FRAMES_PER_POLL];
    size_t count = session_take(poll->transport.session, frames, FRAMES_PER_POLL,
                                poll->route.endpoint->response_bytes_max);
    bool has_any = false;
    buf_append_text(&poll->frame, "a[");
    for (size_t i = 0; i < count; i++) {
        struct payload *string = shared_frame_encoding(frames[i], FRAMING_STRING);
        if (string == NULL) {
            poll->route.runtime->stats.frames_unsendable++;
        } else {
            if (has_any) {
                buf_append_byte(&poll->frame, ',');
            }
            buf_append(&poll->frame, string->data, string->len);
            has_any = true;
        }
        shared_frame_release(frames[i]);
    }
    buf_append_byte(&poll->frame, ']');
    if (!has_any) {
        poll->frame.len = 0;
    }
}

static void write_answer(struct poll *poll)
{
    const struct http1_request *request = http_request(poll->http);
    bool is_jsonp = poll->callback[0] != '\0';
    struct http_head head;
    struct buf body = {0};
    sockjs_head_init(&head, 200, "application/javascript; charset=UTF-8", request, &poll->route);
    if (is_jsonp) {
        sockjs_wrap_jsonp(&body, str_of(poll->callback), buf_str(&poll->frame));
    } else {
        cors_add(&head, &poll->route, request);
        sockjs_wrap_xhr(&body, buf_str(&poll->frame));
    }
    http_respond(poll->http, &head, buf_str(&body));
    buf_finish(&body);
}

static void respond(struct turn_entry *entry)
{
    struct poll *poll = MEM_CONTAINER(entry, struct poll, flush);
    if (poll->is_refused) {
        sockjs_respond_text(poll->http, &poll->route, 404, "No such session.");
        destroy_poll(poll);
        return;
    }
    if (poll->frame.len == 0 && poll->transport.session != NULL) {
        take_messages(poll);
    }
    if (poll->frame.len == 0) {
        if (poll->transport.session != NULL) {
            session_go_on_waiting(&poll->transport); /* nothing that could be sent */
        }
        return;
    }
    write_answer(poll);
    if (poll->transport.session != NULL) {
        session_detach(&poll->transport, DETACH_ENDED);
    }
    destroy_poll(poll);
}

static void answer_at_turn_end(struct poll *poll)
{
    turn_add(&poll->route.runtime->turn, &poll->flush, respond);
}

static void answer_with(struct poll *poll, const char *frame)
{
    if (poll->frame.len == 0) {
        buf_append_text(&poll->frame, frame);
    }
    answer_at_turn_end(poll);
}

static void on_opened(struct transport *transport, bool is_new)
{
    if (is_new) {
        answer_with(poll_of(transport), "o");
    }
}

static void on_ready(struct transport *transport)
{
    answer_at_turn_end(poll_of(transport));
}

static void beat(struct transport *transport)
{
    answer_with(poll_of(transport), "h");
}

static void on_session_close(struct transport *transport, unsigned code, struct str reason)
{
    struct poll *poll = poll_of(transport);
    if (code == 0) {
        answer_with(poll, "h");
        return;
    }
    if (poll->frame.len == 0) {
        sockjs_encode_close(&poll->frame, code, reason);
    }
    answer_at_turn_end(poll);
}

static void on_refuse(struct transport *transport)
{
    struct poll *poll = poll_of(transport);
    poll->is_refused = true;
    answer_at_turn_end(poll);
}

static size_t queued(const struct transport *transport)
{
    (void)transport; /* what waits for a poll is in the session's queue */
    return 0;
}

static enum outlook outlook(const struct transport *transport)
{
    const struct poll *poll = MEM_CONTAINER(transport, const struct poll, transport);
    if (list_is_linked(&poll->flush.node)) {
        return OUTLOOK_ENDING;
    }
    return conn_peek_end(http_conn(poll->http)) == 0 ? OUTLOOK_ALIVE : OUTLOOK_DEAD;
}

static const struct transport_ops xhr_ops = {
    .name = "xhr-polling",
    .family = LINK_FAMILY_XHR,
    .framing = FRAMING_STRING,
    .is_sockjs = true,
    .is_http = true,
    .stats_at = offsetof(struct stats, attached_xhr_polling),
    .opened = on_opened,
    .ready = on_ready,
    .beat = beat,
    .close = on_session_close,
    .refuse = on_refuse,
    .outlook = outlook,
    .queued = queued,
};

static const struct transport_ops jsonp_ops = {
    .name = "jsonp-polling",
    .family = LINK_FAMILY_JSONP,
    .framing = FRAMING_STRING,
    .is_sockjs = true,
    .is_http = true,
    .stats_at = offsetof(struct stats, attached_jsonp_polling),
    .opened = on_opened,
    .ready = on_ready,
    .beat = beat,
    .close = on_session_close,
    .refuse = on_refuse,
    .outlook = outlook,
    .queued = queued,
};

static void on_gone(struct http *http, void *data, bool is_reset)
{
    struct poll *poll = data;
    (void)http;
    (void)is_reset;
    if (poll->transport.session != NULL) {
        session_detach(&poll->transport, DETACH_ABORTED);
    }
    destroy_poll(poll);
}

static const struct http_holder holder = {.on_gone = on_gone};

static void start_poll(struct http *http, const struct route *route,
                       const struct transport_ops *ops, const char *callback)
{
    struct poll *poll = mem_zalloc(sizeof *poll);
    poll->transport.ops = ops;
    poll->http = http;
    poll->route = *route;
    snprintf(poll->callback, sizeof poll->callback, "%s", callback);
    http_hold(http, &holder, poll);
    session_attach(route->sessions, route->endpoint, poll->route.session, &poll->transport);
}

void sockjs_xhr(struct http *http, const struct http1_request *request, const struct route *route)
{
    if (str_equal(request->method, STR("OPTIONS"))) {
        sockjs_respond_options(http, request, route, "OPTIONS, POST");
        return;
    }
    start_poll(http, route, &xhr_ops, "");
}

void sockjs_jsonp(struct http *http, const struct http1_request *request, const struct route *route)
{
    char callback[SOCKJS_CALLBACK_MAX + 1];
    if (sockjs_take_callback(http, request, route, callback)) {
        start_poll(http, route, &jsonp_ops, callback);
    }
}
