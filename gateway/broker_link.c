/* SPDX-License-Identifier: MIT
 *
 * The gateway's end of the link: connect, hello, restore, send.
 *
 *   DOWN --start_connect--> CONNECTING --on_connect--> GREETING --broker_link_greeted--> UP
 *
 * Happy path:
 *   start_connect(); on_connect() sends HELLO; HELLOED brings broker_link_greeted(): the handler
 *   restores its sessions, then goes RESTORE_END, then what was not answered, then what waited
 *   (outbox.c); messages from the broker are broker_answers.c's.
 *
 * Failure modes:
 *   no socket, no HELLOED within GREETING_MS, a lost link, a message that breaks the rules: DOWN,
 *   one line in the log, and another try after a delay that doubles up to gateway.link_retry_max
 *   (retry_later()); REJECTED: the same, at the longest delay.
 */
#include "gateway/broker_link.h"

#include <assert.h>

#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/process.h"
#include "common/settings.h"
#include "gateway/broker_link_state.h"

#define RETRY_MS_MIN 50
#define GREETING_MS 5000

static const struct {
    const char *name;
    unsigned successors; /* bits of enum broker_link_phase */
} phases[] = {
    [LINK_DOWN] = {"down", 1u << LINK_CONNECTING},
    [LINK_CONNECTING] = {"connecting", 1u << LINK_DOWN | 1u << LINK_GREETING},
    [LINK_GREETING] = {"greeting", 1u << LINK_DOWN | 1u << LINK_UP},
    [LINK_UP] = {"up", 1u << LINK_DOWN},
};

static void start_connect(struct broker_link *link);

static void set_phase(struct broker_link *link, enum broker_link_phase phase)
{
    assert((phases[link->phase].successors & 1u << phase) != 0);
    log_event(LOG_DEBUG, "link_phase", log_text("from", phases[link->phase].name),
              log_text("to", phases[phase].name));
    link->phase = phase;
}

/* ---- messages to the broker ---- */

static void send_scratch(struct broker_link *link, uint8_t type, uint64_t request);

/* A body that makes more than that of it is cut in two, so that it always finds credit. */
static size_t gather_bytes_max(const struct broker_link *link)
{
    return link->outbox.window / 2;
}

static void send_mark(struct broker_link *link, const struct link_checkpoint *mark)
{
    struct link_checkpoint checkpoint = *mark;
    checkpoint.messages = buf_str(&link->gathered);
    link->is_gathering = false;
    link_put_checkpoint(&link->scratch, &checkpoint);
    send_scratch(link, LINK_CHECKPOINT, checkpoint.request);
    link->gathered.len = 0;
}

static void make_room(struct broker_link *link, size_t len)
{
    if (link->gathered.len + len > gather_bytes_max(link) && link->gathered.len > 0) {
        struct buf next = link->scratch;
        link->scratch = (struct buf){0};
        send_mark(link, &(struct link_checkpoint){.session = link->mark.session});
        buf_finish(&link->scratch);
        link->scratch = next;
        link->is_gathering = true;
    }
}

static void gather(struct broker_link *link, uint8_t type)
{
    make_room(link, link->scratch.len);
    link_put_message(&link->gathered, type, buf_str(&link->scratch));
}

/* What stands in `scratch` goes out. */
static void send_scratch(struct broker_link *link, uint8_t type, uint64_t request)
{
    if (link->is_gathering) {
        gather(link, type);
    } else if (!link->is_closing) {
        outbox_send(&link->outbox, type, request, buf_str(&link->scratch));
    }
    link->scratch.len = 0;
}

uint64_t broker_link_number(struct broker_link *link)
{
    return ++link->last_request;
}

void broker_link_claim(struct broker_link *link, const struct link_claim *claim)
{
    link_put_claim(&link->scratch, claim);
    send_scratch(link, LINK_CLAIM, claim->request);
}

bool broker_link_cancel_claim(struct broker_link *link, uint64_t request)
{
    return outbox_cancel(&link->outbox, request);
}

void broker_link_publish(struct broker_link *link, const struct link_publish *publish)
{
    link->runtime->stats.published++;
    link_put_publish(&link->scratch, publish);
    send_scratch(link, LINK_PUBLISH, publish->request);
}

void broker_link_subscribe(struct broker_link *link, const struct link_subscribe *subscribe)
{
    link_put_subscribe(&link->scratch, subscribe);
    send_scratch(link, LINK_SUBSCRIBE, subscribe->request);
}

