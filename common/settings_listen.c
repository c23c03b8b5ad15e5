/* SPDX-License-Identifier: MIT
 *
 * A listener's URL: scheme, address, port, nothing else.
 *
 * Names other than `localhost` are refused: whether a listener is on loopback decides who may come in
 * without a login, so it must not depend on a name server.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "common/settings_internal.h"

static const char *const expected_url =
    "expected a URL such as \"http://127.0.0.1:8080\" or \"stomps://[::1]:61614\"";

static const struct {
    const char *prefix;
    enum listen_scheme scheme;
    const char *refusal; /* NULL: accepted */
} schemes[] = {
    {"http://", LISTEN_HTTP, NULL},
    {"stomp://", LISTEN_STOMP, NULL},
    {"https://", LISTEN_HTTPS, NULL},
    {"stomps://", LISTEN_STOMPS, NULL},
    {"ws://", LISTEN_HTTP, "expected http://, on which WebSocket is served too"},
    {"wss://", LISTEN_HTTPS, "expected https://, on which WebSocket is served too"},
};

const char *listen_scheme_name(enum listen_scheme scheme)
{
    static const char *const names[LISTEN_SCHEMES] = {"http", "stomp", "https", "stomps"};
    return names[scheme];
}

/* The address without brackets into `host`, the rest of the URL to *out_rest; false: no address. */
static bool split_host(const char *at, char *host, size_t host_size, const char **out_rest)
{
    bool has_brackets = *at == '[';
    at += has_brackets ? 1 : 0;
    size_t len = strcspn(at, has_brackets ? "]" : ":/");
    if (len == 0 || len >= host_size || (has_brackets && at[len] != ']')) {
        return false;
    }
    memcpy(host, at, len);
    host[len] = '\0';
    *out_rest = at + len + (has_brackets ? 1 : 0);
    return has_brackets == (strchr(host, ':') != NULL);
}

static bool judge_address(const char *host, bool *out_is_loopback)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, host, &v4) == 1) {
        *out_is_loopback = ntohl(v4.s_addr) >> 24 == 127;
        return true;
    }
    if (inet_pton(AF_INET6, host, &v6) == 1) {
        *out_is_loopback = IN6_IS_ADDR_LOOPBACK(&v6);
        return true;
    }
    return false;
}

const char *settings_parse_listen(const char *url, enum listen_scheme *out_scheme, char **out_host,
                                  uint16_t *out_port, bool *out_is_loopback)
{
    char host[INET6_ADDRSTRLEN];
    const char *rest;
    bool is_loopback = false;
    unsigned long long port;
    size_t i = 0;
    while (i < MEM_COUNT(schemes) && !str_starts(str_of(url), str_of(schemes[i].prefix))) {
        i++;
    }
    if (i == MEM_COUNT(schemes)) {
        return expected_url;
    }
    if (schemes[i].refusal != NULL) {
        return schemes[i].refusal;
    }
    if (!split_host(url + strlen(schemes[i].prefix), host, sizeof(host), &rest)) {
        return expected_url;
    }
    if (strcmp(host, "localhost") == 0) {
        (void)snprintf(host, sizeof(host), "127.0.0.1");
    }
    if (!judge_address(host, &is_loopback)) {
        return "expected an IPv4 address, an IPv6 address in brackets, or localhost before the "
               "port";
    }
    size_t port_len = *rest == ':' ? strcspn(rest + 1, "/") : 0;
    if (port_len == 0 || !str_to_u64((struct str){rest + 1, port_len}, UINT16_MAX, &port)) {
        return "expected a port from 0 to 65535 behind the address";
    }
    rest += 1 + port_len;
    if (strcmp(rest, "") != 0 && strcmp(rest, "/") != 0) {
        return "expected nothing behind the port (paths belong to gateway.endpoints)";
    }
    *out_scheme = schemes[i].scheme;
    *out_host = mem_strdup(host);
    *out_port = (uint16_t)port;
    *out_is_loopback = is_loopback;
    return NULL;
}

const char *settings_check_admin_listen(const char *url)
{
    if (!str_starts(str_of(url), STR("http://"))) {
        return "expected a URL such as \"http://127.0.0.1:9091\"";
    }
    return settings_check_listen(url);
}

const char *settings_check_listen(const char *url)
{
    enum listen_scheme scheme;
    char *host = NULL;
    uint16_t port;
    bool is_loopback;
    const char *wrong = settings_parse_listen(url, &scheme, &host, &port, &is_loopback);
    mem_free(host);
    return wrong;
}
