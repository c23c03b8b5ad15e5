/* SPDX-License-Identifier: MIT
 *
 * Bounds-checked cursor over bytes (big-endian), and its counterpart that writes into a buf.
 *
 * A reader that runs short sets `failed`, stays failed, and answers zeros from then on, so that a
 * decoder may read all its fields first and ask once: wire_done().
 */
#pragma once

#include "common/buf.h"

struct wire_reader {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

void wire_reader_init(struct wire_reader *reader, const void *bytes, size_t len);
uint8_t wire_get_u8(struct wire_reader *reader);
uint16_t wire_get_u16(struct wire_reader *reader);
uint32_t wire_get_u32(struct wire_reader *reader);
uint64_t wire_get_u64(struct wire_reader *reader);
struct str wire_get_bytes(struct wire_reader *reader, size_t len); /* points into the input */
struct str wire_get_str16(struct wire_reader *reader);             /* u16 length, bytes */
struct str wire_get_str32(struct wire_reader *reader);             /* u32 length, bytes */
size_t wire_left(const struct wire_reader *reader);

/* Nothing failed and every byte was read. */
bool wire_done(const struct wire_reader *reader);

void wire_put_u8(struct buf *buf, uint8_t value);
void wire_put_u16(struct buf *buf, uint16_t value);
void wire_put_u32(struct buf *buf, uint32_t value);
void wire_put_u64(struct buf *buf, uint64_t value);
void wire_put_str16(struct buf *buf, struct str text); /* asserts len <= UINT16_MAX */
void wire_put_str32(struct buf *buf, struct str text);
