/* SPDX-License-Identifier: MIT
 *
 * Sessions that ended, by key: with which code and reason, for a while.
 */
#pragma once

#include "common/buf.h"
#include "common/list.h"
#include "common/map.h"
#include "common/wheel.h"

#define TOMBSTONES_MAX 65536 /* beyond: the oldest goes */

struct tombstones;

struct tombstone {
    struct list_node node; /* tombstones::by_age */
    struct wheel_entry expiry;
    struct tombstones *tombstones; /* borrowed */
    struct str key;                /* the bytes behind the struct, as those of reason */
    struct str reason;
    uint16_t code;
};

struct tombstones {
    struct wheel *wheel;     /* borrowed */
    struct map by_key;       /* owned */
    struct list_node by_age; /* the oldest first */
    size_t max;
};

void tombstones_init(struct tombstones *tombstones, struct wheel *wheel, size_t max);
void tombstones_finish(struct tombstones *tombstones);
void tombstones_add(struct tombstones *tombstones, struct str key, uint16_t code, struct str reason,
                    uint32_t remember_ms); /* replaces the key's earlier one */
const struct tombstone *tombstones_find(const struct tombstones *tombstones, struct str key);
