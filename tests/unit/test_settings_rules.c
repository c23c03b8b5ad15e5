/* SPDX-License-Identifier: MIT
 *
 * The rules of the configuration: what one text must look like, what options demand of each other, what
 * is warned of.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/settings_run.h"

#define GATEWAY_JSON(members) "{\"gateway\": {" members "}}"
#define ENDPOINT_JSON(members) GATEWAY_JSON("\"endpoints\": [{\"path\": \"/ws\", " members "}]")

static void a_listener_is_a_scheme_an_address_and_a_port(void **state)
{
    static const struct {
        const char *url;
        const char *wrong; /* part of the message; NULL: right */
    } table[] = {
        {"http://127.0.0.1:8080", NULL},
        {"http://127.0.0.1:8080/", NULL},
        {"http://127.0.0.1:0", NULL},
        {"http://127.0.0.1:65535", NULL},
        {"stomp://[::1]:61613", NULL},
        {"stomp://localhost:61613", NULL},
        {"http://127.0.0.1:65536", "expected a port from 0 to 65535"},
        {"http://127.0.0.1", "expected a port"},
        {"http://127.0.0.1:", "expected a port"},
        {"http://127.0.0.1:+1", "expected a port"},
        {"http://127.0.0.1:80x", "expected a port"},
        {"http://127.0.0.1/:80", "expected a port"},
        {"http://[::1]", "expected a port"},
        {"http://127.0.0.1:80/ws", "expected nothing behind the port"},
        {"http://127.0.0.1:80?x", "expected a port"},
        {"http://example.org:80", "expected an IPv4 address"},
        {"http://127.0.0.1.:80", "expected an IPv4 address"},
        {"http://0177.0.0.1:80", "expected an IPv4 address"},
        {"http://[127.0.0.1]:80", "expected a URL such as"},
        {"http://::1:80", "expected a URL such as"},
        {"http://[::1:80", "expected a URL such as"},
        {"http://[fe80::1%eth0]:80", "expected an IPv4 address"},
        {"http://user@127.0.0.1:80", "expected an IPv4 address"},
        {"http://:80", "expected a URL such as"},
        {"http://", "expected a URL such as"},
        {"HTTP://127.0.0.1:80", "expected a URL such as"},
        {"127.0.0.1:8080", "expected a URL such as"},
        {"ftp://127.0.0.1:21", "expected a URL such as"},
        {"https://127.0.0.1:8443", NULL},
        {"stomps://127.0.0.1:61614", NULL},
        {"wss://127.0.0.1:8443", "WebSocket is served too"},
        {"ws://127.0.0.1:8080", "WebSocket is served too"},
    };
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(table); i++) {
        const char *wrong = settings_check_listen(table[i].url);
        assert_int_equal(wrong == NULL, table[i].wrong == NULL);
        if (wrong != NULL) {
            assert_non_null(strstr(wrong, table[i].wrong));
        }
    }
}

static void an_endpoint_path_is_plain_segments(void **state)
{
    static const struct {
        const char *path;
        bool is_right;
    } table[] = {
        {"/ws", true},   {"/coco/chat", true}, {"/a-b._~9", true}, {"/...", true},
        {"/", false},    {"", false},          {"ws", false},      {"/ws/", false},
        {"//ws", false}, {"/a//b", false},     {"/.", false},      {"/a/../b", false},
        {"/a b", false}, {"/a%20", false},     {"/a;b", false},    {"/\xc3\xa9", false},
        {"/a?b", false}, {"/{x}", false},      {"/a*", false},     {"/a\\b", false},
    };
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(table); i++) {
        assert_int_equal(settings_check_endpoint_path(table[i].path) == NULL, table[i].is_right);
        assert_int_equal(settings_check_pages_path(table[i].path) == NULL,
                         table[i].is_right || strcmp(table[i].path, "/") == 0);
    }
}

