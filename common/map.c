/* SPDX-License-Identifier: MIT
 *
 * Hash map from bytes to a pointer: linear probing over a power of two, at most three quarters
 * full.
 *
 * Removal closes the gap by moving later entries of the run back (no tombstones, so that a map of
 * sessions that come and go for months stays fast). A walk therefore goes backwards, starting
 * before a slot that is free: then whatever a removal moves has been seen already.
 */
#include "common/map.h"

#include <assert.h>
#include <endian.h>

#include "common/mem.h"
#include "common/process.h"

#define CAP_MIN 8
#define CAP_MAX ((size_t)1 << 31)
#define CURSOR_SHIFT 32 /* a walk's cursor: where it started, and how many slots it has seen */

static_assert(sizeof(size_t) == 8, "the cursor of map_next() holds two 32-bit halves");

static uint64_t rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    sip_round(v);
    sip_round(v);
    v[0] ^= word;
}

/* Little-endian on every machine, so that the published vectors hold. */
static uint64_t load_word(const char *at, size_t len)
{
    uint64_t word = 0;
    memcpy(&word, at, len);
    return le64toh(word);
}

uint64_t map_siphash(const uint64_t key[2], struct str text)
{
    uint64_t v[4] = {key[0] ^ 0x736f6d6570736575u, key[1] ^ 0x646f72616e646f6du,
                     key[0] ^ 0x6c7967656e657261u, key[1] ^ 0x7465646279746573u};
    size_t whole = text.len & ~(size_t)7;
    for (size_t i = 0; i < whole; i += 8) {
        sip_word(v, load_word(text.at + i, 8));
    }
    uint64_t last = (uint64_t)(text.len & 0xff) << 56;
    if (text.len > whole) {
        last |= load_word(text.at + whole, text.len - whole);
    }
    sip_word(v, last);
    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++) {
        sip_round(v);
    }
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t map_hash(struct str key)
{
    static uint64_t process_key[2];
    static bool has_key;
    if (!has_key) {
        process_random(process_key, sizeof(process_key));
        has_key = true;
    }
    return map_siphash(process_key, key);
}

void map_finish(struct map *map)
{
    mem_free(map->entries);
    *map = (struct map){NULL, 0, 0};
}

/* What of the hash stands in an entry: enough for its place, and to tell most keys apart. */
static uint32_t short_hash(struct str key)
{
    return (uint32_t)map_hash(key);
}

static struct str key_of(const struct map_entry *entry)
{
    return (struct str){entry->key, entry->key_len};
}

/* The slot that holds `key`, else the free slot where it would go. The table has a free slot. */
static size_t find_slot(const struct map *map, struct str key, uint32_t hash)
{
    size_t mask = map->cap - 1;
    size_t slot = hash & mask;
    while (map->entries[slot].value != NULL &&
           (map->entries[slot].hash != hash || !str_equal(key_of(&map->entries[slot]), key))) {
        slot = (slot + 1) & mask;
    }
    return slot;
}

static void grow(struct map *map)
{
    struct map_entry *old = map->entries;
    size_t old_cap = map->cap;
    map->cap = old_cap == 0 ? CAP_MIN : old_cap * 2;
    assert(map->cap <= CAP_MAX);
    map->entries = mem_zalloc_array(map->cap, sizeof(*map->entries));
    for (size_t i = 0; i < old_cap; i++) {
        if (old[i].value != NULL) {
            map->entries[find_slot(map, key_of(&old[i]), old[i].hash)] = old[i];
        }
    }
    mem_free(old);
}

void *map_get(const struct map *map, struct str key)
{
    if (map->count == 0) {
        return NULL;
    }
    return map->entries[find_slot(map, key, short_hash(key))].value;
}

void *map_put(struct map *map, struct str key, void *value)
{
    assert(value != NULL && key.len <= UINT32_MAX);
    if ((map->count + 1) * 4 > map->cap * 3) {
        grow(map);
    }
    uint32_t hash = short_hash(key);
    struct map_entry *entry = &map->entries[find_slot(map, key, hash)];
    void *replaced = entry->value;
    /* The key too: the old one's bytes usually live in the value that goes. */
    *entry = (struct map_entry){key.at, (uint32_t)key.len, hash, value};
    map->count += replaced == NULL;
    return replaced;
}

/* Moves entries of the run behind `hole` back into it where that brings them nearer to their own
 * slot. */
static void close_gap(struct map *map, size_t hole)
{
    size_t mask = map->cap - 1;
    for (size_t slot = (hole + 1) & mask; map->entries[slot].value != NULL;
         slot = (slot + 1) & mask) {
        size_t from_home = (slot - map->entries[slot].hash) & mask;
        size_t from_hole = (slot - hole) & mask;
        if (from_home >= from_hole) {
            map->entries[hole] = map->entries[slot];
            hole = slot;
        }
    }
    map->entries[hole] = (struct map_entry){NULL, 0, 0, NULL};
}

void *map_remove(struct map *map, struct str key)
{
    if (map->count == 0) {
        return NULL;
    }
    size_t slot = find_slot(map, key, short_hash(key));
    void *value = map->entries[slot].value;
    if (value != NULL) {
        close_gap(map, slot);
        map->count--;
    }
    return value;
}

static struct str bytes_of(const uint64_t *key)
{
    return (struct str){(const char *)key, sizeof(*key)};
}

void *map_get_u64(const struct map *map, const uint64_t *key)
{
    return map_get(map, bytes_of(key));
}

void *map_put_u64(struct map *map, const uint64_t *key, void *value)
{
    return map_put(map, bytes_of(key), value);
}

void *map_remove_u64(struct map *map, const uint64_t *key)
{
    return map_remove(map, bytes_of(key));
}

void *map_next(const struct map *map, size_t *cursor)
{
    if (map->cap == 0) {
        return NULL;
    }
    size_t mask = map->cap - 1;
    size_t start = *cursor >> CURSOR_SHIFT;
    size_t seen = *cursor & UINT32_MAX;
    if (seen == 0) {
        while (map->entries[start].value != NULL) {
            start++;
        }
        seen = 1;
    }
    for (; seen < map->cap; seen++) {
        void *value = map->entries[(start - seen) & mask].value;
        if (value != NULL) {
            *cursor = start << CURSOR_SHIFT | (seen + 1);
            return value;
        }
    }
    *cursor = start << CURSOR_SHIFT | seen;
    return NULL;
}
