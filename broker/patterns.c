/* SPDX-License-Identifier: MIT
 *
 * A tree of patterns by segment: the literal ones by hash, those with wildcards one by one, `**` apart.
 *
 *   patterns_add() goes down by segments, making nodes; the last one gets the entry;
 *   patterns_match() goes down by all ways at once: a set of active nodes for each segment of the name;
 *   what is active at the end are candidates, and destination_match() has the last word on each.
 *
 * The tree only has to miss nothing: rules about leading, trailing and doubled separators are kept in one place,
 * destination.c. A node is active once however many ways lead to it, so that a match costs at most nodes x
 * segments, whatever clients subscribe. No cache of names: it would have to be emptied by each SUBSCRIBE, and
 * exact destinations never come here.
 */
#include "broker/patterns.h"

#include <assert.h>

#include "proto/destination.h"

enum node_kind { NODE_LITERAL, NODE_WILD, NODE_ANY };

struct pattern_node {
    struct pattern_node *parent; /* NULL: the root */
    struct map literals;         /* owned children by segment */
    struct map wilds;            /* owned children by segment */
    struct pattern_node *any;    /* owned child, for `**` */
    struct list_node entries;    /* patterns that end here */
    uint64_t stamp;
    enum node_kind kind;
    struct str segment; /* the bytes behind the node */
};

static enum node_kind kind_of(struct str segment)
{
    if (str_equal(segment, STR("**"))) {
        return NODE_ANY;
    }
    for (size_t i = 0; i < segment.len; i++) {
        if (memchr("*?{}", segment.at[i], 4) != NULL) {
            return NODE_WILD;
        }
    }
    return NODE_LITERAL;
}

static struct pattern_node *create_node(struct pattern_node *parent, struct str segment)
{
    struct pattern_node *node = mem_zalloc(sizeof(*node) + segment.len);
    char *bytes = (char *)(node + 1);
    if (segment.len > 0) {
        memcpy(bytes, segment.at, segment.len);
    }
    node->parent = parent;
    node->segment = (struct str){bytes, segment.len};
    node->kind = kind_of(node->segment);
    list_init(&node->entries);
    return node;
}

static void destroy_node(struct pattern_node *node)
{
    map_finish(&node->literals);
    map_finish(&node->wilds);
    mem_free(node);
}

void patterns_init(struct patterns *patterns, char separator)
{
    *patterns = (struct patterns){.separator = separator, .node_count = 1};
    patterns->root = create_node(NULL, STR(""));
}

void patterns_finish(struct patterns *patterns)
{
    assert(patterns->count == 0 && patterns->node_count == 1);
    destroy_node(patterns->root);
    mem_free(patterns->now);
    mem_free(patterns->next);
}

static struct pattern_node *find_child(const struct pattern_node *parent, struct str segment)
{
    switch (kind_of(segment)) {
    case NODE_ANY:
        return parent->any;
    case NODE_WILD:
        return map_get(&parent->wilds, segment);
    case NODE_LITERAL:
        break;
    }
    return map_get(&parent->literals, segment);
}

static struct pattern_node *add_child(struct patterns *patterns, struct pattern_node *parent,
                                      struct str segment)
{
    struct pattern_node *child = create_node(parent, segment);
    patterns->node_count++;
    if (child->kind == NODE_ANY) {
        parent->any = child;
    } else if (child->kind == NODE_WILD) {
        map_put(&parent->wilds, child->segment, child);
    } else {
        map_put(&parent->literals, child->segment, child);
    }
    return child;
}

/* Empty segments do not count, as in Spring's tokenizer. */
static bool next_segment(struct str *rest, char separator, struct str *out_segment)
{
    while (str_next(rest, separator, out_segment)) {
        if (out_segment->len > 0) {
            return true;
        }
    }
    return false;
}

/* As many as there are nodes can be active. */
static void make_room(struct patterns *patterns)
{
    if (patterns->node_count > patterns->cap) {
        patterns->cap = 2 * patterns->node_count;
        patterns->now = mem_realloc(patterns->now, patterns->cap * sizeof(struct pattern_node *));
        patterns->next = mem_realloc(patterns->next, patterns->cap * sizeof(struct pattern_node *));
    }
}

