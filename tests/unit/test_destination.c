/* SPDX-License-Identifier: MIT
 *
 * Destination names and patterns. The answers of the table are those of Spring's AntPathMatcher 4.3.30, given the
 * same rows; for everything else a slow matcher of another make is asked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/mem.h"
#include "proto/destination.h"
#include "tests/unit/guarded.h"

static struct guarded pattern_guard;
static struct guarded name_guard;

static int create_guards(void **state)
{
    (void)state;
    pattern_guard = guarded_create(8192);
    name_guard = guarded_create(8192);
    return 0;
}

static int destroy_guards(void **state)
{
    (void)state;
    guarded_destroy(&pattern_guard);
    guarded_destroy(&name_guard);
    return 0;
}

static bool match_guarded(struct str pattern, struct str name, char separator)
{
    const void *p = guarded_put(&pattern_guard, pattern.at, pattern.len);
    const void *n = guarded_put(&name_guard, name.at, name.len);
    return destination_match((struct str){p, pattern.len}, (struct str){n, name.len}, separator);
}

static const struct {
    char separator;
    const char *pattern;
    const char *name;
    bool matches;
} rows[] = {
    {'/', "/topic/*", "/topic/a", true},
    {'/', "/topic/*", "/topic/", true},
    {'/', "/topic/*", "/topic", false},
    {'/', "/topic/*", "/topic/a/b", false},
    {'/', "/topic/*", "/topic/a/", false},
    {'/', "/topic/**", "/topic", true},
    {'/', "/topic/**", "/topic/", true},
    {'/', "/topic/**", "/topic/a/b", true},
    {'/', "/topic/**", "/topic/a/b/", true},
    {'/', "/topic/**", "/topics/a", false},
    {'/', "/topic/**/x", "/topic/x", true},
    {'/', "/topic/**/x", "/topic/a/b/x", true},
    {'/', "/topic/**/x", "/topic/a/b/x/", true},
    {'/', "/topic/**/x", "/topic/a/b/y", false},
    {'/', "/topic/**/x", "/topic", false},
    {'/', "/topic/price.stock.*", "/topic/price.stock.IBM", true},
    {'/', "/topic/price.stock.*", "/topic/price.stock.IBM.x", true},
    {'/', "/topic/price.stock.*", "/topic/price.stock.", true},
    {'/', "/topic/?at", "/topic/cat", true},
    {'/', "/topic/?at", "/topic/at", false},
    {'/', "/topic/?at",
     "/topic/\xc3\xa9"
     "at",
     true},
    {'/', "/topic/?at",
     "/topic/\xf0\x9f\x98\x80"
     "at",
     true},
    {'/', "/topic/?\?at",
     "/topic/\xc3\xa9"
     "at",
     false},
    {'/', "/topic/a*", "/topic/a", true},
    {'/', "/topic/a*", "/topic/abc", true},
    {'/', "/topic/a*", "/topic/b", false},
    {'/', "/topic/*a*b", "/topic/xaxb", true},
    {'/', "/topic/*a*b", "/topic/ab", true},
    {'/', "/topic/*a*b", "/topic/ba", false},
    {'/', "/topic/a**", "/topic/abc", true},
    {'/', "/topic/a**", "/topic/abc/d", false},
    {'/', "/topic/***", "/topic/abc", true},
    {'/', "/topic/***", "/topic/abc/d", false},
    {'/', "/topic/{id}", "/topic/7", true},
    {'/', "/topic/{id}", "/topic/7/8", false},
    {'/', "/topic/{id}", "/topic/", false},
    {'/', "/topic/{id}", "/topic", false},
    {'/', "/topic/a{id}b", "/topic/ab", true},
    {'/', "/topic/a{id}b", "/topic/axxb", true},
    {'/', "/topic/a{id}b", "/topic/axx", false},
    {'/', "/topic/{a}-{b}", "/topic/x-y-z", true},
    {'/', "/topic/{a}-{b}", "/topic/xyz", false},
    {'/', "/topic/{*a}", "/topic/x", true},
    {'/', "/topic/{}", "/topic/{}", true},
    {'/', "/topic/{}", "/topic/x", false},
    {'/', "/topic/}{a}", "/topic/}x", true},
    {'/', "/topic/}", "/topic/}", true},
    {'/', "/topic/*/", "/topic/a", false},
    {'/', "/topic/*/", "/topic/a/", true},
    {'/', "/topic/*/", "/topic/", true},
    {'/', "**", "/x", false},
    {'/', "topic/**", "/topic/a", false},
    {'/', "/**", "/x", true},
    {'/', "/**", "/", true},
    {'/', "/**", "x", false},
    {'/', "**", "x", true},
    {'/', "**", "x/y/z", true},
    {'/', "*", "/x", false},
    {'/', "*", "x", true},
    {'/', "/*", "/", true},
    {'/', "/*", "/x", true},
    {'/', "/*", "//", true},
    {'/', "/*/*", "/", false},
    {'/', "/*/**", "/", false},
    {'/', "/*/**", "/a", true},
    {'/', "/**/*", "/", false},
    {'/', "/**/*", "/a", true},
    {'/', "/**/*", "/a/b", true},
    {'/', "/a/**/*", "/a/", false},
    {'/', "/a/**/*", "/a", false},
    {'/', "/**/**", "/", true},
    {'/', "/**/**/a", "/a", true},
    {'/', "/**/**/a", "/b/a", true},
    {'/', "/a/**/**", "/a", true},
    {'/', "/**/a/**", "/a", true},
    {'/', "/**/a/**", "/x/a/y", true},
    {'/', "/**/a/**", "/x/b/y", false},
    {'/', "/**/a/b/**/c", "/a/a/b/x/c", true},
    {'/', "/**/a/b/**/c", "/a/x/b/x/c", false},
    {'/', "/**/a/b/**/c", "/a/b/c", true},
    {'/', "/**/a/*/b", "/a/b/a/x/b", true},
    {'/', "/**/a/*/b", "/a/a/b/b", true},
    {'/', "/a/**/b/**/c", "/a/b/b/c", true},
    {'/', "/a/**/b/**/c", "/a/c", false},
    {'/', "/topic//a", "/topic/a", true},
    {'/', "/topic/a", "/topic//a", true},
    {'/', "//topic/a", "/topic/a", true},
    {'/', "/topic/a/", "/topic/a", false},
    {'/', "/topic/a", "/topic/a/", false},
    {'/', "/topic/a//", "/topic/a/", true},
    {'/', "/topic/A", "/topic/a", false},
    {'/', "/topic/a", "/topic/a/b", false},
    {'/', "/topic/a/b", "/topic/a", false},
    {'/', "/topic/a+", "/topic/aa", false},
    {'/', "/topic/a.b", "/topic/axb", false},
    {'/', "/topic/[ab]", "/topic/a", false},
    {'/', "/topic/\\*", "/topic/\\x", true},
    {'/', "/", "/", true},
    {'/', "/", "//", true},
    {'/', "/", "/a", false},
    {'.', "a.*", "a.b", true},
    {'.', "a.*", "a.b.c", false},
    {'.', "a.*", "a.", true},
    {'.', "a.*", "a", false},
    {'.', "a.**", "a.b.c", true},
    {'.', "a.**", "a", true},
    {'.', "a.**.c", "a.c", true},
    {'.', "a.**.c", "a.b.b.c", true},
    {'.', "a.?.c", "a.b.c", true},
    {'.', "a.{x}.c", "a.bbb.c", true},
    {'.', "a.*/b", "a.x/b", true},
    {'.', "/topic/a.*", "/topic/a.b", true},
    {'.', "/topic/a.*", "/topic/a.b/c", true},
    {'.', ".a", "a", false},
    {'.', ".a", ".a", true},
};

