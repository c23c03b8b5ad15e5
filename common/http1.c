/* SPDX-License-Identifier: MIT
 *
 * HTTP/1 requests from bytes (RFC 9112): llhttp between a stricter machine before it and rules
 * behind it.
 *
 * Happy path:
 *   http1_feed() gives head bytes to http1_scan_bytes(), then the good ones to llhttp, whose
 *   callbacks gather target, names and values in one buffer;
 *   end_head() points the request at that buffer and asks http1_rules_apply(); without a body that
 *   is all;
 *   feed_body() lets llhttp take the body's framing off; it stops at each chunk's edge, so that the
 *   bytes between chunks can be counted; a trailer is a head again: scanned, counted, dropped;
 *   finish_request() stops behind the last byte. http1_next() forgets the request with its memory.
 *
 * Whatever refuses first, refuses for good: status and reason stay until destruction. Bytes split
 * differently give the same requests, refusals and limits: what was good before a bad byte is
 * handed on first. An upgrade needs no treatment of its own: such a request has no body, and llhttp
 * starts anew for each request.
 */
#include "common/http1.h"

#include <assert.h>

#include <llhttp.h>

#include "common/http1_rules.h"
#include "common/http1_scan.h"
#include "common/mem.h"

#define CHUNK_LINE_BYTES 256 /* size, extensions and line ends before a chunk */
#define HEADERS_FIRST 8

static_assert(LLHTTP_VERSION_MAJOR > 8 || (LLHTTP_VERSION_MAJOR == 8 && LLHTTP_VERSION_MINOR >= 1),
              "llhttp 8.1 or later");
#if LLHTTP_VERSION_MAJOR == 8
static_assert(LLHTTP_STRICT_MODE == 1, "llhttp 8 is safe in strict mode only");
#endif

enum state { IN_HEAD, IN_BODY, IN_TRAILER, IS_COMPLETE, IS_BAD };

struct http1 {
    const struct http1_limits *limits; /* borrowed */
    llhttp_t parser;
    struct http1_scan scan;
    enum state state;
    struct http1_refusal refusal;
    struct http1_request request;
    struct http1_header *headers; /* owned; lengths only until the head is complete */
    size_t headers_cap;
    struct buf text; /* target, name, value, name, value... without gaps */
    struct buf body;
    struct buf trailer_name;
    size_t chunk_line_bytes;
    struct http1_framing framing;
    bool has_name; /* the line's name is under way */
    bool has_head; /* llhttp has seen the head's end */
    bool has_end;  /* llhttp has seen the message's end */
    bool in_chunk;
};

static int refuse(struct http1 *http1, unsigned status, const char *reason)
{
    if (http1->refusal.status == 0) {
        http1->refusal = (struct http1_refusal){status, reason};
    }
    return HPE_USER;
}

static int on_url(llhttp_t *parser, const char *at, size_t len)
{
    struct http1 *http1 = parser->data;
    buf_append(&http1->text, at, len);
    http1->request.target.len += len;
    return 0;
}

static struct http1_header *last_header(struct http1 *http1)
{
    return &http1->headers[http1->request.header_count - 1];
}

static void add_header(struct http1 *http1)
{
    size_t count = http1->request.header_count++;
    if (count == http1->headers_cap) {
        http1->headers_cap = count == 0 ? HEADERS_FIRST : count * 2;
        http1->headers = mem_realloc(http1->headers, http1->headers_cap * sizeof(*http1->headers));
    }
    http1->headers[count] = (struct http1_header){{NULL, 0}, {NULL, 0}};
}

static int on_header_field(llhttp_t *parser, const char *at, size_t len)
{
    struct http1 *http1 = parser->data;
    if (http1->state == IN_TRAILER) {
        buf_append(&http1->trailer_name, at, len);
        return 0;
    }
    if (!http1->has_name) {
        add_header(http1);
        http1->has_name = true;
    }
    buf_append(&http1->text, at, len);
    last_header(http1)->name.len += len;
    return 0;
}

static int on_header_field_complete(llhttp_t *parser)
{
    struct http1 *http1 = parser->data;
    http1->has_name = false;
    if (http1_rules_forbid_in_trailer(buf_str(&http1->trailer_name))) {
        return refuse(http1, 400, "A trailer cannot say where a message ends or whom it is for.");
    }
    http1->trailer_name.len = 0;
    return 0;
}

static int on_header_value(llhttp_t *parser, const char *at, size_t len)
{
    struct http1 *http1 = parser->data;
    if (http1->state == IN_HEAD) {
        buf_append(&http1->text, at, len);
        last_header(http1)->value.len += len;
    }
    return 0;
}

