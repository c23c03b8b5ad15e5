/* SPDX-License-Identifier: MIT
 *
 * A borrowed run of bytes: pointer and length, not NUL-terminated, may hold any byte.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct str {
    const char *at; /* NULL means absent; {"" , 0} means present and empty */
    size_t len;
};

/* For string literals only. */
#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})

static inline struct str str_of(const char *text)
{
    return (struct str){text, text == NULL ? 0 : strlen(text)};
}

static inline bool str_equal(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

/* ASCII case folded. */
bool str_equal_nocase(struct str a, struct str b);

static inline bool str_starts(struct str text, struct str prefix)
{
    return text.len >= prefix.len &&
           (prefix.len == 0 || memcmp(text.at, prefix.at, prefix.len) == 0);
}

/* Decimal digits only, no sign, no spaces, not empty, at most `max`. False leaves *out_value as is. */
bool str_to_u64(struct str text, unsigned long long max, unsigned long long *out_value);

/* Without leading and trailing spaces and tabs. */
struct str str_trim(struct str text);

/* Takes the part before the next `separator` off *rest; false when nothing is left (an empty text
 * has no parts; "a," has "a" and ""). */
bool str_next(struct str *rest, char separator, struct str *out_part);
