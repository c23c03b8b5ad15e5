/* SPDX-License-Identifier: MIT
 *
 * The gateway's end of the link, against a broker's end in the same loop: order, credit, answers,
 * losses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/settings.h"
#include "common/wire.h"
#include "gateway/broker_link.h"

#define WINDOW 100

static struct fake {
    struct runtime runtime;
    struct gateway_settings gateway;
    struct broker_settings broker;
    char folder[32];
    char socket[64];
    struct broker_link *link;
    struct buf heard;    /* what the handler was told */
    struct str restores; /* the key of the one session there is; absent: none */
    bool is_link_closed;

    /* the broker's end */
    uv_pipe_t server;
    struct link *peer; /* NULL: nobody is connected */
    struct buf got;    /* messages it got, one line each */
    uint32_t window;
    bool stays_mute; /* no HELLOED */
    size_t peers;    /* not yet closed */
} fake;

static struct str text_of(struct buf *buf)
{
    return buf_str(buf);
}

/* ---- the broker's end ---- */

static void say_helloed(struct link *link)
{
    const struct link_helloed helloed = {
        .version = LINK_VERSION, .broker = 1, .window = fake.window};
    link_put_helloed(link_begin(link, LINK_HELLOED), &helloed);
    link_end(link);
}

static int on_peer_message(struct link *link, uint8_t type, struct str body)
{
    struct link_publish publish;
    buf_append_text(&fake.got, link_type_name(type));
    if (type == LINK_PUBLISH && link_get_publish(body, &publish) == 0) {
        buf_append_format(&fake.got, " %.*s", (int)publish.message.id.len, publish.message.id.at);
    }
    buf_append_byte(&fake.got, '\n');
    if (type == LINK_HELLO && !fake.stays_mute) {
        say_helloed(link);
    }
    if (type == LINK_RESTORE_END) {
        link_put_restored(link_begin(link, LINK_RESTORED), &(struct link_restored){.session = 0});
        link_end(link);
    }
    return 0;
}

static void on_peer_lost(struct link *link, int code)
{
    (void)code;
    fake.peer = NULL;
    link_close(link);
}

static void on_peer_closed(struct link *link)
{
    fake.peers--;
    mem_free(link);
}

static const struct link_handler peer_handler = {on_peer_message, on_peer_lost, on_peer_closed};

static void on_connection(uv_stream_t *server, int status)
{
    const struct link_options options = {.queue_bytes_max = 1 << 20, .stall_ms = 10000};
    struct link *link = mem_zalloc(sizeof *link);
    assert_int_equal(status, 0);
    assert_int_equal(uv_pipe_init(&fake.runtime.loop, &link->pipe, 0), 0);
    assert_int_equal(uv_accept(server, (uv_stream_t *)&link->pipe), 0);
    assert_int_equal(
        link_open(link, &fake.runtime.turn, &fake.runtime.wheel, &options, &peer_handler), 0);
    fake.peers++;
    fake.peer = link;
}

static void open_server(void)
{
    unlink(fake.socket);
    assert_int_equal(uv_pipe_init(&fake.runtime.loop, &fake.server, 0), 0);
    assert_int_equal(uv_pipe_bind(&fake.server, fake.socket), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&fake.server, 4, on_connection), 0);
}

static void lose_peer(void)
{
    struct link *peer = fake.peer;
    fake.peer = NULL;
    link_close(peer);
}

/* ---- the gateway's end ---- */

static size_t session_count(void *data)
{
    (void)data;
    return fake.restores.at != NULL ? 1 : 0;
}

static void on_yield_again(void *data)
{
    (void)data;
}

static void on_restore(void *data)
{
    (void)data;
    struct buf block = {0};
    if (fake.restores.at == NULL) {
        return;
    }
    const struct link_restored_subscription one = {.subscription = 4, .destination = STR("/a")};
    const struct link_restored_subscription two = {.subscription = 2, .destination = STR("/b")};
    link_put_restored_subscription(&block, &one);
    link_put_restored_subscription(&block, &two);
    const struct link_restore restore = {
        .session = 1, .key = fake.restores, .subscriptions = buf_str(&block)};
    broker_link_restore(fake.link, &restore);
    buf_finish(&block);
}

static void on_lost(void *data)
{
    (void)data;
    buf_append_text(&fake.heard, "lost ");
}

static void on_claimed(void *data, const struct link_claimed *claimed)
{
    (void)data;
    buf_append_format(&fake.heard, "claimed:%u ", (unsigned)claimed->result);
}

