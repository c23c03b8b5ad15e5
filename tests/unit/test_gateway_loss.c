/* SPDX-License-Identifier: MIT
 *
 * What a gateway that dies leaves of its sessions: the log that it had not confirmed, checkpoints, frames.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/mem.h"
#include "tests/unit/core_fixture.h"

static void confirm_up_to(struct fixture *fixture, size_t at, uint64_t session, uint64_t number)
{
    SAY_RIGHT(fixture, at, CONFIRM, confirm, .session = session, .number = number);
}

static uint64_t written(const struct fixture *fixture, size_t at)
{
    return fixture->peers[at]->peer.written;
}

static void confirm(struct fixture *fixture, size_t at, uint64_t session)
{
    confirm_up_to(fixture, at, session, written(fixture, at));
}

/* Held by peer 0, subscribed to /topic/a, nothing owed; peer 2 has one that publishes. */
static void start(struct fixture *fixture)
{
    (void)claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW);
    (void)claim(fixture, 2, 1, STR(""), LINK_CLAIM_NEW);
    (void)subscribe(fixture, 0, 1, 1, "/topic/a");
    confirm(fixture, 0, 1);
}

static void say(struct fixture *fixture, const char *body)
{
    SAY_RIGHT(fixture, 2, PUBLISH, publish, .session = 1,
              .message = {.destination = STR("/topic/a"), .body = str_of(body)});
}

static void expect_individual(struct fixture *fixture, size_t at, const char *body)
{
    struct link_delivered delivered = NEXT(fixture, at, DELIVERED, delivered);
    assert_int_equal(delivered.groups.len, 0);
    assert_int_equal(delivered.individuals.len, 12);
    assert_true(str_equal(delivered.message.body, str_of(body)));
}

static void a_polling_session_outlives_its_gateway(void **state)
{
    struct fixture *fixture = *state;
    struct str name = claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW).name;
    (void)claim(fixture, 2, 1, STR(""), LINK_CLAIM_NEW);
    (void)subscribe(fixture, 0, 1, 1, "/topic/a");
    SAY_RIGHT(fixture, 0, CHECKPOINT, checkpoint, .session = 1, .state = STR("old"));
    SAY_RIGHT(fixture, 0, CHECKPOINT, checkpoint, .session = 1, .state = STR("new"));
    confirm(fixture, 0, 1);
    lose(fixture, 0);
    publish(fixture, 2, 1, "/topic/a");
    assert_silent(fixture);
    struct link_claimed moved = claim(fixture, 1, 5, KEY, LINK_CLAIM_MOVED);
    assert_true(str_equal(moved.name, name) && str_equal(moved.checkpoint, STR("new")));
    expect_individual(fixture, 1, "hi");
    assert_int_equal(NEXT(fixture, 1, SUBSCRIBED, subscribed).group, 1);
    publish(fixture, 2, 1, "/topic/a");
    assert_int_equal(delivered_group(fixture, 1), 1);
}

static void what_was_not_confirmed_comes_to_the_next_holder(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    say(fixture, "written");
    uint64_t number = written(fixture, 0);
    say(fixture, "queued");
    SAY_RIGHT(fixture, 0, PUBLISH, publish, .request = 77, .session = 1,
              .message.destination = STR("/else"));
    confirm_up_to(fixture, 0, 1, number);
    lose(fixture, 0);
    (void)claim(fixture, 1, 5, KEY, LINK_CLAIM_MOVED);
    expect_individual(fixture, 1, "queued");
    assert_int_equal(NEXT(fixture, 1, PUBLISHED, published).request, 77);
    (void)NEXT(fixture, 1, SUBSCRIBED, subscribed);
    confirm(fixture, 1, 5); /* by the numbers of its own link */
    lose(fixture, 1);
    (void)claim(fixture, 2, 9, KEY, LINK_CLAIM_MOVED);
    (void)NEXT(fixture, 2, SUBSCRIBED, subscribed);
    assert_int_equal(fake_waiting(fixture->peers[2]), 0);
}

