/* SPDX-License-Identifier: MIT
 *
 * Origins and the patterns that allow them.
 *
 *   - origin_check() compares with the request's own origin (is_same_origin()), then with each
 *     pattern;
 *   - origin_matches() takes a text of the list apart at its commas, match_pattern() a pattern
 *     at its port list;
 *   - match_glob() is two pointers and one place to go back to: time at most pattern times text,
 *     no regular expressions, no recursion.
 *
 * A browser writes origins in one form only (RFC 6454 6.2), so nothing is normalised for the
 * list. For the comparison with the Host header case and the default port are.
 */
#include "gateway/origin.h"

#include "common/settings.h"

/* scheme://host:port, taken apart; parts point into the text. */
struct origin_parts {
    struct str scheme;
    struct str host; /* with brackets when IPv6 */
    unsigned port;
};

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static struct str trim_slash(struct str text)
{
    if (text.len > 0 && text.at[text.len - 1] == '/') {
        text.len--;
    }
    return text;
}

/* ---- patterns ---- */

static bool match_glob(struct str pattern, struct str text)
{
    size_t p = 0;
    size_t t = 0;
    size_t star = SIZE_MAX; /* behind the last `*` seen */
    size_t star_text = 0;   /* what it stands for ends here */
    while (t < text.len) {
        if (p < pattern.len && pattern.at[p] == '*') {
            star = ++p;
            star_text = t;
        } else if (p < pattern.len && pattern.at[p] == text.at[t]) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star;
            t = ++star_text;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.at[p] == '*') {
        p++;
    }
    return p == pattern.len;
}

/* `*`, or numbers with commas between. */
static bool is_port_list(struct str list)
{
    bool after_digit = false;
    if (str_equal(list, STR("*"))) {
        return true;
    }
    for (size_t i = 0; i < list.len; i++) {
        if (!is_digit(list.at[i]) && !(list.at[i] == ',' && after_digit)) {
            return false;
        }
        after_digit = is_digit(list.at[i]);
    }
    return after_digit;
}

/* Takes ":[...]" off the end of *pattern; false when it has none. */
static bool take_port_list(struct str *pattern, struct str *out_list)
{
    if (pattern->len < 4 || pattern->at[pattern->len - 1] != ']') {
        return false;
    }
    size_t at = pattern->len - 2;
    while (at > 1 && !(pattern->at[at - 1] == '[' && pattern->at[at - 2] == ':')) {
        at--;
    }
    struct str list = {pattern->at + at, pattern->len - 1 - at};
    if (at <= 1 || !is_port_list(list)) {
        return false;
    }
    pattern->len = at - 2;
    *out_list = list;
    return true;
}

/* Takes ":<digits>" off the end of *origin; false when it has none. */
static bool take_port(struct str *origin, struct str *out_port)
{
    size_t at = origin->len;
    while (at > 0 && is_digit(origin->at[at - 1])) {
        at--;
    }
    if (at == 0 || at == origin->len || origin->at[at - 1] != ':') {
        return false;
    }
    *out_port = (struct str){origin->at + at, origin->len - at};
    origin->len = at - 1;
    return true;
}

static bool list_has_port(struct str list, struct str port)
{
    struct str part;
    while (str_next(&list, ',', &part)) {
        if (str_equal(part, port)) {
            return true;
        }
    }
    return false;
}

static bool match_pattern(struct str pattern, struct str origin)
{
    struct str ports;
    struct str port;
    struct str without_port = origin;
    if (str_equal(pattern, STR("*"))) {
        return true;
    }
    if (str_equal(origin, STR("null"))) {
        return str_equal(pattern, STR("null"));
    }
    if (!take_port_list(&pattern, &ports)) {
        return match_glob(pattern, origin);
    }
    bool has_port = take_port(&without_port, &port);
    if (str_equal(ports, STR("*"))) {
        return match_glob(pattern, origin) || (has_port && match_glob(pattern, without_port));
    }
    return has_port && list_has_port(ports, port) && match_glob(pattern, without_port);
}

bool origin_matches(struct str patterns, struct str origin)
{
    bool in_ports = false;
    size_t start = 0;
    origin = trim_slash(origin);
    for (size_t i = 0; i <= patterns.len; i++) {
        if (i < patterns.len && (patterns.at[i] != ',' || in_ports)) {
            in_ports = patterns.at[i] == '[' || (in_ports && patterns.at[i] != ']');
            continue;
        }
        struct str pattern = str_trim((struct str){patterns.at + start, i - start});
        if (pattern.len > 0 && match_pattern(trim_slash(pattern), origin)) {
            return true;
        }
        start = i + 1;
    }
    return false;
}

