/* SPDX-License-Identifier: MIT
 *
 * Sessions at one gateway: claims, receivers, ends, sends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/session_fixture.h"

/* ---- claims ---- */

static void nothing_is_written_before_the_claim_is_answered(void **state)
{
    (void)state;
    attach(&fake.a, &stream);
    assert_string_equal(seen(&fake.a), "");
    assert_string_equal(fake_link_take(&fake.link), "claim /echo/abc\n");
    claimed(1, LINK_CLAIM_NEW);
    assert_string_equal(seen(&fake.a), "o ");
}

static const struct {
    uint8_t result;
    const char *seen;
    const char *told; /* only what we would hold has to be dropped */
} claim_rows[] = {
    {LINK_CLAIM_BUSY, "c[2010,Another connection still open] ", ""},
    {LINK_CLAIM_CLOSED, "c[3000,Go away!] ", ""},
    {LINK_CLAIM_OTHER, "404 ", ""},
    {LINK_CLAIM_FULL, "c[1013,Too many sessions] ", ""},
    {LINK_CLAIM_MOVED, "c[1002,Connection interrupted] ",
     "drop 1002 Connection interrupted 10000\n"},
};

static void a_claim_that_is_not_granted_ends_in_the_protocols_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(claim_rows); i++) {
        attach(&fake.a, &stream);
        fake_link_take(&fake.link);
        fake.link.checkpoint.len = 0;
        buf_append_text(&fake.link.checkpoint, "of another version");
        claimed(i + 1, claim_rows[i].result);
        assert_string_equal(seen(&fake.a), claim_rows[i].seen);
        assert_string_equal(fake_link_take(&fake.link), claim_rows[i].told);
        assert_int_equal(sessions_count(fake.sessions), 0);
    }
}

static void a_granted_claim_that_nobody_wants_any_more_is_given_back(void **state)
{
    (void)state;
    begin(&fake.a);
    session_detach(&fake.a.transport, DETACH_ABORTED);
    fake_link_take(&fake.link);
    claimed(1, LINK_CLAIM_NEW);
    assert_string_equal(fake_link_take(&fake.link), "drop 1006 left early 0\n");
    claimed(99, LINK_CLAIM_NEW);
    assert_string_equal(fake_link_take(&fake.link), "drop 1006  0\n");
}

static void sessions_beyond_the_limit_are_refused(void **state)
{
    (void)state;
    struct fake_transport more[3] = {{.queued = 0}};
    for (size_t i = 0; i < 3; i++) {
        begin(&more[i]);
    }
    begin(&fake.a);
    assert_string_equal(seen(&fake.a), "c[1013,Too many sessions] ");
    sessions_close_all(fake.sessions, 1001, STR("x"));
    for (size_t i = 0; i < 3; i++) {
        buf_finish(&more[i].seen);
    }
}

/* ---- receivers ---- */

static void a_second_receiver_gets_2010_and_the_first_is_unharmed(void **state)
{
    (void)state;
    attach(&fake.a, &stream);
    attach(&fake.b, &stream);
    assert_string_equal(seen(&fake.b), "c[2010,Another connection still open] ");
    claimed(1, LINK_CLAIM_NEW);
    attach(&fake.b, &stream);
    assert_string_equal(seen(&fake.b), "c[2010,Another connection still open] ");
    post("x");
    assert_string_equal(seen(&fake.a), "o x ");
}

static void a_receiver_of_another_family_is_refused(void **state)
{
    (void)state;
    open_with(&stream);
    attach(&fake.b, &eventsource);
    assert_string_equal(seen(&fake.b), "404 ");
}

static void what_comes_between_two_receivers_waits_for_the_next(void **state)
{
    (void)state;
    open_with(&stream);
    session_detach(&fake.a.transport, DETACH_ENDED);
    post("one");
    post("two");
    assert_string_equal(fake_link_take(&fake.link), "detach\ncheckpoint 2\ncheckpoint 3\n");
    attach(&fake.b, &stream);
    assert_string_equal(seen(&fake.b), "again one two ");
    assert_string_equal(fake_link_take(&fake.link), "attach\n");
}

