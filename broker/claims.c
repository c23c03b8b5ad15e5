/* SPDX-License-Identifier: MIT
 *
 * Claims that wait until a session's holder has answered, and their answers.
 */
#include "broker/claims.h"

#include <assert.h>

#include "common/mem.h"

void claim_list_init(struct claim_list *list)
{
    list_init(&list->claims);
    list->count = 0;
}

bool claims_add(struct claim_list *list, const struct peer *peer, const struct link_claim *message)
{
    if (list->count >= CLAIMS_WAITING_MAX) {
        return false;
    }
    struct claim *claim = mem_zalloc(sizeof(*claim));
    claim->peer = peer->id;
    claim->request = message->request;
    claim->session = message->session;
    claim->expire_ms = message->expire_ms;
    list_append(&list->claims, &claim->node);
    list->count++;
    return true;
}

struct claim claims_take_first(struct claim_list *list)
{
    struct list_node *node = list_take_first(&list->claims);
    assert(node != NULL);
    struct claim *claim = LIST_OF(node, struct claim, node);
    struct claim taken = *claim;
    list->count--;
    mem_free(claim);
    return taken;
}

const struct claim *claims_first(struct claim_list *list, const struct peers *peers)
{
    while (list->count > 0) {
        struct claim *claim = LIST_OF(list->claims.next, struct claim, node);
        if (peers_find(peers, claim->peer) != NULL) {
            return claim;
        }
        (void)claims_take_first(list);
    }
    return NULL;
}

void claims_end(struct claim_list *list, const struct peers *peers, uint16_t code,
                struct str reason)
{
    while (claims_first(list, peers) != NULL) {
        struct claim claim = claims_take_first(list);
        PEER_SEND(peers_find(peers, claim.peer), CLAIMED, claimed, .request = claim.request,
                  .session = claim.session, .result = LINK_CLAIM_CLOSED, .code = code,
                  .reason = reason);
    }
}

void claims_refuse(struct peer *peer, uint64_t request, uint64_t session,
                   enum link_claim_result result)
{
    PEER_SEND(peer, CLAIMED, claimed, .request = request, .session = session,
              .result = (uint8_t)result);
}
