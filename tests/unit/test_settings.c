/* SPDX-License-Identifier: MIT
 *
 * The options there are: defaults, sources, bounds, arguments, help and documentation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/options_internal.h"
#include "tests/unit/settings_run.h"

static void without_any_source_both_programs_run_for_this_host_only(void **state)
{
    static const char *const sources[] = {NULL, "", "{}", " \n", "{\"gateway\": {}}"};
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(sources); i++) {
        struct outcome outcome;
        run(&outcome, SETTINGS_GATEWAY, sources[i], NULL, "");
        const struct gateway_settings *gateway = &outcome.settings.gateway;
        assert_true(outcome.runs);
        assert_string_equal(text_of(&outcome.out), "");
        assert_string_equal(text_of(&outcome.err), "");
        assert_int_equal(outcome.settings.log.level, LOG_INFO);
        assert_string_equal(outcome.settings.broker.socket, "/run/sluice/broker.sock");
        assert_int_equal(gateway->listen_count, 2);
        assert_int_equal(gateway->listens[0].scheme, LISTEN_HTTP);
        assert_string_equal(gateway->listens[0].host, "127.0.0.1");
        assert_int_equal(gateway->listens[0].port, 8080);
        assert_true(gateway->listens[0].is_loopback);
        assert_int_equal(gateway->listens[1].scheme, LISTEN_STOMP);
        assert_int_equal(gateway->listens[1].port, 61613);
        assert_int_equal(gateway->endpoint_count, 1);
        assert_string_equal(gateway->endpoints[0].path, "/ws");
        assert_true(gateway->endpoints[0].has_sockjs);
        assert_true(gateway->endpoints[0].has_websocket);
        assert_false(gateway->endpoints[0].has_jsonp);
        assert_int_equal(gateway->endpoints[0].service, SERVICE_STOMP);
        assert_int_equal(gateway->endpoints[0].limits.message_bytes_max, 65536);
        assert_int_equal(gateway->listens[1].limits.tcp_message_bytes_max, 4194304);
        assert_true(gateway->auth.allows_anonymous);
        assert_int_equal(gateway->heartbeat.send_ms, 10000);
        assert_true(strlen(gateway->name) > 0);
        assert_int_equal(outcome.settings.broker.allow_uids[0], geteuid());
        finish(&outcome);
    }
}

static void later_sources_win(void **state)
{
    static const struct {
        const char *json;
        const char *variable;
        const char *arguments;
        size_t connections;
    } table[] = {
        {NULL, NULL, "", 10000},
        {"{\"gateway\": {\"limits\": {\"connections\": 1}}}", NULL, "", 1},
        {"{\"gateway\": {\"limits\": {\"connections\": 1}}}", "SLUICE_GATEWAY_LIMITS_CONNECTIONS=2",
         "", 2},
        {"{\"gateway\": {\"limits\": {\"connections\": 1}}}", "SLUICE_GATEWAY_LIMITS_CONNECTIONS=2",
         "--set gateway.limits.connections=3", 3},
        {NULL, "SLUICE_GATEWAY_LIMITS_CONNECTIONS=2", "", 2},
        {NULL, "SLUICE_GATEWAY_LIMITS_CONNECTIONS=", "", 10000},
        {NULL, "SLUICE_GATEWAY_LIMITS_CONNECTIONS=2", "--set=gateway.limits.connections=3", 3},
        {NULL, NULL, "--set gateway.limits.connections=3 --set gateway.limits.connections=4", 4},
    };
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(table); i++) {
        struct outcome outcome;
        run(&outcome, SETTINGS_GATEWAY, table[i].json, table[i].variable, table[i].arguments);
        assert_true(outcome.runs);
        assert_int_equal(outcome.settings.gateway.limits.connections_max, table[i].connections);
        finish(&outcome);
    }
}

static void limits_of_endpoints_and_listeners_are_whole_sets(void **state)
{
    struct outcome outcome;
    (void)state;
    run(&outcome, SETTINGS_GATEWAY,
        "{\"gateway\": {\"endpoints\": [{\"path\": \"/a\"}, {\"path\": \"/b\", \"limits\": "
        "{\"message_size\": \"1MiB\"}}], \"listen\": [{\"url\": \"stomp://[::1]:0\", \"limits\": "
        "{\"subscriptions\": 9}}], \"limits\": {\"message_size\": \"2KiB\", \"subscriptions\": "
        "7}}}",
        "SLUICE_GATEWAY_LIMITS_QUEUE_SIZE=8KiB", "");
    const struct gateway_settings *gateway = &outcome.settings.gateway;
    assert_true(outcome.runs);
    assert_int_equal(gateway->endpoints[0].limits.message_bytes_max, 2048);
    assert_int_equal(gateway->endpoints[1].limits.message_bytes_max, 1048576);
    assert_int_equal(gateway->endpoints[1].limits.subscriptions_max, 7);
    assert_int_equal(gateway->endpoints[1].limits.queue_bytes_max, 8192);
    assert_int_equal(gateway->listens[0].limits.subscriptions_max, 9);
    assert_int_equal(gateway->listens[0].limits.queue_bytes_max, 8192);
    assert_int_equal(gateway->listens[0].limits.connections_max, 10000);
    assert_string_equal(gateway->listens[0].host, "::1");
    finish(&outcome);
}

static void paths_in_the_file_are_relative_to_the_file(void **state)
{
    struct outcome outcome;
    (void)state;
    run(&outcome, SETTINGS_GATEWAY,
        "{\"broker\": {\"socket\": \"b.sock\"}, \"gateway\": {\"pages\": [{\"path\": \"/\", "
        "\"root\": "
        "\"chat\"}]}}",
        NULL, "");
    assert_string_equal(outcome.settings.broker.socket, "/tmp/b.sock");
    assert_string_equal(outcome.settings.gateway.pages[0].root, "/tmp/chat");
    finish(&outcome);
    run(&outcome, SETTINGS_GATEWAY, NULL, "SLUICE_BROKER_SOCKET=b.sock", "");
    assert_string_equal(outcome.settings.broker.socket, "b.sock");
    finish(&outcome);
}

static void a_socket_path_has_107_bytes_at_most(void **state)
{
    (void)state;
    for (size_t len = 106; len <= 108; len++) {
        struct outcome outcome;
        struct buf variable = {0};
        buf_append_text(&variable, "SLUICE_BROKER_SOCKET=/");
        for (size_t i = 1; i < len; i++) {
            buf_append_byte(&variable, 's');
        }
        buf_append_byte(&variable, '\0');
        run(&outcome, SETTINGS_BROKER, NULL, text_of(&variable), "");
        assert_int_equal(outcome.runs, len <= 107);
        finish(&outcome);
        buf_finish(&variable);
    }
}

static void set_bound(struct options *options, const struct option *row, uint64_t value,
                      bool is_right)
{
    struct buf assignment = {0};
    size_t errors = options->error_count;
    buf_append_format(&assignment, "%s=", row->path);
    options_bound_put(row, value, &assignment);
    buf_append_byte(&assignment, '\0');
    options_set(options, text_of(&assignment));
    assert_int_equal(options->error_count - errors, is_right ? 0 : 1);
    buf_finish(&assignment);
}

static void every_number_holds_at_its_bounds_and_not_beyond(void **state)
{
    struct settings settings = {0};
    struct options options;
    size_t numbers = 0;
    (void)state;
    options_init(&options, settings_rows, settings_row_count, &settings, "SLUICE_");
    for (size_t i = 0; i < settings_row_count; i++) {
        const struct option *row = &settings_rows[i];
        if (strchr(row->path, '[') != NULL ||
            (row->type != OPTION_COUNT && row->type != OPTION_SIZE &&
             row->type != OPTION_DURATION)) {
            continue;
        }
        numbers++;
        set_bound(&options, row, row->min, true);
        set_bound(&options, row, row->min + 1, true);
        set_bound(&options, row, row->max - 1, true);
        set_bound(&options, row, row->max, true);
        set_bound(&options, row, row->max + 1, false);
        if (row->min > 0) {
            set_bound(&options, row, row->min - 1, false);
            set_bound(&options, row, 0, (row->flags & OPTION_ZERO_IS_OFF) != 0);
        }
    }
    assert_true(numbers > 30);
    options_finish(&options);
}

static void rows_have_one_path_one_variable_and_a_meaning(void **state)
{
    struct settings settings = {0};
    struct options options;
    struct str groups[64];
    size_t group_count = 0;
    (void)state;
    options_init(&options, settings_rows, settings_row_count, &settings, "SLUICE_");
    for (size_t i = 0; i < settings_row_count; i++) {
        const struct option *row = &settings_rows[i];
        struct buf name = {0}, other = {0};
        assert_non_null(row->meaning);
        assert_int_equal(row->meaning[strlen(row->meaning) - 1], '.');
        assert_true(row->programs != 0);
        options_env_name(&options, row, &name);
        for (size_t j = 0; j < i; j++) {
            other.len = 0;
            options_env_name(&options, &settings_rows[j], &other);
            assert_false(str_equal(buf_str(&name), buf_str(&other)));
        }
        struct str group = options_row_group(row);
        if (group_count == 0 || !str_equal(groups[group_count - 1], group)) {
            for (size_t j = 0; j < group_count; j++) {
                assert_false(str_equal(groups[j], group)); /* a group's rows stand together */
            }
            assert_true(group_count < MEM_COUNT(groups));
            groups[group_count++] = group;
        }
        buf_finish(&name);
        buf_finish(&other);
    }
    options_finish(&options);
}