static int on_headers_complete(llhttp_t *parser)
{
    struct http1 *http1 = parser->data;
    http1->has_head = true;
    return 0;
}

static int refuse_body(struct http1 *http1)
{
    return refuse(http1, 413, "The request body is too long.");
}

/* Pausing tells run_parser()'s caller where the chunk begins, or the trailer. */
static int on_chunk_header(llhttp_t *parser)
{
    struct http1 *http1 = parser->data;
    if (parser->content_length > http1->limits->body_bytes - http1->body.len) {
        return refuse_body(http1);
    }
    http1->in_chunk = true;
    return HPE_PAUSED;
}

static int on_chunk_complete(llhttp_t *parser)
{
    struct http1 *http1 = parser->data;
    http1->in_chunk = false;
    return http1->state == IN_TRAILER ? 0 : HPE_PAUSED;
}

static int on_body(llhttp_t *parser, const char *at, size_t len)
{
    struct http1 *http1 = parser->data;
    if (len > http1->limits->body_bytes - http1->body.len) {
        return refuse_body(http1);
    }
    buf_append(&http1->body, at, len);
    return 0;
}

static int on_message_complete(llhttp_t *parser)
{
    struct http1 *http1 = parser->data;
    http1->has_end = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_header_field = on_header_field,
    .on_header_field_complete = on_header_field_complete,
    .on_header_value = on_header_value,
    .on_headers_complete = on_headers_complete,
    .on_chunk_header = on_chunk_header,
    .on_chunk_complete = on_chunk_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

/* Expects a request; memory of the last one is gone. */
static void begin_request(struct http1 *http1)
{
    llhttp_init(&http1->parser, HTTP_REQUEST, &settings);
    http1->parser.data = http1;
    http1_scan_head(&http1->scan, http1->limits);
    http1->state = IN_HEAD;
    http1->request = (struct http1_request){.header_count = 0};
    http1->chunk_line_bytes = 0;
    http1->has_name = http1->has_head = http1->has_end = http1->in_chunk = false;
}

static void forget_request(struct http1 *http1)
{
    mem_free(http1->headers);
    http1->headers = NULL;
    http1->headers_cap = 0;
    buf_finish(&http1->text);
    buf_finish(&http1->body);
    buf_finish(&http1->trailer_name);
}

struct http1 *http1_create(const struct http1_limits *limits)
{
    struct http1 *http1 = mem_zalloc(sizeof(*http1));
    http1->limits = limits;
    begin_request(http1);
    return http1;
}

void http1_destroy(struct http1 *http1)
{
    if (http1 != NULL) {
        forget_request(http1);
        mem_free(http1);
    }
}

/* How many bytes llhttp took; fewer than `len` when it paused or refused. */
static size_t run_parser(struct http1 *http1, const char *bytes, size_t len)
{
    if (len == 0) {
        return 0;
    }
    llhttp_errno_t code = llhttp_execute(&http1->parser, bytes, len);
    if (code == HPE_OK) {
        return len;
    }
    if (code == HPE_INVALID_METHOD) {
        (void)refuse(http1, 501, "This method is not known.");
        return 0;
    }
    if (code != HPE_PAUSED) {
        (void)refuse(http1, 400, "The request is malformed.");
        return 0;
    }
    llhttp_resume(&http1->parser);
    return (size_t)(llhttp_get_error_pos(&http1->parser) - bytes);
}

static enum http1_result finish_request(struct http1 *http1)
{
    http1->request.body = buf_str(&http1->body);
    http1->request.expects_continue = false;
    http1->state = IS_COMPLETE;
    return HTTP1_REQUEST;
}

static void point_request(struct http1 *http1)
{
    struct http1_request *request = &http1->request;
    const char *at = buf_str(&http1->text).at;
    request->method = str_of(http1->scan.method);
    request->minor = http1->scan.minor;
    request->target.at = at;
    at += request->target.len;
    for (size_t i = 0; i < request->header_count; i++) {
        struct http1_header *header = &http1->headers[i];
        header->name.at = at;
        header->value.at = at + header->name.len;
        at = header->value.at + header->value.len;
        header->value = str_trim(header->value);
    }
    request->headers = http1->headers;
    request->body = STR("");
}

/* The two parsers must agree about what has ended, or somebody else will disagree with us too. */
static enum http1_result end_head(struct http1 *http1)
{
    point_request(http1);
    if (!http1_rules_apply(&http1->request, &http1->framing, &http1->refusal)) {
        return HTTP1_BAD;
    }
    bool has_body = http1->framing.is_chunked || http1->framing.content_length > 0;
    if (!http1->has_head || http1->has_end == has_body) {
        (void)refuse(http1, 400, "The request is malformed.");
        return HTTP1_BAD;
    }
    if (!has_body) {
        return finish_request(http1);
    }
    if (http1->framing.content_length > http1->limits->body_bytes) {
        (void)refuse_body(http1);
        return HTTP1_BAD;
    }
    http1->state = IN_BODY;
    return http1->request.expects_continue ? HTTP1_CONTINUE : HTTP1_MORE;
}

static enum http1_result end_trailer(struct http1 *http1)
{
    if (!http1->has_end) {
        (void)refuse(http1, 400, "The request is malformed.");
        return HTTP1_BAD;
    }
    return finish_request(http1);
}

/* Head and trailer: scanned, then parsed. */
static enum http1_result feed_lines(struct http1 *http1, const char *bytes, size_t len,
                                    size_t *out_consumed)
{
    size_t good = http1_scan_bytes(&http1->scan, bytes, len);
    size_t taken = run_parser(http1, bytes, good);
    *out_consumed = taken;
    if (taken < good) {
        (void)refuse(http1, 400, "The request is malformed.");
    }
    if (http1->refusal.status == 0) {
        http1->refusal = http1->scan.refusal;
    }
    if (http1->refusal.status != 0) {
        return HTTP1_BAD;
    }
    if (!http1->scan.is_done) {
        return HTTP1_MORE;
    }
    return http1->state == IN_HEAD ? end_head(http1) : end_trailer(http1);
}

/* Bytes before a chunk's data are no part of the body and would have no end otherwise: llhttp is
 * given no more of them than may be. */
static enum http1_result feed_chunk_line(struct http1 *http1, const char *bytes, size_t len,
                                         size_t *out_consumed)
{
    size_t room = CHUNK_LINE_BYTES - http1->chunk_line_bytes;
    if (room == 0) {
        (void)refuse(http1, 400, "A chunk's size line is too long.");
        return HTTP1_BAD;
    }
    *out_consumed = run_parser(http1, bytes, len < room ? len : room);
    http1->chunk_line_bytes += *out_consumed;
    if (http1->refusal.status != 0) {
        return HTTP1_BAD;
    }
    if (http1->in_chunk) {
        http1->chunk_line_bytes = 0;
        if (http1->parser.content_length == 0) {
            http1_scan_trailer(&http1->scan);
            http1->state = IN_TRAILER;
        }
    }
    return HTTP1_MORE;
}

static enum http1_result feed_body(struct http1 *http1, const char *bytes, size_t len,
                                   size_t *out_consumed)
{
    if (http1->framing.is_chunked && !http1->in_chunk) {
        return feed_chunk_line(http1, bytes, len, out_consumed);
    }
    *out_consumed = run_parser(http1, bytes, len);
    if (http1->refusal.status != 0) {
        return HTTP1_BAD;
    }
    return http1->has_end ? finish_request(http1) : HTTP1_MORE;
}

enum http1_result http1_feed(struct http1 *http1, const void *bytes, size_t len,
                             size_t *out_consumed)
{
    assert(http1->state != IS_COMPLETE);
    enum http1_result result = http1->state == IS_BAD ? HTTP1_BAD : HTTP1_MORE;
    size_t at = 0;
    while (result == HTTP1_MORE && at < len) {
        size_t taken = 0;
        const char *rest = (const char *)bytes + at;
        result = http1->state == IN_BODY ? feed_body(http1, rest, len - at, &taken)
                                         : feed_lines(http1, rest, len - at, &taken);
        at += taken;
    }
    if (result == HTTP1_BAD) {
        http1->state = IS_BAD;
    }
    *out_consumed = at;
    return result;
}

const struct http1_request *http1_request(const struct http1 *http1)
{
    return &http1->request;
}

void http1_next(struct http1 *http1)
{
    assert(http1->state == IS_COMPLETE);
    forget_request(http1);
    begin_request(http1);
}

unsigned http1_bad_status(const struct http1 *http1)
{
    return http1->refusal.status;
}

const char *http1_bad_reason(const struct http1 *http1)
{
    return http1->refusal.reason;
}

bool http1_is_midway(const struct http1 *http1)
{
    return http1->state != IN_HEAD || http1_scan_is_midway(&http1->scan);
}

bool http1_has_headers(const struct http1 *http1)
{
    return http1->state == IN_BODY || http1->state == IN_TRAILER || http1->state == IS_COMPLETE;
}
