/* SPDX-License-Identifier: MIT
 *
 * Messages of the link between gateway and broker: one list, version 1. docs/link-protocol.md is its prose.
 *
 * A message is a row in LINK_MESSAGES and its fields in LINK_FIELDS_<name>; struct, encoder and decoder follow
 * from the two:
 *
 *   struct link_publish; void link_put_publish(struct buf *, const struct link_publish *);
 *   int link_get_publish(struct str body, struct link_publish *out);
 *
 * Gateway to broker are imperatives, broker to gateway are facts, except the questions YIELD and EXPIRE and
 * their answers. Decoders take one whole body, check every length, require the end, and answer 0 or
 * LINK_ERR_MALFORMED; what they fill in points into the body. Integers are big-endian.
 *
 * `session` is the gateway's handle of a session: a counter of that gateway, never reused. `subscription` is a
 * number the gateway gives within a session. `group` is a number the broker gives within a link. `request` is
 * a number the gateway gives; 0 asks for no answer.
 */
#pragma once

#include "common/buf.h"
#include "proto/decode.h"

#define LINK_MAGIC 0x534c5543u /* "SLUC" */
#define LINK_VERSION 1
#define LINK_STATE_BYTES_MAX                                                                       \
    65536 /* of CHECKPOINT and RESTORE; a longer one is refused, and nothing is kept */
#define LINK_ERR_MALFORMED (-1)

/* A published message, in the same bytes in PUBLISH and DELIVERED, so that a broker copies them whole. */
struct link_message {
    struct str raw;         /* the encoded form of the rest; when set, encoding copies it */
    struct str id;          /* str16: message-id, made by the gateway that accepted the SEND */
    struct str destination; /* str16 */
    struct str headers; /* str32: (str16 name, str16 value)*, unescaped, in order, names unique */
    struct str body;    /* str32 */
};

enum link_family { /* of transports: one family a session */
                   LINK_FAMILY_WEBSOCKET,
                   LINK_FAMILY_TCP,
                   LINK_FAMILY_XHR,
                   LINK_FAMILY_EVENTSOURCE,
                   LINK_FAMILY_HTMLFILE,
                   LINK_FAMILY_JSONP,
};

enum link_claim_result {
    LINK_CLAIM_NEW,    /* the session begins: write `o` */
    LINK_CLAIM_MOVED,  /* it goes on here: checkpoint and unsent are those of its last holder */
    LINK_CLAIM_BUSY,   /* another receiver is alive: c[2010,...] */
    LINK_CLAIM_CLOSED, /* it ended: unsent, then c[code,reason] of its tombstone */
    LINK_CLAIM_OTHER,  /* the key belongs to another family or user: 404 */
    LINK_CLAIM_FULL,   /* broker.sessions is reached: c[1013,...] */
};

enum link_result {
    LINK_OK,
    LINK_DENIED,   /* not allowed; `reason` says it in a sentence */
    LINK_LIMIT,    /* a limit of the broker; `reason` names it */
    LINK_ABSENT,   /* no such session, subscription or holder */
    LINK_UNSTORED, /* accepted and delivered, not stored: RECEIPT says stored:false */
};

enum link_ack { /* what a subscription wants of its client */
                LINK_ACK_AUTO,
                LINK_ACK_CLIENT,     /* one acknowledges all before it, too */
                LINK_ACK_INDIVIDUAL, /* each by itself */
};

enum link_hold { /* what a gateway that restores a session has of it */
                 LINK_HOLD_DETACHED,
                 LINK_HOLD_ATTACHED, /* a receiver is there */
                 LINK_HOLD_YIELDED, /* it had yielded, and does not know to whom: YIELDED comes again */
};

enum link_recovered { /* of what a SUBSCRIBE asked of the past */
                      LINK_RECOVERED_NOT_ASKED,
                      LINK_RECOVERED,     /* all of it follows */
                      LINK_NOT_RECOVERED, /* what is left of it follows */
};

