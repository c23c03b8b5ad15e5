/* SPDX-License-Identifier: MIT
 *
 * The headers of a frame under way.
 *
 *   stomp_headers_add() unescapes what holds a backslash into `text`, looks the name up, and keeps the header
 *   when it is the first of that name;
 *   stomp_headers_show() turns offsets into pointers once the frame is complete.
 *
 * A few names are looked through one by one. Beyond INDEX_FROM there is an index sorted by name, searched by
 * halves, because a peer may repeat a hundred thousand names in one frame. A hash table would need a secret to
 * be as safe.
 */
#include "proto/stomp_headers.h"

#include "common/mem.h"

#define SLOTS_MIN 8
#define INDEX_FROM 16

void stomp_headers_finish(struct stomp_headers *headers)
{
    buf_finish(&headers->text);
    mem_free(headers->slots);
    mem_free(headers->shown);
    *headers = (struct stomp_headers){.slots = NULL};
}

void stomp_headers_clear(struct stomp_headers *headers)
{
    headers->text.len = 0;
    headers->count = 0;
}

static struct str text_at(const void *base, size_t at, size_t len)
{
    return (struct str){(const char *)base + at, len};
}

static struct str slot_name(const struct stomp_headers *headers, const uint8_t *base,
                            const struct stomp_slot *slot)
{
    const void *from = slot->name_in_text ? headers->text.data : base;
    return text_at(from, slot->name_at, slot->name_len);
}

static struct str slot_value(const struct stomp_headers *headers, const uint8_t *base,
                             const struct stomp_slot *slot)
{
    const void *from = slot->value_in_text ? headers->text.data : base;
    return text_at(from, slot->value_at, slot->value_len);
}

static int compare_names(struct str a, struct str b)
{
    if (a.len != b.len) {
        return a.len < b.len ? -1 : 1;
    }
    return memcmp(a.at, b.at, a.len);
}

/* Where `name` is, or belongs, among the first `count` of the sorted index. */
static bool find_place(const struct stomp_headers *headers, const uint8_t *base, struct str name,
                       size_t count, size_t *out_place)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct stomp_slot *slot = &headers->slots[headers->slots[middle].sorted];
        int order = compare_names(slot_name(headers, base, slot), name);
        if (order == 0) {
            *out_place = middle;
            return true;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *out_place = low;
    return false;
}

static const struct stomp_slot *find_slot(const struct stomp_headers *headers, const uint8_t *base,
                                          struct str name)
{
    size_t place;
    if (headers->count > INDEX_FROM) {
        return find_place(headers, base, name, headers->count, &place)
                   ? &headers->slots[headers->slots[place].sorted]
                   : NULL;
    }
    for (size_t i = 0; i < headers->count; i++) {
        const struct stomp_slot *slot = &headers->slots[i];
        if (slot->name_len == name.len &&
            memcmp(slot_name(headers, base, slot).at, name.at, name.len) == 0) {
            return slot;
        }
    }
    return NULL;
}

static void index_slot(struct stomp_headers *headers, const uint8_t *base, size_t number)
{
    struct stomp_slot *slots = headers->slots;
    size_t place;
    (void)find_place(headers, base, slot_name(headers, base, &slots[number]), number, &place);
    for (size_t i = number; i > place; i--) {
        slots[i].sorted = slots[i - 1].sorted;
    }
    slots[place].sorted = (uint32_t)number;
}

/* A slot behind the last, to be kept by keep_slot(). */
static struct stomp_slot *spare_slot(struct stomp_headers *headers)
{
    if (headers->count == headers->cap) {
        size_t cap = headers->cap == 0 ? SLOTS_MIN : headers->cap * 2;
        headers->slots = mem_realloc(headers->slots, cap * sizeof(*headers->slots));
        headers->shown = mem_realloc(headers->shown, cap * sizeof(*headers->shown));
        headers->cap = cap;
    }
    return &headers->slots[headers->count];
}

static void keep_slot(struct stomp_headers *headers, const uint8_t *base)
{
    size_t number = headers->count++;
    if (headers->count > INDEX_FROM) {
        for (size_t i = number == INDEX_FROM ? 0 : number; i <= number; i++) {
            index_slot(headers, base, i);
        }
    }
}

