/* SPDX-License-Identifier: MIT
 *
 * Intrusive doubly linked list. A head is a node that points at itself.
 *
 * A node that is in no list is zeroed or self-linked; list_remove() on such a node does nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/mem.h"

struct list_node {
    struct list_node *next;
    struct list_node *prev;
};

static inline void list_init(struct list_node *head)
{
    head->next = head;
    head->prev = head;
}

static inline bool list_is_empty(const struct list_node *head)
{
    return head->next == head;
}

static inline bool list_is_linked(const struct list_node *node)
{
    return node->next != NULL && node->next != node;
}

static inline void list_append(struct list_node *head, struct list_node *node)
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

static inline void list_remove(struct list_node *node)
{
    if (node->next == NULL) {
        return;
    }
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

/* Takes the first node off, NULL when empty. */
static inline struct list_node *list_take_first(struct list_node *head)
{
    struct list_node *node = head->next;
    if (node == head) {
        return NULL;
    }
    list_remove(node);
    return node;
}

/* Moves all of `from` to the empty head `to`, so that a walk may add to `from` again. */
static inline void list_take_all(struct list_node *to, struct list_node *from)
{
    if (list_is_empty(from)) {
        list_init(to);
        return;
    }
    *to = *from;
    to->next->prev = to;
    to->prev->next = to;
    list_init(from);
}

/* The current node may be removed inside the loop, no other. */
#define LIST_EACH(head, node)                                                                      \
    for (struct list_node *node = (head)->next, *node##_next = node->next; node != (head);         \
         node = node##_next, node##_next = node->next)

#define LIST_OF(node, type, member) MEM_CONTAINER(node, type, member)
