/* SPDX-License-Identifier: MIT
 *
 * One client session, apart from its transport.
 *
 *   CONNECTING --session_claim_answered--> OPEN <--session_attach_here / session_detach--> DETACHED
 *        any --session_finish--> CLOSING --> destroy_session()
 *
 * Happy path:
 *   session_create() sends the claim; session_claim_answered() has the transport write `o`, opens
 *   the service, and hands on what came meanwhile; send_frame() writes to the transport, or queues
 *   where it is a poll or away; session_detach() tells the broker, which times expiry; the next
 *   receiver is session_attach_here().
 *
 * How it ends, always by session_finish():
 *   the service closes it; the client says goodbye, or is cut off (for a SockJS family but
 *   eventsource: tombstone 1002); the broker expires it, or has lost it; more is queued than
 *   limits.queue_size (or detached: queue_messages): 1008 "Too slow". A receiver that is getting what
 *   was queued keeps the object (CLOSING) until its response has ended; what is left then goes to the
 *   broker with the close, for the next receiver wherever it asks (hand_back(), session_claim.c).
 *
 * Calls into transport and service may end the session; session_pin() keeps the object until they
 * return.
 */
#include "gateway/session.h"

#include <assert.h>

#include "common/log.h"
#include "common/mem.h"
#include "common/settings.h"
#include "common/test_rule.h"
#include "gateway/session_state.h"
#include "gateway/session_totals.h"

/* What comes within one turn of the loop may be so many times the queue's limit: nobody could have
 * read it yet. */
#define BURST_FACTOR 8

static const struct {
    const char *name;
    unsigned successors; /* bits of enum session_state */
} states[] = {
    [SESSION_CONNECTING] = {"connecting", 1u << SESSION_OPEN | 1u << SESSION_CLOSING},
    [SESSION_OPEN] = {"open", 1u << SESSION_DETACHED | 1u << SESSION_CLOSING},
    [SESSION_DETACHED] = {"detached", 1u << SESSION_OPEN | 1u << SESSION_CLOSING},
    [SESSION_CLOSING] = {"closing", 0},
};

void session_set_state(struct session *session, enum session_state state)
{
    assert((states[session->state].successors & 1u << state) != 0);
    log_event(LOG_DEBUG, "session_state", log_u64("handle", session->host.session),
              log_text("from", states[session->state].name), log_text("to", states[state].name));
    session->state = (uint8_t)state;
}

static struct runtime *runtime_of(const struct session *session)
{
    return session->sessions->runtime;
}

const struct service_ops *session_service_ops(const struct session *session)
{
    return session->sessions->services->ops[session->service_kind];
}

/* ---- life ---- */

static void destroy_session(struct session *session)
{
    struct sessions *sessions = session->sessions;
    wheel_remove(&runtime_of(session)->wheel, &session->timer);
    map_remove_u64(&sessions->by_handle, &session->host.session);
    if (session->key.at != NULL && map_get(&sessions->by_key, session->key) == session) {
        map_remove(&sessions->by_key, session->key);
    }
    session_queue_drop(&session->queue);
    mem_free((char *)(uintptr_t)session->key.at);
    mem_free((char *)(uintptr_t)session->host.name.at);
    mem_free(session->farewell);
    mem_free(session->relays);
    mem_free(session);
}

void session_pin(struct session *session)
{
    assert(session->pins < UINT8_MAX);
    session->pins++;
}

void session_unpin(struct session *session)
{
    session->pins--;
    if (session->pins == 0 && session->is_over) {
        session_pin(session); /* senders are answered from here */
        session_inputs_finish(session);
        session->pins--;
        if (!session->is_collected) {
            destroy_session(session);
        }
    }
}

void session_unlink_transport(struct session *session)
{
    if (session->transport != NULL) {
        session->transport->session = NULL;
        session->transport = NULL;
    }
}

void session_count_attached(struct session *session)
{
    char *stats = (char *)&runtime_of(session)->stats;
    ++*(uint64_t *)(void *)(stats + session->transport->ops->stats_at);
}

static void log_closed(const struct session *session, const struct session_end *end)
{
    log_event(
        LOG_INFO, "session_closed", log_str("session", session->host.name),
        log_text("transport", session->transport == NULL ? "none" : session->transport->ops->name),
        log_u64("code", end->code), log_str("reason", end->reason));
}

static void keep_farewell(struct session *session, const struct session_end *end)
{
    struct session_farewell *farewell = mem_alloc(sizeof *farewell + end->reason.len + 1);
    farewell->code = end->code;
    farewell->remember_ms = end->remember_ms;
    farewell->len = end->reason.len;
    memcpy(farewell->reason, end->reason.len > 0 ? end->reason.at : "", end->reason.len);
    farewell->reason[farewell->len] = '\0';
    session->farewell = farewell;
}

