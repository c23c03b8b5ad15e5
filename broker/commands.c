/* SPDX-License-Identifier: MIT
 *
 * Commands of gateways: decode all, require the end, then act.
 *
 * A command is a row of COMMANDS and a function act_<name>() that gets the decoded message. One that names a session
 * its gateway does not hold is answered LINK_ABSENT where it asked for an answer: sessions come and go under way.
 */
#include "broker/commands.h"

#include "broker/adoption.h"
#include "broker/handover.h"
#include "broker/replay.h"
#include "common/err.h"
#include "common/wire.h"

static int act_claim(struct core *core, struct peer *peer, const struct link_claim *claim)
{
    return handover_claim(&core->sessions, peer, claim);
}

static int act_attach(struct core *core, struct peer *peer, const struct link_attach *attach)
{
    (void)core;
    struct session *session = sessions_find(peer, attach->session);
    if (session != NULL) {
        sessions_attach(session);
    }
    return 0;
}

static int act_detach(struct core *core, struct peer *peer, const struct link_detach *detach)
{
    (void)core;
    struct session *session = sessions_find(peer, detach->session);
    if (session != NULL) {
        sessions_detach(session);
    }
    return 0;
}

/* What it and YIELDED carry goes on in a CLAIMED, beside a name: that must not be longer than a message may be. */
static int act_drop_session(struct core *core, struct peer *peer,
                            const struct link_drop_session *drop)
{
    (void)core;
    struct session *session = sessions_find(peer, drop->session);
    if (drop->unsent.len > FANOUT_MESSAGE_BYTES_MAX) {
        return ERR_PROTOCOL;
    }
    if (session != NULL) {
        handover_drop(session, drop);
    }
    return 0;
}

/* The session may have gone. */
static void note_answer(const struct peer *peer, uint64_t handle,
                        const struct session_log_answer *answer)
{
    struct session *session = sessions_find(peer, handle);
    if (session != NULL) {
        sessions_note_answer(session, answer);
    }
}

static int act_subscribe(struct core *core, struct peer *peer,
                         const struct link_subscribe *subscribe)
{
    struct session *session = sessions_find(peer, subscribe->session);
    enum link_result result = LINK_ABSENT;
    struct replay replay = {.range.recovered = HISTORY_NOT_ASKED};
    const char *reason = "";
    uint32_t group = 0;
    if (session != NULL) {
        result = sessions_subscribe(session, subscribe->subscription, subscribe->ack,
                                    subscribe->destination, &group, &reason);
    }
    if (result == LINK_OK) {
        replay_open(&replay, &core->history, peer, subscribe->destination, subscribe->headers,
                    wheel_now(core->fanout.wheel));
    }
    PEER_SEND(peer, SUBSCRIBED, subscribed, .request = subscribe->request,
              .session = subscribe->session, .subscription = subscribe->subscription,
              .result = (uint8_t)result, .group = group,
              .recovered = (uint8_t)replay.range.recovered,
              .position = position_str(&replay.range.position), .reason = str_of(reason));
    note_answer(peer, subscribe->session,
                &(struct session_log_answer){.type = LINK_SUBSCRIBED,
                                             .result = (uint8_t)result,
                                             .recovered = (uint8_t)replay.range.recovered,
                                             .request = subscribe->request,
                                             .subscription = subscribe->subscription,
                                             .position = replay.range.position});
    if (result == LINK_OK) {
        replay_send(&replay, session, subscribe->subscription);
    }
    return 0;
}

static int act_unsubscribe(struct core *core, struct peer *peer,
                           const struct link_unsubscribe *unsubscribe)
{
    (void)core;
    struct session *session = sessions_find(peer, unsubscribe->session);
    if (session != NULL) {
        sessions_unsubscribe(session, unsubscribe->subscription);
    }
    if (unsubscribe->request != 0) {
        PEER_SEND(peer, UNSUBSCRIBED, unsubscribed, .request = unsubscribe->request,
                  .session = unsubscribe->session, .subscription = unsubscribe->subscription);
        note_answer(peer, unsubscribe->session,
                    &(struct session_log_answer){.type = LINK_UNSUBSCRIBED,
                                                 .request = unsubscribe->request,
                                                 .subscription = unsubscribe->subscription});
    }
    return 0;
}

static int act_publish(struct core *core, struct peer *peer, const struct link_publish *publish)
{
    if (sessions_find(peer, publish->session) != NULL) {
        enum link_result result = fanout_publish(&core->fanout, peer, publish);
        note_answer(peer, publish->session,
                    &(struct session_log_answer){.type = LINK_PUBLISHED,
                                                 .result = (uint8_t)result,
                                                 .request = publish->request,
                                                 .position = core->fanout.position});
    } else if (publish->request != 0) {
        PEER_SEND(peer, PUBLISHED, published, .request = publish->request,
                  .session = publish->session, .result = LINK_ABSENT,
                  .reason = STR("no such session"));
    }
    return 0;
}

static int apply(struct core *core, struct peer *peer, struct str messages);

static int act_checkpoint(struct core *core, struct peer *peer,
                          const struct link_checkpoint *checkpoint)
{
    int code = apply(core, peer, checkpoint->messages);
    if (code == 0) {
        enum link_result result = handover_checkpoint(&core->sessions, peer, checkpoint);
        note_answer(peer, checkpoint->session,
                    &(struct session_log_answer){.type = LINK_CHECKPOINTED,
                                                 .result = (uint8_t)result,
                                                 .request = checkpoint->request});
    }
    return code;
}

