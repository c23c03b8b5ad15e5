/* SPDX-License-Identifier: MIT
 *
 * Registry of sessions, and the life of one of them.
 *
 * Happy path:
 *   sessions_open() enters it under its key and its holder's number; sessions_detach() starts the time after which
 *   on_expiry() asks EXPIRE; sessions_attach() stops it; sessions_end() takes it out, with a tombstone for its key.
 *
 * Otherwise:
 *   sessions_park() when the holder's link is lost: out of all groups, remembered for expire_ms; sessions_hold() gives
 *   it, or one that was just yielded, to another holder.
 *
 * A holder that never answers a question is not timed here: its link is, by common/link.c, and what it holds counts
 * against broker.sessions. Names are random, not made from keys, so that what is shown tells nothing of what is secret.
 */
#include "broker/sessions.h"

#include <assert.h>

#include "common/mem.h"
#include "common/process.h"
#include "common/test_rule.h"

#define OVERFLOW_CODE 1008

static void set_state(struct session *session, enum session_state state)
{
    static const unsigned allowed[] = {
        [SESSION_HELD] = 1u << SESSION_YIELDING | 1u << SESSION_EXPIRING | 1u << SESSION_PARKED,
        [SESSION_YIELDING] = 1u << SESSION_HELD | 1u << SESSION_PARKED,
        [SESSION_EXPIRING] = 1u << SESSION_HELD | 1u << SESSION_PARKED,
        [SESSION_PARKED] = 1u << SESSION_HELD,
    };
    assert((allowed[session->state] & 1u << state) != 0);
    session->sessions->parked_count += state == SESSION_PARKED;
    session->sessions->parked_count -= session->state == SESSION_PARKED;
    session->state = state;
}

/* Most sessions have no key and no user: what is empty takes no memory. */
static struct str copy_str(struct str text)
{
    return text.len == 0 ? STR("") : (struct str){mem_strndup(text.at, text.len), text.len};
}

static void free_str(struct str *text)
{
    union {
        const char *at;
        void *owned;
    } pointer = {text->at};
    if (text->len > 0) {
        mem_free(pointer.owned);
    }
    *text = (struct str){NULL, 0};
}

static struct str draw_name(char name[SESSION_NAME_BYTES])
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
    uint8_t bytes[16];
    unsigned bits = 0;
    unsigned held = 0;
    size_t at = 0;
    process_random(bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bits = (bits << 8 | bytes[i]) & 0xffff;
        for (held += 8; held >= 5; held -= 5) {
            name[at++] = digits[bits >> (held - 5) & 31];
        }
    }
    name[at++] = digits[bits << (5 - held) & 31];
    assert(at == SESSION_NAME_BYTES);
    return (struct str){name, at};
}

static void init_passage(struct session_passage *passage, size_t log_bytes_max)
{
    *passage = (struct session_passage){.former = 0};
    session_log_init(&passage->log, log_bytes_max);
    claim_list_init(&passage->claims);
    relay_list_init(&passage->relays);
}

static bool is_empty(const struct session_passage *passage)
{
    return passage->unsent == NULL && passage->seen == NULL && passage->former == 0 &&
           passage->claims.count == 0 && passage->relays.count == 0 && passage->log.count == 0 &&
           !passage->log.is_on;
}

void sessions_init(struct sessions *sessions, const struct sessions_options *options)
{
    *sessions = (struct sessions){.options = *options};
    list_init(&sessions->all);
    init_passage(&sessions->no_passage, 0);
    tombstones_init(&sessions->tombstones, options->wheel, TOMBSTONES_MAX);
    sessions->relays = (struct relays){options->peers, options->stats, 0};
}

void sessions_finish(struct sessions *sessions)
{
    LIST_EACH(&sessions->all, node)
    {
        sessions_end(LIST_OF(node, struct session, node), 0, STR(""), 0);
    }
    assert(sessions->count == 0 && sessions->by_key.count == 0 && sessions->relays.bytes == 0);
    assert(is_empty(&sessions->no_passage));
    map_finish(&sessions->by_key);
    tombstones_finish(&sessions->tombstones);
}

bool sessions_are_full(const struct sessions *sessions)
{
    return sessions->count >= sessions->options.sessions_max;
}

struct session *sessions_find(const struct peer *peer, uint64_t handle)
{
    return map_get_u64(&peer->sessions, &handle);
}

struct session *sessions_find_key(const struct sessions *sessions, struct str key)
{
    return map_get(&sessions->by_key, key);
}

static void start_expiry(struct session *session);

/* Nothing while a question is open: its answer looks again. */
static void on_expiry(struct wheel_entry *entry)
{
    struct session *session = MEM_CONTAINER(entry, struct session, expiry);
    if (session->state == SESSION_PARKED) {
        session->sessions->options.stats->sessions_expired++;
        sessions_end(session, 0, STR(""), 0);
    } else if (session->state == SESSION_HELD && !session->is_attached) {
        sessions_ask(session, SESSION_EXPIRING);
    }
}

