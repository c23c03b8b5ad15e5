/* SPDX-License-Identifier: MIT
 *
 * Rules of the configuration that a row's bounds cannot say, and what follows from the values.
 *
 *   settings_check_*() judge one text each, while it is read;
 *   settings_derive() runs once all sources are in: listeners taken apart, defaults that depend on the
 *   host or on other options;
 *   settings_check() then judges options against each other, and warns of what is allowed but doubtful.
 *
 * Nothing here looks at files or sockets: a configuration can be checked on another machine.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/network.h"
#include "common/settings_internal.h"

#define SEGMENTS_MAX 16 /* of a pattern */
#define ORIGIN_BYTES_MAX 2048
#define STOMP_BYTES_MAX ((size_t)16 << 20) /* half of what a link message may be */
#define RESTORE_BYTES ((size_t)72 << 10)   /* of the link's RESTORE, without subscriptions */
#define RESTORED_BYTES 16                  /* beside each one's destination */

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~", c) != NULL);
}

const char *settings_check_endpoint_path(const char *path)
{
    static const char *const expected =
        "expected a path such as \"/ws\" or \"/chat/ws\": it begins "
        "with a slash, does not end with one, and between them are "
        "letters, digits, - . _ ~";
    struct str rest = str_of(path), segment;
    if (!str_next(&rest, '/', &segment) || segment.len != 0 || rest.len == 0) {
        return expected;
    }
    while (str_next(&rest, '/', &segment)) {
        bool is_dots = str_equal(segment, STR(".")) || str_equal(segment, STR(".."));
        for (size_t i = 0; i < segment.len; i++) {
            is_dots = is_dots || !is_unreserved(segment.at[i]);
        }
        if (segment.len == 0 || is_dots) {
            return expected;
        }
    }
    return NULL;
}

const char *settings_check_pages_path(const char *path)
{
    if (strcmp(path, "/") == 0 || settings_check_endpoint_path(path) == NULL) {
        return NULL;
    }
    return "expected \"/\" or a path such as \"/demo\": letters, digits, - . _ ~ between slashes, "
           "none at the end";
}

static bool is_visible(const char *text)
{
    while (*text > ' ' && *text < 0x7f) {
        text++;
    }
    return *text == '\0';
}

const char *settings_check_origin(const char *pattern)
{
    if (*pattern == '\0' || strlen(pattern) > ORIGIN_BYTES_MAX || !is_visible(pattern)) {
        return "expected a pattern of origins such as \"https://*.example.org\", of 1 to 2048 "
               "visible "
               "characters";
    }
    return NULL;
}

/* It stands in a script element of a page: what could end the attribute is refused here already. */
const char *settings_check_library(const char *path)
{
    struct str text = str_of(path);
    bool is_path = path[0] == '/' && path[1] != '/';
    bool is_url = str_starts(text, STR("http://")) || str_starts(text, STR("https://"));
    if ((!is_path && !is_url) || !is_visible(path) || strpbrk(path, "\"'<>\\`") != NULL) {
        return "expected a path that begins with a slash, or an http:// or https:// URL, without "
               "quotes or angle brackets";
    }
    return NULL;
}

const char *settings_check_store(const char *store)
{
    return strcmp(store, "memory") == 0 ? NULL : "expected \"memory\": others are not built yet";
}

/* What proto/destination.h takes for a pattern, but for braces, which would capture nothing here. */
const char *settings_check_kept(const char *match)
{
    size_t segments = 1;
    bool is_text = true;
    for (const char *at = match; *at != '\0'; at++) {
        unsigned char byte = (unsigned char)*at;
        segments += byte == '/';
        is_text = is_text && byte >= ' ' && byte != 0x7f && byte != '{' && byte != '}';
    }
    return is_text && segments <= SEGMENTS_MAX ? NULL
                                               : "expected a destination, or a pattern of *, ? and "
                                                 "** without braces, of at most 16 "
                                                 "segments";
}

const char *settings_check_name(const char *name)
{
    return is_visible(name) ? NULL : "expected visible ASCII characters without spaces";
}

