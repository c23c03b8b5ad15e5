/* SPDX-License-Identifier: MIT
 *
 * The admin listener over loopback: what it answers, whom it refuses, and that it can be closed at any time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/admin.h"
#include "common/mem.h"

struct fixture {
    uv_loop_t loop;
    struct wheel wheel;
    struct admin_settings settings;
    struct admin admin;
    bool is_ready;
};

static bool is_ready(void *data)
{
    return ((struct fixture *)data)->is_ready;
}

static void write_metrics(void *data, struct buf *out)
{
    (void)data;
    buf_append_text(out, "some_total 1\n");
}

static const struct admin_handler handler = {write_metrics, is_ready};

static int start(void **state)
{
    struct fixture *fixture = mem_zalloc(sizeof(*fixture));
    static char listen_url[] = "http://127.0.0.1:0", host[] = "127.0.0.1";
    *state = fixture;
    fixture->settings = (struct admin_settings){listen_url, host, 0};
    fixture->is_ready = true;
    if (uv_loop_init(&fixture->loop) != 0) {
        return -1;
    }
    wheel_init(&fixture->wheel, &fixture->loop);
    return admin_open(&fixture->admin, &fixture->wheel, &fixture->settings, &handler, fixture);
}

static int stop(void **state)
{
    struct fixture *fixture = *state;
    admin_close(&fixture->admin);
    admin_close(&fixture->admin);
    wheel_close(&fixture->wheel);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    wheel_finish(&fixture->wheel);
    int code = uv_loop_close(&fixture->loop);
    mem_free(fixture);
    return code;
}

static int connect_peer(struct fixture *fixture)
{
    struct sockaddr_in address;
    int len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(uv_tcp_getsockname(&fixture->admin.tcp, (struct sockaddr *)&address, &len), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void send_text(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* All until the end of the stream, NUL-terminated. */
static void read_all(struct fixture *fixture, int fd, struct buf *out)
{
    out->len = 0;
    for (;;) {
        ssize_t got = recv(fd, buf_reserve(out, 4096), 4096, MSG_DONTWAIT);
        if (got > 0) {
            out->len += (size_t)got;
        } else if (got == 0 || errno != EAGAIN) {
            break;
        } else {
            uv_run(&fixture->loop, UV_RUN_NOWAIT);
        }
    }
    buf_append_byte(out, '\0');
}

static void settle(struct fixture *fixture)
{
    for (int i = 0; i < 5; i++) {
        uv_run(&fixture->loop, UV_RUN_NOWAIT);
    }
}

