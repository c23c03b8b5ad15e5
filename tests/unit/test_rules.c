/* SPDX-License-Identifier: MIT
 *
 * Permissions: who, what, where, verdict. The table is the specification; below it the matcher is held against
 * proto/destination.c, which says what a pattern matches.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/mem.h"
#include "common/settings.h"
#include "gateway/identity.h"
#include "gateway/rules.h"
#include "proto/destination.h"

static struct rule_settings rule_list[] = {
    {.match = (char[]){"/topic/admin/secret"}, .may_subscribe = {PERMISSION_NOBODY, NULL}},
    {.match = (char[]){"/topic/admin/**"},
     .may_send = {PERMISSION_ROLE, (char[]){"admin"}},
     .may_subscribe = {PERMISSION_ROLE, (char[]){"admin"}}},
    {.match = (char[]){"/topic/inbox/{user}"}, .may_subscribe = {PERMISSION_EVERYBODY, NULL}},
    {.match = (char[]){"/topic/inbox/*"}, .may_send = {PERMISSION_EVERYBODY, NULL}},
    {.match = (char[]){"/topic/team.{claim.team}.news"},
     .may_subscribe = {PERMISSION_EVERYBODY, NULL}},
    {.match = (char[]){"/topic/chat/*"},
     .may_send = {PERMISSION_EVERYBODY, NULL},
     .may_subscribe = {PERMISSION_EVERYBODY, NULL}},
    {.match = (char[]){"/topic/rooms/{room}/**"}, .may_subscribe = {PERMISSION_EVERYBODY, NULL}},
    {.match = (char[]){"/reply/{session}"}, .may_subscribe = {PERMISSION_EVERYBODY, NULL}},
    {.match = (char[]){"/app/**"}, .may_send = {PERMISSION_EVERYBODY, NULL}},
    {.match = (char[]){"/queue/job-?"}, .may_send = {PERMISSION_EVERYBODY, NULL}},
    {.match = (char[]){"/topic/a*z/end"}, .may_subscribe = {PERMISSION_EVERYBODY, NULL}},
};

enum who { NOBODY, ADA, ROOT, ODD, STAR, KOREAN, EMPTY_TEAM };

static const struct {
    const char *user;
    const char *team;
    const char *role;
} people[] = {
    [NOBODY] = {NULL, NULL, NULL},      [ADA] = {"ada", "red", "user"},
    [ROOT] = {"root", "blue", "admin"}, [ODD] = {"ada/extra", "red/x", NULL},
    [STAR] = {"*", "*", NULL},          [KOREAN] = {"\xec\x95\x88\xeb\x85\x95", "{x}", NULL},
    [EMPTY_TEAM] = {"eve", "", NULL},
};

#define SEND RULES_SEND
#define SUB RULES_SUBSCRIBE

static const struct {
    enum who who;
    enum rules_action action;
    const char *destination;
    bool is_allowed;
} rows[] = {
    /* plain names */
    {NOBODY, SUB, "/topic/chat/one", true},
    {NOBODY, SEND, "/topic/chat/one", true},
    {NOBODY, SUB, "/topic/chat/one/two", false},
    {NOBODY, SUB, "/topic/chat", false},
    {NOBODY, SUB, "/topic/chat/", true},
    {NOBODY, SUB, "/topic//chat/one", true}, /* as patterns of subscriptions see it */
    {NOBODY, SUB, "topic/chat/one", false},
    {NOBODY, SUB, "/topic/chat/one/", false},
    {NOBODY, SUB, "/topic/Chat/one", false},
    {NOBODY, SUB, "/topic/chat%2fone", false},
    {NOBODY, SUB, "/topic/chat/..", true}, /* a name like any other: nothing climbs */
    {NOBODY, SUB, "/topic/chat/../admin", false},
    {NOBODY, SUB, "/", false},
    {NOBODY, SUB, "x", false},
    /* what no rule matches, and what a rule does not grant */
    {NOBODY, SEND, "/other", false},
    {ROOT, SEND, "/other", false},
    {NOBODY, SUB, "/app/x", false},
    {NOBODY, SEND, "/app/x", true},
    {NOBODY, SEND, "/app", true},
    {NOBODY, SEND, "/app/x/y/z", true},
    {NOBODY, SEND, "/apps/x", false},
    {NOBODY, SEND, "/queue/job-1", true},
    {NOBODY, SEND, "/queue/job-\xec\x95\x88", true}, /* one character */
    {NOBODY, SEND, "/queue/job-12", false},
    {NOBODY, SEND, "/queue/job-", false},
    {NOBODY, SUB, "/topic/az/end", true},
    {NOBODY, SUB, "/topic/abcz/end", true},
    {NOBODY, SUB, "/topic/abc/end", false},
    /* roles */
    {NOBODY, SEND, "/topic/admin/x", false},
    {ADA, SEND, "/topic/admin/x", false},
    {ROOT, SEND, "/topic/admin/x", true},
    {ROOT, SUB, "/topic/admin/x/y", true},
    {ROOT, SUB, "/topic/admin", true},
    {ROOT, SUB, "/topic/admin/secret", false}, /* the first rule decides */
    {ROOT, SEND, "/topic/admin/secret", false},
    /* {user} */
    {ADA, SUB, "/topic/inbox/ada", true},
    {ADA, SUB, "/topic/inbox/root", false},
    {ADA, SUB, "/topic/inbox/", false},
    {ADA, SUB, "/topic/inbox/adaa", false},
    {ADA, SUB, "/topic/inbox/Ada", false},
    {ROOT, SUB, "/topic/inbox/ada", false},
    {NOBODY, SUB, "/topic/inbox/ada", false},
    {NOBODY, SUB, "/topic/inbox/{user}", false},
    {ADA, SEND, "/topic/inbox/root", true},
    {NOBODY, SEND, "/topic/inbox/root", true},
    {ADA, SEND, "/topic/inbox/ada", false}, /* her own inbox: the rule above decides */
    {ODD, SUB, "/topic/inbox/ada/extra", false},
    {ODD, SUB, "/topic/inbox/ada", false},
    {STAR, SUB, "/topic/inbox/ada", false},
    {STAR, SUB, "/topic/inbox/*", false},
    {KOREAN, SUB, "/topic/inbox/\xec\x95\x88\xeb\x85\x95", true},
    {KOREAN, SUB, "/topic/inbox/\xec\x95\x88", false},
    /* claims */
    {ADA, SUB, "/topic/team.red.news", true},
    {ADA, SUB, "/topic/team.blue.news", false},
    {ROOT, SUB, "/topic/team.blue.news", true},
    {NOBODY, SUB, "/topic/team.red.news", false},
    {NOBODY, SUB, "/topic/team..news", false},
    {EMPTY_TEAM, SUB, "/topic/team..news", false},
    {ODD, SUB, "/topic/team.red/x.news", false},
    {STAR, SUB, "/topic/team.red.news", false},
    {STAR, SUB, "/topic/team.*.news", false},
    {KOREAN, SUB, "/topic/team.red.news", false},
    /* {session} */
    {NOBODY, SUB, "/reply/s1", true},
    {NOBODY, SUB, "/reply/s2", false},
    {ADA, SUB, "/reply/*", false},
    /* patterns */
    {NOBODY, SUB, "/topic/chat/*", true},
    {NOBODY, SUB, "/topic/chat/{room}", true},
    {NOBODY, SUB, "/topic/chat/a*", true},
    {NOBODY, SUB, "/topic/chat/?", true},
    {NOBODY, SUB, "/topic/chat/**", false},
    {NOBODY, SUB, "/topic/*/one", false},
    {NOBODY, SUB, "/topic/*", false},
    {NOBODY, SUB, "/topic/**", false},
    {ROOT, SUB, "/topic/**", false},
    {NOBODY, SUB, "/**", false},
    {ROOT, SUB, "**", false},
    {NOBODY, SUB, "/topic/c*t/one", false},
    {NOBODY, SUB, "/topic/rooms/*/x", true},
    {NOBODY, SUB, "/topic/rooms/*/**", true},
    {NOBODY, SUB, "/topic/rooms/**", false}, /* the rule wants a room */
    {NOBODY, SUB, "/topic/rooms/*", false},  /* it may be nothing at all: /topic/rooms/ */
    {NOBODY, SUB, "/topic/rooms/a*", true},
    {ADA, SUB, "/topic/admin/*", false},
    {ROOT, SUB, "/topic/admin/a*", true},
    {ROOT, SUB, "/topic/admin/*", false}, /* takes in the secret */
    {ROOT, SUB, "/topic/admin/*/x", true},
    {ROOT, SUB, "/topic/admin/sec*", false},
    {ROOT, SUB, "/topic/admin/?ecret", false},
    {ROOT, SUB, "/topic/admin/**", false},
    {ADA, SUB, "/topic/inbox/*", false},
    {ADA, SUB, "/topic/inbox/ad?", false},
    {ADA, SUB, "/topic/inbox/{user}", false},
    {ADA, SUB, "/topic/team.*.news", false},
    {NOBODY, SUB, "/topic/a*z/end", true},
    {NOBODY, SUB, "/topic/ab*yz/end", true},
    {NOBODY, SUB, "/topic/a?z/end", true},
    {NOBODY, SUB, "/topic/a*/end", false},
    {NOBODY, SUB, "/topic/*z/end", false},
};

