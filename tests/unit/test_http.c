/* SPDX-License-Identifier: MIT
 *
 * HTTP on one connection: one request at a time, deadlines, held answers, streams, upgrades.
 * Over loopback TCP.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <errno.h>

#include <cmocka.h>

#include "gateway/http.h"
#include "tests/unit/loopback.h"

static const struct http1_limits limits = {.target_bytes = 2048,
                                           .header_bytes = 16384,
                                           .header_count = 64,
                                           .header_line = 8192,
                                           .body_bytes = 131072};

/* One connection and what its handler saw. The path says what the handler does. */
struct fixture {
    struct loopback loopback;
    int peer;
    struct http *held; /* the exchange that waits */
    int requests;
    int gone;
    bool gone_by_reset;
    int drains;
    struct conn *upgraded;
    struct buf rest; /* what came behind the upgrade */
    int closes;      /* of the upgraded connection */
    struct buf seen; /* what the peer has read */
    struct payload *page;
};

static void on_gone(struct http *http, void *data, bool is_reset)
{
    struct fixture *fixture = data;
    assert_ptr_equal(http, fixture->held);
    fixture->held = NULL;
    fixture->gone++;
    fixture->gone_by_reset = is_reset;
}

static void on_held_drained(struct http *http, void *data)
{
    (void)http;
    ((struct fixture *)data)->drains++;
}

static const struct http_holder holder = {on_gone, on_held_drained};

static void on_upgraded_bytes(struct conn *conn, uint8_t *bytes, size_t len)
{
    buf_append(&((struct fixture *)conn->data)->rest, bytes, len);
}

static void on_upgraded_end(struct conn *conn, int code)
{
    (void)code;
    conn_close(conn);
}

static void on_upgraded_closed(struct conn *conn)
{
    ((struct fixture *)conn->data)->closes++;
}

static const struct conn_owner upgraded_owner = {
    .on_bytes = on_upgraded_bytes, .on_end = on_upgraded_end, .on_closed = on_upgraded_closed};

static void upgrade(struct fixture *fixture, struct http *http)
{
    struct buf rest;
    fixture->upgraded = http_upgrade(http, &rest);
    conn_set_owner(fixture->upgraded, &upgraded_owner, fixture);
    conn_feed(fixture->upgraded, rest.data, rest.len);
    buf_finish(&rest);
}

static void stream(struct http *http)
{
    struct http_head head;
    http_head_init(&head, 200);
    http_stream(http, &head);
    http_chunk(http, STR("one"));
    http_chunk(http, STR("0123456789abcdef"));
}

static void on_request(struct http *http, const struct http1_request *request, void *data)
{
    struct fixture *fixture = data;
    struct http_head head;
    fixture->requests++;
    if (str_equal(request->path, STR("/hold"))) {
        fixture->held = http;
        http_hold(http, &holder, fixture);
    } else if (str_equal(request->path, STR("/stream"))) {
        stream(http);
        http_stream_end(http);
    } else if (str_equal(request->path, STR("/hold-stream"))) {
        fixture->held = http;
        http_hold(http, &holder, fixture);
        stream(http);
    } else if (str_equal(request->path, STR("/upgrade"))) {
        upgrade(fixture, http);
    } else if (str_equal(request->path, STR("/page"))) {
        http_head_init(&head, 200);
        http_respond_payload(http, &head, fixture->page);
    } else if (str_equal(request->path, STR("/204")) || str_equal(request->path, STR("/304"))) {
        http_head_init(&head, request->path.at[1] == '2' ? 204 : 304);
        http_head_add(&head, "X-Query", request->query.len > 0 ? request->query : STR("-"));
        http_respond(http, &head, STR(""));
    } else if (str_equal(request->path, STR("/end"))) {
        http_end_after(http);
        http_respond_text(http, 200, "last");
    } else {
        http_head_init(&head, 200);
        http_respond(http, &head, request->body.len > 0 ? request->body : request->path);
    }
}

static void start_peer(struct fixture *fixture)
{
    fixture->peer = loopback_connect(&fixture->loopback, 0);
    http_start(fixture->loopback.accepted, &limits, on_request, fixture);
}

static void begin(struct fixture *fixture)
{
    memset(fixture, 0, sizeof(*fixture));
    loopback_init(&fixture->loopback);
    start_peer(fixture);
}

