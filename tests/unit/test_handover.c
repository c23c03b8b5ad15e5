/* SPDX-License-Identifier: MIT
 *
 * Sessions that change hands: claim and yield, relay, loss and restore.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/core_fixture.h"

/* ---- claim and yield ---- */

static void a_claim_elsewhere_is_busy_when_the_holder_refuses(void **state)
{
    struct fixture *fixture = *state;
    (void)claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW);
    uint64_t request = say_claim(fixture, 1, 5, KEY);
    struct link_yield yield = NEXT(fixture, 0, YIELD, yield);
    assert_int_equal(yield.session, 1);
    assert_silent(fixture);
    SAY_RIGHT(fixture, 0, REFUSED, refused, .request = yield.request, .session = 1);
    (void)expect_claimed(fixture, 1, request, LINK_CLAIM_BUSY);
    assert_int_equal(subscribe(fixture, 0, 1, 1, "/topic/a").result, LINK_OK);
    assert_int_equal(subscribe(fixture, 1, 5, 1, "/topic/a").result, LINK_ABSENT);
}

static void a_yielded_session_moves_with_checkpoint_unsent_and_subscriptions(void **state)
{
    struct fixture *fixture = *state;
    struct str name = claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW).name;
    (void)claim(fixture, 2, 1, STR(""), LINK_CLAIM_NEW);
    (void)subscribe(fixture, 0, 1, 3, "/topic/a");
    (void)subscribe(fixture, 0, 1, 2, "/topic/*");
    uint64_t request = say_claim(fixture, 1, 5, KEY);
    struct link_yield yield = NEXT(fixture, 0, YIELD, yield);
    publish(fixture, 2, 1, "/topic/b"); /* until it has answered, the holder gets it */
    assert_int_equal(delivered_group(fixture, 0), 2);
    SAY_RIGHT(fixture, 0, YIELDED, yielded, .request = yield.request, .session = 1,
              .number = fixture->peers[0]->peer.written, .checkpoint = STR("rest"),
              .unsent = STR("later"));
    struct link_claimed moved = expect_claimed(fixture, 1, request, LINK_CLAIM_MOVED);
    assert_int_equal(moved.session, 5);
    assert_int_equal(moved.moves, 1);
    assert_true(str_equal(moved.name, name));
    assert_true(str_equal(moved.checkpoint, STR("rest")));
    assert_true(str_equal(moved.unsent, STR("later")));
    for (uint32_t number = 2; number <= 3; number++) {
        struct link_subscribed subscribed = NEXT(fixture, 1, SUBSCRIBED, subscribed);
        assert_true(subscribed.request == 0 && subscribed.session == 5);
        assert_int_equal(subscribed.subscription, number);
        assert_int_equal(subscribed.group, number - 1);
    }
    publish(fixture, 2, 1, "/topic/b");
    assert_int_equal(delivered_group(fixture, 1), 1);
    assert_int_equal(subscribe(fixture, 0, 1, 1, "/topic/a").result, LINK_ABSENT);
    assert_silent(fixture);
}

static void claims_that_wait_are_judged_one_after_the_other(void **state)
{
    struct fixture *fixture = *state;
    (void)claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW);
    uint64_t first = say_claim(fixture, 1, 5, KEY);
    uint64_t second = say_claim(fixture, 2, 6, KEY);
    uint64_t third = say_claim(fixture, 1, 7, KEY); /* will have it itself by then */
    struct link_yield yield = NEXT(fixture, 0, YIELD, yield);
    assert_silent(fixture);
    SAY_RIGHT(fixture, 0, YIELDED, yielded, .request = yield.request, .session = 1);
    (void)expect_claimed(fixture, 1, first, LINK_CLAIM_MOVED);
    yield = NEXT(fixture, 1, YIELD, yield);
    assert_int_equal(yield.session, 5);
    SAY_RIGHT(fixture, 1, REFUSED, refused, .request = yield.request, .session = 5);
    (void)expect_claimed(fixture, 2, second, LINK_CLAIM_BUSY);
    (void)expect_claimed(fixture, 1, third, LINK_CLAIM_BUSY);
    assert_silent(fixture);
}

