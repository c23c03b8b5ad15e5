/* SPDX-License-Identifier: MIT
 *
 * "Did you mean": the candidate with the smallest edit distance to a name, if that is small enough.
 */
#pragma once

#include "common/str.h"

#define OPTION_NAME_MAX 64 /* longer names are near to nothing */

struct options_nearest {
    struct str name;
    struct str best; /* borrowed from its offer; absent: none is near */
    size_t distance;
};

void options_nearest_init(struct options_nearest *nearest, struct str name);
void options_nearest_offer(struct options_nearest *nearest, struct str candidate);

/* Of texts of at most OPTION_NAME_MAX bytes. Once it is more than `enough`, how much more is not looked into. */
size_t options_nearest_distance(struct str a, struct str b, size_t enough);