const char *settings_check_network(const char *network)
{
    struct network parsed;
    return network_parse(network, &parsed)
               ? NULL
               : "expected an address or a network such as \"127.0.0.1\" or \"10.0.0.0/8\"";
}

static void derive_broker(struct broker_settings *broker)
{
    if (broker->allow_uids == NULL) {
        broker->allow_uids = mem_zalloc_array(2, sizeof(uint32_t));
        broker->allow_uids[0] = geteuid();
        broker->allow_uids[1] = 0;
        broker->allow_uid_count = geteuid() == 0 ? 1 : 2;
    }
}

static void derive_endpoint(struct endpoint_settings *endpoint)
{
    for (size_t i = 0; i < endpoint->allowed_origin_count; i++) {
        if (strcmp(endpoint->allowed_origins[i], "*") == 0) {
            endpoint->allows_any_origin = true;
        }
    }
    endpoint->has_jsonp = endpoint->jsonp == CHOICE_YES ||
                          (endpoint->jsonp == CHOICE_ABSENT && endpoint->allows_any_origin);
}

static void derive_name(struct gateway_settings *gateway)
{
    char host[256] = "";
    if (gateway->name != NULL) {
        return;
    }
    if (gethostname(host, sizeof(host) - 1) != 0 || host[0] == '\0' || !is_visible(host)) {
        (void)snprintf(host, sizeof(host), "gateway");
    }
    gateway->name = mem_strdup(host);
}

static bool is_all_loopback(const struct gateway_settings *gateway)
{
    for (size_t i = 0; i < gateway->listen_count; i++) {
        if (!gateway->listens[i].is_loopback) {
            return false;
        }
    }
    return true;
}

static void derive_admin(struct admin_settings *admin)
{
    enum listen_scheme scheme;
    bool is_loopback;
    if (admin->listen != NULL && admin->host == NULL) {
        const char *wrong =
            settings_parse_listen(admin->listen, &scheme, &admin->host, &admin->port, &is_loopback);
        (void)wrong; /* it was judged when it was read */
    }
}

void settings_derive(struct settings *settings)
{
    struct gateway_settings *gateway = &settings->gateway;
    derive_broker(&settings->broker);
    derive_admin(&settings->broker.admin);
    derive_admin(&gateway->admin);
    derive_name(gateway);
    for (size_t i = 0; i < gateway->listen_count; i++) {
        struct listen_settings *listen = &gateway->listens[i];
        if (listen->host == NULL) {
            const char *wrong = settings_parse_listen(listen->url, &listen->scheme, &listen->host,
                                                      &listen->port, &listen->is_loopback);
            (void)wrong; /* it was judged when it was read */
        }
    }
    for (size_t i = 0; i < gateway->endpoint_count; i++) {
        derive_endpoint(&gateway->endpoints[i]);
    }
    settings_derive_rules(gateway);
    gateway->auth.allows_anonymous =
        gateway->auth.anonymous == CHOICE_YES ||
        (gateway->auth.anonymous == CHOICE_ABSENT && is_all_loopback(gateway) &&
         !settings_has_jwt(&gateway->auth));
}

static const char *format_path(struct buf *out, const char *list, size_t index, const char *name)
{
    out->len = 0;
    buf_append_format(out, "gateway.%s[%zu].%s", list, index, name);
    buf_append_byte(out, '\0');
    return (const char *)out->data;
}

/* A listener the whole world may reach asks for a decision in words. */
static void check_exposure(const struct gateway_settings *gateway, struct options *options,
                           settings_warn_cb warn)
{
    struct buf path = {0};
    size_t open = 0;
    while (open < gateway->listen_count && gateway->listens[open].is_loopback) {
        open++;
    }
    bool has_login = settings_has_jwt(&gateway->auth);
    if (gateway->auth.anonymous == CHOICE_NO && !has_login) {
        warn("gateway.auth.anonymous",
             "false, and no other way to log in: every CONNECT is refused");
    }
    if (open == gateway->listen_count) {
        return;
    }
    if (gateway->auth.anonymous == CHOICE_ABSENT && !has_login) {
        options_fail(options, "gateway.auth.anonymous",
                     "gateway.listen[%zu] (\"%s\") is not a loopback address: say in words whether "
                     "everybody may connect without a login (\"anonymous\": true), or listen on "
                     "127.0.0.1",
                     open, gateway->listens[open].url);
    }
    for (size_t i = 0; i < gateway->endpoint_count; i++) {
        if (gateway->endpoints[i].service != SERVICE_STOMP) {
            options_fail(
                options, format_path(&path, "endpoints", i, "service"),
                "expected \"stomp\": echo and close are for conformance suites on loopback "
                "addresses, and gateway.listen[%zu] (\"%s\") is none",
                open, gateway->listens[open].url);
        }
    }
    buf_finish(&path);
}