static void patterns_match_as_spring_matches_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(rows); i++) {
        struct str pattern = str_of(rows[i].pattern);
        struct str name = str_of(rows[i].name);
        assert_int_equal(destination_check_pattern(pattern, rows[i].separator), 0);
        if (match_guarded(pattern, name, rows[i].separator) != rows[i].matches) {
            fail_msg("%c %s %s", rows[i].separator, rows[i].pattern, rows[i].name);
        }
    }
}

static void one_segment_is_matched_alone(void **state)
{
    (void)state;
    static const struct {
        const char *pattern;
        const char *segment;
        bool matches;
    } cases[] = {
        {"*", "a", true},
        {"**", "a", true},
        {"a", "a", true},
        {"a", "b", false},
        {"a", "ab", false},
        {"ab", "a", false},
        {"*a", "aa", true},
        {"*ab*ab", "abab", true},
        {"*ab*ab", "abb", false},
        {"a*b*c", "abcbc", true},
        {"{x}", "", true},
        {"?", "", false},
        {"{a", "{a", true},
        {"{a:b}", "{a:b}", true},
        {"{a:b}", "b", false},
        {"{a{b}", "{ax", true},
        {"?\xe2\x82", "a\xe2\x82", true},
    };
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        bool matches =
            destination_match_segment(str_of(cases[i].pattern), str_of(cases[i].segment));
        if (matches != cases[i].matches) {
            fail_msg("%s %s", cases[i].pattern, cases[i].segment);
        }
    }
}

