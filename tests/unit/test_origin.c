/* SPDX-License-Identifier: MIT
 *
 * Which origins an endpoint allows. The tables are the rules of Spring's allowedOriginPatterns,
 * row by row.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/mem.h"
#include "common/settings.h"
#include "gateway/origin.h"

#define HEADERS_MAX 4
#define PATTERNS_MAX 4

struct question {
    const char *host;                   /* Host header; NULL: none */
    const char *patterns[PATTERNS_MAX]; /* allowed_origins */
    const char *origin;                 /* NULL: no such header */
    enum origin_verdict verdict;
};

static struct http1_request request_of(struct http1_header *headers, size_t count)
{
    return (struct http1_request){.method = STR("GET"),
                                  .target = STR("/ws/info"),
                                  .path = STR("/ws/info"),
                                  .headers = headers,
                                  .header_count = count,
                                  .minor = 1};
}

static struct origin_own own_of(const struct http1_request *request, bool is_secure)
{
    const struct str *host = http1_header(request, "Host");
    return (struct origin_own){is_secure, host == NULL ? (struct str){NULL, 0} : *host, 0};
}

static struct endpoint_settings endpoint_of(const char *const patterns[PATTERNS_MAX])
{
    struct endpoint_settings endpoint = {.path = (char *)"/ws"};
    endpoint.allowed_origins = (char **)(uintptr_t)patterns;
    while (endpoint.allowed_origin_count < PATTERNS_MAX &&
           patterns[endpoint.allowed_origin_count] != NULL) {
        endpoint.allows_any_origin |= strcmp(patterns[endpoint.allowed_origin_count], "*") == 0;
        endpoint.allowed_origin_count++;
    }
    return endpoint;
}

static enum origin_verdict ask(const struct question *question, bool is_secure)
{
    struct http1_header headers[HEADERS_MAX];
    size_t count = 0;
    if (question->host != NULL) {
        headers[count++] = (struct http1_header){STR("Host"), str_of(question->host)};
    }
    if (question->origin != NULL) {
        headers[count++] = (struct http1_header){STR("origin"), str_of(question->origin)};
    }
    struct http1_request request = request_of(headers, count);
    struct endpoint_settings endpoint = endpoint_of(question->patterns);
    struct origin_own own = own_of(&request, is_secure);
    return origin_check(&request, &endpoint, &own);
}

static void ask_all(const struct question *questions, size_t count, bool is_secure)
{
    for (size_t i = 0; i < count; i++) {
        const struct question *question = &questions[i];
        enum origin_verdict verdict = ask(question, is_secure);
        if (verdict != question->verdict) {
            fail_msg("row %zu: host %s, pattern %s, origin %s: %d", i,
                     question->host == NULL ? "-" : question->host,
                     question->patterns[0] == NULL ? "-" : question->patterns[0],
                     question->origin == NULL ? "-" : question->origin, (int)verdict);
        }
    }
}

#define YES ORIGIN_ALLOWED
#define NO ORIGIN_REFUSED

static void without_a_list_only_the_same_origin_is_allowed(void **state)
{
    static const struct question questions[] = {
        {"a.example", {0}, NULL, YES}, /* no browser's script */
        {NULL, {0}, NULL, YES},
        {"a.example", {0}, "http://a.example", YES},
        {"A.Example", {0}, "http://a.example", YES},
        {"a.example", {0}, "HTTP://A.EXAMPLE", YES},
        {"a.example:80", {0}, "http://a.example", YES},
        {"a.example", {0}, "http://a.example:80", YES},
        {"a.example:8080", {0}, "http://a.example:8080", YES},
        {"a.example", {0}, "http://a.example/", YES},
        {"127.0.0.1:8080", {0}, "http://127.0.0.1:8080", YES},
        {"[::1]:8080", {0}, "http://[::1]:8080", YES},
        {"[::1]", {0}, "http://[::1]", YES},
        {"[::1]", {0}, "http://[::1]:80", YES},
        {NULL, {0}, "http://a.example", NO},
        {"a.example", {0}, "https://a.example", NO},
        {"a.example", {0}, "http://a.example:8080", NO},
        {"a.example:8080", {0}, "http://a.example", NO},
        {"a.example", {0}, "http://b.example", NO},
        {"a.example", {0}, "http://a.example.", NO},
        {"a.example", {0}, "http://a.example.evil.example", NO},
        {"a.example", {0}, "http://user@a.example", NO},
        {"a.example", {0}, "http://evil.example@a.example", NO},
        {"a.example", {0}, "http://a.example/path", NO},
        {"a.example", {0}, "http://a.example:", NO},
        {"a.example", {0}, "http://a.example:99999", NO},
        {"a.example", {0}, "http://a.example:80:80", NO},
        {"a.example", {0}, "http://", NO},
        {"a.example", {0}, "a.example", NO},
        {"a.example", {0}, "//a.example", NO},
        {"a.example", {0}, "null", NO},
        {"a.example", {0}, "", NO},
        {"a.example", {0}, "file://", NO},
        {"[::1]:8080", {0}, "http://[::2]:8080", NO},
        {"[::1]", {0}, "http://::1", NO},
    };
    (void)state;
    ask_all(questions, MEM_COUNT(questions), false);
}

