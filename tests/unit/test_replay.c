/* SPDX-License-Identifier: MIT
 *
 * The past that a subscriber asks for: its place among answers and live messages, and where the session goes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/core_fixture.h"

#define TOPIC "/topic/chat"

static const struct history_rule rules[] = {{"/topic/chat", 5, 3600000}};

static int past_setup(void **state)
{
    int code = core_setup(state);
    struct fixture *fixture = *state;
    core_keep_history(&fixture->core, &(struct history_options){.rules = rules,
                                                                .rule_count = 1,
                                                                .bytes_max = 1 << 20,
                                                                .replay_bytes_max = 1 << 16});
    return code;
}

static int past_teardown(void **state)
{
    struct fixture *fixture = *state;
    wheel_remove(&fixture->wheel, &fixture->core.sweep);
    return core_teardown(state);
}

static void send_body(struct fixture *fixture, size_t at, const char *body)
{
    SAY_RIGHT(fixture, at, PUBLISH, publish, .session = 1,
              .message = {.id = str_of(body), .destination = STR(TOPIC), .body = str_of(body)});
}

static struct link_subscribed subscribe_asking(struct fixture *fixture, size_t at, uint32_t number,
                                               const char *destination, const char *header,
                                               struct str value)
{
    struct buf headers = {NULL, 0, 0};
    link_put_header(&headers, str_of(header), value);
    SAY_RIGHT(fixture, at, SUBSCRIBE, subscribe, .request = 1, .session = 1, .subscription = number,
              .destination = str_of(destination), .headers = buf_str(&headers));
    buf_finish(&headers);
    return NEXT(fixture, at, SUBSCRIBED, subscribed);
}

static struct str expect_replayed(struct fixture *fixture, size_t at, uint32_t number,
                                  const char *body)
{
    struct link_replayed replayed = NEXT(fixture, at, REPLAYED, replayed);
    assert_true(replayed.session == 1 && replayed.subscription == number);
    assert_true(str_equal(replayed.message.body, str_of(body)));
    return replayed.position;
}

static struct str expect_live(struct fixture *fixture, size_t at, const char *body)
{
    struct link_delivered delivered = NEXT(fixture, at, DELIVERED, delivered);
    assert_int_equal(delivered.groups.len, sizeof(uint32_t));
    assert_true(str_equal(delivered.message.body, str_of(body)));
    return delivered.position;
}

static void expect_logged(struct fixture *fixture, size_t at, uint32_t number, const char *body,
                          struct str position)
{
    struct link_delivered delivered = NEXT(fixture, at, DELIVERED, delivered);
    uint64_t session;
    uint32_t subscription;
    assert_true(link_next_individual(&delivered.individuals, &session, &subscription));
    assert_int_equal(subscription, number);
    assert_int_equal(delivered.individuals.len, 0);
    assert_true(str_equal(delivered.message.body, str_of(body)));
    assert_true(str_equal(delivered.position, position));
}

static void the_past_comes_between_the_answer_and_what_is_live(void **state)
{
    struct fixture *fixture = *state;
    (void)claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW);
    send_body(fixture, 0, "a");
    send_body(fixture, 0, "b");
    send_body(fixture, 0, "c");
    struct link_subscribed answer = subscribe_asking(fixture, 0, 1, TOPIC, "history", STR("2"));
    assert_true(answer.result == LINK_OK && answer.recovered == LINK_RECOVERED);
    send_body(fixture, 0, "d");
    (void)expect_replayed(fixture, 0, 1, "b");
    assert_true(str_equal(expect_replayed(fixture, 0, 1, "c"), answer.position));
    assert_false(str_equal(expect_live(fixture, 0, "d"), answer.position));
    assert_silent(fixture);
    assert_int_equal(fixture->core.stats.replayed, 2);
}

static void a_subscriber_that_comes_back_gets_what_it_missed(void **state)
{
    struct fixture *fixture = *state;
    (void)claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW);
    struct link_subscribed first = subscribe(fixture, 0, 1, 1, TOPIC);
    assert_true(first.recovered == LINK_RECOVERED_NOT_ASKED && first.position.len > 0);
    send_body(fixture, 0, "a");
    struct str seen = expect_live(fixture, 0, "a");
    SAY_RIGHT(fixture, 0, UNSUBSCRIBE, unsubscribe, .session = 1, .subscription = 1);
    send_body(fixture, 0, "b");
    send_body(fixture, 0, "c");
    struct link_subscribed answer = subscribe_asking(fixture, 0, 2, TOPIC, "since", seen);
    assert_int_equal(answer.recovered, LINK_RECOVERED);
    (void)expect_replayed(fixture, 0, 2, "b");
    (void)expect_replayed(fixture, 0, 2, "c");
    (void)subscribe_asking(fixture, 0, 3, TOPIC, "since", first.position);
    (void)expect_replayed(fixture, 0, 3, "a");
    (void)expect_replayed(fixture, 0, 3, "b");
    (void)expect_replayed(fixture, 0, 3, "c");
    assert_silent(fixture);
}

static void the_publisher_is_told_the_position(void **state)
{
    struct fixture *fixture = *state;
    (void)claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW);
    (void)subscribe(fixture, 0, 1, 1, TOPIC);
    SAY_RIGHT(fixture, 0, PUBLISH, publish, .request = 5, .session = 1,
              .message = {.destination = STR(TOPIC), .body = STR("a")});
    struct str position = expect_live(fixture, 0, "a");
    struct link_published published = NEXT(fixture, 0, PUBLISHED, published);
    assert_true(published.result == LINK_OK && str_equal(published.position, position));
    SAY_RIGHT(fixture, 0, PUBLISH, publish, .request = 6, .session = 1,
              .message = {.destination = STR("/topic/other")});
    assert_int_equal(NEXT(fixture, 0, PUBLISHED, published).position.len, 0);
}

static void where_nothing_is_kept_nothing_is_recovered(void **state)
{
    static const char *const without[] = {"/topic/other", "/topic/*"};
    struct fixture *fixture = *state;
    (void)claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW);
    send_body(fixture, 0, "a");
    for (uint32_t i = 0; i < MEM_COUNT(without); i++) {
        struct link_subscribed answer =
            subscribe_asking(fixture, 0, i + 1, without[i], "history", STR("9"));
        assert_true(answer.result == LINK_OK && answer.recovered == LINK_NOT_RECOVERED);
        assert_int_equal(answer.position.len, 0);
    }
    assert_silent(fixture);
    send_body(fixture, 0, "b"); /* a pattern gets positions with what is live */
    assert_true(expect_live(fixture, 0, "b").len > 0);
}

