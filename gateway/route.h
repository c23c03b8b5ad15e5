/* SPDX-License-Identifier: MIT
 *
 * What the router found out about a request, as handlers get it.
 */
#pragma once

#include "gateway/http.h"

struct endpoint_settings;
struct sessions;

struct route {
    struct runtime *runtime;
    struct sessions *sessions;
    const struct endpoint_settings *endpoint;
    struct str
        session; /* the SockJS session id of /{server}/{session}/{transport}; percent-encoded as sent */
    bool
        origin_given; /* the request has an Origin header (allowed, else the router has answered 403) */
    struct str origin; /* its value; points into the request */
};

typedef void (*route_handler)(struct http *http, const struct http1_request *request,
                              const struct route *route);
