/* SPDX-License-Identifier: MIT
 *
 * HTTP/1.x on one connection (RFC 9112).
 *
 * Happy path:
 *   - http_start() takes the conn; on_bytes() feeds the parser (read_requests());
 *   - a complete request goes to the router's on_request; the phase is PHASE_ANSWER until the
 *     answer is complete: http_respond(), or http_stream() ... http_stream_end();
 *   - finish_answer() ends the connection, or makes it idle; requests that came meanwhile are
 *     read from `pending` at the turn's end (resume()), never from inside the call that
 *     completed the answer;
 *   - http_upgrade() lets go of the conn inside on_request.
 *
 * Failure modes:
 *   - a refused request: answered with its status, then the connection ends (refuse());
 *   - a request that does not come in time: 408 and the end; an idle connection: just the end
 *     (on_deadline());
 *   - the peer goes while an answer is open: the holder's on_gone (on_end(), on_closed());
 *   - the peer pipelines without reading: no request is looked at while HTTP_QUEUE_MAX bytes
 *     wait to be written.
 *
 *          first byte            head complete         body complete
 *   FIRST ----------------> HEAD --------------> BODY ----------------> ANSWER --> IDLE, or OVER
 *   IDLE  --------------------^
 */
#include "gateway/http.h"

#include <assert.h>

#include "common/log.h"
#include "common/mem.h"

#define HTTP_QUEUE_MAX (64u << 10)
#define COMING_MS 1000 /* since the last byte: the rest of the request is under way */
#define METHODS "GET, HEAD, POST, OPTIONS"

enum phase {
    PHASE_FIRST,    /* nothing came yet; deadline http_header since the connection's start */
    PHASE_IDLE,     /* between requests; deadline http_keep_alive */
    PHASE_HEAD,     /* deadline http_header since its first byte */
    PHASE_BODY,     /* deadline http_body since the head's end */
    PHASE_ANSWER,   /* on_request was called, the answer is not complete; no deadline */
    PHASE_UPGRADED, /* given away: goes when on_request returns */
    PHASE_OVER,     /* the last answer is complete */
};

struct http {
    struct conn *conn;
    struct http1 *parser; /* owned */
    http_request_cb on_request;
    void *data;
    const struct http_holder *holder; /* NULL: not held */
    void *holder_data;
    struct turn_entry resume; /* runtime::turn */
    struct buf pending;       /* what came behind the request that is being answered */
    struct str rest;          /* the same while on_request runs: still in the conn's buffer */
    enum phase phase;
    bool has_head;    /* of the answer: written */
    bool is_chunked;  /* a stream on HTTP/1.1 */
    bool ends_after;  /* this answer is the connection's last */
    bool in_requests; /* read_requests() is on the stack */
};

static void on_resume(struct turn_entry *entry);

/* ---- heads ---- */

