/* SPDX-License-Identifier: MIT
 *
 * The options table at work: which row a path means, where its value lives, its life from default to
 * free, and the two sources that name one option at a time: environment and command line.
 *
 *   options_object_init() writes the defaults of one struct, the root or a list's new element;
 *   options_read_environment() asks for each row's variable; options_set() splits "path=value";
 *   both hand scalars to options_value_set() and lists to options_json_set();
 *   options_resolve() copies inherited limits into list elements.
 *
 * A list element has no variable and no --set of its own: a list is replaced as a whole, so that what
 * holds can be read off one source.
 */
#include "common/options.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "common/mem.h"
#include "common/options_internal.h"

void options_source_finish(struct options_source *source)
{
    buf_finish(&source->shown);
}

void *options_field(const struct options_place *place, const struct option *row)
{
    assert(row->offset >= place->skip);
    return (char *)place->base + (row->offset - place->skip);
}

size_t *options_list_count(const struct options_place *place, const struct option *row)
{
    assert(options_is_list(row) && row->count_offset >= place->skip);
    return (size_t *)(void *)((char *)place->base + (row->count_offset - place->skip));
}

bool options_is_list(const struct option *row)
{
    return row->type == OPTION_TEXTS || row->type == OPTION_NUMBERS || row->type == OPTION_OBJECTS;
}

const struct option *options_find(const struct options *options, struct str path)
{
    for (size_t i = 0; i < options->row_count; i++) {
        if (str_equal(path, str_of(options->rows[i].path))) {
            return &options->rows[i];
        }
    }
    return NULL;
}

bool options_is_group(const struct options *options, struct str path)
{
    for (size_t i = 0; i < options->row_count; i++) {
        struct str known = str_of(options->rows[i].path);
        if (known.len > path.len && str_starts(known, path) && known.at[path.len] == '.') {
            return true;
        }
    }
    return false;
}

struct str options_row_group(const struct option *row)
{
    const char *dot = strrchr(row->path, '.');
    return (struct str){row->path, dot == NULL ? 0 : (size_t)(dot - row->path)};
}

struct str options_row_name(const struct option *row)
{
    const char *dot = strrchr(row->path, '.');
    return str_of(dot == NULL ? row->path : dot + 1);
}

struct str options_rest_in_group(const struct option *row, struct str group)
{
    struct str path = str_of(row->path);
    size_t start = group.len == 0 ? 0 : group.len + 1;
    if (path.len <= start || !str_starts(path, group) || (start > 0 && path.at[group.len] != '.')) {
        return (struct str){NULL, 0};
    }
    return (struct str){path.at + start, path.len - start};
}

bool options_row_is_of(const struct option *row, struct str owner)
{
    size_t len = 0;
    for (const char *at = row->path; (at = strstr(at, "[].")) != NULL; at += 2) {
        len = (size_t)(at - row->path) + 2;
    }
    return str_equal(owner, (struct str){row->path, len});
}

static void set_unset(const struct options *options, const struct option *same,
                      const struct options_place *place)
{
    struct options_place inner = {options_field(place, same), same->same_offset, same->scopes};
    for (size_t i = 0; i < options->row_count; i++) {
        const struct option *row = &options->rows[i];
        if (str_equal(options_row_group(row), str_of(same->words))) {
            size_t unset = OPTION_UNSET;
            assert(row->type == OPTION_COUNT || row->type == OPTION_SIZE);
            memcpy(options_field(&inner, row), &unset, sizeof(unset));
        }
    }
}

void options_object_init(struct options *options, struct str owner,
                         const struct options_place *place)
{
    for (size_t i = 0; i < options->row_count; i++) {
        const struct option *row = &options->rows[i];
        if (!options_row_is_of(row, owner)) {
            continue;
        }
        if (row->type == OPTION_SAME) {
            set_unset(options, row, place);
        } else if (row->fallback != NULL) {
            struct options_source source = {.options = options, .label = "default"};
            size_t errors = options->error_count;
            buf_append_text(&source.shown, row->path);
            if (options_is_list(row)) {
                options_json_set(&source, row, place, str_of(row->fallback));
            } else if (!options_value_set(&source, row, options_field(place, row),
                                          str_of(row->fallback))) {
                assert(false && "a default is outside its own bounds");
            }
            assert(options->error_count == errors);
            (void)errors;
            options_source_finish(&source);
        }
    }
}