/* M(NAME, name, number, sender): sender is GATEWAY, BROKER or BOTH. */
#define LINK_MESSAGES(M)                                                                           \
    M(HELLO, hello, 1, GATEWAY)                                                                    \
    M(CLAIM, claim, 2, GATEWAY)                                                                    \
    M(ATTACH, attach, 3, GATEWAY)                                                                  \
    M(DETACH, detach, 4, GATEWAY)                                                                  \
    M(DROP_SESSION, drop_session, 5, GATEWAY)                                                      \
    M(SUBSCRIBE, subscribe, 6, GATEWAY)                                                            \
    M(UNSUBSCRIBE, unsubscribe, 7, GATEWAY)                                                        \
    M(PUBLISH, publish, 8, GATEWAY)                                                                \
    M(CHECKPOINT, checkpoint, 9, GATEWAY)                                                          \
    M(CONFIRM, confirm, 10, GATEWAY)                                                               \
    M(RELAY, relay, 11, GATEWAY)                                                                   \
    M(YIELDED, yielded, 12, GATEWAY)                                                               \
    M(REFUSED, refused, 13, GATEWAY)                                                               \
    M(RESTORE, restore, 14, GATEWAY)                                                               \
    M(RESTORE_END, restore_end, 15, GATEWAY)                                                       \
    M(OFFER, offer, 16, GATEWAY)                                                                   \
    M(HELLOED, helloed, 65, BROKER)                                                                \
    M(CLAIMED, claimed, 66, BROKER)                                                                \
    M(SUBSCRIBED, subscribed, 67, BROKER)                                                          \
    M(UNSUBSCRIBED, unsubscribed, 68, BROKER)                                                      \
    M(PUBLISHED, published, 69, BROKER)                                                            \
    M(CHECKPOINTED, checkpointed, 70, BROKER)                                                      \
    M(DELIVERED, delivered, 71, BROKER)                                                            \
    M(CREDIT, credit, 72, BROKER)                                                                  \
    M(RELAYED, relayed, 73, BROKER)                                                                \
    M(RELAY_DONE, relay_done, 74, BROKER)                                                          \
    M(YIELD, yield, 75, BROKER)                                                                    \
    M(EXPIRE, expire, 76, BROKER)                                                                  \
    M(RESTORED, restored, 77, BROKER)                                                              \
    M(GONE, gone, 78, BROKER)                                                                      \
    M(REJECTED, rejected, 79, BROKER)                                                              \
    M(ADOPT, adopt, 80, BROKER)                                                                    \
    M(REPLAYED, replayed, 81, BROKER)

/* First message of a gateway; nothing else is sent before HELLOED. `gateway` is drawn at its start. */
#define LINK_FIELDS_hello(U8, U16, U32, U64, STR, BYTES, MESSAGE)                                  \
    U32(magic) U16(version_min) U16(version_max) U64(features) U64(gateway) STR(name) U32(sessions)

/* `window`: bytes of PUBLISH, RELAY and RESTORE bodies that may be under way. */
#define LINK_FIELDS_helloed(U8, U16, U32, U64, STR, BYTES, MESSAGE)                                \
    U16(version) U64(features) U64(broker) U32(window)

/* The broker will not talk (version, too many gateways): it closes after this. */
#define LINK_FIELDS_rejected(U8, U16, U32, U64, STR, BYTES, MESSAGE) STR(reason)

/* A receiver has come for the session of this key, or a session without key begins (key empty).
 * `moves`: how often it has changed hands; of two gateways that restore it the higher one has it. */
#define LINK_FIELDS_claim(U8, U16, U32, U64, STR, BYTES, MESSAGE)                                  \
    U64(request) U64(session) STR(key) U8(family) U32(expire_ms) STR(user)
#define LINK_FIELDS_claimed(U8, U16, U32, U64, STR, BYTES, MESSAGE)                                \
    U64(request)                                                                                   \
    U64(session)                                                                                   \
    U8(result) STR(name) U32(moves) U16(code) STR(reason) BYTES(checkpoint) BYTES(unsent)

/* The holder has a receiver again, or has none: the broker times expiry. ATTACH also confirms that
 * CLAIMED MOVED has come, with all that followed it. */
#define LINK_FIELDS_attach(U8, U16, U32, U64, STR, BYTES, MESSAGE) U64(session)
#define LINK_FIELDS_detach(U8, U16, U32, U64, STR, BYTES, MESSAGE) U64(session)

/* The session ended. With a key, its tombstone answers claims with code and reason for `remember_ms`; but first
 * claimants get `unsent`, what no receiver has got, one after the other until nothing is left. */
#define LINK_FIELDS_drop_session(U8, U16, U32, U64, STR, BYTES, MESSAGE)                           \
    U64(session) U16(code) STR(reason) U32(remember_ms) BYTES(unsent)

/* `headers` as in a message: what of SUBSCRIBE the broker understands (history, since).
 * `recovered`: enum link_recovered; `position`: of the last message there is, where a past is kept. */
#define LINK_FIELDS_subscribe(U8, U16, U32, U64, STR, BYTES, MESSAGE)                              \
    U64(request) U64(session) U32(subscription) U8(ack) STR(destination) BYTES(headers)
