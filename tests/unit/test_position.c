/* SPDX-License-Identifier: MIT
 *
 * Positions: what is one, and what is not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/mem.h"
#include "proto/position.h"

#define EPOCH_32 "abcdefghijklmnopqrstuvwxyz234567"

static const struct {
    const char *text;
    const char *epoch; /* NULL: no position */
    uint64_t offset;
} table[] = {
    {"e-0", "e", 0},
    {"e-1", "e", 1},
    {"Az09-10", "Az09", 10},
    {"e-18446744073709551615", "e", UINT64_MAX},
    {"e-18446744073709551616", NULL, 0},
    {"e-99999999999999999999", NULL, 0},
    {"e-100000000000000000000", NULL, 0},
    {EPOCH_32 "-5", EPOCH_32, 5},
    {EPOCH_32 "x-5", NULL, 0},
    {"", NULL, 0},
    {"-", NULL, 0},
    {"e", NULL, 0},
    {"e-", NULL, 0},
    {"-1", NULL, 0},
    {"e-01", NULL, 0},
    {"e-00", NULL, 0},
    {"e-+1", NULL, 0},
    {"e--1", NULL, 0},
    {"e-1 ", NULL, 0},
    {" e-1", NULL, 0},
    {"e-1-1", NULL, 0},
    {"e:1", NULL, 0},
    {"\xc3\xa9-1", NULL, 0},
    {"undefined", NULL, 0},
};

static void a_position_is_an_epoch_and_an_offset_in_one_spelling(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(table); i++) {
        struct position found = {{NULL, 0}, 77};
        assert_int_equal(position_parse(str_of(table[i].text), &found), table[i].epoch != NULL);
        if (table[i].epoch != NULL) {
            assert_true(str_equal(found.epoch, str_of(table[i].epoch)));
            assert_true(found.offset == table[i].offset);
        } else {
            assert_true(found.offset == 77 && found.epoch.at == NULL);
        }
    }
}

static void what_is_written_is_read_as_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(table); i++) {
        struct position position;
        struct position_text text = {.len = 0};
        if (position_parse(str_of(table[i].text), &position)) {
            position_write(&position, &text);
            assert_true(str_equal(position_str(&text), str_of(table[i].text)));
        }
    }
}

static void the_longest_position_fits(void **state)
{
    struct position_text text;
    (void)state;
    position_write(&(struct position){STR(EPOCH_32), UINT64_MAX}, &text);
    assert_int_equal(text.len, POSITION_BYTES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_position_is_an_epoch_and_an_offset_in_one_spelling),
        cmocka_unit_test(what_is_written_is_read_as_the_same),
        cmocka_unit_test(the_longest_position_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