static void a_pattern_is_told_from_a_name(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool is_pattern;
    } cases[] = {
        {"/topic/a", false}, {"", false},      {"/a/*", true},   {"/a/?", true},
        {"/a/{b}", true},    {"/a/{}", true},  {"/{a/b}", true}, {"/a/{b", false},
        {"/a/}b{", false},   {"/a/b}", false}, {"}{}", true},    {"/a/[b]", false},
    };
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        assert_int_equal(destination_is_pattern(str_of(cases[i].name)), cases[i].is_pattern);
    }
}

static void patterns_beyond_our_means_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *pattern;
        char separator;
        int code;
    } cases[] = {
        {"/a/{b}/**", '/', 0},
        {"/a/{}/}", '/', 0},
        {"/a/{b:[0-9]+}", '/', DESTINATION_ERR_PATTERN},
        {"/a/*/{b", '/', DESTINATION_ERR_PATTERN},
        {"/a/{b/c}", '/', DESTINATION_ERR_PATTERN},
        {"a.{b/c}", '.', DESTINATION_ERR_PATTERN},
        {"/a/{b{c}}", '/', DESTINATION_ERR_PATTERN},
        {"/a.{b.c}", '/', 0},
        {"/a.{b.c}", '.', DESTINATION_ERR_PATTERN},
        {"/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15", '/', 0},
        {"/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16", '/', 0},
        {"//1/2/3/4/5/6/7/8//9/10/11/12/13/14/15/16//", '/', 0},
        {"/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17", '/', DESTINATION_ERR_PATTERN},
    };
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        int code = destination_check_pattern(str_of(cases[i].pattern), cases[i].separator);
        if (code != cases[i].code) {
            fail_msg("%s", cases[i].pattern);
        }
    }
    assert_false(destination_match(STR("/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/**"),
                                   STR("/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17"), '/'));
}

static void names_are_text_within_a_length(void **state)
{
    (void)state;
    static const struct {
        struct str name;
        int code;
    } cases[] = {
        {{"/topic/a", 8}, 0},
        {{"/topic/ab", 9}, 0},
        {{"/topic/abc", 10}, 0},
        {{"/topic/abcd", 11}, DESTINATION_ERR_LENGTH},
        {{"", 0}, DESTINATION_ERR_EMPTY},
        {{"/a\n", 3}, DESTINATION_ERR_TEXT},
        {{"/a\0", 3}, DESTINATION_ERR_TEXT},
        {{"/a\x7f", 3}, DESTINATION_ERR_TEXT},
        {{"/\xc2\x80", 3}, DESTINATION_ERR_TEXT},
        {{"/\xc2\x9f", 3}, DESTINATION_ERR_TEXT},
        {{"/\xc2\xa0", 3}, 0},
        {{"/\xed\x95\x9c ", 5}, 0},
        {{"/\xc0\x80", 3}, DESTINATION_ERR_TEXT},
        {{"/\xed\x95", 3}, DESTINATION_ERR_TEXT},
        {{"/\xc2", 2}, DESTINATION_ERR_TEXT},
    };
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        const char *at =
            (const char *)guarded_put(&name_guard, cases[i].name.at, cases[i].name.len);
        struct str name = {at, cases[i].name.len};
        assert_int_equal(destination_check(name, 10), cases[i].code);
    }
}

/* --- against a matcher that tries everything ------------------------------------------------------- */

static bool try_characters(const char *p, const char *s)
{
    if (*p == 0) {
        return *s == 0;
    }
    if (*p == '*') {
        return try_characters(p + 1, s) || (*s != 0 && try_characters(p, s + 1));
    }
    return *s != 0 && (*p == '?' || *p == *s) && try_characters(p + 1, s + 1);
}

