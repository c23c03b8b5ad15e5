/* SPDX-License-Identifier: MIT
 *
 * STOMP frames: the table is the specification. Each row is decoded at once, cut in two at every place and
 * byte by byte, always from memory that ends behind the last byte; the outcome must be the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "common/mem.h"
#include "proto/stomp_frame.h"
#include "tests/unit/guarded.h"

#define BYTES(literal) literal, sizeof(literal) - 1

static const struct stomp_limits wide = {65536, 8192, 100};

/* --- what came out, as text ------------------------------------------------------------------------ */

static void dump_bytes(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = (uint8_t)text.at[i];
        if (byte >= 0x20 && byte < 0x7F) {
            buf_append_byte(out, byte);
        } else {
            buf_append_format(out, "<%02x>", byte);
        }
    }
}

static void dump_frame(struct buf *out, const struct stomp_frame *frame)
{
    buf_append_text(out, stomp_command_name(frame->command));
    buf_append_byte(out, '[');
    for (size_t i = 0; i < frame->header_count; i++) {
        buf_append_text(out, i == 0 ? "" : ", ");
        dump_bytes(out, frame->headers[i].name);
        buf_append_byte(out, '=');
        dump_bytes(out, frame->headers[i].value);
    }
    buf_append_byte(out, ']');
    dump_bytes(out, frame->body);
    buf_append_byte(out, ' ');
}

/* Offers one chunk, also again while frames come out of it. */
static int feed(struct stomp_decoder *decoder, const uint8_t *bytes, size_t len, struct buf *out)
{
    for (;;) {
        size_t consumed = SIZE_MAX;
        struct stomp_frame frame;
        int code = stomp_decode(decoder, bytes, len, &consumed, &frame);
        if (code < 0) {
            assert_int_equal(consumed, SIZE_MAX);
            buf_append_format(out, "%d ", code);
            return code;
        }
        assert_true(consumed <= len);
        bytes += consumed;
        len -= consumed;
        if (code == DECODE_MORE) {
            assert_int_equal(len, 0);
            return code;
        }
        dump_frame(out, &frame);
    }
}

struct run {
    enum stomp_version version;
    const struct stomp_limits *limits;
    const char *bytes;
    size_t len;
};

static const struct guarded *guard_of(void)
{
    static struct guarded guard;
    if (guard.map == NULL) {
        guard = guarded_create(1u << 20);
    }
    return &guard;
}

/* In chunks: `first` bytes, then `step` at a time. The caller finishes *out. */
static int decode_run(const struct run *run, size_t first, size_t step, struct buf *out)
{
    struct stomp_decoder decoder;
    stomp_decoder_init(&decoder, run->limits);
    decoder.version = run->version;
    decoder.accepts_server_frames = true;
    size_t at = 0;
    int code = DECODE_MORE;
    while (at < run->len && code >= 0) {
        size_t chunk = at == 0 && first > 0 ? first : step;
        chunk = chunk < run->len - at ? chunk : run->len - at;
        code = feed(&decoder, guarded_put(guard_of(), run->bytes + at, chunk), chunk, out);
        at += chunk;
    }
    if (code >= 0 && decoder.beats > 0) {
        buf_append_format(out, "beats %u ", (unsigned)decoder.beats);
    }
    buf_append_byte(out, 0);
    stomp_decoder_finish(&decoder);
    assert_null(decoder.partial.data);
    assert_null(decoder.headers.slots);
    return code;
}

static void expect_run(const char *title, const struct run *run, const char *expected)
{
    for (size_t split = 0; split < run->len; split++) {
        struct buf out = {0};
        decode_run(run, split, split == 0 ? run->len : run->len - split, &out);
        if (strcmp((char *)out.data, expected) != 0) {
            print_error("%s, version %d, cut at %zu of %zu\n", title, (int)run->version, split,
                        run->len);
        }
        assert_string_equal((char *)out.data, expected);
        buf_finish(&out);
    }
    struct buf out = {0};
    decode_run(run, 0, 1, &out);
    assert_string_equal((char *)out.data, expected);
    buf_finish(&out);
}

/* --- the table ------------------------------------------------------------------------------------- */

#define V10 1u
#define V11 2u
#define V12 4u
#define ALL (V10 | V11 | V12)