void broker_link_unsubscribe(struct broker_link *link, const struct link_unsubscribe *unsubscribe)
{
    link_put_unsubscribe(&link->scratch, unsubscribe);
    send_scratch(link, LINK_UNSUBSCRIBE, unsubscribe->request);
}

/* Inside a body its messages join the others, in one piece; an answer in turn is that of a subscription
 * nobody has. */
void broker_link_checkpoint(struct broker_link *link, const struct link_checkpoint *checkpoint)
{
    if (link->is_gathering) {
        make_room(link, checkpoint->messages.len);
        buf_append_str(&link->gathered, checkpoint->messages);
    }
    if (link->is_gathering && checkpoint->request == 0) {
        return;
    }
    if (link->is_gathering) {
        broker_link_unsubscribe(link, &(struct link_unsubscribe){.request = checkpoint->request,
                                                                 .session = checkpoint->session});
        return;
    }
    link_put_checkpoint(&link->scratch, checkpoint);
    send_scratch(link, LINK_CHECKPOINT, checkpoint->request);
}

void broker_link_begin_body(struct broker_link *link, const struct link_checkpoint *mark)
{
    assert(!link->is_gathering);
    link->is_gathering = true;
    link->mark = *mark;
}

bool broker_link_is_gathering(const struct broker_link *link)
{
    return link->is_gathering;
}

void broker_link_end_body(struct broker_link *link, struct str state)
{
    if (link->is_gathering) {
        link->mark.state = state;
        send_mark(link, &link->mark);
    }
}

void broker_link_yielded(struct broker_link *link, const struct link_yielded *yielded)
{
    if (link->phase == LINK_UP) {
        link_put_yielded(&link->scratch, yielded);
        send_scratch(link, LINK_YIELDED, 0);
    }
}

void broker_link_offer(struct broker_link *link, uint64_t session)
{
    if (link->phase == LINK_UP) {
        link_put_offer(&link->scratch, &(struct link_offer){.session = session});
        send_scratch(link, LINK_OFFER, 0);
    }
}

void broker_link_relay(struct broker_link *link, const struct link_relay *relay)
{
    link_put_relay(&link->scratch, relay);
    send_scratch(link, LINK_RELAY, relay->request);
}

bool broker_link_cancel_relay(struct broker_link *link, uint64_t request)
{
    return outbox_cancel(&link->outbox, request);
}

uint64_t broker_link_delivered(const struct broker_link *link)
{
    return link->recent.count;
}

uint64_t broker_link_handled(const struct broker_link *link)
{
    return link->link.received;
}

uint64_t broker_link_mark(const struct broker_link *link)
{
    return link->link.received + !link->is_handling;
}

bool broker_link_is_delivering(const struct broker_link *link)
{
    return link->is_delivering;
}

void broker_link_confirm(struct broker_link *link, uint64_t session, uint64_t number)
{
    if (link->phase == LINK_UP) {
        link_put_confirm(&link->scratch,
                         &(struct link_confirm){.session = session, .number = number});
        send_scratch(link, LINK_CONFIRM, 0);
    }
}

uint64_t broker_link_handled_before(const struct broker_link *link)
{
    return link->handled;
}

void broker_link_drop(struct broker_link *link, const struct link_drop_session *drop)
{
    broker_link_end_body(link, STR(""));
    if (link->phase == LINK_UP || drop->remember_ms > 0) {
        link_put_drop_session(&link->scratch, drop);
        send_scratch(link, LINK_DROP_SESSION, 0);
    }
}

void broker_link_attach(struct broker_link *link, uint64_t session)
{
    if (link->phase == LINK_UP) {
        link_put_attach(&link->scratch, &(struct link_attach){.session = session});
        send_scratch(link, LINK_ATTACH, 0);
    }
}

void broker_link_detach(struct broker_link *link, uint64_t session)
{
    if (link->phase == LINK_UP) {
        link_put_detach(&link->scratch, &(struct link_detach){.session = session});
        send_scratch(link, LINK_DETACH, 0);
    }
}

void broker_link_refuse(struct broker_link *link, uint64_t request, uint64_t session)
{
    const struct link_refused refused = {.request = request, .session = session};
    link_put_refused(&link->scratch, &refused);
    send_scratch(link, LINK_REFUSED, 0);
}

void broker_link_restore(struct broker_link *link, const struct link_restore *restore)
{
    link_put_restore(&link->scratch, restore);
    outbox_restore(&link->outbox, restore->session, buf_str(&link->scratch));
    link->scratch.len = 0;
}

/* ---- back-pressure ---- */

bool broker_link_is_ready(const struct broker_link *link)
{
    return link->phase == LINK_UP && !link->is_restoring;
}

