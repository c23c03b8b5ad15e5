/* SPDX-License-Identifier: MIT
 *
 * The map against a naive table under a seeded random script; walks with removal; SipHash's own
 * vectors.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "common/map.h"
#include "common/mem.h"
#include "common/process.h"

#define KEYS 300

struct item {
    uint64_t id;
    char name[16];
    bool is_in;
    bool was_seen;
};

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static uint64_t draw_seed(void)
{
    uint64_t seed;
    process_random(&seed, sizeof(seed));
    seed |= 1;
    print_message("seed %llu\n", (unsigned long long)seed);
    return seed;
}

static void fill_items(struct item *items)
{
    for (size_t i = 0; i < KEYS; i++) {
        items[i] = (struct item){.id = i};
        (void)snprintf(items[i].name, sizeof(items[i].name), "item-%zu", i);
    }
}

static void hashing_follows_the_published_vectors(void **state)
{
    (void)state;
    static const struct {
        size_t len;
        uint64_t hash;
    } rows[] = {{0, 0x726fdb47dd0e0e31u},
                {1, 0x74f839c593dc67fdu},
                {7, 0xab0200f58b01d137u},
                {8, 0x93f5f5799a932462u},
                {15, 0xa129ca6149be45e5u}};
    static const uint64_t key[2] = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};
    char bytes[16];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (char)i;
    }
    for (size_t i = 0; i < MEM_COUNT(rows); i++) {
        assert_true(map_siphash(key, (struct str){bytes, rows[i].len}) == rows[i].hash);
    }
    assert_true(map_hash(STR("a")) == map_hash(STR("a")));
}

static void it_behaves_as_a_naive_table_does(void **state)
{
    (void)state;
    uint64_t seed = draw_seed();
    struct item items[KEYS];
    struct map map = {NULL, 0, 0};
    size_t count = 0;
    fill_items(items);
    for (size_t step = 0; step < 50000; step++) {
        struct item *item = &items[next_random(&seed) % KEYS];
        struct str key = str_of(item->name);
        struct item *known = item->is_in ? item : NULL;
        assert_ptr_equal(map_get(&map, key), known);
        if (next_random(&seed) % 2 == 0) {
            assert_ptr_equal(map_put(&map, key, item), known);
            count += !item->is_in;
            item->is_in = true;
        } else {
            assert_ptr_equal(map_remove(&map, key), known);
            count -= item->is_in;
            item->is_in = false;
        }
        assert_int_equal(map.count, count);
    }
    map_finish(&map);
    assert_int_equal(map.count, 0);
}

static void a_walk_sees_each_entry_once_while_it_removes_them(void **state)
{
    (void)state;
    uint64_t seed = draw_seed();
    for (size_t round = 0; round < 200; round++) {
        struct item items[KEYS];
        struct map map = {NULL, 0, 0};
        size_t used = 1 + next_random(&seed) % KEYS;
        fill_items(items);
        for (size_t i = 0; i < used; i++) {
            assert_null(map_put_u64(&map, &items[i].id, &items[i]));
        }
        size_t cursor = 0;
        size_t removed = 0;
        for (struct item *item = map_next(&map, &cursor); item != NULL;
             item = map_next(&map, &cursor)) {
            assert_false(item->was_seen);
            item->was_seen = true;
            if (round == 0 || next_random(&seed) % 3 != 0) {
                assert_ptr_equal(map_remove_u64(&map, &item->id), item);
                removed++;
            }
        }
        for (size_t i = 0; i < used; i++) {
            assert_true(items[i].was_seen);
        }
        assert_int_equal(map.count, used - removed);
        assert_null(map_next(&map, &cursor));
        map_finish(&map);
    }
}

static void replacing_takes_the_new_entrys_key(void **state)
{
    (void)state;
    struct map map = {NULL, 0, 0};
    char *first = mem_strdup("name");
    char *second = mem_strdup("name");
    assert_null(map_put(&map, str_of(first), first));
    assert_ptr_equal(map_put(&map, str_of(second), second), first);
    mem_free(first);
    assert_ptr_equal(map_get(&map, STR("name")), second);
    assert_int_equal(map.count, 1);
    map_finish(&map);
    mem_free(second);
}

static void an_empty_map_has_nothing(void **state)
{
    (void)state;
    struct map map = {NULL, 0, 0};
    size_t cursor = 0;
    uint64_t id = 7;
    assert_null(map_get(&map, STR("x")));
    assert_null(map_get_u64(&map, &id));
    assert_null(map_remove(&map, STR("x")));
    assert_null(map_next(&map, &cursor));
    assert_null(map_put(&map, STR(""), &map));
    assert_ptr_equal(map_get(&map, STR("")), &map);
    map_finish(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashing_follows_the_published_vectors),
        cmocka_unit_test(it_behaves_as_a_naive_table_does),
        cmocka_unit_test(a_walk_sees_each_entry_once_while_it_removes_them),
        cmocka_unit_test(replacing_takes_the_new_entrys_key),
        cmocka_unit_test(an_empty_map_has_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
