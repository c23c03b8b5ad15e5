/* SPDX-License-Identifier: MIT
 *
 * Send bodies on their way to the session they are for: kept until its holder has checkpointed them.
 *
 *   relays_add() keeps a body; relays_send() passes those that were not passed yet to a holder;
 *   relays_unsend() when that holder is lost; relays_done() at its CHECKPOINT; relays_end() with the session.
 */
#pragma once

#include "broker/peer.h"
#include "broker/stats.h"

#define RELAYS_BYTES_MAX (64u << 20) /* of all sessions; beyond: RELAY_DONE LIMIT */
#define RELAYS_PER_SESSION_MAX 64    /* likewise */

struct relays {
    struct peers *peers; /* borrowed */
    struct stats *stats; /* borrowed */
    size_t bytes;
};

struct relay_list { /* of one session */
    struct list_node relays;
    size_t count;
};

void relay_list_init(struct relay_list *list);

/* Keeps the body, or answers `origin` LIMIT. A repeat of a relay that is there takes its place in the line. */
void relays_add(struct relays *relays, struct relay_list *list, struct peer *origin,
                const struct link_relay *relay);
void relays_send(struct relay_list *list, struct peer *holder, uint64_t session);
void relays_unsend(struct relay_list *list);
void relays_done(struct relays *relays, struct relay_list *list, uint64_t number);
void relays_end(struct relays *relays, struct relay_list *list); /* all answered ABSENT */
void relays_give_up(struct relays *relays,
                    struct relay_list *list); /* LIMIT, to those who are about to stop */
void relays_refuse(struct relays *relays, struct peer *origin, uint64_t request,
                   enum link_result result, struct str reason);