size_t broker_link_queued(const struct broker_link *link)
{
    return link->outbox.held_bytes + (link->phase == LINK_UP ? link_queued(&link->link) : 0);
}

size_t broker_link_pending(const struct broker_link *link)
{
    return link->outbox.requests.count;
}

bool broker_link_is_clogged(const struct broker_link *link)
{
    return outbox_is_clogged(&link->outbox);
}

void broker_link_wait(struct broker_link *link, struct broker_link_waiter *waiter,
                      void (*clear)(struct broker_link_waiter *waiter))
{
    if (!list_is_linked(&waiter->node)) {
        waiter->clear = clear;
        list_append(&link->waiters, &waiter->node);
    }
}

void broker_link_forget(struct broker_link_waiter *waiter)
{
    list_remove(&waiter->node);
}

/* One that goes on may clog the link again: the rest waits on. */
void broker_link_tell_waiters(struct broker_link *link)
{
    struct list_node *node;
    while (!broker_link_is_clogged(link) && (node = list_take_first(&link->waiters)) != NULL) {
        struct broker_link_waiter *waiter = LIST_OF(node, struct broker_link_waiter, node);
        waiter->clear(waiter);
    }
}

/* ---- connecting ---- */

void broker_link_greeted(struct broker_link *link, const struct link_helloed *helloed)
{
    struct list_node later;
    wheel_remove(&link->runtime->wheel, &link->timer);
    set_phase(link, LINK_UP);
    link->retry_ms = RETRY_MS_MIN;
    link->is_waiting = false;
    link->runtime->stats.link_connects++;
    log_event(LOG_INFO, "link_up", log_u64("waiting", link->outbox.held_bytes));
    bool is_new = link->broker != helloed->broker;
    link->broker = helloed->broker;
    outbox_begin(&link->outbox, &link->link, helloed->window, is_new, &later);
    link->is_restoring = true;
    link->is_released = false;
    link->handler->restore(link->data);
    struct buf recent = {0};
    recent_put(&link->recent, &recent);
    recent_next_link(&link->recent);
    const struct link_restore_end end = {.sessions = (uint32_t)link->outbox.restores.count,
                                         .recent = buf_str(&recent)};
    link_put_restore_end(&link->scratch, &end);
    buf_finish(&recent);
    outbox_start(&link->outbox, buf_str(&link->scratch), &later);
    link->scratch.len = 0;
    link->handler->yield_again(link->data);
    broker_link_tell_waiters(link);
}

static void on_retry(struct wheel_entry *entry)
{
    start_connect(MEM_CONTAINER(entry, struct broker_link, timer));
}

/* The next try, somewhere in the second half of the delay, so that many gateways do not come at
 * once. */
static void retry_later(struct broker_link *link)
{
    uint64_t longest = link->runtime->settings->link_retry_ms_max;
    uint64_t delay = link->retry_ms < longest ? link->retry_ms : longest;
    uint32_t random;
    process_random(&random, sizeof random);
    link->retry_ms = delay * 2 < longest ? delay * 2 : longest;
    wheel_add(&link->runtime->wheel, &link->timer, delay / 2 + random % (delay / 2 + 1), on_retry);
}

static void finish_close(struct broker_link *link)
{
    if (link->is_closing && !link->has_pipe && link->closed != NULL) {
        broker_link_closed_cb closed = link->closed;
        link->closed = NULL;
        closed(link->closed_data);
    }
}

static void on_pipe_gone(struct broker_link *link)
{
    link->has_pipe = false;
    if (link->is_closing) {
        finish_close(link);
    } else {
        retry_later(link);
    }
}

static void on_pipe_closed(uv_handle_t *handle)
{
    on_pipe_gone(MEM_CONTAINER(handle, struct broker_link, link.pipe));
}

static void on_link_closed(struct link *link)
{
    on_pipe_gone(MEM_CONTAINER(link, struct broker_link, link));
}

/* From GREETING or UP. */
static void fall_down(struct broker_link *link, int code)
{
    bool was_up = link->phase == LINK_UP;
    link->handled = link->link.received;
    link->outbox.now_ms = runtime_now(link->runtime);
    wheel_remove(&link->runtime->wheel, &link->timer);
    set_phase(link, LINK_DOWN);
    link_close(&link->link);
    if (!was_up) {
        log_event(LOG_WARN, "link_refused", log_err(code));
        return;
    }
    link->is_restoring = false;
    link->runtime->stats.link_losses++;
    log_event(LOG_WARN, "link_lost", log_err(code));
    outbox_stop(&link->outbox);
    link->handler->lost(link->data);
}