static void identify(enum who who, struct identity *out)
{
    *out = (struct identity){.expires_s = IDENTITY_FOREVER};
    buf_append_text(&out->user, people[who].user);
    identity_add_claim(out, STR("team"), str_of(people[who].team));
    if (people[who].role != NULL) {
        identity_add_role(out, str_of(people[who].role));
    }
}

static bool ask(struct rules *rules, enum who who, enum rules_action action,
                const char *destination)
{
    struct identity identity = {0};
    if (who != NOBODY) {
        identify(who, &identity);
    }
    const struct rules_asker asker = {who == NOBODY ? NULL : &identity, STR("s1")};
    struct str name = str_of(destination);
    bool is_pattern = action == SUB && destination_is_pattern(name);
    bool is_allowed = rules_allow(rules, action, name, is_pattern, &asker);
    identity_finish(&identity);
    return is_allowed;
}

static void the_first_rule_that_fits_decides(void **state)
{
    (void)state;
    const struct gateway_settings settings = {.rules = rule_list,
                                              .rule_count = MEM_COUNT(rule_list)};
    struct rules *rules = rules_create(&settings);
    for (size_t i = 0; i < MEM_COUNT(rows); i++) {
        if (ask(rules, rows[i].who, rows[i].action, rows[i].destination) != rows[i].is_allowed) {
            fail_msg("row %zu: %s", i, rows[i].destination);
        }
    }
    rules_destroy(rules);
}

