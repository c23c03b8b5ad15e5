/* SPDX-License-Identifier: MIT
 *
 * SockJS requests that are answered at once, or as soon as the broker has answered.
 *
 *   sockjs_greeting() and sockjs_iframe() answer from memory;
 *   sockjs_info() answers from memory once the broker is there (on_ready);
 *   receive_body() decodes the body of a send, gives its messages to the session, and the answer follows when the
 *   broker has all of it (on_sent).
 *
 * A body that is no array of strings is answered 500 with the protocol's own texts and does the session no harm.
 * An unknown session is 404 whatever its body.
 */
#include "gateway/sockjs_endpoints.h"

#include <inttypes.h>
#include <time.h>

#include "common/err.h"
#include "common/process.h"
#include "common/settings.h"
#include "gateway/cors.h"
#include "gateway/session.h"
#include "gateway/sockjs_head.h"
#include "proto/sockjs_frame.h"

#define TEXT_PLAIN "text/plain; charset=UTF-8"
#define YEAR_SECONDS 31536000

/* One send, or one /info, whose answer waits. */
struct waiting {
    struct http *http;
    struct route route; /* its texts point into the request, which HTTP keeps */
    int fault;          /* of the body, below 0: it is 500 if there is such a session */
    bool is_jsonp;
    bool is_held; /* the answer did not come before the handler returned */
    bool is_done;
};

void sockjs_greeting(struct http *http, const struct http1_request *request,
                     const struct route *route)
{
    struct http_head head;
    (void)request;
    (void)route;
    http_head_init(&head, 200);
    http_head_add_text(&head, "Content-Type", TEXT_PLAIN);
    http_respond(http, &head, STR("Welcome to SockJS!\n"));
}

static void respond_info(struct http *http, const struct route *route)
{
    const struct http1_request *request = http_request(http);
    uint32_t entropy;
    struct http_head head;
    struct buf body = {0};
    process_random(&entropy, sizeof entropy);
    buf_append_format(&body,
                      "{\"websocket\":%s,\"origins\":[\"*:*\"],\"cookie_needed\":%s,"
                      "\"entropy\":%" PRIu32 "}",
                      route->endpoint->has_websocket ? "true" : "false",
                      route->endpoint->needs_cookie ? "true" : "false", entropy);
    http_head_init(&head, 200);
    http_head_add_text(&head, "Content-Type", "application/json; charset=UTF-8");
    sockjs_head_add_uncached(&head);
    cors_add(&head, route, request);
    http_respond(http, &head, buf_str(&body));
    buf_finish(&body);
}

static void on_ready(void *data, int code)
{
    struct waiting *waiting = data;
    if (code == 0) {
        respond_info(waiting->http, &waiting->route);
    } else {
        sockjs_respond_text(waiting->http, &waiting->route, 503, "The message broker is away.");
    }
    mem_free(waiting);
}

static void on_info_gone(struct http *http, void *data, bool is_reset)
{
    struct waiting *waiting = data;
    (void)http;
    (void)is_reset;
    sessions_forget_wait(waiting->route.sessions, waiting);
    mem_free(waiting);
}

static const struct http_holder info_holder = {.on_gone = on_info_gone};

void sockjs_info(struct http *http, const struct http1_request *request, const struct route *route)
{
    if (str_equal(request->method, STR("OPTIONS"))) {
        struct http_head head;
        cors_preflight(&head, route, request, "OPTIONS, GET");
        http_respond(http, &head, (struct str){"", 0});
        return;
    }
    if (sessions_are_ready(route->sessions)) {
        respond_info(http, route);
        return;
    }
    struct waiting *waiting = mem_zalloc(sizeof *waiting);
    waiting->http = http;
    waiting->route = *route;
    http_hold(http, &info_holder, waiting);
    sessions_wait_ready(route->sessions, on_ready, waiting);
}

static void write_iframe_page(struct buf *page, const char *library)
{
    buf_append_text(page,
                    "<!DOCTYPE html>\n"
                    "<html>\n"
                    "<head>\n"
                    "  <meta http-equiv=\"X-UA-Compatible\" content=\"IE=edge\" />\n"
                    "  <meta http-equiv=\"Content-Type\" content=\"text/html; charset=UTF-8\" />\n"
                    "  <script src=\"");
    for (const char *at = library; *at != '\0'; at++) {
        switch (*at) {
        case '&':
            buf_append_text(page, "&amp;");
            break;
        case '<':
            buf_append_text(page, "&lt;");
            break;
        case '"':
            buf_append_text(page, "&quot;");
            break;
        default:
            buf_append_byte(page, (uint8_t)*at);
        }
    }
    buf_append_text(page,
                    "\"></script>\n"
                    "  <script>\n"
                    "    document.domain = document.domain;\n"
                    "    SockJS.bootstrap_iframe();\n"
                    "  </script>\n"
                    "</head>\n"
                    "<body>\n"
                    "  <h2>Don't panic!</h2>\n"
                    "  <p>This is a SockJS hidden iframe. It's used for cross domain magic.</p>\n"
                    "</body>\n"
                    "</html>");
}

/* FNV-1a: the same page has the same tag on every replica. */
static void write_etag(char out[24], struct str page)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < page.len; i++) {
        hash = (hash ^ (uint8_t)page.at[i]) * 0x100000001b3u;
    }
    snprintf(out, 24, "\"%016" PRIx64 "\"", hash);
}

static void write_http_date(char out[40], time_t when)
{
    struct tm utc;
    gmtime_r(&when, &utc);
    strftime(out, 40, "%a, %d %b %Y %H:%M:%S GMT", &utc);
}

