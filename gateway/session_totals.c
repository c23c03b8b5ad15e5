/* SPDX-License-Identifier: MIT
 *
 * Sums over sessions. Gauges are counted when they are read: a walk now and then costs less than a counter that every
 * attach and detach must keep right.
 */
#include "gateway/session_totals.h"

#include "common/mem.h"
#include "gateway/session_state.h"

#define FIRST_ATTACHED offsetof(struct stats, attached_websocket)

_Static_assert(offsetof(struct stats, attached_jsonp_polling) ==
                   FIRST_ATTACHED + TRANSPORT_JSONP_POLLING * sizeof(uint64_t),
               "enum session_transport has the order of struct stats");

void session_totals(const struct sessions *sessions, struct session_totals *out)
{
    size_t cursor = 0;
    const struct session *session;
    *out = (struct session_totals){.detached = 0};
    while ((session = map_next(&sessions->by_handle, &cursor)) != NULL) {
        out->queued_frames += session->queue.count;
        out->queued_bytes += session->queue.bytes;
        out->detached += session->state == SESSION_DETACHED;
        if (session->transport != NULL) {
            const struct transport_ops *ops = session->transport->ops;
            out->attached[(ops->stats_at - FIRST_ATTACHED) / sizeof(uint64_t)]++;
            out->queued_bytes += ops->queued(session->transport);
        }
    }
}

/* The first row that fits. */
static const struct {
    unsigned code;
    const char *reason; /* NULL: any */
    size_t counter;
} endings[] = {
    {0, NULL, offsetof(struct stats, closed_moved)},
    {1000, NULL, offsetof(struct stats, closed_goodbye)},
    {1001, NULL, offsetof(struct stats, closed_going_away)},
    {1002, "Connection interrupted", offsetof(struct stats, closed_interrupted)},
    {1002, "expired", offsetof(struct stats, closed_expired)},
    {1002, NULL, offsetof(struct stats, closed_protocol)},
    {1005, NULL, offsetof(struct stats, closed_goodbye)}, /* WebSocket: a close without a code */
    {1006, NULL, offsetof(struct stats, closed_interrupted)},
    {1007, NULL, offsetof(struct stats, closed_protocol)},
    {1008, "Too slow", offsetof(struct stats, closed_too_slow)},
    {1009, NULL, offsetof(struct stats, closed_too_big)},
};

void session_totals_closed(struct stats *stats, unsigned code, struct str reason)
{
    size_t counter = offsetof(struct stats, closed_other);
    for (size_t i = MEM_COUNT(endings); i-- > 0;) {
        if (endings[i].code == code &&
            (endings[i].reason == NULL || str_equal(reason, str_of(endings[i].reason)))) {
            counter = endings[i].counter;
        }
    }
    ++*(uint64_t *)(void *)((char *)stats + counter);
}
