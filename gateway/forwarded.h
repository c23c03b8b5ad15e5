/* SPDX-License-Identifier: MIT
 *
 * Under which scheme, host and port a browser asked: what the connection says, or what a proxy before us says, if it is
 * one of gateway.trusted_proxies.
 */
#pragma once

#include "gateway/http.h"
#include "gateway/origin.h"

/* *out points into the request. */
void forwarded_read(const struct gateway_settings *settings, const struct conn *conn,
                    const struct http1_request *request, struct origin_own *out);
