/* SPDX-License-Identifier: MIT
 *
 * The broker's end of one link: who may connect, HELLO, dispatch, credit, and what happens when it goes.
 *
 *   AWAIT_HELLO --> UP --> LOST      LOST: closing, no peer of the core any more
 *        `--------------> LOST
 *
 * Happy path:
 *   gateway_links_accept() checks the peer's uid and opens the link; handle_hello() makes it a peer of the core and
 *   answers HELLOED; on_message() hands each further message to commands_handle(); return_credit() gives back, at the
 *   turn's end, what PUBLISH, RELAY and RESTORE took.
 *
 * Failure modes, each logged once as link_lost with the message's name where one was at fault:
 *   the pipe ends, the gateway breaks the rules or falls behind (on_lost); it does not say HELLO in time; it has come
 *   again on another link. core_remove_peer() parks or ends its sessions; on_closed() frees.
 */
#include "broker/gateway_link.h"

#include <assert.h>
#include <unistd.h>

#include "broker/commands.h"
#include "broker/known_gateways.h"
#include "common/err.h"
#include "common/link.h"
#include "common/log.h"

#define BEHIND_PARTS 4 /* of its queue: a gateway that has so much waiting is behind */

enum link_state { AWAIT_HELLO, UP, LOST };

struct gateway_link {
    struct list_node node; /* gateway_links::all */
    struct gateway_links *owner;
    struct link link;
    struct peer peer;
    enum link_state state;
    uint64_t gateway; /* from HELLO */
    char *name;       /* owned; NULL before HELLO */
    struct wheel_entry hello;
    struct turn_entry credit;
    size_t under_way; /* bytes of bodies not credited yet */
    size_t owed;      /* of those, handled */
    uint8_t type;     /* of the message being handled */
    bool is_handling;
};

static void set_state(struct gateway_link *self, enum link_state state)
{
    assert(state > self->state); /* the only way is down the list */
    self->state = state;
}

static struct buf *begin_message(struct peer *peer, uint8_t type)
{
    struct gateway_link *self = MEM_CONTAINER(peer, struct gateway_link, peer);
    self->owner->core->stats.link_messages_out++;
    return link_begin(&self->link, type);
}

static void end_message(struct peer *peer)
{
    link_end(&MEM_CONTAINER(peer, struct gateway_link, peer)->link);
}

/* It is lost at the whole of it; the past of many subscriptions asked for at once must not bring it there. */
static bool is_behind(const struct peer *peer)
{
    const struct gateway_link *self = MEM_CONTAINER(peer, const struct gateway_link, peer);
    return link_queued(&self->link) > self->owner->settings->link_queue_bytes_max / BEHIND_PARTS;
}

static void log_lost(const struct gateway_link *self, int code)
{
    const char *name = self->name == NULL ? "" : self->name;
    if (self->is_handling) {
        log_event(LOG_WARN, "link_lost", log_text("gateway", name), log_err(code),
                  log_text("message", link_type_name(self->type)), log_u64("type", self->type));
    } else {
        log_event(code == UV_EOF ? LOG_INFO : LOG_WARN, "link_lost", log_text("gateway", name),
                  log_err(code));
    }
}

/* Everything but closing the pipe. */
static void leave(struct gateway_link *self)
{
    enum link_state before = self->state;
    set_state(self, LOST);
    wheel_remove(self->owner->wheel, &self->hello);
    turn_remove(&self->credit);
    if (before == UP) {
        core_remove_peer(self->owner->core, &self->peer);
        if (!self->owner->is_closing) {
            known_gateways_remove(self->owner->settings->socket, self->gateway);
        }
    }
}

static void lose(struct gateway_link *self, int code)
{
    if (self->state == LOST) {
        return;
    }
    log_lost(self, code);
    leave(self);
    link_close(&self->link);
}

static void on_lost(struct link *link, int code)
{
    lose(MEM_CONTAINER(link, struct gateway_link, link), code);
}

