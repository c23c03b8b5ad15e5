/* SPDX-License-Identifier: MIT
 *
 * The subscription index against a list of subscriptions that asks destination_match() of each.
 *
 * SLUICE_SEED repeats a run; the seed is printed with every failure.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "broker/subscriptions.h"
#include "common/process.h"
#include "proto/destination.h"
#include "tests/unit/fake_peer.h"

#define PEERS 3
#define MODEL_MAX 64
#define STEPS 20000

/* ---- what a match reports ---- */

#define MATCHES_MAX 256

struct matches {
    const struct group *groups[MATCHES_MAX];
    size_t count;
};

static void note_group(struct group *group, void *data)
{
    struct matches *matches = data;
    assert_true(matches->count < MATCHES_MAX);
    for (size_t i = 0; i < matches->count; i++) {
        assert_ptr_not_equal(matches->groups[i], group);
    }
    matches->groups[matches->count++] = group;
}

static struct matches match(struct subscriptions *index, struct str name)
{
    struct matches matches = {.count = 0};
    subscriptions_match(index, name, note_group, NULL, &matches);
    return matches;
}

/* One subscription as a session would have it. */
struct held {
    struct destination *destination;
    struct group *group;
};

static struct held hold(struct subscriptions *index, struct str name, struct peer *peer)
{
    const char *reason = NULL;
    struct destination *destination = subscriptions_intern(index, name, &reason);
    assert_non_null(destination);
    return (struct held){destination, subscriptions_join(index, destination, peer)};
}

static void let_go(struct subscriptions *index, struct held held)
{
    subscriptions_leave(index, held.group);
    subscriptions_release(index, held.destination);
}

/* ---- examples ---- */

static void subscriptions_of_one_destination_on_one_link_share_a_group(void **state)
{
    (void)state;
    struct subscriptions index;
    struct fake_peer *a = fake_peer_create();
    struct fake_peer *b = fake_peer_create();
    subscriptions_init(&index, '/');
    struct held first = hold(&index, STR("/topic/a"), &a->peer);
    struct held second = hold(&index, STR("/topic/a"), &a->peer);
    struct held other = hold(&index, STR("/topic/a"), &b->peer);
    assert_ptr_equal(first.group, second.group);
    assert_ptr_not_equal(first.group, other.group);
    assert_int_equal(match(&index, STR("/topic/a")).count, 2);
    let_go(&index, first);
    assert_int_equal(match(&index, STR("/topic/a")).count, 2);
    let_go(&index, second);
    struct matches left = match(&index, STR("/topic/a"));
    assert_int_equal(left.count, 1);
    assert_ptr_equal(left.groups[0], other.group);
    let_go(&index, other);
    subscriptions_finish(&index);
    peer_finish(&a->peer);
    peer_finish(&b->peer);
    fake_peer_destroy(a);
    fake_peer_destroy(b);
}

static void group_numbers_start_at_one_and_are_used_again(void **state)
{
    (void)state;
    struct subscriptions index;
    struct fake_peer *a = fake_peer_create();
    subscriptions_init(&index, '/');
    struct held one = hold(&index, STR("/1"), &a->peer);
    struct held two = hold(&index, STR("/2"), &a->peer);
    assert_int_equal(one.group->number, 1);
    assert_int_equal(two.group->number, 2);
    let_go(&index, one);
    struct held three = hold(&index, STR("/3"), &a->peer);
    assert_int_equal(three.group->number, 1);
    let_go(&index, two);
    let_go(&index, three);
    subscriptions_finish(&index);
    peer_finish(&a->peer);
    fake_peer_destroy(a);
}

