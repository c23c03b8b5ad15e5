/* SPDX-License-Identifier: MIT
 *
 * Sessions apart from their transports: with a fake transport, the echo service, and a link that
 * writes down what it is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/err.h"
#include "common/log.h"
#include "common/settings.h"
#include "gateway/service_echo.h"
#include "gateway/sessions.h"
#include "tests/unit/fake_link.h"

struct fake_transport {
    struct transport transport;
    struct buf seen; /* what was called, one word a call */
    size_t queued;
    bool detaches_when_opened;
};

static struct fake {
    struct runtime runtime;
    struct gateway_settings settings;
    struct endpoint_settings echo;
    struct endpoint_settings close;
    struct broker_link link;
    struct services services;
    struct sessions *sessions;
    struct fake_transport a;
    struct fake_transport b;
    int sent_code; /* 1: not yet */
} fake;

static struct fake_transport *fake_of(struct transport *transport)
{
    return MEM_CONTAINER(transport, struct fake_transport, transport);
}

static void on_opened(struct transport *transport, bool is_new)
{
    buf_append_text(&fake_of(transport)->seen, is_new ? "o " : "again ");
    if (fake_of(transport)->detaches_when_opened) {
        session_detach(transport, DETACH_ENDED);
    }
}

static void on_send(struct transport *transport, struct shared_frame *frame)
{
    buf_append(&fake_of(transport)->seen, frame->raw->data, frame->raw->len);
    buf_append_text(&fake_of(transport)->seen, " ");
}

static void on_ready(struct transport *transport)
{
    buf_append_text(&fake_of(transport)->seen, "ready ");
}

static void on_beat(struct transport *transport)
{
    buf_append_text(&fake_of(transport)->seen, "h ");
}

static void on_close(struct transport *transport, unsigned code, struct str reason)
{
    assert_null(transport->session);
    buf_append_format(&fake_of(transport)->seen, "c[%u,%.*s] ", code, (int)reason.len, reason.at);
}

static void on_refuse(struct transport *transport)
{
    buf_append_text(&fake_of(transport)->seen, "404 ");
}

static size_t queued(const struct transport *transport)
{
    return MEM_CONTAINER(transport, const struct fake_transport, transport)->queued;
}

static const struct transport_ops websocket = {.name = "websocket",
                                               .family = LINK_FAMILY_WEBSOCKET,
                                               .is_sockjs = true,
                                               .opened = on_opened,
                                               .send = on_send,
                                               .beat = on_beat,
                                               .close = on_close,
                                               .queued = queued};
static const struct transport_ops stream = {.name = "xhr-streaming",
                                            .family = LINK_FAMILY_XHR,
                                            .is_sockjs = true,
                                            .is_http = true,
                                            .opened = on_opened,
                                            .send = on_send,
                                            .beat = on_beat,
                                            .close = on_close,
                                            .refuse = on_refuse,
                                            .queued = queued};
static const struct transport_ops poll_ops = {.name = "xhr-polling",
                                              .family = LINK_FAMILY_XHR,
                                              .is_sockjs = true,
                                              .is_http = true,
                                              .opened = on_opened,
                                              .ready = on_ready,
                                              .beat = on_beat,
                                              .close = on_close,
                                              .refuse = on_refuse,
                                              .queued = queued};
static const struct transport_ops eventsource = {.name = "eventsource",
                                                 .family = LINK_FAMILY_EVENTSOURCE,
                                                 .is_sockjs = true,
                                                 .is_http = true,
                                                 .opened = on_opened,
                                                 .send = on_send,
                                                 .beat = on_beat,
                                                 .close = on_close,
                                                 .refuse = on_refuse,
                                                 .queued = queued};

/* Echo, but for the text CLOSE. */
static void echo_or_close(void *service, struct str text, bool is_binary)
{
    const struct service_host *host = *(const struct service_host **)service;
    if (str_equal(text, STR("CLOSE"))) {
        host->ops->close(host->data, 3000, STR("enough"));
    } else {
        service_echo_ops.receive(service, text, is_binary);
    }
}

static struct service_ops echo_ops;

