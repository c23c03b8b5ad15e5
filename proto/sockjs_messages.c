/* SPDX-License-Identifier: MIT
 *
 * SockJS messages of a client: JSON arrays of strings, alone or in a form.
 *
 *   sockjs_decode() checks the text for UTF-8; read_array() takes element after element; read_string() copies
 *   and unescapes, eight bytes at a time where it can; skip_value() walks over what is JSON but no message.
 *
 * No general JSON parser is used: it would allocate for every element, and refuse the lone surrogate halves
 * that a browser may send and the upper layers know how to join. Nothing recurses: nesting is a bit per level.
 */
#include "proto/sockjs_frame.h"

#include "common/mem.h"
#include "proto/utf8.h"
#include "proto/word.h"

#define NESTING_MAX 64
#define ITEMS_MIN 8

struct reader {
    const uint8_t *at;
    const uint8_t *end;
    struct sockjs_messages *messages;
    size_t count_max;
    bool is_refused; /* an element was JSON, but no message */
};

void sockjs_messages_finish(struct sockjs_messages *messages)
{
    mem_free(messages->items);
    buf_finish(&messages->text);
    *messages = (struct sockjs_messages){.items = NULL};
}

/* --- JSON ------------------------------------------------------------------------------------------ */

static void skip_space(struct reader *reader)
{
    while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\t' ||
                                        *reader->at == '\n' || *reader->at == '\r')) {
        reader->at++;
    }
}

static bool take_byte(struct reader *reader, uint8_t byte)
{
    if (reader->at < reader->end && *reader->at == byte) {
        reader->at++;
        return true;
    }
    return false;
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static bool skip_digits(struct reader *reader)
{
    const uint8_t *begin = reader->at;
    while (reader->at < reader->end && is_digit(*reader->at)) {
        reader->at++;
    }
    return reader->at > begin;
}

static bool skip_number(struct reader *reader)
{
    (void)take_byte(reader, '-');
    if (!take_byte(reader, '0') && !skip_digits(reader)) {
        return false;
    }
    if (take_byte(reader, '.') && !skip_digits(reader)) {
        return false;
    }
    if (take_byte(reader, 'e') || take_byte(reader, 'E')) {
        if (!take_byte(reader, '+')) {
            (void)take_byte(reader, '-');
        }
        return skip_digits(reader);
    }
    return true;
}

static bool skip_word(struct reader *reader, struct str word)
{
    struct str rest = {(const char *)reader->at, (size_t)(reader->end - reader->at)};
    if (!str_starts(rest, word)) {
        return false;
    }
    reader->at += word.len;
    return true;
}

/* The four digits behind \u. */
static bool read_hex(const uint8_t *at, const uint8_t *end, uint32_t *out_unit)
{
    uint32_t unit = 0;
    if (end - at < 4) {
        return false;
    }
    for (int i = 0; i < 4; i++) {
        uint8_t digit = at[i];
        uint8_t letter = digit | 0x20;
        if (is_digit(digit)) {
            unit = unit << 4 | (uint32_t)(digit - '0');
        } else if (letter >= 'a' && letter <= 'f') {
            unit = unit << 4 | (uint32_t)(letter - 'a' + 10);
        } else {
            return false;
        }
    }
    *out_unit = unit;
    return true;
}

/* Behind \u: one UTF-16 unit, or two when the second is escaped right behind the first. */
static bool read_unit_escape(struct reader *reader, uint8_t **out)
{
    uint32_t code;
    uint32_t low;
    uint8_t bytes[4];
    if (!read_hex(reader->at, reader->end, &code)) {
        return false;
    }
    reader->at += 4;
    if (code >= 0xD800 && code <= 0xDBFF && reader->end - reader->at >= 6 &&
        reader->at[0] == '\\' && reader->at[1] == 'u' &&
        read_hex(reader->at + 2, reader->end, &low) && low >= 0xDC00 && low <= 0xDFFF) {
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        reader->at += 6;
    }
    size_t len = utf8_put(bytes, code);
    memcpy(*out, bytes, len);
    *out += len;
    return true;
}

/* Behind a backslash. */
static bool read_escape(struct reader *reader, uint8_t **out)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char bytes[] = "\"\\/\b\f\n\r\t";
    if (reader->at == reader->end) {
        return false;
    }
    uint8_t letter = *reader->at++;
    if (letter == 'u') {
        return read_unit_escape(reader, out);
    }
    const char *found = memchr(letters, letter, sizeof(letters) - 1);
    if (found == NULL) {
        return false;
    }
    *(*out)++ = (uint8_t)bytes[found - letters];
    return true;
}