static void a_session_of_which_nothing_was_handled_goes_on_from_the_start(void **state)
{
    struct fixture *fixture = *state;
    (void)claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW);
    lose(fixture, 0);
    assert_int_equal(claim(fixture, 1, 5, KEY, LINK_CLAIM_MOVED).checkpoint.len, 0);
}

/* ---- checkpoints ---- */

static void what_was_yielded_unsent_stays_until_the_next_checkpoint(void **state)
{
    struct fixture *fixture = *state;
    (void)claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW);
    uint64_t request = say_claim(fixture, 1, 5, KEY);
    struct link_yield yield = NEXT(fixture, 0, YIELD, yield);
    SAY_RIGHT(fixture, 0, YIELDED, yielded, .request = yield.request, .session = 1,
              .checkpoint = STR("rest"), .unsent = STR("later"));
    (void)expect_claimed(fixture, 1, request, LINK_CLAIM_MOVED);
    SAY_RIGHT(fixture, 1, ATTACH, attach, .session = 5);
    lose(fixture, 1);
    struct link_claimed moved = claim(fixture, 2, 9, KEY, LINK_CLAIM_MOVED);
    assert_true(str_equal(moved.unsent, STR("later")));
    SAY_RIGHT(fixture, 2, CHECKPOINT, checkpoint, .session = 9, .state = STR("new"));
    lose(fixture, 2);
    assert_int_equal(NEXT(fixture, 0, GONE, gone).session, 1);
    moved = claim(fixture, 0, 10, KEY, LINK_CLAIM_MOVED);
    assert_true(moved.unsent.len == 0 && str_equal(moved.checkpoint, STR("new")));
}

static void a_checkpoint_too_long_to_keep_leaves_nothing_to_park(void **state)
{
    struct fixture *fixture = *state;
    char *bytes = mem_zalloc(LINK_STATE_BYTES_MAX + 1);
    (void)claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW);
    for (size_t i = 0; i < 2; i++) {
        SAY_RIGHT(fixture, 0, CHECKPOINT, checkpoint, .request = 1, .session = 1,
                  .state = {bytes, LINK_STATE_BYTES_MAX + i});
        assert_int_equal(NEXT(fixture, 0, CHECKPOINTED, checkpointed).result,
                         i == 0 ? LINK_OK : LINK_LIMIT);
    }
    lose(fixture, 0);
    (void)claim(fixture, 1, 1, KEY, LINK_CLAIM_NEW);
    mem_free(bytes);
}

static void restore(struct fixture *fixture, uint64_t session, uint64_t number, struct str state)
{
    SAY_RIGHT(fixture, 0, RESTORE, restore, .session = session, .key = KEY, .name = STR("n"),
              .family = LINK_FAMILY_XHR, .expire_ms = LONG_MS, .hold = LINK_HOLD_DETACHED,
              .number = number, .state = state);
}

static void a_restored_session_outlives_its_gateway_with_its_state_or_not_at_all(void **state)
{
    struct fixture *fixture = *state;
    for (uint64_t i = 0; i < 2; i++) {
        restore(fixture, 4, 0, i == 0 ? STR("state") : STR(""));
        (void)NEXT(fixture, 0, RESTORED, restored);
        lose(fixture, 0);
        struct link_claimed claimed =
            claim(fixture, 1, 5 + i, KEY, i == 0 ? LINK_CLAIM_MOVED : LINK_CLAIM_NEW);
        assert_true(str_equal(claimed.checkpoint, i == 0 ? STR("state") : STR("")));
        SAY_RIGHT(fixture, 1, DROP_SESSION, drop_session, .session = 5 + i);
        link_again(fixture, 0);
    }
}

/* ---- a log that was too short ---- */

static void say_too_much(struct fixture *fixture)
{
    char *body = mem_zalloc(SESSION_LOG_BYTES);
    SAY_RIGHT(fixture, 2, PUBLISH, publish, .session = 1,
              .message = {.destination = STR("/topic/a"), .body = {body, SESSION_LOG_BYTES}});
    mem_free(body);
}