static void more_claims_than_may_wait_are_busy(void **state)
{
    struct fixture *fixture = *state;
    (void)claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW);
    for (uint64_t i = 0; i < CLAIMS_WAITING_MAX; i++) {
        (void)say_claim(fixture, 1, 10 + i, KEY);
    }
    assert_int_equal(fake_waiting(fixture->peers[1]), 0);
    (void)claim(fixture, 1, 99, KEY, LINK_CLAIM_BUSY);
}

/* ---- the cut ---- */

static void expect_individual(struct fixture *fixture, size_t at, uint64_t session,
                              uint32_t subscription, const char *destination)
{
    struct link_delivered delivered = NEXT(fixture, at, DELIVERED, delivered);
    uint64_t found = 0;
    uint32_t number = 0;
    assert_int_equal(delivered.groups.len, 0);
    assert_true(link_next_individual(&delivered.individuals, &found, &number));
    assert_int_equal(delivered.individuals.len, 0);
    assert_int_equal(found, session);
    assert_int_equal(number, subscription);
    assert_true(str_equal(delivered.message.destination, str_of(destination)));
}

/* Number of what its holder, peer 0, has been written at the time of YIELD. */
static struct link_yield start_move(struct fixture *fixture, uint64_t *out_number)
{
    (void)claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW);
    (void)claim(fixture, 2, 1, STR(""), LINK_CLAIM_NEW);
    (void)subscribe(fixture, 0, 1, 1, "/topic/a");
    (void)subscribe(fixture, 0, 1, 2, "/topic/*");
    publish(fixture, 2, 1, "/topic/before");
    (void)delivered_group(fixture, 0);
    (void)say_claim(fixture, 1, 5, KEY);
    *out_number = fixture->peers[0]->peer.written;
    return NEXT(fixture, 0, YIELD, yield);
}

static void what_the_old_holder_has_not_handled_comes_to_the_new_one_in_order(void **state)
{
    struct fixture *fixture = *state;
    uint64_t number;
    struct link_yield yield = start_move(fixture, &number);
    publish(fixture, 2, 1, "/topic/b");
    (void)delivered_group(fixture, 0);
    SAY_RIGHT(fixture, 0, PUBLISH, publish, .request = 77, .session = 1,
              .message = {.destination = STR("/else"), .body = STR("hi")});
    (void)NEXT(fixture, 0, PUBLISHED, published);
    (void)subscribe(fixture, 0, 1, 3, "/topic/c");
    publish(fixture, 2, 1, "/topic/c");
    (void)NEXT(fixture, 0, DELIVERED, delivered);
    SAY_RIGHT(fixture, 0, YIELDED, yielded, .request = yield.request, .session = 1,
              .number = number + 1); /* YIELD, and the first of these */
    assert_int_equal(NEXT(fixture, 1, CLAIMED, claimed).result, LINK_CLAIM_MOVED);
    assert_int_equal(NEXT(fixture, 1, PUBLISHED, published).request, 77);
    struct link_subscribed answer = NEXT(fixture, 1, SUBSCRIBED, subscribed);
    assert_true(answer.request == 1 && answer.subscription == 3 && answer.group == 0);
    struct link_delivered both = NEXT(fixture, 1, DELIVERED, delivered);
    assert_int_equal(both.individuals.len, 24); /* by name and by pattern */
    for (uint32_t i = 1; i <= 3; i++) {
        struct link_subscribed joined = NEXT(fixture, 1, SUBSCRIBED, subscribed);
        assert_true(joined.request == 0 && joined.subscription == i && joined.group != 0);
    }
    SAY_RIGHT(fixture, 1, ATTACH, attach, .session = 5);
    assert_int_equal(NEXT(fixture, 0, GONE, gone).session, 1);
    publish(fixture, 2, 1, "/topic/a");
    assert_int_equal(NEXT(fixture, 1, DELIVERED, delivered).groups.len, 8);
    assert_silent(fixture);
}

static void a_refusal_leaves_nothing_to_be_told_twice(void **state)
{
    struct fixture *fixture = *state;
    uint64_t number;
    struct link_yield yield = start_move(fixture, &number);
    publish(fixture, 2, 1, "/topic/b");
    (void)delivered_group(fixture, 0);
    SAY_RIGHT(fixture, 0, REFUSED, refused, .request = yield.request, .session = 1);
    assert_int_equal(NEXT(fixture, 1, CLAIMED, claimed).result, LINK_CLAIM_BUSY);
    (void)say_claim(fixture, 1, 6, KEY);
    yield = NEXT(fixture, 0, YIELD, yield);
    SAY_RIGHT(fixture, 0, YIELDED, yielded, .request = yield.request, .session = 1,
              .number = fixture->peers[0]->peer.written);
    assert_int_equal(NEXT(fixture, 1, CLAIMED, claimed).result, LINK_CLAIM_MOVED);
    assert_int_equal(NEXT(fixture, 1, SUBSCRIBED, subscribed).subscription, 1);
    assert_int_equal(NEXT(fixture, 1, SUBSCRIBED, subscribed).subscription, 2);
    assert_silent(fixture);
}