static int set_up(void **state)
{
    (void)state;
    memset(&fake, 0, sizeof fake);
    assert_int_equal(uv_loop_init(&fake.runtime.loop), 0);
    turn_init(&fake.runtime.turn, &fake.runtime.loop);
    wheel_init(&fake.runtime.wheel, &fake.runtime.loop);
    fake.runtime.settings = &fake.settings;
    fake.settings.limits.sessions_max = 3;
    fake.settings.timeouts.link_wait_ms = 60000;
    fake.echo = (struct endpoint_settings){
        .path = (char *)(uintptr_t) "/echo",
        .service = SERVICE_ECHO,
        .disconnect_delay_ms = 5000,
        .sockjs_heartbeat_ms = 25000,
        .limits = {.queue_bytes_max = 100, .queue_messages_max = 3, .sockjs_body_bytes_max = 200}};
    fake.close = fake.echo;
    fake.close.path = (char *)(uintptr_t) "/close";
    fake.close.service = SERVICE_CLOSE;
    echo_ops = service_echo_ops;
    echo_ops.receive = echo_or_close;
    fake.services.ops[SERVICE_ECHO] = &echo_ops;
    fake.services.context[SERVICE_ECHO] = &fake.runtime.stats;
    fake.services.ops[SERVICE_CLOSE] = &service_close_ops;
    fake.sessions = sessions_create(&fake.runtime, &fake.link, &fake.services);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sessions_close_all(fake.sessions, 1001, STR("bye"));
    sessions_destroy(fake.sessions);
    turn_close(&fake.runtime.turn);
    wheel_close(&fake.runtime.wheel);
    uv_run(&fake.runtime.loop, UV_RUN_DEFAULT);
    wheel_finish(&fake.runtime.wheel);
    assert_int_equal(uv_loop_close(&fake.runtime.loop), 0);
    buf_finish(&fake.a.seen);
    buf_finish(&fake.b.seen);
    return 0;
}

static const char *seen(struct fake_transport *transport)
{
    static char text[4096];
    memcpy(text, transport->seen.len > 0 ? (const char *)transport->seen.data : "",
           transport->seen.len);
    text[transport->seen.len] = '\0';
    transport->seen.len = 0;
    return text;
}

static void attach(struct fake_transport *transport, const struct transport_ops *ops)
{
    transport->transport = (struct transport){.ops = ops};
    session_attach(fake.sessions, &fake.echo, STR("abc"), &transport->transport);
}

static void begin(struct fake_transport *transport)
{
    transport->transport = (struct transport){.ops = &websocket};
    session_begin(fake.sessions, &fake.echo, &fake.echo.limits, &transport->transport);
}

static void claimed(uint64_t handle, uint8_t result)
{
    const struct link_claimed answer = {.session = handle,
                                        .result = result,
                                        .name = STR("name"),
                                        .code = 3000,
                                        .reason = STR("Go away!")};
    sessions_claimed(fake.sessions, &answer);
}

static void open_with(const struct transport_ops *ops)
{
    attach(&fake.a, ops);
    claimed(1, LINK_CLAIM_NEW);
    assert_string_equal(seen(&fake.a), "o ");
    fake_link_take(&fake.link);
}

static void on_sent(void *data, int code)
{
    assert_ptr_equal(data, &fake);
    fake.sent_code = code;
}

static void post(const char *text)
{
    struct str message = str_of(text);
    fake.sent_code = 1;
    session_receive_all(fake.sessions, &fake.echo, STR("abc"), LINK_FAMILY_XHR, &message, 1,
                        on_sent, &fake);
}

static void answer_checkpoint(void)
{
    const struct broker_answer answer = {
        .type = LINK_CHECKPOINTED, .session = 1, .request = fake.link.requests};
    sessions_answered(fake.sessions, &answer);
}

static size_t take_all(struct fake_transport *transport)
{
    struct shared_frame *frames[16];
    size_t count = session_take(transport->transport.session, frames, 16, 1000);
    for (size_t i = 0; i < count; i++) {
        buf_append(&transport->seen, frames[i]->raw->data, frames[i]->raw->len);
        buf_append_text(&transport->seen, " ");
        shared_frame_release(frames[i]);
    }
    return count;
}

/* ---- claims ---- */

static void nothing_is_written_before_the_claim_is_answered(void **state)
{
    (void)state;
    attach(&fake.a, &stream);
    assert_string_equal(seen(&fake.a), "");
    assert_string_equal(fake_link_take(&fake.link), "claim /echo/abc\n");
    claimed(1, LINK_CLAIM_NEW);
    assert_string_equal(seen(&fake.a), "o ");
}