static void expect_too_slow(struct fixture *fixture, struct link_claimed closed)
{
    assert_int_equal(closed.code, 1008);
    assert_int_equal(fixture->core.stats.sessions_overflowed, 1);
    assert_int_equal(fixture->core.sessions.count, 1);
}

static void a_log_that_is_too_short_ends_its_session_when_its_gateway_dies(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    say_too_much(fixture);
    lose(fixture, 0);
    assert_int_equal(fixture->core.sessions.count, 2); /* the gateway might come back */
    expect_too_slow(fixture, claim(fixture, 1, 5, KEY, LINK_CLAIM_CLOSED));
}

static void a_log_that_was_too_short_is_whole_when_all_is_confirmed(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    say_too_much(fixture);
    say(fixture, "behind");
    confirm_up_to(fixture, 0, 1, written(fixture, 0) - 1);
    confirm(fixture, 0, 1);
    say(fixture, "kept");
    lose(fixture, 0);
    (void)claim(fixture, 1, 5, KEY, LINK_CLAIM_MOVED);
    expect_individual(fixture, 1, "kept");
}

static void a_log_that_is_too_short_while_nobody_holds_its_session_ends_it(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    lose(fixture, 0);
    say_too_much(fixture);
    assert_int_equal(fixture->core.sessions.count, 1);
    expect_too_slow(fixture, claim(fixture, 1, 5, KEY, LINK_CLAIM_CLOSED));
}

static void a_yield_is_judged_by_what_its_holder_has_handled(void **state)
{
    for (uint64_t i = 0; i < 2; i++) {
        core_teardown(state);
        core_setup(state);
        struct fixture *fixture = *state;
        start(fixture);
        uint64_t request = say_claim(fixture, 1, 5, KEY);
        struct link_yield yield = NEXT(fixture, 0, YIELD, yield);
        say_too_much(fixture);
        (void)NEXT(fixture, 0, DELIVERED, delivered);
        SAY_RIGHT(fixture, 0, YIELDED, yielded, .request = yield.request, .session = 1,
                  .number = written(fixture, 0) - i);
        if (i == 0) {
            (void)expect_claimed(fixture, 1, request, LINK_CLAIM_MOVED);
        } else {
            expect_too_slow(fixture, expect_claimed(fixture, 1, request, LINK_CLAIM_CLOSED));
        }
    }
}

static void a_restore_is_judged_by_what_was_handled_before(void **state)
{
    for (uint64_t i = 0; i < 2; i++) {
        core_teardown(state);
        core_setup(state);
        struct fixture *fixture = *state;
        start(fixture);
        say_too_much(fixture);
        (void)NEXT(fixture, 0, DELIVERED, delivered);
        uint64_t number = written(fixture, 0);
        lose(fixture, 0);
        link_again(fixture, 0);
        restore(fixture, 1, number - i, STR("state"));
        (void)NEXT(fixture, 0, RESTORED, restored);
        if (i == 1) {
            assert_int_equal(NEXT(fixture, 0, GONE, gone).session, 1);
            expect_too_slow(fixture, claim(fixture, 1, 5, KEY, LINK_CLAIM_CLOSED));
        }
        assert_silent(fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CORE_TEST(a_polling_session_outlives_its_gateway),
        CORE_TEST(what_was_not_confirmed_comes_to_the_next_holder),
        CORE_TEST(a_session_of_which_nothing_was_handled_goes_on_from_the_start),
        CORE_TEST(what_was_yielded_unsent_stays_until_the_next_checkpoint),
        CORE_TEST(a_checkpoint_too_long_to_keep_leaves_nothing_to_park),
        CORE_TEST(a_restored_session_outlives_its_gateway_with_its_state_or_not_at_all),
        CORE_TEST(a_log_that_is_too_short_ends_its_session_when_its_gateway_dies),
        CORE_TEST(a_log_that_was_too_short_is_whole_when_all_is_confirmed),
        CORE_TEST(a_log_that_is_too_short_while_nobody_holds_its_session_ends_it),
        CORE_TEST(a_yield_is_judged_by_what_its_holder_has_handled),
        CORE_TEST(a_restore_is_judged_by_what_was_handled_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
