/* SPDX-License-Identifier: MIT
 *
 * The options engine on a small table of its own: sources, errors, bounds, printing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/options_internal.h"

enum fruit { APPLE, PEAR, CHERRY };

struct bounds {
    size_t depth;
    size_t size;
};

struct basket {
    char *name;
    enum fruit fruit;
    char **labels;
    size_t label_count;
    struct bounds bounds;
};

struct shop {
    bool is_open;
    enum option_choice sells_online;
    size_t shelves;
    uint64_t pause_ms;
    char *title;
    char *folder;
    char *password;
    uint32_t *codes;
    size_t code_count;
    struct basket *baskets;
    size_t basket_count;
    struct bounds bounds;
};

#define AT(type_, field) .type = OPTION_##type_, .offset = offsetof(struct shop, field)
#define OF(type_, field) .type = OPTION_##type_, .offset = offsetof(struct basket, field)

static const char *check_lower(const char *text)
{
    return strspn(text, "abcdefghijklmnopqrstuvwxyz") == strlen(text)
               ? NULL
               : "expected lower-case letters";
}

static const struct option rows[] = {
    {.path = "shop.open", AT(BOOL, is_open), .fallback = "true", .programs = 1, .meaning = "Open."},
    {.path = "shop.online", AT(CHOICE, sells_online), .programs = 2, .meaning = "Online | not."},
    {.path = "shop.shelves", AT(COUNT, shelves), .fallback = "3", .min = 1, .max = 10},
    {.path = "shop.pause",
     AT(DURATION, pause_ms),
     .fallback = "2s",
     .min = 500,
     .max = 60000,
     .flags = OPTION_ZERO_IS_OFF},
    {.path = "shop.title", AT(TEXT, title), .min = 1, .max = 8, .check = check_lower},
    {.path = "shop.folder", AT(PATH, folder), .fallback = "/data", .min = 1, .max = 20},
    {.path = "shop.password", AT(TEXT, password), .min = 4, .max = 8, .flags = OPTION_SECRET},
    {.path = "shop.codes",
     AT(NUMBERS, codes),
     .count_offset = offsetof(struct shop, code_count),
     .min = 1,
     .max = 3},
    {.path = "shop.baskets",
     AT(OBJECTS, baskets),
     .item_size = sizeof(struct basket),
     .count_offset = offsetof(struct shop, basket_count),
     .item_key = "name",
     .min = 0,
     .max = 4,
     .fallback = "[\"first\"]"},
    {.path = "shop.baskets[].name", OF(TEXT, name), .min = 1, .max = 20, .flags = OPTION_REQUIRED},
    {.path = "shop.baskets[].fruit",
     OF(WORD, fruit),
     .words = "apple|pear|cherry",
     .fallback = "pear"},
    {.path = "shop.baskets[].labels",
     OF(TEXTS, labels),
     .min = 1,
     .max = 2,
     .check = check_lower,
     .count_offset = offsetof(struct basket, label_count)},
    {.path = "shop.baskets[].bounds",
     OF(SAME, bounds),
     .words = "shop.bounds",
     .scopes = 1,
     .same_offset = offsetof(struct shop, bounds)},
    {.path = "shop.bounds.depth",
     AT(COUNT, bounds.depth),
     .fallback = "5",
     .min = 1,
     .max = 9,
     .scopes = 1},
    {.path = "shop.bounds.size",
     AT(SIZE, bounds.size),
     .fallback = "4KiB",
     .min = 1024,
     .max = 1048576},
};

struct fixture {
    struct shop shop;
    struct options options;
};

static void begin(struct fixture *fixture)
{
    fixture->shop = (struct shop){0};
    options_init(&fixture->options, rows, MEM_COUNT(rows), &fixture->shop, "TOY_");
}

static void read_text(struct fixture *fixture, const char *json)
{
    options_read_json(&fixture->options, str_of(json), "toy.json", "conf");
}

static void assert_errors(struct fixture *fixture, const char *expected)
{
    buf_append_byte(&fixture->options.errors, '\0');
    assert_string_equal((const char *)fixture->options.errors.data, expected);
    fixture->options.errors.len--;
}

static void defaults_hold_where_nothing_is_said(void **state)
{
    struct fixture fixture;
    (void)state;
    begin(&fixture);
    read_text(&fixture, " \n\t\r\n");
    read_text(&fixture, "");
    read_text(&fixture, "\xef\xbb\xbf{}");
    read_text(&fixture, "{\"shop\": {}}");
    assert_true(fixture.shop.is_open);
    assert_int_equal(fixture.shop.sells_online, CHOICE_ABSENT);
    assert_int_equal(fixture.shop.shelves, 3);
    assert_int_equal(fixture.shop.pause_ms, 2000);
    assert_null(fixture.shop.title);
    assert_string_equal(fixture.shop.folder, "/data");
    assert_null(fixture.shop.codes);
    assert_int_equal(fixture.shop.basket_count, 1);
    assert_string_equal(fixture.shop.baskets[0].name, "first");
    assert_int_equal(fixture.shop.baskets[0].fruit, PEAR);
    assert_null(fixture.shop.baskets[0].labels);
    assert_int_equal(fixture.options.error_count, 0);
    options_finish(&fixture.options);
}

static void every_type_is_read_from_json(void **state)
{
    struct fixture fixture;
    (void)state;
    begin(&fixture);
    read_text(&fixture,
              "{\"shop\": {\"open\": false, \"online\": true, \"shelves\": 7, \"pause\": \"1m\","
              " \"title\": \"toys\", \"folder\": \"a/b\", \"password\": \"hush!\", \"codes\": [0, "
              "4294967295], \"bounds\": {\"size\": \"1MiB\"},"
              " \"baskets\": [\"one\", {\"name\": \"two\", \"fruit\": \"cherry\", \"labels\": "
              "[\"x\", \"yz\"], \"bounds\": {\"depth\": 2}}]}}");
    assert_int_equal(fixture.options.error_count, 0);
    assert_false(fixture.shop.is_open);
    assert_int_equal(fixture.shop.sells_online, CHOICE_YES);
    assert_int_equal(fixture.shop.shelves, 7);
    assert_int_equal(fixture.shop.pause_ms, 60000);
    assert_string_equal(fixture.shop.title, "toys");
    assert_string_equal(fixture.shop.folder, "conf/a/b");
    assert_string_equal(fixture.shop.password, "hush!");
    assert_int_equal(fixture.shop.code_count, 2);
    assert_int_equal(fixture.shop.codes[1], UINT32_MAX);
    assert_int_equal(fixture.shop.basket_count, 2);
    assert_string_equal(fixture.shop.baskets[0].name, "one");
    assert_int_equal(fixture.shop.baskets[1].fruit, CHERRY);
    assert_int_equal(fixture.shop.baskets[1].label_count, 2);
    assert_string_equal(fixture.shop.baskets[1].labels[1], "yz");
    options_finish(&fixture.options);
}

static void elements_inherit_what_they_do_not_say_from_whatever_source(void **state)
{
    static char *environment[] = {(char *)"TOY_SHOP_BOUNDS_SIZE=8KiB", NULL};
    struct fixture fixture;
    (void)state;
    begin(&fixture);
    read_text(&fixture,
              "{\"shop\": {\"baskets\": [\"a\", {\"name\": \"b\", \"bounds\": {\"depth\": "
              "9}}], \"bounds\": {\"depth\": 4, \"size\": \"2KiB\"}}}");
    assert_int_equal(fixture.shop.baskets[0].bounds.depth, OPTION_UNSET);
    options_read_environment(&fixture.options, environment);
    options_resolve(&fixture.options);
    assert_int_equal(fixture.shop.baskets[0].bounds.depth, 4);
    assert_int_equal(fixture.shop.baskets[0].bounds.size, 8192);
    assert_int_equal(fixture.shop.baskets[1].bounds.depth, 9);
    assert_int_equal(fixture.shop.baskets[1].bounds.size, 8192);
    options_finish(&fixture.options);
}

/* What is wrong in a file, and the line that says so. */
static const struct {
    const char *json;
    const char *errors;
} wrong_files[] = {
    {"{\"shop\": {\"shelfs\": 1}}",
     "toy.json: shop.shelfs: unknown option; did you mean \"shelves\"?\n"},
    {"{\"shp\": {}}", "toy.json: shp: unknown option; did you mean \"shop\"?\n"},
    {"{\"shop\": {\"labels\": 1}}",
     "toy.json: shop.labels: unknown option; did you mean \"shop.baskets[].labels\"?\n"},
    {"{\"certificate\": 1}", "toy.json: certificate: unknown option; known here: shop\n"},
    {"{\"shop\": {\"bounds\": {\"colour\": 1}}}",
     "toy.json: shop.bounds.colour: unknown option; known here: depth, size\n"},
    {"{\"shop\": {\"baskets\": [\"a\", {\"name\": \"b\", \"friut\": \"pear\"}]}}",
     "toy.json: shop.baskets[1].friut: unknown option; did you mean \"fruit\"?\n"},
    {"{\"shop\": {\"open\": \"yes\"}}",
     "toy.json: shop.open: expected true or false, got \"yes\"\n"},
    {"{\"shop\": {\"online\": null}}", "toy.json: shop.online: expected true or false, got null\n"},
    {"{\"shop\": {\"shelves\": 0}}",
     "toy.json: shop.shelves: expected a whole number, from 1 to 10, got 0\n"},
    {"{\"shop\": {\"shelves\": 11}}",
     "toy.json: shop.shelves: expected a whole number, from 1 to 10, got 11\n"},
    {"{\"shop\": {\"shelves\": -1}}",
     "toy.json: shop.shelves: expected a whole number, from 1 to 10, got the number -1\n"},
    {"{\"shop\": {\"shelves\": 2.5}}",
     "toy.json: shop.shelves: expected a whole number, from 1 to 10, got the number 2.5\n"},
    {"{\"shop\": {\"shelves\": \"2\"}}",
     "toy.json: shop.shelves: expected a whole number, from 1 to 10, got \"2\"\n"},
    {"{\"shop\": {\"pause\": 25}}", "toy.json: shop.pause: expected a duration with a unit "
                                    "such as \"25s\" (ms, s, m, h), from "
                                    "\"500ms\" to \"1m\", or \"0s\", got the bare number 25\n"},
    {"{\"shop\": {\"pause\": \"25\"}}", "toy.json: shop.pause: expected a duration with a unit "
                                        "such as \"25s\" (ms, s, m, h), from "
                                        "\"500ms\" to \"1m\", or \"0s\", got \"25\"\n"},
    {"{\"shop\": {\"bounds\": {\"size\": 4096}}}",
     "toy.json: shop.bounds.size: expected a size with a unit such as \"64KiB\" (B, KiB, MiB, "
     "GiB), from \"1KiB\" to \"1MiB\", got the bare number 4096\n"},
    {"{\"shop\": {\"title\": 1}}",
     "toy.json: shop.title: expected a text of 1 to 8 bytes, got the number 1\n"},
    {"{\"shop\": {\"title\": \"\"}}",
     "toy.json: shop.title: expected a text of 1 to 8 bytes, got \"\"\n"},
    {"{\"shop\": {\"title\": \"abcdefghi\"}}",
     "toy.json: shop.title: expected a text of 1 to 8 bytes, got \"abcdefghi\"\n"},
    {"{\"shop\": {\"title\": \"A\"}}",
     "toy.json: shop.title: expected lower-case letters, got \"A\"\n"},
    {"{\"shop\": {\"title\": \"\\u001b[31m\"}}",
     "toy.json: shop.title: expected lower-case letters, got \"\\x1b[31m\"\n"},
    {"{\"shop\": {\"folder\": \"0123456789012345\"}}",
     "toy.json: shop.folder: expected a path of 1 to 20 bytes, got "
     "\"conf/0123456789012345\"\n"},
    {"{\"shop\": {\"password\": \"abc\"}}",
     "toy.json: shop.password: expected a text of 4 to 8 bytes, got something else\n"},
    {"{\"shop\": {\"codes\": 5}}", "toy.json: shop.codes: expected a list of whole numbers of "
                                   "1 to 3 elements, got the number "
                                   "5\n"},
    {"{\"shop\": {\"codes\": []}}", "toy.json: shop.codes: expected a list of whole numbers of "
                                    "1 to 3 elements, got a list of 0\n"},
    {"{\"shop\": {\"codes\": [1, 2, 3, 4]}}", "toy.json: shop.codes: expected a list of whole "
                                              "numbers of 1 to 3 elements, got a list of 4\n"},
    {"{\"shop\": {\"codes\": [1, 4294967296]}}",
     "toy.json: shop.codes[1]: expected a whole number from 0 to 4294967295\n"},
    {"{\"shop\": {\"codes\": [-1]}}",
     "toy.json: shop.codes[0]: expected a whole number from 0 to 4294967295\n"},
    {"{\"shop\": {\"baskets\": {\"name\": \"a\"}}}",
     "toy.json: shop.baskets: expected a list of objects of 0 to 4 elements, got an object\n"},
    {"{\"shop\": {\"baskets\": [5]}}",
     "toy.json: shop.baskets[0]: expected an object or a text, got the number 5\n"},
    {"{\"shop\": {\"baskets\": [{\"fruit\": \"pear\"}]}}",
     "toy.json: shop.baskets[0]: \"name\" is missing\n"},
    {"{\"shop\": {\"baskets\": [\"\"]}}",
     "toy.json: shop.baskets[0]: expected a text of 1 to 20 bytes, got \"\"\n"},
    {"{\"shop\": {\"baskets\": [{\"name\": \"a\", \"fruit\": \"peer\"}]}}",
     "toy.json: shop.baskets[0].fruit: expected one of \"apple\", \"pear\", \"cherry\", got "
     "\"peer\"; did you mean \"pear\"?\n"},
    {"{\"shop\": {\"baskets\": [{\"name\": \"a\", \"labels\": [\"b\", 3]}]}}",
     "toy.json: shop.baskets[0].labels[1]: expected a text\n"},
    {"{\"shop\": {\"baskets\": [{\"name\": \"a\", \"labels\": [\"B\"]}]}}",
     "toy.json: shop.baskets[0].labels[0]: expected lower-case letters, got \"B\"\n"},
    {"{\"shop\": {\"baskets\": [{\"name\": \"a\", \"bounds\": 3}]}}",
     "toy.json: shop.baskets[0].bounds: expected an object, got the number 3\n"},
    {"{\"shop\": {\"baskets\": [{\"name\": \"a\", \"bounds\": {\"size\": \"2KiB\"}}]}}",
     "toy.json: shop.baskets[0].bounds.size: cannot be set here, only in shop.bounds\n"},
    {"{\"shop\": {\"baskets\": [{\"name\": \"a\", \"bounds\": {\"deph\": 1}}]}}",
     "toy.json: shop.baskets[0].bounds.deph: unknown option; did you mean \"depth\"?\n"},
    {"{\"shop\": []}", "toy.json: shop: expected an object, got a list\n"},
    {"{\"shop\": \"x\"}", "toy.json: shop: expected an object, got \"x\"\n"},
    {"[]", "toy.json: expected an object at the top, got a list\n"},
    {"{\n  \"shop\": {\n    \"open\": true,\n  }\n}",
     "toy.json: line 4, column 3: string or '}' expected near '}'\n"},
    {"{\"shop\": {}, \"shop\": {}}",
     "toy.json: line 1, column 19: duplicate object key near '\"shop\"'\n"},
    {"{\"shop\": {}} x", "toy.json: line 1, column 14: end of file expected near 'x'\n"},
    {"nonsense", "toy.json: line 1, column 8: '[' or '{' expected near 'nonsense'\n"},
    {"{\"shop\": {\"shelves\": 11, \"pause\": \"x\", \"title\": \"A\"}}",
     "toy.json: shop.shelves: expected a whole number, from 1 to 10, got 11\n"
     "toy.json: shop.pause: expected a duration with a unit such as \"25s\" (ms, s, m, h), "
     "from "
     "\"500ms\" to \"1m\", or \"0s\", got \"x\"\n"
     "toy.json: shop.title: expected lower-case letters, got \"A\"\n"},
};

