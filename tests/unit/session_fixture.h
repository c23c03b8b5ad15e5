/* SPDX-License-Identifier: MIT
 *
 * Sessions apart from their transports: with fake transports, the echo service, and a link that writes down what it is
 * told. Include it behind cmocka.h; one program each.
 */
#pragma once

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
    size_t room; /* frames that `short_stream` still takes */
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

static inline struct fake_transport *fake_of(struct transport *transport)
{
    return MEM_CONTAINER(transport, struct fake_transport, transport);
}

static inline void on_opened(struct transport *transport, bool is_new)
{
    buf_append_text(&fake_of(transport)->seen, is_new ? "o " : "again ");
    if (fake_of(transport)->detaches_when_opened) {
        session_detach(transport, DETACH_ENDED);
    }
}

static inline void on_send(struct transport *transport, struct shared_frame *frame)
{
    buf_append(&fake_of(transport)->seen, frame->raw->data, frame->raw->len);
    buf_append_text(&fake_of(transport)->seen, " ");
}

static inline void on_ready(struct transport *transport)
{
    buf_append_text(&fake_of(transport)->seen, "ready ");
}

static inline void on_beat(struct transport *transport)
{
    buf_append_text(&fake_of(transport)->seen, "h ");
}

static inline void on_close(struct transport *transport, unsigned code, struct str reason)
{
    assert_null(transport->session);
    buf_append_format(&fake_of(transport)->seen, "c[%u,%.*s] ", code, (int)reason.len, reason.at);
}

static inline void on_refuse(struct transport *transport)
{
    buf_append_text(&fake_of(transport)->seen, "404 ");
}

static inline size_t queued(const struct transport *transport)
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
static inline void on_send_short(struct transport *transport, struct shared_frame *frame)
{
    assert_true(fake_of(transport)->room > 0);
    fake_of(transport)->room--;
    on_send(transport, frame);
}

static inline bool is_full(const struct transport *transport)
{
    return MEM_CONTAINER(transport, const struct fake_transport, transport)->room == 0;
}

/* Its response has room for so many frames. */
static const struct transport_ops short_stream = {.name = "xhr-streaming",
                                                  .family = LINK_FAMILY_XHR,
                                                  .is_sockjs = true,
                                                  .is_http = true,
                                                  .opened = on_opened,
                                                  .send = on_send_short,
                                                  .beat = on_beat,
                                                  .close = on_close,
                                                  .refuse = on_refuse,
                                                  .is_full = is_full,
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

/* Echo, but for the texts CLOSE and PAUSE. */
static inline void echo_or_close(void *service, struct str text, bool is_binary)
{
    const struct service_host *host = *(const struct service_host **)service;
    if (str_equal(text, STR("CLOSE"))) {
        host->ops->close(host->data, 3000, STR("enough"));
    } else if (str_equal(text, STR("PAUSE"))) {
        host->ops->pause(host->data, true);
    } else {
        service_echo_ops.receive(service, text, is_binary);
    }
}

static struct service_ops echo_ops;

static inline int set_up(void **state)
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

static inline int tear_down(void **state)
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
    buf_finish(&fake.link.unsent);
    buf_finish(&fake.link.checkpoint);
    return 0;
}

static inline const char *seen(struct fake_transport *transport)
{
    static char text[4096];
    memcpy(text, transport->seen.len > 0 ? (const char *)transport->seen.data : "",
           transport->seen.len);
    text[transport->seen.len] = '\0';
    transport->seen.len = 0;
    return text;
}

static inline void attach(struct fake_transport *transport, const struct transport_ops *ops)
{
    transport->transport = (struct transport){.ops = ops};
    session_attach(fake.sessions, &fake.echo, STR("abc"), &transport->transport);
}

static inline void begin(struct fake_transport *transport)
{
    transport->transport = (struct transport){.ops = &websocket};
    session_begin(fake.sessions, &fake.echo, &fake.echo.limits, &transport->transport);
}

static inline void claimed_with(uint64_t handle, uint8_t result, struct str unsent)
{
    const struct link_claimed answer = {.session = handle,
                                        .unsent = unsent,
                                        .checkpoint = buf_str(&fake.link.checkpoint),
                                        .moves = 1,
                                        .result = result,
                                        .name = STR("name"),
                                        .code = 3000,
                                        .reason = STR("Go away!")};
    sessions_claimed(fake.sessions, &answer);
}

static inline void claimed(uint64_t handle, uint8_t result)
{
    claimed_with(handle, result, STR(""));
}

static inline void open_with(const struct transport_ops *ops)
{
    attach(&fake.a, ops);
    claimed(1, LINK_CLAIM_NEW);
    assert_string_equal(seen(&fake.a), "o ");
    fake_link_take(&fake.link);
}

static inline void on_sent(void *data, int code)
{
    assert_ptr_equal(data, &fake);
    fake.sent_code = code;
}

static inline void post(const char *text)
{
    struct str message = str_of(text);
    fake.sent_code = 1;
    session_receive_all(fake.sessions, &fake.echo, STR("abc"), LINK_FAMILY_XHR, &message, 1,
                        on_sent, &fake);
}

static inline void answer_checkpoint(void)
{
    const struct broker_answer answer = {
        .type = LINK_CHECKPOINTED, .session = 1, .request = fake.link.requests};
    sessions_answered(fake.sessions, &answer);
}

static inline size_t take_all(struct fake_transport *transport)
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

#define SESSION_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
