/* SPDX-License-Identifier: MIT
 *
 * HTTP/1 requests: what is accepted and how it reads, what is refused and with which status,
 * however the bytes are split. Each row is fed whole, in two pieces at every place, and byte by
 * byte; all must tell the same.
 *
 * A transcript names each request as `METHOD target 1.x flags [name=value,...] body`, the flags
 * being k(eeps alive) and u(pgrade); `100` where the client waits for it; and at the end `more`, or
 * the status of the refusal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "common/http1.h"
#include "common/mem.h"

#define TEXT(literal)                                                                              \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }
#define H "Host: a\r\n"
#define GET "GET / HTTP/1.1\r\n" H
#define POST "POST / HTTP/1.1\r\n" H
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"

struct row {
    struct str bytes;
    const char *transcript;
};

static const struct http1_limits wide = {.target_bytes = 2048,
                                         .header_bytes = 16384,
                                         .header_count = 64,
                                         .header_line = 8192,
                                         .body_bytes = 4096};

static void tell_request(struct buf *out, const struct http1_request *request)
{
    buf_append_str(out, request->method);
    buf_append_byte(out, ' ');
    buf_append_str(out, request->target);
    buf_append_format(out, " 1.%d %s%s[", request->minor, request->keeps_alive ? "k" : "",
                      request->asks_upgrade ? "u" : "");
    for (size_t i = 0; i < request->header_count; i++) {
        buf_append_text(out, i == 0 ? "" : ",");
        buf_append_str(out, request->headers[i].name);
        buf_append_byte(out, '=');
        buf_append_str(out, request->headers[i].value);
    }
    buf_append_text(out, "] ");
    buf_append_str(out, request->body);
    buf_append_byte(out, '\n');
}

/* Pieces are copied to exact allocations, so that ASan sees a read too far or too late. */
static enum http1_result feed_piece(struct http1 *http1, struct str piece, struct buf *out)
{
    enum http1_result result;
    size_t at = 0;
    do {
        size_t consumed = 0;
        char *exact = mem_dup(piece.at + at, piece.len - at);
        result = http1_feed(http1, exact, piece.len - at, &consumed);
        mem_free(exact);
        at += consumed;
        assert_true(at <= piece.len);
        if (result == HTTP1_REQUEST) {
            assert_true(http1_has_headers(http1));
            tell_request(out, http1_request(http1));
            http1_next(http1);
            assert_false(http1_is_midway(http1));
        } else if (result == HTTP1_CONTINUE) {
            assert_true(http1_request(http1)->expects_continue);
            buf_append_text(out, "100\n");
        }
    } while (result == HTTP1_REQUEST || result == HTTP1_CONTINUE);
    assert_true(result == HTTP1_BAD || at == piece.len);
    return result;
}

/* First piece of `first` bytes, then pieces of `step`. */
static void tell_pieces(const struct http1_limits *limits, struct str bytes, size_t first,
                        size_t step, struct buf *out)
{
    struct http1 *http1 = http1_create(limits);
    enum http1_result result = HTTP1_MORE;
    size_t len = first;
    out->len = 0;
    for (size_t at = 0; at < bytes.len && result != HTTP1_BAD; at += len, len = step) {
        len = bytes.len - at < len ? bytes.len - at : len;
        result = feed_piece(http1, (struct str){bytes.at + at, len}, out);
    }
    if (result == HTTP1_BAD) {
        size_t consumed = 4711;
        buf_append_u64(out, http1_bad_status(http1));
        assert_non_null(http1_bad_reason(http1));
        assert_int_equal(http1_feed(http1, "GET", 3, &consumed), HTTP1_BAD);
        assert_int_equal(consumed, 0);
    } else {
        buf_append_text(out, "more");
    }
    *buf_reserve(out, 1) = '\0';
    http1_destroy(http1);
}

static void check_row(const struct http1_limits *limits, struct str bytes, const char *transcript)
{
    struct buf got = {NULL, 0, 0};
    tell_pieces(limits, bytes, bytes.len, 1, &got);
    assert_string_equal((char *)got.data, transcript);
    tell_pieces(limits, bytes, 1, 1, &got);
    assert_string_equal((char *)got.data, transcript);
    for (size_t first = 1; first < bytes.len && bytes.len < 1000; first++) {
        tell_pieces(limits, bytes, first, bytes.len, &got);
        assert_string_equal((char *)got.data, transcript);
    }
    buf_finish(&got);
}

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        check_row(&wide, rows[i].bytes, rows[i].transcript);
    }
}