static void a_client_library_cannot_leave_its_script_element(void **state)
{
    static const struct {
        const char *path;
        bool is_right;
    } table[] = {
        {"/sockjs.min.js", true},
        {"/a/b.js?v=1&x=2", true},
        {"https://cdn.example.org/sockjs.js", true},
        {"http://cdn.example.org/sockjs.js", true},
        {"sockjs.js", false},
        {"//cdn.example.org/sockjs.js", false},
        {"javascript:alert(1)", false},
        {"/a\"b", false},
        {"/a'b", false},
        {"/a<b", false},
        {"/a>b", false},
        {"/a b", false},
        {"/a\\b", false},
        {"/a\nb", false},
    };
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(table); i++) {
        assert_int_equal(settings_check_library(table[i].path) == NULL, table[i].is_right);
    }
}

/* {listeners, "anonymous", starts, allowed} */
static void nobody_is_let_in_from_outside_without_words(void **state)
{
    static const struct {
        const char *listen;
        const char *anonymous;
        bool runs;
        bool allows;
    } table[] = {
        {"[\"http://127.0.0.1:1\"]", NULL, true, true},
        {"[\"http://localhost:1\", \"stomp://[::1]:2\", \"http://127.9.9.9:3\"]", NULL, true, true},
        {"[\"http://127.0.0.1:1\"]", "true", true, true},
        {"[\"http://127.0.0.1:1\"]", "false", true, false},
        {"[\"http://0.0.0.0:1\"]", NULL, false, false},
        {"[\"http://[::]:1\"]", NULL, false, false},
        {"[\"http://10.0.0.1:1\"]", NULL, false, false},
        {"[\"http://127.0.0.1:1\", \"stomp://[::ffff:127.0.0.1]:1\"]", NULL, false, false},
        {"[\"http://127.0.0.1:1\", \"stomp://0.0.0.0:2\"]", NULL, false, false},
        {"[\"http://0.0.0.0:1\"]", "true", true, true},
        {"[\"http://0.0.0.0:1\"]", "false", true, false},
    };
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(table); i++) {
        struct outcome outcome;
        struct buf json = {0};
        const char *anonymous = table[i].anonymous;
        buf_append_format(
            &json, "{\"gateway\": {\"listen\": %s, \"auth\": {%s%s}}}", table[i].listen,
            anonymous == NULL ? "" : "\"anonymous\": ", anonymous == NULL ? "" : anonymous);
        buf_append_byte(&json, '\0');
        run(&outcome, SETTINGS_GATEWAY, text_of(&json), NULL, "");
        assert_int_equal(outcome.runs, table[i].runs);
        assert_int_equal(outcome.exit_code, table[i].runs ? 0 : 2);
        assert_int_equal(outcome.settings.gateway.auth.allows_anonymous, table[i].allows);
        if (!table[i].runs) {
            assert_non_null(
                strstr(text_of(&outcome.err), "gateway.auth.anonymous: gateway.listen["));
        }
        finish(&outcome);
        /* The broker may stand in another environment: it does not judge the gateway's part. */
        run(&outcome, SETTINGS_BROKER, text_of(&json), NULL, "");
        assert_true(outcome.runs);
        finish(&outcome);
        buf_finish(&json);
    }
}

static void jsonp_follows_the_origins_unless_said(void **state)
{
    static const struct {
        const char *members;
        bool has_jsonp;
    } table[] = {
        {"", false},
        {", \"allowed_origins\": [\"*\"]", true},
        {", \"allowed_origins\": [\"https://a.example\", \"*\"]", true},
        {", \"allowed_origins\": [\"https://*.example\"]", false},
        {", \"jsonp\": true", true},
        {", \"allowed_origins\": [\"*\"], \"jsonp\": false", false},
        {", \"allowed_origins\": [\"https://a.example\"], \"jsonp\": true", true},
    };
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(table); i++) {
        struct outcome outcome;
        struct buf json = {0};
        buf_append_format(&json, "{\"gateway\": {\"endpoints\": [{\"path\": \"/ws\"%s}]}}",
                          table[i].members);
        buf_append_byte(&json, '\0');
        run(&outcome, SETTINGS_GATEWAY, text_of(&json), NULL, "");
        assert_true(outcome.runs);
        assert_int_equal(outcome.settings.gateway.endpoints[0].has_jsonp, table[i].has_jsonp);
        finish(&outcome);
        buf_finish(&json);
    }
}

