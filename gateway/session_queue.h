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
};

void session_queue_push(struct session_queue *queue,
                        struct shared_frame *frame); /* takes a share of its own */
struct shared_frame *
session_queue_pop(struct session_queue *queue); /* the share is the caller's; not when empty */
const struct shared_frame *session_queue_at(const struct session_queue *queue,
                                            uint32_t index); /* below count */
void session_queue_drop(struct session_queue *queue);

/* As session_take(). */
size_t session_queue_take(struct session_queue *queue, struct shared_frame **out_frames,
                          size_t count_max, size_t bytes_max);
