/* SPDX-License-Identifier: MIT
 *
 * Messages to the broker that wait.
 *
 *   outbox_send() writes at once where the link is up, nothing waits, and the credit reaches; else
 *   hold(); send_held() goes on when credit comes, or the link;
 *   outbox_stop() puts what was sent and not answered in front of what was never sent.
 *
 * The list of unanswered requests is in the order of sending and the held ones among them are its
 * tail, so that sending all again keeps the order.
 *
 * What counts against the credit: the bodies of PUBLISH, CHECKPOINT, RELAY and RESTORE.
 */
#include "gateway/outbox.h"

#include <assert.h>

#include "common/link.h"
#include "common/mem.h"
#include "proto/link_msg.h"

struct outgoing {
    struct list_node held_node; /* outbox::held */
    struct list_node sent_node; /* outbox::unanswered */
    uint64_t request;           /* 0: ends when it is sent */
    uint64_t answered_ms;       /* in outbox::answered */
    uint64_t session;           /* of a RESTORE: key of outbox::restores */
    uint32_t len;
    uint8_t type;
    uint8_t body[];
};

void outbox_init(struct outbox *outbox, size_t window)
{
    *outbox = (struct outbox){.window = window};
    list_init(&outbox->unanswered);
    list_init(&outbox->answered);
    list_init(&outbox->held);
}

static struct outgoing *keep_message(uint8_t type, struct str body)
{
    assert(body.len <= LINK_MESSAGE_BYTES_MAX);
    struct outgoing *outgoing = mem_alloc(sizeof *outgoing + body.len);
    *outgoing = (struct outgoing){.len = (uint32_t)body.len, .type = type};
    if (body.len > 0) {
        memcpy(outgoing->body, body.at, body.len);
    }
    return outgoing;
}

static bool needs_credit(uint8_t type)
{
    return type == LINK_PUBLISH || type == LINK_CHECKPOINT || type == LINK_RESTORE ||
           type == LINK_RELAY;
}

/* True of a link that is lost: nobody will ask for it on the next. */
static bool is_of_link(uint8_t type)
{
    return type == LINK_ATTACH || type == LINK_DETACH || type == LINK_REFUSED ||
           type == LINK_YIELDED || type == LINK_OFFER || type == LINK_CONFIRM ||
           type == LINK_RESTORE || type == LINK_RESTORE_END;
}

/* A body larger than the window takes all of it. */
static size_t price(const struct outbox *outbox, uint8_t type, size_t len)
{
    if (!needs_credit(type)) {
        return 0;
    }
    return len < outbox->window ? len : outbox->window;
}

static bool may_send(const struct outbox *outbox, uint8_t type, size_t len)
{
    return outbox->link != NULL && price(outbox, type, len) <= outbox->credit;
}

static void write_message(struct outbox *outbox, uint8_t type, struct str body)
{
    outbox->credit -= price(outbox, type, body.len);
    buf_append_str(link_begin(outbox->link, type), body);
    link_end(outbox->link);
}

static void hold(struct outbox *outbox, struct outgoing *outgoing)
{
    list_append(&outbox->held, &outgoing->held_node);
    outbox->held_bytes += outgoing->len;
}

static void unhold(struct outbox *outbox, struct outgoing *outgoing)
{
    if (list_is_linked(&outgoing->held_node)) {
        list_remove(&outgoing->held_node);
        outbox->held_bytes -= outgoing->len;
    }
}

static void send_held(struct outbox *outbox)
{
    while (!list_is_empty(&outbox->held)) {
        struct outgoing *outgoing = LIST_OF(outbox->held.next, struct outgoing, held_node);
        if (!may_send(outbox, outgoing->type, outgoing->len)) {
            return;
        }
        unhold(outbox, outgoing);
        write_message(outbox, outgoing->type,
                      (struct str){(const char *)outgoing->body, outgoing->len});
        if (outgoing->request == 0 && outgoing->type != LINK_RESTORE) {
            mem_free(outgoing);
        }
    }
}

void outbox_send(struct outbox *outbox, uint8_t type, uint64_t request, struct str body)
{
    bool is_free = list_is_empty(&outbox->held) && may_send(outbox, type, body.len);
    struct outgoing *outgoing = NULL;
    if (request != 0 || !is_free) {
        outgoing = keep_message(type, body);
        outgoing->request = request;
    }
    if (request != 0) {
        list_append(&outbox->unanswered, &outgoing->sent_node);
        map_put_u64(&outbox->requests, &outgoing->request, outgoing);
    }
    if (is_free) {
        write_message(outbox, type, body);
    } else {
        hold(outbox, outgoing);
    }
}

static void forget_answered(struct outbox *outbox, struct outgoing *outgoing)
{
    list_remove(&outgoing->sent_node);
    outbox->answered_count--;
    outbox->answered_bytes -= outgoing->len;
}

static void drop_delivered(struct outbox *outbox)
{
    while (!list_is_empty(&outbox->answered)) {
        struct outgoing *oldest = LIST_OF(outbox->answered.next, struct outgoing, sent_node);
        if (outbox->now_ms - oldest->answered_ms <= OUTBOX_ANSWERED_MS) {
            return;
        }
        forget_answered(outbox, oldest);
        mem_free(oldest);
    }
}

static void drop_answered(struct outbox *outbox, size_t count_max, size_t bytes_max)
{
    while (outbox->answered_count > count_max || outbox->answered_bytes > bytes_max) {
        struct outgoing *oldest = LIST_OF(outbox->answered.next, struct outgoing, sent_node);
        forget_answered(outbox, oldest);
        mem_free(oldest);
    }
}

