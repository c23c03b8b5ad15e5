/* SPDX-License-Identifier: MIT
 *
 * UTF-8 validation: runs of ASCII in words, everything else byte by byte through one small state.
 */
#include "proto/utf8.h"

#include "proto/word.h"

#define LOWER_DEFAULT 0x80
#define UPPER_DEFAULT 0xBF

/* What may follow a lead byte (RFC 3629, section 4): all that makes overlong forms, surrogates and values
 * above U+10FFFF impossible is the range of the first continuation byte. */
static bool begin_sequence(struct utf8 *state, uint8_t lead)
{
    if (lead >= 0xC2 && lead <= 0xDF) {
        *state = (struct utf8){1, 0, 0};
    } else if (lead >= 0xE0 && lead <= 0xEF) {
        *state = (struct utf8){2, 0, 0};
        if (lead == 0xE0) {
            state->lower = 0xA0;
        } else if (lead == 0xED) {
            state->upper = 0x9F;
        }
    } else if (lead >= 0xF0 && lead <= 0xF4) {
        *state = (struct utf8){3, 0, 0};
        if (lead == 0xF0) {
            state->lower = 0x90;
        } else if (lead == 0xF4) {
            state->upper = 0x8F;
        }
    } else {
        return false;
    }
    return true;
}

static bool continue_sequence(struct utf8 *state, uint8_t byte)
{
    uint8_t lower = state->lower == 0 ? LOWER_DEFAULT : state->lower;
    uint8_t upper = state->upper == 0 ? UPPER_DEFAULT : state->upper;
    if (byte < lower || byte > upper) {
        return false;
    }
    state->need--;
    state->lower = 0;
    state->upper = 0;
    return true;
}

static const uint8_t *skip_ascii(const uint8_t *at, const uint8_t *end)
{
    while (end - at >= 32) {
        uint64_t words =
            word_load(at) | word_load(at + 8) | word_load(at + 16) | word_load(at + 24);
        if (word_has_high(words) != 0) {
            break;
        }
        at += 32;
    }
    while (end - at >= 8 && word_has_high(word_load(at)) == 0) {
        at += 8;
    }
    while (at < end && *at < 0x80) {
        at++;
    }
    return at;
}

bool utf8_feed(struct utf8 *state, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    const uint8_t *end = len == 0 ? at : at + len;
    struct utf8 now = *state;
    while (at < end) {
        if (now.need == 0) {
            if (*at < 0x80) {
                at = skip_ascii(at, end);
                continue;
            }
            if (!begin_sequence(&now, *at)) {
                return false;
            }
        } else if (!continue_sequence(&now, *at)) {
            return false;
        }
        at++;
    }
    *state = now;
    return true;
}

bool utf8_is_complete(const struct utf8 *state)
{
    return state->need == 0;
}

bool utf8_is_valid(struct str text)
{
    struct utf8 state = {0, 0, 0};
    return utf8_feed(&state, text.at, text.len) && utf8_is_complete(&state);
}

size_t utf8_put(uint8_t out[4], uint32_t code)
{
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (uint8_t)(0xC0 | (code >> 6));
        out[1] = (uint8_t)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (uint8_t)(0xE0 | (code >> 12));
        out[1] = (uint8_t)(0x80 | ((code >> 6) & 0x3F));
        out[2] = (uint8_t)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (uint8_t)(0xF0 | (code >> 18));
    out[1] = (uint8_t)(0x80 | ((code >> 12) & 0x3F));
    out[2] = (uint8_t)(0x80 | ((code >> 6) & 0x3F));
    out[3] = (uint8_t)(0x80 | (code & 0x3F));
    return 4;
}
