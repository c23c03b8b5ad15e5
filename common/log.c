/* SPDX-License-Identifier: MIT
 *
 * One line an event on standard error, text or JSON.
 *
 *   log_write() asks the rate table, tells what was suppressed or dropped before, formats, writes.
 *
 * A line is at most LINE_BYTES bytes: written at once it is not torn by the other program's lines
 * on the same pipe, and a pipe that polls as writable takes it whole. A field that does not fit is
 * left out.
 *
 * Standard error may be shared with others, so it is not made O_NONBLOCK: a socket is written with
 * MSG_DONTWAIT, anything else only when poll() says it takes bytes now. (Another writer could fill
 * the pipe in between; then we wait for its reader as every program does.) What is not taken is
 * dropped and told later as log_dropped.
 */
#include "common/log.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/err.h"
#include "common/mem.h"

#define LINE_BYTES 4096 /* PIPE_BUF */
#define TEXT_MAX 128
#define RATES 128

struct rate { /* of one event */
    const char *event;
    int64_t second;
    uint32_t lines;
    uint64_t suppressed;
};

struct line {
    char bytes[LINE_BYTES];
    size_t len;
    bool is_full;
};

static enum log_level level_min = LOG_INFO;
static enum log_format line_format = LOG_TEXT;
static struct rate rates[RATES];
static bool has_suppressed;
static uint64_t dropped_lines;

static const char *const level_names[] = {"debug", "info", "warn", "error"};

/* One byte is kept for the line's end, one for JSON's brace. */
static void put(struct line *line, const char *bytes, size_t len)
{
    if (line->is_full || len > LINE_BYTES - 2 - line->len) {
        line->is_full = true;
        return;
    }
    memcpy(line->bytes + line->len, bytes, len);
    line->len += len;
}

static void put_text(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

static void put_number(struct line *line, uint64_t number, bool is_signed)
{
    char digits[21];
    size_t at = sizeof(digits);
    bool is_negative = is_signed && (int64_t)number < 0;
    uint64_t rest = is_negative ? 0 - number : number;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (is_negative) {
        digits[--at] = '-';
    }
    put(line, digits + at, sizeof(digits) - at);
}

/* Length of the valid UTF-8 sequence at the front of `text`, 0 when there is none. */
static size_t utf8_length(struct str text, uint32_t *out_point)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t first = (uint8_t)text.at[0];
    size_t len = first < 0x80 ? 1 : first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3 : 4;
    if ((first >= 0x80 && first < 0xc2) || first > 0xf4 || text.len < len) {
        return 0;
    }
    uint32_t point = len == 1 ? first : first & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        uint8_t next = (uint8_t)text.at[i];
        if ((next & 0xc0) != 0x80) {
            return 0;
        }
        point = point << 6 | (next & 0x3f);
    }
    if (point < least[len] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) {
        return 0;
    }
    *out_point = point;
    return len;
}

/* Controls, and what changes how a terminal or a reader shows the rest of the line. */
static bool is_hidden(uint32_t point)
{
    return point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0x061c ||
           (point >= 0x200b && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
           (point >= 0x2060 && point <= 0x206f) || point == 0xfeff || point >= 0xe0000;
}

static void put_hex(struct line *line, const char *prefix, uint32_t value, unsigned digits)
{
    put_text(line, prefix);
    for (unsigned i = digits; i > 0; i--) {
        put(line, &"0123456789abcdef"[value >> (4 * (i - 1)) & 15], 1);
    }
}

static void put_hidden(struct line *line, uint32_t point)
{
    if (point == '\n' || point == '\r' || point == '\t') {
        put_text(line, point == '\n' ? "\\n" : point == '\r' ? "\\r" : "\\t");
    } else if (point < 0x10000) {
        put_hex(line, "\\u", point, 4);
    } else {
        put_hex(line, "\\u", 0xd800 + ((point - 0x10000) >> 10), 4);
        put_hex(line, "\\u", 0xdc00 + ((point - 0x10000) & 0x3ff), 4);
    }
}

/* In JSON an invalid byte is U+FFFD, since a JSON text cannot hold it. */
static void put_invalid(struct line *line, uint8_t byte)
{
    if (line_format == LOG_JSON) {
        put_text(line, "\\ufffd");
    } else {
        put_hex(line, "\\x", byte, 2);
    }
}

static void put_quoted(struct line *line, struct str text)
{
    size_t at = 0;
    put_text(line, "\"");
    while (at < text.len) {
        uint32_t point = 0;
        size_t len = utf8_length((struct str){text.at + at, text.len - at}, &point);
        if (at + (len == 0 ? 1 : len) > TEXT_MAX) {
            put_text(line, "...");
            break;
        }
        if (len == 0) {
            put_invalid(line, (uint8_t)text.at[at]);
        } else if (is_hidden(point)) {
            put_hidden(line, point);
        } else {
            if (point == '"' || point == '\\') {
                put_text(line, "\\");
            }
            put(line, text.at + at, len);
        }
        at += len == 0 ? 1 : len;
    }
    put_text(line, "\"");
}

static bool is_plain(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c <= ' ' || c > '~' || c == '"' || c == '=' || c == '\\') {
            return false;
        }
    }
    return text.len > 0 && text.len <= TEXT_MAX;
}

