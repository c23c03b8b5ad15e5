/* SPDX-License-Identifier: MIT
 *
 * The admin listener.
 *
 * Happy path:
 *   - on_connection() accepts and gives the connection its deadline;
 *   - on_read() feeds common/http1.h; a complete request is answer_request()'s: Host, method, path, then the page;
 *   - on_written() sends FIN; the client's own FIN, or the deadline, ends the connection.
 *
 * Failure modes:
 *   - a request that is no HTTP, or too long, is answered by its status;
 *   - one that never ends, or whose sender takes no answer, is closed by on_deadline();
 *   - a read or write that fails closes at once. Nothing here is logged but the listener's own start.
 */
#include "common/admin.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>

#include "common/http1.h"
#include "common/log.h"
#include "common/mem.h"

#define BACKLOG 64
#define READ_BYTES 4096
#define URL_MAX 80

static const struct http1_limits limits = {
    .target_bytes = 1024,
    .header_bytes = ADMIN_HEAD_BYTES,
    .header_count = 64,
    .header_line = 4096,
    .body_bytes = 0,
};

struct admin_conn {
    struct list_node node; /* admin::conns */
    struct admin *admin;
    uv_tcp_t tcp;
    struct http1 *http1; /* owned; NULL once the request has been answered */
    uv_write_t write;
    uv_shutdown_t shutdown;
    struct buf answer;
    struct wheel_entry deadline;
};

static char read_slab[READ_BYTES];

/* ---- end of a connection ---- */

static void on_conn_closed(uv_handle_t *handle)
{
    struct admin_conn *conn = handle->data;
    list_remove(&conn->node);
    conn->admin->conn_count--;
    http1_destroy(conn->http1);
    buf_finish(&conn->answer);
    mem_free(conn);
}

static void close_conn(struct admin_conn *conn)
{
    if (!uv_is_closing((uv_handle_t *)&conn->tcp)) {
        wheel_remove(conn->admin->wheel, &conn->deadline);
        uv_close((uv_handle_t *)&conn->tcp, on_conn_closed);
    }
}

static void on_deadline(struct wheel_entry *entry)
{
    close_conn(MEM_CONTAINER(entry, struct admin_conn, deadline));
}

/* ---- answers ---- */

static void on_shutdown(uv_shutdown_t *request, int status)
{
    if (status < 0) {
        close_conn(request->data);
    }
}

static void on_written(uv_write_t *request, int status)
{
    struct admin_conn *conn = request->data;
    conn->shutdown.data = conn;
    if (status < 0 || uv_shutdown(&conn->shutdown, (uv_stream_t *)&conn->tcp, on_shutdown) < 0) {
        close_conn(conn);
    }
}

static const char *status_text(unsigned status)
{
    static const struct {
        unsigned status;
        const char *text;
    } texts[] = {{200, "OK"},
                 {404, "Not Found"},
                 {405, "Method Not Allowed"},
                 {421, "Misdirected Request"},
                 {503, "Service Unavailable"}};
    for (size_t i = 0; i < MEM_COUNT(texts); i++) {
        if (texts[i].status == status) {
            return texts[i].text;
        }
    }
    return "Refused";
}

static void answer(struct admin_conn *conn, unsigned status, struct str body, bool is_head)
{
    buf_append_format(&conn->answer,
                      "HTTP/1.1 %u %s\r\n"
                      "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
                      "Content-Length: %zu\r\n"
                      "Cache-Control: no-store\r\n"
                      "X-Content-Type-Options: nosniff\r\n"
                      "%s"
                      "Connection: close\r\n\r\n",
                      status, status_text(status), body.len,
                      status == 405 ? "Allow: GET, HEAD\r\n" : "");
    if (!is_head) {
        buf_append_str(&conn->answer, body);
    }
    http1_destroy(conn->http1);
    conn->http1 = NULL;
    conn->write.data = conn;
    uv_buf_t bytes = uv_buf_init((char *)conn->answer.data, (unsigned)conn->answer.len);
    if (uv_write(&conn->write, (uv_stream_t *)&conn->tcp, &bytes, 1, on_written) < 0) {
        close_conn(conn);
    }
}

static unsigned put_metrics(struct admin *admin, struct buf *out)
{
    admin->handler->write_metrics(admin->data, out);
    return 200;
}

static unsigned put_health(struct admin *admin, struct buf *out)
{
    (void)admin;
    buf_append_text(out, "alive\n");
    return 200;
}

static unsigned put_readiness(struct admin *admin, struct buf *out)
{
    bool is_ready = admin->handler->is_ready(admin->data);
    buf_append_text(out, is_ready ? "ready\n" : "not ready\n");
    return is_ready ? 200 : 503;
}

static const struct {
    const char *path;
    unsigned (*put)(struct admin *admin, struct buf *out); /* the status */
} pages[] = {
    {"/metrics", put_metrics},
    {"/healthz", put_health},
    {"/readyz", put_readiness},
};

/* A name server can be made to say anything, but only about names with a dot. */
static bool is_host_near(struct str host)
{
    char text[INET_ADDRSTRLEN];
    struct in_addr address;
    const char *port = host.len == 0 ? NULL : memchr(host.at, ':', host.len);
    if (host.len > 0 && host.at[0] == '[') {
        return true;
    }
    struct str name = {host.at, port == NULL ? host.len : (size_t)(port - host.at)};
    if (name.len == 0 || memchr(name.at, '.', name.len) == NULL) {
        return true;
    }
    if (name.len >= sizeof(text)) {
        return false;
    }
    memcpy(text, name.at, name.len);
    text[name.len] = '\0';
    return inet_pton(AF_INET, text, &address) == 1;
}

