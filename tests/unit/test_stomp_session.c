/* SPDX-License-Identifier: MIT
 *
 * The STOMP conversation: versions, receipts, refusals, heart-beats, ends.
 */
#include "tests/unit/fake_session.h"

/* ---- CONNECT ---- */

static const struct {
    const char *said;
    const char *seen;
} connect_rows[] = {
    {"CONNECT||^", "CONNECTED|version:1.0|heart-beat:0,0|session:me|| "},
    {"STOMP|accept-version:1.2||^", "CONNECTED|version:1.2|heart-beat:10000,10000|session:me|| "},
    {"CONNECT|accept-version:1.0, 1.1||^",
     "CONNECTED|version:1.1|heart-beat:10000,10000|session:me|| "},
    {"CONNECT|accept-version:1.2,1.1,1.0|heart-beat:1,1|receipt:r||^",
     "CONNECTED|version:1.2|heart-beat:10000,10000|session:me|| "},
    {"CONNECT|accept-version:1.0|heart-beat:10000,10000||^",
     "CONNECTED|version:1.0|heart-beat:0,0|session:me|| "},
    {"||CONNECT||^", "CONNECTED|version:1.0|heart-beat:0,0|session:me|| "},
    {"CONNECT|accept-version:9.9||^",
     "ERROR|version:1.0,1.1,1.2|message:Supported protocol versions are 1.0, 1.1, 1.2|"
     "content-type:text/plain|content-length:0|| c[1002]"},
    {"CONNECT|heart-beat:a,b||^",
     "ERROR|message:The heart-beat header must be two numbers of milliseconds|"
     "content-type:text/plain|content-length:0|| c[1002]"},
    {"SEND|destination:/a|receipt:r||^",
     "ERROR|message:Not connected: the first frame must be CONNECT|content-type:text/plain|"
     "receipt-id:r|content-length:0|| c[1002]"},
    {"DISCONNECT||^",
     "ERROR|message:Not connected: the first frame must be CONNECT|content-type:text/plain|"
     "content-length:0|| c[1002]"},
};

static void connect_is_answered_by_version_and_heart_beat(void **state)
{
    for (size_t i = 0; i < MEM_COUNT(connect_rows); i++) {
        tear_down(state);
        set_up(state);
        say(connect_rows[i].said);
        assert_string_equal(seen(), connect_rows[i].seen);
    }
}

static void who_may_not_be_anonymous_is_refused(void **state)
{
    (void)state;
    fake.settings.auth.allows_anonymous = false;
    say("CONNECT||^");
    assert_string_equal(seen(), "ERROR|message:Access refused|content-type:text/plain|"
                                "content-length:0|| c[1002]");
}

static void intervals_below_half_a_second_are_raised_in_the_answer(void **state)
{
    (void)state;
    fake.settings.heartbeat.send_ms = 100;
    fake.settings.heartbeat.receive_ms = 0;
    say("CONNECT|accept-version:1.2|heart-beat:100,100||^");
    assert_non_null(strstr(seen(), "heart-beat:500,0|"));
}

static void a_second_connect_is_an_error(void **state)
{
    (void)state;
    connect_as("1.2");
    say("CONNECT|accept-version:1.2||^");
    assert_non_null(strstr(seen(), "message:Already connected|"));
    assert_null(fake.service);
}

/* ---- signs of life ---- */

static void say_line_ends(size_t count)
{
    while (count-- > 0) {
        say(count % 2 == 0 ? "|" : "^");
    }
}

static void line_ends_between_frames_are_counted_by_the_second(void **state)
{
    (void)state;
    say_line_ends(100);
    assert_string_equal(seen(), "");
    say("|");
    assert_string_equal(seen(), "ERROR|message:Too many line ends between frames|"
                                "content-type:text/plain|content-length:0|| c[1002]");
}

static void a_new_second_has_line_ends_of_its_own(void **state)
{
    (void)state;
    say_line_ends(100);
    uint64_t began = uv_now(&fake.runtime.loop);
    while (uv_now(&fake.runtime.loop) - began < 1000) {
        uv_update_time(&fake.runtime.loop);
    }
    say_line_ends(100);
    assert_string_equal(seen(), "");
    say("|");
    assert_non_null(strstr(seen(), "Too many line ends"));
}

