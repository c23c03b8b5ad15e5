/* SPDX-License-Identifier: MIT
 *
 * One line an event on standard error: `level event key=value ...`, or one JSON object.
 *
 *   log_event(LOG_INFO, "session_opened", log_str("session", name), log_u64("queued", n));
 *
 * Events come from a fixed vocabulary (docs/operations.md); keys are plain words. Text is quoted when
 * it holds anything but printable ASCII without space, quote and equals sign; control and invalid
 * bytes are escaped; more than 128 bytes are cut. Never a message body, a token, a session key.
 * More than LOG_BURST lines of one event in a second are counted and told as `suppressed=n`.
 * Writes never block: what standard error does not take is dropped and counted.
 */
#pragma once

#include <stdint.h>

#include "common/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_TEXT, LOG_JSON };

#define LOG_BURST 50

struct log_field {
    const char *key; /* NULL ends the list */
    enum { LOG_FIELD_STR, LOG_FIELD_U64, LOG_FIELD_I64 } type;
    struct str text;
    uint64_t number;
};

static inline struct log_field log_str(const char *key, struct str text)
{
    return (struct log_field){key, LOG_FIELD_STR, text, 0};
}

static inline struct log_field log_text(const char *key, const char *text)
{
    return (struct log_field){key, LOG_FIELD_STR, str_of(text), 0};
}

static inline struct log_field log_u64(const char *key, uint64_t number)
{
    return (struct log_field){key, LOG_FIELD_U64, {NULL, 0}, number};
}

/* key "error", value err_name(code). */
struct log_field log_err(int code);

void log_configure(enum log_level level, enum log_format format);
bool log_is_on(enum log_level level);
void log_write(enum log_level level, const char *event, const struct log_field *fields);

#define log_event(level, event, ...)                                                               \
    do {                                                                                           \
        if (log_is_on(level)) {                                                                    \
            log_write((level), (event), (const struct log_field[]){__VA_ARGS__, {.key = NULL}});   \
        }                                                                                          \
    } while (0)