static void a_new_holder_that_dies_at_once_loses_nothing(void **state)
{
    struct fixture *fixture = *state;
    uint64_t number;
    struct link_yield yield = start_move(fixture, &number);
    publish(fixture, 2, 1, "/topic/b");
    (void)delivered_group(fixture, 0);
    SAY_RIGHT(fixture, 0, YIELDED, yielded, .request = yield.request, .session = 1,
              .number = number, .checkpoint = STR("rest"), .unsent = STR("later"));
    publish(fixture, 2, 1, "/topic/c"); /* the new holder has it by its group */
    lose(fixture, 1);
    publish(fixture, 2, 1, "/topic/d");
    struct link_claimed moved = claim(fixture, 2, 9, KEY, LINK_CLAIM_MOVED);
    assert_true(str_equal(moved.checkpoint, STR("rest")));
    assert_true(str_equal(moved.unsent, STR("later")));
    assert_int_equal(moved.moves, 2);
    expect_individual(fixture, 2, 9, 2, "/topic/b");
    expect_individual(fixture, 2, 9, 2, "/topic/c");
    expect_individual(fixture, 2, 9, 2, "/topic/d");
    assert_int_equal(NEXT(fixture, 2, SUBSCRIBED, subscribed).subscription, 1);
}

static void an_offered_session_waits_for_whoever_claims_it(void **state)
{
    struct fixture *fixture = *state;
    (void)claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW);
    SAY_RIGHT(fixture, 0, OFFER, offer, .session = 1);
    struct link_yield yield = NEXT(fixture, 0, YIELD, yield);
    SAY_RIGHT(fixture, 0, OFFER, offer, .session = 1);
    SAY_RIGHT(fixture, 0, YIELDED, yielded, .request = yield.request, .session = 1,
              .checkpoint = STR("rest"), .unsent = STR("later"));
    assert_silent(fixture);
    lose(fixture, 0);
    struct link_claimed moved = claim(fixture, 1, 5, KEY, LINK_CLAIM_MOVED);
    assert_true(str_equal(moved.unsent, STR("later")));
}

static void claims_that_wait_get_the_close_of_a_session_that_ends(void **state)
{
    struct fixture *fixture = *state;
    (void)claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW);
    uint64_t request = say_claim(fixture, 1, 5, KEY);
    struct link_yield yield = NEXT(fixture, 0, YIELD, yield);
    SAY_RIGHT(fixture, 0, DROP_SESSION, drop_session, .session = 1, .code = 1000,
              .reason = STR("Bye"), .remember_ms = LONG_MS);
    struct link_claimed closed = expect_claimed(fixture, 1, request, LINK_CLAIM_CLOSED);
    assert_true(closed.code == 1000 && str_equal(closed.reason, STR("Bye")));
    SAY_RIGHT(fixture, 0, YIELDED, yielded, .request = yield.request, .session = 1);
    assert_silent(fixture);
    (void)claim(fixture, 2, 1, KEY, LINK_CLAIM_CLOSED);
}

static void answers_nobody_waits_for_are_ignored(void **state)
{
    struct fixture *fixture = *state;
    (void)claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW);
    SAY_RIGHT(fixture, 0, YIELDED, yielded, .request = 1, .session = 1);
    SAY_RIGHT(fixture, 0, REFUSED, refused, .request = 1, .session = 1);
    uint64_t request = say_claim(fixture, 1, 5, KEY);
    struct link_yield yield = NEXT(fixture, 0, YIELD, yield);
    SAY_RIGHT(fixture, 0, YIELDED, yielded, .request = yield.request + 1, .session = 1);
    SAY_RIGHT(fixture, 0, REFUSED, refused, .request = yield.request + 1, .session = 1);
    assert_silent(fixture);
    SAY_RIGHT(fixture, 0, YIELDED, yielded, .request = yield.request, .session = 1);
    (void)expect_claimed(fixture, 1, request, LINK_CLAIM_MOVED);
    SAY_RIGHT(fixture, 0, YIELDED, yielded, .request = yield.request, .session = 1);
    assert_silent(fixture);
}