static void start_expiry(struct session *session)
{
    wheel_add(session->sessions->options.wheel, &session->expiry, session->expire_ms, on_expiry);
}

static void stop_expiry(struct session *session)
{
    wheel_remove(session->sessions->options.wheel, &session->expiry);
}

static void enter_holder(struct session *session, struct peer *peer, uint64_t handle)
{
    session->holder = peer;
    session->handle = handle;
    session->is_restored = false;
    session->is_attached = true;
    void *replaced = map_put_u64(&peer->sessions, &session->handle, session);
    assert(replaced == NULL);
    (void)replaced;
}

static void start_log(struct session *session)
{
    sessions_passage(session)->log.is_on = true;
    session_subscriptions_collect(&session->subscriptions, session);
}

/* It can be found again: what is needed to go on elsewhere is kept all the time. */
static bool is_movable(const struct session *session)
{
    return session->key.len > 0 && session->family != LINK_FAMILY_WEBSOCKET &&
           session->family != LINK_FAMILY_TCP;
}

struct session *sessions_open(struct sessions *sessions, struct peer *peer,
                              const struct session_facts *facts)
{
    char drawn[SESSION_NAME_BYTES];
    struct str name = facts->name.len > 0 ? facts->name : draw_name(drawn);
    struct session *session = mem_zalloc(sizeof(*session) + name.len);
    session->sessions = sessions;
    session->state = SESSION_HELD;
    session->can_move = true;
    session->family = facts->family;
    session->expire_ms = facts->expire_ms;
    session->moves = facts->moves;
    session->key = copy_str(facts->key);
    session->user = copy_str(facts->user);
    session->name = (struct str){(char *)(session + 1), name.len};
    memcpy(session + 1, name.at, name.len);
    session->passage = &sessions->no_passage;
    if (session->key.len > 0) {
        void *replaced = map_put(&sessions->by_key, session->key, session);
        assert(replaced == NULL);
        (void)replaced;
    }
    list_append(&sessions->all, &session->node);
    sessions->count++;
    sessions->options.stats->sessions_opened++;
    enter_holder(session, peer, facts->handle);
    if (is_movable(session)) {
        start_log(session);
    }
    return session;
}

struct session_passage *sessions_passage(struct session *session)
{
    struct sessions *sessions = session->sessions;
    if (session->passage == &sessions->no_passage) {
        session->passage = mem_alloc(sizeof(*session->passage));
        init_passage(session->passage, sessions->options.log_bytes_max);
        session->passage->session = session;
    }
    return session->passage;
}

static void free_passage(struct session *session)
{
    payload_release(session->passage->unsent);
    payload_release(session->passage->seen);
    if (session->passage != &session->sessions->no_passage) {
        mem_free(session->passage);
    }
}

static void stop_log(struct session *session)
{
    session_subscriptions_uncollect(&session->subscriptions);
    session_log_clear(&session->passage->log);
}

static void leave_holder(struct session *session)
{
    if (session->holder != NULL) {
        session_subscriptions_leave(&session->subscriptions,
                                    session->sessions->options.subscriptions);
        map_remove_u64(&session->holder->sessions, &session->handle);
        session->holder = NULL;
        session->is_restored = false;
    }
}

void sessions_hold(struct session *session, struct peer *peer, uint64_t handle, uint32_t expire_ms)
{
    leave_holder(session);
    stop_expiry(session);
    set_state(session, SESSION_HELD);
    session->expire_ms = expire_ms;
    enter_holder(session, peer, handle);
    session_subscriptions_join(&session->subscriptions, session->sessions->options.subscriptions,
                               peer);
}

static size_t payload_len(const struct payload *payload)
{
    return payload == NULL ? 0 : payload->len;
}

bool sessions_can_park(const struct session *session)
{
    return is_movable(session) && session->can_move &&
           payload_len(session->checkpoint) <= LINK_STATE_BYTES_MAX &&
           payload_len(session->passage->unsent) <= SESSION_UNSENT_BYTES_MAX;
}

void sessions_park(struct session *session)
{
    leave_holder(session);
    start_log(session);
    session->passage->adopter = 0;
    relays_unsend(&session->passage->relays);
    set_state(session, SESSION_PARKED);
    start_expiry(session);
}

static void release_former(struct session *session)
{
    struct peer *former =
        session->passage->former == 0
            ? NULL
            : peers_find(session->sessions->options.peers, session->passage->former);
    session->passage->former = 0;
    if (former != NULL) {
        PEER_SEND(former, GONE, gone, .session = session->passage->former_handle,
                  .reason = STR("it has moved"));
    }
}

