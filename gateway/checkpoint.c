/* SPDX-License-Identifier: MIT
 *
 * Codec of checkpoints: fields in their order, then blocks that are walked once here so that the
 * walks of whoever takes the conversation over cannot run short.
 */
#include "gateway/checkpoint.h"

#include "common/wire.h"
#include "gateway/identity.h"
#include "proto/link_msg.h"
#include "proto/stomp_frame.h"

#define PHASES 3   /* enum stomp_phase without the last, which is over */
#define SERVICES 3 /* enum endpoint_service */
#define HALF_BYTES 3
#define HAS_ID 1 /* flags of a subscription; UNTOLD times what is untold */
#define UNTOLD 2

static struct wire_reader read_block(struct str block)
{
    struct wire_reader reader;
    wire_reader_init(&reader, block.at, block.len);
    return reader;
}

static void keep_rest(const struct wire_reader *reader, struct str *rest)
{
    size_t left = wire_left(reader);
    *rest = (struct str){rest->at + (rest->len - left), left};
}

/* ---- blocks ---- */

void checkpoint_put_subscription(struct buf *block,
                                 const struct checkpoint_subscription *subscription)
{
    wire_put_u32(block, subscription->number);
    wire_put_u8(block, subscription->ack);
    wire_put_u8(block, (uint8_t)((subscription->id.at == NULL ? 0 : HAS_ID) |
                                 subscription->untold * UNTOLD));
    wire_put_str16(block, subscription->id);
    wire_put_str16(block, subscription->destination);
}

bool checkpoint_next_subscription(struct str *rest, struct checkpoint_subscription *out)
{
    struct wire_reader reader = read_block(*rest);
    struct checkpoint_subscription next;
    next.number = wire_get_u32(&reader);
    next.ack = wire_get_u8(&reader);
    uint8_t flags = wire_get_u8(&reader);
    bool has_id = (flags & HAS_ID) != 0;
    next.untold = flags / UNTOLD;
    next.id = wire_get_str16(&reader);
    next.destination = wire_get_str16(&reader);
    if (reader.failed || next.ack > LINK_ACK_INDIVIDUAL || next.untold > LINK_NOT_RECOVERED ||
        (!has_id && next.id.len > 0) || next.destination.len == 0) {
        return false;
    }
    if (!has_id) {
        next.id = (struct str){NULL, 0};
    }
    keep_rest(&reader, rest);
    *out = next;
    return true;
}

void checkpoint_put_receipt(struct buf *block, const struct checkpoint_receipt *receipt)
{
    wire_put_u64(block, receipt->request);
    wire_put_u8(block, receipt->ends);
    wire_put_str16(block, receipt->id);
}

bool checkpoint_next_receipt(struct str *rest, struct checkpoint_receipt *out)
{
    struct wire_reader reader = read_block(*rest);
    struct checkpoint_receipt next;
    next.request = wire_get_u64(&reader);
    uint8_t ends = wire_get_u8(&reader);
    next.ends = ends == 1;
    next.id = wire_get_str16(&reader);
    if (reader.failed || ends > 1) {
        return false;
    }
    keep_rest(&reader, rest);
    *out = next;
    return true;
}

void checkpoint_put_transaction(struct buf *block, const struct checkpoint_transaction *transaction)
{
    wire_put_str16(block, transaction->id);
    wire_put_u32(block, transaction->frames);
    wire_put_str32(block, transaction->messages);
}

bool checkpoint_next_transaction(struct str *rest, struct checkpoint_transaction *out)
{
    struct wire_reader reader = read_block(*rest);
    struct checkpoint_transaction next;
    next.id = wire_get_str16(&reader);
    next.frames = wire_get_u32(&reader);
    next.messages = wire_get_str32(&reader);
    if (reader.failed) {
        return false;
    }
    keep_rest(&reader, rest);
    *out = next;
    return true;
}

void checkpoint_put_relay(struct buf *block, uint64_t relay)
{
    wire_put_u64(block, relay);
}

bool checkpoint_next_relay(struct str *rest, uint64_t *out)
{
    struct wire_reader reader = read_block(*rest);
    uint64_t relay = wire_get_u64(&reader);
    if (reader.failed) {
        return false;
    }
    keep_rest(&reader, rest);
    *out = relay;
    return true;
}

void checkpoint_put_frame(struct buf *block, enum checkpoint_frame kind, struct str bytes)
{
    wire_put_u8(block, (uint8_t)kind);
    wire_put_str32(block, bytes);
}

bool checkpoint_next_frame(struct str *rest, enum checkpoint_frame *out_kind, struct str *out_bytes)
{
    struct wire_reader reader = read_block(*rest);
    uint8_t kind = wire_get_u8(&reader);
    struct str bytes = wire_get_str32(&reader);
    if (reader.failed || kind > CHECKPOINT_BINARY) {
        return false;
    }
    keep_rest(&reader, rest);
    *out_kind = (enum checkpoint_frame)kind;
    *out_bytes = bytes;
    return true;
}

