/* SPDX-License-Identifier: MIT
 *
 * How sessions change hands. docs/link-protocol.md, "Claim and yield", "Relay", "Restore".
 *
 *   handover_claim() judges a claim at once, or lets it wait and asks the holder YIELD;
 *   handover_yielded() moves the session to the first claimant; handover_refused() answers that one BUSY; both then
 *   serve_claims(), since whoever waits behind is to be judged by what is true now;
 *   handover_relay() passes a body to the holder, or keeps it while there is none; handover_checkpoint() lets it go;
 *   adoption.c finds one;
 *   handover_restore() enters what a gateway still holds; handover_lose_peer() parks or ends what it held.
 *
 * The cut between two holders: from YIELD on a session's log notes what is delivered to it; YIELDED drops from it what
 * the old holder has handled, move_session() gives the rest to the new one, which joins its groups behind it. The log,
 * the unsent frames and the former holder's own copy go when the new one has confirmed (ATTACH).
 */
#include "broker/handover.h"

#include "broker/adoption.h"
#include "common/err.h"
#include "common/test_rule.h"
#include "common/wire.h"

#define LOST_CODE 1002 /* SockJS: "Connection interrupted" */
#define LOST_REASON STR("Connection interrupted")

static struct str payload_str(const struct payload *payload)
{
    return payload == NULL ? STR("") : (struct str){(const char *)payload->data, payload->len};
}

/* ---- claim and yield ---- */

static void tell_groups(const struct session *session)
{
    for (size_t i = 0; i < session->subscriptions.count; i++) {
        const struct session_subscription *item = &session->subscriptions.items[i];
        PEER_SEND(session->holder, SUBSCRIBED, subscribed, .session = session->handle,
                  .subscription = item->number, .result = LINK_OK, .group = item->group->number);
    }
}

static void count_refusal(struct stats *stats, enum link_claim_result result)
{
    stats->claims_refused++;
    stats->claims_busy += result == LINK_CLAIM_BUSY;
    stats->claims_other += result == LINK_CLAIM_OTHER;
    stats->claims_closed += result == LINK_CLAIM_CLOSED;
    stats->claims_full += result == LINK_CLAIM_FULL;
}

/* It has ended; the claimant has it until it says DROP_SESSION with what it did not write. */
static void hand_out_rest(struct session *session, struct peer *peer, const struct claim *claim)
{
    const struct session_close *close = session->close;
    count_refusal(session->sessions->options.stats, LINK_CLAIM_CLOSED);
    sessions_hold(session, peer, claim->session, claim->expire_ms);
    PEER_SEND(peer, CLAIMED, claimed, .request = claim->request, .session = claim->session,
              .result = LINK_CLAIM_CLOSED, .code = close->code, .reason = close->reason,
              .unsent = payload_str(close->unsent));
}

static void move_session(struct session *session, struct peer *peer, const struct claim *claim)
{
    if (session->close != NULL) {
        hand_out_rest(session, peer, claim);
        return;
    }
    session->sessions->options.stats->sessions_moved++;
    sessions_hold(session, peer, claim->session, claim->expire_ms);
    session->moves++;
    PEER_SEND(peer, CLAIMED, claimed, .request = claim->request, .session = claim->session,
              .result = LINK_CLAIM_MOVED, .name = session->name, .moves = session->moves,
              .checkpoint = payload_str(session->checkpoint),
              .unsent = payload_str(session->passage->unsent));
    sessions_settle(session);
    if (TEST_RULE(log_moves)) {
        session_log_send(&session->passage->log, peer, session->handle);
    }
    if (TEST_RULE(groups_are_told)) {
        tell_groups(session);
    }
    relays_send(&session->passage->relays, peer, session->handle);
}

static void refuse_claim(struct sessions *sessions, struct peer *peer, uint64_t request,
                         uint64_t session, enum link_claim_result result)
{
    count_refusal(sessions->options.stats, result);
    claims_refuse(peer, request, session, result);
}

/* The session is HELD or PARKED: answers the claims that wait, until one needs an answer of the holder. False: it has
 * ended. */
