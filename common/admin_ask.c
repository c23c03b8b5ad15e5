/* SPDX-License-Identifier: MIT
 *
 * A blocking HTTP request of fixed text: no loop, no parser. A listener on all addresses is asked on loopback.
 */
#include "common/admin_ask.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define PATIENCE_S 3 /* for connecting, for sending, for each read */
#define REQUEST "GET /readyz HTTP/1.0\r\n\r\n"
#define READY "HTTP/1.1 200 "

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* Length of the address. */
static socklen_t make_address(const struct admin_settings *settings, union address *out)
{
    memset(out, 0, sizeof(*out));
    if (inet_pton(AF_INET, settings->host, &out->v4.sin_addr) == 1) {
        out->v4.sin_family = AF_INET;
        out->v4.sin_port = htons(settings->port);
        if (out->v4.sin_addr.s_addr == htonl(INADDR_ANY)) {
            out->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        }
        return sizeof(out->v4);
    }
    (void)inet_pton(AF_INET6, settings->host, &out->v6.sin6_addr);
    out->v6.sin6_family = AF_INET6;
    out->v6.sin6_port = htons(settings->port);
    if (IN6_IS_ADDR_UNSPECIFIED(&out->v6.sin6_addr)) {
        out->v6.sin6_addr = in6addr_loopback;
    }
    return sizeof(out->v6);
}

static const char *ask(int fd, const union address *address, socklen_t len)
{
    char answer[sizeof(READY) - 1];
    size_t have = 0;
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (connect(fd, &address->any, len) != 0) {
        return "nobody listens";
    }
    if (send(fd, REQUEST, sizeof(REQUEST) - 1, MSG_NOSIGNAL) != (ssize_t)sizeof(REQUEST) - 1) {
        return "the request could not be sent";
    }
    while (have < sizeof(answer)) {
        ssize_t got = recv(fd, answer + have, sizeof(answer) - have, 0);
        if (got <= 0) {
            return "no answer";
        }
        have += (size_t)got;
    }
    return memcmp(answer, READY, sizeof(answer)) == 0 ? NULL : "not ready";
}

const char *admin_ask_ready(const struct admin_settings *settings)
{
    union address address;
    if (settings->listen == NULL) {
        return "no admin listener is configured";
    }
    if (settings->port == 0) {
        return "the admin listener's port is the kernel's choice";
    }
    socklen_t len = make_address(settings, &address);
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return "no socket";
    }
    const char *wrong = ask(fd, &address, len);
    (void)close(fd);
    return wrong;
}
