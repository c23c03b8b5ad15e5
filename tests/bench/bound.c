/* SPDX-License-Identifier: MIT
 *
 * The least a fan-out over WebSocket and STOMP can cost: a single-process epoll server that does one send() per
 * delivery, or with --coalesce one per connection and epoll round. What Sluice is measured against.
 *
 * It believes its clients: no limits, no checks, one destination, no unsubscribe. It prints its port and serves until
 * it is killed.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/mem.h"
#include "proto/ws_frame.h"

#define READ_BYTES 65536

struct peer {
    int fd;
    bool is_upgraded;
    bool is_subscribed;
    struct buf rest;
};

static int epoll_fd;
static bool coalesces;
static struct peer **subscribers;
static size_t subscriber_count;
static size_t subscriber_cap;
static struct buf round_out; /* what this round's messages are for every subscriber */
static uint64_t message_count;

static void send_text(int fd, const char *text, size_t len)
{
    struct buf out = {0};
    ws_encode(&out, WS_TEXT, (struct str){text, len});
    if (send(fd, out.data, out.len, MSG_NOSIGNAL) != (ssize_t)out.len) {
        fprintf(stderr, "send: a full socket\n");
        exit(1);
    }
    buf_finish(&out);
}

static void send_round(void)
{
    for (size_t i = 0; i < subscriber_count; i++) {
        ssize_t sent = send(subscribers[i]->fd, round_out.data, round_out.len, MSG_NOSIGNAL);
        if (sent != (ssize_t)round_out.len) {
            fprintf(stderr, "send: a full socket\n");
            exit(1);
        }
    }
    round_out.len = 0;
}

static void fan_out(const char *body, size_t len)
{
    struct buf frame = {0};
    buf_append_format(&frame,
                      "MESSAGE\ndestination:/topic/bench\ncontent-type:text/plain\n"
                      "message-id:%" PRIu64 "\nsubscription:sub-0\ncontent-length:%zu\n\n",
                      message_count++, len);
    buf_append(&frame, body, len + 1); /* with its NUL */
    ws_encode(&round_out, WS_TEXT, buf_str(&frame));
    buf_finish(&frame);
    if (!coalesces) {
        send_round();
    }
}

static void take_frame(struct peer *peer, char *text, size_t len)
{
    static const char connected[] = "CONNECTED\nversion:1.2\nheart-beat:0,0\n\n";
    static const char receipt[] = "RECEIPT\nreceipt-id:r\n\n";
    if (memcmp(text, "SEND", 4) == 0) {
        char *body = memmem(text, len, "\n\n", 2);
        fan_out(body + 2, len - (size_t)(body + 2 - text) - 1);
    } else if (memcmp(text, "SUBSCRIBE", 9) == 0) {
        if (subscriber_count == subscriber_cap) {
            subscriber_cap = subscriber_cap * 2 + 64;
            subscribers = mem_realloc(subscribers, subscriber_cap * sizeof(struct peer *));
        }
        subscribers[subscriber_count++] = peer;
        send_text(peer->fd, receipt, sizeof receipt);
    } else {
        send_text(peer->fd, connected, sizeof connected);
    }
}

static size_t take_frames(struct peer *peer, uint8_t *bytes, size_t len)
{
    size_t at = 0;
    while (len - at >= 6) {
        size_t head = 2;
        size_t size = bytes[at + 1] & 0x7f;
        if (size == 126) {
            head = 4;
            size = (size_t)bytes[at + 2] << 8 | bytes[at + 3];
        }
        if (len - at < head + 4 + size) {
            break;
        }
        const uint8_t *mask = bytes + at + head;
        uint8_t *text = bytes + at + head + 4;
        for (size_t i = 0; i < size; i++) {
            text[i] ^= mask[i % 4];
        }
        take_frame(peer, (char *)text, size);
        at += head + 4 + size;
    }
    return at;
}

static size_t take_upgrade(struct peer *peer, const uint8_t *bytes, size_t len)
{
    char accept[WS_ACCEPT_LEN];
    char answer[256];
    const uint8_t *end = memmem(bytes, len, "\r\n\r\n", 4);
    const char *key = memmem(bytes, len, "Sec-WebSocket-Key: ", 19);
    if (end == NULL || key == NULL || !ws_accept((struct str){key + 19, 24}, accept)) {
        return 0;
    }
    int answer_len = snprintf(answer, sizeof answer,
                              "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                              "Connection: Upgrade\r\nSec-WebSocket-Protocol: v12.stomp\r\n"
                              "Sec-WebSocket-Accept: %.*s\r\n\r\n",
                              WS_ACCEPT_LEN, accept);
    peer->is_upgraded = true;
    if (send(peer->fd, answer, (size_t)answer_len, MSG_NOSIGNAL) != answer_len) {
        exit(1);
    }
    return (size_t)(end - bytes) + 4;
}

static void take_bytes(struct peer *peer, uint8_t *bytes, size_t len)
{
    size_t used = 0;
    if (peer->rest.len > 0) {
        buf_append(&peer->rest, bytes, len);
        bytes = peer->rest.data;
        len = peer->rest.len;
    }
    if (!peer->is_upgraded) {
        used = take_upgrade(peer, bytes, len);
    }
    if (peer->is_upgraded) {
        used += take_frames(peer, bytes + used, len - used);
    }
    if (peer->rest.len > 0) {
        buf_consume(&peer->rest, used);
    } else if (used < len) {
        buf_append(&peer->rest, bytes + used, len - used);
    }
    if (peer->rest.len == 0) {
        buf_finish(&peer->rest);
    }
}

static void accept_peer(int listener)
{
    int one = 1;
    struct peer *peer = mem_zalloc(sizeof *peer);
    peer->fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (peer->fd < 0) {
        mem_free(peer);
        return;
    }
    setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, peer->fd, &event);
}

static void forget(struct peer *peer)
{
    for (size_t i = 0; i < subscriber_count; i++) {
        if (subscribers[i] == peer) {
            subscribers[i] = subscribers[--subscriber_count];
            break;
        }
    }
    close(peer->fd);
    buf_finish(&peer->rest);
    mem_free(peer);
}

static int open_listener(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, 4096) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        perror("listen");
        exit(1);
    }
    printf("port=%u\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

int main(int argc, char **argv)
{
    static uint8_t bytes[READ_BYTES];
    struct rlimit files;
    coalesces = argc > 1 && strcmp(argv[1], "--coalesce") == 0;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    int listener = open_listener();
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        struct epoll_event events[512];
        int count = epoll_wait(epoll_fd, events, 512, -1);
        for (int i = 0; i < count; i++) {
            struct peer *peer = events[i].data.ptr;
            if (peer == NULL) {
                accept_peer(listener);
                continue;
            }
            ssize_t len = read(peer->fd, bytes, sizeof bytes);
            if (len > 0) {
                take_bytes(peer, bytes, (size_t)len);
            } else {
                forget(peer);
            }
        }
        if (round_out.len > 0) {
            send_round();
        }
    }
}