static bool serve_claims(struct session *session)
{
    struct sessions *sessions = session->sessions;
    const struct claim *first;
    while ((first = claims_first(&session->passage->claims, sessions->options.peers)) != NULL) {
        struct peer *peer = peers_find(sessions->options.peers, first->peer);
        bool is_taken = sessions_find(peer, first->session) != NULL;
        if (session->holder != NULL && session->holder != peer && !is_taken) {
            sessions_ask(session, SESSION_YIELDING);
            return true;
        }
        if (session->holder == NULL && sessions_judge_claimed(session)) {
            return false;
        }
        struct claim claim = claims_take_first(&session->passage->claims);
        if (session->holder != NULL || is_taken) {
            refuse_claim(sessions, peer, claim.request, claim.session, LINK_CLAIM_BUSY);
            continue;
        }
        move_session(session, peer, &claim);
    }
    return true;
}

static void claim_existing(struct session *session, struct peer *peer,
                           const struct link_claim *claim)
{
    enum link_claim_result refusal = LINK_CLAIM_BUSY;
    if ((session->family != claim->family && TEST_RULE(one_family)) ||
        !str_equal(session->user, claim->user)) {
        refusal = LINK_CLAIM_OTHER;
    } else if ((session->holder != peer || session->state == SESSION_YIELDING) &&
               claims_add(&sessions_passage(session)->claims, peer, claim)) {
        if (session->state == SESSION_HELD || session->state == SESSION_PARKED) {
            (void)serve_claims(session);
        }
        return;
    }
    refuse_claim(session->sessions, peer, claim->request, claim->session, refusal);
}

static void claim_new(struct sessions *sessions, struct peer *peer, const struct link_claim *claim)
{
    if (sessions_are_full(sessions)) {
        refuse_claim(sessions, peer, claim->request, claim->session, LINK_CLAIM_FULL);
        return;
    }
    const struct session_facts facts = {.handle = claim->session,
                                        .key = claim->key,
                                        .user = claim->user,
                                        .family = claim->family,
                                        .expire_ms = claim->expire_ms};
    const struct session *session = sessions_open(sessions, peer, &facts);
    sessions->options.stats->claims_new++;
    PEER_SEND(peer, CLAIMED, claimed, .request = claim->request, .session = claim->session,
              .result = LINK_CLAIM_NEW, .name = session->name);
}

int handover_claim(struct sessions *sessions, struct peer *peer, const struct link_claim *claim)
{
    if (sessions_find(peer, claim->session) != NULL) {
        return ERR_PROTOCOL;
    }
    struct session *session = NULL;
    const struct tombstone *tombstone = NULL;
    if (claim->key.len > 0) {
        session = sessions_find_key(sessions, claim->key);
        tombstone = tombstones_find(&sessions->tombstones, claim->key);
    }
    if (session != NULL) {
        claim_existing(session, peer, claim);
    } else if (tombstone != NULL) {
        count_refusal(sessions->options.stats, LINK_CLAIM_CLOSED);
        PEER_SEND(peer, CLAIMED, claimed, .request = claim->request, .session = claim->session,
                  .result = LINK_CLAIM_CLOSED, .code = tombstone->code,
                  .reason = tombstone->reason);
    } else {
        claim_new(sessions, peer, claim);
    }
    return 0;
}

void handover_yielded(struct peer *peer, const struct link_yielded *yielded)
{
    struct session *session = sessions_find(peer, yielded->session);
    if (session == NULL || !sessions_is_answer(session, yielded->request, SESSION_YIELDING)) {
        return;
    }
    session->sessions->options.stats->yields_yielded++;
    sessions_confirm(session); /* whoever had it before is not asked for it any more */
    sessions_keep_yielded(session, yielded->checkpoint, yielded->unsent);
    if (yielded->request == 0 && peer->recent.len > 0) {
        sessions_passage(session)->seen = payload_copy(peer->recent.data, peer->recent.len);
    }
    if (TEST_RULE(log_is_cut)) {
        session_log_drop(&session->passage->log, yielded->number);
    }
    sessions_passage(session)->former = peer->id;
    session->passage->former_handle = session->handle;
    sessions_park(session);
    if (!serve_claims(session) || session->state != SESSION_PARKED) {
        return;
    }
    /* Whoever claimed it has gone meanwhile. */
    if (sessions_can_park(session)) {
        session->sessions->options.stats->sessions_parked++;
        adoption_ask(session, NULL);
    } else {
        sessions_end(session, LOST_CODE, LOST_REASON, 0);
    }
}