/* ---- the whole ---- */

void checkpoint_put(struct buf *out, const struct checkpoint *checkpoint)
{
    wire_put_u8(out, CHECKPOINT_FORMAT);
    wire_put_u8(out, checkpoint->service);
    wire_put_str16(out, checkpoint->relays);
    wire_put_str32(out, checkpoint->state);
    wire_put_str32(out, checkpoint->frames);
}

static bool frames_are_whole(struct str frames)
{
    enum checkpoint_frame kind;
    struct str bytes;
    while (checkpoint_next_frame(&frames, &kind, &bytes)) {
    }
    return frames.len == 0;
}

int checkpoint_get(struct str bytes, struct checkpoint *out)
{
    struct wire_reader reader = read_block(bytes);
    uint8_t format = wire_get_u8(&reader);
    struct checkpoint checkpoint;
    checkpoint.service = wire_get_u8(&reader);
    checkpoint.relays = wire_get_str16(&reader);
    checkpoint.state = wire_get_str32(&reader);
    checkpoint.frames = wire_get_str32(&reader);
    if (!wire_done(&reader) || format != CHECKPOINT_FORMAT || checkpoint.service >= SERVICES ||
        checkpoint.relays.len % sizeof(uint64_t) != 0 || !frames_are_whole(checkpoint.frames)) {
        return CHECKPOINT_ERR_MALFORMED;
    }
    *out = checkpoint;
    return 0;
}

void checkpoint_put_stomp(struct buf *out, const struct checkpoint_stomp *stomp)
{
    wire_put_u8(out, stomp->phase);
    wire_put_u8(out, stomp->version);
    wire_put_u32(out, stomp->in_ms);
    wire_put_u32(out, stomp->out_ms);
    wire_put_u32(out, stomp->login_ms);
    wire_put_u32(out, stomp->last_number);
    wire_put_str16(out, stomp->half);
    wire_put_str32(out, stomp->rest);
    wire_put_str32(out, stomp->subscriptions);
    wire_put_str32(out, stomp->receipts);
    wire_put_str32(out, stomp->transactions);
    wire_put_str16(out, stomp->user);
    wire_put_u64(out, stomp->expires_s);
    wire_put_str16(out, stomp->claims);
    wire_put_str16(out, stomp->roles);
}

static bool blocks_are_whole(const struct checkpoint_stomp *stomp)
{
    struct str subscriptions = stomp->subscriptions;
    struct str receipts = stomp->receipts;
    struct str transactions = stomp->transactions;
    struct checkpoint_subscription subscription;
    struct checkpoint_receipt receipt;
    struct checkpoint_transaction transaction;
    uint64_t earlier = (uint64_t)stomp->last_number + 1;
    while (checkpoint_next_subscription(&subscriptions, &subscription)) {
        if (subscription.number == 0 || subscription.number >= earlier) {
            return false; /* they are written newest first */
        }
        earlier = subscription.number;
    }
    while (checkpoint_next_receipt(&receipts, &receipt)) {
    }
    while (checkpoint_next_transaction(&transactions, &transaction)) {
    }
    return subscriptions.len == 0 && receipts.len == 0 && transactions.len == 0;
}

int checkpoint_get_stomp(struct str bytes, struct checkpoint_stomp *out)
{
    struct wire_reader reader = read_block(bytes);
    struct checkpoint_stomp stomp;
    stomp.phase = wire_get_u8(&reader);
    stomp.version = wire_get_u8(&reader);
    stomp.in_ms = wire_get_u32(&reader);
    stomp.out_ms = wire_get_u32(&reader);
    stomp.login_ms = wire_get_u32(&reader);
    stomp.last_number = wire_get_u32(&reader);
    stomp.half = wire_get_str16(&reader);
    stomp.rest = wire_get_str32(&reader);
    stomp.subscriptions = wire_get_str32(&reader);
    stomp.receipts = wire_get_str32(&reader);
    stomp.transactions = wire_get_str32(&reader);
    stomp.user = wire_get_str16(&reader);
    stomp.expires_s = wire_get_u64(&reader);
    stomp.claims = wire_get_str16(&reader);
    stomp.roles = wire_get_str16(&reader);
    if (!wire_done(&reader) || stomp.phase >= PHASES || stomp.version < STOMP_1_0 ||
        stomp.version > STOMP_1_2 || (stomp.half.len != 0 && stomp.half.len != HALF_BYTES) ||
        !blocks_are_whole(&stomp) || !identity_is_whole(stomp.claims, stomp.roles)) {
        return CHECKPOINT_ERR_MALFORMED;
    }
    *out = stomp;
    return 0;
}
