/* SPDX-License-Identifier: MIT
 *
 * One client's byte stream, over loopback TCP.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>

#include <cmocka.h>

#include "tests/unit/loopback.h"

/* What the connection told its owner. */
struct heard {
    struct buf bytes;
    int ends;
    int end_code;
    int drains;
    int deadlines;
    int closes;
    bool closes_in_bytes; /* conn_close() inside on_bytes */
};

static void on_bytes(struct conn *conn, uint8_t *bytes, size_t len)
{
    struct heard *heard = conn->data;
    buf_append(&heard->bytes, bytes, len);
    memset(bytes, 'x', len); /* owners may change them in place */
    if (heard->closes_in_bytes) {
        conn_close(conn);
    }
}

static void on_end(struct conn *conn, int code)
{
    struct heard *heard = conn->data;
    heard->ends++;
    heard->end_code = code;
}

static void on_drained(struct conn *conn)
{
    ((struct heard *)conn->data)->drains++;
}

static void on_deadline(struct conn *conn)
{
    ((struct heard *)conn->data)->deadlines++;
}

static void on_closed(struct conn *conn)
{
    ((struct heard *)conn->data)->closes++;
}

static const struct conn_owner owner = {on_bytes, on_end, on_drained, on_deadline, on_closed, NULL};

struct fixture {
    struct loopback loopback;
    struct heard heard;
    struct conn *conn;
    int peer;
};

static int begin(struct fixture *fixture, int receive_bytes)
{
    memset(&fixture->heard, 0, sizeof(fixture->heard));
    loopback_init(&fixture->loopback);
    fixture->peer = loopback_connect(&fixture->loopback, receive_bytes);
    fixture->conn = fixture->loopback.accepted;
    conn_set_owner(fixture->conn, &owner, &fixture->heard);
    return 0;
}

/* Closes what is still open and checks that the owner heard of it once. */
static void end(struct fixture *fixture)
{
    if (fixture->heard.closes == 0) {
        conn_close(fixture->conn);
    }
    loopback_run_until(&fixture->loopback, fixture->heard.closes > 0);
    if (fixture->peer >= 0) {
        close(fixture->peer);
    }
    loopback_finish(&fixture->loopback);
    assert_int_equal(fixture->heard.closes, 1);
    assert_int_equal(fixture->loopback.runtime.stats.connections_closed, 1);
    buf_finish(&fixture->heard.bytes);
}

static void what_one_turn_writes_leaves_in_order_by_one_send(void **state)
{
    struct fixture fixture;
    struct buf expected = {0};
    char longer[5000];
    (void)state;
    begin(&fixture, 0);
    memset(longer, 'L', sizeof(longer));
    for (int i = 0; i < 50; i++) {
        char text[16];
        int len = snprintf(text, sizeof(text), "piece %d;", i);
        conn_write(fixture.conn, text, (size_t)len);
        buf_append(&expected, text, (size_t)len);
        if (i % 7 == 0) {
            conn_write(fixture.conn, longer, sizeof(longer));
            buf_append(&expected, longer, sizeof(longer));
        }
    }
    assert_int_equal(conn_queued(fixture.conn), expected.len);
    assert_int_equal(fixture.loopback.runtime.stats.send_calls, 0);
    char *read = mem_zalloc(expected.len);
    assert_int_equal(peer_read(&fixture.loopback, fixture.peer, read, expected.len), expected.len);
    assert_memory_equal(read, expected.data, expected.len);
    assert_int_equal(fixture.loopback.runtime.stats.send_calls, 1);
    assert_int_equal(fixture.loopback.runtime.stats.bytes_out, expected.len);
    assert_int_equal(conn_queued(fixture.conn), 0);
    assert_null(fixture.conn->ring); /* an idle connection holds no memory */
    mem_free(read);
    buf_finish(&expected);
    end(&fixture);
}

static void a_shared_payload_is_written_from_where_it_lies(void **state)
{
    struct fixture fixture;
    struct payload *payload = payload_copy("shared", 6);
    char read[6];
    (void)state;
    begin(&fixture, 0);
    conn_write_payload(fixture.conn, payload);
    assert_int_equal(payload->refs, 2);
    assert_null(fixture.conn->ring); /* one piece needs no ring */
    assert_int_equal(peer_read(&fixture.loopback, fixture.peer, read, 6), 6);
    assert_memory_equal(read, "shared", 6);
    assert_int_equal(payload->refs, 1);
    end(&fixture);
    payload_release(payload);
}