static void answer_request(struct admin_conn *conn)
{
    const struct http1_request *request = http1_request(conn->http1);
    const struct str *host = http1_header(request, "host");
    bool is_head = str_equal(request->method, STR("HEAD"));
    struct buf body = {0};
    unsigned status = 404;
    if (host != NULL && !is_host_near(*host)) {
        status = 421;
    } else if (!is_head && !str_equal(request->method, STR("GET"))) {
        status = 405;
    } else {
        for (size_t i = 0; i < MEM_COUNT(pages); i++) {
            if (str_equal(request->path, str_of(pages[i].path))) {
                status = pages[i].put(conn->admin, &body);
            }
        }
    }
    if (body.len == 0) {
        buf_append_format(&body, "%s\n", status_text(status));
    }
    answer(conn, status, buf_str(&body), is_head);
    buf_finish(&body);
}

/* ---- requests ---- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)handle;
    (void)suggested;
    *buf = uv_buf_init(read_slab, sizeof(read_slab));
}

static void on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf)
{
    struct admin_conn *conn = stream->data;
    size_t consumed;
    if (nread < 0) {
        close_conn(conn);
        return;
    }
    if (conn->http1 == NULL) {
        return; /* answered: the rest is not for us */
    }
    switch (http1_feed(conn->http1, buf->base, (size_t)nread, &consumed)) {
    case HTTP1_MORE:
        break;
    case HTTP1_REQUEST:
        answer_request(conn);
        break;
    case HTTP1_BAD:
        answer(conn, http1_bad_status(conn->http1), str_of(http1_bad_reason(conn->http1)), false);
        break;
    case HTTP1_CONTINUE:
        close_conn(conn); /* unreachable: limits.body_bytes is 0 */
        break;
    }
}

static void on_connection(uv_stream_t *server, int status)
{
    struct admin *admin = server->data;
    if (status < 0) {
        return;
    }
    struct admin_conn *conn = mem_zalloc(sizeof(*conn));
    conn->admin = admin;
    list_append(&admin->conns, &conn->node);
    admin->conn_count++;
    int code = uv_tcp_init(admin->wheel->loop, &conn->tcp);
    assert(code == 0);
    conn->tcp.data = conn;
    code = uv_accept(server, (uv_stream_t *)&conn->tcp);
    if (code < 0 || admin->conn_count > ADMIN_CONNS_MAX) {
        close_conn(conn);
        return;
    }
    conn->http1 = http1_create(&limits);
    wheel_add(admin->wheel, &conn->deadline, ADMIN_DEADLINE_MS, on_deadline);
    if (uv_read_start((uv_stream_t *)&conn->tcp, on_alloc, on_read) < 0) {
        close_conn(conn);
    }
}

/* ---- start and end ---- */

static int bind_and_listen(struct admin *admin, const struct admin_settings *settings)
{
    struct sockaddr_storage address = {0};
    struct sockaddr *any = (struct sockaddr *)&address;
    int code = strchr(settings->host, ':') == NULL
                   ? uv_ip4_addr(settings->host, settings->port, (struct sockaddr_in *)&address)
                   : uv_ip6_addr(settings->host, settings->port, (struct sockaddr_in6 *)&address);
    if (code == 0) {
        code = uv_tcp_bind(&admin->tcp, any, 0);
    }
    return code == 0 ? uv_listen((uv_stream_t *)&admin->tcp, BACKLOG, on_connection) : code;
}

static void log_listening(const struct admin *admin, const char *host)
{
    union {
        struct sockaddr_storage storage;
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = {0};
    int len = sizeof(address);
    char url[URL_MAX];
    int code = uv_tcp_getsockname(&admin->tcp, &address.any, &len);
    bool is_v6 = code == 0 && address.any.sa_family == AF_INET6;
    unsigned port = ntohs(is_v6 ? address.v6.sin6_port : address.v4.sin_port);
    (void)snprintf(url, sizeof(url), is_v6 ? "http://[%s]:%u" : "http://%s:%u", host, port);
    log_event(LOG_INFO, "admin_listening", log_text("url", url));
}

int admin_open(struct admin *admin, struct wheel *wheel, const struct admin_settings *settings,
               const struct admin_handler *handler, void *data)
{
    *admin = (struct admin){.wheel = wheel, .handler = handler, .data = data};
    list_init(&admin->conns);
    if (settings->listen == NULL) {
        return 0;
    }
    int code = uv_tcp_init(wheel->loop, &admin->tcp);
    assert(code == 0);
    admin->tcp.data = admin;
    admin->is_open = true;
    code = bind_and_listen(admin, settings);
    if (code < 0) {
        log_event(LOG_ERROR, "listen_failed", log_text("url", settings->listen), log_err(code),
                  log_text("reason", uv_strerror(code)));
        admin_close(admin);
        return code;
    }
    log_listening(admin, settings->host);
    return 0;
}

void admin_close(struct admin *admin)
{
    if (!admin->is_open) {
        return;
    }
    admin->is_open = false;
    uv_close((uv_handle_t *)&admin->tcp, NULL);
    LIST_EACH(&admin->conns, node)
    {
        close_conn(LIST_OF(node, struct admin_conn, node));
    }
}
