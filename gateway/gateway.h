/* SPDX-License-Identifier: MIT
 *
 * The gateway as a whole: what it owns, and the order in which it starts and stops.
 */
#pragma once

#include <stddef.h>

struct settings;

/* Runs until SIGTERM or SIGINT; a second signal ends at once what still waits. Returns the exit
 * code: 0, or 1 when a listener or a page could not be opened (it was logged). `descriptors_max`
 * as process_init() said. */
int gateway_run(const struct settings *settings, size_t descriptors_max);