static void what_is_printed_as_configuration_is_one(void **state)
{
    static const char json[] =
        "{\"log\": {\"level\": \"debug\"}, \"gateway\": {\"listen\": [{\"url\": "
        "\"stomp://127.0.0.1:5\", \"limits\": {\"queue_size\": \"1MiB\"}}], \"endpoints\": "
        "[{\"path\": "
        "\"/a\", \"sockjs\": true, \"allowed_origins\": [\"https://*.example.org\"], \"jsonp\": "
        "false}], \"auth\": {\"anonymous\": true}, \"limits\": {\"queue_size\": \"2MiB\"}}}";
    struct outcome first, second;
    (void)state;
    run(&first, SETTINGS_GATEWAY, json, NULL, "--print-config");
    assert_false(first.runs);
    assert_int_equal(first.exit_code, 0);
    run(&second, SETTINGS_GATEWAY, text_of(&first.out), NULL, "--print-config");
    assert_int_equal(second.exit_code, 0);
    assert_string_equal(text_of(&first.out), text_of(&second.out));
    assert_int_equal(second.settings.gateway.listens[0].limits.queue_bytes_max, 1048576);
    assert_int_equal(second.settings.gateway.endpoints[0].limits.queue_bytes_max, 2097152);
    finish(&first);
    finish(&second);
}

