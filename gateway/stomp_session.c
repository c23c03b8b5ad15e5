/* SPDX-License-Identifier: MIT
 *
 * One STOMP conversation (STOMP 1.0 to 1.2), apart from how its bytes travel.
 *
 *   AWAIT_CONNECT --CONNECT--> CONNECTED --DISCONNECT with receipt--> LEAVING
 *         any --stomp_fail(), or the session's end--> FAILED
 *
 * Happy path:
 *   receive() decodes; stomp_handle_frame() (stomp_commands.c) finds the command's row;
 *   what asks the broker something gets its RECEIPT from answered(), in the order of frames,
 *   because the broker answers a session in order; a frame that asks nothing has an empty
 *   CHECKPOINT asked for it.
 *
 * How it ends: stomp_fail() writes ERROR and closes; the session closes for its own reasons:
 * closed(). Either may happen inside a call of ours: stomp_enter() and stomp_leave() keep the
 * object until it returns.
 *
 * A session at rest holds no decoder: it borrows one while it reads, and keeps it only over an
 * unfinished frame.
 */
#include "gateway/stomp_session.h"

#include <assert.h>
#include <stdio.h>

#include "common/mem.h"
#include "common/process.h"
#include "common/settings.h"
#include "gateway/rules.h"
#include "gateway/stomp_state.h"
#include "proto/destination.h"

#define LOGIN_BYTES_MAX ((size_t)64 * 1024) /* of CONNECT: nobody is known yet */

static const unsigned successors[] = {
    [STOMP_AWAIT_CONNECT] = 1u << STOMP_CONNECTED_PHASE | 1u << STOMP_FAILED,
    [STOMP_CONNECTED_PHASE] = 1u << STOMP_LEAVING | 1u << STOMP_FAILED,
    [STOMP_LEAVING] = 1u << STOMP_FAILED,
    [STOMP_FAILED] = 0,
};

void stomp_set_phase(struct stomp_session *session, enum stomp_phase phase)
{
    assert((successors[session->phase] & 1u << phase) != 0);
    session->phase = (uint8_t)phase;
}

bool stomp_is_over(const struct stomp_session *session)
{
    return session->phase == STOMP_FAILED;
}

/* ---- readers ---- */

void stomp_set_limits(struct stomp_session *session)
{
    const struct limits_settings *limits = session->host->limits;
    bool is_tcp = session->host->is_tcp;
    size_t frame = is_tcp ? limits->tcp_message_bytes_max : limits->message_bytes_max;
    if (session->phase == STOMP_AWAIT_CONNECT && frame > LOGIN_BYTES_MAX) {
        frame = LOGIN_BYTES_MAX;
    }
    session->reader->limits = (struct stomp_limits){
        .frame_bytes = frame,
        .header_bytes = is_tcp ? limits->tcp_header_bytes_max : limits->header_bytes_max,
        .header_count = is_tcp ? limits->tcp_headers_max : limits->headers_max,
    };
    session->reader->decoder.version = (enum stomp_version)session->version;
}

static void borrow_reader(struct stomp_session *session)
{
    struct stomp *stomp = session->stomp;
    if (session->reader != NULL) {
        return;
    }
    session->reader = stomp->spare;
    stomp->spare = NULL;
    if (session->reader == NULL) {
        session->reader = mem_alloc(sizeof *session->reader);
        stomp_decoder_init(&session->reader->decoder, &session->reader->limits);
    }
    stomp_set_limits(session);
}

static void destroy_reader(struct stomp_reader *reader)
{
    if (reader != NULL) {
        stomp_decoder_finish(&reader->decoder);
        mem_free(reader);
    }
}

/* A dead decoder is not lent again. */
static void return_reader(struct stomp_session *session)
{
    struct stomp_reader *reader = session->reader;
    if (reader == NULL) {
        return;
    }
    if (reader->decoder.failed != 0) {
        session->reader = NULL;
        destroy_reader(reader);
        return;
    }
    stomp_decoder_trim(&reader->decoder);
    if (reader->decoder.partial.len > 0 || reader->decoder.is_after_cr) {
        return;
    }
    session->reader = NULL;
    if (session->stomp->spare == NULL) {
        session->stomp->spare = reader;
    } else {
        destroy_reader(reader);
    }
}

