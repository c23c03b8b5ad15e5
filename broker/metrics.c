/* SPDX-License-Identifier: MIT
 *
 * The broker's metrics, one row a series, and one series a link.
 *
 *   metrics_put_all() gathers the counters and the gauges, writes the table, then the links' queues.
 *
 * A new counter is one word in broker/stats.h, a row here, a line in docs/metrics.md, and a case in
 * tests/integration/metrics.test.mjs that moves it.
 */
#include "broker/metrics.h"

#include "common/mem.h"
#include "common/metrics.h"
#include "common/process.h"

#define QUEUE_NAME "sluice_broker_link_queued_bytes"

struct numbers {
    struct stats stats;
    uint64_t is_ready;
    uint64_t links;
    uint64_t held;
    uint64_t parked;
    uint64_t relay_bytes;
    uint64_t tombstones;
    uint64_t subscriptions;
    uint64_t history_bytes;
    uint64_t history_destinations;
    uint64_t loop_lag_us;
    uint64_t descriptors;
};

#define COUNTER(field) .type = METRIC_COUNTER, .offset = offsetof(struct numbers, field)
#define GAUGE(field) .type = METRIC_GAUGE, .offset = offsetof(struct numbers, field)
#define LABEL(name, value) .label = (name), .label_value = (value)

/* clang-format off */
static const struct metric metrics[] = {
    {.name = "sluice_broker_ready", GAUGE(is_ready),
     .help = "1 while /readyz says yes."},
    {.name = "sluice_broker_links", GAUGE(links),
     .help = "Gateways whose link is up."},
    {.name = "sluice_broker_links_opened_total", COUNTER(stats.links_opened),
     .help = "Gateways that said HELLO."},
    {.name = "sluice_broker_links_closed_total", COUNTER(stats.links_closed),
     .help = "Links that ended, of those."},
    {.name = "sluice_broker_links_refused_total", COUNTER(stats.links_refused),
     .help = "Connections to the socket that were not let in."},
    {.name = "sluice_broker_link_messages_in_total", COUNTER(stats.link_messages_in),
     .help = "Link messages from gateways."},
    {.name = "sluice_broker_link_messages_out_total", COUNTER(stats.link_messages_out),
     .help = "Link messages to gateways."},
    {.name = "sluice_broker_sessions", GAUGE(held), LABEL("state", "held"),
     .help = "Sessions, by whether a gateway holds them."},
    {.name = "sluice_broker_sessions", GAUGE(parked), LABEL("state", "parked")},
    {.name = "sluice_broker_sessions_opened_total", COUNTER(stats.sessions_opened),
     .help = "Sessions entered, restored ones included."},
    {.name = "sluice_broker_sessions_restored_total", COUNTER(stats.sessions_restored),
     .help = "Sessions that a gateway told a new broker of."},
    {.name = "sluice_broker_sessions_moved_total", COUNTER(stats.sessions_moved),
     .help = "Sessions that went from one gateway to another."},
    {.name = "sluice_broker_sessions_parked_total", COUNTER(stats.sessions_parked),
     .help = "Sessions whose gateway was lost and that wait for another."},
    {.name = "sluice_broker_sessions_expired_total", COUNTER(stats.sessions_expired),
     .help = "Sessions for which none came in time."},
    {.name = "sluice_broker_sessions_closed_total", COUNTER(stats.sessions_closed),
     .help = "Sessions that ended."},
    {.name = "sluice_broker_claims_total", COUNTER(stats.claims_new), LABEL("result", "new"),
     .help = "Claims of gateways, by our answer."},
    {.name = "sluice_broker_claims_total", COUNTER(stats.sessions_moved), LABEL("result", "moved")},
    {.name = "sluice_broker_claims_total", COUNTER(stats.claims_busy), LABEL("result", "busy")},
    {.name = "sluice_broker_claims_total", COUNTER(stats.claims_other), LABEL("result", "other")},
    {.name = "sluice_broker_claims_total", COUNTER(stats.claims_closed), LABEL("result", "closed")},
    {.name = "sluice_broker_claims_total", COUNTER(stats.claims_full), LABEL("result", "full")},
    {.name = "sluice_broker_yields_total", COUNTER(stats.yields_yielded), LABEL("result", "yielded"),
     .help = "Answers of gateways that were asked to yield a session."},
    {.name = "sluice_broker_yields_total", COUNTER(stats.yields_refused), LABEL("result", "refused")},
    {.name = "sluice_broker_relays_total", COUNTER(stats.relays),
     .help = "Send bodies passed from one gateway to another."},
    {.name = "sluice_broker_relays_refused_total", COUNTER(stats.relays_refused),
     .help = "Send bodies for no session, or too many waiting."},
    {.name = "sluice_broker_relays_waiting_bytes", GAUGE(relay_bytes),
     .help = "Bytes of send bodies that wait for their session."},
    {.name = "sluice_broker_tombstones", GAUGE(tombstones),
     .help = "Sessions that have ended and are remembered."},
    {.name = "sluice_broker_subscriptions", GAUGE(subscriptions),
     .help = "Subscriptions of all sessions."},
    {.name = "sluice_broker_subscriptions_opened_total", COUNTER(stats.subscriptions_opened),
     .help = "Subscriptions made."},
    {.name = "sluice_broker_published_total", COUNTER(stats.published),
     .help = "Messages published."},
    {.name = "sluice_broker_published_bytes_total", COUNTER(stats.published_bytes),
     .help = "Their bytes, headers included."},
    {.name = "sluice_broker_history_bytes", GAUGE(history_bytes),
     .help = "Memory that holds the past of destinations."},
    {.name = "sluice_broker_history_destinations", GAUGE(history_destinations),
     .help = "Destinations that have a position."},
    {.name = "sluice_broker_history_failed_total", COUNTER(stats.history_failed),
     .help = "Messages too large for that memory."},
    {.name = "sluice_broker_recoveries_total", COUNTER(stats.recoveries), LABEL("recovered", "true"),
     .help = "Subscribers that asked for the past, by what they were told."},
    {.name = "sluice_broker_recoveries_total", COUNTER(stats.recoveries_failed), LABEL("recovered", "false")},
    {.name = "sluice_broker_replayed_total", COUNTER(stats.replayed),
     .help = "Messages of the past written for them."},
    {.name = "sluice_broker_deliveries_total", COUNTER(stats.deliveries),
     .help = "Messages written to gateways: one for each gateway concerned."},
    {.name = "sluice_broker_delivered_bytes_total", COUNTER(stats.delivered_bytes),
     .help = "Their bytes, headers included."},
    {.name = "sluice_broker_delivered_groups_total", COUNTER(stats.delivered_groups),
     .help = "Groups of subscribers that those were for."},
    {.name = "sluice_broker_loop_lag_seconds", GAUGE(loop_lag_us), .unit = METRIC_MICROSECONDS,
     .help = "The longest a turn of the loop took, of the last 10 to 20 seconds."},
    {.name = "sluice_broker_open_descriptors", GAUGE(descriptors),
     .help = "Open file descriptors of the process."},
};
/* clang-format on */

