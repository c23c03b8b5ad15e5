/* SPDX-License-Identifier: MIT
 *
 * WebSocket frames: the table is the specification. Each row is decoded at once, cut in two at every place and
 * byte by byte, always from memory that ends behind the last byte; the outcome must be the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/mem.h"
#include "proto/ws_frame.h"
#include "tests/unit/guarded.h"

#define BYTES(literal) literal, sizeof(literal) - 1
#define NO_MASK "\0\0\0\0"
#define TEN "0123456789"
#define TEXT_125 TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "01234"

static struct guarded guard;

static int create_guard(void **state)
{
    (void)state;
    guard = guarded_create(1u << 17);
    return 0;
}

static int destroy_guard(void **state)
{
    (void)state;
    guarded_destroy(&guard);
    return 0;
}

/* --- what came out, as text ------------------------------------------------------------------------ */

static void dump_message(struct buf *out, const struct ws_message *message)
{
    static const char *const names[16] = {
        [WS_TEXT] = "text", [WS_BINARY] = "binary", [WS_CLOSE] = "close",
        [WS_PING] = "ping", [WS_PONG] = "pong",
    };
    assert_non_null(message->data.at);
    buf_append_text(out, names[message->opcode]);
    if (message->opcode == WS_CLOSE) {
        buf_append_format(out, " %u", message->close_code);
    } else {
        assert_int_equal(message->close_code, 0);
    }
    buf_append_byte(out, '(');
    for (size_t i = 0; i < message->data.len; i++) {
        uint8_t byte = (uint8_t)message->data.at[i];
        if (byte >= 0x20 && byte < 0x7F) {
            buf_append_byte(out, byte);
        } else {
            buf_append_format(out, "<%02x>", byte);
        }
    }
    buf_append_text(out, ") ");
}

static int feed(struct ws_decoder *decoder, const char *bytes, size_t len, struct buf *out)
{
    uint8_t *at = guarded_put(&guard, bytes, len);
    for (;;) {
        size_t consumed = SIZE_MAX;
        struct ws_message message;
        int code = ws_decode(decoder, at, len, &consumed, &message);
        if (code < 0) {
            assert_int_equal(consumed, SIZE_MAX);
            buf_append_format(out, "%d ", code);
            assert_int_equal(ws_decode(decoder, at, len, &consumed, &message), code);
            return code;
        }
        assert_true(consumed <= len);
        at += consumed;
        len -= consumed;
        if (code == DECODE_MORE) {
            assert_int_equal(len, 0);
            return code;
        }
        dump_message(out, &message);
    }
}

static int decode_steps(size_t bytes_max, const char *bytes, size_t len, size_t first, size_t step,
                        struct buf *out)
{
    struct ws_decoder decoder;
    ws_decoder_init(&decoder, bytes_max, SIZE_MAX);
    size_t at = 0;
    int code = DECODE_MORE;
    while (at < len && code >= 0) {
        size_t chunk = at == 0 && first > 0 ? first : step;
        chunk = chunk < len - at ? chunk : len - at;
        code = feed(&decoder, bytes + at, chunk, out);
        at += chunk;
        if (first % 2 == 1) {
            ws_decoder_trim(&decoder);
        }
        if (ws_decoder_is_idle(&decoder)) { /* a fresh one goes on the same way */
            ws_decoder_finish(&decoder);
            ws_decoder_init(&decoder, bytes_max, SIZE_MAX);
        }
    }
    buf_append_byte(out, 0);
    ws_decoder_finish(&decoder);
    return code;
}

static void expect(const char *title, size_t bytes_max, const char *bytes, size_t len,
                   const char *expected)
{
    for (size_t split = 0; split <= len; split++) {
        struct buf out = {0};
        decode_steps(bytes_max, bytes, len, split, split == len ? 1 : len, &out);
        if (strcmp((char *)out.data, expected) != 0) {
            print_error("%s, cut at %zu of %zu\n", title, split, len);
        }
        assert_string_equal((char *)out.data, expected);
        buf_finish(&out);
    }
    struct buf out = {0};
    decode_steps(bytes_max, bytes, len, 0, 1, &out);
    assert_string_equal((char *)out.data, expected);
    buf_finish(&out);
}

/* --- the table ------------------------------------------------------------------------------------- */