/* ---- life ---- */

struct stomp_session *stomp_session_create(struct stomp *stomp, const struct service_host *host)
{
    struct stomp_session *session = mem_zalloc(sizeof *session);
    session->stomp = stomp;
    session->host = host;
    session->version = STOMP_1_0;
    session->receipts_end = &session->receipts;
    return session;
}

static void *open_session(void *context, const struct service_host *host)
{
    struct stomp_session *session = stomp_session_create(context, host);
    stomp_heartbeat_await_login(session, session->stomp->runtime->settings->auth.login_deadline_ms);
    return session;
}

static void free_session(struct stomp_session *session)
{
    destroy_reader(session->reader);
    mem_free(session);
}

void stomp_enter(struct stomp_session *session)
{
    session->busy++;
}

void stomp_leave(struct stomp_session *session)
{
    session->busy--;
    if (session->busy == 0 && stomp_is_over(session)) {
        free_session(session);
    }
}

static void drop_first_receipt(struct stomp_session *session)
{
    struct stomp_receipt *receipt = session->receipts;
    session->receipts = receipt->next;
    if (session->receipts == NULL) {
        session->receipts_end = &session->receipts;
    }
    mem_free(receipt);
}

static void closed(void *service)
{
    struct stomp_session *session = service;
    stomp_set_phase(session, STOMP_FAILED);
    wheel_remove(&session->stomp->runtime->wheel, &session->timer);
    broker_link_forget(&session->waiter);
    stomp_identity_drop(session);
    stomp_drop_subscriptions(session);
    stomp_drop_transactions(session);
    while (session->receipts != NULL) {
        drop_first_receipt(session);
    }
    if (session->busy == 0) {
        free_session(session);
    }
}

/* ---- sending ---- */

void stomp_send_scratch(struct stomp_session *session)
{
    struct buf *out = &session->stomp->scratch;
    struct shared_frame *frame =
        shared_frame_create(payload_copy(out->data, out->len), NULL); /* not a shared encoding */
    out->len = 0;
    if (!stomp_is_over(session)) {
        session->host->ops->send(session->host->data, frame);
    }
    shared_frame_release(frame);
}

static void put_header(struct stomp_session *session, enum stomp_command command, const char *name,
                       struct str value)
{
    if (value.at != NULL) {
        stomp_encode_header(&session->stomp->scratch, (enum stomp_version)session->version, command,
                            str_of(name), value);
    }
}

static void end_with_error(struct stomp_session *session, const char *text)
{
    put_header(session, STOMP_ERROR, "content-length", STR("0"));
    stomp_encode_end(&session->stomp->scratch, (struct str){"", 0});
    session->stomp->runtime->stats.frames_refused++;
    stomp_send_scratch(session);
    if (!stomp_is_over(session)) {
        session->host->ops->close(session->host->data, 1002, str_of(text));
    }
}

void stomp_fail(struct stomp_session *session, const char *text, struct str receipt_id)
{
    session->stomp->scratch.len = 0;
    stomp_encode_begin(&session->stomp->scratch, STOMP_ERROR);
    put_header(session, STOMP_ERROR, "message", str_of(text));
    put_header(session, STOMP_ERROR, "content-type", STR("text/plain"));
    put_header(session, STOMP_ERROR, "receipt-id", receipt_id);
    put_header(session, STOMP_ERROR, "destination", session->stomp->denied);
    session->stomp->denied = (struct str){NULL, 0};
    end_with_error(session, text);
}

