/* SPDX-License-Identifier: MIT
 *
 * ACK and NACK by version; transactions: what is kept, applied, forgotten, and taken to another gateway.
 */
#include "tests/unit/fake_session.h"

/* ---- acknowledgements ---- */

static const struct {
    const char *version;
    const char *ack;
    const char *seen;
} message_rows[] = {
    {"1.2", "auto", "subscription:s|content-length"},
    {"1.2", "client", "subscription:s|ack:m@s|content-length"},
    {"1.2", "client-individual", "subscription:s|ack:m@s|content-length"},
    {"1.1", "client", "subscription:s|content-length"},
    {"1.0", "client", "subscription:s|content-length"},
};

static void only_1_2_names_what_is_to_be_acknowledged(void **state)
{
    for (size_t i = 0; i < MEM_COUNT(message_rows); i++) {
        struct buf said = {0};
        tear_down(state);
        set_up(state);
        connect_as(message_rows[i].version);
        buf_append_format(&said, "SUBSCRIBE|id:s|destination:/a|ack:%s||^", message_rows[i].ack);
        buf_append_byte(&said, 0);
        say((const char *)said.data);
        answer(LINK_SUBSCRIBED, LINK_OK, 1, 1);
        deliver("/a");
        assert_non_null(strstr(seen(), message_rows[i].seen));
        buf_finish(&said);
    }
}

static const struct {
    const char *version;
    bool is_tcp;
    const char *said;
    const char *fault; /* NULL: it is taken, with a RECEIPT in its turn */
    uint64_t ignored;
} ack_rows[] = {
    {"1.2", true, "ACK|id:m@s|receipt:r||^", NULL, 0},
    {"1.2", true, "NACK|id:m@s|receipt:r||^", NULL, 0},
    {"1.2", true, "ACK|id:m@s|subscription:other|receipt:r||^", NULL, 0},
    {"1.2", true, "ACK|message-id:m|subscription:s|receipt:r||^", NULL, 0},
    {"1.2", true, "ACK|id:m|subscription:s|receipt:r||^", NULL, 0},
    {"1.2", true, "ACK|id:m@t|receipt:r||^", "There is no message", 0},
    {"1.2", true, "ACK|id:m@auto|receipt:r||^", "There is no message", 0},
    {"1.2", false, "ACK|id:m@t|receipt:r||^", NULL, 1},
    {"1.2", false, "ACK|id:m@auto|receipt:r||^", NULL, 1},
    {"1.1", true, "ACK|message-id:m|subscription:s|receipt:r||^", NULL, 0},
    {"1.1", true, "NACK|message-id:m|subscription:s|receipt:r||^", NULL, 0},
    {"1.1", true, "ACK|message-id:m|subscription:t|receipt:r||^", "There is no message", 0},
    {"1.1", true, "ACK|id:m|subscription:s|receipt:r||^", NULL, 0},
    {"1.0", true, "ACK|message-id:m|receipt:r||^", NULL, 0},
    {"1.0", true, "ACK|message-id:m|subscription:s|receipt:r||^", NULL, 0},
};

static void each_version_names_a_message_in_its_own_way_or_anothers(void **state)
{
    for (size_t i = 0; i < MEM_COUNT(ack_rows); i++) {
        tear_down(state);
        set_up(state);
        fake.host.is_tcp = ack_rows[i].is_tcp;
        connect_as(ack_rows[i].version);
        say("SUBSCRIBE|id:s|destination:/a|ack:client||^SUBSCRIBE|id:auto|destination:/a||^");
        (void)fake_link_take(&fake.link);
        say(ack_rows[i].said);
        if (ack_rows[i].fault == NULL) {
            assert_string_equal(fake_link_take(&fake.link), "checkpoint 3\n");
            assert_string_equal(seen(), "");
        } else {
            assert_non_null(strstr(seen(), ack_rows[i].fault));
        }
        assert_int_equal(fake.runtime.stats.acks_ignored, ack_rows[i].ignored);
    }
}

/* ---- transactions ---- */

static void a_transaction_is_told_as_one_when_it_is_committed(void **state)
{
    (void)state;
    connect_as("1.2");
    say("BEGIN|transaction:t||^SEND|destination:/a|transaction:t||1^"
        "SEND|destination:/b|transaction:t||2^SEND|destination:/c||3^");
    assert_string_equal(fake_link_take(&fake.link), "publish 0 /c [3]\n");
    say("COMMIT|transaction:t||^");
    assert_string_equal(fake_link_take(&fake.link),
                        "with PUBLISH of 1\nwith PUBLISH of 1\ncheckpoint 0\n");
    assert_int_equal(fake.runtime.stats.transactions_committed, 1);
}

