/* SPDX-License-Identifier: MIT
 *
 * The gateways that are linked now, by the id of their link.
 */
#include "broker/peer.h"

#include <assert.h>

void peers_finish(struct peers *peers)
{
    assert(peers->by_id.count == 0);
    map_finish(&peers->by_id);
}

void peers_add(struct peers *peers, struct peer *peer)
{
    peer->id = ++peers->last_id;
    map_put_u64(&peers->by_id, &peer->id, peer);
}

struct peer *peers_find(const struct peers *peers, uint64_t id)
{
    return map_get_u64(&peers->by_id, &id);
}

void peers_remove(struct peers *peers, struct peer *peer)
{
    map_remove_u64(&peers->by_id, &peer->id);
}

void peer_index_recent(struct peer *peer)
{
    map_finish(&peer->known);
    for (size_t at = 0; at < peer->recent.len; at += sizeof(uint64_t)) {
        const uint64_t *hash = (const void *)(peer->recent.data + at);
        map_put_u64(&peer->known, hash, peer);
    }
}

bool peer_knows(const struct peer *peer, uint64_t hash)
{
    return peer->known.count > 0 && map_get_u64(&peer->known, &hash) != NULL;
}

void peer_finish(struct peer *peer)
{
    assert(peer->sessions.count == 0 && !list_is_linked(&peer->node));
    map_finish(&peer->sessions);
    buf_finish(&peer->free_groups);
    buf_finish(&peer->matched);
    map_finish(&peer->known);
    buf_finish(&peer->recent);
    peer->has_restored = false;
    peer->is_leaving = false;
    peer->group_count = 0;
}
