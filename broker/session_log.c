/* SPDX-License-Identifier: MIT
 *
 * The log of a session.
 */
#include "broker/session_log.h"

#include <assert.h>

#include "common/mem.h"
#include "common/wire.h"

struct entry {
    struct list_node node;            /* session_log::entries */
    uint64_t number;                  /* of the holder's link */
    struct payload *message;          /* a share; NULL: an answer */
    struct buf subscriptions;         /* of a message: u32 each, in the machine's order */
    struct session_log_answer answer; /* of a message: its position alone */
};

void session_log_init(struct session_log *log, size_t bytes_max)
{
    *log = (struct session_log){.bytes_max = bytes_max};
    list_init(&log->entries);
}

static size_t entry_bytes(const struct entry *entry)
{
    return sizeof(*entry) + (entry->message == NULL ? 0 : entry->message->len);
}

static void remove_entry(struct session_log *log, struct entry *entry)
{
    list_remove(&entry->node);
    log->count--;
    log->bytes -= entry_bytes(entry);
    payload_release(entry->message);
    buf_finish(&entry->subscriptions);
    mem_free(entry);
}

static void remove_all(struct session_log *log)
{
    LIST_EACH(&log->entries, node)
    {
        remove_entry(log, LIST_OF(node, struct entry, node));
    }
}

void session_log_clear(struct session_log *log)
{
    remove_all(log);
    list_remove(&log->node);
    log->is_on = false;
    log->over = 0;
}

static struct entry *last_entry(const struct session_log *log)
{
    assert(log->entries.prev != NULL); /* a list that was initialised */
    return list_is_empty(&log->entries) ? NULL : LIST_OF(log->entries.prev, struct entry, node);
}

/* NULL: it is too short. */
static struct entry *add_entry(struct session_log *log, struct payload *message)
{
    size_t bytes = sizeof(struct entry) + (message == NULL ? 0 : message->len);
    if (log->over != 0 || log->count >= SESSION_LOG_COUNT_MAX ||
        bytes > log->bytes_max - log->bytes) {
        remove_all(log);
        log->over = SESSION_LOG_NOT_SENT;
        return NULL;
    }
    struct entry *entry = mem_zalloc(sizeof(*entry));
    entry->number = SESSION_LOG_NOT_SENT;
    entry->message = message == NULL ? NULL : payload_share(message);
    list_append(&log->entries, &entry->node);
    log->count++;
    log->bytes += bytes;
    return entry;
}

void session_log_add_message(struct session_log *log, struct payload *message,
                             const struct position_text *position, uint32_t subscription)
{
    struct entry *entry = last_entry(log);
    assert(log->is_on);
    if (entry == NULL || entry->message != message) {
        entry = add_entry(log, message);
    }
    if (entry != NULL) {
        entry->answer.position = *position;
        buf_append(&entry->subscriptions, &subscription, sizeof(subscription));
    }
}

void session_log_number_last(struct session_log *log, uint64_t number)
{
    struct entry *entry = last_entry(log);
    if (log->over != 0) {
        log->over = number;
    } else if (entry != NULL) {
        entry->number = number;
    }
}

void session_log_add_answer(struct session_log *log, const struct session_log_answer *answer,
                            uint64_t number)
{
    struct entry *entry = add_entry(log, NULL);
    if (entry != NULL) {
        entry->answer = *answer;
    }
    session_log_number_last(log, number);
}

void session_log_forget_numbers(struct session_log *log)
{
    LIST_EACH(&log->entries, node)
    {
        LIST_OF(node, struct entry, node)->number = SESSION_LOG_NOT_SENT;
    }
    log->over = log->over != 0 ? SESSION_LOG_NOT_SENT : 0;
}

void session_log_drop(struct session_log *log, uint64_t number)
{
    LIST_EACH(&log->entries, node)
    {
        struct entry *entry = LIST_OF(node, struct entry, node);
        if (entry->number <= number) {
            remove_entry(log, entry);
        }
    }
    log->over = log->over <= number ? 0 : log->over;
}

static void send_message(const struct entry *entry, struct peer *peer, uint64_t session)
{
    struct buf individuals = {NULL, 0, 0};
    for (size_t at = 0; at < entry->subscriptions.len; at += sizeof(uint32_t)) {
        uint32_t subscription;
        memcpy(&subscription, entry->subscriptions.data + at, sizeof(subscription));
        wire_put_u64(&individuals, session);
        wire_put_u32(&individuals, subscription);
    }
    PEER_SEND(peer, DELIVERED, delivered, .position = position_str(&entry->answer.position),
              .individuals = buf_str(&individuals),
              .message.raw = {(const char *)entry->message->data, entry->message->len});
    buf_finish(&individuals);
}

/* SUBSCRIBED names no group yet: a second one will, behind the log. */
static void send_answer(const struct session_log_answer *answer, struct peer *peer,
                        uint64_t session)
{
    switch (answer->type) {
    case LINK_SUBSCRIBED:
        PEER_SEND(peer, SUBSCRIBED, subscribed, .request = answer->request, .session = session,
                  .subscription = answer->subscription, .result = answer->result,
                  .recovered = answer->recovered, .position = position_str(&answer->position));
        break;
    case LINK_UNSUBSCRIBED:
        PEER_SEND(peer, UNSUBSCRIBED, unsubscribed, .request = answer->request, .session = session,
                  .subscription = answer->subscription);
        break;
    case LINK_PUBLISHED:
        PEER_SEND(peer, PUBLISHED, published, .request = answer->request, .session = session,
                  .result = answer->result, .position = position_str(&answer->position));
        break;
    default:
        PEER_SEND(peer, CHECKPOINTED, checkpointed, .request = answer->request, .session = session,
                  .result = answer->result);
    }
}

void session_log_send(struct session_log *log, struct peer *peer, uint64_t session)
{
    LIST_EACH(&log->entries, node)
    {
        struct entry *entry = LIST_OF(node, struct entry, node);
        if (entry->message != NULL) {
            send_message(entry, peer, session);
        } else {
            send_answer(&entry->answer, peer, session);
        }
        entry->number = peer->written;
    }
}
