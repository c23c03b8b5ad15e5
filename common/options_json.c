/* SPDX-License-Identifier: MIT
 *
 * JSON read by the table: a whole file, or a list from the environment or the command line.
 *
 *   options_read_file() -> read_object() walks the members: each names a row (read_row()), a group of
 *   rows (walk on), or nothing we know (an error with the nearest name);
 *   a scalar is checked for its JSON type here and then goes the way of all text, options_value_set();
 *   a list is built aside and takes the old one's place only when all of it is right.
 *
 * This and options_print.c alone name jansson. Twice the same name in an object is an error. How deep we follow is
 * bounded by the table: what it does not know is not entered.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "common/options_internal.h"

#define FILE_BYTES_MAX (4u << 20) /* a larger file is refused */

static void read_row(struct options_source *source, const struct option *row,
                     const struct options_place *place, json_t *json);

/* "the number 25": what stood there instead. A text is shown as it is, in quotes. */
static void fail_type(struct options_source *source, const struct option *row, json_t *json)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "a list", [JSON_TRUE] = "true",
        [JSON_FALSE] = "false",      [JSON_NULL] = "null",
    };
    bool needs_unit = row->type == OPTION_SIZE || row->type == OPTION_DURATION;
    const char *number = needs_unit ? "bare number" : "number";
    struct buf got = {0};
    if (json_is_string(json)) {
        options_error_value(source, row, str_of(json_string_value(json)), true);
        return;
    }
    if (json_is_integer(json)) {
        buf_append_format(&got, "the %s %" JSON_INTEGER_FORMAT, number, json_integer_value(json));
    } else if (json_is_real(json)) {
        buf_append_format(&got, "the %s %g", number, json_real_value(json));
    } else {
        buf_append_text(&got, names[json_typeof(json)]);
    }
    options_error_value(source, row, buf_str(&got), false);
    buf_finish(&got);
}

static int on_dumped(const char *text, size_t len, void *data)
{
    buf_append(data, text, len);
    return 0;
}

/* The scalar as the environment would say it; false when its JSON type is wrong. */
static bool scalar_text(const struct option *row, json_t *json, struct buf *out)
{
    switch (row->type) {
    case OPTION_BOOL:
    case OPTION_CHOICE:
        buf_append_text(out, json_is_true(json) ? "true" : "false");
        return json_is_boolean(json);
    case OPTION_COUNT:
        if (!json_is_integer(json) || json_integer_value(json) < 0) {
            return false;
        }
        buf_append_u64(out, (uint64_t)json_integer_value(json));
        return true;
    case OPTION_JSON:
        return json_dump_callback(json, on_dumped, out, JSON_COMPACT | JSON_ENCODE_ANY) == 0;
    default:
        if (!json_is_string(json)) {
            return false;
        }
        buf_append(out, json_string_value(json), json_string_length(json));
        return true;
    }
}

static void read_scalar(struct options_source *source, const struct option *row,
                        const struct options_place *place, json_t *json)
{
    struct buf text = {0};
    if (!scalar_text(row, json, &text)) {
        fail_type(source, row, json);
    } else {
        bool is_right = options_value_set(source, row, options_field(place, row), buf_str(&text));
        (void)is_right; /* it has added an error if not */
    }
    buf_finish(&text);
}

/* The row exists in the object that this one is the same as, but not here. */
static void fail_scope(struct options_source *source, const struct option *row)
{
    const struct options *options = source->options;
    struct buf places = {0};
    buf_append_str(&places, options_row_group(row));
    for (size_t i = 0; i < options->row_count; i++) {
        const struct option *same = &options->rows[i];
        if (same->type == OPTION_SAME && (same->scopes & row->scopes) != 0 &&
            str_equal(options_row_group(row), str_of(same->words))) {
            buf_append_format(&places, ", %s", same->path);
        }
    }
    options_error(source, "cannot be set here, only in %.*s", (int)places.len,
                  (const char *)places.data);
    buf_finish(&places);
}

