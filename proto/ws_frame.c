/* SPDX-License-Identifier: MIT
 *
 * WebSocket frames as a server sees them (RFC 6455, section 5).
 *
 *   ws_decode() goes from frame to frame: read_head() collects and checks a frame's header, begin_frame()
 *   takes it over, read_payload() unmasks and checks what there is, end_frame() answers a whole message;
 *   a message in one frame in one buffer is answered where it lies, others are gathered.
 *
 * Each error belongs to one byte of the stream: any split gives the same answer. The size of a message is
 * judged by the frame's header, before its payload comes. Fragments are counted besides: empty ones cost no
 * memory, but a message of them would never end.
 */
#include "proto/ws_frame.h"

#include "proto/digest.h"
#include "proto/word.h"

#define STEP_DONE 1 /* beside DECODE_MORE and the negative codes */

#define FINAL 0x80u
#define RESERVED 0x70u
#define OPCODE 0x0Fu
#define MASKED 0x80u
#define LENGTH 0x7Fu
#define LENGTH_16 126u
#define LENGTH_64 127u
#define CONTROL_BYTES_MAX 125u
#define CLOSE_NO_CODE 1005u

void ws_decoder_init(struct ws_decoder *decoder, size_t message_bytes_max, size_t fragments_max)
{
    *decoder =
        (struct ws_decoder){.message_bytes_max = message_bytes_max, .fragments_max = fragments_max};
}

void ws_decoder_finish(struct ws_decoder *decoder)
{
    buf_finish(&decoder->message);
    buf_finish(&decoder->control);
}

bool ws_decoder_is_idle(const struct ws_decoder *decoder)
{
    return decoder->opcode == 0 && !decoder->in_payload && decoder->head_len == 0 &&
           !decoder->is_closed && decoder->failed == 0;
}

void ws_decoder_trim(struct ws_decoder *decoder)
{
    if (decoder->opcode == 0) {
        buf_finish(&decoder->message);
    }
    if (!decoder->in_payload) {
        buf_finish(&decoder->control);
    }
}

static bool is_control(uint8_t opcode)
{
    return opcode >= WS_CLOSE;
}

/* --- a frame's header ------------------------------------------------------------------------------ */

/* What the first two bytes already tell. */
static int check_start(const struct ws_decoder *decoder)
{
    unsigned first = decoder->head[0];
    unsigned second = decoder->head[1];
    if ((first & RESERVED) != 0 || (second & MASKED) == 0) {
        return WS_ERR_PROTOCOL;
    }
    switch (first & OPCODE) {
    case WS_CONTINUATION:
        return decoder->opcode == 0 ? WS_ERR_PROTOCOL : 0;
    case WS_TEXT:
    case WS_BINARY:
        return decoder->opcode != 0 ? WS_ERR_PROTOCOL : 0;
    case WS_CLOSE:
    case WS_PING:
    case WS_PONG:
        return (first & FINAL) == 0 || (second & LENGTH) > CONTROL_BYTES_MAX ? WS_ERR_PROTOCOL : 0;
    default:
        return WS_ERR_PROTOCOL;
    }
}

static size_t head_size(uint8_t second)
{
    unsigned len = second & LENGTH;
    return 2 + (len == LENGTH_64 ? 8u : len == LENGTH_16 ? 2u : 0u) + 4;
}

static uint64_t read_number(const uint8_t *at, size_t len)
{
    uint64_t number = 0;
    for (size_t i = 0; i < len; i++) {
        number = number << 8 | at[i];
    }
    return number;
}

/* A data frame of `len` bytes. Its message may have become longer than a limit that was lowered. */
static int begin_fragment(struct ws_decoder *decoder, uint8_t opcode, uint64_t len)
{
    if (opcode != WS_CONTINUATION) {
        decoder->opcode = opcode;
        decoder->utf8 = (struct utf8){0, 0, 0};
        decoder->fragments = 0;
    }
    size_t have = decoder->message.len;
    if (have > decoder->message_bytes_max || len > decoder->message_bytes_max - have ||
        ++decoder->fragments > decoder->fragments_max) {
        return WS_ERR_TOO_BIG;
    }
    return 0;
}

