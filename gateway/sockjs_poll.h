/* SPDX-License-Identifier: MIT
 *
 * Transports of one answer each: xhr (long poll) and JSONP.
 */
#pragma once

#include "gateway/route.h"

void sockjs_xhr(struct http *http, const struct http1_request *request, const struct route *route);
void sockjs_jsonp(struct http *http, const struct http1_request *request,
                  const struct route *route);
