/* SPDX-License-Identifier: MIT
 *
 * Fan-out inside a gateway: groups, shapes, and members that vanish while a message is delivered.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "common/mem.h"
#include "common/wire.h"
#include "gateway/delivery.h"
#include "gateway/stats.h"

#define MEMBERS 5

struct member {
    struct service_host host;
    struct delivery_seat seat;
    struct delivery_shape *shape;
    struct shared_frame *last;
    unsigned frames;
    struct member *kills; /* leaves the group inside the send */
};

struct fixture {
    struct stats stats;
    struct delivery *delivery;
    struct member members[MEMBERS];
};

static struct fixture fixture;

static void take_frame(void *host, struct shared_frame *frame)
{
    struct member *member = host;
    member->frames++;
    shared_frame_release(member->last);
    member->last = shared_frame_share(frame);
    if (member->kills != NULL) {
        delivery_leave(fixture.delivery, &member->kills->seat);
    }
}

static const struct service_host_ops host_ops = {.send = take_frame};

static int set_up(void **state)
{
    (void)state;
    memset(&fixture, 0, sizeof fixture);
    fixture.delivery = delivery_create(&fixture.stats);
    for (size_t i = 0; i < MEMBERS; i++) {
        fixture.members[i].host =
            (struct service_host){.ops = &host_ops, .data = &fixture.members[i]};
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEMBERS; i++) {
        struct member *member = &fixture.members[i];
        delivery_leave(fixture.delivery, &member->seat);
        if (member->shape != NULL) {
            delivery_shape_release(fixture.delivery, member->shape);
        }
        shared_frame_release(member->last);
    }
    delivery_destroy(fixture.delivery);
    return 0;
}

static void join(size_t at, uint32_t group, enum stomp_version version, struct str id)
{
    struct member *member = &fixture.members[at];
    member->shape = delivery_shape_share(fixture.delivery, version, id, false);
    delivery_join(fixture.delivery, group, &member->seat, &member->host, member->shape);
}

static void deliver(const uint32_t *numbers, size_t count)
{
    struct buf groups = {0};
    struct buf headers = {0};
    for (size_t i = 0; i < count; i++) {
        wire_put_u32(&groups, numbers[i]);
    }
    link_put_header(&headers, STR("b"), STR("one:two"));
    link_put_header(&headers, STR("content-type"), STR("text/plain"));
    const struct link_delivered delivered = {
        .groups = buf_str(&groups),
        .message = {.id = STR("m-1"),
                    .destination = STR("/topic/a"),
                    .headers = buf_str(&headers),
                    .body = STR("hi")},
    };
    delivery_deliver(fixture.delivery, &delivered);
    buf_finish(&groups);
    buf_finish(&headers);
}

static void assert_frame(size_t at, const char *text)
{
    const struct payload *raw = fixture.members[at].last->raw;
    assert_int_equal(raw->len, strlen(text) + 1);
    assert_memory_equal(raw->data, text, raw->len);
}

static void members_of_one_shape_share_one_frame(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        join(i, 7, STOMP_1_2, STR("sub-0"));
    }
    join(3, 7, STOMP_1_2, STR("other"));
    deliver((const uint32_t[]){7}, 1);
    assert_ptr_equal(fixture.members[0].last, fixture.members[1].last);
    assert_ptr_equal(fixture.members[0].last, fixture.members[2].last);
    assert_ptr_not_equal(fixture.members[0].last, fixture.members[3].last);
    assert_int_equal(fixture.stats.deliveries, 4);
}

static void groups_of_one_message_share_shapes_too(void **state)
{
    (void)state;
    join(0, 7, STOMP_1_2, STR("a"));
    join(1, 8, STOMP_1_2, STR("a"));
    deliver((const uint32_t[]){7, 8, 9}, 3); /* 9: its last member has just left */
    assert_ptr_equal(fixture.members[0].last, fixture.members[1].last);
}

