/* SPDX-License-Identifier: MIT
 *
 * HTTP/1.x on one connection: requests one at a time within limits and deadlines, responses of
 * fixed length or in chunks (RFC 9112).
 *
 *   http_start() makes the connection HTTP's; each complete request calls `on_request`;
 *   the handler answers at once (http_respond), or keeps the exchange and answers later: then it
 *   must have called http_hold(), and hears of a client that went away;
 *   a stream is http_stream(), http_chunk()..., http_stream_end().
 *
 * The next pipelined request is looked at when the answer before is complete. After an answer to
 * a request whose body was not read, or on HTTP/1.0 without keep-alive, or while draining, the
 * connection ends. While an answer is open at most HTTP_PENDING_MAX bytes of what comes behind
 * its request are kept; then reading pauses. Every response carries X-Content-Type-Options:
 * nosniff. Field values with CR, LF or NUL are a bug: assert.
 */
#pragma once

#include "common/http1.h"
#include "gateway/conn.h"

#define HTTP_PENDING_MAX (16u << 10)
#define HTTP_NOT_CACHED "no-store, no-cache, no-transform, must-revalidate, max-age=0"

struct http;

/* `request` and what it points at live until the answer is complete. */
typedef void (*http_request_cb)(struct http *http, const struct http1_request *request, void *data);

struct http_holder {
    /* The client went away, or the connection failed, before the answer was complete.
     * `is_reset`: not by a clean FIN. The exchange is over when this returns; do not touch
     * `http` again. */
    void (*on_gone)(struct http *http, void *data, bool is_reset);
    void (*on_drained)(struct http *http, void *data); /* may be NULL; as conn's */
};

/* Response head under construction. */
struct http_head {
    unsigned status;
    struct buf fields; /* "Name: value\r\n"... */
};

void http_head_init(struct http_head *head, unsigned status);
void http_head_add(struct http_head *head, const char *name, struct str value);
void http_head_add_text(struct http_head *head, const char *name, const char *value);
void http_head_finish(struct http_head *head);

/* Makes the conn speak HTTP from now on. Everything of `http` goes with the conn; `limits` are
 * borrowed. */
void http_start(struct conn *conn, const struct http1_limits *limits, http_request_cb on_request,
                void *data);

/* A complete answer; `head` is finished by the call. 204 and 304 carry no body and no length;
 * HEAD none either. Adds Content-Length, Connection, Date is not sent. */
void http_respond(struct http *http, struct http_head *head, struct str body);

/* The same with a body that many answers share: no copy. A share is taken. */
void http_respond_payload(struct http *http, struct http_head *head, struct payload *body);

/* The client has what this entity tag (quoted) stands for: If-None-Match by weak comparison (RFC 9110 13.1.2). */
bool http_matches_etag(const struct http1_request *request, const char *etag);

/* The plain answers: text/plain body, not cached. */
void http_respond_text(struct http *http, unsigned status, const char *text);

/* The handler will answer later. The request's memory stays valid until the answer is complete. */
void http_hold(struct http *http, const struct http_holder *holder, void *data);

/* Chunked on HTTP/1.1; on 1.0 raw bytes, and the connection ends behind them. Each http_chunk()
 * is exactly one chunk. */
void http_stream(struct http *http, struct http_head *head);
void http_chunk(struct http *http, struct str bytes);

/* `chunk` is already wrapped as one HTTP/1.1 chunk (shared by many connections); only when
 * http_is_chunked(). A share is taken. */
void http_chunk_payload(struct http *http, struct payload *chunk);
bool http_is_chunked(const struct http *http); /* else HTTP/1.0: http_chunk() with plain bytes */
void http_stream_end(struct http *http);

/* The connection ends when this answer is complete. */
void http_end_after(struct http *http);
const struct http1_request *http_request(const struct http *http);
struct conn *http_conn(struct http *http);

/* Gives the connection up to another protocol inside on_request (after an upgrade request):
 * `http` is gone, the caller owns the conn (conn_set_owner), and bytes that came behind the
 * request are in *out_rest (the caller frees them with buf_finish, after conn_feed). */
struct conn *http_upgrade(struct http *http, struct buf *out_rest);

/* One chunk around `bytes`, for shared encodings: length in hex, CRLF, bytes, CRLF. */
void http_put_chunk(struct buf *out, struct str bytes);