static void a_line_end_behind_each_frame_is_not_counted(void **state)
{
    (void)state;
    connect_as("1.2");
    for (int i = 0; i < 150; i++) {
        say("SEND|destination:/a||^|");
        say("SEND|destination:/a||^");
        say("|");
    }
    assert_string_equal(seen(), "");
}

/* ---- what is not to be, by frame; all of them end the session ---- */

static const struct {
    const char *version;
    const char *said;
    const char *message;
} refusal_rows[] = {
    {"1.2", "SEND||^", "SEND needs a destination header"},
    {"1.2", "SEND|destination:||^", "The destination is empty"},
    {"1.2", "SEND|destination:/\\n||^", "The destination has control characters or is no UTF-8"},
    {"1.2",
     "SEND|destination:/"
     "34567890123456789012345678901234567890123456789012345678901234567890123456789"
     "01234567890123456789012||^",
     "The destination is too long in bytes (at most 100)"},
    {"1.2", "SUBSCRIBE|id:1|destination:/a|receipt:r||body^", "receipt-id:r|"},
    {"1.2", "SEND|destination:/a|transaction:t||^", "There is no transaction of this id"},
    {"1.2", "SUBSCRIBE|id:1||^", "SUBSCRIBE needs a destination header"},
    {"1.2", "SUBSCRIBE|destination:/a||^", "SUBSCRIBE needs an id header"},
    {"1.2", "SUBSCRIBE|id:1|destination:/a|ack:often||^",
     "Unknown ack mode\\c it must be auto, client or client-individual"},
    {"1.2", "SUBSCRIBE|id:1|destination:/{a\\c[0-9]}||^",
     "The destination pattern is not supported"},
    {"1.2", "SUBSCRIBE|id:1|destination:/a||^SUBSCRIBE|id:1|destination:/b||^",
     "There is a subscription of this id already"},
    {"1.0", "SUBSCRIBE|destination:/a||^SUBSCRIBE|destination:/a||^",
     "There is a subscription of this id already"},
    {"1.2", "UNSUBSCRIBE|destination:/a||^", "UNSUBSCRIBE needs an id header"},
    {"1.0", "UNSUBSCRIBE||^", "UNSUBSCRIBE needs an id or a destination header"},
    {"1.2", "ACK||^", "ACK and NACK need an id header"},
    {"1.2", "NACK|id:||^", "ACK and NACK need an id header"},
    {"1.1", "ACK|subscription:1||^", "ACK and NACK need a message-id header"},
    {"1.1", "ACK|message-id:m||^", "ACK and NACK need a subscription header"},
    {"1.0", "ACK||^", "ACK and NACK need a message-id header"},
    {"1.2", "ACK|id:m@1|transaction:t||^", "There is no transaction of this id"},
    {"1.2", "BEGIN||^", "A transaction header is needed"},
    {"1.2", "BEGIN|transaction:||^", "A transaction header is needed"},
    {"1.2", "COMMIT||^", "A transaction header is needed"},
    {"1.2", "ABORT||^", "A transaction header is needed"},
    {"1.2", "COMMIT|transaction:1||^", "There is no transaction of this id"},
    {"1.2", "ABORT|transaction:1||^", "There is no transaction of this id"},
    {"1.2", "BEGIN|transaction:1||^BEGIN|transaction:1||^",
     "There is a transaction of this id already"},
    {"1.2", "BEGIN|transaction:1||^ABORT|transaction:1||^COMMIT|transaction:1||^",
     "There is no transaction of this id"},
    {"1.2", "BEGIN|transaction:1||^BEGIN|transaction:2||^BEGIN|transaction:3||^",
     "Too many transactions are open (at most 2)"},
    {"1.2",
     "BEGIN|transaction:1||^SEND|destination:/a|transaction:1||^ACK|id:m@1|transaction:1||^"
     "NACK|id:m@1|transaction:1||^SEND|destination:/a|transaction:1||^",
     "Too many frames in the transaction (at most 3)"},
};

static void what_breaks_the_rules_gets_error_and_the_end(void **state)
{
    for (size_t i = 0; i < MEM_COUNT(refusal_rows); i++) {
        tear_down(state);
        set_up(state);
        connect_as(refusal_rows[i].version);
        say(refusal_rows[i].said);
        const char *text = seen();
        if (strstr(text, refusal_rows[i].message) == NULL) {
            fail_msg("row %zu: %s", i, text);
        }
        assert_non_null(strstr(text, " c[1002]"));
        assert_null(fake.service);
    }
}