static void free_list(const struct options *options, const struct option *row,
                      const struct options_place *place)
{
    void **items = options_field(place, row);
    size_t *count = options_list_count(place, row);
    struct buf owner = {0};
    buf_append_format(&owner, "%s[]", row->path);
    for (size_t i = 0; i < *count; i++) {
        if (row->type == OPTION_TEXTS) {
            mem_free(((char **)*items)[i]);
        } else if (row->type == OPTION_OBJECTS) {
            struct options_place item = {(char *)*items + i * row->item_size, 0, 0};
            options_object_finish(options, buf_str(&owner), &item);
        }
    }
    buf_finish(&owner);
    mem_free(*items);
    *items = NULL;
    *count = 0;
}

void options_row_finish(const struct options *options, const struct option *row,
                        const struct options_place *place)
{
    if (options_is_list(row)) {
        free_list(options, row, place);
    } else if (row->type == OPTION_TEXT || row->type == OPTION_PATH || row->type == OPTION_JSON) {
        char **text = options_field(place, row);
        mem_free(*text);
        *text = NULL;
    }
}

void options_object_finish(const struct options *options, struct str owner,
                           const struct options_place *place)
{
    for (size_t i = 0; i < options->row_count; i++) {
        if (options_row_is_of(&options->rows[i], owner)) {
            options_row_finish(options, &options->rows[i], place);
        }
    }
}

void options_init(struct options *options, const struct option *rows, size_t row_count, void *base,
                  const char *env_prefix)
{
    *options = (struct options){
        .rows = rows, .row_count = row_count, .base = base, .env_prefix = env_prefix};
    struct options_place root = {base, 0, 0};
    options_object_init(options, STR(""), &root);
}

void options_finish(struct options *options)
{
    struct options_place root = {options->base, 0, 0};
    options_object_finish(options, STR(""), &root);
    buf_finish(&options->errors);
}

/* A scalar or a list, from text. */
static void set_row(struct options_source *source, const struct option *row, struct str text)
{
    struct options_place root = {source->options->base, 0, 0};
    if (options_is_list(row)) {
        options_json_set(source, row, &root, text);
    } else {
        bool is_right = options_value_set(source, row, options_field(&root, row), text);
        (void)is_right; /* it has added an error if not */
    }
}

/* Only rows outside lists can be named by a variable or by --set. */
static bool is_outside_lists(const struct option *row)
{
    return strchr(row->path, '[') == NULL;
}

void options_env_name(const struct options *options, const struct option *row, struct buf *out)
{
    buf_append_text(out, options->env_prefix);
    for (const char *at = row->path; *at != '\0'; at++) {
        buf_append_byte(out, *at == '.' ? '_' : (uint8_t)toupper((unsigned char)*at));
    }
}

/* The value of variable `name`; absent when it is not set or empty. */
static struct str find_variable(char **environment, struct str name)
{
    for (char **entry = environment; *entry != NULL; entry++) {
        struct str text = str_of(*entry);
        if (str_starts(text, name) && text.at[name.len] == '=' && text.len > name.len + 1) {
            return (struct str){text.at + name.len + 1, text.len - name.len - 1};
        }
    }
    return (struct str){NULL, 0};
}

/* Kubernetes sets such variables for each service of a namespace; one may be called sluice-gateway. */
static bool is_service_link(struct str name)
{
    static const char *const marks[] = {"_SERVICE_HOST", "_SERVICE_PORT", "_PORT_"};
    char copy[OPTION_NAME_MAX * 2];
    if (name.len >= sizeof(copy)) {
        return false;
    }
    memcpy(copy, name.at, name.len);
    copy[name.len] = '\0';
    for (size_t i = 0; i < MEM_COUNT(marks); i++) {
        if (strstr(copy, marks[i]) != NULL) {
            return true;
        }
    }
    return name.len >= 5 && memcmp(name.at + name.len - 5, "_PORT", 5) == 0;
}

/* "SLUICE_BROKER_SOKET" begins like the variables of the group "broker": it was meant for us. Variables
 * that only share the prefix belong to somebody else. */
static void judge_unknown_variable(struct options *options, struct str name)
{
    struct options_nearest nearest;
    struct buf known = {0};
    bool is_ours = false, is_known = false;
    options_nearest_init(&nearest, name);
    size_t best = options->row_count;
    for (size_t i = 0; i < options->row_count && !is_known; i++) {
        if (!is_outside_lists(&options->rows[i])) {
            continue;
        }
        size_t group = strlen(options->env_prefix) + strcspn(options->rows[i].path, ".") + 1;
        known.len = 0;
        options_env_name(options, &options->rows[i], &known);
        is_known = str_equal(buf_str(&known), name);
        is_ours = is_ours || (name.len > group && known.len > group &&
                              memcmp(known.data, name.at, group) == 0);
        size_t distance = nearest.distance;
        options_nearest_offer(&nearest, buf_str(&known));
        best = nearest.distance < distance ? i : best;
    }
    if (is_ours && !is_known && !is_service_link(name)) {
        struct options_source source = {.options = options, .label = "environment"};
        buf_append_str(&source.shown, name);
        known.len = 0;
        if (best < options->row_count) {
            buf_append_text(&known, "; did you mean \"");
            options_env_name(options, &options->rows[best], &known);
            buf_append_text(&known, "\"?");
        }
        options_error(&source, "unknown option%.*s", (int)known.len, (const char *)known.data);
        options_source_finish(&source);
    }
    buf_finish(&known);
}

