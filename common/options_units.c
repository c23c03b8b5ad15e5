/* SPDX-License-Identifier: MIT
 *
 * Sizes and durations as people write them: a whole number and a unit, nothing between, nothing else.
 */
#include "common/mem.h"
#include "common/options_internal.h"

struct unit {
    const char *name;
    uint64_t factor;
};

/* Ascending; writing takes the largest that divides. "KB" is no unit here: it means two things. */
static const struct unit size_units[] = {
    {"B", 1},
    {"KiB", (uint64_t)1 << 10},
    {"MiB", (uint64_t)1 << 20},
    {"GiB", (uint64_t)1 << 30},
};

static const struct unit duration_units[] = {
    {"ms", 1},
    {"s", 1000},
    {"m", 60 * 1000},
    {"h", 60 * 60 * 1000},
};

static bool parse(struct str text, const struct unit *units, size_t count, uint64_t *out_value)
{
    size_t digits = 0;
    while (digits < text.len && text.at[digits] >= '0' && text.at[digits] <= '9') {
        digits++;
    }
    struct str unit = {text.at + digits, text.len - digits};
    for (size_t i = 0; i < count; i++) {
        unsigned long long number;
        if (!str_equal(unit, str_of(units[i].name))) {
            continue;
        }
        if (!str_to_u64((struct str){text.at, digits}, UINT64_MAX / units[i].factor, &number)) {
            return false;
        }
        *out_value = number * units[i].factor;
        return true;
    }
    return false;
}

static void format(uint64_t value, const struct unit *units, size_t count, size_t zero_unit,
                   struct buf *out)
{
    size_t unit = value == 0 ? zero_unit : count - 1;
    while (value % units[unit].factor != 0) {
        unit--;
    }
    buf_append_u64(out, value / units[unit].factor);
    buf_append_text(out, units[unit].name);
}

bool options_parse_size(struct str text, uint64_t *out_bytes)
{
    return parse(text, size_units, MEM_COUNT(size_units), out_bytes);
}

bool options_parse_duration(struct str text, uint64_t *out_ms)
{
    return parse(text, duration_units, MEM_COUNT(duration_units), out_ms);
}

void options_format_size(uint64_t bytes, struct buf *out)
{
    format(bytes, size_units, MEM_COUNT(size_units), 0, out);
}

void options_format_duration(uint64_t ms, struct buf *out)
{
    format(ms, duration_units, MEM_COUNT(duration_units), 1, out);
}