static void a_poll_is_told_and_takes_what_is_queued(void **state)
{
    (void)state;
    open_with(&poll_ops);
    session_detach(&fake.a.transport, DETACH_ENDED); /* `o` was its answer */
    attach(&fake.b, &poll_ops);
    assert_string_equal(seen(&fake.b), "again ");
    post("one");
    post("two");
    assert_string_equal(seen(&fake.b), "ready ready ");
    assert_int_equal(take_all(&fake.b), 2);
    assert_string_equal(seen(&fake.b), "one two ");
}

static void an_opening_poll_may_leave_inside_the_call(void **state)
{
    (void)state;
    fake.a.detaches_when_opened = true;
    attach(&fake.a, &poll_ops);
    claimed(1, LINK_CLAIM_NEW);
    post("x");
    attach(&fake.b, &poll_ops);
    assert_string_equal(seen(&fake.b), "again ready ");
}

/* {transport, what the broker is told when the network cuts it off} */
static const struct {
    const struct transport_ops *ops;
    size_t queued;
    const char *told;
} abort_rows[] = {
    {&stream, 0, "drop 1002 Connection interrupted 10000\n"},
    {&poll_ops, 0, "drop 1002 Connection interrupted 10000\n"},
    {&eventsource, 1, "drop 1002 Connection interrupted 10000\n"},
    {&eventsource, 0, "detach\n"},
};

static void a_receiver_that_is_cut_off_leaves_a_tombstone_but_eventsource(void **state)
{
    for (size_t i = 0; i < MEM_COUNT(abort_rows); i++) {
        tear_down(state);
        set_up(state);
        open_with(abort_rows[i].ops);
        fake.a.queued = abort_rows[i].queued;
        session_detach(&fake.a.transport, DETACH_ABORTED);
        assert_string_equal(fake_link_take(&fake.link), abort_rows[i].told);
    }
}

/* ---- ends ---- */

static void a_service_that_closes_is_followed_by_its_close_frame(void **state)
{
    (void)state;
    fake.a.transport = (struct transport){.ops = &stream};
    session_attach(fake.sessions, &fake.close, STR("abc"), &fake.a.transport);
    fake_link_take(&fake.link);
    claimed(1, LINK_CLAIM_NEW);
    assert_string_equal(seen(&fake.a), "o c[3000,Go away!] ");
    assert_string_equal(fake_link_take(&fake.link), "drop 3000 Go away! 10000\n");
}

/* Closed with so much queued that a response does not take it all; nobody receives. */
static void close_with_queue(void)
{
    open_with(&poll_ops);
    session_detach(&fake.a.transport, DETACH_ENDED); /* `o` was its answer */
    post("one");
    post("two");
    post("CLOSE");
    assert_non_null(strstr(fake_link_take(&fake.link), "drop 3000 enough 10000\n"));
    assert_int_equal(fake.link.unsent.len, 16);
}

/* The next claim gets what the last session gave back. */
static void collect(struct fake_transport *transport, uint64_t handle,
                    const struct transport_ops *ops)
{
    struct buf unsent = {0};
    buf_append_str(&unsent, buf_str(&fake.link.unsent));
    attach(transport, ops);
    assert_string_equal(fake_link_take(&fake.link), "claim /echo/abc\n");
    claimed_with(handle, LINK_CLAIM_CLOSED, buf_str(&unsent));
    buf_finish(&unsent);
}

static void take_one(struct fake_transport *transport)
{
    struct shared_frame *frame = NULL;
    assert_int_equal(session_take(transport->transport.session, &frame, 1, 1000), 1);
    shared_frame_release(frame);
}

