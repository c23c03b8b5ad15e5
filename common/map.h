/* SPDX-License-Identifier: MIT
 *
 * Hash map from bytes to a pointer, keyed by SipHash with a random key of the process, so that
 * clients cannot choose colliding keys.
 *
 * Key bytes are borrowed: they must stay in place as long as their entry (keep them in the value).
 * Zeroed is empty and valid. Adding or removing during a walk is not allowed, except through
 * map_remove() of the entry the walk stands on.
 */
#pragma once

#include <stdint.h>

#include "common/str.h"

struct map_entry {
    const char *key;
    uint32_t key_len;
    uint32_t hash; /* its lower half */
    void *value;   /* NULL: free slot */
};

struct map {
    struct map_entry *entries; /* owned, open addressing */
    size_t count;
    size_t cap; /* 0 or a power of two, at most 2^31 */
};

void map_finish(struct map *map);                              /* frees the table, not the values */
void *map_get(const struct map *map, struct str key);          /* NULL: absent */
void *map_put(struct map *map, struct str key, void *value);   /* returns what it replaces */
void *map_remove(struct map *map, struct str key);             /* returns the value, or NULL */
void *map_get_u64(const struct map *map, const uint64_t *key); /* the 8 bytes as key */
void *map_put_u64(struct map *map, const uint64_t *key, void *value);
void *map_remove_u64(struct map *map, const uint64_t *key);

/* Walk: *cursor starts at 0; NULL ends it. Order is arbitrary. Removing the entry just returned is
 * safe (removal leaves a hole that is filled from behind only after the walk's position). */
void *map_next(const struct map *map, size_t *cursor);

/* SipHash-2-4 under the process's key (drawn at first use from getrandom). */
uint64_t map_hash(struct str key);
uint64_t map_siphash(const uint64_t key[2], struct str text); /* the function alone */
