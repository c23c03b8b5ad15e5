/* SPDX-License-Identifier: MIT
 *
 * Counters of one gateway. They only rise; gauges are the difference of two.
 *
 * The list is the vocabulary: log line `gateway_stopped`, the metrics of docs/metrics.md and the tests use
 * these names.
 */
#pragma once

#include <stdint.h>

#define STATS_LIST(S)                                                                              \
    S(connections_accepted)                                                                        \
    S(connections_refused) /* over a limit */                                                      \
    S(connections_closed)                                                                          \
    S(tls_handshakes)                                                                              \
    S(tls_failed)                                                                                  \
    S(bytes_in)                                                                                    \
    S(bytes_out)                                                                                   \
    S(send_calls) /* writes handed to the kernel */                                                \
    S(http_requests)                                                                               \
    S(http_bad_requests)                                                                           \
    S(origins_refused)                                                                             \
    S(logins) /* by a token that is right */                                                       \
    S(logins_refused)                                                                              \
    S(tokens_expired) /* of sessions that had logged in */                                         \
    S(rules_refused)  /* SEND and SUBSCRIBE that no rule allows */                                 \
    S(sessions_opened)                                                                             \
    S(sessions_closed)                                                                             \
    S(sessions_expired)                                                                            \
    S(sessions_too_slow)                                                                           \
    S(closed_goodbye) /* sessions_closed, by reason: session_totals.c */                           \
    S(closed_going_away)                                                                           \
    S(closed_interrupted)                                                                          \
    S(closed_expired)                                                                              \
    S(closed_too_slow)                                                                             \
    S(closed_too_big)                                                                              \
    S(closed_protocol)                                                                             \
    S(closed_moved)                                                                                \
    S(closed_other)                                                                                \
    S(attached_websocket)                                                                          \
    S(attached_raw_websocket)                                                                      \
    S(attached_tcp)                                                                                \
    S(attached_xhr_polling)                                                                        \
    S(attached_xhr_streaming)                                                                      \
    S(attached_eventsource)                                                                        \
    S(attached_htmlfile)                                                                           \
    S(attached_jsonp_polling)                                                                      \
    S(frames_in)         /* STOMP frames and SockJS echo messages received */                      \
    S(frames_out)        /* the same, handed to a transport or queued */                           \
    S(frames_unsendable) /* binary bodies for text-only transports */                              \
    S(frames_refused)    /* answered with ERROR */                                                 \
    S(acks_ignored)      /* for what nobody waits to hear of */                                    \
    S(transactions_committed)                                                                      \
    S(transactions_aborted) /* also by the end of their session */                                 \
    S(published)                                                                                   \
    S(delivered_again)    /* of the next: had come before the link was lost */                     \
    S(delivered_messages) /* DELIVERED read from the link */                                       \
    S(replayed_messages)  /* REPLAYED read from the link */                                        \
    S(deliveries)         /* MESSAGEs to subscribers */                                            \
    S(encodings)          /* shared encodings made */                                              \
    S(subscriptions_opened)                                                                        \
    S(subscriptions_closed)                                                                        \
    S(link_connects)                                                                               \
    S(link_losses)                                                                                 \
    S(claims_new) /* by the broker's answer */                                                     \
    S(claims_moved)                                                                                \
    S(claims_busy)                                                                                 \
    S(claims_other)                                                                                \
    S(claims_closed)                                                                               \
    S(claims_full)                                                                                 \
    S(yields_yielded)                                                                              \
    S(yields_refused)                                                                              \
    S(relays_out)                                                                                  \
    S(relays_in)

#define STATS_FIELD(name) uint64_t name;
struct stats {
    STATS_LIST(STATS_FIELD)
};
#undef STATS_FIELD
