/* SPDX-License-Identifier: MIT
 *
 * Frames that wait for a receiver: a ring of shares.
 */
#include "gateway/session_queue.h"

#include <assert.h>

#include "common/mem.h"

#define CAP_MIN 4 /* a power of two */

/* The frames, from `first` on; cap is a power of two. */
struct queued_frame {
    struct shared_frame *frame; /* a share */
    uint64_t mark;              /* the number, twice, and 1 for its own */
};

struct session_queue_ring {
    uint32_t first;
    uint32_t cap;
    struct queued_frame frames[];
};

static struct queued_frame *frame_at(const struct session_queue *queue, uint32_t index)
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

void session_queue_push(struct session_queue *queue, struct shared_frame *frame, uint64_t number,
                        bool is_own)
{
    if (queue->ring == NULL || queue->count == queue->ring->cap) {
        grow(queue);
    }
    *frame_at(queue, queue->count) =
        (struct queued_frame){shared_frame_share(frame), number << 1 | is_own};
    queue->count++;
    queue->own_count += is_own;
    queue->bytes += shared_frame_bytes(frame);
}

struct shared_frame *session_queue_pop(struct session_queue *queue)
{
    assert(queue->count > 0);
    struct shared_frame *frame = frame_at(queue, 0)->frame;
    bool is_own = session_queue_is_own_at(queue, 0);
    queue->ring->first++;
    queue->count--;
    queue->own_count -= is_own;
    queue->own_popped += is_own;
    queue->bytes -= shared_frame_bytes(frame);
    if (queue->count == 0) {
        mem_free(queue->ring);
        *queue = (struct session_queue){.own_popped = queue->own_popped};
    }
    return frame;
}

const struct shared_frame *session_queue_at(const struct session_queue *queue, uint32_t index)
{
    assert(index < queue->count);
    return frame_at(queue, index)->frame;
}

uint64_t session_queue_number_at(const struct session_queue *queue, uint32_t index)
{
    return frame_at(queue, index)->mark >> 1;
}

bool session_queue_is_own_at(const struct session_queue *queue, uint32_t index)
{
    return (frame_at(queue, index)->mark & 1) != 0;
}

void session_queue_own_all(struct session_queue *queue, uint64_t number)
{
    for (uint32_t i = 0; i < queue->count; i++) {
        frame_at(queue, i)->mark = number << 1 | 1;
    }
    queue->own_count = queue->count;
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
    uint64_t last = UINT64_MAX; /* no mark */
    while (queue->count > 0 && taken < count_max) {
        size_t next = shared_frame_bytes(frame_at(queue, 0)->frame);
        uint64_t mark = frame_at(queue, 0)->mark;
        bool is_same = mark == last && (mark & 1) == 0;
        if (taken > 0 && bytes + next > bytes_max && !is_same) {
            break;
        }
        last = mark;
        bytes += next;
        out_frames[taken++] = session_queue_pop(queue);
    }
    return taken;
}
