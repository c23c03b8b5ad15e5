/* SPDX-License-Identifier: MIT
 *
 * Message-ids that came on an earlier link are known, as many as are remembered.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "common/wire.h"
#include "gateway/recent.h"

static bool knows(struct recent *recent, unsigned number)
{
    char id[16];
    int len = snprintf(id, sizeof(id), "m-%u", number);
    return recent_knows(recent, (struct str){id, (size_t)len});
}

static void a_message_comes_in_parts_on_one_link_and_is_known_on_the_next(void **state)
{
    struct recent recent = {.count = 0};
    (void)state;
    assert_false(knows(&recent, 1));
    assert_false(knows(&recent, 1));
    recent_next_link(&recent);
    assert_true(knows(&recent, 1));
    assert_false(knows(&recent, 2));
    recent_next_link(&recent);
    assert_true(knows(&recent, 2));
    recent_finish(&recent);
}

static void the_oldest_is_forgotten_beyond_the_limit(void **state)
{
    struct recent recent = {.count = 0};
    (void)state;
    for (unsigned i = 0; i < RECENT_MAX; i++) {
        assert_false(knows(&recent, i));
    }
    recent_next_link(&recent);
    assert_true(knows(&recent, 0));
    assert_false(knows(&recent, RECENT_MAX));
    assert_false(knows(&recent, 0)); /* forgotten for the one more, and the next oldest for it */
    assert_true(knows(&recent, 2));
    assert_true(knows(&recent, RECENT_MAX - 1));
    recent_finish(&recent);
}

static void the_last_are_told_oldest_first(void **state)
{
    struct recent recent = {.count = 0};
    struct buf told = {NULL, 0, 0};
    struct wire_reader reader;
    (void)state;
    recent_put(&recent, &told);
    assert_int_equal(told.len, 0);
    for (unsigned i = 0; i < RECENT_TOLD + 1; i++) {
        (void)knows(&recent, i);
    }
    recent_put(&recent, &told);
    assert_int_equal(told.len, RECENT_TOLD * sizeof(uint64_t));
    wire_reader_init(&reader, told.data, told.len);
    assert_int_equal(wire_get_u64(&reader), link_id_hash(STR("m-1")));
    buf_finish(&told);
    recent_finish(&recent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_comes_in_parts_on_one_link_and_is_known_on_the_next),
        cmocka_unit_test(the_oldest_is_forgotten_beyond_the_limit),
        cmocka_unit_test(the_last_are_told_oldest_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