static void without_rules_all_is_allowed(void **state)
{
    (void)state;
    const struct gateway_settings settings = {.rules = NULL};
    struct rules *rules = rules_create(&settings);
    assert_null(rules);
    assert_true(ask(rules, NOBODY, SEND, "/any"));
    assert_true(ask(rules, NOBODY, SUB, "/**"));
    rules_destroy(rules);
}

/* ---- held against what patterns match ---- */

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 16;
}

static void draw(uint32_t *seed, bool is_pattern, char out[32])
{
    static const char *const parts[] = {"a", "b", "/", "/", "\xc3\xa9", "a", "*", "?", "{n}", "**"};
    size_t len = 0, count = next_random(seed) % 8;
    if (next_random(seed) % 4 != 0) {
        out[len++] = '/';
    }
    for (size_t i = 0; i < count; i++) {
        const char *part = parts[next_random(seed) % (is_pattern ? MEM_COUNT(parts) : 6)];
        memcpy(out + len, part, strlen(part));
        len += strlen(part);
    }
    out[len] = '\0';
}

static bool rule_allows(const char *pattern, const char *name, bool is_pattern)
{
    char *match = mem_strdup(pattern);
    struct rule_settings rule = {.match = match, .may_subscribe = {PERMISSION_EVERYBODY, NULL}};
    const struct gateway_settings settings = {.rules = &rule, .rule_count = 1};
    const struct rules_asker asker = {NULL, STR("s1")};
    struct rules *rules = rules_create(&settings);
    bool is_allowed = rules_allow(rules, SUB, str_of(name), is_pattern, &asker);
    rules_destroy(rules);
    mem_free(match);
    return is_allowed;
}