static void what_the_decoder_refuses_gets_its_sentence(void **state)
{
    (void)state;
    connect_as("1.2");
    say("send||^");
    assert_non_null(strstr(seen(), stomp_error_text(STOMP_ERR_COMMAND)));
    assert_null(fake.service);
}

static void frames_behind_an_error_are_not_looked_at(void **state)
{
    (void)state;
    connect_as("1.2");
    say("SEND||^SEND|destination:/a||x^");
    assert_string_equal(fake_link_take(&fake.link), "");
}

static void subscriptions_of_a_session_are_limited(void **state)
{
    (void)state;
    connect_as("1.2");
    say("SUBSCRIBE|id:1|destination:/a||^SUBSCRIBE|id:2|destination:/a||^"
        "SUBSCRIBE|id:3|destination:/a||^");
    assert_non_null(fake.service);
    say("SUBSCRIBE|id:4|destination:/a||^");
    assert_non_null(strstr(seen(), "Too many subscriptions"));
}

/* ---- SEND ---- */

static const struct {
    bool is_tcp;
    const char *said;
    const char *told;
} send_rows[] = {
    {false, "SEND|destination:/a||hi^", "publish 0 /a [hi]\n"},
    {false, "SEND|destination:/a|receipt:r||hi^", "publish 1 /a [hi]\n"},
    {false, "SEND|x:1|destination:/a|content-type:t|y:2|content-length:2||hi^",
     "publish 0 /a x=1 content-type=t y=2 [hi]\n"},
    {false,
     "SEND|destination:/a|message-id:1|subscription:1|ack:1|redelivered:1|user-id:1|user-name:1||^",
     "publish 0 /a []\n"},
    {false, "SEND|destination:/a|receipt-id:1|version:1|session:1|server:1||^",
     "publish 0 /a []\n"},
    {false, "SEND|destination:/a|simpOrigDestination:/b||^", "publish 0 /a []\n"},
    {true, "SEND|destination:/a|simpOrigDestination:/b||^",
     "publish 0 /a simpOrigDestination=/b []\n"},
};

static void a_send_is_published_without_what_only_servers_say(void **state)
{
    for (size_t i = 0; i < MEM_COUNT(send_rows); i++) {
        tear_down(state);
        set_up(state);
        fake.host.is_tcp = send_rows[i].is_tcp;
        connect_as("1.2");
        say(send_rows[i].said);
        assert_string_equal(fake_link_take(&fake.link), send_rows[i].told);
    }
}

/* ---- receipts ---- */

static void receipts_follow_the_answers_in_frame_order(void **state)
{
    (void)state;
    connect_as("1.2");
    say("SEND|destination:/a|receipt:r1||^SUBSCRIBE|id:1|destination:/a|receipt:r2||^"
        "UNSUBSCRIBE|id:9|receipt:r3||^UNSUBSCRIBE|id:1|receipt:r4||^DISCONNECT|receipt:r5||^");
    assert_string_equal(fake_link_take(&fake.link),
                        "publish 1 /a []\nsubscribe 2 1 /a\ncheckpoint 3\nunsubscribe 4 1\n"
                        "checkpoint 5\n");
    answer(LINK_PUBLISHED, LINK_OK, 1, 0);
    assert_string_equal(seen(), "RECEIPT|receipt-id:r1|| ");
    answer(LINK_SUBSCRIBED, LINK_OK, 2, 1);
    answer(LINK_CHECKPOINTED, LINK_OK, 3, 0);
    answer(LINK_UNSUBSCRIBED, LINK_OK, 4, 1);
    assert_string_equal(seen(), "RECEIPT|receipt-id:r2|| RECEIPT|receipt-id:r3|| "
                                "RECEIPT|receipt-id:r4|| ");
    answer(LINK_CHECKPOINTED, LINK_OK, 5, 0);
    assert_string_equal(seen(), "RECEIPT|receipt-id:r5|| c[1000]");
}

