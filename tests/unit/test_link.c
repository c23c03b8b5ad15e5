/* SPDX-License-Identifier: MIT
 *
 * The link over a socket pair and a real loop; the other end is a plain descriptor in the test's
 * hands.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "common/link.h"
#include "common/mem.h"
#include "common/wire.h"

static uv_loop_t loop;
static struct turn turn;
static struct wheel wheel;
static struct link subject;
static int other;      /* our end of the socket, -1 when closed */
static struct buf got; /* what on_message heard: type, body, newline */
static int lost_code;
static unsigned lost_times;
static unsigned closed_times;
static unsigned close_at;  /* on_message closes at this message, counted from 1 */
static unsigned refuse_at; /* on_message refuses this message */
static bool closes_on_lost;
static bool writes_on_message;

static int on_message(struct link *link, uint8_t type, struct str body)
{
    assert_int_equal(closed_times, 0);
    buf_append_byte(&got, type);
    buf_append_str(&got, body);
    buf_append_byte(&got, '\n');
    if (writes_on_message) {
        buf_append_str(link_begin(link, type), body);
        link_end(link);
    }
    if (link->received == close_at) {
        link_close(link);
    }
    return link->received == refuse_at ? ERR_DENIED : 0;
}

static void on_lost(struct link *link, int code)
{
    lost_times++;
    lost_code = code;
    if (closes_on_lost) {
        link_close(link);
    }
}

static void on_closed(struct link *link)
{
    (void)link;
    closed_times++;
}

static const struct link_handler handler = {on_message, on_lost, on_closed};

static void open_with(const struct link_options *options)
{
    int fds[2];
    assert_int_equal(uv_socketpair(SOCK_STREAM, 0, fds, UV_NONBLOCK_PIPE, UV_NONBLOCK_PIPE), 0);
    other = fds[1];
    assert_int_equal(uv_pipe_init(&loop, &subject.pipe, 0), 0);
    assert_int_equal(uv_pipe_open(&subject.pipe, fds[0]), 0);
    assert_int_equal(link_open(&subject, &turn, &wheel, options, &handler), 0);
}

static const struct link_options roomy = {.queue_bytes_max = 64u << 20, .stall_ms = 10000};

static int open_loop(void **state)
{
    (void)state;
    lost_code = 0;
    lost_times = closed_times = close_at = refuse_at = 0;
    closes_on_lost = true;
    writes_on_message = false;
    memset(&subject, 0, sizeof(subject));
    memset(&turn, 0, sizeof(turn));
    memset(&wheel, 0, sizeof(wheel));
    uv_loop_init(&loop);
    turn_init(&turn, &loop);
    wheel_init(&wheel, &loop);
    open_with(&roomy);
    return 0;
}

static void limit_to(size_t queue_bytes_max, uint64_t stall_ms)
{
    subject.options = (struct link_options){queue_bytes_max, stall_ms};
}

static int close_loop(void **state)
{
    (void)state;
    link_close(&subject);
    link_close(&subject);
    wheel_close(&wheel);
    turn_close(&turn);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(closed_times, 1);
    wheel_finish(&wheel);
    buf_finish(&got);
    if (other >= 0) {
        (void)close(other);
    }
    return uv_loop_close(&loop);
}

/* What has been written has been read when nothing more happens. */
static void run_until_idle(void)
{
    for (int i = 0; i < 4; i++) {
        uv_run(&loop, UV_RUN_NOWAIT);
    }
}

static void write_bytes(const void *bytes, size_t len)
{
    if (len > 0) {
        assert_int_equal(write(other, bytes, len), (ssize_t)len);
    }
}

static void put_message(struct buf *out, uint8_t type, struct str body)
{
    wire_put_u32(out, (uint32_t)body.len + 1);
    wire_put_u8(out, type);
    buf_append_str(out, body);
}

static size_t read_all(struct buf *out)
{
    size_t before = out->len;
    ssize_t len;
    while ((len = read(other, buf_reserve(out, 1u << 20), 1u << 20)) > 0) {
        out->len += (size_t)len;
    }
    return out->len - before;
}

