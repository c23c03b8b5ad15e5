/* SPDX-License-Identifier: MIT
 *
 * STOMP frames: bytes in, frames out, and back.
 *
 *   stomp_decode() skips what lies between frames, then reads the frame where it lies in the input;
 *   read_head() takes one finished line after the other: parse_command(), parse_header(), finish_head();
 *   find_end() looks for the NUL, by content-length or by search; show_frame() fills the out struct;
 *   a frame that does not end in the input is copied to `partial`, and gather() brings the rest.
 *
 * Everything known about a frame under way is offsets from its first byte, so the same code goes on when
 * the bytes have moved, and no byte is searched twice. Each error belongs to one byte of the stream or to
 * one finished line, checked in a fixed order: any split gives the same answer.
 */
#include "proto/stomp_frame.h"

#include <assert.h>

#include "common/mem.h"
#include "proto/utf8.h"
#include "proto/word.h"

#define STEP_DONE 1 /* beside DECODE_MORE and the negative codes */
#define ABSENT SIZE_MAX
#define COMMAND_LINE_MAX (sizeof("UNSUBSCRIBE\r\n") - 1)

static const struct {
    struct str name;
    bool is_server;
    bool has_body;
    bool is_raw; /* headers are never escaped */
} commands[] = {
    [STOMP_CONNECT] = {{"CONNECT", 7}, false, false, true},
    [STOMP_STOMP] = {{"STOMP", 5}, false, false, true},
    [STOMP_SEND] = {{"SEND", 4}, false, true, false},
    [STOMP_SUBSCRIBE] = {{"SUBSCRIBE", 9}, false, false, false},
    [STOMP_UNSUBSCRIBE] = {{"UNSUBSCRIBE", 11}, false, false, false},
    [STOMP_ACK] = {{"ACK", 3}, false, false, false},
    [STOMP_NACK] = {{"NACK", 4}, false, false, false},
    [STOMP_BEGIN] = {{"BEGIN", 5}, false, false, false},
    [STOMP_COMMIT] = {{"COMMIT", 6}, false, false, false},
    [STOMP_ABORT] = {{"ABORT", 5}, false, false, false},
    [STOMP_DISCONNECT] = {{"DISCONNECT", 10}, false, false, false},
    [STOMP_CONNECTED] = {{"CONNECTED", 9}, true, false, true},
    [STOMP_MESSAGE] = {{"MESSAGE", 7}, true, true, false},
    [STOMP_RECEIPT] = {{"RECEIPT", 7}, true, false, false},
    [STOMP_ERROR] = {{"ERROR", 5}, true, true, false},
};

void stomp_decoder_init(struct stomp_decoder *decoder, const struct stomp_limits *limits)
{
    *decoder = (struct stomp_decoder){
        .version = STOMP_1_0, .limits = limits, .body_len = ABSENT, .command = STOMP_UNKNOWN};
}

static void reset_frame(struct stomp_decoder *decoder)
{
    decoder->partial.len = 0;
    stomp_headers_clear(&decoder->headers);
    decoder->line_at = 0;
    decoder->scanned = 0;
    decoder->head_len = 0;
    decoder->body_len = ABSENT;
    decoder->command = STOMP_UNKNOWN;
    decoder->is_given = false;
}

void stomp_decoder_finish(struct stomp_decoder *decoder)
{
    reset_frame(decoder);
    stomp_decoder_trim(decoder);
}

void stomp_decoder_trim(struct stomp_decoder *decoder)
{
    if (decoder->is_given) {
        reset_frame(decoder);
    }
    if (decoder->partial.len > 0) {
        return; /* a frame is under way */
    }
    buf_finish(&decoder->partial);
    stomp_headers_finish(&decoder->headers);
}

/* --- one header line ------------------------------------------------------------------------------- */

/* True when no byte of the line needs a second look: no control, no backslash, nothing but ASCII. */
static bool is_plain(struct str line)
{
    size_t at = 0;
    if (line.len >= 8) {
        size_t last = line.len - 8;
        uint64_t found = word_has_any(word_load(line.at + last), 0x20, '\\');
        for (; at < last; at += 8) {
            found |= word_has_any(word_load(line.at + at), 0x20, '\\');
        }
        return found == 0;
    }
    for (; at < line.len; at++) {
        uint8_t byte = (uint8_t)line.at[at];
        if (byte < 0x20 || byte >= 0x80 || byte == '\\') {
            return false;
        }
    }
    return true;
}

