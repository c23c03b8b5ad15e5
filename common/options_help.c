/* SPDX-License-Identifier: MIT
 *
 * The table for people: as text for a terminal, as Markdown for docs/configuration.md.
 *
 * Rows of one group (their path without the last name) stand together under its name. Element rows
 * come under the list's path with "[]".
 */
#include <stdio.h>

#include "common/mem.h"
#include "common/options_internal.h"

#define HELP_COLUMNS 96
#define HELP_INDENT 6

static void put_default(const struct option *row, struct buf *out)
{
    if (row->fallback != NULL) {
        buf_append_text(out, row->fallback);
    } else if (row->type == OPTION_SAME) {
        buf_append_text(out, "inherited");
    } else if ((row->flags & OPTION_REQUIRED) != 0) {
        buf_append_text(out, "must be given");
    } else if (row->fallback_note != NULL) {
        buf_append_text(out, row->fallback_note);
    } else {
        buf_append_text(out, "none");
    }
}

/* "1KiB to 1GiB", the words, or nothing for what has neither. */
static void put_bounds(const struct option *row, struct buf *out)
{
    struct str rest = str_of(row->words), word;
    const char *separator = "";
    switch (row->type) {
    case OPTION_WORD:
        while (str_next(&rest, '|', &word)) {
            buf_append_text(out, separator);
            buf_append_str(out, word);
            separator = ", ";
        }
        break;
    case OPTION_COUNT:
    case OPTION_SIZE:
    case OPTION_DURATION:
        options_bound_put(row, row->min, out);
        buf_append_text(out, " to ");
        options_bound_put(row, row->max, out);
        if ((row->flags & OPTION_ZERO_IS_OFF) != 0) {
            buf_append_text(out, ", or ");
            options_bound_put(row, 0, out);
        }
        break;
    case OPTION_BOOL:
    case OPTION_CHOICE:
        buf_append_text(out, "true, false");
        break;
    case OPTION_SAME:
        buf_append_format(out, "as %s", row->words);
        break;
    default:
        buf_append_format(out, "%u to %u %s", (unsigned)row->min, (unsigned)row->max,
                          options_is_list(row) ? "elements" : "bytes");
    }
}

/* "Also in gateway.endpoints[].limits." for what other objects may say too. */
static void put_meaning(const struct options *options, const struct option *row, struct buf *out)
{
    const char *separator = " Also in ";
    buf_append_text(out, row->meaning);
    for (size_t i = 0; i < options->row_count; i++) {
        const struct option *same = &options->rows[i];
        if (same->type == OPTION_SAME && (same->scopes & row->scopes) != 0 &&
            str_equal(options_row_group(row), str_of(same->words))) {
            buf_append_format(out, "%s`%s`", separator, same->path);
            separator = " and ";
        }
    }
    if (strcmp(separator, " and ") == 0) {
        buf_append_byte(out, '.');
    }
}

/* Broken between words. */
static void put_wrapped(struct str text, struct buf *out)
{
    struct str rest = text, word;
    size_t column = 0;
    while (str_next(&rest, ' ', &word)) {
        if (column > 0 && column + 1 + word.len > HELP_COLUMNS) {
            buf_append_byte(out, '\n');
            column = 0;
        }
        if (column == 0) {
            buf_append_format(out, "%*s", HELP_INDENT, "");
            column = HELP_INDENT;
        } else {
            buf_append_byte(out, ' ');
            column++;
        }
        buf_append_str(out, word);
        column += word.len;
    }
    buf_append_byte(out, '\n');
}

static void put_help_row(const struct options *options, const struct option *row, struct buf *out)
{
    struct buf meaning = {0};
    struct str name = options_row_name(row);
    bool has_default = (row->flags & OPTION_REQUIRED) == 0;
    buf_append_format(out, "  %.*s (%s", (int)name.len, name.at, has_default ? "default: " : "");
    put_default(row, out);
    buf_append_text(out, "; ");
    put_bounds(row, out);
    buf_append_text(out, ")\n");
    put_meaning(options, row, &meaning);
    put_wrapped(buf_str(&meaning), out);
    buf_finish(&meaning);
}

void options_print_help(const struct options *options, unsigned programs, struct buf *out)
{
    struct str last = {NULL, 0};
    for (size_t i = 0; i < options->row_count; i++) {
        const struct option *row = &options->rows[i];
        struct str group = options_row_group(row);
        if ((row->programs & programs) == 0) {
            continue;
        }
        if (!str_equal(group, last)) {
            buf_append_format(out, "\n%.*s\n", (int)group.len, group.at);
            last = group;
        }
        put_help_row(options, row, out);
    }
}

/* A cell: "|" would end it, "<" would begin a tag. */
static void put_cell(struct str text, struct buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '|') {
            buf_append_text(out, "\\|");
        } else if (text.at[i] == '<') {
            buf_append_text(out, "&lt;");
        } else {
            buf_append_byte(out, (uint8_t)text.at[i]);
        }
    }
}

static void put_markdown_name(const struct options *options, const struct option *row,
                              struct buf *out)
{
    struct str name = options_row_name(row);
    buf_append_format(out, "| `%.*s`", (int)name.len, name.at);
    if (strchr(row->path, '[') == NULL) {
        buf_append_text(out, "<br>`");
        options_env_name(options, row, out);
        buf_append_byte(out, '`');
    }
    buf_append_text(out, " | ");
}

static void put_markdown_row(const struct options *options, const struct option *row,
                             const char *const *program_names, struct buf *out)
{
    struct buf cell = {0};
    const char *separator = "";
    put_markdown_name(options, row, out);
    put_default(row, &cell);
    const char *quote = row->fallback != NULL ? "`" : "";
    buf_append_format(out, "%s%.*s%s | ", quote, (int)cell.len, (const char *)cell.data, quote);
    cell.len = 0;
    put_bounds(row, &cell);
    put_cell(buf_str(&cell), out);
    buf_append_text(out, " | ");
    for (unsigned bit = 0; program_names[bit] != NULL; bit++) {
        if ((row->programs & (1u << bit)) != 0) {
            buf_append_format(out, "%s%s", separator, program_names[bit]);
            separator = ", ";
        }
    }
    buf_append_text(out, " | ");
    cell.len = 0;
    put_meaning(options, row, &cell);
    put_cell(buf_str(&cell), out);
    buf_append_text(out, " |\n");
    buf_finish(&cell);
}

void options_print_markdown(const struct options *options, const char *const *program_names,
                            struct buf *out)
{
    struct str last = {NULL, 0};
    for (size_t i = 0; i < options->row_count; i++) {
        const struct option *row = &options->rows[i];
        struct str group = options_row_group(row);
        if (!str_equal(group, last)) {
            buf_append_format(out, "\n## %.*s\n\n", (int)group.len, group.at);
            buf_append_text(out, "| option | default | values | read by | meaning |\n"
                                 "|---|---|---|---|---|\n");
            last = group;
        }
        put_markdown_row(options, row, program_names, out);
    }
}
