/* SPDX-License-Identifier: MIT
 *
 * The broker as a whole: from settings that hold to an exit code.
 */
#pragma once

#include "common/settings.h"

/* Runs until SIGTERM or SIGINT; 0, or 1 when it cannot listen. Afterwards nothing is left of it. */
int broker_run(const struct settings *settings);
