/* SPDX-License-Identifier: MIT
 *
 * Bytes, payloads and texts: what common/buf.h and common/str.h promise.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "common/buf.h"
#include "common/list.h"
#include "common/mem.h"

static void what_is_appended_stands_in_order(void **state)
{
    (void)state;
    struct buf buf = {NULL, 0, 0};
    assert_true(str_equal(buf_str(&buf), STR("")));
    buf_append(&buf, NULL, 0);
    buf_append_text(&buf, "a=");
    buf_append_u64(&buf, 0);
    buf_append_byte(&buf, ' ');
    buf_append_u64(&buf, UINT64_MAX);
    buf_append_str(&buf, STR(" x"));
    buf_append_format(&buf, "%s-%d", "y", 3);
    assert_true(str_equal(buf_str(&buf), STR("a=0 18446744073709551615 xy-3")));
    buf_finish(&buf);
    assert_null(buf.data);
    buf_append_text(&buf, "again");
    assert_true(str_equal(buf_str(&buf), STR("again")));
    buf_finish(&buf);
}

static void growing_keeps_the_bytes(void **state)
{
    (void)state;
    struct buf buf = {NULL, 0, 0};
    for (unsigned i = 0; i < 10000; i++) {
        buf_append_byte(&buf, (uint8_t)i);
    }
    for (unsigned i = 0; i < 10000; i++) {
        assert_int_equal(buf.data[i], (uint8_t)i);
    }
    buf_finish(&buf);
}

static void consuming_drops_from_the_front(void **state)
{
    (void)state;
    struct buf buf = {NULL, 0, 0};
    buf_append_text(&buf, "abcdef");
    buf_consume(&buf, 0);
    buf_consume(&buf, 2);
    assert_true(str_equal(buf_str(&buf), STR("cdef")));
    buf_consume(&buf, 4);
    assert_true(str_equal(buf_str(&buf), STR("")));
    buf_finish(&buf);
}

static void a_payload_lives_until_its_last_holder_lets_go(void **state)
{
    (void)state;
    struct payload *payload = payload_copy("hello", 5);
    assert_ptr_equal(payload_share(payload), payload);
    payload_release(payload);
    assert_int_equal(payload->refs, 1);
    assert_memory_equal(payload->data, "hello", 5);
    payload_release(payload);
    payload_release(NULL);
    payload = payload_create(0);
    assert_int_equal(payload->len, 0);
    payload_release(payload);
}

static void numbers_are_digits_within_a_bound(void **state) /* {text, max, accepted, value} */
{
    (void)state;
    static const struct {
        const char *text;
        unsigned long long max;
        bool is_good;
        unsigned long long value;
    } rows[] = {
        {"0", 0, true, 0},
        {"1", 0, false, 0},
        {"65535", 65535, true, 65535},
        {"65536", 65535, false, 0},
        {"007", 9, true, 7},
        {"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
        {"18446744073709551616", UINT64_MAX, false, 0},
        {"99999999999999999999", UINT64_MAX, false, 0},
        {"", 9, false, 0},
        {"-1", 9, false, 0},
        {"+1", 9, false, 0},
        {" 1", 9, false, 0},
        {"1 ", 9, false, 0},
        {"1x", 99, false, 0},
        {"9", 5, false, 0},
        {"12", 11, false, 0},
        {"12", 12, true, 12},
    };
    for (size_t i = 0; i < MEM_COUNT(rows); i++) {
        unsigned long long value = 4711;
        assert_int_equal(str_to_u64(str_of(rows[i].text), rows[i].max, &value), rows[i].is_good);
        assert_true(value == (rows[i].is_good ? rows[i].value : 4711));
    }
}

static void lists_split_into_their_parts(void **state) /* {text, parts joined by |} */
{
    (void)state;
    static const struct {
        const char *text;
        const char *parts;
    } rows[] = {
        {"", ""}, {"a", "a|"}, {"a,", "a||"}, {",", "||"}, {",a", "|a|"}, {"a,bc,,d", "a|bc||d|"},
    };
    for (size_t i = 0; i < MEM_COUNT(rows); i++) {
        struct buf got = {NULL, 0, 0};
        struct str rest = str_of(rows[i].text);
        struct str part;
        while (str_next(&rest, ',', &part)) {
            buf_append_str(&got, part);
            buf_append_byte(&got, '|');
        }
        assert_true(str_equal(buf_str(&got), str_of(rows[i].parts)));
        buf_finish(&got);
    }
}

static void texts_compare_and_trim(void **state)
{
    (void)state;
    assert_true(str_equal_nocase(STR("Keep-ALIVE"), STR("keep-alive")));
    assert_false(str_equal_nocase(STR("a"), STR("ab")));
    assert_false(str_equal_nocase(STR("@"), STR("`")));
    assert_true(str_equal(str_trim(STR(" \t a b\t ")), STR("a b")));
    assert_true(str_equal(str_trim(STR(" \t")), STR("")));
    assert_true(str_starts(STR("abc"), STR("ab")));
    assert_false(str_starts(STR("a"), STR("ab")));
}

struct item {
    int number;
    struct list_node node; /* the test's head */
};

static void the_current_node_may_leave_its_list(void **state)
{
    (void)state;
    struct list_node head;
    struct list_node moved;
    struct item items[4] = {
        {0, {NULL, NULL}}, {1, {NULL, NULL}}, {2, {NULL, NULL}}, {3, {NULL, NULL}}};
    list_init(&head);
    list_remove(&items[0].node);
    for (size_t i = 0; i < 4; i++) {
        list_append(&head, &items[i].node);
    }
    LIST_EACH(&head, node)
    {
        if (LIST_OF(node, struct item, node)->number % 2 == 0) {
            list_remove(node);
        }
    }
    assert_false(list_is_linked(&items[2].node));
    list_take_all(&moved, &head);
    assert_true(list_is_empty(&head));
    assert_int_equal(LIST_OF(list_take_first(&moved), struct item, node)->number, 1);
    assert_int_equal(LIST_OF(list_take_first(&moved), struct item, node)->number, 3);
    assert_null(list_take_first(&moved));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_appended_stands_in_order),
        cmocka_unit_test(growing_keeps_the_bytes),
        cmocka_unit_test(consuming_drops_from_the_front),
        cmocka_unit_test(a_payload_lives_until_its_last_holder_lets_go),
        cmocka_unit_test(numbers_are_digits_within_a_bound),
        cmocka_unit_test(lists_split_into_their_parts),
        cmocka_unit_test(texts_compare_and_trim),
        cmocka_unit_test(the_current_node_may_leave_its_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