static void run_until_closed(struct fixture *fixture)
{
    struct stats *stats = &fixture->loopback.runtime.stats;
    loopback_run_until(&fixture->loopback,
                       stats->connections_closed == stats->connections_accepted);
}

static void end(struct fixture *fixture)
{
    if (fixture->peer >= 0) {
        peer_reset(fixture->peer);
    }
    run_until_closed(fixture);
    loopback_finish(&fixture->loopback);
    buf_finish(&fixture->seen);
    buf_finish(&fixture->rest);
}

/* The peer reads until what it has read ends with `tail`. */
static const char *read_until(struct fixture *fixture, const char *tail)
{
    size_t len = strlen(tail);
    struct buf *seen = &fixture->seen;
    seen->len = 0;
    while (seen->len < len || memcmp(seen->data + seen->len - len, tail, len) != 0) {
        char byte;
        if (peer_read(&fixture->loopback, fixture->peer, &byte, 1) != 1) {
            buf_append_byte(seen, '\0');
            fail_msg("the stream ended after: %s", (char *)seen->data);
        }
        buf_append_byte(seen, (uint8_t)byte);
    }
    buf_append_byte(seen, '\0');
    return (char *)seen->data;
}

/* All until the end of the stream. */
static const char *read_all(struct fixture *fixture)
{
    char byte;
    fixture->seen.len = 0;
    while (peer_read(&fixture->loopback, fixture->peer, &byte, 1) == 1) {
        buf_append_byte(&fixture->seen, (uint8_t)byte);
    }
    buf_append_byte(&fixture->seen, '\0');
    return (char *)fixture->seen.data;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"
#define NOSNIFF "X-Content-Type-Options: nosniff\r\n"

static void each_kind_of_answer_has_exactly_these_bytes(void **state)
{
    static const struct {
        const char *request;
        const char *answer;
        bool ends; /* and the connection ends behind it */
    } rows[] = {
        {GET("/a"), "HTTP/1.1 200 OK\r\n" NOSNIFF "Content-Length: 2\r\n\r\n/a", false},
        {"HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n",
         "HTTP/1.1 200 OK\r\n" NOSNIFF "Content-Length: 2\r\n\r\n", false},
        {GET("/204?q"), "HTTP/1.1 204 No Content\r\nX-Query: q\r\n" NOSNIFF "\r\n", false},
        {GET("/304"), "HTTP/1.1 304 Not Modified\r\nX-Query: -\r\n" NOSNIFF "\r\n", false},
        {GET("/page"), "HTTP/1.1 200 OK\r\n" NOSNIFF "Content-Length: 4\r\n\r\npage", false},
        {"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody",
         "HTTP/1.1 200 OK\r\n" NOSNIFF "Content-Length: 4\r\n\r\nbody", false},
        {"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
         "chunked\r\n\r\n2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n",
         "HTTP/1.1 200 OK\r\n" NOSNIFF "Content-Length: 4\r\n\r\nbody", false},
        {GET("/stream"),
         "HTTP/1.1 200 OK\r\n" NOSNIFF "Transfer-Encoding: chunked\r\n\r\n"
         "3\r\none\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n",
         false},
        {GET("/end"),
         "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=UTF-8\r\n"
         "Cache-Control: " HTTP_NOT_CACHED "\r\n" NOSNIFF "Connection: close\r\n"
         "Content-Length: 4\r\n\r\nlast",
         true},
        {"GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
         "HTTP/1.1 200 OK\r\n" NOSNIFF "Connection: close\r\nContent-Length: 2\r\n\r\n/a", true},
        {"GET /a HTTP/1.0\r\nHost: h\r\n\r\n",
         "HTTP/1.1 200 OK\r\n" NOSNIFF "Connection: close\r\nContent-Length: 2\r\n\r\n/a", true},
        {"GET /a HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n",
         "HTTP/1.1 200 OK\r\n" NOSNIFF "Connection: keep-alive\r\nContent-Length: 2\r\n\r\n/a",
         false},
        {"GET /stream HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n",
         "HTTP/1.1 200 OK\r\n" NOSNIFF "Connection: close\r\n\r\none0123456789abcdef", true},
        {"GET /a HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\nPRI",
         "HTTP/1.1 200 OK\r\n" NOSNIFF "Connection: close\r\nContent-Length: 2\r\n\r\n/a", true},
    };
    struct fixture fixture;
    (void)state;
    begin(&fixture);
    fixture.page = payload_copy("page", 4);
    for (size_t i = 0; i < MEM_COUNT(rows); i++) {
        peer_send(fixture.peer, rows[i].request);
        const char *answer =
            rows[i].ends ? read_all(&fixture) : read_until(&fixture, rows[i].answer);
        if (strcmp(answer, rows[i].answer) != 0) {
            fail_msg("row %zu: %s", i, answer);
        }
        if (rows[i].ends) {
            close(fixture.peer);
            run_until_closed(&fixture);
            start_peer(&fixture);
        }
    }
    end(&fixture);
    assert_int_equal(fixture.page->refs, 1);
    payload_release(fixture.page);
}

static void pipelined_requests_wait_for_the_answer_before(void **state)
{
    struct fixture fixture;
    (void)state;
    begin(&fixture);
    peer_send(fixture.peer, GET("/one") GET("/hold") GET("/2") GET("/3"));
    read_until(&fixture, "/one");
    loopback_settle(&fixture.loopback);
    assert_int_equal(fixture.requests, 2);
    peer_send(fixture.peer, GET("/4"));
    loopback_settle(&fixture.loopback);
    assert_int_equal(fixture.requests, 2);
    http_respond_text(fixture.held, 200, "held");
    assert_int_equal(fixture.requests, 2); /* not from inside the call */
    const char *answers = read_until(&fixture, "/4");
    assert_int_equal(fixture.requests, 5);
    const char *second = strstr(answers, "held");
    assert_non_null(second);
    assert_true(second < strstr(answers, "/2") && strstr(answers, "/2") < strstr(answers, "/3"));
    assert_int_equal(fixture.gone, 0);
    end(&fixture);
}

static void any_split_of_the_bytes_gives_the_same_answers(void **state)
{
    static const char requests[] =
        GET("/one") "POST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello" GET("/end");
    struct fixture fixture;
    (void)state;
    begin(&fixture);
    for (size_t i = 0; i < sizeof(requests) - 1; i++) {
        char byte[2] = {requests[i], '\0'};
        peer_send(fixture.peer, byte);
        loopback_settle(&fixture.loopback);
    }
    const char *answers = read_all(&fixture);
    assert_int_equal(fixture.requests, 3);
    assert_non_null(strstr(answers, "\r\n\r\n/oneHTTP/1.1 200"));
    assert_non_null(strstr(answers, "\r\n\r\nhelloHTTP/1.1 200"));
    assert_non_null(strstr(answers, "\r\n\r\nlast"));
    end(&fixture);
}

static void a_client_that_goes_while_its_answer_is_held_is_gone_at_once(void **state)
{
    static const char *const paths[] = {GET("/hold"), GET("/hold-stream")};
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(paths) * 2; i++) {
        struct fixture fixture;
        bool is_reset = i >= MEM_COUNT(paths);
        begin(&fixture);
        peer_send(fixture.peer, paths[i % MEM_COUNT(paths)]);
        loopback_run_until(&fixture.loopback, fixture.held != NULL);
        loopback_settle(&fixture.loopback);
        if (is_reset) {
            peer_reset(fixture.peer);
        } else {
            shutdown(fixture.peer, SHUT_WR);
        }
        loopback_run_until(&fixture.loopback, fixture.gone == 1);
        assert_int_equal(fixture.gone_by_reset, is_reset);
        run_until_closed(&fixture);
        if (!is_reset) {
            close(fixture.peer);
        }
        fixture.peer = -1;
        end(&fixture);
        assert_int_equal(fixture.gone, 1);
    }
}

