/* SPDX-License-Identifier: MIT
 *
 * What a gateway tells Prometheus: docs/metrics.md lists it.
 */
#pragma once

#include "common/buf.h"
#include "common/loop_lag.h"
#include "gateway/broker_link.h"
#include "gateway/session.h"

/* The parts of a gateway that are asked; all borrowed. */
struct metrics_sources {
    const struct runtime *runtime;
    const struct sessions *sessions;
    const struct broker_link *link;
    const struct loop_lag *lag;
    size_t connections;
    uint64_t certificate_expires; /* seconds since 1970 */
    bool is_ready;
};

void metrics_put_all(const struct metrics_sources *sources, struct buf *out);
