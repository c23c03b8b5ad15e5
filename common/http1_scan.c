/* SPDX-License-Identifier: MIT
 *
 * Pre-scan of an HTTP/1 head (RFC 9112, sections 2 to 5, without what is obsolete there) within its
 * limits.
 *
 * Every llhttp lets through something that another parser reads differently: which, differs from
 * version to version. Here each byte of the head passes a small machine first. It refuses CR
 * without LF and LF without CR, folded lines, names that are empty or no token, blanks before the
 * colon, controls other than tab, anything but single spaces in the request line, 8-bit bytes there
 * (values may hold them: cookies do), versions other than 1.0 and 1.1 and methods that we do not
 * speak.
 *
 * The limits are held here, too, and not where llhttp tells of texts, because it tells of them in
 * pieces that depend on how the bytes came. Blanks before a value belong to no limit but the whole
 * head's.
 *
 * What the values mean is http1_rules.c's business.
 */
#include "common/http1_scan.h"

#include <string.h>

#include "common/mem.h"

enum {
    AT_START,
    AT_START_LF, /* one empty line before the request is allowed */
    AT_FIRST,    /* behind it */
    IN_METHOD,
    AT_TARGET,
    IN_TARGET,
    IN_VERSION,
    AT_VERSION_LF,
    AT_LINE,
    IN_NAME,
    AT_VALUE,
    IN_VALUE,
    AT_VALUE_LF,
    AT_END_LF,
};

#define VERSION_BYTES 8   /* "HTTP/1.1" */
#define PADDING_BYTES 256 /* of a whole head, beyond what the limits count */
#define LINE_PADDING 4    /* ": " and CR LF */

static const struct {
    const char *name;
    unsigned status; /* 0: spoken */
} methods[] = {{"GET", 0},    {"HEAD", 0},  {"POST", 0},    {"OPTIONS", 0},  {"PUT", 0},
               {"DELETE", 0}, {"PATCH", 0}, {"TRACE", 405}, {"CONNECT", 405}};

void http1_scan_head(struct http1_scan *scan, const struct http1_limits *limits)
{
    *scan = (struct http1_scan){.limits = limits, .state = AT_START};
}

void http1_scan_trailer(struct http1_scan *scan)
{
    scan->state = AT_LINE;
    scan->is_done = false;
    scan->bytes = 0;
}

bool http1_scan_is_midway(const struct http1_scan *scan)
{
    return scan->state > AT_FIRST;
}

static bool refuse(struct http1_scan *scan, unsigned status, const char *reason)
{
    scan->refusal = (struct http1_refusal){status, reason};
    return false;
}

static bool go(struct http1_scan *scan, uint8_t state)
{
    scan->state = state;
    return true;
}

static bool expect(struct http1_scan *scan, bool is_there, uint8_t state)
{
    return is_there ? go(scan, state) : refuse(scan, 400, "A line ends with CR LF.");
}

static bool is_token(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || (byte != 0 && strchr("!#$%&'*+-.^_`|~", byte) != NULL);
}

/* A word longer than any we know keeps its first bytes: it is unknown all the same. */
static bool keep_word(struct http1_scan *scan, uint8_t byte)
{
    if (scan->word_len < sizeof(scan->word)) {
        scan->word[scan->word_len++] = (char)byte;
        return true;
    }
    return false;
}

static bool end_method(struct http1_scan *scan)
{
    for (size_t i = 0; i < MEM_COUNT(methods); i++) {
        if (strlen(methods[i].name) == scan->word_len &&
            memcmp(methods[i].name, scan->word, scan->word_len) == 0) {
            scan->method = methods[i].name;
            scan->word_len = 0;
            return methods[i].status == 0 ? go(scan, AT_TARGET)
                                          : refuse(scan, 405, "This method is not allowed.");
        }
    }
    return refuse(scan, 501, "This method is not known.");
}

static bool scan_method(struct http1_scan *scan, uint8_t byte)
{
    scan->state = IN_METHOD;
    if (byte == ' ' && scan->word_len > 0) {
        return end_method(scan);
    }
    if (!is_token(byte)) {
        return refuse(scan, 400, "The request line is malformed.");
    }
    return keep_word(scan, byte) || refuse(scan, 501, "This method is not known.");
}

