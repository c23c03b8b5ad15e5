/* SPDX-License-Identifier: MIT
 *
 * Messages from the broker: one row and one function each.
 *
 *   broker_answers_take() finds the row, checks that the message is allowed now; the row's function
 *   decodes it, settles the request it answers, and tells the handler.
 *
 * Whatever is not as docs/link-protocol.md says loses the link, with the message's name in the log.
 */
#include <assert.h>

#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/settings.h"
#include "common/test_rule.h"
#include "common/wire.h"
#include "gateway/broker_link_state.h"

static void finish_restoring(struct broker_link *link)
{
    if (link->is_restoring && link->is_released && link->outbox.restores.count == 0) {
        link->is_restoring = false;
        link->handler->restored_all(link->data);
    }
}

static int take_helloed(struct broker_link *link, struct str body)
{
    struct link_helloed helloed;
    if (link_get_helloed(body, &helloed) < 0 || helloed.version != LINK_VERSION ||
        helloed.window == 0) {
        return ERR_PROTOCOL;
    }
    broker_link_greeted(link, &helloed);
    finish_restoring(link);
    return 0;
}

static int take_rejected(struct broker_link *link, struct str body)
{
    struct link_rejected rejected;
    if (link_get_rejected(body, &rejected) < 0) {
        return ERR_PROTOCOL;
    }
    log_event(LOG_ERROR, "link_rejected", log_str("reason", rejected.reason));
    link->retry_ms = link->runtime->settings->link_retry_ms_max;
    return ERR_DENIED;
}

static void count_claim(struct stats *stats, uint8_t result)
{
    static const size_t counters[] = {
        [LINK_CLAIM_NEW] = offsetof(struct stats, claims_new),
        [LINK_CLAIM_MOVED] = offsetof(struct stats, claims_moved),
        [LINK_CLAIM_BUSY] = offsetof(struct stats, claims_busy),
        [LINK_CLAIM_CLOSED] = offsetof(struct stats, claims_closed),
        [LINK_CLAIM_OTHER] = offsetof(struct stats, claims_other),
        [LINK_CLAIM_FULL] = offsetof(struct stats, claims_full),
    };
    ++*(uint64_t *)(void *)((char *)stats + counters[result]);
}

static int take_claimed(struct broker_link *link, struct str body)
{
    struct link_claimed claimed;
    if (link_get_claimed(body, &claimed) < 0) {
        return ERR_PROTOCOL;
    }
    outbox_answered(&link->outbox, claimed.request);
    count_claim(&link->runtime->stats, claimed.result);
    link->handler->claimed(link->data, &claimed);
    return 0;
}

static void pass_answer(struct broker_link *link, const struct broker_answer *answer)
{
    outbox_answered(&link->outbox, answer->request);
    link->handler->answered(link->data, answer);
}

static int take_subscribed(struct broker_link *link, struct str body)
{
    struct link_subscribed subscribed;
    if (link_get_subscribed(body, &subscribed) < 0) {
        return ERR_PROTOCOL;
    }
    pass_answer(link, &(struct broker_answer){.type = LINK_SUBSCRIBED,
                                              .result = subscribed.result,
                                              .subscription = subscribed.subscription,
                                              .group = subscribed.group,
                                              .recovered = subscribed.recovered,
                                              .position = subscribed.position,
                                              .request = subscribed.request,
                                              .session = subscribed.session,
                                              .reason = subscribed.reason});
    return 0;
}

static int take_unsubscribed(struct broker_link *link, struct str body)
{
    struct link_unsubscribed unsubscribed;
    if (link_get_unsubscribed(body, &unsubscribed) < 0) {
        return ERR_PROTOCOL;
    }
    pass_answer(link, &(struct broker_answer){.type = LINK_UNSUBSCRIBED,
                                              .subscription = unsubscribed.subscription,
                                              .request = unsubscribed.request,
                                              .session = unsubscribed.session});
    return 0;
}

static int take_published(struct broker_link *link, struct str body)
{
    struct link_published published;
    if (link_get_published(body, &published) < 0) {
        return ERR_PROTOCOL;
    }
    pass_answer(link, &(struct broker_answer){.type = LINK_PUBLISHED,
                                              .result = published.result,
                                              .position = published.position,
                                              .request = published.request,
                                              .session = published.session,
                                              .reason = published.reason});
    return 0;
}

static int take_checkpointed(struct broker_link *link, struct str body)
{
    struct link_checkpointed checkpointed;
    if (link_get_checkpointed(body, &checkpointed) < 0) {
        return ERR_PROTOCOL;
    }
    pass_answer(link, &(struct broker_answer){.type = LINK_CHECKPOINTED,
                                              .result = checkpointed.result,
                                              .request = checkpointed.request,
                                              .session = checkpointed.session});
    return 0;
}

static int take_delivered(struct broker_link *link, struct str body)
{
    struct link_delivered delivered;
    if (link_get_delivered(body, &delivered) < 0) {
        return ERR_PROTOCOL;
    }
    link->runtime->stats.delivered_messages++;
    if (recent_knows(&link->recent, delivered.message.id) && TEST_RULE(repeats_are_known)) {
        link->runtime->stats.delivered_again++;
        delivered.groups.len =
            0; /* our members have it; single subscriptions are the broker's care */
    }
    link->is_delivering = true;
    link->handler->delivered(link->data, &delivered);
    link->is_delivering = false;
    return 0;
}

