/* SPDX-License-Identifier: MIT
 *
 * Frames that wait for a receiver: a ring of shares.
 */
#include "gateway/session_queue.h"

#include <assert.h>

#include "common/mem.h"

#define CAP_MIN 4 /* a power of two */

static void grow(struct session_queue *queue)
{
    uint32_t cap = queue->cap == 0 ? CAP_MIN : queue->cap * 2;
    struct shared_frame **frames = mem_zalloc_array(cap, sizeof(*frames));
    for (uint32_t i = 0; i < queue->count; i++) {
        frames[i] = queue->frames[(queue->first + i) & (queue->cap - 1)];
    }
    mem_free(queue->frames);
    queue->frames = frames;
    queue->first = 0;
    queue->cap = cap;
}

void session_queue_push(struct session_queue *queue, struct shared_frame *frame)
{
    if (queue->count == queue->cap) {
        grow(queue);
    }
    queue->frames[(queue->first + queue->count) & (queue->cap - 1)] = shared_frame_share(frame);
    queue->count++;
    queue->bytes += shared_frame_bytes(frame);
}

struct shared_frame *session_queue_pop(struct session_queue *queue)
{
    assert(queue->count > 0);
    struct shared_frame *frame = queue->frames[queue->first];
    queue->first = (queue->first + 1) & (queue->cap - 1);
    queue->count--;
    queue->bytes -= shared_frame_bytes(frame);
    if (queue->count == 0) {
        mem_free(queue->frames);
        *queue = (struct session_queue){0};
    }
    return frame;
}

const struct shared_frame *session_queue_at(const struct session_queue *queue, uint32_t index)
{
    assert(index < queue->count);
    return queue->frames[(queue->first + index) & (queue->cap - 1)];
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
        size_t next = shared_frame_bytes(queue->frames[queue->first]);
        if (taken > 0 && bytes + next > bytes_max) {
            break;
        }
        bytes += next;
        out_frames[taken++] = session_queue_pop(queue);
    }
    return taken;
}
