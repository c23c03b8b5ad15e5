/* SPDX-License-Identifier: MIT
 *
 * What a client may say, and when: one table of commands.
 *
 *   stomp_handle_frame() finds the row, asks whether the command is allowed in this phase, whether
 *   the frame is as it must be (`check`: NULL, or the sentence of the ERROR), and goes on
 *   (`proceed`).
 *
 * Here are SEND and DISCONNECT, and the refusals; CONNECT, subscriptions, acknowledgements and
 * transactions have files of their own. Headers that only a server writes, those that belong to the
 * SEND itself, and tokens do not travel on.
 */
#include <inttypes.h>
#include <stdio.h>

#include "common/mem.h"
#include "common/settings.h"
#include "gateway/stomp_state.h"
#include "proto/destination.h"

#define RECEIPT_BYTES_MAX 256

#define IN_AWAIT (1u << STOMP_AWAIT_CONNECT)
#define IN_CONNECTED (1u << STOMP_CONNECTED_PHASE)

struct row {
    unsigned allowed_in; /* bits of enum stomp_phase */
    const char *(*check)(struct stomp_session *session, const struct stomp_frame *frame);
    void (*proceed)(struct stomp_session *session, const struct stomp_frame *frame);
};

/* ---- SEND ---- */

/* Stripped from a SEND: by name, or by a beginning. */
static const struct {
    struct str name;
    bool is_prefix;
    bool stays_on_tcp; /* a relay needs what it wrote itself */
} stripped[] = {
    {{"destination", 11}, false, false}, /* travels apart */
    {{"receipt", 7}, false, false},
    {{"transaction", 11}, false, false},
    {{"content-length", 14}, false, false},
    {{"subscription", 12}, false, false},
    {{"ack", 3}, false, false},
    {{"message-id", 10}, false, false},
    {{"redelivered", 11}, false, false},
    {{"user-id", 7}, false, false},
    {{"user-name", 9}, false, false},
    {{"receipt-id", 10}, false, false},
    {{"version", 7}, false, false},
    {{"session", 7}, false, false},
    {{"server", 6}, false, false},
    {{"position", 8}, false, false},
    {{"recovered", 9}, false, false},
    {{"simp", 4}, true, true},
};

static bool is_stripped(struct str name, bool is_tcp)
{
    for (size_t i = 0; i < MEM_COUNT(stripped); i++) {
        bool is_it = stripped[i].is_prefix ? str_starts(name, stripped[i].name)
                                           : str_equal(name, stripped[i].name);
        if (is_it) {
            return !(is_tcp && stripped[i].stays_on_tcp);
        }
    }
    return false;
}

static struct str collect_headers(struct stomp_session *session, const struct stomp_frame *frame)
{
    struct buf *block = &session->stomp->headers;
    block->len = 0;
    for (size_t i = 0; i < frame->header_count; i++) {
        struct str name = frame->headers[i].name;
        if (!is_stripped(name, session->host->is_tcp) && !stomp_identity_is_secret(session, name)) {
            link_put_header(block, name, frame->headers[i].value);
        }
    }
    return buf_str(block);
}

static const char *check_send(struct stomp_session *session, const struct stomp_frame *frame)
{
    struct str destination = stomp_frame_header(frame, "destination");
    const char *fault = stomp_check_transaction(session, frame);
    if (fault != NULL) {
        return fault;
    }
    if (destination.at == NULL) {
        return "SEND needs a destination header";
    }
    fault = stomp_check_destination(session, destination);
    return fault != NULL ? fault : stomp_check_may_send(session, destination);
}

static void send_message(struct stomp_session *session, const struct stomp_frame *frame)
{
    struct stomp *stomp = session->stomp;
    char id[32];
    int len = snprintf(id, sizeof id, "%s-%" PRIu64, stomp->prefix, ++stomp->messages);
    bool is_later = stomp_frame_header(frame, "transaction").at != NULL;
    const struct link_publish publish = {
        .request = is_later ? 0 : stomp_expect_receipt(session, frame),
        .session = session->host->session,
        .message = {.id = {id, (size_t)len},
                    .destination = stomp_frame_header(frame, "destination"),
                    .headers = collect_headers(session, frame),
                    .body = frame->body},
    };
    if (is_later) {
        stomp_transaction_publish(session, frame, &publish);
        return;
    }
    broker_link_publish(stomp->link, &publish);
    stomp_consider_pause(session);
}

/* ---- DISCONNECT ---- */

static const char *check_nothing(struct stomp_session *session, const struct stomp_frame *frame)
{
    (void)session;
    (void)frame;
    return NULL;
}

static void disconnect(struct stomp_session *session, const struct stomp_frame *frame)
{
    if (stomp_frame_header(frame, "receipt").at == NULL) {
        session->host->ops->close(session->host->data, 1000, STR("Goodbye"));
        return;
    }
    stomp_set_phase(session, STOMP_LEAVING);
    stomp_receipt_in_turn(session, frame);
}

/* ---- refusals ---- */

static const struct row rows[] = {
    [STOMP_CONNECT] = {IN_AWAIT, stomp_check_connect, stomp_connect},
    [STOMP_STOMP] = {IN_AWAIT, stomp_check_connect, stomp_connect},
    [STOMP_SEND] = {IN_CONNECTED, check_send, send_message},
    [STOMP_SUBSCRIBE] = {IN_CONNECTED, stomp_check_subscribe, stomp_subscribe},
    [STOMP_UNSUBSCRIBE] = {IN_CONNECTED, stomp_check_unsubscribe, stomp_unsubscribe},
    [STOMP_DISCONNECT] = {IN_CONNECTED, check_nothing, disconnect},
    [STOMP_ACK] = {IN_CONNECTED, stomp_check_ack, stomp_ack},
    [STOMP_NACK] = {IN_CONNECTED, stomp_check_ack, stomp_ack},
    [STOMP_BEGIN] = {IN_CONNECTED, stomp_check_begin, stomp_begin},
    [STOMP_COMMIT] = {IN_CONNECTED, stomp_check_end, stomp_commit},
    [STOMP_ABORT] = {IN_CONNECTED, stomp_check_end, stomp_abort},
};

static const char *refuse_in_phase(const struct stomp_session *session,
                                   const struct stomp_frame *frame)
{
    if (session->phase == STOMP_AWAIT_CONNECT) {
        return "Not connected: the first frame must be CONNECT";
    }
    if (frame->command == STOMP_CONNECT || frame->command == STOMP_STOMP) {
        return "Already connected";
    }
    return "Unknown command";
}

void stomp_handle_frame(struct stomp_session *session, const struct stomp_frame *frame)
{
    struct str receipt = stomp_frame_header(frame, "receipt");
    const char *fault = NULL;
    const struct row *row = NULL;
    if ((size_t)frame->command < MEM_COUNT(rows)) {
        row = &rows[frame->command];
    }
    if (receipt.at != NULL && receipt.len > RECEIPT_BYTES_MAX) {
        receipt = (struct str){NULL, 0};
        fault = "The receipt header is longer than 256 bytes";
    } else if (row == NULL || (row->allowed_in & 1u << session->phase) == 0) {
        fault = refuse_in_phase(session, frame);
    } else {
        fault = row->check(session, frame);
    }
    if (fault != NULL) {
        stomp_fail(session, fault, receipt);
        return;
    }
    row->proceed(session, frame);
}
