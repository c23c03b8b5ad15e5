/* SPDX-License-Identifier: MIT
 *
 * Prometheus' text format. https://prometheus.io/docs/instrumenting/exposition_formats/
 */
#include "common/metrics.h"

#define MICROSECONDS_PER_SECOND 1000000u

void metrics_put_head(struct buf *out, const char *name, enum metric_type type, const char *help)
{
    buf_append_format(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
                      type == METRIC_COUNTER ? "counter" : "gauge");
}

static void put_escaped(struct buf *out, struct str value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (value.at[i] == '\n') {
            buf_append_text(out, "\\n");
            continue;
        }
        if (value.at[i] == '"' || value.at[i] == '\\') {
            buf_append_byte(out, '\\');
        }
        buf_append_byte(out, (uint8_t)value.at[i]);
    }
}

static void put_labels(struct buf *out, const struct metric_label *labels, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_append_format(out, "%s%s=\"", i == 0 ? "{" : ",", labels[i].name);
        put_escaped(out, labels[i].value);
        buf_append_text(out, "\"");
    }
    buf_append_text(out, count > 0 ? "}" : "");
}

void metrics_put(struct buf *out, const char *name, const struct metric_label *labels, size_t count,
                 uint64_t number)
{
    buf_append_text(out, name);
    put_labels(out, labels, count);
    buf_append_byte(out, ' ');
    buf_append_u64(out, number);
    buf_append_byte(out, '\n');
}

static void put_number(struct buf *out, enum metric_unit unit, uint64_t number)
{
    if (unit == METRIC_MICROSECONDS) {
        buf_append_format(out, "%llu.%06llu",
                          (unsigned long long)(number / MICROSECONDS_PER_SECOND),
                          (unsigned long long)(number % MICROSECONDS_PER_SECOND));
    } else {
        buf_append_u64(out, number);
    }
}

void metrics_write(const struct metric *rows, size_t count, const void *numbers, struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        const struct metric *row = &rows[i];
        uint64_t number;
        memcpy(&number, (const char *)numbers + row->offset, sizeof(number));
        if (i == 0 || strcmp(rows[i - 1].name, row->name) != 0) {
            metrics_put_head(out, row->name, row->type, row->help);
        }
        buf_append_text(out, row->name);
        put_labels(out, &(struct metric_label){row->label, str_of(row->label_value)},
                   row->label == NULL ? 0 : 1);
        buf_append_byte(out, ' ');
        put_number(out, row->unit, number);
        buf_append_byte(out, '\n');
    }
}
