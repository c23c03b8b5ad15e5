/* SPDX-License-Identifier: MIT
 *
 * One frame, encoded once per framing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/mem.h"
#include "gateway/shared_frame.h"
#include "gateway/stats.h"

static const struct framing_case {
    enum framing framing;
    struct str raw;
    struct str wire; /* at NULL: cannot travel so */
} framing_cases[] = {
    {FRAMING_TCP, {"A\n\n\0", 4}, {"A\n\n\0\n", 5}},
    {FRAMING_TCP, {"\n", 1}, {"\n", 1}},
    {FRAMING_WEBSOCKET,
     {"A\n\n\0", 4},
     {"\x81\x04"
      "A\n\n\0",
      6}},
    {FRAMING_WEBSOCKET, {"\xff\0", 2}, {"\x82\x02\xff\0", 4}},
    {FRAMING_SOCKJS_WEBSOCKET,
     {"a\"b", 3},
     {"\x81\x09"
      "a[\"a\\\"b\"]",
      11}},
    {FRAMING_SOCKJS_WEBSOCKET, {"\xff\0", 2}, {NULL, 0}},
    {FRAMING_XHR_STREAMING, {"x", 1}, {"7\r\na[\"x\"]\n\r\n", 12}},
    {FRAMING_EVENTSOURCE, {"x", 1}, {"10\r\ndata: a[\"x\"]\r\n\r\n\r\n", 22}},
    {FRAMING_STRING, {"x\n", 2}, {"\"x\\n\"", 5}},
    {FRAMING_STRING, {"\xed\xa0\xbd", 3}, {NULL, 0}},
};

static void every_framing_wraps_the_same_frame_its_own_way(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(framing_cases); i++) {
        const struct framing_case *row = &framing_cases[i];
        struct shared_frame *frame =
            shared_frame_create(payload_copy(row->raw.at, row->raw.len), NULL);
        struct payload *wire = shared_frame_encoding(frame, row->framing);
        if (row->wire.at == NULL) {
            assert_null(wire);
        } else {
            assert_non_null(wire);
            if (wire->len != row->wire.len) {
                print_message("row %zu: %.*s\n", i, (int)wire->len, (const char *)wire->data);
            }
            assert_int_equal(wire->len, row->wire.len);
            assert_memory_equal(wire->data, row->wire.at, wire->len);
        }
        shared_frame_release(frame);
    }
}

static void htmlfile_is_one_chunk_with_a_script(void **state)
{
    (void)state;
    struct shared_frame *frame = shared_frame_create(payload_copy("x", 1), NULL);
    struct payload *wire = shared_frame_encoding(frame, FRAMING_HTMLFILE);
    struct buf text = {0};
    buf_append(&text, wire->data, wire->len);
    buf_append_byte(&text, 0);
    assert_non_null(strstr((const char *)text.data, "<script>"));
    assert_memory_equal(wire->data + wire->len - 2, "\r\n", 2);
    buf_finish(&text);
    shared_frame_release(frame);
}

static void an_encoding_is_made_once_and_counted(void **state)
{
    (void)state;
    struct stats stats = {0};
    struct shared_frame *frame = shared_frame_create(payload_copy("x", 1), &stats);
    struct shared_frame *share = shared_frame_share(frame);
    struct payload *first = shared_frame_encoding(frame, FRAMING_WEBSOCKET);
    assert_ptr_equal(first, shared_frame_encoding(share, FRAMING_WEBSOCKET));
    assert_int_equal(stats.encodings, 1);
    shared_frame_encoding(frame, FRAMING_TCP);
    assert_int_equal(stats.encodings, 2);
    shared_frame_release(share);
    assert_int_equal(shared_frame_bytes(frame), 1);
    shared_frame_release(frame);
}

static void echo_passes_lone_halves_in_sockjs_and_keeps_binary_binary(void **state)
{
    (void)state;
    struct shared_frame *half = shared_frame_create_wtf8(payload_copy("\xed\xa0\xbd", 3), NULL);
    struct payload *string = shared_frame_encoding(half, FRAMING_STRING);
    assert_int_equal(string->len, 8);
    assert_memory_equal(string->data, "\"\\ud83d\"", 8);
    assert_int_equal(shared_frame_encoding(half, FRAMING_WEBSOCKET)->data[0], 0x82);
    shared_frame_release(half);
    struct shared_frame *binary = shared_frame_create_binary(payload_copy("abc", 3), NULL);
    assert_int_equal(shared_frame_encoding(binary, FRAMING_WEBSOCKET)->data[0], 0x82);
    assert_null(shared_frame_encoding(binary, FRAMING_STRING));
    shared_frame_release(binary);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_framing_wraps_the_same_frame_its_own_way),
        cmocka_unit_test(htmlfile_is_one_chunk_with_a_script),
        cmocka_unit_test(an_encoding_is_made_once_and_counted),
        cmocka_unit_test(echo_passes_lone_halves_in_sockjs_and_keeps_binary_binary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
