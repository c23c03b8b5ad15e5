/* SPDX-License-Identifier: MIT
 *
 * A WebSocket connection, from the upgrade request to the close handshake.
 *
 *   accept_upgrade() checks the request, answers 101 and takes the connection over from HTTP;
 *   reading stays off until the session's claim is answered: on_opened() writes `o` (SockJS), and at the turn's
 *   end, when the service is there, feed_early() reads on, beginning with what the client sent right behind its
 *   request;
 *   on_bytes() decodes; receive_message() hands messages to the session; control frames are answered here;
 *   send_frame() queues the shared bytes of a frame;
 *   beat() pings besides SockJS's `h`, and looks whether the last ping was answered by anything.
 *
 * It ends when the session closes (on_session_close: farewell, then the close handshake), when the client
 * closes or breaks the protocol (end_by_peer), or when the stream fails (on_end). After our close frame
 * the peer has timeouts.close_ms to answer it.
 *
 * Failure modes:
 *   more pings, pongs and empty messages in a second than limits.beats: 1008; a client that pings and takes no
 *   pongs gets the latest one when it reads again (answer_ping(), on_drained());
 *   one that answers no ping for a whole heart-beat interval has gone (has_gone()), whatever TCP thinks;
 *   while nobody knows who it is, its messages are small (LOGIN_BYTES_MAX).
 *
 * Not here: compression.
 */
#include "gateway/websocket.h"

#include "common/log.h"
#include "common/rate.h"
#include "gateway/http.h"
#include "gateway/session.h"
#include "proto/sockjs_frame.h"
#include "proto/ws_frame.h"

#define MESSAGE_SLACK 4096 /* a WebSocket message may be this much longer than a STOMP frame */
#define LOGIN_BYTES_MAX                                                                            \
    ((size_t)128 << 10) /* of a message before the client is known: a frame of 64 KiB,
                                              and room for its ERROR, or for JSON's escapes */

/* What a connection needs until its session is open. */
struct websocket_start {
    struct websocket *websocket;
    struct turn_entry feed; /* runtime::turn: hands on what came early */
    struct buf early;       /* bytes that came before the claim was answered */
};

struct websocket {
    struct transport transport;
    struct conn *conn;
    const struct endpoint_settings *endpoint;
    struct websocket_start *start; /* owned; NULL once what came early was handed on */
    struct ws_decoder *decoder;    /* owned; NULL between messages: most are idle */
    struct payload
        *pong; /* owned; the latest that waits for the connection to take bytes; or NULL */
    struct rate beats;
    uint64_t pinged_ms; /* loop time of the first ping since the last byte came; 0: none */
    bool is_open;       /* the claim was answered */
    bool is_known;      /* the client may send messages of full length */
    bool has_said_bye;  /* our close frame is queued */
};

static void write_message(struct websocket *websocket, enum ws_opcode opcode, struct str payload)
{
    struct buf out = {0};
    ws_encode(&out, opcode, payload);
    conn_write(websocket->conn, out.data, out.len);
    buf_finish(&out);
}

/* Our close frame. The peer's answer, or the deadline, ends the connection. */
static void say_bye(struct websocket *websocket, unsigned code, struct str reason)
{
    if (websocket->has_said_bye) {
        return;
    }
    struct buf out = {0};
    ws_encode_close(&out, (uint16_t)code, reason);
    conn_write(websocket->conn, out.data, out.len);
    buf_finish(&out);
    websocket->has_said_bye = true;
    conn_resume(websocket->conn);
    conn_set_deadline(websocket->conn, conn_runtime(websocket->conn)->settings->timeouts.close_ms);
}

/* The client closed, or broke the protocol: the session hears of it, the connection ends. */
static void end_by_peer(struct websocket *websocket, unsigned code, struct str reason)
{
    if (websocket->transport.session != NULL) {
        session_end(&websocket->transport, code, reason);
    }
    say_bye(websocket, code, reason);
    conn_end(websocket->conn);
}

