/* SPDX-License-Identifier: MIT
 *
 * Subscriptions of a STOMP session: their ids, their answers, what is restored.
 */
#include "tests/unit/fake_session.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        STOMP_TEST(no_message_comes_before_the_receipt_of_subscribe),
        STOMP_TEST(a_subscription_of_1_0_without_id_goes_by_destination),
        STOMP_TEST(a_subscription_given_up_before_its_answer_never_joins),
        STOMP_TEST(a_repeated_id_is_treated_as_configured),
        STOMP_TEST(a_service_that_repeats_an_id_is_always_wrong),
        STOMP_TEST(a_service_that_unsubscribes_what_is_not_is_wrong),
        STOMP_TEST(confirmed_subscriptions_are_restored_and_join_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