static const struct {
    const char *title;
    unsigned versions;
    const char *bytes;
    size_t len;
    const char *expected;
} rows[] = {
    {"the smallest frame", ALL, BYTES("SEND\n\n\0"), "SEND[] "},
    {"headers and a body", ALL, BYTES("SEND\ndestination:/a\nx:1\n\nhi\0"),
     "SEND[destination=/a, x=1]hi "},
    {"two frames in one buffer", ALL, BYTES("SEND\na:1\n\nx\0BEGIN\nb:2\n\n\0"),
     "SEND[a=1]x BEGIN[b=2] "},
    {"every command", ALL,
     BYTES("CONNECT\n\n\0STOMP\n\n\0SEND\n\n\0SUBSCRIBE\n\n\0UNSUBSCRIBE\n\n\0ACK\n\n\0NACK\n\n\0"
           "BEGIN\n\n\0COMMIT\n\n\0ABORT\n\n\0DISCONNECT\n\n\0CONNECTED\n\n\0MESSAGE\n\n\0"
           "RECEIPT\n\n\0ERROR\n\n\0"),
     "CONNECT[] STOMP[] SEND[] SUBSCRIBE[] UNSUBSCRIBE[] ACK[] NACK[] BEGIN[] COMMIT[] ABORT[] "
     "DISCONNECT[] CONNECTED[] MESSAGE[] RECEIPT[] ERROR[] "},

    {"P1 commands are case sensitive", ALL, BYTES("connect\n\n\0"), "-1 "},
    {"P1 an unknown command", ALL, BYTES("PUBLISH\n\n\0"), "-1 "},
    {"P1 a command that is too long is not waited for", ALL, BYTES("GET / HTTP/1.1"), "-1 "},
    {"P1 a NUL in a command", ALL, BYTES("SEN\0"), "-1 "},
    {"P1 a NUL in a finished command", ALL, BYTES("S\rN\0\n"), "-1 "},
    {"P1 header names are case sensitive", ALL, BYTES("SEND\na:1\nA:2\n\n\0"), "SEND[a=1, A=2] "},

    {"P2 CRLF in every version", ALL, BYTES("SEND\r\na:1\r\nb:2\r\n\r\nx\r\n\0"),
     "SEND[a=1, b=2]x<0d><0a> "},
    {"P2 the longest command with CRLF", ALL, BYTES("UNSUBSCRIBE\r\n\r\n\0"), "UNSUBSCRIBE[] "},
    {"P2 CRLF and LF mixed", ALL, BYTES("SEND\na:1\r\nb:2\n\r\n\0"), "SEND[a=1, b=2] "},
    {"P2 a lone CR is data before 1.2", V10 | V11, BYTES("SEND\na:1\r2\n\n\0"), "SEND[a=1<0d>2] "},
    {"P2 a lone CR is fatal in 1.2", V12, BYTES("SEND\na:1\r2\n\n\0"), "-6 "},
    {"P2 only one CR belongs to the line end", V11, BYTES("SEND\na:1\r\r\n\n\0"), "SEND[a=1<0d>] "},
    {"P2 two CRs are fatal in 1.2", V12, BYTES("SEND\na:1\r\r\n\n\0"), "-6 "},
    {"P2 a CR in the command", ALL, BYTES("SE\rND\n\n\0"), "-6 "},
    {"P2 a CR between frames without LF", ALL, BYTES("\n\rSEND\n\n\0"), "-6 "},
    {"P2 a CR between frames before NUL", ALL, BYTES("\r\0"), "-6 "},
    {"P2 two CRs between frames", ALL, BYTES("\r\r\n"), "-6 "},

    {"P3 line ends and NULs around frames", ALL,
     BYTES("\n\r\n\n\nCONNECT\n\n\0\n\0\r\nSEND\n\n\0\n\0\n"), "CONNECT[] SEND[] beats 10 "},
    {"P3 nothing but heart-beats", ALL, BYTES("\n\r\n\n"), "beats 3 "},

    {"P5 a body where none belongs", ALL, BYTES("SUBSCRIBE\nid:1\n\nx\0"), "-5 "},
    {"P5 a counted body where none belongs", ALL, BYTES("BEGIN\ncontent-length:1\n\nx\0"), "-5 "},
    {"P5 MESSAGE and ERROR have bodies", ALL, BYTES("MESSAGE\n\na\0ERROR\n\nb\0"),
     "MESSAGE[]a ERROR[]b "},

    {"P6 content-length covers NULs", ALL, BYTES("SEND\ncontent-length:3\n\na\0b\0"),
     "SEND[content-length=3]a<00>b "},
    {"P6 content-length of zero on any frame", ALL,
     BYTES("DISCONNECT\ncontent-length:0\n\n\0SEND\ncontent-length:0\n\n\0"),
     "DISCONNECT[content-length=0] SEND[content-length=0] "},
    {"P6 leading zeros", ALL, BYTES("SEND\ncontent-length:0002\n\nab\0"),
     "SEND[content-length=0002]ab "},
    {"P7 not a number", ALL, BYTES("SEND\ncontent-length:3x\n\nabc\0"), "-4 "},
    {"P7 an empty number", ALL, BYTES("SEND\ncontent-length:\n\nabc\0"), "-4 "},
    {"P7 negative", ALL, BYTES("SEND\ncontent-length:-1\n\nabc\0"), "-4 "},
    {"P7 signed", ALL, BYTES("SEND\ncontent-length:+3\n\nabc\0"), "-4 "},
    {"P7 too short", ALL, BYTES("SEND\ncontent-length:2\n\nabc\0"), "-4 "},
    {"P7 too short on a frame without body", ALL, BYTES("ACK\ncontent-length:0\n\nx\0"), "-4 "},
    {"P7 larger than a frame may be", ALL, BYTES("SEND\ncontent-length:65536\n\n"), "-7 "},
    {"P7 larger than a number may be", ALL,
     BYTES("SEND\ncontent-length:99999999999999999999999999999\n\n"), "-7 "},
    {"P7 2^64 and 2^64-1", ALL, BYTES("SEND\ncontent-length:18446744073709551616\n\n"), "-7 "},
    {"P7 2^64-1", ALL, BYTES("SEND\ncontent-length:18446744073709551615\n\n"), "-7 "},
    {"P7 repeated", ALL, BYTES("SEND\ncontent-length:1\ncontent-length:2\n\na\0"), "-4 "},
    {"P8 without content-length the body ends at NUL", ALL, BYTES("SEND\n\nab\0\n"),
     "SEND[]ab beats 1 "},

    {"P10 no escapes in 1.0", V10, BYTES("SEND\na:\\n\\c\\\\\\r\\t\\\n\n\0"),
     "SEND[a=\\n\\c\\\\\\r\\t\\] "},
    {"P10 the four escapes", V11 | V12, BYTES("SEND\n\\c\\n:\\n\\c\\\\\\r.\n\n\0"),
     "SEND[:<0a>=<0a>:\\<0d>.] "},
    {"P10 unknown escapes stay in 1.1", V11, BYTES("SEND\na:C:\\temp\\x\\\\\\\n\n\0"),
     "SEND[a=C:\\temp\\x\\\\] "},
    {"P10 unknown escapes are fatal in 1.2", V12, BYTES("SEND\na:C:\\temp\n\n\0"), "-3 "},
    {"P10 unknown escapes in a name are fatal in 1.2", V12, BYTES("SEND\na\\t:b\n\n\0"), "-3 "},
    {"P10 a backslash at the end is fatal in 1.2", V12, BYTES("SEND\na:b\\\n\n\0"), "-3 "},
    {"P10 a backslash does not escape the line end", V12, BYTES("SEND\na:b\\\r\n\n\0"), "-3 "},
    {"P10 CONNECT, STOMP and CONNECTED have no escapes", ALL,
     BYTES("CONNECT\naccept-version:1.2\npasscode:\\t\\n\n\n\0STOMP\na:\\\n\n\0CONNECTED\na:"
           "\\c\n\n\0"),
     "CONNECT[accept-version=1.2, passcode=\\t\\n] STOMP[a=\\] CONNECTED[a=\\c] "},
    {"P10 an escaped name may repeat a plain one", V12, BYTES("SEND\na\\\\b:1\na\\\\b:2\n\n\0"),
     "SEND[a\\b=1] "},

    {"P12 a header without colon", ALL, BYTES("SEND\nabc\n\n\0"), "-2 "},
    {"P12 a missing empty line is not waited for", ALL, BYTES("SEND\na:1\n\0"), "-2 "},
    {"P12 a NUL in a finished header", ALL, BYTES("SEND\na:\0\xff\r1\n\n\0"), "-2 "},
    {"P13 colons in a value", ALL, BYTES("SEND\na:b:c::\n\n\0"), "SEND[a=b:c::] "},
    {"P14 an empty value", ALL, BYTES("SEND\na:\nb:\r\n\n\0"), "SEND[a=, b=] "},
    {"P14 an empty name", ALL, BYTES("SEND\n:b\n\n\0"), "-2 "},

    {"P15 1.0 trims values", V10, BYTES("SEND\na: \tb c\t \nd:  \ncontent-length: 1 \n\nx\0"),
     "SEND[a=b c, d=, content-length=1]x "},
    {"P15 names are never trimmed", V10, BYTES("SEND\n a :b\n\n\0"), "SEND[ a =b] "},
    {"P15 1.1 and 1.2 keep spaces", V11 | V12, BYTES("SEND\na: b \n\n\0"), "SEND[a= b ] "},
    {"P15 1.1 and 1.2 want a bare number", V11 | V12, BYTES("SEND\ncontent-length: 1\n\nx\0"),
     "-4 "},
    {"P15 CONNECT of a 1.0 peer is trimmed", ALL, BYTES("CONNECT\nlogin: a \n\n\0"),
     "CONNECT[login=a] "},
    {"P15 CONNECT that offers only 1.0 is trimmed", ALL,
     BYTES("CONNECT\naccept-version: 1.0\nlogin: a \n\n\0"),
     "CONNECT[accept-version=1.0, login=a] "},
    {"P15 CONNECT that offers more is not", ALL,
     BYTES("CONNECT\naccept-version:1.0,1.1\npasscode: a \n\n\0"),
     "CONNECT[accept-version=1.0,1.1, passcode= a ] "},

    {"P16 the first of a repeated name wins", ALL, BYTES("SEND\na:1\nb:2\na:3\nb:4\nc:5\n\n\0"),
     "SEND[a=1, b=2, c=5] "},
    {"P17 order is kept", ALL, BYTES("SEND\nz:1\nm:2\na:3\nzz:4\naa:5\n\n\0"),
     "SEND[z=1, m=2, a=3, zz=4, aa=5] "},

    {"UTF-8 in headers and any bytes in bodies", ALL, BYTES("SEND\na:\xed\x95\x9c\n\n\xff\xfe\0"),
     "SEND[a=<ed><95><9c>]<ff><fe> "},
    {"a header that is not UTF-8", ALL, BYTES("SEND\na:\xed\xa0\x80\n\n\0"), "-10 "},
    {"a header that ends inside a character", ALL, BYTES("SEND\nabcdefgh:\xed\x95\n\n\0"), "-10 "},
    {"after an error nothing is read", ALL, BYTES("NOPE\nSEND\n\n\0SEND\n\n\0"), "-1 "},
};