static void keep(struct payload **kept, struct str bytes)
{
    payload_release(*kept);
    *kept = bytes.len == 0 ? NULL : payload_copy(bytes.at, bytes.len);
}

/* It has come. */
static void forget_passage(struct session *session)
{
    keep(&session->passage->seen, STR(""));
    release_former(session);
}

void sessions_confirm(struct session *session)
{
    keep(&session->passage->unsent, STR(""));
    forget_passage(session);
}

void sessions_attach(struct session *session)
{
    session->is_attached = true;
    stop_expiry(session);
    forget_passage(session);
}

static void overflow(struct session *session)
{
    session->sessions->options.stats->sessions_overflowed++;
    sessions_end(session, OVERFLOW_CODE, STR("Too slow"), 2 * session->expire_ms);
}

bool sessions_judge(struct session *session)
{
    if (session->passage->log.over != SESSION_LOG_NOT_SENT || session->state != SESSION_PARKED) {
        return false; /* with a holder there is no harm unless it dies now */
    }
    overflow(session);
    return true;
}

bool sessions_judge_claimed(struct session *session)
{
    if (session->passage->log.over == 0) {
        return false;
    }
    overflow(session);
    return true;
}

static bool has_hash(struct str hashes, uint64_t hash)
{
    for (size_t at = 0; at < hashes.len; at += sizeof(hash)) {
        if (memcmp(hashes.at + at, &hash, sizeof(hash)) == 0) {
            return true;
        }
    }
    return false;
}

bool sessions_has_seen(const struct session *session, struct str message_id)
{
    struct str hashes = {NULL, 0};
    if (session->is_restored && peer_knows(session->holder, link_id_hash(message_id))) {
        return true; /* its gateway drops it, too */
    }
    if (session->passage->seen != NULL) {
        hashes =
            (struct str){(const char *)session->passage->seen->data, session->passage->seen->len};
    } else if (session->state == SESSION_YIELDING && session->question == 0) {
        hashes = buf_str(&session->holder->recent); /* restored as yielded */
    }
    size_t unseen = session->passage->unseen;
    hashes.len = hashes.len > unseen ? hashes.len - unseen : 0;
    return hashes.len > 0 && has_hash(hashes, link_id_hash(message_id));
}

void sessions_note_answer(struct session *session, const struct session_log_answer *answer)
{
    if (session->passage->log.is_on && session->holder != NULL && answer->request != 0 &&
        TEST_RULE(answers_move)) {
        session_log_add_answer(&session->passage->log, answer, session->holder->written);
        (void)sessions_judge(session);
    }
}

void sessions_detach(struct session *session)
{
    session->is_attached = false;
    if (session->state == SESSION_HELD) {
        start_expiry(session);
    }
}

void sessions_ask(struct session *session, enum session_state state)
{
    set_state(session, state);
    session->question = ++session->sessions->last_question;
    if (state == SESSION_YIELDING) {
        start_log(session);
        PEER_SEND(session->holder, YIELD, yield, .request = session->question,
                  .session = session->handle);
    } else {
        PEER_SEND(session->holder, EXPIRE, expire, .request = session->question,
                  .session = session->handle);
    }
}

void sessions_await(struct session *session)
{
    set_state(session, SESSION_YIELDING);
    session->question = 0;
    start_log(session);
}

bool sessions_is_answer(const struct session *session, uint64_t question, enum session_state state)
{
    return session->state == state && session->question == question;
}

void sessions_refused(struct session *session)
{
    set_state(session, SESSION_HELD);
    if (!session->is_attached) {
        start_expiry(session);
    }
}

bool sessions_keep_checkpoint(struct session *session, struct str state)
{
    session->can_move = state.len <= LINK_STATE_BYTES_MAX;
    keep(&session->checkpoint, session->can_move ? state : STR(""));
    keep(&session->passage->unsent, STR(""));
    return session->can_move;
}

void sessions_keep_restored(struct session *session, struct str state)
{
    (void)sessions_keep_checkpoint(session, state);
    session->can_move = session->can_move && state.len > 0;
}

void sessions_keep_yielded(struct session *session, struct str checkpoint, struct str unsent)
{
    session->can_move = true;
    keep(&session->checkpoint, checkpoint);
    keep(&sessions_passage(session)->unsent, unsent);
}

void sessions_settle(struct session *session)
{
    if (payload_len(session->passage->unsent) > SESSION_UNSENT_BYTES_MAX) {
        session->can_move = false; /* until its holder has said CHECKPOINT */
        keep(&session->passage->unsent, STR(""));
    }
    if (payload_len(session->checkpoint) > LINK_STATE_BYTES_MAX) {
        session->can_move = false;
        keep(&session->checkpoint, STR(""));
    }
}

