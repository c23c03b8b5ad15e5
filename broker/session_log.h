/* SPDX-License-Identifier: MIT
 *
 * What one session has got, or would have: messages by reference, and the answers to its requests, in order.
 *
 * An entry's number is that of the link message which carried it to the present holder; what the holder says its
 * receivers have is dropped by it. So a next holder can be told the rest, also when the present one dies.
 */
#pragma once

#include "broker/peer.h"
#include "proto/position.h"

#define SESSION_LOG_NOT_SENT UINT64_MAX /* number of what no holder was sent */
#define SESSION_LOG_COUNT_MAX 1000      /* entries; beyond, or beyond the bytes: it is over */

struct session_log {
    struct list_node node;    /* fanout::collected */
    struct list_node entries; /* owned, in order */
    size_t count;
    size_t bytes; /* as if the messages were its own */
    size_t bytes_max;
    uint64_t
        over; /* number of the last that was not added: it was too short, and is empty; 0: it is whole */
    bool is_on; /* entries are added */
};

struct session_log_answer {
    uint64_t request;
    uint32_t subscription;
    uint8_t type; /* LINK_SUBSCRIBED, LINK_UNSUBSCRIBED, LINK_PUBLISHED or LINK_CHECKPOINTED */
    uint8_t result;
    uint8_t recovered;             /* of LINK_SUBSCRIBED */
    struct position_text position; /* likewise, and of LINK_PUBLISHED */
};

void session_log_init(struct session_log *log, size_t bytes_max);
void session_log_clear(struct session_log *log); /* empty and off; out of any list */

/* One subscription of a message; several of one message make one entry. Takes no share unless it
 * makes an entry. Its number is SESSION_LOG_NOT_SENT until session_log_number_last(). */
void session_log_add_message(struct session_log *log, struct payload *message,
                             const struct position_text *position, uint32_t subscription);
void session_log_number_last(struct session_log *log, uint64_t number);
void session_log_add_answer(struct session_log *log, const struct session_log_answer *answer,
                            uint64_t number);

/* Its link was never theirs who ask now. */
void session_log_forget_numbers(struct session_log *log);

/* The holder has handled its link up to there. A log that was too short by then is whole again. */
void session_log_drop(struct session_log *log, uint64_t number);

/* Writes all of it to the new holder, and numbers it anew. */
void session_log_send(struct session_log *log, struct peer *peer, uint64_t session);