static void a_rule_fits_the_names_that_its_pattern_matches(void **state)
{
    (void)state;
    uint32_t seed = 7;
    size_t matches = 0;
    for (size_t i = 0; i < 60000; i++) {
        char pattern[32], name[32];
        draw(&seed, true, pattern);
        draw(&seed, false, name);
        bool expected = destination_match(str_of(pattern), str_of(name), '/');
        matches += expected;
        if (pattern[0] != '\0' && rule_allows(pattern, name, false) != expected) {
            fail_msg("\"%s\" and \"%s\"", pattern, name);
        }
    }
    assert_true(matches > 1000);
}

static void a_pattern_is_allowed_only_where_all_that_it_matches_is(void **state)
{
    (void)state;
    uint32_t seed = 11;
    size_t allowed = 0;
    for (size_t i = 0; i < 20000; i++) {
        char rule[32], asked[32], name[32];
        draw(&seed, true, rule);
        draw(&seed, true, asked);
        if (rule[0] == '\0' || asked[0] == '\0' || !rule_allows(rule, asked, true)) {
            continue;
        }
        allowed++;
        for (size_t j = 0; j < 100; j++) {
            draw(&seed, false, name);
            if (destination_match(str_of(asked), str_of(name), '/') &&
                !destination_match(str_of(rule), str_of(name), '/')) {
                fail_msg("rule \"%s\" allowed \"%s\", which matches \"%s\"", rule, asked, name);
            }
        }
    }
    assert_true(allowed > 300);
}

/* The first rule denies, the second allows all: what is granted shares nothing with the first. */
static void a_pattern_shares_no_name_with_a_rule_that_denies(void **state)
{
    (void)state;
    uint32_t seed = 13;
    size_t allowed = 0;
    for (size_t i = 0; i < 20000; i++) {
        char denied[32], asked[32], name[32];
        draw(&seed, true, denied);
        draw(&seed, true, asked);
        struct rule_settings list[] = {
            {.match = denied},
            {.match = (char[]){"/**"}, .may_subscribe = {PERMISSION_EVERYBODY, NULL}},
        };
        const struct gateway_settings settings = {.rules = list, .rule_count = MEM_COUNT(list)};
        const struct rules_asker asker = {NULL, STR("s1")};
        struct rules *rules = rules_create(&settings);
        bool is_allowed = denied[0] != '\0' && asked[0] == '/' &&
                          rules_allow(rules, SUB, str_of(asked), true, &asker);
        rules_destroy(rules);
        allowed += is_allowed;
        for (size_t j = 0; is_allowed && j < 100; j++) {
            draw(&seed, false, name);
            if (destination_match(str_of(asked), str_of(name), '/') &&
                destination_match(str_of(denied), str_of(name), '/')) {
                fail_msg("\"%s\" was allowed beside \"%s\": both match \"%s\"", asked, denied,
                         name);
            }
        }
    }
    assert_true(allowed > 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_rule_that_fits_decides),
        cmocka_unit_test(without_rules_all_is_allowed),
        cmocka_unit_test(a_rule_fits_the_names_that_its_pattern_matches),
        cmocka_unit_test(a_pattern_is_allowed_only_where_all_that_it_matches_is),
        cmocka_unit_test(a_pattern_shares_no_name_with_a_rule_that_denies),
    };
    return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
