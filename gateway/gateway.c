/* SPDX-License-Identifier: MIT
 *
 * The gateway as a whole.
 *
 * Start: loop, link (begins to connect), delivery, STOMP, sessions, router, admin, listeners;
 * `gateway_ready` is logged when the listeners are open and the broker has answered for the first
 * time.
 *
 * Stop, on a signal: stop_politely() stops accepting; sessions_drain() ends responses with `h`, hands sessions to the
 * broker, ends the others with 1001; requests that still come on kept connections are answered with Connection:
 * close. When all is done (is_drained()), at gateway.drain_timeout (sends
 * that wait are answered 503 a moment before), or at a second signal, close_all() closes
 * listeners and connections, after them the link, after it what is left of the loop; uv_run() returns, finish()
 * frees. Nothing may be left: the destroyers assert it.
 *
 * SIGHUP reads the files again that the configuration names, not the configuration itself.
 *
 * What the link says is handed on from here: sessions and delivery do not know each other.
 */
#include "gateway/gateway.h"

#include <assert.h>
#include <signal.h>

#include "common/admin.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/settings.h"
#include "gateway/auth.h"
#include "gateway/broker_link.h"
#include "gateway/delivery.h"
#include "gateway/listener.h"
#include "gateway/metrics.h"
#include "gateway/router.h"
#include "gateway/service_echo.h"
#include "gateway/sessions.h"
#include "gateway/stomp_session.h"
#include "gateway/stomp_tcp.h"
#include "gateway/tls_server.h"

#define EXIT_CONFIG 2
#define DRAIN_LOOK_MS 100
#define DRAIN_KEPT_MS 1000  /* kept connections: their next request is still answered */
#define DRAIN_ANSWER_MS 200 /* before the end: sends that wait are answered 503 */
#define DRAIN_LAST_MS 1500  /* without a session or a request: nobody is waited for longer */

struct gateway {
    struct runtime runtime;
    const struct settings *settings;
    uv_signal_t signals[3];
    struct auth *auth;        /* owned; NULL: no tokens */
    struct broker_link *link; /* owned, as are the next six */
    struct delivery *delivery;
    struct stomp *stomp;
    struct sessions *sessions;
    struct router *router;
    struct tls_server *tls_server;
    struct listeners *listeners;
    struct services services;
    struct admin admin;
    struct loop_lag lag;
    struct wheel_entry drain;
    uint64_t drain_since_ms;
    int exit_code;
    bool is_listening;
    bool is_ready; /* gateway_ready was logged */
    bool is_stopping;
    bool has_given_up_sends; /* those that waited were told 503 */
    bool is_closing;
};

/* ---- ready ---- */

static void put_address(const struct gateway *gateway, size_t index, struct buf *out)
{
    const struct listen_settings *listen = &gateway->settings->gateway.listens[index];
    bool is_v6 = strchr(listen->host, ':') != NULL;
    buf_append_text(out, out->len > 0 ? "," : "");
    buf_append_format(out, is_v6 ? "%s://[%s]:%u" : "%s://%s:%u",
                      listen_scheme_name(listen->scheme), listen->host,
                      (unsigned)listeners_port(gateway->listeners, index));
}

static void announce(struct gateway *gateway)
{
    struct buf addresses = {0};
    if (gateway->is_ready || gateway->is_stopping || !gateway->is_listening ||
        !broker_link_is_ready(gateway->link)) {
        return;
    }
    gateway->is_ready = true;
    for (size_t i = 0; i < gateway->settings->gateway.listen_count; i++) {
        put_address(gateway, i, &addresses);
    }
    log_event(LOG_INFO, "gateway_ready", log_text("name", gateway->settings->gateway.name),
              log_str("addresses", buf_str(&addresses)));
    buf_finish(&addresses);
}

static void log_stopped(const struct gateway *gateway)
{
    const struct stats *stats = &gateway->runtime.stats;
#define STATS_LOG_FIELD(name) log_u64(#name, stats->name),
    const struct log_field fields[] = {STATS_LIST(STATS_LOG_FIELD){.key = NULL}};
#undef STATS_LOG_FIELD
    if (log_is_on(LOG_INFO)) {
        log_write(LOG_INFO, "gateway_stopped", fields);
    }
}