/* Its next request, on another connection, may come in the same turn. */
static void a_client_that_asks_and_leaves_at_once_is_gone_in_the_same_turn(void **state)
{
    struct fixture fixture;
    (void)state;
    begin(&fixture);
    peer_send(fixture.peer, GET("/hold"));
    close(fixture.peer);
    fixture.peer = -1;
    loopback_run_until(&fixture.loopback, fixture.requests == 1);
    assert_int_equal(fixture.gone, 1);
    assert_false(fixture.gone_by_reset);
    end(&fixture);
}

static void a_connection_closed_under_a_held_answer_is_gone(void **state)
{
    struct fixture fixture;
    (void)state;
    begin(&fixture);
    peer_send(fixture.peer, GET("/hold"));
    loopback_run_until(&fixture.loopback, fixture.held != NULL);
    conn_close(http_conn(fixture.held));
    loopback_run_until(&fixture.loopback, fixture.gone == 1);
    end(&fixture);
}

static void what_comes_under_a_held_answer_is_kept_up_to_16_kib(void **state)
{
    struct fixture fixture;
    struct buf requests = {0};
    int count = 0;
    (void)state;
    begin(&fixture);
    peer_send(fixture.peer, GET("/hold"));
    loopback_run_until(&fixture.loopback, fixture.held != NULL);
    struct conn *conn = http_conn(fixture.held);
    while (requests.len < HTTP_PENDING_MAX - 100) {
        buf_append_text(&requests, GET("/x"));
        count++;
    }
    buf_append_byte(&requests, '\0');
    peer_send(fixture.peer, (char *)requests.data);
    loopback_run_until(&fixture.loopback,
                       fixture.loopback.runtime.stats.bytes_in >= requests.len - 1);
    assert_false(conn->is_paused);
    peer_send(fixture.peer, GET("/x") GET("/x") GET("/x") GET("/x"));
    loopback_run_until(&fixture.loopback, conn->is_paused);
    count += 4;
    http_respond_text(fixture.held, 200, "held");
    loopback_run_until(&fixture.loopback, fixture.requests == count + 1);
    assert_false(conn->is_paused);
    end(&fixture);
    buf_finish(&requests);
}

