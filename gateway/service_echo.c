/* SPDX-License-Identifier: MIT
 *
 * Echo and close: what the public SockJS and WebSocket suites talk to.
 *
 * They run on the same sessions, queues, claims and expiry as STOMP; that is their point.
 */
#include "gateway/service_echo.h"

#include "common/mem.h"
#include "gateway/stats.h"

struct echo {
    const struct service_host *host; /* the session's */
    struct stats *stats;
};

static void *open_echo(void *context, const struct service_host *host)
{
    struct echo *echo = mem_alloc(sizeof *echo);
    *echo = (struct echo){.host = host, .stats = context};
    return echo;
}

static void send_back(void *service, struct str text, bool is_binary)
{
    struct echo *echo = service;
    const struct service_host *host = echo->host;
    struct payload *raw = payload_copy(text.at, text.len);
    struct shared_frame *frame = is_binary ? shared_frame_create_binary(raw, echo->stats)
                                           : shared_frame_create_wtf8(raw, echo->stats);
    echo->stats->frames_in++;
    host->ops->send(host->data, frame);
    shared_frame_release(frame);
}

static void echo_closed(void *service)
{
    mem_free(service);
}

static bool is_silent(const void *service)
{
    (void)service;
    return false;
}

const struct service_ops service_echo_ops = {
    .name = "echo",
    .open = open_echo,
    .receive = send_back,
    .closed = echo_closed,
    .beats = is_silent,
};

static void *open_and_close(void *context, const struct service_host *host)
{
    (void)context;
    host->ops->close(host->data, 3000, STR("Go away!"));
    return NULL;
}

static void ignore(void *service, struct str text, bool is_binary)
{
    (void)service;
    (void)text;
    (void)is_binary;
}

static void nothing_kept(void *service)
{
    (void)service;
}

const struct service_ops service_close_ops = {
    .name = "close",
    .open = open_and_close,
    .receive = ignore,
    .closed = nothing_kept,
    .beats = is_silent,
};
