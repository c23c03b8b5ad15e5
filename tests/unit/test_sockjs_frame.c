/* SPDX-License-Identifier: MIT
 *
 * SockJS text, both ways: what clients may send and what browsers must get, byte for byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <jansson.h>

#include "common/mem.h"
#include "proto/sockjs_frame.h"
#include "proto/utf8.h"
#include "tests/unit/guarded.h"

#define BYTES(literal)                                                                             \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }

static struct guarded guard;

static int create_guard(void **state)
{
    (void)state;
    guard = guarded_create(1u << 16);
    return 0;
}

static int destroy_guard(void **state)
{
    (void)state;
    guarded_destroy(&guard);
    return 0;
}

static struct str guarded_str(struct str text)
{
    return (struct str){(const char *)guarded_put(&guard, text.at, text.len), text.len};
}

/* --- decoding -------------------------------------------------------------------------------------- */

static void dump_messages(struct buf *out, int code, const struct sockjs_messages *messages)
{
    if (code < 0) {
        assert_int_equal(messages->count, 0);
        assert_int_equal(messages->text.len, 0);
        buf_append_format(out, "%d", code);
    }
    for (size_t i = 0; i < messages->count; i++) {
        buf_append_byte(out, '(');
        for (size_t k = 0; k < messages->items[i].len; k++) {
            uint8_t byte = (uint8_t)messages->items[i].at[k];
            if (byte >= 0x20 && byte < 0x7F) {
                buf_append_byte(out, byte);
            } else {
                buf_append_format(out, "<%02x>", byte);
            }
        }
        buf_append_byte(out, ')');
    }
    buf_append_byte(out, 0);
}