static void receive_sockjs(struct websocket *websocket, struct str text)
{
    struct sockjs_messages messages = {0};
    size_t count_max = websocket->endpoint->limits.sockjs_messages_max;
    if (text.len == 0) {
        session_touch(&websocket->transport);
        return;
    }
    int code = sockjs_decode(text, count_max, true, &messages);
    if (code < 0) {
        end_by_peer(websocket, 1007, STR("Broken framing."));
        return;
    }
    session_touch(&websocket->transport);
    for (size_t i = 0; i < messages.count && websocket->transport.session != NULL; i++) {
        session_receive(&websocket->transport, messages.items[i], false);
    }
    sockjs_messages_finish(&messages);
}

static void receive_close(struct websocket *websocket, const struct ws_message *message)
{
    /* RFC 6455 7.1.5: 1005 means that no code was there; it never travels. */
    unsigned answer = message->close_code == 1005 ? 0 : message->close_code;
    if (websocket->transport.session != NULL) {
        session_end(&websocket->transport, message->close_code, message->data);
    }
    say_bye(websocket, answer, (struct str){"", 0});
    conn_end(websocket->conn);
}

/* RFC 6455 5.5.3: of several pings it is enough to answer the latest. */
static void answer_ping(struct websocket *websocket, struct str data)
{
    struct buf out = {0};
    ws_encode(&out, WS_PONG, data);
    if (conn_is_full(websocket->conn)) {
        payload_release(websocket->pong);
        websocket->pong = payload_copy(out.data, out.len);
    } else {
        conn_write(websocket->conn, out.data, out.len);
    }
    buf_finish(&out);
}

/* Control frames and empty messages cost their sender next to nothing. */
static bool is_within_rate(struct websocket *websocket, const struct ws_message *message)
{
    bool is_beat =
        message->opcode == WS_PING || message->opcode == WS_PONG || message->data.len == 0;
    return !is_beat || rate_take(&websocket->beats, runtime_now(conn_runtime(websocket->conn)), 1,
                                 websocket->endpoint->limits.beats_max);
}

static void receive_message(struct websocket *websocket, const struct ws_message *message)
{
    if (message->opcode == WS_CLOSE) {
        receive_close(websocket, message);
        return;
    }
    if (websocket->transport.session == NULL) {
        return; /* it ended; the close handshake is all that is left */
    }
    if (!is_within_rate(websocket, message)) {
        end_by_peer(websocket, 1008, STR("Too many heart-beats"));
        return;
    }
    switch (message->opcode) {
    case WS_PING:
        session_touch(&websocket->transport);
        answer_ping(websocket, message->data);
        break;
    case WS_PONG:
        session_touch(&websocket->transport);
        break;
    case WS_BINARY:
        if (websocket->transport.ops->is_sockjs) {
            end_by_peer(websocket, 1003, STR("Binary messages not supported"));
            break;
        }
        session_receive(&websocket->transport, message->data, true);
        break;
    default:
        if (websocket->transport.ops->is_sockjs) {
            receive_sockjs(websocket, message->data);
        } else {
            session_receive(&websocket->transport, message->data, false);
        }
        break;
    }
}

static bool is_over(const struct websocket *websocket)
{
    return websocket->conn->is_ending || websocket->conn->is_closing;
}

/* JSON escapes make a SockJS message longer than the frame it carries. */
static size_t message_bytes_max(const struct websocket *websocket)
{
    const struct limits_settings *limits = &websocket->endpoint->limits;
    bool is_sockjs = websocket->transport.ops->is_sockjs;
    size_t plain = limits->message_bytes_max + MESSAGE_SLACK;
    size_t body = limits->sockjs_body_bytes_max;
    size_t max = is_sockjs && body > plain ? body : plain;
    return websocket->is_known || max < LOGIN_BYTES_MAX ? max : LOGIN_BYTES_MAX;
}

static void note_client(struct websocket *websocket)
{
    const struct transport *transport = &websocket->transport;
    if (!websocket->is_known && transport->session != NULL && session_knows_client(transport)) {
        websocket->is_known = true;
    }
}

