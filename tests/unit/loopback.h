/* SPDX-License-Identifier: MIT
 *
 * For tests of connections: a loop with its runtime, a listening socket, and plain blocking
 * peers on loopback TCP.
 *
 * Waiting is loopback_run_until(condition): the loop turns until it holds; the test's own
 * deadline is the runner's.
 */
#pragma once

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/mem.h"
#include "gateway/conn.h"

struct loopback {
    struct runtime runtime;
    struct gateway_settings settings;
    uv_tcp_t server;
    struct conn *accepted; /* the newest */
};

static void loopback_on_connection(uv_stream_t *server, int status)
{
    struct loopback *loopback = server->data;
    assert_int_equal(status, 0);
    loopback->accepted = conn_accept(&loopback->runtime, server, NULL);
    assert_non_null(loopback->accepted);
}

static void loopback_init(struct loopback *loopback)
{
    struct sockaddr_in address;
    memset(loopback, 0, sizeof(*loopback));
    loopback->settings.timeouts = (struct timeouts_settings){.http_header_ms = 60000,
                                                             .http_keep_alive_ms = 60000,
                                                             .http_body_ms = 60000,
                                                             .write_stall_ms = 60000,
                                                             .close_ms = 60000};
    loopback->runtime.settings = &loopback->settings;
    assert_int_equal(uv_loop_init(&loopback->runtime.loop), 0);
    turn_init(&loopback->runtime.turn, &loopback->runtime.loop);
    wheel_init(&loopback->runtime.wheel, &loopback->runtime.loop);
    assert_int_equal(uv_tcp_init(&loopback->runtime.loop, &loopback->server), 0);
    assert_int_equal(uv_ip4_addr("127.0.0.1", 0, &address), 0);
    assert_int_equal(uv_tcp_bind(&loopback->server, (struct sockaddr *)&address, 0), 0);
    loopback->server.data = loopback;
    assert_int_equal(uv_listen((uv_stream_t *)&loopback->server, 16, loopback_on_connection), 0);
}

/* Every connection must be closed by now: a handle that is left keeps the loop busy for ever. */
static void loopback_finish(struct loopback *loopback)
{
    uv_close((uv_handle_t *)&loopback->server, NULL);
    turn_close(&loopback->runtime.turn);
    wheel_close(&loopback->runtime.wheel);
    uv_run(&loopback->runtime.loop, UV_RUN_DEFAULT);
    wheel_finish(&loopback->runtime.wheel);
    assert_int_equal(uv_loop_close(&loopback->runtime.loop), 0);
}

#define loopback_run_until(loopback, condition)                                                    \
    while (!(condition)) {                                                                         \
        uv_run(&(loopback)->runtime.loop, UV_RUN_ONCE);                                            \
    }

/* Lets the loop do all that can be done without waiting. */
static inline void loopback_settle(struct loopback *loopback)
{
    for (int i = 0; i < 5; i++) {
        uv_run(&loopback->runtime.loop, UV_RUN_NOWAIT);
    }
}

/* A connected peer; the conn is in loopback->accepted. `receive_bytes`: of its socket buffer, 0
 * the usual. */
static int loopback_connect(struct loopback *loopback, int receive_bytes)
{
    struct sockaddr_in address;
    int len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (receive_bytes > 0) {
        assert_int_equal(
            setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof(receive_bytes)), 0);
    }
    assert_int_equal(uv_tcp_getsockname(&loopback->server, (struct sockaddr *)&address, &len), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    loopback->accepted = NULL;
    loopback_run_until(loopback, loopback->accepted != NULL);
    return fd;
}

static inline void peer_send(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Reads `len` bytes while the loop turns; fewer only at the end of the stream. Returns how many. */
static inline size_t peer_read(struct loopback *loopback, int fd, void *out, size_t len)
{
    size_t have = 0;
    while (have < len) {
        ssize_t count = recv(fd, (char *)out + have, len - have, MSG_DONTWAIT);
        if (count == 0 || (count < 0 && errno == ECONNRESET)) {
            break;
        }
        if (count < 0) {
            uv_run(&loopback->runtime.loop, UV_RUN_NOWAIT);
            continue;
        }
        have += (size_t)count;
    }
    return have;
}

/* A reset instead of a FIN. */
static inline void peer_reset(int fd)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
    close(fd);
}
