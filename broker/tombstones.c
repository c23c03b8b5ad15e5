/* SPDX-License-Identifier: MIT
 *
 * Sessions that ended, by key, until their time is over or newer ones need the room.
 */
#include "broker/tombstones.h"

#include "common/mem.h"

void tombstones_init(struct tombstones *tombstones, struct wheel *wheel, size_t max)
{
    *tombstones = (struct tombstones){.wheel = wheel, .max = max};
    list_init(&tombstones->by_age);
}

static void remove_tombstone(struct tombstone *tombstone)
{
    struct tombstones *tombstones = tombstone->tombstones;
    wheel_remove(tombstones->wheel, &tombstone->expiry);
    list_remove(&tombstone->node);
    map_remove(&tombstones->by_key, tombstone->key);
    mem_free(tombstone);
}

static void remove_oldest(struct tombstones *tombstones)
{
    remove_tombstone(LIST_OF(tombstones->by_age.next, struct tombstone, node));
}

void tombstones_finish(struct tombstones *tombstones)
{
    while (!list_is_empty(&tombstones->by_age)) {
        remove_oldest(tombstones);
    }
    map_finish(&tombstones->by_key);
}

static void on_expired(struct wheel_entry *entry)
{
    remove_tombstone(MEM_CONTAINER(entry, struct tombstone, expiry));
}

static struct str append_text(char **at, struct str text)
{
    struct str copy = {*at, text.len};
    if (text.len > 0) {
        memcpy(*at, text.at, text.len);
    }
    *at += text.len;
    return copy;
}

void tombstones_add(struct tombstones *tombstones, struct str key, uint16_t code, struct str reason,
                    uint32_t remember_ms)
{
    struct tombstone *earlier = map_get(&tombstones->by_key, key);
    if (earlier != NULL) {
        remove_tombstone(earlier);
    }
    if (tombstones->by_key.count >= tombstones->max) {
        remove_oldest(tombstones);
    }
    struct tombstone *tombstone = mem_zalloc(sizeof(*tombstone) + key.len + reason.len);
    char *bytes = (char *)(tombstone + 1);
    tombstone->tombstones = tombstones;
    tombstone->code = code;
    tombstone->key = append_text(&bytes, key);
    tombstone->reason = append_text(&bytes, reason);
    map_put(&tombstones->by_key, tombstone->key, tombstone);
    list_append(&tombstones->by_age, &tombstone->node);
    wheel_add(tombstones->wheel, &tombstone->expiry, remember_ms, on_expired);
}

const struct tombstone *tombstones_find(const struct tombstones *tombstones, struct str key)
{
    return map_get(&tombstones->by_key, key);
}