static void a_message_is_written_in_a_fixed_order_by_version(void **state)
{
    (void)state;
    join(0, 7, STOMP_1_2, STR("a:1"));
    join(1, 7, STOMP_1_0, STR("a:1"));
    join(2, 7, STOMP_1_0, (struct str){NULL, 0});
    deliver((const uint32_t[]){7}, 1);
    assert_frame(0, "MESSAGE\ndestination:/topic/a\ncontent-type:text/plain\nmessage-id:m-1\n"
                    "subscription:a\\c1\nb:one\\ctwo\ncontent-length:2\n\nhi");
    assert_frame(1, "MESSAGE\ndestination:/topic/a\ncontent-type:text/plain\nmessage-id:m-1\n"
                    "subscription:a:1\nb:one:two\ncontent-length:2\n\nhi");
    assert_frame(2, "MESSAGE\ndestination:/topic/a\ncontent-type:text/plain\nmessage-id:m-1\n"
                    "b:one:two\ncontent-length:2\n\nhi");
}

static void whoever_leaves_gets_nothing_more_and_the_rest_goes_on(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEMBERS; i++) {
        join(i, 7, STOMP_1_2, STR("a"));
    }
    delivery_leave(fixture.delivery, &fixture.members[0].seat);
    delivery_leave(fixture.delivery, &fixture.members[3].seat);
    deliver((const uint32_t[]){7}, 1);
    for (size_t i = 0; i < MEMBERS; i++) {
        assert_int_equal(fixture.members[i].frames, i == 0 || i == 3 ? 0 : 1);
    }
}

/* {who is sent to, who vanishes then}: each other member gets the message exactly once. */
static void members_may_vanish_while_a_message_is_delivered(void **state)
{
    for (size_t killer = 0; killer < MEMBERS; killer++) {
        for (size_t victim = 0; victim < MEMBERS; victim++) {
            tear_down(state);
            set_up(state);
            for (size_t i = 0; i < MEMBERS; i++) {
                join(i, 7, STOMP_1_2, STR("a"));
            }
            fixture.members[killer].kills = &fixture.members[victim];
            deliver((const uint32_t[]){7}, 1);
            for (size_t i = 0; i < MEMBERS; i++) {
                assert_int_equal(fixture.members[i].frames, i == victim && victim > killer ? 0 : 1);
            }
            fixture.members[killer].kills = NULL;
            deliver((const uint32_t[]){7}, 1);
            for (size_t i = 0; i < MEMBERS; i++) {
                unsigned before = i == victim && victim > killer ? 0 : 1;
                assert_int_equal(fixture.members[i].frames, i == victim ? before : 2);
            }
        }
    }
}

static void the_last_member_may_vanish_inside_its_own_message(void **state)
{
    (void)state;
    join(0, 7, STOMP_1_2, STR("a"));
    fixture.members[0].kills = &fixture.members[0];
    deliver((const uint32_t[]){7}, 1);
    deliver((const uint32_t[]){7}, 1);
    assert_int_equal(fixture.members[0].frames, 1);
}

static void a_lost_link_clears_all_groups(void **state)
{
    (void)state;
    join(0, 7, STOMP_1_2, STR("a"));
    delivery_clear(fixture.delivery);
    deliver((const uint32_t[]){7}, 1);
    assert_int_equal(fixture.members[0].frames, 0);
    assert_null(fixture.members[0].seat.group);
    delivery_join(fixture.delivery, 1, &fixture.members[0].seat, &fixture.members[0].host,
                  fixture.members[0].shape);
    deliver((const uint32_t[]){1}, 1);
    assert_int_equal(fixture.members[0].frames, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(members_of_one_shape_share_one_frame),
        TEST(groups_of_one_message_share_shapes_too),
        TEST(a_message_is_written_in_a_fixed_order_by_version),
        TEST(whoever_leaves_gets_nothing_more_and_the_rest_goes_on),
        TEST(members_may_vanish_while_a_message_is_delivered),
        TEST(the_last_member_may_vanish_inside_its_own_message),
        TEST(a_lost_link_clears_all_groups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
