/* SPDX-License-Identifier: MIT
 *
 * Work at the end of a loop turn: each entry added during the turn runs once before the loop polls.
 *
 * This is how writes are joined: the first byte queued for a connection adds its entry, the callback
 * flushes whatever has gathered by then. Built on a prepare handle, which libuv 1.44 and 1.50 both run
 * immediately before polling. Entries added by a callback run in the same turn.
 */
#pragma once

#include <uv.h>

#include "common/list.h"

struct turn_entry;
typedef void (*turn_cb)(
    struct turn_entry *entry); /* the entry is out of the list; it may be freed */

struct turn_entry {
    struct list_node node; /* turn::entries */
    turn_cb run;
};

struct turn {
    uv_prepare_t prepare;
    struct list_node entries;
};

void turn_init(struct turn *turn, uv_loop_t *loop);
void turn_close(struct turn *turn); /* as wheel_close(): memory stays until the loop is done */

/* Adding an entry that waits already does nothing. The entry must stay until run or turn_remove(). */
void turn_add(struct turn *turn, struct turn_entry *entry, turn_cb run);
void turn_remove(struct turn_entry *entry);