static int check_text(const struct stomp_decoder *decoder, struct str line)
{
    if (decoder->version >= STOMP_1_2 && memchr(line.at, '\r', line.len) != NULL) {
        return STOMP_ERR_CR;
    }
    return utf8_is_valid(line) ? 0 : STOMP_ERR_UTF8;
}

static enum stomp_escapes escapes_of(const struct stomp_decoder *decoder)
{
    if (decoder->version == STOMP_1_0 || commands[decoder->command].is_raw) {
        return STOMP_ESCAPES_NONE;
    }
    return decoder->version == STOMP_1_1 ? STOMP_ESCAPES_LENIENT : STOMP_ESCAPES_STRICT;
}

static int add_header(struct stomp_decoder *decoder, const uint8_t *base, struct str line,
                      size_t name_len, bool is_plain_line)
{
    int code = stomp_headers_add(
        &decoder->headers, base, decoder->line_at, name_len, line.len - name_len - 1,
        is_plain_line ? STOMP_ESCAPES_NONE : escapes_of(decoder), decoder->limits->header_count);
    switch (code) {
    case STOMP_HEADERS_ERR_ESCAPE:
        return STOMP_ERR_ESCAPE;
    case STOMP_HEADERS_ERR_COUNT:
        return STOMP_ERR_HEADER_COUNT;
    case STOMP_HEADERS_REPEATED: /* the first wins, but a body has one length only */
        return str_equal((struct str){line.at, name_len}, STR("content-length"))
                   ? STOMP_ERR_CONTENT_LENGTH
                   : 0;
    default:
        return 0;
    }
}

static int parse_header(struct stomp_decoder *decoder, const uint8_t *base, struct str line)
{
    bool plain = is_plain(line);
    if (!plain && memchr(line.at, 0, line.len) != NULL) {
        return STOMP_ERR_HEADER;
    }
    if (line.len > decoder->limits->header_bytes) {
        return STOMP_ERR_HEADER_BYTES;
    }
    if (!plain) {
        int code = check_text(decoder, line);
        if (code < 0) {
            return code;
        }
    }
    const char *colon = memchr(line.at, ':', line.len);
    if (colon == NULL || colon == line.at) {
        return STOMP_ERR_HEADER;
    }
    return add_header(decoder, base, line, (size_t)(colon - line.at), plain);
}

/* --- the head -------------------------------------------------------------------------------------- */

static int parse_command(struct stomp_decoder *decoder, struct str line)
{
    for (size_t i = STOMP_CONNECT; i < MEM_COUNT(commands); i++) {
        if (str_equal(line, commands[i].name)) {
            if (commands[i].is_server && !decoder->accepts_server_frames) {
                return STOMP_ERR_COMMAND;
            }
            decoder->command = (enum stomp_command)i;
            return 0;
        }
    }
    bool has_cr = memchr(line.at, '\r', line.len) != NULL;
    bool has_nul = memchr(line.at, 0, line.len) != NULL;
    return has_cr && !has_nul ? STOMP_ERR_CR : STOMP_ERR_COMMAND;
}

/* Values are trimmed in 1.0 only. A CONNECT is read before the version is known, so one that offers
 * something newer keeps its spaces. */
static bool trims_values(const struct stomp_decoder *decoder, const uint8_t *base)
{
    struct str versions;
    if (!commands[decoder->command].is_raw) {
        return decoder->version == STOMP_1_0;
    }
    return !stomp_headers_find(&decoder->headers, base, STR("accept-version"), &versions) ||
           str_equal(str_trim(versions), STR("1.0"));
}

/* A number too large to hold is simply larger than any limit. */
static int parse_length(struct str value, size_t *out_len)
{
    size_t len = 0;
    for (size_t i = 0; i < value.len; i++) {
        if (value.at[i] < '0' || value.at[i] > '9') {
            return STOMP_ERR_CONTENT_LENGTH;
        }
        size_t digit = (size_t)(value.at[i] - '0');
        len = len > (ABSENT - 10) / 10 ? ABSENT - 1 : len * 10 + digit;
    }
    if (value.len == 0) {
        return STOMP_ERR_CONTENT_LENGTH;
    }
    *out_len = len;
    return 0;
}