static void over_tls_the_own_scheme_and_port_are_those_of_https(void **state)
{
    static const struct question questions[] = {
        {"a.example", {0}, "https://a.example", YES},
        {"a.example", {0}, "https://a.example:443", YES},
        {"a.example:443", {0}, "https://a.example", YES},
        {"a.example", {0}, "http://a.example", NO},
        {"a.example:443", {0}, "https://a.example:80", NO},
    };
    (void)state;
    ask_all(questions, MEM_COUNT(questions), true);
}

static void a_pattern_must_match_the_whole_origin(void **state)
{
    static const struct question questions[] = {
        {"h", {"https://a.example"}, "https://a.example", YES},
        {"h", {"https://a.example"}, "https://a.example/", YES},
        {"h", {"https://a.example/"}, "https://a.example", YES},
        {"h", {"https://b.example", "https://a.example"}, "https://a.example", YES},
        {"h", {"https://a.example"}, "http://h", YES}, /* the own origin, list or not */
        {"h", {"https://a.example"}, NULL, YES},
        {"h", {"https://a.example"}, "https://A.example", NO}, /* of one case */
        {"h", {"https://A.example"}, "https://a.example", NO},
        {"h", {"https://a.example"}, "http://a.example", NO},
        {"h", {"https://a.example"}, "https://a.example:443", NO}, /* the port is literal */
        {"h", {"https://a.example:8443"}, "https://a.example:8443", YES},
        {"h", {"https://a.example"}, "https://a.example.evil.example", NO},
        {"h", {"https://a.example"}, "https://evil.a.example", NO},
        {"h", {"https://a.example"}, "https://aXexample", NO}, /* a dot is a dot */
        {"h", {"https://a.example"}, "https://a.example.", NO},
        {"h", {"https://a.example"}, "https://user@a.example", NO},
        {"h", {"https://a.example"}, "", NO},
        {"h", {"https://a.exampl?"}, "https://a.example", NO},
        {"h", {"https://[a-z].example"}, "https://a.example", NO},
        {"h", {"https://[::1]:8080"}, "https://[::1]:8080", YES},
        {"h", {""}, "https://a.example", NO},
    };
    (void)state;
    ask_all(questions, MEM_COUNT(questions), false);
}

static void a_star_stands_for_any_run_of_characters(void **state)
{
    static const struct question questions[] = {
        {"h", {"*"}, "https://a.example", YES},
        {"h", {"*"}, "https://a.example:8443", YES},
        {"h", {"*"}, "anything at all", YES},
        {"h", {"*"}, "", NO},
        {"h", {"https://*"}, "https://a.example", YES},
        {"h", {"https://*"}, "http://a.example", NO},
        {"h", {"https://*.example.com"}, "https://a.example.com", YES},
        {"h", {"https://*.example.com"}, "https://a.b.example.com", YES},
        {"h", {"https://*.example.com"}, "https://.example.com", YES},
        {"h", {"https://*.example.com"}, "https://example.com", NO},
        {"h", {"https://*.example.com"}, "https://evilexample.com", NO},
        {"h", {"https://*.example.com"}, "https://evil.com.example.com", YES},
        {"h", {"https://*.example.com"}, "https://a.example.com.evil.example", NO},
        {"h", {"https://*.example.com"}, "https://a.exampleXcom", NO},
        {"h", {"https://*.example.com"}, "https://a.example.com:8443", NO},
        {"h", {"https://*.example.com"}, "http://a.example.com", NO},
        {"h", {"https://*example.com"}, "https://evilexample.com", YES}, /* warned of at start */
        {"h", {"https://example.com:*"}, "https://example.com:1", YES},
        {"h", {"https://example.com:*"}, "https://example.com", NO},
        {"h", {"https://a.*.com"}, "https://a.b.com", YES},
        {"h", {"https://a.*.*.com"}, "https://a.b.com", NO},
        {"h", {"https://a.*.*.com"}, "https://a.b.c.com", YES},
        {"h", {"*.example.com"}, "https://a.example.com", YES},
        {"h", {"**"}, "https://a.example", YES},
        {"h", {"*a*a*"}, "https://a.example", YES},
        {"h", {"*a*a*a*"}, "https://a.example", NO},
    };
    (void)state;
    ask_all(questions, MEM_COUNT(questions), false);
}

