/* SPDX-License-Identifier: MIT
 *
 * What every object of a gateway process shares: loop, end-of-turn work, timers, settings, counters.
 */
#pragma once

#include <uv.h>

#include "common/settings.h"
#include "common/turn.h"
#include "common/wheel.h"
#include "gateway/stats.h"

struct auth;

struct runtime {
    uv_loop_t loop;
    struct turn turn;
    struct wheel wheel;
    const struct gateway_settings *settings; /* borrowed from main */
    struct auth *auth;                       /* borrowed from gateway.c; NULL: no tokens */
    struct stats stats;
    bool is_draining; /* no new connections, no keep-alive */
};

static inline uint64_t runtime_now(const struct runtime *runtime)
{
    return wheel_now(&runtime->wheel);
}