static bool try_segments(char **p, size_t p_count, char **s, size_t s_count)
{
    if (p_count == 0) {
        return s_count == 0;
    }
    if (strcmp(p[0], "**") == 0) {
        return try_segments(p + 1, p_count - 1, s, s_count) ||
               (s_count > 0 && try_segments(p, p_count, s + 1, s_count - 1));
    }
    return s_count > 0 && try_characters(p[0], s[0]) &&
           try_segments(p + 1, p_count - 1, s + 1, s_count - 1);
}

static size_t split(char *text, char **out_parts)
{
    size_t count = 0;
    char *state = NULL;
    for (char *at = strtok_r(text, "/", &state); at != NULL; at = strtok_r(NULL, "/", &state)) {
        out_parts[count++] = at;
    }
    return count;
}

static bool try_everything(const char *pattern, const char *name)
{
    char p_text[32];
    char s_text[32];
    char *p[16];
    char *s[16];
    bool p_ends = pattern[0] != 0 && pattern[strlen(pattern) - 1] == '/';
    bool s_ends = name[0] != 0 && name[strlen(name) - 1] == '/';
    memcpy(p_text, pattern, strlen(pattern) + 1);
    memcpy(s_text, name, strlen(name) + 1);
    size_t p_count = split(p_text, p);
    size_t s_count = split(s_text, s);
    bool has_any = false;
    for (size_t i = 0; i < p_count; i++) {
        has_any = has_any || strcmp(p[i], "**") == 0;
    }
    if ((pattern[0] == '/') != (name[0] == '/')) {
        return false;
    }
    if (!has_any && p_count == s_count + 1 && strcmp(p[s_count], "*") == 0 && s_ends) {
        return try_segments(p, s_count, s, s_count);
    }
    return try_segments(p, p_count, s, s_count) && (has_any || p_ends == s_ends);
}

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

static void random_patterns_match_as_if_everything_were_tried(void **state)
{
    (void)state;
    static const char p_letters[] = "a*b?/a*/b";
    static const char s_letters[] = "ab/ab/aab";
    uint64_t seed = 43030;
    unsigned matched = 0;
    for (unsigned round = 0; round < 200000; round++) {
        char pattern[16] = "";
        char name[16] = "";
        size_t p_len = next_random(&seed) % 12;
        size_t s_len = next_random(&seed) % 10;
        for (size_t i = 0; i < p_len; i++) {
            pattern[i] = p_letters[next_random(&seed) % 9];
        }
        for (size_t i = 0; i < s_len; i++) {
            name[i] = s_letters[next_random(&seed) % 9];
        }
        bool matches = match_guarded(str_of(pattern), str_of(name), '/');
        if (matches != try_everything(pattern, name)) {
            fail_msg("\"%s\" \"%s\"", pattern, name);
        }
        matched += matches ? 1 : 0;
    }
    assert_true(matched > 1000);
}

/* Tried with backtracking over all wildcards, these would outlive us. */
static void hostile_patterns_cost_no_more_than_both_lengths(void **state)
{
    (void)state;
    char pattern[1025];
    char name[1025];
    memset(name, 'a', 1024);
    name[1024] = 0;
    for (size_t i = 0; i < 1024; i++) {
        pattern[i] = i % 2 == 0 ? '*' : 'a';
    }
    pattern[1023] = 'b';
    pattern[1024] = 0;
    assert_false(match_guarded(str_of(pattern), str_of(name), '/'));
    for (size_t i = 0; i < 1024; i++) {
        name[i] = i % 2 == 0 ? '/' : 'a';
    }
    const char *deep = "/**/a/**/a/**/a/**/a/**/a/**/a/**/b";
    assert_false(match_guarded(str_of(deep), str_of(name), '/'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_match_as_spring_matches_them),
        cmocka_unit_test(one_segment_is_matched_alone),
        cmocka_unit_test(a_pattern_is_told_from_a_name),
        cmocka_unit_test(patterns_beyond_our_means_are_refused),
        cmocka_unit_test(names_are_text_within_a_length),
        cmocka_unit_test(random_patterns_match_as_if_everything_were_tried),
        cmocka_unit_test(hostile_patterns_cost_no_more_than_both_lengths),
    };
    return cmocka_run_group_tests(tests, create_guards, destroy_guards);
}