static void a_session_yielded_to_a_gateway_that_has_gone_waits_for_the_next(void **state)
{
    struct fixture *fixture = *state;
    (void)claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW);
    (void)say_claim(fixture, 1, 5, KEY);
    struct link_yield yield = NEXT(fixture, 0, YIELD, yield);
    lose(fixture, 1);
    SAY_RIGHT(fixture, 0, YIELDED, yielded, .request = yield.request, .session = 1,
              .checkpoint = STR("rest"), .unsent = STR("later"));
    struct link_claimed moved = claim(fixture, 2, 1, KEY, LINK_CLAIM_MOVED);
    assert_true(str_equal(moved.checkpoint, STR("rest")));
    assert_true(str_equal(moved.unsent, STR("later")));
}

/* ---- relay ---- */

static void relay(struct fixture *fixture, size_t at, uint64_t number, const char *body)
{
    SAY_RIGHT(fixture, at, RELAY, relay, .request = 100 + number, .key = KEY, .relay = number,
              .body = str_of(body));
}

static void expect_relayed(struct fixture *fixture, size_t at, uint64_t session, uint64_t number,
                           const char *body)
{
    struct link_relayed relayed = NEXT(fixture, at, RELAYED, relayed);
    assert_true(relayed.session == session && relayed.relay == number);
    assert_true(str_equal(relayed.body, str_of(body)));
}

static void expect_relay_done(struct fixture *fixture, size_t at, uint64_t number,
                              enum link_result result)
{
    struct link_relay_done done = NEXT(fixture, at, RELAY_DONE, relay_done);
    assert_int_equal(done.request, 100 + number);
    assert_int_equal(done.result, result);
}

static void a_relay_is_done_when_its_holder_has_checkpointed_it(void **state)
{
    struct fixture *fixture = *state;
    (void)claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW);
    relay(fixture, 1, 7, "body");
    relay(fixture, 1, 8, "");
    expect_relayed(fixture, 0, 1, 7, "body");
    expect_relayed(fixture, 0, 1, 8, "");
    assert_silent(fixture);
    SAY_RIGHT(fixture, 0, CHECKPOINT, checkpoint, .request = 1, .session = 1, .relay = 7);
    expect_relay_done(fixture, 1, 7, LINK_OK);
    assert_int_equal(NEXT(fixture, 0, CHECKPOINTED, checkpointed).result, LINK_OK);
    SAY_RIGHT(fixture, 0, CHECKPOINT, checkpoint, .session = 1, .relay = 8);
    expect_relay_done(fixture, 1, 8, LINK_OK);
    SAY_RIGHT(fixture, 0, CHECKPOINT, checkpoint, .session = 1, .relay = 8);
    assert_silent(fixture);
}

static void a_relay_to_nobody_or_by_another_user_is_absent(void **state)
{
    struct fixture *fixture = *state;
    relay(fixture, 1, 7, "body");
    expect_relay_done(fixture, 1, 7, LINK_ABSENT);
    (void)claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW);
    SAY_RIGHT(fixture, 1, RELAY, relay, .request = 108, .key = KEY, .relay = 8, .user = STR("eve"));
    expect_relay_done(fixture, 1, 8, LINK_ABSENT);
    relay(fixture, 1, 9, "body");
    expect_relayed(fixture, 0, 1, 9, "body");
    SAY_RIGHT(fixture, 0, DROP_SESSION, drop_session, .session = 1);
    expect_relay_done(fixture, 1, 9, LINK_ABSENT);
    assert_silent(fixture);
}