static const struct {
    uint8_t result;
    const char *seen;
    const char *told; /* only what we would hold has to be dropped */
} claim_rows[] = {
    {LINK_CLAIM_BUSY, "c[2010,Another connection still open] ", ""},
    {LINK_CLAIM_CLOSED, "c[3000,Go away!] ", ""},
    {LINK_CLAIM_OTHER, "404 ", ""},
    {LINK_CLAIM_FULL, "c[1013,Too many sessions] ", ""},
    {LINK_CLAIM_MOVED, "c[1002,Connection interrupted] ",
     "drop 1002 Connection interrupted 10000\n"},
};

static void a_claim_that_is_not_granted_ends_in_the_protocols_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(claim_rows); i++) {
        attach(&fake.a, &stream);
        fake_link_take(&fake.link);
        claimed(i + 1, claim_rows[i].result);
        assert_string_equal(seen(&fake.a), claim_rows[i].seen);
        assert_string_equal(fake_link_take(&fake.link), claim_rows[i].told);
        assert_int_equal(sessions_count(fake.sessions), 0);
    }
}

static void a_granted_claim_that_nobody_wants_any_more_is_given_back(void **state)
{
    (void)state;
    begin(&fake.a);
    session_detach(&fake.a.transport, DETACH_ABORTED);
    fake_link_take(&fake.link);
    claimed(1, LINK_CLAIM_NEW);
    assert_string_equal(fake_link_take(&fake.link), "drop 1006 left early 0\n");
    claimed(99, LINK_CLAIM_NEW);
    assert_string_equal(fake_link_take(&fake.link), "drop 1006  0\n");
}

static void sessions_beyond_the_limit_are_refused(void **state)
{
    (void)state;
    struct fake_transport more[3] = {{.queued = 0}};
    for (size_t i = 0; i < 3; i++) {
        begin(&more[i]);
    }
    begin(&fake.a);
    assert_string_equal(seen(&fake.a), "c[1013,Too many sessions] ");
    sessions_close_all(fake.sessions, 1001, STR("x"));
    for (size_t i = 0; i < 3; i++) {
        buf_finish(&more[i].seen);
    }
}

/* ---- receivers ---- */

static void a_second_receiver_gets_2010_and_the_first_is_unharmed(void **state)
{
    (void)state;
    attach(&fake.a, &stream);
    attach(&fake.b, &stream);
    assert_string_equal(seen(&fake.b), "c[2010,Another connection still open] ");
    claimed(1, LINK_CLAIM_NEW);
    attach(&fake.b, &stream);
    assert_string_equal(seen(&fake.b), "c[2010,Another connection still open] ");
    post("x");
    assert_string_equal(seen(&fake.a), "o x ");
}

static void a_receiver_of_another_family_is_refused(void **state)
{
    (void)state;
    open_with(&stream);
    attach(&fake.b, &eventsource);
    assert_string_equal(seen(&fake.b), "404 ");
}

static void what_comes_between_two_receivers_waits_for_the_next(void **state)
{
    (void)state;
    open_with(&stream);
    session_detach(&fake.a.transport, DETACH_ENDED);
    post("one");
    post("two");
    assert_string_equal(fake_link_take(&fake.link), "detach\ncheckpoint 2\ncheckpoint 3\n");
    attach(&fake.b, &stream);
    assert_string_equal(seen(&fake.b), "again one two ");
    assert_string_equal(fake_link_take(&fake.link), "attach\n");
}

static void a_poll_is_told_and_takes_what_is_queued(void **state)
{
    (void)state;
    open_with(&poll_ops);
    session_detach(&fake.a.transport, DETACH_ENDED); /* `o` was its answer */
    attach(&fake.b, &poll_ops);
    assert_string_equal(seen(&fake.b), "again ");
    post("one");
    post("two");
    assert_string_equal(seen(&fake.b), "ready ready ");
    assert_int_equal(take_all(&fake.b), 2);
    assert_string_equal(seen(&fake.b), "one two ");
}

