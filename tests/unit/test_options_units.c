/* SPDX-License-Identifier: MIT
 *
 * Sizes, durations and near names of the configuration.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/mem.h"
#include "common/options_internal.h"

static void sizes_are_whole_numbers_with_a_unit(void **state)
{
    static const struct {
        const char *text;
        bool is_right;
        uint64_t bytes;
    } table[] = {
        {"4096B", true, 4096},
        {"0B", true, 0},
        {"64KiB", true, 65536},
        {"16MiB", true, 16777216},
        {"3GiB", true, 3221225472},
        {"18446744073709551615B", true, UINT64_MAX},
        {"18446744073709551616B", false, 0},
        {"18014398509481983KiB", true, 18446744073709550592u},
        {"18014398509481984KiB", false, 0},
        {"64", false, 0},
        {"64K", false, 0},
        {"64KB", false, 0},
        {"64kib", false, 0},
        {"64 KiB", false, 0},
        {" 64KiB", false, 0},
        {"64KiB ", false, 0},
        {"1.5MiB", false, 0},
        {"-1B", false, 0},
        {"+1B", false, 0},
        {"KiB", false, 0},
        {"", false, 0},
    };
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(table); i++) {
        uint64_t bytes = 7;
        assert_int_equal(options_parse_size(str_of(table[i].text), &bytes), table[i].is_right);
        assert_int_equal(bytes, table[i].is_right ? table[i].bytes : 7);
    }
}

static void durations_are_whole_numbers_with_a_unit(void **state)
{
    static const struct {
        const char *text;
        bool is_right;
        uint64_t ms;
    } table[] = {
        {"250ms", true, 250},  {"25s", true, 25000},
        {"10m", true, 600000}, {"24h", true, 86400000},
        {"0s", true, 0},       {"25", false, 0},
        {"0", false, 0},       {"25 s", false, 0},
        {"1d", false, 0},      {"1.5s", false, 0},
        {"s", false, 0},       {"25S", false, 0},
        {"-1s", false, 0},     {"1m30s", false, 0},
        {"", false, 0},        {"5124095576030432h", false, 0},
    };
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(table); i++) {
        uint64_t ms = 7;
        assert_int_equal(options_parse_duration(str_of(table[i].text), &ms), table[i].is_right);
        assert_int_equal(ms, table[i].is_right ? table[i].ms : 7);
    }
}

static void what_is_formatted_reads_back_in_the_largest_unit_that_divides(void **state)
{
    static const struct {
        uint64_t value;
        const char *size;
        const char *duration;
    } table[] = {
        {0, "0B", "0s"},
        {1, "1B", "1ms"},
        {1000, "1000B", "1s"},
        {1024, "1KiB", "1024ms"},
        {90000, "90000B", "90s"},
        {3600000, "3600000B", "1h"},
        {1048576, "1MiB", "1048576ms"},
        {65536, "64KiB", "65536ms"},
        {1073741824, "1GiB", "1073741824ms"},
    };
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(table); i++) {
        struct buf size = {0}, duration = {0};
        uint64_t back = 7;
        options_format_size(table[i].value, &size);
        options_format_duration(table[i].value, &duration);
        assert_true(str_equal(buf_str(&size), str_of(table[i].size)));
        assert_true(str_equal(buf_str(&duration), str_of(table[i].duration)));
        assert_true(options_parse_size(buf_str(&size), &back));
        assert_int_equal(back, table[i].value);
        assert_true(options_parse_duration(buf_str(&duration), &back));
        assert_int_equal(back, table[i].value);
        buf_finish(&size);
        buf_finish(&duration);
    }
}

static void a_swap_an_insertion_a_loss_and_a_replacement_are_one_edit_each(void **state)
{
    static const struct {
        const char *a;
        const char *b;
        size_t distance;
    } table[] = {
        {"", "", 0},           {"", "abc", 3},           {"level", "level", 0},
        {"levle", "level", 1}, {"leel", "level", 1},     {"levell", "level", 1},
        {"lebel", "level", 1}, {"ab", "ba", 1},          {"store", "stall", 3},
        {"ca", "abc", 3},      {"kitten", "sitting", 3},
    };
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(table); i++) {
        struct str a = str_of(table[i].a), b = str_of(table[i].b);
        assert_int_equal(options_nearest_distance(a, b, SIZE_MAX), table[i].distance);
        assert_int_equal(options_nearest_distance(b, a, SIZE_MAX), table[i].distance);
    }
}

static void only_a_name_that_is_near_enough_is_suggested(void **state)
{
    static const struct {
        const char *name;
        const char *best; /* NULL: none */
    } table[] = {
        {"shelfs", "shelves"},
        {"opne", "open"},
        {"paus", "pause"},
        {"certificate", NULL},
        {"x", NULL},
        {"shelves_wide", "shelves"},
        {"helves", "shelves"},
        {"lunch_pause", "pause"},

        {"baskets", NULL},
        {"", NULL},
        {"shelves_shelves_shelves_shelves_shelves_shelves_shelves_shelves_s", NULL},
    };
    static const char *const known[] = {"open", "shelves", "pause", "x12"};
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(table); i++) {
        struct options_nearest nearest;
        options_nearest_init(&nearest, str_of(table[i].name));
        for (size_t j = 0; j < MEM_COUNT(known); j++) {
            options_nearest_offer(&nearest, str_of(known[j]));
        }
        assert_true(str_equal(nearest.best, str_of(table[i].best)));
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_whole_numbers_with_a_unit),
        cmocka_unit_test(durations_are_whole_numbers_with_a_unit),
        cmocka_unit_test(what_is_formatted_reads_back_in_the_largest_unit_that_divides),
        cmocka_unit_test(a_swap_an_insertion_a_loss_and_a_replacement_are_one_edit_each),
        cmocka_unit_test(only_a_name_that_is_near_enough_is_suggested),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
