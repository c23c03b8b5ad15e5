/* SPDX-License-Identifier: MIT
 *
 * The headers of one STOMP frame while it is read: the first of each name, in order, unescaped.
 *
 * Headers are kept as offsets from the frame's first byte, so that the frame may still move: every call
 * says where it is now (`base`). Used by stomp_frame.c only.
 */
#pragma once

#include "common/buf.h"

struct stomp_header {
    struct str name; /* unescaped; never empty */
    struct str value;
};

struct stomp_slot {
    size_t name_at;
    size_t name_len;
    size_t value_at;
    size_t value_len;
    bool name_in_text; /* offset into headers::text, else into the frame */
    bool value_in_text;
    uint32_t sorted; /* slots[i].sorted: which slot is the i-th by name, when there is an index */
};

/* Zeroed is empty. */
struct stomp_headers {
    struct stomp_slot *slots;   /* owned */
    struct stomp_header *shown; /* owned */
    struct buf text;            /* what was unescaped */
    size_t count;
    size_t cap; /* of slots and shown */
};

enum stomp_escapes { STOMP_ESCAPES_NONE, STOMP_ESCAPES_LENIENT, STOMP_ESCAPES_STRICT };

enum stomp_headers_error {
    STOMP_HEADERS_ERR_ESCAPE = -1,
    STOMP_HEADERS_ERR_COUNT = -2,
};

#define STOMP_HEADERS_REPEATED 1

void stomp_headers_finish(struct stomp_headers *headers);
void stomp_headers_clear(struct stomp_headers *headers); /* keeps the memory */

/* A header whose name is `name_len` bytes at base + name_at, a colon behind it, then its value.
 * 0, STOMP_HEADERS_REPEATED (it was not kept), or a negative code. */
int stomp_headers_add(struct stomp_headers *headers, const uint8_t *base, size_t name_at,
                      size_t name_len, size_t value_len, enum stomp_escapes escapes,
                      size_t count_max) __attribute__((warn_unused_result));

/* False when there is none of that name. */
bool stomp_headers_find(const struct stomp_headers *headers, const uint8_t *base, struct str name,
                        struct str *out_value);

/* Takes spaces and tabs off both ends of every value; none of them was unescaped. */
void stomp_headers_trim_values(struct stomp_headers *headers, const uint8_t *base);

/* `count` headers; they live as long as the frame stays at `base`, until the next change here. */
const struct stomp_header *stomp_headers_show(struct stomp_headers *headers, const uint8_t *base);
