/* SPDX-License-Identifier: MIT
 *
 * Allocation that cannot fail: out of memory ends the process with one line on standard error.
 *
 * Every size a peer controls is limited before it reaches these calls. Memory is released with
 * mem_free(), which takes NULL. This is the only file that names malloc.
 */
#pragma once

#include <stddef.h>

#define MEM_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The object that contains `member` at `pointer`. */
#define MEM_CONTAINER(pointer, type, member)                                                       \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

void *mem_alloc(size_t size) __attribute__((malloc, returns_nonnull, warn_unused_result));
void *mem_zalloc(size_t size) __attribute__((malloc, returns_nonnull, warn_unused_result));

/* `count * size` with an overflow check (overflow is a bug: it aborts). */
void *mem_zalloc_array(size_t count, size_t size)
    __attribute__((malloc, returns_nonnull, warn_unused_result));
void *mem_realloc(void *pointer, size_t size) __attribute__((returns_nonnull, warn_unused_result));
void *mem_dup(const void *bytes, size_t size)
    __attribute__((malloc, returns_nonnull, warn_unused_result));

/* Copies `len` bytes and adds a NUL, so that the copy is a C string when the bytes held none. */
char *mem_strndup(const char *text, size_t len)
    __attribute__((malloc, returns_nonnull, warn_unused_result));
char *mem_strdup(const char *text) __attribute__((malloc, returns_nonnull, warn_unused_result));
void mem_free(void *pointer);
