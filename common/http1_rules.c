/* SPDX-License-Identifier: MIT
 *
 * What a complete HTTP/1 head must say (RFC 9112 sections 3 and 6, RFC 9110 sections 7.2, 7.8 and
 * 10.1.1).
 *
 * Wherever two readers could disagree about where a message ends or whom it is for, it is refused:
 * both lengths, a length twice, codings other than exactly `chunked`, Host twice or missing.
 * Leniency is how requests are smuggled.
 */
#include "common/http1_rules.h"

#include "common/mem.h"

static bool refuse(struct http1_refusal *refusal, unsigned status, const char *reason)
{
    *refusal = (struct http1_refusal){status, reason};
    return false;
}

const struct str *http1_header(const struct http1_request *request, const char *name)
{
    struct str wanted = str_of(name);
    for (size_t i = 0; i < request->header_count; i++) {
        if (str_equal_nocase(request->headers[i].name, wanted)) {
            return &request->headers[i].value;
        }
    }
    return NULL;
}

size_t http1_header_count(const struct http1_request *request, const char *name)
{
    struct str wanted = str_of(name);
    size_t count = 0;
    for (size_t i = 0; i < request->header_count; i++) {
        count += str_equal_nocase(request->headers[i].name, wanted);
    }
    return count;
}

bool http1_list_has(struct str value, struct str token)
{
    struct str part;
    while (str_next(&value, ',', &part)) {
        if (str_equal_nocase(str_trim(part), token)) {
            return true;
        }
    }
    return false;
}

/* In any of the Connection lines. */
static bool connection_has(const struct http1_request *request, struct str token)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (str_equal_nocase(request->headers[i].name, STR("connection")) &&
            http1_list_has(request->headers[i].value, token)) {
            return true;
        }
    }
    return false;
}

/* A literal ".." as a whole segment; encoded ones are the router's, which decodes. */
static bool has_dot_dot(struct str path)
{
    struct str segment;
    while (str_next(&path, '/', &segment)) {
        if (str_equal(segment, STR(".."))) {
            return true;
        }
    }
    return false;
}

static bool check_target(struct http1_request *request, struct http1_refusal *refusal)
{
    struct str target = request->target;
    const char *mark = memchr(target.at, '?', target.len);
    request->path = target;
    request->query = (struct str){NULL, 0};
    if (mark != NULL) {
        request->path.len = (size_t)(mark - target.at);
        request->query = (struct str){mark + 1, target.len - request->path.len - 1};
    }
    bool is_star = str_equal(target, STR("*")) && str_equal(request->method, STR("OPTIONS"));
    bool is_origin = str_starts(target, STR("/")) && !str_starts(target, STR("//"));
    if (!is_star && (!is_origin || has_dot_dot(request->path))) {
        return refuse(refusal, 400, "The request target is not in origin form.");
    }
    return true;
}

static bool is_host_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~%!$&'()*+;=", c) != NULL);
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Length of the host at the front: a bracketed address, or a name; 0 when there is none. */
static size_t host_length(struct str value)
{
    size_t len = 0;
    if (value.len == 0 || value.at[0] != '[') {
        while (len < value.len && is_host_byte(value.at[len])) {
            len++;
        }
        return len;
    }
    for (len = 1; len < value.len && value.at[len] != ']'; len++) {
        if (!is_hex(value.at[len]) && value.at[len] != ':' && value.at[len] != '.') {
            return 0;
        }
    }
    return len < 3 || len == value.len ? 0 : len + 1;
}

static bool is_valid_host(struct str value)
{
    unsigned long long port;
    size_t len = host_length(value);
    if (len == 0 || len == value.len) {
        return len > 0;
    }
    return value.at[len] == ':' &&
           str_to_u64((struct str){value.at + len + 1, value.len - len - 1}, 65535, &port);
}

static bool check_host(const struct http1_request *request, struct http1_refusal *refusal)
{
    size_t count = http1_header_count(request, "host");
    if (count == 0 && request->minor == 0) {
        return true;
    }
    if (count != 1 || !is_valid_host(*http1_header(request, "host"))) {
        return refuse(refusal, 400, "A request names exactly one valid Host.");
    }
    return true;
}

static bool check_framing(const struct http1_request *request, struct http1_framing *framing,
                          struct http1_refusal *refusal)
{
    const struct str *coding = http1_header(request, "transfer-encoding");
    const struct str *length = http1_header(request, "content-length");
    *framing = (struct http1_framing){false, 0};
    if (coding != NULL) {
        if (request->minor == 0 || length != NULL ||
            http1_header_count(request, "transfer-encoding") != 1 ||
            !str_equal_nocase(*coding, STR("chunked"))) {
            return refuse(refusal, 400, "Transfer-Encoding can only be chunked, alone.");
        }
        framing->is_chunked = true;
    }
    if (length != NULL && (http1_header_count(request, "content-length") != 1 ||
                           !str_to_u64(*length, UINT64_MAX, &framing->content_length))) {
        return refuse(refusal, 400, "Content-Length is one number.");
    }
    return true;
}

static bool check_expectation(struct http1_request *request, bool has_body,
                              struct http1_refusal *refusal)
{
    request->expects_continue = false;
    for (size_t i = 0; i < request->header_count && request->minor > 0; i++) {
        if (!str_equal_nocase(request->headers[i].name, STR("expect"))) {
            continue;
        }
        if (!str_equal_nocase(request->headers[i].value, STR("100-continue"))) {
            return refuse(refusal, 417, "The only expectation met is 100-continue.");
        }
        request->expects_continue = has_body;
    }
    return true;
}

/* An HTTP/1.0 client that asks for an upgrade is not heard (RFC 9110, 7.8). */
static bool check_connection(struct http1_request *request, bool has_body,
                             struct http1_refusal *refusal)
{
    bool is_kept = request->minor > 0 || connection_has(request, STR("keep-alive"));
    request->keeps_alive = is_kept && !connection_has(request, STR("close"));
    request->asks_upgrade = request->minor > 0 && connection_has(request, STR("upgrade")) &&
                            http1_header(request, "upgrade") != NULL;
    if (request->asks_upgrade && has_body) {
        return refuse(refusal, 400, "A request to upgrade has no body.");
    }
    return true;
}

bool http1_rules_apply(struct http1_request *request, struct http1_framing *out_framing,
                       struct http1_refusal *out_refusal)
{
    if (!check_target(request, out_refusal) || !check_host(request, out_refusal) ||
        !check_framing(request, out_framing, out_refusal)) {
        return false;
    }
    bool has_body = out_framing->is_chunked || out_framing->content_length > 0;
    return check_connection(request, has_body, out_refusal) &&
           check_expectation(request, has_body, out_refusal);
}

bool http1_rules_forbid_in_trailer(struct str name)
{
    return str_equal_nocase(name, STR("content-length")) ||
           str_equal_nocase(name, STR("transfer-encoding")) || str_equal_nocase(name, STR("host"));
}