static bool always_behind(const struct peer *peer)
{
    (void)peer;
    return true;
}

static void a_gateway_that_is_behind_gets_nothing_of_the_past(void **state)
{
    struct fixture *fixture = *state;
    (void)claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW);
    send_body(fixture, 0, "a");
    fixture->peers[0]->peer.is_behind = always_behind;
    struct link_subscribed answer = subscribe_asking(fixture, 0, 1, TOPIC, "history", STR("1"));
    assert_int_equal(answer.recovered, LINK_NOT_RECOVERED);
    assert_silent(fixture);
}

static void what_was_replayed_during_a_yield_goes_with_the_session_once(void **state)
{
    struct fixture *fixture = *state;
    (void)claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW);
    send_body(fixture, 0, "a");
    send_body(fixture, 0, "b");
    uint64_t request = say_claim(fixture, 1, 1, KEY);
    struct link_yield yield = NEXT(fixture, 0, YIELD, yield);
    struct link_subscribed answer = subscribe_asking(fixture, 0, 1, TOPIC, "history", STR("9"));
    struct str position_a = expect_replayed(fixture, 0, 1, "a");
    uint64_t handled = fixture->peers[0]->peer.written - 1; /* b is on its way */
    struct str position_b = expect_replayed(fixture, 0, 1, "b");
    send_body(fixture, 0, "c");
    struct str position_c = expect_live(fixture, 0, "c");
    SAY_RIGHT(fixture, 0, YIELDED, yielded, .request = yield.request, .session = 1,
              .number = handled);
    (void)expect_claimed(fixture, 1, request, LINK_CLAIM_MOVED);
    expect_logged(fixture, 1, 1, "b", position_b);
    expect_logged(fixture, 1, 1, "c", position_c);
    assert_false(str_equal(position_a, position_b));
    struct link_subscribed group = NEXT(fixture, 1, SUBSCRIBED, subscribed);
    assert_true(group.request == 0 && group.group != 0);
    assert_int_equal(group.recovered, LINK_RECOVERED_NOT_ASKED);
    assert_true(answer.recovered == LINK_RECOVERED);
    assert_silent(fixture);
}

