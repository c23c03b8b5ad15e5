/* SPDX-License-Identifier: MIT
 *
 * What is wrong with a configuration, as lines a person can act on: where, what was expected, what
 * stood there, and the name that was probably meant.
 */
#include <stdarg.h>
#include <stdio.h>

#include "common/mem.h"
#include "common/options_internal.h"

#define GOT_BYTES_MAX 80   /* of a wrong value or name, in an error */
#define KNOWN_NAMES_MAX 24 /* listed when no name is near */

/* Text from files and environments goes to a terminal: no control byte passes. */
static void append_visible(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = (uint8_t)text.at[i];
        if (byte < 0x20 || byte == 0x7f) {
            buf_append_format(out, "\\x%02x", byte);
        } else {
            buf_append_byte(out, byte);
        }
    }
}

/* Cut between characters, not inside one. */
static struct str cut(struct str text, const char **out_rest)
{
    *out_rest = "";
    if (text.len > GOT_BYTES_MAX) {
        *out_rest = "…";
        text.len = GOT_BYTES_MAX;
        while (text.len > 0 && ((uint8_t)text.at[text.len] & 0xc0) == 0x80) {
            text.len--;
        }
    }
    return text;
}

__attribute__((format(printf, 4, 0))) static void append_line(struct options *options,
                                                              const char *label, struct str path,
                                                              const char *format, va_list arguments)
{
    if (options->error_count++ >= OPTIONS_ERRORS_SHOWN) {
        return;
    }
    char message[2048];
    const char *rest;
    int len = vsnprintf(message, sizeof(message), format, arguments);
    size_t shown = len < 0 ? 0 : (size_t)len;
    if (shown >= sizeof(message)) {
        shown = sizeof(message) - 1;
    }
    struct buf *out = &options->errors;
    if (label != NULL) {
        append_visible(out, str_of(label));
        buf_append_text(out, ": ");
    }
    if (path.len > 0) {
        append_visible(out, cut(path, &rest));
        buf_append_format(out, "%s: ", rest);
    }
    append_visible(out, (struct str){message, shown});
    buf_append_byte(out, '\n');
}

void options_error(const struct options_source *source, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    append_line(source->options, source->label, buf_str(&source->shown), format, arguments);
    va_end(arguments);
}

void options_fail(struct options *options, const char *path, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    append_line(options, NULL, str_of(path), format, arguments);
    va_end(arguments);
}

static struct str nearest_word(const struct option *row, struct str got)
{
    struct options_nearest nearest;
    struct str rest = str_of(row->words), word;
    options_nearest_init(&nearest, got);
    while (str_next(&rest, '|', &word)) {
        options_nearest_offer(&nearest, word);
    }
    return nearest.best;
}

void options_error_value(const struct options_source *source, const struct option *row,
                         struct str got, bool is_quoted)
{
    struct buf line = {0};
    const char *quote = is_quoted ? "\"" : "", *rest;
    options_value_expected(row, &line);
    struct str shown = cut(got, &rest);
    if ((row->flags & OPTION_SECRET) != 0) {
        shown = STR("something else");
        quote = rest = "";
    }
    buf_append_format(&line, ", got %s%.*s%s%s", quote, (int)shown.len, shown.at, rest, quote);
    if (row->type == OPTION_WORD && is_quoted) {
        struct str meant = nearest_word(row, got);
        if (meant.at != NULL) {
            buf_append_format(&line, "; did you mean \"%.*s\"?", (int)meant.len, meant.at);
        }
    }
    options_error(source, "expected %.*s", (int)line.len, (const char *)line.data);
    buf_finish(&line);
}

/* The next name behind "group." in a row's path; absent when the row is elsewhere. */
static struct str name_in_group(const struct option *row, struct str group)
{
    struct str rest = options_rest_in_group(row, group);
    return (struct str){rest.at, rest.at == NULL ? 0 : strcspn(rest.at, ".[")};
}

/* "known here: a, b, c"; rows of one group stand together, so a repeat is a neighbour. */
static void append_known(const struct options *options, struct str group, struct buf *out)
{
    struct str last = {NULL, 0};
    size_t count = 0;
    for (size_t i = 0; i < options->row_count; i++) {
        struct str name = name_in_group(&options->rows[i], group);
        if (name.at == NULL || str_equal(name, last)) {
            continue;
        }
        if (++count > KNOWN_NAMES_MAX) {
            buf_append_text(out, ", …");
            return;
        }
        buf_append_text(out, count == 1 ? "; known here: " : ", ");
        buf_append_str(out, name);
        last = name;
    }
}

/* A row elsewhere whose last name is just this one: somebody took the wrong room. */
static const struct option *find_elsewhere(const struct options *options, struct str name)
{
    for (size_t i = 0; i < options->row_count; i++) {
        if (str_equal(options_row_name(&options->rows[i]), name)) {
            return &options->rows[i];
        }
    }
    return NULL;
}

void options_error_unknown(const struct options_source *source, struct str group, struct str name)
{
    const struct options *options = source->options;
    struct options_nearest nearest;
    struct buf hint = {0};
    options_nearest_init(&nearest, name);
    for (size_t i = 0; i < options->row_count; i++) {
        struct str known = name_in_group(&options->rows[i], group);
        if (known.at != NULL) {
            options_nearest_offer(&nearest, known);
        }
    }
    const struct option *elsewhere = find_elsewhere(options, name);
    if (nearest.best.at != NULL) {
        buf_append_format(&hint, "; did you mean \"%.*s\"?", (int)nearest.best.len,
                          nearest.best.at);
    } else if (elsewhere != NULL) {
        buf_append_format(&hint, "; did you mean \"%s\"?", elsewhere->path);
    } else {
        append_known(options, group, &hint);
    }
    options_error(source, "unknown option%.*s", (int)hint.len, (const char *)hint.data);
    buf_finish(&hint);
}
