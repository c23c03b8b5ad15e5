/* SPDX-License-Identifier: MIT
 *
 * The past of destinations: against a naive model over ten thousand seeded steps, and case by case.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "broker/history.h"
#include "common/mem.h"

#define NOW 1000

struct fixture {
    struct history history;
    uint64_t now_ms;
    uint32_t sent; /* the next message's number */
};

static const struct history_rule rules[] = {
    {"/topic/none", 0, 0},
    {"/topic/one", 1, 100000},
    {"/topic/brief/*", 100, 50},
    {"/topic/**", 5, 1000},
};

static void open_history(struct fixture *fixture, size_t bytes_max, size_t replay_bytes_max)
{
    const struct history_options options = {rules, MEM_COUNT(rules), bytes_max, replay_bytes_max,
                                            '/'};
    *fixture = (struct fixture){.now_ms = NOW};
    history_init(&fixture->history, &options);
}

/* A message's body is its number; its position. */
static struct position_text append_sized(struct fixture *fixture, const char *name, size_t len,
                                         bool expect_kept)
{
    struct position_text position = {.len = 0};
    struct payload *message = payload_create(len < sizeof(uint32_t) ? sizeof(uint32_t) : len);
    char id[16];
    uint32_t number = fixture->sent++;
    memset(message->data, 0, message->len);
    memcpy(message->data, &number, sizeof(number));
    int id_len = snprintf(id, sizeof(id), "m-%u", number);
    assert_true(history_keeps(&fixture->history, str_of(name)));
    assert_int_equal(history_append(&fixture->history, str_of(name),
                                    (struct str){id, (size_t)id_len}, message, false,
                                    fixture->now_ms, &position),
                     expect_kept);
    payload_release(message);
    return position;
}

static struct position_text append(struct fixture *fixture, const char *name)
{
    return append_sized(fixture, name, 0, true);
}

static struct history_range read_past(struct fixture *fixture, const char *name, struct str since,
                                      uint64_t count)
{
    struct history_range range;
    const struct history_request request = {since, count};
    history_read(&fixture->history, str_of(name), &request, fixture->now_ms, &range);
    return range;
}

static struct history_range read_since(struct fixture *fixture, const char *name,
                                       const struct position_text *since)
{
    return read_past(fixture, name, position_str(since), 0);
}

static uint32_t number_at(const struct history_range *range, uint64_t offset)
{
    struct position_text position;
    struct position parsed;
    uint32_t number;
    const struct payload *message = history_message(range, offset, &position);
    assert_true(position_parse(position_str(&position), &parsed));
    assert_true(parsed.offset == offset);
    memcpy(&number, message->data, sizeof(number));
    return number;
}

static size_t range_count(const struct history_range *range)
{
    return (size_t)(range->last + 1 - range->first);
}

static void assert_numbers(const struct history_range *range, uint32_t first, size_t count)
{
    assert_int_equal(range_count(range), count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(number_at(range, range->first + i), first + i);
    }
}

/* ---- cases ---- */

static void the_first_rule_that_matches_says_what_is_kept(void **state)
{
    struct fixture fixture;
    (void)state;
    open_history(&fixture, 1 << 20, 1 << 20);
    assert_false(history_keeps(&fixture.history, STR("/topic/none")));
    assert_false(history_keeps(&fixture.history, STR("/queue/a")));
    for (size_t i = 0; i < 7; i++) {
        (void)append(&fixture, "/topic/one");
    }
    struct history_range range = read_past(&fixture, "/topic/one", (struct str){NULL, 0}, 100);
    assert_numbers(&range, 6, 1);
    range = read_past(&fixture, "/topic/none", STR("e-1"), 0);
    assert_true(range.stream == NULL && range.recovered == HISTORY_NOT_RECOVERED);
    assert_true(range.first > range.last && range.position.len == 0);
    range = read_past(&fixture, "/topic/none", (struct str){NULL, 0}, 0);
    assert_true(range.recovered == HISTORY_NOT_ASKED);
    history_finish(&fixture.history);
}

