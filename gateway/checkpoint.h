/* SPDX-License-Identifier: MIT
 *
 * A session's conversation as bytes, for the gateway that has it next.
 *
 * Whole buffers: checkpoint_get() and checkpoint_get_stomp() account for every byte or answer
 * CHECKPOINT_ERR_MALFORMED; what they fill in points into the bytes. The first byte is the format: a gateway of another
 * version says it does not understand, instead of guessing.
 */
#pragma once

#include "common/buf.h"

#define CHECKPOINT_FORMAT 4
#define CHECKPOINT_ERR_MALFORMED (-1)

struct checkpoint {
    uint8_t service;   /* enum endpoint_service */
    struct str relays; /* u64 each: relays that were run, the latest last */
    struct str state;  /* of the service: checkpoint_put_stomp(), or nothing */
    struct str frames; /* that no receiver has got, and nobody else keeps: checkpoint_put_frame() */
};

struct checkpoint_stomp {
    uint8_t phase;   /* enum stomp_phase: not the last */
    uint8_t version; /* enum stomp_version */
    uint32_t in_ms;  /* heart-beats as negotiated */
    uint32_t out_ms;
    uint32_t login_ms;    /* left of the login deadline; 0 once connected */
    uint32_t last_number; /* of subscriptions */
    struct str half;      /* a high surrogate half that waits for its other: 3 bytes, or none */
    struct str rest;      /* bytes of an unfinished frame */
    struct str
        subscriptions; /* (u32 number, u8 ack, u8 flags, str16 id, str16 destination)*, newest first */
    struct str receipts;     /* (u64 request, u8 ends, str16 id)* that the client waits for */
    struct str transactions; /* (str16 id, u32 frames, str32 messages)*, open ones */
    struct str user;         /* empty: nobody we know, and the rest is empty, too */
    uint64_t expires_s;      /* of the user's token; IDENTITY_FOREVER: never */
    struct str claims;       /* struct identity::claims */
    struct str roles;
};

struct checkpoint_subscription {
    uint32_t number;
    uint8_t ack;
    uint8_t untold; /* enum link_recovered: what its first MESSAGE is to say */
    struct str id;  /* at NULL: none */
    struct str destination;
};

struct checkpoint_receipt {
    uint64_t request;
    bool ends;
    struct str id;
};

struct checkpoint_transaction {
    struct str id;
    uint32_t frames;
    struct str messages; /* as CHECKPOINT of the link has them */
};

void checkpoint_put(struct buf *out, const struct checkpoint *checkpoint);
int checkpoint_get(struct str bytes, struct checkpoint *out) __attribute__((warn_unused_result));
void checkpoint_put_stomp(struct buf *out, const struct checkpoint_stomp *stomp);
int checkpoint_get_stomp(struct str bytes, struct checkpoint_stomp *out)
    __attribute__((warn_unused_result));

/* Blocks inside: written one by one, walked until false. */
void checkpoint_put_subscription(struct buf *block,
                                 const struct checkpoint_subscription *subscription);
bool checkpoint_next_subscription(struct str *rest, struct checkpoint_subscription *out);
void checkpoint_put_receipt(struct buf *block, const struct checkpoint_receipt *receipt);
bool checkpoint_next_receipt(struct str *rest, struct checkpoint_receipt *out);
void checkpoint_put_transaction(struct buf *block,
                                const struct checkpoint_transaction *transaction);
bool checkpoint_next_transaction(struct str *rest, struct checkpoint_transaction *out);
void checkpoint_put_relay(struct buf *block, uint64_t relay);
bool checkpoint_next_relay(struct str *rest, uint64_t *out);

/* Frames no receiver has got, raw: (u8 kind, str32 bytes)*. */
enum checkpoint_frame { CHECKPOINT_TEXT, CHECKPOINT_WTF8, CHECKPOINT_BINARY };
void checkpoint_put_frame(struct buf *block, enum checkpoint_frame kind, struct str bytes);
bool checkpoint_next_frame(struct str *rest, enum checkpoint_frame *out_kind,
                           struct str *out_bytes);
