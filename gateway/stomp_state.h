/* SPDX-License-Identifier: MIT
 *
 * What the files of the STOMP conversation (stomp_*.c) know in common; nobody else includes this.
 */
#pragma once

#include "common/rate.h"
#include "gateway/interned.h"
#include "gateway/stomp_session.h"
#include "gateway/surrogates.h"
#include "proto/stomp_frame.h"

enum stomp_phase {
    STOMP_AWAIT_CONNECT,
    STOMP_CONNECTED_PHASE,
    STOMP_LEAVING, /* DISCONNECT's receipt is under way: what still comes is ignored */
    STOMP_FAILED,  /* over */
};

/* A decoder, and its limits: lent to a session while it reads, and as long as a frame is
 * unfinished. */
struct stomp_reader {
    struct stomp_decoder decoder;
    struct stomp_limits limits;
};

struct stomp {
    struct runtime *runtime;
    struct broker_link *link;
    struct delivery *delivery;
    struct interner destinations;
    struct stomp_reader *spare; /* owned; NULL while lent */
    struct shared_frame *beat;  /* LF */
    struct buf scratch;         /* a frame being encoded */
    struct buf headers;         /* a header block being encoded */
    struct buf mended;          /* text whose surrogate halves were mended */
    uint64_t messages;          /* accepted: the counter of message ids */
    char prefix[9];             /* of message ids: 40 random bits in base32 */
    struct rules *rules;        /* owned; NULL: all is allowed */
    struct str denied;          /* the destination that the next ERROR names */
    char refusal[96];           /* a sentence that names a limit, until the next */
};

struct stomp_subscription {
    struct stomp_subscription *next; /* stomp_session::subscriptions */
    struct delivery_seat seat;       /* in a group once the broker has said so */
    struct delivery_shape *shape;    /* version and id; a share */
    struct interned *destination;    /* a share */
    uint32_t number;
    uint8_t ack; /* enum link_ack */
    bool is_confirmed;
};

struct stomp_transaction {
    struct stomp_transaction *next; /* stomp_session::transactions */
    uint32_t frames;
    struct buf messages; /* for the broker, as CHECKPOINT has them */
    uint32_t len;
    char id[];
};

/* A frame whose RECEIPT waits for the broker's answer. */
struct stomp_receipt {
    struct stomp_receipt *next; /* stomp_session::receipts */
    uint64_t request;
    uint32_t len;
    bool ends; /* DISCONNECT */
    char id[];
};

struct stomp_session {
    struct stomp *stomp;
    const struct service_host *host;
    struct stomp_reader *reader;              /* owned while lent */
    struct stomp_subscription *subscriptions; /* owned */
    struct stomp_transaction *transactions;   /* owned, the latest first */
    struct stomp_receipt *receipts;           /* owned, oldest first */
    struct stomp_receipt **receipts_end;
    struct stomp_identity *identity; /* owned; NULL: nobody we know */
    struct wheel_entry timer;        /* login deadline, then heart-beats */
    struct broker_link_waiter waiter;
    uint32_t in_ms;  /* heart-beats: the client's interval, 0: none */
    uint32_t out_ms; /* ours */
    uint32_t last_number;
    uint32_t subscription_count;
    uint32_t request_count; /* whose answers have not come: receipts, subscriptions */
    struct rate beats;      /* line ends between frames */
    uint8_t phase;          /* enum stomp_phase */
    uint8_t version;        /* enum stomp_version */
    uint8_t busy;           /* calls under way: freed behind the last */
    bool is_paused;
    struct surrogates surrogates;
};

/* stomp_session.c */
void stomp_set_phase(struct stomp_session *session, enum stomp_phase phase);
bool stomp_is_over(const struct stomp_session *session);

/* Calls that may end the session stand between these two. */
void stomp_enter(struct stomp_session *session);
void stomp_leave(struct stomp_session *session);
void stomp_set_limits(struct stomp_session *session);
struct stomp_session *stomp_session_create(struct stomp *stomp, const struct service_host *host);
void stomp_add_receipt(struct stomp_session *session, uint64_t request, struct str id, bool ends);

/* The beginning of a frame that another gateway has read. False when it is no such thing. */
bool stomp_take_rest(struct stomp_session *session, struct str rest);

/* Sends the frame that stands in stomp::scratch. */
void stomp_send_scratch(struct stomp_session *session);

/* ERROR, then the end. `receipt_id` may be absent; `text` is one fixed sentence. */
void stomp_fail(struct stomp_session *session, const char *text, struct str receipt_id);
void stomp_fail_versions(struct stomp_session *session);

/* "<what> (at most <limit>)", until the next such call. */
const char *stomp_over_limit(struct stomp *stomp, const char *what, size_t limit);

/* What is wrong with the destination of a SEND or SUBSCRIBE; NULL: nothing. */
const char *stomp_check_destination(const struct stomp_session *session, struct str destination);

