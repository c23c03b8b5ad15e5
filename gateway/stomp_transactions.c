/* SPDX-License-Identifier: MIT
 *
 * Transactions: what a client says between BEGIN and COMMIT is kept here, and handed to the broker as one.
 *
 *   stomp_begin() opens one; stomp_transaction_publish() keeps a SEND as the link message it would have been;
 *   stomp_commit() puts all of them into one CHECKPOINT, which the broker applies whole or not at all;
 *   stomp_abort(), and the end of the session, forget them.
 *
 * A frame inside gets its RECEIPT at once: it was received. COMMIT's says that all was applied. A session that goes to
 * another gateway takes its transactions with it; their messages name the session by the number it has when it commits.
 */
#include <assert.h>

#include "common/mem.h"
#include "common/settings.h"
#include "gateway/checkpoint.h"
#include "gateway/stomp_state.h"

#define ID_BYTES_MAX 256
#define MESSAGE_BYTES 96 /* of a link message, beside what stands in the frame */
#define HEADER_BYTES 4   /* likewise of a header */

/* ---- the list ---- */

static struct stomp_transaction **find(struct stomp_session *session,
                                       const struct stomp_frame *frame)
{
    struct str id = stomp_frame_header(frame, "transaction");
    struct stomp_transaction **at = &session->transactions;
    while (*at != NULL && !str_equal((struct str){(*at)->id, (*at)->len}, id)) {
        at = &(*at)->next;
    }
    return at;
}

/* That of a frame which was checked. */
static struct stomp_transaction *get(struct stomp_session *session, const struct stomp_frame *frame)
{
    struct stomp_transaction *transaction = *find(session, frame);
    assert(transaction != NULL);
    return transaction;
}

static struct stomp_transaction *add(struct stomp_session *session, struct str id)
{
    struct stomp_transaction *transaction = mem_zalloc(sizeof *transaction + id.len);
    transaction->len = (uint32_t)id.len;
    memcpy(transaction->id, id.at, id.len);
    transaction->next = session->transactions;
    session->transactions = transaction;
    return transaction;
}

static void remove_at(struct stomp_transaction **at)
{
    struct stomp_transaction *transaction = *at;
    *at = transaction->next;
    buf_finish(&transaction->messages);
    mem_free(transaction);
}

static size_t count_open(const struct stomp_session *session)
{
    size_t count = 0;
    for (const struct stomp_transaction *each = session->transactions; each != NULL;
         each = each->next) {
        count++;
    }
    return count;
}

static size_t count_bytes(const struct stomp_session *session)
{
    size_t bytes = 0;
    for (const struct stomp_transaction *each = session->transactions; each != NULL;
         each = each->next) {
        bytes += each->messages.len;
    }
    return bytes;
}

void stomp_drop_transactions(struct stomp_session *session)
{
    while (session->transactions != NULL) {
        session->stomp->runtime->stats.transactions_aborted++;
        remove_at(&session->transactions);
    }
}

/* ---- BEGIN, COMMIT, ABORT ---- */

static const char *check_id(struct str id)
{
    if (id.len == 0) {
        return "A transaction header is needed";
    }
    return id.len > ID_BYTES_MAX ? "The transaction header is longer than 256 bytes" : NULL;
}

const char *stomp_check_begin(struct stomp_session *session, const struct stomp_frame *frame)
{
    size_t count_max = session->host->limits->transactions_max;
    const char *fault = check_id(stomp_frame_header(frame, "transaction"));
    if (fault == NULL && *find(session, frame) != NULL) {
        return "There is a transaction of this id already";
    }
    if (fault == NULL && count_open(session) >= count_max) {
        return stomp_over_limit(session->stomp, "Too many transactions are open", count_max);
    }
    return fault;
}

const char *stomp_check_end(struct stomp_session *session, const struct stomp_frame *frame)
{
    const char *fault = check_id(stomp_frame_header(frame, "transaction"));
    if (fault == NULL && *find(session, frame) == NULL) {
        return "There is no transaction of this id";
    }
    return fault;
}

void stomp_begin(struct stomp_session *session, const struct stomp_frame *frame)
{
    add(session, stomp_frame_header(frame, "transaction"));
    stomp_receipt_in_turn(session, frame);
}

