/* SPDX-License-Identifier: MIT
 *
 * For tests of STOMP: a session that writes down the frames it is given, over the link of fake_link.h.
 *
 * say() speaks as the client, answer() and deliver() as the broker; seen() is what the client got since.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/settings.h"
#include "gateway/stomp_session.h"
#include "proto/stomp_frame.h"
#include "tests/unit/fake_link.h"

static struct fake {
    struct runtime runtime;
    struct gateway_settings settings;
    struct broker_link link;
    struct delivery *delivery;
    struct stomp *stomp;
    struct limits_settings limits;
    struct service_host host;
    void *service;   /* NULL once closed */
    struct buf seen; /* frames, LF as '|', NUL as ' '; `c[...]` at the end */
    bool is_paused;
    bool is_too_slow; /* the next frame ends the session */
    uint64_t read_ms;
    uint64_t written_ms;
} fake;

static inline void end_service(void)
{
    void *service = fake.service;
    fake.service = NULL;
    if (service != NULL) {
        stomp_service_ops.closed(service);
    }
}

static inline void on_send(void *host, struct shared_frame *frame)
{
    (void)host;
    for (size_t i = 0; i < frame->raw->len; i++) {
        uint8_t byte = frame->raw->data[i];
        buf_append_byte(&fake.seen, byte == '\n' ? '|' : byte == 0 ? ' ' : byte);
    }
    if (fake.is_too_slow) {
        end_service();
    }
}

static inline void on_close(void *host, unsigned code, struct str reason)
{
    (void)host;
    (void)reason;
    buf_append_format(&fake.seen, "c[%u]", code);
    end_service();
}

static inline void on_pause(void *host, bool stop)
{
    (void)host;
    fake.is_paused = stop;
}

static uint64_t read_ms(const void *host)
{
    (void)host;
    return fake.read_ms;
}

static uint64_t written_ms(const void *host)
{
    (void)host;
    return fake.written_ms;
}

static const struct service_host_ops host_ops = {on_send, on_close, on_pause, read_ms, written_ms};

static inline int set_up(void **state)
{
    (void)state;
    memset(&fake, 0, sizeof fake);
    assert_int_equal(uv_loop_init(&fake.runtime.loop), 0);
    turn_init(&fake.runtime.turn, &fake.runtime.loop);
    wheel_init(&fake.runtime.wheel, &fake.runtime.loop);
    fake.runtime.settings = &fake.settings;
    fake.settings.auth =
        (struct auth_settings){.login_deadline_ms = 60000, .allows_anonymous = true};
    fake.settings.heartbeat = (struct heartbeat_settings){10000, 10000, 5000};
    fake.limits = (struct limits_settings){.message_bytes_max = 1000,
                                           .tcp_message_bytes_max = 2000,
                                           .headers_max = 10,
                                           .tcp_headers_max = 10,
                                           .header_bytes_max = 400,
                                           .tcp_header_bytes_max = 400,
                                           .destination_bytes_max = 100,
                                           .subscriptions_max = 3,
                                           .requests_max = 4,
                                           .transactions_max = 2,
                                           .transaction_frames_max = 3,
                                           .transaction_bytes_max = 600,
                                           .beats_max = 100};
    fake.delivery = delivery_create(&fake.runtime.stats);
    fake.stomp = stomp_create(&fake.runtime, &fake.link, fake.delivery);
    fake.host = (struct service_host){.ops = &host_ops,
                                      .session = 1,
                                      .name = STR("me"),
                                      .limits = &fake.limits,
                                      .is_sockjs = true};
    fake.service = stomp_service_ops.open(fake.stomp, &fake.host);
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    end_service();
    stomp_destroy(fake.stomp);
    delivery_destroy(fake.delivery);
    turn_close(&fake.runtime.turn);
    wheel_close(&fake.runtime.wheel);
    uv_run(&fake.runtime.loop, UV_RUN_DEFAULT);
    wheel_finish(&fake.runtime.wheel);
    assert_int_equal(uv_loop_close(&fake.runtime.loop), 0);
    buf_finish(&fake.seen);
    return 0;
}

static inline const char *seen(void)
{
    static char text[8192];
    memcpy(text, fake.seen.len > 0 ? (const char *)fake.seen.data : "", fake.seen.len);
    text[fake.seen.len] = '\0';
    fake.seen.len = 0;
    return text;
}

/* '|' is LF and '^' NUL, so that rows are readable. */
static inline void say(const char *text)
{
    struct buf bytes = {0};
    for (; *text != '\0'; text++) {
        buf_append_byte(&bytes, *text == '|' ? '\n' : *text == '^' ? 0 : (uint8_t)*text);
    }
    if (fake.service != NULL) {
        stomp_service_ops.receive(fake.service, buf_str(&bytes), false);
    }
    buf_finish(&bytes);
}

static inline void connect_as(const char *version)
{
    struct buf frame = {0};
    buf_append_format(&frame, "CONNECT|accept-version:%s||^", version);
    buf_append_byte(&frame, 0);
    say((const char *)frame.data);
    buf_finish(&frame);
    assert_non_null(strstr(seen(), "CONNECTED"));
}

static inline void answer(uint8_t type, uint8_t result, uint64_t request, uint32_t subscription)
{
    const struct broker_answer given = {.type = type,
                                        .result = result,
                                        .request = request,
                                        .subscription = subscription,
                                        .group = 9,
                                        .session = 1};
    if (fake.service != NULL) {
        stomp_service_ops.answered(fake.service, &given);
    }
}

static inline void deliver(const char *destination)
{
    const struct link_delivered delivered = {
        .groups = {"\0\0\0\x09", 4},
        .message = {.id = STR("m"), .destination = str_of(destination), .body = STR("hi")}};
    delivery_deliver(fake.delivery, &delivered);
}

#define STOMP_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