static void an_error_in_the_file_names_path_expectation_and_nearest_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(wrong_files); i++) {
        struct fixture fixture;
        begin(&fixture);
        read_text(&fixture, wrong_files[i].json);
        assert_errors(&fixture, wrong_files[i].errors);
        assert_true(fixture.options.error_count > 0);
        assert_int_equal(fixture.shop.shelves, 3); /* what was wrong has changed nothing */
        assert_int_equal(fixture.shop.basket_count, 1);
        assert_string_equal(fixture.shop.baskets[0].name, "first");
        options_finish(&fixture.options);
    }
}

static const struct {
    const char *variable;
    const char *errors; /* NULL: right, or not ours */
} variables[] = {
    {"TOY_SHOP_SHELVES=4", NULL},
    {"TOY_SHOP_SHELVES=", NULL},
    {"TOY_SHOP_SHELVES=four",
     "TOY_SHOP_SHELVES: shop.shelves: expected a whole number, from 1 to 10, got \"four\"\n"},
    {"TOY_SHOP_OPEN=1", "TOY_SHOP_OPEN: shop.open: expected true or false, got \"1\"\n"},
    {"TOY_SHOP_CODES=[1,2]", NULL},
    {"TOY_SHOP_CODES=1,2",
     "TOY_SHOP_CODES: shop.codes: expected JSON, at column 2: end of file expected near ','\n"},
    {"TOY_SHOP_CODES=7",
     "TOY_SHOP_CODES: shop.codes: expected a list of whole numbers of 1 to 3 elements, got the "
     "number 7\n"},
    {"TOY_SHOP_BASKETS=[{\"name\":\"a\",\"fruits\":1}]",
     "TOY_SHOP_BASKETS: shop.baskets[0].fruits: unknown option; did you mean \"fruit\"?\n"},
    {"TOY_SHOP_SHELFS=4",
     "environment: TOY_SHOP_SHELFS: unknown option; did you mean \"TOY_SHOP_SHELVES\"?\n"},
    {"TOY_SHOP_QWERTZUIOPASDFGHJKL=4",
     "environment: TOY_SHOP_QWERTZUIOPASDFGHJKL: unknown option\n"},
    {"TOY_SHOP_SERVICE_HOST=10.0.0.1", NULL},
    {"TOY_SHOP_SERVICE_PORT_HTTP=80", NULL},
    {"TOY_SHOP_PORT=tcp://10.0.0.1:80", NULL},
    {"TOY_SHOP_PORT_80_TCP_ADDR=10.0.0.1", NULL},
    {"TOY_STORY=4", NULL},
    {"TOY_SHOPS=4", NULL},
    {"OTHER_SHOP_SHELVES=four", NULL},
    {"TOY_SHOP_PASSWORD=hush!", NULL},
    {"TOY_SHOP_FOLDER=rel", NULL},
};