static const char *reason_of(unsigned status)
{
    static const struct {
        unsigned status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {204, "No Content"},
        {301, "Moved Permanently"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {417, "Expectation Failed"},
        {426, "Upgrade Required"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < MEM_COUNT(reasons); i++) {
        if (reasons[i].status == status) {
            return reasons[i].reason;
        }
    }
    return "";
}

void http_head_init(struct http_head *head, unsigned status)
{
    *head = (struct http_head){.status = status};
}

/* The one place that writes field values: no answer can be split by what is in them. */
void http_head_add(struct http_head *head, const char *name, struct str value)
{
    for (size_t i = 0; i < value.len; i++) {
        assert(value.at[i] != '\r' && value.at[i] != '\n' && value.at[i] != '\0');
    }
    buf_append_text(&head->fields, name);
    buf_append_text(&head->fields, ": ");
    buf_append_str(&head->fields, value);
    buf_append_text(&head->fields, "\r\n");
}

void http_head_add_text(struct http_head *head, const char *name, const char *value)
{
    http_head_add(head, name, str_of(value));
}

void http_head_finish(struct http_head *head)
{
    buf_finish(&head->fields);
}

/* Status line and fields without the empty line; finishes `head`. */
static void write_head(struct http *http, struct buf *out, struct http_head *head)
{
    const struct http1_request *request = http1_request(http->parser);
    buf_append_format(out, "HTTP/1.1 %u %s\r\n", head->status, reason_of(head->status));
    buf_append_str(out, buf_str(&head->fields));
    buf_append_text(out, "X-Content-Type-Options: nosniff\r\n");
    if (http->ends_after) {
        buf_append_text(out, "Connection: close\r\n");
    } else if (request->minor == 0) {
        buf_append_text(out, "Connection: keep-alive\r\n");
    }
    http_head_finish(head);
    http->has_head = true;
}

/* ---- phases ---- */

static struct runtime *runtime_of(const struct http *http)
{
    return conn_runtime(http->conn);
}

static void set_phase(struct http *http, enum phase phase)
{
    const struct timeouts_settings *timeouts = &runtime_of(http)->settings->timeouts;
    uint64_t delay = 0;
    if (phase == http->phase) {
        return; /* deadlines are absolute: more bytes of the same do not move them */
    }
    assert(http->phase != PHASE_UPGRADED && http->phase != PHASE_OVER);
    http->phase = phase;
    switch (phase) {
    case PHASE_FIRST:
    case PHASE_HEAD:
        delay = timeouts->http_header_ms;
        break;
    case PHASE_IDLE:
        delay = timeouts->http_keep_alive_ms;
        break;
    case PHASE_BODY:
        delay = timeouts->http_body_ms;
        break;
    default:
        break;
    }
    conn_set_deadline(http->conn, delay);
}

/* The connection's first request has its time from the connection's start, also when its first
 * bytes came. */
static void note_progress(struct http *http)
{
    if (http1_has_headers(http->parser)) {
        set_phase(http, PHASE_BODY);
    } else if (http1_is_midway(http->parser) && http->phase == PHASE_IDLE) {
        set_phase(http, PHASE_HEAD);
    } else if (http1_is_midway(http->parser) && http->phase == PHASE_FIRST) {
        http->phase = PHASE_HEAD;
    }
}

static void end_conn(struct http *http)
{
    set_phase(http, PHASE_OVER);
    buf_finish(&http->pending);
    conn_end(http->conn);
}

/* The answer is complete. */
static void finish_answer(struct http *http)
{
    assert(http->phase == PHASE_ANSWER);
    http->holder = NULL;
    if (http->ends_after) {
        end_conn(http);
        return;
    }
    http->has_head = false;
    http->is_chunked = false;
    http1_next(http->parser);
    set_phase(http, PHASE_IDLE);
    if (!http->in_requests && (http->pending.len > 0 || http->conn->saw_end)) {
        turn_add(&runtime_of(http)->turn, &http->resume, on_resume);
    }
}

/* ---- answers ---- */

static void begin_answer(struct http *http)
{
    assert(http->phase == PHASE_ANSWER && !http->has_head);
    http->ends_after = http->ends_after || runtime_of(http)->is_draining;
}

static bool has_body(const struct http *http, unsigned status)
{
    return status != 204 && status != 304 &&
           !str_equal(http1_request(http->parser)->method, STR("HEAD"));
}

static void write_full_head(struct http *http, struct buf *out, struct http_head *head,
                            size_t body_len)
{
    unsigned status = head->status;
    begin_answer(http);
    write_head(http, out, head);
    if (status != 204 && status != 304) {
        buf_append_format(out, "Content-Length: %zu\r\n", body_len);
    }
    buf_append_text(out, "\r\n");
}

void http_respond(struct http *http, struct http_head *head, struct str body)
{
    struct buf out = {0};
    bool with_body = has_body(http, head->status);
    write_full_head(http, &out, head, body.len);
    if (with_body) {
        buf_append_str(&out, body);
    }
    conn_write(http->conn, out.data, out.len);
    buf_finish(&out);
    finish_answer(http);
}

void http_respond_payload(struct http *http, struct http_head *head, struct payload *body)
{
    struct buf out = {0};
    bool with_body = has_body(http, head->status);
    write_full_head(http, &out, head, body->len);
    conn_write(http->conn, out.data, out.len);
    buf_finish(&out);
    if (with_body) {
        conn_write_payload(http->conn, body);
    }
    finish_answer(http);
}

bool http_matches_etag(const struct http1_request *request, const char *etag)
{
    const struct str *header = http1_header(request, "If-None-Match");
    struct str rest = header == NULL ? (struct str){NULL, 0} : *header;
    struct str tag;
    while (str_next(&rest, ',', &tag)) {
        tag = str_trim(tag);
        if (str_starts(tag, STR("W/"))) {
            tag = (struct str){tag.at + 2, tag.len - 2};
        }
        if (str_equal(tag, STR("*")) || str_equal(tag, str_of(etag))) {
            return true;
        }
    }
    return false;
}

void http_respond_text(struct http *http, unsigned status, const char *text)
{
    struct http_head head;
    http_head_init(&head, status);
    http_head_add_text(&head, "Content-Type", "text/plain; charset=UTF-8");
    http_head_add_text(&head, "Cache-Control", HTTP_NOT_CACHED);
    http_respond(http, &head, str_of(text));
}

void http_hold(struct http *http, const struct http_holder *holder, void *data)
{
    assert(http->phase == PHASE_ANSWER && http->holder == NULL);
    http->holder = holder;
    http->holder_data = data;
}

void http_stream(struct http *http, struct http_head *head)
{
    struct buf out = {0};
    begin_answer(http);
    http->is_chunked = http1_request(http->parser)->minor > 0;
    http->ends_after = http->ends_after || !http->is_chunked;
    write_head(http, &out, head);
    buf_append_text(&out, http->is_chunked ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n");
    conn_write(http->conn, out.data, out.len);
    buf_finish(&out);
}

void http_put_chunk(struct buf *out, struct str bytes)
{
    assert(bytes.len > 0); /* an empty chunk would end the response */
    buf_append_format(out, "%zx\r\n", bytes.len);
    buf_append_str(out, bytes);
    buf_append_text(out, "\r\n");
}

void http_chunk(struct http *http, struct str bytes)
{
    assert(http->phase == PHASE_ANSWER && http->has_head);
    if (!http->is_chunked) {
        conn_write(http->conn, bytes.at, bytes.len);
        return;
    }
    struct buf out = {0};
    http_put_chunk(&out, bytes);
    conn_write(http->conn, out.data, out.len);
    buf_finish(&out);
}

void http_chunk_payload(struct http *http, struct payload *chunk)
{
    assert(http->phase == PHASE_ANSWER && http->is_chunked);
    conn_write_payload(http->conn, chunk);
}

bool http_is_chunked(const struct http *http)
{
    return http1_request(http->parser)->minor > 0;
}

void http_stream_end(struct http *http)
{
    assert(http->has_head);
    if (http->is_chunked) {
        conn_write(http->conn, "0\r\n\r\n", 5);
    }
    finish_answer(http);
}

void http_end_after(struct http *http)
{
    http->ends_after = true;
}

const struct http1_request *http_request(const struct http *http)
{
    return http1_request(http->parser);
}

struct conn *http_conn(struct http *http)
{
    return http->conn;
}

/* ---- requests ---- */

static void destroy_http(struct http *http)
{
    turn_remove(&http->resume);
    http1_destroy(http->parser);
    buf_finish(&http->pending);
    mem_free(http);
}

/* An answer to what is no request: none of it is repeated. */
static void refuse(struct http *http, unsigned status, const char *reason)
{
    struct buf out = {0};
    runtime_of(http)->stats.http_bad_requests++;
    log_event(LOG_DEBUG, "request_refused", log_u64("connection", http->conn->number),
              log_u64("status", status), log_text("reason", reason));
    buf_append_format(&out,
                      "HTTP/1.1 %u %s\r\n"
                      "Content-Type: text/plain; charset=UTF-8\r\n"
                      "Cache-Control: " HTTP_NOT_CACHED "\r\n"
                      "X-Content-Type-Options: nosniff\r\n"
                      "%sConnection: close\r\n"
                      "Content-Length: %zu\r\n\r\n%s\n",
                      status, reason_of(status), status == 405 ? "Allow: " METHODS "\r\n" : "",
                      strlen(reason) + 1, reason);
    conn_write(http->conn, out.data, out.len);
    buf_finish(&out);
    end_conn(http);
}

/* The exchange under way, if any, is over: nobody reads its answer. */
static void tell_gone(struct http *http, bool is_reset)
{
    const struct http_holder *holder = http->holder;
    if (holder != NULL) {
        http->holder = NULL;
        http->phase = PHASE_OVER;
        holder->on_gone(http, http->holder_data, is_reset);
    }
}

/* A client that asked and left at once must not look alive to its own next request, which may be
 * in the same turn: a session has one receiver. */
static void check_gone(struct http *http)
{
    int code = http->holder == NULL ? 0 : conn_peek_end(http->conn);
    if (code < 0) {
        tell_gone(http, code != UV_EOF);
        conn_close(http->conn);
    }
}

static void handle_request(struct http *http)
{
    const struct http1_request *request = http1_request(http->parser);
    runtime_of(http)->stats.http_requests++;
    set_phase(http, PHASE_ANSWER);
    http->ends_after = !request->keeps_alive || request->asks_upgrade;
    http->on_request(http, request, http->data);
    assert(http->phase != PHASE_ANSWER || http->holder != NULL);
    check_gone(http);
}

/* False when the connection wants no more bytes now: the rest is to be kept. */
static bool may_read(const struct http *http)
{
    return http->phase < PHASE_ANSWER && conn_queued(http->conn) <= HTTP_QUEUE_MAX;
}

/* Feeds the parser as far as answers allow; what is left is in http->rest. False when `http` is
 * gone. */
static bool read_requests(struct http *http, const uint8_t *bytes, size_t len)
{
    http->rest = (struct str){(const char *)bytes, len};
    http->in_requests = true;
    while (http->rest.len > 0 && may_read(http)) {
        size_t consumed = 0;
        enum http1_result result =
            http1_feed(http->parser, http->rest.at, http->rest.len, &consumed);
        http->rest.at += consumed;
        http->rest.len -= consumed;
        switch (result) {
        case HTTP1_MORE:
            note_progress(http);
            break;
        case HTTP1_CONTINUE:
            note_progress(http);
            conn_write(http->conn, "HTTP/1.1 100 Continue\r\n\r\n", 25);
            break;
        case HTTP1_BAD:
            refuse(http, http1_bad_status(http->parser), http1_bad_reason(http->parser));
            break;
        case HTTP1_REQUEST:
            handle_request(http);
            break;
        }
        if (http->phase == PHASE_UPGRADED) {
            destroy_http(http);
            return false;
        }
    }
    http->in_requests = false;
    return true;
}

/* Keeps what read_requests() left, for later. */
static void keep_rest(struct http *http)
{
    if (http->phase == PHASE_OVER) {
        return;
    }
    if (http->rest.len > 0) {
        buf_append_str(&http->pending, http->rest);
    }
    if (http->pending.len >= HTTP_PENDING_MAX) {
        conn_pause(http->conn);
    }
    if (http->phase < PHASE_ANSWER && http->pending.len > 0) {
        turn_add(&runtime_of(http)->turn, &http->resume, on_resume);
    }
}

static void on_bytes(struct conn *conn, uint8_t *bytes, size_t len)
{
    struct http *http = conn->data;
    if (http->phase == PHASE_OVER) {
        return;
    }
    if (http->pending.len > 0 || !may_read(http)) {
        http->rest = (struct str){(const char *)bytes, len};
        keep_rest(http);
    } else if (read_requests(http, bytes, len)) {
        keep_rest(http);
    }
}

/* After the peer's FIN: who waits for an answer has gone; else what was asked before is answered
 * first. */
static void follow_end(struct http *http)
{
    if (http->holder != NULL) {
        tell_gone(http, false);
        conn_close(http->conn);
    } else if (http->pending.len == 0 && http->phase < PHASE_ANSWER) {
        end_conn(http);
    }
}

/* Reads what was kept. When still too much waits to be written, on_drained() comes back to it. */
static void resume(struct http *http)
{
    struct buf kept = http->pending;
    if (!may_read(http)) {
        return;
    }
    http->pending = (struct buf){0};
    if (read_requests(http, kept.data, kept.len)) {
        keep_rest(http);
        if (http->pending.len < HTTP_PENDING_MAX) {
            conn_resume(http->conn);
        }
        if (http->conn->saw_end) {
            follow_end(http);
        }
    }
    buf_finish(&kept);
}

static void on_resume(struct turn_entry *entry)
{
    resume(MEM_CONTAINER(entry, struct http, resume));
}

/* ---- the connection's events ---- */

static void on_end(struct conn *conn, int code)
{
    struct http *http = conn->data;
    if (code < 0) {
        tell_gone(http, true);
    } else {
        follow_end(http);
    }
}

static void on_drained(struct conn *conn)
{
    struct http *http = conn->data;
    if (http->holder != NULL) {
        if (http->holder->on_drained != NULL) {
            http->holder->on_drained(http, http->holder_data);
        }
    } else if (http->pending.len > 0) {
        resume(http);
    }
}

static void on_deadline(struct conn *conn)
{
    struct http *http = conn->data;
    if (http->phase == PHASE_HEAD || http->phase == PHASE_BODY) {
        refuse(http, 408, "The request did not come in time.");
    } else {
        end_conn(http);
    }
}

static void on_closed(struct conn *conn)
{
    struct http *http = conn->data;
    tell_gone(http, true);
    destroy_http(http);
}

/* Half a request of which nothing more comes is nothing to wait for. */
static bool is_busy(const struct conn *conn)
{
    const struct http *http = conn->data;
    bool is_coming = runtime_now(runtime_of(http)) - conn->read_ms < COMING_MS;
    bool is_in_request = http->phase == PHASE_HEAD || http->phase == PHASE_BODY;
    return http->phase == PHASE_ANSWER || (is_in_request && is_coming);
}

static const struct conn_owner conn_owner = {
    .is_busy = is_busy,
    .on_bytes = on_bytes,
    .on_end = on_end,
    .on_drained = on_drained,
    .on_deadline = on_deadline,
    .on_closed = on_closed,
};

void http_start(struct conn *conn, const struct http1_limits *limits, http_request_cb on_request,
                void *data)
{
    struct http *http = mem_zalloc(sizeof(*http));
    http->conn = conn;
    http->parser = http1_create(limits);
    http->on_request = on_request;
    http->data = data;
    conn_set_owner(conn, &conn_owner, http);
    conn_set_deadline(conn, conn_runtime(conn)->settings->timeouts.http_header_ms);
}

struct conn *http_upgrade(struct http *http, struct buf *out_rest)
{
    assert(http->phase == PHASE_ANSWER && http->in_requests && http->holder == NULL);
    *out_rest = (struct buf){0};
    buf_append_str(out_rest, http->rest);
    set_phase(http, PHASE_UPGRADED);
    return http->conn;
}
