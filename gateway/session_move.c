/* SPDX-License-Identifier: MIT
 *
 * A session that goes to another gateway, or has come from one.
 *
 * Out: sessions_yield() decides when YIELD is read. Nobody attached: leave() answers YIELDED with the
 * conversation, what no receiver has got, and up to where the link was handled. A receiver that is about
 * to end its response is waited for, at most YIELD_WAIT_MS: session_yield_settle(). A dead one is what
 * it would be if we had read of it: the session ends, or is detached. Any other: REFUSED.
 * session_offer() has the broker ask, for a gateway that is about to stop (sessions_leave(), sessions_drain()).
 *
 * What left stays as a copy until the broker says GONE: the next holder has it. A broker that is new by
 * then is told of it as LINK_HOLD_YIELDED, and gets YIELDED again.
 *
 * In: session_move_in(), from CLAIMED MOVED: conversation, frames, no second `o`.
 */
#include "common/log.h"
#include "common/mem.h"
#include "common/settings.h"
#include "common/test_rule.h"
#include "gateway/checkpoint.h"
#include "gateway/session_state.h"
#include "gateway/sessions.h"

#define YIELD_WAIT_MS 300

struct session_yield {
    struct wheel_entry deadline;
    struct session *session;
    uint64_t request;
};

struct session_copy {
    uint64_t handle;    /* key in sessions::yielded */
    uint64_t number;    /* of the link it was yielded on; 0: another link has come since */
    uint64_t delivered; /* broker_link_delivered() by then */
    uint32_t moves;
    uint32_t expire_ms;
    uint8_t family;
    struct buf key;
    struct buf name;
    struct buf subscriptions; /* as in RESTORE */
    struct buf checkpoint;
    struct buf unsent;
};

/* ---- copies ---- */

static void destroy_copy(struct session_copy *copy)
{
    buf_finish(&copy->key);
    buf_finish(&copy->name);
    buf_finish(&copy->subscriptions);
    buf_finish(&copy->checkpoint);
    buf_finish(&copy->unsent);
    mem_free(copy);
}

bool sessions_drop_copy(struct sessions *sessions, uint64_t handle)
{
    struct session_copy *copy = map_remove_u64(&sessions->yielded, &handle);
    if (copy == NULL) {
        return false;
    }
    destroy_copy(copy);
    return true;
}

void sessions_drop_copies(struct sessions *sessions)
{
    size_t cursor = 0;
    struct session_copy *copy;
    while ((copy = map_next(&sessions->yielded, &cursor)) != NULL) {
        map_remove_u64(&sessions->yielded, &copy->handle);
        destroy_copy(copy);
    }
}

void sessions_restore_copies(struct sessions *sessions)
{
    size_t cursor = 0;
    struct session_copy *copy;
    while ((copy = map_next(&sessions->yielded, &cursor)) != NULL) {
        const struct link_restore restore = {
            .session = copy->handle,
            .key = buf_str(&copy->key),
            .name = buf_str(&copy->name),
            .family = copy->family,
            .expire_ms = copy->expire_ms,
            .moves = copy->moves,
            .number = copy->number,
            .hold = LINK_HOLD_YIELDED,
            .unseen = (uint32_t)(broker_link_delivered(sessions->link) - copy->delivered),
            .subscriptions = buf_str(&copy->subscriptions),
        };
        copy->number = 0;
        broker_link_restore(sessions->link, &restore);
    }
}

static void send_yielded(struct sessions *sessions, const struct session_copy *copy,
                         uint64_t request)
{
    broker_link_yielded(sessions->link,
                        &(struct link_yielded){.request = request,
                                               .session = copy->handle,
                                               .number = copy->number,
                                               .checkpoint = buf_str(&copy->checkpoint),
                                               .unsent = buf_str(&copy->unsent)});
}

void sessions_yield_again(struct sessions *sessions)
{
    size_t cursor = 0;
    const struct session_copy *copy;
    while ((copy = map_next(&sessions->yielded, &cursor)) != NULL) {
        send_yielded(sessions, copy, 0);
    }
}

/* ---- out ---- */

static void put_frame(const struct session_queue *queue, uint32_t index, struct buf *out)
{
    const struct shared_frame *frame = session_queue_at(queue, index);
    enum checkpoint_frame kind = frame->is_wtf8   ? CHECKPOINT_WTF8
                                 : frame->is_text ? CHECKPOINT_TEXT
                                                  : CHECKPOINT_BINARY;
    checkpoint_put_frame(out, kind, (struct str){(const char *)frame->raw->data, frame->raw->len});
}

static void put_own_frames(const struct session_queue *queue, struct buf *out)
{
    for (uint32_t i = 0; i < queue->count; i++) {
        if (session_queue_is_own_at(queue, i)) {
            put_frame(queue, i, out);
        }
    }
}

