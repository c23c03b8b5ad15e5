/* SPDX-License-Identifier: MIT
 *
 * Sessions over several gateways: relays, yields, copies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/checkpoint.h"
#include "tests/unit/session_fixture.h"

/* ---- relays ---- */

static void a_send_to_a_session_elsewhere_is_relayed(void **state)
{
    (void)state;
    static const struct {
        uint8_t result;
        int code;
    } rows[] = {{LINK_OK, 0}, {LINK_ABSENT, ERR_ABSENT}, {LINK_LIMIT, ERR_LIMIT}};
    for (size_t i = 0; i < MEM_COUNT(rows); i++) {
        post("x");
        assert_string_equal(fake_link_take(&fake.link), "relay /echo/abc 5\n");
        assert_int_equal(fake.sent_code, 1);
        sessions_relay_done(fake.sessions, fake.link.requests, rows[i].result);
        assert_int_equal(fake.sent_code, rows[i].code);
    }
    post("x");
    session_forget_send(fake.sessions, &fake);
    sessions_relay_done(fake.sessions, fake.link.requests, LINK_OK);
    assert_int_equal(fake.sent_code, 1);
}

static void a_send_during_the_claim_is_relayed_too(void **state)
{
    (void)state;
    attach(&fake.a, &stream);
    post("early");
    assert_string_equal(fake_link_take(&fake.link), "claim /echo/abc\nrelay /echo/abc 9\n");
    sessions_relay_done(fake.sessions, fake.link.requests, LINK_OK);
    assert_int_equal(fake.sent_code, 0);
}

static void relayed(uint64_t number, struct str body)
{
    sessions_relayed(fake.sessions,
                     &(struct link_relayed){.session = 1, .relay = number, .body = body});
}

static void a_relayed_body_is_run_once(void **state)
{
    (void)state;
    open_with(&stream);
    relayed(77, STR("\0\0\0\1x\0\0\0\2yz"));
    assert_string_equal(seen(&fake.a), "x yz ");
    assert_string_equal(fake_link_take(&fake.link), "checkpoint 2 of a relay\n");
    relayed(77, STR("\0\0\0\1x\0\0\0\2yz"));
    assert_string_equal(seen(&fake.a), "");
    assert_string_equal(fake_link_take(&fake.link), "checkpoint 0\n"); /* answered all the same */
    answer_checkpoint();
}

/* ---- going and coming ---- */

static enum outlook outlook_of_b;

static enum outlook tell_outlook(const struct transport *transport)
{
    (void)transport;
    return outlook_of_b;
}

static const struct transport_ops seer = {.name = "xhr-streaming",
                                          .family = LINK_FAMILY_XHR,
                                          .is_sockjs = true,
                                          .is_http = true,
                                          .opened = on_opened,
                                          .send = on_send,
                                          .close = on_close,
                                          .outlook = tell_outlook,
                                          .queued = queued};

static void yield_is_answered_by_what_the_receiver_is_about_to_do(void **state)
{
    static const struct {
        enum outlook outlook;
        const char *told;
    } rows[] = {
        {OUTLOOK_ALIVE, "refuse\n"},
        {OUTLOOK_DEAD, "drop 1002 Connection interrupted 10000\n"},
        {OUTLOOK_ENDING, ""},
    };
    for (size_t i = 0; i < MEM_COUNT(rows); i++) {
        tear_down(state);
        set_up(state);
        open_with(&seer);
        outlook_of_b = rows[i].outlook;
        sessions_yield(fake.sessions, 7, 1);
        assert_string_equal(fake_link_take(&fake.link), rows[i].told);
    }
    session_detach(&fake.a.transport, DETACH_ENDED); /* now it has ended */
    assert_string_equal(fake_link_take(&fake.link), "detach\nyielded unsent=0\n");
}

static void a_receiver_that_does_not_end_in_time_is_alive(void **state)
{
    (void)state;
    open_with(&seer);
    outlook_of_b = OUTLOOK_ENDING;
    sessions_yield(fake.sessions, 7, 1);
    while (fake.link.len == 0) {
        uv_run(&fake.runtime.loop, UV_RUN_ONCE);
    }
    assert_string_equal(fake_link_take(&fake.link), "refuse\n");
}