static void a_goodbye_without_receipt_is_a_plain_end(void **state)
{
    (void)state;
    connect_as("1.2");
    say("SEND|destination:/a||^DISCONNECT||^SEND|destination:/a||^");
    assert_string_equal(seen(), "c[1000]");
    assert_string_equal(fake_link_take(&fake.link), "publish 0 /a []\n");
}

static void nothing_is_read_behind_a_goodbye(void **state)
{
    (void)state;
    connect_as("1.2");
    say("DISCONNECT|receipt:r||^SEND|destination:/a||^");
    assert_string_equal(fake_link_take(&fake.link), "checkpoint 1\n");
}

static void a_refusal_of_the_broker_is_an_error_with_receipt_id(void **state)
{
    (void)state;
    connect_as("1.2");
    say("SEND|destination:/a|receipt:r1||^");
    answer(LINK_PUBLISHED, LINK_DENIED, 1, 0);
    assert_string_equal(seen(), "ERROR|message:Access refused|content-type:text/plain|"
                                "receipt-id:r1|content-length:0|| c[1002]");
}

static void what_was_not_stored_says_so(void **state)
{
    (void)state;
    connect_as("1.2");
    say("SEND|destination:/a|receipt:r1||^");
    answer(LINK_PUBLISHED, LINK_UNSTORED, 1, 0);
    assert_string_equal(seen(), "RECEIPT|receipt-id:r1|stored:false|| ");
}

static void too_many_open_receipts_stop_the_reading(void **state)
{
    (void)state;
    connect_as("1.2");
    for (unsigned i = 0; i < 5; i++) {
        assert_false(fake.is_paused);
        say("SEND|destination:/a|receipt:r||^");
    }
    assert_true(fake.is_paused);
    answer(LINK_PUBLISHED, LINK_OK, 1, 0);
    answer(LINK_PUBLISHED, LINK_OK, 2, 0);
    assert_true(fake.is_paused);
    answer(LINK_PUBLISHED, LINK_OK, 3, 0);
    assert_false(fake.is_paused);
}

static void subscriptions_without_receipts_wait_for_answers_too(void **state)
{
    (void)state;
    connect_as("1.2");
    for (unsigned i = 0; i < 5; i++) {
        assert_false(fake.is_paused);
        say("SUBSCRIBE|id:s|destination:/a||^");
        say("UNSUBSCRIBE|id:s||^");
    }
    assert_true(fake.is_paused);
    for (unsigned i = 1; i <= 3; i++) {
        assert_true(fake.is_paused);
        answer(LINK_SUBSCRIBED, LINK_OK, i, i);
    }
    assert_false(fake.is_paused);
}

static void an_answer_nobody_asked_for_is_not_counted(void **state)
{
    (void)state;
    connect_as("1.2");
    say("SUBSCRIBE|id:s|destination:/a||^");
    answer(LINK_SUBSCRIBED, LINK_OK, 0, 1); /* a session that moved hears its groups so */
    for (unsigned i = 0; i < 4; i++) {
        assert_false(fake.is_paused);
        say("SEND|destination:/a|receipt:r||^");
    }
    assert_true(fake.is_paused);
}

static void a_clogged_link_stops_whoever_publishes(void **state)
{
    (void)state;
    connect_as("1.2");
    fake.link.is_clogged = true;
    say("SEND|destination:/a||^");
    assert_true(fake.is_paused);
    fake.link.is_clogged = false;
    fake.link.waiter->clear(fake.link.waiter);
    assert_false(fake.is_paused);
}

/* ---- ends, halves, time ---- */

static void a_session_may_end_inside_any_send(void **state)
{
    static const char *const said[] = {"CONNECT||^", "SEND||^", "NOTHING||^",
                                       "CONNECT|heart-beat:x||^"};
    for (size_t i = 0; i < MEM_COUNT(said); i++) {
        tear_down(state);
        set_up(state);
        fake.is_too_slow = true;
        say(said[i]);
        assert_null(fake.service);
    }
}

static void a_character_cut_in_halves_is_joined(void **state)
{
    (void)state;
    connect_as("1.2");
    say("SEND|destination:/a||x\xed\xa0\xbd");
    say("\xed\xb8\x80y\xed\xb8\x80^");
    assert_string_equal(fake_link_take(&fake.link),
                        "publish 0 /a [x\xf0\x9f\x98\x80y\xef\xbf\xbd]\n");
}