void stomp_abort(struct stomp_session *session, const struct stomp_frame *frame)
{
    session->stomp->runtime->stats.transactions_aborted++;
    remove_at(find(session, frame));
    stomp_receipt_in_turn(session, frame);
}

/* Under the number that the session has now. */
static void put_messages(const struct stomp_session *session,
                         const struct stomp_transaction *transaction, struct buf *out)
{
    struct str rest = buf_str(&transaction->messages);
    struct buf body = {0};
    struct str kept;
    struct link_publish publish;
    uint8_t type;
    while (link_next_message(&rest, &type, &kept)) {
        if (link_get_publish(kept, &publish) == 0) {
            publish.session = session->host->session;
            body.len = 0;
            link_put_publish(&body, &publish);
            link_put_message(out, LINK_PUBLISH, buf_str(&body));
            session->stomp->runtime->stats.published++;
        }
    }
    buf_finish(&body);
}

void stomp_commit(struct stomp_session *session, const struct stomp_frame *frame)
{
    struct stomp_transaction **at = find(session, frame);
    struct buf messages = {0};
    put_messages(session, *at, &messages);
    remove_at(at);
    session->stomp->runtime->stats.transactions_committed++;
    const struct link_checkpoint checkpoint = {
        .request = stomp_expect_receipt(session, frame),
        .session = session->host->session,
        .messages = buf_str(&messages),
    };
    if (checkpoint.request != 0 || messages.len > 0) {
        broker_link_checkpoint(session->stomp->link, &checkpoint);
    }
    buf_finish(&messages);
    stomp_consider_pause(session);
}

/* ---- what stands inside ---- */

/* At least what its link message will take. */
static size_t cost(const struct stomp_frame *frame)
{
    size_t bytes = MESSAGE_BYTES + frame->body.len;
    for (size_t i = 0; i < frame->header_count; i++) {
        bytes += HEADER_BYTES + frame->headers[i].name.len + frame->headers[i].value.len;
    }
    return bytes;
}

const char *stomp_check_transaction(struct stomp_session *session, const struct stomp_frame *frame)
{
    const struct limits_settings *limits = session->host->limits;
    if (stomp_frame_header(frame, "transaction").at == NULL) {
        return NULL;
    }
    const char *fault = stomp_check_end(session, frame);
    if (fault != NULL) {
        return fault;
    }
    if (get(session, frame)->frames >= limits->transaction_frames_max) {
        return stomp_over_limit(session->stomp, "Too many frames in the transaction",
                                limits->transaction_frames_max);
    }
    if (count_bytes(session) + cost(frame) > limits->transaction_bytes_max) {
        return stomp_over_limit(session->stomp, "The open transactions are too long in bytes",
                                limits->transaction_bytes_max);
    }
    return NULL;
}

void stomp_transaction_note(struct stomp_session *session, const struct stomp_frame *frame)
{
    get(session, frame)->frames++;
    stomp_receipt_in_turn(session, frame);
}

void stomp_transaction_publish(struct stomp_session *session, const struct stomp_frame *frame,
                               const struct link_publish *publish)
{
    struct buf body = {0};
    link_put_publish(&body, publish);
    link_put_message(&get(session, frame)->messages, LINK_PUBLISH, buf_str(&body));
    buf_finish(&body);
    stomp_transaction_note(session, frame);
}

/* ---- another gateway ---- */

void stomp_freeze_transactions(const struct stomp_session *session, struct buf *out)
{
    for (const struct stomp_transaction *each = session->transactions; each != NULL;
         each = each->next) {
        checkpoint_put_transaction(
            out, &(struct checkpoint_transaction){.id = {each->id, each->len},
                                                  .frames = each->frames,
                                                  .messages = buf_str(&each->messages)});
    }
}

bool stomp_thaw_transactions(struct stomp_session *session, struct str transactions)
{
    struct checkpoint_transaction frozen;
    while (checkpoint_next_transaction(&transactions, &frozen)) {
        if (!link_messages_are_whole(frozen.messages)) {
            return false;
        }
        struct stomp_transaction *transaction = add(session, frozen.id);
        transaction->frames = frozen.frames;
        buf_append_str(&transaction->messages, frozen.messages);
    }
    return true;
}