/* A string goes to the end of text, which has room: nothing becomes longer by decoding. */
static bool read_string(struct reader *reader, struct str *out_string)
{
    uint8_t *begin = reader->messages->text.data + reader->messages->text.len;
    uint8_t *out = begin;
    if (!take_byte(reader, '"')) {
        return false;
    }
    for (;;) {
        const uint8_t *at = reader->at;
        const uint8_t *end = reader->end;
        for (; end - at >= 8; at += 8, out += 8) {
            uint64_t word = word_load(at);
            if ((word_has(word, '"') | word_has(word, '\\') | word_has_below(word, 0x20)) != 0) {
                break;
            }
            word_store(out, word);
        }
        while (at < end && *at >= 0x20 && *at != '"' && *at != '\\') {
            *out++ = *at++;
        }
        reader->at = at;
        if (take_byte(reader, '"')) {
            break;
        }
        if (!take_byte(reader, '\\') || !read_escape(reader, &out)) {
            return false;
        }
    }
    *out_string = (struct str){(char *)begin, (size_t)(out - begin)};
    return true;
}

static bool skip_string(struct reader *reader)
{
    struct str ignored;
    return read_string(reader, &ignored);
}

static bool skip_scalar(struct reader *reader)
{
    if (reader->at == reader->end) {
        return false;
    }
    switch (*reader->at) {
    case '"':
        return skip_string(reader);
    case 't':
        return skip_word(reader, STR("true"));
    case 'f':
        return skip_word(reader, STR("false"));
    case 'n':
        return skip_word(reader, STR("null"));
    default:
        return skip_number(reader);
    }
}

static bool skip_key(struct reader *reader)
{
    skip_space(reader);
    if (!skip_string(reader)) {
        return false;
    }
    skip_space(reader);
    return take_byte(reader, ':');
}

/* After a value: closes what ends here. False when what follows is neither an end nor a next value; *depth is
 * zero when the outermost ended. */
static bool skip_behind(struct reader *reader, unsigned *depth, uint64_t *objects)
{
    while (*depth > 0) {
        bool in_object = (*objects & 1) != 0;
        skip_space(reader);
        if (take_byte(reader, ',')) {
            return !in_object || skip_key(reader);
        }
        if (!take_byte(reader, in_object ? '}' : ']')) {
            return false;
        }
        (*depth)--;
        *objects >>= 1;
    }
    return true;
}

/* Any one JSON value. */
static bool skip_value(struct reader *reader)
{
    unsigned depth = 0;
    uint64_t objects = 0; /* a bit for each open level: 1 an object, 0 an array */
    do {
        skip_space(reader);
        bool opens_object = take_byte(reader, '{');
        if (opens_object || take_byte(reader, '[')) {
            if (depth == NESTING_MAX) {
                return false;
            }
            depth++;
            objects = objects << 1 | (opens_object ? 1 : 0);
            skip_space(reader);
            if (!take_byte(reader, opens_object ? '}' : ']')) {
                if (opens_object && !skip_key(reader)) {
                    return false;
                }
                continue;
            }
            depth--;
            objects >>= 1;
        } else if (!skip_scalar(reader)) {
            return false;
        }
        if (!skip_behind(reader, &depth, &objects)) {
            return false;
        }
    } while (depth > 0);
    return true;
}

/* --- messages -------------------------------------------------------------------------------------- */

static int add_item(struct reader *reader, struct str item)
{
    struct sockjs_messages *messages = reader->messages;
    if (messages->count >= reader->count_max) {
        return SOCKJS_ERR_COUNT;
    }
    if (messages->count == messages->cap) {
        size_t cap = messages->cap == 0 ? ITEMS_MIN : messages->cap * 2;
        messages->items = mem_realloc(messages->items, cap * sizeof(*messages->items));
        messages->cap = cap;
    }
    messages->items[messages->count++] = item;
    messages->text.len += item.len;
    return 0;
}

