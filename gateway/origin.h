/* SPDX-License-Identifier: MIT
 *
 * May this page's script talk to this endpoint: the rules of Spring's allowedOriginPatterns.
 *
 * No Origin header: no browser's script, allowed. An origin with the request's own scheme, host
 * and effective port is allowed without looking at the list. Else one pattern of the list must
 * match the whole origin:
 *
 *   "*" alone allows all; elsewhere `*` stands for any run of characters; all else is literal,
 *   and of one case;
 *   at the end ":[8080,8081]" is one of these ports, ":[*]" any or none; without it a port is
 *   part of the literal;
 *   commas separate patterns, also within one text of the list.
 *
 * `null` (sandboxed frames, files) is allowed only by the patterns "*" and "null".
 */
#pragma once

#include "common/http1.h"

#define ORIGIN_BYTES_MAX 2048 /* a longer one is refused */

struct endpoint_settings;

enum origin_verdict {
    ORIGIN_ALLOWED,
    ORIGIN_REFUSED,   /* 403 */
    ORIGIN_AMBIGUOUS, /* two Origin headers: 400 */
};

/* Where the browser believes itself to be. */
struct origin_own {
    bool is_secure; /* https or wss */
    struct str
        host; /* as in the Host header, perhaps with a port; absent: nothing is of the same origin */
    unsigned port; /* where `host` has none; 0: the scheme's own */
};

enum origin_verdict origin_check(const struct http1_request *request,
                                 const struct endpoint_settings *endpoint,
                                 const struct origin_own *own);

/* For what a page loads as frame or script (htmlfile, JSONP), which sends no Origin:
 * Sec-Fetch-Site and Referer are judged where they are present. */
enum origin_verdict origin_check_embedded(const struct http1_request *request,
                                          const struct endpoint_settings *endpoint,
                                          const struct origin_own *own);

/* One text of the list against one origin. */
bool origin_matches(struct str patterns, struct str origin);
