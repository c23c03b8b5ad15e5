/* SPDX-License-Identifier: MIT
 *
 * So many in one second, and no more.
 *
 * A second begins with the first event in it, not with the clock's: twice the limit within a second's length is
 * possible, for ever more than the limit is not.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RATE_WINDOW_MS 1000

struct rate { /* zeroed: nothing yet */
    uint64_t since_ms;
    size_t count; /* events since then */
};

/* Counts `count` events more; false when these are more than `max` in this second. */
static inline bool rate_take(struct rate *rate, uint64_t now_ms, size_t count, size_t max)
{
    if (now_ms - rate->since_ms >= RATE_WINDOW_MS) {
        rate->since_ms = now_ms;
        rate->count = 0;
    }
    rate->count = count > SIZE_MAX - rate->count ? SIZE_MAX : rate->count + count;
    return rate->count <= max;
}

/* Forgets `count` events of this second. */
static inline void rate_forgive(struct rate *rate, size_t count)
{
    rate->count -= count < rate->count ? count : rate->count;
}