static void an_error_in_a_variable_names_the_variable_too(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(variables); i++) {
        char *environment[] = {(char *)"A=b", (char *)variables[i].variable, NULL};
        struct fixture fixture;
        begin(&fixture);
        options_read_environment(&fixture.options, environment);
        assert_errors(&fixture, variables[i].errors == NULL ? "" : variables[i].errors);
        options_finish(&fixture.options);
    }
}

static const struct {
    const char *assignment;
    const char *errors; /* NULL: right */
} assignments[] = {
    {"shop.shelves=4", NULL},
    {"shop.title=abc", NULL},
    {"shop.baskets=[\"x\"]", NULL},
    {"shop.shelves", "--set: shop.shelves: expected option=value\n"},
    {"shop.shelves=", "--set: shop.shelves: expected a whole number, from 1 to 10, got \"\"\n"},
    {"shop.shelf=4", "--set: shop.shelf: unknown option; did you mean \"shop.shelves\"?\n"},
    {"shelves=4", "--set: shelves: unknown option; did you mean \"shop.shelves\"?\n"},
    {"shop.bounds=4", "--set: shop.bounds: is a group of options, set them one by one\n"},
    {"shop.baskets[0].name=x", "--set: shop.baskets[0].name: elements of a list have no --set "
                               "of their own, give the whole "
                               "list as JSON: --set list='[…]'\n"},
    {"shop.baskets[].name=x", "--set: shop.baskets[].name: elements of a list have no --set of "
                              "their own, give the whole "
                              "list as JSON: --set list='[…]'\n"},
    {"shop.password=hush!", "--set: shop.password: a secret on the command line can be read by "
                            "every user of this host; "
                            "put it into the file or the environment\n"},
    {"=4", "--set: unknown option; known here: shop\n"},
    {"", "--set: expected option=value\n"},
};