static void on_closed(struct link *link)
{
    struct gateway_link *self = MEM_CONTAINER(link, struct gateway_link, link);
    list_remove(&self->node);
    self->owner->count--;
    mem_free(self->name);
    mem_free(self);
}

/* ---- credit ---- */

static void return_credit(struct turn_entry *entry)
{
    struct gateway_link *self = MEM_CONTAINER(entry, struct gateway_link, credit);
    if (self->owed < self->owner->settings->message_window_bytes / GATEWAY_LINK_CREDIT_PARTS) {
        return;
    }
    PEER_SEND(&self->peer, CREDIT, credit, .bytes = (uint32_t)self->owed);
    self->under_way -= self->owed;
    self->owed = 0;
}

static int take_credit(struct gateway_link *self, size_t len)
{
    self->under_way += len;
    return self->under_way <= self->owner->settings->message_window_bytes ? 0 : ERR_LIMIT;
}

static void owe_credit(struct gateway_link *self, size_t len)
{
    self->owed += len;
    turn_add(self->owner->turn, &self->credit, return_credit);
}

/* ---- messages ---- */

static void reject(struct gateway_link *self, struct str reason)
{
    self->owner->core->stats.links_refused++;
    log_event(LOG_WARN, "link_refused", log_text("gateway", self->name), log_str("reason", reason));
    PEER_SEND(&self->peer, REJECTED, rejected, .reason = reason);
    leave(self);
    link_flush_and_close(&self->link);
}

/* It says HELLO anew before we noticed that its older link is dead. */
static void supersede(struct gateway_link *self)
{
    LIST_EACH(&self->owner->all, node)
    {
        struct gateway_link *other = LIST_OF(node, struct gateway_link, node);
        if (other != self && other->state == UP && other->gateway == self->gateway) {
            lose(other, ERR_BUSY);
        }
    }
}

static int handle_hello(struct gateway_link *self, struct str body)
{
    struct link_hello hello;
    if (link_get_hello(body, &hello) != 0) {
        return ERR_PROTOCOL;
    }
    self->gateway = hello.gateway;
    self->name = mem_strndup(hello.name.len == 0 ? "" : hello.name.at, hello.name.len);
    if (hello.version_min > LINK_VERSION || hello.version_max < LINK_VERSION) {
        reject(self, STR("no version of the link protocol in common: this broker speaks 1"));
        return 0;
    }
    supersede(self);
    wheel_remove(self->owner->wheel, &self->hello);
    set_state(self, UP);
    self->peer.gateway = self->gateway;
    core_add_peer(self->owner->core, &self->peer);
    known_gateways_add(self->owner->settings->socket, self->gateway, self->name);
    log_event(LOG_INFO, "link_opened", log_text("gateway", self->name),
              log_u64("sessions", hello.sessions));
    PEER_SEND(&self->peer, HELLOED, helloed, .version = LINK_VERSION, .broker = self->owner->broker,
              .window = (uint32_t)self->owner->settings->message_window_bytes);
    return 0;
}

static int handle_command(struct gateway_link *self, uint8_t type, struct str body)
{
    bool takes_credit = commands_take_credit(type);
    int code = takes_credit ? take_credit(self, body.len) : 0;
    if (code == 0) {
        code = commands_handle(self->owner->core, &self->peer, type, body);
    }
    if (code == 0 && takes_credit) {
        owe_credit(self, body.len);
    }
    return code;
}

static int on_message(struct link *link, uint8_t type, struct str body)
{
    struct gateway_link *self = MEM_CONTAINER(link, struct gateway_link, link);
    int code = ERR_PROTOCOL;
    self->type = type;
    self->is_handling = true;
    if (self->state == UP) {
        code = handle_command(self, type, body);
    } else if (self->state == AWAIT_HELLO && type == LINK_HELLO) {
        code = handle_hello(self, body);
    }
    self->is_handling = code < 0; /* on_lost() comes at once, and names the message */
    return code;
}