static void frames_and_errors_are_as_the_table_says(void **state)
{
    (void)state;
    static const enum stomp_version versions[] = {STOMP_1_0, STOMP_1_1, STOMP_1_2};
    for (size_t i = 0; i < MEM_COUNT(rows); i++) {
        for (size_t v = 0; v < MEM_COUNT(versions); v++) {
            if ((rows[i].versions & (1u << v)) != 0) {
                struct run run = {versions[v], &wide, rows[i].bytes, rows[i].len};
                expect_run(rows[i].title, &run, rows[i].expected);
            }
        }
    }
}

static void every_prefix_of_good_input_answers_more(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(rows); i++) {
        if (strchr(rows[i].expected, '-') != NULL && strchr(rows[i].expected, '[') == NULL) {
            continue;
        }
        enum stomp_version version = (rows[i].versions & V11) != 0   ? STOMP_1_1
                                     : (rows[i].versions & V10) != 0 ? STOMP_1_0
                                                                     : STOMP_1_2;
        for (size_t len = 0; len <= rows[i].len; len++) {
            struct buf out = {0};
            struct run run = {version, &wide, rows[i].bytes, len};
            assert_int_equal(decode_run(&run, 0, len + 1, &out), DECODE_MORE);
            buf_finish(&out);
        }
    }
}