static void any_split_gives_the_same_messages(void **state)
{
    (void)state;
    struct buf stream = {NULL, 0, 0};
    put_message(&stream, 'a', STR(""));
    put_message(&stream, 'b', STR("hello"));
    put_message(&stream, 'c', STR("\n"));
    put_message(&stream, 'd', STR("a longer body than the others"));
    static const char wanted[] = "a\nbhello\nc\n\nda longer body than the others\n";
    for (size_t first = 1; first <= stream.len; first++) {
        got.len = 0;
        write_bytes(stream.data, first);
        run_until_idle();
        write_bytes(stream.data + first, stream.len - first);
        run_until_idle();
        assert_true(str_equal(buf_str(&got), STR(wanted)));
    }
    got.len = 0;
    for (size_t i = 0; i < stream.len; i++) {
        write_bytes(stream.data + i, 1);
        run_until_idle();
    }
    assert_true(str_equal(buf_str(&got), STR(wanted)));
    assert_int_equal(subject.received, 4 * (stream.len + 1));
    assert_int_equal(lost_times, 0);
    buf_finish(&stream);
}

static void a_message_larger_than_the_slab_is_whole(void **state)
{
    (void)state;
    struct buf stream = {NULL, 0, 0};
    struct buf body = {NULL, 0, 0};
    for (unsigned i = 0; i < 300000; i++) {
        buf_append_byte(&body, (uint8_t)(i * 7 + i / 256));
    }
    put_message(&stream, 'L', buf_str(&body));
    put_message(&stream, 's', STR("small"));
    for (size_t at = 0; at < stream.len;) {
        ssize_t len = write(other, stream.data + at, stream.len - at);
        assert_true(len > 0);
        at += (size_t)len;
        run_until_idle();
    }
    assert_int_equal(got.len, 1 + body.len + 1 + 7);
    assert_memory_equal(got.data + 1, body.data, body.len);
    assert_memory_equal(got.data + got.len - 7, "ssmall\n", 7);
    assert_true(subject.in.cap < 200000);
    buf_finish(&stream);
    buf_finish(&body);
}

static void broken_framing_loses_the_link(void **state) /* {length, lost at once} */
{
    (void)state;
    static const struct {
        uint32_t length;
        bool is_lost;
    } rows[] = {{0, true},
                {1, false},
                {LINK_MESSAGE_BYTES_MAX, false},
                {LINK_MESSAGE_BYTES_MAX + 1, true},
                {UINT32_MAX, true}};
    for (size_t i = 0; i < 2 * MEM_COUNT(rows); i++) {
        struct buf head = {NULL, 0, 0};
        uint32_t length = rows[i / 2].length;
        put_message(&head, 'x', STR("ok"));
        wire_put_u32(&head, length);
        if (i % 2 == 0) {
            write_bytes(head.data, head.len);
            run_until_idle();
        }
        for (size_t at = 0; i % 2 == 1 && at < head.len; at++) {
            write_bytes(head.data + at, 1);
            run_until_idle();
        }
        assert_true(str_equal(buf_str(&got), STR("xok\n")));
        assert_int_equal(lost_times, rows[i / 2].is_lost);
        assert_int_equal(lost_code, rows[i / 2].is_lost ? ERR_PROTOCOL : 0);
        assert_int_equal(subject.received, 1);
        buf_finish(&head);
        (void)close_loop(NULL);
        (void)open_loop(NULL);
    }
}

static void the_end_of_the_pipe_is_told_once(void **state) /* between messages, then within one */
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        closes_on_lost = i == 0;
        write_bytes("\0\0\0\5xab", i == 0 ? 0 : 7);
        (void)close(other);
        other = -1;
        run_until_idle();
        assert_int_equal(lost_times, 1);
        assert_int_equal(lost_code, UV_EOF);
        assert_int_equal(got.len, 0);
        (void)close_loop(NULL);
        (void)open_loop(NULL);
    }
}

static void
closing_inside_a_message_stops_at_once(void **state) /* from the slab, then from a partial */
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct buf stream = {NULL, 0, 0};
        for (char type = 'a'; type < 'f'; type++) {
            put_message(&stream, (uint8_t)type, STR("body"));
        }
        close_at = 2;
        write_bytes(stream.data, i == 0 ? stream.len : 12);
        run_until_idle();
        write_bytes(stream.data + 12, i == 0 ? 0 : stream.len - 12);
        run_until_idle();
        assert_true(str_equal(buf_str(&got), STR("abody\nbbody\n")));
        assert_int_equal(lost_times, 0);
        buf_finish(&stream);
        (void)close_loop(NULL);
        (void)open_loop(NULL);
    }
}

