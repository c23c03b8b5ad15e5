/* SPDX-License-Identifier: MIT
 *
 * `--health`: one program asks another of its kind, by the admin listener that both read of in the configuration.
 */
#pragma once

#include "common/settings.h"

/* GET /readyz. Blocks, for a few seconds at most. NULL: it is ready; else why not, as a sentence. */
const char *admin_ask_ready(const struct admin_settings *settings);
