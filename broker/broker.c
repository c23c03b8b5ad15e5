/* SPDX-License-Identifier: MIT
 *
 * Owns the loop and everything that runs on it.
 *
 *   broker_run() starts loop, turn, wheel, core, links, socket, admin, in this order; logs broker_ready; runs the loop;
 *   stop() at SIGTERM or SIGINT closes them the other way round: no new link, links gone, then what they stood on;
 *   the loop ends when the last handle is closed, and finish() asserts that nothing is left.
 */
#include "broker/broker.h"

#include <assert.h>
#include <signal.h>

#include "broker/gateway_link.h"
#include "broker/known_gateways.h"
#include "broker/link_socket.h"
#include "broker/metrics.h"
#include "common/admin.h"
#include "common/mem.h"
#include "common/process.h"

struct broker {
    const struct broker_settings *settings; /* borrowed */
    uv_loop_t loop;
    struct turn turn;
    struct wheel wheel;
    struct core core;
    struct gateway_links links;
    struct link_socket socket;
    struct admin admin;
    struct history_rule *rules; /* owned */
    struct loop_lag lag;
    uv_signal_t signals[2];
    bool is_listening;
    bool is_stopping;
};

static void stop(struct broker *broker)
{
    if (broker->is_stopping) {
        return;
    }
    broker->is_stopping = true;
    link_socket_close(&broker->socket);
    gateway_links_close(&broker->links);
    for (size_t i = 0; i < MEM_COUNT(broker->signals); i++) {
        uv_close((uv_handle_t *)&broker->signals[i], NULL);
    }
    admin_close(&broker->admin);
    loop_lag_close(&broker->lag);
    wheel_close(&broker->wheel);
    turn_close(&broker->turn);
}

static void on_signal(uv_signal_t *signal, int number)
{
    log_event(LOG_INFO, "broker_stopping", log_u64("signal", (uint64_t)number));
    stop(signal->data);
}

static bool is_ready(void *data)
{
    const struct broker *broker = data;
    return broker->is_listening && !broker->is_stopping;
}

static void write_metrics(void *data, struct buf *out)
{
    const struct broker *broker = data;
    metrics_put_all(&broker->links, &broker->lag, is_ready(data), out);
}

static const struct admin_handler admin_handler = {write_metrics, is_ready};

static void on_gateway(uv_stream_t *server, void *data)
{
    struct broker *broker = data;
    gateway_links_accept(&broker->links, server);
}

static void watch_signals(struct broker *broker)
{
    static const int numbers[] = {SIGTERM, SIGINT};
    for (size_t i = 0; i < MEM_COUNT(broker->signals); i++) {
        int code = uv_signal_init(&broker->loop, &broker->signals[i]);
        assert(code == 0);
        broker->signals[i].data = broker;
        code = uv_signal_start(&broker->signals[i], on_signal, numbers[i]);
        assert(code == 0);
    }
}

/* Nothing to keep: no cost. */
static void keep_history(struct broker *broker)
{
    const struct broker_settings *settings = broker->settings;
    bool keeps = false;
    broker->rules = mem_zalloc_array(settings->destination_count + 1, sizeof(*broker->rules));
    for (size_t i = 0; i < settings->destination_count; i++) {
        const struct destination_settings *each = &settings->destinations[i];
        broker->rules[i] =
            (struct history_rule){each->match, each->history_size, each->history_ttl_ms};
        keeps = keeps || each->history_size > 0;
    }
    if (keeps) {
        core_keep_history(&broker->core, &(struct history_options){
                                             .rules = broker->rules,
                                             .rule_count = settings->destination_count,
                                             .bytes_max = settings->history_bytes_max,
                                             .replay_bytes_max = settings->replay_bytes_max});
    }
}

static void start(struct broker *broker, const struct broker_settings *settings)
{
    *broker = (struct broker){.settings = settings};
    int code = uv_loop_init(&broker->loop);
    assert(code == 0);
    (void)code;
    turn_init(&broker->turn, &broker->loop);
    wheel_init(&broker->wheel, &broker->loop);
    loop_lag_init(&broker->lag, &broker->loop);
    core_init(&broker->core, &broker->wheel, settings->sessions_max, settings->subscriptions_max,
              settings->session_log_bytes_max);
    keep_history(broker);
    broker->links = (struct gateway_links){.settings = settings,
                                           .loop = &broker->loop,
                                           .turn = &broker->turn,
                                           .wheel = &broker->wheel,
                                           .core = &broker->core};
    gateway_links_init(&broker->links);
    process_random(&broker->links.broker, sizeof(broker->links.broker));
    watch_signals(broker);
}

static void finish(struct broker *broker)
{
    assert(broker->links.count == 0);
    core_finish(&broker->core);
    mem_free(broker->rules);
    wheel_finish(&broker->wheel);
    int code = uv_loop_close(&broker->loop);
    assert(code == 0);
    (void)code;
}

#define LOG_COUNTER(name) log_u64(#name, stats->name),
static void log_stopped(const struct stats *stats)
{
    const struct log_field fields[] = {STATS_LIST(LOG_COUNTER){.key = NULL}};
    if (log_is_on(LOG_INFO)) {
        log_write(LOG_INFO, "broker_stopped", fields);
    }
}

static void on_missing(uint64_t gateway, void *data)
{
    const struct broker *broker = data;
    known_gateways_remove(broker->settings->socket, gateway);
}

/* Those of a broker before this one. */
static void await_gateways(struct broker *broker)
{
    struct buf known = {NULL, 0, 0};
    known_gateways_read(broker->settings->socket, GATEWAY_LINKS_MAX, &known);
    core_await(&broker->core, buf_str(&known), on_missing, broker);
    buf_finish(&known);
}

/* 0, or a negative code after it was logged. */
static int start_listening(struct broker *broker)
{
    int code = link_socket_open(&broker->socket, &broker->loop, broker->settings->socket,
                                on_gateway, broker);
    if (code == 0) {
        code = admin_open(&broker->admin, &broker->wheel, &broker->settings->admin, &admin_handler,
                          broker);
    }
    if (code == 0) {
        await_gateways(broker);
    }
    broker->is_listening = code == 0;
    return code;
}

int broker_run(const struct settings *settings)
{
    struct broker *broker = mem_alloc(sizeof(*broker));
    start(broker, &settings->broker);
    int code = start_listening(broker);
    if (code == 0) {
        log_event(LOG_INFO, "broker_ready", log_text("socket", settings->broker.socket));
    } else {
        stop(broker);
    }
    (void)uv_run(&broker->loop, UV_RUN_DEFAULT);
    finish(broker);
    if (code == 0) {
        log_stopped(&broker->core.stats);
    }
    mem_free(broker);
    return code == 0 ? 0 : 1;
}
