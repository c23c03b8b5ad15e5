/* SPDX-License-Identifier: MIT
 *
 * Bytes in memory: a growing buffer, and an immutable reference-counted payload.
 *
 * The buffer doubles, so that appending is linear over all; it never shrinks but in buf_finish().
 * The owner decides when an emptied buffer is worth keeping.
 */
#include "common/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"

#define CAP_MIN 64

void buf_finish(struct buf *buf)
{
    mem_free(buf->data);
    *buf = (struct buf){NULL, 0, 0};
}

uint8_t *buf_reserve(struct buf *buf, size_t more)
{
    assert(more <= SIZE_MAX / 2 - buf->len);
    size_t needed = buf->len + more;
    if (needed > buf->cap || buf->data == NULL) {
        size_t cap = buf->cap < CAP_MIN ? CAP_MIN : buf->cap;
        while (cap < needed) {
            cap *= 2;
        }
        buf->data = mem_realloc(buf->data, cap);
        buf->cap = cap;
    }
    return buf->data + buf->len;
}

void buf_append(struct buf *buf, const void *bytes, size_t len)
{
    if (len > 0) {
        memcpy(buf_reserve(buf, len), bytes, len);
        buf->len += len;
    }
}

void buf_append_str(struct buf *buf, struct str text)
{
    buf_append(buf, text.at, text.len);
}

void buf_append_text(struct buf *buf, const char *text)
{
    buf_append(buf, text, strlen(text));
}

void buf_append_byte(struct buf *buf, uint8_t byte)
{
    *buf_reserve(buf, 1) = byte;
    buf->len++;
}

void buf_append_u64(struct buf *buf, uint64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    buf_append(buf, digits + at, sizeof(digits) - at);
}

void buf_append_format(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    assert(len >= 0);
    char *at = (char *)buf_reserve(buf, (size_t)len + 1);
    (void)vsnprintf(at, (size_t)len + 1, format, again);
    va_end(again);
    buf->len += (size_t)len;
}

void buf_consume(struct buf *buf, size_t len)
{
    assert(len <= buf->len);
    buf->len -= len;
    if (len > 0 && buf->len > 0) {
        memmove(buf->data, buf->data + len, buf->len);
    }
}

struct str buf_str(const struct buf *buf)
{
    return (struct str){buf->len == 0 ? "" : (const char *)buf->data, buf->len};
}

struct payload *payload_create(size_t len)
{
    assert(len <= UINT32_MAX);
    struct payload *payload = mem_alloc(sizeof(*payload) + len);
    payload->refs = 1;
    payload->len = (uint32_t)len;
    return payload;
}

struct payload *payload_copy(const void *bytes, size_t len)
{
    struct payload *payload = payload_create(len);
    if (len > 0) {
        memcpy(payload->data, bytes, len);
    }
    return payload;
}

struct payload *payload_share(struct payload *payload)
{
    assert(payload->refs > 0 && payload->refs < UINT32_MAX);
    payload->refs++;
    return payload;
}

void payload_release(struct payload *payload)
{
    if (payload == NULL) {
        return;
    }
    assert(payload->refs > 0);
    if (--payload->refs == 0) {
        mem_free(payload);
    }
}