static void an_error_behind_set_says_what_to_write_instead(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(assignments); i++) {
        struct fixture fixture;
        begin(&fixture);
        options_set(&fixture.options, assignments[i].assignment);
        assert_errors(&fixture, assignments[i].errors == NULL ? "" : assignments[i].errors);
        options_finish(&fixture.options);
    }
}

static void numbers_hold_at_their_bounds_and_not_beyond(void **state)
{
    static const struct {
        const char *assignment;
        bool is_right;
    } table[] = {
        {"shop.shelves=0", false},
        {"shop.shelves=1", true},
        {"shop.shelves=10", true},
        {"shop.shelves=11", false},
        {"shop.pause=0s", true},
        {"shop.pause=1ms", false},
        {"shop.pause=499ms", false},
        {"shop.pause=500ms", true},
        {"shop.pause=60000ms", true},
        {"shop.pause=60001ms", false},
        {"shop.bounds.size=1023B", false},
        {"shop.bounds.size=1024B", true},
        {"shop.bounds.size=1024KiB", true},
        {"shop.bounds.size=1048577B", false},
        {"shop.title=a", true},
        {"shop.title=abcdefgh", true},
        {"shop.title=abcdefghi", false},
        {"shop.codes=[1,2,3]", true},
        {"shop.codes=[1,2,3,4]", false},
        {"shop.shelves=18446744073709551616", false},
    };
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(table); i++) {
        struct fixture fixture;
        begin(&fixture);
        options_set(&fixture.options, table[i].assignment);
        assert_int_equal(fixture.options.error_count, table[i].is_right ? 0 : 1);
        options_finish(&fixture.options);
    }
}

