/* SPDX-License-Identifier: MIT
 *
 * Fan-out: one message to each gateway, however many subscribers it has there.
 *
 * keep() first: a message's position is that of its destination's past. Matching appends each group's number to its peer's `groups`; then each peer that has any gets the message's
 * bytes as they came. A gateway that cannot keep up loses its link by the limits of common/link.c; nobody waits.
 */
#include "broker/fanout.h"

#include "common/wire.h"

#define GROUPS_BYTES_MAX (512u << 10) /* in one DELIVERED; more groups go in a second one */

void fanout_init(struct fanout *fanout, struct subscriptions *subscriptions, struct stats *stats)
{
    fanout->subscriptions = subscriptions;
    fanout->stats = stats;
    list_init(&fanout->matched);
    list_init(&fanout->collected);
    fanout->noted = NULL;
    fanout->history = NULL;
    fanout->wheel = NULL;
    fanout->position.len = 0;
}

static void add_group(struct group *group, void *data)
{
    struct fanout *fanout = data;
    struct peer *peer = group->peer;
    if (!list_is_linked(&peer->node)) {
        list_append(&fanout->matched, &peer->node);
    }
    wire_put_u32(&peer->matched, group->number);
}

static struct payload *note_message(struct fanout *fanout)
{
    if (fanout->noted == NULL) {
        fanout->noted = payload_copy(fanout->raw.at, fanout->raw.len);
    }
    return fanout->noted;
}

/* What a gateway says again comes before it has restored. */
static enum link_result keep(struct fanout *fanout, const struct peer *publisher,
                             struct str destination)
{
    struct history *history = fanout->history;
    fanout->position.len = 0;
    if (history == NULL || !history_keeps(history, destination) ||
        history_append(history, destination, fanout->id, note_message(fanout),
                       !publisher->has_restored, wheel_now(fanout->wheel), &fanout->position)) {
        return LINK_OK;
    }
    fanout->stats->history_failed++;
    return LINK_UNSTORED;
}

static void note(const struct collector *collector, void *data)
{
    struct fanout *fanout = data;
    struct session *session = collector->owner;
    if (sessions_has_seen(session, fanout->id)) {
        return;
    }
    session_log_add_message(&session->passage->log, note_message(fanout), &fanout->position,
                            collector->number);
    if (!list_is_linked(&session->passage->log.node)) {
        list_append(&fanout->collected, &session->passage->log.node);
    }
}

/* What was noted went to the holder, if there is one, by the last message written to it. */
static void finish_notes(struct fanout *fanout)
{
    struct list_node *node;
    while ((node = list_take_first(&fanout->collected)) != NULL) {
        struct session *session = MEM_CONTAINER(node, struct session_passage, log.node)->session;
        if (!sessions_judge(session) && session->holder != NULL) {
            session_log_number_last(&session->passage->log, session->holder->written);
        }
    }
    payload_release(fanout->noted);
    fanout->noted = NULL;
}

static void deliver(struct fanout *fanout, struct peer *peer, const struct link_message *message)
{
    struct str rest = buf_str(&peer->matched);
    while (rest.len > 0) {
        struct str groups = {rest.at, rest.len < GROUPS_BYTES_MAX ? rest.len : GROUPS_BYTES_MAX};
        rest = (struct str){rest.at + groups.len, rest.len - groups.len};
        PEER_SEND(peer, DELIVERED, delivered, .position = position_str(&fanout->position),
                  .groups = groups, .message.raw = message->raw);
        fanout->stats->deliveries++;
        fanout->stats->delivered_bytes += message->raw.len;
        fanout->stats->delivered_groups += groups.len / sizeof(uint32_t);
    }
    peer->matched.len = 0;
}

enum link_result fanout_publish(struct fanout *fanout, struct peer *publisher,
                                const struct link_publish *publish)
{
    const struct link_message *message = &publish->message;
    enum link_result result = message->raw.len <= FANOUT_MESSAGE_BYTES_MAX ? LINK_OK : LINK_LIMIT;
    fanout->position.len = 0;
    if (result == LINK_OK) {
        struct list_node *node;
        fanout->raw = message->raw;
        fanout->id = message->id;
        fanout->stats->published++;
        fanout->stats->published_bytes += message->raw.len;
        result = keep(fanout, publisher, message->destination);
        subscriptions_match(fanout->subscriptions, message->destination, add_group, note, fanout);
        while ((node = list_take_first(&fanout->matched)) != NULL) {
            deliver(fanout, LIST_OF(node, struct peer, node), message);
        }
        finish_notes(fanout);
    }
    if (publish->request != 0) {
        PEER_SEND(publisher, PUBLISHED, published, .request = publish->request,
                  .session = publish->session, .result = (uint8_t)result,
                  .position = position_str(&fanout->position),
                  .reason = result == LINK_LIMIT ? STR("the message is too long") : STR(""));
    }
    return result;
}
