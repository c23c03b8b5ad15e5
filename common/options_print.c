/* SPDX-License-Identifier: MIT
 *
 * The values as one configuration file that would give the same values again.
 *
 * Absent options are left out; so is what a list's element inherits. Secrets are told to be there, not
 * shown. Shares jansson with options_json.c, nobody else names it.
 */
#include <assert.h>
#include <jansson.h>
#include <string.h>

#include "common/mem.h"
#include "common/options_internal.h"

static json_t *print_object(const struct options *options, struct str group, struct str owner,
                            const struct options_place *place);

/* jansson answers NULL only without memory, or to a bug of ours. */
static json_t *must(json_t *json)
{
    assert(json != NULL);
    return json;
}

static json_t *print_scalar(const struct option *row, const void *field)
{
    struct buf text = {0};
    json_t *json;
    if ((row->flags & OPTION_SECRET) != 0) {
        return must(json_string("(secret)"));
    }
    options_value_put(row, field, &text);
    if (row->type == OPTION_BOOL || row->type == OPTION_CHOICE) {
        json = json_boolean(str_equal(buf_str(&text), STR("true")));
    } else if (row->type == OPTION_JSON) {
        json = json_loadb((const char *)text.data, text.len, JSON_DECODE_ANY, NULL);
    } else if (row->type == OPTION_COUNT) {
        size_t count;
        memcpy(&count, field, sizeof(count));
        json = json_integer((json_int_t)count);
    } else {
        json = json_stringn((const char *)text.data, text.len);
        if (json == NULL) { /* not UTF-8: from the environment, which no file can say */
            json = json_string("(not UTF-8)");
        }
    }
    buf_finish(&text);
    return must(json);
}

static json_t *print_list(const struct options *options, const struct option *row,
                          const struct options_place *place)
{
    char *items = *(void **)options_field(place, row);
    size_t count = *options_list_count(place, row);
    struct buf owner = {0};
    json_t *list = must(json_array());
    buf_append_format(&owner, "%s[]", row->path);
    for (size_t i = 0; i < count; i++) {
        struct options_place item = {items + i * row->item_size, 0, 0};
        if (row->type == OPTION_TEXTS) {
            json_array_append_new(list, must(json_string(((char **)(void *)items)[i])));
        } else if (row->type == OPTION_NUMBERS) {
            json_array_append_new(list, must(json_integer(((uint32_t *)(void *)items)[i])));
        } else {
            json_array_append_new(list,
                                  print_object(options, buf_str(&owner), buf_str(&owner), &item));
        }
    }
    buf_finish(&owner);
    return list;
}

static json_t *print_row(const struct options *options, const struct option *row,
                         const struct options_place *place)
{
    if (options_is_list(row)) {
        return print_list(options, row, place);
    }
    if (row->type == OPTION_SAME) {
        struct options_place inner = {options_field(place, row), row->same_offset, row->scopes};
        return print_object(options, str_of(row->words), STR(""), &inner);
    }
    return print_scalar(row, options_field(place, row));
}

static void put_member(json_t *object, struct str name, json_t *member)
{
    char *key = mem_strndup(name.at, name.len);
    bool is_empty = json_is_object(member) && json_object_size(member) == 0;
    if (is_empty) {
        json_decref(member);
    } else {
        json_object_set_new(object, key, member);
    }
    mem_free(key);
}

/* Rows directly in `group` and, for the first row of each, the groups within it. */
static json_t *print_object(const struct options *options, struct str group, struct str owner,
                            const struct options_place *place)
{
    json_t *object = must(json_object());
    struct str last = {NULL, 0};
    for (size_t i = 0; i < options->row_count; i++) {
        const struct option *row = &options->rows[i];
        struct str rest = options_rest_in_group(row, group);
        if (rest.at == NULL || !options_row_is_of(row, owner)) {
            continue;
        }
        struct str name = {rest.at, strcspn(rest.at, ".")};
        if (name.len < rest.len) {
            struct str inner = {row->path, (size_t)(name.at + name.len - row->path)};
            if (!str_equal(inner, last)) {
                put_member(object, name, print_object(options, inner, owner, place));
            }
            last = inner;
        } else if ((place->scope == 0 || (row->scopes & place->scope) != 0) &&
                   (row->type == OPTION_SAME ||
                    !options_value_is_absent(row, options_field(place, row)))) {
            put_member(object, name, print_row(options, row, place));
        }
    }
    return object;
}

static int on_dumped(const char *text, size_t len, void *data)
{
    buf_append(data, text, len);
    return 0;
}

void options_print_json(const struct options *options, struct buf *out)
{
    const struct options_place root = {options->base, 0, 0};
    json_t *json = print_object(options, STR(""), STR(""), &root);
    int code = json_dump_callback(json, on_dumped, out, JSON_INDENT(2));
    assert(code == 0);
    (void)code;
    buf_append_byte(out, '\n');
    json_decref(json);
}
