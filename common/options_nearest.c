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

/* What both begin with, or end with, costs nothing. */
static void trim_common(struct str *a, struct str *b)
{
    while (a->len > 0 && b->len > 0 && a->at[0] == b->at[0]) {
        *a = (struct str){a->at + 1, a->len - 1};
        *b = (struct str){b->at + 1, b->len - 1};
    }
    while (a->len > 0 && b->len > 0 && a->at[a->len - 1] == b->at[b->len - 1]) {
        a->len--;
        b->len--;
    }
}

/* Optimal string alignment over three rows: the one before last is for swaps. */
size_t options_nearest_distance(struct str a, struct str b, size_t enough)
{
    size_t rows[3][OPTION_NAME_MAX + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    assert(a.len <= OPTION_NAME_MAX && b.len <= OPTION_NAME_MAX);
    trim_common(&a, &b);
    for (size_t j = 0; j <= b.len; j++) {
        last[j] = j;
    }
    for (size_t i = 1; i <= a.len; i++) {
        now[0] = i;
        size_t best = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t differs = a.at[i - 1] == b.at[j - 1] ? 0 : 1;
            now[j] = least(least(last[j], now[j - 1]) + 1, last[j - 1] + differs);
            if (i > 1 && j > 1 && a.at[i - 1] == b.at[j - 2] && a.at[i - 2] == b.at[j - 1]) {
                now[j] = least(now[j], before[j - 2] + 1);
            }
            best = least(best, now[j]);
        }
        if (best > enough) { /* a swap reaches back over one row, at a cost of one */
            return best;
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

static size_t differ_in_length(struct str a, struct str b)
{
    return a.len < b.len ? b.len - a.len : a.len - b.len;
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
    size_t distance = differ_in_length(nearest->name, candidate);
    if (distance < nearest->distance) { /* less it cannot be */
        distance = options_nearest_distance(nearest->name, candidate, nearest->distance);
    }
    if (is_part(nearest->name, candidate) || is_part(candidate, nearest->name)) {
        distance = least(distance, PART_DISTANCE);
    }
    if (distance < nearest->distance && distance < candidate.len) {
        nearest->distance = distance;
        nearest->best = candidate;
    }
}
