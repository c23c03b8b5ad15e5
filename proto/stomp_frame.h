/* SPDX-License-Identifier: MIT
 *
 * STOMP 1.0, 1.1 and 1.2 frames: a stream decoder and an encoder (https://stomp.github.io, "STOMP Frames").
 *
 * The decoder knows the negotiated version only for what depends on it: escapes, a lone CR, trimming.
 * Before CONNECT it is 1.0 and CONNECT, STOMP and CONNECTED are never unescaped. Line ends between frames
 * are heart-beats: skipped and counted, stray NULs with them. A NUL inside a header is refused: nobody could
 * pass it on unharmed.
 */
#pragma once

#include "common/buf.h"
#include "proto/decode.h"
#include "proto/stomp_headers.h"

enum stomp_version { STOMP_1_0 = 10, STOMP_1_1 = 11, STOMP_1_2 = 12 };

enum stomp_error {
    STOMP_ERR_COMMAND = -1,        /* unknown, empty or too long */
    STOMP_ERR_HEADER = -2,         /* no colon, an empty name, or a NUL */
    STOMP_ERR_ESCAPE = -3,         /* undefined escape in 1.2 */
    STOMP_ERR_CONTENT_LENGTH = -4, /* not a number, repeated, or no NUL after that many octets */
    STOMP_ERR_BODY = -5,           /* a body on a command that has none */
    STOMP_ERR_CR = -6,             /* a lone CR inside a line in 1.2, or in a command */
    STOMP_ERR_FRAME_BYTES = -7,    /* over limits.frame_bytes */
    STOMP_ERR_HEADER_BYTES = -8,   /* over limits.header_bytes */
    STOMP_ERR_HEADER_COUNT = -9,   /* over limits.header_count */
    STOMP_ERR_UTF8 = -10,          /* a header is not valid UTF-8 */
};

struct stomp_limits {
    size_t frame_bytes;  /* command, headers and body together, without the NUL */
    size_t header_bytes; /* one header line without its end */
    size_t header_count; /* of different names; repetitions are not counted */
};

enum stomp_command {
    STOMP_UNKNOWN,
    STOMP_CONNECT,
    STOMP_STOMP,
    STOMP_SEND,
    STOMP_SUBSCRIBE,
    STOMP_UNSUBSCRIBE,
    STOMP_ACK,
    STOMP_NACK,
    STOMP_BEGIN,
    STOMP_COMMIT,
    STOMP_ABORT,
    STOMP_DISCONNECT,
    STOMP_CONNECTED, /* the rest are written by servers; a client that sends one breaks the rules */
    STOMP_MESSAGE,
    STOMP_RECEIPT,
    STOMP_ERROR,
};

struct stomp_frame {
    enum stomp_command command;
    const struct stomp_header
        *headers; /* {name, value} in order; of a repeated name only the first is kept */
    size_t header_count;
    struct str body;
};

/* A frame that came whole in one buffer is decoded in place without copying the body; one that spans calls
 * gathers in `partial`. Idle decoders hold no memory but this struct, once trimmed. */
struct stomp_decoder {
    enum stomp_version version;        /* set by the owner once negotiated */
    const struct stomp_limits *limits; /* borrowed; may be changed between frames */
    bool accepts_server_frames;        /* for tests and peers of ours; off for clients */
    uint64_t beats;                    /* line ends and stray NULs seen between frames */

    /* Private from here on. */
    struct buf partial;           /* the bytes of a frame that spans calls */
    struct stomp_headers headers; /* of the frame under way, or of the last one */
    size_t line_at;               /* where the line under way begins in the frame */
    size_t scanned;               /* how far its end, or the body's, was looked for */
    size_t head_len;              /* header block incl. its empty line, 0 unknown */
    size_t body_len;              /* from content-length, SIZE_MAX when absent */
    enum stomp_command command;
    bool is_after_cr; /* between frames: a CR that must be followed by LF */
    bool is_given;    /* the frame was answered; the next call begins a new one */
    int failed;       /* sticky error */
};

void stomp_decoder_init(struct stomp_decoder *decoder, const struct stomp_limits *limits);
void stomp_decoder_finish(struct stomp_decoder *decoder);
/* After STOMP_ERR_BODY and STOMP_ERR_CONTENT_LENGTH, and no other failure, *out_frame has the headers read so far, so that
 * the ERROR can name the receipt. */
int stomp_decode(struct stomp_decoder *decoder, const void *bytes, size_t len, size_t *out_consumed,
                 struct stomp_frame *out_frame) __attribute__((warn_unused_result));

/* Memory that stayed from the last frame may go; called when a connection turns idle. */
void stomp_decoder_trim(struct stomp_decoder *decoder);

/* First value of that name; at NULL when absent. Exact case. */
struct str stomp_frame_header(const struct stomp_frame *frame, const char *name);

/* A fixed English sentence for the `message` header of an ERROR; never echoes input. */
const char *stomp_error_text(int code);
const char *stomp_command_name(enum stomp_command command);

/* Encoding: begin, headers, end. Names and values are escaped for `version`, except in CONNECT and CONNECTED.
 * A header that could not be read back is left out: one with NUL anywhere; where nothing can be escaped one
 * with LF, or a colon in its name; where CR cannot be escaped one whose value ends in CR.
 * Every frame ends with NUL; the transport adds the LF that TCP wants. */
void stomp_encode_begin(struct buf *out, enum stomp_command command);
void stomp_encode_header(struct buf *out, enum stomp_version version, enum stomp_command command,
                         struct str name, struct str value);
void stomp_encode_end(struct buf *out, struct str body);