static int act_offer(struct core *core, struct peer *peer, const struct link_offer *offer)
{
    struct session *session = sessions_find(peer, offer->session);
    if (offer->session == 0) {
        peer->is_leaving = true;
        adoption_ask_all(&core->sessions);
    } else if (session != NULL && session->state == SESSION_HELD) {
        sessions_ask(session, SESSION_YIELDING);
    }
    return 0;
}

static int act_confirm(struct core *core, struct peer *peer, const struct link_confirm *confirm)
{
    (void)core;
    struct session *session = sessions_find(peer, confirm->session);
    if (session != NULL) {
        session_log_drop(&session->passage->log, confirm->number);
    }
    return 0;
}

static int act_relay(struct core *core, struct peer *peer, const struct link_relay *relay)
{
    handover_relay(&core->sessions, peer, relay);
    return 0;
}

static int act_yielded(struct core *core, struct peer *peer, const struct link_yielded *yielded)
{
    (void)core;
    if (yielded->checkpoint.len + yielded->unsent.len > FANOUT_MESSAGE_BYTES_MAX) {
        return ERR_PROTOCOL;
    }
    handover_yielded(peer, yielded);
    return 0;
}

static int act_refused(struct core *core, struct peer *peer, const struct link_refused *refused)
{
    (void)core;
    handover_refused(peer, refused);
    return 0;
}

static int act_restore(struct core *core, struct peer *peer, const struct link_restore *restore)
{
    return handover_restore(&core->sessions, peer, restore);
}

/* If nothing is held any more the end is told at once, else when the hold is over. */
static int act_restore_end(struct core *core, struct peer *peer,
                           const struct link_restore_end *restore_end)
{
    struct wire_reader recent;
    if (restore_end->recent.len % sizeof(uint64_t) != 0) {
        return ERR_PROTOCOL;
    }
    wire_reader_init(&recent, restore_end->recent.at, restore_end->recent.len);
    peer->has_restored = true;
    peer->recent.len = 0;
    while (wire_left(&recent) > 0) {
        uint64_t hash = wire_get_u64(&recent);
        buf_append(&peer->recent, &hash, sizeof(hash));
    }
    peer_index_recent(peer);
    adoption_ask_all(&core->sessions);
    if (core->hold.is_on) {
        hold_restored(&core->hold, peer->gateway);
    } else {
        PEER_SEND(peer, RESTORED, restored, .session = 0);
    }
    return 0;
}

/* C(NAME, name, takes credit) */
#define COMMANDS(C)                                                                                \
    C(CLAIM, claim, false)                                                                         \
    C(ATTACH, attach, false)                                                                       \
    C(DETACH, detach, false)                                                                       \
    C(DROP_SESSION, drop_session, false)                                                           \
    C(SUBSCRIBE, subscribe, false)                                                                 \
    C(UNSUBSCRIBE, unsubscribe, false)                                                             \
    C(PUBLISH, publish, true)                                                                      \
    C(CHECKPOINT, checkpoint, true)                                                                \
    C(CONFIRM, confirm, false)                                                                     \
    C(RELAY, relay, true)                                                                          \
    C(YIELDED, yielded, false)                                                                     \
    C(REFUSED, refused, false)                                                                     \
    C(RESTORE, restore, true)                                                                      \
    C(RESTORE_END, restore_end, false)                                                             \
    C(OFFER, offer, false)

#define HANDLER(NAME, name, takes_credit)                                                          \
    static int handle_##name(struct core *core, struct peer *peer, struct str body)                \
    {                                                                                              \
        struct link_##name message;                                                                \
        if (link_get_##name(body, &message) != 0) {                                                \
            return ERR_PROTOCOL;                                                                   \
        }                                                                                          \
        return act_##name(core, peer, &message);                                                   \
    }
COMMANDS(HANDLER)

#define CHECKER(NAME, name, takes_credit)                                                          \
    static bool is_##name(struct str body)                                                         \
    {                                                                                              \
        struct link_##name message;                                                                \
        return link_get_##name(body, &message) == 0;                                               \
    }
COMMANDS(CHECKER)

struct command {
    int (*handle)(struct core *core, struct peer *peer, struct str body);
    bool (*is_right)(struct str body);
    bool takes_credit;
};

#define COMMAND_ROW(NAME, name, takes_credit)                                                      \
    [LINK_##NAME] = {handle_##name, is_##name, takes_credit},
static const struct command commands[UINT8_MAX + 1] = {COMMANDS(COMMAND_ROW)};

/* What one body made a session say: its decoder looked at every message. */
static int apply(struct core *core, struct peer *peer, struct str messages)
{
    uint8_t type;
    struct str body;
    int code = 0;
    while (code == 0 && link_next_message(&messages, &type, &body)) {
        code = commands[type].handle(core, peer, body);
    }
    return code;
}

int commands_handle(struct core *core, struct peer *peer, uint8_t type, struct str body)
{
    core->stats.link_messages_in++;
    if (commands[type].handle == NULL) {
        return ERR_PROTOCOL;
    }
    if (core->hold.is_on && !commands[type].is_right(body)) {
        return ERR_PROTOCOL;
    }
    if (hold_takes(&core->hold, peer, type, body)) {
        return 0;
    }
    return commands[type].handle(core, peer, body);
}

/* What breaks the rules only now, a number in use for one, is nobody's message any more. */
void commands_handle_held(struct core *core, struct peer *peer, uint8_t type, struct str body)
{
    (void)commands[type].handle(core, peer, body);
}

bool commands_take_credit(uint8_t type)
{
    return commands[type].takes_credit;
}
