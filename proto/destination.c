/* SPDX-License-Identifier: MIT
 *
 * Destination names and patterns, matched as Spring's AntPathMatcher (4.3) matches them.
 *
 *   destination_match() splits the pattern into its segments, matches them one by one up to the first `**`,
 *   and leaves the rest to match_behind_any(); destination_match_segment() compares one with one.
 *
 * Both matchers go back to the last wildcard only: what an earlier one could still do, the last one can do as
 * well. So each pair of segments is compared at most once, and the work is at most the product of both lengths.
 * No regular expressions: names inside braces are not looked at.
 */
#include "proto/destination.h"

#include <stdint.h>

#include "proto/utf8.h"

int destination_check(struct str name, size_t bytes_max)
{
    if (name.len == 0) {
        return DESTINATION_ERR_EMPTY;
    }
    if (name.len > bytes_max) {
        return DESTINATION_ERR_LENGTH;
    }
    if (!utf8_is_valid(name)) {
        return DESTINATION_ERR_TEXT;
    }
    for (size_t i = 0; i < name.len; i++) {
        uint8_t byte = (uint8_t)name.at[i];
        if (byte < 0x20 || byte == 0x7F) {
            return DESTINATION_ERR_TEXT;
        }
        if (byte == 0xC2 && (uint8_t)name.at[i + 1] < 0xA0) { /* U+0080 to U+009F */
            return DESTINATION_ERR_TEXT;
        }
    }
    return 0;
}

bool destination_is_pattern(struct str name)
{
    bool in_brace = false;
    for (size_t i = 0; i < name.len; i++) {
        switch (name.at[i]) {
        case '*':
        case '?':
            return true;
        case '{':
            in_brace = true;
            break;
        case '}':
            if (in_brace) {
                return true;
            }
            break;
        default:
            break;
        }
    }
    return false;
}

/* Empty segments do not exist: separators may be doubled. */
static bool next_segment(struct str *rest, char separator, struct str *out_segment)
{
    while (rest->len > 0 && rest->at[0] == separator) {
        *rest = (struct str){rest->at + 1, rest->len - 1};
    }
    if (rest->len == 0) {
        return false;
    }
    const char *end = memchr(rest->at, separator, rest->len);
    size_t len = end == NULL ? rest->len : (size_t)(end - rest->at);
    *out_segment = (struct str){rest->at, len};
    *rest = (struct str){rest->at + len, rest->len - len};
    return true;
}

static int check_braces(struct str segment)
{
    bool in_brace = false;
    for (size_t i = 0; i < segment.len; i++) {
        char byte = segment.at[i];
        if (in_brace && (byte == '{' || byte == ':' || byte == '/')) {
            return DESTINATION_ERR_PATTERN;
        }
        if (byte == '{') {
            in_brace = true;
        } else if (byte == '}') {
            in_brace = false;
        }
    }
    return in_brace ? DESTINATION_ERR_PATTERN : 0;
}

int destination_check_pattern(struct str pattern, char separator)
{
    struct str segment;
    size_t count = 0;
    while (next_segment(&pattern, separator, &segment)) {
        count++;
        if (count > DESTINATION_SEGMENTS_MAX || check_braces(segment) < 0) {
            return DESTINATION_ERR_PATTERN;
        }
    }
    return 0;
}

/* Length of the `*` or `{name}` at that place, 0 when there is neither. `{}` is text. */
static size_t run_length(struct str pattern, size_t at)
{
    if (at == pattern.len) {
        return 0;
    }
    if (pattern.at[at] == '*') {
        return 1;
    }
    if (pattern.at[at] == '{') {
        for (size_t i = at + 1; i < pattern.len; i++) {
            if (pattern.at[i] == '}') {
                return i == at + 1 ? 0 : i + 1 - at;
            }
            if (pattern.at[i] == '{' || pattern.at[i] == ':' || pattern.at[i] == '/') {
                return 0;
            }
        }
    }
    return 0;
}

static size_t next_character(struct str text, size_t at)
{
    do {
        at++;
    } while (at < text.len && ((uint8_t)text.at[at] & 0xC0) == 0x80);
    return at;
}

bool destination_match_segment(struct str pattern, struct str segment)
{
    size_t p = 0;
    size_t s = 0;
    size_t run_p = SIZE_MAX; /* behind the last run in the pattern */
    size_t run_s = 0;        /* where that run ends in the segment */
    while (s < segment.len) {
        size_t run = run_length(pattern, p);
        if (run > 0) {
            p += run;
            if (p == pattern.len) {
                return true;
            }
            run_p = p;
            run_s = s;
        } else if (p < pattern.len && pattern.at[p] == '?') {
            p++;
            s = next_character(segment, s);
        } else if (p < pattern.len && pattern.at[p] == segment.at[s]) {
            p++;
            s++;
        } else if (run_p != SIZE_MAX) {
            run_s = next_character(segment, run_s);
            p = run_p;
            s = run_s;
        } else {
            return false;
        }
    }
    for (size_t run = run_length(pattern, p); run > 0; run = run_length(pattern, p)) {
        p += run;
    }
    return p == pattern.len;
}

static bool is_any(struct str part)
{
    return part.len == 2 && part.at[0] == '*' && part.at[1] == '*';
}

/* parts[0] is `**`. */
static bool match_behind_any(const struct str *parts, size_t count, struct str rest, char separator)
{
    size_t part = 0;
    size_t any = 0;
    struct str any_rest = rest; /* what the last `**` leaves */
    for (;;) {
        if (part < count && is_any(parts[part])) {
            if (part == count - 1) {
                return true;
            }
            any = part++;
            any_rest = rest;
            continue;
        }
        struct str segment;
        struct str behind = rest;
        if (!next_segment(&behind, separator, &segment)) {
            return part == count;
        }
        if (part < count && destination_match_segment(parts[part], segment)) {
            part++;
            rest = behind;
        } else {
            (void)next_segment(&any_rest, separator, &segment);
            part = any + 1;
            rest = any_rest;
        }
    }
}

static bool starts_with(struct str text, char byte)
{
    return text.len > 0 && text.at[0] == byte;
}

static bool ends_with(struct str text, char byte)
{
    return text.len > 0 && text.at[text.len - 1] == byte;
}

bool destination_match(struct str pattern, struct str name, char separator)
{
    struct str parts[DESTINATION_SEGMENTS_MAX];
    struct str pattern_rest = pattern;
    struct str rest = name;
    struct str segment;
    size_t count = 0;
    if (starts_with(pattern, separator) != starts_with(name, separator)) {
        return false;
    }
    while (next_segment(&pattern_rest, separator, &segment)) {
        if (count == DESTINATION_SEGMENTS_MAX) {
            return false;
        }
        parts[count++] = segment;
    }
    for (size_t i = 0; i < count; i++) {
        if (is_any(parts[i])) {
            return match_behind_any(parts + i, count - i, rest, separator);
        }
        if (!next_segment(&rest, separator, &segment)) {
            /* A last `*` may be nothing at all behind a separator. */
            return i == count - 1 && str_equal(parts[i], STR("*")) && ends_with(name, separator);
        }
        if (!destination_match_segment(parts[i], segment)) {
            return false;
        }
    }
    return !next_segment(&rest, separator, &segment) &&
           ends_with(pattern, separator) == ends_with(name, separator);
}