static const struct {
    const char *title;
    struct str body;
    const char *expected;
} bodies[] = {
    {"no message", BYTES("[]"), ""},
    {"one", BYTES("[\"a\"]"), "(a)"},
    {"several, with white space", BYTES(" [ \"a\" ,\t\"b\"\r\n,\"\" ] "), "(a)(b)()"},
    {"longer than a word", BYTES("[\"abcdefgh\",\"abcdefghijklmnopq\"]"),
     "(abcdefgh)(abcdefghijklmnopq)"},
    {"a STOMP frame", BYTES("[\"SEND\\ndestination:/a\\n\\nhi\\u0000\"]"),
     "(SEND<0a>destination:/a<0a><0a>hi<00>)"},

    {"short escapes", BYTES("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]"), "(\"\\/<08><0c><0a><0d><09>)"},
    {"unicode escapes in either case", BYTES("[\"\\u0041\\u00e9\\u00E9\\ud55c\\uFFFF\"]"),
     "(A<c3><a9><c3><a9><ed><95><9c><ef><bf><bf>)"},
    {"raw UTF-8 up to U+FFFF and beyond", BYTES("[\"\xed\x95\x9c\xef\xbf\xbf\xf0\x9f\x98\x80\"]"),
     "(<ed><95><9c><ef><bf><bf><f0><9f><98><80>)"},
    {"adjacent halves are joined", BYTES("[\"\\ud83d\\ude00\"]"), "(<f0><9f><98><80>)"},
    {"the last code point", BYTES("[\"\\udbff\\udfff\"]"), "(<f4><8f><bf><bf>)"},
    {"a lone high half", BYTES("[\"a\\ud83d\"]"), "(a<ed><a0><bd>)"},
    {"a lone low half", BYTES("[\"\\ude00a\"]"), "(<ed><b8><80>a)"},
    {"halves in the wrong order", BYTES("[\"\\ude00\\ud83d\"]"), "(<ed><b8><80><ed><a0><bd>)"},
    {"a high half before a pair", BYTES("[\"\\ud83d\\ud83d\\ude00\"]"),
     "(<ed><a0><bd><f0><9f><98><80>)"},
    {"halves with something between", BYTES("[\"\\ud83d \\ude00\"]"),
     "(<ed><a0><bd> <ed><b8><80>)"},
    {"a high half before another escape", BYTES("[\"\\ud83d\\u0041\\ud83d\\n\"]"),
     "(<ed><a0><bd>A<ed><a0><bd><0a>)"},

    {"D8 scalars become their text", BYTES("[1,-2.5e+3,true,false,0]"),
     "(1)(-2.5e+3)(true)(false)(0)"},
    {"D8 null", BYTES("[\"a\",null]"), "-3"},
    {"D8 an object", BYTES("[{\"a\":[1,{\"b\":null}]},\"a\"]"), "-3"},
    {"D8 an array", BYTES("[[]]"), "-3"},
    {"D8 arrays and objects that are empty", BYTES("[[[],{}],{},[{}]]"), "-3"},
    {"an object", BYTES("{\"a\" : \"b\" , \"c\" : 1.0}"), "-3"},
    {"a number", BYTES("17"), "-3"},
    {"null", BYTES("null"), "-3"},
    {"a string is no array here", BYTES("\"a\""), "-3"},

    {"D9 a byte order mark", BYTES("\xef\xbb\xbf[\"a\"]"), "(a)"},
    {"D9 two byte order marks", BYTES("\xef\xbb\xbf\xef\xbb\xbf[]"), "-2"},
    {"nothing", {"", 0}, "-1"},
    {"nothing but a byte order mark", BYTES("\xef\xbb\xbf"), "-1"},
    {"white space only", BYTES(" "), "-2"},
    {"D9 trailing garbage", BYTES("[\"a\"]x"), "-2"},
    {"a second text", BYTES("[\"a\"][\"b\"]"), "-2"},
    {"a NUL behind", BYTES("[]\0"), "-2"},

    {"unfinished", BYTES("[\"a"), "-2"},
    {"unfinished array", BYTES("[\"a\""), "-2"},
    {"unfinished after a comma", BYTES("[\"a\","), "-2"},
    {"an opening only", BYTES("["), "-2"},
    {"a comma too many", BYTES("[\"a\",]"), "-2"},
    {"no comma", BYTES("[\"a\"\"b\"]"), "-2"},
    {"only a comma", BYTES("[,]"), "-2"},
    {"unquoted", BYTES("[a]"), "-2"},
    {"single quotes", BYTES("['a']"), "-2"},
    {"half a word", BYTES("[tru]"), "-2"},
    {"half of null", BYTES("[nul]"), "-2"},
    {"a raw control character", BYTES("[\"a\nb\"]"), "-2"},
    {"a raw NUL", BYTES("[\"\0\"]"), "-2"},
    {"an unknown escape", BYTES("[\"\\x41\"]"), "-2"},
    {"a backslash at the end", BYTES("[\"\\"), "-2"},
    {"a short unicode escape", BYTES("[\"\\u004\"]"), "-2"},
    {"an unfinished unicode escape", BYTES("[\"\\u004"), "-2"},
    {"a wrong digit", BYTES("[\"\\u004g\"]"), "-2"},
    {"an unfinished second half", BYTES("[\"\\ud83d\\u12\"]"), "-2"},
    {"a leading zero", BYTES("[01]"), "-2"},
    {"a bare minus", BYTES("[-]"), "-2"},
    {"a bare point", BYTES("[1.]"), "-2"},
    {"a bare exponent", BYTES("[1e+]"), "-2"},
    {"a plus", BYTES("[+1]"), "-2"},
    {"a broken object", BYTES("[{\"a\"}]"), "-2"},
    {"an object without key", BYTES("[{1:2}]"), "-2"},
    {"an object closed as an array", BYTES("[{\"a\":1]]"), "-2"},
    {"an array closed as an object", BYTES("[[1}]"), "-2"},
    {"a nested comma too many", BYTES("[[1,]]"), "-2"},
    {"an object's comma too many", BYTES("[{\"a\":1,}]"), "-2"},
    {"nested and unfinished", BYTES("[[[\"a\""), "-2"},
    {"null before what is broken", BYTES("[null,"), "-2"},
    {"invalid UTF-8", BYTES("[\"\xc0\x80\"]"), "-2"},
    {"raw surrogates", BYTES("[\"\xed\xa0\x80\"]"), "-2"},
    {"an unfinished character", BYTES("[\"\xed\x95\"]"), "-2"},
};

