/* SPDX-License-Identifier: MIT
 *
 * Listening sockets, and the counts by which connections are refused.
 *
 * Happy path:
 *   - listeners_open(): open_listener() for each of gateway.listen, then its `listening` line;
 *   - on_connection() -> accept_one() -> the protocol's `accepted`;
 *   - on_gone() takes a closed connection off the counts.
 *
 * Failure modes:
 *   - an address that cannot be bound: logged, and nothing is opened;
 *   - a connection over the limits: accepted and closed (refuse()), so that the peer knows at
 *     once;
 *   - descriptors nearly used up: the connection is left with libuv, which then stops polling
 *     the socket until uv_accept() is called; on_gone() does that. libuv itself would accept and
 *     drop without telling us.
 */
#include "gateway/listener.h"

#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>

#include "common/err.h"
#include "common/log.h"
#include "common/map.h"
#include "common/mem.h"
#include "common/process.h"

#define BACKLOG 4096
#define DESCRIPTORS_SPARE 32    /* for the link, files, and connections that libuv holds for us */
#define UNSENT_BYTES (64 << 10) /* backlog beyond stays in shared payloads, not in the kernel */
#define IDLE_SECONDS 60         /* of silence, then the kernel asks whether the peer is there */
#define VANISHED_MS (60 * 1000) /* nothing acknowledged for so long: the peer is gone */
#define URL_MAX 128
#define ADDRESS_BYTES_MAX 8 /* IPv4, or the /64 of IPv6: what one peer owns */

struct listener {
    uv_tcp_t tcp;
    struct listeners *listeners;
    const struct listen_settings *settings;
    bool is_open;    /* the handle waits for its close callback */
    bool is_waiting; /* a connection waits in libuv for a descriptor */
};

/* How many connections one address has. */
struct address {
    uint8_t bytes[ADDRESS_BYTES_MAX]; /* the key in listeners::addresses */
    size_t len;
    size_t conns;
};

struct listeners {
    struct runtime *runtime;
    struct listener_protocol protocols[LISTEN_SCHEMES];
    struct conn_counter counter;
    struct listener *items; /* owned */
    size_t count;
    size_t open_count;      /* of items */
    struct list_node conns; /* conn::node */
    size_t conn_count;
    size_t conns_affordable; /* by descriptors */
    struct map addresses;    /* struct address, owned */
    bool is_stopped;
    listeners_closed_cb closed;
    void *data;
};

/* ---- connections per address ---- */

/* The part of the peer's address that counts; its length, 0 when the peer is gone. */
static size_t address_of(const struct conn *conn, uint8_t out[ADDRESS_BYTES_MAX])
{
    struct sockaddr_storage peer;
    int len = sizeof(peer);
    if (uv_tcp_getpeername(&conn->tcp, (struct sockaddr *)&peer, &len) < 0) {
        return 0;
    }
    if (peer.ss_family == AF_INET) {
        memcpy(out, &((struct sockaddr_in *)&peer)->sin_addr, 4);
        return 4;
    }
    const uint8_t *v6 = ((struct sockaddr_in6 *)&peer)->sin6_addr.s6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&((struct sockaddr_in6 *)&peer)->sin6_addr)) {
        memcpy(out, v6 + 12, 4);
        return 4;
    }
    memcpy(out, v6, 8);
    return 8;
}

/* False when the address has all the connections it may have. */
static bool take_address(struct listeners *listeners, struct conn *conn)
{
    size_t max = listeners->runtime->settings->limits.connections_per_address_max;
    uint8_t bytes[ADDRESS_BYTES_MAX];
    if (max == 0) {
        return true;
    }
    struct str key = {(const char *)bytes, address_of(conn, bytes)};
    struct address *address = map_get(&listeners->addresses, key);
    if (address == NULL) {
        address = mem_zalloc(sizeof(*address));
        memcpy(address->bytes, bytes, key.len);
        address->len = key.len;
        map_put(&listeners->addresses, (struct str){(const char *)address->bytes, key.len},
                address);
    }
    if (address->conns >= max) {
        return false;
    }
    address->conns++;
    conn->address = address;
    return true;
}

static void release_address(struct listeners *listeners, struct conn *conn)
{
    struct address *address = conn->address;
    if (address == NULL || --address->conns > 0) {
        return;
    }
    map_remove(&listeners->addresses, (struct str){(const char *)address->bytes, address->len});
    mem_free(address);
}

/* ---- accepting ---- */

static void on_refused_closed(struct conn *conn)
{
    (void)conn;
}

static const struct conn_owner refused_owner = {.on_closed = on_refused_closed};

