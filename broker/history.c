/* SPDX-License-Identifier: MIT
 *
 * The past of destinations, in memory.
 *
 *   history_append() finds or makes the stream, lets go what has expired or is too much, and gives the next offset;
 *   history_read() finds what of the past a subscriber asked for, and whether that is all of it;
 *   history_sweep() comes by now and then for streams that nobody appends to.
 *
 * All memory is counted: rings, messages, and streams without messages, since anybody may invent destinations. Beyond
 * the bound the least recently used stream goes with its epoch; where that is the one being appended to, its oldest
 * messages go. Offsets of what has gone are not used again, so a gap shows.
 */
#include "broker/history.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "common/mem.h"
#include "common/process.h"
#include "proto/destination.h"
#include "proto/link_msg.h"

#define RING_MIN 4

struct entry {
    struct payload *message; /* a share */
    uint64_t id_hash;
    uint64_t kept_ms; /* when */
};

struct history_stream {
    struct list_node used; /* history::by_use */
    struct list_node turn; /* history::by_turn */
    const struct history_rule *rule;
    struct entry *ring; /* owned; NULL while cap is 0 */
    size_t cap;
    size_t start; /* of the oldest */
    size_t count;
    uint64_t last; /* offset of the newest that there ever was */
    uint8_t epoch_len;
    char epoch[POSITION_EPOCH_BYTES_MAX + 1];
    struct str name; /* the bytes behind the struct */
};

static void draw_prefix(char out[HISTORY_PREFIX_BYTES])
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
    uint8_t random[HISTORY_PREFIX_BYTES];
    process_random(random, sizeof(random));
    for (size_t i = 0; i < sizeof(random); i++) {
        out[i] = digits[random[i] & 31];
    }
}

void history_init(struct history *history, const struct history_options *options)
{
    *history = (struct history){.options = *options};
    list_init(&history->by_use);
    list_init(&history->by_turn);
    draw_prefix(history->prefix);
}

/* ---- one stream ---- */

static size_t stream_bytes(const struct history_stream *stream)
{
    return sizeof(*stream) + stream->name.len + stream->cap * sizeof(struct entry);
}

static size_t message_bytes(const struct payload *message)
{
    return sizeof(*message) + message->len;
}

static struct entry *entry_at(const struct history_stream *stream, uint64_t offset)
{
    uint64_t back = stream->last - offset;
    assert(offset <= stream->last && back < stream->count);
    return &stream->ring[(stream->start + stream->count - 1 - (size_t)back) % stream->cap];
}

static uint64_t first_offset(const struct history_stream *stream)
{
    return stream->last - stream->count + 1;
}

static void drop_oldest(struct history *history, struct history_stream *stream)
{
    struct payload *message = stream->ring[stream->start].message;
    history->bytes -= message_bytes(message);
    payload_release(message);
    stream->start = (stream->start + 1) % stream->cap;
    stream->count--;
}

static void drop_expired(struct history *history, struct history_stream *stream, uint64_t now_ms)
{
    while (stream->count > 0 &&
           now_ms - stream->ring[stream->start].kept_ms >= stream->rule->ttl_ms) {
        drop_oldest(history, stream);
    }
}

static void destroy_stream(struct history *history, struct history_stream *stream)
{
    while (stream->count > 0) {
        drop_oldest(history, stream);
    }
    history->bytes -= stream_bytes(stream);
    map_remove(&history->streams, stream->name);
    list_remove(&stream->used);
    list_remove(&stream->turn);
    mem_free(stream->ring);
    mem_free(stream);
}

void history_finish(struct history *history)
{
    LIST_EACH(&history->by_use, node)
    {
        destroy_stream(history, LIST_OF(node, struct history_stream, used));
    }
    assert(history->bytes == 0 && history->streams.count == 0);
    map_finish(&history->streams);
}

static void set_epoch(struct history *history, struct history_stream *stream)
{
    int len = snprintf(stream->epoch, sizeof(stream->epoch), "%.*s%" PRIu64, HISTORY_PREFIX_BYTES,
                       history->prefix, ++history->epoch_count);
    stream->epoch_len = (uint8_t)len;
}

static const struct history_rule *find_rule(const struct history *history, struct str name)
{
    for (size_t i = 0; i < history->options.rule_count; i++) {
        const struct history_rule *rule = &history->options.rules[i];
        if (destination_match(str_of(rule->match), name, history->options.separator)) {
            return rule->size == 0 ? NULL : rule;
        }
    }
    return NULL;
}

/* NULL: the destination keeps no past. */
static struct history_stream *use_stream(struct history *history, struct str name)
{
    struct history_stream *stream = map_get(&history->streams, name);
    if (stream == NULL) {
        const struct history_rule *rule = find_rule(history, name);
        if (rule == NULL) {
            return NULL;
        }
        stream = mem_zalloc(sizeof(*stream) + name.len);
        memcpy(stream + 1, name.at, name.len);
        stream->name = (struct str){(char *)(stream + 1), name.len};
        stream->rule = rule;
        set_epoch(history, stream);
        map_put(&history->streams, stream->name, stream);
        list_append(&history->by_turn, &stream->turn);
        history->bytes += stream_bytes(stream);
    }
    list_remove(&stream->used);
    list_append(&history->by_use, &stream->used);
    return stream;
}