static void put_value(struct line *line, const struct log_field *field)
{
    if (field->type != LOG_FIELD_STR) {
        put_number(line, field->number, field->type == LOG_FIELD_I64);
    } else if (field->text.at == NULL) {
        put_text(line, line_format == LOG_JSON ? "null" : "-");
    } else if (line_format == LOG_TEXT && is_plain(field->text)) {
        put(line, field->text.at, field->text.len);
    } else {
        put_quoted(line, field->text);
    }
}

/* All of the field or nothing of it. */
static void put_field(struct line *line, const struct log_field *field)
{
    size_t before = line->len;
    put_text(line, line_format == LOG_JSON ? ",\"" : " ");
    put_text(line, field->key);
    put_text(line, line_format == LOG_JSON ? "\":" : "=");
    put_value(line, field);
    if (line->is_full) {
        line->len = before;
        line->is_full = false;
    }
}

static bool write_now(const char *bytes, size_t len)
{
    ssize_t written = send(STDERR_FILENO, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (written < 0 && errno == ENOTSOCK) {
        struct pollfd fd = {.fd = STDERR_FILENO, .events = POLLOUT};
        if (poll(&fd, 1, 0) == 1 && (fd.revents & POLLOUT) != 0) {
            written = write(STDERR_FILENO, bytes, len);
        }
    }
    return written == (ssize_t)len;
}

static void write_line(enum log_level level, const char *event, const struct log_field *fields)
{
    struct line line;
    line.len = 0;
    line.is_full = false;
    bool is_json = line_format == LOG_JSON;
    put_text(&line, is_json ? "{\"level\":\"" : "");
    put_text(&line, level_names[level]);
    put_text(&line, is_json ? "\",\"event\":\"" : " ");
    put_text(&line, event);
    put_text(&line, is_json ? "\"" : "");
    for (; fields->key != NULL; fields++) {
        put_field(&line, fields);
    }
    if (is_json) {
        line.bytes[line.len++] = '}';
    }
    line.bytes[line.len++] = '\n';
    if (!write_now(line.bytes, line.len)) {
        dropped_lines++;
    }
}

/* The vocabulary is small; were it to outgrow the table, the last row is shared by the rest. */
static struct rate *find_rate(const char *event)
{
    for (size_t i = 0; i < RATES - 1; i++) {
        if (rates[i].event == NULL || rates[i].event == event ||
            strcmp(rates[i].event, event) == 0) {
            rates[i].event = event;
            return &rates[i];
        }
    }
    rates[RATES - 1].event = "other";
    return &rates[RATES - 1];
}

/* What was held back in seconds that are over. */
static void tell_suppressed(int64_t second)
{
    bool is_left = false;
    for (size_t i = 0; i < RATES && has_suppressed; i++) {
        if (rates[i].suppressed > 0 && rates[i].second == second) {
            is_left = true;
        } else if (rates[i].suppressed > 0) {
            write_line(LOG_WARN, "log_suppressed",
                       (const struct log_field[]){log_text("of", rates[i].event),
                                                  log_u64("suppressed", rates[i].suppressed),
                                                  {.key = NULL}});
            rates[i].suppressed = 0;
        }
    }
    has_suppressed = is_left;
}

static void tell_dropped(void)
{
    uint64_t lines = dropped_lines;
    if (lines == 0) {
        return;
    }
    write_line(LOG_WARN, "log_dropped",
               (const struct log_field[]){log_u64("lines", lines), {.key = NULL}});
    dropped_lines = dropped_lines == lines ? 0 : lines;
}

static int64_t second_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return now.tv_sec;
}

void log_configure(enum log_level level, enum log_format format)
{
    tell_suppressed(-1);
    level_min = level;
    line_format = format;
    memset(rates, 0, sizeof(rates));
}

bool log_is_on(enum log_level level)
{
    return level >= level_min;
}

void log_write(enum log_level level, const char *event, const struct log_field *fields)
{
    int64_t second = second_now();
    struct rate *rate = find_rate(event);
    tell_suppressed(second);
    if (rate->second != second) {
        rate->second = second;
        rate->lines = 0;
    }
    if (rate->lines >= LOG_BURST) {
        rate->suppressed++;
        has_suppressed = true;
        return;
    }
    rate->lines++;
    tell_dropped();
    write_line(level, event, fields);
}

struct log_field log_err(int code)
{
    return log_text("error", err_name(code));
}