static void good_requests_are_read_as_they_are_meant(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {TEXT(GET "\r\n"), "GET / 1.1 k[Host=a] \nmore"},
        {TEXT("GET / HTTP/1.0\r\n\r\n"), "GET / 1.0 [] \nmore"},
        {TEXT("GET / HTTP/1.0\r\nHost: b:80\r\n\r\n"), "GET / 1.0 [Host=b:80] \nmore"},
        {TEXT("\r\n" GET "\r\n"), "GET / 1.1 k[Host=a] \nmore"},
        {TEXT("HEAD /a/b?c=d&e HTTP/1.1\r\n" H "\r\n"), "HEAD /a/b?c=d&e 1.1 k[Host=a] \nmore"},
        {TEXT("OPTIONS * HTTP/1.1\r\n" H "\r\n"), "OPTIONS * 1.1 k[Host=a] \nmore"},
        {TEXT("PUT /x HTTP/1.1\r\n" H "\r\n"), "PUT /x 1.1 k[Host=a] \nmore"},
        {TEXT("DELETE /x HTTP/1.1\r\n" H "\r\n"), "DELETE /x 1.1 k[Host=a] \nmore"},
        {TEXT("PATCH /x HTTP/1.1\r\n" H "\r\n"), "PATCH /x 1.1 k[Host=a] \nmore"},
        {TEXT(GET "A:\r\nB:  \t x y\t \r\nC:z\r\n\r\n"), "GET / 1.1 k[Host=a,A=,B=x y,C=z] \nmore"},
        {TEXT(GET "Cookie: \xea\xb0\x80\xff\r\n\r\n"),
         "GET / 1.1 k[Host=a,Cookie=\xea\xb0\x80\xff] \nmore"},
        {TEXT(POST "content-length: 3\r\n\r\nabc"),
         "POST / 1.1 k[Host=a,content-length=3] abc\nmore"},
        {TEXT(POST "Content-Length: 0\r\n\r\n"), "POST / 1.1 k[Host=a,Content-Length=0] \nmore"},
        {TEXT(POST "\r\n"), "POST / 1.1 k[Host=a] \nmore"},
        {TEXT("POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\n\r\n"),
         "POST / 1.0 [Content-Length=2] \r\n\nmore"},
        {TEXT(GET "Content-Length: 2\r\n\r\nhi"), "GET / 1.1 k[Host=a,Content-Length=2] hi\nmore"},
        {TEXT(CHUNKED "3\r\nabc\r\n0A\r\n0123456789\r\n0\r\n\r\n"),
         "POST / 1.1 k[Host=a,Transfer-Encoding=chunked] abc0123456789\nmore"},
        {TEXT(POST "Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n"),
         "POST / 1.1 k[Host=a,Transfer-Encoding=Chunked] \nmore"},
        {TEXT(CHUNKED "1;a=\"b\"\r\nx\r\n0;z\r\nTrailer: dropped\r\nX-Y:\r\n\r\n"),
         "POST / 1.1 k[Host=a,Transfer-Encoding=chunked] x\nmore"},
        {TEXT(GET), "more"},
        {TEXT(POST "Content-Length: 3\r\n\r\nab"), "more"},
        {TEXT(CHUNKED "3\r\nabc\r\n0\r\n\r"), "more"},
    };
    check_rows(rows, MEM_COUNT(rows));
}

static void each_request_of_a_pipeline_stands_alone(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {TEXT(GET "\r\n" GET "\r\n"), "GET / 1.1 k[Host=a] \nGET / 1.1 k[Host=a] \nmore"},
        {TEXT(POST "Content-Length: 2\r\n\r\nab\r\n" CHUNKED "1\r\nc\r\n0\r\nX: y\r\n\r\n" GET
                   "\r\nGE"),
         "POST / 1.1 k[Host=a,Content-Length=2] ab\n"
         "POST / 1.1 k[Host=a,Transfer-Encoding=chunked] c\n"
         "GET / 1.1 k[Host=a] \nmore"},
        /* Whether to go on after `close` is the connection's business: it asks keeps_alive. */
        {TEXT(GET "Connection: close\r\n\r\n" GET "\r\n"),
         "GET / 1.1 [Host=a,Connection=close] \nGET / 1.1 k[Host=a] \nmore"},
        {TEXT(POST "Content-Length: 2\r\n\r\nabc" GET "\r\n"),
         "POST / 1.1 k[Host=a,Content-Length=2] ab\n501"},
        {TEXT(GET "\r\n\r\n\r\n" GET "\r\n"), "GET / 1.1 k[Host=a] \n400"},
    };
    check_rows(rows, MEM_COUNT(rows));
}