/* {arguments, exit code, part of standard output, part of standard error} */
static void arguments_are_answered(void **state)
{
    static const struct {
        const char *arguments;
        int exit_code;
        const char *out;
        const char *err;
    } table[] = {
        {"--version", 0, "sluice-gateway 0.1.0\n", ""},
        {"--help", 0, "Usage: sluice-gateway", ""},
        {"-h", 0, "gateway.limits\n  connections (default: 10000; 1 to 10000000)\n", ""},
        {"--print-options-markdown", 0, "# Configuration\n", ""},
        {"--check-config", 0, "The configuration is right.\n", ""},
        {"--check-config --set log.level=loud", 2, "", "--set: log.level: expected one of"},
        {"--print-config --set log.level=loud", 2, "", "--set: log.level: expected one of"},
        {"--print-config --set log.level=error", 0, "\"level\": \"error\"", ""},
        {"--check-confg", 2, "", "--check-confg: unknown argument; did you mean --check-config?\n"},
        {"--verbose", 2, "", "--verbose: unknown argument"},
        {"--health", 1, "no admin listener is configured\n", ""},
        {"--health --set gateway.admin.listen=http://127.0.0.1:0", 1, "the kernel's choice\n", ""},
        {"--health --set gateway.admin.listen=http://127.0.0.1:1", 1, "nobody listens\n", ""},
        {"--health --set log.level=loud", 2, "", "--set: log.level: expected one of"},
        {"--check-config --set gateway.admin.listen=stomp://127.0.0.1:1", 2, "",
         "--set: gateway.admin.listen: expected a URL such as \"http://127.0.0.1:9091\""},
        {"--check-config --set broker.admin.listen=http://name:1", 2, "",
         "--set: broker.admin.listen: expected an IPv4 address"},
        {"sluice.json", 2, "", "sluice.json: unknown argument; --help lists them\n"},
        {"--config", 2, "", "--config: expected a file behind it\n"},
        {"--config=", 2, "", "--config: expected a file behind it\n"},
        {"--config=/nowhere/a --config /nowhere/b", 2, "", "--config: stands twice"},
        {"--config /nowhere/a", 2, "", "/nowhere/a: cannot be read: No such file or directory\n"},
        {"--set", 2, "", "--set: expected option=value behind it\n"},
        {"--set log.levl=info", 2, "", "log.levl: unknown option; did you mean \"log.level\"?\n"},
        {"--help --set log.levl=info", 0, "Usage:", ""},
        {"--help --nonsense", 2, "", "--nonsense: unknown argument"},
    };
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(table); i++) {
        struct outcome outcome;
        run(&outcome, SETTINGS_GATEWAY, NULL, NULL, table[i].arguments);
        assert_false(outcome.runs);
        assert_int_equal(outcome.exit_code, table[i].exit_code);
        assert_non_null(strstr(text_of(&outcome.out), table[i].out));
        assert_non_null(strstr(text_of(&outcome.err), table[i].err));
        assert_int_equal(table[i].out[0] == '\0', outcome.out.len == 1);
        assert_int_equal(table[i].err[0] == '\0', outcome.err.len == 1);
        finish(&outcome);
    }
    struct outcome outcome;
    run(&outcome, SETTINGS_BROKER, NULL, NULL, "--version");
    assert_string_equal(text_of(&outcome.out), "sluice-broker 0.1.0\n");
    finish(&outcome);
}

