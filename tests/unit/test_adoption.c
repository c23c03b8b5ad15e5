/* SPDX-License-Identifier: MIT
 *
 * Sends to sessions that nobody holds: a gateway is asked to take the session.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/core_fixture.h"

static void relay(struct fixture *fixture, size_t at, uint64_t number)
{
    SAY_RIGHT(fixture, at, RELAY, relay, .request = 100 + number, .key = KEY, .relay = number,
              .body = STR("body"));
}

/* Held by peer 0, and yielded to nobody. */
static void park(struct fixture *fixture)
{
    (void)claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW);
    SAY_RIGHT(fixture, 0, OFFER, offer, .session = 1);
    struct link_yield yield = NEXT(fixture, 0, YIELD, yield);
    SAY_RIGHT(fixture, 0, YIELDED, yielded, .request = yield.request, .session = 1,
              .checkpoint = STR("rest"));
}

static void expect_adopt(struct fixture *fixture, size_t at)
{
    struct link_adopt adopt = NEXT(fixture, at, ADOPT, adopt);
    assert_true(str_equal(adopt.key, KEY));
    assert_int_equal(adopt.family, LINK_FAMILY_XHR);
    assert_int_equal(adopt.user.len, 0);
    assert_silent(fixture);
}

static void the_gateway_that_sends_is_asked_once(void **state)
{
    struct fixture *fixture = *state;
    park(fixture);
    relay(fixture, 2, 7);
    expect_adopt(fixture, 2);
    relay(fixture, 1, 8);
    assert_silent(fixture);
    assert_true(str_equal(claim(fixture, 2, 5, KEY, LINK_CLAIM_MOVED).checkpoint, STR("rest")));
    for (uint64_t number = 7; number <= 8; number++) {
        assert_int_equal(NEXT(fixture, 2, RELAYED, relayed).relay, number);
    }
    assert_int_equal(fixture->core.stats.adoptions, 1);
}

static void a_session_that_is_parked_again_is_asked_for_again(void **state)
{
    struct fixture *fixture = *state;
    park(fixture);
    relay(fixture, 2, 7);
    expect_adopt(fixture, 2);
    (void)claim(fixture, 2, 5, KEY, LINK_CLAIM_MOVED);
    (void)NEXT(fixture, 2, RELAYED, relayed);
    SAY_RIGHT(fixture, 2, OFFER, offer, .session = 5);
    struct link_yield yield = NEXT(fixture, 2, YIELD, yield);
    SAY_RIGHT(fixture, 2, YIELDED, yielded, .request = yield.request, .session = 5);
    assert_int_equal(fixture->core.stats.adoptions, 2);
}

static void one_that_is_about_to_stop_is_not_asked(void **state)
{
    struct fixture *fixture = *state;
    park(fixture);
    SAY_RIGHT(fixture, 0, OFFER, offer, .session = 0);
    SAY_RIGHT(fixture, 1, OFFER, offer, .session = 0);
    relay(fixture, 0, 7);
    expect_adopt(fixture, 2);
}

static void another_is_asked_when_the_first_stops_or_dies(void **state)
{
    struct fixture *fixture = *state;
    park(fixture);
    SAY_RIGHT(fixture, 0, OFFER, offer, .session = 0);
    relay(fixture, 2, 7);
    expect_adopt(fixture, 2);
    SAY_RIGHT(fixture, 2, OFFER, offer, .session = 0); /* it had begun to stop when it was asked */
    expect_adopt(fixture, 1);
    lose(fixture, 1);
    struct link_relay_done done = NEXT(fixture, 2, RELAY_DONE, relay_done);
    assert_int_equal(done.result,
                     LINK_LIMIT); /* nobody is left, and who sent is not kept waiting */
    link_again(fixture, 1);
    relay(fixture, 2, 8);
    expect_adopt(fixture, 1);
}

static void a_gateway_that_comes_is_asked_for_what_waits(void **state)
{
    struct fixture *fixture = *state;
    park(fixture);
    lose(fixture, 0);
    lose(fixture, 1);
    relay(fixture, 2, 7);
    expect_adopt(fixture, 2);
    lose(fixture, 2);
    link_again(fixture, 1);
    SAY_RIGHT(fixture, 1, RESTORE_END, restore_end, .sessions = 0);
    assert_int_equal(fixture->core.stats.adoptions, 2);
    (void)NEXT(fixture, 1, ADOPT, adopt);
    (void)NEXT(fixture, 1, RESTORED, restored);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CORE_TEST(the_gateway_that_sends_is_asked_once),
        CORE_TEST(a_session_that_is_parked_again_is_asked_for_again),
        CORE_TEST(one_that_is_about_to_stop_is_not_asked),
        CORE_TEST(another_is_asked_when_the_first_stops_or_dies),
        CORE_TEST(a_gateway_that_comes_is_asked_for_what_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