void stomp_fail_versions(struct stomp_session *session)
{
    static const char text[] = "Supported protocol versions are 1.0, 1.1, 1.2";
    session->stomp->scratch.len = 0;
    stomp_encode_begin(&session->stomp->scratch, STOMP_ERROR);
    put_header(session, STOMP_ERROR, "version", STR("1.0,1.1,1.2"));
    put_header(session, STOMP_ERROR, "message", str_of(text));
    put_header(session, STOMP_ERROR, "content-type", STR("text/plain"));
    end_with_error(session, text);
}

const char *stomp_over_limit(struct stomp *stomp, const char *what, size_t limit)
{
    snprintf(stomp->refusal, sizeof stomp->refusal, "%s (at most %zu)", what, limit);
    return stomp->refusal;
}

const char *stomp_check_destination(const struct stomp_session *session, struct str destination)
{
    size_t bytes_max = session->host->limits->destination_bytes_max;
    switch (destination_check(destination, bytes_max)) {
    case 0:
        return NULL;
    case DESTINATION_ERR_EMPTY:
        return "The destination is empty";
    case DESTINATION_ERR_LENGTH:
        return stomp_over_limit(session->stomp, "The destination is too long in bytes", bytes_max);
    default:
        return "The destination has control characters or is no UTF-8";
    }
}

static const char *describe_fault(struct stomp_session *session, int code)
{
    const struct stomp_limits *limits = session->reader->decoder.limits;
    size_t limit;
    switch (code) {
    case STOMP_ERR_FRAME_BYTES:
        limit = limits->frame_bytes;
        break;
    case STOMP_ERR_HEADER_BYTES:
        limit = limits->header_bytes;
        break;
    case STOMP_ERR_HEADER_COUNT:
        limit = limits->header_count;
        break;
    default:
        return stomp_error_text(code);
    }
    return stomp_over_limit(session->stomp, stomp_error_text(code), limit);
}

/* ---- receipts ---- */

void stomp_add_receipt(struct stomp_session *session, uint64_t request, struct str id, bool ends)
{
    struct stomp_receipt *receipt = mem_alloc(sizeof *receipt + id.len + 1);
    *receipt = (struct stomp_receipt){.request = request, .len = (uint32_t)id.len, .ends = ends};
    memcpy(receipt->id, id.at, id.len);
    *session->receipts_end = receipt;
    session->receipts_end = &receipt->next;
}

void stomp_expect_receipt_as(struct stomp_session *session, const struct stomp_frame *frame,
                             uint64_t request)
{
    struct str id = stomp_frame_header(frame, "receipt");
    if (id.at == NULL) {
        return;
    }
    stomp_add_receipt(session, request, id, frame->command == STOMP_DISCONNECT);
}

void stomp_count_request(struct stomp_session *session)
{
    session->request_count++;
    stomp_consider_pause(session);
}

uint64_t stomp_expect_receipt(struct stomp_session *session, const struct stomp_frame *frame)
{
    if (stomp_frame_header(frame, "receipt").at == NULL) {
        return 0;
    }
    uint64_t request = broker_link_number(session->stomp->link);
    stomp_expect_receipt_as(session, frame, request);
    stomp_count_request(session);
    return request;
}

void stomp_receipt_in_turn(struct stomp_session *session, const struct stomp_frame *frame)
{
    uint64_t request = stomp_expect_receipt(session, frame);
    if (request != 0) {
        const struct link_checkpoint checkpoint = {
            .request = request,
            .session = session->host->session,
        };
        broker_link_checkpoint(session->stomp->link, &checkpoint);
    }
}

static void send_receipt(struct stomp_session *session, struct str id,
                         const struct broker_answer *answer)
{
    session->stomp->scratch.len = 0;
    stomp_encode_begin(&session->stomp->scratch, STOMP_RECEIPT);
    put_header(session, STOMP_RECEIPT, "receipt-id", id);
    if (answer->recovered != LINK_RECOVERED_NOT_ASKED) {
        put_header(session, STOMP_RECEIPT, "recovered",
                   answer->recovered == LINK_RECOVERED ? STR("true") : STR("false"));
    }
    if (answer->position.len > 0) {
        put_header(session, STOMP_RECEIPT, "position", answer->position);
    }
    if (answer->result == LINK_UNSTORED) {
        put_header(session, STOMP_RECEIPT, "stored", STR("false"));
    }
    stomp_encode_end(&session->stomp->scratch, (struct str){"", 0});
    stomp_send_scratch(session);
}

