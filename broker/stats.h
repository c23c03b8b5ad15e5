/* SPDX-License-Identifier: MIT
 *
 * Counters of one broker. They only rise; gauges are the difference of two.
 *
 * The list is the vocabulary: log line `broker_stopped`, the metrics of docs/metrics.md and the tests use
 * these names.
 */
#pragma once

#include <stdint.h>

#define STATS_LIST(S)                                                                              \
    S(links_opened)  /* gateways that said HELLO */                                                \
    S(links_closed)  /* of those */                                                                \
    S(links_refused) /* a user id, a version, too many */                                          \
    S(link_messages_in)                                                                            \
    S(link_messages_out)                                                                           \
    S(sessions_opened)                                                                             \
    S(sessions_restored)                                                                           \
    S(sessions_moved)                                                                              \
    S(sessions_parked)                                                                             \
    S(sessions_overflowed) /* ended: their log was too short */                                    \
    S(sessions_expired)    /* parked for too long */                                               \
    S(sessions_closed)                                                                             \
    S(claims_new)                                                                                  \
    S(claims_busy)                                                                                 \
    S(claims_other)                                                                                \
    S(claims_closed)                                                                               \
    S(claims_full)                                                                                 \
    S(claims_refused) /* BUSY, CLOSED, OTHER, FULL */                                              \
    S(yields_yielded)                                                                              \
    S(yields_refused)                                                                              \
    S(relays)                                                                                      \
    S(relays_queued)  /* no holder to send to when they came */                                    \
    S(relays_refused) /* ABSENT, LIMIT */                                                          \
    S(adoptions)      /* ADOPT written: a send found no holder */                                  \
    S(subscriptions_opened)                                                                        \
    S(subscriptions_closed)                                                                        \
    S(published)                                                                                   \
    S(published_bytes)                                                                             \
    S(recoveries)        /* subscribers that got all of the past they asked for */                 \
    S(recoveries_failed) /* that were told they did not */                                         \
    S(replayed)          /* messages of the past written to them */                                \
    S(history_failed)    /* messages that the memory was too small for */                          \
    S(deliveries)        /* DELIVERED written: one a message and gateway */                        \
    S(delivered_bytes)                                                                             \
    S(delivered_groups)

#define STATS_FIELD(name) uint64_t name;
struct stats {
    STATS_LIST(STATS_FIELD)
};
#undef STATS_FIELD