/* What is queued goes with it, to whichever gateway is asked next. */
static void tell_broker(struct session *session, const struct session_end *end)
{
    if (!end->is_silent && session->state != SESSION_CONNECTING) {
        struct buf unsent = {0};
        if (session->key.at != NULL && end->remember_ms > 0 &&
            session->queue.bytes <= SESSION_UNSENT_BYTES_MAX) {
            session_put_unsent(session, &unsent);
        }
        session_queue_drop(&session->queue);
        const struct link_drop_session drop = {
            .session = session->host.session,
            .code = (uint16_t)end->code,
            .reason = end->reason,
            .remember_ms = session->key.at == NULL ? 0 : (uint32_t)end->remember_ms,
            .unsent = buf_str(&unsent),
        };
        broker_link_drop(session->sessions->link, &drop);
        buf_finish(&unsent);
    }
}

/* The receiver that was getting what was queued has gone. */
static void hand_back(struct session *session)
{
    const struct session_farewell *farewell = session->farewell;
    session->is_collected = false;
    tell_broker(session, &(struct session_end){.code = farewell->code,
                                               .reason = {farewell->reason, farewell->len},
                                               .remember_ms = farewell->remember_ms});
}

static void say_farewell(struct session *session, unsigned code, struct str reason)
{
    struct transport *transport = session->transport;
    session_unlink_transport(session);
    transport->ops->close(transport, code, reason);
}

static void close_service(struct session *session)
{
    void *service = session->service;
    session->service = NULL;
    if (service != NULL) {
        session_service_ops(session)->closed(service);
    }
}

void session_finish(struct session *session, const struct session_end *end)
{
    struct sessions *sessions = session->sessions;
    bool has_told = session->state != SESSION_CONNECTING;
    if (session->is_over) {
        return;
    }
    session_pin(session);
    session->is_over = true;
    sessions->count--;
    if (end->drops_queue) {
        session_queue_drop(&session->queue);
    }
    session->is_collected = session->transport != NULL && session->queue.count > 0;
    if (session->is_collected) {
        keep_farewell(session, end);
    } else {
        tell_broker(session, end);
    }
    if (has_told && !end->is_repeated) {
        log_closed(session, end);
        runtime_of(session)->stats.sessions_closed++;
        session_totals_closed(&runtime_of(session)->stats, end->code, end->reason);
    }
    session_set_state(session, SESSION_CLOSING);
    wheel_remove(&runtime_of(session)->wheel, &session->timer);
    session_yield_forget(session);
    close_service(session);
    if (session->transport != NULL && !session->is_collected) {
        say_farewell(session, end->code, end->reason);
    }
    session_unpin(session);
}

void session_go_on_waiting(struct transport *transport)
{
    struct session *session = transport->session;
    if (session->is_collected && session->queue.count == 0) {
        session_pin(session);
        hand_back(session);
        say_farewell(session, session->farewell->code,
                     (struct str){session->farewell->reason, session->farewell->len});
        session_unpin(session);
    }
}

void session_vanish(struct session *session)
{
    session->is_over = true;
    session->sessions->count--;
    runtime_of(session)->stats.sessions_closed++;
    runtime_of(session)->stats.closed_moved++;
    session_set_state(session, SESSION_CLOSING);
    wheel_remove(&runtime_of(session)->wheel, &session->timer);
    session_yield_forget(session);
    close_service(session);
    session_inputs_hand_over(session);
    session_queue_drop(&session->queue);
}

uint64_t session_remember_ms(const struct session *session)
{
    return session->host.endpoint == NULL ? 0 : 2 * session->host.endpoint->disconnect_delay_ms;
}

static void end_too_slow(struct session *session)
{
    runtime_of(session)->stats.sessions_too_slow++;
    session_finish(session, &(struct session_end){.code = 1008,
                                                  .reason = STR("Too slow"),
                                                  .remember_ms = session_remember_ms(session),
                                                  .drops_queue = true});
}

void session_close_now(struct session *session, unsigned code, struct str reason)
{
    if (!session->is_over) {
        session_finish(session,
                       &(struct session_end){.code = code, .reason = reason, .drops_queue = true});
    } else if (session->pins == 0) {
        hand_back(session);
        session_unlink_transport(session);
        destroy_session(session);
    }
}

/* Code 0: a receiver that can come again ends its response with `h` and finds the session where
 * it is now. */
void session_lost(struct session *session, struct str reason)
{
    session_finish(
        session,
        &(struct session_end){.code = 0, .reason = reason, .drops_queue = true, .is_silent = true});
}

/* ---- what the service may ask ---- */

static void send_queued(struct session *session, struct shared_frame *frame)
{
    const struct limits_settings *limits = session->host.limits;
    session_push(session, frame);
    if (session->queue.bytes > limits->queue_bytes_max ||
        (session->transport == NULL && session->queue.count > limits->queue_messages_max)) {
        end_too_slow(session);
    } else if (session->transport != NULL && session->transport->ops->ready != NULL) {
        session->transport->ops->ready(session->transport);
    }
}

