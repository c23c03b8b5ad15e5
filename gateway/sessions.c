/* SPDX-License-Identifier: MIT
 *
 * The registry of sessions: found by handle for the broker, by key for HTTP requests.
 *
 *   session_begin() and session_attach() find or create; session_receive_all() brings the bodies of
 *   HTTP sends; sessions_claimed(), sessions_answered(), sessions_expire(), ... bring what the
 *   broker says; sessions_restore() tells a new broker everything.
 *
 * A session that is not here is nobody's fault: it ended while the message was under way. Only a
 * claim that was granted to one that has gone is given back.
 * The one place where sends for a session of another gateway will be relayed is
 * session_receive_all().
 */
#include "gateway/sessions.h"

#include <assert.h>

#include "common/err.h"
#include "common/mem.h"
#include "common/settings.h"
#include "common/test_rule.h"
#include "gateway/session_state.h"

#define KEY_BYTES_MAX 512 /* beyond: the session is refused; clients draw 8 characters */

/* Somebody who waits until the broker answers. */
struct sessions_wait {
    struct list_node node; /* sessions::waits */
    struct wheel_entry deadline;
    struct sessions *sessions;
    sessions_ready_cb ready;
    void *data;
};

struct sessions *sessions_create(struct runtime *runtime, struct broker_link *link,
                                 const struct services *services)
{
    struct sessions *sessions = mem_zalloc(sizeof *sessions);
    sessions->runtime = runtime;
    sessions->link = link;
    sessions->services = services;
    list_init(&sessions->waits);
    return sessions;
}

void sessions_destroy(struct sessions *sessions)
{
    if (sessions == NULL) {
        return;
    }
    assert(sessions->by_handle.count == 0 && sessions->by_key.count == 0);
    assert(sessions->sends.count == 0 && list_is_empty(&sessions->waits));
    map_finish(&sessions->by_handle);
    map_finish(&sessions->by_key);
    map_finish(&sessions->sends);
    map_finish(&sessions->relays);
    map_finish(&sessions->relayers);
    map_finish(&sessions->yielded);
    turn_remove(&sessions->judge);
    turn_remove(&sessions->confirm);
    buf_finish(&sessions->streams);
    buf_finish(&sessions->suspects);
    mem_free(sessions);
}

size_t sessions_count(const struct sessions *sessions)
{
    return sessions->count;
}

void sessions_close_all(struct sessions *sessions, unsigned code, struct str reason)
{
    size_t cursor = 0;
    struct session *session;
    while ((session = map_next(&sessions->by_handle, &cursor)) != NULL) {
        if (session->key.at != NULL && !session->is_over && sessions->runtime->is_draining) {
            session_lost(session,
                         reason); /* it can go on elsewhere, by what the broker knows of it */
        } else {
            session_close_now(session, code, reason);
        }
    }
    sessions_drop_copies(sessions);
    session_relays_finish(sessions);
    while (!list_is_empty(&sessions->waits)) {
        struct sessions_wait *wait = LIST_OF(sessions->waits.next, struct sessions_wait, node);
        sessions_ready_cb ready = wait->ready;
        void *data = wait->data;
        sessions_forget_wait(sessions, data);
        ready(data, ERR_AWAY);
    }
}

/* ---- keys ---- */

/* The endpoint's path, a slash, the session id: an id has no slash. False when it is too long. */
static bool write_key(const struct endpoint_settings *endpoint, struct str session_id,
                      char out[KEY_BYTES_MAX], struct str *out_key)
{
    size_t path_len = strlen(endpoint->path);
    if (path_len + 1 + session_id.len > KEY_BYTES_MAX) {
        return false;
    }
    memcpy(out, endpoint->path, path_len);
    out[path_len] = '/';
    memcpy(out + path_len + 1, session_id.at, session_id.len);
    *out_key = (struct str){out, path_len + 1 + session_id.len};
    return true;
}

static struct session *find_by_key(struct sessions *sessions,
                                   const struct endpoint_settings *endpoint, struct str session_id)
{
    char bytes[KEY_BYTES_MAX];
    struct str key;
    if (!write_key(endpoint, session_id, bytes, &key)) {
        return NULL;
    }
    return map_get(&sessions->by_key, key);
}