static void an_opening_poll_may_leave_inside_the_call(void **state)
{
    (void)state;
    fake.a.detaches_when_opened = true;
    attach(&fake.a, &poll_ops);
    claimed(1, LINK_CLAIM_NEW);
    post("x");
    attach(&fake.b, &poll_ops);
    assert_string_equal(seen(&fake.b), "again ready ");
}

/* {transport, what the broker is told when the network cuts it off} */
static const struct {
    const struct transport_ops *ops;
    size_t queued;
    const char *told;
} abort_rows[] = {
    {&stream, 0, "drop 1002 Connection interrupted 10000\n"},
    {&poll_ops, 0, "drop 1002 Connection interrupted 10000\n"},
    {&eventsource, 1, "drop 1002 Connection interrupted 10000\n"},
    {&eventsource, 0, "detach\n"},
};

static void a_receiver_that_is_cut_off_leaves_a_tombstone_but_eventsource(void **state)
{
    for (size_t i = 0; i < MEM_COUNT(abort_rows); i++) {
        tear_down(state);
        set_up(state);
        open_with(abort_rows[i].ops);
        fake.a.queued = abort_rows[i].queued;
        session_detach(&fake.a.transport, DETACH_ABORTED);
        assert_string_equal(fake_link_take(&fake.link), abort_rows[i].told);
    }
}

/* ---- ends ---- */

static void a_service_that_closes_is_followed_by_its_close_frame(void **state)
{
    (void)state;
    fake.a.transport = (struct transport){.ops = &stream};
    session_attach(fake.sessions, &fake.close, STR("abc"), &fake.a.transport);
    fake_link_take(&fake.link);
    claimed(1, LINK_CLAIM_NEW);
    assert_string_equal(seen(&fake.a), "o c[3000,Go away!] ");
    assert_string_equal(fake_link_take(&fake.link), "drop 3000 Go away! 10000\n");
    assert_false(session_exists(fake.sessions, &fake.close, STR("abc")));
}

static void what_is_queued_leaves_before_the_close_frame(void **state)
{
    (void)state;
    open_with(&poll_ops);
    session_detach(&fake.a.transport, DETACH_ENDED);
    post("last words");
    post("CLOSE");
    assert_false(session_exists(fake.sessions, &fake.echo, STR("abc")));
    attach(&fake.b, &poll_ops);
    assert_string_equal(seen(&fake.b), "again ready ");
    assert_int_equal(take_all(&fake.b), 1);
    session_detach(&fake.b.transport, DETACH_ENDED);
    attach(&fake.a, &stream); /* all of it is out: the broker's tombstone answers now */
    assert_string_equal(seen(&fake.a), "");
}

static void a_stream_gets_what_is_queued_and_the_close_frame_at_once(void **state)
{
    (void)state;
    open_with(&stream);
    session_detach(&fake.a.transport, DETACH_ENDED);
    post("last words");
    post("CLOSE");
    attach(&fake.b, &stream);
    assert_string_equal(seen(&fake.b), "again last words c[3000,enough] ");
    assert_null(fake.b.transport.session);
}

static void more_than_the_queue_holds_ends_the_session_as_too_slow(void **state)
{
    (void)state;
    open_with(&stream);
    session_detach(&fake.a.transport, DETACH_ENDED);
    post("1");
    post("2");
    post("3");
    fake_link_take(&fake.link);
    post("4");
    assert_string_equal(fake_link_take(&fake.link), "drop 1008 Too slow 10000\n");
    assert_int_equal(fake.runtime.stats.sessions_too_slow, 1);
    assert_int_equal(fake.sent_code, 0);
}

static void a_transport_that_is_not_read_ends_its_session(void **state)
{
    (void)state;
    begin(&fake.a);
    claimed(1, LINK_CLAIM_NEW);
    fake.a.queued = 100;
    session_receive(&fake.a.transport, STR("x"), false);
    assert_string_equal(seen(&fake.a), "o x ");
    fake.a.queued = 101;
    session_receive(&fake.a.transport, STR("y"), false);
    assert_string_equal(seen(&fake.a), "y ");
    fake.a.queued = 100; /* the turn's flush went well */
    uv_run(&fake.runtime.loop, UV_RUN_NOWAIT);
    assert_string_equal(seen(&fake.a), "");
    fake.a.queued = 101;
    session_receive(&fake.a.transport, STR("y"), false);
    uv_run(&fake.runtime.loop, UV_RUN_NOWAIT);
    assert_string_equal(seen(&fake.a), "y c[1008,Too slow] ");
    assert_null(fake.a.transport.session);
}

