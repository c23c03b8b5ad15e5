/* SPDX-License-Identifier: MIT
 *
 * The last message-ids that were delivered, by their hashes.
 */
#include "gateway/recent.h"

#include "common/mem.h"
#include "common/wire.h"

void recent_finish(struct recent *recent)
{
    map_finish(&recent->by_hash);
    mem_free(recent->entries);
    *recent = (struct recent){.count = 0};
}

void recent_next_link(struct recent *recent)
{
    recent->link++;
}

static void remember(struct recent *recent, uint64_t hash)
{
    if (recent->entries == NULL) {
        recent->entries = mem_zalloc_array(RECENT_MAX, sizeof(*recent->entries));
    }
    struct recent_entry *entry = &recent->entries[recent->count % RECENT_MAX];
    if (recent->count >= RECENT_MAX) {
        map_remove_u64(&recent->by_hash, &entry->hash);
    }
    *entry = (struct recent_entry){.hash = hash, .link = recent->link};
    map_put_u64(&recent->by_hash, &entry->hash, entry);
    recent->count++;
}

bool recent_knows(struct recent *recent, struct str message_id)
{
    uint64_t hash = link_id_hash(message_id);
    const struct recent_entry *known = map_get_u64(&recent->by_hash, &hash);
    if (known == NULL) {
        remember(recent, hash);
    }
    return known != NULL && known->link != recent->link;
}

void recent_put(const struct recent *recent, struct buf *out)
{
    uint64_t told = recent->count < RECENT_TOLD ? recent->count : RECENT_TOLD;
    for (uint64_t i = recent->count - told; i < recent->count; i++) {
        wire_put_u64(out, recent->entries[i % RECENT_MAX].hash);
    }
}
