/* SPDX-License-Identifier: MIT
 *
 * How sessions change hands. docs/link-protocol.md, "Claim and yield", "Relay", "Restore".
 *
 *   handover_claim() judges a claim at once, or lets it wait and asks the holder YIELD;
 *   handover_yielded() moves the session to the first claimant; handover_refused() answers that one BUSY; both then
 *   serve_claims(), since whoever waits behind is to be judged by what is true now;
 *   handover_relay() passes a body to the holder, or keeps it while there is none; handover_checkpoint() lets it go;
 *   handover_restore() enters what a gateway still holds; handover_lose_peer() parks or ends what it held.
 *
 * The cut between two holders (what was delivered to the old one after it had yielded, and what it had not confirmed)
 * needs a log of what was written on each link. Its place is move_session(), which then sends the tail to the new
 * holder before the relays; `number` of YIELDED and CONFIRM are read for that day.
 */
#include "broker/handover.h"

#include "common/err.h"
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

static void move_session(struct session *session, struct peer *peer, const struct claim *claim)
{
    session->sessions->options.stats->sessions_moved++;
    sessions_hold(session, peer, claim->session, claim->expire_ms);
    PEER_SEND(peer, CLAIMED, claimed, .request = claim->request, .session = claim->session,
              .result = LINK_CLAIM_MOVED, .name = session->name,
              .checkpoint = payload_str(session->checkpoint),
              .unsent = payload_str(session->unsent));
    sessions_settle(session);
    tell_groups(session);
    relays_send(&session->relays, peer, session->handle);
}

static void count_refusal(struct stats *stats, enum link_claim_result result)
{
    stats->claims_refused++;
    stats->claims_busy += result == LINK_CLAIM_BUSY;
    stats->claims_other += result == LINK_CLAIM_OTHER;
    stats->claims_closed += result == LINK_CLAIM_CLOSED;
    stats->claims_full += result == LINK_CLAIM_FULL;
}

static void refuse_claim(struct sessions *sessions, struct peer *peer, uint64_t request,
                         uint64_t session, enum link_claim_result result)
{
    count_refusal(sessions->options.stats, result);
    claims_refuse(peer, request, session, result);
}

/* The session is HELD or PARKED: answers the claims that wait, until one needs an answer of the holder. */
static void serve_claims(struct session *session)
{
    struct sessions *sessions = session->sessions;
    const struct claim *first;
    while ((first = claims_first(&session->claims, sessions->options.peers)) != NULL) {
        struct peer *peer = peers_find(sessions->options.peers, first->peer);
        bool is_taken = sessions_find(peer, first->session) != NULL;
        if (session->holder != NULL && session->holder != peer && !is_taken) {
            sessions_ask(session, SESSION_YIELDING);
            return;
        }
        struct claim claim = claims_take_first(&session->claims);
        if (session->holder != NULL || is_taken) {
            refuse_claim(sessions, peer, claim.request, claim.session, LINK_CLAIM_BUSY);
            continue;
        }
        move_session(session, peer, &claim);
    }
}

static void claim_existing(struct session *session, struct peer *peer,
                           const struct link_claim *claim)
{
    enum link_claim_result refusal = LINK_CLAIM_BUSY;
    if (session->family != claim->family || !str_equal(session->user, claim->user)) {
        refusal = LINK_CLAIM_OTHER;
    } else if (session->holder != peer && claims_add(&session->claims, peer, claim)) {
        if (session->state == SESSION_HELD || session->state == SESSION_PARKED) {
            serve_claims(session);
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
    sessions_keep_yielded(session, yielded->checkpoint, yielded->unsent);
    sessions_park(session);
    serve_claims(session);
    if (session->state != SESSION_PARKED) {
        return;
    }
    /* Whoever claimed it has gone meanwhile. */
    if (sessions_can_park(session)) {
        session->sessions->options.stats->sessions_parked++;
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
        if (claims_first(&session->claims, sessions->options.peers) != NULL) {
            struct claim claim = claims_take_first(&session->claims);
            refuse_claim(sessions, peers_find(sessions->options.peers, claim.peer), claim.request,
                         claim.session, LINK_CLAIM_BUSY);
        }
    } else if (!sessions_is_answer(session, refused->request, SESSION_EXPIRING)) {
        return;
    }
    sessions_refused(session);
    relays_send(&session->relays, peer, session->handle);
    serve_claims(session);
}

/* ---- relay ---- */

void handover_relay(struct sessions *sessions, struct peer *peer, const struct link_relay *relay)
{
    struct session *session = relay->key.len == 0 ? NULL : sessions_find_key(sessions, relay->key);
    if (session == NULL || !str_equal(session->user, relay->user)) {
        relays_refuse(&sessions->relays, peer, relay->request, LINK_ABSENT, STR("no such session"));
        return;
    }
    relays_add(&sessions->relays, &session->relays, peer, relay);
    if (session->state == SESSION_HELD || session->state == SESSION_EXPIRING) {
        relays_send(&session->relays, session->holder, session->handle);
    }
}

void handover_checkpoint(struct sessions *sessions, struct peer *peer,
                         const struct link_checkpoint *checkpoint)
{
    struct session *session = sessions_find(peer, checkpoint->session);
    enum link_result result = LINK_ABSENT;
    if (session != NULL) {
        result = sessions_keep_checkpoint(session, checkpoint->state) ? LINK_OK : LINK_LIMIT;
        if (checkpoint->relay != 0) {
            relays_done(&sessions->relays, &session->relays, checkpoint->relay);
        }
    }
    if (checkpoint->request != 0) {
        PEER_SEND(peer, CHECKPOINTED, checkpointed, .request = checkpoint->request,
                  .session = checkpoint->session, .result = (uint8_t)result);
    }
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
                                  const struct link_restore *restore, const struct session *parked)
{
    if (restore->name.len == 0) {
        return "it was never claimed";
    }
    if (parked != NULL) {
        return parked->state == SESSION_PARKED ? NULL : "it was claimed elsewhere";
    }
    if (restore->key.len > 0 && tombstones_find(&sessions->tombstones, restore->key) != NULL) {
        return "it has ended";
    }
    return sessions_are_full(sessions) ? "broker.sessions is reached" : NULL;
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
                                        .expire_ms = restore->expire_ms};
    if (session != NULL) {
        sessions_replace(session, &facts);
        sessions_hold(session, peer, restore->session, restore->expire_ms);
    } else {
        session = sessions_open(sessions, peer, &facts);
    }
    sessions->options.stats->sessions_restored++;
    restore_subscriptions(session, restore->subscriptions);
    if (restore->is_attached == 0) {
        sessions_detach(session);
    }
    relays_send(&session->relays, peer, session->handle);
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
    serve_claims(session);
}

void handover_lose_peer(struct peer *peer)
{
    struct session *session;
    for (size_t cursor = 0; (session = map_next(&peer->sessions, &cursor)) != NULL;) {
        lose_session(session);
    }
}