static void only_the_first_errors_are_written_and_all_are_counted(void **state)
{
    struct fixture fixture;
    (void)state;
    begin(&fixture);
    size_t lines = 0;
    for (size_t i = 0; i < OPTIONS_ERRORS_SHOWN + 5; i++) {
        options_set(&fixture.options, "shop.shelves=0");
    }
    for (size_t i = 0; i < fixture.options.errors.len; i++) {
        lines += fixture.options.errors.data[i] == '\n' ? 1 : 0;
    }
    assert_int_equal(lines, OPTIONS_ERRORS_SHOWN);
    assert_int_equal(fixture.options.error_count, OPTIONS_ERRORS_SHOWN + 5);
    options_finish(&fixture.options);
}

static void paths_are_relative_to_the_file_and_nowhere_else(void **state)
{
    static char *environment[] = {(char *)"TOY_SHOP_FOLDER=env", NULL};
    struct fixture fixture;
    (void)state;
    begin(&fixture);
    read_text(&fixture, "{\"shop\": {\"folder\": \"/abs\"}}");
    assert_string_equal(fixture.shop.folder, "/abs");
    read_text(&fixture, "{\"shop\": {\"folder\": \"rel\"}}");
    assert_string_equal(fixture.shop.folder, "conf/rel");
    options_read_json(&fixture.options, STR("{\"shop\": {\"folder\": \"rel\"}}"), "toy.json", NULL);
    assert_string_equal(fixture.shop.folder, "rel");
    options_read_environment(&fixture.options, environment);
    assert_string_equal(fixture.shop.folder, "env");
    options_set(&fixture.options, "shop.folder=set");
    assert_string_equal(fixture.shop.folder, "set");
    assert_int_equal(fixture.options.error_count, 0);
    options_finish(&fixture.options);
}