static void connection_says_what_comes_after(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {TEXT(GET "Connection: close\t\r\n\r\n"), "GET / 1.1 [Host=a,Connection=close] \nmore"},
        {TEXT(GET "Connection: x , CLOSE\r\n\r\n"),
         "GET / 1.1 [Host=a,Connection=x , CLOSE] \nmore"},
        {TEXT(GET "Connection: keep-alive\r\nconnection: close\r\n\r\n"),
         "GET / 1.1 [Host=a,Connection=keep-alive,connection=close] \nmore"},
        {TEXT(GET "Connection: closed\r\n\r\n"), "GET / 1.1 k[Host=a,Connection=closed] \nmore"},
        {TEXT("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"),
         "GET / 1.0 k[Connection=Keep-Alive] \nmore"},
        {TEXT("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n"),
         "GET / 1.0 [Connection=keep-alive, close] \nmore"},
        {TEXT(GET "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\r\n"),
         "GET / 1.1 ku[Host=a,Upgrade=websocket,Connection=keep-alive, Upgrade] \nmore"},
        {TEXT(GET "Upgrade: h2c\r\n\r\n"), "GET / 1.1 k[Host=a,Upgrade=h2c] \nmore"},
        {TEXT(GET "Connection: upgrade\r\n\r\n"), "GET / 1.1 k[Host=a,Connection=upgrade] \nmore"},
        {TEXT("GET / HTTP/1.0\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
         "GET / 1.0 [Upgrade=x,Connection=upgrade] \nmore"},
        {TEXT("POST / HTTP/1.0\r\nUpgrade: x\r\nConnection: upgrade\r\nContent-Length: 1\r\n\r\na"),
         "POST / 1.0 [Upgrade=x,Connection=upgrade,Content-Length=1] a\nmore"},
        {TEXT(POST "Upgrade: x\r\nConnection: upgrade\r\nContent-Length: 0\r\n\r\n"),
         "POST / 1.1 ku[Host=a,Upgrade=x,Connection=upgrade,Content-Length=0] \nmore"},
        {TEXT(POST "Upgrade: x\r\nConnection: upgrade\r\nContent-Length: 2\r\n\r\nab"), "400"},
        {TEXT(POST
              "Upgrade: x\r\nConnection: upgrade\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
         "400"},
    };
    check_rows(rows, MEM_COUNT(rows));
}

static void expectations_are_met_or_refused(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {TEXT(POST "Expect: 100-Continue\r\nContent-Length: 2\r\n\r\nab"),
         "100\nPOST / 1.1 k[Host=a,Expect=100-Continue,Content-Length=2] ab\nmore"},
        {TEXT(POST "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
         "100\nPOST / 1.1 k[Host=a,Expect=100-continue,Transfer-Encoding=chunked] \nmore"},
        {TEXT(POST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"), "100\nmore"},
        {TEXT(POST "Expect: 100-continue\r\nContent-Length: 0\r\n\r\n"),
         "POST / 1.1 k[Host=a,Expect=100-continue,Content-Length=0] \nmore"},
        {TEXT("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\na"),
         "POST / 1.0 [Expect=100-continue,Content-Length=1] a\nmore"},
        {TEXT(POST "Expect: 100-continue\r\nContent-Length: 4097\r\n\r\n"), "413"},
        {TEXT(POST "Expect: tea\r\nContent-Length: 2\r\n\r\nab"), "417"},
        {TEXT(POST "Expect: 100-continue\r\nExpect: tea\r\nContent-Length: 2\r\n\r\nab"), "417"},
    };
    check_rows(rows, MEM_COUNT(rows));
}

static void request_lines_that_others_read_otherwise_are_refused(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {TEXT("\n" GET "\r\n"), "400"},
        {TEXT("\r\n\r\n" GET "\r\n"), "400"},
        {TEXT("\r" GET "\r\n"), "400"},
        {TEXT(" " GET "\r\n"), "400"},
        {TEXT("\0"), "400"},
        {TEXT("\x16\x03\x01\x02"), "400"},
        {TEXT("GET  / HTTP/1.1\r\n" H "\r\n"), "400"},
        {TEXT("GET\t/ HTTP/1.1\r\n" H "\r\n"), "400"},
        {TEXT("GET /  HTTP/1.1\r\n" H "\r\n"), "400"},
        {TEXT("GET / HTTP/1.1 \r\n" H "\r\n"), "400"},
        {TEXT("GET /a b HTTP/1.1\r\n" H "\r\n"), "400"},
        {TEXT("GET / HTTP/1.1\n" H "\r\n"), "400"},
        {TEXT("GET / HTTP/1.1\rX"), "400"},
        {TEXT("GET /\r\n\r\n"), "400"},
        {TEXT("GET / HTTP/\r\n"), "400"},
        {TEXT("GET / HTTP/1\r\n"), "400"},
        {TEXT("GET / HTTP/11.1\r\n"), "400"},
        {TEXT("GET / http/1.1\r\n"), "400"},
        {TEXT("GET / HTTP/1.x\r\n"), "400"},
        {TEXT("GET / HTTP/a.1\r\n"), "400"},
        {TEXT("GET / HTTP/1,1\r\n"), "400"},
        {TEXT("GET / RTSP/1.0\r\n"), "400"},
        {TEXT("GET / HTTP/0.9\r\n" H "\r\n"), "505"},
        {TEXT("GET / HTTP/1.2\r\n" H "\r\n"), "505"},
        {TEXT("GET / HTTP/2.0\r\n" H "\r\n"), "505"},
        {TEXT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "501"},
        {TEXT("TRACE / HTTP/1.1\r\n"), "405"},
        {TEXT("CONNECT a:443 HTTP/1.1\r\n"), "405"},
        {TEXT("get / HTTP/1.1\r\n"), "501"},
        {TEXT("GETS / HTTP/1.1\r\n"), "501"},
        {TEXT("PROPPATCH / HTTP/1.1\r\n"), "501"},
        {TEXT("DESCRIBE rtsp://a/ RTSP/1.0\r\n"), "501"},
        {TEXT("G@T / HTTP/1.1\r\n"), "400"},
    };
    check_rows(rows, MEM_COUNT(rows));
}

static void targets_are_in_origin_form(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {TEXT("GET http://a/ HTTP/1.1\r\n" H "\r\n"), "400"},
        {TEXT("GET a HTTP/1.1\r\n" H "\r\n"), "400"},
        {TEXT("GET * HTTP/1.1\r\n" H "\r\n"), "400"},
        {TEXT("OPTIONS *x HTTP/1.1\r\n" H "\r\n"), "400"},
        {TEXT("GET //a/ HTTP/1.1\r\n" H "\r\n"), "400"},
        {TEXT("GET /a#b HTTP/1.1\r\n" H "\r\n"), "400"},
        {TEXT("GET /a\\b HTTP/1.1\r\n" H "\r\n"), "400"},
        {TEXT("GET /a/../b HTTP/1.1\r\n" H "\r\n"), "400"},
        {TEXT("GET /.. HTTP/1.1\r\n" H "\r\n"), "400"},
        {TEXT("GET /\xc3\xa4 HTTP/1.1\r\n" H "\r\n"), "400"},
        {TEXT("GET /a\x01 HTTP/1.1\r\n" H "\r\n"), "400"},
        {TEXT("GET /a\x7f HTTP/1.1\r\n" H "\r\n"), "400"},
        {TEXT("GET /a\0 HTTP/1.1\r\n" H "\r\n"), "400"},
        {TEXT("GET /a\tb HTTP/1.1\r\n" H "\r\n"), "400"},
        {TEXT("GET /a..b/...//.?/../# HTTP/1.1\r\n" H "\r\n"), "400"},
        {TEXT("GET /a..b/...//.?/../ HTTP/1.1\r\n" H "\r\n"),
         "GET /a..b/...//.?/../ 1.1 k[Host=a] \nmore"},
    };
    check_rows(rows, MEM_COUNT(rows));
}

static void header_lines_that_others_read_otherwise_are_refused(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {TEXT("GET / HTTP/1.1\r\nHost: a\n\r\n"), "400"},
        {TEXT(GET "\n"), "400"},
        {TEXT(GET "\rX: y\r\n\r\n"), "400"},
        {TEXT(GET "X:\rTransfer-Encoding: chunked\r\n\r\n"), "400"},
        {TEXT(GET "X: a\rb\r\n\r\n"), "400"},
        {TEXT(GET "X: a\r\n b\r\n\r\n"), "400"},
        {TEXT(GET "X: a\r\n\tb\r\n\r\n"), "400"},
        {TEXT("GET / HTTP/1.1\r\n Host: a\r\n\r\n"), "400"},
        {TEXT(POST "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"), "400"},
        {TEXT(POST "X: a\r\n Content-Length: 2\r\n\r\nab"), "400"},
        {TEXT(GET ": a\r\n\r\n"), "400"},
        {TEXT(GET "X : a\r\n\r\n"), "400"},
        {TEXT(GET "X\t: a\r\n\r\n"), "400"},
        {TEXT(GET "X\r\n\r\n"), "400"},
        {TEXT(GET "X\0: a\r\n\r\n"), "400"},
        {TEXT(GET "X(: a\r\n\r\n"), "400"},
        {TEXT(GET "\xc3\xa4: a\r\n\r\n"), "400"},
        {TEXT(GET "X: a\0b\r\n\r\n"), "400"},
        {TEXT(GET "X: a\x7f\r\n\r\n"), "400"},
        {TEXT(GET "X: a\x0b\r\n\r\n"), "400"},
    };
    check_rows(rows, MEM_COUNT(rows));
}

