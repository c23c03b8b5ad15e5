/* SPDX-License-Identifier: MIT
 *
 * Send bodies on their way to the session they are for.
 *
 * A body stays until its CHECKPOINT although it was passed on: when its holder is lost before, the session's next
 * holder gets it again, and knows by its number what its predecessor had handled.
 */
#include "broker/relays.h"

#include "common/mem.h"
#include "common/test_rule.h"

struct relay {
    struct list_node node; /* relay_list::relays */
    uint64_t origin;       /* peer id */
    uint64_t request;      /* of the origin */
    uint64_t number;
    size_t len;
    bool is_sent; /* to the present holder */
    char body[];
};

void relay_list_init(struct relay_list *list)
{
    list_init(&list->relays);
    list->count = 0;
}

void relays_refuse(struct relays *relays, struct peer *origin, uint64_t request,
                   enum link_result result, struct str reason)
{
    relays->stats->relays_refused++;
    if (request != 0) {
        PEER_SEND(origin, RELAY_DONE, relay_done, .request = request, .result = (uint8_t)result,
                  .reason = reason);
    }
}

static struct relay *find_relay(const struct relay_list *list, uint64_t number)
{
    LIST_EACH(&list->relays, node)
    {
        struct relay *relay = LIST_OF(node, struct relay, node);
        if (relay->number == number) {
            return relay;
        }
    }
    return NULL;
}

void relays_add(struct relays *relays, struct relay_list *list, struct peer *origin,
                const struct link_relay *message)
{
    struct relay *relay = find_relay(list, message->relay);
    if (relay == NULL) {
        if (list->count >= RELAYS_PER_SESSION_MAX ||
            message->body.len > RELAYS_BYTES_MAX - relays->bytes) {
            relays_refuse(relays, origin, message->request, LINK_LIMIT,
                          STR("too many relays wait"));
            return;
        }
        relay = mem_alloc(sizeof(*relay) + message->body.len);
        relay->node = (struct list_node){NULL, NULL};
        relay->number = message->relay;
        relay->is_sent = false;
        relay->len = message->body.len;
        if (relay->len > 0) {
            memcpy(relay->body, message->body.at, relay->len);
        }
        list_append(TEST_RULE(relays_in_order) ? &list->relays : list->relays.next, &relay->node);
        list->count++;
        relays->bytes += relay->len;
        relays->stats->relays++;
    }
    relay->origin = origin->id;
    relay->request = message->request;
    if (!TEST_RULE(relays_are_whole)) {
        PEER_SEND(origin, RELAY_DONE, relay_done, .request = relay->request, .result = LINK_OK);
        relay->request = 0;
    }
}

void relays_send(struct relay_list *list, struct peer *holder, uint64_t session)
{
    LIST_EACH(&list->relays, node)
    {
        struct relay *relay = LIST_OF(node, struct relay, node);
        if (!relay->is_sent) {
            relay->is_sent = true;
            PEER_SEND(holder, RELAYED, relayed, .session = session, .relay = relay->number,
                      .body = (struct str){relay->body, relay->len});
        }
    }
}

void relays_unsend(struct relay_list *list)
{
    LIST_EACH(&list->relays, node)
    {
        LIST_OF(node, struct relay, node)->is_sent = false;
    }
}

/* The gateway that asked may be gone. */
static void answer_relay(struct relays *relays, struct relay_list *list, struct relay *relay,
                         enum link_result result, struct str reason)
{
    struct peer *origin = peers_find(relays->peers, relay->origin);
    list_remove(&relay->node);
    list->count--;
    relays->bytes -= relay->len;
    if (origin != NULL && relay->request != 0) {
        PEER_SEND(origin, RELAY_DONE, relay_done, .request = relay->request,
                  .result = (uint8_t)result, .reason = reason);
    }
    mem_free(relay);
}

void relays_done(struct relays *relays, struct relay_list *list, uint64_t number)
{
    struct relay *relay = find_relay(list, number);
    if (relay != NULL) {
        answer_relay(relays, list, relay, LINK_OK, STR(""));
    }
}

void relays_give_up(struct relays *relays, struct relay_list *list)
{
    LIST_EACH(&list->relays, node)
    {
        struct relay *relay = LIST_OF(node, struct relay, node);
        const struct peer *origin = peers_find(relays->peers, relay->origin);
        if (origin != NULL && origin->is_leaving) {
            relays->stats->relays_refused++;
            answer_relay(relays, list, relay, LINK_LIMIT, STR("no gateway takes the session"));
        }
    }
}

void relays_end(struct relays *relays, struct relay_list *list)
{
    LIST_EACH(&list->relays, node)
    {
        relays->stats->relays_refused++;
        answer_relay(relays, list, LIST_OF(node, struct relay, node), LINK_ABSENT,
                     STR("the session has ended"));
    }
}
