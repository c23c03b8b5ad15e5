/* SPDX-License-Identifier: MIT
 *
 * CORS headers of SockJS answers, and the answer to OPTIONS.
 *
 * The router has refused origins that are not allowed before any of this is called.
 */
#pragma once

#include "gateway/route.h"

/* With Origin: it is echoed, credentials allowed, Vary: Origin; without: "*" and no credentials.
 * And Access-Control-Allow-Headers when headers were asked for. For /info, xhr, xhr_send,
 * xhr_streaming, eventsource. */
void cors_add(struct http_head *head, const struct route *route,
              const struct http1_request *request);

/* Status 204 and the fields of a preflight answer (cacheable for a year); `methods` as "OPTIONS,
 * POST". The caller may add to it, and ends with http_respond(). */
void cors_preflight(struct http_head *head, const struct route *route,
                    const struct http1_request *request, const char *methods);
