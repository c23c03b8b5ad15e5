/* SPDX-License-Identifier: MIT
 *
 * Names of negative codes: ours, and libuv's.
 */
#include "common/err.h"

#include <stddef.h>
#include <uv.h>

#include "common/mem.h"

static const struct {
    int code;
    const char *name;
} names[] = {{0, "ok"},
             {ERR_CLOSED, "closed"},
             {ERR_LIMIT, "limit"},
             {ERR_PROTOCOL, "protocol"},
             {ERR_VERSION, "version"},
             {ERR_DENIED, "denied"},
             {ERR_ABSENT, "absent"},
             {ERR_BUSY, "busy"},
             {ERR_AWAY, "away"},
             {ERR_CONFIG, "config"},
/* Not uv_err_name(): that one allocates for a code it does not know. */
#define UV_NAME(name, text) {UV_##name, #name},
             UV_ERRNO_MAP(UV_NAME)
#undef UV_NAME
};

const char *err_name(int code)
{
    for (size_t i = 0; i < MEM_COUNT(names); i++) {
        if (names[i].code == code) {
            return names[i].name;
        }
    }
    return "unknown";
}