void sockjs_iframe(struct http *http, const struct http1_request *request,
                   const struct route *route)
{
    struct buf page = {0};
    char etag[24];
    char expires[40];
    struct http_head head;
    write_iframe_page(&page, route->endpoint->client_library);
    write_etag(etag, buf_str(&page));
    write_http_date(expires, time(NULL) + YEAR_SECONDS);
    bool is_same = http_matches_etag(request, etag);
    http_head_init(&head, is_same ? 304 : 200);
    if (!is_same) {
        http_head_add_text(&head, "Content-Type", "text/html; charset=UTF-8");
    }
    http_head_add_text(&head, "Cache-Control", "public, max-age=31536000");
    http_head_add_text(&head, "Expires", expires);
    http_head_add_text(&head, "ETag", etag);
    if (route->endpoint->allowed_origin_count == 0) {
        http_head_add_text(&head, "X-Frame-Options", "SAMEORIGIN");
    }
    http_respond(http, &head, is_same ? (struct str){"", 0} : buf_str(&page));
    buf_finish(&page);
}

static void respond_sent(struct waiting *waiting, int code)
{
    struct http *http = waiting->http;
    const struct http1_request *request = http_request(http);
    struct http_head head;
    if (code == ERR_ABSENT) {
        sockjs_respond_text(http, &waiting->route, 404, "No such session.");
        return;
    }
    if (code < 0) {
        sockjs_respond_text(http, &waiting->route, 503, "The message broker is away or busy.");
        return;
    }
    sockjs_head_init(&head, waiting->is_jsonp ? 200 : 204, TEXT_PLAIN, request, &waiting->route);
    if (!waiting->is_jsonp) {
        cors_add(&head, &waiting->route, request);
    }
    http_respond(http, &head, waiting->is_jsonp ? STR("ok") : (struct str){"", 0});
}

static void respond_bad_payload(struct http *http, const struct route *route, int code)
{
    if (code == SOCKJS_ERR_JSON) {
        sockjs_respond_text(http, route, 500, "Broken JSON encoding.");
    } else if (code == SOCKJS_ERR_COUNT) {
        sockjs_respond_text(http, route, 500, "Too many messages.");
    } else {
        sockjs_respond_text(http, route, 500, "Payload expected.");
    }
}

static void on_sent(void *data, int code)
{
    struct waiting *waiting = data;
    if (code == 0 && waiting->fault < 0) {
        respond_bad_payload(waiting->http, &waiting->route, waiting->fault);
    } else {
        respond_sent(waiting, code);
    }
    waiting->is_done = true;
    if (waiting->is_held) {
        mem_free(waiting);
    }
}

static void on_send_gone(struct http *http, void *data, bool is_reset)
{
    struct waiting *waiting = data;
    (void)http;
    (void)is_reset;
    session_forget_send(waiting->route.sessions, waiting);
    mem_free(waiting);
}

static const struct http_holder send_holder = {.on_gone = on_send_gone};

/* `fault` below 0: the body could not be read; whether there is such a session is asked all the same. */
static void receive_body(struct http *http, const struct route *route, struct str body, int fault,
                         bool is_jsonp)
{
    struct sockjs_messages messages = {0};
    if (fault == 0) {
        fault = sockjs_decode(body, route->endpoint->limits.sockjs_messages_max, false, &messages);
    }
    struct waiting *waiting = mem_zalloc(sizeof *waiting);
    waiting->http = http;
    waiting->route = *route;
    waiting->is_jsonp = is_jsonp;
    waiting->fault = fault;
    session_receive_all(route->sessions, route->endpoint, route->session,
                        is_jsonp ? LINK_FAMILY_JSONP : LINK_FAMILY_XHR, messages.items,
                        messages.count, on_sent, waiting);
    sockjs_messages_finish(&messages);
    if (waiting->is_done) {
        mem_free(waiting);
        return;
    }
    waiting->is_held = true;
    http_hold(http, &send_holder, waiting);
}

/* False after answering: the session has ended here, or the body is too long. */
static bool check_send(struct http *http, const struct http1_request *request,
                       const struct route *route)
{
    if (!session_may_exist(route->sessions, route->endpoint, route->session)) {
        sockjs_respond_text(http, route, 404, "No such session.");
        return false;
    }
    if (request->body.len > route->endpoint->limits.sockjs_body_bytes_max) {
        sockjs_respond_text(http, route, 413, "The body is too long.");
        return false;
    }
    return true;
}

void sockjs_xhr_send(struct http *http, const struct http1_request *request,
                     const struct route *route)
{
    if (str_equal(request->method, STR("OPTIONS"))) {
        sockjs_respond_options(http, request, route, "OPTIONS, POST");
        return;
    }
    if (check_send(http, request, route)) {
        receive_body(http, route, request->body, 0, false);
    }
}

static bool is_form(const struct http1_request *request)
{
    const struct str *type = http1_header(request, "Content-Type");
    struct str rest = type == NULL ? (struct str){"", 0} : *type;
    struct str media;
    return str_next(&rest, ';', &media) &&
           str_equal_nocase(str_trim(media), STR("application/x-www-form-urlencoded"));
}

void sockjs_jsonp_send(struct http *http, const struct http1_request *request,
                       const struct route *route)
{
    if (!check_send(http, request, route)) {
        return;
    }
    if (!is_form(request)) {
        receive_body(http, route, request->body, 0, true);
        return;
    }
    struct buf field = {0};
    int code = sockjs_decode_form(request->body, &field);
    receive_body(http, route, buf_str(&field), code, true);
    buf_finish(&field);
}
