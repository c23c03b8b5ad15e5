/* SPDX-License-Identifier: MIT
 *
 * A session's subscriptions: SUBSCRIBE, UNSUBSCRIBE, and what the broker makes of them.
 *
 *   stomp_subscribe() notes it and asks the broker; stomp_subscribed() joins the group the answer
 *   names: from then on MESSAGEs come, all of them behind the RECEIPT;
 *   stomp_restore_subscriptions() tells a new broker, stomp_subscription_restored() joins anew.
 *
 * In 1.1 and 1.2 the id names a subscription; in 1.0 the id, or where there is none the
 * destination. They are looked up in a list: they are few, and the hot path (delivery.c) does not
 * come by here.
 */
#include "common/mem.h"
#include "common/settings.h"
#include "gateway/checkpoint.h"
#include "gateway/stomp_state.h"
#include "proto/destination.h"

#define ID_BYTES_MAX 128
#define SEPARATOR '/'
#define HISTORY_MAX 1000000
#define SINCE_BYTES_MAX 128 /* what is no position is one that nobody knows */

/* ---- the list ---- */

static bool is_named(const struct stomp_subscription *subscription, struct str id,
                     struct str destination)
{
    struct str own = delivery_shape_id(subscription->shape);
    if (id.at != NULL) {
        return own.at != NULL && str_equal(own, id);
    }
    return own.at == NULL && destination.at != NULL &&
           str_equal(interned_str(subscription->destination), destination);
}

/* Where the pointer to it stands; to NULL when there is none. */
static struct stomp_subscription **find_by_frame(struct stomp_session *session,
                                                 const struct stomp_frame *frame)
{
    struct str id = stomp_frame_header(frame, "id");
    struct str destination = stomp_frame_header(frame, "destination");
    struct stomp_subscription **at = &session->subscriptions;
    while (*at != NULL && !is_named(*at, id, destination)) {
        at = &(*at)->next;
    }
    return at;
}

static struct stomp_subscription *find_by_number(const struct stomp_session *session,
                                                 uint32_t number)
{
    struct stomp_subscription *subscription = session->subscriptions;
    while (subscription != NULL && subscription->number != number) {
        subscription = subscription->next;
    }
    return subscription;
}

struct stomp_subscription *stomp_find_subscription(const struct stomp_session *session,
                                                   struct str id)
{
    struct stomp_subscription *subscription = session->subscriptions;
    while (subscription != NULL && !is_named(subscription, id, (struct str){NULL, 0})) {
        subscription = subscription->next;
    }
    return subscription;
}

static void remove_at(struct stomp_session *session, struct stomp_subscription **at)
{
    struct stomp *stomp = session->stomp;
    struct stomp_subscription *subscription = *at;
    *at = subscription->next;
    session->subscription_count--;
    stomp->runtime->stats.subscriptions_closed++;
    delivery_leave(stomp->delivery, &subscription->seat);
    delivery_shape_release(stomp->delivery, subscription->shape);
    interner_release(&stomp->destinations, subscription->destination);
    mem_free(subscription);
}

void stomp_drop_subscriptions(struct stomp_session *session)
{
    while (session->subscriptions != NULL) {
        remove_at(session, &session->subscriptions);
    }
}

static void tell_removed(struct stomp_session *session, uint32_t number, uint64_t request)
{
    const struct link_unsubscribe unsubscribe = {
        .request = request, .session = session->host->session, .subscription = number};
    broker_link_unsubscribe(session->stomp->link, &unsubscribe);
}

/* ---- SUBSCRIBE ---- */

static const struct ack_word {
    struct str word;
    enum link_ack mode;
} acks[] = {
    {{"auto", 4}, LINK_ACK_AUTO},
    {{"client", 6}, LINK_ACK_CLIENT},
    {{"client-individual", 17}, LINK_ACK_INDIVIDUAL},
};

/* NULL: no such mode. */
static const struct ack_word *find_ack(struct str word)
{
    for (size_t i = 0; i < MEM_COUNT(acks); i++) {
        if (str_equal(acks[i].word, word)) {
            return &acks[i];
        }
    }
    return NULL;
}

static uint8_t ack_of(const struct stomp_frame *frame)
{
    struct str ack = stomp_frame_header(frame, "ack");
    return (uint8_t)(ack.at == NULL ? LINK_ACK_AUTO : find_ack(ack)->mode);
}

/* Only 1.2 has an ack header in MESSAGE. */
static struct delivery_shape *share_shape(const struct stomp_session *session, struct str id,
                                          uint8_t ack)
{
    bool has_ack = session->version == STOMP_1_2 && ack != LINK_ACK_AUTO;
    return delivery_shape_share(session->stomp->delivery, (enum stomp_version)session->version, id,
                                has_ack);
}

static const char *check_ack(const struct stomp_frame *frame)
{
    struct str ack = stomp_frame_header(frame, "ack");
    return ack.at == NULL || find_ack(ack) != NULL
               ? NULL
               : "Unknown ack mode: it must be auto, client or client-individual";
}