/* More than any socket buffer takes, in pieces of every size, read late. */
static void a_peer_that_reads_late_gets_all_of_it_and_the_owner_hears_drained(void **state)
{
    struct fixture fixture;
    size_t total = 0;
    uint32_t seed = 1;
    (void)state;
    begin(&fixture, 4096);
    while (total < (8u << 20)) {
        seed = seed * 1103515245u + 12345u;
        size_t len = seed >> 28 == 0 ? 100000 : (seed >> 16) % 3000 + 1;
        struct payload *payload = payload_create(len);
        for (size_t i = 0; i < len; i++) {
            payload->data[i] = (uint8_t)((total + i) * 7 >> 3);
        }
        conn_take_payload(fixture.conn, payload);
        total += len;
        if (total % 11 == 0) {
            uv_run(&fixture.loopback.runtime.loop, UV_RUN_NOWAIT);
        }
    }
    loopback_settle(&fixture.loopback);
    assert_true(conn_queued(fixture.conn) > 0);
    assert_int_equal(fixture.heard.drains, 0);
    uint8_t *read = mem_zalloc(total);
    assert_int_equal(peer_read(&fixture.loopback, fixture.peer, read, total), total);
    for (size_t i = 0; i < total; i++) {
        if (read[i] != (uint8_t)(i * 7 >> 3)) {
            fail_msg("byte %zu", i);
        }
    }
    loopback_run_until(&fixture.loopback, fixture.heard.drains == 1);
    assert_int_equal(conn_queued(fixture.conn), 0);
    assert_int_equal(fixture.loopback.runtime.stats.bytes_out, total);
    mem_free(read);
    end(&fixture);
}

static void a_peer_that_takes_nothing_is_closed_as_timed_out(void **state)
{
    struct fixture fixture;
    (void)state;
    begin(&fixture, 4096);
    fixture.loopback.settings.timeouts.write_stall_ms = 100;
    for (int i = 0; i < 64; i++) {
        conn_take_payload(fixture.conn, payload_create(1u << 20));
    }
    loopback_run_until(&fixture.loopback, fixture.heard.closes == 1);
    assert_int_equal(fixture.heard.ends, 1);
    assert_int_equal(fixture.heard.end_code, UV_ETIMEDOUT);
    end(&fixture);
}

static void ending_writes_the_queue_then_fin_and_drops_what_comes(void **state)
{
    struct fixture fixture;
    char read[16];
    (void)state;
    begin(&fixture, 0);
    conn_write(fixture.conn, "bye", 3);
    conn_end(fixture.conn);
    conn_end(fixture.conn);
    conn_write(fixture.conn, "late", 4);
    peer_send(fixture.peer, "not read");
    assert_int_equal(peer_read(&fixture.loopback, fixture.peer, read, sizeof(read)), 3);
    assert_memory_equal(read, "bye", 3);
    assert_int_equal(fixture.heard.closes, 0);
    shutdown(fixture.peer, SHUT_WR);
    loopback_run_until(&fixture.loopback, fixture.heard.closes == 1);
    assert_int_equal(fixture.heard.ends, 0);
    assert_int_equal(fixture.heard.bytes.len, 0);
    end(&fixture);
}

static void a_peer_that_never_answers_our_fin_is_closed(void **state)
{
    struct fixture fixture;
    (void)state;
    begin(&fixture, 0);
    fixture.loopback.settings.timeouts.close_ms = 100;
    conn_end(fixture.conn);
    loopback_run_until(&fixture.loopback, fixture.heard.closes == 1);
    end(&fixture);
}

static void closing_twice_or_while_bytes_are_queued_tells_the_owner_once(void **state)
{
    struct fixture fixture;
    struct payload *payload = payload_create(8u << 20);
    (void)state;
    begin(&fixture, 4096);
    conn_write_payload(fixture.conn, payload);
    loopback_settle(&fixture.loopback); /* a uv_write is under way */
    assert_int_equal(payload->refs, 2);
    conn_close(fixture.conn);
    conn_close(fixture.conn);
    conn_end(fixture.conn);
    conn_write(fixture.conn, "late", 4);
    loopback_run_until(&fixture.loopback, fixture.heard.closes == 1);
    assert_int_equal(payload->refs, 1);
    payload_release(payload);
    end(&fixture);
}

static void an_owner_may_close_while_it_is_given_bytes(void **state)
{
    struct fixture fixture;
    (void)state;
    begin(&fixture, 0);
    fixture.heard.closes_in_bytes = true;
    peer_send(fixture.peer, "hello");
    loopback_run_until(&fixture.loopback, fixture.heard.closes == 1);
    assert_int_equal(fixture.heard.bytes.len, 5);
    assert_int_equal(fixture.heard.ends, 0);
    end(&fixture);
}

static void a_fin_is_told_and_what_is_written_after_it_still_arrives(void **state)
{
    struct fixture fixture;
    char read[16];
    (void)state;
    begin(&fixture, 0);
    peer_send(fixture.peer, "ask");
    shutdown(fixture.peer, SHUT_WR);
    loopback_run_until(&fixture.loopback, fixture.heard.ends == 1);
    assert_int_equal(fixture.heard.end_code, 0);
    assert_int_equal(fixture.heard.bytes.len, 3);
    conn_write(fixture.conn, "answer", 6);
    conn_end(fixture.conn);
    assert_int_equal(peer_read(&fixture.loopback, fixture.peer, read, sizeof(read)), 6);
    loopback_run_until(&fixture.loopback, fixture.heard.closes == 1); /* no wait for a second FIN */
    end(&fixture);
}