static void a_position_brings_what_came_behind_it(void **state)
{
    struct fixture fixture;
    struct position_text at[5];
    (void)state;
    open_history(&fixture, 1 << 20, 1 << 20);
    for (size_t i = 0; i < 5; i++) {
        at[i] = append(&fixture, "/topic/a");
    }
    for (size_t i = 0; i < 5; i++) {
        struct history_range range = read_since(&fixture, "/topic/a", &at[i]);
        assert_true(range.recovered == HISTORY_RECOVERED);
        assert_numbers(&range, (uint32_t)i + 1, 4 - i);
        assert_true(str_equal(position_str(&range.position), position_str(&at[4])));
    }
    history_finish(&fixture.history);
}

static void an_empty_destination_has_a_position_to_come_back_with(void **state)
{
    struct fixture fixture;
    (void)state;
    open_history(&fixture, 1 << 20, 1 << 20);
    struct history_range range = read_past(&fixture, "/topic/a", (struct str){NULL, 0}, 3);
    struct position_text start = range.position;
    assert_true(range.recovered == HISTORY_RECOVERED && range.first > range.last);
    assert_true(start.len > 0);
    (void)append(&fixture, "/topic/a");
    range = read_since(&fixture, "/topic/a", &start);
    assert_true(range.recovered == HISTORY_RECOVERED);
    assert_numbers(&range, 0, 1);
    history_finish(&fixture.history);
}

/* size 5: n-1, n, n+1 messages behind the position */
static void what_was_trimmed_is_not_recovered(void **state)
{
    (void)state;
    for (size_t missed = 4; missed <= 6; missed++) {
        struct fixture fixture;
        open_history(&fixture, 1 << 20, 1 << 20);
        struct position_text at = append(&fixture, "/topic/a");
        for (size_t i = 0; i < missed; i++) {
            (void)append(&fixture, "/topic/a");
        }
        struct history_range range = read_since(&fixture, "/topic/a", &at);
        assert_int_equal(range.recovered, missed <= 5 ? HISTORY_RECOVERED : HISTORY_NOT_RECOVERED);
        assert_numbers(&range, missed <= 5 ? 1 : 2, missed <= 5 ? missed : 5);
        history_finish(&fixture.history);
    }
}

static void what_has_expired_is_not_recovered(void **state)
{
    struct fixture fixture;
    (void)state;
    open_history(&fixture, 1 << 20, 1 << 20);
    struct position_text first = append(&fixture, "/topic/a");
    fixture.now_ms += 500;
    struct position_text second = append(&fixture, "/topic/a");
    fixture.now_ms += 499;
    struct history_range range = read_past(&fixture, "/topic/a", (struct str){NULL, 0}, 9);
    assert_numbers(&range, 0, 2);
    fixture.now_ms += 1; /* the first is 1,000 ms old */
    range = read_since(&fixture, "/topic/a", &first);
    assert_true(range.recovered == HISTORY_RECOVERED);
    assert_numbers(&range, 1, 1);
    fixture.now_ms += 500;
    range = read_since(&fixture, "/topic/a", &first);
    assert_true(range.recovered == HISTORY_NOT_RECOVERED && range.first > range.last);
    range = read_since(&fixture, "/topic/a", &second); /* it has missed nothing */
    assert_true(range.recovered == HISTORY_RECOVERED && range.first > range.last);
    history_finish(&fixture.history);
}

static void a_position_of_another_count_is_not_recovered(void **state)
{
    struct fixture fixture;
    struct fixture other;
    (void)state;
    open_history(&fixture, 1 << 20, 1 << 20);
    open_history(&other, 1 << 20, 1 << 20);
    struct position_text elsewhere = append(&other, "/topic/a");
    struct position_text neighbour = append(&fixture, "/topic/b");
    (void)append(&fixture, "/topic/a");
    struct history_range range = read_past(&fixture, "/topic/a", (struct str){NULL, 0}, 0);
    char later[POSITION_BYTES_MAX + 1];
    int len =
        snprintf(later, sizeof(later), "%.*s9", (int)range.position.len, range.position.bytes);
    const struct str wrong[] = {
        position_str(&elsewhere), position_str(&neighbour), {later, (size_t)len}, STR(""),
        STR("undefined"),
    };
    for (size_t i = 0; i < MEM_COUNT(wrong); i++) {
        range = read_past(&fixture, "/topic/a", wrong[i], 0);
        assert_true(range.recovered == HISTORY_NOT_RECOVERED);
        assert_numbers(&range, 1, 1); /* what there is comes all the same */
    }
    history_finish(&fixture.history);
    history_finish(&other.history);
}