static void a_file_that_cannot_be_read_is_one_error(void **state)
{
    struct fixture fixture;
    (void)state;
    begin(&fixture);
    options_read_file(&fixture.options, "no/such/file.json");
    assert_errors(&fixture, "no/such/file.json: cannot be read: No such file or directory\n");
    options_finish(&fixture.options);
    begin(&fixture);
    options_read_file(&fixture.options, "/");
    assert_errors(&fixture, "/: cannot be read: Is a directory\n");
    options_finish(&fixture.options);
    begin(&fixture);
    options_read_file(&fixture.options, "/dev/zero"); /* longer than any configuration */
    assert_errors(&fixture, "/dev/zero: cannot be read: File too large\n");
    options_finish(&fixture.options);
}

static void what_is_printed_gives_the_same_values_again(void **state)
{
    static const char json[] =
        "{\"shop\": {\"open\": false, \"online\": false, \"title\": \"toys\", \"codes\": [4, 2],"
        " \"baskets\": [{\"name\": \"two\", \"labels\": [\"x\"], \"bounds\": {\"depth\": 2}}]}}";
    struct fixture first, second;
    struct buf once = {0}, twice = {0};
    (void)state;
    begin(&first);
    begin(&second);
    read_text(&first, json);
    options_print_json(&first.options, &once);
    options_read_json(&second.options, buf_str(&once), "once", NULL);
    options_print_json(&second.options, &twice);
    assert_int_equal(second.options.error_count, 0);
    assert_true(str_equal(buf_str(&once), buf_str(&twice)));
    assert_false(second.shop.is_open);
    assert_int_equal(second.shop.sells_online, CHOICE_NO);
    assert_int_equal(second.shop.codes[0], 4);
    assert_int_equal(second.shop.baskets[0].bounds.depth, 2);
    assert_int_equal(second.shop.baskets[0].bounds.size, OPTION_UNSET);
    buf_finish(&once);
    buf_finish(&twice);
    options_finish(&first.options);
    options_finish(&second.options);
}

