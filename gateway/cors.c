/* SPDX-License-Identifier: MIT
 *
 * CORS headers of SockJS answers (Fetch standard, "CORS protocol"; SockJS protocol 0.3.3).
 */
#include "gateway/cors.h"

#include <time.h>

#define YEAR_SECONDS 31536000
#define YEAR_TEXT "31536000"

void cors_add(struct http_head *head, const struct route *route,
              const struct http1_request *request)
{
    const struct str *asked = http1_header(request, "Access-Control-Request-Headers");
    if (route->origin_given) {
        http_head_add(head, "Access-Control-Allow-Origin", route->origin);
        http_head_add_text(head, "Access-Control-Allow-Credentials", "true");
    } else {
        http_head_add_text(head, "Access-Control-Allow-Origin", "*");
    }
    http_head_add_text(head, "Vary", "Origin"); /* in both: a cache must not mix them up */
    if (asked != NULL && asked->len > 0) {
        http_head_add(head, "Access-Control-Allow-Headers", *asked);
    }
}

void cors_preflight(struct http_head *head, const struct route *route,
                    const struct http1_request *request, const char *methods)
{
    char expires[40];
    struct tm utc;
    time_t when = time(NULL) + YEAR_SECONDS;
    gmtime_r(&when, &utc);
    strftime(expires, sizeof(expires), "%a, %d %b %Y %H:%M:%S GMT", &utc);
    http_head_init(head, 204);
    http_head_add_text(head, "Cache-Control", "public, max-age=" YEAR_TEXT);
    http_head_add_text(head, "Expires", expires);
    http_head_add_text(head, "Access-Control-Max-Age", YEAR_TEXT);
    http_head_add_text(head, "Access-Control-Allow-Methods", methods);
    cors_add(head, route, request);
}
