/* SPDX-License-Identifier: MIT
 *
 * WebSocket frames from any bytes. The first byte chooses the size limit, the next two where the rest is cut.
 * Whole, cut in two and byte by byte must agree; text must be UTF-8; what is encoded must be read back.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "proto/ws_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void note(struct buf *out, uint64_t number)
{
    buf_append_u64(out, number);
    buf_append_byte(out, ',');
}

static void note_message(struct buf *out, const struct ws_message *message)
{
    note(out, (uint64_t)message->opcode);
    note(out, message->close_code);
    note(out, message->data.len);
    buf_append_str(out, message->data);
}

static bool is_control(enum ws_opcode opcode)
{
    return opcode == WS_CLOSE || opcode == WS_PING || opcode == WS_PONG;
}

/* Encodes as a server, masks with zeros as a client may, and reads again. */
static void check_encoding(const struct ws_message *message)
{
    struct buf plain = {0};
    struct buf masked = {0};
    if (message->opcode == WS_CLOSE) {
        uint16_t code = message->close_code == 1005 ? 0 : message->close_code;
        ws_encode_close(&plain, code, message->data);
    } else {
        ws_encode(&plain, message->opcode, message->data);
    }
    size_t head_len = plain.data[1] < 126 ? 2 : plain.data[1] == 126 ? 4 : 10;
    buf_append(&masked, plain.data, head_len);
    masked.data[1] |= 0x80;
    buf_append(&masked, "\0\0\0\0", 4);
    buf_append(&masked, plain.data + head_len, plain.len - head_len);

    struct ws_decoder decoder;
    struct ws_message again;
    size_t consumed;
    ws_decoder_init(&decoder, message->data.len, 1);
    int code = ws_decode(&decoder, masked.data, masked.len, &consumed, &again);
    assert(code == DECODE_FRAME && consumed == masked.len);
    assert(again.opcode == message->opcode && again.close_code == message->close_code);
    assert(str_equal(again.data, message->data));
    ws_decoder_finish(&decoder);
    buf_finish(&plain);
    buf_finish(&masked);
}

/* A copy of its own for each chunk, so that a read behind it is seen. */
static int feed(struct ws_decoder *decoder, const uint8_t *bytes, size_t len, struct buf *out)
{
    uint8_t *copy = malloc(len);
    size_t at = 0;
    int code = DECODE_FRAME;
    if (len > 0) {
        memcpy(copy, bytes, len);
    }
    while (code == DECODE_FRAME) {
        struct ws_message message;
        size_t consumed;
        code = ws_decode(decoder, copy + at, len - at, &consumed, &message);
        if (code < 0) {
            note(out, (uint64_t)-code);
            break;
        }
        at += consumed;
        if (code == DECODE_FRAME) {
            assert(message.data.len <=
                   (is_control(message.opcode) ? 125 : decoder->message_bytes_max));
            assert(message.opcode != WS_TEXT || utf8_is_valid(message.data));
            note_message(out, &message);
            check_encoding(&message);
        }
    }
    assert(code < 0 || at == len);
    free(copy);
    return code;
}

static void decode_all(size_t bytes_max, const uint8_t *bytes, size_t len, size_t first,
                       size_t step, struct buf *out)
{
    struct ws_decoder decoder;
    ws_decoder_init(&decoder, bytes_max, bytes_max / 4);
    int code = feed(&decoder, bytes, first < len ? first : len, out);
    for (size_t at = first; at < len && code >= 0; at += step) {
        ws_decoder_trim(&decoder);
        code = feed(&decoder, bytes + at, step < len - at ? step : len - at, out);
    }
    ws_decoder_finish(&decoder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3) {
        return 0;
    }
    size_t bytes_max = (data[0] & 1) != 0 ? 16 : 100000;
    const uint8_t *bytes = data + 3;
    size_t len = size - 3;
    size_t split = len == 0 ? 0 : (size_t)(data[1] | data[2] << 8) % len;

    struct buf whole = {0};
    struct buf parts = {0};
    struct buf steps = {0};
    decode_all(bytes_max, bytes, len, len, len, &whole);
    decode_all(bytes_max, bytes, len, split, len, &parts);
    decode_all(bytes_max, bytes, len, 0, 1, &steps);
    assert(str_equal(buf_str(&whole), buf_str(&parts)));
    assert(str_equal(buf_str(&whole), buf_str(&steps)));
    buf_finish(&whole);
    buf_finish(&parts);
    buf_finish(&steps);

    char accept[WS_ACCEPT_LEN];
    bool is_key = ws_accept((struct str){(const char *)bytes, len}, accept);
    assert(!is_key || len == 24);
    return 0;
}
