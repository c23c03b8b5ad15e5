/* SPDX-License-Identifier: MIT
 *
 * What the files of common/options_*.c share with each other and with nobody else.
 */
#pragma once

#include "common/options.h"
#include "common/options_nearest.h"

/* Where values come from just now, for errors and for relative paths. */
struct options_source {
    struct options *options;
    const char *label;  /* "sluice.json", "SLUICE_LOG_LEVEL", "--set" */
    const char *folder; /* OPTION_PATH is relative to it; NULL: taken as it is */
    struct buf shown;   /* the option's path with indices: "gateway.listen[1].url" */
};

/* An object in memory whose rows have offsets: field = base + (row->offset - skip). */
struct options_place {
    void *base;
    size_t skip;
    unsigned scope; /* bit of the OPTION_SAME this is; 0: none */
};

/* options.c */
void options_source_finish(struct options_source *source);
void *options_field(const struct options_place *place, const struct option *row);
size_t *options_list_count(const struct options_place *place, const struct option *row);
bool options_is_list(const struct option *row);
const struct option *options_find(const struct options *options, struct str path);
bool options_is_group(const struct options *options, struct str path);

/* The row's path without its last name, and that name. */
struct str options_row_group(const struct option *row);
struct str options_row_name(const struct option *row);

/* What follows "group." in the row's path ("limits.headers" in "gateway"); absent: not in there. */
struct str options_rest_in_group(const struct option *row, struct str group);

/* The row lives in the struct that `owner` names: "" for the root, "gateway.endpoints[]". */
bool options_row_is_of(const struct option *row, struct str owner);

/* Defaults of all rows of `owner` into an object that is zeroed; and the reverse. */
void options_object_init(struct options *options, struct str owner,
                         const struct options_place *place);
void options_object_finish(const struct options *options, struct str owner,
                           const struct options_place *place);
void options_row_finish(const struct options *options, const struct option *row,
                        const struct options_place *place); /* frees the value, leaves it absent */
void options_env_name(const struct options *options, const struct option *row, struct buf *out);

/* options_error.c: one line "label: shown: message"; control bytes are made visible. */
__attribute__((format(printf, 2, 3))) void options_error(const struct options_source *source,
                                                         const char *format, ...);

/* "expected …, got …". `got` is text as written there, or a description when `is_quoted` is false. */
void options_error_value(const struct options_source *source, const struct option *row,
                         struct str got, bool is_quoted);
void options_error_unknown(const struct options_source *source, struct str group, struct str name);

/* options_units.c: false when it is no such thing or more than 2^64 - 1. */
bool options_parse_size(struct str text, uint64_t *out_bytes);
bool options_parse_duration(struct str text, uint64_t *out_ms);
void options_format_size(uint64_t bytes, struct buf *out);
void options_format_duration(uint64_t ms, struct buf *out);

/* options_value.c: one scalar (not a list, not an object) to and from text. */
bool options_value_set(const struct options_source *source, const struct option *row, void *field,
                       struct str text);
void options_value_put(const struct option *row, const void *field, struct buf *out);
bool options_value_is_absent(const struct option *row, const void *field);
void options_value_expected(const struct option *row, struct buf *out);
void options_bound_put(const struct option *row, uint64_t bound, struct buf *out);

/* options_json.c: a list written as JSON, from the environment, the command line or a default. */
void options_json_set(struct options_source *source, const struct option *row,
                      const struct options_place *place, struct str json);
