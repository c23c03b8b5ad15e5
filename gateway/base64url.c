/* SPDX-License-Identifier: MIT */
#include "gateway/base64url.h"

/* 64 for a byte that is no digit. */
static uint32_t digit_of(char byte)
{
    if (byte >= 'A' && byte <= 'Z') {
        return (uint32_t)(byte - 'A');
    }
    if (byte >= 'a' && byte <= 'z') {
        return (uint32_t)(byte - 'a') + 26;
    }
    if (byte >= '0' && byte <= '9') {
        return (uint32_t)(byte - '0') + 52;
    }
    return byte == '-' ? 62 : byte == '_' ? 63 : 64;
}

bool base64url_decode(struct str text, struct buf *out)
{
    size_t start = out->len;
    uint32_t bits = 0;
    unsigned count = 0; /* of bits that wait */
    if (text.len % 4 == 1) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        uint32_t digit = digit_of(text.at[i]);
        if (digit == 64) {
            out->len = start;
            return false;
        }
        bits = bits << 6 | digit;
        count += 6;
        if (count >= 8) {
            count -= 8;
            buf_append_byte(out, (uint8_t)(bits >> count));
        }
        bits &= (1u << count) - 1;
    }
    if (bits != 0) {
        out->len = start;
        return false;
    }
    return true;
}