static int finish_head(struct stomp_decoder *decoder, const uint8_t *base, size_t head_len)
{
    decoder->head_len = head_len;
    decoder->scanned = head_len;
    if (trims_values(decoder, base)) {
        stomp_headers_trim_values(&decoder->headers, base);
    }
    struct str value;
    if (!stomp_headers_find(&decoder->headers, base, STR("content-length"), &value)) {
        return 0;
    }
    int code = parse_length(value, &decoder->body_len);
    if (code < 0) {
        return code;
    }
    if (decoder->body_len > 0 && !commands[decoder->command].has_body) {
        return STOMP_ERR_BODY;
    }
    if (decoder->body_len > decoder->limits->frame_bytes - head_len) {
        return STOMP_ERR_FRAME_BYTES;
    }
    return 0;
}

/* The line under way, once its LF is there. Its length is judged while it comes, so an endless one is
 * refused at the first byte too many. */
static int find_line(struct stomp_decoder *decoder, const uint8_t *base, size_t len,
                     size_t *out_line_end)
{
    bool is_command = decoder->line_at == 0;
    size_t left = decoder->limits->frame_bytes - decoder->line_at;
    size_t line_max = is_command ? COMMAND_LINE_MAX : decoder->limits->header_bytes + 2;
    size_t bound = decoder->line_at + (left <= line_max ? left : line_max);
    size_t end = len < bound ? len : bound;
    if (end < decoder->scanned) {
        end = decoder->scanned; /* the limit was lowered meanwhile */
    }
    const uint8_t *from = base + decoder->scanned;
    const uint8_t *lf = memchr(from, '\n', end - decoder->scanned);
    if (lf != NULL) {
        *out_line_end = (size_t)(lf - base);
        return STEP_DONE;
    }
    if (memchr(from, 0, end - decoder->scanned) != NULL) {
        return is_command ? STOMP_ERR_COMMAND : STOMP_ERR_HEADER;
    }
    decoder->scanned = end;
    if (len < bound) {
        return DECODE_MORE;
    }
    if (left <= line_max) {
        return STOMP_ERR_FRAME_BYTES;
    }
    return is_command ? STOMP_ERR_COMMAND : STOMP_ERR_HEADER_BYTES;
}

static int read_head(struct stomp_decoder *decoder, const uint8_t *base, size_t len)
{
    while (decoder->head_len == 0) {
        size_t line_end;
        int code = find_line(decoder, base, len, &line_end);
        if (code != STEP_DONE) {
            return code;
        }
        struct str line = {(const char *)base + decoder->line_at, line_end - decoder->line_at};
        if (line.len > 0 && line.at[line.len - 1] == '\r') {
            line.len--;
        }
        if (decoder->line_at == 0) {
            code = parse_command(decoder, line);
        } else if (line.len > 0) {
            code = parse_header(decoder, base, line);
        } else {
            code = finish_head(decoder, base, line_end + 1);
        }
        if (code < 0) {
            return code;
        }
        decoder->line_at = line_end + 1;
        decoder->scanned = line_end + 1;
    }
    return STEP_DONE;
}

/* --- the frame ------------------------------------------------------------------------------------- */

/* Leaves body_len known when the NUL is there. */
static int find_end(struct stomp_decoder *decoder, const uint8_t *base, size_t len)
{
    size_t head_len = decoder->head_len;
    bool has_body = commands[decoder->command].has_body;
    if (decoder->body_len != ABSENT || !has_body) {
        size_t body_len = decoder->body_len == ABSENT ? 0 : decoder->body_len;
        if (len <= head_len + body_len) {
            return DECODE_MORE;
        }
        if (base[head_len + body_len] != 0) {
            return decoder->body_len == ABSENT ? STOMP_ERR_BODY : STOMP_ERR_CONTENT_LENGTH;
        }
        decoder->body_len = body_len;
        return STEP_DONE;
    }
    size_t frame_bytes = decoder->limits->frame_bytes;
    size_t end = len <= frame_bytes ? len : frame_bytes + 1;
    const uint8_t *nul = memchr(base + decoder->scanned, 0, end - decoder->scanned);
    if (nul != NULL) {
        decoder->body_len = (size_t)(nul - base) - head_len;
        return STEP_DONE;
    }
    decoder->scanned = end;
    return len > frame_bytes ? STOMP_ERR_FRAME_BYTES : DECODE_MORE;
}