static void check_duplicates(const struct gateway_settings *gateway, struct options *options)
{
    struct buf path = {0};
    for (size_t i = 1; i < gateway->endpoint_count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(gateway->endpoints[i].path, gateway->endpoints[j].path) == 0) {
                options_fail(options, format_path(&path, "endpoints", i, "path"),
                             "\"%s\" is the path of gateway.endpoints[%zu] already",
                             gateway->endpoints[i].path, j);
                break;
            }
        }
    }
    for (size_t i = 1; i < gateway->page_count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(gateway->pages[i].path, gateway->pages[j].path) == 0) {
                options_fail(options, format_path(&path, "pages", i, "path"),
                             "\"%s\" is the path of gateway.pages[%zu] already",
                             gateway->pages[i].path, j);
                break;
            }
        }
    }
    buf_finish(&path);
}

struct size_rule {
    const struct settings *settings;
    struct options *options;
    const char *name; /* of the limit */
    size_t common;    /* what gateway.limits says */
    size_t parts;     /* of the window: it may have one */
    bool is_told;     /* an error about that one was added */
};

/* A message that can never get the credit it needs would wait for ever. */
static void check_size(struct size_rule *rule, const char *list, size_t index, size_t bytes)
{
    size_t window = rule->settings->broker.message_window_bytes;
    bool is_common = bytes == rule->common;
    struct buf path = {0};
    if ((bytes <= STOMP_BYTES_MAX && bytes <= window / rule->parts) ||
        (is_common && rule->is_told)) {
        return;
    }
    rule->is_told = rule->is_told || is_common;
    if (is_common) {
        buf_append_text(&path, "gateway.limits.");
    } else {
        buf_append_format(&path, "gateway.%s[%zu].limits.", list, index);
    }
    buf_append_text(&path, rule->name);
    buf_append_byte(&path, '\0');
    if (bytes > STOMP_BYTES_MAX) {
        options_fail(rule->options, (const char *)path.data,
                     "expected at most \"16MiB\" where the service is stomp, got %zuB", bytes);
    } else {
        options_fail(rule->options, (const char *)path.data,
                     "expected at most %s of broker.message_window (%zuB), got %zuB",
                     rule->parts == 2 ? "half" : "a quarter", window, bytes);
    }
    buf_finish(&path);
}

/* Likewise what a gateway says of a session to a new broker: all its subscriptions, and its state. */
static bool check_restore(const struct settings *settings, struct options *options,
                          const char *list, size_t index, const struct limits_settings *limits)
{
    const struct broker_settings *broker = &settings->broker;
    size_t count = limits->subscriptions_max < broker->subscriptions_max
                       ? limits->subscriptions_max
                       : broker->subscriptions_max;
    size_t bytes = RESTORE_BYTES + count * (limits->destination_bytes_max + RESTORED_BYTES);
    struct buf path = {0};
    if (bytes <= broker->message_window_bytes / 4 * 3) {
        return true;
    }
    bool is_common = limits->subscriptions_max == settings->gateway.limits.subscriptions_max;
    options_fail(options,
                 is_common ? "gateway.limits.subscriptions"
                           : format_path(&path, list, index, "limits.subscriptions"),
                 "%zu of limits.destination_length (%zuB) make %zuB: more than three quarters of "
                 "broker.message_window (%zuB)",
                 count, limits->destination_bytes_max, bytes, broker->message_window_bytes);
    buf_finish(&path);
    return false;
}

