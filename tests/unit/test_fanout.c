/* SPDX-License-Identifier: MIT
 *
 * Fan-out: one DELIVERED for each gateway, whoever of its subscribers it is for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broker/fanout.h"
#include "tests/unit/fake_peer.h"

#define SUBSCRIPTIONS_MAX 8

struct fixture {
    struct subscriptions index;
    struct stats stats;
    struct fanout fanout;
    struct fake_peer *a;
    struct fake_peer *b;
    struct destination *destinations[SUBSCRIPTIONS_MAX];
    struct group *groups[SUBSCRIPTIONS_MAX];
    size_t count;
};

static int setup(void **state)
{
    struct fixture *fixture = mem_zalloc(sizeof(*fixture));
    subscriptions_init(&fixture->index, '/');
    fanout_init(&fixture->fanout, &fixture->index, &fixture->stats);
    fixture->a = fake_peer_create();
    fixture->b = fake_peer_create();
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < fixture->count; i++) {
        subscriptions_leave(&fixture->index, fixture->groups[i]);
        subscriptions_release(&fixture->index, fixture->destinations[i]);
    }
    subscriptions_finish(&fixture->index);
    peer_finish(&fixture->a->peer);
    peer_finish(&fixture->b->peer);
    fake_peer_destroy(fixture->a);
    fake_peer_destroy(fixture->b);
    mem_free(fixture);
    return 0;
}

static uint32_t subscribe(struct fixture *fixture, struct fake_peer *peer, const char *name)
{
    const char *reason;
    size_t at = fixture->count++;
    assert_true(at < SUBSCRIPTIONS_MAX);
    fixture->destinations[at] = subscriptions_intern(&fixture->index, str_of(name), &reason);
    fixture->groups[at] =
        subscriptions_join(&fixture->index, fixture->destinations[at], &peer->peer);
    return fixture->groups[at]->number;
}

static void publish(struct fixture *fixture, struct fake_peer *from, uint64_t request,
                    const char *destination)
{
    struct buf body = {NULL, 0, 0};
    struct link_publish publish = {
        .request = request,
        .session = 7,
        .message = {.id = STR("m-1"), .destination = str_of(destination), .body = STR("hi")}};
    link_put_publish(&body, &publish);
    assert_int_equal(link_get_publish(buf_str(&body), &publish), 0);
    fanout_publish(&fixture->fanout, &from->peer, &publish);
    buf_finish(&body);
}

static bool has_group(struct str groups, uint32_t wanted)
{
    uint32_t group;
    while (link_next_u32(&groups, &group)) {
        if (group == wanted) {
            return true;
        }
    }
    return false;
}

static void each_gateway_gets_one_message_with_its_groups(void **state)
{
    struct fixture *fixture = *state;
    uint32_t exact = subscribe(fixture, fixture->a, "/topic/a");
    uint32_t pattern = subscribe(fixture, fixture->a, "/topic/*");
    (void)subscribe(fixture, fixture->a, "/topic/a"); /* another of the same group */
    (void)subscribe(fixture, fixture->a, "/topic/b");
    uint32_t other = subscribe(fixture, fixture->b, "/topic/**");

    publish(fixture, fixture->b, 0, "/topic/a");

    struct link_delivered at_a = FAKE_TAKE(fixture->a, DELIVERED, delivered);
    assert_int_equal(at_a.groups.len, 2 * sizeof(uint32_t));
    assert_true(has_group(at_a.groups, exact) && has_group(at_a.groups, pattern));
    assert_true(str_equal(at_a.message.body, STR("hi")));
    assert_true(str_equal(at_a.message.id, STR("m-1")));
    struct link_delivered at_b = FAKE_TAKE(fixture->b, DELIVERED, delivered);
    assert_int_equal(at_b.groups.len, sizeof(uint32_t));
    assert_true(has_group(at_b.groups, other));
    assert_int_equal(fake_waiting(fixture->a), 0);
    assert_int_equal(fake_waiting(fixture->b), 0);
    assert_true(fixture->stats.published == 1 && fixture->stats.deliveries == 2);
    assert_int_equal(fixture->stats.delivered_groups, 3);
}

static void the_answer_follows_the_deliveries(void **state)
{
    struct fixture *fixture = *state;
    (void)subscribe(fixture, fixture->a, "/topic/a");
    publish(fixture, fixture->a, 5, "/topic/a");
    (void)FAKE_TAKE(fixture->a, DELIVERED, delivered);
    struct link_published answer = FAKE_TAKE(fixture->a, PUBLISHED, published);
    assert_true(answer.request == 5 && answer.session == 7 && answer.result == LINK_OK);
}

static void without_request_there_is_no_answer(void **state)
{
    struct fixture *fixture = *state;
    publish(fixture, fixture->a, 0, "/topic/nobody");
    assert_int_equal(fake_waiting(fixture->a), 0);
}

static void a_message_nobody_wants_is_accepted(void **state)
{
    struct fixture *fixture = *state;
    publish(fixture, fixture->a, 6, "/topic/nobody");
    assert_int_equal(FAKE_TAKE(fixture->a, PUBLISHED, published).result, LINK_OK);
    assert_int_equal(fixture->stats.deliveries, 0);
}

static void messages_of_one_gateway_keep_their_order(void **state)
{
    struct fixture *fixture = *state;
    (void)subscribe(fixture, fixture->b, "/topic/*");
    publish(fixture, fixture->a, 0, "/topic/1");
    publish(fixture, fixture->a, 0, "/topic/2");
    struct link_delivered first = FAKE_TAKE(fixture->b, DELIVERED, delivered);
    struct link_delivered second = FAKE_TAKE(fixture->b, DELIVERED, delivered);
    assert_true(str_equal(first.message.destination, STR("/topic/1")));
    assert_true(str_equal(second.message.destination, STR("/topic/2")));
}

/* Straight to fanout_publish(): raw bytes of that length, at the limit and one beyond. */
static void a_message_longer_than_a_delivery_can_carry_is_refused(void **state)
{
    struct fixture *fixture = *state;
    char *bytes = mem_zalloc(FANOUT_MESSAGE_BYTES_MAX + 1);
    struct link_publish publish = {
        .request = 1,
        .message = {.raw = {bytes, FANOUT_MESSAGE_BYTES_MAX}, .destination = STR("/topic/a")}};
    fanout_publish(&fixture->fanout, &fixture->a->peer, &publish);
    assert_int_equal(FAKE_TAKE(fixture->a, PUBLISHED, published).result, LINK_OK);
    publish.message.raw.len++;
    fanout_publish(&fixture->fanout, &fixture->a->peer, &publish);
    assert_int_equal(FAKE_TAKE(fixture->a, PUBLISHED, published).result, LINK_LIMIT);
    assert_int_equal(fixture->stats.published, 1);
    mem_free(bytes);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(each_gateway_gets_one_message_with_its_groups),
        TEST(the_answer_follows_the_deliveries),
        TEST(without_request_there_is_no_answer),
        TEST(a_message_nobody_wants_is_accepted),
        TEST(messages_of_one_gateway_keep_their_order),
        TEST(a_message_longer_than_a_delivery_can_carry_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
