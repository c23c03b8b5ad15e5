/* SPDX-License-Identifier: MIT
 *
 * HTTP/1.1 and 1.0 requests (RFC 9112) from bytes, within limits. The only file that names llhttp.
 *
 * A pre-scan of the header block refuses what llhttp 8.1 would let through (bare CR or LF, folded lines,
 * empty names, 8-bit bytes in the request line); this file also decides what no llhttp version refuses:
 * Host missing or twice, HTTP/0.9 and 2.0, Transfer-Encoding on 1.0 or other than exactly `chunked`,
 * Content-Length, Transfer-Encoding or Host in trailers, targets not in origin form.
 *
 *   http1_feed() takes bytes as they come; it stops behind each complete request: HTTP1_REQUEST, with
 *   `request` filled until http1_next() or http1_finish(); a refused request is HTTP1_BAD with `status`
 *   and `reason` for the answer, after which the connection must close.
 */
#pragma once

#include "common/buf.h"

struct http1_limits {
    size_t target_bytes; /* beyond: 414 */
    size_t header_bytes; /* all names and values, trailers included; beyond: 431 */
    size_t header_count; /* beyond: 431 */
    size_t header_line;  /* one name and value; beyond: 431 */
    size_t body_bytes;   /* beyond: 413 */
};

struct http1_header {
    struct str name; /* as sent; compare without case */
    struct str value;
};

struct http1_request {
    struct str method; /* "GET" */
    struct str target; /* as sent, begins with "/" (or is "*") */
    struct str path;   /* target without the query, not percent-decoded */
    struct str query;  /* behind "?", absent when there is none */
    struct str body;   /* de-chunked */
    const struct http1_header *headers;
    size_t header_count;
    uint8_t minor;     /* HTTP/1.<minor>: 0 or 1 */
    bool keeps_alive;  /* what the client asked for, by version and Connection */
    bool asks_upgrade; /* Connection: upgrade and Upgrade present; bytes behind it are not HTTP */
    bool expects_continue; /* Expect: 100-continue, and the body has not been read yet */
};

enum http1_result {
    HTTP1_MORE,     /* all bytes were consumed */
    HTTP1_REQUEST,  /* a complete request; *out_consumed says where it ended */
    HTTP1_CONTINUE, /* headers are complete and the client waits for 100 Continue; call feed again */
    HTTP1_BAD,      /* answer with status, then close */
};

struct http1;

struct http1 *http1_create(const struct http1_limits *limits); /* limits are borrowed */
void http1_destroy(struct http1 *http1);
enum http1_result http1_feed(struct http1 *http1, const void *bytes, size_t len,
                             size_t *out_consumed) __attribute__((warn_unused_result));

/* Valid after HTTP1_REQUEST, until http1_next(); after HTTP1_CONTINUE, too, but for the body. */
const struct http1_request *http1_request(const struct http1 *http1);
void http1_next(struct http1 *http1); /* forget this request, expect the next */

/* After HTTP1_BAD: 400, 405, 413, 414, 417, 431, 501 or 505, and a fixed English sentence. */
unsigned http1_bad_status(const struct http1 *http1);
const char *http1_bad_reason(const struct http1 *http1);

/* A request has begun: at least one byte of it came. (Tells idle from slow.) */
bool http1_is_midway(const struct http1 *http1);
bool http1_has_headers(
    const struct http1 *http1); /* the header block of this request is complete */

/* The first header of that name, NULL when there is none; http1_header_count() how many there are. */
const struct str *http1_header(const struct http1_request *request, const char *name);
size_t http1_header_count(const struct http1_request *request, const char *name);

/* `value` is a comma-separated list that contains `token`, compared without case. */
bool http1_list_has(struct str value, struct str token);

/* The linked parser refuses a set of smuggling requests as it must; called once at start. */
bool http1_self_test(void);
