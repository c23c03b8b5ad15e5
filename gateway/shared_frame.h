/* SPDX-License-Identifier: MIT
 *
 * One outgoing frame (a STOMP frame, or an echo message), shared by all connections that want the
 * same bytes: reference-counted, with one encoding per framing, made when first asked for.
 */
#pragma once

#include "common/buf.h"

struct stats;

/* How a transport wraps a frame. What is not shareable (HTTP/1.0 streams, JSONP) starts from
 * FRAMING_STRING. */
enum framing {
    FRAMING_TCP,              /* the frame, and LF behind its NUL */
    FRAMING_WEBSOCKET,        /* one text message, or binary when it is not UTF-8 */
    FRAMING_SOCKJS_WEBSOCKET, /* a["..."] in a text message */
    FRAMING_XHR_STREAMING,    /* one HTTP chunk: a["..."] LF */
    FRAMING_EVENTSOURCE,      /* one HTTP chunk: data: a["..."] CRLF CRLF */
    FRAMING_HTMLFILE,         /* one HTTP chunk: <script>... */
    FRAMING_STRING,           /* the quoted JSON string alone: polls join several in one a[...] */
    FRAMING_COUNT,
};

struct shared_frame {
    uint32_t refs;
    bool is_text;        /* valid UTF-8 (or WTF-8, for echo): can travel on SockJS */
    bool is_wtf8;        /* not known to be valid UTF-8: checked before it goes as WebSocket text */
    struct stats *stats; /* counts encodings; may be NULL */
    struct payload *raw; /* a STOMP frame with its NUL; owned */
    struct payload *encodings[FRAMING_COUNT]; /* owned; NULL until asked for */
};

/* Takes the caller's share of `raw`. `is_text` is found out here. */
struct shared_frame *shared_frame_create(struct payload *raw, struct stats *stats);

/* For the echo service: WTF-8 counts as text; and what came as a binary message goes as one. */
struct shared_frame *shared_frame_create_wtf8(struct payload *raw, struct stats *stats);
struct shared_frame *shared_frame_create_binary(struct payload *raw, struct stats *stats);
struct shared_frame *shared_frame_share(struct shared_frame *frame);
void shared_frame_release(struct shared_frame *frame); /* takes NULL */

/* Borrowed; NULL when this frame cannot travel so (not text, and the framing is SockJS's). */
struct payload *shared_frame_encoding(struct shared_frame *frame, enum framing framing);

/* Bytes it stands for in a queue: as if owned by each holder. */
static inline size_t shared_frame_bytes(const struct shared_frame *frame)
{
    return frame->raw->len;
}