/* ---- what the link says ---- */

static size_t on_session_count(void *data)
{
    struct gateway *gateway = data;
    return sessions_count(gateway->sessions);
}

static void on_restore(void *data)
{
    struct gateway *gateway = data;
    sessions_restore(gateway->sessions);
}

static void on_lost(void *data)
{
    struct gateway *gateway = data;
    delivery_clear(gateway->delivery);
}

static void on_claimed(void *data, const struct link_claimed *claimed)
{
    struct gateway *gateway = data;
    sessions_claimed(gateway->sessions, claimed);
}

static void on_answered(void *data, const struct broker_answer *answer)
{
    struct gateway *gateway = data;
    sessions_answered(gateway->sessions, answer);
}

static void on_restored(void *data, uint64_t session, uint32_t subscription, uint32_t group)
{
    struct gateway *gateway = data;
    sessions_restored(gateway->sessions, session, subscription, group);
}

static void on_restored_all(void *data)
{
    struct gateway *gateway = data;
    sessions_restored_all(gateway->sessions);
    announce(gateway);
}

static void on_delivered(void *data, const struct link_delivered *delivered)
{
    struct gateway *gateway = data;
    delivery_deliver(gateway->delivery, delivered);
    sessions_deliver(gateway->sessions, delivered);
}

static void on_relayed(void *data, const struct link_relayed *relayed)
{
    struct gateway *gateway = data;
    sessions_relayed(gateway->sessions, relayed);
}

static void on_relay_done(void *data, uint64_t request, uint8_t result)
{
    struct gateway *gateway = data;
    sessions_relay_done(gateway->sessions, request, result);
}

static void on_yield_again(void *data)
{
    struct gateway *gateway = data;
    sessions_yield_again(gateway->sessions);
}

static void on_expire(void *data, uint64_t request, uint64_t session)
{
    struct gateway *gateway = data;
    sessions_expire(gateway->sessions, request, session);
}

static void on_yield(void *data, uint64_t request, uint64_t session)
{
    struct gateway *gateway = data;
    sessions_yield(gateway->sessions, request, session);
}

static void on_adopt(void *data, const struct link_adopt *adopt)
{
    struct gateway *gateway = data;
    sessions_adopt(gateway->sessions, adopt);
}

static void on_gone(void *data, uint64_t session, struct str reason)
{
    struct gateway *gateway = data;
    sessions_gone(gateway->sessions, session, reason);
}

static const struct broker_link_handler link_handler = {
    .session_count = on_session_count,
    .restore = on_restore,
    .lost = on_lost,
    .claimed = on_claimed,
    .answered = on_answered,
    .restored = on_restored,
    .restored_all = on_restored_all,
    .delivered = on_delivered,
    .expire = on_expire,
    .yield = on_yield,
    .relayed = on_relayed,
    .relay_done = on_relay_done,
    .yield_again = on_yield_again,
    .adopt = on_adopt,
    .gone = on_gone,
};

/* ---- stop ---- */

static void on_link_closed(void *data)
{
    struct gateway *gateway = data;
    wheel_remove(&gateway->runtime.wheel, &gateway->drain);
    admin_close(&gateway->admin);
    loop_lag_close(&gateway->lag);
    wheel_close(&gateway->runtime.wheel);
    turn_close(&gateway->runtime.turn);
    for (size_t i = 0; i < MEM_COUNT(gateway->signals); i++) {
        uv_close((uv_handle_t *)&gateway->signals[i], NULL);
    }
}

static void on_listeners_closed(void *data)
{
    struct gateway *gateway = data;
    broker_link_close(gateway->link, on_link_closed, gateway);
}

static void close_all(struct gateway *gateway)
{
    if (gateway->is_closing) {
        return;
    }
    gateway->is_closing = true;
    wheel_remove(&gateway->runtime.wheel, &gateway->drain);
    sessions_close_all(gateway->sessions, 1001, STR("Going away"));
    if (gateway->listeners == NULL) {
        on_listeners_closed(gateway);
    } else {
        listeners_close(gateway->listeners, on_listeners_closed, gateway);
    }
}

