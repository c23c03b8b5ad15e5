/* SPDX-License-Identifier: MIT
 *
 * Sessions that end before their receivers have got everything.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/core_fixture.h"

static void close_with(struct fixture *fixture, size_t at, uint64_t session, const char *unsent)
{
    SAY_RIGHT(fixture, at, DROP_SESSION, drop_session, .session = session, .code = 1000,
              .reason = STR("Bye"), .remember_ms = LONG_MS, .unsent = str_of(unsent));
}

static void expect_rest(struct link_claimed closed, const char *unsent)
{
    assert_true(closed.code == 1000 && str_equal(closed.reason, STR("Bye")));
    assert_true(str_equal(closed.unsent, str_of(unsent)));
}

static void a_closed_session_is_collected_by_one_claim_after_the_other(void **state)
{
    struct fixture *fixture = *state;
    (void)claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW);
    (void)subscribe(fixture, 0, 1, 1, "/topic/a");
    close_with(fixture, 0, 1, "all of it");
    assert_int_equal(fixture->core.stats.subscriptions_closed, 1);
    expect_rest(claim(fixture, 1, 5, KEY, LINK_CLAIM_CLOSED), "all of it");
    uint64_t request = say_claim(fixture, 2, 6, KEY);
    assert_int_equal(NEXT(fixture, 1, YIELD, yield).session, 5);
    /* What the second of them says of the end does not count. */
    SAY_RIGHT(fixture, 1, DROP_SESSION, drop_session, .session = 5, .unsent = STR("rest"));
    expect_rest(expect_claimed(fixture, 2, request, LINK_CLAIM_CLOSED), "rest");
    SAY_RIGHT(fixture, 2, DROP_SESSION, drop_session, .session = 6);
    expect_rest(claim(fixture, 0, 7, KEY, LINK_CLAIM_CLOSED), "");
    expect_rest(claim(fixture, 0, 8, KEY, LINK_CLAIM_CLOSED), "");
    assert_int_equal(fixture->core.stats.claims_closed, 4);
}

static void claims_that_wait_collect_what_is_left(void **state)
{
    struct fixture *fixture = *state;
    (void)claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW);
    uint64_t first = say_claim(fixture, 1, 5, KEY);
    uint64_t second = say_claim(fixture, 2, 6, KEY);
    (void)NEXT(fixture, 0, YIELD, yield);
    close_with(fixture, 0, 1, "later");
    expect_rest(expect_claimed(fixture, 1, first, LINK_CLAIM_CLOSED), "later");
    (void)NEXT(fixture, 1, YIELD, yield);
    assert_silent(fixture);
    SAY_RIGHT(fixture, 1, DROP_SESSION, drop_session, .session = 5);
    expect_rest(expect_claimed(fixture, 2, second, LINK_CLAIM_CLOSED), "");
}

static void a_closed_session_is_nobody_elses_and_takes_no_relay(void **state)
{
    struct fixture *fixture = *state;
    (void)claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW);
    SAY_RIGHT(fixture, 1, RELAY, relay, .request = 8, .key = KEY, .relay = 8);
    (void)NEXT(fixture, 0, RELAYED, relayed);
    close_with(fixture, 0, 1, "later");
    assert_int_equal(NEXT(fixture, 1, RELAY_DONE, relay_done).result, LINK_ABSENT);
    SAY_RIGHT(fixture, 1, RELAY, relay, .request = 9, .key = KEY, .relay = 9);
    assert_int_equal(NEXT(fixture, 1, RELAY_DONE, relay_done).result, LINK_ABSENT);
    SAY_RIGHT(fixture, 1, CLAIM, claim, .request = 10, .session = 5, .key = KEY,
              .family = LINK_FAMILY_EVENTSOURCE);
    assert_int_equal(NEXT(fixture, 1, CLAIMED, claimed).result, LINK_CLAIM_OTHER);
    SAY_RIGHT(fixture, 0, RESTORE, restore, .session = 2, .key = KEY, .name = STR("n"),
              .family = LINK_FAMILY_XHR, .moves = 9);
    assert_int_equal(NEXT(fixture, 0, GONE, gone).session, 2);
    expect_rest(claim(fixture, 2, 6, KEY, LINK_CLAIM_CLOSED), "later");
}

