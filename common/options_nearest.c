/* SPDX-License-Identifier: MIT
 *
 * The known name that a wrong one was probably meant to be: smallest edit distance, where inserting,
 * dropping or replacing a character and swapping two neighbours cost one each. A name that begins or ends
 * the other is near whatever the rest.
 */
#include "common/options_nearest.h"

#include <assert.h>
#include <stddef.h>

#define PART_BYTES_MIN 4 /* of a name that begins or ends another */
#define PART_DISTANCE 2  /* what that counts as */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment over three rows: the one before last is for swaps. */
size_t options_nearest_distance(struct str a, struct str b)
{
    size_t rows[3][OPTION_NAME_MAX + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    assert(a.len <= OPTION_NAME_MAX && b.len <= OPTION_NAME_MAX);
    for (size_t j = 0; j <= b.len; j++) {
        last[j] = j;
    }
    for (size_t i = 1; i <= a.len; i++) {
        now[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t differs = a.at[i - 1] == b.at[j - 1] ? 0 : 1;
            now[j] = least(least(last[j], now[j - 1]) + 1, last[j - 1] + differs);
            if (i > 1 && j > 1 && a.at[i - 1] == b.at[j - 2] && a.at[i - 2] == b.at[j - 1]) {
                now[j] = least(now[j], before[j - 2] + 1);
            }
        }
        size_t *spare = before;
        before = last;
        last = now;
        now = spare;
    }
    return last[b.len];
}

/* "warning" for "warn", "origins" for "allowed_origins". */
static bool is_part(struct str part, struct str whole)
{
    if (part.len < PART_BYTES_MIN || part.len >= whole.len) {
        return false;
    }
    struct str end = {whole.at + (whole.len - part.len), part.len};
    return str_starts(whole, part) || str_equal(end, part);
}

void options_nearest_init(struct options_nearest *nearest, struct str name)
{
    *nearest = (struct options_nearest){.name = name, .distance = 2 + name.len / 4};
}

void options_nearest_offer(struct options_nearest *nearest, struct str candidate)
{
    if (nearest->name.len > OPTION_NAME_MAX || candidate.len > OPTION_NAME_MAX) {
        return;
    }
    size_t distance = options_nearest_distance(nearest->name, candidate);
    if (is_part(nearest->name, candidate) || is_part(candidate, nearest->name)) {
        distance = least(distance, PART_DISTANCE);
    }
    if (distance < nearest->distance && distance < candidate.len) {
        nearest->distance = distance;
        nearest->best = candidate;
    }
}