bool session_may_exist(struct sessions *sessions, const struct endpoint_settings *endpoint,
                       struct str session_id)
{
    struct session *session = find_by_key(sessions, endpoint, session_id);
    return session == NULL || !session->is_over;
}

/* ---- transports that come ---- */

bool sessions_are_full(const struct sessions *sessions)
{
    /* Those that wait to say goodbye take room like any other. */
    return sessions->by_handle.count >= sessions->runtime->settings->limits.sessions_max ||
           sessions->runtime->is_draining;
}

static void refuse_full(struct transport *transport)
{
    transport->ops->close(transport, 1013, STR("Too many sessions"));
}

void session_begin(struct sessions *sessions, const struct endpoint_settings *endpoint,
                   const struct limits_settings *limits, struct transport *transport)
{
    if (sessions_are_full(sessions)) {
        refuse_full(transport);
        return;
    }
    session_create(sessions, endpoint, limits, (uint8_t)transport->ops->family, transport,
                   (struct str){NULL, 0});
}

static void attach_existing(struct session *session, struct transport *transport)
{
    if (session->family == transport->ops->family || !TEST_RULE(one_family)) {
        session_attach_here(session, transport);
    } else if (transport->ops->refuse != NULL) {
        transport->ops->refuse(transport);
    } else {
        transport->ops->close(transport, 1002, STR("Connection interrupted"));
    }
}

void session_attach(struct sessions *sessions, const struct endpoint_settings *endpoint,
                    struct str session_id, struct transport *transport)
{
    char bytes[KEY_BYTES_MAX];
    struct str key;
    if (!write_key(endpoint, session_id, bytes, &key)) {
        transport->ops->close(transport, 1002, STR("Session id too long"));
        return;
    }
    struct session *session = map_get(&sessions->by_key, key);
    if (sessions->runtime->is_draining) {
        transport->ops->close(transport, 0, STR("")); /* `h`: the next request goes elsewhere */
    } else if (session != NULL) {
        attach_existing(session, transport);
    } else if (sessions_are_full(sessions)) {
        refuse_full(transport);
    } else {
        session_create(sessions, endpoint, &endpoint->limits, (uint8_t)transport->ops->family,
                       transport, key);
    }
}

/* ---- sends ---- */

/* Another gateway has it, or nobody; or we are about to, and the broker knows when. */
static void relay_all(struct sessions *sessions, const struct endpoint_settings *endpoint,
                      struct str session_id, const struct str *messages, size_t count,
                      session_sent_cb done, void *data)
{
    char bytes[KEY_BYTES_MAX];
    struct str key;
    if (!write_key(endpoint, session_id, bytes, &key)) {
        done(data, ERR_ABSENT);
        return;
    }
    if (broker_link_is_clogged(sessions->link)) {
        done(data, ERR_LIMIT); /* anybody can send to names he made up */
        return;
    }
    session_relay_out(sessions, key, messages, count, done, data);
}

void session_receive_all(struct sessions *sessions, const struct endpoint_settings *endpoint,
                         struct str session_id, enum link_family family_hint,
                         const struct str *messages, size_t count, session_sent_cb done, void *data)
{
    struct session *session = find_by_key(sessions, endpoint, session_id);
    size_t bytes = 0;
    (void)family_hint; /* one that sends otherwise than it receives does no harm */
    if (session == NULL || (session->state == SESSION_CONNECTING && TEST_RULE(claim_relays))) {
        relay_all(sessions, endpoint, session_id, messages, count, done, data);
        return;
    }
    if (session->is_over) {
        done(data, ERR_ABSENT);
        return;
    }
    session->read_ms = runtime_now(sessions->runtime);
    if (count == 0) {
        done(data, 0);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        bytes += messages[i].len;
    }
    if (session_inputs_must_wait(session) &&
        session_inputs_bytes(session) + bytes > session->host.limits->sockjs_body_bytes_max) {
        done(data, ERR_LIMIT);
        return;
    }
    session_inputs_add(session, messages, count, false, done, data);
    session_inputs_run(session);
}