static void an_answer_that_was_not_handled_is_said_again_with_what_it_said(void **state)
{
    struct fixture *fixture = *state;
    (void)claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW);
    send_body(fixture, 0, "a");
    uint64_t request = say_claim(fixture, 1, 1, KEY);
    struct link_yield yield = NEXT(fixture, 0, YIELD, yield);
    uint64_t handled = fixture->peers[0]->peer.written;
    struct link_subscribed answer = subscribe_asking(fixture, 0, 1, TOPIC, "since", STR("x-1"));
    struct str position = expect_replayed(fixture, 0, 1, "a");
    SAY_RIGHT(fixture, 0, YIELDED, yielded, .request = yield.request, .session = 1,
              .number = handled);
    (void)expect_claimed(fixture, 1, request, LINK_CLAIM_MOVED);
    struct link_subscribed again = NEXT(fixture, 1, SUBSCRIBED, subscribed);
    assert_true(again.request == 1 && again.recovered == LINK_NOT_RECOVERED);
    assert_true(str_equal(again.position, answer.position));
    expect_logged(fixture, 1, 1, "a", position);
    (void)NEXT(fixture, 1, SUBSCRIBED, subscribed);
    assert_silent(fixture);
}

static void a_past_too_long_for_the_log_ends_a_session_that_moves_without_it(void **state)
{
    static char body[1000];
    struct fixture *fixture = *state;
    (void)claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW);
    memset(body, 'x', sizeof(body) - 1);
    for (size_t i = 0; i < 5; i++) {
        body[0] = (char)('a' + i);
        send_body(fixture, 0, body); /* five are more than SESSION_LOG_BYTES */
    }
    uint64_t request = say_claim(fixture, 1, 1, KEY);
    struct link_yield yield = NEXT(fixture, 0, YIELD, yield);
    uint64_t handled = fixture->peers[0]->peer.written;
    (void)subscribe_asking(fixture, 0, 1, TOPIC, "history", STR("9"));
    for (size_t i = 0; i < 5; i++) {
        (void)NEXT(fixture, 0, REPLAYED, replayed);
    }
    SAY_RIGHT(fixture, 0, YIELDED, yielded, .request = yield.request, .session = 1,
              .number = handled);
    (void)NEXT(fixture, 0, GONE, gone);
    (void)expect_claimed(fixture, 1, request, LINK_CLAIM_CLOSED);
    assert_silent(fixture);
}

static void a_message_that_is_said_again_before_the_restore_ends_keeps_its_position(void **state)
{
    struct fixture *fixture = *state;
    (void)claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW);
    (void)subscribe(fixture, 0, 1, 1, TOPIC);
    send_body(fixture, 0, "a");
    struct str first = expect_live(fixture, 0, "a");
    send_body(fixture, 0, "a");
    assert_true(str_equal(expect_live(fixture, 0, "a"), first));
    SAY_RIGHT(fixture, 0, RESTORE_END, restore_end, .sessions = 0);
    (void)NEXT(fixture, 0, RESTORED, restored);
    send_body(fixture, 0, "a");
    assert_false(str_equal(expect_live(fixture, 0, "a"), first));
}

#define PAST_TEST(name) cmocka_unit_test_setup_teardown(name, past_setup, past_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAST_TEST(the_past_comes_between_the_answer_and_what_is_live),
        PAST_TEST(a_subscriber_that_comes_back_gets_what_it_missed),
        PAST_TEST(the_publisher_is_told_the_position),
        PAST_TEST(where_nothing_is_kept_nothing_is_recovered),
        PAST_TEST(a_gateway_that_is_behind_gets_nothing_of_the_past),
        PAST_TEST(what_was_replayed_during_a_yield_goes_with_the_session_once),
        PAST_TEST(an_answer_that_was_not_handled_is_said_again_with_what_it_said),
        PAST_TEST(a_past_too_long_for_the_log_ends_a_session_that_moves_without_it),
        PAST_TEST(a_message_that_is_said_again_before_the_restore_ends_keeps_its_position),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
