/* SPDX-License-Identifier: MIT
 *
 * One scalar option between its text and its field in a struct.
 *
 * The text is what stands in the environment, behind --set, in a row's `fallback`, and (once its JSON
 * type has been found right) in a file, so that a value is judged in one place.
 */
#include <assert.h>
#include <string.h>

#include "common/mem.h"
#include "common/options_internal.h"

static bool is_within(const struct option *row, uint64_t number)
{
    if (number == 0 && (row->flags & OPTION_ZERO_IS_OFF) != 0) {
        return true;
    }
    return number >= row->min && number <= row->max;
}

static bool parse_number(const struct option *row, struct str text, uint64_t *out_number)
{
    unsigned long long count;
    switch (row->type) {
    case OPTION_SIZE:
        return options_parse_size(text, out_number);
    case OPTION_DURATION:
        return options_parse_duration(text, out_number);
    default:
        if (!str_to_u64(text, UINT64_MAX, &count)) {
            return false;
        }
        *out_number = count;
        return true;
    }
}

static bool set_number(const struct option *row, void *field, struct str text)
{
    uint64_t number;
    if (!parse_number(row, text, &number) || !is_within(row, number)) {
        return false;
    }
    if (row->type == OPTION_DURATION) {
        memcpy(field, &number, sizeof(number));
    } else {
        assert(row->max < OPTION_UNSET);
        size_t count = (size_t)number;
        memcpy(field, &count, sizeof(count));
    }
    return true;
}

static bool set_word(const struct option *row, void *field, struct str text)
{
    struct str rest = str_of(row->words), word;
    for (unsigned value = 0; str_next(&rest, '|', &word); value++) {
        if (str_equal(word, text)) {
            memcpy(field, &value, sizeof(value));
            return true;
        }
    }
    return false;
}

static bool set_bool(const struct option *row, void *field, struct str text)
{
    bool is_true = str_equal(text, STR("true"));
    if (!is_true && !str_equal(text, STR("false"))) {
        return false;
    }
    if (row->type == OPTION_CHOICE) {
        enum option_choice choice = is_true ? CHOICE_YES : CHOICE_NO;
        memcpy(field, &choice, sizeof(choice));
    } else {
        memcpy(field, &is_true, sizeof(is_true));
    }
    return true;
}

/* NUL-terminated and owned by the caller; relative to the source's folder when it is a path. */
static char *copy_text(const struct options_source *source, const struct option *row,
                       struct str text)
{
    struct buf joined = {0};
    if (row->type == OPTION_PATH && source->folder != NULL && text.len > 0 && text.at[0] != '/') {
        buf_append_text(&joined, source->folder);
        buf_append_byte(&joined, '/');
    }
    buf_append_str(&joined, text);
    char *copy = mem_strndup((const char *)joined.data, joined.len);
    buf_finish(&joined);
    return copy;
}

static bool set_text(const struct options_source *source, const struct option *row, char **field,
                     struct str text)
{
    char *copy = copy_text(source, row, text);
    size_t len = strlen(copy);
    const char *wrong = NULL;
    bool fits = len == text.len || row->type == OPTION_PATH; /* else it holds a NUL */
    fits = fits && text.len >= row->min && len <= row->max;
    if (fits && row->check != NULL) {
        wrong = row->check(copy);
    }
    if (!fits || wrong != NULL) {
        if (wrong != NULL) {
            options_error(source, "%s, got \"%s\"", wrong, copy);
        } else {
            options_error_value(source, row, str_of(copy), true);
        }
        mem_free(copy);
        return false;
    }
    mem_free(*field);
    *field = copy;
    return true;
}

bool options_value_set(const struct options_source *source, const struct option *row, void *field,
                       struct str text)
{
    bool is_right = false;
    switch (row->type) {
    case OPTION_BOOL:
    case OPTION_CHOICE:
        is_right = set_bool(row, field, text);
        break;
    case OPTION_COUNT:
    case OPTION_SIZE:
    case OPTION_DURATION:
        is_right = set_number(row, field, text);
        break;
    case OPTION_WORD:
        is_right = set_word(row, field, text);
        break;
    case OPTION_TEXT:
    case OPTION_PATH:
    case OPTION_JSON:
        return set_text(source, row, field, text); /* says itself what is wrong */
    default:
        assert(false && "a list or an object is no scalar");
    }
    if (!is_right) {
        unsigned long long number;
        bool is_number = row->type == OPTION_COUNT && str_to_u64(text, UINT64_MAX, &number);
        options_error_value(source, row, text, !is_number);
    }
    return is_right;
}