static void bodies_are_read_as_the_table_says(void **state)
{
    (void)state;
    struct sockjs_messages messages = {0};
    for (size_t i = 0; i < MEM_COUNT(bodies); i++) {
        struct buf out = {0};
        int code = sockjs_decode(guarded_str(bodies[i].body), 10, false, &messages);
        dump_messages(&out, code, &messages);
        if (strcmp((char *)out.data, bodies[i].expected) != 0) {
            print_error("%s\n", bodies[i].title);
        }
        assert_string_equal((char *)out.data, bodies[i].expected);
        buf_finish(&out);
    }
    sockjs_messages_finish(&messages);
    assert_null(messages.items);
}

static void no_prefix_of_a_body_is_a_body(void **state)
{
    (void)state;
    struct sockjs_messages messages = {0};
    for (size_t i = 0; i < MEM_COUNT(bodies); i++) {
        struct str body = bodies[i].body;
        bool is_array = body.len > 0 && body.at[0] == '[' && body.at[body.len - 1] == ']';
        for (size_t len = 1; is_array && bodies[i].expected[0] == '(' && len < body.len; len++) {
            int code = sockjs_decode(guarded_str((struct str){body.at, len}), 10, false, &messages);
            assert_int_equal(code, SOCKJS_ERR_JSON);
        }
    }
    sockjs_messages_finish(&messages);
}

static void a_refused_body_leaves_nothing_behind(void **state)
{
    (void)state;
    struct sockjs_messages messages = {0};
    assert_int_equal(sockjs_decode(STR("[\"a\",\"b\""), 10, false, &messages), SOCKJS_ERR_JSON);
    assert_null(messages.items);
    assert_null(messages.text.data);
    assert_int_equal(messages.count, 0);
}

static void a_websocket_may_send_a_bare_string(void **state)
{
    (void)state;
    static const struct {
        struct str body;
        const char *expected;
    } cases[] = {
        {BYTES("\"a\\n\""), "(a<0a>)"}, {BYTES(" \"\" "), "()"}, {BYTES("[\"a\"]"), "(a)"},
        {BYTES("\"a\"x"), "-2"},        {BYTES("\"a"), "-2"},    {BYTES("1"), "-3"},
    };
    struct sockjs_messages messages = {0};
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        struct buf out = {0};
        int code = sockjs_decode(guarded_str(cases[i].body), 10, true, &messages);
        dump_messages(&out, code, &messages);
        assert_string_equal((char *)out.data, cases[i].expected);
        buf_finish(&out);
    }
    sockjs_messages_finish(&messages);
}

static void messages_are_counted_before_they_are_kept(void **state)
{
    (void)state;
    struct sockjs_messages messages = {0};
    struct str body = STR("[\"a\",1,\"c\"]");
    assert_int_equal(sockjs_decode(body, 4, false, &messages), 0);
    assert_int_equal(sockjs_decode(body, 3, false, &messages), 0);
    assert_int_equal(messages.count, 3);
    assert_int_equal(sockjs_decode(body, 2, false, &messages), SOCKJS_ERR_COUNT);
    assert_int_equal(messages.count, 0);
    assert_int_equal(sockjs_decode(STR("[]"), 0, false, &messages), 0);
    sockjs_messages_finish(&messages);
}

