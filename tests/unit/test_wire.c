/* SPDX-License-Identifier: MIT
 *
 * The bounds-checked cursor: what is written is read, and no read passes the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "common/mem.h"
#include "common/wire.h"

static void put_everything(struct buf *buf)
{
    wire_put_u8(buf, 0xfe);
    wire_put_u16(buf, 0x1234);
    wire_put_u32(buf, 0xdeadbeef);
    wire_put_u64(buf, 0x0123456789abcdef);
    wire_put_str16(buf, STR("hi"));
    wire_put_str32(buf, STR(""));
}

static void numbers_are_big_endian(void **state)
{
    (void)state;
    static const uint8_t golden[] = {0xfe, 0x12, 0x34, 0xde, 0xad, 0xbe, 0xef, 0x01,
                                     0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0,
                                     2,    'h',  'i',  0,    0,    0,    0};
    struct buf buf = {NULL, 0, 0};
    put_everything(&buf);
    assert_int_equal(buf.len, sizeof(golden));
    assert_memory_equal(buf.data, golden, sizeof(golden));
    buf_finish(&buf);
}

static bool read_everything(const uint8_t *bytes, size_t len)
{
    struct wire_reader reader;
    wire_reader_init(&reader, bytes, len);
    bool is_right = wire_get_u8(&reader) == 0xfe;
    is_right &= wire_get_u16(&reader) == 0x1234;
    is_right &= wire_get_u32(&reader) == 0xdeadbeef;
    is_right &= wire_get_u64(&reader) == 0x0123456789abcdef;
    is_right &= str_equal(wire_get_str16(&reader), STR("hi"));
    is_right &= str_equal(wire_get_str32(&reader), STR(""));
    assert_true(is_right || !wire_done(&reader));
    return wire_done(&reader);
}

static void what_is_written_is_read_and_no_prefix_is_enough(void **state)
{
    (void)state;
    struct buf buf = {NULL, 0, 0};
    put_everything(&buf);
    for (size_t len = 0; len < buf.len; len++) {
        uint8_t *exact = mem_dup(buf.data, len); /* so that ASan sees a read too far */
        assert_false(read_everything(exact, len));
        mem_free(exact);
    }
    assert_true(read_everything(buf.data, buf.len));
    buf_append_byte(&buf, 0);
    assert_false(read_everything(buf.data, buf.len));
    buf_finish(&buf);
}

static void a_failed_reader_stays_failed_and_answers_nothing(void **state)
{
    (void)state;
    struct wire_reader reader;
    wire_reader_init(&reader, "\x01\x02\x03", 3);
    assert_int_equal(wire_get_u32(&reader), 0);
    assert_int_equal(wire_get_u8(&reader), 0);
    assert_int_equal(wire_left(&reader), 0);
    assert_true(str_equal(wire_get_bytes(&reader, 1), STR("")));
    assert_false(wire_done(&reader));
}

static void a_length_beyond_the_end_is_refused(void **state)
{
    (void)state;
    struct wire_reader reader;
    wire_reader_init(&reader, "\xff\xff\xff\xff x", 6);
    assert_int_equal(wire_get_str32(&reader).len, 0);
    assert_true(reader.failed);
    wire_reader_init(&reader, "ab", 2);
    assert_int_equal(wire_get_bytes(&reader, SIZE_MAX).len, 0);
    assert_true(reader.failed);
    wire_reader_init(&reader, NULL, 0);
    assert_true(wire_done(&reader));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_big_endian),
        cmocka_unit_test(what_is_written_is_read_and_no_prefix_is_enough),
        cmocka_unit_test(a_failed_reader_stays_failed_and_answers_nothing),
        cmocka_unit_test(a_length_beyond_the_end_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
