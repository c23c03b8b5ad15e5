/* SPDX-License-Identifier: MIT
 *
 * Frames that wait for a receiver: a ring of shares.
 */
#include "gateway/session_queue.h"

#include <assert.h>

#include "common/mem.h"

#define CAP_MIN 4 /* a power of two */

/* The frames, from `first` on; cap is a power of two. */
struct session_queue_ring {
    uint32_t first;
    uint32_t cap;
    struct shared_frame *frames[]; /* each a share */
};

static struct shared_frame **frame_at(const struct session_queue *queue, uint32_t index)
{
    struct session_queue_ring *ring = queue->ring;
    assert(ring != NULL); /* the index is of a frame that is there, or has room */
    return &ring->frames[(ring->first + index) & (ring->cap - 1)];
}

static void grow(struct session_queue *queue)
{
    uint32_t cap = queue->ring == NULL ? CAP_MIN : queue->ring->cap * 2;
    struct session_queue_ring *ring = mem_alloc(sizeof(*ring) + cap * sizeof(ring->frames[0]));
    ring->first = 0;
    ring->cap = cap;
    for (uint32_t i = 0; i < queue->count; i++) {
        ring->frames[i] = *frame_at(queue, i);
    }
    mem_free(queue->ring);
    queue->ring = ring;
}

void session_queue_push(struct session_queue *queue, struct shared_frame *frame)
{
    if (queue->ring == NULL || queue->count == queue->ring->cap) {
        grow(queue);
    }
    *frame_at(queue, queue->count) = shared_frame_share(frame);
    queue->count++;
    queue->bytes += shared_frame_bytes(frame);
}

struct shared_frame *session_queue_pop(struct session_queue *queue)
{
    assert(queue->count > 0);
    struct shared_frame *frame = *frame_at(queue, 0);
    queue->ring->first++;
    queue->count--;
    queue->bytes -= shared_frame_bytes(frame);
    if (queue->count == 0) {
        mem_free(queue->ring);
        *queue = (struct session_queue){0};
    }
    return frame;
}

const struct shared_frame *session_queue_at(const struct session_queue *queue, uint32_t index)
{
    assert(index < queue->count);
    return *frame_at(queue, index);
}

void session_queue_drop(struct session_queue *queue)
{
    while (queue->count > 0) {
        shared_frame_release(session_queue_pop(queue));
    }
}

size_t session_queue_take(struct session_queue *queue, struct shared_frame **out_frames,
                          size_t count_max, size_t bytes_max)
{
    size_t taken = 0;
    size_t bytes = 0;
    while (queue->count > 0 && taken < count_max) {
        size_t next = shared_frame_bytes(*frame_at(queue, 0));
        if (taken > 0 && bytes + next > bytes_max) {
            break;
        }
        bytes += next;
        out_frames[taken++] = session_queue_pop(queue);
    }
    return taken;
}