void patterns_add(struct patterns *patterns, struct pattern_entry *entry, struct str text)
{
    struct pattern_node *at = patterns->root;
    struct str rest = text;
    struct str segment;
    while (next_segment(&rest, patterns->separator, &segment)) {
        struct pattern_node *child = find_child(at, segment);
        at = child != NULL ? child : add_child(patterns, at, segment);
    }
    entry->text = text;
    entry->at = at;
    list_append(&at->entries, &entry->node);
    patterns->count++;
    make_room(patterns);
}

static bool is_leaf(const struct pattern_node *node)
{
    return list_is_empty(&node->entries) && node->any == NULL && node->literals.count == 0 &&
           node->wilds.count == 0;
}

static void remove_child(struct patterns *patterns, struct pattern_node *child)
{
    if (child->kind == NODE_ANY) {
        child->parent->any = NULL;
    } else if (child->kind == NODE_WILD) {
        map_remove(&child->parent->wilds, child->segment);
    } else {
        map_remove(&child->parent->literals, child->segment);
    }
    destroy_node(child);
    patterns->node_count--;
}

void patterns_remove(struct patterns *patterns, struct pattern_entry *entry)
{
    struct pattern_node *at = entry->at;
    assert(at != NULL);
    list_remove(&entry->node);
    entry->at = NULL;
    patterns->count--;
    while (at->parent != NULL && is_leaf(at)) {
        struct pattern_node *parent = at->parent;
        remove_child(patterns, at);
        at = parent;
    }
}

/* With a node its `**` is active too, which may stand for no segment at all. */
static void activate(struct patterns *patterns, struct pattern_node *node)
{
    for (; node != NULL && node->stamp != patterns->stamp; node = node->any) {
        node->stamp = patterns->stamp;
        patterns->next[patterns->next_count++] = node;
    }
}

static void begin_step(struct patterns *patterns)
{
    patterns->stamp++;
    patterns->next_count = 0;
}

static void end_step(struct patterns *patterns)
{
    struct pattern_node **emptied = patterns->now;
    patterns->now = patterns->next;
    patterns->now_count = patterns->next_count;
    patterns->next = emptied;
}

static void advance_node(struct patterns *patterns, struct pattern_node *node, struct str segment)
{
    if (node->kind == NODE_ANY) {
        activate(patterns, node);
    }
    if (node->literals.count > 0) {
        activate(patterns, map_get(&node->literals, segment));
    }
    struct pattern_node *wild;
    for (size_t cursor = 0; (wild = map_next(&node->wilds, &cursor)) != NULL;) {
        if (destination_match_segment(wild->segment, segment)) {
            activate(patterns, wild);
        }
    }
}

/* Stamped as a step of its own: a node is asked once. */
static void report_node(struct patterns *patterns, struct pattern_node *node, struct str name,
                        patterns_match_cb matched, void *data)
{
    if (node == NULL || node->stamp == patterns->stamp) {
        return;
    }
    node->stamp = patterns->stamp;
    LIST_EACH(&node->entries, each)
    {
        struct pattern_entry *entry = LIST_OF(each, struct pattern_entry, node);
        if (destination_match(entry->text, name, patterns->separator)) {
            matched(entry, data);
        }
    }
}

void patterns_match(struct patterns *patterns, struct str name, patterns_match_cb matched,
                    void *data)
{
    if (patterns->count == 0) {
        return;
    }
    struct str rest = name;
    struct str segment;
    begin_step(patterns);
    activate(patterns, patterns->root);
    end_step(patterns);
    while (patterns->now_count > 0 && next_segment(&rest, patterns->separator, &segment)) {
        begin_step(patterns);
        for (size_t i = 0; i < patterns->now_count; i++) {
            advance_node(patterns, patterns->now[i], segment);
        }
        end_step(patterns);
    }
    /* A last `*` matches behind a trailing separator too, where the name has no segment for it. */
    bool is_open = name.len > 0 && name.at[name.len - 1] == patterns->separator;
    begin_step(patterns);
    for (size_t i = 0; i < patterns->now_count; i++) {
        report_node(patterns, patterns->now[i], name, matched, data);
        if (is_open) {
            struct pattern_node *star = map_get(&patterns->now[i]->wilds, STR("*"));
            report_node(patterns, star, name, matched, data);
        }
    }
}