static void any_split_of_the_bytes_says_the_same(void **state)
{
    static const char text[] = "SEND|destination:/a||x^||SEND|destination:/b||y^";
    for (size_t cut = 0; cut < sizeof text; cut++) {
        char first[sizeof text] = {0};
        tear_down(state);
        set_up(state);
        connect_as("1.2");
        memcpy(first, text, cut);
        say(first);
        say(text + (cut < sizeof text - 1 ? cut : sizeof text - 1));
        assert_string_equal(fake_link_take(&fake.link), "publish 0 /a [x]\npublish 0 /b [y]\n");
    }
}

static void wait_for_seen(void)
{
    while (fake.seen.len == 0) {
        uv_run(&fake.runtime.loop, UV_RUN_ONCE);
    }
}

static void who_does_not_log_in_is_shown_out(void **state)
{
    (void)state;
    end_service();
    fake.settings.auth.login_deadline_ms = 1;
    fake.service = stomp_service_ops.open(fake.stomp, &fake.host);
    wait_for_seen();
    assert_non_null(strstr(seen(), "message:No CONNECT within the login deadline|"));
    assert_null(fake.service);
}

static void a_silent_line_gets_a_line_feed(void **state)
{
    (void)state;
    say("CONNECT|accept-version:1.2|heart-beat:0,1||^");
    seen();
    assert_true(stomp_service_ops.beats(fake.service));
    end_service();
    fake.settings.heartbeat.send_ms = 500;
    fake.service = stomp_service_ops.open(fake.stomp, &fake.host);
    say("CONNECT|accept-version:1.2|heart-beat:0,1||^");
    seen();
    wait_for_seen();
    assert_string_equal(seen(), "|");
}

static void a_client_that_falls_silent_is_told_and_left(void **state)
{
    (void)state;
    fake.settings.heartbeat = (struct heartbeat_settings){0, 500, 1};
    say("CONNECT|accept-version:1.2|heart-beat:1,0||^");
    seen();
    assert_false(stomp_service_ops.beats(fake.service));
    wait_for_seen();
    assert_string_equal(seen(), "ERROR|message:heart-beat timeout|content-type:text/plain|"
                                "content-length:0|| c[1002]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STOMP_TEST(connect_is_answered_by_version_and_heart_beat),
        STOMP_TEST(who_may_not_be_anonymous_is_refused),
        STOMP_TEST(intervals_below_half_a_second_are_raised_in_the_answer),
        STOMP_TEST(a_second_connect_is_an_error),
        STOMP_TEST(line_ends_between_frames_are_counted_by_the_second),
        STOMP_TEST(a_new_second_has_line_ends_of_its_own),
        STOMP_TEST(a_line_end_behind_each_frame_is_not_counted),
        STOMP_TEST(what_breaks_the_rules_gets_error_and_the_end),
        STOMP_TEST(what_the_decoder_refuses_gets_its_sentence),
        STOMP_TEST(frames_behind_an_error_are_not_looked_at),
        STOMP_TEST(subscriptions_of_a_session_are_limited),
        STOMP_TEST(a_send_is_published_without_what_only_servers_say),
        STOMP_TEST(receipts_follow_the_answers_in_frame_order),
        STOMP_TEST(a_goodbye_without_receipt_is_a_plain_end),
        STOMP_TEST(nothing_is_read_behind_a_goodbye),
        STOMP_TEST(a_refusal_of_the_broker_is_an_error_with_receipt_id),
        STOMP_TEST(what_was_not_stored_says_so),
        STOMP_TEST(too_many_open_receipts_stop_the_reading),
        STOMP_TEST(subscriptions_without_receipts_wait_for_answers_too),
        STOMP_TEST(an_answer_nobody_asked_for_is_not_counted),
        STOMP_TEST(a_clogged_link_stops_whoever_publishes),
        STOMP_TEST(a_session_may_end_inside_any_send),
        STOMP_TEST(a_character_cut_in_halves_is_joined),
        STOMP_TEST(any_split_of_the_bytes_says_the_same),
        STOMP_TEST(who_does_not_log_in_is_shown_out),
        STOMP_TEST(a_silent_line_gets_a_line_feed),
        STOMP_TEST(a_client_that_falls_silent_is_told_and_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
