/* SPDX-License-Identifier: MIT
 *
 * The timer wheel under a clock of the test's own: the loop's time is set and the timer's callback
 * is called.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "common/wheel.h"

#define START_MS 1000

static uv_loop_t loop;
static struct wheel wheel;

struct alarm {
    struct wheel_entry entry;
    uint64_t rang_at_ms;
    unsigned times;
    uint64_t again_ms; /* re-adds itself */
    struct alarm *removes;
};

static void on_due(struct wheel_entry *entry)
{
    struct alarm *alarm = MEM_CONTAINER(entry, struct alarm, entry);
    assert_false(list_is_linked(&entry->node));
    alarm->rang_at_ms = uv_now(&loop);
    alarm->times++;
    if (alarm->removes != NULL) {
        wheel_remove(&wheel, &alarm->removes->entry);
    }
    if (alarm->again_ms > 0) {
        wheel_add(&wheel, entry, alarm->again_ms, on_due);
    }
}

static void add(struct alarm *alarm, uint64_t delay_ms)
{
    wheel_add(&wheel, &alarm->entry, delay_ms, on_due);
}

/* As the loop would: the callback when the timer's time has come. */
static void set_clock(uint64_t now_ms)
{
    loop.time = now_ms;
    if (uv_is_active((uv_handle_t *)&wheel.timer) && wheel.timer.timeout <= now_ms) {
        uv_timer_stop(&wheel.timer);
        wheel.timer.timer_cb(&wheel.timer);
    }
}

static void pass_until(uint64_t now_ms)
{
    while (uv_now(&loop) < now_ms) {
        set_clock(uv_now(&loop) + 1);
    }
}

static int open_wheel(void **state)
{
    (void)state;
    uv_loop_init(&loop);
    memset(&wheel, 0, sizeof(wheel));
    wheel_init(&wheel, &loop);
    loop.time = START_MS;
    return 0;
}

static int close_wheel(void **state)
{
    (void)state;
    wheel_close(&wheel);
    wheel_close(&wheel);
    uv_run(&loop, UV_RUN_DEFAULT);
    wheel_finish(&wheel);
    return uv_loop_close(&loop);
}

static void an_entry_is_due_at_the_tick_after_its_deadline(void **state) /* {delay, rings at} */
{
    (void)state;
    static const struct {
        uint64_t delay_ms;
        uint64_t rings_ms;
    } rows[] = {{0, 1100},   {1, 1100},      {100, 1100},      {101, 1200},      {250, 1300},
                {300, 1300}, {60000, 61000}, {102400, 103400}, {102401, 103500}, {250000, 251000}};
    struct alarm alarms[MEM_COUNT(rows)];
    memset(alarms, 0, sizeof(alarms));
    for (size_t i = 0; i < MEM_COUNT(rows); i++) {
        add(&alarms[i], rows[i].delay_ms);
    }
    pass_until(260000);
    for (size_t i = 0; i < MEM_COUNT(rows); i++) {
        assert_int_equal(alarms[i].times, 1);
        assert_int_equal(alarms[i].rang_at_ms, rows[i].rings_ms);
    }
    assert_int_equal(wheel.count, 0);
    assert_false(uv_is_active((uv_handle_t *)&wheel.timer));
}

static void a_touched_entry_rings_later(void **state)
{
    (void)state;
    struct alarm alarm = {.times = 0};
    add(&alarm, 300);
    pass_until(1250);
    wheel_touch(&wheel, &alarm.entry, 300);
    pass_until(1590);
    assert_int_equal(alarm.times, 0);
    pass_until(1600);
    assert_int_equal(alarm.times, 1);
}

static void adding_again_moves_the_entry(void **state)
{
    (void)state;
    struct alarm alarm = {.times = 0};
    add(&alarm, 5000);
    add(&alarm, 200);
    assert_int_equal(wheel.count, 1);
    pass_until(10000);
    assert_int_equal(alarm.times, 1);
    assert_int_equal(alarm.rang_at_ms, 1200);
}

static void a_callback_may_add_its_entry_again_and_remove_another(void **state)
{
    (void)state;
    struct alarm victim = {.times = 0};
    struct alarm later = {.times = 0};
    struct alarm alarm = {.again_ms = 1, .removes = &victim};
    add(&alarm, 100);
    add(&victim, 100); /* in the same slot, behind it */
    add(&later, 100);
    pass_until(1500);
    assert_int_equal(victim.times, 0);
    assert_int_equal(later.times, 1);
    assert_int_equal(alarm.times, 5);
    wheel_remove(&wheel, &alarm.entry);
    wheel_remove(&wheel, &alarm.entry);
    assert_false(uv_is_active((uv_handle_t *)&wheel.timer));
}

static void a_clock_that_jumps_rings_everything_once(void **state)
{
    (void)state;
    struct alarm alarms[50];
    memset(alarms, 0, sizeof(alarms));
    for (size_t i = 0; i < MEM_COUNT(alarms); i++) {
        add(&alarms[i], i * 3700);
    }
    set_clock(START_MS + 86400000);
    for (size_t i = 0; i < MEM_COUNT(alarms); i++) {
        assert_int_equal(alarms[i].times, 1);
    }
    add(&alarms[0], 150);
    pass_until(uv_now(&loop) + 200);
    assert_int_equal(alarms[0].times, 2);
}

static void an_endless_delay_never_rings(void **state)
{
    (void)state;
    struct alarm alarm = {.times = 0};
    add(&alarm, UINT64_MAX);
    set_clock(START_MS + 86400000);
    assert_int_equal(alarm.times, 0);
    wheel_remove(&wheel, &alarm.entry);
}

static void entries_may_outlive_the_wheel(void **state)
{
    (void)state;
    struct alarm alarm = {.times = 0};
    struct alarm late = {.times = 0};
    add(&alarm, 100);
    wheel_close(&wheel);
    add(&late, 100);
    assert_false(list_is_linked(&late.entry.node));
    uv_run(&loop, UV_RUN_DEFAULT);
    wheel_finish(&wheel);
    wheel_remove(&wheel, &alarm.entry);
    assert_false(list_is_linked(&alarm.entry.node));
    assert_int_equal(alarm.times, 0);
}

static void the_loop_itself_rings_and_then_may_end(void **state)
{
    (void)state;
    struct alarm alarm = {.times = 0};
    uv_update_time(&loop);
    uint64_t start = wheel_now(&wheel);
    add(&alarm, 150);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(alarm.times, 1);
    assert_true(alarm.rang_at_ms >= start + 150);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, open_wheel, close_wheel)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_entry_is_due_at_the_tick_after_its_deadline),
        TEST(a_touched_entry_rings_later),
        TEST(adding_again_moves_the_entry),
        TEST(a_callback_may_add_its_entry_again_and_remove_another),
        TEST(a_clock_that_jumps_rings_everything_once),
        TEST(an_endless_delay_never_rings),
        TEST(entries_may_outlive_the_wheel),
        TEST(the_loop_itself_rings_and_then_may_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
