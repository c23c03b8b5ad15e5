/* SPDX-License-Identifier: MIT
 *
 * Checkpoints from any bytes: what is understood is written back as the same bytes, and every block in it is
 * walked to its end.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "gateway/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(const struct checkpoint_stomp *stomp)
{
    struct str rest = stomp->subscriptions;
    struct checkpoint_subscription subscription;
    struct checkpoint_receipt receipt;
    struct checkpoint_transaction transaction;
    struct buf again = {NULL, 0, 0};
    while (checkpoint_next_subscription(&rest, &subscription)) {
        checkpoint_put_subscription(&again, &subscription);
    }
    assert(rest.len == 0 && str_equal(buf_str(&again), stomp->subscriptions));
    again.len = 0;
    rest = stomp->receipts;
    while (checkpoint_next_receipt(&rest, &receipt)) {
        checkpoint_put_receipt(&again, &receipt);
    }
    assert(rest.len == 0 && str_equal(buf_str(&again), stomp->receipts));
    again.len = 0;
    rest = stomp->transactions;
    while (checkpoint_next_transaction(&rest, &transaction)) {
        checkpoint_put_transaction(&again, &transaction);
    }
    assert(rest.len == 0 && str_equal(buf_str(&again), stomp->transactions));
    buf_finish(&again);
}

static void try_stomp(struct str bytes)
{
    struct checkpoint_stomp stomp;
    if (checkpoint_get_stomp(bytes, &stomp) == 0) {
        struct buf again = {NULL, 0, 0};
        walk(&stomp);
        checkpoint_put_stomp(&again, &stomp);
        assert(str_equal(buf_str(&again), bytes));
        buf_finish(&again);
    }
}

static void try_frames(struct str bytes)
{
    enum checkpoint_frame kind;
    struct str frame;
    while (checkpoint_next_frame(&bytes, &kind, &frame)) {
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = {(const char *)data, size};
    struct checkpoint checkpoint;
    if (checkpoint_get(bytes, &checkpoint) == 0) {
        struct buf again = {NULL, 0, 0};
        uint64_t relay;
        checkpoint_put(&again, &checkpoint);
        assert(str_equal(buf_str(&again), bytes));
        buf_finish(&again);
        while (checkpoint_next_relay(&checkpoint.relays, &relay)) {
        }
        assert(checkpoint.relays.len == 0);
        try_stomp(checkpoint.state);
    }
    try_frames(bytes);
    return 0;
}
