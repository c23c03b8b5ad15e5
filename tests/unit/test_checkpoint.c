/* SPDX-License-Identifier: MIT
 *
 * Checkpoints: golden bytes, truncations, blocks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/mem.h"
#include "gateway/checkpoint.h"
#include "proto/link_msg.h"
#include "tests/unit/guarded.h"

static const char golden_stomp[] = "\1\14\0\0\x27\x10\0\0\x4e\x20\0\0\0\7\0\0\0\2"
                                   "\0\3\xed\xa0\xbd"
                                   "\0\0\0\4SEND"
                                   "\0\0\0\x19"
                                   "\0\0\0\2\2\5\0\1s\0\2/b"
                                   "\0\0\0\1\0\0\0\0\0\2/a"
                                   "\0\0\0\x0d"
                                   "\0\0\0\0\0\0\0\x4d\1\0\2r1"
                                   "\0\0\0\x0c"
                                   "\0\1t\0\0\0\3\0\0\0\1m"
                                   "\0\3ada"
                                   "\0\0\0\1\0\0\0\0"
                                   "\0\6\0\1t\0\1r"
                                   "\0\7\0\5admin";

static struct buf put_golden(void)
{
    struct buf subscriptions = {NULL, 0, 0};
    struct buf receipts = {NULL, 0, 0};
    struct buf transactions = {NULL, 0, 0};
    struct buf out = {NULL, 0, 0};
    checkpoint_put_subscription(&subscriptions,
                                &(struct checkpoint_subscription){.number = 2,
                                                                  .ack = 2,
                                                                  .untold = LINK_NOT_RECOVERED,
                                                                  .id = STR("s"),
                                                                  .destination = STR("/b")});
    checkpoint_put_subscription(
        &subscriptions, &(struct checkpoint_subscription){.number = 1, .destination = STR("/a")});
    checkpoint_put_receipt(
        &receipts, &(struct checkpoint_receipt){.request = 77, .ends = true, .id = STR("r1")});
    checkpoint_put_transaction(
        &transactions,
        &(struct checkpoint_transaction){.id = STR("t"), .frames = 3, .messages = STR("m")});
    checkpoint_put_stomp(&out, &(struct checkpoint_stomp){.phase = 1,
                                                          .version = 12,
                                                          .in_ms = 10000,
                                                          .out_ms = 20000,
                                                          .login_ms = 7,
                                                          .last_number = 2,
                                                          .half = STR("\xed\xa0\xbd"),
                                                          .rest = STR("SEND"),
                                                          .user = STR("ada"),
                                                          .expires_s = 1ull << 32,
                                                          .claims = STR("\0\1t\0\1r"),
                                                          .roles = STR("\0\5admin"),
                                                          .subscriptions = buf_str(&subscriptions),
                                                          .receipts = buf_str(&receipts),
                                                          .transactions = buf_str(&transactions)});
    buf_finish(&subscriptions);
    buf_finish(&receipts);
    buf_finish(&transactions);
    return out;
}

static void a_conversation_is_written_as_its_golden_bytes(void **state)
{
    (void)state;
    struct buf out = put_golden();
    assert_int_equal(out.len, sizeof golden_stomp - 1);
    assert_memory_equal(out.data, golden_stomp, out.len);
    buf_finish(&out);
}

static void a_conversation_is_read_back(void **state)
{
    (void)state;
    struct checkpoint_stomp stomp;
    struct checkpoint_subscription subscription;
    struct checkpoint_receipt receipt;
    struct checkpoint_transaction transaction;
    assert_int_equal(checkpoint_get_stomp(STR(golden_stomp), &stomp), 0);
    assert_int_equal(stomp.in_ms, 10000);
    assert_int_equal(stomp.login_ms, 7);
    assert_true(str_equal(stomp.rest, STR("SEND")));
    assert_true(str_equal(stomp.user, STR("ada")));
    assert_int_equal(stomp.expires_s, 1ull << 32);
    assert_true(str_equal(stomp.claims, STR("\0\1t\0\1r")));
    assert_true(str_equal(stomp.roles, STR("\0\5admin")));
    assert_true(checkpoint_next_subscription(&stomp.subscriptions, &subscription));
    assert_true(subscription.number == 2 && str_equal(subscription.id, STR("s")));
    assert_int_equal(subscription.ack, 2);
    assert_int_equal(subscription.untold, LINK_NOT_RECOVERED);
    assert_true(checkpoint_next_subscription(&stomp.subscriptions, &subscription));
    assert_true(subscription.number == 1 && subscription.id.at == NULL);
    assert_false(checkpoint_next_subscription(&stomp.subscriptions, &subscription));
    assert_true(checkpoint_next_receipt(&stomp.receipts, &receipt));
    assert_true(receipt.request == 77 && receipt.ends && str_equal(receipt.id, STR("r1")));
    assert_true(checkpoint_next_transaction(&stomp.transactions, &transaction));
    assert_true(transaction.frames == 3 && str_equal(transaction.id, STR("t")) &&
                str_equal(transaction.messages, STR("m")));
    assert_false(checkpoint_next_transaction(&stomp.transactions, &transaction));
}

static void every_truncation_and_every_longer_text_is_malformed(void **state)
{
    (void)state;
    struct checkpoint_stomp stomp;
    struct guarded guarded = guarded_create(sizeof golden_stomp);
    for (size_t len = 0; len < sizeof golden_stomp - 1; len++) {
        const uint8_t *bytes = guarded_put(&guarded, golden_stomp, len);
        assert_int_equal(checkpoint_get_stomp((struct str){(const char *)bytes, len}, &stomp),
                         CHECKPOINT_ERR_MALFORMED);
    }
    assert_int_equal(checkpoint_get_stomp((struct str){golden_stomp, sizeof golden_stomp}, &stomp),
                     CHECKPOINT_ERR_MALFORMED);
    guarded_destroy(&guarded);
}

static void values_outside_their_set_are_malformed(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        char bad;
    } cases[] = {{0, 3},            /* the phase that is over */
                 {1, 13},           /* STOMP 1.3 */
                 {1, 9},   {17, 1}, /* subscription 2 of 1 */
                 {19, 2},           /* half a half */
                 {38, 0},           /* subscription 0 */
                 {51, 2},           /* not newest first */
                 {39, 3},           /* an ack mode that is none */
                 {40, 6},  {53, 6}, /* untold */
                 {91, 2},           /* more messages than there are bytes */
                 {109, 2},          /* a claim's name is longer than all claims */
                 {117, 6}};         /* a role */
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        char bytes[sizeof golden_stomp - 1];
        struct checkpoint_stomp stomp;
        memcpy(bytes, golden_stomp, sizeof bytes);
        bytes[cases[i].at] = cases[i].bad;
        assert_int_equal(checkpoint_get_stomp((struct str){bytes, sizeof bytes}, &stomp),
                         CHECKPOINT_ERR_MALFORMED);
    }
}