bool options_value_is_absent(const struct option *row, const void *field)
{
    enum option_choice choice;
    size_t count;
    switch (row->type) {
    case OPTION_CHOICE:
        memcpy(&choice, field, sizeof(choice));
        return choice == CHOICE_ABSENT;
    case OPTION_COUNT:
    case OPTION_SIZE:
        memcpy(&count, field, sizeof(count));
        return count == OPTION_UNSET;
    case OPTION_TEXT:
    case OPTION_PATH:
    case OPTION_JSON:
    case OPTION_TEXTS:
    case OPTION_NUMBERS:
        return *(void *const *)field == NULL;
    default:
        return false;
    }
}

static void put_word(const struct option *row, unsigned value, struct buf *out)
{
    struct str rest = str_of(row->words), word = {NULL, 0};
    for (unsigned i = 0; i <= value; i++) {
        bool is_known = str_next(&rest, '|', &word);
        assert(is_known);
        (void)is_known;
    }
    buf_append_str(out, word);
}

void options_bound_put(const struct option *row, uint64_t bound, struct buf *out)
{
    switch (row->type) {
    case OPTION_SIZE:
        options_format_size(bound, out);
        break;
    case OPTION_DURATION:
        options_format_duration(bound, out);
        break;
    default:
        buf_append_u64(out, bound);
    }
}

void options_value_put(const struct option *row, const void *field, struct buf *out)
{
    bool is_true;
    size_t count;
    uint64_t ms;
    unsigned value;
    switch (row->type) {
    case OPTION_BOOL:
        memcpy(&is_true, field, sizeof(is_true));
        buf_append_text(out, is_true ? "true" : "false");
        break;
    case OPTION_CHOICE:
        memcpy(&value, field, sizeof(value));
        buf_append_text(out, value == CHOICE_YES ? "true" : "false");
        break;
    case OPTION_COUNT:
    case OPTION_SIZE:
        memcpy(&count, field, sizeof(count));
        options_bound_put(row, count, out);
        break;
    case OPTION_DURATION:
        memcpy(&ms, field, sizeof(ms));
        options_bound_put(row, ms, out);
        break;
    case OPTION_WORD:
        memcpy(&value, field, sizeof(value));
        put_word(row, value, out);
        break;
    case OPTION_TEXT:
    case OPTION_PATH:
    case OPTION_JSON:
        buf_append_text(out, *(char *const *)field);
        break;
    default:
        assert(false && "a list or an object is no scalar");
    }
}

static void put_words(const struct option *row, struct buf *out)
{
    struct str rest = str_of(row->words), word;
    const char *separator = "";
    while (str_next(&rest, '|', &word)) {
        buf_append_format(out, "%s\"%.*s\"", separator, (int)word.len, word.at);
        separator = ", ";
    }
}

/* How the values of each type are described, before their bounds. */
static const struct {
    const char *what;
    const char *quote; /* around bounds */
} expected[] = {
    [OPTION_BOOL] = {"true or false", NULL},
    [OPTION_CHOICE] = {"true or false", NULL},
    [OPTION_COUNT] = {"a whole number", ""},
    [OPTION_SIZE] = {"a size with a unit such as \"64KiB\" (B, KiB, MiB, GiB)", "\""},
    [OPTION_DURATION] = {"a duration with a unit such as \"25s\" (ms, s, m, h)", "\""},
    [OPTION_WORD] = {"one of ", NULL},
    [OPTION_TEXT] = {"a text", ""},
    [OPTION_PATH] = {"a path", ""},
    [OPTION_JSON] = {"JSON", NULL},
    [OPTION_TEXTS] = {"a list of texts", ""},
    [OPTION_NUMBERS] = {"a list of whole numbers", ""},
    [OPTION_OBJECTS] = {"a list of objects", ""},
    [OPTION_SAME] = {"an object", NULL},
};

void options_value_expected(const struct option *row, struct buf *out)
{
    buf_append_text(out, expected[row->type].what);
    if (row->type == OPTION_SAME && row->item_key != NULL) {
        buf_append_text(out, " or a text");
    }
    const char *quote = expected[row->type].quote;
    if (row->type == OPTION_WORD) {
        put_words(row, out);
    }
    if (quote == NULL) {
        return;
    }
    bool is_text = row->type == OPTION_TEXT || row->type == OPTION_PATH;
    buf_append_text(out, is_text || options_is_list(row) ? " of " : ", from ");
    buf_append_text(out, quote);
    options_bound_put(row, row->min, out);
    buf_append_format(out, "%s to %s", quote, quote);
    options_bound_put(row, row->max, out);
    buf_append_text(out, quote);
    if (is_text) {
        buf_append_text(out, " bytes");
    } else if (options_is_list(row)) {
        buf_append_text(out, " elements");
    } else if ((row->flags & OPTION_ZERO_IS_OFF) != 0) {
        buf_append_format(out, ", or %s", quote);
        options_bound_put(row, 0, out);
        buf_append_text(out, quote);
    }
}