static void refuse(struct listeners *listeners, struct conn *conn, const char *limit)
{
    char peer[CONN_ADDRESS_MAX];
    conn_peer(conn, peer);
    listeners->runtime->stats.connections_refused++;
    log_event(LOG_INFO, "connection_refused", log_text("limit", limit), log_text("peer", peer));
    conn_set_owner(conn, &refused_owner, NULL);
    conn_close(conn);
}

static void accept_one(struct listener *listener)
{
    struct listeners *listeners = listener->listeners;
    struct conn *conn =
        conn_accept(listeners->runtime, (uv_stream_t *)&listener->tcp, &listeners->counter);
    if (conn == NULL) {
        return;
    }
    bool is_full = listeners->conn_count >= listeners->runtime->settings->limits.connections_max;
    list_append(&listeners->conns, &conn->node);
    listeners->conn_count++;
    if (is_full) {
        refuse(listeners, conn, "connections");
    } else if (!take_address(listeners, conn)) {
        refuse(listeners, conn, "connections_per_address");
    } else {
        const struct listener_protocol *protocol =
            &listeners->protocols[listener->settings->scheme];
        protocol->accepted(conn, listener->settings, protocol->data);
    }
}

static void on_connection(uv_stream_t *server, int status)
{
    struct listener *listener = server->data;
    struct listeners *listeners = listener->listeners;
    if (status < 0) {
        log_event(LOG_WARN, "accept_failed", log_err(status));
        return;
    }
    if (listeners->conn_count >= listeners->conns_affordable) {
        listener->is_waiting = true;
        log_event(LOG_WARN, "accept_paused", log_u64("connections", listeners->conn_count));
        return;
    }
    accept_one(listener);
}

static void tell_closed(struct listeners *listeners)
{
    if (listeners->closed != NULL && listeners->open_count == 0 && listeners->conn_count == 0) {
        listeners_closed_cb closed = listeners->closed;
        listeners->closed = NULL;
        closed(listeners->data);
    }
}

static void on_gone(struct conn_counter *counter, struct conn *conn)
{
    struct listeners *listeners = MEM_CONTAINER(counter, struct listeners, counter);
    list_remove(&conn->node);
    listeners->conn_count--;
    release_address(listeners, conn);
    for (size_t i = 0; i < listeners->count && !listeners->is_stopped; i++) {
        struct listener *listener = &listeners->items[i];
        if (listener->is_waiting && listeners->conn_count < listeners->conns_affordable) {
            listener->is_waiting = false;
            accept_one(listener);
        }
    }
    tell_closed(listeners);
}

/* ---- opening and closing ---- */

static int address_to_bind(const struct listen_settings *settings, struct sockaddr_storage *out)
{
    if (uv_ip4_addr(settings->host, settings->port, (struct sockaddr_in *)out) == 0) {
        return 0;
    }
    return uv_ip6_addr(settings->host, settings->port, (struct sockaddr_in6 *)out);
}

static int set_option(uv_os_fd_t fd, int level, int option, int value)
{
    int code = setsockopt(fd, level, option, &value, sizeof(value));
    return code < 0 ? uv_translate_sys_error(errno) : 0;
}

/* Accepted sockets inherit these from the listening one: system calls saved for each connection.
 * A peer that vanished without a word is noticed by the kernel: it does not acknowledge for
 * VANISHED_MS what was written, or what the kernel itself asks on an idle connection. */
static int set_socket_options(struct listener *listener)
{
    static const struct {
        int level;
        int option;
        int value;
    } options[] = {
        {IPPROTO_TCP, TCP_NODELAY, 1},
        {IPPROTO_TCP, TCP_NOTSENT_LOWAT, UNSENT_BYTES},
        {SOL_SOCKET, SO_KEEPALIVE, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, IDLE_SECONDS},
        {IPPROTO_TCP, TCP_KEEPINTVL, IDLE_SECONDS / 4},
        {IPPROTO_TCP, TCP_USER_TIMEOUT, VANISHED_MS},
    };
    uv_os_fd_t fd;
    int code = uv_fileno((const uv_handle_t *)&listener->tcp, &fd);
    for (size_t i = 0; i < MEM_COUNT(options) && code == 0; i++) {
        code = set_option(fd, options[i].level, options[i].option, options[i].value);
    }
    return code;
}