static void a_checkpoint_of_another_format_is_not_understood(void **state)
{
    (void)state;
    struct checkpoint checkpoint;
    struct buf out = {NULL, 0, 0};
    checkpoint_put(
        &out, &(struct checkpoint){.service = 1, .relays = STR("12345678"), .state = STR("x")});
    assert_int_equal(checkpoint_get(buf_str(&out), &checkpoint), 0);
    assert_true(checkpoint.service == 1 && str_equal(checkpoint.state, STR("x")));
    uint64_t relay = 0;
    assert_true(checkpoint_next_relay(&checkpoint.relays, &relay));
    assert_true(relay == 0x3132333435363738);
    assert_false(checkpoint_next_relay(&checkpoint.relays, &relay));
    out.data[0] = CHECKPOINT_FORMAT + 1;
    assert_int_equal(checkpoint_get(buf_str(&out), &checkpoint), CHECKPOINT_ERR_MALFORMED);
    buf_finish(&out);
}

static void frames_are_walked_with_their_kinds(void **state)
{
    (void)state;
    struct buf block = {NULL, 0, 0};
    enum checkpoint_frame kind = CHECKPOINT_TEXT;
    struct str bytes;
    checkpoint_put_frame(&block, CHECKPOINT_BINARY, STR("\0"));
    checkpoint_put_frame(&block, CHECKPOINT_WTF8, STR(""));
    struct str rest = buf_str(&block);
    assert_true(checkpoint_next_frame(&rest, &kind, &bytes));
    assert_true(kind == CHECKPOINT_BINARY && bytes.len == 1);
    assert_true(checkpoint_next_frame(&rest, &kind, &bytes));
    assert_true(kind == CHECKPOINT_WTF8 && bytes.len == 0);
    assert_false(checkpoint_next_frame(&rest, &kind, &bytes));
    buf_finish(&block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_conversation_is_written_as_its_golden_bytes),
        cmocka_unit_test(a_conversation_is_read_back),
        cmocka_unit_test(every_truncation_and_every_longer_text_is_malformed),
        cmocka_unit_test(values_outside_their_set_are_malformed),
        cmocka_unit_test(a_checkpoint_of_another_format_is_not_understood),
        cmocka_unit_test(frames_are_walked_with_their_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
