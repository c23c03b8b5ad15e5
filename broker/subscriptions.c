/* SPDX-License-Identifier: MIT
 *
 * Index of subscriptions: exact destinations by hash, patterns by the tree of patterns.c.
 *
 *   subscriptions_intern() finds or makes the destination; subscriptions_join() finds or makes the link's group in
 *   its dense array; subscriptions_leave() removes a group with its last subscription (the array's last one takes
 *   its place); subscriptions_match() walks the arrays of the destination itself and of every pattern that fits.
 *
 * A destination with references but without groups belongs to sessions that nobody holds now: it matches, and
 * has nobody to tell. Group numbers are a stack of those that are free and a counter behind it, so that a gateway may
 * index by them.
 */
#include "broker/subscriptions.h"

#include <assert.h>

#include "common/mem.h"
#include "proto/destination.h"

struct destination {
    struct pattern_entry pattern; /* in subscriptions::patterns if it is one */
    struct group **groups;        /* owned array of owned groups */
    struct list_node collectors;  /* owned by whoever collects */
    size_t group_count;
    size_t group_cap;
    size_t refs;
    bool is_pattern;
    struct str text; /* the bytes behind the struct; key in subscriptions::destinations */
};

void subscriptions_init(struct subscriptions *subscriptions, char separator)
{
    *subscriptions = (struct subscriptions){.group_count = 0};
    patterns_init(&subscriptions->patterns, separator);
}

void subscriptions_finish(struct subscriptions *subscriptions)
{
    assert(subscriptions->destinations.count == 0 && subscriptions->group_count == 0);
    map_finish(&subscriptions->destinations);
    patterns_finish(&subscriptions->patterns);
}

static const char *refuse_name(const struct subscriptions *subscriptions, struct str name)
{
    switch (destination_check(name, SUBSCRIPTIONS_DESTINATION_BYTES_MAX)) {
    case 0:
        break;
    case DESTINATION_ERR_EMPTY:
        return "the destination is empty";
    case DESTINATION_ERR_LENGTH:
        return "the destination is too long";
    default:
        return "the destination is not valid text";
    }
    if (destination_is_pattern(name) &&
        destination_check_pattern(name, subscriptions->patterns.separator) != 0) {
        return "the pattern is not valid";
    }
    return NULL;
}

static struct destination *create_destination(struct subscriptions *subscriptions, struct str name)
{
    struct destination *destination = mem_zalloc(sizeof(*destination) + name.len);
    char *bytes = (char *)(destination + 1);
    memcpy(bytes, name.at, name.len);
    destination->text = (struct str){bytes, name.len};
    list_init(&destination->collectors);
    destination->is_pattern = destination_is_pattern(name);
    map_put(&subscriptions->destinations, destination->text, destination);
    if (destination->is_pattern) {
        patterns_add(&subscriptions->patterns, &destination->pattern, destination->text);
    }
    return destination;
}

struct destination *subscriptions_intern(struct subscriptions *subscriptions, struct str name,
                                         const char **out_reason)
{
    struct destination *destination = map_get(&subscriptions->destinations, name);
    if (destination == NULL) {
        const char *reason = refuse_name(subscriptions, name);
        if (reason != NULL) {
            *out_reason = reason;
            return NULL;
        }
        destination = create_destination(subscriptions, name);
    }
    destination->refs++;
    return destination;
}

struct str subscriptions_text(const struct destination *destination)
{
    return destination->text;
}

void subscriptions_release(struct subscriptions *subscriptions, struct destination *destination)
{
    assert(destination->refs > 0);
    if (--destination->refs > 0) {
        return;
    }
    assert(destination->group_count == 0 && list_is_empty(&destination->collectors));
    if (destination->is_pattern) {
        patterns_remove(&subscriptions->patterns, &destination->pattern);
    }
    map_remove(&subscriptions->destinations, destination->text);
    mem_free(destination->groups);
    mem_free(destination);
}

static uint32_t take_number(struct peer *peer)
{
    uint32_t number;
    if (peer->free_groups.len == 0) {
        assert(peer->group_count < UINT32_MAX); /* bounded by the subscriptions in memory */
        return ++peer->group_count;
    }
    peer->free_groups.len -= sizeof(number);
    memcpy(&number, peer->free_groups.data + peer->free_groups.len, sizeof(number));
    return number;
}

static void give_number_back(struct peer *peer, uint32_t number)
{
    buf_append(&peer->free_groups, &number, sizeof(number));
}

static struct group *create_group(struct destination *destination, struct peer *peer)
{
    struct group *group = mem_zalloc(sizeof(*group));
    if (destination->group_count == destination->group_cap) {
        destination->group_cap = destination->group_cap == 0 ? 2 : 2 * destination->group_cap;
        destination->groups =
            mem_realloc(destination->groups, destination->group_cap * sizeof(struct group *));
    }
    group->peer = peer;
    group->destination = destination;
    group->number = take_number(peer);
    group->place = destination->group_count;
    destination->groups[destination->group_count++] = group;
    return group;
}

struct group *subscriptions_join(struct subscriptions *subscriptions,
                                 struct destination *destination, struct peer *peer)
{
    for (size_t i = 0; i < destination->group_count; i++) {
        if (destination->groups[i]->peer == peer) {
            destination->groups[i]->subscriptions++;
            return destination->groups[i];
        }
    }
    struct group *group = create_group(destination, peer);
    group->subscriptions = 1;
    subscriptions->group_count++;
    return group;
}

void subscriptions_leave(struct subscriptions *subscriptions, struct group *group)
{
    assert(group->subscriptions > 0);
    if (--group->subscriptions > 0) {
        return;
    }
    struct destination *destination = group->destination;
    struct group *last = destination->groups[--destination->group_count];
    destination->groups[group->place] = last;
    last->place = group->place;
    give_number_back(group->peer, group->number);
    subscriptions->group_count--;
    mem_free(group);
}

struct collector *subscriptions_collect(struct destination *destination, void *owner,
                                        uint32_t number)
{
    struct collector *collector = mem_zalloc(sizeof(*collector));
    collector->destination = destination;
    collector->owner = owner;
    collector->number = number;
    list_append(&destination->collectors, &collector->node);
    return collector;
}

void subscriptions_uncollect(struct collector *collector)
{
    if (collector != NULL) {
        list_remove(&collector->node);
        mem_free(collector);
    }
}

struct match {
    subscriptions_match_cb matched;
    subscriptions_collect_cb collected;
    void *data;
};

static void report(const struct destination *destination, const struct match *match)
{
    for (size_t i = 0; i < destination->group_count; i++) {
        match->matched(destination->groups[i], match->data);
    }
    LIST_EACH(&destination->collectors, node)
    {
        match->collected(LIST_OF(node, struct collector, node), match->data);
    }
}

static void on_pattern(struct pattern_entry *entry, void *data)
{
    report(MEM_CONTAINER(entry, struct destination, pattern), data);
}

void subscriptions_match(struct subscriptions *subscriptions, struct str name,
                         subscriptions_match_cb matched, subscriptions_collect_cb collected,
                         void *data)
{
    struct match match = {matched, collected, data};
    const struct destination *exact = map_get(&subscriptions->destinations, name);
    if (exact != NULL && !exact->is_pattern) {
        report(exact, &match);
    }
    patterns_match(&subscriptions->patterns, name, on_pattern, &match);
}