static void a_port_list_at_the_end_says_which_ports(void **state)
{
    static const struct question questions[] = {
        {"h", {"https://a.example:[8080,8081]"}, "https://a.example:8080", YES},
        {"h", {"https://a.example:[8080,8081]"}, "https://a.example:8081", YES},
        {"h", {"https://a.example:[8080,8081]"}, "https://a.example:8082", NO},
        {"h", {"https://a.example:[8080,8081]"}, "https://a.example:808", NO},
        {"h", {"https://a.example:[8080,8081]"}, "https://a.example:80801", NO},
        {"h", {"https://a.example:[8080,8081]"}, "https://a.example", NO},
        {"h", {"https://a.example:[8080]"}, "https://a.example:8080", YES},
        {"h", {"https://*.example:[8080,8081]"}, "https://b.example:8081", YES},
        {"h", {"https://*.example:[8080,8081]"}, "https://b.evil:8081", NO},
        {"h", {"https://a.example:[*]"}, "https://a.example", YES},
        {"h", {"https://a.example:[*]"}, "https://a.example:1", YES},
        {"h", {"https://a.example:[*]"}, "https://a.example:65535", YES},
        {"h", {"https://a.example:[*]"}, "https://a.example:x", NO},
        {"h", {"https://a.example:[*]"}, "https://a.example:", NO},
        {"h", {"https://a.example:[*]"}, "https://a.example.evil:1", NO},
        {"h", {"http://[::1]:[*]"}, "http://[::1]:8080", YES},
        {"h", {"http://[::1]:[*]"}, "http://[::1]", YES},
        /* not a port list: literal */
        {"h", {"https://a.example:[]"}, "https://a.example:80", NO},
        {"h", {"https://a.example:[80,]"}, "https://a.example:80", NO},
        {"h", {"https://a.example:[80,x]"}, "https://a.example:80", NO},
        {"h", {"https://a.example:[80]"}, "https://a.example:[80]", NO},
    };
    (void)state;
    ask_all(questions, MEM_COUNT(questions), false);
}

static void commas_separate_patterns_but_not_inside_a_port_list(void **state)
{
    static const struct question questions[] = {
        {"h", {"https://a.example,https://b.example"}, "https://a.example", YES},
        {"h", {"https://a.example,https://b.example"}, "https://b.example", YES},
        {"h", {"https://a.example , https://b.example"}, "https://b.example", YES},
        {"h", {"https://a.example,https://b.example"}, "https://c.example", NO},
        {"h", {"https://a.example,https://b.example"}, "https://a.example,https://b.example", NO},
        {"h", {"https://a.example:[1,2],https://b.example"}, "https://a.example:2", YES},
        {"h", {"https://a.example:[1,2],https://b.example"}, "https://b.example", YES},
        {"h", {"https://a.example,*"}, "https://c.example", YES},
        {"h", {",https://a.example,"}, "https://a.example", YES},
        {"h", {","}, "https://a.example", NO},
    };
    (void)state;
    ask_all(questions, MEM_COUNT(questions), false);
}

static void a_null_origin_needs_a_pattern_that_says_so(void **state)
{
    static const struct question questions[] = {
        {"h", {"null"}, "null", YES},
        {"h", {"*"}, "null", YES},
        {"h", {"https://a.example", "null"}, "null", YES},
        {"h", {"https://a.example,null"}, "null", YES},
        {"h", {"n*"}, "null", NO},
        {"h", {"**"}, "null", NO},
        {"h", {"https://*"}, "null", NO},
        {"h", {"null"}, "NULL", NO},
        {"null", {0}, "null", NO},
        {"h", {0}, "null", NO},
    };
    (void)state;
    ask_all(questions, MEM_COUNT(questions), false);
}

static void two_origin_headers_are_ambiguous(void **state)
{
    struct http1_header headers[] = {{STR("Host"), STR("a.example")},
                                     {STR("Origin"), STR("http://a.example")},
                                     {STR("ORIGIN"), STR("http://a.example")}};
    struct http1_request request = request_of(headers, MEM_COUNT(headers));
    const char *patterns[PATTERNS_MAX] = {"*"};
    struct endpoint_settings endpoint = endpoint_of(patterns);
    (void)state;
    struct origin_own own = own_of(&request, false);
    assert_int_equal(origin_check(&request, &endpoint, &own), ORIGIN_AMBIGUOUS);
}