static int read_frame(struct stomp_decoder *decoder, const uint8_t *base, size_t len)
{
    int code = read_head(decoder, base, len);
    return code == STEP_DONE ? find_end(decoder, base, len) : code;
}

static int show_frame(struct stomp_decoder *decoder, const uint8_t *base,
                      struct stomp_frame *out_frame)
{
    *out_frame = (struct stomp_frame){
        .command = decoder->command,
        .headers = stomp_headers_show(&decoder->headers, base),
        .header_count = decoder->headers.count,
        .body = {(const char *)base + decoder->head_len, decoder->body_len},
    };
    decoder->is_given = true;
    return DECODE_FRAME;
}

static int skip_between(struct stomp_decoder *decoder, const uint8_t *bytes, size_t len,
                        size_t *out_skipped)
{
    size_t at = 0;
    for (; at < len; at++) {
        if (bytes[at] == '\n' || (bytes[at] == 0 && !decoder->is_after_cr)) {
            decoder->beats++;
            decoder->is_after_cr = false;
        } else if (decoder->is_after_cr) {
            return STOMP_ERR_CR;
        } else if (bytes[at] == '\r') {
            decoder->is_after_cr = true;
        } else {
            break;
        }
    }
    *out_skipped = at;
    return 0;
}

/* How much of the input to take next: through the first byte that may end what is looked for. */
static size_t next_piece(const struct stomp_decoder *decoder, const uint8_t *bytes, size_t len)
{
    size_t have = decoder->partial.len;
    size_t most = decoder->limits->frame_bytes + 1 - have;
    const uint8_t *end = NULL;
    if (decoder->head_len > 0 && decoder->body_len != ABSENT) {
        most = decoder->head_len + decoder->body_len + 1 - have;
    }
    size_t piece = len < most ? len : most;
    if (decoder->head_len == 0) {
        end = memchr(bytes, '\n', piece);
    } else if (decoder->body_len == ABSENT) {
        end = commands[decoder->command].has_body ? memchr(bytes, 0, piece) : bytes;
    }
    return end == NULL ? piece : (size_t)(end - bytes) + 1;
}

/* A frame that began in an earlier call. */
static int gather(struct stomp_decoder *decoder, const uint8_t *bytes, size_t len, size_t *out_used)
{
    size_t used = 0;
    while (used < len) {
        size_t piece = next_piece(decoder, bytes + used, len - used);
        buf_append(&decoder->partial, bytes + used, piece);
        used += piece;
        int code = read_frame(decoder, decoder->partial.data, decoder->partial.len);
        if (code != DECODE_MORE) {
            *out_used = used;
            return code;
        }
    }
    *out_used = used;
    return DECODE_MORE;
}

int stomp_decode(struct stomp_decoder *decoder, const void *bytes, size_t len, size_t *out_consumed,
                 struct stomp_frame *out_frame)
{
    if (decoder->failed < 0) {
        return decoder->failed;
    }
    if (decoder->is_given) {
        reset_frame(decoder);
    }
    const uint8_t *base = bytes;
    size_t used = 0;
    int code = DECODE_MORE;
    if (decoder->partial.len > decoder->limits->frame_bytes) {
        code = STOMP_ERR_FRAME_BYTES; /* the limit was lowered meanwhile */
    } else if (decoder->partial.len > 0) {
        code = gather(decoder, base, len, &used);
        base = decoder->partial.data;
    } else {
        code = skip_between(decoder, base, len, &used);
        if (code == 0 && used < len) {
            base += used;
            code = read_frame(decoder, base, len - used);
            if (code == DECODE_MORE) {
                buf_append(&decoder->partial, base, len - used);
            }
        }
        used = code == STEP_DONE ? used + decoder->head_len + decoder->body_len + 1 : len;
    }
    if (code == STOMP_ERR_BODY || code == STOMP_ERR_CONTENT_LENGTH) {
        decoder->body_len = 0;
        (void)show_frame(decoder, base, out_frame); /* for the receipt header */
    }
    if (code < 0) {
        decoder->failed = code;
        return code;
    }
    *out_consumed = used;
    return code == STEP_DONE ? show_frame(decoder, base, out_frame) : DECODE_MORE;
}