/* ---- same origin ---- */

static unsigned default_port(struct str scheme)
{
    return str_equal_nocase(scheme, STR("https")) ? 443 : 80;
}

static bool is_host_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || is_digit(byte) ||
           byte == '-' || byte == '.' || byte == '_' || byte == ':' || byte == '[' || byte == ']';
}

/* host, host:port or [v6]:port. */
static bool parse_authority(struct str text, struct origin_parts *parts)
{
    unsigned long long port = parts->port != 0 ? parts->port : default_port(parts->scheme);
    struct str digits;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_host_byte(text.at[i])) {
            return false;
        }
    }
    bool is_bracketed = text.len > 0 && text.at[0] == '[';
    if (!is_bracketed || text.at[text.len - 1] != ']') {
        if (take_port(&text, &digits) && !str_to_u64(digits, 65535, &port)) {
            return false;
        }
    }
    bool is_v6 = is_bracketed && text.at[text.len - 1] == ']';
    if (text.len == 0 || (!is_v6 && memchr(text.at, ':', text.len) != NULL)) {
        return false;
    }
    parts->host = text;
    parts->port = (unsigned)port;
    return true;
}

static bool parse_origin(struct str text, struct origin_parts *parts)
{
    for (size_t i = 0; i + 3 <= text.len; i++) {
        if (memcmp(text.at + i, "://", 3) == 0) {
            parts->scheme = (struct str){text.at, i};
            return parse_authority((struct str){text.at + i + 3, text.len - i - 3}, parts);
        }
    }
    return false;
}

static bool is_same_origin(const struct origin_own *place, struct str origin)
{
    struct origin_parts own = {.scheme = place->is_secure ? STR("https") : STR("http"),
                               .port = place->port};
    struct origin_parts theirs = {.port = 0};
    return place->host.at != NULL && parse_authority(place->host, &own) &&
           parse_origin(trim_slash(origin), &theirs) &&
           str_equal_nocase(own.scheme, theirs.scheme) && str_equal_nocase(own.host, theirs.host) &&
           own.port == theirs.port;
}

/* ---- verdicts ---- */

static enum origin_verdict judge(struct str origin, const struct endpoint_settings *endpoint,
                                 const struct origin_own *own)
{
    if (origin.len == 0 || origin.len > ORIGIN_BYTES_MAX) {
        return ORIGIN_REFUSED;
    }
    if (is_same_origin(own, origin)) {
        return ORIGIN_ALLOWED;
    }
    for (size_t i = 0; i < endpoint->allowed_origin_count; i++) {
        if (origin_matches(str_of(endpoint->allowed_origins[i]), origin)) {
            return ORIGIN_ALLOWED;
        }
    }
    return ORIGIN_REFUSED;
}

enum origin_verdict origin_check(const struct http1_request *request,
                                 const struct endpoint_settings *endpoint,
                                 const struct origin_own *own)
{
    const struct str *origin = http1_header(request, "Origin");
    if (origin == NULL) {
        return ORIGIN_ALLOWED;
    }
    if (http1_header_count(request, "Origin") > 1) {
        return ORIGIN_AMBIGUOUS;
    }
    return judge(*origin, endpoint, own);
}

/* The origin of a URL: what stands before the path. */
static struct str origin_of_url(struct str url)
{
    size_t slashes = 0;
    for (size_t i = 0; i < url.len; i++) {
        slashes += url.at[i] == '/';
        if (slashes == 3 || url.at[i] == '?' || url.at[i] == '#') {
            return (struct str){url.at, i};
        }
    }
    return url;
}

enum origin_verdict origin_check_embedded(const struct http1_request *request,
                                          const struct endpoint_settings *endpoint,
                                          const struct origin_own *own)
{
    const struct str *site = http1_header(request, "Sec-Fetch-Site");
    const struct str *referer = http1_header(request, "Referer");
    if (site != NULL &&
        (str_equal_nocase(*site, STR("same-origin")) || str_equal_nocase(*site, STR("none")))) {
        return ORIGIN_ALLOWED;
    }
    if (referer != NULL) {
        return judge(origin_of_url(*referer), endpoint, own);
    }
    if (site != NULL && !endpoint->allows_any_origin) {
        return ORIGIN_REFUSED; /* another site's page that hides which */
    }
    return ORIGIN_ALLOWED;
}
