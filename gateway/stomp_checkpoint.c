/* SPDX-License-Identifier: MIT
 *
 * A STOMP conversation that goes to another gateway, or has come from one.
 *
 * What the broker knows better is not in it: which subscriptions it has confirmed, and their groups.
 * Both come again behind CLAIMED. Heart-beats begin anew: nobody could listen while it travelled.
 */
#include "common/mem.h"
#include "common/settings.h"
#include "common/test_rule.h"
#include "gateway/checkpoint.h"
#include "gateway/stomp_state.h"

static uint32_t login_left(const struct stomp_session *session)
{
    uint64_t now = runtime_now(session->stomp->runtime);
    if (session->phase != STOMP_AWAIT_CONNECT || !list_is_linked(&session->timer.node)) {
        return 0;
    }
    return session->timer.deadline_ms > now ? (uint32_t)(session->timer.deadline_ms - now) : 1;
}

static struct str unfinished(const struct stomp_session *session)
{
    if (session->reader == NULL) {
        return STR("");
    }
    return session->reader->decoder.partial.len > 0 ? buf_str(&session->reader->decoder.partial)
           : session->reader->decoder.is_after_cr   ? STR("\r")
                                                    : STR("");
}

void stomp_freeze(const void *service, struct buf *out)
{
    const struct stomp_session *session = service;
    struct buf subscriptions = {0};
    struct buf receipts = {0};
    struct buf transactions = {0};
    stomp_freeze_subscriptions(session, &subscriptions);
    stomp_freeze_transactions(session, &transactions);
    for (const struct stomp_receipt *each = session->receipts; each != NULL; each = each->next) {
        checkpoint_put_receipt(&receipts,
                               &(struct checkpoint_receipt){.request = each->request,
                                                            .ends = each->ends,
                                                            .id = {each->id, each->len}});
    }
    struct checkpoint_stomp checkpoint = {
        .phase = session->phase,
        .version = session->version,
        .in_ms = session->in_ms,
        .out_ms = session->out_ms,
        .login_ms = login_left(session),
        .last_number = session->last_number,
        .half = {(const char *)session->surrogates.held,
                 session->surrogates.has_held && TEST_RULE(half_character_moves) ? 3 : 0},
        .rest = TEST_RULE(half_frame_moves) ? unfinished(session) : STR(""),
        .subscriptions = buf_str(&subscriptions),
        .receipts = buf_str(&receipts),
        .transactions = buf_str(&transactions),
    };
    stomp_identity_freeze(session, &checkpoint);
    checkpoint_put_stomp(out, &checkpoint);
    buf_finish(&subscriptions);
    buf_finish(&receipts);
    buf_finish(&transactions);
}

static void thaw_receipts(struct stomp_session *session, struct str receipts)
{
    struct checkpoint_receipt frozen;
    while (checkpoint_next_receipt(&receipts, &frozen)) {
        stomp_add_receipt(session, frozen.request, frozen.id, frozen.ends);
        session->request_count++;
    }
}

void *stomp_thaw(void *context, const struct service_host *host, struct str state)
{
    struct checkpoint_stomp frozen;
    if (checkpoint_get_stomp(state, &frozen) < 0) {
        return NULL;
    }
    struct stomp_session *session = stomp_session_create(context, host);
    session->phase = frozen.phase;
    session->version = frozen.version;
    session->in_ms = frozen.in_ms;
    session->out_ms = frozen.out_ms;
    session->last_number = frozen.last_number;
    if (frozen.half.len > 0) {
        memcpy(session->surrogates.held, frozen.half.at, sizeof session->surrogates.held);
        session->surrogates.has_held = true;
    }
    stomp_thaw_subscriptions(session, frozen.subscriptions);
    thaw_receipts(session, frozen.receipts);
    if (session->phase == STOMP_AWAIT_CONNECT) {
        stomp_heartbeat_await_login(session, frozen.login_ms);
    } else {
        stomp_heartbeat_start(session);
    }
    stomp_identity_thaw(session, &frozen);
    if (!stomp_thaw_transactions(session, frozen.transactions) ||
        !stomp_take_rest(session, frozen.rest)) {
        stomp_service_ops.closed(session);
        return NULL;
    }
    return session;
}
