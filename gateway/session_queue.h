/* SPDX-License-Identifier: MIT
 *
 * Frames of a session for a receiver that has not come yet, or that takes them itself. Zeroed is
 * empty; an empty queue holds no memory.
 */
#pragma once

#include "gateway/shared_frame.h"

struct session_queue_ring;

struct session_queue {
    struct session_queue_ring *ring; /* owned */
    size_t bytes;                    /* of its frames, as if owned */
    uint32_t count;
    uint32_t own_count;  /* of them: not delivered by the link, but made here */
    uint32_t own_popped; /* of all times */
};

/* Takes a share of its own. `number`: of the link's message it comes of; see session_confirm.c. */
void session_queue_push(struct session_queue *queue, struct shared_frame *frame, uint64_t number,
                        bool is_own);
struct shared_frame *
session_queue_pop(struct session_queue *queue); /* the share is the caller's; not when empty */
const struct shared_frame *session_queue_at(const struct session_queue *queue,
                                            uint32_t index); /* below count */
uint64_t session_queue_number_at(const struct session_queue *queue, uint32_t index);
bool session_queue_is_own_at(const struct session_queue *queue, uint32_t index);
void session_queue_own_all(struct session_queue *queue, uint64_t number);
void session_queue_drop(struct session_queue *queue);

/* As session_take(). What one message brought is not taken apart, however many subscriptions got it. */
size_t session_queue_take(struct session_queue *queue, struct shared_frame **out_frames,
                          size_t count_max, size_t bytes_max);
