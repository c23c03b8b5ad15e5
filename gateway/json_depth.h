/* SPDX-License-Identifier: MIT
 *
 * How deep a JSON text nests, before a parser that recurses sees it.
 */
#pragma once

#include "common/str.h"

/* The most brackets and braces that are open at once, outside strings; for text that is no JSON, anything. */
size_t json_depth(struct str json);