static void a_refused_message_loses_the_link_with_its_code(void **state)
{
    (void)state;
    struct buf stream = {NULL, 0, 0};
    put_message(&stream, 'a', STR(""));
    put_message(&stream, 'b', STR(""));
    put_message(&stream, 'c', STR(""));
    refuse_at = 2;
    closes_on_lost = false;
    write_bytes(stream.data, stream.len);
    run_until_idle();
    assert_true(str_equal(buf_str(&got), STR("a\nb\n")));
    assert_int_equal(lost_code, ERR_DENIED);
    assert_int_equal(lost_times, 1);
    /* Lost but not closed yet: what is written goes nowhere. */
    buf_append_text(link_begin(&subject, 'z'), "gone");
    link_end(&subject);
    run_until_idle();
    assert_int_equal(subject.sent, 0);
    assert_int_equal(link_queued(&subject), 0);
    buf_finish(&stream);
}

static void the_messages_of_a_turn_leave_together(void **state)
{
    (void)state;
    struct buf out = {NULL, 0, 0};
    static const char wanted[] = "\0\0\0\3ahi\0\0\0\1b\0\0\0\4clast";
    buf_append_text(link_begin(&subject, 'a'), "hi");
    link_end(&subject);
    (void)link_begin(&subject, 'b');
    link_end(&subject);
    buf_append_text(link_begin(&subject, 'c'), "las");
    link_end(&subject);
    assert_int_equal(read_all(&out), 0);
    assert_int_equal(link_queued(&subject), 7 + 5 + 8);
    run_until_idle();
    assert_int_equal(read_all(&out), 20);
    assert_memory_equal(out.data, wanted, 20);
    assert_int_equal(subject.sent, 3);
    assert_int_equal(link_queued(&subject), 0);
    buf_finish(&out);
}

static void queue_messages(unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        struct buf *out = link_begin(&subject, 'q');
        wire_put_u32(out, i);
        memset(buf_reserve(out, 996), 'x', 996);
        out->len += 996;
        link_end(&subject);
    }
}

static void a_slow_reader_gets_everything_in_order(void **state)
{
    (void)state;
    struct buf out = {NULL, 0, 0};
    for (unsigned i = 0; i < 2000; i += 500) {
        queue_messages(i, i + 500);
        uv_run(&loop, UV_RUN_NOWAIT); /* far more than the socket holds */
    }
    assert_true(link_queued(&subject) > 0);
    while (out.len < 2000 * 1005) {
        uv_run(&loop, UV_RUN_NOWAIT);
        (void)read_all(&out);
    }
    for (unsigned i = 0; i < 2000; i++) {
        struct wire_reader reader;
        wire_reader_init(&reader, out.data + (size_t)i * 1005, 1005);
        assert_int_equal(wire_get_u32(&reader), 1001);
        assert_int_equal(wire_get_u8(&reader), 'q');
        assert_int_equal(wire_get_u32(&reader), i);
    }
    run_until_idle();
    assert_int_equal(link_queued(&subject), 0);
    assert_int_equal(wheel.count, 0);
    assert_int_equal(lost_times, 0);
    buf_finish(&out);
}

static void a_full_queue_loses_the_link_at_the_turns_end(void **state)
{
    (void)state;
    limit_to(10050, 10000);
    queue_messages(0, 10);
    assert_false(subject.is_lost);
    queue_messages(10, 12);
    assert_true(subject.is_lost);
    assert_int_equal(lost_times, 0); /* not inside link_end() */
    assert_int_equal(subject.sent, 11);
    run_until_idle();
    assert_int_equal(lost_times, 1);
    assert_int_equal(lost_code, ERR_LIMIT);
}

static void a_full_queue_counts_what_libuv_holds(void **state)
{
    (void)state;
    limit_to(2000000, 10000);
    queue_messages(0, 1000);
    uv_run(&loop, UV_RUN_NOWAIT);
    assert_true(subject.is_writing);
    queue_messages(0, 900);
    assert_false(subject.is_lost);
    queue_messages(0, 400);
    assert_true(subject.is_lost);
    run_until_idle();
    assert_int_equal(lost_code, ERR_LIMIT);
}

static void closing_before_a_full_queue_is_told_leaves_it_untold(void **state)
{
    (void)state;
    limit_to(100, 10000);
    queue_messages(0, 1);
    assert_true(subject.is_lost);
    link_close(&subject);
    run_until_idle();
    assert_int_equal(lost_times, 0);
    assert_int_equal(closed_times, 1);
}

