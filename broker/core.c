/* SPDX-License-Identifier: MIT
 *
 * What the broker knows, put together and taken apart in the right order.
 */
#include "broker/core.h"

#include "broker/handover.h"

#define SEPARATOR '/' /* of segments in patterns */

void core_init(struct core *core, struct wheel *wheel, size_t sessions_max,
               size_t subscriptions_max, size_t session_log_bytes_max)
{
    *core = (struct core){.stats = {0}};
    subscriptions_init(&core->subscriptions, SEPARATOR);
    sessions_init(&core->sessions, &(struct sessions_options){
                                       .wheel = wheel,
                                       .peers = &core->peers,
                                       .subscriptions = &core->subscriptions,
                                       .stats = &core->stats,
                                       .sessions_max = sessions_max,
                                       .subscriptions_max = subscriptions_max,
                                       .log_bytes_max = session_log_bytes_max,
                                   });
    fanout_init(&core->fanout, &core->subscriptions, &core->stats);
}

void core_finish(struct core *core)
{
    sessions_finish(&core->sessions);
    subscriptions_finish(&core->subscriptions);
    peers_finish(&core->peers);
}

void core_add_peer(struct core *core, struct peer *peer)
{
    peers_add(&core->peers, peer);
    core->stats.links_opened++;
}

void core_remove_peer(struct core *core, struct peer *peer)
{
    peers_remove(&core->peers, peer);
    handover_lose_peer(peer);
    peer_finish(peer);
    core->stats.links_closed++;
}