/* ---- back-pressure ---- */

static void resume(struct stomp_session *session)
{
    session->is_paused = false;
    session->host->ops->pause(session->host->data, false); /* may read on, and end the session */
}

static void on_link_clear(struct broker_link_waiter *waiter)
{
    struct stomp_session *session = MEM_CONTAINER(waiter, struct stomp_session, waiter);
    if (session->request_count <= session->host->limits->requests_max) {
        resume(session);
    }
}

void stomp_consider_pause(struct stomp_session *session)
{
    bool is_clogged = broker_link_is_clogged(session->stomp->link);
    if (stomp_is_over(session)) {
        return;
    }
    if (is_clogged) {
        broker_link_wait(session->stomp->link, &session->waiter, on_link_clear);
    }
    if (!session->is_paused &&
        (is_clogged || session->request_count > session->host->limits->requests_max)) {
        session->is_paused = true;
        session->host->ops->pause(session->host->data, true);
    }
}

static void consider_resume(struct stomp_session *session)
{
    if (session->is_paused && !broker_link_is_clogged(session->stomp->link) &&
        session->request_count <= session->host->limits->requests_max / 2) {
        broker_link_forget(&session->waiter);
        resume(session);
    }
}

/* ---- answers of the broker ---- */

static const char *refusal_text(const struct broker_answer *answer)
{
    switch (answer->result) {
    case LINK_DENIED:
        return "Access refused";
    case LINK_LIMIT:
        return "A limit of the broker is reached";
    default:
        return "The broker does not know this session";
    }
}

static void settle_answer(struct stomp_session *session, const struct broker_answer *answer,
                          struct str receipt_id)
{
    if (answer->result != LINK_OK && answer->result != LINK_UNSTORED) {
        stomp_fail(session, refusal_text(answer), receipt_id);
        return;
    }
    if (receipt_id.at != NULL) {
        send_receipt(session, receipt_id, answer);
    }
    if (answer->type == LINK_SUBSCRIBED && !stomp_is_over(session)) {
        stomp_subscribed(session, answer,
                         receipt_id.at != NULL); /* no MESSAGE before the RECEIPT */
    }
}

static void answered(void *service, const struct broker_answer *answer)
{
    struct stomp_session *session = service;
    struct stomp_receipt *receipt = session->receipts;
    bool has_receipt = receipt != NULL && receipt->request == answer->request;
    stomp_enter(session);
    if (answer->request != 0 && session->request_count > 0) {
        session->request_count--;
    }
    if (has_receipt) {
        bool ends = receipt->ends;
        settle_answer(session, answer, (struct str){receipt->id, receipt->len});
        if (!stomp_is_over(session)) {
            drop_first_receipt(session);
        }
        if (ends && !stomp_is_over(session)) {
            session->host->ops->close(session->host->data, 1000, STR("Goodbye"));
        }
    } else {
        settle_answer(session, answer, (struct str){NULL, 0});
    }
    if (!stomp_is_over(session)) {
        consider_resume(session);
    }
    stomp_leave(session);
}

static void restore(const void *service, struct buf *subscriptions)
{
    stomp_restore_subscriptions(service, subscriptions);
}

static void restored(void *service, uint32_t subscription, uint32_t group)
{
    struct stomp_session *session = service;
    stomp_enter(session);
    stomp_subscription_restored(session, subscription, group);
    stomp_leave(session);
}

/* ---- receiving ---- */

/* Many clients end each frame with a line end: more than these only say that the client lives. */
static void note_beats(struct stomp_session *session, size_t beats, size_t frames)
{
    uint64_t now = runtime_now(session->stomp->runtime);
    if (beats <= frames) {
        rate_forgive(&session->beats, frames - beats);
    } else if (!stomp_is_over(session) &&
               !rate_take(&session->beats, now, beats - frames, session->host->limits->beats_max)) {
        stomp_fail(session, "Too many line ends between frames", (struct str){NULL, 0});
    }
}

