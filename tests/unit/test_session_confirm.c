/* SPDX-License-Identifier: MIT
 *
 * What a gateway tells the broker of what its sessions have got, should it be killed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/checkpoint.h"
#include "gateway/session_queue.h"
#include "tests/unit/session_fixture.h"

static struct shared_frame *make_frame(const char *text)
{
    return shared_frame_create(payload_copy(text, strlen(text)), &fake.runtime.stats);
}

/* ---- the queue ---- */

static void push(struct session_queue *queue, const char *text, uint64_t number, bool is_own)
{
    struct shared_frame *frame = make_frame(text);
    session_queue_push(queue, frame, number, is_own);
    shared_frame_release(frame);
}

static size_t take(struct session_queue *queue, size_t bytes_max)
{
    struct shared_frame *frames[8];
    size_t count = session_queue_take(queue, frames, MEM_COUNT(frames), bytes_max);
    for (size_t i = 0; i < count; i++) {
        shared_frame_release(frames[i]);
    }
    return count;
}

static void what_one_message_brought_is_taken_whole(void **state)
{
    (void)state;
    struct session_queue queue = {0};
    push(&queue, "a", 5, false);
    push(&queue, "b", 6, false);
    push(&queue, "c", 6, false);
    push(&queue, "d", 7, true);
    push(&queue, "e", 7, true);
    assert_int_equal(session_queue_number_at(&queue, 1), 6);
    assert_int_equal(queue.own_count, 2);
    assert_int_equal(take(&queue, 1), 1);
    assert_int_equal(take(&queue, 1), 2);
    assert_int_equal(take(&queue, 1), 1); /* its own are apart */
    assert_int_equal(queue.own_popped, 1);
    session_queue_own_all(&queue, 1);
    assert_int_equal(session_queue_number_at(&queue, 0), 1);
    assert_int_equal(take(&queue, 1), 1);
    assert_int_equal(queue.own_popped, 2); /* an empty queue has not forgotten */
}

/* ---- a poll ---- */

static void open_detached(void)
{
    open_with(&poll_ops);
    session_detach(&fake.a.transport, DETACH_ENDED);
    fake_link_take(&fake.link);
}

static void expect_poll(const char *text, const char *told)
{
    attach(&fake.a, &poll_ops);
    fake_link_take(&fake.link);
    (void)seen(&fake.a);
    (void)take_all(&fake.a);
    assert_string_equal(seen(&fake.a), text);
    assert_string_equal(fake_link_take(&fake.link), told);
    session_detach(&fake.a.transport, DETACH_ENDED);
    fake_link_take(&fake.link);
}

static void a_poll_confirms_before_its_response_is_written(void **state)
{
    (void)state;
    open_detached();
    fake.link.handled = 7;
    expect_poll("", "confirm 1 7\n");
    expect_poll("", ""); /* nothing has come since */
    fake.link.handled = 9;
    expect_poll("", "confirm 1 9\n");
}

static void what_the_session_made_itself_is_in_its_checkpoint_until_it_is_taken(void **state)
{
    (void)state;
    open_detached();
    post("nothing else");
    size_t with = fake.link.state_len;
    expect_poll("nothing else ", "checkpoint 0\n");
    assert_int_equal(fake.link.state_len, with - strlen("nothing else") - 5);
    expect_poll("", "");
}

static void a_poll_that_leaves_frames_confirms_up_to_the_first_of_them(void **state)
{
    (void)state;
    struct shared_frame *frames[1];
    open_detached();
    for (uint64_t number = 5; number <= 6; number++) {
        fake.link.handled = number;
        post("one");
    }
    attach(&fake.a, &poll_ops);
    fake_link_take(&fake.link);
    size_t count = session_take(fake.a.transport.session, frames, 1, 1);
    assert_int_equal(count, 1);
    shared_frame_release(frames[0]);
    assert_string_equal(fake_link_take(&fake.link), "checkpoint 0\nconfirm 1 6\n");
}

static void answers_that_nobody_collects_are_confirmed_by_the_way(void **state)
{
    (void)state;
    open_detached();
    fake.link.handled = 5;
    for (size_t i = 1; i < 64; i++) {
        sessions_answered(fake.sessions, &(struct broker_answer){.session = 1});
    }
    assert_string_equal(fake_link_take(&fake.link), "");
    sessions_answered(fake.sessions, &(struct broker_answer){.session = 1});
    assert_string_equal(fake_link_take(&fake.link), "confirm 1 5\n");
}

static void a_stream_confirms_at_the_end_of_the_turn(void **state)
{
    (void)state;
    open_with(&stream);
    fake.link.handled = 5;
    post("one");
    post("two");
    fake_link_take(&fake.link);
    while (fake.link.len == 0) {
        uv_run(&fake.runtime.loop, UV_RUN_NOWAIT);
    }
    assert_string_equal(fake_link_take(&fake.link), "confirm 1 5\n");
}

/* ---- states ---- */

static void a_state_too_long_to_be_kept_is_refused_once_and_sent_when_it_has_shrunk(void **state)
{
    (void)state;
    struct buf text = {0};
    for (size_t i = 0; i < LINK_STATE_BYTES_MAX; i++) {
        buf_append_byte(&text, 'x');
    }
    buf_append_byte(&text, '\0');
    fake.echo.limits.queue_bytes_max = 1 << 20;
    fake.echo.limits.queue_messages_max = 1000;
    open_detached();
    post((const char *)text.data);
    assert_true(fake.link.state_len > LINK_STATE_BYTES_MAX);
    for (size_t i = 0; i < 40; i++) {
        post("x");
        assert_int_equal(fake.link.state_len, 0);
    }
    buf_finish(&text);
    fake_link_take(&fake.link);
    attach(&fake.a, &poll_ops);
    while (take_all(&fake.a) > 0) {
    }
    size_t bodies = 0;
    do {
        post("x");
        fake_link_take(&fake.link);
    } while (fake.link.state_len == 0 && ++bodies < 40);
    assert_in_range(bodies, 1, 15);
}

static void a_new_link_gets_the_state_with_all_that_is_queued(void **state)
{
    (void)state;
    open_detached();
    fake.link.is_delivering = true; /* as if it were a delivery: the lost link's log had it */
    post("delivered");
    fake.link.is_delivering = false;
    size_t without = fake.link.state_len;
    sessions_restore(fake.sessions);
    assert_int_equal(fake.link.state_len, without + strlen("delivered") + 5);
    fake_link_take(&fake.link);
    fake.link.state_len = 0;
    sessions_restored_all(fake.sessions); /* what was said again had older ones */
    assert_string_equal(fake_link_take(&fake.link), "checkpoint 0\n");
    assert_int_equal(fake.link.state_len, without + strlen("delivered") + 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SESSION_TEST(what_one_message_brought_is_taken_whole),
        SESSION_TEST(a_poll_confirms_before_its_response_is_written),
        SESSION_TEST(what_the_session_made_itself_is_in_its_checkpoint_until_it_is_taken),
        SESSION_TEST(a_poll_that_leaves_frames_confirms_up_to_the_first_of_them),
        SESSION_TEST(answers_that_nobody_collects_are_confirmed_by_the_way),
        SESSION_TEST(a_stream_confirms_at_the_end_of_the_turn),
        SESSION_TEST(a_state_too_long_to_be_kept_is_refused_once_and_sent_when_it_has_shrunk),
        SESSION_TEST(a_new_link_gets_the_state_with_all_that_is_queued),
    };
    log_configure(LOG_ERROR, LOG_TEXT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
