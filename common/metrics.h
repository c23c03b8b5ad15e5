/* SPDX-License-Identifier: MIT
 *
 * Numbers as Prometheus reads them: its text format, version 0.0.4, written from a table.
 *
 * A row names one series: metric, what it is, and where its number lies in a struct of the caller's. Rows of one
 * metric stand together and differ in their label. Labels are words of a fixed list: nothing a client sends becomes
 * one. Whoever has series that are not known before (one for each link) writes them with metrics_put_head() and
 * metrics_put(), and bounds their number.
 */
#pragma once

#include "common/buf.h"

enum metric_type { METRIC_COUNTER, METRIC_GAUGE };
enum metric_unit { METRIC_NUMBER, METRIC_MICROSECONDS }; /* these are written as seconds */

struct metric {
    const char *name;
    enum metric_type type;
    enum metric_unit unit;
    size_t offset;           /* of a uint64_t in the struct of numbers */
    const char *label;       /* NULL: none */
    const char *label_value; /* plain words, nothing to escape */
    const char *help;        /* of the metric's first row; one line, no backslash */
};

void metrics_write(const struct metric *rows, size_t count, const void *numbers, struct buf *out);

void metrics_put_head(struct buf *out, const char *name, enum metric_type type, const char *help);

struct metric_label {
    const char *name;
    struct str value; /* any text: it is escaped */
};

void metrics_put(struct buf *out, const char *name, const struct metric_label *labels, size_t count,
                 uint64_t number);
