/* SPDX-License-Identifier: MIT
 *
 * Texts kept once, counted by their holders.
 */
#include "gateway/interned.h"

#include <assert.h>

#include "common/mem.h"

struct interned *interner_share(struct interner *interner, struct str text)
{
    struct interned *interned = map_get(&interner->texts, text);
    if (interned != NULL) {
        interned->refs++;
        return interned;
    }
    interned = mem_alloc(sizeof *interned + text.len);
    interned->refs = 1;
    interned->len = (uint32_t)text.len;
    if (text.len > 0) {
        memcpy(interned->text, text.at, text.len);
    }
    map_put(&interner->texts, interned_str(interned), interned);
    return interned;
}

void interner_release(struct interner *interner, struct interned *interned)
{
    if (interned != NULL && --interned->refs == 0) {
        map_remove(&interner->texts, interned_str(interned));
        mem_free(interned);
    }
}

void interner_finish(struct interner *interner)
{
    assert(interner->texts.count == 0);
    map_finish(&interner->texts);
}
