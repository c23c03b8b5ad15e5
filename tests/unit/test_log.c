/* SPDX-License-Identifier: MIT
 *
 * Log lines as a reader of standard error gets them: nothing a peer says can forge, flood or stall
 * them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"

static int saved_stderr;
static int reader;

static void capture_into(int write_end, int read_end)
{
    saved_stderr = dup(STDERR_FILENO);
    assert_true(saved_stderr >= 0);
    assert_true(dup2(write_end, STDERR_FILENO) >= 0);
    (void)close(write_end);
    reader = read_end;
    (void)fcntl(reader, F_SETFL, O_NONBLOCK);
}

static void start_capture(enum log_format format)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    capture_into(ends[1], ends[0]);
    log_configure(LOG_INFO, format);
}

static void read_lines(struct buf *out)
{
    ssize_t got;
    do {
        got = read(reader, buf_reserve(out, 65536), 65536);
        out->len += got > 0 ? (size_t)got : 0;
    } while (got > 0);
    *buf_reserve(out, 1) = '\0';
}

static void end_capture(void)
{
    assert_true(dup2(saved_stderr, STDERR_FILENO) >= 0);
    (void)close(saved_stderr);
    (void)close(reader);
    log_configure(LOG_INFO, LOG_TEXT);
}

static void texts_are_shown_so_that_no_line_can_be_forged(void **state) /* {bytes, text, JSON} */
{
    (void)state;
    static const struct {
        struct str bytes;
        const char *text;
        const char *json;
    } rows[] = {
        {{"plain/word-1", 12}, "plain/word-1", "\"plain/word-1\""},
        {{"", 0}, "\"\"", "\"\""},
        {{NULL, 0}, "-", "null"},
        {{"two words", 9}, "\"two words\"", "\"two words\""},
        {{"a=b", 3}, "\"a=b\"", "\"a=b\""},
        {{"a\"b\\", 4}, "\"a\\\"b\\\\\"", "\"a\\\"b\\\\\""},
        {{"x\r\nerror forged", 15}, "\"x\\r\\nerror forged\"", "\"x\\r\\nerror forged\""},
        {{"\t\x1b[31m\x7f", 7}, "\"\\t\\u001b[31m\\u007f\"", "\"\\t\\u001b[31m\\u007f\""},
        {{"a\0b", 3}, "\"a\\u0000b\"", "\"a\\u0000b\""},
        {{"\xc2\x85\xe2\x80\xae", 5}, "\"\\u0085\\u202e\"", "\"\\u0085\\u202e\""},
        {{"\xea\xb0\x80\xf0\x9f\x98\x80", 7},
         "\"\xea\xb0\x80\xf0\x9f\x98\x80\"",
         "\"\xea\xb0\x80\xf0\x9f\x98\x80\""},
        {{"\xf3\xa0\x80\x81", 4}, "\"\\udb40\\udc01\"", "\"\\udb40\\udc01\""},
        {{"\xc0\xaf\xed\xa0\x80", 5},
         "\"\\xc0\\xaf\\xed\\xa0\\x80\"",
         "\"\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\""},
        {{"\xe2\x82", 2}, "\"\\xe2\\x82\"", "\"\\ufffd\\ufffd\""},
        {{"\xe2\x28\xa1\xff", 4}, "\"\\xe2(\\xa1\\xff\"", "\"\\ufffd(\\ufffd\\ufffd\""},
    };
    for (size_t i = 0; i < 2 * MEM_COUNT(rows); i++) {
        bool is_json = i % 2 == 1;
        struct buf got = {NULL, 0, 0};
        struct buf want = {NULL, 0, 0};
        buf_append_format(
            &want, is_json ? "{\"level\":\"warn\",\"event\":\"e\",\"k\":%s}\n" : "warn e k=%s\n",
            is_json ? rows[i / 2].json : rows[i / 2].text);
        start_capture(is_json ? LOG_JSON : LOG_TEXT);
        log_event(LOG_WARN, "e", log_str("k", rows[i / 2].bytes));
        read_lines(&got);
        end_capture();
        assert_string_equal((char *)got.data, (char *)want.data);
        buf_finish(&got);
        buf_finish(&want);
    }
}

static void numbers_and_errors_have_their_fields(void **state)
{
    (void)state;
    struct buf got = {NULL, 0, 0};
    start_capture(LOG_TEXT);
    struct log_field below_zero = {"i", LOG_FIELD_I64, {NULL, 0}, (uint64_t)INT64_MIN};
    log_event(LOG_ERROR, "e", log_u64("n", UINT64_MAX), below_zero, log_err(ERR_LIMIT),
              log_err(-104), log_err(-99999), log_text("t", "x"));
    log_event(LOG_DEBUG, "e", log_u64("n", 1));
    read_lines(&got);
    end_capture();
    assert_string_equal((char *)got.data,
                        "error e n=18446744073709551615 i=-9223372036854775808 error=limit"
                        " error=ECONNRESET error=unknown t=x\n");
    buf_finish(&got);
}