static const char *check_past(const struct stomp_frame *frame)
{
    struct str history = stomp_frame_header(frame, "history");
    struct str since = stomp_frame_header(frame, "since");
    unsigned long long count;
    if (history.at != NULL && !str_to_u64(history, HISTORY_MAX, &count)) {
        return "The history header must be a number from 0 to 1000000";
    }
    if (since.at != NULL && since.len > SINCE_BYTES_MAX) {
        return "The since header is longer than 128 bytes";
    }
    return NULL;
}

static const char *check_name(struct stomp_session *session, struct str destination)
{
    if (destination.at == NULL) {
        return "SUBSCRIBE needs a destination header";
    }
    const char *fault = stomp_check_destination(session, destination);
    if (fault != NULL) {
        return fault;
    }
    bool is_pattern = destination_is_pattern(destination);
    if (is_pattern && destination_check_pattern(destination, SEPARATOR) < 0) {
        return "The destination pattern is not supported: it has a regular expression, an open "
               "brace, "
               "or too many segments";
    }
    return stomp_check_may_subscribe(session, destination, is_pattern);
}

static bool has_duplicate_error(const struct stomp_session *session)
{
    return session->host->is_tcp ||
           session->stomp->runtime->settings->duplicate_subscription == DUPLICATE_ERROR;
}

const char *stomp_check_subscribe(struct stomp_session *session, const struct stomp_frame *frame)
{
    struct str id = stomp_frame_header(frame, "id");
    bool is_known = *find_by_frame(session, frame) != NULL;
    const char *fault = check_name(session, stomp_frame_header(frame, "destination"));
    if (fault != NULL) {
        return fault;
    }
    if (id.at == NULL && session->version != STOMP_1_0) {
        return "SUBSCRIBE needs an id header";
    }
    if (id.at != NULL && id.len > ID_BYTES_MAX) {
        return "The id header is longer than 128 bytes";
    }
    fault = check_ack(frame);
    if (fault == NULL) {
        fault = check_past(frame);
    }
    if (fault != NULL) {
        return fault;
    }
    if (is_known && has_duplicate_error(session)) {
        return "There is a subscription of this id already";
    }
    if (!is_known && session->subscription_count >= session->host->limits->subscriptions_max) {
        return stomp_over_limit(session->stomp, "Too many subscriptions in this session",
                                session->host->limits->subscriptions_max);
    }
    return NULL;
}

/* What the broker understands. */
static struct str collect_headers(struct stomp *stomp, const struct stomp_frame *frame)
{
    static const char *const names[] = {"history", "since"};
    stomp->headers.len = 0;
    for (size_t i = 0; i < MEM_COUNT(names); i++) {
        struct str value = stomp_frame_header(frame, names[i]);
        if (value.at != NULL) {
            link_put_header(&stomp->headers, str_of(names[i]), value);
        }
    }
    return buf_str(&stomp->headers);
}

static void add_subscription(struct stomp_session *session, const struct stomp_frame *frame)
{
    struct stomp *stomp = session->stomp;
    struct str destination = stomp_frame_header(frame, "destination");
    struct stomp_subscription *subscription = mem_zalloc(sizeof *subscription);
    subscription->number = ++session->last_number;
    subscription->destination = interner_share(&stomp->destinations, destination);
    subscription->ack = ack_of(frame);
    subscription->shape = share_shape(session, stomp_frame_header(frame, "id"), subscription->ack);
    subscription->next = session->subscriptions;
    session->subscriptions = subscription;
    session->subscription_count++;
    stomp->runtime->stats.subscriptions_opened++;
    const struct link_subscribe subscribe = {
        .request = broker_link_number(stomp->link),
        .session = session->host->session,
        .subscription = subscription->number,
        .ack = subscription->ack,
        .destination = interned_str(subscription->destination),
        .headers = collect_headers(stomp, frame),
    };
    stomp_expect_receipt_as(session, frame, subscribe.request);
    broker_link_subscribe(stomp->link, &subscribe);
    stomp_count_request(session);
}

void stomp_subscribe(struct stomp_session *session, const struct stomp_frame *frame)
{
    struct stomp_subscription **known = find_by_frame(session, frame);
    if (*known != NULL) {
        if (session->stomp->runtime->settings->duplicate_subscription == DUPLICATE_IGNORE) {
            stomp_receipt_in_turn(session, frame);
            return;
        }
        tell_removed(session, (*known)->number, 0);
        remove_at(session, known);
    }
    add_subscription(session, frame);
}

static void tell(struct stomp_session *session, struct stomp_subscription *subscription,
                 uint8_t recovered)
{
    if (recovered != LINK_RECOVERED_NOT_ASKED) {
        subscription->shape = delivery_shape_tell(session->stomp->delivery, subscription->shape,
                                                  recovered == LINK_RECOVERED);
    }
}

/* It may have been given up meanwhile: then the broker's group never had us. Group 0: the answer comes from the log of a
 * session that has moved, and the group follows. */
