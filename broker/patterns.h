/* SPDX-License-Identifier: MIT
 *
 * Pure index of patterns: which of them match a destination name, without asking each.
 *
 * Results are those of destination_match() with the tree's separator. An entry is the caller's and stays until
 * patterns_remove().
 */
#pragma once

#include "common/list.h"
#include "common/map.h"

struct pattern_node;

struct pattern_entry {
    struct list_node node;   /* pattern_node::entries */
    struct pattern_node *at; /* borrowed; NULL: in no tree */
    struct str text;         /* borrowed, from patterns_add() on */
};

struct patterns {
    struct pattern_node *root; /* owned */
    char separator;
    size_t count;
    uint64_t stamp;             /* of the step under way: marks nodes that are active already */
    struct pattern_node **now;  /* owned: active nodes */
    struct pattern_node **next; /* owned: active nodes after this segment */
    size_t now_count;
    size_t next_count;
    size_t cap;        /* of both */
    size_t node_count; /* how many may be active at once */
};

/* Nothing is added or removed inside. */
typedef void (*patterns_match_cb)(struct pattern_entry *entry, void *data);

void patterns_init(struct patterns *patterns, char separator);
void patterns_finish(struct patterns *patterns); /* it is empty */

/* `text` passed destination_check_pattern(). */
void patterns_add(struct patterns *patterns, struct pattern_entry *entry, struct str text);
void patterns_remove(struct patterns *patterns, struct pattern_entry *entry);
void patterns_match(struct patterns *patterns, struct str name, patterns_match_cb matched,
                    void *data);
