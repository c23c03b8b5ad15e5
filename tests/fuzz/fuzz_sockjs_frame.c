/* SPDX-License-Identifier: MIT
 *
 * SockJS text from any bytes. The first byte chooses what the rest is: a body (compared with what jansson makes
 * of it), a form, or a text to encode (which must be JSON of the same text, whatever it is wrapped in).
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include <jansson.h>

#include "proto/sockjs_frame.h"
#include "proto/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* --- decoding -------------------------------------------------------------------------------------- */

/* Numbers it cannot hold, keys C strings cannot hold, and lone surrogate halves. */
static bool is_refused_by_jansson_only(const json_error_t *error)
{
    enum json_error_code reason = json_error_code(error);
    return reason == json_error_numeric_overflow || reason == json_error_null_byte_in_key ||
           strstr(error->text, "invalid Unicode") != NULL;
}

static bool is_message(const json_t *json)
{
    return json_is_string(json) || json_is_number(json) || json_is_boolean(json);
}

static size_t count_openings(struct str text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++) {
        count += text.at[i] == '[' || text.at[i] == '{' ? 1 : 0;
    }
    return count;
}

static void compare_messages(const json_t *json, const struct sockjs_messages *messages)
{
    assert(messages->count == json_array_size(json));
    for (size_t i = 0; i < messages->count; i++) {
        const json_t *element = json_array_get(json, i);
        struct str wanted = {json_string_value(element), json_string_length(element)};
        assert(is_message(element));
        assert(!json_is_string(element) || str_equal(messages->items[i], wanted));
    }
}

static void compare_with_jansson(struct str body, int code, const struct sockjs_messages *messages)
{
    json_error_t error;
    if (memchr(body.at, 0, body.len) != NULL) {
        assert(code == SOCKJS_ERR_JSON); /* jansson loses a NUL behind a number */
        return;
    }
    json_t *json = json_loadb(body.at, body.len, JSON_ALLOW_NUL | JSON_DECODE_ANY, &error);
    if (json == NULL) {
        assert(code == SOCKJS_ERR_JSON || is_refused_by_jansson_only(&error));
        return;
    }
    bool is_list = json_is_array(json);
    for (size_t i = 0; is_list && i < json_array_size(json); i++) {
        is_list = is_message(json_array_get(json, i));
    }
    if (is_list) {
        assert(code == 0);
        compare_messages(json, messages);
    } else {
        assert(code == SOCKJS_ERR_NO_ARRAY ||
               (code == SOCKJS_ERR_JSON && count_openings(body) > 64));
    }
    json_decref(json);
}

static void decode_body(struct str body, bool accepts_string)
{
    struct sockjs_messages messages = {0};
    int code = sockjs_decode(body, SIZE_MAX, accepts_string, &messages);
    size_t count = messages.count;
    assert(code == 0 || (count == 0 && messages.text.len == 0));
    assert(messages.text.len <= body.len);
    if (code == SOCKJS_ERR_EMPTY) {
        assert(body.len == 0 || body.len == 3);
    } else if (!accepts_string && !str_starts(body, (struct str){"\xEF\xBB\xBF", 3})) {
        compare_with_jansson(body, code, &messages);
    }
    if (code == 0 && count > 0) {
        int again = sockjs_decode(body, count - 1, accepts_string, &messages);
        assert(again == SOCKJS_ERR_COUNT || again == SOCKJS_ERR_JSON);
    }
    sockjs_messages_finish(&messages);
}

static void decode_form(struct str body)
{
    struct buf value = {0};
    int code = sockjs_decode_form(body, &value);
    assert(code == 0 ? value.len > 0 && value.len < body.len : code == SOCKJS_ERR_EMPTY);
    buf_finish(&value);
}

/* --- encoding -------------------------------------------------------------------------------------- */

static void check_text(struct str quoted, struct str text)
{
    struct sockjs_messages messages = {0};
    int code = sockjs_decode(quoted, 1, true, &messages);
    assert(code == 0 && messages.count == 1);
    if (utf8_is_valid(text)) {
        assert(str_equal(messages.items[0], text));
    }
    sockjs_messages_finish(&messages);
}

static void check_script(struct str script, struct str before, struct str after, struct str text)
{
    assert(str_starts(script, before) && script.len >= before.len + after.len);
    struct str quoted = {script.at + before.len, script.len - before.len - after.len};
    assert(memcmp(quoted.at + quoted.len, after.at, after.len) == 0);
    assert(memchr(quoted.at, '<', quoted.len) == NULL);
    check_text(quoted, text);
}

static void encode_text(struct str text)
{
    struct buf out = {0};
    sockjs_encode_string(&out, text);
    assert(utf8_is_valid(buf_str(&out)));
    check_text(buf_str(&out), text);
    out.len = 0;
    sockjs_wrap_htmlfile(&out, text);
    check_script(buf_str(&out), STR("<script>\np("), STR(");\n</script>\r\n"), text);
    out.len = 0;
    sockjs_wrap_jsonp(&out, STR("cb"), text);
    check_script(buf_str(&out), STR("/**/cb("), STR(");\r\n"), text);
    out.len = 0;
    sockjs_wrap_eventsource(&out, text);
    assert(memchr(out.data, '\n', out.len - 3) == NULL);
    out.len = 0;
    sockjs_wrap_xhr(&out, text);
    assert(out.len == text.len + 1);
    out.len = 0;
    sockjs_encode_close(&out, (unsigned)text.len, text);
    assert(!sockjs_callback_is_valid(text) || utf8_is_valid(text));
    buf_finish(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) {
        return 0;
    }
    uint8_t *copy = malloc(size - 1); /* of its own, so that a read behind it is seen */
    memcpy(copy, data + 1, size - 1);
    struct str text = {(const char *)copy, size - 1};
    switch (data[0] & 3) {
    case 0:
        decode_body(text, false);
        break;
    case 1:
        decode_body(text, true);
        break;
    case 2:
        decode_form(text);
        break;
    default:
        encode_text(text);
    }
    free(copy);
    return 0;
}