static void help_lists_what_the_program_reads(void **state)
{
    struct outcome outcome;
    (void)state;
    run(&outcome, SETTINGS_BROKER, NULL, NULL, "--help");
    assert_non_null(strstr(text_of(&outcome.out), "\nbroker\n  socket"));
    assert_null(strstr(text_of(&outcome.out), "\ngateway"));
    finish(&outcome);
    run(&outcome, SETTINGS_GATEWAY, NULL, NULL, "--help");
    for (size_t i = 0; i < settings_row_count; i++) {
        struct buf head = {0};
        struct str name = options_row_name(&settings_rows[i]);
        if ((settings_rows[i].programs & SETTINGS_GATEWAY) == 0) {
            continue;
        }
        buf_append_format(&head, "\n  %.*s (", (int)name.len, name.at);
        buf_append_byte(&head, '\0');
        assert_non_null(strstr(text_of(&outcome.out), text_of(&head)));
        buf_finish(&head);
    }
    finish(&outcome);
}

/* docs/configuration.md of the tree this file was compiled from. */
static FILE *open_documentation(void)
{
    static const char name[] = "docs/configuration.md";
    struct buf path = {0};
    const char *file = __FILE__, *tests = strstr(file, "tests/unit/");
    assert_non_null(tests);
    buf_append(&path, file, (size_t)(tests - file));
    buf_append(&path, name, sizeof(name));
    FILE *found = fopen(text_of(&path), "re");
    buf_finish(&path);
    return found != NULL ? found : fopen(name, "re");
}

