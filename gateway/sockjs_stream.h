/* SPDX-License-Identifier: MIT
 *
 * Transports of one long response: xhr_streaming, eventsource and htmlfile.
 */
#pragma once

#include "gateway/route.h"

void sockjs_xhr_streaming(struct http *http, const struct http1_request *request,
                          const struct route *route);
void sockjs_eventsource(struct http *http, const struct http1_request *request,
                        const struct route *route);
void sockjs_htmlfile(struct http *http, const struct http1_request *request,
                     const struct route *route);