static void relays_wait_during_a_yield_and_go_to_whoever_holds_it_then(void **state)
{
    struct fixture *fixture = *state;
    (void)claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW);
    uint64_t request = say_claim(fixture, 1, 5, KEY);
    struct link_yield yield = NEXT(fixture, 0, YIELD, yield);
    relay(fixture, 2, 7, "one");
    assert_silent(fixture);
    SAY_RIGHT(fixture, 0, REFUSED, refused, .request = yield.request, .session = 1);
    (void)expect_claimed(fixture, 1, request, LINK_CLAIM_BUSY);
    expect_relayed(fixture, 0, 1, 7, "one");

    request = say_claim(fixture, 1, 6, KEY);
    yield = NEXT(fixture, 0, YIELD, yield);
    relay(fixture, 2, 8, "two");
    SAY_RIGHT(fixture, 0, YIELDED, yielded, .request = yield.request, .session = 1);
    (void)expect_claimed(fixture, 1, request, LINK_CLAIM_MOVED);
    expect_relayed(fixture, 1, 6, 7, "one"); /* not checkpointed: once more, under its number */
    expect_relayed(fixture, 1, 6, 8, "two");
    SAY_RIGHT(fixture, 1, CHECKPOINT, checkpoint, .session = 6, .relay = 7);
    expect_relay_done(fixture, 2, 7, LINK_OK);
    assert_silent(fixture);
}

static void a_repeated_relay_takes_its_earlier_place(void **state)
{
    struct fixture *fixture = *state;
    (void)claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW);
    relay(fixture, 1, 7, "body");
    expect_relayed(fixture, 0, 1, 7, "body");
    lose(fixture, 1);
    link_again(fixture, 1);
    SAY_RIGHT(fixture, 1, RELAY, relay, .request = 900, .key = KEY, .relay = 7,
              .body = STR("body"));
    assert_silent(fixture);
    SAY_RIGHT(fixture, 0, CHECKPOINT, checkpoint, .session = 1, .relay = 7);
    assert_int_equal(NEXT(fixture, 1, RELAY_DONE, relay_done).request, 900);
    assert_silent(fixture);
}

static void relays_of_a_lost_holder_go_to_the_next(void **state)
{
    struct fixture *fixture = *state;
    (void)claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW);
    relay(fixture, 1, 7, "one");
    expect_relayed(fixture, 0, 1, 7, "one");
    lose(fixture, 0);
    (void)NEXT(fixture, fake_waiting(fixture->peers[1]) > 0 ? 1 : 2, ADOPT, adopt);
    relay(fixture, 1, 8, "two");
    assert_silent(fixture);
    (void)claim(fixture, 2, 4, KEY, LINK_CLAIM_MOVED);
    expect_relayed(fixture, 2, 4, 7, "one");
    expect_relayed(fixture, 2, 4, 8, "two");
}

static void relays_of_one_session_are_limited(void **state)
{
    struct fixture *fixture = *state;
    (void)claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW);
    for (uint64_t i = 1; i <= RELAYS_PER_SESSION_MAX; i++) {
        relay(fixture, 1, i, "body");
        expect_relayed(fixture, 0, 1, i, "body");
    }
    relay(fixture, 1, 99, "body");
    expect_relay_done(fixture, 1, 99, LINK_LIMIT);
    SAY_RIGHT(fixture, 0, CHECKPOINT, checkpoint, .session = 1, .relay = 1);
    expect_relay_done(fixture, 1, 1, LINK_OK);
    relay(fixture, 1, 99, "body");
    expect_relayed(fixture, 0, 1, 99, "body");
}

/* ---- loss and restore ---- */

static void a_claim_that_waits_gets_the_session_of_a_lost_holder(void **state)
{
    struct fixture *fixture = *state;
    (void)claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW);
    uint64_t request = say_claim(fixture, 1, 5, KEY);
    (void)NEXT(fixture, 0, YIELD, yield);
    lose(fixture, 0);
    (void)expect_claimed(fixture, 1, request, LINK_CLAIM_MOVED);
    assert_silent(fixture);
}

static void sessions_that_cannot_be_found_again_end_with_their_gateway(void **state)
{
    struct fixture *fixture = *state;
    SAY_RIGHT(fixture, 0, CLAIM, claim, .request = 1, .session = 1, .key = STR("ws"),
              .family = LINK_FAMILY_WEBSOCKET);
    (void)expect_claimed(fixture, 0, 1, LINK_CLAIM_NEW);
    (void)claim(fixture, 0, 2, STR(""), LINK_CLAIM_NEW);
    (void)claim(fixture, 0, 3, KEY, LINK_CLAIM_NEW);
    lose(fixture, 0);
    assert_int_equal(fixture->core.sessions.count, 1);
    assert_int_equal(fixture->core.stats.sessions_parked, 1);
    (void)claim(fixture, 1, 1, STR("ws"), LINK_CLAIM_NEW);
}