static void nesting_is_bounded(void **state)
{
    (void)state;
    struct sockjs_messages messages = {0};
    for (size_t depth = 63; depth <= 66; depth++) {
        struct buf body = {0};
        for (size_t i = 0; i < depth; i++) {
            buf_append_text(&body, i == 0 ? "[" : "{\"a\":");
        }
        buf_append_byte(&body, '1');
        for (size_t i = 0; i < depth; i++) {
            buf_append_byte(&body, i == depth - 1 ? ']' : '}');
        }
        int code = sockjs_decode(buf_str(&body), 10, false, &messages);
        assert_int_equal(code, depth <= 65 ? SOCKJS_ERR_NO_ARRAY : SOCKJS_ERR_JSON);
        buf_finish(&body);
    }
    sockjs_messages_finish(&messages);
}

/* --- against a general JSON parser ----------------------------------------------------------------- */

static bool holds_messages_only(const json_t *array)
{
    size_t i;
    json_t *element;
    json_array_foreach(array, i, element)
    {
        if (json_is_null(element) || json_is_object(element) || json_is_array(element)) {
            return false;
        }
    }
    return true;
}

/* Numbers it cannot hold, keys C strings cannot hold, and lone surrogate halves. */
static bool is_refused_by_jansson_only(const json_error_t *error)
{
    enum json_error_code reason = json_error_code(error);
    return reason == json_error_numeric_overflow || reason == json_error_null_byte_in_key ||
           strstr(error->text, "invalid Unicode") != NULL;
}

static void compare_with_jansson(struct str body, struct sockjs_messages *messages)
{
    json_error_t error;
    json_t *json = json_loadb(body.at, body.len, JSON_ALLOW_NUL | JSON_DECODE_ANY, &error);
    int code = sockjs_decode(body, 1000, false, messages);
    if (json == NULL) {
        if (!is_refused_by_jansson_only(&error)) {
            if (code != SOCKJS_ERR_JSON) {
                print_error("%.*s\n", (int)body.len, body.at);
            }
            assert_int_equal(code, SOCKJS_ERR_JSON);
        }
        return;
    }
    if (!json_is_array(json) || !holds_messages_only(json)) {
        assert_int_equal(code, SOCKJS_ERR_NO_ARRAY);
    } else {
        assert_int_equal(code, 0);
        assert_int_equal(messages->count, json_array_size(json));
        for (size_t i = 0; i < messages->count; i++) {
            const json_t *element = json_array_get(json, i);
            if (json_is_string(element)) {
                struct str wanted = {json_string_value(element), json_string_length(element)};
                assert_true(str_equal(messages->items[i], wanted));
            }
        }
    }
    json_decref(json);
}

static void random_texts_are_read_as_jansson_reads_them(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        "[",
        "]",
        "[\"",
        "\"]",
        "\",\"",
        ",",
        "\"",
        "{",
        "}",
        ":",
        "abc",
        "12345678",
        "\\n",
        "\\u0041",
        "\\ud83d\\ude00",
        "\\\"",
        "1",
        "-0.5",
        "e1",
        "true",
        "null",
        "false",
        "\xed\x95\x9c",
        "\\u0000",
        " ",
        "\t",
        "\\",
        "\x01",
        "\xf0\x9f\x98\x80",
        "a\":",
    };
    uint64_t seed = 20240229;
    struct sockjs_messages messages = {0};
    for (unsigned round = 0; round < 60000; round++) {
        struct buf body = {0};
        bool in_array = round % 2 == 0;
        buf_append_text(&body, in_array ? "[\"" : "");
        for (unsigned i = 0; i < 1 + round % 9; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            buf_append_text(&body, pieces[(seed >> 33) % MEM_COUNT(pieces)]);
        }
        buf_append_text(&body, in_array ? "\"]" : "");
        compare_with_jansson(buf_str(&body), &messages);
        buf_finish(&body);
    }
    for (size_t i = 0; i < MEM_COUNT(bodies); i++) {
        bool has_half = strstr(bodies[i].expected, "<ed><a0>") != NULL ||
                        strstr(bodies[i].expected, "<ed><b8>") != NULL;
        bool has_mark = bodies[i].body.len > 0 && bodies[i].body.at[0] == '\xef';
        if (!has_half && !has_mark && bodies[i].body.len > 0) {
            compare_with_jansson(bodies[i].body, &messages);
        }
    }
    sockjs_messages_finish(&messages);
}