/* The 1.2 table. What it does not know is an error when strict and stays as it is when lenient: the common
 * browser library never escapes in 1.1, and a path with backslashes must not end a session. */
static bool unescape(struct buf *text, struct str raw, bool is_strict)
{
    uint8_t *begin = buf_reserve(text, raw.len);
    uint8_t *out = begin;
    for (size_t at = 0; at < raw.len; at++) {
        char byte = raw.at[at];
        if (byte == '\\') {
            switch (at + 1 < raw.len ? raw.at[at + 1] : 0) {
            case 'n':
                byte = '\n';
                at++;
                break;
            case 'r':
                byte = '\r';
                at++;
                break;
            case 'c':
                byte = ':';
                at++;
                break;
            case '\\':
                at++;
                break;
            default:
                if (is_strict) {
                    return false;
                }
            }
        }
        *out++ = (uint8_t)byte;
    }
    text->len += (size_t)(out - begin);
    return true;
}

static bool unescape_part(struct buf *text, const uint8_t *base, bool is_strict, size_t *at,
                          size_t *len, bool *out_in_text)
{
    struct str raw = text_at(base, *at, *len);
    if (memchr(raw.at, '\\', raw.len) == NULL) {
        return true;
    }
    size_t begin = text->len;
    if (!unescape(text, raw, is_strict)) {
        return false;
    }
    *at = begin;
    *len = text->len - begin;
    *out_in_text = true;
    return true;
}

int stomp_headers_add(struct stomp_headers *headers, const uint8_t *base, size_t name_at,
                      size_t name_len, size_t value_len, enum stomp_escapes escapes,
                      size_t count_max)
{
    struct stomp_slot *slot = spare_slot(headers);
    size_t text_len = headers->text.len;
    slot->name_at = name_at;
    slot->name_len = name_len;
    slot->value_at = name_at + name_len + 1;
    slot->value_len = value_len;
    slot->name_in_text = false;
    slot->value_in_text = false;
    if (escapes != STOMP_ESCAPES_NONE) {
        bool is_strict = escapes == STOMP_ESCAPES_STRICT;
        struct buf *text = &headers->text;
        if (!unescape_part(text, base, is_strict, &slot->name_at, &slot->name_len,
                           &slot->name_in_text) ||
            !unescape_part(text, base, is_strict, &slot->value_at, &slot->value_len,
                           &slot->value_in_text)) {
            return STOMP_HEADERS_ERR_ESCAPE;
        }
    }
    if (find_slot(headers, base, slot_name(headers, base, slot)) != NULL) {
        headers->text.len = text_len;
        return STOMP_HEADERS_REPEATED;
    }
    if (headers->count >= count_max) {
        return STOMP_HEADERS_ERR_COUNT;
    }
    keep_slot(headers, base);
    return 0;
}

bool stomp_headers_find(const struct stomp_headers *headers, const uint8_t *base, struct str name,
                        struct str *out_value)
{
    const struct stomp_slot *slot = find_slot(headers, base, name);
    if (slot == NULL) {
        return false;
    }
    *out_value = slot_value(headers, base, slot);
    return true;
}

void stomp_headers_trim_values(struct stomp_headers *headers, const uint8_t *base)
{
    for (size_t i = 0; i < headers->count; i++) {
        struct stomp_slot *slot = &headers->slots[i];
        if (slot->value_len > 0) {
            struct str value = str_trim(slot_value(headers, base, slot));
            slot->value_at = (size_t)((const uint8_t *)value.at - base);
            slot->value_len = value.len;
        }
    }
}

const struct stomp_header *stomp_headers_show(struct stomp_headers *headers, const uint8_t *base)
{
    for (size_t i = 0; i < headers->count; i++) {
        const struct stomp_slot *slot = &headers->slots[i];
        headers->shown[i] = (struct stomp_header){.name = slot_name(headers, base, slot),
                                                  .value = slot_value(headers, base, slot)};
    }
    return headers->shown;
}