static void a_name_and_the_patterns_that_fit_it_are_groups_of_their_own(void **state)
{
    (void)state;
    static const char *const destinations[] = {"/topic/a", "/topic/*", "/topic/**", "/**/a",
                                               "/topic/{x}"};
    struct subscriptions index;
    struct fake_peer *a = fake_peer_create();
    struct held held[MEM_COUNT(destinations)];
    subscriptions_init(&index, '/');
    for (size_t i = 0; i < MEM_COUNT(destinations); i++) {
        held[i] = hold(&index, str_of(destinations[i]), &a->peer);
    }
    assert_int_equal(match(&index, STR("/topic/a")).count, 5);
    assert_int_equal(match(&index, STR("/topic/b")).count, 3);
    assert_int_equal(match(&index, STR("/topic/b/c")).count, 1);
    assert_int_equal(match(&index, STR("/topic/")).count, 2); /* those that end in a star */
    assert_int_equal(match(&index, STR("topic/a")).count, 0);
    for (size_t i = 0; i < MEM_COUNT(destinations); i++) {
        let_go(&index, held[i]);
    }
    subscriptions_finish(&index);
    peer_finish(&a->peer);
    fake_peer_destroy(a);
}

static void names_that_nobody_may_subscribe_to_are_refused_with_a_reason(void **state)
{
    (void)state;
    static char long_name[SUBSCRIPTIONS_DESTINATION_BYTES_MAX + 2];
    memset(long_name, 'a', sizeof(long_name) - 1);
    long_name[0] = '/';
    const struct {
        struct str name;
        bool is_refused;
    } cases[] = {
        {STR(""), true},
        {STR("/a\xff"), true},
        {STR("/a\n"), true},
        {STR("/{a"), false}, /* no pair of braces: plain text */
        {STR("/{a}{b"), true},
        {STR("/{a:[0-9]+}"), true},
        {STR("/a/*"), false},
        {{long_name, sizeof(long_name) - 1}, true},
        {{long_name, sizeof(long_name) - 2}, false},
    };
    struct subscriptions index;
    subscriptions_init(&index, '/');
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        const char *reason = NULL;
        struct destination *destination = subscriptions_intern(&index, cases[i].name, &reason);
        assert_int_equal(destination == NULL, cases[i].is_refused);
        assert_int_equal(reason != NULL, cases[i].is_refused);
        if (destination != NULL) {
            subscriptions_release(&index, destination);
        }
    }
    subscriptions_finish(&index);
}

/* ---- the model ---- */

struct model_entry {
    struct held held;
    struct peer *peer;
    char name[64];
};

struct model {
    struct subscriptions index;
    struct fake_peer *peers[PEERS];
    struct model_entry entries[MODEL_MAX];
    size_t count;
    char separator;
    uint64_t random;
};

static size_t draw(struct model *model, size_t below)
{
    model->random ^= model->random << 13;
    model->random ^= model->random >> 7;
    model->random ^= model->random << 17;
    return (size_t)(model->random % below);
}

/* Few segments and many ways to put them together, so that patterns meet names. */
static struct str draw_name(struct model *model, bool may_be_pattern, char *name)
{
    static const char *const plain[] = {"a", "b", "ab", "aab", "\xed\x95\x9c"};
    static const char *const wild[] = {"*",  "**", "?",    "{x}", "a*",
                                       "*b", "a?", "{x}b", "a**", "?*"};
    size_t len = 0;
    size_t segments = draw(model, 5);
    if (draw(model, 4) > 0) {
        name[len++] = model->separator;
    }
    for (size_t i = 0; i < segments; i++) {
        bool is_wild = may_be_pattern && draw(model, 2) == 0;
        const char *segment =
            is_wild ? wild[draw(model, MEM_COUNT(wild))] : plain[draw(model, MEM_COUNT(plain))];
        memcpy(name + len, segment, strlen(segment));
        len += strlen(segment);
        if (i + 1 < segments || draw(model, 5) == 0) {
            name[len++] = model->separator;
        }
        if (draw(model, 16) == 0) {
            name[len++] = model->separator;
        }
    }
    name[len] = '\0';
    return (struct str){name, len};
}