static void grow(struct history *history, struct history_stream *stream)
{
    size_t cap = stream->cap == 0 ? RING_MIN : 2 * stream->cap;
    cap = cap < stream->rule->size ? cap : stream->rule->size;
    struct entry *ring = mem_alloc(cap * sizeof(*ring));
    for (size_t i = 0; i < stream->count; i++) {
        ring[i] = stream->ring[(stream->start + i) % stream->cap];
    }
    mem_free(stream->ring);
    history->bytes += (cap - stream->cap) * sizeof(*ring);
    stream->ring = ring;
    stream->cap = cap;
    stream->start = 0;
}

/* `stream` was used last, and stays. */
static void fit(struct history *history, struct history_stream *stream)
{
    while (history->bytes > history->options.bytes_max) {
        struct history_stream *oldest = LIST_OF(history->by_use.next, struct history_stream, used);
        if (oldest != stream) {
            destroy_stream(history, oldest);
        } else if (stream->count > 0) {
            drop_oldest(history, stream);
        } else {
            break; /* an empty stream: less than the least that may be configured */
        }
    }
}

static void write_position(const struct history_stream *stream, uint64_t offset,
                           struct position_text *out)
{
    position_write(&(struct position){{stream->epoch, stream->epoch_len}, offset}, out);
}

/* ---- append ---- */

/* 0: it is not there. */
static uint64_t find_repeated(const struct history_stream *stream, uint64_t id_hash)
{
    for (size_t i = 0; i < stream->count; i++) {
        if (entry_at(stream, stream->last - i)->id_hash == id_hash) {
            return stream->last - i;
        }
    }
    return 0;
}

bool history_append(struct history *history, struct str name, struct str id,
                    struct payload *message, bool may_repeat, uint64_t now_ms,
                    struct position_text *out)
{
    struct history_stream *stream = use_stream(history, name);
    assert(stream != NULL);
    uint64_t hash = link_id_hash(id);
    uint64_t repeated = may_repeat ? find_repeated(stream, hash) : 0;
    if (repeated != 0) {
        write_position(stream, repeated, out);
        return true;
    }
    drop_expired(history, stream, now_ms);
    if (stream->count == stream->rule->size) {
        drop_oldest(history, stream);
    } else if (stream->count == stream->cap) {
        grow(history, stream);
    }
    stream->ring[(stream->start + stream->count) % stream->cap] =
        (struct entry){payload_share(message), hash, now_ms};
    stream->count++;
    stream->last++;
    history->bytes += message_bytes(message);
    write_position(stream, stream->last, out);
    fit(history, stream);
    return stream->count > 0;
}

bool history_keeps(const struct history *history, struct str name)
{
    return map_get(&history->streams, name) != NULL || find_rule(history, name) != NULL;
}

/* ---- read ---- */

/* Raises `first` until what is left may be sent at once. */
static void bound_bytes(const struct history *history, struct history_range *range)
{
    size_t left = history->options.replay_bytes_max;
    uint64_t first = range->last + 1;
    while (first > range->first) {
        size_t len = entry_at(range->stream, first - 1)->message->len;
        if (len > left) {
            range->recovered = HISTORY_NOT_RECOVERED;
            break;
        }
        left -= len;
        first--;
    }
    range->first = first;
}

static void read_since(const struct history_stream *stream, struct str since,
                       struct history_range *out)
{
    struct position position;
    struct str epoch = {stream->epoch, stream->epoch_len};
    out->recovered = HISTORY_NOT_RECOVERED;
    out->first = first_offset(stream);
    if (position_parse(since, &position) && str_equal(position.epoch, epoch) &&
        position.offset <= stream->last && position.offset + 1 >= out->first) {
        out->recovered = HISTORY_RECOVERED;
        out->first = position.offset + 1;
    }
}

static void read_last(const struct history_stream *stream, uint64_t count,
                      struct history_range *out)
{
    out->first = stream->last + 1 - (count < stream->count ? count : stream->count);
    if (out->recovered == HISTORY_NOT_ASKED) {
        out->recovered = HISTORY_RECOVERED;
    }
}

void history_read(struct history *history, struct str name, const struct history_request *request,
                  uint64_t now_ms, struct history_range *out)
{
    bool is_asked = request->since.at != NULL || request->count > 0;
    struct history_stream *stream = use_stream(history, name);
    *out = (struct history_range){.stream = stream, .first = 1};
    if (stream == NULL) {
        out->recovered = is_asked ? HISTORY_NOT_RECOVERED : HISTORY_NOT_ASKED;
        return;
    }
    fit(history, stream);
    drop_expired(history, stream, now_ms);
    out->last = stream->last;
    out->first = out->last + 1;
    write_position(stream, stream->last, &out->position);
    if (request->since.at != NULL) {
        read_since(stream, request->since, out);
    }
    if (request->count > 0 && out->recovered != HISTORY_RECOVERED) {
        read_last(stream, request->count, out);
    }
    bound_bytes(history, out);
}

struct payload *history_message(const struct history_range *range, uint64_t offset,
                                struct position_text *out)
{
    assert(offset >= range->first && offset <= range->last);
    write_position(range->stream, offset, out);
    return entry_at(range->stream, offset)->message;
}

void history_sweep(struct history *history, size_t count, uint64_t now_ms)
{
    count = count < history->streams.count ? count : history->streams.count;
    for (; count > 0; count--) {
        struct list_node *node = list_take_first(&history->by_turn);
        drop_expired(history, LIST_OF(node, struct history_stream, turn), now_ms);
        list_append(&history->by_turn, node);
    }
}