/* Not one of what `recent` knows: it may have been delivered long ago, to others. */
static int take_replayed(struct broker_link *link, struct str body)
{
    struct link_replayed replayed;
    struct buf individual = {0};
    if (link_get_replayed(body, &replayed) < 0) {
        return ERR_PROTOCOL;
    }
    link->runtime->stats.replayed_messages++;
    wire_put_u64(&individual, replayed.session);
    wire_put_u32(&individual, replayed.subscription);
    link->is_delivering = true;
    link->handler->delivered(link->data,
                             &(struct link_delivered){.position = replayed.position,
                                                      .individuals = buf_str(&individual),
                                                      .message = replayed.message});
    link->is_delivering = false;
    buf_finish(&individual);
    return 0;
}

static int take_credit(struct broker_link *link, struct str body)
{
    struct link_credit credit;
    if (link_get_credit(body, &credit) < 0 || !outbox_add_credit(&link->outbox, credit.bytes)) {
        return ERR_PROTOCOL;
    }
    broker_link_tell_waiters(link);
    return 0;
}

/* The groups stand in the order of the subscriptions that RESTORE had. */
static int take_restored(struct broker_link *link, struct str body)
{
    struct link_restored restored;
    struct buf restore_body = {0};
    if (link_get_restored(body, &restored) == 0 && restored.session == 0) {
        link->is_released = true;
        finish_restoring(link);
        return 0;
    }
    if (link_get_restored(body, &restored) < 0 ||
        !outbox_take_restore(&link->outbox, restored.session, &restore_body)) {
        return ERR_PROTOCOL;
    }
    struct link_restore restore;
    int code = link_get_restore(buf_str(&restore_body), &restore);
    assert(code == 0);
    struct link_restored_subscription subscription;
    uint32_t group = 0;
    while (link_next_restored_subscription(&restore.subscriptions, &subscription)) {
        if (!link_next_u32(&restored.groups, &group)) {
            code = ERR_PROTOCOL;
            break;
        }
        link->handler->restored(link->data, restored.session, subscription.subscription, group);
    }
    buf_finish(&restore_body);
    finish_restoring(link);
    return code;
}

static int take_gone(struct broker_link *link, struct str body)
{
    struct link_gone gone;
    if (link_get_gone(body, &gone) < 0) {
        return ERR_PROTOCOL;
    }
    struct buf restore_body = {0};
    (void)outbox_take_restore(&link->outbox, gone.session, &restore_body);
    buf_finish(&restore_body);
    link->handler->gone(link->data, gone.session, gone.reason);
    finish_restoring(link);
    return 0;
}

static int take_yield(struct broker_link *link, struct str body)
{
    struct link_yield yield;
    if (link_get_yield(body, &yield) < 0) {
        return ERR_PROTOCOL;
    }
    link->handler->yield(link->data, yield.request, yield.session);
    return 0;
}

static int take_relayed(struct broker_link *link, struct str body)
{
    struct link_relayed relayed;
    if (link_get_relayed(body, &relayed) < 0) {
        return ERR_PROTOCOL;
    }
    link->handler->relayed(link->data, &relayed);
    return 0;
}

static int take_relay_done(struct broker_link *link, struct str body)
{
    struct link_relay_done done;
    if (link_get_relay_done(body, &done) < 0) {
        return ERR_PROTOCOL;
    }
    outbox_answered(&link->outbox, done.request);
    link->handler->relay_done(link->data, done.request, done.result);
    return 0;
}

static int take_expire(struct broker_link *link, struct str body)
{
    struct link_expire expire;
    if (link_get_expire(body, &expire) < 0) {
        return ERR_PROTOCOL;
    }
    link->handler->expire(link->data, expire.request, expire.session);
    return 0;
}

static int take_adopt(struct broker_link *link, struct str body)
{
    struct link_adopt adopt;
    if (link_get_adopt(body, &adopt) < 0) {
        return ERR_PROTOCOL;
    }
    link->handler->adopt(link->data, &adopt);
    return 0;
}

static const struct {
    uint8_t type;
    enum broker_link_phase allowed_in;
    int (*take)(struct broker_link *link, struct str body);
} rows[] = {
    {LINK_DELIVERED, LINK_UP, take_delivered},
    {LINK_REPLAYED, LINK_UP, take_replayed},
    {LINK_PUBLISHED, LINK_UP, take_published},
    {LINK_CREDIT, LINK_UP, take_credit},
    {LINK_CLAIMED, LINK_UP, take_claimed},
    {LINK_SUBSCRIBED, LINK_UP, take_subscribed},
    {LINK_UNSUBSCRIBED, LINK_UP, take_unsubscribed},
    {LINK_CHECKPOINTED, LINK_UP, take_checkpointed},
    {LINK_EXPIRE, LINK_UP, take_expire},
    {LINK_ADOPT, LINK_UP, take_adopt},
    {LINK_YIELD, LINK_UP, take_yield},
    {LINK_RELAYED, LINK_UP, take_relayed},
    {LINK_RELAY_DONE, LINK_UP, take_relay_done},
    {LINK_RESTORED, LINK_UP, take_restored},
    {LINK_GONE, LINK_UP, take_gone},
    {LINK_HELLOED, LINK_GREETING, take_helloed},
    {LINK_REJECTED, LINK_GREETING, take_rejected},
};

int broker_answers_take(struct broker_link *link, uint8_t type, struct str body)
{
    int code = ERR_PROTOCOL;
    for (size_t i = 0; i < MEM_COUNT(rows); i++) {
        if (rows[i].type == type && rows[i].allowed_in == link->phase) {
            code = rows[i].take(link, body);
            break;
        }
    }
    if (code == ERR_PROTOCOL) {
        log_event(LOG_ERROR, "link_message_refused", log_text("message", link_type_name(type)),
                  log_u64("type", type), log_u64("bytes", body.len));
    }
    return code;
}