static void a_parked_session_ends_in_its_time(void **state)
{
    struct fixture *fixture = *state;
    SAY_RIGHT(fixture, 0, CLAIM, claim, .request = 1, .session = 1, .key = KEY,
              .family = LINK_FAMILY_XHR, .expire_ms = 1);
    (void)expect_claimed(fixture, 0, 1, LINK_CLAIM_NEW);
    lose(fixture, 0);
    relay(fixture, 1, 7, "body");
    (void)NEXT(fixture, 1, ADOPT, adopt);
    run(fixture);
    expect_relay_done(fixture, 1, 7, LINK_ABSENT);
    assert_int_equal(fixture->core.stats.sessions_expired, 1);
    (void)claim(fixture, 1, 1, KEY, LINK_CLAIM_NEW);
}

static struct buf restored_subscriptions(const char *const *destinations, size_t count)
{
    struct buf block = {NULL, 0, 0};
    for (size_t i = 0; i < count; i++) {
        link_put_restored_subscription(
            &block, &(struct link_restored_subscription){.subscription = (uint32_t)i + 1,
                                                         .destination = str_of(destinations[i])});
    }
    return block;
}

static void a_restored_session_gets_its_groups_in_order(void **state)
{
    struct fixture *fixture = *state;
    static const char *const destinations[] = {"/topic/a", "", "/topic/b"};
    struct buf block = restored_subscriptions(destinations, 3);
    SAY_RIGHT(fixture, 0, RESTORE, restore, .session = 4, .key = KEY, .name = STR("n4me"),
              .family = LINK_FAMILY_XHR, .expire_ms = LONG_MS, .hold = LINK_HOLD_ATTACHED,
              .subscriptions = buf_str(&block));
    SAY_RIGHT(fixture, 0, RESTORE_END, restore_end, .sessions = 1);
    struct link_restored restored = NEXT(fixture, 0, RESTORED, restored);
    assert_int_equal(restored.session, 4);
    assert_int_equal(restored.groups.len, 12);
    assert_memory_equal(restored.groups.at, "\0\0\0\1\0\0\0\0\0\0\0\2", 12);
    assert_int_equal(NEXT(fixture, 0, RESTORED, restored).session, 0); /* nothing is held */
    publish(fixture, 0, 4, "/topic/b");
    assert_int_equal(delivered_group(fixture, 0), 2);
    uint64_t request = say_claim(fixture, 1, 1, KEY);
    struct link_yield yield = NEXT(fixture, 0, YIELD, yield);
    SAY_RIGHT(fixture, 0, YIELDED, yielded, .request = yield.request, .session = 4);
    assert_true(str_equal(expect_claimed(fixture, 1, request, LINK_CLAIM_MOVED).name, STR("n4me")));
    buf_finish(&block);
}

static void a_restored_session_without_receiver_expires(void **state)
{
    struct fixture *fixture = *state;
    SAY_RIGHT(fixture, 0, RESTORE, restore, .session = 4, .key = KEY, .name = STR("n"),
              .family = LINK_FAMILY_XHR, .expire_ms = 1);
    (void)NEXT(fixture, 0, RESTORED, restored);
    run(fixture);
    assert_int_equal(NEXT(fixture, 0, EXPIRE, expire).session, 4);
}

static void a_restore_finds_its_parked_session(void **state)
{
    struct fixture *fixture = *state;
    static const char *const destinations[] = {"/topic/b"};
    struct buf block = restored_subscriptions(destinations, 1);
    (void)claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW);
    (void)subscribe(fixture, 0, 1, 1, "/topic/a");
    lose(fixture, 0);
    relay(fixture, 1, 7, "body");
    (void)NEXT(fixture, 1, ADOPT, adopt);
    link_again(fixture, 0);
    SAY_RIGHT(fixture, 0, RESTORE, restore, .session = 1, .key = KEY, .name = STR("n"),
              .family = LINK_FAMILY_XHR, .expire_ms = LONG_MS, .hold = LINK_HOLD_ATTACHED,
              .number = fixture->peers[0]->peer.written, .subscriptions = buf_str(&block));
    assert_int_equal(NEXT(fixture, 0, RESTORED, restored).groups.len, 4);
    expect_relayed(fixture, 0, 1, 7, "body");
    publish(fixture, 0, 1, "/topic/a");
    assert_silent(fixture);
    publish(fixture, 0, 1, "/topic/b");
    assert_int_equal(delivered_group(fixture, 0), 1);
    buf_finish(&block);
}

