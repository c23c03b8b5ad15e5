/* SPDX-License-Identifier: MIT
 *
 * Texts that many sessions have in common, kept once: destinations above all.
 */
#pragma once

#include "common/map.h"

struct interned {
    uint32_t refs;
    uint32_t len;
    char text[];
};

struct interner {     /* zeroed is empty */
    struct map texts; /* interned::text -> struct interned, owned by their holders */
};

struct interned *interner_share(struct interner *interner, struct str text);
void interner_release(struct interner *interner, struct interned *interned); /* takes NULL */
void interner_finish(struct interner *interner); /* nothing may be shared any more */

static inline struct str interned_str(const struct interned *interned)
{
    return (struct str){interned->text, interned->len};
}