/* Nobody is left to be told, or there is nobody to hand over to. */
static bool is_drained(struct gateway *gateway, uint64_t elapsed_ms)
{
    bool has_sessions = !sessions_drain(gateway->sessions, elapsed_ms);
    uint64_t timeout_ms = gateway->settings->gateway.drain_timeout_ms;
    if (elapsed_ms >= timeout_ms && gateway->has_given_up_sends) {
        return true;
    }
    if (elapsed_ms + DRAIN_ANSWER_MS >= timeout_ms) {
        /* However late this look is: their answers are written before the next one closes. */
        gateway->has_given_up_sends = true;
        sessions_give_up_sends(gateway->sessions);
    }
    if (elapsed_ms >= DRAIN_KEPT_MS) {
        listeners_end_idle(gateway->listeners);
        has_sessions = has_sessions && broker_link_is_ready(gateway->link);
    }
    return !has_sessions && listeners_busy_count(gateway->listeners) == 0 &&
           (listeners_conn_count(gateway->listeners) == 0 || elapsed_ms >= DRAIN_LAST_MS);
}

static void on_drain_look(struct wheel_entry *entry)
{
    struct gateway *gateway = MEM_CONTAINER(entry, struct gateway, drain);
    uint64_t elapsed_ms = runtime_now(&gateway->runtime) - gateway->drain_since_ms;
    if (is_drained(gateway, elapsed_ms)) {
        close_all(gateway);
    } else {
        wheel_add(&gateway->runtime.wheel, &gateway->drain, DRAIN_LOOK_MS, on_drain_look);
    }
}

static void stop_politely(struct gateway *gateway)
{
    gateway->is_stopping = true;
    gateway->runtime.is_draining = true;
    gateway->drain_since_ms = runtime_now(&gateway->runtime);
    listeners_stop(gateway->listeners);
    sessions_leave(gateway->sessions);
    (void)sessions_drain(gateway->sessions, 0);
    wheel_add(&gateway->runtime.wheel, &gateway->drain, 0, on_drain_look);
}

static void reload(struct gateway *gateway)
{
    log_event(LOG_INFO, "gateway_reloading", log_text("signal", "HUP"));
    (void)tls_server_reload(gateway->tls_server);
    auth_reload(gateway->auth);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct gateway *gateway = handle->data;
    if (number == SIGHUP) {
        reload(gateway);
        return;
    }
    log_event(LOG_INFO, "gateway_stopping", log_text("signal", number == SIGINT ? "INT" : "TERM"),
              log_u64("sessions", sessions_count(gateway->sessions)));
    if (gateway->is_stopping) {
        close_all(gateway);
    } else {
        stop_politely(gateway);
    }
}

/* ---- what operators ask ---- */

static bool is_ready(void *data)
{
    const struct gateway *gateway = data;
    return gateway->is_listening && !gateway->is_stopping && broker_link_is_ready(gateway->link);
}

static void write_metrics(void *data, struct buf *out)
{
    struct gateway *gateway = data;
    const struct metrics_sources sources = {
        .runtime = &gateway->runtime,
        .sessions = gateway->sessions,
        .link = gateway->link,
        .lag = &gateway->lag,
        .connections = gateway->is_listening ? listeners_conn_count(gateway->listeners) : 0,
        .certificate_expires = tls_server_expires(gateway->tls_server),
        .is_ready = is_ready(gateway),
    };
    metrics_put_all(&sources, out);
}

static const struct admin_handler admin_handler = {write_metrics, is_ready};

/* ---- start ---- */

static void start_signals(struct gateway *gateway)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    for (size_t i = 0; i < MEM_COUNT(gateway->signals); i++) {
        int code = uv_signal_init(&gateway->runtime.loop, &gateway->signals[i]);
        assert(code == 0);
        gateway->signals[i].data = gateway;
        code = uv_signal_start(&gateway->signals[i], on_signal, numbers[i]);
        assert(code == 0);
        (void)code;
    }
}