static void put_queue(void *data, const struct peer *peer, struct str gateway, size_t bytes)
{
    struct buf number = {0};
    buf_append_u64(&number, peer->id);
    const struct metric_label labels[] = {{"gateway", gateway}, {"link", buf_str(&number)}};
    metrics_put(data, QUEUE_NAME, labels, MEM_COUNT(labels), bytes);
    buf_finish(&number);
}

void metrics_put_all(const struct gateway_links *links, const struct loop_lag *lag, bool is_ready,
                     struct buf *out)
{
    const struct core *core = links->core;
    struct numbers numbers = {
        .stats = core->stats,
        .is_ready = is_ready,
        .links = core->stats.links_opened - core->stats.links_closed,
        .held = core->sessions.count - core->sessions.parked_count,
        .parked = core->sessions.parked_count,
        .relay_bytes = core->sessions.relays.bytes,
        .tombstones = core->sessions.tombstones.by_key.count,
        .subscriptions = core->stats.subscriptions_opened - core->stats.subscriptions_closed,
        .history_bytes = core->history.bytes,
        .history_destinations = core->history.streams.count,
        .loop_lag_us = loop_lag_microseconds(lag),
        .descriptors = process_open_descriptors(),
    };
    metrics_write(metrics, MEM_COUNT(metrics), &numbers, out);
    metrics_put_head(out, QUEUE_NAME, METRIC_GAUGE,
                     "Bytes that wait for a gateway, by its name and the number of its link.");
    gateway_links_each_queue(links, put_queue, out);
}