static void a_reset_is_told_with_its_code_and_closes(void **state)
{
    struct fixture fixture;
    (void)state;
    begin(&fixture, 0);
    peer_reset(fixture.peer);
    fixture.peer = -1;
    loopback_run_until(&fixture.loopback, fixture.heard.closes == 1);
    assert_int_equal(fixture.heard.ends, 1);
    assert_int_equal(fixture.heard.end_code, UV_ECONNRESET);
    end(&fixture);
}

static void a_paused_connection_reads_nothing_until_resumed(void **state)
{
    struct fixture fixture;
    (void)state;
    begin(&fixture, 0);
    conn_pause(fixture.conn);
    conn_pause(fixture.conn);
    peer_send(fixture.peer, "wait");
    loopback_settle(&fixture.loopback);
    assert_int_equal(fixture.heard.bytes.len, 0);
    conn_resume(fixture.conn);
    conn_resume(fixture.conn);
    loopback_run_until(&fixture.loopback, fixture.heard.bytes.len == 4);
    assert_int_equal(fixture.loopback.runtime.stats.bytes_in, 4);
    end(&fixture);
}

static bool later_came;

static void on_later(struct wheel_entry *entry)
{
    (void)entry;
    later_came = true;
}

static void a_deadline_is_told_once_and_may_be_moved_or_removed(void **state)
{
    struct fixture fixture;
    struct wheel_entry later = {0};
    (void)state;
    begin(&fixture, 0);
    conn_set_deadline(fixture.conn, 60000);
    conn_set_deadline(fixture.conn, 1); /* sooner */
    loopback_run_until(&fixture.loopback, fixture.heard.deadlines == 1);
    conn_set_deadline(fixture.conn, 1);
    conn_set_deadline(fixture.conn, 0);
    wheel_add(&fixture.loopback.runtime.wheel, &later, 2 * WHEEL_TICK_MS, on_later);
    loopback_run_until(&fixture.loopback, later_came);
    assert_int_equal(fixture.heard.deadlines, 1);
    end(&fixture);
}

static void fed_bytes_go_to_the_present_owner(void **state)
{
    struct fixture fixture;
    struct heard second = {0};
    uint8_t bytes[] = "early";
    (void)state;
    begin(&fixture, 0);
    conn_set_owner(fixture.conn, &owner, &second);
    conn_feed(fixture.conn, bytes, 5);
    conn_feed(fixture.conn, bytes, 0);
    assert_int_equal(second.bytes.len, 5);
    assert_int_equal(fixture.heard.bytes.len, 0);
    conn_set_owner(fixture.conn, &owner, &fixture.heard);
    conn_close(fixture.conn);
    conn_feed(fixture.conn, bytes, 5);
    assert_int_equal(fixture.heard.bytes.len, 0);
    buf_finish(&second.bytes);
    end(&fixture);
}

static void acknowledged_means_that_the_peer_has_all_of_it(void **state)
{
    struct fixture fixture;
    char read[3];
    char address[CONN_ADDRESS_MAX];
    (void)state;
    begin(&fixture, 0);
    conn_peer(fixture.conn, address);
    assert_memory_equal(address, "127.0.0.1:", 10);
    conn_write(fixture.conn, "abc", 3);
    assert_false(conn_is_acknowledged(fixture.conn));
    assert_int_equal(peer_read(&fixture.loopback, fixture.peer, read, 3), 3);
    loopback_run_until(&fixture.loopback, conn_is_acknowledged(fixture.conn));
    end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_one_turn_writes_leaves_in_order_by_one_send),
        cmocka_unit_test(a_shared_payload_is_written_from_where_it_lies),
        cmocka_unit_test(a_peer_that_reads_late_gets_all_of_it_and_the_owner_hears_drained),
        cmocka_unit_test(a_peer_that_takes_nothing_is_closed_as_timed_out),
        cmocka_unit_test(ending_writes_the_queue_then_fin_and_drops_what_comes),
        cmocka_unit_test(a_peer_that_never_answers_our_fin_is_closed),
        cmocka_unit_test(closing_twice_or_while_bytes_are_queued_tells_the_owner_once),
        cmocka_unit_test(an_owner_may_close_while_it_is_given_bytes),
        cmocka_unit_test(a_fin_is_told_and_what_is_written_after_it_still_arrives),
        cmocka_unit_test(a_reset_is_told_with_its_code_and_closes),
        cmocka_unit_test(a_paused_connection_reads_nothing_until_resumed),
        cmocka_unit_test(a_deadline_is_told_once_and_may_be_moved_or_removed),
        cmocka_unit_test(fed_bytes_go_to_the_present_owner),
        cmocka_unit_test(acknowledged_means_that_the_peer_has_all_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