void handover_refused(struct peer *peer, const struct link_refused *refused)
{
    struct session *session = sessions_find(peer, refused->session);
    if (session == NULL) {
        return;
    }
    if (sessions_is_answer(session, refused->request, SESSION_YIELDING)) {
        struct sessions *sessions = session->sessions;
        sessions->options.stats->yields_refused++;
        if (claims_first(&session->passage->claims, sessions->options.peers) != NULL) {
            struct claim claim = claims_take_first(&session->passage->claims);
            refuse_claim(sessions, peers_find(sessions->options.peers, claim.peer), claim.request,
                         claim.session, LINK_CLAIM_BUSY);
        }
    } else if (!sessions_is_answer(session, refused->request, SESSION_EXPIRING)) {
        return;
    }
    sessions_refused(session);
    relays_send(&session->passage->relays, peer, session->handle);
    (void)serve_claims(session);
}

/* What no receiver has got waits for the next claim; only then the tombstone answers. */
void handover_drop(struct session *session, const struct link_drop_session *drop)
{
    if (drop->unsent.len > 0 && TEST_RULE(rest_is_kept) && sessions_close(session, drop)) {
        (void)serve_claims(session);
    } else {
        sessions_end(session, drop->code, drop->reason, drop->remember_ms);
    }
}

/* ---- relay ---- */

void handover_relay(struct sessions *sessions, struct peer *peer, const struct link_relay *relay)
{
    struct session *session = relay->key.len == 0 ? NULL : sessions_find_key(sessions, relay->key);
    if (session == NULL || session->close != NULL || !str_equal(session->user, relay->user)) {
        relays_refuse(&sessions->relays, peer, relay->request,
                      TEST_RULE(absent_is_told) ? LINK_ABSENT : LINK_OK, STR("no such session"));
        return;
    }
    if (!TEST_RULE(relays_wait) && session->state != SESSION_HELD) {
        relays_refuse(&sessions->relays, peer, relay->request, LINK_ABSENT, STR("it moves"));
        return;
    }
    relays_add(&sessions->relays, &sessions_passage(session)->relays, peer, relay);
    if (session->state == SESSION_HELD || session->state == SESSION_EXPIRING) {
        relays_send(&session->passage->relays, session->holder, session->handle);
    } else {
        sessions->options.stats->relays_queued++;
        adoption_ask(session, peer);
    }
}

enum link_result handover_checkpoint(struct sessions *sessions, struct peer *peer,
                                     const struct link_checkpoint *checkpoint)
{
    struct session *session = sessions_find(peer, checkpoint->session);
    enum link_result result = LINK_ABSENT;
    if (session != NULL) {
        result = LINK_OK;
        if (checkpoint->state.len > 0 && !sessions_keep_checkpoint(session, checkpoint->state)) {
            result = LINK_LIMIT;
        }
        if (checkpoint->relay != 0) {
            relays_done(&sessions->relays, &session->passage->relays, checkpoint->relay);
        }
    }
    if (checkpoint->request != 0) {
        PEER_SEND(peer, CHECKPOINTED, checkpointed, .request = checkpoint->request,
                  .session = checkpoint->session, .result = (uint8_t)result);
    }
    return result;
}

/* ---- restore and loss ---- */

/* Group 0 stands for one that is refused. */
static void restore_subscriptions(struct session *session, struct str rest)
{
    struct buf groups = {NULL, 0, 0};
    struct link_restored_subscription next;
    while (link_next_restored_subscription(&rest, &next)) {
        uint32_t group = 0;
        const char *reason;
        (void)sessions_subscribe(session, next.subscription, next.ack, next.destination, &group,
                                 &reason);
        wire_put_u32(&groups, group);
    }
    PEER_SEND(session->holder, RESTORED, restored, .session = session->handle,
              .groups = buf_str(&groups));
    buf_finish(&groups);
}