static const struct {
    const char *title;
    const char *bytes;
    size_t len;
    const char *expected;
} rows[] = {
    {"text", BYTES("\x81\x82" NO_MASK "hi"), "text(hi) "},
    {"empty text", BYTES("\x81\x80" NO_MASK), "text() "},
    {"binary", BYTES("\x82\x83" NO_MASK "\x00\xff\x80"), "binary(<00><ff><80>) "},
    {"the RFC's masked hello", BYTES("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"),
     "text(Hello) "},
    {"two messages in one buffer", BYTES("\x81\x81" NO_MASK "a\x82\x81" NO_MASK "b"),
     "text(a) binary(b) "},
    {"fragments",
     BYTES("\x01\x82" NO_MASK "ab\x00\x80" NO_MASK "\x00\x81" NO_MASK "c\x80\x81" NO_MASK "d"),
     "text(abcd) "},
    {"fragments with an empty end", BYTES("\x02\x81" NO_MASK "a\x80\x80" NO_MASK), "binary(a) "},
    {"fragments that are all empty", BYTES("\x01\x80" NO_MASK "\x80\x80" NO_MASK), "text() "},
    {"control frames between fragments",
     BYTES("\x01\x81" NO_MASK "a\x89\x82" NO_MASK "hi\x00\x81" NO_MASK "b\x8a\x80" NO_MASK
           "\x80\x81" NO_MASK "c"),
     "ping(hi) pong() text(abc) "},
    {"the longest control frame", BYTES("\x89\xfd" NO_MASK TEXT_125), "ping(" TEXT_125 ") "},
    {"a 16-bit length", BYTES("\x81\xfe\x00\x7e" NO_MASK TEXT_125 "5"), "text(" TEXT_125 "5) "},

    {"W2 unmasked", BYTES("\x81\x02hi"), "-1002 "},
    {"W3 RSV1", BYTES("\xc1\x80" NO_MASK), "-1002 "},
    {"W3 RSV2", BYTES("\xa1\x80" NO_MASK), "-1002 "},
    {"W3 RSV3 on a control frame", BYTES("\x99\x80" NO_MASK), "-1002 "},
    {"W3 reserved data opcode", BYTES("\x83\x80" NO_MASK), "-1002 "},
    {"W3 reserved control opcode", BYTES("\x8b\x80" NO_MASK), "-1002 "},
    {"W4 a fragmented ping", BYTES("\x09\x80" NO_MASK), "-1002 "},
    {"W4 a ping of 126", BYTES("\x89\xfe\x00\x7e" NO_MASK), "-1002 "},
    {"W5 a length of 125 in 16 bits", BYTES("\x81\xfe\x00\x7d" NO_MASK), "-1002 "},
    {"W5 a length of 65535 in 64 bits", BYTES("\x81\xff\0\0\0\0\0\0\xff\xff" NO_MASK), "-1002 "},
    {"W5 a length with its top bit", BYTES("\x81\xff\x80\0\0\0\0\1\0\0" NO_MASK), "-1002 "},
    {"W5 the largest length", BYTES("\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff" NO_MASK), "-1009 "},
    {"W6 a continuation of nothing", BYTES("\x80\x80" NO_MASK), "-1002 "},
    {"W6 a continuation after the last fragment", BYTES("\x81\x81" NO_MASK "a\x80\x81" NO_MASK "b"),
     "text(a) -1002 "},
    {"W6 a message inside a message", BYTES("\x01\x81" NO_MASK "a\x81\x81" NO_MASK "b"), "-1002 "},

    {"W8 UTF-8", BYTES("\x81\x87" NO_MASK "\xed\x95\x9c\xf0\x9f\x98\x80"),
     "text(<ed><95><9c><f0><9f><98><80>) "},
    {"W8 a character over two fragments",
     BYTES("\x01\x82" NO_MASK "\xed\x95\x80\x81" NO_MASK "\x9c"), "text(<ed><95><9c>) "},
    {"W8 a ping inside a character",
     BYTES("\x01\x81" NO_MASK "\xc3\x89\x81" NO_MASK "\xff\x80\x81" NO_MASK "\xa9"),
     "ping(<ff>) text(<c3><a9>) "},
    {"W8 an unfinished character", BYTES("\x81\x82" NO_MASK "\xed\x95"), "-1007 "},
    {"W8 an unfinished character before an empty end",
     BYTES("\x01\x81" NO_MASK "\xc3\x80\x80" NO_MASK), "-1007 "},
    {"W8 invalid at once, though the frame goes on", BYTES("\x81\xfe\xff\xff" NO_MASK "ab\xff"),
     "-1007 "},
    {"W8 a surrogate", BYTES("\x81\x83" NO_MASK "\xed\xa0\x80"), "-1007 "},
    {"W8 binary is not judged after text",
     BYTES("\x81\x81" NO_MASK "a\x02\x81" NO_MASK "\xc3\x80\x81" NO_MASK "\xff"),
     "text(a) binary(<c3><ff>) "},

    {"W9 an empty close", BYTES("\x88\x80" NO_MASK), "close 1005() "},
    {"W9 a close with a code", BYTES("\x88\x82" NO_MASK "\x03\xe8"), "close 1000() "},
    {"W9 a close with a reason",
     BYTES("\x88\x85" NO_MASK "\x03\xe9"
           "bye"),
     "close 1001(bye) "},
    {"W9 a close of one byte", BYTES("\x88\x81" NO_MASK "\x03"), "-1002 "},
    {"W9 a reason that is not UTF-8", BYTES("\x88\x83" NO_MASK "\x03\xe8\xff"), "-1007 "},
    {"W9 an unfinished reason", BYTES("\x88\x83" NO_MASK "\x03\xe8\xc3"), "-1007 "},
    {"W9 the longest reason",
     BYTES("\x88\xfd" NO_MASK "\x03\xe8" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "012"),
     "close 1000(" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "012) "},
    {"W9 nothing is read after a close",
     BYTES("\x88\x80" NO_MASK "\x89\x80" NO_MASK "\xff\xff\xff\xff"), "close 1005() "},
    {"W9 a close inside a message", BYTES("\x01\x81" NO_MASK "a\x88\x80" NO_MASK), "close 1005() "},
};