/* Known name, known group, or neither. `group` is the path in the table, `shown` what the user sees. */
static void read_member(struct options_source *source, struct str group, const char *name,
                        const struct options_place *place, json_t *json)
{
    struct options *options = source->options;
    struct buf path = {0};
    size_t shown = source->shown.len;
    buf_append_str(&path, group);
    buf_append_text(&path, group.len == 0 ? "" : ".");
    buf_append_text(&path, name);
    buf_append_text(&source->shown, shown == 0 ? "" : ".");
    buf_append_text(&source->shown, name);
    const struct option *row = options_find(options, buf_str(&path));
    if (row != NULL && place->scope != 0 && (row->scopes & place->scope) == 0) {
        fail_scope(source, row);
    } else if (row != NULL) {
        read_row(source, row, place, json);
    } else if (!options_is_group(options, buf_str(&path))) {
        options_error_unknown(source, group, str_of(name));
    } else if (!json_is_object(json)) {
        fail_type(source, &(struct option){.type = OPTION_SAME}, json);
    } else {
        const char *key;
        json_t *value;
        json_object_foreach(json, key, value)
        {
            read_member(source, buf_str(&path), key, place, value);
        }
    }
    source->shown.len = shown;
    buf_finish(&path);
}

static void read_object(struct options_source *source, struct str group,
                        const struct options_place *place, json_t *json)
{
    const char *key;
    json_t *value;
    json_object_foreach(json, key, value)
    {
        read_member(source, group, key, place, value);
    }
}

static void fail_missing(struct options_source *source, struct str owner, json_t *json)
{
    const struct options *options = source->options;
    for (size_t i = 0; i < options->row_count; i++) {
        const struct option *row = &options->rows[i];
        if ((row->flags & OPTION_REQUIRED) != 0 && options_row_is_of(row, owner) &&
            json_object_get(json, options_row_name(row).at) == NULL) {
            options_error(source, "\"%s\" is missing", options_row_name(row).at);
        }
    }
}

/* One element of a list of objects, into zeroed memory. */
static void read_element(struct options_source *source, const struct option *row, void *item,
                         json_t *json)
{
    struct options_place place = {item, 0, 0};
    struct buf owner = {0};
    buf_append_format(&owner, "%s[]", row->path);
    options_object_init(source->options, buf_str(&owner), &place);
    if (json_is_string(json) && row->item_key != NULL) {
        struct buf path = {0};
        buf_append_format(&path, "%s[].%s", row->path, row->item_key);
        read_row(source, options_find(source->options, buf_str(&path)), &place, json);
        buf_finish(&path);
    } else if (!json_is_object(json)) {
        const struct option object = {.type = OPTION_SAME, .item_key = row->item_key};
        fail_type(source, &object, json);
    } else {
        fail_missing(source, buf_str(&owner), json);
        read_object(source, buf_str(&owner), &place, json);
    }
    buf_finish(&owner);
}

static void read_text_item(struct options_source *source, const struct option *row, char **item,
                           json_t *json)
{
    const char *wrong = NULL;
    if (json_is_string(json) && row->check != NULL) {
        wrong = row->check(json_string_value(json));
    }
    if (!json_is_string(json)) {
        options_error(source, "expected a text");
    } else if (wrong != NULL) {
        options_error(source, "%s, got \"%s\"", wrong, json_string_value(json));
    } else {
        *item = mem_strdup(json_string_value(json));
    }
}

static void read_number_item(struct options_source *source, uint32_t *item, json_t *json)
{
    if (!json_is_integer(json) || json_integer_value(json) < 0 ||
        json_integer_value(json) > UINT32_MAX) {
        options_error(source, "expected a whole number from 0 to %" PRIu32, UINT32_MAX);
        return;
    }
    *item = (uint32_t)json_integer_value(json);
}

static size_t list_item_size(const struct option *row)
{
    switch (row->type) {
    case OPTION_TEXTS:
        return sizeof(char *);
    case OPTION_NUMBERS:
        return sizeof(uint32_t);
    default:
        return row->item_size;
    }
}

static void read_item(struct options_source *source, const struct option *row, char *items,
                      size_t index, json_t *json)
{
    void *item = items + index * list_item_size(row);
    size_t shown = source->shown.len;
    buf_append_format(&source->shown, "[%zu]", index);
    if (row->type == OPTION_TEXTS) {
        read_text_item(source, row, item, json);
    } else if (row->type == OPTION_NUMBERS) {
        read_number_item(source, item, json);
    } else {
        read_element(source, row, item, json);
    }
    source->shown.len = shown;
}