static void long_texts_are_cut_between_characters(void **state)
{
    (void)state;
    char bytes[200];
    struct buf got = {NULL, 0, 0};
    memset(bytes, 'a', sizeof(bytes));
    memcpy(bytes + 127, "\xea\xb0\x80", 3);
    start_capture(LOG_TEXT);
    log_event(LOG_INFO, "e", log_str("k", (struct str){bytes, 128}));
    log_event(LOG_INFO, "e", log_str("k", (struct str){bytes, sizeof(bytes)}));
    read_lines(&got);
    end_capture();
    char *second = strchr((char *)got.data, '\n') + 1;
    assert_int_equal(second - (char *)got.data, 9 + 2 + 127 + 4 + 1);
    assert_int_equal(strlen(second), 9 + 127 + 5 + 1);
    assert_non_null(strstr(second, "aaa...\"\n"));
    buf_finish(&got);
}

static void a_field_that_does_not_fit_is_left_out(void **state)
{
    (void)state;
    char bytes[128];
    struct buf got = {NULL, 0, 0};
    struct log_field fields[12];
    memset(bytes, 1, sizeof(bytes));
    for (size_t i = 0; i < 10; i++) {
        fields[i] = log_str("k", (struct str){bytes, sizeof(bytes)});
    }
    fields[10] = log_text("last", "here");
    fields[11].key = NULL;
    start_capture(LOG_JSON);
    log_write(LOG_INFO, "e", fields);
    read_lines(&got);
    end_capture();
    assert_true(got.len <= 4096);
    assert_non_null(strstr((char *)got.data, "\\u0001\",\"last\":\"here\"}\n"));
    buf_finish(&got);
}

static size_t count_lines(const struct buf *got, const char *start)
{
    size_t count = 0;
    for (const char *at = (char *)got->data; *at != '\0'; at = strchr(at, '\n') + 1) {
        count += strncmp(at, start, strlen(start)) == 0;
    }
    return count;
}

static void a_flood_of_one_event_is_counted_and_told(void **state)
{
    (void)state;
    struct buf got = {NULL, 0, 0};
    start_capture(LOG_TEXT);
    for (size_t i = 0; i < 400; i++) {
        log_event(LOG_INFO, "flood", log_u64("i", i));
        if (i == 100) {
            log_event(LOG_INFO, "other_event", log_u64("i", i));
        }
    }
    log_configure(LOG_INFO, LOG_TEXT); /* tells what is held back now */
    read_lines(&got);
    end_capture();
    uint64_t suppressed = 0;
    for (const char *at = strstr((char *)got.data, "suppressed="); at != NULL;
         at = strstr(at + 1, " suppressed=")) {
        unsigned long long value = 0;
        const char *digits = strchr(at, '=') + 1;
        assert_true(str_to_u64((struct str){digits, strcspn(digits, "\n")}, 400, &value));
        suppressed += value;
    }
    /* The script may straddle a second's end; each second has its own burst. */
    assert_true(suppressed > 0);
    assert_int_equal(count_lines(&got, "info flood ") + suppressed, 400);
    assert_true(count_lines(&got, "info flood ") >= LOG_BURST);
    assert_int_equal(count_lines(&got, "info other_event "), 1);
    assert_true(count_lines(&got, "warn log_suppressed of=flood suppressed=") >= 1);
    buf_finish(&got);
}

static void fill_then_log(void)
{
    char filler[4096];
    int flags = fcntl(STDERR_FILENO, F_GETFL);
    memset(filler, '.', sizeof(filler));
    (void)fcntl(STDERR_FILENO, F_SETFL, flags | O_NONBLOCK);
    while (write(STDERR_FILENO, filler, sizeof(filler)) > 0) {
    }
    (void)fcntl(STDERR_FILENO, F_SETFL, flags);
    log_event(LOG_INFO, "lost", log_u64("i", 1));
    log_event(LOG_INFO, "lost", log_u64("i", 2));
}

static void a_reader_that_stops_costs_lines_but_never_time(void **state) /* pipe, then socket */
{
    (void)state;
    for (int is_socket = 0; is_socket < 2; is_socket++) {
        int ends[2];
        struct buf got = {NULL, 0, 0};
        assert_int_equal(is_socket ? socketpair(AF_UNIX, SOCK_STREAM, 0, ends) : pipe(ends), 0);
        capture_into(ends[1], ends[0]);
        fill_then_log();
        read_lines(&got);
        got.len = 0;
        log_event(LOG_INFO, "found", log_u64("i", 3));
        read_lines(&got);
        end_capture();
        /* What had room among the filler is not counted; the second line at least had not. */
        assert_non_null(strstr((char *)got.data, "warn log_dropped lines="));
        assert_non_null(strstr((char *)got.data, "\ninfo found i=3\n"));
        buf_finish(&got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_shown_so_that_no_line_can_be_forged),
        cmocka_unit_test(numbers_and_errors_have_their_fields),
        cmocka_unit_test(long_texts_are_cut_between_characters),
        cmocka_unit_test(a_field_that_does_not_fit_is_left_out),
        cmocka_unit_test(a_flood_of_one_event_is_counted_and_told),
        cmocka_unit_test(a_reader_that_stops_costs_lines_but_never_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
