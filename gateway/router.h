/* SPDX-License-Identifier: MIT
 *
 * Which handler a request gets: one table of method and path pattern, beneath the configured
 * endpoints.
 *
 *   the endpoint with the longest path that is the request's path, or a whole-segment prefix of
 *   it, wins;
 *   its allowed origins are checked (403 `Invalid CORS request`), then the table is searched:
 *   handler, 405 or 404;
 *   a path of no endpoint is a page's (gateway.pages), else 404.
 */
#pragma once

#include "gateway/route.h"

struct listen_settings;
struct router;

/* Reads the pages into memory. 0, or a negative code after logging what could not be read. */
int router_create(struct runtime *runtime, struct sessions *sessions, struct router **out_router)
    __attribute__((warn_unused_result));
void router_destroy(struct router *router); /* takes NULL */

/* A listener_accepted_cb for LISTEN_HTTP; `router` is its data. Starts HTTP on the connection. */
void router_accepted(struct conn *conn, const struct listen_settings *listen, void *router);

/* An http_request_cb; `router` is its data. */
void router_request(struct http *http, const struct http1_request *request, void *router);