/* False: a poll, which takes what is queued itself, or a response that is full. */
static bool takes_frames(const struct transport *transport)
{
    return transport->ops->send != NULL &&
           (transport->ops->is_full == NULL || !transport->ops->is_full(transport));
}

static void send_frame(void *host, struct shared_frame *frame)
{
    struct session *session = host;
    struct transport *transport = session->transport;
    if (session->is_over) {
        return;
    }
    if (session->host.is_sockjs && !frame->is_text) {
        runtime_of(session)->stats.frames_unsendable++;
        return;
    }
    session->written_ms = runtime_now(runtime_of(session));
    runtime_of(session)->stats.frames_out++;
    if (transport == NULL || !takes_frames(transport)) {
        send_queued(session, frame);
        return;
    }
    transport->ops->send(transport, frame);
    session_confirm_later(session);
    if (session->transport == transport) {
        size_t queued = transport->ops->queued(transport);
        size_t queued_max = session->host.limits->queue_bytes_max;
        if (queued / BURST_FACTOR > queued_max) {
            end_too_slow(session);
        } else if (queued > queued_max && !session->is_suspect) {
            sessions_suspect(session);
        }
    }
}

void session_judge(struct session *session)
{
    const struct transport *transport = session->transport;
    session->is_suspect = false;
    if (transport != NULL &&
        transport->ops->queued(transport) > session->host.limits->queue_bytes_max) {
        end_too_slow(session);
    }
}

static void close_session(void *host, unsigned code, struct str reason)
{
    struct session *session = host;
    session_finish(session, &(struct session_end){.code = code,
                                                  .reason = reason,
                                                  .remember_ms = session_remember_ms(session)});
}

static void pause_session(void *host, bool stop)
{
    struct session *session = host;
    if (session->is_over || session->is_paused == stop) {
        return;
    }
    session->is_paused = stop;
    if (session->transport != NULL && session->transport->ops->pause != NULL) {
        session->transport->ops->pause(session->transport, stop);
    }
    if (!stop) {
        session->read_ms = runtime_now(runtime_of(session)); /* its silence was ours */
        session_inputs_run(session);
    }
}

static uint64_t read_ms(const void *host)
{
    const struct session *session = host;
    return session->read_ms;
}

static uint64_t written_ms(const void *host)
{
    const struct session *session = host;
    return session->written_ms;
}

static const struct service_host_ops host_ops = {
    .send = send_frame,
    .close = close_session,
    .pause = pause_session,
    .read_ms = read_ms,
    .written_ms = written_ms,
};

struct session *session_create(struct sessions *sessions, const struct endpoint_settings *endpoint,
                               const struct limits_settings *limits, uint8_t family,
                               struct transport *transport, struct str key)
{
    struct session *session = mem_zalloc(sizeof *session);
    session->sessions = sessions;
    session->transport = transport;
    if (transport != NULL) {
        transport->session = session;
    }
    session->host.ops = &host_ops;
    session->host.data = session;
    session->host.session = ++sessions->last_handle;
    session->host.endpoint = endpoint;
    session->host.limits = limits;
    session->host.is_sockjs = transport == NULL || transport->ops->is_sockjs;
    session->host.is_tcp = family == LINK_FAMILY_TCP;
    session->family = family;
    session->service_kind = (uint8_t)(endpoint == NULL ? SERVICE_STOMP : endpoint->service);
    session->read_ms = session->written_ms = runtime_now(sessions->runtime);
    sessions->count++;
    map_put_u64(&sessions->by_handle, &session->host.session, session);
    if (key.at != NULL) {
        session->key = (struct str){mem_strndup(key.at, key.len), key.len};
        map_put(&sessions->by_key, session->key, session);
    }
    session_claim_send(session);
    return session;
}

size_t session_take(struct session *session, struct shared_frame **out_frames, size_t count_max,
                    size_t bytes_max)
{
    size_t count = session_queue_take(&session->queue, out_frames, count_max, bytes_max);
    session_confirm(session);
    return count;
}

/* ---- attach and detach ---- */

void session_send_queued(struct session *session)
{
    struct transport *transport = session->transport;
    if (session->queue.count == 0) {
        return;
    }
    if (transport->ops->send == NULL) {
        transport->ops->ready(transport);
        return;
    }
    while (session->queue.count > 0 && session->transport == transport && takes_frames(transport)) {
        struct shared_frame *frame = session_queue_pop(&session->queue);
        transport->ops->send(transport, frame);
        shared_frame_release(frame);
    }
    session_confirm_later(session);
}