static void client_frames_only_unless_asked(void **state)
{
    (void)state;
    static const char *const inputs[] = {"CONNECTED\n", "MESSAGE\n", "RECEIPT\n", "ERROR\n"};
    for (size_t i = 0; i < MEM_COUNT(inputs); i++) {
        struct stomp_decoder decoder;
        stomp_decoder_init(&decoder, &wide);
        size_t consumed;
        struct stomp_frame frame;
        int code = stomp_decode(&decoder, inputs[i], strlen(inputs[i]), &consumed, &frame);
        assert_int_equal(code, STOMP_ERR_COMMAND);
        stomp_decoder_finish(&decoder);
    }
}

/* --- limits ---------------------------------------------------------------------------------------- */

static void limits_hold_at_the_very_byte(void **state)
{
    (void)state;
    static const struct {
        const char *title;
        struct stomp_limits limits;
        const char *bytes;
        size_t len;
        const char *expected;
    } cases[] = {
        {"frame of n - 1", {14, 99, 9}, BYTES("SEND\na:1\n\nabc\0"), "SEND[a=1]abc "},
        {"frame of n", {13, 99, 9}, BYTES("SEND\na:1\n\nabc\0"), "SEND[a=1]abc "},
        {"frame of n + 1", {12, 99, 9}, BYTES("SEND\na:1\n\nabc\0"), "-7 "},
        {"frame of n + 1 without its end", {12, 99, 9}, BYTES("SEND\na:1\n\nabc"), "-7 "},
        {"counted frame of n",
         {28, 99, 9},
         BYTES("SEND\ncontent-length:3\n\nabc\0"),
         "SEND[content-length=3]abc "},
        {"counted frame of n + 1", {27, 99, 9}, BYTES("SEND\ncontent-length:5\n\n"), "-7 "},
        {"head of n", {10, 99, 9}, BYTES("SEND\na:1\n\n\0"), "SEND[a=1] "},
        {"head of n + 1", {9, 99, 9}, BYTES("SEND\na:1\n\n\0"), "-7 "},
        {"head of n + 2", {8, 99, 9}, BYTES("SEND\na:1\n\n\0"), "-7 "},
        {"endless head", {8, 99, 9}, BYTES("SEND\naaaaaaaaa"), "-7 "},
        {"command beyond the frame", {3, 99, 9}, BYTES("SEND\n\n\0"), "-7 "},
        {"header of n - 1", {99, 4, 9}, BYTES("SEND\na:1\n\n\0"), "SEND[a=1] "},
        {"header of n", {99, 3, 9}, BYTES("SEND\na:1\n\n\0"), "SEND[a=1] "},
        {"header of n with CRLF", {99, 3, 9}, BYTES("SEND\na:1\r\n\n\0"), "SEND[a=1] "},
        {"header of n + 1", {99, 2, 9}, BYTES("SEND\na:1\n\n\0"), "-8 "},
        {"header of n + 1 with CRLF", {99, 2, 9}, BYTES("SEND\na:1\r\n\n\0"), "-8 "},
        {"endless header", {99, 2, 9}, BYTES("SEND\na:123"), "-8 "},
        {"a NUL in a header too long", {99, 2, 9}, BYTES("SEND\na:\0\n\n"), "-2 "},
        {"headers n - 1", {99, 9, 3}, BYTES("SEND\na:1\nb:2\n\n\0"), "SEND[a=1, b=2] "},
        {"headers n", {99, 9, 2}, BYTES("SEND\na:1\nb:2\n\n\0"), "SEND[a=1, b=2] "},
        {"headers n + 1", {99, 9, 1}, BYTES("SEND\na:1\nb:2\n\n\0"), "-9 "},
        {"repetitions are not counted",
         {99, 9, 1},
         BYTES("SEND\na:1\na:2\na:3\n\n\0"),
         "SEND[a=1] "},
        {"no header at all", {99, 9, 0}, BYTES("SEND\n\n\0"), "SEND[] "},
    };
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        struct run run = {STOMP_1_2, &cases[i].limits, cases[i].bytes, cases[i].len};
        expect_run(cases[i].title, &run, cases[i].expected);
    }
}