/* A connection has a decoder of its own only in the middle of a message. */
static void keep_decoder(struct websocket *websocket, struct ws_decoder *decoder)
{
    if (ws_decoder_is_idle(decoder)) {
        ws_decoder_finish(decoder);
        websocket->decoder = NULL;
        return;
    }
    ws_decoder_trim(decoder);
    websocket->decoder = mem_alloc(sizeof *decoder);
    *websocket->decoder = *decoder;
}

static void take_decoder(struct websocket *websocket, struct ws_decoder *out_decoder)
{
    if (websocket->decoder == NULL) {
        ws_decoder_init(out_decoder, 0, websocket->endpoint->limits.fragments_max);
    } else {
        *out_decoder = *websocket->decoder;
        mem_free(websocket->decoder);
        websocket->decoder = NULL;
    }
}

static void on_bytes(struct conn *conn, uint8_t *bytes, size_t len)
{
    struct websocket *websocket = conn->data;
    if (!websocket->is_open && websocket->transport.session != NULL) {
        buf_append(&websocket->start->early, bytes, len);
        return;
    }
    struct ws_decoder decoder;
    take_decoder(websocket, &decoder);
    while (len > 0 && !is_over(websocket)) {
        struct ws_message message;
        size_t consumed = 0;
        note_client(websocket);
        decoder.message_bytes_max = message_bytes_max(websocket);
        int result = ws_decode(&decoder, bytes, len, &consumed, &message);
        if (result < 0) {
            end_by_peer(websocket, (unsigned)-result, (struct str){"", 0});
            break;
        }
        bytes += consumed;
        len -= consumed;
        if (result == DECODE_FRAME) {
            receive_message(websocket, &message);
        }
    }
    keep_decoder(websocket, &decoder);
}

/* Who only closed its half still gets what was queued. */
static void on_end(struct conn *conn, int code)
{
    struct websocket *websocket = conn->data;
    if (websocket->transport.session != NULL) {
        session_detach(&websocket->transport, DETACH_ABORTED);
    }
    if (code == 0) {
        conn_end(conn);
    } else {
        conn_close(conn);
    }
}

static void on_drained(struct conn *conn)
{
    struct websocket *websocket = conn->data;
    struct payload *pong = websocket->pong;
    websocket->pong = NULL;
    if (pong != NULL && websocket->has_said_bye) {
        payload_release(pong); /* nothing follows a close frame */
    } else if (pong != NULL) {
        conn_take_payload(conn, pong);
    }
}

static void on_deadline(struct conn *conn)
{
    conn_end(conn); /* the peer did not answer our close frame */
}

static void finish_start(struct websocket *websocket)
{
    struct websocket_start *start = websocket->start;
    if (start != NULL) {
        websocket->start = NULL;
        turn_remove(&start->feed);
        buf_finish(&start->early);
        mem_free(start);
    }
}

static void on_closed(struct conn *conn)
{
    struct websocket *websocket = conn->data;
    if (websocket->transport.session != NULL) {
        session_detach(&websocket->transport, DETACH_ABORTED);
    }
    finish_start(websocket);
    payload_release(websocket->pong);
    if (websocket->decoder != NULL) {
        ws_decoder_finish(websocket->decoder);
        mem_free(websocket->decoder);
    }
    mem_free(websocket);
}

static const struct conn_owner conn_owner = {
    .on_bytes = on_bytes,
    .on_end = on_end,
    .on_drained = on_drained,
    .on_deadline = on_deadline,
    .on_closed = on_closed,
};

static struct websocket *websocket_of(struct transport *transport)
{
    return MEM_CONTAINER(transport, struct websocket, transport);
}

static void feed_early(struct turn_entry *entry)
{
    struct websocket_start *start = MEM_CONTAINER(entry, struct websocket_start, feed);
    struct websocket *websocket = start->websocket;
    conn_feed(websocket->conn, start->early.data, start->early.len);
    finish_start(websocket);
}

static void on_opened(struct transport *transport, bool is_new)
{
    struct websocket *websocket = websocket_of(transport);
    (void)is_new; /* a WebSocket's session always begins with it */
    websocket->is_open = true;
    if (transport->ops->is_sockjs) {
        write_message(websocket, WS_TEXT, STR("o"));
    }
    conn_resume(websocket->conn);
    turn_add(&conn_runtime(websocket->conn)->turn, &websocket->start->feed, feed_early);
}