static int add_scalar(struct reader *reader)
{
    const uint8_t *begin = reader->at;
    uint8_t *out = reader->messages->text.data + reader->messages->text.len;
    if (!skip_scalar(reader)) {
        return SOCKJS_ERR_JSON;
    }
    size_t len = (size_t)(reader->at - begin);
    memcpy(out, begin, len);
    return add_item(reader, (struct str){(char *)out, len});
}

static int add_string(struct reader *reader)
{
    struct str string;
    return read_string(reader, &string) ? add_item(reader, string) : SOCKJS_ERR_JSON;
}

static int read_element(struct reader *reader)
{
    skip_space(reader);
    if (reader->at == reader->end) {
        return SOCKJS_ERR_JSON;
    }
    switch (*reader->at) {
    case '"':
        return add_string(reader);
    case '{':
    case '[':
    case 'n':
        reader->is_refused = true; /* said at the end: it may not even be JSON */
        return skip_value(reader) ? 0 : SOCKJS_ERR_JSON;
    default:
        return add_scalar(reader);
    }
}

/* Behind the opening bracket. */
static int read_array(struct reader *reader)
{
    skip_space(reader);
    if (take_byte(reader, ']')) {
        return 0;
    }
    for (;;) {
        int code = read_element(reader);
        if (code < 0) {
            return code;
        }
        skip_space(reader);
        if (take_byte(reader, ']')) {
            return 0;
        }
        if (!take_byte(reader, ',')) {
            return SOCKJS_ERR_JSON;
        }
    }
}

static int read_body(struct reader *reader, bool accepts_string)
{
    int code = 0;
    skip_space(reader);
    if (take_byte(reader, '[')) {
        code = read_array(reader);
    } else if (accepts_string && reader->at < reader->end && *reader->at == '"') {
        code = add_string(reader);
    } else {
        reader->is_refused = true;
        code = skip_value(reader) ? 0 : SOCKJS_ERR_JSON;
    }
    if (code < 0) {
        return code;
    }
    skip_space(reader);
    if (reader->at != reader->end) {
        return SOCKJS_ERR_JSON;
    }
    return reader->is_refused ? SOCKJS_ERR_NO_ARRAY : 0;
}

int sockjs_decode(struct str body, size_t count_max, bool accepts_string,
                  struct sockjs_messages *messages)
{
    static const struct str mark = {"\xEF\xBB\xBF", 3};
    messages->count = 0;
    messages->text.len = 0;
    if (body.len >= mark.len && str_starts(body, mark)) {
        body = (struct str){body.at + mark.len, body.len - mark.len};
    }
    if (body.len == 0) {
        return SOCKJS_ERR_EMPTY;
    }
    if (!utf8_is_valid(body)) {
        return SOCKJS_ERR_JSON;
    }
    (void)buf_reserve(&messages->text, body.len);
    struct reader reader = {
        .at = (const uint8_t *)body.at,
        .end = (const uint8_t *)body.at + body.len,
        .messages = messages,
        .count_max = count_max,
    };
    int code = read_body(&reader, accepts_string);
    if (code < 0) {
        sockjs_messages_finish(messages);
    }
    return code;
}

/* --- forms ----------------------------------------------------------------------------------------- */

static void decode_percent(struct buf *out, struct str value)
{
    for (size_t i = 0; i < value.len; i++) {
        uint8_t byte = (uint8_t)value.at[i];
        uint32_t unit;
        if (byte == '+') {
            byte = ' ';
        } else if (byte == '%' && value.len - i > 2) {
            uint8_t digits[4] = {'0', '0', (uint8_t)value.at[i + 1], (uint8_t)value.at[i + 2]};
            if (read_hex(digits, digits + 4, &unit)) {
                byte = (uint8_t)unit;
                i += 2;
            }
        }
        buf_append_byte(out, byte);
    }
}

int sockjs_decode_form(struct str body, struct buf *out)
{
    struct str field;
    while (str_next(&body, '&', &field)) {
        if (str_starts(field, STR("d="))) {
            if (field.len == 2) {
                return SOCKJS_ERR_EMPTY;
            }
            out->len = 0;
            decode_percent(out, (struct str){field.at + 2, field.len - 2});
            return 0;
        }
    }
    return SOCKJS_ERR_EMPTY;
}
