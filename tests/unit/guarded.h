/* SPDX-License-Identifier: MIT
 *
 * Bytes that end where memory ends: a read behind them is a fault, with or without a sanitizer.
 */
#pragma once

#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define GUARDED_PAGE 4096u

struct guarded {
    uint8_t *map;
    size_t room; /* usable bytes; a page without access lies behind them */
};

static inline struct guarded guarded_create(size_t bytes_max)
{
    size_t room = (bytes_max / GUARDED_PAGE + 1) * GUARDED_PAGE;
    uint8_t *map =
        mmap(NULL, room + GUARDED_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert(map != MAP_FAILED);
    int code = mprotect(map + room, GUARDED_PAGE, PROT_NONE);
    assert(code == 0);
    (void)code;
    return (struct guarded){map, room};
}

/* The copy ends at the page without access; it stays until the next call. */
static inline uint8_t *guarded_put(const struct guarded *guarded, const void *bytes, size_t len)
{
    assert(len <= guarded->room);
    uint8_t *at = guarded->map + guarded->room - len;
    if (len > 0) {
        memmove(at, bytes, len);
    }
    return at;
}

static inline void guarded_destroy(const struct guarded *guarded)
{
    munmap(guarded->map, guarded->room + GUARDED_PAGE);
}
