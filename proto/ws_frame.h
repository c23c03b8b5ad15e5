/* SPDX-License-Identifier: MIT
 *
 * WebSocket frames of a server (RFC 6455): handshake key, stream decoder for masked client frames, encoder.
 *
 * The decoder joins fragments into whole messages within `message_bytes_max` and `fragments_max`, unmasks in
 * place, checks UTF-8 of text as it comes (fail fast), and answers control frames between fragments as they arrive.
 * RSV bits, reserved opcodes, unmasked frames, non-minimal or oversize lengths, control frames that are
 * fragmented or long: negative codes, which are WebSocket close codes with a minus sign.
 */
#pragma once

#include "common/buf.h"
#include "proto/decode.h"
#include "proto/utf8.h"

enum ws_opcode {
    WS_CONTINUATION = 0,
    WS_TEXT = 1,
    WS_BINARY = 2,
    WS_CLOSE = 8,
    WS_PING = 9,
    WS_PONG = 10,
};

enum ws_error {
    WS_ERR_PROTOCOL = -1002,
    WS_ERR_UTF8 = -1007,
    WS_ERR_TOO_BIG = -1009,
};

/* A whole message or a control frame. For WS_CLOSE: close_code (1005 when the peer gave none) and `data`
 * is the reason, both checked. */
struct ws_message {
    enum ws_opcode opcode; /* WS_TEXT, WS_BINARY, WS_CLOSE, WS_PING or WS_PONG */
    struct str data;       /* until the next call */
    uint16_t close_code;
};

/* A message that came in one frame in one buffer stays where it is; others gather in `message`. After a
 * WS_CLOSE everything is swallowed. */
struct ws_decoder {
    /* Set by the owner, at any time; beyond: WS_ERR_TOO_BIG before anything is allocated. */
    size_t message_bytes_max;
    size_t fragments_max; /* frames of one message */

    /* Private from here on. */
    struct buf message;  /* fragments, or a frame that spans calls */
    struct buf control;  /* payload of a control frame that spans calls */
    uint64_t frame_left; /* payload bytes of the current frame still to come */
    size_t fragments;    /* frames of the message under way */
    struct utf8 utf8;
    uint8_t head[14]; /* of the frame that begins */
    uint8_t head_len;
    uint8_t mask[11]; /* the four bytes over and over: a word from any place */
    uint8_t mask_at;  /* position in the mask, 0 to 3 */
    uint8_t opcode;   /* of the message under way; 0 between messages */
    uint8_t frame_opcode;
    bool is_final;
    bool in_payload;
    bool is_closed; /* the peer sent its WS_CLOSE */
    int failed;     /* sticky error */
};

void ws_decoder_init(struct ws_decoder *decoder, size_t message_bytes_max, size_t fragments_max);
void ws_decoder_finish(struct ws_decoder *decoder);

/* Between messages, with nothing read of the next: a fresh one would go on the same way. */
bool ws_decoder_is_idle(const struct ws_decoder *decoder);

/* Memory that stayed from the last message may go; called when a connection turns idle. */
void ws_decoder_trim(struct ws_decoder *decoder);

/* `bytes` are unmasked in place. */
int ws_decode(struct ws_decoder *decoder, uint8_t *bytes, size_t len, size_t *out_consumed,
              struct ws_message *out_message) __attribute__((warn_unused_result));

/* Header of an unfragmented, unmasked server frame: writes 2 to 10 bytes, returns how many. */
size_t ws_encode_head(uint8_t out[10], enum ws_opcode opcode, uint64_t payload_len);
void ws_encode(struct buf *out, enum ws_opcode opcode, struct str payload);

/* Close frame; the reason is cut to 123 bytes at a character's end. code 0: an empty close. */
void ws_encode_close(struct buf *out, uint16_t code, struct str reason);

#define WS_ACCEPT_LEN 28

/* Sec-WebSocket-Accept for a Sec-WebSocket-Key (RFC 6455 4.2.2). False when the key is not the base64 of
 * exactly 16 bytes. */
bool ws_accept(struct str key, char out[WS_ACCEPT_LEN]);
