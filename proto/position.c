/* SPDX-License-Identifier: MIT
 *
 * Codec of positions.
 */
#include "proto/position.h"

#include <assert.h>
#include <string.h>

#define DIGITS_MAX 20

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_epoch_byte(char byte)
{
    return is_digit(byte) || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

/* One spelling for each number. */
static bool parse_offset(struct str digits, uint64_t *out)
{
    uint64_t value = 0;
    if (digits.len == 0 || digits.len > DIGITS_MAX || (digits.len > 1 && digits.at[0] == '0')) {
        return false;
    }
    for (size_t i = 0; i < digits.len; i++) {
        unsigned digit = (unsigned)(digits.at[i] - '0');
        if (!is_digit(digits.at[i]) || value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

bool position_parse(struct str text, struct position *out)
{
    size_t len = 0;
    uint64_t offset;
    while (len < text.len && is_epoch_byte(text.at[len])) {
        len++;
    }
    if (len == 0 || len > POSITION_EPOCH_BYTES_MAX || len == text.len || text.at[len] != '-' ||
        !parse_offset((struct str){text.at + len + 1, text.len - len - 1}, &offset)) {
        return false;
    }
    *out = (struct position){{text.at, len}, offset};
    return true;
}

void position_write(const struct position *position, struct position_text *out)
{
    char digits[DIGITS_MAX];
    size_t at = sizeof(digits);
    uint64_t rest = position->offset;
    assert(position->epoch.len > 0 && position->epoch.len <= POSITION_EPOCH_BYTES_MAX);
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    memcpy(out->bytes, position->epoch.at, position->epoch.len);
    out->bytes[position->epoch.len] = '-';
    memcpy(out->bytes + position->epoch.len + 1, digits + at, sizeof(digits) - at);
    out->len = (uint8_t)(position->epoch.len + 1 + sizeof(digits) - at);
}

struct str position_str(const struct position_text *text)
{
    return (struct str){text->bytes, text->len};
}