/* The whole line, from the path on. */
static const struct {
    const char *json;
    const char *line;
} broken_rules[] = {
    {GATEWAY_JSON("\"endpoints\": [{\"path\": \"/ws\"}, {\"path\": \"/b\"}, {\"path\": "
                  "\"/ws\"}]"),
     "gateway.endpoints[2].path: \"/ws\" is the path of gateway.endpoints[0] already"},
    {GATEWAY_JSON("\"pages\": [{\"path\": \"/\", \"root\": \"a\"}, {\"path\": \"/\", \"root\": "
                  "\"b\"}]"),
     "gateway.pages[1].path: \"/\" is the path of gateway.pages[0] already"},
    {GATEWAY_JSON("\"listen\": [\"http://127.0.0.1:1\", \"http://0.0.0.0:2\"], \"auth\": "
                  "{\"anonymous\": true}, \"endpoints\": [{\"path\": \"/echo\", \"service\": "
                  "\"echo\"}]"),
     "gateway.endpoints[0].service: expected \"stomp\": echo and close are for conformance "
     "suites "
     "on loopback addresses, and gateway.listen[1] (\"http://0.0.0.0:2\") is none"},
    {GATEWAY_JSON("\"limits\": {\"message_size\": \"5MiB\"}, \"endpoints\": [{\"path\": \"/a\"}, "
                  "{\"path\": \"/b\"}]"),
     "gateway.limits.message_size: expected at most half of broker.message_window (8388608B), "
     "got "
     "5242880B"},
    {ENDPOINT_JSON("\"limits\": {\"sockjs_body_size\": \"4194305B\"}"),
     "gateway.endpoints[0].limits.sockjs_body_size: expected at most half of "
     "broker.message_window (8388608B), got 4194305B"},
    {GATEWAY_JSON("\"limits\": {\"tcp_message_size\": \"4194305B\"}"),
     "gateway.limits.tcp_message_size: expected at most half of broker.message_window "
     "(8388608B), "
     "got 4194305B"},
    {"{\"broker\": {\"message_window\": \"1GiB\"}, " /* the link's own bound */
     "\"gateway\": {\"limits\": {\"tcp_message_size\": \"16777217B\"}}}",
     "gateway.limits.tcp_message_size: expected at most \"16MiB\" where the service is stomp, "
     "got "
     "16777217B"},
    {"{\"broker\": {\"subscriptions\": 10000}, \"gateway\": {\"limits\": {\"subscriptions\": "
     "5979}}}",
     "gateway.limits.subscriptions: 5979 of limits.destination_length (1024B) make 6291888B: more "
     "than three quarters of broker.message_window (8388608B)"},
    {"{\"broker\": {\"subscriptions\": 10000}, \"gateway\": {\"endpoints\": [{\"path\": \"/a\", "
     "\"limits\": {\"subscriptions\": 9000}}]}}",
     "gateway.endpoints[0].limits.subscriptions: 9000 of limits.destination_length (1024B) make "},
    {GATEWAY_JSON("\"listen\": [\"https://127.0.0.1:8443\"]"),
     "gateway.listen[0].certificate: expected a PEM file, or key_store (PKCS#12): "
     "\"https://127.0.0.1:8443\" is for TLS"},
    {GATEWAY_JSON("\"listen\": [{\"url\": \"http://127.0.0.1:1\", \"certificate\": \"a.pem\"}]"),
     "gateway.listen[0].url: expected https:// or stomps:// where a certificate is given, got "
     "\"http://127.0.0.1:1\""},
    {GATEWAY_JSON("\"listen\": [{\"url\": \"stomps://127.0.0.1:1\", \"certificate\": \"a.pem\", "
                  "\"certificates\": [{\"key\": \"b.key\", \"certificate\": \"b.pem\"}, "
                  "{\"key\": \"c.key\"}]}]"),
     "gateway.listen[0].certificates[1].certificate: expected a PEM file, or key_store "
     "(PKCS#12): \"stomps://127.0.0.1:1\" is for TLS"},
    {GATEWAY_JSON("\"listen\": [\"http://127.0.0.1:1\", {\"url\": \"http://127.0.0.1:2\", "
                  "\"keystore\": \"x\"}]"),
     "gateway.listen[1].keystore: unknown option; did you mean \"key_store\"?"},
    {GATEWAY_JSON("\"listen\": [{\"limits\": {}}]"), "gateway.listen[0]: \"url\" is missing"},
    {GATEWAY_JSON("\"listen\": []"),
     "gateway.listen: expected a list of objects of 1 to 64 elements, got a list of 0"},
    {GATEWAY_JSON("\"pages\": [{\"path\": \"/\"}]"), "gateway.pages[0]: \"root\" is missing"},
    {ENDPOINT_JSON("\"allowed_origins\": []"), "gateway.endpoints[0].allowed_origins: expected "
                                               "a list of texts of 1 to 1024 elements, got a "
                                               "list of 0"},
    {ENDPOINT_JSON("\"allowed_origins\": [\"\"]"),
     "gateway.endpoints[0].allowed_origins[0]: expected a pattern of origins such as "
     "\"https://*.example.org\", of 1 to 2048 visible characters, got \"\""},
    {ENDPOINT_JSON("\"limits\": {\"connections\": 5}"),
     "gateway.endpoints[0].limits.connections: cannot be set here, only in gateway.limits"},
    {GATEWAY_JSON("\"listen\": [{\"url\": \"stomp://127.0.0.1:1\", \"limits\": "
                  "{\"message_size\": \"1MiB\"}}]"),
     "gateway.listen[0].limits.message_size: cannot be set here, only in gateway.limits, "
     "gateway.endpoints[].limits"},
    {GATEWAY_JSON("\"heartbeat\": {\"send\": \"499ms\"}"),
     "gateway.heartbeat.send: expected a duration with a unit such as \"25s\" (ms, s, m, h), "
     "from "
     "\"500ms\" to \"24h\", or \"0s\", got \"499ms\""},
    {GATEWAY_JSON("\"message_size\": \"1MiB\""),
     "gateway.message_size: unknown option; did you mean \"gateway.limits.message_size\"?"},
    {"{\"broker\": {\"store\": \"redis://redis:6379/0\"}}", "broker.store: expected \"memory\""},
    {"{\"broker\": {\"destinations\": [{\"match\": \"/a/{b}\"}]}}",
     "broker.destinations[0].match: expected a destination"},
    {"{\"broker\": {\"destinations\": [{\"match\": "
     "\"1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17\"}]}}",
     "broker.destinations[0].match: expected a destination"},
    {"{\"broker\": {\"destinations\": [{\"history\": {\"size\": 5}}]}}",
     "broker.destinations[0]: \"match\" is missing"},
    {"{\"broker\": {\"destinations\": [{\"match\": \"/a\", \"history\": {\"size\": 10001}}]}}",
     "broker.destinations[0].history.size: "},
    {"{\"log\": {\"level\": \"warning\"}}", "log.level: expected one of \"debug\", \"info\", "
                                            "\"warn\", \"error\", got \"warning\"; did you "
                                            "mean \"warn\"?"},
    {"{\"broker\": {\"allow_uids\": [\"root\"]}}",
     "broker.allow_uids[0]: expected a whole number from 0 to 4294967295"},
    {GATEWAY_JSON("\"name\": \"a b\""),
     "gateway.name: expected visible ASCII characters without spaces, got \"a b\""},
};