/* NULL: it may be restored. */
static const char *refuse_restore(const struct sessions *sessions,
                                  const struct link_restore *restore, const struct session *known)
{
    if (restore->name.len == 0) {
        return "it was never claimed";
    }
    if (known != NULL && known->close != NULL) {
        return "it has ended";
    }
    if (known != NULL) {
        bool is_newer = known->state == SESSION_PARKED ? restore->moves >= known->moves
                                                       : restore->moves > known->moves;
        return is_newer ? NULL : "it was claimed elsewhere";
    }
    if (restore->key.len > 0 && tombstones_find(&sessions->tombstones, restore->key) != NULL) {
        return "it has ended";
    }
    return sessions_are_full(sessions) ? "broker.sessions is reached" : NULL;
}

/* It was parked, or another gateway gave an older state of it for the truth. */
static void take_back(struct session *session, struct peer *peer, const struct session_facts *facts)
{
    if (session->holder != NULL) {
        PEER_SEND(session->holder, GONE, gone, .session = session->handle,
                  .reason = STR("it has moved"));
        sessions_park(session);
        session_log_forget_numbers(&session->passage->log);
    }
    sessions_replace(session, facts);
    sessions_hold(session, peer, facts->handle, facts->expire_ms);
}

/* What was kept while it had no holder, then relays; or the holder is to yield it again. */
static void go_on(struct session *session, struct peer *peer, const struct link_restore *restore)
{
    session_log_drop(&session->passage->log, restore->number);
    if (restore->hold == LINK_HOLD_YIELDED) {
        sessions_passage(session)->unseen = restore->unseen * sizeof(uint64_t);
        sessions_await(session);
        return;
    }
    if (sessions_judge_claimed(session)) {
        PEER_SEND(peer, GONE, gone, .session = restore->session,
                  .reason = STR("broker.session_log_size is reached"));
        return;
    }
    session->is_restored = true;
    session_log_send(&session->passage->log, session->holder, session->handle);
    sessions_confirm(session);
    if (restore->hold == LINK_HOLD_DETACHED) {
        sessions_detach(session);
    }
    relays_send(&session->passage->relays, session->holder, session->handle);
    (void)serve_claims(session);
}

int handover_restore(struct sessions *sessions, struct peer *peer,
                     const struct link_restore *restore)
{
    if (sessions_find(peer, restore->session) != NULL) {
        return ERR_PROTOCOL;
    }
    struct session *session =
        restore->key.len == 0 ? NULL : sessions_find_key(sessions, restore->key);
    const char *refusal = refuse_restore(sessions, restore, session);
    if (refusal != NULL) {
        PEER_SEND(peer, GONE, gone, .session = restore->session, .reason = str_of(refusal));
        return 0;
    }
    const struct session_facts facts = {.handle = restore->session,
                                        .key = restore->key,
                                        .name = restore->name,
                                        .user = restore->user,
                                        .family = restore->family,
                                        .expire_ms = restore->expire_ms,
                                        .moves = restore->moves};
    bool is_new = session == NULL;
    if (!is_new) {
        take_back(session, peer, &facts);
    } else {
        session = sessions_open(sessions, peer, &facts);
    }
    sessions->options.stats->sessions_restored++;
    restore_subscriptions(session, restore->subscriptions);
    if (is_new || restore->hold != LINK_HOLD_YIELDED) { /* else YIELDED brings it */
        sessions_keep_restored(session, restore->state);
    }
    go_on(session, peer, restore);
    return 0;
}

static void lose_session(struct session *session)
{
    if (!sessions_can_park(session)) {
        sessions_end(session, LOST_CODE, LOST_REASON, 0);
        return;
    }
    session->sessions->options.stats->sessions_parked++;
    sessions_park(session);
    if (serve_claims(session)) {
        adoption_ask(session, NULL);
    }
}

void handover_lose_peer(struct sessions *sessions, struct peer *peer)
{
    struct session *session;
    for (size_t cursor = 0; (session = map_next(&peer->sessions, &cursor)) != NULL;) {
        lose_session(session);
    }
    adoption_ask_all(sessions);
}
