/* SPDX-License-Identifier: MIT
 *
 * Eight bytes at once, in plain C: questions a scanner asks of a word before it looks at single bytes.
 *
 * Each answers non-zero when some byte of the word qualifies, zero when none does. Which byte it was
 * is not told: a borrow can mark the neighbour above a true hit. Byte order does not matter.
 */
#pragma once

#include <stdint.h>
#include <string.h>

#define WORD_ONES 0x0101010101010101u
#define WORD_HIGHS 0x8080808080808080u

static inline uint64_t word_load(const void *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    return word;
}

static inline void word_store(void *at, uint64_t word)
{
    memcpy(at, &word, sizeof(word));
}

static inline uint64_t word_has_high(uint64_t word) /* a byte outside ASCII */
{
    return word & WORD_HIGHS;
}

static inline uint64_t word_has_below(uint64_t word, uint8_t bound) /* bound at most 128 */
{
    return (word - WORD_ONES * bound) & ~word & WORD_HIGHS;
}

/* A byte outside ASCII, one below `bound`, or `byte` itself: fewer steps than three questions. */
static inline uint64_t word_has_any(uint64_t word, uint8_t bound, uint8_t byte)
{
    uint64_t other = word ^ (WORD_ONES * byte);
    return (word | (word - WORD_ONES * bound) | (other - WORD_ONES)) & WORD_HIGHS;
}

static inline uint64_t word_has(uint64_t word, uint8_t byte)
{
    return word_has_below(word ^ (WORD_ONES * byte), 1);
}