void session_forget_send(struct sessions *sessions, void *data)
{
    uint64_t key = (uint64_t)(uintptr_t)data;
    struct session_input *input = map_remove_u64(&sessions->sends, &key);
    if (input != NULL) {
        input->done = NULL;
    }
    session_relay_forget(sessions, key);
}

/* ---- waiting for the broker ---- */

bool sessions_are_ready(const struct sessions *sessions)
{
    return broker_link_is_ready(sessions->link);
}

static void end_wait(struct sessions_wait *wait, int code)
{
    sessions_ready_cb ready = wait->ready;
    void *data = wait->data;
    wheel_remove(&wait->sessions->runtime->wheel, &wait->deadline);
    list_remove(&wait->node);
    mem_free(wait);
    if (ready != NULL) {
        ready(data, code);
    }
}

static void on_wait_late(struct wheel_entry *entry)
{
    end_wait(MEM_CONTAINER(entry, struct sessions_wait, deadline), ERR_AWAY);
}

void sessions_wait_ready(struct sessions *sessions, sessions_ready_cb ready, void *data)
{
    struct sessions_wait *wait = mem_zalloc(sizeof *wait);
    wait->sessions = sessions;
    wait->ready = ready;
    wait->data = data;
    list_append(&sessions->waits, &wait->node);
    wheel_add(&sessions->runtime->wheel, &wait->deadline,
              sessions->runtime->settings->timeouts.link_wait_ms, on_wait_late);
}

void sessions_forget_wait(struct sessions *sessions, void *data)
{
    LIST_EACH(&sessions->waits, node)
    {
        struct sessions_wait *wait = LIST_OF(node, struct sessions_wait, node);
        if (wait->data == data) {
            wait->ready = NULL;
            end_wait(wait, 0);
            return;
        }
    }
}

/* ---- who is too slow ---- */

static struct session *find_by_handle(const struct sessions *sessions, uint64_t handle)
{
    struct session *session = map_get_u64(&sessions->by_handle, &handle);
    return session == NULL || session->is_over ? NULL : session;
}

static void judge_suspects(struct turn_entry *entry)
{
    struct sessions *sessions = MEM_CONTAINER(entry, struct sessions, judge);
    struct buf suspects = sessions->suspects;
    sessions->suspects = (struct buf){0};
    for (size_t at = 0; at < suspects.len; at += sizeof(uint64_t)) {
        uint64_t handle;
        memcpy(&handle, suspects.data + at, sizeof handle);
        struct session *session = find_by_handle(sessions, handle);
        if (session != NULL) {
            session_judge(session);
        }
    }
    buf_finish(&suspects);
}

/* Once more to the end of the line: the connections' own flushes were added meanwhile. */
static void go_behind_flushes(struct turn_entry *entry)
{
    struct sessions *sessions = MEM_CONTAINER(entry, struct sessions, judge);
    turn_add(&sessions->runtime->turn, entry, judge_suspects);
}

void sessions_suspect(struct session *session)
{
    struct sessions *sessions = session->sessions;
    session->is_suspect = true;
    buf_append(&sessions->suspects, &session->host.session, sizeof session->host.session);
    turn_add(&sessions->runtime->turn, &sessions->judge, go_behind_flushes);
}

/* ---- what the broker says ---- */

void sessions_claimed(struct sessions *sessions, const struct link_claimed *claimed)
{
    struct session *session = find_by_handle(sessions, claimed->session);
    if (session != NULL && session->state == SESSION_CONNECTING) {
        session_claim_answered(session, claimed);
    } else if (claimed->result == LINK_CLAIM_NEW || claimed->result == LINK_CLAIM_MOVED ||
               claimed->unsent.len > 0) {
        bool is_closed = claimed->result == LINK_CLAIM_CLOSED; /* the next one gets the frames */
        const struct link_drop_session drop = {.session = claimed->session,
                                               .code = 1006,
                                               .unsent = is_closed ? claimed->unsent : STR("")};
        broker_link_drop(sessions->link, &drop);
    }
}