/* 2,000 requests for a page of 1 MiB, and never a read. */
static void a_client_that_pipelines_and_does_not_read_is_not_answered_further(void **state)
{
    struct fixture fixture;
    (void)state;
    begin(&fixture);
    fixture.page = payload_create(1u << 20);
    struct conn *conn = fixture.loopback.accepted;
    for (int i = 0; i < 2000; i++) {
        ssize_t sent = send(fixture.peer, GET("/page"), strlen(GET("/page")), MSG_DONTWAIT);
        if (sent < (ssize_t)strlen(GET("/page"))) {
            break;
        }
        if (i % 50 == 0) {
            uv_run(&fixture.loopback.runtime.loop, UV_RUN_NOWAIT);
        }
        assert_true(conn_queued(conn) < (3u << 20));
    }
    loopback_settle(&fixture.loopback);
    assert_true(fixture.requests < 50);
    end(&fixture);
    payload_release(fixture.page);
}

static void a_request_that_does_not_come_in_time_is_answered_408(void **state)
{
    static const struct {
        const char *first; /* answered before */
        const char *slow;
    } rows[] = {
        {NULL, "GET / HT"},
        {NULL, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nhalf"},
        {GET("/one"), "G"},
        {GET("/one"), "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nha"},
    };
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(rows); i++) {
        struct fixture fixture;
        memset(&fixture, 0, sizeof(fixture));
        loopback_init(&fixture.loopback);
        fixture.loopback.settings.timeouts.http_header_ms = 150;
        fixture.loopback.settings.timeouts.http_body_ms = 150;
        start_peer(&fixture);
        if (rows[i].first != NULL) {
            peer_send(fixture.peer, rows[i].first);
            read_until(&fixture, "/one");
        }
        peer_send(fixture.peer, rows[i].slow);
        const char *answer = read_all(&fixture);
        assert_memory_equal(answer, "HTTP/1.1 408 ", 13);
        assert_non_null(strstr(answer, "Connection: close\r\n"));
        end(&fixture);
    }
}

/* One byte now and then does not move the deadline of a header block. */
static void a_slow_header_is_closed_by_its_absolute_deadline(void **state)
{
    struct fixture fixture;
    char answer[13];
    ssize_t count = 0;
    (void)state;
    memset(&fixture, 0, sizeof(fixture));
    loopback_init(&fixture.loopback);
    fixture.loopback.settings.timeouts.http_header_ms = 300;
    start_peer(&fixture);
    peer_send(fixture.peer, "GET / HTTP/1.1\r\nHost: ");
    uint64_t start = runtime_now(&fixture.loopback.runtime);
    uint64_t sent = start;
    while (count <= 0) {
        uv_run(&fixture.loopback.runtime.loop, UV_RUN_ONCE);
        if (runtime_now(&fixture.loopback.runtime) > sent) {
            sent = runtime_now(&fixture.loopback.runtime);
            (void)send(fixture.peer, "h", 1, MSG_NOSIGNAL);
        }
        count = recv(fixture.peer, answer, sizeof(answer), MSG_DONTWAIT);
    }
    assert_memory_equal(answer, "HTTP/1.1 408 ", 13);
    end(&fixture);
}