/* Stops reading while too much waits. */
void stomp_consider_pause(struct stomp_session *session);

/* The number of a request whose answer brings the frame's RECEIPT, and may be the last of the
 * session. 0 when the frame asks for none. */
uint64_t stomp_expect_receipt(struct stomp_session *session, const struct stomp_frame *frame);
void stomp_expect_receipt_as(struct stomp_session *session, const struct stomp_frame *frame,
                             uint64_t request);

/* One request more waits for its answer, with a RECEIPT or without. */
void stomp_count_request(struct stomp_session *session);

/* A RECEIPT that needs no answer but its turn: behind those of all earlier frames. */
void stomp_receipt_in_turn(struct stomp_session *session, const struct stomp_frame *frame);

/* stomp_commands.c */
void stomp_handle_frame(struct stomp_session *session, const struct stomp_frame *frame);

/* stomp_connect.c; a check answers NULL, or the sentence of the ERROR. */
const char *stomp_check_connect(struct stomp_session *session, const struct stomp_frame *frame);
void stomp_connect(struct stomp_session *session, const struct stomp_frame *frame);

/* stomp_subscriptions.c */
const char *stomp_check_subscribe(struct stomp_session *session, const struct stomp_frame *frame);
void stomp_subscribe(struct stomp_session *session, const struct stomp_frame *frame);
const char *stomp_check_unsubscribe(struct stomp_session *session, const struct stomp_frame *frame);
void stomp_unsubscribe(struct stomp_session *session, const struct stomp_frame *frame);

/* `is_told`: what the answer says of the past was in a RECEIPT. */
void stomp_subscribed(struct stomp_session *session, const struct broker_answer *answer,
                      bool is_told);
void stomp_restore_subscriptions(const struct stomp_session *session, struct buf *out);
void stomp_subscription_restored(struct stomp_session *session, uint32_t number, uint32_t group);
void stomp_drop_subscriptions(struct stomp_session *session);
void stomp_freeze_subscriptions(const struct stomp_session *session, struct buf *out);
void stomp_thaw_subscriptions(struct stomp_session *session, struct str subscriptions);
void stomp_deliver(void *service, uint32_t number, struct str position,
                   const struct link_message *message);

/* NULL: none of that id. */
struct stomp_subscription *stomp_find_subscription(const struct stomp_session *session,
                                                   struct str id);

/* stomp_acks.c */
const char *stomp_check_ack(struct stomp_session *session, const struct stomp_frame *frame);
void stomp_ack(struct stomp_session *session, const struct stomp_frame *frame);

/* stomp_transactions.c */
const char *stomp_check_begin(struct stomp_session *session, const struct stomp_frame *frame);
const char *stomp_check_end(struct stomp_session *session, const struct stomp_frame *frame);
void stomp_begin(struct stomp_session *session, const struct stomp_frame *frame);
void stomp_commit(struct stomp_session *session, const struct stomp_frame *frame);
void stomp_abort(struct stomp_session *session, const struct stomp_frame *frame);
void stomp_drop_transactions(struct stomp_session *session);
void stomp_freeze_transactions(const struct stomp_session *session, struct buf *out);
bool stomp_thaw_transactions(struct stomp_session *session, struct str transactions);

/* Of a SEND, ACK or NACK: NULL when it has no transaction header, or may be added there. */
const char *stomp_check_transaction(struct stomp_session *session, const struct stomp_frame *frame);
void stomp_transaction_publish(struct stomp_session *session, const struct stomp_frame *frame,
                               const struct link_publish *publish);
void stomp_transaction_note(struct stomp_session *session, const struct stomp_frame *frame);
/* stomp_identity.c; a check answers NULL, or the sentence of the ERROR. */
struct checkpoint_stomp;
const char *stomp_identity_admit(struct stomp_session *session, const struct stomp_frame *frame);
void stomp_identity_drop(struct stomp_session *session);
void stomp_identity_freeze(const struct stomp_session *session, struct checkpoint_stomp *out);
void stomp_identity_thaw(struct stomp_session *session, const struct checkpoint_stomp *frozen);
bool stomp_identity_is_secret(const struct stomp_session *session, struct str name);
const char *stomp_check_may_send(struct stomp_session *session, struct str destination);
const char *stomp_check_may_subscribe(struct stomp_session *session, struct str destination,
                                      bool is_pattern);

/* stomp_checkpoint.c */
void stomp_freeze(const void *service, struct buf *out);
void *stomp_thaw(void *context, const struct service_host *host, struct str state);

/* stomp_heartbeat.c */
bool stomp_heartbeat_parse(struct str header, uint64_t *out_sends_ms, uint64_t *out_wants_ms);
void stomp_heartbeat_await_login(struct stomp_session *session, uint64_t delay_ms);
void stomp_heartbeat_start(struct stomp_session *session);
