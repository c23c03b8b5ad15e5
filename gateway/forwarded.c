/* SPDX-License-Identifier: MIT
 *
 * Forwarded (RFC 7239), or X-Forwarded-Proto, -Host and -Port where that is absent.
 *
 *   - forwarded_read() begins with the connection's own facts; is_trusted() asks for the peer's address, not for what
 *     anybody wrote;
 *   - of a header that several wrote, the last element is the nearest proxy's: the only one that we know wrote it.
 *
 * A proxy that is trusted must set or remove what it passes on: it vouches for it.
 */
#include "gateway/forwarded.h"

#include "common/network.h"

static bool is_trusted(const struct gateway_settings *settings, const struct conn *conn)
{
    uint8_t address[ADDRESS_BYTES];
    struct network network;
    if (settings->trusted_proxy_count == 0 || !conn_peer_address(conn, address)) {
        return false;
    }
    for (size_t i = 0; i < settings->trusted_proxy_count; i++) {
        if (network_parse(settings->trusted_proxies[i], &network) &&
            network_has(&network, address)) {
            return true;
        }
    }
    return false;
}

/* The last element of the last header of that name; absent when there is none. */
static struct str last_element(const struct http1_request *request, const char *name)
{
    struct str last = {NULL, 0}, part;
    for (size_t i = 0; i < request->header_count; i++) {
        if (str_equal_nocase(request->headers[i].name, str_of(name))) {
            last = request->headers[i].value;
        }
    }
    struct str rest = last;
    while (str_next(&rest, ',', &part)) {
        last = part;
    }
    return str_trim(last);
}

static struct str without_quotes(struct str value)
{
    if (value.len >= 2 && value.at[0] == '"' && value.at[value.len - 1] == '"') {
        value.at++;
        value.len -= 2;
    }
    return value;
}

static void take_scheme(struct str value, struct origin_own *out)
{
    if (str_equal_nocase(value, STR("https")) || str_equal_nocase(value, STR("wss"))) {
        out->is_secure = true;
    } else if (str_equal_nocase(value, STR("http")) || str_equal_nocase(value, STR("ws"))) {
        out->is_secure = false;
    }
}

/* for=192.0.2.60;proto=https;host="example.org:8443" */
static void read_element(struct str element, struct origin_own *out)
{
    struct str pair, name;
    while (str_next(&element, ';', &pair)) {
        struct str value = pair;
        if (!str_next(&value, '=', &name)) {
            continue;
        }
        name = str_trim(name);
        value = without_quotes(str_trim(value));
        if (str_equal_nocase(name, STR("proto"))) {
            take_scheme(value, out);
        } else if (str_equal_nocase(name, STR("host")) && value.len > 0) {
            out->host = value;
        }
    }
}

void forwarded_read(const struct gateway_settings *settings, const struct conn *conn,
                    const struct http1_request *request, struct origin_own *out)
{
    const struct str *host = http1_header(request, "Host");
    unsigned long long port = 0;
    *out = (struct origin_own){
        .is_secure = conn_is_secure(conn),
        .host = host == NULL ? (struct str){NULL, 0} : *host,
    };
    if (!is_trusted(settings, conn)) {
        return;
    }
    struct str element = last_element(request, "Forwarded");
    if (element.len > 0) {
        read_element(element, out);
        return;
    }
    take_scheme(last_element(request, "X-Forwarded-Proto"), out);
    element = last_element(request, "X-Forwarded-Host");
    if (element.len > 0) {
        out->host = element;
    }
    if (str_to_u64(last_element(request, "X-Forwarded-Port"), 65535, &port)) {
        out->port = (unsigned)port;
    }
}
