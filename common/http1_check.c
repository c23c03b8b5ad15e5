/* SPDX-License-Identifier: MIT
 *
 * Self-test of the request parser as it is linked: a build against a lenient llhttp must not start.
 *
 * Each request is fed whole and byte by byte; both must end as the table says. It costs about a
 * millisecond.
 */
#include "common/http1.h"

#include "common/mem.h"

/* STR() is no constant expression in C11. */
#define TEXT(literal)                                                                              \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }
#define H "Host: a\r\n"
#define POST "POST / HTTP/1.1\r\n" H
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"

static const struct http1_limits limits = {.target_bytes = 64,
                                           .header_bytes = 512,
                                           .header_count = 8,
                                           .header_line = 128,
                                           .body_bytes = 64};

static const struct str good[] = {
    TEXT("GET / HTTP/1.1\r\n" H "\r\n"),
    TEXT("GET /a?b HTTP/1.0\r\n\r\n"),
    TEXT("\r\nGET / HTTP/1.1\r\n" H "\r\n"),
    TEXT("OPTIONS * HTTP/1.1\r\n" H "\r\n"),
    TEXT(POST "Content-Length: 2\r\n\r\nab"),
    TEXT(CHUNKED "1\r\na\r\n0\r\n\r\n"),
    TEXT(CHUNKED "2;x=y\r\nab\r\n0\r\nT: v\r\n\r\n"),
    TEXT("GET / HTTP/1.1\r\n" H "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
};

static const struct str bad[] = {
    /* line ends, folding, names */
    TEXT("GET / HTTP/1.1\n" H "\r\n"),
    TEXT("GET / HTTP/1.1\r\nHost: a\n\r\n"),
    TEXT("GET / HTTP/1.1\r\n" H "\n"),
    TEXT("GET / HTTP/1.1\r\n" H "X:\rTransfer-Encoding: chunked\r\n\r\n"),
    TEXT("GET / HTTP/1.1\r\n" H "\rX\r\n\r\n"),
    TEXT("GET / HTTP/1.1\r\n" H "X: a\r\n b\r\n\r\n"),
    TEXT(POST "Transfer-Encoding:\r\n chunked\r\n\r\n"),
    TEXT(POST "X: a\r\n\tContent-Length: 2\r\n\r\nab"),
    TEXT("GET / HTTP/1.1\r\n" H ": a\r\n\r\n"),
    TEXT("GET / HTTP/1.1\r\n" H "X : a\r\n\r\n"),
    TEXT("GET / HTTP/1.1\r\n" H " X: a\r\n\r\n"),
    TEXT("GET / HTTP/1.1\r\n" H "X: a\0b\r\n\r\n"),
    /* the request line */
    TEXT("GET  / HTTP/1.1\r\n" H "\r\n"),
    TEXT("GET /\r\n\r\n"),
    TEXT("GET /\xc3\xa4 HTTP/1.1\r\n" H "\r\n"),
    TEXT("GET /\ta HTTP/1.1\r\n" H "\r\n"),
    TEXT("GET http://a/ HTTP/1.1\r\n" H "\r\n"),
    TEXT("GET / HTTP/2.0\r\n" H "\r\n"),
    TEXT("GET / HTTP/0.9\r\n" H "\r\n"),
    TEXT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    TEXT("get / HTTP/1.1\r\n" H "\r\n"),
    TEXT("CONNECT a:1 HTTP/1.1\r\n" H "\r\n"),
    TEXT("\r\rGET / HTTP/1.1\r\n" H "\r\n"),
    /* whom it is for */
    TEXT("GET / HTTP/1.1\r\n\r\n"),
    TEXT("GET / HTTP/1.1\r\n" H H "\r\n"),
    TEXT("GET / HTTP/1.1\r\nHost: a,b\r\n\r\n"),
    /* where it ends */
    TEXT(POST "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    TEXT(POST "Content-Length: 2\r\nContent-Length: 2\r\n\r\nab"),
    TEXT(POST "Content-Length: 2, 2\r\n\r\nab"),
    TEXT(POST "Content-Length: +2\r\n\r\nab"),
    TEXT(POST "Content-Length: 18446744073709551616\r\n\r\n"),
    TEXT(POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    TEXT(POST "Transfer-Encoding: identity\r\n\r\n"),
    TEXT(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    TEXT("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    TEXT(POST "Upgrade: x\r\nConnection: upgrade\r\nContent-Length: 2\r\n\r\nab"),
    /* chunks and trailers */
    TEXT(CHUNKED "1\r\naXX0\r\n\r\n"),
    TEXT(CHUNKED "1 \r\na\r\n0\r\n\r\n"),
    TEXT(CHUNKED "0x1\r\na\r\n0\r\n\r\n"),
    TEXT(CHUNKED "1\na\r\n0\r\n\r\n"),
    TEXT(CHUNKED "0\r\nContent-Length: 2\r\n\r\n"),
    TEXT(CHUNKED "0\r\nX: a\r\n b\r\n\r\n"),
    TEXT(CHUNKED "0\r\nX: a\r\n\rX"),
};

static enum http1_result feed_steps(struct str bytes, size_t step)
{
    struct http1 *http1 = http1_create(&limits);
    enum http1_result result = HTTP1_MORE;
    size_t at = 0;
    while (result == HTTP1_MORE && at < bytes.len) {
        size_t len = bytes.len - at < step ? bytes.len - at : step;
        size_t consumed;
        result = http1_feed(http1, bytes.at + at, len, &consumed);
        at += consumed;
    }
    if (result == HTTP1_REQUEST && at != bytes.len) {
        result = HTTP1_MORE; /* it ended too early: neither accepted nor refused */
    }
    http1_destroy(http1);
    return result;
}

static bool all_end_as(const struct str *requests, size_t count, enum http1_result wanted)
{
    for (size_t i = 0; i < count; i++) {
        if (feed_steps(requests[i], SIZE_MAX) != wanted || feed_steps(requests[i], 1) != wanted) {
            return false;
        }
    }
    return true;
}

bool http1_self_test(void)
{
    return all_end_as(good, MEM_COUNT(good), HTTP1_REQUEST) &&
           all_end_as(bad, MEM_COUNT(bad), HTTP1_BAD);
}