static void a_limit_lowered_inside_a_frame_ends_it(void **state)
{
    (void)state;
    static const char *const begun[] = {"SEND\nabcdef:1", "SEND\na:1\nb:2\n\nbody"};
    static const struct stomp_limits lowered[] = {{4, 99, 9}, {99, 2, 9}, {12, 99, 9}};
    for (size_t i = 0; i < MEM_COUNT(begun) * MEM_COUNT(lowered); i++) {
        struct stomp_limits limits = wide;
        struct stomp_decoder decoder;
        stomp_decoder_init(&decoder, &limits);
        size_t consumed;
        struct stomp_frame frame;
        const char *text = begun[i % 2];
        assert_int_equal(stomp_decode(&decoder, text, strlen(text), &consumed, &frame), 0);
        limits = lowered[i / 2];
        int code = stomp_decode(&decoder, "x\n\n", 4, &consumed, &frame);
        assert_true(code < 0 || (i == 3 && code == DECODE_FRAME));
        stomp_decoder_finish(&decoder);
    }
}

static void many_repeated_headers_are_one(void **state)
{
    (void)state;
    struct buf input = {0};
    buf_append_text(&input, "SEND\n");
    for (unsigned i = 0; i < 1000; i++) {
        buf_append_format(&input, "h%u:%u\n", i * 7919 % 1000, i);
    }
    for (unsigned i = 0; i < 100000; i++) {
        buf_append_format(&input, "h%u:x\n", i % 1000);
    }
    buf_append(&input, "\n", 2);
    struct stomp_limits limits = {input.len, 99, 1000};
    struct stomp_decoder decoder;
    stomp_decoder_init(&decoder, &limits);
    size_t consumed;
    struct stomp_frame frame;
    assert_int_equal(stomp_decode(&decoder, input.data, input.len, &consumed, &frame),
                     DECODE_FRAME);
    assert_int_equal(consumed, input.len);
    assert_int_equal(frame.header_count, 1000);
    for (unsigned i = 0; i < 1000; i++) {
        char name[16];
        char value[16];
        snprintf(name, sizeof(name), "h%u", i * 7919 % 1000);
        snprintf(value, sizeof(value), "%u", i);
        assert_true(str_equal(frame.headers[i].name, str_of(name)));
        assert_true(str_equal(stomp_frame_header(&frame, name), str_of(value)));
    }
    stomp_decoder_finish(&decoder);
    buf_finish(&input);
}

