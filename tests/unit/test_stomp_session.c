/* SPDX-License-Identifier: MIT
 *
 * The STOMP conversation: with a fake session above it, and a link that writes down what it is
 * told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/settings.h"
#include "gateway/stomp_session.h"
#include "proto/stomp_frame.h"
#include "tests/unit/fake_link.h"

static struct fake {
    struct runtime runtime;
    struct gateway_settings settings;
    struct broker_link link;
    struct delivery *delivery;
    struct stomp *stomp;
    struct limits_settings limits;
    struct service_host host;
    void *service;   /* NULL once closed */
    struct buf seen; /* frames, LF as '|', NUL as ' '; `c[...]` at the end */
    bool is_paused;
    bool is_too_slow; /* the next frame ends the session */
    uint64_t read_ms;
    uint64_t written_ms;
} fake;

static void end_service(void)
{
    void *service = fake.service;
    fake.service = NULL;
    if (service != NULL) {
        stomp_service_ops.closed(service);
    }
}

static void on_send(void *host, struct shared_frame *frame)
{
    (void)host;
    for (size_t i = 0; i < frame->raw->len; i++) {
        uint8_t byte = frame->raw->data[i];
        buf_append_byte(&fake.seen, byte == '\n' ? '|' : byte == 0 ? ' ' : byte);
    }
    if (fake.is_too_slow) {
        end_service();
    }
}

static void on_close(void *host, unsigned code, struct str reason)
{
    (void)host;
    (void)reason;
    buf_append_format(&fake.seen, "c[%u]", code);
    end_service();
}

static void on_pause(void *host, bool stop)
{
    (void)host;
    fake.is_paused = stop;
}

static uint64_t read_ms(const void *host)
{
    (void)host;
    return fake.read_ms;
}

static uint64_t written_ms(const void *host)
{
    (void)host;
    return fake.written_ms;
}

static const struct service_host_ops host_ops = {on_send, on_close, on_pause, read_ms, written_ms};

static int set_up(void **state)
{
    (void)state;
    memset(&fake, 0, sizeof fake);
    assert_int_equal(uv_loop_init(&fake.runtime.loop), 0);
    turn_init(&fake.runtime.turn, &fake.runtime.loop);
    wheel_init(&fake.runtime.wheel, &fake.runtime.loop);
    fake.runtime.settings = &fake.settings;
    fake.settings.auth =
        (struct auth_settings){.login_deadline_ms = 60000, .allows_anonymous = true};
    fake.settings.heartbeat = (struct heartbeat_settings){10000, 10000, 5000};
    fake.limits = (struct limits_settings){.message_bytes_max = 1000,
                                           .tcp_message_bytes_max = 2000,
                                           .headers_max = 10,
                                           .tcp_headers_max = 10,
                                           .header_bytes_max = 400,
                                           .tcp_header_bytes_max = 400,
                                           .destination_bytes_max = 100,
                                           .subscriptions_max = 3,
                                           .requests_max = 4,
                                           .beats_max = 100};
    fake.delivery = delivery_create(&fake.runtime.stats);
    fake.stomp = stomp_create(&fake.runtime, &fake.link, fake.delivery);
    fake.host = (struct service_host){.ops = &host_ops,
                                      .session = 1,
                                      .name = STR("me"),
                                      .limits = &fake.limits,
                                      .is_sockjs = true};
    fake.service = stomp_service_ops.open(fake.stomp, &fake.host);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    end_service();
    stomp_destroy(fake.stomp);
    delivery_destroy(fake.delivery);
    turn_close(&fake.runtime.turn);
    wheel_close(&fake.runtime.wheel);
    uv_run(&fake.runtime.loop, UV_RUN_DEFAULT);
    wheel_finish(&fake.runtime.wheel);
    assert_int_equal(uv_loop_close(&fake.runtime.loop), 0);
    buf_finish(&fake.seen);
    return 0;
}

static const char *seen(void)
{
    static char text[8192];
    memcpy(text, fake.seen.len > 0 ? (const char *)fake.seen.data : "", fake.seen.len);
    text[fake.seen.len] = '\0';
    fake.seen.len = 0;
    return text;
}

/* '|' is LF and '^' NUL, so that rows are readable. */
static void say(const char *text)
{
    struct buf bytes = {0};
    for (; *text != '\0'; text++) {
        buf_append_byte(&bytes, *text == '|' ? '\n' : *text == '^' ? 0 : (uint8_t)*text);
    }
    if (fake.service != NULL) {
        stomp_service_ops.receive(fake.service, buf_str(&bytes), false);
    }
    buf_finish(&bytes);
}