static void a_burst_that_nobody_could_take_ends_the_session_at_once(void **state)
{
    (void)state;
    begin(&fake.a);
    claimed(1, LINK_CLAIM_NEW);
    fake.a.queued = 900;
    session_receive(&fake.a.transport, STR("x"), false);
    assert_string_equal(seen(&fake.a), "o x c[1008,Too slow] ");
}

static void the_broker_expires_only_who_is_away(void **state)
{
    (void)state;
    open_with(&stream);
    sessions_expire(fake.sessions, 7, 1);
    assert_string_equal(fake_link_take(&fake.link), "refuse\n");
    session_detach(&fake.a.transport, DETACH_ENDED);
    fake_link_take(&fake.link);
    sessions_expire(fake.sessions, 7, 1);
    assert_string_equal(fake_link_take(&fake.link), "drop 1002 expired 0\n");
    assert_int_equal(fake.runtime.stats.sessions_expired, 1);
    sessions_expire(fake.sessions, 7, 1); /* its answer crossed the question */
    assert_string_equal(fake_link_take(&fake.link), "");
}

static void a_lost_session_ends_with_code_0_and_nothing_said(void **state)
{
    (void)state;
    open_with(&stream);
    sessions_gone(fake.sessions, 1, STR("held elsewhere"));
    assert_string_equal(seen(&fake.a), "c[0,held elsewhere] ");
    assert_string_equal(fake_link_take(&fake.link), "");
}

static void a_goodbye_of_the_client_ends_its_session_at_once(void **state)
{
    (void)state;
    begin(&fake.a);
    claimed(1, LINK_CLAIM_NEW);
    fake_link_take(&fake.link);
    session_end(&fake.a.transport, 1000, STR("bye"));
    assert_null(fake.a.transport.session);
    assert_string_equal(fake_link_take(&fake.link), "drop 1000 bye 0\n");
    assert_string_equal(seen(&fake.a), "o ");
}

/* ---- sends ---- */

static void a_send_is_done_behind_its_end_mark(void **state)
{
    (void)state;
    open_with(&stream);
    post("x");
    assert_int_equal(fake.sent_code, 1);
    assert_string_equal(fake_link_take(&fake.link), "checkpoint 2\n");
    answer_checkpoint();
    assert_int_equal(fake.sent_code, 0);
}

static void a_send_to_nobody_is_absent(void **state)
{
    (void)state;
    post("x");
    assert_int_equal(fake.sent_code, ERR_ABSENT);
}

static void a_send_during_the_claim_waits_for_it(void **state)
{
    (void)state;
    attach(&fake.a, &stream);
    post("early");
    assert_string_equal(fake_link_take(&fake.link), "claim /echo/abc\n");
    claimed(1, LINK_CLAIM_NEW);
    assert_string_equal(seen(&fake.a), "o early ");
    answer_checkpoint();
    assert_int_equal(fake.sent_code, 0);
}

static void sends_that_wait_have_a_limit(void **state)
{
    (void)state;
    char big[201] = {0};
    memset(big, 'x', 200);
    attach(&fake.a, &stream);
    post(big);
    assert_int_equal(fake.sent_code, 1);
    struct str message = STR("y");
    int second = 1;
    fake.sent_code = 1;
    session_receive_all(fake.sessions, &fake.echo, STR("abc"), LINK_FAMILY_XHR, &message, 1,
                        on_sent, &fake);
    second = fake.sent_code;
    assert_int_equal(second, ERR_LIMIT);
}

static void a_send_whose_claim_fails_is_absent(void **state)
{
    (void)state;
    attach(&fake.a, &stream);
    post("early");
    claimed(1, LINK_CLAIM_CLOSED);
    assert_int_equal(fake.sent_code, ERR_ABSENT);
}

static void a_forgotten_send_is_not_answered(void **state)
{
    (void)state;
    open_with(&stream);
    post("x");
    session_forget_send(fake.sessions, &fake);
    answer_checkpoint();
    assert_int_equal(fake.sent_code, 1);
}

static void a_session_that_ends_answers_its_senders(void **state)
{
    (void)state;
    open_with(&stream);
    post("x");
    session_detach(&fake.a.transport, DETACH_ABORTED);
    assert_int_equal(fake.sent_code, 0); /* the service had got it */
}

