/* SPDX-License-Identifier: MIT
 *
 * Surrogate halves joined over message borders, or replaced.
 */
#include "gateway/surrogates.h"

#include "proto/utf8.h"

#define LEAD 0xed /* first byte of U+D000 to U+DFFF */
#define HALF_BYTES 3
#define REPLACEMENT "\xef\xbf\xbd"

/* 0, or the surrogate half whose bytes begin at `at`. */
static uint32_t read_half(const uint8_t *at, size_t len)
{
    if (len < HALF_BYTES || at[0] != LEAD || at[1] < 0xa0) {
        return 0;
    }
    return 0xd000u | (uint32_t)(at[1] & 0x3f) << 6 | (uint32_t)(at[2] & 0x3f);
}

static bool is_high(uint32_t half)
{
    return half >= 0xd800 && half < 0xdc00;
}

static bool is_low(uint32_t half)
{
    return half >= 0xdc00;
}

static void put_pair(struct buf *out, uint32_t high, uint32_t low)
{
    uint8_t *at = buf_reserve(out, 4);
    out->len += utf8_put(at, 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00));
}

static bool needs_mending(const struct surrogates *surrogates, struct str text)
{
    const uint8_t *at = (const uint8_t *)text.at;
    size_t left = text.len;
    if (surrogates->has_held) {
        return true;
    }
    while (left > 0) {
        const uint8_t *found = memchr(at, LEAD, left);
        if (found == NULL) {
            return false;
        }
        left -= (size_t)(found - at);
        at = found;
        if (read_half(at, left) != 0) {
            return true;
        }
        at++;
        left--;
    }
    return false;
}

/* One half at `at`; returns the bytes it took (a pair's, when its other half follows). */
static size_t mend_half(struct surrogates *surrogates, const uint8_t *at, size_t len,
                        struct buf *out)
{
    uint32_t half = read_half(at, len);
    uint32_t next = read_half(at + HALF_BYTES, len - HALF_BYTES);
    if (is_high(half) && is_low(next)) {
        put_pair(out, half, next);
        return (size_t)2 * HALF_BYTES;
    }
    if (is_high(half) && len == HALF_BYTES) {
        memcpy(surrogates->held, at, HALF_BYTES);
        surrogates->has_held = true;
    } else {
        buf_append_text(out, REPLACEMENT);
    }
    return HALF_BYTES;
}

bool surrogates_mend(struct surrogates *surrogates, struct str text, struct buf *out)
{
    const uint8_t *at = (const uint8_t *)text.at;
    size_t left = text.len;
    if (left == 0 || !needs_mending(surrogates, text)) {
        return false;
    }
    if (surrogates->has_held) {
        uint32_t low = read_half(at, left);
        surrogates->has_held = false;
        if (is_low(low)) {
            put_pair(out, read_half(surrogates->held, HALF_BYTES), low);
            at += HALF_BYTES;
            left -= HALF_BYTES;
        } else {
            buf_append_text(out, REPLACEMENT);
        }
    }
    while (left > 0) {
        const uint8_t *found = memchr(at, LEAD, left);
        size_t plain = found == NULL ? left : (size_t)(found - at);
        if (found != NULL && read_half(found, left - plain) == 0) {
            plain++;
        }
        if (plain > 0) {
            buf_append(out, at, plain);
        } else {
            plain = mend_half(surrogates, at, left, out);
        }
        at += plain;
        left -= plain;
    }
    return true;
}