static void an_idle_connection_is_ended_without_a_word(void **state)
{
    struct fixture fixture;
    (void)state;
    for (int first = 0; first < 2; first++) {
        memset(&fixture, 0, sizeof(fixture));
        loopback_init(&fixture.loopback);
        fixture.loopback.settings.timeouts.http_header_ms = 150;
        fixture.loopback.settings.timeouts.http_keep_alive_ms = 150;
        start_peer(&fixture);
        if (first == 0) {
            peer_send(fixture.peer, GET("/one"));
            read_until(&fixture, "/one");
        }
        assert_string_equal(read_all(&fixture), "");
        end(&fixture);
    }
}

static void a_held_answer_has_no_deadline_of_http(void **state)
{
    struct fixture fixture;
    (void)state;
    memset(&fixture, 0, sizeof(fixture));
    loopback_init(&fixture.loopback);
    fixture.loopback.settings.timeouts.http_header_ms = 100;
    fixture.loopback.settings.timeouts.http_body_ms = 100;
    fixture.loopback.settings.timeouts.http_keep_alive_ms = 100;
    start_peer(&fixture);
    peer_send(fixture.peer, GET("/hold"));
    loopback_run_until(&fixture.loopback, fixture.held != NULL);
    int held = fixture.peer;
    start_peer(&fixture); /* another, idle one: its end tells that the time has passed */
    assert_string_equal(read_all(&fixture), "");
    close(fixture.peer);
    fixture.peer = held;
    assert_int_equal(fixture.gone, 0);
    http_respond_text(fixture.held, 200, "held");
    read_until(&fixture, "held");
    end(&fixture);
}

static void a_bad_request_is_answered_and_nothing_behind_it_is_read(void **state)
{
    static const struct {
        const char *request;
        const char *status;
    } rows[] = {
        {"GET /a HTTP/1.1\r\n\r\n" GET("/b"), "HTTP/1.1 400 "},
        {"TRACE /a HTTP/1.1\r\nHost: h\r\nContent-Length: 30\r\n\r\n" GET("/b"), "HTTP/1.1 405 "},
        {"GET /a HTTP/2.0\r\nHost: h\r\n\r\n" GET("/b"), "HTTP/1.1 505 "},
        {"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 131073\r\n\r\n", "HTTP/1.1 413 "},
        {"\x16\x03\x01\x02", "HTTP/1.1 400 "},
    };
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(rows); i++) {
        struct fixture fixture;
        begin(&fixture);
        peer_send(fixture.peer, rows[i].request);
        const char *answer = read_all(&fixture);
        if (strncmp(answer, rows[i].status, strlen(rows[i].status)) != 0) {
            fail_msg("row %zu: %s", i, answer);
        }
        assert_non_null(strstr(answer, "Connection: close\r\n"));
        assert_null(strstr(answer, "HTTP/1.1 200"));
        assert_int_equal(fixture.requests, 0);
        assert_int_equal(fixture.loopback.runtime.stats.http_bad_requests, 1);
        end(&fixture);
    }
}