static void send_frame(struct transport *transport, struct shared_frame *frame)
{
    struct websocket *websocket = websocket_of(transport);
    struct payload *bytes = shared_frame_encoding(frame, transport->ops->framing);
    if (bytes == NULL) {
        conn_runtime(websocket->conn)->stats.frames_unsendable++;
        return;
    }
    conn_write_payload(websocket->conn, bytes);
}

/* Nothing came since a ping: no pong, and nothing else. While we do not read ourselves nobody can be gone. */
static bool has_gone(struct websocket *websocket, uint64_t now)
{
    const struct conn *conn = websocket->conn;
    if (websocket->pinged_ms == 0 || conn->read_ms >= websocket->pinged_ms || conn->is_paused) {
        websocket->pinged_ms = now;
        return false;
    }
    return now - websocket->pinged_ms >=
           conn_runtime(websocket->conn)->settings->heartbeat.floor_ms;
}

static void beat(struct transport *transport)
{
    struct websocket *websocket = websocket_of(transport);
    if (has_gone(websocket, runtime_now(conn_runtime(websocket->conn)))) {
        session_detach(transport, DETACH_ABORTED);
        conn_close(websocket->conn);
        return;
    }
    if (transport->ops->is_sockjs) {
        write_message(websocket, WS_TEXT, STR("h"));
    }
    write_message(websocket, WS_PING, (struct str){"", 0});
}

/* Codes that may stand in a close frame (RFC 6455 7.4); SockJS's own become 1008. */
static unsigned wire_code(unsigned code)
{
    bool is_known = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
    if (is_known || (code >= 3000 && code <= 4999)) {
        return code;
    }
    return code == 0 ? 1001 : 1008;
}

static void on_session_close(struct transport *transport, unsigned code, struct str reason)
{
    struct websocket *websocket = websocket_of(transport);
    websocket->is_open = true; /* from now on bytes are read for the peer's close frame only */
    if (websocket->has_said_bye || is_over(websocket)) {
        return;
    }
    if (transport->ops->is_sockjs && code != 0) {
        struct buf farewell = {0};
        sockjs_encode_close(&farewell, code, reason);
        write_message(websocket, WS_TEXT, buf_str(&farewell));
        buf_finish(&farewell);
    }
    say_bye(websocket, wire_code(code), reason);
}

static size_t queued(const struct transport *transport)
{
    const struct websocket *websocket = MEM_CONTAINER(transport, const struct websocket, transport);
    return conn_queued(websocket->conn);
}

static void pause_reading(struct transport *transport, bool stop)
{
    struct websocket *websocket = websocket_of(transport);
    if (stop) {
        conn_pause(websocket->conn);
    } else {
        websocket->pinged_ms = 0; /* its pong may lie unread in the kernel */
        conn_resume(websocket->conn);
    }
}

static const struct transport_ops sockjs_ops = {
    .name = "websocket",
    .family = LINK_FAMILY_WEBSOCKET,
    .framing = FRAMING_SOCKJS_WEBSOCKET,
    .is_sockjs = true,
    .stats_at = offsetof(struct stats, attached_websocket),
    .opened = on_opened,
    .send = send_frame,
    .beat = beat,
    .close = on_session_close,
    .queued = queued,
    .pause = pause_reading,
};

static const struct transport_ops raw_ops = {
    .name = "raw-websocket",
    .family = LINK_FAMILY_WEBSOCKET,
    .framing = FRAMING_WEBSOCKET,
    .stats_at = offsetof(struct stats, attached_raw_websocket),
    .opened = on_opened,
    .send = send_frame,
    .beat = beat,
    .close = on_session_close,
    .queued = queued,
    .pause = pause_reading,
};

