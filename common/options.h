/* SPDX-License-Identifier: MIT
 *
 * Options from one table: a row says an option's path, type, default, bounds and meaning, and where its
 * value lives in a struct. Reading, errors, defaults, help and documentation all walk the same rows.
 *
 *   options_init() applies the defaults; options_read_file(), options_read_environment() and
 *   options_set() each lay a source over what is there: a list replaces a list, objects are merged;
 *   each wrong value adds a line to `errors` (source, option's path, what was expected) and changes
 *   nothing, so that one run shows all that is wrong;
 *   options_resolve() fills what elements of lists inherit, once every source has been read;
 *   options_print_*() write what the table and the struct say.
 *
 * A path is names joined by dots; `name[]` stands for any element of a list of objects. Rows whose path
 * continues `name[].` have their offset in the element's struct, all others in the root struct.
 * Adding an option is adding its row and its field.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"

enum option_type {
    OPTION_BOOL,     /* bool */
    OPTION_CHOICE,   /* enum option_choice: a bool that may be absent */
    OPTION_COUNT,    /* size_t */
    OPTION_SIZE,     /* size_t, bytes: "64KiB" */
    OPTION_DURATION, /* uint64_t, milliseconds: "25s" */
    OPTION_WORD,     /* an enum with the values 0, 1, 2, … in the order of `words` */
    OPTION_TEXT,     /* char *, owned; NULL when absent */
    OPTION_PATH,     /* the same; in a file it is relative to that file's folder */
    OPTION_JSON,     /* a text that is any JSON value, written compactly; `check` judges it */
    OPTION_TEXTS,    /* char **, owned, and a count; NULL when absent */
    OPTION_NUMBERS,  /* uint32_t *, owned, and a count */
    OPTION_OBJECTS,  /* elements of `item_size`, owned, and a count */
    OPTION_SAME, /* an object with counts and sizes of the root's object named `words`; what it does
                        not give is OPTION_UNSET until options_resolve() */
};

enum option_choice { CHOICE_ABSENT, CHOICE_NO, CHOICE_YES };

#define OPTION_UNSET SIZE_MAX
#define OPTIONS_ERRORS_SHOWN 20 /* more are counted, not written */

/* option::flags */
enum {
    OPTION_SECRET = 1,      /* never printed, never taken from the command line */
    OPTION_ZERO_IS_OFF = 2, /* zero is right although it is below `min` */
    OPTION_REQUIRED = 4,    /* an element of a list must give it */
};

struct option {
    const char *path;
    enum option_type type;
    size_t offset;
    const char *fallback;      /* default, written as in the environment; NULL: absent */
    const char *fallback_note; /* for help: what being absent means */
    uint64_t min; /* of the value; of a text or path its bytes; of a list its elements */
    uint64_t max;
    const char *words;    /* OPTION_WORD: "debug|info"; OPTION_SAME: the other object's path */
    const char *item_key; /* OPTION_OBJECTS: a text in the list stands for {item_key: text} */
    size_t count_offset;  /* of lists: where the size_t count is */
    size_t item_size;     /* OPTION_OBJECTS */
    size_t same_offset;   /* OPTION_SAME: where the other object begins in the root struct */
    unsigned scopes; /* OPTION_SAME: its bit; rows of the other object: where else they may stand */
    unsigned flags;  /* OPTION_SECRET and the like */
    unsigned programs;   /* who reads it: bits of the caller's choice */
    const char *meaning; /* what it is, then what happens beyond it */
    /* Of a text, or of each text in a list: NULL when right, else what is wrong ("expected …"). */
    const char *(*check)(const char *text);
};

struct options {
    const struct option *rows; /* borrowed */
    size_t row_count;
    void *base; /* the root struct, borrowed; its values are freed by options_finish() */
    const char *env_prefix; /* "SLUICE_" */
    struct buf errors;      /* owned: lines "source: path: what is wrong" */
    size_t error_count;
};

/* Zeroes nothing but the fields that have rows; the caller zeroes the root struct. */
void options_init(struct options *options, const struct option *rows, size_t row_count, void *base,
                  const char *env_prefix);
void options_finish(struct options *options); /* the errors, and all values of the root struct */

/* An empty file is an empty object. */
void options_read_file(struct options *options, const char *path);

/* The same from memory: `label` stands for the file in errors; paths are relative to `folder`. */
void options_read_json(struct options *options, struct str json, const char *label,
                       const char *folder);

/* `environment` as in environ(7). An empty variable counts as not set. */
void options_read_environment(struct options *options, char **environment);

/* "broker.socket=/run/s", from the command line. */
void options_set(struct options *options, const char *assignment);

/* Every OPTION_SAME object gets from the root's object what it did not give itself. */
void options_resolve(struct options *options);

/* Adds the line "path: what is wrong" for a rule that one row cannot express. */
__attribute__((format(printf, 3, 4))) void options_fail(struct options *options, const char *path,
                                                        const char *format, ...);

/* The values as one file, secrets hidden, what is absent left out; before options_resolve(). */
void options_print_json(const struct options *options, struct buf *out);

/* The rows that `programs` read, in groups; the root struct is not looked at. */
void options_print_help(const struct options *options, unsigned programs, struct buf *out);

/* All rows as Markdown tables; `program_names` in the order of the bits of option::programs. */
void options_print_markdown(const struct options *options, const char *const *program_names,
                            struct buf *out);
