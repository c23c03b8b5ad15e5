/* SPDX-License-Identifier: MIT
 *
 * SockJS frames of the server: strings escaped for the wire, and what each transport wraps around a frame.
 *
 *   encode_quoted() copies eight bytes at a time what browsers keep, and escapes the rest;
 *   the wrappers put a whole frame into a line, an event, a script or a call.
 */
#include "proto/sockjs_frame.h"

#include "proto/word.h"

#define ESCAPE_LEN 6        /* \uXXXX, the most one byte can become */
#define ENCODE_BLOCK 1024   /* bytes of input for which room is made at once */
#define LONGEST_SEQUENCE 12 /* two escapes, from four bytes */

static uint8_t *put_escape(uint8_t *out, uint32_t unit)
{
    static const char digits[] = "0123456789abcdef";
    *out++ = '\\';
    *out++ = 'u';
    for (int shift = 12; shift >= 0; shift -= 4) {
        *out++ = (uint8_t)digits[unit >> shift & 15];
    }
    return out;
}

/* One UTF-8 sequence, or a surrogate half's. Anything else is U+FFFD, one byte long. */
static size_t read_code(const uint8_t *at, size_t left, uint32_t *out_code)
{
    uint8_t lead = at[0];
    size_t len = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t code = lead & (0x7Fu >> len);
    *out_code = 0xFFFD;
    if (lead < 0xC2 || lead > 0xF4 || left < len) {
        return 1;
    }
    for (size_t i = 1; i < len; i++) {
        if ((at[i] & 0xC0) != 0x80) {
            return 1;
        }
        code = code << 6 | (at[i] & 0x3Fu);
    }
    if (code < least[len] || code > 0x10FFFF) {
        return 1;
    }
    *out_code = code;
    return len;
}

/* What the SockJS protocol's own test suite lists as mangled on the way. */
static bool needs_escape(uint32_t code)
{
    return code >= 0x200C && (code <= 0x200F || (code >= 0x2028 && code <= 0x202F) ||
                              (code >= 0x2060 && code <= 0x206F) ||
                              (code >= 0xD800 && code <= 0xDFFF) || code >= 0xFFF0);
}

static uint8_t *put_sequence(uint8_t *out, const uint8_t **at, const uint8_t *end)
{
    uint32_t code;
    size_t len = read_code(*at, (size_t)(end - *at), &code);
    const uint8_t *from = *at;
    *at += len;
    if (!needs_escape(code)) {
        for (size_t i = 0; i < len; i++) {
            *out++ = from[i];
        }
        return out;
    }
    if (code >= 0x10000) {
        out = put_escape(out, 0xD800 + ((code - 0x10000) >> 10));
        code = 0xDC00 + (code & 0x3FF);
    }
    return put_escape(out, code);
}

static uint8_t *put_special(uint8_t *out, uint8_t byte)
{
    static const char bytes[] = "\"\\\b\f\n\r\t";
    static const char letters[] = "\"\\bfnrt";
    const char *found = memchr(bytes, byte, sizeof(bytes) - 1);
    if (found == NULL) {
        return put_escape(out, byte);
    }
    *out++ = '\\';
    *out++ = (uint8_t)letters[found - bytes];
    return out;
}

static bool is_special(uint8_t byte, bool in_script)
{
    return byte < 0x20 || byte == '"' || byte == '\\' ||
           (in_script && (byte == '<' || byte == '>'));
}

static uint64_t has_special(uint64_t word, bool in_script)
{
    uint64_t special = word_has_any(word, 0x20, '"') | word_has_any(word, 0x20, '\\');
    return in_script ? special | word_has(word, '<') | word_has(word, '>') : special;
}

/* In a script, "<" and ">" are escaped as well, so that no text ends it. */
static void encode_quoted(struct buf *out, struct str text, bool in_script)
{
    const uint8_t *at = (const uint8_t *)text.at;
    const uint8_t *end = text.len == 0 ? at : at + text.len;
    buf_append_byte(out, '"');
    while (at < end) {
        const uint8_t *stop = end - at > ENCODE_BLOCK ? at + ENCODE_BLOCK : end;
        uint8_t *begin = buf_reserve(out, (size_t)(stop - at) * ESCAPE_LEN + LONGEST_SEQUENCE);
        uint8_t *to = begin;
        while (at < stop) {
            for (; stop - at >= 8; at += 8, to += 8) {
                uint64_t word = word_load(at);
                if (has_special(word, in_script) != 0) {
                    break;
                }
                word_store(to, word);
            }
            while (at < stop && *at < 0x80 && !is_special(*at, in_script)) {
                *to++ = *at++;
            }
            while (at < stop && *at >= 0x80) {
                to = put_sequence(to, &at, end);
            }
            while (at < stop && is_special(*at, in_script)) {
                to = put_special(to, *at++);
            }
        }
        out->len += (size_t)(to - begin);
    }
    buf_append_byte(out, '"');
}

void sockjs_encode_string(struct buf *out, struct str text)
{
    encode_quoted(out, text, false);
}

void sockjs_encode_close(struct buf *out, unsigned code, struct str reason)
{
    buf_append_text(out, "c[");
    buf_append_u64(out, code);
    buf_append_byte(out, ',');
    sockjs_encode_string(out, reason);
    buf_append_byte(out, ']');
}

void sockjs_wrap_xhr(struct buf *out, struct str frame)
{
    buf_append_str(out, frame);
    buf_append_byte(out, '\n');
}

/* The client runs decodeURI() over the data, and line ends would end it. */
void sockjs_wrap_eventsource(struct buf *out, struct str frame)
{
    buf_append_text(out, "data: ");
    for (size_t i = 0; i < frame.len; i++) {
        switch (frame.at[i]) {
        case '%':
            buf_append_text(out, "%25");
            break;
        case '\r':
            buf_append_text(out, "%0D");
            break;
        case '\n':
            buf_append_text(out, "%0A");
            break;
        case 0:
            buf_append_text(out, "%00");
            break;
        default:
            buf_append_byte(out, (uint8_t)frame.at[i]);
        }
    }
    buf_append_text(out, "\r\n\r\n");
}

void sockjs_wrap_htmlfile(struct buf *out, struct str frame)
{
    buf_append_text(out, "<script>\np(");
    encode_quoted(out, frame, true);
    buf_append_text(out, ");\n</script>\r\n");
}

/* The empty comment in front keeps the answer from being taken for something else than a script. */
void sockjs_wrap_jsonp(struct buf *out, struct str callback, struct str frame)
{
    buf_append_text(out, "/**/");
    buf_append_str(out, callback);
    buf_append_byte(out, '(');
    encode_quoted(out, frame, true);
    buf_append_text(out, ");\r\n");
}

bool sockjs_callback_is_valid(struct str callback)
{
    if (callback.len < 1 || callback.len > 32) {
        return false;
    }
    for (size_t i = 0; i < callback.len; i++) {
        char byte = callback.at[i];
        char letter = (char)(byte | 0x20);
        bool is_allowed = (letter >= 'a' && letter <= 'z') || (byte >= '0' && byte <= '9') ||
                          byte == '-' || byte == '_' || byte == '.';
        if (!is_allowed) {
            return false;
        }
    }
    return true;
}
