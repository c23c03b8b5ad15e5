/* SPDX-License-Identifier: MIT
 *
 * Sessions that ended, by key: with which code and reason, for a while.
 */
#pragma once

#include "common/buf.h"
#include "common/list.h"
#include "common/map.h"
#include "common/wheel.h"

#define TOMBSTONES_MAX 65536             /* beyond: the oldest goes */
#define TOMBSTONES_BYTES_MAX (64u << 20) /* of unsent frames; beyond: they are not kept */

struct tombstones;

struct tombstone {
    struct list_node node; /* tombstones::by_age */
    struct wheel_entry expiry;
    struct tombstones *tombstones; /* borrowed */
    struct str key;                /* the bytes behind the struct, as those of reason */
    struct str reason;
    struct payload *unsent; /* owned; what no receiver has got; NULL: nothing */
    uint16_t code;
};

struct tombstones {
    struct wheel *wheel;     /* borrowed */
    struct map by_key;       /* owned */
    struct list_node by_age; /* the oldest first */
    size_t max;
    size_t bytes; /* of unsent */
};

void tombstones_init(struct tombstones *tombstones, struct wheel *wheel, size_t max);
void tombstones_finish(struct tombstones *tombstones);
void tombstones_add(struct tombstones *tombstones, struct str key, uint16_t code, struct str reason,
                    uint32_t remember_ms); /* replaces the key's earlier one */
void tombstones_keep_unsent(struct tombstones *tombstones, struct str key, struct str unsent);

/* The caller's from now on, once. */
struct payload *tombstones_take_unsent(struct tombstones *tombstones, struct str key);
const struct tombstone *tombstones_find(const struct tombstones *tombstones, struct str key);
