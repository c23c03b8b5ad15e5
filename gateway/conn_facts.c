/* SPDX-License-Identifier: MIT
 *
 * What can be known of a client's connection beyond its bytes: who the peer is, whether it has gone, what it has
 * acknowledged. Each is a system call or two.
 */
#include <errno.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "gateway/conn.h"

void conn_peer(const struct conn *conn, char out[CONN_ADDRESS_MAX])
{
    struct sockaddr_storage address;
    int len = sizeof(address);
    char host[CONN_ADDRESS_MAX - 10];
    out[0] = '\0';
    if (uv_tcp_getpeername(&conn->tcp, (struct sockaddr *)&address, &len) < 0) {
        return;
    }
    if (address.ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address;
        if (uv_ip6_name(v6, host, sizeof(host)) == 0) {
            snprintf(out, CONN_ADDRESS_MAX, "[%s]:%u", host, (unsigned)ntohs(v6->sin6_port));
        }
        return;
    }
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address;
    if (uv_ip4_name(v4, host, sizeof(host)) == 0) {
        snprintf(out, CONN_ADDRESS_MAX, "%s:%u", host, (unsigned)ntohs(v4->sin_port));
    }
}

bool conn_peer_address(const struct conn *conn, uint8_t out[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct sockaddr_storage address;
    int len = sizeof(address);
    if (uv_tcp_getpeername(&conn->tcp, (struct sockaddr *)&address, &len) < 0) {
        return false;
    }
    if (address.ss_family == AF_INET6) {
        memcpy(out, &((const struct sockaddr_in6 *)&address)->sin6_addr, 16);
    } else {
        memcpy(out, mapped, sizeof(mapped));
        memcpy(out + 12, &((const struct sockaddr_in *)&address)->sin_addr, 4);
    }
    return true;
}

int conn_peek_end(const struct conn *conn)
{
    uv_os_fd_t fd;
    char byte;
    if (conn->saw_end || uv_fileno((const uv_handle_t *)&conn->tcp, &fd) < 0) {
        return UV_EOF;
    }
    ssize_t count = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (count < 0) {
        return errno == EAGAIN || errno == EINTR ? 0 : uv_translate_sys_error(errno);
    }
    return count == 0 ? UV_EOF : 0;
}

bool conn_is_acknowledged(const struct conn *conn)
{
    uv_os_fd_t fd;
    int unsent = 0;
    return conn->queued == 0 && uv_fileno((const uv_handle_t *)&conn->tcp, &fd) == 0 &&
           ioctl(fd, SIOCOUTQ, &unsent) == 0 && unsent == 0;
}