/* ---- heart-beats ---- */

static void a_silent_session_beats_as_long_as_a_receiver_is_there(void **state)
{
    (void)state;
    fake.echo.sockjs_heartbeat_ms = 1;
    attach(&fake.a, &stream);
    claimed(1, LINK_CLAIM_NEW);
    while (fake.a.seen.len < strlen("o h h ")) {
        uv_run(&fake.runtime.loop, UV_RUN_ONCE);
    }
    assert_string_equal(seen(&fake.a), "o h h ");
    session_detach(&fake.a.transport, DETACH_ENDED);
    assert_int_equal(fake.runtime.wheel.count, 0);
}

/* ---- a new broker ---- */

static void open_and_detached_sessions_are_restored(void **state)
{
    (void)state;
    open_with(&stream);
    begin(&fake.b); /* still claiming */
    fake_link_take(&fake.link);
    sessions_restore(fake.sessions);
    assert_string_equal(fake_link_take(&fake.link),
                        "restore /echo/abc attached=1 subscriptions=0\n");
    session_detach(&fake.a.transport, DETACH_ENDED);
    fake_link_take(&fake.link);
    sessions_restore(fake.sessions);
    assert_string_equal(fake_link_take(&fake.link),
                        "restore /echo/abc attached=0 subscriptions=0\n");
}

static void on_sessions_ready(void *data, int code)
{
    *(int *)data = code;
}

static void whoever_waits_for_the_broker_is_told_once(void **state)
{
    (void)state;
    int first = 1;
    int second = 1;
    int forgotten = 1;
    assert_false(sessions_are_ready(fake.sessions));
    sessions_wait_ready(fake.sessions, on_sessions_ready, &first);
    sessions_wait_ready(fake.sessions, on_sessions_ready, &forgotten);
    sessions_forget_wait(fake.sessions, &forgotten);
    sessions_restored_all(fake.sessions);
    sessions_wait_ready(fake.sessions, on_sessions_ready, &second);
    sessions_close_all(fake.sessions, 1001, STR("bye"));
    assert_int_equal(first, 0);
    assert_int_equal(second, ERR_AWAY);
    assert_int_equal(forgotten, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_written_before_the_claim_is_answered),
        TEST(a_claim_that_is_not_granted_ends_in_the_protocols_words),
        TEST(a_granted_claim_that_nobody_wants_any_more_is_given_back),
        TEST(sessions_beyond_the_limit_are_refused),
        TEST(a_second_receiver_gets_2010_and_the_first_is_unharmed),
        TEST(a_receiver_of_another_family_is_refused),
        TEST(what_comes_between_two_receivers_waits_for_the_next),
        TEST(a_poll_is_told_and_takes_what_is_queued),
        TEST(an_opening_poll_may_leave_inside_the_call),
        TEST(a_receiver_that_is_cut_off_leaves_a_tombstone_but_eventsource),
        TEST(a_service_that_closes_is_followed_by_its_close_frame),
        TEST(what_is_queued_leaves_before_the_close_frame),
        TEST(a_stream_gets_what_is_queued_and_the_close_frame_at_once),
        TEST(more_than_the_queue_holds_ends_the_session_as_too_slow),
        TEST(a_transport_that_is_not_read_ends_its_session),
        TEST(a_burst_that_nobody_could_take_ends_the_session_at_once),
        TEST(the_broker_expires_only_who_is_away),
        TEST(a_lost_session_ends_with_code_0_and_nothing_said),
        TEST(a_goodbye_of_the_client_ends_its_session_at_once),
        TEST(a_send_is_done_behind_its_end_mark),
        TEST(a_send_to_nobody_is_absent),
        TEST(a_send_during_the_claim_waits_for_it),
        TEST(sends_that_wait_have_a_limit),
        TEST(a_send_whose_claim_fails_is_absent),
        TEST(a_forgotten_send_is_not_answered),
        TEST(a_session_that_ends_answers_its_senders),
        TEST(a_silent_session_beats_as_long_as_a_receiver_is_there),
        TEST(open_and_detached_sessions_are_restored),
        TEST(whoever_waits_for_the_broker_is_told_once),
    };
    log_configure(LOG_ERROR, LOG_TEXT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