void options_read_environment(struct options *options, char **environment)
{
    for (size_t i = 0; i < options->row_count; i++) {
        const struct option *row = &options->rows[i];
        struct buf name = {0};
        if (!is_outside_lists(row)) {
            continue;
        }
        options_env_name(options, row, &name);
        struct str text = find_variable(environment, buf_str(&name));
        buf_append_byte(&name, '\0');
        if (text.at != NULL) {
            struct options_source source = {.options = options, .label = (const char *)name.data};
            buf_append_text(&source.shown, row->path);
            set_row(&source, row, text);
            options_source_finish(&source);
        }
        buf_finish(&name);
    }
    for (char **entry = environment; *entry != NULL; entry++) {
        struct str name = {*entry, strcspn(*entry, "=")};
        if (str_starts(name, str_of(options->env_prefix))) {
            judge_unknown_variable(options, name);
        }
    }
}

static void fail_unknown_path(struct options_source *source, struct str path)
{
    const struct options *options = source->options;
    struct options_nearest nearest;
    options_nearest_init(&nearest, path);
    for (size_t i = 0; i < options->row_count; i++) {
        if (is_outside_lists(&options->rows[i])) {
            options_nearest_offer(&nearest, str_of(options->rows[i].path));
        }
    }
    if (memchr(path.at, '[', path.len) != NULL) {
        options_error(source, "elements of a list have no --set of their own, give the whole list "
                              "as JSON: --set list='[…]'");
    } else if (options_is_group(options, path)) {
        options_error(source, "is a group of options, set them one by one");
    } else if (nearest.best.at != NULL) {
        options_error(source, "unknown option; did you mean \"%.*s\"?", (int)nearest.best.len,
                      nearest.best.at);
    } else {
        const char *dot = memrchr(path.at, '.', path.len);
        size_t group = dot == NULL ? 0 : (size_t)(dot - path.at);
        size_t name = dot == NULL ? 0 : group + 1;
        options_error_unknown(source, (struct str){path.at, group},
                              (struct str){path.at + name, path.len - name});
    }
}

void options_set(struct options *options, const char *assignment)
{
    struct options_source source = {.options = options, .label = "--set"};
    struct str path = {assignment, strcspn(assignment, "=")};
    const struct option *row = options_find(options, path);
    buf_append_str(&source.shown, path);
    if (assignment[path.len] != '=') {
        options_error(&source, "expected option=value");
    } else if (row == NULL || !is_outside_lists(row)) {
        fail_unknown_path(&source, path);
    } else if ((row->flags & OPTION_SECRET) != 0) {
        options_error(&source,
                      "a secret on the command line can be read by every user of this host; "
                      "put it into the file or the environment");
    } else {
        set_row(&source, row, str_of(assignment + path.len + 1));
    }
    options_source_finish(&source);
}

static void inherit(const struct options *options, const struct option *same,
                    const struct options_place *item)
{
    const struct options_place root = {options->base, 0, 0};
    struct options_place inner = {options_field(item, same), same->same_offset, same->scopes};
    for (size_t i = 0; i < options->row_count; i++) {
        const struct option *row = &options->rows[i];
        if (str_equal(options_row_group(row), str_of(same->words)) &&
            options_value_is_absent(row, options_field(&inner, row))) {
            memcpy(options_field(&inner, row), options_field(&root, row), sizeof(size_t));
        }
    }
}

void options_resolve(struct options *options)
{
    const struct options_place root = {options->base, 0, 0};
    for (size_t i = 0; i < options->row_count; i++) {
        const struct option *same = &options->rows[i];
        if (same->type != OPTION_SAME) {
            continue;
        }
        struct str owner = {same->path, strcspn(same->path, "[")};
        const struct option *list = options_find(options, owner);
        assert(list != NULL && list->type == OPTION_OBJECTS);
        size_t count = *options_list_count(&root, list);
        for (size_t j = 0; j < count; j++) {
            char *items = *(void **)options_field(&root, list);
            struct options_place item = {items + j * list->item_size, 0, 0};
            inherit(options, same, &item);
        }
    }
}
