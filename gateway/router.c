/* SPDX-License-Identifier: MIT
 *
 * From a request to its handler.
 *
 *   - router_accepted() starts HTTP on a connection with the limits of its listener;
 *   - router_request() finds the endpoint (longest path first), or leaves the request to
 *     pages_respond();
 *   - route_endpoint() checks the origin, then looks the rest of the path up in `rows`;
 *   - route_row() answers 404 for what the endpoint has not, 405 for another method, or calls
 *     the handler.
 *
 * Paths are compared as sent. Server and session are one segment each; what some proxy could
 * read as another path, a file's extension or a path parameter is refused in them (SockJS
 * protocol 0.3.3 and RFC 3986 2.4). The query takes no part in routing. One slash more at the
 * end is accepted.
 */
#include "gateway/router.h"

#include <stdlib.h>

#include "common/log.h"
#include "common/mem.h"
#include "common/settings.h"
#include "gateway/forwarded.h"
#include "gateway/origin.h"
#include "gateway/pages.h"
#include "gateway/sockjs_endpoints.h"
#include "gateway/sockjs_poll.h"
#include "gateway/sockjs_stream.h"
#include "gateway/websocket.h"

#define HEADER_LINE_MAX (8u << 10)

struct router {
    struct runtime *runtime;
    struct sessions *sessions;
    struct pages *pages;                        /* owned */
    const struct endpoint_settings **endpoints; /* owned list, the longest path first */
    struct http1_limits *limits;                /* owned, one for each listener */
};

/* Where beneath an endpoint a row's name stands. */
enum place {
    AT_BASE,    /* the endpoint itself: "" and "/" */
    AT_TOP,     /* /name */
    AT_SESSION, /* /{server}/{session}/name */
};

/* What an endpoint must have for a row to exist; else 404. */
enum {
    NEEDS_SOCKJS = 1,
    NEEDS_WEBSOCKET = 2,
    NEEDS_JSONP = 4,      /* `jsonp`, and no list of origins: a script names no origin */
    NEEDS_ANY_FRAMER = 8, /* no list of origins: the iframe page would be a way around it */
    IS_EMBEDDED = 16,     /* no need: it sends no Origin, Referer is judged instead */
    IS_UPGRADE = 32,      /* no need: the row is for requests to upgrade to WebSocket */
};

struct row {
    enum place place;
    const char *name; /* a `*` stands for 0-9 - . a-z _ */
    const char *methods;
    unsigned flags;
    route_handler handler;
};

/* The first that matches place, name and upgrade. */
static const struct row rows[] = {
    {AT_BASE, "", "GET", NEEDS_WEBSOCKET | IS_UPGRADE, websocket_raw},
    {AT_BASE, "", "GET", NEEDS_SOCKJS, sockjs_greeting},
    {AT_TOP, "info", "OPTIONS, GET", NEEDS_SOCKJS, sockjs_info},
    {AT_TOP, "iframe*.html", "GET", NEEDS_SOCKJS | NEEDS_ANY_FRAMER, sockjs_iframe},
    {AT_TOP, "websocket", "GET", NEEDS_SOCKJS | NEEDS_WEBSOCKET, websocket_raw},
    {AT_SESSION, "websocket", "GET", NEEDS_SOCKJS | NEEDS_WEBSOCKET, websocket_sockjs},
    {AT_SESSION, "xhr", "OPTIONS, POST", NEEDS_SOCKJS, sockjs_xhr},
    {AT_SESSION, "xhr_streaming", "OPTIONS, POST", NEEDS_SOCKJS, sockjs_xhr_streaming},
    {AT_SESSION, "xhr_send", "OPTIONS, POST", NEEDS_SOCKJS, sockjs_xhr_send},
    {AT_SESSION, "eventsource", "GET", NEEDS_SOCKJS, sockjs_eventsource},
    {AT_SESSION, "htmlfile", "GET", NEEDS_SOCKJS | IS_EMBEDDED, sockjs_htmlfile},
    {AT_SESSION, "jsonp", "GET", NEEDS_SOCKJS | NEEDS_JSONP | IS_EMBEDDED, sockjs_jsonp},
    {AT_SESSION, "jsonp_send", "POST", NEEDS_SOCKJS | NEEDS_JSONP | IS_EMBEDDED, sockjs_jsonp_send},
};

/* ---- short answers ---- */

static void respond_absent(struct http *http)
{
    http_respond_text(http, 404, "Not found.\n");
}

static void respond_method(struct http *http, const char *methods)
{
    struct http_head head;
    http_head_init(&head, 405);
    http_head_add_text(&head, "Allow", methods);
    http_head_add_text(&head, "Cache-Control", HTTP_NOT_CACHED);
    http_respond(http, &head, STR(""));
}

