/* SPDX-License-Identifier: MIT
 *
 * The past for one subscription.
 */
#include "broker/replay.h"

#include "proto/destination.h"

#define COUNT_MAX UINT32_MAX

static struct history_request read_headers(struct str headers)
{
    unsigned long long count = 0;
    struct str history = link_find_header(headers, STR("history"));
    if (history.at == NULL || !str_to_u64(history, COUNT_MAX, &count)) {
        count = 0;
    }
    return (struct history_request){link_find_header(headers, STR("since")), count};
}

void replay_open(struct replay *replay, struct history *history, const struct peer *peer,
                 struct str destination, struct str headers, uint64_t now_ms)
{
    struct history_request request = read_headers(headers);
    struct history_range *range = &replay->range;
    replay->history = history;
    if (history->options.rule_count == 0 || destination_is_pattern(destination)) {
        bool is_asked = request.since.at != NULL || request.count > 0;
        *range = (struct history_range){
            .first = 1, .recovered = is_asked ? HISTORY_NOT_RECOVERED : HISTORY_NOT_ASKED};
        return;
    }
    history_read(history, destination, &request, now_ms, range);
    if (range->first <= range->last && peer->is_behind != NULL && peer->is_behind(peer)) {
        range->first = range->last + 1;
        range->recovered = HISTORY_NOT_RECOVERED;
    }
}

/* What may be wanted again by the next holder was sent to the present one. */
static void note(struct session *session, uint32_t subscription, struct payload *message,
                 const struct position_text *position)
{
    struct session_log *log = &session->passage->log;
    if (log->is_on) {
        session_log_add_message(log, message, position, subscription);
        session_log_number_last(log, session->holder->written);
    }
}

void replay_send(const struct replay *replay, struct session *session, uint32_t subscription)
{
    const struct history_range *range = &replay->range;
    struct stats *stats = session->sessions->options.stats;
    stats->recoveries += range->recovered == HISTORY_RECOVERED;
    stats->recoveries_failed += range->recovered == HISTORY_NOT_RECOVERED;
    for (uint64_t offset = range->first; offset <= range->last; offset++) {
        struct position_text position;
        struct payload *message = history_message(range, offset, &position);
        PEER_SEND(session->holder, REPLAYED, replayed, .session = session->handle,
                  .subscription = subscription, .position = position_str(&position),
                  .message.raw = {(const char *)message->data, message->len});
        stats->replayed++;
        note(session, subscription, message, &position);
    }
}