static void frames_and_errors_are_as_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(rows); i++) {
        expect(rows[i].title, 65536, rows[i].bytes, rows[i].len, rows[i].expected);
    }
}

static void every_prefix_of_good_input_answers_more(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(rows); i++) {
        for (size_t len = 0; strchr(rows[i].expected, '-') == NULL && len <= rows[i].len; len++) {
            struct buf out = {0};
            int code = decode_steps(65536, rows[i].bytes, len, 0, len + 1, &out);
            assert_int_equal(code, DECODE_MORE);
            buf_finish(&out);
        }
    }
}

static void close_codes_are_judged_by_the_table_of_codes(void **state)
{
    (void)state;
    for (unsigned code = 0; code <= 65535; code++) {
        bool is_valid = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
                        (code >= 3000 && code <= 4999);
        uint8_t bytes[] = {0x88, 0x82, 0, 0, 0, 0, (uint8_t)(code >> 8), (uint8_t)code};
        struct ws_decoder decoder;
        ws_decoder_init(&decoder, 10, SIZE_MAX);
        size_t consumed;
        struct ws_message message;
        int found = ws_decode(&decoder, bytes, sizeof(bytes), &consumed, &message);
        if (is_valid) {
            assert_int_equal(found, DECODE_FRAME);
            assert_int_equal(message.close_code, code);
        } else {
            assert_int_equal(found, WS_ERR_PROTOCOL);
        }
        ws_decoder_finish(&decoder);
    }
}

/* --- limits ---------------------------------------------------------------------------------------- */

static void a_message_is_refused_by_its_header(void **state)
{
    (void)state;
    static const struct {
        const char *title;
        size_t bytes_max;
        const char *bytes;
        size_t len;
        const char *expected;
    } cases[] = {
        {"n - 1", 4, BYTES("\x82\x83" NO_MASK "abc"), "binary(abc) "},
        {"n", 3, BYTES("\x82\x83" NO_MASK "abc"), "binary(abc) "},
        {"n + 1, before the payload", 2, BYTES("\x82\x83" NO_MASK), "-1009 "},
        {"fragments of n", 3, BYTES("\x02\x82" NO_MASK "ab\x80\x81" NO_MASK "c"), "binary(abc) "},
        {"fragments of n + 1", 2, BYTES("\x02\x82" NO_MASK "ab\x80\x81" NO_MASK), "-1009 "},
        {"an empty fragment at n", 2, BYTES("\x02\x82" NO_MASK "ab\x80\x80" NO_MASK),
         "binary(ab) "},
        {"control frames are not counted", 0, BYTES("\x89\x83" NO_MASK "abc\x82\x80" NO_MASK),
         "ping(abc) binary() "},
        {"a 64-bit length", 70000, BYTES("\x82\xff\0\0\0\0\0\1\x11\x71" NO_MASK), "-1009 "},
        {"a 64-bit length that is allowed", 70001, BYTES("\x82\xff\0\0\0\0\0\1\x11\x71" NO_MASK),
         ""},
    };
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        expect(cases[i].title, cases[i].bytes_max, cases[i].bytes, cases[i].len, cases[i].expected);
    }
}

