/* SPDX-License-Identifier: MIT
 *
 * Which handler a request gets. Handlers, pages and HTTP are stand-ins here that note what the
 * router did.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "common/mem.h"
#include "gateway/pages.h"
#include "gateway/router.h"
#include "gateway/sockjs_endpoints.h"
#include "gateway/sockjs_poll.h"
#include "gateway/sockjs_stream.h"
#include "gateway/websocket.h"

/* ---- stand-ins ---- */

struct http {
    char outcome[64]; /* the handler's name, or the status */
    char session[64];
    char endpoint[32];
    char fields[256]; /* of the answer */
    bool ends;
};

struct pages {
    int unused;
};

static struct conn conn;
static struct pages no_pages;

static void note(struct http *http, const char *outcome, const struct route *route)
{
    assert_string_equal(http->outcome, ""); /* one answer only */
    snprintf(http->outcome, sizeof(http->outcome), "%s", outcome);
    if (route != NULL) {
        snprintf(http->session, sizeof(http->session), "%.*s", (int)route->session.len,
                 route->session.at);
        snprintf(http->endpoint, sizeof(http->endpoint), "%s", route->endpoint->path);
    }
}

#define HANDLER(name)                                                                              \
    void name(struct http *http, const struct http1_request *request, const struct route *route)   \
    {                                                                                              \
        (void)request;                                                                             \
        note(http, #name, route);                                                                  \
    }
HANDLER(sockjs_greeting)
HANDLER(sockjs_info)
HANDLER(sockjs_iframe)
HANDLER(sockjs_xhr)
HANDLER(sockjs_xhr_send)
HANDLER(sockjs_xhr_streaming)
HANDLER(sockjs_eventsource)
HANDLER(sockjs_htmlfile)
HANDLER(sockjs_jsonp)
HANDLER(sockjs_jsonp_send)
HANDLER(websocket_sockjs)
HANDLER(websocket_raw)

int pages_create(const struct gateway_settings *settings, struct pages **out_pages)
{
    (void)settings;
    *out_pages = &no_pages;
    return 0;
}

void pages_destroy(struct pages *pages)
{
    assert_ptr_equal(pages, &no_pages);
}

void pages_respond(const struct pages *pages, struct http *http,
                   const struct http1_request *request)
{
    (void)pages;
    (void)request;
    note(http, "pages", NULL);
}

void http_start(struct conn *of, const struct http1_limits *limits, http_request_cb on_request,
                void *data)
{
    (void)of;
    (void)limits;
    (void)on_request;
    (void)data;
}

void http_head_init(struct http_head *head, unsigned status)
{
    *head = (struct http_head){.status = status};
}

void http_head_add(struct http_head *head, const char *name, struct str value)
{
    buf_append_format(&head->fields, "%s: %.*s\n", name, (int)value.len, value.at);
}

void http_head_add_text(struct http_head *head, const char *name, const char *value)
{
    http_head_add(head, name, str_of(value));
}

void http_respond(struct http *http, struct http_head *head, struct str body)
{
    char status[8];
    snprintf(status, sizeof(status), "%u", head->status);
    snprintf(http->fields, sizeof(http->fields), "%.*s", (int)head->fields.len,
             (char *)head->fields.data);
    buf_finish(&head->fields);
    assert_int_equal(body.len, 0);
    note(http, status, NULL);
}

void http_respond_text(struct http *http, unsigned status, const char *text)
{
    char outcome[8];
    (void)text;
    snprintf(outcome, sizeof(outcome), "%u", status);
    note(http, outcome, NULL);
}

void http_end_after(struct http *http)
{
    http->ends = true;
}

struct conn *http_conn(struct http *http)
{
    (void)http;
    return &conn;
}

/* ---- asking ---- */

static char *any_origin[] = {(char *)"*"};
static char *listed_origin[] = {(char *)"https://a.example"};

static struct endpoint_settings endpoints[] = {
    {.path = (char *)"/ws", .has_sockjs = true, .has_websocket = true},
    {.path = (char *)"/coco",
     .has_sockjs = true,
     .has_websocket = true,
     .has_jsonp = true,
     .allowed_origins = any_origin,
     .allowed_origin_count = 1,
     .allows_any_origin = true},
    {.path = (char *)"/coco/chat",
     .has_sockjs = true,
     .has_websocket = true,
     .has_jsonp = true, /* "jsonp": true does not help where there is a list */
     .allowed_origins = listed_origin,
     .allowed_origin_count = 1},
    {.path = (char *)"/own", .has_sockjs = true, .has_websocket = true, .has_jsonp = true},
    {.path = (char *)"/nows", .has_sockjs = true},
    {.path = (char *)"/stomp", .has_websocket = true},
    {.path = (char *)"/a/b.c", .has_sockjs = true, .has_websocket = true},
};

static struct gateway_settings settings = {.endpoints = endpoints,
                                           .endpoint_count = MEM_COUNT(endpoints)};
static struct runtime runtime = {.settings = &settings};

struct question {
    const char *method;
    const char *path;
    const char *outcome;
    const char *header; /* one more request header, "Name: value"; NULL: none */
};

static struct http ask(struct router *router, const struct question *question)
{
    struct http1_header headers[4] = {{STR("Host"), STR("h")}};
    struct http1_request request = {.method = str_of(question->method),
                                    .target = str_of(question->path),
                                    .headers = headers,
                                    .header_count = 1,
                                    .minor = 1};
    struct str rest = request.target;
    struct http http = {0};
    if (!str_next(&rest, '?', &request.path)) {
        request.path = request.target;
    }
    request.query = rest;
    if (question->header != NULL && strcmp(question->header, "upgrade") == 0) {
        headers[1] = (struct http1_header){STR("Upgrade"), STR("WebSocket")};
        headers[2] = (struct http1_header){STR("Connection"), STR("keep-alive, Upgrade")};
        request.header_count = 3;
        request.asks_upgrade = true;
    } else if (question->header != NULL) {
        const char *colon = strchr(question->header, ':');
        headers[1].name = (struct str){question->header, (size_t)(colon - question->header)};
        headers[1].value = str_of(colon + 2);
        request.header_count = 2;
    }
    router_request(&http, &request, router);
    return http;
}

static void ask_all(const struct question *questions, size_t count)
{
    struct router *router;
    assert_int_equal(router_create(&runtime, NULL, &router), 0);
    for (size_t i = 0; i < count; i++) {
        struct http http = ask(router, &questions[i]);
        if (strcmp(http.outcome, questions[i].outcome) != 0) {
            fail_msg("row %zu: %s %s (%s): %s", i, questions[i].method, questions[i].path,
                     questions[i].header == NULL ? "" : questions[i].header, http.outcome);
        }
    }
    router_destroy(router);
}

static void each_sockjs_path_has_its_handler(void **state)
{
    static const struct question questions[] = {
        {"GET", "/coco", "sockjs_greeting", NULL},
        {"GET", "/coco/", "sockjs_greeting", NULL},
        {"GET", "/coco?t=1", "sockjs_greeting", NULL},
        {"GET", "/coco/info", "sockjs_info", NULL},
        {"OPTIONS", "/coco/info", "sockjs_info", NULL},
        {"GET", "/coco/info?t=1&token=a/b", "sockjs_info", NULL},
        {"GET", "/coco/websocket", "websocket_raw", NULL},
        {"GET", "/coco/websocket", "websocket_raw", "upgrade"},
        {"GET", "/coco/0/s/websocket", "websocket_sockjs", "upgrade"},
        {"POST", "/coco/0/s/xhr", "sockjs_xhr", NULL},
        {"OPTIONS", "/coco/0/s/xhr", "sockjs_xhr", NULL},
        {"POST", "/coco/0/s/xhr_send", "sockjs_xhr_send", NULL},
        {"POST", "/coco/0/s/xhr_streaming", "sockjs_xhr_streaming", NULL},
        {"GET", "/coco/0/s/eventsource", "sockjs_eventsource", NULL},
        {"GET", "/coco/0/s/htmlfile?c=x", "sockjs_htmlfile", NULL},
        {"GET", "/coco/0/s/jsonp?c=x", "sockjs_jsonp", NULL},
        {"POST", "/coco/0/s/jsonp_send", "sockjs_jsonp_send", NULL},
        /* one slash more at the end */
        {"GET", "/coco/info/", "sockjs_info", NULL},
        {"POST", "/coco/0/s/xhr/", "sockjs_xhr", NULL},
    };
    (void)state;
    ask_all(questions, MEM_COUNT(questions));
}

static void iframe_pages_are_named_by_a_narrow_pattern(void **state)
{
    static const struct question questions[] = {
        {"GET", "/coco/iframe.html", "sockjs_iframe", NULL},
        {"GET", "/coco/iframe.html?t=1", "sockjs_iframe", NULL},
        {"GET", "/coco/iframe-a.html", "sockjs_iframe", NULL},
        {"GET", "/coco/iframe-0.1.2-abc-dirty.2144.html", "sockjs_iframe", NULL},
        {"GET", "/coco/iframe_.html", "sockjs_iframe", NULL},
        {"GET", "/coco/iframe.htm", "404", NULL},
        {"GET", "/coco/iframe", "404", NULL},
        {"GET", "/coco/IFRAME.html", "404", NULL},
        {"GET", "/coco/IFRAME", "404", NULL},
        {"GET", "/coco/iframe.HTML", "404", NULL},
        {"GET", "/coco/iframe.xml", "404", NULL},
        {"GET", "/coco/iframe-A.html", "404", NULL},
        {"GET", "/coco/iframe-/.html", "404", NULL},
        {"GET", "/coco/iframe%2e.html", "404", NULL},
        {"GET", "/coco/iframe;.html", "404", NULL},
        {"GET", "/coco/iframhtml", "404", NULL},
        {"POST", "/coco/iframe.html", "405", NULL},
    };
    (void)state;
    ask_all(questions, MEM_COUNT(questions));
}

static void a_session_path_has_three_segments_and_plain_ids(void **state)
{
    static const char *const bad[] = {
        "//",           "///",          "////",         "/a",
        "/a/",          "/a.html",      "/a/a",         "/a/a/",
        "/a/a/a",       "/a/a/XHR",     "//xhr",        "///xhr",
        "/a//xhr",      "//a/xhr",      "/a/a//xhr",    "/a/a/xhr//",
        "/a/a/xhr/x",   "/a/a/a/xhr",   "/a./a/xhr",    "/a/a./xhr",
        "/a/.a/xhr",    "/./a/xhr",     "/../a/xhr",    "/a/../xhr",
        "/a.b/c/xhr",   "/a/a%2e/xhr",  "/a/a%2Eb/xhr", "/a%2e/a/xhr",
        "/a/b%2fc/xhr", "/a/b%2Fc/xhr", "/a%2Fb/c/xhr", "/a/%00/xhr",
        "/a/b%00/xhr",  "/a/%1f/xhr",   "/a/%7F/xhr",   "/a/%0d%0a/xhr",
        "/a/%5c/xhr",   "/a/\\/xhr",    "/a/b;c/xhr",   "/a;b/c/xhr",
        "/a/b%3bc/xhr", "/a/a/xhr;",    "/a/a/xhr;x",   "/a/a/xhr.bat",
        "/a/a/xhr%20",  "/a/a/%78hr",   "/a/%/xhr",     "/a/%2/xhr",
        "/a/%zz/xhr",   "/a/a%",        "/info/info",   "/info;x",
        "/infox",       "/websocket/x", "/Info",
    };
    static const char *const good[] = {"/a/a",
                                       "/_/_",
                                       "/1/abc",
                                       "/a/%20",
                                       "/000/abcd1234",
                                       "/abcdefgh_i-j%20/abcdefg_i-j%20",
                                       "/a/~!$&'()*+,=:@"};
    struct router *router;
    (void)state;
    assert_int_equal(router_create(&runtime, NULL, &router), 0);
    for (size_t i = 0; i < MEM_COUNT(bad); i++) {
        for (size_t post = 0; post < 2; post++) {
            char path[128];
            snprintf(path, sizeof(path), "/coco%s", bad[i]);
            struct question question = {post != 0 ? "POST" : "GET", path, "404", NULL};
            struct http http = ask(router, &question);
            if (strcmp(http.outcome, "404") != 0) {
                fail_msg("%s: %s", path, http.outcome);
            }
        }
    }
    for (size_t i = 0; i < MEM_COUNT(good); i++) {
        char path[128];
        snprintf(path, sizeof(path), "/coco%s/xhr", good[i]);
        struct question question = {"POST", path, "sockjs_xhr", NULL};
        struct http http = ask(router, &question);
        if (strcmp(http.outcome, "sockjs_xhr") != 0) {
            fail_msg("%s: %s", path, http.outcome);
        }
    }
    router_destroy(router);
}

static void the_server_segment_is_ignored_and_the_session_as_sent(void **state)
{
    static const struct question questions[] = {{"POST", "/ws/000/a%20b/xhr", "", NULL},
                                                {"POST", "/ws/999/a%20b/xhr", "", NULL}};
    struct router *router;
    (void)state;
    assert_int_equal(router_create(&runtime, NULL, &router), 0);
    for (size_t i = 0; i < MEM_COUNT(questions); i++) {
        struct http http = ask(router, &questions[i]);
        assert_string_equal(http.session, "a%20b");
    }
    router_destroy(router);
}

static void the_longest_endpoint_wins_at_whole_segments(void **state)
{
    static const struct {
        const char *path;
        const char *endpoint; /* "": none */
    } rows[] = {
        {"/coco", "/coco"},
        {"/coco/", "/coco"},
        {"/coco/info", "/coco"},
        {"/coco/0/s/eventsource", "/coco"},
        {"/coco/chat", "/coco/chat"},
        {"/coco/chat/", "/coco/chat"},
        {"/coco/chat/info", "/coco/chat"},
        {"/coco/chat/eventsource", ""},         /* not the session "chat" of /coco */
        {"/coco/chats/s/eventsource", "/coco"}, /* a server called "chats" */
        {"/cocos/info", ""},
        {"/a/b.c/info", "/a/b.c"},
        {"/a/info", ""},
        {"/a/bXc/info", ""},
        {"/WS/info", ""},
        {"//ws/info", ""},
        {"/ws/../coco/info", ""},
    };
    struct router *router;
    (void)state;
    assert_int_equal(router_create(&runtime, NULL, &router), 0);
    for (size_t i = 0; i < MEM_COUNT(rows); i++) {
        struct question question = {"GET", rows[i].path, "", NULL};
        struct http http = ask(router, &question);
        if (strcmp(http.endpoint, rows[i].endpoint) != 0) {
            fail_msg("%s: %s", rows[i].path, http.endpoint);
        }
    }
    router_destroy(router);
}

static void another_method_is_answered_405_with_allow_and_no_type(void **state)
{
    static const struct {
        const char *path;
        const char *allow;
    } rows[] = {
        {"/coco", "GET"},
        {"/coco/info", "OPTIONS, GET"},
        {"/coco/iframe.html", "GET"},
        {"/coco/websocket", "GET"},
        {"/coco/0/s/websocket", "GET"},
        {"/coco/0/s/xhr", "OPTIONS, POST"},
        {"/coco/0/s/xhr_send", "OPTIONS, POST"},
        {"/coco/0/s/xhr_streaming", "OPTIONS, POST"},
        {"/coco/0/s/eventsource", "GET"},
        {"/coco/0/s/htmlfile", "GET"},
        {"/coco/0/s/jsonp", "GET"},
        {"/coco/0/s/jsonp_send", "POST"},
        {"/stomp", "GET"},
    };
    static const char *const methods[] = {"GET", "HEAD", "POST", "OPTIONS"};
    struct router *router;
    (void)state;
    assert_int_equal(router_create(&runtime, NULL, &router), 0);
    for (size_t i = 0; i < MEM_COUNT(rows); i++) {
        for (size_t m = 0; m < MEM_COUNT(methods); m++) {
            for (size_t upgrade = 0; upgrade < 2; upgrade++) {
                struct question question = {methods[m], rows[i].path, "",
                                            upgrade != 0 ? "upgrade" : NULL};
                struct http http = ask(router, &question);
                bool is_allowed = http1_list_has(str_of(rows[i].allow), str_of(methods[m]));
                char allow[64];
                snprintf(allow, sizeof(allow), "Allow: %s\n",
                         upgrade != 0 && i == 0 ? "GET" : rows[i].allow);
                if (is_allowed == (strcmp(http.outcome, "405") == 0) ||
                    (!is_allowed && strncmp(http.fields, allow, strlen(allow)) != 0) ||
                    strstr(http.fields, "Content-Type") != NULL) {
                    fail_msg("%s %s: %s %s", methods[m], rows[i].path, http.outcome, http.fields);
                }
            }
        }
    }
    router_destroy(router);
}

static void what_an_endpoint_has_not_is_404(void **state)
{
    static const struct question questions[] = {
        /* no SockJS: only a WebSocket at the path itself */
        {"GET", "/stomp", "websocket_raw", NULL},
        {"GET", "/stomp", "websocket_raw", "upgrade"},
        {"GET", "/stomp/", "websocket_raw", "upgrade"},
        {"GET", "/stomp/info", "404", NULL},
        {"GET", "/stomp/websocket", "404", "upgrade"},
        {"GET", "/stomp/0/s/websocket", "404", "upgrade"},
        {"POST", "/stomp/0/s/xhr", "404", NULL},
        {"GET", "/stomp/iframe.html", "404", NULL},
        /* SockJS: a WebSocket at the path itself as well */
        {"GET", "/ws", "websocket_raw", "upgrade"},
        {"GET", "/ws/", "websocket_raw", "upgrade"},
        {"GET", "/ws", "sockjs_greeting", "Upgrade: websocket"}, /* without Connection: upgrade */
        /* no WebSocket */
        {"GET", "/nows", "sockjs_greeting", NULL},
        {"GET", "/nows", "404", "upgrade"},
        {"GET", "/nows/websocket", "404", "upgrade"},
        {"GET", "/nows/websocket", "404", NULL},
        {"GET", "/nows/0/s/websocket", "404", "upgrade"},
        {"POST", "/nows/0/s/websocket", "404", NULL},
        {"POST", "/nows/0/s/xhr", "sockjs_xhr", NULL},
        /* no endpoint */
        {"GET", "/", "pages", NULL},
        {"GET", "/other", "pages", NULL},
        {"POST", "/wss", "pages", NULL},
        {"OPTIONS", "*", "pages", NULL},
    };
    (void)state;
    ask_all(questions, MEM_COUNT(questions));
}

static void scripts_and_frames_follow_the_origin_setting(void **state)
{
    static const struct question questions[] = {
        /* same origin only */
        {"GET", "/ws/iframe.html", "sockjs_iframe", NULL},
        {"GET", "/ws/0/s/htmlfile", "sockjs_htmlfile", NULL},
        {"GET", "/ws/0/s/htmlfile", "sockjs_htmlfile", "Referer: http://h/page"},
        {"GET", "/ws/0/s/htmlfile", "403", "Referer: http://evil.example/page"},
        {"GET", "/ws/0/s/htmlfile", "403", "Sec-Fetch-Site: cross-site"},
        {"GET", "/ws/0/s/htmlfile", "sockjs_htmlfile", "Sec-Fetch-Site: same-origin"},
        {"GET", "/ws/0/s/jsonp", "404", NULL},
        {"POST", "/ws/0/s/jsonp_send", "404", NULL},
        {"GET", "/own/0/s/jsonp", "sockjs_jsonp", NULL},
        {"GET", "/own/0/s/jsonp", "403", "Referer: http://evil.example/page"},
        {"POST", "/own/0/s/jsonp_send", "403", "Referer: http://evil.example/page"},
        /* any */
        {"GET", "/coco/iframe.html", "sockjs_iframe", NULL},
        {"GET", "/coco/0/s/jsonp", "sockjs_jsonp", "Referer: http://evil.example/page"},
        {"GET", "/coco/0/s/htmlfile", "sockjs_htmlfile", "Sec-Fetch-Site: cross-site"},
        /* a list */
        {"GET", "/coco/chat/iframe.html", "404", NULL},
        {"GET", "/coco/chat/0/s/jsonp", "404", NULL},
        {"POST", "/coco/chat/0/s/jsonp_send", "404", NULL},
        {"GET", "/coco/chat/0/s/htmlfile", "sockjs_htmlfile", NULL},
        {"GET", "/coco/chat/0/s/htmlfile", "sockjs_htmlfile", "Referer: https://a.example/page"},
        {"GET", "/coco/chat/0/s/htmlfile", "403", "Referer: https://b.example/page"},
    };
    (void)state;
    ask_all(questions, MEM_COUNT(questions));
}

static void an_origin_that_is_not_allowed_gets_403_everywhere_and_is_counted(void **state)
{
    static const char *const paths[] = {"/ws",          "/ws/info",          "/ws/websocket",
                                        "/ws/0/s/xhr",  "/ws/0/s/websocket", "/ws/0/s/xhr_send",
                                        "/ws/nonsense", "/ws/iframe.html",   "/coco/chat/info",
                                        "/stomp"};
    static const char *const methods[] = {"GET", "POST", "OPTIONS"};
    struct router *router;
    uint64_t count = 0;
    (void)state;
    assert_int_equal(router_create(&runtime, NULL, &router), 0);
    runtime.stats.origins_refused = 0;
    for (size_t i = 0; i < MEM_COUNT(paths); i++) {
        for (size_t m = 0; m < MEM_COUNT(methods); m++) {
            struct question question = {methods[m], paths[i], "", "Origin: https://evil.example"};
            struct http http = ask(router, &question);
            assert_string_equal(http.outcome, "403");
            assert_int_equal(runtime.stats.origins_refused, ++count);
        }
    }
    router_destroy(router);
}

static void an_allowed_origin_reaches_the_handler(void **state)
{
    static const struct question questions[] = {
        {"GET", "/ws/info", "sockjs_info", "Origin: http://h"},
        {"GET", "/coco/info", "sockjs_info", "Origin: https://evil.example"},
        {"GET", "/coco/info", "sockjs_info", "Origin: null"},
        {"GET", "/coco/chat/info", "sockjs_info", "Origin: https://a.example"},
        {"GET", "/coco/chat/websocket", "websocket_raw", "Origin: https://a.example"},
        {"GET", "/coco/chat/info", "403", "Origin: null"},
        {"GET", "/other", "pages", "Origin: https://evil.example"},
    };
    (void)state;
    ask_all(questions, MEM_COUNT(questions));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_sockjs_path_has_its_handler),
        cmocka_unit_test(iframe_pages_are_named_by_a_narrow_pattern),
        cmocka_unit_test(a_session_path_has_three_segments_and_plain_ids),
        cmocka_unit_test(the_server_segment_is_ignored_and_the_session_as_sent),
        cmocka_unit_test(the_longest_endpoint_wins_at_whole_segments),
        cmocka_unit_test(another_method_is_answered_405_with_allow_and_no_type),
        cmocka_unit_test(what_an_endpoint_has_not_is_404),
        cmocka_unit_test(scripts_and_frames_follow_the_origin_setting),
        cmocka_unit_test(an_origin_that_is_not_allowed_gets_403_everywhere_and_is_counted),
        cmocka_unit_test(an_allowed_origin_reaches_the_handler),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