enum link_result sessions_subscribe(struct session *session, uint32_t number, uint8_t ack,
                                    struct str destination, uint32_t *out_group,
                                    const char **out_reason)
{
    const struct sessions_options *options = &session->sessions->options;
    struct session_subscriptions *list = &session->subscriptions;
    const struct session_subscription *known = session_subscriptions_find(list, number);
    if (known != NULL && str_equal(subscriptions_text(known->destination), destination)) {
        *out_group = known->group == NULL ? 0 : known->group->number;
        return LINK_OK; /* it was asked again: the first answer was lost */
    }
    if (known != NULL) {
        *out_reason = "the session has a subscription of that number";
        return LINK_DENIED;
    }
    if (list->count >= options->subscriptions_max) {
        *out_reason = "broker.subscriptions is reached";
        return LINK_LIMIT;
    }
    struct destination *interned =
        subscriptions_intern(options->subscriptions, destination, out_reason);
    if (interned == NULL) {
        return LINK_DENIED;
    }
    *out_group = session_subscriptions_add(list, options->subscriptions, number, ack, interned,
                                           session->holder);
    options->stats->subscriptions_opened++;
    return LINK_OK;
}

void sessions_unsubscribe(struct session *session, uint32_t number)
{
    const struct sessions_options *options = &session->sessions->options;
    if (session_subscriptions_remove(&session->subscriptions, options->subscriptions, number)) {
        options->stats->subscriptions_closed++;
    }
}

static void drop_subscriptions(struct session *session)
{
    const struct sessions_options *options = &session->sessions->options;
    options->stats->subscriptions_closed += session->subscriptions.count;
    session_subscriptions_finish(&session->subscriptions, options->subscriptions);
}

void sessions_replace(struct session *session, const struct session_facts *facts)
{
    drop_subscriptions(session);
    session->moves = facts->moves;
    free_str(&session->user);
    session->user = copy_str(facts->user);
    session->family = facts->family;
}

static struct session_close *create_close(const struct link_drop_session *drop)
{
    struct session_close *close = mem_zalloc(sizeof(*close) + drop->reason.len);
    close->code = drop->code;
    close->remember_ms = drop->remember_ms;
    close->reason = (struct str){(char *)(close + 1), drop->reason.len};
    if (drop->reason.len > 0) {
        memcpy(close + 1, drop->reason.at, drop->reason.len);
    }
    return close;
}

static void keep_closed(struct session *session, struct str unsent)
{
    session->sessions->closed_bytes -= payload_len(session->close->unsent);
    keep(&session->close->unsent, unsent);
    session->sessions->closed_bytes += unsent.len;
}

static void free_close(struct session *session)
{
    if (session->close != NULL) {
        keep_closed(session, STR(""));
        mem_free(session->close);
    }
}

bool sessions_close(struct session *session, const struct link_drop_session *drop)
{
    struct sessions *sessions = session->sessions;
    if (session->close == NULL) {
        if (session->key.len == 0 || drop->remember_ms == 0 ||
            drop->unsent.len > SESSIONS_CLOSED_BYTES_MAX - sessions->closed_bytes) {
            return false;
        }
        session->close = create_close(drop);
    }
    keep_closed(session, drop->unsent);
    sessions_confirm(session);
    drop_subscriptions(session);
    relays_end(&sessions->relays, &session->passage->relays);
    keep(&session->checkpoint, STR(""));
    session->can_move = true;
    sessions_park(session);
    stop_log(session);
    return true;
}

static void end_session(struct session *session, uint16_t code, struct str reason,
                        uint32_t remember_ms)
{
    struct sessions *sessions = session->sessions;
    stop_expiry(session);
    leave_holder(session);
    release_former(session);
    stop_log(session);
    drop_subscriptions(session);
    if (session->key.len > 0) {
        map_remove(&sessions->by_key, session->key);
        if (remember_ms > 0 && TEST_RULE(tombstone_answers)) {
            tombstones_add(&sessions->tombstones, session->key, code, reason, remember_ms);
        }
    }
    list_remove(&session->node);
    sessions->count--;
    sessions->parked_count -= session->state == SESSION_PARKED;
    sessions->options.stats->sessions_closed++;
    claims_end(&session->passage->claims, sessions->options.peers, code, reason);
    relays_end(&sessions->relays, &session->passage->relays);
    payload_release(session->checkpoint);
    free_close(session);
    free_passage(session);
    free_str(&session->key);
    free_str(&session->user);
    mem_free(session);
}

void sessions_end(struct session *session, uint16_t code, struct str reason, uint32_t remember_ms)
{
    const struct session_close *close = session->close;
    if (close != NULL) {
        end_session(session, close->code, close->reason, close->remember_ms);
    } else {
        end_session(session, code, reason, remember_ms);
    }
}
