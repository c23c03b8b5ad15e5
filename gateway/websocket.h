/* SPDX-License-Identifier: MIT
 *
 * WebSocket as a transport (RFC 6455): handshake, messages in and out, ping and pong, close; with SockJS framing
 * or without. No extensions; subprotocols v12.stomp, v11.stomp and v10.stomp.
 */
#pragma once

#include "gateway/route.h"

/* /{server}/{session}/websocket: SockJS frames in text messages. The session id in the URL means nothing. */
void websocket_sockjs(struct http *http, const struct http1_request *request,
                      const struct route *route);

/* /websocket, or the endpoint's own path: the service's frames as they are. */
void websocket_raw(struct http *http, const struct http1_request *request,
                   const struct route *route);