/* The test's own clock, as in test_wheel.c. */
static void pass_ticks(uint64_t ms)
{
    for (uint64_t end = loop.time + ms; loop.time < end;) {
        loop.time += WHEEL_TICK_MS;
        if (uv_is_active((uv_handle_t *)&wheel.timer) && wheel.timer.timeout <= loop.time) {
            uv_timer_stop(&wheel.timer);
            wheel.timer.timer_cb(&wheel.timer);
        }
    }
}

static void a_stalled_reader_loses_the_link(void **state)
{
    (void)state;
    limit_to(64u << 20, 1000);
    closes_on_lost = false;
    queue_messages(0, 1000);
    turn.prepare.prepare_cb(&turn.prepare);
    assert_true(subject.is_writing);
    pass_ticks(900);
    assert_int_equal(lost_times, 0);
    pass_ticks(600);
    assert_int_equal(lost_times, 1);
    assert_int_equal(lost_code, ERR_LIMIT);
}

static void a_slow_reader_is_not_a_stalled_one(void **state)
{
    (void)state;
    struct buf out = {NULL, 0, 0};
    limit_to(64u << 20, 1000);
    queue_messages(0, 4000);
    turn.prepare.prepare_cb(&turn.prepare);
    assert_true(subject.is_writing);
    for (int i = 0; i < 8; i++) {
        pass_ticks(800);
        assert_int_equal(lost_times, 0);
        uint64_t now = loop.time;
        assert_true(read_all(&out) > 0);
        wheel.timer.timeout += 1u << 30; /* the real loop must not ring it */
        uv_run(&loop, UV_RUN_NOWAIT);
        wheel.timer.timeout -= 1u << 30;
        loop.time = now;
    }
    assert_true(subject.is_writing);
    buf_finish(&out);
}

static void closing_with_a_write_under_way_is_clean(void **state)
{
    (void)state;
    queue_messages(0, 1000);
    uv_run(&loop, UV_RUN_NOWAIT);
    assert_true(subject.is_writing);
    queue_messages(0, 10);
    link_flush_and_close(&subject);
    assert_int_equal(closed_times, 0);
    run_until_idle();
    assert_int_equal(closed_times, 1);
    assert_int_equal(lost_times, 0);
}

static void flush_and_close_sends_what_is_queued(void **state)
{
    (void)state;
    struct buf out = {NULL, 0, 0};
    queue_messages(0, 3);
    link_flush_and_close(&subject);
    (void)link_begin(&subject, 'z');
    link_end(&subject);
    run_until_idle();
    assert_int_equal(read_all(&out), 3 * 1005);
    assert_int_equal(closed_times, 1);
    buf_finish(&out);
}

static void answering_inside_a_message_is_flushed_in_that_turn(void **state)
{
    (void)state;
    struct buf stream = {NULL, 0, 0};
    struct buf out = {NULL, 0, 0};
    writes_on_message = true;
    put_message(&stream, 'p', STR("ping"));
    write_bytes(stream.data, stream.len);
    uv_run(&loop, UV_RUN_ONCE);
    run_until_idle();
    assert_int_equal(read_all(&out), stream.len);
    assert_memory_equal(out.data, stream.data, stream.len);
    buf_finish(&stream);
    buf_finish(&out);
}

static void the_peer_is_known_by_its_uid(void **state)
{
    (void)state;
    unsigned uid = 4711;
    assert_int_equal(link_peer_uid(&subject, &uid), 0);
    assert_int_equal(uid, getuid());
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, open_loop, close_loop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(any_split_gives_the_same_messages),
        TEST(a_message_larger_than_the_slab_is_whole),
        TEST(broken_framing_loses_the_link),
        TEST(the_end_of_the_pipe_is_told_once),
        TEST(closing_inside_a_message_stops_at_once),
        TEST(a_refused_message_loses_the_link_with_its_code),
        TEST(the_messages_of_a_turn_leave_together),
        TEST(a_slow_reader_gets_everything_in_order),
        TEST(a_full_queue_loses_the_link_at_the_turns_end),
        TEST(a_full_queue_counts_what_libuv_holds),
        TEST(closing_before_a_full_queue_is_told_leaves_it_untold),
        TEST(a_stalled_reader_loses_the_link),
        TEST(a_slow_reader_is_not_a_stalled_one),
        TEST(closing_with_a_write_under_way_is_clean),
        TEST(flush_and_close_sends_what_is_queued),
        TEST(answering_inside_a_message_is_flushed_in_that_turn),
        TEST(the_peer_is_known_by_its_uid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