/* The header is complete and goes into the decoder's fields. */
static int begin_frame(struct ws_decoder *decoder)
{
    const uint8_t *head = decoder->head;
    uint64_t len = head[1] & LENGTH;
    if (len == LENGTH_16) {
        len = read_number(head + 2, 2);
        if (len < LENGTH_16) {
            return WS_ERR_PROTOCOL;
        }
    } else if (len == LENGTH_64) {
        len = read_number(head + 2, 8);
        if (len <= UINT16_MAX || len > INT64_MAX) {
            return WS_ERR_PROTOCOL;
        }
    }
    uint8_t opcode = head[0] & OPCODE;
    if (is_control(opcode)) {
        decoder->control.len = 0;
    } else {
        int code = begin_fragment(decoder, opcode, len);
        if (code < 0) {
            return code;
        }
    }
    const uint8_t *mask = head + decoder->head_len - 4;
    memcpy(decoder->mask, mask, 4);
    memcpy(decoder->mask + 4, mask, 4);
    memcpy(decoder->mask + 8, mask, 3);
    decoder->mask_at = 0;
    decoder->frame_left = len;
    decoder->frame_opcode = opcode;
    decoder->is_final = (head[0] & FINAL) != 0;
    decoder->in_payload = true;
    decoder->head_len = 0;
    return STEP_DONE;
}

static int read_head(struct ws_decoder *decoder, const uint8_t *bytes, size_t len, size_t *used)
{
    for (;;) {
        size_t have = decoder->head_len;
        size_t need = have < 2 ? 2 : head_size(decoder->head[1]);
        size_t piece = need - have < len - *used ? need - have : len - *used;
        if (piece > 0) {
            memcpy(decoder->head + have, bytes + *used, piece);
        }
        *used += piece;
        decoder->head_len = (uint8_t)(have + piece);
        if (have + piece < need) {
            return DECODE_MORE;
        }
        if (need > 2) {
            return begin_frame(decoder);
        }
        int code = check_start(decoder);
        if (code < 0) {
            return code;
        }
    }
}

/* --- a frame's payload ----------------------------------------------------------------------------- */

static void unmask(struct ws_decoder *decoder, uint8_t *bytes, size_t len)
{
    const uint8_t *mask = decoder->mask + decoder->mask_at;
    uint64_t word = word_load(mask);
    size_t at = 0;
    for (; len - at >= 32; at += 32) {
        word_store(bytes + at, word_load(bytes + at) ^ word);
        word_store(bytes + at + 8, word_load(bytes + at + 8) ^ word);
        word_store(bytes + at + 16, word_load(bytes + at + 16) ^ word);
        word_store(bytes + at + 24, word_load(bytes + at + 24) ^ word);
    }
    for (; len - at >= 8; at += 8) {
        word_store(bytes + at, word_load(bytes + at) ^ word);
    }
    for (size_t i = 0; at < len; at++, i++) {
        bytes[at] ^= mask[i];
    }
    decoder->mask_at = (uint8_t)((decoder->mask_at + len) & 3);
}

