/* SPDX-License-Identifier: MIT
 *
 * Positions in a destination's history: `epoch-offset`, as clients see them.
 *
 * The epoch names one unbroken count, the offset a message in it, from 1; 0 is before the first. No colon is in it:
 * clients of old versions do not unescape.
 */
#pragma once

#include <stdint.h>

#include "common/str.h"

#define POSITION_EPOCH_BYTES_MAX 32 /* letters and digits */
#define POSITION_BYTES_MAX (POSITION_EPOCH_BYTES_MAX + 1 + 20)

struct position {
    struct str epoch;
    uint64_t offset;
};

/* Its text, to be kept. Zeroed is none. */
struct position_text {
    uint8_t len;
    char bytes[POSITION_BYTES_MAX];
};

/* False when it is none; out->epoch points into `text`. */
bool position_parse(struct str text, struct position *out);

/* The epoch is right. */
void position_write(const struct position *position, struct position_text *out);
struct str position_str(const struct position_text *text); /* borrowed */