static void many_tiny_fragments_are_one_message(void **state)
{
    (void)state;
    struct ws_decoder decoder;
    ws_decoder_init(&decoder, 65536, SIZE_MAX);
    struct ws_message message;
    size_t consumed;
    for (unsigned i = 0; i < 65536; i++) {
        uint8_t frame[] = {i == 0 ? 0x01 : i == 65535 ? 0x80 : 0x00, 0x81, 0, 0, 0, 0, 'x'};
        int code = ws_decode(&decoder, frame, sizeof(frame), &consumed, &message);
        assert_int_equal(code, i == 65535 ? DECODE_FRAME : DECODE_MORE);
    }
    assert_int_equal(message.data.len, 65536);
    ws_decoder_finish(&decoder);
}

/* n fragments, the last of them final. */
static int decode_fragments(size_t fragments_max, size_t count, size_t len, bool is_cut_by_pings)
{
    struct ws_decoder decoder;
    ws_decoder_init(&decoder, 65536, fragments_max);
    struct ws_message message;
    size_t consumed;
    int code = DECODE_MORE;
    for (size_t i = 1; i <= count && code == DECODE_MORE; i++) {
        uint8_t frame[] = {(uint8_t)((i == 1 ? WS_TEXT : 0) | (i == count ? 0x80 : 0)),
                           (uint8_t)(0x80 | len),
                           0,
                           0,
                           0,
                           0,
                           'x'};
        code = ws_decode(&decoder, frame, 6 + len, &consumed, &message);
        uint8_t ping[] = {0x89, 0x80, 0, 0, 0, 0};
        if (is_cut_by_pings && code == DECODE_MORE) {
            assert_int_equal(ws_decode(&decoder, ping, sizeof(ping), &consumed, &message),
                             DECODE_FRAME);
        }
    }
    ws_decoder_finish(&decoder);
    return code;
}

static void fragments_of_one_message_are_counted(void **state)
{
    (void)state;
    for (size_t len = 0; len <= 1; len++) {
        assert_int_equal(decode_fragments(4, 3, len, false), DECODE_FRAME);
        assert_int_equal(decode_fragments(4, 4, len, false), DECODE_FRAME);
        assert_int_equal(decode_fragments(4, 5, len, false), WS_ERR_TOO_BIG);
        assert_int_equal(decode_fragments(4, 4, len, true), DECODE_FRAME);
        assert_int_equal(decode_fragments(1, 1, len, false), DECODE_FRAME);
        assert_int_equal(decode_fragments(1, 2, len, false), WS_ERR_TOO_BIG);
    }
}

static void each_message_has_fragments_of_its_own(void **state)
{
    (void)state;
    struct ws_decoder decoder;
    ws_decoder_init(&decoder, 10, 2);
    struct ws_message message;
    size_t consumed;
    for (int i = 0; i < 5; i++) {
        uint8_t first[] = {0x01, 0x81, 0, 0, 0, 0, 'a'};
        uint8_t last[] = {0x80, 0x81, 0, 0, 0, 0, 'b'};
        assert_int_equal(ws_decode(&decoder, first, sizeof(first), &consumed, &message),
                         DECODE_MORE);
        assert_int_equal(ws_decode(&decoder, last, sizeof(last), &consumed, &message),
                         DECODE_FRAME);
    }
    ws_decoder_finish(&decoder);
}

static void a_limit_that_was_lowered_meanwhile_holds_from_the_next_fragment(void **state)
{
    (void)state;
    struct ws_decoder decoder;
    ws_decoder_init(&decoder, 10, SIZE_MAX);
    struct ws_message message;
    size_t consumed;
    uint8_t first[] = {0x01, 0x83, 0, 0, 0, 0, 'a', 'b', 'c'};
    uint8_t last[] = {0x80, 0x80, 0, 0, 0, 0};
    assert_int_equal(ws_decode(&decoder, first, sizeof(first), &consumed, &message), DECODE_MORE);
    decoder.message_bytes_max = 2;
    assert_int_equal(ws_decode(&decoder, last, sizeof(last), &consumed, &message), WS_ERR_TOO_BIG);
    ws_decoder_finish(&decoder);
}

