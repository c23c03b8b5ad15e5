/* SPDX-License-Identifier: MIT
 *
 * The broker's core under any order of commands, losses and expiries: three gateways, few sessions and keys, so that
 * they meet. Each step is one byte for what happens and a few for whom. After each step the registry must be
 * consistent; at the end everything must be gone.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "broker/commands.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PEERS 3
#define LONG_MS 3600000u

struct world {
    uv_loop_t loop;
    struct wheel wheel;
    struct core core;
    struct peer peers[PEERS];
    bool is_linked[PEERS];
    uint8_t type;      /* of the message being written */
    struct buf out;    /* its body */
    struct buf say;    /* body of the command */
    const uint8_t *at; /* input */
    const uint8_t *end;
};

static struct world world;

static uint8_t take(uint8_t below)
{
    if (world.at == world.end) {
        return 0;
    }
    return (uint8_t)(*world.at++ % below);
}

static struct buf *begin_message(struct peer *peer, uint8_t type)
{
    assert(peers_find(&world.core.peers, peer->id) == peer);
    world.type = type;
    world.out.len = 0;
    return &world.out;
}

/* What the broker writes, a gateway can read. */
#define READ_ROW(NAME, name, number, sender)                                                       \
    if (world.type == LINK_##NAME) {                                                               \
        struct link_##name message;                                                                \
        assert(link_type_is_from_broker(world.type));                                              \
        assert(link_get_##name(buf_str(&world.out), &message) == 0);                               \
        return;                                                                                    \
    }
static void end_message(struct peer *peer)
{
    (void)peer;
    LINK_MESSAGES(READ_ROW)
    abort();
}

static struct peer *take_peer(void)
{
    size_t at = take(PEERS);
    if (!world.is_linked[at]) {
        world.peers[at] = (struct peer){.begin = begin_message, .end = end_message};
        core_add_peer(&world.core, &world.peers[at]);
        world.is_linked[at] = true;
    }
    return &world.peers[at];
}

static struct str take_text(const char *const *texts, uint8_t count)
{
    return str_of(texts[take(count)]);
}

static struct str take_key(void)
{
    static const char *const keys[] = {"", "k1", "k2", "k3"};
    return take_text(keys, 4);
}

static struct str take_destination(void)
{
    static const char *const names[] = {"/a", "/b", "/*", "/**", "/{x}", "/a/b", "", "/{a:b}"};
    return take_text(names, 8);
}

/* "/a" keeps a past, and whoever subscribes asks for it. */
static const struct history_rule rules[] = {{"/a", 3, LONG_MS}};
static const char past[] = "\0\7history\0\1"
                           "2";

/* What it asked last: mostly the question that is open. */
static uint64_t take_question(void)
{
    return world.core.sessions.last_question - take(3);
}

#define SAY(NAME, name, ...)                                                                       \
    do {                                                                                           \
        struct peer *speaker_ = take_peer();                                                       \
        world.say.len = 0;                                                                         \
        link_put_##name(&world.say, &(struct link_##name){__VA_ARGS__});                           \
        if (commands_handle(&world.core, speaker_, LINK_##NAME, buf_str(&world.say)) != 0) {       \
            lose_peer((size_t)(speaker_ - world.peers));                                           \
        }                                                                                          \
    } while (0)

static void lose_peer(size_t at)
{
    if (world.is_linked[at]) {
        world.is_linked[at] = false;
        core_remove_peer(&world.core, &world.peers[at]);
    }
}

/* Time passes for one session that has a deadline. */
static void expire_one(void)
{
    size_t skipped = take(4);
    LIST_EACH(&world.core.sessions.all, node)
    {
        struct session *session = LIST_OF(node, struct session, node);
        if (list_is_linked(&session->expiry.node) && skipped-- == 0) {
            wheel_due_cb due = session->expiry.due;
            wheel_remove(&world.wheel, &session->expiry);
            due(&session->expiry);
            return;
        }
    }
}

static void say_restore(void)
{
    static const char *const states[] = {"", "rest"};
    struct buf block = {NULL, 0, 0};
    for (uint8_t count = take(3); count > 0; count--) {
        link_put_restored_subscription(
            &block, &(struct link_restored_subscription){.subscription = take(3),
                                                         .destination = take_destination()});
    }
    SAY(RESTORE, restore, .session = take(4), .key = take_key(), .name = STR("n"),
        .family = take(LINK_FAMILY_JSONP + 1), .expire_ms = LONG_MS, .hold = take(3),
        .moves = take(3), .number = take(30), .subscriptions = buf_str(&block),
        .state = take_text(states, 2));
    buf_finish(&block);
}

static void say_drop(void)
{
    uint8_t session = take(4);
    uint8_t kind = take(4);
    SAY(DROP_SESSION, drop_session, .session = session, .code = 3000,
        .remember_ms = kind < 2 ? LONG_MS : 0, .unsent = kind == 1 ? STR("rest") : STR(""));
}

static void step(void)
{
    static const char *const states[] = {"", "rest"};
    switch (take(18)) {
    case 0:
    case 1:
        SAY(CLAIM, claim, .request = 1, .session = take(4), .key = take_key(),
            .family = take(2) == 0 ? LINK_FAMILY_XHR : take(LINK_FAMILY_JSONP + 1),
            .expire_ms = LONG_MS);
        break;
    case 2:
        SAY(ATTACH, attach, .session = take(4));
        break;
    case 3:
        SAY(DETACH, detach, .session = take(4));
        break;
    case 4:
        say_drop();
        break;
    case 5:
        SAY(SUBSCRIBE, subscribe, .request = 1, .session = take(4), .subscription = take(3),
            .destination = take_destination(), .headers = {past, sizeof(past) - 1});
        break;
    case 6:
        SAY(UNSUBSCRIBE, unsubscribe, .request = take(2), .session = take(4),
            .subscription = take(3));
        break;
    case 7:
        SAY(PUBLISH, publish, .request = take(2), .session = take(4),
            .message.destination = take_destination());
        break;
    case 8:
        SAY(CHECKPOINT, checkpoint, .request = take(2), .session = take(4), .relay = take(4),
            .state = take_text(states, 2));
        break;
    case 9:
        SAY(RELAY, relay, .request = take(2), .key = take_key(), .relay = 1u + take(3),
            .body = take_text(states, 2));
        break;
    case 10:
        SAY(YIELDED, yielded, .request = take_question(), .session = take(4), .number = take(30),
            .checkpoint = take_text(states, 2), .unsent = take_text(states, 2));
        break;
    case 11:
        SAY(REFUSED, refused, .request = take_question(), .session = take(4));
        break;
    case 12:
        say_restore();
        break;
    case 14:
        SAY(OFFER, offer, .session = take(4));
        break;
    case 15:
        SAY(YIELDED, yielded, .session = take(4), .unsent = take_text(states, 2));
        break;
    case 13:
        lose_peer(take(PEERS));
        break;
    case 17:
        SAY(CONFIRM, confirm, .session = take(4), .number = take(30));
        break;
    default:
        expire_one();
    }
}

static void check_session(const struct session *session)
{
    const struct sessions *sessions = &world.core.sessions;
    assert((session->holder == NULL) == (session->state == SESSION_PARKED));
    if (session->key.len > 0) {
        assert(sessions_find_key(sessions, session->key) == session);
    }
    if (session->holder == NULL) {
        assert(session->passage->claims.count == 0 && list_is_linked(&session->expiry.node));
    } else {
        assert(sessions_find(session->holder, session->handle) == session);
    }
    for (size_t i = 0; i < session->subscriptions.count; i++) {
        const struct group *group = session->subscriptions.items[i].group;
        assert((group == NULL) == (session->holder == NULL));
        assert(group == NULL || group->peer == session->holder);
    }
    /* Somebody waits only for an answer that will come. */
    assert(session->passage->claims.count == 0 || session->state != SESSION_HELD);
}

static void check_world(void)
{
    size_t count = 0;
    size_t held = 0;
    size_t entered = 0;
    LIST_EACH(&world.core.sessions.all, node)
    {
        const struct session *session = LIST_OF(node, struct session, node);
        check_session(session);
        held += session->holder != NULL;
        count++;
    }
    for (size_t i = 0; i < PEERS; i++) {
        entered += world.is_linked[i] ? world.peers[i].sessions.count : 0;
    }
    assert(held == entered && count == world.core.sessions.count);
    assert(list_is_empty(&world.core.fanout.matched));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    world = (struct world){.at = data, .end = data + size};
    int code = uv_loop_init(&world.loop);
    assert(code == 0);
    wheel_init(&world.wheel, &world.loop);
    core_init(&world.core, &world.wheel, 6, 2, 1024);
    core_keep_history(&world.core, &(struct history_options){.rules = rules,
                                                             .rule_count = MEM_COUNT(rules),
                                                             .bytes_max = 1 << 20,
                                                             .replay_bytes_max = 1 << 10});
    while (world.at < world.end) {
        step();
        check_world();
    }
    for (size_t i = 0; i < PEERS; i++) {
        lose_peer(i);
    }
    core_finish(&world.core);
    wheel_close(&world.wheel);
    (void)uv_run(&world.loop, UV_RUN_DEFAULT);
    wheel_finish(&world.wheel);
    code = uv_loop_close(&world.loop);
    assert(code == 0);
    buf_finish(&world.out);
    buf_finish(&world.say);
    return 0;
}
