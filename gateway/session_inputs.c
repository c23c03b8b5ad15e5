/* SPDX-License-Identifier: MIT
 *
 * What a client sent, on its way to the service: at once, or when the session is open and may read.
 *
 *   session_inputs_add() appends; session_inputs_run() hands the messages on in order, and behind
 *   those of an HTTP send asks the broker for an end mark; session_inputs_answered() tells the
 *   sender when that has come.
 *
 * A session that ends answers everybody: what the service had got counts as sent, the rest finds no
 * session.
 */
#include <assert.h>

#include "common/err.h"
#include "common/mem.h"
#include "gateway/session_state.h"

static struct session_input *create_input(const struct str *messages, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        bytes += messages[i].len;
    }
    struct session_input *input = mem_alloc(sizeof *input + count * sizeof input->lens[0] + bytes);
    *input = (struct session_input){.count = count, .bytes = bytes};
    char *at = (char *)&input->lens[count];
    for (size_t i = 0; i < count; i++) {
        input->lens[i] = messages[i].len;
        if (messages[i].len > 0) {
            memcpy(at, messages[i].at, messages[i].len);
            at += messages[i].len;
        }
    }
    return input;
}

void session_inputs_add(struct session *session, const struct str *messages, size_t count,
                        bool is_binary, session_sent_cb done, void *data)
{
    struct session_input *input = create_input(messages, count);
    struct session_input **at = &session->inputs;
    input->is_binary = is_binary;
    input->done = done;
    input->data = data;
    if (done != NULL) {
        input->data_key = (uint64_t)(uintptr_t)data;
        map_put_u64(&session->sessions->sends, &input->data_key, input);
    }
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = input;
}

struct session_input *session_inputs_last(struct session *session)
{
    struct session_input *input = session->inputs;
    while (input->next != NULL) {
        input = input->next;
    }
    return input;
}

bool session_inputs_must_wait(const struct session *session)
{
    return session->service == NULL || session->is_paused;
}

size_t session_inputs_bytes(const struct session *session)
{
    size_t bytes = 0;
    for (const struct session_input *input = session->inputs; input != NULL; input = input->next) {
        if (input->request == 0) {
            bytes += sizeof *input + input->bytes;
        }
    }
    return bytes;
}

/* Takes the first off and answers its sender. */
static void settle_first(struct session *session, int code)
{
    struct session_input *input = session->inputs;
    session->inputs = input->next;
    if (input->done != NULL) {
        map_remove_u64(&session->sessions->sends, &input->data_key);
        input->done(input->data, code);
    }
    mem_free(input);
}

void session_note_relay(struct session *session, uint64_t relay)
{
    struct session_relays *relays = session->relays;
    if (relays == NULL) {
        relays = session->relays = mem_zalloc(sizeof *relays);
    }
    if (relays->count == SESSION_RELAYS_KEPT) {
        relays->count--;
        memmove(relays->numbers, relays->numbers + 1, relays->count * sizeof relays->numbers[0]);
    }
    relays->numbers[relays->count++] = relay;
}

/* What the service does with this body goes to the broker as one. */
static void begin_body(struct session *session, const struct session_input *input)
{
    const struct link_checkpoint mark = {
        .request = input->request,
        .session = session->host.session,
        .relay = input->relay,
    };
    if (input->relay != 0) {
        session_note_relay(session, input->relay);
    }
    broker_link_begin_body(session->sessions->link, &mark);
}

static void end_body(struct session *session)
{
    struct buf state = {0};
    if (!session->is_over) { /* else the mark has gone before the end */
        session_put_state(session, &state);
    }
    broker_link_end_body(session->sessions->link, buf_str(&state));
    buf_finish(&state);
}

static void hand_on(struct session *session, struct session_input *input)
{
    const struct service_ops *ops = session_service_ops(session);
    const char *at = (const char *)&input->lens[input->count];
    for (size_t i = 0; i < input->count; i++) {
        struct str message = {at, input->lens[i]};
        at += message.len;
        ops->receive(session->service, message, input->is_binary);
        if (session->is_over) {
            return;
        }
    }
}

void session_inputs_run(struct session *session)
{
    session_pin(session);
    for (;;) {
        struct session_input *input = session->inputs;
        while (input != NULL && input->request != 0) {
            input = input->next;
        }
        if (input == NULL || session->is_over || session_inputs_must_wait(session)) {
            break;
        }
        input->request = broker_link_number(session->sessions->link);
        bool is_body = input->data_key != 0 || input->relay != 0;
        if (is_body) {
            begin_body(session, input);
        }
        hand_on(session, input);
        if (is_body) {
            end_body(session);
        }
        if (session->is_over) {
            break; /* the last pin answers */
        }
        if (!is_body) {
            assert(session->inputs == input);
            settle_first(session, 0);
        }
    }
    session_unpin(session);
}

bool session_inputs_answered(struct session *session, uint64_t request)
{
    if (session->inputs == NULL || session->inputs->request != request) {
        return false;
    }
    settle_first(session, 0);
    return true;
}

/* Who waits for an end mark gets it here; what was not begun goes where the session goes: our clients' as
 * relays, relays by the broker itself. */
void session_inputs_hand_over(struct session *session)
{
    while (session->inputs != NULL) {
        struct session_input *input = session->inputs;
        session->inputs = input->next;
        if (input->done != NULL) {
            map_remove_u64(&session->sessions->sends, &input->data_key);
        }
        if (input->relay == 0) {
            session_relay_input(session, input);
        }
        mem_free(input);
    }
}

void session_inputs_finish(struct session *session)
{
    while (session->inputs != NULL) {
        settle_first(session, session->inputs->request != 0 ? 0 : ERR_ABSENT);
    }
}
