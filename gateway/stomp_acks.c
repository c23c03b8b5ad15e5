/* SPDX-License-Identifier: MIT
 *
 * ACK and NACK: which message of which subscription a client means, whatever version it speaks.
 *
 *   stomp_check_ack() finds the two in the frame; stomp_ack() does what is to be done.
 *
 * 1.2 names both with `id`, the ack header of MESSAGE; 1.1 has `message-id` and `subscription`; 1.0 `message-id`, and
 * `subscription` if it likes. Clients mix them, so each version may use the words of the others.
 *
 * A message of a topic waits for nobody: ACK is taken, NACK too, and neither does anything. One for a subscription
 * that is not there, or acknowledges by itself, is an ERROR to a service and forgiven to a browser, which may have
 * unsubscribed meanwhile.
 */
#include "gateway/delivery.h"
#include "gateway/stomp_state.h"

struct target {
    struct str message;                            /* its message-id */
    const struct stomp_subscription *subscription; /* NULL: none, or not said */
    bool is_said;                                  /* the subscription was named */
};

static struct target find_target(const struct stomp_session *session,
                                 const struct stomp_frame *frame)
{
    struct target target = {.message = stomp_frame_header(frame, "message-id")};
    struct str id = stomp_frame_header(frame, "id");
    struct str subscription = stomp_frame_header(frame, "subscription");
    if (id.at != NULL && (session->version == STOMP_1_2 || target.message.at == NULL)) {
        target.message = id;
    }
    const char *separator =
        target.message.len == 0
            ? NULL
            : memchr(target.message.at, DELIVERY_ACK_SEPARATOR, target.message.len);
    if (separator != NULL) {
        size_t len = (size_t)(separator - target.message.at);
        subscription = (struct str){separator + 1, target.message.len - len - 1};
        target.message.len = len;
    }
    target.is_said = subscription.at != NULL;
    if (target.is_said) {
        target.subscription = stomp_find_subscription(session, subscription);
    }
    return target;
}

static bool has_acked_subscription(const struct stomp_session *session)
{
    const struct stomp_subscription *each = session->subscriptions;
    while (each != NULL && each->ack == LINK_ACK_AUTO) {
        each = each->next;
    }
    return each != NULL;
}

static bool is_waited_for(const struct stomp_session *session, const struct target *target)
{
    if (target->is_said) {
        return target->subscription != NULL && target->subscription->ack != LINK_ACK_AUTO;
    }
    return has_acked_subscription(session);
}

const char *stomp_check_ack(struct stomp_session *session, const struct stomp_frame *frame)
{
    struct target target = find_target(session, frame);
    if (target.message.len == 0) {
        return session->version == STOMP_1_2 ? "ACK and NACK need an id header"
                                             : "ACK and NACK need a message-id header";
    }
    if (!target.is_said && session->version == STOMP_1_1) {
        return "ACK and NACK need a subscription header";
    }
    if (session->host->is_tcp && !is_waited_for(session, &target)) {
        return "There is no message of this id to acknowledge";
    }
    return stomp_check_transaction(session, frame);
}

void stomp_ack(struct stomp_session *session, const struct stomp_frame *frame)
{
    struct target target = find_target(session, frame);
    if (!is_waited_for(session, &target)) {
        session->stomp->runtime->stats.acks_ignored++;
    }
    if (stomp_frame_header(frame, "transaction").at != NULL) {
        stomp_transaction_note(session, frame);
        return;
    }
    stomp_receipt_in_turn(session, frame);
}