static void an_aborted_one_is_never_told(void **state)
{
    (void)state;
    connect_as("1.2");
    say("BEGIN|transaction:t||^SEND|destination:/a|transaction:t||1^ABORT|transaction:t||^");
    assert_string_equal(fake_link_take(&fake.link), "");
    assert_int_equal(fake.runtime.stats.transactions_aborted, 1);
}

static void one_that_is_open_ends_with_its_session(void **state)
{
    (void)state;
    connect_as("1.2");
    say("BEGIN|transaction:t||^SEND|destination:/a|transaction:t||1^DISCONNECT||^");
    assert_string_equal(fake_link_take(&fake.link), "");
    assert_int_equal(fake.runtime.stats.transactions_aborted, 1);
}

static void two_at_once_do_not_know_each_other(void **state)
{
    (void)state;
    connect_as("1.2");
    say("BEGIN|transaction:t||^BEGIN|transaction:u||^SEND|destination:/a|transaction:t||1^"
        "SEND|destination:/b|transaction:u||2^ABORT|transaction:t||^COMMIT|transaction:u||^");
    assert_string_equal(fake_link_take(&fake.link), "with PUBLISH of 1\ncheckpoint 0\n");
}

static void what_stands_inside_has_its_receipt_at_once_and_commit_behind_all(void **state)
{
    (void)state;
    connect_as("1.2");
    say("BEGIN|transaction:t|receipt:r1||^SEND|destination:/a|transaction:t|receipt:r2||1^"
        "COMMIT|transaction:t|receipt:r3||^");
    assert_string_equal(fake_link_take(&fake.link),
                        "checkpoint 1\ncheckpoint 2\nwith PUBLISH of 1\ncheckpoint 3\n");
    answer(LINK_CHECKPOINTED, LINK_OK, 1, 0);
    answer(LINK_CHECKPOINTED, LINK_OK, 2, 0);
    answer(LINK_CHECKPOINTED, LINK_OK, 3, 0);
    assert_string_equal(seen(),
                        "RECEIPT|receipt-id:r1|| RECEIPT|receipt-id:r2|| RECEIPT|receipt-id:r3|| ");
}

static void the_bytes_of_all_open_ones_are_limited(void **state)
{
    (void)state;
    char frame[600] = "SEND|destination:/a|transaction:t||";
    size_t len = strlen(frame);
    memset(frame + len, 'x', 430);
    memcpy(frame + len + 430, "^", 2);
    connect_as("1.2");
    say("BEGIN|transaction:t||^BEGIN|transaction:u||^");
    say(frame);
    assert_string_equal(seen(), "");
    say("SEND|destination:/a|transaction:u||^");
    assert_non_null(strstr(seen(), "The open transactions are too long in bytes (at most 600)"));
}

static void one_goes_with_its_session_to_another_gateway(void **state)
{
    (void)state;
    struct buf checkpoint = {0};
    connect_as("1.2");
    say("SUBSCRIBE|id:s|destination:/a|ack:client||^"
        "BEGIN|transaction:t||^SEND|destination:/b|transaction:t||1^");
    stomp_service_ops.freeze(fake.service, &checkpoint);
    end_service();
    fake.host.session = 7;
    fake.service = stomp_service_ops.thaw(fake.stomp, &fake.host, buf_str(&checkpoint));
    assert_non_null(fake.service);
    buf_finish(&checkpoint);
    (void)fake_link_take(&fake.link);
    say("ACK|id:m@s|transaction:t||^ACK|id:m@s|transaction:t||^COMMIT|transaction:t||^");
    assert_string_equal(fake_link_take(&fake.link), "with PUBLISH of 7\ncheckpoint 0\n");
    stomp_service_ops.restored(fake.service, 1, 9);
    deliver("/a");
    assert_non_null(strstr(seen(), "ack:m@s"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STOMP_TEST(only_1_2_names_what_is_to_be_acknowledged),
        STOMP_TEST(each_version_names_a_message_in_its_own_way_or_anothers),
        STOMP_TEST(a_transaction_is_told_as_one_when_it_is_committed),
        STOMP_TEST(an_aborted_one_is_never_told),
        STOMP_TEST(one_that_is_open_ends_with_its_session),
        STOMP_TEST(two_at_once_do_not_know_each_other),
        STOMP_TEST(what_stands_inside_has_its_receipt_at_once_and_commit_behind_all),
        STOMP_TEST(the_bytes_of_all_open_ones_are_limited),
        STOMP_TEST(one_goes_with_its_session_to_another_gateway),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