/* Returns how many frames there were. */
static size_t decode_text(struct stomp_session *session, struct str text)
{
    size_t frames = 0;
    while (text.len > 0 && !stomp_is_over(session) && session->phase != STOMP_LEAVING) {
        struct stomp_frame frame = {.header_count = 0};
        size_t consumed = 0;
        int result = stomp_decode(&session->reader->decoder, text.at, text.len, &consumed, &frame);
        text.at += consumed;
        text.len -= consumed;
        if (result < 0) {
            stomp_fail(session, describe_fault(session, result),
                       stomp_frame_header(&frame, "receipt"));
        } else if (result == DECODE_FRAME) {
            frames++;
            session->stomp->runtime->stats.frames_in++;
            stomp_handle_frame(session, &frame);
        }
    }
    return frames;
}

bool stomp_take_rest(struct stomp_session *session, struct str rest)
{
    struct stomp_frame frame;
    size_t consumed = 0;
    if (rest.len == 0) {
        return true;
    }
    borrow_reader(session);
    int result = stomp_decode(&session->reader->decoder, rest.at, rest.len, &consumed, &frame);
    bool is_beginning = result == DECODE_MORE && consumed == rest.len;
    return_reader(session);
    return is_beginning;
}

static void receive(void *service, struct str text, bool is_binary)
{
    struct stomp_session *session = service;
    struct buf *mended = &session->stomp->mended;
    (void)is_binary;
    stomp_enter(session);
    mended->len = 0;
    if (session->host->is_sockjs && surrogates_mend(&session->surrogates, text, mended)) {
        text = buf_str(mended);
    }
    borrow_reader(session);
    size_t beats = session->reader->decoder.beats;
    size_t frames = decode_text(session, text);
    note_beats(session, session->reader->decoder.beats - beats, frames);
    return_reader(session);
    stomp_leave(session);
}

static bool beats(const void *service)
{
    const struct stomp_session *session = service;
    return session->out_ms > 0 && session->out_ms <= 50000; /* written every half of that */
}

static bool knows_client(const void *service)
{
    const struct stomp_session *session = service;
    return session->phase != STOMP_AWAIT_CONNECT;
}

const struct service_ops stomp_service_ops = {
    .name = "stomp",
    .open = open_session,
    .receive = receive,
    .closed = closed,
    .beats = beats,
    .knows_client = knows_client,
    .freeze = stomp_freeze,
    .thaw = stomp_thaw,
    .deliver = stomp_deliver,
    .answered = answered,
    .restore = restore,
    .restored = restored,
};

/* ---- what all share ---- */

static void draw_prefix(char out[9])
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
    uint8_t random[8];
    process_random(random, sizeof random);
    for (size_t i = 0; i < sizeof random; i++) {
        out[i] = digits[random[i] & 31];
    }
    out[sizeof random] = '\0';
}

struct stomp *stomp_create(struct runtime *runtime, struct broker_link *link,
                           struct delivery *delivery)
{
    struct stomp *stomp = mem_zalloc(sizeof *stomp);
    stomp->runtime = runtime;
    stomp->link = link;
    stomp->delivery = delivery;
    stomp->rules = rules_create(runtime->settings);
    stomp->beat = shared_frame_create(payload_copy("\n", 1), &runtime->stats);
    draw_prefix(stomp->prefix);
    return stomp;
}

void stomp_destroy(struct stomp *stomp)
{
    if (stomp == NULL) {
        return;
    }
    destroy_reader(stomp->spare);
    rules_destroy(stomp->rules);
    shared_frame_release(stomp->beat);
    interner_finish(&stomp->destinations);
    buf_finish(&stomp->scratch);
    buf_finish(&stomp->headers);
    buf_finish(&stomp->mended);
    mem_free(stomp);
}