static void of_two_that_restore_a_session_the_later_holder_has_it(void **state)
{
    struct fixture *fixture = *state;
    static const char *const destinations[] = {"/topic/a"};
    struct buf block = restored_subscriptions(destinations, 1);
    (void)claim(fixture, 2, 1, STR(""), LINK_CLAIM_NEW);
    SAY_RIGHT(fixture, 0, RESTORE, restore, .session = 1, .key = KEY, .name = STR("n"),
              .family = LINK_FAMILY_XHR, .expire_ms = LONG_MS, .moves = 3,
              .hold = LINK_HOLD_YIELDED, .subscriptions = buf_str(&block));
    (void)NEXT(fixture, 0, RESTORED, restored);
    publish(fixture, 2, 1, "/topic/a"); /* noted: the one who yielded it listens no more */
    (void)delivered_group(fixture, 0);
    SAY_RIGHT(fixture, 1, RESTORE, restore, .session = 5, .key = KEY, .name = STR("n"),
              .family = LINK_FAMILY_XHR, .expire_ms = LONG_MS, .moves = 4, .number = 1000,
              .hold = LINK_HOLD_ATTACHED, .subscriptions = buf_str(&block));
    assert_int_equal(NEXT(fixture, 0, GONE, gone).session, 1);
    (void)NEXT(fixture, 1, RESTORED, restored);
    expect_individual(fixture, 1, 5, 1, "/topic/a");
    assert_silent(fixture);
    SAY_RIGHT(fixture, 0, RESTORE, restore, .session = 2, .key = KEY, .name = STR("n"),
              .family = LINK_FAMILY_XHR, .expire_ms = LONG_MS, .moves = 3,
              .hold = LINK_HOLD_YIELDED);
    assert_int_equal(NEXT(fixture, 0, GONE, gone).session, 2);
    buf_finish(&block);
}

static void a_session_restored_as_yielded_is_yielded_unasked(void **state)
{
    struct fixture *fixture = *state;
    SAY_RIGHT(fixture, 0, RESTORE, restore, .session = 1, .key = KEY, .name = STR("n"),
              .family = LINK_FAMILY_XHR, .expire_ms = LONG_MS, .hold = LINK_HOLD_YIELDED);
    (void)NEXT(fixture, 0, RESTORED, restored);
    uint64_t request = say_claim(fixture, 0, 2, KEY); /* its client is back at the same gateway */
    assert_silent(fixture);
    SAY_RIGHT(fixture, 0, YIELDED, yielded, .session = 1, .unsent = STR("later"));
    struct link_claimed moved = expect_claimed(fixture, 0, request, LINK_CLAIM_MOVED);
    assert_true(moved.session == 2 && str_equal(moved.unsent, STR("later")));
}

/* ---- bodies ---- */

static void what_a_body_said_is_handled_with_its_mark_or_not_at_all(void **state)
{
    struct fixture *fixture = *state;
    struct buf messages = {NULL, 0, 0};
    struct buf body = {NULL, 0, 0};
    (void)claim(fixture, 0, 1, KEY, LINK_CLAIM_NEW);
    link_put_subscribe(
        &body, &(struct link_subscribe){
                   .request = 8, .session = 1, .subscription = 1, .destination = STR("/topic/a")});
    link_put_message(&messages, LINK_SUBSCRIBE, buf_str(&body));
    body.len = 0;
    link_put_publish(
        &body,
        &(struct link_publish){.request = 9, .session = 1, .message.destination = STR("/topic/a")});
    link_put_message(&messages, LINK_PUBLISH, buf_str(&body));
    SAY_RIGHT(fixture, 0, CHECKPOINT, checkpoint, .request = 10, .session = 1,
              .messages = buf_str(&messages), .state = STR("rest"));
    assert_int_equal(NEXT(fixture, 0, SUBSCRIBED, subscribed).request, 8);
    (void)delivered_group(fixture, 0);
    assert_int_equal(NEXT(fixture, 0, PUBLISHED, published).request, 9);
    assert_int_equal(NEXT(fixture, 0, CHECKPOINTED, checkpointed).request, 10);
    SAY_RIGHT(fixture, 0, DROP_SESSION, drop_session, .session = 1);
    SAY_RIGHT(fixture, 0, CHECKPOINT, checkpoint, .request = 11, .session = 1,
              .messages = buf_str(&messages));
    assert_int_equal(NEXT(fixture, 0, SUBSCRIBED, subscribed).result, LINK_ABSENT);
    assert_int_equal(NEXT(fixture, 0, PUBLISHED, published).result, LINK_ABSENT);
    assert_int_equal(NEXT(fixture, 0, CHECKPOINTED, checkpointed).result, LINK_ABSENT);
    assert_silent(fixture);
    buf_finish(&messages);
    buf_finish(&body);
}

