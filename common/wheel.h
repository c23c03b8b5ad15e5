/* SPDX-License-Identifier: MIT
 *
 * Timer wheel: one libuv timer for every deadline of the process that tolerates 100 ms.
 *
 * wheel_add() puts an entry into the slot of its deadline; wheel_touch() only notes the later deadline;
 * the tick empties the slots that have passed and asks each entry: due, or put back?
 * Deadlines are coarse: an entry is called at the first tick (WHEEL_TICK_MS) at or after its deadline.
 */
#pragma once

#include <stdint.h>
#include <uv.h>

#include "common/list.h"

#define WHEEL_TICK_MS 100

struct wheel_entry;

/* May remove, re-add or free this entry and any other. The entry is out of the wheel when called. */
typedef void (*wheel_due_cb)(struct wheel_entry *entry);

struct wheel_entry {
    struct list_node node; /* wheel::slots[] */
    uint64_t deadline_ms;  /* loop time; may move later without relinking */
    wheel_due_cb due;
};

struct wheel {
    uv_loop_t *loop;
    uv_timer_t timer;
    struct list_node *slots; /* owned */
    uint64_t next_tick;
    size_t count;
};

void wheel_init(struct wheel *wheel, uv_loop_t *loop);

/* Stops the timer and closes its handle; `wheel` must stay until the loop has run its close callbacks;
 * then wheel_finish() frees the slots. Entries still linked are simply never called. */
void wheel_close(struct wheel *wheel);
void wheel_finish(struct wheel *wheel);

uint64_t wheel_now(const struct wheel *wheel); /* uv_now of its loop, ms */

/* Calls `due` once, `delay_ms` from now or up to a tick later. Adding an entry that is in the wheel moves
 * it. The entry is the caller's and must stay until due or wheel_remove(). */
void wheel_add(struct wheel *wheel, struct wheel_entry *entry, uint64_t delay_ms, wheel_due_cb due);

/* Moves the deadline of an entry in the wheel later without relinking: one store. */
void wheel_touch(const struct wheel *wheel, struct wheel_entry *entry, uint64_t delay_ms);
void wheel_remove(struct wheel *wheel,
                  struct wheel_entry *entry); /* takes an entry that is not in it */