#define LINK_FIELDS_subscribed(U8, U16, U32, U64, STR, BYTES, MESSAGE)                             \
    U64(request)                                                                                   \
    U64(session)                                                                                   \
    U32(subscription) U8(result) U32(group) U8(recovered) STR(position) STR(reason)
/* One message of the past, for one subscription that asked for it: behind its SUBSCRIBED, before what is live. */
#define LINK_FIELDS_replayed(U8, U16, U32, U64, STR, BYTES, MESSAGE)                               \
    U64(session) U32(subscription) STR(position) MESSAGE(message)
#define LINK_FIELDS_unsubscribe(U8, U16, U32, U64, STR, BYTES, MESSAGE)                            \
    U64(request) U64(session) U32(subscription)
#define LINK_FIELDS_unsubscribed(U8, U16, U32, U64, STR, BYTES, MESSAGE)                           \
    U64(request) U64(session) U32(subscription)

#define LINK_FIELDS_publish(U8, U16, U32, U64, STR, BYTES, MESSAGE)                                \
    U64(request) U64(session) MESSAGE(message)
#define LINK_FIELDS_published(U8, U16, U32, U64, STR, BYTES, MESSAGE)                              \
    U64(request) U64(session) U8(result) STR(position) STR(reason)

/* One per gateway and message. `groups`: u32 each; `individuals`: (u64 session, u32 subscription) each. */
#define LINK_FIELDS_delivered(U8, U16, U32, U64, STR, BYTES, MESSAGE)                              \
    STR(position) BYTES(groups) BYTES(individuals) MESSAGE(message)

/* End mark of one body: all the session sent before is handled. `relay`: the relay it answers, or 0.
 * `messages`: what the body made the session say, (u8 type, str32 body)*; they are handled with the
 * mark, all or none. */
#define LINK_FIELDS_checkpoint(U8, U16, U32, U64, STR, BYTES, MESSAGE)                             \
    U64(request) U64(session) U64(relay) BYTES(messages) BYTES(state)
#define LINK_FIELDS_checkpointed(U8, U16, U32, U64, STR, BYTES, MESSAGE)                           \
    U64(request) U64(session) U8(result)

/* The session's receivers have what came for it up to this number of the link: the broker forgets its log up to there. */
#define LINK_FIELDS_confirm(U8, U16, U32, U64, STR, BYTES, MESSAGE) U64(session) U64(number)
#define LINK_FIELDS_credit(U8, U16, U32, U64, STR, BYTES, MESSAGE) U32(bytes)

/* A send body for a session that is held elsewhere. `relay` names it: gateway id and a counter. */
#define LINK_FIELDS_relay(U8, U16, U32, U64, STR, BYTES, MESSAGE)                                  \
    U64(request) STR(key) U64(relay) STR(user) BYTES(body)
#define LINK_FIELDS_relayed(U8, U16, U32, U64, STR, BYTES, MESSAGE)                                \
    U64(session) U64(relay) BYTES(body)
#define LINK_FIELDS_relay_done(U8, U16, U32, U64, STR, BYTES, MESSAGE)                             \
    U64(request) U8(result) STR(reason)

/* Another gateway claims: hand over, or refuse because a receiver is alive. `number`: the last message of this
 * link that was handled. EXPIRE asks whether the session may end; answered with DROP_SESSION or REFUSED. */
#define LINK_FIELDS_yield(U8, U16, U32, U64, STR, BYTES, MESSAGE) U64(request) U64(session)
#define LINK_FIELDS_yielded(U8, U16, U32, U64, STR, BYTES, MESSAGE)                                \
    U64(request) U64(session) U64(number) BYTES(checkpoint) BYTES(unsent)
#define LINK_FIELDS_refused(U8, U16, U32, U64, STR, BYTES, MESSAGE) U64(request) U64(session)
#define LINK_FIELDS_expire(U8, U16, U32, U64, STR, BYTES, MESSAGE) U64(request) U64(session)

/* The holder wants to be rid of it: asks to be asked YIELD. Session 0: the gateway is about to stop, and takes none
 * any more. */
#define LINK_FIELDS_offer(U8, U16, U32, U64, STR, BYTES, MESSAGE) U64(session)

/* A send waits for a session that nobody holds: the gateway is to claim it, with or without a receiver. */
#define LINK_FIELDS_adopt(U8, U16, U32, U64, STR, BYTES, MESSAGE) STR(key) U8(family) STR(user)

