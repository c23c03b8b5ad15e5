/* SPDX-License-Identifier: MIT
 *
 * Messages that wait for the gateways a dead broker knew.
 */
#include "broker/hold.h"

#include "common/log.h"
#include "common/mem.h"
#include "common/test_rule.h"

struct held {
    struct list_node node; /* hold::messages */
    uint64_t peer;         /* id */
    size_t len;
    uint8_t type;
    char body[];
};

void hold_init(struct hold *hold, struct wheel *wheel, struct peers *peers)
{
    *hold = (struct hold){.wheel = wheel, .peers = peers};
    list_init(&hold->messages);
}

static void drop(struct hold *hold, struct held *held)
{
    list_remove(&held->node);
    hold->bytes -= held->len;
    mem_free(held);
}

void hold_finish(struct hold *hold)
{
    LIST_EACH(&hold->messages, node)
    {
        drop(hold, LIST_OF(node, struct held, node));
    }
    wheel_remove(hold->wheel, &hold->deadline);
    buf_finish(&hold->expected);
}

static bool is_last(uint8_t type)
{
    return type == LINK_CLAIM || type == LINK_RELAY;
}

static void release(struct hold *hold, bool last)
{
    LIST_EACH(&hold->messages, node)
    {
        struct held *held = LIST_OF(node, struct held, node);
        struct peer *peer = peers_find(hold->peers, held->peer);
        if (is_last(held->type) != last) {
            continue;
        }
        if (peer != NULL) {
            hold->release(peer, held->type, (struct str){held->body, held->len}, hold->data);
        }
        drop(hold, held);
    }
}

static void end(struct hold *hold)
{
    log_event(LOG_INFO, "hold_over", log_u64("missing", hold->expected.len / sizeof(uint64_t)),
              log_u64("bytes", hold->bytes));
    hold->is_on = false;
    wheel_remove(hold->wheel, &hold->deadline);
    release(hold, false);
    release(hold, true);
    hold->over(hold->data);
}

static void on_late(struct wheel_entry *entry)
{
    end(MEM_CONTAINER(entry, struct hold, deadline));
}

void hold_start(struct hold *hold, struct str gateways, hold_release_cb released, hold_over_cb over,
                void *data)
{
    hold->release = released;
    hold->over = over;
    hold->data = data;
    buf_append_str(&hold->expected, gateways);
    hold->is_on = gateways.len > 0 && TEST_RULE(restart_waits);
    if (hold->is_on) {
        wheel_add(hold->wheel, &hold->deadline, HOLD_MS, on_late);
    }
}

bool hold_takes(struct hold *hold, const struct peer *peer, uint8_t type, struct str body)
{
    if (!hold->is_on || type == LINK_RESTORE || type == LINK_RESTORE_END) {
        return false;
    }
    struct held *held = mem_alloc(sizeof(*held) + body.len);
    *held = (struct held){.peer = peer->id, .len = body.len, .type = type};
    if (body.len > 0) {
        memcpy(held->body, body.at, body.len);
    }
    list_append(&hold->messages, &held->node);
    hold->bytes += body.len;
    if (hold->bytes > HOLD_BYTES_MAX) {
        end(hold);
    }
    return true;
}

void hold_restored(struct hold *hold, uint64_t gateway)
{
    for (size_t at = 0; at < hold->expected.len; at += sizeof(gateway)) {
        if (memcmp(hold->expected.data + at, &gateway, sizeof(gateway)) == 0) {
            memmove(hold->expected.data + at, hold->expected.data + at + sizeof(gateway),
                    hold->expected.len - at - sizeof(gateway));
            hold->expected.len -= sizeof(gateway);
            break;
        }
    }
    if (hold->is_on && hold->expected.len == 0) {
        end(hold);
    }
}