static void rules_between_options_are_errors_with_a_path(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(broken_rules); i++) {
        struct outcome outcome;
        struct buf start = {0};
        run(&outcome, SETTINGS_GATEWAY, broken_rules[i].json, NULL, "");
        const char *line = text_of(&outcome.err);
        assert_false(outcome.runs);
        assert_int_equal(outcome.exit_code, 2);
        assert_true(str_starts(str_of(line), STR("sluice-gateway: ")));
        line += strlen("sluice-gateway: ");
        buf_append_format(&start, "%s: ", config_path);
        if (str_starts(str_of(line), buf_str(&start))) {
            line += start.len;
        }
        buf_finish(&start);
        if (!str_starts(str_of(line), str_of(broken_rules[i].line))) {
            assert_string_equal(line, broken_rules[i].line);
        }
        assert_ptr_equal(strchr(line, '\n') + 1, line + strlen(line)); /* one line */
        finish(&outcome);
    }
}

static void what_is_right_between_options_runs(void **state)
{
    static const char *const table[] = {
        /* The conformance suites' echo endpoint takes messages that no broker sees. */
        ENDPOINT_JSON("\"service\": \"echo\", \"limits\": {\"message_size\": \"64MiB\"}"),
        GATEWAY_JSON("\"limits\": {\"tcp_message_size\": \"16MiB\"}, \"listen\": "
                     "[\"http://127.0.0.1:1\"]"),
        "{\"broker\": {\"message_window\": \"32MiB\"}, "
        "\"gateway\": {\"limits\": {\"tcp_message_size\": \"16MiB\"}}}",
        ENDPOINT_JSON("\"limits\": {\"message_size\": \"4MiB\", \"fragments\": 65536}"),
        GATEWAY_JSON("\"endpoints\": []"),
        GATEWAY_JSON("\"limits\": {\"subscriptions\": 9000}"), /* broker.subscriptions is less */
        "{\"broker\": {\"subscriptions\": 10000}, \"gateway\": {\"limits\": {\"subscriptions\": "
        "5978}}}",
        GATEWAY_JSON("\"endpoints\": [{\"path\": \"/coco\"}, {\"path\": \"/coco/chat\"}]"),
        GATEWAY_JSON("\"heartbeat\": {\"send\": \"0s\", \"receive\": \"500ms\"}"),
    };
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(table); i++) {
        struct outcome outcome;
        run(&outcome, SETTINGS_GATEWAY, table[i], NULL, "");
        assert_string_equal(text_of(&outcome.err), "");
        assert_true(outcome.runs);
        finish(&outcome);
    }
}

