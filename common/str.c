/* SPDX-License-Identifier: MIT
 *
 * A borrowed run of bytes: comparison, numbers, trimming, splitting.
 */
#include "common/str.h"

static char fold_case(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool str_equal_nocase(struct str a, struct str b)
{
    if (a.len != b.len) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        if (fold_case(a.at[i]) != fold_case(b.at[i])) {
            return false;
        }
    }
    return true;
}

bool str_to_u64(struct str text, unsigned long long max, unsigned long long *out_value)
{
    unsigned long long value = 0;
    if (text.len == 0) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9') {
            return false;
        }
        unsigned digit = (unsigned)(text.at[i] - '0');
        if (digit > max || value > (max - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *out_value = value;
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct str str_trim(struct str text)
{
    while (text.len > 0 && is_blank(text.at[0])) {
        text.at++;
        text.len--;
    }
    while (text.len > 0 && is_blank(text.at[text.len - 1])) {
        text.len--;
    }
    return text;
}

/* Behind a trailing separator one empty part is still to come; its rest points here, which tells it
 * from an empty text. */
static const char last_empty_part[1];

bool str_next(struct str *rest, char separator, struct str *out_part)
{
    if (rest->len == 0 && rest->at != last_empty_part) {
        return false;
    }
    const char *found = rest->len == 0 ? NULL : memchr(rest->at, separator, rest->len);
    if (found == NULL) {
        *out_part = *rest;
        *rest = (struct str){NULL, 0};
        return true;
    }
    size_t len = (size_t)(found - rest->at);
    *out_part = (struct str){rest->at, len};
    *rest = (struct str){found + 1, rest->len - len - 1};
    if (rest->len == 0) {
        rest->at = last_empty_part;
    }
    return true;
}
