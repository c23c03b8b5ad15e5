/* SPDX-License-Identifier: MIT
 *
 * Bounds-checked big-endian cursor over bytes, and its counterpart that writes into a buf.
 */
#include "common/wire.h"

#include <assert.h>

void wire_reader_init(struct wire_reader *reader, const void *bytes, size_t len)
{
    static const uint8_t nothing[1];
    reader->at = len == 0 ? nothing : bytes;
    reader->end = reader->at + len;
    reader->failed = false;
}

/* The next `len` bytes, or NULL and failed for good. */
static const uint8_t *take_bytes(struct wire_reader *reader, size_t len)
{
    if (reader->failed || len > (size_t)(reader->end - reader->at)) {
        reader->failed = true;
        return NULL;
    }
    const uint8_t *at = reader->at;
    reader->at += len;
    return at;
}

static uint64_t take_number(struct wire_reader *reader, size_t len)
{
    const uint8_t *at = take_bytes(reader, len);
    uint64_t value = 0;
    for (size_t i = 0; at != NULL && i < len; i++) {
        value = value << 8 | at[i];
    }
    return value;
}

uint8_t wire_get_u8(struct wire_reader *reader)
{
    return (uint8_t)take_number(reader, 1);
}

uint16_t wire_get_u16(struct wire_reader *reader)
{
    return (uint16_t)take_number(reader, 2);
}

uint32_t wire_get_u32(struct wire_reader *reader)
{
    return (uint32_t)take_number(reader, 4);
}

uint64_t wire_get_u64(struct wire_reader *reader)
{
    return take_number(reader, 8);
}

struct str wire_get_bytes(struct wire_reader *reader, size_t len)
{
    const uint8_t *at = take_bytes(reader, len);
    if (at == NULL) {
        return (struct str){"", 0};
    }
    return (struct str){(const char *)at, len};
}

struct str wire_get_str16(struct wire_reader *reader)
{
    size_t len = wire_get_u16(reader);
    return wire_get_bytes(reader, len);
}

struct str wire_get_str32(struct wire_reader *reader)
{
    size_t len = wire_get_u32(reader);
    return wire_get_bytes(reader, len);
}

size_t wire_left(const struct wire_reader *reader)
{
    return reader->failed ? 0 : (size_t)(reader->end - reader->at);
}

bool wire_done(const struct wire_reader *reader)
{
    return !reader->failed && reader->at == reader->end;
}

static void put_number(struct buf *buf, uint64_t value, size_t len)
{
    uint8_t *at = buf_reserve(buf, len);
    for (size_t i = len; i > 0; i--) {
        at[i - 1] = (uint8_t)value;
        value >>= 8;
    }
    buf->len += len;
}

void wire_put_u8(struct buf *buf, uint8_t value)
{
    put_number(buf, value, 1);
}

void wire_put_u16(struct buf *buf, uint16_t value)
{
    put_number(buf, value, 2);
}

void wire_put_u32(struct buf *buf, uint32_t value)
{
    put_number(buf, value, 4);
}

void wire_put_u64(struct buf *buf, uint64_t value)
{
    put_number(buf, value, 8);
}

void wire_put_str16(struct buf *buf, struct str text)
{
    assert(text.len <= UINT16_MAX);
    put_number(buf, text.len, 2);
    buf_append_str(buf, text);
}

void wire_put_str32(struct buf *buf, struct str text)
{
    assert(text.len <= UINT32_MAX);
    put_number(buf, text.len, 4);
    buf_append_str(buf, text);
}