static bool scan_target(struct http1_scan *scan, uint8_t byte)
{
    bool is_first = scan->state == AT_TARGET;
    if (byte == ' ' && !is_first) {
        return go(scan, IN_VERSION);
    }
    if (byte <= ' ' || byte > '~' || byte == '#' || byte == '\\' ||
        (is_first && byte != '/' && byte != '*')) {
        return refuse(scan, 400, "The request target is malformed.");
    }
    if (++scan->target_bytes > scan->limits->target_bytes) {
        return refuse(scan, 414, "The request target is too long.");
    }
    return go(scan, IN_TARGET);
}

static bool check_version(struct http1_scan *scan)
{
    const char *word = scan->word;
    bool is_http = memcmp(word, "HTTP/", 5) == 0 && word[6] == '.' && word[5] >= '0' &&
                   word[5] <= '9' && word[7] >= '0' && word[7] <= '9';
    if (!is_http) {
        return refuse(scan, 400, "The request line is malformed.");
    }
    if (word[5] != '1' || word[7] > '1') {
        return refuse(scan, 505, "Only HTTP/1.1 and HTTP/1.0 are spoken here.");
    }
    scan->minor = (uint8_t)(word[7] - '0');
    return true;
}

static bool scan_version(struct http1_scan *scan, uint8_t byte)
{
    bool is_whole = scan->word_len == VERSION_BYTES;
    if (is_whole && byte == '\r') {
        return go(scan, AT_VERSION_LF);
    }
    if (is_whole || byte <= ' ' || byte > '~') {
        return refuse(scan, 400, "The request line is malformed.");
    }
    return keep_word(scan, byte) && (scan->word_len < VERSION_BYTES || check_version(scan));
}

static bool count_byte(struct http1_scan *scan, uint8_t state)
{
    if (++scan->line_bytes > scan->limits->header_line) {
        return refuse(scan, 431, "A header line is too long.");
    }
    if (++scan->header_bytes > scan->limits->header_bytes) {
        return refuse(scan, 431, "The header lines are too long.");
    }
    return go(scan, state);
}

static bool scan_name(struct http1_scan *scan, uint8_t byte)
{
    if (byte == ':' && scan->state == IN_NAME) {
        return go(scan, AT_VALUE);
    }
    if (!is_token(byte)) {
        return refuse(scan, 400, "A header name is malformed.");
    }
    if (scan->state == AT_LINE) {
        scan->line_bytes = 0;
        if (++scan->header_lines > scan->limits->header_count) {
            return refuse(scan, 431, "There are too many header lines.");
        }
    }
    return count_byte(scan, IN_NAME);
}

static bool scan_value(struct http1_scan *scan, uint8_t byte)
{
    if (byte == '\r') {
        return go(scan, AT_VALUE_LF);
    }
    if (byte != '\t' && (byte < ' ' || byte == 0x7f)) {
        return refuse(scan, 400, "A header value is malformed.");
    }
    bool is_blank = byte == ' ' || byte == '\t';
    return (scan->state == AT_VALUE && is_blank) || count_byte(scan, IN_VALUE);
}

static bool scan_byte(struct http1_scan *scan, uint8_t byte)
{
    switch (scan->state) {
    case AT_START:
        return byte == '\r' ? go(scan, AT_START_LF) : scan_method(scan, byte);
    case AT_START_LF:
        return expect(scan, byte == '\n', AT_FIRST);
    case AT_FIRST:
    case IN_METHOD:
        return scan_method(scan, byte);
    case AT_TARGET:
    case IN_TARGET:
        return scan_target(scan, byte);
    case IN_VERSION:
        return scan_version(scan, byte);
    case AT_VERSION_LF:
    case AT_VALUE_LF:
        return expect(scan, byte == '\n', AT_LINE);
    case AT_LINE:
        return byte == '\r' ? go(scan, AT_END_LF) : scan_name(scan, byte);
    case IN_NAME:
        return scan_name(scan, byte);
    case AT_VALUE:
    case IN_VALUE:
        return scan_value(scan, byte);
    default:
        scan->is_done = byte == '\n';
        return expect(scan, scan->is_done, AT_END_LF);
    }
}

static size_t bytes_max(const struct http1_limits *limits)
{
    return limits->target_bytes + limits->header_bytes + LINE_PADDING * limits->header_count +
           PADDING_BYTES;
}

size_t http1_scan_bytes(struct http1_scan *scan, const char *bytes, size_t len)
{
    size_t max = bytes_max(scan->limits);
    size_t at = 0;
    while (at < len && !scan->is_done) {
        if (scan->bytes == max) {
            (void)refuse(scan, 431, "The request head is too long.");
            break;
        }
        if (!scan_byte(scan, (uint8_t)bytes[at])) {
            break;
        }
        scan->bytes++;
        at++;
    }
    return at;
}
