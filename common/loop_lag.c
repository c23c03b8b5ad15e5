/* SPDX-License-Identifier: MIT
 *
 * Loop lag, by the drift of a timer. libuv rounds timers to milliseconds, so less than one is noise.
 */
#include "common/loop_lag.h"

#include <assert.h>

#define WINDOW_US ((uint64_t)10000000)

static uint64_t now_us(void)
{
    return uv_hrtime() / 1000;
}

static void on_timer(uv_timer_t *timer)
{
    struct loop_lag *lag = timer->data;
    uint64_t now = now_us();
    uint64_t late = now > lag->due_us ? now - lag->due_us : 0;
    if (now - lag->turn_us >= WINDOW_US) {
        lag->before_us = lag->worst_us;
        lag->worst_us = 0;
        lag->turn_us = now;
    }
    if (late > lag->worst_us) {
        lag->worst_us = late;
    }
    lag->due_us = now + (uint64_t)LOOP_LAG_PERIOD_MS * 1000;
    int code = uv_timer_start(timer, on_timer, LOOP_LAG_PERIOD_MS, 0);
    assert(code == 0);
    (void)code;
}

void loop_lag_init(struct loop_lag *lag, uv_loop_t *loop)
{
    *lag = (struct loop_lag){.turn_us = now_us()};
    int code = uv_timer_init(loop, &lag->timer);
    assert(code == 0);
    (void)code;
    lag->timer.data = lag;
    lag->due_us = lag->turn_us;
    on_timer(&lag->timer);
}

void loop_lag_close(struct loop_lag *lag)
{
    uv_close((uv_handle_t *)&lag->timer, NULL);
}

uint64_t loop_lag_microseconds(const struct loop_lag *lag)
{
    return lag->worst_us > lag->before_us ? lag->worst_us : lag->before_us;
}
