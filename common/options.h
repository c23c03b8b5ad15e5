/* SPDX-License-Identifier: MIT
 *
 * Options from one table: a row says an option's path, type, default, bounds and meaning, and where its
 * value lives in a struct. Reading, errors, defaults, help and documentation all walk the same rows.
 *
 *   options_init() applies the defaults; options_read_file(), options_read_environment() and
 *   options_set() each lay a source over what is there (a list replaces a list);
 *   each wrong value adds a line to `errors` (option's path, what was expected) and changes nothing;
 *   options_print_json(), options_print_help() and options_print_markdown() write what the table knows.
 *
 * A path is names joined by dots; `name[]` stands for any element of a list of objects. Rows whose path
 * continues `name[].` have their offset in the element's struct, all others in the root struct.
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
    OPTION_WORD,     /* an enum with the values 0, 1, 2 in the order of `words` */
    OPTION_TEXT,     /* char *, owned; NULL when absent */
    OPTION_PATH,     /* the same; in a file it is relative to that file */
    OPTION_TEXTS,    /* char **, owned, and a count */
    OPTION_NUMBERS,  /* uint32_t *, owned, and a count */
    OPTION_OBJECTS,  /* elements of `item_size`, owned, and a count */
    OPTION_SAME,     /* an object with the options of the object named `words`, which begins at
                        `same_offset`; counts and sizes not given are OPTION_UNSET */
};

enum option_choice { CHOICE_ABSENT, CHOICE_NO, CHOICE_YES };

#define OPTION_UNSET SIZE_MAX

/* For option::flags. */
enum {
    OPTION_SECRET = 1,      /* never printed, never taken from the command line */
    OPTION_ZERO_IS_OFF = 2, /* zero is right although it is below `min` */
    OPTION_REQUIRED = 4,    /* of an element: must be given */
    OPTION_SCOPE_SHIFT = 8, /* bits from here on: see `scopes` */
};

struct option {
    const char *path;
    enum option_type type;
    size_t offset;
    const char *fallback;      /* default as environment text; NULL: absent */
    const char *fallback_note; /* what absent means, for help; NULL: the fallback says it */
    uint64_t min;              /* of the value; of a text or path: bytes; of a list: elements */
    uint64_t max;
    const char *words;    /* OPTION_WORD: "debug|info"; OPTION_SAME: the other object's path */
    const char *item_key; /* OPTION_OBJECTS: a text in the list stands for {item_key: text} */
    size_t count_offset;  /* lists: size_t count */
    size_t item_size;     /* OPTION_OBJECTS */
    size_t same_offset;   /* OPTION_SAME */
    unsigned scopes;      /* which OPTION_SAME objects may have this row; of OPTION_SAME: its bit */
    unsigned flags;       /* OPTION_SECRET and the like */
    unsigned programs;    /* who reads it: bits of the caller's */
    const char *meaning;  /* what it is, then what happens beyond it. */
    /* Texts, and each text of a list: NULL when right, else what was expected. */
    const char *(*check)(const char *text);
};

struct options {
    const struct option *rows; /* borrowed */
    size_t row_count;
    void *base;             /* the root struct, borrowed */
    const char *env_prefix; /* "SLUICE_" */
    struct buf errors;      /* lines "source: path: what is wrong", each with a newline */
    struct buf warnings;    /* lines like these; nothing was refused */
    size_t error_count;
};
