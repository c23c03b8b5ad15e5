/* SPDX-License-Identifier: MIT
 *
 * The past of destinations, in memory: the last messages of each, with their positions.
 *
 * Which destinations keep how much, the rules say: the first that matches a name wins. A destination with a past is a
 * *stream*: an epoch, and a ring of messages with consecutive offsets. A stream that comes anew, after a restart
 * or because memory was short, has another epoch, so that a position says for certain whether the count it comes from
 * is the one that goes on.
 *
 * Times are milliseconds of any clock that does not go back.
 */
#pragma once

#include "common/buf.h"
#include "common/list.h"
#include "common/map.h"
#include "proto/position.h"

#define HISTORY_PREFIX_BYTES 12 /* of epochs: 60 random bits in base32, then a number */

struct history_stream;

struct history_rule {
    const char *match; /* a name or pattern; borrowed */
    size_t size;       /* messages; 0: no past */
    uint64_t ttl_ms;   /* a message is kept for so long */
};

struct history_options {
    const struct history_rule *rules; /* borrowed */
    size_t rule_count;
    size_t bytes_max;        /* of all streams; beyond, the one that was used least recently goes */
    size_t replay_bytes_max; /* of one history_read() */
    char separator;          /* of patterns; core.c's */
};

struct history {
    struct history_options options;
    struct map streams;       /* owned, by name */
    struct list_node by_use;  /* history_stream::used, least recently first */
    struct list_node by_turn; /* history_stream::turn: the order of history_sweep() */
    size_t bytes;
    uint64_t epoch_count;
    char prefix[HISTORY_PREFIX_BYTES];
};

/* What a subscriber asks for. */
struct history_request {
    struct str since; /* a position, or what a client takes for one; at NULL: not asked */
    uint64_t count;   /* the last so many; 0: not asked */
};

enum history_recovered {
    HISTORY_NOT_ASKED,
    HISTORY_RECOVERED,     /* all of what was asked for is there */
    HISTORY_NOT_RECOVERED, /* some of it is not, or nobody can tell */
};

/* Messages first .. last of a stream; the reader's until the history changes. */
struct history_range {
    const struct history_stream *stream; /* NULL: the destination keeps no past */
    uint64_t first;                      /* first > last: none */
    uint64_t last;
    enum history_recovered recovered;
    struct position_text position; /* of the last message there is */
};

void history_init(struct history *history, const struct history_options *options);
void history_finish(struct history *history);

/* Whether the destination keeps a past. */
bool history_keeps(const struct history *history, struct str name);

/* Keeps a message of a destination that keeps a past, and gives its position. One that `may_repeat` and is
 * kept already, by its id, gets the position it has. False: the memory is too small for the message; it has a
 * position all the same, so that what is missing shows. */
bool history_append(struct history *history, struct str name, struct str id,
                    struct payload *message, bool may_repeat, uint64_t now_ms,
                    struct position_text *out);

/* `name` is no pattern. */
void history_read(struct history *history, struct str name, const struct history_request *request,
                  uint64_t now_ms, struct history_range *out);

/* first <= offset <= last of that range. The message is borrowed. */
struct payload *history_message(const struct history_range *range, uint64_t offset,
                                struct position_text *out);

/* Lets go what has expired in `count` streams, others than the last time. */
void history_sweep(struct history *history, size_t count, uint64_t now_ms);