static void take_transport(struct session *session, struct transport *transport)
{
    session->transport = transport;
    transport->session = session;
    session->read_ms = runtime_now(runtime_of(session));
    session->is_adopted = false;
    if (session->state == SESSION_CONNECTING) {
        return;
    }
    session_count_attached(session);
    if (session->state == SESSION_DETACHED) {
        session_set_state(session, SESSION_OPEN);
        broker_link_attach(session->sessions->link, session->host.session);
        session_beat_start(session);
    }
    transport->ops->opened(transport, false);
    if (session->transport == transport) {
        session_send_queued(session);
    }
}

void session_attach_here(struct session *session, struct transport *transport)
{
    session_pin(session);
    if (session->transport != NULL && session_outlook(session) != OUTLOOK_DEAD) {
        transport->ops->close(transport, 2010, STR("Another connection still open"));
    } else if (session->farewell != NULL) {
        transport->ops->close(transport, session->farewell->code,
                              (struct str){session->farewell->reason, session->farewell->len});
    } else if (session->is_over) {
        transport->ops->close(transport, 1002, STR("Connection interrupted")); /* by the dead one */
    } else {
        take_transport(session, transport);
    }
    session_unpin(session);
}

void session_rest(struct session *session)
{
    if (session->state == SESSION_OPEN) {
        session_set_state(session, SESSION_DETACHED);
        session_confirm(session);
        broker_link_detach(session->sessions->link, session->host.session);
        if (runtime_of(session)->is_draining) {
            session_offer(session);
        }
    }
}

/* The client, or the network, cut the transport off. */
static void cut_off(struct session *session, bool had_all)
{
    if (session->key.at == NULL) {
        session_finish(session, &(struct session_end){.code = 1006,
                                                      .reason = STR("connection lost"),
                                                      .drops_queue = true});
    } else if (!TEST_RULE(cut_ends) || (session->family == LINK_FAMILY_EVENTSOURCE && had_all &&
                                        TEST_RULE(eventsource_stays))) {
        session_rest(session);
    } else {
        session_finish(session, &(struct session_end){.code = 1002,
                                                      .reason = STR("Connection interrupted"),
                                                      .remember_ms = session_remember_ms(session),
                                                      .drops_queue = true});
    }
}

/* For a gateway that drains: its client asks the next one. */
void session_end_response(struct session *session)
{
    struct transport *transport = session->transport;
    session_pin(session);
    session_unlink_transport(session);
    wheel_remove(&runtime_of(session)->wheel, &session->timer);
    session_rest(session);
    transport->ops->close(transport, 0, STR(""));
    session_unpin(session);
}

void session_cut_off(struct session *session)
{
    cut_off(session, true);
}

void session_detach(struct transport *transport, enum detach_reason reason)
{
    struct session *session = transport->session;
    bool had_all = transport->ops->queued(transport) == 0;
    session_unlink_transport(session);
    session_pin(session);
    if (session->state == SESSION_CONNECTING) {
        if (session->key.at == NULL &&
            broker_link_cancel_claim(session->sessions->link, session->claim)) {
            session_finish(session, &(struct session_end){.code = 1006, .is_silent = true});
        }
    } else if (session->state == SESSION_CLOSING) {
        if (reason == DETACH_ABORTED && (session->family != LINK_FAMILY_EVENTSOURCE || !had_all)) {
            session_queue_drop(&session->queue);
        }
        hand_back(session);
    } else {
        wheel_remove(&runtime_of(session)->wheel, &session->timer);
        if (reason == DETACH_ENDED && session->key.at != NULL) {
            session_rest(session);
        } else {
            cut_off(session, had_all);
        }
    }
    session_yield_settle(session);
    session_unpin(session);
}

void session_receive(struct transport *transport, struct str text, bool is_binary)
{
    struct session *session = transport->session;
    session->read_ms = runtime_now(runtime_of(session));
    session_pin(session);
    if (session->service != NULL && session->inputs == NULL) {
        session_service_ops(session)->receive(session->service, text, is_binary);
    } else if (session_inputs_bytes(session) + text.len > session->host.limits->queue_bytes_max) {
        end_too_slow(session);
    } else {
        session_inputs_add(session, &text, 1, is_binary, NULL, NULL);
    }
    session_unpin(session);
}

void session_touch(struct transport *transport)
{
    struct session *session = transport->session;
    session->read_ms = runtime_now(runtime_of(session));
}

bool session_knows_client(const struct transport *transport)
{
    const struct session *session = transport->session;
    const struct service_ops *ops = session_service_ops(session);
    return session->service != NULL &&
           (ops->knows_client == NULL || ops->knows_client(session->service));
}

void session_end(struct transport *transport, unsigned code, struct str reason)
{
    struct session *session = transport->session;
    session_unlink_transport(session);
    session_finish(session,
                   &(struct session_end){.code = code, .reason = reason, .drops_queue = true});
}