static void a_request_names_exactly_one_host(void **state) /* {Host lines, accepted} */
{
    (void)state;
    static const struct {
        const char *lines;
        bool is_good;
    } rows[] = {
        {"", false},
        {"Host: a\r\nhost: a\r\n", false},
        {"Host:\r\n", false},
        {"Host: a,b\r\n", false},
        {"Host: a b\r\n", false},
        {"Host: u@a\r\n", false},
        {"Host: a/b\r\n", false},
        {"Host: a:\r\n", false},
        {"Host: a:x\r\n", false},
        {"Host: a:65536\r\n", false},
        {"Host: a:1:2\r\n", false},
        {"Host: :80\r\n", false},
        {"Host: []\r\n", false},
        {"Host: [::1\r\n", false},
        {"Host: [g]\r\n", false},
        {"Host: [::1]x\r\n", false},
        {"Host: \xc3\xa4\r\n", false},
        {"Host: http://a\r\n", false},
        {"Host: a\r\n", true},
        {"Host: a_b-c.example.org:65535\r\n", true},
        {"Host: 127.0.0.1:0\r\n", true},
        {"Host: [::1]\r\n", true},
        {"Host: [fe80::1:a]:8080\r\n", true},
    };
    for (size_t i = 0; i < 2 * MEM_COUNT(rows); i++) {
        struct buf request = {NULL, 0, 0};
        struct buf got = {NULL, 0, 0};
        bool is_old = i % 2 == 1;
        buf_append_format(&request, "GET / HTTP/1.%d\r\n%s\r\n", is_old ? 0 : 1, rows[i / 2].lines);
        tell_pieces(&wide, buf_str(&request), request.len, 1, &got);
        bool is_good = rows[i / 2].is_good || (is_old && rows[i / 2].lines[0] == '\0');
        assert_int_equal(strcmp((char *)got.data, "400") != 0, is_good);
        buf_finish(&request);
        buf_finish(&got);
    }
}