static int on_link_message(struct link *link, uint8_t type, struct str body)
{
    struct broker_link *self = MEM_CONTAINER(link, struct broker_link, link);
    self->outbox.now_ms = runtime_now(self->runtime);
    self->is_handling = true;
    int code = broker_answers_take(self, type, body);
    self->is_handling = false;
    return code;
}

static void on_link_lost(struct link *link, int code)
{
    fall_down(MEM_CONTAINER(link, struct broker_link, link), code);
}

static const struct link_handler link_handler = {
    .on_message = on_link_message, .on_lost = on_link_lost, .on_closed = on_link_closed};

static void on_greeting_late(struct wheel_entry *entry)
{
    fall_down(MEM_CONTAINER(entry, struct broker_link, timer), UV_ETIMEDOUT);
}

static void say_hello(struct broker_link *link)
{
    const struct link_hello hello = {
        .magic = LINK_MAGIC,
        .version_min = LINK_VERSION,
        .version_max = LINK_VERSION,
        .gateway = link->gateway,
        .name = str_of(link->runtime->settings->name),
        .sessions = (uint32_t)link->handler->session_count(link->data),
    };
    link_put_hello(link_begin(&link->link, LINK_HELLO), &hello);
    link_end(&link->link);
    wheel_add(&link->runtime->wheel, &link->timer, GREETING_MS, on_greeting_late);
}

static void fail_connect(struct broker_link *link, int code)
{
    set_phase(link, LINK_DOWN);
    if (!link->is_waiting) {
        link->is_waiting = true;
        log_event(LOG_WARN, "link_waits", log_text("socket", link->settings->socket),
                  log_err(code));
    }
    uv_close((uv_handle_t *)&link->link.pipe, on_pipe_closed);
}

static void on_connect(uv_connect_t *connect, int status)
{
    struct broker_link *link = MEM_CONTAINER(connect, struct broker_link, connect);
    const struct link_options options = {
        .queue_bytes_max = link->settings->link_queue_bytes_max,
        .stall_ms = link->settings->link_stall_ms,
    };
    if (link->is_closing) {
        return; /* the pipe is being closed */
    }
    int code = status;
    if (code == 0) {
        code = link_open(&link->link, &link->runtime->turn, &link->runtime->wheel, &options,
                         &link_handler);
    }
    if (code < 0) {
        fail_connect(link, code);
        return;
    }
    set_phase(link, LINK_GREETING);
    say_hello(link);
}

static void start_connect(struct broker_link *link)
{
    int code = uv_pipe_init(&link->runtime->loop, &link->link.pipe, 0);
    assert(code == 0);
    (void)code;
    link->has_pipe = true;
    set_phase(link, LINK_CONNECTING);
    uv_pipe_connect(&link->connect, &link->link.pipe, link->settings->socket, on_connect);
}

/* ---- life ---- */

struct broker_link *broker_link_create(struct runtime *runtime,
                                       const struct broker_settings *settings)
{
    struct broker_link *link = mem_zalloc(sizeof *link);
    link->runtime = runtime;
    link->settings = settings;
    link->retry_ms = RETRY_MS_MIN;
    process_random(&link->gateway, sizeof link->gateway);
    link->last_request = link->gateway << 32; /* unlike any other gateway's: answers may move */
    outbox_init(&link->outbox, settings->message_window_bytes);
    list_init(&link->waiters);
    return link;
}

void broker_link_open(struct broker_link *link, const struct broker_link_handler *handler,
                      void *data)
{
    link->handler = handler;
    link->data = data;
    start_connect(link);
}

void broker_link_close(struct broker_link *link, broker_link_closed_cb closed, void *data)
{
    link->closed = closed;
    link->closed_data = data;
    if (!link->is_closing) {
        link->is_closing = true;
        wheel_remove(&link->runtime->wheel, &link->timer);
        outbox_stop(&link->outbox);
        if (link->phase == LINK_CONNECTING) {
            uv_close((uv_handle_t *)&link->link.pipe, on_pipe_closed);
        } else if (link->phase != LINK_DOWN) {
            link_flush_and_close(&link->link);
        }
    }
    finish_close(link);
}

void broker_link_destroy(struct broker_link *link)
{
    if (link == NULL) {
        return;
    }
    assert(!link->has_pipe);
    outbox_finish(&link->outbox);
    buf_finish(&link->scratch);
    buf_finish(&link->gathered);
    recent_finish(&link->recent);
    mem_free(link);
}
