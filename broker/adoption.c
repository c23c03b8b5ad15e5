/* SPDX-License-Identifier: MIT
 *
 * Who takes a session that nobody holds because somebody sends to it.
 */
#include "broker/adoption.h"

static const struct peer *find_staying(const struct peers *peers)
{
    size_t cursor = 0;
    const struct peer *peer;
    while ((peer = map_next(&peers->by_id, &cursor)) != NULL) {
        if (!peer->is_leaving) {
            return peer;
        }
    }
    return NULL;
}

static bool stays(const struct peer *peer)
{
    return peer != NULL && !peer->is_leaving;
}

void adoption_ask(struct session *session, const struct peer *first)
{
    struct sessions *sessions = session->sessions;
    struct peers *peers = sessions->options.peers;
    struct session_passage *passage = session->passage;
    if (session->state != SESSION_PARKED || passage->relays.count == 0 ||
        stays(peers_find(peers, passage->adopter))) {
        return;
    }
    const struct peer *chosen = stays(first) ? first : find_staying(peers);
    if (chosen == NULL) {
        relays_give_up(&sessions->relays, &passage->relays);
        return;
    }
    passage->adopter = chosen->id;
    sessions->options.stats->adoptions++;
    PEER_SEND(peers_find(peers, chosen->id), ADOPT, adopt, .key = session->key,
              .family = session->family, .user = session->user);
}

void adoption_ask_all(struct sessions *sessions)
{
    if (sessions->parked_count == 0) {
        return;
    }
    LIST_EACH(&sessions->all, node)
    {
        adoption_ask(LIST_OF(node, struct session, node), NULL);
    }
}