static bool close_code_is_valid(unsigned code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

static int end_close(struct ws_decoder *decoder, struct str data, struct ws_message *out_message)
{
    unsigned code = CLOSE_NO_CODE;
    if (data.len == 1) {
        return WS_ERR_PROTOCOL;
    }
    if (data.len >= 2) {
        code = (unsigned)read_number((const uint8_t *)data.at, 2);
        data = (struct str){data.at + 2, data.len - 2};
        if (!close_code_is_valid(code)) {
            return WS_ERR_PROTOCOL;
        }
        if (!utf8_is_valid(data)) {
            return WS_ERR_UTF8;
        }
    }
    decoder->is_closed = true;
    *out_message =
        (struct ws_message){.opcode = WS_CLOSE, .data = data, .close_code = (uint16_t)code};
    return DECODE_FRAME;
}

/* The frame's last byte was read. `data` is its payload, or all of the message's so far. */
static int end_frame(struct ws_decoder *decoder, struct str data, struct ws_message *out_message)
{
    decoder->in_payload = false;
    if (decoder->frame_opcode == WS_CLOSE) {
        return end_close(decoder, data, out_message);
    }
    if (is_control(decoder->frame_opcode)) {
        *out_message =
            (struct ws_message){.opcode = (enum ws_opcode)decoder->frame_opcode, .data = data};
        return DECODE_FRAME;
    }
    if (!decoder->is_final) {
        return DECODE_MORE;
    }
    if (decoder->opcode == WS_TEXT && !utf8_is_complete(&decoder->utf8)) {
        return WS_ERR_UTF8;
    }
    *out_message = (struct ws_message){.opcode = (enum ws_opcode)decoder->opcode, .data = data};
    decoder->opcode = 0;
    return DECODE_FRAME;
}

static int read_payload(struct ws_decoder *decoder, uint8_t *bytes, size_t len, size_t *used,
                        struct ws_message *out_message)
{
    size_t piece = len - *used;
    if (piece > decoder->frame_left) {
        piece = (size_t)decoder->frame_left;
    }
    struct str data = {(const char *)bytes + *used, piece};
    unmask(decoder, bytes + *used, piece);
    *used += piece;
    decoder->frame_left -= piece;

    bool in_control = is_control(decoder->frame_opcode);
    if (!in_control && decoder->opcode == WS_TEXT &&
        !utf8_feed(&decoder->utf8, data.at, data.len)) {
        return WS_ERR_UTF8;
    }
    struct buf *gathered = in_control ? &decoder->control : &decoder->message;
    bool is_whole = decoder->frame_left == 0 && (in_control || decoder->is_final);
    if (gathered->len > 0 || !is_whole) {
        buf_append_str(gathered, data);
        data = buf_str(gathered);
    }
    return decoder->frame_left > 0 ? DECODE_MORE : end_frame(decoder, data, out_message);
}

int ws_decode(struct ws_decoder *decoder, uint8_t *bytes, size_t len, size_t *out_consumed,
              struct ws_message *out_message)
{
    size_t used = 0;
    int code = decoder->failed;
    if (code < 0) {
        return code;
    }
    if (decoder->is_closed) {
        *out_consumed = len;
        return DECODE_MORE;
    }
    if (decoder->opcode == 0) {
        decoder->message.len = 0;
    }
    do {
        code = decoder->in_payload ? STEP_DONE : read_head(decoder, bytes, len, &used);
        if (code == STEP_DONE) {
            code = read_payload(decoder, bytes, len, &used, out_message);
        }
    } while (code == DECODE_MORE && used < len);
    if (code < 0) {
        decoder->failed = code;
        return code;
    }
    *out_consumed = used;
    return code;
}

/* --- encoding -------------------------------------------------------------------------------------- */

static void put_number(uint8_t *out, size_t len, uint64_t number)
{
    for (size_t i = len; i > 0; i--) {
        out[i - 1] = (uint8_t)(number & 0xFF);
        number >>= 8;
    }
}

size_t ws_encode_head(uint8_t out[10], enum ws_opcode opcode, uint64_t payload_len)
{
    out[0] = (uint8_t)(FINAL | (unsigned)opcode);
    if (payload_len < LENGTH_16) {
        out[1] = (uint8_t)payload_len;
        return 2;
    }
    if (payload_len <= UINT16_MAX) {
        out[1] = LENGTH_16;
        put_number(out + 2, 2, payload_len);
        return 4;
    }
    out[1] = LENGTH_64;
    put_number(out + 2, 8, payload_len);
    return 10;
}

void ws_encode(struct buf *out, enum ws_opcode opcode, struct str payload)
{
    uint8_t *at = buf_reserve(out, 10 + payload.len);
    out->len += ws_encode_head(at, opcode, payload.len);
    buf_append_str(out, payload);
}

void ws_encode_close(struct buf *out, uint16_t code, struct str reason)
{
    uint8_t payload[CONTROL_BYTES_MAX];
    if (code == 0) {
        ws_encode(out, WS_CLOSE, (struct str){"", 0});
        return;
    }
    if (reason.len > sizeof(payload) - 2) {
        reason.len = sizeof(payload) - 2;
        while (reason.len > 0 && ((uint8_t)reason.at[reason.len] & 0xC0) == 0x80) {
            reason.len--;
        }
    }
    put_number(payload, 2, code);
    if (reason.len > 0) {
        memcpy(payload + 2, reason.at, reason.len);
    }
    ws_encode(out, WS_CLOSE, (struct str){(const char *)payload, reason.len + 2});
}

bool ws_accept(struct str key, char out[WS_ACCEPT_LEN])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    uint8_t nonce[16];
    char text[24 + sizeof(guid) - 1];
    if (!digest_unbase64(key, nonce, sizeof(nonce))) {
        return false;
    }
    memcpy(text, key.at, 24);
    memcpy(text + 24, guid, sizeof(guid) - 1);
    uint8_t sha1[DIGEST_SHA1_LEN];
    char accept[WS_ACCEPT_LEN + 1];
    digest_sha1((struct str){text, sizeof(text)}, sha1);
    size_t len = digest_base64(sha1, sizeof(sha1), accept, sizeof(accept));
    memcpy(out, accept, len);
    return true;
}