static void a_body_ends_in_one_way_only(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {TEXT(POST "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), "400"},
        {TEXT(POST "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n"), "400"},
        {TEXT(POST "Content-Length: 2\r\nContent-Length: 2\r\n\r\nab"), "400"},
        {TEXT(POST "Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc"), "400"},
        {TEXT(POST "Content-Length: 2, 2\r\n\r\nab"), "400"},
        {TEXT(POST "Content-Length: +2\r\n\r\nab"), "400"},
        {TEXT(POST "Content-Length: -2\r\n\r\nab"), "400"},
        {TEXT(POST "Content-Length: 0x2\r\n\r\nab"), "400"},
        {TEXT(POST "Content-Length: 2 2\r\n\r\nab"), "400"},
        {TEXT(POST "Content-Length: 2;\r\n\r\nab"), "400"},
        {TEXT(POST "Content-Length:\r\n\r\nab"), "400"},
        {TEXT(POST "Content-Length: 18446744073709551616\r\n\r\n"), "400"},
        {TEXT(POST "Content-Length: 184467440737095516150\r\n\r\n"), "400"},
        {TEXT(POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), "400"},
        {TEXT(POST "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n"), "400"},
        {TEXT(POST "Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n"), "400"},
        {TEXT(POST "Transfer-Encoding: chunked,\r\n\r\n0\r\n\r\n"), "400"},
        {TEXT(POST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"), "400"},
        {TEXT(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
         "400"},
        {TEXT(POST "Transfer-Encoding:\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), "400"},
        {TEXT(POST "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
         "400"},
        {TEXT(POST "Transfer-Encoding: identity\r\n\r\n"), "400"},
        {TEXT(POST "Transfer-Encoding: xchunked\r\n\r\n"), "400"},
        {TEXT(POST "Transfer-Encoding: \"chunked\"\r\n\r\n"), "400"},
        {TEXT(POST "Transfer-Encoding: chunked;q=1\r\n\r\n"), "400"},
        {TEXT(POST "Transfer-Encoding:\r\n\r\n"), "400"},
        {TEXT("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), "400"},
    };
    check_rows(rows, MEM_COUNT(rows));
}

static void chunks_and_trailers_are_taken_at_their_word(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {TEXT(CHUNKED "1\r\naXX0\r\n\r\n"), "400"},
        {TEXT(CHUNKED "1\r\na\n0\r\n\r\n"), "400"},
        {TEXT(CHUNKED "1\r\nab\r\n0\r\n\r\n"), "400"},
        {TEXT(CHUNKED "1\na\r\n0\r\n\r\n"), "400"},
        {TEXT(CHUNKED "1 \r\na\r\n0\r\n\r\n"), "400"},
        {TEXT(CHUNKED " 1\r\na\r\n0\r\n\r\n"), "400"},
        {TEXT(CHUNKED "0x1\r\na\r\n0\r\n\r\n"), "400"},
        {TEXT(CHUNKED "-1\r\na\r\n0\r\n\r\n"), "400"},
        {TEXT(CHUNKED "\r\na\r\n0\r\n\r\n"), "400"},
        {TEXT(CHUNKED ";x\r\na\r\n0\r\n\r\n"), "400"},
        {TEXT(CHUNKED "g\r\n"), "400"},
        {TEXT(CHUNKED "1;\n\r\na\r\n0\r\n\r\n"), "400"},
        {TEXT(CHUNKED "10000000000000000\r\n"), "400"},
        {TEXT(CHUNKED "ffffffffffffffff\r\n"), "413"},
        {TEXT(CHUNKED "0\r\nContent-Length: 2\r\n\r\n"), "400"},
        {TEXT(CHUNKED "0\r\ntransfer-encoding: chunked\r\n\r\n"), "400"},
        {TEXT(CHUNKED "0\r\nHOST: b\r\n\r\n"), "400"},
        {TEXT(CHUNKED "0\r\nX: a\r\n b\r\n\r\n"), "400"},
        {TEXT(CHUNKED "0\r\nX: a\r\n\n"), "400"},
        {TEXT(CHUNKED "0\r\nX: a\r\n\rX"), "400"},
        {TEXT(CHUNKED "0\r\n: a\r\n\r\n"), "400"},
        {TEXT(CHUNKED "0\r\n X: a\r\n\r\n"), "400"},
        {TEXT(CHUNKED "0\r\n\rX"), "400"},
        {TEXT(CHUNKED "0\r\nGET / HTTP/1.1\r\n\r\n"), "400"},
    };
    check_rows(rows, MEM_COUNT(rows));
}

static void fill(struct buf *buf, size_t len)
{
    memset(buf_reserve(buf, len), 'a', len);
    buf->len += len;
}

/* {limit, at it, beyond it}: the field under test is n, n+1 and n-1 bytes, or lines, long. */
struct limit_row {
    const char *name;
    unsigned status;
    size_t n;
    void (*build)(struct buf *out, size_t n);
};

static void build_target(struct buf *out, size_t n)
{
    buf_append_text(out, "GET /");
    fill(out, n - 1);
    buf_append_text(out, " HTTP/1.1\r\n" H "\r\n");
}

static void build_line(struct buf *out, size_t n)
{
    buf_append_text(out, GET "X: ");
    fill(out, n - 1);
    buf_append_text(out, "\r\n\r\n");
}

static void build_long_name(struct buf *out, size_t n)
{
    buf_append_text(out, GET);
    fill(out, n);
    buf_append_text(out, ":\r\n\r\n");
}

static void build_lines(struct buf *out, size_t n) /* all of them n bytes; Host's five included */
{
    buf_append_text(out, GET "X: ");
    fill(out, 39);
    buf_append_text(out, "\r\nY: ");
    fill(out, n - 5 - 40 - 1);
    buf_append_text(out, "\r\n\r\n");
}

static void build_trailer_lines(struct buf *out, size_t n) /* the head has 29 bytes of it */
{
    buf_append_text(out, CHUNKED "0\r\nX: ");
    fill(out, 39);
    buf_append_text(out, "\r\nY: ");
    fill(out, n - 29 - 40 - 1);
    buf_append_text(out, "\r\n\r\n");
}

static void build_many_lines(struct buf *out, size_t n)
{
    buf_append_text(out, GET);
    for (size_t i = 1; i < n; i++) {
        buf_append_text(out, "X:\r\n");
    }
    buf_append_text(out, "\r\n");
}

static void build_many_trailers(struct buf *out, size_t n)
{
    buf_append_text(out, CHUNKED "0\r\n");
    for (size_t i = 2; i < n; i++) {
        buf_append_text(out, "X:\r\n");
    }
    buf_append_text(out, "\r\n");
}

static void build_body(struct buf *out, size_t n)
{
    buf_append_format(out, POST "Content-Length: %zu\r\n\r\n", n);
    fill(out, n);
}

static void build_chunks(struct buf *out, size_t n)
{
    buf_append_text(out, CHUNKED);
    for (size_t i = 0; i < n; i++) {
        buf_append_text(out, "1\r\na\r\n");
    }
    buf_append_text(out, "0\r\n\r\n");
}

static void build_chunk_line(struct buf *out, size_t n)
{
    buf_append_text(out, CHUNKED "1\r\na\r\n1;");
    fill(out, n - 4);
    buf_append_text(out, "\r\nb\r\n0\r\n\r\n");
}

static void build_chunk_zeros(struct buf *out, size_t n)
{
    buf_append_text(out, CHUNKED);
    memset(buf_reserve(out, n), '0', n);
    out->len += n - 3;
    buf_append_text(out, "1\r\nb\r\n0\r\n\r\n");
}

static void limits_hold_to_the_byte(void **state)
{
    (void)state;
    static const struct http1_limits narrow = {.target_bytes = 40,
                                               .header_bytes = 100,
                                               .header_count = 6,
                                               .header_line = 60,
                                               .body_bytes = 20};
    static const struct limit_row rows[] = {
        {"target", 414, 40, build_target},          {"line", 431, 60, build_line},
        {"name", 431, 60, build_long_name},         {"lines", 431, 100, build_lines},
        {"trailer", 431, 100, build_trailer_lines}, {"count", 431, 6, build_many_lines},
        {"trailers", 431, 6, build_many_trailers},  {"body", 413, 20, build_body},
        {"chunks", 413, 20, build_chunks},          {"chunk line", 400, 256, build_chunk_line},
        {"zeros", 400, 256, build_chunk_zeros},
    };
    for (size_t i = 0; i < 3 * MEM_COUNT(rows); i++) {
        const struct limit_row *row = &rows[i / 3];
        size_t n = row->n - 1 + i % 3;
        struct buf request = {NULL, 0, 0};
        struct buf got = {NULL, 0, 0};
        char status[8] = {0};
        row->build(&request, n);
        for (size_t step = 1; step <= request.len; step = step == 1 ? 7 : step * 5) {
            tell_pieces(&narrow, buf_str(&request), step, step, &got);
            memcpy(status, got.data, 3);
            if ((strcmp(status, "400") < 0 || strcmp(status, "600") > 0) != (n <= row->n)) {
                fail_msg("%s at %zu in steps of %zu: %s", row->name, n, step, (char *)got.data);
            }
            if (n > row->n) {
                assert_int_equal((unsigned)(status[0] - '0') * 100 +
                                     (unsigned)(status[1] - '0') * 10 + (unsigned)(status[2] - '0'),
                                 row->status);
            }
        }
        buf_finish(&request);
        buf_finish(&got);
    }
}

static void padding_without_end_is_refused(void **state)
{
    (void)state;
    struct buf request = {NULL, 0, 0};
    struct buf got = {NULL, 0, 0};
    buf_append_text(&request, GET "X:");
    memset(buf_reserve(&request, 40000), ' ', 40000);
    request.len += 40000;
    tell_pieces(&wide, buf_str(&request), 1000, 1000, &got);
    assert_string_equal((char *)got.data, "431");
    request.len = 0;
    buf_append_text(&request, CHUNKED "0\r\nX:");
    memset(buf_reserve(&request, 40000), ' ', 40000);
    request.len += 40000;
    tell_pieces(&wide, buf_str(&request), 1000, 1000, &got);
    assert_string_equal((char *)got.data, "431");
    buf_finish(&request);
    buf_finish(&got);
}

static void it_tells_idle_from_slow(void **state) /* {bytes, midway, has headers} */
{
    (void)state;
    static const struct {
        const char *bytes;
        bool is_midway;
        bool has_headers;
    } rows[] = {
        {"", false, false},
        {"\r\n", false, false},
        {"G", true, false},
        {GET, true, false},
        {POST "Content-Length: 2\r\n\r\n", true, true},
        {CHUNKED "0\r\nX", true, true},
        {GET "\r\n", true, true},
        {"get ", true, false},
    };
    for (size_t i = 0; i < MEM_COUNT(rows); i++) {
        struct http1 *http1 = http1_create(&wide);
        size_t consumed;
        assert_true(http1_feed(http1, rows[i].bytes, strlen(rows[i].bytes), &consumed) <=
                    HTTP1_BAD);
        assert_int_equal(http1_is_midway(http1), rows[i].is_midway);
        assert_int_equal(http1_has_headers(http1), rows[i].has_headers);
        http1_destroy(http1);
    }
    http1_destroy(NULL);
}

static void a_request_is_asked_by_name(void **state)
{
    (void)state;
    static const char bytes[] = "GET /a/b?c?d HTTP/1.1\r\nHost: a\r\nX: 1\r\nx: 2\r\n\r\n";
    struct http1 *http1 = http1_create(&wide);
    size_t consumed;
    assert_int_equal(http1_feed(http1, bytes, sizeof(bytes) - 1, &consumed), HTTP1_REQUEST);
    const struct http1_request *request = http1_request(http1);
    assert_true(str_equal(*http1_header(request, "x"), STR("1")));
    assert_int_equal(http1_header_count(request, "X"), 2);
    assert_null(http1_header(request, "y"));
    assert_int_equal(http1_header_count(request, "y"), 0);
    assert_true(str_equal(request->path, STR("/a/b")));
    assert_true(str_equal(request->query, STR("c?d")));
    http1_next(http1);
    assert_int_equal(http1_feed(http1, GET "\r\n", sizeof(GET "\r\n") - 1, &consumed),
                     HTTP1_REQUEST);
    assert_null(http1_request(http1)->query.at);
    http1_destroy(http1);
    assert_true(http1_list_has(STR("a, B\t,c"), STR("b")));
    assert_false(http1_list_has(STR("ab, c"), STR("b")));
    assert_false(http1_list_has(STR(""), STR("b")));
}

static void the_linked_parser_passes_the_self_test(void **state)
{
    (void)state;
    assert_true(http1_self_test());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_requests_are_read_as_they_are_meant),
        cmocka_unit_test(each_request_of_a_pipeline_stands_alone),
        cmocka_unit_test(connection_says_what_comes_after),
        cmocka_unit_test(expectations_are_met_or_refused),
        cmocka_unit_test(request_lines_that_others_read_otherwise_are_refused),
        cmocka_unit_test(targets_are_in_origin_form),
        cmocka_unit_test(header_lines_that_others_read_otherwise_are_refused),
        cmocka_unit_test(a_request_names_exactly_one_host),
        cmocka_unit_test(a_body_ends_in_one_way_only),
        cmocka_unit_test(chunks_and_trailers_are_taken_at_their_word),
        cmocka_unit_test(limits_hold_to_the_byte),
        cmocka_unit_test(padding_without_end_is_refused),
        cmocka_unit_test(it_tells_idle_from_slow),
        cmocka_unit_test(a_request_is_asked_by_name),
        cmocka_unit_test(the_linked_parser_passes_the_self_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