static void asked_for_both_the_position_counts_first(void **state)
{
    struct fixture fixture;
    (void)state;
    open_history(&fixture, 1 << 20, 1 << 20);
    struct position_text first = append(&fixture, "/topic/a");
    for (size_t i = 0; i < 3; i++) {
        (void)append(&fixture, "/topic/a");
    }
    struct history_range range = read_past(&fixture, "/topic/a", position_str(&first), 1);
    assert_true(range.recovered == HISTORY_RECOVERED);
    assert_numbers(&range, 1, 3);
    range = read_past(&fixture, "/topic/a", STR("x-1"), 2);
    assert_true(range.recovered == HISTORY_NOT_RECOVERED);
    assert_numbers(&range, 2, 2);
    history_finish(&fixture.history);
}

/* Messages of 100 bytes; bounds at n-1, n and n+1 of three. */
static void what_is_too_much_at_once_is_not_recovered(void **state)
{
    (void)state;
    for (size_t bound = 299; bound <= 301; bound++) {
        struct fixture fixture;
        open_history(&fixture, 1 << 20, bound);
        struct position_text at = append_sized(&fixture, "/topic/a", 100, true);
        for (size_t i = 0; i < 3; i++) {
            (void)append_sized(&fixture, "/topic/a", 100, true);
        }
        struct history_range range = read_since(&fixture, "/topic/a", &at);
        assert_int_equal(range.recovered, bound < 300 ? HISTORY_NOT_RECOVERED : HISTORY_RECOVERED);
        assert_numbers(&range, bound < 300 ? 2 : 1, bound < 300 ? 2 : 3);
        history_finish(&fixture.history);
    }
}

static void a_message_said_again_keeps_its_position(void **state)
{
    struct fixture fixture;
    struct position_text again;
    struct payload *message = payload_copy("0000", 4);
    (void)state;
    open_history(&fixture, 1 << 20, 1 << 20);
    struct position_text first = append(&fixture, "/topic/a"); /* its id is m-0 */
    (void)append(&fixture, "/topic/a");
    assert_true(
        history_append(&fixture.history, STR("/topic/a"), STR("m-0"), message, true, NOW, &again));
    assert_true(str_equal(position_str(&first), position_str(&again)));
    assert_true(
        history_append(&fixture.history, STR("/topic/a"), STR("m-0"), message, false, NOW, &again));
    assert_false(str_equal(position_str(&first), position_str(&again)));
    payload_release(message);
    history_finish(&fixture.history);
}

static void the_destination_unused_for_longest_loses_its_past(void **state)
{
    struct fixture fixture;
    (void)state;
    open_history(&fixture, 100000, 1 << 20);
    struct position_text a = append_sized(&fixture, "/topic/a", 30000, true);
    struct position_text b = append_sized(&fixture, "/topic/b", 30000, true);
    (void)read_since(&fixture, "/topic/a", &a); /* now b is the one */
    (void)append_sized(&fixture, "/topic/c", 45000, true);
    assert_true(fixture.history.bytes <= 100000);
    assert_true(read_since(&fixture, "/topic/a", &a).recovered == HISTORY_RECOVERED);
    struct history_range range = read_since(&fixture, "/topic/b", &b);
    assert_true(range.recovered == HISTORY_NOT_RECOVERED && range.first > range.last);
    history_finish(&fixture.history);
}

static void a_message_beyond_all_memory_leaves_a_gap_that_shows(void **state)
{
    struct fixture fixture;
    (void)state;
    open_history(&fixture, 10000, 1 << 20);
    struct position_text before = append(&fixture, "/topic/a");
    struct position_text large = append_sized(&fixture, "/topic/a", 20000, false);
    (void)append(&fixture, "/topic/a");
    assert_true(fixture.history.bytes <= 10000);
    assert_true(read_since(&fixture, "/topic/a", &before).recovered == HISTORY_NOT_RECOVERED);
    struct history_range range = read_since(&fixture, "/topic/a", &large);
    assert_true(range.recovered == HISTORY_RECOVERED);
    assert_numbers(&range, 2, 1);
    history_finish(&fixture.history);
}

