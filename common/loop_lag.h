/* SPDX-License-Identifier: MIT
 *
 * How late a loop is: the longest that one of its turns made a timer wait, of the last seconds.
 *
 * A timer is due each LOOP_LAG_PERIOD_MS; by how much it comes later is what any client would have waited. What was
 * worst stays visible for 10 to 20 s, so that a reader who comes each 15 s misses little. Two readers see the same.
 */
#pragma once

#include <stdint.h>
#include <uv.h>

#define LOOP_LAG_PERIOD_MS 200

struct loop_lag {
    uv_timer_t timer;
    uint64_t due_us;    /* of the timer, by uv_hrtime() */
    uint64_t turn_us;   /* when `worst_us` began to be gathered */
    uint64_t worst_us;  /* since then */
    uint64_t before_us; /* worst of the period before */
};

void loop_lag_init(struct loop_lag *lag, uv_loop_t *loop);
void loop_lag_close(struct loop_lag *lag); /* memory stays until the loop is done */
uint64_t loop_lag_microseconds(const struct loop_lag *lag);
