/* SPDX-License-Identifier: MIT
 *
 * What the heads of SockJS responses have in common: never cached, CORS, the JSESSIONID cookie, preflights; and the
 * callback of htmlfile and JSONP.
 */
#pragma once

#include "gateway/route.h"

#define SOCKJS_CALLBACK_MAX 32

/* Status 200, Content-Type, not cached, and the cookie where the endpoint needs one. */
void sockjs_head_init(struct http_head *head, unsigned status, const char *content_type,
                      const struct http1_request *request, const struct route *route);

/* Cache-Control for answers that must not be kept. */
void sockjs_head_add_uncached(struct http_head *head);

/* Set-Cookie: JSESSIONID, the client's own value or "dummy"; only where the endpoint needs it. */
void sockjs_head_add_cookie(struct http_head *head, const struct http1_request *request,
                            const struct route *route);

/* Answers an OPTIONS request for a transport that is called by `methods`. */
void sockjs_respond_options(struct http *http, const struct http1_request *request,
                            const struct route *route, const char *methods);

/* A refusal in plain text, with the cookie and CORS fields of every answer: a page must be able to read it. */
void sockjs_respond_text(struct http *http, const struct route *route, unsigned status,
                         const char *text);

/* The callback of ?c= or ?callback=, percent-decoded. False after answering 500. */
bool sockjs_take_callback(struct http *http, const struct http1_request *request,
                          const struct route *route, char out_callback[SOCKJS_CALLBACK_MAX + 1]);