/* After a new HELLO: everything the gateway holds. `subscriptions`: (u32 subscription, u8 ack, str16
 * destination, str32 headers)*; answered with the groups in the same order, u32 each. `number`: the
 * last message of the lost link that was handled. `hold`: enum link_hold. `unseen`:
 * how many of RESTORE_END's `recent`, the last of them, came after it had been yielded. `state`: as in CHECKPOINT, with
 * all that is unsent. */
#define LINK_FIELDS_restore(U8, U16, U32, U64, STR, BYTES, MESSAGE)                                \
    U64(session)                                                                                   \
    STR(key)                                                                                       \
    STR(name)                                                                                      \
    U8(family)                                                                                     \
    U32(expire_ms)                                                                                 \
    STR(user) U32(moves) U64(number) U8(hold) U32(unseen) BYTES(subscriptions) BYTES(state)
/* Session 0, the last: RESTORE_END was handled, and nothing is held back any more. */
#define LINK_FIELDS_restored(U8, U16, U32, U64, STR, BYTES, MESSAGE) U64(session) BYTES(groups)
/* Behind all RESTOREs, and all that was said before and is said again. `recent`: link_id_hash() of the message-ids
 * that were delivered last, u64 each. */
#define LINK_FIELDS_restore_end(U8, U16, U32, U64, STR, BYTES, MESSAGE) U32(sessions) BYTES(recent)

/* The session is held elsewhere now, or was lost: its receiver ends with `h`. */
#define LINK_FIELDS_gone(U8, U16, U32, U64, STR, BYTES, MESSAGE) U64(session) STR(reason)

#define LINK_TYPE_ROW(NAME, name, number, sender) LINK_##NAME = number,
enum link_type { LINK_MESSAGES(LINK_TYPE_ROW) };
#undef LINK_TYPE_ROW

#define LINK_FIELD_U8(field) uint8_t field;
#define LINK_FIELD_U16(field) uint16_t field;
#define LINK_FIELD_U32(field) uint32_t field;
#define LINK_FIELD_U64(field) uint64_t field;
#define LINK_FIELD_STR(field) struct str field;
#define LINK_FIELD_BYTES(field) struct str field;
#define LINK_FIELD_MESSAGE(field) struct link_message field;
#define LINK_STRUCT_ROW(NAME, name, number, sender)                                                \
    struct link_##name {                                                                           \
        LINK_FIELDS_##name(LINK_FIELD_U8, LINK_FIELD_U16, LINK_FIELD_U32, LINK_FIELD_U64,          \
                           LINK_FIELD_STR, LINK_FIELD_BYTES, LINK_FIELD_MESSAGE)                   \
    };                                                                                             \
    void link_put_##name(struct buf *out, const struct link_##name *message);                      \
    int link_get_##name(struct str body, struct link_##name *out_message)                          \
        __attribute__((warn_unused_result));
LINK_MESSAGES(LINK_STRUCT_ROW)
#undef LINK_STRUCT_ROW

/* "PUBLISH"; "unknown" for a number that is none. */
const char *link_type_name(uint8_t type);
bool link_type_is_from_gateway(uint8_t type);
bool link_type_is_from_broker(uint8_t type);

/* Walks a header block that a decoder has accepted: false at its end. */
bool link_next_header(struct str *rest, struct str *out_name, struct str *out_value);
void link_put_header(struct buf *block, struct str name, struct str value);
struct str link_find_header(struct str block, struct str name); /* at NULL when absent */

/* A message-id as RESTORE_END tells it: FNV-1a. */
uint64_t link_id_hash(struct str id);

/* Walks `groups` and `individuals` of a DELIVERED. */
bool link_next_u32(struct str *rest, uint32_t *out_value);
bool link_next_individual(struct str *rest, uint64_t *out_session, uint32_t *out_subscription);

/* Walks and writes CHECKPOINT's `messages`: PUBLISH, SUBSCRIBE and UNSUBSCRIBE. */
bool link_next_message(struct str *rest, uint8_t *out_type, struct str *out_body);
void link_put_message(struct buf *block, uint8_t type, struct str body);
bool link_messages_are_whole(struct str block); /* each of them can be decoded */

/* One of RESTORE's `subscriptions`; `headers` as in SUBSCRIBE. */
struct link_restored_subscription {
    uint32_t subscription;
    uint8_t ack;
    struct str destination;
    struct str headers;
};
void link_put_restored_subscription(struct buf *block,
                                    const struct link_restored_subscription *subscription);
bool link_next_restored_subscription(struct str *rest, struct link_restored_subscription *out_next);
