/* SPDX-License-Identifier: MIT
 *
 * The subscriptions of one session, sorted by number: gateways count upwards, so that adding is appending.
 */
#include "broker/session_subscriptions.h"

#include <assert.h>

#include "common/mem.h"

/* Where `number` is, or would be. */
static size_t find_place(const struct session_subscriptions *list, uint32_t number)
{
    size_t low = 0;
    size_t high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list->items[middle].number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool is_at(const struct session_subscriptions *list, size_t place, uint32_t number)
{
    return place < list->count && list->items[place].number == number;
}

const struct session_subscription *
session_subscriptions_find(const struct session_subscriptions *list, uint32_t number)
{
    size_t place = find_place(list, number);
    return is_at(list, place, number) ? &list->items[place] : NULL;
}

static void collect(struct session_subscription *item, void *owner)
{
    if (item->collector == NULL) {
        item->collector = subscriptions_collect(item->destination, owner, item->number);
    }
}

void session_subscriptions_collect(struct session_subscriptions *list, void *owner)
{
    list->owner = owner;
    for (size_t i = 0; i < list->count; i++) {
        collect(&list->items[i], owner);
    }
}

static void uncollect(struct session_subscription *item)
{
    subscriptions_uncollect(item->collector);
    item->collector = NULL;
}

void session_subscriptions_uncollect(struct session_subscriptions *list)
{
    list->owner = NULL;
    for (size_t i = 0; i < list->count; i++) {
        uncollect(&list->items[i]);
    }
}

uint32_t session_subscriptions_add(struct session_subscriptions *list,
                                   struct subscriptions *subscriptions, uint32_t number,
                                   uint8_t ack, struct destination *destination, struct peer *peer)
{
    size_t place = find_place(list, number);
    assert(!is_at(list, place, number));
    if (list->count == list->cap) {
        list->cap = list->cap == 0 ? 1 : 2 * list->cap;
        list->items = mem_realloc(list->items, list->cap * sizeof(*list->items));
    }
    struct session_subscription *item = &list->items[place];
    memmove(item + 1, item, (list->count - place) * sizeof(*item));
    list->count++;
    *item = (struct session_subscription){.destination = destination};
    item->group = peer == NULL ? NULL : subscriptions_join(subscriptions, destination, peer);
    item->number = number;
    item->ack = ack;
    if (list->owner != NULL) {
        collect(item, list->owner);
    }
    return item->group == NULL ? 0 : item->group->number;
}

static void leave_group(struct session_subscription *item, struct subscriptions *subscriptions)
{
    if (item->group != NULL) {
        subscriptions_leave(subscriptions, item->group);
        item->group = NULL;
    }
}

bool session_subscriptions_remove(struct session_subscriptions *list,
                                  struct subscriptions *subscriptions, uint32_t number)
{
    size_t place = find_place(list, number);
    if (!is_at(list, place, number)) {
        return false;
    }
    struct session_subscription *item = &list->items[place];
    leave_group(item, subscriptions);
    uncollect(item);
    subscriptions_release(subscriptions, item->destination);
    list->count--;
    memmove(item, item + 1, (list->count - place) * sizeof(*item));
    return true;
}

void session_subscriptions_join(struct session_subscriptions *list,
                                struct subscriptions *subscriptions, struct peer *peer)
{
    for (size_t i = 0; i < list->count; i++) {
        struct session_subscription *item = &list->items[i];
        assert(item->group == NULL);
        item->group = subscriptions_join(subscriptions, item->destination, peer);
    }
}

void session_subscriptions_leave(struct session_subscriptions *list,
                                 struct subscriptions *subscriptions)
{
    for (size_t i = 0; i < list->count; i++) {
        leave_group(&list->items[i], subscriptions);
    }
}

void session_subscriptions_finish(struct session_subscriptions *list,
                                  struct subscriptions *subscriptions)
{
    session_subscriptions_leave(list, subscriptions);
    for (size_t i = 0; i < list->count; i++) {
        uncollect(&list->items[i]);
        subscriptions_release(subscriptions, list->items[i].destination);
    }
    mem_free(list->items);
    *list = (struct session_subscriptions){.owner = list->owner};
}
