/* SPDX-License-Identifier: MIT
 *
 * Sessions at their gateway: names and limits, subscriptions, expiry, tombstones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/err.h"
#include "tests/unit/core_fixture.h"

/* ---- names, numbers, limits ---- */

static void a_new_session_gets_a_random_name(void **state)
{
    struct fixture *fixture = *state;
    struct link_claimed first = claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW);
    struct link_claimed second = claim(fixture, 0, 2, STR("/ws\nabd"), LINK_CLAIM_NEW);
    assert_int_equal(first.name.len, SESSION_NAME_BYTES);
    assert_false(str_equal(first.name, second.name));
    for (size_t i = 0; i < first.name.len; i++) {
        assert_non_null(memchr("abcdefghijklmnopqrstuvwxyz234567", first.name.at[i], 32));
    }
}

static void sessions_without_a_key_have_nothing_to_do_with_each_other(void **state)
{
    struct fixture *fixture = *state;
    (void)claim(fixture, 0, 1, STR(""), LINK_CLAIM_NEW);
    (void)claim(fixture, 0, 2, STR(""), LINK_CLAIM_NEW);
    (void)claim(fixture, 1, 1, STR(""), LINK_CLAIM_NEW);
    assert_silent(fixture);
}

static void a_session_number_in_use_breaks_the_rules(void **state)
{
    struct fixture *fixture = *state;
    (void)claim(fixture, 0, 1, STR(""), LINK_CLAIM_NEW);
    assert_int_equal(SAY(fixture, 0, CLAIM, claim, .request = 2, .session = 1), ERR_PROTOCOL);
    assert_int_equal(SAY(fixture, 0, RESTORE, restore, .session = 1, .name = STR("n")),
                     ERR_PROTOCOL);
}

static void what_only_the_broker_says_breaks_the_rules(void **state)
{
    struct fixture *fixture = *state;
    static const uint8_t types[] = {0, LINK_HELLO, 64, LINK_CREDIT, LINK_DELIVERED, 255};
    for (size_t i = 0; i < MEM_COUNT(types); i++) {
        assert_int_equal(
            commands_handle(&fixture->core, &fixture->peers[0]->peer, types[i], STR("\0\0\0\1")),
            ERR_PROTOCOL);
    }
    assert_int_equal(
        commands_handle(&fixture->core, &fixture->peers[0]->peer, LINK_ATTACH, STR("\0\0\0\1")),
        ERR_PROTOCOL);
}

static void a_full_broker_refuses_new_sessions_only(void **state)
{
    struct fixture *fixture = *state;
    for (uint64_t i = 1; i <= SESSIONS_MAX; i++) {
        (void)claim(fixture, 0, i, i == 1 ? KEY : STR(""), LINK_CLAIM_NEW);
    }
    (void)claim(fixture, 0, 9, STR(""), LINK_CLAIM_FULL);
    lose(fixture, 0); /* the one with a key stays, parked */
    for (uint64_t i = 1; i < SESSIONS_MAX; i++) {
        (void)claim(fixture, 1, i, STR(""), LINK_CLAIM_NEW);
    }
    (void)claim(fixture, 1, 9, STR(""), LINK_CLAIM_FULL);
    (void)claim(fixture, 1, 10, KEY, LINK_CLAIM_MOVED);
}

static void a_claim_of_ones_own_session_is_busy(void **state)
{
    struct fixture *fixture = *state;
    (void)claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW);
    (void)claim(fixture, 0, 2, KEY, LINK_CLAIM_BUSY);
    assert_silent(fixture);
}

static void a_key_belongs_to_one_family_and_user(void **state)
{
    struct fixture *fixture = *state;
    (void)claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW);
    SAY_RIGHT(fixture, 1, CLAIM, claim, .request = 8, .session = 1, .key = KEY,
              .family = LINK_FAMILY_JSONP);
    (void)expect_claimed(fixture, 1, 8, LINK_CLAIM_OTHER);
    SAY_RIGHT(fixture, 1, CLAIM, claim, .request = 9, .session = 1, .key = KEY,
              .family = LINK_FAMILY_XHR, .user = STR("eve"));
    (void)expect_claimed(fixture, 1, 9, LINK_CLAIM_OTHER);
    assert_silent(fixture);
}

