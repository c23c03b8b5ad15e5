/* SPDX-License-Identifier: MIT
 *
 * Sums over all sessions of a gateway, counted when somebody asks; and why sessions end.
 */
#pragma once

#include "gateway/session.h"

/* In the order of the attached_… counters of struct stats. */
enum session_transport {
    TRANSPORT_WEBSOCKET,
    TRANSPORT_RAW_WEBSOCKET,
    TRANSPORT_TCP,
    TRANSPORT_XHR_POLLING,
    TRANSPORT_XHR_STREAMING,
    TRANSPORT_EVENTSOURCE,
    TRANSPORT_HTMLFILE,
    TRANSPORT_JSONP_POLLING,
    TRANSPORTS_COUNT,
};

struct session_totals {
    uint64_t attached[TRANSPORTS_COUNT]; /* sessions that have a transport, by its kind */
    uint64_t detached;                   /* between two requests */
    uint64_t queued_frames;              /* for a receiver that is away, or takes them itself */
    uint64_t queued_bytes;               /* of those, and of what transports have not got rid of */
};

/* Walks all sessions: some microseconds for a thousand. */
void session_totals(const struct sessions *sessions, struct session_totals *out);

/* Counts one end in the closed_… counters, by the code and the fixed text that went with it. */
void session_totals_closed(struct stats *stats, unsigned code, struct str reason);
