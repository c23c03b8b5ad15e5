/* SPDX-License-Identifier: MIT
 *
 * The broker's Unix socket: exactly one broker listens on a path, and a path left by a dead one is taken over.
 *
 *   link_socket_open() locks <path>.lock against a second broker, removes a socket file nobody listens on, binds,
 *   opens it to the group, listens; link_socket_close() removes the file (libuv does) and lets the lock go.
 *
 * The lock file stays: removing it would let two brokers hold locks on two files of one name. What is in the way
 * and not a dead socket is never removed.
 */
#include "broker/link_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"

#define BACKLOG 128
#define SOCKET_MODE 0660
#define LOCK_MODE 0600

static int refuse(const char *path, int code, const char *reason)
{
    log_event(LOG_ERROR, "socket_failed", log_text("socket", path), log_err(code),
              log_text("reason", reason));
    return code;
}

static int lock_path(struct link_socket *self, const char *path)
{
    struct buf name = {NULL, 0, 0};
    buf_append_format(&name, "%s.lock", path);
    self->lock_path = mem_strndup((const char *)name.data, name.len);
    buf_finish(&name);
    self->lock = open(self->lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, LOCK_MODE);
    if (self->lock < 0) {
        return refuse(path, -errno,
                      errno == ENOENT ? "the directory does not exist"
                                      : "the lock file beside it cannot be opened");
    }
    if (flock(self->lock, LOCK_EX | LOCK_NB) != 0) {
        return refuse(path, ERR_BUSY, "another broker runs on this socket");
    }
    return 0;
}

static bool is_listened_on(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return true;
    }
    /* EAGAIN: somebody listens whose backlog is full. */
    bool is_refused = connect(fd, (const struct sockaddr *)address, sizeof(*address)) != 0 &&
                      (errno == ECONNREFUSED || errno == ENOENT);
    (void)close(fd);
    return !is_refused;
}

static int make_way(const char *path)
{
    struct stat status;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    if (len >= sizeof(address.sun_path)) {
        return refuse(path, UV_ENAMETOOLONG, "the path is longer than 107 bytes");
    }
    memcpy(address.sun_path, path, len);
    if (lstat(path, &status) != 0) {
        return errno == ENOENT ? 0 : refuse(path, -errno, "the path cannot be looked at");
    }
    if (!S_ISSOCK(status.st_mode)) {
        return refuse(path, UV_EEXIST, "a file that is not a socket is in the way");
    }
    if (is_listened_on(&address)) {
        return refuse(path, ERR_BUSY, "another program listens on this socket");
    }
    if (unlink(path) != 0) {
        return refuse(path, -errno, "the stale socket cannot be removed");
    }
    log_event(LOG_INFO, "socket_stale", log_text("socket", path));
    return 0;
}

static void on_connection(uv_stream_t *server, int status)
{
    struct link_socket *self = MEM_CONTAINER(server, struct link_socket, pipe);
    if (status < 0) {
        log_event(LOG_WARN, "link_refused", log_err(status));
        return;
    }
    self->waiting(server, self->data);
}

static int start_listening(struct link_socket *self, const char *path)
{
    int code = uv_pipe_bind(&self->pipe, path);
    if (code != 0) {
        return refuse(path, code, "it cannot be bound");
    }
    /* Until here the umask keeps the group out. */
    if (chmod(path, SOCKET_MODE) != 0) {
        return refuse(path, -errno, "its mode cannot be set");
    }
    code = uv_listen((uv_stream_t *)&self->pipe, BACKLOG, on_connection);
    return code == 0 ? 0 : refuse(path, code, "it cannot be listened on");
}

int link_socket_open(struct link_socket *self, uv_loop_t *loop, const char *path,
                     link_socket_cb waiting, void *data)
{
    *self = (struct link_socket){.lock = -1, .waiting = waiting, .data = data};
    int code = lock_path(self, path);
    if (code == 0) {
        code = make_way(path);
    }
    if (code == 0) {
        code = uv_pipe_init(loop, &self->pipe, 0);
        self->is_open = code == 0;
    }
    if (code == 0) {
        code = start_listening(self, path);
    }
    return code;
}

void link_socket_close(struct link_socket *self)
{
    if (self->is_open) {
        self->is_open = false;
        uv_close((uv_handle_t *)&self->pipe, NULL);
    }
    if (self->lock >= 0) {
        (void)close(self->lock);
        self->lock = -1;
    }
    mem_free(self->lock_path);
    self->lock_path = NULL;
}