static void an_origin_may_have_2048_bytes(void **state)
{
    char text[8192];
    struct question question = {"h", {"*"}, text, YES};
    (void)state;
    memset(text, 'a', sizeof(text));
    text[ORIGIN_BYTES_MAX] = '\0';
    assert_int_equal(ask(&question, false), ORIGIN_ALLOWED);
    text[ORIGIN_BYTES_MAX] = 'a';
    text[ORIGIN_BYTES_MAX + 1] = '\0';
    assert_int_equal(ask(&question, false), ORIGIN_REFUSED);
    text[ORIGIN_BYTES_MAX + 1] = 'a';
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(ask(&question, false), ORIGIN_REFUSED);
}

/* A matcher that tried every way to share the text among the stars would never come back. */
static void many_stars_cost_no_more_than_pattern_times_text(void **state)
{
    char pattern[1025];
    char text[ORIGIN_BYTES_MAX + 1];
    (void)state;
    for (size_t i = 0; i + 1 < sizeof(pattern); i++) {
        pattern[i] = i % 2 == 0 ? '*' : 'a';
    }
    pattern[sizeof(pattern) - 1] = '\0';
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 2] = 'b';
    text[sizeof(text) - 1] = '\0';
    assert_false(origin_matches(str_of(pattern), str_of(text)));
}

static void what_sends_no_origin_is_judged_by_its_other_headers(void **state)
{
    static const struct {
        const char *pattern; /* NULL: same origin only */
        const char *site;    /* Sec-Fetch-Site */
        const char *referer;
        enum origin_verdict verdict;
    } rows[] = {
        {NULL, NULL, NULL, YES}, /* no browser, or an old one that says nothing */
        {NULL, "same-origin", NULL, YES},
        {NULL, "none", NULL, YES},
        {NULL, "same-site", NULL, NO},
        {NULL, "cross-site", NULL, NO},
        {NULL, "cross-site", "http://h/page", YES}, /* an iframe page of ours */
        {NULL, "cross-site", "http://evil.example/h", NO},
        {NULL, NULL, "http://h/page?x=http://evil.example/", YES},
        {NULL, NULL, "http://h", YES},
        {NULL, NULL, "http://h?query", YES},
        {NULL, NULL, "http://evil.example/http://h/", NO},
        {NULL, NULL, "nonsense", NO},
        {NULL, NULL, "", NO},
        {"*", "cross-site", NULL, YES},
        {"*", "cross-site", "http://evil.example/", YES},
        {"https://a.example", "cross-site", NULL, NO},
        {"https://a.example", "cross-site", "https://a.example/page", YES},
        {"https://a.example", NULL, "https://a.example/", YES},
        {"https://a.example", NULL, "https://b.example/", NO},
    };
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(rows); i++) {
        struct http1_header headers[HEADERS_MAX] = {{STR("Host"), STR("h")}};
        size_t count = 1;
        if (rows[i].site != NULL) {
            headers[count++] = (struct http1_header){STR("Sec-Fetch-Site"), str_of(rows[i].site)};
        }
        if (rows[i].referer != NULL) {
            headers[count++] = (struct http1_header){STR("Referer"), str_of(rows[i].referer)};
        }
        struct http1_request request = request_of(headers, count);
        const char *patterns[PATTERNS_MAX] = {rows[i].pattern};
        struct endpoint_settings endpoint = endpoint_of(patterns);
        struct origin_own own = own_of(&request, false);
        enum origin_verdict verdict = origin_check_embedded(&request, &endpoint, &own);
        if (verdict != rows[i].verdict) {
            fail_msg("row %zu: %d", i, (int)verdict);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_list_only_the_same_origin_is_allowed),
        cmocka_unit_test(over_tls_the_own_scheme_and_port_are_those_of_https),
        cmocka_unit_test(a_pattern_must_match_the_whole_origin),
        cmocka_unit_test(a_star_stands_for_any_run_of_characters),
        cmocka_unit_test(a_port_list_at_the_end_says_which_ports),
        cmocka_unit_test(commas_separate_patterns_but_not_inside_a_port_list),
        cmocka_unit_test(a_null_origin_needs_a_pattern_that_says_so),
        cmocka_unit_test(two_origin_headers_are_ambiguous),
        cmocka_unit_test(an_origin_may_have_2048_bytes),
        cmocka_unit_test(many_stars_cost_no_more_than_pattern_times_text),
        cmocka_unit_test(what_sends_no_origin_is_judged_by_its_other_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
