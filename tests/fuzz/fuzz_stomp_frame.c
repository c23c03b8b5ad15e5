/* SPDX-License-Identifier: MIT
 *
 * STOMP frames from any bytes. The first byte chooses version, peer and limits, the next two where the rest
 * is cut. Whole, cut in two and byte by byte must agree; what was decoded must survive being encoded.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "proto/stomp_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct stomp_limits limits[] = {{65536, 8192, 100}, {48, 16, 2}};

struct setup {
    enum stomp_version version;
    bool is_server;
    const struct stomp_limits *limits;
};

static void setup_decoder(struct stomp_decoder *decoder, const struct setup *setup)
{
    stomp_decoder_init(decoder, setup->limits);
    decoder->version = setup->version;
    decoder->accepts_server_frames = setup->is_server;
}

static void note(struct buf *out, struct str text)
{
    buf_append_u64(out, text.len);
    buf_append_byte(out, ':');
    buf_append_str(out, text);
}

static void note_frame(struct buf *out, const struct stomp_frame *frame)
{
    buf_append_text(out, stomp_command_name(frame->command));
    for (size_t i = 0; i < frame->header_count; i++) {
        assert(frame->headers[i].name.len > 0);
        note(out, frame->headers[i].name);
        note(out, frame->headers[i].value);
    }
    note(out, frame->body);
}

/* Encoded for the same version and read again, a frame is itself, but for the headers left out. */
static void check_encoding(const struct setup *setup, const struct stomp_frame *frame)
{
    static const struct stomp_limits wide = {1u << 20, 1u << 20, 1000};
    struct buf bytes = {0};
    stomp_encode_begin(&bytes, frame->command);
    for (size_t i = 0; i < frame->header_count; i++) {
        stomp_encode_header(&bytes, setup->version, frame->command, frame->headers[i].name,
                            frame->headers[i].value);
    }
    stomp_encode_end(&bytes, frame->body);
    struct stomp_decoder decoder;
    setup_decoder(&decoder, setup);
    decoder.limits = &wide;
    struct stomp_frame again;
    size_t consumed;
    int code = stomp_decode(&decoder, bytes.data, bytes.len, &consumed, &again);
    assert(code == DECODE_FRAME && consumed == bytes.len);
    assert(again.command == frame->command && str_equal(again.body, frame->body));
    size_t next = 0;
    for (size_t i = 0; i < again.header_count; i++) {
        while (!str_equal(frame->headers[next].name, again.headers[i].name)) {
            next++;
            assert(next < frame->header_count);
        }
        assert(str_equal(frame->headers[next].value, again.headers[i].value));
    }
    stomp_decoder_finish(&decoder);
    buf_finish(&bytes);
}

/* A copy of its own for each chunk, so that a read behind it is seen. */
static int feed(struct stomp_decoder *decoder, const uint8_t *bytes, size_t len,
                const struct setup *setup, struct buf *out)
{
    uint8_t *copy = malloc(len);
    size_t at = 0;
    int code = DECODE_FRAME;
    if (len > 0) {
        memcpy(copy, bytes, len);
    }
    while (code == DECODE_FRAME) {
        struct stomp_frame frame;
        size_t consumed;
        code = stomp_decode(decoder, copy + at, len - at, &consumed, &frame);
        if (code < 0) {
            buf_append_text(out, stomp_error_text(code));
            break;
        }
        at += consumed;
        if (code == DECODE_FRAME) {
            note_frame(out, &frame);
            if (setup != NULL) {
                check_encoding(setup, &frame);
            }
        }
    }
    assert(code < 0 || at == len);
    free(copy);
    return code;
}

static void decode_all(const struct setup *setup, const uint8_t *bytes, size_t len, size_t first,
                       size_t step, struct buf *out)
{
    struct stomp_decoder decoder;
    setup_decoder(&decoder, setup);
    bool whole = first >= len;
    int code = feed(&decoder, bytes, whole ? len : first, whole ? setup : NULL, out);
    for (size_t at = first; at < len && code >= 0; at += step) {
        code = feed(&decoder, bytes + at, step < len - at ? step : len - at, NULL, out);
        stomp_decoder_trim(&decoder);
    }
    if (code >= 0) {
        buf_append_u64(out, decoder.beats);
    }
    stomp_decoder_finish(&decoder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum stomp_version versions[] = {STOMP_1_0, STOMP_1_1, STOMP_1_2, STOMP_1_2};
    if (size < 3) {
        return 0;
    }
    struct setup setup = {versions[data[0] & 3], (data[0] & 4) != 0, &limits[data[0] >> 3 & 1]};
    const uint8_t *bytes = data + 3;
    size_t len = size - 3;
    size_t split = len == 0 ? 0 : (size_t)(data[1] | data[2] << 8) % len;

    struct buf whole = {0};
    struct buf parts = {0};
    struct buf steps = {0};
    decode_all(&setup, bytes, len, len, len, &whole);
    decode_all(&setup, bytes, len, split, len, &parts);
    decode_all(&setup, bytes, len, 0, 1, &steps);
    assert(str_equal(buf_str(&whole), buf_str(&parts)));
    assert(str_equal(buf_str(&whole), buf_str(&steps)));
    buf_finish(&whole);
    buf_finish(&parts);
    buf_finish(&steps);
    return 0;
}