/* The names are looked up differently when there are many; the change must not show. */
static void few_headers_and_many_are_read_alike(void **state)
{
    (void)state;
    for (unsigned count = 1; count <= 40; count++) {
        struct buf input = {0};
        struct buf expected = {0};
        buf_append_text(&input, "SEND\n");
        buf_append_text(&expected, "SEND[");
        for (unsigned i = 0; i < count; i++) {
            unsigned number = i * 17 % 41;
            buf_append_format(&input, "n\\c%u:%u\nn\\c%u:again\n", number, i, number);
            buf_append_format(&expected, "%sn:%u=%u", i == 0 ? "" : ", ", number, i);
        }
        buf_append(&input, BYTES("n\\c0:again\n\n\0"));
        buf_append(&expected, "] ", 3);
        struct run run = {STOMP_1_2, &wide, (char *)input.data, input.len};
        struct buf out = {0};
        decode_run(&run, input.len / 2, input.len, &out);
        assert_string_equal((char *)out.data, (char *)expected.data);
        buf_finish(&out);
        buf_finish(&input);
        buf_finish(&expected);
    }
}

/* --- memory ---------------------------------------------------------------------------------------- */

static void a_whole_frame_is_read_where_it_lies(void **state)
{
    (void)state;
    static const char input[] = "SEND\ndestination:/topic/a\nescaped:\\c\n\nbody";
    struct stomp_decoder decoder;
    stomp_decoder_init(&decoder, &wide);
    decoder.version = STOMP_1_2;
    const struct stomp_header *headers = NULL;
    for (int round = 0; round < 3; round++) {
        size_t consumed;
        struct stomp_frame frame;
        assert_int_equal(stomp_decode(&decoder, input, sizeof(input), &consumed, &frame),
                         DECODE_FRAME);
        assert_ptr_equal(frame.body.at, strstr(input, "body"));
        assert_ptr_equal(stomp_frame_header(&frame, "destination").at, strstr(input, "/topic"));
        assert_true(str_equal(stomp_frame_header(&frame, "escaped"), STR(":")));
        assert_null(stomp_frame_header(&frame, "absent").at);
        assert_null(decoder.partial.data);
        assert_true(headers == NULL || headers == frame.headers);
        headers = frame.headers;
    }
    stomp_decoder_trim(&decoder);
    assert_null(decoder.headers.slots);
    assert_null(decoder.headers.text.data);
    stomp_decoder_finish(&decoder);
}

static void trimming_keeps_a_frame_under_way(void **state)
{
    (void)state;
    static const char input[] = "SEND\na:1\n\nbody";
    for (size_t split = 0; split < sizeof(input); split++) {
        struct stomp_decoder decoder;
        stomp_decoder_init(&decoder, &wide);
        size_t consumed;
        struct stomp_frame frame;
        assert_int_equal(stomp_decode(&decoder, input, split, &consumed, &frame), DECODE_MORE);
        stomp_decoder_trim(&decoder);
        assert_int_equal(
            stomp_decode(&decoder, input + split, sizeof(input) - split, &consumed, &frame),
            DECODE_FRAME);
        assert_true(str_equal(frame.body, STR("body")));
        assert_true(str_equal(stomp_frame_header(&frame, "a"), STR("1")));
        stomp_decoder_trim(&decoder);
        assert_null(decoder.partial.data);
        stomp_decoder_finish(&decoder);
    }
}