static void secrets_are_not_printed(void **state)
{
    struct fixture fixture;
    struct buf out = {0};
    (void)state;
    begin(&fixture);
    read_text(&fixture, "{\"shop\": {\"password\": \"hush!\"}}");
    assert_string_equal(fixture.shop.password, "hush!");
    options_print_json(&fixture.options, &out);
    buf_append_byte(&out, '\0');
    assert_null(strstr((const char *)out.data, "hush!"));
    assert_non_null(strstr((const char *)out.data, "\"password\": \"(secret)\""));
    buf_finish(&out);
    options_finish(&fixture.options);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_hold_where_nothing_is_said),
        cmocka_unit_test(every_type_is_read_from_json),
        cmocka_unit_test(elements_inherit_what_they_do_not_say_from_whatever_source),
        cmocka_unit_test(an_error_in_the_file_names_path_expectation_and_nearest_name),
        cmocka_unit_test(an_error_in_a_variable_names_the_variable_too),
        cmocka_unit_test(an_error_behind_set_says_what_to_write_instead),
        cmocka_unit_test(numbers_hold_at_their_bounds_and_not_beyond),
        cmocka_unit_test(only_the_first_errors_are_written_and_all_are_counted),
        cmocka_unit_test(paths_are_relative_to_the_file_and_nowhere_else),
        cmocka_unit_test(a_file_that_cannot_be_read_is_one_error),
        cmocka_unit_test(what_is_printed_gives_the_same_values_again),
        cmocka_unit_test(secrets_are_not_printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
