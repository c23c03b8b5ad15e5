/* SPDX-License-Identifier: MIT
 *
 * What a broker tells Prometheus: docs/metrics.md lists it.
 */
#pragma once

#include "broker/gateway_link.h"
#include "common/loop_lag.h"

void metrics_put_all(const struct gateway_links *links, const struct loop_lag *lag, bool is_ready,
                     struct buf *out);