/* No byte is looked at twice: half a million bytes one by one would take hours otherwise. */
static void a_long_body_byte_by_byte_is_linear(void **state)
{
    (void)state;
    size_t len = 512 * 1024;
    char *body = mem_alloc(len);
    memset(body, 'x', len);
    struct stomp_limits limits = {len + 6, 99, 9};
    struct stomp_decoder decoder;
    stomp_decoder_init(&decoder, &limits);
    size_t consumed;
    struct stomp_frame frame;
    assert_int_equal(stomp_decode(&decoder, "SEND\n\n", 6, &consumed, &frame), DECODE_MORE);
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(stomp_decode(&decoder, body + i, 1, &consumed, &frame), DECODE_MORE);
    }
    assert_int_equal(stomp_decode(&decoder, "", 1, &consumed, &frame), DECODE_FRAME);
    assert_int_equal(frame.body.len, len);
    stomp_decoder_finish(&decoder);
    mem_free(body);
}

/* --- encoding -------------------------------------------------------------------------------------- */

static void headers_are_encoded_by_version(void **state)
{
    (void)state;
    static const struct {
        const char *title;
        enum stomp_version version;
        enum stomp_command command;
        struct str name;
        struct str value;
        const char *expected;
    } cases[] = {
        {"plain", STOMP_1_2, STOMP_MESSAGE, {"a", 1}, {"b", 1}, "a:b\n"},
        {"all escapes of 1.2",
         STOMP_1_2,
         STOMP_MESSAGE,
         {"a:\n", 3},
         {"\\:\r\n", 4},
         "a\\c\\n:\\\\\\c\\r\\n\n"},
        {"1.1 has no escape for CR",
         STOMP_1_1,
         STOMP_MESSAGE,
         {"a", 1},
         {"\n:\\\rx", 5},
         "a:\\n\\c\\\\\rx\n"},
        {"1.1 leaves out a value that ends in CR",
         STOMP_1_1,
         STOMP_MESSAGE,
         {"a", 1},
         {"b\r", 2},
         ""},
        {"1.0 escapes nothing", STOMP_1_0, STOMP_MESSAGE, {"a", 1}, {"\\n:x", 4}, "a:\\n:x\n"},
        {"1.0 leaves out a line end", STOMP_1_0, STOMP_MESSAGE, {"a", 1}, {"b\nforged:1", 10}, ""},
        {"1.0 leaves out a line end in a name", STOMP_1_0, STOMP_MESSAGE, {"a\nb", 3}, {"", 0}, ""},
        {"1.0 leaves out a colon in a name", STOMP_1_0, STOMP_MESSAGE, {"a:b", 3}, {"c", 1}, ""},
        {"1.0 leaves out a value that ends in CR",
         STOMP_1_0,
         STOMP_MESSAGE,
         {"a", 1},
         {"\r", 1},
         ""},
        {"CONNECTED escapes nothing", STOMP_1_2, STOMP_CONNECTED, {"a", 1}, {"\\:", 2}, "a:\\:\n"},
        {"CONNECTED leaves out a line end", STOMP_1_2, STOMP_CONNECTED, {"a", 1}, {"b\nc", 3}, ""},
        {"CONNECTED leaves out a CR", STOMP_1_2, STOMP_CONNECTED, {"a", 1}, {"b\rc", 3}, ""},
        {"CONNECT too", STOMP_1_2, STOMP_CONNECT, {"a:", 2}, {"b", 1}, ""},
        {"a NUL is left out", STOMP_1_2, STOMP_MESSAGE, {"a", 1}, {"b\0c", 3}, ""},
        {"a NUL in a name is left out", STOMP_1_2, STOMP_MESSAGE, {"\0", 1}, {"b", 1}, ""},
        {"an empty name is left out", STOMP_1_2, STOMP_MESSAGE, {"", 0}, {"b", 1}, ""},
        {"an absent value is empty", STOMP_1_2, STOMP_MESSAGE, {"a", 1}, {NULL, 0}, "a:\n"},
    };
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        struct buf out = {0};
        buf_append_byte(&out, '|');
        stomp_encode_header(&out, cases[i].version, cases[i].command, cases[i].name,
                            cases[i].value);
        buf_append_byte(&out, 0);
        if (strcmp((char *)out.data + 1, cases[i].expected) != 0) {
            print_error("%s\n", cases[i].title);
        }
        assert_string_equal((char *)out.data + 1, cases[i].expected);
        buf_finish(&out);
    }
}

static void encode_frame(struct buf *out, enum stomp_version version,
                         const struct stomp_frame *frame)
{
    stomp_encode_begin(out, frame->command);
    for (size_t i = 0; i < frame->header_count; i++) {
        stomp_encode_header(out, version, frame->command, frame->headers[i].name,
                            frame->headers[i].value);
    }
    stomp_encode_end(out, frame->body);
}

