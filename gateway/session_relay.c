/* SPDX-License-Identifier: MIT
 *
 * Bodies of HTTP sends for sessions that another gateway has, and who waits for their answers.
 *
 *   session_relay_out() hands a body to the broker; sessions_relay_done() tells its sender;
 *   sessions_relayed() runs a body of another gateway's client as if it were our own client's: what
 *   it makes the session do goes to the broker with its number, as one (session_inputs.c);
 *   session_relay_input() takes over from a session that leaves this gateway.
 *
 * A body that comes a second time, because its answer was lost with a link, is known by its number and
 * not run again.
 */
#include "common/err.h"
#include "common/mem.h"
#include "common/wire.h"
#include "gateway/session_state.h"
#include "gateway/sessions.h"

struct session_relay {
    uint64_t request;     /* key in sessions::relays */
    uint64_t data_key;    /* key in sessions::relayers */
    session_sent_cb done; /* NULL: he has gone */
    void *data;
    bool is_marked; /* the body was run here; its end mark is under way */
};

/* ---- out ---- */

static void await_answer(struct sessions *sessions, uint64_t request, session_sent_cb done,
                         void *data, bool is_marked)
{
    struct session_relay *relay = mem_zalloc(sizeof *relay);
    relay->request = request;
    relay->done = done;
    relay->data = data;
    relay->is_marked = is_marked;
    map_put_u64(&sessions->relays, &relay->request, relay);
    if (done != NULL) {
        relay->data_key = (uint64_t)(uintptr_t)data;
        map_put_u64(&sessions->relayers, &relay->data_key, relay);
    }
}

static void send_relay(struct sessions *sessions, struct str key, struct str body,
                       session_sent_cb done, void *data)
{
    uint64_t request = broker_link_number(sessions->link);
    await_answer(sessions, request, done, data, false);
    sessions->runtime->stats.relays_out++;
    broker_link_relay(
        sessions->link,
        &(struct link_relay){.request = request, .key = key, .relay = request, .body = body});
}

void session_relay_out(struct sessions *sessions, struct str key, const struct str *messages,
                       size_t count, session_sent_cb done, void *data)
{
    struct buf body = {0};
    for (size_t i = 0; i < count; i++) {
        wire_put_str32(&body, messages[i]);
    }
    send_relay(sessions, key, buf_str(&body), done, data);
    buf_finish(&body);
}

void session_relay_input(struct session *session, const struct session_input *input)
{
    struct buf body = {0};
    const char *at = (const char *)&input->lens[input->count];
    if (input->request != 0) {
        await_answer(session->sessions, input->request, input->done, input->data, true);
        return;
    }
    for (size_t i = 0; i < input->count; i++) {
        wire_put_str32(&body, (struct str){at, input->lens[i]});
        at += input->lens[i];
    }
    send_relay(session->sessions, session->key, buf_str(&body), input->done, input->data);
    buf_finish(&body);
}

static void settle(struct sessions *sessions, struct session_relay *relay, int code)
{
    map_remove_u64(&sessions->relays, &relay->request);
    if (relay->done != NULL) {
        map_remove_u64(&sessions->relayers, &relay->data_key);
        relay->done(relay->data, code);
    }
    mem_free(relay);
}

/* The mark of a body whose session has left: it went out before the session did, so it counts. */
bool session_relay_answered(struct sessions *sessions, uint64_t request)
{
    struct session_relay *relay = map_get_u64(&sessions->relays, &request);
    if (relay == NULL) {
        return false;
    }
    settle(sessions, relay, 0);
    return true;
}

void sessions_relay_done(struct sessions *sessions, uint64_t request, uint8_t result)
{
    struct session_relay *relay = map_get_u64(&sessions->relays, &request);
    if (relay != NULL && !relay->is_marked) {
        settle(sessions, relay,
               result == LINK_OK       ? 0
               : result == LINK_ABSENT ? ERR_ABSENT
                                       : ERR_LIMIT);
    }
}

void session_relay_forget(struct sessions *sessions, uint64_t data_key)
{
    struct session_relay *relay = map_remove_u64(&sessions->relayers, &data_key);
    if (relay != NULL) {
        relay->done = NULL;
        if (!relay->is_marked && broker_link_cancel_relay(sessions->link, relay->request)) {
            settle(sessions, relay, 0);
        }
    }
}

void session_relays_finish(struct sessions *sessions)
{
    size_t cursor = 0;
    struct session_relay *relay;
    while ((relay = map_next(&sessions->relays, &cursor)) != NULL) {
        settle(sessions, relay, ERR_AWAY);
    }
}

void sessions_give_up_sends(struct sessions *sessions)
{
    size_t cursor = 0;
    struct session_input *input;
    while ((input = map_next(&sessions->sends, &cursor)) != NULL) {
        session_sent_cb done = input->done;
        map_remove_u64(&sessions->sends, &input->data_key);
        input->done = NULL;
        done(input->data, ERR_AWAY);
    }
    session_relays_finish(sessions);
}

/* ---- in ---- */

static bool is_known(const struct session *session, uint64_t number)
{
    const struct session_relays *relays = session->relays;
    for (uint32_t i = 0; relays != NULL && i < relays->count; i++) {
        if (relays->numbers[i] == number) {
            return true;
        }
    }
    return false;
}

static bool is_waiting(const struct session *session, uint64_t number)
{
    for (const struct session_input *input = session->inputs; input != NULL; input = input->next) {
        if (input->relay == number && input->request == 0) {
            return true;
        }
    }
    return false;
}

static void answer_again(struct session *session, uint64_t number)
{
    struct buf state = {0};
    session_put_state(session, &state);
    broker_link_checkpoint(session->sessions->link,
                           &(struct link_checkpoint){.session = session->host.session,
                                                     .relay = number,
                                                     .state = buf_str(&state)});
    buf_finish(&state);
}

static void run_body(struct session *session, const struct link_relayed *relayed)
{
    struct wire_reader reader;
    struct buf messages = {0};
    wire_reader_init(&reader, relayed->body.at, relayed->body.len);
    while (!reader.failed && wire_left(&reader) > 0) {
        struct str message = wire_get_str32(&reader);
        if (!reader.failed) {
            buf_append(&messages, &message, sizeof message);
        }
    }
    session->read_ms = runtime_now(session->sessions->runtime);
    session->sessions->runtime->stats.relays_in++;
    session_inputs_add(session, (const struct str *)(const void *)messages.data,
                       messages.len / sizeof(struct str), false, NULL, NULL);
    session_inputs_last(session)->relay = relayed->relay;
    session_inputs_run(session);
    buf_finish(&messages);
}

/* To a session that has left meanwhile the broker sends it again. */
void sessions_relayed(struct sessions *sessions, const struct link_relayed *relayed)
{
    struct session *session = map_get_u64(&sessions->by_handle, &relayed->session);
    if (session == NULL || session->is_over || session->service == NULL) {
        return;
    }
    session_pin(session);
    if (is_known(session, relayed->relay)) {
        answer_again(session, relayed->relay);
    } else if (!is_waiting(session, relayed->relay)) {
        run_body(session, relayed);
    }
    session_unpin(session);
}