/* --- unmasking and memory -------------------------------------------------------------------------- */

static void every_length_is_unmasked_from_every_place(void **state)
{
    (void)state;
    static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
    for (size_t len = 0; len <= 40; len++) {
        for (size_t split = 0; split <= len; split++) {
            uint8_t frame[6 + 40] = {0x82,   (uint8_t)(0x80 | len), mask[0], mask[1], mask[2],
                                     mask[3]};
            for (size_t i = 0; i < len; i++) {
                frame[6 + i] = (uint8_t)(i * 7) ^ mask[i % 4];
            }
            struct ws_decoder decoder;
            ws_decoder_init(&decoder, 40, SIZE_MAX);
            struct ws_message message;
            size_t consumed;
            int code = DECODE_MORE;
            if (split < len) {
                code = ws_decode(&decoder, frame, 6 + split, &consumed, &message);
                assert_int_equal(code, DECODE_MORE);
                code = ws_decode(&decoder, frame + 6 + split, len - split, &consumed, &message);
            } else {
                code = ws_decode(&decoder, frame, 6 + len, &consumed, &message);
            }
            assert_int_equal(code, DECODE_FRAME);
            assert_int_equal(message.data.len, len);
            for (size_t i = 0; i < len; i++) {
                assert_int_equal((uint8_t)message.data.at[i], (uint8_t)(i * 7));
            }
            ws_decoder_finish(&decoder);
        }
    }
}

static void a_whole_message_is_read_where_it_lies(void **state)
{
    (void)state;
    uint8_t bytes[] = {0x81, 0x82, 0, 0, 0, 0, 'h', 'i', 0x89, 0x81, 0, 0, 0, 0, 'p'};
    struct ws_decoder decoder;
    ws_decoder_init(&decoder, 10, SIZE_MAX);
    struct ws_message message;
    size_t consumed;
    assert_int_equal(ws_decode(&decoder, bytes, sizeof(bytes), &consumed, &message), DECODE_FRAME);
    assert_ptr_equal(message.data.at, bytes + 6);
    assert_int_equal(ws_decode(&decoder, bytes + 8, 7, &consumed, &message), DECODE_FRAME);
    assert_ptr_equal(message.data.at, bytes + 14);
    assert_null(decoder.message.data);
    assert_null(decoder.control.data);
    ws_decoder_finish(&decoder);
}

/* --- encoding -------------------------------------------------------------------------------------- */

static void lengths_are_encoded_in_the_fewest_bytes(void **state)
{
    (void)state;
    static const struct {
        uint64_t payload_len;
        const char *expected;
        size_t len;
    } cases[] = {
        {0, BYTES("\x81\x00")},
        {125, BYTES("\x81\x7d")},
        {126, BYTES("\x81\x7e\x00\x7e")},
        {65535, BYTES("\x81\x7e\xff\xff")},
        {65536, BYTES("\x81\x7f\0\0\0\0\0\1\0\0")},
        {0x123456789abcdef0, BYTES("\x81\x7f\x12\x34\x56\x78\x9a\xbc\xde\xf0")},
    };
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        uint8_t head[10];
        assert_int_equal(ws_encode_head(head, WS_TEXT, cases[i].payload_len), cases[i].len);
        assert_memory_equal(head, cases[i].expected, cases[i].len);
    }
}

static void what_is_encoded_is_read_back_when_masked(void **state)
{
    (void)state;
    static const size_t lens[] = {0, 1, 125, 126, 127, 65535, 65536, 70000};
    static const uint8_t mask[4] = {1, 2, 3, 250};
    for (size_t i = 0; i < MEM_COUNT(lens); i++) {
        size_t len = lens[i];
        char *payload = mem_zalloc(len + 1);
        memset(payload, 'x', len);
        struct buf plain = {0};
        struct buf masked = {0};
        ws_encode(&plain, WS_TEXT, (struct str){payload, len});
        size_t head_len = plain.len - len;
        plain.data[1] |= 0x80;
        buf_append(&masked, plain.data, head_len);
        buf_append(&masked, mask, 4);
        for (size_t k = 0; k < len; k++) {
            buf_append_byte(&masked, (uint8_t)(plain.data[head_len + k] ^ mask[k % 4]));
        }
        struct ws_decoder decoder;
        ws_decoder_init(&decoder, 70000, SIZE_MAX);
        struct ws_message message;
        size_t consumed;
        int code = ws_decode(&decoder, masked.data, masked.len, &consumed, &message);
        assert_int_equal(code, DECODE_FRAME);
        assert_int_equal(consumed, masked.len);
        assert_true(str_equal(message.data, (struct str){payload, len}));
        ws_decoder_finish(&decoder);
        buf_finish(&plain);
        buf_finish(&masked);
        mem_free(payload);
    }
}