void session_put_checkpoint(const struct session *session, bool with_frames, struct buf *out)
{
    const struct service_ops *ops = session_service_ops(session);
    struct buf state = {0};
    struct buf relays = {0};
    struct buf frames = {0};
    if (session->key.at == NULL) {
        return;
    }
    if (ops->freeze != NULL && session->service != NULL) {
        ops->freeze(session->service, &state);
    }
    for (uint32_t i = 0; session->relays != NULL && i < session->relays->count; i++) {
        checkpoint_put_relay(&relays, session->relays->numbers[i]);
    }
    if (with_frames && session->queue.own_count > 0) {
        put_own_frames(&session->queue, &frames);
    }
    checkpoint_put(out, &(struct checkpoint){.service = session->service_kind,
                                             .relays = buf_str(&relays),
                                             .state = buf_str(&state),
                                             .frames = buf_str(&frames)});
    buf_finish(&state);
    buf_finish(&relays);
    buf_finish(&frames);
}

void session_put_unsent(const struct session *session, struct buf *out)
{
    for (uint32_t i = 0; i < session->queue.count; i++) {
        put_frame(&session->queue, i, out);
    }
}

static struct session_copy *make_copy(const struct session *session)
{
    const struct service_ops *ops = session_service_ops(session);
    struct sessions *sessions = session->sessions;
    struct session_copy *copy = mem_zalloc(sizeof *copy);
    copy->handle = session->host.session;
    copy->number = broker_link_handled(sessions->link);
    copy->moves = session->moves;
    copy->delivered = broker_link_delivered(sessions->link);
    copy->expire_ms = (uint32_t)session->host.endpoint->disconnect_delay_ms;
    copy->family = session->family;
    buf_append_str(&copy->key, session->key);
    buf_append_str(&copy->name, session->host.name);
    if (ops->restore != NULL && session->service != NULL) {
        ops->restore(session->service, &copy->subscriptions);
    }
    session_put_checkpoint(session, false, &copy->checkpoint);
    if (TEST_RULE(unsent_moves)) {
        session_put_unsent(session, &copy->unsent);
    }
    map_put_u64(&sessions->yielded, &copy->handle, copy);
    return copy;
}

static void leave(struct session *session, uint64_t request)
{
    struct sessions *sessions = session->sessions;
    if (session->queue.bytes > SESSION_UNSENT_BYTES_MAX) {
        session_finish(session, &(struct session_end){.code = 1008,
                                                      .reason = STR("Too slow"),
                                                      .remember_ms = session_remember_ms(session),
                                                      .drops_queue = true});
        return;
    }
    session_pin(session);
    send_yielded(sessions, make_copy(session), request);
    sessions->runtime->stats.yields_yielded++;
    log_event(LOG_DEBUG, "session_yielded", log_str("session", session->host.name),
              log_u64("queued", session->queue.count));
    session_vanish(session);
    session_unpin(session);
}

static void on_yield_late(struct wheel_entry *entry)
{
    struct session_yield *yield = MEM_CONTAINER(entry, struct session_yield, deadline);
    struct session *session = yield->session;
    session->sessions->runtime->stats.yields_refused++;
    broker_link_refuse(session->sessions->link, yield->request, session->host.session);
    session_yield_forget(session);
}

void session_yield_forget(struct session *session)
{
    struct session_yield *yield = session->yield;
    session->yield = NULL;
    if (yield != NULL) {
        wheel_remove(&session->sessions->runtime->wheel, &yield->deadline);
        mem_free(yield);
    }
}

void session_yield_settle(struct session *session)
{
    if (session->yield != NULL && session->state == SESSION_DETACHED) {
        uint64_t request = session->yield->request;
        session_yield_forget(session);
        leave(session, request);
    }
}

static void wait_for_end(struct session *session, uint64_t request)
{
    struct session_yield *yield = mem_zalloc(sizeof *yield);
    yield->session = session;
    yield->request = request;
    session_yield_forget(session);
    session->yield = yield;
    wheel_add(&session->sessions->runtime->wheel, &yield->deadline, YIELD_WAIT_MS, on_yield_late);
}

enum outlook session_outlook(struct session *session)
{
    const struct transport *transport = session->transport;
    enum outlook outlook =
        transport->ops->outlook == NULL ? OUTLOOK_ALIVE : transport->ops->outlook(transport);
    if (outlook == OUTLOOK_DEAD) {
        session_detach(session->transport, DETACH_ABORTED);
    }
    return outlook;
}

void sessions_yield(struct sessions *sessions, uint64_t request, uint64_t handle)
{
    struct session *session = map_get_u64(&sessions->by_handle, &handle);
    if (session == NULL || session->is_over) {
        return; /* its DROP_SESSION is under way */
    }
    session_pin(session);
    enum outlook outlook = session->transport == NULL ? OUTLOOK_DEAD : session_outlook(session);
    if (outlook == OUTLOOK_ALIVE && !TEST_RULE(alive_refuses)) {
        session_end_response(session);
    }
    if (session->is_over) {
        /* the dead receiver has ended it: DROP_SESSION is the answer */
    } else if (session->state == SESSION_DETACHED && TEST_RULE(idle_yields)) {
        leave(session, request);
    } else if (outlook == OUTLOOK_ENDING) {
        wait_for_end(session, request);
    } else {
        sessions->runtime->stats.yields_refused++;
        broker_link_refuse(sessions->link, request, handle);
    }
    session_unpin(session);
}