static void connect_as(const char *version)
{
    struct buf frame = {0};
    buf_append_format(&frame, "CONNECT|accept-version:%s||^", version);
    buf_append_byte(&frame, 0);
    say((const char *)frame.data);
    buf_finish(&frame);
    assert_non_null(strstr(seen(), "CONNECTED"));
}

static void answer(uint8_t type, uint8_t result, uint64_t request, uint32_t subscription)
{
    const struct broker_answer given = {.type = type,
                                        .result = result,
                                        .request = request,
                                        .subscription = subscription,
                                        .group = 9,
                                        .session = 1};
    if (fake.service != NULL) {
        stomp_service_ops.answered(fake.service, &given);
    }
}

static void deliver(const char *destination)
{
    const struct link_delivered delivered = {
        .groups = {"\0\0\0\x09", 4},
        .message = {.id = STR("m"), .destination = str_of(destination), .body = STR("hi")}};
    delivery_deliver(fake.delivery, &delivered);
}

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
    {"1.2", "SEND|destination:||^", "The destination is empty, too long, or no plain text"},
    {"1.2", "SEND|destination:/a|transaction:t||^", "Transactions are not supported"},
    {"1.2", "SUBSCRIBE|id:1||^", "SUBSCRIBE needs a destination header"},
    {"1.2", "SUBSCRIBE|destination:/a||^", "SUBSCRIBE needs an id header"},
    {"1.2", "SUBSCRIBE|id:1|destination:/a|ack:client||^",
     "The ack mode is not supported\\c only auto is"},
    {"1.2", "SUBSCRIBE|id:1|destination:/a|ack:client-individual||^",
     "The ack mode is not supported\\c only auto is"},
    {"1.2", "SUBSCRIBE|id:1|destination:/a|ack:often||^", "Unknown ack mode\\c it must be auto"},
    {"1.2", "SUBSCRIBE|id:1|destination:/{a\\c[0-9]}||^",
     "The destination pattern is not supported"},
    {"1.2", "SUBSCRIBE|id:1|destination:/a||^SUBSCRIBE|id:1|destination:/b||^",
     "There is a subscription of this id already"},
    {"1.0", "SUBSCRIBE|destination:/a||^SUBSCRIBE|destination:/a||^",
     "There is a subscription of this id already"},
    {"1.2", "UNSUBSCRIBE|destination:/a||^", "UNSUBSCRIBE needs an id header"},
    {"1.0", "UNSUBSCRIBE||^", "UNSUBSCRIBE needs an id or a destination header"},
    {"1.2", "ACK|id:1||^", "Acknowledgement (ACK, NACK) is not supported"},
    {"1.1", "NACK|id:1||^", "Acknowledgement (ACK, NACK) is not supported"},
    {"1.2", "BEGIN|transaction:1||^", "Transactions (BEGIN, COMMIT, ABORT) are not supported"},
    {"1.2", "COMMIT|transaction:1||^", "Transactions (BEGIN, COMMIT, ABORT) are not supported"},
    {"1.2", "ABORT|transaction:1||^", "Transactions (BEGIN, COMMIT, ABORT) are not supported"},
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

/* ---- subscriptions ---- */

static void no_message_comes_before_the_receipt_of_subscribe(void **state)
{
    (void)state;
    connect_as("1.2");
    say("SUBSCRIBE|id:s|destination:/a|receipt:r||^");
    deliver("/a");
    assert_string_equal(seen(), "");
    answer(LINK_SUBSCRIBED, LINK_OK, 1, 1);
    deliver("/a");
    assert_string_equal(seen(), "RECEIPT|receipt-id:r|| MESSAGE|destination:/a|message-id:m|"
                                "subscription:s|content-length:2||hi ");
    say("UNSUBSCRIBE|id:s||^");
    deliver("/a");
    assert_string_equal(seen(), "");
}

static void a_subscription_of_1_0_without_id_goes_by_destination(void **state)
{
    (void)state;
    connect_as("1.0");
    say("SUBSCRIBE|destination:/a||^");
    answer(LINK_SUBSCRIBED, LINK_OK, 1, 1);
    deliver("/a");
    assert_string_equal(seen(), "MESSAGE|destination:/a|message-id:m|content-length:2||hi ");
    say("UNSUBSCRIBE|destination:/a||^");
    deliver("/a");
    assert_string_equal(seen(), "");
}

static void a_subscription_given_up_before_its_answer_never_joins(void **state)
{
    (void)state;
    connect_as("1.2");
    say("SUBSCRIBE|id:s|destination:/a||^UNSUBSCRIBE|id:s||^");
    answer(LINK_SUBSCRIBED, LINK_OK, 1, 1);
    deliver("/a");
    assert_string_equal(seen(), "");
}