static void invented_destinations_do_not_fill_the_memory(void **state)
{
    struct fixture fixture;
    (void)state;
    open_history(&fixture, 100000, 1 << 20);
    for (size_t i = 0; i < 10000; i++) {
        char name[32];
        int len = snprintf(name, sizeof(name), "/topic/x%zu", i);
        struct history_range range;
        history_read(&fixture.history, (struct str){name, (size_t)len},
                     &(struct history_request){.count = 0}, NOW, &range);
        assert_true(fixture.history.bytes <= 100000);
    }
    history_finish(&fixture.history);
}

static void sweeping_lets_go_what_has_expired(void **state)
{
    struct fixture fixture;
    (void)state;
    open_history(&fixture, 1 << 20, 1 << 20);
    (void)append_sized(&fixture, "/topic/a", 5000, true);
    (void)append_sized(&fixture, "/topic/b", 5000, true);
    history_sweep(&fixture.history, 100, fixture.now_ms + 999);
    assert_true(fixture.history.bytes > 10000);
    history_sweep(&fixture.history, 1, fixture.now_ms + 1000);
    assert_true(fixture.history.bytes > 5000 && fixture.history.bytes < 10000);
    history_sweep(&fixture.history, 1, fixture.now_ms + 1000);
    assert_true(fixture.history.bytes < 5000);
    history_finish(&fixture.history);
}

/* ---- the model: all messages ever, and a count of the times it began ---- */

#define STEPS 10000
#define NAMES 4
#define EVER 20000
#define POSITIONS 64

static const char *const names[NAMES] = {"/topic/one", "/topic/brief/x", "/topic/a", "/topic/b"};

struct model {
    uint32_t random;
    uint32_t numbers[NAMES][EVER]; /* by offset - 1 */
    uint64_t at_ms[NAMES][EVER];
    uint64_t last[NAMES];
    unsigned life; /* how often it was restarted */
    struct {
        struct position_text text;
        size_t name;
        uint64_t offset;
        unsigned life;
    } known[POSITIONS]; /* what clients hold */
    size_t known_count;
};

static uint32_t draw(struct model *model)
{
    model->random ^= model->random << 13;
    model->random ^= model->random >> 17;
    model->random ^= model->random << 5;
    return model->random;
}

static const struct history_rule *rule_of(size_t name)
{
    return &rules[name < 2 ? name + 1 : 3];
}

static uint64_t model_first(const struct model *model, size_t name, uint64_t now_ms)
{
    const struct history_rule *rule = rule_of(name);
    uint64_t first = model->last[name] > rule->size ? model->last[name] - rule->size + 1 : 1;
    while (first <= model->last[name] && now_ms - model->at_ms[name][first - 1] >= rule->ttl_ms) {
        first++;
    }
    return first;
}

static void model_hold(struct model *model, size_t name, const struct position_text *text)
{
    struct position position;
    assert_true(position_parse(position_str(text), &position));
    size_t at = model->known_count++ % POSITIONS;
    model->known[at].text = *text;
    model->known[at].name = name;
    model->known[at].offset = position.offset;
    model->known[at].life = model->life;
}

static void model_check(const struct model *model, size_t name, const struct history_range *range,
                        uint64_t first)
{
    assert_true(range->last == model->last[name]);
    assert_true(range->first == first);
    for (uint64_t offset = first; offset <= range->last; offset++) {
        assert_int_equal(number_at(range, offset), model->numbers[name][offset - 1]);
    }
}

static void step_publish(struct fixture *fixture, struct model *model, size_t name)
{
    assert_true(model->last[name] < EVER);
    model->numbers[name][model->last[name]] = fixture->sent;
    model->at_ms[name][model->last[name]] = fixture->now_ms;
    model->last[name]++;
    struct position_text position = append(fixture, names[name]);
    if (draw(model) % 4 == 0) {
        model_hold(model, name, &position);
    }
}

