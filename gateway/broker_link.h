/* SPDX-License-Identifier: MIT
 *
 * The gateway's end of the link: connect, hello, restore, requests and their answers, credit.
 *
 *   DOWN --> CONNECTING --> GREETING --> UP --> DOWN ...
 *
 * What is sent goes out in order, whatever happens between: while the link is down, or the broker's
 * credit is used up, messages wait here. A request that was not answered when the link is lost is
 * sent again, with the same bytes, after everything was restored. When more waits than one window
 * of credit, sessions that publish are to stop reading (broker_link_is_clogged, broker_link_wait).
 */
#pragma once

#include "common/link.h"
#include "gateway/runtime.h"
#include "proto/link_msg.h"

struct broker_link;
struct broker_settings;

/* The answer to a request of a session; texts live until the callback returns. */
struct broker_answer {
    uint8_t type;   /* LINK_SUBSCRIBED, LINK_UNSUBSCRIBED, LINK_PUBLISHED or LINK_CHECKPOINTED */
    uint8_t result; /* enum link_result */
    uint32_t subscription;
    uint32_t group;
    uint8_t recovered; /* enum link_recovered */
    uint64_t request;
    uint64_t session;
    struct str position; /* empty: there is no past */
    struct str reason;
};

/* What comes by the link. Sessions are named by handle: one that is gone is normal. */
struct broker_link_handler {
    size_t (*session_count)(void *data);
    void (*restore)(
        void *data); /* a new broker listens: broker_link_restore() for every session, now */
    void (*lost)(void *data); /* groups are void; requests wait */
    void (*claimed)(void *data, const struct link_claimed *claimed);
    void (*answered)(void *data, const struct broker_answer *answer);
    void (*restored)(void *data, uint64_t session, uint32_t subscription, uint32_t group);
    void (*restored_all)(
        void *data); /* the last RESTORED has come: it is as if nothing had happened */
    void (*delivered)(void *data, const struct link_delivered *delivered);
    void (*expire)(void *data, uint64_t request, uint64_t session);
    void (*yield)(void *data, uint64_t request, uint64_t session);
    void (*relayed)(void *data, const struct link_relayed *relayed);
    void (*relay_done)(void *data, uint64_t request, uint8_t result);
    void (*yield_again)(void *data); /* behind `restore`, and what was not answered: YIELDED of
                                        sessions that were restored as yielded */
    void (*adopt)(void *data, const struct link_adopt *adopt);
    void (*gone)(void *data, uint64_t session, struct str reason);
};

/* Somebody who stopped because the link was clogged; zeroed is nobody. */
struct broker_link_waiter {
    struct list_node node; /* broker_link::waiters */
    void (*clear)(struct broker_link_waiter *waiter);
};

/* Starts connecting. `settings` and `handler` are borrowed. */
struct broker_link *broker_link_create(struct runtime *runtime,
                                       const struct broker_settings *settings);
void broker_link_open(struct broker_link *link, const struct broker_link_handler *handler,
                      void *data);

/* Writes what it can, closes. `closed` comes when nothing of libuv is left (perhaps before
 * return). */
typedef void (*broker_link_closed_cb)(void *data);
void broker_link_close(struct broker_link *link, broker_link_closed_cb closed, void *data);
void broker_link_destroy(struct broker_link *link); /* takes NULL; closed before, or never opened */

/* The broker has greeted us and given every session back. */
bool broker_link_is_ready(const struct broker_link *link);

/* What waits for the broker: bytes, and requests without an answer. For metrics. */
size_t broker_link_queued(const struct broker_link *link);
size_t broker_link_pending(const struct broker_link *link);

/* More waits than may: whoever publishes is to stop. */
bool broker_link_is_clogged(const struct broker_link *link);
void broker_link_wait(struct broker_link *link, struct broker_link_waiter *waiter,
                      void (*clear)(struct broker_link_waiter *waiter));
void broker_link_forget(struct broker_link_waiter *waiter);

/* Draws the number of a request that will be answered. */
uint64_t broker_link_number(struct broker_link *link);

/* Messages to the broker, in order. `request` 0: no answer. */
void broker_link_claim(struct broker_link *link, const struct link_claim *claim);

/* Takes a claim back that was never sent; false when its answer will come. */
bool broker_link_cancel_claim(struct broker_link *link, uint64_t request);
void broker_link_publish(struct broker_link *link, const struct link_publish *publish);
void broker_link_subscribe(struct broker_link *link, const struct link_subscribe *subscribe);
void broker_link_unsubscribe(struct broker_link *link, const struct link_unsubscribe *unsubscribe);

/* `messages` are applied all or none; `request` is answered behind them. */
void broker_link_checkpoint(struct broker_link *link, const struct link_checkpoint *checkpoint);
/* While the link is down only a drop that leaves a tombstone is kept: what is not restored ends
 * by itself. */
void broker_link_drop(struct broker_link *link, const struct link_drop_session *drop);
void broker_link_yielded(struct broker_link *link, const struct link_yielded *yielded);
void broker_link_offer(struct broker_link *link, uint64_t session); /* 0: we take none any more */
void broker_link_relay(struct broker_link *link, const struct link_relay *relay);

/* Takes a relay back that was never sent; false when its answer will come. */
bool broker_link_cancel_relay(struct broker_link *link, uint64_t request);

/* Between these two, what the session publishes and subscribes to is gathered, and goes out in one
 * CHECKPOINT: all of it is handled or none. Ended early by broker_link_drop() of the session. */
void broker_link_begin_body(struct broker_link *link, const struct link_checkpoint *mark);
bool broker_link_is_gathering(const struct broker_link *link);
void broker_link_end_body(struct broker_link *link, struct str state);

/* How many messages have been delivered, each once. */
uint64_t broker_link_delivered(const struct broker_link *link);

/* The number of the broker's last message that was read: on this link; on the one before it. */
uint64_t broker_link_handled(const struct broker_link *link);
uint64_t broker_link_handled_before(const struct broker_link *link);

/* What is made now comes of this number: that of the broker's message being handled, or of the next. Delivering: that
 * message is a DELIVERED. */
uint64_t broker_link_mark(const struct broker_link *link);
bool broker_link_is_delivering(const struct broker_link *link);

/* Nothing of that session up to `number` is needed any more. */
void broker_link_confirm(struct broker_link *link, uint64_t session, uint64_t number);
void broker_link_refuse(struct broker_link *link, uint64_t request, uint64_t session);

/* Nothing where the session will be restored anyway, with what is true then. */
void broker_link_attach(struct broker_link *link, uint64_t session);
void broker_link_detach(struct broker_link *link, uint64_t session);

/* Inside handler->restore only. */
void broker_link_restore(struct broker_link *link, const struct link_restore *restore);