static const struct {
    enum duplicate_subscription option;
    const char *told;
} duplicate_rows[] = {
    {DUPLICATE_REPLACE, "subscribe 1 1 /a\nunsubscribe 0 1\nsubscribe 2 2 /b\n"},
    {DUPLICATE_IGNORE, "subscribe 1 1 /a\ncheckpoint 2\n"},
};

static void a_repeated_id_is_treated_as_configured(void **state)
{
    for (size_t i = 0; i < MEM_COUNT(duplicate_rows); i++) {
        tear_down(state);
        set_up(state);
        fake.settings.duplicate_subscription = duplicate_rows[i].option;
        connect_as("1.2");
        say("SUBSCRIBE|id:s|destination:/a||^SUBSCRIBE|id:s|destination:/b|receipt:r||^");
        assert_string_equal(fake_link_take(&fake.link), duplicate_rows[i].told);
    }
}

static void a_service_that_repeats_an_id_is_always_wrong(void **state)
{
    (void)state;
    fake.settings.duplicate_subscription = DUPLICATE_IGNORE;
    fake.host.is_tcp = true;
    connect_as("1.2");
    say("SUBSCRIBE|id:s|destination:/a||^SUBSCRIBE|id:s|destination:/b||^");
    assert_non_null(strstr(seen(), "There is a subscription of this id already"));
}

static void a_service_that_unsubscribes_what_is_not_is_wrong(void **state)
{
    (void)state;
    fake.host.is_tcp = true;
    connect_as("1.2");
    say("UNSUBSCRIBE|id:s||^");
    assert_non_null(strstr(seen(), "There is no subscription of this id"));
}

static void confirmed_subscriptions_are_restored_and_join_again(void **state)
{
    (void)state;
    struct buf block = {0};
    struct link_restored_subscription found;
    connect_as("1.2");
    say("SUBSCRIBE|id:s|destination:/a||^SUBSCRIBE|id:t|destination:/b||^");
    answer(LINK_SUBSCRIBED, LINK_OK, 1, 1);
    stomp_service_ops.restore(fake.service, &block);
    struct str rest = buf_str(&block);
    assert_true(link_next_restored_subscription(&rest, &found));
    assert_int_equal(found.subscription, 1);
    assert_true(str_equal(found.destination, STR("/a")));
    assert_false(link_next_restored_subscription(&rest, &found));
    buf_finish(&block);
    delivery_clear(fake.delivery);
    stomp_service_ops.restored(fake.service, 1, 9);
    deliver("/a");
    assert_non_null(strstr(seen(), "MESSAGE|destination:/a|"));
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(connect_is_answered_by_version_and_heart_beat),
        TEST(who_may_not_be_anonymous_is_refused),
        TEST(intervals_below_half_a_second_are_raised_in_the_answer),
        TEST(a_second_connect_is_an_error),
        TEST(line_ends_between_frames_are_counted_by_the_second),
        TEST(a_new_second_has_line_ends_of_its_own),
        TEST(a_line_end_behind_each_frame_is_not_counted),
        TEST(what_breaks_the_rules_gets_error_and_the_end),
        TEST(what_the_decoder_refuses_gets_its_sentence),
        TEST(frames_behind_an_error_are_not_looked_at),
        TEST(subscriptions_of_a_session_are_limited),
        TEST(a_send_is_published_without_what_only_servers_say),
        TEST(receipts_follow_the_answers_in_frame_order),
        TEST(a_goodbye_without_receipt_is_a_plain_end),
        TEST(nothing_is_read_behind_a_goodbye),
        TEST(a_refusal_of_the_broker_is_an_error_with_receipt_id),
        TEST(what_was_not_stored_says_so),
        TEST(too_many_open_receipts_stop_the_reading),
        TEST(subscriptions_without_receipts_wait_for_answers_too),
        TEST(an_answer_nobody_asked_for_is_not_counted),
        TEST(a_clogged_link_stops_whoever_publishes),
        TEST(no_message_comes_before_the_receipt_of_subscribe),
        TEST(a_subscription_of_1_0_without_id_goes_by_destination),
        TEST(a_subscription_given_up_before_its_answer_never_joins),
        TEST(a_repeated_id_is_treated_as_configured),
        TEST(a_service_that_repeats_an_id_is_always_wrong),
        TEST(a_service_that_unsubscribes_what_is_not_is_wrong),
        TEST(confirmed_subscriptions_are_restored_and_join_again),
        TEST(a_session_may_end_inside_any_send),
        TEST(a_character_cut_in_halves_is_joined),
        TEST(any_split_of_the_bytes_says_the_same),
        TEST(who_does_not_log_in_is_shown_out),
        TEST(a_silent_line_gets_a_line_feed),
        TEST(a_client_that_falls_silent_is_told_and_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
