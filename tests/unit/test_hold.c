/* SPDX-License-Identifier: MIT
 *
 * A restarted broker: what waits until the gateways of the broker before it have restored their sessions.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/err.h"
#include "tests/unit/core_fixture.h"

#define BODY_LEN ((size_t)1 << 20)

static uint64_t missing[PEERS];
static size_t missing_count;

static void on_missing(uint64_t gateway, void *data)
{
    (void)data;
    missing[missing_count++] = gateway;
}

/* The first `count` of the fixture's gateways, numbered from 1, were linked to the broker before. */
static void await_gateways(struct fixture *fixture, size_t count)
{
    struct buf known = {NULL, 0, 0};
    missing_count = 0;
    for (uint64_t number = 1; number <= PEERS; number++) {
        fixture->peers[number - 1]->peer.gateway = number;
        if (number <= count) {
            buf_append(&known, &number, sizeof(number));
        }
    }
    core_await(&fixture->core, buf_str(&known), on_missing, NULL);
    buf_finish(&known);
}

static void restore(struct fixture *fixture, size_t at, uint64_t session, struct str key)
{
    SAY_RIGHT(fixture, at, RESTORE, restore, .session = session, .key = key, .name = STR("n"),
              .family = LINK_FAMILY_XHR, .expire_ms = LONG_MS, .hold = LINK_HOLD_ATTACHED);
    assert_int_equal(NEXT(fixture, at, RESTORED, restored).session, session);
}

static void expect_released(struct fixture *fixture, size_t at)
{
    assert_int_equal(NEXT(fixture, at, RESTORED, restored).session, 0);
}

static void a_broker_that_knows_of_none_answers_at_once(void **state)
{
    struct fixture *fixture = *state;
    await_gateways(fixture, 0);
    (void)claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW);
    SAY_RIGHT(fixture, 0, RESTORE_END, restore_end, .sessions = 0);
    expect_released(fixture, 0);
}

static void a_claim_waits_for_whoever_may_hold_the_session(void **state)
{
    struct fixture *fixture = *state;
    await_gateways(fixture, 2);
    SAY_RIGHT(fixture, 0, RESTORE_END, restore_end, .sessions = 0);
    uint64_t request = say_claim(fixture, 0, 5, KEY);
    assert_silent(fixture);
    restore(fixture, 1, 1, KEY);
    SAY_RIGHT(fixture, 1, RESTORE_END, restore_end, .sessions = 1);
    struct link_yield yield = NEXT(fixture, 1, YIELD, yield);
    assert_int_equal(yield.session, 1);
    expect_released(fixture, 0);
    expect_released(fixture, 1);
    SAY_RIGHT(fixture, 1, REFUSED, refused, .request = yield.request, .session = 1);
    (void)expect_claimed(fixture, 0, request, LINK_CLAIM_BUSY);
    assert_int_equal(missing_count, 0);
}

static void what_was_published_again_comes_before_any_claim(void **state)
{
    struct fixture *fixture = *state;
    await_gateways(fixture, 2);
    restore(fixture, 0, 1, KEY);
    SAY_RIGHT(fixture, 0, SUBSCRIBE, subscribe, .request = 1, .session = 1, .subscription = 1,
              .destination = STR("/topic/a"));
    uint64_t request = say_claim(fixture, 2, 5, KEY);
    SAY_RIGHT(fixture, 0, PUBLISH, publish, .session = 1,
              .message = {.destination = STR("/topic/a"), .body = STR("hi")});
    SAY_RIGHT(fixture, 0, RESTORE_END, restore_end, .sessions = 1);
    assert_silent(fixture);
    SAY_RIGHT(fixture, 1, RESTORE_END, restore_end, .sessions = 0);
    assert_int_equal(NEXT(fixture, 0, SUBSCRIBED, subscribed).result, LINK_OK);
    (void)delivered_group(fixture, 0);
    struct link_yield yield = NEXT(fixture, 0, YIELD, yield);
    SAY_RIGHT(fixture, 0, REFUSED, refused, .request = yield.request, .session = 1);
    (void)expect_claimed(fixture, 2, request, LINK_CLAIM_BUSY);
}

static void a_gateway_that_stays_away_is_waited_for_a_while(void **state)
{
    struct fixture *fixture = *state;
    await_gateways(fixture, 2);
    SAY_RIGHT(fixture, 0, RESTORE_END, restore_end, .sessions = 0);
    uint64_t request = say_claim(fixture, 0, 1, KEY);
    assert_silent(fixture);
    run(fixture);
    (void)expect_claimed(fixture, 0, request, LINK_CLAIM_NEW);
    expect_released(fixture, 0);
    assert_int_equal(missing_count, 1);
    assert_int_equal(missing[0], 2);
}

static void what_a_gateway_said_that_has_gone_again_is_dropped(void **state)
{
    struct fixture *fixture = *state;
    await_gateways(fixture, 1);
    (void)say_claim(fixture, 1, 1, KEY);
    lose(fixture, 1);
    SAY_RIGHT(fixture, 0, RESTORE_END, restore_end, .sessions = 0);
    expect_released(fixture, 0);
    assert_silent(fixture);
    assert_int_equal(fixture->core.stats.sessions_opened, 0);
}

static void more_bytes_than_may_wait_end_the_wait(void **state)
{
    struct fixture *fixture = *state;
    char *text = mem_zalloc(BODY_LEN);
    const struct link_publish publish = {
        .session = 1, .message = {.destination = STR("/topic/a"), .body = {text, BODY_LEN}}};
    fixture->body.len = 0;
    link_put_publish(&fixture->body, &publish);
    size_t fit = HOLD_BYTES_MAX / fixture->body.len;
    await_gateways(fixture, 1);
    for (size_t i = 0; i < fit; i++) {
        assert_int_equal(commands_handle(&fixture->core, &fixture->peers[0]->peer, LINK_PUBLISH,
                                         buf_str(&fixture->body)),
                         0);
    }
    assert_true(fixture->core.hold.is_on);
    assert_int_equal(missing_count, 0);
    assert_int_equal(commands_handle(&fixture->core, &fixture->peers[0]->peer, LINK_PUBLISH,
                                     buf_str(&fixture->body)),
                     0);
    assert_false(fixture->core.hold.is_on);
    assert_int_equal(fixture->core.hold.bytes, 0);
    assert_int_equal(missing_count, 1);
    mem_free(text);
}

static void what_waits_is_judged_when_it_comes(void **state)
{
    struct fixture *fixture = *state;
    await_gateways(fixture, 1);
    assert_int_equal(
        commands_handle(&fixture->core, &fixture->peers[0]->peer, LINK_CLAIM, STR("x")),
        ERR_PROTOCOL);
    assert_true(SAY(fixture, 0, RESTORE_END, restore_end, .recent = STR("1234567")) < 0);
    assert_true(fixture->core.hold.is_on);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CORE_TEST(a_broker_that_knows_of_none_answers_at_once),
        CORE_TEST(a_claim_waits_for_whoever_may_hold_the_session),
        CORE_TEST(what_was_published_again_comes_before_any_claim),
        CORE_TEST(a_gateway_that_stays_away_is_waited_for_a_while),
        CORE_TEST(what_a_gateway_said_that_has_gone_again_is_dropped),
        CORE_TEST(more_bytes_than_may_wait_end_the_wait),
        CORE_TEST(what_waits_is_judged_when_it_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