void stomp_subscribed(struct stomp_session *session, const struct broker_answer *answer,
                      bool is_told)
{
    struct stomp_subscription *subscription = find_by_number(session, answer->subscription);
    if (subscription != NULL && !subscription->is_confirmed) {
        subscription->is_confirmed = true;
    }
    if (subscription != NULL && !is_told && subscription->seat.group == NULL) {
        tell(session, subscription, answer->recovered);
    }
    if (subscription != NULL && subscription->seat.group == NULL && answer->group != 0) {
        delivery_join(session->stomp->delivery, answer->group, &subscription->seat, session->host,
                      subscription->shape);
    }
}

/* ---- UNSUBSCRIBE ---- */

const char *stomp_check_unsubscribe(struct stomp_session *session, const struct stomp_frame *frame)
{
    struct str id = stomp_frame_header(frame, "id");
    if (id.at == NULL && session->version != STOMP_1_0) {
        return "UNSUBSCRIBE needs an id header";
    }
    if (id.at == NULL && stomp_frame_header(frame, "destination").at == NULL) {
        return "UNSUBSCRIBE needs an id or a destination header";
    }
    if (session->host->is_tcp && *find_by_frame(session, frame) == NULL) {
        return "There is no subscription of this id";
    }
    return NULL;
}

void stomp_unsubscribe(struct stomp_session *session, const struct stomp_frame *frame)
{
    struct stomp_subscription **known = find_by_frame(session, frame);
    if (*known == NULL) {
        stomp_receipt_in_turn(session, frame); /* browsers unsubscribe twice */
        return;
    }
    uint64_t request = stomp_expect_receipt(session, frame);
    tell_removed(session, (*known)->number, request);
    remove_at(session, known);
}

/* ---- a new broker ---- */

/* What was not confirmed is asked for again by its own SUBSCRIBE. */
void stomp_restore_subscriptions(const struct stomp_session *session, struct buf *out)
{
    const struct stomp_subscription *subscription = session->subscriptions;
    for (; subscription != NULL; subscription = subscription->next) {
        if (subscription->is_confirmed) {
            const struct link_restored_subscription restored = {
                .subscription = subscription->number,
                .ack = subscription->ack,
                .destination = interned_str(subscription->destination),
            };
            link_put_restored_subscription(out, &restored);
        }
    }
}

void stomp_subscription_restored(struct stomp_session *session, uint32_t number, uint32_t group)
{
    struct stomp_subscription *subscription = find_by_number(session, number);
    if (subscription == NULL || subscription->seat.group != NULL) {
        return;
    }
    if (group == 0) {
        stomp_fail(session, "The broker did not restore a subscription", (struct str){NULL, 0});
        return;
    }
    delivery_join(session->stomp->delivery, group, &subscription->seat, session->host,
                  subscription->shape);
}

/* ---- another gateway ---- */

void stomp_freeze_subscriptions(const struct stomp_session *session, struct buf *out)
{
    const struct stomp_subscription *subscription = session->subscriptions;
    for (; subscription != NULL; subscription = subscription->next) {
        bool is_recovered;
        bool is_untold =
            delivery_is_to_tell(subscription->shape, &subscription->seat, &is_recovered);
        const struct checkpoint_subscription frozen = {
            .number = subscription->number,
            .ack = subscription->ack,
            .untold = (uint8_t)(!is_untold     ? LINK_RECOVERED_NOT_ASKED
                                : is_recovered ? LINK_RECOVERED
                                               : LINK_NOT_RECOVERED),
            .id = delivery_shape_id(subscription->shape),
            .destination = interned_str(subscription->destination),
        };
        checkpoint_put_subscription(out, &frozen);
    }
}

/* In no group: the broker says which. */
void stomp_thaw_subscriptions(struct stomp_session *session, struct str subscriptions)
{
    struct stomp *stomp = session->stomp;
    struct stomp_subscription **end = &session->subscriptions;
    struct checkpoint_subscription frozen;
    while (checkpoint_next_subscription(&subscriptions, &frozen)) {
        struct stomp_subscription *subscription = mem_zalloc(sizeof *subscription);
        subscription->number = frozen.number;
        subscription->is_confirmed = true; /* or its refusal is on the way, and ends the session */
        subscription->destination = interner_share(&stomp->destinations, frozen.destination);
        subscription->ack = frozen.ack;
        subscription->shape = share_shape(session, frozen.id, frozen.ack);
        tell(session, subscription, frozen.untold);
        *end = subscription;
        end = &subscription->next;
        session->subscription_count++;
        stomp->runtime->stats.subscriptions_opened++;
    }
}

void stomp_deliver(void *service, uint32_t number, struct str position,
                   const struct link_message *message)
{
    struct stomp_session *session = service;
    struct stomp_subscription *subscription = find_by_number(session, number);
    if (subscription != NULL) {
        stomp_enter(session);
        delivery_deliver_one(session->stomp->delivery, &subscription->seat, subscription->shape,
                             session->host, position, message);
        stomp_leave(session);
    }
}