static void step_since(struct fixture *fixture, struct model *model)
{
    size_t kept = model->known_count < POSITIONS ? model->known_count : POSITIONS;
    if (kept == 0) {
        return;
    }
    size_t at = (size_t)draw(model) % kept;
    size_t name = model->known[at].name;
    uint64_t first = model_first(model, name, fixture->now_ms);
    bool is_whole = model->known[at].life == model->life && model->known[at].offset + 1 >= first;
    struct history_range range = read_since(fixture, names[name], &model->known[at].text);
    assert_int_equal(range.recovered, is_whole ? HISTORY_RECOVERED : HISTORY_NOT_RECOVERED);
    model_check(model, name, &range, is_whole ? model->known[at].offset + 1 : first);
}

static void step_last(struct fixture *fixture, struct model *model, size_t name)
{
    uint64_t count = (uint64_t)draw(model) % 8 + 1;
    uint64_t first = model_first(model, name, fixture->now_ms);
    uint64_t wanted = model->last[name] >= count ? model->last[name] - count + 1 : 1;
    struct history_range range = read_past(fixture, names[name], (struct str){NULL, 0}, count);
    assert_int_equal(range.recovered, HISTORY_RECOVERED);
    model_check(model, name, &range, wanted > first ? wanted : first);
    model_hold(model, name, &range.position);
}

static void step_restart(struct fixture *fixture, struct model *model)
{
    uint32_t sent = fixture->sent;
    uint64_t now_ms = fixture->now_ms;
    history_finish(&fixture->history);
    open_history(fixture, 1 << 20, 1 << 20);
    fixture->sent = sent;
    fixture->now_ms = now_ms;
    memset(model->last, 0, sizeof(model->last));
    model->life++;
}

static void ten_thousand_steps_agree_with_a_naive_model(void **state)
{
    struct fixture fixture;
    struct model *model = mem_zalloc(sizeof(*model));
    const char *given = getenv("SLUICE_SEED");
    unsigned seed = given == NULL ? 20261124u : (unsigned)strtoul(given, NULL, 10);
    (void)state;
    print_message("# seed %u\n", seed);
    model->random = seed | 1;
    open_history(&fixture, 1 << 20, 1 << 20);
    for (size_t step = 0; step < STEPS; step++) {
        size_t name = (size_t)draw(model) % NAMES;
        uint32_t kind = draw(model) % 100;
        if (kind < 50) {
            step_publish(&fixture, model, name);
        } else if (kind < 70) {
            step_since(&fixture, model);
        } else if (kind < 85) {
            step_last(&fixture, model, name);
        } else if (kind < 94) {
            fixture.now_ms += (uint64_t)draw(model) % 60;
        } else if (kind < 99) {
            history_sweep(&fixture.history, (size_t)draw(model) % 3, fixture.now_ms);
        } else if (draw(model) % 5 == 0) {
            step_restart(&fixture, model);
        }
    }
    assert_true(model->life > 3);
    history_finish(&fixture.history);
    mem_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_rule_that_matches_says_what_is_kept),
        cmocka_unit_test(a_position_brings_what_came_behind_it),
        cmocka_unit_test(an_empty_destination_has_a_position_to_come_back_with),
        cmocka_unit_test(what_was_trimmed_is_not_recovered),
        cmocka_unit_test(what_has_expired_is_not_recovered),
        cmocka_unit_test(a_position_of_another_count_is_not_recovered),
        cmocka_unit_test(asked_for_both_the_position_counts_first),
        cmocka_unit_test(what_is_too_much_at_once_is_not_recovered),
        cmocka_unit_test(a_message_said_again_keeps_its_position),
        cmocka_unit_test(the_destination_unused_for_longest_loses_its_past),
        cmocka_unit_test(a_message_beyond_all_memory_leaves_a_gap_that_shows),
        cmocka_unit_test(invented_destinations_do_not_fill_the_memory),
        cmocka_unit_test(sweeping_lets_go_what_has_expired),
        cmocka_unit_test(ten_thousand_steps_agree_with_a_naive_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