static void what_was_decoded_encodes_to_the_same_bytes(void **state)
{
    (void)state;
    static const struct {
        enum stomp_version version;
        const char *bytes;
        size_t len;
    } cases[] = {
        {STOMP_1_0, BYTES("SEND\na:b\\n:c\n\nx\0")},
        {STOMP_1_1, BYTES("MESSAGE\na\\c:\\n\\\\\\c\ncontent-length:3\n\nx\0y\0")},
        {STOMP_1_2, BYTES("MESSAGE\nz:1\na:\\r\\n\\c\\\\\nb:\n\n\0")},
        {STOMP_1_2, BYTES("CONNECTED\nversion:1.2\na:\\t\n\n\0")},
    };
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        struct stomp_decoder decoder;
        stomp_decoder_init(&decoder, &wide);
        decoder.version = cases[i].version;
        decoder.accepts_server_frames = true;
        size_t consumed;
        struct stomp_frame frame;
        assert_int_equal(stomp_decode(&decoder, cases[i].bytes, cases[i].len, &consumed, &frame),
                         DECODE_FRAME);
        struct buf out = {0};
        encode_frame(&out, cases[i].version, &frame);
        assert_int_equal(out.len, cases[i].len);
        assert_memory_equal(out.data, cases[i].bytes, out.len);
        buf_finish(&out);
        stomp_decoder_finish(&decoder);
    }
}

/* Whatever the header, a reader of each version gets back that header or none. */
static void no_header_can_forge_another(void **state)
{
    (void)state;
    static const char alphabet[] = {'a', ':', '\n', '\r', '\\', 0, 'n', ' '};
    static const enum stomp_version versions[] = {STOMP_1_1, STOMP_1_2};
    for (unsigned n = 0; n < 8 * 8 * 8 * 8; n++) {
        char text[4] = {alphabet[n & 7], alphabet[n >> 3 & 7], alphabet[n >> 6 & 7],
                        alphabet[n >> 9 & 7]};
        struct str name = {text, 1 + n % 2};
        struct str value = {text + name.len, sizeof(text) - name.len};
        for (size_t v = 0; v < MEM_COUNT(versions); v++) {
            struct buf out = {0};
            struct stomp_header header = {name, value};
            struct stomp_frame frame = {STOMP_MESSAGE, &header, 1, STR("body")};
            encode_frame(&out, versions[v], &frame);
            struct stomp_decoder decoder;
            stomp_decoder_init(&decoder, &wide);
            decoder.version = versions[v];
            decoder.accepts_server_frames = true;
            size_t consumed;
            assert_int_equal(stomp_decode(&decoder, out.data, out.len, &consumed, &frame),
                             DECODE_FRAME);
            assert_int_equal(consumed, out.len);
            assert_true(str_equal(frame.body, STR("body")));
            assert_true(frame.header_count <= 1);
            if (frame.header_count == 1) {
                assert_true(str_equal(frame.headers[0].name, name));
                assert_true(str_equal(frame.headers[0].value, value));
            } else {
                assert_true(memchr(text, 0, 4) != NULL || text[3] == '\r');
            }
            stomp_decoder_finish(&decoder);
            buf_finish(&out);
        }
    }
}

static void every_error_has_its_own_words(void **state)
{
    (void)state;
    for (int a = STOMP_ERR_UTF8; a <= STOMP_ERR_COMMAND; a++) {
        assert_non_null(stomp_error_text(a));
        for (int b = a + 1; b <= 0; b++) {
            assert_string_not_equal(stomp_error_text(a), stomp_error_text(b));
        }
    }
    assert_string_equal(stomp_error_text(-99), stomp_error_text(0));
    assert_string_equal(stomp_command_name(STOMP_UNKNOWN), "UNKNOWN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_and_errors_are_as_the_table_says),
        cmocka_unit_test(every_prefix_of_good_input_answers_more),
        cmocka_unit_test(client_frames_only_unless_asked),
        cmocka_unit_test(limits_hold_at_the_very_byte),
        cmocka_unit_test(a_limit_lowered_inside_a_frame_ends_it),
        cmocka_unit_test(many_repeated_headers_are_one),
        cmocka_unit_test(few_headers_and_many_are_read_alike),
        cmocka_unit_test(a_whole_frame_is_read_where_it_lies),
        cmocka_unit_test(trimming_keeps_a_frame_under_way),
        cmocka_unit_test(a_long_body_byte_by_byte_is_linear),
        cmocka_unit_test(headers_are_encoded_by_version),
        cmocka_unit_test(what_was_decoded_encodes_to_the_same_bytes),
        cmocka_unit_test(no_header_can_forge_another),
        cmocka_unit_test(every_error_has_its_own_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