/* The highest STOMP version the client offers; absent when it offers none that we speak. */
static struct str choose_protocol(const struct http1_request *request)
{
    static const struct str known[] = {{"v12.stomp", 9}, {"v11.stomp", 9}, {"v10.stomp", 9}};
    for (size_t i = 0; i < MEM_COUNT(known); i++) {
        for (size_t at = 0; at < request->header_count; at++) {
            const struct http1_header *header = &request->headers[at];
            if (str_equal_nocase(header->name, STR("Sec-WebSocket-Protocol")) &&
                http1_list_has(header->value, known[i])) {
                return known[i];
            }
        }
    }
    return (struct str){NULL, 0};
}

static void refuse_version(struct http *http)
{
    struct http_head head;
    http_head_init(&head, 426);
    http_head_add_text(&head, "Upgrade", "websocket");
    http_head_add_text(&head, "Sec-WebSocket-Version", "13");
    http_head_add_text(&head, "Content-Type", "text/plain; charset=UTF-8");
    http_end_after(http);
    http_respond(http, &head, STR("WebSocket version 13 is required.\n"));
}

/* RFC 6455 4.2.1. Answers the request and returns false when it is no handshake for us. */
static bool check_handshake(struct http *http, const struct http1_request *request,
                            char out_accept[WS_ACCEPT_LEN])
{
    const struct str *upgrade = http1_header(request, "Upgrade");
    if (!request->asks_upgrade || upgrade == NULL || !http1_list_has(*upgrade, STR("websocket")) ||
        request->minor == 0) {
        http_end_after(http);
        http_respond_text(http, 400, "Not a valid websocket request");
        return false;
    }
    const struct str *version = http1_header(request, "Sec-WebSocket-Version");
    if (version == NULL || !str_equal(*version, STR("13"))) {
        refuse_version(http);
        return false;
    }
    const struct str *key = http1_header(request, "Sec-WebSocket-Key");
    if (key == NULL || http1_header_count(request, "Sec-WebSocket-Key") != 1 ||
        !ws_accept(*key, out_accept)) {
        http_end_after(http);
        http_respond_text(http, 400, "Not a valid websocket request");
        return false;
    }
    return true;
}

static void write_switching(struct conn *conn, const char accept[WS_ACCEPT_LEN],
                            struct str protocol)
{
    struct buf out = {0};
    buf_append_text(&out, "HTTP/1.1 101 Switching Protocols\r\n"
                          "Upgrade: websocket\r\n"
                          "Connection: Upgrade\r\n"
                          "Sec-WebSocket-Accept: ");
    buf_append(&out, accept, WS_ACCEPT_LEN);
    if (protocol.at != NULL) {
        buf_append_text(&out, "\r\nSec-WebSocket-Protocol: ");
        buf_append_str(&out, protocol);
    }
    buf_append_text(&out, "\r\n\r\n");
    conn_write(conn, out.data, out.len);
    buf_finish(&out);
}

static void accept_upgrade(struct http *http, const struct http1_request *request,
                           const struct route *route, const struct transport_ops *ops)
{
    char accept[WS_ACCEPT_LEN];
    if (!check_handshake(http, request, accept)) {
        return;
    }
    struct str protocol = ops->is_sockjs ? (struct str){NULL, 0} : choose_protocol(request);
    struct websocket *websocket = mem_zalloc(sizeof *websocket);
    struct sessions *sessions = route->sessions;
    websocket->transport.ops = ops;
    websocket->endpoint = route->endpoint;
    websocket->start = mem_zalloc(sizeof *websocket->start);
    websocket->start->websocket = websocket;
    write_switching(http_conn(http), accept, protocol);
    websocket->conn = http_upgrade(http, &websocket->start->early);
    conn_set_owner(websocket->conn, &conn_owner, websocket);
    conn_pause(websocket->conn);
    session_begin(sessions, websocket->endpoint, &websocket->endpoint->limits,
                  &websocket->transport);
}

void websocket_sockjs(struct http *http, const struct http1_request *request,
                      const struct route *route)
{
    accept_upgrade(http, request, route, &sockjs_ops);
}

void websocket_raw(struct http *http, const struct http1_request *request,
                   const struct route *route)
{
    accept_upgrade(http, request, route, &raw_ops);
}