static int open_listener(struct listener *listener, struct runtime *runtime)
{
    struct sockaddr_storage address = {0};
    int code = address_to_bind(listener->settings, &address);
    if (code < 0) {
        return code;
    }
    code = uv_tcp_init(&runtime->loop, &listener->tcp);
    if (code < 0) {
        return code;
    }
    listener->tcp.data = listener;
    listener->is_open = true;
    listener->listeners->open_count++;
    code = uv_tcp_bind(&listener->tcp, (const struct sockaddr *)&address, 0);
    if (code == 0) {
        code = set_socket_options(listener);
    }
    if (code == 0) {
        code = uv_listen((uv_stream_t *)&listener->tcp, BACKLOG, on_connection);
    }
    return code;
}

static uint16_t port_of(const struct listener *listener)
{
    struct sockaddr_storage address = {0};
    int len = sizeof(address);
    if (uv_tcp_getsockname(&listener->tcp, (struct sockaddr *)&address, &len) < 0) {
        return 0;
    }
    return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                               : ((struct sockaddr_in *)&address)->sin_port);
}

static void log_listening(const struct listener *listener)
{
    const struct listen_settings *settings = listener->settings;
    bool is_v6 = strchr(settings->host, ':') != NULL;
    char url[URL_MAX];
    snprintf(url, sizeof(url), "%s://%s%s%s:%u%s", listen_scheme_name(settings->scheme),
             is_v6 ? "[" : "", settings->host, is_v6 ? "]" : "", (unsigned)port_of(listener),
             listen_is_http(settings->scheme) ? "/" : "");
    log_event(LOG_INFO, "listening", log_text("url", url));
}

int listeners_open(struct runtime *runtime,
                   const struct listener_protocol protocols[LISTEN_SCHEMES], size_t descriptors_max,
                   struct listeners **out)
{
    const struct gateway_settings *settings = runtime->settings;
    struct listeners *listeners = mem_zalloc(sizeof(*listeners));
    *out = listeners;
    listeners->runtime = runtime;
    memcpy(listeners->protocols, protocols, sizeof(listeners->protocols));
    listeners->counter.gone = on_gone;
    listeners->items = mem_zalloc_array(settings->listen_count, sizeof(*listeners->items));
    listeners->count = settings->listen_count;
    list_init(&listeners->conns);
    for (size_t i = 0; i < listeners->count; i++) {
        struct listener *listener = &listeners->items[i];
        listener->listeners = listeners;
        listener->settings = &settings->listens[i];
        int code = open_listener(listener, runtime);
        if (code < 0) {
            log_event(LOG_ERROR, "listen_failed", log_text("url", listener->settings->url),
                      log_err(code), log_text("reason", uv_strerror(code)));
            return code;
        }
    }
    size_t used = process_open_descriptors() + DESCRIPTORS_SPARE;
    listeners->conns_affordable = descriptors_max > used ? descriptors_max - used : 1;
    for (size_t i = 0; i < listeners->count; i++) {
        log_listening(&listeners->items[i]);
    }
    return 0;
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct listener *listener = handle->data;
    listener->listeners->open_count--;
    tell_closed(listener->listeners);
}

void listeners_stop(struct listeners *listeners)
{
    listeners->is_stopped = true;
    for (size_t i = 0; i < listeners->count; i++) {
        struct listener *listener = &listeners->items[i];
        if (listener->is_open) {
            listener->is_open = false;
            uv_close((uv_handle_t *)&listener->tcp, on_listener_closed);
        }
    }
}

static bool is_busy(const struct conn *conn)
{
    return conn->owner->is_busy != NULL && conn->owner->is_busy(conn);
}

void listeners_end_idle(struct listeners *listeners)
{
    LIST_EACH(&listeners->conns, node)
    {
        struct conn *conn = LIST_OF(node, struct conn, node);
        if (!is_busy(conn)) {
            conn_end(conn);
        }
    }
}

size_t listeners_busy_count(const struct listeners *listeners)
{
    size_t count = 0;
    LIST_EACH(&listeners->conns, node)
    {
        count += is_busy(LIST_OF(node, const struct conn, node));
    }
    return count;
}

size_t listeners_conn_count(const struct listeners *listeners)
{
    return listeners->conn_count;
}

uint16_t listeners_port(const struct listeners *listeners, size_t index)
{
    return port_of(&listeners->items[index]);
}

void listeners_close(struct listeners *listeners, listeners_closed_cb closed, void *data)
{
    listeners_stop(listeners);
    listeners->closed = closed;
    listeners->data = data;
    LIST_EACH(&listeners->conns, node)
    {
        conn_close(LIST_OF(node, struct conn, node));
    }
    tell_closed(listeners);
}

void listeners_destroy(struct listeners *listeners)
{
    if (listeners == NULL) {
        return;
    }
    map_finish(&listeners->addresses);
    mem_free(listeners->items);
    mem_free(listeners);
}