static void a_pattern_that_takes_in_strangers_is_warned_of(void **state)
{
    static const struct {
        const char *pattern;
        bool warns;
    } table[] = {
        {"https://example.org", false},
        {"https://*.example.org", false},
        {"https://*.example.org:[*]", false},
        {"https://*.example.org:[8080,8081]", false},
        {"*", true},
        {"*example.com", true},
        {"https://*", true},
        {"https://example.*", true},
        {"https://a.example:*", true},
        {"null", false},
        {"*://a.example", true},
        {"https://*.*.example.org", false},
    };
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(table); i++) {
        struct outcome outcome;
        struct buf json = {0};
        buf_append_format(&json,
                          ENDPOINT_JSON("\"allowed_origins\": [\"https://a.example\", \"%s\"]"),
                          table[i].pattern);
        buf_append_byte(&json, '\0');
        run(&outcome, SETTINGS_GATEWAY, text_of(&json), NULL, "");
        const char *warning =
            strstr(text_of(&outcome.err), "warn config_doubtful option="
                                          "gateway.endpoints[0].allowed_origins[1]");
        assert_true(outcome.runs);
        assert_int_equal(warning != NULL, table[i].warns);
        finish(&outcome);
        buf_finish(&json);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_is_let_in_from_outside_without_words),
        cmocka_unit_test(a_listener_is_a_scheme_an_address_and_a_port),
        cmocka_unit_test(an_endpoint_path_is_plain_segments),
        cmocka_unit_test(a_client_library_cannot_leave_its_script_element),
        cmocka_unit_test(rules_between_options_are_errors_with_a_path),
        cmocka_unit_test(what_is_right_between_options_runs),
        cmocka_unit_test(a_pattern_that_takes_in_strangers_is_warned_of),
        cmocka_unit_test(jsonp_follows_the_origins_unless_said),
    };
    return cmocka_run_group_tests(tests, make_config, remove_config);
}