static void what_is_queued_at_the_end_goes_from_poll_to_poll(void **state)
{
    (void)state;
    close_with_queue();
    collect(&fake.b, 2, &poll_ops);
    assert_string_equal(seen(&fake.b), "again ready ");
    take_one(&fake.b);
    assert_string_equal(fake_link_take(&fake.link), "");
    session_detach(&fake.b.transport, DETACH_ENDED);
    assert_string_equal(fake_link_take(&fake.link), "drop 3000 Go away! 10000\n");
    assert_int_equal(fake.link.unsent.len, 8); /* the rest */
    collect(&fake.a, 3, &poll_ops);
    take_one(&fake.a);
    session_detach(&fake.a.transport, DETACH_ENDED);
    assert_string_equal(fake_link_take(&fake.link), "drop 3000 Go away! 10000\n");
    assert_int_equal(fake.link.unsent.len, 0); /* now the tombstone may answer */
    assert_int_equal(sessions_count(fake.sessions), 0);
    assert_int_equal(fake.runtime.stats.sessions_closed, 1);
}

static void a_poll_that_waits_when_its_session_ends_collects_first(void **state)
{
    (void)state;
    open_with(&poll_ops);
    post("one");
    post("two");
    post("CLOSE");
    assert_string_equal(seen(&fake.a), "ready ready ");
    assert_null(strstr(fake_link_take(&fake.link), "drop")); /* not before it has what it takes */
    attach(&fake.b, &poll_ops);
    assert_string_equal(seen(&fake.b), "c[2010,Another connection still open] ");
    assert_int_equal(fake.sent_code, 0);
    post("late");
    assert_int_equal(fake.sent_code, ERR_ABSENT);
    take_one(&fake.a);
    session_detach(&fake.a.transport, DETACH_ENDED);
    assert_string_equal(fake_link_take(&fake.link), "drop 3000 enough 10000\n");
    assert_int_equal(fake.link.unsent.len, 8);
}

static void a_collecting_poll_that_is_cut_leaves_nothing_behind(void **state)
{
    (void)state;
    close_with_queue();
    collect(&fake.b, 2, &poll_ops);
    session_detach(&fake.b.transport, DETACH_ABORTED);
    assert_string_equal(fake_link_take(&fake.link), "drop 3000 Go away! 10000\n");
    assert_int_equal(fake.link.unsent.len, 0);
}

static void a_claimant_that_left_gives_back_what_it_was_to_collect(void **state)
{
    (void)state;
    close_with_queue();
    attach(&fake.b, &poll_ops);
    session_detach(&fake.b.transport, DETACH_ABORTED);
    fake_link_take(&fake.link);
    struct buf unsent = {0};
    buf_append_str(&unsent, buf_str(&fake.link.unsent));
    claimed_with(2, LINK_CLAIM_CLOSED, buf_str(&unsent));
    assert_string_equal(fake_link_take(&fake.link), "drop 3000 Go away! 10000\n");
    assert_int_equal(fake.link.unsent.len, unsent.len);
    fake.link.unsent.len = 0;
    claimed_with(99, LINK_CLAIM_CLOSED, buf_str(&unsent)); /* its claim was given up */
    assert_int_equal(fake.link.unsent.len, unsent.len);
    buf_finish(&unsent);
}

static void a_poll_that_found_nothing_to_send_gets_the_close_frame(void **state)
{
    (void)state;
    open_with(&poll_ops);
    post("one");
    session_go_on_waiting(&fake.a.transport);
    assert_string_equal(seen(&fake.a), "ready ");
    post("CLOSE");
    take_one(&fake.a);
    fake_link_take(&fake.link);
    session_go_on_waiting(&fake.a.transport);
    assert_string_equal(seen(&fake.a), "c[3000,enough] ");
    assert_string_equal(fake_link_take(&fake.link), "drop 3000 enough 10000\n");
    assert_null(fake.a.transport.session);
}

static void a_stream_gets_what_is_queued_and_the_close_frame_at_once(void **state)
{
    (void)state;
    close_with_queue();
    collect(&fake.b, 2, &stream);
    assert_string_equal(seen(&fake.b), "again one two c[3000,Go away!] ");
    assert_string_equal(fake_link_take(&fake.link), "drop 3000 Go away! 10000\n");
    assert_int_equal(fake.link.unsent.len, 0);
    assert_null(fake.b.transport.session);
}