void sessions_answered(struct sessions *sessions, const struct broker_answer *answer)
{
    struct session *session = find_by_handle(sessions, answer->session);
    if (session == NULL) {
        (void)session_relay_answered(sessions, answer->request);
        return;
    }
    session_pin(session);
    bool is_mine =
        answer->type == LINK_CHECKPOINTED && session_inputs_answered(session, answer->request);
    const struct service_ops *ops = session_service_ops(session);
    if (!is_mine && session->service != NULL && ops->answered != NULL) {
        ops->answered(session->service, answer);
    }
    session_count_answer(session);
    session_unpin(session);
}

void sessions_expire(struct sessions *sessions, uint64_t request, uint64_t handle)
{
    struct session *session = find_by_handle(sessions, handle);
    if (session == NULL) {
        return; /* its DROP_SESSION is under way */
    }
    if (session->state != SESSION_DETACHED) {
        broker_link_refuse(sessions->link, request, handle);
        return;
    }
    sessions->runtime->stats.sessions_expired++;
    session_finish(session, &(struct session_end){
                                .code = 1002, .reason = STR("expired"), .drops_queue = true});
}

/* What is addressed to single subscriptions. */
void sessions_deliver(struct sessions *sessions, const struct link_delivered *delivered)
{
    struct str individuals = delivered->individuals;
    uint64_t handle;
    uint32_t subscription;
    while (link_next_individual(&individuals, &handle, &subscription)) {
        struct session *session = find_by_handle(sessions, handle);
        const struct service_ops *ops = session == NULL ? NULL : session_service_ops(session);
        if (ops != NULL && session->service != NULL && ops->deliver != NULL) {
            session_pin(session);
            ops->deliver(session->service, subscription, delivered->position, &delivered->message);
            session_unpin(session);
        }
    }
}

void sessions_gone(struct sessions *sessions, uint64_t handle, struct str reason)
{
    struct session *session = find_by_handle(sessions, handle);
    if (!sessions_drop_copy(sessions, handle) && session != NULL) {
        session_lost(session, reason);
    }
}

static void restore_session(struct sessions *sessions, struct session *session,
                            struct buf *subscriptions, struct buf *state)
{
    const struct service_ops *ops = session_service_ops(session);
    subscriptions->len = 0;
    state->len = 0;
    session_put_restored_state(session, state);
    if (ops->restore != NULL && session->service != NULL) {
        ops->restore(session->service, subscriptions);
    }
    const struct link_restore restore = {
        .session = session->host.session,
        .key = session->key,
        .name = session->host.name,
        .family = session->family,
        .expire_ms =
            session->key.at == NULL ? 0 : (uint32_t)session->host.endpoint->disconnect_delay_ms,
        .moves = session->moves,
        .number = broker_link_handled_before(sessions->link),
        .hold = session->state == SESSION_OPEN ? LINK_HOLD_ATTACHED : LINK_HOLD_DETACHED,
        .subscriptions = buf_str(subscriptions),
        .state = buf_str(state),
    };
    broker_link_restore(sessions->link, &restore);
}

void sessions_restore(struct sessions *sessions)
{
    size_t cursor = 0;
    struct session *session;
    struct buf subscriptions = {0};
    struct buf state = {0};
    while ((session = map_next(&sessions->by_handle, &cursor)) != NULL) {
        if (session->state == SESSION_OPEN || session->state == SESSION_DETACHED) {
            restore_session(sessions, session, &subscriptions, &state);
        }
    }
    buf_finish(&subscriptions);
    buf_finish(&state);
    sessions_restore_copies(sessions);
}

void sessions_restored(struct sessions *sessions, uint64_t handle, uint32_t subscription,
                       uint32_t group)
{
    struct session *session = find_by_handle(sessions, handle);
    if (session != NULL && session->service != NULL) {
        session_pin(session);
        session_service_ops(session)->restored(session->service, subscription, group);
        session_unpin(session);
    }
}

void sessions_restored_all(struct sessions *sessions)
{
    struct list_node waits;
    size_t cursor = 0;
    struct session *session;
    while ((session = map_next(&sessions->by_handle, &cursor)) != NULL) {
        session_renew_state(session);
    }
    list_take_all(&waits, &sessions->waits);
    while (!list_is_empty(&waits)) {
        end_wait(LIST_OF(waits.next, struct sessions_wait, node), 0);
    }
    if (sessions->runtime->is_draining) {
        sessions_leave(sessions); /* what was offered on the lost link is offered again */
    }
}
