/* SPDX-License-Identifier: MIT
 *
 * UTF-8 validation (RFC 3629), incremental and with a fast path for ASCII.
 */
#pragma once

#include <stdint.h>

#include "common/str.h"

/* Zeroed is the start state. */
struct utf8 {
    uint8_t need;  /* continuation bytes still to come */
    uint8_t lower; /* bounds of the next one, 0 when default */
    uint8_t upper;
};

/* False at the first byte that cannot be part of valid UTF-8 (overlong forms, surrogates and values above
 * U+10FFFF among them), also across calls. */
bool utf8_feed(struct utf8 *state, const void *bytes, size_t len);
bool utf8_is_complete(const struct utf8 *state); /* no sequence is open */
bool utf8_is_valid(struct str text);             /* the whole text, complete */

/* Writes the 1 to 4 bytes of a code point (surrogates too, as WTF-8); returns how many. */
size_t utf8_put(uint8_t out[4], uint32_t code);