/* {frames a response takes, what the first gets, what the next gets} */
static void a_stream_that_is_full_leaves_the_rest_to_the_next(void **state)
{
    static const struct {
        size_t room;
        const char *first;
        const char *next;
    } rows[] = {
        {1, "again one ", "again two live "},
        {2, "again one two ", "again live "},
        {3, "again one two live ", "again "},
    };
    for (size_t i = 0; i < MEM_COUNT(rows); i++) {
        tear_down(state);
        set_up(state);
        open_with(&stream);
        session_detach(&fake.a.transport, DETACH_ENDED);
        post("one");
        post("two");
        fake.b.room = rows[i].room;
        attach(&fake.b, &short_stream);
        post("live");
        assert_string_equal(seen(&fake.b), rows[i].first);
        session_detach(&fake.b.transport, DETACH_ENDED);
        attach(&fake.a, &stream);
        assert_string_equal(seen(&fake.a), rows[i].next);
    }
}

static void a_full_stream_takes_no_close_frame_before_the_rest(void **state)
{
    (void)state;
    close_with_queue();
    fake.b.room = 1;
    collect(&fake.b, 2, &short_stream);
    assert_string_equal(seen(&fake.b), "again one ");
    session_detach(&fake.b.transport, DETACH_ENDED);
    assert_string_equal(fake_link_take(&fake.link), "drop 3000 Go away! 10000\n");
    collect(&fake.a, 3, &stream);
    assert_string_equal(seen(&fake.a), "again two c[3000,Go away!] ");
}

static void more_than_the_queue_holds_ends_the_session_as_too_slow(void **state)
{
    (void)state;
    open_with(&stream);
    session_detach(&fake.a.transport, DETACH_ENDED);
    post("1");
    post("2");
    post("3");
    fake_link_take(&fake.link);
    post("4");
    assert_string_equal(fake_link_take(&fake.link), "checkpoint 5\ndrop 1008 Too slow 10000\n");
    assert_int_equal(fake.runtime.stats.sessions_too_slow, 1);
    assert_int_equal(fake.sent_code, 0);
}

static void a_transport_that_is_not_read_ends_its_session(void **state)
{
    (void)state;
    begin(&fake.a);
    claimed(1, LINK_CLAIM_NEW);
    fake.a.queued = 100;
    session_receive(&fake.a.transport, STR("x"), false);
    assert_string_equal(seen(&fake.a), "o x ");
    fake.a.queued = 101;
    session_receive(&fake.a.transport, STR("y"), false);
    assert_string_equal(seen(&fake.a), "y ");
    fake.a.queued = 100; /* the turn's flush went well */
    uv_run(&fake.runtime.loop, UV_RUN_NOWAIT);
    assert_string_equal(seen(&fake.a), "");
    fake.a.queued = 101;
    session_receive(&fake.a.transport, STR("y"), false);
    uv_run(&fake.runtime.loop, UV_RUN_NOWAIT);
    assert_string_equal(seen(&fake.a), "y c[1008,Too slow] ");
    assert_null(fake.a.transport.session);
}

static void a_burst_that_nobody_could_take_ends_the_session_at_once(void **state)
{
    (void)state;
    begin(&fake.a);
    claimed(1, LINK_CLAIM_NEW);
    fake.a.queued = 900;
    session_receive(&fake.a.transport, STR("x"), false);
    assert_string_equal(seen(&fake.a), "o x c[1008,Too slow] ");
}

static void the_broker_expires_only_who_is_away(void **state)
{
    (void)state;
    open_with(&stream);
    sessions_expire(fake.sessions, 7, 1);
    assert_string_equal(fake_link_take(&fake.link), "refuse\n");
    session_detach(&fake.a.transport, DETACH_ENDED);
    fake_link_take(&fake.link);
    sessions_expire(fake.sessions, 7, 1);
    assert_string_equal(fake_link_take(&fake.link), "drop 1002 expired 0\n");
    assert_int_equal(fake.runtime.stats.sessions_expired, 1);
    sessions_expire(fake.sessions, 7, 1); /* its answer crossed the question */
    assert_string_equal(fake_link_take(&fake.link), "");
}

