/* SPDX-License-Identifier: MIT
 *
 * What the broker knows, put together and taken apart in the right order.
 */
#include "broker/core.h"

#include "broker/commands.h"
#include "broker/handover.h"

#define SEPARATOR '/'      /* of segments in patterns */
#define SWEEP_MS 1000      /* what has expired goes, a little at a time */
#define SWEEP_STREAMS 1024 /* destinations each time */

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
    core->fanout.wheel = wheel;
    history_init(&core->history, &(struct history_options){.separator = SEPARATOR});
    hold_init(&core->hold, wheel, &core->peers);
}

static void on_sweep(struct wheel_entry *entry)
{
    struct core *core = MEM_CONTAINER(entry, struct core, sweep);
    history_sweep(&core->history, SWEEP_STREAMS, wheel_now(core->fanout.wheel));
    wheel_add(core->sessions.options.wheel, &core->sweep, SWEEP_MS, on_sweep);
}

void core_keep_history(struct core *core, const struct history_options *options)
{
    history_finish(&core->history);
    history_init(&core->history, options);
    core->history.options.separator = SEPARATOR;
    core->fanout.history = &core->history;
    wheel_add(core->sessions.options.wheel, &core->sweep, SWEEP_MS, on_sweep);
}

static void on_released(struct peer *peer, uint8_t type, struct str body, void *data)
{
    commands_handle_held(data, peer, type, body);
}

static void on_hold_over(void *data)
{
    struct core *core = data;
    size_t cursor = 0;
    struct peer *peer;
    for (size_t at = 0; at < core->hold.expected.len; at += sizeof(uint64_t)) {
        uint64_t gateway;
        memcpy(&gateway, core->hold.expected.data + at, sizeof(gateway));
        core->missing(gateway, core->missing_data);
    }
    while ((peer = map_next(&core->peers.by_id, &cursor)) != NULL) {
        if (peer->has_restored) {
            PEER_SEND(peer, RESTORED, restored, .session = 0);
        }
    }
}

void core_await(struct core *core, struct str gateways, core_missing_cb missing, void *data)
{
    core->missing = missing;
    core->missing_data = data;
    hold_start(&core->hold, gateways, on_released, on_hold_over, core);
}

void core_finish(struct core *core)
{
    hold_finish(&core->hold);
    wheel_remove(core->sessions.options.wheel, &core->sweep);
    history_finish(&core->history);
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
    handover_lose_peer(&core->sessions, peer);
    peer_finish(peer);
    core->stats.links_closed++;
}