/* What stands between ``` lines, the first of which is `fence`. */
static struct str find_block(const struct buf *document, const char *fence)
{
    const char *start = strstr(text_of(document), fence);
    assert_non_null(start);
    start += strlen(fence);
    const char *end = strstr(start, "```");
    assert_non_null(end);
    return (struct str){start, (size_t)(end - start)};
}

static void the_examples_of_the_documentation_are_true(void **state)
{
    static const char json[] = "{\"gateway\": {\"endpoints\": [{\"path\": \"/ws\", "
                               "\"disconnect_delay\": 5}], \"listn\": []}}";
    struct outcome manual, example, wrong;
    (void)state;
    run(&manual, SETTINGS_GATEWAY, NULL, NULL, "--print-options-markdown");
    struct str shown = find_block(&manual.out, "```json\n");
    char *copy = mem_strndup(shown.at, shown.len);
    run(&example, SETTINGS_GATEWAY, copy, NULL, "");
    assert_true(example.runs);
    mem_free(copy);
    run(&wrong, SETTINGS_GATEWAY, json, NULL, "");
    struct str lines = find_block(&manual.out, "\n\n```\n"), line;
    struct str got = str_of(text_of(&wrong.err)), got_line;
    while (str_next(&lines, '\n', &line) && line.len > 0) {
        static const char before[] = "sluice-gateway: ", file[] = "sluice.json";
        assert_true(str_next(&got, '\n', &got_line));
        assert_true(got_line.len > strlen(before) + strlen(config_path));
        size_t skip = strlen(before) + strlen(file),
               got_skip = strlen(before) + strlen(config_path);
        assert_true(str_equal((struct str){line.at + skip, line.len - skip},
                              (struct str){got_line.at + got_skip, got_line.len - got_skip}));
    }
    assert_int_equal(got.len, 0);
    finish(&manual);
    finish(&example);
    finish(&wrong);
}

static void the_documentation_is_what_the_table_says(void **state)
{
    struct outcome outcome;
    struct buf document = {0};
    FILE *file = open_documentation();
    (void)state;
    run(&outcome, SETTINGS_GATEWAY, NULL, NULL, "--print-options-markdown");
    assert_non_null(file);
    read_back(file, &document);
    if (strcmp(text_of(&document), text_of(&outcome.out)) != 0) {
        fail_msg("docs/configuration.md is stale: write the output of sluice-gateway "
                 "--print-options-markdown to it");
    }
    for (size_t i = 0; i < settings_row_count; i++) {
        struct buf cell = {0};
        struct str name = options_row_name(&settings_rows[i]);
        buf_append_format(&cell, "\n| `%.*s`", (int)name.len, name.at);
        buf_append_byte(&cell, '\0');
        assert_non_null(strstr(text_of(&document), text_of(&cell)));
        buf_finish(&cell);
    }
    buf_finish(&document);
    finish(&outcome);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_any_source_both_programs_run_for_this_host_only),
        cmocka_unit_test(later_sources_win),
        cmocka_unit_test(limits_of_endpoints_and_listeners_are_whole_sets),
        cmocka_unit_test(paths_in_the_file_are_relative_to_the_file),
        cmocka_unit_test(a_socket_path_has_107_bytes_at_most),
        cmocka_unit_test(every_number_holds_at_its_bounds_and_not_beyond),
        cmocka_unit_test(rows_have_one_path_one_variable_and_a_meaning),
        cmocka_unit_test(what_is_printed_as_configuration_is_one),
        cmocka_unit_test(arguments_are_answered),
        cmocka_unit_test(help_lists_what_the_program_reads),
        cmocka_unit_test(the_examples_of_the_documentation_are_true),
        cmocka_unit_test(the_documentation_is_what_the_table_says),
    };
    return cmocka_run_group_tests(tests, make_config, remove_config);
}