/* --- forms ----------------------------------------------------------------------------------------- */

static void the_form_field_d_is_decoded(void **state)
{
    (void)state;
    static const struct {
        struct str body;
        const char *expected; /* NULL: nothing there */
    } cases[] = {
        {BYTES("d=%5B%22abc%22%5D"), "[\"abc\"]"},
        {BYTES("d=%5b%22a+b%2b%22%5d"), "[\"a b+\"]"},
        {BYTES("x=1&d=[]&d=2"), "[]"},
        {BYTES("d=a=b"), "a=b"},
        {BYTES("d=%"), "%"},
        {BYTES("d=%4"), "%4"},
        {BYTES("d=%4x%41"), "%4xA"},
        {BYTES("d=%ed%95%9c"), "\xed\x95\x9c"},
        {BYTES("d="), NULL},
        {BYTES("d=&d=1"), NULL},
        {BYTES("d"), NULL},
        {BYTES("dd=1"), NULL},
        {BYTES("D=1"), NULL},
        {BYTES("&&"), NULL},
        {{"", 0}, NULL},
    };
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        struct buf out = {0};
        buf_append_text(&out, "before");
        int code = sockjs_decode_form(guarded_str(cases[i].body), &out);
        assert_int_equal(code, cases[i].expected == NULL ? SOCKJS_ERR_EMPTY : 0);
        const char *wanted = cases[i].expected == NULL ? "before" : cases[i].expected;
        assert_true(str_equal(buf_str(&out), str_of(wanted)));
        buf_finish(&out);
    }
}

/* --- encoding -------------------------------------------------------------------------------------- */

static void strings_are_escaped_as_the_table_says(void **state)
{
    (void)state;
    static const struct {
        struct str text;
        const char *expected;
    } cases[] = {
        {{"", 0}, "\"\""},
        {{NULL, 0}, "\"\""},
        {BYTES("plain text, longer than a word"), "\"plain text, longer than a word\""},
        {BYTES("\"\\/\b\f\n\r\t"), "\"\\\"\\\\/\\b\\f\\n\\r\\t\""},
        {BYTES("\0\x1f\x7f"), "\"\\u0000\\u001f\x7f\""},
        {BYTES("\xed\x95\x9c\xea\xb5\xad"), "\"\xed\x95\x9c\xea\xb5\xad\""},
        {BYTES("\xf0\x9f\x98\x80"), "\"\\ud83d\\ude00\""},
        {BYTES("\xf4\x8f\xbf\xbf"), "\"\\udbff\\udfff\""},
        {BYTES("\xed\xa0\xbd"
               "a\xed\xb8\x80"),
         "\"\\ud83da\\ude00\""}, /* lone halves */
        {BYTES("a\xff"
               "b"),
         "\"a\\ufffdb\""},
        {BYTES("\xc0\x80"), "\"\\ufffd\\ufffd\""},
        {BYTES("\xe2\x82"), "\"\\ufffd\\ufffd\""},
        {BYTES("\xf4\x90\x80\x80"), "\"\\ufffd\\ufffd\\ufffd\\ufffd\""},
        {BYTES("12345678\"12345678\xe2\x80\xa8"
               "12345678"),
         "\"12345678\\\"12345678\\u202812345678\""},
        {BYTES("</script>"), "\"</script>\""},
    };
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        struct buf out = {0};
        sockjs_encode_string(&out, guarded_str(cases[i].text));
        assert_true(str_equal(buf_str(&out), str_of(cases[i].expected)));
        buf_finish(&out);
    }
}