static void a_gateway_reaches_only_its_own_sessions(void **state)
{
    struct fixture *fixture = *state;
    (void)claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW);
    assert_int_equal(subscribe(fixture, 1, 1, 1, "/topic/a").result, LINK_ABSENT);
    SAY_RIGHT(fixture, 1, PUBLISH, publish, .request = 2, .session = 1);
    assert_int_equal(NEXT(fixture, 1, PUBLISHED, published).result, LINK_ABSENT);
    SAY_RIGHT(fixture, 1, CHECKPOINT, checkpoint, .request = 3, .session = 1);
    assert_int_equal(NEXT(fixture, 1, CHECKPOINTED, checkpointed).result, LINK_ABSENT);
    SAY_RIGHT(fixture, 1, UNSUBSCRIBE, unsubscribe, .request = 4, .session = 1);
    assert_int_equal(NEXT(fixture, 1, UNSUBSCRIBED, unsubscribed).request, 4);
    SAY_RIGHT(fixture, 1, PUBLISH, publish, .session = 1);
    SAY_RIGHT(fixture, 1, DROP_SESSION, drop_session, .session = 1, .remember_ms = LONG_MS);
    SAY_RIGHT(fixture, 1, DETACH, detach, .session = 1);
    SAY_RIGHT(fixture, 1, ATTACH, attach, .session = 1);
    SAY_RIGHT(fixture, 1, REFUSED, refused, .session = 1);
    SAY_RIGHT(fixture, 1, YIELDED, yielded, .session = 1);
    assert_silent(fixture);
    (void)claim(fixture, 0, 2, KEY, LINK_CLAIM_BUSY);
}

/* ---- subscriptions ---- */

static void a_subscription_number_is_taken_once(void **state)
{
    struct fixture *fixture = *state;
    (void)claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW);
    assert_int_equal(subscribe(fixture, 0, 1, 7, "/topic/a").result, LINK_OK);
    assert_int_equal(subscribe(fixture, 0, 1, 7, "/topic/b").result, LINK_DENIED);
    assert_int_equal(subscribe(fixture, 0, 1, 6, "/topic/{").result, LINK_OK);
    assert_int_equal(subscribe(fixture, 0, 1, 8, "/topic/{a}{").result, LINK_DENIED);
    for (uint64_t request = 0; request < 2; request++) {
        SAY_RIGHT(fixture, 0, UNSUBSCRIBE, unsubscribe, .request = request, .session = 1,
                  .subscription = 7);
    }
    assert_int_equal(NEXT(fixture, 0, UNSUBSCRIBED, unsubscribed).request, 1);
    assert_silent(fixture);
    assert_int_equal(subscribe(fixture, 0, 1, 7, "/topic/b").result, LINK_OK);
}

static void subscriptions_of_a_session_are_limited(void **state)
{
    struct fixture *fixture = *state;
    (void)claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW);
    for (uint32_t i = 1; i <= SUBSCRIPTIONS_MAX; i++) {
        assert_int_equal(subscribe(fixture, 0, 1, i, "/topic/a").result, LINK_OK);
    }
    assert_int_equal(subscribe(fixture, 0, 1, 9, "/topic/a").result, LINK_LIMIT);
}

static void an_ended_session_gets_nothing_more(void **state)
{
    struct fixture *fixture = *state;
    (void)claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW);
    (void)claim(fixture, 0, 2, STR(""), LINK_CLAIM_NEW);
    uint32_t group = subscribe(fixture, 0, 1, 1, "/topic/a").group;
    publish(fixture, 0, 2, "/topic/a");
    assert_int_equal(delivered_group(fixture, 0), group);
    SAY_RIGHT(fixture, 0, DROP_SESSION, drop_session, .session = 1);
    publish(fixture, 0, 2, "/topic/a");
    assert_silent(fixture);
}

/* ---- expiry and tombstones ---- */

static void a_detached_session_is_asked_to_expire_and_leaves_a_tombstone(void **state)
{
    struct fixture *fixture = *state;
    SAY_RIGHT(fixture, 0, CLAIM, claim, .request = 1, .session = 1, .key = KEY,
              .family = LINK_FAMILY_XHR, .expire_ms = 1);
    (void)expect_claimed(fixture, 0, 1, LINK_CLAIM_NEW);
    run(fixture); /* attached: nothing to wait for */
    assert_silent(fixture);
    SAY_RIGHT(fixture, 0, DETACH, detach, .session = 1);
    run(fixture);
    struct link_expire expire = NEXT(fixture, 0, EXPIRE, expire);
    assert_int_equal(expire.session, 1);
    SAY_RIGHT(fixture, 0, DROP_SESSION, drop_session, .session = 1, .code = 3000,
              .reason = STR("Go away!"), .remember_ms = 1);
    struct link_claimed closed = claim(fixture, 1, 1, KEY, LINK_CLAIM_CLOSED);
    assert_int_equal(closed.code, 3000);
    assert_true(str_equal(closed.reason, STR("Go away!")));
    run(fixture);
    (void)claim(fixture, 1, 1, KEY, LINK_CLAIM_NEW);
}

static void a_receiver_that_comes_in_time_stops_expiry(void **state)
{
    struct fixture *fixture = *state;
    (void)claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW);
    SAY_RIGHT(fixture, 0, DETACH, detach, .session = 1);
    SAY_RIGHT(fixture, 0, ATTACH, attach, .session = 1);
    run(fixture); /* an hour, if the deadline were still there */
    assert_silent(fixture);
}