static void keep_answered(struct outbox *outbox, struct outgoing *outgoing)
{
    outgoing->answered_ms = outbox->now_ms;
    list_append(&outbox->answered, &outgoing->sent_node);
    outbox->answered_count++;
    outbox->answered_bytes += outgoing->len;
    drop_answered(outbox, OUTBOX_ANSWERED_MAX, OUTBOX_ANSWERED_BYTES_MAX);
}

/* In their order, before all else that waits. */
static void say_again(struct outbox *outbox, struct list_node *later)
{
    while (!list_is_empty(&outbox->answered)) {
        struct outgoing *newest = LIST_OF(outbox->answered.prev, struct outgoing, sent_node);
        forget_answered(outbox, newest);
        list_append(outbox->unanswered.next, &newest->sent_node);
        map_put_u64(&outbox->requests, &newest->request, newest);
        list_append(later->next, &newest->held_node);
        outbox->held_bytes += newest->len;
    }
}

static void forget_request(struct outbox *outbox, uint64_t request, bool is_answered)
{
    struct outgoing *outgoing = map_remove_u64(&outbox->requests, &request);
    if (outgoing == NULL) {
        return;
    }
    list_remove(&outgoing->sent_node);
    unhold(outbox, outgoing);
    if (is_answered && (outgoing->type == LINK_PUBLISH || outgoing->type == LINK_CHECKPOINT)) {
        keep_answered(outbox, outgoing);
    } else {
        mem_free(outgoing);
    }
}

void outbox_answered(struct outbox *outbox, uint64_t request)
{
    forget_request(outbox, request, true);
}

bool outbox_cancel(struct outbox *outbox, uint64_t request)
{
    struct outgoing *outgoing = map_get_u64(&outbox->requests, &request);
    if (outgoing == NULL || !list_is_linked(&outgoing->held_node)) {
        return false;
    }
    forget_request(outbox, request, false);
    return true;
}

void outbox_begin(struct outbox *outbox, struct link *link, size_t window, bool is_new_broker,
                  struct list_node *out_later)
{
    outbox->link = link;
    outbox->credit = window;
    outbox->window = window;
    list_take_all(out_later, &outbox->held);
    if (is_new_broker) {
        say_again(outbox, out_later);
    }
}

void outbox_restore(struct outbox *outbox, uint64_t session, struct str body)
{
    struct outgoing *outgoing = keep_message(LINK_RESTORE, body);
    outgoing->session = session;
    map_put_u64(&outbox->restores, &outgoing->session, outgoing);
    hold(outbox, outgoing);
}

void outbox_start(struct outbox *outbox, struct str restore_end, struct list_node *later)
{
    struct list_node *node;
    while ((node = list_take_first(later)) != NULL) {
        list_append(&outbox->held, node);
    }
    hold(outbox, keep_message(LINK_RESTORE_END, restore_end));
    send_held(outbox);
}

static void drop_restores(struct outbox *outbox)
{
    size_t cursor = 0;
    struct outgoing *outgoing;
    while ((outgoing = map_next(&outbox->restores, &cursor)) != NULL) {
        map_remove_u64(&outbox->restores, &outgoing->session);
        unhold(outbox, outgoing);
        mem_free(outgoing);
    }
}

void outbox_stop(struct outbox *outbox)
{
    struct list_node never_sent;
    struct list_node *node;
    outbox->link = NULL;
    drop_restores(outbox);
    drop_delivered(outbox);
    list_take_all(&never_sent, &outbox->held);
    LIST_EACH(&outbox->unanswered, each)
    {
        struct outgoing *outgoing = LIST_OF(each, struct outgoing, sent_node);
        if (!list_is_linked(&outgoing->held_node)) {
            hold(outbox, outgoing);
        }
    }
    while ((node = list_take_first(&never_sent)) != NULL) {
        struct outgoing *outgoing = LIST_OF(node, struct outgoing, held_node);
        if (is_of_link(outgoing->type)) {
            outbox->held_bytes -= outgoing->len;
            mem_free(outgoing);
        } else {
            list_append(&outbox->held, node);
        }
    }
}

bool outbox_take_restore(struct outbox *outbox, uint64_t session, struct buf *out_body)
{
    struct outgoing *outgoing = map_get_u64(&outbox->restores, &session);
    if (outgoing == NULL || list_is_linked(&outgoing->held_node)) {
        return false;
    }
    map_remove_u64(&outbox->restores, &session);
    buf_append(out_body, outgoing->body, outgoing->len);
    mem_free(outgoing);
    return true;
}

bool outbox_add_credit(struct outbox *outbox, size_t bytes)
{
    if (bytes > outbox->window - outbox->credit) {
        return false;
    }
    outbox->credit += bytes;
    send_held(outbox);
    return true;
}

void outbox_finish(struct outbox *outbox)
{
    struct list_node *node;
    drop_restores(outbox);
    drop_answered(outbox, 0, 0);
    while ((node = list_take_first(&outbox->unanswered)) != NULL) {
        struct outgoing *outgoing = LIST_OF(node, struct outgoing, sent_node);
        unhold(outbox, outgoing);
        mem_free(outgoing);
    }
    while ((node = list_take_first(&outbox->held)) != NULL) {
        mem_free(LIST_OF(node, struct outgoing, held_node));
    }
    map_finish(&outbox->requests);
    map_finish(&outbox->restores);
}
