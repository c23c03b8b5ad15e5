/* SPDX-License-Identifier: MIT
 *
 * Destination names and patterns as Spring's AntPathMatcher understands them, in linear time.
 *
 * A destination is a pattern when it has `*`, `?` or a `{...}` pair; anything else is compared as bytes.
 * `?` one character, `*` any run within a segment, `**` as a whole segment any number of segments,
 * `{name}` a segment or part of one. `{name:regex}` is refused: no regular expressions. A character is a
 * Unicode code point; names are valid UTF-8 without control characters.
 */
#pragma once

#include "common/str.h"

enum destination_error {
    DESTINATION_ERR_EMPTY = -1,
    DESTINATION_ERR_LENGTH = -2, /* longer than the caller allows */
    DESTINATION_ERR_TEXT = -3,   /* invalid UTF-8 or a control character */
    DESTINATION_ERR_PATTERN =
        -4, /* an unfinished brace, a regular expression, or over 16 segments */
};

#define DESTINATION_SEGMENTS_MAX 16 /* of a pattern */

/* 0 for a name that may be sent to or subscribed. */
int destination_check(struct str name, size_t bytes_max) __attribute__((warn_unused_result));

/* `name` is checked already. */
bool destination_is_pattern(struct str name);
int destination_check_pattern(struct str pattern, char separator)
    __attribute__((warn_unused_result));

/* AntPathMatcher.match(pattern, name) with that separator ('/' or '.'). Time is linear in the product of
 * segment counts and in the lengths; no recursion. */
bool destination_match(struct str pattern, struct str name, char separator);

/* One segment of a pattern against one of a name. */
bool destination_match_segment(struct str pattern, struct str segment);
