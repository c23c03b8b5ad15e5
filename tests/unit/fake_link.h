/* SPDX-License-Identifier: MIT
 *
 * For tests of sessions: the calls of gateway/broker_link.h, written down as lines instead of sent.
 *
 * A program that includes this has these functions instead of broker_link.c's.
 */
#pragma once

#include <stdio.h>

#include "common/mem.h"
#include "gateway/broker_link.h"

struct broker_link {
    char lines[8192];
    size_t len;
    uint64_t requests;
    bool is_ready;
    bool is_clogged;
    bool cancels; /* claims were not sent yet */
    bool is_gathering;
    bool is_delivering;
    uint64_t handled;            /* messages of the broker */
    size_t state_len;            /* of the last CHECKPOINT or RESTORE */
    struct link_checkpoint mark; /* of the body under way */
    struct buf unsent;           /* of the last YIELDED; the test's */
    struct buf checkpoint;
    struct broker_link_waiter *waiter;
};

#define FAKE_LINE(link, ...)                                                                       \
    ((link)->len += (size_t)snprintf((link)->lines + (link)->len,                                  \
                                     sizeof(link)->lines - (link)->len, __VA_ARGS__))
#define FAKE_STR(text) (int)(text).len, (text).at == NULL ? "" : (text).at

static const char *fake_link_take(struct broker_link *link)
{
    static char taken[sizeof link->lines];
    memcpy(taken, link->lines, link->len);
    taken[link->len] = '\0';
    link->len = 0;
    return taken;
}

uint64_t broker_link_number(struct broker_link *link)
{
    return ++link->requests;
}

bool broker_link_is_ready(const struct broker_link *link)
{
    return link->is_ready;
}

bool broker_link_is_clogged(const struct broker_link *link)
{
    return link->is_clogged;
}

void broker_link_wait(struct broker_link *link, struct broker_link_waiter *waiter,
                      void (*clear)(struct broker_link_waiter *waiter))
{
    link->waiter = waiter;
    waiter->clear = clear;
}

void broker_link_forget(struct broker_link_waiter *waiter)
{
    (void)waiter;
}

bool broker_link_cancel_claim(struct broker_link *link, uint64_t request)
{
    (void)request;
    return link->cancels;
}

void broker_link_claim(struct broker_link *link, const struct link_claim *claim)
{
    FAKE_LINE(link, "claim %.*s\n", FAKE_STR(claim->key));
}

void broker_link_attach(struct broker_link *link, uint64_t session)
{
    (void)session;
    FAKE_LINE(link, "attach\n");
}

void broker_link_detach(struct broker_link *link, uint64_t session)
{
    (void)session;
    FAKE_LINE(link, "detach\n");
}

void broker_link_drop(struct broker_link *link, const struct link_drop_session *drop)
{
    broker_link_end_body(link, STR(""));
    FAKE_LINE(link, "drop %u %.*s %u\n", drop->code, FAKE_STR(drop->reason), drop->remember_ms);
    link->unsent.len = 0;
    buf_append_str(&link->unsent, drop->unsent);
}

void broker_link_refuse(struct broker_link *link, uint64_t request, uint64_t session)
{
    (void)request;
    (void)session;
    FAKE_LINE(link, "refuse\n");
}

void broker_link_yielded(struct broker_link *link, const struct link_yielded *yielded)
{
    FAKE_LINE(link, "yielded unsent=%u\n", (unsigned)yielded->unsent.len);
    buf_finish(&link->unsent);
    buf_finish(&link->checkpoint);
    buf_append_str(&link->unsent, yielded->unsent);
    buf_append_str(&link->checkpoint, yielded->checkpoint);
}

void broker_link_offer(struct broker_link *link, uint64_t session)
{
    FAKE_LINE(link, "offer %u\n", (unsigned)session);
}

void broker_link_relay(struct broker_link *link, const struct link_relay *relay)
{
    FAKE_LINE(link, "relay %.*s %u\n", FAKE_STR(relay->key), (unsigned)relay->body.len);
}

bool broker_link_cancel_relay(struct broker_link *link, uint64_t request)
{
    (void)request;
    return link->cancels;
}

uint64_t broker_link_delivered(const struct broker_link *link)
{
    return link->requests;
}

uint64_t broker_link_handled(const struct broker_link *link)
{
    return link->requests;
}

uint64_t broker_link_mark(const struct broker_link *link)
{
    return link->handled + 1;
}

bool broker_link_is_delivering(const struct broker_link *link)
{
    return link->is_delivering;
}

void broker_link_confirm(struct broker_link *link, uint64_t session, uint64_t number)
{
    FAKE_LINE(link, "confirm %u %u\n", (unsigned)session, (unsigned)number);
}

uint64_t broker_link_handled_before(const struct broker_link *link)
{
    return link->requests;
}

void broker_link_begin_body(struct broker_link *link, const struct link_checkpoint *mark)
{
    link->mark = *mark;
    link->is_gathering = true;
}

void broker_link_end_body(struct broker_link *link, struct str state)
{
    link->state_len = state.len;
    if (link->is_gathering) {
        link->is_gathering = false;
        FAKE_LINE(link, link->mark.relay == 0 ? "checkpoint %u\n" : "checkpoint %u of a relay\n",
                  (unsigned)link->mark.request);
    }
}

void broker_link_checkpoint(struct broker_link *link, const struct link_checkpoint *checkpoint)
{
    struct str rest = checkpoint->messages;
    uint8_t type;
    struct str body;
    while (link_next_message(&rest, &type, &body)) {
        struct link_publish publish;
        if (type == LINK_PUBLISH && link_get_publish(body, &publish) == 0) {
            FAKE_LINE(link, "with PUBLISH of %u\n", (unsigned)publish.session);
        }
    }
    link->state_len = checkpoint->state.len;
    FAKE_LINE(link, "checkpoint %u\n", (unsigned)checkpoint->request);
}

void broker_link_publish(struct broker_link *link, const struct link_publish *publish)
{
    struct str headers = publish->message.headers;
    struct str name;
    struct str value;
    FAKE_LINE(link, "publish %u %.*s", (unsigned)publish->request,
              FAKE_STR(publish->message.destination));
    while (link_next_header(&headers, &name, &value)) {
        FAKE_LINE(link, " %.*s=%.*s", FAKE_STR(name), FAKE_STR(value));
    }
    FAKE_LINE(link, " [%.*s]\n", FAKE_STR(publish->message.body));
}

void broker_link_subscribe(struct broker_link *link, const struct link_subscribe *subscribe)
{
    FAKE_LINE(link, "subscribe %u %u %.*s\n", (unsigned)subscribe->request, subscribe->subscription,
              FAKE_STR(subscribe->destination));
}

void broker_link_unsubscribe(struct broker_link *link, const struct link_unsubscribe *unsubscribe)
{
    FAKE_LINE(link, "unsubscribe %u %u\n", (unsigned)unsubscribe->request,
              unsubscribe->subscription);
}

void broker_link_restore(struct broker_link *link, const struct link_restore *restore)
{
    link->state_len = restore->state.len;
    FAKE_LINE(link, "restore %.*s attached=%u subscriptions=%u\n", FAKE_STR(restore->key),
              restore->hold, (unsigned)restore->subscriptions.len);
}
