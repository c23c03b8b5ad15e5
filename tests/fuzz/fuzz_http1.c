/* SPDX-License-Identifier: MIT
 *
 * HTTP/1 requests from any bytes. The first byte chooses the limits, the second where the rest is
 * cut. Whole, cut in two and byte by byte must agree; what is accepted is harmless, and says the
 * same again when it is written down plainly.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/http1.h"
#include "common/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct http1_limits limits[] = {
    {.target_bytes = 2048,
     .header_bytes = 16384,
     .header_count = 64,
     .header_line = 8192,
     .body_bytes = 4096},
    {.target_bytes = 16, .header_bytes = 80, .header_count = 4, .header_line = 40, .body_bytes = 8},
};

static void check_text(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        assert(text.at[i] == '\t' || ((uint8_t)text.at[i] >= ' ' && text.at[i] != 0x7f));
    }
}

static void write_plainly(struct buf *out, const struct http1_request *request)
{
    bool is_chunked = http1_header(request, "transfer-encoding") != NULL;
    buf_append_str(out, request->method);
    buf_append_text(out, " ");
    buf_append_str(out, request->target);
    buf_append_format(out, " HTTP/1.%d\r\n", request->minor);
    for (size_t i = 0; i < request->header_count; i++) {
        buf_append_str(out, request->headers[i].name);
        buf_append_text(out, ":");
        buf_append_str(out, request->headers[i].value);
        buf_append_text(out, "\r\n");
    }
    buf_append_text(out, "\r\n");
    if (is_chunked && request->body.len > 0) {
        buf_append_format(out, "%zx\r\n", request->body.len);
    }
    buf_append_str(out, request->body);
    if (is_chunked) {
        buf_append_text(out, request->body.len > 0 ? "\r\n0\r\n\r\n" : "0\r\n\r\n");
    }
}

static void note_request(struct buf *out, const struct http1_request *request)
{
    check_text(request->target);
    assert(request->minor == 0 || http1_header_count(request, "host") == 1);
    assert(request->target.at[0] == '/' || str_equal(request->target, STR("*")));
    assert(!request->asks_upgrade || request->body.len == 0);
    for (size_t i = 0; i < request->header_count; i++) {
        assert(request->headers[i].name.len > 0);
        check_text(request->headers[i].value);
    }
    write_plainly(out, request);
    buf_append_format(out, "|%d%d%zu\n", request->keeps_alive, request->asks_upgrade,
                      request->body.len);
}

static void feed_all(struct http1 *http1, const uint8_t *bytes, size_t len, struct buf *out)
{
    enum http1_result result;
    size_t at = 0;
    do {
        size_t consumed;
        result = http1_feed(http1, bytes + at, len - at, &consumed);
        at += consumed;
        assert(at <= len);
        if (result == HTTP1_REQUEST) {
            note_request(out, http1_request(http1));
            http1_next(http1);
        } else if (result == HTTP1_CONTINUE) {
            buf_append_text(out, "100\n");
        }
    } while (result == HTTP1_REQUEST || result == HTTP1_CONTINUE);
    assert(result == HTTP1_BAD || at == len);
}

/* A piece of `first` bytes, then pieces of `step`, each in an allocation of its own. */
static void feed_pieces(const struct http1_limits *limit, const uint8_t *bytes, size_t len,
                        size_t first, size_t step, struct buf *out)
{
    struct http1 *http1 = http1_create(limit);
    size_t piece = first;
    for (size_t at = 0; at < len; at += piece, piece = step) {
        piece = len - at < piece ? len - at : piece;
        uint8_t *exact = mem_dup(bytes + at, piece);
        feed_all(http1, exact, piece, out);
        mem_free(exact);
    }
    buf_append_format(out, "%u %d %d", http1_bad_status(http1), http1_is_midway(http1),
                      http1_has_headers(http1));
    http1_destroy(http1);
}

/* Each accepted request, written without any of the input's freedoms, is accepted as the same. */
static void check_again(const struct http1_limits *limit, const uint8_t *bytes, size_t len)
{
    struct http1 *http1 = http1_create(limit);
    size_t consumed;
    enum http1_result result = http1_feed(http1, bytes, len, &consumed);
    if (result == HTTP1_REQUEST) {
        struct buf plain = {NULL, 0, 0};
        struct buf noted = {NULL, 0, 0};
        struct buf again = {NULL, 0, 0};
        struct http1 *second = http1_create(limit);
        write_plainly(&plain, http1_request(http1));
        note_request(&noted, http1_request(http1));
        result = http1_feed(second, plain.data, plain.len, &consumed);
        if (result == HTTP1_CONTINUE) {
            size_t head = consumed;
            result = http1_feed(second, plain.data + head, plain.len - head, &consumed);
            consumed += head;
        }
        assert(result == HTTP1_REQUEST && consumed == plain.len);
        note_request(&again, http1_request(second));
        assert(str_equal(buf_str(&noted), buf_str(&again)));
        http1_destroy(second);
        buf_finish(&plain);
        buf_finish(&noted);
        buf_finish(&again);
    }
    http1_destroy(http1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole = {NULL, 0, 0};
    struct buf other = {NULL, 0, 0};
    if (size < 2) {
        return 0;
    }
    const struct http1_limits *limit = &limits[data[0] % MEM_COUNT(limits)];
    size_t len = size - 2;
    size_t cut = len == 0 ? 0 : data[1] * len / 256;
    feed_pieces(limit, data + 2, len, len, 1, &whole);
    feed_pieces(limit, data + 2, len, cut + 1, len, &other);
    assert(str_equal(buf_str(&whole), buf_str(&other)));
    other.len = 0;
    feed_pieces(limit, data + 2, len, 1, 1, &other);
    assert(str_equal(buf_str(&whole), buf_str(&other)));
    check_again(limit, data + 2, len);
    buf_finish(&whole);
    buf_finish(&other);
    return 0;
}