static void a_client_that_expects_100_is_told_to_go_on(void **state)
{
    struct fixture fixture;
    (void)state;
    begin(&fixture);
    peer_send(fixture.peer, "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n"
                            "Expect: 100-continue\r\n\r\n");
    assert_string_equal(read_until(&fixture, "\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    assert_int_equal(fixture.requests, 0);
    peer_send(fixture.peer, "body");
    read_until(&fixture, "\r\n\r\nbody");
    assert_int_equal(fixture.requests, 1);
    end(&fixture);
}

static void an_upgrade_hands_over_the_connection_and_what_came_behind(void **state)
{
    struct fixture fixture;
    (void)state;
    begin(&fixture);
    peer_send(fixture.peer,
              GET("/one") "GET /upgrade HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n"
                          "Upgrade: websocket\r\n\r\n\x81\x80no http");
    loopback_run_until(&fixture.loopback, fixture.rest.len == 9);
    assert_memory_equal(fixture.rest.data, "\x81\x80no http", 9);
    peer_send(fixture.peer, "more");
    loopback_run_until(&fixture.loopback, fixture.rest.len == 13);
    assert_int_equal(fixture.upgraded->deadline_ms, 0);
    end(&fixture);
    assert_int_equal(fixture.closes, 1);
    assert_int_equal(fixture.requests, 2);
}

static void an_upgrade_that_waited_behind_a_held_answer_is_handed_over_too(void **state)
{
    struct fixture fixture;
    (void)state;
    begin(&fixture);
    peer_send(fixture.peer,
              GET("/hold") "GET /upgrade HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n"
                           "Upgrade: websocket\r\n\r\nrest");
    loopback_run_until(&fixture.loopback, fixture.held != NULL);
    loopback_settle(&fixture.loopback);
    http_respond_text(fixture.held, 200, "held");
    loopback_run_until(&fixture.loopback, fixture.rest.len == 4);
    end(&fixture);
    assert_int_equal(fixture.closes, 1);
}

static void a_half_closed_client_still_gets_its_answer(void **state)
{
    struct fixture fixture;
    (void)state;
    begin(&fixture);
    peer_send(fixture.peer, GET("/one") GET("/2"));
    shutdown(fixture.peer, SHUT_WR);
    const char *answers = read_all(&fixture);
    assert_non_null(strstr(answers, "/one"));
    assert_non_null(strstr(answers, "/2"));
    end(&fixture);
}

static void while_draining_each_answer_is_the_last(void **state)
{
    struct fixture fixture;
    (void)state;
    begin(&fixture);
    fixture.loopback.runtime.is_draining = true;
    peer_send(fixture.peer, GET("/one") GET("/2"));
    const char *answers = read_all(&fixture);
    assert_non_null(strstr(answers, "Connection: close\r\n"));
    assert_int_equal(fixture.requests, 1);
    end(&fixture);
}

static void a_holder_hears_that_its_stream_was_written(void **state)
{
    struct fixture fixture;
    (void)state;
    begin(&fixture);
    peer_send(fixture.peer, GET("/hold-stream"));
    loopback_run_until(&fixture.loopback, fixture.held != NULL);
    struct payload *chunk = payload_create(8u << 20);
    memset(chunk->data, 'x', chunk->len);
    http_chunk_payload(fixture.held, chunk); /* as if wrapped */
    payload_release(chunk);
    loopback_settle(&fixture.loopback);
    assert_int_equal(fixture.drains, 0);
    char *read = mem_alloc(8u << 20);
    peer_read(&fixture.loopback, fixture.peer, read, 8u << 20);
    mem_free(read);
    loopback_run_until(&fixture.loopback, fixture.drains == 1);
    http_stream_end(fixture.held);
    read_until(&fixture, "0\r\n\r\n");
    end(&fixture);
    assert_int_equal(fixture.gone, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_of_answer_has_exactly_these_bytes),
        cmocka_unit_test(pipelined_requests_wait_for_the_answer_before),
        cmocka_unit_test(any_split_of_the_bytes_gives_the_same_answers),
        cmocka_unit_test(a_client_that_goes_while_its_answer_is_held_is_gone_at_once),
        cmocka_unit_test(a_client_that_asks_and_leaves_at_once_is_gone_in_the_same_turn),
        cmocka_unit_test(a_connection_closed_under_a_held_answer_is_gone),
        cmocka_unit_test(what_comes_under_a_held_answer_is_kept_up_to_16_kib),
        cmocka_unit_test(a_client_that_pipelines_and_does_not_read_is_not_answered_further),
        cmocka_unit_test(a_request_that_does_not_come_in_time_is_answered_408),
        cmocka_unit_test(a_slow_header_is_closed_by_its_absolute_deadline),
        cmocka_unit_test(an_idle_connection_is_ended_without_a_word),
        cmocka_unit_test(a_held_answer_has_no_deadline_of_http),
        cmocka_unit_test(a_bad_request_is_answered_and_nothing_behind_it_is_read),
        cmocka_unit_test(a_client_that_expects_100_is_told_to_go_on),
        cmocka_unit_test(an_upgrade_hands_over_the_connection_and_what_came_behind),
        cmocka_unit_test(an_upgrade_that_waited_behind_a_held_answer_is_handed_over_too),
        cmocka_unit_test(a_half_closed_client_still_gets_its_answer),
        cmocka_unit_test(while_draining_each_answer_is_the_last),
        cmocka_unit_test(a_holder_hears_that_its_stream_was_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
