/* SPDX-License-Identifier: MIT
 *
 * The broker's core with three gateways that only the test plays. Include it behind cmocka.h.
 *
 *   SAY_RIGHT(fixture, 0, ATTACH, attach, .session = 1);                    gateway 0 says ATTACH
 *   struct link_expire expire = NEXT(fixture, 0, EXPIRE, expire);           and is asked EXPIRE
 */
#pragma once

#include "broker/commands.h"
#include "tests/unit/fake_peer.h"

#define PEERS 3
#define SESSIONS_MAX 4
#define SUBSCRIPTIONS_MAX 3
#define SESSION_LOG_BYTES 4096
#define KEY STR("/ws\nabc")
#define LONG_MS 3600000u

struct fixture {
    uv_loop_t loop;
    struct wheel wheel;
    struct core core;
    struct fake_peer *peers[PEERS];
    bool is_linked[PEERS];
    struct buf body;
    uint64_t request;
};

static inline int core_setup(void **state)
{
    struct fixture *fixture = mem_zalloc(sizeof(*fixture));
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    wheel_init(&fixture->wheel, &fixture->loop);
    core_init(&fixture->core, &fixture->wheel, SESSIONS_MAX, SUBSCRIPTIONS_MAX, SESSION_LOG_BYTES);
    for (size_t i = 0; i < PEERS; i++) {
        fixture->peers[i] = fake_peer_create();
        core_add_peer(&fixture->core, &fixture->peers[i]->peer);
        fixture->is_linked[i] = true;
    }
    *state = fixture;
    return 0;
}

static inline void lose(struct fixture *fixture, size_t at)
{
    core_remove_peer(&fixture->core, &fixture->peers[at]->peer);
    fixture->is_linked[at] = false;
}

static inline void link_again(struct fixture *fixture, size_t at)
{
    core_add_peer(&fixture->core, &fixture->peers[at]->peer);
    fixture->is_linked[at] = true;
}

static inline int core_teardown(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < PEERS; i++) {
        if (fixture->is_linked[i]) {
            lose(fixture, i);
        }
        fake_peer_destroy(fixture->peers[i]);
    }
    const struct stats *stats = &fixture->core.stats;
    core_finish(&fixture->core);
    assert_int_equal(stats->sessions_opened, stats->sessions_closed);
    assert_int_equal(stats->subscriptions_opened, stats->subscriptions_closed);
    assert_int_equal(stats->links_opened, stats->links_closed);
    wheel_close(&fixture->wheel);
    assert_int_equal(uv_run(&fixture->loop, UV_RUN_DEFAULT), 0);
    wheel_finish(&fixture->wheel);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    buf_finish(&fixture->body);
    mem_free(fixture);
    return 0;
}

/* Until no deadline is left. */
static inline void run(struct fixture *fixture)
{
    assert_int_equal(uv_run(&fixture->loop, UV_RUN_DEFAULT), 0);
}

/* SAY(fixture, peer, ATTACH, attach, .session = 1): the command's code. */
#define SAY(fixture, at, NAME, name, ...)                                                          \
    ((fixture)->body.len = 0,                                                                      \
     link_put_##name(&(fixture)->body, &(struct link_##name){__VA_ARGS__}),                        \
     commands_handle(&(fixture)->core, &(fixture)->peers[at]->peer, LINK_##NAME,                   \
                     buf_str(&(fixture)->body)))

#define SAY_RIGHT(fixture, at, NAME, name, ...)                                                    \
    assert_int_equal(SAY(fixture, at, NAME, name, __VA_ARGS__), 0)

#define NEXT(fixture, at, NAME, name) FAKE_TAKE((fixture)->peers[at], NAME, name)

static inline void assert_silent(const struct fixture *fixture)
{
    for (size_t i = 0; i < PEERS; i++) {
        assert_int_equal(fake_waiting(fixture->peers[i]), 0);
    }
}

static inline uint64_t say_claim(struct fixture *fixture, size_t at, uint64_t session,
                                 struct str key)
{
    uint64_t request = ++fixture->request;
    SAY_RIGHT(fixture, at, CLAIM, claim, .request = request, .session = session, .key = key,
              .family = LINK_FAMILY_XHR, .expire_ms = LONG_MS);
    return request;
}

static inline struct link_claimed expect_claimed(struct fixture *fixture, size_t at,
                                                 uint64_t request, enum link_claim_result result)
{
    struct link_claimed claimed = NEXT(fixture, at, CLAIMED, claimed);
    assert_int_equal(claimed.request, request);
    assert_int_equal(claimed.result, result);
    return claimed;
}

static inline struct link_claimed claim(struct fixture *fixture, size_t at, uint64_t session,
                                        struct str key, enum link_claim_result result)
{
    return expect_claimed(fixture, at, say_claim(fixture, at, session, key), result);
}

static inline struct link_subscribed subscribe(struct fixture *fixture, size_t at, uint64_t session,
                                               uint32_t number, const char *destination)
{
    SAY_RIGHT(fixture, at, SUBSCRIBE, subscribe, .request = 1, .session = session,
              .subscription = number, .destination = str_of(destination));
    return NEXT(fixture, at, SUBSCRIBED, subscribed);
}

static inline void publish(struct fixture *fixture, size_t at, uint64_t session,
                           const char *destination)
{
    SAY_RIGHT(fixture, at, PUBLISH, publish, .session = session,
              .message = {.destination = str_of(destination), .body = STR("hi")});
}

static inline uint32_t delivered_group(struct fixture *fixture, size_t at)
{
    struct link_delivered delivered = NEXT(fixture, at, DELIVERED, delivered);
    uint32_t group = 0;
    assert_true(link_next_u32(&delivered.groups, &group));
    assert_int_equal(delivered.groups.len, 0);
    return group;
}

#define CORE_TEST(name) cmocka_unit_test_setup_teardown(name, core_setup, core_teardown)
