/* SPDX-License-Identifier: MIT
 *
 * Bytes in memory: a growing buffer, and an immutable reference-counted payload.
 */
#pragma once

#include <stdint.h>

#include "common/str.h"

/* Zeroed is empty and valid. The owner bounds `len`; the buffer itself grows as asked. */
struct buf {
    uint8_t *data; /* owned; NULL while cap is 0 */
    size_t len;
    size_t cap;
};

void buf_finish(struct buf *buf); /* leaves it empty and usable */

/* Room for `more` bytes behind len; returns where they go. The caller raises len itself. */
uint8_t *buf_reserve(struct buf *buf, size_t more);
void buf_append(struct buf *buf, const void *bytes, size_t len);
void buf_append_str(struct buf *buf, struct str text);
void buf_append_text(struct buf *buf, const char *text);
void buf_append_byte(struct buf *buf, uint8_t byte);
void buf_append_u64(struct buf *buf, uint64_t value); /* decimal */
__attribute__((format(printf, 2, 3))) void buf_append_format(struct buf *buf, const char *format,
                                                             ...);
void buf_consume(struct buf *buf, size_t len); /* drops bytes from the front */
struct str buf_str(const struct buf *buf);     /* borrowed until the next change */

/* One allocation, counted by its holders; the bytes never change once a second holder exists.
 * Counts are not atomic: a payload stays in its loop's thread. */
struct payload {
    uint32_t refs;
    uint32_t len;
    uint8_t data[];
};

struct payload *payload_create(size_t len); /* one reference, bytes unset; len <= UINT32_MAX */
struct payload *payload_copy(const void *bytes, size_t len);
struct payload *payload_share(struct payload *payload); /* +1, returns its argument */
void payload_release(struct payload *payload);          /* -1; takes NULL */