static const struct link_handler link_handler = {on_message, on_lost, on_closed};

/* ---- accepting ---- */

static void on_hello_overdue(struct wheel_entry *entry)
{
    lose(MEM_CONTAINER(entry, struct gateway_link, hello), ERR_LIMIT);
}

static bool is_uid_allowed(const struct broker_settings *settings, unsigned uid)
{
    for (size_t i = 0; i < settings->allow_uid_count; i++) {
        if (settings->allow_uids[i] == uid) {
            return true;
        }
    }
    return uid == 0 || uid == geteuid();
}

/* 0, or logged why not. */
static int check_peer(struct gateway_link *self)
{
    unsigned uid = 0;
    int code = link_peer_uid(&self->link, &uid);
    if (code == 0 && !is_uid_allowed(self->owner->settings, uid)) {
        code = ERR_DENIED;
    } else if (code == 0 && self->owner->count > GATEWAY_LINKS_MAX) {
        code = ERR_LIMIT;
    }
    if (code != 0) {
        self->owner->core->stats.links_refused++;
        log_event(LOG_WARN, "link_refused", log_u64("uid", uid), log_err(code));
    }
    return code;
}

/* A pipe that never became a link. */
static void on_pipe_closed(uv_handle_t *handle)
{
    on_closed(MEM_CONTAINER(handle, struct link, pipe));
}

static int open_link(struct gateway_link *self, uv_stream_t *server)
{
    const struct link_options options = {self->owner->settings->link_queue_bytes_max,
                                         self->owner->settings->link_stall_ms};
    int code = uv_accept(server, (uv_stream_t *)&self->link.pipe);
    if (code == 0) {
        code = check_peer(self);
    }
    if (code == 0) {
        code =
            link_open(&self->link, self->owner->turn, self->owner->wheel, &options, &link_handler);
    }
    return code;
}

void gateway_links_accept(struct gateway_links *links, uv_stream_t *server)
{
    struct gateway_link *self = mem_zalloc(sizeof(*self));
    self->owner = links;
    self->peer.begin = begin_message;
    self->peer.end = end_message;
    self->peer.is_behind = is_behind;
    int code = uv_pipe_init(links->loop, &self->link.pipe, 0);
    assert(code == 0);
    list_append(&links->all, &self->node);
    links->count++;
    code = open_link(self, server);
    if (code != 0) {
        self->state = LOST;
        uv_close((uv_handle_t *)&self->link.pipe, on_pipe_closed);
        return;
    }
    wheel_add(links->wheel, &self->hello, GATEWAY_LINK_HELLO_MS, on_hello_overdue);
}

void gateway_links_init(struct gateway_links *links)
{
    list_init(&links->all);
    links->count = 0;
}

void gateway_links_each_queue(const struct gateway_links *links, gateway_queue_cb queue, void *data)
{
    LIST_EACH(&links->all, node)
    {
        const struct gateway_link *self = LIST_OF(node, struct gateway_link, node);
        if (self->state == UP) {
            queue(data, &self->peer, str_of(self->name), link_queued(&self->link));
        }
    }
}

void gateway_links_close(struct gateway_links *links)
{
    links->is_closing = true; /* the next broker is to wait for all of them */
    /* First nobody is a peer any more: no session moves from one to the other while all of them go. */
    LIST_EACH(&links->all, node)
    {
        struct gateway_link *self = LIST_OF(node, struct gateway_link, node);
        if (self->state == UP) {
            peers_remove(&links->core->peers, &self->peer);
        }
    }
    LIST_EACH(&links->all, node)
    {
        struct gateway_link *self = LIST_OF(node, struct gateway_link, node);
        if (self->state != LOST) {
            leave(self);
            link_flush_and_close(&self->link);
        }
    }
}