static void close_reasons_are_cut_between_characters(void **state)
{
    (void)state;
    char reason[200];
    struct buf out = {0};
    memset(reason, 'x', sizeof(reason));
    ws_encode_close(&out, 0, STR("ignored"));
    assert_int_equal(out.len, 2);
    assert_memory_equal(out.data, "\x88\x00", 2);
    out.len = 0;
    ws_encode_close(&out, 1000, STR("bye"));
    assert_memory_equal(out.data,
                        "\x88\x05\x03\xe8"
                        "bye",
                        7);
    out.len = 0;
    ws_encode_close(&out, 4500, (struct str){NULL, 0});
    assert_memory_equal(out.data, "\x88\x02\x11\x94", 4);
    for (size_t at = 118; at <= 124; at++) {
        memset(reason, 'x', sizeof(reason));
        memcpy(reason + at, "\xf0\x9f\x98\x80", 4);
        for (size_t len = 122; len <= 128; len++) {
            out.len = 0;
            ws_encode_close(&out, 1000, (struct str){reason, len});
            struct str sent = {(char *)out.data + 4, out.len - 4};
            bool is_split = at < 123 && at + 4 > 123;
            if (len > 123) {
                assert_int_equal(sent.len, is_split ? at : 123);
                assert_true(utf8_is_valid(sent));
            } else {
                assert_int_equal(sent.len, len);
            }
        }
    }
    buf_finish(&out);
}

static void handshake_keys_are_sixteen_bytes_in_base64(void **state)
{
    (void)state;
    char accept[WS_ACCEPT_LEN];
    assert_true(ws_accept(STR("dGhlIHNhbXBsZSBub25jZQ=="), accept));
    assert_memory_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", WS_ACCEPT_LEN);
    static const struct str wrong[] = {
        {"", 0},
        {"dGhlIHNhbXBsZSBub25jZQ", 22},     /* no padding */
        {"dGhlIHNhbXBsZSBub25jZQ= ", 24},   /* a space for padding */
        {"dGhlIHNhbXBsZSBub25jZQ==\n", 25}, /* more */
        {"dGhlIHNhbXBsZSBub25jZWI=", 24},   /* seventeen bytes */
        {"dGhlIHNhbXBsZSBub25jZWJj", 24},   /* eighteen bytes */
        {"dGhlIHNhbXBsZSBub25j", 20},       /* fifteen bytes */
        {"dGhlIHNhbXBsZSBub2-jZQ==", 24},   /* another alphabet */
        {"dGhlIHNhbXBs\r\nBub25jZQ==", 24}, /* a line end */
    };
    for (size_t i = 0; i < MEM_COUNT(wrong); i++) {
        assert_false(ws_accept(wrong[i], accept));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_and_errors_are_as_the_table_says),
        cmocka_unit_test(every_prefix_of_good_input_answers_more),
        cmocka_unit_test(close_codes_are_judged_by_the_table_of_codes),
        cmocka_unit_test(a_message_is_refused_by_its_header),
        cmocka_unit_test(many_tiny_fragments_are_one_message),
        cmocka_unit_test(fragments_of_one_message_are_counted),
        cmocka_unit_test(each_message_has_fragments_of_its_own),
        cmocka_unit_test(a_limit_that_was_lowered_meanwhile_holds_from_the_next_fragment),
        cmocka_unit_test(every_length_is_unmasked_from_every_place),
        cmocka_unit_test(a_whole_message_is_read_where_it_lies),
        cmocka_unit_test(lengths_are_encoded_in_the_fewest_bytes),
        cmocka_unit_test(what_is_encoded_is_read_back_when_masked),
        cmocka_unit_test(close_reasons_are_cut_between_characters),
        cmocka_unit_test(handshake_keys_are_sixteen_bytes_in_base64),
    };
    return cmocka_run_group_tests(tests, create_guard, destroy_guard);
}