/* ---- a gateway that stops ---- */

void session_offer(struct session *session)
{
    if (!session->is_offered) {
        session->is_offered = true;
        broker_link_offer(session->sessions->link, session->host.session);
    }
}

/* Sessions without a key, each at its own moment. */
static bool is_due(const struct session *session, uint64_t elapsed_ms)
{
    uint64_t at = session->host.session * 0x9e3779b97f4a7c15u >> 32;
    return at % SESSIONS_SPREAD_MS <= elapsed_ms;
}

static void drain_session(struct session *session, uint64_t elapsed_ms)
{
    if (session->is_over || session->state == SESSION_CONNECTING) {
        return; /* its claim's answer, or its last receiver, is on the way */
    }
    if (session->key.at == NULL) {
        if (is_due(session, elapsed_ms)) {
            session_close_now(session, 1001, STR("Going away"));
        }
    } else if (session->transport == NULL) {
        session_offer(session);
    } else if (session_outlook(session) == OUTLOOK_ALIVE) {
        session_end_response(session);
    }
}

void sessions_leave(struct sessions *sessions)
{
    size_t cursor = 0;
    struct session *session;
    broker_link_offer(sessions->link, 0);
    while ((session = map_next(&sessions->by_handle, &cursor)) != NULL) {
        session->is_offered = false;
    }
}

bool sessions_drain(struct sessions *sessions, uint64_t elapsed_ms)
{
    size_t cursor = 0;
    struct session *session;
    while ((session = map_next(&sessions->by_handle, &cursor)) != NULL) {
        drain_session(session, elapsed_ms);
    }
    return sessions->count == 0 && sessions->relays.count == 0;
}

/* ---- in ---- */

void session_take_unsent(struct session *session, struct str unsent)
{
    enum checkpoint_frame kind;
    struct str bytes;
    struct stats *stats = &session->sessions->runtime->stats;
    while (checkpoint_next_frame(&unsent, &kind, &bytes)) {
        struct payload *raw = payload_copy(bytes.at, bytes.len);
        struct shared_frame *frame = kind == CHECKPOINT_TEXT ? shared_frame_create(raw, stats)
                                     : kind == CHECKPOINT_WTF8
                                         ? shared_frame_create_wtf8(raw, stats)
                                         : shared_frame_create_binary(raw, stats);
        session_push(session, frame);
        shared_frame_release(frame);
    }
}

/* False: it is not what this version writes. */
static bool take_conversation(struct session *session, struct str bytes)
{
    struct checkpoint checkpoint;
    uint64_t relay;
    const struct service_ops *ops = session_service_ops(session);
    void *context = session->sessions->services->context[session->service_kind];
    if (bytes.len == 0) { /* nothing of it was ever handled */
        session->service = ops->open(context, &session->host);
        return session->service != NULL;
    }
    if (checkpoint_get(bytes, &checkpoint) < 0 || checkpoint.service != session->service_kind) {
        return false;
    }
    while (checkpoint_next_relay(&checkpoint.relays, &relay)) {
        session_note_relay(session, relay);
    }
    session_take_unsent(session, checkpoint.frames);
    session->service = ops->thaw == NULL ? ops->open(context, &session->host)
                                         : ops->thaw(context, &session->host, checkpoint.state);
    return session->service != NULL;
}

static void go_on(struct session *session)
{
    session_note_state(session);
    broker_link_attach(session->sessions->link, session->host.session);
    if (session->is_adopted) {
        session_rest(session);
    } else if (session->transport == NULL) {
        session_cut_off(session); /* the client left while we asked */
    } else {
        session_count_attached(session);
        session_beat_start(session);
        session->transport->ops->opened(session->transport, !TEST_RULE(opens_once));
        session_send_queued(session);
    }
    if (!session->is_over) {
        session_inputs_run(session);
    }
}

void session_move_in(struct session *session, const struct link_claimed *claimed)
{
    struct stats *stats = &session->sessions->runtime->stats;
    session_pin(session);
    session->moves = claimed->moves;
    stats->sessions_opened++;
    session_set_state(session, SESSION_OPEN);
    log_event(LOG_DEBUG, "session_taken", log_str("session", session->host.name),
              log_u64("moves", session->moves));
    session_take_unsent(session, claimed->unsent);
    if (take_conversation(session, claimed->checkpoint)) {
        go_on(session);
    } else if (!session->is_over) {
        log_event(LOG_WARN, "session_unreadable", log_str("session", session->host.name),
                  log_u64("bytes", claimed->checkpoint.len));
        session_finish(session, &(struct session_end){.code = 1002,
                                                      .reason = STR("Connection interrupted"),
                                                      .remember_ms = session_remember_ms(session),
                                                      .drops_queue = true});
    }
    session_unpin(session);
}