static void on_answered(void *data, const struct broker_answer *answer)
{
    (void)data;
    buf_append_format(&fake.heard, "%s:%u ", link_type_name(answer->type),
                      (unsigned)answer->request);
}

static void on_restored(void *data, uint64_t session, uint32_t subscription, uint32_t group)
{
    (void)data;
    (void)session;
    buf_append_format(&fake.heard, "%u=%u ", subscription, group);
}

static void on_restored_all(void *data)
{
    (void)data;
    buf_append_text(&fake.heard, "ready ");
}

static void on_delivered(void *data, const struct link_delivered *delivered)
{
    (void)data;
    buf_append_format(&fake.heard, "delivered:%.*s ", (int)delivered->message.body.len,
                      delivered->message.body.at);
}

static void on_question(void *data, uint64_t request, uint64_t session)
{
    (void)data;
    (void)request;
    buf_append_format(&fake.heard, "question:%u ", (unsigned)session);
}

static void on_gone(void *data, uint64_t session, struct str reason)
{
    (void)data;
    (void)reason;
    buf_append_format(&fake.heard, "gone:%u ", (unsigned)session);
}

static const struct broker_link_handler handler = {
    .session_count = session_count,
    .restore = on_restore,
    .yield_again = on_yield_again,
    .lost = on_lost,
    .claimed = on_claimed,
    .answered = on_answered,
    .restored = on_restored,
    .restored_all = on_restored_all,
    .delivered = on_delivered,
    .expire = on_question,
    .yield = on_question,
    .gone = on_gone,
};

static void on_link_closed(void *data)
{
    (void)data;
    fake.is_link_closed = true;
}

static int set_up(void **state)
{
    (void)state;
    memset(&fake, 0, sizeof fake);
    assert_int_equal(uv_loop_init(&fake.runtime.loop), 0);
    turn_init(&fake.runtime.turn, &fake.runtime.loop);
    wheel_init(&fake.runtime.wheel, &fake.runtime.loop);
    snprintf(fake.folder, sizeof fake.folder, "/tmp/test_broker_link_XXXXXX");
    assert_non_null(mkdtemp(fake.folder));
    snprintf(fake.socket, sizeof fake.socket, "%s/broker.sock", fake.folder);
    fake.window = WINDOW;
    fake.gateway =
        (struct gateway_settings){.name = (char *)(uintptr_t) "test", .link_retry_ms_max = 100};
    fake.broker = (struct broker_settings){.socket = fake.socket,
                                           .link_queue_bytes_max = 1 << 20,
                                           .link_stall_ms = 10000,
                                           .message_window_bytes = WINDOW};
    fake.runtime.settings = &fake.gateway;
    fake.link = broker_link_create(&fake.runtime, &fake.broker);
    open_server();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    broker_link_close(fake.link, on_link_closed, NULL);
    uv_close((uv_handle_t *)&fake.server, NULL);
    while (!fake.is_link_closed || fake.peers > 0) {
        uv_run(&fake.runtime.loop, UV_RUN_ONCE);
    }
    broker_link_destroy(fake.link);
    turn_close(&fake.runtime.turn);
    wheel_close(&fake.runtime.wheel);
    uv_run(&fake.runtime.loop, UV_RUN_DEFAULT);
    wheel_finish(&fake.runtime.wheel);
    assert_int_equal(uv_loop_close(&fake.runtime.loop), 0);
    buf_finish(&fake.heard);
    buf_finish(&fake.got);
    unlink(fake.socket);
    rmdir(fake.folder);
    return 0;
}

/* Turns the loop until `buf` holds exactly `text` (more would never become less: then the
 * runner's deadline tells). */
static void wait_for(struct buf *buf, const char *text)
{
    while (!str_equal(text_of(buf), str_of(text))) {
        if (buf->len > strlen(text)) {
            fail_msg("wanted %s, got %.*s", text, (int)buf->len, (const char *)buf->data);
        }
        uv_run(&fake.runtime.loop, UV_RUN_ONCE);
    }
    buf->len = 0;
}

static void open_link(void)
{
    broker_link_open(fake.link, &handler, NULL);
    wait_for(&fake.heard, "ready ");
    wait_for(&fake.got, "HELLO\nRESTORE_END\n");
}

/* A message of `len` bytes with an id of two letters makes a PUBLISH of len + 32. */
static uint64_t publish(const char *id, size_t len, bool has_receipt)
{
    char body[WINDOW * 3] = {0};
    const struct link_publish message = {
        .request = has_receipt ? broker_link_number(fake.link) : 0,
        .session = 1,
        .message = {.id = str_of(id), .destination = STR("/a"), .body = {body, len}},
    };
    broker_link_publish(fake.link, &message);
    return message.request;
}