static void a_lost_session_ends_with_code_0_and_nothing_said(void **state)
{
    (void)state;
    open_with(&stream);
    sessions_gone(fake.sessions, 1, STR("held elsewhere"));
    assert_string_equal(seen(&fake.a), "c[0,held elsewhere] ");
    assert_string_equal(fake_link_take(&fake.link), "");
}

static void a_goodbye_of_the_client_ends_its_session_at_once(void **state)
{
    (void)state;
    begin(&fake.a);
    claimed(1, LINK_CLAIM_NEW);
    fake_link_take(&fake.link);
    session_end(&fake.a.transport, 1000, STR("bye"));
    assert_null(fake.a.transport.session);
    assert_string_equal(fake_link_take(&fake.link), "drop 1000 bye 0\n");
    assert_string_equal(seen(&fake.a), "o ");
}

/* ---- sends ---- */

static void a_send_is_done_behind_its_end_mark(void **state)
{
    (void)state;
    open_with(&stream);
    post("x");
    assert_int_equal(fake.sent_code, 1);
    assert_string_equal(fake_link_take(&fake.link), "checkpoint 2\n");
    answer_checkpoint();
    assert_int_equal(fake.sent_code, 0);
}

static void sends_that_wait_have_a_limit(void **state)
{
    (void)state;
    char big[201] = {0};
    memset(big, 'x', 200);
    open_with(&stream);
    post("PAUSE");
    session_forget_send(fake.sessions, &fake);
    post(big);
    session_forget_send(fake.sessions, &fake);
    assert_int_equal(fake.sent_code, 1);
    struct str message = STR("y");
    int second = 1;
    fake.sent_code = 1;
    session_receive_all(fake.sessions, &fake.echo, STR("abc"), LINK_FAMILY_XHR, &message, 1,
                        on_sent, &fake);
    second = fake.sent_code;
    assert_int_equal(second, ERR_LIMIT);
}

static void a_body_for_nobody_here_is_refused_while_the_link_is_clogged(void **state)
{
    (void)state;
    struct str message = STR("x");
    fake.link.is_clogged = true;
    fake.sent_code = 1;
    session_receive_all(fake.sessions, &fake.echo, STR("made-up"), LINK_FAMILY_XHR, &message, 1,
                        on_sent, &fake);
    assert_int_equal(fake.sent_code, ERR_LIMIT);
    assert_string_equal(fake_link_take(&fake.link), "");
}

static void a_forgotten_send_is_not_answered(void **state)
{
    (void)state;
    open_with(&stream);
    post("x");
    session_forget_send(fake.sessions, &fake);
    answer_checkpoint();
    assert_int_equal(fake.sent_code, 1);
}

static void a_session_that_ends_answers_its_senders(void **state)
{
    (void)state;
    open_with(&stream);
    post("x");
    session_detach(&fake.a.transport, DETACH_ABORTED);
    assert_int_equal(fake.sent_code, 0); /* the service had got it */
}

/* ---- heart-beats ---- */

static void a_silent_session_beats_as_long_as_a_receiver_is_there(void **state)
{
    (void)state;
    fake.echo.sockjs_heartbeat_ms = 1;
    attach(&fake.a, &stream);
    claimed(1, LINK_CLAIM_NEW);
    while (fake.a.seen.len < strlen("o h h ")) {
        uv_run(&fake.runtime.loop, UV_RUN_ONCE);
    }
    assert_string_equal(seen(&fake.a), "o h h ");
    session_detach(&fake.a.transport, DETACH_ENDED);
    assert_int_equal(fake.runtime.wheel.count, 0);
}

/* ---- a new broker ---- */

static void open_and_detached_sessions_are_restored(void **state)
{
    (void)state;
    open_with(&stream);
    begin(&fake.b); /* still claiming */
    fake_link_take(&fake.link);
    sessions_restore(fake.sessions);
    assert_string_equal(fake_link_take(&fake.link),
                        "restore /echo/abc attached=1 subscriptions=0\n");
    session_detach(&fake.a.transport, DETACH_ENDED);
    fake_link_take(&fake.link);
    sessions_restore(fake.sessions);
    assert_string_equal(fake_link_take(&fake.link),
                        "restore /echo/abc attached=0 subscriptions=0\n");
}