static void a_refused_expiry_is_asked_again_only_if_still_detached(void **state)
{
    struct fixture *fixture = *state;
    SAY_RIGHT(fixture, 0, CLAIM, claim, .request = 1, .session = 1, .key = KEY,
              .family = LINK_FAMILY_XHR, .expire_ms = 1);
    (void)expect_claimed(fixture, 0, 1, LINK_CLAIM_NEW);
    SAY_RIGHT(fixture, 0, DETACH, detach, .session = 1);
    run(fixture);
    struct link_expire expire = NEXT(fixture, 0, EXPIRE, expire);
    SAY_RIGHT(fixture, 0, REFUSED, refused, .request = expire.request, .session = 1);
    run(fixture);
    expire = NEXT(fixture, 0, EXPIRE, expire);
    SAY_RIGHT(fixture, 0, ATTACH, attach, .session = 1);
    SAY_RIGHT(fixture, 0, REFUSED, refused, .request = expire.request, .session = 1);
    run(fixture);
    assert_silent(fixture);
}

static void a_claim_during_expiry_gets_the_tombstone_or_the_session(void **state)
{
    struct fixture *fixture = *state;
    for (int is_dropped = 0; is_dropped < 2; is_dropped++) {
        struct str key = is_dropped ? STR("dropped") : STR("kept");
        uint64_t session = is_dropped ? 1 : 2;
        SAY_RIGHT(fixture, 0, CLAIM, claim, .request = 1, .session = session, .key = key,
                  .family = LINK_FAMILY_XHR, .expire_ms = 1);
        (void)expect_claimed(fixture, 0, 1, LINK_CLAIM_NEW);
        SAY_RIGHT(fixture, 0, DETACH, detach, .session = session);
        run(fixture);
        struct link_expire expire = NEXT(fixture, 0, EXPIRE, expire);
        uint64_t request = say_claim(fixture, 1, session, key);
        assert_silent(fixture);
        if (is_dropped) {
            SAY_RIGHT(fixture, 0, DROP_SESSION, drop_session, .session = session, .code = 1002);
            assert_int_equal(expect_claimed(fixture, 1, request, LINK_CLAIM_CLOSED).code, 1002);
        } else {
            SAY_RIGHT(fixture, 0, REFUSED, refused, .request = expire.request, .session = session);
            struct link_yield yield = NEXT(fixture, 0, YIELD, yield);
            SAY_RIGHT(fixture, 0, YIELDED, yielded, .request = yield.request, .session = session);
            (void)expect_claimed(fixture, 1, request, LINK_CLAIM_MOVED);
        }
    }
}

static void the_oldest_tombstone_gives_way(void **state)
{
    struct fixture *fixture = *state;
    struct tombstones tombstones;
    tombstones_init(&tombstones, &fixture->wheel, 2);
    tombstones_add(&tombstones, STR("a"), 1, STR(""), LONG_MS);
    tombstones_add(&tombstones, STR("b"), 2, STR(""), LONG_MS);
    tombstones_add(&tombstones, STR("a"), 3, STR("again"), LONG_MS);
    tombstones_add(&tombstones, STR("c"), 4, STR(""), LONG_MS);
    assert_null(tombstones_find(&tombstones, STR("b")));
    assert_int_equal(tombstones_find(&tombstones, STR("a"))->code, 3);
    assert_int_equal(tombstones_find(&tombstones, STR("c"))->code, 4);
    tombstones_finish(&tombstones);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CORE_TEST(a_new_session_gets_a_random_name),
        CORE_TEST(sessions_without_a_key_have_nothing_to_do_with_each_other),
        CORE_TEST(a_session_number_in_use_breaks_the_rules),
        CORE_TEST(what_only_the_broker_says_breaks_the_rules),
        CORE_TEST(a_full_broker_refuses_new_sessions_only),
        CORE_TEST(a_claim_of_ones_own_session_is_busy),
        CORE_TEST(a_key_belongs_to_one_family_and_user),
        CORE_TEST(a_gateway_reaches_only_its_own_sessions),
        CORE_TEST(a_subscription_number_is_taken_once),
        CORE_TEST(subscriptions_of_a_session_are_limited),
        CORE_TEST(an_ended_session_gets_nothing_more),
        CORE_TEST(a_detached_session_is_asked_to_expire_and_leaves_a_tombstone),
        CORE_TEST(a_receiver_that_comes_in_time_stops_expiry),
        CORE_TEST(a_refused_expiry_is_asked_again_only_if_still_detached),
        CORE_TEST(a_claim_during_expiry_gets_the_tombstone_or_the_session),
        CORE_TEST(the_oldest_tombstone_gives_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
