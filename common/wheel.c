/* SPDX-License-Identifier: MIT
 *
 * Timer wheel: one libuv timer for every deadline of the process that tolerates 100 ms.
 *
 *   wheel_add() puts an entry into the slot of its deadline; the timer runs while there are
 *   entries;
 *   on_tick() empties the slots whose tick has passed and asks each entry: due, or put back?
 *
 * A deadline that was touched, or is more than a round away, is found early and put back. A clock
 * that jumped is many ticks at once, at most one round: every slot is looked at once. Callbacks may
 * do anything to any entry: while a slot is worked off its entries hang in a list of the tick's
 * own, out of which they can be removed.
 */
#include "common/wheel.h"

#include <assert.h>

#define SLOTS 1024 /* a power of two: a round is 102.4 s */

static void on_tick(uv_timer_t *timer);

/* Not repeating: a repeated timer drifts away from the ticks. */
static void start_timer(struct wheel *wheel)
{
    uint64_t now = uv_now(wheel->loop);
    uint64_t at = wheel->next_tick * WHEEL_TICK_MS;
    uv_timer_start(&wheel->timer, on_tick, at > now ? at - now : 0, 0);
}

/* A slot whose tick has passed already would wait a whole round, hence never before next_tick. */
static void link_entry(struct wheel *wheel, struct wheel_entry *entry)
{
    uint64_t tick = entry->deadline_ms / WHEEL_TICK_MS + (entry->deadline_ms % WHEEL_TICK_MS != 0);
    if (tick < wheel->next_tick) {
        tick = wheel->next_tick;
    }
    list_append(&wheel->slots[tick % SLOTS], &entry->node);
}

static void empty_slot(struct wheel *wheel, struct list_node *slot, uint64_t now)
{
    struct list_node passed;
    struct list_node *node;
    list_take_all(&passed, slot);
    while ((node = list_take_first(&passed)) != NULL) {
        struct wheel_entry *entry = LIST_OF(node, struct wheel_entry, node);
        if (entry->deadline_ms > now) {
            link_entry(wheel, entry);
        } else {
            wheel->count--;
            entry->due(entry);
        }
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct wheel *wheel = MEM_CONTAINER(timer, struct wheel, timer);
    uint64_t now = uv_now(wheel->loop);
    uint64_t passed = now / WHEEL_TICK_MS;
    uint64_t tick = wheel->next_tick;
    if (passed >= tick + SLOTS) {
        tick = passed - (SLOTS - 1);
    }
    for (; tick <= passed; tick++) {
        wheel->next_tick = tick + 1;
        empty_slot(wheel, &wheel->slots[tick % SLOTS], now);
    }
    if (wheel->count > 0 && !uv_is_closing((uv_handle_t *)timer)) {
        start_timer(wheel);
    }
}

void wheel_init(struct wheel *wheel, uv_loop_t *loop)
{
    wheel->loop = loop;
    wheel->count = 0;
    wheel->next_tick = 0;
    wheel->slots = mem_zalloc_array(SLOTS, sizeof(*wheel->slots));
    for (size_t i = 0; i < SLOTS; i++) {
        list_init(&wheel->slots[i]);
    }
    int code = uv_timer_init(loop, &wheel->timer);
    assert(code == 0);
    (void)code;
}

void wheel_close(struct wheel *wheel)
{
    if (!uv_is_closing((uv_handle_t *)&wheel->timer)) {
        uv_close((uv_handle_t *)&wheel->timer, NULL);
    }
}

void wheel_finish(struct wheel *wheel)
{
    mem_free(wheel->slots);
    wheel->slots = NULL;
    wheel->count = 0;
}

uint64_t wheel_now(const struct wheel *wheel)
{
    return uv_now(wheel->loop);
}

static uint64_t deadline_after(const struct wheel *wheel, uint64_t delay_ms)
{
    uint64_t now = uv_now(wheel->loop);
    return delay_ms > UINT64_MAX - now ? UINT64_MAX : now + delay_ms;
}

void wheel_add(struct wheel *wheel, struct wheel_entry *entry, uint64_t delay_ms, wheel_due_cb due)
{
    wheel_remove(wheel, entry);
    if (wheel->slots == NULL || uv_is_closing((uv_handle_t *)&wheel->timer)) {
        return;
    }
    entry->deadline_ms = deadline_after(wheel, delay_ms);
    entry->due = due;
    if (wheel->count++ == 0 && !uv_is_active((uv_handle_t *)&wheel->timer)) {
        uint64_t coming = uv_now(wheel->loop) / WHEEL_TICK_MS + 1;
        wheel->next_tick = coming > wheel->next_tick ? coming : wheel->next_tick;
        start_timer(wheel);
    }
    link_entry(wheel, entry);
}

void wheel_touch(const struct wheel *wheel, struct wheel_entry *entry, uint64_t delay_ms)
{
    entry->deadline_ms = deadline_after(wheel, delay_ms);
}

/* The last entry's going stops the timer, so that an idle process sleeps. Once the slots are gone
 * an entry's neighbours may be gone too: then nothing is touched but the entry. */
void wheel_remove(struct wheel *wheel, struct wheel_entry *entry)
{
    if (!list_is_linked(&entry->node)) {
        return;
    }
    if (wheel->slots == NULL) {
        entry->node = (struct list_node){NULL, NULL};
        return;
    }
    list_remove(&entry->node);
    if (--wheel->count == 0) {
        uv_timer_stop(&wheel->timer);
    }
}