/* The first that is wrong: the others have the same limits, mostly. */
static void check_restores(const struct settings *settings, struct options *options)
{
    const struct gateway_settings *gateway = &settings->gateway;
    bool is_right = true;
    for (size_t i = 0; i < gateway->listen_count && is_right; i++) {
        is_right = listen_is_http(gateway->listens[i].scheme) ||
                   check_restore(settings, options, "listen", i, &gateway->listens[i].limits);
    }
    for (size_t i = 0; i < gateway->endpoint_count && is_right; i++) {
        const struct endpoint_settings *endpoint = &gateway->endpoints[i];
        is_right = endpoint->service != SERVICE_STOMP ||
                   check_restore(settings, options, "endpoints", i, &endpoint->limits);
    }
}

static void check_sizes(const struct settings *settings, struct options *options)
{
    const struct gateway_settings *gateway = &settings->gateway;
    const struct limits_settings *common = &gateway->limits;
    struct size_rule tcp = {settings, options, "tcp_message_size", common->tcp_message_bytes_max,
                            2,        false};
    struct size_rule message = {settings, options, "message_size", common->message_bytes_max,
                                2,        false};
    struct size_rule body = {settings, options, "sockjs_body_size", common->sockjs_body_bytes_max,
                             2,        false};
    struct size_rule transaction = {
        settings, options, "transaction_size", common->transaction_bytes_max, 4, false};
    for (size_t i = 0; i < gateway->listen_count; i++) {
        if (!listen_is_http(gateway->listens[i].scheme)) {
            check_size(&tcp, "listen", i, gateway->listens[i].limits.tcp_message_bytes_max);
            check_size(&transaction, "listen", i, gateway->listens[i].limits.transaction_bytes_max);
        }
    }
    for (size_t i = 0; i < gateway->endpoint_count; i++) {
        const struct endpoint_settings *endpoint = &gateway->endpoints[i];
        if (endpoint->service == SERVICE_STOMP) {
            check_size(&message, "endpoints", i, endpoint->limits.message_bytes_max);
            check_size(&transaction, "endpoints", i, endpoint->limits.transaction_bytes_max);
            check_size(&body, "endpoints", i, endpoint->limits.sockjs_body_bytes_max);
        }
    }
}

/* A `*` that is not followed by a dot takes in hosts of other people: "*example.com" is also
 * "evilexample.com". ":[*]" is about ports. */
static bool is_too_broad(const char *pattern)
{
    for (const char *star = pattern; (star = strchr(star, '*')) != NULL; star++) {
        bool is_port = star - pattern >= 2 && star[-1] == '[' && star[-2] == ':' && star[1] == ']';
        if (star[1] != '.' && !is_port) {
            return true;
        }
    }
    return false;
}

static void warn_origins(const struct gateway_settings *gateway, settings_warn_cb warn)
{
    struct buf path = {0}, name = {0};
    for (size_t i = 0; i < gateway->endpoint_count; i++) {
        const struct endpoint_settings *endpoint = &gateway->endpoints[i];
        for (size_t j = 0; j < endpoint->allowed_origin_count; j++) {
            if (!is_too_broad(endpoint->allowed_origins[j])) {
                continue;
            }
            name.len = 0;
            buf_append_format(&name, "allowed_origins[%zu]", j);
            buf_append_byte(&name, '\0');
            warn(format_path(&path, "endpoints", i, (const char *)name.data),
                 strcmp(endpoint->allowed_origins[j], "*") == 0
                     ? "\"*\" lets pages of every origin connect"
                     : "a \"*\" not followed by \".\" takes in hosts of other owners");
        }
    }
    buf_finish(&path);
    buf_finish(&name);
}

void settings_check(const struct settings *settings, enum settings_program program,
                    struct options *options, settings_warn_cb warn)
{
    if (program == SETTINGS_GATEWAY) {
        check_exposure(&settings->gateway, options, warn);
        settings_check_auth(&settings->gateway, options, warn);
        check_duplicates(&settings->gateway, options);
        check_sizes(settings, options);
        settings_check_tls(&settings->gateway, options);
        check_restores(settings, options);
        warn_origins(&settings->gateway, warn);
    }
}
