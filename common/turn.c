/* SPDX-License-Identifier: MIT
 *
 * Work at the end of a loop turn, from a prepare handle that is active only while entries wait.
 *
 *   turn_add() links the entry and starts the handle; on_prepare() empties the list before the loop
 *   polls.
 *
 * Every callback of libuv (timer, I/O, check, close) is followed by a prepare phase before the next
 * blocking poll, on 1.44 as on 1.50; an active prepare handle keeps the loop alive for it. An idle
 * or async handle is not needed. A callback that adds its own entry again without end would never
 * let the loop poll: that is its bug. After turn_close() nothing is run any more; entries that wait
 * are never called.
 */
#include "common/turn.h"

#include <assert.h>

static void on_prepare(uv_prepare_t *handle)
{
    struct turn *turn = MEM_CONTAINER(handle, struct turn, prepare);
    struct list_node *node;
    while (!uv_is_closing((uv_handle_t *)handle) &&
           (node = list_take_first(&turn->entries)) != NULL) {
        struct turn_entry *entry = LIST_OF(node, struct turn_entry, node);
        entry->run(entry);
    }
    uv_prepare_stop(handle);
}

void turn_init(struct turn *turn, uv_loop_t *loop)
{
    list_init(&turn->entries);
    int code = uv_prepare_init(loop, &turn->prepare);
    assert(code == 0);
    (void)code;
}

void turn_close(struct turn *turn)
{
    if (!uv_is_closing((uv_handle_t *)&turn->prepare)) {
        uv_close((uv_handle_t *)&turn->prepare, NULL);
    }
}

void turn_add(struct turn *turn, struct turn_entry *entry, turn_cb run)
{
    if (list_is_linked(&entry->node) || uv_is_closing((uv_handle_t *)&turn->prepare)) {
        return;
    }
    entry->run = run;
    if (list_is_empty(&turn->entries)) {
        uv_prepare_start(&turn->prepare, on_prepare);
    }
    list_append(&turn->entries, &entry->node);
}

void turn_remove(struct turn_entry *entry)
{
    list_remove(&entry->node);
}
