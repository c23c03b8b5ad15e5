/* SPDX-License-Identifier: MIT
 *
 * The Unix socket on which the broker waits for gateways.
 */
#pragma once

#include <stdbool.h>
#include <uv.h>

/* A gateway waits to be accepted. */
typedef void (*link_socket_cb)(uv_stream_t *server, void *data);

struct link_socket {
    uv_pipe_t pipe;
    char *lock_path; /* owned */
    int lock;        /* descriptor, -1: none */
    bool is_open;    /* pipe is a handle of the loop */
    link_socket_cb waiting;
    void *data;
};

/* Binds and listens, mode 0660. Negative: it cannot be, and the log says why. link_socket_close() is right after
 * either. */
int link_socket_open(struct link_socket *self, uv_loop_t *loop, const char *path,
                     link_socket_cb waiting, void *data) __attribute__((warn_unused_result));
void link_socket_close(struct link_socket *self); /* removes the socket file; lets the lock go */