static bool is_in_escaped_set(uint32_t code)
{
    return code <= 0x1F || (code >= 0x200C && code <= 0x200F) ||
           (code >= 0x2028 && code <= 0x202F) || (code >= 0x2060 && code <= 0x206F) ||
           (code >= 0xFFF0 && code <= 0xFFFF) || (code >= 0xD800 && code <= 0xDFFF);
}

/* The whole set of the protocol's test suite, and nothing but it. */
static void every_utf16_unit_is_escaped_in_lower_case_or_kept(void **state)
{
    (void)state;
    for (uint32_t code = 0; code <= 0xFFFF; code++) {
        uint8_t text[4];
        char wanted[16];
        size_t len = utf8_put(text, code);
        const char *letter = code == 0 || code > 0x5C ? NULL : strchr("\bb\ff\nn\rr\tt", (int)code);
        if (code < 0x20 && letter != NULL) {
            snprintf(wanted, sizeof(wanted), "\"\\%c\"", letter[1]);
        } else if (code == '"' || code == '\\') {
            snprintf(wanted, sizeof(wanted), "\"\\%c\"", (int)code);
        } else if (is_in_escaped_set(code)) {
            snprintf(wanted, sizeof(wanted), "\"\\u%04x\"", (unsigned)code);
        } else {
            snprintf(wanted, sizeof(wanted), "\"%.*s\"", (int)len, (char *)text);
        }
        struct buf out = {0};
        sockjs_encode_string(&out, (struct str){(char *)text, len});
        if (!str_equal(buf_str(&out), str_of(wanted))) {
            fail_msg("U+%04X", (unsigned)code);
        }
        buf_finish(&out);
    }
}

static void all_code_points_come_back_from_their_encoding(void **state)
{
    (void)state;
    struct buf text = {0};
    struct buf frame = {0};
    struct sockjs_messages messages = {0};
    uint8_t bytes[4];
    for (uint32_t code = 0; code <= 0x10FFFF; code++) {
        buf_append(&text, bytes, utf8_put(bytes, code));
        if (code == 0xDBFF) {
            buf_append_byte(&text, ' '); /* or it would join the low half behind it */
        }
    }
    buf_append_byte(&frame, '[');
    sockjs_encode_string(&frame, buf_str(&text));
    buf_append_byte(&frame, ']');
    assert_int_equal(sockjs_decode(buf_str(&frame), 1, false, &messages), 0);
    assert_int_equal(messages.count, 1);
    assert_true(str_equal(messages.items[0], buf_str(&text)));
    sockjs_messages_finish(&messages);
    buf_finish(&text);
    buf_finish(&frame);
}