static void give_credit(uint32_t bytes)
{
    const struct link_credit credit = {.bytes = bytes};
    link_put_credit(link_begin(fake.peer, LINK_CREDIT), &credit);
    link_end(fake.peer);
}

static void answer_published(uint64_t request)
{
    const struct link_published published = {.request = request, .session = 1};
    link_put_published(link_begin(fake.peer, LINK_PUBLISHED), &published);
    link_end(fake.peer);
}

/* ---- the tests ---- */

static void it_connects_greets_and_is_ready(void **state)
{
    (void)state;
    assert_false(broker_link_is_ready(fake.link));
    open_link();
    assert_true(broker_link_is_ready(fake.link));
    assert_int_equal(fake.runtime.stats.link_connects, 1);
}

static void it_waits_for_a_broker_that_comes_later(void **state)
{
    (void)state;
    uv_close((uv_handle_t *)&fake.server, NULL);
    unlink(fake.socket);
    broker_link_open(fake.link, &handler, NULL);
    for (int turns = 0; turns < 3; turns++) {
        uv_run(&fake.runtime.loop, UV_RUN_ONCE);
    }
    publish("m1", 1, false);
    open_server();
    wait_for(&fake.heard, "ready ");
    wait_for(&fake.got, "HELLO\nPUBLISH m1\nRESTORE_END\n");
}

static void answers_find_their_way(void **state)
{
    (void)state;
    open_link();
    uint64_t request = publish("m1", 1, true);
    wait_for(&fake.got, "PUBLISH m1\n");
    answer_published(request);
    wait_for(&fake.heard, "PUBLISHED:1 ");
}

static void what_the_credit_does_not_cover_waits_and_keeps_its_order(void **state)
{
    (void)state;
    open_link();
    publish("m1", 50, false); /* 82 of 100 */
    publish("m2", 50, false);
    publish("m3", 1, false); /* would fit, but is behind m2 */
    const struct link_drop_session drop = {.session = 1};
    broker_link_drop(fake.link, &drop); /* costs nothing, but is behind m3 */
    wait_for(&fake.got, "PUBLISH m1\n");
    give_credit(82);
    wait_for(&fake.got, "PUBLISH m2\n");
    give_credit(82);
    wait_for(&fake.got, "PUBLISH m3\nDROP_SESSION\n");
}

static void a_message_larger_than_the_window_takes_all_of_it(void **state)
{
    (void)state;
    open_link();
    publish("m1", WINDOW * 2, false);
    publish("m2", 1, false);
    wait_for(&fake.got, "PUBLISH m1\n");
    give_credit(WINDOW);
    wait_for(&fake.got, "PUBLISH m2\n");
}

static int cleared;

static void on_clear(struct broker_link_waiter *waiter)
{
    (void)waiter;
    cleared++;
}

static void whoever_publishes_is_stopped_beyond_a_window_and_told_when_it_clears(void **state)
{
    (void)state;
    struct broker_link_waiter waiter = {.clear = NULL};
    cleared = 0;
    open_link();
    publish("m1", 50, false);
    publish("m2", 50, false);
    assert_false(broker_link_is_clogged(fake.link));
    publish("m3", 50, false);
    assert_true(broker_link_is_clogged(fake.link));
    broker_link_wait(fake.link, &waiter, on_clear);
    wait_for(&fake.got, "PUBLISH m1\n");
    give_credit(82);
    wait_for(&fake.got, "PUBLISH m2\n");
    assert_int_equal(cleared, 1);
    assert_false(broker_link_is_clogged(fake.link));
}

static void what_was_not_answered_is_sent_again_before_what_was_not_sent(void **state)
{
    (void)state;
    open_link();
    uint64_t first = publish("m1", 1, true);
    publish("m2", 1, true);
    wait_for(&fake.got, "PUBLISH m1\nPUBLISH m2\n");
    answer_published(first);
    wait_for(&fake.heard, "PUBLISHED:1 ");
    lose_peer();
    wait_for(&fake.heard, "lost ");
    assert_int_equal(fake.runtime.stats.link_losses, 1);
    publish("m3", 20, false);
    publish("m4", 1, true);
    broker_link_attach(fake.link, 1); /* RESTORE will say it */
    wait_for(&fake.got, "HELLO\nPUBLISH m2\nPUBLISH m3\n");
    give_credit(33);
    wait_for(&fake.got, "PUBLISH m4\nRESTORE_END\n");
    wait_for(&fake.heard, "ready ");
}

