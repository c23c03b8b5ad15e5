/* SPDX-License-Identifier: MIT
 *
 * The gateway's metrics, one row a series.
 *
 *   metrics_put_all() gathers the counters and counts the gauges, then writes the table.
 *
 * A new counter is one word in gateway/stats.h, a row here, a line in docs/metrics.md, and a case in
 * tests/integration/metrics.test.mjs that moves it.
 */
#include "gateway/metrics.h"

#include "common/mem.h"
#include "common/metrics.h"
#include "common/process.h"
#include "gateway/session_totals.h"

struct numbers {
    struct stats stats;
    struct session_totals totals;
    uint64_t is_ready;
    uint64_t connections;
    uint64_t certificate_expires;
    uint64_t session_count;
    uint64_t subscriptions;
    uint64_t link_up;
    uint64_t link_queued_bytes;
    uint64_t link_requests;
    uint64_t loop_lag_us;
    uint64_t descriptors;
};

#define COUNTER(field) .type = METRIC_COUNTER, .offset = offsetof(struct numbers, field)
#define GAUGE(field) .type = METRIC_GAUGE, .offset = offsetof(struct numbers, field)
#define LABEL(name, value) .label = (name), .label_value = (value)

/* clang-format off */
static const struct metric metrics[] = {
    {.name = "sluice_gateway_ready", GAUGE(is_ready),
     .help = "1 while /readyz says yes."},
    {.name = "sluice_gateway_connections", GAUGE(connections),
     .help = "Open connections of clients."},
    {.name = "sluice_gateway_connections_accepted_total", COUNTER(stats.connections_accepted),
     .help = "Connections accepted, those refused by a limit included."},
    {.name = "sluice_gateway_connections_refused_total", COUNTER(stats.connections_refused),
     .help = "Connections closed at once, over a limit."},
    {.name = "sluice_gateway_tls_handshakes_total", COUNTER(stats.tls_handshakes), LABEL("result", "done"),
     .help = "TLS handshakes that ended, by how."},
    {.name = "sluice_gateway_tls_handshakes_total", COUNTER(stats.tls_failed), LABEL("result", "failed")},
    {.name = "sluice_gateway_certificate_expires_timestamp", GAUGE(certificate_expires),
     .help = "When the first of the certificates in use ends, in seconds since 1970; 0 without TLS."},
    {.name = "sluice_gateway_received_bytes_total", COUNTER(stats.bytes_in),
     .help = "Bytes read from clients."},
    {.name = "sluice_gateway_sent_bytes_total", COUNTER(stats.bytes_out),
     .help = "Bytes that the kernel took for clients."},
    {.name = "sluice_gateway_send_calls_total", COUNTER(stats.send_calls),
     .help = "Writes handed to the kernel."},
    {.name = "sluice_gateway_http_requests_total", COUNTER(stats.http_requests),
     .help = "HTTP requests, WebSocket handshakes included."},
    {.name = "sluice_gateway_http_bad_requests_total", COUNTER(stats.http_bad_requests),
     .help = "HTTP requests refused as malformed or over a limit."},
    {.name = "sluice_gateway_origins_refused_total", COUNTER(stats.origins_refused),
     .help = "Requests of an origin that is not allowed."},
    {.name = "sluice_gateway_logins_total", COUNTER(stats.logins),
     .help = "CONNECTs let in by a token that is right."},
    {.name = "sluice_gateway_logins_refused_total", COUNTER(stats.logins_refused),
     .help = "CONNECTs refused: a wrong token, or none where one is needed."},
    {.name = "sluice_gateway_tokens_expired_total", COUNTER(stats.tokens_expired),
     .help = "Sessions closed because their token expired."},
    {.name = "sluice_gateway_rules_refused_total", COUNTER(stats.rules_refused),
     .help = "SEND and SUBSCRIBE that no rule allows."},
    {.name = "sluice_gateway_sessions", GAUGE(session_count),
     .help = "Sessions of clients."},
    {.name = "sluice_gateway_sessions_detached", GAUGE(totals.detached),
     .help = "SockJS sessions between two requests."},
    {.name = "sluice_gateway_sessions_opened_total", COUNTER(stats.sessions_opened),
     .help = "Sessions that began here."},
    {.name = "sluice_gateway_sessions_closed_total", COUNTER(stats.closed_goodbye), LABEL("reason", "goodbye"),
     .help = "Sessions that ended here, by reason."},
    {.name = "sluice_gateway_sessions_closed_total", COUNTER(stats.closed_going_away), LABEL("reason", "going_away")},
    {.name = "sluice_gateway_sessions_closed_total", COUNTER(stats.closed_interrupted), LABEL("reason", "interrupted")},
    {.name = "sluice_gateway_sessions_closed_total", COUNTER(stats.closed_expired), LABEL("reason", "expired")},
    {.name = "sluice_gateway_sessions_closed_total", COUNTER(stats.closed_too_slow), LABEL("reason", "too_slow")},
    {.name = "sluice_gateway_sessions_closed_total", COUNTER(stats.closed_too_big), LABEL("reason", "too_big")},
    {.name = "sluice_gateway_sessions_closed_total", COUNTER(stats.closed_protocol), LABEL("reason", "protocol")},
    {.name = "sluice_gateway_sessions_closed_total", COUNTER(stats.closed_moved), LABEL("reason", "moved")},
    {.name = "sluice_gateway_sessions_closed_total", COUNTER(stats.closed_other), LABEL("reason", "other")},
    {.name = "sluice_gateway_attached", GAUGE(totals.attached[TRANSPORT_WEBSOCKET]), LABEL("transport", "websocket"),
     .help = "Sessions that have a transport now, by its kind."},
    {.name = "sluice_gateway_attached", GAUGE(totals.attached[TRANSPORT_RAW_WEBSOCKET]), LABEL("transport", "raw-websocket")},
    {.name = "sluice_gateway_attached", GAUGE(totals.attached[TRANSPORT_TCP]), LABEL("transport", "tcp")},
    {.name = "sluice_gateway_attached", GAUGE(totals.attached[TRANSPORT_XHR_POLLING]), LABEL("transport", "xhr-polling")},
    {.name = "sluice_gateway_attached", GAUGE(totals.attached[TRANSPORT_XHR_STREAMING]), LABEL("transport", "xhr-streaming")},
    {.name = "sluice_gateway_attached", GAUGE(totals.attached[TRANSPORT_EVENTSOURCE]), LABEL("transport", "eventsource")},
    {.name = "sluice_gateway_attached", GAUGE(totals.attached[TRANSPORT_HTMLFILE]), LABEL("transport", "htmlfile")},
    {.name = "sluice_gateway_attached", GAUGE(totals.attached[TRANSPORT_JSONP_POLLING]), LABEL("transport", "jsonp-polling")},
    {.name = "sluice_gateway_attached_total", COUNTER(stats.attached_websocket), LABEL("transport", "websocket"),
     .help = "Transports that came for a session: each poll is one."},
    {.name = "sluice_gateway_attached_total", COUNTER(stats.attached_raw_websocket), LABEL("transport", "raw-websocket")},
    {.name = "sluice_gateway_attached_total", COUNTER(stats.attached_tcp), LABEL("transport", "tcp")},
    {.name = "sluice_gateway_attached_total", COUNTER(stats.attached_xhr_polling), LABEL("transport", "xhr-polling")},
    {.name = "sluice_gateway_attached_total", COUNTER(stats.attached_xhr_streaming), LABEL("transport", "xhr-streaming")},
    {.name = "sluice_gateway_attached_total", COUNTER(stats.attached_eventsource), LABEL("transport", "eventsource")},
    {.name = "sluice_gateway_attached_total", COUNTER(stats.attached_htmlfile), LABEL("transport", "htmlfile")},
    {.name = "sluice_gateway_attached_total", COUNTER(stats.attached_jsonp_polling), LABEL("transport", "jsonp-polling")},
    {.name = "sluice_gateway_queued_frames", GAUGE(totals.queued_frames),
     .help = "Frames that wait for a SockJS request to fetch them."},
    {.name = "sluice_gateway_queued_bytes", GAUGE(totals.queued_bytes),
     .help = "Bytes that clients have not taken yet."},
    {.name = "sluice_gateway_frames_received_total", COUNTER(stats.frames_in),
     .help = "STOMP frames of clients."},
    {.name = "sluice_gateway_frames_sent_total", COUNTER(stats.frames_out),
     .help = "STOMP frames to clients, sent or queued."},
    {.name = "sluice_gateway_frames_refused_total", COUNTER(stats.frames_refused),
     .help = "Frames answered with ERROR."},
    {.name = "sluice_gateway_frames_unsendable_total", COUNTER(stats.frames_unsendable),
     .help = "Binary bodies that a text-only transport cannot carry."},
    {.name = "sluice_gateway_acks_ignored_total", COUNTER(stats.acks_ignored),
     .help = "ACK and NACK frames of messages that nobody waits for."},
    {.name = "sluice_gateway_transactions_total", COUNTER(stats.transactions_committed), LABEL("result", "committed"),
     .help = "Transactions that ended."},
    {.name = "sluice_gateway_transactions_total", COUNTER(stats.transactions_aborted), LABEL("result", "aborted")},
    {.name = "sluice_gateway_subscriptions", GAUGE(subscriptions),
     .help = "Subscriptions of all sessions."},
    {.name = "sluice_gateway_subscriptions_opened_total", COUNTER(stats.subscriptions_opened),
     .help = "Subscriptions made."},
    {.name = "sluice_gateway_published_total", COUNTER(stats.published),
     .help = "Messages of clients handed to the broker."},
    {.name = "sluice_gateway_delivered_total", COUNTER(stats.delivered_messages),
     .help = "Messages from the broker: one for all subscribers here."},
    {.name = "sluice_gateway_replayed_total", COUNTER(stats.replayed_messages),
     .help = "Messages of the past from the broker: each for one subscriber."},
    {.name = "sluice_gateway_deliveries_total", COUNTER(stats.deliveries),
     .help = "Messages to subscribers: one for each."},
    {.name = "sluice_gateway_encodings_total", COUNTER(stats.encodings),
     .help = "Frames built: shared by all that want the same bytes."},
    {.name = "sluice_gateway_link_up", GAUGE(link_up),
     .help = "1 while the link to the broker is up and all sessions are restored."},
    {.name = "sluice_gateway_link_connects_total", COUNTER(stats.link_connects),
     .help = "Connections to the broker."},
    {.name = "sluice_gateway_link_losses_total", COUNTER(stats.link_losses),
     .help = "Links to the broker that were lost."},
    {.name = "sluice_gateway_link_queued_bytes", GAUGE(link_queued_bytes),
     .help = "Bytes that wait for the broker."},
    {.name = "sluice_gateway_link_requests", GAUGE(link_requests),
     .help = "Requests that the broker has not answered."},
    {.name = "sluice_gateway_claims_total", COUNTER(stats.claims_new), LABEL("result", "new"),
     .help = "Sessions asked of the broker, by its answer."},
    {.name = "sluice_gateway_claims_total", COUNTER(stats.claims_moved), LABEL("result", "moved")},
    {.name = "sluice_gateway_claims_total", COUNTER(stats.claims_busy), LABEL("result", "busy")},
    {.name = "sluice_gateway_claims_total", COUNTER(stats.claims_other), LABEL("result", "other")},
    {.name = "sluice_gateway_claims_total", COUNTER(stats.claims_closed), LABEL("result", "closed")},
    {.name = "sluice_gateway_claims_total", COUNTER(stats.claims_full), LABEL("result", "full")},
    {.name = "sluice_gateway_yields_total", COUNTER(stats.yields_yielded), LABEL("result", "yielded"),
     .help = "Sessions that another gateway asked for, by our answer."},
    {.name = "sluice_gateway_yields_total", COUNTER(stats.yields_refused), LABEL("result", "refused")},
    {.name = "sluice_gateway_relays_total", COUNTER(stats.relays_out), LABEL("direction", "out"),
     .help = "Bodies for a session that another gateway holds: passed on, received."},
    {.name = "sluice_gateway_relays_total", COUNTER(stats.relays_in), LABEL("direction", "in")},
    {.name = "sluice_gateway_loop_lag_seconds", GAUGE(loop_lag_us), .unit = METRIC_MICROSECONDS,
     .help = "The longest a turn of the loop took, of the last 10 to 20 seconds."},
    {.name = "sluice_gateway_open_descriptors", GAUGE(descriptors),
     .help = "Open file descriptors of the process."},
};
/* clang-format on */

void metrics_put_all(const struct metrics_sources *sources, struct buf *out)
{
    struct numbers numbers = {
        .stats = sources->runtime->stats,
        .is_ready = sources->is_ready,
        .connections = sources->connections,
        .certificate_expires = sources->certificate_expires,
        .session_count = sessions_count(sources->sessions),
        .link_up = broker_link_is_ready(sources->link),
        .link_queued_bytes = broker_link_queued(sources->link),
        .link_requests = broker_link_pending(sources->link),
        .loop_lag_us = loop_lag_microseconds(sources->lag),
        .descriptors = process_open_descriptors(),
    };
    numbers.subscriptions = numbers.stats.subscriptions_opened - numbers.stats.subscriptions_closed;
    session_totals(sources->sessions, &numbers.totals);
    metrics_write(metrics, MEM_COUNT(metrics), &numbers, out);
}
