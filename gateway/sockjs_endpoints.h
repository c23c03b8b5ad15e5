/* SPDX-License-Identifier: MIT
 *
 * The short answers of SockJS: greeting, /info, the iframe page, and the two ways to send over HTTP.
 */
#pragma once

#include "gateway/route.h"

void sockjs_greeting(struct http *http, const struct http1_request *request,
                     const struct route *route);

/* Waits for the broker while it is away: a client that were told to go on would lose its first transport. */
void sockjs_info(struct http *http, const struct http1_request *request, const struct route *route);
void sockjs_iframe(struct http *http, const struct http1_request *request,
                   const struct route *route);

/* 204 and `ok` follow the broker's end mark: what the client is told to be sent is at the broker. */
void sockjs_xhr_send(struct http *http, const struct http1_request *request,
                     const struct route *route);
void sockjs_jsonp_send(struct http *http, const struct http1_request *request,
                       const struct route *route);