static void sessions_are_restored_before_anything_else_and_get_their_groups(void **state)
{
    (void)state;
    fake.restores = STR("k");
    publish("m1", 30, false); /* RESTORE leaves no credit for it */
    broker_link_open(fake.link, &handler, NULL);
    wait_for(&fake.got, "HELLO\nRESTORE\n");
    assert_false(broker_link_is_ready(fake.link));
    struct buf groups = {0};
    wire_put_u32(&groups, 7);
    wire_put_u32(&groups, 8);
    const struct link_restored restored = {.session = 1, .groups = buf_str(&groups)};
    link_put_restored(link_begin(fake.peer, LINK_RESTORED), &restored);
    link_end(fake.peer);
    buf_finish(&groups);
    wait_for(&fake.heard, "4=7 2=8 ");
    give_credit(51);
    wait_for(&fake.got, "PUBLISH m1\nRESTORE_END\n");
    wait_for(&fake.heard, "ready ");
}

static void a_session_that_is_gone_is_not_waited_for(void **state)
{
    (void)state;
    fake.restores = STR("k");
    broker_link_open(fake.link, &handler, NULL);
    wait_for(&fake.got, "HELLO\nRESTORE\nRESTORE_END\n");
    const struct link_gone gone = {.session = 1, .reason = STR("elsewhere")};
    link_put_gone(link_begin(fake.peer, LINK_GONE), &gone);
    link_end(fake.peer);
    wait_for(&fake.heard, "gone:1 ready ");
}

static void a_claim_that_was_never_sent_can_be_taken_back(void **state)
{
    (void)state;
    const struct link_claim claim = {
        .request = broker_link_number(fake.link), .session = 1, .key = STR("k")};
    broker_link_claim(fake.link, &claim);
    assert_true(broker_link_cancel_claim(fake.link, claim.request));
    assert_false(broker_link_cancel_claim(fake.link, claim.request));
    open_link();
    broker_link_claim(fake.link, &claim);
    wait_for(&fake.got, "CLAIM\n");
    assert_false(broker_link_cancel_claim(fake.link, claim.request));
}

/* {type, body}: each loses the link, and the gateway comes again. */
static const struct {
    uint8_t type;
    struct str body;
} bad_rows[] = {
    {200, {"", 0}},
    {LINK_PUBLISH, {"", 0}},
    {LINK_HELLOED, {"\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\1", 22}},
    {LINK_DELIVERED, {"x", 1}},
    {LINK_CREDIT, {"\0\0\0\1", 4}},
    {LINK_RESTORED, {"\0\0\0\0\0\0\0\1\0\0\0\0", 12}},
};

static void a_message_that_breaks_the_rules_loses_the_link(void **state)
{
    (void)state;
    open_link();
    for (size_t i = 0; i < MEM_COUNT(bad_rows); i++) {
        buf_append_str(link_begin(fake.peer, bad_rows[i].type), bad_rows[i].body);
        link_end(fake.peer);
        wait_for(&fake.heard, "lost ready ");
        wait_for(&fake.got, "HELLO\nRESTORE_END\n");
    }
    assert_int_equal(fake.runtime.stats.link_losses, MEM_COUNT(bad_rows));
}

static void it_may_be_closed_in_every_phase(void **state)
{
    tear_down(state); /* never opened */
    set_up(state);
    broker_link_open(fake.link, &handler, NULL); /* connecting */
    tear_down(state);
    set_up(state);
    fake.stays_mute = true; /* greeting */
    broker_link_open(fake.link, &handler, NULL);
    wait_for(&fake.got, "HELLO\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_connects_greets_and_is_ready),
        TEST(it_waits_for_a_broker_that_comes_later),
        TEST(answers_find_their_way),
        TEST(what_the_credit_does_not_cover_waits_and_keeps_its_order),
        TEST(a_message_larger_than_the_window_takes_all_of_it),
        TEST(whoever_publishes_is_stopped_beyond_a_window_and_told_when_it_clears),
        TEST(what_was_not_answered_is_sent_again_before_what_was_not_sent),
        TEST(sessions_are_restored_before_anything_else_and_get_their_groups),
        TEST(a_session_that_is_gone_is_not_waited_for),
        TEST(a_claim_that_was_never_sent_can_be_taken_back),
        TEST(a_message_that_breaks_the_rules_loses_the_link),
        TEST(it_may_be_closed_in_every_phase),
    };
    log_configure(LOG_ERROR + 1, LOG_TEXT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
