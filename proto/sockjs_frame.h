/* SPDX-License-Identifier: MIT
 *
 * SockJS text: what clients send (JSON arrays of strings) and what servers send (o h a c frames, and their
 * wrappings for each transport). Facts: SockJS protocol 0.3.3.
 *
 * Decoded strings are UTF-8, with lone surrogate halves as their three WTF-8 bytes: whoever reads text on
 * (the STOMP session) joins halves over messages and replaces the rest; the echo service passes them on.
 * The encoder writes \u escapes in lower case for all that old browsers mangle, surrogates included.
 */
#pragma once

#include "common/buf.h"

enum sockjs_error {
    SOCKJS_ERR_EMPTY = -1,    /* no payload: "Payload expected." */
    SOCKJS_ERR_JSON = -2,     /* not JSON, or nested over 64 deep: "Broken JSON encoding." */
    SOCKJS_ERR_NO_ARRAY = -3, /* JSON, but no array (of strings or scalars): "Payload expected." */
    SOCKJS_ERR_COUNT = -4,    /* more messages than the caller's limit */
};

/* The messages of one body, in order. Zeroed is empty. */
struct sockjs_messages {
    struct str *items; /* owned; point into `text` */
    size_t count;
    struct buf text; /* owned */
    size_t cap;      /* of items */
};

void sockjs_messages_finish(struct sockjs_messages *messages);

/* A whole JSON text. A byte order mark is allowed in front, nothing behind but white space. Numbers, true, false
 * become their text; null, objects and arrays inside are SOCKJS_ERR_NO_ARRAY. `accepts_string`: a bare JSON
 * string counts as an array of one (WebSocket). `messages` may be reused; it holds nothing on failure. */
int sockjs_decode(struct str body, size_t count_max, bool accepts_string,
                  struct sockjs_messages *messages) __attribute__((warn_unused_result));

/* The value of the first form field `d`, percent- and plus-decoded; replaces what *out held. Absent or empty:
 * SOCKJS_ERR_EMPTY, *out untouched. */
int sockjs_decode_form(struct str body, struct buf *out) __attribute__((warn_unused_result));

/* One message as a quoted JSON string, escaped for the wire. `text` is UTF-8 or WTF-8 (an invalid byte becomes
 * U+FFFD). The result is ASCII but for characters browsers are known to keep. */
void sockjs_encode_string(struct buf *out, struct str text);

/* c[code,"reason"] */
void sockjs_encode_close(struct buf *out, unsigned code, struct str reason);

/* One frame (o, h, a[...], c[...]) as each transport carries it, without HTTP chunking. */
void sockjs_wrap_xhr(struct buf *out, struct str frame);         /* frame LF */
void sockjs_wrap_eventsource(struct buf *out, struct str frame); /* data: frame CRLF CRLF */
void sockjs_wrap_htmlfile(struct buf *out, struct str frame);    /* <script> p("frame"); */
/* callback("frame"); behind an empty comment */
void sockjs_wrap_jsonp(struct buf *out, struct str callback, struct str frame);

/* Letters, digits, "-", "_", "." only, 1 to 32 of them. */
bool sockjs_callback_is_valid(struct str callback);
