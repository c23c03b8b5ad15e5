/* SPDX-License-Identifier: MIT
 *
 * Prometheus' text, byte by byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/mem.h"
#include "common/metrics.h"

struct numbers {
    uint64_t first;
    uint64_t second;
};

static void assert_text(struct buf *out, const char *expected)
{
    buf_append_byte(out, '\0');
    assert_string_equal((const char *)out->data, expected);
    buf_finish(out);
}

static void a_metric_is_introduced_once_and_has_a_line_for_each_row(void **state)
{
    static const struct metric rows[] = {
        {.name = "a_total",
         .type = METRIC_COUNTER,
         .offset = offsetof(struct numbers, first),
         .help = "Help of a."},
        {.name = "b",
         .type = METRIC_GAUGE,
         .offset = offsetof(struct numbers, first),
         .label = "kind",
         .label_value = "x",
         .help = "Help of b."},
        {.name = "b",
         .type = METRIC_GAUGE,
         .offset = offsetof(struct numbers, second),
         .label = "kind",
         .label_value = "y"},
    };
    const struct numbers numbers = {7, UINT64_MAX};
    struct buf out = {0};
    (void)state;
    metrics_write(rows, MEM_COUNT(rows), &numbers, &out);
    assert_text(&out, "# HELP a_total Help of a.\n"
                      "# TYPE a_total counter\n"
                      "a_total 7\n"
                      "# HELP b Help of b.\n"
                      "# TYPE b gauge\n"
                      "b{kind=\"x\"} 7\n"
                      "b{kind=\"y\"} 18446744073709551615\n");
}

static void microseconds_are_written_as_seconds(void **state)
{
    static const struct {
        uint64_t microseconds;
        const char *line;
    } table[] = {
        {0, "0.000000"},       {1, "0.000001"},         {999999, "0.999999"},
        {1000000, "1.000000"}, {61000042, "61.000042"},
    };
    static const struct metric row = {
        .name = "lag_seconds", .type = METRIC_GAUGE, .unit = METRIC_MICROSECONDS, .help = "Lag."};
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(table); i++) {
        struct buf out = {0};
        struct buf expected = {0};
        buf_append_format(&expected,
                          "# HELP lag_seconds Lag.\n# TYPE lag_seconds gauge\nlag_seconds %s\n",
                          table[i].line);
        buf_append_byte(&expected, '\0');
        metrics_write(&row, 1, &table[i].microseconds, &out);
        assert_text(&out, (const char *)expected.data);
        buf_finish(&expected);
    }
}

static void a_label_may_hold_any_text(void **state)
{
    static const struct {
        const char *value;
        const char *line;
    } table[] = {
        {"", "q{gateway=\"\",link=\"1\"} 5\n"},
        {"gw-1", "q{gateway=\"gw-1\",link=\"1\"} 5\n"},
        {"a\"b", "q{gateway=\"a\\\"b\",link=\"1\"} 5\n"},
        {"a\\b", "q{gateway=\"a\\\\b\",link=\"1\"} 5\n"},
        {"a\nq 9", "q{gateway=\"a\\nq 9\",link=\"1\"} 5\n"},
    };
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(table); i++) {
        struct buf out = {0};
        const struct metric_label labels[] = {{"gateway", str_of(table[i].value)},
                                              {"link", STR("1")}};
        metrics_put(&out, "q", labels, MEM_COUNT(labels), 5);
        assert_text(&out, table[i].line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_metric_is_introduced_once_and_has_a_line_for_each_row),
        cmocka_unit_test(microseconds_are_written_as_seconds),
        cmocka_unit_test(a_label_may_hold_any_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