/* The new list is made aside and swapped in when it is right. */
static void read_list(struct options_source *source, const struct option *row,
                      const struct options_place *place, json_t *json)
{
    size_t count = json_array_size(json), errors = source->options->error_count;
    if (!json_is_array(json)) {
        fail_type(source, row, json);
        return;
    }
    if (count < row->min || count > row->max) {
        struct buf got = {0};
        buf_append_format(&got, "a list of %zu", count);
        options_error_value(source, row, buf_str(&got), false);
        buf_finish(&got);
        return;
    }
    struct {
        char *items;
        size_t count;
    } fresh = {mem_zalloc_array(count + 1, list_item_size(row)), count};
    for (size_t i = 0; i < count; i++) {
        read_item(source, row, fresh.items, i, json_array_get(json, i));
    }
    if (source->options->error_count == errors) {
        char **items = options_field(place, row);
        options_row_finish(source->options, row, place);
        *items = fresh.items;
        *options_list_count(place, row) = count;
    } else {
        struct option alone = *row;
        alone.offset = 0;
        alone.count_offset = sizeof(char *);
        struct options_place aside = {&fresh, 0, 0};
        options_row_finish(source->options, &alone, &aside);
    }
}

static void read_row(struct options_source *source, const struct option *row,
                     const struct options_place *place, json_t *json)
{
    if (options_is_list(row)) {
        read_list(source, row, place, json);
    } else if (row->type != OPTION_SAME) {
        read_scalar(source, row, place, json);
    } else if (!json_is_object(json)) {
        fail_type(source, row, json);
    } else {
        struct options_place inner = {options_field(place, row), row->same_offset, row->scopes};
        read_object(source, str_of(row->words), &inner, json);
    }
}

void options_json_set(struct options_source *source, const struct option *row,
                      const struct options_place *place, struct str json)
{
    json_error_t error;
    json_t *value = json_loadb(json.at, json.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (value == NULL) {
        options_error(source, "expected JSON, at column %d: %s", error.column, error.text);
        return;
    }
    read_row(source, row, place, value);
    json_decref(value);
}

static bool is_blank(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (memchr(" \t\r\n", text.at[i], 4) == NULL) {
            return false;
        }
    }
    return true;
}

void options_read_json(struct options *options, struct str json, const char *label,
                       const char *folder)
{
    struct options_source source = {.options = options, .label = label, .folder = folder};
    const struct options_place root = {options->base, 0, 0};
    json_error_t error;
    if (str_starts(json, STR("\xef\xbb\xbf"))) { /* a byte order mark, as some editors write */
        json.at += 3;
        json.len -= 3;
    }
    if (is_blank(json)) {
        return;
    }
    json_t *value = json_loadb(json.at, json.len, JSON_REJECT_DUPLICATES, &error);
    if (value == NULL) {
        options_error(&source, "line %d, column %d: %s", error.line, error.column, error.text);
    } else if (!json_is_object(value)) {
        options_error(&source, "expected an object at the top, got a list");
    } else {
        read_object(&source, STR(""), &root, value);
    }
    json_decref(value);
    options_source_finish(&source);
}

/* 0, or errno. One byte beyond the limit is read to tell that there is more. */
static int read_whole(const char *path, struct buf *out)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return errno;
    }
    size_t got;
    do {
        got = fread(buf_reserve(out, 65536), 1, 65536, file);
        out->len += got;
    } while (got > 0 && out->len <= FILE_BYTES_MAX);
    int code = ferror(file) ? errno : out->len > FILE_BYTES_MAX ? EFBIG : 0;
    (void)fclose(file);
    return code;
}

void options_read_file(struct options *options, const char *path)
{
    struct buf text = {0};
    const char *slash = strrchr(path, '/');
    char *folder = slash == NULL ? NULL : mem_strndup(path, (size_t)(slash - path));
    int code = read_whole(path, &text);
    if (code != 0) {
        struct options_source source = {.options = options, .label = path};
        options_error(&source, "cannot be read: %s", strerror(code));
    } else {
        options_read_json(options, buf_str(&text), path, folder);
    }
    mem_free(folder);
    buf_finish(&text);
}