static void a_session_goes_and_comes_back_with_what_was_queued(void **state)
{
    (void)state;
    open_with(&stream);
    session_detach(&fake.a.transport, DETACH_ENDED);
    post("later");
    fake_link_take(&fake.link);
    sessions_yield(fake.sessions, 7, 1);
    assert_string_equal(fake_link_take(&fake.link), "yielded unsent=10\n");
    answer_checkpoint(); /* its end mark comes when it has left */
    assert_int_equal(fake.sent_code, 0);
    sessions_restore(fake.sessions); /* a new broker hears of the copy */
    assert_string_equal(fake_link_take(&fake.link),
                        "restore /echo/abc attached=2 subscriptions=0\n");
    sessions_yield_again(fake.sessions);
    assert_string_equal(fake_link_take(&fake.link), "yielded unsent=10\n");
    attach(&fake.b, &stream);
    assert_string_equal(fake_link_take(&fake.link), "claim /echo/abc\n");
    claimed_with(2, LINK_CLAIM_MOVED, buf_str(&fake.link.unsent));
    assert_string_equal(seen(&fake.b), "again later ");
    assert_string_equal(fake_link_take(&fake.link), "attach\n");
    sessions_gone(fake.sessions, 1, STR("it has moved"));
    sessions_yield_again(fake.sessions);
    assert_string_equal(fake_link_take(&fake.link), "");
}

static void sends_that_were_not_begun_go_where_the_session_goes(void **state)
{
    (void)state;
    open_with(&poll_ops);
    post("PAUSE");
    session_detach(&fake.a.transport, DETACH_ENDED);
    fake_link_take(&fake.link);
    session_forget_send(fake.sessions, &fake);
    post("later");
    sessions_yield(fake.sessions, 7, 1);
    assert_string_equal(fake_link_take(&fake.link), "yielded unsent=0\nrelay /echo/abc 9\n");
    sessions_relay_done(fake.sessions, fake.link.requests, LINK_OK);
    assert_int_equal(fake.sent_code, 0);
}

/* ---- without a receiver ---- */

static void adopt(const char *key)
{
    fake.echo.has_sockjs = true;
    fake.settings.endpoints = &fake.echo;
    fake.settings.endpoint_count = 1;
    sessions_adopt(fake.sessions,
                   &(struct link_adopt){.key = str_of(key), .family = LINK_FAMILY_XHR});
}

static void a_session_may_come_without_a_receiver(void **state)
{
    (void)state;
    adopt("/nowhere/abc");
    adopt("/echo");
    assert_string_equal(fake_link_take(&fake.link), "");
    adopt("/echo/abc");
    adopt("/echo/abc");
    assert_string_equal(fake_link_take(&fake.link), "claim /echo/abc\n");
    checkpoint_put(&fake.link.checkpoint, &(struct checkpoint){.service = SERVICE_ECHO});
    claimed(1, LINK_CLAIM_MOVED);
    assert_string_equal(fake_link_take(&fake.link), "attach\ndetach\n");
    relayed(77, STR("\0\0\0\1x"));
    assert_string_equal(fake_link_take(&fake.link), "checkpoint 2 of a relay\n");
    attach(&fake.a, &stream);
    assert_string_equal(seen(&fake.a), "again x ");
}

static void a_receiver_that_comes_during_an_adoption_has_the_session(void **state)
{
    (void)state;
    adopt("/echo/abc");
    attach(&fake.a, &stream);
    checkpoint_put(&fake.link.checkpoint, &(struct checkpoint){.service = SERVICE_ECHO});
    claimed(1, LINK_CLAIM_MOVED);
    assert_string_equal(seen(&fake.a), "again ");
    assert_string_equal(fake_link_take(&fake.link), "claim /echo/abc\nattach\n");
}

static void a_gateway_that_is_about_to_stop_adopts_nothing(void **state)
{
    (void)state;
    fake.runtime.is_draining = true;
    adopt("/echo/abc");
    assert_string_equal(fake_link_take(&fake.link), "");
    fake.runtime.is_draining = false;
}

static void who_still_waits_at_the_end_is_told(void **state)
{
    (void)state;
    post("x");
    sessions_give_up_sends(fake.sessions);
    assert_int_equal(fake.sent_code, ERR_AWAY);
    open_with(&stream);
    post("x");
    sessions_give_up_sends(fake.sessions);
    assert_int_equal(fake.sent_code, ERR_AWAY);
    answer_checkpoint();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SESSION_TEST(a_send_to_a_session_elsewhere_is_relayed),
        SESSION_TEST(a_send_during_the_claim_is_relayed_too),
        SESSION_TEST(a_relayed_body_is_run_once),
        SESSION_TEST(yield_is_answered_by_what_the_receiver_is_about_to_do),
        SESSION_TEST(a_receiver_that_does_not_end_in_time_is_alive),
        SESSION_TEST(a_session_goes_and_comes_back_with_what_was_queued),
        SESSION_TEST(sends_that_were_not_begun_go_where_the_session_goes),
        SESSION_TEST(a_session_may_come_without_a_receiver),
        SESSION_TEST(a_receiver_that_comes_during_an_adoption_has_the_session),
        SESSION_TEST(a_gateway_that_is_about_to_stop_adopts_nothing),
        SESSION_TEST(who_still_waits_at_the_end_is_told),
    };
    log_configure(LOG_ERROR, LOG_TEXT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