static void a_closed_session_outlives_its_holder(void **state)
{
    struct fixture *fixture = *state;
    (void)claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW);
    close_with(fixture, 0, 1, "later");
    lose(fixture, 0);
    expect_rest(claim(fixture, 1, 5, KEY, LINK_CLAIM_CLOSED), "later");
    lose(fixture, 1);
    expect_rest(claim(fixture, 2, 6, KEY, LINK_CLAIM_CLOSED), "later");
}

static void a_closed_session_nobody_claims_leaves_a_tombstone(void **state)
{
    struct fixture *fixture = *state;
    SAY_RIGHT(fixture, 0, CLAIM, claim, .request = 1, .session = 1, .key = KEY,
              .family = LINK_FAMILY_XHR, .expire_ms = 1);
    (void)NEXT(fixture, 0, CLAIMED, claimed);
    close_with(fixture, 0, 1, "later");
    while (fixture->core.stats.sessions_closed == 0) {
        uv_run(&fixture->loop, UV_RUN_ONCE);
    }
    expect_rest(claim(fixture, 1, 5, KEY, LINK_CLAIM_CLOSED), "");
}

/* {key, remembered, bytes, whether the frames are kept} */
static void frames_that_may_not_be_kept_are_dropped(void **state)
{
    static const struct {
        bool has_key;
        uint32_t remember_ms;
        size_t len;
        enum link_claim_result result;
        bool is_kept;
    } rows[] = {
        {true, LONG_MS, 16u << 20, LINK_CLAIM_CLOSED, true},
        {true, 0, 1, LINK_CLAIM_NEW, false},
        {false, LONG_MS, 1, LINK_CLAIM_NEW, false},
        {true, LONG_MS, SESSIONS_CLOSED_BYTES_MAX - (16u << 20) * 3, LINK_CLAIM_CLOSED, true},
        {true, LONG_MS, SESSIONS_CLOSED_BYTES_MAX - (16u << 20) * 3 + 1, LINK_CLAIM_CLOSED, false},
    };
    for (size_t i = 0; i < MEM_COUNT(rows); i++) {
        core_teardown(state);
        core_setup(state);
        struct fixture *fixture = *state;
        struct buf bytes = {0};
        memset(buf_reserve(&bytes, 17u << 20), 'x', 17u << 20);
        static const char *const others[] = {"/ws\n1", "/ws\n2", "/ws\n3"};
        for (size_t other = 0; i >= 3 && other < MEM_COUNT(others); other++) {
            (void)claim(fixture, 1, other + 1, str_of(others[other]), LINK_CLAIM_NEW);
            SAY_RIGHT(fixture, 1, DROP_SESSION, drop_session, .session = other + 1,
                      .remember_ms = LONG_MS, .unsent = {(char *)bytes.data, 16u << 20});
        }
        (void)claim(fixture, 0, 1, rows[i].has_key ? KEY : STR(""), LINK_CLAIM_NEW);
        SAY_RIGHT(fixture, 0, DROP_SESSION, drop_session, .session = 1,
                  .remember_ms = rows[i].remember_ms, .unsent = {(char *)bytes.data, rows[i].len});
        struct link_claimed closed = claim(fixture, 0, 2, KEY, rows[i].result);
        assert_int_equal(closed.unsent.len, rows[i].is_kept ? rows[i].len : 0);
        buf_finish(&bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CORE_TEST(a_closed_session_is_collected_by_one_claim_after_the_other),
        CORE_TEST(claims_that_wait_collect_what_is_left),
        CORE_TEST(a_closed_session_is_nobody_elses_and_takes_no_relay),
        CORE_TEST(a_closed_session_outlives_its_holder),
        CORE_TEST(a_closed_session_nobody_claims_leaves_a_tombstone),
        CORE_TEST(frames_that_may_not_be_kept_are_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
