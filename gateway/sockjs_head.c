/* SPDX-License-Identifier: MIT
 *
 * Heads of SockJS responses (SockJS protocol 0.3.3).
 */
#include "gateway/sockjs_head.h"

#include "common/settings.h"
#include "gateway/cors.h"
#include "proto/sockjs_frame.h"

#define COOKIE_BYTES_MAX 64

void sockjs_head_add_uncached(struct http_head *head)
{
    http_head_add_text(head, "Cache-Control",
                       "no-store, no-cache, no-transform, must-revalidate, max-age=0");
}

static bool is_cookie_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '-' || byte == '_' || byte == '.';
}

/* The value may be sent back: a short token, so that a client cannot forge headers by its cookie. */
static bool is_plain_value(struct str value)
{
    if (value.len == 0 || value.len > COOKIE_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < value.len; i++) {
        if (!is_cookie_byte(value.at[i])) {
            return false;
        }
    }
    return true;
}

static struct str find_cookie(const struct http1_request *request)
{
    const struct str *header = http1_header(request, "Cookie");
    struct str rest = header == NULL ? (struct str){NULL, 0} : *header;
    struct str pair;
    while (str_next(&rest, ';', &pair)) {
        struct str trimmed = str_trim(pair);
        if (str_starts(trimmed, STR("JSESSIONID="))) {
            struct str value = {trimmed.at + 11, trimmed.len - 11};
            return is_plain_value(value) ? value : STR("dummy");
        }
    }
    return STR("dummy");
}

void sockjs_head_add_cookie(struct http_head *head, const struct http1_request *request,
                            const struct route *route)
{
    if (!route->endpoint->needs_cookie) {
        return;
    }
    struct buf cookie = {0};
    buf_append_text(&cookie, "JSESSIONID=");
    buf_append_str(&cookie, find_cookie(request));
    buf_append_text(&cookie, "; path=/");
    http_head_add(head, "Set-Cookie", buf_str(&cookie));
    buf_finish(&cookie);
}

void sockjs_head_init(struct http_head *head, unsigned status, const char *content_type,
                      const struct http1_request *request, const struct route *route)
{
    http_head_init(head, status);
    http_head_add_text(head, "Content-Type", content_type);
    sockjs_head_add_uncached(head);
    sockjs_head_add_cookie(head, request, route);
}

void sockjs_respond_options(struct http *http, const struct http1_request *request,
                            const struct route *route, const char *methods)
{
    struct http_head head;
    cors_preflight(&head, route, request, methods);
    sockjs_head_add_cookie(&head, request, route);
    http_respond(http, &head, (struct str){"", 0});
}

void sockjs_respond_text(struct http *http, const struct route *route, unsigned status,
                         const char *text)
{
    const struct http1_request *request = http_request(http);
    struct http_head head;
    sockjs_head_init(&head, status, "text/plain; charset=UTF-8", request, route);
    cors_add(&head, route, request);
    http_respond(http, &head, str_of(text));
}

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    char lower = (char)(digit | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Percent-decodes into `out`, at most `max` bytes; a longer or broken value gives a length over `max`. */
static size_t decode_percent(struct str text, char *out, size_t max)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.at[i];
        if (byte == '%') {
            bool is_whole = text.len - i > 2;
            int high = is_whole ? hex_value(text.at[i + 1]) : -1;
            int low = is_whole ? hex_value(text.at[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return max + 1;
            }
            byte = (char)(high * 16 + low);
            i += 2;
        }
        if (len == max) {
            return max + 1;
        }
        out[len++] = byte;
    }
    return len;
}

static struct str find_parameter(struct str query, struct str name)
{
    struct str part;
    while (str_next(&query, '&', &part)) {
        if (part.len > name.len && str_starts(part, name) && part.at[name.len] == '=') {
            return (struct str){part.at + name.len + 1, part.len - name.len - 1};
        }
    }
    return (struct str){NULL, 0};
}

bool sockjs_take_callback(struct http *http, const struct http1_request *request,
                          const struct route *route, char out_callback[SOCKJS_CALLBACK_MAX + 1])
{
    struct str value = find_parameter(request->query, STR("c"));
    if (value.at == NULL) {
        value = find_parameter(request->query, STR("callback"));
    }
    if (value.len == 0) {
        sockjs_respond_text(http, route, 500, "\"callback\" parameter required");
        return false;
    }
    size_t len = decode_percent(value, out_callback, SOCKJS_CALLBACK_MAX);
    if (len > SOCKJS_CALLBACK_MAX || !sockjs_callback_is_valid((struct str){out_callback, len})) {
        sockjs_respond_text(http, route, 500, "invalid \"callback\" parameter");
        return false;
    }
    out_callback[len] = '\0';
    return true;
}
