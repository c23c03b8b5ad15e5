/* SPDX-License-Identifier: MIT
 *
 * Work at a turn's end runs before the loop blocks, from whichever phase it was added.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <unistd.h>

#include "common/turn.h"

static uv_loop_t loop;
static struct turn turn;
static char trace[64];

struct job {
    struct turn_entry entry;
    char name;
    struct job *adds;
    struct job *removes;
};

static void note(char name)
{
    size_t len = strlen(trace);
    assert_true(len + 1 < sizeof(trace));
    trace[len] = name;
    trace[len + 1] = '\0';
}

static void run_job(struct turn_entry *entry)
{
    struct job *job = MEM_CONTAINER(entry, struct job, entry);
    note(job->name);
    if (job->adds != NULL) {
        turn_add(&turn, &job->adds->entry, run_job);
    }
    if (job->removes != NULL) {
        turn_remove(&job->removes->entry);
    }
}

static int open_turn(void **state)
{
    (void)state;
    trace[0] = '\0';
    turn = (struct turn){.entries = {NULL, NULL}};
    uv_loop_init(&loop);
    turn_init(&turn, &loop);
    return 0;
}

static int close_turn(void **state)
{
    (void)state;
    turn_close(&turn);
    turn_close(&turn);
    uv_run(&loop, UV_RUN_DEFAULT);
    return uv_loop_close(&loop);
}

static void entries_run_once_in_order(void **state)
{
    (void)state;
    struct job b = {.name = 'b'};
    struct job a = {.name = 'a'};
    turn_add(&turn, &a.entry, run_job);
    turn_add(&turn, &b.entry, run_job);
    turn_add(&turn, &a.entry, run_job);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_string_equal(trace, "ab");
}

static void an_entry_added_by_another_runs_in_the_same_turn(void **state)
{
    (void)state;
    struct job last = {.name = 'c'};
    struct job gone = {.name = 'x'};
    struct job second = {.name = 'b', .adds = &last};
    struct job first = {.name = 'a', .adds = &second, .removes = &gone};
    turn_add(&turn, &first.entry, run_job);
    turn_add(&turn, &gone.entry, run_job);
    uv_run(&loop, UV_RUN_NOWAIT);
    assert_string_equal(trace, "abc");
    turn_remove(&gone.entry);
}

static void nothing_runs_once_the_turn_is_closed(void **state)
{
    (void)state;
    struct job waits = {.name = 'a'};
    struct job late = {.name = 'b'};
    turn_add(&turn, &waits.entry, run_job);
    turn_close(&turn);
    turn_add(&turn, &late.entry, run_job);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_string_equal(trace, "");
    turn_remove(&waits.entry);
}

/* One event of each phase adds a job that makes the next event happen; were a job to wait for a
 * poll that blocks, the loop would stand still for ever and the test with it. */
static uv_pipe_t pipe_end;
static uv_timer_t timer;
static uv_check_t check;
static int other_end;

static void on_end_closed(uv_handle_t *handle);

static void write_byte(struct turn_entry *entry)
{
    (void)entry;
    note('w');
    assert_int_equal(write(other_end, "x", 1), 1);
}

static void close_all(struct turn_entry *entry)
{
    (void)entry;
    note('e');
    uv_close((uv_handle_t *)&pipe_end, NULL);
    uv_close((uv_handle_t *)&timer, NULL);
}

static struct turn_entry writes = {.run = write_byte};
static struct turn_entry ends = {.run = close_all};

static void on_check(uv_check_t *handle)
{
    note('c');
    turn_add(&turn, &writes, write_byte);
    uv_close((uv_handle_t *)handle, on_end_closed);
}

static int read_count;

static void on_end_closed(uv_handle_t *handle)
{
    (void)handle;
    note('d');
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out_buf)
{
    static char byte[1];
    (void)handle;
    (void)suggested;
    *out_buf = uv_buf_init(byte, 1);
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *bytes)
{
    (void)stream;
    (void)bytes;
    if (len <= 0) {
        return;
    }
    note('r');
    read_count++;
    if (read_count == 1) {
        turn_add(&turn, &writes, write_byte); /* from I/O */
    } else if (read_count == 2) {
        uv_check_start(&check, on_check); /* the check phase adds */
    } else {
        turn_add(&turn, &ends, close_all);
    }
}

static void on_timer(uv_timer_t *handle)
{
    (void)handle;
    note('t');
    turn_add(&turn, &writes, write_byte);
}

static void entries_of_every_phase_run_before_the_loop_blocks(void **state)
{
    (void)state;
    int fds[2];
    read_count = 0;
    assert_int_equal(uv_socketpair(SOCK_STREAM, 0, fds, UV_NONBLOCK_PIPE, 0), 0);
    other_end = fds[1];
    uv_pipe_init(&loop, &pipe_end, 0);
    uv_pipe_open(&pipe_end, fds[0]);
    uv_read_start((uv_stream_t *)&pipe_end, on_alloc, on_read);
    uv_timer_init(&loop, &timer);
    uv_timer_start(&timer, on_timer, 1, 0);
    uv_check_init(&loop, &check);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_string_equal(trace, "twrwrcdwre");
    (void)close(other_end);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, open_turn, close_turn)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(entries_run_once_in_order),
        TEST(an_entry_added_by_another_runs_in_the_same_turn),
        TEST(nothing_runs_once_the_turn_is_closed),
        TEST(entries_of_every_phase_run_before_the_loop_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