struct str stomp_frame_header(const struct stomp_frame *frame, const char *name)
{
    struct str wanted = str_of(name);
    for (size_t i = 0; i < frame->header_count; i++) {
        if (str_equal(frame->headers[i].name, wanted)) {
            return frame->headers[i].value;
        }
    }
    return (struct str){NULL, 0};
}

const char *stomp_error_text(int code)
{
    static const char *const texts[] = {
        [-STOMP_ERR_COMMAND] = "unknown command",
        [-STOMP_ERR_HEADER] = "malformed header",
        [-STOMP_ERR_ESCAPE] = "undefined escape sequence in a header",
        [-STOMP_ERR_CONTENT_LENGTH] = "wrong content-length",
        [-STOMP_ERR_BODY] = "this command has no body",
        [-STOMP_ERR_CR] = "carriage return without line feed",
        [-STOMP_ERR_FRAME_BYTES] = "frame too large",
        [-STOMP_ERR_HEADER_BYTES] = "header too long",
        [-STOMP_ERR_HEADER_COUNT] = "too many headers",
        [-STOMP_ERR_UTF8] = "header is not valid UTF-8",
    };
    if (code >= 0 || code < -(int)(MEM_COUNT(texts) - 1)) {
        return "malformed frame";
    }
    return texts[-code];
}

const char *stomp_command_name(enum stomp_command command)
{
    return command == STOMP_UNKNOWN ? "UNKNOWN" : commands[command].name.at;
}

/* --- encoding -------------------------------------------------------------------------------------- */

void stomp_encode_begin(struct buf *out, enum stomp_command command)
{
    assert(command != STOMP_UNKNOWN);
    buf_append_str(out, commands[command].name);
    buf_append_byte(out, '\n');
}

static bool has_byte(struct str text, char byte)
{
    return text.len > 0 && memchr(text.at, byte, text.len) != NULL;
}

/* Would a reader of that version read back this header and no other? */
static bool can_encode(enum stomp_version version, bool is_raw, struct str name, struct str value)
{
    if (name.len == 0 || has_byte(name, 0) || has_byte(value, 0)) {
        return false;
    }
    if (is_raw && (has_byte(name, '\r') || has_byte(value, '\r'))) {
        return false; /* towards CONNECT's answer nobody knows yet what a CR means */
    }
    if (is_raw || version == STOMP_1_0) {
        if (has_byte(name, '\n') || has_byte(name, ':') || has_byte(value, '\n')) {
            return false;
        }
    }
    return version >= STOMP_1_2 || value.len == 0 || value.at[value.len - 1] != '\r';
}

static void append_escaped(struct buf *out, enum stomp_version version, struct str text)
{
    uint8_t *begin = buf_reserve(out, text.len * 2);
    uint8_t *at = begin;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = (uint8_t)text.at[i];
        uint8_t letter = 0;
        if (byte == ':') {
            letter = 'c';
        } else if (byte == '\\') {
            letter = '\\';
        } else if (byte == '\n') {
            letter = 'n';
        } else if (byte == '\r' && version >= STOMP_1_2) {
            letter = 'r';
        }
        if (letter != 0) {
            *at++ = '\\';
            byte = letter;
        }
        *at++ = byte;
    }
    out->len += (size_t)(at - begin);
}

void stomp_encode_header(struct buf *out, enum stomp_version version, enum stomp_command command,
                         struct str name, struct str value)
{
    bool is_raw = commands[command].is_raw;
    if (!can_encode(version, is_raw, name, value)) {
        return;
    }
    if (is_raw || version == STOMP_1_0) {
        buf_append_str(out, name);
        buf_append_byte(out, ':');
        buf_append_str(out, value);
    } else {
        append_escaped(out, version, name);
        buf_append_byte(out, ':');
        append_escaped(out, version, value);
    }
    buf_append_byte(out, '\n');
}

void stomp_encode_end(struct buf *out, struct str body)
{
    buf_append_byte(out, '\n');
    buf_append_str(out, body);
    buf_append_byte(out, 0);
}