static void subscribe_one(struct model *model)
{
    char name[64];
    struct str text = draw_name(model, true, name);
    const char *reason = NULL;
    struct destination *destination = subscriptions_intern(&model->index, text, &reason);
    bool is_right =
        destination_check(text, sizeof(name)) == 0 &&
        (!destination_is_pattern(text) || destination_check_pattern(text, model->separator) == 0);
    assert_int_equal(destination != NULL, is_right);
    if (destination == NULL) {
        return;
    }
    struct model_entry *entry = &model->entries[model->count++];
    entry->peer = &model->peers[draw(model, PEERS)]->peer;
    entry->held.destination = destination;
    entry->held.group = subscriptions_join(&model->index, destination, entry->peer);
    memcpy(entry->name, name, sizeof(name));
}

static void unsubscribe_one(struct model *model)
{
    struct model_entry *entry = &model->entries[draw(model, model->count)];
    let_go(&model->index, entry->held);
    *entry = model->entries[--model->count];
}

static bool should_match(const struct model *model, const char *subscribed, struct str name)
{
    struct str text = str_of(subscribed);
    return destination_is_pattern(text) ? destination_match(text, name, model->separator)
                                        : str_equal(text, name);
}

static bool is_first_of_its_group(const struct model *model, size_t place)
{
    for (size_t i = 0; i < place; i++) {
        if (model->entries[i].held.group == model->entries[place].held.group) {
            return false;
        }
    }
    return true;
}

static void compare_match(struct model *model)
{
    char name[64];
    struct str text = draw_name(model, draw(model, 8) == 0, name);
    struct matches matches = match(&model->index, text);
    size_t expected = 0;
    for (size_t i = 0; i < model->count; i++) {
        const struct model_entry *entry = &model->entries[i];
        assert_ptr_equal(entry->held.group->peer, entry->peer);
        if (!is_first_of_its_group(model, i) || !should_match(model, entry->name, text)) {
            continue;
        }
        bool is_found = false;
        for (size_t j = 0; j < matches.count; j++) {
            is_found = is_found || matches.groups[j] == entry->held.group;
        }
        if (!is_found) {
            print_message("%s is not found for %s\n", entry->name, name);
        }
        assert_true(is_found);
        expected++;
    }
    assert_int_equal(matches.count, expected);
}

static uint64_t choose_seed(void)
{
    const char *given = getenv("SLUICE_SEED");
    uint64_t seed = 0;
    if (given != NULL) {
        return strtoull(given, NULL, 0);
    }
    process_random(&seed, sizeof(seed));
    return seed | 1;
}

static void run_model(char separator)
{
    struct model *model = mem_zalloc(sizeof(*model));
    model->separator = separator;
    model->random = choose_seed();
    print_message("# SLUICE_SEED=%#llx\n", (unsigned long long)model->random);
    subscriptions_init(&model->index, separator);
    for (size_t i = 0; i < PEERS; i++) {
        model->peers[i] = fake_peer_create();
    }
    for (size_t step = 0; step < STEPS; step++) {
        if (model->count == 0 || (model->count < MODEL_MAX && draw(model, 2) == 0)) {
            subscribe_one(model);
        } else {
            unsubscribe_one(model);
        }
        compare_match(model);
    }
    while (model->count > 0) {
        unsubscribe_one(model);
    }
    subscriptions_finish(&model->index);
    for (size_t i = 0; i < PEERS; i++) {
        peer_finish(&model->peers[i]->peer);
        fake_peer_destroy(model->peers[i]);
    }
    mem_free(model);
}

static void a_match_finds_what_asking_every_subscription_finds(void **state)
{
    (void)state;
    run_model('/');
}

static void a_match_of_dotted_names_finds_what_asking_every_subscription_finds(void **state)
{
    (void)state;
    run_model('.');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(subscriptions_of_one_destination_on_one_link_share_a_group),
        cmocka_unit_test(group_numbers_start_at_one_and_are_used_again),
        cmocka_unit_test(a_name_and_the_patterns_that_fit_it_are_groups_of_their_own),
        cmocka_unit_test(names_that_nobody_may_subscribe_to_are_refused_with_a_reason),
        cmocka_unit_test(a_match_finds_what_asking_every_subscription_finds),
        cmocka_unit_test(a_match_of_dotted_names_finds_what_asking_every_subscription_finds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