static void on_sessions_ready(void *data, int code)
{
    *(int *)data = code;
}

static void whoever_waits_for_the_broker_is_told_once(void **state)
{
    (void)state;
    int first = 1;
    int second = 1;
    int forgotten = 1;
    assert_false(sessions_are_ready(fake.sessions));
    sessions_wait_ready(fake.sessions, on_sessions_ready, &first);
    sessions_wait_ready(fake.sessions, on_sessions_ready, &forgotten);
    sessions_forget_wait(fake.sessions, &forgotten);
    sessions_restored_all(fake.sessions);
    sessions_wait_ready(fake.sessions, on_sessions_ready, &second);
    sessions_close_all(fake.sessions, 1001, STR("bye"));
    assert_int_equal(first, 0);
    assert_int_equal(second, ERR_AWAY);
    assert_int_equal(forgotten, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SESSION_TEST(nothing_is_written_before_the_claim_is_answered),
        SESSION_TEST(a_claim_that_is_not_granted_ends_in_the_protocols_words),
        SESSION_TEST(a_granted_claim_that_nobody_wants_any_more_is_given_back),
        SESSION_TEST(sessions_beyond_the_limit_are_refused),
        SESSION_TEST(a_second_receiver_gets_2010_and_the_first_is_unharmed),
        SESSION_TEST(a_receiver_of_another_family_is_refused),
        SESSION_TEST(what_comes_between_two_receivers_waits_for_the_next),
        SESSION_TEST(a_poll_is_told_and_takes_what_is_queued),
        SESSION_TEST(an_opening_poll_may_leave_inside_the_call),
        SESSION_TEST(a_receiver_that_is_cut_off_leaves_a_tombstone_but_eventsource),
        SESSION_TEST(a_service_that_closes_is_followed_by_its_close_frame),
        SESSION_TEST(what_is_queued_at_the_end_goes_from_poll_to_poll),
        SESSION_TEST(a_poll_that_waits_when_its_session_ends_collects_first),
        SESSION_TEST(a_collecting_poll_that_is_cut_leaves_nothing_behind),
        SESSION_TEST(a_claimant_that_left_gives_back_what_it_was_to_collect),
        SESSION_TEST(a_poll_that_found_nothing_to_send_gets_the_close_frame),
        SESSION_TEST(a_stream_that_is_full_leaves_the_rest_to_the_next),
        SESSION_TEST(a_full_stream_takes_no_close_frame_before_the_rest),
        SESSION_TEST(a_stream_gets_what_is_queued_and_the_close_frame_at_once),
        SESSION_TEST(more_than_the_queue_holds_ends_the_session_as_too_slow),
        SESSION_TEST(a_transport_that_is_not_read_ends_its_session),
        SESSION_TEST(a_burst_that_nobody_could_take_ends_the_session_at_once),
        SESSION_TEST(the_broker_expires_only_who_is_away),
        SESSION_TEST(a_lost_session_ends_with_code_0_and_nothing_said),
        SESSION_TEST(a_goodbye_of_the_client_ends_its_session_at_once),
        SESSION_TEST(a_send_is_done_behind_its_end_mark),
        SESSION_TEST(sends_that_wait_have_a_limit),
        SESSION_TEST(a_body_for_nobody_here_is_refused_while_the_link_is_clogged),
        SESSION_TEST(a_forgotten_send_is_not_answered),
        SESSION_TEST(a_session_that_ends_answers_its_senders),
        SESSION_TEST(a_silent_session_beats_as_long_as_a_receiver_is_there),
        SESSION_TEST(open_and_detached_sessions_are_restored),
        SESSION_TEST(whoever_waits_for_the_broker_is_told_once),
    };
    log_configure(LOG_ERROR, LOG_TEXT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