static void every_request_has_its_answer(void **state)
{
    static const struct {
        const char *request;
        bool is_ready;
        const char *status_line;
        const char *body;
    } table[] = {
        {"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n", true, "HTTP/1.1 200 OK\r\n",
         "some_total 1\n"},
        {"GET /metrics?x=1 HTTP/1.1\r\nHost: localhost\r\n\r\n", true, "HTTP/1.1 200 OK\r\n",
         "some_total 1\n"},
        {"GET /healthz HTTP/1.0\r\n\r\n", false, "HTTP/1.1 200 OK\r\n", "alive\n"},
        {"GET /readyz HTTP/1.1\r\nHost: gateway:9091\r\n\r\n", true, "HTTP/1.1 200 OK\r\n",
         "ready\n"},
        {"GET /readyz HTTP/1.1\r\nHost: [::1]:9091\r\n\r\n", false,
         "HTTP/1.1 503 Service Unavailable\r\n", "not ready\n"},
        {"HEAD /readyz HTTP/1.1\r\nHost: h\r\n\r\n", true, "HTTP/1.1 200 OK\r\n", ""},
        {"GET /readyz HTTP/1.1\r\nHost: rebound.example.org\r\n\r\n", true,
         "HTTP/1.1 421 Misdirected Request\r\n", "Misdirected Request\n"},
        {"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1.example.org:9091\r\n\r\n", true,
         "HTTP/1.1 421 Misdirected Request\r\n", "Misdirected Request\n"},
        {"GET /readyz HTTP/1.1\r\nHost: localhost.\r\n\r\n", true,
         "HTTP/1.1 421 Misdirected Request\r\n", "Misdirected Request\n"},
        {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", true, "HTTP/1.1 404 Not Found\r\n", "Not Found\n"},
        {"GET /metrics/ HTTP/1.1\r\nHost: h\r\n\r\n", true, "HTTP/1.1 404 Not Found\r\n",
         "Not Found\n"},
        {"DELETE /readyz HTTP/1.1\r\nHost: h\r\n\r\n", true, "HTTP/1.1 405 Method Not Allowed\r\n",
         "Method Not Allowed\n"},
        {"GET /readyz HTTP/1.1\r\n\r\n", true, "HTTP/1.1 400 ", NULL},
        {"POST /readyz HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx", true, "HTTP/1.1 413 ",
         NULL},
        {"POST /readyz HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n",
         true, "HTTP/1.1 413 ", NULL},
        {"\x16\x03\x01", true, "HTTP/1.1 400 ", NULL},
        {"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\nGET /healthz HTTP/1.1\r\nHost: h\r\n\r\n", true,
         "HTTP/1.1 200 OK\r\n", "alive\n"}, /* one request a connection */
    };
    struct fixture *fixture = *state;
    struct buf answer = {0};
    for (size_t i = 0; i < MEM_COUNT(table); i++) {
        int fd = connect_peer(fixture);
        fixture->is_ready = table[i].is_ready;
        send_text(fd, table[i].request);
        read_all(fixture, fd, &answer);
        const char *text = (const char *)answer.data;
        const char *body = strstr(text, "\r\n\r\n");
        assert_non_null(body);
        assert_int_equal(strncmp(text, table[i].status_line, strlen(table[i].status_line)), 0);
        if (table[i].body != NULL) {
            assert_string_equal(body + 4, table[i].body);
        }
        close(fd);
    }
    buf_finish(&answer);
}

static void a_request_may_come_byte_by_byte(void **state)
{
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n";
    struct fixture *fixture = *state;
    struct buf answer = {0};
    int fd = connect_peer(fixture);
    for (size_t i = 0; i < sizeof(request) - 1; i++) {
        assert_int_equal(send(fd, &request[i], 1, MSG_NOSIGNAL), 1);
        uv_run(&fixture->loop, UV_RUN_NOWAIT);
    }
    read_all(fixture, fd, &answer);
    assert_non_null(strstr((const char *)answer.data, "alive\n"));
    buf_finish(&answer);
    close(fd);
}

static void a_connection_beyond_the_limit_is_closed_and_the_others_go_on(void **state)
{
    struct fixture *fixture = *state;
    struct buf answer = {0};
    int fds[ADMIN_CONNS_MAX];
    for (size_t i = 0; i < MEM_COUNT(fds); i++) {
        fds[i] = connect_peer(fixture);
        settle(fixture);
    }
    int extra = connect_peer(fixture);
    read_all(fixture, extra, &answer);
    assert_int_equal(answer.len, 1);
    send_text(fds[0], "GET /healthz HTTP/1.0\r\n\r\n");
    read_all(fixture, fds[0], &answer);
    assert_non_null(strstr((const char *)answer.data, "alive\n"));
    close(extra);
    for (size_t i = 0; i < MEM_COUNT(fds); i++) {
        close(fds[i]);
    }
    buf_finish(&answer);
}

static void a_request_that_is_never_finished_is_closed(void **state)
{
    struct fixture *fixture = *state;
    char byte;
    int fd = connect_peer(fixture);
    send_text(fd, "GET /healthz HT");
    while (recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN) {
        uv_run(&fixture->loop, UV_RUN_ONCE);
    }
    assert_int_equal(recv(fd, &byte, 1, 0), 0);
    close(fd);
}

static void it_can_be_closed_with_requests_under_way(void **state)
{
    struct fixture *fixture = *state;
    int idle = connect_peer(fixture);
    int midway = connect_peer(fixture);
    int answered = connect_peer(fixture);
    send_text(midway, "GET /healthz HT");
    send_text(answered, "GET /metrics HTTP/1.0\r\n\r\n");
    settle(fixture);
    assert_int_equal(fixture->admin.conn_count, 3);
    close(idle);
    close(midway);
    close(answered); /* stop() does the rest */
}

static void an_address_in_use_is_an_error_and_leaves_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct sockaddr_in address;
    int len = sizeof(address);
    struct admin second;
    assert_int_equal(uv_tcp_getsockname(&fixture->admin.tcp, (struct sockaddr *)&address, &len), 0);
    struct admin_settings settings = fixture->settings;
    settings.port = ntohs(address.sin_port);
    assert_true(admin_open(&second, &fixture->wheel, &settings, &handler, fixture) < 0);
    admin_close(&second);
    settle(fixture);
}

static void without_an_address_there_is_no_listener(void **state)
{
    struct fixture *fixture = *state;
    struct admin none;
    const struct admin_settings settings = {NULL, NULL, 0};
    assert_int_equal(admin_open(&none, &fixture->wheel, &settings, &handler, fixture), 0);
    assert_false(none.is_open);
    admin_close(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_request_has_its_answer, start, stop),
        cmocka_unit_test_setup_teardown(a_request_may_come_byte_by_byte, start, stop),
        cmocka_unit_test_setup_teardown(
            a_connection_beyond_the_limit_is_closed_and_the_others_go_on, start, stop),
        cmocka_unit_test_setup_teardown(a_request_that_is_never_finished_is_closed, start, stop),
        cmocka_unit_test_setup_teardown(it_can_be_closed_with_requests_under_way, start, stop),
        cmocka_unit_test_setup_teardown(an_address_in_use_is_an_error_and_leaves_nothing, start,
                                        stop),
        cmocka_unit_test_setup_teardown(without_an_address_there_is_no_listener, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