static void start_runtime(struct gateway *gateway, const struct settings *settings)
{
    int code = uv_loop_init(&gateway->runtime.loop);
    assert(code == 0);
    (void)code;
    gateway->settings = settings;
    gateway->runtime.settings = &settings->gateway;
    gateway->runtime.auth = gateway->auth;
    turn_init(&gateway->runtime.turn, &gateway->runtime.loop);
    wheel_init(&gateway->runtime.wheel, &gateway->runtime.loop);
    loop_lag_init(&gateway->lag, &gateway->runtime.loop);
    start_signals(gateway);
}

static void create_parts(struct gateway *gateway)
{
    struct runtime *runtime = &gateway->runtime;
    gateway->link = broker_link_create(runtime, &gateway->settings->broker);
    gateway->delivery = delivery_create(&runtime->stats);
    gateway->stomp = stomp_create(runtime, gateway->link, gateway->delivery);
    gateway->services.ops[SERVICE_STOMP] = &stomp_service_ops;
    gateway->services.context[SERVICE_STOMP] = gateway->stomp;
    gateway->services.ops[SERVICE_ECHO] = &service_echo_ops;
    gateway->services.context[SERVICE_ECHO] = &runtime->stats;
    gateway->services.ops[SERVICE_CLOSE] = &service_close_ops;
    gateway->sessions = sessions_create(runtime, gateway->link, &gateway->services);
}

/* 0, or a negative code after it was logged. */
static int start_listening(struct gateway *gateway, size_t descriptors_max)
{
    int code = router_create(&gateway->runtime, gateway->sessions, &gateway->router);
    if (code < 0) {
        return code;
    }
    code = admin_open(&gateway->admin, &gateway->runtime.wheel, &gateway->settings->gateway.admin,
                      &admin_handler, gateway);
    if (code < 0) {
        return code;
    }
    const struct tls_protocol inside[LISTEN_SCHEMES] = {
        [LISTEN_HTTPS] = {router_accepted, gateway->router},
        [LISTEN_STOMPS] = {stomp_tcp_accepted, gateway->sessions},
    };
    code = tls_server_create(&gateway->runtime, inside, &gateway->tls_server);
    if (code < 0) {
        gateway->exit_code = EXIT_CONFIG;
        return code;
    }
    const struct listener_protocol protocols[LISTEN_SCHEMES] = {
        [LISTEN_HTTP] = {router_accepted, gateway->router},
        [LISTEN_STOMP] = {stomp_tcp_accepted, gateway->sessions},
        [LISTEN_HTTPS] = {tls_server_accepted, gateway->tls_server},
        [LISTEN_STOMPS] = {tls_server_accepted, gateway->tls_server},
    };
    return listeners_open(&gateway->runtime, protocols, descriptors_max, &gateway->listeners);
}

static void finish(struct gateway *gateway)
{
    listeners_destroy(gateway->listeners);
    tls_server_destroy(gateway->tls_server);
    router_destroy(gateway->router);
    sessions_destroy(gateway->sessions);
    stomp_destroy(gateway->stomp);
    delivery_clear(gateway->delivery);
    delivery_destroy(gateway->delivery);
    broker_link_destroy(gateway->link);
    auth_destroy(gateway->auth);
    wheel_finish(&gateway->runtime.wheel);
    int code = uv_loop_close(&gateway->runtime.loop);
    assert(code == 0); /* else a handle was forgotten */
    (void)code;
}

int gateway_run(const struct settings *settings, size_t descriptors_max)
{
    struct gateway *gateway = mem_zalloc(sizeof *gateway);
    if (auth_create(&settings->gateway.auth, &gateway->auth) < 0) {
        mem_free(gateway);
        return EXIT_CONFIG;
    }
    start_runtime(gateway, settings);
    create_parts(gateway);
    gateway->exit_code = 1; /* unless start_listening() says another */
    if (start_listening(gateway, descriptors_max) < 0) {
        close_all(gateway);
    } else {
        gateway->exit_code = 0;
        gateway->is_listening = true;
        broker_link_open(gateway->link, &link_handler, gateway);
    }
    uv_run(&gateway->runtime.loop, UV_RUN_DEFAULT);
    finish(gateway);
    log_stopped(gateway);
    int exit_code = gateway->exit_code;
    mem_free(gateway);
    return exit_code;
}