static void frames_are_wrapped_for_each_transport(void **state)
{
    (void)state;
    static const struct {
        struct str frame;
        const char *xhr;
        const char *eventsource;
        const char *htmlfile;
        const char *jsonp;
    } cases[] = {
        {BYTES("o"), "o\n", "data: o\r\n\r\n", "<script>\np(\"o\");\n</script>\r\n",
         "/**/_jp.a1(\"o\");\r\n"},
        {BYTES("a[\"x\"]"), "a[\"x\"]\n", "data: a[\"x\"]\r\n\r\n",
         "<script>\np(\"a[\\\"x\\\"]\");\n</script>\r\n", "/**/_jp.a1(\"a[\\\"x\\\"]\");\r\n"},
        {BYTES("a[\"100%\\u0000\"]"), "a[\"100%\\u0000\"]\n", "data: a[\"100%25\\u0000\"]\r\n\r\n",
         "<script>\np(\"a[\\\"100%\\\\u0000\\\"]\");\n</script>\r\n",
         "/**/_jp.a1(\"a[\\\"100%\\\\u0000\\\"]\");\r\n"},
        {BYTES("a[\"</script>\"]"), "a[\"</script>\"]\n", "data: a[\"</script>\"]\r\n\r\n",
         "<script>\np(\"a[\\\"\\u003c/script\\u003e\\\"]\");\n</script>\r\n",
         "/**/_jp.a1(\"a[\\\"\\u003c/script\\u003e\\\"]\");\r\n"},
        {BYTES("\r\n"), "\r\n\n", "data: %0D%0A\r\n\r\n", "<script>\np(\"\\r\\n\");\n</script>\r\n",
         "/**/_jp.a1(\"\\r\\n\");\r\n"},
    };
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        struct buf out = {0};
        sockjs_wrap_xhr(&out, cases[i].frame);
        assert_true(str_equal(buf_str(&out), str_of(cases[i].xhr)));
        out.len = 0;
        sockjs_wrap_eventsource(&out, cases[i].frame);
        assert_true(str_equal(buf_str(&out), str_of(cases[i].eventsource)));
        out.len = 0;
        sockjs_wrap_htmlfile(&out, cases[i].frame);
        assert_true(str_equal(buf_str(&out), str_of(cases[i].htmlfile)));
        out.len = 0;
        sockjs_wrap_jsonp(&out, STR("_jp.a1"), cases[i].frame);
        assert_true(str_equal(buf_str(&out), str_of(cases[i].jsonp)));
        buf_finish(&out);
    }
    struct buf out = {0};
    sockjs_wrap_eventsource(&out, (struct str){"\0", 1});
    assert_true(str_equal(buf_str(&out), STR("data: %00\r\n\r\n")));
    buf_finish(&out);
}

static void a_close_reason_is_escaped(void **state)
{
    (void)state;
    struct buf out = {0};
    sockjs_encode_close(&out, 3000, STR("Go away!"));
    assert_true(str_equal(buf_str(&out), STR("c[3000,\"Go away!\"]")));
    out.len = 0;
    sockjs_encode_close(&out, 1002, STR("say \"bye\"\n"));
    assert_true(str_equal(buf_str(&out), STR("c[1002,\"say \\\"bye\\\"\\n\"]")));
    buf_finish(&out);
}

static void callbacks_are_names_and_nothing_else(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "_jp.a1b2c3", "A-Z_0.9",
                                       "abcdefghijklmnopqrstuvwxyzABCDEF"};
    static const char *const wrong[] = {
        "",
        "abcdefghijklmnopqrstuvwxyzABCDEFG",
        "a(b)",
        "a b",
        "a;b",
        "a<b",
        "%63",
        "a\nb",
        "a[0]",
        "a\"",
        "\xed\x95\x9c",
        "@",
        "[",
        "`",
        "{",
        "a/",
        "a:",
    };
    for (size_t i = 0; i < MEM_COUNT(good); i++) {
        assert_true(sockjs_callback_is_valid(str_of(good[i])));
    }
    for (size_t i = 0; i < MEM_COUNT(wrong); i++) {
        assert_false(sockjs_callback_is_valid(str_of(wrong[i])));
    }
    assert_false(sockjs_callback_is_valid((struct str){"a\0b", 3}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_are_read_as_the_table_says),
        cmocka_unit_test(no_prefix_of_a_body_is_a_body),
        cmocka_unit_test(a_refused_body_leaves_nothing_behind),
        cmocka_unit_test(a_websocket_may_send_a_bare_string),
        cmocka_unit_test(messages_are_counted_before_they_are_kept),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(random_texts_are_read_as_jansson_reads_them),
        cmocka_unit_test(the_form_field_d_is_decoded),
        cmocka_unit_test(strings_are_escaped_as_the_table_says),
        cmocka_unit_test(every_utf16_unit_is_escaped_in_lower_case_or_kept),
        cmocka_unit_test(all_code_points_come_back_from_their_encoding),
        cmocka_unit_test(frames_are_wrapped_for_each_transport),
        cmocka_unit_test(a_close_reason_is_escaped),
        cmocka_unit_test(callbacks_are_names_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, create_guard, destroy_guard);
}
