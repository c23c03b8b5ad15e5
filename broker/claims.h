/* SPDX-License-Identifier: MIT
 *
 * Claims that wait until a session's holder has answered, and their answers.
 */
#pragma once

#include "broker/peer.h"

#define CLAIMS_WAITING_MAX 16 /* for one session; beyond: BUSY */

struct claim {
    struct list_node node; /* claim_list::claims */
    uint64_t peer;         /* id */
    uint64_t request;
    uint64_t session; /* the claimant's number for it */
    uint32_t expire_ms;
};

struct claim_list { /* of one session, in the order they came */
    struct list_node claims;
    size_t count;
};

void claim_list_init(struct claim_list *list);
bool claims_add(struct claim_list *list, const struct peer *peer,
                const struct link_claim *claim); /* false: too many wait */

/* The first whose gateway is still linked; those before it are dropped. NULL: none waits. */
const struct claim *claims_first(struct claim_list *list, const struct peers *peers);
struct claim claims_take_first(struct claim_list *list); /* there is one */

/* All that wait are answered CLOSED. */
void claims_end(struct claim_list *list, const struct peers *peers, uint16_t code,
                struct str reason);

/* CLAIMED with a result that carries no session. */
void claims_refuse(struct peer *peer, uint64_t request, uint64_t session,
                   enum link_claim_result result);