static void a_restore_that_comes_too_late_is_gone(void **state)
{
    struct fixture *fixture = *state;
    struct str reason;
    (void)claim(fixture, 1, 1, KEY, LINK_CLAIM_NEW);
    (void)claim(fixture, 1, 2, STR("ended"), LINK_CLAIM_NEW);
    SAY_RIGHT(fixture, 1, DROP_SESSION, drop_session, .session = 2, .remember_ms = LONG_MS);
    for (uint64_t i = 3; i <= SESSIONS_MAX + 1; i++) {
        const struct {
            struct str key;
            struct str name;
            struct str reason;
        } cases[] = {
            {KEY, STR("n"), STR("it was claimed elsewhere")},
            {STR("ended"), STR("n"), STR("it has ended")},
            {STR("new"), STR(""), STR("it was never claimed")},
        };
        SAY_RIGHT(fixture, 0, RESTORE, restore, .session = i, .key = cases[i - 3].key,
                  .name = cases[i - 3].name);
        struct link_gone gone = NEXT(fixture, 0, GONE, gone);
        reason = gone.reason;
        assert_int_equal(gone.session, i);
        assert_true(str_equal(reason, cases[i - 3].reason));
    }
    for (uint64_t i = 3; i <= SESSIONS_MAX + 1; i++) {
        (void)claim(fixture, 1, i, STR(""), LINK_CLAIM_NEW);
    }
    SAY_RIGHT(fixture, 0, RESTORE, restore, .session = 9, .name = STR("n"));
    reason = NEXT(fixture, 0, GONE, gone).reason;
    assert_true(str_equal(reason, STR("broker.sessions is reached")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CORE_TEST(a_claim_elsewhere_is_busy_when_the_holder_refuses),
        CORE_TEST(a_yielded_session_moves_with_checkpoint_unsent_and_subscriptions),
        CORE_TEST(claims_that_wait_are_judged_one_after_the_other),
        CORE_TEST(more_claims_than_may_wait_are_busy),
        CORE_TEST(claims_that_wait_get_the_close_of_a_session_that_ends),
        CORE_TEST(answers_nobody_waits_for_are_ignored),
        CORE_TEST(a_session_yielded_to_a_gateway_that_has_gone_waits_for_the_next),
        CORE_TEST(a_relay_is_done_when_its_holder_has_checkpointed_it),
        CORE_TEST(a_relay_to_nobody_or_by_another_user_is_absent),
        CORE_TEST(relays_wait_during_a_yield_and_go_to_whoever_holds_it_then),
        CORE_TEST(a_repeated_relay_takes_its_earlier_place),
        CORE_TEST(relays_of_a_lost_holder_go_to_the_next),
        CORE_TEST(relays_of_one_session_are_limited),
        CORE_TEST(a_claim_that_waits_gets_the_session_of_a_lost_holder),
        CORE_TEST(sessions_that_cannot_be_found_again_end_with_their_gateway),
        CORE_TEST(a_parked_session_ends_in_its_time),
        CORE_TEST(a_restored_session_gets_its_groups_in_order),
        CORE_TEST(a_restored_session_without_receiver_expires),
        CORE_TEST(a_restore_finds_its_parked_session),
        CORE_TEST(a_restore_that_comes_too_late_is_gone),
        CORE_TEST(what_the_old_holder_has_not_handled_comes_to_the_new_one_in_order),
        CORE_TEST(a_refusal_leaves_nothing_to_be_told_twice),
        CORE_TEST(a_new_holder_that_dies_at_once_loses_nothing),
        CORE_TEST(an_offered_session_waits_for_whoever_claims_it),
        CORE_TEST(of_two_that_restore_a_session_the_later_holder_has_it),
        CORE_TEST(a_session_restored_as_yielded_is_yielded_unasked),
        CORE_TEST(what_a_body_said_is_handled_with_its_mark_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
