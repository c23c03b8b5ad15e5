/* SPDX-License-Identifier: MIT
 *
 * Destinations from any bytes: the first chooses the separator, then a pattern and a name with LF between them.
 * The matcher must agree with one that fills tables of all possibilities.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "proto/destination.h"
#include "proto/utf8.h"

#define LONGEST 256 /* of pattern and name, for the tables' sake */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* --- the slow matcher ------------------------------------------------------------------------------ */

/* `*` and `{name}` as one step of the pattern; where the step ends. */
static size_t end_of_run(struct str pattern, size_t at)
{
    if (pattern.at[at] == '*') {
        return at + 1;
    }
    const char *close = memchr(pattern.at + at, '}', pattern.len - at);
    if (pattern.at[at] == '{' && close != NULL && close > pattern.at + at + 1) {
        return (size_t)(close - pattern.at) + 1;
    }
    return at;
}

static size_t end_of_character(struct str text, size_t at)
{
    at++;
    while (at < text.len && ((uint8_t)text.at[at] & 0xC0) == 0x80) {
        at++;
    }
    return at;
}

/* from[p][s]: the pattern from p on matches the segment from s on. */
static bool match_slowly(struct str pattern, struct str segment)
{
    static bool from[LONGEST + 1][LONGEST + 1];
    for (size_t p = pattern.len + 1; p-- > 0;) {
        for (size_t s = segment.len + 1; s-- > 0;) {
            bool matches = false;
            if (p == pattern.len) {
                matches = s == segment.len;
            } else if (end_of_run(pattern, p) > p) {
                matches = from[end_of_run(pattern, p)][s] ||
                          (s < segment.len && from[p][end_of_character(segment, s)]);
            } else if (s < segment.len && pattern.at[p] == '?') {
                matches = from[p + 1][end_of_character(segment, s)];
            } else if (s < segment.len && pattern.at[p] == segment.at[s]) {
                matches = from[p + 1][s + 1];
            }
            from[p][s] = matches;
        }
    }
    return from[0][0];
}

static size_t split(struct str text, char separator, struct str *out_parts)
{
    size_t count = 0;
    struct str part;
    while (str_next(&text, separator, &part)) {
        if (part.len > 0) {
            out_parts[count++] = part;
        }
    }
    return count;
}

static bool match_all_slowly(struct str pattern, struct str name, char separator)
{
    static struct str p[LONGEST];
    static struct str s[LONGEST];
    static bool from[LONGEST + 1][LONGEST + 1];
    size_t p_count = split(pattern, separator, p);
    size_t s_count = split(name, separator, s);
    bool has_any = false;
    for (size_t i = p_count + 1; i-- > 0;) {
        bool is_any = i < p_count && str_equal(p[i], STR("**"));
        has_any = has_any || is_any;
        for (size_t k = s_count + 1; k-- > 0;) {
            if (i == p_count) {
                from[i][k] = k == s_count;
            } else if (is_any) {
                from[i][k] = from[i + 1][k] || (k < s_count && from[i][k + 1]);
            } else {
                from[i][k] = k < s_count && match_slowly(p[i], s[k]) && from[i + 1][k + 1];
            }
        }
    }
    bool p_ends = pattern.len > 0 && pattern.at[pattern.len - 1] == separator;
    bool s_ends = name.len > 0 && name.at[name.len - 1] == separator;
    if (from[0][0]) {
        return has_any || p_ends == s_ends;
    }
    bool is_empty_last = !has_any && p_count == s_count + 1 && s_ends && p[s_count].len == 1 &&
                         p[s_count].at[0] == '*';
    for (size_t i = 0; is_empty_last && i < s_count; i++) {
        is_empty_last = match_slowly(p[i], s[i]);
    }
    return is_empty_last;
}

/* --------------------------------------------------------------------------------------------------- */

static bool begins(struct str text, char byte)
{
    return text.len > 0 && text.at[0] == byte;
}

static void check_pair(struct str pattern, struct str name, char separator)
{
    bool matches = destination_match(pattern, name, separator);
    if (destination_check_pattern(pattern, separator) < 0 || !utf8_is_valid(pattern) ||
        !utf8_is_valid(name)) {
        return;
    }
    bool expected = begins(pattern, separator) == begins(name, separator) &&
                    match_all_slowly(pattern, name, separator);
    assert(matches == expected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    char separator = (data[0] & 1) == 0 ? '/' : '.';
    const uint8_t *begin = data + 1;
    const uint8_t *middle = memchr(begin, '\n', size - 1);
    size_t p_len = middle == NULL ? size - 1 : (size_t)(middle - begin);
    size_t s_len = middle == NULL ? 0 : size - 2 - p_len;
    if (p_len > LONGEST || s_len > LONGEST) {
        return 0;
    }
    /* Copies of their own, so that a read behind them is seen. */
    char *p = malloc(p_len);
    char *s = malloc(s_len);
    memcpy(p, begin, p_len);
    memcpy(s, data + size - s_len, s_len);
    struct str pattern = {p, p_len};
    struct str name = {s, s_len};

    bool is_text = utf8_is_valid(name) && s_len > 0 && s_len <= 64;
    assert(destination_check(name, 64) != 0 || is_text);
    if (destination_check(pattern, LONGEST) == 0 && !destination_is_pattern(pattern)) {
        assert(pattern.len > 0 && memchr(p, '*', p_len) == NULL);
    }
    check_pair(pattern, name, separator);
    free(p);
    free(s);
    return 0;
}