static void refuse_origin(struct http *http, const struct router *router,
                          enum origin_verdict verdict, const struct http1_request *request)
{
    const struct str *origin = http1_header(request, "Origin");
    router->runtime->stats.origins_refused++;
    log_event(LOG_INFO, "origin_refused", log_u64("connection", http_conn(http)->number),
              log_str("origin", origin == NULL ? STR("") : *origin));
    if (verdict == ORIGIN_AMBIGUOUS) {
        http_end_after(http);
        http_respond_text(http, 400, "More than one Origin.\n");
        return;
    }
    http_respond_text(http, 403, "Invalid CORS request");
}

/* ---- paths ---- */

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    char lower = (char)(digit | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The byte that begins at text.at[*at], percent-decoded; moves *at to its last character. -1:
 * broken encoding. */
static int decode_byte(struct str text, size_t *at)
{
    if (text.at[*at] != '%') {
        return (uint8_t)text.at[*at];
    }
    int high = text.len - *at > 2 ? hex_value(text.at[*at + 1]) : -1;
    int low = text.len - *at > 2 ? hex_value(text.at[*at + 2]) : -1;
    *at += 2;
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* A server or session: whatever is one segment to everybody on the way. */
static bool is_id(struct str segment)
{
    for (size_t i = 0; i < segment.len; i++) {
        int byte = decode_byte(segment, &i);
        if (byte < 0x20 || byte == 0x7f || byte == '/' || byte == '\\' || byte == '.' ||
            byte == ';') {
            return false;
        }
    }
    return segment.len > 0;
}

static bool is_iframe_byte(char byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || byte == '-' ||
           byte == '.' || byte == '_';
}

static bool name_matches(struct str name, struct str segment)
{
    const char *star = memchr(name.at, '*', name.len);
    if (star == NULL) {
        return str_equal(name, segment);
    }
    size_t before = (size_t)(star - name.at);
    size_t after = name.len - before - 1;
    if (segment.len < before + after || memcmp(segment.at, name.at, before) != 0 ||
        memcmp(segment.at + segment.len - after, star + 1, after) != 0) {
        return false;
    }
    for (size_t i = before; i < segment.len - after; i++) {
        if (!is_iframe_byte(segment.at[i])) {
            return false;
        }
    }
    return true;
}

/* Takes what is behind the endpoint's path apart. False: no row can match. */
static bool parse_rest(struct str rest, enum place *out_place, struct str *out_session,
                       struct str *out_name)
{
    struct str segments[3];
    size_t count = 0;
    *out_session = *out_name = STR("");
    *out_place = AT_BASE;
    if (rest.len <= 1) {
        return true; /* "" or "/" */
    }
    if (rest.at[rest.len - 1] == '/') {
        rest.len--;
    }
    rest = (struct str){rest.at + 1, rest.len - 1};
    while (count < 3 && str_next(&rest, '/', &segments[count])) {
        count++;
    }
    if (rest.at != NULL) {
        return false; /* a fourth segment, or an empty one */
    }
    if (count == 1) {
        *out_place = AT_TOP;
        *out_name = segments[0];
        return segments[0].len > 0;
    }
    if (count != 3 || !is_id(segments[0]) || !is_id(segments[1])) {
        return false;
    }
    *out_place = AT_SESSION;
    *out_session = segments[1];
    *out_name = segments[2];
    return true;
}

static bool wants_websocket(const struct http1_request *request)
{
    const struct str *upgrade = http1_header(request, "Upgrade");
    return request->asks_upgrade && upgrade != NULL && http1_list_has(*upgrade, STR("websocket"));
}

static const struct row *find_row(const struct endpoint_settings *endpoint, enum place place,
                                  struct str name, const struct http1_request *request)
{
    for (size_t i = 0; i < MEM_COUNT(rows); i++) {
        const struct row *row = &rows[i];
        bool fits =
            (row->flags & IS_UPGRADE) == 0 || !endpoint->has_sockjs || wants_websocket(request);
        if (row->place == place && fits && name_matches(str_of(row->name), name)) {
            return row;
        }
    }
    return NULL;
}

/* ---- routing ---- */

static bool endpoint_has(const struct endpoint_settings *endpoint, unsigned flags)
{
    bool has_list = endpoint->allowed_origin_count > 0 && !endpoint->allows_any_origin;
    return !((flags & NEEDS_SOCKJS && !endpoint->has_sockjs) ||
             (flags & NEEDS_WEBSOCKET && !endpoint->has_websocket) ||
             (flags & NEEDS_JSONP && (!endpoint->has_jsonp || has_list)) ||
             (flags & NEEDS_ANY_FRAMER && has_list));
}

static void route_row(const struct router *router, const struct row *row, struct http *http,
                      const struct http1_request *request, const struct route *route)
{
    enum origin_verdict verdict = ORIGIN_ALLOWED;
    if (!endpoint_has(route->endpoint, row->flags)) {
        respond_absent(http);
        return;
    }
    if (!http1_list_has(str_of(row->methods), request->method)) {
        respond_method(http, row->methods);
        return;
    }
    if (row->flags & IS_EMBEDDED) {
        struct origin_own own;
        forwarded_read(router->runtime->settings, http_conn(http), request, &own);
        verdict = origin_check_embedded(request, route->endpoint, &own);
    }
    if (verdict != ORIGIN_ALLOWED) {
        refuse_origin(http, router, verdict, request);
        return;
    }
    row->handler(http, request, route);
}

static void route_endpoint(const struct router *router, const struct endpoint_settings *endpoint,
                           struct http *http, const struct http1_request *request)
{
    const struct str *origin = http1_header(request, "Origin");
    struct origin_own own;
    forwarded_read(router->runtime->settings, http_conn(http), request, &own);
    enum origin_verdict verdict = origin_check(request, endpoint, &own);
    size_t path_len = strlen(endpoint->path);
    struct route route = {
        .runtime = router->runtime,
        .sessions = router->sessions,
        .endpoint = endpoint,
        .origin_given = origin != NULL,
        .origin = origin == NULL ? (struct str){NULL, 0} : *origin,
    };
    if (verdict != ORIGIN_ALLOWED) {
        refuse_origin(http, router, verdict, request);
        return;
    }
    struct str rest = {request->path.at + path_len, request->path.len - path_len};
    enum place place;
    struct str name;
    const struct row *row = NULL;
    if (parse_rest(rest, &place, &route.session, &name)) {
        row = find_row(endpoint, place, name, request);
    }
    if (row == NULL) {
        respond_absent(http);
        return;
    }
    route_row(router, row, http, request, &route);
}

void router_request(struct http *http, const struct http1_request *request, void *data)
{
    const struct router *router = data;
    const struct gateway_settings *settings = router->runtime->settings;
    for (size_t i = 0; i < settings->endpoint_count; i++) {
        struct str path = str_of(router->endpoints[i]->path);
        if (str_starts(request->path, path) &&
            (request->path.len == path.len || request->path.at[path.len] == '/')) {
            route_endpoint(router, router->endpoints[i], http, request);
            return;
        }
    }
    pages_respond(router->pages, http, request);
}

/* ---- beginning and end ---- */

void router_accepted(struct conn *conn, const struct listen_settings *listen, void *data)
{
    struct router *router = data;
    size_t index = (size_t)(listen - router->runtime->settings->listens);
    http_start(conn, &router->limits[index], router_request, router);
}

static int compare_lengths(const void *a, const void *b)
{
    size_t a_len = strlen((*(const struct endpoint_settings *const *)a)->path);
    size_t b_len = strlen((*(const struct endpoint_settings *const *)b)->path);
    return a_len < b_len ? 1 : a_len > b_len ? -1 : 0;
}

/* The body's endpoint is not known when its limit is needed: the largest holds, handlers check
 * their own. */
static struct http1_limits limits_of(const struct gateway_settings *settings,
                                     const struct limits_settings *own)
{
    struct http1_limits limits = {
        .target_bytes = own->http_target_bytes_max,
        .header_bytes = own->http_header_bytes_max,
        .header_count = own->http_headers_max,
        .header_line = HEADER_LINE_MAX,
        .body_bytes = own->sockjs_body_bytes_max,
    };
    for (size_t i = 0; i < settings->endpoint_count; i++) {
        size_t body = settings->endpoints[i].limits.sockjs_body_bytes_max;
        limits.body_bytes = body > limits.body_bytes ? body : limits.body_bytes;
    }
    return limits;
}

int router_create(struct runtime *runtime, struct sessions *sessions, struct router **out_router)
{
    const struct gateway_settings *settings = runtime->settings;
    struct pages *pages;
    int code = pages_create(settings, &pages);
    if (code < 0) {
        return code;
    }
    struct router *router = mem_zalloc(sizeof(*router));
    router->runtime = runtime;
    router->sessions = sessions;
    router->pages = pages;
    router->endpoints = mem_zalloc_array(settings->endpoint_count, sizeof(*router->endpoints));
    for (size_t i = 0; i < settings->endpoint_count; i++) {
        router->endpoints[i] = &settings->endpoints[i];
    }
    qsort(router->endpoints, settings->endpoint_count, sizeof(*router->endpoints), compare_lengths);
    router->limits = mem_zalloc_array(settings->listen_count, sizeof(*router->limits));
    for (size_t i = 0; i < settings->listen_count; i++) {
        router->limits[i] = limits_of(settings, &settings->listens[i].limits);
    }
    *out_router = router;
    return 0;
}

void router_destroy(struct router *router)
{
    if (router == NULL) {
        return;
    }
    pages_destroy(router->pages);
    mem_free(router->endpoints);
    mem_free(router->limits);
    mem_free(router);
}
